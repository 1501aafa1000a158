"""The numbered equations of the chapter on kernels and Gaussian processes."""

import itertools
import math

import numpy as np
import pytest
import sympy
import torch
from dlmath.kernels import (
    RBF,
    GaussianProcess,
    KernelRidge,
    Linear,
    Matern12,
    Matern32,
    Matern52,
    Polynomial,
    White,
    condition,
    leave_one_out,
    log_likelihood,
    log_pseudo_likelihood,
    solve_kernel_ridge,
)
from dlmath.linear import Ridge, solve_qr
from scipy import integrate, linalg, optimize, special, stats
from sklearn import gaussian_process, svm
from sklearn.gaussian_process import kernels as theirs

torch.set_num_threads(1)


def problem(n=7, p=3, seed=0):
    """Draw samples, data and a new point, in small numbers."""
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n, p)), rng.normal(size=n), rng.normal(size=p)


def covariance(n=6, seed=1):
    """Draw a positive definite matrix and a vector."""
    rng = np.random.default_rng(seed)
    A = rng.normal(size=(n, n))
    return A @ A.T / n + 0.4 * np.eye(n), rng.normal(size=n)


def rational(array, digits=2):
    """Round to fractions that exact arithmetic can take."""
    scale = 10**digits
    rows = np.rint(np.asarray(array) * scale).astype(int)
    return sympy.Matrix(rows) / scale


def floats(matrix):
    """Turn a sympy matrix of numbers into an array."""
    return np.array(matrix.tolist(), dtype=float)


def grams(x, scale=1.0):
    """Write out the Gram matrix of exp(-|x - z|^2 / 2) by loops."""
    return np.array(
        [[scale * math.exp(-float((a - b) @ (a - b)) / 2) for b in x] for a in x], dtype=float
    )


# The dual form, and features.


@pytest.mark.verifies(
    "eq-kernels-and-gaussian-processes-push-through",
    routes=("sympy in fractions", "least squares on augmented data"),
)
def test_push_through(verify):
    """X^T times one inverse, in fractions, against columns solved by least squares."""
    X, *_ = problem(4, 3)
    Xq = rational(X)
    X = floats(Xq)
    n, p = X.shape
    lam = sympy.Rational(3, 10)

    def exact(penalty):
        return floats(Xq.T * (Xq * Xq.T + penalty * sympy.eye(n)).inv())

    # The right-hand side column by column: ridge regression of unit vectors, by QR.
    rows = np.vstack([X, np.sqrt(n * 0.3) * np.eye(p)])
    right = np.column_stack([solve_qr(rows, np.append(unit, np.zeros(p))) for unit in np.eye(n)])
    verify.agree(exact(n * lam), right, rtol=1e-13, atol=1e-14)
    verify.refutes(exact(lam), right, why="factor n")
    verify.refutes(exact(-n * lam), right, why="sign")
    verify.refutes(exact(2 * n * lam), right, why="factor 2")
    # For a square X that is not symmetric the transpose can be told.
    S = sympy.Matrix([[1, 2], [0, 3]])
    left = floats(S.T * (S * S.T + sympy.eye(2)).inv())
    swapped = floats((S.T * S + sympy.eye(2)).inv() * S.T)
    verify.agree(left, swapped, rtol=1e-15)
    verify.refutes(floats(S.T * (S.T * S + sympy.eye(2)).inv()), swapped, why="X^T X on both sides")
    verify.refutes(floats(S * (S * S.T + sympy.eye(2)).inv()), swapped, why="transpose")


@pytest.mark.verifies(
    "eq-kernels-and-gaussian-processes-dual", routes=("the dual by loops", "descent on the cost")
)
def test_dual(verify):
    """The sum over samples predicts what the minimiser of the primal cost predicts."""
    X, y, x = problem(5, 8)
    n, p = X.shape
    lam = 0.2

    def cost(theta):
        r = y - X @ theta
        return r @ r / n + lam * theta @ theta

    found = optimize.minimize(
        cost, np.zeros(p), jac=lambda t: -2 * X.T @ (y - X @ t) / n + 2 * lam * t, tol=1e-14
    ).x

    def dual(penalty):
        gram = [[sum(a * b for a, b in zip(u, v, strict=True)) for v in X] for u in X]
        alpha = np.linalg.inv(np.array(gram) + penalty * np.eye(n)) @ y
        theta = sum(a * row for a, row in zip(alpha, X, strict=True))
        predicted = sum(a * float(np.dot(row, x)) for a, row in zip(alpha, X, strict=True))
        return np.append(theta, predicted)

    right = np.append(found, x @ found)
    verify.agree(dual(n * lam), right, atol=1e-11)
    verify.refutes(dual(lam), right, why="factor n")
    verify.refutes(dual(p * lam), right, why="p for n")
    verify.refutes(dual(-n * lam), right, why="sign")
    verify.refutes(dual(2 * n * lam), right, why="factor 2")


@pytest.mark.verifies(
    "eq-kernels-and-gaussian-processes-features",
    routes=("dlmath.kernels.KernelRidge", "dlmath.linear.Ridge on features"),
)
def test_features(verify):
    """A fit from the kernel alone is the ridge fit on the features that it stands for."""
    X, y, _ = problem(9, 1)
    new = np.linspace(-1, 1, 5)[:, np.newaxis]

    def phi(x):
        return np.column_stack([np.ones(len(x)), np.sqrt(2) * x[:, 0], x[:, 0] ** 2])

    ridge = Ridge(0.1, fit_intercept=False).fit(phi(X), y).predict(phi(new))

    def kernel(degree):
        model = KernelRidge(Polynomial(degree, 1.0), 0.1, fit_intercept=False)
        return model.fit(X, y).predict(new)

    verify.agree(kernel(2), ridge, rtol=1e-12)
    verify.refutes(kernel(3), ridge, why="another kernel")
    unweighted = np.vander(X[:, 0], 3), np.vander(new[:, 0], 3)
    other = Ridge(0.1, fit_intercept=False).fit(unweighted[0], y).predict(unweighted[1])
    verify.refutes(other, ridge, why="features without weights")


@pytest.mark.verifies(
    "eq-kernels-and-gaussian-processes-polynomial",
    routes=("expansion by sympy", "the multinomial formula"),
)
def test_polynomial(verify):
    """Expanding the power in symbols gives the multinomial weights."""
    m, p = 4, 3
    b = sympy.Symbol("b", positive=True)
    x, z = sympy.symbols(f"x:{p}"), sympy.symbols(f"z:{p}")
    power = sympy.expand((b + sum(u * v for u, v in zip(x, z, strict=True))) ** m)

    def formula(weight):
        total = sympy.Integer(0)
        for j in itertools.product(range(m + 1), repeat=p):
            if sum(j) <= m:
                term = weight(j) * b ** (m - sum(j))
                for u, v, e in zip(x, z, j, strict=True):
                    term *= (u * v) ** e
                total += term
        return sympy.expand(total)

    def weight(j):
        bottom = math.prod(math.factorial(e) for e in j) * math.factorial(m - sum(j))
        return sympy.Rational(math.factorial(m), bottom)

    verify.identical(power, formula(weight))
    verify.refutes(power, formula(lambda j: sympy.Integer(1)), why="all weights 1")
    verify.refutes(
        power,
        formula(lambda j: weight(j) * math.factorial(m - sum(j))),
        why="without the factor (m - |j|)!",
    )
    X, Z = np.array([[1.0, -2.0, 0.5]]), np.array([[0.3, 0.7, -1.1]])
    at = dict(zip([*x, *z, b], [*X[0], *Z[0], 0.7], strict=True))
    verify.agree(Polynomial(m, 0.7)(X, Z)[0, 0], float(power.subs(at)), rtol=1e-13)
    verify.refutes(Polynomial(m, 0.7)(X, -Z)[0, 0], float(power.subs(at)), why="sign")


# Kernels.


@pytest.mark.verifies(
    "eq-kernels-and-gaussian-processes-psd",
    routes=("the double sum", "smallest eigenvalue", "squared norm in the space of features"),
)
def test_positive_semi_definite(verify):
    """The double sum is a squared norm of features, and not negative; for the sine it is."""
    X, c, _ = problem(12, 2)
    total = sum(
        ci * cj * (1 + float(u @ v)) ** 2
        for ci, u in zip(c, X, strict=True)
        for cj, v in zip(c, X, strict=True)
    )
    x, y = X.T
    phi = np.array([np.ones(12), 2**0.5 * x, 2**0.5 * y, x * x, y * y, 2**0.5 * x * y])
    verify.agree(total, np.sum((phi @ c) ** 2), rtol=1e-13)
    verify.refutes(total, np.sum((phi[:3] @ c) ** 2), why="features of degree 1 only")
    kernels = [RBF(0.7), Matern12(1.0), Matern32(1.0), Matern52(1.0), Linear(), Polynomial(3, 1.0)]
    smallest = [-np.linalg.eigvalsh(k(X))[0] for k in kernels]
    verify.at_most(smallest, np.zeros(len(kernels)), atol=1e-11)
    tanh = np.tanh(X @ X.T - 1)
    wrong = [*smallest[:-1], -np.linalg.eigvalsh(tanh)[0]]
    verify.refutes(wrong, np.zeros(len(kernels)), why="the hyperbolic tangent")
    sine = theirs.ExpSineSquared(1.0, 2.0)(X)
    wrong = [*smallest[:-1], -np.linalg.eigvalsh(sine)[0]]
    verify.refutes(wrong, np.zeros(len(kernels)), why="the sine of the distance in a plane")


@pytest.mark.verifies(
    "eq-kernels-and-gaussian-processes-schur",
    routes=("the product entry by entry", "spectral decomposition"),
)
def test_schur(verify):
    """The quadratic form of the product of two Gram matrices is the sum over eigenvectors."""
    X, c, _ = problem(6, 2)
    K, L = RBF(0.8)(X), Polynomial(2, 0.5)(X)
    left = sum(c[i] * c[j] * K[i, j] * L[i, j] for i in range(6) for j in range(6))
    mu, v = np.linalg.eigh(L)

    def right(mu, v):
        return sum(m * (c * w) @ K @ (c * w) for m, w in zip(mu, v.T, strict=True))

    verify.agree(left, right(mu, v), rtol=1e-13)
    verify.refutes(left, right(mu, v.T), why="transpose")
    verify.refutes(left, right(mu**2, v), why="eigenvalues squared")
    verify.refutes(c @ K @ L @ c, right(mu, v), why="matrix product")
    sums = [-(c * w) @ K @ (c * w) for w in v.T]
    verify.at_most(sums, np.zeros(6))
    verify.refutes(np.negative(sums), np.zeros(6), why="sign")


@pytest.mark.verifies(
    "eq-kernels-and-gaussian-processes-rbf",
    routes=("dlmath.kernels.RBF", "quadrature over the frequencies"),
)
def test_rbf(verify):
    """Averaging a cosine over Gaussian frequencies gives the exponential."""
    length = 0.7
    x, z = np.array([[0.3, -0.4]]), np.array([[1.1, 0.2]])
    nodes, weights = np.polynomial.hermite_e.hermegauss(60)
    weights = weights / weights.sum()

    def mean(sd):
        u, v = np.meshgrid(sd * nodes, sd * nodes, indexing="ij")
        d = (x - z)[0]
        return float(weights @ np.cos(u * d[0] + v * d[1]) @ weights)

    value = RBF(length)(x, z)[0, 0]
    verify.agree(value, mean(1 / length), rtol=1e-13)
    verify.refutes(value, mean(length), why="length for 1/length")
    verify.refutes(value, mean(1 / length**2), why="variance for standard deviation")
    verify.refutes(value**2, mean(1 / length), why="factor 2")
    verify.refutes(1 / value, mean(1 / length), why="sign")


@pytest.mark.verifies(
    "eq-kernels-and-gaussian-processes-rbf-positive",
    routes=("dlmath.kernels.RBF", "quadrature of the squared modulus"),
)
def test_rbf_is_positive(verify):
    """The quadratic form is the mean of a squared modulus, and positive for distinct points."""
    x, c = np.array([-1.0, 0.2, 0.5, 2.0]), np.array([1.0, -2.0, 1.5, 0.3])
    length = 0.9
    form = c @ RBF(length)(x[:, np.newaxis]) @ c
    density = stats.norm(scale=1 / length).pdf

    def mean(power, sign=-1):
        def integrand(omega):
            wave = np.sum(c * np.exp(1j * omega * x))
            other = wave.conjugate() if sign < 0 else wave
            return (wave * other).real ** (power / 2) * density(omega)

        return integrate.quad(integrand, -12, 12, epsabs=1e-12, limit=200)[0]

    verify.agree(form, mean(2), rtol=1e-12)
    verify.refutes(form, mean(2, sign=1), why="square without the modulus")
    verify.refutes(-form, mean(2), why="sign")
    verify.refutes(form, mean(1), why="modulus not squared")
    # With two equal points it can vanish: the theorem needs distinct ones.
    smallest = np.linalg.eigvalsh(RBF(length)(x[:, np.newaxis]))[0]
    verify.at_most(1e-6, smallest)
    twice = np.linalg.eigvalsh(RBF(length)(x[[0, 0, 2, 3], np.newaxis]))[0]
    verify.refutes(1e-6, twice, why="a point that comes twice")


@pytest.mark.verifies(
    "eq-kernels-and-gaussian-processes-matern",
    routes=("dlmath.kernels", "modified Bessel functions", "Fourier transform of Student's t"),
)
def test_matern(verify):
    """The three closed forms are the general formula, and transforms of Student's densities."""
    length = 0.8
    r = np.array([0.05, 0.4, 1.3, 2.7])
    x, z = np.zeros((1, 1)), (r * length)[:, np.newaxis]

    def general(nu, stretch=2.0):
        a = np.sqrt(stretch * nu) * r
        return 2 ** (1 - nu) / special.gamma(nu) * a**nu * special.kv(nu, a)

    def transform(nu):
        # The tails matter: QUADPACK's rule for Fourier integrals on a half-line.
        density = stats.t(2 * nu).pdf
        return [
            2 * integrate.quad(density, 0, np.inf, weight="cos", wvar=d, limlst=200)[0]
            for d in r[1:3]
        ]

    pairs = {0.5: Matern12(length), 1.5: Matern32(length), 2.5: Matern52(length)}
    for nu, kernel in pairs.items():
        verify.agree(kernel(x, z)[0], general(nu), rtol=1e-13)
        for other in pairs:
            if other != nu:
                verify.refutes(kernel(x, z)[0], general(other), why=f"order {other}")
        verify.refutes(kernel(x, z)[0], general(nu, stretch=1.0), why="factor 2")
    for nu in (1.5, 2.5):
        verify.agree(pairs[nu](x, z)[0, 1:3], transform(nu), rtol=1e-9)
        verify.refutes(pairs[nu](x, z)[0, 1:3], transform(4 - nu), why="another tail")


# The space.


@pytest.mark.verifies(
    "eq-kernels-and-gaussian-processes-inner",
    "eq-kernels-and-gaussian-processes-reproducing",
    routes=("sums over the kernel", "an integral over derivatives"),
)
def test_the_inner_product(verify):
    """For min(x, z) the inner product is the integral of f'g', by sums and by quadrature."""
    x, alpha = np.array([0.5, 1.2, 2.0]), np.array([1.0, -0.6, 0.8])
    z, beta = np.array([0.3, 1.7]), np.array([0.4, 1.1])

    def slope(t, points, weights):
        # The derivative of sum_i w_i min(x_i, t).
        return float(weights @ (t < points))

    def integral(points, weights, others, more):
        knots = np.unique(np.concatenate([[0.0], points, others]))
        middles = (knots[1:] + knots[:-1]) / 2
        products = [slope(t, points, weights) * slope(t, others, more) for t in middles]
        return float(np.diff(knots) @ products)

    def sums(points, weights, others, more):
        return float(weights @ np.minimum.outer(points, others) @ more)

    exact = integral(x, alpha, z, beta)
    verify.agree(sums(x, alpha, z, beta), exact, rtol=1e-13)
    verify.refutes(sums(x, -alpha, z, beta), exact, why="sign")
    verify.refutes(2 * sums(x, alpha, z, beta), exact, why="factor 2")
    verify.refutes(float(alpha[:2] @ beta), exact, why="coefficients without the kernel")
    # Reproducing: the inner product with a section is the value.
    one, at = np.ones(1), np.array([1.4])
    value = float(alpha @ np.minimum(x, 1.4))
    verify.agree(integral(x, alpha, at, one), value, rtol=1e-13)
    verify.refutes(integral(x, alpha, at + 0.3, one), value, why="another point")
    norm = np.sqrt(integral(x, alpha, x, alpha))
    grid = np.linspace(0.01, 3, 200)
    values = np.abs(np.minimum.outer(grid, x) @ alpha)
    verify.at_most(values, np.sqrt(grid) * norm)
    verify.refutes(values, grid * norm, why="without the root of k(x, x)")
    # The bound is reached by the section itself.
    section = np.sqrt(integral(at, one, at, one))
    verify.agree(1.4, np.sqrt(1.4) * section, rtol=1e-13)
    verify.refutes(1.4, np.sqrt(1.4) * section**2, why="norm squared")


def in_features(K_all, y, n, lam, loss):
    """Minimise over the span of more sections than the samples', in coordinates of the features."""
    vectors = linalg.cholesky(K_all + 1e-12 * np.eye(len(K_all)), lower=True)
    inside = vectors[:n]

    def cost(w):
        return loss(inside @ w) + lam * w @ w

    return optimize.minimize(cost, np.zeros(len(K_all)), tol=1e-13), vectors, inside


@pytest.mark.verifies(
    "eq-kernels-and-gaussian-processes-representer",
    routes=("descent in a larger space", "projection on the samples' sections"),
)
def test_representer(verify):
    """With other sections on offer, a smooth cost that is not quadratic uses the samples' only."""
    rng = np.random.default_rng(3)
    x = rng.uniform(0, 4, 9)[:, np.newaxis]
    n, y = 5, np.sign(rng.normal(size=5))

    def logistic(f):
        return np.mean(np.logaddexp(0, -y * f))

    found, _, inside = in_features(RBF(0.8)(x), y, n, 0.05, logistic)

    def outside(w):
        return w - inside.T @ np.linalg.lstsq(inside.T, w, rcond=None)[0]

    verify.agree(outside(found.x), np.zeros(9), atol=1e-6)
    # A penalty that does not grow with the norm alone breaks the theorem.
    centre = np.ones(9)
    moved = optimize.minimize(
        lambda w: logistic(inside @ w) + 0.05 * (w - centre) @ (w - centre), np.zeros(9)
    )
    verify.refutes(outside(moved.x), np.zeros(9), why="norm measured from elsewhere")
    flat = optimize.minimize(lambda w: logistic(inside @ w), centre, options={"maxiter": 20})
    verify.refutes(outside(flat.x), np.zeros(9), why="no penalty")


@pytest.mark.verifies(
    "eq-kernels-and-gaussian-processes-ridge-cost",
    "eq-kernels-and-gaussian-processes-ridge-solution",
    routes=("descent in a larger space", "dlmath.kernels.solve_kernel_ridge"),
)
def test_kernel_ridge(verify):
    """Descent on the cost, in a space with more sections, ends at the closed form."""
    rng = np.random.default_rng(4)
    x = rng.uniform(0, 4, 9)[:, np.newaxis]
    n, y, lam = 6, rng.normal(size=6), 0.03
    K = grams(x)

    def squares(f):
        return np.mean((y - f) ** 2)

    found, vectors, _ = in_features(K, y, n, lam, squares)
    everywhere = vectors @ found.x

    def formula(penalty):
        return K[:, :n] @ solve_kernel_ridge(K[:n, :n], y, penalty / n)

    verify.agree(formula(n * lam), everywhere, atol=1e-6)
    verify.refutes(formula(lam), everywhere, why="factor n")
    verify.refutes(formula(2 * n * lam), everywhere, why="factor 2")
    verify.refutes(formula(9 * lam), everywhere, why="another n")
    verify.refutes(-formula(n * lam), everywhere, why="sign")
    alpha = solve_kernel_ridge(K[:n, :n], y, lam)
    value = squares(K[:n, :n] @ alpha) + lam * alpha @ K[:n, :n] @ alpha
    verify.agree(value, found.fun, rtol=1e-7)
    verify.refutes(squares(K[:n, :n] @ alpha) + lam * alpha @ alpha, found.fun, why="norm of alpha")
    verify.refutes(n * squares(K[:n, :n] @ alpha) + value, found.fun, why="without 1/n")


# Gaussian processes.


@pytest.mark.verifies(
    "eq-kernels-and-gaussian-processes-scalar",
    routes=("quadrature of Bayes' rule", "the formula"),
)
def test_one_datum(verify):
    """Mean and variance of the second value, by integrating the joint density."""
    tau, s, rho, y1 = 1.3, 0.5, 0.6, 0.9
    f = np.linspace(-9, 9, 1801)
    joint = stats.multivariate_normal(cov=tau**2 * np.array([[1, rho], [rho, 1]]))
    density = joint.pdf(np.stack(np.meshgrid(f, f, indexing="ij"), axis=-1))
    weight = stats.norm(f, s).pdf(y1) @ density
    weight /= weight.sum()
    mean = weight @ f
    exact = np.array([mean, weight @ (f - mean) ** 2])

    def formula(rho=rho, s2=s**2, power=2):
        share = tau**2 / (tau**2 + s2)
        return np.array([rho * share * y1, tau**2 * (1 - rho**power * share)])

    verify.agree(formula(), exact, rtol=1e-12)
    verify.refutes(formula(rho=-rho), exact, why="sign")
    verify.refutes(formula(s2=s), exact, why="standard deviation for variance")
    verify.refutes(formula(power=1), exact, why="correlation not squared")
    verify.refutes(formula(s2=2 * s**2), exact, why="factor 2")


@pytest.mark.verifies(
    "eq-kernels-and-gaussian-processes-conditional",
    "eq-kernels-and-gaussian-processes-uncorrelated",
    routes=("dlmath.kernels.condition", "ratio of densities", "exact fractions"),
)
def test_conditioning(verify):
    """The conditional density is the joint one divided by the marginal one."""
    K, y = covariance()
    old, new = slice(0, 4), slice(4, 6)
    joint, part = stats.multivariate_normal(cov=K), stats.multivariate_normal(cov=K[old, old])
    places = np.random.default_rng(2).normal(size=(7, 2))
    exact = [joint.logpdf(np.append(y[old], z)) - part.logpdf(y[old]) for z in places]

    def formula(sign=1, cross=1.0, reduce=1):
        mean, cov = condition(K[old, old], cross * K[new, old], K[new, new], y[old])
        reduction = K[new, new] - cov
        return stats.multivariate_normal(sign * mean, K[new, new] - reduce * reduction).logpdf(
            places
        )

    verify.agree(formula(), exact, rtol=1e-13, atol=1e-12)
    verify.refutes(formula(sign=-1), exact, why="sign of the mean")
    verify.refutes(formula(reduce=-1), exact, why="sign of the reduction")
    verify.refutes(formula(cross=0.5), exact, why="factor 2")
    verify.refutes(formula(reduce=0), exact, why="prior covariance")
    # The combination that the proof uses, in fractions.
    Kq = rational(K)
    Kq = (Kq + Kq.T) / 2
    S, Szy = Kq[:4, :4], Kq[4:, :4]
    zero = Szy - Szy * S.inv() * S
    verify.identical(zero, sympy.zeros(2, 4))
    verify.refutes(Szy + Szy * S.inv() * S, sympy.zeros(2, 4), why="sign in the combination")
    # And its covariance, from the matrix that makes (u, y) of (z, y).
    T = np.block(
        [[np.eye(2), -K[new, old] @ np.linalg.inv(K[old, old])], [np.zeros((4, 2)), np.eye(4)]]
    )
    turned = np.block([[K[new, new], K[new, old]], [K[old, new], K[old, old]]])
    moments = T @ turned @ T.T
    cov = condition(K[old, old], K[new, old], K[new, new], y[old])[1]
    verify.agree(moments[:2, :2], cov, rtol=1e-13, atol=1e-14)
    verify.refutes(turned[:2, :2], cov, why="covariance before the subtraction")
    # With means that are not zero: the mean of z given y, by solving for the peak of the density.
    m = np.arange(6.0)
    P = np.linalg.inv(K)
    peak = m[new] - np.linalg.solve(P[new, new], P[new, old] @ (y - m)[old])
    shifted = m[new] + condition(K[old, old], K[new, old], K[new, new], (y - m)[old])[0]
    verify.agree(shifted, peak, rtol=1e-13)
    plain = m[new] + condition(K[old, old], K[new, old], K[new, new], y[old])[0]
    verify.refutes(plain, peak, why="mean of y not subtracted")


@pytest.mark.verifies(
    "eq-kernels-and-gaussian-processes-posterior",
    routes=("dlmath.kernels.GaussianProcess", "least squares in the space of features"),
)
def test_posterior(verify):
    """With unequal errors: the weighted ridge posterior of explicit features says the same."""
    X, y, _ = problem(8, 1)
    new = np.array([[0.2], [1.9]])
    variances = np.linspace(0.1, 0.8, 8)

    def phi(x):
        return np.column_stack([np.ones(len(x)), np.sqrt(2) * x[:, 0], x[:, 0] ** 2])

    # The features have independent coefficients of variance 1.
    precision = phi(X).T @ (phi(X) / variances[:, np.newaxis]) + np.eye(3)
    centre = np.linalg.solve(precision, phi(X).T @ (y / variances))
    spread = np.sqrt(np.einsum("mi,ij,mj->m", phi(new), np.linalg.inv(precision), phi(new)))
    exact = np.concatenate([phi(new) @ centre, spread])

    def process(noise, sign=1):
        model = GaussianProcess(Polynomial(2, 1.0), noise=noise, optimise=False).fit(X, sign * y)
        return np.concatenate(model.predict(new, return_std=True))

    verify.agree(process(variances), exact, rtol=1e-12)
    verify.refutes(process(variances, sign=-1), exact, why="sign")
    verify.refutes(process(np.sqrt(variances)), exact, why="standard deviations for variances")
    verify.refutes(process(variances[::-1]), exact, why="errors in another order")
    verify.refutes(process(8 * variances), exact, why="factor n")
    verify.refutes(process(np.full(8, variances.mean())), exact, why="equal errors")


@pytest.mark.verifies(
    "eq-kernels-and-gaussian-processes-penalty",
    routes=("dlmath.kernels.KernelRidge", "scikit-learn's process"),
)
def test_penalty(verify):
    """A process of variance tau^2 with noise s is the ridge fit with n lambda = s^2 / tau^2."""
    X, y, _ = problem(10, 2)
    new = problem(6, 2, seed=9)[0]
    tau, s, n = 1.7, 0.6, 10
    kernel = theirs.ConstantKernel(tau**2) * theirs.RBF(1.0)
    process = gaussian_process.GaussianProcessRegressor(kernel, alpha=s**2, optimizer=None)
    mean, sd = process.fit(X, y).predict(new, return_std=True)

    def ridge(lam):
        return KernelRidge(RBF(1.0), lam, fit_intercept=False).fit(X, y).predict(new)

    verify.agree(ridge(s**2 / tau**2 / n), mean, rtol=1e-12)
    verify.refutes(ridge(s**2 / tau**2), mean, why="factor n")
    verify.refutes(ridge(s**2 / n), mean, why="without tau")
    verify.refutes(ridge(tau**2 / s**2 / n), mean, why="upside down")
    verify.refutes(ridge(s / tau / n), mean, why="standard deviations")

    def variance(lam, scale):
        K, k = grams(X), RBF(1.0)(new, X)
        inner = np.linalg.solve(K + n * lam * np.eye(n), k.T)
        return scale * (1 - np.sum(k.T * inner, axis=0))

    verify.agree(variance(s**2 / tau**2 / n, tau**2), sd**2, rtol=1e-12)
    verify.refutes(variance(s**2 / tau**2 / n, 1.0), sd**2, why="factor tau squared")
    verify.refutes(variance(s**2 / tau**2, tau**2), sd**2, why="factor n in the variance")


@pytest.mark.verifies(
    "eq-kernels-and-gaussian-processes-weight-space",
    "eq-kernels-and-gaussian-processes-woodbury",
    routes=("dlmath.kernels.GaussianProcess", "posterior of the coefficients", "fractions"),
)
def test_weight_space(verify):
    """The band of a linear kernel is that of the coefficients' posterior; the identity exactly."""
    X, y, x = problem(6, 3)
    n, tau, s = 6, 1.4, 0.7
    lam = s**2 / tau**2 / n
    model = GaussianProcess(tau**2 * Linear(), noise=s**2, optimise=False).fit(X, y)
    sd = model.predict(x[np.newaxis], return_std=True)[1]

    def band(penalty, scale):
        return [scale * x @ np.linalg.inv(X.T @ X + penalty * np.eye(3)) @ x]

    verify.agree(sd**2, band(n * lam, s**2), rtol=1e-12)
    verify.refutes(sd**2, band(lam, s**2), why="factor n")
    verify.refutes(sd**2, band(n * lam, tau**2), why="tau for s")
    verify.refutes(sd, band(n * lam, s**2), why="standard deviation for variance")
    verify.refutes(sd**2, band(-n * lam, s**2), why="sign")

    Xq, penalty = rational(X), sympy.Rational(3, 2)
    left = sympy.eye(3) - Xq.T * (Xq * Xq.T + penalty * sympy.eye(6)).inv() * Xq
    inverse = (Xq.T * Xq + penalty * sympy.eye(3)).inv()
    verify.identical(left, penalty * inverse)
    verify.refutes(left, inverse, why="without n lambda")
    verify.refutes(left, penalty * inverse * Xq.T * Xq, why="the other part")
    verify.refutes(-left, penalty * inverse, why="sign in the identity")
    middle = sympy.eye(3) - inverse * Xq.T * Xq
    verify.identical(left, middle)
    verify.refutes(left, sympy.eye(3) + inverse * Xq.T * Xq, why="sign in the middle")


# The evidence.


@pytest.mark.verifies(
    "eq-kernels-and-gaussian-processes-evidence",
    routes=("dlmath.kernels.log_likelihood", "quadrature over all functions", "scipy's density"),
)
def test_evidence(verify):
    """The density of two data, averaged over the function's values on a grid."""
    tau, s, rho = 1.1, 0.4, 0.7
    y = np.array([0.8, -0.3])
    K = tau**2 * np.array([[1, rho], [rho, 1]])
    f = np.linspace(-8, 8, 1601)
    prior = stats.multivariate_normal(cov=K).pdf(np.stack(np.meshgrid(f, f, indexing="ij"), -1))
    width = f[1] - f[0]
    average = stats.norm(f, s).pdf(y[0]) @ prior @ stats.norm(f, s).pdf(y[1]) * width**2
    K_y = K + s**2 * np.eye(2)
    verify.agree(log_likelihood(K_y, y), np.log(average), rtol=1e-12)
    verify.refutes(log_likelihood(K + s * np.eye(2), y), np.log(average), why="s for s^2")
    verify.refutes(log_likelihood(K, y), np.log(average), why="without the noise")

    def formula(fit=0.5, volume=0.5, constant=1.0):
        value = -fit * y @ np.linalg.inv(K_y) @ y - volume * np.log(np.linalg.det(K_y))
        return value - constant * np.log(2 * np.pi)

    exact = stats.multivariate_normal(cov=K_y).logpdf(y)
    verify.agree(formula(), exact, rtol=1e-13)
    verify.refutes(formula(fit=1), exact, why="factor 2 in the fit")
    verify.refutes(formula(volume=1), exact, why="factor 2 in the volume")
    verify.refutes(formula(volume=-0.5), exact, why="sign of the volume")
    verify.refutes(formula(constant=0.5), exact, why="factor n in the constant")


@pytest.mark.verifies(
    "eq-kernels-and-gaussian-processes-evidence-gradient",
    routes=("automatic differentiation", "dlmath.kernels.GaussianProcess", "the trace"),
)
def test_evidence_gradient(verify):
    """Automatic differentiation goes through the density; dlmath contracts, the page traces."""
    X, y, _ = problem(9, 2)
    kernel = 1.7 * RBF((0.8, 1.5)) + White(0.3)
    model = GaussianProcess(kernel, noise=0.05, optimise=False).fit(X, y)
    dlmath = model.log_marginal_likelihood(return_gradient=True)[1]

    theta = torch.tensor(kernel.theta, requires_grad=True)
    variance, first, second, white = torch.exp(theta)
    scaled = torch.tensor(X) / torch.stack([first, second])
    squares = ((scaled[:, None] - scaled[None]) ** 2).sum(-1)
    K = variance * torch.exp(-squares / 2) + (white + 0.05) * torch.eye(9, dtype=torch.float64)
    density = torch.distributions.MultivariateNormal(torch.zeros(9, dtype=torch.float64), K)
    (automatic,) = torch.autograd.grad(density.log_prob(torch.tensor(y)), theta)
    verify.agree(dlmath, automatic.numpy(), rtol=1e-12, atol=1e-12)
    verify.refutes(2 * dlmath, automatic.numpy(), why="factor 2")
    verify.refutes(-dlmath, automatic.numpy(), why="sign")

    K = kernel(X) + 0.05 * np.eye(9)
    P = np.linalg.inv(K)
    alpha = P @ y
    parts = [
        (kernel.with_theta(kernel.theta + unit)(X) - kernel.with_theta(kernel.theta - unit)(X))
        / 2e-5
        for unit in 1e-5 * np.eye(4)
    ]

    def trace(matrix):
        return [np.trace(matrix @ part) / 2 for part in parts]

    verify.agree(trace(np.outer(alpha, alpha) - P), automatic.numpy(), rtol=1e-7, atol=1e-8)
    verify.refutes(trace(np.outer(alpha, alpha)), automatic.numpy(), why="without the volume")
    verify.refutes(trace(np.outer(alpha, alpha) + P), automatic.numpy(), why="sign of the volume")
    verify.refutes(trace(np.outer(y, y) - P), automatic.numpy(), why="y for alpha")


@pytest.mark.verifies(
    "eq-kernels-and-gaussian-processes-derivatives", routes=("sympy", "the formula in symbols")
)
def test_derivatives(verify):
    """Inverse and determinant of a symmetric matrix of functions, differentiated in symbols."""
    t = sympy.Symbol("t")
    K = sympy.Matrix([[2 + t, t], [t, 3 + t**2]])
    dK, P = K.diff(t), K.inv()
    verify.identical(P.diff(t), -P * dK * P)
    verify.refutes(P.diff(t), P * dK * P, why="sign")
    verify.refutes(P.diff(t), -(P**2) * dK, why="order of the factors")
    verify.identical(sympy.log(K.det()).diff(t), (P * dK).trace())
    verify.refutes(sympy.log(K.det()).diff(t), (P * dK).trace() / 2, why="factor 2")
    verify.refutes(sympy.log(K.det()).diff(t), (P * dK).det(), why="determinant for trace")
    # The step of the proof: det(I + t M) = 1 + t tr M + order t^2.
    M = sympy.Matrix(2, 2, sympy.symbols("m:4"))
    det = (sympy.eye(2) + t * M).det()
    verify.identical(det.diff(t).subs(t, 0), M.trace())
    verify.refutes(det.diff(t).subs(t, 0), M.det(), why="determinant")


# Leaving one out.


@pytest.mark.verifies(
    "eq-kernels-and-gaussian-processes-loo",
    "eq-kernels-and-gaussian-processes-pseudo",
    routes=("dlmath.kernels.leave_one_out", "n fits of scikit-learn's process"),
)
def test_leave_one_out(verify):
    """Each sample is left out in earnest; the densities that were predicted are added up."""
    X, y, _ = problem(8, 2)
    s2 = 0.3
    means, variances = [], []
    for i in range(8):
        rest = np.arange(8) != i
        process = gaussian_process.GaussianProcessRegressor(
            theirs.RBF(1.0), alpha=s2, optimizer=None
        )
        mean, sd = process.fit(X[rest], y[rest]).predict(X[[i]], return_std=True)
        means.append(mean[0])
        variances.append(sd[0] ** 2 + s2)
    K_y = grams(X) + s2 * np.eye(8)
    mean, variance = leave_one_out(K_y, y)
    verify.agree(mean, means, rtol=1e-12, atol=1e-11)
    verify.refutes(2 * y - mean, means, why="sign")
    verify.refutes(y - np.linalg.solve(K_y, y) * np.diag(K_y), means, why="diagonal of K")
    verify.refutes(leave_one_out(grams(X) + s2 / 8 * np.eye(8), y)[0], means, why="factor n")
    verify.agree(variance, variances, rtol=1e-12)
    verify.refutes(1 / variance, variances, why="upside down")
    verify.refutes(variance - s2, variances, why="without the error of y")
    verify.refutes(2 * variance, variances, why="factor 2")
    total = stats.norm(means, np.sqrt(variances)).logpdf(y).sum()
    verify.agree(log_pseudo_likelihood(K_y, y), total, rtol=1e-12)
    verify.refutes(log_likelihood(K_y, y), total, why="evidence for pseudo-likelihood")
    P = np.linalg.inv(K_y)
    terms = (P @ y) ** 2 / np.diag(P) - np.log(np.diag(P)) + np.log(2 * np.pi)
    verify.agree(-np.sum(terms) / 2, total, rtol=1e-12)
    verify.refutes(-np.sum(terms), total, why="factor 2 in the sum")
    wrong = terms + 2 * np.log(np.diag(P))
    verify.refutes(-np.sum(wrong) / 2, total, why="sign of the logarithm")


@pytest.mark.verifies(
    "eq-kernels-and-gaussian-processes-loo-square", routes=("sympy", "completing the square")
)
def test_the_square(verify):
    """The exponent less the square does not depend on the entry in question."""
    P = sympy.Matrix([[5, 1, 2], [1, 4, -1], [2, -1, 6]])
    y = sympy.Matrix(sympy.symbols("y1:4"))
    exponent = -(y.T * P * y)[0] / 2

    def square(sign=1, factor=1):
        inner = y[0] + sign * (P[0, 1] * y[1] + P[0, 2] * y[2]) / P[0, 0]
        return -factor * P[0, 0] * inner**2 / 2

    # Terms without y_1 go when differentiated by it.
    slope = sympy.diff(exponent, y[0])
    verify.identical(slope, sympy.diff(square(), y[0]))
    verify.refutes(slope, sympy.diff(square(sign=-1), y[0]), why="sign in the bracket")
    verify.refutes(slope, sympy.diff(-square(), y[0]), why="sign of the exponent")
    verify.refutes(slope, sympy.diff(square(factor=2), y[0]), why="factor 2")


@pytest.mark.verifies(
    "eq-kernels-and-gaussian-processes-loo-hat",
    routes=("dlmath.kernels.leave_one_out", "leverages of dlmath.kernels.KernelRidge"),
)
def test_hat_matrix(verify):
    """Leverages are found by moving one datum and watching its fit."""
    X, y, _ = problem(7, 2)
    lam, n = 0.05, 7

    def fitted(target):
        model = KernelRidge(RBF(1.0), lam, fit_intercept=False)
        return model.fit(X, target).predict(X)

    leverage = np.array([fitted(y + unit)[i] - fitted(y)[i] for i, unit in enumerate(np.eye(n))])
    residual = y - fitted(y)
    exact = y - leave_one_out(grams(X) + n * lam * np.eye(n), y)[0]
    verify.agree(residual / (1 - leverage), exact, rtol=1e-12)
    verify.refutes(residual / (1 + leverage), exact, why="sign")
    verify.refutes(residual / (1 - leverage) ** 2, exact, why="square")
    verify.refutes(residual, exact, why="plain residuals")
    verify.refutes(residual / (1 - leverage.mean()), exact, why="mean leverage")


# Numbers, and support vectors.


@pytest.mark.verifies(
    "eq-kernels-and-gaussian-processes-condition",
    routes=("singular values", "the trace of the Gram matrix"),
)
def test_condition(verify):
    """The bound holds for random lengths, and is reached when all points coincide."""
    rng = np.random.default_rng(5)
    tau, n = 1.5, 20
    found, bounds = [], []
    for _ in range(20):
        x, s = rng.uniform(0, 1, (n, 1)), 10 ** rng.uniform(-3, 0)
        K = tau**2 * RBF(10 ** rng.uniform(-2, 1))(x) + s**2 * np.eye(n)
        found.append(np.linalg.cond(K) / (1 + n * tau**2 / s**2))
        bounds.append(1.0)
    verify.at_most(found, bounds, atol=1e-6)
    verify.refutes(np.multiply(found, n), bounds, why="factor n")
    s = 0.5
    same = tau**2 * RBF(1.0)(np.zeros((n, 1))) + s**2 * np.eye(n)
    verify.agree(np.linalg.cond(same), 1 + n * tau**2 / s**2, rtol=1e-12)
    verify.refutes(np.linalg.cond(same), n * tau**2 / s**2, why="without the 1")
    verify.refutes(np.linalg.cond(same), 1 + n * tau**2 / s, why="s for s^2")


@pytest.mark.verifies(
    "eq-kernels-and-gaussian-processes-hinge",
    "eq-kernels-and-gaussian-processes-svm-dual",
    routes=("scikit-learn's SVC", "a quadratic programme in the primal", "one in the dual"),
)
def test_support_vector_machine(verify):
    """Primal and dual are solved by scipy with constraints, and by scikit-learn."""
    rng = np.random.default_rng(7)
    n, lam = 14, 0.02
    X = rng.normal(size=(n, 2))
    y = np.where(X[:, 0] * X[:, 1] + 0.3 * rng.normal(size=n) > 0, 1.0, -1.0)
    K = grams(X)
    top = 1 / (2 * n * lam)
    machine = svm.SVC(C=top, gamma=0.5, tol=1e-9).fit(X, y)
    signed = np.zeros(n)
    signed[machine.support_] = machine.dual_coef_[0]

    def dual(limit):
        Q = K * np.outer(y, y)
        found = optimize.minimize(
            lambda a: a @ Q @ a / 2 - a.sum(),
            np.full(n, min(limit, 0.1)) * 0.5,
            jac=lambda a: Q @ a - 1,
            bounds=[(0, limit)] * n,
            constraints={"type": "eq", "fun": lambda a: a @ y, "jac": lambda a: y},
            method="SLSQP",
            options={"ftol": 1e-14, "maxiter": 500},
        )
        return found.x * y, -found.fun

    mine, height = dual(top)
    verify.agree(mine, signed, atol=1e-4)
    verify.refutes(dual(1 / (n * lam))[0], signed, why="factor 2")
    verify.refutes(dual(1 / (2 * lam))[0], signed, why="factor n")
    verify.refutes(-mine, signed, why="sign")

    def cost(signed, b, divide=n):
        margin = y * (K @ signed + b)
        return np.maximum(0, 1 - margin).sum() / divide + lam * signed @ K @ signed

    # The primal with slacks, in the coordinates of the features.
    vectors = linalg.cholesky(K + 1e-12 * np.eye(n), lower=True)
    start = np.concatenate([np.zeros(n + 1), np.ones(n)])
    found = optimize.minimize(
        lambda v: v[n + 1 :].mean() + lam * v[:n] @ v[:n],
        start,
        bounds=[(None, None)] * (n + 1) + [(0, None)] * n,
        constraints={
            "type": "ineq",
            "fun": lambda v: y * (vectors @ v[:n] + v[n]) - 1 + v[n + 1 :],
        },
        method="SLSQP",
        options={"ftol": 1e-13, "maxiter": 1000},
    )
    best = cost(signed, machine.intercept_[0])
    verify.agree(best, found.fun, rtol=1e-5)
    verify.refutes(cost(signed, machine.intercept_[0], divide=1), found.fun, why="without 1/n")
    verify.refutes(cost(-signed, machine.intercept_[0]), found.fun, why="sign of f")
    # No duality gap: with C = 1/(2 n lambda) the dual's height is the cost divided by 2 lambda.
    verify.agree(2 * lam * height, found.fun, rtol=1e-5)
    verify.refutes(lam * height, found.fun, why="factor 2 between the two")
