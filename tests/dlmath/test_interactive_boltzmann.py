"""The restricted Boltzmann machine in the page, against torch on the same rounded weights."""

import numpy as np
import pytest
from dlmath.interactive import GibbsLive
from dlmath.interactive._base import float16_text
from dlmath.interactive._random import small_fast_uniform
from numpy.testing import assert_allclose, assert_array_equal
from scipy.special import expit
from test_interactive import run_js

ALT = "A square of dark and light cells beside small patterns and an empty panel with a level."


def numbers(units=10, seed=0):
    rng = np.random.default_rng(seed)
    W, b, c = 0.5 * rng.normal(size=(64, units)), rng.normal(size=64), rng.normal(size=units)
    return tuple(values.astype(np.float16).astype(float) for values in (W, b, c))


def pictures(n=4, seed=1):
    return np.random.default_rng(seed).integers(0, 2, (n, 64))


def packed(parameters):
    return {name: float16_text(v) for name, v in zip("Wbc", parameters, strict=True)}


def test_fields_and_free_energy_agree_with_torch(torch):
    from dlmath.generative import RBM

    parameters, x = numbers(), pictures()
    machine = RBM.from_parameters(*parameters)
    h = np.random.default_rng(2).integers(0, 2, (4, 10))
    found = run_js(
        "gibbslive.js",
        "(() => { const m = decodeMachine(given.machine);"
        "return given.x.map((x, k) => [Array.from(hiddenField(m, x)),"
        "Array.from(visibleField(m, given.h[k])), machineFreeEnergy(m, x)]); })()",
        {"machine": packed(parameters), "x": x.tolist(), "h": h.tolist()},
    )
    hidden, visible, energies = zip(*found, strict=True)
    assert_allclose(expit(hidden), machine.hidden_probabilities(x), rtol=1e-12)
    assert_allclose(expit(visible), machine.visible_probabilities(h), rtol=1e-12)
    assert_allclose(energies, machine.free_energy(x), rtol=1e-12)


@pytest.mark.parametrize("temperature", [0.5, 1.0, 2.5])
def test_a_sweep_with_the_same_random_numbers(temperature):
    W, b, c = numbers()
    x, held = pictures(1)[0], np.arange(64) % 5 == 0
    u = small_fast_uniform(7, 2 * (10 + 64))
    found = run_js(
        "gibbslive.js",
        "(() => { const m = decodeMachine(given.machine), random = randomStream(7);"
        "const once = (x) => gibbsSweep(m, x, given.held, given.at, random);"
        "const a = once(Uint8Array.from(given.x)), b = once(a.x);"
        "return [a, b].map(({ h, p, x }) => [h, p, x].map((v) => Array.from(v))); })()",
        {"machine": packed((W, b, c)), "x": x.tolist(), "held": held.tolist(), "at": temperature},
    )
    for k in range(2):
        first, second = np.split(u[74 * k : 74 * (k + 1)], [10])
        h = first < expit((x @ W + c) / temperature)
        p = expit((W @ h + b) / temperature)
        drawn = np.where(held, x, second < p)
        assert_array_equal(found[k][0], h)
        assert_allclose(found[k][1], np.where(held, x, p), rtol=1e-12)
        assert_array_equal(found[k][2], drawn)
        x = drawn.astype(int)


def test_many_sweeps_have_the_law_of_the_machine():
    """A machine of which only two pixels are free: their frequencies are those of the table."""
    W, b, c = numbers(4, 3)
    W[2:], b[2:] = 0, -40
    from dlmath.boltzmann import rbm_tables

    found = run_js(
        "gibbslive.js",
        "(() => { const m = decodeMachine(given.machine), random = randomStream(3);"
        "const held = new Uint8Array(64), counts = [0, 0, 0, 0]; let x = new Uint8Array(64);"
        "for (let k = 0; k < 40000; k++) { x = gibbsSweep(m, x, held, 1, random).x;"
        "counts[x[0] + 2 * x[1]] += 1; } return counts; })()",
        {"machine": packed((W, b, c))},
    )
    assert_allclose(np.array(found) / 40_000, rbm_tables(W[:2], b[:2], c).visible, atol=0.015)


def live(**change):
    W, b, c = numbers()
    given = {"W": W, "b": b, "c": c, "examples": pictures(), "level": -10.0, "alt": ALT}
    return GibbsLive(**{**given, **change})


def test_carries_its_weights_and_a_still():
    widget = live()
    assert widget.data["units"] == 10
    assert widget.data["W"] == float16_text(numbers()[0])
    assert widget.still == live().still
    assert widget.still.count("<svg") == 1


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"W": np.zeros((63, 4))}, r"W must have shape \(64, hidden\)"),
        ({"W": np.zeros((64, 200))}, "at most 128 hidden units"),
        ({"b": np.zeros(3)}, "b must have 64 entries"),
        ({"c": np.zeros(3)}, "c must have 10 entries"),
        ({"examples": pictures(3)}, "examples must have at least 4 rows"),
        ({"examples": 2 * pictures()}, "examples must hold 0 and 1"),
        ({"temperature": 5.0}, "temperature must lie between 0.3 and 3"),
        ({"level": np.nan}, "level contains NaN"),
        ({"alt": "A digit."}, "alt must say what is seen"),
    ],
)
def test_bad_input_is_named(change, message):
    with pytest.raises(ValueError, match=message):
        live(**change)
