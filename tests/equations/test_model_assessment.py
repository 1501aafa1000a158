"""The numbered equations of the chapter on model assessment."""

import itertools
from fractions import Fraction

import numpy as np
import pytest
import sympy
from dlmath.assessment import (
    bias_and_variance,
    bootstrap_error,
    generalised_cross_validation,
    leave_one_out_residuals,
    minimum_norm_risk,
    ridge_risk_limit,
)
from dlmath.linear import OLS, Ridge
from numpy.polynomial import hermite_e
from scipy import integrate, optimize, stats
from sklearn.linear_model import LinearRegression
from sklearn.model_selection import PredefinedSplit, cross_val_score
from sklearn.neighbors import KNeighborsRegressor

# A world of six possible samples (x, y) with their probabilities, in fractions.
WORLD = [
    (x, y, Fraction(weight, 12))
    for x, y, weight in ((0, 0, 1), (0, 2, 2), (1, 1, 3), (1, 4, 1), (2, 3, 3), (2, 5, 2))
]


def training_sets(n):
    """List all ordered training sets of n samples of the world, with their probabilities."""
    for drawn in itertools.product(WORLD, repeat=n):
        weight = Fraction(1)
        for _, _, probability in drawn:
            weight *= probability
        yield [(x, y) for x, y, _ in drawn], weight


def rule(samples):
    """Fit a line through the origin with a penalty, without which some sets have no answer."""
    slope = Fraction(sum(x * y for x, y in samples), sum(x * x for x, _ in samples) + 1)
    return lambda x: slope * x


def risk(f):
    """Squared error of a function on a new sample of the world."""
    return sum(p * (y - f(x)) ** 2 for x, y, p in WORLD)


def conditional(x, power=1):
    """Moment of y given x."""
    total = sum(p for u, _, p in WORLD if u == x)
    return sum(p * y**power for u, y, p in WORLD if u == x) / total


@pytest.mark.verifies(
    "eq-model-assessment-risks",
    "eq-model-assessment-decomposition",
    "eq-model-assessment-decomposition-mean",
    routes=("all training sets and new samples, in fractions", "noise, bias and variance"),
)
def test_decomposition(verify):
    """Summed over all training sets of three samples the error is noise, bias and variance."""
    fits = [(rule(samples), weight) for samples, weight in training_sets(3)]
    of_the_method = sum(w * p * (y - f(x)) ** 2 for f, w in fits for x, y, p in WORLD)
    verify.agree(float(of_the_method), float(sum(w * risk(f) for f, w in fits)), rtol=1e-14)
    training = sum(
        w * sum((y - rule(samples)(x)) ** 2 for x, y in samples) / 3
        for samples, w in training_sets(3)
    )
    verify.refutes(float(training), float(of_the_method), why="error on the training data")
    smaller = sum(w * risk(rule(samples)) for samples, w in training_sets(2))
    verify.refutes(float(smaller), float(of_the_method), why="another number of samples")

    noise, bias2, variance, total = np.empty((4, 3))
    for x in range(3):
        total_x = sum(p for u, _, p in WORLD if u == x)
        total[x] = sum(
            w * p / total_x * (y - f(x)) ** 2 for f, w in fits for u, y, p in WORLD if u == x
        )
        centre = sum(w * f(x) for f, w in fits)
        noise[x] = conditional(x, 2) - conditional(x) ** 2
        bias2[x] = (centre - conditional(x)) ** 2
        variance[x] = sum(w * (f(x) - centre) ** 2 for f, w in fits)
    verify.agree(total, noise + bias2 + variance, rtol=1e-14)
    verify.refutes(total, noise + bias2 - variance, why="sign of the variance")
    verify.refutes(total, noise + np.sqrt(bias2) + variance, why="bias not squared")
    verify.refutes(total, bias2 + variance, why="noise forgotten")
    verify.refutes(total, noise + bias2 + variance / 3, why="factor n of the variance")
    weights = np.array([float(sum(p for u, _, p in WORLD if u == x)) for x in range(3)])
    verify.agree(float(of_the_method), weights @ (noise + bias2 + variance), rtol=1e-14)
    verify.refutes(
        float(of_the_method), np.mean(noise + bias2 + variance), why="not weighted by the density"
    )
    verify.refutes(float(of_the_method), weights @ (noise + bias2), why="no variance")


@pytest.mark.verifies("eq-model-assessment-shift", routes=("sympy", "fractions"))
def test_shift(verify):
    """In symbols, and for the outputs of the small world in fractions."""
    values, c = sympy.symbols("u0:3"), sympy.Symbol("c")
    weights = [sympy.Rational(1, 2), sympy.Rational(1, 3), sympy.Rational(1, 6)]
    mean = sum(w * u for w, u in zip(weights, values, strict=True))
    square = sum(w * (u - c) ** 2 for w, u in zip(weights, values, strict=True))
    variance = sum(w * u**2 for w, u in zip(weights, values, strict=True)) - mean**2
    verify.identical(sympy.expand(square), sympy.expand(variance + (mean - c) ** 2))
    verify.refutes(square, variance - (mean - c) ** 2, why="sign")
    verify.refutes(square, variance + 2 * (mean - c) ** 2, why="factor 2")
    verify.refutes(square, variance + (mean + c) ** 2, why="sign of the number")
    about = sum(p * (y - Fraction(7, 3)) ** 2 for _, y, p in WORLD)
    mean = sum(p * y for _, y, p in WORLD)
    spread = sum(p * y**2 for _, y, p in WORLD) - mean**2
    verify.agree(float(about), float(spread + (mean - Fraction(7, 3)) ** 2), rtol=1e-15)
    verify.refutes(float(about), float(spread), why="distance forgotten")


def signs(n):
    """List all vectors of n errors of plus or minus one: an exact noise of unit variance."""
    return np.array(list(itertools.product([-1.0, 1.0], repeat=n)))


@pytest.mark.verifies(
    "eq-model-assessment-linear", routes=("all signs of the noise", "traces", "dlmath.linear")
)
def test_linear_methods(verify):
    """Means over all sign patterns of the noise are the norm and the trace of the formulas."""
    rng = np.random.default_rng(0)
    n, s = 8, 0.7
    H = rng.normal(size=(n, n)) / 3  # not symmetric: the transpose can be seen
    f = rng.normal(size=n)
    fits = (f + s * signs(n)) @ H.T
    centre = fits.mean(axis=0)
    measured = np.array([np.mean((centre - f) ** 2), np.mean((fits - centre) ** 2)])
    bias2 = np.sum((f - H @ f) ** 2) / n
    formula = np.array([bias2, s**2 * np.trace(H @ H.T) / n])
    verify.agree(measured, formula, rtol=1e-12)
    verify.refutes(measured, formula * n, why="factor n")
    verify.refutes(measured, [bias2, s**2 * np.trace(H) / n], why="trace of H")
    verify.refutes(measured, [bias2, s**2 * np.trace(H @ H) / n], why="transpose")
    verify.refutes(measured, [np.sum((H @ f) ** 2) / n, formula[1]], why="no identity")
    X = rng.normal(size=(n, 3))
    least = np.array([OLS(fit_intercept=False).fit(X, e).predict(X) for e in s * signs(n)])
    verify.agree(np.mean(least**2), s**2 * 3 / n, rtol=1e-12)
    verify.refutes(np.mean(least**2), s**2 * 3 / n**2, why="factor n, least squares")
    verify.refutes(np.mean(least**2), s**2 * 2 * 3 / n, why="factor 2")


@pytest.mark.verifies(
    "eq-model-assessment-measured",
    routes=("all outcomes of three fits", "dlmath.assessment.bias_and_variance"),
)
def test_measured(verify):
    """Averaged over all outcomes of three fits the estimates are squared bias and variance."""
    values, weights, truth = np.array([0.0, 1.0, 4.0]), np.array([0.5, 0.3, 0.2]), 2.0
    outcomes = list(itertools.product(range(3), repeat=3))
    chance = np.array([np.prod(weights[list(o)]) for o in outcomes])
    found = np.array(
        [np.ravel(bias_and_variance(values[list(o)][:, None], [truth])) for o in outcomes]
    )
    mean = weights @ values
    right = np.array([(mean - truth) ** 2, weights @ (values - mean) ** 2])
    verify.agree(chance @ found, right, rtol=1e-13)
    fits = np.array([values[list(o)] for o in outcomes])
    centre, spread = fits.mean(axis=1), fits.var(axis=1, ddof=1)
    verify.refutes([chance @ (centre - truth) ** 2, right[1]], right, why="scatter passes for bias")
    verify.refutes([right[0], chance @ fits.var(axis=1)], right, why="B for B - 1")
    verify.refutes(
        chance @ np.column_stack([(centre - truth) ** 2 + spread / 3, spread]), right, why="sign"
    )
    verify.refutes(
        chance @ np.column_stack([(centre - truth) ** 2 - spread, spread]), right, why="factor B"
    )


@pytest.mark.verifies(
    "eq-model-assessment-test-error", routes=("standard error of ones and zeros", "all outcomes")
)
def test_error_bar_of_a_share(verify):
    """The bar is the standard error of zeros and ones, and its square is right on average."""
    losses = np.array([1, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0.0])
    m, T = len(losses), losses.mean()
    bar = losses.std(ddof=1) / np.sqrt(m)
    verify.agree(bar, np.sqrt(T * (1 - T) / (m - 1)), rtol=1e-14)
    verify.refutes(bar, np.sqrt(T * (1 - T) / m), why="m for m - 1")
    verify.refutes(bar, T * (1 - T) / (m - 1), why="no root")
    verify.refutes(bar, np.sqrt(T * (1 - T)), why="factor m")
    counts = np.arange(m + 1)
    chance = stats.binom.pmf(counts, m, 0.2)
    average = chance @ (counts / m * (1 - counts / m) / (m - 1))
    verify.agree(average, 0.2 * 0.8 / m, rtol=1e-12)
    verify.refutes(average, 0.2 * 0.8 / (m - 1), why="m - 1 in the true variance")


@pytest.mark.verifies(
    "eq-model-assessment-paired",
    "eq-model-assessment-mcnemar",
    routes=("all outcomes of four samples", "the formula"),
)
def test_paired(verify):
    """Over all outcomes of four test samples the variance is the formula, and z has variance 1."""
    pairs, chance, m = [(0, 0), (0, 1), (1, 0), (1, 1)], np.array([0.5, 0.1, 0.15, 0.25]), 4
    difference, weight, z = [], [], []
    for outcome in itertools.product(range(4), repeat=m):
        losses = np.array([pairs[k] for k in outcome])
        difference.append(np.mean(losses[:, 0] - losses[:, 1]))
        weight.append(np.prod(chance[list(outcome)]))
    difference, weight = np.array(difference), np.array(weight)
    variance = weight @ difference**2 - (weight @ difference) ** 2
    a, b = np.array(pairs, dtype=float).T
    var_a, var_b = (chance @ v**2 - (chance @ v) ** 2 for v in (a, b))
    covariance = chance @ (a * b) - (chance @ a) * (chance @ b)
    verify.agree(variance, (var_a + var_b - 2 * covariance) / m, rtol=1e-12)
    verify.refutes(variance, (var_a + var_b) / m, why="unpaired")
    verify.refutes(variance, (var_a + var_b + 2 * covariance) / m, why="sign of the covariance")
    verify.refutes(variance, (var_a + var_b - covariance) / m, why="factor 2")
    verify.refutes(variance, var_a + var_b - 2 * covariance, why="factor m")

    # Equal risks: each of the five discordant samples is wrong for one or for the other.
    outcomes = signs(5)
    wrong_a = np.sum(outcomes > 0, axis=1)
    z = (wrong_a - (5 - wrong_a)) / np.sqrt(5)
    verify.agree([np.mean(z), np.mean(z**2)], [0, 1], atol=1e-14)
    verify.refutes([np.mean(z), np.mean((z / np.sqrt(5)) ** 2)], [0, 1], why="no root")
    verify.refutes([np.mean(z), np.mean((z / 2) ** 2)], [0, 1], why="factor 2 in z")
    total = (wrong_a + 5 - wrong_a) / np.sqrt(5)
    verify.refutes([np.mean(total), np.mean(total**2)], [0, 1], why="sign of c")


@pytest.mark.verifies(
    "eq-model-assessment-best", routes=("quadrature of the largest of M", "all binomial outcomes")
)
def test_best_of_many(verify):
    """The largest of M normal numbers, by quadrature, and of M shares stay below the bound."""
    many, s = np.array([1, 2, 10, 1000, 100_000]), 0.4

    def largest(M):
        def tail(x):  # of the largest above x, minus that of the largest below -x
            return -np.expm1(M * stats.norm.logcdf(x)) - stats.norm.cdf(-x) ** M

        return s * integrate.quad(tail, 0, 12, epsabs=1e-12, limit=200)[0]

    exact = np.array([largest(M) for M in many])
    bound = s * np.sqrt(2 * np.log(many))
    verify.at_most(exact, bound, atol=1e-9)
    verify.refutes(exact, bound / np.sqrt(2), why="factor 2 under the root")
    verify.refutes(exact, bound * s, why="variance for standard deviation")
    counts, m = np.arange(101), 100
    cdf = stats.binom.cdf(counts, m, 0.5)
    best = np.array([np.sum(1 - cdf**M) / m - 0.5 for M in many])
    verify.at_most(best, np.sqrt(2 * np.log(many)) / (2 * np.sqrt(m)), atol=1e-9)
    verify.refutes(best, np.sqrt(2 * np.log(many)) / (2 * m), why="no root of m")


@pytest.mark.verifies(
    "eq-model-assessment-kfold",
    "eq-model-assessment-kfold-mean",
    "eq-model-assessment-kfold-variance",
    routes=("all training sets, in fractions", "the risk with fewer samples", "scikit-learn"),
)
def test_cross_validation(verify):
    """Over all sets of four samples two folds give the risk with two, and the variance splits."""
    estimates, first, second, weights = [], [], [], []
    for samples, weight in training_sets(4):
        parts = []
        for kept, left in ((samples[2:], samples[:2]), (samples[:2], samples[2:])):
            f = rule(kept)
            parts.append(sum((y - f(x)) ** 2 for x, y in left) / 2)
        estimates.append(sum(parts) / 2)
        first.append(parts[0])
        second.append(parts[1])
        weights.append(weight)

    def mean(values):
        return float(sum(w * v for w, v in zip(weights, values, strict=True)))

    def fewer(n):
        return float(sum(w * risk(rule(samples)) for samples, w in training_sets(n)))

    verify.agree(mean(estimates), fewer(2), rtol=1e-14)
    verify.refutes(mean(estimates), fewer(3), why="one sample more")
    verify.refutes(mean(estimates), fewer(1), why="one sample fewer")
    verify.refutes(2 * mean(estimates), fewer(2), why="sum of the folds")

    def covariance(a, b):
        return mean([u * v for u, v in zip(a, b, strict=True)]) - mean(a) * mean(b)

    variance = covariance(estimates, estimates)
    one, two = covariance(first, first), covariance(first, second)
    verify.agree(variance, one / 2 + (1 - 1 / 2) * two, rtol=1e-12)
    verify.refutes(variance, one / 2, why="folds taken as independent")
    verify.refutes(variance, one / 2 - two / 2, why="sign of the covariance")
    verify.refutes(variance, one + two / 2, why="factor k")

    rng = np.random.default_rng(1)
    X, y = rng.normal(size=(12, 2)), rng.normal(size=12)
    fold = np.arange(12) % 3
    squares = np.empty(12)
    for k in range(3):
        model = OLS().fit(X[fold != k], y[fold != k])
        squares[fold == k] = (y[fold == k] - model.predict(X[fold == k])) ** 2
    theirs = -cross_val_score(
        LinearRegression(), X, y, cv=PredefinedSplit(fold), scoring="neg_mean_squared_error"
    )
    verify.agree(np.mean(squares), theirs.mean(), rtol=1e-12)
    verify.refutes(np.sum(squares), theirs.mean(), why="factor n")
    verify.refutes(
        np.mean((y - OLS().fit(X, y).predict(X)) ** 2), theirs.mean(), why="nothing left out"
    )


def exact_fit(X, y, penalty):
    """Minimise the sum of squares and ``penalty`` times all but the first coefficient squared."""
    A, b = sympy.Matrix(X.astype(int)), sympy.Matrix(y.astype(int))
    D = sympy.eye(A.cols)
    D[0, 0] = 0
    return (A.T * A + sympy.Rational(penalty) * D).LUsolve(A.T * b)


def integers(n, p, seed=0):
    """Draw features and data in integers, and put a column of ones first."""
    rng = np.random.default_rng(seed)
    X = rng.integers(-5, 6, (n, p))
    return np.column_stack([np.ones(n, dtype=int), X]), rng.integers(-9, 10, n)


def floats(values):
    return np.array([float(v) for v in values])


@pytest.mark.verifies(
    "eq-model-assessment-loo",
    "eq-model-assessment-leverage",
    "eq-model-assessment-loo-penalty",
    routes=("n refits in fractions", "dlmath.assessment", "dlmath.linear.Ridge"),
)
@pytest.mark.parametrize("lam", ["0", "3/8"])
def test_leave_one_out(verify, lam):
    """Refits without each sample, in fractions, are residual over one minus leverage."""
    ones_X, y = integers(7, 2, seed=2)
    X, n = ones_X[:, 1:].astype(float), 7
    value = float(sympy.Rational(lam))

    def refits(penalty):
        out = []
        for i in range(n):
            theta = exact_fit(np.delete(ones_X, i, 0), np.delete(y, i), penalty)
            out.append(int(y[i]) - (sympy.Matrix(ones_X[[i]]) * theta)[0])
        return floats(out)

    left_out = refits(n * sympy.Rational(lam))
    verify.agree(leave_one_out_residuals(X, y, value), left_out, rtol=1e-11)
    model = Ridge(value).fit(X, y) if value else OLS().fit(X, y)
    e = y - model.predict(X)
    centred = X - X.mean(axis=0)
    inner = np.linalg.inv(centred.T @ centred + n * value * np.eye(2))
    h = 1 / n + np.einsum("ij,jk,ik->i", centred, inner, centred)
    verify.agree(e / (1 - h), left_out, rtol=1e-11)
    verify.refutes(e / (1 + h), left_out, why="sign")
    verify.refutes(e, left_out, why="not divided")
    verify.refutes(e / (1 - h) ** 2, left_out, why="squared")
    verify.refutes(e / (1 - h + 1 / n), left_out, why="intercept without leverage")
    verify.refutes(e / (1 - np.mean(h)), left_out, why="mean leverage")
    if value:
        verify.refutes(e / (1 - h), refits(sympy.Rational(lam)), why="factor n of the penalty")
        same = refits((n - 1) * sympy.Rational(lam))
        verify.refutes(e / (1 - h), same, why="the same lambda for n - 1 samples")
        primed = [
            y[i]
            - Ridge(n * value / (n - 1)).fit(np.delete(X, i, 0), np.delete(y, i)).predict(X[[i]])[0]
            for i in range(n)
        ]
        verify.agree(primed, left_out, rtol=1e-11)
        wrong = [
            y[i]
            - Ridge((n - 1) * value / n).fit(np.delete(X, i, 0), np.delete(y, i)).predict(X[[i]])[0]
            for i in range(n)
        ]
        verify.refutes(wrong, left_out, why="inverted ratio of n and n - 1")


@pytest.mark.verifies(
    "eq-model-assessment-self-stable",
    "eq-model-assessment-replacing",
    routes=("refits in fractions", "the full sum, evaluated elsewhere"),
)
def test_replacing_is_leaving_out(verify):
    """Put in what was predicted without a sample: the fit stays, and no other has a lower sum."""
    X, y = integers(7, 2, seed=3)
    n, penalty, i = 7, sympy.Rational(21, 8), 2
    without = exact_fit(np.delete(X, i, 0), np.delete(y, i), penalty)
    predicted = (sympy.Matrix(X[[i]]) * without)[0]
    D = np.diag([0.0, 1, 1])
    H = X @ np.linalg.solve(X.T @ X + float(penalty) * D, X.T)
    others = np.arange(n) != i
    replaced = H[i, others] @ y[others] + H[i, i] * float(predicted)
    verify.agree(replaced, float(predicted), rtol=1e-12)
    verify.refutes(H[i] @ y, float(predicted), why="not replaced")
    verify.refutes(H[i, others] @ y[others], float(predicted), why="own term forgotten")
    nearest = KNeighborsRegressor(3)
    alone = nearest.fit(X[others], y[others]).predict(X[[i]])[0]
    again = nearest.fit(X, np.where(others, y, alone)).predict(X[[i]])[0]
    verify.refutes(again, alone, why="nearest neighbours")

    theta0 = floats(without)
    data = np.where(others, y, float(predicted))

    def full(theta, target=data):
        return np.sum((target - X @ theta) ** 2) + float(penalty) * np.sum(theta[1:] ** 2)

    def partial(theta):
        return full(theta) - (data[i] - X[i] @ theta) ** 2

    rng = np.random.default_rng(0)
    elsewhere = theta0 + 0.3 * rng.normal(size=(50, 3))
    values = np.array([[full(t), partial(t), full(theta0)] for t in elsewhere])
    verify.at_most(values[:, 1], values[:, 0], atol=1e-9)
    verify.refutes(values[:, 0], values[:, 1], why="inequality turned round")
    verify.at_most(values[:, 2], values[:, 1], atol=1e-9)
    kept = np.array([full(t, y) for t in elsewhere])
    verify.refutes(np.full(50, full(theta0, y)), kept, why="old datum in the sum: others are lower")
    verify.agree(full(theta0), partial(theta0), rtol=1e-12)
    verify.refutes(full(theta0, y), partial(theta0), why="term that does not vanish")


@pytest.mark.verifies(
    "eq-model-assessment-knn", routes=("scikit-learn's neighbours", "means of k - 1 others")
)
def test_nearest_neighbours(verify):
    """The shortcut gives the left-out error with k - 1 neighbours, not with k."""
    rng = np.random.default_rng(4)
    X, y, k, n = rng.normal(size=(15, 2)), rng.normal(size=15), 4, 15
    residual = y - KNeighborsRegressor(k).fit(X, y).predict(X)

    def left_out(q):
        out = np.empty(n)
        for i in range(n):
            distance = np.linalg.norm(X - X[i], axis=1)
            distance[i] = np.inf
            out[i] = y[i] - np.mean(y[np.argsort(distance)[:q]])
        return out

    verify.agree(residual / (1 - 1 / k), left_out(k - 1), rtol=1e-12)
    verify.refutes(residual / (1 - 1 / k), left_out(k), why="k neighbours left out")
    verify.refutes(residual / (1 + 1 / k), left_out(k - 1), why="sign")
    verify.refutes(residual * k, left_out(k - 1), why="factor k - 1")


def levelled(H):
    """Rotate by bisection of the angle until all diagonal entries are equal."""
    H, Q, goal = H.copy(), np.eye(len(H)), np.trace(H) / len(H)
    for _ in range(len(H) - 1):
        i, j = np.argmin(np.diag(H)), np.argmax(np.diag(H))
        if H[j, j] - H[i, i] < 1e-14:
            break

        def turned(t, i=i, j=j, H=H):
            G = np.eye(len(H))
            G[i, i] = G[j, j] = np.cos(t)
            G[i, j], G[j, i] = np.sin(t), -np.sin(t)
            return G, (G @ H @ G.T)[i, i] - goal

        G, _ = turned(optimize.brentq(lambda t: turned(t)[1], 0, np.pi / 2, xtol=1e-15))
        H, Q = G @ H @ G.T, G @ Q
    return Q


@pytest.mark.verifies(
    "eq-model-assessment-gcv",
    "eq-model-assessment-gcv-expansion",
    routes=("refits of rotated data", "dlmath.assessment", "sympy"),
)
def test_generalised_cross_validation(verify):
    """Refits without each sample of the rotated data give the formula; sympy expands it."""
    rng = np.random.default_rng(5)
    n, lam = 9, 0.2
    X, y = rng.normal(size=(n, 3)) * [1, 4, 0.3], rng.normal(size=n)
    H = X @ np.linalg.solve(X.T @ X + n * lam * np.eye(3), X.T)
    Q = levelled(H)
    verify.agree(np.diag(Q @ H @ Q.T), np.full(n, np.trace(H) / n), atol=1e-12)
    verify.refutes(np.diag(H), np.full(n, np.trace(H) / n), why="not rotated")

    def press(X, y):
        errors = []
        for i in range(n):
            A, b = np.delete(X, i, 0), np.delete(y, i)
            theta = np.linalg.solve(A.T @ A + n * lam * np.eye(3), A.T @ b)
            errors.append(y[i] - X[i] @ theta)
        return np.mean(np.square(errors))

    V = press(Q @ X, Q @ y)
    e = y - H @ y
    verify.agree(V, np.mean(e**2) / (1 - np.trace(H) / n) ** 2, rtol=1e-11)
    verify.refutes(press(X, y), V, why="leave-one-out without a rotation")
    verify.refutes(V, np.mean(e**2) / (1 - np.trace(H) / n), why="no square")
    verify.refutes(V, np.sum(e**2) / (1 - np.trace(H) / n) ** 2, why="factor n")
    verify.refutes(V, np.mean(e**2) / (1 + np.trace(H) / n) ** 2, why="sign")
    verify.refutes(V, np.mean(e**2) / (1 - np.trace(H)) ** 2, why="trace not divided by n")
    ours = generalised_cross_validation(X, y, [lam], fit_intercept=False)[0]
    verify.agree(ours, V, rtol=1e-11)
    verify.refutes(
        generalised_cross_validation(X, y, [lam / n], fit_intercept=False)[0],
        V,
        why="factor n of the penalty",
    )
    h = sympy.Symbol("h")
    series = sympy.series((1 - h) ** -2, h, 0, 2).removeO()
    verify.identical(series, 1 + 2 * h)
    verify.refutes(series, 1 + h, why="factor 2")
    verify.refutes(series, 1 - 2 * h, why="sign of the expansion")


@pytest.mark.verifies(
    "eq-model-assessment-resample",
    "eq-model-assessment-inclusion",
    routes=("all resamples of four", "sympy's limit"),
)
def test_resamples(verify):
    """Over all 256 resamples of four numbers: variance of the mean, share that holds the first."""
    x, n = np.array([0.0, 1.0, 5.0, -2.0]), 4
    drawn = np.array(list(itertools.product(range(n), repeat=n)))
    variance = np.var(x[drawn].mean(axis=1))
    squares = np.sum((x - x.mean()) ** 2)
    verify.agree(variance, squares / n**2, rtol=1e-13)
    verify.refutes(variance, squares / (n * (n - 1)), why="n - 1 for n")
    verify.refutes(variance, squares / n, why="factor n")
    verify.refutes(variance, np.sum(x**2) / n**2, why="not centred")
    share = np.mean(np.any(drawn == 0, axis=1))
    verify.agree(share, 1 - (1 - 1 / n) ** n, rtol=1e-14)
    verify.refutes(share, (1 - 1 / n) ** n, why="the complement")
    verify.refutes(share, 1 - 1 / n, why="one draw")
    k = sympy.Symbol("k", positive=True)
    limit = sympy.limit(1 - (1 - 1 / k) ** k, k, sympy.oo)
    verify.agree(float(limit), 1 - np.exp(-1), rtol=1e-14)
    verify.refutes(float(1 - limit), 1 - np.exp(-1), why="the complement, in the limit")


@pytest.mark.verifies(
    "eq-model-assessment-maximum", routes=("quadrature of an order statistic", "all resamples")
)
def test_maximum(verify):
    """The density of the largest, integrated, and all resamples give the two probabilities."""
    n, theta, t = 5, 3.0, 1.7
    below = integrate.quad(lambda m: n * m ** (n - 1) / theta**n, 0, theta * (1 - t / n))[0]
    verify.agree(below, (1 - t / n) ** n, rtol=1e-12)
    verify.refutes(below, 1 - (1 - t / n) ** n, why="the complement")
    verify.refutes(below, 1 - t / n, why="a single sample")
    verify.refutes(below, (1 - t) ** n, why="factor n")
    k, time = sympy.symbols("k t", positive=True)
    limit = sympy.limit((1 - time / k) ** k, k, sympy.oo)
    verify.agree(float(limit.subs(time, t)), np.exp(-t), rtol=1e-14)
    verify.refutes(float(limit.subs(time, -t)), np.exp(-t), why="sign")
    x = np.array([0.1, 2.0, 0.7, 1.1])
    largest = [max(x[list(i)]) for i in itertools.product(range(4), repeat=4)]
    share = np.mean(np.array(largest) == x.max())
    verify.agree(share, 1 - (1 - 1 / 4) ** 4, rtol=1e-14)
    verify.refutes(share, (1 - 1 / 4) ** 4, why="largest missed")


@pytest.mark.verifies(
    "eq-model-assessment-632", routes=("resamples drawn by hand", "dlmath.assessment")
)
def test_632(verify):
    """Fits to resamples drawn by hand, predicted out of the bag, and mixed by the large-n share."""
    rng = np.random.default_rng(6)
    X, y = rng.normal(size=(10, 2)), rng.normal(size=10)
    _, _, mixed = bootstrap_error(LinearRegression(), X, y, n_resamples=60, random_state=3)
    random, wrong = np.random.RandomState(3), [[] for _ in range(10)]
    for _ in range(60):
        drawn = random.randint(10, size=10)
        A = np.column_stack([np.ones(10), X])
        theta = np.linalg.lstsq(A[drawn], y[drawn])[0]
        for i in set(range(10)) - set(drawn.tolist()):
            wrong[i].append((y[i] - A[i] @ theta) ** 2)
    out = np.mean([np.mean(errors) for errors in wrong])
    training = np.mean((y - OLS().fit(X, y).predict(X)) ** 2)
    weight = -np.expm1(1e9 * np.log1p(-1e-9))  # of a resample of a thousand million
    verify.agree(mixed, (1 - weight) * training + weight * out, rtol=1e-8)
    verify.refutes(mixed, weight * training + (1 - weight) * out, why="weights exchanged")
    verify.refutes(mixed, out, why="out of the bag alone")
    verify.refutes(mixed, (training + out) / 2, why="equal weights")


@pytest.mark.verifies(
    "eq-model-assessment-excess", routes=("Gauss and Hermite's quadrature", "squared norm")
)
def test_excess_risk(verify):
    """The mean of the squared difference over normal features is the squared distance."""
    rng = np.random.default_rng(7)
    X, theta = rng.normal(size=(2, 3)), np.array([0.5, -1.0, 2.0])
    found = np.linalg.lstsq(X, X @ theta + rng.normal(size=2))[0]
    nodes, weights = hermite_e.hermegauss(4)
    weights = weights / weights.sum()
    total = sum(
        np.prod(weights[list(k)]) * (nodes[list(k)] @ found - nodes[list(k)] @ theta) ** 2
        for k in itertools.product(range(4), repeat=3)
    )
    verify.agree(total, np.sum((found - theta) ** 2), rtol=1e-12)
    verify.refutes(total, np.sum((found - theta) ** 2) / 3, why="factor p")
    verify.refutes(total, np.linalg.norm(found - theta), why="norm not squared")
    verify.refutes(total, np.sum((found + theta) ** 2), why="sign")
    least = np.linalg.pinv(X) @ (X @ theta)
    verify.agree(np.linalg.lstsq(X, X @ theta)[0], least, rtol=1e-12)
    verify.refutes(theta, least, why="not of minimum norm")


@pytest.mark.verifies(
    "eq-model-assessment-inverse-chi2",
    "eq-model-assessment-wishart",
    "eq-model-assessment-schur",
    routes=("quadrature", "Bartlett's triangle in sympy", "block elimination", "simulation"),
)
def test_inverse_of_a_gaussian_matrix(verify):
    """Quadrature of 1/chi^2, Bartlett's triangle for p = 2, and a simulation for p = 4."""
    k = np.array([3, 4, 7, 12])
    by_quadrature = [
        integrate.quad(lambda u, f=f: stats.chi2.pdf(u, f) / u, 0, np.inf)[0] for f in k
    ]
    verify.agree(by_quadrature, 1 / (k - 2), rtol=1e-6)
    verify.refutes(by_quadrature, 1 / k, why="inverse of the mean")
    verify.refutes(by_quadrature, 1 / (k - 1), why="minus one")
    verify.refutes(by_quadrature, 1 / (2 * (k - 2)), why="factor 2")

    # W = T T^T, T lower triangular: a^2, c^2 are chi^2 with n, n - 1 degrees, b is normal.
    n = sympy.Symbol("n")
    a, c = 1 / (n - 2), 1 / (n - 3)  # means of 1/a^2 and 1/c^2
    trace = c + a * c + a  # (a^2 + b^2 + c^2)/(a^2 c^2), E b^2 = 1
    sizes = [4, 9, 31]
    by_bartlett = [float(trace.subs(n, size)) for size in sizes]
    verify.agree(by_bartlett, [2 / (size - 2 - 1) for size in sizes], rtol=1e-14)
    verify.refutes(by_bartlett, [2 / (size - 2) for size in sizes], why="n - p for n - p - 1")
    verify.refutes(by_bartlett, [1 / (size - 2 - 1) for size in sizes], why="factor p")

    rng = np.random.default_rng(8)
    X = rng.normal(size=(40_000, 13, 4))
    traces = np.sum(1 / np.linalg.svd(X, compute_uv=False) ** 2, axis=1)
    error = traces.std() / 200
    verify.agree(traces.mean(), 4 / (13 - 4 - 1), atol=4 * error)
    verify.refutes(traces.mean(), 4 / (13 - 4), why="n - p for n - p - 1, simulated")
    verify.refutes(traces.mean(), 1 / (13 - 4 - 1), why="factor p, simulated")
    verify.refutes(traces.mean(), 4 / 13, why="inverse of the mean matrix")

    one = X[0]
    inverse = np.linalg.inv(one.T @ one)
    rest = [np.delete(one, j, 1) for j in range(4)]
    distance = [
        np.sum((one[:, j] - V @ np.linalg.lstsq(V, one[:, j])[0]) ** 2) for j, V in enumerate(rest)
    ]
    verify.agree(1 / np.diag(inverse), distance, rtol=1e-11)
    verify.refutes(np.diag(one.T @ one), distance, why="nothing subtracted")
    verify.refutes(np.diag(inverse), distance, why="not inverted")
    middle = [
        u @ u - u @ V @ np.linalg.solve(V.T @ V, V.T @ u) for u, V in zip(one.T, rest, strict=True)
    ]
    verify.agree(1 / np.diag(inverse), middle, rtol=1e-11)
    plus = [
        u @ u + u @ V @ np.linalg.solve(V.T @ V, V.T @ u) for u, V in zip(one.T, rest, strict=True)
    ]
    verify.refutes(1 / np.diag(inverse), plus, why="sign")


def simulated(n, p, s, theta, draws, seed):
    """Excess risks of minimum-norm fits, with signs for noise."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(draws, n, p))
    y = X @ theta + s * rng.choice([-1.0, 1.0], (draws, n))
    found = np.einsum("bpn,bn->bp", np.linalg.pinv(X), y)
    return np.sum((found - theta) ** 2, axis=1)


@pytest.mark.verifies(
    "eq-model-assessment-double-descent",
    routes=("simulation by the pseudo-inverse", "the formula", "dlmath.assessment"),
)
def test_double_descent(verify):
    """Thirty thousand fits each on both sides of the threshold, within four standard errors."""
    s, r = 0.8, 1.5
    for n, p in ((14, 5), (5, 14)):
        theta = np.zeros(p)
        theta[0] = r  # no matter in which direction
        risks = simulated(n, p, s, theta, 30_000, seed=p)
        error = risks.std() / np.sqrt(30_000)
        few, more = min(n, p), max(n, p)
        noise, missed = s**2 * few / (more - few - 1), r**2 * max(0, 1 - n / p)
        verify.agree(risks.mean(), noise + missed, atol=4 * error)
        verify.refutes(risks.mean(), s**2 * few / (more - few) + missed, why=f"no 1, p = {p}")
        verify.refutes(risks.mean(), 2 * noise + missed, why=f"factor 2, p = {p}")
        verify.refutes(risks.mean(), noise / few + missed, why=f"factor n or p, p = {p}")
        if p > n:
            verify.refutes(risks.mean(), noise - missed, why="sign of the bias")
            verify.refutes(risks.mean(), noise + r**2 * n / p, why="the share that is caught")
            verify.refutes(risks.mean(), noise, why="no bias")
        verify.agree(minimum_norm_risk(n, p, s, r), noise + missed, rtol=1e-14)
        verify.refutes(minimum_norm_risk(p, n, s, r), noise + missed, why=f"n for p, p = {p}")


@pytest.mark.verifies(
    "eq-model-assessment-two-parts",
    "eq-model-assessment-projection",
    routes=("least squares by LAPACK", "projections", "simulation"),
)
def test_two_parts(verify):
    """What the rows do not see, plus what the noise adds; rows catch n/p of any direction."""
    rng = np.random.default_rng(9)
    n, p = 4, 9
    X, theta, e = rng.normal(size=(n, p)), rng.normal(size=p), rng.normal(size=n)
    apart = np.linalg.lstsq(X, X @ theta + e)[0] - theta
    basis, _ = np.linalg.qr(X.T)
    P, noise = basis @ basis.T, X.T @ np.linalg.solve(X @ X.T, e)
    verify.agree(apart, -(np.eye(p) - P) @ theta + noise, rtol=1e-11)
    verify.refutes(apart, (np.eye(p) - P) @ theta + noise, why="sign")
    verify.refutes(apart, -P @ theta + noise, why="projection for its complement")
    parts = theta @ theta - np.sum((P @ theta) ** 2) + noise @ noise
    verify.agree(apart @ apart, parts, rtol=1e-11)
    verify.refutes(apart @ apart, np.sum((P @ theta) ** 2) + noise @ noise, why="what is caught")
    verify.refutes(
        apart @ apart, (theta @ theta - np.sum((P @ theta) ** 2)) - noise @ noise, why="minus noise"
    )
    q = np.linalg.qr(rng.normal(size=(20_000, p, n)))[0]
    mean = np.einsum("bin,bjn->ij", q, q) / 20_000
    verify.agree(mean, n / p * np.eye(p), atol=0.012)
    verify.refutes(mean, np.eye(p) * p / n, why="inverted")
    verify.refutes(mean, np.eye(p), why="factor n/p")
    caught = np.sum(np.einsum("bin,i->bn", q, theta) ** 2, axis=1)
    error = caught.std() / np.sqrt(20_000)
    verify.agree(caught.mean(), n / p * (theta @ theta), atol=4 * error)
    verify.refutes(caught.mean(), (1 - n / p) * (theta @ theta), why="the complement")


@pytest.mark.verifies(
    "eq-model-assessment-second-minimum", routes=("scipy's search", "sympy's derivative")
)
def test_second_minimum(verify):
    """A search finds the valley beyond the threshold where the formula says."""
    n, s, r = 25, 0.4, 1.1

    def second(p):
        return r**2 * (1 - n / p) + s**2 * n / (p - n - 1)

    found = optimize.minimize_scalar(second, bounds=(n + 1.5, 50 * n), method="bounded").x
    verify.agree(found, (n + 1) * r / (r - s), rtol=1e-5)
    verify.refutes(found, (n + 1) * r / (r + s), why="sign")
    verify.refutes(found, (n + 1) * s / (r - s), why="s for r")
    verify.refutes(found, n * r / (r - s), why="n for n + 1")
    N, p, S, R = sympy.symbols("n p s r", positive=True)
    slope = sympy.diff(R**2 * (1 - N / p) + S**2 * N / (p - N - 1), p)
    (beyond,) = (root for root in sympy.solve(slope.subs({N: n, S: s, R: r}), p) if root > n + 1)
    verify.agree(float(beyond), (n + 1) * r / (r - s), rtol=1e-12)
    verify.refutes(float(beyond), (n - 1) * r / (r - s), why="sign of the one")


@pytest.mark.verifies(
    "eq-model-assessment-ridge-risk",
    "eq-model-assessment-best-ridge",
    routes=("simulation of ridge fits", "singular values of other matrices", "scipy's search"),
)
@pytest.mark.parametrize(("n", "p"), [(8, 5), (6, 6), (5, 9)])
def test_risk_of_ridge(verify, n, p):
    """Simulated fits agree with the mean over spectra; the best penalty is where it says."""
    s, r, lam, draws = 0.6, 1.3, 0.5, 20_000
    rng = np.random.default_rng(10)
    theta = np.zeros(p)
    theta[-1] = r
    X = rng.normal(size=(draws, n, p))
    y = X @ theta + s * rng.normal(size=(draws, n))
    gram = np.swapaxes(X, 1, 2) @ X + n * lam * np.eye(p)
    found = np.linalg.solve(gram, np.einsum("bnp,bn->bp", X, y)[..., np.newaxis])[..., 0]
    risks = np.sum((found - theta) ** 2, axis=1)

    other = np.random.default_rng(11).normal(size=(draws, n, p))
    d2 = np.zeros((draws, p))
    d2[:, : min(n, p)] = np.linalg.svd(other, compute_uv=False) ** 2

    def sums(penalty, length=r, scale=p):
        top = s**2 * d2 + penalty**2 * length**2 / scale
        return np.sum(top / (d2 + penalty) ** 2, axis=1)

    formula = sums(n * lam)
    error = np.hypot(risks.std(), formula.std()) / np.sqrt(draws)
    verify.agree(risks.mean(), formula.mean(), atol=4 * error)
    verify.refutes(risks.mean(), sums(lam).mean(), why="factor n")
    verify.refutes(risks.mean(), sums(n * lam, scale=1).mean(), why="factor p")
    verify.refutes(risks.mean(), sums(2 * n * lam).mean(), why="factor 2")
    verify.refutes(risks.mean(), sums(n * lam, length=0).mean(), why="no bias")

    search = optimize.minimize_scalar(
        lambda t: sums(np.exp(t)).mean(), bounds=(-5, 5), method="bounded", options={"xatol": 1e-9}
    )
    best = s**2 * p / r**2
    verify.agree(np.exp(search.x), best, rtol=1e-5)
    verify.refutes(np.exp(search.x), s**2 / r**2, why="factor p at the minimum")
    verify.refutes(np.exp(search.x), s**2 * p / (n * r**2), why="lambda for n lambda")
    least = np.mean(np.sum(s**2 / (d2 + best), axis=1))
    verify.agree(search.fun, least, rtol=1e-10)
    verify.refutes(search.fun, np.mean(np.sum(s**2 / (d2 + best / p), axis=1)), why="prior width r")
    verify.at_most(least, r**2)
    verify.refutes(minimum_norm_risk(n, n + 2, s, r), r**2, why="without a penalty")


@pytest.mark.verifies(
    "eq-model-assessment-ridge-limit",
    routes=(
        "integral over Marchenko and Pastur's density",
        "one large matrix",
        "dlmath.assessment",
    ),
)
@pytest.mark.parametrize(("gamma", "lam"), [(0.4, 0.3), (1.0, 0.05), (2.5, 0.6)])
def test_limit_of_ridge(verify, gamma, lam):
    """The integral over the limiting spectrum is the formula with the root of the quadratic."""
    s, r = 0.7, 1.2
    middle, half = 1 + gamma, 2 * np.sqrt(gamma)

    def mean(function):
        def part(angle):
            x = middle + half * np.cos(angle)
            return function(x) * (half * np.sin(angle)) ** 2 / (2 * np.pi * gamma * x)

        zero = max(0.0, 1 - 1 / gamma)
        return integrate.quad(part, 0, np.pi)[0] + (zero and zero * function(0.0))

    integral = mean(lambda x: ((lam * r) ** 2 + s**2 * gamma * x) / (x + lam) ** 2)
    root = optimize.brentq(lambda m: gamma * lam * m**2 + (1 - gamma + lam) * m - 1, 0, 1 / lam)
    slope = -(gamma * root**2 + root) / (2 * gamma * lam * root + 1 - gamma + lam)

    def formula(m_slope=slope, share=gamma, sign=1):
        return (lam * r) ** 2 * -m_slope + s**2 * share * (root + sign * lam * m_slope)

    verify.agree(integral, formula(), rtol=1e-7)
    verify.refutes(integral, formula(m_slope=-slope), why="sign of the derivative")
    verify.refutes(integral, formula(sign=-1), why="sign in the variance")
    verify.refutes(integral, formula(share=2 * gamma), why="factor 2")
    verify.refutes(integral, formula(m_slope=slope / lam), why="factor lambda")
    verify.agree(ridge_risk_limit(gamma, lam, s, r), integral, rtol=1e-7)
    verify.refutes(ridge_risk_limit(gamma, 2 * lam, s, r), integral, why="penalty doubled")
    verify.agree(root, mean(lambda x: 1 / (x + lam)), rtol=1e-7)
    verify.refutes(
        optimize.brentq(lambda m: gamma * lam * m**2 + (1 + gamma + lam) * m - 1, 0, 1 / lam),
        mean(lambda x: 1 / (x + lam)),
        why="sign of gamma in the quadratic",
    )

    n = 600
    p = int(gamma * n)
    d2 = np.linalg.eigvalsh(np.cov(np.random.default_rng(12).normal(size=(p, n)), bias=True))
    d2 = np.maximum(d2, 0)
    one = np.sum(((lam * r) ** 2 / p + s**2 * d2 / n) / (d2 + lam) ** 2)
    verify.agree(one, formula(), rtol=0.02)
    few = np.sum(((lam * r) ** 2 / n + s**2 * d2 / p) / (d2 + lam) ** 2)
    if n != p:
        verify.refutes(few, formula(), why="n and p exchanged")
    else:
        verify.refutes(one * n, formula(), why="factor n")
