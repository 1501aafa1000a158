from itertools import pairwise

import numpy as np
import pytest
from dlmath.densities import GaussianMixture
from dlmath.diffusion import (
    PARAMETRISATIONS,
    CosineSchedule,
    DiscreteSchedule,
    ExplodingSchedule,
    LinearSchedule,
    NoisyEmpirical,
    NoisyMixture,
    StraightSchedule,
    ancestral,
    ddim,
    denoised,
    dpm_solver,
    edm_scaling,
    euler_maruyama,
    heun,
    probability_flow,
    score_of,
    target,
)
from numpy.testing import assert_allclose, assert_array_equal
from scipy import integrate
from scipy.stats import multivariate_normal, norm

SCHEDULES = [
    CosineSchedule(),
    LinearSchedule(),
    ExplodingSchedule(),
    StraightSchedule(),
    CosineSchedule(offset=0.0, end=0.9),
    LinearSchedule(2.0, 2.0),
]
every_schedule = pytest.mark.parametrize("schedule", SCHEDULES, ids=lambda s: type(s).__name__)


def derivative(f, t, h):
    """Return the derivative by central differences of fourth order."""
    return (8 * (f(t + h) - f(t - h)) - (f(t + 2 * h) - f(t - 2 * h))) / (12 * h)


@every_schedule
def test_the_equation_has_the_marginals_of_the_schedule(schedule):
    for t in np.linspace(0.1, 0.9, 7) * schedule.end:
        h = 1e-4 * schedule.end
        drift = derivative(lambda s: np.log(schedule.gamma(s)), t, h)
        assert_allclose(schedule.drift(t), drift, rtol=1e-9, atol=1e-12)
        slope = derivative(lambda s: schedule.sigma(s) ** 2, t, h)
        square = slope - 2 * drift * schedule.sigma(t) ** 2
        assert_allclose(schedule.squared_diffusion(t), square, rtol=1e-8)
        # Without the factor 2 the variance would not be right.
        if drift:
            assert abs(slope - drift * schedule.sigma(t) ** 2 - square) > 1e-3 * square


@every_schedule
def test_times_are_found_again_from_their_ratio(schedule):
    t = np.geomspace(schedule.begin, schedule.end, 50)
    assert_allclose(schedule.time_of_ratio(schedule.ratio(t)), t, rtol=1e-10)
    assert_allclose(schedule.log_snr(t), 2 * np.log(schedule.gamma(t) / schedule.sigma(t)))
    assert (np.diff(schedule.ratio(t)) > 0).all()
    assert schedule.sigma(0.0) == 0
    assert schedule.gamma(0.0) == 1


@pytest.mark.parametrize("schedule", [CosineSchedule(), LinearSchedule()])
def test_the_variance_is_kept_and_little_noise_has_all_its_digits(schedule):
    t = np.linspace(0, schedule.end, 40)
    assert_allclose(schedule.gamma(t) ** 2 + schedule.sigma(t) ** 2, 1, rtol=1e-14)
    t = 1e-12
    rate = schedule.squared_diffusion(0.0)
    assert_allclose(schedule.sigma(t), np.sqrt(rate * t), rtol=1e-6)


@every_schedule
@pytest.mark.parametrize("spacing", ["uniform", "log-snr", "power"])
def test_grids_have_the_spacing_that_they_promise(schedule, spacing):
    grid = schedule.times(8, spacing, to_zero=False)
    assert_array_equal(grid[[0, -1]], [schedule.end, schedule.begin])
    assert grid.shape == (9,)
    assert (np.diff(grid) < 0).all()
    equal = {
        "uniform": lambda t: t,
        "log-snr": schedule.log_snr,
        "power": lambda t: schedule.ratio(t) ** (1 / 7),
    }[spacing]
    steps = np.diff(equal(grid))
    assert_allclose(steps, steps[0], rtol=1e-6)
    ending = schedule.times(8, spacing, start=0.8 * schedule.end)
    assert_array_equal(ending[[0, -1]], [0.8 * schedule.end, 0])
    assert ending.shape == (9,)
    assert_array_equal(schedule.times(1, spacing), [schedule.end, 0])


def test_equal_steps_to_zero_are_equal_unless_the_last_noise_is_given():
    schedule = CosineSchedule()
    assert_allclose(schedule.times(4), 0.999 * np.array([1, 0.75, 0.5, 0.25, 0]))
    assert_allclose(schedule.times(4, stop=0.3, start=0.9), [0.9, 0.7, 0.5, 0.3, 0])


def test_noise_has_the_moments_of_the_schedule():
    schedule, rng = StraightSchedule(), np.random.default_rng(0)
    x = schedule.noise(np.full((100_000, 1), 3.0), 0.4, rng)
    assert_allclose([x.mean(), x.std()], [1.8, 0.4], atol=0.01)
    assert_allclose(ExplodingSchedule(end=50.0).prior(50_000, 1, rng).std(), 50, rtol=0.02)


# The chain of finitely many steps.


@pytest.mark.parametrize(
    "chain", [DiscreteSchedule.of(CosineSchedule(), 1000), DiscreteSchedule.linear()]
)
def test_the_marginals_of_a_chain_follow_from_its_steps(chain):
    gain, variance, wrong = 1.0, 0.0, 0.0
    for k in range(1, chain.T + 1):
        gain *= np.sqrt(1 - chain.beta[k])
        variance = (1 - chain.beta[k]) * variance + chain.beta[k]
        wrong = np.sqrt(1 - chain.beta[k]) * wrong + chain.beta[k]
        assert_allclose(chain.gamma[k], gain, rtol=1e-12)
        assert_allclose(chain.sigma[k] ** 2, variance, rtol=1e-12)
    assert abs(wrong - variance) > 0.1
    assert_allclose(chain.alpha_bar, chain.gamma**2, rtol=1e-12)


def test_the_posterior_of_a_chain_is_that_of_the_joint_gaussian():
    chain = DiscreteSchedule.of(CosineSchedule(), 12)
    x0, x = 0.7, -1.3
    for k in range(2, 13):
        # x_{k-1} and x_k, given x_0, have this mean and this covariance.
        a, before = np.sqrt(chain.alpha[k]), 1 - chain.alpha_bar[k - 1]
        means = chain.gamma[k - 1] * x0 * np.array([1, a])
        cov = np.array([[before, a * before], [a * before, a**2 * before + chain.beta[k]]])
        mean = means[0] + cov[0, 1] / cov[1, 1] * (x - means[1])
        found, variance = chain.posterior(x0, x, k)
        assert_allclose(found, mean, rtol=1e-12)
        assert_allclose(variance, cov[0, 0] - cov[0, 1] ** 2 / cov[1, 1], rtol=1e-12)
        assert variance < 0.995 * chain.beta[k]
    mean, variance = chain.posterior(x0, x, 1)
    assert_allclose([mean, variance], [x0, 0], atol=1e-12)


def test_a_chain_has_the_marginals_of_its_schedule():
    for schedule in (CosineSchedule(), LinearSchedule()):
        chain = DiscreteSchedule.of(schedule, 50)
        times = np.arange(51) * schedule.end / 50
        assert_allclose(chain.gamma, schedule.gamma(times), rtol=1e-11)
    ho = DiscreteSchedule.linear()
    assert_allclose(ho.gamma[500], LinearSchedule().gamma(0.5), rtol=0.01)
    assert_allclose(ho.terminal_snr, 4.0e-5, rtol=0.02)


def test_one_step_of_the_sampler_is_one_of_the_chain():
    schedule = LinearSchedule()
    chain, times = DiscreteSchedule.of(schedule, 10), np.arange(11) / 10
    x = np.array([[0.4], [0.4]])
    for k in (1, 4, 10):
        mean, variance = chain.posterior(1.2, 0.4, k)
        for kind, expected in (("posterior", variance), ("forward", chain.beta[k])):
            y = ancestral(
                lambda x, t: np.full_like(x, 1.2), x, schedule, times[[k, k - 1]], Unit(1),
                variance=kind,
            )  # fmt: skip
            assert_allclose(y[0, 0], mean, rtol=1e-12)
            assert_allclose(y[1, 0] - y[0, 0], np.sqrt(expected) if k > 1 else 0, atol=1e-12)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: DiscreteSchedule([]), "beta must be a vector that is not empty"),
        (lambda: DiscreteSchedule([0.1, 1.2]), r"between 0 and 1, got 1\.2 in step 2"),
        (lambda: DiscreteSchedule([0.1, np.nan]), "got nan in step 2"),
        (lambda: DiscreteSchedule.linear(0), "T must be an integer of at least 1"),
        (
            lambda: DiscreteSchedule.from_alpha_bar([0.9, 0.5, 0.6, 0.0]),
            r"alpha_bar must decrease .* from 0\.5 to 0\.6 in step 3; it ends at 0, a terminal "
            r"signal-to-noise ratio of 0$",
        ),
        (
            lambda: DiscreteSchedule.from_alpha_bar([0.9, 0.5, 0.6]),
            r"terminal signal-to-noise ratio of 1\.5$",
        ),
        (lambda: DiscreteSchedule.from_alpha_bar([0.9, -0.1]), "must decrease from 1 towards 0"),
        (lambda: DiscreteSchedule.of(StraightSchedule(), 9), "must keep the variance"),
        (lambda: DiscreteSchedule.of(CosineSchedule(), 9).posterior(0, 0, 10), "from 1 to 9"),
        (lambda: DiscreteSchedule.of(CosineSchedule(), 9).posterior(0, 0, 0), "k must be"),
        (lambda: CosineSchedule(offset=1.0), "offset must be from 0 to below 1"),
        (lambda: CosineSchedule(begin=0.0), "must satisfy 0 < begin < end <= 1"),
        (lambda: StraightSchedule(end=1.1), "must satisfy 0 < begin < end <= 1"),
        (lambda: ExplodingSchedule(end=np.inf), "begin and end must satisfy"),
        (lambda: LinearSchedule(beta_min=0.0), "beta_min must be a positive number"),
        (lambda: LinearSchedule(3.0, 1.0), "beta_max must be at least beta_min=3, got 1"),
        (lambda: CosineSchedule().times(0), "steps must be an integer of at least 1"),
        (lambda: CosineSchedule().times(5, "linear"), "spacing must be one of uniform"),
        (lambda: CosineSchedule().times(5, start=1.0), r"<= 0\.999, got start=1"),
        (lambda: CosineSchedule().times(5, stop=0.0), "0 < stop < start"),
        (lambda: StraightSchedule(end=1.0).times(5, "power"), "nothing but noise"),
    ],
)
def test_impossible_schedules_are_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_a_schedule_that_does_not_end_in_noise_says_so():
    with pytest.warns(UserWarning, match=r"terminal signal-to-noise ratio is 0\.571 .* 0\.603"):
        chain = DiscreteSchedule.linear(100)
    assert_allclose(chain.terminal_snr, 0.571, rtol=1e-3)
    rng = np.random.default_rng(0)
    with pytest.warns(UserWarning, match=r"terminal signal-to-noise ratio is 1\.36"):
        LinearSchedule(0.1, 1.0).prior(3, 2, rng)


# What networks are asked for.


@pytest.mark.parametrize("kind", PARAMETRISATIONS)
@every_schedule
def test_the_data_follow_from_each_answer(kind, schedule):
    rng = np.random.default_rng(1)
    x0, noise = rng.normal(size=(2, 5, 3))
    gamma, sigma = schedule.gamma(0.3), schedule.sigma(0.3)
    x = gamma * x0 + sigma * noise
    answer = target(kind, x0, noise, gamma, sigma)
    assert_allclose(denoised(kind, answer, x, gamma, sigma), x0, rtol=1e-11, atol=1e-13)
    if kind != "x0":
        assert not np.allclose(denoised(kind, -answer, x, gamma, sigma), x0)
    with pytest.raises(ValueError, match="kind must be one of x0, epsilon, v"):
        target("score", x0, noise, gamma, sigma)


def test_errors_of_the_noise_are_multiplied_by_the_ratio():
    schedule, x = CosineSchedule(), np.zeros(1)
    gamma, sigma = schedule.gamma(0.999), schedule.sigma(0.999)
    for kind, factor in (("epsilon", schedule.ratio(0.999)), ("v", sigma), ("x0", 1)):
        change = denoised(kind, x + 1e-3, x, gamma, sigma) - denoised(kind, x, x, gamma, sigma)
        assert_allclose(abs(change), 1e-3 * factor, rtol=1e-9)


@pytest.mark.parametrize("sd", [0.5, 1.0, 3.0])
@pytest.mark.parametrize("sigma", [0.01, 0.7, 40.0])
def test_scaled_networks_see_and_say_numbers_of_variance_one(sigma, sd):
    c_skip, c_out, c_in = edm_scaling(sigma, sd)
    assert_allclose(c_in**2 * (sd**2 + sigma**2), 1, rtol=1e-12)

    def wanted(c_skip):
        return (1 - c_skip) ** 2 * sd**2 + c_skip**2 * sigma**2

    assert_allclose(wanted(c_skip) / c_out**2, 1, rtol=1e-12)
    # Of all c_skip this one asks the network for the least.
    assert min(wanted(1.01 * c_skip), wanted(0.99 * c_skip)) > wanted(c_skip)


# Exact denoisers.


@pytest.fixture
def bumps():
    return GaussianMixture([0.3, 0.7], [[-1.0], [2.0]], [[[0.2]], [[0.05]]])


@pytest.fixture
def plane():
    return GaussianMixture(
        [0.5, 0.2, 0.3],
        [[0.0, 1.0], [2.0, -1.0], [-1.0, -1.0]],
        [np.diag([0.1, 0.4]), [[0.3, 0.2], [0.2, 0.3]], 0.05 * np.eye(2)],
    )


@every_schedule
def test_the_denoiser_of_a_mixture_is_the_conditional_mean(bumps, schedule):
    law = NoisyMixture(bumps, schedule)
    for t in (0.2, 0.6):
        gamma, sigma = schedule.gamma(t), schedule.sigma(t)
        for x in (-0.4, 0.9):
            moments = [
                integrate.quad(
                    lambda x0, k=k, x=x, gamma=gamma, sigma=sigma: (
                        x0**k
                        * norm.pdf(x, gamma * x0, sigma)
                        * np.exp(bumps.log_prob([[x0]])[0])
                    ),
                    -4, 4, points=(-1, 2, x / gamma), epsabs=1e-12,
                )[0]
                for k in (0, 1)
            ]  # fmt: skip
            assert_allclose(law([[x]], t), [[moments[1] / moments[0]]], rtol=1e-8)
            assert_allclose(law.density(t).log_prob([[x]]), np.log(moments[0]), rtol=1e-8)


@every_schedule
def test_scores_are_gradients_and_follow_from_denoisers(plane, schedule):
    law, x = NoisyMixture(plane, schedule), np.random.default_rng(2).normal(size=(20, 2))
    for t in (0.3, 0.8):

        def log_p(x, t=t):
            return law.density(t).log_prob(x)

        slopes = [derivative(lambda h, e=e: log_p(x + h * e), 0.0, 1e-3) for e in np.eye(2)]
        assert_allclose(law.score(x, t), np.transpose(slopes), rtol=1e-6, atol=1e-7)
        assert_allclose(score_of(law, schedule)(x, t), law.score(x, t), rtol=1e-9, atol=1e-9)


def test_the_denoiser_of_a_mixture_knows_both_ends(plane):
    law, x = NoisyMixture(plane, StraightSchedule(end=1.0)), np.array([[0.3, -2.0], [9.0, 0.0]])
    assert_allclose(law(x, 1.0), [plane.mean, plane.mean], rtol=1e-12, atol=1e-12)
    assert_allclose(law(x, 0.0), x, rtol=1e-12, atol=1e-12)
    # Far out in the noise Tweedie's formula has lost digits that the denoiser still has.
    law = NoisyMixture(plane, ExplodingSchedule(end=1e9))
    expected = plane.mean + x @ plane.covariance / 1e8
    assert_allclose(law(1e8 * x, 1e8) - plane.mean, expected - plane.mean, rtol=1e-6)


@every_schedule
def test_the_denoiser_of_points_is_their_mean_by_bayes(schedule):
    rng = np.random.default_rng(3)
    points, x, t = rng.normal(size=(7, 2)), rng.normal(size=(700, 2)), 0.4
    law = NoisyEmpirical(points, schedule)
    gamma, sigma = schedule.gamma(t), schedule.sigma(t)
    weights = norm.pdf(x[:, None], gamma * points, sigma).prod(axis=2)
    shares = weights / weights.sum(axis=1, keepdims=True)
    assert_allclose(law.shares(x, t), shares, rtol=1e-8, atol=1e-12)
    assert_allclose(law(x, t), shares @ points, rtol=1e-8)
    narrow = GaussianMixture(np.full(7, 1 / 7), points, np.full((7, 1, 1), 1e-9) * np.eye(2))
    assert_allclose(law.score(x, t), NoisyMixture(narrow, schedule).score(x, t), rtol=1e-5)
    with pytest.raises(ValueError, match="t must have noise"):
        law(x, 0.0)


# Samplers. With Gaussian data every one of them is a linear map of states and noise.


class Unit:
    """In the place of a generator: the k-th draw is 1 in row ``first + k``, 0 elsewhere."""

    def __init__(self, first):
        self.row = first

    def standard_normal(self, shape):
        draws = np.zeros(shape)
        draws[self.row] = 1
        self.row += 1
        return draws


MEAN, VARIANCE = 0.8, 0.3


def regression(schedule, variance=VARIANCE):
    """Return the exact denoiser of N(MEAN, variance)."""

    def denoise(x, t):
        gamma, sigma = schedule.gamma(t), schedule.sigma(t)
        slope = gamma * variance / (gamma**2 * variance + sigma**2)
        return MEAN + slope * (x - gamma * MEAN)

    return denoise


def moments(schedule, t):
    """Return mean and standard deviation of x_t."""
    gamma, sigma = schedule.gamma(t), schedule.sigma(t)
    return gamma * MEAN, np.sqrt(gamma**2 * VARIANCE + sigma**2)


def error(sampler, schedule, times, assumed=VARIANCE, noisy=False, **options):
    """Return the Wasserstein distance of what a sampler makes from the law at the last time.

    It starts in the law at the first time. The sampler is linear in the state and in each noise:
    its answers to 0, to a state 1, and to noise 1 in one of the steps say everything.
    """
    x = np.zeros((2 + len(times), 1))
    x[1] = 1
    if noisy:
        options["rng"] = Unit(2)
    y = sampler(regression(schedule, assumed), x, schedule, times, **options)[:, 0]
    y[1:] -= y[0]
    (mean, sd), wanted = moments(schedule, times[0]), moments(schedule, times[-1])
    found = y[0] + y[1] * mean, np.sqrt((y[1] * sd) ** 2 + (y[2:] ** 2).sum())
    return np.hypot(found[0] - wanted[0], found[1] - wanted[1])


def middle(schedule, count):
    ends = schedule.time_of_ratio(np.array([20.0, 0.05]))
    return schedule.times(count, "log-snr", start=ends[0], stop=ends[1], to_zero=False)


def order(sampler, schedule, count=100, grid=middle, **options):
    """Return the exponent with which the error falls when the steps are halved."""
    few, many = (error(sampler, schedule, grid(schedule, n), **options) for n in (count, 2 * count))
    return np.log2(few / many)


SAMPLERS = {
    "ddim": (ddim, 1, {}),
    "ddim, half churned": (ddim, 1, {"noisy": True, "churn": 0.5}),
    "dpm_solver": (dpm_solver, 2, {}),
    "heun": (heun, 2, {}),
    "ancestral": (ancestral, 1, {"noisy": True}),
    "ancestral, forward variance": (ancestral, 1, {"noisy": True, "variance": "forward"}),
    "euler_maruyama": (euler_maruyama, 1, {"noisy": True}),
    "euler_maruyama, no noise": (euler_maruyama, 1, {"noisy": True, "noise": 0.0}),
    "euler_maruyama, more noise": (euler_maruyama, 1, {"noisy": True, "noise": 1.5}),
    "probability_flow": (probability_flow, 4, {}),
}


@pytest.mark.parametrize("schedule", SCHEDULES[:4], ids=lambda s: type(s).__name__)
@pytest.mark.parametrize("name", SAMPLERS)
def test_every_sampler_has_its_order(name, schedule):
    sampler, expected, options = SAMPLERS[name]
    count, atol = (20, 0.3) if expected == 4 else (100, 0.06)
    assert_allclose(order(sampler, schedule, count, **options), expected, atol=atol)
    # A denoiser of data with another variance leads elsewhere, however many the steps.
    assert order(sampler, schedule, count, assumed=0.33, **options) < 0.4


def uneven(schedule, count):
    """Give steps of the log-SNR that are alternately once and twice as long."""
    lengths = np.cumsum([0, *([1, 2] * (count // 2))])
    ratios = 20.0 * (0.05 / 20) ** (lengths / lengths[-1])
    return schedule.time_of_ratio(ratios)


def careless(denoise, x, schedule, times):
    """Extrapolate as if all steps were equal."""
    last = None
    for t, s in pairwise(times):
        now = denoise(x, t)
        guess = now if last is None else 1.5 * now - 0.5 * last
        last, shrink = now, schedule.ratio(s) / schedule.ratio(t)
        x = schedule.gamma(s) * (shrink * x / schedule.gamma(t) + (1 - shrink) * guess)
    return x


def test_the_multistep_method_knows_that_steps_differ():
    schedule = CosineSchedule()
    assert_allclose(order(dpm_solver, schedule, grid=uneven), 2, atol=0.06)
    assert order(careless, schedule, grid=uneven) < 1.3
    equal = middle(schedule, 30)
    assert_allclose(error(careless, schedule, equal), error(dpm_solver, schedule, equal), rtol=1e-9)


def test_second_order_pays():
    schedule = ExplodingSchedule()
    times = middle(schedule, 20)
    assert error(dpm_solver, schedule, times) < error(ddim, schedule, times) / 3


def test_with_all_noise_drawn_afresh_the_two_samplers_are_one(plane):
    for schedule in SCHEDULES[:4]:
        law, times = NoisyMixture(plane, schedule), schedule.times(7, "power")
        x = schedule.prior(50, 2, np.random.default_rng(4))
        one = ancestral(law, x, schedule, times, np.random.default_rng(5))
        other = ddim(law, x, schedule, times, churn=1.0, rng=np.random.default_rng(5))
        assert_allclose(one, other, rtol=1e-9, atol=1e-9)
        half = ddim(law, x, schedule, times, churn=0.5, rng=np.random.default_rng(5))
        assert not np.allclose(one, half, atol=1e-3)


@pytest.mark.parametrize("schedule", SCHEDULES[:4], ids=lambda s: type(s).__name__)
def test_samples_have_the_law_of_the_data(plane, schedule):
    law, rng = NoisyMixture(plane, schedule), np.random.default_rng(6)
    x = schedule.prior(4000, 2, rng)
    # With 80 steps the ancestral sampler is still some per cent short of the variance.
    for sample, atol in (
        (heun(law, x, schedule, schedule.times(30, "power")), 0.12),
        (dpm_solver(law, x, schedule, schedule.times(40, "power")), 0.12),
        (ancestral(law, x, schedule, schedule.times(80, "power"), rng), 0.2),
    ):
        assert_allclose(sample.mean(axis=0), plane.mean, atol=0.08)
        assert_allclose(np.cov(sample.T), plane.covariance, atol=atol)
        assert plane.log_prob(sample).mean() > plane.log_prob(plane.sample(4000)).mean() - 0.15


@pytest.mark.parametrize("schedule", SCHEDULES[:4], ids=lambda s: type(s).__name__)
def test_the_flow_knows_the_density_of_gaussians(schedule):
    mean, cov = np.array([0.5, -1.0]), np.array([[0.5, 0.2], [0.2, 0.4]])
    x = mean + np.random.default_rng(7).normal(size=(30, 2))
    ends = schedule.time_of_ratio(np.array([0.02, 50.0]))
    times = schedule.times(400, "log-snr", start=ends[1], stop=ends[0], to_zero=False)[::-1]

    def law(t):
        gamma, sigma = schedule.gamma(t), schedule.sigma(t)
        return gamma * mean, gamma**2 * cov + sigma**2 * np.eye(2)

    def slope(t):
        return schedule.gamma(t) * cov @ np.linalg.inv(law(t)[1])

    def denoise(x, t):
        return mean + (x - law(t)[0]) @ slope(t).T

    def divergence(x, t):
        return np.full(len(x), np.trace(slope(t)))

    end, change = probability_flow(denoise, x, schedule, times, divergence=divergence)
    found = multivariate_normal(*law(times[-1])).logpdf(end) - change
    assert_allclose(found, multivariate_normal(*law(times[0])).logpdf(x), atol=1e-8)
    assert abs(change).min() > 0.1
    back = probability_flow(denoise, end, schedule, times[::-1])
    assert_allclose(back, x, atol=1e-6)


def test_paths_hold_all_states(plane):
    schedule, rng = CosineSchedule(), np.random.default_rng(8)
    law, times = NoisyMixture(plane, schedule), schedule.times(5, to_zero=False)
    x = schedule.prior(3, 2, rng)
    before = x.copy()
    for sampler in (ddim, dpm_solver, heun, probability_flow):
        path = sampler(law, x, schedule, times, path=True)
        assert path.shape == (6, 3, 2)
        assert_array_equal(path[0], x)
        assert_array_equal(path[-1], sampler(law, x, schedule, times))
    for sampler in (ancestral, euler_maruyama):
        path = sampler(law, x, schedule, times, rng, path=True)
        assert path.shape == (6, 3, 2)
    assert_array_equal(x, before)


@pytest.mark.parametrize(
    ("times", "message"),
    [
        ([0.5], "at least two times, so that there is a step"),
        ([0.5, 0.6], "times must decrease"),
        ([0.5, 0.5], "times must decrease"),
        ([0.5, 0.2, 0.3], "times must decrease"),
        ([0.5, np.nan], "times must decrease"),
        ([1.5, 0.5], r"between 0 and the schedule's end 0\.999, got 0\.5 to 1\.5"),
        ([0.5, -0.1], "times must lie between 0 and"),
    ],
)
def test_impossible_grids_are_refused(times, message):
    schedule, x, rng = CosineSchedule(), np.zeros((2, 1)), np.random.default_rng(0)
    law = regression(schedule)
    for sampler in (ddim, dpm_solver, heun):
        with pytest.raises(ValueError, match=message):
            sampler(law, x, schedule, times)
    for sampler in (ancestral, euler_maruyama):
        with pytest.raises(ValueError, match=message):
            sampler(law, x, schedule, times, rng)


def test_other_impossible_arguments_are_refused():
    schedule, x, rng = CosineSchedule(), np.zeros((2, 1)), np.random.default_rng(0)
    law, times = regression(schedule), [0.5, 0.0]
    with pytest.raises(ValueError, match="churn must be a number, from 0 to 1, got 2"):
        ddim(law, x, schedule, times, churn=2, rng=rng)
    with pytest.raises(ValueError, match="rng must be given"):
        ddim(law, x, schedule, times, churn=0.5)
    with pytest.raises(ValueError, match="variance must be 'posterior' or 'forward'"):
        ancestral(law, x, schedule, times, rng, variance="learned")
    with pytest.raises(ValueError, match="noise must be a number, 0 or more, got -1"):
        euler_maruyama(law, x, schedule, [0.5, 0.1], rng, noise=-1)
    with pytest.raises(ValueError, match="times must end above 0"):
        euler_maruyama(law, x, schedule, times, rng)
    with pytest.raises(ValueError, match="times must stay above 0"):
        probability_flow(law, x, schedule, times)
    with pytest.raises(ValueError, match="times must decrease or increase"):
        probability_flow(law, x, schedule, [0.2, 0.5, 0.3])
    with pytest.raises(ValueError, match="x must be finite"):
        heun(law, np.full((2, 1), np.nan), schedule, times)


def test_a_state_that_is_not_finite_is_noticed_in_its_step():
    schedule, x, rng = CosineSchedule(), np.ones((2, 1)), np.random.default_rng(0)

    def broken(x, t):
        return np.full_like(x, np.inf if t < 0.4 else 0.0)

    times = [0.8, 0.5, 0.3, 0.1]
    for sampler in (ddim, dpm_solver):
        with pytest.raises(FloatingPointError, match=r"after the step from 0\.3 to 0\.1"):
            sampler(broken, x, schedule, times)
    with pytest.raises(FloatingPointError, match=r"after the step from 0\.5 to 0\.3"):
        heun(broken, x, schedule, times)
    for sampler in (ancestral, euler_maruyama):
        with pytest.raises(FloatingPointError, match=r"after the step from 0\.3 to 0\.1"):
            sampler(broken, x, schedule, times, rng)
    # At the very end of the straight line nothing of the data is left to divide by.
    straight = StraightSchedule(end=1.0)
    with pytest.raises(FloatingPointError, match="after the step from 1 to"):
        heun(regression(straight), x, straight, [1.0, 0.5])
    assert np.isfinite(ddim(regression(straight), x, straight, [1.0, 0.5])).all()
