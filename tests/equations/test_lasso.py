"""The numbered equations of the chapter on the lasso."""

import itertools
from fractions import Fraction

import numpy as np
import pytest
import sympy
from dlmath.linear import (
    ElasticNet,
    Lasso,
    coordinate_descent,
    fista,
    ista,
    lambda_max,
    lasso_cost,
    lasso_duality_gap,
    lasso_knots,
    soft_threshold,
)
from scipy import integrate, optimize, stats
from sklearn import linear_model


def problem(n, p, seed=0):
    """Draw X and y in small integers, as floats."""
    rng = np.random.default_rng(seed)
    return (
        rng.integers(-4, 5, (n, p)).astype(float),
        rng.integers(-9, 10, n).astype(float),
    )


def cost_of(X, y, theta, l1, l2=0.0):
    """Spell the cost out without a function of dlmath; theta may be a list of points."""
    residual = y - np.asarray(theta) @ X.T
    squares = np.sum(residual**2, axis=-1) / len(y)
    return squares + l1 * np.sum(np.abs(theta), axis=-1) + l2 * np.sum(np.square(theta), axis=-1)


def minimiser(X, y, l1, l2=0.0):
    """Find the minimiser by brute force: of all sign patterns, the one of lowest cost.

    On each pattern the cost is a quadratic polynomial, and its stationary point is a linear
    system. Points that do not have the signs of their pattern are left out.
    """
    n, p = X.shape
    best, best_cost = np.zeros(p), cost_of(X, y, np.zeros(p), l1, l2)
    for pattern in itertools.product((-1.0, 0.0, 1.0), repeat=p):
        on = np.flatnonzero(pattern)
        sign = np.array(pattern)[on]
        A = X[:, on]
        gram = A.T @ A + n * l2 * np.eye(len(on))
        if len(on) == 0 or np.linalg.matrix_rank(gram) < len(on):
            continue
        point = np.zeros(p)
        point[on] = np.linalg.solve(gram, A.T @ y - n * l1 / 2 * sign)
        if np.all(point[on] * sign > 0) and cost_of(X, y, point, l1, l2) < best_cost:
            best, best_cost = point, cost_of(X, y, point, l1, l2)
    return best


def two_signed(X, y, l1):
    """Minimise with SciPy over positive and negative parts: a smooth cost with bounds."""
    n, p = X.shape

    def cost(parts):
        u, v = parts[:p], parts[p:]
        residual = y - X @ (u - v)
        slope = -2 / n * X.T @ residual
        value = residual @ residual / n + l1 * parts.sum()
        return value, np.concatenate([slope + l1, -slope + l1])

    options = {"ftol": 1e-16, "maxiter": 1000}
    found = optimize.minimize(
        cost,
        np.ones(2 * p),
        jac=True,
        method="SLSQP",
        bounds=[(0, None)] * (2 * p),
        options=options,
    ).x
    return found[:p] - found[p:]


def slowest(method, k):
    """Walk k steps along a slope that is all but constant, as long as the bound allows.

    The second column sets L = 1, the first is nearly flat, so the penalty alone pulls, and it is
    chosen for the largest cost after k steps. The minimiser is zero, at the distance 1.
    """
    X, y, start = np.diag([1e-7, 1.0]), np.zeros(2), np.array([1.0, 0.0])
    per_force = (1 - method(X, y, 1e-6, k, theta=start)[-1][0]) / 1e-6
    lam = 1 / (2 * per_force)
    return X, lam, method(X, y, lam, k, theta=start)


# The question, the cost, one coefficient.


@pytest.mark.verifies("eq-lasso-ising", routes=("matrix of all pairs", "bonds of the ring"))
def test_energies_of_a_chain(verify):
    """For the couplings of a ring the sum over all pairs is the sum over neighbours."""
    spins = np.array(list(itertools.product([-1, 1], repeat=5)))
    J = np.zeros((5, 5))
    for j in range(5):
        J[min(j, (j + 1) % 5), max(j, (j + 1) % 5)] = 1.0
    pairs = -np.einsum("ni,ij,nj->n", spins, np.triu(J, 1), spins)
    bonds = -np.sum(spins * np.roll(spins, -1, axis=1), axis=1)
    verify.agree(pairs, bonds, atol=1e-14)
    verify.refutes(-pairs, bonds, why="sign")
    verify.refutes(2 * pairs, bonds, why="each pair counted twice")
    verify.refutes(pairs + 1, bonds, why="diagonal pairs included")
    # Linear in the couplings, with the features of the text.
    columns = np.array([-spins[:, j] * spins[:, k] for j in range(5) for k in range(j + 1, 5)]).T
    verify.agree(columns @ J[np.triu_indices(5, 1)], bonds, atol=1e-14)
    verify.refutes(columns @ np.ones(10), bonds, why="all pairs coupled")


@pytest.mark.verifies("eq-lasso-cost", routes=("exact fractions", "dlmath.linear.lasso_cost"))
def test_cost(verify):
    """The mean square and the sum of absolute values, in fractions, are dlmath's cost."""
    X, y = problem(6, 3, seed=1)
    theta, lam = np.array([0.5, -1.25, 2.0]), 0.375
    parts = [Fraction(t) for t in theta]
    squares = sum(
        (Fraction(v) - sum(Fraction(u) * t for u, t in zip(row, parts, strict=True))) ** 2
        for row, v in zip(X, y, strict=True)
    )
    size = sum(abs(t) for t in parts)
    cost = lasso_cost(X, y, theta, lam)
    verify.agree(cost, float(squares / 6 + Fraction(lam) * size), rtol=1e-15)
    verify.refutes(cost, float(squares / 12 + Fraction(lam) * size), why="scikit-learn's 1/2")
    verify.refutes(cost, float(squares + Fraction(lam) * size), why="factor n")
    verify.refutes(cost, float(squares / 6 + Fraction(lam) * sum(parts)), why="signs kept")
    verify.refutes(cost, float(squares / 6 - Fraction(lam) * size), why="sign of the penalty")
    ridge = float(squares / 6 + Fraction(lam) * sum(t**2 for t in parts))
    verify.refutes(cost, ridge, why="squares in the penalty")
    verify.refutes(cost, float(squares / 6) + lam * 2.0, why="largest in place of sum")


@pytest.mark.verifies("eq-lasso-one", "eq-lasso-one-solution", routes=("SciPy's search", "sympy"))
def test_one_coefficient(verify):
    """Completing the square in symbols and a search by SciPy give the formula's minimiser."""
    n = 4
    theta = sympy.symbols("theta", real=True)
    x, y = sympy.symbols(f"x:{n}", real=True), sympy.symbols(f"y:{n}", real=True)
    squares = sum((v - theta * u) ** 2 for u, v in zip(x, y, strict=True)) / sympy.Integer(n)
    xy, xx = sum(u * v for u, v in zip(x, y, strict=True)), sum(u**2 for u in x)
    z, c = xy / xx, xx / n
    verify.identical(sympy.diff(squares, theta), sympy.diff(c * (theta - z) ** 2, theta))
    verify.refutes(
        sympy.diff(squares, theta), sympy.diff(xx * (theta - z) ** 2, theta), why="factor n"
    )
    verify.refutes(
        sympy.diff(squares, theta), sympy.diff(c * (theta + z) ** 2, theta), why="sign of z"
    )

    cases = list(itertools.product((-2.0, -0.3, 0.0, 0.4, 1.5), (0.5, 2.0), (0.0, 0.7, 2.4)))

    def search(z, c, lam):
        def cost(t):
            return c * (t - z) ** 2 + lam * abs(t)

        near = min(np.linspace(-2.5, 2.5, 1001), key=cost)
        return optimize.minimize_scalar(
            cost, bounds=(near - 0.01, near + 0.01), method="bounded", options={"xatol": 1e-12}
        ).x

    found = np.array([search(*case) for case in cases])

    def formula(divide=2.0):
        return np.array([np.sign(z) * max(abs(z) - lam / (divide * c), 0) for z, c, lam in cases])

    no_c = np.array([np.sign(z) * max(abs(z) - lam / 2, 0) for z, c, lam in cases])
    verify.agree(found, formula(), atol=1e-6)
    verify.refutes(found, formula(divide=1.0), why="threshold lambda")
    verify.refutes(found, formula(divide=4.0), why="factor 2 too much")
    verify.refutes(found, no_c, why="c forgotten in the threshold")
    other = np.array([soft_threshold(c * z, lam / 2) / c for z, c, lam in cases])
    verify.agree(other, formula(), atol=1e-14)
    verify.refutes(
        np.array([soft_threshold(c * z, lam / 2) for z, c, lam in cases]),
        formula(),
        why="not divided by c",
    )


@pytest.mark.verifies(
    "eq-lasso-soft-threshold",
    routes=("three cases", "dlmath.linear.soft_threshold", "projection on an interval"),
)
def test_soft_threshold(verify):
    """The three cases agree with dlmath, and with x less its projection on [-t, t]."""
    x = np.linspace(-3, 3, 61)
    for t in (0.0, 0.7, 1.5):
        cases = np.array([u - t if u > t else u + t if u < -t else 0.0 for u in x])
        verify.agree(soft_threshold(x, t), cases, atol=1e-15)
        verify.refutes(-soft_threshold(x, t), cases, why="sign")
        verify.refutes(soft_threshold(x, t + 0.1), cases, why="larger threshold")
        verify.agree(x - np.clip(x, -t, t), cases, atol=1e-15)
        verify.refutes(np.clip(x, -t - 0.1, t + 0.1), cases, why="the projection itself")
        if t:
            verify.refutes(x * (np.abs(x) > t), cases, why="hard threshold")
            verify.refutes(x / (1 + t), cases, why="ridge")
            verify.refutes(np.maximum(x - t, 0), cases, why="one side only")
            verify.refutes(np.sign(x) * (np.abs(x) - t), cases, why="no maximum")


@pytest.mark.verifies("eq-lasso-orthogonal", routes=("all sign patterns", "dlmath.linear.Lasso"))
def test_orthogonal_columns(verify):
    """With orthonormal columns, and with columns of length root n, brute force is the threshold."""
    rng = np.random.default_rng(2)
    n, lam = 8, 0.6
    Q = np.linalg.qr(rng.normal(size=(n, 3)))[0]
    y = 3 * rng.normal(size=n)
    for X, scale, threshold in ((Q, 1.0, n * lam / 2), (np.sqrt(n) * Q, 1 / n, lam / 2)):
        brute = minimiser(X, y, lam)
        verify.agree(brute, soft_threshold(scale * X.T @ y, threshold), atol=1e-13)
        verify.refutes(brute, soft_threshold(scale * X.T @ y, 2 * threshold), why="factor 2")
        verify.refutes(brute, soft_threshold(scale * X.T @ y, threshold / n), why="factor n")
        verify.refutes(brute, scale * X.T @ y, why="least squares")
        fitted = Lasso(lam, fit_intercept=False, tol=1e-14).fit(X, y).coef_
        verify.agree(fitted, soft_threshold(scale * X.T @ y, threshold), atol=1e-12)
        verify.refutes(-fitted, soft_threshold(scale * X.T @ y, threshold), why="sign")


# Convexity, sub-gradients, the conditions.


@pytest.mark.verifies("eq-lasso-convex", routes=("chords at random", "sympy"))
def test_convex(verify):
    """Along random chords the cost stays below; a cost with negative penalty does not."""
    X, y = problem(5, 3, seed=3)
    rng = np.random.default_rng(3)
    ends = rng.normal(size=(2, 500, 3)) * 3
    a = rng.uniform(size=500)
    middle = a[:, np.newaxis] * ends[0] + (1 - a)[:, np.newaxis] * ends[1]

    def sides(l1):
        chord = a * cost_of(X, y, ends[0], l1) + (1 - a) * cost_of(X, y, ends[1], l1)
        return cost_of(X, y, middle, l1), chord

    verify.at_most(*sides(2.0), atol=1e-12)
    verify.refutes(*sides(-200.0), why="negative penalty")
    verify.refutes(*reversed(sides(2.0)), why="inequality reversed")
    roots = [np.sum(np.sqrt(np.abs(t)), axis=1) for t in (middle, *ends)]
    verify.refutes(roots[0], a * roots[1] + (1 - a) * roots[2], why="roots of absolute values")
    # For squares the gap is an exact square, in symbols.
    s, u, v = sympy.symbols("s u v", real=True)
    gap = s * u**2 + (1 - s) * v**2 - (s * u + (1 - s) * v) ** 2
    verify.identical(gap, s * (1 - s) * (u - v) ** 2)
    verify.refutes(gap, -s * (1 - s) * (u - v) ** 2, why="sign of the gap")


@pytest.mark.verifies(
    "eq-lasso-subgradient",
    "eq-lasso-l1-subgradient",
    routes=("the inequality at many points", "the rule for each component"),
)
def test_subgradients_of_the_norm(verify):
    """A slope satisfies the inequality everywhere exactly when each component obeys the rule."""
    rng = np.random.default_rng(4)
    theta = np.array([1.5, 0.0, -0.5])
    points = np.concatenate(
        [rng.normal(size=(3000, 3)) * 3, theta + 0.01 * rng.normal(size=(3000, 3))]
    )

    def plane(g):
        return np.abs(theta).sum() + (points - theta) @ g

    norms = np.abs(points).sum(axis=1)
    for middle in (-1.0, -0.3, 0.0, 1.0):
        verify.at_most(plane(np.array([1.0, middle, -1.0])), norms, atol=1e-12)
        verify.refutes(plane(np.array([1.0, 1.05, -1.0])), norms, why="slope above one at zero")
        verify.refutes(plane(np.array([0.95, middle, -1.0])), norms, why="smaller slope off zero")
        verify.refutes(plane(np.array([1.0, middle, 1.0])), norms, why="sign")
        verify.refutes(plane(np.zeros(3)), norms, why="zero slope away from the minimum")
    # At the minimum, and only there, zero is a sub-gradient.
    verify.at_most(np.zeros(6000), norms)
    verify.refutes(norms, np.zeros(6000), why="reversed")


@pytest.mark.verifies(
    "eq-lasso-kkt",
    "eq-lasso-kkt-components",
    "eq-lasso-balance",
    routes=("all sign patterns", "SciPy with bounds", "the conditions"),
)
def test_conditions(verify):
    """At minimisers found by brute force and by SciPy the forces are as the conditions say."""
    for seed, lam in ((5, 1.0), (6, 3.0), (7, 0.2)):
        X, y = problem(7, 4, seed)
        n = 7
        brute = minimiser(X, y, lam)
        force = 2 / n * X.T @ (y - X @ brute)
        on = brute != 0
        verify.agree(force[on], lam * np.sign(brute[on]), rtol=1e-11)
        verify.refutes(force[on] / 2, lam * np.sign(brute[on]), why="factor 2")
        verify.refutes(n * force[on], lam * np.sign(brute[on]), why="factor n")
        verify.refutes(-force[on], lam * np.sign(brute[on]), why="sign")
        verify.refutes(2 / n * X.T[on] @ y, lam * np.sign(brute[on]), why="data for residual")
        verify.at_most(np.abs(force), np.full(4, lam), atol=1e-12)
        verify.refutes(2 * np.abs(force), np.full(4, lam), why="half the penalty")
        balance = 2 / n * (X @ brute) @ (y - X @ brute)
        verify.agree(balance, lam * np.abs(brute).sum(), rtol=1e-11)
        verify.refutes(balance / 2, lam * np.abs(brute).sum(), why="factor 2 in the balance")
        verify.refutes(balance, lam * np.sum(brute**2), why="squares in the balance")
        scipy = two_signed(X, y, lam)
        verify.agree(scipy, brute, atol=2e-6)
        verify.refutes(two_signed(X, y, lam / 2), brute, why="another penalty")
        ours = Lasso(lam, fit_intercept=False, tol=1e-14).fit(X, y).coef_
        verify.agree(ours, brute, atol=1e-12)
        verify.refutes(ours / (1 + 1e-6), brute, why="a part in a million off")
    # Sufficient: with more features than samples, a point that obeys the conditions has least cost.
    X, y = problem(3, 5, seed=8)
    point = Lasso(0.8, fit_intercept=False, tol=1e-15).fit(X, y).coef_
    rng = np.random.default_rng(8)
    others = point + rng.normal(size=(2000, 5)) * rng.choice([0.01, 1.0], (2000, 1))
    verify.at_most(np.full(2000, cost_of(X, y, point, 0.8)), cost_of(X, y, others, 0.8), atol=1e-12)
    worse = np.full(2000, cost_of(X, y, 1.1 * point, 0.8))
    verify.refutes(worse, cost_of(X, y, others, 0.8), why="a point that breaks the conditions")


@pytest.mark.verifies("eq-lasso-expansion", routes=("the two costs", "the expansion"))
def test_expansion(verify):
    """The difference of the costs of two points, computed directly, is the expansion."""
    X, y = problem(6, 4, seed=9)
    rng = np.random.default_rng(9)
    here, there, lam, n = rng.normal(size=4), rng.normal(size=4), 0.7, 6
    delta = there - here
    difference = cost_of(X, y, there, lam) - cost_of(X, y, here, lam)
    square = np.sum((X @ delta) ** 2) / n
    cross = 2 / n * delta @ X.T @ (y - X @ here)
    norms = lam * (np.abs(there).sum() - np.abs(here).sum())
    verify.agree(difference, square - cross + norms, rtol=1e-12)
    verify.refutes(difference, square + cross + norms, why="sign")
    verify.refutes(difference, square - cross / 2 + norms, why="factor 2")
    verify.refutes(difference, square / 2 - cross + norms, why="half the square")
    verify.refutes(difference, square - cross - norms, why="norms exchanged")
    verify.refutes(difference, n * square - cross + norms, why="factor n")


@pytest.mark.verifies("eq-lasso-parallelogram", routes=("sympy", "dlmath.linear.Lasso"))
def test_parallelogram(verify):
    """The law holds in symbols; minimisers with duplicated columns share fit and norm."""
    u, v, w = sympy.symbols("u v w", real=True)
    left = (w - (u + v) / 2) ** 2
    right = (w - u) ** 2 / 2 + (w - v) ** 2 / 2 - (u - v) ** 2 / 4
    verify.identical(left, right.expand() + 0 * w)
    verify.refutes(left, (w - u) ** 2 / 2 + (w - v) ** 2 / 2 - (u - v) ** 2 / 2, why="factor 2")
    verify.refutes(left, (w - u) ** 2 / 2 + (w - v) ** 2 / 2 + (u - v) ** 2 / 4, why="sign")
    X, y = problem(6, 2, seed=10)
    single = minimiser(X, y, 0.5)
    twice = np.hstack([X, X[:, :1]])
    shares = [np.array([a * single[0], single[1], (1 - a) * single[0]]) for a in (0.0, 0.4, 1.0)]
    costs = [cost_of(twice, y, theta, 0.5) for theta in shares]
    verify.agree(costs, np.full(3, cost_of(X, y, single, 0.5)), rtol=1e-13)
    opposite = np.array([1.5 * single[0], single[1], -0.5 * single[0]])
    verify.refutes(
        np.full(3, cost_of(twice, y, opposite, 0.5)),
        np.full(3, cost_of(X, y, single, 0.5)),
        why="shares of opposite signs",
    )


@pytest.mark.verifies(
    "eq-lasso-lambda-max", routes=("all sign patterns", "dlmath.linear.lambda_max")
)
def test_largest_penalty(verify):
    """Brute force finds zero just above the limit, and something just below it."""
    X, y = problem(6, 3, seed=11)
    limit = lambda_max(X, y)
    largest = max(abs(sum(u * v for u, v in zip(column, y, strict=True))) for column in X.T)
    verify.agree(limit, 2 / 6 * largest, rtol=1e-14)
    verify.refutes(limit / 2, 2 / 6 * largest, why="factor 2")
    verify.refutes(6 * limit, 2 / 6 * largest, why="factor n")
    verify.refutes(limit, 2 / 6 * np.abs(X.T @ y).sum(), why="sum for maximum")
    verify.agree(minimiser(X, y, limit * 1.0001), np.zeros(3), atol=1e-14)
    verify.refutes(minimiser(X, y, limit * 0.999), np.zeros(3), why="just below")
    verify.refutes(minimiser(X, y, limit / 2), np.zeros(3), why="half of it")


@pytest.mark.verifies(
    "eq-lasso-equicorrelation", "eq-lasso-active", routes=("all sign patterns", "the linear system")
)
def test_active_features(verify):
    """The features with the full force are those of the minimiser, which solves their system."""
    X, y = problem(8, 4, seed=12)
    n, lam = 8, 1.2
    brute = minimiser(X, y, lam)
    residual = y - X @ brute
    force = 2 / n * X.T @ residual
    E = np.flatnonzero(np.abs(np.abs(force) - lam) < 1e-10)
    assert 0 < len(E) < 4
    full = np.abs(np.abs(force) - lam) < 1e-10
    verify.agree(full, brute != 0, atol=0)
    verify.refutes(np.abs(force) > lam / 2, brute != 0, why="half the force")
    verify.refutes(np.abs(2 / n * X.T @ y) >= lam, brute != 0, why="data for residual")
    sign = np.sign(X[:, E].T @ residual)
    A = X[:, E]

    def solve(threshold, sign=sign):
        return np.linalg.solve(A.T @ A, A.T @ y - threshold * sign)

    verify.agree(solve(n * lam / 2), brute[E], rtol=1e-11)
    verify.refutes(solve(n * lam), brute[E], why="factor 2")
    verify.refutes(solve(lam / 2), brute[E], why="factor n")
    verify.refutes(solve(-n * lam / 2), brute[E], why="sign")
    verify.refutes(solve(0), brute[E], why="least squares on the support")
    ours = Lasso(lam, fit_intercept=False, tol=1e-14).fit(X, y).coef_
    verify.agree(ours, brute, atol=1e-12)
    verify.refutes(ours[::-1], brute, why="order reversed")


# Coordinate descent.


@pytest.mark.verifies(
    "eq-lasso-coordinate", routes=("SciPy's search", "dlmath.linear.coordinate_descent")
)
def test_coordinate_update(verify):
    """One sweep of dlmath does what searches along the axes do, one after the other."""
    X, y = problem(7, 3, seed=13)
    start, lam, n = np.array([1.0, -2.0, 0.5]), 1.5, 7

    def swept(update):
        theta = start.copy()
        for j in range(3):
            theta[j] = update(theta, j)
        return theta

    def search(theta, j):
        def along(t):
            moved = theta.copy()
            moved[j] = t
            return cost_of(X, y, moved, lam)

        return optimize.minimize_scalar(along, bracket=(-9, 9), tol=1e-12).x

    def formula(theta, j, threshold=lam / 2, own=True, divide=True):
        rest = y - X @ theta + (X[:, j] * theta[j] if own else 0)
        c = X[:, j] @ X[:, j] / n
        return soft_threshold(X[:, j] @ rest / n, threshold) / (c if divide else 1)

    ours = coordinate_descent(X, y, lam, 1, theta=start)[-1]
    verify.agree(ours, swept(search), atol=1e-6)
    verify.refutes(swept(lambda t, j: formula(t, j, lam)), swept(search), why="threshold lambda")
    verify.refutes(swept(lambda t, j: formula(t, j, n * lam / 2)), swept(search), why="factor n")
    verify.refutes(swept(lambda t, j: formula(t, j, own=False)), swept(search), why="full residual")
    verify.refutes(
        swept(lambda t, j: formula(t, j, divide=False)), swept(search), why="not divided by c"
    )
    verify.agree(swept(formula), ours, rtol=1e-13, atol=1e-14)
    together = np.array([formula(start, j) for j in range(3)])
    verify.refutes(together, ours, why="all coordinates at once")
    brute = minimiser(X, y, lam)
    verify.agree(coordinate_descent(X, y, lam, 200)[-1], brute, atol=1e-12)
    verify.refutes(coordinate_descent(X, y, lam, 1)[-1], brute, why="a single sweep")


@pytest.mark.verifies("eq-lasso-stuck", routes=("searches along the axes", "search in the plane"))
def test_where_it_sticks(verify):
    """No step along an axis improves a point of the diagonal, yet the minimum is elsewhere."""

    def f(t, weight=2, half=0.5):
        return half * ((t[0] - 1) ** 2 + (t[1] - 1) ** 2) + weight * abs(t[0] - t[1])

    # From the origin along an axis, as the text spells it out.
    steps = np.linspace(-2, 3, 41)
    spelled = 1 - steps + steps**2 / 2 + 2 * np.abs(steps)
    for axis in (0, 1):
        moves = np.outer(np.eye(2)[axis], steps)
        verify.agree(f(moves), spelled, atol=1e-13)
        verify.refutes(f(moves, weight=1), spelled, why="the kink without its 2")
        verify.refutes(f(moves, half=1), spelled, why="squares without 1/2")
        verify.refutes(f(-moves), spelled, why="sign")
    verify.at_most(np.full(41, f([0, 0])), spelled)
    verify.refutes(np.full(41, f([0, 0])), f(moves, weight=0.5), why="a weak kink")

    stuck = np.array([0.2, 0.2])
    along = [
        optimize.minimize_scalar(
            lambda h, e=e: f(stuck + h * e), bounds=(-3, 3), method="bounded"
        ).x
        for e in np.eye(2)
    ]
    verify.agree(along, np.zeros(2), atol=1e-4)
    away = np.array([0.2, 0.9])
    moved = [
        optimize.minimize_scalar(lambda h, e=e: f(away + h * e), bounds=(-3, 3), method="bounded").x
        for e in np.eye(2)
    ]
    verify.refutes(moved, np.zeros(2), why="a point off the diagonal")
    best = optimize.minimize(f, [0.0, 0.5], method="Nelder-Mead", options={"xatol": 1e-9}).x
    verify.agree(best, np.ones(2), atol=1e-4)
    verify.refutes(stuck, np.ones(2), why="the point where it is stuck")


@pytest.mark.verifies(
    "eq-lasso-separable",
    "eq-lasso-coordinate-slope",
    routes=("searches along the axes", "random points"),
)
def test_separable_kinks(verify):
    """Where no axis helps no point is better, for a smooth cost with kinks along the axes."""
    rng = np.random.default_rng(14)
    A = rng.normal(size=(5, 3))

    def smooth(t):
        return np.sum(np.logaddexp(0, np.asarray(t) @ A.T), axis=-1)

    def slope(t):
        return A.T @ (1 / (1 + np.exp(-A @ t)))

    def kinks(t):
        t = np.asarray(t)
        return 0.4 * np.abs(t[..., 0]) + np.maximum(t[..., 1], -2 * t[..., 1]) + t[..., 2] ** 2

    def improve(theta, e):
        step = optimize.minimize_scalar(
            lambda h: smooth(theta + h * e) + kinks(theta + h * e),
            bounds=(-4, 4),
            method="bounded",
            options={"xatol": 1e-12},
        )
        return theta + step.x * e

    theta = np.ones(3)
    for _, e in itertools.product(range(300), np.eye(3)):
        theta = improve(theta, e)
    points = theta + rng.normal(size=(4000, 3)) * rng.choice([0.1, 3.0], (4000, 1))
    least = smooth(theta) + kinks(theta)
    verify.at_most(np.full(4000, least), smooth(points) + kinks(points), atol=1e-8)
    start = smooth(np.ones(3)) + kinks(np.ones(3))
    verify.refutes(np.full(4000, start), smooth(points) + kinks(points), why="the start")
    moves = np.linspace(-3, 3, 121)
    for e, d in zip(np.eye(3), slope(theta), strict=True):
        change = kinks(theta + moves[:, np.newaxis] * e) - kinks(theta)
        verify.at_most(-moves * d, change, atol=1e-5)
        verify.refutes(-moves * (d + 4), change, why="another slope")
        verify.refutes(-moves * (d - 4), change, why="another slope, downwards")
        if abs(d) > 0.1:
            verify.refutes(moves * d, change, why="sign")


@pytest.mark.verifies("eq-lasso-decrease", routes=("the two costs", "the bound"))
def test_decrease(verify):
    """Each update lowers the cost by at least the bound, and by just that where no kink is near."""
    X, y = problem(9, 3, seed=15)
    lam, n = 0.9, 9
    squares = np.sum(X**2, axis=0) / n
    theta, gains, bounds, first = np.array([4.0, -3.0, 2.0]), [], [], None
    for _ in range(6):
        for j in range(3):
            rest = y - X @ theta + X[:, j] * theta[j]
            moved = theta.copy()
            moved[j] = soft_threshold(X[:, j] @ rest / n, lam / 2) / squares[j]
            gains.append(cost_of(X, y, theta, lam) - cost_of(X, y, moved, lam))
            bounds.append(squares[j] * (moved[j] - theta[j]) ** 2)
            if first is None and moved[j] * theta[j] > 0:
                first = len(gains) - 1
            theta = moved
    gains, bounds = np.array(gains), np.array(bounds)
    verify.at_most(bounds, gains, atol=1e-12)
    verify.refutes(2 * bounds, gains, why="factor 2")
    verify.refutes(n * bounds, gains, why="factor n")
    verify.agree(gains[first], bounds[first], rtol=1e-10)
    verify.refutes(gains[first], bounds[first] / 2, why="half")


# Duality.


@pytest.mark.verifies(
    "eq-lasso-weak-duality", "eq-lasso-dual", routes=("all sign patterns", "SciPy's projection")
)
def test_duality(verify):
    """Every admissible vector gives a lower bound, and the nearest one to y is the residual."""
    X, y = problem(5, 3, seed=16)
    n, lam = 5, 1.3
    rng = np.random.default_rng(16)
    least = cost_of(X, y, minimiser(X, y, lam), lam)
    drawn = rng.normal(size=(2000, n)) * 3 + y * rng.uniform(size=(2000, 1))
    reach = 2 / n * np.max(np.abs(drawn @ X), axis=1, keepdims=True)
    admissible = drawn * np.minimum(1, lam / reach)

    def bound(q):
        return (y @ y - np.sum((y - q) ** 2, axis=-1)) / n

    verify.at_most(bound(admissible), np.full(2000, least))
    verify.refutes(bound(2 * admissible), np.full(2000, least), why="not admissible")
    verify.refutes(2 * bound(admissible), np.full(2000, least), why="factor 2")
    verify.refutes(n * bound(admissible), np.full(2000, least), why="factor n")
    nearest = optimize.minimize(
        lambda q: np.sum((y - q) ** 2),
        np.zeros(n),
        jac=lambda q: 2 * (q - y),
        constraints=[
            {
                "type": "ineq",
                "fun": lambda q, side=side: lam + side * 2 / n * X.T @ q,
                "jac": lambda q, side=side: side * 2 / n * X.T,
            }
            for side in (1, -1)
        ],
        method="SLSQP",
        options={"ftol": 1e-15, "maxiter": 500},
    ).x
    residual = y - X @ minimiser(X, y, lam)
    verify.agree(nearest, residual, atol=1e-6)
    verify.refutes(nearest, y - X @ minimiser(X, y, 2 * lam), why="factor 2 in the constraint")
    verify.refutes(nearest, y - X @ minimiser(X, y, lam / n), why="factor n in the constraint")
    verify.refutes(nearest, X @ minimiser(X, y, lam), why="fit for residual")
    verify.agree(bound(residual), least, rtol=1e-12)
    verify.refutes(bound(0.9 * residual), least, why="another vector")


@pytest.mark.verifies(
    "eq-lasso-gap", routes=("all sign patterns", "dlmath.linear.lasso_duality_gap")
)
def test_gap(verify):
    """The gap is the text's, never less than the distance to the minimum, and zero there."""
    X, y = problem(6, 3, seed=17)
    n, lam = 6, 0.8
    brute = minimiser(X, y, lam)
    least = cost_of(X, y, brute, lam)
    rng = np.random.default_rng(17)
    points = brute + rng.normal(size=(300, 3)) * rng.choice([0.001, 0.1, 2.0], (300, 1))

    def spelled(theta, shrink=1.0, cap=True):
        r = y - X @ theta
        a = shrink * lam / (2 / n * np.max(np.abs(X.T @ r)))
        a = min(1.0, a) if cap else a
        return cost_of(X, y, theta, lam) - (y @ y - np.sum((y - a * r) ** 2)) / n

    gaps = np.array([lasso_duality_gap(X, y, theta, lam) for theta in points])
    verify.agree(gaps, [spelled(theta) for theta in points], rtol=1e-9, atol=1e-12)
    verify.refutes(gaps, [spelled(theta, shrink=0.5) for theta in points], why="factor 2")
    verify.refutes(gaps, [spelled(theta, shrink=1 / n) for theta in points], why="factor n")
    distance = cost_of(X, y, points, lam) - least
    verify.at_most(distance, gaps, atol=1e-12)
    verify.refutes(distance, 0.5 * gaps, why="half the gap")
    verify.agree(lasso_duality_gap(X, y, brute, lam), 0.0, atol=1e-12)
    verify.refutes(lasso_duality_gap(X, y, 1.01 * brute, lam), 0.0, why="one per cent off")
    # Without the cap on a the bound would still be a bound, but a worse one, at zero for instance.
    high = 1.5 * lambda_max(X, y)
    verify.agree(lasso_duality_gap(X, y, np.zeros(3), high), 0.0, atol=1e-12)
    a = high / (2 / n * np.max(np.abs(X.T @ y)))
    uncapped = y @ y / n - (y @ y - np.sum((y - a * y) ** 2)) / n
    verify.refutes(uncapped, 0.0, why="no minimum with one")


# ISTA and FISTA.


@pytest.mark.verifies("eq-lasso-majorant", routes=("random pairs of points", "eigenvalues"))
def test_majorant(verify):
    """The bowl lies above the squares for the given L, touches along one direction, and no less."""
    X, y = problem(6, 4, seed=18)
    n = 6
    _, d, Vt = np.linalg.svd(X)
    L = 2 * d[0] ** 2 / n
    rng = np.random.default_rng(18)
    here = rng.normal(size=4)
    slope = -2 / n * X.T @ (y - X @ here)

    def bowl(points, L):
        move = points - here
        value = np.sum((y - X @ here) ** 2) / n
        return value + move @ slope + L / 2 * np.sum(move**2, axis=1)

    along = here + np.linspace(-2, 2, 9)[:, np.newaxis] * Vt[0]
    points = np.concatenate([here + rng.normal(size=(500, 4)), along])
    squares = cost_of(X, y, points, 0.0)
    verify.at_most(squares, bowl(points, L), atol=1e-10)
    verify.refutes(squares, bowl(points, L / 2), why="factor 2")
    verify.refutes(squares, bowl(points, L / n), why="factor n")
    verify.refutes(squares, bowl(points, 2 * d[0] / n), why="d for its square")
    verify.agree(cost_of(X, y, along, 0.0), bowl(along, L), rtol=1e-10)
    verify.refutes(cost_of(X, y, along, 0.0), bowl(along, 2 * L), why="twice the curvature")
    curvature = np.linalg.eigvalsh(2 / n * X.T @ X)[-1]
    verify.agree(curvature, L, rtol=1e-12)
    verify.refutes(curvature / 2, L, why="half the eigenvalue")


@pytest.mark.verifies("eq-lasso-ista", routes=("SciPy minimises the model", "dlmath.linear.ista"))
def test_ista(verify):
    """One step of dlmath minimises the bowl with the penalty, found coordinate-wise by SciPy."""
    X, y = problem(6, 3, seed=19)
    n, lam, eta = 6, 1.1, 0.02
    start = np.array([0.8, -0.05, 0.3])
    target = start + 2 * eta / n * X.T @ (y - X @ start)
    model = [
        optimize.minimize_scalar(
            lambda t, z=z: (t - z) ** 2 / (2 * eta) + lam * abs(t),
            bracket=(z - 1, z + 1),
            tol=1e-13,
        ).x
        for z in target
    ]
    step = ista(X, y, lam, 1, theta=start, eta=eta)[-1]
    verify.agree(step, model, atol=1e-6)
    verify.refutes(soft_threshold(target, lam), model, why="threshold without eta")
    verify.refutes(soft_threshold(target, eta * lam / 2), model, why="half the threshold")
    verify.refutes(soft_threshold(2 * start - target, eta * lam), model, why="uphill")
    half = start + eta / n * X.T @ (y - X @ start)
    verify.refutes(soft_threshold(half, eta * lam), model, why="factor 2 in the gradient")
    verify.refutes(target, model, why="no threshold")
    long = ista(X, y, lam, 20_000)[-1]
    verify.agree(long, minimiser(X, y, lam), atol=1e-9)
    verify.refutes(
        ista(X, y, lam / 2, 20_000)[-1], minimiser(X, y, lam), why="threshold lambda/2 throughout"
    )


@pytest.mark.verifies("eq-lasso-step", "eq-lasso-ista-bound", routes=("the iterates", "the bounds"))
def test_rate_of_ista(verify):
    """Steps between random points obey the inequality, and the iterates keep below the bound."""
    X, y = problem(8, 4, seed=20)
    n, lam = 8, 0.4
    L = 2 * np.linalg.norm(X, 2) ** 2 / n
    best = minimiser(X, y, lam)
    least = cost_of(X, y, best, lam)
    rng = np.random.default_rng(20)
    starts, others = rng.normal(size=(2, 400, 4)) * 2
    others[::2] = best
    reached = np.array([ista(X, y, lam, 1, theta=t)[-1] for t in starts])
    left = cost_of(X, y, others, lam) - cost_of(X, y, reached, lam)
    gain = np.sum((others - reached) ** 2, axis=1) - np.sum((others - starts) ** 2, axis=1)
    verify.at_most(L / 2 * gain, left, atol=1e-10)
    verify.refutes(-L / 2 * gain, left, why="sign")
    wrong = L / 2 * (np.sum((others - reached) ** 2, axis=1))
    verify.refutes(wrong, left, why="second distance forgotten")
    verify.refutes(L * gain, left, why="L for its half")

    # Along the direction of the smallest curvature the walk is slow: there the bound is tested.
    ks = np.arange(1, 400)
    start = best + 5 * np.linalg.svd(X)[2][-1]
    walk = cost_of(X, y, ista(X, y, lam, 399, theta=start), lam)[1:] - least
    bound = L * np.sum((start - best) ** 2) / (2 * ks)
    verify.at_most(walk, bound, atol=1e-12)
    slow = cost_of(X, y, ista(X, y, lam, 399, theta=start, eta=0.002 / L), lam)[1:] - least
    verify.refutes(slow, bound, why="much shorter steps")
    verify.refutes(walk, L * np.sum((start - best) ** 2) / (2 * ks**4), why="fourth power of k")
    # On the slowest slope the walk reaches half of the bound, whatever k is.
    for k in (1, 4, 30):
        flat, pull, thetas = slowest(ista, k)
        reached = cost_of(flat, np.zeros(2), thetas[-1], pull)
        verify.at_most(reached, 1 / (2 * k))
        verify.refutes(reached, 0.99 / (4 * k), why="less than half of the bound")
        if k > 1:
            verify.refutes(reached, 1 / (2 * k**2), why="the square of k")
    costs = cost_of(X, y, ista(X, y, lam, 399, theta=start), lam)
    verify.at_most(np.diff(costs), np.zeros(399), atol=1e-12)
    far = cost_of(X, y, ista(X, y, lam, 30, theta=start, eta=2.2 / L), lam)
    verify.refutes(
        np.pad(np.diff(far), (0, 369)), np.zeros(399), why="a step longer than two over L"
    )


@pytest.mark.verifies(
    "eq-lasso-fista",
    "eq-lasso-fista-bound",
    routes=("the recursion spelled out", "dlmath.linear.fista"),
)
def test_fista(verify):
    """The recursion written with lists is dlmath's, and its iterates keep below the bound."""
    X, y = problem(8, 5, seed=21)
    n, lam = 8, 0.3
    L = 2 * np.linalg.norm(X, 2) ** 2 / n
    start = np.full(5, 3.0)

    def spelled(steps, momentum=lambda a, b: (a - 1) / b, root=4.0, sign=1.0):
        thetas, point, a = [start], start, 1.0
        for _ in range(steps):
            target = point - (1 / L) * (-2 / n) * X.T @ (y - X @ point)
            new = np.sign(target) * np.maximum(np.abs(target) - lam / L, 0)
            b = (1 + np.sqrt(1 + root * a * a)) / 2
            point = new + sign * momentum(a, b) * (new - thetas[-1])
            thetas.append(new)
            a = b
        return np.array(thetas)

    ours = fista(X, y, lam, 60, theta=start)
    verify.agree(ours, spelled(60), rtol=1e-9, atol=1e-11)
    verify.refutes(spelled(60, momentum=lambda a, b: 0), ours, why="no momentum")
    verify.refutes(spelled(60, momentum=lambda a, b: a / b), ours, why="a in place of a - 1")
    verify.refutes(spelled(60, sign=-1.0), ours, why="sign of the momentum")
    verify.refutes(spelled(60, root=2.0), ours, why="factor in the root")
    best = minimiser(X, y, lam)
    least = cost_of(X, y, best, lam)
    # A wide problem of small curvatures, where the rate is seen.
    rng = np.random.default_rng(21)
    blur = np.exp(-((np.arange(40)[:, None] - np.arange(40)) ** 2) / 18)
    signal = blur @ (rng.uniform(size=40) < 0.1) * 1.0
    size = 2 * np.linalg.norm(blur, 2) ** 2 / 40
    model = Lasso(1e-4, fit_intercept=False, tol=1e-13, max_iter=10**6).fit(blur, signal)
    goal = cost_of(blur, signal, model.coef_, 1e-4)
    ks = np.arange(1, 300)
    reach = np.sum(model.coef_**2)
    gaps = cost_of(blur, signal, fista(blur, signal, 1e-4, 299), 1e-4)[1:] - goal
    bound = 2 * size * reach / (ks + 1) ** 2
    verify.at_most(gaps, bound, atol=1e-12)
    verify.refutes(
        cost_of(blur, signal, ista(blur, signal, 1e-4, 299, eta=0.02 / size), 1e-4)[1:] - goal,
        bound,
        why="short steps without momentum",
    )
    verify.refutes(gaps, 2 * size * reach / (ks + 1.0) ** 4, why="fourth power")
    # On the slowest slope the walk comes near to the bound.
    for k, share in ((5, 0.66), (50, 0.9), (200, 0.96)):
        flat, pull, thetas = slowest(fista, k)
        reached = cost_of(flat, np.zeros(2), thetas[-1], pull)
        verify.at_most(reached, 2 / (k + 1) ** 2)
        verify.refutes(reached, 1 / (k + 1) ** 2, why="L for 2 L")
        verify.refutes(reached, share * 2 / (k + 1) ** 2, why="the bound made smaller")
        verify.refutes(reached, 2 / (k + 1) ** 3, why="third power")
    ours = cost_of(X, y, ours, lam)[1:] - least
    own = 2 * L * np.sum((start - best) ** 2) / (np.arange(1, 61) + 1.0) ** 2
    verify.at_most(ours, own, atol=1e-12)
    verify.refutes(ours, own / 1e4, why="a ten-thousandth of the bound")


@pytest.mark.verifies("eq-lasso-fista-potential", routes=("the iterates", "the potential"))
def test_potential_of_fista(verify):
    """Along a run the inequality of the proof holds, and the potential never grows."""
    X, y = problem(8, 5, seed=22)
    n, lam = 8, 0.3
    L = 2 * np.linalg.norm(X, 2) ** 2 / n
    best = minimiser(X, y, lam)
    thetas = fista(X, y, lam, 40, theta=np.full(5, 2.0))
    v = cost_of(X, y, thetas, lam) - cost_of(X, y, best, lam)
    a = [1.0]
    for _ in range(40):
        a.append((1 + np.sqrt(1 + 4 * a[-1] ** 2)) / 2)
    a = np.array(a)

    def distances(thetas, best, size=L / 2, back=1.0):
        w = [thetas[0] - best]
        for k in range(len(thetas) - 1):
            w.append(a[k] * thetas[k + 1] - (a[k] - back) * thetas[k] - best)
        return size * np.sum(np.square(w), axis=1)

    W = distances(thetas, best)
    left = (a[:40] ** 2 - a[:40]) * v[:40] - a[:40] ** 2 * v[1:]
    verify.at_most(np.diff(W), left, atol=1e-9)
    verify.refutes(np.diff(distances(thetas, 0 * best)), left, why="without the minimiser")
    verify.refutes(np.diff(distances(thetas, best, back=0)), left, why="a for a - 1")
    verify.refutes(-np.diff(W), left, why="sign")
    verify.refutes(np.diff(W), left - v[:40] * a[:40] ** 2, why="squares of a left out")
    verify.agree(a[1:] ** 2 - a[1:], a[:-1] ** 2, rtol=1e-12)
    verify.refutes(a[1:] ** 2, a[:-1] ** 2, why="linear term forgotten")
    verify.at_most(np.arange(40) / 2 + 1, a[:40], atol=1e-12)
    verify.refutes(np.arange(40.0) + 1, a[:40], why="twice as fast")
    # One flat and one steep direction, with L = 1: there the factor of the distances matters.
    valley, origin = np.diag([0.1, 1.0]), np.zeros(2)
    walk = fista(valley, origin, 0.01, 40, theta=np.ones(2))
    u = cost_of(valley, origin, walk, 0.01)
    left = (a[:40] ** 2 - a[:40]) * u[:40] - a[:40] ** 2 * u[1:]
    verify.at_most(np.diff(distances(walk, origin, 0.5)), left, atol=1e-9)
    verify.refutes(np.diff(distances(walk, origin, 1.0)), left, why="L for its half")
    verify.refutes(np.diff(distances(walk, origin, 0.25)), left, why="a quarter of L")
    potential = a[:40] ** 2 * v[1:] + W[1:]
    verify.at_most(potential, np.full(40, W[0]), atol=1e-9)
    verify.refutes(potential, np.full(40, W[0] / 10), why="a tenth of the start")


# The path.


@pytest.mark.verifies(
    "eq-lasso-path", "eq-lasso-knots", routes=("all sign patterns", "dlmath.linear.lasso_knots")
)
def test_path(verify):
    """Between the knots of dlmath brute force moves on straight lines, with the text's slopes."""
    X, y = problem(7, 4, seed=30)
    n = 7
    lams, corners = lasso_knots(X, y)
    brute = np.array([minimiser(X, y, lam) for lam in lams])
    verify.agree(corners, brute, atol=1e-10)
    verify.refutes(corners[::-1], brute, why="path reversed")
    verify.agree(lams[0], lambda_max(X, y), rtol=1e-12)
    verify.refutes(lams[0] / 2, lambda_max(X, y), why="factor 2 at the start")
    for above, below in itertools.pairwise(lams):
        lam = 0.3 * above + 0.7 * below
        inside = minimiser(X, y, lam)
        A = np.flatnonzero(inside)
        sign = np.sign(inside[A])
        gram = np.linalg.inv(X[:, A].T @ X[:, A])
        free, h = gram @ X[:, A].T @ y, n / 2 * gram @ sign
        verify.agree(free - lam * h, inside[A], atol=1e-10)
        verify.refutes(free - lam * h / n, inside[A], why="factor n")
        verify.refutes(free - 2 * lam * h, inside[A], why="factor 2")
        verify.refutes(free + lam * h, inside[A], why="sign")
        line = 0.3 * minimiser(X, y, above) + 0.7 * minimiser(X, y, below)
        verify.agree(line, inside, atol=1e-10)
        verify.refutes(line[::-1], inside, why="coordinates reversed")
        # The next knot below: the largest of the formulas' values under the present penalty.
        leave = [free[i] / h[i] for i in range(len(A)) if h[i] != 0]
        enter = []
        for k in set(range(4)) - set(A):
            force = 2 / n * X[:, k] @ (y - X[:, A] @ free)
            pull = X[:, k] @ X[:, A] @ gram @ sign
            enter += [force / (1 - pull), force / (-1 - pull)]
        nearest = max([v for v in leave + enter if v < lam * (1 - 1e-9)] + [0.0])
        verify.agree(max(nearest, 0.0), below, atol=1e-10)
        verify.refutes(max(nearest, 0.0) / 2 + 1e-3, below, why="half of the knot")


def test_the_path_of_the_test_has_a_coefficient_that_leaves():
    """Among the knots of such problems are some at which a coefficient becomes zero again."""
    for seed in range(40):
        corners = lasso_knots(*problem(7, 4, seed))[1]
        active = corners != 0
        if np.any(active[1:-1] & ~active[2:]):
            break
    else:
        pytest.fail("no coefficient leaves in forty problems")
    lams, corners = lasso_knots(*problem(7, 4, seed))
    X, y = problem(7, 4, seed)
    assert np.allclose(corners, [minimiser(X, y, lam) for lam in lams], atol=1e-9)


@pytest.mark.verifies(
    "eq-lasso-dof", routes=("quadrature over the noise", "mean number of features")
)
def test_degrees_of_freedom(verify):
    """For two correlated features the covariance with the data, integrated, is the mean count."""
    X = np.array([[2.0, 1.0], [0.5, -1.5]])
    mu, s, lam = np.array([1.0, 0.6]), 0.8, 1.0
    edge = 6.5
    nodes, weights = np.polynomial.legendre.leggauss(40)
    cells = np.linspace(-edge, edge, 41)
    half = np.diff(cells) / 2
    points = ((cells[1:] + cells[:-1]) / 2 + half * nodes[:, np.newaxis]).ravel()
    weight = (half * weights[:, np.newaxis]).ravel() * stats.norm.pdf(points)
    first, second = (grid.ravel() for grid in np.meshgrid(points, points, indexing="ij"))
    share = np.multiply.outer(weight, weight).ravel()
    noise = s * np.column_stack([first, second])
    data = mu + noise
    # All minimisers at once: of the nine sign patterns the one of least cost.
    best = np.zeros_like(data)
    least = np.sum(data**2, axis=1) / 2
    for pattern in itertools.product((-1, 0, 1), repeat=2):
        on = np.flatnonzero(pattern)
        if len(on) == 0:
            continue
        A, sign = X[:, on], np.array(pattern)[on]
        part = np.linalg.solve(A.T @ A, A.T @ data.T - (lam * sign)[:, np.newaxis]).T
        point = np.zeros_like(data)
        point[:, on] = part
        cost = np.sum((data - point @ X.T) ** 2, axis=1) / 2 + lam * np.abs(point).sum(axis=1)
        better = np.all(part * sign > 0, axis=1) & (cost < least)
        best[better], least[better] = point[better], cost[better]
    one = minimiser(X, data[7], lam)
    verify.agree(best[7], one, atol=1e-12)
    verify.refutes(best[7] + 0.01, one, why="another point")
    covariance = share @ np.sum(best @ X.T * noise, axis=1) / s**2
    count = share @ np.count_nonzero(best, axis=1)
    verify.agree(covariance, count, atol=5e-3)
    verify.refutes(covariance / 2, count, why="factor 2")
    verify.refutes(covariance * s, count, why="s for its square")
    verify.refutes(covariance, 2.0, why="all features")
    shrunk = share @ np.abs(best).sum(axis=1)
    verify.refutes(covariance, shrunk, why="sizes for counts")


# The constraint, the support, the prior, the elastic net.


@pytest.mark.verifies("eq-lasso-constrained", routes=("SciPy in the ball", "all sign patterns"))
def test_constrained(verify):
    """SciPy's minimum in the ball of the lasso's own norm is the lasso."""
    X, y = problem(7, 3, seed=24)
    n = 7
    for lam in (0.5, 2.0):
        brute = minimiser(X, y, lam)
        rho = np.abs(brute).sum()

        def cost(parts):
            residual = y - X @ (parts[:3] - parts[3:])
            slope = -2 / n * X.T @ residual
            return residual @ residual / n, np.concatenate([slope, -slope])

        found = optimize.minimize(
            cost,
            np.full(6, rho / 12),
            jac=True,
            method="SLSQP",
            bounds=[(0, None)] * 6,
            constraints={
                "type": "ineq",
                "fun": lambda parts, rho=rho: rho - parts.sum(),
                "jac": lambda parts: -np.ones(6),
            },
            options={"ftol": 1e-15, "maxiter": 1000},
        ).x
        inside = found[:3] - found[3:]
        verify.agree(inside, brute, atol=1e-5)
        verify.refutes(inside, minimiser(X, y, 2 * lam), why="factor 2")
        verify.refutes(inside, minimiser(X, y, lam / n), why="factor n")
        least = np.linalg.lstsq(X, y)[0]
        shorter = least * rho / np.abs(least).sum()
        verify.refutes(inside, shorter, why="least squares made shorter")
    # Beyond the norm of least squares the constraint is idle.
    free = np.abs(np.linalg.lstsq(X, y)[0]).sum()
    norms = [np.abs(minimiser(X, y, lam)).sum() for lam in (1e-6, 0.1, 1.0)]
    verify.at_most(norms, np.full(3, free))
    verify.refutes(np.full(3, 1.1 * free), np.full(3, free), why="a larger ball")


@pytest.mark.verifies(
    "eq-lasso-irrepresentable",
    "eq-lasso-bias",
    "eq-lasso-counterexample",
    routes=("all sign patterns", "the formulas"),
)
def test_support(verify):
    """Below the limit the signs are found, with the bias of the text; above it, for no penalty."""
    n = 6
    u = np.linalg.qr(np.random.default_rng(25).normal(size=(n, 3)))[0]

    def design(c):
        third = c * u[:, 0] + c * u[:, 1] + np.sqrt(1 - 2 * c**2) * u[:, 2]
        return np.sqrt(n) * np.column_stack([u[:, 0], u[:, 1], third])

    truth, on = np.array([1.0, 1.0, 0.0]), [0, 1]
    lams = np.geomspace(1e-3, 1.9, 12)
    for c in (0.3, 0.45):
        X = design(c)
        verify.agree(np.sum(X**2, axis=0), np.full(3, float(n)), rtol=1e-12)
        verify.refutes(np.sum(X**2, axis=0), np.ones(3), why="columns of length one")
        A = X[:, on]
        pull = X[:, 2] @ A @ np.linalg.inv(A.T @ A) @ np.ones(2)
        verify.agree(pull, 2 * c, rtol=1e-11)
        verify.refutes(pull / n, 2 * c, why="factor n in the condition")
        found = np.array([minimiser(X, X @ truth, lam) for lam in lams])
        biased = truth - n * np.multiply.outer(
            lams / 2, np.r_[np.linalg.inv(A.T @ A) @ np.ones(2), 0]
        )
        verify.agree(found, biased, atol=1e-11)
        verify.refutes(found, np.tile(truth, (12, 1)), why="no bias")
        verify.refutes(found, 2 * biased - truth, why="factor 2")
        verify.refutes(found, truth - (truth - biased) / n, why="factor n")
        verify.refutes(found, 2 * truth - biased, why="sign")
    wrong = np.array([minimiser(design(0.6), design(0.6) @ truth, lam)[2] for lam in lams])
    verify.at_most(np.full(12, 1e-6), np.abs(wrong))
    kept = np.array([minimiser(design(0.45), design(0.45) @ truth, lam)[2] for lam in lams])
    verify.refutes(np.full(12, 1e-6), np.abs(kept), why="the condition satisfied")
    # Columns of any lengths and correlations, and either sign.
    found, predicted, unsigned, plain = [], [], [], []
    errors, signed, positive = [], [], []
    for seed in range(60):
        rng = np.random.default_rng(seed)
        X = rng.normal(size=(n, 4)) + rng.normal(size=(n, 1))
        truth = np.array([1.0, rng.choice([-1.0, 1.0]), 0.0, 0.0])
        A, gram = X[:, :2], np.linalg.inv(X[:, :2].T @ X[:, :2])
        point = minimiser(X, X @ truth, 1e-4)
        found.append(np.array_equal(np.sign(point), truth))
        if found[-1]:
            errors.append(truth[:2] - point[:2])
            signed.append(n * 1e-4 / 2 * gram @ truth[:2])
            positive.append(n * 1e-4 / 2 * gram @ np.ones(2))
        pull = X[:, 2:].T @ A
        predicted.append(np.max(np.abs(pull @ gram @ truth[:2])) < 1)
        unsigned.append(np.max(np.abs(pull @ gram @ np.ones(2))) < 1)
        plain.append(np.max(np.abs(pull @ truth[:2])) < n)
    verify.agree(errors, signed, atol=1e-12)
    verify.refutes(errors, positive, why="without the signs")
    assert 20 < sum(found) < 40
    verify.agree(found, predicted)
    verify.refutes(found, unsigned, why="without the signs")
    verify.refutes(found, plain, why="without the inverse")


@pytest.mark.verifies("eq-lasso-laplace", routes=("densities of SciPy", "dlmath.linear.Lasso"))
def test_laplace_prior(verify):
    """The logarithm of likelihood times prior is the cost; its mode is dlmath's lasso."""
    X, y = problem(6, 2, seed=26)
    n, s, b = 6, 1.4, 0.3
    lam = 2 * s**2 / (n * b)

    def log_posterior(theta, b=b):
        prior = stats.laplace.logpdf(theta, scale=b).sum()
        return prior + stats.norm.logpdf(y, X @ theta, s).sum()

    here, there = np.array([0.4, -0.2]), np.array([-0.3, 1.1])
    difference = -2 * s**2 / n * (log_posterior(here) - log_posterior(there))

    def costs(lam):
        return cost_of(X, y, here, lam) - cost_of(X, y, there, lam)

    verify.agree(difference, costs(lam), rtol=1e-11)
    verify.refutes(difference, costs(lam / 2), why="factor 2")
    verify.refutes(difference, costs(n * lam), why="factor n")
    verify.refutes(difference, costs(2 * s / (n * b)), why="s for its square")
    verify.refutes(difference, costs(2 * s**2 * b / n), why="b inverted")
    density = integrate.quad(lambda t: np.exp(-abs(t) / b) / (2 * b), -20, 20, points=[0])[0]
    verify.agree(density, 1.0, rtol=1e-9)
    verify.refutes(2 * density, 1.0, why="factor 2 in the density")
    mode = optimize.minimize(
        lambda t: -log_posterior(t),
        [0.1, 0.1],
        method="Nelder-Mead",
        options={"xatol": 1e-10, "fatol": 1e-13, "maxiter": 5000},
    ).x
    ours = Lasso(lam, fit_intercept=False, tol=1e-14).fit(X, y).coef_
    verify.agree(mode, ours, atol=1e-6)
    verify.refutes(mode, minimiser(X, y, lam / 2), why="half the penalty")


@pytest.mark.verifies(
    "eq-lasso-elastic-net",
    "eq-lasso-elastic-net-coordinate",
    "eq-lasso-augmented",
    routes=("all sign patterns", "scikit-learn", "dlmath.linear.ElasticNet"),
)
def test_elastic_net(verify):
    """Brute force, scikit-learn, dlmath, the update iterated and the longer lasso agree."""
    X, y = problem(6, 3, seed=27)
    n, p, l1, l2 = 6, 3, 0.9, 0.4
    brute = minimiser(X, y, l1, l2)
    ours = ElasticNet(l1, l2, fit_intercept=False, tol=1e-14).fit(X, y).coef_
    verify.agree(ours, brute, atol=1e-12)
    verify.refutes(minimiser(X, y, l1, l2 / 2), brute, why="factor 2 of the square")
    verify.refutes(minimiser(X, y, l1, l2 / n), brute, why="factor n")
    verify.refutes(minimiser(X, y, l1), brute, why="lasso")
    alpha = l1 / 2 + l2

    def theirs(alpha, ratio):
        model = linear_model.ElasticNet(
            alpha=alpha, l1_ratio=ratio, fit_intercept=False, tol=1e-13, max_iter=10**6
        )
        return model.fit(X, y).coef_

    verify.agree(theirs(alpha, l1 / 2 / alpha), brute, atol=1e-9)
    verify.refutes(theirs(l1 + l2, l1 / (l1 + l2)), brute, why="no factor 2 for scikit-learn")

    def iterate(extra, threshold):
        theta = np.zeros(p)
        for _ in range(300):
            for j in range(p):
                rest = y - X @ theta + X[:, j] * theta[j]
                c = X[:, j] @ X[:, j] / n
                theta[j] = soft_threshold(X[:, j] @ rest / n, threshold) / (c + extra)
        return theta

    verify.agree(iterate(l2, l1 / 2), brute, atol=1e-12)
    verify.refutes(iterate(2 * l2, l1 / 2), brute, why="factor 2 in the denominator")
    verify.refutes(iterate(n * l2, l1 / 2), brute, why="factor n in the denominator")
    verify.refutes(iterate(l2, l1), brute, why="threshold without 1/2")

    def longer(root, lam):
        stacked = np.vstack([X, root * np.eye(p)])
        return minimiser(stacked, np.concatenate([y, np.zeros(p)]), lam)

    verify.agree(longer(np.sqrt(n * l2), n / (n + p) * l1), brute, atol=1e-12)
    verify.refutes(longer(np.sqrt(n * l2), l1), brute, why="penalty not rescaled")
    verify.refutes(longer(np.sqrt(l2), n / (n + p) * l1), brute, why="root without n")
    verify.refutes(longer(np.sqrt(n * l2), (n + p) / n * l1), brute, why="ratio inverted")


@pytest.mark.verifies("eq-lasso-grouping", routes=("all sign patterns", "the bound"))
def test_grouping(verify):
    """Coefficients of alike columns differ by less than the bound, of equal columns not at all."""
    n = 8
    rng = np.random.default_rng(28)
    u = np.linalg.qr(rng.normal(size=(n, 3)))[0]
    differences, bounds, wrong = [], [], []
    for gamma, l2 in itertools.product((0.2, 0.9, 0.999), (0.05, 0.5)):
        second = gamma * u[:, 0] + np.sqrt(1 - gamma**2) * u[:, 1]
        X = np.sqrt(n) * np.column_stack([u[:, 0], second, u[:, 2]])
        y = X @ np.array([1.0, 2.0, 0.0]) + 2 * (u[:, 1] - u[:, 0] * 0.2)
        found = minimiser(X, y, 0.1, l2)
        assert found[0] * found[1] > 0
        differences.append(abs(found[0] - found[1]))
        bounds.append(np.sqrt(2 * (1 - gamma)) / l2 * np.linalg.norm(y) / np.sqrt(n))
        wrong.append((1 - gamma) ** 2 / l2 * np.linalg.norm(y) / np.sqrt(n) / 10)
    verify.at_most(differences, bounds)
    verify.refutes(differences, wrong, why="a smaller bound")
    verify.refutes(np.array(differences), np.array(bounds) / n, why="factor n")
    # Nearly equal columns and a large penalty: there the bound is all but reached.
    gamma, l2 = 0.995, 10.0
    second = gamma * u[:, 0] + np.sqrt(1 - gamma**2) * u[:, 1]
    X = np.sqrt(n) * np.column_stack([u[:, 0], second])
    apart, along = X[:, 0] - X[:, 1], X[:, 0] + X[:, 1]
    y = apart / np.linalg.norm(apart) + 0.1 * along / np.linalg.norm(along)
    found = minimiser(X, y, 1e-6, l2)
    assert found.prod() > 0
    bound = np.sqrt(2 * (1 - gamma)) / l2 * np.linalg.norm(y) / np.sqrt(n)
    verify.at_most(abs(found[0] - found[1]), bound)
    verify.refutes(abs(found[0] - found[1]), bound / np.sqrt(2), why="root of 2 left out")
    verify.refutes(abs(found[0] - found[1]), 0.99 * bound, why="one per cent less")
    verify.refutes(abs(found[0] - found[1]), bound * np.sqrt(1 - gamma), why="no root")
    X, y = problem(6, 2, seed=29)
    twins = minimiser(np.hstack([X, X[:, :1]]), y, 0.2, 0.1)
    verify.agree(twins[0], twins[2] * 1.0, rtol=1e-11)
    verify.refutes(twins[0], twins[1], why="different columns")
