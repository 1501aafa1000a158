"""The numbered equations of the chapter on scores and stochastic differential equations."""

import numpy as np
import pytest
import sympy
from dlmath.densities import GaussianMixture
from dlmath.diffusion import (
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
    euler_maruyama,
    heun,
    probability_flow,
    score_of,
)
from dlmath.divergences import f_divergence_on_grid, fisher_divergence_on_grid, kl_gaussians
from numpy.polynomial.hermite_e import hermegauss
from scipy import integrate, stats

NODES, WEIGHTS = hermegauss(90)
WEIGHTS = WEIGHTS / WEIGHTS.sum()
GRID = np.linspace(-9, 9, 9001)
HALF = sympy.Rational(1, 2)
WIDTH = GRID[1] - GRID[0]
HUMPS = GaussianMixture([0.3, 0.7], [[-1.1], [0.8]], [0.09, 0.25])
SCHEDULES = (
    LinearSchedule(),
    CosineSchedule(),
    StraightSchedule(),
    ExplodingSchedule(0.01, 20.0),
)


def slope(function, t, gap=1e-5):
    """Differentiate by differences of fourth order."""
    near = function(t + gap) - function(t - gap)
    far = function(t + 2 * gap) - function(t - 2 * gap)
    return (8 * near - far) / (12 * gap)


def total(values):
    return np.sum(values) * WIDTH


class Impulses:
    """A generator that kicks row k by one in step k."""

    def __init__(self):
        self.step = 0

    def standard_normal(self, shape):
        self.step += 1
        return np.eye(*shape, -self.step)


class Silent:
    """A generator of zeros."""

    def standard_normal(self, shape):
        return np.zeros(shape)


def wiener(schedule, nu):
    """Return the exact denoiser of Gaussian data of variance nu."""

    def denoise(x, t):
        g, s = schedule.gamma(t), schedule.sigma(t)
        return g * nu / (g**2 * nu + s**2) * x

    return denoise


def spread(schedule, nu, t):
    return np.sqrt(schedule.gamma(t) ** 2 * nu + schedule.sigma(t) ** 2)


# One law for all noise levels.


@pytest.mark.verifies(
    "eq-score-and-stochastic-differential-equations-density",
    "eq-score-and-stochastic-differential-equations-linear",
    "eq-score-and-stochastic-differential-equations-between",
    routes=("scipy.integrate.solve_ivp", "finite differences", "dlmath.diffusion", "quadrature"),
)
def test_linear_equation(verify):
    """The moments of the linear equation, solved step by step, are those of the schedule."""
    for schedule in SCHEDULES:
        u, t = 0.2 * schedule.end, 0.7 * schedule.end
        f = slope(lambda at: np.log(schedule.gamma(at)), t)  # noqa: B023
        squares = slope(lambda at: schedule.sigma(at) ** 2, t)  # noqa: B023
        verify.agree(schedule.drift(t), f, rtol=1e-7, atol=1e-9)
        if f != 0:
            verify.refutes(-schedule.drift(t), f, why="sign of the drift")
        g2 = squares - 2 * f * schedule.sigma(t) ** 2
        verify.agree(schedule.squared_diffusion(t), g2, rtol=1e-7)
        ratio = slope(lambda at: schedule.ratio(at) ** 2, t)  # noqa: B023
        verify.agree(schedule.gamma(t) ** 2 * ratio, g2, rtol=1e-6)
        verify.refutes(schedule.gamma(t) ** 2 * ratio / 2, g2, why="factor 2")
        if f != 0:
            verify.refutes(ratio, g2, why="gamma forgotten")

        def moments(at, y, schedule=schedule, twice=2.0):
            drift = schedule.drift(at)
            return [drift * y[0], twice * drift * y[1] + schedule.squared_diffusion(at)]

        solved = integrate.solve_ivp(moments, (u, t), [1.0, 0.0], rtol=1e-11, atol=1e-13).y[:, -1]
        a = schedule.gamma(t) / schedule.gamma(u)
        v = schedule.sigma(t) ** 2 - (a * schedule.sigma(u)) ** 2
        verify.agree(solved, [a, v], rtol=1e-8)
        verify.refutes(
            solved, [a, schedule.sigma(t) ** 2 - schedule.sigma(u) ** 2 / 2], why="variances mixed"
        )
        if f != 0:
            wrong = integrate.solve_ivp(lambda at, y: moments(at, y, twice=1.0), (u, t), [1.0, 0.0])
            verify.refutes(wrong.y[:, -1], [a, v], why="factor 2 of the drift in the variance")

    schedule, t = SCHEDULES[0], 0.3
    g, s = schedule.gamma(t), schedule.sigma(t)
    x = np.array([-1.0, 0.2, 0.9])
    by_mean = [
        total(np.exp(HUMPS.log_prob(GRID[:, None])) * stats.norm.pdf(at, g * GRID, s)) for at in x
    ]
    law = NoisyMixture(HUMPS, schedule).density(t)
    verify.agree(np.exp(law.log_prob(x[:, None])), by_mean, rtol=1e-10)
    wrong = [total(np.exp(HUMPS.log_prob(GRID[:, None])) * stats.norm.pdf(at, GRID, s)) for at in x]
    verify.refutes(wrong, by_mean, why="gamma forgotten")


# The slope is the noise.


def log_density(x, points, gamma, sigma):
    """Log-density of noisy points, for complex x as well."""
    squares = np.sum((x - gamma * points) ** 2, axis=1)
    return np.log(np.mean(np.exp(-squares / (2 * sigma**2))))


def complex_gradient(x, *law):
    step = 1e-30
    return np.array([log_density(x + 1j * step * e, *law).imag / step for e in np.eye(len(x))])


@pytest.mark.verifies(
    "eq-score-and-stochastic-differential-equations-tweedie",
    "eq-score-and-stochastic-differential-equations-noise",
    "eq-score-and-stochastic-differential-equations-posterior-mean",
    routes=("Bayes' rule on points", "complex-step derivative", "dlmath.diffusion.score_of"),
)
def test_tweedie(verify):
    """Data are five points in the plane: the posterior is a sum, the score a derivative."""
    rng = np.random.default_rng(1)
    points, x, gamma, sigma = rng.normal(size=(5, 2)), np.array([0.3, -0.4]), 0.7, 0.6
    law = points, gamma, sigma
    weights = np.exp(-np.sum((x - gamma * points) ** 2, axis=1) / (2 * sigma**2))
    weights /= weights.sum()
    mean = weights @ points
    score = complex_gradient(x, *law)
    verify.agree((x + sigma**2 * score) / gamma, mean, rtol=1e-13)
    verify.refutes((x - sigma**2 * score) / gamma, mean, why="sign of the score")
    verify.refutes((x + sigma * score) / gamma, mean, why="sigma for its square")
    verify.refutes(x + sigma**2 * score, mean, why="gamma forgotten")
    verify.agree(score, -(x - gamma * mean) / sigma**2, rtol=1e-13)
    verify.refutes(score, -(x - mean) / sigma**2, why="gamma forgotten in the mean")

    covariance = (weights * (points - mean).T) @ (points - mean)
    gap = 1e-4
    hessian = np.array(
        [slope(lambda h, e=e: complex_gradient(x + h * e, *law), 0.0, gap) for e in np.eye(2)]
    )
    found = sigma**2 / gamma**2 * (np.eye(2) + sigma**2 * hessian)
    verify.agree(found, covariance, rtol=1e-9)
    verify.refutes(gamma * found, covariance, why="gamma for its square")
    verify.refutes(sigma**2 / gamma**2 * (np.eye(2) - sigma**2 * hessian), covariance, why="sign")
    noise = (x - gamma * points) / sigma
    verify.agree(-weights @ noise / sigma, score, rtol=1e-13)
    verify.refutes(weights @ noise / sigma, score, why="sign of the noise")
    verify.refutes(-weights @ noise, score, why="sigma forgotten")

    schedule = CosineSchedule()
    empirical = NoisyEmpirical(points, schedule)
    t = 0.4
    found = score_of(empirical, schedule)(x[None], t)[0]
    expected = complex_gradient(x, points, schedule.gamma(t), schedule.sigma(t))
    verify.agree(found, expected, rtol=1e-10)
    verify.refutes(2 * found, expected, why="factor 2")


CANDIDATES = {
    "zero": (lambda x: 0 * x, lambda x: 0 * x),
    "line": (lambda x: 1 - 2 * x, lambda x: -2 + 0 * x),
    "wave": (lambda x: np.sin(3 * x), lambda x: 3 * np.cos(3 * x)),
}


def three_costs(s, ds, law, gamma, sigma):
    """Explicit and implicit on a grid, denoising over data and noise."""
    p, score = np.exp(law.log_prob(GRID[:, None])), law.score(GRID[:, None])[:, 0]
    explicit = total(p * (s(GRID) - score) ** 2)
    implicit = total(p * (s(GRID) ** 2 + 2 * ds(GRID)))
    denoising = mmse = 0.0
    for w, m, S in zip(HUMPS.weights, HUMPS.means, HUMPS.covariances, strict=True):
        x0 = m[0] + np.sqrt(S[0, 0]) * NODES[:, None]
        x = gamma * x0 + sigma * NODES
        best = (x + sigma**2 * law.score(x.reshape(-1, 1)).reshape(x.shape)) / gamma
        denoising += w * WEIGHTS @ (s(x) + NODES / sigma) ** 2 @ WEIGHTS
        mmse += w * WEIGHTS @ (x0 - best) ** 2 @ WEIGHTS
    return explicit, implicit, denoising, mmse, total(p * score**2)


@pytest.mark.verifies(
    "eq-score-and-stochastic-differential-equations-explicit",
    "eq-score-and-stochastic-differential-equations-denoising",
    "eq-score-and-stochastic-differential-equations-constant",
    "eq-score-and-stochastic-differential-equations-implicit",
    routes=("quadrature over places", "quadrature over data and noise"),
)
def test_three_costs_of_a_score(verify):
    """Three unlike functions: the costs differ by constants that do not know the function."""
    schedule, t = LinearSchedule(beta_max=8.0), 0.4
    gamma, sigma = schedule.gamma(t), schedule.sigma(t)
    law = NoisyMixture(HUMPS, schedule).density(t)
    rows = [three_costs(s, ds, law, gamma, sigma) for s, ds in CANDIDATES.values()]
    explicit, implicit, denoising, mmse, information = np.transpose(rows)
    K = 1 / sigma**2 - information
    verify.agree(denoising, explicit + K, rtol=1e-11)
    verify.refutes(denoising, explicit - K, why="sign of the constant")
    verify.refutes(denoising / 2, explicit + K, why="factor 2")
    verify.refutes(denoising, explicit + 1 / sigma**2, why="information forgotten")
    flipped = [
        three_costs(lambda x, s=s: -s(x), ds, law, gamma, sigma)[2] for s, ds in CANDIDATES.values()
    ]
    verify.refutes(flipped, explicit + K, why="sign of the target")
    verify.agree(gamma**2 / sigma**4 * mmse, K, rtol=1e-7)
    verify.refutes(gamma**2 / sigma**2 * mmse, K, why="square of sigma for its fourth power")
    verify.refutes(mmse / sigma**4, K, why="gamma forgotten")
    verify.agree(implicit, explicit - information, atol=1e-11)
    verify.refutes(implicit, explicit + information, why="sign of the information")
    no_two = [
        total(np.exp(law.log_prob(GRID[:, None])) * (s(GRID) ** 2 + ds(GRID)))
        for s, ds in CANDIDATES.values()
    ]
    verify.refutes(no_two, explicit - information, why="factor 2 of the divergence")


@pytest.mark.verifies(
    "eq-score-and-stochastic-differential-equations-excess",
    routes=("quadrature over data and noise", "quadrature over places"),
)
def test_excess_loss(verify):
    """The loss of a wrong denoiser is the smallest one plus the error of its score."""
    schedule, t, lam = CosineSchedule(), 0.5, 1.7
    gamma, sigma = schedule.gamma(t), schedule.sigma(t)
    law = NoisyMixture(HUMPS, schedule).density(t)

    def s(x):
        return np.sin(2 * x) - x

    explicit, _, _, mmse, _ = three_costs(s, s, law, gamma, sigma)
    loss = 0.0
    for w, m, S in zip(HUMPS.weights, HUMPS.means, HUMPS.covariances, strict=True):
        x0 = m[0] + np.sqrt(S[0, 0]) * NODES[:, None]
        x = gamma * x0 + sigma * NODES
        loss += w * WEIGHTS @ ((x + sigma**2 * s(x)) / gamma - x0) ** 2 @ WEIGHTS
    verify.agree(lam * loss, lam * mmse + lam * sigma**4 / gamma**2 * explicit, rtol=1e-8)
    verify.refutes(
        lam * loss, lam * mmse + lam * sigma**2 / gamma**2 * explicit, why="sigma squared"
    )
    verify.refutes(lam * loss, lam * mmse + lam * sigma**4 * explicit, why="gamma forgotten")
    verify.refutes(lam * loss, lam * sigma**4 / gamma**2 * explicit, why="noise forgotten")


@pytest.mark.verifies(
    "eq-score-and-stochastic-differential-equations-excess",
    routes=("mean square of the denoiser, Hermite nodes", "posterior variances, on a grid"),
)
def test_smallest_loss_of_eight_gaussians(verify):
    """The noise that no network removes, with the weights of EDM and data of unit variance."""
    unit = 1 / np.sqrt(2.04)
    s2, ring = (0.2 * unit) ** 2, 2 * unit * np.exp(1j * np.pi / 4 * np.arange(8))
    law = GaussianMixture(np.full(8, 1 / 8), np.column_stack([ring.real, ring.imag]), s2)
    plane = np.stack(np.meshgrid(NODES, NODES), axis=-1).reshape(-1, 2)
    line = np.linspace(-7, 7, 113)
    bell = np.exp(-(line**2) / 2) / np.sum(np.exp(-(line**2) / 2))
    at, gap = np.linspace(-4.5, 4.5, 37, retstep=True)
    first, second, linear = 0.0, 0.0, 0.0
    for u in at:
        level = np.exp(1.2 * u - 1.2)
        V = s2 + level**2
        weight = stats.norm.pdf(u) * gap * (level**2 + 1) / level**2
        noisy = NoisyMixture(law, ExplodingSchedule(1e-4, 1000.0))
        D = noisy(law.means[0] + np.sqrt(V) * plane, level)
        first += weight * (1 - np.outer(WEIGHTS, WEIGHTS).ravel() @ np.sum(D**2, axis=1) / 2)
        x = ring[0] + np.sqrt(V) * (line[:, None] + 1j * line)
        logs = -(np.abs(x[..., None] - ring) ** 2) / (2 * V)
        shares = np.exp(logs - logs.max(axis=-1, keepdims=True))
        shares /= shares.sum(axis=-1, keepdims=True)
        between = np.abs(ring[0]) ** 2 - np.abs(shares @ ring) ** 2
        second += weight * (s2 * level**2 / V + (level**2 / V) ** 2 * bell @ between @ bell / 2)
        linear += weight * level**2 / (1 + level**2)
    verify.agree(first, second, rtol=1e-6)
    verify.refutes(2 * first, second, why="sum and not mean over coordinates")
    verify.refutes(linear, second, why="the best linear denoiser")
    verify.agree(second, 0.7325, atol=1e-4)
    verify.refutes(linear, 0.7325, why="the best linear denoiser")


# All the ways back.


@pytest.mark.verifies(
    "eq-score-and-stochastic-differential-equations-forward-density",
    "eq-score-and-stochastic-differential-equations-reverse-density",
    routes=("symbolic derivatives", "arithmetic at points"),
)
def test_density_equations(verify):
    """A mixture under a schedule solves the forward equation, and the reverse one for every c."""
    x, t, c = sympy.symbols("x t c", real=True)
    gamma, sigma2 = 1 - t / 3, t + t**2 / 2
    f = sympy.diff(sympy.log(gamma), t)
    g2 = sympy.diff(sigma2, t) - 2 * f * sigma2

    def hump(weight, mean, variance):
        V = gamma**2 * variance + sigma2
        return (
            weight * sympy.exp(-((x - gamma * mean) ** 2) / (2 * V)) / sympy.sqrt(2 * sympy.pi * V)
        )

    p = hump(sympy.Rational(1, 3), -1, sympy.Rational(1, 4)) + hump(
        sympy.Rational(2, 3), sympy.Rational(3, 2), sympy.Rational(1, 2)
    )
    score = sympy.diff(sympy.log(p), x)

    def forward(drift=1, half=HALF):
        return -drift * sympy.diff(f * x * p, x) + half * g2 * sympy.diff(p, x, 2)

    def reverse(half=HALF, noise=HALF, sign=-1):
        b = f * x + sign * half * (g2 + c**2) * score
        return sympy.diff(b * p, x) + noise * c**2 * sympy.diff(p, x, 2)

    at = [(0.3, 0.5, 0.0), (-0.8, 0.7, 0.9), (1.1, 0.2, 1.6)]

    def values(expression):
        function = sympy.lambdify((x, t, c), expression)
        return np.array([function(*point) for point in at])

    rate = values(sympy.diff(p, t))
    verify.agree(values(forward()), rate, rtol=1e-12, atol=1e-14)
    verify.refutes(values(forward(half=1)), rate, why="factor 2 of the diffusion")
    verify.refutes(values(forward(drift=-1)), rate, why="sign of the drift")
    verify.agree(values(reverse()), -rate, rtol=1e-11, atol=1e-13)
    verify.refutes(values(reverse(half=1)), -rate, why="factor 2 of the score")
    verify.refutes(values(reverse(noise=1)), -rate, why="factor 2 of the noise")
    verify.refutes(values(reverse(sign=1)), -rate, why="sign of the score")
    verify.refutes(values(reverse()), rate, why="direction of time")


@pytest.mark.verifies(
    "eq-score-and-stochastic-differential-equations-family",
    "eq-score-and-stochastic-differential-equations-memory",
    routes=(
        "scipy.integrate.solve_ivp",
        "closed form",
        "dlmath.diffusion.euler_maruyama with unit impulses",
    ),
)
def test_family_and_memory(verify):
    """On Gaussian data variances and covariances of the family obey two ordinary equations."""
    nu = 0.4
    for schedule in (CosineSchedule(end=0.7), StraightSchedule(end=0.6)):
        T = schedule.end
        film = schedule.gamma(T) * np.sqrt(nu) / spread(schedule, nu, T)
        for churn in (0.0, 0.6, 1.0, 1.5):

            def back(tau, y, half=0.5, schedule=schedule, churn=churn, T=T):
                t = T - tau
                g2 = schedule.squared_diffusion(t)
                pull = half * (1 + churn**2) * g2 / spread(schedule, nu, t) ** 2
                rate = -(schedule.drift(t) + pull)
                return [2 * rate * y[0] + churn**2 * g2, rate * y[1]]

            start = [spread(schedule, nu, T) ** 2] * 2
            tau = T - 1e-7

            def end(half=0.5, back=back, tau=tau, start=start):
                return integrate.solve_ivp(
                    lambda s, y: back(s, y, half), (0, tau), start, rtol=1e-11, atol=1e-13
                ).y[:, -1]

            variance, joint = end()
            verify.agree(variance, spread(schedule, nu, 1e-7) ** 2, rtol=1e-8)
            verify.refutes(end(half=1.0)[0], nu, why="whole score for half")
            found = joint / np.sqrt(variance * start[0])
            verify.agree(found, film ** (churn**2), rtol=1e-6)
            if churn > 0:
                verify.refutes(found, 1.0, why="nothing forgotten")
            if churn not in (0, 1):
                verify.refutes(found, film**churn, why="square of the churn forgotten")
                verify.refutes(found, film, why="film taken for every member")
            verify.refutes(found, film ** ((1 + churn**2) / 2 + 0.2), why="exponent of the pull")

    schedule, n = CosineSchedule(end=0.7), 1500
    times = schedule.times(n, to_zero=False)
    x = np.zeros((n + 1, 1))
    x[0] = spread(schedule, nu, schedule.end)
    for churn in (0.5, 1.0):
        ends = euler_maruyama(wiener(schedule, nu), x, schedule, times, Impulses(), noise=churn)
        film = schedule.gamma(0.7) / schedule.gamma(times[-1])
        film *= spread(schedule, nu, times[-1]) / spread(schedule, nu, 0.7)
        verify.agree(np.linalg.norm(ends), spread(schedule, nu, times[-1]), rtol=2e-3)
        verify.agree(ends[0, 0] / np.linalg.norm(ends), film ** (churn**2), rtol=4e-3)
        verify.refutes(ends[0, 0] / np.linalg.norm(ends), film ** (2 * churn**2), why="factor 2")


@pytest.mark.verifies(
    "eq-score-and-stochastic-differential-equations-flow",
    routes=("scipy.integrate.solve_ivp", "distribution functions of the mixture"),
)
def test_flow_keeps_every_quantile(verify):
    """On the line the flow is increasing, so it takes each quantile to the same quantile."""
    schedule, delta = CosineSchedule(), 0.02
    exact = NoisyMixture(HUMPS, schedule)
    start = np.array([-1.5, -0.4, 0.1, 0.9])

    def share(x, t):
        law = exact.density(t)
        sd = np.sqrt(law.covariances[:, 0, 0])
        return stats.norm.cdf((x[:, None] - law.means[:, 0]) / sd) @ law.weights

    def end(half):
        def velocity(t, x):
            score = exact.score(x[:, None], t)[:, 0]
            return schedule.drift(t) * x - half * schedule.squared_diffusion(t) * score

        return integrate.solve_ivp(velocity, (0.8, delta), start, rtol=1e-8, atol=1e-10).y[:, -1]

    verify.agree(share(end(0.5), delta), share(start, 0.8), atol=1e-7)
    verify.refutes(share(end(1.0), delta), share(start, 0.8), why="whole score for half")
    verify.refutes(share(end(-0.5), delta), share(start, 0.8), why="sign of the score")


@pytest.mark.verifies(
    "eq-score-and-stochastic-differential-equations-backward",
    "eq-score-and-stochastic-differential-equations-conditional",
    routes=("Gaussian conditional means", "symbolic derivatives"),
)
def test_backward_equations(verify):
    """For linear drifts the conditional means of a cosine are known, and solve the equations."""
    x, t, k, c, theta, s = sympy.symbols("x t k c theta s", positive=True)
    at = [(0.7, 0.4, 1.3, 0.8, 0.6, 0.3), (1.6, 1.1, 0.7, 1.4, 0.2, 2.5)]

    def values(expression):
        function = sympy.lambdify((x, t, k, c, theta, s), expression)
        return np.array([float(function(*point)) for point in at])

    # Backward: drift -theta x and noise c, a cosine at the time 2; t is the time of the walk.
    shrink = sympy.exp(-theta * (2 - t))
    variance = c**2 * (1 - shrink**2) / (2 * theta)
    u = sympy.cos(k * shrink * x) * sympy.exp(-(k**2) * variance / 2)

    def backward(sign=1, half=HALF):
        return sign * theta * x * sympy.diff(u, x) - half * c**2 * sympy.diff(u, x, 2)

    rate = values(sympy.diff(u, t))
    verify.agree(values(backward()), rate, rtol=1e-12)
    verify.refutes(values(backward(sign=-1)), rate, why="sign of the drift")
    verify.refutes(values(backward(half=1)), rate, why="factor 2 of the noise")

    # Forward: f = -1/2, g = 1, data of variance s at the time 0; x_0 given x_t is Gaussian.
    a = sympy.exp(-t / 2)
    V = a**2 * s + 1 - a**2
    h = sympy.cos(k * a * s / V * x) * sympy.exp(-(k**2) * (s - a**2 * s**2 / V) / 2)
    score = -x / V

    def conditional(whole=1, half=HALF, sign=-1):
        drift = -x / 2 - whole * score
        return sign * drift * sympy.diff(h, x) + half * sympy.diff(h, x, 2)

    rate = values(sympy.diff(h, t))
    verify.agree(values(conditional()), rate, rtol=1e-11)
    verify.refutes(values(conditional(whole=HALF)), rate, why="half of the score")
    verify.refutes(values(conditional(half=1)), rate, why="factor 2 of the second derivative")
    verify.refutes(values(conditional(sign=1)), rate, why="direction of time")


@pytest.mark.verifies(
    "eq-score-and-stochastic-differential-equations-step",
    "eq-score-and-stochastic-differential-equations-short-time",
    "eq-score-and-stochastic-differential-equations-bayes",
    routes=("Bayes' rule on a grid", "score of the mixture", "products of Gaussians"),
)
def test_one_step_back(verify):
    """Mean and covariance of the state before, given the state now."""
    schedule = LinearSchedule(beta_max=8.0)
    exact = NoisyMixture(HUMPS, schedule)

    def posterior(x, t, u):
        a = schedule.gamma(t) / schedule.gamma(u)
        v = schedule.sigma(t) ** 2 - (a * schedule.sigma(u)) ** 2
        weight = np.exp(exact.density(u).log_prob(GRID[:, None])) * stats.norm.pdf(
            x, a * GRID, np.sqrt(v)
        )
        mean = total(GRID * weight) / total(weight)
        return a, v, weight, mean, total((GRID - mean) ** 2 * weight) / total(weight)

    x, t, u = 0.4, 0.6, 0.35
    a, v, weight, mean, variance = posterior(x, t, u)
    law = exact.density(t)
    score = law.score([[x]])[0, 0]
    bend = slope(lambda at: law.score([[at]])[0, 0], x, 1e-3)
    verify.agree((x + v * score) / a, mean, rtol=1e-9)
    verify.refutes((x - v * score) / a, mean, why="sign")
    verify.refutes((x + v * score) * a, mean, why="a on the wrong side")
    verify.refutes((x + v / 2 * score) / a, mean, why="half of the score")
    verify.agree(v / a**2 * (1 + v * bend), variance, rtol=1e-8)
    verify.refutes(v / a**2 * (1 - v * bend), variance, why="sign of the curvature")
    verify.refutes(v / a * (1 + v * bend), variance, why="square of a")

    # The conditional mean of a function: on a grid, and from the components' own posteriors.
    before = exact.density(u)
    right = total(np.cos(2 * GRID) * weight)
    left = 0.0
    for w, m, S in zip(
        before.weights, before.means[:, 0], before.covariances[:, 0, 0], strict=True
    ):
        V = a**2 * S + v
        centre, sd = m + a * S / V * (x - a * m), np.sqrt(S * v / V)
        left += (
            w * stats.norm.pdf(x, a * m, np.sqrt(V)) * (WEIGHTS @ np.cos(2 * (centre + sd * NODES)))
        )
    verify.agree(left, right, rtol=1e-9)
    verify.refutes(left / np.exp(law.log_prob([[x]])[0]), right, why="density forgotten")

    gap = 1e-4
    _, _, _, mean, variance = posterior(x, t, t - gap)
    f, g2 = schedule.drift(t), schedule.squared_diffusion(t)
    verify.agree((mean - x) / gap, -(f * x - g2 * score), rtol=5e-3)
    verify.refutes((mean - x) / gap, -(f * x - g2 / 2 * score), why="half of the score")
    verify.refutes((mean - x) / gap, f * x - g2 * score, why="direction of time")
    verify.agree(variance / gap, g2, rtol=5e-3)
    verify.refutes(variance / gap, g2 / 2, why="factor 2 of the variance")


@pytest.mark.verifies(
    "eq-score-and-stochastic-differential-equations-reverse",
    routes=("covariance of the forward film", "scipy.integrate.solve_ivp"),
)
def test_reversal(verify):
    """On Gaussian data: transitions of the reverse equation against those of the film, turned."""
    schedule, nu, u, t = CosineSchedule(), 0.4, 0.3, 0.7
    a = schedule.gamma(t) / schedule.gamma(u)
    V_u, V_t = spread(schedule, nu, u) ** 2, spread(schedule, nu, t) ** 2
    film = [a * V_u / V_t, V_u - (a * V_u) ** 2 / V_t]

    def reverse(whole=1.0, noise=1.0):
        def back(tau, y):
            at = t - tau
            g2 = schedule.squared_diffusion(at)
            rate = -(schedule.drift(at) + whole * g2 / spread(schedule, nu, at) ** 2)
            return [rate * y[0], 2 * rate * y[1] + noise * g2]

        return integrate.solve_ivp(back, (0, t - u), [1.0, 0.0], rtol=1e-11, atol=1e-13).y[:, -1]

    verify.agree(reverse(), film, rtol=1e-8)
    verify.refutes(reverse(0.5, 0.0), film, why="probability flow")
    verify.refutes(reverse(1.5, 2.0), film, why="more noise, right histograms")
    verify.refutes(reverse(0.5), film, why="half of the score")
    verify.refutes(reverse(-1.0), film, why="sign of the score")


# What an error of the score costs.


def model_moments(schedule, score, T, delta, start):
    """Mean and variance of the model's law for a linear score slope * x + shift."""

    def back(tau, y):
        t = T - tau
        slope_, shift = score(t)
        g2 = schedule.squared_diffusion(t)
        rate = -schedule.drift(t) + g2 * slope_
        return [rate * y[0] + g2 * shift, 2 * rate * y[1] + g2]

    return integrate.solve_ivp(back, (0, T - delta), start, rtol=1e-10, atol=1e-12).y[:, -1]


@pytest.mark.verifies(
    "eq-score-and-stochastic-differential-equations-model",
    "eq-score-and-stochastic-differential-equations-girsanov",
    "eq-score-and-stochastic-differential-equations-bias",
    routes=("scipy.integrate.solve_ivp", "dlmath.divergences.kl_gaussians", "closed form"),
)
def test_girsanov_bound(verify):
    """Linear wrong scores: the divergence of the samples against the bound."""
    schedule, delta, T, b = LinearSchedule(), 0.05, 1.0, 0.3
    Lam = integrate.quad(schedule.squared_diffusion, delta, T)[0]
    mean, variance = model_moments(schedule, lambda t: (-1.0, b), T, delta, [0.0, 1.0])
    verify.agree(mean, 2 * b * (1 - np.exp(-Lam / 2)), rtol=1e-8)
    verify.refutes(mean, b * (1 - np.exp(-Lam / 2)), why="factor 2 of the shift")
    verify.refutes(mean, 2 * b * (1 - np.exp(-Lam)), why="factor 2 of the rate")
    verify.agree(variance, 1.0, rtol=1e-8)
    kl = kl_gaussians([0.0], [[1.0]], [mean], [[variance]])
    verify.agree(kl, 2 * b**2 * (1 - np.exp(-Lam / 2)) ** 2, rtol=1e-7)
    verify.refutes(kl, b**2 * (1 - np.exp(-Lam / 2)) ** 2, why="factor 2 of the divergence")
    verify.at_most(kl, b**2 * Lam / 2)
    short = 2.5
    early = 2 * b**2 * (1 - np.exp(-short / 2)) ** 2
    verify.at_most(early, b**2 * short / 2)
    verify.refutes(early, b**2 * short / 4, why="half of the bound")

    # Another law of the data, a start that is not p_T, and a score scaled by a constant.
    nu, other = 0.5, 1.6

    def wrong(factor):
        return lambda t: (-factor / spread(schedule, other, t) ** 2, 0.0)

    for factor in (1.0, 0.9):
        start = spread(schedule, other, T) ** 2
        found = model_moments(schedule, wrong(factor), T, delta, [0.0, start])
        V = spread(schedule, nu, delta) ** 2
        kl = kl_gaussians([0.0], [[V]], [found[0]], [[found[1]]])

        def density(t, factor=factor):
            V_t = spread(schedule, nu, t) ** 2
            error = 1 / V_t - factor / spread(schedule, other, t) ** 2
            return schedule.squared_diffusion(t) * error**2 * V_t

        first = kl_gaussians([0.0], [[spread(schedule, nu, T) ** 2]], [0.0], [[start]])
        cost = integrate.quad(density, delta, T, epsabs=1e-12)[0]
        verify.at_most(kl, first + cost / 2, atol=1e-8)
        verify.refutes(kl, first + cost / 4, why="half of the integral")
        verify.refutes(kl, -first - cost / 2, why="sign")


@pytest.mark.verifies(
    "eq-score-and-stochastic-differential-equations-chain",
    routes=("dlmath.divergences.kl_gaussians of whole paths", "sum over steps"),
)
def test_chain_rule_of_steps(verify):
    """Paths of six steps of two linear equations are Gaussian vectors with a known divergence."""
    schedule, n, nu = LinearSchedule(beta_max=6.0), 6, 0.5
    times = schedule.times(n, to_zero=False)
    gaps = -np.diff(times)
    V_T = spread(schedule, nu, times[0]) ** 2

    def rates(exact):
        for t, gap in zip(times[:-1], gaps, strict=True):
            V = spread(schedule, nu, t) ** 2
            pull = 1 / V if exact else 0.8 / V
            g2 = schedule.squared_diffusion(t)
            yield (
                1 - gap * (schedule.drift(t) + g2 * pull),
                g2 * gap,
                0.0 if exact else 0.2 * g2 * gap,
            )

    def path_law(exact, start):
        mean, map_, cov = np.zeros(n + 1), np.zeros((n + 1, n + 1)), [start]
        map_[0, 0] = 1
        for k, (rate, variance, shift) in enumerate(rates(exact)):
            mean[k + 1] = rate * mean[k] + shift
            map_[k + 1] = rate * map_[k]
            map_[k + 1, k + 1] = 1
            cov.append(variance)
        return mean, map_ @ np.diag(cov) @ map_.T

    p, q = path_law(True, V_T), path_law(False, 1.0)
    whole = kl_gaussians(*p, *q)
    variances = np.diag(p[1])
    steps = []
    for k, (t, gap) in enumerate(zip(times[:-1], gaps, strict=True)):
        V, g2 = spread(schedule, nu, t) ** 2, schedule.squared_diffusion(t)
        error = (0.2 / V) ** 2 * variances[k] + 0.2**2
        steps.append(g2 * gap / 2 * error)
    first = kl_gaussians([0.0], [[V_T]], [0.0], [[1.0]])
    verify.agree(whole, first + sum(steps), rtol=1e-10)
    verify.refutes(whole, first + 2 * sum(steps), why="factor 2")
    verify.refutes(whole, sum(steps), why="start forgotten")
    last = kl_gaussians([0.0], [[variances[-1]]], [q[0][-1]], [[q[1][-1, -1]]])
    verify.at_most(last, whole)
    verify.refutes(last, 0.5 * last, why="less than the divergence of the end")


@pytest.mark.verifies(
    "eq-score-and-stochastic-differential-equations-polygon",
    routes=("polygon and solution on one Brownian path", "sum of distances and remainder"),
)
def test_polygons_stay_near_the_solution(verify):
    """With additive noise the distance from the solution is bounded path by path."""
    rng, n, fine, L = np.random.default_rng(8), 8, 400, 3.0
    times = np.arange(n * fine) / (n * fine)
    coarse = np.repeat(np.arange(n) / n, fine)

    def b(x, t):
        return (2 + np.cos(3 * t)) * x + np.sin(t)

    def g(t):
        return 1 + np.sin(4 * t) / 2

    kicks = rng.standard_normal((40, n * fine)) / np.sqrt(n * fine)
    Y = np.empty((40, n * fine + 1))
    Y[:, 0] = y = rng.standard_normal(40)
    for i, t in enumerate(times):
        Y[:, i + 1] = Y[:, i] + b(Y[:, i], t) / (n * fine) + g(t) * kicks[:, i]
    e = [np.zeros(40)]
    for k in range(n):
        step = kicks[:, k * fine : (k + 1) * fine].sum(axis=1)
        y = y + b(y, k / n) / n + g(k / n) * step
        e.append(np.abs(y - Y[:, (k + 1) * fine]))
    e = np.array(e)
    held = np.repeat(Y[:, :-1:fine], fine, axis=1)
    drift = np.abs(b(held, coarse) - b(Y[:, :-1], times)).sum(axis=1) / (n * fine)
    chance = np.cumsum((g(coarse) - g(times)) * kicks, axis=1)[:, fine - 1 :: fine]
    R = drift + np.abs(chance).max(axis=1)
    past = L / n * np.vstack([np.zeros(40), np.cumsum(e, axis=0)[:-1]])
    verify.at_most(e, past + R, atol=1e-12)
    verify.refutes(e, past + 0 * R, why="remainder forgotten")
    verify.refutes(e, 0 * past + R, why="earlier distances forgotten")
    verify.at_most(e.max(axis=0), np.exp(L) * R)
    verify.refutes(e.max(axis=0), R, why="no growth")


@pytest.mark.verifies(
    "eq-score-and-stochastic-differential-equations-equality",
    routes=("divergence on a grid", "integral of Fisher divergences"),
)
def test_equality_for_another_law_of_the_data(verify):
    """Two mixtures under one schedule: the divergence is the start plus the integral."""
    schedule, delta, T = LinearSchedule(beta_max=8.0), 0.01, 1.0
    other = GaussianMixture([0.8, 0.2], [[-1.1], [0.8]], [0.09, 0.25])
    laws = NoisyMixture(HUMPS, schedule), NoisyMixture(other, schedule)
    x = GRID[::6]

    def both(t):
        p, q = (law.density(t) for law in laws)
        logs = [law.log_prob(x[:, None]) for law in (p, q)]
        scores = [law.score(x[:, None])[:, 0] for law in (p, q)]
        return f_divergence_on_grid(*logs, x), fisher_divergence_on_grid(logs[0], *scores, x)

    nodes, weights = np.polynomial.legendre.leggauss(40)
    root = np.sqrt(delta) + (nodes + 1) / 2 * (np.sqrt(T) - np.sqrt(delta))
    at, weights = root**2, weights * root * (np.sqrt(T) - np.sqrt(delta))
    fisher = np.array([both(t)[1] for t in at])
    integral = np.sum(weights * schedule.squared_diffusion(at) * fisher)
    begin, end = both(delta)[0], both(T)[0]
    verify.agree(begin, end + integral / 2, rtol=1e-6)
    verify.refutes(begin, end + integral, why="factor 2")
    verify.refutes(begin, integral / 2, why="start forgotten")
    verify.refutes(begin, end - integral / 2, why="sign")


@pytest.mark.verifies(
    "eq-score-and-stochastic-differential-equations-ripple",
    routes=("quadrature", "closed form", "density of the flow's samples on a grid"),
)
def test_ripple(verify):
    """A ripple in the score: the mean logarithm of the stretching, and the divergence itself."""
    for ell in (0.5, 3.0):
        mean = integrate.quad(
            lambda th, ell=ell: (
                np.log(np.exp(ell) * np.cos(th / 2) ** 2 + np.exp(-ell) * np.sin(th / 2) ** 2)
                / (2 * np.pi)
            ),
            0,
            2 * np.pi,
        )[0]
        verify.agree(mean, 2 * np.log(np.cosh(ell / 2)), rtol=1e-8)
        verify.refutes(mean, np.log(np.cosh(ell / 2)), why="factor 2")
        verify.refutes(mean, 2 * np.log(np.cosh(ell)), why="half of ell")

    a, k, Lam = 0.1, 40.0, 1.5
    ell = a * k * Lam / 2
    x = np.linspace(-7, 7, 400_001)

    def creep(_, y):
        return a / 2 * np.sin(k * y)

    few = x[::40_000]
    back = integrate.solve_ivp(creep, (0, -Lam), few, rtol=1e-10, atol=1e-12).y[:, -1]
    turns = np.round(k * x / (2 * np.pi))
    phase = k * x - 2 * np.pi * turns
    start = (2 * np.arctan(np.exp(-ell) * np.tan(phase / 2)) + 2 * np.pi * turns) / k
    verify.agree(start[::40_000], back, atol=1e-7)
    verify.refutes(few, back, why="no creep")
    stretching = np.exp(ell) * np.cos(phase / 2) ** 2 + np.exp(-ell) * np.sin(phase / 2) ** 2
    log_q = stats.norm.logpdf(start) - np.log(stretching)
    kl = np.sum(stats.norm.pdf(x) * (stats.norm.logpdf(x) - log_q)) * (x[1] - x[0])
    verify.agree(kl, 2 * np.log(np.cosh(ell / 2)), atol=2e-3)
    verify.refutes(kl, a**2 * Lam / 4, why="bound of the reverse equation")
    verify.refutes(kl, 2 * np.log(np.cosh(ell)), why="factor 2 of the rate")


# The chain, and the samplers.


@pytest.mark.verifies(
    "eq-score-and-stochastic-differential-equations-ddpm",
    routes=("products of the chain", "scipy.integrate.quad"),
)
def test_chain_becomes_equation(verify):
    """The products of a chain approach the exponential, with an error of the order of a step."""
    schedule = LinearSchedule()
    integral = integrate.quad(schedule.squared_diffusion, 0, 0.5)[0]

    def product(n):
        beta = schedule.squared_diffusion(np.arange(1, n + 1) / n) / n
        return DiscreteSchedule(beta).alpha_bar[n // 2]

    limit = np.exp(-integral)
    verify.agree(2 * product(40_000) - product(20_000), limit, rtol=1e-5)
    verify.refutes(product(40_000), np.exp(-integral / 2), why="gamma for its square")
    verify.refutes(1 - product(40_000), limit, why="noise for data")
    errors = [abs(product(n) - limit) for n in (2000, 4000)]
    verify.agree(np.log2(errors[0] / errors[1]), 1.0, atol=0.02)
    verify.refutes(np.log2(errors[0] / errors[1]), 2.0, why="order two")
    solved = integrate.solve_ivp(
        lambda t, y: [
            -schedule.squared_diffusion(t) / 2 * y[0],
            schedule.squared_diffusion(t) * (1 - y[1]),
        ],
        (0, 0.5),
        [1.0, 0.0],
        rtol=1e-10,
        atol=1e-12,
    ).y[:, -1]
    verify.agree(solved, [np.sqrt(limit), 1 - limit], rtol=1e-8)
    verify.refutes(solved, [limit, 1 - limit], why="root forgotten")


@pytest.mark.verifies(
    "eq-score-and-stochastic-differential-equations-ancestral",
    routes=("dlmath.diffusion.ancestral", "dlmath.diffusion.DiscreteSchedule", "score"),
)
def test_ancestral_mean_is_bayes(verify):
    """The mean of an ancestral step is the exact mean of the state before."""
    schedule, t, u = CosineSchedule(), 0.6, 0.45
    exact = NoisyMixture(HUMPS, schedule)
    x = np.array([[-0.7], [0.2], [1.3]])
    a = schedule.gamma(t) / schedule.gamma(u)
    v = schedule.sigma(t) ** 2 - (a * schedule.sigma(u)) ** 2
    mean = ancestral(exact, x, schedule, [t, u], Silent())
    right = (x + v * exact.score(x, t)) / a
    verify.agree(mean, right, rtol=1e-11)
    verify.refutes(mean, (x + v / 2 * exact.score(x, t)) / a, why="half of the score")
    verify.refutes(mean, a * (x + v * exact.score(x, t)), why="a on the wrong side")
    at = schedule.gamma(np.array([u, t])) ** 2
    with pytest.warns(UserWarning, match="does not end in noise"):
        chain = DiscreteSchedule.from_alpha_bar(at)
    verify.agree(chain.posterior(exact(x, t), x, 2)[0], right, rtol=1e-11)
    verify.refutes(chain.posterior(x, exact(x, t), 2)[0], right, why="data and state exchanged")


@pytest.mark.verifies(
    "eq-score-and-stochastic-differential-equations-straight",
    routes=("velocity of the flow and chain rule", "estimated noise"),
)
def test_straight_variable(verify):
    """In x / gamma against sigma / gamma the velocity is the estimated noise."""
    x = np.array([[-0.7], [0.2], [1.3]])
    for schedule in SCHEDULES:
        exact, t = NoisyMixture(HUMPS, schedule), 0.45 * schedule.end
        g, s = schedule.gamma(t), schedule.sigma(t)
        score = exact.score(x, t)
        velocity = schedule.drift(t) * x - schedule.squared_diffusion(t) / 2 * score
        g_rate = slope(schedule.gamma, t)
        r_rate = slope(schedule.ratio, t)
        scaled = (velocity / g - x * g_rate / g**2) / r_rate
        noise = (x - g * exact(x, t)) / s
        verify.agree(scaled, noise, rtol=1e-6)
        verify.refutes(scaled, -noise, why="sign")
        verify.refutes(scaled, 2 * noise, why="factor 2")
        verify.agree(-s * score, noise, rtol=1e-9)
        verify.refutes(-(s**2) * score, noise, why="sigma squared")


@pytest.mark.verifies(
    "eq-score-and-stochastic-differential-equations-ddim",
    "eq-score-and-stochastic-differential-equations-heun",
    routes=("Euler's and Heun's methods written out", "dlmath.diffusion.ddim, heun"),
)
def test_euler_and_heun(verify):
    """Steps in the straight variable, written out for a mixture, and two points of data."""
    schedule, t, u = StraightSchedule(), 0.7, 0.5
    exact, x = NoisyMixture(HUMPS, schedule), np.array([[-0.7], [0.2], [1.3]])

    def noise(scaled, r):
        at = schedule.time_of_ratio(r)
        y = schedule.gamma(at) * scaled
        return -schedule.sigma(at) * exact.score(y, at)

    r_t, r_u = schedule.ratio(t), schedule.ratio(u)
    scaled = x / schedule.gamma(t)
    euler = schedule.gamma(u) * (scaled + (r_u - r_t) * noise(scaled, r_t))
    found = ddim(exact, x, schedule, [t, u])
    verify.agree(found, euler, rtol=1e-10)
    verify.refutes(
        schedule.gamma(u) * (scaled - (r_u - r_t) * noise(scaled, r_t)),
        euler,
        why="sign of the step",
    )
    verify.refutes(scaled + (r_u - r_t) * noise(scaled, r_t), euler, why="gamma forgotten")
    ahead = scaled + (r_u - r_t) * noise(scaled, r_t)
    both = (noise(scaled, r_t) + noise(ahead, r_u)) / 2
    second = schedule.gamma(u) * (scaled + (r_u - r_t) * both)
    verify.agree(heun(exact, x, schedule, [t, u]), second, rtol=1e-10)
    verify.refutes(found, second, why="Euler for Heun")
    twice = schedule.gamma(u) * (scaled + 2 * (r_u - r_t) * both)
    verify.refutes(heun(exact, x, schedule, [t, u]), twice, why="factor 2 of the mean")

    point, eps = np.array([[0.8, -0.3]]), np.array([[1.1, 0.4]])
    start = schedule.gamma(0.9) * point + schedule.sigma(0.9) * eps
    one = ddim(NoisyEmpirical(point, schedule), start, schedule, [0.9, 0.2])
    verify.agree(one, schedule.gamma(0.2) * point + schedule.sigma(0.2) * eps, rtol=1e-12)
    verify.refutes(one, schedule.gamma(0.2) * point - schedule.sigma(0.2) * eps, why="sign")


@pytest.mark.verifies(
    "eq-score-and-stochastic-differential-equations-churn",
    routes=("variances of a linear map", "dlmath.diffusion.ddim and ancestral"),
)
def test_churn_keeps_the_marginals(verify):
    """With the data known, a churned step has the right law; at churn one it is ancestral."""
    schedule, t, u = CosineSchedule(), 0.6, 0.4
    point, n = np.array([[0.7]]), 3
    exact = NoisyEmpirical(point, schedule)
    gamma, sigma = schedule.gamma(t), schedule.sigma(t)
    # Row 0 carries the old noise, row 1 the new one, row 2 none.
    x = gamma * point + sigma * np.array([[1.0], [0.0], [0.0]])
    for churn in (0.0, 0.5, 1.0):
        ends = ddim(exact, x, schedule, [t, u], churn=churn, rng=Impulses())
        parts = ends[:2] - ends[2]
        verify.agree(ends[2], schedule.gamma(u) * point[0], rtol=1e-12)
        verify.refutes(ends[2], schedule.gamma(t) * point[0], why="amplitude of the old time")
        verify.agree(np.sum(parts**2), schedule.sigma(u) ** 2, rtol=1e-12)
        verify.refutes(
            np.sum(np.abs(parts)) ** 2 + 0.01 * (churn == 0),
            schedule.sigma(u) ** 2,
            why="deviations added",
        )
    assert n == len(x)
    noisy = NoisyMixture(HUMPS, schedule)
    y = np.array([[-0.7], [0.2], [1.3]])
    drawn = [np.random.default_rng(3) for _ in range(3)]
    one = ddim(noisy, y, schedule, [t, u], churn=1.0, rng=drawn[0])
    verify.agree(one, ancestral(noisy, y, schedule, [t, u], drawn[1]), rtol=1e-11)
    half = ddim(noisy, y, schedule, [t, u], churn=0.5, rng=drawn[2])
    verify.refutes(half, one, why="half of the churn")
    near = t - 1e-5
    ends = ddim(exact, x, schedule, [t, near], churn=0.5, rng=Impulses())
    fresh = (ends[1] - ends[2])[0] ** 2
    g2 = schedule.squared_diffusion(t)
    verify.agree(fresh / 1e-5, 0.25 * g2, rtol=1e-3)
    verify.refutes(fresh / 1e-5, 0.5 * g2, why="churn for its square")


@pytest.mark.verifies(
    "eq-score-and-stochastic-differential-equations-integral",
    "eq-score-and-stochastic-differential-equations-multistep",
    routes=("scipy.integrate.quad", "exact flow of a Gaussian", "dlmath.diffusion.dpm_solver"),
)
def test_second_order_step(verify):
    """The solution as an integral of the denoiser, and the step that approximates it."""
    schedule, nu = CosineSchedule(), 0.4
    t, u = 0.7, 0.5
    lam_t, lam_u = schedule.log_snr(t) / 2, schedule.log_snr(u) / 2

    def denoiser(lam):
        """Along the exact flow x = sqrt(V) from x_t = sqrt(V_t)."""
        at = schedule.time_of_ratio(np.exp(-lam))
        return schedule.gamma(at) * nu / spread(schedule, nu, at)

    integral = integrate.quad(lambda lam: np.exp(lam) * denoiser(lam), lam_t, lam_u)[0]
    s_t, s_u = schedule.sigma(t), schedule.sigma(u)
    x_t, x_u = spread(schedule, nu, t), spread(schedule, nu, u)
    verify.agree(s_u / s_t * x_t + s_u * integral, x_u, rtol=1e-9)
    verify.refutes(s_t / s_u * x_t + s_u * integral, x_u, why="ratio upside down")
    verify.refutes(s_u / s_t * x_t + integral, x_u, why="sigma forgotten")
    verify.refutes(s_u / s_t * x_t - s_u * integral, x_u, why="sign")

    times = np.array([0.9, 0.7, 0.5])
    exact, x = NoisyMixture(HUMPS, schedule), np.array([[-0.7], [0.2], [1.3]])
    states = dpm_solver(exact, x, schedule, times, path=True)
    lam = np.log(schedule.gamma(times) / schedule.sigma(times))
    h_before, h = np.diff(lam)
    D = [exact(state, at) for state, at in zip(states[:2], times[:2], strict=True)]

    def step(weight=0.5, grow=1.0):
        line = D[1] + weight * h / h_before * (D[1] - D[0])
        return s_u / s_t * states[1] + schedule.gamma(u) * (1 - np.exp(-grow * h)) * line

    verify.agree(states[2], step(), rtol=1e-11)
    verify.refutes(states[2], step(weight=1.0), why="end of the step for its middle")
    verify.refutes(states[2], step(weight=-0.5), why="sign of the line")
    verify.refutes(states[2], step(grow=2.0), why="whole logarithm of the ratio")

    def error(n, sampler):
        grid = schedule.times(n, "log-snr", start=0.9, stop=0.05, to_zero=False)
        end = sampler(wiener(schedule, nu), np.array([[spread(schedule, nu, 0.9)]]), schedule, grid)
        return abs(end[0, 0] - spread(schedule, nu, 0.05))

    orders = [np.log2(error(80, f) / error(160, f)) for f in (dpm_solver, heun, ddim)]
    verify.agree(orders, [2.0, 2.0, 1.0], atol=0.05)
    verify.refutes(orders, [1.0, 2.0, 1.0], why="order one of the multistep method")
    verify.refutes(orders, [2.0, 2.0, 2.0], why="order two of DDIM")

    def noisy_error(n, sampler):
        grid = schedule.times(n, "log-snr", start=0.9, stop=0.05, to_zero=False)
        x = np.zeros((n + 1, 1))
        x[0] = spread(schedule, nu, 0.9)
        end = sampler(wiener(schedule, nu), x, schedule, grid, Impulses())
        return abs(np.linalg.norm(end) - spread(schedule, nu, 0.05))

    noisy = [
        np.log2(noisy_error(160, f) / noisy_error(320, f)) for f in (ancestral, euler_maruyama)
    ]
    verify.agree(noisy, [1.0, 1.0], atol=0.1)
    verify.refutes(noisy, [0.5, 0.5], why="order of single paths for that of the law")
    verify.refutes(noisy, [2.0, 2.0], why="order two")


@pytest.mark.verifies(
    "eq-score-and-stochastic-differential-equations-angles",
    "eq-score-and-stochastic-differential-equations-angle-error",
    routes=("angles of vectors", "dlmath.diffusion.ddim", "expansion in 1/N"),
)
def test_ddim_loses_cosines(verify):
    """Each step multiplies by a cosine; equal angles are best; the error is Theta^2 / 2N."""
    for schedule in SCHEDULES:
        nu, t, u = 0.4, 0.8 * schedule.end, 0.3 * schedule.end
        factor = ddim(wiener(schedule, nu), np.ones((1, 1)), schedule, [t, u])[0, 0]
        ends = [np.array([schedule.gamma(at) * np.sqrt(nu), schedule.sigma(at)]) for at in (t, u)]
        turn = np.diff([np.arctan2(v[1], v[0]) for v in ends])[0]
        V_t, V_u = (v @ v for v in ends)
        verify.agree(factor, ends[0] @ ends[1] / V_t, rtol=1e-12)
        verify.agree(factor, np.sqrt(V_u / V_t) * np.cos(turn), rtol=1e-12)
        verify.refutes(factor, np.sqrt(V_u / V_t), why="exact flow")
        verify.refutes(factor, np.sqrt(V_u / V_t) * np.cos(2 * turn), why="factor 2 of the angle")
        verify.refutes(factor, np.sqrt(V_t / V_u) * np.cos(turn), why="lengths upside down")

    schedule, nu, n = CosineSchedule(), 0.4, 10
    T, u = 0.95, 0.05
    angles = [np.arctan(schedule.ratio(at) / np.sqrt(nu)) for at in (T, u)]
    Theta = angles[0] - angles[1]

    def distance(times):
        x = np.array([[spread(schedule, nu, times[0])]])
        end = ddim(wiener(schedule, nu), x, schedule, times)[0, 0]
        return spread(schedule, nu, times[-1]) - end

    def equal(n):
        grid = schedule.time_of_ratio(np.sqrt(nu) * np.tan(np.linspace(*angles, n + 1)))
        return distance(grid)

    root = spread(schedule, nu, u)
    verify.agree(equal(n), root * (1 - np.cos(Theta / n) ** n), rtol=1e-9)
    verify.refutes(equal(n), root * (1 - np.cos(Theta / (2 * n)) ** n), why="half the angle")
    uneven = np.linspace(T, u, n + 1)
    steps = np.diff(np.arctan(schedule.ratio(uneven) / np.sqrt(nu)))
    verify.agree(distance(uneven), root * (1 - np.prod(np.cos(steps))), rtol=1e-9)
    verify.refutes(distance(uneven), root * (1 - np.cos(Theta / n) ** n), why="best grid")
    verify.at_most(equal(n), distance(uneven))
    verify.refutes(distance(uneven), equal(n), why="uneven grid better")
    verify.agree(equal(2000), root * Theta**2 / 4000, rtol=1e-3)
    verify.refutes(equal(2000), root * Theta**2 / 2000, why="factor 2")


@pytest.mark.verifies(
    "eq-score-and-stochastic-differential-equations-start",
    routes=("two steps of dlmath.diffusion.ddim", "formula"),
)
def test_errors_of_the_first_step(verify):
    """A wrong answer in two parametrisations, through a step of DDIM."""
    schedule, t, u, e = CosineSchedule(), 0.95, 0.7, 0.01
    x = np.array([[0.6]])

    def end(kind, output):
        def denoise(y, at):
            return denoised(kind, output, y, schedule.gamma(at), schedule.sigma(at))

        return ddim(denoise, x, schedule, [t, u])

    g_u, r = schedule.gamma(u), [schedule.ratio(at) for at in (t, u)]
    off = (end("epsilon", 0.3 + e) - end("epsilon", 0.3))[0, 0]
    verify.agree(off, g_u * (r[1] - r[0]) * e, rtol=1e-9)
    verify.refutes(-off, g_u * (r[1] - r[0]) * e, why="sign")
    verify.refutes(off, -g_u * r[0] * e, why="kept noise forgotten")
    phi = [np.arctan(value) for value in r]
    off = (end("v", 0.3 + e) - end("v", 0.3))[0, 0]
    verify.agree(off, -np.sin(phi[0] - phi[1]) * e, rtol=1e-9)
    verify.refutes(off, np.sin(phi[0] - phi[1]) * e, why="sign of the sine")
    verify.refutes(off, -np.tan(phi[0] - phi[1]) * e, why="tangent for sine")


@pytest.mark.verifies(
    "eq-score-and-stochastic-differential-equations-likelihood",
    "eq-score-and-stochastic-differential-equations-divergence",
    routes=("log-density of the mixture", "dlmath.diffusion.probability_flow", "differences"),
)
def test_likelihood(verify):
    """The density by the flow is the exact one; its divergences are derivatives."""
    schedule = LinearSchedule(beta_max=8.0)
    law = GaussianMixture([0.4, 0.6], [[-1.0, 0.2], [0.7, -0.3]], [0.1, 0.2])
    exact, x = NoisyMixture(law, schedule), np.array([[-0.9, 0.1], [0.2, -0.5], [0.8, 0.4]])

    def trace(function, at):
        sides = [slope(lambda h, e=e: function(at + h * e), 0.0, 1e-4) @ e for e in np.eye(2)]
        return np.sum(sides, axis=0)

    def divergence(y, t):
        """From the covariances of x_0 given x_t and the component."""
        g, s = schedule.gamma(t), schedule.sigma(t)
        now = exact.density(t)
        shares = np.exp(now.log_prob_components(y) - now.log_prob(y)[:, None])
        means, inner = [], []
        for m, S in zip(law.means, law.covariances, strict=True):
            gain = g * S[0, 0] / (g**2 * S[0, 0] + s**2)
            means.append(m + gain * (y - g * m))
            inner.append(2 * (S[0, 0] - gain * g * S[0, 0]))
        centre = np.einsum("nk,knd->nd", shares, np.array(means))
        between = np.einsum("nk,knd->n", shares, (np.array(means) - centre) ** 2)
        return g / s**2 * (shares @ inner + between)

    t = 0.3
    g, s, g2 = schedule.gamma(t), schedule.sigma(t), schedule.squared_diffusion(t)
    of_denoiser = trace(lambda y: exact(y, t), x)
    verify.agree(divergence(x, t), of_denoiser, rtol=1e-8)
    verify.refutes(divergence(x, t) * g, of_denoiser, why="factor gamma")
    of_score = trace(lambda y: exact.score(y, t), x)
    verify.agree((g * of_denoiser - 2) / s**2, of_score, rtol=1e-8)
    verify.refutes((g * of_denoiser - 1) / s**2, of_score, why="dimension forgotten")
    velocity = trace(lambda y: schedule.drift(t) * y - g2 / 2 * exact.score(y, t), x)
    verify.agree(2 * schedule.drift(t) - g2 / 2 * of_score, velocity, rtol=1e-8)
    verify.refutes(schedule.drift(t) - g2 / 2 * of_score, velocity, why="factor d")
    verify.refutes(2 * schedule.drift(t) - g2 * of_score, velocity, why="factor 2 of the score")

    times = schedule.times(160, "log-snr", stop=0.01, to_zero=False)[::-1]
    ends, change = probability_flow(exact, x, schedule, times, divergence=divergence)
    at_end = exact.density(times[-1]).log_prob(ends)
    known = exact.density(times[0]).log_prob(x)
    # change = log p_T - log p_delta = minus the integral of the divergence.
    verify.agree(at_end - change, known, atol=1e-4)
    verify.refutes(at_end + change, known, why="sign of the integral")
    verify.refutes(at_end, known, why="integral forgotten")
    verify.refutes(at_end - 2 * change, known, why="factor 2")
