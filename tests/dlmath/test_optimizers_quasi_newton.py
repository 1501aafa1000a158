"""Newton's method and its relatives: against scipy case by case, what they promise, bad input."""

import numpy as np
import pytest
from dlmath.linear import logistic_cost, logistic_gradient
from dlmath.optimizers import (
    bfgs,
    damped_newton,
    gauss_newton,
    lbfgs,
    newton,
    wolfe_line_search,
)
from dlmath.optimizers._quasi_newton import Dense, Limited
from dlmath.problems import MassNetwork
from numpy.testing import assert_allclose, assert_array_equal
from scipy import optimize
from scipy.optimize import rosen, rosen_der, rosen_hess


def quadratic(kappa, n, seed=0):
    """Draw a quadratic with curvatures from 1 to kappa, and a start."""
    rng = np.random.default_rng(seed)
    Q = np.linalg.qr(rng.standard_normal((n, n)))[0]
    H = (Q * np.geomspace(1, kappa, n)) @ Q.T
    return lambda x: x @ H @ x / 2, lambda x: H @ x, rng.standard_normal(n)


def sum_of_squares(residuals, jacobian):
    return (
        lambda x: np.sum(residuals(x) ** 2),
        lambda x: 2 * jacobian(x).T @ residuals(x),
    )


def beale_residuals(v):
    x, y = v
    return np.array([1.5, 2.25, 2.625]) - x + x * y ** np.arange(1, 4)


def beale_jacobian(v):
    x, y = v
    k = np.arange(1, 4)
    return np.column_stack([y**k - 1, x * k * y ** (k - 1)])


BEALE = sum_of_squares(beale_residuals, beale_jacobian)
HIMMELBLAU = sum_of_squares(
    lambda v: np.array([v[0] ** 2 + v[1] - 11, v[0] + v[1] ** 2 - 7]),
    lambda v: np.array([[2 * v[0], 1], [1, 2 * v[1]]]),
)
BOOTH = sum_of_squares(
    lambda v: np.array([v[0] + 2 * v[1] - 7, 2 * v[0] + v[1] - 5]),
    lambda v: np.array([[1.0, 2.0], [2.0, 1.0]]),
)
BROWN = sum_of_squares(
    lambda v: np.array([v[0] - 1e6, v[1] - 2e-6, v[0] * v[1] - 2]),
    lambda v: np.array([[1, 0], [0, 1], [v[1], v[0]]]),
)
# The Hessian at the minimum is singular.
POWELL = sum_of_squares(
    lambda v: np.array(
        [
            v[0] + 10 * v[1],
            np.sqrt(5) * (v[2] - v[3]),
            (v[1] - 2 * v[2]) ** 2,
            np.sqrt(10) * (v[0] - v[3]) ** 2,
        ]
    ),
    lambda v: np.array(
        [
            [1, 10, 0, 0],
            [0, 0, np.sqrt(5), -np.sqrt(5)],
            [0, 2 * (v[1] - 2 * v[2]), -4 * (v[1] - 2 * v[2]), 0],
            [2 * np.sqrt(10) * (v[0] - v[3]), 0, 0, -2 * np.sqrt(10) * (v[0] - v[3])],
        ]
    ),
)


def logistic():
    rng = np.random.default_rng(1)
    X = rng.standard_normal((200, 10)) * np.geomspace(0.3, 3, 10)
    y = (rng.random(200) < 1 / (1 + np.exp(-X @ rng.standard_normal(10)))).astype(float)
    return (
        lambda t: logistic_cost(X, y, t, 1e-3),
        lambda t: logistic_gradient(X, y, t, 1e-3),
        np.zeros(10),
    )


def cases():
    """List functions with their gradients and a start, each with a name."""
    for n in (2, 3, 5, 10, 20):
        yield f"rosen-{n}", (rosen, rosen_der, np.tile([-1.2, 1.0], n)[:n])
        yield f"rosen-{n}-random", (rosen, rosen_der, np.random.default_rng(n).uniform(-2, 2, n))
    for kappa in (1, 10, 1e3, 1e6):
        for n in (2, 10, 50):
            yield f"quadratic-{kappa:g}-{n}", quadratic(kappa, n)
    yield "beale", (*BEALE, np.array([1.0, 1.0]))
    yield "beale-far", (*BEALE, np.array([0.0, -1.0]))
    for i, start in enumerate([(0.0, 0.0), (-4.0, -4.0), (4.0, -3.0), (-2.0, 3.0)]):
        yield f"himmelblau-{i}", (*HIMMELBLAU, np.array(start))
    yield "booth", (*BOOTH, np.array([-5.0, 8.0]))
    yield "brown", (*BROWN, np.array([1.0, 1.0]))
    yield "powell", (*POWELL, np.array([3.0, -1.0, 0.0, 1.0]))
    yield "logistic", logistic()
    weights = np.arange(1.0, 6)
    yield (
        "log-cosh",
        (
            lambda x: np.sum(np.logaddexp(x, -x) * weights),
            lambda x: np.tanh(x) * weights,
            np.array([3.0, -2.0, 10.0, 0.1, -7.0]),
        ),
    )


CASES = dict(cases())


def same_minimum(ours, theirs):
    """Say whether two results lie at the same minimum, as far as the gradients tell."""
    return abs(ours.fun - theirs.fun) <= 1e-6 * (1 + abs(theirs.fun))


@pytest.mark.parametrize("tol", [1e-5, 1e-8])
@pytest.mark.parametrize("name", CASES)
def test_bfgs_reaches_scipys_minimum_with_no_more_work(name, tol):
    cost, gradient, start = CASES[name]
    ours = bfgs(cost, gradient, start, tol=tol)
    theirs = optimize.minimize(
        cost, start, jac=gradient, method="BFGS", options={"gtol": tol, "maxiter": 10_000}
    )
    assert ours.success, ours.message
    assert np.abs(gradient(ours.x)).max() <= tol
    assert same_minimum(ours, theirs)
    assert ours.nfev <= 1.5 * theirs.nfev


@pytest.mark.parametrize("tol", [1e-5, 1e-8])
@pytest.mark.parametrize("name", CASES)
def test_lbfgs_reaches_scipys_minimum_with_no_more_work(name, tol):
    cost, gradient, start = CASES[name]
    ours = lbfgs(cost, gradient, start, tol=tol, max_iter=10_000)
    theirs = optimize.minimize(
        cost,
        start,
        jac=gradient,
        method="L-BFGS-B",
        options={"gtol": tol, "ftol": 0, "maxiter": 10_000, "maxfun": 100_000},
    )
    assert ours.success, ours.message
    assert np.abs(gradient(ours.x)).max() <= tol
    assert same_minimum(ours, theirs)
    assert ours.nfev <= 1.5 * theirs.nfev


@pytest.mark.parametrize(("minimise", "method"), [(bfgs, "BFGS"), (lbfgs, "L-BFGS-B")])
def test_a_network_is_trained_as_far_as_by_scipy_with_no_more_work(minimise, method):
    problem = MassNetwork(hidden=(4,))
    ours = minimise(problem.cost, problem.gradient, problem.start, max_iter=60)
    theirs = optimize.minimize(
        problem.cost, problem.start, jac=problem.gradient, method=method, options={"maxiter": 60}
    )
    assert ours.nit == theirs.nit == 60
    assert ours.fun <= 1.1 * theirs.fun
    assert ours.nfev <= 1.5 * theirs.nfev


@pytest.mark.parametrize("minimise", [bfgs, lbfgs])
def test_results_are_consistent(minimise):
    start = np.array([-1.2, 1.0, 0.3])
    kept = start.copy()
    found = minimise(rosen, rosen_der, start)
    assert_array_equal(start, kept)
    assert found.trajectory.shape == (found.nit + 1, 3)
    assert_array_equal(found.trajectory[0], start)
    assert_array_equal(found.trajectory[-1], found.x)
    assert found.fun == rosen(found.x)
    assert_array_equal(found.jac, rosen_der(found.x))
    assert found.nfev == found.njev > found.nit
    costs = [rosen(x) for x in found.trajectory]
    assert np.all(np.diff(costs) < 0)


@pytest.mark.parametrize("minimise", [bfgs, lbfgs])
def test_whole_numbers_are_a_start_too(minimise):
    found = minimise(rosen, rosen_der, [-1, 2])
    assert_array_equal(found.trajectory, minimise(rosen, rosen_der, [-1.0, 2.0]).trajectory)


@pytest.mark.parametrize("minimise", [bfgs, lbfgs])
def test_at_the_minimum_nothing_is_done(minimise):
    found = minimise(rosen, rosen_der, np.ones(3))
    assert found.success
    assert (found.nit, found.nfev) == (0, 1)


@pytest.mark.parametrize("seed", range(20))
def test_the_line_search_ends_where_both_conditions_hold(seed):
    rng = np.random.default_rng(seed)
    x = rng.uniform(-2, 2, 6)
    gradient = rosen_der(x)
    direction = -gradient + 0.5 * np.linalg.norm(gradient) * rng.standard_normal(6) / 3
    first, c2 = 10 ** rng.uniform(-8, 4), rng.uniform(0.01, 0.9)
    end = wolfe_line_search(rosen, rosen_der, x, direction, first=first, c2=c2, most=60)
    slope = gradient @ direction
    assert end.cost == rosen(x + end.step * direction)
    assert end.cost <= rosen(x) + 1e-4 * end.step * slope
    assert abs(rosen_der(end.x) @ direction) <= c2 * abs(slope)


def test_the_line_search_comes_back_from_where_the_cost_is_not_finite():
    def cost(x):
        with np.errstate(invalid="ignore"):
            return float(x[0] - np.log(x[0]))

    found = bfgs(cost, lambda x: 1 - 1 / x, np.array([1e-3]))
    assert found.success
    assert_allclose(found.x, 1, rtol=1e-6)


def pairs(rng, n, count):
    """Draw steps and differences of gradients of a quadratic."""
    A = rng.standard_normal((n, n))
    steps = rng.standard_normal((count, n))
    return [(s, (A @ A.T + np.eye(n)) @ s) for s in steps]


@pytest.mark.parametrize("memory", [1, 3, 7])
def test_two_loops_multiply_by_the_matrix_of_the_last_pairs(memory):
    rng = np.random.default_rng(memory)
    limited, dense = Limited(memory), Dense()
    updates = pairs(rng, 5, 7)
    for s, y in updates:
        limited.update(s, y)
    s, y = updates[-1]
    dense.H = np.eye(5) * (s @ y) / (y @ y)
    for s, y in updates[-memory:]:
        dense.update(s, y)
    g = rng.standard_normal(5)
    assert_allclose(limited.product(g), dense.H @ g, rtol=1e-10)


def test_the_inverse_hessian_is_kept_positive_definite_and_right_at_the_end():
    found = bfgs(rosen, rosen_der, np.array([-1.2, 1.0]), tol=1e-10)
    assert np.linalg.eigvalsh(found.hess_inv).min() > 0
    assert_allclose(found.hess_inv, np.linalg.inv(rosen_hess(found.x)), rtol=0.05)


@pytest.mark.parametrize("minimise", [bfgs, lbfgs])
def test_a_wrong_gradient_is_suspected(minimise):
    found = minimise(rosen, lambda x: -rosen_der(x), np.array([-1.2, 1.0]))
    assert not found.success
    assert "the gradient is likely not that of the cost" in found.message
    assert_array_equal(found.x, [-1.2, 1.0])
    found = minimise(
        lambda x: x @ x, lambda x: 2 * x * np.array([1, 0.2]) + 0.3, np.array([0.5, 0.8])
    )
    assert not found.success
    assert "the gradient is likely not that of the cost" in found.message
    costs = np.sum(found.trajectory**2, axis=1)
    assert found.fun == costs.min() < costs[0]


@pytest.mark.parametrize("minimise", [bfgs, lbfgs])
def test_a_cost_without_a_minimum_is_suspected(minimise):
    found = minimise(lambda x: -np.sum(x**3), lambda x: -3 * x**2, np.array([1.0, 2.0]))
    assert not found.success
    assert "unbounded below" in found.message


@pytest.mark.parametrize("minimise", [bfgs, lbfgs])
def test_a_kink_is_suspected(minimise):
    found = minimise(lambda x: np.sum(np.abs(x)), np.sign, np.array([0.3, -1.7]))
    assert not found.success
    assert "Wolfe" in found.message


@pytest.mark.parametrize("minimise", [bfgs, lbfgs])
def test_too_few_steps_are_said(minimise):
    found = minimise(rosen, rosen_der, np.array([-1.2, 1.0]), max_iter=3)
    assert not found.success
    assert found.nit == 3
    assert "max_iter = 3" in found.message


START = np.array([-1.2, 1.0])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"x0": np.ones((2, 2))}, r"x0 must be a vector, got shape \(2, 2\)"),
        ({"x0": np.empty(0)}, "x0 must be a vector, got shape"),
        ({"x0": 1.0}, "x0 must be a vector, got shape"),
        ({"x0": np.array([np.nan, 1.0])}, "x0 contains NaN"),
        ({"x0": ["a", "b"]}, "could not convert"),
        ({"cost": lambda x: np.inf}, "cost must be finite at x0, got inf"),
        ({"cost": lambda x: x}, r"cost must return a number, got an array of shape \(2,\)"),
        ({"gradient": lambda x: np.full(2, np.nan)}, "gradient must be finite at x0"),
        ({"gradient": lambda x: np.ones(3)}, r"gradient must return shape \(2,\), got \(3,\)"),
        ({"tol": 0.0}, "tol must be a positive number, got 0.0"),
        ({"tol": np.nan}, "tol must be a positive number"),
        ({"max_iter": 0}, "max_iter must be an integer of at least 1"),
        ({"max_iter": 2.5}, "max_iter must be an integer"),
    ],
)
@pytest.mark.parametrize("minimise", [bfgs, lbfgs, damped_newton])
def test_bad_input_is_named(minimise, change, message):
    given = {"cost": rosen, "gradient": rosen_der, "x0": START, **change}
    if minimise is damped_newton:
        given["hessian"] = rosen_hess
    with pytest.raises(ValueError, match=message):
        minimise(**given)


@pytest.mark.parametrize("memory", [0, -1, 2.0, True])
def test_memory_is_a_positive_integer(memory):
    with pytest.raises(ValueError, match="memory must be an integer of at least 1"):
        lbfgs(rosen, rosen_der, START, memory=memory)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"direction": np.ones(3)}, r"direction must have the shape \(2,\) of x, got \(3,\)"),
        ({"direction": rosen_der(START)}, "direction must lead downhill"),
        ({"direction": np.zeros(2)}, "direction must lead downhill"),
        ({"c1": 0.95}, "c1 and c2 must satisfy"),
        ({"c2": 1.0}, "c1 and c2 must satisfy"),
        ({"first": 0.0}, "first must be a positive number"),
        ({"most": 0}, "most must be an integer of at least 1"),
    ],
)
def test_bad_input_of_the_line_search_is_named(change, message):
    given = {"direction": -rosen_der(START), **change}
    with pytest.raises(ValueError, match=message):
        wolfe_line_search(rosen, rosen_der, START, **given)


def test_newton_agrees_with_scipys_root():
    found = newton(rosen_der, rosen_hess, np.array([1.2, 1.2, 1.3]))
    theirs = optimize.root(rosen_der, np.array([1.2, 1.2, 1.3]), jac=rosen_hess, tol=1e-12)
    assert found.success
    assert_allclose(found.x, theirs.x, rtol=1e-9)
    assert found.trajectory.shape == (found.nit + 1, 3)
    assert found.njev == found.nit + 1 == found.nhev + 1


def test_newton_goes_to_a_saddle_and_says_where_it_fails():
    found = newton(lambda x: np.array([2, -2]) * x, lambda x: np.diag([2.0, -2.0]), START)
    assert found.success
    assert_allclose(found.x, 0, atol=1e-15)
    found = newton(lambda x: 4 * x**3 + 1, lambda x: np.diag(12 * x**2), np.zeros(1))
    assert not found.success
    assert "singular" in found.message
    with np.errstate(all="ignore"):
        found = newton(np.log, lambda x: np.diag(1 / x), np.array([5.0]))
    assert not found.success
    assert "not finite" in found.message
    assert_allclose(found.x, 5)
    with pytest.raises(ValueError, match=r"hessian must return shape \(2, 2\), got \(2,\)"):
        newton(rosen_der, rosen_der, START)
    with pytest.raises(ValueError, match="hessian must be finite"):
        newton(rosen_der, lambda x: np.full((2, 2), np.inf), START)
    with pytest.raises(ValueError, match="gradient must be finite at x0"):
        newton(lambda x: x + np.nan, rosen_hess, START)


@pytest.mark.parametrize("n", [2, 5, 20])
def test_damped_newton_reaches_scipys_minimum_with_no_more_work(n):
    start = np.random.default_rng(n).uniform(0.2, 1.8, n)
    ours = damped_newton(rosen, rosen_der, rosen_hess, start, tol=1e-8)
    theirs = optimize.minimize(
        rosen,
        start,
        jac=rosen_der,
        hess=rosen_hess,
        method="trust-exact",
        options={"gtol": 1e-8},
    )
    assert ours.success, ours.message
    assert_allclose(ours.x, theirs.x, rtol=1e-7)
    assert ours.nfev <= 1.5 * theirs.nfev


def test_damped_newton_leaves_a_saddle():
    def cost(v):
        return v[0] ** 2 - v[1] ** 2 + v[1] ** 4

    def gradient(v):
        return np.array([2 * v[0], -2 * v[1] + 4 * v[1] ** 3])

    def hessian(v):
        return np.diag([2.0, -2 + 12 * v[1] ** 2])

    start = np.array([1.0, 0.1])
    assert_allclose(newton(gradient, hessian, start).x, 0, atol=1e-9)
    found = damped_newton(cost, gradient, hessian, start)
    assert_allclose(found.x, [0, np.sqrt(0.5)], atol=1e-6)


def decay(t):
    """Two exponentials: the residuals' curve and its Jacobian."""

    def curve(theta):
        a, b, first, second = theta
        return a * np.exp(-t / first) + b * np.exp(-t / second)

    def jacobian(theta):
        a, b, first, second = theta
        one, two = np.exp(-t / first), np.exp(-t / second)
        return np.column_stack([one, two, a * one * t / first**2, b * two * t / second**2])

    return curve, jacobian


@pytest.mark.parametrize("damping", [1e-3, 1.0])
def test_gauss_newton_agrees_with_scipys_least_squares(damping):
    rng = np.random.default_rng(0)
    t = np.linspace(0, 20, 60)
    curve, jacobian = decay(t)
    y = curve([5.0, 2.0, 1.0, 8.0]) + 0.05 * rng.standard_normal(60)
    start = np.array([3.0, 3.0, 0.5, 12.0])
    ours = gauss_newton(lambda p: curve(p) - y, jacobian, start, damping=damping)
    theirs = optimize.least_squares(
        lambda p: curve(p) - y, start, jacobian, method="lm", xtol=1e-12, ftol=1e-12, gtol=1e-10
    )
    assert ours.success, ours.message
    assert_allclose(ours.x, theirs.x, rtol=1e-6)
    assert_allclose(60 * ours.fun, 2 * theirs.cost, rtol=1e-12)
    assert ours.nfev <= 1.5 * theirs.nfev + 2
    assert_allclose(ours.jac, 2 / 60 * jacobian(ours.x).T @ (curve(ours.x) - y), atol=1e-12)


def test_gauss_newton_without_damping_solves_a_linear_problem_in_one_step():
    rng = np.random.default_rng(0)
    X, y = rng.standard_normal((9, 3)), rng.standard_normal(9)
    found = gauss_newton(lambda t: X @ t - y, lambda t: X, np.ones(3), damping=0)
    assert found.success
    assert found.nit == 1
    assert_allclose(found.x, np.linalg.lstsq(X, y, rcond=None)[0], rtol=1e-12)


def test_gauss_newton_ends_where_the_residuals_vanish():
    found = gauss_newton(beale_residuals, beale_jacobian, np.array([1.0, 0.2]))
    assert found.success
    assert_allclose(found.x, [3, 0.5], rtol=1e-12)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"x0": 1.0}, "x0 must be a vector"),
        ({"residuals": lambda v: v[:1]}, "residuals must return a vector of at least 2 entries"),
        ({"residuals": lambda v: np.full(3, np.nan)}, "residuals must be finite at x0"),
        ({"jacobian": lambda v: np.ones((2, 3))}, r"jacobian must return shape \(3, 2\)"),
        ({"jacobian": lambda v: np.full((3, 2), np.inf)}, "jacobian must be finite"),
        ({"damping": -1.0}, "damping must be a positive number"),
        ({"tol": -1.0}, "tol must be a positive number"),
        ({"max_iter": 0}, "max_iter must be an integer of at least 1"),
    ],
)
def test_bad_input_of_gauss_newton_is_named(change, message):
    given = {"residuals": beale_residuals, "jacobian": beale_jacobian, "x0": np.ones(2), **change}
    with pytest.raises(ValueError, match=message):
        gauss_newton(**given)
