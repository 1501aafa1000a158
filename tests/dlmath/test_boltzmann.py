"""Small Boltzmann machines: tables against sums written out, fits against what they came from."""

import itertools

import numpy as np
import pytest
from dlmath.boltzmann import (
    all_bits,
    exact_moments,
    expected_update,
    fit_spins,
    gibbs_matrix,
    mean_field_couplings,
    rbm_tables,
)
from dlmath.ising import exact_enumeration
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.linear_model import LogisticRegression


def couplings(n, seed=0, scale=0.4):
    rng = np.random.default_rng(seed)
    J = np.triu(scale * rng.normal(size=(n, n)), 1)
    return scale * rng.normal(size=n), J + J.T


def spins(n_samples, h, J, seed=0):
    p = exact_moments(h, J).probabilities
    rows = np.random.default_rng(seed).choice(len(p), n_samples, p=p)
    return (2 * all_bits(len(h)) - 1)[rows]


def lattice(size, tau):
    J = np.zeros((size**2, size**2))
    sites = np.arange(size**2).reshape(size, size)
    for axis in (0, 1):
        other = np.roll(sites, 1, axis)
        J[sites, other] = J[other, sites] = 1 / tau
    return J


def test_bits_are_the_digits_of_the_row():
    found = all_bits(3)
    assert_array_equal(found @ [1, 2, 4], np.arange(8))
    with pytest.raises(ValueError, match="n must be at most 20"):
        all_bits(21)


def test_moments_by_a_sum_written_out():
    h, J = couplings(4)
    weights, total, both = [], np.zeros(4), np.zeros((4, 4))
    for s in itertools.product([-1, 1], repeat=4):
        s = np.array(s)
        pairs = sum(J[i, j] * s[i] * s[j] for i in range(4) for j in range(i))
        weights.append(np.exp(h @ s + pairs))
        total += weights[-1] * s
        both += weights[-1] * np.outer(s, s)
    exact = exact_moments(h, J + 5 * np.eye(4))  # the diagonal does not count
    assert_allclose(exact.log_partition, np.log(sum(weights)), rtol=1e-13)
    assert_allclose(exact.means, total / sum(weights), rtol=1e-12)
    assert_allclose(exact.correlations, both / sum(weights), rtol=1e-12)
    assert_allclose(exact.probabilities.sum(), 1)


def test_the_lattice_is_the_one_of_the_ising_module():
    exact = exact_moments(np.zeros(16), lattice(4, 2.5))
    assert_allclose(exact.log_partition, exact_enumeration(4, 2.5).log_partition, rtol=1e-14)


@pytest.mark.parametrize("method", ["exact", "pseudo"])
def test_couplings_are_recovered(method):
    h, J = couplings(5)
    errors = [
        np.sqrt(np.mean((fit_spins(spins(n, h, J), method).couplings - J) ** 2))
        for n in (1000, 100_000)
    ]
    assert errors[0] < 0.1
    assert errors[1] < 0.02
    found = fit_spins(spins(100_000, h, J), method)
    assert found.success
    assert_allclose(found.fields, h, atol=0.03)
    assert_array_equal(found.couplings, found.couplings.T)
    assert_array_equal(np.diag(found.couplings), 0)


def test_maximum_likelihood_matches_the_moments():
    h, J = couplings(5)
    S = spins(500, h, J)
    fit = fit_spins(S)
    model = exact_moments(fit.fields, fit.couplings)
    assert_allclose(model.means, S.mean(axis=0), atol=2e-6)
    assert_allclose(model.correlations, S.T @ S / 500, atol=2e-6)


def test_pseudo_likelihood_of_one_pair_is_logistic_regression():
    """With the couplings untied, each spin is a regression on the others; with two, nearly so."""
    h, J = couplings(3, scale=0.5)
    S = spins(4000, h, J)
    fit = fit_spins(S, "pseudo")
    rows = []
    for i in range(3):
        others = np.delete(S, i, axis=1)
        model = LogisticRegression(C=1e8, tol=1e-10).fit(others, S[:, i])
        rows.append(np.insert(model.coef_[0] / 2, i, 0))
    untied = np.array(rows)
    assert_allclose(fit.couplings, (untied + untied.T) / 2, atol=0.03)


@pytest.mark.parametrize("method", ["exact", "pseudo"])
def test_gradients_are_slopes(method):
    from dlmath.boltzmann import _exact_cost, _pseudo_cost

    h, J = couplings(4)
    cost = {"exact": _exact_cost, "pseudo": _pseudo_cost}[method](spins(50, h, J))
    value, by_fields, by_couplings = cost(h, J)
    step = 1e-6
    for i in range(4):
        e = step * np.eye(4)[i]
        slope = (cost(h + e, J)[0] - cost(h - e, J)[0]) / (2 * step)
        assert_allclose(by_fields[i], slope, atol=1e-8)
    E = np.zeros((4, 4))
    E[1, 3] = E[3, 1] = step
    slope = (cost(h, J + E)[0] - cost(h, J - E)[0]) / (2 * step)
    assert_allclose(by_couplings[1, 3], slope, atol=1e-8)
    assert np.isfinite(value)


def test_mean_field_is_right_for_weak_couplings_only():
    for scale, most in ((0.02, 0.01), (0.5, np.inf)):
        h, J = couplings(5, scale=scale)
        error = np.abs(mean_field_couplings(spins(200_000, 0 * h, J)) - J).max()
        assert error < most
    assert error > 0.1


def test_tables_add_up():
    rng = np.random.default_rng(1)
    W, b, c = rng.normal(size=(3, 2)), rng.normal(size=3), rng.normal(size=2)
    tables = rbm_tables(W, b, c)
    assert_allclose(tables.joint.sum(), 1)
    assert_allclose(tables.visible, tables.joint.sum(axis=1))
    assert_allclose(tables.hidden_given_visible.sum(axis=1), 1)
    assert_allclose(tables.visible_given_hidden.sum(axis=1), 1)
    K = gibbs_matrix(W, b, c)
    assert_allclose(K.sum(axis=1), 1)
    assert_allclose(tables.visible @ K, tables.visible, rtol=1e-13)


def test_expected_updates_tend_to_the_gradient():
    rng = np.random.default_rng(1)
    parameters = rng.normal(size=(3, 2)), rng.normal(size=3), rng.normal(size=2)
    data = rng.dirichlet(np.ones(8))
    exact = np.concatenate([np.ravel(g) for g in expected_update(*parameters, data)])
    errors = [
        np.abs(np.concatenate([np.ravel(g) for g in expected_update(*parameters, data, k)]) - exact)
        for k in (1, 5, 200)
    ]
    assert errors[0].max() > errors[1].max() > errors[2].max()
    assert errors[2].max() < 1e-12


def test_refuses_bad_input():
    with pytest.raises(ValueError, match="S must hold"):
        fit_spins(np.zeros((4, 3)))
    with pytest.raises(ValueError, match="method must be 'exact' or 'pseudo'"):
        fit_spins(np.ones((4, 3)), "guess")
    with pytest.raises(ValueError, match="covariance that can be inverted"):
        mean_field_couplings(np.ones((4, 3)))
    with pytest.raises(ValueError, match="symmetric matrix"):
        exact_moments(np.zeros(2), [[0, 1], [2, 0]])
    with pytest.raises(ValueError, match="data must be 4 probabilities"):
        expected_update(np.zeros((2, 1)), np.zeros(2), np.zeros(1), np.ones(4))
