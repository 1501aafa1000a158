"""The numbered equations of the chapter on stochastic dynamics."""

import itertools
from fractions import Fraction

import numpy as np
import pytest
import sympy
from dlmath import sampling, stochastic
from numpy.polynomial.hermite_e import hermegauss
from scipy import integrate, linalg, stats

NODES, WEIGHTS = hermegauss(60)
WEIGHTS = WEIGHTS / WEIGHTS.sum()


def gauss(function):
    """Mean of a function of a standard normal number, by quadrature."""
    return np.sum(WEIGHTS * function(NODES))


# Chains on a few states, where every probability can be written down.


def chain(energy, proposal, accept):
    """Matrix of the chain that proposes, accepts or stays."""
    n = len(energy)
    P = np.zeros((n, n))
    for i, j in itertools.permutations(range(n), 2):
        P[i, j] = proposal[i, j] * accept(i, j)
    return P + np.diag(1 - P.sum(axis=1))


def hastings(energy, proposal):
    def accept(i, j):
        top = np.exp(energy[i] - energy[j]) * proposal[j, i]
        return min(1.0, top / proposal[i, j])

    return chain(energy, proposal, accept)


def invariant(P):
    """Solve for the law that does not change."""
    return (
        linalg.null_space(P.T - np.eye(len(P)))[:, 0]
        / linalg.null_space(P.T - np.eye(len(P)))[:, 0].sum()
    )


@pytest.fixture
def few():
    rng = np.random.default_rng(3)
    energy, proposal = rng.normal(size=5), rng.uniform(0.2, 1, size=(5, 5))
    return energy, proposal / proposal.sum(axis=1, keepdims=True), rng.normal(size=(2, 5))


@pytest.mark.verifies(
    "eq-stochastic-dynamics-target",
    "eq-stochastic-dynamics-balance",
    "eq-stochastic-dynamics-metropolis",
    "eq-stochastic-dynamics-flow",
    routes=("null space of P - I", "sums over all pairs of states"),
)
def test_metropolis(verify, few):
    """On five states with a lopsided proposal the chain keeps the density, and is balanced."""
    energy, r, (f, g) = few
    Z = np.exp(-energy).sum()
    pi = np.exp(-energy) / Z
    P = hastings(energy, r)
    verify.agree(invariant(P), pi, rtol=1e-12)
    plain = chain(energy, r, lambda i, j: min(1.0, np.exp(energy[i] - energy[j])))
    verify.refutes(invariant(plain), pi, why="ratio of the proposals forgotten")
    upside = chain(energy, r, lambda i, j: min(1.0, np.exp(energy[j] - energy[i])))
    verify.refutes(invariant(upside), pi, why="sign of the energy")
    turned = chain(
        energy,
        r,
        lambda i, j: min(1.0, np.exp(energy[i] - energy[j]) * r[i, j] / r[j, i]),
    )
    verify.refutes(invariant(turned), pi, why="proposals exchanged")
    verify.refutes(invariant(P), np.exp(-energy), why="partition function forgotten")

    verify.agree(pi * g @ (P @ f), pi * f @ (P @ g), rtol=1e-12)
    Q = hastings(energy, r[::-1, ::-1] / r[::-1, ::-1].sum(axis=1, keepdims=True))
    verify.refutes(pi * g @ (P @ Q @ f), pi * f @ (P @ Q @ g), why="product of balanced steps")
    verify.agree(pi @ (P @ Q @ f), pi @ f, rtol=1e-12)
    verify.refutes(pi @ (P.T @ f), pi @ f, why="transpose")

    flow = np.minimum(pi[:, None] * r, (pi[:, None] * r).T)
    off = ~np.eye(5, dtype=bool)
    verify.agree((pi[:, None] * P)[off], flow[off], rtol=1e-12)
    verify.refutes((pi[:, None] * P)[off], np.maximum(flow, pi[:, None] * r)[off], why="larger one")


@pytest.mark.verifies(
    "eq-stochastic-dynamics-kernel", routes=("quadrature", "dlmath.sampling.metropolis")
)
def test_kernel(verify):
    """The mean of a function after one step, by quadrature and over a million walkers."""
    x, scale, count = 1.3, 1.1, 1_000_000

    def moved(power):
        def density(y):
            return stats.norm.pdf(y, x, scale) * np.minimum(1, np.exp((x**2 - y**2) / 2))

        go = integrate.quad(lambda y: density(y) * y**power, -9, 9, points=[-x, x])[0]
        stay = 1 - integrate.quad(density, -9, 9, points=[-x, x])[0]
        return go + stay * x**power, go

    walk = sampling.metropolis(
        lambda at: -(at[:, 0] ** 2) / 2, np.full((count, 1), x), scale, 1, np.random.default_rng(2)
    ).samples[:, 0, 0]
    for power in (1, 2):
        values = walk**power
        verify.agree(values.mean(), moved(power)[0], atol=4 * values.std() / np.sqrt(count))
        verify.refutes(values.mean(), moved(power)[1], why="steps that stay are not counted")
        verify.refutes(values.mean(), x**power, why="no step")


@pytest.mark.verifies(
    "eq-stochastic-dynamics-gibbs",
    "eq-stochastic-dynamics-gibbs-correlation",
    routes=("scipy.linalg.solve_discrete_lyapunov", "closed form"),
)
def test_gibbs(verify):
    """A sweep is a linear map with noise: its stationary covariance and memory, exactly."""
    rho = 0.7

    def stationary(width, newest=True, slope=rho):
        if newest:
            A = np.array([[0, slope], [0, slope**2]])
            noise = width * np.array([[1, 0], [slope, 1]])
        else:
            A, noise = slope * np.array([[0, 1], [1, 0]]), width * np.eye(2)
        return A, linalg.solve_discrete_lyapunov(A, noise @ noise.T)

    wanted, width = np.array([[1, rho], [rho, 1]]), np.sqrt(1 - rho**2)
    A, S = stationary(width)
    verify.agree(S, wanted, atol=1e-14)
    verify.refutes(stationary(width**2)[1], wanted, why="variance in the place of its root")
    verify.refutes(stationary(width, newest=False)[1], wanted, why="both at once")
    verify.refutes(stationary(width, slope=-rho)[1], wanted, why="sign of rho")

    lags = np.arange(6)
    memory = np.array([(np.linalg.matrix_power(A, k) @ S)[1, 1] for k in lags])
    verify.agree(memory, rho ** (2 * lags), atol=1e-14)
    verify.refutes(memory, rho ** (1.0 * lags), why="rho for its square")


@pytest.mark.verifies(
    "eq-stochastic-dynamics-mean-variance",
    "eq-stochastic-dynamics-effective",
    routes=("covariance matrix", "dlmath.sampling.effective_sample_size", "geometric series"),
)
def test_effective_sample_size(verify):
    """Sum all covariances of a series with known memory, short and long."""
    r, n = 0.8, 9
    C = linalg.toeplitz(r ** np.arange(n))
    k = np.arange(1, n)
    short = n * C.sum() / n**2
    verify.agree(short, 1 + 2 * np.sum((1 - k / n) * r**k), rtol=1e-13)
    verify.refutes(short, 1 + 2 * np.sum(r**k), why="pairs at a distance counted n times")
    verify.refutes(short, 1 + np.sum((1 - k / n) * r**k), why="factor 2")

    many = 4_000_000
    j = np.arange(1, 400)
    tau = 0.5 + r / (1 - r)
    verify.agree(1 + 2 * np.sum((1 - j / many) * r**j), 2 * tau, rtol=1e-5)
    verify.refutes(1 + 2 * np.sum((1 - j / many) * r**j), 2 * tau - 1, why="half forgotten in tau")

    rng, series = np.random.default_rng(4), np.empty((50, 8000))
    series[:, 0] = rng.standard_normal(50)
    for step in range(1, 8000):
        series[:, step] = r * series[:, step - 1] + 0.6 * rng.standard_normal(50)
    share = sampling.effective_sample_size(series) / series.size
    verify.agree(share, 1 / (2 * tau), rtol=0.08)
    verify.refutes(share, 1 / tau, why="factor 2 before tau")
    verify.refutes(share, 1.0, why="every draw counted")


# Langevin's equation.


def quartic(x):
    return np.sum(x**4, axis=1) / 4 + x[:, 0] * x[:, 1] + np.sum(x**2, axis=1)


def quartic_gradient(x):
    return x**3 + x[:, ::-1] + 2 * x


def logs(y, centre, variance):
    return stats.norm.logpdf(y, centre, np.sqrt(variance)).sum(axis=1)


@pytest.mark.verifies(
    "eq-stochastic-dynamics-proposal",
    "eq-stochastic-dynamics-ratio",
    "eq-stochastic-dynamics-mala",
    routes=("scipy.stats.norm", "dlmath.sampling.langevin_log_acceptance"),
)
def test_acceptance_of_langevin(verify):
    """The ratio of densities and of proposals, for any drift and for the slope of the density."""
    rng = np.random.default_rng(5)
    x, eta = rng.normal(size=(20, 2)), 0.3

    def both(drift):
        y = x + eta / 2 * drift(x) + np.sqrt(eta) * rng.normal(size=x.shape)
        way = logs(y, x + eta / 2 * drift(x), eta)
        back = logs(x, y + eta / 2 * drift(y), eta)
        return y, quartic(x) - quartic(y) + back - way

    def formula(y, a, line=0.5, squares=0.125, sign=1.0):
        rest = np.sum(a(x) ** 2 - a(y) ** 2, axis=1)
        trapezium = np.sum((y - x) * (a(x) + a(y)), axis=1)
        return sign * (quartic(x) - quartic(y)) - line * trapezium + squares * eta * rest

    def drift(x):
        return np.sin(x) - x[:, ::-1]

    y, direct = both(drift)
    verify.agree(formula(y, drift), direct, atol=1e-12)
    verify.refutes(formula(y, drift, line=1.0), direct, why="factor 2 of the trapezium rule")
    verify.refutes(formula(y, drift, squares=0.25), direct, why="eta/4 for eta/8")
    verify.refutes(formula(y, drift, squares=-0.125), direct, why="sign of the squares")
    verify.refutes(formula(y, drift, sign=-1.0), direct, why="sign of the energies")

    y, direct = both(lambda x: -quartic_gradient(x))
    heights, scores = [[-quartic(x), -quartic(y)], [-quartic_gradient(x), -quartic_gradient(y)]]
    found = sampling.langevin_log_acceptance(x, y, heights, scores, eta)
    verify.agree(found, direct, atol=1e-12)
    verify.refutes(quartic(x) - quartic(y), direct, why="proposal taken as symmetric")
    without = found - eta / 8 * np.sum(scores[0] ** 2 - scores[1] ** 2, axis=1)
    verify.refutes(without, direct, why="squares of the gradients forgotten")

    # On a Gaussian with h = 1 only the squares remain.
    gaussian = sampling.langevin_log_acceptance(
        x, y, [-np.sum(at**2, axis=1) / 2 for at in (x, y)], [-x, -y], eta
    )
    only = eta / 8 * np.sum(x**2 - y**2, axis=1)
    verify.agree(gaussian, only, atol=1e-13)
    verify.refutes(gaussian, -only, why="sign on the Gaussian")


@pytest.mark.verifies(
    "eq-stochastic-dynamics-drift", routes=("small steps", "derivative of the energy")
)
def test_drift(verify):
    """Only half the score leaves a ratio of the order of eta to the power 3/2."""
    rng = np.random.default_rng(6)
    x, u = rng.normal(size=(12, 2)), rng.normal(size=(12, 2))

    def ratio(eta, factor):
        def a(x):
            return factor * quartic_gradient(x)

        y = x + np.sqrt(eta) * u
        rest = logs(x, y + eta / 2 * a(y), eta) - logs(y, x + eta / 2 * a(x), eta)
        return quartic(x) - quartic(y) + rest

    def order(factor):
        sizes = [np.abs(ratio(eta, factor)).mean() for eta in (4e-4, 1e-4)]
        return np.log(sizes[0] / sizes[1]) / np.log(4)

    verify.agree(order(-1.0), 1.5, atol=0.03)
    verify.refutes(order(1.0), 1.5, why="sign")
    verify.refutes(order(-2.0), 1.5, why="factor 2")
    verify.refutes(order(0.0), 1.5, why="no drift")

    eta = 1e-8
    lowest = ratio(eta, 0.5) / np.sqrt(eta)
    expected = -np.sum(u * 1.5 * quartic_gradient(x), axis=1)
    verify.agree(lowest, expected, rtol=2e-3, atol=2e-3)
    verify.refutes(lowest, expected / 3, why="drift subtracted and not added")


@pytest.mark.verifies(
    "eq-stochastic-dynamics-ula",
    "eq-stochastic-dynamics-bias",
    "eq-stochastic-dynamics-langevin",
    "eq-stochastic-dynamics-euler",
    routes=(
        "fixed point in fractions",
        "dlmath.sampling.ula",
        "dlmath.stochastic.euler_maruyama",
        "scipy.linalg.solve_discrete_lyapunov",
    ),
)
def test_bias_of_unadjusted_langevin(verify):
    """The stationary variance is too large by 1/(1 - eta h/4), and the walk is Euler's."""
    for h, eta in ((Fraction(1), Fraction(1, 10)), (Fraction(3), Fraction(1, 2))):
        q = 1 - eta * h / 2
        variance = eta / (1 - q**2)
        claimed = 1 / h / (1 - eta * h / 4)
        assert q**2 * claimed + eta == claimed
        assert variance == claimed
    table = np.array([0.1, 0.5, 1.0])
    found = [
        linalg.solve_discrete_lyapunov(np.array([[1 - e / 2]]), np.array([[e]]))[0, 0]
        for e in table
    ]
    verify.agree(found, 1 / (1 - table / 4), rtol=1e-14)
    verify.agree(found, [1.0256, 1.1429, 1.3333], atol=5e-5)
    verify.refutes(1 / (1 - table / 2), found, why="factor 2 of the step")
    verify.refutes(1 / (1 + table / 4), found, why="sign")
    verify.refutes(np.ones(3), found, why="no bias")

    H, eta = np.array([[2.0, 0.6], [0.6, 1.0]]), 0.4
    step = np.eye(2) - eta / 2 * H
    S = linalg.solve_discrete_lyapunov(step, eta * np.eye(2))
    verify.agree(S, np.linalg.inv(H - eta / 4 * H @ H), rtol=1e-13)
    verify.refutes(S, np.linalg.inv(H - eta / 4 * H**2), why="entries squared")

    x0 = np.random.default_rng(1).normal(size=(3, 2))
    walked = sampling.ula(lambda x: -quartic_gradient(x), x0, 0.05, 6, np.random.default_rng(8))

    def euler(half=0.5, noise=1.0):
        return stochastic.euler_maruyama(
            lambda x, t: -half * quartic_gradient(x),
            lambda x, t: noise,
            x0,
            0.05 * np.arange(7),
            np.random.default_rng(8),
        )[1:].transpose(1, 0, 2)

    verify.agree(walked, euler(), atol=1e-13)
    verify.refutes(walked, euler(half=1.0), why="half of the drift forgotten")
    verify.refutes(walked, euler(noise=np.sqrt(2)), why="noise of the other time unit")
    noise = np.random.default_rng(8).standard_normal((3, 2))
    by_hand = x0 - 0.025 * quartic_gradient(x0) + np.sqrt(0.05) * noise
    verify.agree(walked[:, 0], by_hand, atol=1e-14)
    verify.refutes(walked[:, 0], 2 * x0 - by_hand, why="uphill")


@pytest.mark.verifies(
    "eq-stochastic-dynamics-escape", routes=("steps without noise", "closed form")
)
def test_escape(verify):
    """A step on the quartic energy leads outwards exactly beyond the band."""
    eta = 0.3
    x = np.linspace(-6, 6, 1001)
    outwards = np.abs(x - eta / 2 * x**3) > np.abs(x)
    verify.agree(outwards, x**2 > 4 / eta, atol=0.5)
    verify.refutes(outwards, x**2 > 2 / eta, why="factor 2")
    verify.refutes(outwards, x**2 < 4 / eta, why="sign")


@pytest.mark.verifies(
    "eq-stochastic-dynamics-r-hat", routes=("dlmath.sampling.r_hat", "sums of squares")
)
def test_r_hat(verify):
    """Within and between, from the sums of squares themselves."""
    chains = np.random.default_rng(9).normal(size=(3, 8)) + np.array([[0], [1.0], [-0.5]])
    m, n = chains.shape
    means = [sum(row) / n for row in chains]
    within = sum((v - c) ** 2 for row, c in zip(chains, means, strict=True) for v in row)
    within /= m * (n - 1)
    between = sum((c - sum(means) / m) ** 2 for c in means) / (m - 1)
    found = sampling.r_hat(chains)
    verify.agree(found, np.sqrt((n - 1) / n + between / within), rtol=1e-13)
    verify.refutes(found, (n - 1) / n + between / within, why="root forgotten")
    verify.refutes(found, np.sqrt((n - 1) / n + n * between / within), why="factor n")


# Brownian motion and Ito's formula.


@pytest.mark.verifies(
    "eq-stochastic-dynamics-brownian",
    "eq-stochastic-dynamics-quadratic",
    routes=("Gauss-Hermite quadrature", "dlmath.stochastic.brownian_paths"),
)
def test_quadratic_variation(verify):
    """Mean and variance of the sum of squares, from fourth moments and from paths."""
    gaps = np.array([0.1, 0.3, 0.25, 0.6, 0.05])
    t = gaps.sum()
    means = np.array([gauss(lambda z, d=d: d * z**2) for d in gaps])
    variances = np.array([gauss(lambda z, d=d: (d * z**2 - d) ** 2) for d in gaps])
    verify.agree([means.sum(), variances.sum()], [t, 2 * np.sum(gaps**2)], rtol=1e-12)
    verify.refutes([means.sum(), variances.sum()], [t, np.sum(gaps**2)], why="factor 2")
    verify.refutes([means.sum(), variances.sum()], [t, 3 * np.sum(gaps**2)], why="mean squared")
    verify.at_most(2 * np.sum(gaps**2), 2 * t * gaps.max())
    verify.refutes(2 * np.sum(gaps**2), 2 * t * gaps.min(), why="smallest step")

    times = np.cumsum(gaps)
    paths = stochastic.brownian_paths(times, 200_000, np.random.default_rng(10))
    Q = np.sum(np.diff(paths, axis=1, prepend=0) ** 2, axis=1)
    verify.agree([Q.mean(), Q.var()], [t, 2 * np.sum(gaps**2)], atol=0.02)
    verify.refutes([Q.mean(), Q.var()], [t**2, 2 * np.sum(gaps**2)], why="squared")
    covariance = np.minimum.outer(times, times)
    verify.agree(np.cov(paths.T), covariance, atol=0.02)
    verify.refutes(np.cov(paths.T), np.outer(times, times), why="product of the times")
    verify.refutes(np.cov(paths.T), np.diag(times), why="no memory")


@pytest.mark.verifies(
    "eq-stochastic-dynamics-isometry",
    "eq-stochastic-dynamics-square",
    routes=("all paths of a random walk", "telescoping sum"),
)
def test_isometry_and_square(verify):
    """On all 1,024 paths of a walk with ten steps, with an integrand that depends on the past."""
    m, gap = 10, 0.3
    signs = np.array(list(itertools.product([-1.0, 1.0], repeat=m)))
    steps = np.sqrt(gap) * signs
    before = np.cumsum(steps, axis=1) - steps
    f = np.cos(before) + 0.3 * before**2
    integral = np.sum(f * steps, axis=1)
    size = np.sum(np.mean(f**2, axis=0)) * gap
    verify.agree([integral.mean(), np.mean(integral**2)], [0, size], atol=1e-12)
    after = before + steps
    late = np.sum((np.cos(after) + 0.3 * after**2) * steps, axis=1)
    verify.refutes([late.mean(), np.mean(late**2)], [0, size], why="value at the right end")
    verify.refutes([integral.mean(), np.mean(integral**2)], [0, size / gap], why="step forgotten")

    end, Q = steps.sum(axis=1), m * gap
    twice = 2 * np.sum(before * steps, axis=1)
    verify.agree(twice, end**2 - Q, atol=1e-12)
    verify.refutes(twice, end**2, why="ordinary calculus")
    verify.refutes(twice, end**2 - Q / 2, why="factor 2")
    verify.refutes(twice, end**2 + Q, why="sign")
    fine = stochastic.brownian_paths(np.linspace(0, 2, 40_001), 20, np.random.default_rng(3))
    sums = 2 * np.sum(fine[:, :-1] * np.diff(fine, axis=1), axis=1)
    verify.agree(sums, fine[:, -1] ** 2 - 2, atol=0.05)
    verify.refutes(sums, fine[:, -1] ** 2, why="time forgotten")


@pytest.mark.verifies(
    "eq-stochastic-dynamics-process",
    "eq-stochastic-dynamics-ito",
    "eq-stochastic-dynamics-taylor",
    routes=("sums on a fine path", "Gauss-Hermite quadrature"),
)
def test_ito(verify):
    """Both sides along the same paths, and moments of Brownian motion in closed form."""
    n, t = 20_000, 1.0
    times = np.linspace(0, t, n + 1)
    dB = np.diff(stochastic.brownian_paths(times, 30, np.random.default_rng(11)), axis=1).T
    a, b = np.cos(3 * times[:-1])[:, None], 0.8 + 0.4 * np.sin(5 * times[:-1])[:, None]
    moves = a * t / n + b * dB
    X = np.vstack([np.full(30, 0.4), 0.4 + np.cumsum(moves, axis=0)])
    before, change = X[:-1], np.sin(X[-1]) - np.sin(X[0])

    def right(half=0.5, sign=-1.0):
        second = sign * half * np.sin(before) * b**2
        return np.sum((np.cos(before) * a + second) * t / n + np.cos(before) * b * dB, axis=0)

    verify.agree(change, right(), atol=0.03)
    verify.refutes(change, right(half=0.0), why="Ito's term forgotten")
    verify.refutes(change, right(half=1.0), why="factor 2")
    verify.refutes(change, right(sign=1.0), why="sign of the second derivative")

    # Means: the integral against B has none.
    def grown(phi, at):
        return gauss(lambda z: phi(0.4 + np.sqrt(at) * z)) - phi(0.4)

    for phi, second in ((lambda x: x**4, lambda x: 12 * x**2), (np.cos, lambda x: -np.cos(x))):
        half = integrate.quad(lambda at, f=second: gauss(lambda z: f(0.4 + np.sqrt(at) * z)), 0, t)
        verify.agree(grown(phi, t), half[0] / 2, rtol=1e-10)
        verify.refutes(grown(phi, t), half[0], why="half forgotten")

    # Taylor's formula for a cubic, whose intermediate point lies after a third of the step.
    cube = np.sum(3 * before**2 * moves + 3 * (before + moves / 3) * moves**2, axis=0)
    verify.agree(X[-1] ** 3 - X[0] ** 3, cube, atol=1e-11)
    first = np.sum(3 * before**2 * moves, axis=0)
    verify.refutes(X[-1] ** 3 - X[0] ** 3, first, why="second order forgotten")


@pytest.mark.verifies(
    "eq-stochastic-dynamics-geometric", routes=("sympy", "Gauss-Hermite quadrature")
)
def test_geometric(verify):
    """The exponential solves the equation by Ito's formula, and its mean grows at the rate mu."""
    mu, s, t, B = sympy.symbols("mu s t B", positive=True)

    def drift(correction):
        S = sympy.exp((mu - correction) * t + s * B)
        return (sympy.diff(S, t) + sympy.diff(S, B, 2) / 2) / S

    verify.identical(drift(s**2 / 2), mu)
    verify.refutes(drift(0), mu, why="Ito's term forgotten")
    verify.refutes(drift(s**2), mu, why="factor 2")
    rate, size, time = 0.3, 0.7, 1.6

    def grown(half):
        return gauss(lambda z: np.exp((rate - half * size**2) * time + size * np.sqrt(time) * z))

    verify.agree(grown(0.5), np.exp(rate * time), rtol=1e-12)
    verify.refutes(grown(0.0), np.exp(rate * time), why="mean of the wrong solution")
    verify.refutes(grown(-0.5), np.exp(rate * time), why="sign")


@pytest.mark.verifies("eq-stochastic-dynamics-stratonovich", routes=("sympy", "Heun's steps"))
def test_stratonovich(verify):
    """A function g of Brownian motion obeys dX = b(X) o dB with b = g' of the inverse of g."""
    x, y = sympy.symbols("x y", real=True)
    at = np.linspace(-1, 1, 9)
    for g, b in (
        (sympy.sinh(y), sympy.sqrt(1 + x**2)),
        (sympy.exp(2 * y), 2 * x),
        (sympy.tan(y), 1 + x**2),
    ):
        places, slopes, bends = (sympy.lambdify(y, sympy.diff(g, y, k))(at) for k in range(3))
        verify.agree(sympy.lambdify(x, b)(places), slopes, rtol=1e-12)
        drift = sympy.lambdify(x, b * sympy.diff(b, x) / 2)(places)
        verify.agree(bends / 2, drift, rtol=1e-12, atol=1e-13)
        verify.refutes(bends / 2, 2 * drift, why="factor 2")
        verify.refutes(bends / 2, -drift, why="sign")
    # Heun's method for dX = s X o dB multiplies the mean by 1 + s^2 gap / 2 in a step.
    s, n = 0.9, 4000
    step = gauss(lambda z: 1 + s * z / np.sqrt(n) + (s * z) ** 2 / n / 2)
    verify.agree(step**n, np.exp(s**2 / 2), rtol=1e-3)
    verify.refutes(step**n, 1.0, why="read as Ito's")


@pytest.mark.verifies(
    "eq-stochastic-dynamics-ou",
    "eq-stochastic-dynamics-ou-law",
    "eq-stochastic-dynamics-ou-covariance",
    routes=("scipy.integrate.solve_ivp", "fine paths", "dlmath.stochastic.ornstein_uhlenbeck_law"),
)
def test_ornstein_uhlenbeck(verify):
    """Paths, moments and memory of the solution."""
    gamma, b, x0, t = 1.7, 0.8, 1.2, 0.9
    n = 20_000
    times = np.linspace(0, t, n + 1)
    dB = np.diff(stochastic.brownian_paths(times, 10, np.random.default_rng(12)), axis=1).T
    walked = stochastic.euler_maruyama(
        lambda x, s: -gamma * x, lambda x, s: b, np.full(10, x0), times, None, dB
    )[-1]

    def solution(rate=gamma, factor=1.0):
        kernel = np.exp(-rate * (t - times[:-1]))[:, None]
        return np.exp(-rate * t) * x0 + factor * b * np.sum(kernel * dB, axis=0)

    verify.agree(walked, solution(), atol=5e-4)
    verify.refutes(walked, solution(rate=2 * gamma), why="factor 2 of the rate")
    verify.refutes(walked, solution(factor=-1.0), why="sign of the noise")

    ode = integrate.solve_ivp(
        lambda s, m: [-gamma * m[0], -2 * gamma * m[1] + b**2],
        (0, t),
        [x0, 0.0],
        rtol=1e-11,
        atol=1e-13,
    ).y[:, -1]
    mean, variance = stochastic.ornstein_uhlenbeck_law(x0, t, gamma, b)
    verify.agree([mean, variance], ode, rtol=1e-8)
    verify.refutes([mean, 2 * variance], ode, why="factor 2 of the variance")
    slow = b**2 / (2 * gamma) * (1 - np.exp(-gamma * t))
    verify.refutes([mean, slow], ode, why="variance relaxes at twice the rate")
    verify.refutes([x0 * np.exp(gamma * t), variance], ode, why="sign")

    stationary = b**2 / (2 * gamma)
    lags = np.array([0.0, 0.3, 1.1])
    kernel = [
        b**2
        * integrate.quad(lambda s, lag=lag: np.exp(-gamma * s) * np.exp(-gamma * (s + lag)), 0, 40)[
            0
        ]
        for lag in lags
    ]
    verify.agree(kernel, stationary * np.exp(-gamma * lags), rtol=1e-9)
    verify.refutes(kernel, stationary * np.exp(-2 * gamma * lags), why="factor 2 in the memory")
    verify.refutes(kernel, 2 * stationary * np.exp(-gamma * lags), why="stationary variance")


# Orders of the method of Euler and Maruyama.

MU, SIZE, RATE = 0.3, 0.8, 1.3


def strong_geometric(n, T=1.0):
    gap = T / n
    square = np.exp((2 * MU + SIZE**2) * T) + ((1 + MU * gap) ** 2 + SIZE**2 * gap) ** n
    return square - 2 * np.exp(MU * T) * (1 + MU * gap + SIZE**2 * gap) ** n


@pytest.mark.verifies(
    "eq-stochastic-dynamics-strong-geometric",
    "eq-stochastic-dynamics-orders",
    routes=("Gauss-Hermite quadrature", "closed form", "sympy", "paths"),
)
def test_orders_with_multiplicative_noise(verify):
    """Moments of one step by quadrature, the leading term by sympy, and the slopes."""

    def by_quadrature(n, T=1.0):
        gap = T / n

        def euler(z):
            return 1 + MU * gap + SIZE * np.sqrt(gap) * z

        def exact(z):
            return np.exp((MU - SIZE**2 / 2) * gap + SIZE * np.sqrt(gap) * z)

        squares = [gauss(f) ** n for f in (lambda z: exact(z) ** 2, lambda z: euler(z) ** 2)]
        return sum(squares) - 2 * gauss(lambda z: exact(z) * euler(z)) ** n

    steps = np.array([1, 2, 5, 20])
    found = [by_quadrature(n) for n in steps]
    verify.agree([strong_geometric(n) for n in steps], found, rtol=1e-10)
    uncorrelated = [
        strong_geometric(n) + 2 * np.exp(MU) * ((1 + MU / n + SIZE**2 / n) ** n - (1 + MU / n) ** n)
        for n in steps
    ]
    verify.refutes(uncorrelated, found, why="correlation of the increments forgotten")

    mu, s, T, gap = sympy.symbols("mu s T Delta", positive=True)
    terms = [
        sympy.exp((2 * mu + s**2) * T),
        sympy.exp(T / gap * sympy.log((1 + mu * gap) ** 2 + s**2 * gap)),
        -2 * sympy.exp(mu * T + T / gap * sympy.log(1 + mu * gap + s**2 * gap)),
    ]
    slope = sum(sympy.series(term, gap, 0, 2).removeO().coeff(gap, 1) for term in terms)
    claimed = s**4 * T / 2 * sympy.exp((2 * mu + s**2) * T)
    verify.identical(slope, claimed)
    verify.refutes(slope, 2 * claimed, why="factor 2")

    def order(error):
        return np.log2(error(2048) / error(4096))

    paths = order(lambda n: np.sqrt(strong_geometric(n)))
    weak = order(lambda n: abs((1 + MU / n) ** n - np.exp(MU)))
    verify.agree([paths, weak], [0.5, 1.0], atol=3e-3)
    verify.refutes([weak, paths], [0.5, 1.0], why="orders exchanged")

    rng, n = np.random.default_rng(13), 8
    dB = rng.standard_normal((n, 200_000)) / np.sqrt(n)
    S = stochastic.euler_maruyama(
        lambda x, t: MU * x, lambda x, t: SIZE * x, np.ones(200_000), np.linspace(0, 1, n + 1),
        rng, dB,
    )[-1]  # fmt: skip
    exact = np.exp(MU - SIZE**2 / 2 + SIZE * dB.sum(axis=0))
    verify.agree(np.mean((S - exact) ** 2), strong_geometric(n), rtol=0.1)
    verify.refutes(np.mean((S - exact) ** 2), strong_geometric(2 * n), why="half the step")


@pytest.mark.verifies(
    "eq-stochastic-dynamics-weak",
    "eq-stochastic-dynamics-strong-additive",
    "eq-stochastic-dynamics-error",
    routes=("linear recursion", "closed form", "scipy.integrate.solve_ivp"),
)
def test_orders_with_additive_noise(verify):
    """Moments of Ornstein and Uhlenbeck's equation and of its steps, without any simulation."""
    b, x0, T = 0.7, 1.4, 1.0

    def moments(n):
        """Mean of both and their joint covariance, step by step."""
        gap = T / n
        e, q = np.exp(-RATE * gap), 1 - RATE * gap
        A = np.diag([e, q])
        cross = (1 - e) / RATE
        noise = b**2 * np.array([[(1 - e**2) / (2 * RATE), cross], [cross, gap]])
        mean, C = np.full(2, x0), np.zeros((2, 2))
        for _ in range(n):
            mean, C = A @ mean, A @ C @ A + noise
        return mean, C

    def formula(n):
        q = 1 - RATE * T / n
        return [q**n * x0, b**2 / (2 * RATE) * (1 - q ** (2 * n)) / (1 - RATE * T / n / 2)]

    for n in (2, 10):
        mean, C = moments(n)
        verify.agree([mean[1], C[1, 1]], formula(n), rtol=1e-12)
        q = 1 - RATE * T / n
        plain = b**2 / (2 * RATE) * (1 - q ** (2 * n))
        verify.refutes([mean[1], C[1, 1]], [formula(n)[0], plain], why="bias of the step forgotten")
        verify.refutes([mean[1], C[1, 1]], [formula(n)[0], 2 * formula(n)[1]], why="factor 2")

    def errors(n):
        mean, C = moments(n)
        square = (mean[0] - mean[1]) ** 2 + C[0, 0] + C[1, 1] - 2 * C[0, 1]
        return np.array([abs(mean[0] - mean[1]), abs(C[0, 0] - C[1, 1]), np.sqrt(square)])

    slopes = np.log2(errors(512) / errors(1024))
    verify.agree(slopes, [1, 1, 1], atol=5e-3)
    multiplicative = np.log2(strong_geometric(512) / strong_geometric(1024)) / 2
    verify.refutes([*slopes[:2], multiplicative], [1, 1, 1], why="multiplicative noise")

    # The recursion of the error holds on every continuous path: here B = sin 3t.
    gap, q = 0.2, 1 - RATE * 0.2
    grid = gap * np.arange(6)
    path = integrate.solve_ivp(
        lambda t, x: -RATE * x + 3 * b * np.cos(3 * t), (0, 1), [x0], rtol=1e-11, atol=1e-12,
        dense_output=True,
    ).sol  # fmt: skip
    X = np.array([path(t)[0] for t in grid])
    steps = [x0]
    for k in range(5):
        steps.append(q * steps[-1] + b * (np.sin(3 * grid[k + 1]) - np.sin(3 * grid[k])))
    e = X - steps
    drift = np.array(
        [
            integrate.quad(lambda s, k=k: path(s)[0] - X[k], grid[k], grid[k + 1])[0]
            for k in range(5)
        ]
    )
    verify.agree(e[1:], q * e[:-1] - RATE * drift, atol=1e-8)
    verify.refutes(e[1:], q * e[:-1] + RATE * drift, why="sign")
    verify.refutes(e[1:], e[:-1] - RATE * drift, why="factor q forgotten")
    s = grid[2] + 0.13
    inside = integrate.quad(lambda u: path(u)[0], grid[2], s)[0]
    moved = b * (np.sin(3 * s) - np.sin(3 * grid[2])) - RATE * inside
    verify.agree(path(s)[0] - X[2], moved, atol=1e-8)
    verify.refutes(path(s)[0] - X[2], moved + 2 * RATE * inside, why="sign of the drift")


# Densities.

x = sympy.Symbol("x", real=True)


@pytest.mark.verifies(
    "eq-stochastic-dynamics-weak-form",
    "eq-stochastic-dynamics-fokker-planck",
    routes=("sympy", "quadrature of known densities"),
)
def test_fokker_planck(verify):
    """The log-normal density of multiplicative noise solves the equation, and its weak form."""
    mu, s = sympy.Rational(3, 10), sympy.Rational(4, 5)
    y, time = sympy.symbols("y tau", positive=True)
    spread = sympy.log(y) - (mu - s**2 / 2) * time
    p = sympy.exp(-(spread**2) / (2 * s**2 * time)) / (y * s * sympy.sqrt(2 * sympy.pi * time))
    b2 = s**2 * y**2

    def rate(J):
        return -sympy.diff(J, y) / p

    left = sympy.diff(p, time) / p
    drift = mu * y * p
    verify.identical(left, rate(drift - sympy.diff(b2 * p, y) / 2))
    verify.refutes(left, rate(drift - b2 * sympy.diff(p, y) / 2), why="b taken out")
    verify.refutes(left, rate(drift - sympy.diff(b2 * p, y)), why="factor 2")
    verify.refutes(left, rate(-drift - sympy.diff(b2 * p, y) / 2), why="sign of the drift")

    phi = (y - sympy.Rational(3, 10)) ** 4 * (3 - y) ** 4
    density = sympy.lambdify((y, time), p)
    change = sympy.lambdify(y, phi)

    def mean(function, when):
        return integrate.quad(lambda v: function(v) * density(v, when), 0.3, 3, limit=200)[0]

    def generator(half):
        second = half * b2 * sympy.diff(phi, y, 2)
        return sympy.lambdify(y, mu * y * sympy.diff(phi, y) + second)

    def grown(half):
        rates = generator(half)
        return integrate.quad(lambda when: mean(rates, when), 0.4, 0.9, epsrel=1e-8)[0]

    gained = mean(change, 0.9) - mean(change, 0.4)
    verify.agree(gained, grown(0.5), rtol=1e-6)
    verify.refutes(gained, grown(1.0), why="half forgotten")
    verify.refutes(gained, grown(0.0), why="no diffusion")


@pytest.mark.verifies(
    "eq-stochastic-dynamics-langevin-density", routes=("sympy", "Gaussian of Ornstein-Uhlenbeck")
)
def test_langevin_density(verify):
    """Both forms are one for any energy and density, and the known Gaussian solves them."""
    E, p = sympy.Function("E")(x), sympy.Function("p")(x)
    a = -sympy.diff(E, x) / 2
    general = -sympy.Derivative(a * p - sympy.diff(p, x) / 2, x)
    first = sympy.diff(p * sympy.diff(E, x) + sympy.diff(p, x), x) / 2
    second = sympy.Derivative(p * sympy.diff(sympy.log(p) + E, x), x) / 2
    verify.identical(general, first)
    verify.identical(second, first)
    flat = sympy.Derivative(p * sympy.diff(sympy.log(p) - E, x), x) / 2
    verify.refutes(flat, first, why="sign of the energy")
    h, time = sympy.symbols("h tau", positive=True)
    m, V = 2 * sympy.exp(-h * time / 2), (1 - sympy.exp(-h * time)) / h
    g = sympy.exp(-((x - m) ** 2) / (2 * V)) / sympy.sqrt(V)
    flow = sympy.diff(g * h * x + sympy.diff(g, x), x) / 2
    verify.identical(sympy.diff(g, time) / g, flow / g)
    verify.refutes(sympy.diff(g, time) / g, 2 * flow / g, why="factor 2")


def divergences(p, log_target, low=-9.0, high=9.0):
    """Relative entropy and Fisher divergence of a density with its derivative."""

    def entropy(v):
        return p(v)[0] * (np.log(p(v)[0]) - log_target(v))

    def fisher(v):
        h = 1e-5
        score = (log_target(v + h) - log_target(v - h)) / (2 * h)
        return p(v)[0] * (p(v)[1] / p(v)[0] - score) ** 2

    return [integrate.quad(f, low, high, limit=400, epsabs=1e-11)[0] for f in (entropy, fisher)]


def mixture(time, h):
    """Two Gaussians under Ornstein and Uhlenbeck's equation: density and derivative."""
    keep = np.exp(-h * time / 2)
    parts = [(w, keep * m, v * keep**2 + (1 - keep**2) / h) for w, m, v in
             ((0.3, -1.5, 0.2), (0.7, 0.8, 0.5))]  # fmt: skip

    def density(v):
        values = [w * stats.norm.pdf(v, m, np.sqrt(s)) for w, m, s in parts]
        slopes = [-(v - m) / s * d for d, (_, m, s) in zip(values, parts, strict=True)]
        return sum(values), sum(slopes)

    return density


def gaussian_log(h):
    return lambda v: -h * v**2 / 2 + np.log(h / (2 * np.pi)) / 2


@pytest.mark.verifies(
    "eq-stochastic-dynamics-entropy",
    "eq-stochastic-dynamics-by-parts",
    routes=("quadrature at two times", "Fisher divergence", "dlmath.stochastic.fokker_planck"),
)
def test_entropy_falls_at_half_the_fisher_divergence(verify):
    """For a mixture under a linear force, and on a grid with two wells."""
    h, when, step = 1.4, 0.3, 1e-3
    before, after = (divergences(mixture(when + s, h), gaussian_log(h)) for s in (-step, step))
    slope = (after[0] - before[0]) / (2 * step)
    fisher = divergences(mixture(when, h), gaussian_log(h))[1]
    verify.agree(slope, -fisher / 2, rtol=1e-5)
    verify.refutes(slope, -fisher, why="factor 2")
    verify.refutes(slope, fisher / 2, why="sign")

    p = mixture(when, h)

    def flow(v):
        d = 1e-4
        current = [p(u)[0] * h * u + p(u)[1] for u in (v - d, v + d)]
        return (current[1] - current[0]) / (4 * d)

    parts = integrate.quad(
        lambda v: (np.log(p(v)[0]) - gaussian_log(h)(v)) * flow(v), -8, 8, limit=400
    )[0]
    verify.agree(parts, -fisher / 2, rtol=1e-5)
    verify.refutes(parts, fisher / 2, why="sign of the integration by parts")

    grid = np.linspace(-2.2, 2.2, 441)
    energy, width = 2 * (grid**2 - 1) ** 2, grid[1] - grid[0]
    target = np.exp(-energy) / np.exp(-energy).sum() / width
    start = 0.5 * target + 0.5 * stats.norm.pdf(grid, -0.9, 0.3)
    rows = stochastic.fokker_planck(energy, grid, start, [0.0, 0.1, 0.102, 0.104])[1:]
    entropies = np.sum(rows * np.log(rows / target), axis=1) * width
    ratio = np.log(rows[1] / target)
    middle = (rows[1][1:] + rows[1][:-1]) / 2
    measured = np.sum(middle * (np.diff(ratio) / width) ** 2) * width
    slope = (entropies[2] - entropies[0]) / 0.004
    verify.agree(slope, -measured / 2, rtol=2e-3)
    verify.refutes(slope, -measured, why="factor 2 on the grid")


@pytest.mark.verifies(
    "eq-stochastic-dynamics-exponential",
    "eq-stochastic-dynamics-commute",
    routes=("quadrature", "closed form for a shifted Gaussian"),
)
def test_exponential_relaxation(verify):
    """The bounds hold for a mixture, and a shifted Gaussian attains them."""
    h = 1.4
    start = divergences(mixture(0, h), gaussian_log(h))
    for time in (0.2, 1.0):
        entropy, fisher = divergences(mixture(time, h), gaussian_log(h))
        keep = np.exp(-h * time)
        bounds = [keep * start[1], fisher / (2 * h), keep * start[0]]
        verify.at_most([fisher, entropy, entropy], bounds)
    verify.refutes([fisher, entropy, entropy], np.array(bounds) / [9, 9, 9], why="ninth part")

    def shifted(time):
        m = 1.1 * np.exp(-h * time / 2)

        def density(v):
            value = stats.norm.pdf(v, m, np.sqrt(1 / h))
            return value, -(v - m) * h * value

        return np.array(divergences(density, gaussian_log(h)))

    begin, end = shifted(0.0), shifted(0.7)
    verify.agree(end, np.exp(-0.7 * h) * begin, rtol=1e-6)
    verify.refutes(end, np.exp(-0.35 * h) * begin, why="rate of the mean, not of its square")
    verify.refutes(end, np.exp(-1.4 * h) * begin, why="factor 2 in the rate")
    verify.agree(end[0], end[1] / (2 * h), rtol=1e-6)
    verify.refutes(end[0], end[1] / h, why="factor 2 in the inequality")

    time, sigma = 0.5, np.sqrt((1 - np.exp(-0.5 * h)) / h)
    keep, p0, pt, y = np.exp(-time * h / 2), mixture(0, h), mixture(time, h), 0.6
    pi = np.exp(gaussian_log(h)(y))
    derivative = pt(y)[1] / pi + pt(y)[0] * h * y / pi

    def mean(function):
        def integrand(z):
            v = keep * y + sigma * z
            weight = np.exp(gaussian_log(h)(v))
            f, slope = p0(v)[0] / weight, (p0(v)[1] + p0(v)[0] * h * v) / weight
            return stats.norm.pdf(z) * function(f, slope)

        return integrate.quad(integrand, -7, 7, limit=400)[0]

    verify.agree(derivative, keep * mean(lambda f, slope: slope), rtol=1e-7)
    verify.refutes(derivative, mean(lambda f, slope: slope), why="amplitude forgotten")
    ratio = mean(lambda f, slope: slope**2 / f)
    bound = keep**2 * ratio * mean(lambda f, slope: f)
    verify.at_most(derivative**2, bound)
    verify.refutes(derivative**2, keep**2 * mean(lambda f, slope: slope) ** 2 / 2, why="half of it")


@pytest.mark.verifies(
    "eq-stochastic-dynamics-rates",
    routes=("dlmath.stochastic.fokker_planck_generator", "derivatives of test functions"),
)
def test_rates(verify):
    """Balanced on a coarse grid; on a fine one the operator of the equation."""

    def energy(v):
        return 0.5 * v**4 - v**2 + 0.4 * v

    coarse = np.linspace(-2, 2, 9)
    L = stochastic.fokker_planck_generator(energy(coarse), coarse)
    flow = L * np.exp(-energy(coarse))
    verify.agree(flow, flow.T, atol=1e-11)
    uphill = stochastic.fokker_planck_generator(-energy(coarse), coarse)
    wrong = uphill * np.exp(-energy(coarse))
    verify.refutes(wrong, wrong.T, why="sign of the energy")

    def psi(u):
        return u / np.expm1(u)

    gap = coarse[1] - coarse[0]
    climb = np.diff(energy(coarse))
    verify.agree(np.diag(L, -1), psi(climb) / (2 * gap**2), rtol=1e-10)
    verify.refutes(np.diag(L, -1), psi(climb) / gap**2, why="factor 2")
    verify.refutes(np.diag(L, 1), psi(climb) / (2 * gap**2), why="up for down")

    fine = np.linspace(-2, 2, 2001)
    L = stochastic.fokker_planck_generator(energy(fine), fine)
    inside = slice(50, -50)
    slope = 2 * fine**3 - 2 * fine + 0.4
    phi = (L.T @ np.sin(2 * fine))[inside]
    expected = (-slope * np.cos(2 * fine) - 2 * np.sin(2 * fine))[inside]
    verify.agree(phi, expected, atol=1e-3)
    verify.refutes(phi, 2 * expected, why="factor 2 of the time")
    verify.refutes((L @ np.sin(2 * fine))[inside], expected, why="transpose")


# Work.


@pytest.fixture
def protocol():
    """Three energies after the first on four states, with balanced kernels for each."""
    rng = np.random.default_rng(21)
    energies = rng.normal(size=(4, 4)) * 1.5
    proposals = rng.uniform(0.2, 1, size=(3, 4, 4))
    proposals /= proposals.sum(axis=2, keepdims=True)
    kernels = [hastings(e, r) for e, r in zip(energies[1:], proposals, strict=True)]
    return energies, kernels, rng.normal(size=4)


def all_paths(energies, kernels):
    """Probabilities forwards and backwards, work and last state of every path."""
    pi = np.exp(-energies) / np.exp(-energies).sum(axis=1, keepdims=True)
    for path in itertools.product(range(energies.shape[1]), repeat=len(energies)):
        there, back, work = pi[0, path[0]], pi[-1, path[-1]], 0.0
        for k, P in enumerate(kernels, start=1):
            there *= P[path[k - 1], path[k]]
            back *= P[path[k], path[k - 1]]
            work += energies[k, path[k - 1]] - energies[k - 1, path[k - 1]]
        yield there, back, work, path[-1]


@pytest.mark.verifies(
    "eq-stochastic-dynamics-work",
    "eq-stochastic-dynamics-jarzynski",
    "eq-stochastic-dynamics-second-law",
    routes=("enumeration of all paths", "partition functions", "a product of matrices"),
)
def test_jarzynski(verify, protocol):
    """On all 256 paths of three steps, with kernels that need not be in detailed balance."""
    energies, balanced, f = protocol
    kernels = [P @ hastings(e, np.full((4, 4), 0.25)) for P, e in
               zip(balanced, energies[1:], strict=True)]  # fmt: skip
    A, _, W, last = map(np.array, zip(*all_paths(energies, kernels), strict=True))
    last = last.astype(int)
    Z = np.exp(-energies).sum(axis=1)
    ratio, end = Z[-1] / Z[0], np.exp(-energies[-1]) / Z[-1]
    verify.agree(A.sum(), 1.0, rtol=1e-12)
    verify.agree(np.sum(A * np.exp(-W)), ratio, rtol=1e-12)
    verify.refutes(np.sum(A * np.exp(W)), ratio, why="sign of the work")
    verify.refutes(np.exp(-np.sum(A * W)), ratio, why="mean in the exponent")
    late = np.array(list(itertools.product(range(4), repeat=4)))
    switched_after = sum(energies[k, late[:, k]] - energies[k - 1, late[:, k]] for k in (1, 2, 3))
    verify.refutes(np.sum(A * np.exp(-switched_after)), ratio, why="switched after the move")
    wrong = [hastings(e, np.full((4, 4), 0.25)) for e in energies[:-1]]
    B, _, V, _ = map(np.array, zip(*all_paths(energies, wrong), strict=True))
    verify.refutes(np.sum(B * np.exp(-V)), ratio, why="kernels that keep another law")

    weighted = np.sum(A * np.exp(-W) * f[last])
    verify.agree(weighted, ratio * end @ f, rtol=1e-12)
    verify.refutes(np.sum(A * f[last]), ratio * end @ f, why="unweighted")
    row = np.exp(-energies[0]) / Z[0]
    for k, P in enumerate(kernels, start=1):
        row = (row * np.exp(energies[k - 1] - energies[k])) @ P
    verify.agree(row @ f, weighted, rtol=1e-12)
    verify.refutes(row.sum(), weighted, why="function forgotten")

    free = -np.log(ratio)
    verify.at_most(free, np.sum(A * W))
    verify.refutes(np.sum(A * W), free, why="inequality turned round")
    levels = np.array([0.0, 0.5, 1.0, 2.0])
    tails = [A[free - c >= W].sum() for c in levels]
    verify.at_most(tails, np.exp(-levels))
    verify.refutes(1 - np.array(tails), np.exp(-levels), why="other tail")


@pytest.mark.verifies(
    "eq-stochastic-dynamics-crooks",
    "eq-stochastic-dynamics-bracket",
    routes=("enumeration of all paths", "relative entropy of the paths"),
)
def test_crooks(verify, protocol):
    """Probability of each path forwards and backwards."""
    energies, kernels, _ = protocol
    A, R, W, _ = map(np.array, zip(*all_paths(energies, kernels), strict=True))
    Z = np.exp(-energies).sum(axis=1)
    free = -np.log(Z[-1] / Z[0])
    verify.agree(R / A, np.exp(free - W), rtol=1e-11)
    verify.refutes(A / R, np.exp(free - W), why="sign")
    verify.refutes(R / A, np.exp(-W), why="free energy forgotten")
    unbalanced = [P @ hastings(e, np.full((4, 4), 0.25)) for P, e in
                  zip(kernels, energies[1:], strict=True)]  # fmt: skip
    B, S, V, _ = map(np.array, zip(*all_paths(energies, unbalanced), strict=True))
    verify.refutes(S / B, np.exp(free - V), why="kernels that are not balanced")
    verify.agree(R.sum(), 1.0, rtol=1e-12)

    ends = [np.sum(A * -W), np.sum(R * -W)]
    verify.at_most([ends[0], -free], [-free, ends[1]])
    verify.refutes([-free, ends[1]], [ends[0], -free], why="ends exchanged")
    entropy = np.sum(A * np.log(A / R))
    verify.agree(np.sum(A * W) - free, entropy, rtol=1e-11)
    verify.refutes(np.sum(A * W) - free, np.sum(R * np.log(R / A)), why="the other direction")


@pytest.mark.verifies(
    "eq-stochastic-dynamics-gaussian-work",
    "eq-stochastic-dynamics-drag",
    routes=("scipy.integrate.solve_ivp", "linear recursion", "closed form"),
)
def test_dragged_trap(verify):
    """Moments of bead and work from their differential equations, and for jumps exactly."""
    h, v, T = 1.7, 0.9, 1.3

    def moments(_, s):
        """Means of place and work, and their covariances."""
        y, _, yy, yw, _ = s
        return [-h * y / 2 - v, -h * v * y, -h * yy + 1, -h * v * yy - h / 2 * yw, -2 * h * v * yw]

    end = integrate.solve_ivp(moments, (0, T), [0, 0, 1 / h, 0, 0], rtol=1e-11, atol=1e-13).y[:, -1]
    mean = 2 * v**2 * (T - 2 / h * (1 - np.exp(-h * T / 2)))
    verify.agree([end[1], end[4]], [mean, 2 * mean], rtol=1e-8)
    verify.refutes([end[1], end[4]], [mean, mean], why="variance equal to the mean")
    verify.refutes([end[1], end[4]], [2 * v**2 * T, 4 * v**2 * T], why="start forgotten")
    fast = 2 * v**2 * (T - (1 - np.exp(-h * T)) / h)
    verify.refutes([end[1], end[4]], [fast, 2 * fast], why="factor 2 of the rate")
    library = stochastic.work_of_dragging(h, v, T)
    verify.agree(library, [end[1], end[4]], rtol=1e-8)
    verify.refutes(library, [end[1] / 2, end[4] / 2], why="half the work")

    # In jumps: place y and work w are linear in the kicks, so the moments are exact.
    jumps = 5
    jump, keep = v * T / jumps, np.exp(-h * T / jumps / 2)
    m, S = np.zeros(2), np.diag([1 / h, 0.0])
    A, shift = np.array([[keep, 0], [-h * jump, 1]]), np.array([-keep * jump, h / 2 * jump**2])
    for _ in range(jumps):
        m, S = A @ m + shift, A @ S @ A.T + np.diag([(1 - keep**2) / h, 0])
    verify.agree(S[1, 1], 2 * m[1], rtol=1e-12)
    verify.refutes(S[1, 1], m[1], why="factor 2")
    weights = gauss(lambda z: np.exp(-(m[1] + np.sqrt(S[1, 1]) * z)))
    verify.agree(weights, 1.0, rtol=1e-10)
    wider = gauss(lambda z: np.exp(-(m[1] + np.sqrt(1.3 * S[1, 1]) * z)))
    verify.refutes(wider, 1.0, why="variance too large")


@pytest.mark.verifies(
    "eq-stochastic-dynamics-rare", routes=("Gauss-Hermite quadrature", "closed form", "draws")
)
def test_rare_pulls(verify):
    """Variance of the mean of the weights, and the place of the pulls that matter."""
    m, n = 1.2, 5
    sd = np.sqrt(2 * m)
    first = gauss(lambda z: np.exp(-(m + sd * z)))
    second = gauss(lambda z: np.exp(-2 * (m + sd * z)))
    variance = (second - first**2) / n
    verify.agree(variance, (np.exp(2 * m) - 1) / n, rtol=1e-9)
    verify.refutes(variance, (np.exp(m) - 1) / n, why="factor 2 in the exponent")
    verify.refutes(variance, np.exp(2 * m) - 1, why="factor n")
    where = gauss(lambda z: (m + sd * z) * np.exp(-(m + sd * z)))
    verify.agree(where, -m, rtol=1e-9)
    verify.refutes(where, m, why="sign of the place")
    W = np.random.default_rng(5).normal(0.3, np.sqrt(0.6), size=(400_000, n))
    drawn = np.exp(-W).mean(axis=1).var()
    verify.agree(drawn, (np.exp(0.6) - 1) / n, rtol=0.02)
    verify.refutes(drawn, np.exp(0.6) / n, why="square of the mean forgotten")
