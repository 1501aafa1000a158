"""The numbered equations of the appendix on convexity."""

from itertools import pairwise

import numpy as np
import pytest
import sympy
import torch
from scipy import integrate, optimize, special

torch.set_num_threads(1)

SHARES = np.linspace(0, 1, 21)


def quartic(theta):
    """Give a convex function of two variables that is neither quadratic nor separable."""
    u, v = theta[..., 0], theta[..., 1]
    return np.exp(0.3 * u - 0.2 * v) + (u + v) ** 4 / 10 + u**2 + v**2 / 2


def quartic_gradient(theta):
    """Differentiate by hand."""
    u, v = theta[..., 0], theta[..., 1]
    e, c = np.exp(0.3 * u - 0.2 * v), 0.4 * (u + v) ** 3
    return np.stack([0.3 * e + c + 2 * u, -0.2 * e + c + v], axis=-1)


def quartic_hessian(theta):
    """Differentiate again."""
    u, v = theta
    e, c = np.exp(0.3 * u - 0.2 * v), 1.2 * (u + v) ** 2
    return e * np.outer([0.3, -0.2], [0.3, -0.2]) + c * np.ones((2, 2)) + np.diag([2.0, 1.0])


def pairs(count=400, seed=0, spread=1.5):
    """Draw pairs of points of the plane."""
    rng = np.random.default_rng(seed)
    return spread * rng.normal(size=(2, count, 2))


def between(theta, phi):
    """List points of the segments, one row for each share of theta."""
    a = SHARES[:, np.newaxis, np.newaxis]
    return a * theta + (1 - a) * phi


@pytest.mark.verifies(
    "eq-convexity-chord", routes=("values between", "chords between", "eigenvalues of Hessians")
)
def test_chords(verify):
    """Chords run above a function whose Hessians are positive, and below one whose are not."""
    theta, phi = pairs()
    a = SHARES[:, np.newaxis]
    inside = quartic(between(theta, phi))
    chord = a * quartic(theta) + (1 - a) * quartic(phi)
    assert min(np.linalg.eigvalsh(quartic_hessian(t))[0] for t in theta) > 0
    verify.at_most(inside, chord, atol=1e-12)
    verify.refutes(chord, inside, why="direction of the inequality")
    exchanged = (1 - a) * quartic(theta) + a * quartic(phi)
    verify.refutes(inside, exchanged, why="shares exchanged")
    bent = np.sin(between(theta, phi)).sum(axis=-1)
    chord_of_bent = a * np.sin(theta).sum(axis=-1) + (1 - a) * np.sin(phi).sum(axis=-1)
    verify.refutes(bent, chord_of_bent, why="a function that is not convex")


@pytest.mark.verifies(
    "eq-convexity-strong", routes=("distance from chords", "least eigenvalue of the Hessian")
)
def test_strong_convexity(verify):
    """The distance that chords keep from a quadratic function is the least eigenvalue's."""
    A = np.array([[3.0, 1.0], [1.0, 2.0]])
    mu, direction = np.linalg.eigh(A)[0][0], np.linalg.eigh(A)[1][:, 0]
    theta, phi = pairs()
    # The softest direction, where the bound is reached.
    phi[:50] = theta[:50] + np.multiply.outer(np.linspace(0.5, 2, 50), direction)
    a = SHARES[:, np.newaxis]

    def f(x):
        return np.einsum("...i,ij,...j->...", x, A, x) / 2

    inside = f(between(theta, phi))
    squares = np.sum((theta - phi) ** 2, axis=-1)
    chord = a * f(theta) + (1 - a) * f(phi)

    def bound(share):
        return chord - share * mu * a * (1 - a) * squares

    verify.at_most(inside, bound(1 / 2), atol=1e-12)
    verify.refutes(inside, bound(1), why="factor 2")
    verify.refutes(inside, bound(1 / 2) - 1e-3 * a * squares, why="without the factor 1 - a")
    verify.refutes(inside, bound(0.505), why="a constant above the least eigenvalue")
    tight = (slice(None), slice(0, 50))
    verify.agree(inside[tight], bound(1 / 2)[tight], rtol=1e-12, atol=1e-13)
    verify.refutes(inside[tight], bound(1 / 4)[tight], why="factor 1/2 in the softest direction")
    verify.refutes(inside[tight], bound(-1 / 2)[tight], why="sign")


@pytest.mark.verifies("eq-convexity-identity", routes=("sympy", "coordinates"))
def test_identity_of_squares(verify):
    """The squares of two vectors and of a point between, multiplied out in coordinates."""
    a = sympy.Symbol("a")
    t, p = sympy.Matrix(sympy.symbols("t:3")), sympy.Matrix(sympy.symbols("p:3"))
    middle = a * t + (1 - a) * p
    left = sympy.expand(a * t.dot(t) + (1 - a) * p.dot(p) - middle.dot(middle))
    difference = t - p
    verify.identical(left, a * (1 - a) * difference.dot(difference))
    verify.refutes(left, a * (1 - a) * difference.dot(difference) / 2, why="factor 2")
    verify.refutes(left, a * difference.dot(difference), why="without the factor 1 - a")
    total = t + p
    verify.refutes(left, a * (1 - a) * total.dot(total), why="sign")


@pytest.mark.verifies(
    "eq-convexity-first-order",
    "eq-convexity-strong-first-order",
    routes=("values", "tangents by automatic differentiation", "Hessian's least eigenvalue"),
)
def test_tangents(verify):
    """A convex function lies above its tangents, by a parabola if it is strongly convex."""
    theta, phi = pairs()
    at = torch.tensor(theta, requires_grad=True)
    u, v = at[:, 0], at[:, 1]
    (torch.exp(0.3 * u - 0.2 * v) + (u + v) ** 4 / 10 + u**2 + v**2 / 2).sum().backward()
    gradient = at.grad.numpy()
    delta = phi - theta
    linear = np.sum(gradient * delta, axis=1)
    verify.at_most(quartic(theta) + linear, quartic(phi), atol=1e-12)
    verify.refutes(quartic(theta) - linear, quartic(phi), why="sign")
    verify.refutes(quartic(theta) + 2 * linear, quartic(phi), why="factor 2")
    back = quartic(phi) + np.sum(gradient * delta, axis=1)
    verify.refutes(back, quartic(theta), why="gradient at the wrong point")

    # The Hessian exceeds diag(2, 1) everywhere, and e^(...) can be made as small as you like.
    squares = np.sum(delta**2, axis=1)
    verify.at_most(quartic(theta) + linear + squares / 2, quartic(phi), atol=1e-12)
    verify.refutes(quartic(theta) + linear + squares, quartic(phi), why="factor 2")
    # On a quadratic function, in the softest direction, the two sides are equal.
    A = np.array([[3.0, 1.0], [1.0, 2.0]])
    mu, vectors = np.linalg.eigh(A)
    x, y = np.array([0.3, -1.2]), np.array([0.3, -1.2]) + 0.7 * vectors[:, 0]
    right = x @ A @ x / 2 + A @ x @ (y - x) + mu[0] / 2 * (y - x) @ (y - x)
    verify.agree(y @ A @ y / 2, right, rtol=1e-13)
    verify.refutes(y @ A @ y / 2, right + mu[0] / 2 * (y - x) @ (y - x), why="factor 2 in mu")
    verify.refutes(y @ A @ y / 2, right - mu[0] * (y - x) @ (y - x), why="sign of the parabola")


@pytest.mark.verifies(
    "eq-convexity-monotone", routes=("gradients by hand", "difference quotients", "eigenvalues")
)
def test_the_gradient_is_monotone(verify):
    """The slope does not fall on the way from one point to another."""
    theta, phi = pairs()
    delta = phi - theta
    h = 1e-5
    numeric = np.stack(
        [(quartic(phi + h * e) - quartic(phi - h * e)) / (2 * h) for e in np.eye(2)], axis=-1
    )
    rise = np.sum((numeric - quartic_gradient(theta)) * delta, axis=1)
    squares = np.sum(delta**2, axis=1)
    verify.at_most(np.zeros_like(rise), rise, atol=1e-7)
    verify.refutes(np.zeros_like(rise), -rise, why="sign")
    # The least eigenvalue of the Hessian is nowhere below 1.
    verify.at_most(squares, rise, atol=1e-7)
    verify.refutes(2 * squares, rise, why="factor 2")
    A = np.array([[3.0, 1.0], [1.0, 2.0]])
    mu, vectors = np.linalg.eigh(A)
    soft = vectors[:, 0]
    verify.agree((A @ soft) @ soft, mu[0] * soft @ soft, rtol=1e-13)
    verify.refutes((A @ soft) @ soft, mu[0] / 2 * soft @ soft, why="factor 1/2")


@pytest.mark.verifies("eq-convexity-taylor", routes=("values", "quadrature of the remainder"))
def test_taylor_with_its_remainder(verify):
    """Adaptive quadrature of the curvature along a segment gives what the tangent lacks."""
    theta, delta = np.array([0.4, -0.7]), np.array([1.1, 0.6])

    def remainder(weight):
        def integrand(a):
            return weight(a) * delta @ quartic_hessian(theta + a * delta) @ delta

        return integrate.quad(integrand, 0, 1, epsabs=1e-13, epsrel=1e-13)[0]

    tangent = quartic(theta) + quartic_gradient(theta) @ delta
    value = quartic(theta + delta)
    verify.agree(value, tangent + remainder(lambda a: 1 - a), rtol=1e-13)
    verify.refutes(value, tangent - remainder(lambda a: 1 - a), why="sign")
    verify.refutes(value, tangent + remainder(lambda a: a), why="weight a for 1 - a")
    verify.refutes(value, tangent + remainder(lambda a: (1 - a) / 2), why="factor 2")


@pytest.mark.verifies(
    "eq-convexity-second-order", routes=("eigenvalues of Hessians", "chords", "search")
)
def test_curvature(verify):
    """The largest constant that chords allow is the least eigenvalue that a search can find."""
    search = optimize.brute(
        lambda t: np.linalg.eigvalsh(quartic_hessian(t))[0], [(-3, 3), (-3, 3)], Ns=61, finish=None
    )
    least = np.linalg.eigvalsh(quartic_hessian(search))[0]
    # Chords so short that only the curvature counts, along the softest direction.
    soft = np.linalg.eigh(quartic_hessian(search))[1][:, 0]
    h = 1e-3
    ends = quartic(search + h * soft) + quartic(search - h * soft)
    by_chord = (ends - 2 * quartic(search)) / h**2
    verify.agree(by_chord, least, rtol=1e-6)
    verify.refutes(by_chord / 2, least, why="factor 2")
    verify.refutes(-by_chord, least, why="sign")

    theta, phi = pairs(spread=1.0)
    delta = phi - theta
    H = np.array([quartic_hessian(t) for t in theta])
    form = np.einsum("ni,nij,nj->n", delta, H, delta)
    squares = np.sum(delta**2, axis=1)
    verify.at_most(least * squares, form, atol=1e-9)
    verify.refutes(2 * least * squares, form, why="a constant above the least eigenvalue")
    verify.at_most(np.zeros(len(form)), form)
    saddle = np.einsum("ni,ij,nj->n", delta, np.diag([1.0, -1.0]), delta)
    verify.refutes(np.zeros(len(form)), saddle, why="a saddle")


@pytest.mark.verifies(
    "eq-convexity-log-sum-exp", routes=("torch's Hessian", "scipy.special.softmax", "a variance")
)
def test_log_sum_exp(verify):
    """Automatic differentiation twice, and the variance of a number with these probabilities."""
    z = np.array([0.3, -1.1, 0.8, 0.1])
    hessian = torch.autograd.functional.hessian(
        lambda t: torch.logsumexp(t, 0), torch.tensor(z)
    ).numpy()
    q = special.softmax(z)
    verify.agree(hessian, np.diag(q) - np.outer(q, q), rtol=1e-13, atol=1e-15)
    verify.refutes(hessian, np.diag(q) + np.outer(q, q), why="sign")
    verify.refutes(hessian, 2 * (np.diag(q) - np.outer(q, q)), why="factor 2")
    verify.refutes(hessian, np.diag(q), why="without the second term")
    delta = np.array([1.0, -2.0, 0.5, 3.0])
    mean = q @ delta
    verify.agree(delta @ hessian @ delta, q @ (delta - mean) ** 2, rtol=1e-13)
    verify.refutes(delta @ hessian @ delta, q @ delta**2, why="second moment for variance")
    verify.agree(hessian @ np.ones(4), np.zeros(4), atol=1e-15)
    verify.refutes(hessian @ delta, np.zeros(4), why="another direction is flat")


@pytest.mark.verifies(
    "eq-convexity-gap", routes=("scipy's minimiser", "gradients", "least eigenvalue")
)
def test_distance_cost_and_slope(verify):
    """Excess cost lies between the squares of the distance and of the slope."""
    best = optimize.minimize(quartic, np.zeros(2), jac=quartic_gradient, tol=1e-12).x
    theta = pairs()[0]
    excess = quartic(theta) - quartic(best)
    mu = 1.0
    distance = np.sum((theta - best) ** 2, axis=1)
    slope = np.sum(quartic_gradient(theta) ** 2, axis=1)
    verify.at_most(mu / 2 * distance, excess, atol=1e-9)
    verify.refutes(2 * mu * distance, excess, why="factor 4")
    verify.at_most(excess, slope / (2 * mu), atol=1e-9)
    steep = np.linalg.eigvalsh(quartic_hessian(best))[1]
    verify.refutes(excess, slope / (8 * steep), why="the largest eigenvalue for the least")

    # Both are equalities on the softest axis of a quadratic function.
    A = np.diag([0.5, 4.0])
    x = np.array([1.7, 0.0])
    value = x @ A @ x / 2
    verify.agree(0.5 / 2 * x @ x, value, rtol=1e-14)
    verify.refutes(0.5 * x @ x, value, why="factor 2")
    verify.agree(value, (A @ x) @ (A @ x) / (2 * 0.5), rtol=1e-14)
    verify.refutes(value, (A @ x) @ (A @ x) / 0.5, why="factor 2 in the slope")
    verify.refutes(value, (A @ x) @ (A @ x) * 0.5 / 2, why="mu in place of 1/mu")


@pytest.mark.verifies("eq-convexity-rules", routes=("values between", "chords between"))
def test_what_stays_convex(verify):
    """Sums, maxima, affine maps inside and rising convex functions outside keep the chords."""
    theta, phi = pairs()
    points, a = between(theta, phi), SHARES[:, np.newaxis]
    A, b = np.array([[1.0, -2.0], [0.5, 0.3]]), np.array([0.2, -0.4])

    def f1(x):
        return np.abs(x[..., 0] - 0.5) + x[..., 1] ** 2

    def f2(x):
        return np.exp(0.5 * x[..., 1]) - x[..., 0]

    made = {
        "sum": lambda x: 0.7 * f1(x) + 2 * f2(x),
        "max": lambda x: np.maximum(f1(x), f2(x)),
        "affine": lambda x: f1(x @ A.T + b),
        "outer": lambda x: np.exp(0.3 * f1(x)),
    }
    for f in made.values():
        verify.at_most(f(points), a * f(theta) + (1 - a) * f(phi), atol=1e-11)
    broken = {
        "a negative weight": lambda x: f1(x) - 3 * f2(x),
        "minimum for maximum": lambda x: np.minimum(f1(x), f2(x)),
        "a curved map inside": lambda x: f1(np.sin(x)),
        "an outer function that falls": lambda x: np.exp(-0.3 * f1(x)),
    }
    negative, least, curved, falling = broken.values()

    def chord(f):
        return a * f(theta) + (1 - a) * f(phi)

    verify.refutes(negative(points), chord(negative), why="a negative weight")
    verify.refutes(least(points), chord(least), why="minimum for maximum")
    verify.refutes(curved(points), chord(curved), why="a curved map inside")
    verify.refutes(falling(points), chord(falling), why="an outer function that falls")


@pytest.mark.verifies(
    "eq-convexity-jensen",
    "eq-convexity-jensen-mean",
    routes=("value of the mean", "mean of values"),
)
def test_jensen(verify):
    """Finite means, and the exponential moment of a Gaussian by quadrature."""
    rng = np.random.default_rng(4)
    weights = rng.dirichlet(np.ones(5), size=200)
    theta = rng.normal(size=(200, 5, 2))
    value = quartic(np.einsum("nm,nmi->ni", weights, theta))
    mean = np.sum(weights * quartic(theta), axis=1)
    verify.at_most(value, mean)
    verify.refutes(mean, value, why="direction of the inequality")
    verify.refutes(value, np.mean(weights * quartic(theta), axis=1), why="factor m")
    same = np.repeat(theta[:, :1], 5, axis=1)
    verify.agree(quartic(np.einsum("nm,nmi->ni", weights, same)), quartic(theta[:, 0]), rtol=1e-13)
    verify.refutes(value, quartic(theta[:, 0]), why="points that differ")

    nodes, w = np.polynomial.hermite_e.hermegauss(40)
    m, s = 0.4, 0.9
    mean_of_exp = w @ np.exp(m + s * nodes) / np.sqrt(2 * np.pi)
    verify.agree(mean_of_exp, np.exp(m + s**2 / 2), rtol=1e-12)
    verify.refutes(mean_of_exp, np.exp(m), why="equality")
    verify.at_most(np.exp(m), mean_of_exp)
    verify.refutes(mean_of_exp, np.exp(m), why="direction")


@pytest.mark.verifies(
    "eq-convexity-smooth", routes=("gradients", "largest modulus of the Hessian's eigenvalues")
)
def test_smoothness(verify):
    """The least constant of Lipschitz is the largest modulus of an eigenvalue, negative or not."""
    A = np.array([[1.0, 0.5], [0.5, -3.0]])
    L = np.abs(np.linalg.eigvalsh(A)).max()
    theta, phi = pairs()
    # One pair along the direction of the steepest curvature.
    steep = np.linalg.eigh(A)[1][:, 0]
    phi[0] = theta[0] + steep
    change = np.linalg.norm((theta - phi) @ A, axis=1)
    distance = np.linalg.norm(theta - phi, axis=1)
    verify.at_most(change, L * distance, atol=1e-12)
    verify.refutes(change, np.linalg.eigvalsh(A).max() * distance, why="largest eigenvalue alone")
    verify.refutes(change, L / 2 * distance, why="factor 2")
    verify.agree(change[0], L * distance[0], rtol=1e-13)
    verify.refutes(change[0], 2 * L * distance[0], why="factor 2 where it is reached")


def waves(theta):
    """Give a function that is not convex, with the smoothness 1.5 + 0.5."""
    return 1.5 * np.sin(theta[..., 0]) + np.cos(theta[..., 1]) / 2


def waves_gradient(theta):
    """Differentiate by hand."""
    return np.stack([1.5 * np.cos(theta[..., 0]), -np.sin(theta[..., 1]) / 2], axis=-1)


@pytest.mark.verifies(
    "eq-convexity-descent",
    "eq-convexity-decrease",
    routes=("values", "bound from the gradient", "a quadratic, where it is reached"),
)
def test_descent_lemma(verify):
    """One function that is not convex, and a parabola on which both bounds are equalities."""
    theta, phi = pairs(2000, spread=2.0)
    delta, L = phi - theta, 1.5
    linear = waves(theta) + np.sum(waves_gradient(theta) * delta, axis=1)
    squares = np.sum(delta**2, axis=1)
    verify.at_most(waves(phi), linear + L / 2 * squares, atol=1e-12)
    verify.refutes(waves(phi), linear + L / 4 * squares, why="factor 2")
    verify.refutes(waves(phi), linear - L / 2 * squares, why="sign")
    verify.refutes(waves(phi), linear, why="the tangent, which bounds from below")

    slope = np.sum(waves_gradient(theta) ** 2, axis=1)
    for eta in (0.1, 1 / L, 1.9 / L):
        after = waves(theta - eta * waves_gradient(theta))
        verify.at_most(after, waves(theta) - eta * (1 - eta * L / 2) * slope, atol=1e-12)
    verify.refutes(after, waves(theta) - eta * slope, why="without the curvature")
    verify.refutes(after, waves(theta) - eta * (1 - eta * L / 4) * slope, why="factor 2 in L")

    x = 0.8
    for eta in (0.3, 1 / L, 2 / L, 1.7):
        after = L / 2 * (x - eta * L * x) ** 2
        bound = L / 2 * x**2 - eta * (1 - eta * L / 2) * (L * x) ** 2
        verify.agree(after, bound, rtol=1e-12, atol=1e-14)
        doubled = L / 2 * x**2 - eta * (1 - eta * L) * (L * x) ** 2
        verify.refutes(after, doubled, why="factor 2 in L")
        verify.refutes(after, L / 2 * x**2 - eta * (1 + eta * L / 2) * (L * x) ** 2, why="sign")
    at_the_limit = L / 2 * (x - (2 / L) * L * x) ** 2
    verify.agree(at_the_limit, L / 2 * x**2, rtol=1e-13)
    verify.refutes(L / 2 * (x - L * x / L) ** 2, L / 2 * x**2, why="limit 1/L for 2/L")


def descend(gradient, theta, eta, steps):
    """Walk downhill, and list all points."""
    path = [theta]
    for _ in range(steps):
        path.append(path[-1] - eta * gradient(path[-1]))
    return np.array(path)


@pytest.mark.verifies("eq-convexity-stationary", routes=("gradient descent", "the bound"))
def test_the_slope_becomes_small(verify):
    """A walk on a function that is not convex, and a slow valley that comes near the bound."""
    path = descend(waves_gradient, np.array([1.4, 0.3]), 1 / 1.5, 60)
    slopes = np.sum(waves_gradient(path) ** 2, axis=1)
    k = np.arange(1, 60)
    smallest = np.minimum.accumulate(slopes)[k - 1]
    bound = 2 * 1.5 * (waves(path[0]) + 2) / k
    verify.at_most(smallest, bound)
    verify.refutes(smallest, bound / 300, why="a bound that is far too small")
    verify.refutes(smallest, -bound, why="sign")
    # Huber's function with a far start: a constant slope for k steps, then a parabola.
    L, k = 2.0, 40
    start = np.array([float(k) + 0.5])

    def gradient(x):
        return np.clip(L * x, -L, L)

    walk = descend(gradient, start, 1 / L, k)
    worst = np.min(gradient(walk[:k, 0]) ** 2)
    excess = L * (start[0] - 0.5)
    verify.agree(worst, 2 * L * excess / k / 2, rtol=0.02)
    verify.refutes(worst, 2 * L * excess / k / 4, why="factor 4 too small")
    verify.refutes(worst, 2 * L * excess, why="without 1/k")


@pytest.mark.verifies("eq-convexity-linear-rate", routes=("gradient descent", "the bound"))
def test_rate_in_a_bowl(verify):
    """The excess falls at least by the factor 1 - mu/L in each step; no faster rate holds."""
    A = np.diag([1.0, 1.1, 4.0])
    mu, L = 1.0, 4.0
    rng = np.random.default_rng(2)
    for start in rng.normal(size=(20, 3)):
        path = descend(lambda x: A @ x, start, 1 / L, 30)
        excess = np.einsum("ki,ij,kj->k", path, A, path) / 2
        verify.at_most(excess, (1 - mu / L) ** np.arange(31) * excess[0], atol=1e-15)
    verify.refutes(excess, (1 - 3 * mu / L) ** np.arange(31) * excess[0], why="rate 3 mu/L")
    verify.refutes(excess, (1 - mu / L) ** (4 * np.arange(31)) * excess[0], why="power 4k")
    verify.refutes(excess, (1 - L / mu) ** np.arange(31.0) * excess[0], why="L/mu")
    # Step by step the two inequalities that were combined.
    gaps = [later / earlier for earlier, later in pairwise(excess)]
    slopes = np.sum((path[:-1] @ A) ** 2, axis=1)
    allowed = 1 - slopes / (2 * L * excess[:-1])
    verify.at_most(gaps, allowed, atol=1e-12)
    verify.refutes(gaps, allowed - slopes / (2 * L * excess[:-1]), why="factor 2 in the decrease")
