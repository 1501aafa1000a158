"""Energies that are networks: their units, their chains, their gradient, and what is shipped."""

import numpy as np
import pytest
import torch
from dlmath.datasets import load_digits
from dlmath.densities import eight_gaussians
from dlmath.generative import EnergyModel, judge_digits, load_trained, trained_record
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone

SMALL = {"hidden": (8,), "steps": 3, "n_chains": 60, "batch_size": 40, "langevin_steps": 4}


@pytest.fixture(scope="module")
def points():
    return [3.0, -1.0] + np.array([2.0, 0.5]) * np.random.default_rng(0).normal(size=(400, 2))


@pytest.fixture(scope="module")
def small(points):
    return EnergyModel(**SMALL).fit(points)


def flat(model):
    """Switch the network off: only the base Gaussian is left."""
    with torch.no_grad():
        for parameter in model.network_.parameters():
            parameter.zero_()
    return model


def test_without_a_network_the_base_gaussian_is_left(points):
    model = flat(EnergyModel(**SMALL, base=1.5).fit(points))
    mean, sd = points.mean(axis=0), 1.5 * points.std(axis=0)
    z = (points - mean) / sd
    expected = -(z**2).sum(axis=1) / 2 - np.log(2 * np.pi * sd.prod())
    assert_allclose(model.log_prob(points), expected, rtol=1e-6)
    assert_allclose(model.score(points), -z / sd, rtol=1e-5, atol=1e-6)


def test_the_score_is_minus_the_slope_of_the_energy(small, points):
    step = 1e-5 * np.eye(2)
    slopes = [(small.energy(points + e) - small.energy(points - e)) / 2e-5 for e in step]
    assert_allclose(small.score(points), -np.transpose(slopes), atol=1e-7)


def test_densities_integrate_to_one(small):
    assert abs(small.log_partition(200) - small.log_partition(331)) < 1e-6
    rng = np.random.default_rng(1)
    spread = 4 * small.network_.scale.numpy()
    X = small.network_.mean.numpy() + spread * rng.standard_normal((100_000, 2))
    z = (X - small.network_.mean.numpy()) / spread
    proposal = -(z**2).sum(axis=1) / 2 - np.log(2 * np.pi * spread.prod())
    weights = np.exp(small.log_prob(X) - proposal)
    assert abs(weights.mean() - 1) < 5 * weights.std() / np.sqrt(len(X))


def test_one_step_of_the_chains_is_langevins(small):
    u = torch.tensor([[0.3, -0.2], [1.0, 2.0]])
    with small._seeded(5), torch.no_grad():
        moved = small._langevin(u)
    with small._seeded(5):
        xi = torch.randn_like(u)
    drift = (small.step_size / 2 * small.network_.force(u)).clamp(-small.clip, small.clip)
    assert_allclose(moved, u + drift + small.step_size**0.5 * xi, rtol=1e-6)


def test_a_large_force_is_clipped(points):
    model = EnergyModel(**SMALL, clip=0.01, noise=0.0).fit(points)
    u = torch.tensor([[50.0, -60.0]])
    with torch.no_grad():
        assert_allclose(model._langevin(u) - u, [[-0.01, 0.01]], atol=1e-5)


def test_chains_of_the_base_gaussian_have_the_variance_of_a_finite_step(points):
    """ULA on the base Gaussian of width 1 has the variance 1/(1 - eps/4)."""
    model = flat(EnergyModel(**SMALL, base=1.0, step_size=0.8, clip=10.0).fit(points))
    X = model.sample(20_000, langevin_steps=30)
    assert_allclose((X / points.std(axis=0)).var(axis=0), 1 / (1 - 0.2), rtol=0.04)
    cold = model.langevin(X, 60, beta=2.0)
    assert_allclose((cold / points.std(axis=0)).var(axis=0), 0.5 / (1 - 0.4), rtol=0.04)


def test_the_buffer_moves_and_a_share_begins_anew(points):
    model = EnergyModel(**SMALL, noise=0.0, step_size=1e-12, restart=0.0).fit(points)
    before = model.network_.chains.clone()
    with model._seeded(3):
        model._negative_phase()
    assert_allclose(model.network_.chains, before, atol=1e-6)
    model.restart = 1.0
    with model._seeded(3):
        model._negative_phase()
    assert (model.network_.chains != before).any(dim=1).sum() == SMALL["batch_size"]


def two_humps(n, seed):
    rng = np.random.default_rng(seed)
    return 0.4 * rng.normal(size=(n, 2)) + 2.0 * rng.choice([-1, 1], (n, 1)) * [1, 0]


def test_training_beats_the_gaussian():
    settings = {"hidden": (32,), "steps": 100, "eta": 1e-2, "langevin_steps": 10, "n_chains": 128}
    model = EnergyModel(**settings, gain=5.0, sharpness=4.0, step_size=0.03)
    model.fit(two_humps(1000, 1))
    held_out = two_humps(1000, 2)
    gaussian = -np.log(2 * np.pi * held_out.std(axis=0).prod()) - 1
    assert model.log_prob(held_out).mean() > gaussian + 0.02
    assert len(model.losses_) == 100


def test_same_seed_same_model(points, small):
    again = clone(small).fit(points)
    assert_array_equal(again.energy(points[:20]), small.energy(points[:20]))
    assert_array_equal(small.sample(20, seed=3), small.sample(20, seed=3))
    assert (small.sample(20, seed=3) != small.sample(20, seed=4)).any()


def test_pixels_come_in_grey_levels(tmp_path):
    X = load_digits().train[:100]
    model = EnergyModel(**SMALL, levels=17, base=1.0).fit(X)
    samples = model.sample(20, langevin_steps=3)
    assert samples.dtype == np.int64
    assert samples.min() >= 0
    assert samples.max() <= 16
    assert_allclose(model.network_.scale, np.sqrt(X.var(axis=0) + 1 / 12), rtol=1e-5)
    with pytest.raises(ValueError, match="in the plane at most"):
        model.log_prob(X)
    path = tmp_path / "model.npz"
    model.save(path)
    assert_allclose(EnergyModel.load(path).energy(X), model.energy(X), rtol=1e-6)
    with pytest.raises(ValueError, match="X must hold integers from 0 to 16"):
        EnergyModel(**SMALL, levels=17).fit(X + 0.5)


def test_chains_that_run_away_are_reported(points):
    model = EnergyModel(**SMALL, step_size=1e30, clip=1e38).fit
    with pytest.raises(FloatingPointError, match="EnergyModel: the loss is not finite"):
        model(points)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"hidden": 64}, "hidden must be a tuple"),
        ({"hidden": (0,)}, "hidden"),
        ({"langevin_steps": 0}, "langevin_steps"),
        ({"step_size": 0.0}, "step_size"),
        ({"clip": -1.0}, "clip"),
        ({"gain": 0.0}, "gain"),
        ({"base": 0.0}, "base"),
        ({"sharpness": 0.0}, "sharpness"),
        ({"noise": -1.0}, "noise must not be negative"),
        ({"penalty": np.nan}, "penalty must not be negative"),
        ({"restart": 1.5}, "restart must lie between 0 and 1"),
        ({"n_chains": 10}, "n_chains must be at least batch_size"),
    ],
)
def test_bad_parameters_are_named(points, change, message):
    with pytest.raises(ValueError, match=message):
        EnergyModel(**{**SMALL, **change}).fit(points)


def test_bad_points_are_named(small):
    with pytest.raises(ValueError, match="X must have 2 columns"):
        small.energy(np.zeros((3, 3)))
    with pytest.raises(ValueError, match="beta"):
        small.langevin(np.zeros((3, 2)), 2, beta=0.0)


def test_the_shipped_landscape_is_near_the_truth():
    truth, record = eight_gaussians(), trained_record("energy-eight")
    X = truth.sample(4000, seed=9)
    divergence = np.mean(truth.log_prob(X) - load_trained("energy-eight").log_prob(X))
    assert divergence < 0.2
    assert_allclose(divergence, record["measures"]["kl"], atol=0.05)


def test_the_shipped_digits_are_judged_as_recorded():
    model, measures = load_trained("energy-digits"), trained_record("energy-digits")["measures"]
    samples = model.sample(4495, seed=2)
    found = judge_digits(samples)
    assert found.fd < 27
    assert abs(found.fd - measures["fd"]) < 6
    assert found.classes > 9.4
    assert measures["fd_after_50"] > 2 * measures["fd"]
    digits = load_digits()
    noise = np.random.default_rng(0).permuted(digits.test, axis=0)
    assert np.mean(model.energy(noise) > np.median(model.energy(digits.test))) > 0.95
