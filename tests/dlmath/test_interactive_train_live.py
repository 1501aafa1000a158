"""The network that trains in the page, against ``dlmath`` on the same numbers."""

import numpy as np
import pytest
from dlmath.interactive import TrainLive
from dlmath.interactive._random import small_fast_uniform
from dlmath.interactive._train_live import DATASETS, LIMIT, SAMPLES, initial_network
from dlmath.networks import FeedForwardNetwork
from dlmath.optimizers import Adam, GradientDescent, Momentum
from numpy.testing import assert_allclose, assert_array_equal
from test_interactive import run_js

ALT = "Points of two colours over a plane shaded in two tones, beside a panel with an empty curve."
SIZES = [[2, 1], [2, 5, 1], [2, 4, 3, 6, 1]]
OPTIMIZERS = {
    "gradient-descent": GradientDescent,
    "momentum": Momentum,
    "adam": Adam,
}


def problem(sizes, activation, n=13):
    rng = np.random.default_rng(sum(sizes))
    network = FeedForwardNetwork(sizes, activation, "sigmoid", "cross_entropy", seed=3)
    for parameter in network.parameters:
        parameter += 0.4 * rng.standard_normal(parameter.shape)
    X, y = rng.standard_normal((n, 2)), rng.integers(0, 2, n)
    given = {
        "parameters": [parameter.ravel().tolist() for parameter in network.parameters],
        "activation": activation,
        "X": X.tolist(),
        "y": y.tolist(),
    }
    return network, X, y[:, np.newaxis].astype(float), given


PARAMETERS = "given.parameters.map((p) => Float64Array.from(p))"


@pytest.mark.parametrize("sizes", SIZES)
@pytest.mark.parametrize("activation", ["tanh", "sigmoid", "relu", "sine"])
def test_cost_errors_and_gradients(sizes, activation):
    network, X, Y, given = problem(sizes, activation)
    program = f"""(() => {{
      const parameters = {PARAMETERS}, rows = given.X.map((_, i) => i);
      const gradients = backpropagate(parameters, given.activation, given.X, given.y, rows);
      return {{ ...judge(parameters, given.activation, given.X, given.y),
        odds: given.X.map((x) => logOdds(parameters, given.activation, x)),
        gradients: gradients.map((g) => Array.from(g)) }}; }})()"""
    found = run_js("trainlive.js", program, given)
    value, gradients = network.value_and_gradients(X, Y)
    assert_allclose(found["cost"], value, rtol=1e-12)
    assert_allclose(found["odds"], network.propagate(X)[0][-1][:, 0], rtol=1e-11, atol=1e-12)
    assert_allclose(found["wrong"], np.mean((network.forward(X) > 0.5) != Y))
    for ours, theirs in zip(found["gradients"], gradients, strict=True):
        assert_allclose(ours, theirs.ravel(), rtol=1e-10, atol=1e-13)


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize("batch", [13, 4])
def test_a_hundred_epochs_of_training(optimizer, batch):
    network, X, Y, given = problem([2, 5, 3, 1], "tanh")
    rng = np.random.default_rng(8)
    orders = [rng.permutation(len(X)).tolist() for _ in range(100)]
    given |= {"orders": orders, "optimizer": optimizer, "batch": batch}
    program = f"""(() => {{
      const parameters = {PARAMETERS}, state = freshOptimizer(parameters);
      const run = {{ parameters, activation: given.activation, optimizer: given.optimizer,
        eta: 0.02, batch: given.batch, state }};
      const fine = given.orders.map((order) => trainEpoch(run, given.X, given.y, order));
      return [fine.every((x) => x), parameters.map((p) => Array.from(p)), state.k]; }})()"""
    fine, found, steps = run_js("trainlive.js", program, given)
    ours = OPTIMIZERS[optimizer](0.02)
    for order in orders:
        for first in range(0, len(order), batch):
            rows = order[first : first + batch]
            ours.step(network.parameters, network.gradients(X[rows], Y[rows]))
    assert fine
    assert steps == ours.k
    for one, other in zip(found, network.parameters, strict=True):
        assert_allclose(one, other.ravel(), rtol=1e-9, atol=1e-10)


def test_a_step_too_large_is_noticed():
    given = problem([2, 5, 1], "relu")[3]
    program = f"""(() => {{
      const parameters = {PARAMETERS}, state = freshOptimizer(parameters);
      const run = {{ parameters, activation: "relu", optimizer: "gradient-descent",
        eta: given.eta, batch: 13, state }};
      const order = given.X.map((_, i) => i), fine = [];
      for (let k = 0; k < 20; k++) fine.push(trainEpoch(run, given.X, given.y, order));
      return fine; }})()"""
    assert all(run_js("trainlive.js", program, given | {"eta": 0.1}))
    assert not all(run_js("trainlive.js", program, given | {"eta": 1e200}))


@pytest.mark.parametrize("activation", ["tanh", "relu"])
def test_the_page_begins_with_the_network_of_the_still(activation):
    network = initial_network([2, 6, 4, 1], activation, 5)
    program = (
        """initialParameters([2, 6, 4, 1], given, randomStream(5)).map((p) => Array.from(p))"""
    )
    found = run_js("trainlive.js", program, activation)
    for one, other in zip(found, network.parameters, strict=True):
        assert_allclose(one, other.ravel(), rtol=1e-13, atol=1e-15)


def test_initial_weights_have_the_variance_of_the_library():
    program = "Array.from(initialParameters([300, 200], given, randomStream(2))[0])"
    for activation, variance in (("tanh", 2 / 500), ("relu", 2 / 300)):
        W = np.array(run_js("trainlive.js", program, activation))
        assert abs(W.var() / variance - 1) < 4 * np.sqrt(2 / W.size)
        assert abs(W.mean()) < 4 * np.sqrt(variance / W.size)


def test_an_order_holds_every_sample_once():
    orders = run_js(
        "trainlive.js",
        "(() => { const random = randomStream(4);"
        "return Array.from({ length: 600 }, () => shuffled(5, random)); })()",
        None,
    )
    assert_array_equal(np.sort(orders, axis=1), np.tile(np.arange(5), (600, 1)))
    # Each number stands first in a fifth of the orders.
    counts = np.bincount(np.array(orders)[:, 0], minlength=5)
    assert np.all(np.abs(counts - 120) < 4 * np.sqrt(600 * 0.2 * 0.8))


def test_a_long_curve_is_thinned_alike():
    curve = {name: list(range(400)) for name in ("epochs", "train", "test")}
    found = run_js("trainlive.js", "thinned(given, KEPT)", curve)
    assert all(found[name] == list(range(0, 400, 2)) for name in found)
    short = {"epochs": [0, 1], "train": [2, 3], "test": [4, 5]}
    assert run_js("trainlive.js", "thinned(given, KEPT)", short) == short


def test_the_panel_holds_both_costs_and_log_two():
    curve = {"epochs": [0, 1, 2], "train": [0.7, 0.02, 0.003], "test": [0.8, 0.3, 20.0]}
    panel = run_js("trainlive.js", "costPanel(given)", curve)
    assert panel["ylim"] == [1e-3, 100]
    lines = [one for one in panel["series"] if one["type"] == "line"]
    assert lines[0]["y"] == [np.log(2)] * 2
    assert lines[1]["y"] == curve["test"]
    assert lines[2]["y"] == curve["train"]
    assert run_js("trainlive.js", "networkSizes(given)", {"depth": 3, "width": 4}) == [
        2,
        4,
        4,
        4,
        1,
    ]


def test_the_data_can_be_learned_but_the_tossed_coins():
    """Twice as many wrong on coins as anywhere else, on the test points of a small network."""
    wrong = {}
    for data in TrainLive(alt=ALT).data["datasets"]:
        network = initial_network([2, 12, 12, 1], "tanh", 1)
        (X, Y), (test_X, test_Y) = (
            (np.array(data[part]["X"]), np.array(data[part]["y"])[:, np.newaxis])
            for part in ("train", "test")
        )
        assert len(X) == len(test_X) == SAMPLES
        assert np.abs(X).max() < LIMIT
        optimizer = Adam(0.02)
        for _ in range(400):
            optimizer.step(network.parameters, network.gradients(X, Y))
        assert np.mean((network.forward(X) > 0.5) != Y) < (0.3 if "coins" in data["name"] else 0.06)
        wrong[data["name"]] = np.mean((network.forward(test_X) > 0.5) != test_Y)
    assert wrong.keys() == DATASETS.keys()
    coins = wrong.pop("tossed coins")
    assert 0.35 < coins < 0.65
    assert max(wrong.values()) < coins / 2


def test_the_stream_is_the_one_of_the_page():
    assert_allclose(run_js("trainlive.js", "randomStream(1)()", None), small_fast_uniform(1, 1)[0])


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"dataset": "three moons"}, "dataset must be one of"),
        ({"depth": 5}, "depth must be an integer from 0 to 4"),
        ({"width": 0}, "width must be an integer from 1 to 16"),
        ({"activation": "gelu"}, "activation must be one of"),
        ({"optimizer": "sgd"}, "optimizer must be one of"),
        ({"eta": 0}, "eta must be from 0.0001 to 10"),
        ({"eta": np.nan}, "eta"),
        ({"batch": 7}, "batch must be one of"),
        ({"alt": "points"}, "alt must say"),
        ({"height": (10, 10)}, "height"),
    ],
)
def test_bad_input_is_refused(wrong, words):
    with pytest.raises(ValueError, match=words):
        TrainLive(**({"alt": ALT} | wrong))
