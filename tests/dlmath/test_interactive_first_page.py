"""The figure of the first page: its score, its flow and its curve, against NumPy and SciPy."""

import numpy as np
import pytest
from dlmath.interactive import fit_and_cloud
from numpy.testing import assert_allclose
from scipy import integrate, stats
from test_interactive import run_js

ALT = "Nine points along a bowl, twice: with a parabola through them, and within a cloud of grains."
X = [-2.0, -1.5, -0.9, -0.3, 0.1, 0.7, 1.2, 1.7, 2.2]
Y = [1.1, 0.6, -0.4, -0.7, -1.1, -0.8, -0.3, 0.4, 1.3]
CENTRES = np.column_stack([X, Y])
MODEL = "models/fit-and-cloud.js"
TIME = 3.0


def log_density(x, t, width):
    """Log of the density at time t of the mixture, each blob shrunk and widened by the noise."""
    share = np.exp(-t)
    variance = share**2 * width**2 + 1 - share**2
    laws = [stats.multivariate_normal(share * c, variance * np.eye(2)) for c in CENTRES]
    return np.log(np.mean([law.pdf(x) for law in laws], axis=0))


@pytest.mark.parametrize(("t", "width"), [(2.0, 0.3), (0.5, 0.2), (0.05, 0.1), (0.0, 0.3)])
def test_the_score_is_the_gradient_of_the_log_density(t, width):
    """In x / e^(-t) the score is (mean - point) / V; the difference quotient is NumPy's."""
    share, V = np.exp(-t), width**2 + np.exp(2 * t) - 1
    x = share * CENTRES[::2] + 0.3 * np.random.default_rng(0).normal(size=(5, 2))
    given = {"z": (x / share).tolist(), "centres": CENTRES.tolist(), "V": V}
    means = run_js(MODEL, "given.z.map((z) => posteriorMean(z, given.centres, given.V))", given)
    score = (np.array(means) - x / share) / V / share
    h = 1e-5
    numeric = [
        (log_density(x + h * e, t, width) - log_density(x - h * e, t, width)) / (2 * h)
        for e in np.eye(2)
    ]
    assert_allclose(score, np.transpose(numeric), rtol=1e-6, atol=1e-6)
    assert np.abs(2 * score - np.transpose(numeric)).max() > 1e-2


def states(width):
    """Give the flow's states in x, and the share of the data at each."""
    given = {"centres": CENTRES.tolist(), "width": width}
    path = run_js(MODEL, "flow(given.centres, given.width)", given)
    shares = np.array(path["shares"])
    return np.array(path["states"]) * shares[:, None, None], shares


def test_grains_follow_the_probability_flow():
    """SciPy integrates dx/dt = -x - score in t itself, from noise to data."""
    width = 0.3
    ours, shares = states(width)
    assert_allclose(shares[[0, -1]], [np.exp(-TIME), 1.0], rtol=1e-12)

    def velocity(t, flat):
        x = flat.reshape(-1, 2)
        share = np.exp(-t)
        variance = share**2 * width**2 + 1 - share**2
        squares = np.sum((x[:, None] - share * CENTRES) ** 2, axis=-1)
        weights = np.exp(-(squares - squares.min(axis=1, keepdims=True)) / (2 * variance))
        weights /= weights.sum(axis=1, keepdims=True)
        return (-x - (share * weights @ CENTRES - x) / variance).ravel()

    found = integrate.solve_ivp(
        velocity, (TIME, 0), ours[0].ravel(), method="DOP853", rtol=1e-9, atol=1e-9
    ).y[:, -1]
    distance = np.linalg.norm(found.reshape(-1, 2) - ours[-1], axis=1)
    # A grain on the watershed between two points may be late; hardly any is.
    assert np.median(distance) < 3e-3
    assert np.quantile(distance, 0.95) < 2e-2


@pytest.mark.parametrize("width", [0.1, 0.3, 0.6])
def test_new_points_have_the_moments_of_the_mixture(width):
    ours, _ = states(width)
    begin, end = ours[0], ours[-1]
    assert_allclose(begin.mean(axis=0), 0, atol=0.03)
    assert_allclose(np.cov(begin.T), np.eye(2), atol=0.05)
    covariance = np.cov(CENTRES.T, bias=True) + width**2 * np.eye(2)
    assert_allclose(end.mean(axis=0), CENTRES.mean(axis=0), atol=0.06)
    assert_allclose(np.cov(end.T), covariance, atol=0.12)
    # The distance to the nearest centre is that of a draw from the mixture.
    rng = np.random.default_rng(1)
    drawn = CENTRES[rng.integers(9, size=20_000)] + width * rng.normal(size=(20_000, 2))

    def nearest(points):
        return np.min(np.linalg.norm(points[:, None] - CENTRES, axis=-1), axis=1)

    assert stats.ks_2samp(nearest(end), nearest(drawn)).statistic < 1.95 / np.sqrt(len(end))
    assert stats.ks_2samp(2 * nearest(end), nearest(drawn)).statistic > 0.2


def test_one_blob_is_reached_by_scaling():
    """For a single Gaussian the flow is linear: each grain keeps its standardised place."""
    given = {"centres": [[0.4, -0.3]], "width": 0.5}
    path = run_js(MODEL, "flow(given.centres, given.width)", given)
    first, last = (np.array(path["states"][k]) - [0.4, -0.3] for k in (0, -1))
    V = np.exp(np.array(path["logV"]))
    assert_allclose(last, first * np.sqrt(V[-1] / V[0]), rtol=3e-3)


def test_between_two_steps_grains_are_interpolated():
    expression = """[0, 0.31, 1].map((part) =>
      cloud(flow(given.centres, given.width), given.width, part))"""
    begin, middle, end = run_js(MODEL, expression, {"centres": CENTRES.tolist(), "width": 0.3})
    ours, shares = states(0.3)
    assert_allclose(begin["grains"], ours[0], rtol=1e-12)
    assert_allclose(end["grains"], ours[-1], rtol=1e-12)
    k = int(0.31 * 64)
    assert shares[k] < middle["share"] < shares[k + 1]
    assert np.abs(np.array(middle["grains"]) - (ours[k] + ours[k + 1]) / 2).max() < 0.15


@pytest.mark.parametrize("degree", [1, 2, 5, 7])
def test_the_curve_and_its_band_are_least_squares(degree):
    widget = fit_and_cloud(X, Y, degree=degree, alt=ALT)
    given = {"params": widget.params, "data": widget.data}
    picture = run_js(MODEL, "compute(given.params, given.data)", given)
    band, line = picture["panels"][0]["series"][:2]
    coefficients, covariance = np.polyfit(X, Y, degree, cov=True)
    grid = np.array(line["x"])
    assert_allclose(line["y"], np.polyval(coefficients, grid), rtol=1e-6, atol=1e-6)
    at = np.vander(grid, degree + 1)
    half = stats.t.ppf(0.975, 8 - degree) * np.sqrt(np.einsum("ij,jk,ik->i", at, covariance, at))
    assert_allclose((np.array(band["high"]) - band["low"]) / 2, half, rtol=1e-4)


def test_points_on_one_vertical_lower_the_degree():
    widget = fit_and_cloud(X, Y, degree=7, alt=ALT)
    params = {**widget.params, **{f"point{i}": [0.5, Y[i - 1]] for i in range(1, 9)}}
    given = {"params": params, "data": widget.data}
    line = run_js(MODEL, "compute(given.params, given.data)", given)["panels"][0]["series"][1]
    assert_allclose(np.diff(line["y"], 2), 0, atol=1e-9)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"y": [1, 2]}, "y must have 9 entries"),
        ({"y": [3.0] * 9}, "x and y must lie between"),
        ({"x": [0.0] * 9}, "all different"),
        ({"degree": 8}, "degree must be an integer from 1 to 7"),
        ({"width": 0.7}, "width must be a number from 0.05 to 0.6"),
    ],
)
def test_bad_input_is_named(change, message):
    with pytest.raises(ValueError, match=message):
        fit_and_cloud(**{"x": X, "y": Y, **change}, alt=ALT)
