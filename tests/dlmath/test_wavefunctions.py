"""The transverse-field Ising chain: matrices, samples, gradients, and the exact energies."""

import numpy as np
import pytest
from dlmath.wavefunctions import (
    RBMWaveFunction,
    exact_averages,
    free_fermion_energy,
    ground_state,
    local_energies,
    observables,
    sample_spins,
    sampled_averages,
    spin_states,
    stochastic_reconfiguration,
    transverse_field_ising,
)
from numpy.testing import assert_allclose, assert_array_equal


def wave(n=5, m=4, seed=0, scale=0.4):
    rng = np.random.default_rng(seed)
    return RBMWaveFunction(*(scale * rng.normal(size=s) for s in (n, m, (n, m))))


def pauli_chain(n, h):
    """Build H from Kronecker products; spin i is digit i, so the last factor is spin 0."""
    one, x, z = np.eye(2), np.array([[0, 1], [1, 0]]), np.diag([-1, 1])

    def at(operators):
        product = np.eye(1)
        for i in reversed(range(n)):
            product = np.kron(product, operators.get(i, one))
        return product

    bonds = sum(at({i: z, (i + 1) % n: z}) for i in range(n))
    return -bonds - h * sum(at({i: x}) for i in range(n))


@pytest.mark.parametrize(("n", "h"), [(3, 0.7), (4, 0.0), (6, 1.3)])
def test_the_matrix_is_that_of_kronecker_products(n, h):
    assert_allclose(transverse_field_ising(n, h).toarray(), pauli_chain(n, h), atol=1e-14)


@pytest.mark.parametrize("n", [3, 5, 8])
@pytest.mark.parametrize("h", [0.3, 1.0, 2.5])
def test_the_ground_state_has_the_energy_of_free_fermions(n, h):
    ground = ground_state(n, h)
    assert_allclose(ground.energy, free_fermion_energy(n, h), rtol=1e-12)
    assert_allclose(
        transverse_field_ising(n, h) @ ground.psi, ground.energy * ground.psi, atol=1e-7
    )
    assert (ground.psi > 0).all()


def test_local_energies_are_those_of_the_matrix():
    psi, S = wave(), spin_states(5)
    amplitudes = np.exp(psi.log_psi(S))
    expected = (pauli_chain(5, 0.8) @ amplitudes) / amplitudes
    assert_allclose(local_energies(psi.log_psi, S, 0.8), expected, rtol=1e-12)


def test_averages_are_those_of_the_matrix():
    psi, S = wave(), spin_states(5)
    amplitudes = np.exp(psi.log_psi(S))
    amplitudes /= np.linalg.norm(amplitudes)
    H = pauli_chain(5, 0.8)
    found = exact_averages(psi, 0.8)
    energy = amplitudes @ H @ amplitudes
    assert_allclose(found.energy, energy, rtol=1e-12)
    assert_allclose(found.variance, amplitudes @ H @ H @ amplitudes - energy**2, rtol=1e-10)
    steps = 1e-5 * np.eye(psi.theta.size)
    gradient = [
        (exact_averages(psi.moved(e), 0.8).energy - exact_averages(psi.moved(-e), 0.8).energy)
        / 2e-5
        for e in steps
    ]
    assert_allclose(2 * found.force, gradient, atol=1e-8)
    slopes = [(psi.moved(e).log_psi(S) - psi.moved(-e).log_psi(S)) / 2e-5 for e in steps]
    assert_allclose(psi.log_derivatives(S), np.transpose(slopes), atol=1e-9)
    assert_allclose(
        found.metric, np.cov(np.transpose(slopes).T, aweights=amplitudes**2, ddof=0), atol=1e-8
    )


def test_samples_have_the_law_of_psi_squared():
    psi, rng = wave(3, 2, 1, 0.6), np.random.default_rng(4)
    S = sample_spins(psi, rng.choice([-1.0, 1.0], (20_000, 3)), 30, rng)
    p = np.exp(2 * psi.log_psi(spin_states(3)))
    p /= p.sum()
    counts = np.bincount(((S + 1) / 2 @ [1, 2, 4]).astype(int), minlength=8)
    assert np.sum((counts - 20_000 * p) ** 2 / (20_000 * p)) < 24.3
    found, exact = sampled_averages(psi, S, 0.8), exact_averages(psi, 0.8)
    assert abs(found.energy - exact.energy) < 4 * found.error
    assert_allclose(found.force, exact.force, atol=0.08)
    assert_allclose(found.metric, exact.metric, atol=0.04)
    assert_array_equal(sample_spins(psi, S[:5], 0, rng), S[:5])


def test_reconfiguration_finds_the_ground_state():
    result = stochastic_reconfiguration(RBMWaveFunction.random(6, 6, scale=0.1), 1.0, steps=60)
    exact = ground_state(6, 1.0).energy
    assert exact < exact_averages(result.wave, 1.0).energy < exact * (1 - 1e-4)
    assert result.energies[0] > result.energies[-1]
    assert result.variances[-1] < 0.02


def test_reconfiguration_from_samples():
    start = RBMWaveFunction.random(6, 6, scale=0.1)
    result = stochastic_reconfiguration(start, 1.0, steps=40, chains=500, shift=1e-2)
    found, exact = exact_averages(result.wave, 1.0).energy, ground_state(6, 1.0).energy
    assert abs(found / exact - 1) < 5e-3


def test_observables():
    psi = np.random.default_rng(0).normal(size=16)
    found = observables(psi)
    psi = psi / np.linalg.norm(psi)
    x, z = np.array([[0, 1], [1, 0]]), np.diag([-1, 1])
    X = sum(np.kron(np.kron(np.eye(2 ** (3 - i)), x), np.eye(2**i)) for i in range(4)) / 4
    Z = [np.kron(np.kron(np.eye(2 ** (3 - i)), z), np.eye(2**i)) for i in range(4)]
    assert_allclose(found.transverse, psi @ X @ psi, rtol=1e-12)
    assert_allclose(found.order**2, psi @ (sum(Z) / 4) @ (sum(Z) / 4) @ psi, rtol=1e-12)
    pairs = [np.mean([psi @ Z[i] @ Z[(i + r) % 4] @ psi for i in range(4)]) for r in range(3)]
    assert_allclose(found.correlations, pairs, rtol=1e-12)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: transverse_field_ising(2, 1.0), "n_spins"),
        (lambda: transverse_field_ising(17, 1.0), "n_spins must be at most 16"),
        (lambda: transverse_field_ising(4, -1.0), "field must be a number"),
        (lambda: ground_state(4, 0.0), "field"),
        (lambda: RBMWaveFunction(np.zeros(3), np.zeros(2), np.zeros((2, 3))), "must have shapes"),
        (lambda: RBMWaveFunction([np.nan], [0.0], [[0.0]]), "must be finite"),
        (lambda: wave().log_psi(np.zeros((2, 5))), r"S must hold \+1 and -1"),
        (lambda: stochastic_reconfiguration(wave(), 1.0, eta=0.0), "eta"),
        (lambda: observables(np.ones(6)), r"psi must have 2\^n entries"),
    ],
)
def test_bad_input_is_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()
