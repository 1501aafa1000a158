"""Lasso, ElasticNet and lasso_path: the minimum by other routes, warnings, and bad input."""

import warnings

import numpy as np
import pytest
from dlmath import linear
from dlmath.linear import OLS, ElasticNet, Lasso, Ridge, _active_set, lasso_path
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import optimize, stats
from sklearn import linear_model
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils.estimator_checks import parametrize_with_checks

NAN, INF = np.nan, np.inf
SEVERAL = settings(derandomize=True, deadline=None, max_examples=100, database=None)


@pytest.fixture
def rng():
    return np.random.default_rng(32)


def problem(n, p, seed=0):
    """Draw correlated features of unlike scales, a third of which matter."""
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((n, p)) @ (np.eye(p) + rng.standard_normal((p, p)) / np.sqrt(p))
    X = X * rng.uniform(0.3, 3, p) + rng.uniform(-5, 5, p)
    theta = rng.standard_normal(p) * (np.arange(p) % 3 == 0)
    return X, X @ theta + 2 + rng.standard_normal(n)


@pytest.fixture
def data():
    return problem(40, 8)


@st.composite
def integer_problems(draw):
    """Draw X and y in small integers: full of columns that are constant or depend on others."""
    n, p = draw(st.integers(1, 6)), draw(st.integers(1, 6))
    numbers = st.integers(-2, 2)
    return draw(arrays(float, (n, p), elements=numbers)), draw(arrays(float, n, elements=numbers))


def excess(X, y, theta, l1, l2=0.0, weight=None):
    """Tell by how much the conditions for a minimum are missed."""
    weight = np.ones(len(y)) if weight is None else weight
    residual = y - X @ theta
    pull = 2 * X.T @ (weight * residual) / weight.sum() - 2 * l2 * theta
    missed = np.where(theta == 0, np.maximum(np.abs(pull) - l1, 0), pull - l1 * np.sign(theta))
    return np.max(np.abs(missed), initial=0)


# Two of scikit-learn's checks need packages or settings that the book does not.
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.SkipTestWarning")
@parametrize_with_checks(
    [Lasso(), Lasso(lam=0.01, fit_intercept=False), ElasticNet(), ElasticNet(l1=0.01, l2=0.01)]
)
def test_is_an_estimator(estimator, check):
    check(estimator)


# Theirs stops where its own gap is all rounding errors, and complains.
TO_THE_LAST_DIGIT = {"tol": 1e-15, "max_iter": 100_000}
their_complaint = pytest.mark.filterwarnings("ignore:Objective did not converge")


def agrees(ours, theirs):
    return np.allclose(ours.coef_, theirs.coef_, rtol=1e-9, atol=1e-11) and np.allclose(
        ours.intercept_, theirs.intercept_, rtol=1e-9, atol=1e-9
    )


@their_complaint
@pytest.mark.parametrize("fit_intercept", [True, False])
@pytest.mark.parametrize("lam", [0.003, 0.1, 1.0])
def test_alpha_of_scikit_learn_s_lasso_is_half_of_lambda(data, lam, fit_intercept):
    X, y = data
    for weight in (None, np.linspace(0, 2, len(y)), 1 + np.arange(len(y)) % 4):
        ours = Lasso(lam, fit_intercept=fit_intercept).fit(X, y, sample_weight=weight)

        def theirs(alpha, weight=weight):
            model = linear_model.Lasso(alpha, fit_intercept=fit_intercept, **TO_THE_LAST_DIGIT)
            return model.fit(X, y, sample_weight=weight)

        assert agrees(ours, theirs(lam / 2))
        for wrong in (lam, lam / 4, lam / 2 * 41 / 40):
            assert not agrees(ours, theirs(wrong))


@their_complaint
@pytest.mark.parametrize("fit_intercept", [True, False])
@pytest.mark.parametrize(("l1", "l2"), [(0.1, 0.3), (1.0, 0.01), (0.01, 2.0)])
def test_the_map_to_scikit_learn_s_elastic_net(data, l1, l2, fit_intercept):
    X, y = data
    for weight in (None, np.linspace(0, 2, len(y))):
        ours = ElasticNet(l1, l2, fit_intercept=fit_intercept).fit(X, y, sample_weight=weight)

        def theirs(alpha, l1_ratio, weight=weight):
            model = linear_model.ElasticNet(
                alpha, l1_ratio=l1_ratio, fit_intercept=fit_intercept, **TO_THE_LAST_DIGIT
            )
            return model.fit(X, y, sample_weight=weight)

        alpha = l1 / 2 + l2
        assert agrees(ours, theirs(alpha, l1 / 2 / alpha))
        for wrong in ((l1 + l2, l1 / (l1 + l2)), ((l1 + l2) / 2, l1 / (l1 + l2)), (alpha, l1)):
            assert not agrees(ours, theirs(*wrong))


@their_complaint
def test_the_smallest_penalty_of_scikit_learn_that_leaves_nothing(data):
    X, y = data
    largest = linear.lambda_max(X - X.mean(axis=0), y - y.mean())
    for scale, leaves_nothing in ((1 + 1e-9, True), (1 - 1e-6, False)):
        ours = Lasso(scale * largest).fit(X, y)
        theirs = linear_model.Lasso(scale * largest / 2, **TO_THE_LAST_DIGIT).fit(X, y)
        assert np.any(ours.coef_) != leaves_nothing
        assert np.any(theirs.coef_) != leaves_nothing
    for wrong in (largest / 4, 2 * linear.lambda_max(X, y)):
        assert abs(wrong / (largest / 2) - 1) > 0.1
    assert Lasso(largest).fit(X, y).intercept_ == pytest.approx(y.mean())


def test_the_width_of_a_laplacian_prior(rng):
    """The minimum is the most probable theta under the densities of SciPy."""
    X, s, b = rng.standard_normal((12, 3)), 0.8, 0.3
    y = X @ [0.9, 0.0, -0.1] + s * rng.standard_normal(12)

    def log_posterior(theta):
        prior = stats.laplace.logpdf(theta, scale=b).sum(axis=-1)
        return stats.norm.logpdf(y - theta @ X.T, scale=s).sum(axis=-1) + prior

    ways = 3e-3 * rng.standard_normal((5000, 3)) * (rng.random((5000, 3)) < 0.6)

    def is_most_probable(lam):
        theta = Lasso(lam, fit_intercept=False).fit(X, y).coef_
        return np.all(log_posterior(theta + ways) <= log_posterior(theta) + 1e-12)

    assert is_most_probable(2 * s**2 / (12 * b))
    for wrong in (s**2 / (12 * b), 2 * s**2 / b, 2 * s / (12 * b), 2 * s**2 / (12 * b**2)):
        assert not is_most_probable(wrong)


@SEVERAL
@given(integer_problems(), st.sampled_from([0.1, 0.5, 1.0, 2.0]), st.sampled_from([0, 0.1, 1.0]))
def test_the_conditions_for_a_minimum_hold(integers, l1, l2):
    X, y = integers
    weight = 1.0 + np.arange(len(y)) % 3
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="the minimiser for the penalty")
        for fit_intercept in (True, False):
            model = ElasticNet(l1, l2, fit_intercept=fit_intercept).fit(X, y, sample_weight=weight)
            A, b = X, y
            if fit_intercept:
                A, b = (v - np.average(v, axis=0, weights=weight) for v in (X, y))
                middle = np.average(y - X @ model.coef_, weights=weight)
                assert model.intercept_ == pytest.approx(middle, abs=1e-9)
            else:
                assert model.intercept_ == 0
            assert excess(A, b, model.coef_, l1, l2, weight) < 1e-8


def largest_difference(X, theta):
    """Bound how far apart two minimisers are, by linear programs.

    All minimisers fit the same values and have the same sum of absolute values.
    """
    p = len(theta)
    equal = np.vstack([np.hstack([X, -X]), np.ones(2 * p)])
    sides = np.r_[X @ theta, np.abs(theta).sum()]
    widths = []
    for j in range(p):
        ends = []
        for sign in (1.0, -1.0):
            cost = np.zeros(2 * p)
            cost[[j, p + j]] = sign, -sign
            program = optimize.linprog(cost, A_eq=equal, b_eq=sides, options={"presolve": False})
            assert program.success
            ends.append(sign * program.fun)
        widths.append(ends[1] - ends[0])
    return max(widths)


@SEVERAL
@given(integer_problems(), st.sampled_from([0.03, 0.3, 0.5, 1.0, 2.0]))
def test_a_minimiser_that_is_not_unique_is_announced(integers, share):
    X, y = integers
    lam = share * (linear.lambda_max(X, y) or 1.0)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        theta = Lasso(lam, fit_intercept=False).fit(X, y).coef_
    announced = ["not unique" in str(warning.message) for warning in caught]
    assert announced in ([], [True])
    assert bool(announced) == (largest_difference(X, theta) > 1e-6)


@pytest.mark.parametrize("sign", [1, -1])
def test_equal_columns_share_a_coefficient_as_they_like(data, sign):
    X, y = data
    twins = np.column_stack([X, sign * X[:, 0]])
    alone = Lasso(0.1).fit(X, y)
    with pytest.warns(UserWarning, match=r"for the penalty 0\.1 is not unique"):
        model = Lasso(0.1).fit(twins, y)
    assert model.coef_[0] + sign * model.coef_[8] == pytest.approx(alone.coef_[0], rel=1e-9)
    np.testing.assert_allclose(model.predict(twins), alone.predict(X), rtol=1e-9)
    net = ElasticNet(0.1, 0.05).fit(twins, y)  # Strictly convex: one minimiser, which is fair.
    assert net.coef_[0] == pytest.approx(sign * net.coef_[8], rel=1e-9)


def test_dependent_features_that_stay_out_do_no_harm(data):
    X, y = data
    largest = linear.lambda_max(X - X.mean(axis=0), y - y.mean())
    first = Lasso(0.9 * largest).fit(X, y)
    (out,) = np.nonzero(first.coef_ == 0)
    model = Lasso(0.9 * largest).fit(np.column_stack([X, X[:, out[0]]]), y)
    np.testing.assert_allclose(model.coef_[:8], first.coef_, rtol=1e-9)


@pytest.mark.parametrize("p", [8, 60])
def test_more_features_than_samples_are_no_reason_to_warn(p):
    X, y = problem(20, p)
    A, b = X - X.mean(axis=0), y - y.mean()
    lam = linear.lambda_max(A, b) / 50
    model = Lasso(lam).fit(X, y)
    assert excess(A, b, model.coef_, lam) < 1e-9
    assert model.dual_gap_ == pytest.approx(
        linear.lasso_duality_gap(A, b, model.coef_, lam), abs=1e-12
    )


def test_no_absolute_values_is_ridge_and_nothing_is_least_squares(data):
    X, y = data
    weight = np.linspace(0, 2, len(y))
    ridge = Ridge(0.3).fit(X, y, sample_weight=weight)
    net = ElasticNet(0, 0.3).fit(X, y, sample_weight=weight)
    np.testing.assert_allclose(net.coef_, ridge.coef_, rtol=1e-9)
    assert net.intercept_ == pytest.approx(ridge.intercept_)
    assert net.dual_gap_ == pytest.approx(0, abs=1e-20)
    ols = OLS().fit(X, y)
    for model in (Lasso(0), ElasticNet(0, 0)):
        np.testing.assert_allclose(model.fit(X, y).coef_, ols.coef_, rtol=1e-9)
    wide, target = problem(6, 9)
    with pytest.warns(UserWarning, match="penalty 0 is not unique"):
        model = Lasso(0).fit(wide, target)
    np.testing.assert_allclose(model.coef_, OLS().fit(wide, target).coef_, rtol=1e-8)
    assert ElasticNet(0, 1e-6).fit(wide, target).n_iter_ == 1  # Unique, and no warning.


def test_the_lasso_is_an_elastic_net_without_squares(data):
    X, y = data
    lasso, net = Lasso(0.2).fit(X, y), ElasticNet(0.2, 0.0).fit(X, y)
    np.testing.assert_array_equal(lasso.coef_, net.coef_)


def test_the_elastic_net_is_a_lasso_with_more_rows(data):
    X, y = data
    n, p = X.shape
    l1, l2 = 0.2, 0.4
    net = ElasticNet(l1, l2, fit_intercept=False).fit(X, y)
    rows = np.vstack([X, np.sqrt(n * l2) * np.eye(p)]), np.r_[y, np.zeros(p)]
    # There are n + p of them, but the cost has 1/n.
    lasso = Lasso(l1 * n / (n + p), fit_intercept=False).fit(*rows)
    np.testing.assert_allclose(net.coef_, lasso.coef_, rtol=1e-9)
    stopped = ElasticNet(l1, l2, fit_intercept=False, max_iter=1)
    with pytest.warns(ConvergenceWarning):
        stopped.fit(X, y)
    gap = linear.lasso_duality_gap(*rows, stopped.coef_, l1 * n / (n + p)) * (n + p) / n
    assert stopped.dual_gap_ == pytest.approx(gap, rel=1e-9)


def test_weights_are_repetitions(data):
    X, y = data
    times = np.arange(len(y)) % 3
    weighted = ElasticNet(0.1, 0.2).fit(X, y, sample_weight=times)
    repeated = ElasticNet(0.1, 0.2).fit(X.repeat(times, axis=0), y.repeat(times))
    np.testing.assert_allclose(weighted.coef_, repeated.coef_, rtol=1e-9, atol=1e-12)
    assert weighted.intercept_ == pytest.approx(repeated.intercept_)
    scaled = ElasticNet(0.1, 0.2).fit(X, y, sample_weight=7.0 * times)
    np.testing.assert_allclose(weighted.coef_, scaled.coef_, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("value", [0.0, 0.1, 1e8 + 0.1])
def test_features_that_do_not_vary_get_no_weight(data, value):
    X, y = data
    model = Lasso(1e-9).fit(np.column_stack([X, np.full(len(y), value)]), y)
    assert model.coef_[8] == 0
    np.testing.assert_allclose(model.coef_[:8], OLS().fit(X, y).coef_, rtol=1e-6)
    assert Lasso(0.1).fit(np.full((40, 2), value), y).intercept_ == pytest.approx(y.mean())


def test_a_target_that_does_not_vary_needs_no_feature(data):
    model = Lasso(0.1).fit(data[0], np.full(40, 0.1))
    np.testing.assert_array_equal(model.coef_, 0)
    assert (model.intercept_, model.dual_gap_, model.n_iter_) == (pytest.approx(0.1), 0, 1)


def test_too_few_steps_are_announced():
    X, y = problem(100, 60)
    A, b = X - X.mean(axis=0), y - y.mean()
    lam = linear.lambda_max(A, b) / 100
    complete = Lasso(lam).fit(X, y)
    assert complete.n_iter_ > 2
    for steps in (1, 2):
        with pytest.warns(ConvergenceWarning, match=f"1 of 1 penalties: after {steps} steps"):
            model = Lasso(lam, max_iter=steps).fit(X, y)
        assert model.n_iter_ == steps
        gap = linear.lasso_duality_gap(A, b, model.coef_, lam)
        assert gap > 1e-8 * (b @ b) / len(b)
        assert model.dual_gap_ == pytest.approx(gap, rel=1e-9)
    assert Lasso(lam, max_iter=steps, tol=1e3).fit(X, y).n_iter_ == steps
    assert complete.dual_gap_ < 1e-14 * (b @ b) / len(b)


def monomials():
    """Polynomials that are all but dependent: monomials on [0, 1]."""
    x = np.linspace(0, 1, 40)
    return np.vander(x, 26, increasing=True)[:, 1:], np.cos(9 * x)


@pytest.mark.parametrize("share", [1e-2, 1e-4, 1e-6])
def test_where_precision_ends_the_gap_says_so(share):
    X, y = monomials()
    A, b = X - X.mean(axis=0), y - y.mean()
    lam = share * linear.lambda_max(A, b)
    for tol in (1e-6, 1e-15):
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            model = Lasso(lam, tol=tol).fit(X, y)
        gap = linear.lasso_duality_gap(A, b, model.coef_, lam)
        assert model.dual_gap_ == pytest.approx(gap, rel=1e-3, abs=1e-10)
        missed = [w for w in caught if issubclass(w.category, ConvergenceWarning)]
        assert bool(missed) == (model.dual_gap_ > tol * b @ b / len(b))
        assert model.dual_gap_ < 1e-6 * b @ b / len(b)
        assert model.n_iter_ < 300


PROBLEMS = [
    pytest.param(*problem(60, 20), id="more samples"),
    pytest.param(*problem(15, 40), id="more features"),
    pytest.param(*problem(12, 12), id="as many"),
    pytest.param(
        np.random.default_rng(5).integers(-1, 2, (8, 20)).astype(float),
        np.random.default_rng(6).integers(-2, 3, 8).astype(float),
        id="integers",
    ),
    pytest.param(np.repeat(problem(20, 6)[0], 3, axis=1), problem(20, 6)[1], id="triplets"),
]


@pytest.mark.parametrize(("X", "y"), PROBLEMS)
@pytest.mark.parametrize("share", [0.9, 0.3, 0.01, 1e-4])
@pytest.mark.parametrize("l2", [0.0, 1e-3])
@pytest.mark.filterwarnings("ignore:the minimiser for the penalty")
def test_each_way_to_the_minimum_suffices_alone(monkeypatch, X, y, share, l2):
    """Guesses first; steps that lower the cost; steps that add one feature at most."""
    lam = share * linear.lambda_max(X, y)
    fits = []
    for rounds, width in ((20, 10), (0, 10), (0, 1)):
        monkeypatch.setattr(_active_set, "ROUNDS", rounds)
        monkeypatch.setattr(_active_set, "WIDTH", width)
        model = ElasticNet(lam, l2, fit_intercept=False).fit(X, y)
        assert excess(X, y, model.coef_, lam, l2) < 1e-8 * linear.lambda_max(X, y)
        assert model.n_iter_ < 500
        fits.append(model.predict(X))
    np.testing.assert_allclose(fits[1], fits[0], atol=1e-7 * np.max(np.abs(y)))
    np.testing.assert_allclose(fits[2], fits[0], atol=1e-7 * np.max(np.abs(y)))


def moved(A, b, l1, theta, signs):
    """Move from theta towards the solution for the signs, with n = 1."""
    squares = _active_set.PenalisedSquares(A, b, 1, 0.0)
    theta, signs = np.array(theta), np.array(signs)
    return _active_set._move(squares, l1, theta, squares.correlations(theta), signs)


def test_a_move_ends_where_a_coefficient_vanishes():
    """With A = I and b = (1, 2, 5) the solution for positive signs and l1 = 4 is (-1, 0, 3)."""
    A, b = np.eye(3), np.array([1.0, 2.0, 5.0])
    point = moved(A, b, 4.0, [1.0, 4.0, 1.0], [1.0, 1.0, 1.0])
    np.testing.assert_allclose(point.theta, [0, 2, 2])
    assert point.theta[0] == 0
    assert not point.exact
    np.testing.assert_array_equal(point.slope, 0)


def test_coefficients_that_vanish_together_leave_together():
    A, b = np.eye(3), np.array([1.0, 1.0, 5.0])
    point = moved(A, b, 4.0, [1.0, 1 + 1e-12, 1.0], [1.0, 1.0, 1.0])
    np.testing.assert_array_equal(point.theta, [0, 0, 2])
    # So close to each other that rounding errors might decide, but no further apart.
    point = moved(A, b, 4.0, [1.0, 1 + 1e-6, 1.0], [1.0, 1.0, 1.0])
    assert point.theta[1] == pytest.approx(1e-6 / 2, rel=1e-3)


def test_a_move_that_nothing_hinders_is_exact():
    A, b = np.eye(3), np.array([5.0, -7.0, 5.0])
    point = moved(A, b, 4.0, [1.0, -1.0, 0.0], [1.0, -1.0, 0.0])
    np.testing.assert_allclose(point.theta, [3, -5, 0])
    np.testing.assert_allclose(point.slope, [0.5, -0.5, 0])
    assert point.exact
    nothing = moved(A, b, 30.0, [1.0, 0.0, 0.0], [1.0, 0.0, 0.0])
    np.testing.assert_array_equal(nothing.theta, 0)
    assert nothing.exact


@pytest.mark.parametrize("scale", [1.0, 1e-4])
def test_a_move_with_dependent_columns_leaves_the_fit_alone(scale):
    """The third column is the sum of the first two, and dearer by half than they together."""
    A = scale * np.array([[1.0, 0.0, 1.0], [0.0, 1.0, 1.0], [0.0, 0.0, 0.0]])
    start = np.array([1.0, 2.0, 0.0]) / scale
    b = A @ start + 0.5 / scale * np.array([1.0, 1.0, 0.0])  # Exact for l1 = 1.
    point = moved(A, b, 1.0, start, [1.0, 1.0, 1.0])
    np.testing.assert_allclose(scale * point.theta, [0, 1, 1], rtol=1e-8)
    assert point.theta[0] == 0
    assert not point.exact


def test_ties_do_not_hold_up_the_descent(monkeypatch):
    """Where many columns are equal or opposite, coefficients vanish in groups."""
    monkeypatch.setattr(_active_set, "ROUNDS", 0)
    for seed in range(40):
        rng = np.random.default_rng(seed)
        A = rng.standard_normal((16, 12))[:, rng.integers(0, 12, 40)] * rng.choice([-1, 1], 40)
        b = rng.standard_normal(16)
        lam = 0.02 * linear.lambda_max(A, b)
        model = ElasticNet(lam, 1e-6 * lam, fit_intercept=False, tol=1e-10).fit(A, b)
        assert excess(A, b, model.coef_, lam, 1e-6 * lam) < 1e-8


@pytest.mark.parametrize(("n", "p"), [(9, 4), (4, 9)])
def test_the_quadratic_form_is_the_cost(rng, n, p):
    A, b, l1, l2 = rng.standard_normal((n, p)), rng.standard_normal(n), 0.3, 0.7
    squares = _active_set.PenalisedSquares(A, b, 1.5 * n, l2)

    def cost(theta):
        residual = b - A @ theta
        return residual @ residual / (1.5 * n) + l1 * np.abs(theta).sum() + l2 * theta @ theta

    one, other = rng.standard_normal((2, p)) * (rng.random((2, p)) < 0.7)
    c, other_c = squares.correlations(one), squares.correlations(other)
    np.testing.assert_allclose(c, 2 * A.T @ (b - A @ one) / (1.5 * n) - 2 * l2 * one, rtol=1e-12)
    change = squares.change(one, c, other, other_c, l1)
    assert change == pytest.approx(cost(other) - cost(one), rel=1e-12)
    assert squares.scale == pytest.approx(cost(np.zeros(p)))
    whole = A.T @ A / (1.5 * n) + l2 * np.eye(p)
    some = np.array([3, 0])
    np.testing.assert_allclose(squares.block(some), whole[np.ix_(some, some)], rtol=1e-12)


@pytest.mark.parametrize(("n", "p"), [(60, 12), (12, 30)])
def test_a_path_passes_through_the_knots(n, p):
    X, y = problem(n, p)
    A, b = X - X.mean(axis=0), y - y.mean()
    knots, corners = linear.lasso_knots(A, b)
    lams = np.r_[2 * knots[0], np.geomspace(knots[0], knots[0] / 3000, 60)]
    path = lasso_path(X, y, lams)
    exact = np.array([np.interp(lams, knots[::-1], corners[::-1, j]) for j in range(p)]).T
    np.testing.assert_allclose(path.coefs, exact, atol=1e-9)
    np.testing.assert_allclose(path.intercepts, y.mean() - exact @ X.mean(axis=0), atol=1e-8)
    np.testing.assert_array_equal(path.lams, lams)
    gaps = [linear.lasso_duality_gap(A, b, *point) for point in zip(exact, lams, strict=True)]
    np.testing.assert_allclose(path.gaps, gaps, atol=1e-10)
    assert np.max(path.gaps) <= 1e-8 * b @ b / n


@pytest.mark.parametrize("fit_intercept", [True, False])
def test_a_path_is_one_fit_after_the_other(data, fit_intercept):
    X, y = data
    lams = np.r_[np.geomspace(3, 1e-3, 20), 0.0]
    path = lasso_path(X, y, lams, fit_intercept=fit_intercept)
    for lam, coef, intercept in zip(lams, path.coefs, path.intercepts, strict=True):
        model = Lasso(lam, fit_intercept=fit_intercept).fit(X, y)
        np.testing.assert_allclose(coef, model.coef_, atol=1e-10)
        assert intercept == pytest.approx(model.intercept_, abs=1e-9)


@their_complaint
def test_a_path_agrees_with_scikit_learn(data):
    X, y = data[0] - data[0].mean(axis=0), data[1] - data[1].mean()
    lams = np.geomspace(3, 1e-3, 20)
    ours = lasso_path(X, y, lams, fit_intercept=False)
    alphas, theirs, _ = linear_model.lasso_path(
        X, y, alphas=lams / 2, precompute=False, **TO_THE_LAST_DIGIT
    )
    np.testing.assert_allclose(2 * alphas, ours.lams)
    np.testing.assert_allclose(ours.coefs, theirs.T, rtol=1e-9, atol=1e-11)


def test_a_path_takes_few_steps(data):
    """Where no feature joins or leaves, the last solution is carried on along its line."""
    X, y = data
    A, b = X - X.mean(axis=0), y - y.mean()
    squares = _active_set.PenalisedSquares(A, b, 40, 0.0)
    (first, second, *_), corners = linear.lasso_knots(A, b)
    start = _active_set.zero(squares)
    near = _active_set.minimise(squares, 0.1 * second + 0.9 * first, start, 1e-8, 99)
    assert near.steps == 1
    start = near.point.extrapolate(0.8 * (first - second))
    far = _active_set.minimise(squares, 0.9 * second + 0.1 * first, start, 1e-8, 99)
    assert far.steps == 0
    np.testing.assert_allclose(far.point.theta, 0.9 * corners[1], atol=1e-12)


def test_a_path_announces_what_it_misses():
    X, y = problem(30, 10)
    lams = [1e3, 0.5, 0.1]
    with pytest.warns(ConvergenceWarning, match=r"2 of 3 penalties: after 1 steps for 0\.1 the"):
        path = lasso_path(X, y, lams, max_iter=1)
    missed = path.gaps > 1e-8 * np.var(y)
    np.testing.assert_array_equal(missed, [False, True, True])
    with pytest.warns(UserWarning, match=r"the penalty 0\.5 is not unique") as caught:
        lasso_path(np.column_stack([X, X]), y, lams)
    assert len(caught) == 1
    assert caught[0].filename == __file__
    with pytest.warns(UserWarning, match="not unique") as caught:
        Lasso(0.1).fit(np.column_stack([X, X]), y)
    assert caught[0].filename == __file__


@pytest.mark.parametrize("model", [Lasso(0.2), ElasticNet(0.2, 0.1)])
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"X": [[0.0], [1.0], [NAN]]}, "Input X contains NaN"),
        ({"y": [0.0, 1.0, INF]}, "Input y contains infinity"),
        ({"y": [0.0, 1.0]}, "inconsistent numbers of samples"),
        ({"y": np.zeros((3, 2))}, "y should be a 1d array"),
        ({"X": [0.0, 1.0, 2.0]}, "Expected 2D array"),
        ({"sample_weight": [1.0, -1.0, 1.0]}, "sample_weight must not be negative"),
        ({"sample_weight": [0.0, 0.0, 0.0]}, "sample_weight must not sum to zero"),
        ({"sample_weight": [1.0, 1.0]}, r"sample_weight must have shape \(3,\), got \(2,\)"),
    ],
)
def test_bad_input_is_named_and_leaves_the_fit_alone(model, arguments, message):
    good = {"X": [[0.0, 1.0], [1.0, 0.0], [2.0, 5.0]], "y": [1.0, 3.0, 5.0]}
    fitted = type(model)(**model.get_params()).fit(**good)
    before = {name: np.copy(value) for name, value in vars(fitted).items()}
    bad = {"X": [[0.0], [1.0], [2.0]], "y": [1.0, 3.0, 5.0]} | arguments
    for estimator in (model, fitted):
        with pytest.raises(ValueError, match=message):
            estimator.fit(**bad)
    assert set(vars(model)) == set(model.get_params())
    assert set(vars(fitted)) == set(before)
    for name, value in before.items():
        np.testing.assert_array_equal(getattr(fitted, name), value)


@pytest.mark.parametrize("penalty", [-1e-9, NAN, INF, "0.1", None])
def test_bad_penalties_are_named(data, penalty):
    for name, model in (
        ("lam", Lasso(penalty)),
        ("l1", ElasticNet(l1=penalty)),
        ("l2", ElasticNet(l2=penalty)),
    ):
        with pytest.raises(ValueError, match=f"{name} must be a finite number and not negative"):
            model.fit(*data)


@pytest.mark.parametrize(
    ("lams", "message"),
    [
        ([], "at least one number"),
        (1.0, "at least one number"),
        ([1.0, -1.0], "lams must not be negative"),
        ([1.0, NAN], "Input lams contains NaN"),
        ([INF, 1.0], "Input lams contains infinity"),
        ([0.1, 1.0], "lams must be strictly decreasing"),
        ([1.0, 1.0], "lams must be strictly decreasing"),
    ],
)
def test_bad_lists_of_penalties_are_named(data, lams, message):
    with pytest.raises(ValueError, match=message):
        lasso_path(*data, lams)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"tol": 0}, "tol must be a finite number above zero"),
        ({"tol": NAN}, "tol must be a finite number above zero"),
        ({"tol": "small"}, "tol must be a finite number above zero"),
        ({"max_iter": 0}, "max_iter must be at least 1"),
        ({"max_iter": -1}, "max_iter must be an integer and not negative"),
        ({"max_iter": 10.0}, "max_iter must be an integer and not negative"),
    ],
)
def test_bad_ends_are_named(data, arguments, message):
    for attempt in (
        lambda: Lasso(0.1, **arguments).fit(*data),
        lambda: ElasticNet(0.1, 0.1, **arguments).fit(*data),
        lambda: lasso_path(*data, [0.1], **arguments),
    ):
        with pytest.raises(ValueError, match=message):
            attempt()
