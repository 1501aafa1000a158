"""The numbered equations of the chapter on flow matching."""

import itertools

import mpmath
import numpy as np
import pytest
import sympy
from dlmath.densities import GaussianMixture
from dlmath.diffusion import (
    CosineSchedule,
    NoisyEmpirical,
    NoisyMixture,
    StraightSchedule,
    ddim,
    exact_velocity,
    follow,
)
from scipy import integrate, linalg, optimize, stats

# Noise on the line whose partner depends on it: three data points with logistic shares.
TARGETS = np.array([-1.0, 0.5, 2.0])
PULLS, LEVELS = np.array([-1.0, 0.4, 1.0]), np.array([0.2, 0.0, -0.3])
X0 = np.linspace(-9, 9, 3601)
W0 = stats.norm.pdf(X0) * (X0[1] - X0[0])
AT = np.array([-1.1, -0.2, 0.6, 1.3])


def partner_shares(x0):
    """Probability of each target, given the noise."""
    logs = np.multiply.outer(x0, PULLS) + LEVELS
    weights = np.exp(logs - logs.max(axis=-1, keepdims=True))
    return weights / weights.sum(axis=-1, keepdims=True)


def streams(x, t):
    """Density of each target's stream at the places x, and its velocity there."""
    starts = (np.asarray(x)[..., None] - t * TARGETS) / (1 - t)
    shares = np.stack([partner_shares(starts[..., k])[..., k] for k in range(3)], axis=-1)
    return stats.norm.pdf(starts) * shares / (1 - t), TARGETS - starts


def field(x, t):
    """Density, mean velocity and its variance at the places x, for the dependent pairs."""
    mass, w = streams(x, t)
    p = mass.sum(axis=-1)
    # Far from all streams there is nobody.
    total = np.where(p > 0, p, 1.0)
    u = (mass * w).sum(axis=-1) / total
    return p, u, (mass * w**2).sum(axis=-1) / total - u**2


def over_pairs(values):
    """Mean over the pairs: ``values`` has a row for each noise and a column for each target."""
    return np.sum(W0[:, None] * partner_shares(X0) * values)


def on_lines(t):
    """Places of all pairs at a time, and their velocities."""
    return (1 - t) * X0[:, None] + t * TARGETS, TARGETS - X0[:, None]


def over_places(t, f):
    """Integral of ``f(x, p, u, variance)`` over the places."""
    x = np.linspace(-9, 9, 7201)
    return np.sum(f(x, *field(x, t))) * (x[1] - x[0])


# Independent pairs: a mixture on the line, with its own closed form.
WEIGHTS, MEANS, SD = np.array([0.35, 0.65]), np.array([-1.2, 0.9]), 0.5
HUMPS = GaussianMixture(WEIGHTS, MEANS[:, None], SD**2)


def humps_velocity(x, t):
    """Regression of x1 - x0 on the place, component by component."""
    q = t**2 * SD**2 + (1 - t) ** 2
    x = np.asarray(x, dtype=float)
    mass = WEIGHTS * stats.norm.pdf(x[..., None], t * MEANS, np.sqrt(q))
    each = MEANS + (t * SD**2 - (1 - t)) / q * (x[..., None] - t * MEANS)
    return (mass * each).sum(axis=-1) / mass.sum(axis=-1)


def humps_law(t):
    return GaussianMixture(WEIGHTS, t * MEANS[:, None], t**2 * SD**2 + (1 - t) ** 2)


def carried(starts, t0, t1, rtol=1e-10, **options):
    """Follow the humps' velocity with SciPy."""
    return integrate.solve_ivp(
        lambda t, z: humps_velocity(z, t), (t0, t1), starts, rtol=rtol, atol=1e-11, **options
    )


# The line, the velocity, the continuity equation.


@pytest.mark.verifies("eq-flow-matching-line", routes=("sympy's differential equation", "formula"))
def test_line(verify):
    """The motion without acceleration between two given places is the line."""
    t, a, b = sympy.symbols("t x_0 x_1")
    x = sympy.Function("x")
    found = sympy.dsolve(x(t).diff(t, 2), x(t), ics={x(0): a, x(1): b}).rhs
    verify.identical(found, (1 - t) * a + t * b)
    verify.refutes(found, t * a + (1 - t) * b, why="the other clock")
    verify.refutes(found, a + t * b, why="noise that does not fade")
    verify.refutes(found, (1 - t) * a + t**2 * b, why="a curve")


@pytest.mark.verifies(
    "eq-flow-matching-velocity", routes=("sums over pairs", "streams that pass a place")
)
def test_velocity(verify):
    """The mean over the streams satisfies the definition of the conditional mean."""
    t = 0.6
    places, w = on_lines(t)
    tests = [np.cos, np.tanh, lambda x: np.exp(-((x - 0.5) ** 2))]
    by_pairs = [over_pairs(w * h(places)) for h in tests]

    def by_field(change=lambda u, x: u):
        return [over_places(t, lambda x, p, u, s, h=h: p * h(x) * change(u, x)) for h in tests]

    verify.agree(by_pairs, by_field(), rtol=1e-12)
    verify.refutes(by_pairs, by_field(lambda u, x: -u), why="sign")
    verify.refutes(by_pairs, by_field(lambda u, x: 2 * u), why="factor 2")
    verify.refutes(by_pairs, by_field(lambda u, x: x + (1 - t) * u), why="data for velocity")
    verify.refutes(
        by_pairs, by_field(lambda u, x: 0 * u + over_pairs(w)), why="the mean of all, not given x"
    )


@pytest.mark.verifies(
    "eq-flow-matching-continuity", routes=("differences in time", "differences in space")
)
def test_continuity(verify):
    """Mass disappears where the current spreads."""
    t, h = 0.55, 1e-4
    rate = (field(AT, t + h)[0] - field(AT, t - h)[0]) / (2 * h)

    def spreading(current):
        return (current(*field(AT + h, t)) - current(*field(AT - h, t))) / (2 * h)

    flux = spreading(lambda p, u, s: p * u)
    verify.agree(rate, -flux, atol=1e-6)
    verify.refutes(rate, flux, why="sign")
    verify.refutes(rate, -2 * flux, why="factor 2")
    verify.refutes(rate, -field(AT, t)[1] * spreading(lambda p, u, s: p), why="transport only")


@pytest.mark.verifies("eq-flow-matching-weak", routes=("sums over lines", "integral over places"))
def test_weak_form(verify):
    """The rate of a mean along the lines needs the mean velocity only."""
    t, h = 0.5, 1e-4
    phis = [(np.sin, np.cos), (np.tanh, lambda x: 1 / np.cosh(x) ** 2)]
    rates = [
        (over_pairs(f(on_lines(t + h)[0])) - over_pairs(f(on_lines(t - h)[0]))) / (2 * h)
        for f, _ in phis
    ]
    means = [over_places(t, lambda x, p, u, s, g=g: p * g(x) * u) for _, g in phis]
    verify.agree(rates, means, rtol=2e-7)
    verify.refutes(rates, [-m for m in means], why="sign")
    verify.refutes(rates, [2 * m for m in means], why="factor 2")
    wrong = [over_places(t, lambda x, p, u, s, f=f: p * f(x) * u) for f, _ in phis]
    verify.refutes(rates, wrong, why="the function, not its gradient")


@pytest.mark.verifies(
    "eq-flow-matching-ode",
    "eq-flow-matching-marginals",
    routes=("scipy.integrate.solve_ivp", "dlmath.diffusion.follow", "law of the lines"),
)
def test_flow_has_the_law_of_the_lines(verify):
    """Carried along the velocity, noise has the mixture's means at each time."""
    nodes = np.linspace(-7, 7, 701)
    weights = stats.norm.pdf(nodes) * (nodes[1] - nodes[0])
    velocity = exact_velocity(NoisyMixture(HUMPS, StraightSchedule()))
    path = follow(velocity, nodes[:, None], 200, method="midpoint", path=True)[:, :, 0]
    solved = carried(nodes, 0, 0.75).y[:, -1]
    verify.agree(path[150], solved, atol=2e-4)
    verify.refutes(path[150], carried(nodes, 0.75, 0).y[:, -1], why="backwards")
    verify.refutes(path[50], solved, why="the other clock")
    verify.refutes(path[150], 2 * solved, why="factor 2")

    def wave(t, k):
        q = t**2 * SD**2 + (1 - t) ** 2
        return np.exp(-(k**2) * q / 2) * (WEIGHTS @ np.cos(k * t * MEANS))

    waves = [weights @ np.cos(k * solved) for k in (0.5, 1.0)]
    verify.agree(waves, [wave(0.75, k) for k in (0.5, 1.0)], atol=1e-10)
    verify.refutes(waves, [wave(0.25, k) for k in (0.5, 1.0)], why="the law of another time")
    wrong = [weights @ np.cos(k * (nodes + 0.75 * humps_velocity(nodes, 0.0))) for k in (0.5, 1.0)]
    verify.refutes(wrong, [wave(0.75, k) for k in (0.5, 1.0)], why="the first velocity kept")


@pytest.mark.verifies(
    "eq-flow-matching-backwards", routes=("difference in the start's time", "in the start's place")
)
def test_backward_equation(verify):
    """What a function of the end says of the start is constant along the flow."""
    s, h, end = 0.3, 1e-4, 0.8

    def psi(x, s):
        return np.sin(carried(x, s, end).y[:, -1])

    rate = (psi(AT, s + h) - psi(AT, s - h)) / (2 * h)
    slope = (psi(AT + h, s) - psi(AT - h, s)) / (2 * h)
    along = slope * humps_velocity(AT, s)
    verify.agree(rate, -along, atol=2e-7)
    verify.refutes(rate, along, why="sign")
    verify.refutes(rate, -slope, why="without the velocity")
    verify.refutes(rate, -slope * humps_velocity(AT, end), why="the velocity at the end")


@pytest.mark.verifies(
    "eq-flow-matching-likelihood", routes=("integral of the divergence", "mixture's density")
)
def test_likelihood(verify):
    """The density of the noise less the integral of the divergence is that of the data."""
    starts, h = np.array([-1.5, -0.3, 0.2, 1.1]), 1e-5

    def rate(t, y):
        z = y[:4]
        spread = (humps_velocity(z + h, t) - humps_velocity(z - h, t)) / (2 * h)
        return np.concatenate([humps_velocity(z, t), spread])

    y = integrate.solve_ivp(
        rate, (0, 1), np.concatenate([starts, 0 * starts]), rtol=1e-9, atol=1e-10
    ).y[:, -1]
    exact = HUMPS.log_prob(y[:4, None])
    base = stats.norm.logpdf(starts)
    verify.agree(base - y[4:], exact, atol=1e-8)
    verify.refutes(base + y[4:], exact, why="sign")
    verify.refutes(base, exact, why="without the divergence")
    verify.refutes(base - 2 * y[4:], exact, why="factor 2")


# The fit.


@pytest.mark.verifies(
    "eq-flow-matching-conditional", routes=("sums over pairs and times", "integrals over places")
)
def test_conditional_flow_matching(verify):
    """Three unlike fields have costs that differ from their errors by the same constant."""
    # Times up to 0.9, where the streams of the three data points are still wide.
    nodes, weights = np.polynomial.legendre.leggauss(12)
    times, weights = 0.9 * (nodes + 1) / 2, weights / 2
    models = [lambda x, t: 0 * x, lambda x, t: np.sin(3 * x) + t, lambda x, t: x * (2 * t - 1) - 1]

    def cost(v):
        parts = []
        for t in times:
            places, w = on_lines(t)
            parts.append(over_pairs((w - v(places, t)) ** 2))
        return weights @ parts

    def error(v):
        return weights @ [
            over_places(t, lambda x, p, u, s, t=t: p * (u - v(x, t)) ** 2) for t in times
        ]

    def total(*parts):
        return np.array(parts[0]) + sum(parts[1:])

    errors = [error(v) for v in models]
    K = weights @ [over_places(t, lambda x, p, u, s: p * s) for t in times]
    costs = [cost(v) for v in models]
    verify.agree(costs, total(errors, K), rtol=1e-11)
    verify.refutes(costs, total(errors, 0 * K), why="without the constant")
    verify.refutes(costs, total(errors, 2 * K), why="factor 2")
    verify.refutes(costs, total(errors, -K), why="sign")
    _, w = on_lines(0.5)
    all_spread = over_pairs(w**2) - over_pairs(w) ** 2
    verify.refutes(costs, total(errors, all_spread), why="variance not given the place")


# Velocity, denoiser and score, for four data points in the plane.

POINTS = np.array([[1.0, 0.4], [-0.8, 1.1], [-0.3, -1.2], [1.4, -0.9]])
EMPIRICAL = NoisyEmpirical(POINTS, StraightSchedule())
PLACES = np.array([[0.3, -0.2], [-0.6, 0.5], [0.9, 0.1]])


def log_density(x, t):
    """Of x_t at one place: a mean of four Gaussians."""
    laws = [stats.multivariate_normal(t * b, (1 - t) ** 2 * np.eye(2)) for b in POINTS]
    return np.log(np.mean([law.pdf(x) for law in laws]))


def shares_at(x, t):
    """Bayes' rule for the data point, in numbers of many digits."""
    weights = [mpmath.exp(-sum((x - t * b) ** 2) / (2 * (1 - t) ** 2)) for b in POINTS]
    return np.array([float(w / mpmath.fsum(weights)) for w in weights])


def slopes(f, x, h=1e-5):
    """Central differences along the coordinates."""
    return np.array([(f(x + h * e) - f(x - h * e)) / (2 * h) for e in np.eye(2)])


@pytest.mark.verifies(
    "eq-flow-matching-denoiser",
    routes=("mean over the lines through a place", "dlmath's denoiser", "differences of log p"),
)
def test_denoiser(verify):
    """Velocity and score from the denoiser."""
    t = 0.4
    D = EMPIRICAL(PLACES, 1 - t)
    by_lines = np.array([shares_at(x, t) @ (POINTS - (x - t * POINTS) / (1 - t)) for x in PLACES])
    verify.agree(by_lines, (D - PLACES) / (1 - t), atol=1e-12)
    verify.refutes(by_lines, (PLACES - D) / (1 - t), why="sign")
    verify.refutes(by_lines, (D - PLACES) / t, why="the time gone, not the time left")
    verify.refutes(by_lines, D - PLACES, why="the whole way in one unit of time")

    score = [slopes(lambda y: log_density(y, t), x) for x in PLACES]
    verify.agree(score, (t * D - PLACES) / (1 - t) ** 2, atol=1e-8)
    verify.refutes(score, (D - PLACES) / (1 - t) ** 2, why="without the time before the denoiser")
    verify.refutes(score, (t * D - PLACES) / (1 - t), why="standard deviation for variance")
    verify.refutes(score, (PLACES - t * D) / (1 - t) ** 2, why="sign of the score")


@pytest.mark.verifies(
    "eq-flow-matching-score", routes=("mean over the lines through a place", "differences of log p")
)
def test_velocity_from_the_score(verify):
    """The place and the score, with the right factors, are the mean velocity."""
    t = 0.7
    by_lines = np.array([shares_at(x, t) @ (POINTS - (x - t * POINTS) / (1 - t)) for x in PLACES])
    score = np.array([slopes(lambda y: log_density(y, t), x) for x in PLACES])
    verify.agree(by_lines, PLACES / t + (1 - t) / t * score, atol=1e-8)
    verify.refutes(by_lines, PLACES / t - (1 - t) / t * score, why="sign")
    verify.refutes(by_lines, PLACES / t + 2 * (1 - t) / t * score, why="factor 2")
    verify.refutes(by_lines, PLACES / (1 - t) + t / (1 - t) * score, why="the other clock")


@pytest.mark.verifies(
    "eq-flow-matching-jacobian", routes=("differences of the velocity", "covariance of the data")
)
def test_jacobian(verify):
    """The derivatives of the velocity are a covariance."""
    t, x = 0.6, PLACES[0]
    velocity = exact_velocity(EMPIRICAL)
    found = slopes(lambda y: velocity(y[None], t)[0], x).T
    shares = shares_at(x, t)
    off = POINTS - shares @ POINTS
    C, one = (shares * off.T) @ off, np.eye(2)
    verify.agree(found, (t / (1 - t) ** 2 * C - one) / (1 - t), atol=1e-8)
    verify.refutes(found, (C / (1 - t) ** 2 - one) / (1 - t), why="without the time")
    verify.refutes(found, (t / (1 - t) * C - one) / (1 - t), why="standard deviation for variance")
    verify.refutes(found, (t / (1 - t) ** 2 * C + one) / (1 - t), why="sign")


@pytest.mark.verifies("eq-flow-matching-end", routes=("quantiles", "bound"))
def test_distance_from_the_end(verify):
    """The laws shortly before the end are as near as the bound says."""
    shares = (np.arange(20_000) + 0.5) / 20_000

    def quantiles(t):
        q = np.sqrt(t**2 * SD**2 + (1 - t) ** 2)
        x = np.linspace(-6, 6, 40_001)
        return np.interp(shares, stats.norm.cdf(x[:, None], t * MEANS, q) @ WEIGHTS, x)

    times = np.array([0.3, 0.6, 0.9])
    found = [np.sqrt(np.mean((quantiles(t) - quantiles(1.0)) ** 2)) for t in times]
    way = np.sqrt(1 + SD**2 + WEIGHTS @ MEANS**2)
    verify.at_most(found, (1 - times) * way)
    verify.refutes(found, (1 - times) ** 4 * way, why="a higher power of the time left")


@pytest.mark.verifies("eq-flow-matching-weights", routes=("sympy", "formula"))
def test_weights(verify):
    """An error of the denoiser is an error of the velocity, divided by the time left."""
    t, x, y, D, E, F, G = sympy.symbols("t x y D E F G", real=True)
    v, u = [((D - x) / (1 - t), (E - y) / (1 - t)), ((F - x) / (1 - t), (G - y) / (1 - t))]
    found = sympy.expand(sum((a - b) ** 2 for a, b in zip(v, u, strict=True)))
    squares = (D - F) ** 2 + (E - G) ** 2
    verify.identical(found, squares / (1 - t) ** 2)
    verify.refutes(found, squares / (1 - t), why="without the square")
    verify.refutes(found, squares * (1 - t) ** 2, why="the inverse weight")
    verify.refutes(found, squares / t**2, why="the other clock")


# Gaussians.

S = np.array([[1.5, 0.9], [0.9, 0.8]])
M = np.array([1.0, -0.5])


def gaussian_field(x, t):
    Q = t**2 * S + (1 - t) ** 2 * np.eye(2)
    return M + (x - t * M) @ np.linalg.solve(Q, t * S - (1 - t) * np.eye(2))


@pytest.mark.verifies(
    "eq-flow-matching-gaussian-velocity",
    routes=("dlmath.diffusion.exact_velocity", "regression formula"),
)
def test_gaussian_velocity(verify):
    """The denoiser of one Gaussian gives the formula."""
    t = 0.35
    velocity = exact_velocity(NoisyMixture(GaussianMixture([1.0], [M], [S]), StraightSchedule()))
    found = velocity(PLACES, t)
    Q, one = t**2 * S + (1 - t) ** 2 * np.eye(2), np.eye(2)

    def formula(sign=1, a=t, centre=t, power=1):
        return M + (PLACES - centre * M) @ np.linalg.solve(
            np.linalg.matrix_power(Q, power), a * S - sign * (1 - t) * one
        )

    verify.agree(found, formula(), atol=1e-12)
    verify.refutes(found, formula(sign=-1), why="sign")
    verify.refutes(found, formula(a=2 * t), why="factor 2")
    verify.refutes(found, formula(centre=1), why="the mean not on its way")
    verify.refutes(found, formula(power=2), why="the covariance squared")


@pytest.mark.verifies(
    "eq-flow-matching-gaussian-map", routes=("scipy.integrate.solve_ivp", "matrix roots")
)
def test_gaussian_map(verify):
    """The differential equation, solved in steps, ends where the root of the covariance says."""
    starts = np.array([[0.7, -1.1], [1.3, 0.4]])
    solved = integrate.solve_ivp(
        lambda t, z: gaussian_field(z.reshape(-1, 2), t).ravel(),
        (0, 1),
        starts.ravel(),
        rtol=1e-10,
        atol=1e-11,
        t_eval=[0.4, 1.0],
    ).y.T.reshape(2, 2, 2)

    def at(t, power=0.5):
        Q = t**2 * S + (1 - t) ** 2 * np.eye(2)
        return t * M + starts @ linalg.fractional_matrix_power(Q, power)

    verify.agree(solved, [at(0.4), M + starts @ linalg.sqrtm(S)], atol=1e-9)
    verify.refutes(solved, [at(0.4, 1.0), at(1.0, 1.0)], why="covariance for its root")
    verify.refutes(solved, [at(0.4) - 0.4 * M, at(1.0) - M], why="without the mean")
    verify.refutes(
        solved, [0.6 * starts + 0.4 * at(1.0), at(1.0)], why="a straight path to the same end"
    )
    verify.refutes(solved, [at(0.4), M + starts @ np.linalg.cholesky(S).T], why="another root")


@pytest.mark.verifies(
    "eq-flow-matching-gaussian-constant",
    "eq-flow-matching-arctan",
    routes=("quadrature", "sympy", "closed form"),
)
def test_gaussian_constant(verify):
    """The least cost of a Gaussian is half of pi times the trace of the root."""

    def conditional(t):
        joint = np.block([[np.eye(2), np.zeros((2, 2))], [np.zeros((2, 2)), S]])
        rows = np.block([[-np.eye(2), np.eye(2)], [(1 - t) * np.eye(2), t * np.eye(2)]])
        C = rows @ joint @ rows.T
        return np.trace(C[:2, :2] - C[:2, 2:] @ np.linalg.solve(C[2:, 2:], C[2:, :2]))

    found = integrate.quad(conditional, 0, 1, epsabs=1e-11)[0]
    root = np.trace(linalg.sqrtm(S))
    verify.agree(found, np.pi / 2 * root, rtol=1e-13)
    verify.refutes(found, np.pi * root, why="factor 2")
    verify.refutes(found, np.pi / 2 * np.trace(S), why="covariance for its root")
    verify.refutes(found, 2 * root, why="the optimal transport's number")

    nu, r, t = sympy.Rational(9, 4), sympy.symbols("r", positive=True), sympy.symbols("t")
    over_time = sympy.integrate(nu / (t**2 * nu + (1 - t) ** 2), (t, 0, 1))
    over_ratio = sympy.integrate(nu / (nu * r**2 + 1), (r, 0, sympy.oo))
    verify.agree([float(over_time.evalf()), float(over_ratio)], [np.pi / 2 * 1.5] * 2, rtol=1e-12)
    verify.refutes([float(over_time.evalf())] * 2, [np.pi / 2 * 2.25] * 2, why="without the root")
    verify.refutes([float(over_ratio)] * 2, [np.pi * 1.5] * 2, why="both halves of the arc")


# Steps.


@pytest.mark.verifies("eq-flow-matching-euler", routes=("dlmath.diffusion.follow", "products"))
def test_euler(verify):
    """For a velocity that is linear in the place the steps are a product of factors."""
    nu, n = 0.25, 7
    t = np.arange(n) / n
    velocity = exact_velocity(NoisyMixture(GaussianMixture([1.0], [[0.0]], nu), StraightSchedule()))
    found = follow(velocity, [[1.0]], n, path=True)[:, 0, 0]

    def products(at=t, h=1 / n):
        slope = (at * nu - (1 - at)) / (at**2 * nu + (1 - at) ** 2)
        return np.concatenate([[1.0], np.cumprod(1 + h * slope)])

    verify.agree(found, products(), rtol=1e-12)
    verify.refutes(found, products(at=t + 1 / n), why="the velocity at the end of the step")
    verify.refutes(found, products(h=-1 / n), why="sign")
    verify.refutes(found, products(h=1.0), why="without the length of the step")


@pytest.mark.verifies(
    "eq-flow-matching-one-step", routes=("a step of the mean velocity", "conditional mean")
)
def test_one_step(verify):
    """One step returns the mean of the partners: dependent, independent and determined ones."""
    starts = np.array([-1.4, 0.1, 0.9])
    step = starts + field(starts, 0.0)[1]
    partners = partner_shares(starts) @ TARGETS
    verify.agree(step, partners, atol=1e-12)
    everybody = np.full(3, over_pairs(np.broadcast_to(TARGETS, (X0.size, 3))))
    verify.refutes(step, everybody, why="the mean of all data, for pairs that are dependent")
    verify.refutes(step, starts + partners, why="the place counted twice")

    velocity = exact_velocity(EMPIRICAL)
    ends = follow(velocity, PLACES, 1)
    mean = np.tile(POINTS.mean(axis=0), (3, 1))
    verify.agree(ends, mean, atol=1e-12)
    verify.refutes(follow(velocity, PLACES, 2), mean, why="two steps")

    # Pairs x1 = A x0 of Gaussians: the regression on x0 is the map, whatever it is.
    A = np.array([[-1.0, 0.4], [0.2, -2.0]])
    u0 = np.linalg.solve(np.eye(2), (A - np.eye(2)).T)
    ends = follow(lambda x, t: x @ u0, PLACES, 1)
    verify.agree(ends, PLACES @ A.T, atol=1e-12)
    verify.refutes(ends, PLACES @ A, why="transposed")


@pytest.mark.verifies(
    "eq-flow-matching-two-steps", routes=("two steps", "variance given the place")
)
def test_two_steps(verify):
    """Eight walkers, some of whom meet: what two steps miss is what the place leaves open."""
    x0 = np.array([0.0, 2, 5, 6, -3, 1, 8, 16])
    x1 = np.array([4.0, 2, -1, 3, -2, 6, 1, 0])

    def groups(s):
        return np.unique(((1 - s) * x0 + s * x1).round(9), return_inverse=True)[1]

    def mean_in(group, values):
        return (np.bincount(group, values) / np.bincount(group))[group]

    times, missed, spread = (0.5, 0.8), [], []
    for s in times:
        place = x0 + s * mean_in(groups(0.0), x1 - x0)
        end = place + (1 - s) * mean_in(groups(s), x1 - x0)
        missed.append(np.mean((end - x1) ** 2))
        w = x1 - x0
        spread.append(np.mean(w**2) - np.mean(mean_in(groups(s), w) ** 2))
    left = 1 - np.array(times)
    assert min(missed) > 0.1
    verify.agree(missed, left**2 * spread, rtol=1e-12)
    verify.refutes(missed, left * spread, why="without the square")
    verify.refutes(missed, np.array(times) ** 2 * spread, why="the first step's length")
    verify.refutes(missed, 2 * left**2 * spread, why="factor 2")


def linear_pairs(A):
    """Velocity of pairs x1 = A x0 with normal x0, by regression; none where all meet."""

    def velocity(x, t):
        line = (1 - t) * np.eye(len(A)) + t * A
        w = A - np.eye(len(A))
        return x @ (w @ line.T @ np.linalg.pinv(line @ line.T, rcond=1e-12)).T

    return velocity


@pytest.mark.verifies("eq-flow-matching-straight", routes=("dlmath.diffusion.follow", "lines"))
def test_straight(verify):
    """Rotated pairs do not cross, and every number of steps stays on the lines."""
    c, s = np.cos(1.8), np.sin(1.8)
    R = np.array([[c, -s], [s, c]])
    n = 6
    path = follow(linear_pairs(R), PLACES, n, path=True)
    lines = np.array([(1 - t) * PLACES + t * PLACES @ R.T for t in np.arange(n + 1) / n])
    verify.agree(path, lines, atol=1e-12)
    crossing = follow(linear_pairs(-np.eye(2)), PLACES, n, path=True)
    mirrored = np.array([(1 - 2 * t) * PLACES for t in np.arange(n + 1) / n])
    verify.refutes(crossing, mirrored, why="pairs that cross")
    verify.refutes(follow(linear_pairs(R.T), PLACES, n, path=True), lines, why="transposed")
    independent = exact_velocity(EMPIRICAL)
    verify.refutes(follow(independent, PLACES, n, path=True), lines, why="independent pairs")


def correlated_slope(rho, t):
    C = np.array([[1, rho], [rho, 1]])
    line = np.array([1 - t, t])
    return np.array([-1, 1]) @ C @ line / (line @ C @ line)


@pytest.mark.verifies("eq-flow-matching-correlated", routes=("covariance matrix", "formula"))
def test_correlated_velocity(verify):
    """Variance and velocity of correlated pairs follow from the covariance matrix."""
    rho, times = -0.6, np.array([0.1, 0.45, 0.8])
    lines = np.column_stack([1 - times, times])
    C = np.array([[1, rho], [rho, 1]])
    found = [np.einsum("ti,ij,tj->t", lines, C, lines), [correlated_slope(rho, t) for t in times]]
    q = 1 - 2 * times * (1 - times) * (1 - rho)
    u = -(1 - 2 * times) * (1 - rho) / q
    verify.agree(found, [q, u], rtol=1e-12)
    verify.refutes(found, [q, -u], why="sign")
    verify.refutes(found, [q, 2 * u], why="the derivative of q, not half of it")
    wrong = 1 - 2 * times * (1 - times) * (1 + rho)
    verify.refutes(found, [wrong, u], why="sign of the correlation")


@pytest.mark.verifies("eq-flow-matching-correlated-map", routes=("scipy.integrate", "closed form"))
def test_correlated_map(verify):
    """The flow of correlated pairs returns to where it began, and its heat is an arc."""
    rho = -0.6
    solved = integrate.solve_ivp(
        lambda t, z: correlated_slope(rho, t) * z,
        (0, 1),
        [1.0],
        t_eval=[0.3, 0.5, 1.0],
        rtol=1e-11,
        atol=1e-12,
    ).y[0]
    times = np.array([0.3, 0.5, 1.0])
    q = 1 - 2 * times * (1 - times) * (1 - rho)
    verify.agree(solved, np.sqrt(q), atol=1e-11)
    verify.refutes(solved, q, why="variance for standard deviation")
    verify.refutes(solved, [np.sqrt(q[0]), np.sqrt(q[1]), rho], why="the end of one step")

    def spread(t):
        line, w = np.array([1 - t, t]), np.array([-1, 1])
        C = np.array([[1, rho], [rho, 1]])
        return w @ C @ w - (w @ C @ line) ** 2 / (line @ C @ line)

    K = integrate.quad(spread, 0, 1, epsabs=1e-11)[0]
    arc = np.arctan(np.sqrt((1 - rho) / (1 + rho)))
    verify.agree(K, 2 * np.sqrt(1 - rho**2) * arc, rtol=1e-13)
    verify.refutes(K, np.sqrt(1 - rho**2) * arc, why="factor 2")
    verify.refutes(K, 2 * (1 - rho**2) * arc, why="without the root")
    other = np.arctan(np.sqrt((1 + rho) / (1 - rho)))
    verify.refutes(K, 2 * np.sqrt(1 - rho**2) * other, why="sign of the correlation")


@pytest.mark.verifies("eq-flow-matching-jeans", routes=("sums over lines", "integral over places"))
def test_momentum(verify):
    """The rate of a mean momentum is the mean flux, with the spread of the velocities."""
    t, h = 0.5, 1e-4

    def momentum(t):
        places, w = on_lines(t)
        return over_pairs(np.exp(-(places**2)) * w)

    rate = (momentum(t + h) - momentum(t - h)) / (2 * h)

    def flux(bulk=1.0, heat=1.0):
        return over_places(
            t, lambda x, p, u, s: p * -2 * x * np.exp(-(x**2)) * (bulk * u**2 + heat * s)
        )

    verify.agree(rate, flux(), rtol=5e-7)
    verify.refutes(rate, flux(heat=0), why="without pressure")
    verify.refutes(rate, flux(heat=-1), why="sign")
    verify.refutes(rate, flux(heat=2), why="factor 2")
    verify.refutes(rate, flux(bulk=0), why="pressure only")


@pytest.mark.verifies(
    "eq-flow-matching-acceleration", routes=("change along the flow", "gradient of the pressure")
)
def test_acceleration(verify):
    """Along the flow the velocity changes by the pressure of the streams."""
    t, h = 0.55, 1e-4
    u = field(AT, t)[1]
    in_time = (field(AT, t + h)[1] - field(AT, t - h)[1]) / (2 * h)
    in_space = (field(AT + h, t)[1] - field(AT - h, t)[1]) / (2 * h)
    after, before = field(AT + h, t), field(AT - h, t)
    force = -(after[0] * after[2] - before[0] * before[2]) / (2 * h) / field(AT, t)[0]
    verify.agree(in_time + u * in_space, force, atol=1e-5)
    verify.refutes(in_time + u * in_space, -force, why="sign")
    verify.refutes(in_time, force, why="at a fixed place")
    verify.refutes(in_time + u * in_space, 2 * force, why="factor 2")
    alone = -(after[2] - before[2]) / (2 * h)
    verify.refutes(in_time + u * in_space, alone, why="without the density")


# Straightening.


def flow_of_humps():
    """Return starts with their masses, Gauss's times with their weights, and the ways."""
    starts = np.linspace(-6.5, 6.5, 1301)
    mass = stats.norm.pdf(starts) * (starts[1] - starts[0])
    nodes, weights = np.polynomial.legendre.leggauss(24)
    times = (nodes + 1) / 2
    path = carried(starts, 0, 1, rtol=1e-8, t_eval=[*times, 1.0]).y
    return starts, mass, times, weights / 2, path


@pytest.fixture(scope="module")
def humps_flow():
    return flow_of_humps()


@pytest.fixture(scope="module")
def independent_pairs():
    """Differences of independent pairs on the line, with weights."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(60)
    weights = weights / weights.sum()
    difference = (MEANS[:, None] + np.sqrt(1 + SD**2) * nodes).ravel()
    return difference, np.outer(WEIGHTS, weights).ravel()


CONVEX = (np.abs, lambda w: w**4, lambda w: np.logaddexp(0, 3 * w))


@pytest.mark.verifies(
    "eq-flow-matching-convex",
    "eq-flow-matching-jensen",
    routes=("pairs of the flow", "random pairs"),
)
def test_convex_costs(verify, humps_flow, independent_pairs):
    """Every convex cost falls, and the action lies between."""
    starts, mass, times, weights, path = humps_flow
    difference, shares = independent_pairs
    moved = path[:, -1] - starts
    speeds = np.array([humps_velocity(z, t) for z, t in zip(path.T, times, strict=False)])
    new = [mass @ c(moved) for c in CONVEX]
    action = [weights @ c(speeds) @ mass for c in CONVEX]
    old = [shares @ c(difference) for c in CONVEX]
    verify.at_most(new, old)
    verify.refutes(old, new, why="the other way round")
    verify.refutes([-new[1]] * 3, [-old[1]] * 3, why="a concave cost")
    verify.at_most([*new, *action], [*action, *old])
    verify.refutes([*action, *old], [*new, *action], why="the chain the other way round")


@pytest.mark.verifies(
    "eq-flow-matching-bookkeeping",
    "eq-flow-matching-rounds",
    routes=("closed form of the energy", "quadrature along the flow"),
)
def test_bookkeeping(verify, humps_flow):
    """The energy of random pairs is that of the flow's pairs, heat and bends."""
    starts, mass, times, weights, path = humps_flow
    moved = path[:, -1] - starts
    speeds = np.array([humps_velocity(z, t) for z, t in zip(path.T, times, strict=False)])
    J = weights @ (speeds - moved) ** 2 @ mass

    def spread(t):
        q = t**2 * SD**2 + (1 - t) ** 2
        x = np.linspace(-7, 7, 2801)
        mass = WEIGHTS * stats.norm.pdf(x[:, None], t * MEANS, np.sqrt(q))
        each = MEANS + (t * SD**2 - (1 - t)) / q * (x[:, None] - t * MEANS)
        p, u = mass.sum(axis=1), (mass * each).sum(axis=1) / mass.sum(axis=1)
        second = (mass * (each**2 + SD**2 / q)).sum(axis=1) / p
        return np.sum(p * (second - u**2)) * (x[1] - x[0])

    K = weights @ [spread(t) for t in times]
    energy = 1 + SD**2 + WEIGHTS @ MEANS**2
    new = mass @ moved**2
    verify.agree(energy, new + K + J, rtol=1e-8)
    verify.refutes(energy, new + K, why="without the bends")
    verify.refutes(energy, new + J, why="without the heat")
    verify.refutes(energy, new + 2 * K + J, why="factor 2")
    verify.refutes(energy, new - K - J, why="sign")

    # On the line the pairs of the flow are the optimal ones, so that one round uses up the bound.
    x = np.linspace(-6, 6, 20_001)
    best = np.interp(stats.norm.cdf(starts), stats.norm.cdf(x[:, None], MEANS, SD) @ WEIGHTS, x)
    bound = energy - mass @ (best - starts) ** 2
    verify.at_most(K + J, bound, atol=1e-6)
    verify.refutes(K + J, bound / 2, why="two rounds' bound for one round")
    verify.refutes(K + J, 2 * bound - energy, why="the transport taken twice")


@pytest.mark.verifies(
    "eq-flow-matching-monotone", routes=("scipy.integrate.solve_ivp", "distribution functions")
)
def test_monotone_map(verify):
    """On the line the flow keeps ranks."""
    starts = np.array([-1.7, -0.4, 0.3, 1.2])
    ends = carried(starts, 0, 1).y[:, -1]

    def quantile(share):
        return optimize.brentq(lambda x: stats.norm.cdf(x, MEANS, SD) @ WEIGHTS - share, -9, 9)

    exact = [quantile(share) for share in stats.norm.cdf(starts)]
    verify.agree(ends, exact, atol=1e-9)
    verify.refutes(ends, exact[::-1], why="ranks reversed")
    verify.refutes(ends, stats.norm.cdf(starts, MEANS[0], SD), why="distribution for quantiles")
    regression = WEIGHTS @ MEANS + 0 * starts
    verify.refutes(ends, regression, why="one step")


# Pairs within a batch, by listing all batches.

ATOMS, DATA = np.array([0.0, 1.0, 3.0]), np.array([-1.0, 2.0])
P0, P1 = np.array([0.5, 0.3, 0.2]), np.array([0.4, 0.6])


def listed(B, choose):
    """Joint law of a pair from batches of B; ``choose(a, b)`` gives the partners' indices."""
    joint = np.zeros((3, 2))
    for i in itertools.product(range(3), repeat=B):
        for j in itertools.product(range(2), repeat=B):
            weight = np.prod(P0[list(i)]) * np.prod(P1[list(j)])
            partners = choose(ATOMS[list(i)], DATA[list(j)])
            for k in range(B):
                joint[i[k], j[partners[k]]] += weight / B
    return joint


def best(a, b):
    return optimize.linear_sum_assignment((a[:, None] - b) ** 2)[1]


def nearest(a, b):
    return np.abs(a[:, None] - b).argmin(axis=1)


COST = (ATOMS[:, None] - DATA) ** 2


@pytest.mark.verifies("eq-flow-matching-batch", routes=("list of all batches", "the two laws"))
def test_batch_marginals(verify):
    """Best partners within batches of three leave both laws as they are."""
    joint = listed(3, best)
    laws = np.concatenate([P0, P1])
    verify.agree(np.concatenate([joint.sum(axis=1), joint.sum(axis=0)]), laws, atol=1e-13)
    wrong = listed(3, nearest)
    verify.refutes(
        np.concatenate([wrong.sum(axis=1), wrong.sum(axis=0)]), laws, why="nearest partners"
    )
    verify.refutes(
        np.concatenate([joint.sum(axis=1)[::-1], joint.sum(axis=0)]), laws, why="laws mixed up"
    )


@pytest.mark.verifies(
    "eq-flow-matching-batch-cost", routes=("list of all batches", "linear programme")
)
def test_batch_cost(verify):
    """The cost lies between the best and the random one, and falls from one to two to four."""
    constraints = [np.kron(np.eye(3), np.ones(2)), np.kron(np.ones(3), np.eye(2))]
    plan = optimize.linprog(
        COST.ravel(), A_eq=np.vstack(constraints), b_eq=np.concatenate([P0, P1])
    )
    costs = [np.sum(listed(B, best) * COST) for B in (4, 2, 1)]
    random = P0 @ COST @ P1
    verify.at_most([plan.fun, *costs], [*costs, random], atol=1e-12)
    verify.refutes([*costs, random], [plan.fun, *costs], why="the other way round")
    worst = np.sum(listed(2, lambda a, b: best(a, -b)) * COST)
    verify.refutes([plan.fun, worst, *costs[1:]], [*costs, random], why="the worst partners")


# Other schedules.


@pytest.mark.verifies("eq-flow-matching-any-path", routes=("sympy", "the line, stretched"))
def test_any_path(verify):
    """Data and noise with any amplitudes are a point of the line, stretched."""
    gamma, sigma, a, b = sympy.symbols("gamma sigma x_0 x_1", positive=True)

    def stretched(t, c):
        return c * ((1 - t) * a + t * b)

    right = gamma / (gamma + sigma)
    verify.identical(gamma * b + sigma * a, stretched(right, gamma + sigma))
    verify.refutes(gamma * b + sigma * a, stretched(1 - right, gamma + sigma), why="other clock")
    verify.refutes(gamma * b + sigma * a, stretched(right, 1), why="without the stretch")
    verify.refutes(
        gamma * b + sigma * a,
        stretched(right, sympy.sqrt(gamma**2 + sigma**2)),
        why="squares in the stretch",
    )


SCHEDULE = CosineSchedule()
R = 0.45


def rate_of(function, h=1e-6):
    return (function(R + h) - function(R - h)) / (2 * h)


def mean_rate(y):
    """Mean of the velocity of gamma x1 + sigma x0 at each row, by Bayes' rule for the points."""
    gamma, sigma = SCHEDULE.gamma(R), SCHEDULE.sigma(R)
    logs = -np.sum((y[:, None] - gamma * POINTS) ** 2, axis=2) / (2 * sigma**2)
    shares = np.exp(logs) / np.exp(logs).sum(axis=1, keepdims=True)
    noise = (y[:, None] - gamma * POINTS) / sigma
    velocities = rate_of(SCHEDULE.gamma) * POINTS + rate_of(SCHEDULE.sigma) * noise
    return np.einsum("nk,nkd->nd", shares, velocities)


@pytest.mark.verifies(
    "eq-flow-matching-change",
    routes=("Bayes' rule on the other path", "dlmath's straight velocity"),
)
def test_change_of_schedule(verify):
    """The mean velocity of another schedule is the straight one, stretched and on its clock."""
    found = mean_rate(PLACES)

    def c(r):
        return SCHEDULE.gamma(r) + SCHEDULE.sigma(r)

    def clock(r):
        return SCHEDULE.gamma(r) / c(r)

    velocity = exact_velocity(EMPIRICAL)
    u = velocity(PLACES / c(R), clock(R))

    whole = c(R)

    def formula(sign=1, stretch=whole, inside=u):
        return rate_of(c) / c(R) * PLACES + sign * stretch * rate_of(clock) * inside

    verify.agree(found, formula(), atol=1e-9)
    verify.refutes(found, formula(sign=-1), why="sign")
    verify.refutes(found, formula(stretch=1.0), why="without the stretch")
    verify.refutes(
        found, formula(inside=velocity(PLACES, clock(R))), why="at the place that is not shrunk"
    )
    verify.refutes(
        found, formula(inside=velocity(PLACES / c(R), 1 - clock(R))), why="the other clock"
    )


@pytest.mark.verifies(
    "eq-flow-matching-probability-flow",
    routes=("Bayes' rule on the path", "dlmath's drift, diffusion and score"),
)
def test_probability_flow(verify):
    """The mean velocity of a schedule is the drift of its probability flow."""
    found = mean_rate(PLACES)
    score = NoisyEmpirical(POINTS, SCHEDULE).score(PLACES, R)
    f, g2 = SCHEDULE.drift(R), SCHEDULE.squared_diffusion(R)
    verify.agree(found, f * PLACES - g2 / 2 * score, atol=1e-10)
    verify.refutes(found, f * PLACES - g2 * score, why="factor 2: the reverse stochastic equation")
    verify.refutes(found, f * PLACES + g2 / 2 * score, why="sign")
    verify.refutes(found, -g2 / 2 * score, why="without the drift")


@pytest.mark.verifies("eq-flow-matching-ddim", routes=("dlmath.diffusion.ddim", "Euler's step"))
def test_ddim(verify):
    """A step of DDIM in the straight schedule is a step of Euler's."""
    t, later = 0.3, 0.55
    step = ddim(EMPIRICAL, PLACES, StraightSchedule(), [1 - t, 1 - later])
    u = exact_velocity(EMPIRICAL)(PLACES, t)
    verify.agree(step, PLACES + (later - t) * u, atol=1e-12)
    verify.refutes(step, PLACES - (later - t) * u, why="sign")
    verify.refutes(step, PLACES + (1 - t) * u, why="the whole way")
    D = EMPIRICAL(PLACES, 1 - t)
    verify.agree(step, later * D + (1 - later) * (PLACES - t * D) / (1 - t), atol=1e-12)
    verify.refutes(
        step, later * D + (1 - later) * (PLACES - D) / (1 - t), why="noise without the time"
    )
    verify.refutes(step, later * D + (1 - later) * PLACES, why="the place for the noise")
