import numpy as np
import pytest
from dlmath.stochastic import (
    brownian_paths,
    drag_trap,
    euler_maruyama,
    fokker_planck,
    fokker_planck_generator,
    ornstein_uhlenbeck,
    ornstein_uhlenbeck_law,
    work_of_dragging,
)
from numpy.testing import assert_allclose
from scipy.stats import norm


@pytest.fixture
def rng():
    return np.random.default_rng(11)


def test_brownian_paths_have_the_covariance_of_the_definition(rng):
    times = np.array([0.0, 0.5, 0.7, 2.0])
    paths = brownian_paths(times, 100_000, rng)
    assert (paths[:, 0] == 0).all()
    assert_allclose(np.cov(paths.T), np.minimum.outer(times, times), atol=0.03)


def test_without_noise_euler_solves_the_differential_equation(rng):
    times = np.linspace(0, 1, 2001)
    path = euler_maruyama(lambda x, t: -x + t, lambda x, t: 0.0, [2.0, -1.0], times, rng)
    exact = times[-1] - 1 + (np.array([2.0, -1.0]) + 1) * np.exp(-1)
    assert_allclose(path[-1], exact, atol=1e-3)
    assert path.shape == (2001, 2)


def test_euler_uses_the_increments_that_it_is_given(rng):
    times, steps = np.array([0.0, 0.3, 0.4]), np.array([[1.0], [-2.0]])
    path = euler_maruyama(lambda x, t: 0 * x, lambda x, t: 1 + t, [5.0], times, rng, steps)
    assert_allclose(path[:, 0], [5.0, 6.0, 6.0 - 2.6])


def test_ornstein_uhlenbeck_agrees_with_small_steps(rng):
    times = np.array([0.0, 0.4, 1.0])
    exact = ornstein_uhlenbeck(np.full(40_000, 1.5), times, rng, rate=2.0, noise=0.7)
    fine = np.linspace(0, 1, 501)
    walked = euler_maruyama(lambda x, t: -2 * x, lambda x, t: 0.7, np.full(40_000, 1.5), fine, rng)[
        [0, 200, 500]
    ]
    assert_allclose(exact.mean(axis=1), walked.mean(axis=1), atol=0.01)
    assert_allclose(np.cov(exact), np.cov(walked), atol=0.004)
    mean, variance = ornstein_uhlenbeck_law(1.5, 1.0, 2.0, 0.7)
    assert_allclose([exact[2].mean(), exact[2].var()], [mean, variance], atol=0.005)


def test_fokker_planck_follows_the_gaussian_of_ornstein_and_uhlenbeck():
    x = np.linspace(-6, 6, 241)
    p = fokker_planck(x**2 / 2, x, norm.pdf(x, 1.0, 0.4), [0.0, 0.5, 1.5, 60.0])
    assert_allclose(p.sum(axis=1) * (x[1] - x[0]), 1, atol=1e-10)
    assert p.min() > -1e-13
    for row, t in zip(p[:3], [0.0, 0.5, 1.5], strict=True):
        variance = 1 + (0.16 - 1) * np.exp(-t)
        assert_allclose(row, norm.pdf(x, np.exp(-t / 2), np.sqrt(variance)), atol=2e-3)
    stationary = np.exp(-(x**2) / 2)
    assert_allclose(p[3], stationary / stationary.sum() / (x[1] - x[0]), atol=1e-9)


def test_the_boltzmann_distribution_is_stationary_on_any_grid():
    x = np.linspace(-2, 2, 9)
    energy = 3 * (x**2 - 1) ** 2 + 0.7 * x
    generator = fokker_planck_generator(energy, x)
    flow = generator * np.exp(-energy)
    assert_allclose(flow, flow.T, rtol=1e-12)
    assert_allclose(generator.sum(axis=0), 0, atol=1e-12)
    assert (generator[~np.eye(9, dtype=bool)] >= 0).all()


def test_dragged_beads_have_the_law_of_the_work(rng):
    pulls = drag_trap(40_000, 2.0, 1.3, 2.0, 200, rng)
    mean, variance = work_of_dragging(2.0, 1.3, pulls.times)
    assert_allclose(pulls.work.mean(axis=1), mean, atol=0.06)
    assert_allclose(pulls.work[-1].var(), variance[-1], rtol=0.04)
    assert_allclose(np.exp(-pulls.work[50]).mean(), 1, atol=0.05)
    lag = -2 * 1.3 / 2.0 * (1 - np.exp(-2.0))
    assert_allclose(pulls.positions[-1].mean() - 1.3 * 2.0, lag, atol=0.02)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda rng: brownian_paths([0.0, 0.0], 3, rng), "times must increase"),
        (lambda rng: brownian_paths([-1.0, 0.0], 3, rng), "times must increase and not begin"),
        (lambda rng: brownian_paths([[0.0]], 3, rng), "times must be a vector"),
        (lambda rng: brownian_paths([0.0, 1.0], 0, rng), "n_paths must be an integer"),
        (
            lambda rng: euler_maruyama(lambda x, t: x, lambda x, t: x, [1.0], [0, 1], rng, [1.0]),
            r"increments must have the shape \(1, 1\)",
        ),
        (
            lambda rng: euler_maruyama(lambda x, t: x, lambda x, t: x, [np.nan], [0, 1], rng),
            "x0 must be finite",
        ),
        (lambda rng: ornstein_uhlenbeck_law(1.0, 1.0, 0.0, 1.0), "rate must be a positive"),
        (lambda rng: ornstein_uhlenbeck_law(1.0, -1.0, 1.0, 1.0), "time must not be negative"),
        (lambda rng: fokker_planck_generator([1.0, 2.0], [0.0, 1.0]), "at least 3"),
        (lambda rng: fokker_planck_generator([1.0, 2.0, 3.0], [0.0, 1.0, 3.0]), "equal steps"),
        (lambda rng: fokker_planck(np.zeros(3), np.arange(3), [-1, 1, 1], [0, 1]), "p0 must be"),
        (lambda rng: work_of_dragging(1.0, 1.0, -1.0), "duration must not be negative"),
        (lambda rng: drag_trap(3, 1.0, 1.0, 0.0, 4, rng), "duration must be a positive"),
    ],
)
def test_bad_input_is_named(call, message, rng):
    with pytest.raises(ValueError, match=message):
        call(rng)


def test_a_walk_that_runs_away_is_stopped(rng):
    with pytest.raises(FloatingPointError, match="the walk ran away at time"):
        euler_maruyama(lambda x, t: x**3, lambda x, t: 0.0, [10.0], np.linspace(0, 10, 50), rng)
