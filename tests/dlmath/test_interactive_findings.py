"""The figures of the chapter on what training finds, against ``dlmath`` on the same numbers."""

import numpy as np
import pytest
from dlmath.interactive import SharpnessLive, linear_modes
from dlmath.interactive._findings import tiny_forward, tiny_network
from dlmath.linear_networks import factor_gradients, mode_strength, switch_time
from dlmath.networks import FeedForwardNetwork
from dlmath.networks._training import flatten, views
from dlmath.sharpness import sharpness
from numpy.testing import assert_allclose
from test_interactive import run_js

ALT = "Four curves that rise one after the other from zero to levels of their own, beside stairs."
MODES = "models/linear-modes.js"
LIVE = "sharpnesslive.js"


@pytest.mark.parametrize("depth", [1, 2, 3, 5])
@pytest.mark.parametrize("s", [1.0, 0.3])
def test_exact_modes_and_times_are_the_librarys(depth, s):
    times = np.linspace(0, 30, 41)
    given = {"s": s, "start": 2e-3, "depth": depth, "times": times.tolist()}
    found, half = run_js(
        MODES,
        "[exactMode(given.s, given.start, given.depth, given.times),"
        "timeTo(0.5, given.s, given.start, given.depth)]",
        given,
    )
    assert_allclose(found, mode_strength(times, s, 2e-3, depth=depth), rtol=2e-5)
    assert_allclose(half, switch_time(s, 2e-3, depth=depth), rtol=1e-6)


@pytest.mark.parametrize("depth", [1, 2, 4])
def test_matrices_descend_as_in_numpy(depth):
    rng = np.random.default_rng(depth)
    factors = [0.4 * rng.standard_normal((3, 3)) for _ in range(depth)]
    s = np.array([1.0, 0.5, 0.2])
    given = {"factors": [W.ravel().tolist() for W in factors], "s": s.tolist()}
    found = run_js(
        MODES,
        "descendFactors(given.factors.map((W) => Float64Array.from(W)), given.s, 0.05, 60, 30)",
        given,
    )
    record = []
    for k in range(61):
        P = np.linalg.multi_dot(factors) if depth > 1 else factors[0]
        if k % 30 == 0:
            record.append(np.diag(P).copy())
        gradients = factor_gradients(factors, 2 * (P - np.diag(s)))
        factors = [W - 0.05 * G for W, G in zip(factors, gradients, strict=True)]
    assert_allclose(found, record, rtol=1e-12)


@pytest.mark.parametrize(
    "params",
    [
        {"depth": 1, "start": 0.1, "ratio": 0.9, "random": False},
        {"depth": 2, "start": 1e-3, "ratio": 0.6, "random": False},
        {"depth": 5, "start": 1e-4, "ratio": 0.4, "random": False},
    ],
)
def test_an_aligned_start_follows_the_exact_curves(params):
    data = linear_modes(alt=ALT).data
    solved = run_js(
        MODES,
        "(() => { const { s, found, marks, eta, exact, times } = "
        "solve(given.params, given.draws); return { s, found, marks, eta, exact, times }; })()",
        {"params": params, "draws": data["draws"]},
    )
    found, marks = np.array(solved["found"]), np.array(solved["marks"])
    assert solved["eta"] <= 0.1 / params["depth"] + 1e-12
    for j, s in enumerate(solved["s"]):
        exact = mode_strength(marks, s, params["start"], depth=params["depth"])
        assert np.max(np.abs(found[:, j] - exact)) < 0.07 * s
        drawn = mode_strength(np.array(solved["times"]), s, params["start"], depth=params["depth"])
        assert_allclose(solved["exact"][j], drawn, rtol=1e-4)


def test_a_random_start_finds_the_modes_in_the_same_order():
    data = linear_modes(alt=ALT).data
    params = {"depth": 2, "start": 1e-4, "ratio": 0.5, "random": True}
    found = np.array(
        run_js(
            MODES,
            "solve(given.params, given.draws).found",
            {"params": params, "draws": data["draws"]},
        )
    )
    s = 0.5 ** np.arange(4)
    when = [np.argmax(found[:, j] > s[j] / 2) for j in range(4)]
    assert when == sorted(when)
    assert when[0] > 0
    assert_allclose(found[-1, :3], s[:3], rtol=0.05)


def test_the_picture_shows_what_was_solved():
    data = linear_modes(alt=ALT).data
    params = {"depth": 2, "start": 1e-3, "ratio": 0.6, "random": False}
    picture = run_js(MODES, "compute(given.params, given.data)", {"params": params, "data": data})
    strengths, cost = picture["panels"]
    curve = strengths["series"][0]
    assert_allclose(curve["y"], mode_strength(np.array(curve["x"]), 1.0, 1e-3), rtol=1e-4)
    s = 0.6 ** np.arange(4)
    line = cost["series"][-1]
    modes = np.array([mode_strength(np.array(line["x"]), sj, 1e-3) for sj in s])
    assert_allclose(line["y"], np.sum((s - modes.T) ** 2, axis=1) / np.sum(s**2), rtol=1e-3)


def problem(hidden=5, n=9):
    rng = np.random.default_rng(4)
    theta = tiny_network(hidden, 1) + 0.3 * rng.standard_normal(3 * hidden + 1)
    x, y = rng.standard_normal(n), rng.standard_normal(n)
    return theta, {"x": x.tolist(), "y": y.tolist()}, x, y


def at(theta, hidden):
    network = FeedForwardNetwork([1, hidden, 1], "tanh")
    network.parameters = views(theta, network.parameters)
    return network


def gradient_of(x, y, hidden):
    X, Y = x[:, np.newaxis], y[:, np.newaxis]
    return lambda theta: flatten(at(theta, hidden).gradients(X, Y))


def test_cost_gradient_and_forward_of_the_tiny_network():
    theta, data, x, y = problem()
    found = run_js(
        LIVE,
        "(() => { const t = Float64Array.from(given.theta);"
        "return [meanSquare(t, 5, given.data), Array.from(slope(t, 5, given.data)),"
        "given.data.x.map((x) => predict(t, 5, x))]; })()",
        {"theta": theta.tolist(), "data": data},
    )
    network = at(theta, 5)
    assert_allclose(found[0], network.cost_value(x[:, np.newaxis], y[:, np.newaxis]), rtol=1e-13)
    assert_allclose(found[1], gradient_of(x, y, 5)(theta), rtol=1e-11, atol=1e-13)
    assert_allclose(found[2], network.forward(x[:, np.newaxis])[:, 0], rtol=1e-12)
    assert_allclose(tiny_forward(theta, x), found[2], rtol=1e-12)


def test_descent_and_sharpness_are_the_librarys():
    theta, data, x, y = problem()
    program = """(() => {
      const t = Float64Array.from(given.theta);
      const v = t.map(() => 1 / Math.sqrt(t.length));
      const fine = [];
      for (let k = 0; k < 100; k++) fine.push(descendOnce(t, 5, given.data, 0.05));
      const value = sharpest(t, 5, given.data, v, 300);
      return [fine.every((f) => f), Array.from(t), value, Array.from(v)];
    })()"""
    fine, found, value, vector = run_js(LIVE, program, {"theta": theta.tolist(), "data": data})
    gradient = gradient_of(x, y, 5)
    for _ in range(100):
        theta = theta - 0.05 * gradient(theta)
    assert fine
    assert_allclose(found, theta, rtol=1e-9, atol=1e-11)
    largest, direction = sharpness(gradient, theta)
    assert_allclose(value, largest, rtol=1e-6)
    assert_allclose(abs(np.dot(vector, direction)), 1, rtol=1e-5)


def test_steps_that_leave_all_bounds_are_noticed():
    theta, data, *_ = problem()
    program = """(() => { const t = Float64Array.from(given.theta), fine = [];
      for (let k = 0; k < 200; k++) fine.push(descendOnce(t, 5, given.data, given.eta));
      return [fine.every((f) => f), t.every(Number.isFinite)]; })()"""
    given = {"theta": theta.tolist(), "data": data}
    assert run_js(LIVE, program, given | {"eta": 0.05}) == [True, True]
    assert run_js(LIVE, program, given | {"eta": 1e6}) == [False, True]


def test_a_long_record_is_thinned_alike():
    record = {name: list(range(500)) for name in ("steps", "cost", "sharp", "limit")}
    found = run_js(LIVE, "thinned(given, KEPT)", record)
    assert all(found[name] == list(range(0, 500, 2)) for name in found)
    short = {"steps": [0, 5], "cost": [2, 1], "sharp": [1, 1], "limit": [2, 2]}
    assert run_js(LIVE, "thinned(given, KEPT)", short) == short


def test_the_panels_hold_the_record():
    record = {"steps": [0, 5], "cost": [2.0, 0.02], "sharp": [4.0, 6.0], "limit": [10.0, 8.0]}
    cost, sharp = run_js(LIVE, "[costPanel(given), sharpnessPanel(given)]", record)
    assert cost["series"][0]["y"] == record["cost"]
    assert cost["ylim"] == [0.01, 10]
    assert sharp["series"][0]["y"] == [10.0, 8.0, 8.0]
    assert sharp["series"][1]["y"] == record["sharp"]
    assert sharp["ylim"] == [0, 10]


def test_gradient_descent_hovers_at_the_edge():
    """What the caption says: on the page's own data the sharpness comes to rest near 2/eta."""
    x = np.linspace(-1.6, 1.6, 18)
    widget = SharpnessLive(x, np.abs(x) ** 1.5 - x**2 / 4, alt=ALT)
    program = """(() => {
      const t = Float64Array.from(given.starts[0]), m = given.hidden, data = given;
      const v = t.map(() => 1 / Math.sqrt(t.length)), seen = [];
      for (let k = 0; k < 6000; k++) {
        if (!descendOnce(t, m, data, 0.2)) return [];
        if (k % 5 === 0) seen.push(sharpest(t, m, data, v, 4));
      }
      return seen; })()"""
    seen = np.array(run_js(LIVE, program, widget.data))
    assert abs(0.2 * seen[-200:].mean() - 2) < 0.1


X = np.arange(6.0)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: linear_modes(depth=6, alt=ALT), "depth must be an integer from 1 to 5"),
        (lambda: linear_modes(start=1.0, alt=ALT), "start must lie between 0.0001 and 0.1"),
        (lambda: linear_modes(start=np.nan, alt=ALT), "start"),
        (lambda: linear_modes(ratio=0.95, alt=ALT), "ratio must lie between 0.4 and 0.9"),
        (lambda: linear_modes(alt="curves"), "alt must say"),
        (lambda: SharpnessLive(X, X[:3], alt=ALT), "y must have 6 entries"),
        (lambda: SharpnessLive(X, 0 * X, alt=ALT), "y must not be all equal"),
        (lambda: SharpnessLive(np.arange(61.0), np.arange(61.0), alt=ALT), "at most 60"),
        (lambda: SharpnessLive(X, X, hidden=1, alt=ALT), "hidden must be an integer from 2"),
        (lambda: SharpnessLive(X, X, eta=3.0, alt=ALT), "eta must lie between 0.02 and 0.5"),
        (lambda: SharpnessLive(X, X, alt="points"), "alt must say"),
        (lambda: SharpnessLive(X, X, alt=ALT, height=(10, 10)), "height"),
    ],
)
def test_bad_input_is_named(make, message):
    with pytest.raises(ValueError, match=message):
        make()


@pytest.mark.parametrize(
    "make", [lambda: linear_modes(alt=ALT), lambda: SharpnessLive(X, X**2, alt=ALT)]
)
def test_stills_are_the_same_at_every_run(make):
    assert make().still == make().still
    assert make().still.count("<svg") == 1
