"""The figures to move of the chapter on scores, against NumPy on the same numbers."""

import numpy as np
import pytest
from dlmath.diffusion import NoisyMixture
from dlmath.interactive import ReverseDiffusion, sampler_orders
from dlmath.interactive._reverse import (
    BEADS,
    FILM,
    LAWS,
    SCHEDULES,
    SPACINGS,
    end_spread,
    mixture_of,
    walk_of_beads,
)
from numpy.testing import assert_allclose
from test_interactive import run_js

ALT = "Jagged paths that begin in a broad band and end in two narrow ones, and a histogram."
WALK = """(() => { const walk = beginWalk(given.state, given.data);
  while (walk.step < given.state.steps) walkOn(walk);
  return { start: Array.from(walk.start), now: Array.from(walk.now),
    theory: expectedMemory(walk, given.state), found: correlation(walk.start, walk.now) }; })()"""


@pytest.mark.parametrize(
    ("law", "schedule", "sampler", "churn"),
    [
        ("two humps", "linear rate", "reverse equation", 1.0),
        ("two humps", "linear rate", "reverse equation", 0.0),
        ("three humps", "cosine", "reverse equation", 1.7),
        ("three humps", "growing noise", "DDIM", 0.6),
        ("one Gaussian", "cosine", "DDIM", 1.9),
        ("two humps", "cosine", "DDIM", 0.0),
        ("three humps", "linear rate", "Heun", 0.0),
        ("two humps", "growing noise", "multistep", 0.0),
        ("two humps", "cosine", FILM, 0.0),
    ],
)
def test_beads_walk_as_the_samplers_do(law, schedule, sampler, churn):
    widget = ReverseDiffusion(
        law=law, schedule=schedule, sampler=sampler, steps=12, churn=churn, alt=ALT
    )
    state = {k: getattr(widget, k) for k in ("law", "schedule", "sampler", "steps", "churn")}
    found = run_js("reversediffusion.js", WALK, {"state": state, "data": widget.data})
    expected = walk_of_beads(law, schedule, sampler, 12, churn)
    assert expected.shape == (13, BEADS)
    assert_allclose(found["start"], expected[0], rtol=1e-9, atol=1e-11)
    assert_allclose(found["now"], expected[-1], rtol=1e-6, atol=1e-8)
    assert_allclose(found["found"], np.corrcoef(expected[0], expected[-1])[0, 1], rtol=1e-6)


def test_the_memory_that_is_expected_is_that_of_the_formula():
    data = ReverseDiffusion(alt=ALT).data
    rates, nu = SCHEDULES["cosine"], LAWS["one Gaussian"]["variances"][0]
    ends = [np.sqrt(rates.gamma(t) ** 2 * nu + rates.sigma(t) ** 2) for t in (rates.begin, 0.999)]
    film = rates.gamma(0.999) / rates.gamma(rates.begin) * ends[0] / ends[1]
    for sampler, churn, exponent in (
        ("reverse equation", 1.0, 1.0),
        ("reverse equation", 0.5, 0.25),
        ("DDIM", 2.0, 1.0),
        ("Heun", 2.0, 0.0),
        (FILM, 0.3, 1.0),
    ):
        state = {"law": "one Gaussian", "schedule": "cosine", "steps": 6}
        given = {"state": {**state, "sampler": sampler, "churn": churn}, "data": data}
        found = run_js("reversediffusion.js", WALK, given)
        assert_allclose(found["theory"], film**exponent, rtol=1e-9)
    given["state"]["law"] = "two humps"
    assert run_js("reversediffusion.js", WALK, given)["theory"] is None


def test_schedules_and_grids_are_those_of_dlmath():
    program = """given.names.map((name) => { const s = NOISE_SCHEDULES[name];
      const at = given.shares.map((share) => share * s.end);
      return { at, gamma: at.map(s.gamma), sigma: at.map(s.sigma), drift: at.map(s.drift),
        square: at.map(s.square), times: given.spacings.map((g) => fallingTimes(s, 7, g)) }; })"""
    given = {"names": list(SCHEDULES), "shares": [0.01, 0.3, 0.9], "spacings": list(SPACINGS)}
    for found, rates in zip(
        run_js("reversediffusion.js", program, given), SCHEDULES.values(), strict=True
    ):
        at = np.array(found["at"])
        assert_allclose(found["gamma"], rates.gamma(at), rtol=1e-12)
        assert_allclose(found["sigma"], rates.sigma(at), rtol=1e-12)
        assert_allclose(found["drift"], rates.drift(at), rtol=1e-12)
        assert_allclose(found["square"], rates.squared_diffusion(at), rtol=1e-12)
        for times, spacing in zip(found["times"], SPACINGS.values(), strict=True):
            assert_allclose(times, rates.times(7, spacing, to_zero=False), rtol=1e-9)


def test_the_density_and_its_score_are_exact():
    program = """(() => { const law = mixtureAt(given.law, 0.8, 0.5);
      const s = { gamma: () => 0.8, sigma: () => 0.5 };
      return { density: given.x.map((x) => mixtureDensity(x, law)),
        score: given.x.map((x) => mixtureScore(x, law)), moments: mixtureMoments(law),
        denoised: given.x.map((x) => exactDenoiser(given.law, s)(x, 1)) }; })()"""

    class Held:
        def gamma(self, t):
            return 0.8

        def sigma(self, t):
            return 0.5

    x = np.linspace(-3, 3, 9)
    found = run_js("reversediffusion.js", program, {"law": LAWS["three humps"], "x": x.tolist()})
    exact = NoisyMixture(mixture_of("three humps"), Held())
    law = exact.density(1.0)
    assert_allclose(found["density"], np.exp(law.log_prob(x[:, None])), rtol=1e-12)
    assert_allclose(found["score"], law.score(x[:, None])[:, 0], rtol=1e-10, atol=1e-12)
    assert_allclose(found["denoised"], exact(x[:, None], 1.0)[:, 0], rtol=1e-10, atol=1e-12)
    assert_allclose(found["moments"]["mean"], law.mean[0], atol=1e-15)
    assert_allclose(found["moments"]["variance"], law.covariance[0, 0], rtol=1e-12)


@pytest.mark.parametrize("schedule", SCHEDULES)
def test_the_spread_at_the_end_is_that_of_the_samplers(schedule):
    names = ["DDIM", "Heun", "multistep", "ancestral", "reverse equation"]
    program = """(() => { const s = NOISE_SCHEDULES[given.schedule];
      const end = (name, spacing) => endSpread(name, s, 0.3, fallingTimes(s, 9, spacing));
      return given.names.map((name) => given.spacings.map((spacing) => end(name, spacing)));
    })()"""
    given = {"names": names, "spacings": list(SPACINGS), "schedule": schedule}
    found = run_js("models/sampler-orders.js", program, given)
    rates = SCHEDULES[schedule]
    expected = [
        [end_spread(name, rates, 0.3, rates.times(9, g, to_zero=False)) for g in SPACINGS.values()]
        for name in names
    ]
    assert_allclose(found, expected, rtol=1e-7)


def test_the_dashed_line_is_the_best_of_all_grids():
    """On the grid of equal angles, which is made here, DDIM ends where the line says."""
    rates, nu, n = SCHEDULES["cosine"], 0.3, 12
    program = "bestDdim(NOISE_SCHEDULES.cosine, 0.3, 12)"
    best = run_js("models/sampler-orders.js", program, {})
    angles = [np.arctan(rates.ratio(t) / np.sqrt(nu)) for t in (rates.end, rates.begin)]
    times = rates.time_of_ratio(np.sqrt(nu) * np.tan(np.linspace(*angles, n + 1)))
    times[[0, -1]] = rates.end, rates.begin
    target = np.sqrt(rates.gamma(times[-1]) ** 2 * nu + rates.sigma(times[-1]) ** 2)
    assert_allclose(best, target - end_spread("DDIM", rates, nu, times), rtol=1e-9)
    for spacing in SPACINGS.values():
        other = rates.times(n, spacing, to_zero=False)
        assert target - end_spread("DDIM", rates, nu, other) > best


def test_the_readouts_give_orders_one_and_two():
    widget = sampler_orders(alt=ALT)
    found = run_js("models/sampler-orders.js", "compute(given, {})", widget.params)
    orders = {name: float(text.split()[1].rstrip(",")) for name, text in found["readouts"]}
    assert abs(orders["Heun"] - 2) < 0.1
    assert abs(orders["multistep"] - 2) < 0.1
    for name in ("DDIM", "ancestral", "reverse equation"):
        assert abs(orders[name] - 1) < 0.1


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: ReverseDiffusion(law="a cross", alt=ALT), "law must be one of two humps"),
        (lambda: ReverseDiffusion(schedule="none", alt=ALT), "schedule must be one of linear"),
        (lambda: ReverseDiffusion(sampler="magic", alt=ALT), "sampler must be one of reverse"),
        (lambda: ReverseDiffusion(steps=1, alt=ALT), "steps must be an integer from 4 to 200"),
        (lambda: ReverseDiffusion(churn=3.0, alt=ALT), "churn must lie between 0 and 2"),
        (lambda: ReverseDiffusion(alt="Two humps."), "alt must say what is seen"),
        (lambda: sampler_orders(sd=0.0, alt=ALT), "sd must lie between 0.05 and 5"),
        (lambda: sampler_orders(spacing="random", alt=ALT), "spacing must be one of equal time"),
    ],
)
def test_bad_input_is_named(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_stills_are_the_same_at_every_run():
    for make in (lambda: ReverseDiffusion(steps=5, alt=ALT), lambda: sampler_orders(alt=ALT)):
        assert make().still == make().still
        assert make().still.count("<svg") == 1
