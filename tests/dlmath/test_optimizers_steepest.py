"""Rates that are found on the way: backtracking and exact line search."""

import numpy as np
import pytest
from dlmath.optimizers import GradientDescent, backtracking, exact_line_search, minimize
from dlmath.problems import Quadratic, Rosenbrock
from numpy.testing import assert_allclose, assert_array_equal
from scipy import optimize


def test_an_exact_search_goes_where_a_search_in_one_dimension_goes():
    problem = Quadratic(30, 4, seed=1)
    path, rates = exact_line_search(problem.H, problem.start, 6)
    for x, rate in zip(path[:-1], rates, strict=True):
        g = problem.gradient(x)
        found = optimize.minimize_scalar(lambda t, x=x, g=g: problem.cost(x - t * g))
        assert_allclose(rate, found.x, rtol=1e-6)
    assert_allclose(path[1:], path[:-1] - rates[:, np.newaxis] * (path[:-1] @ problem.H))


def test_shares_scale_the_rate_and_the_walk_rests_at_the_minimum():
    H = np.diag([1.0, 4.0])
    _, (whole,) = exact_line_search(H, [1.0, 1.0], 1)
    _, (part,) = exact_line_search(H, [1.0, 1.0], 1, share=0.7)
    assert_allclose(part, 0.7 * whole)
    path, rates = exact_line_search(H, [0.0, 0.0], 3)
    assert_array_equal(path, 0)
    assert_array_equal(rates, 0)


def test_backtracking_takes_the_first_rate_that_is_good_enough():
    problem = Rosenbrock()
    path, rates, trials = backtracking(
        problem.cost, problem.gradient, problem.start, 30, eta=1.0, slope=0.3, shrink=0.5
    )
    for x, rate, tried in zip(path[:-1], rates, trials, strict=True):
        g = problem.gradient(x)
        candidates = 0.5 ** np.arange(40.0)
        good = [problem.cost(x - t * g) <= problem.cost(x) - 0.3 * t * (g @ g) for t in candidates]
        first = good.index(True)
        assert (rate, tried) == (candidates[first], first + 1)
    assert (np.diff(problem.cost(path)) < 0).all()


def test_on_an_easy_cost_backtracking_is_gradient_descent():
    problem = Quadratic(5, 3, seed=2)
    path, rates, trials = backtracking(
        problem.cost, problem.gradient, problem.start, 10, eta=0.2, slope=0.5
    )
    assert_array_equal(rates, 0.2)
    assert_array_equal(trials, 1)
    assert_allclose(path, minimize(problem.gradient, problem.start, GradientDescent(0.2), 10))


def test_a_walk_stays_where_no_rate_is_good_enough():
    problem = Rosenbrock()
    path, _, trials = backtracking(problem.cost, problem.gradient, [1.0, 1.0], 3)
    assert_array_equal(path, 1)
    assert_array_equal(trials, 1)
    path, rates, _ = backtracking(lambda x: x @ x, lambda x: -2 * x, [1.0], 2)
    assert_array_equal(path, 1)
    assert_array_equal(rates, 0)


def test_a_trial_that_overflows_is_shrunk():
    def walled(x):
        return float(x @ x) if abs(x[0]) < 2 else np.nan

    path, rates, _ = backtracking(walled, lambda x: 2 * x, [1.0], 1, eta=64.0)
    assert_allclose((path[-1], rates), ([[0.0], [0.5]]))


def test_starts_are_copied():
    start = np.array([1.0, 1.0])
    exact_line_search(np.eye(2), start, 2)
    backtracking(lambda x: x @ x, lambda x: 2 * x, start, 2)
    assert_array_equal(start, 1)


def searched(**change):
    given = {"H": np.diag([1.0, 2.0]), "x0": [1.0, 1.0], "steps": 2}
    return exact_line_search(**{**given, **change})


def backtracked(**change):
    given = {"cost": lambda x: x @ x, "gradient": lambda x: 2 * x, "x0": [1.0, 1.0], "steps": 2}
    return backtracking(**{**given, **change})


@pytest.mark.parametrize(
    ("call", "change", "message"),
    [
        (searched, {"H": np.eye(3)}, r"H must have shape \(2, 2\), got \(3, 3\)"),
        (searched, {"H": np.array([[1.0, 1.0], [0.0, 1.0]])}, "symmetric and positive definite"),
        (searched, {"H": np.diag([1.0, 0.0])}, "symmetric and positive definite"),
        (searched, {"H": np.full((2, 2), np.nan)}, "H contains NaN"),
        (searched, {"x0": [[1.0]]}, r"x0 must be a vector, got shape \(1, 1\)"),
        (searched, {"steps": -1}, "steps must be an integer of at least 0, got -1"),
        (searched, {"share": 2}, "share must lie between 0 and 2, got 2"),
        (backtracked, {"x0": 1.0}, "x0 must be a vector"),
        (backtracked, {"steps": 1.5}, "steps must be an integer"),
        (backtracked, {"eta": 0}, "eta must be"),
        (backtracked, {"slope": 1}, "slope must lie strictly between 0 and 1, got 1"),
        (backtracked, {"shrink": 0}, "shrink must lie strictly between 0 and 1, got 0"),
        (backtracked, {"gradient": lambda x: x[:1]}, "gradient must return 2 finite numbers"),
        (backtracked, {"gradient": lambda x: np.nan * x}, "gradient must return 2 finite numbers"),
    ],
)
def test_bad_input_is_named(call, change, message):
    with pytest.raises(ValueError, match=message):
        call(**change)
