"""The figures to move of the chapter on model assessment, against NumPy on the same numbers."""

import json

import numpy as np
import pytest
from dlmath.assessment import minimum_norm_risk, ridge_risk_limit
from dlmath.interactive import bias_variance_explorer, double_descent
from dlmath.interactive._assessment import PENALTIES, RATIOS, REPEATS
from dlmath.interactive._random import lehmer_normals
from numpy.testing import assert_allclose
from scipy import stats
from test_interactive import run_js

ALT = "A cloud of curves around their mean, and errors that fall and rise with the degree."


def sine(x):
    return np.sin(3 * x)


def lehmer(seed, count):
    """Box and Muller's pairs from powers of the multiplier."""
    modulus = 2**31 - 1
    powers = [seed * pow(48271, k, modulus) % modulus for k in range(11, 11 + count + count % 2)]
    pairs = np.array(powers).reshape(-1, 2) / modulus
    radius, angle = np.sqrt(-2 * np.log(pairs[:, 0])), 2 * np.pi * pairs[:, 1]
    return np.ravel(np.column_stack([radius * np.cos(angle), radius * np.sin(angle)]))[:count]


@pytest.mark.parametrize(("seed", "count"), [(1, 8), (7919, 15)])
def test_the_noise_is_the_same_in_the_still(seed, count):
    drawn = run_js(
        "models/bias-variance.js",
        "[...normalVector(normalStream(given[0]), given[1])]",
        [seed, count],
    )
    assert_allclose(drawn, lehmer(seed, count), rtol=1e-12)
    assert_allclose(lehmer_normals(seed, count), lehmer(seed, count), rtol=1e-12)


def test_the_noise_is_normal():
    numbers = np.concatenate([lehmer_normals(7919 * k, 2000) for k in range(1, 6)])
    assert stats.kstest(numbers, "norm").pvalue > 0.01
    assert abs(np.corrcoef(numbers[:-1], numbers[1:])[0, 1]) < 0.05


@pytest.mark.parametrize(("degree", "n", "s", "draw"), [(3, 30, 0.3, 1), (14, 12, 0.1, 4)])
def test_fits_bias_and_variance_are_those_of_least_squares(degree, n, s, draw):
    widget = bias_variance_explorer(sine, alt=ALT)
    params = {"degree": degree, "n": n, "s": s, "draw": draw}
    state, picture = run_js(
        "models/bias-variance.js",
        "[assess(given.params, given.data), compute(given.params, given.data)]",
        {"params": params, "data": widget.data},
    )
    grid, curve = np.array(widget.data["grid"]), np.array(widget.data["truth"])
    at = (2 * np.arange(n) + 1) / n - 1
    f = np.interp(at, grid, curve)
    used = min(degree, n - 2)
    assert state["used"] == used
    for k, exact in enumerate(state["exact"]):
        # Chebyshev polynomials by QR, where the page has its recurrence
        q, upper = np.linalg.qr(np.polynomial.chebyshev.chebvander(at, k))
        maps = np.polynomial.chebyshev.chebvander(grid, k) @ np.linalg.solve(upper, q.T)
        assert_allclose(exact["bias2"], np.mean((maps @ f - curve) ** 2), rtol=1e-5, atol=1e-12)
        assert_allclose(exact["variance"], s**2 * np.mean(np.sum(maps**2, axis=1)), rtol=1e-7)
        if k == used:
            y = f + s * lehmer(7919 * draw, 200 * n).reshape(200, n)
            fits, residuals = y @ maps.T, y - (y @ q) @ q.T
    scale = np.abs(fits).max()
    assert_allclose(state["curves"], fits, atol=1e-8 * scale)
    assert_allclose(state["centre"], fits.mean(axis=0), atol=1e-8 * scale)
    spread = fits.var(axis=0, ddof=1)
    assert_allclose(state["variance"], spread.mean(), rtol=1e-7)
    bias2 = np.mean((fits.mean(axis=0) - curve) ** 2) - spread.mean() / 200
    assert_allclose(state["bias2"], bias2, rtol=1e-6, atol=1e-8 * spread.mean())
    assert_allclose(state["error"], np.mean((fits - curve) ** 2), rtol=1e-7)
    assert_allclose(state["training"], np.mean(residuals**2), rtol=1e-6)
    assert ("message" in picture) == (used < degree)
    assert len([s for s in picture["panels"][0]["series"] if s["type"] == "line"]) == 32


@pytest.mark.parametrize("penalty", PENALTIES)
@pytest.mark.parametrize(("n", "s", "r"), [(20, 0.5, 1.0), (11, 0.1, 2.0)])
def test_the_cloud_is_made_of_fits_of_minimum_norm_or_ridge(penalty, n, s, r):
    widget = double_descent(alt=ALT)
    params = {"n": n, "s": s, "r": r, "lambda": 0.03, "penalty": penalty, "draw": 2}
    found, picture = run_js(
        "models/double-descent.js",
        "[experiments(given.params, given.data), compute(given.params, given.data)]",
        {"params": params, "data": widget.data},
    )
    ps = np.unique([max(1, int(np.floor(ratio * n + 0.5))) for ratio in RATIOS])
    assert found["ps"] == ps.tolist()
    assert len(found["runs"]) == REPEATS
    for k in (0, REPEATS - 1):
        stream = lehmer(104729 * 2 + 7919 * k + 1, n * (ps[-1] + 1))
        noise, columns = stream[:n], stream[n:].reshape(ps[-1], n).T
        for j, p in enumerate(ps):
            X, theta = columns[:, :p], np.full(p, r / np.sqrt(p))
            y = X @ theta + s * noise
            lam = {PENALTIES[0]: 0, PENALTIES[1]: 0.03, PENALTIES[2]: s**2 * p / (n * r**2)}
            rows = np.sqrt(n * lam[penalty]) * np.eye(p)
            stacked = np.vstack([X, rows]) if lam[penalty] else X
            estimate = np.linalg.pinv(stacked) @ np.pad(y, (0, len(stacked) - n))
            risk = np.sum((estimate - theta) ** 2)
            assert_allclose(found["runs"][k][j], risk, rtol=1e-4 if p == n else 1e-6, atol=1e-9)
    lines = [one for one in picture["panels"][0]["series"] if one["type"] == "line"]
    every = np.arange(1, 3 * n + 1)
    exact = np.array([np.nan if v is None else v for v in lines[2]["y"]])
    expected = minimum_norm_risk(n, every, s, r)
    assert_allclose(lines[2]["x"], every / n)
    assert_allclose(exact, np.where(np.isinf(expected), np.nan, expected), rtol=1e-10)
    assert len(lines) == (3 if penalty == PENALTIES[0] else 4)
    if penalty != PENALTIES[0]:
        lam = 0.03 if penalty == PENALTIES[1] else s**2 * every / (n * r**2)
        assert_allclose(lines[3]["y"], ridge_risk_limit(every / n, lam, s, r), rtol=1e-9)
    means = [one for one in picture["panels"][0]["series"] if one.get("hollow")]
    clipped = np.clip(np.mean(found["runs"], axis=0), 1e-2, 1e2)
    assert_allclose(means[0]["y"], clipped, rtol=1e-9)


def test_data_of_the_pages_stay_small():
    widgets = [bias_variance_explorer(sine, alt=ALT), double_descent(alt=ALT)]
    assert max(len(json.dumps(widget.data)) for widget in widgets) < 8_000


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: bias_variance_explorer(sine, degree=15, alt=ALT), "degree must"),
        (lambda: bias_variance_explorer(sine, n=5, alt=ALT), "n must"),
        (lambda: bias_variance_explorer(sine, s=2.0, alt=ALT), "s must lie"),
        (lambda: bias_variance_explorer(lambda x: x[:3], alt=ALT), "truth must have"),
        (lambda: bias_variance_explorer(sine, error_limits=(0, 1), alt=ALT), "error_limits"),
        (lambda: double_descent(n=41, alt=ALT), "n must"),
        (lambda: double_descent(s=0.0, alt=ALT), "s must lie"),
        (lambda: double_descent(r=9.0, alt=ALT), "r must lie"),
        (lambda: double_descent(lam=0.0, alt=ALT), "lam must lie"),
        (lambda: double_descent(alt="short"), "alt must say"),
    ],
)
def test_bad_input_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()
