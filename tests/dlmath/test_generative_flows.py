"""Flows and MADE: what they promise, at a small budget; the shipped weights at full."""

import numpy as np
import pytest
import torch
from dlmath.datasets import load_digits, make_eight_gaussians
from dlmath.densities import eight_gaussians
from dlmath.generative import (
    MADE,
    LatticeFlow,
    NeuralSplineFlow,
    RealNVP,
    conditionals,
    load_trained,
    trained_record,
)
from dlmath.generative._made import level_features, orderings
from dlmath.interactive._flow import unwarp
from dlmath.lattice import action, independence_chain, weight_efficiency
from numpy.testing import assert_allclose, assert_array_equal
from scipy import integrate, stats

torch.set_num_threads(1)


@pytest.fixture(scope="module")
def digits():
    return load_digits()


@pytest.fixture(scope="module")
def stripes():
    """Rows of 9 levels, of which neighbours are nearly equal."""
    rng = np.random.default_rng(0)
    walk = np.cumsum(rng.integers(-1, 2, (400, 6)), axis=1) + rng.integers(2, 7, (400, 1))
    return np.clip(walk, 0, 8)


def test_made_learns_what_neighbours_know(stripes):
    model = MADE(levels=9, hidden=(32,), orders=2, steps=250, dropout=0.0, eta=1e-2)
    model.fit(stripes[:300])
    alone = np.stack([(stripes[:300] == k).mean(0) for k in range(9)]).clip(1e-3)
    price = -np.log(alone[stripes[300:], np.arange(6)]).sum(1).mean()
    assert -model.log_prob(stripes[300:]).mean() < price - 2
    drawn = model.sample(500, seed=1)
    assert drawn.min() >= 0
    assert drawn.max() <= 8
    steps = [np.abs(np.diff(rows, axis=1)).mean() for rows in (drawn, stripes)]
    assert abs(steps[0] - steps[1]) < 0.4
    assert_array_equal(drawn, model.sample(500, seed=1))
    given = conditionals(model, stripes[0], order=1)
    assert_allclose(given.sum(1), 1, rtol=1e-6)
    price = np.log(given[np.arange(6), stripes[0]]).sum()
    assert_allclose(price, model.log_prob_by_order(stripes[:1])[1, 0], rtol=1e-5)


def test_samples_of_made_have_its_probabilities():
    X = np.random.default_rng(1).integers(0, 2, (60, 4)) * [1, 1, 0, 1]
    model = MADE(levels=2, hidden=(12,), orders=3, steps=60, dropout=0.0).fit(X)
    states = np.indices((2,) * 4).reshape(4, -1).T
    drawn = model.sample(20_000, seed=2) @ [8, 4, 2, 1]
    found = np.bincount(drawn, minlength=16) / 20_000
    assert_allclose(found, np.exp(model.log_prob(states)), atol=0.012)


def test_orderings_read_the_page_from_its_corners():
    found = orderings(9, 10).numpy()
    assert_array_equal(np.sort(found, axis=1), np.tile(np.arange(1, 10), (10, 1)))
    assert len({tuple(row) for row in found}) == 10
    assert_array_equal(found[0], np.arange(1, 10))
    assert_array_equal(found[1], np.arange(9, 0, -1))
    assert_array_equal(found[4].reshape(3, 3), np.arange(1, 10).reshape(3, 3).T)
    assert_array_equal(np.sort(orderings(7, 1).numpy()[0]), np.arange(1, 8))


def test_level_features_span_what_they_say():
    features = level_features(17, 6).numpy()
    assert features.shape == (8, 17)
    assert np.linalg.matrix_rank(features) == 8
    assert_array_equal(features[-2:], np.eye(17)[[0, 16]])
    assert_array_equal(level_features(4, 2).numpy(), np.eye(4))


@pytest.mark.parametrize("kind", [RealNVP, NeuralSplineFlow])
def test_flows_learn_a_bent_gaussian(kind):
    rng = np.random.default_rng(3)
    u = rng.normal(size=(1500, 2))
    X = np.column_stack([u[:, 0], 0.3 * u[:, 1] + u[:, 0] ** 2 - 1])
    truth = stats.norm.logpdf(u).sum(1) - np.log(0.3)
    model = kind(layers=3, width=16, steps=250, eta=1e-2).fit(X[:1000])
    gaussian = stats.multivariate_normal(X.mean(0), np.cov(X.T)).logpdf(X[1000:]).mean()
    found = model.log_prob(X[1000:]).mean()
    assert gaussian + 0.4 < found < truth[1000:].mean() + 0.15
    Z, log_det = model.transform(X[:50])
    assert_allclose(model.inverse_transform(Z), X[:50], atol=1e-3)
    assert_allclose(
        stats.norm.logpdf(Z).sum(1) + log_det, model.log_prob(X[:50]), rtol=1e-5, atol=1e-5
    )
    assert_allclose(model.elbo(X[:50]), model.log_prob(X[:50]))
    drawn = model.sample(3000, seed=1)
    assert_allclose(np.corrcoef(drawn[:, 0] ** 2, drawn[:, 1])[0, 1], 0.97, atol=0.06)
    assert_array_equal(drawn, model.sample(3000, seed=1))


def test_an_untrained_flow_of_levels_bounds_the_probability_of_cells():
    """Its couplings are the identity: each pixel is a Gaussian seen through a logit."""
    X = np.random.default_rng(4).integers(0, 5, (300, 4))
    model = RealNVP(levels=5, layers=2, width=4, steps=1, eta=1e-30).fit(X)
    mean, scale = (model.network_.transforms[1].state_dict()[n].numpy() for n in ("mean", "scale"))

    def density(y, j):
        u = 0.02 + 0.96 * y
        z = (np.log(u / (1 - u)) - mean[j]) / scale[j]
        return stats.norm.pdf(z) / scale[j] * 0.96 / (u * (1 - u))

    k = X[0]
    cells = [integrate.quad(density, i / 5, (i + 1) / 5, args=(j,))[0] for j, i in enumerate(k)]
    means = [
        5 * integrate.quad(lambda y, j=j: np.log(density(y, j)), i / 5, (i + 1) / 5)[0]
        for j, i in enumerate(k)
    ]
    bound = model.elbo(k[None], samples=4000)[0]
    assert_allclose(bound, np.sum(means) - 4 * np.log(5), atol=0.03)
    assert bound < np.log(cells).sum()
    with pytest.raises(ValueError, match="use elbo"):
        model.log_prob(k[None])
    drawn = model.sample(200, seed=0)
    assert drawn.dtype == np.int64
    assert drawn.min() >= 0
    assert drawn.max() <= 4


def test_lattice_flow_learns_a_free_field_without_samples():
    model = LatticeFlow(
        size=4, mass_squared=1.0, coupling=1e-9, layers=2, width=6, steps=150, eta=3e-2
    ).fit()
    fields, log_q = model.propose(4000, seed=1)
    log_w = -action(fields, 1.0, 1e-9) - log_q
    assert weight_efficiency(log_w) > 0.9
    momenta = 4 * np.sin(np.pi * np.arange(4) / 4) ** 2
    matrix = momenta[:, None] + momenta + 1.0
    log_Z = 8 * np.log(2 * np.pi) - 0.5 * np.log(matrix).sum()
    assert log_w.mean() < log_Z < log_w.mean() + 0.1
    assert_allclose((fields**2).mean(), (1 / matrix).mean(), atol=0.03)
    assert_allclose(model.log_prob(fields.reshape(-1, 16)), log_q, rtol=1e-4, atol=1e-3)
    _, acceptance = independence_chain(log_w, seed=1)
    assert acceptance > 0.8
    with pytest.raises(ValueError, match="size must be even"):
        LatticeFlow(size=3).fit()


@pytest.mark.parametrize(
    ("model", "X", "message"),
    [
        (MADE(levels=2), [[0, 2]], "from 0 to 1"),
        (MADE(levels=2, orders=0), [[0, 1]], "orders must be an integer"),
        (MADE(levels=2, hidden=(0,)), [[0, 1]], "hidden must be an integer"),
        (MADE(levels=2, dropout=1.0), [[0, 1]], "dropout must be a number"),
        (RealNVP(masks="stripes"), [[0.0, 1.0]], "masks must be one of alternate, checkerboard"),
        (RealNVP(masks="checkerboard"), [[0.0, 1.0]], "needs square images, got 2 columns"),
        (RealNVP(layers=0), [[0.0, 1.0]], "layers must be an integer"),
        (RealNVP(), [[0.0], [1.0]], "X must have at least 2 columns"),
        (NeuralSplineFlow(bins=1), [[0.0, 1.0]], "bins must be an integer of at least 2"),
        (NeuralSplineFlow(reach=0.0), [[0.0, 1.0]], "reach must be"),
    ],
)
def test_bad_input_is_named(model, X, message):
    with pytest.raises(ValueError, match=message):
        model.fit(X)


def test_shipped_models_are_as_good_as_recorded(digits):
    binary = (digits.test >= 8).astype(int)
    limits = {"made-digits": 88, "made-binary": 18, "realnvp-digits": 95, "spline-digits": 88}
    for name, limit in limits.items():
        model, measures = load_trained(name), trained_record(name)["measures"]
        X = binary if name == "made-binary" else digits.test
        found = -(model.log_prob(X) if isinstance(model, MADE) else model.elbo(X)).mean()
        assert_allclose(found, measures["nats"], atol=0.2)
        assert found < limit
    law, X = eight_gaussians(), make_eight_gaussians(5000, seed=9)
    for name, limit in {"realnvp-eight": 0.45, "spline-eight": 0.02}.items():
        gap = (law.log_prob(X) - load_trained(name).log_prob(X)).mean()
        assert_allclose(gap, trained_record(name)["measures"]["divergence"], atol=0.03)
        assert gap < limit + 0.01


def test_the_figure_has_the_weights_of_the_shipped_flow():
    model = load_trained("realnvp-eight")
    z = np.random.default_rng(5).normal(size=(200, 2))
    x, log_det = unwarp(*model.export(), z)
    assert_allclose(x, model.inverse_transform(z), atol=2e-3)
    assert_allclose(-log_det, model.transform(x)[1], atol=5e-2)
    with pytest.raises(ValueError, match="two continuous variables"):
        load_trained("realnvp-digits").export()
