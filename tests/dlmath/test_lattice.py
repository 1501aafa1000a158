"""The scalar field on a lattice: its action, its samplers, its weights."""

import numpy as np
import pytest
from dlmath.ising import mean_and_error
from dlmath.lattice import action, force, independence_chain, local_metropolis, weight_efficiency
from numpy.testing import assert_allclose
from scipy import integrate


def test_force_is_minus_the_gradient_of_the_action():
    phi, h = np.random.default_rng(0).normal(size=(4, 4)), 1e-6
    for site in ((0, 0), (1, 3), (2, 2)):
        up, down = phi.copy(), phi.copy()
        up[site] += h
        down[site] -= h
        slope = (action(up, -1.5, 2.0) - action(down, -1.5, 2.0)) / (2 * h)
        assert_allclose(force(phi, -1.5, 2.0)[site], -slope, rtol=1e-7)


def test_free_field_has_its_exact_propagator():
    fields, acceptance = local_metropolis(4, 1.0, 1e-12, sweeps=3000, chains=20, step=1.6, seed=1)
    momenta = 4 * np.sin(np.pi * np.arange(4) / 4) ** 2
    exact = np.mean(1 / (momenta[:, None] + momenta + 1.0))
    mean, error = mean_and_error((fields[:, 100:] ** 2).mean((2, 3)))
    assert abs(mean - exact) < 4 * error
    assert error < 0.005
    assert 0.4 < acceptance < 0.9


def test_two_by_two_sites_have_the_moments_of_an_integral():
    """Without neighbours' terms the sites would be independent: so the mass is made large."""
    m2, g = 30.0, 400.0
    fields, _ = local_metropolis(2, m2, g, sweeps=4000, chains=20, step=0.5, seed=2)
    # Two sites in a direction have two bonds; integrate over four sites on a grid.
    x = np.linspace(-0.9, 0.9, 25)
    grid = np.stack(np.meshgrid(x, x, x, x, indexing="ij"), -1).reshape(-1, 2, 2)
    w = np.exp(-action(grid, m2, g))
    exact = np.sum(w * grid[:, 0, 0] ** 2) / w.sum()
    mean, error = mean_and_error((fields[:, 50:] ** 2).mean((2, 3)))
    assert abs(mean - exact) < 4 * error


def test_independence_chain_corrects_a_wrong_width():
    rng = np.random.default_rng(3)
    x = 1.5 * rng.standard_normal(60_000)
    states, acceptance = independence_chain(-(x**2) / 2 + x**2 / (2 * 1.5**2), seed=4)
    assert_allclose(np.var(x[states]), 1.0, atol=0.03)
    exact = (
        1
        / integrate.quad(
            lambda u: np.exp(-(u**2) * (1 - 1 / (2 * 2.25))) / np.sqrt(2 * np.pi) * 1.5, -10, 10
        )[0]
    )
    assert_allclose(weight_efficiency(-(x**2) / 2 + x**2 / 4.5), exact, atol=0.02)
    assert 0.6 < acceptance < 0.9
    assert independence_chain([0.0])[1] == 1.0


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: action(np.zeros(4), 1.0, 1.0), "fields must have the shape"),
        (lambda: action(np.zeros((2, 3)), 1.0, 1.0), "fields must have the shape"),
        (lambda: local_metropolis(3, 1.0, 1.0, sweeps=2), "size must be even"),
        (lambda: local_metropolis(2, 1.0, 1.0, sweeps=0), "sweeps must be an integer"),
        (lambda: local_metropolis(2, 1.0, 1.0, sweeps=2, step=0.0), "step must be"),
        (
            lambda: local_metropolis(2, 1.0, 1.0, sweeps=2, start=np.zeros((2, 2))),
            "start must have the shape",
        ),
        (lambda: independence_chain([]), "log_weights must be a non-empty vector"),
        (lambda: weight_efficiency([0.0, np.nan]), "log_weights must be a non-empty vector"),
    ],
)
def test_bad_input_is_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()
