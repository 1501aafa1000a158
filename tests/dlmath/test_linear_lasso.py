"""The lasso's functions: what they compute by hand, where they end, and bad input."""

import numpy as np
import pytest
from dlmath import linear
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

NAN, INF = np.nan, np.inf
SEVERAL = settings(derandomize=True, deadline=None, max_examples=100, database=None)


@st.composite
def integer_problems(draw, largest=3):
    """Draw X, y and theta in small integers: full of zeros, equal columns and ties."""
    n, p = draw(st.integers(1, 6)), draw(st.integers(1, 6))
    numbers = st.integers(-largest, largest)
    return tuple(draw(arrays(float, shape, elements=numbers)) for shape in ((n, p), n, p))


@pytest.fixture
def rng():
    return np.random.default_rng(31)


@pytest.fixture
def data(rng):
    X = rng.standard_normal((30, 6)) @ (np.eye(6) + 0.4 * rng.standard_normal((6, 6)))
    return X, X @ [2.0, -1.0, 0.5, 0.0, 0.0, 0.0] + 0.5 * rng.standard_normal(30)


def excess(X, y, theta, lam):
    """Tell by how much the conditions for a minimum of the lasso are missed."""
    pull = 2 / len(y) * X.T @ (y - X @ theta)
    missed = np.where(theta == 0, np.maximum(np.abs(pull) - lam, 0), pull - lam * np.sign(theta))
    return np.max(np.abs(missed))


def test_costs_by_hand():
    X, y, theta = np.array([[1.0, 2.0], [0.0, 1.0]]), np.array([1.0, 3.0]), np.array([2.0, -1.0])
    assert linear.lasso_cost(X, y, theta, 0.0) == 8.5  # Residuals 1 and 4.
    assert linear.lasso_cost(X, y, theta, 10.0) == 38.5


def test_soft_threshold_by_hand():
    x = np.array([-3.0, -1.0, 0.0, 0.5, 1.0, 1.5])
    np.testing.assert_array_equal(linear.soft_threshold(x, 1.0), [-2, 0, 0, 0, 0, 0.5])
    np.testing.assert_array_equal(linear.soft_threshold(x, 0.0), x)
    assert linear.soft_threshold(-2.0, 0.5) == -1.5
    thresholds = np.array([1.0, 2.0, 3.0, 0.25, 0.0, 9.0])
    np.testing.assert_array_equal(linear.soft_threshold(x, thresholds), [-2, 0, 0, 0.25, 1, 0])


def test_the_smallest_penalty_that_leaves_nothing(data):
    X, y = data
    largest = linear.lambda_max(X, y)
    assert isinstance(largest, float)
    assert excess(X, y, np.zeros(6), largest) == pytest.approx(0, abs=1e-14)
    assert excess(X, y, np.zeros(6), 0.999 * largest) > 0
    assert not np.any(linear.coordinate_descent(X, y, 1.001 * largest, 1)[-1])
    assert np.any(linear.coordinate_descent(X, y, 0.999 * largest, 1)[-1])


@SEVERAL
@given(integer_problems(), st.sampled_from([0.0, 0.1, 0.5, 1.0, 3.0]))
def test_the_gap_bounds_the_distance_to_the_minimum(problem, lam):
    """No point whatever has a cost below the cost less the gap."""
    X, y, theta = problem
    bound = linear.lasso_cost(X, y, theta, lam) - linear.lasso_duality_gap(X, y, theta, lam)
    best = linear.fista(X, y, lam, 50, theta=theta)[-1]
    assert linear.lasso_cost(X, y, best, lam) >= bound - 1e-9 * (1 + y @ y)


@SEVERAL
@given(integer_problems(), st.sampled_from([0.1, 0.5, 1.0, 3.0]))
def test_the_gap_is_the_difference_of_the_two_problems(problem, lam):
    """The cost less the dual function of the shrunk residual, which is feasible."""
    X, y, theta = problem
    n = len(y)
    residual = y - X @ theta
    largest = np.max(np.abs(2 / n * X.T @ residual))
    nu = residual * min(1, lam / largest) if largest > 0 else residual
    assert np.max(np.abs(2 / n * X.T @ nu)) <= lam * (1 + 1e-12)
    dual = (y @ y - (y - nu) @ (y - nu)) / n
    gap = linear.lasso_duality_gap(X, y, theta, lam)
    assert gap == pytest.approx(linear.lasso_cost(X, y, theta, lam) - dual, abs=1e-10)
    assert gap >= 0


@pytest.mark.parametrize("lam", [0.0, 0.01, 0.3])
def test_the_gap_closes_at_the_minimum_only(data, lam):
    X, y = data
    minimum = linear.coordinate_descent(X, y, lam, 2000)[-1]
    assert linear.lasso_duality_gap(X, y, minimum, lam) == pytest.approx(0, abs=1e-14)
    for size in (1e-2, 1e-4):
        moved = minimum + size
        lost = linear.lasso_cost(X, y, moved, lam) - linear.lasso_cost(X, y, minimum, lam)
        assert linear.lasso_duality_gap(X, y, moved, lam) >= lost - 1e-12 > 0


def test_the_gap_of_least_squares_is_exact(data):
    X, y = data
    X = np.column_stack([X, X[:, 0], np.zeros(len(y))])
    theta = np.linspace(-1, 1, 8)
    best = linear.ols_cost(X, y, linear.solve_svd(X, y))
    gap = linear.lasso_duality_gap(X, y, theta, 0)
    assert gap == pytest.approx(linear.ols_cost(X, y, theta) - best, rel=1e-12)
    assert linear.lasso_duality_gap(0 * X, y, theta, 0) == 0


@pytest.mark.parametrize("method", [linear.ista, linear.fista])
@pytest.mark.parametrize("lam", [0.0, 0.02, 0.3, 100.0])
def test_proximal_steps_end_at_the_minimum(data, method, lam):
    X, y = data
    found = method(X, y, lam, 4000)[-1]
    assert excess(X, y, found, lam) == pytest.approx(0, abs=1e-9)
    np.testing.assert_allclose(found, linear.coordinate_descent(X, y, lam, 2000)[-1], atol=1e-9)


def test_one_proximal_step_by_hand():
    X, y = np.array([[2.0, 0.0], [0.0, 1.0]]), np.array([3.0, 0.25])
    for method in (linear.ista, linear.fista):
        path = method(X, y, 0.5, 1, eta=0.25)
        np.testing.assert_allclose(path, [[0, 0], [1.375, 0]])
        np.testing.assert_array_equal(method(X, y, 0.5, 0, theta=[1, 2]), [[1, 2]])


def test_the_accelerated_steps_start_beyond_the_last_point(data):
    X, y = data
    path = linear.fista(X, y, 0.1, 3, theta=np.ones(6), eta=0.01)
    t = [1.0, (1 + np.sqrt(5)) / 2]
    t.append((1 + np.sqrt(1 + 4 * t[1] ** 2)) / 2)
    for k in (1, 2):
        beyond = path[k] + (t[k - 1] - 1) / t[k] * (path[k] - path[k - 1])
        step = linear.ista(X, y, 0.1, 1, theta=beyond, eta=0.01)[1]
        np.testing.assert_allclose(path[k + 1], step, rtol=1e-12)


@pytest.mark.parametrize("scale", [1.0, 1e-3])
def test_no_step_of_the_default_length_raises_the_cost(data, scale):
    X, y = scale * data[0], scale * data[1]
    lam, start = 0.05 * scale**2, np.full(6, 9.0)
    path = linear.ista(X, y, lam, 50, theta=start)
    assert np.all(np.diff([linear.lasso_cost(X, y, theta, lam) for theta in path]) <= 0)
    d1 = np.linalg.svd(X)[1][0]
    spelt_out = linear.ista(X, y, lam, 50, theta=start, eta=30 / (2 * d1**2))
    np.testing.assert_allclose(path, spelt_out, rtol=1e-12)


@SEVERAL
@given(integer_problems(), st.sampled_from([0.0, 0.1, 0.5, 1.0, 3.0]))
def test_each_coordinate_goes_to_its_minimum(problem, lam):
    """After a sweep of one column the cost has no lower point along it."""
    X, y, theta = problem
    path = linear.coordinate_descent(X, y, lam, 3, theta=theta)
    costs = [linear.lasso_cost(X, y, point, lam) for point in path]
    assert np.all(np.diff(costs) <= 1e-12 * (1 + y @ y))
    last = path[-1]
    for step in (-1e-3, 1e-3):
        moved = last + step * (np.arange(len(last)) == len(last) - 1)
        assert linear.lasso_cost(X, y, moved, lam) >= costs[-1] - 1e-12 * (1 + y @ y)


def test_a_sweep_by_hand():
    X, y = np.array([[1.0, 1.0], [1.0, -1.0], [0.0, 2.0]]), np.array([3.0, 1.0, -3.0])
    # c = 2/3 and 2, first pull 4/3: theta_1 = (4/3 - 1/3) / (2/3). Second pull -4/3.
    path = linear.coordinate_descent(X, y, 2 / 3, 1)
    np.testing.assert_allclose(path, [[0, 0], [1.5, -0.5]])


def test_columns_of_zeros_get_no_weight(data):
    X, y = data
    X = np.column_stack([X, np.zeros(30)])
    path = linear.coordinate_descent(X, y, 0.1, 2, theta=np.ones(7))
    np.testing.assert_array_equal(path[1:, 6], 0)
    assert np.all(np.isfinite(path))
    for method in (linear.ista, linear.fista):
        np.testing.assert_array_equal(method(0 * X, y, 0.1, 3), 0)


def test_knots_by_hand():
    """Orthogonal columns: each coefficient is a soft threshold, and joins once for ever."""
    X, y = np.array([[1.0, 0.0], [0.0, 2.0]]), np.array([3.0, 1.0])
    lams, coefs = linear.lasso_knots(X, y)
    np.testing.assert_allclose(lams, [3, 2, 0])
    np.testing.assert_allclose(coefs, [[0, 0], [1, 0], [3, 0.5]])


def problems_in_general_position():
    for n, p, seed in ((30, 6, 0), (6, 12, 1), (10, 10, 2), (50, 12, 3), (8, 30, 4)):
        rng = np.random.default_rng(seed)
        X = rng.standard_normal((n, p)) @ (np.eye(p) + rng.standard_normal((p, p)) / np.sqrt(p))
        yield X, X[:, 0] - X[:, 1] + rng.standard_normal(n)
        yield X - X.mean(axis=0), rng.standard_normal(n)


def test_between_knots_the_path_is_straight_and_minimal():
    dropped = 0
    for X, y in problems_in_general_position():
        lams, coefs = linear.lasso_knots(X, y)
        assert lams[0] == pytest.approx(linear.lambda_max(X, y), rel=1e-12)
        assert lams[-1] == 0
        assert np.all(np.diff(lams) < 0)
        np.testing.assert_array_equal(coefs[0], 0)
        dropped += np.sum((coefs[1:] == 0) & (coefs[:-1] != 0))
        for k in range(len(lams) - 1):
            for share in (0.0, 0.3, 0.9, 1.0):
                lam = (1 - share) * lams[k] + share * lams[k + 1]
                theta = (1 - share) * coefs[k] + share * coefs[k + 1]
                assert excess(X, y, theta, lam) == pytest.approx(0, abs=1e-8)
        for k in range(1, len(lams) - 1):  # A knot is a bend.
            slopes = np.diff(coefs[k - 1 : k + 2], axis=0) / np.diff(lams[k - 1 : k + 2])[:, None]
            assert np.max(np.abs(slopes[1] - slopes[0])) > 1e-6
    assert dropped > 3


def test_the_path_ends_at_least_squares(data):
    X, y = data
    np.testing.assert_allclose(linear.lasso_knots(X, y)[1][-1], linear.solve_svd(X, y), rtol=1e-9)


def test_a_path_may_end_before_all_columns_have_joined(rng):
    X = rng.standard_normal((20, 5))
    theta = np.array([1.0, -2.0, 0.0, 0.0, 0.0])
    lams, coefs = linear.lasso_knots(X[:, :2], X @ theta)
    np.testing.assert_allclose(coefs[-1], [1, -2])
    lams, coefs = linear.lasso_knots(X, X @ theta)
    assert lams[-1] == 0
    np.testing.assert_allclose(coefs[-1], theta, atol=1e-9)


def test_a_target_that_no_column_sees_has_no_path():
    X = np.array([[1.0, 0.0], [0.0, 1.0], [0.0, 0.0]])
    for design in (X, 0 * X):
        lams, coefs = linear.lasso_knots(design, np.array([0.0, 0.0, 2.0]))
        np.testing.assert_array_equal(lams, [0])
        np.testing.assert_array_equal(coefs, [[0, 0]])


def test_columns_of_zeros_and_of_any_scale_have_a_path(data):
    X, y = data
    lams, coefs = linear.lasso_knots(np.column_stack([X, np.zeros(30)]), y)
    expected = linear.lasso_knots(X, y)
    np.testing.assert_allclose(lams, expected[0], atol=1e-12)
    np.testing.assert_allclose(coefs[:, :6], expected[1], atol=1e-10)
    np.testing.assert_array_equal(coefs[:, 6], 0)
    small = linear.lasso_knots(1e-9 * X, 1e-5 * y)
    np.testing.assert_allclose(1e14 * small[0], expected[0], rtol=1e-6, atol=1e-12)
    np.testing.assert_allclose(1e-4 * small[1], expected[1], rtol=1e-6, atol=1e-12)


def test_events_at_one_penalty_are_refused(data):
    X, y = data
    ties = {
        r"columns 0 and 6 .* one penalty": np.column_stack([X, X[:, 0]]),
        r"columns 1 and 6 .* one penalty": np.column_stack([X, -X[:, 1]]),
    }
    for message, design in ties.items():
        with pytest.raises(ValueError, match=message):
            linear.lasso_knots(design, y)
    with pytest.raises(ValueError, match=r"columns 0 and 1 .* at one penalty, 1: X is not in"):
        linear.lasso_knots(np.eye(2), np.ones(2))


@SEVERAL
@given(integer_problems(largest=9))
def test_a_path_is_right_or_refused(problem):
    X, y, _ = problem
    lams, coefs, refusal = [], [], "not in general position"
    try:
        lams, coefs = linear.lasso_knots(X, y)
    except ValueError as error:
        refusal = str(error)
    assert "not in general position" in refusal
    for lam, theta in zip(lams, coefs, strict=True):
        assert excess(X, y, theta, lam) < 1e-7 * (1 + linear.lambda_max(X, y))


@pytest.mark.parametrize("lam", [-1e-9, NAN, INF, "0.1", None, 1j, [1.0]])
def test_bad_penalties_are_named(data, lam):
    X, y = data
    for refuse in (
        lambda: linear.ista(X, y, lam, 3),
        lambda: linear.fista(X, y, lam, 3),
        lambda: linear.coordinate_descent(X, y, lam, 3),
        lambda: linear.lasso_duality_gap(X, y, np.zeros(6), lam),
    ):
        with pytest.raises(ValueError, match="lam must be a finite number and not negative"):
            refuse()


@pytest.mark.parametrize("steps", [-1, 2.0, "3", None])
def test_bad_numbers_of_steps_are_named(data, steps):
    X, y = data
    for method in (linear.ista, linear.fista):
        with pytest.raises(ValueError, match="steps must be an integer and not negative"):
            method(X, y, 0.1, steps)
    with pytest.raises(ValueError, match="sweeps must be an integer and not negative"):
        linear.coordinate_descent(X, y, 0.1, steps)


@pytest.mark.parametrize("eta", [0, -0.1, NAN, INF, "0.1"])
def test_bad_steps_are_named(data, eta):
    for method in (linear.ista, linear.fista):
        with pytest.raises(ValueError, match="eta must be a finite number above zero"):
            method(*data, 0.1, 3, eta=eta)
