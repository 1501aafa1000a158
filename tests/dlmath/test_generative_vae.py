"""The variational autoencoder: its bounds, its samples, its prior, and what it refuses."""

import numpy as np
import pytest
import torch
from dlmath.generative import VAE, load_trained, trained_record
from dlmath.generative._vae import log_discretised_logistic, logistic_tails
from numpy.testing import assert_allclose, assert_array_equal
from scipy import stats
from sklearn.base import clone

torch.set_num_threads(1)
SMALL = {"latents": 2, "hidden": (12,), "steps": 60, "warmup": 20, "batch_size": 40, "eta": 5e-3}


@pytest.fixture(scope="module")
def pixels():
    """Draw eight pixels with two levels, all of them governed by one hidden sign."""
    rng = np.random.default_rng(0)
    bright = rng.random(300) < 0.5
    return (rng.random((300, 8)) < np.where(bright, 0.9, 0.1)[:, None]).astype(int)


@pytest.fixture(scope="module")
def model(pixels):
    return VAE(levels=2, **SMALL | {"steps": 300}).fit(pixels)


def test_learns_and_gives_the_same_twice(pixels):
    first, second = (VAE(levels=2, **SMALL).fit(pixels) for _ in range(2))
    assert_array_equal(first.losses_, second.losses_)
    assert_array_equal(first.sample(5, 3), second.sample(5, 3))
    assert len(first.losses_) == 60


def test_beats_independent_pixels(model, pixels):
    share = pixels.mean(axis=0)
    alone = -stats.bernoulli(share).entropy().sum()
    assert model.elbo(pixels).mean() > alone + 1
    assert len(model.validation_) == 3
    assert model.best_step_ in (100, 200, 300)


def test_bounds_are_in_order(model, pixels):
    elbo = model.elbo(pixels, k=400).mean()
    few, many = (model.log_prob_bound(pixels, k).mean() for k in (5, 400))
    assert elbo < few < many
    # All 256 pictures: what the bound says of their probabilities cannot be more than one.
    everything = (np.arange(256)[:, None] >> np.arange(8)) & 1
    total = np.exp(model.log_prob_bound(everything, 2000)).sum()
    assert 0.97 < total < 1.01


def test_bounds_do_not_depend_on_how_rows_are_cut(model, pixels, monkeypatch):
    whole = model.log_prob_bound(pixels[:7], 30)
    monkeypatch.setattr("dlmath.generative._vae.ROWS", 60)
    parts = model.log_prob_bound(pixels[:7], 30)
    assert_allclose(whole.mean(), parts.mean(), atol=0.3)


def test_samples_have_the_probabilities_of_the_model(model):
    drawn = model.sample(4000, 1)
    assert drawn.dtype == np.int64
    assert set(np.unique(drawn)) == {0, 1}
    means = model.sample(4000, 1, means=True)
    assert_allclose(drawn.mean(axis=0), means.mean(axis=0), atol=0.03)
    assert_array_equal(means, model.sample(4000, 1, means=True))


@pytest.mark.parametrize("levels", [3, 17])
def test_levels_have_probabilities_that_sum_to_one(levels):
    outputs = torch.randn(4, 6, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    outputs = outputs * torch.tensor([3.0, 3, 3, 8, 8, 8])
    every = torch.cartesian_prod(*[torch.arange(float(levels))] * 3)
    for row in outputs:
        total = log_discretised_logistic(row.expand(len(every), -1), every, levels).exp().sum()
        assert_allclose(total, 1, rtol=1e-12)
    tails = logistic_tails(outputs, levels)
    middle = torch.full((4, 3), 1.0)
    inside = log_discretised_logistic(outputs, middle, levels)
    assert_allclose(inside.exp(), (tails[..., 0] - tails[..., 1]).prod(dim=1), atol=1e-12)


def test_grey_samples_and_means():
    rng = np.random.default_rng(1)
    X = np.clip(rng.normal(5, 2, (200, 4)).round(), 0, 16).astype(int)
    model = VAE(levels=17, **SMALL | {"steps": 200}).fit(X)
    drawn = model.sample(3000, 0)
    assert drawn.min() >= 0
    assert drawn.max() <= 16
    assert_allclose(drawn.mean(axis=0), model.sample(3000, 0, means=True).mean(axis=0), atol=0.3)
    assert_allclose(drawn.mean(axis=0), X.mean(axis=0), atol=1)


def test_continuous_data_keep_their_units():
    rng = np.random.default_rng(2)
    X = 100 + 2 * rng.normal(size=(300, 1)) @ np.ones((1, 3)) + rng.normal(size=(300, 3))
    linear = {"latents": 1, "hidden": (), "steps": 500, "eta": 0.03, "weight_decay": 0}
    model = VAE(**SMALL | linear).fit(X)
    drawn = model.sample(4000, 0)
    assert_allclose(drawn.mean(axis=0), X.mean(axis=0), atol=0.4)
    assert_allclose(np.cov(drawn.T), np.cov(X.T), rtol=0.25)


def test_fitted_prior_improves_the_bound_and_can_be_taken_back(model, pixels, tmp_path):
    before = model.elbo(pixels, 200).mean()
    weights = model.network_["decoder"][0].weight.clone()
    model.fit_prior(pixels, 4)
    after = model.elbo(pixels, 200).mean()
    assert after > before
    codes = model.network_["prior"].sample(20_000).numpy()
    mean, sd = model.encode(pixels)
    assert_allclose(codes.mean(axis=0), mean.mean(axis=0), atol=0.05)
    assert_allclose(np.cov(codes.T), np.cov(mean.T) + np.diag((sd**2).mean(axis=0)), atol=0.08)
    model.save(tmp_path / "vae.npz")
    again = VAE.load(tmp_path / "vae.npz")
    assert again.components == 4
    assert_allclose(again.elbo(pixels, 5), model.elbo(pixels, 5), rtol=1e-6)
    model.fit_prior(pixels, 1)
    assert_allclose(model.elbo(pixels, 200).mean(), before)
    assert torch.equal(weights, model.network_["decoder"][0].weight)


def test_prior_of_a_mixture_is_a_density(model, pixels):
    model.fit_prior(pixels, 3)
    axis = torch.linspace(-8, 8, 401)
    grid = torch.cartesian_prod(axis, axis)
    total = model.network_["prior"](grid).exp().sum() * (axis[1] - axis[0]) ** 2
    model.fit_prior(pixels, 1)
    assert_allclose(total, 1, rtol=1e-4)


def test_is_a_scikit_learn_estimator():
    model = VAE(3, (7, 5), 2, beta=2.0)
    assert clone(model).get_params() == model.get_params()


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"latents": 0}, "latents must be an integer of at least 1"),
        ({"hidden": (3, 0)}, "hidden must be an integer of at least 1"),
        ({"dropout": 1.0}, "dropout must be from 0 to below 1"),
        ({"validation": -0.1}, "validation must be from 0 to below 1"),
        ({"beta": -1.0}, "beta must not be negative"),
        ({"noise": 0.0}, "noise must be a positive number"),
        ({"components": 0}, "components must be an integer"),
        ({"levels": 1}, "levels must be an integer of at least 2"),
    ],
)
def test_refuses_hyperparameters(pixels, wrong, message):
    with pytest.raises(ValueError, match=message):
        VAE(**{"levels": 2, **SMALL, **wrong}).fit(pixels)


def test_refuses_wrong_codes_and_pixels(model):
    with pytest.raises(ValueError, match="Z must have 2 columns, got 3"):
        model.decode(np.zeros((1, 3)))
    with pytest.raises(ValueError, match="X must hold integers from 0 to 1"):
        model.elbo(np.full((1, 8), 2))
    with pytest.raises(ValueError, match="k must be an integer"):
        model.log_prob_bound(np.zeros((1, 8)), 0)


@pytest.mark.parametrize("name", ["vae-digits", "vae-binary", "vae-plane", "vae-unregularised"])
def test_shipped_models_are_what_their_record_says(name):
    from dlmath.datasets import load_digits

    model, measures = load_trained(name), trained_record(name)["measures"]
    B = load_digits().test
    B = (B >= 8).astype(int) if model.levels == 2 else B
    assert_allclose(model.elbo(B, 16).mean(), measures["elbo"], atol=0.5)
    assert measures["importance_bound"] > measures["elbo"]


def test_shipped_models_reach_what_the_chapter_says():
    grey, binary = (trained_record(name)["measures"] for name in ("vae-digits", "vae-binary"))
    assert grey["importance_bound"] >= -89
    assert binary["importance_bound"] >= -17.6
    assert grey["importance_bound"] > grey["importance_bound_normal"]
    assert grey["fd_means"] < grey["fd_means_normal"]
    free = trained_record("vae-unregularised")["measures"]
    assert free["elbo_train"] > grey["elbo_train"] + 20
    assert free["elbo"] < grey["elbo"] - 100
