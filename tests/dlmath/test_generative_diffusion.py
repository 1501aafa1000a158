"""Models of diffusion and flow matching: what they promise, at budgets of a second."""

import numpy as np
import pytest
import torch
from dlmath.datasets import load_digits, make_eight_gaussians
from dlmath.densities import GaussianMixture, eight_gaussians
from dlmath.diffusion import (
    ExplodingSchedule,
    NoisyMixture,
    StraightSchedule,
    edm_scaling,
    exact_velocity,
    heun,
)
from dlmath.generative import DDPM, FlowMatching, load_trained, trained_record
from dlmath.generative._networks import Dense, Residual, UNet
from dlmath.metrics import memorisation_share
from numpy.testing import assert_allclose, assert_array_equal
from scipy.stats import multivariate_normal, norm
from sklearn.base import clone

torch.set_num_threads(1)

SMALL = {"network": "dense", "width": 16, "layers": 2, "steps": 12, "batch_size": 32}
EDM = {"schedule": "exploding", "parametrisation": "edm", "training_levels": "log-normal"}
both = pytest.mark.parametrize("kind", [DDPM, FlowMatching])
# A network that ends in zeros, and keeps them.
ZERO = {"network": "residual", "width": 8, "layers": 1, "steps": 1, "eta": 1e-30, "average": 0.0}


@pytest.fixture(scope="module")
def X():
    return make_eight_gaussians(2000, seed=1)


def weights(model):
    return torch.cat([p.detach().flatten() for p in model.network_.parameters()]).numpy()


# The protocol.


@both
def test_learns_and_gives_the_same_twice(kind, X):
    torch.manual_seed(3)
    expected = torch.randn(2)
    torch.manual_seed(3)
    first = kind(**SMALL).fit(X)
    assert torch.equal(torch.randn(2), expected)
    assert_array_equal(weights(first), weights(kind(**SMALL).fit(X)))
    assert not np.array_equal(weights(first), weights(kind(**SMALL, seed=1).fit(X)))
    drawn = first.sample(5, seed=2, steps=3)
    assert drawn.shape == (5, 2)
    assert_array_equal(drawn, first.sample(5, seed=2, steps=3))
    assert not np.array_equal(drawn, first.sample(5, seed=3, steps=3))
    assert len(first.losses_) == 12
    assert not first.network_.training
    assert clone(first).get_params() == first.get_params()


@both
def test_comes_back_from_a_file(kind, X, tmp_path):
    model = kind(**SMALL, classes=8).fit(X, np.arange(2000) % 8)
    model.save(tmp_path / "model.npz")
    back = kind.load(tmp_path / "model.npz")
    assert back.get_params() == model.get_params()
    options = {"seed": 1, "steps": 3, "labels": 5, "guidance": 2.0}
    assert_array_equal(back.sample(4, **options), model.sample(4, **options))
    other = FlowMatching if kind is DDPM else DDPM
    with pytest.raises(ValueError, match=f"holds weights of {kind.__name__}, not of"):
        other.load(tmp_path / "model.npz")


@both
def test_a_loss_that_is_not_finite_stops_and_loses_nothing(kind, X):
    model = kind(**{**SMALL, "eta": 1e30, "average": 0.0})
    with pytest.raises(FloatingPointError, match=rf"{kind.__name__}: the loss is not finite in"):
        model.fit(X)
    assert np.isfinite(weights(model)).all()


@both
def test_encoding_is_undone(kind, X):
    model = kind(**SMALL).fit(3 * X + 1)
    states = model.encode(3 * X + 1)
    assert_allclose(states.mean(axis=0), 0, atol=1e-6)
    assert_allclose(np.square(states).mean(), 1, rtol=1e-6)
    assert_allclose(model.decode(states), 3 * X + 1, atol=1e-5)
    grey = kind(**SMALL, levels=5).fit(np.arange(40).reshape(10, 4) % 5)
    assert_allclose(grey.encode([[0, 2, 4, 1]]), [[-1, 0, 1, -0.5]])
    assert_array_equal(grey.decode([[-9.0, 0.1, 0.9, 2]]), [[0, 2, 4, 4]])
    constant = kind(**SMALL).fit(np.ones((9, 2)))
    assert_allclose(constant.decode(constant.encode(np.ones((2, 2)))), 1)


@both
def test_averages_forget_how_they_began(kind):
    model = kind(average=0.999)
    averages, parameters = [torch.zeros(1)], [torch.ones(1)]
    for count in range(1, 200):
        model._move_average(averages, parameters, torch.tensor(count))
    assert float(averages[0]) > 0.999
    model._move_average(averages, [torch.zeros(1)], torch.tensor(100_000))
    assert_allclose(float(averages[0]), 0.999, atol=1e-3)


# Labels and guidance.


@pytest.fixture(scope="module")
def sides():
    """Two classes on two sides."""
    rng = np.random.default_rng(4)
    y = rng.integers(0, 2, 600)
    return rng.normal(size=(600, 2)) * 0.3 + np.outer(2 * y - 1, [2, 0]), y


@both
def test_labels_say_what_to_draw(kind, sides):
    options = {} if kind is FlowMatching else EDM
    model = kind(**{**SMALL, "steps": 250, "batch_size": 128, "eta": 1e-2}, classes=2, **options)
    model.fit(*sides)
    labels = np.arange(200) % 2
    drawn = model.sample(200, seed=1, labels=labels)[:, 0]
    assert (np.sign(drawn) == 2 * labels - 1).mean() > 0.95
    drawn = model.sample(200, seed=1, labels=1)[:, 0]
    assert (drawn > 0).mean() > 0.95
    free = model.sample(200, seed=1)[:, 0]
    assert 0.25 < (free > 0).mean() < 0.75


@both
def test_guidance_is_the_weighted_mean_of_two_answers(kind, sides):
    model = kind(**SMALL, classes=2).fit(*sides)
    x, t = np.random.default_rng(5).normal(size=(3, 2)), 0.4
    with_label, free = model.denoiser([0, 1, 0])(x, t), model.denoiser()(x, t)
    for w in (0, 2.5, -1.0):
        guided = model.denoiser([0, 1, 0], guidance=w)(x, t)
        assert_allclose(guided, w * with_label + (1 - w) * free, rtol=1e-5, atol=1e-5)
        if w != 0:
            assert not np.allclose(guided, w * with_label - (1 - w) * free)
    with pytest.raises(ValueError, match="guidance must be 1"):
        model.denoiser([0, 1, 0], guidance=2).divergence(x, t)


def test_impossible_labels_and_guidance_are_refused(X, sides):
    free, model = FlowMatching(**SMALL).fit(X), DDPM(**SMALL, classes=2).fit(*sides)
    with pytest.raises(ValueError, match=r"trained without labels \(classes=0\)"):
        free.sample(3, guidance=2.0)
    with pytest.raises(ValueError, match="the model has none"):
        free.sample(3, labels=[0, 0, 1])
    with pytest.raises(ValueError, match="labels must be given"):
        model.sample(3, guidance=2.0)
    with pytest.raises(ValueError, match="guidance must be a finite number"):
        model.sample(3, labels=0, guidance=np.inf)
    with pytest.raises(ValueError, match="integers from 0 to 1"):
        model.sample(3, labels=2)
    with pytest.raises(ValueError, match="one label or 3, got 2"):
        model.sample(3, labels=[0, 1])
    before = weights(model)
    with pytest.raises(ValueError, match="y must hold the labels of 2 classes"):
        model.fit(sides[0])
    with pytest.raises(ValueError, match="y must hold 600 labels, got 599"):
        model.fit(sides[0], sides[1][1:])
    assert_array_equal(weights(model), before)


# What is learned, against closed forms.


def test_the_excess_loss_falls_towards_zero(X):
    """Each noise level is weighted so that a network that says nothing has the loss 1."""
    model = DDPM(**EDM, network="dense", width=48, steps=400, batch_size=256, eta=5e-3).fit(X)
    centre, scale = (getattr(model.network_, n).numpy() for n in ("centre", "scale"))
    law = eight_gaussians()
    states = GaussianMixture(law.weights, (law.means - centre) / scale, law.covariances / scale**2)
    exact, rng = NoisyMixture(states, ExplodingSchedule()), np.random.default_rng(6)
    denoise, x0 = model.denoiser(), (make_eight_gaussians(1000, seed=7) - centre) / scale
    best, found, silent = [], [], []
    for share in (np.arange(16) + 0.5) / 16:
        t = float(np.exp(model.level_mean + model.level_sd * norm.ppf(share)))
        x = x0 + t * rng.standard_normal(x0.shape)
        c_skip, c_out, _ = edm_scaling(t, 1.0)
        for losses, guess in ((best, exact(x, t)), (found, denoise(x, t)), (silent, c_skip * x)):
            losses.append(np.square((guess - x0) / c_out).mean())
    assert_allclose(np.mean(silent), 1, atol=0.03)
    assert np.mean(best) < np.mean(found) < np.mean(best) + 0.05 < 0.9
    assert np.mean(model.losses_[-50:]) < np.mean(best) + 0.1


def test_the_velocity_is_nearly_the_exact_one(X):
    options = {"network": "dense", "width": 48, "steps": 400, "batch_size": 256, "eta": 5e-3}
    model = FlowMatching(training_times="uniform", **options).fit(X)
    centre, scale = (getattr(model.network_, n).numpy() for n in ("centre", "scale"))
    law = eight_gaussians()
    states = GaussianMixture(law.weights, (law.means - centre) / scale, law.covariances / scale**2)
    exact, rng = exact_velocity(NoisyMixture(states, StraightSchedule())), np.random.default_rng(8)
    data = model.encode(make_eight_gaussians(1000, seed=9))
    for t in (0.2, 0.5, 0.8):
        x = (1 - t) * rng.standard_normal(data.shape) + t * data
        wanted, found = exact(x, t), model.velocity(x, t)
        assert np.square(found - wanted).mean() < 0.25 * np.square(wanted).mean()
        denoised = model.denoiser()(x, 1 - t)
        assert_allclose(x + (1 - t) * found, denoised, rtol=1e-5, atol=1e-5)
    drawn = model.sample(1000, seed=1, steps=20)
    assert (law.log_prob(drawn) > -5).mean() > 0.7
    gaussian = np.random.default_rng(0).normal(size=(1000, 2)) * scale
    assert (law.log_prob(gaussian) > -5).mean() < 0.35
    # The same noise gives nearly the same samples by another method.
    other = model.sample(1000, seed=1, sampler="heun", steps=40)
    assert np.median(np.linalg.norm(drawn - other, axis=1)) < 0.03


def test_the_first_losses_are_known(X):
    """Those of networks that say zero: variances of what they are asked for."""
    options = {**ZERO, "batch_size": 4000}
    for model, expected in (
        (DDPM(**EDM, **options), 1),
        (DDPM(parametrisation="epsilon", **options), 1),
        (DDPM(parametrisation="v", **options), 1),
        (DDPM(parametrisation="x0", **options), 1),
        (FlowMatching(**options), 2),
        (FlowMatching(training_times="uniform", **options), 2),
    ):
        assert_allclose(model.fit(X).losses_[0], expected, rtol=0.05)


def test_networks_that_say_zero_have_known_densities():
    rng = np.random.default_rng(10)
    X = 3 * rng.normal(size=(500, 2)) + [5, -1]
    centre, scale = X.mean(axis=0), np.sqrt(np.square(X - X.mean(axis=0)).mean())
    for model, sd, atol in (
        # v = 0 says that the data are N(0, I); EDM's scaling says the same; a velocity of zero
        # leaves the noise as it is, of which the schedule's end has 99.9 per cent.
        (DDPM(**ZERO), 1.0, 1e-4),
        (DDPM(**EDM, **ZERO), 1.0, 2e-3),
        (FlowMatching(**ZERO), 0.999, 1e-4),
    ):
        model.fit(X)
        found = model.log_prob(X[:40])
        law = multivariate_normal(centre, (sd * scale) ** 2)
        assert_allclose(found, law.logpdf(X[:40]), atol=atol)
        assert_array_equal(found, model.elbo(X[:40]))
        x = rng.normal(size=(4, 2))
        if isinstance(model, DDPM) and model.schedule == "cosine":
            assert_allclose(model.score(x, 0.5), -x, rtol=1e-4, atol=1e-5)
            with pytest.raises(ValueError, match="t must be above 0"):
                model.score(x, 0.0)


def test_the_bound_of_grey_levels_integrates_over_their_cells():
    rng = np.random.default_rng(11)
    X = rng.integers(0, 5, (300, 4))
    model = FlowMatching(**ZERO, levels=5).fit(X)
    found = model.elbo(X, steps=10)
    # States are (k + u - 2) / 2, and u has the variance 1/12.
    squares = ((X - 2) / 2) ** 2 + 1 / 48
    sd = 0.999
    each = -squares / (2 * sd**2) - np.log(2 * np.pi * sd**2) / 2 - np.log(2)
    assert_allclose(found.mean(), each.sum(axis=1).mean(), atol=0.02)
    cells = norm.cdf((X - 1.5) / 2, scale=sd) - norm.cdf((X - 2.5) / 2, scale=sd)
    assert found.mean() < np.log(cells).sum(axis=1).mean() + 0.02
    with pytest.raises(ValueError, match="levels=5: a flow knows densities; use elbo"):
        model.log_prob(X)


@both
@pytest.mark.parametrize("network", ["dense", "residual", "unet"])
def test_divergences_are_traces(kind, network):
    rng = np.random.default_rng(12)
    X = rng.normal(size=(60, 16))
    options = {**SMALL, "network": network, "width": 8, "eta": 1e-2}
    model = kind(**options).fit(X)
    model.network_.double()
    denoise, h = model.denoiser(), 1e-4
    for t in (0.2, 0.9):
        slopes = [
            (denoise(X[:5] + h * e, t) - denoise(X[:5] - h * e, t))[:, j] / (2 * h)
            for j, e in enumerate(np.eye(16))
        ]
        found = denoise.divergence(X[:5], t)
        assert_allclose(found, np.sum(slopes, axis=0), rtol=1e-5, atol=1e-6)
        assert found.std() > 0


# Samplers.


def test_all_samplers_answer(X):
    model = FlowMatching(**SMALL).fit(X)
    for sampler in ("heun", "dpm", "ddim", "ancestral", "stochastic", "flow", "midpoint", "euler"):
        assert np.isfinite(model.sample(3, sampler=sampler, steps=4)).all()
    x = model.schedule_.prior(3, 2, np.random.default_rng(0))
    times = model.schedule_.times(4, "log-snr")
    assert_allclose(
        model.sample(3, sampler="heun", steps=4, spacing="log-snr", decode=False),
        heun(model.denoiser(), x, model.schedule_, times),
    )
    start = np.random.default_rng(0).standard_normal((3, 2))
    path = model.transport(start, 4, sampler="midpoint", path=True)
    assert path.shape == (5, 3, 2)
    assert_array_equal(path[-1], model.sample(3, steps=4, decode=False))
    with pytest.raises(ValueError, match="sampler must be one of heun, dpm"):
        model.sample(3, sampler="magic")
    with pytest.raises(ValueError, match="spacing cannot be given with sampler='midpoint'"):
        model.sample(3, spacing="power")
    with pytest.raises(ValueError, match="steps must be an integer"):
        model.sample(3, steps=0)
    with pytest.raises(ValueError, match="t must be from 0 to below 1"):
        model.velocity(start, 1.0)


def test_samplers_ask_as_often_as_they_say(X):
    model, asked = DDPM(**SMALL).fit(X), []
    original = model._denoise
    model._denoise = lambda *arguments: asked.append(1) or original(*arguments)
    for sampler, expected in (("heun", 19), ("dpm", 10), ("ddim", 10), ("ancestral", 10)):
        asked.clear()
        model.sample(2, sampler=sampler, steps=10)
        assert len(asked) == expected


# Pairs.


def test_pairs_that_are_near_make_the_loss_smaller(X):
    options = {**SMALL, "steps": 60, "batch_size": 128}
    independent = FlowMatching(**options).fit(X)
    optimal = FlowMatching(coupling="optimal", **options).fit(X)
    assert np.mean(optimal.losses_[-20:]) < 0.8 * np.mean(independent.losses_[-20:])


def test_with_given_pairs_one_step_is_enough():
    noise = np.random.default_rng(13).normal(size=(400, 2))
    X = noise[:, ::-1] * [2.0, -1.0] + 5
    options = {**SMALL, "steps": 300, "batch_size": 128, "eta": 1e-2}
    model = FlowMatching(training_times="uniform", **options)
    model.fit(X, noise=noise)
    states = model.transport(noise, 1)
    far = np.linalg.norm(states - model.encode(X), axis=1).mean()
    assert far < 0.15 * np.linalg.norm(noise - model.encode(X), axis=1).mean()
    mixed = model.set_params(steps=100).fit(X)
    assert np.linalg.norm(mixed.transport(noise, 1) - mixed.encode(X), axis=1).mean() > 3 * far


@pytest.mark.parametrize(
    ("options", "y", "shape", "message"),
    [
        ({}, None, (5, 2), r"noise must hold finite numbers of the shape \(6, 2\) of X"),
        ({"classes": 2}, [0] * 6, (6, 2), "noise cannot be given together with labels"),
        ({"coupling": "optimal"}, None, (6, 2), "would undo the pairs given by noise"),
        ({"levels": 2, "dequantise": True}, None, (6, 2), "shakes the pairs"),
    ],
)
def test_impossible_pairs_are_refused(options, y, shape, message):
    with pytest.raises(ValueError, match=message):
        FlowMatching(**SMALL, **options).fit(np.zeros((6, 2)), y, noise=np.zeros(shape))


# Networks.


def test_networks_map_rows_to_rows():
    x, noise = torch.randn(5, 64), torch.linspace(-2, 2, 5)
    for network in (UNet(8, 8), UNet(8, 16, 2), Residual(64, 20, 2), UNet(8, 8, 1, 3)):
        labels = None if network.embedding.labels is None else torch.tensor([0, 1, 2, 3, 3])
        # The last layer begins with zeros.
        assert_array_equal(network(x, noise, labels).detach().numpy(), np.zeros((5, 64)))
        for parameter in network.parameters():
            torch.nn.init.normal_(parameter, std=0.1)
        whole = network(x, noise, labels)
        assert whole.shape == (5, 64)
        # Rows do not see each other, but the level and the label.
        part = network(x[2:3], noise[2:3], None if labels is None else labels[2:3])
        assert_allclose(part.detach(), whole[2:3].detach(), rtol=1e-3, atol=1e-5)
        assert not torch.allclose(network(x, noise + 0.3, labels), whole, atol=1e-3)
        if labels is not None:
            assert not torch.allclose(network(x, noise, 3 - labels), whole, atol=1e-3)
        whole.square().mean().backward()
        assert all(torch.isfinite(p.grad).all() for p in network.parameters() if p.grad is not None)
    assert Dense(3, 10, 2, frequencies=0)(x[:, :3], noise).shape == (5, 3)
    directions = Dense(3, 10, 2, frequencies=2).directions
    lengths = torch.linalg.norm(directions, dim=1).numpy()
    assert_allclose(lengths, [1.0] * 6 + [2.0] * 6, rtol=1e-5)


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (DDPM(schedule="sine"), "schedule must be one of cosine, linear, exploding"),
        (DDPM(parametrisation="score"), "parametrisation must be one of x0, epsilon, v, edm"),
        (DDPM(training_levels="all"), "training_levels must be one of uniform, log-normal"),
        (DDPM(level_sd=0.0), "level_sd must be a positive number"),
        (DDPM(level_mean=np.nan), "level_mean must be a finite number"),
        (DDPM(network="conv"), "network must be one of unet, residual, dense"),
        (DDPM(width=20), "width must be a multiple of 8 for a U-Net, got 20"),
        (DDPM(patch=4, width=8), "images of side 4 cannot be halved after patches of 4"),
        (DDPM(classes=-1), "classes must be an integer of at least 0"),
        (DDPM(label_dropout=1.0), "label_dropout must be from 0 to below 1"),
        (DDPM(dropout=1.0), "dropout must be a number from 0 to below 1"),
        (DDPM(average=1.0), "average must be from 0 to below 1"),
        (DDPM(dequantise=True), "needs grey levels, but levels is None"),
        (DDPM(steps=0), "steps must be an integer of at least 1"),
        (FlowMatching(coupling="greedy"), "coupling must be one of independent, optimal"),
        (FlowMatching(training_times="late"), "training_times must be one of uniform"),
        (FlowMatching(levels=3), r"got 1\.5 in row 0, column 0"),
        (FlowMatching(device="abacus"), "device must be one that torch finds here"),
    ],
)
def test_bad_input_is_named(model, message):
    with pytest.raises(ValueError, match=message):
        model.fit(np.full((6, 16), 1.5))
    assert not hasattr(model, "network_")


def test_a_unet_needs_square_images():
    with pytest.raises(ValueError, match="needs square images, got 15 columns"):
        DDPM().fit(np.zeros((6, 15)))


# What is shipped.


def test_the_shipped_flow_draws_digits():
    """A few hundred samples: as near to the real ones as the record says, not copies of them."""
    record = trained_record("flow-digits")["measures"]
    assert record["fd"] < 4
    assert 0.5 < record["memorisation"] < 0.65
    model, digits = load_trained("flow-digits"), load_digits()
    drawn, judge = model.sample(300, seed=3), load_trained("digits-features")
    assert np.isin(drawn, np.arange(17)).all()
    shares = judge.predict_proba(drawn)
    assert_allclose(shares.max(axis=1).mean(), record["confidence"], atol=0.03)
    halves = digits.train.astype(float), digits.test[:898].astype(float)
    assert memorisation_share(drawn, *halves) < 0.75
