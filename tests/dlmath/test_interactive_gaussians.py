"""The figures to move of the chapter on discriminative and generative models, against SciPy."""

import json

import numpy as np
import pytest
from dlmath.interactive import forward_and_reverse_kl, two_gaussians
from numpy.testing import assert_allclose
from scipy import integrate, optimize, stats
from test_interactive import run_js

ALT = "Two pairs of ellipses, a line between them and a curve that rises from zero to one."
MODELS = (
    "LDA: one covariance",
    "QDA: a covariance for each class",
    "naive Bayes: no correlations",
)
PARAMS = {
    "mean0": [-1.2, -0.4],
    "mean1": [1.1, 0.9],
    "sd": 1.3,
    "tilt0": 0.6,
    "tilt1": -0.3,
    "prior": 0.35,
    "samples": True,
}
DRAWN = "compute(given.params, given.data)"


def truth(params):
    """Give means, covariances and shares."""
    shapes = [
        scale**2 * np.array([[1, tilt], [tilt, 1]])
        for scale, tilt in ((1, params["tilt0"]), (params["sd"], params["tilt1"]))
    ]
    shares = np.array([1 - params["prior"], params["prior"]])
    return np.array([params["mean0"], params["mean1"]]), np.array(shapes), shares


def fitted(params, model):
    """Estimate the covariances of a model from the exact moments."""
    _, shapes, shares = truth(params)
    if model == MODELS[0]:
        return np.array([np.einsum("k,kij->ij", shares, shapes)] * 2)
    return shapes if model == MODELS[1] else shapes * np.eye(2)


def log_odds(X, params, shapes):
    means, _, shares = truth(params)
    logs = [stats.multivariate_normal(m, S).logpdf(X) for m, S in zip(means, shapes, strict=True)]
    return np.log(shares[1] / shares[0]) + logs[1] - logs[0]


def run(model, **change):
    params = {**PARAMS, "model": model, **change}
    figure = two_gaussians(alt=ALT)
    picture = run_js("models/two-gaussians.js", DRAWN, {"params": params, "data": figure.data})
    return params, figure.data, picture


@pytest.mark.parametrize("model", MODELS)
def test_boundaries_lie_where_the_log_odds_vanish(model):
    params, _, picture = run(model)
    lines = [s for s in picture["panels"][0]["series"] if s["type"] == "line"]
    for line, shapes in zip(lines[-2:], (truth(params)[1], fitted(params, model)), strict=True):
        X = np.array([line["x"], line["y"]], dtype=float).T
        X = X[np.isfinite(X[:, 1])]
        assert len(X) > 60
        assert np.abs(log_odds(X, params, shapes)).max() < 0.02


@pytest.mark.parametrize("model", MODELS)
def test_posteriors_along_the_line_of_the_means(model):
    params, _, picture = run(model)
    best, drawn = [s for s in picture["panels"][1]["series"] if s["type"] == "line"][-2:]
    means, shapes, _ = truth(params)
    along = (means[1] - means[0]) / np.linalg.norm(means[1] - means[0])
    X = means.mean(axis=0) + np.outer(best["x"], along)
    for line, covariances in ((best, shapes), (drawn, fitted(params, model))):
        expected = 1 / (1 + np.exp(-log_odds(X, params, covariances)))
        assert_allclose(line["y"], expected, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("model", MODELS)
def test_errors_are_those_of_many_simulated_samples(model):
    params, _, picture = run(model)
    means, shapes, shares = truth(params)
    rng = np.random.default_rng(2)
    y = rng.choice(2, 200_000, p=shares)
    clouds = [rng.multivariate_normal(m, S, y.size) for m, S in zip(means, shapes, strict=True)]
    X = np.where(y[:, np.newaxis] == 1, clouds[1], clouds[0])
    shown = [float(text.split()[0]) for _, text in picture["readouts"]]
    for value, covariances in zip(shown, (fitted(params, model), shapes), strict=False):
        wrong = np.mean((log_odds(X, params, covariances) > 0) != y)
        assert abs(value - 100 * wrong) < 0.4
    assert shown[2] == 35.0
    assert shown[1] <= shown[0] + 0.05


def test_error_of_equal_covariances_is_the_tail_of_a_gaussian():
    change = {"tilt1": 0.6, "sd": 1, "prior": 0.5}
    params, data, _ = run(MODELS[0], **change)
    expression = (
        "(() => { const s = classify(given.params);"
        "return errorOf([s.logit, s.best], s.joint, given.data.reach); })()"
    )
    errors = run_js("models/two-gaussians.js", expression, {"params": params, "data": data})
    means, shapes, _ = truth(params)
    delta = means[1] - means[0]
    distance = np.sqrt(delta @ np.linalg.solve(shapes[0], delta))
    assert_allclose(errors, stats.norm.cdf(-distance / 2), atol=5e-4)


@pytest.mark.parametrize("model", MODELS)
def test_samples_are_drawn_from_the_model_and_not_from_the_truth(model):
    params, data, picture = run(model)
    clouds = [s for s in picture["panels"][0]["series"] if s["type"] == "points"]
    means, _, _ = truth(params)
    noise, uniform = np.array(data["noise"]), np.array(data["uniform"])
    for k, (cloud, S) in enumerate(zip(clouds, fitted(params, model), strict=True)):
        own = noise[(uniform < params["prior"]) == k]
        expected = means[k] + own @ np.linalg.cholesky(S).T
        assert_allclose(np.array([cloud["x"], cloud["y"]]).T, expected, rtol=1e-10)


def humps(x, distance, share):
    left, right = (stats.norm.pdf(x, sign * distance / 2) for sign in (-1, 1))
    return share * left + (1 - share) * right


def divergence(p, q):
    return integrate.quad(lambda x: p(x) * np.log(p(x) / q(x)), -14, 14, epsabs=1e-12, limit=300)[0]


@pytest.mark.parametrize(
    ("distance", "share", "m", "s"), [(5, 0.5, 1, 1.6), (3, 0.2, -1, 1), (7, 0.8, 0.5, 2.2)]
)
def test_divergences_are_those_of_adaptive_quadrature(distance, share, m, s):
    params = {"distance": distance, "share": share, "m": m, "s": s}
    here = run_js("models/kl-fit.js", "divergences(given, given.m, given.s)", params)

    def p(x):
        return humps(x, distance, share)

    def q(x):
        return stats.norm.pdf(x, m, s)

    assert_allclose(here["forward"], divergence(p, q), rtol=1e-8)
    assert_allclose(here["reverse"], divergence(q, p), rtol=1e-8)
    picture = run_js("models/kl-fit.js", "compute(given)", params)
    p_line, q_line = [s for s in picture["panels"][0]["series"] if s["type"] == "line"]
    assert_allclose(p_line["y"], p(np.array(p_line["x"])), rtol=1e-10)
    assert_allclose(q_line["y"], q(np.array(q_line["x"])), rtol=1e-10)


@pytest.mark.parametrize(("distance", "share", "m"), [(5, 0.5, 1), (6, 0.3, -2), (3, 0.4, 0.5)])
def test_the_buttons_find_the_minima(distance, share, m):
    params = {"distance": distance, "share": share, "m": m, "s": 1.5}
    found = run_js("models/kl-fit.js", "[forward(given), reverse(given)]", params)
    x = np.linspace(-14, 14, 4001)
    p = humps(x, distance, share)

    def cost(theta, way):
        log_q = stats.norm.logpdf(x, theta[0], np.exp(theta[1]))
        gap = np.log(p) - log_q
        return np.trapezoid(p * gap, x) if way == 0 else -np.trapezoid(np.exp(log_q) * gap, x)

    for way, fit in enumerate(found):
        start = [fit["m"] + 0.1, np.log(fit["s"]) + 0.1]
        best = optimize.minimize(
            cost, start, args=(way,), method="Nelder-Mead", options={"xatol": 1e-7, "fatol": 1e-13}
        )
        assert_allclose([fit["m"], np.log(fit["s"])], best.x, atol=2e-4)


def test_data_of_the_pages_stay_small():
    for figure in (two_gaussians(alt=ALT), forward_and_reverse_kl(alt=ALT)):
        assert len(json.dumps(figure.data, separators=(",", ":"))) < 30_000


@pytest.mark.parametrize(
    ("make", "change", "message"),
    [
        (two_gaussians, {"means": ((0, 0), (9, 0))}, "means must be two points"),
        (two_gaussians, {"means": ((0, 0), (1, 0), (2, 0))}, "means must be two points"),
        (two_gaussians, {"means": ((0, 0), (1,))}, r"means\[1\] must have 2 entries"),
        (two_gaussians, {"tilts": (0.0, 1.0)}, "tilts must be a number from -0.9 to 0.9"),
        (two_gaussians, {"sd": 0.1}, "sd must be a number from 0.5 to 2"),
        (two_gaussians, {"prior": 1.0}, "prior must be a number"),
        (two_gaussians, {"model": "LDA"}, "model must be one of LDA: one covariance; QDA"),
        (two_gaussians, {"alt": "Ellipses."}, "alt must say what is seen"),
        (forward_and_reverse_kl, {"distance": 9.0}, "distance must be a number from 0 to 7"),
        (forward_and_reverse_kl, {"share": 0.0}, "share must be a number"),
        (forward_and_reverse_kl, {"m": "left"}, "m must be a number"),
        (forward_and_reverse_kl, {"s": 0.1}, "s must be a number"),
    ],
)
def test_builders_name_bad_input(make, change, message):
    with pytest.raises(ValueError, match=message):
        make(**{"alt": ALT, **change})
