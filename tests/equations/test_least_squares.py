"""The numbered equations of the chapter on least squares."""

import itertools
import math
from fractions import Fraction

import mpmath
import numpy as np
import pytest
import sympy
import torch
from dlmath.datasets import load_alpha_decays
from dlmath.linear import (
    OLS,
    gradient_descent,
    gradient_descent_filter,
    hat_matrix,
    ols_cost,
    ols_gradient,
    ols_hessian,
    solve_normal_equations,
    solve_qr,
    solve_svd,
)
from scipy import integrate, linalg, optimize, stats
from sklearn.decomposition import PCA
from sklearn.linear_model import LinearRegression, Ridge

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


# From the straight line to the pseudo-inverse, principal components and QR.

HBAR_C = 197.327  # MeV fm
ALPHA = 1 / 137.036
MU = 3661.0  # MeV, the reduced mass of an alpha particle and a heavy nucleus


@pytest.mark.verifies(
    "eq-least-squares-line-cost", routes=("exact fractions", "dlmath.linear.ols_cost")
)
def test_cost_of_a_line(verify):
    """The mean of the squared vertical distances, point by point in fractions, is dlmath's cost."""
    x, y = np.array([0.0, 1.0, 3.0, 4.0, 7.0]), np.array([2.0, -1.0, 5.0, 3.0, 8.0])
    a, b = Fraction(1, 4), Fraction(3, 2)
    squares = [(Fraction(v) - a - b * Fraction(u)) ** 2 for u, v in zip(x, y, strict=True)]
    cost = ols_cost(np.column_stack([np.ones(5), x]), y, np.array([0.25, 1.5]))

    verify.agree(cost, float(sum(squares) / 5), rtol=1e-15)
    verify.refutes(cost, float(sum(squares)), why="factor n")
    verify.refutes(cost, float(sum(squares) / 10), why="factor 2")
    verify.refutes(cost, float(sum(squares) / 3), why="degrees of freedom for n")
    verify.refutes(cost, float(sum(squares) / 5) ** 0.5, why="root of the mean")
    verify.refutes(cost, np.mean((y - 0.25 + 1.5 * x) ** 2), why="sign of the slope")
    verify.refutes(cost, np.mean((y + 0.25 - 1.5 * x) ** 2), why="sign of the intercept")
    verify.refutes(cost, np.mean((y - 1.5 - 0.25 * x) ** 2), why="intercept and slope exchanged")
    verify.refutes(cost, float(sum(squares) / 5 / (1 + b**2)), why="perpendicular distances")
    verify.refutes(cost, float(sum(squares) / 5 / b**2), why="horizontal distances")


@pytest.mark.verifies(
    "eq-least-squares-line-intercept", routes=("sympy", "dlmath.linear.ols_gradient")
)
def test_best_intercept_for_a_given_slope(verify):
    """Sympy's derivative by the intercept and its zero are those of the text and of dlmath."""
    n = 3
    a, b = sympy.symbols("a b")
    x, y = sympy.symbols(f"x:{n}"), sympy.symbols(f"y:{n}")
    residuals = [v - a - b * u for u, v in zip(x, y, strict=True)]
    derivative = sympy.diff(sum(r**2 for r in residuals) / n, a)
    verify.identical(derivative, sympy.Rational(-2, n) * sum(residuals))
    verify.refutes(derivative, sympy.Rational(2, n) * sum(residuals), why="sign")
    verify.refutes(derivative, sympy.Rational(-1, n) * sum(residuals), why="factor 2")
    verify.refutes(derivative, -2 * sum(residuals), why="factor n")

    (best,) = sympy.solve(derivative, a)
    verify.identical(best, sum(y) / n - b * sum(x) / n)
    verify.refutes(best, sum(y) / n + b * sum(x) / n, why="sign of the slope")
    verify.refutes(best, sum(y) / n - b * sum(x), why="sum for mean")
    verify.refutes(best, sum(y) / n, why="slope forgotten")

    xs, ys, slope = np.array([0.0, 1.0, 5.0]), np.array([2.0, -1.0, 4.0]), 1.5
    at = dict(zip([*x, *y, a, b], [*xs, *ys, 0.25, slope], strict=True))
    X = np.column_stack([np.ones(n), xs])
    by_dlmath = ols_gradient(X, ys, np.array([0.25, slope]))[0]
    verify.agree(by_dlmath, float(derivative.subs(at)), rtol=1e-14)
    verify.refutes(by_dlmath, -2 * float(sum(residuals).subs(at)), why="sum in place of mean")
    at_best = ols_gradient(X, ys, np.array([float(best.subs(at)), slope]))[0]
    verify.agree(at_best, 0.0, atol=1e-14)
    verify.refutes(
        ols_gradient(X, ys, np.array([ys.mean(), slope]))[0], 0.0, why="the mean of y alone"
    )


@pytest.mark.verifies(
    "eq-least-squares-line", routes=("the formula", "sympy", "dlmath.linear.OLS", "scikit-learn")
)
def test_line_of_best_fit(verify):
    """Solving both conditions in symbols, dlmath and scikit-learn give the formula's line."""
    n = 3
    a, b = sympy.symbols("a b")
    u, v = sympy.symbols(f"x:{n}"), sympy.symbols(f"y:{n}")
    cost = sum((v[i] - a - b * u[i]) ** 2 for i in range(n)) / n
    solved = sympy.solve([sympy.diff(cost, a), sympy.diff(cost, b)], [a, b], dict=True)[0]
    du, dv = [s - sum(u) / n for s in u], [s - sum(v) / n for s in v]
    slope = sum(s * t for s, t in zip(du, dv, strict=True)) / sum(s**2 for s in du)
    verify.identical(solved[b], slope)
    verify.refutes(solved[b], -slope, why="sign")
    verify.refutes(solved[b], slope * n / (n - 1), why="n - 1 in one of the two means")
    uncentred = sum(s * t for s, t in zip(u, v, strict=True)) / sum(s**2 for s in u)
    verify.refutes(solved[b], uncentred, why="not centred")
    verify.identical(solved[a], sum(v) / n - slope * sum(u) / n)
    verify.refutes(solved[a], sum(v) / n + slope * sum(u) / n, why="sign of the mean of x")

    rng = np.random.default_rng(3)
    x = rng.normal(2, 1, 9)
    y = 1 - 2 * x + rng.normal(size=9)
    dx, dy = x - x.mean(), y - y.mean()
    by_hand = np.array([y.mean() - dx @ dy / (dx @ dx) * x.mean(), dx @ dy / (dx @ dx)])
    ours, theirs = OLS().fit(x[:, None], y), LinearRegression().fit(x[:, None], y)
    verify.agree([ours.intercept_, *ours.coef_], by_hand, rtol=1e-14)
    verify.agree([theirs.intercept_, *theirs.coef_], by_hand, rtol=1e-14)
    verify.refutes(by_hand * [1, 2], by_hand, why="factor 2 in the slope")
    verify.refutes(
        [y.mean() - x.mean() * dx @ dy / (dy @ dy), dx @ dy / (dy @ dy)],
        by_hand,
        why="slope of x on y",
    )
    verify.refutes(
        [y.mean() - dy @ dy / (dx @ dy) * x.mean(), dy @ dy / (dx @ dy)],
        by_hand,
        why="x fitted by y",
    )
    verify.refutes([0, x @ y / (x @ x)], by_hand, why="line through the origin")
    least = np.mean((y - by_hand[0] - by_hand[1] * x) ** 2)
    verify.agree(ours.chi2_ / 9, least, rtol=1e-14)
    verify.refutes(ours.chi2_, least, why="factor n")
    ratio = np.cov(x, y)[0, 1] / np.var(x, ddof=1)
    verify.agree(ratio, by_hand[1], rtol=1e-14)
    verify.refutes(np.cov(x, y)[0, 1] / np.var(x), by_hand[1], why="n - 1 above and n below")

    # With all x alike the denominator is zero, and no slope is better than another.
    slopes = np.array([-3.0, 0.0, 5.0])
    costs = [np.mean((y - (y.mean() - b * 2) - b * np.full(9, 2)) ** 2) for b in slopes]
    verify.agree(costs, np.full(3, np.var(y)), rtol=1e-14)
    costs = [np.mean((y - (y.mean() - b * x.mean()) - b * x) ** 2) for b in slopes]
    verify.refutes(costs, np.full(3, np.var(y)), why="values of x that differ")


@pytest.mark.verifies(
    "eq-least-squares-model", routes=("numpy.polynomial", "a design matrix", "dlmath.linear.OLS")
)
def test_model_is_a_weighted_sum_of_features(verify):
    """Horner's rule, design matrix times parameters, and dlmath's predictions are one model."""
    rng = np.random.default_rng(4)
    x, theta = np.linspace(-1, 1.5, 4), np.array([0.5, -1.0, 2.0, 0.75])
    by_horner = np.polynomial.polynomial.polyval(x, theta)
    X = np.column_stack([np.ones(4), x, x**2, x**3])
    verify.agree(X @ theta, by_horner, rtol=1e-14)
    verify.refutes(X.T @ theta, by_horner, why="transpose of a square design matrix")
    verify.refutes(X @ theta[::-1], by_horner, why="features in the reverse order")
    verify.refutes(X[:, 1:] @ theta[1:], by_horner, why="no constant feature")

    errors = rng.normal(size=4)
    y = by_horner + errors
    verify.agree(y - X @ theta, errors, atol=1e-14)
    verify.refutes(X @ theta - y, errors, why="sign of the errors")
    verify.refutes(y - 2 * X @ theta, errors, why="factor 2")

    eta = rng.normal(size=4)
    mixed = np.polynomial.polynomial.polyval(x, 3 * theta - 2 * eta)
    verify.agree(3 * X @ theta - 2 * X @ eta, mixed, atol=1e-13)
    verify.refutes(3 * X @ theta + 2 * X @ eta, mixed, why="sign of a part")
    verify.refutes(X @ theta - X @ eta, mixed, why="weights left out")

    samples = np.linspace(-1, 1.5, 9)
    powers = samples[:, None] ** np.arange(1, 4)
    fit = OLS().fit(powers, np.polynomial.polynomial.polyval(samples, theta))
    verify.agree([fit.intercept_, *fit.coef_], theta, rtol=1e-13)
    verify.agree(fit.predict(X[:, 1:]), by_horner, rtol=1e-13)
    verify.refutes(fit.predict(X[:, :0:-1]), by_horner, why="features exchanged")


@pytest.mark.verifies(
    "eq-least-squares-cost", routes=("exact fractions", "torch", "dlmath.linear.ols_cost")
)
def test_cost(verify):
    """Both forms of the cost, summed in fractions, are those of torch and dlmath."""
    X, y, _ = problem(5, 3)
    theta = np.array([0.25, -1.5, 2.0])
    rows = [[Fraction(entry) for entry in row] for row in X]
    weights = [Fraction(entry) for entry in theta]
    model = [sum(a * b for a, b in zip(row, weights, strict=True)) for row in rows]
    squares = sum((Fraction(v) - m) ** 2 for v, m in zip(y, model, strict=True))
    by_torch = torch.nn.functional.mse_loss(torch.tensor(X) @ torch.tensor(theta), torch.tensor(y))

    for cost in (
        ols_cost(X, y, theta),
        by_torch.item(),
        np.linalg.norm(y - X @ theta) ** 2 / 5,
        (y - X @ theta).T @ (y - X @ theta) / 5,
    ):
        verify.agree(cost, float(squares / 5), rtol=1e-14)
        verify.refutes(cost, float(squares), why="factor n")
        verify.refutes(cost, float(squares / 10), why="factor 2")
        verify.refutes(cost, float(squares / 3), why="number of parameters for n")
        verify.refutes(cost, float(squares / 2), why="degrees of freedom for n")
        verify.refutes(cost, float(squares / 5) ** 0.5, why="norm not squared")
        verify.refutes(cost, ols_cost(X, y, -theta), why="sign")
    square, y, theta = problem(4, 4)
    wrong = np.linalg.norm(y - square.T @ theta) ** 2 / 4
    right = np.mean([(y[i] - sum(square[i] * theta)) ** 2 for i in range(4)])
    verify.agree(ols_cost(square, y, theta), right, rtol=1e-14)
    verify.refutes(wrong, right, why="transpose")


@pytest.mark.verifies(
    "eq-least-squares-expansion",
    routes=("sympy", "dlmath.linear.ols_cost", "dlmath.linear.ols_gradient"),
)
def test_expansion_of_the_cost_is_exact(verify):
    """The three terms make up the cost at a distance, as polynomials and in dlmath's numbers."""
    n, p = 3, 2
    X = sympy.Matrix(n, p, sympy.symbols(f"x:{n * p}"))
    y = sympy.Matrix(sympy.symbols(f"y:{n}"))
    theta, delta = (sympy.Matrix(sympy.symbols(f"{name}:{p}")) for name in "td")

    def cost(at):
        return sum((y - X * at).applyfunc(lambda r: r**2)) / n

    left = cost(theta + delta)
    linear_term = (delta.T * X.T * (X * theta - y))[0] * 2 / n
    quadratic = ((X * delta).T * (X * delta))[0] / n
    verify.identical(left, cost(theta) + linear_term + quadratic)
    verify.refutes(left, cost(theta) - linear_term + quadratic, why="sign of the linear term")
    verify.refutes(left, cost(theta) + linear_term / 2 + quadratic, why="factor 2, linear term")
    verify.refutes(left, cost(theta) + linear_term + quadratic / 2, why="factor 2, last term")
    verify.refutes(left, cost(theta) + linear_term * n + quadratic, why="factor n, linear term")
    verify.refutes(left, cost(theta) + linear_term + quadratic * n, why="factor n, last term")
    verify.refutes(left, cost(theta) + linear_term, why="last term left out")

    X, y, theta = problem(4, 4, seed=2)
    delta = np.array([30.0, -20.0, 10.0, 50.0])
    end, start = ols_cost(X, y, theta + delta), ols_cost(X, y, theta)
    last = np.linalg.norm(X @ delta) ** 2 / 4
    verify.agree(start + delta @ ols_gradient(X, y, theta) + last, end, rtol=1e-14)
    wrong = X @ (X @ theta - y) / 2
    verify.refutes(start + delta @ wrong + last, end, why="transpose in the linear term")
    wrong = np.linalg.norm(X.T @ delta) ** 2 / 4
    verify.refutes(
        start + delta @ ols_gradient(X, y, theta) + wrong, end, why="transpose in the last term"
    )


@pytest.mark.verifies(
    "eq-least-squares-gradient",
    routes=("sympy", "torch.autograd", "the formula", "dlmath.linear.ols_gradient"),
)
def test_gradient_of_the_cost(verify):
    """Derivatives of the cost by sympy and torch are the formula and dlmath's gradient."""
    X, y, theta = problem(4, 4)
    formula = 2 / 4 * X.T @ (X @ theta - y)
    at = torch.tensor(theta, requires_grad=True)
    cost = torch.nn.functional.mse_loss(torch.tensor(X) @ at, torch.tensor(y))
    by_torch = torch.autograd.grad(cost, at)[0].numpy()
    symbols = sympy.Matrix(sympy.symbols("t:4"))
    residual = exact(y) - exact(X) * symbols
    derivative = (residual.T * residual).jacobian(symbols) / 4
    by_sympy = floats(derivative.subs(dict(zip(symbols, theta, strict=True))).T)

    for route in (by_torch, by_sympy, ols_gradient(X, y, theta)):
        verify.agree(route, formula, rtol=1e-13)
        verify.refutes(2 * route, formula, why="factor 2")
        verify.refutes(4 * route, formula, why="factor n")
        verify.refutes(-route, formula, why="sign")
    verify.refutes(2 / 4 * X @ (X @ theta - y), formula, why="transpose of the first factor")
    verify.refutes(2 / 4 * X.T @ (X.T @ theta - y), formula, why="transpose of the second factor")

    X, y, theta = problem(7, 3)
    at = torch.tensor(theta, requires_grad=True)
    torch.nn.functional.mse_loss(torch.tensor(X) @ at, torch.tensor(y)).backward()
    verify.agree(ols_gradient(X, y, theta), at.grad.numpy(), rtol=1e-13)
    verify.refutes(ols_gradient(X, y, theta) * 7 / 3, at.grad.numpy(), why="p for n")
    verify.refutes(ols_gradient(X, y, theta) * 7 / 4, at.grad.numpy(), why="n - p for n")


@pytest.mark.verifies(
    "eq-least-squares-hessian", routes=("sympy", "torch.autograd", "dlmath.linear.ols_hessian")
)
def test_hessian_of_the_cost(verify):
    """Second derivatives by torch and sympy are dlmath's everywhere, and never negative."""
    X, y, theta = problem(4, 4)

    def cost(at):
        return torch.nn.functional.mse_loss(torch.tensor(X) @ at, torch.tensor(y))

    symbols = sympy.Matrix(sympy.symbols("t:4"))
    residual = exact(y) - exact(X) * symbols
    by_sympy = floats(sympy.hessian((residual.T * residual)[0] / 4, symbols))
    for at in (theta, 100 * theta):
        by_torch = torch.autograd.functional.hessian(cost, torch.tensor(at)).numpy()
        verify.agree(by_torch, by_sympy, rtol=1e-14, atol=1e-14)
    verify.agree(ols_hessian(X), by_sympy, rtol=1e-14)
    verify.refutes(ols_hessian(X) / 2, by_sympy, why="factor 2")
    verify.refutes(ols_hessian(X) * 4, by_sympy, why="factor n")
    verify.refutes(-ols_hessian(X), by_sympy, why="sign")
    verify.refutes(ols_hessian(X.T), by_sympy, why="transpose")

    X, _, delta = problem(6, 3, rank=2)
    curvature = 2 / 6 * np.sum((X @ delta) ** 2)
    verify.agree(delta @ ols_hessian(X) @ delta, curvature, rtol=1e-14)
    verify.refutes(delta @ ols_hessian(X) @ delta * 6 / 3, curvature, why="p for n")
    verify.refutes(delta @ ols_hessian(X) @ delta / 2, curvature, why="factor 2")
    verify.at_most(np.zeros(3), np.linalg.eigvalsh(ols_hessian(X)), atol=1e-13)
    verify.refutes(np.zeros(3), np.linalg.eigvalsh(-ols_hessian(X)), why="bowl upside down")


@pytest.mark.verifies(
    "eq-least-squares-normal",
    routes=(
        "dlmath.linear.solve_normal_equations",
        "dlmath.linear.OLS",
        "exact elimination",
        "scipy.optimize",
    ),
)
def test_normal_equations_give_the_minimum(verify):
    """An optimiser, dlmath and exact elimination find one minimum; off it a step goes downhill."""
    X, y, theta = problem(7, 3)
    A, b = exact(X), exact(y)
    solved = floats((A.T * A).LUsolve(A.T * b))
    found = optimize.minimize(lambda at: np.mean((y - X @ at) ** 2), np.zeros(3), tol=1e-12).x
    verify.agree(found, solved, atol=1e-6)
    verify.refutes(-found, solved, why="sign")
    verify.refutes(2 * found, solved, why="factor 2")
    verify.agree(solve_normal_equations(X, y), solved, rtol=1e-13)
    verify.refutes(solve_normal_equations(X, y + 1), solved, why="an intercept that is not there")
    verify.agree(OLS(fit_intercept=False).fit(X, y).coef_, solved, rtol=1e-13)
    verify.refutes(OLS().fit(X, y).coef_, solved, why="intercept")

    square, z, _ = problem(3, 3, seed=2)
    A, b = exact(square), exact(z)
    solved = floats((A.T * A).LUsolve(A.T * b))
    verify.agree(solve_normal_equations(square, z), solved, rtol=1e-12)
    verify.refutes(floats((A * A.T).LUsolve(A.T * b)), solved, why="transpose on the left")
    verify.refutes(floats((A.T * A).LUsolve(A * b)), solved, why="transpose on the right")

    g = ols_gradient(X, y, theta)
    tau = g @ g * 7 / np.linalg.norm(X @ g) ** 2 / np.array([2, 4, 20, 2e5])
    downhill = np.array([ols_cost(X, y, theta - t * g) for t in tau])
    verify.at_most(downhill, np.full(4, ols_cost(X, y, theta)))
    uphill = np.array([ols_cost(X, y, theta + t * g) for t in tau])
    verify.refutes(uphill, np.full(4, ols_cost(X, y, theta)), why="step up the gradient")


@pytest.mark.verifies(
    "eq-least-squares-normal",
    routes=("exact elimination", "Gram-Schmidt", "dlmath.linear.ols_cost"),
)
def test_normal_equations_always_have_a_solution(verify):
    """For every rank exact solutions exist, with one free parameter per column too many."""
    cases = [(6, 3, 3), (3, 3, 3), (6, 3, 2), (3, 3, 1), (2, 4, 2), (4, 2, 0)]
    free, costs, least, elsewhere = [], [], [], []
    for n, p, rank in cases:
        X, y, _ = problem(n, p, rank, seed=n)
        A, b = exact(X), exact(y)
        unknowns = sympy.symbols(f"t:{p}")
        (solution,) = sympy.linsolve((A.T * A, A.T * b), *unknowns)
        free.append(len(set().union(*(entry.free_symbols for entry in solution))))
        solution = sympy.Matrix(solution).subs(dict(zip(unknowns, range(5, 5 + p), strict=True)))
        costs.append(ols_cost(X, y, floats(solution)))
        elsewhere.append(ols_cost(X, y, floats(solution) + X[0]))
        for q in sympy.GramSchmidt(A.columnspace()):
            b -= q.dot(b) / q.dot(q) * q
        least.append(np.mean(floats(b) ** 2))
    n, p, rank = np.array(cases).T
    verify.agree(free, p - rank)
    verify.refutes(free, n - rank, why="rows for columns")
    verify.refutes(free, p - np.minimum(n, p), why="full rank taken for granted")
    verify.refutes(free, np.maximum(p - n, 0), why="unknowns less equations")
    verify.agree(costs, least, atol=1e-13)
    verify.refutes(elsewhere, least, why="a move along the first row")
    verify.refutes(n * costs, least, why="factor n")


@pytest.mark.verifies(
    "eq-least-squares-gamow", routes=("scipy.integrate.quad", "sympy", "the closed form")
)
def test_tunnelling_exponent(verify):
    """The integral over the barriers of real nuclei is the closed form, in numbers and symbols."""
    decays = load_alpha_decays()
    heavy = decays.even_even & (decays.Z >= 52)
    Z, Q = decays.Z[heavy][::9] - 2, decays.Q[heavy][::9]
    R = 1.2 * np.cbrt(decays.A[heavy][::9] - 4)
    b = 2 * Z * ALPHA * HBAR_C / Q

    def integrand(r, z, q):
        return np.sqrt(2 * MU * max(2 * z * ALPHA * HBAR_C / r - q, 0))

    integral = np.array(
        [
            integrate.quad(integrand, *ends, args=zq, epsabs=0, epsrel=1e-11)[0]
            for *ends, zq in zip(R, b, zip(Z, Q, strict=True), strict=True)
        ]
    )
    u = R / b
    bracket = np.arccos(np.sqrt(u)) - np.sqrt(u * (1 - u))
    closed = 2 * b * np.sqrt(2 * MU * Q) / HBAR_C * bracket
    other_sign = np.arccos(np.sqrt(u)) + np.sqrt(u * (1 - u))
    no_root = np.arccos(u) - np.sqrt(u * (1 - u))
    verify.agree(2 * integral / HBAR_C, closed, rtol=1e-11)
    verify.refutes(integral / HBAR_C, closed, why="factor 2")
    verify.refutes(2 * integral / HBAR_C, closed / bracket * other_sign, why="sign in the bracket")
    verify.refutes(2 * integral / HBAR_C, closed / bracket * no_root, why="arccos of u")
    verify.refutes(2 * integral / HBAR_C, closed * u, why="R in place of b")
    verify.refutes(2 * integral / HBAR_C, closed / np.sqrt(2), why="mass without its factor 2")
    verify.refutes(2 * integral / HBAR_C, closed / np.sqrt(Q), why="root of Q forgotten")

    # With r = b cos^2(t) the root is tan(t), and in the bracket arccos(sqrt(u)) is t.
    t = sympy.symbols("t", positive=True)
    integrand = sympy.tan(t) * sympy.diff(-(sympy.cos(t) ** 2), t)
    right = sympy.diff(t - sympy.cos(t) * sympy.sin(t), t)
    verify.identical(integrand, right)
    verify.refutes(-integrand, right, why="sign")
    verify.refutes(2 * integrand, right, why="factor 2")
    verify.refutes(sympy.tan(t), right, why="dr forgotten")
    verify.refutes(integrand, 2 - right, why="sign in the bracket")


@pytest.mark.verifies("eq-least-squares-gamow", routes=("mpmath.quad", "the expansion"))
def test_tunnelling_exponent_of_a_small_nucleus(verify):
    """What quadrature leaves of the bracket after two terms falls as the power 3/2 of u."""
    with mpmath.workdps(40):
        u = [mpmath.mpf(10) ** -k for k in (6, 8)]
        bracket = [mpmath.quad(lambda s: mpmath.sqrt(1 / s - 1), [v, 10 * v, 1]) for v in u]

        def order(terms):
            rests = [abs(whole - terms(v)) for whole, v in zip(bracket, u, strict=True)]
            return float(mpmath.log(rests[0] / rests[1], 100))

        verify.agree(order(lambda v: mpmath.pi / 2 - 2 * mpmath.sqrt(v)), 1.5, atol=1e-6)
        verify.refutes(order(lambda v: mpmath.pi / 2), 1.5, why="second term left out")
        verify.refutes(order(lambda v: mpmath.pi / 2 - mpmath.sqrt(v)), 1.5, why="factor 2")
        verify.refutes(order(lambda v: mpmath.pi / 2 + 2 * mpmath.sqrt(v)), 1.5, why="sign")
        verify.refutes(order(lambda v: mpmath.pi - 2 * mpmath.sqrt(v)), 1.5, why="pi for pi / 2")
        verify.refutes(
            order(lambda v: mpmath.pi / 2 - 2 * mpmath.sqrt(v) + v), 1.5, why="a term of order u"
        )


@pytest.mark.verifies(
    "eq-least-squares-geiger-nuttall",
    routes=("scipy.integrate.quad", "dlmath.linear.OLS", "the closed form"),
)
def test_law_of_geiger_and_nuttall(verify):
    """A fit to tunnelling integrals for real nuclei, shrunk to points, has the law's numbers."""
    decays = load_alpha_decays()
    heavy = decays.even_even & (decays.Z >= 52)
    Z, A, Q = decays.Z[heavy] - 2, decays.A[heavy] - 4, decays.Q[heavy]
    b = 2 * Z * ALPHA * HBAR_C / Q

    def exponent(z, q, start, end):
        def integrand(r):
            return 2 / HBAR_C * np.sqrt(2 * MU * max(2 * z * ALPHA * HBAR_C / r - q, 0))

        return integrate.quad(integrand, start, end, epsabs=0, epsrel=1e-11)[0]

    def log_half_life(r0):
        ends = zip(Z, Q, r0 * np.cbrt(A), b, strict=True)
        return np.array([exponent(*arguments) for arguments in ends]) / np.log(10) - 20

    def law(r0):
        return np.array(
            [
                2 * np.pi * ALPHA * np.sqrt(2 * MU) / np.log(10),
                -8 / np.log(10) * np.sqrt(ALPHA * MU * r0 / HBAR_C),
            ]
        )

    r0 = 1e-5
    features = np.column_stack([Z / np.sqrt(Q), np.sqrt(Z * np.cbrt(A))])
    points = log_half_life(r0)
    fitted = OLS().fit(features, points).coef_
    verify.agree(fitted, law(r0), rtol=1e-5)
    verify.refutes(fitted / [2, 1], law(r0), why="factor 2 in theta_1")
    verify.refutes(fitted / [1, 2], law(r0), why="factor 2 in theta_2")
    verify.refutes(fitted * [1, -1], law(r0), why="sign of theta_2")
    verify.refutes(fitted * np.log(10), law(r0), why="natural logarithm")
    verify.refutes(fitted, law(1.1 * r0), why="another radius")
    verify.refutes(fitted, law(r0) * np.sqrt([2, 1]), why="mass of two alpha particles")
    other = np.column_stack([Z / Q, features[:, 1]])
    verify.refutes(OLS().fit(other, points).coef_, law(r0), why="Q without its root")
    other = np.column_stack([features[:, 0], np.sqrt(Z * A)])
    verify.refutes(OLS().fit(other, points).coef_, law(r0), why="A without its cube root")
    other = np.column_stack([features[:, 0], Z * np.cbrt(A)])
    verify.refutes(OLS().fit(other, points).coef_, law(r0), why="second feature without its root")

    # Of what the law leaves out the derivative by u is (1 - sqrt(1-u)) / sqrt(u), which lies
    # between sqrt(u)/2 and sqrt(u); so the law falls short by this much and by no more than twice.
    left_out = log_half_life(1.2) - (features @ law(1.2) - 20)
    shortfall = 2 / 3 * np.sqrt(2 * MU * Q * (1.2 * np.cbrt(A)) ** 3 / b) / HBAR_C / np.log(10)
    verify.at_most(shortfall, left_out)
    verify.refutes(2 * shortfall, left_out, why="twice the lower bound")
    verify.at_most(left_out, 2 * shortfall)
    verify.refutes(left_out, shortfall, why="half the upper bound")


@pytest.mark.verifies(
    "eq-least-squares-hat",
    routes=("exact projection", "scipy.optimize", "dlmath.linear.hat_matrix"),
)
@pytest.mark.parametrize(("n", "p", "rank"), [(6, 3, 3), (6, 4, 2), (5, 5, 3), (3, 5, 2)])
def test_hat_matrix(verify, n, p, rank):
    """The exact projection is dlmath's; each of its four properties rules out some other matrix."""
    X, y, _ = problem(n, p, rank)
    H = hat_matrix(X)
    basis = sympy.Matrix.hstack(*exact(X).columnspace())
    verify.agree(H, floats(basis * (basis.T * basis).inv() * basis.T), atol=1e-14)
    verify.refutes(np.eye(n) - H, H, why="the complement")
    if n == p:
        verify.refutes(hat_matrix(X.T), H, why="transpose")
    nearest = X @ optimize.minimize(lambda at: np.sum((y - X @ at) ** 2), np.zeros(p), tol=1e-12).x
    verify.agree(H @ y, nearest, atol=1e-6)
    verify.refutes(2 * H @ y - y, nearest, why="reflection")

    B, W = floats(basis), np.random.default_rng(5).normal(size=(n, rank))
    oblique = B @ np.linalg.solve(W.T @ B, W.T)
    verify.agree(H.T, H.copy(), atol=1e-14)
    verify.refutes(oblique.T, oblique.copy(), why="oblique projection along another complement")
    verify.agree(H @ H, H, atol=1e-14)
    verify.refutes((2 * H - np.eye(n)) @ (2 * H - np.eye(n)), 2 * H - np.eye(n), why="reflection")
    verify.refutes(4 * H @ H, 2 * H, why="factor 2")
    verify.agree(H @ X, X, atol=1e-13)
    smaller = hat_matrix(B[:, :-1])
    verify.refutes(smaller @ X, X, why="projection onto a part of the range")
    if n == p:
        verify.refutes(H @ X.T, X.T, why="transpose")
    verify.agree(np.trace(H), rank, rtol=1e-14)
    larger = hat_matrix(np.column_stack([X, y]))
    verify.refutes(np.trace(larger), rank, why="projection onto more than the range")
    verify.refutes(np.trace(smaller), rank, why="projection onto less than the range")
    if p != rank:
        verify.refutes(np.trace(H), p, why="number of columns for the rank")


@pytest.mark.verifies(
    "eq-least-squares-hat", routes=("exact elimination", "dlmath.linear.hat_matrix")
)
def test_all_minimisers_have_the_same_fitted_values(verify):
    """Every solution of the normal equations gives Hy; for full rank H is the text's formula."""
    X, y, _ = problem(6, 4, rank=2)
    A, b = exact(X), exact(y)
    unknowns = sympy.symbols("t:4")
    (solution,) = sympy.linsolve((A.T * A, A.T * b), *unknowns)
    for values in ([0, 0, 0, 0], [1, -2, 3, 5], [70, 20, -10, 40]):
        minimiser = sympy.Matrix(solution).subs(dict(zip(unknowns, values, strict=True)))
        verify.agree(hat_matrix(X) @ y, floats(A * minimiser), atol=1e-13)
        verify.refutes(hat_matrix(X) @ y, floats(A * (minimiser + A[0, :].T)), why="not a minimum")
    nothing = np.zeros((3, 2))
    verify.agree(hat_matrix(nothing), np.zeros((3, 3)), atol=1e-15)
    verify.refutes(np.eye(3) - hat_matrix(nothing), np.zeros((3, 3)), why="all of the space")
    X, _, _ = problem(4, 2)
    A = exact(X)
    verify.agree(hat_matrix(X), floats(A * (A.T * A).inv() * A.T), atol=1e-14)
    verify.refutes(X @ X.T, floats(A * (A.T * A).inv() * A.T), why="inverse left out")


@pytest.mark.verifies(
    "eq-least-squares-pythagoras", routes=("dlmath.linear.OLS", "exact projection")
)
@pytest.mark.parametrize("rank", [3, 2])
def test_pythagoras(verify, rank):
    """The fit of dlmath splits the squared data as the exact projection does, at a right angle."""
    X, y, _ = problem(7, 3, rank, seed=3)
    basis = sympy.Matrix.hstack(*exact(X).columnspace())
    shadow = basis * (basis.T * basis).LUsolve(basis.T * exact(y))
    model = OLS(fit_intercept=False).fit(X, y)
    fitted = model.predict(X)
    split = np.array([fitted @ fitted, model.chi2_])
    exact_split = floats(sympy.Matrix([shadow.dot(shadow), (exact(y) - shadow).norm() ** 2]))
    verify.agree(split, exact_split, rtol=1e-13)
    verify.refutes(split[::-1], exact_split, why="fit and residual exchanged")
    verify.agree(split.sum(), y @ y, rtol=1e-13)
    verify.refutes(np.sqrt(split).sum(), np.linalg.norm(y), why="norms not squared")
    verify.refutes(split[0] - split[1], y @ y, why="sign")
    verify.refutes(split.sum(), np.sum((y - y.mean()) ** 2), why="mean subtracted from y alone")
    shorter = 0.9 * fitted
    verify.refutes(
        shorter @ shorter + (y - shorter) @ (y - shorter), y @ y, why="not the foot, but near it"
    )
    verify.agree(X.T @ (y - fitted), np.zeros(3), atol=1e-12)
    verify.refutes(X.T @ (y - shorter), np.zeros(3), why="residual of another point")
    verify.refutes(X.T @ (y + fitted), np.zeros(3), why="sign of the fit")


@pytest.mark.verifies(
    "eq-least-squares-leverage",
    routes=("scikit-learn, fitted again", "torch.autograd", "dlmath.linear.hat_matrix"),
)
def test_leverage(verify):
    """Refits of changed data and derivatives by torch give the diagonal of dlmath's hat matrix."""
    X, y, _ = problem(6, 3, seed=4)
    H = hat_matrix(X)
    model = LinearRegression(fit_intercept=False)
    before = model.fit(X, y).predict(X)
    change = np.array([model.fit(X, y + 10 * e).predict(X) - before for e in np.eye(6)]) / 10
    verify.agree(np.diag(change), np.diag(H), atol=1e-14)
    verify.refutes(1 - np.diag(change), np.diag(H), why="answer of the residual")
    verify.refutes(2 * np.diag(change), np.diag(H), why="factor 2")
    verify.refutes(6 * np.diag(change), np.diag(H), why="factor n")
    verify.refutes(-np.diag(change), np.diag(H), why="sign")
    verify.refutes(np.diag(change) ** 2, np.diag(H), why="squared")
    verify.refutes(np.roll(change, 1, axis=1).diagonal(), np.diag(H), why="of another observation")

    A = torch.tensor(X)
    jacobian = torch.autograd.functional.jacobian(
        lambda data: A @ torch.linalg.solve(A.T @ A, A.T @ data), torch.tensor(y)
    )
    verify.agree(jacobian.numpy(), H, atol=1e-14)
    verify.refutes(np.eye(6) - jacobian.numpy(), H, why="derivative of the residual")


@pytest.mark.verifies(
    "eq-least-squares-leverage", routes=("dlmath.linear.hat_matrix", "the bounds", "exact rank")
)
def test_leverages_have_their_bounds_and_sum(verify):
    """Leverages stay within [0, 1], reach both ends, and add up to the rank."""
    X, _, _ = problem(8, 4, rank=2)
    # Two more rows: one without any feature, and one with a feature that no other row has.
    X = linalg.block_diag(np.vstack([X, np.zeros(4)]), 3.0)
    leverages = np.diag(hat_matrix(X))
    verify.at_most(np.zeros(10), leverages)
    verify.refutes(np.zeros(10), 2 * leverages - 1, why="diagonal of the reflection")
    verify.at_most(leverages, np.ones(10), atol=1e-14)
    verify.refutes(2 * leverages, np.ones(10), why="factor 2")
    verify.refutes(leverages, np.full(10, 0.99), why="a smaller bound")
    verify.agree(leverages[-2:], [0, 1], atol=1e-14)
    verify.refutes(1 - leverages[-2:], [0, 1], why="complement")
    verify.agree(leverages.sum(), exact(X).rank(), rtol=1e-14)
    verify.refutes(leverages.sum(), X.shape[1], why="number of columns")
    verify.refutes(leverages.sum(), X.shape[0], why="number of rows")
    verify.refutes(leverages.mean(), exact(X).rank(), why="factor n")


def decompose(X, rank):
    """Find u_j, d_j and v_j from the eigenvectors of X^T X, without a decomposition of X."""
    squares, V = np.linalg.eigh(X.T @ X)
    V = V[:, ::-1][:, :rank]
    d = np.sqrt(squares[::-1][:rank])
    return X @ V / d, d, V


@pytest.mark.verifies(
    "eq-least-squares-svd",
    routes=("eigenvectors of X^T X", "scipy.linalg.svd", "dlmath.linear.OLS"),
)
@pytest.mark.parametrize(("n", "p", "rank"), [(6, 3, 3), (3, 5, 3), (4, 4, 2)])
def test_singular_value_decomposition(verify, n, p, rank):
    """Eigenvectors give orthonormal directions whose r products add up to the matrix."""
    X, y, _ = problem(n, p, rank, seed=6)
    U, d, V = decompose(X, rank)
    total = sum(d[j] * np.outer(U[:, j], V[:, j]) for j in range(rank))
    verify.agree(total, X, atol=1e-13)
    verify.refutes(total - d[-1] * np.outer(U[:, -1], V[:, -1]), X, why="a term left out")
    verify.refutes(total - 2 * d[0] * np.outer(U[:, 0], V[:, 0]), X, why="sign of a direction")
    verify.refutes(U * d**2 @ V.T, X, why="squared singular values")
    verify.refutes(U @ V.T, X, why="singular values left out")
    if n == p:
        verify.refutes(V * d @ U.T, X, why="transpose")
    for directions in (U, V):
        verify.agree(directions.T @ directions, np.eye(rank), atol=1e-13)
        verify.refutes(2 * directions.T @ directions, np.eye(rank), why="factor 2")
    verify.agree(d, linalg.svdvals(X)[:rank], rtol=1e-12)
    verify.refutes(d**2, linalg.svdvals(X)[:rank], why="squared")
    verify.agree(d, OLS(fit_intercept=False).fit(X, y).singular_values_[:rank], rtol=1e-12)
    verify.refutes(d, OLS().fit(X, y).singular_values_[:rank], why="of the centred matrix")


@pytest.mark.verifies(
    "eq-least-squares-fitted-svd",
    routes=("eigenvectors of X^T X", "exact projection", "dlmath.linear.OLS"),
)
@pytest.mark.parametrize(("n", "p", "rank"), [(6, 3, 3), (6, 4, 2), (4, 4, 2)])
def test_fitted_values_in_singular_directions(verify, n, p, rank):
    """Components along the u_j add up to the exact projection and to dlmath's fitted values."""
    X, y, _ = problem(n, p, rank, seed=7)
    U, d, V = decompose(X, rank)
    basis = sympy.Matrix.hstack(*exact(X).columnspace())
    nearest = floats(basis * (basis.T * basis).LUsolve(basis.T * exact(y)))
    fitted = sum(U[:, j] * (U[:, j] @ y) for j in range(rank))
    verify.agree(fitted, nearest, atol=1e-13)
    verify.refutes(fitted - U[:, -1] * (U[:, -1] @ y), nearest, why="a term left out")
    verify.refutes(U @ (d * (U.T @ y)), nearest, why="factor of the singular values")
    verify.refutes(2 * fitted, nearest, why="factor 2")
    verify.refutes(-fitted, nearest, why="sign")
    verify.refutes(y, nearest, why="all n directions")
    if n == p:
        verify.refutes(V @ (V.T @ y), nearest, why="transpose")
    verify.agree(OLS(fit_intercept=False).fit(X, y).predict(X), nearest, atol=1e-13)
    verify.refutes(OLS().fit(X, y).predict(X), nearest, why="an intercept besides")

    move = V[:, -1] * (U[:, -1] @ y) / d[-1]
    verify.agree(X @ move, U[:, -1] * (U[:, -1] @ y), atol=1e-13)
    verify.refutes(X @ move * d[-1], U[:, -1] * (U[:, -1] @ y), why="not divided by d_j")
    verify.refutes(X @ move * d[-1] ** 2, U[:, -1] * (U[:, -1] @ y), why="multiplied by d_j")


@pytest.mark.verifies(
    "eq-least-squares-minimum-norm",
    routes=(
        "exact elimination",
        "the sum over singular directions",
        "dlmath.linear.solve_svd",
        "dlmath.linear.OLS",
    ),
)
@pytest.mark.parametrize(("n", "p", "rank"), [(6, 4, 2), (3, 5, 3), (4, 4, 2), (6, 3, 3)])
def test_minimum_norm_solution(verify, n, p, rank):
    """The shortest exact solution is the text's sum and dlmath's; all others are longer."""
    X, y, _ = problem(n, p, rank, seed=8)
    A, b = exact(X), exact(y)
    unknowns = sympy.symbols(f"t:{p}")
    (solution,) = sympy.linsolve((A.T * A, A.T * b), *unknowns)
    solution = sympy.Matrix(solution)
    free = sorted(solution.free_symbols, key=str)
    shortest = sympy.solve([sympy.diff(solution.dot(solution), t) for t in free], free)
    shortest = floats(solution.subs(shortest) if free else solution)

    U, d, V = decompose(X, rank)
    formula = sum((U[:, j] @ y) / d[j] * V[:, j] for j in range(rank))
    for route in (formula, solve_svd(X, y), OLS(fit_intercept=False).fit(X, y).coef_):
        verify.agree(route, shortest, atol=5e-13)
        verify.refutes(2 * route, shortest, why="factor 2")
        verify.refutes(-route, shortest, why="sign")
        verify.refutes(route * n, shortest, why="factor n")
    verify.refutes(V @ (U.T @ y * d), shortest, why="multiplied by d_j")
    verify.refutes(V @ (U.T @ y), shortest, why="not divided by d_j")
    verify.refutes(V @ (U.T @ y / d**2), shortest, why="divided by the square")
    if n == p:
        verify.refutes(U @ (V.T @ y / d), shortest, why="transpose")

    choices = np.random.default_rng(9).integers(-5, 6, (8, p)).tolist()
    others = np.array(
        [floats(solution.subs(dict(zip(unknowns, choice, strict=True)))) for choice in choices]
    )
    verify.agree((others - formula) @ X.T, np.zeros((8, n)), atol=1e-12)
    verify.refutes((others + formula) @ X.T, np.zeros((8, n)), why="sign of the difference")
    lengths = np.linalg.norm(others, axis=1)
    verify.at_most(np.full(8, np.linalg.norm(formula)), lengths, atol=1e-13)
    verify.refutes(np.full(8, 1.01 * max(lengths)), lengths, why="a longer vector")
    if rank < p:
        verify.refutes(lengths, np.full(8, np.linalg.norm(formula)), why="any other solution")


@pytest.mark.verifies(
    "eq-least-squares-pseudo-inverse",
    routes=(
        "the sum over singular directions",
        "exact factors of full rank",
        "dlmath.linear.solve_svd",
        "dlmath.linear.hat_matrix",
    ),
)
@pytest.mark.parametrize(("n", "p", "rank"), [(6, 4, 2), (3, 5, 3), (4, 4, 2)])
def test_pseudo_inverse(verify, n, p, rank):
    """The sum, an exact pseudo-inverse and dlmath's answers to unit vectors are one matrix."""
    X, _, _ = problem(n, p, rank, seed=10)
    U, d, V = decompose(X, rank)
    formula = sum(np.outer(V[:, j], U[:, j]) / d[j] for j in range(rank))
    B = sympy.Matrix.hstack(*exact(X).columnspace())
    C = (B.T * B).LUsolve(B.T * exact(X))
    by_factors = floats(C.T * (C * C.T).inv() * (B.T * B).inv() * B.T)
    verify.agree(formula, by_factors, atol=1e-13)
    verify.refutes(V * d @ U.T, by_factors, why="multiplied by d_j")
    verify.refutes(V @ U.T, by_factors, why="singular values left out")
    verify.refutes(2 * formula, by_factors, why="factor 2")
    verify.refutes(-formula, by_factors, why="sign")
    if n == p:
        verify.refutes(formula.T, by_factors, why="transpose")
    verify.agree(solve_svd(X, np.eye(n)), by_factors, atol=1e-14)
    verify.refutes(solve_svd(X, np.eye(n), tol=0.9), by_factors, why="too small a rank")

    verify.agree(X @ formula, hat_matrix(X), atol=1e-13)
    verify.refutes(np.eye(n) - X @ formula, hat_matrix(X), why="the complement")
    verify.refutes(X @ X.T, hat_matrix(X), why="transpose for pseudo-inverse")
    if n == p:
        verify.refutes(formula @ X, hat_matrix(X), why="the factors exchanged")


@pytest.mark.verifies(
    "eq-least-squares-pca",
    routes=("numpy.cov", "dlmath.linear.OLS", "scikit-learn", "scipy.optimize"),
)
def test_principal_components(verify):
    """Singular values diagonalise numpy's covariance; an optimiser finds no wider direction."""
    X, y, _ = problem(9, 3, seed=11)
    covariance = np.cov(X.T, ddof=0)
    centred = X - X.mean(axis=0)
    d = OLS().fit(X, y).singular_values_
    V = PCA().fit(X).components_.T
    total = sum(d[j] ** 2 / 9 * np.outer(V[:, j], V[:, j]) for j in range(3))
    verify.agree(centred.T @ centred / 9, covariance, rtol=1e-13)
    verify.refutes(X.T @ X / 9, covariance, why="not centred")
    verify.agree(total, covariance, rtol=1e-13)
    verify.refutes(total * 9 / 8, covariance, why="n - 1 for n")
    verify.refutes(total * 9, covariance, why="factor n")
    verify.refutes(V * d / 9 @ V.T, covariance, why="singular values not squared")
    verify.refutes(V.T * d**2 / 9 @ V, covariance, why="transpose")
    uncentred = OLS(fit_intercept=False).fit(X, y).singular_values_
    verify.refutes(V * uncentred**2 / 9 @ V.T, covariance, why="singular values of X itself")

    def spread(w):
        return np.var(X @ w) / (w @ w)

    starts = np.random.default_rng(12).normal(size=(5, 3))
    found = [optimize.minimize(lambda w: -spread(w), start, tol=1e-12).x for start in starts]
    widest = max(map(spread, found))
    verify.agree(widest, d[0] ** 2 / 9, rtol=1e-12)
    verify.refutes(widest, d[0] ** 2 / 8, why="n - 1 for n")
    verify.refutes(widest, d[0] / 9, why="singular value not squared")
    verify.refutes(widest, d[1] ** 2 / 9, why="second component")
    verify.refutes(widest, uncentred[0] ** 2 / 9, why="not centred")
    verify.agree(spread(V[:, 0]), d[0] ** 2 / 9, rtol=1e-13)
    verify.refutes(spread(V[0]), d[0] ** 2 / 9, why="row for column")


@pytest.mark.verifies(
    "eq-least-squares-condition", routes=("dlmath.linear.OLS", "scipy.optimize", "sympy")
)
def test_condition_number_of_the_normal_equations(verify):
    """How unevenly X^T X stretches, found by an optimiser, is the square of dlmath's ratio."""
    X, y, _ = problem(5, 3, seed=13)
    d = OLS(fit_intercept=False).fit(X, y).singular_values_
    kappa = d[0] / d[-1]

    def uneven(matrix):
        def log_stretch(w):
            return np.log(np.linalg.norm(matrix @ w) / np.linalg.norm(w))

        starts = np.random.default_rng(14).normal(size=(5, 3))
        most = max(-optimize.minimize(lambda w: -log_stretch(w), s, tol=1e-12).fun for s in starts)
        least = min(optimize.minimize(log_stretch, s, tol=1e-12).fun for s in starts)
        return np.exp(most - least)

    verify.agree(uneven(X), kappa, rtol=1e-11)
    verify.refutes(uneven(X), d[0] / d[1], why="not the smallest singular value")
    verify.agree(uneven(X.T @ X), kappa**2, rtol=1e-11)
    verify.refutes(uneven(X.T @ X), kappa, why="not squared")
    verify.refutes(uneven(X.T @ X), 2 * kappa, why="doubled for squared")
    verify.refutes(uneven(X.T @ X), kappa**3, why="third power")
    gram = exact(X).T * exact(X)
    roots = sorted(sympy.Poly(gram.charpoly().as_expr()).nroots(n=20))
    verify.agree(float(roots[-1] / roots[0]), kappa**2, rtol=1e-13)
    verify.refutes(float(roots[-1] / roots[0]) ** 2, kappa**2, why="fourth power")


@pytest.mark.verifies(
    "eq-least-squares-perturbation",
    routes=(
        "dlmath.linear.solve_qr",
        "dlmath.linear.solve_normal_equations",
        "eigenvalues of X^T X",
    ),
)
def test_sensitivity_to_the_observations(verify):
    """Random and worst changes of the data move dlmath's solution by no more than the bound."""
    X, y, _ = problem(5, 3, seed=15)
    U, d, _ = decompose(X, 3)
    off_the_range = y - U @ (U.T @ y)
    rng = np.random.default_rng(16)
    data = [*(3 * rng.normal(size=(20, 5))), U[:, 0], U[:, 0] + 3 * off_the_range]
    changes = [*rng.normal(size=(20, 5)), U[:, -1], U[:, -1]]

    def size(v):
        return np.linalg.norm(v)

    moved, bound, by_data, no_kappa = [], [], [], []
    for before, change in zip(data, changes, strict=True):
        theta = solve_qr(X, before)
        moved.append(size(solve_normal_equations(X, before + change) - theta) / size(theta))
        bound.append(d[0] / d[-1] * size(change) / size(X @ theta))
        by_data.append(d[0] / d[-1] * size(change) / size(before))
        no_kappa.append(size(change) / size(X @ theta))
    verify.at_most(moved, bound, atol=1e-13)
    verify.refutes(moved, no_kappa, why="condition number left out")
    verify.refutes(moved, by_data, why="norm of the data for that of the fit")
    verify.refutes(moved, 0.99 * np.array(bound), why="a smaller bound")
    verify.refutes(moved, np.array(no_kappa) * np.sqrt(d[0] / d[-1]), why="root of the condition")
    verify.refutes(np.array(moved) * 2, bound, why="factor 2")
    verify.agree(moved[-2:], bound[-2:], rtol=1e-13)
    verify.refutes(moved[:2], bound[:2], why="any change for the worst one")


@pytest.mark.verifies(
    "eq-least-squares-perturbation", routes=("scipy.optimize", "scipy.linalg.svdvals")
)
def test_sensitivity_has_the_condition_number_as_its_largest_value(verify):
    """The worst data and the worst change, found by an optimiser, reach the condition number."""
    X, _, _ = problem(4, 2, seed=17)
    d = linalg.svdvals(X)

    def log_ratio(both):
        before, change = both.reshape(2, 4)
        theta, step = (np.linalg.lstsq(X, v)[0] for v in (before, change))
        sizes = [np.linalg.norm(v) for v in (step, theta, change, X @ theta)]
        return np.log(sizes[0] / sizes[1] / sizes[2] * sizes[3])

    starts = np.random.default_rng(18).normal(size=(4, 8))
    found = [optimize.minimize(lambda both: -log_ratio(both), start, tol=1e-12) for start in starts]
    worst = np.exp(-min(result.fun for result in found))
    verify.agree(worst, d[0] / d[-1], rtol=1e-11)
    verify.refutes(worst, (d[0] / d[-1]) ** 2, why="squared")
    verify.refutes(worst, np.sqrt(d[0] / d[-1]), why="root")
    verify.refutes(worst, d[0] / d[-1] / 2, why="factor 2")


@pytest.mark.verifies(
    "eq-least-squares-qr",
    routes=(
        "Gram-Schmidt",
        "dlmath.linear.ols_cost",
        "dlmath.linear.solve_qr",
        "exact elimination",
    ),
)
def test_qr_splits_the_cost(verify):
    """With factors by Gram and Schmidt both terms add up to dlmath's cost and give its minimum."""
    X, y, theta = problem(6, 3, seed=19)
    Q, R = np.zeros((6, 3)), np.zeros((3, 3))
    for j in range(3):
        rest = X[:, j].copy()
        for i in range(j):
            R[i, j] = Q[:, i] @ rest
            rest -= R[i, j] * Q[:, i]
        R[j, j] = np.linalg.norm(rest)
        Q[:, j] = rest / R[j, j]

    first = np.sum((Q.T @ y - R @ theta) ** 2)
    second = np.sum(((np.eye(6) - Q @ Q.T) @ y) ** 2)
    verify.agree(first + second, 6 * ols_cost(X, y, theta), rtol=1e-13)
    verify.refutes(first, 6 * ols_cost(X, y, theta), why="second term left out")
    verify.refutes(first - second, 6 * ols_cost(X, y, theta), why="sign")
    verify.refutes(first + second, ols_cost(X, y, theta), why="factor n")
    wrong = np.sum((Q.T @ y - R.T @ theta) ** 2)
    verify.refutes(wrong + second, 6 * ols_cost(X, y, theta), why="R transposed")
    wrong = np.sum((Q.T @ y + R @ theta) ** 2)
    verify.refutes(wrong + second, 6 * ols_cost(X, y, theta), why="sign inside the first term")
    verify.agree(Q @ Q.T, hat_matrix(X), atol=1e-14)
    verify.refutes(np.eye(6) - Q @ Q.T, hat_matrix(X), why="the complement")

    A = exact(X)
    solved = floats((A.T * A).LUsolve(A.T * exact(y)))
    verify.agree(solve_qr(X, y), solved, rtol=1e-13)
    verify.refutes(linalg.solve(R.T, Q.T @ y), solved, why="triangle transposed")
    verify.refutes(-solve_qr(X, y), solved, why="sign")
    verify.agree(R @ solve_qr(X, y), Q.T @ y, rtol=1e-13)
    verify.refutes(R @ theta, Q.T @ y, why="another point")
    verify.agree(second, 6 * ols_cost(X, y, solved), rtol=1e-13)
    verify.refutes(second, ols_cost(X, y, solved), why="factor n")


# From the covariance of the estimate to early stopping.


def coin_flips(n):
    """Make the columns of all 2^n sign vectors: mean 0, covariance I, and far from Gaussian."""
    return np.array(list(itertools.product([-1.0, 1.0], repeat=n))).T


def spikes(root):
    """Make 2n equally likely columns of mean 0 and covariance root root^T, all dependent."""
    return np.sqrt(len(root)) * np.hstack([root, -root])


def gaussian_grid(n, nodes):
    """Make the points and weights of Gauss and Hermite: polynomials of low degree are exact."""
    points, weights = np.polynomial.hermite_e.hermegauss(nodes)
    grid = np.array(list(itertools.product(points, repeat=n))).T
    shares = itertools.product(weights / weights.sum(), repeat=n)
    return grid, np.array([math.prod(share) for share in shares])


def parameters(model):
    """Put the intercept in front of the coefficients; several targets are columns."""
    return np.concatenate([model.intercept_[np.newaxis], model.coef_.T])


def with_ones(X):
    """Put a column of ones in front of the features."""
    return np.column_stack([np.ones(len(X)), X])


def chance(a, c, R):
    """Compute P(|a z| < c |R z|) for standard Gaussian z by Imhof's inversion.

    It is the chance that a quadratic form is negative, which its characteristic function gives.
    """
    form = np.outer(a, a) - c**2 * R.T @ R
    eigenvalues = np.linalg.eigvalsh(form / np.linalg.norm(form))

    def integrand(u):
        phase = np.sum(np.arctan(eigenvalues * u)) / 2
        return np.sin(phase) / u / np.prod(1 + (eigenvalues * u) ** 2) ** 0.25

    parts = [integrate.quad(integrand, a, b, epsabs=1e-13)[0] for a, b in [(0, 5), (5, np.inf)]]
    return 0.5 - sum(parts) / np.pi


def chances(rows, factors, R):
    """Compute the chance for each row and its factor."""
    return [chance(a, c, R) for a, c in zip(rows, factors, strict=True)]


def correlated(n, seed=0):
    """Draw a covariance matrix of small integers and its Cholesky factor."""
    rng = np.random.default_rng(seed)
    L = np.tril(rng.integers(-2, 3, (n, n)), -1) + np.diag(rng.integers(1, 4, n))
    return (L @ L.T).astype(float), L.astype(float)


def curve_fit(X, y, sigma):
    """Fit by scipy's solver for models of any kind; give the parameters and their covariance."""
    exactly = {"absolute_sigma": True, "ftol": 1e-15, "xtol": 1e-15}

    def model(X, *theta):
        return X @ theta

    def jacobian(X, *theta):
        return X

    return optimize.curve_fit(model, X, y, np.zeros(X.shape[1]), sigma, jac=jacobian, **exactly)


def unbiased(X, seed):
    """Draw a matrix A with A X = I that is not the one of least squares."""
    n, p = X.shape
    beside_the_range = np.eye(n) - X @ np.linalg.pinv(X)
    return np.linalg.pinv(X) + np.random.default_rng(seed).normal(size=(p, n)) @ beside_the_range


@pytest.mark.verifies(
    "eq-least-squares-noise", routes=("all 2^n sign vectors", "variance of every combination")
)
def test_noise_has_the_same_variance_in_every_direction(verify):
    """Independent signs times s have the moments, and so the variance s^2 ||c||^2 along each c."""
    s, c = 0.3, np.array([2.0, -1.0, 0.5, 3.0])
    errors = s * coin_flips(4)
    verify.agree(errors.mean(axis=1), np.zeros(4), atol=1e-15)
    verify.refutes(errors.mean(axis=1) + s, np.zeros(4), why="systematic error")
    covariance = errors @ errors.T / errors.shape[1]
    verify.agree(covariance, s**2 * np.eye(4), atol=1e-15)
    verify.refutes(covariance, s * np.eye(4), why="s for its square")
    verify.refutes(covariance, s**2 * np.ones((4, 4)), why="errors in common")
    verify.agree(np.var(c @ errors), s**2 * (c @ c), rtol=1e-14)
    verify.refutes(np.var(c @ errors), s**2 * c.sum() ** 2, why="sum for sum of squares")
    verify.refutes(np.var(c @ errors), 4 * s**2 * (c @ c), why="factor n")


@pytest.mark.verifies(
    "eq-least-squares-error", routes=("sympy", "the formula", "dlmath.linear.OLS")
)
def test_estimate_is_truth_and_a_linear_error(verify):
    """In fractions and by dlmath, the fit of the truth plus errors is the formula's sum."""
    X, errors, _ = problem(6, 3, seed=1)
    theta = np.array([2.0, -1.0, 3.0])
    A, e, t = exact(X), exact(errors), exact(theta)
    solved = (A.T * A).LUsolve(A.T * (A * t + e))
    verify.identical(solved, t + (A.T * A).inv() * A.T * e)
    verify.refutes(solved, t - (A.T * A).inv() * A.T * e, why="sign of the error")
    verify.refutes(solved, t + 2 * (A.T * A).inv() * A.T * e, why="factor 2")
    verify.refutes(solved, t + 6 * (A.T * A).inv() * A.T * e, why="factor n")
    verify.refutes(solved, t + A.T * e, why="inverse forgotten")
    verify.refutes(solved, (A.T * A).inv() * A.T * e, why="truth forgotten")

    for n, p in ((6, 3), (4, 4)):
        X, errors, theta = problem(n, p, seed=2)
        fitted = OLS(fit_intercept=False).fit(X, X @ theta + errors).coef_
        verify.agree(fitted, theta + np.linalg.inv(X.T @ X) @ X.T @ errors, rtol=1e-12)
        verify.refutes(fitted, theta - np.linalg.inv(X.T @ X) @ X.T @ errors, why="sign")
    wrong = np.linalg.inv(X.T @ X) @ X @ errors
    verify.refutes(fitted, theta + wrong, why="transpose of the last factor")
    wrong = np.linalg.inv(X @ X.T) @ X.T @ errors
    verify.refutes(fitted, theta + wrong, why="transpose in the inverse")


@pytest.mark.verifies(
    "eq-least-squares-covariance",
    routes=("all 2^n sign vectors", "the formula", "numpy.linalg.svd", "dlmath.linear.OLS"),
)
def test_mean_and_covariance_of_the_estimate(verify):
    """Over all sign vectors as errors, the mean and covariance of dlmath's fits are the text's."""
    n, s = 8, 0.7
    features, _, theta = problem(n, 2, seed=3)
    X, truth = with_ones(features), np.array([5.0, *theta])
    y = (X @ truth)[:, None] + s * coin_flips(n)
    ensemble = OLS().fit(features, y)
    estimates = parameters(ensemble)
    verify.agree(estimates.mean(axis=1), truth, rtol=1e-14)
    verify.refutes(-estimates.mean(axis=1), truth, why="sign")
    shifted = parameters(OLS().fit(features, y + s)).mean(axis=1)
    verify.refutes(shifted, truth, why="errors with a mean")

    inverse = np.linalg.inv(X.T @ X)
    _, d, Vt = np.linalg.svd(X)
    spectral = sum(s**2 / d[j] ** 2 * np.outer(Vt[j], Vt[j]) for j in range(3))
    over_the_signs = np.cov(estimates, bias=True)
    known = OLS().fit(features, y[:, 0], noise=np.full(n, s)).covariance_
    estimated = ensemble.covariance_.mean(axis=0)
    for route in (s**2 * inverse, spectral, known, estimated):
        verify.agree(route, over_the_signs, rtol=1e-14, atol=1e-15)
        verify.refutes(route / s, over_the_signs, why="s for its square")
        verify.refutes(route * n, over_the_signs, why="factor n")
        verify.refutes(route * 2, over_the_signs, why="factor 2")
        verify.refutes(route * (n - 3) / n, over_the_signs, why="n for n - p")
        verify.refutes(route * [[1], [-1], [-1]], over_the_signs, why="sign in a row")
    wrong = sum(s**2 / d[j] * np.outer(Vt[j], Vt[j]) for j in range(3))
    verify.refutes(wrong, over_the_signs, why="singular values not squared")
    wrong = sum(s**2 / d[j] ** 2 * np.outer(Vt[:, j], Vt[:, j]) for j in range(3))
    verify.refutes(wrong, over_the_signs, why="rows for columns of V")
    verify.refutes(s**2 * X.T @ X, over_the_signs, why="inverse forgotten")

    X, _, theta = problem(4, 4, seed=8)
    y = (X @ theta)[:, None] + spikes(s * np.eye(4))
    over_the_spikes = np.cov(OLS(fit_intercept=False).fit(X, y).coef_.T, bias=True)
    known = OLS(fit_intercept=False).fit(X, y[:, 0], noise=np.full(4, s)).covariance_
    for route in (s**2 * np.linalg.inv(X.T @ X), known):
        verify.agree(route, over_the_spikes, rtol=1e-13)
        verify.refutes(s**2 * np.linalg.inv(X @ X.T), over_the_spikes, why="transpose")


@pytest.mark.verifies(
    "eq-least-squares-s2",
    routes=("all 2^n sign vectors", "dependent errors", "dlmath.linear.OLS"),
)
def test_noise_variance_is_estimated_without_bias(verify):
    """Over all errors of two unlike ensembles, the mean of dlmath's variance is the true one."""
    n, s = 7, 0.7
    features, _, theta = problem(n, 2, seed=5)
    for errors in (coin_flips(n), spikes(np.eye(n))):
        y = (features @ theta)[:, None] + 4 + s * errors
        model = OLS().fit(features, y)
        mean = model.noise_variance_.mean()
        verify.agree(mean, s**2, rtol=1e-14)
        verify.refutes(mean * (n - 3) / n, s**2, why="n for n - p")
        verify.refutes(mean * (n - 3) / (n - 1), s**2, why="n - 1 for n - p")
        verify.refutes(mean * (n - 3) / (n - 2), s**2, why="intercept not counted")
        verify.refutes(np.sqrt(model.noise_variance_).mean() ** 2, s**2, why="square of mean root")
        verify.refutes(mean, s, why="s for its square")
        verify.refutes(mean, 2 * s**2, why="factor 2")

        residuals = y - with_ones(features) @ parameters(model)
        by_hand = np.sum(residuals**2, axis=0) / (n - 3)
        verify.agree(model.noise_variance_, by_hand, rtol=1e-13, atol=1e-15)
        verify.refutes(
            model.noise_variance_, residuals.var(axis=0), why="variance of the residuals"
        )
    correlated_errors = spikes(np.linalg.cholesky(0.5 * np.eye(n) + 0.5))
    mean = OLS().fit(features, s * correlated_errors).noise_variance_.mean()
    verify.agree(mean, s**2 / 2, rtol=1e-14)
    verify.refutes(mean, s**2, why="correlated errors")


@pytest.mark.verifies(
    "eq-least-squares-gauss-markov",
    routes=("dependent errors", "the formula", "dlmath.linear.OLS", "scikit-learn"),
)
def test_no_linear_unbiased_estimator_is_better(verify):
    """Unbiased estimators, drawn at random or in use, have dlmath's covariance and the excess."""
    n, p, s = 6, 2, 0.7
    X = with_ones(np.array([0.0, 1.0, 2.0, 4.0, 5.0, 7.0]))
    theta, errors = np.array([2.0, -1.0]), spikes(s * np.eye(n))
    y = (X @ theta)[:, None] + errors
    least = np.cov(parameters(OLS().fit(X[:, 1:], y)), bias=True)
    half = np.zeros((p, n))
    half[:, ::2] = np.linalg.pinv(X[::2])
    ends = np.zeros((p, n))
    ends[:, [0, -1]] = np.linalg.inv(X[[0, -1]])
    weigh = LinearRegression(fit_intercept=False).fit(X, np.eye(n), [1, 2, 3, 4, 5, 6]).coef_.T
    directions = np.random.default_rng(6).normal(size=(p, 50))
    for A in (unbiased(X, seed=0), unbiased(X, seed=1), half, ends, weigh):
        verify.agree((A @ y).mean(axis=1), theta, rtol=1e-13)
        verify.refutes((0.9 * A @ y).mean(axis=1), theta, why="shrunk, which is biased")
        covariance = np.cov(A @ y, bias=True)
        B = A - np.linalg.inv(X.T @ X) @ X.T
        verify.agree(covariance, least + s**2 * B @ B.T, rtol=1e-13)
        verify.refutes(covariance, least - s**2 * B @ B.T, why="sign")
        verify.refutes(covariance, least + s * B @ B.T, why="s for its square")
        verify.refutes(covariance, least + 2 * s**2 * B @ B.T, why="factor 2")
        verify.refutes(covariance, least + s**2 * A @ A.T, why="A for B")
        verify.refutes(covariance, s**2 * B @ B.T, why="least squares forgotten")
        uneven = np.cov(A @ (errors * np.arange(1, n + 1)[:, None]), bias=True)
        verify.refutes(uneven, least + s**2 * B @ B.T, why="errors of unequal variance")
        variances = np.sum(directions * (covariance @ directions), axis=0)
        smallest = np.sum(directions * (least @ directions), axis=0)
        verify.at_most(smallest, variances)
        verify.refutes(variances, smallest, why="sides exchanged")
        verify.refutes(smallest, 0.9**2 * smallest, why="shrunk, which is biased")


@pytest.mark.verifies(
    "eq-least-squares-t",
    routes=("Imhof's inversion", "scipy.stats.t", "dlmath.linear.OLS"),
)
def test_parameter_over_its_error_follows_student(verify):
    """The chance that dlmath's ratio stays below t, by Fourier inversion, is Student's."""
    n, p = 7, 3
    features, y, _ = problem(n, p - 1, seed=7)
    response = OLS().fit(features, np.eye(n))  # how the fit answers to each error
    slopes, remains = parameters(response), np.eye(n) - response.predict(features)
    roots = np.sqrt(np.diag(OLS().fit(features, y, noise=np.ones(n)).covariance_))

    def below(limit, roots):
        """Compute P(|ratio| < limit); the standard deviation is a root of a sum of squares."""
        return chances(slopes, limit * roots / np.sqrt(response.dof_), remains)

    for limit in (0.5, 2.0, 6.0):
        student = np.full(p, 1 - 2 * stats.t.sf(limit, n - p))
        verify.agree(below(limit, roots), student, atol=1e-12)
        verify.refutes(below(limit, np.sqrt(n / (n - p)) * roots), student, why="n - p for n")
        verify.refutes(below(limit, np.sqrt(2) * roots), student, why="factor 2")
        verify.refutes(below(limit, roots**2), student, why="root forgotten")
        verify.refutes(below(limit, 1 / roots), student, why="matrix not inverted")
        gaussian = np.full(p, 1 - 2 * stats.norm.sf(limit))
        verify.refutes(below(limit, roots), gaussian, why="Gaussian for Student")
        wrong = np.full(p, 1 - 2 * stats.t.sf(limit, n))
        verify.refutes(below(limit, roots), wrong, why="n degrees of freedom")
        wrong = np.full(p, 1 - 2 * stats.t.sf(limit, n - p + 1))
        verify.refutes(below(limit, roots), wrong, why="intercept not counted")


@pytest.mark.verifies(
    "eq-least-squares-confidence",
    routes=("Imhof's inversion", "the formula", "dlmath.linear.OLS.band"),
)
def test_confidence_band_covers_the_curve(verify):
    """The chance that dlmath's band covers the curve at a point, by Fourier inversion, is 95 %."""
    n, p = 8, 3
    features, y, _ = problem(n, p - 1, seed=9)
    model, response = OLS().fit(features, y), OLS().fit(features, np.eye(n))
    remains = np.eye(n) - response.predict(features)
    new, claim = np.array([[0.5, -1.0], [4.0, 3.0], [-20.0, 10.0]]), np.full(3, 0.95)
    band = model.band(new)

    def coverage(band):
        """Compute the chances that the fit errs by less than a band, which scales with chi."""
        return chances(response.predict(new), band / np.sqrt(model.chi2_), remains)

    verify.agree(coverage(band), claim, atol=1e-12)
    verify.refutes(coverage(model.band(new, "prediction")), claim, why="prediction band")
    gaussian = band * stats.norm.ppf(0.975) / stats.t.ppf(0.975, n - p)
    verify.refutes(coverage(gaussian), claim, why="Gaussian quantile")
    one_sided = band * stats.t.ppf(0.95, n - p) / stats.t.ppf(0.975, n - p)
    verify.refutes(coverage(one_sided), claim, why="5 % outside on each side")
    verify.refutes(coverage(band * np.sqrt((n - p) / n)), claim, why="n for n - p")
    verify.refutes(coverage(2 * band), claim, why="factor 2")
    verify.agree(coverage(model.band(new, level=0.5)), np.full(3, 0.5), atol=1e-12)
    verify.refutes(coverage(band), np.full(3, 0.5), why="another level")

    X, at = with_ones(features), with_ones(new)
    s = np.sqrt(np.sum((y - X @ parameters(model)) ** 2) / (n - p))
    shape = np.sum(at @ np.linalg.inv(X.T @ X) * at, axis=1)
    t = stats.t.ppf(0.975, n - p)
    verify.agree(band, t * s * np.sqrt(shape), rtol=1e-14)
    verify.refutes(band, t * s * shape, why="root forgotten")
    verify.refutes(band, t * s**2 * np.sqrt(shape), why="variance for s")
    verify.refutes(band, t * np.sqrt(shape), why="s forgotten")
    verify.refutes(band, t * s * np.sqrt(1 + shape), why="1 under the root")
    shape = np.sum(at @ X.T @ X * at, axis=1)
    verify.refutes(band, t * s * np.sqrt(shape), why="matrix not inverted")


@pytest.mark.verifies(
    "eq-least-squares-prediction",
    routes=("Imhof's inversion", "the formula", "dlmath.linear.OLS.band"),
)
def test_prediction_band_covers_a_new_observation(verify):
    """The chance that dlmath's band covers a new observation, by Fourier inversion, is 95 %."""
    n, p = 8, 3
    features, y, _ = problem(n, p - 1, seed=10)
    model, response = OLS().fit(features, y), OLS().fit(features, np.eye(n))
    remains = np.column_stack([np.eye(n) - response.predict(features), np.zeros(n)])
    new, claim = np.array([[0.5, -1.0], [4.0, 3.0], [-20.0, 10.0]]), np.full(3, 0.95)
    band = model.band(new, "prediction")

    def coverage(band):
        """Compute the chances over the errors of the data and, last, of the new observation."""
        misses = np.column_stack([response.predict(new), -np.ones(3)])
        return chances(misses, band / np.sqrt(model.chi2_), remains)

    verify.agree(coverage(band), claim, atol=1e-12)
    verify.refutes(coverage(model.band(new)), claim, why="confidence band")
    gaussian = band * stats.norm.ppf(0.975) / stats.t.ppf(0.975, n - p)
    verify.refutes(coverage(gaussian), claim, why="Gaussian quantile")
    verify.refutes(coverage(band * np.sqrt((n - p) / n)), claim, why="n for n - p")
    verify.refutes(coverage(band / 2), claim, why="factor 2")
    noise = stats.t.ppf(0.975, n - p) * np.sqrt(model.noise_variance_)
    verify.refutes(coverage(np.full(3, noise)), claim, why="noise alone")
    verify.refutes(coverage(model.band(new) + noise), claim, why="sum of widths")
    verify.agree(coverage(model.band(new, "prediction", 0.5)), np.full(3, 0.5), atol=1e-12)
    verify.refutes(coverage(band), np.full(3, 0.5), why="another level")

    X, at = with_ones(features), with_ones(new)
    s = np.sqrt(np.sum((y - X @ parameters(model)) ** 2) / (n - p))
    shape = np.sum(at @ np.linalg.inv(X.T @ X) * at, axis=1)
    t = stats.t.ppf(0.975, n - p)
    verify.agree(band, t * s * np.sqrt(1 + shape), rtol=1e-14)
    verify.refutes(band, t * s * (1 + shape), why="root forgotten")
    verify.refutes(band, t * s * (1 + np.sqrt(shape)), why="1 outside the root")
    verify.refutes(band, t * s * np.sqrt(np.abs(1 - shape)), why="sign")
    verify.refutes(band, t * s * np.sqrt(1 / n + shape), why="1/n for 1")
    verify.refutes(band, t * np.sqrt(1 + s**2 * shape), why="noise of variance 1")


@pytest.mark.verifies(
    "eq-least-squares-chi2",
    routes=("scipy.stats.norm", "torch.distributions", "the formula", "dlmath.linear.OLS"),
)
def test_likelihood_is_chi_squared(verify):
    """Gaussian densities of scipy and torch give the sum of squares, and dlmath its minimum."""
    X, y, theta = problem(6, 3, seed=11)
    s = np.array([0.5, 1.0, 2.0, 0.25, 3.0, 1.5])
    best = OLS(fit_intercept=False).fit(X, y, noise=s)
    for at, chi2 in (
        (theta, np.sum((y - X @ theta) ** 2 / s**2)),
        (best.coef_, best.chi2_),
    ):
        by_torch = torch.distributions.Normal(torch.tensor(X @ at), torch.tensor(s))
        constant = np.sum(np.log(2 * np.pi * s**2))
        for log_p in (
            np.sum(stats.norm.logpdf(y, X @ at, s)),
            by_torch.log_prob(torch.tensor(y)).sum().item(),
        ):
            verify.agree(-2 * log_p, chi2 + constant, rtol=1e-14)
            verify.refutes(-log_p, chi2 + constant, why="factor 2")
            verify.refutes(2 * log_p, chi2 + constant, why="sign")
            verify.refutes(-2 * log_p, chi2 / 6 + constant, why="factor n")
            verify.refutes(-2 * log_p, chi2 - constant, why="sign of the constant")
            verify.refutes(-2 * log_p, chi2 + constant / 2, why="s for its square in the constant")
            no_pi = np.sum(np.log(s**2))
            verify.refutes(-2 * log_p, chi2 + no_pi, why="2 pi forgotten")
            for_s = np.sum((y - X @ at) ** 2 / s)
            verify.refutes(-2 * log_p, for_s + constant, why="s for its square")
            inverse = np.sum((y - X @ at) ** 2 * s**2)
            verify.refutes(-2 * log_p, inverse + constant, why="weight inverted")
            sign = np.sum((y + X @ at) ** 2 / s**2)
            verify.refutes(-2 * log_p, sign + constant, why="sign in the residual")


@pytest.mark.verifies(
    "eq-least-squares-weighted",
    routes=("sympy", "scipy.optimize.curve_fit", "all 2^n sign vectors", "dlmath.linear.OLS"),
)
def test_weighted_normal_equations(verify):
    """Fractions, curve_fit and dlmath agree, with the covariance that all sign vectors have."""
    n, p = 7, 3
    features, y, _ = problem(n, p - 1, seed=12)
    X = with_ones(features)
    s = np.array([1.0, 2.0, 0.5, 4.0, 1.0, 0.25, 2.0])
    A, v, W = exact(X), exact(y), sympy.diag(*[1 / sympy.Rational(value) ** 2 for value in s])
    solution = floats((A.T * W * A).LUsolve(A.T * W * v))
    by_curve_fit, covariance = curve_fit(X, y, s)
    known = OLS().fit(features, y, noise=s)
    weighted = OLS().fit(features, y, sample_weight=1 / s**2)

    def weigh(w):
        return np.linalg.solve(X.T @ np.diag(w) @ X, X.T @ (w * y))

    for route in (by_curve_fit, parameters(known), parameters(weighted)):
        verify.agree(route, solution, rtol=1e-13)
        verify.refutes(weigh(s**2), solution, why="weight inverted")
        verify.refutes(weigh(1 / s), solution, why="1/s for its square")
        verify.refutes(weigh(1 / s**4), solution, why="weighted twice")
        verify.refutes(weigh(np.ones(n)), solution, why="equal weights")
        half = np.linalg.solve(X.T @ np.diag(s**-2) @ X, X.T @ y)
        verify.refutes(half, solution, why="weights on the left only")
        verify.refutes(-route, solution, why="sign")

    errors = s[:, None] * coin_flips(n)
    over_the_signs = np.cov(parameters(OLS().fit(features, errors, noise=s)), bias=True)
    inverse = np.linalg.inv(X.T @ np.diag(s**-2) @ X)
    for route in (known.covariance_, covariance, inverse):
        verify.agree(route, over_the_signs, rtol=1e-13)
        verify.refutes(
            route * known.chi2_ / known.dof_, over_the_signs, why="scaled by chi squared"
        )
        verify.refutes(route * n, over_the_signs, why="factor n")
        verify.refutes(2 * route, over_the_signs, why="factor 2")
        by_s = np.linalg.inv(X.T @ np.diag(1 / s) @ X)
        verify.refutes(by_s, over_the_signs, why="s for its square")
        inverted = np.linalg.inv(X.T @ np.diag(s**2) @ X)
        verify.refutes(inverted, over_the_signs, why="weight inverted")
        verify.refutes(np.linalg.inv(inverse), over_the_signs, why="matrix not inverted")
        even = np.cov(parameters(OLS().fit(features, errors)), bias=True)
        verify.refutes(route, even, why="fit with equal weights")


@pytest.mark.verifies(
    "eq-least-squares-gls-cost",
    routes=("sympy", "scipy.stats.multivariate_normal", "whitening", "dlmath.linear.OLS"),
)
def test_chi_squared_of_correlated_errors(verify):
    """Fractions, scipy's Gaussian density, the whitened residual and dlmath give one cost."""
    n, p = 5, 2
    X, y, _ = problem(n, p, seed=13)
    sigma, L = correlated(n)
    verify.agree(np.linalg.cholesky(sigma), L, atol=1e-14)
    verify.refutes(np.linalg.cholesky(sigma).T, L, why="transpose")
    verify.refutes(sigma, L, why="the matrix itself")
    model = OLS(fit_intercept=False).fit(X, y, noise=sigma)
    constant = np.linalg.slogdet(2 * np.pi * sigma)[1]
    for theta in (model.coef_, np.array([3.0, -2.0])):
        whitened = np.linalg.solve(L, y) - np.linalg.solve(L, X) @ theta
        density = stats.multivariate_normal.logpdf(y, X @ theta, sigma)
        r = exact(y) - exact(X) * sympy.Matrix([sympy.Rational(float(t)) for t in theta])
        chi2 = float((r.T * exact(sigma).inv() * r)[0])
        for route in (np.sum(whitened**2), -2 * density - constant):
            verify.agree(route, chi2, rtol=1e-13)
            verify.refutes(route / 2, chi2, why="factor 2")
            verify.refutes(route / n, chi2, why="factor n")
            verify.refutes(-route, chi2, why="sign")
            verify.refutes(float((r.T * exact(sigma) * r)[0]), chi2, why="matrix not inverted")
            plus = exact(y) * 2 - r
            verify.refutes(float((plus.T * exact(sigma).inv() * plus)[0]), chi2, why="y + X theta")
            wrong = np.sum(np.linalg.solve(L.T, y - X @ theta) ** 2)
            verify.refutes(wrong, chi2, why="transpose of L")
            wrong = np.sum((L @ (y - X @ theta)) ** 2)
            verify.refutes(wrong, chi2, why="L for its inverse")
            wrong = np.sum(((y - X @ theta) / np.sqrt(np.diag(sigma))) ** 2)
            verify.refutes(wrong, chi2, why="correlations forgotten")
            verify.refutes(np.linalg.norm(whitened), chi2, why="norm not squared")
        if theta is model.coef_:
            verify.agree(model.chi2_, chi2, rtol=1e-13)
            verify.refutes(model.chi2_ / n, chi2, why="mean for sum")

    whitened = np.cov(np.linalg.solve(L, spikes(L)), bias=True)
    verify.agree(whitened, np.eye(n), atol=1e-14)
    verify.refutes(np.cov(np.linalg.solve(L.T, spikes(L)), bias=True), np.eye(n), why="transpose")
    verify.refutes(np.cov(L @ spikes(L), bias=True), np.eye(n), why="L for its inverse")


@pytest.mark.verifies(
    "eq-least-squares-gls",
    routes=("sympy", "scipy.optimize.curve_fit", "dependent errors", "dlmath.linear.OLS"),
)
def test_generalised_least_squares(verify):
    """Fractions, curve_fit and dlmath agree, and no unbiased estimator has a smaller variance."""
    n, p = 6, 3
    features, y, _ = problem(n, p - 1, seed=14)
    X = with_ones(features)
    sigma, L = correlated(n)
    A, S = exact(X), exact(sigma).inv()
    solution = floats((A.T * S * A).LUsolve(A.T * S * exact(y)))
    by_curve_fit, covariance = curve_fit(X, y, sigma)
    model = OLS().fit(features, y, noise=sigma)

    def weigh(W):
        return np.linalg.solve(X.T @ W @ X, X.T @ W @ y)

    whitening = np.linalg.inv(L)
    for route in (by_curve_fit, parameters(model)):
        verify.agree(route, solution, rtol=1e-13)
        verify.refutes(weigh(sigma), solution, why="matrix not inverted")
        verify.refutes(weigh(np.eye(n)), solution, why="ordinary least squares")
        verify.refutes(weigh(np.diag(1 / np.diag(sigma))), solution, why="correlations forgotten")
        verify.refutes(weigh(whitening), solution, why="root of the matrix")
        verify.refutes(weigh(whitening @ whitening.T), solution, why="transpose of L")
        half = np.linalg.solve(X.T @ np.linalg.inv(sigma) @ X, X.T @ y)
        verify.refutes(half, solution, why="matrix forgotten on the right")
        verify.refutes(-route, solution, why="sign")

    over_the_spikes = np.cov(parameters(OLS().fit(features, spikes(L), noise=sigma)), bias=True)
    inverse = np.linalg.inv(X.T @ np.linalg.inv(sigma) @ X)
    for route in (model.covariance_, covariance, inverse):
        verify.agree(route, over_the_spikes, rtol=1e-11)
        verify.refutes(
            route * model.chi2_ / model.dof_, over_the_spikes, why="scaled by chi squared"
        )
        verify.refutes(route * n, over_the_spikes, why="factor n")
        verify.refutes(2 * route, over_the_spikes, why="factor 2")
        wrong = np.linalg.inv(X.T @ sigma @ X)
        verify.refutes(wrong, over_the_spikes, why="covariance not inverted inside")
        verify.refutes(np.linalg.inv(inverse), over_the_spikes, why="matrix not inverted outside")

    for rival in (unbiased(X, seed=2), unbiased(X, seed=3), np.linalg.pinv(X)):
        excess = np.linalg.eigvalsh(np.cov(rival @ spikes(L), bias=True) - model.covariance_)
        verify.at_most(np.zeros(p), excess, atol=1e-12)
        verify.refutes(np.zeros(p), -excess, why="sides exchanged")
        shrunk = np.linalg.eigvalsh(0.9**2 * over_the_spikes - model.covariance_)
        verify.refutes(np.zeros(p), shrunk, why="shrunk, which is biased")


@pytest.mark.verifies(
    "eq-least-squares-chi2-mean",
    routes=("Gauss-Hermite quadrature", "scipy.stats.chi2", "dlmath.linear.OLS"),
)
def test_distribution_of_the_least_chi_squared(verify):
    """By quadrature, dlmath's least chi^2 has the law's mean, variance and Laplace transform."""
    n, p = 5, 2
    X, _, theta = problem(n, p, seed=15)
    sigma, L = correlated(n, seed=1)
    errors, weights = gaussian_grid(n, 3)  # exact up to the fifth power of each error
    model = OLS(fit_intercept=False).fit(X, (X @ theta)[:, None] + L @ errors, noise=sigma)
    mean = weights @ model.chi2_
    moments = np.array([mean, weights @ (model.chi2_ - mean) ** 2])
    verify.agree(moments, np.array([n - p, 2 * (n - p)]), rtol=1e-14)
    verify.agree(moments, np.array([model.dof_, 2 * model.dof_]), rtol=1e-14)
    verify.agree(moments, np.array(stats.chi2.stats(n - p)), rtol=1e-14)
    verify.refutes(moments, np.array(stats.chi2.stats(n)), why="n for n - p")
    verify.refutes(moments, np.array(stats.chi2.stats(n - p - 1)), why="n - p - 1 for n - p")
    verify.refutes(moments, np.array([n - p, n - p]), why="factor 2 in the variance")
    verify.refutes(moments, np.array([n - p, np.sqrt(2 * (n - p))]), why="root of the variance")
    verify.refutes(moments / (n - p), np.array([n - p, 2 * (n - p)]), why="mean for sum")
    flips = OLS(fit_intercept=False).fit(X, L @ coin_flips(n), noise=sigma).chi2_
    verify.refutes(np.array([flips.mean(), flips.var()]), moments, why="errors not Gaussian")

    n, p = 3, 1
    X, _, _ = problem(n, p, seed=16)
    sigma, L = correlated(n, seed=2)
    errors, weights = gaussian_grid(n, 36)
    chi2 = OLS(fit_intercept=False).fit(X, L @ errors, noise=sigma).chi2_
    for t in (0.05, 0.1, 0.2):
        transform = weights @ np.exp(-t * chi2)
        law = stats.chi2(n - p).expect(lambda q, t=t: np.exp(-t * q))
        verify.agree(transform, law, rtol=1e-13)
        verify.refutes(transform, (1 + 2 * t) ** (-n / 2), why="n degrees of freedom")
        verify.refutes(transform, (1 + 2 * t) ** (-(n - p - 1) / 2), why="n - p - 1 of them")
        verify.refutes(transform, np.exp(-t * (n - p)), why="no spread")
        bell = np.exp(-t * (n - p) + t**2 * (n - p))
        verify.refutes(transform, bell, why="a Gaussian of this mean and variance")


@pytest.mark.verifies(
    "eq-least-squares-sandwich",
    routes=("dependent errors", "the formula", "sympy", "dlmath.linear.OLS"),
)
def test_ordinary_least_squares_under_correlated_errors(verify):
    """Unweighted fits of correlated errors by dlmath have this covariance, not below Aitken's."""
    s = 0.7
    for n, p, seed in ((6, 3, 17), (4, 4, 2)):
        X, y, theta = problem(n, p, seed=seed)
        sigma, L = correlated(n, seed=4)
        fitted = OLS(fit_intercept=False).fit(X, (X @ theta)[:, None] + spikes(s * L)).coef_.T
        over_the_spikes = np.cov(fitted, bias=True)
        A, V = exact(X), exact(sigma)
        in_fractions = s**2 * floats((A.T * A).inv() * A.T * V * A * (A.T * A).inv())
        bread = np.linalg.inv(X.T @ X)
        sandwich = s**2 * bread @ X.T @ sigma @ X @ bread
        for route in (sandwich, in_fractions):
            verify.agree(route, over_the_spikes, rtol=1e-12, atol=1e-14)
            verify.refutes(route / s, over_the_spikes, why="s for its square")
            verify.refutes(2 * route, over_the_spikes, why="factor 2")
            verify.refutes(n * route, over_the_spikes, why="factor n")
            one = s**2 * bread @ X.T @ sigma @ X
            verify.refutes(one, over_the_spikes, why="one inverse forgotten")
            inverted = s**2 * bread @ X.T @ np.linalg.inv(sigma) @ X @ bread
            verify.refutes(inverted, over_the_spikes, why="matrix inverted")
            even = s**2 * np.trace(sigma) / n * bread
            verify.refutes(even, over_the_spikes, why="as if errors were uncorrelated and equal")
        aitken = OLS(fit_intercept=False).fit(X, y, noise=s**2 * sigma).covariance_
        excess = np.linalg.eigvalsh(over_the_spikes - aitken)
        verify.at_most(np.zeros(p), excess, atol=1e-12)
        verify.refutes(np.zeros(p), excess - aitken.trace() / p, why="below Aitken's")
    wrong = s**2 * bread @ X @ sigma @ X.T @ bread
    verify.agree(sandwich, over_the_spikes, rtol=1e-12, atol=1e-14)
    verify.refutes(wrong, over_the_spikes, why="transpose")


@pytest.mark.verifies(
    "eq-least-squares-descent",
    routes=("torch.optim.SGD", "sympy", "the formula", "dlmath.linear.gradient_descent"),
)
def test_steps_of_gradient_descent(verify):
    """Torch's optimiser on its own loss, fractions and dlmath walk through the same points."""
    X, y, _ = problem(4, 4, seed=18)
    start, eta, steps = np.array([1.0, -2.0, 3.0, 0.5]), 0.03125, 5
    at = torch.tensor(start, requires_grad=True)
    optimizer = torch.optim.SGD([at], lr=eta)
    by_torch = [start]
    for _ in range(steps):
        optimizer.zero_grad()
        torch.nn.functional.mse_loss(torch.tensor(X) @ at, torch.tensor(y)).backward()
        optimizer.step()
        by_torch.append(at.detach().numpy().copy())

    def walk(factor, left=X.T, right=X):
        path = [start]
        for _ in range(steps):
            path.append(path[-1] - factor * left @ (right @ path[-1] - y))
        return np.array(path)

    by_dlmath = gradient_descent(X, y, eta, steps, theta=start)
    for path in (np.array(by_torch), by_dlmath):
        verify.agree(path, walk(2 * eta / 4), rtol=1e-14)
        verify.refutes(path, walk(eta / 4), why="factor 2")
        verify.refutes(path, walk(2 * eta), why="factor n")
        verify.refutes(path, walk(-2 * eta / 4), why="sign")
        verify.refutes(path, walk(2 * eta / 4, left=X), why="transpose of the first factor")
        verify.refutes(path, walk(2 * eta / 4, right=X.T), why="transpose of the second factor")
        verify.refutes(path[1:], walk(2 * eta / 4)[:-1], why="one step late")
    A, t = exact(X), sympy.Matrix([sympy.Rational(value) for value in start])
    for _ in range(steps):
        t = t - sympy.Rational(eta) / 2 * A.T * (A * t - exact(y))
    verify.agree(by_dlmath[-1], floats(t), rtol=1e-14)
    verify.refutes(by_dlmath[-2], floats(t), why="one step fewer")


@pytest.mark.verifies(
    "eq-least-squares-filter",
    routes=("sympy", "dlmath.linear.gradient_descent", "dlmath.linear.gradient_descent_filter"),
)
@pytest.mark.parametrize(("n", "p", "rank"), [(6, 3, 3), (6, 4, 2), (3, 5, 3)])
def test_gradient_descent_is_a_filter(verify, n, p, rank):
    """Steps taken in fractions and by dlmath end where the filtered singular directions say."""
    X, y, _ = problem(n, p, rank, seed=19)
    U, d, Vt = np.linalg.svd(X, full_matrices=False)
    U, d, Vt = U[:, :rank], d[:rank], Vt[:rank]
    eta, k = float(sympy.Rational(int(0.9 * 2**20 * n / d[0] ** 2), 2**20)), 7

    def filtered(factors):
        return Vt.T @ (factors * (U.T @ y) / d)

    A, t = exact(X), sympy.zeros(p, 1)
    for _ in range(k):
        t = t - 2 * sympy.Rational(eta) / n * A.T * (A * t - exact(y))
    for walked in (floats(t), gradient_descent(X, y, eta, k)[-1]):
        for factors in (
            1 - (1 - 2 * eta * d**2 / n) ** k,
            gradient_descent_filter(d, n, eta, k),
        ):
            verify.agree(walked, filtered(factors), rtol=1e-13)
            verify.refutes(walked, filtered(-factors), why="sign")
            verify.refutes(walked, filtered(1 - factors), why="what is left for what is found")
            wrong = gradient_descent_filter(d, n, eta / 2, k)
            verify.refutes(walked, filtered(wrong), why="factor 2")
            verify.refutes(walked, filtered(1 - (1 - 2 * eta * d**2) ** k), why="factor n")
            wrong = 1 - (1 + 2 * eta * d**2 / n) ** k
            verify.refutes(walked, filtered(wrong), why="sign inside the power")
            wrong = 1 - (1 - 2 * eta * d / n) ** k
            verify.refutes(walked, filtered(wrong), why="singular value not squared")
            wrong = gradient_descent_filter(d, n, eta, k - 1)
            verify.refutes(walked, filtered(wrong), why="one step fewer")
            wrong = gradient_descent_filter(d, n, eta, k + 1)
            verify.refutes(walked, filtered(wrong), why="one step more")
            verify.refutes(walked, filtered(factors * d), why="not divided by d")
            verify.refutes(walked, filtered(factors * d**2), why="multiplied by d")


@pytest.mark.verifies(
    "eq-least-squares-step-limit",
    routes=("observed growth", "the formula", "dlmath.linear.ols_hessian"),
)
def test_largest_step_of_gradient_descent(verify):
    """Where dlmath's walk neither gains nor loses is n/d_1^2; below it ends at the minimum norm."""
    X, y, _ = problem(6, 4, 3, seed=20)
    n, d = 6, np.linalg.svd(X)[1]
    minimum = linalg.pinv(X) @ y

    def growth(eta):
        path = gradient_descent(X, y, eta, 300)
        far = np.linalg.norm(path[-2:] - minimum, axis=1)
        return np.log(far[1] / far[0])

    observed = optimize.brentq(growth, 0.98 * n / d[0] ** 2, 1.1 * n / d[0] ** 2, xtol=1e-15)
    steepest = linalg.eigh(ols_hessian(X), eigvals_only=True)[-1]
    for limit in (n / d[0] ** 2, 2 / steepest, 2 / (2 * d[0] ** 2 / n)):
        verify.agree(observed, limit, rtol=1e-13)
        verify.refutes(observed, limit / 2, why="factor 2")
        verify.refutes(observed, limit / n, why="factor n")
        verify.refutes(observed, limit * 6 / 4, why="p for n")
        verify.refutes(observed, n / d[0], why="singular value not squared")
        verify.refutes(observed, n / d[2] ** 2, why="smallest singular value")
        verify.refutes(-observed, limit, why="sign")
    verify.agree(steepest, 2 * d[0] ** 2 / n, rtol=1e-14)
    verify.refutes(steepest, d[0] ** 2 / n, why="factor 2")
    verify.refutes(steepest, 2 * d[0] ** 2, why="factor n")
    verify.refutes(steepest, 2 * d[0] / n, why="singular value not squared")

    def after(steps, eta, start=None):
        return gradient_descent(X, y, eta, steps, theta=start)[-1]

    limit = n / d[0] ** 2
    verify.agree(after(8000, 0.995 * limit), minimum, atol=1e-13)
    verify.refutes(after(8000, 1.005 * limit), minimum, why="step above the limit")
    verify.refutes(after(8000, limit), minimum, why="step at the limit")
    verify.refutes(after(8000, 0.0), minimum, why="no step, which converges too")
    verify.refutes(after(8000, -1e-3 * limit), minimum, why="step uphill")
    verify.refutes(after(8000, 0.9 * limit, np.ones(4)), minimum, why="started outside the range")
    verify.at_most(1e6 * np.linalg.norm(minimum), np.linalg.norm(after(8000, 1.005 * limit)))
    verify.refutes(
        1e6 * np.linalg.norm(minimum),
        np.linalg.norm(after(8000, 0.995 * limit)),
        why="step below the limit",
    )


@pytest.mark.verifies(
    "eq-least-squares-recursion",
    routes=("sympy", "the formula", "dlmath.linear.gradient_descent"),
)
@pytest.mark.parametrize(("n", "p", "rank"), [(4, 4, 3), (5, 3, 3), (3, 5, 2)])
def test_distance_to_the_minimum_is_multiplied(verify, n, p, rank):
    """From anywhere, dlmath's next distance to the minimum of least norm is the matrix times it."""
    X, y, _ = problem(n, p, rank, seed=22)
    start, eta = np.arange(1.0, p + 1), 0.0625
    minimum = floats(exact(X).pinv() * exact(y))
    path = gradient_descent(X, y, eta, 3, theta=start)

    def multiplied(factor, times=1, gram=X.T @ X):
        matrix = np.eye(p) - factor * gram
        return np.linalg.matrix_power(matrix, times) @ (path[0] - minimum)

    verify.agree(path[1] - minimum, multiplied(2 * eta / n), rtol=1e-13)
    verify.refutes(path[1] - minimum, multiplied(eta / n), why="factor 2")
    verify.refutes(path[1] - minimum, multiplied(2 * eta), why="factor n")
    verify.refutes(path[1] - minimum, multiplied(-2 * eta / n), why="sign")
    verify.refutes(minimum - path[1], multiplied(2 * eta / n), why="sign of the distance")
    verify.refutes(path[1], multiplied(2 * eta / n), why="minimum forgotten")
    verify.refutes(path[1] - minimum, multiplied(2 * eta / n, 2), why="applied twice")
    verify.agree(path[3] - minimum, multiplied(2 * eta / n, 3), rtol=1e-13)
    verify.refutes(path[3] - minimum, multiplied(6 * eta / n), why="sum of steps for their product")
    if n == p:
        wrong = multiplied(2 * eta / n, 3, gram=X @ X.T)
        verify.refutes(path[3] - minimum, wrong, why="transpose")


@pytest.mark.verifies(
    "eq-least-squares-early-stopping",
    routes=(
        "scipy.optimize",
        "sympy",
        "scikit-learn's Ridge",
        "dlmath.linear.gradient_descent_filter",
    ),
)
def test_early_stopping_is_nearly_ridge(verify):
    """The filters of dlmath and scikit-learn's ridge tend to functions whose ratio has a bound."""
    X, y, _ = problem(6, 3, seed=23)
    n, (U, d, Vt) = 6, np.linalg.svd(X, full_matrices=False)
    eta, k = 1e-5, 4000
    x = 2 * eta * k * d**2 / n
    gap = k * (gradient_descent_filter(d, n, eta, k) - (1 - np.exp(-x)))
    verify.agree(gap, x**2 / 2 * np.exp(-x), atol=1 / k)  # so the limit is reached as 1/k
    verify.refutes(-gap, x**2 / 2 * np.exp(-x), why="reached from below")
    doubled = k * (gradient_descent_filter(d, n, 2 * eta, k) - (1 - np.exp(-x)))
    verify.refutes(doubled, x**2 / 2 * np.exp(-x), why="factor 2")
    root = k * (gradient_descent_filter(np.sqrt(d), n, eta, k) - (1 - np.exp(-x)))
    verify.refutes(root, x**2 / 2 * np.exp(-x), why="singular value not squared")
    other = k * (gradient_descent_filter(d, n, eta, k) - x / (1 + x))
    verify.refutes(other, x**2 / 2 * np.exp(-x), why="ridge's function as the limit")

    def ridge(alpha):
        model = Ridge(alpha, fit_intercept=False, solver="cholesky", tol=0).fit(X, y)
        return Vt @ model.coef_ * d / (U.T @ y)

    penalty = 1 / (2 * eta * k)
    verify.agree(ridge(n * penalty), x / (1 + x), rtol=1e-13)
    verify.refutes(ridge(penalty), x / (1 + x), why="factor n")
    verify.refutes(ridge(2 * n * penalty), x / (1 + x), why="factor 2")
    verify.refutes(ridge(n / penalty), x / (1 + x), why="penalty inverted")
    verify.refutes(ridge(n * penalty), 1 / (1 + x), why="what is left for what is found")

    grid = np.geomspace(1e-6, 1e6, 2401)
    walk, penalised = -np.expm1(-grid), grid / (1 + grid)
    verify.at_most(penalised, walk)
    verify.refutes(walk, penalised, why="sides exchanged")
    verify.refutes(1.01 * penalised, walk, why="a constant above 1 on the left")
    verify.at_most(walk, 1.2985 * penalised)
    verify.refutes(walk, 1.298 * penalised, why="a smaller constant")
    verify.refutes(walk, penalised, why="no constant")
    verify.refutes(1.2985 * penalised, walk, why="exchanged sides")

    found = optimize.minimize_scalar(
        lambda x: np.expm1(-x) * (1 + 1 / x), bounds=(0.1, 10), options={"xatol": 1e-9}
    )
    verify.agree([found.x, -found.fun], [1.7933, 1.29843], atol=5e-5)
    verify.refutes([found.x, -found.fun], [1.7933, 1.2985], why="the bound as the maximum")
    z = sympy.symbols("x", positive=True)
    ratio = (1 - sympy.exp(-z)) * (1 + 1 / z)
    scaled = z**2 * sympy.exp(z) * sympy.diff(ratio, z)
    verify.identical(sympy.expand(scaled), 1 + z + z**2 - sympy.exp(z))
    verify.refutes(sympy.expand(scaled), 1 + z - z**2 - sympy.exp(z), why="sign")
    verify.refutes(sympy.expand(scaled), 1 + z + z**2 / 2 - sympy.exp(z), why="factor 2")
