"""The numbered equations of the chapter on judging samples."""

import itertools
from fractions import Fraction

import mpmath
import numpy as np
import pytest
import sympy
from dlmath.divergences import wasserstein_gaussians
from dlmath.metrics import (
    class_entropy,
    frechet_distance,
    memorisation_share,
    mmd,
    precision_recall,
    sliced_wasserstein,
    two_sample_accuracy,
    wasserstein_1d,
)
from dlmath.pixels import PixelMixture, dequantised_bound
from scipy import integrate, linalg, optimize, stats
from scipy.spatial.distance import cdist
from sklearn.neighbors import NearestNeighbors

P3 = np.array([[2.0, 0.5, -0.3], [0.5, 1.0, 0.2], [-0.3, 0.2, 0.7]])
Q3 = np.array([[0.8, -0.2, 0.1], [-0.2, 1.5, 0.4], [0.1, 0.4, 1.1]])


def descended(S, T):
    """Find the cheapest coupling of two Gaussians: the cross-covariance C of largest trace.

    The joint covariance [[S, C], [C^T, T]] is positive semi-definite for C = S^(1/2) W T^(1/2)
    with an orthogonal W, and the largest trace is attained at one of these: search over W.
    """
    A, B = linalg.sqrtm(S).real, linalg.sqrtm(T).real

    def cost(w):
        skew = np.array([[0, w[0], w[1]], [-w[0], 0, w[2]], [-w[1], -w[2], 0]])
        return -np.trace(A @ linalg.expm(skew) @ B)

    found = optimize.minimize(cost, np.zeros(3), method="BFGS", options={"gtol": 1e-10})
    return np.trace(S + T) + 2 * found.fun


# Two moments.


@pytest.mark.verifies(
    "eq-judging-samples-frechet",
    routes=("a search for the cheapest coupling", "dlmath.divergences.wasserstein_gaussians"),
)
def test_frechet_distance(verify):
    """The smallest mean squared distance of jointly Gaussian vectors is what the formula says."""
    m, k = np.array([1.0, 0.0, -0.5]), np.array([0.2, 0.4, 0.0])
    apart = (m - k) @ (m - k)
    cheapest = apart + descended(P3, Q3)
    verify.agree(cheapest, wasserstein_gaussians(m, P3, k, Q3), rtol=1e-9)
    shared = np.trace(linalg.sqrtm(P3 @ Q3).real)
    verify.refutes(cheapest, apart + np.trace(P3 + Q3) - shared, why="factor 2")
    verify.refutes(cheapest, apart + np.trace(P3 + Q3) + 2 * shared, why="sign of the root")
    verify.refutes(cheapest, descended(P3, Q3), why="without the means")
    diagonal = np.sum((np.sqrt(np.diag(P3)) - np.sqrt(np.diag(Q3))) ** 2)
    verify.refutes(cheapest, apart + diagonal, why="diagonals only")


@pytest.mark.verifies(
    "eq-judging-samples-trace", routes=("singular values", "Newton's iteration for the root")
)
def test_trace_without_a_root(verify):
    """Singular values of A B^T sum to the trace of the root that an iteration finds."""
    rng = np.random.default_rng(0)
    A, B = rng.standard_normal((3, 3)), rng.standard_normal((5, 3))
    S, T = A.T @ A, B.T @ B

    def newton_root(M):
        X, Y = M, np.eye(len(M))
        for _ in range(60):  # Denman and Beavers's, which converges to the root and its inverse
            X, Y = (X + np.linalg.inv(Y)) / 2, (Y + np.linalg.inv(X)) / 2
        return X

    root = newton_root(S)
    trace = np.trace(newton_root(root @ T @ root))
    verify.agree(np.linalg.svd(A @ B.T, compute_uv=False).sum(), trace, rtol=1e-9)
    verify.refutes(np.trace(S @ T) ** 0.5, trace, why="root of the trace")
    verify.refutes(np.sum(np.linalg.svd(A @ B.T, compute_uv=False) ** 2), trace, why="squares")
    verify.refutes(
        np.linalg.svd(A.T @ B[:3], compute_uv=False).sum(), trace, why="the other factor transposed"
    )


@pytest.mark.verifies(
    "eq-judging-samples-mean-bias", routes=("all samples of a die, enumerated", "the traces")
)
def test_bias_of_the_means(verify):
    """Over all samples of 2 and 3 throws, the squared distance of the means averages to it."""
    faces = np.array([[0.0, 1.0], [2.0, 0.0], [1.0, 4.0]])
    covariance = np.cov(faces.T, ddof=0)
    squares = [
        np.sum((faces[list(i)].mean(axis=0) - faces[list(j)].mean(axis=0)) ** 2)
        for i in itertools.product(range(3), repeat=2)
        for j in itertools.product(range(3), repeat=3)
    ]
    expected = (1 / 2 + 1 / 3) * np.trace(covariance)
    verify.agree(np.mean(squares), expected, rtol=1e-13)
    verify.refutes(np.mean(squares), np.trace(covariance) / 5, why="pooled numbers")
    verify.refutes(np.mean(squares), 2 * expected, why="factor 2")
    verify.refutes(np.mean(squares), np.trace(covariance), why="factor n")


@pytest.mark.verifies(
    "eq-judging-samples-covariance-error",
    routes=("moments of the normal distribution in fractions", "simulated samples"),
)
def test_error_of_a_covariance(verify):
    """Isserlis's theorem, entry by entry, gives the traces; a simulation agrees."""
    S = [[Fraction(2), Fraction(1, 2)], [Fraction(1, 2), Fraction(1)]]
    n = 7
    # Var of entry ij of the sample covariance: (S_ii S_jj + S_ij^2)/(n - 1).
    total = sum((S[i][i] * S[j][j] + S[i][j] ** 2) / (n - 1) for i in range(2) for j in range(2))
    M = np.array(S, dtype=float)
    formula = (np.trace(M) ** 2 + np.trace(M @ M)) / (n - 1)
    verify.agree(float(total), formula, rtol=1e-14)
    verify.refutes(float(total), formula * (n - 1) / n, why="n for n - 1")
    verify.refutes(float(total), 2 * np.trace(M @ M) / (n - 1), why="only the squares")
    verify.refutes(float(total), 2 * formula, why="factor 2")
    rng = np.random.default_rng(0)
    draws = rng.multivariate_normal([1, 2], M, (20_000, n))
    centred = draws - draws.mean(axis=1, keepdims=True)
    covariances = np.einsum("kni,knj->kij", centred, centred) / (n - 1)
    simulated = np.sum((covariances - M) ** 2, axis=(1, 2)).mean()
    verify.agree(simulated, formula, rtol=0.03)
    verify.refutes(simulated, formula * (n - 1) / n, why="n for n - 1, simulated")


@pytest.mark.verifies(
    "eq-judging-samples-bias", routes=("simulated Fréchet distances", "both bounds")
)
def test_bias_is_between_its_bounds(verify):
    """The mean of 400 distances lies between the bounds, which fall like one over n."""
    rng = np.random.default_rng(1)
    nu = np.linalg.eigvalsh(P3)[0]
    for n, m in ((20, 30), (200, 300)):
        found = [
            frechet_distance(
                rng.multivariate_normal([0] * 3, P3, n), rng.multivariate_normal([0] * 3, P3, m)
            )
            for _ in range(400)
        ]
        error = np.std(found) / np.sqrt(len(found))
        low = (1 / n + 1 / m) * np.trace(P3)
        squares = np.trace(P3) ** 2 + np.trace(P3 @ P3)
        high = low + 2 / nu * squares * (1 / (n - 1) + 1 / (m - 1))
        mean = np.mean(found)
        verify.at_most([low, mean], [mean, high], atol=3 * error)
        verify.refutes([low, mean], [mean, low], why="without the covariances")
        verify.refutes([low, mean], [mean, 2 * low - high], why="sign of the covariances")
        verify.refutes([n * low, mean], [mean, high], why="factor n")


@pytest.mark.verifies(
    "eq-judging-samples-bias", routes=("the distance of roots", "dlmath, matrix by matrix")
)
def test_steps_of_the_upper_bound(verify):
    """Each distance of covariances is below that of the roots, and this below the bound."""
    rng = np.random.default_rng(2)
    nu, zero = np.linalg.eigvalsh(P3)[0], np.zeros(3)
    distances, roots, bounds = [], [], []
    for _ in range(40):
        S = np.cov(rng.multivariate_normal(zero, P3, 8).T)
        distances.append(wasserstein_gaussians(zero, S, zero, P3))
        difference = linalg.sqrtm(S).real - linalg.sqrtm(P3).real
        roots.append(np.sum(difference**2))
        bounds.append(np.sum((S - P3) ** 2) / nu)
    verify.at_most(distances, roots, atol=1e-10)
    verify.refutes(2 * np.array(distances), roots, why="factor 2")
    verify.at_most(roots, bounds, atol=1e-10)
    verify.refutes(roots, np.array(bounds) * nu / np.trace(P3) / 4, why="trace for eigenvalue")


@pytest.mark.verifies(
    "eq-judging-samples-scalar",
    routes=("quadrature over the law of chi", "simulated Fréchet distances"),
)
def test_bias_in_one_dimension(verify):
    """Means and standard deviations of Gaussian samples are independent: integrate over both."""
    n, sigma = 6, 1.3

    def formula(n, mean=1.0, spread=1.0):
        c = mpmath.sqrt(2 / mpmath.mpf(n - 1)) * mpmath.gamma(n / 2) / mpmath.gamma((n - 1) / 2)
        return float(2 * sigma**2 * (mean / n + spread * (1 - c**2)))

    chi = stats.chi(n - 1, scale=sigma / np.sqrt(n - 1))
    first = integrate.quad(lambda s: s * chi.pdf(s), 0, np.inf, epsabs=1e-13)[0]
    second = integrate.quad(lambda s: s**2 * chi.pdf(s), 0, np.inf, epsabs=1e-13)[0]
    exact = 2 * sigma**2 / n + 2 * (second - first**2)
    verify.agree(exact, formula(n), rtol=1e-9)
    verify.refutes(exact, formula(n) / 2, why="factor 2")
    verify.refutes(exact, formula(n, mean=0), why="without the means")
    verify.refutes(exact, formula(n, spread=-1), why="sign")
    verify.refutes(exact, formula(n + 1), why="n + 1 for n")
    rng = np.random.default_rng(0)
    pairs = sigma * rng.standard_normal((1500, 2, n, 1))
    simulated = np.mean([frechet_distance(x, y) for x, y in pairs])
    verify.agree(simulated, formula(n), rtol=0.08)
    verify.refutes(simulated, formula(n, mean=0), why="without the means, simulated")
    verify.agree(1000 * formula(1000), 3 * sigma**2, rtol=0.002)
    verify.refutes(1000 * formula(1000), 2 * sigma**2, why="without the standard deviations")


@pytest.mark.verifies(
    "eq-judging-samples-humps", routes=("sympy's moments", "Gauss and Hermite's quadrature")
)
def test_fourth_moment_of_two_humps(verify):
    """The expansion in symbols and a quadrature give 3 - 2 a^4, and the same two moments."""
    a, z = sympy.symbols("a z", real=True)
    y = [sign * a + sympy.sqrt(1 - a**2) * z for sign in (1, -1)]

    def moment(order):
        power = sympy.Poly(sympy.expand(sum(value**order for value in y) / 2), z)
        normal = {0: 1, 2: 1, 4: 3}  # moments of the standard normal law; odd ones vanish
        terms = [c * normal.get(k, 0) for (k,), c in power.terms()]
        return sympy.simplify(sum(terms))

    fourth = moment(4)
    verify.identical(fourth, 3 - 2 * a**4)
    verify.refutes(fourth, 3 + 2 * a**4, why="sign")
    verify.refutes(fourth, 3 - a**4, why="factor 2")
    verify.refutes(fourth, sympy.Integer(3), why="that of a Gaussian")
    assert [moment(1), moment(2), moment(3)] == [0, 1, 0]
    nodes, weights = np.polynomial.hermite_e.hermegauss(8)
    values = 0.7 + np.sqrt(1 - 0.49) * nodes
    verify.agree(weights @ values**4 / np.sqrt(2 * np.pi), 3 - 2 * 0.7**4, rtol=1e-12)
    verify.refutes(weights @ values**4 / np.sqrt(2 * np.pi), 3.0, why="that of a Gaussian, again")


# Kernels.

LAW_P = np.array([0.5, 0.3, 0.2])
LAW_Q = np.array([0.1, 0.3, 0.6])
PLACES = np.array([[0.0, 0.5], [1.0, -1.0], [2.0, 0.3]])


def cubic_features(X):
    """All products of up to three coordinates, so that inner products are the cubic kernel."""
    scaled = np.column_stack([X / np.sqrt(X.shape[1]), np.ones(len(X))])
    return np.einsum("ni,nj,nk->nijk", scaled, scaled, scaled).reshape(len(X), -1)


@pytest.mark.verifies(
    "eq-judging-samples-mmd", routes=("mean feature vectors", "means of the kernel")
)
def test_mmd_is_a_distance_of_means(verify):
    """The distance of the mean products of coordinates is the one from the kernel alone."""
    phi = cubic_features(PLACES)
    K = (PLACES @ PLACES.T / 2 + 1) ** 3
    apart = np.sum((LAW_P @ phi - LAW_Q @ phi) ** 2)
    same, other, mixed = LAW_P @ K @ LAW_P, LAW_Q @ K @ LAW_Q, LAW_P @ K @ LAW_Q
    verify.agree(apart, same + other - 2 * mixed, rtol=1e-12)
    verify.refutes(apart, same + other - mixed, why="factor 2")
    verify.refutes(apart, same + other + 2 * mixed, why="sign")
    verify.refutes(np.sqrt(apart), same + other - 2 * mixed, why="not squared")


@pytest.mark.verifies(
    "eq-judging-samples-mmd-unbiased",
    "eq-judging-samples-mmd-biased",
    "eq-judging-samples-kernels",
    routes=("all samples of two dice, enumerated", "dlmath.metrics.mmd", "the exact means"),
)
def test_mean_of_the_estimate(verify):
    """The estimates of all samples of 2 and 3 throws, weighted, have the exact distance as mean."""
    n, m, scale = 2, 3, 0.9
    cases = {
        "cubic": ((PLACES @ PLACES.T / 2 + 1) ** 3, {}),
        "rbf": (
            np.exp(-(cdist(PLACES, PLACES) ** 2) / (2 * scale**2)),
            {"length_scale": scale},
        ),
    }
    for kernel, (K, more) in cases.items():
        exact = (LAW_P - LAW_Q) @ K @ (LAW_P - LAW_Q)
        unbiased = biased = squares = 0.0
        for i in itertools.product(range(3), repeat=n):
            for j in itertools.product(range(3), repeat=m):
                i, j = list(i), list(j)
                weight = LAW_P[i].prod() * LAW_Q[j].prod()
                estimate = mmd(PLACES[i], PLACES[j], kernel, **more)
                unbiased += weight * estimate
                squares += weight * estimate**2
                biased += weight * (
                    K[np.ix_(i, i)].mean() + K[np.ix_(j, j)].mean() - 2 * K[np.ix_(i, j)].mean()
                )
        verify.agree(unbiased, exact, rtol=1e-11)
        verify.refutes(biased, exact, why="with the diagonals")
        verify.refutes(2 * unbiased, exact, why="factor 2")
        verify.refutes(np.sqrt(squares), exact, why="the root of the mean square")
        own, other = np.diag(K) @ LAW_P, np.diag(K) @ LAW_Q
        p, q = own - LAW_P @ K @ LAW_P, other - LAW_Q @ K @ LAW_Q
        verify.agree(biased, exact + p / n + q / m, rtol=1e-11)
        verify.refutes(biased, exact - p / n - q / m, why="sign")
        verify.refutes(biased, exact + p + q, why="factor n")
        verify.refutes(biased, exact + p / (n - 1) + q / (m - 1), why="n - 1 for n")
        assert min(p, q) > 0


@pytest.mark.verifies(
    "eq-judging-samples-characteristic",
    routes=("quadrature over frequencies", "means of the kernel in closed form"),
)
def test_gaussian_kernel_compares_characteristic_functions(verify):
    """Two Gaussians in the plane: the integral over frequencies and the Gaussian integrals."""
    scale, m, k, s, t = 0.8, np.array([0.3, 0.0]), np.array([-0.5, 0.9]), 0.6, 1.4

    def kernel_mean(apart, variance):  # E exp(-|apart + noise|^2 / (2 scale^2)), two dimensions
        total = scale**2 + variance
        return scale**2 / total * np.exp(-apart @ apart / (2 * total))

    closed = kernel_mean(0 * m, 2 * s) + kernel_mean(0 * m, 2 * t) - 2 * kernel_mean(m - k, s + t)
    nodes, weights = np.polynomial.hermite_e.hermegauss(60)
    grid = np.stack(np.meshgrid(nodes, nodes, indexing="ij"), axis=-1)
    weights = np.outer(weights, weights) / (2 * np.pi)

    def by_frequencies(width, sign=-1):
        omega = grid * width
        squared = (omega**2).sum(axis=-1)
        p = np.exp(1j * omega @ m - s * squared / 2)
        q = np.exp(1j * omega @ k - t * squared / 2)
        return np.sum(weights * np.abs(p + sign * q) ** 2)

    verify.agree(by_frequencies(1 / scale), closed, rtol=1e-9)
    verify.refutes(by_frequencies(scale), closed, why="width of the kernel not inverted")
    verify.refutes(by_frequencies(1 / scale, sign=1), closed, why="sign")
    verify.refutes(2 * by_frequencies(1 / scale), closed, why="factor 2")


@pytest.mark.verifies(
    "eq-judging-samples-cubic", routes=("tensors of moments", "means of the cubic kernel")
)
def test_cubic_kernel_compares_three_moments(verify):
    """The sum over moments is the distance from the kernel, and does not see two humps."""
    p = 2
    K = (PLACES @ PLACES.T / p + 1) ** 3
    difference = LAW_P - LAW_Q
    exact = difference @ K @ difference

    def moments(binomials=(1, 3, 3, 1), scale=p):
        powers = [
            np.ones(3),
            PLACES,
            np.einsum("ni,nj->nij", PLACES, PLACES),
            np.einsum("ni,nj,nk->nijk", PLACES, PLACES, PLACES),
        ]
        apart = [np.tensordot(difference, power, 1) for power in powers]
        terms = zip(binomials, apart, range(4), strict=True)
        return sum(b * np.sum(a**2) / scale**j for b, a, j in terms)

    verify.agree(moments(), exact, rtol=1e-12)
    verify.refutes(moments(binomials=(1, 1, 1, 1)), exact, why="without the binomials")
    verify.refutes(moments(scale=1), exact, why="factor p")
    verify.refutes(moments(binomials=(1, 3, 3, 0)), exact, why="without the third")
    nodes, weights = np.polynomial.hermite_e.hermegauss(12)
    weights = weights / weights.sum()
    a = 0.95
    humps = np.concatenate([sign * a + np.sqrt(1 - a**2) * nodes for sign in (1, -1)])
    both, law = np.append(nodes, humps), np.append(weights, -np.tile(weights / 2, 2))
    cubic = law @ (np.outer(both, both) + 1) ** 3 @ law
    quartic = law @ (np.outer(both, both) + 1) ** 4 @ law
    verify.agree(cubic, 0.0, atol=1e-9)
    verify.refutes(quartic, 0.0, why="the fourth moment")


# Lines.


@pytest.mark.verifies(
    "eq-judging-samples-quantiles",
    routes=("linear programming over couplings", "dlmath.metrics.wasserstein_1d"),
)
def test_quantiles_give_the_cheapest_plan(verify):
    """A linear programme over all couplings finds the sorted pairs, and what unequal sizes need."""
    rng = np.random.default_rng(3)
    x, y = rng.standard_normal(6), 0.5 + rng.standard_exponential(6)
    for order in (1, 2):
        cost = np.abs(np.subtract.outer(x, y)) ** order
        rows = np.kron(np.eye(6), np.ones(6))
        columns = np.kron(np.ones(6), np.eye(6))
        plan = optimize.linprog(
            cost.ravel(),
            A_eq=np.vstack([rows, columns]),
            b_eq=np.full(12, 1 / 6),
        )
        cheapest = plan.fun ** (1 / order)
        pairs = np.mean(np.abs(np.sort(x) - np.sort(y)) ** order) ** (1 / order)
        verify.agree(pairs, cheapest, rtol=1e-8)
        verify.refutes(np.mean(np.abs(x - y) ** order) ** (1 / order), cheapest, why="not sorted")
        verify.agree(wasserstein_1d(x, np.repeat(y, 3), order), cheapest, rtol=1e-8)
        verify.refutes(plan.fun * 6, cheapest, why="factor n")
        verify.refutes(np.mean(cost) ** (1 / order), cheapest, why="independent coupling")
        verify.refutes(-wasserstein_1d(x, y, order), cheapest, why="sign")


@pytest.mark.verifies(
    "eq-judging-samples-sliced",
    routes=("quadrature over the circle with scipy's distance", "dlmath.metrics"),
)
def test_sliced_distance(verify):
    """In the plane the mean over directions is an integral over an angle."""
    rng = np.random.default_rng(0)
    X, Y = rng.standard_normal((40, 2)), rng.standard_normal((30, 2)) * [2, 0.5] + [0.7, 0]
    angles = (np.arange(400) + 0.5) * np.pi / 400
    along = [
        stats.wasserstein_distance(X @ [np.cos(t), np.sin(t)], Y @ [np.cos(t), np.sin(t)])
        for t in angles
    ]
    sampled = sliced_wasserstein(X, Y, directions=40_000)
    verify.agree(sampled, np.mean(along), rtol=0.01)
    verify.refutes(sampled, np.pi * np.mean(along), why="not divided by the circle")
    verify.refutes(sampled, np.max(along), why="the worst direction")
    verify.refutes(sampled, np.mean(along) / 2, why="factor 2")


# Neighbours.


@pytest.mark.verifies(
    "eq-judging-samples-precision",
    routes=("balls by scikit-learn's neighbours", "dlmath.metrics.precision_recall"),
)
def test_precision_and_recall(verify):
    """The union of balls, point by point, gives the two shares in their order."""
    rng = np.random.default_rng(5)
    X, Y = rng.standard_normal((50, 2)), 1.2 * rng.standard_normal((40, 2)) + [0.8, 0]

    def share(points, centres, k):
        near = NearestNeighbors(n_neighbors=k, algorithm="brute").fit(centres)
        radii = near.kneighbors()[0][:, -1]  # of the fitted points themselves, each left out
        inside = [
            any(np.linalg.norm(p - c) <= r for c, r in zip(centres, radii, strict=True))
            for p in points
        ]
        return np.mean(inside)

    found = precision_recall(X, Y, k=3)
    verify.agree(found, [share(Y, X, 3), share(X, Y, 3)], atol=1e-12)
    verify.refutes(found[::-1], [share(Y, X, 3), share(X, Y, 3)], why="exchanged")
    verify.refutes(found, [share(Y, X, 2), share(X, Y, 2)], why="the point itself counted")
    verify.refutes(np.multiply(found, (40, 50)), [share(Y, X, 3), share(X, Y, 3)], why="factor n")


@pytest.mark.verifies(
    "eq-judging-samples-two-sample",
    "eq-judging-samples-two-sample-null",
    routes=("all ways to label points, enumerated", "dlmath.metrics.two_sample_accuracy"),
)
def test_two_sample_accuracy_of_one_law(verify):
    """Averaged over all ways to call four of eight points real, the accuracy is (n-1)/(2n-1)."""
    n = 4
    points = np.random.default_rng(0).standard_normal((2 * n, 3))
    distances = cdist(points, points) + np.diag(np.full(2 * n, np.inf))
    neighbour = distances.argmin(axis=1)
    counted, measured = [], []
    for real in itertools.combinations(range(2 * n), n):
        kind = np.isin(np.arange(2 * n), real)
        counted.append(np.mean(kind == kind[neighbour]))
        measured.append(two_sample_accuracy(points[kind], points[~kind]))
    verify.agree(measured, counted, atol=1e-14)
    verify.refutes(1 - np.array(measured), counted, why="the other kind")
    verify.refutes(2 * n * np.array(measured), counted, why="factor n")
    verify.agree(np.mean(counted), (n - 1) / (2 * n - 1), rtol=1e-13)
    verify.refutes(np.mean(counted), 1 / 2, why="one half")
    verify.refutes(np.mean(counted), n / (2 * n - 1), why="the point itself counted")
    verify.refutes(np.mean(counted), (n - 1) / (2 * n), why="out of all points")


@pytest.mark.verifies(
    "eq-judging-samples-two-sample-limit",
    routes=("many simulated points", "quadrature of both forms"),
)
def test_limit_of_the_two_sample_accuracy(verify):
    """For two Gaussians on the line the integrals agree, and 40,000 points come to them."""
    p, q = stats.norm(0, 1).pdf, stats.norm(1, 1.5).pdf

    def integral(f):
        return integrate.quad(lambda x: f(p(x), q(x)), -12, 14, epsabs=1e-12, limit=200)[0]

    first = 1 - integral(lambda a, b: a * b / (a + b))
    second = 0.5 + integral(lambda a, b: (a - b) ** 2 / (a + b)) / 4
    verify.agree(first, second, rtol=1e-9)
    verify.refutes(1 - 2 * integral(lambda a, b: a * b / (a + b)), second, why="factor 2")
    verify.refutes(1 + integral(lambda a, b: a * b / (a + b)), second, why="sign")
    verify.refutes(first, 0.5 + integral(lambda a, b: (a - b) ** 2 / (a + b)), why="factor 4")
    rng = np.random.default_rng(0)
    n = 20_000
    both = np.append(rng.standard_normal(n), rng.normal(1, 1.5, n))
    order = np.argsort(both)
    x, kind = both[order], order < n
    gaps = np.diff(x, prepend=-np.inf, append=np.inf)
    nearest = np.where(gaps[:-1] < gaps[1:], np.arange(2 * n) - 1, np.arange(2 * n) + 1)
    simulated = np.mean(kind == kind[nearest])
    verify.agree(simulated, first, atol=0.01)
    verify.refutes(simulated, 0.5, why="one half")
    verify.refutes(simulated, stats.norm.cdf(1), why="the best classifier")


@pytest.mark.verifies(
    "eq-judging-samples-memorisation",
    "eq-judging-samples-honest",
    routes=("all ways to deal the data, enumerated", "dlmath.metrics.memorisation_share"),
)
def test_memorisation_of_honest_models(verify):
    """Averaged over all ways to deal seven data to the two sets, the share is a/(a + b)."""
    rng = np.random.default_rng(1)
    data, samples = rng.standard_normal((7, 2)), rng.standard_normal((5, 2))
    distances = cdist(samples, data)

    def dealt(a):
        shares = []
        for chosen in itertools.combinations(range(7), a):
            train = np.isin(np.arange(7), chosen)
            near = distances[:, train].min(axis=1) < distances[:, ~train].min(axis=1)
            shares.append(near.mean())
        return np.mean(shares)

    verify.agree([dealt(a) for a in range(1, 7)], np.arange(1, 7) / 7, rtol=1e-13)
    verify.refutes([dealt(a) for a in range(1, 7)], np.full(6, 0.5), why="one half always")
    verify.refutes([dealt(a) for a in range(1, 7)], np.arange(6, 0, -1) / 7, why="exchanged")
    verify.refutes(
        [5 * dealt(a) for a in range(1, 7)], np.arange(1, 7) / 7, why="factor n of the samples"
    )
    train, held_out = data[:3], data[3:6]
    counted = sum(
        min(np.linalg.norm(y - x) for x in train) < min(np.linalg.norm(y - x) for x in held_out)
        for y in samples
    )
    verify.agree(memorisation_share(samples, train, held_out), counted / 5, atol=1e-14)
    verify.refutes(memorisation_share(samples, held_out, train), counted / 5, why="sets exchanged")


@pytest.mark.verifies(
    "eq-judging-samples-copied",
    routes=("all ways to deal the data with copies", "half of one plus the share"),
)
def test_memorisation_of_copiers(verify):
    """With two copies among five samples the mean over all deals is (1 + 2/5)/2."""
    rng = np.random.default_rng(2)
    data, honest = rng.standard_normal((6, 2)), rng.standard_normal((3, 2))
    shares = []
    for chosen in itertools.combinations(range(6), 3):
        train = np.isin(np.arange(6), chosen)
        samples = np.vstack([data[train][:2], honest])
        shares.append(memorisation_share(samples, data[train], data[~train]))
    c = 2 / 5
    verify.agree(np.mean(shares), (1 + c) / 2, rtol=1e-13)
    verify.refutes(np.mean(shares), c, why="the copies alone")
    verify.refutes(np.mean(shares), (1 - c) / 2, why="sign")
    verify.refutes(np.mean(shares), 0.5 + c, why="factor 2")


# Likelihood.


def ramp(y):
    """Give the log-density of independent coordinates with the density 2y on [0, 1]."""
    return np.log(2 * y).sum(axis=1)


@pytest.mark.verifies(
    "eq-judging-samples-dequantised",
    routes=("exact probabilities and quadrature", "dlmath.pixels.dequantised_bound"),
)
def test_dequantisation(verify):
    """For the density 2y the bound stays below the exact probability, and the code finds it."""
    L, k = 5, [0, 2, 4]
    exact = sum(
        integrate.quad(lambda u, v=v: np.log(2 * (v + u) / L), 0, 1, epsabs=1e-12)[0] for v in k
    )
    bound = exact - 3 * np.log(L)
    probability = float(sum(sympy.log(sympy.Rational((v + 1) ** 2 - v**2, L**2)) for v in k))
    verify.at_most(bound, probability)
    verify.refutes(exact + 3 * np.log(L), probability, why="sign")
    verify.refutes(exact - np.log(L), probability, why="factor d")
    verify.refutes(exact, probability, why="without the volume")
    estimate = dequantised_bound(ramp, np.tile(k, (200, 1)), L, draws=100).mean()
    verify.agree(estimate, bound, atol=0.04)
    verify.refutes(estimate, exact - np.log(L), why="factor d in the estimate")
    verify.refutes(estimate, probability, why="the mean before the logarithm")
    # A density that is constant on cells: equality.
    (flat,) = dequantised_bound(
        lambda y: np.log((2 * np.floor(L * y) + 1) / L).sum(axis=1), [k], L, draws=1
    )
    verify.agree(flat, probability, rtol=1e-12)
    verify.refutes(bound, probability, why="a sloping density")


@pytest.mark.verifies(
    "eq-judging-samples-bits", routes=("a code of as many binary digits", "the conversion")
)
def test_bits_per_dimension(verify):
    """Equally likely pictures of 8 levels need three binary digits a pixel."""
    pixels, digits = 10, len(format(8 - 1, "b"))
    nats = pixels * np.log(8)
    verify.agree(nats / (pixels * np.log(2)), float(digits), rtol=1e-14)
    verify.refutes(nats / np.log(2), float(digits), why="factor d")
    verify.refutes(nats / pixels, float(digits), why="nats")
    verify.refutes(-nats / (pixels * np.log(2)), float(digits), why="sign")


@pytest.mark.verifies(
    "eq-judging-samples-one-percent",
    routes=("a spoilt mixture over all pictures", "the bound by a logarithm"),
)
def test_one_sample_in_a_hundred(verify):
    """Over all pictures of four pixels the loss is at most log 100, and nearly that somewhere."""
    rng = np.random.default_rng(1)
    good = rng.dirichlet(np.full(3, 0.3), 4)
    noise = np.full((4, 3), 1 / 3)
    everything = np.array(list(itertools.product(range(3), repeat=4)))
    spoilt = PixelMixture([0.01, 0.99], [good, noise]).log_prob(everything)
    alone = PixelMixture([1.0], [good]).log_prob(everything)
    verify.at_most(-spoilt, -alone + np.log(100))
    verify.refutes(-spoilt, -alone, why="no loss")
    verify.refutes(-spoilt, -alone - np.log(100), why="sign")
    verify.refutes(-spoilt, -alone + np.log(2), why="the share of the noise, halved")
    # At the most probable picture of a sharp model the bound is nearly reached.
    sharp, flat = np.tile([0.998, 0.001, 0.001], (60, 1)), np.full((60, 3), 1 / 3)
    mixture = PixelMixture([0.01, 0.99], [sharp, flat])
    loss = -mixture.log_prob(np.zeros((1, 60)))[0] + 60 * np.log(0.998)
    verify.agree(loss, np.log(100), rtol=1e-12)
    verify.refutes(loss, np.log(100 / 99), why="the other share")


@pytest.mark.verifies(
    "eq-judging-samples-classes", routes=("scipy's entropy", "dlmath.metrics.class_entropy")
)
def test_effective_number_of_classes(verify):
    """The exponential of the entropy of the mean counts k equal classes as k."""
    for k in (1, 3, 10):
        verify.agree(np.exp(class_entropy(np.eye(10)[:k])), float(k), rtol=1e-13)
        verify.refutes(np.exp(class_entropy(np.eye(10)[:k])) + 1, float(k), why="one more")
    P = np.random.default_rng(0).dirichlet(np.ones(5), 8)
    right = np.exp(stats.entropy(P.mean(axis=0)))
    verify.agree(np.exp(class_entropy(P)), right, rtol=1e-12)
    verify.refutes(
        np.exp(np.mean([stats.entropy(row) for row in P])), right, why="mean of entropies"
    )
    verify.refutes(np.exp(-class_entropy(P)), right, why="sign")
