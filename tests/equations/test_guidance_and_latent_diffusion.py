"""The numbered equations of the chapter on guidance and latent diffusion."""

import functools
import itertools

import mpmath
import numpy as np
import pytest
import sympy
from dlmath.densities import GaussianMixture
from dlmath.diffusion import (
    CosineSchedule,
    ExplodingSchedule,
    GaussianPair,
    NoisyMixture,
    guided,
)
from numpy.polynomial.hermite_e import hermegauss
from scipy import integrate, optimize, stats
from sklearn.decomposition import PCA

# A class of two humps with the share 0.4, and another of one hump.
SHARE = 0.4
INSIDE = ([0.3, 0.7], [-1.0, 0.5], [0.2, 0.4])
OUTSIDE = ([1.0], [1.8], [0.3])
EVERYTHING = ([0.12, 0.28, 0.6], [-1.0, 0.5, 1.8], [0.2, 0.4, 0.3])
POINTS = (-1.3, 0.2, 0.9, 2.1)


def humps(law):
    """Make dlmath's mixture from weights, means and variances."""
    weights, means, variances = law
    covariances = np.reshape(variances, (-1, 1, 1))
    return GaussianMixture(weights, np.reshape(means, (-1, 1)), covariances)


def density(law, x, gamma=1, variance=0):
    """Evaluate a mixture with noise in mpmath."""
    return mpmath.fsum(
        p * mpmath.npdf(x, gamma * m, mpmath.sqrt(gamma**2 * v + variance))
        for p, m, v in zip(*law, strict=True)
    )


SCHEDULE, TIME = CosineSchedule(), 0.45
GAMMA, SIGMA = float(SCHEDULE.gamma(TIME)), float(SCHEDULE.sigma(TIME))


def clean_classifier(u):
    """Return the probability of the class, given the clean value."""
    return SHARE * density(INSIDE, u) / density(EVERYTHING, u)


# Clean values, so many that sums over them are exact: all functions are smooth and vanish.
CLEAN = np.linspace(-8, 9, 3401)


def weighted(x, law):
    """Return a law of the clean values times the density of noisy ones, which may be complex."""
    clean = np.exp(humps(law).log_prob(CLEAN[:, np.newaxis]))
    return clean * np.exp(-((np.reshape(x, (-1, 1)) - GAMMA * CLEAN) ** 2) / (2 * SIGMA**2))


def noisy_slopes():
    """Differentiate the logarithm of the clean classifier's mean by a step off the real line."""
    x = np.array(POINTS) + 1e-30j
    known = SHARE * weighted(x, INSIDE).sum(axis=1)
    return np.log(known / weighted(x, EVERYTHING).sum(axis=1)).imag / 1e-30


@functools.cache
def slopes(f):
    """Differentiate the logarithm of a function at the points."""
    return np.array([float(mpmath.diff(lambda x: mpmath.log(f(x)), p)) for p in POINTS])


def scores(law):
    at = np.reshape(POINTS, (-1, 1))
    return NoisyMixture(humps(law), SCHEDULE).score(at, TIME)[:, 0]


# One network, two scores.


@pytest.mark.verifies(
    "eq-guidance-and-latent-diffusion-bayes",
    "eq-guidance-and-latent-diffusion-difference",
    routes=("an integral over the clean values, differentiated", "dlmath's scores of mixtures"),
)
def test_the_scores_differ_by_the_gradient_of_a_classifier_of_noisy_values(verify):
    """The mean of the clean classifier given the noisy value has the gradient that is claimed."""
    gradient = noisy_slopes()
    verify.agree(scores(INSIDE) - scores(EVERYTHING), gradient, rtol=1e-12)
    verify.refutes(scores(EVERYTHING) - scores(INSIDE), gradient, why="sign")
    verify.refutes(scores(INSIDE) + scores(EVERYTHING), gradient, why="sum for difference")
    verify.refutes(slopes(clean_classifier), gradient, why="classifier of clean values")
    of_p = scores(INSIDE) - scores(OUTSIDE)
    verify.refutes(of_p, gradient, why="the other class for all classes")

    weights = [weighted(POINTS, law) for law in (INSIDE, EVERYTHING)]
    known, unknown = (w @ CLEAN / w.sum(axis=1) for w in weights)
    means = known - unknown
    claim = SIGMA**2 / GAMMA * gradient
    verify.agree(means, claim, rtol=1e-12)
    verify.refutes(means, -claim, why="sign")
    verify.refutes(means, claim * GAMMA, why="without gamma")
    verify.refutes(means, claim * GAMMA**2, why="gamma above for below")
    verify.refutes(means, claim / SIGMA, why="sigma without its square")


@pytest.mark.verifies(
    "eq-guidance-and-latent-diffusion-classifier",
    "eq-guidance-and-latent-diffusion-free",
    "eq-guidance-and-latent-diffusion-linear",
    "eq-guidance-and-latent-diffusion-ho-salimans",
    routes=("the classifier's gradient, differentiated", "dlmath.diffusion.guided"),
)
def test_both_kinds_of_guidance_are_one(verify):
    """The classifier's gradient, added w times, is the combination of two scores."""
    w, at = 2.7, np.reshape(POINTS, (-1, 1))
    cond, free = scores(INSIDE), scores(EVERYTHING)
    by_classifier = free + w * noisy_slopes()
    verify.agree(w * cond + (1 - w) * free, by_classifier, rtol=1e-12)
    verify.refutes(w * free + (1 - w) * cond, by_classifier, why="weights exchanged")
    verify.refutes((1 + w) * cond - w * free, by_classifier, why="one for zero")
    verify.refutes(w * cond + (1 + w) * free, by_classifier, why="sign of the second weight")

    laws = [NoisyMixture(humps(law), SCHEDULE) for law in (INSIDE, EVERYTHING)]
    found = guided(*laws, w)(at, TIME)[:, 0]
    x = np.array(POINTS)
    verify.agree(found, (x + SIGMA**2 * by_classifier) / GAMMA, rtol=1e-12)
    verify.refutes(found, SIGMA**2 * by_classifier / GAMMA, why="without the state")
    verify.refutes(found, (x - SIGMA**2 * by_classifier) / GAMMA, why="sign of the score")
    exchanged = guided(laws[1], laws[0], w)(at, TIME)[:, 0]
    verify.refutes(exchanged, (x + SIGMA**2 * by_classifier) / GAMMA, why="arguments exchanged")

    clean = [law(at, TIME)[:, 0] for law in laws]
    noise = [(x - GAMMA * D) / SIGMA for D in clean]
    guided_noise = -SIGMA * by_classifier
    verify.agree(w * noise[0] + (1 - w) * noise[1], guided_noise, rtol=1e-12)
    verify.refutes(w * noise[1] + (1 - w) * noise[0], guided_noise, why="noise exchanged")
    speeds = [D - e for D, e in zip(clean, noise, strict=True)]
    velocity = (x + SIGMA**2 * by_classifier) / GAMMA + SIGMA * by_classifier
    verify.agree(w * speeds[0] + (1 - w) * speeds[1], velocity, rtol=1e-12)
    verify.refutes(w * speeds[1] + (1 - w) * speeds[0], velocity, why="velocities exchanged")

    omega = w - 1
    verify.agree((1 + omega) * noise[0] - omega * noise[1], guided_noise, rtol=1e-12)
    verify.refutes((1 + w) * noise[0] - w * noise[1], guided_noise, why="omega = w")
    verify.refutes(omega * noise[0] - (1 + omega) * noise[1], guided_noise, why="terms exchanged")


@pytest.mark.verifies(
    "eq-guidance-and-latent-diffusion-dropout",
    "eq-guidance-and-latent-diffusion-both",
    routes=("enumeration of data, noise and coin", "normal equations on indicators"),
)
def test_label_dropout_trains_two_denoisers(verify):
    """The cost of any table of answers is a constant plus two weighted distances."""
    share, rng = 0.15, np.random.default_rng(0)
    data = [(0, 0, 0.2), (1, 0, 0.3), (1, 1, 0.1), (3, 1, 0.4)]  # value, label, probability
    noise = [(-1, 0.25), (0, 0.5), (1, 0.25)]
    told = [(True, 1 - share), (False, share)]
    outcomes = []
    for (x0, c, p), (e, q), (known, r) in itertools.product(data, noise, told):
        outcomes.append((x0, x0 + e, c if known else 2, c, p * q * r))
    x0, x, seen, label, weight = np.array(outcomes).T
    table = rng.normal(size=(6, 3))
    row = x.astype(int) + 1
    cost = np.sum(weight * (x0 - table[row, seen.astype(int)]) ** 2)

    def mean(at, c):
        chosen = (x == at) & ((label == c) | (c == 2))
        return np.sum(weight[chosen] * x0[chosen]) / np.sum(weight[chosen])

    full = np.array([mean(a, c) for a, c in zip(x, label, strict=True)])
    plain = np.array([mean(a, 2) for a in x])
    rest = np.sum(weight * ((1 - share) * (x0 - full) ** 2 + share * (x0 - plain) ** 2))
    with_label = np.sum(weight * (full - table[row, label.astype(int)]) ** 2)
    without = np.sum(weight * (plain - table[row, 2]) ** 2)
    verify.agree(cost, rest + (1 - share) * with_label + share * without, rtol=1e-13)
    exchanged = rest + share * with_label + (1 - share) * without
    verify.refutes(cost, exchanged, why="shares exchanged")
    verify.refutes(cost, rest + with_label + without, why="without the shares")
    verify.refutes(cost, (1 - share) * with_label + share * without, why="without the constant")
    verify.refutes(cost, rest + 2 * (1 - share) * with_label + share * without, why="factor 2")

    # The minimum, by weighted least squares on indicators of (state, label or none).
    places, index = np.unique(np.column_stack([x, seen]), axis=0, return_inverse=True)
    indicators = np.eye(len(places))[index.ravel()]
    gram = indicators.T @ (weight[:, np.newaxis] * indicators)
    best = np.linalg.solve(gram, indicators.T @ (weight * x0))
    claim = np.array([mean(a, c) for a, c in places])
    verify.agree(best, claim, rtol=1e-12)
    ignored = np.array([mean(a, 2) for a, _ in places])
    verify.refutes(best, ignored, why="without the label everywhere")
    verify.refutes(best, -claim, why="sign")


# What is promised.


@pytest.mark.verifies(
    "eq-guidance-and-latent-diffusion-family",
    "eq-guidance-and-latent-diffusion-tilted",
    routes=("differentiation and quadrature in mpmath", "dlmath's scores and GaussianPair"),
)
def test_tilted_densities(verify):
    """The score of the family is the guided one; its integral is finite; both forms agree."""
    w = 2.4

    def tilt(x):
        gamma, variance = mpmath.mpf(GAMMA), mpmath.mpf(SIGMA) ** 2
        cond, free = (density(law, x, gamma, variance) for law in (INSIDE, EVERYTHING))
        return cond**w * free ** (1 - w)

    combined = w * scores(INSIDE) + (1 - w) * scores(EVERYTHING)
    verify.agree(slopes(tilt), combined, rtol=1e-12)
    wrong = (1 - w) * scores(INSIDE) + w * scores(EVERYTHING)
    verify.refutes(slopes(tilt), wrong, why="powers exchanged")
    verify.refutes(slopes(tilt), w * scores(INSIDE), why="without the second factor")
    verify.at_most(float(mpmath.quad(tilt, [-8, -1, 1, 8])), SHARE ** (1 - w))
    verify.refutes(1.01 * SHARE ** (1 - w), SHARE ** (1 - w), why="above the bound")

    # The pair: p(x | c)^w p(x)^(1-w), normalised by mpmath, against the form with the classifier.
    m, s, x, w = 1, mpmath.mpf("0.5"), np.array([-0.6, 0.3, 1.1, 2.0]), 1.6

    def product(u):
        first, second = mpmath.npdf(u, m, s), mpmath.npdf(u, -m, s)
        return first**w * ((first + second) / 2) ** (1 - w)

    total = mpmath.quad(product, [-6, 0, 1, 3, 8])
    exact = np.array([float(product(v) / total) for v in x])
    pair = GaussianPair(1, 0.5)
    verify.agree(pair.tilted(x, w), exact, rtol=1e-12)
    verify.refutes(pair.tilted(x, w + 1), exact, why="power w for w - 1")
    verify.refutes(pair.tilted(x, 2 - w), exact, why="sign of w - 1")
    verify.refutes(pair.tilted(x, 1), exact, why="not tilted")


@pytest.mark.verifies(
    "eq-guidance-and-latent-diffusion-flow",
    "eq-guidance-and-latent-diffusion-pair",
    routes=("SciPy's integrator with a cosine schedule", "dlmath's flow in the variable a"),
)
def test_the_guided_flow_in_two_variables(verify):
    """A state with the cosine schedule ends where the one equation in a and u says."""
    w, begin, m, s = 3.0, 0.97, 1.0, 0.5
    schedule = CosineSchedule()
    rho = float(schedule.ratio(begin))
    u = np.array([-1.5, -0.3, 0.4, 2.0])
    z = m + u * np.hypot(s, rho)

    def ends(half=0.5, sign=1.0, w=w):
        def rate(t, x):
            gamma, sigma = schedule.gamma(t), schedule.sigma(t)
            v = gamma**2 * s**2 + sigma**2
            cond = (gamma * m - x) / v
            free = (gamma * m * np.tanh(gamma * m * x / v) - x) / v
            score = w * cond + (1 - w) * free
            return schedule.drift(t) * x - sign * half * schedule.squared_diffusion(t) * score

        x = schedule.gamma(begin) * z
        return integrate.solve_ivp(rate, (begin, 1e-9), x, rtol=1e-11, atol=1e-12).y[:, -1]

    pair = GaussianPair(m, s)
    exact, _ = pair.transport(u, w, interval=(0, rho), steps=2000)
    verify.agree(ends(), exact, rtol=1e-9)
    verify.refutes(ends(half=0.52), exact, why="half of g squared")
    verify.refutes(ends(w=w - 1), exact, why="one for zero")
    verify.refutes(ends(w=1), exact, why="without guidance")

    # The same by Euler's method in u and a: with wrong versions of the equation.
    def euler(rate, steps=40_000):
        state, a = u.copy(), m / np.hypot(s, rho)
        h = (m / s - a) / steps
        for k in range(steps):
            state = state + h * rate(a + (k + 0.5) * h, state)
        return m + s * state

    good = euler(lambda a, v: (w - 1) * (1 - np.tanh(a * (a + v))))
    verify.agree(good, ends(), rtol=4e-5)
    verify.refutes(euler(lambda a, v: w * (1 - np.tanh(a * (a + v)))), ends(), why="w for w - 1")
    twice = euler(lambda a, v: 2 * (w - 1) * (1 - np.tanh(a * (a + v))))
    verify.refutes(twice, ends(), why="factor 2")
    plus = euler(lambda a, v: (w - 1) * (1 + np.tanh(a * (a + v))))
    verify.refutes(plus, ends(), why="sign of the hyperbolic tangent")
    other = euler(lambda a, v: (w - 1) * (1 - np.tanh(a * v)))
    verify.refutes(other, ends(), why="a + u for u")


def test_numbers_of_the_chapter():
    """Means and standard deviations at w = 3, 6, and the control w = 1."""
    pair, x = GaussianPair(1, 0.5), np.linspace(-4, 6, 20_001)
    for w, flow, target in (
        (3, (1.525, 0.315), (1.051, 0.457)),
        (6, (1.931, 0.265), (1.076, 0.440)),
    ):
        np.testing.assert_allclose(pair.moments(w), flow, atol=6e-4)
        law = pair.tilted(x, w) / pair.tilted(x, w).sum()
        mean = law @ x
        np.testing.assert_allclose((mean, np.sqrt(law @ (x - mean) ** 2)), target, atol=6e-4)
    np.testing.assert_allclose(pair.moments(1), (1, 0.5), atol=1e-10)
    _, slope = pair.transport(np.linspace(-2, 2, 9), 3)
    ends = [pair.transport(np.linspace(-2, 2, 9) + h, 3)[0] for h in (-1e-5, 1e-5)]
    np.testing.assert_allclose(slope, (ends[1] - ends[0]) / 2e-5, rtol=1e-8)


# Why it is not kept.


@pytest.mark.verifies(
    "eq-guidance-and-latent-diffusion-source",
    routes=("finite differences of high order in mpmath", "the gradient of the classifier"),
)
def test_tilted_densities_diffuse_and_are_absorbed(verify):
    """The time derivative of r less its Laplacian is the sink."""
    w, tau = mpmath.mpf("2.5"), mpmath.mpf("0.3")
    at = [mpmath.mpf(p) for p in POINTS]

    def r(z, time):
        cond, free = (density(law, z, 1, 2 * time) for law in (INSIDE, EVERYTHING))
        return cond**w * free ** (1 - w)

    def classifier(z):
        return SHARE * density(INSIDE, z, 1, 2 * tau) / density(EVERYTHING, z, 1, 2 * tau)

    with mpmath.workdps(40):
        left = [mpmath.diff(lambda t, z=z: r(z, t), tau) for z in at]
        bend = [mpmath.diff(lambda v: r(v, tau), z, 2) for z in at]
        steep = [mpmath.diff(lambda v: mpmath.log(classifier(v)), z) ** 2 for z in at]
        value = [r(z, tau) for z in at]
    left, bend, steep, value = (np.array(v, dtype=float) for v in (left, bend, steep, value))
    w = float(w)
    right = bend - w * (w - 1) * steep * value
    verify.agree(left, right, rtol=1e-13)
    verify.refutes(left, bend, why="without the sink")
    verify.refutes(left, bend + w * (w - 1) * steep * value, why="sign")
    verify.refutes(left, bend - w**2 * steep * value, why="w squared")
    verify.refutes(left, bend / 2 - w * (w - 1) * steep * value, why="half the Laplacian")
    verify.refutes(left, bend - w * (w - 1) * steep, why="not in proportion to r")


@pytest.mark.verifies(
    "eq-guidance-and-latent-diffusion-identity", routes=("sympy", "vectors of numbers")
)
def test_the_identity_of_three_squares(verify):
    """The polynomial identity holds in symbols and for random vectors."""
    w = sympy.symbols("w")
    a, b = (sympy.Matrix(sympy.symbols(f"{name}:2")) for name in "ab")
    left = w * a.dot(a) + (1 - w) * b.dot(b)
    square = (w * a + (1 - w) * b).dot(w * a + (1 - w) * b)
    gap = (a - b).dot(a - b)
    verify.identical(left, square - w * (w - 1) * gap)
    verify.refutes(left, square + w * (w - 1) * gap, why="sign")
    verify.refutes(left, square - w**2 * gap, why="w squared")
    verify.refutes(left, square, why="without the last term")
    rng = np.random.default_rng(0)
    u, v, weight = rng.normal(size=5), rng.normal(size=5), 2.3
    right = np.sum((weight * u + (1 - weight) * v) ** 2) - 2.3 * 1.3 * np.sum((u - v) ** 2)
    verify.agree(weight * u @ u + (1 - weight) * v @ v, right, rtol=1e-12)
    verify.refutes(weight * u @ u + weight * v @ v, right, why="second weight")


@pytest.mark.verifies(
    "eq-guidance-and-latent-diffusion-weights",
    routes=("paths by SciPy with their integral", "quadrature of the tilted density"),
)
def test_weights_bring_the_tilted_density_back(verify):
    """Weighted ends of guided paths have the moments of the tilted density."""
    w, last, first = 2.2, 0.02, 8.0

    def parts(z, tau):
        schedule = ExplodingSchedule(end=100)
        at = np.reshape(z, (-1, 1))
        laws = [
            NoisyMixture(humps(law), schedule).density(np.sqrt(2 * tau))
            for law in (INSIDE, EVERYTHING)
        ]
        logs = [law.log_prob(at) for law in laws]
        return logs, [law.score(at)[:, 0] for law in laws]

    grid = np.linspace(-30, 30, 601)
    logs, _ = parts(grid, first)
    start = np.exp(w * logs[0] + (1 - w) * logs[1])
    kept = start > 1e-9 * start.max()
    z, start = grid[kept], start[kept] / start.sum()

    def rate(tau, state):
        cond, free = parts(state[: z.size], tau)[1]
        steep = (cond - free) ** 2
        return np.concatenate([-(w * cond + (1 - w) * free), -steep])

    begin = np.concatenate([z, np.zeros(z.size)])
    end = integrate.solve_ivp(rate, (first, last), begin, rtol=1e-8, atol=1e-10).y[:, -1]
    at, integral = end[: z.size], end[z.size :]
    fine = np.linspace(-6, 6, 4001)
    logs, _ = parts(fine, last)
    law = np.exp(w * logs[0] + (1 - w) * logs[1])
    tests = (np.cos, np.tanh)
    right = np.array([f(fine) @ law / law.sum() for f in tests])

    def mean(exponent):
        weight = start * np.exp(exponent)
        return np.array([f(at) @ weight / weight.sum() for f in tests])

    verify.agree(mean(w * (w - 1) * integral), right, atol=2e-8)
    verify.refutes(mean(0 * integral), right, why="without weights")
    verify.refutes(mean(-w * (w - 1) * integral), right, why="sign")
    verify.refutes(mean(w**2 * integral), right, why="w squared")
    verify.refutes(mean(2 * w * (w - 1) * integral), right, why="factor 2")


# Two Gaussians, and one.


@pytest.mark.verifies(
    "eq-guidance-and-latent-diffusion-pair-score",
    routes=("differentiation in mpmath", "closed forms"),
)
def test_score_and_tilted_density_of_a_pair(verify):
    """The guided score is the derivative of the logarithm; the density has the logistic factor."""
    w, m, s, noise = 3.2, 0.8, 0.6, 0.7
    V = s**2 + noise**2

    def log_tilt(z, V=V):
        first = mpmath.npdf(z, m, mpmath.sqrt(V))
        both = (first + mpmath.npdf(z, -m, mpmath.sqrt(V))) / 2
        return w * mpmath.log(first) + (1 - w) * mpmath.log(both)

    z = np.array(POINTS)
    left = [float(mpmath.diff(log_tilt, v)) for v in POINTS]
    doubt = 1 - np.tanh(m * z / V)
    verify.agree(left, (m - z + (w - 1) * m * doubt) / V, rtol=1e-13)
    verify.refutes(left, (m - z + w * m * doubt) / V, why="w for w - 1")
    verify.refutes(left, (m - z - (w - 1) * m * doubt) / V, why="sign of the push")
    verify.refutes(left, (m - z + 2 * (w - 1) * m * doubt) / V, why="factor 2")
    wide = 1 - np.tanh(2 * m * z / V)
    verify.refutes(left, (m - z + (w - 1) * m * wide) / V, why="2 in the argument")

    ratio = [float(mpmath.exp(log_tilt(v, s**2) - log_tilt(0, s**2))) for v in POINTS]

    def form(power, factor=2):
        def value(x):
            return (
                np.exp(-((x - m) ** 2) / (2 * s**2)) / (1 + np.exp(-factor * m * x / s**2)) ** power
            )

        return value(z) / value(0.0)

    verify.agree(ratio, form(w - 1), rtol=1e-13)
    verify.refutes(ratio, form(w), why="power w")
    verify.refutes(ratio, form(1 - w), why="sign of the power")
    verify.refutes(ratio, form(w - 1, factor=1), why="factor 2 in the logistic function")


def paths(u, w, a, A):
    """Follow the guided flow of the pair by SciPy and return it at the times a."""
    solution = integrate.solve_ivp(
        lambda t, v: (w - 1) * (1 - np.tanh(t * (t + v))),
        (0, A),
        u,
        t_eval=a,
        rtol=1e-9,
        atol=1e-11,
    )
    return solution.y


@pytest.mark.verifies(
    "eq-guidance-and-latent-diffusion-pair-means",
    routes=("quadrature over the ends", "the integral of the doubt along the paths"),
)
def test_means_of_a_pair(verify):
    """Means of ends and of the tilted density equal what the doubt gives."""
    w, m, s = 3.0, 1.2, 0.6
    A = m / s
    nodes, shares = hermegauss(100)
    shares = shares / shares.sum()
    a = np.linspace(0, A, 401)
    states = paths(nodes, w, a, A)
    doubt = shares @ (1 - np.tanh(a * (a + states)))
    area = integrate.simpson(doubt, x=a)
    left = GaussianPair(m, s).moments(w)[0]
    verify.agree(left, m + (w - 1) * s * area, rtol=1e-9)
    verify.refutes(left, m + w * s * area, why="w for w - 1, in the flow")
    verify.refutes(left, m + (w - 1) * m * area, why="m for s")
    verify.refutes(left, m - (w - 1) * s * area, why="sign, in the flow")
    verify.refutes(left, m + (w - 1) * m * doubt[-1], why="doubt at the end only")

    x = np.linspace(-4, 7, 8001)
    law = stats.norm.pdf(x, m, s) / (1 + np.exp(-2 * m * x / s**2)) ** (w - 1)
    law = law / law.sum()
    rest = law @ (1 - np.tanh(m * x / s**2))
    verify.agree(law @ x, m + (w - 1) * m * rest, rtol=1e-13)
    verify.refutes(law @ x, m + w * m * rest, why="w for w - 1, in the density")
    verify.refutes(law @ x, m - (w - 1) * m * rest, why="sign, in the density")
    verify.refutes(law @ x, m + 2 * (w - 1) * m * rest, why="factor 2")


@pytest.mark.verifies(
    "eq-guidance-and-latent-diffusion-slopes",
    routes=("differences of the means by w", "the error of the best estimate of a sign"),
)
def test_the_first_push(verify):
    """The derivatives at w = 1 are integrals of an error that falls with the signal."""
    m, s = 0.9, 0.5
    A, h = m / s, 1e-4

    def error(a):
        """Mean squared error of the best estimate of a fair sign from a S + noise."""

        def integrand(y):
            first, second = stats.norm.pdf(y, a), stats.norm.pdf(y, -a)
            guess = (first - second) / (first + second)
            return (first * (1 - guess) ** 2 + second * (1 + guess) ** 2) / 2

        return integrate.quad(integrand, -a - 9, a + 9, epsabs=1e-12)[0]

    pair, x = GaussianPair(m, s), np.linspace(-5, 6, 16_001)

    def tilted_mean(w):
        law = pair.tilted(x, w)
        return law @ x / law.sum()

    flow = (pair.moments(1 + h)[0] - pair.moments(1 - h)[0]) / (2 * h)
    tilt = (tilted_mean(1 + h) - tilted_mean(1 - h)) / (2 * h)
    area = integrate.quad(error, 0, A, epsabs=1e-10)[0]
    verify.agree([flow, tilt], [s * area, m * error(A)], rtol=1e-6)
    verify.refutes([flow, tilt], [m * area, m * error(A)], why="m for s")
    verify.refutes([flow, tilt], [2 * s * area, m * error(A)], why="factor 2")
    verify.refutes([flow, tilt], [s * area, m * error(A**2)], why="signal squared")
    verify.refutes([tilt, flow], [s * area, m * error(A)], why="exchanged")

    nodes, shares = hermegauss(120)
    doubts = [shares @ (1 - np.tanh(a**2 + a * nodes)) / shares.sum() for a in (0.3, 0.9, A)]
    errors = [error(a) for a in (0.3, 0.9, A)]
    verify.agree(doubts, errors, rtol=1e-7)
    half = [shares @ (1 - np.tanh(a**2 / 2 + a * nodes)) / shares.sum() for a in (0.3, 0.9, A)]
    verify.refutes(half, errors, why="half the signal")
    verify.at_most([m * error(A), errors[1], errors[2]], [s * area, errors[0], errors[1]])
    verify.refutes(
        [s * area, *errors[1:]], [m * error(A), *errors[:2]], why="the inequality reversed"
    )


@pytest.mark.verifies(
    "eq-guidance-and-latent-diffusion-gaussian",
    routes=("two paths by SciPy", "moments of the product of densities"),
)
def test_geometric_and_harmonic_variances(verify):
    """Distances of guided paths, and the spread of the tilted density, are the two means."""
    a, b, mu, w = 0.3, 1.1, 0.8, 2.5
    far = 1e7

    def rate(R, z):
        return (w * (z - mu) / (a + R) + (1 - w) * z / (b + R)) / 2

    # In the logarithm of R the flow from far away is short.
    starts = np.array([-1.0, 1.0]) * np.sqrt(far)
    end = integrate.solve_ivp(
        lambda k, z: np.exp(k) * rate(np.exp(k), z),
        (np.log(far), np.log(1e-9)),
        starts,
        rtol=1e-10,
        atol=1e-10,
    ).y[:, -1]
    flow = ((end[1] - end[0]) / 2) ** 2
    x = np.linspace(-8, 8, 16_001)
    logs = w * stats.norm.logpdf(x, mu, np.sqrt(a)) + (1 - w) * stats.norm.logpdf(x, 0, np.sqrt(b))
    law = np.exp(logs - logs.max())
    law /= law.sum()
    tilt = law @ (x - law @ x) ** 2
    harmonic = 1 / (w / a + (1 - w) / b)
    verify.agree([flow, tilt], [a**w * b ** (1 - w), harmonic], rtol=1e-6)
    verify.refutes([flow, tilt], [b**w * a ** (1 - w), harmonic], why="exponents exchanged")
    verify.refutes([flow, tilt], [a ** (w / 2) * b ** ((1 - w) / 2), harmonic], why="factor 2")
    verify.refutes([flow, tilt], [harmonic, harmonic], why="the flow's taken as the density's")
    verify.refutes([flow, tilt], [a**w * b ** (1 - w), w * a + (1 - w) * b], why="arithmetic mean")
    ratio = np.array([a**v * b ** (1 - v) * (v / a + (1 - v) / b) for v in (1.1, 2, 5)])
    verify.at_most(ratio, np.full(3, 1 - 1e-6))
    verify.refutes(1 / ratio, np.full(3, 1 - 1e-6), why="the inequality reversed")


@pytest.mark.verifies(
    "eq-guidance-and-latent-diffusion-interval",
    routes=("dlmath.diffusion.guided, step by step", "SciPy's integrator, piece by piece"),
)
def test_guidance_in_an_interval(verify):
    """Steps with the switched denoiser end where three flows in a row do."""
    low, high, w, s = 0.4, 1.5, 3.0, 0.5
    schedule = ExplodingSchedule(end=200)
    one = NoisyMixture(humps(([1.0], [1.0], [s**2])), schedule)
    both = NoisyMixture(humps(([0.5, 0.5], [-1.0, 1.0], [s**2, s**2])), schedule)
    u = np.array([-1.2, 0.1, 1.4])
    begin = (1 + u * np.hypot(s, 200))[:, np.newaxis]

    def steps(interval):
        denoise = guided(one, both, w, schedule=schedule, interval=interval)
        grid = np.unique(np.concatenate([np.geomspace(0.01, 200, 2500), [low, high]]))[::-1]
        z = begin.copy()
        for rho, lower in itertools.pairwise(np.append(grid, 1e-9)):
            # The midpoint rule, with the weight of the upper end of the step.
            slope = (z - denoise(z, rho)) / rho
            middle = np.sqrt(rho * lower) if lower > 1e-8 else rho / 2
            half = z + (middle - rho) * slope
            z = z + (lower - rho) * (half - denoise(half, middle)) / middle
        return z[:, 0]

    def pieces(weights):
        z = begin[:, 0]
        for weight, (start, end) in zip(
            weights, [(200, high), (high, low), (low, 1e-9)], strict=True
        ):

            def rate(rho, z, weight=weight):
                v = s**2 + rho**2
                score = (1 - z + (weight - 1) * (1 - np.tanh(z / v))) / v
                return -rho * score

            z = integrate.solve_ivp(rate, (start, end), z, rtol=1e-10, atol=1e-11).y[:, -1]
        return z

    found = steps((low, high))
    verify.agree(found, pieces((1, w, 1)), atol=4e-5)
    verify.refutes(found, pieces((w, w, w)), why="guided everywhere")
    verify.refutes(found, pieces((w, 1, w)), why="guided outside")
    verify.refutes(found, pieces((0, w, 0)), why="no label outside")
    verify.refutes(found, pieces((1, 1, 1)), why="nowhere guided")
    by_dlmath, _ = GaussianPair(1, s).transport(u, w, interval=(low, high))
    verify.agree(found, by_dlmath, atol=4e-5)
    whole, _ = GaussianPair(1, s).transport(u, w)
    verify.refutes(found, whole, why="guided at all levels")


# Codes.


def transport(X, Y):
    """Return the squared Wasserstein distance of two equal sets of points, by assignment."""
    cost = np.sum((X[:, np.newaxis] - Y[np.newaxis]) ** 2, axis=2)
    rows, columns = optimize.linear_sum_assignment(cost)
    return cost[rows, columns].mean()


@pytest.mark.verifies(
    "eq-guidance-and-latent-diffusion-ceiling",
    "eq-guidance-and-latent-diffusion-residual",
    routes=("optimal assignment in the full space", "assignment of codes and scikit-learn's PCA"),
)
def test_the_decoder_is_the_ceiling(verify):
    """The distance of decoded codes from the data is the residual plus the distance of codes."""
    rng, n, d, q = np.random.default_rng(1), 40, 6, 2
    X = rng.normal(size=(n, d)) * np.arange(1, d + 1)[::-1] + 1
    centre = X.mean(axis=0) + 0.3
    U = np.linalg.qr(rng.normal(size=(d, q)))[0]
    codes, drawn = (X - centre) @ U, 2 * rng.normal(size=(n, q))
    left = transport(X, centre + drawn @ U.T)
    lost = np.mean(np.sum((X - centre - codes @ U.T) ** 2, axis=1))
    between = transport(codes, drawn)
    verify.agree(left, lost + between, rtol=1e-12)
    verify.refutes(left, between, why="without the decoder's loss")
    verify.refutes(left, lost, why="without the codes")
    verify.refutes(left, lost + 2 * between, why="factor 2")
    verify.refutes(
        left, (np.sqrt(lost) + np.sqrt(between)) ** 2, why="distances added, not squares"
    )
    skew = U @ np.diag([1.0, 2.0])
    stretched = transport(X, centre + drawn @ skew.T)
    verify.refutes(stretched, lost + between, why="columns that are not orthonormal")

    pca = PCA(q, svd_solver="full").fit(X)
    error = np.mean(np.sum((X - pca.inverse_transform(pca.transform(X))) ** 2, axis=1))
    nu = np.linalg.eigvalsh(np.cov(X.T, ddof=0))[::-1]
    verify.agree(error, nu[q:].sum(), rtol=1e-12)
    verify.refutes(error, nu[:q].sum(), why="kept for lost")
    verify.refutes(error, nu[q + 1 :].sum(), why="one component off")
    verify.refutes(error, nu[q:].sum() * n / (n - 1), why="n - 1")
    verify.refutes(error, np.sqrt(nu[q:]).sum(), why="singular values")
