"""Mixtures by EM and linear-Gaussian models, against scikit-learn and at their edges."""

import warnings

import numpy as np
import pytest
from dlmath.densities import GaussianMixture
from dlmath.latent import (
    expectation_maximisation,
    fit_ppca,
    free_energy_bound,
    importance_bound,
    maximise,
    responsibilities,
)
from numpy.testing import assert_allclose
from sklearn import mixture
from sklearn.decomposition import PCA


@pytest.fixture
def X():
    rng = np.random.default_rng(0)
    return rng.normal(size=(150, 3)) * [1, 0.6, 0.4] + rng.choice([-2.0, 2.0], 150)[:, None]


@pytest.fixture
def start(X):
    return GaussianMixture([0.3, 0.7], [[-1.0, -1, -1], [1.0, 1, 2]], 2.0)


def test_em_is_that_of_scikit_learn(X, start):
    found, history = expectation_maximisation(X, start, 12)
    theirs = mixture.GaussianMixture(
        2,
        weights_init=start.weights,
        means_init=start.means,
        precisions_init=np.linalg.inv(start.covariances),
        reg_covar=0,
        tol=0,
        max_iter=12,
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs.fit(X)
    assert_allclose(found.means, theirs.means_, rtol=1e-9)
    assert_allclose(found.covariances, theirs.covariances_, rtol=1e-8, atol=1e-10)
    assert_allclose(history[-1], theirs.score(X), rtol=1e-10)
    assert len(history) == 13
    assert np.diff(history).min() > -1e-12


def test_bound_is_the_likelihood_at_the_responsibilities(X, start):
    R = responsibilities(X, start)
    assert_allclose(free_energy_bound(X, R, start), start.log_prob(X).mean(), rtol=1e-12)
    hard = np.eye(2)[R.argmax(axis=1)]
    assert free_energy_bound(X, hard, start) < start.log_prob(X).mean()
    assert free_energy_bound(X, hard, maximise(X, hard)) > free_energy_bound(X, hard, start)


def test_a_component_on_one_sample_is_refused(X):
    R = np.full((150, 2), [1.0, 0.0])
    R[0] = [0, 1]
    with pytest.raises(ValueError, match="a component has shrunk"):
        maximise(X, R)


def test_an_empty_component_is_refused(X):
    with pytest.raises(ValueError, match="R must have 150 rows, and some mass in every column"):
        maximise(X, np.outer(np.ones(150), [1, 0]))


def test_ppca_is_that_of_scikit_learn(X):
    model = fit_ppca(X, 2)
    theirs = PCA(2).fit(np.sqrt(149 / 150) * (X - X.mean(axis=0)))
    assert_allclose(model.covariance, theirs.get_covariance(), atol=1e-12)
    means, covariance = model.posterior(X)
    assert_allclose(model.elbo(X, means, covariance), model.log_prob(X), rtol=1e-12)


def test_ppca_with_too_much_noise_has_no_latents(X):
    model = fit_ppca(X, 2, variance=100.0)
    assert (model.W == 0).all()
    means, covariance = model.posterior(X)
    assert_allclose(means, 0, atol=1e-14)
    assert_allclose(covariance, np.eye(2))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"latents": 3}, "latents must be below the number of columns, 3"),
        ({"latents": 0}, "latents must be an integer of at least 1"),
        ({"latents": 1, "variance": 0}, "variance must be a positive number"),
    ],
)
def test_ppca_refuses(X, arguments, message):
    with pytest.raises(ValueError, match=message):
        fit_ppca(X, **arguments)


def test_ppca_refuses_data_on_a_line():
    line = np.outer(np.linspace(-1, 1, 9), [1.0, 0.0, 0.0])
    with pytest.raises(ValueError, match="no variance outside"):
        fit_ppca(line, 1)


def test_importance_bound_does_not_overflow():
    logs = np.array([[-1e4, 800.0], [-1e4 - 1, 800.0]])
    expected = [-1e4 + np.log((1 + np.exp(-1)) / 2), 800.0]
    assert_allclose(importance_bound(logs), expected, rtol=1e-12)
