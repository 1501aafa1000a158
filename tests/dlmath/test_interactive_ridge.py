"""The figures to move of the chapter on ridge regression, against NumPy on the same numbers."""

import json

import numpy as np
import pytest
from dlmath.interactive import ridge_explorer
from numpy.polynomial import chebyshev, polynomial
from numpy.testing import assert_allclose
from test_interactive import run_js

ALT = "Noisy points of a sine wave, a smooth curve through them and another that is wigglier."
N = 22
VANDER = {"chebyshev": chebyshev.chebvander, "monomial": polynomial.polyvander}


def truth(x):
    """Give a wave whose mean is far from zero, where the intercept matters."""
    return 4 + np.sin(2 * x)


@pytest.fixture
def points():
    rng = np.random.default_rng(11)
    x = np.sort(rng.uniform(1, 4, N))
    x_new = np.sort(rng.uniform(1, 4.2, 9))
    noise = 0.2 * rng.normal(size=N + 9)
    return x, truth(x) + noise[:N], x_new, truth(x_new) + noise[N:]


def design(x, at, degree, basis):
    """Polynomials of degree 0 to ``degree`` at ``at``, with the range of x mapped to [-1, 1]."""
    return VANDER[basis](2 * (at - x.min()) / np.ptp(x) - 1, degree)


def solve(x, y, lam, degree, basis, *, free):
    """Ridge by least squares on data with extra rows; a free intercept has no such row."""
    penalty = np.sqrt(x.size * lam) * np.eye(degree + 1)
    rows = penalty[1:] if free else penalty
    stacked = np.vstack([design(x, x, degree, basis), rows])
    return np.linalg.lstsq(stacked, np.append(y, np.zeros(len(rows))), rcond=None)[0]


def trace(x, lam, degree, basis, *, free):
    """Trace of the matrix that maps data to fitted values."""
    identity = np.eye(x.size)
    maps = [solve(x, e, lam, degree, basis, free=free) for e in identity]
    return np.trace(design(x, x, degree, basis) @ np.transpose(maps))


EXPLORER = "[ridge(given.params, given.data), compute(given.params, given.data)]"


@pytest.mark.parametrize("basis", ["chebyshev", "monomial"])
@pytest.mark.parametrize("wrong", [False, True])
@pytest.mark.parametrize("lam", [1e-4, 0.03, 2.0])
def test_explorer_solves_ridge(points, basis, wrong, lam):
    x, y, x_new, y_new = points
    widget = ridge_explorer(
        x, y, degree=7, basis=basis, x_new=x_new, y_new=y_new, truth=truth, alt=ALT
    )
    given = {"params": {"lambda": lam, "intercept": wrong}, "data": widget.data}
    state, picture = run_js("models/ridge-explorer.js", EXPLORER, given)
    theta = solve(x, y, lam, 7, basis, free=not wrong)
    residual = y - design(x, x, 7, basis) @ theta
    held = y_new - design(x, x_new, 7, basis) @ theta
    assert_allclose(state["theta"][1:], theta[1:], rtol=1e-6, atol=1e-8)
    assert_allclose(state["norm"], np.linalg.norm(theta[1:]), rtol=1e-7)
    assert_allclose(state["dof"], trace(x, lam, 7, basis, free=not wrong), rtol=1e-8)
    assert_allclose(state["training"], np.sqrt(np.mean(residual**2)), rtol=1e-7)
    assert_allclose(state["held"], np.sqrt(np.mean(held**2)), rtol=1e-7)
    assert_allclose(state["meanResidual"], residual.mean(), atol=1e-8)
    assert ("message" in picture) == wrong
    best, true, drawn = picture["panels"][0]["series"][:3]
    at = design(x, np.array(drawn["x"]), 7, basis)
    assert_allclose(drawn["y"], at @ theta, atol=1e-7)
    assert_allclose(best["y"], at @ solve(x, y, 0, 7, basis, free=True), atol=1e-6)
    assert_allclose(true["y"], truth(np.array(true["x"])), rtol=1e-5)


def test_explorer_draws_the_paths_of_all_coefficients(points):
    x, y, *_ = points
    widget = ridge_explorer(x, y, degree=5, lam=0.3, limits=(1e-5, 10), alt=ALT)
    params = {"lambda": 0.3, "intercept": False}
    panels = run_js(
        "models/ridge-explorer.js",
        "compute(given[0], given[1]).panels",
        [params, widget.data],
    )
    assert [len(panel["series"]) > 0 for panel in panels] == [True] * 3
    lines = [s for s in panels[1]["series"] if s["type"] == "line"][1:]
    assert len(lines) == 5
    for step in (0, 40, 100):
        lam = lines[0]["x"][step]
        expected = solve(x, y, lam, 5, "chebyshev", free=True)[1:]
        assert_allclose([line["y"][step] for line in lines], expected, rtol=1e-6, atol=1e-8)
    assert_allclose([lines[0]["x"][0], lines[0]["x"][-1]], [1e-5, 10])
    low, high = panels[1]["ylim"]
    assert all(low <= value <= high for line in lines for value in line["y"])
    curve, marks = panels[2]["series"][1:3]
    centred = design(x, x, 5, "chebyshev")[:, 1:]
    d = np.linalg.svd(centred - centred.mean(axis=0), compute_uv=False)
    assert_allclose(marks["x"], d, rtol=1e-8)
    assert_allclose(marks["y"], d**2 / (d**2 + N * 0.3), rtol=1e-8)
    edge = panels[2]["series"][0]["x"][0]
    assert_allclose(np.interp(edge, curve["x"], curve["y"]), 0.5, atol=1e-3)


def test_data_of_the_pages_stay_small(points):
    x, y, x_new, y_new = points
    widget = ridge_explorer(x, y, degree=12, x_new=x_new, y_new=y_new, truth=truth, alt=ALT)
    assert len(json.dumps(widget.data)) < 30_000


def explorer(**change):
    given = {"x": np.arange(6.0), "y": np.arange(6.0) ** 2, "degree": 3, "alt": ALT}
    return ridge_explorer(**{**given, **change})


@pytest.mark.parametrize(
    ("make", "change", "message"),
    [
        (explorer, {"x": [0, 1, np.nan, 3, 4, 5]}, "x contains NaN"),
        (explorer, {"y": [1, 2]}, "y must have 6 entries, got 2"),
        (explorer, {"degree": 6}, "degree must be an integer from 1 to 5"),
        (explorer, {"degree": 2.0}, "degree must be an integer"),
        (explorer, {"basis": "sine"}, "basis must be one of chebyshev, monomial"),
        (explorer, {"x_new": [1.0]}, "x_new and y_new must be given together"),
        (explorer, {"x_new": [1.0], "y_new": [1.0, 2.0]}, "y_new must have 1 entries"),
        (explorer, {"truth": lambda x: x[:3]}, "truth must have 97 entries"),
        (explorer, {"lam": 1e9}, "lam must lie between"),
        (explorer, {"lam": np.nan}, "lam contains NaN"),
        (explorer, {"limits": (1.0, 0.1)}, "limits must increase"),
        (explorer, {"limits": (0.0, 0.1)}, "limits must be positive"),
        (explorer, {"alt": "A curve."}, "alt must say what is seen"),
        (explorer, {"height": (100, 400)}, "height must be two numbers"),
    ],
)
def test_bad_input_is_named(make, change, message):
    with pytest.raises(ValueError, match=message):
        make(**change)


@pytest.mark.parametrize("make", [explorer])
def test_stills_are_the_same_at_every_run(make):
    assert make().still == make().still
    assert make().still.count("<svg") == 1
