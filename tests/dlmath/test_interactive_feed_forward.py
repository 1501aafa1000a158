"""The figure to move of the chapter on feed-forward networks, against dlmath.networks."""

import itertools

import numpy as np
import pytest
from dlmath.interactive import two_two_one
from dlmath.networks import FeedForwardNetwork
from matplotlib.path import Path
from numpy.testing import assert_allclose
from scipy.optimize import linprog
from test_interactive import run_js

ALT = "A small network of five nodes, and beside it a plane cut into a band and two outer parts."
CORNERS = np.array([[0, 0], [1, 0], [0, 1], [1, 1]])
HIDDEN = {"logistic": "sigmoid", "tanh": "tanh", "ReLU": "relu"}
NAMES = ("w11", "w21", "b1", "w12", "w22", "b2", "v1", "v2", "c")
PRESETS = ("xor", "and", "ridge", "corner")


def outputs(activation, params, X):
    """Give the nine parameters of the page to the network of dlmath; samples are rows."""
    w11, w21, b1, w12, w22, b2, v1, v2, c = (params[name] for name in NAMES)
    if activation == "step":
        hidden = (X @ [[w11, w12], [w21, w22]] + [b1, b2] > 0).astype(float)
        return hidden @ [v1, v2] + c
    network = FeedForwardNetwork([2, 2, 1], HIDDEN[activation])
    network.parameters = [
        np.array(values, dtype=float)
        for values in ([[w11, w12], [w21, w22]], [b1, b2], [[v1], [v2]], [c])
    ]
    return network.forward(X)[:, 0]


def random_params(seed):
    rng = np.random.default_rng(seed)
    return dict(zip(NAMES, rng.uniform(-3, 3, 9).tolist(), strict=True))


@pytest.mark.parametrize("activation", [*HIDDEN, "step"])
def test_the_page_computes_what_the_network_does(activation):
    rng = np.random.default_rng(1)
    X = rng.uniform(-0.5, 1.5, size=(30, 2))
    for seed in range(3):
        params = random_params(seed)
        given = {"p": params | {"activation": activation}, "X": X.tolist()}
        found = run_js("models/two-two-one.js", "given.X.map((x) => forward(given.p, x).f)", given)
        assert_allclose(found, outputs(activation, params, X), rtol=1e-13, atol=1e-14)


@pytest.mark.parametrize("activation", [*HIDDEN, "step"])
def test_the_presets_are_what_their_names_say(activation):
    expression = f"{list(PRESETS)}.map((name) => actions[name]({{ activation: given }}))"
    xor, conjunction, ridge, corner = run_js("models/two-two-one.js", expression, activation)
    for params, truth in ((xor, [0, 1, 1, 0]), (conjunction, [0, 0, 0, 1]), (corner, [0, 0, 0, 1])):
        assert ((outputs(activation, params, CORNERS) > 0.5) == truth).all()
    # A ridge: high on the line x1 = 0.5, however far one walks along it, and low beside it.
    x2 = np.linspace(-9, 9, 7)
    on, beside = (
        outputs(activation, ridge, np.column_stack([np.full(7, x1), x2])) for x1 in (0.5, -0.2)
    )
    assert_allclose(on, on[0], rtol=1e-12)
    assert on[0] > 0.8
    assert (np.abs(beside) < 0.45).all()
    widget = two_two_one(alt=ALT)
    limits = {c["name"]: c["max"] for c in widget.controls if c["type"] == "slider"}
    for params in (xor, conjunction, ridge, corner):
        assert all(abs(params[name]) <= limits[name] for name in NAMES)


def test_tanh_and_logistic_presets_are_one_function():
    X = np.random.default_rng(2).uniform(-1, 2, size=(20, 2))
    expression = f"{list(PRESETS)}.map((name) => given.map((a) => preset(name, a)))"
    for pair in run_js("models/two-two-one.js", expression, ["logistic", "tanh"]):
        values = [outputs(name, p, X) for name, p in zip(("logistic", "tanh"), pair, strict=True)]
        assert_allclose(*values, rtol=1e-12, atol=1e-14)


def test_the_corners_are_named_and_one_unit_can_do_fourteen_of_sixteen():
    names, fails = run_js("models/two-two-one.js", "[FUNCTIONS, ONE_UNIT_FAILS]", 0)
    x1, x2 = CORNERS.T.astype(bool)
    said = {
        "never": x1 & ~x1, "AND": x1 & x2, "x₂ and not x₁": x2 & ~x1, "x₂": x2,
        "x₁ and not x₂": x1 & ~x2, "x₁": x1, "XOR": x1 ^ x2, "OR": x1 | x2,
        "NOR": ~(x1 | x2), "equal": x1 == x2, "not x₁": ~x1, "x₁ implies x₂": ~x1 | x2,
        "not x₂": ~x2, "x₂ implies x₁": ~x2 | x1, "NAND": ~(x1 & x2), "always": x1 | ~x1,
    }  # fmt: skip
    for code, bits in enumerate(itertools.product([False, True], repeat=4)):
        assert (said[names[code]] == bits).all()
        signs = np.where(bits, 1, -1)
        rows = -signs[:, np.newaxis] * np.column_stack([CORNERS, np.ones(4)])
        one_unit = linprog(np.zeros(3), rows, -np.ones(4), bounds=(None, None)).success
        assert one_unit == (code not in fails)
    assert len(fails) == 2


COMPUTED = "[compute(given.params, given.data), whatCornersSay(given.params)]"


@pytest.mark.parametrize("activation", ["logistic", "ReLU"])
def test_the_picture_shows_where_the_output_is_high(activation):
    widget = two_two_one(alt=ALT)
    crossing = dict(zip(NAMES, (2, -1, 0.3, 1.5, 2, -1.5, 2, -3, 0.9), strict=True))
    params = widget.params | crossing | {"activation": activation, "probe": [0.3, 0.9]}
    given = {"params": params, "data": widget.data}
    picture, said = run_js("models/two-two-one.js", COMPUTED, given)
    at_corners = outputs(activation, params, CORNERS)
    assert_allclose(said["f"], at_corners, rtol=1e-12)
    regions = [s for s in picture["panels"][1]["series"] if s["type"] == "region"]
    levels = [0.5, 0.75, 1, 1.5, -0.5, -0.25, 0, 0.5]
    points = np.random.default_rng(3).uniform(-0.45, 1.45, size=(200, 2))
    f = outputs(activation, params, points)
    for k, (region, level) in enumerate(zip(regions, levels, strict=True)):
        signed, bound = (f, level) if k < 4 else (-f, level)
        clear = np.abs(signed - bound) > 0.1
        covered = contains(region, points)
        assert (covered[clear] == (signed > bound)[clear]).all()
    line = next(s for s in picture["panels"][1]["series"] if s["type"] == "line")
    ends = np.array([line["x"], line["y"]], dtype=float).T
    ends = ends[np.isfinite(ends).all(axis=1)]
    assert len(ends) > 10
    assert np.abs(outputs(activation, params, ends) - 0.5).max() < 0.02
    assert "NaN" not in str(picture["readouts"])


def contains(region, points):
    """Whether points lie in one of the polygons, which gaps part."""
    x, y = (np.array(region[key], dtype=float) for key in ("x", "y"))
    inside = np.zeros(len(points), dtype=bool)
    gaps = np.flatnonzero(np.isnan(x))
    for begin, end in zip(np.append(0, gaps + 1)[:-1], gaps, strict=True):
        inside |= Path(np.column_stack([x[begin:end], y[begin:end]])).contains_points(points)
    return inside


def made(**change):
    return two_two_one(**{"alt": ALT, **change})


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"weights": np.zeros(8)}, "weights must have 9 entries, got 8"),
        ({"weights": np.full(9, 4.0)}, "weights must be at most"),
        ({"weights": np.full(9, np.nan)}, "weights contains NaN"),
        ({"probe": [0.0, 2.0]}, "probe must lie between -0.5 and 1.5"),
        ({"probe": [0.0]}, "probe must have 2 entries"),
        ({"alt": "A net."}, "alt must say what is seen"),
        ({"height": (100, 400)}, "height must be two numbers"),
    ],
)
def test_bad_input_is_named(change, message):
    with pytest.raises(ValueError, match=message):
        made(**change)


def test_the_still_is_the_same_at_every_run():
    assert made().still == made().still
    assert made().still.count("<svg") == 1
