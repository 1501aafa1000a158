"""The Ising model: exact results against each other, and the samplers against the exact results.

What is random is compared at four standard errors, which are computed from the samples themselves.
Each such comparison has a twin that does the same with a wrong rule, and must fail.
"""

from itertools import product

import mpmath
import numpy as np
import pytest
from dlmath.datasets import simulate_ising
from dlmath.ising import (
    CRITICAL_TEMPERATURE,
    _samplers,
    all_states,
    autocorrelation,
    energy,
    exact_enumeration,
    finite_lattice,
    integrated_autocorrelation_time,
    magnetisation,
    mean_and_error,
    metropolis,
    neighbour_sum,
    onsager_energy,
    onsager_log_partition,
    onsager_specific_heat,
    pair_products,
    spontaneous_magnetisation,
    wolff,
)
from numpy.testing import assert_allclose, assert_array_equal

SIGMAS = 4


def bonds(size):
    """List the bonds as pairs of sites, by hand."""
    return [
        ((i, j), neighbour)
        for i, j in product(range(size), repeat=2)
        for neighbour in (((i + 1) % size, j), (i, (j + 1) % size))
    ]


def slow_energy(spins):
    return -sum(int(spins[a]) * int(spins[b]) for a, b in bonds(len(spins)))


# Energy, magnetisation, correlations.


@pytest.mark.parametrize("size", [2, 3, 4, 7])
def test_energy_sums_over_bonds(size):
    spins = np.random.default_rng(size).choice([-1, 1], (2, 3, size, size))
    found = energy(spins)
    assert found.shape == (2, 3)
    assert_array_equal(found, [[slow_energy(one) for one in row] for row in spins])
    assert_allclose(pair_products(spins), found / (-2 * size**2), atol=1e-15)


def test_energies_of_states_that_can_be_counted_by_hand():
    up = np.ones((4, 4))
    one_down, stripes = up.copy(), up.copy()
    one_down[1, 2] = -1
    stripes[:2] = -1
    chess = np.indices((4, 4)).sum(axis=0) % 2 * 2 - 1
    assert energy([up, one_down, stripes, chess, -up]).tolist() == [-32, -24, -16, 32, -32]
    assert magnetisation([up, one_down, stripes, chess]).tolist() == [1, 14 / 16, 0, 0]
    assert energy(np.ones((2, 2))) == -8
    assert energy([[1, -1], [-1, -1]]) == 0


def test_a_flip_costs_twice_the_spin_times_its_neighbours():
    spins = np.random.default_rng(0).choice([-1, 1], (5, 5)).astype(np.int8)
    for site in np.ndindex(5, 5):
        flipped = spins.copy()
        flipped[site] *= -1
        cost = 2 * spins[site] * neighbour_sum(spins)[site]
        assert energy(flipped) - energy(spins) == cost


def test_products_at_a_distance():
    spins = np.random.default_rng(0).choice([-1, 1], (6, 6))
    expected = np.mean(
        [
            spins[i, j] * spins[other]
            for i, j in np.ndindex(6, 6)
            for other in (((i + 2) % 6, j), (i, (j + 2) % 6))
        ]
    )
    assert_allclose(pair_products(spins, 2), expected, atol=1e-15)
    assert_allclose(pair_products(spins, 4), expected, atol=1e-15)


# Exact results.


def test_all_states_are_all():
    states = all_states(3)
    assert states.shape == (512, 3, 3)
    assert states.dtype == np.int8
    assert len(np.unique(states.reshape(512, 9), axis=0)) == 512
    assert_array_equal(states[5].ravel(), [1, -1, 1, -1, -1, -1, -1, -1, -1])


def test_enumeration_by_a_transfer_matrix():
    """Rows of four spins, joined by a matrix: the trace of its fourth power is Z."""
    temperature = 1.9
    rows = np.array(list(product([-1, 1], repeat=4)))
    within = np.sum(rows * np.roll(rows, 1, axis=1), axis=1)

    def log_trace(K):
        transfer = np.exp(K * (rows @ rows.T + within[:, None]))
        return np.log(np.trace(np.linalg.matrix_power(transfer, 4)))

    exact, h = exact_enumeration(4, temperature), 1e-4
    K = 1 / temperature
    assert_allclose(exact.log_partition, log_trace(K), rtol=1e-13)
    slope = (log_trace(K + h) - log_trace(K - h)) / (2 * h)
    bend = (log_trace(K + h) - 2 * log_trace(K) + log_trace(K - h)) / h**2
    assert_allclose(exact.energy, -slope / 16, rtol=1e-7)
    assert_allclose(exact.specific_heat, K**2 * bend / 16, rtol=1e-5)
    # A field that acts on the sum of the spins: the second derivative is the variance of the sum.
    state = np.add.outer(rows.sum(axis=1), rows.sum(axis=1)) / 2

    def in_field(field):
        transfer = np.exp(K * (rows @ rows.T + within[:, None] + field * state))
        return np.log(np.trace(np.linalg.matrix_power(transfer, 4)))

    response = (in_field(h) - 2 * in_field(0) + in_field(-h)) / h**2
    assert_allclose(exact.susceptibility, temperature * response / 16, rtol=1e-5)
    assert_allclose(exact.squared_magnetisation, response / K**2 / 16**2, rtol=1e-5)


@pytest.mark.parametrize("size", [2, 3, 4])
@pytest.mark.parametrize("temperature", [0.5, 1.5, float(CRITICAL_TEMPERATURE), 2.5, 9.0])
def test_kaufman_agrees_with_enumeration(size, temperature):
    found, exact = finite_lattice(size, temperature), exact_enumeration(size, temperature)
    for name in ("log_partition", "energy"):
        assert_allclose(found[name], exact[name], rtol=2e-13)
    assert_allclose(found.specific_heat, exact.specific_heat, rtol=1e-9, atol=1e-13)


def test_kaufman_by_the_transfer_matrix_of_eight_rows():
    K, rows = 1 / 2.4, np.array(list(product([-1, 1], repeat=8)))
    within = np.sum(rows * np.roll(rows, 1, axis=1), axis=1)
    transfer = np.exp(K * (rows @ rows.T + within[:, None] / 2 + within / 2))
    values = np.linalg.eigvalsh(transfer)
    log_z = np.log(np.sum((values / values[-1]) ** 8)) + 8 * np.log(values[-1])
    assert_allclose(finite_lattice(8, 2.4).log_partition, log_z, rtol=1e-13)


@pytest.mark.parametrize("temperature", [1.0, 1.7, 3.0, 6.0])
def test_large_lattices_tend_to_onsagers_results(temperature):
    """Away from the critical point the corrections fall exponentially with the size."""
    found = finite_lattice(128, temperature)
    assert_allclose(found.energy, onsager_energy(temperature), rtol=1e-12)
    assert_allclose(found.specific_heat, onsager_specific_heat(temperature), rtol=1e-7)
    # Two ordered states below the critical temperature add log 2.
    extra = np.log(2) / 128**2 if temperature < CRITICAL_TEMPERATURE else 0
    per_spin = found.log_partition / 128**2 - extra
    assert_allclose(per_spin, onsager_log_partition(temperature), rtol=1e-12)


def test_onsager_by_numerical_differentiation_of_his_integral():
    """The double integral of the free energy in its first form, by mpmath."""

    def log_partition(K):
        K = mpmath.mpf(K)
        modulus = 2 * mpmath.sinh(2 * K) / mpmath.cosh(2 * K) ** 2
        integral = mpmath.quad(
            lambda a: mpmath.log((1 + mpmath.sqrt(1 - (modulus * mpmath.sin(a)) ** 2)) / 2),
            [0, mpmath.pi / 2, mpmath.pi],
        )
        return mpmath.log(2 * mpmath.cosh(2 * K)) + integral / (2 * mpmath.pi)

    for temperature in (1.7, 2.6):
        K = 1 / mpmath.mpf(temperature)
        assert_allclose(onsager_log_partition(temperature), float(log_partition(K)), rtol=1e-10)
        slope = float(mpmath.diff(log_partition, K))
        bend = float(mpmath.diff(log_partition, K, 2))
        assert_allclose(onsager_energy(temperature), -slope, rtol=1e-8)
        assert_allclose(onsager_specific_heat(temperature), bend / temperature**2, rtol=1e-6)


def test_the_critical_point():
    assert_allclose(np.sinh(2 / CRITICAL_TEMPERATURE), 1, rtol=1e-15)
    assert_allclose(onsager_energy(CRITICAL_TEMPERATURE), -np.sqrt(2), rtol=1e-14)
    assert onsager_specific_heat(CRITICAL_TEMPERATURE) > 15
    assert spontaneous_magnetisation(CRITICAL_TEMPERATURE * (1 + 1e-12)) == 0
    m = spontaneous_magnetisation([1e-3, 0.5, 2.0, 2.269, 2.27, 100])
    assert_allclose(m[:3], [1, 1 - 2 * np.exp(-16), 0.9113], rtol=1e-4)
    assert 0.3 < m[3] < 0.4
    assert_array_equal(m[4:], 0)
    assert_allclose(onsager_energy([0.3, 1e3]), [-2, -2e-3], rtol=1e-3)


def test_yangs_magnetisation_by_correlations_far_apart():
    """Spins far apart are independent but for the common sign: <s s'> tends to m^2."""
    m = spontaneous_magnetisation(1.5)
    spins = simulate_ising(2000, 16, 1.5, seed=4)
    mean, error = mean_and_error(pair_products(spins, 8))
    assert error < 1e-3
    assert abs(mean - m**2) < SIGMAS * error


# One step of the chain, exactly.


def boltzmann(states, temperature):
    weights = np.exp(-energy(states) / temperature)
    return weights / weights.sum()


def single_site(states, temperature, rule):
    """Transition matrix: choose one site at random, accept its flip by the rule."""
    count, size = len(states), states.shape[-1]
    number = 2 ** np.arange(size**2)
    index = (states.reshape(count, -1) == 1) @ number
    order = np.argsort(index)
    chain = np.zeros((count, count))
    costs = 2 * states * np.array([neighbour_sum(state) for state in states])
    for k, site in product(range(count), range(size**2)):
        target = order[index[k] ^ number[site]]
        share = rule(costs[k].ravel()[site] / temperature) / size**2
        chain[k, target] += share
        chain[k, k] += 1 / size**2 - share
    return chain


def of_metropolis(x):
    return min(1.0, np.exp(-x))


@pytest.mark.parametrize("size", [2, 3])
def test_single_flips_satisfy_detailed_balance(size):
    states = all_states(size)
    p = boltzmann(states, 2.0)
    chain = single_site(states, 2.0, of_metropolis)
    flow = p[:, None] * chain
    assert_allclose(chain.sum(axis=1), 1, rtol=1e-14)
    assert_allclose(flow, flow.T, atol=1e-17)
    assert_allclose(p @ chain, p, rtol=1e-12)
    for wrong in (lambda x: min(1.0, np.exp(-x / 2)), lambda x: min(1.0, np.exp(x))):
        other = p[:, None] * single_site(states, 2.0, wrong)
        assert np.abs(other - other.T).max() > 1e-5


def half_sweep(states, temperature, colour):
    """Transition matrix of the simultaneous update of one colour."""
    count, size = len(states), states.shape[-1]
    sites = [k for k in range(size**2) if (k // size + k % size) % 2 == colour]
    number = 2 ** np.arange(size**2)
    chain = np.zeros((count, count))
    for k, state in enumerate(states):
        cost = (2 * state * neighbour_sum(state)).ravel()[sites]
        accept = 0.95 * np.minimum(1, np.exp(-cost / temperature))
        for flips in product([0, 1], repeat=len(sites)):
            chain[k, k ^ np.dot(number[sites], flips)] += np.prod(
                np.where(flips, accept, 1 - accept)
            )
    return chain


def test_a_sweep_keeps_the_distribution_and_has_no_detailed_balance():
    states = all_states(2)
    p = boltzmann(states, 2.0)
    white, black = (half_sweep(states, 2.0, colour) for colour in (0, 1))
    for chain in (white, black):
        flow = p[:, None] * chain
        assert_allclose(flow, flow.T, atol=1e-17)
    sweep = white @ black
    assert_allclose(p @ sweep, p, rtol=1e-13)
    flow = p[:, None] * sweep
    assert np.abs(flow - flow.T).max() > 1e-3
    assert_allclose(flow.T, p[:, None] * (black @ white), atol=1e-16)
    # All sites at once, each looking at the old neighbours, is wrong.
    everything = np.ones((16, 16))
    for k, state in enumerate(states):
        accept = np.minimum(1, np.exp(-(2 * state * neighbour_sum(state)).ravel() / 2.0))
        for flips in product([0, 1], repeat=4):
            target = k ^ np.dot([1, 2, 4, 8], flips)
            everything[k, target] = np.prod(np.where(flips, accept, 1 - accept))
    assert_allclose(everything.sum(axis=1), 1)
    assert np.abs(p @ everything - p).max() > 0.01


def test_the_sampler_makes_the_sweep_whose_matrix_is_known():
    """Many lattices that start alike, after one sweep: their shares are a row of the matrix."""
    states, chains = all_states(2), 200_000
    sweep = half_sweep(states, 2.0, 0) @ half_sweep(states, 2.0, 1)
    for start in (0, 3, 14):
        spins = np.repeat(states[start : start + 1], chains, axis=0)
        metropolis(spins, 2.0, 1, np.random.default_rng(start))
        found = np.bincount((spins.reshape(chains, 4) == 1) @ [1, 2, 4, 8], minlength=16)
        sd = np.sqrt(chains * sweep[start] * (1 - sweep[start]))
        assert np.all(np.abs(found - chains * sweep[start]) <= SIGMAS * sd)


def diagonal_stripes(size):
    """Two up, two down along rows and columns: the neighbours of each site cancel."""
    return np.where(np.indices((size, size)).sum(axis=0) % 4 < 2, 1, -1).astype(np.int8)[None]


@pytest.mark.parametrize("size", [4, 8])
def test_proposals_are_left_out_because_stripes_would_never_melt(size, monkeypatch):
    """A flip that costs nothing is never refused by Metropolis' rule itself."""
    stripes, rng = diagonal_stripes(size), np.random.default_rng(0)
    assert not neighbour_sum(stripes).any()
    spins = stripes.copy()
    metropolis(spins, 1.0, 200, rng)
    assert energy(spins) < 0
    monkeypatch.setattr(_samplers, "SKIPPED", 0.0)
    spins = stripes.copy()
    for sweep in range(1, 7):
        metropolis(spins, 1.0, 1, rng)
        assert_array_equal(spins, (-1) ** sweep * stripes)


def cluster_flips(states):
    """List all ways to flip one cluster: from k to target, with how many of the bonds taken."""
    size, count = states.shape[-1], len(states)
    joined = [(a[0] * size + a[1], b[0] * size + b[1]) for a, b in bonds(size)]
    number, ways = 2 ** np.arange(size**2), []
    for k, state in enumerate(states.reshape(count, -1)):
        equal = [(a, b) for a, b in joined if state[a] == state[b]]
        for taken in product([0, 1], repeat=len(equal)):
            label = list(range(size**2))
            for (a, b), one in zip(equal, taken, strict=True):
                if one and label[a] != label[b]:
                    label = [label[a] if other == label[b] else other for other in label]
            for site in range(size**2):
                cluster = np.array(label) == label[site]
                ways.append((k, k ^ int(number[cluster].sum()), sum(taken), len(equal)))
    return np.array(ways).T


def wolff_matrix(states, take):
    """Transition matrix of one cluster flip on a tiny lattice: over all sets of taken bonds."""
    source, target, taken, equal = cluster_flips(states)
    chain = np.zeros((len(states), len(states)))
    sites = states.shape[-1] ** 2
    np.add.at(chain, (source, target), take**taken * (1 - take) ** (equal - taken) / sites)
    return chain


def test_a_cluster_satisfies_detailed_balance_with_the_right_bonds_only():
    states, temperature = all_states(2), 2.5
    p = boltzmann(states, temperature)
    flow = p[:, None] * wolff_matrix(states, 1 - np.exp(-2 / temperature))
    assert_allclose(flow, flow.T, atol=1e-16)
    for take in (1 - np.exp(-1 / temperature), 1 - np.exp(-4 / temperature), np.exp(-2 / 2.5)):
        flow = p[:, None] * wolff_matrix(states, take)
        assert np.abs(flow - flow.T).max() > 1e-3


def test_the_sampler_flips_the_clusters_whose_matrix_is_known():
    states, chains = all_states(2), 200_000
    matrix = wolff_matrix(states, 1 - np.exp(-2 / 2.5))
    for start in (0, 1, 6):
        spins = np.repeat(states[start : start + 1], chains, axis=0)
        flipped = wolff(spins, 2.5, 1, np.random.default_rng(start))
        assert_array_equal(flipped, (spins != states[start]).sum(axis=(1, 2)))
        found = np.bincount((spins.reshape(chains, 4) == 1) @ [1, 2, 4, 8], minlength=16)
        sd = np.sqrt(chains * matrix[start] * (1 - matrix[start]))
        assert np.all(np.abs(found - chains * matrix[start]) <= SIGMAS * sd)


# Averages.


def averages(spins):
    """Mean and standard error of what is known exactly; spins of shape (n, size, size)."""
    sites = spins.shape[-1] ** 2
    m = magnetisation(spins)
    return {
        "energy": mean_and_error(energy(spins) / sites),
        "abs_magnetisation": mean_and_error(np.abs(m)),
        "squared_magnetisation": mean_and_error(m**2),
    }


def misses(found, exact):
    """Say by how many standard errors the averages miss the exact values."""
    return {name: abs(mean - exact[name]) / error for name, (mean, error) in found.items()}


@pytest.mark.parametrize("algorithm", ["metropolis", "wolff"])
@pytest.mark.parametrize("temperature", [1.5, 2.269, 4.0])
def test_samples_of_a_small_lattice_agree_with_enumeration(algorithm, temperature):
    spins = simulate_ising(8000, 4, temperature, algorithm=algorithm, seed=1)
    found, exact = averages(spins), exact_enumeration(4, temperature)
    assert max(misses(found, exact).values()) < SIGMAS, found
    # Errors small enough to tell a temperature that is one twentieth off.
    off = exact_enumeration(4, 1.05 * temperature)
    assert max(misses(found, off).values()) > SIGMAS
    # Fluctuations too: the specific heat is the variance of the energy.
    squares = (energy(spins) - 16 * exact.energy) ** 2 / (16 * temperature**2)
    mean, error = mean_and_error(squares)
    assert abs(mean - exact.specific_heat) < SIGMAS * error


@pytest.mark.parametrize("algorithm", ["metropolis", "wolff"])
@pytest.mark.parametrize("temperature", [1.8, 3.2])
def test_samples_of_a_large_lattice_agree_with_onsager_and_yang(algorithm, temperature):
    """The lattice is more than ten correlation lengths wide, and its energy known: see below."""
    size = 32
    exact = onsager_energy(temperature)
    assert_allclose(finite_lattice(size, temperature).energy, exact, atol=1e-6)
    spins = simulate_ising(300, size, temperature, algorithm=algorithm, seed=2)
    mean, error = mean_and_error(energy(spins) / size**2)
    assert error < 4e-3
    assert abs(mean - exact) < SIGMAS * error
    mean, error = mean_and_error(np.abs(magnetisation(spins)))
    if temperature < CRITICAL_TEMPERATURE:
        assert abs(mean - spontaneous_magnetisation(temperature)) < SIGMAS * error
    else:
        # A Gaussian of the variance chi tau/N; its mean modulus vanishes as 1/size.
        assert 0 < mean < 3 / size


def test_both_samplers_agree_at_the_critical_temperature_of_a_finite_lattice():
    exact = finite_lattice(12, CRITICAL_TEMPERATURE)
    found = {}
    for algorithm in ("metropolis", "wolff"):
        spins = simulate_ising(1500, 12, CRITICAL_TEMPERATURE, algorithm=algorithm, seed=3)
        found[algorithm] = averages(spins)
        mean, error = found[algorithm]["energy"]
        assert abs(mean - exact.energy) < SIGMAS * error
    for name in ("abs_magnetisation", "squared_magnetisation"):
        (a, da), (b, db) = (found[algorithm][name] for algorithm in found)
        assert abs(a - b) < SIGMAS * np.hypot(da, db)


class Biased:
    """A generator whose numbers for acceptance are bent: the sampler then has a wrong rule."""

    def __init__(self, exponential=1.0, uniform=None):
        self.rng = np.random.default_rng(5)
        self.factor, self.uniform = exponential, uniform
        self.integers = self.rng.integers

    def standard_exponential(self, *arguments):
        return self.factor * self.rng.standard_exponential(*arguments)

    def random(self, *arguments):
        return self.uniform(self.rng.random(*arguments))


def test_wrong_rules_are_told_by_the_averages():
    """Acceptance exp(-dE/2 tau) and bonds 1 - exp(-1/tau) both miss the energy by far."""
    temperature, exact = 2.269, exact_enumeration(4, 2.269)
    spins = np.ones((8000, 4, 4), np.int8)
    metropolis(spins, temperature, 100, Biased(exponential=2.0))
    assert misses(averages(spins), exact)["energy"] > 10 * SIGMAS
    right, wrong = -np.expm1(-2 / temperature), -np.expm1(-1 / temperature)
    spins = np.ones((4000, 4, 4), np.int8)
    wolff(spins, temperature, 60, Biased(uniform=lambda u: u * right / wrong))
    assert misses(averages(spins), exact)["energy"] > 10 * SIGMAS
    # And with bonds counted twice the exact value is another one.
    doubled = exact_enumeration(4, temperature / 2)
    spins = simulate_ising(2000, 4, temperature, seed=1)
    assert misses(averages(spins), doubled)["energy"] > 5 * SIGMAS


def test_fewer_neighbours_across_the_boundary_are_told_too():
    """With open boundaries the mean energy is another one, by many standard errors."""
    spins = simulate_ising(2000, 4, 2.269, seed=1)
    open_energy = -(
        np.sum(spins[:, 1:] * spins[:, :-1], axis=(1, 2), dtype=int)
        + np.sum(spins[..., 1:] * spins[..., :-1], axis=(1, 2), dtype=int)
    )
    mean, error = mean_and_error(open_energy / 16)
    assert abs(mean - exact_enumeration(4, 2.269).energy) > 10 * SIGMAS * error


# Error bars.


def autoregression(chains, steps, a, seed=0):
    """Give series with rho(t) = a^t, in equilibrium from the beginning, with unit variance."""
    rng = np.random.default_rng(seed)
    series = np.empty((chains, steps))
    series[:, 0] = rng.standard_normal(chains)
    for k in range(1, steps):
        series[:, k] = a * series[:, k - 1] + np.sqrt(1 - a**2) * rng.standard_normal(chains)
    return series


@pytest.mark.parametrize("a", [0.0, 0.5, 0.9])
def test_the_autocorrelation_time_of_a_known_process(a):
    series = autoregression(20, 5000, a)
    assert_allclose(autocorrelation(series)[:4], a ** np.arange(4), atol=0.02)
    time = integrated_autocorrelation_time(series)
    # Madras and Sokal: its relative variance is about (4 W + 2)/n with the window W.
    expected = 0.5 * (1 + a) / (1 - a)
    sd = expected * np.sqrt((4 * 5 * expected + 2) / series.size)
    assert abs(time - expected) < SIGMAS * sd + 0.01 * expected
    assert integrated_autocorrelation_time(np.repeat(series, 2, axis=1)) > 1.5 * time


def test_error_bars_are_those_of_the_mean():
    """Over many series the means scatter as the errors say; without tau_int they would not."""
    series = autoregression(400, 2000, 0.8, seed=1)
    found = np.array([mean_and_error(one) for one in series])
    scatter = found[:, 0].std()
    assert_allclose(found[:, 1].mean(), scatter, rtol=0.12)
    naive = series.std(axis=1).mean() / np.sqrt(2000)
    assert scatter > 2.5 * naive


def test_the_autocorrelation_by_its_definition():
    series = np.random.default_rng(2).normal(size=(3, 40)).cumsum(axis=1)
    deviations = series - series.mean()
    sums = [np.mean(deviations[:, t:] * deviations[:, : 40 - t]) for t in range(40)]
    assert_allclose(autocorrelation(series), np.array(sums) / sums[0], atol=1e-12)


def test_a_constant_series_has_no_error():
    assert mean_and_error(np.full(10, 3.0)) == (3.0, 0.0)


# simulate_ising.


def test_simulated_samples_have_shape_type_and_seed():
    spins = simulate_ising(7, 6, 2.0, seed=3)
    assert spins.shape == (7, 6, 6)
    assert spins.dtype == np.int8
    assert set(np.unique(spins)) <= {-1, 1}
    assert_array_equal(spins, simulate_ising(7, 6, 2.0, seed=3))
    assert not np.array_equal(spins, simulate_ising(7, 6, 2.0, seed=4))
    several = simulate_ising(5, 6, [1.0, 5.0], algorithm="metropolis", seed=0)
    assert several.shape == (2, 5, 6, 6)
    assert energy(several[0]).mean() < energy(several[1]).mean()
    assert simulate_ising(1, 3, 2.0).shape == (1, 3, 3)


@pytest.mark.parametrize("algorithm", ["metropolis", "wolff"])
@pytest.mark.parametrize(("size", "temperature"), [(8, 1.2), (8, 2.269), (12, 2.4), (8, 4.0)])
def test_samples_of_one_chain_are_nearly_independent(algorithm, size, temperature):
    """With the thinning of the default: the integrated time is near the 1/2 of independence."""
    spins = simulate_ising(1600, size, temperature, algorithm=algorithm, chains=40, seed=6)
    series = spins.reshape(40, 40, size, size)
    for values in (energy(series), np.abs(magnetisation(series)), magnetisation(series)):
        assert integrated_autocorrelation_time(values) < 0.85


def test_both_signs_are_equally_likely_below_the_critical_temperature():
    for algorithm in ("metropolis", "wolff"):
        m = magnetisation(simulate_ising(1000, 8, 1.0, algorithm=algorithm, seed=7))
        up = np.sum(m > 0)
        assert abs(up - 500) < SIGMAS * np.sqrt(250)


REFUSED = [
    ({"n_samples": 0}, "n_samples"),
    ({"n_samples": 2.5}, "n_samples"),
    ({"size": 1}, "size"),
    ({"size": 4.0}, "size"),
    ({"size": 5, "algorithm": "metropolis"}, "size must be even"),
    ({"temperature": 0}, "temperature"),
    ({"temperature": -1.0}, "temperature"),
    ({"temperature": [1.0, np.inf]}, "temperature"),
    ({"temperature": "hot"}, "temperature"),
    ({"temperature": [[1.0]]}, "temperature"),
    ({"algorithm": "glauber"}, "algorithm"),
    ({"chains": 0}, "chains"),
    ({"thin": 0}, "thin"),
    ({"burn_in": -1}, "burn_in"),
]


@pytest.mark.parametrize(("wrong", "words"), REFUSED)
def test_simulate_refuses(wrong, words):
    arguments = {"n_samples": 3, "size": 4, "temperature": 2.0} | wrong
    with pytest.raises(ValueError, match=words):
        simulate_ising(**arguments)


@pytest.mark.parametrize("sampler", [metropolis, wolff])
@pytest.mark.parametrize(
    ("spins", "temperature", "count", "words"),
    [
        (np.ones((2, 4, 4), int), 2.0, 1, "spins must be an int8 array"),
        (np.ones((4, 4), np.int8), 2.0, 1, "spins must be an int8 array"),
        (np.ones((1, 4, 6), np.int8), 2.0, 1, "square"),
        (np.ones((1, 1, 1), np.int8), 2.0, 1, "size 2 or more"),
        (np.zeros((1, 4, 4), np.int8), 2.0, 1, r"spins must be \+1 or -1"),
        (np.ones((1, 4, 4), np.int8), 0.0, 1, "temperature"),
        (np.ones((1, 4, 4), np.int8), np.nan, 1, "temperature"),
        (np.ones((1, 4, 4), np.int8), True, 1, "temperature"),
        (np.ones((1, 4, 4), np.int8), 2.0, -1, "sweeps|clusters"),
    ],
)
def test_samplers_refuse(sampler, spins, temperature, count, words):
    before = spins.copy()
    with pytest.raises(ValueError, match=words):
        sampler(spins, temperature, count, np.random.default_rng(0))
    assert_array_equal(spins, before)


def test_the_chessboard_refuses_odd_sizes():
    with pytest.raises(ValueError, match="size must be even"):
        metropolis(np.ones((1, 3, 3), np.int8), 2.0, 1, np.random.default_rng(0))


@pytest.mark.parametrize(
    ("function", "arguments", "words"),
    [
        (energy, ([1, 1],), "spins must have a shape"),
        (energy, (np.ones((2, 3)),), "spins must have a shape"),
        (energy, (np.zeros((2, 2)),), r"spins must be \+1 or -1"),
        (magnetisation, (2 * np.ones((2, 2)),), "spins"),
        (pair_products, (np.ones((3, 3)), 3), "distance must be below"),
        (pair_products, (np.ones((3, 3)), 0), "distance"),
        (all_states, (5,), "size must be at most 4"),
        (exact_enumeration, (1, 2.0), "size"),
        (exact_enumeration, (2, 0.0), "temperature"),
        (finite_lattice, (0, 2.0), "size"),
        (finite_lattice, (4, -2.0), "temperature"),
        (onsager_energy, ([1, 0],), "temperature"),
        (onsager_specific_heat, (None,), "temperature"),
        (onsager_log_partition, ("x",), "temperature"),
        (spontaneous_magnetisation, (-1,), "temperature"),
        (autocorrelation, ([1.0],), "series must have"),
        (mean_and_error, ([1.0, np.nan],), "series contains NaN"),
        (mean_and_error, (["a", "b"],), "series must hold numbers"),
        (integrated_autocorrelation_time, ([1.0, 2.0], 0), "window"),
    ],
)
def test_functions_refuse(function, arguments, words):
    with pytest.raises(ValueError, match=words):
        function(*arguments)
