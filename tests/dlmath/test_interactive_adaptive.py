"""The figure of the chapter on adaptive methods, against NumPy on the same numbers."""

import json

import numpy as np
import pytest
from dlmath.interactive import adam_running_means
from dlmath.optimizers import Adam
from numpy.testing import assert_allclose
from test_interactive import run_js
from test_interactive_training import normals

ALT = "Three panels with two curves each, one corrected and one that begins too low."
RUN = "[adam(given.params, given.data), compute(given.params, given.data)]"
START = {"signal": "constant", "noise": 0.5, "memory1": 10.0, "memory2": 1000.0, "draw": 1}


def run(steps=60, **change):
    widget = adam_running_means(alt=ALT, steps=steps)
    given = {"params": {**START, **change}, "data": widget.data}
    return run_js("models/running-means.js", RUN, given)


def averages(steps, signal, noise, memory1, memory2, draw):
    """Give the gradients, and each mean as a weighted sum of them."""
    beta1, beta2 = 1 - 1 / memory1, 1 - 1 / memory2
    g = noise * normals(draw, steps)
    if signal == "constant":
        g = g + 1
    elif signal == "drifting through zero":
        g = g + np.linspace(1, -1, steps)
    elif signal == "silence, then one gradient":
        g[steps // 2 - 1] += 1
    else:
        g = g + (beta2 / beta1) ** np.arange(1.0 - steps, 1)
    weights = [
        np.tril(beta ** np.maximum(np.subtract.outer(np.arange(steps), np.arange(steps)), 0))
        for beta in (beta1, beta2)
    ]
    m, v = (1 - beta1) * weights[0] @ g, (1 - beta2) * weights[1] @ g**2
    right = weights[0] @ g / weights[0].sum(1), weights[1] @ g**2 / weights[1].sum(1)
    return g, m, v, *right


@pytest.mark.parametrize(
    "change",
    [
        {},
        {"signal": "drifting through zero", "memory1": 20.0, "memory2": 50.0, "draw": 3},
        {"signal": "silence, then one gradient", "noise": 0.2, "draw": 2},
        {"signal": "growing, the worst case", "noise": 0.0, "memory2": 200.0},
    ],
)
def test_means_are_weighted_sums_and_the_step_is_adams(change):
    state, picture = run(**change)
    g, m, v, mean, square = averages(60, **{**START, **change})
    assert_allclose(state["g"], g, rtol=1e-9, atol=1e-12)
    assert_allclose(state["m"], m, rtol=1e-9, atol=1e-12)
    assert_allclose(state["root"], np.sqrt(v), rtol=1e-9)
    assert_allclose(state["corrected"], mean, rtol=1e-9, atol=1e-12)
    assert_allclose(state["rootCorrected"], np.sqrt(square), rtol=1e-9)
    for name, correct in (("step", True), ("plain", False)):
        optimizer = Adam(1.0, state["b1"], state["b2"], 0.0, bias_correction=correct)
        x, path = np.zeros(1), [0.0]
        for value in g:
            optimizer.step([x], [np.array([value])])
            path.append(x[0])
        assert_allclose(state[name], -np.diff(path), rtol=1e-8, atol=1e-10)
    drawn = picture["panels"][2]["series"]
    assert_allclose(drawn[3]["y"], state["step"])
    assert_allclose(drawn[2]["y"], state["plain"])


def test_no_step_is_longer_than_the_bound_and_the_worst_case_reaches_it():
    for signal in ("constant", "drifting through zero", "silence, then one gradient"):
        for memory1, memory2 in ((1.0, 1.0), (10.0, 1000.0), (100.0, 30.0), (50.0, 2.0)):
            state, _ = run(signal=signal, noise=1.0, memory1=memory1, memory2=memory2)
            assert np.all(np.abs(state["step"]) <= np.array(state["bound"]) * (1 + 1e-9))
    state, picture = run(signal="growing, the worst case", noise=0.0)
    assert_allclose(state["step"][-1], state["bound"][-1], rtol=1e-9)
    assert_allclose(state["bound"][0], 1)
    assert picture["readouts"][3][1].startswith(f"{state['bound'][-1]:.2f}")


def test_without_memory_the_step_is_a_sign():
    state, _ = run(noise=2.0, memory1=1.0, memory2=1.0)
    assert_allclose(state["step"], np.sign(state["g"]))
    assert state["step"] == state["plain"]


def test_silence_makes_no_step_and_no_complaint():
    state, picture = run(signal="silence, then one gradient", noise=0.0)
    assert state["step"][:29] == [0] * 29
    assert_allclose(state["plain"][29], 0.1 / np.sqrt(0.001))
    assert all(np.isfinite(series["y"]).all() for series in picture["panels"][2]["series"][:4])


def test_the_page_holds_next_to_nothing():
    widget = adam_running_means(alt=ALT)
    assert len(json.dumps(widget.data)) < 100
    assert widget.still == adam_running_means(alt=ALT).still
    assert widget.still.count("<svg") == 1


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"noise": -1.0}, "noise must lie between 0 and 3"),
        ({"memory1": 0.5}, "memory1 must lie between 1 and 100"),
        ({"memory2": 1e4}, "memory2 must lie between 1 and 1000"),
        ({"memory2": np.nan}, "memory2 contains NaN"),
        ({"steps": 10}, "steps must be an integer from 20 to 400"),
        ({"steps": 21}, "steps must be even"),
        ({"alt": "Curves."}, "alt must say what is seen"),
    ],
)
def test_bad_input_is_named(change, message):
    with pytest.raises(ValueError, match=message):
        adam_running_means(**{"alt": ALT, **change})
