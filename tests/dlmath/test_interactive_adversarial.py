"""The figures to move of the chapter on adversarial networks, against NumPy on the same numbers."""

import json

import numpy as np
import pytest
from dlmath.adversarial import (
    dirac_path,
    dirac_step_matrix,
    discriminator_velocity,
    generator_velocity,
)
from dlmath.densities import eight_gaussians
from dlmath.interactive import dirac_gan, gan_frames
from dlmath.interactive._adversarial import count_modes, read_bytes, signed_bytes
from numpy.testing import assert_allclose
from test_interactive import run_js

ALT = "A path that spirals outwards over arrows, two points near a circle, and a rising curve."
PENALTIES = {"none": "none", "R1": "r1", "gradient to 1": "gradient"}
BASE = {
    "start": [0.8, -0.5],
    "eta": 0.15,
    "gamma": 0.7,
    "steps": 120,
    "loss": "saturating",
    "penalty": "none",
    "order": "at once",
}
PLAYED = "[play(given), eigenvalues(given), compute(given, {})]"


@pytest.mark.parametrize("loss", ["saturating", "non-saturating", "Wasserstein"])
@pytest.mark.parametrize("penalty", list(PENALTIES))
@pytest.mark.parametrize("order", ["at once", "in turn"])
def test_the_game_is_that_of_numpy(loss, penalty, order):
    params = {**BASE, "loss": loss, "penalty": penalty, "order": order}
    path, roots, picture = run_js("models/dirac-gan.js", PLAYED, params)
    expected = dirac_path(
        BASE["start"],
        0.15,
        120,
        loss=loss.lower(),
        penalty=PENALTIES[penalty],
        gamma=0.7,
        alternating=order == "in turn",
    )
    assert_allclose(path, expected, rtol=1e-9, atol=1e-12)
    line = picture["panels"][2]["series"]
    played = next(s for s in line if s["type"] == "line" and s["color"] == 1)
    assert_allclose(played["y"], np.linalg.norm(expected, axis=1), rtol=1e-9)
    if penalty == "gradient to 1":
        assert roots is None
        return
    gamma = 0.7 if penalty == "R1" else 0.0
    M = dirac_step_matrix(0.15, loss=loss.lower(), gamma=gamma, alternating=order == "in turn")
    found = np.sort_complex([complex(*root) for root in roots])
    assert_allclose(found, np.sort_complex(np.linalg.eigvals(M)), rtol=1e-10)


def test_real_eigenvalues_are_found_too():
    params = {**BASE, "penalty": "R1", "gamma": 3.0, "eta": 0.4}
    roots = run_js("models/dirac-gan.js", "eigenvalues(given)", params)
    expected = np.linalg.eigvals(dirac_step_matrix(0.4, gamma=3.0))
    assert_allclose(sorted(r[0] for r in roots), np.sort(expected.real), rtol=1e-12)
    assert [r[1] for r in roots] == [0, 0]


def test_arrows_point_along_the_flow():
    params = {**BASE, "loss": "non-saturating", "penalty": "R1"}
    arrows = run_js("models/dirac-gan.js", "field(given)", params)
    assert len(arrows) == 81 - 1  # none at the equilibrium
    for arrow in arrows:
        theta, psi = np.mean(arrow["x"]), np.mean(arrow["y"])
        u = generator_velocity(theta, psi, "non-saturating")
        v = discriminator_velocity(theta, psi, "saturating", "r1", 0.7)
        dx, dy = np.diff(arrow["x"])[0], np.diff(arrow["y"])[0]
        assert_allclose([dx, dy], np.hypot(dx, dy) / np.hypot(u, v) * np.array([u, v]), atol=1e-9)


def test_a_game_that_runs_away_ends():
    params = {**BASE, "loss": "Wasserstein", "eta": 2.0, "steps": 600}
    path, _, picture = run_js("models/dirac-gan.js", PLAYED, params)
    assert len(path) < 600
    assert np.isfinite(path).all()
    assert "over a million" in dict(picture["readouts"])["distance, first and last"]


RUNS = ("one", "two")


@pytest.fixture
def runs():
    rng = np.random.default_rng(2)
    law = eight_gaussians()
    near = [law.sample(40, k) for k in range(3)]
    samples = {"one": near, "two": [0.1 * s for s in near[:2]] + [law.means[np.zeros(40, int)]]}
    return {
        name: {
            "steps": [1, 50, 100],
            "limit": 3.2,
            "odds_limit": 6.0,
            "samples": signed_bytes(samples[name], 3.2),
            "odds": signed_bytes(rng.normal(size=(3, 9, 9)), 6.0),
        }
        for name in RUNS
    }


@pytest.mark.parametrize("name", RUNS)
@pytest.mark.parametrize("frame", [1, 3])
def test_frames_are_decoded_and_measured(runs, name, frame):
    widget = gan_frames(runs, alt=ALT)
    given = {"params": {"run": name, "frame": frame}, "data": widget.data}
    expression = (
        "(() => { const run = given.data.runs.find((r) => r.name === given.params.run);"
        "const f = frameOf(run, given.params.frame - 1, given.data);"
        "return [f, measure(f.samples, given.data), compute(given.params, given.data)]; })()"
    )
    decoded, measured, picture = run_js("models/gan-frames.js", expression, given)
    samples = read_bytes(runs[name]["samples"], 3.2).reshape(3, 40, 2)[frame - 1]
    odds = read_bytes(runs[name]["odds"], 6.0).reshape(3, 9, 9)[frame - 1]
    assert_allclose(decoded["samples"], samples, rtol=1e-12)
    assert_allclose(decoded["values"], odds, rtol=1e-12)
    assert_allclose(decoded["at"], np.linspace(-3.2, 3.2, 9))
    modes, share = count_modes(samples)
    assert (measured["modes"], measured["share"]) == (modes, share)
    assert dict(picture["readouts"])["modes found"] == f"{modes} of 8"


def test_counting_modes():
    means = eight_gaussians().means
    assert count_modes(means) == (8, 1.0)
    assert count_modes(means[:3]) == (3, 1.0)
    assert count_modes(0.1 * means) == (0, 0.0)
    assert count_modes(np.vstack([np.repeat(means[:1], 99, axis=0), means[1:2]])) == (1, 1.0)


def test_bytes_are_rounded_and_clipped():
    values = np.array([-9.0, -1.0, 0.0, 0.013, 3.2])
    back = read_bytes(signed_bytes(values, 3.2), 3.2)
    assert_allclose(back, np.clip(values, -3.2, 3.2), atol=3.2 / 254 + 1e-12)


def test_data_of_the_page_stay_small(runs):
    assert len(json.dumps(gan_frames(runs, alt=ALT).data)) < 30_000


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda runs: dirac_gan(start=(0, 0), alt=ALT), "start must lie within"),
        (lambda runs: dirac_gan(start=(3, 0), alt=ALT), "start must lie within"),
        (lambda runs: dirac_gan(start=(1, 0, 0), alt=ALT), "start must have 2 entries"),
        (lambda runs: dirac_gan(eta=5.0, alt=ALT), "eta must be from"),
        (lambda runs: dirac_gan(steps=0, alt=ALT), "steps must be an integer"),
        (lambda runs: dirac_gan(alt="A path."), "alt must say what is seen"),
        (lambda runs: gan_frames({}, alt=ALT), "runs must hold at least one"),
        (lambda runs: gan_frames({"one": {"steps": [1]}}, alt=ALT), "one has no samples"),
        (lambda runs: gan_frames(runs, frame=4, alt=ALT), "frame must be an integer from 1 to 3"),
        (lambda runs: gan_frames(runs, alt="Dots."), "alt must say what is seen"),
    ],
)
def test_bad_input_is_named(make, message, runs):
    with pytest.raises(ValueError, match=message):
        make(runs)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"loss": "hinge"}, "loss must be one of"),
        ({"penalty": "r2"}, "penalty must be one of"),
        ({"gamma": -1.0}, "gamma must be a number"),
        ({"eta": 0.0}, "eta must be positive"),
        ({"steps": -1}, "steps must not be negative"),
        ({"start": (1.0, np.nan)}, "start must be two finite numbers"),
    ],
)
def test_bad_games_are_named(change, message):
    with pytest.raises(ValueError, match=message):
        dirac_path(**{"start": (1.0, 0.0), "eta": 0.1, "steps": 3, **change})


def test_stills_are_the_same_at_every_run(runs):
    for make in (lambda: dirac_gan(alt=ALT), lambda: gan_frames(runs, alt=ALT)):
        assert make().still == make().still
        assert make().still.count("<svg") == 1
