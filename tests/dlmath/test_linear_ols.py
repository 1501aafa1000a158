"""dlmath.linear: agreement with other routes, scikit-learn's contract, and bad input."""

import numpy as np
import pytest
from dlmath import linear
from dlmath.linear import OLS
from scipy import optimize, stats
from sklearn.linear_model import LinearRegression
from sklearn.utils.estimator_checks import parametrize_with_checks


@pytest.fixture
def rng():
    return np.random.default_rng(20)


@pytest.fixture
def data(rng):
    X = rng.standard_normal((40, 3)) * [1, 5, 0.2] + [0, 30, -2]
    return X, X @ [1.0, -0.5, 3.0] + 2 + 0.3 * rng.standard_normal(40)


# Two of scikit-learn's checks need packages or settings that the book does not.
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.SkipTestWarning")
@parametrize_with_checks([OLS(), OLS(fit_intercept=False)])
def test_is_an_estimator(estimator, check):
    check(estimator)


@pytest.mark.parametrize("fit_intercept", [True, False])
def test_agrees_with_scikit_learn(data, fit_intercept):
    X, y = data
    weight = np.linspace(0, 2, len(y))
    for sample_weight in (None, weight):
        ours = OLS(fit_intercept=fit_intercept).fit(X, y, sample_weight=sample_weight)
        theirs = LinearRegression(fit_intercept=fit_intercept).fit(X, y, sample_weight)
        np.testing.assert_allclose(ours.coef_, theirs.coef_, rtol=1e-9)
        np.testing.assert_allclose(ours.intercept_, theirs.intercept_, rtol=1e-9, atol=1e-12)
        np.testing.assert_allclose(ours.predict(X), theirs.predict(X), rtol=1e-9)


def test_several_targets_are_fitted_one_by_one(data):
    X, y = data
    both = OLS().fit(X, np.column_stack([y, y**2]))
    for k, target in enumerate((y, y**2)):
        one = OLS().fit(X, target)
        np.testing.assert_allclose(both.coef_[k], one.coef_, rtol=1e-10)
        np.testing.assert_allclose(both.intercept_[k], one.intercept_, rtol=1e-10)
        np.testing.assert_allclose(both.chi2_[k], one.chi2_, rtol=1e-10)
        np.testing.assert_allclose(both.covariance_[k], one.covariance_, rtol=1e-10)
        np.testing.assert_allclose(both.band(X)[:, k], one.band(X), rtol=1e-10)
        np.testing.assert_allclose(
            both.band(X, "prediction")[:, k], one.band(X, "prediction"), rtol=1e-10
        )


def test_known_errors_serve_several_targets(data):
    X, y = data
    s = np.linspace(0.1, 1, len(y))
    both, one = OLS().fit(X, np.column_stack([y, y**2]), noise=s), OLS().fit(X, y, noise=s)
    assert both.covariance_.shape == (2, 4, 4)
    for k in (0, 1):
        np.testing.assert_allclose(both.covariance_[k], one.covariance_, rtol=1e-12)
        np.testing.assert_allclose(both.band(X)[:, k], one.band(X), rtol=1e-12)


def test_known_errors_give_the_covariance_of_curve_fit(data, rng):
    X, y = data
    s = rng.uniform(0.1, 1, len(y))
    full = np.diag(s**2) + 0.04

    def line(X, intercept, *coef):
        return intercept + X.T @ np.array(coef)

    for noise in (s, full):
        ours = OLS().fit(X, y, noise=noise)
        theta, covariance = optimize.curve_fit(
            line, X.T, y, p0=np.ones(4), sigma=noise, absolute_sigma=True, ftol=1e-14, xtol=1e-14
        )
        np.testing.assert_allclose(np.r_[ours.intercept_, ours.coef_], theta, rtol=1e-5)
        np.testing.assert_allclose(ours.covariance_, covariance, rtol=1e-4)


def test_a_covariance_may_be_symmetric_up_to_rounding(data):
    X, y = data
    noise = 0.25 * np.eye(len(y)) + 1e-17 * np.eye(len(y), k=1)
    whole, variances = OLS().fit(X, y, noise=noise), OLS().fit(X, y, noise=np.full(len(y), 0.5))
    np.testing.assert_allclose(whole.covariance_, variances.covariance_, rtol=1e-9)


def test_weights_and_errors_differ_in_the_scale_of_the_covariance_only(data, rng):
    X, y = data
    s = rng.uniform(0.1, 1, len(y))
    weighted, known = OLS().fit(X, y, sample_weight=s**-2), OLS().fit(X, y, noise=s)
    np.testing.assert_allclose(weighted.coef_, known.coef_, rtol=1e-12)
    assert known.noise_variance_ == 1.0
    assert weighted.noise_variance_ == pytest.approx(known.chi2_ / 36)
    np.testing.assert_allclose(
        weighted.covariance_, known.covariance_ * known.chi2_ / known.dof_, rtol=1e-12
    )
    half = known.band(X[:5], "prediction", level=0.5, noise=2.0)
    variance = (known.band(X[:5], level=0.5) / stats.norm.ppf(0.75)) ** 2
    np.testing.assert_allclose(half, stats.norm.ppf(0.75) * np.sqrt(variance + 4.0), rtol=1e-12)


def test_bands_after_a_fit_with_known_errors_are_gaussian(data, rng):
    X, y = data
    model = OLS().fit(X, y, noise=rng.uniform(0.1, 1, len(y)))
    new = X[:4] + 1
    A = np.column_stack([np.ones(4), new])
    variance = np.diag(A @ model.covariance_ @ A.T)
    s = np.array([0.0, 0.3, 1.5, 7.0])
    for level, quantile in ((0.682689492137086, 1), (0.954499736103642, 2)):
        band = model.band(new, level=level)
        np.testing.assert_allclose(band, quantile * np.sqrt(variance), rtol=1e-9)
        band = model.band(new, "prediction", level, noise=s)
        np.testing.assert_allclose(band, quantile * np.sqrt(variance + s**2), rtol=1e-9)


def test_new_observations_have_errors_of_their_own(data):
    X, y = data
    s = np.array([0.0, 0.3, 1.5, 7.0])
    targets = np.column_stack([y, y**2])
    t = stats.t.ppf(0.975, 36)
    for fitted in (y, targets):
        model = OLS().fit(X, fitted)
        mean, band = model.band(X[:4]), model.band(X[:4], "prediction", noise=s)
        own = np.sqrt(band**2 - mean**2) / t
        np.testing.assert_allclose(own.T, np.broadcast_to(s, own.T.shape), rtol=1e-6)


def test_one_degree_of_freedom_is_enough(data):
    X, y = data
    model = OLS().fit(X[:5], y[:5])
    assert model.dof_ == 1
    assert model.noise_variance_ == pytest.approx(model.chi2_)


def test_bands_of_a_line_by_hand(rng):
    x = rng.uniform(0, 10, 12)
    y = 1 + 2 * x + rng.standard_normal(12)
    fit = stats.linregress(x, y)
    model = OLS().fit(x[:, np.newaxis], y)
    s2 = np.sum((y - fit.intercept - fit.slope * x) ** 2) / 10
    new = np.array([-1.0, 5.0, 20.0])
    share = 1 / 12 + (new - x.mean()) ** 2 / np.sum((x - x.mean()) ** 2)
    t = stats.t.ppf(0.95, 10)
    band = model.band(new[:, np.newaxis], level=0.9)
    np.testing.assert_allclose(band, t * np.sqrt(s2 * share), rtol=1e-10)
    band = model.band(new[:, np.newaxis], "prediction", level=0.9)
    np.testing.assert_allclose(band, t * np.sqrt(s2 * (1 + share)), rtol=1e-10)
    np.testing.assert_allclose(np.sqrt(model.covariance_[1, 1]), fit.stderr, rtol=1e-10)
    np.testing.assert_allclose(np.sqrt(model.covariance_[0, 0]), fit.intercept_stderr, rtol=1e-10)


def test_the_rank_is_found_and_the_norm_is_minimal(data):
    X, y = data
    model = OLS().fit(np.column_stack([X, X[:, 0] - 2 * X[:, 2]]), y)
    assert model.rank_ == 4
    assert model.dof_ == 36
    # A vector of the null space of the design matrix.
    assert model.coef_ @ [1, 0, -2, -1] == pytest.approx(0, abs=1e-10)
    for ask in (lambda: model.covariance_, lambda: model.band(np.ones((1, 4)))):
        with pytest.raises(ValueError, match="only 4 combinations of the 5 parameters"):
            ask()


def test_features_that_do_not_vary_get_no_weight():
    model = OLS().fit(np.full((4, 2), 3.0), np.array([1.0, 2.0, 3.0, 6.0]))
    assert model.rank_ == 1
    np.testing.assert_array_equal(model.coef_, [0, 0])
    assert model.intercept_ == 3


def test_tol_decides_what_counts_as_zero(data):
    X, y = data
    assert OLS(tol=0.5).fit(X, y).rank_ < OLS().fit(X, y).rank_ == 4


def test_samples_without_weight_count_for_nothing(data):
    X, y = data
    weight = np.r_[np.ones(30), np.zeros(10)]
    with_zeros, without = OLS().fit(X, y, sample_weight=weight), OLS().fit(X[:30], y[:30])
    np.testing.assert_allclose(with_zeros.covariance_, without.covariance_, rtol=1e-9)
    assert with_zeros.dof_ == without.dof_ == 26


def test_as_many_parameters_as_samples_leave_no_noise_to_estimate(data):
    X, y = data
    model = OLS().fit(X[:4], y[:4])
    with pytest.raises(ValueError, match="leaves 0 degrees of freedom"):
        _ = model.covariance_
    assert OLS().fit(X[:4], y[:4], noise=np.ones(4)).covariance_.shape == (4, 4)


def test_solvers_agree(data):
    X, y = data
    A = np.column_stack([np.ones(len(y)), X])
    expected = np.linalg.lstsq(A, y, rcond=None)[0]
    np.testing.assert_allclose(linear.solve_normal_equations(A, y), expected, rtol=1e-6)
    np.testing.assert_allclose(linear.solve_qr(A, y), expected, rtol=1e-9)
    np.testing.assert_allclose(linear.solve_svd(A, y), expected, rtol=1e-9)
    np.testing.assert_allclose(
        linear.solve_svd(A, np.column_stack([y, 2 * y]))[:, 1], 2 * expected, rtol=1e-9
    )
    assert linear.ols_gradient(A, y, expected) == pytest.approx(np.zeros(4), abs=1e-9)


def test_truncation_drops_the_small_directions():
    X = np.diag([1.0, 1e-3])
    np.testing.assert_allclose(linear.solve_svd(X, np.ones(2)), [1, 1e3])
    np.testing.assert_allclose(linear.solve_svd(X, np.ones(2), tol=1e-2), [1, 0])


def test_descent_starts_where_it_is_told(data):
    X, y = data
    path = linear.gradient_descent(X, y, 1e-4, 3, theta=[1, 2, 3])
    np.testing.assert_array_equal(path[0], [1, 2, 3])
    assert path.shape == (4, 3)
    costs = [linear.ols_cost(X, y, theta) for theta in path]
    assert np.all(np.diff(costs) < 0)


NAN, INF = np.nan, np.inf


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
        ({"noise": [1.0, 0.0, 1.0]}, "noise must hold positive standard errors"),
        ({"noise": [1.0, -1.0, 1.0]}, "noise must hold positive standard errors"),
        ({"noise": [1.0, NAN, 1.0]}, "Input noise contains NaN"),
        ({"noise": [1.0]}, r"noise must have shape \(3,\) or \(3, 3\), got \(1,\)"),
        ({"noise": np.ones((3, 2))}, r"noise must have shape \(3,\) or \(3, 3\), got \(3, 2\)"),
        ({"noise": np.ones((3, 3))}, "noise is not positive definite"),
        ({"noise": np.eye(3) + np.eye(3, k=1) / 2}, "noise is not symmetric"),
        ({"noise": 1e-6 * (np.eye(3) + np.eye(3, k=1) / 2)}, "noise is not symmetric"),
        ({"noise": [1.0] * 3, "sample_weight": [1.0] * 3}, "sample_weight or noise, not both"),
    ],
)
def test_bad_input_is_named_and_leaves_the_fit_alone(arguments, message):
    good = {"X": [[0.0, 1.0], [1.0, 0.0], [2.0, 5.0]], "y": [1.0, 3.0, 5.0]}
    fresh, fitted = OLS(), OLS().fit(**good)
    before = {name: np.copy(value) for name, value in vars(fitted).items()}
    bad = {"X": [[0.0], [1.0], [2.0]], "y": [1.0, 3.0, 5.0]} | arguments
    for model in (fresh, fitted):
        with pytest.raises(ValueError, match=message):
            model.fit(**bad)
    assert set(vars(fresh)) == {"fit_intercept", "tol"}
    assert set(vars(fitted)) == set(before)
    for name, value in before.items():
        np.testing.assert_array_equal(getattr(fitted, name), value)


@pytest.mark.parametrize("tol", [-1, 1, "small", NAN])
def test_bad_tol_is_named(tol):
    with pytest.raises(ValueError, match="tol must be None or a number"):
        OLS(tol=tol).fit([[0.0], [1.0]], [0.0, 1.0])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"kind": "both"}, "kind must be"),
        ({"level": 1}, "level must lie strictly between 0 and 1"),
        ({"level": 95}, "level must lie strictly between 0 and 1"),
        ({"noise": 1.0}, "noise is of use with"),
        ({"kind": "prediction"}, "needs the noise of the new observations"),
        ({"kind": "prediction", "noise": -1.0}, "noise must not be negative"),
        ({"kind": "prediction", "noise": [1.0, 2.0]}, "noise must be a number or have shape"),
        ({"kind": "prediction", "noise": NAN}, "Input noise contains NaN"),
    ],
)
def test_bad_bands_are_named(data, arguments, message):
    X, y = data
    model = OLS().fit(X, y, noise=np.ones(len(y)))
    with pytest.raises(ValueError, match=message):
        model.band(X[:3], **arguments)
