"""The numbered equations of the chapter on wide networks and generalisation."""

import itertools

import numpy as np
import pytest
import sympy
import torch
from dlmath.generalisation import (
    error_bound,
    kernel_complexity,
    linear_complexity,
    margin_error,
    network_complexity,
    path_norm,
)
from dlmath.kernels import condition
from dlmath.networks import FeedForwardNetwork
from dlmath.tangent_kernel import (
    TwoLayerNetwork,
    alignment,
    deep_relu_kernels,
    lazy_bounds,
    linearised_flow,
    relu_covariance,
    relu_tangent_kernel,
)
from scipy import integrate, linalg, stats

torch.set_num_threads(1)

PAIR = np.array([[0.9, -0.4], [0.3, 1.2]])
NODES, WEIGHTS = np.polynomial.hermite_e.hermegauss(40)
WEIGHTS = WEIGHTS / WEIGHTS.sum()


def sine_covariance(X):
    """Give E[sin(w x) sin(w z)] by the characteristic function of the normal distribution."""
    inner = X @ X.T
    half = np.diag(inner) / 2
    return np.exp(-half[:, None] - half) * np.sinh(inner)


def over_weights(function):
    """Average a function of two standard normal weights by Gauss and Hermite's quadrature."""
    w = np.stack(np.meshgrid(NODES, NODES), axis=-1).reshape(-1, 2)
    return np.tensordot(np.outer(WEIGHTS, WEIGHTS).ravel(), function(w), axes=1)


def all_signs(n):
    return np.array(list(itertools.product([-1.0, 1.0], repeat=n)))


def given_first(K, after):
    """Integrate over u > 0 what is expected after conditioning v on u, with covariance K."""
    slope = K[0, 1] / K[0, 0]
    rest = np.sqrt(K[1, 1] - slope * K[0, 1])

    def integrand(u):
        return after(u, slope * u, rest) * stats.norm.pdf(u, scale=np.sqrt(K[0, 0]))

    return integrate.quad(integrand, 0, 12 * np.sqrt(K[0, 0]), epsabs=1e-13)[0]


def rectified_mean(u, mean, sd):
    return u * (mean * stats.norm.cdf(mean / sd) + sd * stats.norm.pdf(mean / sd))


def both_fire(u, mean, sd):
    return stats.norm.cdf(mean / sd)


def by_conditioning(X):
    """Give E[relu relu] and E[H H] for two points, by conditioning one value on the other."""
    K = X @ X.T
    return given_first(K, rectified_mean), given_first(K, both_fire)


# Before training.


@pytest.mark.verifies(
    "eq-wide-networks-network",
    routes=(
        "a loop",
        "dlmath.networks.FeedForwardNetwork",
        "dlmath.tangent_kernel.TwoLayerNetwork",
    ),
)
def test_network(verify):
    """A loop over the units, the network of the earlier chapters and the one of this chapter."""
    network = TwoLayerNetwork(2, 7, "tanh", paired=False, seed=1)
    loop = np.array(
        [sum(a * np.tanh(w @ x) for a, w in zip(network.a, network.W, strict=True)) for x in PAIR]
    )
    verify.agree(network.forward(PAIR), loop / np.sqrt(7), rtol=1e-13)
    verify.refutes(network.forward(PAIR), loop / 7, why="1/m for its root")
    verify.refutes(network.forward(PAIR), loop, why="no factor")
    verify.refutes(network.forward(PAIR), -loop / np.sqrt(7), why="sign")
    theirs = FeedForwardNetwork([2, 7, 1], "tanh")
    theirs.parameters[0][:] = network.W.T
    theirs.parameters[2][:, 0] = network.a / np.sqrt(7)
    verify.agree(theirs.forward(PAIR)[:, 0], network.forward(PAIR), rtol=1e-13)
    verify.refutes(2 * theirs.forward(PAIR)[:, 0], network.forward(PAIR), why="factor 2")


@pytest.mark.verifies(
    "eq-wide-networks-covariance",
    "eq-wide-networks-moments",
    routes=("quadrature over the weights of all units", "a closed form for the sine"),
)
def test_covariance_at_every_width(verify):
    """For two units of sines every weight and sign is integrated; the width does not matter."""
    x = np.array([[0.7], [1.6]])
    K = sine_covariance(x)
    single = np.tensordot(
        WEIGHTS, np.sin(NODES[:, None, None] * x) * np.sin(NODES[:, None, None] * x.T), axes=1
    )
    verify.agree(single, K, rtol=1e-12)
    verify.refutes(single, K / 2, why="factor 2")
    verify.refutes(single, np.outer(x, x), why="the inner product of the inputs")

    w1, w2 = np.meshgrid(NODES, NODES)
    chance = np.outer(WEIGHTS, WEIGHTS)
    values = [np.sin(w1[..., None] * x[:, 0]), np.sin(w2[..., None] * x[:, 0])]
    mean, second = np.zeros(2), np.zeros((2, 2))
    for a1, a2 in all_signs(2):
        f = (a1 * values[0] + a2 * values[1]) / np.sqrt(2)
        mean += np.tensordot(chance, f, axes=2) / 4
        second += np.einsum("ij,ijk,ijl->kl", chance, f, f) / 4
    verify.agree(second, K, rtol=1e-12)
    verify.refutes(2 * second, K, why="sum over the units not divided")
    verify.refutes(second / 2, K, why="divided by m twice")
    verify.agree(mean, np.zeros(2), atol=1e-14)
    shifted = np.tensordot(chance, np.abs(values[0]) / np.sqrt(2), axes=2)
    verify.refutes(shifted, np.zeros(2), why="units without signs whose mean is not zero")


@pytest.mark.verifies(
    "eq-wide-networks-gaussian",
    routes=("characteristic function of a wide network", "that of the normal distribution"),
)
def test_gaussian_limit(verify):
    """The characteristic function of a million independent units is that of a Gaussian."""
    K = sine_covariance(PAIR)
    for u in (np.array([0.8, -0.3]), np.array([0.5, 1.4])):
        m = 10.0**6
        # One unit with a coin as its sign has the real characteristic function E cos.
        one = over_weights(lambda w, u=u, m=m: 1 - np.cos(np.sin(w @ PAIR.T) @ u / np.sqrt(m)))
        wide = m * np.log1p(-one)
        verify.agree(wide, -u @ K @ u / 2, rtol=3e-6)
        verify.refutes(wide, -u @ K @ u, why="factor 2")
        verify.refutes(wide, -u @ np.diag(np.diag(K)) @ u / 2, why="points independent")
        verify.refutes(wide / np.sqrt(m), -u @ K @ u / 2, why="divided by m")


@pytest.mark.verifies("eq-wide-networks-kurtosis", routes=("all units integrated", "sympy"))
def test_fourth_moment(verify):
    """Quadrature over the weights of two and three units of a polynomial, and exact moments."""
    x, s = 0.8, sympy.Symbol("z")
    sigma = lambda z: z**2 + z  # noqa: E731
    nodes, weights = np.polynomial.hermite_e.hermegauss(6)
    weights = weights / weights.sum()

    def moment(expression):
        # E z^k = (k - 1)!! for even k.
        terms = sympy.Poly(expression.expand(), s).terms()
        return float(sum(c * sympy.factorial2(k - 1) for (k,), c in terms if k % 2 == 0))

    at = sigma(sympy.Rational(4, 5) * s)
    one = moment(at**4) / moment(at**2) ** 2 - 3
    for m in (2, 3):
        grids = np.meshgrid(*[nodes] * m)
        chance = np.prod(np.meshgrid(*[weights] * m), axis=0)
        second = fourth = 0.0
        for a in all_signs(m):
            f = sum(ai * sigma(x * g) for ai, g in zip(a, grids, strict=True)) / np.sqrt(m)
            second += np.sum(chance * f**2) / 2**m
            fourth += np.sum(chance * f**4) / 2**m
        excess = fourth / second**2 - 3
        verify.agree(excess, one / m, rtol=1e-10)
        verify.refutes(excess, one / np.sqrt(m), why="root of m")
        verify.refutes(excess + 3, one / m, why="three not subtracted")
        verify.refutes(excess, one, why="no 1/m")
    half = [
        integrate.quad(lambda z, k=k: z**k * stats.norm.pdf(z), 0, 20, epsabs=1e-12)[0]
        for k in (2, 4)
    ]
    verify.agree(half[1] / half[0] ** 2 - 3, 3.0, rtol=1e-9)
    verify.refutes(half[1] / half[0] ** 2 - 3, 0.0, why="a rectifier taken for the identity")


@pytest.mark.verifies(
    "eq-wide-networks-step",
    "eq-wide-networks-arc-cosine",
    routes=("conditioning one value on the other", "dlmath.tangent_kernel", "the angle"),
)
def test_arc_cosine(verify):
    """A one-dimensional integral over one pre-activation gives both closed forms."""
    for X in (PAIR, np.array([[1.0, 2.0], [-0.5, 0.3]]), np.array([[0.2, 0.1], [1.5, 0.9]])):
        values, fire = by_conditioning(X)
        lengths = np.prod(np.linalg.norm(X, axis=1))
        phi = np.arccos(X[0] @ X[1] / lengths)
        formula = lengths / (2 * np.pi) * (np.sin(phi) + (np.pi - phi) * np.cos(phi))
        verify.agree(values, formula, rtol=1e-9)
        verify.refutes(values, 2 * formula, why="factor 2")
        verify.refutes(values, formula / lengths, why="lengths forgotten")
        verify.refutes(
            values,
            lengths / (2 * np.pi) * (np.sin(phi) + phi * np.cos(phi)),
            why="phi for its complement",
        )
        verify.refutes(
            values,
            lengths / (2 * np.pi) * (np.sin(phi) - (np.pi - phi) * np.cos(phi)),
            why="sign between the terms",
        )
        verify.agree(relu_covariance(X)[0, 1], values, rtol=1e-9)
        verify.refutes(relu_covariance(X)[0, 0], values, why="the other entry")
        verify.agree(fire, (np.pi - phi) / (2 * np.pi), rtol=1e-9)
        verify.refutes(fire, (np.pi - phi) / np.pi, why="factor 2 of the steps")
        verify.refutes(fire, phi / (2 * np.pi), why="the other arc")


@pytest.mark.verifies(
    "eq-wide-networks-recursion",
    routes=("conditioning in each layer", "dlmath.tangent_kernel", "wide random networks"),
)
def test_recursion(verify):
    """Two layers of the recursion by quadrature, by dlmath, and in networks of finite width."""
    K = PAIR @ PAIR.T

    def layer(K, c):
        cross = given_first(K, rectified_mean)
        return c * np.array([[K[0, 0] / 2, cross], [cross, K[1, 1] / 2]])

    twice = layer(layer(K, 2), 2)
    dlmath = deep_relu_kernels(PAIR, layers=2)[0]
    verify.agree(dlmath, twice, rtol=1e-8)
    verify.refutes(dlmath, layer(layer(K, 1), 1), why="factor c")
    verify.refutes(dlmath, layer(K, 2), why="one layer only")
    verify.refutes(dlmath, layer(twice, 2), why="one layer too many")

    rng, m, sample = np.random.default_rng(0), 800, np.zeros((2, 2))
    for _ in range(60):
        first = np.maximum(PAIR @ rng.standard_normal((2, m)), 0)
        second = np.maximum(first @ rng.standard_normal((m, m)) * np.sqrt(2 / m), 0)
        sample += 2 / m * second @ second.T / 60
    verify.agree(sample, twice, rtol=0.03)
    verify.refutes(sample, layer(K, 2), why="the first layer's covariance")
    verify.refutes(sample, twice / 2, why="factor 2 in the last layer")


@pytest.mark.verifies(
    "eq-wide-networks-posterior",
    routes=("weighting the prior by quadrature", "dlmath.kernels.condition"),
)
def test_posterior(verify):
    """Weighting the limit by the likelihood is Gaussian process regression."""
    K, y, s = sine_covariance(PAIR), 0.7, 0.4
    L = np.linalg.cholesky(K)
    nodes, weights = np.polynomial.hermite_e.hermegauss(120)
    z = np.stack(np.meshgrid(nodes, nodes), axis=-1).reshape(-1, 2)
    chance = np.outer(weights, weights).ravel()
    f = z @ L.T

    def weighted(noise, factor=0.5):
        likelihood = chance * np.exp(-factor * (y - f[:, 0]) ** 2 / noise**2)
        return np.sum(np.cos(f[:, 1]) * likelihood) / np.sum(likelihood)

    mean, covariance = condition(K[:1, :1] + s**2 * np.eye(1), K[1:, :1], K[1:, 1:], np.array([y]))
    process = np.cos(mean[0]) * np.exp(-covariance[0, 0] / 2)
    verify.agree(weighted(s), process, rtol=1e-9)
    verify.refutes(weighted(s, factor=1), process, why="factor 2 in the exponent")
    verify.refutes(weighted(s**2), process, why="noise squared twice")
    verify.refutes(np.exp(-K[1, 1] / 2), process, why="the prior")


# In training.


def torch_outputs(X):
    """Give six units' outputs as a function of one vector of weights, W and then a."""
    X, m = torch.tensor(X), 6

    def outputs(theta):
        W, a = theta[: m * X.shape[1]].reshape(m, -1), theta[m * X.shape[1] :]
        return torch.tanh(X @ W.T) @ a / np.sqrt(m)

    return outputs


def small_network():
    network = TwoLayerNetwork(2, 6, "tanh", paired=False, seed=2)
    network.a = network.a * np.linspace(0.5, 1.5, 6)
    return network, np.concatenate([network.W.ravel(), network.a])


@pytest.mark.verifies(
    "eq-wide-networks-tangent",
    "eq-wide-networks-jacobian",
    "eq-wide-networks-finite",
    routes=("torch", "a loop over the units", "dlmath.tangent_kernel.TwoLayerNetwork"),
)
def test_kernel_of_a_finite_network(verify):
    """Automatic differentiation, dlmath and a loop agree on the Jacobian and on the kernel."""
    network, theta = small_network()
    X = np.random.default_rng(3).normal(size=(4, 2))
    J = torch.autograd.functional.jacobian(torch_outputs(X), torch.tensor(theta)).numpy()
    rows = []
    for x in X:
        value = np.tanh(network.W @ x)
        by_w = [a * (1 - v**2) * x for a, v in zip(network.a, value, strict=True)]
        rows.append(np.concatenate([np.ravel(by_w), value]) / np.sqrt(6))
    verify.agree(J, np.array(rows), rtol=1e-12, atol=1e-14)
    verify.refutes(J, np.array(rows) / np.sqrt(6), why="1/m for its root")
    no_a = np.array(rows) / np.concatenate([np.repeat(network.a, 2), np.ones(6)])
    verify.refutes(J, no_a, why="a missing in the derivative by w")
    verify.agree(network.jacobian(X), J, rtol=1e-12, atol=1e-14)
    verify.refutes(-network.jacobian(X), J, why="sign")

    A = np.tanh(X @ network.W.T)
    D = 1 - A**2

    def loop(power=2, inner=True):
        return np.array(
            [
                [
                    np.mean(
                        A[i] * A[k] + network.a**power * D[i] * D[k] * (X[i] @ X[k] if inner else 1)
                    )
                    for k in range(4)
                ]
                for i in range(4)
            ]
        )

    verify.agree(J @ J.T, loop(), rtol=1e-12)
    verify.refutes(J @ J.T, loop(power=1), why="a not squared")
    verify.refutes(J @ J.T, loop(inner=False), why="inner product missing")
    verify.refutes(J @ J.T, 6 * loop(), why="factor m")
    verify.agree(network.tangent_kernel(X), J @ J.T, rtol=1e-12)
    verify.refutes(network.tangent_kernel(X), (J @ J.T) / 2, why="factor 2")


@pytest.mark.verifies(
    "eq-wide-networks-flow", routes=("a small step on the weights, by torch", "the kernel")
)
def test_flow_of_the_outputs(verify):
    """A tiny step on the weights, to both sides, moves the outputs as the kernel says."""
    network, theta = small_network()
    rng = np.random.default_rng(4)
    X, y = rng.normal(size=(3, 2)), rng.normal(size=3)
    new = rng.normal(size=(2, 2))
    everywhere = np.vstack([X, new])
    outputs, at_all = torch_outputs(X), torch_outputs(everywhere)

    def cost(t):
        return torch.mean((outputs(t) - torch.tensor(y)) ** 2)

    t = torch.tensor(theta)
    gradient = torch.autograd.functional.jacobian(cost, t)
    h = 1e-4
    slope = ((at_all(t - h * gradient) - at_all(t + h * gradient)) / (2 * h)).numpy()
    kernel = network.tangent_kernel(everywhere, X)
    residual = network.forward(X) - y
    verify.agree(slope, -2 / 3 * kernel @ residual, rtol=1e-6)
    verify.refutes(slope, -1 / 3 * kernel @ residual, why="factor 2")
    verify.refutes(slope, -2 * kernel @ residual, why="factor n")
    verify.refutes(slope, 2 / 3 * kernel @ residual, why="sign")


@pytest.mark.verifies(
    "eq-wide-networks-limit",
    "eq-wide-networks-relu-tangent",
    routes=("quadrature over the weights", "a closed form for the sine", "dlmath.tangent_kernel"),
)
def test_kernel_of_infinite_width(verify):
    """The mean of one term, integrated over the weights, is the limit; for rectifiers too."""
    inner = PAIR @ PAIR.T
    half = np.diag(inner) / 2
    slopes = np.exp(-half[:, None] - half) * np.cosh(inner)
    limit = sine_covariance(PAIR) + inner * slopes

    def term(w):
        z = w @ PAIR.T
        value, slope = np.sin(z), np.cos(z)
        outer = np.einsum("ki,kj->kij", value, value)
        return outer + np.einsum("ki,kj->kij", slope, slope) * inner

    integrated = over_weights(term)
    verify.agree(integrated, limit, rtol=1e-10)
    verify.refutes(integrated, sine_covariance(PAIR), why="output weights only")
    verify.refutes(integrated, sine_covariance(PAIR) + slopes, why="inner product missing")
    verify.refutes(integrated, 2 * limit, why="factor 2")

    values, fire = by_conditioning(PAIR)
    exact = values + inner[0, 1] * fire
    lengths = np.sqrt(inner[0, 0] * inner[1, 1])
    phi = np.arccos(inner[0, 1] / lengths)
    formula = lengths / (2 * np.pi) * (np.sin(phi) + 2 * (np.pi - phi) * np.cos(phi))
    verify.agree(formula, exact, rtol=1e-9)
    verify.refutes(
        lengths / (2 * np.pi) * (np.sin(phi) + (np.pi - phi) * np.cos(phi)),
        exact,
        why="factor 2 before the arc",
    )
    verify.refutes(2 * formula, exact, why="that of He's scale")
    verify.agree(relu_tangent_kernel(PAIR)[0, 1], exact, rtol=1e-9)
    verify.refutes(relu_covariance(PAIR)[0, 1], exact, why="the covariance")


@pytest.mark.verifies(
    "eq-wide-networks-deep-tangent",
    routes=("Jacobians of wide networks, by hand", "dlmath.tangent_kernel", "conditioning"),
)
def test_deep_tangent_kernel(verify):
    """Networks with two hidden layers of finite width have the kernel of the recursion."""
    K = PAIR @ PAIR.T
    tangent = K[0, 1]
    for _ in range(2):
        values, fire = given_first(K, rectified_mean), given_first(K, both_fire)
        K = np.array([[K[0, 0], 2 * values], [2 * values, K[1, 1]]])
        tangent = K[0, 1] + 2 * fire * tangent
    dlmath = deep_relu_kernels(PAIR, layers=2)[1][0, 1]
    verify.agree(dlmath, tangent, rtol=1e-8)
    verify.refutes(dlmath, K[0, 1], why="the covariance only")
    verify.refutes(dlmath, tangent - K[0, 1], why="the last layer left out")
    verify.refutes(dlmath, tangent / 2, why="factor c")

    rng, m, sample = np.random.default_rng(5), 600, 0.0
    for _ in range(60):
        U, V = rng.standard_normal((2, m)), rng.standard_normal((m, m))
        a = rng.standard_normal(m)
        z1 = PAIR @ U
        a1 = np.maximum(z1, 0) * np.sqrt(2 / m)
        z2 = a1 @ V
        a2 = np.maximum(z2, 0) * np.sqrt(2 / m)
        # Derivatives by z2 and z1, as backpropagation has them.
        delta2 = (z2 > 0) * a * np.sqrt(2 / m)
        delta1 = (z1 > 0) * (delta2 @ V.T) * np.sqrt(2 / m)
        sample += (
            a2[0] @ a2[1]
            + (a1[0] @ a1[1]) * (delta2[0] @ delta2[1])
            + (PAIR[0] @ PAIR[1]) * (delta1[0] @ delta1[1])
        ) / 60
    verify.agree(sample, tangent, rtol=0.03)
    verify.refutes(sample, tangent / 2, why="factor 2 in finite networks")
    verify.refutes(sample, K[0, 1], why="covariance for tangent kernel")


def linear_problem():
    """Draw a Jacobian of three samples and two new points, targets, outputs and weights."""
    rng = np.random.default_rng(6)
    return rng.normal(size=(5, 8)), rng.normal(size=3), rng.normal(size=5), rng.normal(size=8)


@pytest.mark.verifies(
    "eq-wide-networks-linear-solution",
    routes=("integrating the flow of the weights", "dlmath.tangent_kernel.linearised_flow"),
)
def test_linearised_training(verify):
    """An integrator on the weights and the matrix exponential give the same predictions."""
    J, y, f0, theta0 = linear_problem()
    n, tau = 3, 0.7

    def outputs(theta):
        return f0 + J @ (theta - theta0)

    def slope(_, theta):
        return -2 / n * J[:n].T @ (outputs(theta)[:n] - y)

    end = integrate.solve_ivp(slope, (0, tau), theta0, rtol=1e-11, atol=1e-12).y[:, -1]
    kernel, cross = J[:n] @ J[:n].T, J @ J[:n].T
    r0 = y - f0[:n]

    def formula(rate=2 / n):
        learned = np.eye(n) - linalg.expm(-rate * tau * kernel)
        return f0 + cross @ np.linalg.solve(kernel, learned @ r0)

    verify.agree(outputs(end), formula(), rtol=1e-8)
    verify.refutes(outputs(end), formula(1 / n), why="factor 2")
    verify.refutes(outputs(end), formula(2.0), why="factor n")
    verify.refutes(outputs(end), 2 * f0 - formula(), why="sign of the residual")
    verify.refutes(outputs(end), formula() - f0, why="start forgotten")
    dlmath = linearised_flow(kernel, y, [tau], cross=cross, start=f0[:n], start_new=f0)
    verify.agree(dlmath[0], formula(), rtol=1e-10)
    verify.refutes(dlmath[0], formula(4 / n), why="factor 2 in dlmath")


@pytest.mark.verifies(
    "eq-wide-networks-minimum-norm",
    "eq-wide-networks-norm",
    routes=("the pseudo-inverse", "the kernel", "dlmath.tangent_kernel.linearised_flow"),
)
def test_limit_of_training(verify):
    """The shortest change of the weights that fits the data is the limit, and so is its length."""
    J, y, f0, theta0 = linear_problem()
    n = 3
    r0 = y - f0[:n]
    kernel, cross = J[:n] @ J[:n].T, J @ J[:n].T
    shortest = np.linalg.lstsq(J[:n], r0, rcond=None)[0]
    formula = J[:n].T @ np.linalg.solve(kernel, r0)
    verify.agree(theta0 + formula, theta0 + shortest, rtol=1e-11)
    verify.refutes(theta0 - formula, theta0 + shortest, why="sign")
    aside = linalg.null_space(J[:n])[:, 0]
    verify.refutes(theta0 + formula + aside, theta0 + shortest, why="another solution")
    limit = linearised_flow(kernel, y, [np.inf], cross=cross, start=f0[:n], start_new=f0)[0]
    verify.agree(limit, f0 + J @ shortest, rtol=1e-10)
    verify.refutes(limit, J @ shortest, why="start forgotten")
    verify.refutes(limit, f0 + cross @ r0, why="inverse forgotten")

    squared = np.sum(np.linalg.lstsq(J[:n], y, rcond=None)[0] ** 2)
    verify.agree(y @ np.linalg.solve(kernel, y), squared, rtol=1e-11)
    verify.refutes(y @ kernel @ y, squared, why="kernel for its inverse")
    verify.refutes(np.sqrt(y @ np.linalg.solve(kernel, y)), squared, why="square forgotten")
    verify.refutes(y @ np.linalg.solve(kernel, y) / n, squared, why="factor n")


@pytest.mark.verifies(
    "eq-wide-networks-steps", routes=("steps on the weights", "a power of a matrix")
)
def test_steps_and_the_largest_rate(verify):
    """Gradient descent on the weights leaves the residuals stated, and diverges from n/nu on."""
    J, y, f0, theta0 = linear_problem()
    n, k = 3, 9
    J, f0 = J[:n], f0[:n]
    kernel = J @ J.T

    def walk(eta, steps):
        theta = theta0.copy()
        for _ in range(steps):
            theta = theta - eta * 2 / n * J.T @ (f0 + J @ (theta - theta0) - y)
        return y - f0 - J @ (theta - theta0)

    eta = 0.04

    def formula(factor):
        return np.linalg.matrix_power(np.eye(n) - factor * kernel, k) @ (y - f0)

    verify.agree(walk(eta, k), formula(2 * eta / n), rtol=1e-11)
    verify.refutes(walk(eta, k), formula(eta / n), why="factor 2")
    verify.refutes(walk(eta, k), formula(2 * eta), why="factor n")
    verify.refutes(walk(eta, k), formula(-2 * eta / n), why="sign")
    limit = n / np.linalg.eigvalsh(kernel)[-1]
    start = np.linalg.norm(y - f0)
    verify.at_most(np.linalg.norm(walk(0.99 * limit, 2000)), 1e-6 * start)
    verify.refutes(np.linalg.norm(walk(1.01 * limit, 2000)), 1e-6 * start, why="beyond the limit")
    verify.refutes(np.linalg.norm(walk(2 * limit, 50)), 1e-6 * start, why="factor 2 of the limit")


def lazy_run(m, tau, x, shift):
    """Follow the flow of a tanh network with all signs equal, and of its linearisation."""
    X = np.array([x])
    # Weights off the origin: with centred ones the odd changes of tanh would cancel.
    W, a = np.random.default_rng(8).normal(size=(m, 2)) + shift, np.ones(m)
    y = a @ np.tanh(W @ X[0]) / np.sqrt(m) + 1.0
    network = TwoLayerNetwork(2, m, "tanh")
    network.W, network.a = W.copy(), a.copy()
    kernel = network.tangent_kernel(X)
    start = network.forward(X)
    angle = np.linspace(0, np.pi, 13)
    around = np.hypot(*x) * np.column_stack([np.cos(angle), np.sin(angle)])
    before = network.tangent_kernel(around)
    network.descend(X, np.array([y]), tau / 500, 500)
    linear = linearised_flow(kernel, [y], [tau], start=start)[0]
    return {
        "a": np.abs(network.a - a).max(),
        "w": np.linalg.norm(network.W - W, axis=1).max(),
        "kernel": np.abs(network.tangent_kernel(around) - before).max(),
        "outputs": np.abs(network.forward(X) - linear).max(),
    }


@pytest.mark.verifies(
    "eq-wide-networks-lazy-weights",
    "eq-wide-networks-lazy-kernel",
    "eq-wide-networks-lazy-outputs",
    routes=("a trained network", "the bounds", "dlmath.tangent_kernel.lazy_bounds"),
)
def test_laziness(verify):
    """Trained networks stay within the bounds; versions with a power too many do not."""
    m, curvature = 10_000, 4 / (3 * np.sqrt(3))
    for x, tau in (((0.3, 0.2), 0.3), ((0.6, 0.5), 0.1)):
        rho = np.hypot(*x)
        moved = lazy_run(m, tau, x, 1.2)
        A = 2 * tau / np.sqrt(m)
        B = rho * A * (1 + A)
        delta = 2 * rho * B + rho**2 * A * (2 + A) + 2 * curvature * rho**3 * B
        bounds = lazy_bounds(m, tau, 1.0, rho)
        verify.agree(np.array(bounds), np.array([A, B, delta, 2 * tau * delta]), rtol=1e-13)
        verify.refutes(
            np.array(bounds), np.array([A, B, delta, tau * delta]), why="factor 2 of the outputs"
        )
        verify.refutes(
            np.array(bounds), np.array([A, B, delta - 2 * rho * B, 2 * tau * delta]), why="a term"
        )
        verify.at_most(moved["a"], A)
        verify.refutes(moved["a"], A / np.sqrt(m), why="1/m for its root, output weights")
        verify.at_most(moved["w"], B)
        verify.refutes(moved["w"], B / np.sqrt(m), why="1/m for its root, hidden weights")
        verify.at_most(moved["kernel"], delta)
        verify.refutes(moved["kernel"], delta / np.sqrt(m), why="1/m for its root, kernel")
        verify.at_most(moved["outputs"], 2 * tau * delta)
        verify.refutes(
            moved["outputs"], 2 * tau * delta / np.sqrt(m), why="1/m for its root, outputs"
        )
    tight = lazy_run(m, 0.01, (30.0, 20.0), 0.0)
    verify.at_most(tight["a"], 2 * 0.01 / np.sqrt(m))
    verify.refutes(tight["a"], 0.01 / np.sqrt(m), why="factor 2")


@pytest.mark.verifies(
    "eq-wide-networks-scaled", routes=("networks of two scales", "the tangent kernel")
)
def test_scale(verify):
    """With the learning rate of the text the outputs begin alike, and weights move by 1/alpha."""
    X = np.random.default_rng(9).normal(size=(3, 2))
    y = np.array([0.5, -1.0, 0.3])
    eta, moves, outputs = 1e-6, [], []
    for alpha in (1.0, 4.0):
        network = TwoLayerNetwork(2, 10, "tanh", scale=alpha, seed=1)
        W = network.W.copy()
        kernel = network.tangent_kernel(X)
        network.descend(X, y, eta, 1)
        moves.append(network.W - W)
        outputs.append(network.forward(X) / eta)
        loop = alpha / np.sqrt(10) * np.tanh(X @ network.W.T) @ network.a
        verify.agree(network.forward(X), loop, rtol=1e-9)
        verify.refutes(network.forward(X), loop / 10, why="1/m more")
        verify.agree(outputs[-1], 2 / 3 / alpha**2 * kernel @ y, rtol=1e-7)
        verify.refutes(outputs[-1], 2 / 3 / alpha**2 * kernel @ y * 2, why="factor 2")
    verify.agree(outputs[0], outputs[1], rtol=1e-7)
    verify.refutes(outputs[0], 4 * outputs[1], why="rate divided by alpha only")
    verify.agree(moves[0], 4 * moves[1], rtol=1e-6, atol=1e-15)
    verify.refutes(moves[0], moves[1], why="weights move alike")
    verify.refutes(moves[0], 16 * moves[1], why="alpha squared")


# What kernels miss.


@pytest.mark.verifies(
    "eq-wide-networks-parity", routes=("least squares on the whole cube", "counting")
)
def test_parities(verify):
    """On all 64 points of a cube no kernel is below the bound, and one attains it."""
    d, n = 6, 7
    cube = all_signs(d)
    pairs = list(itertools.combinations(range(d), 2))
    targets = np.array([cube[:, a] * cube[:, b] for a, b in pairs]).T
    D = len(pairs)
    # No point and its opposite together: they have the same parities.
    points = np.random.default_rng(10).permutation(cube[cube[:, 0] > 0])[:n]
    assert np.linalg.matrix_rank((points @ points.T) ** 2 - d) == n

    def mean_error(columns):
        fitted = columns @ np.linalg.lstsq(columns, targets, rcond=None)[0]
        return np.mean((targets - fitted) ** 2)

    # The kernel sum_{a<b} chi chi spans nothing but parities.
    attained = mean_error(((cube @ points.T) ** 2 - d) / 2)
    verify.agree(attained, 1 - n / D, rtol=1e-11)
    verify.refutes(attained, 1 - n / (2 * D), why="factor 2: ordered pairs")
    verify.refutes(attained, 1 - n / d, why="d for the number of pairs")
    for kernel in (relu_tangent_kernel(cube, points), relu_covariance(cube, points)):
        verify.at_most(1 - n / D, mean_error(kernel))
        verify.refutes(
            1 - n / D, mean_error(np.hstack([kernel, targets[:, :12]])), why="a fitted space"
        )


@pytest.mark.verifies(
    "eq-wide-networks-alignment", routes=("the cosine of two vectors", "dlmath.tangent_kernel")
)
def test_alignment(verify):
    """The cosine of the angle between the kernel and the outer product of the labels."""
    rng = np.random.default_rng(11)
    J, y = rng.normal(size=(5, 3)), rng.normal(size=5)
    kernel, outer = (J @ J.T).ravel(), np.outer(y, y).ravel()
    cosine = kernel @ outer / np.sqrt((kernel @ kernel) * (outer @ outer))
    verify.agree(alignment(J @ J.T, y), cosine, rtol=1e-13)
    verify.refutes(alignment(J @ J.T, y), kernel @ outer, why="not normalised")
    spectral = y @ J @ J.T @ y / np.linalg.norm(J @ J.T, 2) / (y @ y)
    verify.refutes(alignment(J @ J.T, y), spectral, why="another norm")
    verify.refutes(alignment(J @ J.T, y) / np.linalg.norm(y), cosine, why="norm of y thrice")
    verify.agree(alignment(outer.reshape(5, 5), y), 1.0, rtol=1e-13)
    verify.refutes(alignment(np.eye(5), y), 1.0, why="a kernel that knows nothing")


# The bound.


def complexity(values):
    """Give the Rademacher complexity of a finite class, whose values stand in the columns."""
    return np.mean(np.max(all_signs(len(values)) @ values, axis=1)) / len(values)


@pytest.mark.verifies(
    "eq-wide-networks-rademacher", routes=("all signs and many functions", "a norm")
)
def test_rademacher_complexity(verify):
    """For linear functions the supremum over a fine circle of directions is a norm."""
    X, B = np.random.default_rng(12).normal(size=(6, 2)), 1.7
    angle = np.linspace(0, 2 * np.pi, 20_000)
    circle = B * np.array([np.cos(angle), np.sin(angle)])
    exact = B * np.mean(np.linalg.norm(all_signs(6) @ X, axis=1)) / 6
    verify.agree(complexity(X @ circle), exact, rtol=1e-7)
    verify.refutes(6 * complexity(X @ circle), exact, why="factor n")
    verify.refutes(complexity(X @ circle) / B, exact, why="radius forgotten")
    verify.refutes(complexity(X @ circle[:, :1]), exact, why="one function only")


@pytest.mark.verifies(
    "eq-wide-networks-mcdiarmid", routes=("the binomial distribution", "the bound")
)
def test_mcdiarmid(verify):
    """The exact tail of a sum of coins lies below the bound, and not below wrong ones."""
    n, c = 30, 2.0
    steps = np.arange(16, 31)
    epsilon = c * (steps - n / 2)
    tail = stats.binom.sf(steps - 1, n, 0.5)
    bound = np.exp(-2 * epsilon**2 / (n * c**2))
    verify.at_most(np.log(tail), np.log(bound))
    verify.refutes(np.log(tail), 2 * np.log(bound), why="factor 2 in the exponent")
    verify.refutes(np.log(tail), n * np.log(bound), why="factor n in the exponent")
    verify.refutes(np.log(tail), -2 * epsilon**2 / n, why="size of the steps forgotten")


@pytest.mark.verifies("eq-wide-networks-contraction", routes=("all signs", "the bound"))
def test_contraction(verify):
    """Over all signs the complexity after functions of slope at most Lambda is no larger."""
    values = np.random.default_rng(13).normal(size=(6, 9))
    slope = 1.6
    mirrored = slope * np.array([1, -1, 1, -1, 1, 1])[:, None] * values
    verify.agree(complexity(mirrored), slope * complexity(values), rtol=1e-12)
    verify.refutes(complexity(mirrored), complexity(values), why="slope forgotten")
    verify.refutes(complexity(mirrored), slope**2 * complexity(values), why="slope squared")
    for bent in (
        slope * np.abs(values),
        np.tanh(slope * values),
        np.clip(1 - slope * values, 0, 1),
    ):
        verify.at_most(complexity(bent), slope * complexity(values))
        verify.refutes(complexity(9 * bent), slope * complexity(values), why="a steeper function")


@pytest.mark.verifies(
    "eq-wide-networks-ramp", routes=("case by case", "dlmath.generalisation.margin_error")
)
def test_ramp(verify):
    """The ramp by cases is dlmath's, lies above the wrong signs and has the slope stated."""
    u, gamma = np.linspace(-1.5, 1.5, 13), 0.6
    cases = [1.0 if v <= 0 else 0.0 if v >= gamma else 1 - v / gamma for v in u]
    dlmath = np.array([margin_error([v], [1.0], gamma) for v in u])
    verify.agree(dlmath, cases, rtol=1e-13, atol=1e-15)
    verify.refutes(1 - dlmath, cases, why="turned round")
    verify.refutes([margin_error([v], [1.0], 1.0) for v in u], cases, why="margin 1")
    verify.refutes([margin_error([v], [-1.0], gamma) for v in u], cases, why="sign of the label")
    verify.at_most((u <= 0).astype(float), dlmath)
    verify.refutes((u <= gamma).astype(float), dlmath, why="all below the margin counted")
    verify.at_most(np.abs(np.diff(dlmath)), np.diff(u) / gamma, atol=1e-12)
    verify.refutes(np.abs(np.diff(dlmath)), np.diff(u) * gamma, why="slope gamma")


@pytest.mark.verifies(
    "eq-wide-networks-bound",
    routes=("all data sets of a small world", "the steps of the proof", "dlmath.generalisation"),
)
def test_bound(verify):
    """Symmetrisation holds over all data sets of three kinds of samples; the sum is dlmath's."""
    chance, n, delta, gamma = np.array([0.5, 0.3, 0.2]), 4, 0.1, 0.7
    # Losses of five functions on the three kinds of samples.
    losses = np.random.default_rng(14).uniform(size=(3, 5)).round()
    gap = mean_complexity = 0.0
    for drawn in itertools.product(range(3), repeat=n):
        p = np.prod(chance[list(drawn)])
        table = losses[list(drawn)]
        gap += p * np.max(chance @ losses - table.mean(axis=0))
        mean_complexity += p * complexity(table)
    verify.at_most(gap, 2 * mean_complexity)
    verify.refutes(gap, 2 * mean_complexity / n, why="factor n in the symmetrisation")
    verify.refutes(gap, 0.0, why="no complexity")

    # One deviation of the largest gap, two of the complexity, each with half of delta.
    deviation = np.sqrt(np.log(1 / (delta / 2)) / (2 * n))
    value = error_bound(0.2, 0.15, n, gamma=gamma, delta=delta)
    right = 0.2 + 2 * (0.15 / gamma) + deviation + 2 * deviation
    verify.agree(value, right, rtol=1e-13)
    verify.refutes(value, right - 0.15 / gamma, why="factor 2 of the symmetrisation")
    verify.refutes(value, 0.2 + 2 * 0.15 * gamma + 3 * deviation, why="slope of the ramp")
    verify.refutes(value, 0.2 + 2 * 0.15 / gamma + deviation, why="one deviation of three")
    single = np.sqrt(np.log(1 / delta) / (2 * n))
    verify.refutes(value, 0.2 + 2 * 0.15 / gamma + 3 * single, why="delta not halved")

    # McDiarmid for the largest gap, exactly, in a world of one function.
    size, p = 40, 0.4
    lost = np.arange(size + 1)
    allowed = np.sqrt(np.log(2 / delta) / (2 * size))
    failing = np.sum(stats.binom.pmf(lost, size, p)[p - lost / size > allowed])
    verify.at_most(failing, delta / 2)
    lax = np.sum(stats.binom.pmf(lost, size, p)[p - lost / size > allowed / 4])
    verify.refutes(lax, delta / 2, why="a quarter of the deviation")


@pytest.mark.verifies(
    "eq-wide-networks-path-norm", routes=("a loop", "dlmath.generalisation.path_norm")
)
def test_path_norm(verify):
    """A loop over the units is dlmath's norm, which does not change when units are rescaled."""
    rng = np.random.default_rng(15)
    a, W = rng.normal(size=5), rng.normal(size=(5, 3))
    loop = sum(abs(a[j]) * np.sqrt(sum(W[j] ** 2)) for j in range(5)) / np.sqrt(5)
    dlmath = path_norm(a / np.sqrt(5), W)
    verify.agree(dlmath, loop, rtol=1e-13)
    verify.refutes(path_norm(a, W), loop, why="factor forgotten")
    verify.refutes(path_norm(a / 5, W), loop, why="1/m for its root")
    verify.refutes(np.abs(a).sum() * np.abs(W).sum() / np.sqrt(5), loop, why="other paths")
    scale = rng.uniform(0.1, 5, size=5)
    verify.agree(path_norm(a / scale, scale[:, None] * W), path_norm(a, W), rtol=1e-12)
    verify.refutes(path_norm(a, scale[:, None] * W), path_norm(a, W), why="one layer rescaled")


@pytest.mark.verifies(
    "eq-wide-networks-kernel-complexity",
    "eq-wide-networks-linear-complexity",
    "eq-wide-networks-network-complexity",
    routes=("all signs", "dlmath.generalisation", "the bounds"),
)
def test_three_complexities(verify):
    """Suprema over balls, averaged over all signs, lie below the bounds, or on them."""
    rng, B, n = np.random.default_rng(16), 1.3, 7
    X = rng.normal(size=(n, 2))
    signs = all_signs(n)
    K = relu_tangent_kernel(X)
    exact = B * np.mean(np.sqrt(np.einsum("ki,ij,kj->k", signs, K, signs))) / n
    verify.at_most(exact, kernel_complexity(K, B))
    verify.refutes(exact, kernel_complexity(K, B) / np.sqrt(n), why="factor root n, kernel")
    diagonal = np.diag(rng.uniform(1, 2, size=n))
    exact = B * np.mean(np.sqrt(np.einsum("ki,ij,kj->k", signs, diagonal, signs))) / n
    verify.agree(exact, kernel_complexity(diagonal, B), rtol=1e-12)
    verify.refutes(exact, B * np.trace(diagonal) / n, why="root forgotten")
    verify.refutes(exact, B * np.sqrt(np.trace(diagonal) / n), why="factor n")

    across = np.diag(rng.uniform(1, 2, size=n))
    exact = B * np.mean(np.linalg.norm(signs @ across, axis=1)) / n
    verify.agree(exact, linear_complexity(across, B), rtol=1e-12)
    verify.refutes(exact, 2 * linear_complexity(across, B), why="factor 2")
    verify.refutes(exact, B * np.sum(np.diag(across)) / n, why="lengths added")
    verify.at_most(B * np.mean(np.linalg.norm(signs @ X, axis=1)) / n, linear_complexity(X, B))
    verify.refutes(
        B * np.mean(np.linalg.norm(signs @ X, axis=1)) / n,
        linear_complexity(X, B) / n,
        why="factor n, linear",
    )

    angle = np.linspace(0, 2 * np.pi, 2000)
    units = np.maximum(X @ np.array([np.cos(angle), np.sin(angle)]), 0)
    network = B * np.mean(np.max(np.abs(signs @ units), axis=1)) / n
    verify.at_most(network, network_complexity(X, B))
    verify.refutes(network, network_complexity(X, B) / np.sqrt(n), why="factor root n, network")
    twice = 2 * B / n * np.sqrt(np.sum(np.square(X)))
    verify.agree(network_complexity(X, B), twice, rtol=1e-13)
    verify.refutes(network_complexity(X, B), twice / 2, why="modulus forgotten")


@pytest.mark.verifies("eq-wide-networks-shatter", routes=("all signs and labellings", "counting"))
def test_classes_that_fit_the_coin(verify):
    """For all labels the class of all labellings has the complexity one half."""
    n = 5
    labellings = all_signs(n).T
    for y in (np.ones(n), np.array([1.0, -1, -1, 1, -1])):
        losses = (y[:, None] * labellings <= 0).astype(float)
        verify.agree(complexity(losses), 0.5, rtol=1e-13)
        verify.refutes(complexity(labellings), 0.5, why="that of the functions, not of the losses")
        verify.refutes(complexity(losses[:, :4]), 0.5, why="a small class")
        verify.refutes(complexity(losses) / n, 0.5, why="factor n")
