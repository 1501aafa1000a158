"""The figures to move of the chapter on ridge regression, against NumPy on the same numbers."""

import json

import numpy as np
import pytest
from dlmath.interactive import (
    analytic_continuation,
    early_stopping_and_ridge,
    ridge_explorer,
)
from dlmath.interactive._ridge import _normals
from numpy.polynomial import chebyshev, polynomial
from numpy.testing import assert_allclose
from scipy import stats
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


def walk(x, y, degree, basis, k):
    """Gradient descent itself, from zero on centred data; gives the step and the parameters."""
    features = design(x, x, degree, basis)[:, 1:]
    features = features - features.mean(axis=0)
    centred = y - y.mean()
    eta = 1 / np.linalg.eigvalsh(2 / N * features.T @ features)[-1]
    theta = np.zeros(degree)
    for _ in range(k):
        theta = theta - eta * 2 / N * features.T @ (features @ theta - centred)
    return eta, features, theta


STOPPED = "[compare(given.params, given.data), compute(given.params, given.data)]"


@pytest.mark.parametrize("basis", ["chebyshev", "monomial"])
@pytest.mark.parametrize(("k", "lam"), [(1, 0.3), (40, 1e-3), (2500, 2e-4)])
def test_both_filters_are_what_the_algorithms_do(points, basis, k, lam):
    x, y, *_ = points
    widget = early_stopping_and_ridge(x, y, degree=6, basis=basis, alt=ALT)
    given = {"params": {"k": k, "lambda": lam}, "data": widget.data}
    state, picture = run_js("models/early-stopping.js", STOPPED, given)
    eta, features, stopped = walk(x, y, 6, basis, k)
    full = solve(x, y, lam, 6, basis, free=True)
    assert_allclose(state["thetaDescent"][1:], stopped, rtol=1e-6, atol=1e-9)
    assert_allclose(state["thetaRidge"][1:], full[1:], rtol=1e-6, atol=1e-8)
    difference = np.linalg.norm(stopped - full[1:]) / np.linalg.norm(full[1:])
    assert_allclose(state["coefficientsApart"], difference, rtol=1e-7)
    curves = features @ stopped, features @ full[1:]
    difference = np.linalg.norm(curves[0] - curves[1]) / np.linalg.norm(curves[1])
    assert_allclose(state["curvesApart"], difference, rtol=1e-7)
    power = np.linalg.matrix_power(np.eye(6) - 2 * eta / N * features.T @ features, k)
    traces = 7 - np.trace(power), trace(x, lam, 6, basis, free=True)
    assert_allclose(state["dof"], traces, rtol=1e-7)
    _, walked, penalised = picture["panels"][0]["series"][:3]
    at = design(x, np.array(walked["x"]), 6, basis)
    mean = design(x, x, 6, basis)[:, 1:].mean(axis=0)
    assert_allclose(walked["y"], y.mean() + (at[:, 1:] - mean) @ stopped, atol=1e-7)
    assert_allclose(penalised["y"], at @ full, atol=1e-7)


@pytest.mark.parametrize("k", [1, 2, 30, 50_000])
def test_matched_filters_differ_by_at_most_what_the_theorem_says(points, k):
    """A few large steps leave the bound that holds in the limit of many small ones."""
    x, y, *_ = points
    widget = early_stopping_and_ridge(x, y, degree=9, steps=k, alt=ALT)
    matched, picture = run_js(
        "models/early-stopping.js",
        "(() => { const params = { k: given.k, ...match(given, given.data) };"
        "return [params, compute(params, given.data)]; })()",
        {"k": k, "data": widget.data},
    )
    eta, *_ = walk(x, y, 9, "monomial", 0)
    assert_allclose(matched["lambda"], 1 / (2 * eta * k), rtol=1e-8)
    band, line, marks = picture["panels"][2]["series"][:3]
    xi = np.append(np.geomspace(1e-3, min(k, 50), 100_000), k)
    largest = np.max((1 - (1 - xi / k) ** k) * (1 + 1 / xi))
    assert (largest < 1.2985) == (k == 50_000)
    ratios = line["y"] + marks["y"]
    assert np.min(ratios) >= 1 - 1e-12
    assert 0.98 * largest < np.max(ratios) <= largest * (1 + 1e-9)
    assert band["high"] == [1.2985, 1.2985]
    assert picture["message"] == "the penalty matches the steps"


def imaginary_time(points=48, energies=81):
    """Give the fermionic kernel with the width of the grid, the grid, and two peaks."""
    tau, omega = np.linspace(0, 10, points), np.linspace(-8, 8, energies)
    width = omega[1] - omega[0]
    matrix = width * np.exp(-np.outer(tau, omega) - np.logaddexp(0, -10 * omega))
    peaks = 0.3 * stats.norm.pdf(omega, -3, 0.8) + 0.7 * stats.norm.pdf(omega, 1.5, 0.6)
    return matrix, omega, peaks


RECOVERED = "[recover(given.params, given.data), compute(given.params, given.data)]"


def lehmer(draw, count):
    """Box and Muller's normal numbers from powers of the multiplier."""
    modulus = 2**31 - 1
    first = 2 * count * draw + 1
    state = [pow(48271, k, modulus) / modulus for k in range(first, first + 2 * count)]
    first, second = np.array(state[::2]), np.array(state[1::2])
    return np.sqrt(-2 * np.log(first)) * np.cos(2 * np.pi * second)


@pytest.mark.parametrize(
    ("lam", "noise", "draw"), [(1e-2, 1e-2, 1), (3e-7, 1e-3, 2), (1e-10, 1e-6, 20)]
)
def test_continuation_solves_ridge_on_the_noisy_data(lam, noise, draw):
    kernel, omega, peaks = imaginary_time()
    widget = analytic_continuation(kernel, omega, peaks, alt=ALT)
    params = {"lambda": lam, "noise": noise, "draw": draw}
    state, picture = run_js(
        "models/continuation.js", RECOVERED, {"params": params, "data": widget.data}
    )
    left, d, _ = np.linalg.svd(kernel)
    exact = kernel @ peaks
    data = exact + noise * left @ lehmer(draw, 48)
    stacked = np.vstack([kernel, np.sqrt(48 * lam) * np.eye(81)])
    found = np.linalg.lstsq(stacked, np.append(data, np.zeros(81)), rcond=None)[0]
    assert_allclose(state["spectrum"], found, atol=1e-4 * np.abs(found).max())
    misfit = np.sum((data - kernel @ found) ** 2) / 48 / noise**2
    assert_allclose(state["misfit"], misfit, rtol=1e-5)
    distance = np.linalg.norm(found - peaks) / np.linalg.norm(peaks)
    assert_allclose(state["distance"], distance, rtol=1e-3)
    gram = kernel @ kernel.T
    assert_allclose(state["dof"], np.trace(np.linalg.solve(gram + 48 * lam * np.eye(48), gram)))
    assert state["above"] == np.sum(np.abs(left.T @ exact) > noise)
    values, shares, sizes = picture["panels"][1]["series"][1:4]
    shown = len(values["y"])
    assert_allclose(values["y"], d[:shown], rtol=1e-7)
    assert_allclose(sizes["y"], np.abs(left.T @ data)[:shown], rtol=1e-6, atol=1e-12)
    factors = d**2 / (d**2 + 48 * lam)
    assert_allclose(shares["y"], (factors * np.abs(left.T @ data))[:shown], rtol=1e-6, atol=1e-12)


@pytest.mark.parametrize(("noise", "draw"), [(1e-2, 3), (1e-4, 1), (1e-7, 8)])
def test_the_discrepancy_principle_finds_its_penalty(noise, draw):
    widget = analytic_continuation(*imaginary_time(), alt=ALT)
    params = {"noise": noise, "draw": draw, "lambda": 1.0}
    found, misfit = run_js(
        "models/continuation.js",
        "(() => { const found = discrepancy(given.params, given.data);"
        "return [found, recover({ ...given.params, ...found }, given.data).misfit]; })()",
        {"params": params, "data": widget.data},
    )
    assert widget.data["lambdas"][0] < found["lambda"] < widget.data["lambdas"][1]
    assert_allclose(misfit, 1, rtol=1e-9)


def test_the_noise_is_normal_and_the_same_in_the_still():
    draws = run_js(
        "models/continuation.js", "given.map((draw) => normals(draw, 64))", list(range(1, 21))
    )
    assert_allclose(draws[0], lehmer(1, 64), rtol=1e-12)
    assert_allclose(draws[6], _normals(7, 64), rtol=1e-12)
    assert stats.kstest(np.ravel(draws), "norm").pvalue > 0.01
    assert np.abs(np.corrcoef(draws) - np.eye(20)).max() < 0.5


def test_data_of_the_pages_stay_small(points):
    x, y, x_new, y_new = points
    widget = ridge_explorer(x, y, degree=12, x_new=x_new, y_new=y_new, truth=truth, alt=ALT)
    others = [
        early_stopping_and_ridge(x, y, degree=12, alt=ALT),
        analytic_continuation(*imaginary_time(64, 161), alt=ALT),
    ]
    for figure in (widget, *others):
        assert len(json.dumps(figure.data, separators=(",", ":"))) < 30_000


def explorer(**change):
    given = {"x": np.arange(6.0), "y": np.arange(6.0) ** 2, "degree": 3, "alt": ALT}
    return ridge_explorer(**{**given, **change})


def stopping(**change):
    given = {"x": np.arange(6.0), "y": np.arange(6.0) ** 2, "degree": 3, "alt": ALT}
    return early_stopping_and_ridge(**{**given, **change})


def continued(**change):
    kernel, omega, peaks = imaginary_time(12, 20)
    given = {"kernel": kernel, "omega": omega, "spectrum": peaks, "alt": ALT}
    return analytic_continuation(**{**given, **change})


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
        (stopping, {"x": [[0.0, 1.0]]}, "x must be a non-empty vector"),
        (stopping, {"y": np.ones(6)}, "y must not be all equal"),
        (stopping, {"degree": 0}, "degree must be an integer from 1 to 5"),
        (stopping, {"basis": "sine"}, "basis must be one of chebyshev, monomial"),
        (stopping, {"steps": 0}, "steps must be an integer from 1 to 100000"),
        (stopping, {"lam": -1.0}, "lam must lie between"),
        (stopping, {"alt": "A curve."}, "alt must say what is seen"),
        (continued, {"kernel": np.ones((5, 3))}, r"kernel must be a matrix with 20 columns"),
        (continued, {"kernel": np.ones(20)}, r"kernel must be a matrix .* got \(20,\)"),
        (continued, {"kernel": "K"}, "kernel must"),
        (continued, {"kernel": np.full((5, 20), np.inf)}, "kernel must be finite"),
        (continued, {"kernel": np.zeros((5, 20))}, "kernel must be finite and not all zero"),
        (continued, {"omega": np.zeros(20)}, "omega must increase"),
        (continued, {"spectrum": np.ones(3)}, "spectrum must have 20 entries"),
        (continued, {"spectrum": -np.ones(20)}, "spectrum must be nowhere negative"),
        (continued, {"spectrum": np.zeros(20)}, "spectrum must be nowhere negative, and not zero"),
        (continued, {"noise": 0.0}, "noise must lie between 1e-08 and 0.01"),
        (continued, {"lam": 1e3}, "lam must lie between"),
        (continued, {"alt": "A curve."}, "alt must say what is seen"),
    ],
)
def test_bad_input_is_named(make, change, message):
    with pytest.raises(ValueError, match=message):
        make(**change)


@pytest.mark.parametrize("make", [explorer, stopping, continued])
def test_stills_are_the_same_at_every_run(make):
    assert make().still == make().still
    assert make().still.count("<svg") == 1
