"""The figures to move of the chapter on approximation rates, against NumPy on the same numbers."""

import itertools
import json

import numpy as np
import pytest
from dlmath.approximation import kinks, least_error, pair_energy, sawtooth, sawtooth_network
from dlmath.interactive import composed_tents, sampled_networks
from dlmath.interactive._approximation import _network, _points
from numpy.testing import assert_allclose
from scipy import integrate, special
from test_interactive import run_js

ALT = "Falling curves on logarithmic axes, and a step function beside a smooth curve."
SAMPLED = (
    "(() => { const s = experiment(given.params, given.data);"
    "return [s.points, s.energies, s.errors, s.promised, s.variance, s.bound,"
    "compute(given.params, given.data)]; })()"
)


@pytest.mark.parametrize(("d", "m", "draw"), [(2, 7, 1), (9, 300, 4), (50, 4096, 20)])
def test_networks_and_their_errors_are_those_of_numpy(d, m, draw):
    widget = sampled_networks(alt=ALT)
    given = {"params": {"d": d, "m": m, "draw": draw}, "data": widget.data}
    points, energies, errors, promised, variance, bound, picture = run_js(
        "models/barron-sampling.js", SAMPLED, given
    )
    X = _points(d)
    assert_allclose(points, X, rtol=1e-9, atol=1e-12)
    assert_allclose(np.sum(X**2, axis=1), d)
    target = [
        np.mean([np.exp(-((x[i] - x[j]) ** 2) / 2) for j in range(d) for i in range(j)]) for x in X
    ]
    assert_allclose(energies, target, rtol=1e-10)
    assert_allclose(variance, np.var(target), rtol=1e-8)
    assert_allclose(bound, 16 * d / np.pi)
    for k in (0, 11):
        network = _network(d, 12 * (draw - 1) + k + 1, m)
        gap = np.mean((target - network(X)) ** 2)
        if m in widget.data["sizes"]:
            assert_allclose(errors[k][widget.data["sizes"].index(m)], gap, rtol=1e-7)
        if k == 0:
            assert_allclose(picture["panels"][0]["series"][15]["y"], [gap], rtol=1e-7)
    assert_allclose(promised, one_ticket(X) - np.mean((np.array(target) - 1) ** 2), rtol=1e-4)
    network, energy = picture["panels"][1]["series"][1:3]
    rest = X[0, 1:] * np.sqrt((d - 1) / 2 / np.sum(X[0, 1:] ** 2))
    moved = np.column_stack([network["x"], np.tile(rest, (len(network["x"]), 1))])
    assert np.sum(moved**2, axis=1).max() <= d * (1 + 1e-12)
    assert_allclose(network["y"], _network(d, 12 * (draw - 1) + 1, m)(moved), atol=1e-9)
    assert_allclose(energy["y"], pair_energy(moved), rtol=1e-9)


def one_ticket(X):
    """Average the square of one step by quadrature over length and threshold, for these points."""
    d = X.shape[1]
    z = np.abs(X[:, :, np.newaxis] - X[:, np.newaxis])[:, *np.triu_indices(d, 1)] / np.sqrt(2)
    r = np.sqrt(d)
    nodes, weights = np.polynomial.legendre.leggauss(50)
    edges = np.linspace(0, 8, 41)
    length = np.concatenate(
        [(b - a) / 2 * nodes + (a + b) / 2 for a, b in itertools.pairwise(edges)]
    )
    weight = np.tile(weights, 40) * 0.1 * length * np.exp(-(length**2) / 2)
    t = np.linspace(0, z.max(), 1001)
    square = np.array([weight @ np.sin(np.sqrt(2) * length * at) ** 2 for at in t])
    inner = integrate.cumulative_simpson(square, x=t, initial=0)
    return (2 * r * 2 / np.sqrt(np.pi)) ** 2 / (2 * r) * np.mean(np.interp(z, t, inner))


def test_dawson_is_scipys():
    x = np.concatenate([[0.0], np.linspace(0.01, 20, 200)])
    assert_allclose(
        run_js("models/barron-sampling.js", "given.map(dawson)", x.tolist()),
        special.dawsn(x),
        rtol=1e-9,
        atol=1e-12,
    )


def test_the_cloud_lies_around_the_promise():
    data = sampled_networks(alt=ALT).data
    data["sizes"] = [size for size in data["sizes"] if size <= 256]
    program = (
        "given.draws.map((draw) => { const s = experiment({ d: 8, draw }, given.data);"
        "return s.errors.map((e) => e.map((v, i) => v * given.data.sizes[i] / s.promised)); })"
    )
    given = {"draws": list(range(1, 13)), "data": data}
    shares = np.reshape(run_js("models/barron-sampling.js", program, given), (144, -1))
    error = shares.std(axis=0, ddof=1) / 12
    assert np.all(np.abs(shares.mean(axis=0) - 1) < 4 * error)
    assert error.max() < 0.25


TENTS = "given.map((params) => [state(params), compute(params, { most: 600 })])"


def test_tents_and_distances_are_those_of_numpy():
    cases = [
        {"k": k, "m": m, "height": height}
        for k in (1, 3, 9)
        for m in (1, 6, 40, 600)
        for height in (1.0, 0.9)
    ]
    for case, (found, picture) in zip(
        cases, run_js("models/composed-tents.js", TENTS, cases), strict=True
    ):
        check_tents(found, picture, **case)


def check_tents(found, picture, k, m, height):
    x = (np.arange(2**15) + 0.5) / 2**15
    deep, wide = (np.interp(x, found[name]["x"], found[name]["y"]) for name in ("deep", "wide"))
    y = x
    for _ in range(k):
        y = height * np.minimum(2 * y, 2 - 2 * y)
    assert_allclose(deep, y, atol=1e-12)
    teeth = sawtooth(x, k)
    assert_allclose(found["deepError"], np.mean(np.abs(deep - teeth)), atol=2e-5)
    assert_allclose(found["wideError"], np.mean(np.abs(wide - teeth)), atol=2e-5)
    assert_allclose(found["least"], least_error(k, m + 1)[0])
    assert found["wideError"] >= found["least"] - 1e-15
    parameters = sawtooth_network(k)
    parameters[2:-2:2] = [height * W for W in parameters[2:-2:2]]
    parameters[-2] = height * parameters[-2]
    assert found["pieces"] == len(kinks(parameters, 0, 1)[1])
    slopes = np.diff(found["wide"]["y"]) / np.diff(found["wide"]["x"])
    assert np.sum(slopes[1:] != slopes[:-1]) <= m
    marks = picture["panels"][1]["series"][3:5]
    assert_allclose([mark["y"][0] for mark in marks], [found["wideError"], found["deepError"]])
    assert ("message" in picture) == (least_error(k, m + 1)[0] > 1 / 8)


def test_buttons_and_data():
    assert run_js("models/composed-tents.js", "same({ k: 7, m: 3 })", 0) == {"m": 14}
    assert run_js("models/barron-sampling.js", "another({ draw: 20 }, { most: 20 })", 0) == {
        "draw": 1
    }
    for widget in (sampled_networks(alt=ALT), composed_tents(alt=ALT)):
        assert len(json.dumps(widget.data)) < 2000


@pytest.mark.parametrize(
    ("make", "change", "message"),
    [
        (sampled_networks, {"d": 1}, "d must be an integer from 2 to 50"),
        (sampled_networks, {"m": 5000}, "m must be an integer from 1 to 4096"),
        (sampled_networks, {"draw": 0}, "draw must be an integer from 1 to 20"),
        (sampled_networks, {"alt": "Curves."}, "alt must say what is seen"),
        (composed_tents, {"k": 10}, "k must be an integer from 1 to 9"),
        (composed_tents, {"m": 0}, "m must be an integer from 1 to 600"),
        (composed_tents, {"peak": 1.2}, "peak must lie between 0.8 and 1"),
        (composed_tents, {"alt": "Teeth."}, "alt must say what is seen"),
    ],
)
def test_bad_input_is_named(make, change, message):
    with pytest.raises(ValueError, match=message):
        make(**{"alt": ALT, **change})


@pytest.mark.parametrize("make", [sampled_networks, composed_tents])
def test_stills_are_the_same_at_every_run(make):
    assert make(alt=ALT).still == make(alt=ALT).still
    assert make(alt=ALT).still.count("<svg") == 1
