"""Flow matching without a network: exact velocities against quadrature, steps against SciPy."""

import numpy as np
import pytest
from dlmath.densities import GaussianMixture, eight_gaussians
from dlmath.diffusion import (
    CosineSchedule,
    NoisyEmpirical,
    NoisyMixture,
    StraightSchedule,
    exact_velocity,
    follow,
)
from numpy.testing import assert_allclose
from scipy import integrate, stats

SKEWED = GaussianMixture(
    [0.3, 0.7], [[-1.0, 0.5], [2.0, 1.0]], [[[1.0, 0.3], [0.3, 0.5]], [[0.4, -0.2], [-0.2, 0.9]]]
)
POINTS = np.random.default_rng(0).normal(size=(20, 2))


def test_denoiser_of_a_mixture_is_tweedies_formula():
    law = NoisyMixture(SKEWED, CosineSchedule())
    for t in (0.01, 0.4, 0.9):
        gamma, sigma = law.schedule.gamma(t), law.schedule.sigma(t)
        assert_allclose(law(POINTS, t), (POINTS + sigma**2 * law.score(POINTS, t)) / gamma)


def test_denoiser_knows_nothing_or_everything_at_the_ends():
    law = NoisyMixture(SKEWED, StraightSchedule())
    assert_allclose(law(POINTS, 1.0), np.broadcast_to(SKEWED.mean, POINTS.shape), rtol=1e-13)
    assert_allclose(law(POINTS, 0.0), POINTS, rtol=1e-13)


@pytest.mark.parametrize("t", [0.0, 0.3, 0.9])
def test_velocity_is_the_conditional_mean(t):
    """In one dimension, against an integral over the data of Bayes' rule."""
    mixture = GaussianMixture([0.4, 0.6], [[-1.0], [1.5]], [0.3, 0.2])
    velocity = exact_velocity(NoisyMixture(mixture, StraightSchedule()))
    x1, h = np.linspace(-8, 8, 40_001, retstep=True)
    weights = np.exp(mixture.log_prob(x1[:, None])) * h
    for x in (-0.7, 0.2, 1.9):
        joint = weights * stats.norm.pdf(x, t * x1, 1 - t)
        x0 = (x - t * x1) / (1 - t)
        expected = joint @ (x1 - x0) / joint.sum()
        assert_allclose(velocity(np.array([[x]]), t)[0, 0], expected, rtol=1e-9, atol=1e-9)


def test_one_step_of_the_empirical_velocity_is_the_mean_and_many_copy():
    points = np.random.default_rng(3).normal(size=(6, 2))
    velocity = exact_velocity(NoisyEmpirical(points, StraightSchedule()))
    ends = follow(velocity, POINTS, 1)
    assert_allclose(ends, np.broadcast_to(points.mean(axis=0), ends.shape), atol=1e-13)
    ends = follow(velocity, POINTS, 400)
    distances = np.linalg.norm(ends[:, None] - points, axis=2).min(axis=1)
    assert distances.max() < 1e-6


@pytest.mark.parametrize(("method", "order"), [("euler", 1), ("midpoint", 2)])
def test_steps_approach_the_solution_with_their_order(method, order):
    velocity = exact_velocity(NoisyMixture(SKEWED, StraightSchedule()))

    def rate(t, flat):
        return velocity(flat.reshape(-1, 2), min(t, 1 - 1e-12)).ravel()

    end = integrate.solve_ivp(rate, (0, 1), POINTS.ravel(), rtol=1e-10, atol=1e-11).y[:, -1]
    errors = [
        np.abs(follow(velocity, POINTS, n, method=method).ravel() - end).mean() for n in (40, 80)
    ]
    assert_allclose(np.log2(errors[0] / errors[1]), order, atol=0.15)


def test_follow_returns_the_path_and_asks_only_before_the_end():
    asked = []

    def velocity(x, t):
        asked.append(t)
        return np.ones_like(x)

    path = follow(velocity, POINTS, 4, method="midpoint", path=True)
    assert path.shape == (5, 20, 2)
    assert_allclose(path[-1], POINTS + 1)
    assert_allclose(asked, np.arange(8) / 8)


def test_what_is_not_possible_is_refused():
    law = NoisyMixture(eight_gaussians(), CosineSchedule())
    with pytest.raises(ValueError, match="law must have a StraightSchedule, got a Cosine"):
        exact_velocity(law)
    velocity = exact_velocity(NoisyMixture(eight_gaussians(), StraightSchedule()))
    with pytest.raises(ValueError, match="t must be from 0 to below 1, got 1"):
        velocity(POINTS, 1)
    with pytest.raises(ValueError, match="method must be one of euler, midpoint, got 'heun'"):
        follow(velocity, POINTS, 2, method="heun")
    with pytest.raises(ValueError, match="steps"):
        follow(velocity, POINTS, 0)
    with pytest.raises(FloatingPointError, match="after step 1 of 2"):
        follow(lambda x, t: np.full_like(x, np.inf), POINTS, 2)
