"""The figure to move of the appendix on convexity, against NumPy and SciPy."""

import numpy as np
import pytest
from dlmath.interactive import chord_and_tangent
from dlmath.interactive._convexity import SHAPES
from numpy.testing import assert_allclose
from scipy import optimize
from test_interactive import run_js

ALT = "A parabola with a chord above it and a tangent below it, and its slope in a second panel."
X = np.linspace(-2, 2, 41)
STATE = {"left": [1.3, 0], "right": [-1.6, 0], "touch": [0.55, 0]}


def picture(words, **state):
    """Compute the picture in JavaScript."""
    given = {"params": {**STATE, **state, "shape": words}, "data": chord_and_tangent(alt=ALT).data}
    return run_js("models/convexity.js", "compute(given.params, given.data)", given)


@pytest.mark.parametrize("words", SHAPES)
def test_values_and_slopes_are_those_of_numpy(words):
    name, _, _, f = SHAPES[words]
    expression = "[given.x.map(SHAPES[given.name][0]), given.x.map(SHAPES[given.name][1])]"
    x = X + 0.001  # beside the kink
    values, slopes = run_js("models/convexity.js", expression, {"x": x.tolist(), "name": name})
    h = 1e-5
    assert_allclose(values, f(x), rtol=1e-13, atol=1e-15)
    assert_allclose(slopes, (f(x + h) - f(x - h)) / (2 * h), rtol=1e-7, atol=1e-7)


@pytest.mark.parametrize("words", SHAPES)
def test_the_gaps_are_those_that_a_search_finds(words):
    name, _, kind, f = SHAPES[words]
    expression = "distances(SHAPES[given.name], given.state, 2)"
    found = run_js("models/convexity.js", expression, {"name": name, "state": STATE})
    a, b, t = -1.6, 1.3, 0.55

    def chord_gap(x):
        return f(a) + (x - a) / (b - a) * (f(b) - f(a)) - f(x)

    def tangent_gap(x):
        slope = (f(t + 1e-6) - f(t - 1e-6)) / 2e-6
        return f(x) - f(t) - slope * (x - t)

    for key, gap, ends in (("aboveGraph", chord_gap, (a, b)), ("belowGraph", tangent_gap, (-2, 2))):
        least = optimize.brute(lambda x, gap=gap: gap(x[0]), [ends], Ns=4001, finish=None)
        assert_allclose(found[key], gap(least), atol=2e-3)
        if kind != "not convex":
            assert found[key] > -1e-9


@pytest.mark.parametrize("words", SHAPES)
def test_what_is_said_of_a_function_is_true(words):
    """Second differences tell whether a function is convex."""
    _, _, kind, f = SHAPES[words]
    x = np.linspace(-2, 2, 401)
    curvature = np.diff(f(x), 2) / 0.01**2
    assert (curvature.min() < -1e-6) == (kind == "not convex")
    if kind == "strongly convex":
        assert curvature.min() > 1
    state = {"left": [-0.9, 0], "right": [0.9, 0], "touch": [0.2, 0]}
    readouts = dict(picture(words, **state)["readouts"])
    assert readouts["this function is"] == kind
    wrong = readouts["tangent above the graph"], readouts["chord below the graph"]
    assert (wrong == ("nowhere", "nowhere")) == (kind != "not convex")


def test_the_points_stay_on_the_graph():
    drawn = picture("a double well, (x² − 1)²")
    assert_allclose(drawn["points"]["left"], [1.3, (1.3**2 - 1) ** 2])
    assert_allclose(drawn["points"]["touch"], [0.55, (0.55**2 - 1) ** 2])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"shape": "a line"}, "shape must be one of"),
        ({"touch": 2.5}, "touch must be a number from -2 to 2"),
        ({"left": float("nan")}, "left must be a number"),
    ],
)
def test_bad_input_is_named(change, message):
    with pytest.raises(ValueError, match=message):
        chord_and_tangent(**change, alt=ALT)
