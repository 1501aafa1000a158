"""The restricted Boltzmann machine against tables of all states, torch's gradient and sklearn."""

import numpy as np
import pytest
import torch
from dlmath.boltzmann import all_bits, gibbs_matrix, rbm_tables
from dlmath.datasets import load_digits
from dlmath.generative import RBM, load_trained, trained_record
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.neural_network import BernoulliRBM

NAMES = ["rbm-digits-20", "rbm-digits-64", "rbm-digits-256"]


def numbers(n=4, m=3, scale=1.0, seed=0):
    rng = np.random.default_rng(seed)
    return scale * rng.normal(size=(n, m)), rng.normal(size=n), rng.normal(size=m)


@pytest.fixture
def tiny():
    return RBM.from_parameters(*numbers())


@pytest.fixture
def patterns():
    """Two patterns of six pixels, with a tenth of the pixels turned."""
    rng = np.random.default_rng(2)
    clean = np.repeat([[1, 1, 1, 0, 0, 0], [0, 0, 0, 1, 1, 1]], 100, axis=0)
    return clean ^ (rng.random(clean.shape) < 0.1)


def test_probabilities_are_those_of_the_table(tiny):
    tables = rbm_tables(*numbers())
    assert_allclose(tiny.log_partition(), tables.log_partition, rtol=1e-14)
    assert_allclose(np.exp(tiny.log_prob(all_bits(4))), tables.visible, rtol=1e-13)
    assert_allclose(tiny.log_prob(all_bits(4), 3.0), -tiny.free_energy(all_bits(4)) - 3)
    assert_allclose(
        tiny.hidden_probabilities(all_bits(4)),
        tables.hidden_given_visible @ all_bits(3),
        rtol=1e-13,
    )
    assert_allclose(
        tiny.visible_probabilities(all_bits(3)),
        tables.visible_given_hidden @ all_bits(4),
        rtol=1e-13,
    )


def test_either_layer_may_be_the_smaller_one():
    W, b, c = numbers(3, 5)
    turned = RBM.from_parameters(W.T, c, b)
    assert_allclose(
        RBM.from_parameters(W, b, c).log_partition(), turned.log_partition(), rtol=1e-14
    )


def test_agrees_with_scikit_learn(tiny):
    W, b, c = numbers()
    theirs = BernoulliRBM(n_components=3)
    theirs.components_, theirs.intercept_visible_, theirs.intercept_hidden_ = W.T, b, c
    theirs.n_features_in_ = 4
    X = all_bits(4)
    assert_allclose(tiny.hidden_probabilities(X), theirs.transform(X), rtol=1e-13)
    assert_allclose(tiny.free_energy(X), theirs._free_energy(X), rtol=1e-12)


def test_the_update_is_the_gradient_of_the_likelihood(tiny):
    """With all states as chains, each as often as its probability says, PCD is exact."""
    data = torch.tensor(all_bits(4)[[3, 5, 5, 12]])
    weights = np.rint(rbm_tables(*numbers()).visible * 1_000_000).astype(int)
    chains = torch.tensor(np.repeat(all_bits(4), weights, axis=0))
    found = [g.detach() for g in tiny._ascent(data, chains)]
    network = tiny.network_
    states = torch.tensor(all_bits(4))
    log_Z = torch.logsumexp(-network.free_energy(states), 0)
    likelihood = (-network.free_energy(data) - log_Z).mean()
    expected = torch.autograd.grad(likelihood, [network.W, network.b, network.c])
    for ours, theirs in zip(found, expected, strict=True):
        assert_allclose(ours, theirs, atol=1e-5)


def test_the_penalty_pulls_at_the_weights_only(tiny):
    data, chains = torch.tensor(all_bits(4)[:5]), torch.tensor(all_bits(4)[9:])
    free = tiny._ascent(data, chains)
    tiny.lam = 0.3
    pulled = tiny._ascent(data, chains)
    assert_allclose((free[0] - pulled[0]).detach(), 0.6 * numbers()[0], rtol=1e-12)
    for a, b in zip(free[1:], pulled[1:], strict=True):
        assert torch.equal(a, b)


@pytest.mark.parametrize("method", ["exact", "gibbs"])
def test_samples_have_the_probabilities(tiny, method):
    n = 40_000
    X = tiny.sample(n, seed=3, method=method, burn_in=60)
    counts = np.bincount(X @ 2 ** np.arange(4), minlength=16)
    p = rbm_tables(*numbers()).visible
    assert np.sum((counts - n * p) ** 2 / (n * p)) < 37.7  # chi-squared, 15 degrees, 0.001
    assert_array_equal(X[:50], tiny.sample(n, seed=3, method=method, burn_in=60)[:50])


def test_exact_samples_when_the_visible_layer_is_the_smaller_one():
    W, b, c = numbers(3, 5)
    X = RBM.from_parameters(W, b, c).sample(40_000, method="exact")
    p = rbm_tables(W, b, c).visible
    counts = np.bincount(X @ 2 ** np.arange(3), minlength=8)
    assert np.sum((counts - 40_000 * p) ** 2 / (40_000 * p)) < 24.3


def test_one_sweep_moves_as_the_matrix_says(tiny):
    start = np.repeat(all_bits(4)[[6]], 40_000, axis=0)
    X = tiny.gibbs(start, 1, seed=1)
    p = gibbs_matrix(*numbers())[6]
    counts = np.bincount(X @ 2 ** np.arange(4), minlength=16)
    assert np.sum((counts - 40_000 * p) ** 2 / (40_000 * p)) < 37.7
    assert_array_equal(tiny.gibbs(start[:3], 0), start[:3])


def test_clamped_units_stay_and_the_others_are_conditioned(tiny):
    clamped = np.array([True, False, False, True])
    start = np.repeat([[1, 0, 0, 0]], 40_000, axis=0)
    X = tiny.gibbs(start, 40, seed=1, clamped=clamped)
    assert (X[:, 0] == 1).all()
    assert (X[:, 3] == 0).all()
    p = rbm_tables(*numbers()).visible[[1, 3, 5, 7]]
    p /= p.sum()
    counts = np.bincount(X[:, 1] + 2 * X[:, 2], minlength=4)
    assert np.sum((counts - 40_000 * p) ** 2 / (40_000 * p)) < 16.3


def test_temperature_scales_the_energy(tiny):
    W, b, c = numbers()
    hot = RBM.from_parameters(0.4 * W, 0.4 * b, 0.4 * c)
    start = np.zeros((20, 4), dtype=int)
    assert_array_equal(tiny.gibbs(start, 5, beta=0.4), hot.gibbs(start, 5))


def test_ais_brackets_the_exact_sum():
    machine = RBM.from_parameters(*numbers(8, 5, 1.5))
    machine.network_.base.copy_(torch.linspace(-2, 1, 8))
    exact = machine.log_partition()
    below = machine.ais(2000, 200, seed=1)
    above = machine.reverse_ais(machine.sample(2000, method="exact"), temperatures=200, seed=1)
    for result in (below, above):
        assert abs(result.log_partition - exact) < 4 * result.error
        assert 0 < result.error < 0.05
    # With few stages single runs are far off, each to its side.
    few = machine.ais(2000, 3).log_weights
    back = machine.reverse_ais(machine.sample(2000, method="exact"), temperatures=3).log_weights
    error = few.std() / np.sqrt(2000)
    assert few.mean() < exact - 5 * error < exact + 5 * error < back.mean()


def test_the_base_is_summed_exactly():
    machine = RBM.from_parameters(np.zeros((3, 2)), np.zeros(3), np.zeros(2))
    result = machine.ais(5, 4)
    assert_allclose(result.log_partition, 5 * np.log(2), rtol=1e-14)
    assert result.error < 1e-12
    assert machine.log_partition("ais", chains=5, temperatures=4) == result.log_partition


@pytest.mark.parametrize(
    "change", [{}, {"persistent": False, "gibbs_steps": 3}, {"momentum": 0.5}, {"decay": False}]
)
def test_learns_two_patterns(patterns, change):
    machine = RBM(hidden=3, steps=600, batch_size=50, eta=0.1, **change).fit(patterns)
    p = patterns.mean(axis=0)
    independent = np.sum(p * np.log(p) + (1 - p) * np.log(1 - p))
    assert machine.log_prob(patterns).mean() > independent + 0.5
    assert len(machine.losses_) == 600
    again = clone(machine).fit(patterns)
    assert torch.equal(again.network_.W, machine.network_.W)


def test_comes_back_from_a_file_with_chains_and_base(patterns, tmp_path):
    machine = RBM(hidden=2, steps=50, batch_size=20).fit(patterns)
    machine.save(tmp_path / "rbm.npz")
    back = RBM.load(tmp_path / "rbm.npz")
    assert_array_equal(back.sample(9, burn_in=3), machine.sample(9, burn_in=3))
    assert back.ais(10, 5).log_partition == machine.ais(10, 5).log_partition
    assert torch.equal(back.network_.base, machine.network_.base)


def test_making_one_from_numbers_leaves_torch_alone():
    torch.manual_seed(3)
    expected = torch.rand(1)
    torch.manual_seed(3)
    RBM.from_parameters(*numbers())
    assert torch.equal(torch.rand(1), expected)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"hidden": 0}, "hidden must be an integer of at least 1"),
        ({"gibbs_steps": 0}, "gibbs_steps must be an integer of at least 1"),
        ({"momentum": 1.0}, "momentum must be from 0 to below 1"),
        ({"lam": -0.1}, "lam must be a number that is not negative"),
        ({"eta": 0.0}, "eta must be a positive number"),
    ],
)
def test_refuses_bad_hyperparameters(patterns, change, message):
    with pytest.raises(ValueError, match=message):
        RBM(**change).fit(patterns)


def test_refuses_bad_input(tiny, patterns):
    with pytest.raises(ValueError, match=r"0 to 1 \(levels=2\), got 2 in row 0"):
        RBM().fit(2 * patterns)
    with pytest.raises(ValueError, match="X must have 4 columns"):
        tiny.free_energy(patterns)
    with pytest.raises(ValueError, match="H must have 3 columns, got 6"):
        tiny.visible_probabilities(patterns)
    with pytest.raises(ValueError, match="method must be 'exact' or 'ais', got 'guess'"):
        tiny.log_partition("guess")
    with pytest.raises(ValueError, match="method must be 'gibbs' or 'exact'"):
        tiny.sample(2, method="guess")
    with pytest.raises(ValueError, match="clamped must be 4 values"):
        tiny.gibbs(all_bits(4), clamped=[1, 0, 0, 0])
    with pytest.raises(ValueError, match="beta must be a finite number"):
        tiny.gibbs(all_bits(4), beta=np.inf)
    with pytest.raises(ValueError, match="chains must be an integer of at least 2"):
        tiny.ais(1)
    with pytest.raises(ValueError, match="temperatures must be an integer of at least 1"):
        tiny.ais(5, 0)
    with pytest.raises(ValueError, match="smaller layer has 23 units"):
        RBM.from_parameters(np.zeros((30, 23)), np.zeros(30), np.zeros(23)).log_partition()
    with pytest.raises(ValueError, match=r"got \(3, 2\), \(2,\), \(3,\)"):
        RBM.from_parameters(np.zeros((3, 2)), np.zeros(2), np.zeros(3))
    with pytest.raises(ValueError, match="W, b and c must be finite"):
        RBM.from_parameters([[np.nan]], [0], [0])


@pytest.fixture(scope="module")
def ink():
    digits = load_digits()
    return 1 * (digits.train >= 8), 1 * (digits.test >= 8)


def test_a_tenth_of_the_training_beats_independent_pixels(ink):
    train, test = ink
    machine = RBM(hidden=16, steps=800).fit(train)
    p = (train.sum(axis=0) + 0.5) / (len(train) + 1)
    independent = np.mean(test @ np.log(p) + (1 - test) @ np.log(1 - p))
    assert machine.log_prob(test).mean() > independent + 4


@pytest.mark.parametrize("name", NAMES)
def test_shipped_weights_have_the_recorded_likelihood(ink, name):
    machine, measures = load_trained(name), trained_record(name)["measures"]
    best = measures.get("exact", (measures["ais"] + measures["reverse_ais"]) / 2)
    nats = -machine.log_prob(ink[1], best).mean()
    assert_allclose(nats, measures["nats_test"], atol=1e-4)
    limit = {"rbm-digits-20": 18.7, "rbm-digits-64": 17.8, "rbm-digits-256": 17.4}[name]
    assert nats < limit
    assert measures["ais_error"] < (0.01 if machine.hidden < 100 else 0.02)
    width = np.hypot(measures["ais_error"], measures["reverse_ais_error"])
    assert -3 * width < measures["reverse_ais"] - measures["ais"] < 0.1


def test_shipped_machine_is_bracketed(ink):
    machine, measures = load_trained("rbm-digits-20"), trained_record("rbm-digits-20")["measures"]
    exact = machine.log_partition()
    assert_allclose(exact, measures["exact"], atol=1e-4)
    for side in ("ais", "reverse_ais"):
        assert abs(measures[side] - exact) < 3 * measures[f"{side}_error"]
    quick = machine.ais(200, 500)
    assert abs(quick.log_partition - exact) < 5 * quick.error
