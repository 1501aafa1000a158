"""Guided denoisers, and the guided flow of a pair of Gaussians."""

import numpy as np
import pytest
from dlmath.densities import GaussianMixture
from dlmath.diffusion import ExplodingSchedule, GaussianPair, NoisyMixture, guided, heun
from numpy.testing import assert_allclose, assert_array_equal
from scipy import stats

SCHEDULE = ExplodingSchedule(end=2e4)
ONE = NoisyMixture(GaussianMixture([1.0], [[1.0]], 0.25), SCHEDULE)
BOTH = NoisyMixture(GaussianMixture([0.5, 0.5], [[-1.0], [1.0]], 0.25), SCHEDULE)
X = np.linspace(-3, 3, 7)[:, np.newaxis]


def test_guidance_of_two_constants_is_a_line():
    for w in (0.0, 1.0, 2.5, -1.0):
        denoise = guided(lambda x, t: x + 4, lambda x, t: x + 1, w)
        assert_allclose(denoise(X, 0.3), X + 1 + 3 * w)


def test_without_guidance_the_network_without_label_is_not_asked():
    def refuse(x, t):
        raise AssertionError("asked")

    assert_array_equal(guided(ONE, refuse, 1.0)(X, 0.5), ONE(X, 0.5))
    denoise = guided(ONE, refuse, 3.0, schedule=SCHEDULE, interval=(1, 2))
    for level in (0.5, 1.0, 2.1):
        assert_array_equal(denoise(X, level), ONE(X, level))
    with pytest.raises(AssertionError, match="asked"):
        denoise(X, 2.0)


@pytest.mark.parametrize("w", [1, 3])
def test_a_sampler_ends_where_the_exact_flow_does(w):
    start = SCHEDULE.prior(4000, 1, np.random.default_rng(0))
    end = heun(guided(ONE, BOTH, w), start, SCHEDULE, SCHEDULE.times(150, "power"))
    exact, _ = GaussianPair().transport(start / 2e4, w)
    assert_allclose(end, exact, atol=0.02)


def test_the_density_at_the_end_has_its_moments():
    pair, u = GaussianPair(0.7, 0.4), np.linspace(-8, 8, 4001)
    x, slope = pair.transport(u, 4)
    law = stats.norm.pdf(u) / slope
    assert_allclose(np.trapezoid(law, x), 1, atol=1e-6)
    mean = np.trapezoid(law * x, x)
    sd = np.sqrt(np.trapezoid(law * (x - mean) ** 2, x))
    assert_allclose(pair.moments(4), (mean, sd), atol=1e-5)
    assert (np.diff(x) > 0).all()


@pytest.mark.parametrize("w", [0.5, 1, 2, 8])
def test_the_tilted_density_is_one(w):
    x = np.linspace(-8, 8, 8001)
    pair = GaussianPair(1.3, 0.6)
    assert_allclose(np.trapezoid(pair.tilted(x, w), x), 1, atol=1e-9)
    if w == 1:
        assert_allclose(pair.tilted(x, w), stats.norm.pdf(x, 1.3, 0.6), atol=1e-12)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: guided(ONE, BOTH, np.nan), "weight must be a finite number"),
        (lambda: guided(ONE, BOTH, True), "weight must be a finite number"),
        (lambda: guided(ONE, BOTH, "3"), "weight must be a finite number"),
        (lambda: guided(ONE, BOTH, 2, interval=(0, 1)), "schedule must be given"),
        (lambda: guided(ONE, BOTH, 2, schedule=SCHEDULE, interval=(2, 1)), "interval must satisfy"),
        (lambda: GaussianPair(0.0), "mean must be"),
        (lambda: GaussianPair(1.0, -1.0), "sd must be"),
        (lambda: GaussianPair().transport([0.0], 2, interval=(1, 1)), "interval must satisfy"),
        (lambda: GaussianPair().transport([0.0], 2, steps=0), "steps must be"),
        (lambda: GaussianPair().tilted([0.0], -1.0), "weight must be"),
    ],
)
def test_bad_input_is_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()
