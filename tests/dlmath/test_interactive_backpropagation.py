"""The steps through a small network, against dlmath.networks on the same numbers."""

import json
import re

import numpy as np
import pytest
from dlmath.interactive import BackpropagationSteps
from dlmath.networks import FeedForwardNetwork
from numpy.testing import assert_allclose
from test_interactive import run_js

ALT = "Circles for inputs, hidden nodes, output and loss, with a weight on every line between."
NAMES = {"logistic": "sigmoid", "tanh": "tanh", "ReLU": "relu"}
RUN = "compute(given.params, given.data)"


def steps(**change):
    given = {
        "x": [0.5, -1.0],
        "y": 1.0,
        "W1": [[0.4, -0.6], [0.2, 0.8]],
        "b1": [0.1, -0.2],
        "w2": [0.7, -0.5],
        "b2": 0.1,
        "alt": ALT,
    }
    return BackpropagationSteps(**{**given, **change})


def drawn(inputs, hidden, seed, **more):
    """Draw a sample and a network; return the figure and the same network of dlmath."""
    rng = np.random.default_rng(seed)
    x, y, b2 = rng.uniform(-2, 2, size=inputs), *rng.uniform(-2, 2, size=2)
    W1, b1, w2 = (rng.normal(size=s).clip(-2, 2) for s in ((inputs, hidden), hidden, hidden))
    figure = steps(x=x, y=y, W1=W1, b1=b1, w2=w2, b2=b2, **more)
    name = NAMES[more.get("activation", "logistic")]
    network = FeedForwardNetwork([inputs, hidden, 1], name, name)
    for parameter, value in zip(network.parameters, (W1, b1, w2[:, None], [b2]), strict=True):
        parameter[...] = value
    return figure, network, x[None], np.array([[y]])


@pytest.mark.parametrize("activation", NAMES)
@pytest.mark.parametrize(("inputs", "hidden"), [(1, 1), (2, 2), (3, 2), (1, 3)])
def test_values_and_derivatives_are_those_of_the_network(activation, inputs, hidden):
    figure, network, X, Y = drawn(inputs, hidden, 10 * inputs + hidden, activation=activation)
    state = run_js("backpropagation.js", RUN, {"params": figure.params, "data": figure.data})
    Zs, As = network.propagate(X)
    forward, backward = state["forward"], state["backward"]
    assert_allclose(forward["z1"], Zs[0][0], rtol=1e-13)
    assert_allclose(forward["a1"], As[1][0], rtol=1e-13)
    assert_allclose([forward["z2"], forward["a2"]], [Zs[1][0, 0], As[2][0, 0]], rtol=1e-13)
    assert_allclose(forward["loss"], network.cost_value(X, Y), rtol=1e-12)
    deltas = network.deltas(X, Y)
    assert_allclose(backward["delta1"], deltas[0][0], rtol=1e-12, atol=1e-15)
    assert_allclose(backward["delta2"], deltas[1][0, 0], rtol=1e-12, atol=1e-15)
    W1, b1, W2, b2 = network.gradients(X, Y)
    for found, expected in (("W1", W1), ("b1", b1), ("w2", W2[:, 0]), ("b2", b2[0])):
        assert_allclose(backward[found], expected, rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("activation", NAMES)
def test_a_step_downhill_moves_every_parameter_and_no_data(activation):
    figure, network, X, Y = drawn(2, 2, 5, activation=activation)
    moved = run_js(
        "backpropagation.js",
        "downhill(given.start, given.inputs, given.hidden, given.activation, 0.5)",
        {**figure.data, "activation": activation},
    )
    slopes = np.concatenate([g.ravel() for g in network.gradients(X, Y)])
    start = np.array(figure.data["start"])
    assert_allclose(moved[:3], start[:3])
    assert_allclose(moved[3:], start[3:] - 0.5 * slopes, rtol=1e-13, atol=1e-15)
    assert run_js("backpropagation.js", "ETA", None) == 0.5


def test_each_step_says_the_numbers_that_it_computes():
    figure, network, X, Y = drawn(2, 2, 8)
    said = run_js(
        "backpropagation.js",
        "given.steps.map((step) => compute({ ...given.params, step }, given.data).readouts)",
        {"params": figure.params, "data": figure.data, "steps": list(range(10))},
    )
    Zs, As = network.propagate(X)
    deltas, gradients = network.deltas(X, Y), network.gradients(X, Y)
    shown = [
        [],
        Zs[0][0],
        As[1][0],
        Zs[1][0],
        As[2][0],
        [network.cost_value(X, Y)],
        deltas[1][0],
        np.append(gradients[2].ravel(), gradients[3]),
        deltas[0][0],
        np.append(gradients[0].ravel(), gradients[1]),
    ]
    assert len(said) == len(shown)
    for step, (lines, numbers) in enumerate(zip(said, shown, strict=True)):
        assert lines[0][0] == f"step {step} of 9"
        ends = [re.sub("−", "-", line[1].split("= ")[-1]) for line in lines[1 : 1 + len(numbers)]]
        assert_allclose([float(end) for end in ends], numbers, rtol=6e-3)
        assert (lines[-1][0] == "loss ℓ") == (step >= 5)


def test_the_picture_shows_what_has_been_computed_and_no_more():
    figure, *_ = drawn(2, 2, 9)
    texts = run_js(
        "backpropagation.js",
        "given.steps.map((step) => compute({ ...given.params, step }, given.data).panel.series"
        ".filter(({ type }) => type === 'text').map(({ text }) => text))",
        {"params": figure.params, "data": figure.data, "steps": list(range(10))},
    )
    count = [len(words) for words in texts]
    assert count == sorted(count)
    assert [sum(text.startswith("z ") for text in words) for words in texts] == [
        0, 2, 2, 3, 3, 3, 3, 3, 3, 3
    ]  # fmt: skip
    assert [sum(text.startswith("δ ") for text in words) for words in texts] == [
        0, 0, 0, 0, 0, 0, 1, 1, 3, 3
    ]  # fmt: skip


def test_names_stand_for_the_numbers_in_their_order():
    assert run_js("backpropagation.js", "namesOf(1, 1)", None) == ["x", "y", "w¹", "b¹", "w²", "b²"]
    names = run_js("backpropagation.js", "namesOf(2, 2)", None)
    assert names == [
        "x₁",
        "x₂",
        "y",
        "w¹₁₁",
        "w¹₁₂",
        "w¹₂₁",
        "w¹₂₂",
        "b¹₁",
        "b¹₂",
        "w²₁₁",
        "w²₂₁",
        "b²",
    ]
    figure = steps()
    assert_allclose(
        figure.data["start"], [0.5, -1, 1, 0.4, -0.6, 0.2, 0.8, 0.1, -0.2, 0.7, -0.5, 0.1]
    )
    assert names[figure.data["chosen"]] == "w¹₁₁"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"x": [1.0, np.nan]}, "x contains NaN"),
        ({"x": [1.0] * 4}, "the length of x must be an integer from 1 to 3"),
        ({"b1": [1.0] * 4}, "the length of b1 must be an integer from 1 to 3"),
        ({"W1": [[1.0, 2.0]]}, r"W1 must have shape \(2, 2\), got \(1, 2\)"),
        ({"W1": [[1.0, 2.0], [5.0, 0.0]]}, "W1 must lie between -3 and 3"),
        ({"w2": [1.0]}, "w2 must have 2 entries"),
        ({"y": 9.0}, "y must lie between"),
        ({"b2": "one"}, "b2 must hold numbers"),
        ({"activation": "sine"}, "activation must be one of"),
        ({"step": 10}, "step must be an integer from 0 to 9"),
        ({"step": 1.0}, "step must be an integer"),
        ({"alt": "A network."}, "alt must say what is seen"),
        ({"height": (100, 400)}, "height must be two numbers"),
    ],
)
def test_bad_input_is_named(change, message):
    with pytest.raises(ValueError, match=message):
        steps(**change)


def test_the_still_is_the_same_at_every_run_and_the_data_are_small():
    figure = steps()
    assert figure.still == steps().still
    assert figure.still.count("<svg") == 1
    assert len(json.dumps(figure.data)) < 1000
