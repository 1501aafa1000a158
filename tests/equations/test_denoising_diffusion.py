"""The numbered equations of the chapter on denoising diffusion."""

import warnings
from fractions import Fraction

import numpy as np
import pytest
import sympy
import torch
from dlmath.densities import GaussianMixture
from dlmath.diffusion import (
    CosineSchedule,
    DiscreteSchedule,
    ExplodingSchedule,
    NoisyEmpirical,
    NoisyMixture,
    ancestral,
    denoised,
    edm_scaling,
    target,
)
from dlmath.divergences import kl_gaussians
from scipy import integrate, optimize, special, stats

torch.set_num_threads(1)

GRID = np.linspace(-14, 14, 5_601)
STEP = GRID[1] - GRID[0]
# Three places that are neither centred nor symmetric.
PLACES, WEIGHTS = np.array([-1.2, 0.3, 1.5]), np.array([0.5, 0.3, 0.2])
COIN, FAIR = np.array([-1.0, 1.0]), np.array([0.5, 0.5])
BETA = np.array([0.08, 0.15, 0.3, 0.25, 0.5])


def normal(x, mean, variance):
    """Density of a Gaussian."""
    return stats.norm.pdf(x, mean, np.sqrt(variance))


def mass(values, axis=-1):
    """Integrate over the grid: for smooth functions that vanish at its ends, to all digits."""
    return values.sum(axis=axis) * STEP


def quietly(make, values):
    """Make a chain that does not end in noise, without its warning."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return make(values)


def chain():
    return quietly(DiscreteSchedule, BETA)


def noisy(x, gamma, variance, places=PLACES, weights=WEIGHTS):
    """Density of gamma x_0 plus noise."""
    return sum(w * normal(x, gamma * p, variance) for p, w in zip(places, weights, strict=True))


def posterior(x, gamma, variance, places=PLACES, weights=WEIGHTS):
    """Probabilities of the places given the state, by Bayes' rule; places in rows."""
    logs = [
        np.log(w) - (x - gamma * p) ** 2 / (2 * variance)
        for p, w in zip(places, weights, strict=True)
    ]
    return special.softmax(np.array(logs), axis=0)


def mean_given(x, gamma, variance, places=PLACES, weights=WEIGHTS):
    return places @ posterior(x, gamma, variance, places, weights)


def mmse_of(u, places=PLACES, weights=WEIGHTS):
    """Smallest mean squared error of x_0 from sqrt(u) x_0 plus standard noise, on the grid."""
    shares = posterior(GRID, np.sqrt(u), 1.0, places, weights)
    spread = places**2 @ shares - (places @ shares) ** 2
    return mass(noisy(GRID, np.sqrt(u), 1.0, places, weights) * spread)


def information(u, places=PLACES, weights=WEIGHTS):
    """Mutual information of x_0 and the noisy state: entropy less entropy of the noise."""
    p = noisy(GRID, np.sqrt(u), 1.0, places, weights)
    return mass(special.entr(p)) - np.log(2 * np.pi * np.e) / 2


def divergence(p, q):
    return mass(special.rel_entr(p, q))


def joint_covariance(variance, beta=BETA):
    """Covariance of (x_0, ..., x_T) as the inverse of the precision of the chain's density."""
    precision = np.zeros((len(beta) + 1, len(beta) + 1))
    precision[0, 0] = 1 / variance
    for t, b in enumerate(beta, 1):
        row = np.zeros(len(beta) + 1)
        row[t], row[t - 1] = 1, -np.sqrt(1 - b)
        precision += np.outer(row, row) / b
    return np.linalg.inv(precision)


# The bead.


@pytest.mark.verifies(
    "eq-denoising-diffusion-bead", routes=("scipy's solver for the moments", "the formula")
)
def test_bead_between_frames(verify):
    """Mean and variance of Langevin's equation, integrated in time, are those of the regression."""
    kappa, zeta, thermal, gap, x = 0.7, 1.9, 2.3, 0.8, 1.4

    def moments(_, y):
        return [-kappa / zeta * y[0], -2 * kappa / zeta * y[1] + 2 * thermal / zeta]

    solved = integrate.solve_ivp(moments, (0, gap), [x, 0.0], rtol=1e-11, atol=1e-13).y[:, -1]

    def formula(rate=1.0, power=2, factor=1.0):
        a = np.exp(-rate * kappa * gap / zeta)
        return [a * x, factor * thermal / kappa * (1 - a**power)]

    verify.agree(solved, formula(), rtol=1e-9)
    verify.refutes(solved, formula(rate=2), why="factor 2 in the rate")
    verify.refutes(solved, formula(power=1), why="a for a squared")
    verify.refutes(solved, formula(factor=2), why="factor 2 in the variance")
    verify.refutes(solved, formula(rate=-1), why="sign")


@pytest.mark.verifies(
    "eq-denoising-diffusion-fit", routes=("numpy's least squares", "moments of the process")
)
def test_fit_of_the_record(verify):
    """Least squares gives the first ratio; the exact moments of the process give the stiffness."""
    x = np.random.default_rng(0).normal(size=60).cumsum()
    found = np.linalg.lstsq(x[:-1, None], x[1:], rcond=None)[0][0]
    products = np.sum(x[:-1] * x[1:])
    verify.agree(found, products / np.sum(x[:-1] ** 2), rtol=1e-12)
    verify.refutes(found, products / np.sum(x[1:] ** 2), why="the later frames below")
    verify.refutes(found, products / np.sum(x[:-1] ** 2) / 60, why="factor n")

    kappa, zeta, thermal, gap = 0.7, 1.9, 2.3, 0.8
    variance = thermal / kappa
    covariance = variance * np.exp(-kappa * gap / zeta)
    ratio = covariance / variance
    verify.agree([-zeta * np.log(ratio) / gap, thermal / variance], [kappa, kappa], rtol=1e-13)
    verify.refutes(
        [zeta * np.log(ratio) / gap, thermal / variance], [kappa, kappa], why="sign of the log"
    )
    verify.refutes(
        [-zeta * np.log(ratio) / gap, thermal / (2 * variance)], [kappa, kappa], why="factor 2"
    )


# The chain.


@pytest.mark.verifies(
    "eq-denoising-diffusion-step",
    "eq-denoising-diffusion-marginal",
    "eq-denoising-diffusion-between",
    routes=("inverse of the precision matrix", "dlmath.diffusion.DiscreteSchedule"),
)
def test_leaps_of_the_chain(verify):
    """The density of all steps, inverted as a matrix, has the regressions that the leaps claim."""
    variance, own = 1.7, chain()
    cov = joint_covariance(variance)
    leaps, claimed, wrong = [], [], []
    for r in range(6):
        for t in range(r + 1, 6):
            slope = cov[r, t] / cov[r, r]
            leaps.append([slope, cov[t, t] - slope**2 * cov[r, r]])
            ratio = own.gamma[t] / own.gamma[r]
            claimed.append([ratio, own.sigma[t] ** 2 - ratio**2 * own.sigma[r] ** 2])
            wrong.append([ratio, own.sigma[t] ** 2 - ratio * own.sigma[r] ** 2])
    verify.agree(leaps, claimed, rtol=1e-12)
    verify.refutes(leaps, wrong, why="ratio not squared")
    verify.refutes(leaps, np.square(claimed), why="squares for amplitudes")
    first = [[cov[0, t] / variance, cov[t, t] - cov[0, t] ** 2 / variance] for t in range(1, 6)]
    formula = np.column_stack([own.gamma[1:], own.sigma[1:] ** 2])
    verify.agree(first, formula, rtol=1e-12)
    verify.refutes(first, np.column_stack([own.alpha_bar[1:], 1 - own.gamma[1:]]), why="no root")
    # A component of variance one keeps it; one step with the root at the wrong place does not.
    kept = np.diag(joint_covariance(1.0))
    verify.agree(kept, np.ones(6), rtol=1e-12)
    verify.refutes(np.cumprod(np.append(1, (1 - BETA) ** 2 + BETA)), np.ones(6), why="no root")


@pytest.mark.verifies(
    "eq-denoising-diffusion-products",
    "eq-denoising-diffusion-recursion",
    "eq-denoising-diffusion-snr",
    routes=("exact fractions", "dlmath.diffusion.DiscreteSchedule"),
)
def test_products(verify):
    """The variance walks along the chain in fractions to one minus the product."""
    T = 1000
    alpha_bar = np.square(CosineSchedule().gamma(np.arange(1, T + 1) / T * 0.999))
    own = DiscreteSchedule.from_alpha_bar(alpha_bar)
    verify.agree(own.alpha_bar[1:], alpha_bar, rtol=1e-10)
    verify.refutes(own.gamma[1:], alpha_bar, why="amplitude for its square")

    small = [Fraction(int(b * 100), 100) for b in BETA]
    variance, walked = Fraction(0), []
    for b in small:
        variance = (1 - b) * variance + b
        walked.append(variance)
    product = np.cumprod([float(1 - b) for b in small])
    verify.agree([float(v) for v in walked], 1 - product, rtol=1e-13)
    verify.refutes([float(v) for v in walked], product, why="one minus forgotten")
    verify.refutes(np.cumsum(BETA), 1 - product, why="variances only added")
    ratio = [float((1 - v) / v) for v in walked]
    verify.agree(ratio, (chain().gamma[1:] / chain().sigma[1:]) ** 2, rtol=1e-13)
    verify.refutes(ratio, chain().gamma[1:] / chain().sigma[1:], why="not squared")
    verify.refutes(
        1 / np.array(ratio), (chain().gamma[1:] / chain().sigma[1:]) ** 2, why="inverted"
    )


@pytest.mark.verifies(
    "eq-denoising-diffusion-cosine", routes=("quadrature of the rate", "the formula")
)
def test_cosine(verify):
    """The rate of the schedule in dlmath, integrated, gives the squared cosine."""
    schedule, times = CosineSchedule(), np.array([0.1, 0.4, 0.7, 0.95])
    rate = [integrate.quad(schedule.squared_diffusion, 0, t, epsabs=1e-13)[0] for t in times]

    def formula(power=2, offset=0.008):
        angle = np.pi / 2 * (times + offset) / (1 + offset)
        return (np.cos(angle) / np.cos(np.pi / 2 * offset / (1 + offset))) ** power

    verify.agree(np.exp(-np.array(rate)), formula(), rtol=1e-10)
    verify.refutes(np.exp(-np.array(rate)), formula(power=1), why="not squared")
    verify.refutes(np.exp(-np.array(rate)), formula(offset=0.0), why="offset forgotten")


# What the start costs.


@pytest.mark.verifies(
    "eq-denoising-diffusion-terminal",
    "eq-denoising-diffusion-start",
    routes=("quadrature", "matrices", "the formula"),
)
def test_price_of_the_start(verify):
    """The divergence from noise by matrices, on a grid and by eigenvalues; it is not exceeded."""
    rng = np.random.default_rng(3)
    root, m, ab = rng.normal(size=(3, 3)), rng.normal(size=3), 0.36**2
    S = root @ root.T
    matrices = kl_gaussians(np.sqrt(ab) * m, ab * S + (1 - ab) * np.eye(3), np.zeros(3), np.eye(3))
    grow = ab * (np.linalg.eigvalsh(S) - 1)

    def formula(mean=ab, log=1.0):
        return (mean * m @ m + np.sum(grow - log * np.log(1 + grow))) / 2

    verify.agree(matrices, formula(), rtol=1e-11)
    verify.refutes(matrices, formula(mean=0.36), why="amplitude for its square")
    verify.refutes(matrices, 2 * formula(), why="factor 2")
    verify.refutes(matrices, formula(log=-1), why="sign of the logarithm")

    mean, nu = 0.8, 0.3
    p = normal(GRID, 0.36 * mean, ab * nu + 1 - ab)
    start = divergence(p, normal(GRID, 0, 1))
    g = ab * (nu - 1)
    verify.agree(start, (ab * mean**2 + g - np.log1p(g)) / 2, rtol=1e-10)
    verify.refutes(start, (mean**2 + g - np.log1p(g)) / 2, why="mean not shrunk")
    # Exact reversal is the regression of x_0 on x_T, from a start of variance one.
    gain = 0.36 * nu / (ab * nu + 1 - ab)
    left = nu - gain * 0.36 * nu
    ends = normal(GRID, mean - gain * 0.36 * mean, left + gain**2)
    lost = divergence(normal(GRID, mean, nu), ends)
    verify.at_most(lost, start)
    verify.refutes(start, lost, why="the other way round")
    verify.agree(mass(GRID * ends), mean * (1 - ab) / (ab * nu + 1 - ab), rtol=1e-10)
    verify.refutes(mass(GRID * ends), mean, why="mean kept")


@pytest.mark.verifies(
    "eq-denoising-diffusion-hermite", routes=("quadrature", "Hermite moments of the data")
)
def test_hermite_series(verify):
    """The integral of p squared over the normal density is the series; its log bounds the cost."""
    ab = 0.4
    p, pi = noisy(GRID, np.sqrt(ab), 1 - ab), normal(GRID, 0, 1)
    squares = mass(p**2 / pi)
    c = [WEIGHTS @ special.eval_hermitenorm(k, PLACES) for k in range(1, 60)]
    k = np.arange(1, 60)

    def series(power=1.0, factorial=1.0):
        return 1 + np.sum(np.square(c) * ab ** (power * k) / special.gamma(k + 1) ** factorial)

    verify.agree(squares, series(), rtol=1e-9)
    verify.refutes(squares, series(power=0.5), why="amplitude for its square")
    verify.refutes(squares, series() - 1, why="one forgotten")
    verify.refutes(squares, 1 + np.sum(np.abs(c) * ab**k / special.gamma(k + 1)), why="no square")
    cost = divergence(p, pi)
    verify.at_most(cost, np.log(series()))
    verify.refutes(np.log(series()), cost, why="the other way round")


# One step back.


def product_moments(x0, xt, t, own):
    """Mean and variance of x_{t-1} from the product of two densities, on the grid."""
    weight = normal(GRID, own.gamma[t - 1] * x0, own.sigma[t - 1] ** 2)
    weight = weight * normal(xt, np.sqrt(own.alpha[t]) * GRID, own.beta[t])
    weight /= mass(weight)
    mean = mass(GRID * weight)
    return mean, mass((GRID - mean) ** 2 * weight)


@pytest.mark.verifies(
    "eq-denoising-diffusion-posterior",
    "eq-denoising-diffusion-ancestral",
    routes=("product of densities", "dlmath's posterior", "dlmath.diffusion.ancestral"),
)
def test_step_back(verify):
    """Bayes' rule on a grid gives mean and variance, and so does one step of dlmath's sampler."""
    own, x0, xt = chain(), 0.7, -1.3
    for t in (2, 3, 5):
        by_grid = product_moments(x0, xt, t, own)
        verify.agree(by_grid, own.posterior(x0, xt, t), rtol=1e-9)
        mean, variance = own.posterior(x0, xt, t)
        verify.refutes(by_grid, (mean, own.beta[t]), why="beta for beta-tilde")
        verify.refutes(by_grid, own.posterior(xt, x0, t), why="arguments exchanged")
        verify.refutes(by_grid, (mean, np.sqrt(variance)), why="spread for variance")

    class Ones:
        def standard_normal(self, shape):
            return np.ones(shape)

    # Times of the cosine schedule at which it has the amplitudes of one step of a chain.
    schedule = CosineSchedule()
    s, t = 0.3, 0.55
    two = quietly(DiscreteSchedule.from_alpha_bar, np.square(schedule.gamma([s, t])))
    moved = ancestral(lambda x, _: np.full_like(x, x0), [[xt]], schedule, [t, s], Ones())[0, 0]
    mean, variance = product_moments(x0, xt, 2, two)
    verify.agree(moved, mean + np.sqrt(variance), rtol=1e-9)
    verify.refutes(moved, mean + variance, why="variance for spread")
    verify.refutes(moved, mean + np.sqrt(two.beta[2]), why="variance of the forward step")
    verify.refutes(moved, mean - np.sqrt(variance), why="sign of the noise")


@pytest.mark.verifies(
    "eq-denoising-diffusion-reverse", routes=("Bayes' rule on a grid", "the formula")
)
def test_moments_of_the_reverse_step(verify):
    """The law of x_{t-1} given x_t, averaged over three data, has this mean and variance."""
    own, xt, t = chain(), 0.4, 3
    weight = noisy(GRID, own.gamma[t - 1], own.sigma[t - 1] ** 2)
    weight = weight * normal(xt, np.sqrt(own.alpha[t]) * GRID, own.beta[t])
    weight /= mass(weight)
    mean = mass(GRID * weight)
    moments = [mean, mass((GRID - mean) ** 2 * weight)]
    shares = posterior(xt, own.gamma[t], own.sigma[t] ** 2)
    guess = PLACES @ shares
    spread = PLACES**2 @ shares - guess**2
    factor = own.gamma[t - 1] * own.beta[t] / own.sigma[t] ** 2

    def formula(power=2, guess=guess):
        step, variance = own.posterior(guess, xt, t)
        return [step, variance + factor**power * spread]

    verify.agree(moments, formula(), rtol=1e-9)
    verify.refutes(moments, formula(power=1), why="factor not squared")
    verify.refutes(moments, formula(guess=PLACES[shares.argmax()]), why="likeliest datum for mean")
    verify.refutes(moments, [formula()[0], own.beta_tilde[t]], why="bridge only")


@pytest.mark.verifies(
    "eq-denoising-diffusion-denoiser", routes=("quadrature", "dlmath.diffusion.NoisyEmpirical")
)
def test_projection(verify):
    """The error of any denoiser is the smallest one and the distance from the conditional mean."""
    schedule, t = CosineSchedule(), 0.5
    gamma, variance = schedule.gamma(t), schedule.sigma(t) ** 2
    p, shares = noisy(GRID, gamma, variance), posterior(GRID, gamma, variance)
    other = np.sin(GRID)
    joint = p * shares
    error = sum(mass(j * (place - other) ** 2) for j, place in zip(joint, PLACES, strict=True))
    # Data of unequal weights, as repeated points.
    points = np.repeat(PLACES, [5, 3, 2])[:, None]
    best = NoisyEmpirical(points, schedule)(GRID[:, None], t)[:, 0]
    least = sum(mass(j * (place - best) ** 2) for j, place in zip(joint, PLACES, strict=True))
    excess = mass(p * (best - other) ** 2)
    verify.agree(error, least + excess, rtol=1e-10)
    verify.refutes(error, least - excess, why="sign")
    verify.refutes(error, least + 2 * excess, why="factor 2")
    verify.refutes(error, excess, why="smallest error forgotten")


@pytest.mark.verifies(
    "eq-denoising-diffusion-gaussian", routes=("Tweedie in dlmath.diffusion", "the formula")
)
def test_gaussian_denoiser(verify):
    """The denoiser from the score of a Gaussian is the linear one of the formula."""
    rng = np.random.default_rng(4)
    root, m, x = rng.normal(size=(3, 3)), rng.normal(size=3), rng.normal(size=(5, 3))
    S, schedule, t = root @ root.T, CosineSchedule(), 0.6
    law = NoisyMixture(GaussianMixture([1.0], [m], [S]), schedule)
    gamma, sigma = schedule.gamma(t), schedule.sigma(t)

    def formula(front=gamma, shift=gamma, noise=sigma**2):
        gain = front * S @ np.linalg.inv(gamma**2 * S + noise * np.eye(3))
        return m + (x - shift * m) @ gain.T

    verify.agree(law(x, t), formula(), rtol=1e-10, atol=1e-12)
    verify.refutes(law(x, t), formula(front=1), why="gamma forgotten")
    verify.refutes(law(x, t), formula(shift=1), why="mean not shrunk")
    verify.refutes(law(x, t), formula(noise=sigma), why="sigma not squared")


# The decision.


@pytest.mark.verifies(
    "eq-denoising-diffusion-tanh",
    "eq-denoising-diffusion-magnet",
    routes=("Bayes' rule", "dlmath.diffusion.NoisyEmpirical", "humps found on a grid"),
)
def test_magnet(verify):
    """The guess is a hyperbolic tangent, and the humps of the density are its fixed points."""
    schedule, x = CosineSchedule(), np.linspace(-2, 2, 9)
    t = 0.4
    gamma, variance = schedule.gamma(t), schedule.sigma(t) ** 2
    by_dlmath = NoisyEmpirical(COIN[:, None], schedule)(x[:, None], t)[:, 0]
    verify.agree(by_dlmath, np.tanh(gamma * x / variance), rtol=1e-12, atol=1e-14)
    verify.refutes(by_dlmath, np.tanh(2 * gamma * x / variance), why="factor 2")
    verify.refutes(by_dlmath, np.tanh(gamma * x / np.sqrt(variance)), why="sigma not squared")
    verify.refutes(by_dlmath, np.tanh(-gamma * x / variance), why="sign")
    by_bayes = mean_given(x, gamma, variance, COIN, FAIR)
    verify.agree(by_bayes, np.tanh(gamma * x / variance), rtol=1e-10, atol=1e-13)
    verify.refutes(by_bayes, np.tanh(x / variance), why="gamma forgotten")

    def highest(u):
        """Place of the hump with x >= 0, in units of gamma, by a search of the density."""
        gamma, variance = np.sqrt(u / (1 + u)), 1 / (1 + u)
        found = optimize.minimize_scalar(
            lambda x: -noisy(x, gamma, variance, COIN, FAIR),
            bounds=(0, 1.5),
            method="bounded",
            options={"xatol": 1e-10},
        )
        return found.x / gamma

    def root(u):
        return optimize.brentq(lambda m: np.tanh(u * m) - m, 1e-3, 1)

    ratios = [1.1, 1.5, 3.0]
    humps = [highest(u) for u in ratios]
    verify.agree(humps, [root(u) for u in ratios], rtol=1e-6)
    verify.refutes(humps, [root(2 * u) for u in ratios], why="factor 2 in the coupling")
    verify.refutes(humps, [root(np.sqrt(u)) for u in ratios], why="amplitudes for squares")

    # One hump up to a ratio of one, that is alpha-bar of one half, two beyond.
    def count(alpha_bar):
        p = noisy(GRID, np.sqrt(alpha_bar), 1 - alpha_bar, COIN, FAIR)
        inner = p[1:-1]
        return np.count_nonzero((inner > p[:-2]) & (inner >= p[2:]) & (inner > 1e-9))

    counted = [count(ab) for ab in (0.2, 0.49, 0.51, 0.8)]
    verify.agree(counted, [1, 1, 2, 2])
    verify.refutes(counted, [1, 2, 2, 2], why="a lower threshold")


@pytest.mark.verifies(
    "eq-denoising-diffusion-exponent", routes=("root of the equation", "expansion")
)
def test_critical_exponent(verify):
    """Just above the critical ratio the squared magnetisation is three times the distance."""
    above = np.array([1e-4, 1e-5])
    squares = [
        optimize.brentq(lambda m, u=1 + e: np.tanh(u * m) - m, np.sqrt(e), 0.5, xtol=1e-15) ** 2
        for e in above
    ]
    verify.agree(squares, 3 * above, rtol=1e-3)
    verify.refutes(squares, above, why="factor 3")
    verify.refutes(squares, 6 * above, why="factor 2")
    verify.refutes(np.sqrt(squares), 3 * above, why="not squared")


@pytest.mark.verifies(
    "eq-denoising-diffusion-martingale", routes=("Bayes' rule on a grid", "dlmath's denoiser")
)
def test_guesses_are_a_fair_game(verify):
    """The mean of the next guesses, over the exact reverse leap, is the guess of now."""
    own, xt, r, t = chain(), 0.9, 1, 4
    ratio = own.gamma[t] / own.gamma[r]
    weight = noisy(GRID, own.gamma[r], own.sigma[r] ** 2)
    weight = weight * normal(xt, ratio * GRID, own.sigma[t] ** 2 - ratio**2 * own.sigma[r] ** 2)
    weight /= mass(weight)
    later = mass(weight * mean_given(GRID, own.gamma[r], own.sigma[r] ** 2))
    now = mean_given(xt, own.gamma[t], own.sigma[t] ** 2)
    verify.agree(later, now, rtol=1e-9)
    at_mean = mean_given(mass(weight * GRID), own.gamma[r], own.sigma[r] ** 2)
    verify.refutes(at_mean, now, why="guess at the mean state")
    late = mass(weight * mean_given(GRID, own.gamma[t], own.sigma[t] ** 2))
    verify.refutes(late, now, why="time not updated")


# The bound.


def expected_log(mu, cov, i, j, slope, shift, variance):
    """Mean of log N(x_i; slope x_j + shift, variance) under a joint Gaussian law."""
    mean = mu[i] - slope * mu[j] - shift
    spread = cov[i, i] - 2 * slope * cov[i, j] + slope**2 * cov[j, j]
    return -((mean**2 + spread) / variance + np.log(2 * np.pi * variance)) / 2


class LinearChain:
    """A chain of four steps with linear denoisers, in which every mean is a closed form."""

    def __init__(self, x0=0.9, decoder=0.3):
        self.own, self.x0, self.decoder = quietly(DiscreteSchedule, BETA[:4]), x0, decoder
        self.slopes = np.array([np.nan, 0.8, 0.7, 0.5, 0.2])  # of D(x, t)
        own, T = self.own, 4
        # Moments of x_1, ..., x_T given x_0, by walking; entry 0 is x_0 itself.
        self.mu, self.cov = np.zeros(T + 1), np.zeros((T + 1, T + 1))
        self.mu[0] = x0
        for t in range(1, T + 1):
            a = np.sqrt(own.alpha[t])
            self.mu[t] = a * self.mu[t - 1]
            self.cov[t, :t] = self.cov[:t, t] = a * self.cov[t - 1, :t]
            self.cov[t, t] = a**2 * self.cov[t - 1, t - 1] + own.beta[t]

    def back(self, t):
        """Slope and variance of the model's step from t."""
        if t == 1:
            return self.slopes[1], self.decoder
        slope = self.own.posterior(self.slopes[t], 1.0, t)[0]
        return slope, self.own.beta_tilde[t]

    def first_form(self, flip=1.0):
        mu, cov, own = self.mu, self.cov, self.own
        total = expected_log(mu, cov, 4, 4, 0.0, 0.0, 1.0)
        for t in range(1, 5):
            slope, variance = self.back(t)
            total += expected_log(mu, cov, t - 1, t, slope, 0.0, variance)
            forward = np.sqrt(own.alpha[t])
            total -= flip * expected_log(mu, cov, t, t - 1, forward, 0.0, own.beta[t])
        return total

    def second_form(self, weight=0.5, prior=1.0):
        mu, cov, own = self.mu, self.cov, self.own
        total = expected_log(mu, cov, 0, 1, self.slopes[1], 0.0, self.decoder)
        snr = np.append(np.inf, own.alpha_bar[1:] / own.sigma[1:] ** 2)
        for t in range(2, 5):
            miss = (self.x0 - self.slopes[t] * mu[t]) ** 2 + self.slopes[t] ** 2 * cov[t, t]
            total -= weight * (snr[t - 1] - snr[t]) * miss
        start = kl_gaussians([mu[4]], [[cov[4, 4]]], [0.0], [[1.0]])
        return total - prior * start

    def log_evidence(self):
        """Log-density of x_0 under the model, a chain of Gaussians from x_T down."""
        variance = 1.0
        for t in range(4, 0, -1):
            slope, added = self.back(t)
            variance = slope**2 * variance + added
        return stats.norm.logpdf(self.x0, 0, np.sqrt(variance))

    def gap(self):
        """Divergence of the forward chain from the model's posterior of x_1, ..., x_T."""
        precision, shift = np.zeros((4, 4)), np.zeros(4)
        precision[3, 3] += 1.0
        for t in range(1, 5):
            slope, variance = self.back(t)
            row = np.zeros(5)
            row[t - 1], row[t] = 1, -slope
            precision += np.outer(row[1:], row[1:]) / variance
            shift -= row[1:] * row[0] * self.x0 / variance
        inverse = np.linalg.inv(precision)
        return kl_gaussians(self.mu[1:], self.cov[1:, 1:], inverse @ shift, inverse)


@pytest.mark.verifies(
    "eq-denoising-diffusion-elbo",
    "eq-denoising-diffusion-terms",
    routes=("moments of the forward chain", "squared errors", "log-density less divergence"),
)
def test_bound_twice(verify):
    """Both forms of the bound, and the exact log-density less the exact gap, are one number."""
    model = LinearChain()
    exact = model.log_evidence() - model.gap()
    verify.agree(model.first_form(), exact, rtol=1e-11)
    verify.refutes(model.first_form(flip=-1), exact, why="sign of the forward steps")
    verify.refutes(model.first_form(flip=0), exact, why="forward steps forgotten")
    verify.agree(model.second_form(), exact, rtol=1e-11)
    verify.refutes(model.second_form(weight=1.0), exact, why="factor 2 of the errors")
    verify.refutes(model.second_form(weight=-0.5), exact, why="sign of the errors")
    verify.refutes(model.second_form(prior=0), exact, why="last divergence forgotten")
    verify.at_most(model.second_form(), model.log_evidence())
    verify.refutes(model.log_evidence(), model.second_form(), why="the other way round")


@pytest.mark.verifies(
    "eq-denoising-diffusion-weight",
    "eq-denoising-diffusion-factor",
    routes=("divergence on a grid", "sympy"),
)
def test_weight_of_an_error(verify):
    """The divergence of two steps, on a grid, is half a difference of ratios times an error."""
    own, x0, guess, xt, t = chain(), 0.7, -0.2, 0.5, 3
    mean, variance = product_moments(x0, xt, t, own)
    other = own.posterior(guess, xt, t)[0]
    cost = divergence(normal(GRID, mean, variance), normal(GRID, other, variance))
    snr = own.alpha_bar[1:] / own.sigma[1:] ** 2

    def formula(weight=0.5, shift=0, power=2):
        return weight * (snr[t - 2 + shift] - snr[t - 1 + shift]) * abs(x0 - guess) ** power

    verify.agree(cost, formula(), rtol=1e-8)
    verify.refutes(cost, formula(weight=1), why="factor 2")
    verify.refutes(cost, formula(weight=-0.5), why="sign")
    verify.refutes(cost, formula(shift=1), why="next step's weight")
    verify.refutes(cost, formula(power=1), why="error not squared")

    before, b = sympy.symbols("alpha beta", positive=True)
    after = before * (1 - b)
    tilde = (1 - before) / (1 - after) * b
    left = before * b**2 / (2 * (1 - after) ** 2 * tilde)
    right = (before / (1 - before) - after / (1 - after)) / 2
    verify.identical(left, right)
    verify.refutes(2 * left, right, why="factor 2, in symbols")
    verify.refutes(left * tilde / b, right, why="beta for beta-tilde")


@pytest.mark.verifies("eq-denoising-diffusion-bayes", routes=("densities", "dlmath's posterior"))
def test_step_turned_round(verify):
    """The forward density is the step back times a fraction of two leaps."""
    own, x0, before, after, t = chain(), 0.7, 0.2, -0.4, 3
    mean, variance = own.posterior(x0, after, t)
    back = normal(before, mean, variance)
    leaps = [
        normal(x, own.gamma[k] * x0, own.sigma[k] ** 2) for x, k in ((after, t), (before, t - 1))
    ]
    forward = normal(after, np.sqrt(own.alpha[t]) * before, own.beta[t])
    verify.agree(forward, back * leaps[0] / leaps[1], rtol=1e-12)
    verify.refutes(forward, back * leaps[1] / leaps[0], why="fraction inverted")
    verify.refutes(forward, back, why="fraction forgotten")


@pytest.mark.verifies(
    "eq-denoising-diffusion-variance", routes=("quadrature over both states", "two variances")
)
def test_variance_of_the_estimates(verify):
    """The variance of the log ratio is that of the divergence and the mean of what it averages."""
    own, x0, t = chain(), 0.7, 3
    nodes, weights = np.polynomial.hermite_e.hermegauss(80)
    weights = weights / weights.sum()
    xt = own.gamma[t] * x0 + own.sigma[t] * nodes
    guess = np.tanh(xt)
    mean, variance = own.posterior(x0, xt, t)
    model = own.posterior(guess, xt, t)[0]
    x = mean[:, None] + np.sqrt(variance) * nodes
    ratio = ((x - model[:, None]) ** 2 - (x - mean[:, None]) ** 2) / (2 * variance)
    both = weights[:, None] * weights
    total = np.sum(both * ratio**2) - np.sum(both * ratio) ** 2
    snr = own.alpha_bar[1:] / own.sigma[1:] ** 2
    cost = (snr[t - 2] - snr[t - 1]) / 2 * (x0 - guess) ** 2
    of_cost = weights @ cost**2 - (weights @ cost) ** 2
    # Given both ends the log ratio is linear in the noise, with twice its mean as its variance.
    averaged = 2 * weights @ cost
    verify.agree(total, of_cost + averaged, rtol=1e-9)
    verify.refutes(total, of_cost, why="noise of the step forgotten")
    verify.refutes(total, of_cost - averaged, why="sign")
    verify.refutes(total, of_cost + averaged / 2, why="factor 2")


# Information.


@pytest.mark.verifies(
    "eq-denoising-diffusion-look",
    "eq-denoising-diffusion-pair",
    routes=("entropies on a grid", "moments and a divergence"),
)
def test_one_short_look(verify):
    """Mutual information from entropies is half the variance less a divergence, which is small."""
    m, R = WEIGHTS @ PLACES, np.abs(PLACES).max()
    variance = WEIGHTS @ (PLACES - m) ** 2
    for delta in (0.05, 0.1):
        p, g = noisy(GRID, np.sqrt(delta), 1.0), normal(GRID, np.sqrt(delta) * m, 1.0)
        rest = divergence(p, g)
        known = information(delta)
        verify.agree(known, delta / 2 * variance - rest, rtol=1e-8)
        verify.refutes(known, delta * variance - rest, why="factor 2")
        verify.refutes(known, delta / 2 * variance + rest, why="sign")
        verify.refutes(known, np.sqrt(delta) / 2 * variance - rest, why="root of delta")
        pairs = np.exp(delta * np.outer(PLACES - m, PLACES - m))
        squares = mass(p**2 / g)
        verify.agree(squares, WEIGHTS @ pairs @ WEIGHTS, rtol=1e-10)
        verify.refutes(squares, WEIGHTS @ np.sqrt(pairs) @ WEIGHTS, why="half the exponent")
        verify.at_most(rest, np.log(squares))
        verify.refutes(np.log(squares), rest, why="the other way round")
        assert 4 * R**2 * delta <= 1
        verify.at_most([0, rest], [rest, 16 * R**4 * delta**2])
        verify.refutes([0, delta / 2 * variance], [rest, rest], why="not of second order")


@pytest.mark.verifies(
    "eq-denoising-diffusion-information",
    "eq-denoising-diffusion-increment",
    routes=("entropies on a grid", "quadrature of the error"),
)
def test_information_and_error(verify):
    """Entropies and the integral of the smallest error agree; short steps obey the bounds."""
    for u in (0.4, 2.0, 9.0):
        integral = integrate.quad(mmse_of, 0, u, epsabs=1e-10)[0]
        verify.agree(information(u), integral / 2, rtol=1e-7)
        verify.refutes(information(u), integral, why="factor 2")
        verify.refutes(information(u), u * mmse_of(u) / 2, why="error at the end only")
        verify.refutes(information(u), -integral / 2, why="sign")
    # Gaussian data, in symbols: the derivative of their information.
    nu, u = sympy.symbols("nu u", positive=True)
    slope = sympy.diff(sympy.log(1 + u * nu) / 2, u)
    verify.identical(slope, nu / (1 + u * nu) / 2)
    verify.refutes(slope, nu / (1 + u * nu), why="factor 2, in symbols")
    R = np.abs(PLACES).max()
    for u in (0.5, 3.0):
        delta = 1 / (4 * R**2)
        gain = information(u + delta) - information(u)
        first = delta * mmse_of(u) / 2
        verify.at_most([first - 16 * R**4 * delta**2, gain], [gain, first], atol=1e-12)
        verify.refutes(
            [first - 16 * R**4 * delta**2, gain],
            [gain, delta * mmse_of(u + delta) / 2],
            why="error of the better end",
        )
        verify.refutes([first, gain], [gain, first], why="no loss at all")


def discrete_bound(own, guess):
    """Minus the bound for a coin, with squared errors on the grid and the exact last step."""
    snr = own.alpha_bar[1:] / own.sigma[1:] ** 2
    total = 0.0
    for t in range(2, own.T + 1):
        gamma, variance = own.gamma[t], own.sigma[t] ** 2
        joint = [0.5 * normal(GRID, gamma * p, variance) for p in COIN]
        miss = sum(mass(j * (p - guess(t)) ** 2) for j, p in zip(joint, COIN, strict=True))
        total += (snr[t - 2] - snr[t - 1]) / 2 * miss
    shares = posterior(GRID, own.gamma[1], own.sigma[1] ** 2, COIN, FAIR)
    p1 = noisy(GRID, own.gamma[1], own.sigma[1] ** 2, COIN, FAIR)
    total += mass(p1 * special.entr(shares).sum(axis=0))
    last = own.sigma[-1] ** 2
    return total + np.mean([(last + own.alpha_bar[-1] * p**2 - 1 - np.log(last)) / 2 for p in COIN])


@pytest.mark.verifies(
    "eq-denoising-diffusion-entropy",
    "eq-denoising-diffusion-excess",
    routes=("the terms of the bound", "entropy and areas"),
)
def test_bound_of_a_coin(verify):
    """The terms of the bound add up to one bit, a divergence, and areas above a curve."""
    own = quietly(DiscreteSchedule, [0.1, 0.2, 0.4, 0.6])
    snr = own.alpha_bar[1:] / own.sigma[1:] ** 2

    def best(t):
        return np.tanh(own.gamma[t] * GRID / own.sigma[t] ** 2)

    def error(u):
        return mmse_of(u, COIN, FAIR)

    bound = discrete_bound(own, best)
    areas = 0.0
    for t in range(2, own.T + 1):
        low, high = snr[t - 1], snr[t - 2]
        areas += (high - low) * error(low) - integrate.quad(error, low, high, epsabs=1e-10)[0]
    last = noisy(GRID, own.gamma[-1], own.sigma[-1] ** 2, COIN, FAIR)
    start = divergence(last, normal(GRID, 0, 1))
    verify.agree(bound, np.log(2) + start + areas / 2, rtol=1e-8)
    verify.refutes(bound, np.log(2) + start + areas, why="factor 2")
    verify.refutes(bound, np.log(2) + start - areas / 2, why="sign")
    verify.refutes(bound, np.log(2) + areas / 2, why="start forgotten")
    verify.refutes(bound, start + areas / 2, why="entropy forgotten")
    verify.at_most([0, areas / 2], [areas / 2, 16 * np.sum(np.diff(snr) ** 2)])
    verify.refutes([areas / 2, 0], [0, areas / 2], why="areas below the curve")

    # D4: longer chains come down to one bit.
    longer = [DiscreteSchedule.of(CosineSchedule(), T) for T in (25, 50, 100)]
    excess = []
    for finer in longer:
        excess.append(
            discrete_bound(finer, lambda t, f=finer: np.tanh(f.gamma[t] * GRID / f.sigma[t] ** 2))
            - np.log(2)
        )
    verify.at_most(excess[1:], 0.65 * np.array(excess[:-1]))
    verify.refutes(excess[:-1], 0.65 * np.array(excess[1:]), why="longer chains are worse")

    spoiled = discrete_bound(own, lambda t: best(t) + 0.2 * np.sin(GRID + t))
    more = 0.0
    for t in range(2, own.T + 1):
        p = noisy(GRID, own.gamma[t], own.sigma[t] ** 2, COIN, FAIR)
        more += (snr[t - 2] - snr[t - 1]) * mass(p * (0.2 * np.sin(GRID + t)) ** 2)
    verify.agree(spoiled, bound + more / 2, rtol=1e-9)
    verify.refutes(spoiled, bound + more, why="factor 2 of the excess")
    verify.refutes(spoiled, bound - more / 2, why="sign of the excess")


# What the network is asked for.


@pytest.mark.verifies(
    "eq-denoising-diffusion-conversions",
    "eq-denoising-diffusion-conditioning",
    "eq-denoising-diffusion-losses",
    routes=("sympy", "dlmath.diffusion"),
)
def test_parametrisations(verify):
    """Solved in symbols, each answer gives back the data; errors grow as the text says."""
    a, b, g, s, x, v = sympy.symbols("a b gamma sigma x v", positive=True)
    (by_noise,) = sympy.solve(sympy.Eq(x, g * a + s * b), a)
    verify.identical(by_noise, (x - s * b) / g)
    verify.refutes(by_noise, (x + s * b) / g, why="sign of the noise")
    back = (sympy.Matrix([[g, s], [-s, g]]).inv() * sympy.Matrix([x, v]))[0]
    verify.identical(back, (g * x - s * v) / (g**2 + s**2))
    verify.refutes(back, (g * x + s * v) / (g**2 + s**2), why="sign of v")
    verify.refutes(back, g * x - s * v, why="variance that is not kept")
    rng = np.random.default_rng(5)
    data, noise = rng.normal(size=(2, 4))
    for gamma, sigma in ((0.3, 0.8), (0.6, 0.8)):
        state = gamma * data + sigma * noise
        answers = {"x0": data + 0, "epsilon": noise + 0, "v": gamma * noise - sigma * data}
        for kind, answer in answers.items():
            verify.agree(target(kind, 1 * data, 1 * noise, gamma, sigma), answer, rtol=1e-14)
            verify.refutes(target(kind, noise, -data, gamma, sigma), answer, why="turned")
            found = denoised(kind, answer, state, gamma, sigma)
            verify.agree(found, data, rtol=1e-12)
            verify.refutes(denoised(kind, -answer, state, gamma, sigma), data, why="sign")
        factors = np.array([1, sigma / gamma, sigma / (gamma**2 + sigma**2)])
        grown = [
            np.linalg.norm(denoised(k, a + 0.01, state, gamma, sigma) - data) / 0.02
            for k, a in answers.items()
        ]
        verify.agree(grown, factors, rtol=1e-10)
        verify.refutes(grown, factors**2, why="squared")
        verify.refutes(grown, 1 / factors, why="inverted")
    gamma, sigma = 0.6, 0.8
    state, D = gamma * data + sigma * noise, rng.normal(size=4)
    miss, snr = np.sum((data - D) ** 2), (gamma / sigma) ** 2
    said = [(state - gamma * D) / sigma, (gamma * state - D) / sigma]
    losses = [np.sum((noise - said[0]) ** 2), np.sum((answers["v"] - said[1]) ** 2)]
    verify.agree(losses, [snr * miss, (snr + 1) * miss], rtol=1e-12)
    verify.refutes(losses, [miss / snr, (snr + 1) * miss], why="ratio inverted")
    verify.refutes(losses, [snr * miss, snr * miss], why="one forgotten")


@pytest.mark.verifies(
    "eq-denoising-diffusion-continuous",
    "eq-denoising-diffusion-simple",
    routes=("sum over a fine chain", "closed form", "second moments"),
)
def test_costs(verify):
    """The sum over a fine chain tends to the flat integral; the simple cost has the ratios."""
    nu, ends = 0.7, (-5.0, 4.0)

    def total(T):
        snr = np.exp(np.linspace(ends[1], ends[0], T))
        return np.sum(-np.diff(snr) * nu / (1 + snr[1:] * nu)) / 2

    # The loss in epsilon is u nu / (1 + u nu), whose integral over log u is a logarithm.
    exact = np.log((1 + nu * np.exp(ends[1])) / (1 + nu * np.exp(ends[0]))) / 2
    verify.agree(2 * total(40_000) - total(20_000), exact, rtol=1e-6)
    verify.refutes(2 * total(40_000) - total(20_000), 2 * exact, why="factor 2")
    in_x0 = integrate.quad(lambda g: nu / (1 + np.exp(g) * nu), *ends)[0] / 2
    verify.refutes(2 * total(40_000) - total(20_000), in_x0, why="error in the data")

    # A linear denoiser D = c x on data of variance nu: all second moments are known.
    own, c = chain(), 0.6
    by_noise, by_data = [], []
    for g, v in zip(own.gamma[1:], own.sigma[1:] ** 2, strict=True):
        moments = np.array([[nu, g * nu], [g * nu, g**2 * nu + v]])  # of x_0 and x_t
        noise = np.array([-g, 1]) / np.sqrt(v)
        answer = np.array([0, 1 - g * c]) / np.sqrt(v)
        miss = np.array([1, -c])
        by_noise.append((noise - answer) @ moments @ (noise - answer))
        by_data.append(g**2 / v * miss @ moments @ miss)
    verify.agree(np.mean(by_noise), np.mean(by_data), rtol=1e-12)
    verify.refutes(np.sum(by_noise), np.mean(by_data), why="factor T")
    snr = own.alpha_bar[1:] / own.sigma[1:] ** 2
    verify.refutes(np.mean(by_noise), np.mean(by_data / snr), why="ratio forgotten")


@pytest.mark.verifies(
    "eq-denoising-diffusion-scaling",
    "eq-denoising-diffusion-unit",
    routes=("scipy's search", "second moments", "dlmath.diffusion.edm_scaling"),
)
def test_scaling(verify):
    """A search for the smallest factor finds the scaling; both mean squares are one."""
    for r, sd in ((0.05, 0.5), (0.7, 0.5), (30.0, 2.0)):
        c_skip, c_out, c_in = edm_scaling(r, sd)
        found = optimize.minimize_scalar(lambda c, r=r, sd=sd: (1 - c) ** 2 * sd**2 + c**2 * r**2)
        verify.agree([found.x, np.sqrt(found.fun)], [c_skip, c_out], rtol=1e-6, atol=1e-9)
        verify.refutes([1 - found.x, np.sqrt(found.fun)], [c_skip, c_out], why="shares exchanged")
        verify.refutes([found.x, found.fun], [c_skip, c_out], why="square for the factor")
        # Moments of (x_0, noise), in standard deviations.
        inputs = c_in * np.array([sd, r])
        wanted = (np.array([sd, 0]) - c_skip * np.array([sd, r])) / c_out
        verify.agree([inputs @ inputs, wanted @ wanted], [1, 1], rtol=1e-12)
        verify.refutes([inputs @ inputs, 2 * wanted @ wanted], [1, 1], why="factor 2")
        verify.refutes([sd**2 + r**2, wanted @ wanted], [1, 1], why="input not scaled")
    gamma, sigma = 0.6, 0.8
    data, noise = np.random.default_rng(6).normal(size=(2, 5))
    c_skip, c_out, _ = edm_scaling(sigma / gamma, 1.0)
    y = data + sigma / gamma * noise
    verify.agree((data - c_skip * y) / c_out, sigma * data - gamma * noise, rtol=1e-12)
    verify.refutes((c_skip * y - data) / c_out, sigma * data - gamma * noise, why="sign of v")


# Memorisation.


@pytest.mark.verifies(
    "eq-denoising-diffusion-empirical",
    routes=("torch on the log-density", "dlmath.diffusion.NoisyEmpirical"),
)
def test_minimiser_on_points(verify):
    """The gradient of the log-density by automatic differentiation gives the weighted mean."""
    rng = np.random.default_rng(7)
    points, x = rng.normal(size=(6, 3)), rng.normal(size=(4, 3))
    for schedule, t in ((CosineSchedule(), 0.4), (ExplodingSchedule(), 0.6)):
        gamma, sigma = float(schedule.gamma(t)), float(schedule.sigma(t))
        states = torch.tensor(x, requires_grad=True)
        squares = ((states[:, None] - gamma * torch.tensor(points)) ** 2).sum(dim=2)
        torch.logsumexp(-squares / (2 * sigma**2), dim=1).sum().backward()
        tweedie = (x + sigma**2 * states.grad.numpy()) / gamma
        law = NoisyEmpirical(points, schedule)
        verify.agree(law(x, t), tweedie, rtol=1e-10)
        w = special.softmax(-squares.detach().numpy() / (2 * sigma**2), axis=1)
        verify.agree(law(x, t), w @ points, rtol=1e-10)
        sharp = special.softmax(-squares.detach().numpy() / sigma**2, axis=1)
        verify.refutes(sharp @ points, w @ points, why="factor 2 in the exponent")
        verify.refutes(
            special.softmax(squares.detach().numpy(), axis=1) @ points, w @ points, why="sign"
        )
        verify.refutes(len(points) * w @ points, w @ points, why="factor n")


@pytest.mark.verifies(
    "eq-denoising-diffusion-copies", routes=("quadrature of the weights", "divergence on a grid")
)
def test_shares_of_the_copies(verify):
    """Shares of the data among samples that start from noise, against Pinsker's bound."""
    equal = np.full(3, 1 / 3)
    for ab in (0.13, 0.3):
        shares = posterior(GRID, np.sqrt(ab), 1 - ab, PLACES, equal)
        drawn = mass(shares * normal(GRID, 0, 1))
        away = np.abs(drawn - 1 / 3).sum() / 2
        p = noisy(GRID, np.sqrt(ab), 1 - ab, PLACES, equal)
        cost = divergence(p, normal(GRID, 0, 1))
        verify.agree(drawn.sum(), 1.0, rtol=1e-10)
        verify.refutes(2 * drawn.sum(), 1.0, why="factor 2")
        verify.at_most(away, np.sqrt(cost / 2))
        verify.refutes(away, cost / 2, why="no root")
        verify.refutes(np.sqrt(cost / 2), away, why="the other way round")


@pytest.mark.verifies(
    "eq-denoising-diffusion-collapse", routes=("quadrature of the weights", "sum over pairs")
)
def test_weight_on_others(verify):
    """The mean weight on other data, by quadrature, stays below the sum over pairs."""
    equal = np.full(3, 1 / 3)
    pairs = np.square(PLACES[:, None] - PLACES)
    np.fill_diagonal(pairs, np.inf)
    for u in (1.0, 4.0, 16.0):
        gamma, variance = np.sqrt(u / (1 + u)), 1 / (1 + u)
        shares = posterior(GRID, gamma, variance, PLACES, equal)
        own = [
            mass(normal(GRID, gamma * p, variance) * w) for p, w in zip(PLACES, shares, strict=True)
        ]
        others = 1 - np.mean(own)

        def limit(eighth=8.0, half=2.0, u=u):
            return np.exp(-u * pairs / eighth).sum() / (half * 3)

        verify.at_most(others, limit())
        verify.refutes(others, limit(eighth=2.0) / 8, why="exponent of a half")
        verify.refutes(limit(), others, why="the other way round")


# Two variances.


@pytest.mark.verifies("eq-denoising-diffusion-two-variances", routes=("sympy", "joint covariance"))
def test_two_variances(verify):
    """For standard normal data the reverse step has exactly the variance of the forward one."""
    before, b = sympy.symbols("alpha beta", positive=True)
    after = before * (1 - b)
    tilde = (1 - before) / (1 - after) * b
    more = before * b**2 / (1 - after)
    verify.identical(tilde + more, b)
    verify.refutes(tilde, b, why="spread of the data forgotten")
    verify.refutes(tilde + more / (1 - after), b, why="sigma not squared")
    cov = joint_covariance(1.0)
    reverse = [cov[t - 1, t - 1] - cov[t - 1, t] ** 2 / cov[t, t] for t in range(1, 6)]
    verify.agree(reverse, BETA, rtol=1e-12)
    verify.refutes(chain().beta_tilde[1:], BETA, why="beta-tilde")


@pytest.mark.verifies(
    "eq-denoising-diffusion-linear", routes=("impulses through dlmath's sampler", "recursion")
)
def test_linear_recursion(verify):
    """One unit of each noise, sent through the sampler, adds up to the recursion's variance."""
    nu, schedule = 0.4, CosineSchedule()
    times = schedule.times(6, start=0.95)
    law = NoisyMixture(GaussianMixture([1.0], [[0.0]], [[[nu]]]), schedule)

    class Impulse:
        """Source of noise that is one in a single step and zero in the others."""

        def __init__(self, at):
            self.at, self.count = at, 0

        def standard_normal(self, shape):
            self.count += 1
            return np.full(shape, float(self.count == self.at))

    def send(start, at, variance):
        return ancestral(law, [[start]], schedule, times, Impulse(at), variance=variance)[0, 0]

    own = DiscreteSchedule.from_alpha_bar(np.square(schedule.gamma(times[-2::-1])))

    def recursion(steps, last=0.0, power=2):
        V = 1.0
        for t in range(own.T, 0, -1):
            g, v = own.gamma, own.sigma**2
            k = g[t] * nu / (g[t] ** 2 * nu + v[t])
            factor = (g[t - 1] * own.beta[t] * k + np.sqrt(own.alpha[t]) * v[t - 1]) / v[t]
            V = factor**power * V + (steps[t] if t > 1 else last)
        return V

    for name, steps in (("posterior", own.beta_tilde), ("forward", own.beta)):
        sent = send(1.0, 0, name) ** 2 + sum(send(0.0, at, name) ** 2 for at in range(1, 6))
        verify.agree(sent, recursion(steps), rtol=1e-9)
        verify.refutes(sent, recursion(steps, last=own.beta[1]), why="noise in the last step")
        verify.refutes(sent, recursion(steps, power=1), why="factor not squared")
        verify.refutes(sent, recursion(2 * steps), why="factor 2")
