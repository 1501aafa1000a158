"""The figures to move of the chapter on denoising diffusion, against NumPy on the same numbers."""

import numpy as np
import pytest
from dlmath.densities import GaussianMixture
from dlmath.diffusion import NoisyEmpirical, NoisyMixture, ancestral, ddim
from dlmath.interactive import empirical_paths, moment_of_decision
from dlmath.interactive._diffusion import (
    LOGS,
    PATHS,
    SCHEDULES,
    STEPS,
    amplitudes,
    backward_beads,
    effective_number,
    magnetisations,
    page_normals,
)
from numpy.testing import assert_allclose
from test_interactive import run_js

ALT = "Jagged paths that part into two bundles, a density with one hump, and an S-shaped curve."
POINTS = [[-1.2, 0.9], [1.1, 1.0], [0.2, -0.3], [-0.7, -1.2]]


@pytest.mark.parametrize("share", [0.5, 0.8])
def test_beads_walk_as_in_numpy(share):
    data = moment_of_decision(alt=ALT).data
    given = {"data": data, "share": share}
    paths = run_js("models/decision.js", "walk(given.data, fieldOf(given.share))", given)
    expected = backward_beads(np.arctanh(2 * share - 1))
    assert_allclose(paths, expected, rtol=1e-7, atol=1e-8)
    share_up = np.mean(np.array(paths[-1]) > 0)
    assert abs(share_up - share) < 3 * np.sqrt(share * (1 - share) / data["beads"])


@pytest.mark.parametrize("field", [0.0, 0.1, 0.7])
def test_magnetisations_are_all_roots(field):
    for u in (0.3, 0.999, 1.001, 1.3, 4.0, 60.0):
        found = run_js("models/decision.js", "magnetisations(...given)", [u, field])
        assert_allclose(found, magnetisations(u, field), atol=1e-9)
        # A fine grid sees as many changes of sign.
        m = np.linspace(-1.00503, 1.00707, 400_001)
        signs = np.sign(np.tanh(u * m + field) - m)
        assert len(found) == np.count_nonzero(np.diff(signs) != 0)
        assert_allclose(np.tanh(u * np.array(found) + field), found, atol=1e-12)


@pytest.mark.parametrize("log", [-2.0, -0.01, 0.01, 3.0])
def test_humps_are_those_of_the_density(log):
    data = moment_of_decision(alt=ALT).data
    given = {"params": {"log": log, "share": 0.5}, "data": data}
    picture = run_js("models/decision.js", "compute(given.params, given.data)", given)
    readouts = dict(picture["readouts"])
    line = picture["panels"][1]["series"][0]
    gamma, sigma = amplitudes(log)
    x = np.array(line["x"])
    density = GaussianMixture([0.5, 0.5], [[gamma], [-gamma]], np.full((2, 1, 1), sigma**2))
    assert_allclose(line["y"], np.exp(density.log_prob(x[:, None])), rtol=1e-10)
    assert readouts["humps"] == ("2" if log > 0 else "1")
    fine = np.linspace(-2, 2, 40_001)[:, None]
    slope = np.sign(density.score(fine)[:, 0])
    assert np.count_nonzero((slope[:-1] > 0) & (slope[1:] <= 0)) == int(readouts["humps"])


@pytest.mark.parametrize("schedule", list(SCHEDULES))
def test_amplitudes_and_times_of_the_schedules(schedule):
    given = {"name": schedule, "t": [0.001, 0.1, 0.5, 0.9, 0.999]}
    gamma, sigma, times = run_js(
        "models/empirical-paths.js",
        "(() => { const s = PATH_SCHEDULES[given.name];"
        "return [given.t.map(s.gamma), given.t.map(s.sigma), evenTimes(s, 7)]; })()",
        given,
    )
    law = SCHEDULES[schedule]
    assert_allclose(gamma, law.gamma(given["t"]), rtol=1e-12)
    assert_allclose(sigma, law.sigma(given["t"]), rtol=1e-12)
    assert_allclose(times, law.times(7), atol=1e-15)


def params(**change):
    points = {f"p{i + 1}": p for i, p in enumerate([*POINTS, *[[0, 0]] * 4])}
    base = {"count": 4, "steps": 12, "width": 0, "schedule": "cosine", "fresh": False}
    return {**points, **base, "progress": 1, **change}


RUN = "runPaths(chosen(given.params), given.params, given.data)"


@pytest.mark.parametrize("schedule", list(SCHEDULES))
@pytest.mark.parametrize("width", [0, 0.3])
def test_paths_are_those_of_numpy(schedule, width):
    given = {"params": params(schedule=schedule, width=width), "data": {"paths": PATHS, "seed": 7}}
    run = run_js("models/empirical-paths.js", RUN, given)
    law = SCHEDULES[schedule]
    spread = GaussianMixture(
        np.full(4, 0.25), POINTS, np.tile(max(width, 1e-9) ** 2 * np.eye(2), (4, 1, 1))
    )
    exact = NoisyMixture(spread, law) if width else NoisyEmpirical(POINTS, law)
    start = law.sigma(law.end) * page_normals(2 * PATHS).reshape(PATHS, 2)
    expected = ddim(exact, start, law, law.times(12), path=True)
    assert_allclose(run["states"], expected, rtol=1e-6, atol=1e-7)
    if not width:
        first = effective_number(exact.shares(start, law.end))
        assert_allclose(run["numbers"][0], first, rtol=1e-9)


def test_fresh_noise_is_that_of_ancestral_steps():
    given = {"params": params(fresh=True), "data": {"paths": PATHS, "seed": 7}}
    run = run_js("models/empirical-paths.js", RUN, given)
    law = SCHEDULES["cosine"]
    normals = page_normals(2 * PATHS * 12)

    class Stream:
        at = 2 * PATHS

        def standard_normal(self, shape):
            count = int(np.prod(shape))
            self.at += count
            return normals[self.at - count : self.at].reshape(shape)

    start = law.sigma(law.end) * normals[: 2 * PATHS].reshape(PATHS, 2)
    expected = ancestral(
        NoisyEmpirical(POINTS, law), start, law, law.times(12), Stream(), path=True
    )
    assert_allclose(run["states"], expected, rtol=1e-6, atol=1e-7)


def test_paths_snap_and_a_width_frees_them():
    data = {"paths": PATHS, "seed": 7}
    for width, all_near in ((0, True), (0.35, False)):
        given = {"params": params(steps=40, width=width), "data": data}
        picture = run_js("models/empirical-paths.js", "compute(given.params, given.data)", given)
        said = dict(picture["readouts"])["paths that end within 0.05 of a datum"]
        assert (said == f"{PATHS} of {PATHS}") == all_near
        assert picture["points"] == {f"p{i}": None for i in range(5, 9)}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"points": [[0, 0, 0]]}, "points must have shape"),
        ({"points": np.zeros((9, 2))}, "points must have shape"),
        ({"points": [[5, 0]]}, "points must lie within"),
        ({"points": [["a", 0]]}, "points must hold numbers"),
        ({"steps": 0}, "steps must be"),
        ({"alt": "short"}, "alt must say"),
    ],
)
def test_paths_refuse_what_they_cannot_draw(change, message):
    with pytest.raises(ValueError, match=message):
        empirical_paths(**{"points": POINTS, "alt": ALT, **change})


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"log": 9}, "log must lie"),
        ({"share": 0.2}, "share must lie"),
        ({"alt": ""}, "alt must say"),
    ],
)
def test_decision_refuses_what_it_cannot_draw(change, message):
    with pytest.raises(ValueError, match=message):
        moment_of_decision(**{"alt": ALT, **change})


def test_the_range_of_the_walk():
    data = moment_of_decision(alt=ALT).data
    assert_allclose(data["logs"], np.linspace(*LOGS, STEPS + 1), atol=1e-10)
