"""The figure to move of the chapter on guidance, against dlmath and SciPy."""

import numpy as np
import pytest
from dlmath.diffusion import GaussianPair
from dlmath.interactive import guided_pair
from numpy.testing import assert_allclose
from scipy import integrate, stats
from test_interactive import run_js

ALT = "A histogram to the right of a bell curve, and beside it two curves that rise from one point."
MODEL = "models/guided-pair.js"
DATA = {"mean": 1.0, "sd": 0.5}
START = {"w": 3.0, "between": False, "from": 0.3, "to": 2.0}


def state(**change):
    params = {**START, **change}
    return run_js(MODEL, "stateOf(given.params, given.data)", {"params": params, "data": DATA})


@pytest.mark.parametrize("w", [1.0, 3.0, 6.0])
def test_the_page_carries_starts_as_scipy_does(w):
    found = state(w=w)["samples"]
    starts = stats.norm.ppf((np.arange(400) + 0.5) / 400)
    for k in (0, 57, 200, 399):
        # In the noise itself, from a level of 3000 down to 0.
        def rate(noise, z):
            variance = 0.25 + noise**2
            cond, free = (1 - z) / variance, (np.tanh(z / variance) - z) / variance
            return -noise * (w * cond + (1 - w) * free)

        begin = 1 + starts[k] * np.hypot(0.5, 3000)
        path = integrate.solve_ivp(rate, (3000, 0), [begin], "LSODA", rtol=1e-10, atol=1e-10)
        assert_allclose(found[k], path.y[0, -1], atol=2e-3)
    x, _ = GaussianPair().transport(starts, w)
    assert_allclose(found, x, atol=2e-6)


@pytest.mark.parametrize("w", [1.5, 6.0])
def test_the_tilted_density_is_that_of_dlmath(w):
    found = state(w=w)["target"]
    assert_allclose(found["y"], GaussianPair().tilted(found["x"], w), rtol=1e-7, atol=1e-12)


def test_moments_are_the_quadratures():
    found = state()
    assert_allclose([found["guided"]["mean"], found["guided"]["sd"]], [1.525, 0.315], atol=2e-3)
    assert_allclose([found["wanted"]["mean"], found["wanted"]["sd"]], [1.051, 0.457], atol=6e-4)
    means = run_js(MODEL, "curve(given)", DATA)
    expected = [GaussianPair().moments(w)[0] for w in means["w"]]
    assert_allclose(means["guided"], expected, atol=1e-3)


def test_an_interval_is_that_of_dlmath():
    found = state(between=True)["samples"]
    starts = stats.norm.ppf((np.arange(400) + 0.5) / 400)
    x, _ = GaussianPair().transport(starts, 3.0, interval=(0.3, 2.0))
    assert_allclose(found, x, atol=2e-6)


def test_the_histogram_has_area_one_and_the_picture_two_panels():
    shape = run_js(
        MODEL, "bars(stateOf(given.params, given.data).samples)", {"params": START, "data": DATA}
    )
    area = np.sum(np.diff(shape["x"]) * np.array(shape["y"])[1:])
    assert_allclose(area, 1, rtol=1e-12)
    picture = run_js(MODEL, "compute(given.params, given.data)", {"params": START, "data": DATA})
    assert len(picture["panels"]) == 2
    assert [name for name, _ in picture["readouts"]][:2] == ["guided flow", "tilted density"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"mean": 0.0}, "mean must be"),
        ({"sd": -1.0}, "sd must be"),
        ({"weight": 9.0}, "weight must lie between 1 and 8"),
        ({"alt": "A curve."}, "alt must say what is seen"),
    ],
)
def test_bad_input_is_named(change, message):
    with pytest.raises(ValueError, match=message):
        guided_pair(**{"alt": ALT, **change})


def test_stills_are_the_same_at_every_run():
    assert guided_pair(alt=ALT).still == guided_pair(alt=ALT).still
