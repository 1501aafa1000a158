"""The figures to move of the chapter on distances between laws, against SciPy and dlmath."""

import numpy as np
import pytest
from dlmath import divergences
from dlmath.densities import GaussianMixture
from dlmath.interactive import five_distances, gaussian_transport
from dlmath.interactive._divergences import DISTANCES
from numpy.testing import assert_allclose
from scipy import optimize, stats
from test_interactive import run_js

ALT = "Two humps and a Gaussian curve, and beside them level lines around five marked points."
X = np.linspace(-30, 30, 3001)
FIT = {"distance": 4.5, "share": 0.3, "model": [0.7, 1.4], "which": "reverse KL"}


def one(params, k, m, s, levels=20_000):
    """Compute one of the five distances by dlmath's quadrature."""
    weights = [params["share"], 1 - params["share"]]
    p = GaussianMixture(weights, [[-params["distance"] / 2], [params["distance"] / 2]], 1.0)
    log_p, log_q = p.log_prob(X[:, np.newaxis]), stats.norm.logpdf(X, m, s)
    if k == 4:
        return divergences.wasserstein_on_line(log_p, log_q, X, levels=levels)
    if k == 3:
        scores = p.score(X[:, np.newaxis])[:, 0], -(X - m) / s**2
        return divergences.fisher_divergence_on_grid(log_p, *scores, X)
    kind = ("kl", "reverse kl", "jensen-shannon")[k]
    return divergences.f_divergence_on_grid(log_p, log_q, X, kind)


def test_five_distances_are_those_of_dlmath():
    found = run_js("models/distance-fit.js", "stateOf(given).values", FIT)
    expected = [one(FIT, k, *FIT["model"], levels=200_000) for k in range(5)]
    assert_allclose(found[:4], expected[:4], rtol=1e-9)
    assert_allclose(found[4], expected[4], rtol=1e-3)


def test_minima_are_those_of_a_search():
    minima = run_js("models/distance-fit.js", "stateOf(given).minima", FIT)
    for k, (m, s) in enumerate(minima):

        def cost(theta, k=k):
            return one(FIT, k, theta[0], np.exp(theta[1]))

        starts = [(0.5, 0.5), (2.25, 0.0), (-2.25, 0.0)] if k in (1, 2) else [(0.5, 0.5)]
        options = {"maxiter": 120, "xatol": 1e-4, "fatol": 1e-11}
        found = [optimize.minimize(cost, s, method="Nelder-Mead", options=options) for s in starts]
        best = min(found, key=lambda result: result.fun)
        assert_allclose([m, s], [best.x[0], np.exp(best.x[1])], atol=0.01)


@pytest.mark.parametrize("k", range(5))
def test_level_lines_are_levels(k):
    params = {**FIT, "which": DISTANCES[k]}
    lines, least = run_js(
        "models/distance-fit.js",
        "(() => { const s = stateOf(given); return [contours(s).slice(1, 4), "
        "DISTANCES[s.which](s.data, ...s.minima[s.which])]; })()",
        params,
    )
    for line, excess in zip(lines, (0.1, 0.25, 0.5), strict=True):
        points = [(m, s) for m, s in zip(line["x"], line["y"], strict=True) if s is not None]
        for m, s in points[:: max(1, len(points) // 4)]:
            assert abs(one(params, k, m, s) - least - excess) < 0.1 * excess + 0.02


def test_button_leads_to_the_minimum_and_readouts_are_named():
    there = run_js("models/distance-fit.js", "minimum(given)", FIT)["model"]
    picture = run_js("models/distance-fit.js", "compute(given)", {**FIT, "model": there})
    names = [name for name, _ in picture["readouts"]]
    assert names[:2] == ["forward KL", "reverse KL"]
    assert names[-1] == "smallest reverse KL at"
    assert len(picture["panels"]) == 2


PLANE = {
    "mean0": [-2.0, -1.0],
    "mean1": [1.5, 2.0],
    "turn0": 25,
    "turn1": 130,
    "long0": 1.7,
    "long1": 2.2,
    "s": 0.3,
}


def covariances():
    made = []
    for k in (0, 1):
        angle = np.deg2rad(PLANE[f"turn{k}"])
        axis = np.array([np.cos(angle), np.sin(angle)])
        long = PLANE[f"long{k}"]
        made.append(long**2 * np.outer(axis, axis) + (np.eye(2) - np.outer(axis, axis)) / long**2)
    return made


def full(packed):
    a, b, c = packed
    return np.array([[a, c], [c, b]])


def test_transport_is_that_of_dlmath():
    state = run_js("models/gaussian-transport.js", "stateOf(given)", PLANE)
    S0, S1 = covariances()
    assert_allclose(full(state["S0"]), S0, atol=1e-12)
    assert_allclose(full(state["A"]), divergences.optimal_map_gaussians(S0, S1), atol=1e-10)
    gaussians = PLANE["mean0"], S0, PLANE["mean1"], S1
    squared = divergences.wasserstein_gaussians(*gaussians)
    assert_allclose(state["w"]["distance"] ** 2, squared, rtol=1e-10)
    assert_allclose(state["w"]["means"], 3.5**2 + 3**2, rtol=1e-12)
    assert_allclose(state["kl"], divergences.kl_gaussians(*gaussians), rtol=1e-10)


def test_the_way_is_straight_and_walked_at_constant_speed():
    here = run_js("models/gaussian-transport.js", "between(given, stateOf(given), given.s)", PLANE)
    S0, S1 = covariances()
    whole = divergences.wasserstein_gaussians(PLANE["mean0"], S0, PLANE["mean1"], S1)
    law = here["mean"], full(here["S"])
    first = divergences.wasserstein_gaussians(PLANE["mean0"], S0, *law)
    rest = divergences.wasserstein_gaussians(*law, PLANE["mean1"], S1)
    assert_allclose([first, rest], [0.3**2 * whole, 0.7**2 * whole], rtol=1e-9)


def test_contours_of_the_mixture_lie_at_their_levels():
    picture = run_js("models/gaussian-transport.js", "compute(given, { limit: 5 })", PLANE)
    S0, S1 = covariances()
    laws = [stats.multivariate_normal(PLANE[f"mean{k}"], S) for k, S in enumerate((S0, S1))]

    def mixed(points):
        return 0.7 * laws[0].pdf(points) + 0.3 * laws[1].pdf(points)

    top = mixed([PLANE["mean0"], PLANE["mean1"]]).max()
    line = picture["panels"][1]["series"][1]
    points = np.array([line["x"], line["y"]], dtype=float).T
    points = points[np.isfinite(points[:, 1])]
    assert len(points) > 20
    assert_allclose(mixed(points), 0.35 * top, rtol=0.12)


@pytest.mark.parametrize(
    ("make", "change", "message"),
    [
        (five_distances, {"distance": 9}, "distance must be a number from 0 to 7"),
        (five_distances, {"share": 0.0}, "share must be a number from 0.05 to 0.95"),
        (five_distances, {"model": (0.0, 9.0)}, "model must lie between"),
        (five_distances, {"which": "L2"}, "which must be one of forward KL"),
        (five_distances, {"alt": "Curves."}, "alt must say what is seen"),
        (gaussian_transport, {"means": ((0, 0),)}, "means must be two points"),
        (gaussian_transport, {"means": ((0, 0), (0, 9))}, r"means\[1\] must lie between"),
        (gaussian_transport, {"elongations": (0.5, 1)}, "elongations must be a number from 1"),
        (gaussian_transport, {"turns": (-10, 0)}, "turns must be a number from 0 to 180"),
        (gaussian_transport, {"s": 1.5}, "s must be a number from 0 to 1"),
        (gaussian_transport, {"alt": "Curves."}, "alt must say what is seen"),
    ],
)
def test_bad_input_is_named(make, change, message):
    with pytest.raises(ValueError, match=message):
        make(**{"alt": ALT, **change})


@pytest.mark.parametrize("make", [five_distances, gaussian_transport])
def test_stills_are_the_same_at_every_run(make):
    assert make(alt=ALT).still == make(alt=ALT).still
