"""Gaussian classifiers: against scikit-learn and SciPy, what they draw, and what they refuse."""

import numpy as np
import pytest
from dlmath.gaussian_classifiers import (
    COVARIANCES,
    GaussianClassifier,
    efron_efficiency,
    gaussian_estimates,
    gaussian_log_density,
    linear_logit,
)
from numpy.testing import assert_allclose
from scipy import stats
from sklearn.discriminant_analysis import (
    LinearDiscriminantAnalysis,
    QuadraticDiscriminantAnalysis,
)
from sklearn.naive_bayes import GaussianNB
from sklearn.utils.estimator_checks import parametrize_with_checks


@pytest.fixture
def data():
    rng = np.random.default_rng(4)
    y = rng.choice(["a", "b", "c"], 240, p=[0.5, 0.3, 0.2])
    shift = {"a": [0, 0, 0], "b": [1, -1, 0.5], "c": [2, 1, -1]}
    mix = rng.normal(size=(3, 3))
    return rng.normal(size=(240, 3)) @ mix + np.array([shift[k] for k in y]), y


@parametrize_with_checks([GaussianClassifier(covariance) for covariance in COVARIANCES])
def test_is_a_scikit_learn_classifier(estimator, check):
    check(estimator)


def test_log_density_is_that_of_scipy():
    rng = np.random.default_rng(0)
    A = rng.normal(size=(4, 4))
    X, mean, covariance = rng.normal(size=(9, 4)), rng.normal(size=4), A @ A.T
    expected = stats.multivariate_normal(mean, covariance).logpdf(X)
    assert_allclose(gaussian_log_density(X, mean, covariance), expected, rtol=1e-11)


def test_shared_covariance_is_lda(data):
    X, y = data
    ours = GaussianClassifier("shared", jitter=0).fit(X, y)
    # The solver lsqr divides by n, as maximum likelihood does, in every version.
    theirs = LinearDiscriminantAnalysis(solver="lsqr").fit(X, y)
    assert_allclose(ours.predict_proba(X), theirs.predict_proba(X), atol=1e-12)
    other = LinearDiscriminantAnalysis(store_covariance=True).fit(X, y)
    assert_allclose(ours.covariances_[0], other.covariance_, rtol=1e-12)


def test_separate_covariances_are_qda_but_for_the_divisor(data):
    X, y = data
    ours = GaussianClassifier("separate", jitter=0).fit(X, y)
    theirs = QuadraticDiscriminantAnalysis(store_covariance=True).fit(X, y)
    for k, covariance in enumerate(theirs.covariance_):
        n = np.sum(y == ours.classes_[k])
        # The divisor of scikit-learn has changed from n - 1 to n.
        ratio = covariance / ours.covariances_[k]
        assert_allclose(ratio, ratio[0, 0], rtol=1e-10)
        assert min(abs(ratio[0, 0] - 1), abs(ratio[0, 0] - n / (n - 1))) < 1e-10


def test_diagonal_covariances_are_gaussian_naive_bayes(data):
    X, y = data
    ours = GaussianClassifier("diagonal").fit(X, y)
    theirs = GaussianNB().fit(X, y)
    assert_allclose(ours.predict_proba(X), theirs.predict_proba(X), atol=1e-10)
    joint = np.exp(ours.log_prob(X))
    densities = [
        stats.norm(m, np.sqrt(np.diag(S))).pdf(X).prod(axis=1)
        for m, S in zip(ours.means_, ours.covariances_, strict=True)
    ]
    assert_allclose(joint, ours.priors_ @ densities, rtol=1e-10)


def test_shared_diagonal_pools_the_variances(data):
    X, y = data
    diagonal = GaussianClassifier("shared diagonal", jitter=0).fit(X, y).covariances_
    full = GaussianClassifier("shared", jitter=0).fit(X, y).covariances_[0]
    assert_allclose(diagonal, [np.diag(np.diag(full))] * 3, rtol=1e-13)


@pytest.mark.parametrize("covariance", COVARIANCES)
def test_samples_have_the_moments_of_the_model(data, covariance):
    model = GaussianClassifier(covariance).fit(*data)
    X, y = model.sample(40_000, seed=1)
    for k, name in enumerate(model.classes_):
        drawn = X[y == name]
        n = len(drawn)
        assert abs(n / 40_000 - model.priors_[k]) < 4 * np.sqrt(0.25 / 40_000)
        sd = np.sqrt(np.diag(model.covariances_[k]))
        assert_allclose(drawn.mean(axis=0), model.means_[k], atol=5 * sd.max() / np.sqrt(n))
        scale = np.outer(sd, sd)
        difference = (np.cov(drawn.T) - model.covariances_[k]) / scale
        assert np.abs(difference).max() < 6 / np.sqrt(n)


def test_samples_depend_on_the_seed_alone(data):
    model = GaussianClassifier().fit(*data)
    first, second = model.sample(5, seed=3), model.sample(5, np.random.default_rng(3))
    assert_allclose(first[0], second[0], rtol=0)
    assert (first[1] == second[1]).all()
    assert np.abs(model.sample(5, seed=4)[0] - first[0]).max() > 0.1


def test_linear_logit_is_the_log_odds(data):
    X, y = data
    two = y != "c"
    model = GaussianClassifier(jitter=0).fit(X[two], y[two])
    b, w = linear_logit(model.priors_, model.means_, model.covariances_[0])
    logs = model.predict_log_proba(X)
    assert_allclose(b + X @ w, logs[:, 1] - logs[:, 0], atol=1e-10)


def test_efficiency_is_symmetric_integral_at_large_distance_too():
    # For large D the integrand is narrow: 1/cosh(Dx/2) integrates to 2 pi / D.
    D = 12.0
    leading = (1 + D**2 / 4) * np.exp(-(D**2) / 8) * 2 * np.pi / D / np.sqrt(2 * np.pi)
    assert_allclose(efron_efficiency(D), leading, rtol=0.04)
    assert efron_efficiency(0) == pytest.approx(1, abs=1e-12)


def test_a_failed_fit_leaves_the_old_one(data):
    model = GaussianClassifier().fit(*data)
    means = model.means_.copy()
    model.covariance = "round"
    with pytest.raises(ValueError, match="covariance must be one of shared, separate"):
        model.fit(data[0][:5], data[1][:5])
    assert_allclose(model.means_, means)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: gaussian_log_density([[1.0]], [0.0, 0.0], np.eye(2)), "must have the shapes"),
        (lambda: gaussian_log_density([[1.0]], [0.0], [[0.0]]), "positive definite"),
        (lambda: linear_logit([0.5, 0.5], [[0.0], [1.0]], [[-1.0]]), "positive definite"),
        (lambda: linear_logit([1.0], [[0.0]], [[1.0]]), "two classes"),
        (lambda: linear_logit([1.0, 0.0], [[0.0], [1.0]], [[1.0]]), "two classes"),
        (lambda: gaussian_estimates([[0.0], [1.0]], [0, 2]), "each at least once"),
        (lambda: gaussian_estimates([[0.0], [1.0]], [0, -1]), "each at least once"),
        (lambda: gaussian_estimates([0.0, 1.0], [0, 1]), "X and y must be"),
        (lambda: gaussian_estimates([[0.0], [1.0]], [0, 1], "round"), "covariance must be one of"),
        (lambda: efron_efficiency(-1), "distance must be finite and not negative"),
        (lambda: efron_efficiency(np.nan), "distance must be finite"),
        (lambda: GaussianClassifier(jitter=-1).fit([[0.0], [1.0]], [0, 1]), "jitter must be"),
        (lambda: GaussianClassifier().fit([[1.0], [1.0]], [0, 1]), "X has no variance"),
        (
            lambda: GaussianClassifier().fit([[0.0], [1.0], [2.0]], [0, 1, 1]).sample(0, seed=0),
            "n must be a positive integer",
        ),
    ],
)
def test_bad_input_is_refused_by_name(call, message):
    with pytest.raises(ValueError, match=message):
        call()
