"""The numbered equations of the chapter on energy models."""

import itertools

import numpy as np
import pytest
import sympy
import torch
from dlmath.densities import GaussianMixture
from dlmath.generative import EnergyModel
from dlmath.wavefunctions import (
    RBMWaveFunction,
    exact_averages,
    free_fermion_energy,
    local_energies,
    observables,
    spin_states,
    stochastic_reconfiguration,
    transverse_field_ising,
)
from scipy import integrate, linalg, optimize

torch.set_num_threads(1)

RNG = np.random.default_rng(0)
POINTS = np.array([1.0, -0.5]) + np.array([2.0, 0.7]) * RNG.normal(size=(200, 2))


@pytest.fixture(scope="module")
def model():
    settings = {"hidden": (6, 5), "n_chains": 40, "batch_size": 40, "langevin_steps": 2}
    return EnergyModel(**settings, gain=1.5, base=0.8, sharpness=3.0, steps=2).fit(POINTS)


def central(function, at, step=1e-5):
    """Differentiate a function of a vector by central differences, along the last axis."""
    return np.stack(
        [(function(at + step * e) - function(at - step * e)) / (2 * step) for e in np.eye(len(at))],
        axis=-1,
    )


# Any energy.


@pytest.mark.verifies(
    "eq-energy-models-law",
    "eq-energy-models-network",
    routes=("layers written out in NumPy, adaptive quadrature", "dlmath.generative.EnergyModel"),
)
def test_law_of_a_network_with_a_bowl(verify, model):
    """The density is the exponential of the network and the bowl, and integrates to one."""
    numbers = model.as_arrays()
    m, scale, g, b = (numbers[name] for name in ("mean", "scale", "gain", "base"))

    def energy(x, gain=g, half=0.5):
        u = (np.asarray(x) - m) / scale
        a = u
        for W, c in numbers["layers"][:-1]:
            z = W @ a + c
            a = z / (1 + np.exp(-z))
        W, c = numbers["layers"][-1]
        return gain * (W @ a + c)[0] + half * u @ u / b**2

    Z = integrate.dblquad(
        lambda y, x: np.exp(-energy([x, y])),
        m[0] - 7 * b * scale[0], m[0] + 7 * b * scale[0],
        m[1] - 7 * b * scale[1], m[1] + 7 * b * scale[1],
        epsabs=1e-8, epsrel=1e-8,
    )[0]  # fmt: skip
    some = POINTS[:4]
    ours = np.array([-energy(x) - np.log(Z) for x in some])
    verify.agree(ours, model.log_prob(some), atol=1e-6)
    verify.refutes(-ours, model.log_prob(some), why="sign of the energy")
    verify.refutes(ours + np.log(Z), model.log_prob(some), why="not normalised")
    bare = np.array([-energy(x, half=1.0) - np.log(Z) for x in some])
    verify.refutes(bare, model.log_prob(some), why="factor 2 in the bowl")
    weak = np.array([-energy(x, gain=1.0) - np.log(Z) for x in some])
    verify.refutes(weak, model.log_prob(some), why="gain forgotten")


@pytest.mark.verifies(
    "eq-energy-models-gradient", routes=("differences of the log-likelihood", "two phases")
)
def test_gradient_of_the_likelihood(verify):
    """For a quartic energy the derivative of the mean log-likelihood is the difference of means."""
    data = np.array([-0.7, 0.2, 1.1, 1.6])
    theta = np.array([0.6, -0.4])

    def energy(x, t):
        return t[0] * x**4 / 4 + t[1] * x**2 / 2 + x**2

    def mean(f, t):
        Z = integrate.quad(lambda x: np.exp(-energy(x, t)), -9, 9, epsabs=1e-13)[0]
        return integrate.quad(lambda x: f(x) * np.exp(-energy(x, t)) / Z, -9, 9, epsabs=1e-13)[0]

    def likelihood(t):
        Z = integrate.quad(lambda x: np.exp(-energy(x, t)), -9, 9, epsabs=1e-13)[0]
        return -energy(data, t).mean() - np.log(Z)

    slope = central(likelihood, theta)
    powers = (lambda x: x**4 / 4, lambda x: x**2 / 2)
    positive = np.array([f(data).mean() for f in powers])
    negative = np.array([mean(f, theta) for f in powers])
    verify.agree(slope, negative - positive, atol=1e-8)
    verify.refutes(slope, positive - negative, why="sign: the phases are exchanged")
    verify.refutes(slope, -positive, why="negative phase forgotten")
    verify.refutes(slope, negative - len(data) * positive, why="factor n in the positive phase")


@pytest.mark.verifies(
    "eq-energy-models-score", routes=("differences of log p", "EnergyModel.score")
)
def test_score(verify, model):
    """The slope of log p is minus the slope of the energy, whatever log Z is."""
    x = POINTS[3]
    slope = central(lambda y: model.log_prob(y[None])[0], x)
    verify.agree(slope, model.score(x[None])[0], atol=1e-7)
    verify.refutes(-slope, model.score(x[None])[0], why="sign")
    verify.refutes(slope * model.network_.scale.numpy(), model.score(x[None])[0], why="units")


@pytest.mark.verifies("eq-energy-models-langevin", routes=("moments of many steps", "the equation"))
def test_langevin_step(verify, model):
    """The mean of one step is half of eps times the score, its variance eps."""
    eps, n = model.step_size, 400_000
    u = torch.tensor([[0.5, -0.3]]).repeat(n, 1)
    with model._seeded(2), torch.no_grad():
        moved = (model._langevin(u) - u).double().numpy()
    scale = model.network_.scale.numpy()
    score = model.score((u[:1].numpy() * scale) + model.network_.mean.numpy())[0] * scale
    found = np.append(moved.mean(axis=0), moved.var(axis=0))
    right = np.append(eps / 2 * score, [eps, eps])
    verify.agree(found, right, atol=5 * np.sqrt(eps / n))
    verify.refutes(found, np.append(eps * score, [eps, eps]), why="factor 2 in the drift")
    verify.refutes(found, np.append(-eps / 2 * score, [eps, eps]), why="sign of the drift")
    verify.refutes(found, np.append(eps / 2 * score, [2 * eps] * 2), why="factor 2 in the noise")


@pytest.mark.verifies(
    "eq-energy-models-linear", routes=("differences of the quadrature", "covariance")
)
def test_energies_linear_in_their_parameters(verify):
    """The Hessian of the likelihood is minus the covariance of the bumps: it is concave."""
    centres, width, base, theta = np.array([-0.6, 0.8]), 0.5, 1.1, np.array([0.7, -1.2])
    x = np.linspace(-9, 9, 4001)
    phi = np.exp(-((x[:, None] - centres) ** 2) / (2 * width**2))

    def log_Z(t):
        return np.log(np.sum(np.exp(-phi @ t - x**2 / (2 * base**2))))

    hessian = central(lambda t: central(log_Z, t, 1e-4), theta, 1e-4)
    p = np.exp(-phi @ theta - x**2 / (2 * base**2) - log_Z(theta))
    C = np.cov(phi.T, aweights=p, ddof=0)
    verify.agree(-hessian, -C, atol=1e-6)
    verify.refutes(hessian, -C, why="sign: convex")
    verify.refutes(-hessian, -C / 2, why="factor 2")


# What a finite step learns.


def stationary(a, eps, noise=1.0):
    """Find the variance of the chain by iterating it."""
    variance = 1.0
    for _ in range(20_000):
        variance = (1 - eps * a / 2) ** 2 * variance + noise**2 * eps
    return variance


@pytest.mark.verifies(
    "eq-energy-models-direction",
    "eq-energy-models-noise",
    routes=("iterated variance", "closed form"),
)
def test_variance_of_the_chain_and_the_update(verify):
    """The stationary variance, with full and with less noise, and the update it gives."""
    a, eps, v = 1.7, 0.6, 0.5
    right = 1 / (a * (1 - eps * a / 4))
    verify.agree(stationary(a, eps), right, rtol=1e-12)
    verify.refutes(1 / a, right, why="no bias of the step")
    verify.refutes(1 / (a * (1 - eps * a / 2)), right, why="factor 2 in the bias")
    # Half the second moments are the means of the derivative of the energy.
    x = np.random.default_rng(1).normal(size=9)
    x *= np.sqrt(v / np.mean(x**2))
    E = sympy.symbols("a") * sympy.symbols("x") ** 2 / 2
    slope = sympy.lambdify(sympy.symbols("x"), sympy.diff(E, sympy.symbols("a")))
    chain = np.sqrt(stationary(a, eps)) * np.array([-1.0, 1.0])
    update = slope(chain).mean() - slope(x).mean()
    verify.agree(update, 0.5 * (right - v), rtol=1e-12)
    verify.refutes(update, right - v, why="one half forgotten")
    verify.refutes(update, 0.5 * (v - right), why="sign: phases exchanged")
    verify.agree(stationary(a, eps, 0.4), 0.4**2 / (a * (1 - eps * a / 4)), rtol=1e-12)
    verify.refutes(stationary(a, eps, 0.4), 0.4 / (a * (1 - eps * a / 4)), why="noise not squared")


@pytest.mark.verifies(
    "eq-energy-models-finite-step",
    "eq-energy-models-temperature",
    routes=("the flow, integrated with iterated variances", "roots of the quadratic"),
)
def test_where_training_with_a_finite_step_ends(verify):
    """The flow ends at the smaller root, where the model is too narrow by the temperature."""
    v, eps = 0.8, 0.5

    def update(a):
        return 0.5 * (stationary(a, eps) - v)

    small = 2 / eps * (1 - np.sqrt(1 - eps / v))
    large = 2 / eps * (1 + np.sqrt(1 - eps / v))
    found = [optimize.brentq(update, 0.3, 2 / eps), optimize.brentq(update, 2 / eps, 3.99 / eps)]
    verify.agree(found, [small, large], rtol=1e-9)
    verify.refutes([1 / v, large], [small, large], why="no bias of the step")
    verify.refutes(found[::-1], [small, large], why="roots exchanged")
    # The smaller root attracts: the update leads back to it from both sides.
    sides = np.sign([update(small - 0.1), update(small + 0.1), update(large + 0.1)])
    verify.agree(sides, [1.0, -1.0, 1.0])
    verify.refutes(-sides, [1.0, -1.0, 1.0], why="attraction and repulsion exchanged")
    a = found[0]
    tau = 2 / (1 + np.sqrt(1 - eps / v))
    verify.agree(1 / a, v / tau, rtol=1e-8)
    verify.refutes(a, v / tau, why="inverted")
    verify.refutes(1 / a, v * tau, why="too wide in place of too narrow")
    verify.agree(1 / a, v / 2 * (1 + np.sqrt(1 - eps / v)), rtol=1e-8)
    verify.refutes(1 / a, v * (1 + np.sqrt(1 - eps / v)), why="factor 2")
    # The expansion: the remainder is of second order.
    tiny = np.array([1e-3, 1e-4])
    tau = 2 / (1 + np.sqrt(1 - tiny))
    verify.agree((tau - 1) / tiny, [0.25, 0.25], atol=3e-4)
    verify.refutes((tau - 1) / tiny, [0.5, 0.5], why="factor 2 in the first order")
    # Beyond eps = v the update is positive at every a.
    grid = np.linspace(0.05, 3.9 / 1.0, 40)
    rising = np.array([-0.5 * (stationary(a, 1.0) - v) for a in grid])
    verify.at_most(rising, np.full(40, (v - 1.0) / 2), atol=1e-9)
    verify.refutes(-rising, np.full(40, (v - 1.0) / 2), why="sign")


@pytest.mark.verifies("eq-energy-models-short", routes=("K steps one by one", "geometric sum"))
def test_variance_after_few_steps(verify):
    """The variance of chains after K steps from a wide start."""
    a, eps, b, K = 2.3, 0.1, 1.4, 7
    variance = b**2
    for _ in range(K):
        variance = (1 - eps * a / 2) ** 2 * variance + eps
    q = 1 - eps * a / 2
    right = q ** (2 * K) * b**2 + eps * (1 - q ** (2 * K)) / (1 - q**2)
    verify.agree(variance, right, rtol=1e-12)
    wrong = q**K * b**2 + eps * (1 - q**K) / (1 - q)
    verify.refutes(wrong, right, why="factor q for q squared")
    verify.refutes(right - q ** (2 * K) * b**2, right, why="start forgotten")


# Scores.


@pytest.mark.verifies(
    "eq-energy-models-hyvarinen",
    "eq-energy-models-score-matching",
    routes=("quadrature with the score of the data", "quadrature without it"),
)
def test_hyvarinens_identity(verify):
    """For two humps and the score of a quartic energy the two sides agree."""
    p = GaussianMixture([0.3, 0.7], [[-1.0], [0.8]], 0.3)
    x = np.linspace(-7, 7, 20_001)[:, None]
    weight = np.exp(p.log_prob(x)) * (x[1, 0] - x[0, 0])
    true, z = p.score(x)[:, 0], x[:, 0]
    slope, curvature = 0.4 * z**3 - 0.5 * z + 0.2, 1.2 * z**2 - 0.5
    left = 0.5 * weight @ (-slope - true) ** 2
    J = weight @ (0.5 * slope**2 - curvature)
    constant = 0.5 * weight @ true**2
    verify.agree(left, J + constant, rtol=1e-11)
    verify.refutes(left, J + 2 * weight @ curvature + constant, why="sign of the Laplacian")
    verify.refutes(left, weight @ (slope**2 - curvature) + constant, why="one half forgotten")
    verify.refutes(left, J, why="constant forgotten")


@pytest.mark.verifies("eq-energy-models-boundary", routes=("sympy", "the text's polynomial"))
def test_flux_at_a_boundary(verify):
    """For the exponential law and a constant score a term -a is left over."""
    x, a = sympy.symbols("x a", positive=True)
    p = sympy.exp(-x)
    left = sympy.integrate((-a + 1) ** 2 / 2 * p, (x, 0, sympy.oo))
    verify.identical(left, (1 - a) ** 2 / 2)
    verify.refutes(left, (1 + a) ** 2 / 2, why="sign of the score")
    verify.identical(left, a**2 / 2 + sympy.Rational(1, 2) - a)
    verify.refutes(left, a**2 / 2 + sympy.Rational(1, 2), why="flux forgotten")
    flux = (-a) * p.subs(x, 0)
    verify.identical(left - sympy.integrate(a**2 / 2 * p + p / 2, (x, 0, sympy.oo)), flux)
    verify.refutes(left - a**2 / 2, flux, why="score of the data forgotten")


# The wave function.


def pauli(n, h):
    """Build the chain from Kronecker products, the last factor for spin 0."""
    one, X, Z = np.eye(2), np.array([[0.0, 1], [1, 0]]), np.diag([-1.0, 1])

    def at(operators):
        product = np.eye(1)
        for i in reversed(range(n)):
            product = np.kron(product, operators.get(i, one))
        return product

    H = -sum(at({i: Z, (i + 1) % n: Z}) for i in range(n))
    return H, -sum(at({i: X}) for i in range(n)), h


@pytest.mark.verifies(
    "eq-energy-models-chain", routes=("Kronecker products", "dlmath.wavefunctions")
)
def test_chain(verify):
    """The sparse matrix is that of Pauli's matrices."""
    bonds, turns, h = pauli(5, 0.7)
    ours = transverse_field_ising(5, 0.7).toarray()
    verify.agree(ours, bonds + h * turns, atol=1e-13)
    verify.refutes(ours, -bonds + h * turns, why="sign of the coupling")
    verify.refutes(ours, bonds - h * turns, why="sign of the field")
    verify.refutes(ours, 2 * bonds + h * turns, why="each pair counted twice")


@pytest.mark.verifies(
    "eq-energy-models-positive", "eq-energy-models-born", routes=("numpy.linalg", "absolute values")
)
def test_the_ground_state_is_positive(verify):
    """Absolute values never raise the energy, and the ground state has one sign."""
    bonds, turns, h = pauli(5, 0.7)
    H = bonds + h * turns
    psi = np.random.default_rng(3).normal(size=(50, 32))
    energies = np.einsum("ks,st,kt->k", psi, H, psi)
    absolute = np.einsum("ks,st,kt->k", np.abs(psi), H, np.abs(psi))
    verify.at_most(absolute, energies, atol=1e-12)
    verify.refutes(energies, absolute, why="sides exchanged")
    ground = np.linalg.eigh(H)[1][:, 0]
    ground *= np.sign(ground[0])
    verify.at_most(-ground, np.full(32, -1e-3))
    verify.refutes(-np.linalg.eigh(H)[1][:, 1], np.full(32, -1e-3), why="an excited state")
    E = -2 * np.log(ground)
    verify.agree(np.exp(-E) / np.exp(-E).sum(), ground**2, rtol=1e-12)
    verify.refutes(
        np.exp(-E / 2) / np.exp(-E / 2).sum(), ground**2, why="psi in place of its square"
    )


@pytest.mark.verifies(
    "eq-energy-models-rbm", "eq-energy-models-derivatives",
    routes=("sum over the hidden spins, differences", "RBMWaveFunction"),
)  # fmt: skip
def test_restricted_machine_as_a_wave_function(verify):
    """Summing out hidden spins gives the amplitudes; differences give the derivatives."""
    rng = np.random.default_rng(1)
    a, b, W = rng.normal(size=3), rng.normal(size=2), rng.normal(size=(3, 2))
    psi, S = RBMWaveFunction(a, b, W), spin_states(3)

    def summed(theta, factor=1.0):
        a, b, W = theta[:3], theta[3:5], theta[5:].reshape(3, 2)
        hidden = np.array(list(itertools.product([-1, 1], repeat=2)))
        return np.log(np.exp(factor * (S @ a)[:, None] + hidden @ b + S @ W @ hidden.T).sum(axis=1))

    theta = np.concatenate([a, b, W.ravel()])
    verify.agree(summed(theta), psi.log_psi(S), rtol=1e-12)
    verify.refutes(summed(-theta), psi.log_psi(S), why="sign")
    verify.refutes(summed(theta, 2.0), psi.log_psi(S), why="factor 2 of the biases")
    slopes = central(summed, theta)
    verify.agree(slopes, psi.log_derivatives(S), atol=1e-8)
    verify.refutes(-slopes, psi.log_derivatives(S), why="sign of the derivatives")
    swapped = np.hstack(
        [slopes[:, :5], slopes[:, 5:].reshape(-1, 3, 2).swapaxes(1, 2).reshape(-1, 6)]
    )
    verify.refutes(swapped, psi.log_derivatives(S), why="transpose of W")


@pytest.mark.verifies(
    "eq-energy-models-variational", routes=("quadratic form", "weights on the eigenvectors")
)
def test_variational_principle(verify):
    """The mean energy is the mean of the eigenvalues; the excess bounds the lost overlap."""
    bonds, turns, h = pauli(4, 1.3)
    H = bonds + h * turns
    E, vectors = np.linalg.eigh(H)
    psi = np.exp(0.3 * np.random.default_rng(2).normal(size=16)) + 2 * np.abs(vectors[:, 0])
    mean = psi @ H @ psi / (psi @ psi)
    w = (vectors.T @ psi) ** 2 / (psi @ psi)
    verify.agree(mean, w @ E, rtol=1e-12)
    verify.refutes(psi @ H @ psi, w @ E, why="not normalised")
    verify.refutes(mean, np.sqrt(w) @ E, why="amplitudes in place of their squares")
    verify.at_most([E[0], 1 - w[0]], [mean, (mean - E[0]) / (E[1] - E[0])])
    verify.refutes(
        [mean, (mean - E[0]) / (E[1] - E[0])], [E[0], 1 - w[0]], why="direction of the bounds"
    )


def wave(n=4, m=3, seed=1):
    rng = np.random.default_rng(seed)
    return RBMWaveFunction(*(0.4 * rng.normal(size=s) for s in (n, m, (n, m))))


@pytest.mark.verifies(
    "eq-energy-models-local",
    "eq-energy-models-variance",
    "eq-energy-models-force",
    routes=("matrices and differences", "local energies"),
)
def test_local_energies(verify):
    """Mean, variance and gradient of the energy from local energies are those of the matrix."""
    bonds, turns, h = pauli(4, 0.9)
    H, state, S = bonds + h * turns, wave(), spin_states(4)
    psi = np.exp(state.log_psi(S))
    ratio = H @ psi / psi
    found = local_energies(state.log_psi, S, h)
    verify.agree(found, ratio, rtol=1e-12)
    squared = local_energies(lambda T: 2 * state.log_psi(T), S, h)
    verify.refutes(squared, ratio, why="ratio of psi squared")
    verify.refutes(-found, ratio, why="sign")
    p = psi**2 / (psi @ psi)
    mean = psi @ H @ psi / (psi @ psi)
    spread = np.sum((H @ psi - mean * psi) ** 2) / (psi @ psi)
    both = [p @ found, p @ found**2 - (p @ found) ** 2]
    verify.agree(both, [mean, spread], rtol=1e-10)
    verify.agree(both[1], psi @ H @ H @ psi / (psi @ psi) - mean**2, rtol=1e-10)
    verify.refutes(both[1], psi @ H @ H @ psi / (psi @ psi), why="mean not subtracted")
    ground = np.linalg.eigh(H)[1][:, 0]
    verify.agree((H @ ground / ground).std(), 0.0, atol=1e-11)
    verify.refutes(ratio.std(), 0.0, why="a state that is no eigenvector")

    def energy(step):
        psi = np.exp(state.moved(step).log_psi(S))
        return psi @ H @ psi / (psi @ psi)

    gradient = central(energy, np.zeros(state.theta.size))
    O = state.log_derivatives(S)  # noqa: E741
    covariance = (p * (found - p @ found)) @ (O - p @ O)
    verify.agree(2 * covariance, gradient, atol=1e-8)
    verify.refutes(covariance, gradient, why="factor 2")
    verify.refutes(-2 * covariance, gradient, why="sign of the gradient")
    verify.refutes(2 * (p * found) @ O, gradient, why="means not subtracted")


@pytest.mark.verifies(
    "eq-energy-models-regression",
    "eq-energy-models-reconfiguration",
    routes=("numpy.linalg.lstsq, imaginary time, Fisher information", "exact_averages"),
)
def test_reconfiguration_is_least_squares(verify):
    """Regression of local energies on the derivatives gives the step of the natural gradient."""
    rng = np.random.default_rng(4)
    state = RBMWaveFunction(0.4 * rng.normal(size=4), rng.normal(size=1), rng.normal(size=(4, 1)))
    S, h, eta = spin_states(4), 0.9, 0.3
    found = exact_averages(state, h)
    psi = np.exp(state.log_psi(S))
    p = psi**2 / (psi @ psi)
    O, e = state.log_derivatives(S), local_energies(state.log_psi, S, h)  # noqa: E741
    design = np.sqrt(p)[:, None] * np.column_stack([np.ones(16), O])
    fit = np.linalg.lstsq(design, -eta * np.sqrt(p) * e, rcond=None)[0][1:]
    step = -eta * np.linalg.solve(found.metric, found.force)
    verify.agree(fit, step, rtol=1e-8)
    verify.refutes(-fit, step, why="sign")
    verify.refutes(fit, 2 * step, why="factor 2")
    without = np.linalg.lstsq(design[:, 1:], -eta * np.sqrt(p) * e, rcond=None)[0]
    verify.refutes(without, step, why="no intercept")

    def log_law(theta_step):
        logs = 2 * state.moved(theta_step).log_psi(S)
        return logs - np.log(np.exp(logs).sum())

    D = central(log_law, np.zeros(state.theta.size))
    fisher = D.T @ (p[:, None] * D)
    verify.agree(4 * found.metric, fisher, atol=1e-8)
    verify.refutes(found.metric, fisher, why="factor 4")
    # With as many parameters as states a small step is a step of imaginary time.
    bonds, turns, _ = pauli(4, h)
    small = 1e-6
    moved = linalg.expm(-small * (bonds + h * turns)) @ psi
    change = np.log(moved / psi) + small * e
    verify.agree(change / small, np.zeros(16), atol=2e-3)
    verify.refutes((np.log(moved / psi) - small * e) / small, np.zeros(16), why="sign of time")


@pytest.mark.verifies(
    "eq-energy-models-pfeuty", routes=("numpy.linalg.eigvalsh", "sum over momenta")
)
def test_energy_of_free_fermions(verify):
    """The lowest eigenvalue is the sum over momenta, for even and odd rings."""
    found, right, wrong = [], [], []
    for n, h in ((3, 0.6), (4, 1.0), (5, 1.7), (6, 0.4)):
        bonds, turns, _ = pauli(n, h)
        found.append(np.linalg.eigvalsh(bonds + h * turns)[0])
        right.append(free_fermion_energy(n, h))
        k = 2 * np.arange(n) * np.pi / n
        wrong.append(-np.sqrt(1 + h**2 - 2 * h * np.cos(k)).sum())
    verify.agree(found, right, rtol=1e-12)
    verify.refutes(found, wrong, why="momenta of the other boundary condition")
    verify.refutes(found, 2 * np.array(right), why="factor 2")


@pytest.mark.verifies(
    "eq-energy-models-jastrow", "eq-energy-models-line",
    routes=("amplitudes written out", "matrices of both terms"),
)  # fmt: skip
def test_straight_lines_above_the_exact_curve(verify):
    """A state's energy is linear in the field, and the exact energy is below each line."""
    n, c = 5, (0.3, 0.1)
    bonds, turns, _ = pauli(n, 0)
    psi = np.array(
        [
            np.exp(
                c[0] * sum(s[i] * s[(i + 1) % n] for i in range(n))
                + c[1] * sum(s[i] * s[(i + 2) % n] for i in range(n))
            )
            for s in spin_states(n)
        ]
    )
    p = psi**2 / (psi @ psi)

    def log_psi(S):
        return sum(c[r - 1] * np.sum(S * np.roll(S, -r, axis=1), axis=1) for r in (1, 2))

    fields = np.array([0.3, 1.0, 2.2])
    energies = [p @ local_energies(log_psi, spin_states(n), h) for h in fields]
    at = [psi @ M @ psi / (psi @ psi) for M in (bonds, turns)]
    verify.agree(energies, at[0] + fields * at[1], rtol=1e-12)
    verify.refutes(energies, at[0] - fields * at[1], why="sign of the field")
    verify.refutes(energies, np.full(3, at[0]), why="field forgotten")
    exact = np.array([free_fermion_energy(n, h) for h in fields])
    verify.at_most(exact, energies)
    verify.refutes(energies, exact, why="direction of the bound")
    # The envelope: the line of the exact state at one field touches the curve there.
    E, vectors = np.linalg.eigh(bonds + turns)
    tangent = [vectors[:, 0] @ M @ vectors[:, 0] for M in (bonds, turns)]
    slope = (free_fermion_energy(n, 1.001) - free_fermion_energy(n, 0.999)) / 0.002
    verify.agree([E[0], slope], [sum(tangent), tangent[1]], atol=1e-5)
    verify.refutes([E[0], -slope], [sum(tangent), tangent[1]], why="sign of the slope")
    verify.agree(-n * observables(vectors[:, 0]).transverse, slope, atol=1e-5)
    verify.refutes(observables(vectors[:, 0]).transverse, slope, why="a spin in place of all")


def test_the_machine_reaches_the_ground_state():
    """A consequence of the theorems: a small chain to a relative error of 1e-4."""
    result = stochastic_reconfiguration(RBMWaveFunction.random(6, 6, scale=0.1), 0.8, steps=60)
    energy, exact = exact_averages(result.wave, 0.8).energy, free_fermion_energy(6, 0.8)
    assert 0 < energy - exact < 1e-4 * abs(exact)
