"""The figures to move of the chapter on wide networks, against NumPy on the same numbers."""

import json

import numpy as np
import pytest
from dlmath.interactive import lazy_training, random_wide_networks
from dlmath.interactive._wide import X, Y, _network, _outputs, _step, _with_ones
from dlmath.tangent_kernel import relu_covariance
from numpy.testing import assert_allclose
from test_interactive import run_js

ALT = "Broken lines in a shaded band, and a cloud of points with an ellipse around it."
RANDOM = (
    "[networksOf(given.params, given.data), process(given.params.place),"
    "compute(given.params, given.data)]"
)


@pytest.mark.parametrize(("m", "place", "draw"), [(1, 2.0, 1), (3, -1.0, 2), (60, 0.3, 20)])
def test_random_networks_are_those_of_numpy(m, place, draw):
    widget = random_wide_networks(alt=ALT)
    given = {"params": {"m": m, "place": place, "draw": draw}, "data": widget.data}
    drawn, process, picture = run_js("models/wide-random.js", RANDOM, given)
    two = np.array([-1.0, place])
    pairs = _outputs(m, draw, 400, two)
    assert_allclose(drawn["pairs"], pairs, rtol=1e-9, atol=1e-11)
    assert_allclose(drawn["curves"], _outputs(m, draw, 8, np.array(drawn["at"])), atol=1e-10)
    K = relu_covariance(_with_ones(two))
    assert_allclose([process[k] for k in "abc"], [K[0, 0], K[0, 1], K[1, 1]], rtol=1e-9)
    ellipse = np.array([process["x"], process["y"]])
    if place != -1:
        assert_allclose(np.sum(ellipse * np.linalg.solve(K, ellipse), axis=0), 5.9914645)
    band = picture["panels"][0]["series"][0]
    exact = 1.959964 * np.sqrt(np.diag(relu_covariance(_with_ones(np.array(band["x"])))))
    assert_allclose(band["high"], exact, rtol=1e-6)
    said = dict(picture["readouts"])
    assert_allclose(float(said["covariance, closed form"]), K[0, 1], rtol=6e-3)
    f = pairs[:, 0]
    excess = float(said["excess of the fourth moment"].replace("−", "-"))
    assert_allclose(excess, np.mean(f**4) / np.mean(f**2) ** 2 - 3, rtol=0.06)


def test_the_cloud_is_gaussian_when_the_networks_are_wide():
    widget = random_wide_networks(alt=ALT)
    given = {"params": {"m": 1000, "place": 1.0, "draw": 3}, "data": widget.data}
    drawn, _, _ = run_js("models/wide-random.js", RANDOM, given)
    K = relu_covariance(_with_ones(np.array([-1.0, 1.0])))
    sample = np.cov(np.transpose(drawn["pairs"]), bias=True)
    assert_allclose(sample, K, atol=4 * np.sqrt(2 / 400) * K.max())


TRAINED = "[trained(given.params, given.data), compute(given.params, given.data)]"


@pytest.mark.parametrize(
    ("m", "scale", "tau", "draw"), [(2, 1.0, 5.0, 1), (20, 0.5, 20.0, 2), (64, 5.0, 2.0, 7)]
)
def test_trained_networks_are_those_of_numpy(m, scale, tau, draw):
    widget = lazy_training(alt=ALT)
    given = {"params": {"m": m, "scale": scale, "tau": tau, "draw": draw}, "data": widget.data}
    state, picture = run_js("models/lazy-training.js", TRAINED, given)
    start, network = _network(m, scale, draw), _network(m, scale, draw)
    eta = _step(start)
    assert_allclose(state["eta"], eta, rtol=1e-10)
    steps = round(tau / eta)
    assert state["steps"] == steps
    inputs, grid = _with_ones(X), _with_ones(np.array(state["at"]))
    network.descend(inputs, Y, eta, steps)
    assert_allclose(state["network"], network.forward(grid), atol=1e-7)
    assert_allclose(state["cost"], np.mean((network.forward(inputs) - Y) ** 2), rtol=1e-6)
    kernel = start.tangent_kernel(inputs) / scale**2
    cross = start.tangent_kernel(grid, inputs) / scale**2
    weights = np.zeros(9)
    for _ in range(steps):
        weights += 2 * eta / 9 * (Y - kernel @ weights)
    assert_allclose(state["tangent"], cross @ weights, atol=1e-8)
    moved = np.sqrt(np.mean(np.sum((network.W - start.W) ** 2, axis=1)))
    assert_allclose(state["moved"], moved, rtol=1e-6)
    now = network.tangent_kernel(inputs) / scale**2
    assert_allclose(
        state["turned"], np.linalg.norm(now - kernel) / np.linalg.norm(kernel), rtol=1e-5
    )
    after = picture["panels"][1]["series"][1]
    places = -network.W[:, 1] / network.W[:, 0]
    assert all(np.min(np.abs(places - x)) < 1e-6 for x in after["x"])


def test_laziness_grows_with_width_and_scale():
    data = lazy_training(alt=ALT).data
    cases = [
        {"m": m, "scale": scale, "tau": 100.0, "draw": 1}
        for m, scale in ((16, 0.3), (16, 3.0), (512, 1.0))
    ]
    expression = "given.cases.map((params) => trained(params, given.data).turned)"
    small, scaled, wide = run_js(
        "models/lazy-training.js", expression, {"cases": cases, "data": data}
    )
    assert small > 3 * scaled
    assert small > 3 * wide


def test_data_of_the_pages_stay_small():
    for figure in (random_wide_networks(alt=ALT), lazy_training(alt=ALT)):
        assert len(json.dumps(figure.data, separators=(",", ":"))) < 1000


@pytest.mark.parametrize(
    ("make", "change", "message"),
    [
        (random_wide_networks, {"m": 0}, "m must be an integer from 1 to 1000"),
        (random_wide_networks, {"place": 4.0}, "place must lie between -3 and 3"),
        (random_wide_networks, {"draw": 21}, "draw must be an integer from 1 to 20"),
        (random_wide_networks, {"alt": "A curve."}, "alt must say what is seen"),
        (lazy_training, {"m": 7}, "m must be even"),
        (lazy_training, {"m": 1000}, "m must be an integer from 2 to 512"),
        (lazy_training, {"scale": 0.0}, "scale must lie between"),
        (lazy_training, {"tau": 1e9}, "tau must lie between"),
        (lazy_training, {"alt": "A curve."}, "alt must say what is seen"),
    ],
)
def test_bad_input_is_named(make, change, message):
    with pytest.raises(ValueError, match=message):
        make(**{"alt": ALT, **change})


@pytest.mark.parametrize("make", [random_wide_networks, lazy_training])
def test_stills_are_the_same_at_every_run(make):
    assert make(alt=ALT).still == make(alt=ALT).still
