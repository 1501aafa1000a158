"""The numbered equations of the chapter that compares generative models."""

import itertools
import math
from fractions import Fraction

import numpy as np
import pytest
import sympy
from dlmath.comparison import weighted_frechet
from dlmath.ising import (
    all_states,
    energy,
    exact_enumeration,
    exact_torus,
    independent_spins,
    magnetisation,
    observables,
    thermometer,
    transfer_matrix,
)
from scipy import integrate, optimize, stats

TAU = 2.3


def discrete(seed, n=6):
    """Two laws on few outcomes, sharp enough to tell bounds apart."""
    rng = np.random.default_rng(seed)
    return rng.dirichlet(np.full(n, 0.4)), rng.dirichlet(np.full(n, 0.4)) * 0.98 + 0.02 / n


def kl(p, q):
    return float(np.sum(np.where(p > 0, p * np.log(np.maximum(p, 1e-300) / q), 0)))


def variation(p, q):
    """Find the largest difference of the probabilities of an event, over all events."""
    n = len(p)
    return max(abs(sum(p[i] - q[i] for i in range(n) if event >> i & 1)) for event in range(2**n))


# Likelihood and samples.


@pytest.mark.verifies(
    "eq-comparing-generative-models-overlap",
    routes=("all events of small laws, enumerated", "the divergence, summed"),
)
def test_likelihood_bounds_the_overlap(verify):
    """Two hundred pairs of laws obey it; noise comes within a factor two of it."""
    pairs = [discrete(seed) for seed in range(200)]
    pairs += [(np.array([1.0, 0.0]), np.array([e, 1 - e])) for e in (0.5, 0.1, 0.01)]
    bounds = np.array([np.exp(-kl(p, q)) / 2 for p, q in pairs])
    overlaps = np.array([1 - variation(p, q) for p, q in pairs])
    verify.at_most(bounds, overlaps)
    verify.refutes(2.1 * bounds, overlaps, why="factor 2")
    verify.refutes(bounds**0.5, overlaps, why="a root of the exponential")
    turned = np.array([np.exp(-kl(p, q)) / 2 for p, q in pairs])
    verify.refutes(1 - turned, overlaps, why="the bound of the variation itself")


@pytest.mark.verifies(
    "eq-comparing-generative-models-bhattacharyya",
    routes=("quadrature of roots of two densities", "minima and maxima"),
)
def test_the_integral_of_roots(verify):
    """Two normal densities on a line: the squared integral is below the product of integrals."""
    found, product, last = [], [], []
    for mean, sd in ((0.5, 1.0), (2.0, 0.6), (0.1, 3.0)):
        x = np.linspace(-30, 30, 200_001)
        p, q = stats.norm.pdf(x), stats.norm.pdf(x, mean, sd)
        least, most = (integrate.trapezoid(f(p, q), x) for f in (np.minimum, np.maximum))
        tv = integrate.trapezoid(np.abs(p - q), x) / 2
        found.append(integrate.trapezoid(np.sqrt(p * q), x) ** 2)
        product.append(least * most)
        last.append((1 - tv**2, 2 * (1 - tv)))
    last = np.array(last)
    verify.at_most(np.array(found), np.array(product))
    verify.refutes(np.sqrt(found), np.array(product), why="without the square")
    verify.agree(np.array(product), last[:, 0], rtol=1e-7)
    verify.refutes(np.array(product), last[:, 1], why="the last bound for an equality")
    verify.refutes(np.array(product), 1 - np.sqrt(1 - last[:, 0]), why="the overlap alone")
    # For normal densities the integral of the roots is known.
    exact = [
        2 * sd / (1 + sd**2) * np.exp(-(mean**2) / (2 * (1 + sd**2)))
        for mean, sd in ((0.5, 1.0), (2.0, 0.6), (0.1, 3.0))
    ]
    verify.agree(np.array(found), np.array(exact), rtol=1e-7)
    verify.refutes(np.array(found), np.sqrt(exact), why="a root")
    verify.at_most(last[:, 0], last[:, 1])
    verify.refutes(last[:, 1], last[:, 0], why="the bounds exchanged")


@pytest.mark.verifies(
    "eq-comparing-generative-models-noise", routes=("quadrature on a line", "closed form")
)
def test_noise_costs_the_logarithm_of_its_share(verify):
    """Triangles of data, and noise that lies beside them."""
    for share in (0.3, 0.01):

        def p(x):
            return max(0.0, 1 - abs(x))

        def q(x, share=share):
            return share * p(x) + (1 - share) * (0.5 if 2 < x < 4 else 0)

        divergence = integrate.quad(
            lambda x, q=q: p(x) * np.log(p(x) / q(x)) if p(x) else 0, -1, 1, points=[0]
        )[0]
        overlap = integrate.quad(lambda x, q=q: min(p(x), q(x)), -2, 5, points=[-1, 0, 1, 2, 4])[0]
        verify.agree([divergence, overlap], [-np.log(share), share], rtol=1e-8)
        verify.refutes([divergence, overlap], [np.log(share), share], why="sign")
        verify.refutes([divergence, overlap], [-np.log(1 - share), share], why="other")
        verify.refutes([divergence, overlap], [-np.log(share), 1 - share], why="TV")


@pytest.mark.verifies(
    "eq-comparing-generative-models-hole", routes=("quadrature of two densities", "closed forms")
)
def test_a_hole_costs_nats_and_no_samples(verify):
    """An exponential law with a hole at its tail; the density is integrated, not the formula."""
    for delta, a in ((0.2, 1.5), (0.01, 400.0)):
        edge = -np.log(delta)
        lifted = (1 - delta * np.exp(-a)) / (1 - delta)

        def log_q(x, edge=edge, a=a, lifted=lifted):
            return -x + (-a if x > edge else np.log(lifted))

        pieces = ((0, edge), (edge, edge + 60))
        mass = sum(integrate.quad(lambda x, f=log_q: np.exp(f(x)), *ends)[0] for ends in pieces)
        tv = sum(
            integrate.quad(lambda x, f=log_q: abs(np.exp(-x) - np.exp(f(x))) / 2, *ends)[0]
            for ends in pieces
        )
        divergence = sum(
            integrate.quad(lambda x, f=log_q: np.exp(-x) * (-x - f(x)), *ends)[0] for ends in pieces
        )
        formula = delta * a - (1 - delta) * np.log(lifted)
        right = [1, delta * (1 - np.exp(-a)), formula]
        verify.agree([mass, tv, divergence], right, rtol=1e-8)
        wrong = [1, delta * (1 - np.exp(-a)), delta * a + (1 - delta) * np.log(lifted)]
        verify.refutes([mass, tv, divergence], wrong, why="sign of the second term")
        verify.refutes([mass, 2 * tv, divergence], right, why="factor 2")
        verify.refutes([mass, tv, divergence / delta], right, why="factor delta")
        verify.at_most(delta * a + (1 - delta) * np.log(1 - delta), divergence)
        verify.refutes(
            delta * a - (1 - delta) * np.log(1 - delta),
            divergence,
            why="sign of the bound",
        )


@pytest.mark.verifies(
    "eq-comparing-generative-models-many",
    routes=("all sequences of outcomes, enumerated", "the variation of one sample"),
)
def test_many_samples_see_little_more(verify):
    """Products of two laws; for a small variation the bound is nearly reached."""
    cases = (
        ("far", [0.5, 0.3, 0.2], [0.2, 0.3, 0.5], 4),
        ("hole", [0.999, 0.0006, 0.0004], [1.0, 0.0, 0.0], 5),
    )
    for name, p, q, m in cases:
        p, q = np.array(p), np.array(q)
        sequences = [list(s) for s in itertools.product(range(3), repeat=m)]
        joint = sum(abs(np.prod(p[s]) - np.prod(q[s])) for s in sequences) / 2
        verify.at_most(joint, m * variation(p, q))
        if name == "hole":
            verify.refutes(joint, variation(p, q), why="without the factor m")
            verify.refutes(joint, np.sqrt(m) * variation(p, q), why="a root of m")
            verify.refutes(joint, m * variation(p, q) / 2, why="factor 2")


# Two moments.


@pytest.mark.verifies(
    "eq-comparing-generative-models-simplex",
    routes=("moments of the points", "the moments asked for, and the Frechet distance"),
)
def test_a_simplex_has_any_two_moments(verify):
    """The corners have mean and covariance as wanted; fewer points have too little rank."""
    rng = np.random.default_rng(0)
    d = 5
    A = rng.standard_normal((d, d))
    S, mean = A @ A.T, rng.standard_normal(d)
    Q = np.linalg.qr(np.column_stack([np.ones(d + 1), rng.standard_normal((d + 1, d))]))[0][:, 1:]
    nu, U = np.linalg.eigh(S)
    root = (U * np.sqrt(nu)) @ U.T
    points = mean + np.sqrt(d + 1) * Q @ root
    verify.agree(points.mean(axis=0), mean, atol=1e-12)
    verify.refutes((points + 0.01).mean(axis=0), mean, why="a shift")
    covariance = np.cov(points.T, ddof=0)
    verify.agree(covariance, S, atol=1e-11)
    verify.refutes(np.cov(points.T), S, why="n for n - 1")
    verify.refutes(covariance / (d + 1), S, why="factor d + 1")
    verify.refutes(np.cov((mean + np.sqrt(d + 1) * Q @ S).T, ddof=0), S, why="no root of S")
    other = mean + np.sqrt(d + 1) * np.linalg.qr(rng.standard_normal((d + 1, d)))[0] @ root
    verify.refutes(np.cov(other.T, ddof=0), S, why="columns not orthogonal to the ones")
    # Distance of the corners from a sample that has these moments.
    sample = rng.standard_normal((40, d))
    sample = (sample - sample.mean(axis=0)) @ np.linalg.inv(np.linalg.cholesky(np.cov(sample.T))).T
    sample = mean + sample @ root
    verify.agree(weighted_frechet(points, sample), 0.0, atol=1e-10)
    wider = mean + np.sqrt(1.2) * (points - mean)
    verify.refutes(weighted_frechet(wider, sample), 0.0, why="divisor n - 1")
    verify.refutes(weighted_frechet(points[:-1], sample), 0.0, why="a point less")


# Copies.


@pytest.mark.verifies(
    "eq-comparing-generative-models-copies",
    routes=("all training sets and draws, enumerated in fractions", "the birthday bound"),
)
def test_copies_in_the_dark(verify):
    """A coin with the probability 1/3, training sets of 4 and 5, two and three draws."""
    p = {1: Fraction(1, 3), 0: Fraction(2, 3)}
    for n, m in ((4, 2), (5, 3)):
        law = dict.fromkeys(itertools.product((0, 1), repeat=m), Fraction(0))
        for data in itertools.product((0, 1), repeat=n):
            weight = math.prod(p[x] for x in data)
            for draws in itertools.product(range(n), repeat=m):
                law[tuple(data[i] for i in draws)] += weight / n**m
        tv = sum(abs(law[s] - math.prod(p[x] for x in s)) for s in law) / 2
        bound = m * (m - 1) / (2 * n)
        verify.at_most(float(tv), bound)
        verify.refutes(float(tv), bound / (2 * m), why="factor 2 m")
        verify.refutes(float(tv), m * (m - 1) / (2 * n**2), why="factor n")
    # For a law without atoms repetitions are all that is seen, and the bound is nearly reached.
    n, m = 1000, 10
    distinct = math.prod(1 - j / n for j in range(m))
    verify.at_most(1 - distinct, m * (m - 1) / (2 * n))
    verify.refutes(1 - distinct, m * (m - 1) / (4 * n), why="factor 2")
    verify.refutes(1 - distinct, m / n, why="m for its square")


# One flow.


SCHEDULES = {
    "straight": (lambda t: 1 - t, lambda t: t),
    "circle": (lambda t: np.cos(np.pi * t / 2), lambda t: np.sin(np.pi * t / 2)),
    "exploding": (lambda t: 1.0, lambda t: 3 * t**2),
}
ATOMS, WEIGHTS = np.array([-1.0, 0.3, 2.0]), np.array([0.3, 0.5, 0.2])


def posterior(x, gamma, sigma):
    """E[x0 | gamma x0 + sigma z = x] for three atoms."""
    log = np.log(WEIGHTS) - (x - gamma * ATOMS) ** 2 / (2 * sigma**2)
    w = np.exp(log - log.max())
    return w @ ATOMS / w.sum()


def rate(function, t, h=1e-6):
    return (function(t + h) - function(t - h)) / (2 * h)


@pytest.mark.verifies(
    "eq-comparing-generative-models-one-flow",
    routes=("velocities of three schedules, integrated in time", "one equation in the ratio"),
)
def test_one_flow_for_all_schedules(verify):
    """From one y at one ratio all schedules arrive at the same y at another."""
    start, ends = 1.7, (1.5, 0.2)
    solved = integrate.solve_ivp(
        lambda r, y: (y - posterior(y[0], 1, r)) / r, ends, [start], rtol=1e-10, atol=1e-12
    ).y[0, -1]
    for name, (gamma, sigma) in SCHEDULES.items():

        def velocity(t, x, gamma=gamma, sigma=sigma):
            D = posterior(x[0], gamma(t), sigma(t))
            z = (x[0] - gamma(t) * D) / sigma(t)
            return [rate(gamma, t) * D + rate(sigma, t) * z]

        times = [
            optimize.brentq(lambda t, r=r, g=gamma, s=sigma: s(t) - r * g(t), 1e-3, 0.999)
            for r in ends
        ]
        path = integrate.solve_ivp(
            velocity, times, [start * gamma(times[0])], rtol=1e-9, atol=1e-11
        )
        arrived = path.y[0, -1] / gamma(times[1])
        verify.agree(arrived, solved, atol=1e-6)
        if name == "straight":
            verify.refutes(path.y[0, -1], solved, why="x for y")
            wrong = integrate.solve_ivp(
                lambda r, y: y - posterior(y[0], 1, r), ends, [start], rtol=1e-9
            ).y[0, -1]
            verify.refutes(arrived, wrong, why="factor 1/r")
            wrong = integrate.solve_ivp(
                lambda r, y: (y - posterior(y[0], 1, r)) / (2 * r), ends, [start], rtol=1e-9
            ).y[0, -1]
            verify.refutes(arrived, wrong, why="factor 2: half of the velocity")


@pytest.mark.verifies(
    "eq-comparing-generative-models-one-flow-time",
    routes=("the mean velocity of a sample, regressed in a bin", "closed form"),
)
def test_the_flow_in_time(verify):
    """In sympy the three forms agree for any schedule; the velocity's mean is Bayes's."""
    t, D, x = sympy.symbols("t D x")
    g, s = sympy.Function("g")(t), sympy.Function("s")(t)
    v = g.diff(t) * D + s.diff(t) * (x - g * D) / s
    y, r = x / g, s / g
    left = v / g - g.diff(t) / g * y
    verify.identical(left, r.diff(t) / r * (y - D))
    verify.refutes(left, -r.diff(t) / r * (y - D), why="sign")
    verify.refutes(left, s.diff(t) / s * (y - D), why="the rate of sigma alone")
    verify.refutes(v / g, r.diff(t) / r * (y - D), why="without the change of scale")
    # At one time of the circle, by quadrature over z for each atom near one state.
    gamma, sigma = (f(0.4) for f in SCHEDULES["circle"])
    dg, ds = (rate(f, 0.4) for f in SCHEDULES["circle"])
    at = 0.9
    z = (at - gamma * ATOMS) / sigma
    weights = WEIGHTS * stats.norm.pdf(z)
    mean = weights @ (dg * ATOMS + ds * z) / weights.sum()
    by = at / gamma
    formula = gamma * ((ds / sigma - dg / gamma) * (by - posterior(at, gamma, sigma)))
    verify.agree(mean - dg / gamma * at, formula, rtol=1e-8)
    verify.refutes(mean, formula, why="without the change of scale, in numbers")


# The magnet.


@pytest.fixture(scope="module")
def small():
    """All states of 4 x 4 spins with their probabilities."""
    spins = all_states(4)
    weights = np.exp(-energy(spins) / TAU)
    return spins, weights / weights.sum(), weights.sum()


@pytest.mark.verifies(
    "eq-comparing-generative-models-transfer",
    routes=("a product of matrices", "the sum over all 65,536 states"),
)
def test_rows_one_after_the_other(verify, small):
    _, _, Z = small
    T = transfer_matrix(4, TAU)
    trace = np.trace(np.linalg.matrix_power(T, 4))
    verify.agree(trace, Z, rtol=1e-11)
    rows = 2 * (np.arange(16)[:, np.newaxis] >> np.arange(4) & 1) - 1
    within = np.sum(rows * np.roll(rows, 1, axis=1), axis=1)
    K = 1 / TAU
    once = np.exp(K * (rows @ rows.T + np.add.outer(within, within)))
    none = np.exp(K * (rows @ rows.T))
    wrong = np.exp(TAU * (rows @ rows.T + np.add.outer(within, within) / 2))

    def power(M, n=4):
        return np.trace(np.linalg.matrix_power(M, n))

    verify.refutes(power(once), Z, why="factor 2: bonds of a row counted twice")
    verify.refutes(power(none), Z, why="without the bonds of a row")
    verify.refutes(power(wrong), Z, why="tau for its inverse")
    verify.refutes(power(T, 3), Z, why="a row less")


@pytest.mark.verifies(
    "eq-comparing-generative-models-trace",
    routes=("traces with matrices of a row's function", "means over all states"),
)
def test_averages_of_two_rows(verify, small):
    spins, p, _ = small
    T = transfer_matrix(4, TAU)
    rows = 2 * (np.arange(16)[:, np.newaxis] >> np.arange(4) & 1) - 1
    f = rows[:, 0] * rows[:, 1] + 0.3 * rows[:, 0]
    g = np.abs(rows.sum(axis=1)) + 0.1 * rows[:, 2]
    of_states = {
        "f": spins[:, 0, 0] * spins[:, 0, 1] + 0.3 * spins[:, 0, 0],
        "g": np.abs(spins.sum(axis=2)) + 0.1 * spins[:, :, 2],
    }
    power = np.linalg.matrix_power
    Z = np.trace(power(T, 4))
    for r in (1, 2):
        by_trace = np.trace(np.diag(f) @ power(T, r) @ np.diag(g) @ power(T, 4 - r)) / Z
        by_states = p @ (of_states["f"] * of_states["g"][:, r])
        verify.agree(by_trace, by_states, rtol=1e-11)
        missing = np.trace(np.diag(f) @ power(T, r) @ np.diag(g)) / Z
        verify.refutes(missing, by_states, why="open at the end")
        apart = p @ of_states["f"] * (p @ of_states["g"][:, r])
        verify.refutes(apart, by_states, why="product of means")
        verify.refutes(by_trace * Z, by_states, why="without the partition function")


@pytest.mark.verifies(
    "eq-comparing-generative-models-length",
    routes=("Fourier transforms over all states", "observables, and the transfer matrix"),
)
def test_susceptibility_and_correlation_length(verify, small):
    spins, p, _ = small
    S = p @ np.abs(np.fft.fft2(spins).reshape(len(spins), -1)) ** 2 / 16
    S = S.reshape(4, 4)
    xi = np.sqrt(S[0, 0] / S[0, 1] - 1) / (2 * np.sin(np.pi / 4))
    found = exact_torus(4, TAU)
    verify.agree([S[0, 0] / TAU, xi], [found.susceptibility, found.length], rtol=1e-10)
    right = [found.susceptibility, found.length]
    verify.refutes([S[0, 0] / TAU**2, xi], right, why="the temperature squared")
    verify.refutes([S[0, 0] / TAU, 2 * xi], right, why="factor 2")
    whole = xi * np.sin(np.pi / 4) / np.sin(np.pi / 2)
    verify.refutes([S[0, 0] / TAU, whole], right, why="the whole wave number")
    verify.refutes([S[0, 0] / TAU / 16, xi], right, why="factor N")
    verify.agree(found.susceptibility, exact_enumeration(4, TAU).susceptibility, rtol=1e-10)
    verify.refutes(
        found.susceptibility, exact_enumeration(4, 1.01 * TAU).susceptibility, why="temperature"
    )
    # A field with the assumed structure factor has the length that was put in.
    L, length = 12, 2.4
    k = 2 * np.pi * np.arange(L) / L
    lattice = 4 * np.sin(k[:, np.newaxis] / 2) ** 2 + 4 * np.sin(k / 2) ** 2
    S = 1 / (length**-2 + lattice)
    read = np.sqrt(S[0, 0] / S[0, 1] - 1) / (2 * np.sin(np.pi / L))
    verify.agree(read, length, rtol=1e-12)
    verify.refutes(read**2, length, why="the square")
    # And the library reads it off configurations in the same way.
    some = spins[::97]
    waves = np.mean(np.abs(np.fft.fft2(some)) ** 2, axis=0)
    first = (waves[0, 1] + waves[1, 0]) / 2
    by_hand = np.sqrt(waves[0, 0] / first - 1) / (2 * np.sin(np.pi / 4))
    verify.agree(by_hand, float(observables(some, TAU).length), rtol=1e-10)
    verify.refutes(by_hand / np.sqrt(2), float(observables(some, TAU).length), why="root of two")


@pytest.mark.verifies(
    "eq-comparing-generative-models-independent",
    routes=("the binomial law, in sympy's polynomials", "drawn configurations"),
)
def test_independent_spins(verify):
    """Moments of the mean of N spins of mean plus or minus m, exactly and by draws."""
    N, m = 9, Fraction(3, 5)
    up = [math.comb(N, k) * ((1 + m) / 2) ** k * ((1 - m) / 2) ** (N - k) for k in range(N + 1)]
    second = sum(p * Fraction(2 * k - N, N) ** 2 for k, p in enumerate(up))
    verify.agree(float(N * second), float(1 + (N - 1) * m**2), rtol=1e-14)
    verify.refutes(float(N * second), float(N * m**2), why="without the diagonal")
    verify.refutes(float(N * second), float(1 + N * m**2), why="N for N - 1")
    verify.refutes(float(second), float(1 + (N - 1) * m**2), why="factor N")
    wanted = 0.4
    spins = independent_spins(20_000, 4, wanted, seed=0)
    mean_square = (16 * wanted - 1) / 15
    found = [np.mean(magnetisation(spins) ** 2), np.mean(energy(spins)) / 16]
    verify.agree(found, [wanted, -2 * mean_square], rtol=0.02)
    verify.refutes(found, [wanted, -mean_square], why="factor 2 in the energy")
    verify.refutes(found, [wanted, -2 * wanted], why="the square of m itself")
    verify.refutes(found, [mean_square, -2 * mean_square], why="the squares confused")


@pytest.mark.verifies(
    "eq-comparing-generative-models-callen",
    routes=("means over all states", "means of the hyperbolic tangent over all states"),
)
def test_a_spin_given_the_rest(verify, small):
    spins, p, _ = small
    s = spins[:, 1, 2].astype(float)
    h = spins[:, 0, 2] + spins[:, 2, 2] + spins[:, 1, 1] + spins[:, 1, 3]
    distant = spins[:, 3, 0] * spins[:, 2, 2] * spins[:, 0, 2]
    for f in (h, distant, h**3):
        left, right = p @ (s * f), p @ (np.tanh(h / TAU) * f)
        verify.agree(left, right, rtol=1e-11)
        verify.refutes(left, p @ (np.tanh(2 * h / TAU) * f), why="factor 2")
        verify.refutes(left, -right, why="sign")
        verify.refutes(left, p @ (np.tanh(h * TAU) * f), why="tau for its inverse")
    verify.agree(p @ (s * distant), p @ (np.tanh(h / TAU) * distant), rtol=1e-11)
    verify.refutes(p @ (s * s), p @ (np.tanh(h / TAU) * s), why="f that contains the spin")


@pytest.mark.verifies(
    "eq-comparing-generative-models-thermometer",
    routes=("differences of the cost over all states", "the root that is found"),
)
def test_the_thermometer(verify, small):
    """The derivative of the pseudo-likelihood, its zero, and the reading from copies of states."""
    spins, p, _ = small
    h = sum(np.roll(spins, step, axis) for step in (1, -1) for axis in (1, 2)).astype(float)

    def cost(K, s=spins):
        return p @ np.mean(np.log(2 * np.cosh(K * h)) - K * h * s, axis=(1, 2))

    for K in (0.1, 0.6):
        slope = (cost(K + 1e-5) - cost(K - 1e-5)) / 2e-5
        formula = -(p @ np.mean(h * (spins - np.tanh(K * h)), axis=(1, 2)))
        verify.agree(slope, formula, rtol=1e-7)
        verify.refutes(slope, -formula, why="sign")
        verify.refutes(slope, 16 * formula, why="factor N")
        without = -(p @ np.mean(spins - np.tanh(K * h), axis=(1, 2)))
        verify.refutes(slope, without, why="factor h")
    least = optimize.minimize_scalar(cost, (0.2, 0.5), tol=1e-12).x
    verify.agree(least, 1 / TAU, rtol=1e-6)
    verify.refutes(least, TAU, why="tau for its inverse")
    verify.refutes(least, 1 / (2 * TAU), why="factor 2")
    # Frequencies in whole numbers, so that the library can read them.
    often = np.rint(p * 3e5).astype(int)
    drawn = np.repeat(spins, often, axis=0)
    weights = often / often.sum()
    needle = optimize.brentq(
        lambda K: weights @ np.mean(h * (spins - np.tanh(K * h)), axis=(1, 2)), 0, 2
    )
    verify.agree(thermometer(drawn), needle, rtol=1e-9)
    verify.refutes(1.001 * thermometer(drawn), needle, why="a thousandth")


@pytest.mark.verifies(
    "eq-comparing-generative-models-symmetry",
    routes=("a law on all states of a small magnet, averaged", "the law as it was"),
)
def test_averaging_over_a_symmetry(verify, small):
    """Flips and shifts of a lopsided law: both distances fall, and even observables stay."""
    spins, p, _ = small
    rng = np.random.default_rng(0)
    q = p * np.exp(0.5 * rng.standard_normal(len(p)) + 0.8 * magnetisation(spins))
    q /= q.sum()
    place = 2 ** np.arange(16)

    def index(states):
        return ((states.reshape(len(states), 16) > 0) * place).sum(axis=1)

    group = [
        index(sign * np.roll(spins, (i, j), (1, 2)))
        for sign in (1, -1)
        for i in range(4)
        for j in range(4)
    ]
    averaged = np.mean([q[g] for g in group], axis=0)

    def distances(r):
        return np.array([kl(p, r), np.abs(p - r).sum() / 2])

    verify.at_most(distances(averaged), distances(q))
    verify.refutes(distances(q), distances(averaged), why="the inequality turned round")
    crooked = np.roll(p, 1)
    verify.refutes(
        distances(np.mean([crooked, q], axis=0)) + 0.5,
        distances(q),
        why="an average with something else",
    )
    even = [np.asarray(energy(spins), dtype=float), magnetisation(spins) ** 2]
    verify.agree([averaged @ f for f in even], [q @ f for f in even], rtol=1e-11)
    verify.refutes(
        [averaged @ even[0], averaged @ magnetisation(spins)],
        [q @ even[0], q @ magnetisation(spins)],
        why="an odd observable",
    )
    verify.agree(averaged[group[5]], averaged, rtol=1e-12)
    verify.refutes(q[group[5]], q, why="the law as it was is not symmetric")
