"""Adversarial networks: what the game's parts compute, the training, what is refused."""

import numpy as np
import pytest
import torch
from dlmath.datasets import load_digits, make_eight_gaussians
from dlmath.generative import GAN, load_trained, trained_record
from dlmath.generative._gan import (
    discriminator_cost,
    generator_cost,
    gradient_penalty,
    r1_penalty,
)
from dlmath.interactive._adversarial import count_modes
from numpy.testing import assert_allclose, assert_array_equal
from scipy.special import expit

SMALL = {"latent": 2, "widths": (24, 24), "eta": 1e-3, "batch_size": 64, "steps": 30}


@pytest.fixture(scope="module")
def points():
    return make_eight_gaussians(800, seed=1)


def test_costs_are_those_of_the_probabilities():
    rng = np.random.default_rng(0)
    real, fake = rng.normal(size=5), rng.normal(size=5)
    a, b = torch.tensor(real), torch.tensor(fake)
    value = np.log(expit(real)).mean() + np.log(1 - expit(fake)).mean()
    assert_allclose(discriminator_cost(a, b, "non-saturating"), -value)
    assert_allclose(discriminator_cost(a, b, "saturating"), -value)
    assert_allclose(discriminator_cost(a, b, "wasserstein"), fake.mean() - real.mean())
    assert_allclose(generator_cost(b, "saturating"), np.log(1 - expit(fake)).mean())
    assert_allclose(generator_cost(b, "non-saturating"), -np.log(expit(fake)).mean())
    assert_allclose(generator_cost(b, "wasserstein"), -fake.mean())


def test_penalties_of_a_linear_critic():
    w = torch.tensor([3.0, 4.0], dtype=torch.float64)
    x = torch.randn(7, 2, dtype=torch.float64, requires_grad=True)
    assert_allclose(r1_penalty(x @ w, x, 0.4).item(), 0.2 * 25)
    rows = x.detach()
    assert_allclose(gradient_penalty(lambda z: z @ w, rows, rows + 1, 0.4).item(), 0.2 * 16)


@pytest.mark.parametrize(
    "change",
    [
        {},
        {"loss": "saturating", "penalty": None, "average": 0.0},
        {"loss": "wasserstein", "penalty": "gradient", "gamma": 20.0, "critic_steps": 2},
        {"decay": True},
    ],
)
def test_fits_and_draws_the_same_twice(points, change):
    first, second = (GAN(**{**SMALL, **change}).fit(points) for _ in range(2))
    assert_array_equal(first.sample(5, seed=3), second.sample(5, seed=3))
    assert not np.array_equal(first.sample(5, seed=3), first.sample(5, seed=4))
    assert first.sample(5).shape == (5, 2)
    assert len(first.losses_) == 30
    other = GAN(**{**SMALL, **change, "seed": 1}).fit(points)
    assert not np.array_equal(first.sample(5), other.sample(5))


def test_the_average_is_that_of_the_generators(points):
    """Without averaging, the generators of all steps are seen, and their mean is the average."""
    seen = []

    def watch(k, model):
        seen.append(next(model.network_.generator.parameters()).detach().numpy().copy())

    GAN(**SMALL, average=0.0).fit(points, watch=watch)
    averaged = GAN(**SMALL, average=0.9).fit(points)
    mean = seen[0]
    for weights in seen[1:]:
        mean = 0.9 * mean + 0.1 * weights
    found = next(averaged.network_.generator.parameters()).detach().numpy()
    assert_allclose(found, mean, rtol=1e-4, atol=1e-6)


def test_watching_changes_nothing(points):
    def watch(k, model):
        model.sample(4)
        torch.rand(3)

    watched, plain = GAN(**SMALL).fit(points, watch=watch), GAN(**SMALL).fit(points)
    assert_array_equal(watched.sample(5), plain.sample(5))


def test_pixels_are_levels():
    digits = load_digits().train[:200]
    model = GAN(widths=(32,), levels=17, steps=20).fit(digits)
    images = model.sample(50)
    assert images.dtype == np.int64
    assert images.min() >= 0
    assert images.max() <= 16
    assert model.log_odds(digits[:4] + 0.3).shape == (4,)


def test_a_constant_column_is_no_trouble():
    X = np.column_stack([np.ones(50), np.ones(50)])
    assert np.isfinite(GAN(**SMALL).fit(X).sample(4)).all()


def test_log_odds_are_those_of_the_discriminator(points):
    model = GAN(**SMALL).fit(points)
    scaled = (points[:3] - points.mean(axis=0)) / np.sqrt(
        np.mean((points - points.mean(axis=0)) ** 2)
    )
    direct = model.network_.discriminator(torch.tensor(scaled, dtype=torch.float32))
    assert_allclose(model.log_odds(points[:3]), direct.detach().numpy()[:, 0], rtol=1e-4, atol=1e-6)
    with pytest.raises(ValueError, match="X must have 2 columns, as in fit, got 3"):
        model.log_odds(np.ones((2, 3)))


def test_saves_and_loads(points, tmp_path):
    model = GAN(**SMALL).fit(points)
    model.save(tmp_path / "gan.npz")
    again = GAN.load(tmp_path / "gan.npz")
    assert again.widths == (24, 24)
    assert_allclose(again.sample(5), model.sample(5), rtol=1e-6)
    assert_allclose(again.log_odds(points[:3]), model.log_odds(points[:3]), rtol=1e-6)


def test_a_run_away_game_is_stopped(points):
    with pytest.raises(FloatingPointError, match="GAN: the loss is not finite"):
        GAN(**{**SMALL, "eta": 1e30}).fit(points)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"loss": "hinge"}, "loss must be one of"),
        ({"penalty": "r2"}, "penalty must be one of"),
        ({"gamma": -1.0}, "gamma must not be negative"),
        ({"average": 1.0}, "average must be from 0 to below 1"),
        ({"latent": 0}, "latent must be"),
        ({"widths": (8, 0)}, "widths must be"),
        ({"every": 0}, "every must be"),
        ({"critic_steps": 0}, "critic_steps must be"),
        ({"generator_steps": 0}, "generator_steps must be"),
        ({"eta": 0.0}, "eta must be"),
        ({"levels": 17}, "X must hold integers"),
    ],
)
def test_bad_input_is_named(points, change, message):
    model = GAN(**{**SMALL, **change})
    with pytest.raises(ValueError, match=message):
        model.fit(points)
    assert not hasattr(model, "network_")


def test_learns_eight_gaussians(points):
    """A few seconds of training: most samples near a mode, all modes found."""
    model = GAN(**{**SMALL, "steps": 400, "widths": (64, 64)}, average=0.98).fit(points)
    modes, share = count_modes(model.sample(1000))
    assert modes == 8
    assert share > 0.5


def test_shipped_models_are_those_described():
    for name, loss, penalty in (
        ("gan-digits", "non-saturating", "r1"),
        ("gan-digits-no-r1", "non-saturating", None),
        ("wgan-digits", "wasserstein", "gradient"),
    ):
        model = load_trained(name)
        assert (model.loss, model.penalty, model.levels) == (loss, penalty, 17)
        assert trained_record(name)["script"] == "data/train_adversarial.py"
    with_r1, without = (load_trained(n).get_params() for n in ("gan-digits", "gan-digits-no-r1"))
    assert {k for k in with_r1 if with_r1[k] != without[k]} == {"penalty"}


def test_shipped_models_reach_their_marks():
    """The measures that were recorded, of the weights as they are shipped."""
    measures = {
        n: trained_record(n)["measures"] for n in ("gan-digits", "gan-digits-no-r1", "wgan-digits")
    }
    assert measures["gan-digits"]["fd"] <= 10
    assert measures["gan-digits"]["classes"] >= 9.9
    assert measures["gan-digits-no-r1"]["fd"] >= 4 * measures["gan-digits"]["fd"]
    assert measures["wgan-digits"]["fd"] <= 27
    assert sum(trained_record(name)["cpu_seconds"] for name in measures) < 300
