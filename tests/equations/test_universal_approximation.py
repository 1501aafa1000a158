"""The numbered equations of the chapter on universal approximation."""

import itertools
import math

import mpmath
import numpy as np
import pytest
import sympy
from dlmath import activations
from dlmath.bumps import (
    bump_network,
    bump_weights,
    modulus_of_continuity,
    power_network,
    relu_interpolant,
    single_layer,
)
from dlmath.networks import FeedForwardNetwork
from scipy import integrate, optimize, stats
from scipy.special import expit

ZETA = 2 * np.log(2)


def gumbel(z):
    """Give the distribution function of Gumbel: sigmoidal, and not symmetric."""
    return np.exp(-np.exp(-np.maximum(z, -30.0)))


def random_layer(d, m, seed=0, scale=4.0):
    rng = np.random.default_rng(seed)
    return scale * rng.normal(size=(d, m)), scale * rng.normal(size=m)


def least_largest_error(A, y):
    """Find the least of max |A c - y| over c by linear programming."""
    n, m = A.shape
    ones = np.ones((n, 1))
    found = optimize.linprog(
        np.append(np.zeros(m), 1.0),
        A_ub=np.block([[A, -ones], [-A, -ones]]),
        b_ub=np.append(y, -y),
        bounds=[(None, None)] * m + [(0, None)],
        method="highs",
    )
    assert found.status == 0
    return found.fun


# Networks and distances.


@pytest.mark.verifies(
    "eq-universal-approximation-network",
    routes=("dlmath.bumps.single_layer", "dlmath.networks", "a sum over units"),
)
def test_one_hidden_layer(verify):
    """A loop over units, the function of the chapter and a network of dlmath give one output."""
    rng = np.random.default_rng(0)
    d = m = 4
    W, b, c = rng.normal(size=(d, m)), rng.normal(size=m), rng.normal(size=m)
    X = rng.normal(size=(6, d))
    network = FeedForwardNetwork([d, m, 1], activation="sigmoid")
    for parameter, value in zip(network.parameters, (W, b, c[:, None], [0.0]), strict=True):
        parameter[:] = value
    by_network = network.forward(X)[:, 0]
    verify.agree(single_layer(X, W, b, c), by_network, rtol=1e-13)
    units = [[c[j] / (1 + math.exp(-(W[:, j] @ x + b[j]))) for j in range(m)] for x in X]
    verify.agree(np.sum(units, axis=1), by_network, rtol=1e-13)
    verify.refutes(single_layer(X, W.T, b, c), by_network, why="transpose of W")
    verify.refutes(single_layer(X, W, -b, c), by_network, why="sign of the biases")
    verify.refutes(single_layer(X, W, b, np.ones(m)), by_network, why="no output weights")
    # Two networks side by side are the network of their sum.
    V, a, e = rng.normal(size=(d, 3)), rng.normal(size=3), rng.normal(size=3)
    joined = single_layer(X, np.hstack([W, V]), np.append(b, a), np.append(c, e))
    verify.agree(joined, by_network + single_layer(X, V, a, e), rtol=1e-13)
    verify.refutes(joined, by_network - single_layer(X, V, a, e), why="sign of the second")


@pytest.mark.verifies(
    "eq-universal-approximation-norms", routes=("sympy's integral", "scipy's quadrature")
)
def test_two_distances(verify):
    """The norms of a square with a measure of mass 6, in closed form and by quadrature."""
    x, p = sympy.symbols("x p", positive=True)
    closed = (3 * sympy.integrate(x ** (2 * p), (x, 0, 2))) ** (1 / p)
    orders = np.array([1.0, 2.0, 3.5])
    exact = [float(closed.subs(p, order)) for order in orders]
    found = [
        (3 * integrate.quad(lambda t, o=order: t ** (2 * o), 0, 2)[0]) ** (1 / order)
        for order in orders
    ]
    verify.agree(found, exact, rtol=1e-12)
    verify.refutes(np.power(found, orders), exact, why="no root")
    largest = -optimize.minimize_scalar(lambda t: -(t**2), bounds=(0, 2), method="bounded").fun
    verify.at_most(found, 6 ** (1 / orders) * largest, atol=1e-4)
    verify.refutes(found, np.full(3, largest), why="mass of the measure left out")


# Bumps.


@pytest.mark.verifies(
    "eq-universal-approximation-steps", routes=("a loop over steps", "dlmath.bumps.bump_network")
)
def test_a_sum_of_steps(verify):
    """A loop over the steps, with scipy's logistic distribution, is the network of dlmath."""
    values, q, x = np.array([0.7, -1.0, 2.0, 0.5, 1.5]), 9.0, np.linspace(0, 1, 11)
    m = len(values) - 1

    def loop(shift=0.5, first=1, sign=1, cells=m):
        total = np.full(len(x), first * values[0])
        for j in range(1, m + 1):
            jump = sign * (values[j] - values[j - 1])
            total += jump * stats.logistic.cdf(x, loc=(j - shift) / cells, scale=1 / q)
        return total

    found = bump_network(values, q, x)
    verify.agree(loop(), found, rtol=1e-13)
    verify.refutes(loop(sign=-1), found, why="sign")
    verify.refutes(loop(shift=0), found, why="steps at the nodes")
    verify.refutes(loop(first=0), found, why="f(0) left out")
    verify.refutes(loop(cells=m + 1), found, why="m + 1 cells")


@pytest.mark.verifies(
    "eq-universal-approximation-bumps",
    routes=("dlmath.bumps.bump_weights", "quadrature of a density", "the sum of steps"),
)
def test_bumps_share_out_one(verify):
    """Bumps are shares of a density between two places; they sum to 1 and give the network."""
    m, q, x = 5, 14.0, np.array([0.0, 0.13, 0.5, 0.77, 1.0])
    values = np.sin(np.arange(m + 1.0))
    edges = np.concatenate([[-40.0], (np.arange(m) + 0.5) / m, [40.0]])

    def shares(skip_ends=False):
        rows = np.empty((len(x), m + 1))
        for (i, at), j in itertools.product(enumerate(x), range(m + 1)):
            low, high = edges[j], edges[j + 1]
            if skip_ends and j in (0, m):
                low, high = (j - 0.5) / m, (j + 0.5) / m
            density = lambda t, at=at: q / 4 / np.cosh(np.clip(q * (t - at) / 2, -300, 300)) ** 2  # noqa: E731
            middle = [at] if low < at < high else None
            low, high = max(low, at - 4), min(high, at + 4)
            rows[i, j] = integrate.quad(density, low, high, points=middle, limit=200)[0]
        return rows

    bumps = bump_weights(m, q, x)
    verify.agree(shares(), bumps, atol=1e-9)
    verify.refutes(shares(skip_ends=True), bumps, why="ends not replaced")
    verify.agree(bumps.sum(axis=1), np.ones(len(x)), rtol=1e-14)
    verify.refutes(bumps[:, 1:].sum(axis=1), np.ones(len(x)), why="first bump left out")
    network = values[0] + expit(q * np.subtract.outer(x, edges[1:-1])) @ np.diff(values)
    verify.agree(bumps @ values, network, atol=1e-14)
    verify.refutes(bumps @ values[::-1], network, why="values in the other order")


@pytest.mark.verifies(
    "eq-universal-approximation-modulus",
    routes=("closed forms", "dlmath.bumps.modulus_of_continuity", "a search over pairs"),
)
def test_the_modulus_of_continuity(verify):
    """A grid and a search over all pairs find the closed forms for a root and a wave."""
    h = np.array([0.02, 0.2, 0.4])
    wave = lambda x: np.sin(4 * np.pi * x)  # noqa: E731
    closed = np.append(np.sqrt(h), 2 * np.sin(np.minimum(2 * np.pi * h, np.pi / 2)))
    grid = [modulus_of_continuity(f, value, 20_001) for f in (np.sqrt, wave) for value in h]
    verify.agree(grid, closed, rtol=1e-6)
    verify.refutes(grid, np.append(h, closed[3:]), why="a Lipschitz function")
    searched = []
    for f, value in itertools.product((np.sqrt, wave), h):
        x = np.linspace(0, 1, 501)
        far = np.abs(np.subtract.outer(x, x)) <= value + 1e-12
        searched.append(np.max(np.abs(np.subtract.outer(f(x), f(x))), where=far, initial=0))
    verify.agree(searched, closed, rtol=2e-3)
    verify.refutes(np.divide(searched, 2), closed, why="factor 2")


@pytest.mark.verifies(
    "eq-universal-approximation-strides", routes=("moduli of random polygons", "the bound")
)
def test_a_distance_in_strides(verify):
    """For rough polygons the modulus at lambda h stays below 1 + lambda times that at h."""
    rng = np.random.default_rng(1)
    left, right, straight = [], [], []
    for _ in range(20):
        heights = rng.normal(size=25)
        f = lambda x, y=heights: np.interp(x, np.linspace(0, 1, 25), y)  # noqa: E731
        for lam, h in ((0.3, 0.2), (1.7, 0.05), (3.4, 0.1)):
            left.append(modulus_of_continuity(f, lam * h, 1201))
            right.append((1 + lam) * modulus_of_continuity(f, h, 1201))
            straight.append(lam * modulus_of_continuity(f, h, 1201))
    verify.at_most(left, right, atol=1e-12)
    verify.refutes(left, straight, why="lambda for 1 + lambda")
    verify.refutes(left, np.divide(right, 2), why="factor 2")


@pytest.mark.verifies(
    "eq-universal-approximation-spread", routes=("quadrature", "the mean of |U|", "closed form")
)
def test_the_spread_of_a_step(verify):
    """The two areas are the mean size of the noise: 2 ln 2, and for a Gaussian step its own."""

    def areas(cdf, sign=1):
        below = integrate.quad(cdf, -np.inf, 0)[0]
        return below + sign * integrate.quad(lambda z: 1 - cdf(z), 0, np.inf)[0]

    steps = (expit, stats.norm.cdf, gumbel)
    found = [areas(cdf) for cdf in steps]
    densities = (
        lambda u: 0.25 / np.cosh(u / 2) ** 2,
        stats.norm.pdf,
        lambda u: np.exp(-u - np.exp(-u)),
    )
    halves = [((-60, 0), (0, 60)), ((-12, 0), (0, 12)), ((-5, 0), (0, 60))]
    means = [
        sum(integrate.quad(lambda u, f=density: abs(u) * f(u), *half)[0] for half in ends)
        for density, ends in zip(densities, halves, strict=True)
    ]
    verify.agree(found, means, rtol=1e-7)
    verify.refutes([areas(cdf, -1) for cdf in steps], means, why="sign of the second area")
    verify.agree(found[:2], [2 * math.log(2), math.sqrt(2 / math.pi)], rtol=1e-10)
    verify.refutes(found[:2], [math.log(2), math.sqrt(2 / math.pi)], why="factor 2")


def rough(x):
    """Give a continuous function without a concave modulus: flat, with two steep flanks."""
    return np.interp(x, [0, 0.3, 0.32, 0.34, 0.36, 1], [0, 0, 1, 1, 2, 2])


@pytest.mark.verifies(
    "eq-universal-approximation-bound",
    "eq-universal-approximation-concave",
    routes=("errors of networks", "moduli of continuity"),
)
def test_the_bound_in_one_dimension(verify):
    """The errors of many networks stay below; without the blur or the cells they would not."""
    x = np.linspace(0, 1, 2001)
    settings = [(m, q) for m in (1, 2, 5, 30, 100) for q in (2.0, 20.0, 400.0)]

    def errors(f, sigma=expit):
        return [
            np.abs(bump_network(f(np.arange(m + 1) / m), q, x, sigma) - f(x)).max()
            for m, q in settings
        ]

    def bounds(modulus, zeta=ZETA, cells=1.0):
        return [modulus(cells / (2 * m) + zeta / q) for m, q in settings]

    skewed = sum(
        integrate.quad(lambda u: abs(u) * np.exp(-u - np.exp(-u)), *half)[0]
        for half in ((-5, 0), (0, 60))
    )
    for f in (rough, lambda t: np.sin(9 * t) + np.sqrt(t)):
        twice = lambda h, f=f: 2 * modulus_of_continuity(f, h, 8001)  # noqa: E731
        verify.at_most(errors(f), bounds(twice))
        verify.refutes(errors(f), bounds(twice, zeta=1e-4), why="blur left out")
        verify.refutes(errors(f), bounds(twice, cells=1e-3), why="resolution left out")
        verify.at_most(errors(f, gumbel), bounds(twice, skewed))
        verify.refutes(np.multiply(errors(f, gumbel), 40), bounds(twice, skewed), why="40 times")
    kink = lambda t: np.abs(t - 0.4)  # noqa: E731
    for f, modulus in ((kink, lambda h: h), (np.sqrt, np.sqrt), (lambda t: 3 * t, lambda h: 3 * h)):
        verify.at_most(errors(f), bounds(modulus))
        verify.refutes(errors(f), bounds(modulus, zeta=1e-4), why="no blur")
        verify.refutes(errors(f), bounds(modulus, cells=1e-3), why="no resolution")
    verify.at_most(errors(lambda t: 3 * t), bounds(lambda h: 3 * h))
    verify.refutes(errors(lambda t: 3 * t), bounds(lambda h: 1.0 * h), why="constant M left out")


@pytest.mark.verifies(
    "eq-universal-approximation-rounding", routes=("quadrature over the noise", "the network")
)
def test_shift_round_average(verify):
    """A skewed noise, rounding and a mean give the network with the noise's distribution."""
    m, q, x = 6, 11.0, 0.37
    values = np.cos(4 * np.arange(m + 1) / m)
    edges = (np.arange(1, m + 1) - 0.5) / m

    def mean(of, sign=-1, round_=np.rint):
        def integrand(u):
            node = int(np.clip(round_(m * (x + sign * u / q)), 0, m))
            return of(node) * math.exp(-u - math.exp(-u))

        places = np.sort(np.append(q * (x - edges), -q * (x - edges)))
        cuts = np.concatenate([[-5.0], places[(places > -5) & (places < 35)], [35.0]])
        return sum(
            integrate.quad(integrand, a + 1e-12, b - 1e-12)[0] for a, b in itertools.pairwise(cuts)
        )

    chances = [mean(lambda node, j=j: float(node >= j)) for j in range(1, m + 1)]
    verify.agree(chances, gumbel(q * (x - edges)), atol=1e-8)
    verify.refutes(chances, gumbel(-q * (x - edges)), why="sign")
    network = bump_network(values, q, [x], gumbel)
    verify.agree([mean(lambda node: values[node])], network, atol=1e-8)
    verify.refutes([mean(lambda node: values[node], sign=1)], network, why="noise of other sign")
    floor = mean(lambda node: values[node], round_=np.floor)
    verify.refutes([floor], network, why="rounded down")


@pytest.mark.verifies(
    "eq-universal-approximation-average", routes=("quadrature over the noise", "the modulus")
)
def test_the_average_modulus(verify):
    """The mean of the modulus over the noise lies between the error and twice its value at h."""
    modulus = lambda h: modulus_of_continuity(rough, h, 4001)  # noqa: E731
    rows = []
    for m, q in ((3, 10.0), (20, 200.0), (40, 2000.0), (100, 30.0)):
        u = stats.logistic.ppf((np.arange(400) + 0.5) / 400)
        average = np.mean([modulus(1 / (2 * m) + abs(v) / q) for v in u])
        x = np.linspace(0, 1, 2001)
        error = np.abs(bump_network(rough(np.arange(m + 1) / m), q, x) - rough(x)).max()
        rows.append((error, average, 2 * modulus(1 / (2 * m) + ZETA / q)))
    error, average, bound = np.array(rows).T
    verify.at_most(error, average, atol=0.01)
    verify.refutes(error, average / 4, why="a quarter")
    verify.at_most(average, bound)
    verify.refutes(average, bound / 4, why="factor 4")


@pytest.mark.verifies(
    "eq-universal-approximation-polygon",
    routes=("interpolation", "a sum over corners", "dlmath.bumps.relu_interpolant"),
)
def test_a_polygon_of_rectifiers(verify):
    """Linear interpolation is the sum of ReLU units with changes of slope; the pieces are few."""
    x = np.array([-1.0, -0.2, 0.5, 0.9, 2.0])
    y = np.array([0.3, 1.5, -2.0, -2.0, 1.0])
    at, theta = np.linspace(-1, 2, 61), np.diff(y) / np.diff(x)

    def total(first=1, sign=1, changes=None):
        changes = np.diff(theta) if changes is None else changes
        found = y[0] + first * theta[0] * np.maximum(at - x[0], 0)
        for j, change in enumerate(changes, start=1):
            found = found + change * np.maximum(at - sign * x[j], 0)
        return found

    polygon = np.interp(at, x, y)
    verify.agree(total(), polygon, atol=1e-14)
    verify.refutes(total(changes=theta[1:]), polygon, why="slopes for changes of slope")
    verify.refutes(total(changes=-np.diff(theta)), polygon, why="sign of the changes")
    verify.refutes(total(first=0), polygon, why="first slope left out")
    verify.refutes(total(sign=-1), polygon, why="sign of the corners")
    offset, w, b, c = relu_interpolant(x, y)
    layer = single_layer(at[:, None], w[None], b, c, activations.relu)
    verify.agree(offset + layer, polygon, atol=1e-14)
    verify.refutes(layer, polygon, why="output bias left out")

    # Any m units have at most m + 1 pieces, counted by changes of the difference quotient.
    W, b = random_layer(1, 7, seed=2)
    c = np.random.default_rng(3).normal(size=7)
    fine = np.linspace(-40, 40, 800_001)
    slopes = np.diff(activations.relu(fine[:, None] * W + b) @ c) / 1e-4
    changes = np.flatnonzero(np.abs(np.diff(slopes)) > 1e-6)
    pieces = 1 + np.sum(np.diff(changes, prepend=-9) > 2)
    verify.at_most(pieces, 8)
    verify.refutes(pieces, 4, why="half as many")


# Cybenko's theorem.


@pytest.mark.verifies(
    "eq-universal-approximation-cybenko",
    routes=("least squares on one grid", "errors on a finer grid"),
)
def test_networks_come_near_on_the_square(verify):
    """With enough sigmoidal units the error falls below any of four bounds, on unseen points."""

    def grid(n):
        axes = np.meshgrid(*2 * [np.linspace(0, 1, n)])
        X = np.column_stack([a.ravel() for a in axes])
        return X, np.abs(X[:, 0] - X[:, 1]) + np.cos(3 * X[:, 0])

    X, f = grid(41)
    T, truth = grid(61)
    eps = np.array([0.3, 0.1, 0.05])

    def errors(sigma, widths=(20, 120, 400), free=True):
        found = []
        for m in widths:
            W, b = random_layer(2, m, scale=6.0)
            c = np.linalg.lstsq(sigma(X @ W + b), f, rcond=None)[0] if free else np.ones(m)
            found.append(np.abs(sigma(T @ W + b) @ c - truth).max())
        return found

    verify.at_most(errors(expit), eps)
    verify.refutes(errors(np.square), eps, why="a polynomial activation")
    verify.refutes(errors(expit, free=False), eps, why="no output weights")
    verify.refutes(errors(expit, widths=(4, 4, 4)), eps, why="one width for all")


@pytest.mark.verifies(
    "eq-universal-approximation-certificate",
    routes=("linear programming", "divided differences"),
)
def test_a_certificate_bounds_the_error(verify):
    """The least largest error on four points is exactly what the third difference certifies."""
    x, f = np.array([0.0, 0.2, 0.7, 1.0]), np.array([0.5, -1.0, 2.0, 0.3])
    v = np.array([1 / np.prod([a - b for b in x if b != a]) for a in x])
    W, b = random_layer(1, 50)
    units = np.square(x[:, None] * W + b)
    best = least_largest_error(units / np.abs(units).max(axis=0), f)
    verify.agree([best], [abs(v @ f) / np.abs(v).sum()], rtol=1e-7)
    verify.refutes([best], [abs(v @ f) / 2 / np.abs(v).sum()], why="factor 2")
    verify.refutes([best], [abs(v @ f) / np.linalg.norm(v)], why="squares for absolute values")
    rng = np.random.default_rng(1)
    found = [np.abs(units @ rng.normal(size=50) - f).max() for _ in range(30)]
    found.append(np.abs(units @ np.linalg.lstsq(units, f, rcond=None)[0] - f).max())
    verify.at_most(np.full(31, abs(v @ f)), np.abs(v).sum() * np.array(found), atol=1e-9)
    verify.refutes(np.full(31, 3 * abs(v @ f)), np.abs(v).sum() * np.array(found), why="factor 3")


@pytest.mark.verifies(
    "eq-universal-approximation-riesz", routes=("linear programming", "total variation")
)
def test_the_norm_of_a_functional(verify):
    """The largest value over functions between -1 and 1 is the total variation of the measure."""
    v = np.array([0.5, -2.0, 1.0, -0.25])
    found = optimize.linprog(-v, bounds=[(-1, 1)] * 4).fun
    verify.agree([-found], [np.abs(v).sum()], rtol=1e-9)
    verify.refutes([-found], [abs(v.sum())], why="mass for variation")
    verify.refutes([-found], [np.linalg.norm(v)], why="Euclidean length")
    # g(0.3) less the integral of g: a point mass and Lebesgue's measure, of variation 2 together.
    reached = []
    for width in (1e-2, 1e-4):
        g = lambda x, w=width: 2 * np.maximum(1 - np.abs(x - 0.3) / w, 0) - 1  # noqa: E731
        area = 2 * width - 1
        reached.append(g(0.3) - area)
    verify.agree(reached[1:], [2.0], atol=1e-3)
    verify.refutes(reached[1:], [0.0], why="mass for variation, with a density")
    verify.at_most(reached, [2.0, 2.0])
    verify.refutes(np.multiply(reached, 2), [2.0, 2.0], why="functions up to 2")


@pytest.mark.verifies(
    "eq-universal-approximation-discriminatory",
    routes=("rank of random units", "number of point masses"),
)
def test_no_point_masses_annihilate_sigmoids(verify):
    """On points of the plane only the zero measure is orthogonal to all sigmoidal units."""
    rng = np.random.default_rng(4)
    half = rng.normal(size=(7, 2))
    X = np.vstack([half, -half])
    W, b = random_layer(2, 600, scale=5.0)
    ramp = lambda z: np.clip(z, 0, 1)  # noqa: E731

    def ranks(units):
        return [np.linalg.matrix_rank(values, tol=1e-9 * len(X)) for values in units]

    free = [sigma(X @ W + b) for sigma in (expit, ramp, gumbel)]
    verify.agree(ranks(free), [14, 14, 14])
    bound = [np.tanh(X @ W), np.square(X @ W + b), (X @ W + b) ** 3]
    verify.refutes(ranks(bound), [14, 14, 14], why="no biases, or polynomials")
    verify.agree(ranks(bound), [7, 6, 10])
    verify.refutes(ranks([np.tanh(X @ W + b), *bound[1:]]), [7, 6, 10], why="biases")


def measure(seed=5, n=40):
    """Draw point masses of both signs in the plane, some of them on one line."""
    rng = np.random.default_rng(seed)
    X, weights = rng.normal(size=(n, 2)), rng.normal(size=n)
    w, b = np.array([0.6, -0.8]), 0.2
    X[:8] -= np.outer((X[:8] @ w + b), w)  # onto the line w.x + b = 0
    return X, weights, w, b


@pytest.mark.verifies(
    "eq-universal-approximation-halfspaces", routes=("steep units", "measures of half-spaces")
)
def test_steep_units_see_half_spaces(verify):
    """The integral of a steep unit is the measure of a half-space and a share of its edge."""
    X, weights, w, b = measure()
    level = np.where(np.arange(40) < 8, 0.0, X @ w + b)
    z = np.array([-2.0, 0.3, 4.0])
    steep = [weights @ expit(1e7 * level + value) for value in z]
    inside, edge = weights[level > 0].sum(), weights[level == 0].sum()
    verify.agree(steep, inside + expit(z) * edge, rtol=1e-12)
    verify.refutes(steep, inside + 0 * z, why="edge left out")
    verify.refutes(steep, inside + edge + 0 * z, why="edge in full")
    verify.refutes(steep, inside - expit(z) * edge, why="sign of the edge")
    verify.refutes(steep, weights[level < 0].sum() + expit(z) * edge, why="the other side")


@pytest.mark.verifies(
    "eq-universal-approximation-waves", routes=("a sum over slabs", "the Fourier transform")
)
def test_waves_are_limits_of_slabs(verify):
    """Measures of slabs, weighted with a staircase of cosines and sines, tend to the transform."""
    X, weights, w, _ = measure()
    w = 3 * w
    n, place = 4000, X @ w
    index = np.floor(n * place).astype(int)
    slabs = {k: weights[index == k].sum() for k in set(index)}
    real, imaginary = (sum(f(k / n) * mu for k, mu in slabs.items()) for f in (np.cos, np.sin))
    transform = weights @ np.exp(1j * place)
    verify.agree([real, imaginary], [transform.real, transform.imag], atol=0.005)
    verify.refutes([real, -imaginary], [transform.real, transform.imag], why="sign")
    verify.refutes([imaginary, real], [transform.real, transform.imag], why="sine for cosine")
    # And where all half-spaces, hence all slabs, have measure zero, so has the wave.
    verify.agree([0.0], [np.abs((0 * weights) @ np.exp(1j * place))], atol=1e-15)
    verify.refutes([0.0], [np.abs(transform)], why="a measure that is not zero")


@pytest.mark.verifies(
    "eq-universal-approximation-gaussian", routes=("a sum over waves", "the Gaussian")
)
def test_a_gaussian_is_a_superposition_of_waves(verify):
    """In one, two and three dimensions an integral over waves is the Gaussian."""
    h, step = 0.7, 0.05
    w = np.arange(-300, 301) * step
    us = [np.array([0.4]), np.array([0.4, -1.1]), np.array([0.4, -1.1, 0.8])]

    def waves(u, factor=1.0, power=1.0):
        one = [step * np.sum(np.exp(1j * w * part - h**2 * w**2 / 2)).real for part in u]
        return factor * (h**2 / (2 * np.pi)) ** (power * len(u) / 2) * np.prod(one)

    gaussian = [np.exp(-(u @ u) / (2 * h**2)) for u in us]
    verify.agree([waves(u) for u in us], gaussian, rtol=1e-12)
    verify.refutes([waves(u, power=2) for u in us], gaussian, why="power d for d/2")
    verify.refutes([waves(u, factor=2) for u in us], gaussian, why="factor 2")
    wide = [np.exp(-(u @ u) * h**2 / 2) for u in us]
    verify.refutes([waves(u) for u in us], wide, why="h for 1/h")


@pytest.mark.verifies(
    "eq-universal-approximation-blur", routes=("blur, then measure", "measure, then blur")
)
def test_integrals_change_places(verify):
    """The measure of a blurred tent is the tent's integral over the blurred measure."""
    X, weights = np.array([-0.5, 0.1, 0.9]), np.array([1.0, -2.5, 0.7])
    h = 0.4
    g = lambda y: np.maximum(1 - np.abs(y), 0)  # noqa: E731
    cuts = list(itertools.pairwise([-1.0, 0.0, 1.0]))

    def blurred(x, h=h):
        density = stats.norm(x, h).pdf
        return sum(integrate.quad(lambda y: g(y) * density(y), a, b)[0] for a, b in cuts)

    first = sum(weight * blurred(x) for x, weight in zip(X, weights, strict=True))

    def seen(y):
        return weights @ np.exp(-((X - y) ** 2) / (2 * h**2))

    then = sum(integrate.quad(lambda y: g(y) * seen(y), a, b)[0] for a, b in cuts)
    verify.agree([first], [then / np.sqrt(2 * np.pi * h**2)], rtol=1e-9)
    verify.refutes([first], [then / np.sqrt(2 * np.pi * h)], why="h for h squared")
    verify.refutes([first], [then], why="not normalised")
    at = np.linspace(-1.5, 1.5, 31)
    worst = [np.max(np.abs([blurred(x, width) - g(x) for x in at])) for width in (0.2, 0.02)]
    verify.at_most(worst[1:], [0.03])
    verify.refutes(worst[:1], [0.03], why="h not small")


@pytest.mark.verifies("eq-universal-approximation-random", routes=("linear programming", "zero"))
def test_random_units_are_enough(verify):
    """The least largest error over output weights falls to zero as random units are added."""
    x = np.linspace(-1, 1, 81)[:, None]
    f = np.abs(x[:, 0]) + x[:, 0]
    W, b = random_layer(1, 160, seed=6, scale=8.0)

    def infima(sigma, biases):
        return [least_largest_error(sigma(x @ W[:, :m] + biases[:m]), f) for m in (3, 12, 40, 160)]

    found = infima(np.tanh, b)
    verify.at_most(np.diff(found), np.zeros(3), atol=1e-7)
    verify.refutes(np.diff(found[::-1]), np.zeros(3), why="fewer units are better")
    verify.at_most(found[-1:], [1e-3])
    verify.refutes(infima(np.tanh, 0 * b)[-1:], [1e-3], why="no biases")
    verify.refutes(infima(np.square, b)[-1:], [1e-3], why="a polynomial activation")


# Which activations.


@pytest.mark.verifies("eq-universal-approximation-ramp", routes=("two rectifiers", "cases"))
def test_two_rectifiers_make_a_ramp(verify):
    """A difference of ReLU units is 0, z and 1 in turn; others reach 0 and 1 in the limit."""
    z = np.array([-3.0, -0.2, 0.0, 0.25, 0.9, 1.0, 7.0])
    cases = [0.0 if v <= 0 else v if v <= 1 else 1.0 for v in z]
    found = activations.relu(z) - activations.relu(z - 1)
    verify.agree(found, cases, atol=1e-15)
    verify.refutes(activations.relu(z) - activations.relu(z + 1), cases, why="sign of the shift")
    verify.refutes(activations.relu(z) + activations.relu(z - 1), cases, why="sum for difference")
    verify.refutes(activations.relu(z), cases, why="one rectifier")
    names = ("softplus", "elu", "silu", "gelu")
    ends = np.array([-60.0, 60.0])
    limits = [activations.get(n)(ends) - activations.get(n)(ends - 1) for n in names]
    leaky = activations.leaky_relu(ends) - activations.leaky_relu(ends - 1)
    limits.append((leaky - 0.01) / 0.99)
    verify.agree(limits, np.tile([0.0, 1.0], (5, 1)), atol=1e-12)
    verify.refutes([*limits[:4], leaky], np.tile([0.0, 1.0], (5, 1)), why="constant left in")


@pytest.mark.verifies(
    "eq-universal-approximation-derivative",
    routes=("Taylor's series in many digits", "tanh' = 1 - tanh^2, again and again"),
)
def test_derivative_with_respect_to_the_weights(verify):
    """The Taylor series of a tanh unit in h has powers of w.x, times derivatives of tanh at b."""
    mpmath.mp.dps = 40
    w, x, b = np.array([0.8, -1.5]), np.array([0.6, 1.1]), 0.4
    u = float(w @ x)
    series = mpmath.taylor(lambda h: mpmath.tanh(h * u + b), 0, 4)
    along = [float(math.factorial(r) * series[r]) for r in range(1, 5)]
    slopes, derivative = [], np.polynomial.Polynomial([0, 1])
    for _ in range(4):
        derivative = derivative.deriv() * np.polynomial.Polynomial([1, 0, -1])
        slopes.append(derivative(math.tanh(b)))
    r = np.arange(1, 5)
    verify.agree(along, u**r * slopes, rtol=1e-12)
    verify.refutes([float(v) for v in series[1:]], u**r * slopes, why="no factorial")
    verify.refutes(along, u ** (r - 1) * slopes, why="one power less")
    verify.refutes(along, (-u) ** r * slopes, why="sign of w")


@pytest.mark.verifies(
    "eq-universal-approximation-difference",
    routes=("many digits", "dlmath.bumps.power_network", "the power"),
)
def test_powers_out_of_differences(verify):
    """In fifty digits the difference quotient of tanh units approaches the power, as h falls."""
    mpmath.mp.dps = 50
    b, x = mpmath.mpf("0.4"), [mpmath.mpf(v) for v in ("-0.9", "0.3", "0.7")]

    def quotient(r, h, sign=1, power=0, binomials=True):
        total = []
        for u in x:
            terms = [
                (-1) ** ((r - i) if sign > 0 else i)
                * (math.comb(r, i) if binomials else 1)
                * mpmath.tanh(i * h * u + b)
                for i in range(r + 1)
            ]
            total.append(sum(terms) / h ** (r - power) / mpmath.diff(mpmath.tanh, b, r))
        return np.array(total, dtype=float)

    for r in (1, 2, 3, 5):
        exact = np.array([float(u) ** r for u in x])
        verify.agree(quotient(r, mpmath.mpf("1e-7")), exact, atol=3e-5)
        verify.refutes(quotient(r, mpmath.mpf("1e-7"), power=1), exact, why="h to the power r - 1")
        if r > 1:
            wrong = quotient(r, mpmath.mpf("1e-7"), binomials=False)
            verify.refutes(wrong, exact, why="no binomials")
        if r % 2:
            verify.refutes(quotient(r, mpmath.mpf("1e-7"), sign=-1), exact, why="sign")
        w, biases, c = power_network(r, 0.4, 0.1, float(mpmath.diff(mpmath.tanh, b, r)))
        by_layer = np.tanh(np.outer([float(u) for u in x], w) + biases) @ c
        verify.agree(by_layer, quotient(r, mpmath.mpf("0.1")), rtol=1e-8)
        verify.refutes(2 * by_layer, quotient(r, mpmath.mpf("0.1")), why="factor 2")


@pytest.mark.verifies(
    "eq-universal-approximation-multinomial", routes=("sympy's expansion", "the sum")
)
def test_the_multinomial_theorem(verify):
    """A power of w.x multiplied out; such powers have as large a rank as the monomials."""
    d = 3
    w, x = sympy.symbols(f"w:{d}"), sympy.symbols(f"x:{d}")
    for r in (2, 3):
        exponents = [a for a in itertools.product(range(r + 1), repeat=d) if sum(a) == r]

        def total(weight, exponents=exponents):
            return sum(
                weight(a) * sympy.prod([(p * q) ** k for p, q, k in zip(w, x, a, strict=True)])
                for a in exponents
            )

        power = sympy.expand(sum(p * q for p, q in zip(w, x, strict=True)) ** r)
        coefficient = lambda a, r=r: math.factorial(r) // math.prod(map(math.factorial, a))  # noqa: E731
        verify.identical(power, total(coefficient))
        verify.refutes(power, total(lambda a: 1), why="no coefficients")
        verify.refutes(power, 2 * total(coefficient), why="factor 2")
        rng = np.random.default_rng(r)
        values = (rng.normal(size=(60, d)) @ rng.normal(size=(d, 60))) ** r
        verify.agree([np.linalg.matrix_rank(values)], [len(exponents)])
        verify.refutes([np.linalg.matrix_rank(values)], [d**r], why="ordered products")


@pytest.mark.verifies(
    "eq-universal-approximation-polynomial", routes=("rank of random units", "binomial")
)
def test_polynomial_units_span_a_finite_space(verify):
    """However many units of a polynomial activation: their rank is one binomial coefficient."""
    cases = [(d, r) for d in (1, 2, 3) for r in (1, 2, 3, 4)]
    rng = np.random.default_rng(7)
    ranks = []
    for d, r in cases:
        X, W, b = rng.normal(size=(150, d)), rng.normal(size=(d, 200)), rng.normal(size=200)
        units = (X @ W + b) ** r - 0.5 * (X @ W + b)
        ranks.append(np.linalg.matrix_rank(units / np.linalg.norm(units, axis=0)))
    verify.agree(ranks, [math.comb(d + r, r) for d, r in cases])
    verify.refutes(ranks, [math.comb(d + r - 1, r) for d, r in cases], why="degree r only")
    verify.refutes(ranks, [(r + 1) ** d for d, r in cases], why="degree r in each variable")


@pytest.mark.verifies(
    "eq-universal-approximation-leshno",
    routes=("least squares on one grid", "errors on a finer grid"),
)
def test_all_but_polynomials_come_near(verify):
    """Smooth, cornered and discontinuous activations reach an error; polynomials do not."""
    x, fine = np.linspace(-1, 1, 601)[:, None], np.linspace(-1, 1, 2001)[:, None]
    f = lambda t: np.sin(5 * t[:, 0]) + np.abs(t[:, 0])  # noqa: E731
    W, b = random_layer(1, 500, seed=8, scale=6.0)

    def error(sigma, W=W, b=b):
        c = np.linalg.lstsq(sigma(x @ W + b), f(x), rcond=1e-11)[0]
        return np.abs(sigma(fine @ W + b) @ c - f(fine)).max()

    step = lambda z: (z > 0).astype(float)  # noqa: E731
    kinds = [np.tanh, np.sin, activations.relu, activations.gelu, step, lambda z: np.floor(z) % 2]
    found = [error(sigma) for sigma in kinds]
    bound = np.array([0.02, 0.05, 0.02, 0.02, 0.25, 0.25])
    verify.at_most(found, bound)
    polynomials = [np.square, lambda z: z**3 - z, lambda z: z, lambda z: z**2 + z] * 2
    verify.refutes([error(s) for s in polynomials[:6]], bound, why="polynomials")
    verify.refutes([error(s, b=0 * b) for s in kinds], bound, why="no biases")


@pytest.mark.verifies(
    "eq-universal-approximation-mollified", routes=("quadrature", "a sum of shifted units")
)
def test_a_blurred_activation_is_a_limit_of_networks(verify):
    """Sums of shifted ReLU units tend to the blurred one, whose second derivative is the blur."""

    def phi(y):
        inside = np.abs(y - 0.3) < 1
        t = np.where(inside, y - 0.3, 0.0)
        return np.where(inside, np.exp(-1 / (1 - t**2)), 0.0)

    z = np.linspace(-2, 3, 11)

    def blurred(z, sign=-1):
        cut = sorted({-0.7, 1.3, float(np.clip(-sign * z, -0.7, 1.3))})
        return sum(
            integrate.quad(lambda y: max(z + sign * y, 0) * phi(y), a, b)[0]
            for a, b in itertools.pairwise(cut)
        )

    exact = [blurred(v) for v in z]
    y = np.linspace(-0.7, 1.3, 2001)
    units = single_layer(
        z[:, None], np.ones((1, y.size)), -y, phi(y) * (y[1] - y[0]), activations.relu
    )
    verify.agree(units, exact, atol=1e-6)
    verify.refutes(units, [blurred(v, 1) for v in z], why="sign of the shift")
    verify.refutes(units / (y[1] - y[0]), exact, why="width of the strips left out")
    h = 0.02
    second = [(blurred(v + h) - 2 * blurred(v) + blurred(v - h)) / h**2 for v in z]
    verify.agree(second, phi(z), atol=2e-3)
    verify.refutes(second, 2 * phi(z), why="factor 2, of the second derivative")


@pytest.mark.verifies(
    "eq-universal-approximation-lp", routes=("quadrature of the error", "epsilon")
)
def test_a_jump_is_reached_on_average(verify):
    """A jump in the plane: one steep unit has a small error in the mean, not the largest one."""
    rng = np.random.default_rng(9)
    X = rng.normal(size=(200_000, 2))
    w, b = np.array([1.0, -2.0]), 0.3
    f = (X @ w + b > 0).astype(float)
    eps = np.array([1e-2, 1e-3])

    def mean(p, qs):
        return [np.mean(np.abs(f - expit(q * (X @ w + b))) ** p) for q in qs]

    for p in (1, 2, 4):
        verify.at_most(mean(p, (60.0, 2000.0)), eps)
        verify.refutes(mean(p, (1.0, 1.0)), eps, why="one steepness for all")
    near = np.array([1e-9, -1e-9])
    sup = [np.max(np.abs((near > 0) - expit(q * near))) for q in (60.0, 2000.0)]
    verify.refutes(sup, eps, why="the largest error")


# What fails.


@pytest.mark.verifies(
    "eq-universal-approximation-odd", routes=("linear programming", "the even part")
)
def test_without_biases_the_even_part_is_lost(verify):
    """The least largest error of odd units is the largest value of the even part."""
    x = np.linspace(-1, 1, 61)[:, None]
    f = np.exp(x[:, 0]) - 0.7
    W, b = random_layer(1, 80, seed=10, scale=5.0)
    best = least_largest_error(np.tanh(x @ W), f)
    even = np.max(np.abs(f + f[::-1])) / 2
    verify.at_most([even], [best], atol=1e-9)
    verify.refutes([2 * even], [best], why="factor 2")
    verify.refutes([even], [least_largest_error(np.tanh(x @ W + b), f)], why="with biases")
    verify.agree([best], [even], rtol=1e-6)
    verify.refutes([best], [np.max(np.abs(f - f[::-1])) / 2], why="the odd part")


@pytest.mark.verifies(
    "eq-universal-approximation-jump", routes=("linear programming", "half the jump")
)
def test_half_a_jump(verify):
    """Polygons with any corners miss a jump by half of it or more, and a level line by just so."""
    x = np.concatenate([np.linspace(0, 0.4, 60), [0.4 + 1e-7], np.linspace(0.41, 1, 60)])
    f = np.where(x <= 0.4, 1.0, -0.6)
    best = []
    for m in (0, 3, 20, 60):
        corners = np.linspace(0, 1, m + 1)[:m]
        A = np.column_stack([np.ones(len(x)), np.maximum(np.subtract.outer(x, corners), 0)])
        best.append(least_largest_error(A, f))
    verify.at_most(np.full(4, 0.8), best, atol=1e-4)
    verify.refutes(np.full(4, 1.6), best, why="the whole jump")
    verify.agree(best[:1], [0.8], rtol=1e-9)
    verify.refutes(best[:1], [0.2], why="mean for half the difference")


@pytest.mark.verifies("eq-universal-approximation-jump-lp", routes=("quadrature", "closed forms"))
def test_the_error_at_a_jump_on_average(verify):
    """The integrals of the error of one step, over x and over z, and their values for p = 1, 2."""
    q = 7.0
    over_x, over_z = [], []
    for p in (1, 2, 3):
        miss = lambda x, p=p: abs(expit(q * x) - (x > 0)) ** p  # noqa: E731
        over_x.append(integrate.quad(miss, -30, 0)[0] + integrate.quad(miss, 0, 30)[0])
        tail = lambda z, p=p: (1 + np.exp(z)) ** -float(p)  # noqa: E731
        over_z.append(2 / q * integrate.quad(tail, 0, 200)[0])
    verify.agree(over_x, over_z, rtol=1e-7)
    verify.refutes(np.multiply(over_x, q), over_z, why="factor q")
    verify.refutes(over_x, np.divide(over_z, 2), why="one side only")
    e = sympy.Symbol("e", positive=True)
    # With e = exp(-z) the integrand is e**p / (1 + e)**p, and dz = -de/e.
    closed = [float(2 * sympy.integrate(e ** (p - 1) / (1 + e) ** p, (e, 0, 1))) for p in (1, 2)]
    verify.agree(closed, [2 * math.log(2), 2 * math.log(2) - 1], rtol=1e-14)
    verify.refutes(closed, [math.log(2), math.log(2) - 0.5], why="factor 2")
    verify.agree(over_x[:2], np.divide([2 * math.log(2), 2 * math.log(2) - 1], q), rtol=1e-7)
    verify.refutes(over_x[:2], np.divide([2 * math.log(2), 2 * math.log(2)], q), why="p forgotten")


@pytest.mark.verifies("eq-universal-approximation-line", routes=("errors far out", "the bound 1"))
def test_the_sine_on_the_whole_line(verify):
    """Far out tanh networks miss the sine by 1 or more, whatever their weights; sines do not."""
    rng = np.random.default_rng(11)
    far = np.linspace(1e5, 1e5 + 40, 4001)
    found = []
    for m in (1, 5, 40):
        W, b, c = rng.normal(size=(1, m)), rng.normal(size=m), rng.normal(size=m)
        found.append(np.abs(np.sin(far) - single_layer(far[:, None], W, b, c, np.tanh)).max())
    inside = np.linspace(-10, 10, 400)
    W, b = random_layer(1, 100, seed=12, scale=1.0)
    b = 6 * b
    c = np.linalg.lstsq(np.tanh(np.outer(inside, W) + b), np.sin(inside), rcond=1e-10)[0]
    fit = np.abs(np.tanh(np.outer(inside, W) + b) @ c - np.sin(inside)).max()
    found.append(np.abs(np.sin(far) - np.tanh(np.outer(far, W) + b) @ c).max())
    verify.at_most(np.ones(4), found, atol=1e-5)
    verify.refutes(np.ones(4), [*found[:3], fit], why="a bounded interval")
    by_sine = np.abs(np.sin(far) - single_layer(far[:, None], [[1.0]], [0.0], [1.0], np.sin)).max()
    verify.refutes(np.ones(4), [*found[:3], by_sine], why="an activation without limits")
    verify.refutes(np.full(4, 3.0), [1.0, *found[1:]], why="factor 3")
