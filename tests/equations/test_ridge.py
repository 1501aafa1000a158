"""The numbered equations of the chapter on ridge regression."""

import itertools
from fractions import Fraction

import mpmath
import numpy as np
import pytest
import sympy
import torch
from dlmath.linear import (
    OLS,
    Ridge,
    gradient_descent,
    gradient_descent_filter,
    ridge_cost,
    ridge_degrees_of_freedom,
    ridge_filter,
    ridge_gradient,
    ridge_path,
    ridge_penalty_for_norm,
    solve_qr,
    solve_ridge,
    solve_svd,
)
from scipy import integrate, linalg, optimize, stats
from sklearn import linear_model

torch.set_num_threads(1)


def problem(n, p, rank=None, seed=0):
    """Draw X of the given rank and y, in integers that exact arithmetic can take, and theta."""
    rng = np.random.default_rng(seed)
    rank = min(n, p) if rank is None else rank
    combine = np.hstack([np.eye(rank), rng.integers(-2, 3, (rank, p - rank))])
    X = rng.integers(-5, 6, (n, rank)) @ combine
    assert np.linalg.matrix_rank(X) == rank
    return X, rng.integers(-9, 10, n).astype(float), rng.normal(size=p)


def exact(array):
    """Turn an array of integers into a sympy matrix; a vector becomes a column."""
    return sympy.Matrix(array.astype(int))


def floats(matrix):
    """Turn a sympy matrix of numbers into an array; a column becomes a vector."""
    return np.array(matrix.tolist(), dtype=float).squeeze()


def exact_ridge(X, y, lam):
    """Solve (X^T X + n lam I) theta = X^T y in fractions."""
    A, b = exact(X), exact(y)
    n, p = X.shape
    return (A.T * A + n * sympy.Rational(lam) * sympy.eye(p)).LUsolve(A.T * b)


def signs(n):
    """List all vectors of n errors of plus or minus one: an exact noise of unit variance."""
    return np.array(list(itertools.product([-1.0, 1.0], repeat=n)))


# The integral, and one slope.


@pytest.mark.verifies(
    "eq-ridge-continuation", routes=("exact diagonalisation", "the integral with sharp lines")
)
def test_green_function_of_two_levels(verify):
    """For an electron on two sites with hopping the trace over all states equals the integral."""
    beta, hopping, shift = 1.7, 0.8, 0.3
    # Fermions on two sites by Jordan and Wigner: c = a x 1, d = z x a, with a the lowering matrix.
    lower, z = np.array([[0.0, 1.0], [0.0, 0.0]]), np.diag([1.0, -1.0])
    c, d = np.kron(lower, np.eye(2)), np.kron(z, lower)
    number = c.T @ c + d.T @ d
    H = shift * number - hopping * (c.T @ d + d.T @ c)
    rho = linalg.expm(-beta * H)
    x = np.linspace(0, beta, 7)
    trace = [
        np.trace(rho @ linalg.expm(t * H) @ c @ linalg.expm(-t * H) @ c.T) / np.trace(rho)
        for t in x
    ]
    # The spectral density of site c: half of each level, bonding and antibonding.
    levels = np.array([shift - hopping, shift + hopping])

    def integral(sign=1, fermi=1, decay=-1):
        kernel = np.exp(decay * np.multiply.outer(x, levels))
        return kernel / (1 + fermi * np.exp(-sign * beta * levels)) @ [0.5, 0.5]

    verify.agree(trace, integral(), rtol=1e-13)
    verify.refutes(trace, integral(sign=-1), why="sign in the denominator")
    verify.refutes(trace, integral(fermi=-1), why="bosons for fermions")
    verify.refutes(trace, integral(decay=1), why="sign in the exponent")
    verify.refutes(trace, 2 * integral(), why="factor 2")

    # A smooth density: adaptive quadrature of the integral against a sum over weighted levels.
    def density(w):
        return stats.norm.pdf(w, 0.4, 0.7)

    by_quadrature = [
        integrate.quad(
            lambda w, t=t: np.exp(-t * w - np.logaddexp(0, -beta * w)) * density(w),
            -12,
            12,
            epsabs=1e-12,
        )[0]
        for t in x
    ]
    nodes, weights = np.polynomial.hermite_e.hermegauss(60)
    omega = 0.4 + 0.7 * nodes
    by_levels = np.exp(-np.multiply.outer(x, omega)) / (1 + np.exp(-beta * omega)) @ weights
    verify.agree(by_quadrature, by_levels / np.sqrt(2 * np.pi), rtol=1e-9)
    verify.refutes(by_quadrature, by_levels, why="density not normalised")


@pytest.mark.verifies(
    "eq-ridge-scalar", routes=("sympy", "scipy's search", "dlmath.linear.solve_ridge")
)
def test_one_slope(verify):
    """The derivative set to zero in symbols, a search and dlmath give the shrunken slope."""
    n = 3
    theta, lam = sympy.symbols("theta lambda", positive=True)
    x, y = sympy.symbols(f"x:{n}", real=True), sympy.symbols(f"y:{n}", real=True)
    cost = sum((v - theta * u) ** 2 for u, v in zip(x, y, strict=True)) / n + lam * theta**2
    (found,) = sympy.solve(sympy.diff(cost, theta), theta)
    xy, d2 = sum(u * v for u, v in zip(x, y, strict=True)), sum(u**2 for u in x)
    verify.identical(found, xy / (d2 + n * lam))
    verify.refutes(found, xy / (d2 + lam), why="factor n")
    verify.refutes(found, xy / (d2 + n * lam / 2), why="factor 2")
    verify.refutes(found, xy / (d2 - n * lam), why="sign")
    verify.identical(found, d2 / (d2 + n * lam) * (xy / d2))
    verify.refutes(found, n * lam / (d2 + n * lam) * (xy / d2), why="the other share")

    xs, ys = np.array([1.0, -2.0, 4.0]), np.array([2.0, 1.0, 3.0])
    at = dict(zip([*x, *y, lam], [*xs, *ys, 0.7], strict=True))
    dlmath = solve_ridge(xs[:, np.newaxis], ys, 0.7)
    verify.agree(dlmath, [float(found.subs(at))], rtol=1e-14)
    verify.refutes(dlmath, [float((xy / d2).subs(at))], why="not shrunk")
    search = optimize.minimize_scalar(lambda t: np.mean((ys - t * xs) ** 2) + 0.7 * t**2)
    verify.agree(search.x, float(found.subs(at)), rtol=1e-7)
    verify.refutes(search.x, float((xy / (d2 + lam)).subs(at)), why="factor n, by search")


@pytest.mark.verifies("eq-ridge-scalar-risk", routes=("all signs of the noise", "sympy"))
def test_risk_of_one_slope(verify):
    """The mean over all sign patterns of the noise is the formula; its minimum is where it says."""
    x, theta, s, lam = np.array([1.0, -2.0, 3.0, 0.5]), 0.8, 0.6, 0.3
    n, d2 = len(x), float(x @ x)
    data = theta * x + s * signs(n)
    estimates = data @ x / (d2 + n * lam)
    risk = np.mean((estimates - theta) ** 2)

    def formula(bias=1.0, m=n * lam):
        return (s**2 * d2 + bias * m**2 * theta**2) / (d2 + m) ** 2

    verify.agree(risk, formula(), rtol=1e-13)
    verify.refutes(risk, formula(bias=0), why="bias forgotten")
    verify.refutes(risk, formula(m=lam), why="factor n")
    verify.refutes(risk, formula(m=2 * n * lam), why="factor 2")
    verify.refutes(risk, formula() * (d2 + n * lam) / d2, why="power of the denominator")

    D, S, T, m = sympy.symbols("d2 s2 theta2 m", positive=True)
    f = (S * D + m**2 * T) / (D + m) ** 2
    verify.identical(sympy.diff(f, m), 2 * D * (m * T - S) / (D + m) ** 3)
    verify.refutes(sympy.diff(f, m), 2 * D * (m * T + S) / (D + m) ** 3, why="sign")
    verify.refutes(sympy.diff(f, m), D * (m * T - S) / (D + m) ** 3, why="factor 2 in the slope")
    (best,) = sympy.solve(sympy.diff(f, m), m)
    verify.identical(best, S / T)
    verify.refutes(best, T / S, why="inverted")
    verify.refutes(best, S / (2 * T), why="factor 2 at the minimum")


# Cost, gradient, Hessian, solution.


@pytest.mark.verifies("eq-ridge-cost", routes=("exact fractions", "dlmath.linear.ridge_cost"))
def test_cost(verify):
    """The mean square and the penalty, summed in fractions term by term, are dlmath's cost."""
    X, y, _ = problem(6, 3, seed=1)
    theta, lam = np.array([0.5, -1.25, 2.0]), 0.375
    exact_theta = [Fraction(t) for t in theta]
    squares = sum(
        (Fraction(v) - sum(Fraction(u) * t for u, t in zip(row, exact_theta, strict=True))) ** 2
        for row, v in zip(X, y, strict=True)
    )
    size = sum(t**2 for t in exact_theta)
    value, penalty = squares / 6, Fraction(lam) * size
    cost = ridge_cost(X, y, theta, lam)
    verify.agree(cost, float(value + penalty), rtol=1e-15)
    verify.refutes(cost, float(value + penalty / 6), why="penalty with 1/n")
    verify.refutes(cost, float(squares + penalty), why="factor n")
    verify.refutes(cost, float(value + penalty / 2), why="factor 2")
    verify.refutes(cost, float(value - penalty), why="sign of the penalty")
    verify.refutes(cost, float(value) + lam * float(size) ** 0.5, why="norm not squared")
    verify.refutes(cost, float(value) + lam * np.abs(theta).sum(), why="sum of absolute values")


@pytest.mark.verifies(
    "eq-ridge-gradient",
    "eq-ridge-hessian",
    routes=("torch", "sympy", "dlmath.linear.ridge_gradient"),
)
def test_gradient_and_hessian(verify):
    """Automatic differentiation of the cost gives dlmath's gradient and the text's Hessian."""
    X, y, theta = problem(7, 4, seed=2)
    lam, n = 0.3, 7

    def cost(t):
        residual = torch.tensor(y) - torch.tensor(X, dtype=torch.float64) @ t
        return residual @ residual / n + lam * t @ t

    t = torch.tensor(theta)
    derivative = torch.autograd.functional.jacobian(cost, t).numpy()
    verify.agree(derivative, ridge_gradient(X, y, theta, lam), rtol=1e-13)
    fit = 2 / n * X.T @ (X @ theta - y)
    verify.refutes(derivative, fit + lam * theta, why="factor 2 of the penalty")
    verify.refutes(derivative, fit + 2 * lam / n * theta, why="factor n")
    verify.refutes(derivative, fit - 2 * lam * theta, why="sign of the penalty")
    verify.refutes(derivative, fit / 2 + 2 * lam * theta, why="factor 2 of the fit")

    hessian = torch.autograd.functional.hessian(cost, t).numpy()
    right = 2 / n * X.T @ X + 2 * lam * np.eye(4)
    verify.agree(hessian, right, rtol=1e-13, atol=1e-14)
    verify.refutes(hessian, 2 / n * X.T @ X, why="no penalty")
    verify.refutes(hessian, 2 / n * X.T @ X + lam * np.eye(4), why="factor 2 in the Hessian")
    verify.refutes(hessian, 2 / n * X.T @ X + 2 * lam * np.ones((4, 4)), why="ones for identity")

    A, b, size = exact(X), exact(y), sympy.Rational(3, 10)
    symbols = sympy.Matrix(sympy.symbols("t:4"))
    symbolic = ((b - A * symbols).T * (b - A * symbols))[0] / n + size * (symbols.T * symbols)[0]
    in_symbols = sympy.Matrix([sympy.diff(symbolic, v) for v in symbols])
    text = sympy.Rational(2, n) * A.T * (A * symbols - b) + 2 * size * symbols
    verify.identical(in_symbols.expand(), text.expand())
    wrong = sympy.Rational(2, n) * A.T * (A * symbols - b) + size * symbols
    verify.refutes(in_symbols.expand(), wrong.expand(), why="factor 2, in symbols")


@pytest.mark.verifies(
    "eq-ridge-solution",
    routes=("exact fractions", "gradient descent", "scikit-learn", "dlmath.linear.Ridge"),
)
@pytest.mark.parametrize(("n", "p", "rank"), [(8, 3, 3), (6, 5, 3), (3, 6, 3)])
def test_solution(verify, n, p, rank):
    """Fractions, a walk downhill, scikit-learn and dlmath agree, also where least squares fails."""
    X, y, _ = problem(n, p, rank, seed=3)
    lam = 0.375
    fractions = floats(exact_ridge(X, y, lam))
    verify.agree(solve_ridge(X, y, lam), fractions, rtol=1e-12, atol=1e-13)
    verify.refutes(floats(exact_ridge(X, y, lam / n)), fractions, why="factor n")
    verify.refutes(floats(exact_ridge(X, y, 2 * lam)), fractions, why="factor 2")
    verify.refutes(solve_svd(X, y), fractions, why="no penalty")
    verify.refutes(-solve_ridge(X, y, lam), fractions, why="sign")

    theta = np.zeros(p)
    step = 1 / (2 * np.linalg.norm(X, 2) ** 2 / n + 2 * lam)
    for _ in range(2000):
        theta = theta - step * (2 / n * X.T @ (X @ theta - y) + 2 * lam * theta)
    verify.agree(theta, fractions, rtol=1e-10, atol=1e-11)
    verify.refutes(theta / 2, fractions, why="half of the walk")

    theirs = linear_model.Ridge(alpha=n * lam, fit_intercept=False).fit(X, y).coef_
    ours = Ridge(lam, fit_intercept=False).fit(X, y).coef_
    verify.agree(ours, theirs, rtol=1e-11, atol=1e-12)
    wrong = linear_model.Ridge(alpha=lam, fit_intercept=False).fit(X, y).coef_
    verify.refutes(ours, wrong, why="alpha = lambda in scikit-learn")


@pytest.mark.verifies(
    "eq-ridge-augmented", routes=("NumPy's lstsq", "dlmath.linear.solve_qr", "exact fractions")
)
def test_invented_data(verify):
    """Least squares on the longer data, by two solvers, is ridge, and the costs are equal."""
    X, y, theta = problem(5, 7, seed=4)
    lam, n, p = 0.25, 5, 7
    fractions = floats(exact_ridge(X, y, lam))

    def longer(root):
        return np.vstack([X, root * np.eye(p)]), np.concatenate([y, np.zeros(p)])

    stacked, data = longer(np.sqrt(n * lam))
    verify.agree(np.linalg.lstsq(stacked, data)[0], fractions, rtol=1e-12)
    verify.refutes(np.linalg.lstsq(*longer(np.sqrt(lam)))[0], fractions, why="factor n")
    verify.refutes(np.linalg.lstsq(*longer(n * lam))[0], fractions, why="no root")
    verify.refutes(
        np.linalg.lstsq(stacked, np.concatenate([y, np.ones(p)]))[0],
        fractions,
        why="ones for zeros",
    )
    verify.agree(solve_qr(stacked, data), fractions, rtol=1e-12)
    verify.refutes(solve_qr(*longer(np.sqrt(2 * n * lam))), fractions, why="factor 2")
    cost = np.sum((data - stacked @ theta) ** 2) / n
    verify.agree(cost, ridge_cost(X, y, theta, lam), rtol=1e-14)
    verify.refutes(cost * n / (n + p), ridge_cost(X, y, theta, lam), why="mean over all the rows")


@pytest.mark.verifies("eq-ridge-condition", routes=("numpy.linalg.cond", "the singular values"))
def test_condition_number(verify):
    """NumPy's condition number of the ridge matrix is the ratio, and below the bound."""
    for n, p, rank in ((9, 4, 4), (9, 4, 3), (3, 5, 3)):
        X, _, _ = problem(n, p, rank, seed=5)
        lam = 0.01
        d = np.zeros(p)
        d[:rank] = np.linalg.svd(X, compute_uv=False)[:rank]
        condition = np.linalg.cond(X.T @ X + n * lam * np.eye(p))
        ratio = (d[0] ** 2 + n * lam) / (d[-1] ** 2 + n * lam)
        verify.agree(condition, ratio, rtol=1e-10)
        verify.refutes(condition, (d[0] ** 2 + lam) / (d[-1] ** 2 + lam), why="factor n")
        verify.refutes(condition, (d[0] + n * lam) / (d[-1] + n * lam), why="no squares")
        verify.refutes(condition, np.sqrt(ratio), why="that of the longer matrix")
        bound = 1 + d[0] ** 2 / (n * lam)
        if rank == p:
            verify.at_most(condition, bound)
        else:
            verify.agree(condition, bound, rtol=1e-10)
            verify.refutes(condition, bound - 1, why="the one forgotten")


@pytest.mark.verifies("eq-ridge-descent", routes=("the walk, step by step", "the bound"))
def test_rate_of_descent(verify):
    """A walk on the ridge cost keeps below the bound; along an unseen direction it is attained."""
    X, y, _ = problem(8, 5, 3, seed=6)
    lam, n = 0.2, 8
    d1 = np.linalg.norm(X, 2)
    goal = floats(exact_ridge(X, y, lam))
    L = 2 * (d1**2 / n + lam)
    unseen = linalg.null_space(X)[:, 0]
    ks = np.arange(60)
    rate = 1 - n * lam / (d1**2 + n * lam)

    def walk(start, eta):
        theta, lengths = start.copy(), []
        for _ in ks:
            lengths.append(np.linalg.norm(theta - goal))
            theta = theta - eta * ridge_gradient(X, y, theta, lam)
        return np.array(lengths)

    lengths = walk(np.full(5, 2.0), 1 / L)
    verify.at_most(lengths, rate**ks * lengths[0], atol=1e-13)
    faster = (1 - 2 * n * lam / (d1**2 + n * lam)) ** ks
    verify.refutes(lengths, faster * lengths[0], why="factor 2")
    slow = walk(goal + 3 * unseen, 0.4 / L)
    verify.refutes(slow, rate**ks * 3, why="shorter steps")
    lengths = walk(goal + 3 * unseen, 1 / L)
    verify.agree(lengths, rate**ks * 3, rtol=1e-11)
    verify.refutes(lengths, (1 - lam / (d1**2 + lam)) ** ks * 3, why="factor n")


# The filter.


@pytest.mark.verifies(
    "eq-ridge-svd", "eq-ridge-filter", routes=("exact fractions", "dlmath.linear.ridge_path")
)
def test_filter_factors(verify):
    """The filtered sum over singular directions is the exact solution, fitted values included."""
    for n, p, rank in ((7, 4, 4), (7, 5, 3), (4, 6, 4)):
        X, y, _ = problem(n, p, rank, seed=7)
        lams = np.array([4.0, 0.5, 0.0625])
        fractions = np.array([floats(exact_ridge(X, y, lam)) for lam in lams])
        verify.agree(ridge_path(X, y, lams), fractions, rtol=1e-10, atol=1e-12)
        U, d, Vt = np.linalg.svd(X, full_matrices=False)
        U, d, Vt = U.T[:rank], d[:rank], Vt[:rank]
        m = n * lams[:, np.newaxis]
        least = U @ y / d

        def refute(factors, why, least=least, Vt=Vt, fractions=fractions):
            verify.refutes((factors * least) @ Vt, fractions, why=why)

        refute(d**2 / (d**2 + m / n), "factor n")
        refute(d**2 / (d**2 + 2 * m), "factor 2")
        refute(d / (d + m), "no squares")
        refute(m / (d**2 + m), "complement")
        refute(d**2 > m, "sharp cut")
        factors = np.array([ridge_filter(d, n, lam) for lam in lams])
        verify.agree((factors * least) @ Vt, fractions, rtol=1e-10, atol=1e-12)
        verify.refutes(-(factors * least) @ Vt, fractions, why="sign")
        fitted = (factors * (U @ y)) @ U
        verify.agree(fitted, fractions @ X.T, rtol=1e-10, atol=1e-11)
        twice = (factors**2 * (U @ y)) @ U
        verify.refutes(twice, fractions @ X.T, why="filtered twice")


@pytest.mark.verifies(
    "eq-ridge-monotone", routes=("exact fractions", "the sums over the singular values")
)
def test_norm_and_misfit(verify):
    """Both sums are those of exact solutions; one falls and the other rises with the penalty."""
    X, y, _ = problem(8, 5, 3, seed=8)
    lams = np.geomspace(1e-3, 1e3, 13)
    n = len(y)
    thetas = np.array([floats(exact_ridge(X, y, float(lam))) for lam in lams])
    U, d, _ = np.linalg.svd(X)
    d, b = d[:3], (U.T @ y)[:3]
    m = n * lams[:, np.newaxis]
    norms = np.sum(thetas**2, axis=1)
    verify.agree(norms, np.sum(d**2 * b**2 / (d**2 + m) ** 2, axis=1), rtol=1e-9)
    verify.refutes(norms, np.sum(d**2 * b**2 / (d**2 + m / n) ** 2, axis=1), why="factor n")
    verify.refutes(norms, np.sum(d**2 * b**2 / (d**2 + m), axis=1), why="power")
    verify.refutes(norms, np.sum(b**2 / (d**2 + m) ** 2, axis=1), why="d forgotten")

    least = np.sum((y - X @ solve_svd(X, y)) ** 2)
    misfit = np.sum((y - thetas @ X.T) ** 2, axis=1)
    rest = (m / (d**2 + m)) ** 2
    verify.agree(misfit, least + np.sum(rest * b**2, axis=1), rtol=1e-11)
    verify.refutes(misfit, np.sum(rest * b**2, axis=1), why="what no fit reaches forgotten")
    verify.refutes(misfit, least + np.sum(np.sqrt(rest) * b**2, axis=1), why="share not squared")
    verify.refutes(misfit, least + np.sum((1 - rest) * b**2, axis=1), why="the other share")

    verify.at_most(np.diff(norms), np.full(12, -1e-9))
    verify.refutes(-np.diff(norms), np.full(12, -1e-9), why="norm rising")
    verify.at_most(-np.diff(misfit), np.full(12, -1e-9))
    verify.refutes(np.diff(misfit), np.full(12, -1e-9), why="misfit falling")
    # Data that no column sees: nothing moves, as the hypothesis says.
    blind = linalg.null_space(X.T)[:, 0]
    still = np.sum((blind - ridge_path(X, blind, lams) @ X.T) ** 2, axis=1)
    verify.agree(np.diff(still), np.zeros(12), atol=1e-13)
    verify.refutes(np.diff(misfit), np.zeros(12), why="data that the columns see")


@pytest.mark.verifies("eq-ridge-limits", routes=("exact fractions", "the pseudo-inverse"))
def test_limits(verify):
    """With penalties of a trillionth and a trillion the exact solution is at its two limits."""
    X, y, _ = problem(5, 6, 3, seed=9)
    n = 5
    small, large = sympy.Rational(1, 10**12), sympy.Integer(10**12)
    shortest = np.linalg.pinv(X) @ y
    near_zero = floats(exact_ridge(X, y, small))
    verify.agree(near_zero, shortest, rtol=1e-9, atol=1e-10)
    other = shortest + linalg.null_space(X)[:, 0]
    verify.refutes(near_zero, other, why="another least-squares solution")
    far = n * 1e12 * floats(exact_ridge(X, y, large))
    verify.agree(far, X.T @ y, rtol=1e-9)
    verify.refutes(far / n, X.T @ y, why="factor n")
    verify.refutes(far, 2 * X.T @ y, why="factor 2")
    verify.refutes(far, np.linalg.pinv(X) @ y, why="pseudo-inverse for transpose")


# Intercept and degrees of freedom.


@pytest.mark.verifies(
    "eq-ridge-intercept", routes=("SciPy's minimiser", "dlmath.linear.Ridge", "exact fractions")
)
def test_intercept(verify):
    """Minimising over intercept and coefficients together gives the mean of what is left over."""
    X, y, _ = problem(9, 3, seed=10)
    X, y, lam, n = X + 4.0, y + 50, 0.5, 9
    # All unknowns at once, with a penalty on the coefficients only, in fractions.
    A = exact(np.hstack([np.ones((n, 1)), X]))
    penalty = sympy.diag(0, *[n * sympy.Rational(lam)] * 3)
    together = floats((A.T * A + penalty).LUsolve(A.T * exact(y)))
    model = Ridge(lam).fit(X, y)
    ours = np.r_[model.intercept_, model.coef_]
    verify.agree(ours, together, rtol=1e-11)
    punished = floats((A.T * A + n * sympy.Rational(lam) * sympy.eye(4)).LUsolve(A.T * exact(y)))
    verify.refutes(punished, together, why="intercept penalised")
    verify.refutes(np.r_[y.mean(), model.coef_], together, why="the mean of y alone")
    plus = y.mean() + X.mean(axis=0) @ model.coef_
    verify.refutes(np.r_[plus, model.coef_], together, why="sign")
    centred = floats(exact_ridge(n * X - X.sum(axis=0), n * y - y.sum(), lam * n**2))
    verify.agree(centred, together[1:], rtol=1e-11)
    verify.refutes(solve_ridge(X, y, lam), together[1:], why="not centred")

    def cost(v):
        return np.mean((y - v[0] - X @ v[1:]) ** 2) + lam * v[1:] @ v[1:]

    found = optimize.minimize(cost, np.zeros(4), method="BFGS", options={"gtol": 1e-9}).x
    verify.agree(found, together, rtol=1e-5)
    verify.refutes(found, punished, why="intercept penalised, by search")


@pytest.mark.verifies(
    "eq-ridge-hat", "eq-ridge-dof", routes=("torch", "dlmath.linear.ridge_degrees_of_freedom")
)
def test_degrees_of_freedom(verify):
    """The Jacobian of the fitted values is the hat matrix; its trace is the sum of the filters."""
    X, y, _ = problem(7, 4, seed=11)
    lam, n = 0.4, 7

    def fitted(data):
        A = torch.tensor(X, dtype=torch.float64)
        M = A.T @ A + n * lam * torch.eye(4, dtype=torch.float64)
        return A @ torch.linalg.solve(M, A.T @ data)

    jacobian = torch.autograd.functional.jacobian(fitted, torch.tensor(y)).numpy()
    hat = X @ np.linalg.inv(X.T @ X + n * lam * np.eye(4)) @ X.T
    verify.agree(jacobian, hat, rtol=1e-11, atol=1e-13)
    verify.refutes(X @ np.linalg.inv(X.T @ X + lam * np.eye(4)) @ X.T, hat, why="factor n")
    verify.refutes(X @ np.linalg.pinv(X), hat, why="projection")
    verify.agree(jacobian @ y, X @ solve_ridge(X, y, lam), rtol=1e-11)
    verify.refutes(jacobian @ y, X @ solve_svd(X, y), why="least squares")

    trace = np.trace(jacobian)
    verify.agree(trace, ridge_degrees_of_freedom(X, lam), rtol=1e-12)
    d2 = np.linalg.eigvalsh(X.T @ X)
    verify.refutes(trace, np.sum(d2 / (d2 + lam)), why="factor n in the trace")
    verify.refutes(trace, np.sum((d2 / (d2 + n * lam)) ** 2), why="squares of the factors")
    verify.refutes(trace, 4.0, why="number of columns")
    verify.refutes(trace, 7 - np.sum(d2 / (d2 + n * lam)), why="what is left")
    # With an intercept: one more, and the singular values of the centred columns.
    wiggle = np.array([Ridge(lam).fit(X, row).predict(X) for row in np.eye(n)])
    with_intercept = np.trace(wiggle)
    verify.agree(with_intercept, Ridge(lam).fit(X, y).dof_, rtol=1e-12)
    centred = np.linalg.svd(X - X.mean(axis=0), compute_uv=False) ** 2
    verify.refutes(with_intercept, np.sum(centred / (centred + n * lam)), why="the one forgotten")
    verify.refutes(with_intercept, 1 + ridge_degrees_of_freedom(X, lam), why="not centred")


@pytest.mark.verifies(
    "eq-ridge-optimism", "eq-ridge-cp", routes=("all signs of the noise", "trace")
)
def test_optimism(verify):
    """The mean over all noises: the training error flatters by the trace, whatever the truth."""
    X, mu, _ = problem(6, 3, seed=12)
    n, s, lam = 6, 0.7, 0.5
    noise = s * signs(n)
    rng = np.random.default_rng(12)
    ridge = X @ np.linalg.inv(X.T @ X + n * lam * np.eye(3)) @ X.T
    for H in (ridge, rng.normal(size=(n, n))):
        fits = (mu + noise) @ H.T
        training = np.mean(np.sum((mu + noise - fits) ** 2, axis=1)) / n
        # Fresh noise is uncorrelated with the fit: its mean square stands beside the error of it.
        pairs = [np.sum((mu + fresh - fits) ** 2, axis=1) for fresh in noise]
        new = np.mean(pairs) / n
        verify.agree(new, training + 2 * s**2 / n * np.trace(H), rtol=1e-12)
        verify.refutes(new, training, why="training error")
        verify.refutes(new, training + s**2 / n * np.trace(H), why="factor 2")
        verify.refutes(new, training + 2 * s**2 * np.trace(H), why="factor n")
        verify.refutes(new, training - 2 * s**2 / n * np.trace(H), why="sign")
        verify.refutes(new, training + 2 * s / n * np.trace(H), why="s for its square")
        verify.refutes(new, training + 2 * s**2 / n * np.sum(H**2), why="trace of the square")

    estimates = []
    for data in mu + noise:
        residual = data - X @ solve_ridge(X, data, lam)
        dof = ridge_degrees_of_freedom(X, lam)
        estimates.append(residual @ residual / n + 2 * s**2 / n * dof)
    pairs = [np.sum((mu + fresh - (mu + noise) @ ridge.T) ** 2, axis=1) for fresh in noise]
    verify.agree(np.mean(estimates), np.mean(pairs) / n, rtol=1e-12)
    verify.refutes(
        np.mean(estimates) - s**2 / n * dof, np.mean(pairs) / n, why="half of the correction"
    )


# Bias, variance, the theorem on shrinkage.


@pytest.mark.verifies(
    "eq-ridge-bias", "eq-ridge-covariance", "eq-ridge-mse", routes=("all signs of the noise", "SVD")
)
def test_bias_and_variance(verify):
    """Mean, covariance and mean squared error over all signs of the noise are the formulas."""
    for p, rank in ((3, 3), (4, 2)):
        X, _, theta = problem(7, p, rank, seed=13)
        n, s, lam = 7, 0.6, 0.4
        data = X @ theta + s * signs(n)
        estimates = np.array([solve_ridge(X, y, lam) for y in data])
        bias = estimates.mean(axis=0) - theta
        inverse = np.linalg.inv(X.T @ X + n * lam * np.eye(p))
        verify.agree(bias, -n * lam * inverse @ theta, rtol=1e-10, atol=1e-12)
        verify.refutes(bias, n * lam * inverse @ theta, why="sign")
        verify.refutes(bias, -lam * inverse @ theta, why="factor n")
        covariance = np.cov(estimates.T, ddof=0)
        verify.agree(covariance, s**2 * inverse @ X.T @ X @ inverse, rtol=1e-9, atol=1e-12)
        verify.refutes(covariance, s**2 * inverse, why="posterior covariance")
        verify.refutes(covariance, s * inverse @ X.T @ X @ inverse, why="s for its square")

        d, a = np.zeros(p), np.linalg.svd(X)[2] @ theta
        d[:rank] = np.linalg.svd(X, compute_uv=False)[:rank]
        error = np.mean(np.sum((estimates - theta) ** 2, axis=1))

        def mse(m=n * lam, d=d, a=a, s=s):
            return np.sum((s**2 * d**2 + m**2 * a**2) / (d**2 + m) ** 2)

        verify.agree(error, mse(), rtol=1e-12)
        verify.refutes(error, mse(m=lam), why="factor n in the error")
        verify.refutes(error, mse(a=0 * a), why="variance alone")
        verify.refutes(error, mse(s=0), why="bias alone")
        verify.refutes(error, mse(d=np.sqrt(d)), why="d for its square")


@pytest.mark.verifies("eq-ridge-better", routes=("sympy", "all signs of the noise", "dlmath"))
def test_some_shrinkage_helps(verify):
    """Up to the limit every direction gains; five per cent beyond it, a well-known one loses."""
    D, S, A, m = sympy.symbols("D S A m", positive=True)
    gain = S / D - (S * D + m**2 * A) / (D + m) ** 2
    claimed = m * (2 * S * D + S * m - m * A * D) / (D * (D + m) ** 2)
    verify.identical(gain, claimed)
    verify.refutes(
        gain, m * (S * D + S * m - m * A * D) / (D * (D + m) ** 2), why="factor 2 in the gain"
    )
    X, _, theta = problem(7, 3, seed=14)
    n, s = 7, 2.0
    _, d, Vt = np.linalg.svd(X)
    a = Vt @ theta
    data = X @ theta + s * signs(n)

    def errors(lam):
        found = np.array([solve_ridge(X, y, lam) for y in data])
        return np.mean(((found - theta) @ Vt.T) ** 2, axis=0)

    limit = 2 * s**2 / np.max(a**2) / n
    for share in (1e-3, 0.1, 0.5, 1.0):
        verify.at_most(errors(share * limit), errors(0.0) * (1 - 1e-6))
        verify.refutes(errors(0.0), errors(share * limit) * (1 - 1e-6), why="the other way round")
    verify.at_most(2 * s**2 / np.sum(theta**2), n * limit)
    verify.refutes(2 * s**2 / np.min(a**2), n * limit, why="smallest component")
    # The limit is sharp when the data determine the direction of the largest component well.
    strong = 1e4

    def risk(factor):
        m = factor * n * limit
        at = np.argmax(a**2)
        return (s**2 * strong + m**2 * a[at] ** 2) / (strong + m) ** 2

    verify.at_most(risk(1.0), s**2 / strong)
    verify.refutes(risk(1.05), s**2 / strong, why="limit five per cent higher")
    wide = s**2 * np.sum(1 / d**2)
    verify.agree(errors(0.0).sum(), wide, rtol=1e-10)
    verify.refutes(errors(limit).sum(), wide, why="no gain")


# The constraint.


@pytest.mark.verifies(
    "eq-ridge-constraint",
    "eq-ridge-secular",
    routes=("SciPy's constrained minimiser", "dlmath.linear.ridge_penalty_for_norm"),
)
def test_constraint(verify):
    """SciPy's minimum in the ball is the ridge solution of the penalty that the equation gives."""
    X, y, _ = problem(8, 4, 3, seed=15)
    n = 8
    shortest = np.linalg.norm(solve_svd(X, y))
    U, d, _ = np.linalg.svd(X)
    d, b = d[:3], (U.T @ y)[:3]
    for rho in (0.2 * shortest, 0.7 * shortest):
        lam = ridge_penalty_for_norm(X, y, rho)
        inside = optimize.minimize(
            lambda t: np.mean((y - X @ t) ** 2),
            np.zeros(4),
            jac=lambda t: 2 / n * X.T @ (X @ t - y),
            constraints={
                "type": "ineq",
                "fun": lambda t, rho=rho: rho**2 - t @ t,
                "jac": lambda t: -2 * t,
            },
            method="SLSQP",
            options={"ftol": 1e-15, "maxiter": 500},
        ).x
        verify.agree(inside, solve_ridge(X, y, lam), atol=1e-6)
        verify.refutes(inside, solve_ridge(X, y, n * lam), why="factor n")
        verify.refutes(inside, solve_ridge(X, y, 2 * lam), why="factor 2")
        rescaled = solve_svd(X, y) * rho / shortest
        verify.refutes(inside, rescaled, why="least squares made shorter")

        def secular(m):
            return np.sum(d**2 * b**2 / (d**2 + m) ** 2)

        verify.agree(secular(n * lam), rho**2, rtol=1e-10)
        verify.refutes(secular(lam), rho**2, why="factor n in the equation")
        verify.refutes(secular(n * lam), rho, why="radius for its square")
    # An idle constraint: the shortest solution stays, and every penalty is worse.
    best = np.mean((y - X @ solve_svd(X, y)) ** 2)
    worse = [np.mean((y - X @ theta) ** 2) for theta in ridge_path(X, y, [1e-2, 1e-1, 1.0])]
    verify.at_most(np.full(3, best), np.array(worse) - 1e-9)
    verify.refutes(np.array(worse), np.full(3, best), why="a penalty where the constraint is idle")


@pytest.mark.verifies("eq-ridge-lagrange", routes=("the chain of terms", "points of the ball"))
def test_argument_of_lagrange(verify):
    """At random points of the ball each step of the chain holds, term by term."""
    X, y, _ = problem(6, 3, seed=16)
    rng, n, lam = np.random.default_rng(16), 6, 0.8
    hat = floats(exact_ridge(X, y, lam))
    rho = np.linalg.norm(hat)
    points = rng.normal(size=(200, 3))
    points *= rho * rng.uniform(size=(200, 1)) ** (1 / 3) / np.linalg.norm(points, axis=1)[:, None]
    misfit = np.array([np.sum((y - X @ t) ** 2) / n for t in points])
    cost = np.array([ridge_cost(X, y, t, lam) for t in points])
    verify.agree(cost - lam * np.sum(points**2, axis=1), misfit, rtol=1e-12)
    verify.refutes(cost - n * lam * np.sum(points**2, axis=1), misfit, why="factor n")
    floor = ridge_cost(X, y, hat, lam) - lam * rho**2
    verify.agree(floor, np.sum((y - X @ hat) ** 2) / n, rtol=1e-12)
    verify.refutes(floor, np.sum((y - X @ hat) ** 2), why="factor n at the minimum")
    verify.at_most(cost - lam * rho**2, misfit, atol=1e-12)
    verify.refutes(misfit, cost - lam * rho**2, why="inequality reversed")
    verify.at_most(np.full(200, floor), misfit - 1e-9)
    steps = np.linspace(0.1, 1, 200)[:, np.newaxis]
    way = hat + steps * (solve_svd(X, y) - hat)
    outside = np.array([np.sum((y - X @ t) ** 2) / n for t in way])
    verify.refutes(np.full(200, floor), outside - 1e-9, why="points outside the ball")


# The prior.


@pytest.mark.verifies(
    "eq-ridge-prior", "eq-ridge-posterior", routes=("conditioning a joint Gaussian", "densities")
)
def test_posterior(verify):
    """Conditioning the joint Gaussian of parameters and data gives ridge and its covariance."""
    X, y, theta = problem(5, 3, seed=17)
    n, s, tau = 5, 0.8, 1.3
    lam = s**2 / (n * tau**2)
    # Schur complement of the joint covariance, with no formula of ridge in it.
    covariance_y = tau**2 * X @ X.T + s**2 * np.eye(n)
    gain = tau**2 * X.T @ np.linalg.inv(covariance_y)
    mean, covariance = gain @ y, tau**2 * np.eye(3) - tau**2 * gain @ X
    verify.agree(mean, solve_ridge(X, y, lam), rtol=1e-10)
    verify.refutes(mean, solve_ridge(X, y, n * lam), why="factor n")
    verify.refutes(mean, solve_ridge(X, y, 2 * lam), why="factor 2")
    verify.refutes(mean, solve_ridge(X, y, tau**2 / (n * s**2)), why="ratio inverted")
    verify.refutes(mean, solve_ridge(X, y, s / (n * tau)), why="no squares")
    inverse = np.linalg.inv(X.T @ X + n * lam * np.eye(3))
    verify.agree(covariance, s**2 * inverse, rtol=1e-9, atol=1e-13)
    verify.refutes(covariance, s**2 * inverse @ X.T @ X @ inverse, why="scatter of the estimate")
    verify.refutes(covariance, tau**2 * inverse, why="tau for s")

    # Minus twice the logarithm of the posterior, up to a constant that two points share.
    def log_posterior(t):
        prior = stats.norm.logpdf(t, scale=tau).sum()
        return prior + stats.norm.logpdf(y, X @ t, s).sum()

    here, there = theta, theta + np.array([0.5, -1.0, 0.25])
    difference = -2 * (log_posterior(here) - log_posterior(there))
    costs = ridge_cost(X, y, here, lam) - ridge_cost(X, y, there, lam)
    verify.agree(difference, n / s**2 * costs, rtol=1e-11)
    verify.refutes(difference, costs / s**2, why="factor n in the logarithm")
    verify.refutes(difference, n / (2 * s**2) * costs, why="factor 2 in the logarithm")


@pytest.mark.verifies(
    "eq-ridge-bayes-risk", routes=("Gauss-Hermite quadrature", "the sum", "trace")
)
def test_best_penalty_on_average(verify):
    """Averaged over prior and noise by quadrature, the posterior's penalty has the least error."""
    X, _, _ = problem(4, 2, seed=18)
    n, s, tau = 4, 0.9, 0.7
    nodes, weights = np.polynomial.hermite_e.hermegauss(3)  # exact for squares
    weights = weights / weights.sum()
    grid = np.array(list(itertools.product(range(3), repeat=6)))
    drawn, weight = nodes[grid], np.prod(weights[grid], axis=1)
    thetas, noise = tau * drawn[:, :2], s * drawn[:, 2:]
    data = thetas @ X.T + noise

    def average(lam):
        found = data @ X @ np.linalg.inv(X.T @ X + n * lam * np.eye(2))
        return weight @ np.sum((found - thetas) ** 2, axis=1)

    best = s**2 / (n * tau**2)
    d2 = np.linalg.eigvalsh(X.T @ X)
    value = np.sum(s**2 / (d2 + s**2 / tau**2))
    verify.agree(average(best), value, rtol=1e-12)
    verify.refutes(average(0.0), value, why="least squares")
    verify.refutes(average(2 * best), value, why="factor 2")
    verify.refutes(average(best / n), value, why="factor n")
    trace = s**2 * np.trace(np.linalg.inv(X.T @ X + n * best * np.eye(2)))
    verify.agree(trace, value, rtol=1e-12)
    verify.refutes(trace, np.sum(tau**2 / (d2 + s**2 / tau**2)), why="tau for s")
    others = np.array([average(best * share) for share in (0.0, 0.3, 0.9, 1.1, 3.0)])
    verify.at_most(np.full(5, value), others - 1e-6)
    verify.refutes(others, np.full(5, value) - 1e-6, why="another penalty")
    # An unseen direction costs the variance of the prior, with any penalty and with none.
    flat = np.array([[1.0, 0.0], [2.0, 0.0]])
    for estimate in (lambda y: solve_ridge(flat, y, 0.3), lambda y: solve_svd(flat, y)):
        along = [estimate(flat @ t + e[:2])[1] - t[1] for t, e in zip(thetas, noise, strict=True)]
        verify.agree(weight @ np.square(along), tau**2, rtol=1e-12)
        verify.refutes(weight @ np.square(along), s**2, why="variance of the noise")


# The lens, the discrepancy, the walk.


@pytest.mark.verifies("eq-ridge-resolution", routes=("all signs of the noise", "SVD"))
def test_resolution(verify):
    """The mean of the estimates is the truth through the lens, whose trace counts the details."""
    X, _, theta = problem(5, 7, seed=19)
    n, lam = 5, 0.6
    estimates = [solve_ridge(X, X @ theta + 0.5 * e, lam) for e in signs(n)]
    mean = np.mean(estimates, axis=0)
    _, d, Vt = np.linalg.svd(X, full_matrices=False)
    factors = ridge_filter(d, n, lam)
    verify.agree(mean, Vt.T @ (factors * (Vt @ theta)), rtol=1e-10, atol=1e-12)
    verify.refutes(mean, Vt.T @ (Vt @ theta), why="projection")
    verify.refutes(mean, Vt.T @ (factors**2 * (Vt @ theta)), why="filtered twice")
    verify.refutes(mean, Vt.T @ (d**2 / (d**2 + lam) * (Vt @ theta)), why="factor n")
    verify.refutes(mean, theta, why="no bias")
    lens = Vt.T @ np.diag(factors) @ Vt
    verify.agree(np.trace(lens), ridge_degrees_of_freedom(X, lam), rtol=1e-12)
    verify.refutes(np.trace(lens @ lens), ridge_degrees_of_freedom(X, lam), why="square")
    no_penalty = np.linalg.pinv(X) @ X
    small = Vt.T @ np.diag(ridge_filter(d, n, 1e-13)) @ Vt
    verify.agree(small, no_penalty, atol=1e-10)
    verify.refutes(small, np.eye(7), why="identity")


@pytest.mark.verifies("eq-ridge-discrepancy", routes=("a root in mpmath", "the misfit of dlmath"))
def test_discrepancy(verify):
    """The penalty at which the misfit is that of the noise, found to thirty digits, is the one."""
    X, y, _ = problem(9, 3, seed=20)
    n, s = 9, 46**0.5
    A, b = exact(X), exact(y)
    lam = sympy.symbols("lam", positive=True)
    theta = (A.T * A + n * lam * sympy.eye(3)).LUsolve(A.T * b)
    misfit = sympy.lambdify(lam, ((b - A * theta).T * (b - A * theta))[0] / n, "mpmath")
    with mpmath.workdps(30):
        root = mpmath.findroot(lambda v: misfit(v) - s**2, (0.01, 50), solver="anderson")
    residual = y - X @ solve_ridge(X, y, float(root))
    verify.agree(residual @ residual / n, s**2, rtol=1e-12)
    verify.refutes(residual @ residual, s**2, why="factor n")
    verify.refutes(residual @ residual / n, s, why="s for its square")
    for factor, why in ((2, "factor 2"), (n, "factor n in the penalty")):
        wrong = y - X @ solve_ridge(X, y, factor * float(root))
        verify.refutes(wrong @ wrong / n, s**2, why=why)
    # At most one: the misfit rises, from that of least squares to that of nothing.
    values = [float(misfit(v)) for v in np.geomspace(1e-4, 1e4, 25)]
    verify.at_most(-np.diff(values), np.full(24, -1e-12))
    verify.refutes(np.diff(values), np.full(24, -1e-12), why="misfit falling")
    least = OLS(fit_intercept=False).fit(X, y).predict(X)
    ends = np.mean((y - least) ** 2), np.mean(y**2)
    verify.at_most(ends[0], values[0])
    verify.at_most(values[-1], ends[1])
    verify.refutes(2 * values[-1], ends[1], why="above the data themselves")


@pytest.mark.verifies(
    "eq-ridge-early-stopping",
    routes=("dlmath.linear.gradient_descent", "dlmath.linear.solve_ridge"),
)
def test_early_stopping(verify):
    """The walk after k small steps stays between ridge with 1/(2 eta k) and 1.2985 times it."""
    X, y, _ = problem(8, 4, seed=21)
    n, k = 8, 4000
    _, d, Vt = np.linalg.svd(X, full_matrices=False)
    etas = np.array([0.02, 1.0, 30.0]) * n / (2 * k * d[1] ** 2)
    walked = np.array([Vt @ gradient_descent(X, y, eta, k)[-1] for eta in etas])

    def ratio(penalty):
        return walked / [Vt @ solve_ridge(X, y, penalty(eta)) for eta in etas]

    matched = ratio(lambda eta: 1 / (2 * eta * k))
    verify.at_most(matched, np.full((3, 4), 1.2985), atol=1e-3)
    limit = np.full((3, 4), 1.2985)
    verify.refutes(ratio(lambda eta: 1 / (eta * k)), limit, why="factor 2")
    verify.refutes(ratio(lambda eta: n / (2 * eta * k)), limit, why="factor n")
    verify.refutes(ratio(lambda eta: 2 * eta * k), limit, why="inverted")
    verify.at_most(np.ones((3, 4)), matched, atol=1e-12)
    verify.refutes(np.ones((3, 4)), ratio(lambda eta: 1 / (4 * eta * k)), why="half the penalty")
    verify.refutes(np.ones((3, 4)), ratio(lambda eta: 1 / (2 * n * eta * k)), why="a share 1/n")
    filters = [
        gradient_descent_filter(d, n, eta, k) / ridge_filter(d, n, 1 / (2 * eta * k))
        for eta in etas
    ]
    verify.agree(filters, matched, rtol=1e-8)
    verify.refutes(1 / np.array(filters), matched, why="ridge over the walk")
