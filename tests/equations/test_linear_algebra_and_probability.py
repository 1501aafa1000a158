"""The numbered equations of the appendix on linear algebra and probability."""

import itertools
import math
from fractions import Fraction

import numpy as np
import pytest
import sympy
import torch
from scipy import integrate, linalg, optimize, special, stats

torch.set_num_threads(1)


def draw(*shape, seed=0):
    """Draw standard normal numbers."""
    return np.random.default_rng(seed).normal(size=shape)


def definite(p, seed=0):
    """Draw a positive definite matrix."""
    X = draw(p + 2, p, seed=seed)
    return X.T @ X + 0.3 * np.eye(p)


def blocks(seed=0):
    """Draw a positive definite matrix of order five and cut it after the second row."""
    M = definite(5, seed)
    return M, M[:2, :2], M[:2, 2:], M[2:, 2:]


# Vectors and matrices.


@pytest.mark.verifies(
    "eq-linear-algebra-and-probability-cauchy-schwarz",
    routes=("inner products", "products of lengths", "angles"),
)
def test_cauchy_schwarz(verify):
    """The inner product never exceeds the product of the lengths, and reaches it."""
    x, y = draw(300, 4, seed=1), draw(300, 4, seed=2)
    y[0] = -3 * x[0]
    inner = np.abs(np.sum(x * y, axis=1))
    lengths = np.linalg.norm(x, axis=1) * np.linalg.norm(y, axis=1)
    verify.at_most(inner, lengths, atol=1e-13)
    verify.refutes(inner, lengths / 2, why="factor 2")
    verify.refutes(lengths, inner, why="direction")
    verify.agree(inner[0], lengths[0], rtol=1e-13)
    verify.refutes(inner[1], lengths[1], why="vectors that are not multiples")


@pytest.mark.verifies(
    "eq-linear-algebra-and-probability-projection",
    routes=("normal equations", "orthonormal basis", "numpy.linalg.lstsq"),
)
def test_projection(verify):
    """Three ways to the nearest point, and the properties that make a projection."""
    A, y = draw(6, 3, seed=3), draw(6, seed=4)
    P = A @ np.linalg.inv(A.T @ A) @ A.T
    Q = linalg.orth(A)
    verify.agree(P, Q @ Q.T, atol=1e-13)
    verify.refutes(A @ A.T, Q @ Q.T, why="without the inverse")
    verify.refutes(np.eye(6) - P, Q @ Q.T, why="the complement")
    nearest = A @ np.linalg.lstsq(A, y, rcond=None)[0]
    verify.agree(P @ y, nearest, atol=1e-12)
    verify.refutes(2 * P @ y - y, nearest, why="reflection")
    verify.agree(np.stack([P @ P, P.T]), np.stack([P, P]), atol=1e-13)
    slanted = A @ np.linalg.inv(draw(3, 6, seed=5) @ A) @ draw(3, 6, seed=5)
    verify.refutes(np.stack([slanted @ slanted, slanted.T]), np.stack([slanted] * 2), why="slanted")
    verify.agree(np.trace(P), 3.0, rtol=1e-13)
    verify.refutes(np.trace(np.eye(6) - P) + 1, 3.0, why="rank of the complement")


@pytest.mark.verifies(
    "eq-linear-algebra-and-probability-spectral",
    "eq-linear-algebra-and-probability-rayleigh",
    routes=("the maximiser on the sphere", "numpy.linalg.eigh", "determinant and trace"),
)
def test_spectral_theorem(verify):
    """The proof carried out: a search on the sphere, then on its orthogonal complement."""
    A = draw(3, 3, seed=6)
    A = A + A.T
    basis, found, vectors = np.eye(3), [], []
    while basis.shape[1]:
        start = np.ones(basis.shape[1])

        def quotient(c, basis=basis):
            x = basis @ c
            return -(x @ A @ x) / (x @ x)

        best = optimize.minimize(quotient, start, tol=1e-14, options={"gtol": 1e-9})
        v = basis @ best.x / np.linalg.norm(basis @ best.x)
        found.append(-best.fun)
        vectors.append(v)
        basis = linalg.null_space(np.array(vectors))
    V = np.array(vectors).T
    verify.agree(V @ np.diag(found) @ V.T, A, atol=1e-6)
    verify.refutes(V.T @ np.diag(found) @ V, A, why="transpose")
    verify.refutes(-V @ np.diag(found) @ V.T, A, why="sign")
    verify.agree(found, np.linalg.eigvalsh(A)[::-1], atol=1e-9)
    verify.refutes(np.abs(found), np.linalg.eigvalsh(A)[::-1], why="moduli for eigenvalues")

    x = draw(400, 3, seed=7)
    quotients = np.einsum("ni,ij,nj->n", x, A, x) / np.sum(x**2, axis=1)
    low, high = np.full(400, found[-1]), np.full(400, found[0])
    verify.at_most(quotients, high, atol=1e-8)
    verify.refutes(quotients, high / 2, why="factor 2")
    verify.at_most(low, quotients, atol=1e-8)
    verify.refutes(low / 2, quotients, why="factor 2 below")
    verify.agree([np.trace(A), linalg.det(A)], [sum(found), math.prod(found)], rtol=1e-8)
    verify.refutes(
        [np.trace(A), linalg.det(A)],
        [math.prod(found), sum(found)],
        why="exchanged",
    )


@pytest.mark.verifies(
    "eq-linear-algebra-and-probability-singular",
    routes=("numpy.linalg.svd", "eigenvalues of the Gram matrices"),
)
def test_singular_vectors(verify):
    """The two Gram matrices have the squares of the singular values as eigenvalues."""
    X = draw(3, 3, seed=8)
    U, d, Vt = np.linalg.svd(X)
    verify.agree(X.T @ X @ Vt.T, Vt.T * d**2, atol=1e-12)
    verify.refutes(X @ X.T @ Vt.T, Vt.T * d**2, why="transpose")
    verify.refutes(X.T @ X @ Vt.T, Vt.T * d, why="not squared")
    verify.agree(X @ X.T @ U, U * d**2, atol=1e-12)
    verify.refutes(X.T @ X @ U, U * d**2, why="left for right")
    wide = draw(3, 5, seed=9)
    small = np.linalg.eigvalsh(wide @ wide.T)
    verify.agree(np.linalg.eigvalsh(wide.T @ wide)[2:], small, rtol=1e-13)
    verify.refutes(np.linalg.eigvalsh(wide.T @ wide)[:3], small, why="null space")


@pytest.mark.verifies(
    "eq-linear-algebra-and-probability-schur",
    "eq-linear-algebra-and-probability-block-inverse",
    routes=("products of blocks", "numpy's inverse and determinant", "elimination in fractions"),
)
def test_schur_complement(verify):
    """Factors, determinant and inverse of a matrix in four blocks."""
    M, A, B, C = blocks()
    C1 = np.linalg.inv(C)

    def product(S, sign=1.0):
        upper = np.block([[np.eye(2), sign * B @ C1], [np.zeros((3, 2)), np.eye(3)]])
        middle = linalg.block_diag(S, C)
        return upper @ middle @ upper.T

    S = A - B @ C1 @ B.T
    verify.agree(product(S), M, rtol=1e-11, atol=1e-12)
    verify.refutes(product(A + B @ C1 @ B.T), M, why="sign of the complement")
    verify.refutes(product(S, -1.0), M, why="sign of the factors")
    verify.refutes(product(A), M, why="A for S")
    verify.agree(linalg.det(M), linalg.det(S) * linalg.det(C), rtol=1e-13)
    verify.refutes(linalg.det(M), linalg.det(A) * linalg.det(C), why="determinant with A")

    S1 = np.linalg.inv(S)

    def inverse(off=-1.0, last=1.0):
        corner = C1 + last * C1 @ B.T @ S1 @ B @ C1
        return np.block([[S1, off * S1 @ B @ C1], [off * C1 @ B.T @ S1, corner]])

    verify.agree(inverse(), np.linalg.inv(M), rtol=1e-12, atol=1e-14)
    verify.refutes(inverse(off=1.0), np.linalg.inv(M), why="sign off the diagonal")
    verify.refutes(inverse(last=-1.0), np.linalg.inv(M), why="sign in the corner")
    verify.refutes(inverse(last=0.0), np.linalg.inv(M), why="inverse of C alone")
    # One step of elimination in fractions leaves the complement of a number.
    exact = sympy.Matrix([[3, 1, 2], [1, 4, 1], [2, 1, 5]])
    complement = exact[:2, :2] - exact[:2, 2] * exact[2, :2] / 5
    verify.agree(float(exact.det()), float(complement.det() * 5), rtol=1e-15)
    verify.refutes(float(exact.det()), float(complement.det()), why="without det C")
    # Positive definite exactly if both blocks are.
    A_bad = A - 1.5 * np.linalg.eigvalsh(S)[1] * np.eye(2)
    M_bad = np.block([[A_bad, B], [B.T, C]])
    signs = [min(np.linalg.eigvalsh(m)[0] for m in (a - B @ C1 @ B.T, C)) > 0 for a in (A, A_bad)]
    verify.agree([np.linalg.eigvalsh(m)[0] > 0 for m in (M, M_bad)], signs)
    verify.refutes([True, True], signs, why="always positive definite")


@pytest.mark.verifies(
    "eq-linear-algebra-and-probability-push-through",
    routes=("a system for features", "a system for samples", "singular values"),
)
def test_push_through(verify):
    """The large and the small system, and the filter on the singular values."""
    X, c = draw(4, 4, seed=10), 0.7
    left = np.linalg.solve(X.T @ X + c * np.eye(4), X.T)
    right = X.T @ np.linalg.inv(X @ X.T + c * np.eye(4))
    verify.agree(left, right, rtol=1e-11, atol=1e-13)
    verify.refutes(np.linalg.solve(X @ X.T + c * np.eye(4), X.T), right, why="transpose")
    verify.refutes(np.linalg.solve(X.T @ X - c * np.eye(4), X.T), right, why="sign")
    U, d, Vt = np.linalg.svd(X)
    verify.agree(left, (Vt.T * (d / (d**2 + c))) @ U.T, rtol=1e-11, atol=1e-13)
    verify.refutes(left, (Vt.T * (d / (d**2 + 2 * c))) @ U.T, why="factor 2")
    wide = draw(3, 6, seed=11)
    verify.agree(
        np.linalg.solve(wide.T @ wide + c * np.eye(6), wide.T),
        wide.T @ np.linalg.inv(wide @ wide.T + c * np.eye(3)),
        rtol=1e-11,
        atol=1e-13,
    )
    small = wide.T @ np.linalg.inv(wide @ wide.T + 2 * c * np.eye(3))
    verify.refutes(np.linalg.solve(wide.T @ wide + c * np.eye(6), wide.T), small, why="factor 2")


@pytest.mark.verifies(
    "eq-linear-algebra-and-probability-woodbury",
    "eq-linear-algebra-and-probability-sherman-morrison",
    routes=("numpy's inverse", "the formula", "a Neumann series"),
)
def test_woodbury(verify):
    """The inverse of a sum, against direct inversion and a series."""
    A, U, C, V = definite(4), draw(4, 2, seed=12), definite(2, 13), draw(2, 4, seed=14)
    A1 = np.linalg.inv(A)

    def formula(sign=-1.0, inner=1.0, C_inner=None):
        C_inner = np.linalg.inv(C) if C_inner is None else C_inner
        return A1 + sign * A1 @ U @ np.linalg.inv(C_inner + inner * V @ A1 @ U) @ V @ A1

    direct = np.linalg.inv(A + U @ C @ V)
    verify.agree(formula(), direct, rtol=1e-12, atol=1e-13)
    verify.refutes(formula(sign=1.0), direct, why="sign")
    verify.refutes(formula(inner=-1.0), direct, why="sign inside")
    verify.refutes(formula(C_inner=C), direct, why="C for its inverse")
    x = draw(4, seed=15)

    def rank_one(sign=-1.0, inner=1.0):
        return A1 + sign * np.outer(A1 @ x, A1 @ x) / (1 + inner * x @ A1 @ x)

    direct = np.linalg.inv(A + np.outer(x, x))
    verify.agree(rank_one(), direct, rtol=1e-11, atol=1e-13)
    verify.refutes(rank_one(sign=1.0), direct, why="sign")
    verify.refutes(rank_one(inner=-1.0), direct, why="sign in the denominator")
    small = 0.2 * x
    series, term = np.zeros((4, 4)), A1
    for _ in range(60):
        series, term = series + term, -A1 @ np.outer(small, small) @ term
    by_formula = A1 - np.outer(A1 @ small, A1 @ small) / (1 + small @ A1 @ small)
    verify.agree(series, by_formula, rtol=1e-11, atol=1e-13)
    verify.refutes(series, A1 - np.outer(A1 @ small, A1 @ small), why="first order only")


@pytest.mark.verifies(
    "eq-linear-algebra-and-probability-trace",
    routes=("sums over entries", "traces", "singular values"),
)
def test_traces(verify):
    """Factors go round in a circle, but may not be exchanged otherwise."""
    A, B, C = draw(3, 3, seed=16), draw(3, 3, seed=17), draw(3, 3, seed=18)
    sums = sum(A[i, j] * B[j, i] for i in range(3) for j in range(3))
    verify.agree(np.trace(A @ B), sums, rtol=1e-13)
    verify.refutes(np.sum(A * B), sums, why="transpose")
    verify.refutes(np.trace(A) * np.trace(B), sums, why="product of traces")
    verify.agree(np.trace(A @ B @ C), np.trace(C @ A @ B), rtol=1e-12)
    verify.refutes(np.trace(A @ C @ B), np.trace(C @ A @ B), why="two factors exchanged")
    X = draw(5, 3, seed=19)
    d = np.linalg.svd(X, compute_uv=False)
    entries = math.fsum(float(v) ** 2 for v in X.ravel())
    verify.agree([np.trace(X.T @ X), np.sum(d**2)], [entries, entries], rtol=1e-13)
    verify.refutes([d[0] ** 2, np.sum(d) ** 2], [entries, entries], why="other norms")


@pytest.mark.verifies(
    "eq-linear-algebra-and-probability-gradients",
    routes=("the formulas", "torch's automatic differentiation", "difference quotient"),
)
def test_gradients(verify):
    """Six rules against automatic differentiation, with matrices that are not symmetric."""
    A, b, theta = draw(3, 3, seed=20), draw(3, seed=21), draw(3, seed=22)
    X, Y, W = draw(5, 3, seed=23), draw(5, 2, seed=24), draw(3, 2, seed=25)
    A = A if np.linalg.det(A) > 0 else A[[1, 0, 2]]
    tA, tb, tX, tY = (torch.tensor(m) for m in (A, b, X, Y))

    def differentiate(function, at):
        at = torch.tensor(at, requires_grad=True)
        function(at).backward()
        return at.grad.numpy()

    linear = differentiate(lambda t: tb @ t, theta)
    verify.agree(linear, b, rtol=1e-14)
    verify.refutes(linear, 2 * b, why="factor 2")
    form = differentiate(lambda t: t @ tA @ t, theta)
    verify.agree(form, (A + A.T) @ theta, rtol=1e-12)
    verify.refutes(form, 2 * A @ theta, why="as if symmetric")
    verify.refutes(form, A @ theta, why="factor 2")
    chain = differentiate(lambda t: torch.exp(tA @ t).sum(), theta)
    verify.agree(chain, A.T @ np.exp(A @ theta), rtol=1e-12)
    verify.refutes(chain, A @ np.exp(A @ theta), why="transpose")
    squares = differentiate(lambda w: ((tY - tX @ w) ** 2).sum(), W)
    verify.agree(squares, 2 * X.T @ (X @ W - Y), rtol=1e-12)
    verify.refutes(squares, X.T @ (X @ W - Y), why="factor 2")
    verify.refutes(squares, 2 * X.T @ (Y - X @ W), why="sign")
    determinant = differentiate(torch.logdet, A)
    verify.agree(determinant, np.linalg.inv(A).T, rtol=1e-11)
    verify.refutes(determinant, np.linalg.inv(A), why="transpose")
    change, h = draw(3, 3, seed=26), 1e-5
    numeric = (np.linalg.inv(A + h * change) - np.linalg.inv(A - h * change)) / (2 * h)
    A1 = np.linalg.inv(A)
    verify.agree(numeric, -A1 @ change @ A1, rtol=1e-6, atol=1e-7)
    verify.refutes(numeric, A1 @ change @ A1, why="sign")
    verify.refutes(numeric, -change @ A1 @ A1, why="order")


# Probability.


def joint_table():
    """List a joint distribution of two numbers in fractions: values of x, of y, probabilities."""
    weights = [[3, 1, 2], [1, 4, 5]]
    total = sum(map(sum, weights))
    return [-1, 2], [0, 1, 5], [[Fraction(w, total) for w in row] for row in weights]


def average(function):
    """Sum over all cases of the table, in fractions."""
    xs, ys, P = joint_table()
    return sum(P[i][j] * function(x, y) for i, x in enumerate(xs) for j, y in enumerate(ys))


@pytest.mark.verifies(
    "eq-linear-algebra-and-probability-covariance",
    "eq-linear-algebra-and-probability-affine",
    "eq-linear-algebra-and-probability-quadratic-form",
    routes=("enumeration of all cases", "the formulas", "numpy.cov"),
)
def test_covariances(verify):
    """Five equally likely vectors: all means are sums over them."""
    cases = draw(5, 3, seed=27) + np.array([1.0, -2.0, 0.5])
    mean = cases.mean(axis=0)
    second = cases.T @ cases / 5
    verify.agree(np.cov(cases.T, bias=True), second - np.outer(mean, mean), rtol=1e-12, atol=1e-13)
    verify.refutes(np.cov(cases.T, bias=True), second, why="mean not subtracted")
    verify.refutes(np.cov(cases.T), second - np.outer(mean, mean), why="n - 1 for n")
    A, b = draw(3, 3, seed=28), draw(3, seed=29)
    mapped = cases @ A.T + b
    verify.agree(mapped.mean(axis=0), A @ mean + b, rtol=1e-12)
    verify.refutes(mapped.mean(axis=0), A.T @ mean + b, why="transpose")
    cov = np.cov(cases.T, bias=True)
    verify.agree(np.cov(mapped.T, bias=True), A @ cov @ A.T, rtol=1e-11, atol=1e-13)
    verify.refutes(np.cov(mapped.T, bias=True), A.T @ cov @ A, why="transpose")
    verify.refutes(np.cov(mapped.T, bias=True), A @ cov @ A.T + np.outer(b, b), why="b counted")
    summed = cases.sum(axis=1)
    crossed = cov[0, 1] + cov[0, 2] + cov[1, 2]
    verify.agree(np.var(summed), np.trace(cov) + 2 * crossed, rtol=1e-13)
    verify.refutes(np.var(summed), np.trace(cov) + crossed, why="factor 2")
    forms = np.mean([x @ A @ x for x in cases])
    verify.agree(forms, np.trace(A @ cov) + mean @ A @ mean, rtol=1e-12)
    verify.refutes(forms, np.trace(A @ cov), why="mean left out")
    verify.refutes(forms, np.trace(A @ cov) - mean @ A @ mean, why="sign")


@pytest.mark.verifies(
    "eq-linear-algebra-and-probability-bayes", routes=("densities", "quadrature", "counting")
)
def test_bayes(verify):
    """A table turned round in fractions, and densities with the evidence by quadrature."""
    P = joint_table()[2]
    column = [P[0][1], P[1][1]]
    turned = [float(p / sum(column)) for p in column]
    px = [sum(row) for row in P]
    likelihood = [P[i][1] / px[i] for i in range(2)]
    evidence = sum(lk * p for lk, p in zip(likelihood, px, strict=True))
    by_rule = [float(lk * p / evidence) for lk, p in zip(likelihood, px, strict=True)]
    verify.agree(turned, by_rule, rtol=1e-14)
    verify.refutes(turned, [float(lk) for lk in likelihood], why="likelihood for posterior")
    verify.refutes(turned, [q * float(evidence) for q in by_rule], why="norm")

    def joint(x, y):
        return stats.norm.pdf(x, 1, 2) * stats.expon.pdf(y, scale=np.exp(x / 4))

    y = 0.8
    evidence = integrate.quad(lambda x: joint(x, y), -15, 17, epsabs=1e-13)[0]
    inside = integrate.quad(lambda x: joint(x, y) / evidence, -15, 0, epsabs=1e-13)[0]
    grid = np.linspace(-15, 0, 20001)
    by_sum = integrate.simpson(joint(grid, y), x=grid) / evidence
    verify.agree(inside, by_sum, rtol=1e-9)
    verify.refutes(inside * evidence, by_sum, why="not normalised")


@pytest.mark.verifies(
    "eq-linear-algebra-and-probability-tower",
    "eq-linear-algebra-and-probability-total-variance",
    routes=("enumeration in fractions", "conditional means and variances"),
)
def test_conditional_expectation(verify):
    """Exact sums over a table of probabilities."""
    xs, ys, P = joint_table()
    px = [sum(row) for row in P]
    means = {x: sum(p * y for p, y in zip(P[i], ys, strict=True)) / px[i] for i, x in enumerate(xs)}
    seconds = {
        x: sum(p * y * y for p, y in zip(P[i], ys, strict=True)) / px[i] for i, x in enumerate(xs)
    }
    verify.agree(float(average(lambda x, y: means[x])), float(average(lambda x, y: y)), rtol=1e-15)
    verify.refutes(float(sum(means.values()) / 2), float(average(lambda x, y: y)), why="unweighted")
    left, right = average(lambda x, y: x**3 * y), average(lambda x, y: x**3 * means[x])
    verify.agree(float(left), float(right), rtol=1e-15)
    whole = average(lambda x, y: x**3) * average(lambda x, y: y)
    verify.refutes(float(left), float(whole), why="as if independent")
    verify.refutes(
        float(average(lambda x, y: y * y)), float(average(lambda x, y: y * means[x])), why="g of Y"
    )
    mean = average(lambda x, y: y)
    variance = average(lambda x, y: (y - mean) ** 2)
    within = average(lambda x, y: seconds[x] - means[x] ** 2)
    among = average(lambda x, y: (means[x] - mean) ** 2)
    verify.agree(float(variance), float(within + among), rtol=1e-15)
    verify.refutes(float(variance), float(within), why="within alone")
    verify.refutes(float(variance), float(within - among), why="sign")


@pytest.mark.verifies(
    "eq-linear-algebra-and-probability-gaussian",
    routes=("the formula", "scipy.stats.multivariate_normal", "quadrature of its moments"),
)
def test_gaussian_density(verify):
    """Values, norm and covariance of a density in the plane."""
    mu, Sigma = np.array([0.3, -0.5]), np.array([[1.0, 0.4], [0.4, 0.5]])

    def density(x, factor=0.5, power=0.5, matrix=None):
        matrix = np.linalg.inv(Sigma) if matrix is None else matrix
        norm = ((2 * np.pi) ** 2 * np.linalg.det(Sigma)) ** power
        return np.exp(-factor * np.einsum("...i,ij,...j", x - mu, matrix, x - mu)) / norm

    x = draw(20, 2, seed=30)
    theirs = stats.multivariate_normal(mu, Sigma).pdf(x)
    verify.agree(density(x), theirs, rtol=1e-12)
    verify.refutes(density(x, factor=1.0), theirs, why="factor 2 in the exponent")
    verify.refutes(density(x, power=1.0), theirs, why="without the root")
    verify.refutes(density(x, matrix=Sigma), theirs, why="covariance for its inverse")
    # The trapezium rule is exact to rounding for what decays like this.
    axis = np.linspace(-9, 9, 241)
    grid = np.stack(np.meshgrid(axis, axis, indexing="ij"), axis=-1)
    cell = (axis[1] - axis[0]) ** 2
    weights = density(grid) * cell
    moments = np.einsum("ab,abi,abj->ij", weights, grid - mu, grid - mu)
    verify.agree([weights.sum(), *moments.ravel()], [1.0, *Sigma.ravel()], rtol=1e-12)
    verify.refutes([weights.sum(), *(2 * moments).ravel()], [1.0, *Sigma.ravel()], why="factor 2")


@pytest.mark.verifies(
    "eq-linear-algebra-and-probability-gaussian-affine",
    routes=("characteristic function by quadrature", "the density of the image", "sampling"),
)
def test_affine_image(verify):
    """A projection onto one direction: its density by integrating along the fibres."""
    mu, Sigma = np.array([0.3, -0.5]), np.array([[1.0, 0.4], [0.4, 0.5]])
    A, b = np.array([[1.0, -2.0]]), np.array([0.7])
    law = stats.multivariate_normal(mu, Sigma)
    y = np.linspace(-3, 6, 9)
    # x1 = y - b + 2 x2 on a fibre; dx1 dx2 = dy dx2.
    fibres = [
        integrate.quad(lambda v, t=t: law.pdf([t - 0.7 + 2 * v, v]), -8, 8, epsabs=1e-13)[0]
        for t in y
    ]
    mean, variance = (A @ mu + b)[0], (A @ Sigma @ A.T)[0, 0]
    verify.agree(fibres, stats.norm.pdf(y, mean, np.sqrt(variance)), atol=1e-10)
    verify.refutes(fibres, stats.norm.pdf(y, mean, variance), why="variance for deviation")
    verify.refutes(fibres, stats.norm.pdf(y, mean - 1.4, np.sqrt(variance)), why="sign of b")
    wrong = A @ np.diag(np.diag(Sigma)) @ A.T
    verify.refutes(fibres, stats.norm.pdf(y, mean, np.sqrt(wrong[0, 0])), why="no correlation")
    square = np.array([[1.0, 2.0], [-0.5, 1.5]])
    points = draw(10, 2, seed=31)
    image = points @ square.T
    mapped = stats.multivariate_normal(square @ mu, square @ Sigma @ square.T).pdf(image)
    density = law.pdf(points) / np.linalg.det(square)
    verify.agree(mapped, density, rtol=1e-12)
    turned = stats.multivariate_normal(square @ mu, square.T @ Sigma @ square).pdf(image)
    verify.refutes(turned, density, why="transpose")


@pytest.mark.verifies(
    "eq-linear-algebra-and-probability-gaussian-square",
    "eq-linear-algebra-and-probability-conditioning",
    routes=("the formulas", "sections of the joint density by quadrature", "precision matrix"),
)
def test_conditioning(verify):
    """Mean and variance of a section through a density in three dimensions."""
    Sigma = definite(3, 32)
    mu, x2 = np.array([0.4, -1.0, 0.2]), np.array([0.3, 1.1])
    S11, S12, S22 = Sigma[:1, :1], Sigma[:1, 1:], Sigma[1:, 1:]
    gain = S12 @ np.linalg.inv(S22)
    law = stats.multivariate_normal(mu, Sigma)
    axis = np.linspace(-40, 40, 40001)
    section = law.pdf(np.column_stack([axis, np.tile(x2, (axis.size, 1))]))
    section /= section.sum()
    mean = section @ axis
    variance = section @ (axis - mean) ** 2
    formula = [(mu[:1] + gain @ (x2 - mu[1:]))[0], (S11 - gain @ S12.T)[0, 0]]
    verify.agree([mean, variance], formula, rtol=1e-12)
    minus = [(mu[:1] - gain @ (x2 - mu[1:]))[0], (S11 + gain @ S12.T)[0, 0]]
    verify.refutes([mean, variance], minus, why="sign")
    verify.refutes([mean, variance], [formula[0], S11[0, 0]], why="marginal for conditional")
    verify.refutes([mean, variance], [(mu[:1] + S12 @ (x2 - mu[1:]))[0], formula[1]], why="inverse")
    precision = np.linalg.inv(Sigma)
    verify.agree(1 / precision[0, 0], formula[1], rtol=1e-13)
    verify.refutes(precision[0, 0], formula[1], why="precision for variance")

    def squares(x, sign=-1.0, S=S11 - gain @ S12.T):
        u = x[:1] + sign * gain @ x[1:]
        return u @ np.linalg.solve(S, u) + x[1:] @ np.linalg.solve(S22, x[1:])

    points = draw(12, 3, seed=33)
    forms = [x @ precision @ x for x in points]
    verify.agree([squares(x) for x in points], forms, rtol=1e-12)
    verify.refutes([squares(x, 1.0) for x in points], forms, why="sign of the gain")
    verify.refutes([squares(x, S=S11) for x in points], forms, why="marginal covariance")


@pytest.mark.verifies(
    "eq-linear-algebra-and-probability-linear-gaussian",
    routes=("completing the square", "the gain", "conditioning the joint Gaussian"),
)
def test_linear_gaussian_model(verify):
    """The posterior from the product of two densities against the one with the gain."""
    A, P, R = draw(3, 3, seed=34), definite(3, 35), definite(3, 36)
    m, y = draw(3, seed=37), draw(3, seed=38)
    precision = np.linalg.inv(P) + A.T @ np.linalg.solve(R, A)
    mean = np.linalg.solve(precision, np.linalg.solve(P, m) + A.T @ np.linalg.solve(R, y))
    K = P @ A.T @ np.linalg.inv(A @ P @ A.T + R)
    verify.agree(m + K @ (y - A @ m), mean, rtol=1e-12, atol=1e-13)
    verify.refutes(m - K @ (y - A @ m), mean, why="sign")
    without = P @ A.T @ np.linalg.inv(A @ P @ A.T)
    verify.refutes(m + without @ (y - A @ m), mean, why="noise left out")
    turned = P @ A @ np.linalg.inv(A @ P @ A.T + R)
    verify.refutes(m + turned @ (y - A @ m), mean, why="transpose")
    verify.agree(P - K @ A @ P, np.linalg.inv(precision), rtol=1e-12, atol=1e-13)
    verify.refutes(P + K @ A @ P, np.linalg.inv(precision), why="sign of the covariance")
    verify.refutes(P, np.linalg.inv(precision), why="nothing learned")


@pytest.mark.verifies(
    "eq-linear-algebra-and-probability-chi-squared",
    "eq-linear-algebra-and-probability-chi-squared-projection",
    routes=("Gauss-Hermite quadrature", "scipy.stats.chi2", "sampling"),
)
def test_chi_squared(verify):
    """Exact moments by quadrature; distribution and independence of two parts by sampling."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(8)
    weights = weights / np.sqrt(2 * np.pi)
    p = 3
    cases = np.array(list(itertools.product(nodes, repeat=p)))
    w = np.prod(np.array(list(itertools.product(weights, repeat=p))), axis=1)
    q = np.sum(cases**2, axis=1)
    moments = [w @ q, w @ q**2 - (w @ q) ** 2]
    verify.agree(moments, [p, 2 * p], rtol=1e-13)
    verify.refutes(moments, [p, p], why="factor 2")
    verify.refutes(moments, [p, 3 * p], why="fourth moment for variance")
    verify.agree(moments, stats.chi2.stats(p), rtol=1e-13)
    verify.refutes(moments, stats.chi2.stats(p - 1), why="degrees of freedom")

    A = draw(6, 2, seed=39)
    P = A @ np.linalg.pinv(A)
    Z = draw(40_000, 6, seed=40)
    inside, outside = np.sum((Z @ P) ** 2, axis=1), np.sum((Z - Z @ P) ** 2, axis=1)
    # Kolmogorov's distance; 1.95/sqrt(n) is exceeded by chance once in a thousand times.
    distance = [stats.kstest(inside, "chi2", args=(2,)).statistic]
    distance.append(stats.kstest(outside, "chi2", args=(4,)).statistic)
    verify.agree(distance, [0.0, 0.0], atol=1.95 / 200)
    wrong = [stats.kstest(inside, "chi2", args=(6,)).statistic, 0.0]
    verify.refutes(wrong, [0.0, 0.0], why="p for the rank")
    exchanged = [stats.kstest(inside, "chi2", args=(4,)).statistic]
    exchanged.append(stats.kstest(outside, "chi2", args=(2,)).statistic)
    verify.refutes(exchanged, [0.0, 0.0], why="ranks exchanged")
    # The joint moments factorise: exact, by Isserlis, for a projection.
    both = P @ (np.eye(6) - P)
    verify.agree(both, np.zeros((6, 6)), atol=1e-13)
    verify.refutes(P @ P, np.zeros((6, 6)), why="a part with itself")


@pytest.mark.verifies(
    "eq-linear-algebra-and-probability-chebyshev",
    "eq-linear-algebra-and-probability-large-numbers",
    routes=("exact binomial probabilities", "the bounds", "a distribution that reaches it"),
)
def test_chebyshev(verify):
    """Exact tails of a coin thrown n times, and three points on which equality holds."""
    n, share = 50, 0.3
    counts = np.arange(n + 1)
    p = stats.binom.pmf(counts, n, share)
    a = np.linspace(0.02, 0.4, 20)
    tails = np.array([p[np.abs(counts / n - share) >= t].sum() for t in a])
    s2 = share * (1 - share)
    verify.at_most(tails, s2 / (n * a**2))
    verify.refutes(tails, s2 / (n**2 * a**2), why="factor n")
    verify.refutes(tails, s2 / (n * a**2) - 1, why="smaller bound")
    # Mass 1/(2 a^2) at each of -a and a, the rest at zero: variance one, equality at a.
    edge = 2.0
    values, masses = np.array([-edge, 0, edge]), np.array([1 / 8, 3 / 4, 1 / 8])
    variance = masses @ values**2
    tail = masses[np.abs(values) >= edge].sum()
    verify.agree(tail, variance / edge**2, rtol=1e-14)
    verify.refutes(tail, variance / (2 * edge**2), why="factor 2")
    verify.refutes(tail, variance / edge, why="a not squared")
    verify.refutes(tail, np.sqrt(variance) / edge, why="deviation for variance")


@pytest.mark.verifies(
    "eq-linear-algebra-and-probability-central-limit",
    routes=("the exact distribution of a sum", "the Gaussian integral"),
)
def test_central_limit(verify):
    """The sum of n exponential variables is a gamma variable: its distribution, standardised."""
    n = 10**8
    x = np.linspace(-3, 3, 13)
    # Mean and deviation of one exponential variable are 1.
    exact = special.gammainc(n, n + np.sqrt(n) * x)
    limit = [
        integrate.quad(lambda u: np.exp(-u * u / 2) / np.sqrt(2 * np.pi), -12, t, epsabs=1e-13)[0]
        for t in x
    ]
    verify.agree(exact, limit, atol=1e-4)
    verify.refutes(special.gammainc(n, n + n * x / 1e3), limit, why="root of n")
    verify.refutes(special.gammainc(n, n + np.sqrt(2 * n) * x), limit, why="factor 2")
    verify.refutes(special.gammainc(10, 10 + np.sqrt(10) * x), limit, why="n too small")


@pytest.mark.verifies(
    "eq-linear-algebra-and-probability-hoeffding-lemma",
    "eq-linear-algebra-and-probability-hoeffding",
    routes=("exact binomial probabilities", "the bounds", "sympy's series"),
)
def test_hoeffding(verify):
    """The moment generating function of a coin, its series, and exact tails."""
    a, b, share = -1.0, 2.0, 0.35
    mean = a + (b - a) * share
    t = np.linspace(-4, 4, 81)
    mgf = share * np.exp(t * (b - mean)) + (1 - share) * np.exp(t * (a - mean))
    verify.at_most(mgf, np.exp(t**2 * (b - a) ** 2 / 8))
    verify.refutes(mgf, np.exp(t**2 * (b - a) ** 2 / 16), why="factor 2")
    verify.refutes(mgf, np.exp(t**2 * (b - a) / 8), why="width not squared")
    # The fair coin reaches the constant 1/8 in the second order.
    u = sympy.Symbol("u")
    fair = sympy.log(sympy.cosh(u * sympy.Rational(3, 2)))
    second = sympy.diff(fair, u, 2).subs(u, 0) / 2
    verify.identical(second, sympy.Rational(9, 8))
    verify.refutes(second, sympy.Rational(9, 4), why="factor 2 in the fair coin")

    n = 60
    counts = np.arange(n + 1)
    p = stats.binom.pmf(counts, n, 0.5)
    means = a + (b - a) * counts / n
    eps = np.linspace(0.05, 1.4, 28)
    tails = np.array([p[np.abs(means - 0.5) >= e - 1e-12].sum() for e in eps])
    verify.at_most(tails, 2 * np.exp(-2 * n * eps**2 / (b - a) ** 2))
    verify.refutes(tails, np.exp(-4 * n * eps**2 / (b - a) ** 2), why="factor 2 in the exponent")
    verify.refutes(tails, 2 * np.exp(-2 * n * eps**2 / (b - a)), why="width not squared")
    verify.refutes(tails, 2 * np.exp(-2 * n**2 * eps**2 / (b - a) ** 2), why="factor n")
    # The best t of the proof, found by a search.
    e = 0.3
    best = optimize.minimize_scalar(lambda t: -t * n * e + n * t**2 * (b - a) ** 2 / 8)
    verify.agree(best.fun, -2 * n * e**2 / (b - a) ** 2, rtol=1e-9)
    verify.refutes(best.fun, -n * e**2 / (b - a) ** 2, why="factor 2 in the minimum")


@pytest.mark.verifies(
    "eq-linear-algebra-and-probability-change-of-variables",
    routes=("automatic differentiation", "known distribution", "probabilities of boxes"),
)
def test_change_of_variables(verify):
    """A log-normal density, and polar coordinates of a Gaussian in the plane."""
    y = np.linspace(0.2, 4, 9)
    z = torch.tensor(y, requires_grad=True)
    torch.log(z).sum().backward()
    density = stats.norm.pdf(np.log(y)) * np.abs(z.grad.numpy())
    verify.agree(density, stats.lognorm.pdf(y, 1.0), rtol=1e-13)
    verify.refutes(stats.norm.pdf(np.log(y)), stats.lognorm.pdf(y, 1.0), why="no determinant")
    inverse = stats.norm.pdf(np.log(y)) / np.abs(z.grad.numpy())
    verify.refutes(inverse, stats.lognorm.pdf(y, 1.0), why="inverse of the determinant")

    def g(x):
        return torch.stack([torch.exp(x[0]) + x[1], x[1] - 0.5 * x[0]])

    x = torch.tensor([0.3, -0.4], dtype=torch.float64)
    J = torch.autograd.functional.jacobian(g, x).numpy()
    p_x = stats.multivariate_normal([0, 0], np.eye(2)).pdf(x.numpy())
    # Probability of a small parallelogram is not stretched: finite differences of the inverse.
    target = g(x).numpy()

    def inverse_of(y):
        return optimize.fsolve(lambda v: g(torch.tensor(v)).numpy() - y, x.numpy(), xtol=1e-13)

    h = 1e-5
    columns = [
        (inverse_of(target + h * e) - inverse_of(target - h * e)) / (2 * h) for e in np.eye(2)
    ]
    by_inverse = p_x * abs(np.linalg.det(np.array(columns).T))
    verify.agree(by_inverse, p_x / abs(np.linalg.det(J)), rtol=1e-6)
    verify.refutes(by_inverse, p_x * abs(np.linalg.det(J)), why="multiplied instead of divided")
    verify.refutes(by_inverse, p_x, why="volume not stretched")
