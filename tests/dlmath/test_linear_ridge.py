"""Ridge regression: agreement with other routes, scikit-learn's contract, and bad input."""

import numpy as np
import pytest
from dlmath import linear
from dlmath.linear import OLS, Ridge
from scipy import linalg, stats
from sklearn import linear_model
from sklearn.utils.estimator_checks import parametrize_with_checks

NAN, INF = np.nan, np.inf


@pytest.fixture
def rng():
    return np.random.default_rng(30)


@pytest.fixture
def data(rng):
    X = rng.standard_normal((40, 5)) * [1, 5, 0.2, 1, 3] + [0, 30, -2, 0, 1]
    return X, X @ [1.0, -0.5, 3.0, 0.0, 0.2] + 2 + 0.3 * rng.standard_normal(40)


@pytest.fixture
def deficient(rng):
    """Seven columns of rank 4."""
    X = rng.standard_normal((12, 4))
    return np.column_stack([X, X[:, 0] - X[:, 1], 2 * X[:, 2], np.zeros(12)])


# Two of scikit-learn's checks need packages or settings that the book does not.
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.SkipTestWarning")
@parametrize_with_checks([Ridge(), Ridge(lam=0.01, fit_intercept=False)])
def test_is_an_estimator(estimator, check):
    check(estimator)


@pytest.mark.parametrize("fit_intercept", [True, False])
@pytest.mark.parametrize("lam", [1e-6, 0.1, 10.0])
def test_alpha_of_scikit_learn_is_n_lambda(data, lam, fit_intercept):
    X, y = data
    for weight in (None, np.linspace(0, 2, len(y))):
        n = len(y) if weight is None else weight.sum()
        ours = Ridge(lam, fit_intercept=fit_intercept).fit(X, y, sample_weight=weight)

        def theirs(alpha, weight=weight):
            model = linear_model.Ridge(alpha, fit_intercept=fit_intercept, solver="cholesky")
            return model.fit(X, y, sample_weight=weight)

        right = theirs(n * lam)
        np.testing.assert_allclose(ours.coef_, right.coef_, rtol=1e-9, atol=1e-12)
        np.testing.assert_allclose(ours.intercept_, right.intercept_, rtol=1e-9)
        np.testing.assert_allclose(ours.predict(X), right.predict(X), rtol=1e-9)
        for wrong in (lam, lam / n, n * lam / 2, (n + 1) * lam):
            assert not np.allclose(ours.coef_, theirs(wrong).coef_, rtol=1e-9, atol=1e-12)
        if weight is not None:
            by_count = theirs(len(y) * lam + 5 * lam)
            assert not np.allclose(ours.coef_, by_count.coef_, rtol=1e-9, atol=1e-12)


def test_the_width_of_a_gaussian_prior(data, rng):
    """The mean of the posterior, by conditioning the joint distribution of theta and y."""
    X, _ = data
    s, tau = 0.7, 0.4
    y = X @ (tau * rng.standard_normal(5)) + s * rng.standard_normal(len(X))

    def posterior(tau2, s2):
        return tau2 * X.T @ np.linalg.solve(tau2 * X @ X.T + s2 * np.eye(len(X)), y)

    def ours(lam):
        return Ridge(lam, fit_intercept=False).fit(X, y).coef_

    n = len(y)
    np.testing.assert_allclose(ours(s**2 / (n * tau**2)), posterior(tau**2, s**2), rtol=1e-9)
    for lam in (s**2 / tau**2, s / (n * tau), tau**2 / (n * s**2), s**2 / (2 * n * tau**2)):
        assert not np.allclose(ours(lam), posterior(tau**2, s**2), rtol=1e-6)


def test_routes_to_the_minimiser_agree(data):
    X, y = data
    lams = np.array([3.0, 0.01, 0.0, 1.0])
    path = linear.ridge_path(X, y, lams)
    assert path.shape == (4, 5)
    for lam, theta in zip(lams, path, strict=True):
        np.testing.assert_allclose(linear.solve_ridge(X, y, lam), theta, rtol=1e-8)
        model = Ridge(lam, fit_intercept=False).fit(X, y)
        np.testing.assert_allclose(model.coef_, theta, rtol=1e-9)
        assert linear.ridge_gradient(X, y, theta, lam) == pytest.approx(np.zeros(5), abs=1e-8)
        n = len(y)
        extended = np.vstack([X, np.sqrt(n * lam) * np.eye(5)]), np.r_[y, np.zeros(5)]
        np.testing.assert_allclose(linalg.lstsq(*extended)[0], theta, rtol=1e-9)
    several = linear.solve_ridge(X, np.column_stack([y, -y]), 1.0)
    np.testing.assert_allclose(several, np.column_stack([path[3], -path[3]]), rtol=1e-8)


def test_the_gradient_is_that_of_the_cost(data, rng):
    X, y = data
    theta, way, h = rng.standard_normal(5), rng.standard_normal(5), 1e-3
    costs = [linear.ridge_cost(X, y, theta + sign * h * way, 2.0) for sign in (1, -1)]
    slope = linear.ridge_gradient(X, y, theta, 2.0) @ way
    assert (costs[0] - costs[1]) / (2 * h) == pytest.approx(slope, rel=1e-9)  # Exact: a parabola.
    spelt_out = np.mean((y - X @ theta) ** 2) + 2 * np.sum(theta**2)
    assert linear.ridge_cost(X, y, theta, 2.0) == pytest.approx(spelt_out)


def test_without_a_penalty_it_is_least_squares_of_minimum_norm(deficient, rng):
    y = rng.standard_normal(12)
    expected = linalg.pinv(deficient) @ y
    np.testing.assert_allclose(linear.ridge_path(deficient, y, [0.0])[0], expected, atol=1e-12)
    with pytest.warns(
        UserWarning, match="not unique: lam is 0 and the 7 features have rank 4"
    ) as caught:
        model = Ridge(0, fit_intercept=False).fit(deficient, y)
    assert caught[0].filename == __file__
    np.testing.assert_allclose(model.coef_, expected, atol=1e-12)
    assert model.dof_ == pytest.approx(4)
    nearly = linear.ridge_path(deficient, y, [1e-10])[0]
    np.testing.assert_allclose(nearly, expected, atol=1e-8)


def test_without_a_penalty_full_rank_is_no_reason_to_warn(data):
    X, y = data
    ridge, ols = Ridge(0.0).fit(X, y), OLS().fit(X, y)
    np.testing.assert_allclose(ridge.coef_, ols.coef_, rtol=1e-9)
    np.testing.assert_allclose(ridge.intercept_, ols.intercept_, rtol=1e-9)
    assert ridge.dof_ == pytest.approx(ols.rank_)


def test_degrees_of_freedom_are_the_trace_of_the_hat_matrix(data, deficient):
    X, y = data
    for design, lam in ((X, 0.3), (deficient, 0.05), (deficient, 0.0)):
        n, p = design.shape
        hat = design @ linalg.pinv(design.T @ design + n * lam * np.eye(p)) @ design.T
        found = linear.ridge_degrees_of_freedom(design, lam)
        assert found == pytest.approx(np.trace(hat), abs=1e-9)
    weight = np.linspace(0, 2, len(y))
    for sample_weight in (None, weight):
        model = Ridge(0.3).fit(X, y, sample_weight=sample_weight)
        fits = Ridge(0.3).fit(X, np.eye(len(y)), sample_weight=sample_weight).predict(X)
        assert model.dof_ == pytest.approx(np.trace(fits))
    assert Ridge(0.3, fit_intercept=False).fit(X, y).dof_ == pytest.approx(
        linear.ridge_degrees_of_freedom(X, 0.3)
    )


def test_the_filter_is_what_is_left_of_each_direction(data):
    X, y = data
    _, d, Vt = linalg.svd(X, full_matrices=False)
    kept = (Vt @ linear.solve_ridge(X, y, 0.5)) / (Vt @ linear.solve_svd(X, y))
    np.testing.assert_allclose(linear.ridge_filter(d, len(y), 0.5), kept, rtol=1e-8)
    np.testing.assert_array_equal(linear.ridge_filter([0, 2], 3, 0), [0, 1])
    table = linear.ridge_filter(d, len(y), np.array([[0.1], [0.5]]))
    np.testing.assert_array_equal(table[1], linear.ridge_filter(d, len(y), 0.5))


def test_singular_values_are_those_of_the_weighted_centred_features(data):
    X, y = data
    weight = np.linspace(0, 2, len(y))
    model = Ridge(0.1).fit(X, y, sample_weight=weight)
    A = np.sqrt(weight)[:, np.newaxis] * (X - np.average(X, axis=0, weights=weight))
    np.testing.assert_allclose(model.singular_values_, linalg.svdvals(A), rtol=1e-12)


def test_several_targets_are_fitted_one_by_one(data):
    X, y = data
    both = Ridge(0.1).fit(X, np.column_stack([y, y**2]))
    for k, target in enumerate((y, y**2)):
        one = Ridge(0.1).fit(X, target)
        np.testing.assert_allclose(both.coef_[k], one.coef_, rtol=1e-10)
        np.testing.assert_allclose(both.intercept_[k], one.intercept_, rtol=1e-10)
        np.testing.assert_allclose(both.predict(X)[:, k], one.predict(X), rtol=1e-10)
    assert both.dof_ == pytest.approx(one.dof_)


def test_weights_are_repetitions(data):
    X, y = data
    times = np.arange(len(y)) % 3
    weighted = Ridge(0.1).fit(X, y, sample_weight=times)
    repeated = Ridge(0.1).fit(X.repeat(times, axis=0), y.repeat(times))
    np.testing.assert_allclose(weighted.coef_, repeated.coef_, rtol=1e-10)
    np.testing.assert_allclose(weighted.intercept_, repeated.intercept_, rtol=1e-10)
    assert weighted.dof_ == pytest.approx(repeated.dof_)
    scaled = Ridge(0.1).fit(X, y, sample_weight=7.0 * times)
    np.testing.assert_allclose(weighted.coef_, scaled.coef_, rtol=1e-10)


@pytest.mark.parametrize("value", [0.1, 1 / 3, 1e8 + 0.1])
@pytest.mark.filterwarnings("ignore:the minimiser is not unique")
def test_features_that_do_not_vary_get_no_weight(data, value):
    X, y = data
    X = X.copy()
    X[:, 2] = value
    weight = np.r_[np.zeros(10), np.linspace(0.1, 2, 30)]
    for model in (Ridge(0.1), Ridge(0.0), OLS()):
        assert model.fit(X, y).coef_[2] == pytest.approx(0, abs=1e-12)
        assert model.fit(X, y, sample_weight=weight).coef_[2] == pytest.approx(0, abs=1e-12)
    # It may vary among samples without weight, but not between its ends.
    X[3, 2] = value + 1
    for model in (Ridge(0.1), Ridge(0.0), OLS()):
        assert model.fit(X, y, sample_weight=weight).coef_[2] == pytest.approx(0, abs=1e-12)
        assert abs(model.fit(X, y).coef_[2]) > 1e-3


@pytest.mark.parametrize("share", [1e-18, 1e-6, 0.1, 0.5, 0.999])
def test_the_penalty_for_a_norm(data, deficient, rng, share):
    for X, y in (data, (deficient, rng.standard_normal(12))):
        rho = share * linalg.norm(linear.solve_svd(X, y))
        lam = linear.ridge_penalty_for_norm(X, y, rho)
        assert linalg.norm(linear.ridge_path(X, y, [lam])[0]) == pytest.approx(rho, rel=1e-12)


def test_a_constraint_that_is_satisfied_needs_no_penalty(data):
    X, y = data
    largest = linalg.norm(linear.solve_svd(X, y))
    assert linear.ridge_penalty_for_norm(X, y, 1.001 * largest) == 0
    assert linear.ridge_penalty_for_norm(X, np.zeros(len(y)), 1.0) == 0
    assert linear.ridge_penalty_for_norm(X, y, 0.999 * largest) > 0


def test_small_numbers_do_not_underflow(data):
    X, y = data
    tiny = Ridge(0.0, fit_intercept=False).fit(1e-180 * X, 1e-180 * y)
    np.testing.assert_allclose(tiny.coef_, OLS(fit_intercept=False).fit(X, y).coef_, rtol=1e-9)


def test_the_prior_predicts_the_degrees_of_freedom_that_are_used(rng):
    """With n lambda = s^2/tau^2, residuals and coefficients share chi^2 as the filter says."""
    X, s, tau = rng.standard_normal((8, 4)), 0.5, 2.0
    lam = s**2 / (8 * tau**2)
    draws = X @ (tau * rng.standard_normal((4, 40_000))) + s * rng.standard_normal((8, 40_000))
    model = Ridge(lam, fit_intercept=False).fit(X, draws)
    squares = np.sum((draws - model.predict(X)) ** 2, axis=0) / s**2
    spent = np.sum(model.coef_**2, axis=1) / tau**2
    law = stats.chi2(8)
    assert np.mean(squares + spent) == pytest.approx(law.mean(), rel=0.01)
    assert np.var(squares + spent) == pytest.approx(law.var(), rel=0.05)
    assert np.mean(spent) == pytest.approx(model.dof_, rel=0.01)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"X": [[0.0], [1.0], [NAN]]}, "Input X contains NaN"),
        ({"y": [0.0, 1.0, INF]}, "Input y contains infinity"),
        ({"y": [0.0, 1.0]}, "inconsistent numbers of samples"),
        ({"X": [0.0, 1.0, 2.0]}, "Expected 2D array"),
        ({"sample_weight": [1.0, -1.0, 1.0]}, "sample_weight must not be negative"),
        ({"sample_weight": [0.0, 0.0, 0.0]}, "sample_weight must not sum to zero"),
        ({"sample_weight": [1.0, NAN, 1.0]}, "Input sample_weight contains NaN"),
        ({"sample_weight": [1.0, 1.0]}, r"sample_weight must have shape \(3,\), got \(2,\)"),
    ],
)
def test_bad_input_is_named_and_leaves_the_fit_alone(arguments, message):
    good = {"X": [[0.0, 1.0], [1.0, 0.0], [2.0, 5.0]], "y": [1.0, 3.0, 5.0]}
    fresh, fitted = Ridge(), Ridge().fit(**good)
    before = {name: np.copy(value) for name, value in vars(fitted).items()}
    bad = {"X": [[0.0], [1.0], [2.0]], "y": [1.0, 3.0, 5.0]} | arguments
    for model in (fresh, fitted):
        with pytest.raises(ValueError, match=message):
            model.fit(**bad)
    assert set(vars(fresh)) == {"lam", "fit_intercept"}
    assert set(vars(fitted)) == set(before)
    for name, value in before.items():
        np.testing.assert_array_equal(getattr(fitted, name), value)


@pytest.mark.parametrize("lam", [-1e-9, NAN, INF, "0.1", None, 1j, [1.0]])
def test_bad_penalties_are_named(data, lam):
    X, y = data
    for refuse in (
        lambda: Ridge(lam).fit(X, y),
        lambda: linear.solve_ridge(X, y, lam),
        lambda: linear.ridge_degrees_of_freedom(X, lam),
    ):
        with pytest.raises(ValueError, match="lam must be a finite number and not negative"):
            refuse()


@pytest.mark.parametrize(
    ("lams", "message"),
    [
        ([], "at least one number"),
        (1.0, "at least one number"),
        ([[1.0]], "at least one number"),
        ([1.0, -1.0], "lams must not be negative"),
        ([1.0, NAN], "Input lams contains NaN"),
        ([1.0, INF], "Input lams contains infinity"),
    ],
)
def test_bad_lists_of_penalties_are_named(data, lams, message):
    with pytest.raises(ValueError, match=message):
        linear.ridge_path(*data, lams)


@pytest.mark.parametrize("rho", [0, -1.0, NAN, INF, "1"])
def test_bad_norms_are_named(data, rho):
    with pytest.raises(ValueError, match="rho must be a finite number above zero"):
        linear.ridge_penalty_for_norm(*data, rho)


def test_a_singular_matrix_without_penalty_has_no_factor(rng):
    X = np.ones((3, 2))
    with pytest.raises(np.linalg.LinAlgError):
        linear.solve_ridge(X, np.ones(3), 0)
