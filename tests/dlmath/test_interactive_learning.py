"""The figures to move of the chapter on data, model and cost, against NumPy and scipy."""

import json

import numpy as np
import pytest
from dlmath.interactive import degree_errors, one_number, one_slope
from dlmath.learning import descend
from numpy.polynomial import chebyshev
from numpy.testing import assert_allclose
from scipy import integrate, optimize, stats
from test_interactive import run_js

ALT = "Three curves that fall to a minimum and rise again, above a row of points on the axis."
VALUES = [-0.4, 0.1, 0.3, 0.35, 0.6, 0.9, 1.4, 2.2]

ONE = "[summarise(given.params, given.data), compute(given.params, given.data)]"


@pytest.mark.parametrize(("last", "level"), [(3.5, 0.25), (-0.9, 0.9), (0.35, 0.5)])
def test_the_three_costs_choose_mean_median_and_quantile(last, level):
    widget = one_number(VALUES, 2.0, limits=(-1, 4), alt=ALT)
    given = {"params": {"last": last, "level": level}, "data": widget.data}
    state, picture = run_js("models/one-number.js", ONE, given)
    everything = np.append(VALUES, last)
    assert_allclose(state["mean"], everything.mean(), rtol=1e-14)
    assert_allclose(np.mean(state["median"]), np.median(everything), rtol=1e-14)
    wanted = np.quantile(everything, level, method="inverted_cdf")
    assert_allclose(state["quantile"], [wanted, wanted], rtol=1e-14)
    squared, absolute, pinball = picture["panels"][0]["series"][:3]
    for series, cost in (
        (squared, lambda c: np.mean((everything - c) ** 2)),
        (absolute, lambda c: np.mean(np.abs(everything - c))),
        (pinball, lambda c: np.mean((everything - c) * (level - (everything < c)))),
    ):
        drawn = [(x, y) for x, y in zip(series["x"], series["y"], strict=True) if y is not None]
        assert len(drawn) > 20
        assert_allclose([y for _, y in drawn], [cost(x) for x, _ in drawn], rtol=1e-12)
    found = optimize.minimize_scalar(
        lambda c: np.mean((everything - c) ** 2), bounds=(-1, 4), method="bounded"
    )
    assert_allclose(picture["panels"][0]["series"][3]["x"][0], found.x, atol=1e-5)


def test_where_a_share_is_met_exactly_all_minimisers_are_shown():
    widget = one_number(VALUES[:7], 3.0, limits=(-1, 4), level=0.25, alt=ALT)
    state, picture = run_js(
        "models/one-number.js", ONE, {"params": widget.params, "data": widget.data}
    )
    everything = np.sort(np.append(VALUES[:7], 3.0))
    assert state["quantile"] == [everything[1], everything[2]]
    assert state["median"] == [everything[3], everything[4]]
    assert picture["readouts"][2][1] == "any from 0.100 to 0.300"


def test_the_share_of_values_is_their_distribution_function():
    widget = one_number(VALUES, 2.0, limits=(-1, 4), alt=ALT)
    _, picture = run_js("models/one-number.js", ONE, {"params": widget.params, "data": widget.data})
    stairs = picture["panels"][1]["series"][0]
    middle = (np.array(stairs["x"][1:]) + stairs["x"][:-1])[::2] / 2
    share = stats.ecdf(np.append(VALUES, 2.0)).cdf.evaluate(middle)
    assert_allclose(stairs["y"][::2], share, rtol=1e-12)


SLOPE_X, SLOPE_Y = [1.0, -2.0, 0.5, 1.5, -0.7], [1.3, -2.9, 1.0, 2.0, -1.4]
WALK = "[walk(given.params, given.data), compute(given.params, given.data)]"


def batches(seed, n, size):
    """Shuffle as the page does, and stop after the first rows."""
    state = seed
    while True:
        rows = list(range(n))
        for i in range(size):
            state = 48271 * state % (2**31 - 1)
            j = i + int(state / (2**31 - 1) * (n - i))
            rows[i], rows[j] = rows[j], rows[i]
        yield rows[:size]


@pytest.mark.parametrize(("share", "batch", "draw"), [(0.2, 5, 1), (1.04, 5, 3), (0.1, 2, 7)])
def test_the_walk_on_one_slope_is_gradient_descent(share, batch, draw):
    widget = one_slope(SLOPE_X, SLOPE_Y, -1.0, alt=ALT)
    params = {"share": share, "batch": batch, "draw": draw}
    state, picture = run_js("models/one-slope.js", WALK, {"params": params, "data": widget.data})
    x, y = np.array(SLOPE_X), np.array(SLOPE_Y)
    eta, rows = share / np.mean(x**2), batches(draw, 5, batch)

    def gradient(theta):
        chosen = next(rows) if batch < 5 else slice(None)
        return np.atleast_1d(2 * np.mean(x[chosen] * (theta * x[chosen] - y[chosen])))

    walked = descend(gradient, [-1.0], eta, 60)[:, 0]
    best = np.linalg.lstsq(x[:, np.newaxis], y, rcond=None)[0][0]
    assert_allclose(state["best"], best, rtol=1e-12)
    assert_allclose(state["thetas"], walked, rtol=1e-9)
    law = picture["panels"][1]["series"][0]
    kept = [(k, v) for k, v in zip(law["x"], law["y"], strict=True) if v is not None]
    expected = [abs(1 - 2 * share) ** k * abs(-1 - best) for k, _ in kept]
    assert_allclose([v for _, v in kept], expected, rtol=1e-9)
    curve = picture["panels"][0]["series"][0]
    costs = [np.mean((y - theta * x) ** 2) for theta in curve["x"]]
    assert_allclose(curve["y"], costs, rtol=1e-9)
    assert len(json.dumps(widget.data)) < 2_000


def lehmer(draw, count):
    """Uniform numbers of one stretch of the stream from powers of the multiplier."""
    modulus = 2**31 - 1
    first = count * draw + 1
    return np.array([pow(48271, k, modulus) / modulus for k in range(first, first + count)])


def damped(x):
    return np.exp(-0.5 * (x + 1)) * np.cos(5 * (x + 1))


def drawn(draw, noise):
    u = lehmer(draw, 600).reshape(200, 3)
    x = 2 * u[:, 0] - 1
    z = np.sqrt(-2 * np.log(u[:, 1])) * np.cos(2 * np.pi * u[:, 2])
    return x, damped(x) + noise * z


LEARN = "[learn(given.params, given.data), compute(given.params, given.data)]"


@pytest.mark.parametrize(
    ("degree", "n", "noise", "draw"), [(3, 25, 0.2, 1), (12, 14, 0.6, 7), (0, 200, 0.05, 30)]
)
def test_errors_are_those_of_least_squares(degree, n, noise, draw):
    widget = degree_errors(alt=ALT)
    params = {"degree": degree, "n": n, "noise": noise, "draw": draw}
    state, picture = run_js(
        "models/degree-errors.js", LEARN, {"params": params, "data": widget.data}
    )
    x, y = drawn(draw, noise)
    assert_allclose(state["here"]["x"], x[:n], rtol=1e-12, atol=1e-14)
    assert_allclose(state["here"]["y"], y[:n], rtol=1e-11, atol=1e-13)

    def errors(size, order):
        basis = chebyshev.chebvander(x[:size], order)
        theta = np.linalg.lstsq(basis, y[:size], rcond=None)[0]
        miss = integrate.quad(
            lambda t: (chebyshev.chebval(t, theta) - damped(t)) ** 2, -1, 1, limit=200
        )[0]
        return np.mean((y[:size] - basis @ theta) ** 2), noise**2 + miss / 2

    by_degree = np.array([errors(n, k) for k in range(13)])
    assert_allclose([fit["training"] for fit in state["byDegree"]], by_degree[:, 0], rtol=1e-6)
    # The page takes the mean over 200 cells, the test an integral.
    assert_allclose([fit["test"] for fit in state["byDegree"]], by_degree[:, 1], rtol=0.02)
    assert state["best"] == by_degree[:, 1].argmin()
    sizes = widget.data["sizes"]
    by_size = np.array([errors(size, degree) for size in sizes])
    assert_allclose([fit["training"] for fit in state["bySize"]], by_size[:, 0], rtol=1e-6)
    assert_allclose([fit["test"] for fit in state["bySize"]], by_size[:, 1], rtol=0.02)
    shown = {name: value for name, value in picture["readouts"]}
    assert shown["noise s²"].startswith(str(noise**2)[:4])
    curve = picture["panels"][0]["series"][1]
    theta = np.polynomial.Chebyshev.fit(x[:n], y[:n], degree)
    kept = [(a, b) for a, b in zip(curve["x"], curve["y"], strict=True) if b is not None]
    assert_allclose([b for _, b in kept], theta(np.array([a for a, _ in kept])), atol=1e-5)


def test_the_draws_are_uniform_and_normal():
    x, y = np.concatenate([drawn(draw, 1.0) for draw in range(1, 31)], axis=1)
    assert stats.kstest((x + 1) / 2, "uniform").pvalue > 0.01
    assert stats.kstest(y - damped(x), "norm").pvalue > 0.01


def test_data_of_the_pages_stay_small():
    for figure in (degree_errors(alt=ALT), one_number(VALUES, 2.0, limits=(-1, 4), alt=ALT)):
        assert len(json.dumps(figure.data)) < 2_000
        assert figure.still.count("<svg") == 1
    assert degree_errors(alt=ALT).still == degree_errors(alt=ALT).still


def single(**change):
    return one_number(**{"values": VALUES, "last": 2.0, "limits": (-1, 4), "alt": ALT, **change})


def slope(**change):
    given = {"x": SLOPE_X, "y": SLOPE_Y, "start": -1.0, "alt": ALT}
    return one_slope(**{**given, **change})


def degrees(**change):
    return degree_errors(**{"alt": ALT, **change})


@pytest.mark.parametrize(
    ("make", "change", "message"),
    [
        (single, {"values": [0, np.nan]}, "values contains NaN"),
        (single, {"values": [0, 9]}, "values must lie within limits"),
        (single, {"last": 5.0}, "last must lie between -1 and 4"),
        (single, {"limits": (4, -1)}, "limits must increase"),
        (single, {"level": 1.0}, "level must lie between 0.05 and 0.95"),
        (single, {"alt": "Curves."}, "alt must say what is seen"),
        (slope, {"x": np.zeros(5)}, "x must have two entries or more"),
        (slope, {"y": [1.0]}, "y must have 5 entries"),
        (slope, {"start": np.inf}, "start contains NaN or infinity"),
        (slope, {"x": [1, 1], "y": [2, 2], "start": 2}, "start must differ from the minimum"),
        (slope, {"share": 2.0}, "share must lie between 0.02 and 1.1"),
        (degrees, {"degree": 13}, "degree must be an integer from 0 to 12"),
        (degrees, {"n": 13}, "n must be an integer from 14 to 200"),
        (degrees, {"noise": 0.0}, "noise must lie between 0.05 and 0.6"),
        (degrees, {"draw": 31}, "draw must be an integer from 1 to 30"),
        (degrees, {"alt": "Curves."}, "alt must say what is seen"),
    ],
)
def test_bad_input_is_named(make, change, message):
    with pytest.raises(ValueError, match=message):
        make(**change)
