"""The figure to move of the chapter on universal approximation, against NumPy and scipy."""

import itertools
import json

import numpy as np
import pytest
from dlmath.bumps import bump_network, modulus_of_continuity
from dlmath.interactive import bump_sum
from dlmath.interactive._universal import TARGETS
from numpy.testing import assert_allclose
from scipy import integrate, optimize
from scipy.special import expit
from test_interactive import run_js

ALT = "A wave with a sum of eight bumps that runs through it, and two errors that fall with m."
DATA = bump_sum(alt=ALT).data
SMOOTH = [words for words, (_, _, jump, _) in TARGETS.items() if not jump]


def picture(words, **state):
    """Compute the picture in JavaScript."""
    params = {"target": words, "m": 8, "q": 40.0, "grow": False, **state}
    given = {"params": params, "data": DATA}
    return run_js("models/bump-sum.js", "compute(given.params, given.data)", given)


def blurred(f, m, q, x):
    """Average f at the node next to x - Z/q over logistic noise Z, by quadrature."""
    edges = np.concatenate([[-np.inf], (np.arange(1, m + 1) - 0.5) / m, [np.inf]])
    shares = []
    for left, right in itertools.pairwise(edges):
        # x - z/q between left and right; the density of z is that of the logistic distribution.
        low, high = q * (x - right), q * (x - left)
        low, high = np.clip([low, high], -60, 60)
        density = lambda z: 0.25 / np.cosh(z / 2) ** 2  # noqa: E731
        middle = [p for p in (0.0,) if low < p < high]
        shares.append(integrate.quad(density, low, high, points=middle or None, limit=200)[0])
    return np.dot(shares, f(np.arange(m + 1) / m))


@pytest.mark.parametrize("words", TARGETS)
@pytest.mark.parametrize(("m", "q"), [(1, 3.0), (7, 40.0), (12, 600.0)])
def test_the_network_is_the_function_at_a_shifted_and_rounded_place(words, m, q):
    name, _, _, f = TARGETS[words]
    x = [0.0, 0.21, 0.5, 0.83, 1.0]
    expression = "given.x.map((x)=>bumpNetwork(nodes(TARGETS[given.name][0], given.m), given.q, x))"
    found = run_js("models/bump-sum.js", expression, {"x": x, "name": name, "m": m, "q": q})
    assert_allclose(found, [blurred(f, m, q, at) for at in x], atol=1e-7)
    assert_allclose(found, bump_network(f(np.arange(m + 1) / m), q, x), atol=1e-12)


def test_the_bumps_sum_to_one_and_with_the_values_to_the_network():
    expression = "given.x.map((x) => given.j.map((j) => bump(j, 6, 30, x)))"
    x, j = [0.0, 0.1, 0.47, 0.9, 1.0], list(range(7))
    found = np.array(run_js("models/bump-sum.js", expression, {"x": x, "j": j}))
    assert_allclose(found.sum(axis=1), 1, rtol=1e-14)
    values = np.cos(3 * np.arange(7))
    assert_allclose(found @ values, bump_network(values, 30.0, x), atol=1e-14)


@pytest.mark.parametrize("words", TARGETS)
@pytest.mark.parametrize(("m", "q"), [(5, 12.0), (20, 90.0)])
def test_the_errors_are_those_of_a_quadrature_and_a_search(words, m, q):
    name, _, jump, f = TARGETS[words]
    given = {"name": name, "jump": jump, "m": m, "q": q}
    expression = "bumpErrors(TARGETS[given.name], given.jump, given.m, given.q, 400)"
    found = run_js("models/bump-sum.js", expression, given)
    values, steps = f(np.arange(m + 1) / m), (np.arange(m) + 0.5) / m

    def miss(x):
        return values[0] + np.sum(np.diff(values) * expit(q * (x - steps))) - f(x)

    parts = np.unique([0, jump, 1])
    square = sum(
        integrate.quad(lambda x: miss(x) ** 2, a, b, limit=300)[0]
        for a, b in itertools.pairwise(parts)
    )
    assert_allclose(found["rms"], np.sqrt(square), rtol=5e-3)
    ends = [0, 1, *([jump - 1e-12, jump + 1e-12] if jump else [])]
    searched = optimize.brute(lambda x: -abs(miss(x[0])), [(0, 1)], Ns=3001, finish=None)
    largest = max(abs(miss(x)) for x in [*ends, searched])
    assert_allclose(found["sup"], largest, rtol=2e-3)
    if jump:
        assert found["sup"] >= 0.5


@pytest.mark.parametrize("words", SMOOTH)
def test_the_bound_holds_with_the_modulus_that_a_grid_finds(words):
    name, _, _, f = TARGETS[words]
    for m, q in ((2, 4.0), (9, 60.0), (100, 900.0)):
        expression = "bumpBound(TARGETS[given.name], given.m, given.q)"
        bound = run_js("models/bump-sum.js", expression, {"name": name, "m": m, "q": q})
        h = 1 / (2 * m) + 2 * np.log(2) / q
        assert_allclose(bound, modulus_of_continuity(f, h, 20_001), rtol=1e-2)
        x = np.linspace(0, 1, 1001)
        error = np.abs(bump_network(f(np.arange(m + 1) / m), q, x) - f(x)).max()
        assert error <= bound


@pytest.mark.parametrize("grow", [False, True])
def test_the_curves_are_the_errors_at_their_widths(grow):
    found = picture("a kink, |x − 0.4|", m=8, q=40.0, grow=grow)
    bounds, largest, _ = found["panels"][1]["series"][:3]
    assert largest["x"] == DATA["widths"]
    f, x = TARGETS["a kink, |x − 0.4|"][3], np.linspace(0, 1, 2001)
    for m, error, bound in zip(largest["x"], largest["y"], bounds["y"], strict=True):
        q = 5 * m if grow else 40
        expected = np.abs(bump_network(f(np.arange(m + 1) / m), q, x) - f(x)).max()
        assert_allclose(error, expected, rtol=0.02)
        assert error <= bound
    falls = largest["y"][-1] / largest["y"][7]
    assert (falls < 0.15) == grow  # a fixed blur leaves an error that no width removes


def test_a_jump_costs_half_of_its_height_at_every_setting():
    for m, q in ((3, 5.0), (40, 200.0), (128, 2000.0)):
        found = picture("a jump at 0.45", m=m, q=q)
        assert float(found["readouts"][0][1]) >= 0.5
        assert found["readouts"][2] == ["no network gets below", "0.500"]
        assert min(found["panels"][1]["series"][2]["y"]) >= 0.5


def test_many_bumps_are_not_drawn_one_by_one():
    few, many = (picture("a root, √x", m=m)["panels"][0]["series"] for m in (32, 33))
    assert sum(s.get("color") == 3 and s["type"] == "line" for s in few) == 33
    assert not any(s.get("color") == 3 for s in many)


def test_data_of_the_page_stay_small():
    assert len(json.dumps(DATA)) < 3_000


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"target": "a cloud"}, "target must be one of"),
        ({"m": 0}, "m must be an integer from 1 to 128"),
        ({"m": 2.5}, "m must be an integer"),
        ({"q": 0.5}, "q must be a number from 1 to 2000"),
        ({"alt": "A curve."}, "alt must say what is seen"),
        ({"height": (100, 400)}, "height must be two numbers"),
    ],
)
def test_bad_input_is_named(change, message):
    with pytest.raises(ValueError, match=message):
        bump_sum(**{"alt": ALT, **change})


def test_the_still_is_the_same_at_every_run():
    assert bump_sum(alt=ALT).still == bump_sum(alt=ALT).still
