"""The numbered equations of the chapter on logistic regression."""

import itertools
import math

import mpmath
import numpy as np
import pytest
import sympy
import torch
from dlmath import ising
from dlmath.datasets import simulate_ising
from dlmath.linear import (
    LogisticRegression,
    Ridge,
    logistic_cost,
    logistic_descent,
    logistic_gradient,
    logistic_hessian,
    logistic_newton,
    maximum_margin,
    separating_direction,
    softmax_cost,
    softmax_gradient,
    softmax_hessian,
)
from scipy import integrate, optimize, special, stats
from scipy.special import expit, logit
from sklearn.metrics import brier_score_loss, log_loss, roc_auc_score, roc_curve
from sklearn.svm import SVC

torch.set_num_threads(1)


def problem(n=14, p=3, seed=0):
    """Draw features, labels that overlap, and parameters."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, p)) + 0.3
    y = (rng.random(n) < 0.5).astype(float)
    theta = rng.normal(size=p)
    assert separating_direction(X, y) is None
    return X, y, theta


def several(n=15, p=3, K=4, seed=1):
    """Draw features, one-hot labels of K classes, and a matrix of parameters."""
    rng = np.random.default_rng(seed)
    labels = np.r_[np.arange(K), rng.integers(0, K, n - K)]
    return rng.normal(size=(n, p)), np.eye(K)[labels], rng.normal(size=(p, K))


def separable(n=12, seed=2):
    """Draw completely separable points in the plane."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, 2))
    y = (X @ [1.0, -0.6] > 0).astype(float)
    return X + 0.4 * np.outer(2 * y - 1, [1.0, -0.6]), y


def entropy_in_torch(X, y, theta, lam):
    """Give torch's own cross-entropy of logits, with the penalty."""
    loss = torch.nn.functional.binary_cross_entropy_with_logits
    return loss(torch.tensor(X) @ theta, torch.tensor(y)) + lam * theta @ theta


def softmax_in_torch(X, Y, Theta, lam):
    labels = torch.tensor(np.argmax(Y, axis=1))
    loss = torch.nn.functional.cross_entropy(torch.tensor(X) @ Theta, labels)
    return loss + lam * (Theta**2).sum()


def descend(function, start, **options):
    return optimize.minimize(function, start, method="BFGS", tol=1e-9, options=options).x


# From a line to a probability.


@pytest.mark.verifies(
    "eq-logistic-regression-odds",
    "eq-logistic-regression-model",
    routes=("sympy", "dlmath.linear.LogisticRegression"),
)
def test_log_odds_are_linear(verify):
    """The equation for the odds solved in symbols is the logistic function of dlmath."""
    z, q = sympy.symbols("z q", real=True)
    (solved,) = sympy.solve(sympy.Eq(q / (1 - q), sympy.exp(z)), q)
    verify.identical(solved, 1 / (1 + sympy.exp(-z)))
    verify.refutes(solved, 1 / (1 + sympy.exp(z)), why="sign of the score")
    verify.refutes(solved, sympy.exp(z), why="odds for a probability")
    X, y, _ = problem()
    model = LogisticRegression(0.1).fit(X, y)
    scores = model.intercept_ + X @ model.coef_[0]
    values = [float(solved.subs(z, score)) for score in scores]
    probability = model.predict_proba(X)
    verify.agree(values, probability[:, 1], rtol=1e-14)
    verify.refutes(values, probability[:, 0], why="the other class")
    verify.agree(np.log(probability[:, 1] / probability[:, 0]), scores, rtol=1e-12)
    verify.refutes(np.log(probability[:, 0] / probability[:, 1]), scores, why="sign of the odds")
    verify.refutes(np.log(probability[:, 1]), scores, why="probability for odds")


@pytest.mark.verifies("eq-logistic-regression-expit", routes=("sympy", "finite differences"))
def test_logistic_function(verify):
    """Reflection and slope in symbols; the slope by differences in fifty digits."""
    z = sympy.symbols("z", real=True)
    f = 1 / (1 + sympy.exp(-z))
    verify.identical(f.subs(z, -z), 1 - f)
    verify.refutes(f.subs(z, -z), -f, why="odd instead of a reflection")
    verify.identical(sympy.diff(f, z), f * (1 - f))
    verify.refutes(sympy.diff(f, z), -f * (1 - f), why="sign")
    verify.refutes(sympy.diff(f, z), f * (1 + f), why="sign within")
    with mpmath.workdps(50):
        points = np.linspace(-6, 6, 49)
        slopes = [float(mpmath.diff(lambda t: 1 / (1 + mpmath.exp(-t)), x)) for x in points]
    verify.agree(slopes, expit(points) * expit(-points), rtol=1e-14)
    verify.refutes(slopes, expit(points) ** 2, why="square for a product")
    verify.at_most(slopes, np.full(49, 1 / 4), atol=1e-15)
    verify.refutes(slopes, np.full(49, 1 / 8), why="half the bound")
    assert max(slopes) == pytest.approx(1 / 4)


@pytest.mark.verifies(
    "eq-logistic-regression-likelihood",
    "eq-logistic-regression-cost",
    routes=("product of the probabilities", "scikit-learn's log_loss", "dlmath.linear"),
)
def test_cost_is_minus_the_log_likelihood(verify):
    """The probability of all labels, multiplied up, gives the cost of dlmath."""
    X, y, theta = problem()
    n, lam = len(y), 0.3
    q = 1 / (1 + np.exp(-X @ theta))
    product = np.prod(np.where(y == 1, q, 1 - q))
    found = logistic_cost(X, y, theta, 0.0)
    verify.agree(-np.log(product) / n, found, rtol=1e-13)
    verify.refutes(-np.log(product), found, why="factor n")
    verify.refutes(np.log(product) / n, found, why="sign")
    verify.refutes(-2 * np.log(product) / n, found, why="factor 2")
    swapped = np.prod(np.where(y == 0, q, 1 - q))
    verify.refutes(-np.log(swapped) / n, found, why="labels exchanged")
    verify.agree(log_loss(y, q), found, rtol=1e-13)
    verify.refutes(log_loss(y, 1 - q), found, why="probabilities exchanged")
    whole = logistic_cost(X, y, theta, lam)
    by_torch = entropy_in_torch(X, y, torch.tensor(theta), lam).item()
    verify.agree(by_torch, whole, rtol=1e-13)
    verify.refutes(by_torch + lam * theta @ theta, whole, why="factor 2 of the penalty")
    verify.refutes(by_torch - 2 * lam * theta @ theta, whole, why="sign of the penalty")
    verify.refutes(by_torch + (n - 1) * lam * theta @ theta, whole, why="factor n of the penalty")


@pytest.mark.verifies("eq-logistic-regression-scalar", routes=("search", "dlmath.linear"))
def test_intercept_alone(verify):
    """A search and the estimator with a feature that says nothing find the log odds."""
    y = np.array([1.0, 0, 0, 1, 0, 0, 0])
    mean = y.mean()
    search = optimize.minimize_scalar(
        lambda t: np.mean(np.logaddexp(0, t) - y * t), bracket=(-1, 1), tol=1e-12
    ).x
    formula = np.log(mean / (1 - mean))
    verify.agree(search, formula, rtol=1e-7)
    verify.refutes(search, -formula, why="sign")
    verify.refutes(search, np.log(mean), why="probability for odds")
    model = LogisticRegression(1.0).fit(np.zeros((7, 1)), y)
    verify.agree(model.intercept_[0], formula, rtol=1e-12)
    verify.refutes(model.intercept_[0], formula / 2, why="factor 2")


# The general case.


@pytest.mark.verifies(
    "eq-logistic-regression-gradient",
    "eq-logistic-regression-hessian",
    routes=("torch", "dlmath.linear"),
)
def test_derivatives(verify):
    """Automatic differentiation of torch's cross-entropy gives gradient and Hessian."""
    X, y, theta = problem()
    lam, n = 0.2, len(y)
    at = torch.tensor(theta)

    def cost(t):
        return entropy_in_torch(X, y, t, lam)

    slope = torch.autograd.functional.jacobian(cost, at).numpy()
    gradient = logistic_gradient(X, y, theta, lam)
    verify.agree(slope, gradient, rtol=1e-12)
    data, penalty = gradient - 2 * lam * theta, 2 * lam * theta
    verify.refutes(slope, 2 * data + penalty, why="factor 2")
    verify.refutes(slope, n * data + penalty, why="factor n")
    verify.refutes(slope, -data + penalty, why="sign of the error")
    verify.refutes(slope, data + penalty / 2, why="factor 2 of the penalty")
    curvature = torch.autograd.functional.hessian(cost, at).numpy()
    hessian = logistic_hessian(X, theta, lam)
    verify.agree(curvature, hessian, rtol=1e-11)
    data, penalty = hessian - 2 * lam * np.eye(3), 2 * lam * np.eye(3)
    verify.refutes(curvature, 2 * data + penalty, why="factor 2")
    verify.refutes(curvature, n * data + penalty, why="factor n")
    verify.refutes(curvature, X.T @ X / n + penalty, why="without S")
    verify.refutes(curvature, data + penalty / 2, why="factor 2 of the penalty")


@pytest.mark.verifies(
    "eq-logistic-regression-smoothness", routes=("eigenvalues of torch's Hessian", "formula")
)
def test_curvature_is_bounded(verify):
    """At random points all eigenvalues lie between the bounds, and both are reached."""
    X, y, _ = problem()
    lam, n = 0.05, len(y)
    rng = np.random.default_rng(5)
    thetas = [np.zeros(3), *(10.0 ** rng.uniform(-1, 2) * rng.normal(size=3) for _ in range(40))]
    values = np.array(
        [
            torch.linalg.eigvalsh(
                torch.autograd.functional.hessian(
                    lambda t: entropy_in_torch(X, y, t, lam), torch.tensor(theta)
                )
            ).numpy()
            for theta in thetas
        ]
    )
    L = np.linalg.svd(X, compute_uv=False)[0] ** 2 / (4 * n) + 2 * lam
    highest, lowest = values.max(axis=1), values.min(axis=1)
    verify.at_most(highest, np.full(41, L), atol=1e-12)
    verify.refutes(highest, np.full(41, (L - 2 * lam) / 2 + 2 * lam), why="factor 2")
    verify.refutes(highest, np.full(41, L - 2 * lam), why="without the penalty")
    verify.at_most(np.full(41, 2 * lam), lowest, atol=1e-12)
    verify.refutes(np.full(41, 4 * lam), lowest, why="factor 2 of the lower bound")
    assert highest[0] == pytest.approx(L)
    assert lowest.min() == pytest.approx(2 * lam, rel=1e-3)


@pytest.mark.verifies(
    "eq-logistic-regression-descent", routes=("torch's SGD", "dlmath.linear.logistic_descent")
)
def test_gradient_descent_falls_as_promised(verify):
    """The same steps as torch's optimiser, and each lowers the cost by the promised amount."""
    X, y, theta = problem()
    lam, n = 0.05, len(y)
    L = np.linalg.norm(X, 2) ** 2 / (4 * n) + 2 * lam
    walk = logistic_descent(X, y, lam, 30, theta=3 * theta)
    at = torch.tensor(3 * theta, requires_grad=True)
    optimiser, own = torch.optim.SGD([at], lr=1 / L), [3 * theta]
    for _ in range(30):
        optimiser.zero_grad()
        entropy_in_torch(X, y, at, lam).backward()
        optimiser.step()
        own.append(at.detach().numpy().copy())
    verify.agree(own, walk, rtol=1e-11, atol=1e-12)
    verify.refutes(own, walk[::-1], why="backwards")
    verify.refutes(
        own, logistic_descent(X, y, lam, 30, theta=3 * theta, eta=2 / L), why="factor 2 of the step"
    )
    costs = np.array([logistic_cost(X, y, t, lam) for t in walk])
    squares = np.array([np.sum(logistic_gradient(X, y, t, lam) ** 2) for t in walk[:-1]])
    verify.at_most(costs[1:], costs[:-1] - squares / (2 * L), atol=1e-14)
    verify.refutes(costs[1:], costs[:-1] - 2 * squares / L, why="factor 4 of the decrease")
    # A case that is nearly sharp: at theta = 0 the curvature is the largest.
    flat = np.ones((2, 1))
    start = 1e-3
    (_, end) = logistic_descent(flat, np.array([0, 1]), 0, 1, theta=[start])[:, 0]
    fall = logistic_cost(flat, np.array([0, 1]), np.array([start]), 0) - np.log(2)
    promised = logistic_gradient(flat, np.array([0, 1]), np.array([start]), 0)[0] ** 2 * 2
    verify.agree(fall, promised, rtol=1e-6)
    verify.refutes(fall, 2 * promised, why="factor 2 of the decrease")
    assert abs(end) < 1e-9


@pytest.mark.verifies("eq-logistic-regression-balance", routes=("BFGS", "dlmath.linear"))
def test_mean_prediction_is_the_frequency(verify):
    """With a free intercept for every penalty; with a penalised one it fails."""
    X, y, _ = problem()
    y = np.where(np.arange(len(y)) < 3, 1.0, y)

    def fit(lam, on_intercept):
        def cost(t):
            z = t[0] + X @ t[1:]
            penalty = lam * (t[1:] @ t[1:] + on_intercept * t[0] ** 2)
            return np.mean(np.logaddexp(0, z) - y * z) + penalty

        t = descend(cost, np.zeros(4))
        return np.mean(expit(t[0] + X @ t[1:]))

    lams = (0.0, 0.01, 1.0)
    verify.agree([fit(lam, 0) for lam in lams], np.full(3, y.mean()), atol=1e-6)
    verify.refutes([fit(lam, 1) for lam in lams], np.full(3, y.mean()), why="penalised intercept")
    models = [LogisticRegression(lam, tol=1e-13).fit(X, y) for lam in lams]
    ours = [model.predict_proba(X)[:, 1].mean() for model in models]
    verify.agree(ours, np.full(3, y.mean()), atol=1e-13)
    verify.refutes(ours, np.full(3, 1 - y.mean()), why="the other class")


# Newton's method.


@pytest.mark.verifies(
    "eq-logistic-regression-newton",
    "eq-logistic-regression-irls",
    routes=("torch's derivatives", "weighted ridge regression", "dlmath.linear.logistic_newton"),
)
def test_newton_is_reweighted_least_squares(verify):
    """One step by torch's derivatives, by dlmath, and by a weighted ridge regression."""
    X, y, theta = problem()
    lam, n = 0.07, len(y)
    at = torch.tensor(theta)

    def cost(t):
        return entropy_in_torch(X, y, t, lam)

    g, H = torch.autograd.functional.jacobian(cost, at), torch.autograd.functional.hessian(cost, at)
    by_torch = (at - torch.linalg.solve(H, g)).numpy()
    ours = logistic_newton(X, y, lam, 1, theta=theta)[1]
    verify.agree(by_torch, ours, rtol=1e-11)
    verify.refutes((at + torch.linalg.solve(H, g)).numpy(), ours, why="sign")
    verify.refutes((at - torch.linalg.solve(2 * H, g)).numpy(), ours, why="factor 2")
    verify.refutes((at - g).numpy(), ours, why="a step of gradient descent")

    q = expit(X @ theta)
    s = q * (1 - q)

    def reweighted(penalty, sign=1.0, weights=s):
        response = X @ theta + sign * (y - q) / s
        # The ridge of dlmath has the penalty lam times the sum of the weights.
        model = Ridge(penalty / weights.sum(), fit_intercept=False)
        return model.fit(X, response, sample_weight=weights).coef_

    verify.agree(reweighted(2 * n * lam), ours, rtol=1e-10)
    verify.refutes(reweighted(n * lam), ours, why="factor 2 of the penalty")
    verify.refutes(reweighted(2 * lam), ours, why="factor n of the penalty")
    verify.refutes(reweighted(2 * n * lam, sign=-1), ours, why="sign of the error")
    verify.refutes(reweighted(2 * n * lam, weights=np.ones(n)), ours, why="without weights")


@pytest.mark.verifies(
    "eq-logistic-regression-quadratic", routes=("fifty digits", "dlmath.linear.logistic_newton")
)
def test_errors_are_squared(verify):
    """Every error stays below the bound, whose exponent and constants matter."""
    X, y, _ = problem(8, 1)
    lam, n = 0.1, len(y)
    M = np.sum(np.abs(X[:, 0]) ** 3) / (6 * np.sqrt(3) * n)
    with mpmath.workdps(60):
        x = [mpmath.mpf(float(v)) for v in X[:, 0]]
        labels = [mpmath.mpf(float(v)) for v in y]

        def slope(t):
            pairs = zip(x, labels, strict=True)
            return sum(a * (1 / (1 + mpmath.exp(-a * t)) - b) for a, b in pairs) / n + 2 * lam * t

        best = mpmath.findroot(slope, 0)
        t, errors = mpmath.mpf(1), []
        for _ in range(5):
            errors.append(abs(t - best))
            t -= slope(t) / mpmath.diff(slope, t)
        errors.append(abs(t - best))
        ratios = [float(b / a**2) for a, b in itertools.pairwise(errors)]
        cubes = [float(b / a**3) for a, b in itertools.pairwise(errors)]
    bound = np.full(5, M / (4 * lam))
    verify.at_most(ratios, bound)
    verify.refutes(cubes, bound, why="a cube for the square")
    verify.refutes(ratios, bound * 1e-3, why="a constant that is much smaller")
    path = logistic_newton(X, y, lam, 2, theta=[1.0])[:, 0]
    verify.agree(np.abs(path - float(best)), [float(e) for e in errors[:3]], rtol=1e-9)
    verify.refutes(np.abs(path), [float(e) for e in errors[:3]], why="measured from zero")
    # The largest change of the weights is that of the proof.
    q = np.linspace(0, 1, 100_001)
    third = np.max(np.abs(q * (1 - q) * (1 - 2 * q)))
    verify.agree(third, 1 / (6 * np.sqrt(3)), rtol=1e-8)
    verify.refutes(third, 1 / (3 * np.sqrt(3)), why="factor 2 of the third derivative")


@pytest.mark.verifies(
    "eq-logistic-regression-runaway", routes=("sympy", "dlmath.linear.logistic_newton")
)
def test_newton_runs_away(verify):
    """Newton's step on two samples is theta - sinh(theta), in symbols and in dlmath."""
    t = sympy.symbols("t", real=True)
    cost = (sympy.log(1 + sympy.exp(t)) + sympy.log(1 + sympy.exp(-t))) / 2
    step = t - sympy.diff(cost, t) / sympy.diff(cost, t, 2)
    verify.identical(step.rewrite(sympy.exp), (t - sympy.sinh(t)).rewrite(sympy.exp))
    verify.refutes(step, (t + sympy.sinh(t)).rewrite(sympy.exp), why="sign")
    verify.refutes(step, (t - 2 * sympy.sinh(t)).rewrite(sympy.exp), why="factor 2")
    verify.refutes(step, (t - sympy.sinh(t / 2)).rewrite(sympy.exp), why="half the argument")
    path = logistic_newton(np.ones((2, 1)), np.array([0, 1]), 0, 3, theta=[2.3])[:, 0]
    verify.agree(path[1:], path[:-1] - np.sinh(path[:-1]), rtol=1e-9)
    verify.refutes(path[1:], path[:-1] - np.tanh(path[:-1]), why="tanh for sinh")


# When there is a minimum.


@pytest.mark.verifies(
    "eq-logistic-regression-separating",
    routes=("all directions of the plane", "dlmath.linear.separating_direction"),
)
def test_separating_directions(verify):
    """A search of all directions and the linear programme agree; the cost falls along them."""
    # Features are whole numbers up to 2, so these directions meet every cone of the plane.
    directions = np.array(list(itertools.product(range(-9, 10), repeat=2)))

    def exists(margins):
        return float(np.any(np.all(margins >= 0, axis=1) & np.any(margins > 0, axis=1)))

    by_search, strictly, unsigned, by_programme = [], [], [], []
    rng = np.random.default_rng(7)
    for _ in range(60):
        X = np.column_stack([np.ones(5), rng.integers(-2, 3, 5)])
        y = rng.integers(0, 2, 5)
        margins = (2 * y - 1) * (directions @ X.T)
        by_search.append(exists(margins))
        strictly.append(float(np.any(np.all(margins > 0, axis=1))))
        unsigned.append(exists(directions @ X.T))
        direction = separating_direction(X, y)
        by_programme.append(float(direction is not None))
        if direction is not None:
            costs = [logistic_cost(X, y, t * direction, 0) for t in range(6)]
            assert np.all(np.diff(costs) < 0)
    verify.agree(by_search, by_programme)
    verify.refutes(strictly, by_programme, why="strict for all")
    verify.refutes(unsigned, by_programme, why="without the sign of the class")
    assert 10 < sum(by_search) < 50


@pytest.mark.verifies(
    "eq-logistic-regression-coercive", routes=("largest of the negative margins", "dlmath.linear")
)
def test_overlapping_data_bound_the_cost(verify):
    """The cost of dlmath lies above the cone; a cone steeper by the factor n is crossed."""
    X, y, _ = problem(9, 2)
    n = len(y)
    angles = np.linspace(0, 2 * np.pi, 2000, endpoint=False)
    circle = np.column_stack([np.cos(angles), np.sin(angles)])
    m = np.min(np.max(-(2 * y - 1) * (circle @ X.T), axis=1))
    assert m > 0
    lengths = np.geomspace(0.01, 300, 30)
    thetas = np.array([r * v for r in lengths for v in circle[::20]])
    costs = np.array([logistic_cost(X, y, theta, 0) for theta in thetas])
    norms = np.linalg.norm(thetas, axis=1)
    verify.at_most(m / n * norms, costs)
    verify.refutes(m * norms, costs, why="factor n")
    verify.refutes(np.max(np.abs(X)) * norms, costs, why="the largest feature for m")
    apart, sides = separable()
    margins = np.max(-(2 * sides - 1) * (circle @ apart.T), axis=1)
    assert np.min(margins) < 0


@pytest.mark.verifies(
    "eq-logistic-regression-margin",
    routes=("all directions of the plane", "scikit-learn's SVC", "dlmath.linear.maximum_margin"),
)
def test_margin(verify):
    """The best of all directions has the margin 1/norm of the shortest vector."""
    X, y = separable()
    star = maximum_margin(X, y)

    def margin(angle):
        v = np.array([np.cos(angle), np.sin(angle)])
        return np.min((2 * y - 1) * (X @ v))

    coarse = max(np.linspace(0, 2 * np.pi, 721), key=margin)
    best = optimize.minimize_scalar(
        lambda a: -margin(a), bounds=(coarse - 0.01, coarse + 0.01), options={"xatol": 1e-12}
    )
    verify.agree(-best.fun, 1 / np.linalg.norm(star), rtol=1e-7)
    verify.refutes(-best.fun, np.linalg.norm(star), why="norm for its inverse")
    verify.refutes(-best.fun, 2 / np.linalg.norm(star), why="the whole width, a factor 2")
    verify.refutes(-best.fun, 1 / (star @ star), why="square of the norm")
    # Mirrored points make the support vector machine's intercept vanish.
    machine = SVC(kernel="linear", C=1e9, tol=1e-12).fit(np.r_[X, -X], np.r_[y, 1 - y])
    verify.agree(machine.coef_[0], star, rtol=1e-5)
    verify.refutes(-machine.coef_[0], star, why="sign")


@pytest.mark.verifies(
    "eq-logistic-regression-path", routes=("fifty digits", "dlmath.linear.maximum_margin")
)
def test_a_vanishing_penalty_maximises_the_margin(verify):
    """Minimisers for penalties down to 1e-40 turn towards the maximum margin and grow."""
    X, y = separable(6)
    star = maximum_margin(X, y)
    signed = (2 * y - 1)[:, None] * X
    rows = [[mpmath.mpf(float(v)) for v in row] for row in signed]

    def minimiser(lam, start):
        """Newton's method in many digits, with halved steps."""

        def gradient(t):
            scores = [r[0] * t[0] + r[1] * t[1] for r in rows]
            w = [1 / (1 + mpmath.exp(z)) / len(rows) for z in scores]
            return (
                scores,
                w,
                [
                    2 * lam * t[j] - sum(a * r[j] for a, r in zip(w, rows, strict=True))
                    for j in (0, 1)
                ],
            )

        t = list(start)
        for _ in range(400):
            scores, w, g = gradient(t)
            c = [a / (1 + mpmath.exp(-z)) for a, z in zip(w, scores, strict=True)]
            H = mpmath.matrix(2, 2)
            for i, j in itertools.product((0, 1), repeat=2):
                H[i, j] = sum(a * r[i] * r[j] for a, r in zip(c, rows, strict=True))
                H[i, j] += 2 * lam * (i == j)
            way = mpmath.lu_solve(H, mpmath.matrix(g))
            size = mpmath.sqrt(way[0] ** 2 + way[1] ** 2)
            share = min(1, 1 / size) if size else 1
            t = [t[j] - share * way[j] for j in (0, 1)]
            if size < mpmath.mpf(10) ** -30:
                break
        return t

    with mpmath.workdps(70):
        t, found = [mpmath.mpf(0)] * 2, []
        for power in (2, 10, 20, 40):
            t = minimiser(mpmath.mpf(10) ** -power, t)
            found.append([float(v) for v in t])
    found = np.array(found)
    norms = np.linalg.norm(found, axis=1)
    assert np.all(np.diff(norms) > 5)
    direction = found[-1] / norms[-1]
    verify.agree(direction, star / np.linalg.norm(star), atol=2e-2)
    verify.refutes(-direction, star / np.linalg.norm(star), why="sign")
    verify.refutes(found[0] / norms[0], star / np.linalg.norm(star), why="a penalty that is large")
    mean = signed.mean(axis=0)
    verify.refutes(
        mean / np.linalg.norm(mean), star / np.linalg.norm(star), why="difference of the means"
    )
    ours = LogisticRegression(1e-2, fit_intercept=False, tol=1e-12).fit(X, y)
    verify.agree(ours.coef_[0], found[0], rtol=1e-8)
    verify.refutes(2 * ours.coef_[0], found[0], why="factor 2")


@pytest.mark.verifies(
    "eq-logistic-regression-implicit",
    routes=("dlmath.linear.logistic_descent", "dlmath.linear.maximum_margin"),
)
def test_gradient_descent_maximises_the_margin(verify):
    """Without a penalty, between 400 and 40,000 steps the parameters grow along theta_star."""
    X, y = np.array([[1.0, 0.0], [-0.2, -1.0], [4.0, 3.0], [5.0, 1.0]]), np.array([1, 0, 1, 1])
    star = maximum_margin(X, y)
    walk = logistic_descent(X, y, 0, 40_000)
    growth = (walk[40_000] - walk[400]) / np.log(100)
    verify.agree(growth, star, atol=3e-2)
    verify.refutes(-growth, star, why="sign")
    verify.refutes(growth / 2, star, why="factor 2")
    verify.refutes(growth * len(y), star, why="factor n")
    mean = ((2 * y - 1) @ X) / len(y)
    length = np.linalg.norm(star) / np.linalg.norm(mean)
    verify.refutes(mean * length, star, why="difference of the means")


# More than two classes.


@pytest.mark.verifies(
    "eq-logistic-regression-softmax",
    "eq-logistic-regression-softmax-cost",
    routes=("torch", "dlmath.linear", "product of the probabilities"),
)
def test_softmax_and_its_cost(verify):
    """The probabilities by hand; the cost of torch, and the likelihood multiplied up."""
    X, Y, Theta = several()
    lam, n = 0.1, len(Y)
    model = LogisticRegression(lam, fit_intercept=False).fit(X, np.argmax(Y, axis=1))
    weights = np.exp(X @ model.coef_.T)
    by_hand = weights / weights.sum(axis=1, keepdims=True)
    verify.agree(by_hand, model.predict_proba(X), rtol=1e-12)
    verify.refutes(weights / weights.sum(axis=0), model.predict_proba(X), why="sum over samples")
    inverse = 1 / weights
    verify.refutes(inverse / inverse.sum(axis=1, keepdims=True), model.predict_proba(X), why="sign")
    whole = softmax_cost(X, Y, Theta, lam)
    by_torch = softmax_in_torch(X, Y, torch.tensor(Theta), lam).item()
    verify.agree(by_torch, whole, rtol=1e-13)
    verify.refutes(by_torch + lam * np.sum(Theta**2), whole, why="factor 2 of the penalty")
    weights = np.exp(X @ Theta)
    product = np.prod(np.sum(Y * weights / weights.sum(axis=1, keepdims=True), axis=1))
    bare = softmax_cost(X, Y, Theta, 0)
    verify.agree(-np.log(product) / n, bare, rtol=1e-12)
    verify.refutes(-np.log(product), bare, why="factor n")
    verify.refutes(np.log(product) / n, bare, why="sign")


@pytest.mark.verifies(
    "eq-logistic-regression-softmax-gradient",
    "eq-logistic-regression-softmax-hessian",
    routes=("torch", "dlmath.linear"),
)
def test_softmax_derivatives(verify):
    """Automatic differentiation of torch's cross-entropy; a square Theta shows transposes."""
    X, Y, Theta = several(p=4)
    lam, n = 0.1, len(Y)
    at = torch.tensor(Theta)

    def cost(T):
        return softmax_in_torch(X, Y, T, lam)

    slope = torch.autograd.functional.jacobian(cost, at).numpy()
    gradient = softmax_gradient(X, Y, Theta, lam)
    verify.agree(slope, gradient, rtol=1e-11)
    data, penalty = gradient - 2 * lam * Theta, 2 * lam * Theta
    verify.refutes(slope, gradient.T, why="transpose")
    verify.refutes(slope, 2 * data + penalty, why="factor 2")
    verify.refutes(slope, n * data + penalty, why="factor n")
    verify.refutes(slope, -data + penalty, why="sign")
    verify.refutes(slope, data + penalty / 2, why="factor 2 of the penalty")
    curvature = torch.autograd.functional.hessian(cost, at).numpy()
    hessian = softmax_hessian(X, Theta, lam)
    verify.agree(curvature, hessian, rtol=1e-9, atol=1e-14)
    penalty = 2 * lam * np.eye(16).reshape(4, 4, 4, 4)
    verify.refutes(curvature, n * (hessian - penalty) + penalty, why="factor n")
    verify.refutes(curvature, hessian - penalty / 2, why="factor 2 of the penalty")
    verify.refutes(curvature, hessian.transpose(1, 0, 3, 2), why="transpose")
    q = np.exp(X @ Theta)
    q /= q.sum(axis=1, keepdims=True)
    without = np.einsum("ij,il,ik,km->jklm", X, X, q, np.eye(4)) / n + penalty
    verify.refutes(curvature, without, why="without the product of probabilities")


@pytest.mark.verifies(
    "eq-logistic-regression-gauge", routes=("sympy", "BFGS", "dlmath.linear.LogisticRegression")
)
def test_gauge(verify):
    """A common shift changes no probability; penalised minimisers sum to zero by themselves."""
    a, b, c, shift = sympy.symbols("a b c s", real=True)

    def first(scores):
        return sympy.exp(scores[0]) / sum(sympy.exp(z) for z in scores)

    moved = first([a + shift, b + shift, c + shift])
    verify.identical(moved, first([a, b, c]))
    verify.refutes(first([a + shift, b, c]), first([a, b, c]), why="one class moved")
    verify.refutes(first([2 * a, 2 * b, 2 * c]), first([a, b, c]), why="scaled for shifted")
    X, Y, Theta = several(K=3)

    def fit(lam):
        start = Theta.ravel() + 1.0
        return descend(lambda t: softmax_cost(X, Y, t.reshape(3, 3), lam), start).reshape(3, 3)

    found = fit(0.05)
    verify.agree(found.sum(axis=1), np.zeros(3), atol=1e-5)
    verify.refutes(fit(0.0).sum(axis=1), np.zeros(3), why="without a penalty")
    verify.refutes(found.sum(axis=0), np.zeros(3), why="sum over features")
    ours = LogisticRegression(0.05, fit_intercept=False).fit(X, np.argmax(Y, axis=1))
    verify.agree(found.T, ours.coef_, atol=1e-5)
    verify.refutes(found, ours.coef_, why="transpose")


@pytest.mark.verifies(
    "eq-logistic-regression-two-classes", routes=("search over the gauge", "dlmath.linear")
)
def test_two_classes_have_twice_the_penalty(verify):
    """The smallest softmax cost with a given difference, found by search, is the binary cost."""
    X, y, theta = problem()
    Y, lam = np.column_stack([1 - y, y]), 0.3

    def smallest(penalty, sign=1.0):
        def cost(first):
            Theta = np.column_stack([first, first + sign * theta])
            return softmax_cost(X, Y, Theta, penalty)

        return optimize.minimize(cost, np.zeros(3), tol=1e-12).fun

    binary = logistic_cost(X, y, theta, lam)
    verify.agree(smallest(2 * lam), binary, rtol=1e-10)
    verify.refutes(smallest(lam), binary, why="the same penalty")
    verify.refutes(smallest(lam / 2), binary, why="half the penalty")
    verify.refutes(smallest(2 * lam, sign=-1.0), binary, why="sign of the difference")


# Judging scores and probabilities.


def scored(n=60, seed=9):
    """Draw scores with ties, and labels."""
    rng = np.random.default_rng(seed)
    y = (rng.random(n) < 0.4).astype(int)
    return np.round(2 * (rng.normal(size=n) + y)) / 2, y


@pytest.mark.verifies("eq-logistic-regression-roc", routes=("counting", "scikit-learn"))
def test_roc_points(verify):
    """Shares above each threshold by counting are scikit-learn's curve."""
    score, y = scored()
    fpr, tpr, thresholds = roc_curve(y, score, drop_intermediate=False)
    # scikit-learn keeps what is equal to the threshold: go a little below it.
    cuts = thresholds - 1e-9
    mine = [[np.mean(score[y == k] > t) for t in cuts] for k in (1, 0)]
    verify.agree(mine, [tpr, fpr], atol=1e-12)
    verify.refutes(mine[::-1], [tpr, fpr], why="exchanged")
    below = [[np.mean(score[y == k] < t) for t in cuts] for k in (1, 0)]
    verify.refutes(below, [tpr, fpr], why="below for above")
    predicted = [[np.mean(y[score > t] == k) if t < 9 else 0 for t in cuts[1:]] for k in (1, 0)]
    verify.refutes(
        np.column_stack([[0, 0], predicted]),
        [tpr, fpr],
        why="share of the chosen, not of the class",
    )


@pytest.mark.verifies(
    "eq-logistic-regression-auc",
    "eq-logistic-regression-mann-whitney",
    routes=("all pairs", "trapezia", "quadrature", "scipy's Mann-Whitney", "scikit-learn"),
)
def test_area_is_a_probability(verify):
    """All pairs, trapezia below the curve, and ranks; for two Gaussians by quadrature."""
    score, y = scored()
    difference = score[y == 1][:, None] - score[y == 0]
    pairs = np.mean(difference > 0) + np.mean(difference == 0) / 2
    fpr, tpr, _ = roc_curve(y, score)
    area = integrate.trapezoid(tpr, fpr)
    verify.agree(area, pairs, rtol=1e-13)
    verify.refutes(1 - area, pairs, why="sign")
    verify.refutes(area, np.mean(difference > 0), why="without ties")
    verify.refutes(area, np.mean(difference >= 0), why="ties in full")
    n1, n0 = np.sum(y), np.sum(1 - y)
    ranks = stats.rankdata(score)[y == 1].sum()
    formula = (ranks - n1 * (n1 + 1) / 2) / (n1 * n0)
    verify.agree(formula, roc_auc_score(y, score), rtol=1e-13)
    verify.refutes(ranks / (n1 * n0), roc_auc_score(y, score), why="own ranks not subtracted")
    wrong = (ranks - n1 * (n1 + 1)) / (n1 * n0)
    verify.refutes(wrong, roc_auc_score(y, score), why="factor 2")
    verify.refutes(formula * n1 * n0 / len(y) ** 2, roc_auc_score(y, score), why="factor n")
    statistic = stats.mannwhitneyu(score[y == 1], score[y == 0]).statistic
    verify.agree(statistic / (n1 * n0), formula, rtol=1e-13)
    verify.refutes(statistic / n1**2, formula, why="pairs of signal with signal")

    # Scores N(1, 1) of signal and N(0, 2^2) of background: the difference is N(1, 5).
    signal, background = stats.norm(1, 1), stats.norm(0, 2)
    by_quadrature = integrate.quad(lambda t: signal.sf(t) * background.pdf(t), -30, 30)[0]
    verify.agree(by_quadrature, stats.norm.cdf(1 / np.sqrt(5)), rtol=1e-9)
    verify.refutes(by_quadrature, stats.norm.cdf(1 / 5), why="variance for standard deviation")


@pytest.mark.verifies(
    "eq-logistic-regression-proper", routes=("sympy", "scipy.stats.entropy", "simulation")
)
def test_cross_entropy_is_proper(verify):
    """The mean log-loss of a prediction is entropy plus divergence, by scipy's own functions."""
    truths, said = np.meshgrid(np.linspace(0.05, 0.95, 10), np.linspace(0.1, 0.9, 9))
    truths, said = truths.ravel(), said.ravel()
    mean = [
        log_loss([1, 0], [a, a], sample_weight=[q, 1 - q])
        for q, a in zip(truths, said, strict=True)
    ]
    pairs = np.array([[q, 1 - q] for q in truths]).T, np.array([[a, 1 - a] for a in said]).T
    entropy, divergence = stats.entropy(pairs[0]), stats.entropy(*pairs)
    verify.agree(mean, entropy + divergence, rtol=1e-12)
    verify.refutes(mean, entropy - divergence, why="sign")
    verify.refutes(mean, entropy + stats.entropy(*pairs[::-1]), why="divergence the wrong way")
    verify.refutes(mean, stats.entropy(pairs[1]) + divergence, why="entropy of the prediction")
    verify.at_most(entropy, mean, atol=1e-12)
    verify.refutes(entropy + 0.01, mean, why="a larger bound")
    q, a = sympy.symbols("q a", positive=True)
    loss = -q * sympy.log(a) - (1 - q) * sympy.log(1 - a)
    slope = sympy.diff(loss, a)
    assert sympy.simplify(slope.subs(a, q)) == 0


@pytest.mark.verifies(
    "eq-logistic-regression-brier", routes=("scikit-learn", "exact groups of a finite sample")
)
def test_brier_score_splits(verify):
    """On a finite sample with few different predictions the two parts add up exactly."""
    rng = np.random.default_rng(10)
    said = rng.choice([0.1, 0.35, 0.6, 0.9], 200)
    y = (rng.random(200) < said**2 + 0.1).astype(int)
    c = np.array([y[said == value].mean() for value in said])
    whole = brier_score_loss(y, said)
    verify.agree(whole, np.mean((c - said) ** 2) + np.mean(c * (1 - c)), rtol=1e-12)
    verify.refutes(whole, np.mean(c * (1 - c)) - np.mean((c - said) ** 2), why="sign")
    verify.refutes(
        whole, np.mean((c - said) ** 2) + np.mean(said * (1 - said)), why="prediction for frequency"
    )
    verify.refutes(whole, 2 * np.mean((c - said) ** 2) + np.mean(c * (1 - c)), why="factor 2")
    mean = y.mean()
    verify.refutes(
        whole, np.mean((c - said) ** 2) + mean * (1 - mean), why="variance of all labels"
    )


# Ratios, cuts and significance.


@pytest.mark.verifies(
    "eq-logistic-regression-ratio",
    "eq-logistic-regression-shift",
    routes=("Bayes' rule for two Gaussians", "weighted fits", "dlmath.linear"),
)
def test_odds_are_prior_odds_times_the_ratio(verify):
    """The odds by counting in exact mixtures; weights on the classes move the intercept."""
    grid = np.linspace(-3, 3, 13)
    signal, background = stats.norm(1, 0.8).pdf(grid), stats.norm(-0.5, 1.2).pdf(grid)
    ratio = signal / background

    def odds(share):
        posterior = share * signal / (share * signal + (1 - share) * background)
        return posterior / (1 - posterior)

    share = 0.3
    verify.agree(odds(share), share / (1 - share) * ratio, rtol=1e-12)
    verify.refutes(odds(share), ratio, why="without the prior odds")
    verify.refutes(odds(share), share * ratio, why="share for odds")
    verify.refutes(odds(share), (1 - share) / share * ratio, why="inverse prior odds")
    verify.refutes(odds(share), share / (1 - share) / ratio, why="inverse ratio")
    moved = np.log(odds(share)) + logit(0.05) - logit(share)
    verify.agree(moved, np.log(odds(0.05)), rtol=1e-11, atol=1e-12)
    verify.refutes(np.log(odds(share)) - logit(0.05) + logit(share), np.log(odds(0.05)), why="sign")
    verify.refutes(np.log(odds(share)) + np.log(0.05 / share), np.log(odds(0.05)), why="shares")
    verify.refutes(np.log(odds(share)) + logit(0.05), np.log(odds(0.05)), why="old odds kept")

    # Where the features tell all groups apart, weights shift the intercept and nothing else.
    X = np.repeat(np.eye(3)[:, 1:], 4, axis=0)
    y = np.array([0, 0, 0, 1, 0, 0, 1, 1, 0, 1, 1, 1])
    plain = LogisticRegression(0).fit(X, y)
    weighted = LogisticRegression(0).fit(X, y, sample_weight=np.where(y == 1, 5.0, 1.0))
    verify.agree(weighted.intercept_, plain.intercept_ + np.log(5), rtol=1e-7)
    verify.refutes(weighted.intercept_, plain.intercept_ - np.log(5), why="sign of the weights")
    verify.agree(weighted.coef_, plain.coef_, rtol=1e-6)
    verify.refutes(5 * weighted.coef_, plain.coef_, why="weights on the coefficients")


@pytest.mark.verifies(
    "eq-logistic-regression-neyman-pearson",
    routes=("all regions of ten cells", "the ratio's order"),
)
def test_no_region_beats_the_ratio(verify):
    """Of all 1024 regions of ten cells none with as little background has more signal."""
    rng = np.random.default_rng(15)
    p1, p0 = rng.dirichlet(np.ones(10), 2)
    regions = np.array(list(itertools.product([0, 1], repeat=10)))
    signal, background = regions @ p1, regions @ p0

    def kept(order):
        chosen = np.cumsum(np.eye(10)[order], axis=0)
        return chosen @ p1, chosen @ p0

    def most(limits):
        return np.array([signal[background <= b + 1e-12].max() for b in limits])

    s, b = kept(np.argsort(-p1 / p0))
    verify.agree(s, most(b), rtol=1e-12)
    s, b = kept(np.argsort(-p1))
    verify.refutes(s, most(b), why="order of the signal")
    s, b = kept(np.argsort(p0))
    verify.refutes(s, most(b), why="order of the background")
    s, b = kept(np.argsort(p1 / p0))
    verify.refutes(s, most(b), why="inverse ratio, the sign")


@pytest.mark.verifies(
    "eq-logistic-regression-asimov",
    "eq-logistic-regression-simple",
    routes=("scipy's Poisson distribution", "series in sympy", "tail probability"),
)
def test_significance(verify):
    """Poisson likelihoods at the typical count, the series, and a simulated median."""
    s, b = np.array([3.0, 12.0, 40.0]), np.array([5.0, 9.0, 400.0])

    def loglike(mean, n):
        return n * np.log(mean) - mean - np.array([float(mpmath.loggamma(k + 1)) for k in n])

    q = 2 * (loglike(s + b, s + b) - loglike(b, s + b))
    formula = np.sqrt(2 * ((s + b) * np.log(1 + s / b) - s))
    verify.agree(np.sqrt(q), formula, rtol=1e-9)
    verify.refutes(np.sqrt(q / 2), formula, why="factor 2")
    verify.refutes(np.sqrt(q), np.sqrt(2 * ((s + b) * np.log(1 + s / b) + s)), why="sign")
    verify.refutes(np.sqrt(q), np.sqrt(2 * ((s + b) * np.log(1 + b / s) - b)), why="s and b")
    verify.refutes(np.sqrt(q), s / np.sqrt(b), why="the simple formula")
    # The chance of a count of 440 or more, half of those equal counted, without signal.
    tail = stats.poisson(400).sf(440) + stats.poisson(400).pmf(440) / 2
    verify.agree(stats.norm.isf(tail), formula[2], rtol=6e-3)
    verify.refutes(stats.norm.isf(tail), 40 / np.sqrt(400), why="no correction")

    e = sympy.symbols("e", positive=True)
    square = 2 * ((1 + e) * sympy.log(1 + e) - e) / e**2
    series = sympy.series(sympy.sqrt(square), e, 0, 2).removeO()
    verify.identical(series, 1 - e / 6)
    verify.refutes(series, 1 + e / 6, why="sign of the correction")
    verify.refutes(series, 1 - e / 3, why="factor 2 of the correction")


@pytest.mark.verifies(
    "eq-logistic-regression-all-events",
    routes=("all regions of ten cells", "quadrature", "a closed form for Gaussians"),
)
def test_all_events_are_worth_more_than_a_cut(verify):
    """No region has more than the sum, which for shifted Gaussians tends to exp(shift squared)."""
    rng = np.random.default_rng(13)
    s, b = 20 * rng.dirichlet(np.ones(10)), 300 * rng.dirichlet(np.ones(10))
    regions = np.array(list(itertools.product([0, 1], repeat=10)))[1:]
    cuts = (regions @ s) ** 2 / (regions @ b)
    inside = regions @ (s**2 / b)
    verify.at_most(cuts, inside, atol=1e-12)
    verify.refutes(2 * cuts, inside, why="factor 2")
    verify.at_most(inside, np.full(len(inside), np.sum(s**2 / b)), atol=1e-12)
    verify.refutes(inside, np.full(len(inside), s.sum() ** 2 / b.sum()), why="all in one region")
    # Signal N(1/2, 1), background N(0, 1): the mean square of the ratio is exp(1/4).
    edges = np.linspace(-6, 6, 2001)
    cells = [np.diff(stats.norm(m, 1).cdf(edges)) for m in (0.5, 0)]
    total = 100.0 * np.sum(cells[0] ** 2 / cells[1])
    verify.agree(total, 100 * np.exp(1 / 4), rtol=1e-4)
    verify.refutes(total, 100 * np.exp(1 / 8), why="factor 2 in the exponent")
    verify.refutes(total, 100.0, why="one region")
    mean_square = integrate.quad(
        lambda x: stats.norm.pdf(x, 0.5) ** 2 / stats.norm.pdf(x), -12, 12
    )[0]
    verify.agree(100 * mean_square, total, rtol=1e-4)
    verify.refutes(100 * mean_square**2, total, why="square")


# Phases of the Ising model.


def ising_bonds(size):
    """List the bonds of the periodic lattice as pairs of sites."""
    sites = np.arange(size**2).reshape(size, size)
    return [
        (int(a), int(b))
        for axis in (0, 1)
        for a, b in zip(sites.ravel(), np.roll(sites, -1, axis).ravel(), strict=True)
    ]


def ising_states(size):
    """List all configurations as rows; state k has the binary digits of k."""
    sites = size**2
    return 2 * (np.arange(2**sites)[:, np.newaxis] >> np.arange(sites) & 1) - 1


def ising_energies(size, doubled=1):
    """Sum over the list of bonds, for all configurations."""
    states = ising_states(size)
    return -doubled * sum(states[:, a] * states[:, b] for a, b in ising_bonds(size))


def ising_probabilities(size, temperature):
    weights = np.exp(-ising_energies(size) / temperature)
    return weights / weights.sum()


def ising_transfer(K, size=4):
    """Sum over all configurations by the trace of a power of a matrix between rows."""
    rows = np.array(list(itertools.product([-1, 1], repeat=size)))
    within = np.sum(rows * np.roll(rows, 1, axis=1), axis=1)
    matrix = np.exp(K * (rows @ rows.T + within[:, np.newaxis]))
    return float(np.log(np.trace(np.linalg.matrix_power(matrix, size))))


@pytest.mark.verifies(
    "eq-logistic-regression-ising-boltzmann",
    routes=("dlmath.ising", "a quadratic form and a transfer matrix", "scipy.special.softmax"),
)
def test_energy_and_probability_of_configurations(verify):
    """The energy as a quadratic form of the graph; the sum over states from row to row."""
    size, temperature = 4, 2.3
    adjacency = np.zeros((size**2, size**2))
    for a, b in ising_bonds(size):
        adjacency[a, b] = adjacency[b, a] = 1
    states = ising_states(size)[::97]
    found = ising.energy(states.reshape(-1, size, size))
    form = np.einsum("ki,ij,kj->k", states, adjacency, states)
    verify.agree(found, -form / 2, atol=1e-12)
    verify.refutes(found, -form, why="factor 2, each bond counted twice")
    verify.refutes(found, form / 2, why="sign")
    exact = ising.exact_enumeration(size, temperature)
    verify.agree(exact.log_partition, ising_transfer(1 / temperature), rtol=1e-13)
    verify.refutes(exact.log_partition, ising_transfer(-1 / temperature / 2), why="sign and half")
    verify.refutes(exact.log_partition, ising_transfer(2 / temperature), why="factor 2 in 1/tau")
    verify.refutes(exact.log_partition, ising_transfer(temperature), why="tau for 1/tau")
    p = ising_probabilities(size, temperature)
    energies = ising.energy(ising.all_states(size))
    verify.agree(p, special.softmax(-energies / temperature), rtol=1e-12)
    verify.refutes(p, special.softmax(energies / temperature), why="sign in the exponent")
    verify.refutes(p, special.softmax(-2 * energies / temperature), why="factor 2")


@pytest.mark.verifies(
    "eq-logistic-regression-ising-yang",
    routes=("dlmath.ising", "correlations as Toeplitz determinants", "the mode of Kaufman's sum"),
)
def test_magnetisation_far_below_and_the_critical_temperature(verify):
    """Along the diagonal <s_0 s_n> is a determinant; far apart it is the square of m."""
    temperature, n = 1.6, 40
    k = 1 / np.sinh(2 / temperature) ** 2
    angles = 2 * np.pi * np.arange(1024) / 1024
    symbol = np.sqrt((1 - k * np.exp(1j * angles)) / (1 - k * np.exp(-1j * angles)))
    coefficients = (np.fft.fft(symbol) / 1024).real
    lags = np.subtract.outer(np.arange(n), np.arange(n))
    correlation = np.linalg.det(coefficients[lags])
    m = ising.spontaneous_magnetisation(temperature)
    verify.agree(np.sqrt(correlation), float(m), rtol=1e-12)
    s = np.sinh(2 / temperature)
    verify.refutes(np.sqrt(correlation), (1 - s**-4) ** 0.25, why="exponent 1/4")
    verify.refutes(np.sqrt(correlation), (1 - s**-2) ** 0.125, why="power 2 of sinh")
    half = np.sinh(1 / temperature)
    verify.refutes(np.sqrt(correlation), abs(1 - half**-4) ** 0.125, why="1/tau for 2/tau")
    # The mode gamma_0 = 2K + ln tanh K of the partition function changes its sign there.
    root = optimize.brentq(lambda tau: 2 / tau + np.log(np.tanh(1 / tau)), 1, 4, xtol=1e-14)
    verify.agree(root, float(ising.CRITICAL_TEMPERATURE), rtol=1e-13)
    verify.agree(root, 2 / np.log(1 + np.sqrt(2)), rtol=1e-13)
    verify.refutes(root, 1 / np.log(1 + np.sqrt(2)), why="factor 2")
    verify.refutes(root, 2 / np.log(np.sqrt(2)), why="1 missing")
    verify.agree(np.sinh(2 / root), 1.0, rtol=1e-13)
    verify.refutes(np.sinh(1 / root), 1.0, why="1/tau for 2/tau")


@pytest.mark.verifies(
    "eq-logistic-regression-ising-flip",
    routes=("probabilities of two whole configurations", "the four bonds of one spin"),
)
def test_a_flip_changes_four_bonds(verify):
    """All flips of some configurations of 3 x 3 spins."""
    size, temperature = 3, 1.9
    states, p = ising_states(size), ising_probabilities(3, temperature)
    some = np.arange(0, 512, 37)
    ratio = np.array([[p[k ^ (1 << i)] / p[k] for i in range(9)] for k in some])
    near = np.zeros((9, 9))
    for a, b in ising_bonds(size):
        near[a, b] += 1
        near[b, a] += 1
    cost = 2 * states[some] * (states[some] @ near)
    verify.agree(ratio, np.exp(-cost / temperature), rtol=1e-12)
    verify.refutes(ratio, np.exp(-cost / (2 * temperature)), why="factor 2")
    verify.refutes(ratio, np.exp(cost / temperature), why="sign")
    verify.agree(
        cost,
        2
        * states[some]
        * np.array([ising.neighbour_sum(s.reshape(3, 3)).ravel() for s in states[some]]),
        atol=1e-12,
    )
    verify.refutes(cost, states[some] @ near, why="factor 2 s_i")


def ising_steps(size, temperature, rule):
    """Transition matrix of single flips at random sites, accepted by a rule of cost / tau."""
    states, energies = ising_states(size), ising_energies(size)
    count, sites = states.shape
    matrix = np.zeros((count, count))
    for k, i in itertools.product(range(count), range(sites)):
        other = k ^ (1 << i)
        share = rule((energies[other] - energies[k]) / temperature) / sites
        matrix[k, other] += share
        matrix[k, k] += 1 / sites - share
    return matrix


def metropolis_rule(x):
    return min(1.0, math.exp(-x))


@pytest.mark.verifies(
    "eq-logistic-regression-ising-metropolis",
    "eq-logistic-regression-ising-balance",
    routes=("the transition matrix of all configurations", "min(p(s), p(s')) / N"),
)
def test_metropolis_is_in_detailed_balance(verify):
    """The flow between two configurations that differ in one spin, both ways, on 3 x 3 spins."""
    temperature = 2.1
    p = ising_probabilities(3, temperature)
    flow = p[:, np.newaxis] * ising_steps(3, temperature, metropolis_rule)
    verify.agree(flow, flow.T.copy(), atol=1e-17)
    for why, rule in (
        ("half the cost", lambda x: min(1.0, math.exp(-x / 2))),
        ("sign of the cost", lambda x: min(1.0, math.exp(x))),
        ("always accepted", lambda x: 1.0),
    ):
        wrong = p[:, np.newaxis] * ising_steps(3, temperature, rule)
        verify.refutes(wrong, wrong.T.copy(), why=why)
    k, i = np.meshgrid(np.arange(512), np.arange(9), indexing="ij")
    found = flow[k, k ^ (1 << i)]
    least = np.minimum(p[k], p[k ^ (1 << i)])
    verify.agree(found, least / 9, rtol=1e-12)
    verify.refutes(found, least, why="factor N")
    verify.refutes(found, np.maximum(p[k], p[k ^ (1 << i)]) / 9, why="max for min")


@pytest.mark.verifies(
    "eq-logistic-regression-ising-convergence",
    routes=("powers of the transition matrix", "Boltzmann's weights", "the sampler"),
)
def test_the_walk_forgets_its_start(verify):
    """From two opposite configurations of 3 x 3 spins, after many steps; and the sampler."""
    temperature = 2.4
    p = ising_probabilities(3, temperature)
    steps = ising_steps(3, temperature, metropolis_rule)
    late = np.linalg.matrix_power(steps, 12_000)
    verify.agree(late[[0, 341]], np.array([p, p]), atol=1e-12)
    early = np.linalg.matrix_power(steps, 4)
    verify.refutes(early[[0, 341]], np.array([p, p]), why="too few steps")
    other = ising_probabilities(3, 2 * temperature)
    verify.refutes(late[[0, 341]], np.array([other, other]), why="factor 2 in tau")
    # A chain that can never stay where it is has a period, and does not converge.
    swing = np.array([[0.0, 1.0], [1.0, 0.0]])
    verify.refutes(
        np.linalg.matrix_power(swing, 4000), np.full((2, 2), 0.5), why="a chain with a period"
    )
    # The sampler of the chapter, on 4 x 4 spins: four standard errors of the mean energy.
    spins = simulate_ising(4000, 4, temperature, algorithm="metropolis", seed=11)
    mean, error = ising.mean_and_error(ising.energy(spins))
    energies = ising_energies(4)
    exact = ising_probabilities(4, temperature) @ energies
    verify.agree(mean, exact, atol=4 * error)
    wrong = ising_probabilities(4, 1.1 * temperature) @ energies
    verify.refutes(mean, wrong, why="a temperature 10 per cent too high")


def ising_clusters(size, take):
    """Transition matrix of one cluster, over all sets of bonds between equal spins."""
    states, bonds = ising_states(size), ising_bonds(size)
    sites = size**2
    matrix = np.zeros((2**sites, 2**sites))
    for k, state in enumerate(states):
        equal = [(a, b) for a, b in bonds if state[a] == state[b]]
        for taken in itertools.product([0, 1], repeat=len(equal)):
            label = list(range(sites))
            for (a, b), one in zip(equal, taken, strict=True):
                if one:
                    label = [label[a] if other == label[b] else other for other in label]
            weight = take ** sum(taken) * (1 - take) ** (len(equal) - sum(taken)) / sites
            for seed in range(sites):
                cluster = sum(1 << i for i in range(sites) if label[i] == label[seed])
                matrix[k, k ^ cluster] += weight
    return matrix


@pytest.mark.verifies(
    "eq-logistic-regression-ising-wolff",
    routes=("flows between all configurations", "the sampler against an enumeration"),
)
def test_clusters_with_the_right_bonds(verify):
    """All clusters on 2 x 2 sites, whose eight bonds are joined in pairs; 4 x 4 sites sampled."""
    temperature = 2.3
    p = ising_probabilities(2, temperature)

    def flow(take):
        return p[:, np.newaxis] * ising_clusters(2, take)

    right = flow(1 - np.exp(-2 / temperature))
    verify.agree(right, right.T.copy(), atol=1e-16)
    for why, take in (
        ("1/tau for 2/tau", 1 - np.exp(-1 / temperature)),
        ("factor 2, 4/tau", 1 - np.exp(-4 / temperature)),
        ("1 minus missing", np.exp(-2 / temperature)),
    ):
        wrong = flow(take)
        verify.refutes(wrong, wrong.T.copy(), why=why)
    spins = simulate_ising(4000, 4, temperature, algorithm="wolff", seed=12)
    mean, error = ising.mean_and_error(ising.energy(spins))
    verify.agree(mean, ising_probabilities(4, temperature) @ ising_energies(4), atol=4 * error)
    spins = np.ones((2000, 4, 4), dtype=np.int8)
    ising.wolff(spins, 2 * temperature, 200, np.random.default_rng(0))  # bonds 1 - exp(-1/tau)
    mean = ising.energy(spins).mean()
    exact = ising_probabilities(4, temperature) @ ising_energies(4)
    verify.refutes(mean, exact, why="1/tau in the sampler")


@pytest.mark.verifies(
    "eq-logistic-regression-ising-blind",
    routes=("dlmath.linear.LogisticRegression", "scipy.optimize.minimize", "the formula"),
)
def test_a_classifier_of_spins_and_their_mirror_images_says_nothing(verify):
    """Configurations of two temperatures, unequally many, each with its mirror image."""
    spins = np.concatenate(
        [
            simulate_ising(n, 4, tau, seed=k).reshape(n, 16)
            for k, (n, tau) in enumerate(((20, 1.5), (50, 4.0)))
        ]
    ).astype(float)
    y = np.repeat([1, 0], (20, 50))
    X, both = np.vstack([spins, -spins]), np.tile(y, 2)
    formula = np.append(np.log(20 / 50), np.zeros(16))
    for lam in (1e-3, 1.0):
        fit = LogisticRegression(lam=lam).fit(X, both)
        verify.agree(np.append(fit.intercept_, fit.coef_), formula, atol=1e-9)

    def cost(theta):
        z = theta[0] + X @ theta[1:]
        return np.mean(np.logaddexp(0, z) - both * z) + 1e-3 * theta[1:] @ theta[1:]

    start = np.random.default_rng(0).normal(size=17)
    found = optimize.minimize(cost, start, method="BFGS", options={"gtol": 1e-7}).x
    verify.agree(found, formula, atol=1e-5)
    verify.refutes(found, -formula, why="sign of the intercept")
    verify.refutes(found, np.append(20 / 70, np.zeros(16)), why="share for log-odds")
    alone = LogisticRegression(lam=1e-3).fit(spins, y)
    verify.refutes(
        np.append(alone.intercept_, alone.coef_), formula, why="without the mirror images"
    )


@pytest.mark.verifies(
    "eq-logistic-regression-ising-ratio",
    routes=("enumeration of all configurations", "Kaufman's sum", "logistic regression"),
)
def test_the_likelihood_ratio_is_linear_in_the_energy(verify):
    """On 4 x 4 spins; and a regression on all configurations, weighted by their probabilities."""
    pair = 2.0, 2.6
    energies = ising_energies(4)
    p, q = (ising_probabilities(4, tau) for tau in pair)
    log_z = [ising.finite_lattice(4, tau).log_partition for tau in pair]
    slope, offset = 1 / pair[1] - 1 / pair[0], log_z[1] - log_z[0]
    ratio = np.log(p / q)
    verify.agree(ratio, slope * energies + offset, atol=1e-13)
    verify.refutes(ratio, -slope * energies + offset, why="sign of the slope")
    verify.refutes(ratio, slope * energies - offset, why="sign of the free energies")
    verify.refutes(ratio, 2 * slope * energies + offset, why="factor 2")
    verify.refutes(ratio, (pair[0] - pair[1]) * energies + offset, why="tau for 1/tau")
    levels, of = np.unique(energies, return_inverse=True)
    weight = np.concatenate([np.bincount(of, p), np.bincount(of, q)])
    fit = LogisticRegression(lam=0, tol=1e-12).fit(
        np.tile(levels / 16, 2)[:, np.newaxis], np.repeat([1, 0], len(levels)), weight
    )
    found = np.append(fit.intercept_, fit.coef_ / 16)
    verify.agree(found, np.array([offset, slope]), rtol=1e-12)
    verify.refutes(found, np.array([-offset, -slope]), why="classes exchanged")
    verify.refutes(found, np.array([offset / 16, slope]), why="factor N")
