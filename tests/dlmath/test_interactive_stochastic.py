"""The figures to move of the chapter on stochastic dynamics, against NumPy on the same numbers."""

import numpy as np
import pytest
from dlmath.interactive import DraggedTrap, WellsLive
from dlmath.interactive._stochastic import (
    AHEAD,
    BEADS,
    CELLS,
    LIMITS,
    ROUNDS,
    SPREAD,
    START,
    WALKERS,
    first_pulls,
    first_walkers,
)
from dlmath.sampling import langevin_log_acceptance, log_mean_exp
from dlmath.stochastic import fokker_planck, fokker_planck_generator, work_of_dragging
from numpy.testing import assert_allclose
from scipy.stats import norm
from test_interactive import run_js

ALT = "A curve with two wells and dots in the left one, above a histogram and two smooth curves."


@pytest.mark.parametrize("speed", [0.3, 2.0])
def test_the_beads_are_dragged_as_in_the_still(speed):
    widget = DraggedTrap(speed=speed, alt=ALT)
    program = """(() => {
      const { data } = given, uniform = uniformStream(data.seed), works = [];
      const steps = protocol(data, given.speed);
      let pull;
      for (let round = 0; round < data.ahead; round++) {
        pull = startPull(data.beads, data.stiffness, uniform);
        for (let k = 0; k < steps.jumps; k++) dragStep(pull, data.stiffness, steps, uniform);
        works.push(...pull.work);
      }
      const mean = meanWork(data.stiffness, steps);
      return { works, places: Array.from(pull.place), mean }; })()"""
    found = run_js("draggedtrap.js", program, {"data": widget.data, "speed": speed})
    works, places, mean = first_pulls(speed)
    assert len(works) == ROUNDS * BEADS
    assert_allclose(found["works"], works, rtol=1e-9, atol=1e-12)
    assert_allclose(found["places"], places, rtol=1e-9, atol=1e-12)
    assert_allclose(found["mean"], mean, rtol=1e-12)
    data = widget.data
    limit = work_of_dragging(data["stiffness"], speed, data["distance"] / speed)[0]
    assert_allclose(mean, limit, rtol=0.15)


def test_many_small_jumps_cost_what_the_theorem_says():
    given = {"distance": 2.0, "longest": 1e-4}
    mean = run_js("draggedtrap.js", "meanWork(3, protocol(given, 0.7))", given)
    assert_allclose(mean, work_of_dragging(3.0, 0.7, 2.0 / 0.7)[0], rtol=1e-3)


def test_the_running_estimate_is_that_of_jarzynski():
    works = np.random.default_rng(3).normal(40, 6, size=300)
    works[200] = -3.0
    program = """(() => { const estimate = new RunningEstimate();
      for (const work of given) estimate.add(work);
      return [estimate.curve, estimate.value]; })()"""
    curve, last = run_js("draggedtrap.js", program, works.tolist())
    expected = [-log_mean_exp(-works[:n]) for n in curve["n"]]
    assert_allclose(curve["value"], expected, rtol=1e-12)
    assert_allclose(last, -log_mean_exp(-works), rtol=1e-12)
    assert curve["n"][:3] == [1, 2, 3]
    assert (np.diff(curve["n"]) > 0).all()


def test_the_outline_is_that_of_a_histogram():
    values = np.random.default_rng(1).normal(size=500)
    found = run_js("draggedtrap.js", "stairs(given, [-4, 4], 16)", values.tolist())
    heights, edges = np.histogram(values, np.linspace(-4, 4, 17), density=True)
    assert_allclose(found["y"][1:-1:2], heights)
    assert_allclose(found["x"][1:-1:2], edges[:-1])
    total = run_js("draggedtrap.js", "gaussian(given, 1, 4)", 2.5)
    assert_allclose(total, norm.pdf(2.5, 1, 2))


def test_the_walkers_take_the_steps_of_the_still():
    widget = WellsLive(barrier=3.0, eta=0.04, alt=ALT)
    program = """(() => {
      const { data } = given, uniform = uniformStream(data.seed);
      const begin = () => data.start + data.spread * normalFrom(uniform);
      const walkers = Float64Array.from({ length: data.walkers }, begin);
      const state = { barrier: 3, eta: 0.04, adjust: false };
      const steps = Math.ceil(data.ahead / 0.04 - 1e-9);
      for (let k = 0; k < steps; k++) wellsStep(walkers, state, uniform);
      return [Array.from(walkers), momentsOfWalkers(walkers)]; })()"""
    walkers, moments = run_js("wellslive.js", program, {"data": widget.data})
    expected = first_walkers(3.0, 0.04)
    assert len(expected) == WALKERS
    assert_allclose(walkers, expected, rtol=1e-8, atol=1e-10)
    assert_allclose(moments["square"], np.mean(expected**2), rtol=1e-8)
    assert_allclose(moments["share"], np.mean(expected > 0))


def test_adjusted_walkers_are_accepted_by_the_formula():
    """Follow the page's random numbers through one step, with the ratio of dlmath."""
    program = """(() => { const walkers = Float64Array.from(given.x), uniform = uniformStream(5);
      const moved = wellsStep(walkers, { barrier: 4, eta: 0.2, adjust: true }, uniform);
      const again = uniformStream(5);
      const drawn = given.x.map(() => [normalFrom(again), again()]);
      return [Array.from(walkers), moved, drawn]; })()"""
    x = np.linspace(-1.6, 1.6, 60)[:, None]
    walkers, moved, drawn = run_js("wellslive.js", program, {"x": x[:, 0].tolist()})
    xi, u = np.transpose(drawn)
    y = x + 0.1 * -16 * x * (x**2 - 1) + np.sqrt(0.2) * xi[:, None]
    heights = [-4 * (at[:, 0] ** 2 - 1) ** 2 for at in (x, y)]
    scores = [-16 * at * (at**2 - 1) for at in (x, y)]
    accepted = np.log(u) < langevin_log_acceptance(x, y, heights, scores, 0.2)
    assert 10 < accepted.sum() < 55
    assert moved == accepted.sum()
    assert_allclose(walkers, np.where(accepted, y[:, 0], x[:, 0]), rtol=1e-10)


def test_the_density_is_that_of_the_implicit_scheme_and_near_the_exact_one():
    program = """(() => { const grid = cells(given.limits[0], given.limits[1], given.count);
      const rates = wellRates(2.5, grid), p = Float64Array.from(given.p);
      const end = densityAfter(p, rates, 0.1, 0.005), one = Array.from(densityStep(p, rates, 0.3));
      return { rates, end: Array.from(end), one, boltzmann: Array.from(boltzmann(2.5, grid)),
        moments: momentsOfDensity(end, grid) }; })()"""
    x = np.linspace(*LIMITS, CELLS)
    width = x[1] - x[0]
    p = norm.pdf(x, START, SPREAD)
    p /= p.sum() * width
    given = {"limits": list(LIMITS), "count": CELLS, "p": p.tolist()}
    found = run_js("wellslive.js", program, given)
    energy = 2.5 * (x**2 - 1) ** 2
    generator = fokker_planck_generator(energy, x)
    assert_allclose(found["rates"]["up"], np.diag(generator, -1), rtol=1e-10)
    assert_allclose(found["rates"]["down"], np.diag(generator, 1), rtol=1e-10)
    expected = np.linalg.solve(np.eye(CELLS) - 0.3 * generator, p)
    assert_allclose(found["one"], expected, rtol=1e-8, atol=1e-12)
    assert_allclose(np.sum(found["end"]) * width, 1, rtol=1e-10)
    exact = fokker_planck(energy, x, p, [0.0, 0.1])[-1]
    assert_allclose(found["end"], exact, atol=0.03 * exact.max())
    weights = np.exp(-energy)
    assert_allclose(found["boltzmann"], weights / weights.sum() / width, rtol=1e-10)
    assert_allclose(found["moments"]["square"], np.sum(x**2 * found["end"]) * width, rtol=1e-10)


def test_who_runs_away_is_counted():
    program = """(() => { const walkers = Float64Array.from([6, 0.5, 7]);
      wellsStep(walkers, { barrier: 5, eta: 0.3, adjust: false }, uniformStream(1));
      return momentsOfWalkers(walkers).lost; })()"""
    assert run_js("wellslive.js", program, {}) == 2
    assert AHEAD > 0


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: WellsLive(barrier=9.0, alt=ALT), "barrier must lie between 0.5 and 6"),
        (lambda: WellsLive(eta=1.0, alt=ALT), "eta must lie between 0.005 and 0.3"),
        (lambda: WellsLive(alt="Two wells."), "alt must say what is seen"),
        (lambda: DraggedTrap(speed=np.nan, alt=ALT), "speed contains NaN"),
        (lambda: DraggedTrap(speed=20.0, alt=ALT), "speed must lie between 0.1 and 10"),
        (lambda: DraggedTrap(alt=ALT, height=(1, 2)), "height must be two numbers"),
    ],
)
def test_bad_input_is_named(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_stills_are_the_same_at_every_run():
    for make in (lambda: WellsLive(alt=ALT), lambda: DraggedTrap(alt=ALT)):
        assert make().still == make().still
        assert make().still.count("<svg") == 1
