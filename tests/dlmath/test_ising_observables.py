"""Observables of configurations, their errors, a thermometer, and exact averages on a torus."""

import numpy as np
import pytest
from dlmath.datasets import simulate_ising
from dlmath.ising import (
    all_states,
    correlation_length,
    energy,
    exact_enumeration,
    exact_torus,
    finite_lattice,
    jackknife,
    magnetisation,
    magnetisation_law,
    observables,
    pack_spins,
    thermometer,
    transfer_matrix,
    unpack_spins,
)
from numpy.testing import assert_allclose, assert_array_equal

TAU = 2.27


@pytest.fixture(scope="module")
def states():
    spins = all_states(4)
    weights = np.exp(-energy(spins) / TAU)
    return spins, weights / weights.sum()


def test_the_transfer_matrix_agrees_with_enumeration(states):
    spins, p = states
    exact, found = exact_enumeration(4, TAU), exact_torus(4, TAU)
    for name in ("log_partition", "energy", "squared_magnetisation", "susceptibility"):
        assert_allclose(found[name], exact[name], rtol=1e-12)
    products = [p @ (spins[:, 0, 0] * spins[:, 0, r]) for r in range(3)]
    assert_allclose(found.correlation, products, rtol=1e-12)
    wave = np.abs(np.fft.fft2(spins)[:, 0, 1]) ** 2
    assert_allclose(
        found.length, correlation_length(exact.squared_magnetisation * 16, p @ wave / 16, 4)
    )
    up = (spins.sum(axis=(1, 2)) + 16) // 2
    assert_allclose(magnetisation_law(4, TAU), np.bincount(up, p, 17), atol=1e-14)


def test_the_transfer_matrix_agrees_with_kaufman():
    exact, found = finite_lattice(8, TAU), exact_torus(8, TAU)
    assert_allclose(found.log_partition, exact.log_partition, rtol=1e-12)
    assert_allclose(found.energy, exact.energy, rtol=1e-10)


def test_the_law_of_the_magnetisation_has_the_exact_second_moment():
    law, m = magnetisation_law(6, TAU), np.arange(-36, 37, 2) / 36
    assert law.min() > 0
    assert_allclose(law, law[::-1], rtol=1e-7)
    assert_allclose(law @ m**2, exact_torus(6, TAU).squared_magnetisation, rtol=1e-10)


@pytest.mark.parametrize("K", [0.0, 0.2, 0.44])
def test_the_thermometer_reads_the_temperature(K):
    """From all states, each as often as its weight says: here by copies."""
    if K == 0:
        assert_allclose(thermometer(all_states(4)), 0, atol=1e-12)
        return
    spins = simulate_ising(4000, 8, 1 / K, seed=1)
    assert abs(thermometer(spins) - K) < 0.01


def test_the_thermometer_at_its_ends():
    assert thermometer(np.ones((2, 4, 4))) == np.inf
    board = np.indices((4, 4)).sum(axis=0) % 2 * 2 - 1
    assert thermometer(board[np.newaxis]) == -np.inf
    stripes = np.where(np.indices((4, 4)).sum(axis=0) % 4 < 2, 1, -1)
    with pytest.raises(ValueError, match="as many neighbours"):
        thermometer(stripes[np.newaxis])


def test_observables_are_those_of_the_other_functions():
    spins = simulate_ising(300, 6, TAU, seed=3)
    found = observables(spins, TAU)
    total, m = energy(spins), magnetisation(spins)
    assert_allclose(found.energy, total.mean() / 36)
    assert_allclose(found.energy, -2 * found.correlation[1])
    assert_allclose(found.specific_heat, total.var() / 36 / TAU**2)
    assert_allclose(found.susceptibility, 36 * np.mean(m**2) / TAU)
    assert_allclose(found.up, np.mean(m > 0) + np.mean(m == 0) / 2)
    waves = np.abs(np.fft.fft2(spins)) ** 2 / 36
    first = (waves[:, 0, 1] + waves[:, 1, 0]).mean() / 2
    assert_allclose(found.length, correlation_length(waves[:, 0, 0].mean(), first, 6))


def test_errors_of_the_jackknife():
    """They are those of a mean for a mean; exact values lie within a few of them."""
    spins = simulate_ising(2048, 8, 2.6, seed=5)
    found, exact = jackknife(spins, 2.6), exact_torus(8, 2.6)
    naive = energy(spins).std() / 64 / np.sqrt(2048)
    assert 0.6 < found.energy[1] / naive < 1.6
    for name in ("energy", "susceptibility", "length"):
        assert abs(found[name][0] - exact[name]) < 4 * found[name][1]
    apart = np.abs(found.correlation[0] - exact.correlation)
    assert (apart <= 4 * found.correlation[1] + 1e-12).all()
    assert abs(found.thermometer[0] - 1 / 2.6) < 4 * found.thermometer[1]
    heat = finite_lattice(8, 2.6).specific_heat
    assert abs(found.specific_heat[0] - heat) < 4 * found.specific_heat[1]


def test_errors_are_infinite_where_a_value_is():
    found = jackknife(np.ones((64, 4, 4), dtype=int), 1.0)
    assert found.thermometer[1] == np.inf
    assert found.length[0] > 1e6


def test_packed_spins_come_back():
    spins = simulate_ising(5, 8, TAU, seed=0)
    text = pack_spins(spins)
    assert len(text) == 5 * 16
    assert_array_equal(unpack_spins(text, 8), spins)
    with pytest.raises(ValueError, match="multiple of 8"):
        pack_spins(np.ones((1, 3, 3)))
    with pytest.raises(ValueError, match="lattices of 9"):
        unpack_spins("ff", 3)


def test_bad_input_is_refused():
    with pytest.raises(ValueError, match="at least 2"):
        observables(np.ones((1, 4, 4)), 1.0)
    with pytest.raises(ValueError, match="at least 64"):
        jackknife(np.ones((10, 4, 4)), 1.0)
    with pytest.raises(ValueError, match="at most 9"):
        transfer_matrix(10, 1.0)
    with pytest.raises(ValueError, match="even"):
        magnetisation_law(5, 1.0)
