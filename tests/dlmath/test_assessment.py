"""The tools of the chapter on model assessment: brute force, limits, and bad input."""

import numpy as np
import pytest
from dlmath.assessment import (
    bias_and_variance,
    bootstrap_error,
    generalised_cross_validation,
    leave_one_out_residuals,
    minimum_norm_risk,
    ridge_risk_limit,
)
from dlmath.linear import OLS, Ridge
from numpy.testing import assert_allclose
from scipy import integrate
from sklearn.linear_model import LinearRegression, RidgeCV
from sklearn.neighbors import KNeighborsClassifier


@pytest.fixture
def data():
    rng = np.random.default_rng(5)
    X = rng.normal(size=(14, 4)) * [1, 3, 0.2, 1] + 2
    return X, 5 + X @ [1, -1, 2, 0.5] + rng.normal(size=14)


def brute_force(X, y, lam, fit_intercept):
    """Fit n times to n - 1 samples, with the same product of penalty and number."""
    n = len(y)
    errors = []
    for i in range(n):
        rest = np.arange(n) != i
        model = Ridge(n * lam / (n - 1), fit_intercept=fit_intercept).fit(X[rest], y[rest])
        errors.append(y[i] - model.predict(X[[i]])[0])
    return np.array(errors)


@pytest.mark.parametrize("fit_intercept", [True, False])
@pytest.mark.parametrize("lam", [0.0, 1e-3, 0.4, 30.0])
def test_the_shortcut_is_n_refits(data, lam, fit_intercept):
    quick = leave_one_out_residuals(*data, lam, fit_intercept=fit_intercept)
    assert_allclose(quick, brute_force(*data, lam, fit_intercept), rtol=1e-9)


@pytest.mark.parametrize("fit_intercept", [True, False])
def test_the_shortcut_is_scikit_learns(data, fit_intercept):
    X, y = data
    alphas = np.array([0.1, 5.0])
    theirs = RidgeCV(alphas, fit_intercept=fit_intercept, store_cv_results=True).fit(X, y)
    for k, alpha in enumerate(alphas):
        ours = leave_one_out_residuals(X, y, alpha / len(y), fit_intercept=fit_intercept)
        assert_allclose(theirs.cv_results_[:, k], ours**2, rtol=1e-9)


def test_more_features_than_samples(data):
    _, y = data
    X = np.random.default_rng(0).normal(size=(14, 40))
    assert_allclose(leave_one_out_residuals(X, y, 0.1), brute_force(X, y, 0.1, True), rtol=1e-9)
    with pytest.raises(ValueError, match="sample 0"):
        leave_one_out_residuals(X, y)


def test_a_sample_that_stands_alone_is_named(data):
    X, y = data
    flagged = np.column_stack([X, np.arange(14) == 9])
    with pytest.raises(ValueError, match="without sample 9 the fit is not unique"):
        leave_one_out_residuals(flagged, y)


@pytest.mark.parametrize("fit_intercept", [True, False])
def test_generalised_cross_validation_uses_the_mean_leverage(data, fit_intercept):
    X, y = data
    lams = [0.0, 0.01, 2.0]
    found = generalised_cross_validation(X, y, lams, fit_intercept=fit_intercept)
    for value, lam in zip(found, lams, strict=True):
        model = Ridge(lam, fit_intercept=fit_intercept).fit(X, y)
        mean = np.mean((y - model.predict(X)) ** 2)
        assert_allclose(value, mean / (1 - model.dof_ / 14) ** 2, rtol=1e-10)


def test_generalised_cross_validation_of_an_interpolation_is_infinite(data):
    X = np.random.default_rng(0).normal(size=(14, 40))
    value = generalised_cross_validation(X, data[1], [0.0, 0.1])
    assert value[0] == np.inf
    assert np.isfinite(value[1])


def test_features_that_do_not_vary_leave_the_mean(data):
    y = data[1]
    assert_allclose(leave_one_out_residuals(np.ones((14, 2)), y), (y - y.mean()) * 14 / 13)


def test_bias_and_variance_are_unbiased():
    rng = np.random.default_rng(0)
    draws = rng.normal(1.0, 2.0, (5, 200_000))
    bias2, variance = np.mean(bias_and_variance(draws, np.full(200_000, 0.4)), axis=1)
    assert_allclose(bias2, 0.36, atol=0.02)
    assert_allclose(variance, 4, atol=0.03)


@pytest.mark.parametrize(
    ("predictions", "truth", "message"),
    [
        ([[1.0, 2.0]], [1.0, 2.0], "at least two rows"),
        ([[1.0], [2.0]], [1.0, 2.0], "truth must have shape"),
        ([[1.0], [np.nan]], [1.0], "predictions contains NaN"),
    ],
)
def test_bias_and_variance_refuse_bad_input(predictions, truth, message):
    with pytest.raises(ValueError, match=message):
        bias_and_variance(predictions, truth)


@pytest.mark.parametrize(("n", "p"), [(12, 5), (5, 12)])
def test_minimum_norm_risk_is_that_of_simulated_fits(n, p):
    rng = np.random.default_rng(1)
    theta = np.full(p, 1.5 / np.sqrt(p))
    errors = []
    for _ in range(4000):
        X = rng.normal(size=(n, p))
        found = np.linalg.lstsq(X, X @ theta + 0.7 * rng.normal(size=n))[0]
        errors.append(np.sum((found - theta) ** 2))
    spread = np.std(errors) / np.sqrt(4000)
    assert abs(np.mean(errors) - minimum_norm_risk(n, p, 0.7, 1.5)) < 4 * spread


def test_minimum_norm_risk_at_the_threshold():
    risk = minimum_norm_risk(10, np.arange(1, 30), 1.0, 2.0)
    assert np.flatnonzero(np.isinf(risk)).tolist() == [8, 9, 10]
    assert_allclose(minimum_norm_risk(10, [9, 10, 11], 0.0, 2.0), [0, 0, 4 / 11])
    for n, p in ((0, 3), (3, 0), (3.0, 2)):
        with pytest.raises(ValueError, match="integer of at least 1"):
            minimum_norm_risk(n, p, 1.0, 1.0)
    with pytest.raises(ValueError, match="s must be"):
        minimum_norm_risk(3, 2, -1.0, 1.0)


@pytest.mark.parametrize("gamma", [0.3, 1.0, 2.5])
@pytest.mark.parametrize("lam", [0.02, 1.0])
def test_the_limit_is_an_integral_over_marchenko_and_pasturs_density(gamma, lam):
    low, high = (1 - np.sqrt(gamma)) ** 2, (1 + np.sqrt(gamma)) ** 2

    def mean(function):
        def weighted(angle):
            # x between the edges, with the roots at the ends removed
            x = (low + high) / 2 - (high - low) / 2 * np.cos(angle)
            density = ((high - low) / 2 * np.sin(angle)) ** 2 / (2 * np.pi * gamma * x)
            return function(x) * density

        return integrate.quad(weighted, 0, np.pi, epsabs=1e-12)[0] + max(0, 1 - 1 / gamma) * (
            function(0.0)
        )

    bias = mean(lambda x: (lam * 1.5) ** 2 / (x + lam) ** 2)
    variance = 0.49 * gamma * mean(lambda x: x / (x + lam) ** 2)
    assert_allclose(ridge_risk_limit(gamma, lam, 0.7, 1.5), bias + variance, rtol=1e-7)
    with pytest.raises(ValueError, match="positive"):
        ridge_risk_limit(gamma, 0.0, 1, 1)


def test_bootstrap_error_of_a_classifier_that_remembers():
    rng = np.random.default_rng(2)
    X, y = rng.normal(size=(60, 3)), rng.integers(0, 2, 60)
    training, out, mixed = bootstrap_error(
        KNeighborsClassifier(1), X, y, n_resamples=100, random_state=0
    )
    assert training == 0
    assert 0.4 < out < 0.6
    assert_allclose(mixed, (1 - 1 / np.e) * out)


def test_bootstrap_error_of_a_regressor_is_squared(data):
    X, y = data
    training, out, _ = bootstrap_error(LinearRegression(), X, y, random_state=0)
    assert_allclose(training, OLS().fit(X, y).chi2_ / 14)
    assert out > training
    again = bootstrap_error(LinearRegression(), X, y, random_state=0)
    assert again[1] == out
    with pytest.raises(ValueError, match="drawn by every resample"):
        bootstrap_error(LinearRegression(), X, y, n_resamples=1)
    with pytest.raises(ValueError, match="n_resamples"):
        bootstrap_error(LinearRegression(), X, y, n_resamples=0)


@pytest.mark.parametrize("function", [leave_one_out_residuals, generalised_cross_validation])
def test_bad_input_is_refused(data, function):
    X, y = data
    lam = 0.1 if function is leave_one_out_residuals else [0.1]
    with pytest.raises(ValueError, match="inconsistent"):
        function(X[:-1], y, lam)
    with pytest.raises(ValueError, match="NaN"):
        function(np.full_like(X, np.nan), y, lam)
    with pytest.raises(ValueError, match="lam"):
        function(X, y, -1.0 if function is leave_one_out_residuals else [-1.0])
