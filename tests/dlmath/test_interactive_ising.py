"""The Ising model in the page, against NumPy on the same random numbers and the same spins."""

import numpy as np
import pytest
from dlmath.interactive import IsingLive
from dlmath.interactive._random import small_fast_uniform
from dlmath.ising import (
    CRITICAL_TEMPERATURE,
    energy,
    exact_enumeration,
    finite_lattice,
    magnetisation,
    neighbour_sum,
    spontaneous_magnetisation,
)
from numpy.testing import assert_allclose, assert_array_equal
from scipy.special import expit
from test_interactive import run_js

ALT = "A square of random dark and light cells beside two empty panels with dashed lines."
SIZE = 6


def lattice(seed, size=SIZE):
    return np.random.default_rng(seed).choice([-1, 1], (size, size))


def neighbours(site, size):
    """List the sites to the right, left, below and above, by coordinates."""
    i, j = divmod(site, size)
    steps = ((0, 1), (0, -1), (1, 0), (-1, 0))
    return [(i + di) % size * size + (j + dj) % size for di, dj in steps]


def test_the_stream_of_random_numbers():
    found = run_js(
        "isinglive.js",
        "given.map((seed) => { const next = randomStream(seed);"
        "return Array.from({ length: 2000 }, next); })",
        [1, 77],
    )
    assert_array_equal(found, [small_fast_uniform(1, 2000), small_fast_uniform(77, 2000)])
    for numbers in found:
        assert 0 <= min(numbers) <= max(numbers) < 1
        assert abs(np.mean(numbers) - 0.5) < 4 / np.sqrt(12 * 2000)
        assert abs(np.corrcoef(numbers[:-1], numbers[1:])[0, 1]) < 4 / np.sqrt(2000)


@pytest.mark.parametrize("size", [2, 3, 8])
def test_energy_and_magnetisation(size):
    spins = np.array([lattice(seed, size) for seed in range(5)])
    found = run_js(
        "isinglive.js",
        "given.map((spins) => [latticeEnergy(spins, Math.sqrt(spins.length)), meanSpin(spins)])",
        spins.reshape(5, -1).tolist(),
    )
    assert_array_equal(np.array(found)[:, 0], energy(spins))
    assert_allclose(np.array(found)[:, 1], magnetisation(spins), atol=1e-15)


@pytest.mark.parametrize("temperature", [0.8, 2.3, 9.0])
def test_a_sweep_of_metropolis_with_the_same_numbers(temperature):
    """A proposal at a time, with the change of the energy from two energies of the lattice."""
    start, numbers = lattice(1), iter(small_fast_uniform(5, 4 * SIZE**2))
    spins, accepted = start.ravel().copy(), 0
    for _ in range(2 * SIZE**2):
        site = int(next(numbers) * SIZE**2)
        flipped = spins.copy()
        flipped[site] *= -1
        cost = energy(flipped.reshape(SIZE, SIZE)) - energy(spins.reshape(SIZE, SIZE))
        if next(numbers) < np.exp(-cost / temperature):
            spins, accepted = flipped, accepted + 1
    found, count = run_js(
        "isinglive.js",
        "(() => { const spins = Int8Array.from(given.spins), random = randomStream(5);"
        "const once = () => metropolisSweep(spins, 6, given.at, random);"
        "const count = once() + once(); return [Array.from(spins), count]; })()",
        {"spins": start.ravel().tolist(), "at": temperature},
    )
    assert_array_equal(found, spins)
    assert count == accepted > 0


@pytest.mark.parametrize("temperature", [0.8, 2.3, 9.0])
def test_a_cluster_with_the_same_numbers(temperature):
    spins, numbers = lattice(3).ravel(), iter(small_fast_uniform(11, 10_000))
    found, clusters = run_js(
        "isinglive.js",
        "(() => { const spins = Int8Array.from(given.spins), random = randomStream(11);"
        "const clusters = [1, 2, 3].map(() => wolffCluster(spins, 6, given.at, random));"
        "return [Array.from(spins), clusters]; })()",
        {"spins": spins.tolist(), "at": temperature},
    )
    for cluster in clusters:
        seed = int(next(numbers) * SIZE**2)
        members, old = [seed], spins[seed]
        for site in members:
            for other in neighbours(site, SIZE):
                joins = spins[other] == old and other not in members
                if joins and next(numbers) < 1 - np.exp(-2 / temperature):
                    members.append(other)
        spins[members] *= -1
        assert members == cluster
    assert_array_equal(found, spins)


def test_averages_of_both_algorithms_agree_with_enumeration():
    """4 x 4 sites near the critical temperature; errors from 40 independent runs."""
    program = """(() => {
      const random = randomStream(3), runs = [];
      const steps = [(s) => metropolisSweep(s, 4, 2.3, random), (s) => {
        for (let k = 0; k < 3; k++) wolffCluster(s, 4, 2.3, random); }];
      for (const step of steps) runs.push(Array.from({ length: 40 }, () => {
        const spins = atRandom(4, random); let e = 0, m = 0;
        for (let k = 0; k < 50; k++) step(spins);
        for (let k = 0; k < 1000; k++) {
          step(spins); e += latticeEnergy(spins, 4) / 16; m += Math.abs(meanSpin(spins)); }
        return [e / 1000, m / 1000];
      }));
      return runs; })()"""
    exact = exact_enumeration(4, 2.3)
    off = exact_enumeration(4, 2.4)
    for runs in np.array(run_js("isinglive.js", program, None)):
        error = runs.std(axis=0, ddof=1) / np.sqrt(40)
        found = runs.mean(axis=0)
        assert np.all(np.abs(found - [exact.energy, exact.abs_magnetisation]) < 4 * error)
        assert np.all(np.abs(found - [off.energy, off.abs_magnetisation]) > 4 * error)


def test_the_acceptance_follows_from_the_neighbours():
    """Spins that cost nothing or less are always turned, as in NumPy's table of costs."""
    spins = lattice(4)
    cost = (2 * spins * neighbour_sum(spins)).ravel()
    found = run_js(
        "isinglive.js",
        "given.map((_, site) => 2 * given[site] *"
        "neighboursOf(site, 6).reduce((sum, other) => sum + given[other], 0))",
        spins.ravel().tolist(),
    )
    assert_array_equal(found, cost)


def test_exact_values_and_the_verdict():
    widget = IsingLive(-5.0, 10.0, size=16, temperature=2.27, alt=ALT)
    assert widget.temperature == 2.25
    data = widget.data
    grid = np.array(data["temperatures"])
    assert_allclose(grid[[0, 1, -1]], [1, 1.05, 4])
    assert_allclose(data["energies"], [finite_lattice(16, t).energy for t in grid], atol=1e-5)
    assert_allclose(data["magnetisations"], spontaneous_magnetisation(grid), atol=1e-5)
    program = """given.m.map((m) => orderedShare(given.data.weights, m)).concat(
      given.at.map((at) => exactAt(at, given.data).energy))"""
    m, at = [-0.9, 0.0, 0.5, 0.6], [1.0, 2.2500001, 4.0]
    found = run_js("isinglive.js", program, {"m": m, "at": at, "data": data})
    assert_allclose(found[:4], expit(-5 + 10 * np.abs(m)), rtol=1e-12)
    assert_allclose(found[4:], [finite_lattice(16, round(t, 3)).energy for t in at], atol=1e-5)


def test_panels_show_trace_exact_value_and_threshold():
    trace = {"sweeps": 4, "energies": [-1.0, -1.2, -1.4, -1.6, -1.5], "magnetisations": [0.5] * 5}
    panels = run_js(
        "isinglive.js",
        "tracePanels(given, { energy: -1.75, magnetisation: 0.9 }, 0.6)",
        trace,
    )
    for panel, values, exact in zip(
        panels, (trace["energies"], trace["magnetisations"]), (-1.75, 0.9), strict=True
    ):
        lines = [one for one in panel["series"] if one["type"] == "line"]
        assert lines[0]["y"] == [exact, exact]
        assert lines[-1]["x"] == [0, 1, 2, 3, 4]
        assert lines[-1]["y"] == values
        low, high = panel["ylim"]
        assert low <= min(values)
        assert high >= max(values)
    assert panels[1]["series"][1]["y"] == [0.6, 0.6]
    found = run_js("isinglive.js", "given.map(lateMean)", [trace["energies"], [3.0]])
    assert_allclose(found, [np.mean(trace["energies"][2:]), 3.0])
    late = run_js(
        "isinglive.js",
        "tracePanels(given, { energy: 0, magnetisation: 0 }, 0.6)[0]",
        {"sweeps": 1000, "energies": [0.0] * 300, "magnetisations": [0.0] * 300},
    )
    assert late["xlim"] == [700, 1000]
    assert late["series"][1]["x"][0] == 701


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"slope": -1.0}, "slope must be positive"),
        ({"intercept": np.nan}, "intercept and slope"),
        ({"size": 7}, "size must be an integer from 8 to 128"),
        ({"size": 16.0}, "size"),
        ({"temperature": 0.5}, "temperature must be from 1 to 4"),
        ({"temperature": "hot"}, "temperature"),
        ({"algorithm": "glauber"}, "algorithm must be one of"),
        ({"alt": "spins"}, "alt must say"),
        ({"height": (10, 10)}, "height"),
    ],
)
def test_bad_input_is_refused(wrong, words):
    arguments = {"intercept": -5.0, "slope": 10.0, "alt": ALT} | wrong
    with pytest.raises(ValueError, match=words):
        IsingLive(**arguments)


def test_the_critical_temperature_lies_on_the_slider():
    low, *_, high = IsingLive(-5.0, 10.0, alt=ALT).data["temperatures"]
    assert low < CRITICAL_TEMPERATURE < high
