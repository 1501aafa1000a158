import numpy as np
import pytest
from dlmath.densities import GaussianMixture
from dlmath.sampling import (
    annealed_importance_sampling,
    effective_sample_size,
    geometric_path,
    gibbs_gaussian,
    log_mean_exp,
    mala,
    mala_step,
    metropolis,
    r_hat,
    reverse_annealed_importance_sampling,
    ula,
)
from numpy.testing import assert_allclose, assert_array_equal

HUMPS = GaussianMixture([0.3, 0.7], [[-1.0, 0.5], [1.0, 0.0]], [0.5, 0.8])
COVARIANCE = np.array([[2.0, 0.8], [0.8, 1.0]])


@pytest.fixture
def rng():
    return np.random.default_rng(7)


def normal(x):
    return -np.sum(x**2, axis=1) / 2


def close_to(samples, mixture):
    """Compare means with those of independent samples, by their effective number."""
    flat = samples.reshape(-1, samples.shape[-1])
    for i in range(flat.shape[1]):
        size = effective_sample_size(samples[..., i])
        error = np.sqrt(mixture.covariance[i, i] / size)
        assert abs(flat[:, i].mean() - mixture.mean[i]) < 4 * error
    assert_allclose(np.cov(flat.T), mixture.covariance, atol=0.06)


@pytest.mark.parametrize("sampler", ["metropolis", "mala"])
def test_chains_have_the_moments_of_the_target(sampler, rng):
    x0 = HUMPS.sample(200, 1)
    if sampler == "metropolis":
        walk = metropolis(HUMPS.log_prob, x0, 1.5, 400, rng)
    else:
        walk = mala(HUMPS.log_prob, HUMPS.score, x0, 1.0, 400, rng)
    assert walk.samples.shape == (200, 400, 2)
    assert 0.2 < walk.acceptance < 0.95
    close_to(walk.samples, HUMPS)


def test_a_density_without_a_tail_is_never_left(rng):
    def box(x):
        return np.where(np.abs(x[:, 0]) < 1, 0.0, -np.inf)

    samples = metropolis(box, np.zeros((50, 1)), 1.0, 300, rng).samples
    assert np.abs(samples).max() < 1
    assert_allclose(samples.var(), 1 / 3, rtol=0.05)
    with pytest.raises(ValueError, match="log_density must be finite at x0"):
        metropolis(box, [[2.0]], 1.0, 3, rng)


def test_gibbs_draws_from_the_gaussian(rng):
    target = GaussianMixture([1.0], [[1.0, -2.0]], [COVARIANCE])
    samples = gibbs_gaussian([1.0, -2.0], COVARIANCE, np.zeros((100, 2)), 400, rng).samples
    close_to(samples[:, 50:], target)


def test_small_steps_are_nearly_always_accepted(rng):
    x0 = HUMPS.sample(500, 2)
    rates = [mala(HUMPS.log_prob, HUMPS.score, x0, eta, 20, rng).acceptance for eta in (0.3, 0.03)]
    assert 1 - rates[1] < (1 - rates[0]) / 10


def test_a_walk_that_runs_away_is_stopped(rng):
    with pytest.raises(FloatingPointError, match="the walk ran away at step"):
        ula(lambda x: -(x**3), np.full((3, 1), 5.0), 0.5, 100, rng)
    assert np.isfinite(ula(lambda x: -x, np.zeros((3, 1)), 0.5, 100, rng)).all()


def test_mala_refuses_what_is_not_a_number(rng):
    x = np.full((4, 1), 1e70)
    moved, accepted = mala_step(lambda x: -(x[:, 0] ** 4), lambda x: -4 * x**3, x, 0.1, rng)
    assert not accepted.any()
    assert_array_equal(moved, x)


def test_effective_sample_size_of_a_known_series(rng):
    r, series = 0.8, np.zeros((20, 5000))
    for k in range(1, 5000):
        series[:, k] = r * series[:, k - 1] + rng.standard_normal(20)
    assert_allclose(effective_sample_size(series) / series.size, (1 - r) / (1 + r), rtol=0.1)
    white = rng.standard_normal(4000)
    assert 3400 < effective_sample_size(white) <= 4000
    assert effective_sample_size(np.tile([1.0, -1.0], 50)) == 100


def test_r_hat_tells_chains_that_agree_from_those_that_do_not(rng):
    chains = rng.standard_normal((4, 500))
    assert abs(r_hat(chains) - 1) < 0.01
    assert r_hat(chains + 3 * np.arange(4)[:, None]) > 3
    assert r_hat(np.array([[1.0, 1.0], [2.0, 2.0]])) == np.inf
    assert r_hat(np.ones((2, 3))) == 1


def path(steps, rng, eta=0.4):
    betas = np.linspace(0, 1, steps + 1)
    densities = geometric_path(normal, lambda x: HUMPS.log_prob(x) + 3.0, betas)
    scores = geometric_path(lambda x: -x, HUMPS.score, betas)

    def kernel(k):
        return lambda x: mala_step(densities[k], scores[k], x, eta, rng)[0]

    return densities, [kernel(k) for k in range(1, steps + 1)]


def test_forward_and_reverse_weights_bracket_the_ratio(rng):
    exact = 3.0 - np.log(2 * np.pi)
    densities, kernels = path(12, rng)
    there = annealed_importance_sampling(densities, kernels, rng.standard_normal((20_000, 2)))
    back = reverse_annealed_importance_sampling(densities, kernels, HUMPS.sample(20_000, 3))
    assert_allclose(log_mean_exp(there.log_weights), exact, atol=0.02)
    assert_allclose(-log_mean_exp(-back.log_weights), exact, atol=0.02)
    assert there.log_weights.mean() < exact < back.log_weights.mean()
    weights = np.exp(there.log_weights - there.log_weights.max())
    mean = weights @ there.samples / weights.sum()
    assert_allclose(mean, HUMPS.mean, atol=0.04)
    assert_allclose(back.samples.mean(axis=0), 0, atol=0.3)


def test_log_mean_exp_does_not_overflow():
    assert_allclose(log_mean_exp([1000.0, 1000.0 + np.log(3)]), 1000 + np.log(2))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda rng: metropolis(normal, [1.0], 1.0, 3, rng), "Expected 2D array"),
        (lambda rng: metropolis(normal, [[1.0]], 0.0, 3, rng), "scale must be a positive"),
        (lambda rng: metropolis(normal, [[1.0]], 1.0, 0, rng), "steps must be an integer"),
        (lambda rng: metropolis(lambda x: x, [[1.0]], 1.0, 3, rng), r"log_density must return"),
        (lambda rng: ula(lambda x: x[:, 0], [[1.0]], 0.1, 3, rng), "score must return"),
        (lambda rng: ula(lambda x: x, [[1.0]], -0.1, 3, rng), "eta must be a positive"),
        (lambda rng: mala(normal, lambda x: -x, [[np.nan]], 0.1, 3, rng), "x0 contains NaN"),
        (lambda rng: gibbs_gaussian([0, 0], np.eye(3), [[1.0, 2.0]], 3, rng), "must fit x0"),
        (lambda rng: gibbs_gaussian([0, 0], -np.eye(2), [[1.0, 2.0]], 3, rng), "positive definite"),
        (lambda rng: r_hat([[1.0, 2.0]]), "chains must be at least 2"),
        (lambda rng: log_mean_exp([[1.0]]), "log_weights must be a vector"),
        (lambda rng: geometric_path(normal, normal, [0, 2]), "betas must be"),
        (
            lambda rng: annealed_importance_sampling([normal], [lambda x: x], [[1.0]]),
            "log_densities must be one more",
        ),
        (
            lambda rng: reverse_annealed_importance_sampling([normal], [], [[1.0]]),
            "log_densities must be one more",
        ),
    ],
)
def test_bad_input_is_named(call, message, rng):
    with pytest.raises(ValueError, match=message):
        call(rng)
