"""The numbered equations of the chapter on Newton's method and its relatives."""

from fractions import Fraction
from itertools import pairwise

import mpmath
import numpy as np
import pytest
import sympy
import torch
from dlmath.optimizers import (
    bfgs,
    damped_newton,
    gauss_newton,
    newton,
    wolfe_line_search,
)
from dlmath.optimizers._newton import downhill, marquardt_step
from dlmath.optimizers._quasi_newton import Dense, Limited
from scipy import linalg, optimize, stats
from scipy.optimize import rosen, rosen_der, rosen_hess

torch.set_num_threads(1)


def positive(rng, n):
    """Draw a symmetric positive definite matrix."""
    Q = np.linalg.qr(rng.standard_normal((n, n)))[0]
    H = (Q * rng.uniform(0.5, 3.0, n)) @ Q.T
    return (H + H.T) / 2


def pair(rng, n):
    """Draw a matrix, a step and a difference of gradients with positive product."""
    s = rng.standard_normal(n)
    return positive(rng, n), s, positive(rng, n) @ s


def formula(H, s, y):
    """Compute the right-hand side of eq-newton-and-quasi-newton-inverse as it stands."""
    rho, identity = 1 / (y @ s), np.eye(len(s))
    left = identity - rho * np.outer(s, y)
    return left @ H @ left.T + rho * np.outer(s, s)


# The question, and Newton's method.


@pytest.mark.verifies(
    "eq-newton-and-quasi-newton-peak", routes=("dlmath.optimizers.gauss_newton", "SciPy", "torch")
)
def test_peak(verify):
    """Noise-free data give their parameters back; the Jacobian is that of torch."""
    at = np.arange(70.0, 95)
    truth = np.array([5.0, 82.0, 3.0, -0.7])

    def f(theta):
        a, c, w, b = theta
        return b + a * np.exp(-((at - c) ** 2) / (2 * w**2))

    data = truth[3] + truth[0] * np.sqrt(2 * np.pi) * truth[2] * stats.norm.pdf(at, 82, 3)
    verify.agree(f(truth), data, rtol=1e-13, atol=1e-14)
    without = truth[3] + truth[0] * np.exp(-((at - 82) ** 2) / 9)
    verify.refutes(without, data, why="factor 2 in the exponent")
    verify.refutes(2 * truth[3] - data, data, why="sign of the peak")

    def jacobian(theta):
        return torch.autograd.functional.jacobian(
            lambda t: t[3] + t[0] * torch.exp(-((torch.tensor(at) - t[1]) ** 2) / (2 * t[2] ** 2)),
            torch.tensor(theta),
        ).numpy()

    found = gauss_newton(lambda t: f(t) - data, jacobian, np.array([4.0, 80.0, 4.0, 0.0]))
    verify.agree(found.x, truth, rtol=1e-10)
    verify.refutes(found.x * [1, 1, np.sqrt(2), 1], truth, why="width of another convention")


@pytest.mark.verifies(
    "eq-newton-and-quasi-newton-scalar", routes=("sympy", "exact fractions", "dlmath")
)
def test_scalar_step(verify):
    """The lowest point of the parabola, in symbols; Heron's root in fractions."""
    x, delta = sympy.symbols("x delta")
    C = sympy.Function("C")
    parabola = C(x) + C(x).diff(x) * delta + C(x).diff(x, 2) * delta**2 / 2
    (lowest,) = sympy.solve(parabola.diff(delta), delta)
    ratio = C(x).diff(x) / C(x).diff(x, 2)
    verify.identical(lowest, -ratio)
    verify.refutes(lowest, ratio, why="sign")
    verify.refutes(lowest, -2 * ratio, why="factor 2")
    # C = x^3/3 - 2 x has its minimum at the root of 2; the step is Heron's.
    path, heron = [Fraction(2)], [Fraction(2)]
    for _ in range(4):
        path.append(path[-1] - (path[-1] ** 2 - 2) / (2 * path[-1]))
        heron.append((heron[-1] + 2 / heron[-1]) / 2)
    dlmath = newton(lambda v: v**2 - 2, lambda v: np.diag(2 * v), [2.0], tol=1e-6, max_iter=4)
    verify.agree(dlmath.trajectory[:, 0], [float(v) for v in heron], rtol=1e-14)
    verify.refutes([2.0] * 5, [float(v) for v in heron], why="no step")
    assert path == heron


@pytest.mark.verifies(
    "eq-newton-and-quasi-newton-step", routes=("torch", "dlmath.optimizers.newton", "the model")
)
def test_newton_step(verify):
    """Where the gradient of the quadratic model, found by torch, vanishes, dlmath goes."""
    x = np.array([0.3, -0.7, 1.2])

    def cost(t):
        return torch.sum(torch.logaddexp(t, -t)) + (t[0] * t[1] - t[2]) ** 2 + t @ t

    t = torch.tensor(x)
    g = torch.autograd.functional.jacobian(cost, t).numpy()
    H = torch.autograd.functional.hessian(cost, t).numpy()
    goal = optimize.root(lambda d: g + H @ d, np.zeros(3), tol=1e-14).x + x
    one = newton(
        lambda v: torch.autograd.functional.jacobian(cost, torch.tensor(v)).numpy(),
        lambda v: torch.autograd.functional.hessian(cost, torch.tensor(v)).numpy(),
        x,
        max_iter=1,
    ).x
    verify.agree(one, goal, rtol=1e-12)
    verify.refutes(2 * x - one, goal, why="sign")
    verify.refutes(x - g, goal, why="no Hessian")
    verify.refutes(x - H @ g, goal, why="not inverted")
    verify.refutes(x - 2 * np.linalg.solve(H, g), goal, why="factor 2")


@pytest.mark.verifies(
    "eq-newton-and-quasi-newton-invariance", routes=("torch", "the chain rule", "dlmath")
)
def test_invariance(verify):
    """Derivatives in other coordinates by torch; both walks visit the same points."""
    rng = np.random.default_rng(0)
    A, b, z = rng.standard_normal((3, 3)), rng.standard_normal(3), rng.standard_normal(3)

    def cost(x):
        return 100 * torch.sum((x[1:] - x[:-1] ** 2) ** 2) + torch.sum((1 - x[:-1]) ** 2)

    def other(t):
        return cost(torch.tensor(A) @ t + torch.tensor(b))

    x, t = A @ z + b, torch.tensor(z)
    g = torch.autograd.functional.jacobian(other, t).numpy()
    H = torch.autograd.functional.hessian(other, t).numpy()
    verify.agree(g, A.T @ rosen_der(x), rtol=1e-11)
    verify.refutes(g, A @ rosen_der(x), why="transpose")
    verify.refutes(g, np.linalg.solve(A, rosen_der(x)), why="like a step")
    verify.agree(H, A.T @ rosen_hess(x) @ A, rtol=1e-12, atol=1e-10)
    verify.refutes(H, A @ rosen_hess(x) @ A.T, why="transposes exchanged")
    step = np.linalg.solve(rosen_hess(x), rosen_der(x))
    verify.agree(A @ np.linalg.solve(H, g), step, rtol=1e-12)
    verify.refutes(A @ g, rosen_der(x), why="gradient steps are not invariant")
    walk = newton(rosen_der, rosen_hess, x, max_iter=4).trajectory
    image = newton(
        lambda v: A.T @ rosen_der(A @ v + b),
        lambda v: A.T @ rosen_hess(A @ v + b) @ A,
        z,
        max_iter=4,
    ).trajectory
    verify.agree(image @ A.T + b, walk, rtol=1e-11, atol=1e-11)
    verify.refutes(image @ A + b, walk, why="transposed map")


CYCLE_MU, CYCLE_M = 1.5, 0.7


@pytest.mark.verifies(
    "eq-newton-and-quasi-newton-quadratic",
    "eq-newton-and-quasi-newton-cycle",
    routes=("fifty digits", "dlmath.optimizers.newton", "the bound"),
)
def test_quadratic_convergence(verify):
    """Errors stay below the bound, the extreme cost attains it, and on the sphere it cycles."""
    mu, M = mpmath.mpf(CYCLE_MU), mpmath.mpf(CYCLE_M)

    def bound(e, m=1.0):
        return m * CYCLE_M * e**2 / (2 * (CYCLE_MU - CYCLE_M * e))

    def step(x):
        C = lambda v: mu / 2 * v**2 - M / 6 * abs(v) ** 3  # noqa: E731
        return x - mpmath.diff(C, x) / mpmath.diff(C, x, 2)

    starts = np.array([-1.3, -0.6, 0.2, 0.9, 1.4])
    with mpmath.workdps(50):
        measured = np.array([float(step(mpmath.mpf(x))) for x in starts])
    text = -CYCLE_M * starts * np.abs(starts) / (2 * (CYCLE_MU - CYCLE_M * np.abs(starts)))
    verify.agree(measured, text, rtol=1e-12)
    verify.refutes(measured, -text, why="sign")
    verify.refutes(measured, 2 * text, why="factor 2")
    verify.refutes(measured, np.abs(text), why="always to the right")
    verify.agree(np.abs(measured), bound(np.abs(starts)), rtol=1e-12)
    verify.refutes(np.abs(measured), bound(np.abs(starts), m=0.5), why="half the constant")
    radius = 2 * CYCLE_MU / (3 * CYCLE_M)
    ours = newton(
        lambda x: CYCLE_MU * x - CYCLE_M * x * np.abs(x) / 2,
        lambda x: np.diag(CYCLE_MU - CYCLE_M * np.abs(x)),
        [radius],
        max_iter=3,
    ).trajectory[:, 0]
    verify.agree(ours, radius * np.array([1, -1, 1, -1]), rtol=1e-13)
    verify.refutes(ours, radius * np.ones(4), why="sign of the cycle")

    # In two dimensions, with M valid on the ball of radius 2 mu / (3 M).
    A = np.array([[1.0, 0.2], [-0.3, 0.9], [0.4, 0.5]])
    least, norms = np.linalg.eigvalsh(A.T @ A)[0], np.linalg.norm(A, axis=1)

    def lipschitz(r):
        return np.sum(norms**3 * np.exp(norms * r))

    r = optimize.brentq(lambda r: r - 2 * least / (3 * lipschitz(r)), 1e-3, 10)
    m = lipschitz(r)
    # The Lipschitz constant itself, sampled.
    rng = np.random.default_rng(1)
    old, new, middle = [], [], []
    for _ in range(50):
        x = rng.standard_normal(2)
        x *= rng.uniform(0.05, 1) * r / np.linalg.norm(x)
        after = x - np.linalg.solve((A.T * np.exp(A @ x)) @ A, A.T @ np.expm1(A @ x))
        e = np.linalg.norm(x)
        old.append(np.linalg.norm(after))
        new.append(m * e**2 / (2 * (least - m * e)))
        middle.append(1.5 * m / least * e**2)
    verify.at_most(old, new)
    verify.refutes(old, np.array(new) / 30, why="far below the bound")
    verify.at_most(new, middle)
    verify.refutes(middle, new, why="the bounds exchanged")


@pytest.mark.verifies(
    "eq-newton-and-quasi-newton-remainder", routes=("quadrature", "the step of dlmath")
)
def test_remainder(verify):
    """The integral of the Hessian's change, by quadrature, is the error after a step."""
    star, x = np.ones(3), np.array([1.2, 0.9, 1.1])
    v = x - star
    nodes, weights = np.polynomial.legendre.leggauss(8)
    t = (nodes + 1) / 2
    bracket = sum(
        w / 2 * (rosen_hess(x) - rosen_hess(star + u * v)) @ v
        for w, u in zip(weights, t, strict=True)
    )
    error = newton(rosen_der, rosen_hess, x, max_iter=1).x - star
    verify.agree(np.linalg.solve(rosen_hess(x), bracket), error, rtol=1e-11)
    verify.refutes(-np.linalg.solve(rosen_hess(x), bracket), error, why="sign")
    verify.refutes(np.linalg.solve(rosen_hess(star), bracket), error, why="Hessian at the minimum")
    verify.refutes(bracket, error, why="not inverted")
    verify.refutes(2 * np.linalg.solve(rosen_hess(x), bracket), error, why="factor 2")


# Far away.


@pytest.mark.verifies(
    "eq-newton-and-quasi-newton-slope",
    "eq-newton-and-quasi-newton-absolute",
    routes=("linear solve", "eigenvalues", "matrix square root", "dlmath"),
)
def test_slopes_of_the_directions(verify):
    """Newton's slope by a solve, the safe direction by a square root of H squared."""
    rng = np.random.default_rng(2)
    n = 5
    Q = np.linalg.qr(rng.standard_normal((n, n)))[0]
    nu = np.array([-2.0, -0.5, 0.4, 1.5, 3.0])
    H, g = (Q * nu) @ Q.T, rng.standard_normal(n)
    slope = g @ -np.linalg.solve(H, g)
    parts = (Q.T @ g) ** 2 / nu
    verify.agree(slope, -np.sum(parts), rtol=1e-12)
    verify.refutes(slope, np.sum(parts), why="sign")
    verify.refutes(slope, -np.sum((Q.T @ g) ** 2 * nu), why="multiplied by the curvature")
    verify.refutes(slope, -np.sum((Q @ g) ** 2 / nu), why="transpose")
    root = linalg.sqrtm(H @ H).real
    d = downhill(H, g)
    verify.agree(d, -np.linalg.solve(root, g), rtol=1e-11)
    verify.refutes(d, np.linalg.solve(root, g), why="sign of the direction")
    verify.refutes(d, -np.linalg.solve(H, g), why="no absolute values")
    verify.refutes(d, -np.linalg.solve(np.abs(H), g), why="absolute entries")
    verify.agree(g @ d, -np.sum(np.abs(parts)), rtol=1e-11)
    verify.refutes(g @ d, -np.sum(parts), why="slope without absolute values")


# Line search.


def along(x, d):
    return lambda a: rosen(x + a * d), lambda a: rosen_der(x + a * d) @ d


@pytest.mark.verifies(
    "eq-newton-and-quasi-newton-armijo",
    "eq-newton-and-quasi-newton-wolfe",
    routes=("dlmath.optimizers.wolfe_line_search", "a scan of the line", "SciPy"),
)
def test_wolfe_conditions(verify):
    """Steps of dlmath and of SciPy satisfy both; a scan of the line finds a whole interval."""
    rng = np.random.default_rng(3)
    costs, ceilings, tangents, too_long = [], [], [], []
    slopes, limits, too_steep = [], [], []
    for _ in range(10):
        x = rng.uniform(-1.5, 1.5, 4)
        d = -rosen_der(x)
        phi, dphi = along(x, d)
        a = wolfe_line_search(rosen, rosen_der, x, d, c1=0.1, c2=0.4, most=60).step
        theirs = optimize.line_search(rosen, rosen_der, x, d, c1=0.1, c2=0.4)[0]
        scan = np.geomspace(1e-6, 1, 20_000)
        values = rosen(x[:, None] + scan * d[:, None])
        inside = values <= phi(0) + 0.1 * scan * dphi(0)
        gradient = np.gradient(values, scan)
        assert np.any(inside & (np.abs(gradient) <= 0.4 * abs(dphi(0))))
        for step in (a, theirs):
            if step is None:
                continue
            costs.append(phi(step))
            ceilings.append(phi(0) + 0.1 * step * dphi(0))
            tangents.append(phi(0) + step * dphi(0))
            too_long.append(phi(2 * step))
            slopes.append(abs(dphi(step)))
            limits.append(0.4 * abs(dphi(0)))
            too_steep.append(abs(dphi(1e-3 * step)))
    verify.at_most(costs, ceilings)
    verify.refutes(too_long, ceilings, why="a step that is too long")
    verify.refutes(costs, tangents, why="c1 forgotten")
    verify.at_most(slopes, limits)
    verify.refutes(too_steep, limits, why="a step that is too short")
    verify.refutes(slopes, np.array(limits) / 1e6, why="nearly exact search")


@pytest.mark.verifies(
    "eq-newton-and-quasi-newton-zoutendijk", routes=("walks with dlmath's search", "the bound")
)
def test_zoutendijk(verify):
    """Walks in random directions stay below the bound; one down a parabola nearly reaches it."""
    rng = np.random.default_rng(4)
    c1, c2 = 0.2, 0.5
    sums, bounds = [], []
    for n in (2, 5):
        w = rng.uniform(0.5, 4, n)

        def cost(x, w=w):
            return np.sum(w * (1 - np.cos(x)))

        def gradient(x, w=w):
            return w * np.sin(x)

        x, total = rng.uniform(-2.5, 2.5, n), 0.0
        first = cost(x)
        for _ in range(200):
            g = gradient(x)
            if np.linalg.norm(g) < 1e-7:
                break
            d = -g + 0.9 * np.linalg.norm(g) * rng.standard_normal(n) / np.sqrt(n)
            if g @ d >= 0:
                continue
            end = wolfe_line_search(cost, gradient, x, d, c1=c1, c2=c2)
            cosine = -(g @ d) / np.linalg.norm(g) / np.linalg.norm(d)
            total += cosine**2 * (g @ g)
            x = end.x
        sums.append(total)
        bounds.append(w.max() / (c1 * (1 - c2)) * first)
    verify.at_most(sums, bounds)

    # A walk that needs nearly all of it: down a parabola, with the shortest steps allowed.
    c1, c2, L, x0 = 0.98, 0.99, 3.0, 2.0
    path = x0 * c2 ** np.arange(3000)
    total, first = np.sum((L * path) ** 2), L * x0**2 / 2
    verify.at_most(total, L / (c1 * (1 - c2)) * first)
    verify.refutes(total, L / (c1 * (1 - c2)) * first / 2, why="factor 2")
    verify.refutes(total, 1 / (c1 * (1 - c2)) * first, why="L forgotten")
    verify.refutes(total, L / (1 - c2) * first, why="c1 forgotten")
    verify.refutes(total, L / c1 * first, why="1 - c2 forgotten")
    # What the proof adds up: the decrease in one of these steps, and their length.
    decrease = first - L * path[1] ** 2 / 2
    verify.at_most(c1 * (1 - c2) / L * (L * x0) ** 2, decrease)
    verify.refutes((1 - c2) / L * (L * x0) ** 2, decrease, why="c1 forgotten")
    verify.refutes(c1 * (1 - c2) * (L * x0) ** 2, decrease, why="L forgotten")
    end = wolfe_line_search(
        lambda x: L * x[0] ** 2 / 2, lambda x: L * x, [x0], [-L * x0], first=1e-9, c1=c1, c2=c2
    )
    verify.at_most((1 - c2) / L, end.step)
    verify.refutes(1 - c2, end.step, why="L forgotten")
    verify.refutes(1 / L, end.step, why="1 - c2 forgotten")


# Quasi-Newton.


@pytest.mark.verifies(
    "eq-newton-and-quasi-newton-secant", routes=("quadrature of the Hessian", "gradients")
)
def test_secant(verify):
    """The mean Hessian along a step, by quadrature, maps it to the difference of gradients."""
    rng = np.random.default_rng(5)
    x, s = rng.uniform(-1, 1, 4), rng.uniform(-1, 1, 4)
    y = rosen_der(x + s) - rosen_der(x)
    nodes, weights = np.polynomial.legendre.leggauss(6)
    mean = sum(w / 2 * rosen_hess(x + (u + 1) / 2 * s) for w, u in zip(weights, nodes, strict=True))
    verify.agree(mean @ s, y, rtol=1e-11)
    verify.refutes(-mean @ s, y, why="sign")
    verify.refutes(2 * mean @ s, y, why="weights that sum to two")
    verify.refutes(rosen_hess(x) @ s, y, why="Hessian at the start")
    found = bfgs(rosen, rosen_der, x, max_iter=9)
    last = found.trajectory[-1] - found.trajectory[-2]
    difference = rosen_der(found.trajectory[-1]) - rosen_der(found.trajectory[-2])
    verify.agree(found.hess_inv @ difference, last, rtol=1e-8)
    verify.refutes(found.hess_inv @ last, difference, why="step and difference exchanged")


@pytest.mark.verifies(
    "eq-newton-and-quasi-newton-least-change",
    "eq-newton-and-quasi-newton-inverse",
    "eq-newton-and-quasi-newton-projected",
    routes=("constrained least squares", "projectors", "dlmath.optimizers.bfgs"),
)
@pytest.mark.parametrize("seed", [0, 1])
def test_least_change(verify, seed):
    """A linear solver that knows only the constraints finds the update, for two weights."""
    rng = np.random.default_rng(seed)
    n = 4
    H, s, y = pair(rng, n)
    right = formula(H, s, y)
    dense = Dense()
    dense.H = H.copy()
    dense.update(s, y)
    verify.agree(dense.H, right, rtol=1e-11, atol=1e-12)
    verify.refutes(formula(H, y, s), right, why="step and difference exchanged")
    verify.refutes(right - 2 * np.outer(s, s) / (y @ s), right, why="sign of the last term")
    verify.refutes(right - np.outer(s, s) / (y @ s), right, why="last term missing")

    # Weights with W s = y: the update of the Hessian of any positive definite matrix is one.
    for _ in range(2):
        B = positive(rng, n)
        W = B - np.outer(B @ s, B @ s) / (s @ B @ s) + np.outer(y, y) / (y @ s)
        root = linalg.sqrtm(W).real
        rows, columns = np.triu_indices(n)
        basis = []
        for i, j in zip(rows, columns, strict=True):
            E = np.zeros((n, n))
            E[i, j] = E[j, i] = 1
            basis.append(E)
        conditions = np.array([E @ y for E in basis]).T
        # All symmetric matrices that satisfy the secant equation: one of them and a null space.
        special = np.linalg.lstsq(conditions, s, rcond=None)[0]
        null = linalg.null_space(conditions)
        matrices = np.array(basis).reshape(len(basis), -1)

        def weighted(coefficients, root=root, matrices=matrices):
            return (root @ (coefficients @ matrices).reshape(n, n) @ root).ravel()

        design = np.array([weighted(v) for v in null.T]).T
        rest = weighted(special) - (root @ H @ root).ravel()
        free = np.linalg.lstsq(design, -rest, rcond=None)[0]
        nearest = ((special + null @ free) @ matrices).reshape(n, n)
        verify.agree(nearest, right, rtol=1e-12, atol=1e-12)
        verify.refutes((special @ matrices).reshape(n, n), right, why="another solution")
        z = root @ s
        P = np.outer(z, z) / (z @ z)
        Q = np.eye(n) - P
        hat = Q @ root @ H @ root @ Q + P
        verify.agree(root @ right @ root, hat, rtol=1e-12, atol=1e-12)
        verify.refutes(root @ right @ root, hat - 2 * P, why="sign of the projector")
        verify.refutes(root @ right @ root, hat - P, why="projector missing")
        verify.refutes(root @ right @ root, root @ H @ root + P, why="nothing forgotten")


@pytest.mark.verifies(
    "eq-newton-and-quasi-newton-curvature", routes=("gradients", "slopes along the line")
)
def test_curvature_of_a_wolfe_step(verify):
    """The product is the step times the rise of the slope, and above its bound."""
    rng = np.random.default_rng(6)
    products, rises, bounds, armijo = [], [], [], []
    c2 = 0.7
    for _ in range(12):
        x = rng.uniform(-1.5, 1.5, 3)
        d = -rosen_der(x)
        end = wolfe_line_search(rosen, rosen_der, x, d, c2=c2, first=1e-3)
        phi, _ = along(x, d)
        h = 1e-6 * end.step
        rise = (phi(end.step + h) - phi(end.step - h) - phi(h) + phi(-h)) / (2 * h)
        products.append((rosen_der(end.x) - rosen_der(x)) @ (end.x - x))
        rises.append(end.step * rise)
        bounds.append((1 - c2) * end.step * (d @ d))
        armijo.append(end.step * (d @ d) * 3)
    verify.agree(products, rises, rtol=1e-7, atol=1e-7)
    verify.refutes(-np.array(products), rises, why="sign")
    verify.refutes(2 * np.array(products), rises, why="factor 2")
    verify.at_most(bounds, products)
    verify.refutes(armijo, products, why="a bound above the rise")


@pytest.mark.verifies(
    "eq-newton-and-quasi-newton-direct", routes=("numerical inverse", "Woodbury", "sympy")
)
def test_direct_update(verify):
    """The inverse of the inverse update, numerically and in fractions."""
    rng = np.random.default_rng(7)
    H, s, y = pair(rng, 5)
    B = np.linalg.inv(H)
    Bs = B @ s
    text = B - np.outer(Bs, Bs) / (s @ Bs) + np.outer(y, y) / (y @ s)
    verify.agree(np.linalg.inv(formula(H, s, y)), text, rtol=1e-10, atol=1e-11)
    wrong = B + np.outer(Bs, Bs) / (s @ Bs) + np.outer(y, y) / (y @ s)
    verify.refutes(wrong, text, why="sign of the middle term")
    verify.refutes(B + np.outer(y, y) / (y @ s), text, why="middle term missing")
    verify.refutes(text + np.outer(y, y) / (y @ s), text, why="factor 2")
    U = np.column_stack([Bs, y])
    K = np.diag([-1 / (s @ Bs), 1 / (y @ s)])
    woodbury = H - H @ U @ np.linalg.inv(np.linalg.inv(K) + U.T @ H @ U) @ U.T @ H
    verify.agree(woodbury, formula(H, s, y), rtol=1e-9, atol=1e-10)
    verify.refutes(woodbury, formula(H, y, s), why="step and difference exchanged")
    exact_B = sympy.Matrix([[2, 1], [1, 3]])
    es, ey = sympy.Matrix([1, 2]), sympy.Matrix([3, 1])
    eB = (
        exact_B
        - exact_B * es * es.T * exact_B / (es.T * exact_B * es)[0]
        + ey * ey.T / (ey.T * es)[0]
    )
    rho = 1 / (ey.T * es)[0]
    V = sympy.eye(2) - rho * ey * es.T
    verify.identical(eB.inv(), V.T * exact_B.inv() * V + rho * es * es.T)
    verify.refutes(eB.inv(), V * exact_B.inv() * V.T + rho * es * es.T, why="transpose")


@pytest.mark.verifies(
    "eq-newton-and-quasi-newton-finite", routes=("exact fractions", "the inverse matrix")
)
def test_finite_termination(verify):
    """In fractions, n steps with exact line search are conjugate and end at the minimum."""
    A = sympy.Matrix([[5, 1, 0], [1, 3, 1], [0, 1, 2]])
    b, x, H = sympy.Matrix([1, 2, 3]), sympy.Matrix([2, -1, 1]), sympy.eye(3)
    steps, differences = [], []
    for _ in range(3):
        g = A * x - b
        d = -H * g
        s = -(g.T * d)[0] / (d.T * A * d)[0] * d
        y = A * s
        rho = 1 / (y.T * s)[0]
        V = sympy.eye(3) - rho * y * s.T
        H = (V.T * H * V + rho * s * s.T).applyfunc(sympy.nsimplify)
        x = x + s
        steps.append(s)
        differences.append(y)
    S, Y = sympy.Matrix.hstack(*steps), sympy.Matrix.hstack(*differences)
    products = S.T * A * S
    verify.identical(products - sympy.diag(*products.diagonal()), sympy.zeros(3))
    verify.refutes(products, sympy.zeros(3), why="lengths are not zero")
    euclidean = S.T * S
    verify.refutes(euclidean - sympy.diag(*euclidean.diagonal()), sympy.zeros(3), why="no A")
    verify.identical(H * Y, S)
    verify.refutes(H * S, Y, why="step and difference exchanged")
    verify.refutes(-H * Y, S, why="sign")
    verify.identical(H, A.inv())
    verify.refutes(H, A, why="not inverted")
    verify.identical(x, A.LUsolve(b))
    verify.refutes(x, -A.LUsolve(b), why="sign of the minimum")


@pytest.mark.verifies(
    "eq-newton-and-quasi-newton-dennis-more", routes=("dlmath.optimizers.bfgs", "the quotient")
)
def test_dennis_and_more(verify):
    """BFGS is superlinear and its quotient falls; a fixed guess is linear, and its does not."""
    star = rosen_hess(np.ones(3))
    path = bfgs(rosen, rosen_der, np.full(3, 0.5), tol=1e-12).trajectory
    B, quotients = np.eye(3), []
    for x, x_new in pairwise(path):
        s, y = x_new - x, rosen_der(x_new) - rosen_der(x)
        quotients.append(np.linalg.norm((B - star) @ s) / np.linalg.norm(s))
        B = B + np.outer(y, y) / (y @ s) - np.outer(B @ s, B @ s) / (s @ B @ s)
    errors = np.linalg.norm(path - 1, axis=1)
    ratios = errors[1:] / errors[:-1]
    size = np.linalg.norm(star, 2)
    verify.at_most([np.median(quotients[-4:]) / size, np.median(ratios[-6:-1])], [0.01, 0.2])
    verify.refutes([quotients[0] / size, ratios[0]], [0.01, 0.2], why="at the beginning")
    # A guess that stays at twice the Hessian: quotient one, and the error is halved each time.
    x, fixed = np.full(3, 1 + 1e-4), []
    for _ in range(12):
        step = -np.linalg.solve(2 * star, rosen_der(x))
        fixed.append(np.linalg.norm(x + step - 1) / np.linalg.norm(x - 1))
        x = x + step
    quotient = np.linalg.norm((2 * star - star) @ step) / np.linalg.norm(step) / size
    verify.refutes([quotient, fixed[-1]], [0.01, 0.2], why="a guess that does not learn")


@pytest.mark.verifies(
    "eq-newton-and-quasi-newton-two-loops",
    routes=("the matrix of the update", "dlmath.optimizers.lbfgs"),
)
@pytest.mark.parametrize("memory", [1, 4])
def test_two_loops(verify, memory):
    """The two loops multiply by the matrix that the formula of the update builds."""
    rng = np.random.default_rng(8)
    A, g = positive(rng, 5), rng.standard_normal(5)
    steps = rng.standard_normal((4, 5))
    limited = Limited(memory)
    for s in steps:
        limited.update(s, A @ s)
    kept = steps[-memory:]

    def matrix(order, gamma):
        H = gamma * np.eye(5)
        for s in order:
            H = formula(H, s, A @ s)
        return H

    s, y = kept[-1], A @ kept[-1]
    gamma = s @ y / (y @ y)
    verify.agree(limited.product(g), matrix(kept, gamma) @ g, rtol=1e-11, atol=1e-12)
    verify.refutes(limited.product(g), matrix(kept, 1.0) @ g, why="no gamma")
    verify.refutes(limited.product(g), matrix(kept, 1 / gamma) @ g, why="gamma upside down")
    verify.refutes(limited.product(g), -matrix(kept, gamma) @ g, why="sign")
    verify.refutes(limited.product(g), matrix(steps[:1], gamma) @ g, why="the oldest pair")
    alpha, q = {}, g.copy()
    rho = [1 / (s @ A @ s) for s in kept]
    for i in reversed(range(memory)):
        alpha[i] = rho[i] * kept[i] @ q
        q = q - alpha[i] * A @ kept[i]
    r = gamma * q
    for i in range(memory):
        r = r + (alpha[i] - rho[i] * (A @ kept[i]) @ r) * kept[i]
    verify.agree(r, matrix(kept, gamma) @ g, rtol=1e-11, atol=1e-12)
    verify.refutes(gamma * q, matrix(kept, gamma) @ g, why="no second loop")


# Sums of squares.


def bend(theta, x):
    """Compute residuals of a model with two parameters, for torch."""
    return torch.exp(theta[0] * x) + theta[1] ** 2 * x - 1.5


X = torch.linspace(-1, 1, 7, dtype=torch.float64)


@pytest.mark.verifies(
    "eq-newton-and-quasi-newton-squares", routes=("torch", "first and second derivatives")
)
def test_derivatives_of_a_sum_of_squares(verify):
    """Gradient and Hessian of the cost by torch are those of the residuals' derivatives."""
    theta, n = torch.tensor([0.4, -0.8], dtype=torch.float64), 7

    def cost(t):
        return torch.mean(bend(t, X) ** 2)

    r = bend(theta, X).numpy()
    J = torch.autograd.functional.jacobian(lambda t: bend(t, X), theta).numpy()
    second = np.array(
        [torch.autograd.functional.hessian(lambda t, x=x: bend(t, x), theta).numpy() for x in X]
    )
    g = torch.autograd.functional.jacobian(cost, theta).numpy()
    verify.agree(g, 2 / n * J.T @ r, rtol=1e-13)
    verify.refutes(g, 1 / n * J.T @ r, why="factor 2")
    verify.refutes(g, 2 * J.T @ r, why="factor n")
    verify.refutes(g, -2 / n * J.T @ r, why="sign")
    H = torch.autograd.functional.hessian(cost, theta).numpy()
    curved = np.einsum("i,ijk->jk", r, second)
    verify.agree(H, 2 / n * (J.T @ J + curved), rtol=1e-12)
    verify.refutes(H, 2 / n * J.T @ J, why="Gauss-Newton only")
    verify.refutes(H, 2 / n * (J.T @ J - curved), why="sign of the second term")
    verify.refutes(H, 2 * (J.T @ J + curved), why="factor n in the Hessian")
    verify.refutes(H, 1 / n * (J.T @ J + curved), why="factor 2 in the Hessian")


@pytest.mark.verifies(
    "eq-newton-and-quasi-newton-marquardt",
    routes=("the linear system", "dlmath, rows below one another", "the two limits"),
)
def test_marquardt_step(verify):
    """The stacked least-squares problem solves the system; the limits are as the text says."""
    rng = np.random.default_rng(9)
    J, r, lam = rng.standard_normal((8, 3)) * [1, 5, 0.2], rng.standard_normal(8), 0.7
    gram = J.T @ J
    D = np.diag(np.diag(gram))
    step = np.linalg.solve(gram + lam * D, -J.T @ r)
    verify.agree(marquardt_step(J, r, lam), step, rtol=1e-12)
    verify.refutes(-marquardt_step(J, r, lam), step, why="sign")
    verify.refutes(np.linalg.solve(gram + lam * np.eye(3), -J.T @ r), step, why="identity for D")
    verify.refutes(np.linalg.solve(gram + lam**2 * D, -J.T @ r), step, why="lambda squared")
    verify.refutes(np.linalg.solve(gram + 2 * lam * D, -J.T @ r), step, why="factor 2")
    verify.agree(marquardt_step(J, r, 1e-12), np.linalg.lstsq(J, -r, rcond=None)[0], rtol=1e-9)
    verify.refutes(marquardt_step(J, r, 1.0), np.linalg.lstsq(J, -r, rcond=None)[0], why="damped")
    verify.agree(marquardt_step(J, r, 1e9), -(J.T @ r) / np.diag(gram) / 1e9, rtol=1e-8)
    verify.refutes(marquardt_step(J, r, 1e9), (J.T @ r) / np.diag(gram) / 1e9, why="uphill")


@pytest.mark.verifies(
    "eq-newton-and-quasi-newton-covariance",
    routes=("all signs of the noise", "the Hessian of the cost", "scipy.optimize.curve_fit"),
)
def test_covariance(verify):
    """Exact averages over the signs of the noise for a linear model; SciPy for a curve."""
    rng = np.random.default_rng(10)
    n, p, s = 9, 2, 0.3
    J = rng.standard_normal((n, p))
    noise = s * (2 * ((np.arange(2**n)[:, None] >> np.arange(n)) & 1) - 1.0)
    fits = np.linalg.lstsq(J, noise.T, rcond=None)[0]
    covariance = fits @ fits.T / 2**n
    inverse = np.linalg.inv(J.T @ J)
    verify.agree(covariance, s**2 * inverse, rtol=1e-12)
    verify.refutes(covariance, s**2 / n * inverse, why="factor n")
    verify.refutes(covariance, 2 * s**2 * inverse, why="factor 2")
    verify.refutes(covariance, s * inverse, why="variance without its square")
    verify.refutes(covariance, s**2 * np.linalg.inv(2 / n * J.T @ J), why="Hessian without 2/n")
    left = noise.T - J @ fits
    verify.agree(np.mean(np.sum(left**2, axis=0)) / (n - p), s**2, rtol=1e-12)
    verify.refutes(np.mean(np.sum(left**2, axis=0)) / n, s**2, why="n for n - p")

    H = torch.autograd.functional.hessian(
        lambda t: torch.mean((torch.tensor(J) @ t - 1) ** 2), torch.zeros(p, dtype=torch.float64)
    ).numpy()
    verify.agree(2 * s**2 / n * np.linalg.inv(H), s**2 * inverse, rtol=1e-12)
    verify.refutes(s**2 / n * np.linalg.inv(H), s**2 * inverse, why="factor 2 beside the Hessian")

    at = np.linspace(0, 3, 20)
    data = 2 * np.exp(-at) + 0.1 * np.cos(17 * at)
    _, theirs = optimize.curve_fit(lambda x, a, b: a * np.exp(-b * x), at, data, [1.0, 0.5])
    fit = gauss_newton(
        lambda t: t[0] * np.exp(-t[1] * at) - data,
        lambda t: np.column_stack([np.exp(-t[1] * at), -t[0] * at * np.exp(-t[1] * at)]),
        [1.0, 0.5],
    )
    variance = fit.residuals @ fit.residuals / (20 - 2)
    ours = variance * np.linalg.inv(fit.jacobian.T @ fit.jacobian)
    verify.agree(ours, theirs, rtol=1e-4)
    verify.refutes(ours * 18 / 20, theirs, why="n for n - p, with SciPy")


@pytest.mark.verifies(
    "eq-newton-and-quasi-newton-fisher", routes=("quadrature over the noise", "the Jacobian")
)
def test_fisher_information(verify):
    """The mean outer product of the score, by Gauss and Hermite, is Gauss and Newton's matrix."""
    theta, s = torch.tensor([0.3, 0.7], dtype=torch.float64), 0.4
    x = X[:2]
    mean = (bend(theta, x)).numpy()
    nodes, weights = np.polynomial.hermite_e.hermegauss(8)
    total = np.zeros((2, 2))
    for u, a in zip(nodes, weights, strict=True):
        for v, b in zip(nodes, weights, strict=True):
            y = torch.tensor(mean + s * np.array([u, v]))
            score = torch.autograd.functional.jacobian(
                lambda t, y=y: -torch.sum((y - bend(t, x)) ** 2) / (2 * s**2), theta
            ).numpy()
            total += a * b / (2 * np.pi) * np.outer(score, score)
    J = torch.autograd.functional.jacobian(lambda t: bend(t, x), theta).numpy()
    verify.agree(total, J.T @ J / s**2, rtol=1e-11)
    verify.refutes(total, J.T @ J / s, why="no square")
    verify.refutes(total, 2 * J.T @ J / s**2, why="factor 2")
    verify.refutes(total, J.T @ J / (2 * s**2), why="factor n")
    verify.refutes(total, J @ J.T / s**2, why="transpose")
    verify.refutes(total, -J.T @ J / s**2, why="sign")


# Noise.


@pytest.mark.verifies(
    "eq-newton-and-quasi-newton-noise", routes=("simulation", "two-dimensional quadrature")
)
def test_sign_of_a_noisy_curvature(verify):
    """The share of wrong signs, simulated and integrated over both noises, is the formula's."""
    h, step, s, B = 1.5, 0.4, 3.0, 16
    sd = s / np.sqrt(B)
    nodes, weights = np.polynomial.legendre.leggauss(200)
    xi = 8 * sd * nodes
    density = 8 * sd * weights * stats.norm.pdf(xi, scale=sd)
    # For each noise at the start, the probability that the noise at the end is small enough.
    exact = np.sum(density * stats.norm.cdf((xi - h * step) / sd))
    text = stats.norm.cdf(-h * step / np.sqrt(2 * s**2 / B))
    verify.agree(exact, text, rtol=1e-10)
    verify.refutes(stats.norm.cdf(-h * step / np.sqrt(s**2 / B)), text, why="factor 2")
    verify.refutes(stats.norm.cdf(-h * step / np.sqrt(2 * s**2)), text, why="factor B")
    verify.refutes(stats.norm.cdf(h * step / np.sqrt(2 * s**2 / B)), text, why="sign")
    rng = np.random.default_rng(11)
    count = 40_000
    one, two = (rng.standard_normal((count, B)).mean(axis=1) * s for _ in range(2))
    share = np.mean((h * step + two - one) * step < 0)
    verify.agree(share, text, atol=4 * np.sqrt(text * (1 - text) / count))
    verify.refutes(1 - share, text, why="the right signs")


def test_damped_newton_takes_newtons_steps_in_the_end():
    """Not an equation: the two repairs leave the local theorem as it is."""
    found = damped_newton(rosen, rosen_der, rosen_hess, [-1.2, 1.0], tol=1e-10)
    x = found.trajectory[-2]
    step = x - np.linalg.solve(rosen_hess(x), rosen_der(x))
    np.testing.assert_allclose(found.trajectory[-1], step, rtol=1e-9)
