"""The numbered equations of the chapter on gradient descent."""

from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest
import sympy
from dlmath.optimizers import GradientDescent, backtracking, exact_line_search, minimize
from dlmath.problems import Quadratic, Rosenbrock
from scipy import integrate, linalg, optimize, special

# Two costs that are no quadratics, with constants that are known exactly.

rng = np.random.default_rng(0)
WAVES = rng.normal(size=(4, 3))
SLOPES = linalg.qr(rng.normal(size=(5, 3)), mode="economic")[0] * np.array([1.0, 2.0, 3.0])
FLATTEST = 0.3
STEEPEST = FLATTEST + 9 / 4
# The steepest direction of the wavy cost, everywhere.
WAVY = float(np.linalg.eigvalsh(WAVES.T @ WAVES)[-1])


def wavy(x):
    """Sum of one minus cosines: smooth with the constant WAVY, and full of saddles."""
    return np.sum(1 - np.cos(x @ WAVES.T), axis=-1)


def wavy_gradient(x):
    return np.sin(x @ WAVES.T) @ WAVES


def bowl(x):
    """Softplus functions on a parabola: the Hessian lies between FLATTEST and STEEPEST."""
    return np.sum(np.logaddexp(0, x @ SLOPES.T), axis=-1) + FLATTEST / 2 * np.sum(x**2, axis=-1)


def bowl_gradient(x):
    return special.expit(x @ SLOPES.T) @ SLOPES + FLATTEST * x


def bowl_minimum():
    found = optimize.minimize(bowl, np.zeros(3), jac=bowl_gradient, method="BFGS", tol=1e-12)
    for _ in range(20):
        p = special.expit(SLOPES @ found.x)
        hessian = SLOPES.T * (p * (1 - p)) @ SLOPES + FLATTEST * np.eye(3)
        found.x -= np.linalg.solve(hessian, bowl_gradient(found.x))
    return found.x


def huber(x, delta, L):
    inside = L / 2 * x**2
    return np.where(np.abs(x) <= delta, inside, L * delta * np.abs(x) - L / 2 * delta**2)


def huber_slope(x, delta, L):
    return L * np.clip(x, -delta, delta)


def pairs(seed=1):
    return 2 * np.random.default_rng(seed).normal(size=(2, 300, 3))


def length(x):
    return np.linalg.norm(x, axis=-1)


# One direction at a time.


@pytest.mark.verifies("eq-gradient-descent-modes", routes=("the iteration", "powers of factors"))
def test_modes(verify):
    """Steps that are really made end where the powers of the factors say."""
    problem = Quadratic(30, 4, seed=3)
    eta, k = 0.05, 17
    walked = minimize(problem.gradient, problem.start, GradientDescent(eta), k)[-1]
    nu, V = np.linalg.eigh(problem.H)
    e = V.T @ problem.start

    def place(factor):
        return V @ (factor**k * e)

    verify.agree(walked, place(1 - eta * nu), rtol=1e-12, atol=1e-14)
    verify.refutes(walked, place(1 + eta * nu), why="sign")
    verify.refutes(walked, place(1 - 2 * eta * nu), why="factor 2 in the rate")
    verify.refutes(walked, place(np.exp(-eta * nu)), why="the flow for the steps")
    verify.refutes(walked, V.T @ ((1 - eta * nu) ** k * e), why="transpose of the eigenvectors")

    def height(power=2 * k, share=0.5, weight=1):
        return share * np.sum(nu**weight * (1 - eta * nu) ** power * e**2)

    cost = problem.cost(walked)
    verify.agree(cost, height(), rtol=1e-12)
    verify.refutes(cost, height(power=k), why="power k for 2k")
    verify.refutes(cost, height(share=1), why="factor 2")
    verify.refutes(cost, height(weight=0), why="distance for cost")


@pytest.mark.verifies(
    "eq-gradient-descent-flow", routes=("Runge and Kutta", "the gradient", "very short steps")
)
def test_flow(verify):
    """Along the solved equation the cost falls at the rate of the squared gradient."""
    start = np.array([1.5, -1.0, 0.7])
    flow = integrate.solve_ivp(
        lambda u, x: -bowl_gradient(x), (0, 2), start, rtol=1e-12, atol=1e-13, dense_output=True
    )
    at, h = np.linspace(0.1, 1.9, 9), 1e-3
    falling = (bowl(flow.sol(at + h).T) - bowl(flow.sol(at - h).T)) / (2 * h)
    gradients = length(bowl_gradient(flow.sol(at).T))
    verify.agree(falling, -(gradients**2), rtol=1e-5)
    verify.refutes(falling, gradients**2, why="sign")
    verify.refutes(falling, -2 * gradients**2, why="factor 2")
    verify.refutes(falling, -gradients, why="not squared")

    walked = minimize(bowl_gradient, start, GradientDescent(1e-3), 1000)[-1]
    verify.agree(walked, flow.sol(1.0), atol=2e-3)
    verify.refutes(walked, flow.sol(2.0), why="factor 2 in the time")
    verify.refutes(walked, start, why="no motion")


@pytest.mark.verifies("eq-gradient-descent-euler", routes=("repeated products", "exponentials"))
def test_euler(verify):
    """Products of factors lie below the exponential, by at most half of a step's decay."""
    a = np.linspace(0, 1, 201)[:, np.newaxis]
    products = np.cumprod(np.broadcast_to(1 - a, (201, 400)), axis=1)
    products = np.hstack([np.ones((201, 1)), products])
    decay = np.exp(-a * np.arange(401))
    verify.at_most(products, decay, atol=1e-15)
    verify.refutes(decay, products, why="the flow below the steps")
    verify.at_most(decay - products, a / 2 + 0 * decay, atol=1e-15)
    verify.refutes(decay - products, a / 4 + 0 * decay, why="factor 2")
    verify.refutes(decay - products, a**2 / 2 + 0 * decay, why="one step for all")


# What a step gains.


@pytest.mark.verifies("eq-gradient-descent-decrease", routes=("values after the step", "sympy"))
def test_decrease(verify):
    """The bound holds on a cost with saddles, and is met exactly by the steepest parabola."""
    x = pairs()[0]
    slopes = length(wavy_gradient(x)) ** 2
    for share in (0.3, 1.0, 1.7, 2.0, 2.6):
        eta = share / WAVY
        after = wavy(x - eta * wavy_gradient(x))
        verify.at_most(after, wavy(x) - (1 - (1 - share) ** 2) / (2 * WAVY) * slopes, atol=1e-12)
    at, eta, L = sympy.symbols("x eta L", positive=True)
    parabola = L / 2 * at**2
    after = parabola.subs(at, at - eta * sympy.diff(parabola, at))

    def bound(gain):
        return parabola - gain * sympy.diff(parabola, at) ** 2

    right = (1 - (1 - eta * L) ** 2) / (2 * L)
    verify.identical(after, bound(right))
    verify.refutes(after, bound(2 * right), why="factor 2")
    verify.refutes(after, bound(-right), why="sign")
    verify.refutes(after, bound((1 - (1 - eta * L)) / (2 * L)), why="not squared")
    verify.refutes(after, bound(eta), why="the tangent alone")


@pytest.mark.verifies(
    "eq-gradient-descent-sum",
    "eq-gradient-descent-nonconvex",
    routes=("walks", "the bounds", "geometric series"),
)
def test_without_convexity(verify):
    """Gradients of walks among saddles obey both bounds; a parabola and a bowl meet them."""
    start = np.array([1.0, -2.0, 2.5])
    for share in (0.5, 1.0, 1.8):
        walk = minimize(wavy_gradient, start, GradientDescent(share / WAVY), 60)[:-1]
        sums = np.cumsum(length(wavy_gradient(walk)) ** 2)
        most = 2 * WAVY / (1 - (1 - share) ** 2) * wavy(start)
        verify.at_most(sums, np.full(60, most))
    least = np.minimum.accumulate(length(wavy_gradient(walk)) ** 2)
    verify.at_most(least[-1:], [2 * WAVY * wavy(start) / 60])

    # A parabola: the series is geometric, and the bound its sum.
    L, share, x = 3.0, 0.6, 2.0
    walk = minimize(lambda v: L * v, [x], GradientDescent(share / L), 400)[:, 0]
    series = np.sum((L * walk) ** 2)
    most = 2 * L / (1 - (1 - share) ** 2) * (L / 2 * x**2)
    verify.agree(series, most, rtol=1e-12)
    verify.refutes(series, most / 2, why="factor 2")
    verify.refutes(series, most / L, why="factor L")
    verify.refutes(series, 2 * L / share * (L / 2 * x**2), why="not squared")

    # The bowl with straight sides, left after k steps: the bound is met at k = 1, nearly twice
    # the truth for many steps.
    delta = 0.7
    k = np.arange(1, 30)
    values = huber(k * delta, delta, L)
    bound = 2 * L * values / k
    truth = np.full(29, (L * delta) ** 2)
    verify.at_most(truth, bound, atol=1e-12)
    verify.refutes(truth, bound / 2, why="factor 2, in the bowl")
    verify.refutes(truth, bound / k, why="power of k")
    verify.refutes(truth, bound / L, why="factor L, in the bowl")
    verify.agree(truth[0], bound[0], rtol=1e-14)
    verify.refutes(truth[1], bound[1], why="equality for more than one step")


# Convex costs.


@pytest.mark.verifies(
    "eq-gradient-descent-convex",
    "eq-gradient-descent-telescope",
    routes=("walks", "the bound", "sympy"),
)
def test_convex(verify):
    """Walks on a convex cost stay below the bound and never lead away from the minimum."""
    best, start = bowl_minimum(), np.array([3.0, -4.0, 2.0])
    k = np.arange(1, 200)
    for share in (0.2, 1.0):
        eta = share / STEEPEST
        walk = minimize(bowl_gradient, start, GradientDescent(eta), 199)
        gaps = bowl(walk) - bowl(best)
        away = length(walk - best)
        verify.at_most(gaps[1:], away[0] ** 2 / (2 * eta * k), atol=1e-13)
        verify.at_most(away[1:], away[:-1], atol=1e-14)
        g = bowl_gradient(walk[:-1])
        middle = np.sum(g * (walk[:-1] - best), axis=1) - eta / 2 * length(g) ** 2
        verify.at_most(gaps[1:], middle, atol=1e-13)
        verify.agree(middle, (away[:-1] ** 2 - away[1:] ** 2) / (2 * eta), rtol=1e-8, atol=1e-13)
        verify.refutes(middle, (away[1:] ** 2 - away[:-1] ** 2) / (2 * eta), why="sign")
        verify.refutes(middle, (away[:-1] ** 2 - away[1:] ** 2) / eta, why="factor 2")
        verify.refutes(middle, (away[:-1] - away[1:]) / (2 * eta), why="not squared")

    # For each k the worst bowl shows that no power and no factor 4 can be gained.
    L, R = 2.0, 3.0
    worst = huber((k + 1) * R / (2 * k + 1), R / (2 * k + 1), L)
    bound = L * R**2 / (2 * k)
    verify.at_most(worst, bound)
    verify.refutes(worst, bound / 4, why="factor 4")
    verify.refutes(worst, bound / k, why="power of k")
    verify.refutes(worst, bound / R, why="distance not squared")

    g, d, eta = sympy.symbols("g d eta", positive=True)
    telescoped = (d**2 - (d - eta * g) ** 2) / (2 * eta)
    verify.identical(g * d - eta / 2 * g**2, telescoped)
    verify.refutes(g * d - eta * g**2, telescoped, why="factor 2 of the decrease")
    verify.refutes(g * d + eta / 2 * g**2, telescoped, why="sign of the decrease")


@pytest.mark.verifies(
    "eq-gradient-descent-huber",
    "eq-gradient-descent-huber-value",
    routes=("the iteration", "quadrature of the slope", "the formula"),
)
def test_worst_bowl(verify):
    """The bowl is the integral of its slope, and a walk down its side ends at the formula."""
    delta, L = 0.4, 2.5
    at = np.array([0.1, 0.4, 0.9, 3.0])
    area = [
        integrate.quad(lambda s: huber_slope(s, delta, L), 0, v, points=[delta], epsabs=1e-13)[0]
        for v in at
    ]
    verify.agree(huber(at, delta, L), area, rtol=1e-12)
    verify.refutes(L / 2 * at**2, area, why="no sides")
    verify.refutes(np.where(at <= delta, L / 2 * at**2, L * delta * at), area, why="a jump")
    verify.refutes(2 * huber(at, delta, L), area, why="factor 2")

    R = 1.7
    ended, k = [], np.array([1, 2, 5, 20])
    for steps in k:
        edge = R / (2 * steps + 1)
        slope = GradientDescent(1 / L)
        walk = minimize(lambda v, e=edge: huber_slope(v, e, L), [R], slope, int(steps))
        ended.append(huber(walk[-1, 0], edge, L))
    verify.agree(ended, L * R**2 / (4 * k + 2), rtol=1e-12)
    verify.refutes(ended, L * R**2 / (2 * k), why="the bound of the theorem")
    verify.refutes(ended, L * R**2 / (4 * k), why="2 forgotten")
    verify.refutes(ended, L * R**2 / (2 * k + 1), why="factor 2 in the value")
    verify.refutes(ended, L * R / (4 * k + 2), why="distance not squared")


@pytest.mark.verifies("eq-gradient-descent-envelope", routes=("a search", "walks", "the formula"))
def test_envelope(verify):
    """The largest value over all eigenvalues, by search, is the formula; walks stay below."""
    L, R = 3.0, 1.3
    k = np.array([1, 3, 10, 40])

    def formula(share=4 * k + 2):
        return L * R**2 / share * (1 - 1 / (2 * k + 1)) ** (2 * k)

    found = [
        optimize.minimize_scalar(
            lambda v, s=steps: -v / 2 * (1 - v / L) ** (2 * s) * R**2,
            bounds=(0, 2 * L / (2 * steps + 1)),
            method="bounded",
            options={"xatol": 1e-9},
        )
        for steps in k
    ]
    values = [-f.fun for f in found]
    verify.agree(values, formula(), rtol=1e-9)
    verify.refutes(values, formula(2 * k + 1), why="factor 2")
    verify.refutes(values, L * R**2 / (4 * k + 2), why="the bracket forgotten")
    verify.refutes(values, L * R**2 / (4 * k + 2) / np.e, why="the limit of the bracket")
    verify.agree([f.x for f in found], L / (2 * k + 1), rtol=1e-5)
    verify.refutes([f.x for f in found], L / (2 * k), why="place of the maximum")

    nu = np.geomspace(1e-4, L, 30)
    e = np.random.default_rng(2).normal(size=(200, 30))
    e *= R / length(e)[:, np.newaxis]
    costs = np.array([np.sum(nu * (1 - nu / L) ** (2 * s) * e**2, axis=1) / 2 for s in k])
    verify.at_most(costs, np.repeat(formula()[:, np.newaxis], 200, axis=1))
    exact = np.array(values)
    verify.refutes(exact[:, np.newaxis] + 0 * costs, costs, why="direction of the inequality")


# Strongly convex costs.


@pytest.mark.verifies(
    "eq-gradient-descent-parabolas",
    "eq-gradient-descent-ball",
    "eq-gradient-descent-cocoercive",
    routes=("gradients of a bowl", "eigenvectors", "sympy"),
)
def test_ball(verify):
    """Differences of gradients lie in the ball; along the extreme directions on its surface."""
    x, y = pairs()
    delta, d = y - x, bowl_gradient(y) - bowl_gradient(x)
    mu, L = FLATTEST, STEEPEST
    above = bowl(y) - bowl(x) - np.sum(bowl_gradient(x) * delta, axis=1)
    squares = length(delta) ** 2
    verify.at_most(mu / 2 * squares, above, atol=1e-12)
    verify.at_most(above, L / 2 * squares, atol=1e-12)
    verify.at_most(length(d - (L + mu) / 2 * delta), (L - mu) / 2 * length(delta), atol=1e-12)
    verify.at_most(
        mu * L / (mu + L) * squares + length(d) ** 2 / (mu + L),
        np.sum(d * delta, axis=1),
        atol=1e-12,
    )
    # Near the origin, where the softplus functions are steepest, only the true constants hold.
    small = 1e-3 * np.eye(3)
    steep = length(bowl_gradient(small) - bowl_gradient(-small) - (L + mu) * small)
    verify.at_most(steep, (L - mu) * length(small), atol=1e-12)
    verify.refutes(steep, (L - mu) / 4 * length(small), why="radius too small")

    mu, L = 1.5, 7.0
    problem = np.diag([mu, L, 3.0])
    ends = np.eye(3)[:2]
    away = length(ends @ problem - (L + mu) / 2 * ends)
    verify.agree(away, np.full(2, (L - mu) / 2), rtol=1e-14)
    verify.refutes(away, np.full(2, L - mu), why="factor 2")
    verify.refutes(away, np.full(2, (L + mu) / 2), why="sign in the radius")
    product = np.sum(ends @ problem * ends, axis=1)
    squared = length(ends @ problem) ** 2
    verify.agree(mu * L / (mu + L) + squared / (mu + L), product, rtol=1e-14)
    verify.refutes(squared / L, product, why="mu forgotten")
    verify.refutes(2 * mu * L / (mu + L) + squared / (mu + L), product, why="factor 2, multiplied")
    verify.refutes(mu * L / (mu + L) + squared / (L - mu), product, why="sign in the denominator")

    dd, dx, xx, m, M = sympy.symbols("dd dx xx m M", positive=True)
    ball = dd - (M + m) * dx + (M + m) ** 2 / 4 * xx - (M - m) ** 2 / 4 * xx
    product = -(M + m) * (dx - m * M / (m + M) * xx - dd / (m + M))
    verify.identical(ball, product)
    verify.refutes(ball, -product, why="direction")
    verify.refutes(ball, product + m * M * xx, why="the constant")


@pytest.mark.verifies(
    "eq-gradient-descent-between",
    "eq-gradient-descent-square",
    routes=("values of a bowl", "sympy", "random vectors"),
)
def test_steps_of_the_proof_of_the_ball(verify):
    """Both bounds at the point between hold, and the square is completed rightly."""
    x, y = pairs(seed=4)
    M = STEEPEST - FLATTEST

    def h(z):
        return bowl(z) - FLATTEST / 2 * np.sum(z**2, axis=-1)

    def slope(z):
        return bowl_gradient(z) - FLATTEST * z

    d = slope(y) - slope(x)
    z = y - d / M
    low = h(x) + np.sum(slope(x) * (z - x), axis=1)
    high = h(y) + np.sum(slope(y) * (z - y), axis=1) + M / 2 * length(z - y) ** 2
    verify.at_most(low, h(z), atol=1e-12)
    verify.at_most(h(z), high, atol=1e-12)
    verify.refutes(high, h(z), why="direction")
    tangent = h(y) + np.sum(slope(y) * (z - y), axis=1)
    verify.refutes(h(z), tangent, why="the parabola forgotten")

    delta = y - x
    left = length(d - M / 2 * delta) ** 2
    right = length(d) ** 2 - M * np.sum(d * delta, axis=1) + M**2 / 4 * length(delta) ** 2
    verify.agree(left, right, rtol=1e-10, atol=1e-12)
    verify.refutes(left, right + M / 2 * np.sum(d * delta, axis=1), why="factor 2")
    verify.refutes(left, right + 2 * M * np.sum(d * delta, axis=1), why="sign")
    verify.at_most(left, M**2 / 4 * length(delta) ** 2, atol=1e-12)
    verify.refutes(left, M**2 / 400 * length(delta) ** 2, why="a smaller ball")


@pytest.mark.verifies(
    "eq-gradient-descent-contraction",
    "eq-gradient-descent-best",
    "eq-gradient-descent-two-walks",
    routes=("walks", "spectral norms", "a search", "sympy"),
)
def test_contraction(verify):
    """Two walks come nearer by the factor, and a quadratic meets it, which is best where said."""
    x, y = pairs(seed=5)
    for share in (0.4, 1.0, 1.9):
        eta = share / STEEPEST
        q = max(abs(1 - eta * FLATTEST), abs(1 - share))
        after = y - x - eta * (bowl_gradient(y) - bowl_gradient(x))
        verify.at_most(length(after), q * length(y - x), atol=1e-12)
    best = bowl_minimum()
    eta = 2 / (FLATTEST + STEEPEST)
    q = (STEEPEST - FLATTEST) / (STEEPEST + FLATTEST)
    walk = minimize(bowl_gradient, [3.0, -1.0, 2.0], GradientDescent(eta), 40)
    away = length(walk - best)
    verify.at_most(away, q ** np.arange(41) * away[0], atol=1e-12)

    mu, L = 0.5, 8.0
    H = np.diag([mu, 2.0, L])
    rates = np.array([0.05, 0.125, 0.2, 0.24, 0.3])
    norms = [np.linalg.norm(np.eye(3) - rate * H, 2) for rate in rates]
    verify.agree(norms, np.maximum(abs(1 - rates * mu), abs(1 - rates * L)), rtol=1e-14)
    verify.refutes(norms, abs(1 - rates * mu), why="the flat end alone")
    verify.refutes(norms, abs(1 - rates * L), why="the steep end alone")
    verify.refutes(norms, np.maximum(1 - rates * mu, 1 - rates * L), why="no absolute values")

    found = optimize.minimize_scalar(
        lambda rate: np.linalg.norm(np.eye(3) - rate * H, 2), bounds=(0, 0.3), method="bounded"
    )
    kappa = L / mu
    verify.agree(found.fun, (kappa - 1) / (kappa + 1), rtol=1e-5)
    verify.refutes(found.fun, 1 - 1 / kappa, why="the factor at 1/L")
    verify.refutes(found.fun, (kappa - 1) ** 2 / (kappa + 1) ** 2, why="squared")
    verify.agree(found.x, 2 / (mu + L), rtol=1e-4)
    verify.refutes(found.x, 1 / (mu + L), why="factor 2 in the rate")
    verify.refutes(found.x, 2 / L, why="mu forgotten")

    a, d, eta, low, high = sympy.symbols("a d eta mu L")
    middle = (low + high) / 2
    split = (1 - eta * middle) * a - eta * (d - middle * a)
    verify.identical(a - eta * d, split)
    verify.refutes(a + eta * d, split, why="sign of the step")
    verify.refutes(a - eta * d, (1 - eta * middle) * a - eta * d, why="the middle left out")


@pytest.mark.verifies("eq-gradient-descent-steps", routes=("steps counted", "the logarithm"))
def test_number_of_steps(verify):
    """Walks of so many steps arrive; half as many would not do for large condition numbers."""
    kappas, epsilon = np.array([2.0, 10.0, 300.0]), 1e-6

    def reached(steps):
        walked = []
        for kappa, count in zip(kappas, steps, strict=True):
            problem = Quadratic(kappa)
            descent = GradientDescent(2 / (1 + kappa))
            path = minimize(problem.gradient, problem.start, descent, int(np.ceil(count)))
            walked.append(length(path[-1]) / length(path[0]))
        return walked

    steps = kappas / 2 * np.log(1 / epsilon)
    most = np.full(3, epsilon)
    verify.at_most(reached(steps), most)
    verify.refutes(reached(steps / 2), most, why="factor 2")
    verify.refutes(reached(np.sqrt(kappas) / 2 * np.log(1 / epsilon)), most, why="root of kappa")
    verify.refutes(reached(kappas / 2 * np.log10(1 / epsilon)), most, why="the wrong logarithm")


# The condition of Polyak and Lojasiewicz.


def deficient():
    """Draw nine samples of five features, of rank three."""
    random = np.random.default_rng(6)
    X = random.normal(size=(9, 3)) @ random.normal(size=(3, 5))
    return X, random.normal(size=9)


@pytest.mark.verifies(
    "eq-gradient-descent-pl",
    "eq-gradient-descent-least-squares",
    routes=("singular values", "eigenvalues by differences", "ratios at random points"),
)
def test_least_squares(verify):
    """Without full rank, the least ratio of squared gradient and excess is the constant."""
    X, y = deficient()
    n = len(y)
    d = linalg.svdvals(X)
    d = d[d > 1e-10 * d[0]]
    L, mu = 2 * d[0] ** 2 / n, 2 * d[-1] ** 2 / n

    def cost(theta):
        return np.mean((theta @ X.T - y) ** 2, axis=-1)

    def gradient(theta):
        steps = 1e-4 * np.eye(5)
        return np.stack([cost(theta + s) - cost(theta - s) for s in steps], axis=-1) / 2e-4

    basis = np.eye(5)
    H = np.array([gradient(b) - gradient(0 * b) for b in basis])
    nu = np.linalg.eigvalsh((H + H.T) / 2)
    extremes = np.array([nu[-1], nu[-3], nu[-1] / nu[-3]])
    right = np.array([L, mu, d[0] ** 2 / d[-1] ** 2])
    verify.agree(extremes, right, rtol=1e-9)
    verify.refutes(extremes, right * [n, n, 1], why="factor n")
    verify.refutes(extremes, right / [2, 2, 1], why="factor 2")
    verify.refutes(extremes, np.sqrt(right), why="not squared")
    verify.refutes(extremes, right ** [1, 1, -1], why="inverted")

    theta = 3 * np.random.default_rng(7).normal(size=(400, 5))
    flattest = linalg.svd(X)[2][2]
    least = np.linalg.pinv(X) @ y
    theta[0] = least + flattest
    excess = cost(theta) - cost(least)
    half_square = np.sum(gradient(theta) ** 2, axis=1) / 2
    verify.at_most(mu * excess, half_square, atol=1e-9)
    verify.refutes(2 * mu * excess, half_square, why="factor 2 of the condition")
    verify.refutes(n * mu * excess, half_square, why="factor n of the condition")
    verify.refutes(L * excess, half_square, why="the steepest direction")
    verify.agree(mu * excess[0], half_square[0], rtol=1e-9)
    verify.refutes(mu * excess[1], half_square[1], why="equality everywhere")


@pytest.mark.verifies(
    "eq-gradient-descent-pl-rate",
    "eq-gradient-descent-length",
    "eq-gradient-descent-roots",
    routes=("walks", "the bounds"),
)
def test_rate_of_the_condition(verify):
    """Costs of walks without full rank, and of a cost that is not convex, obey the bounds."""
    X, y = deficient()
    n, least = len(y), np.linalg.pinv(X) @ y
    d = linalg.svdvals(X)[:3]
    L, mu = 2 * d[0] ** 2 / n, 2 * d[2] ** 2 / n
    flattest = linalg.svd(X)[2][2]

    def walk(start, share, steps=200):
        return minimize(
            lambda t: 2 / n * X.T @ (X @ t - y), start, GradientDescent(share / L), steps
        )

    def excess(path):
        return np.mean((X @ (path - least).T) ** 2, axis=0)

    k = np.arange(201)
    for share in (0.5, 1.0, 1.5):
        path = walk(np.array([2.0, -1.0, 0.5, 3.0, 1.0]), share)
        gap = excess(path)
        eta = share / L
        verify.at_most(gap, (1 - eta * mu * (2 - share)) ** k * gap[0], atol=1e-12)
    slow = excess(walk(least + flattest, 1.0))
    bound = (1 - mu / L) ** k * slow[0]
    verify.at_most(slow, bound, atol=1e-12)
    verify.refutes(slow, (1 - 2 * mu / L) ** k * slow[0], why="factor 2")
    verify.refutes(slow, (1 - min(n * mu / L, 1.0)) ** k * slow[0], why="factor n")

    path = walk(np.array([2.0, -1.0, 0.5, 3.0, 1.0]), 1.0, 600)
    gap, legs = excess(path), length(np.diff(path, axis=0))
    most = np.sqrt(8 * gap[0] / mu)
    verify.at_most([legs.sum()], [most])
    straight = walk(least + flattest, 1.0, 600)
    verify.at_most(
        [length(np.diff(straight, axis=0)).sum()], [np.sqrt(8 * excess(straight)[0] / mu)]
    )
    verify.refutes(
        [length(np.diff(straight, axis=0)).sum()],
        [np.sqrt(excess(straight)[0] / mu)],
        why="factor 8",
    )
    few = slice(0, 25)
    roots = np.sqrt(gap[:-1]) - np.sqrt(gap[1:])
    middle = (gap[:-1] - gap[1:]) / (2 * np.sqrt(gap[:-1]))
    verify.at_most(middle[few], roots[few], atol=1e-12)
    verify.at_most(np.sqrt(mu / 8) * legs[few], middle[few], atol=1e-12)
    verify.refutes(np.sqrt(8 / mu) * legs[few], middle[few], why="inverted")
    verify.refutes(np.sqrt(L / 2) * legs[few], middle[few], why="L for mu")

    # Not convex: x^2 + 3 sin^2 x with L = 8.
    at = np.linspace(1e-2, 12, 20_001)
    value, slope = at**2 + 3 * np.sin(at) ** 2, 2 * at + 3 * np.sin(2 * at)
    constant = np.min(slope**2 / 2 / value)
    verify.agree(constant, 0.1755, atol=1e-4)
    verify.refutes(2 * constant, 0.1755, why="factor 2 of the constant")
    path = minimize(lambda x: 2 * x + 3 * np.sin(2 * x), [2.2], GradientDescent(1 / 8), 60)[:, 0]
    gap = path**2 + 3 * np.sin(path) ** 2
    verify.at_most(gap, (1 - constant / 8) ** np.arange(61) * gap[0], atol=1e-14)
    verify.refutes(gap, (1 - constant) ** np.arange(61) * gap[0], why="L forgotten")


@pytest.mark.verifies("eq-gradient-descent-slowing", routes=("exact fractions", "the factors"))
def test_walks_never_speed_up(verify):
    """In fractions the ratios of successive excesses rise, to the square of the slowest factor."""
    nu = [Fraction(1, 50), Fraction(1, 3), Fraction(1), Fraction(9, 5)]
    e = [Fraction(2), Fraction(1, 3), Fraction(5), Fraction(7, 2)]
    costs = []
    for _ in range(400):
        costs.append(sum(v * c**2 for v, c in zip(nu, e, strict=True)) / 2)
        # Rounded to 200 bits, so that the fractions stay short.
        e = [Fraction(round(c * (1 - v) * 2**200), 2**200) for v, c in zip(nu, e, strict=True)]
    ratios = np.array([float(b / a) for a, b in pairwise(costs)])
    verify.at_most(ratios[:-1], ratios[1:], atol=1e-15)
    verify.refutes(ratios[1:], ratios[:-1], why="direction")
    limit = float((1 - nu[0]) ** 2)
    verify.agree(ratios[-1], limit, rtol=1e-12)
    verify.refutes(ratios[-1], float(1 - nu[0]), why="not squared")
    verify.refutes(ratios[-1], float((1 - nu[3]) ** 2), why="the steepest direction")
    verify.refutes(ratios[0], limit, why="from the first step on")


# Line search.


@pytest.mark.verifies(
    "eq-gradient-descent-exact-step",
    "eq-gradient-descent-kantorovich",
    "eq-gradient-descent-exact-rate",
    routes=("a search along the line", "random gradients", "dlmath.optimizers.exact_line_search"),
)
def test_exact_line_search(verify):
    """A search finds the rate; random gradients obey Kantorovich, the worst start meets it."""
    problem = Quadratic(40, 5, seed=8)
    H, x = problem.H, problem.start
    g = H @ x
    found = optimize.minimize_scalar(lambda eta: problem.cost(x - eta * g)).x
    rate = g @ g / (g @ H @ g)
    verify.agree(found, rate, rtol=1e-7)
    verify.refutes(found, 2 * rate, why="factor 2")
    verify.refutes(found, -rate, why="sign of the rate")
    verify.refutes(found, x @ x / (x @ H @ x), why="x for the gradient")
    verify.refutes(found, 1 / rate, why="inverted")
    path, _ = exact_line_search(H, x, 30)
    gradients = path @ H
    turned = np.sum(gradients[1:] * gradients[:-1], axis=1) / length(gradients[:-1]) ** 2
    verify.agree(turned, np.zeros(30), atol=1e-12)
    verify.refutes(np.ones(30), np.zeros(30), why="no turn")

    mu, L = 1.0, 40.0
    least = 4 * mu * L / (mu + L) ** 2
    random = np.random.default_rng(9).normal(size=(500, 5))
    random[0] = np.linalg.eigh(H)[1] @ [1.0, 0, 0, 0, 1.0]
    product = np.einsum("ij,ij->i", random @ H, random) * np.einsum(
        "ij,ij->i", np.linalg.solve(H, random.T).T, random
    )
    shares = length(random) ** 4 / product
    verify.at_most(np.full(500, least), shares, atol=1e-12)
    verify.refutes(np.full(500, 2 * least), shares, why="factor 2 of Kantorovich")
    verify.refutes(np.ones(500), shares, why="no loss at all")
    verify.agree(shares[0], least, rtol=1e-12)
    verify.refutes(shares[1], least, why="equality everywhere")

    q = (L - mu) / (L + mu)
    costs = problem.cost(path)
    verify.at_most(costs[1:], q**2 * costs[:-1], atol=1e-13)
    worst, _ = exact_line_search(np.diag([mu, 7.0, L]), [1.0, 0.0, mu / L], 20)
    costs = np.sum(worst**2 * [mu, 7.0, L], axis=1)
    verify.agree(costs[1:], q**2 * costs[:-1], rtol=1e-11)
    verify.refutes(costs[1:], q * costs[:-1], why="not squared")
    verify.refutes(costs[1:], (1 - mu / L) * costs[:-1], why="the factor at 1/L")
    verify.refutes(costs[1:], q**4 * costs[:-1], why="squared twice")


@pytest.mark.verifies(
    "eq-gradient-descent-armijo",
    "eq-gradient-descent-armijo-rate",
    "eq-gradient-descent-armijo-bound",
    routes=("dlmath.optimizers.backtracking", "the descent lemma", "sympy"),
)
def test_backtracking(verify):
    """Accepted rates satisfy the rule and the bound, which the steepest parabola meets."""
    start, c, shrink = np.array([1.0, -2.0, 2.5]), 0.3, 0.6
    path, rates, trials = backtracking(
        wavy, wavy_gradient, start, 40, eta=50.0, slope=c, shrink=shrink
    )
    squares = length(wavy_gradient(path[:-1])) ** 2
    verify.at_most(wavy(path[1:]), wavy(path[:-1]) - c * rates * squares, atol=1e-13)
    moving = slice(0, 8)
    refused = path[:-1] - (rates / shrink)[:, np.newaxis] * wavy_gradient(path[:-1])
    promised = wavy(path[:-1]) - c * rates / shrink * squares
    verify.refutes(wavy(refused)[moving], promised[moving], why="the rate before")
    floor = 2 * shrink * (1 - c) / WAVY
    verify.at_most(np.full(40, floor), rates)
    verify.refutes(np.full(40, 50.0), rates, why="the first rate")
    most = np.ceil(np.log(50 * WAVY / (2 * (1 - c))) / np.log(1 / shrink))
    verify.at_most(trials - 1, np.full(40, most))

    # On the steepest parabola the rule accepts exactly the rates up to 2 (1 - c) / L.
    x, eta, L, share = sympy.symbols("x eta L c", positive=True)
    fall = L / 2 * x**2 - L / 2 * (x - eta * L * x) ** 2 - share * eta * (L * x) ** 2
    (limit,) = sympy.solve(sympy.expand(fall) / eta, eta)
    verify.identical(limit, 2 * (1 - share) / L)
    verify.refutes(limit, (1 - share) / L, why="factor 2")
    verify.refutes(limit, 2 * share / L, why="c for 1 - c")
    verify.refutes(limit, 2 * (1 + share) / L, why="sign")

    least = np.minimum.accumulate(squares)
    k = np.arange(1, 41)
    verify.at_most(least, wavy(start) / (c * floor * k))
    # Along the straight side of a bowl each step gains what the tangent promises, nearly.
    delta, steps, small = 0.01, 30, 0.05
    begin = [delta + steps * small * delta]
    path, rates, _ = backtracking(
        lambda v: float(huber(v[0], delta, 1.0)),
        lambda v: huber_slope(v, delta, 1.0),
        begin,
        steps,
        eta=small,
        slope=0.9,
    )
    gap = float(huber(begin[0], delta, 1.0))
    slopes = [min(huber_slope(path[:steps, 0], delta, 1.0) ** 2)]
    verify.at_most(slopes, [gap / (0.9 * small * steps)])
    verify.refutes(slopes, [gap / (0.9 * small * steps) / 2], why="factor 2 of the bound")
    verify.refutes(slopes, [gap / (0.9 * steps)], why="the rate forgotten")
    verify.refutes(slopes, [gap / (0.9 * small * steps**2)], why="power of k")


# Units, saddles, and what nobody can do.


@pytest.mark.verifies(
    "eq-gradient-descent-preconditioned", routes=("descent in z", "the step in x")
)
def test_preconditioning(verify):
    """Descent in other variables on Rosenbrock's valley, mapped back, takes the text's steps."""
    valley = Rosenbrock()
    P = np.array([[1.0, 0.4], [-0.3, 2.0]])
    eta, x = 1e-4, valley.start
    begin = np.linalg.solve(P, x)
    z = minimize(lambda v: P.T @ valley.gradient(P @ v), begin, GradientDescent(eta), 5)
    walked = z @ P.T

    def step(matrix):
        at = [x]
        for _ in range(5):
            at.append(at[-1] - eta * matrix @ valley.gradient(at[-1]))
        return np.array(at)

    verify.agree(walked, step(P @ P.T), rtol=1e-11)
    verify.refutes(walked, step(P.T @ P), why="transpose")
    verify.refutes(walked, step(P), why="P once")
    verify.refutes(walked, step(np.linalg.inv(P @ P.T)), why="inverted")
    verify.refutes(walked, step(np.eye(2)), why="no change of units")


@pytest.mark.verifies(
    "eq-gradient-descent-scaling",
    "eq-gradient-descent-scaling-proof",
    routes=("eigenvalues", "a search over scalings"),
)
def test_scaling(verify):
    """A search over diagonal scalings gains less than the factor p, and more than nothing."""
    random = np.random.default_rng(10)
    ratios, unrooted, best = [], [], []
    for p in (2, 3, 5):
        X = random.normal(size=(20, p)) @ random.normal(size=(p, p)) * 10.0 ** np.arange(p)
        H = X.T @ X
        S = np.diag(np.diag(H) ** -0.5)
        A = S @ H @ S

        def log_condition(e, A=A):
            return np.log(np.linalg.cond(np.exp(e)[:, np.newaxis] * A * np.exp(e)))

        found = optimize.minimize(log_condition, np.zeros(p), method="Nelder-Mead").fun
        ratios.append(np.linalg.cond(A) / np.exp(found) / p)
        unrooted.append(np.linalg.cond(S @ A @ S) / np.exp(found) / p)
        best.append(np.linalg.cond(A) / np.exp(found))
        E = random.uniform(0.2, 5, size=p)
        B = E[:, np.newaxis] * A * E
        w = random.normal(size=(300, p))
        w /= length(w)[:, np.newaxis]
        low, high = np.linalg.eigvalsh(B)[[0, -1]]
        chain = [
            np.full(300, low / high),
            np.full(300, low / np.max(E**2)),
            low * length(w / E) ** 2,
            np.einsum("ij,jk,ik->i", w, A, w),
        ]
        middle = np.einsum("ij,jk,ik->i", w / E, B, w / E)
        verify.agree(chain[3], middle, rtol=1e-9)
        verify.refutes(np.einsum("ij,jk,ik->i", w * E, B, w * E), middle, why="not inverted")
        for smaller, larger in pairwise(chain):
            verify.at_most(smaller, larger, atol=1e-12)
    verify.at_most(ratios, np.ones(3))
    verify.refutes(best, np.ones(3), why="factor p")
    verify.refutes(unrooted, np.ones(3), why="no roots")


@pytest.mark.verifies("eq-gradient-descent-saddle", routes=("steps counted", "logarithms"))
def test_saddle(verify):
    """Walks are counted until they have left; the formula, rounded up, says the same."""
    eta, nu, r = 0.07, -1.3, 0.5
    epsilons = 10.0 ** np.array([-2, -5, -9, -14])
    counted = []
    for epsilon in epsilons:
        walk = minimize(lambda x: [2.0, nu] * x, [1.0, epsilon], GradientDescent(eta), 450)
        counted.append(np.argmax(walk[:, 1] >= r))

    def formula(growth, logarithm=np.log):
        return np.ceil(logarithm(r / epsilons) / growth)

    verify.agree(counted, formula(np.log(1 + eta * abs(nu))), atol=0.1)
    verify.refutes(counted, formula(-np.log(1 - eta * abs(nu))), why="sign")
    verify.refutes(counted, formula(np.log(1 + 2 * eta * abs(nu))), why="factor 2")
    verify.refutes(counted, formula(np.log(1 + abs(nu))), why="the rate forgotten")
    verify.refutes(counted, formula(np.log(1 + eta * abs(nu)), np.log10), why="wrong logarithm")
    short = np.log(1 + 1e-4 * abs(nu))
    verify.agree(1 / short, 1 / (1e-4 * abs(nu)), rtol=1e-3)
    verify.refutes(2 / short, 1 / (1e-4 * abs(nu)), why="factor 2 of the approximation")


@pytest.mark.verifies(
    "eq-gradient-descent-lower", routes=("the best point of the span", "the bound")
)
def test_lower_bound(verify):
    """On the chain of springs the best of all combinations of gradients is above the bound."""
    L = 2.0
    gaps, bounds, spans = [], [], []
    for k in (1, 2, 5, 20, 60):
        p = 2 * k + 1
        A = L / 4 * (2 * np.eye(p) - np.eye(p, k=1) - np.eye(p, k=-1))
        b = L / 4 * np.eye(p)[0]

        def cost(x, A=A, b=b):
            return x @ A @ x / 2 - b @ x

        best = np.linalg.solve(A, b)
        assert np.linalg.eigvalsh(A)[-1] < L
        # The span of the first gradients from zero, built up one by one.
        basis = [b]
        for _ in range(k - 1):
            basis.append(A @ basis[-1] / L)
        Q = np.linalg.qr(np.array(basis).T)[0]
        spans.append(np.abs(Q[k:]).max())
        inside = Q @ np.linalg.solve(Q.T @ A @ Q, Q.T @ b)
        gaps.append(cost(inside) - cost(best))
        bounds.append(3 * L * best @ best / (32 * (k + 1) ** 2))
    verify.agree(spans, np.zeros(5), atol=1e-10)
    verify.refutes(np.ones(5), np.zeros(5), why="news that is faster")
    verify.at_most(bounds, gaps)
    verify.refutes(2 * np.array(bounds), gaps, why="factor 2")
    verify.refutes(np.array(bounds) * (np.array([1, 2, 5, 20, 60]) + 1), gaps, why="power of k")
    verify.agree(gaps, L / 16 / (np.array([1, 2, 5, 20, 60]) + 1), rtol=1e-9)
    verify.refutes(gaps, L / 8 / (np.array([1, 2, 5, 20, 60]) + 1), why="factor 2 of the gap")
