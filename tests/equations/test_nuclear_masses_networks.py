"""The numbered equations of the chapter on nuclear masses by networks."""

import heapq
import itertools
import math
import statistics
from fractions import Fraction

import numpy as np
import pytest
import sympy
from dlmath import calibration, nuclear
from dlmath.kernels import RBF, Parity
from dlmath.nuclear import LiquidDrop, ResidualModel, mass_features, mass_kernel
from scipy import integrate, optimize, stats
from sklearn.linear_model import LinearRegression


@pytest.fixture(scope="module")
def nuclides():
    """Draw Z and N of forty nuclides, all pairs of parities among them."""
    rng = np.random.default_rng(0)
    Z = rng.permutation(np.arange(10, 100))[:40]
    N = Z + rng.integers(1, 40, size=40)
    return np.column_stack([Z, N])


def signs(n):
    """List all vectors of n errors of plus or minus one: an exact noise of unit variance."""
    return np.array(list(itertools.product([-1.0, 1.0], repeat=n)))


# What is learned, and from what.


@pytest.mark.verifies(
    "eq-nuclear-masses-networks-residual",
    routes=("two fits by numpy.linalg.lstsq", "dlmath.nuclear.ResidualModel"),
)
def test_residual(verify, nuclides):
    """A linear learner on the residual of the drop, both fitted on the first thirty nuclides."""
    rng = np.random.default_rng(1)
    y = 8.0 * nuclides.sum(axis=1) + rng.normal(size=40)
    train, test = nuclides[:30], nuclides[30:]
    model = ResidualModel(LiquidDrop(), LinearRegression(), features="numbers").fit(train, y[:30])
    terms = nuclear.liquid_drop_terms(*nuclides.T)
    linear = np.column_stack([np.ones(40), nuclides])

    def two(on):
        theta = np.linalg.lstsq(terms[on], y[on], rcond=None)[0]
        left = y[on] - terms[on] @ theta
        weights = np.linalg.lstsq(linear[on], left, rcond=None)[0]
        return terms[30:] @ theta, linear[30:] @ weights

    physics, learned = two(slice(30))
    verify.agree(model.predict(test), physics + learned, rtol=1e-11)
    verify.refutes(model.base_.predict(test), physics + learned, why="the formula alone")
    verify.refutes(model.predict(test), physics - learned, why="sign of the correction")
    leaked = sum(two(slice(40)))
    verify.refutes(model.predict(test), leaked, why="fitted to the test set as well")


@pytest.mark.verifies(
    "eq-nuclear-masses-networks-shell", routes=("counting shells", "dlmath.nuclear.mass_features")
)
def test_shell(verify):
    """Number of the open shell and its filling, for all numbers up to 125."""
    numbers = np.arange(1, 126)
    closures = [0, 2, 8, 20, 28, 50, 82, 126]

    def counted(open_shell=0):
        rows = []
        for number in numbers.tolist():
            q = sum(closure <= number for closure in closures)
            width = closures[q] - closures[q - 1]
            rows.append([q, (number - closures[q - 1]) / width + open_shell])
        return np.array(rows)

    features = mass_features(numbers, 7)
    found = features[:, [11, 13]]
    verify.agree(found, counted(), atol=1e-14)
    verify.refutes(found - [1, 0], counted(), why="shells counted from zero")
    verify.refutes(np.abs(found - [0, 1]), counted(), why="holes for particles")
    verify.refutes(features[:, [12, 14]], counted(), why="neutrons for protons")
    last = np.searchsorted(closures, numbers, side="left")
    verify.refutes(
        np.column_stack([last, found[:, 1]]), counted(), why="a magic number in the shell it closes"
    )


@pytest.mark.verifies(
    "eq-nuclear-masses-networks-valley",
    routes=("minimising the drop's energy", "dlmath.nuclear.mass_features"),
)
def test_valley(verify):
    """The bottom of a drop with a_c / (4 a_a) = 0.0077 and no other term that depends on Z."""
    A = np.array([40, 100, 238])

    def bottom(a, coulomb=4 * 0.0077):
        def energy(Z):
            return coulomb * Z**2 / np.cbrt(a) + (a - 2 * Z) ** 2 / a

        return optimize.minimize_scalar(energy, bounds=(1, a), options={"xatol": 1e-10}).x

    Z = np.array([20, 44, 92])
    found = Z - mass_features(Z, A - Z)[:, 15]
    right = np.array([bottom(a) for a in A])
    verify.agree(found, right, rtol=1e-10)
    verify.refutes(2 * found, right, why="factor 2")
    verify.refutes(np.array([bottom(a, 0.0077) for a in A]), right, why="a_c / a_a for a_c / 4 a_a")
    verify.refutes(A / 2 / (1 + 0.0077 * np.cbrt(A)), right, why="the power 1/3 for 2/3")
    verify.refutes(Z - found, right, why="distance for the place")


@pytest.mark.verifies(
    "eq-nuclear-masses-networks-parity", routes=("sympy.solve", "the matrix of signs")
)
def test_parity(verify):
    """Solve the four equations for the parts."""
    f = sympy.symbols("f_pp f_pm f_mp f_mm")
    g = sympy.symbols("g0:4")
    pairs = [(1, 1), (1, -1), (-1, 1), (-1, -1)]
    equations = [
        g[0] + s * g[1] + t * g[2] + s * t * g[3] - value
        for (s, t), value in zip(pairs, f, strict=True)
    ]
    solved = sympy.solve(equations, g)
    parts = sympy.Matrix([solved[part] for part in g])
    H = sympy.Matrix([[1, 1, 1, 1], [1, 1, -1, -1], [1, -1, 1, -1], [1, -1, -1, 1]])
    verify.identical(parts, H * sympy.Matrix(f) / 4)
    verify.refutes(parts, H * sympy.Matrix(f), why="without the quarter")
    verify.refutes(parts, H * sympy.Matrix(f) / 2, why="factor 2")
    other = H.copy()
    other.row_swap(1, 2)
    verify.refutes(parts, other * sympy.Matrix(f) / 4, why="Z and N exchanged")
    verify.refutes(parts, H[:, [3, 1, 2, 0]] * sympy.Matrix(f) / 4, why="signs turned round")


@pytest.mark.verifies(
    "eq-nuclear-masses-networks-parity-kernel",
    routes=("covariance of the sum of four processes", "entries of K", "dlmath.kernels.Parity"),
)
def test_parity_kernel(verify, nuclides):
    """The covariance of f from the Cholesky factors of its parts, and the formula by entries."""
    X = nuclides[:9].astype(float)
    kernels = [RBF(length) for length in (12.0, 6.0, 4.0, 9.0)]
    odd = [np.zeros(9), X[:, 0], X[:, 1], X[:, 0] + X[:, 1]]
    # One row of white noise for each part and nuclide: their images are f.
    factors = [
        (-1.0) ** k[:, None] * np.linalg.cholesky(kernel(X) + 1e-12 * np.eye(9))
        for k, kernel in zip(odd, kernels, strict=True)
    ]
    covariance = sum(L @ L.T for L in factors)

    def entries(parity):
        K = np.zeros((9, 9))
        for i, j in itertools.product(range(9), range(9)):
            for k, kernel in zip(parity, kernels, strict=True):
                K[i, j] += (-1.0) ** (k[i] + k[j]) * kernel(X[[i]], X[[j]])[0, 0]
        return K

    formula = entries(odd)
    verify.agree(covariance, formula, atol=1e-11)
    verify.refutes(entries([odd[0], odd[2], odd[1], odd[3]]), formula, why="Z and N exchanged")
    verify.refutes(entries([np.zeros(9)] * 4), formula, why="without signs")
    verify.refutes(entries([*odd[:3], X[:, 0] * X[:, 1]]), formula, why="the product for the sum")
    k0, k1, k2, k3 = kernels
    composed = k0 + Parity((0,)) * k1 + Parity((1,)) * k2 + Parity((0, 1)) * k3
    verify.agree(composed(X), formula, atol=1e-13)
    verify.refutes((k0 + k1 + k2 + k3)(X), formula, why="signs forgotten")


@pytest.mark.verifies(
    "eq-nuclear-masses-networks-kernel", routes=("exponentials in NumPy", "dlmath.nuclear")
)
def test_kernel(verify, nuclides):
    """The kernel with hyperparameters of its own, written out."""
    X = nuclides[:12].astype(float)
    values = np.array([2.0, 8, 11, 0.5, 3, 5, 0.1, 7, 0.2, 9, 0.05, 6, 0.04])
    kernel = mass_kernel().with_theta(np.log(values))
    z, n = (np.subtract.outer(column, column) for column in X.T)

    def rbf(a, b, half=2):
        return np.exp(-((z / a) ** 2 + (n / b) ** 2) / half)

    def matern(a, b):
        r = np.sqrt(3 * ((z / a) ** 2 + (n / b) ** 2))
        return (1 + r) * np.exp(-r)

    def total(half=2, jitter=0.04, cross=1.0, rough=matern):
        sign_z, sign_n = (-1.0) ** z, (-1.0) ** n
        smooth = 2.0 * rbf(8, 11, half) + 0.5 * rough(3, 5)
        odd = 0.1 * sign_z * rbf(7, 7, half) + 0.2 * sign_n * rbf(9, 9, half)
        both = 0.05 * cross * sign_z * sign_n * rbf(6, 6, half)
        return smooth + odd + both + jitter * np.eye(12)

    verify.agree(kernel(X), total(), atol=1e-14)
    verify.refutes(kernel(X), total(half=1), why="factor 2 in the exponent")
    verify.refutes(kernel(X), total(jitter=0), why="without the jitter")
    verify.refutes(kernel(X), total(jitter=0.2), why="root of the jitter")
    verify.refutes(kernel(X), total(cross=-1.0), why="sign of the last part")
    verify.refutes(kernel(X), total(rough=rbf), why="smooth for rough")


# Ensembles.


@pytest.mark.verifies(
    "eq-nuclear-masses-networks-ensemble", routes=("statistics", "dlmath.calibration.ensemble")
)
def test_ensemble(verify):
    """Mean and squared spread of five members, by Python's own library."""
    members = np.random.default_rng(2).normal(3, 1, (5, 7))
    mean, spread = calibration.ensemble(members)
    found = np.array([mean, spread**2])
    columns = members.T.tolist()
    right = [[statistics.fmean(c) for c in columns], [statistics.variance(c) for c in columns]]
    verify.agree(found, right, rtol=1e-13)
    verify.refutes([mean, members.var(axis=0)], right, why="1/M for 1/(M-1)")
    verify.refutes([mean, spread], right, why="not squared")
    verify.refutes([mean * 5, spread**2], right, why="factor M")


@pytest.mark.verifies("eq-nuclear-masses-networks-ambiguity", routes=("sympy", "random numbers"))
def test_ambiguity(verify):
    """The identity in symbols for three members, and for five random ones."""
    f = sympy.symbols("f1:4")
    y = sympy.Symbol("y")
    mean = sum(f) / sympy.Integer(3)
    single = sum((fm - y) ** 2 for fm in f) / sympy.Integer(3)
    ambiguity = sum((fm - mean) ** 2 for fm in f) / sympy.Integer(3)
    verify.identical(sympy.expand((mean - y) ** 2), sympy.expand(single - ambiguity))
    verify.refutes((mean - y) ** 2, single + ambiguity, why="sign")
    verify.refutes(
        (mean - y) ** 2, single - sympy.Rational(3, 2) * ambiguity, why="1/(M-1) for 1/M"
    )
    verify.refutes((mean - y) ** 2, single, why="without the ambiguity")
    members = np.random.default_rng(3).normal(size=(5, 4))
    truth = np.arange(4.0)
    left = (members.mean(axis=0) - truth) ** 2
    right = np.mean((members - truth) ** 2, axis=0) - members.var(axis=0)
    verify.agree(left, right, atol=1e-14)
    verify.refutes(left, right + 2 * members.var(axis=0), why="sign, in numbers")


@pytest.mark.verifies(
    "eq-nuclear-masses-networks-seeds", routes=("all outcomes of four seeds", "the formulas")
)
def test_seeds(verify):
    """Members that take two values with equal probability: all 16 ensembles of four."""
    mu, root, y, M = 1.3, 0.7, 2.0, 4
    outcomes = mu + root * signs(M)
    mean = outcomes.mean(axis=1)
    spread = outcomes.var(axis=1, ddof=1)
    found = np.array([np.mean((mean - y) ** 2), np.mean(spread)])
    bias, v = (mu - y) ** 2, root**2
    verify.agree(found, [bias + v / M, v], rtol=1e-13)
    verify.refutes(found, [bias + v, v], why="factor M")
    verify.refutes(found, [v / M, v], why="without the bias")
    verify.refutes(found, [bias + v / M, v * (M - 1) / M], why="1/M in the spread")
    verify.refutes(found, [bias + v / M, bias + v], why="a spread that knows the bias")
    verify.refutes(found, [abs(mu - y) + v / M, v], why="bias not squared")


# Coverage and scores.


@pytest.fixture(scope="module")
def predictions():
    """Draw errors and standard deviations which are too small."""
    rng = np.random.default_rng(4)
    std = rng.uniform(0.5, 2, 60)
    return 1.7 * std * rng.normal(size=60), std


@pytest.mark.verifies(
    "eq-nuclear-masses-networks-coverage", routes=("a loop", "dlmath.calibration.coverage")
)
def test_coverage(verify, predictions):
    """Count the intervals that hold the truth."""
    error, std = predictions
    inside = [-u <= e <= u for e, u in zip(error.tolist(), std.tolist(), strict=True)]
    counted = inside.count(True) / 60
    verify.agree(calibration.coverage(error, std), counted, atol=1e-15)
    verify.refutes(np.mean(error <= std), counted, why="one side only")
    verify.refutes(1 - calibration.coverage(error, std), counted, why="outside for inside")
    verify.refutes(calibration.coverage(error, 2 * std), counted, why="width for half-width")
    verify.refutes(60 * calibration.coverage(error, std), counted, why="factor n")


@pytest.mark.verifies(
    "eq-nuclear-masses-networks-log-score",
    routes=("the formula", "dlmath.calibration.log_score", "statistics.NormalDist"),
)
def test_log_score(verify, predictions):
    """Mean of minus the logarithm of the Gaussian densities."""
    error, std = predictions

    def formula(half=2, log=1.0, circle=2 * np.pi, average=np.mean):
        parts = error**2 / (half * std**2) + log * np.log(std) + 0.5 * np.log(circle)
        return average(parts)

    verify.agree(calibration.log_score(error, std), formula(), rtol=1e-13)
    pairs = zip(error.tolist(), std.tolist(), strict=True)
    by_python = statistics.fmean(-math.log(statistics.NormalDist(0, s).pdf(e)) for e, s in pairs)
    verify.agree(by_python, formula(), rtol=1e-13)
    verify.refutes(formula(half=1), formula(), why="factor 2 in the square")
    verify.refutes(formula(log=2.0), formula(), why="variance for standard deviation")
    verify.refutes(formula(circle=1), formula(), why="without 2 pi")
    verify.refutes(formula(log=-1.0), formula(), why="sign of the logarithm")
    verify.refutes(formula(average=np.sum), formula(), why="factor n")


@pytest.mark.verifies(
    "eq-nuclear-masses-networks-scale",
    routes=("minimising the log score", "dlmath.calibration.best_scale"),
)
def test_scale(verify, predictions):
    """The factor for which the log score is least."""
    error, std = predictions
    found = optimize.minimize_scalar(
        lambda c: calibration.log_score(error, c * std),
        bounds=(0.1, 10),
        method="bounded",
        options={"xatol": 1e-10},
    ).x
    scale = calibration.best_scale(error, std)
    verify.agree(scale, found, rtol=1e-6)
    verify.refutes(scale**2, found, why="not the root")
    verify.refutes(1 / scale, found, why="inverse")
    verify.refutes(np.mean(np.abs(error / std)), found, why="mean modulus")
    verify.refutes(np.sqrt(np.mean(error**2) / np.mean(std**2)), found, why="ratio of the means")
    verify.refutes(scale * np.sqrt(60), found, why="factor n")


# Conformal prediction.


@pytest.mark.verifies(
    "eq-nuclear-masses-networks-interval",
    routes=("is the truth between the ends", "is the score at most q"),
)
def test_score(verify, predictions):
    """A score is at most q exactly if the interval of q bars holds the truth."""
    error, std = predictions
    predicted = np.linspace(-3, 3, 60)
    truth = predicted + error
    for q in (0.5, 1.3):
        between = (predicted - q * std <= truth) & (truth <= predicted + q * std)
        verify.agree(np.abs(truth - predicted) / std <= q, between)
        verify.refutes(np.abs(truth - predicted) <= q, between, why="without the bar")
        verify.refutes(np.abs(truth - predicted) * std <= q, between, why="times the bar")
        verify.refutes((truth - predicted) / std <= q, between, why="sign of the error")
        verify.refutes(np.abs(truth - predicted) / std**2 <= q, between, why="over the variance")


@pytest.mark.verifies(
    "eq-nuclear-masses-networks-rank",
    routes=("search with fractions", "dlmath.calibration.conformal_rank"),
)
def test_rank(verify):
    """The least whole k with k / (n + 1) >= 1 - alpha, in exact arithmetic."""
    cases = [(n, Fraction(a, 100)) for n in (1, 7, 18, 19, 20, 99, 393) for a in (1, 5, 10, 32)]

    def least(n, alpha, more=1):
        return next(k for k in range(n + 3) if Fraction(k, n + more) >= 1 - alpha)

    right = [least(n, alpha) for n, alpha in cases]
    found = [calibration.conformal_rank(n, float(1 - alpha)) for n, alpha in cases]
    verify.agree(found, right)
    verify.refutes([least(n, alpha, 0) for n, alpha in cases], right, why="n for n + 1")
    floor = [math.floor((n + 1) * (1 - alpha)) for n, alpha in cases]
    verify.refutes(floor, right, why="rounded down")
    verify.refutes([least(n, 1 - alpha) for n, alpha in cases], right, why="alpha for 1 - alpha")


@pytest.mark.verifies(
    "eq-nuclear-masses-networks-quantile",
    routes=("heapq", "dlmath.calibration.conformal_quantile"),
)
def test_quantile(verify):
    """The k-th smallest score, and none where k is n + 1."""
    scores = np.random.default_rng(5).exponential(size=59)
    levels = (0.5, 0.68, 0.9, 0.95)
    found = [calibration.conformal_quantile(scores, level) for level in levels]

    def smallest(k):
        return heapq.nsmallest(k, scores.tolist())[-1]

    right = [smallest(math.ceil(Fraction(str(level)) * 60)) for level in levels]
    verify.agree(found, right)
    verify.refutes(np.quantile(scores, levels), right, why="interpolated, of n")
    verify.refutes([smallest(60 - math.ceil(p * 60)) for p in levels], right, why="from above")
    assert calibration.conformal_quantile(scores[:18], 0.95) == np.inf
    assert calibration.conformal_quantile(scores[:19], 0.95) == scores[:19].max()


def orders(values):
    """List all orders of n + 1 scores, the new one last."""
    return np.array(list(itertools.permutations(values)), dtype=float)


def covered(values, level, rank=calibration.conformal_rank):
    """Share of the orders in which the last score does not exceed the threshold."""
    every = orders(values)
    n = every.shape[1] - 1
    k = rank(n, level)
    if k > n:
        return 1.0
    threshold = np.sort(every[:, :n], axis=1)[:, k - 1]
    return np.mean(every[:, n] <= threshold)


def of_n(n, level):
    """Take the rank that an ordinary quantile has."""
    return math.ceil(round(n * level, 9))


@pytest.mark.verifies(
    "eq-nuclear-masses-networks-conformal",
    "eq-nuclear-masses-networks-conformal-exact",
    "eq-nuclear-masses-networks-counting",
    routes=("all orders of the scores", "k / (n + 1)"),
)
def test_conformal(verify):
    """All orders of up to seven scores, with and without ties, for four levels."""
    levels = (0.5, 0.68, 0.8, 0.95)
    for n in (2, 4, 6):
        ranks = np.array([calibration.conformal_rank(n, level) for level in levels])
        different = [covered(range(n + 1), level) for level in levels]
        verify.agree(different, ranks / (n + 1), atol=1e-14)
        verify.refutes(
            [covered(range(n + 1), level, of_n) for level in levels],
            ranks / (n + 1),
            why="the quantile of n scores",
        )
        verify.refutes(different, np.minimum(ranks / n, 1), why="n for n + 1")
        verify.at_most(levels, different, atol=1e-14)
        ordinary = [covered(range(n + 1), level, of_n) for level in levels]
        verify.refutes(levels, ordinary, why="bound for the ordinary quantile")
        # Strictly below: less than by a thousandth of 1 / (n + 1).
        verify.at_most(different, np.array(levels) + 1 / (n + 1) - 1e-3 / (n + 1))
        verify.refutes(different, np.array(levels) - 1e-9, why="coverage below the level")
        tied = [covered([0, *range(n)], level) for level in levels]
        verify.at_most(ranks / (n + 1), tied, atol=1e-14)
        verify.refutes(ranks / (n + 1) + 1 / (n + 1), tied, why="one rank more")

    # Counting: in every order, k of five different scores are at most T; and more with ties.
    scores, level = [3.0, 1.0, 4.0, 1.5, 9.0], 0.6
    k = calibration.conformal_rank(4, level)
    every = orders(scores)
    T = np.sort(every, axis=1)[:, k - 1]
    each = np.mean(every <= T[:, None], axis=0)
    verify.agree(each.sum(), np.mean(np.sum(every <= T[:, None], axis=1)), atol=1e-13)
    verify.agree(each, np.full(5, k / 5), atol=1e-14)
    verify.refutes(each, np.full(5, k / 4), why="n for n + 1, in the count")
    verify.refutes(each * 5, np.full(5, k / 5), why="factor n + 1")


@pytest.mark.verifies(
    "eq-nuclear-masses-networks-binomial",
    "eq-nuclear-masses-networks-beta",
    routes=("all outcomes of five indicators", "sympy", "scipy.stats.beta"),
)
def test_beta(verify):
    """The distribution function from all outcomes; its derivative; scipy's density."""
    u = sympy.Symbol("u", positive=True)
    n = 5
    for k in (2, 4):
        outcomes = itertools.product([0, 1], repeat=n)
        below = sum(
            u ** sum(hits) * (1 - u) ** (n - sum(hits)) for hits in outcomes if sum(hits) >= k
        )
        binomial = sum(sympy.binomial(n, j) * u**j * (1 - u) ** (n - j) for j in range(k, n + 1))
        verify.identical(below, sympy.expand(binomial))
        more = sum(sympy.binomial(n, j) * u**j * (1 - u) ** (n - j) for j in range(k + 1, n + 1))
        verify.refutes(below, sympy.expand(more), why="more than k")
        factor = sympy.factorial(n) / (sympy.factorial(k - 1) * sympy.factorial(n - k))
        density = factor * u ** (k - 1) * (1 - u) ** (n - k)
        verify.identical(sympy.diff(below, u), sympy.expand(density))
        verify.refutes(sympy.diff(below, u), sympy.expand(density / n), why="factor n")
        verify.refutes(sympy.diff(below, u), sympy.expand(density * u), why="k for k - 1")
        verify.refutes(sympy.diff(below, u), sympy.expand(density.subs(u, 1 - u)), why="mirrored")
        at = np.linspace(0.1, 0.9, 9)
        values = [float(density.subs(u, value)) for value in at]
        verify.agree(stats.beta(k, n + 1 - k).pdf(at), values, rtol=1e-12)
        verify.refutes(stats.beta(k, n - k).pdf(at), values, why="n - k for n + 1 - k")


@pytest.mark.verifies(
    "eq-nuclear-masses-networks-beta-moments", routes=("sympy.integrate", "the formulas")
)
def test_beta_moments(verify):
    """Mean and variance by integrating the density."""
    u = sympy.Symbol("u", positive=True)
    for n, k in ((5, 4), (9, 3)):
        density = u ** (k - 1) * (1 - u) ** (n - k)
        norm, first, second = (
            sympy.integrate(sympy.expand(density * u**r), (u, 0, 1)) for r in range(3)
        )
        mean, variance = first / norm, second / norm - (first / norm) ** 2
        found = sympy.Matrix([mean, variance])
        n1 = sympy.Integer(n + 1)
        verify.identical(found, sympy.Matrix([k / n1, k * (n1 - k) / (n1**2 * (n + 2))]))
        wrong = sympy.Matrix([k / sympy.Integer(n), k * (n1 - k) / (n1**2 * (n + 2))])
        verify.refutes(found, wrong, why="n for n + 1")
        wrong = sympy.Matrix([k / n1, k * (n - k) / (n1**2 * (n + 2))])
        verify.refutes(found, wrong, why="n - k for n + 1 - k")
        wrong = sympy.Matrix([k / n1, k * (n1 - k) / n1**2])
        verify.refutes(found, wrong, why="without n + 2: a single draw")
        wrong = sympy.Matrix([k / n1, k * (n1 - k) / n1**3])
        verify.refutes(found, wrong, why="n + 1 for n + 2")


# Separation energies.


@pytest.mark.verifies(
    "eq-nuclear-masses-networks-separation", routes=("all signs of the noise", "the formula")
)
def test_separation(verify):
    """Mean and variance of the difference, from correlated energies with an exact noise."""
    sigma = np.array([[0.5, 0.3], [0.3, 0.4]])
    mean = np.array([416.0, 409.5])
    energies = mean + signs(2) @ np.linalg.cholesky(sigma).T
    difference = energies[:, 0] - energies[:, 1]
    found = np.array([difference.mean(), difference.var()])

    def formula(cross=-2.0, sign=1):
        spread = sigma[0, 0] + sigma[1, 1] + cross * sigma[0, 1]
        return [sign * (mean[0] - mean[1]), spread]

    verify.agree(found, formula(), rtol=1e-12)
    verify.refutes(found, formula(cross=2.0), why="sign of the covariance")
    verify.refutes(found, formula(cross=0.0), why="without the covariance")
    verify.refutes(found, formula(cross=-1.0), why="factor 2")
    verify.refutes(found, formula(sign=-1), why="sign of the energy")


@pytest.mark.verifies("eq-nuclear-masses-networks-bound", routes=("integrating the density", "Phi"))
def test_bound(verify):
    """The mass of a Gaussian above zero."""
    energies, s = np.array([-1.0, 0.2, 2.5]), np.array([0.8, 1.5, 2.0])

    def above(energy, std):
        def density(x):
            return np.exp(-((x - energy) ** 2) / (2 * std**2)) / (std * np.sqrt(2 * np.pi))

        return integrate.quad(density, 0, energy + 40 * std, points=[max(energy, 0)])[0]

    right = [above(energy, std) for energy, std in zip(energies, s, strict=True)]
    verify.agree(stats.norm.cdf(energies / s), right, atol=1e-13)
    verify.refutes(stats.norm.cdf(-energies / s), right, why="sign")
    verify.refutes(stats.norm.cdf(energies / s**2), right, why="variance for standard deviation")
    verify.refutes(stats.norm.cdf(energies * s), right, why="times for over")
    verify.refutes(2 * stats.norm.cdf(energies / s) - 1, right, why="both sides")


# Importance.


def expectation(joint, f, j):
    """Compute I_j, the mean squared change of f and 2 E Var(f | others), by enumeration."""
    points = list(joint)
    share = {}
    for x, weight in joint.items():
        share[x[j]] = share.get(x[j], 0) + weight
    shuffled = plain = change = 0.0
    for x, weight in joint.items():
        for noise in (-0.6, 0.6):
            y = f(x) + noise
            plain += weight / 2 * (y - f(x)) ** 2
            for value, other in share.items():
                moved = tuple(value if i == j else v for i, v in enumerate(x))
                shuffled += weight * other / 2 * (y - f(moved)) ** 2
                change += weight * other / 2 * (f(x) - f(moved)) ** 2
    rest = {}
    for x in points:
        rest.setdefault(tuple(np.delete(x, j)), []).append(x)
    twice = 0.0
    for group in rest.values():
        weights = np.array([joint[x] for x in group])
        values = np.array([f(x) for x in group])
        centre = weights @ values / weights.sum()
        twice += 2 * weights @ (values - centre) ** 2
    return shuffled - plain, change, twice


@pytest.mark.verifies(
    "eq-nuclear-masses-networks-importance",
    "eq-nuclear-masses-networks-importance-value",
    routes=("all outcomes", "mean squared change of f", "twice the conditional variance"),
)
def test_importance(verify):
    """Two discrete features, independent and not, and an additive noise: exact expectations."""

    def f(x):
        return x[0] + 0.5 * x[1] ** 2 - x[0] * x[1]

    first, second = {0: 0.2, 1: 0.5, 3: 0.3}, {-1: 0.4, 2: 0.6}
    independent = {(a, b): p * q for a, p in first.items() for b, q in second.items()}
    for j in (0, 1):
        gain, change, twice = expectation(independent, f, j)
        verify.agree(gain, change, rtol=1e-12)
        verify.refutes(gain + 0.36, change, why="noise left in")
        verify.refutes(-gain, change, why="sign")
        verify.agree(gain, twice, rtol=1e-12)
        verify.refutes(gain, twice / 2, why="factor 2")
        verify.refutes(gain, expectation(independent, f, 1 - j)[2], why="the other feature")
    dependent = dict(independent)
    dependent[(0, -1)], dependent[(0, 2)] = 0.2, 0.0
    dependent[(1, 2)], dependent[(1, -1)] = 0.5, 0.0
    dependent = {x: p / sum(dependent.values()) for x, p in dependent.items() if p}
    gain, change, twice = expectation(dependent, f, 0)
    verify.agree(gain, change, rtol=1e-12)
    verify.refutes(gain, twice, why="the second formula for features that depend on each other")
