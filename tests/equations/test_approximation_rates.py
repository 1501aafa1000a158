"""The numbered equations of the chapter on approximation rates."""

import itertools

import numpy as np
import pytest
import sympy
from dlmath.approximation import (
    best_pieces,
    gaussian_constant,
    greedy,
    kinks,
    least_error,
    most_pieces,
    pair_energy,
    pair_frequencies,
    pair_second_moment,
    points_on_sphere,
    product,
    sample_steps,
    sawtooth,
    sawtooth_network,
    square,
    tent,
)
from dlmath.networks import FeedForwardNetwork
from scipy import integrate, optimize, special

# A function with phases: cosines in the plane and a constant, as a list of complex exponentials.
WAVES = np.array([[1.3, -0.4], [0.2, 2.1], [-1.7, 0.9]])
SIZES = np.array([0.8, -0.5, 1.1])
PHASES = np.array([0.3, 2.0, -1.2])
LEVEL = 0.7
R = 1.5


def exponentials():
    """List the measure F: frequencies of both signs and zero, and complex amplitudes."""
    half = SIZES / 2 * np.exp(1j * PHASES)
    omega = np.vstack([np.zeros((1, 2)), WAVES, -WAVES])
    return omega, np.concatenate([[LEVEL], half, half.conj()])


def plane_function(X):
    return LEVEL + np.cos(X @ WAVES.T + PHASES) @ SIZES


def ball(n, seed):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, 2))
    return R * X * np.sqrt(rng.uniform(size=(n, 1))) / np.linalg.norm(X, axis=1, keepdims=True)


def spectrum():
    """Give the constant, and Lambda: probabilities, lengths, directions and phases."""
    omega, amplitude = exponentials()
    omega, amplitude = omega[1:], amplitude[1:]
    length = np.linalg.norm(omega, axis=1)
    weight = length * np.abs(amplitude)
    return weight.sum(), weight / weight.sum(), length, omega / length[:, None], np.angle(amplitude)


# Grid, energy, and one wave.


@pytest.mark.verifies("eq-approximation-rates-grid", routes=("counting", "the formula"))
def test_cells_of_a_grid(verify):
    """The cells of a grid in the unit cube, listed one by one, are as many as the formula says."""
    for d, cells in ((1, 5), (3, 4), (6, 2)):
        count = sum(1 for _ in itertools.product(range(cells), repeat=d))
        h = 1 / cells
        verify.agree(count, (1 / h) ** d, rtol=1e-14)
        verify.refutes(count, (1 / h + 1) ** d, why="corners for cells")
    verify.refutes(count, d / h, why="d as a factor")


@pytest.mark.verifies(
    "eq-approximation-rates-energy", routes=("sympy, pair by pair", "dlmath.approximation")
)
def test_pair_energy(verify):
    """The mean over the pairs, summed in sympy, is the energy that the chapter uses."""
    x = [sympy.Rational(1, 2), sympy.Rational(-3, 4), sympy.Rational(5, 4), sympy.Integer(0)]
    terms = [sympy.exp(-((a - b) ** 2) / 2) for a, b in itertools.combinations(x, 2)]
    energy = pair_energy([[float(v) for v in x]])[0]
    total = float(sum(terms))
    verify.agree(energy, 2 / (4 * 3) * total, rtol=1e-14)
    verify.refutes(energy, total / (4 * 3), why="factor 2")
    verify.refutes(energy, 2 / 4**2 * (total + 2), why="each particle with itself")
    wide = float(sum(t**2 for t in terms))
    verify.refutes(energy, wide / 6, why="no half in the exponent")


@pytest.mark.verifies(
    "eq-approximation-rates-line",
    "eq-approximation-rates-coin",
    routes=("adaptive quadrature", "values of the function"),
)
@pytest.mark.parametrize("z", [-1.1, -0.2, 0.7, 1.3])
def test_a_wave_is_a_mean_of_steps(verify, z):
    """The integral of steps, and the mean over coin and threshold, give the wave back."""
    r = 1.4

    def g(s):
        return np.sin(2 * s + 0.4) + 0.3 * s**2

    def slope(s):
        return 2 * np.cos(2 * s + 0.4) + 0.6 * s

    def integral(function):
        return integrate.quad(function, 0, r, points=[abs(z)], epsabs=1e-13)[0]

    def steps(sign=-1, turned=-1):
        return integral(lambda t: slope(t) * (z > t) + sign * slope(turned * t) * (-z > t))

    difference = g(z) - g(0)
    verify.agree(steps(), difference, atol=1e-14)
    if z < 0:
        verify.refutes(steps(sign=1), difference, why="sign of the left side")
        verify.refutes(steps(turned=1), difference, why="slope on the wrong side")

    def drawn(size=2 * r, signed=True):
        sides = [
            integral(lambda t, u=u: size * (u if signed else 1) * slope(u * t) * (u * z > t)) / r
            for u in (-1, 1)
        ]
        return np.mean(sides)

    verify.agree(drawn(), difference, atol=1e-14)
    verify.refutes(drawn(size=r), difference, why="factor 2")
    verify.refutes(drawn(size=2), difference, why="r forgotten")
    if z < 0:
        verify.refutes(drawn(signed=False), difference, why="no sign of the side")


@pytest.mark.verifies(
    "eq-approximation-rates-sampling", routes=("all outcomes of the draws", "the formula")
)
@pytest.mark.parametrize("m", [1, 2, 4])
def test_mean_of_draws(verify, m):
    """The error of the mean, averaged over every outcome with its probability, is the formula."""
    rng = np.random.default_rng(0)
    values, chance = rng.normal(size=(4, 6)), rng.dirichlet(np.ones(4))
    mu = rng.dirichlet(np.ones(6))
    h = chance @ values
    mean = sum(
        np.prod(chance[list(pick)]) * (mu @ (h - values[list(pick)].mean(axis=0)) ** 2)
        for pick in itertools.product(range(4), repeat=m)
    )
    square_of_g, square_of_h = chance @ values**2 @ mu, mu @ h**2
    verify.agree(mean, (square_of_g - square_of_h) / m, rtol=1e-12)
    verify.refutes(mean, square_of_g / m, why="the square of h forgotten")
    verify.refutes(mean, (square_of_g + square_of_h) / m, why="sign")
    if m > 1:
        verify.refutes(mean, (square_of_g - square_of_h) / m**2, why="m squared")
        verify.refutes(mean, (square_of_g - square_of_h) / (m - 1), why="m - 1")


# Barron's theorem.


@pytest.mark.verifies(
    "eq-approximation-rates-fourier",
    "eq-approximation-rates-constant",
    routes=("discrete Fourier transform", "cosines"),
)
def test_spectrum_of_waves(verify):
    """The transform of samples gives amplitudes that rebuild the function, and its constant."""
    k, a, phase = np.array([1, 3, 4]), np.array([0.8, -0.5, 0.3]), np.array([0.3, 2.0, -1.2])

    def f(x):
        return np.cos(np.multiply.outer(x, k) + phase) @ a

    n = 16
    F = np.fft.fft(f(2 * np.pi * np.arange(n) / n)) / n
    omega = np.fft.fftfreq(n, 1 / n)
    x = np.array([0.123, 1.7, 4.4])

    def rebuilt(sign=1, F=F):
        return (np.exp(sign * 1j * np.multiply.outer(x, omega)) @ F).real

    verify.agree(rebuilt(), f(x), atol=1e-14)
    verify.refutes(rebuilt(sign=-1), f(x), why="sign in the exponent")
    verify.refutes(rebuilt(F=np.abs(F)), f(x), why="no phases")
    constant = np.abs(omega) @ np.abs(F)
    verify.agree(constant, np.abs(a) @ k, rtol=1e-14)
    verify.refutes(constant, np.abs(a) @ k / 2, why="factor 2")
    verify.refutes(constant, a @ k, why="amplitudes with their sign")
    verify.refutes(constant, np.abs(a) @ k**2, why="second moment")


@pytest.mark.verifies(
    "eq-approximation-rates-waves",
    "eq-approximation-rates-ridge",
    "eq-approximation-rates-steps",
    routes=("complex exponentials", "real waves", "quadrature over the tickets"),
)
def test_from_fourier_to_steps(verify):
    """The function minus its value at the origin, in three ways: waves, ridges, a mean of steps."""
    X = ball(6, 1)
    omega, amplitude = exponentials()
    f = (np.exp(1j * X @ omega.T) @ amplitude).real
    origin = amplitude.sum().real
    theta = np.angle(amplitude)

    def waves(shift=True, sign=1):
        terms = np.cos(sign * X @ omega.T + theta) - shift * np.cos(theta)
        return terms @ np.abs(amplitude)

    verify.agree(waves(), f - origin, atol=1e-13)
    verify.refutes(waves(shift=False), f - origin, why="value at the origin not subtracted")
    verify.refutes(waves(sign=-1), f - origin, why="sign of the frequency")

    constant, chance, length, a, phase = spectrum()

    def ridge(scale=1 / length):
        z = X @ a.T
        return constant * (np.cos(length * z + phase) - np.cos(phase)) * scale @ chance

    verify.agree(ridge(), f - origin, atol=1e-13)
    verify.refutes(ridge(scale=1), f - origin, why="not divided by the length")
    verify.refutes(ridge() * 2, f - origin, why="factor 2 of the ridges")

    nodes, weights = np.polynomial.legendre.leggauss(40)

    def mean_of_tickets(size=2 * R, sign=-1, side=True):
        total = np.zeros(len(X))
        for j, p in enumerate(chance):
            for u in (-1, 1):
                top = np.maximum(u * X @ a[j], 0)[:, None]
                t = top * (nodes + 1) / 2
                height = sign * (u if side else 1) * np.sin(u * length[j] * t + phase[j])
                total += p / 2 * size * constant * ((top / 2 * height) @ weights) / R
        return total

    verify.agree(mean_of_tickets(), f - origin, atol=1e-13)
    verify.refutes(mean_of_tickets(size=R), f - origin, why="factor 2 of the coin")
    verify.refutes(mean_of_tickets(sign=1), f - origin, why="sign of the sine")
    verify.refutes(mean_of_tickets(side=False), f - origin, why="side forgotten")
    verify.refutes(mean_of_tickets(size=2), f - origin, why="r forgotten")


def tickets(m, rng):
    constant, chance, length, a, phase = spectrum()
    j = rng.choice(len(chance), size=m, p=chance)
    origin = plane_function(np.zeros((1, 2)))[0]
    return sample_steps(length[j, None] * a[j], phase[j], R, constant, origin, rng)


@pytest.mark.verifies(
    "eq-approximation-rates-network", routes=("dlmath.networks", "dlmath.approximation.Steps")
)
def test_network_of_sigmoids(verify):
    """A steep network of logistic units with the weights of the proof agrees with the steps."""
    rng = np.random.default_rng(2)
    m, tau = 40, 1e5
    steps, X = tickets(m, rng), ball(30, 3)
    distance = np.abs(X @ steps.a.T - steps.t)
    X = X[distance.min(axis=1) > 1e-3]
    network = FeedForwardNetwork([2, m, 1], activation="sigmoid")
    W1, b1, W2, b2 = network.parameters

    def values(slope=tau, threshold=-tau, bias=steps.bias, share=1):
        W1[...], b1[...] = slope * steps.a.T, threshold * steps.t
        W2[...], b2[...] = share * steps.c[:, None], bias
        return network.forward(X)[:, 0]

    verify.agree(values(), steps(X), atol=1e-14)
    verify.refutes(values(threshold=tau), steps(X), why="sign of the threshold")
    verify.refutes(values(bias=0), steps(X), why="value at the origin forgotten")
    verify.refutes(values(slope=-tau), steps(X), why="sign of the direction")
    verify.refutes(values(share=1 / m), steps(X), why="divided twice by m")
    constant = spectrum()[0]
    verify.at_most(np.abs(steps.c).sum(), 2 * R * constant)
    verify.refutes(np.abs(steps.c).sum(), R * constant, why="factor 2 of the weights")


@pytest.mark.verifies(
    "eq-approximation-rates-bound", routes=("sampled networks, with atoms in mu", "the bound")
)
def test_bound(verify):
    """Measured on points with unequal weights, one of them on a step, the error keeps below."""
    rng = np.random.default_rng(4)
    X = np.vstack([ball(20, 5), [[0.0, 0.0], [R, 0.0]]])
    mu = rng.dirichlet(np.ones(22))
    f = plane_function(X)
    constant = spectrum()[0]
    for m in (1, 10, 100):
        errors = [mu @ (f - tickets(m, rng)(X)) ** 2 for _ in range(100)]
        verify.at_most(min(errors), (2 * R * constant) ** 2 / m)
        verify.at_most(np.mean(errors), (2 * R * constant) ** 2 / m)
    verify.refutes(np.mean(errors), (2 * R * constant) ** 2 / m**2, why="m squared")
    verify.refutes(np.mean(errors), (R * constant) ** 2 / m / 16, why="an eighth of r")
    verify.refutes(np.mean(errors), -((2 * R * constant) ** 2) / m, why="sign")


@pytest.mark.verifies(
    "eq-approximation-rates-equality", routes=("Monte Carlo with error bars", "quadrature")
)
def test_equality(verify):
    """The mean error of 4000 networks agrees, within four error bars, with the closed form."""
    rng = np.random.default_rng(6)
    X, m = ball(25, 7), 3
    f = plane_function(X)
    errors = np.array([np.mean((f - tickets(m, rng)(X)) ** 2) for _ in range(4000)])
    bar = errors.std(ddof=1) / np.sqrt(len(errors))
    constant, chance, length, a, phase = spectrum()
    t = (np.arange(20000) + 0.5) * R / 20000
    origin = plane_function(np.zeros((1, 2)))[0]

    def closed(power=2, share=True, size=2 * R, subtract=1):
        total = 0
        for j, p in enumerate(chance):
            for u in (-1, 1):
                fires = np.searchsorted(np.sort(-u * X @ a[j]), -t) / len(X) if share else 1
                wave = np.abs(np.sin(u * length[j] * t + phase[j])) ** power
                total += p / 2 * np.mean(wave * fires)
        return ((size * constant) ** 2 * total - subtract * np.mean((f - origin) ** 2)) / m

    verify.agree(errors.mean(), closed(), atol=4 * bar)
    verify.refutes(errors.mean(), closed(subtract=0), why="the square of f - f(0) forgotten")
    verify.refutes(errors.mean(), closed(power=1), why="sine not squared")
    verify.refutes(errors.mean(), closed(share=False), why="every step fires")
    verify.refutes(errors.mean(), closed(size=R), why="factor 2")
    verify.refutes(errors.mean(), closed() / m, why="factor m")


# The pair energy.


@pytest.mark.verifies(
    "eq-approximation-rates-pairs", routes=("sympy", "the mean length of sampled frequencies")
)
def test_constant_of_the_pairs(verify):
    """The mean length of the frequencies in sympy, and from what dlmath draws with that weight."""
    g = sympy.symbols("g", real=True)
    density = sympy.exp(-(g**2) / 2) / sympy.sqrt(2 * sympy.pi)
    length = sympy.integrate(2 * sympy.sqrt(2) * g * density, (g, 0, sympy.oo))
    verify.identical(length, 2 / sympy.sqrt(sympy.pi))
    verify.refutes(length, sympy.sqrt(2 / sympy.pi), why="root of 2 of the direction")
    verify.refutes(length, 4 / sympy.sqrt(sympy.pi), why="factor 2")
    # The harmonic mean of lengths drawn with their length as a weight is the plain mean.
    for d in (2, 7):
        omega = pair_frequencies(200_000, d, np.random.default_rng(8))
        inverse = 1 / np.linalg.norm(omega, axis=1)
        bar = 4 * inverse.std() / np.sqrt(inverse.size)
        verify.agree(inverse.mean(), np.sqrt(np.pi) / 2, atol=bar)
        verify.refutes(inverse.mean(), np.sqrt(np.pi / 2), why="without the direction's length")


@pytest.mark.verifies(
    "eq-approximation-rates-moment",
    routes=("double quadrature", "dlmath.approximation.pair_second_moment"),
)
@pytest.mark.parametrize("d", [2, 5])
def test_second_moment(verify, d):
    """Quadrature over the length of the frequency and the threshold gives the closed form."""
    r = np.sqrt(d)
    X = points_on_sphere(4, d, r, np.random.default_rng(9))
    i, j = np.triu_indices(d, 1)
    z = np.abs(X[:, i] - X[:, j]).ravel() / np.sqrt(2)

    def inner(v):
        return integrate.dblquad(
            lambda t, g: g * np.exp(-(g**2) / 2) * np.sin(np.sqrt(2) * g * t) ** 2,
            0,
            9,
            0,
            v,
            epsabs=1e-9,
        )[0]

    constant = 2 / np.sqrt(np.pi)
    by_quadrature = (2 * r * constant) ** 2 / (2 * r) * np.mean([inner(v) for v in z])

    def closed(front=8 * r / np.pi, inside=2.0, share=0.25):
        return front * np.mean(z / 2 - share * special.dawsn(inside * z))

    verify.agree(by_quadrature, closed(), rtol=1e-13)
    verify.refutes(by_quadrature, closed(front=4 * r / np.pi), why="factor 2")
    verify.refutes(by_quadrature, closed(front=8 / np.pi), why="r forgotten")
    verify.refutes(by_quadrature, closed(inside=1), why="no 2 in the argument")
    verify.refutes(by_quadrature, closed(share=-0.25), why="sign")
    verify.refutes(by_quadrature, closed(share=0.5), why="half of Dawson's integral")
    verify.agree(by_quadrature, pair_second_moment(X, r), rtol=1e-13)
    verify.refutes(by_quadrature, pair_second_moment(X, 2 * r), why="another radius")


# Greedy choice, placed steps, the Gaussian, fixed bases, the balance.


@pytest.mark.verifies(
    "eq-approximation-rates-greedy",
    "eq-approximation-rates-jones",
    routes=("all choices tried one by one", "dlmath.approximation.greedy", "the bound"),
)
def test_greedy(verify):
    """Trying every element gives dlmath's choice; an orthonormal basis nearly meets the bound."""
    rng = np.random.default_rng(10)
    G = rng.normal(size=(15, 30))
    h = G @ rng.dirichlet(np.ones(30))

    def recursion(old=lambda k: 1 - 1 / k, new=lambda k: 1 / k):
        current, errors = np.zeros(15), []
        for k in range(1, 9):
            tried = [old(k) * current + new(k) * g for g in G.T]
            current = min(tried, key=lambda f: np.mean((f - h) ** 2))
            errors.append(np.mean((current - h) ** 2))
        return errors

    errors = greedy(G, h, 8)[1]
    verify.agree(errors, recursion(), rtol=1e-11)
    verify.refutes(errors, recursion(new=lambda k: 1.0), why="new element with weight one")
    verify.refutes(errors, recursion(old=lambda k: 1.0), why="old mean not shrunk")
    shifted = recursion(lambda k: 1 - 1 / (k + 1), lambda k: 1 / (k + 1))
    verify.refutes(errors, shifted, why="k + 1 for k")

    basis = np.sqrt(40) * np.linalg.qr(rng.normal(size=(40, 40)))[0]
    m = np.arange(1, 21)
    errors = greedy(basis, basis.mean(axis=1), 20)[1]
    bound = (1 - 1 / 40) / m
    verify.at_most(errors, bound, atol=1e-13)
    verify.refutes(errors, bound / m, why="m squared")
    verify.refutes(errors, bound / 2, why="half of the variance")
    verify.refutes(errors, (1 / m - 1 / 40) * 0.999, why="less than the orthonormal basis has")


@pytest.mark.verifies(
    "eq-approximation-rates-placed",
    "eq-approximation-rates-limit",
    routes=("quadrature", "sympy", "the formulas"),
)
def test_placed_steps(verify):
    """For x^2 sympy sums the errors of all pieces for every N; for a wave quadrature does."""
    x, i = sympy.symbols("x i")
    N = sympy.symbols("N", positive=True, integer=True)
    left, right = i / N, (i + 1) / N
    mean = N * sympy.integrate(x**2, (x, left, right))
    piece = sympy.expand(sympy.integrate((x**2 - mean) ** 2, (x, left, right)))
    error = sympy.summation(piece, (i, 0, N - 1))
    limit = sympy.limit(sympy.expand(N**2 * error), N, sympy.oo)
    slope = sympy.integrate((2 * x) ** 2, (x, 0, 1))
    verify.identical(limit, slope / 12)
    verify.refutes(limit, slope / 6, why="the constant of the bound")
    verify.refutes(limit, slope / 3, why="factor 4")
    linear = sympy.integrate(2 * x, (x, 0, 1))
    verify.refutes(limit, linear / 12, why="slope not squared")
    for pieces in (1, 3, 10):
        edges = np.linspace(0, 1, pieces + 1)
        total = 0.0
        for a, b in itertools.pairwise(edges):
            mean = integrate.quad(lambda t: np.cos(5 * t), a, b)[0] / (b - a)
            total += integrate.quad(lambda t, c=mean: (np.cos(5 * t) - c) ** 2, a, b)[0]
        slopes = integrate.quad(lambda t: 25 * np.sin(5 * t) ** 2, 0, 1)[0]
        verify.at_most(total, slopes / (6 * pieces**2))
    verify.refutes(total, slopes / (6 * pieces**3), why="third power of N")
    verify.refutes(total, slopes / (13 * pieces**2), why="less than the limit allows")


@pytest.mark.verifies(
    "eq-approximation-rates-gaussian",
    routes=("quadrature in polar coordinates", "dlmath.approximation.gaussian_constant"),
)
@pytest.mark.parametrize("d", [1, 2, 5, 20])
def test_gaussian(verify, d):
    """The mean length of a normal vector by quadrature is the ratio of Gamma functions."""
    weight = [
        integrate.quad(lambda s, q=q: s ** (d - 1 + q) * np.exp(-(s**2) / 2), 0, 40, epsabs=0)[0]
        for q in (0, 1)
    ]
    length = weight[1] / weight[0]
    verify.agree(length, gaussian_constant(d), rtol=1e-13)
    verify.refutes(length, gaussian_constant(d + 1), why="d + 1")
    verify.refutes(length, gaussian_constant(d) / np.sqrt(2), why="root of 2")
    verify.refutes(length, np.sqrt(d), why="root of the mean square")
    verify.at_most([d / np.sqrt(d + 1), length], [length, np.sqrt(d)])
    verify.refutes([np.sqrt(d), length], [length, d / np.sqrt(d + 1)], why="bounds exchanged")
    verify.agree(gaussian_constant(d) * gaussian_constant(d + 1), d, rtol=1e-12)
    verify.refutes(gaussian_constant(d) * gaussian_constant(d + 1), d + 1, why="product d + 1")


@pytest.mark.verifies(
    "eq-approximation-rates-fixed", routes=("least squares on a grid", "the bound")
)
@pytest.mark.parametrize("seed", [None, 0])
def test_fixed_basis(verify, seed):
    """What the 300 lowest waves, or random ones, miss of the worst wave is above the bound."""
    d, m, C = 2, 300, 1.7
    axis = np.arange(48) / 48
    X = np.array(list(itertools.product(axis, repeat=d)))
    half = [k for k in itertools.product(range(-16, 17), repeat=d) if k > (0,) * d]
    half.sort(key=lambda k: k[0] ** 2 + k[1] ** 2)
    k = np.array(half[:700])
    waves = np.cos(2 * np.pi * X @ k.T)
    functions = C / (2 * np.pi * np.linalg.norm(k, axis=1)) * waves
    mixed = np.random.default_rng(seed).normal(size=(len(k), m))
    S = waves[:, :m] if seed is None else waves @ mixed
    coefficients = np.linalg.lstsq(S, functions, rcond=None)[0]
    missed = np.mean((functions - S @ coefficients) ** 2, axis=0).max()

    def bound(power=2 / d, front=16 * np.pi**2 * d):
        return C**2 / (front * (4 * m + 1) ** power)

    verify.at_most(bound(), missed)
    verify.refutes(bound(power=0, front=1), missed, why="the square of C")
    if seed is None:
        verify.refutes(bound(power=0), missed, why="independent of m")
        verify.refutes(bound(power=1 / d), missed, why="exponent of the norm, not its square")
        verify.refutes(bound(front=1), missed, why="constant forgotten")


@pytest.mark.verifies("eq-approximation-rates-balance", routes=("scipy's search", "the formula"))
def test_balance(verify):
    """A search for the best width ends where the formula says, with the error that it says."""
    A, s, n = 0.7, 0.3, 500.0
    found = optimize.minimize_scalar(
        lambda u: A / np.exp(u) + s**2 * np.exp(u) / n, bounds=(0, 10), options={"xatol": 1e-10}
    )
    verify.agree(np.exp(found.x), np.sqrt(A * n) / s, rtol=1e-6)
    verify.refutes(np.exp(found.x), np.sqrt(A * n) / s**2, why="variance for deviation")
    verify.refutes(np.exp(found.x), np.sqrt(A / n) / s, why="factor n")
    verify.agree(found.fun, 2 * s * np.sqrt(A / n), rtol=1e-10)
    verify.refutes(found.fun, s * np.sqrt(A / n), why="factor 2")
    verify.refutes(found.fun, 2 * s * np.sqrt(A * n), why="n in the numerator")


# Depth.


@pytest.mark.verifies(
    "eq-approximation-rates-tent",
    "eq-approximation-rates-teeth",
    routes=("the distance from the nearest integer", "dlmath.approximation"),
)
@pytest.mark.parametrize("k", [1, 3, 6])
def test_teeth(verify, k):
    """Twice the distance of 2^(k-1) x from the nearest integer is the composition of k tents."""
    x = np.random.default_rng(11).uniform(size=200)

    def teeth(number):
        y = number * x
        return 2 * np.abs(y - np.round(y))

    verify.agree(sawtooth(x, k), teeth(2 ** (k - 1)), atol=1e-12)
    verify.refutes(sawtooth(x, k), teeth(2**k), why="factor 2 in the number of teeth")
    verify.refutes(sawtooth(x, k), 1 - teeth(2 ** (k - 1)), why="valleys for teeth")
    relu = 2 * np.maximum(0, x) - 4 * np.maximum(0, x - 0.5)
    verify.agree(relu, np.where(x < 0.5, 2 * x, 2 - 2 * x), atol=1e-14)
    wrong = 2 * np.maximum(0, x) - 2 * np.maximum(0, x - 0.5)
    verify.refutes(wrong, np.where(x < 0.5, 2 * x, 2 - 2 * x), why="slope 2 for 4")
    verify.agree(tent(x), relu, atol=1e-15)
    verify.refutes(tent(x), -relu, why="sign")


def network_values(parameters, x):
    A = x[:, None]
    for W, b in zip(parameters[:-2:2], parameters[1:-2:2], strict=True):
        A = np.clip(A @ W + b, 0, None)
    return (A @ parameters[-2] + parameters[-1])[:, 0]


@pytest.mark.verifies(
    "eq-approximation-rates-pieces", routes=("slopes on a fine grid", "dlmath.kinks", "the bound")
)
def test_pieces(verify):
    """Random networks and the composed tents keep below the bound; one layer attains it."""
    rng = np.random.default_rng(12)
    for widths in ((7,), (3, 4), (2, 2, 2, 2)):
        sizes = [1, *widths, 1]
        P = []
        for a, b in itertools.pairwise(sizes):
            P += [rng.normal(size=(a, b)), rng.normal(size=b)]
        places, _ = kinks(P, -9, 9)
        x = np.linspace(-9, 9, 400_001)
        slopes = np.diff(network_values(P, x)) / np.diff(x)
        bends = np.flatnonzero(np.abs(np.diff(slopes, n=1)) > 1e-7)
        counted = 1 + np.count_nonzero(np.diff(bends, prepend=-9) > 1)
        verify.agree(len(places) + 1, counted)
        verify.refutes(len(places), counted, why="kinks for pieces")
        verify.at_most(counted, most_pieces(widths))
    wide = [np.ones((1, 5)), -np.arange(1.0, 6), np.ones((5, 1)), np.zeros(1)]
    verify.at_most(float(len(kinks(wide, 0, 9)[1])), most_pieces([5]))
    verify.refutes(float(len(kinks(wide, 0, 9)[1])), 5, why="one piece for each unit")
    pieces = len(kinks(sawtooth_network(6), 0, 1)[1])
    verify.at_most(pieces, most_pieces([2] * 6))
    verify.refutes(pieces, 2 * 6 + 1, why="sum for product")
    verify.refutes(pieces, 1.9**6, why="less than two for each layer")


@pytest.mark.verifies(
    "eq-approximation-rates-depth",
    routes=("linear programs", "dynamic programming", "dlmath.approximation.least_error"),
)
def test_depth(verify):
    """No straight line does better on one tooth; the best pieces on 16 teeth keep the bound."""

    # Unknowns: intercept, slope and, for each point or for all, a bound of the distance.
    def program(x, cost, rows):
        T, line = 1 - np.abs(2 * x - 1), np.column_stack([np.ones_like(x), x])
        A = np.vstack([np.hstack([sign * line, rows]) for sign in (1, -1)])
        found = optimize.linprog(
            cost, A_ub=A, b_ub=np.concatenate([T, -T]), bounds=[(None, None)] * len(cost)
        )
        return found.fun

    x = (np.arange(400) + 0.5) / 400
    T = 1 - np.abs(2 * x - 1)
    one = np.ones_like(x)
    least_mean = program(x, np.concatenate([[0, 0], one / 400]), -np.eye(400))
    least_largest = program(np.linspace(0, 1, 101), np.array([0, 0, 1.0]), -np.ones((101, 1)))
    design = np.column_stack([one, x])
    least_square = np.mean((T - design @ np.linalg.lstsq(design, T, rcond=None)[0]) ** 2)
    found = [least_mean, least_square, least_largest]
    verify.agree(found, least_error(1, 1), rtol=2e-4)
    verify.refutes(found, [1 / 2, 1 / 12, 1 / 2], why="factor 2 of the mean")
    verify.refutes(found, [1 / 4, 1 / 3, 1 / 2], why="mean square about zero")
    verify.refutes(found, [1 / 4, 1 / 12, 1 / 4], why="factor 2 of the largest")

    n = 512
    best = best_pieces(sawtooth((np.arange(n) + 0.5) / n, 5), 20)
    pieces = np.arange(1, 21)
    bound = np.array([least_error(5, p)[1] for p in pieces])
    verify.at_most(bound * (1 - 1 / 256), best)
    wrong = np.maximum(0, 1 - (pieces - 1) / 2**5) / 12
    verify.refutes(wrong * (1 - 1 / 256), best, why="2^k for 2^(k-1)")
    verify.refutes(2 * bound, best, why="factor 2")
    verify.refutes(np.ones(20) / 12, best, why="the number of pieces ignored")

    # One layer that follows s teeth with 2s units: above the bound in the other two distances.
    s, fine = 3, np.linspace(0, 1, 16 * 2**10 + 1)
    g = np.where(fine < (s - 0.25) / 16, sawtooth(fine, 5), 0.5)
    gap = np.abs(g - sawtooth(fine, 5))
    mean, _, largest = least_error(5, 2 * s + 1)
    verify.at_most([mean, largest], [gap.mean(), gap.max()])
    verify.refutes([2 * mean, largest], [gap.mean(), gap.max()], why="factor 2, by a network")


@pytest.mark.verifies(
    "eq-approximation-rates-square", routes=("the polygon through the parabola", "dlmath.square")
)
@pytest.mark.parametrize("k", [1, 3, 5])
def test_square_by_teeth(verify, k):
    """The sum of teeth is NumPy's polygon through points of the parabola, with the error stated."""
    nodes = np.arange(2**k + 1) / 2**k
    x = np.random.default_rng(13).uniform(size=300)
    polygon = np.interp(x, nodes, nodes**2)

    def teeth(sign=-1, base=4, last=k):
        return x + sign * sum(sawtooth(x, j) / base**j for j in range(1, last + 1))

    verify.agree(square(x, k), polygon, atol=1e-15)
    verify.agree(teeth(), polygon, atol=1e-15)
    verify.refutes(teeth(sign=1), polygon, why="sign")
    verify.refutes(teeth(base=2), polygon, why="2^j for 4^j")
    verify.refutes(teeth(last=k - 1), polygon, why="one tooth missing")
    middle = (nodes[1:] + nodes[:-1]) / 2
    error = square(middle, k) - middle**2
    verify.agree(error, np.full(2**k, 0.25 ** (k + 1)), rtol=1e-12)
    verify.refutes(error, np.full(2**k, 0.25**k), why="4^-k")
    gap = polygon - x**2
    verify.at_most(np.concatenate([-gap, gap]), np.repeat([0, 0.25 ** (k + 1)], 300), atol=1e-15)
    verify.refutes(
        np.concatenate([-gap, gap]), np.repeat([0, 0.25 ** (k + 2)], 300), why="4^-(k+2)"
    )


@pytest.mark.verifies("eq-approximation-rates-polygon", routes=("linear program", "the formula"))
@pytest.mark.parametrize("N", [1, 2, 5])
def test_best_polygon(verify, N):
    """The best largest error of straight pieces, piece by piece by linear programs."""

    def best(a, b):
        x = np.linspace(a, b, 201)
        one = np.ones_like(x)
        A = np.vstack([np.column_stack([s * one, s * x, -one]) for s in (1, -1)])
        b_ub = np.concatenate([x**2, -(x**2)])
        free = [(None, None)] * 3
        return optimize.linprog([0, 0, 1], A_ub=A, b_ub=b_ub, bounds=free).fun

    edges = np.linspace(0, 1, N + 1)
    largest = max(best(a, b) for a, b in itertools.pairwise(edges))
    verify.agree(largest, 1 / (8 * N**2), rtol=1e-6)
    verify.refutes(largest, 1 / (4 * N**2), why="the polygon through the points")
    verify.refutes(largest, 1 / (16 * N**2), why="factor 2")
    if N > 1:
        verify.refutes(largest, 1 / (8 * N), why="N not squared")
        other = np.sort(np.random.default_rng(14).uniform(size=(20, N - 1)))
        worst = [
            max(best(a, b) for a, b in itertools.pairwise([0, *cuts, 1])) for cuts in other[:5]
        ]
        verify.at_most(np.full(5, 1 / (8 * N**2)), worst, atol=1e-9)
        verify.refutes(np.full(5, 2.0), worst, why="a bound above every polygon")


@pytest.mark.verifies(
    "eq-approximation-rates-product", routes=("sympy", "dlmath.approximation.product")
)
@pytest.mark.parametrize("k", [2, 4])
def test_product(verify, k):
    """The three squares make the product in sympy; with teeth both bounds of the error are met."""
    a, b = sympy.symbols("a b")
    exact = 2 * ((a + b) / 2) ** 2 - (a**2 + b**2) / 2
    verify.identical(sympy.expand(exact), a * b)
    verify.refutes(sympy.expand(2 * ((a + b) / 2) ** 2 - a**2 - b**2), a * b, why="no half")
    verify.refutes(sympy.expand(((a + b) / 2) ** 2 - (a**2 + b**2) / 2), a * b, why="factor 2")
    x = np.arange(2 ** (k + 2) + 1) / 2 ** (k + 2)
    gap = product(x[:, None], x, k) - np.outer(x, x)
    unit = 0.25 ** (k + 1)
    verify.at_most([-gap.min(), gap.max()], [unit, 2 * unit], atol=1e-15)
    verify.refutes([-gap.min(), gap.max()], [unit, unit], why="factor 2 above")
    verify.refutes([-gap.min(), gap.max()], [unit / 2, 2 * unit], why="factor 2 below")
