"""The numbered equations of the chapter on what training finds."""

import itertools

import numpy as np
import pytest
import sympy
import torch
from dlmath.linear_networks import (
    conserved,
    diagonal_descent,
    factor_gradients,
    hyperbolic_entropy,
    least_hyperbolic_entropy,
    mode_strength,
    switch_time,
)
from dlmath.networks import FeedForwardNetwork
from dlmath.networks._training import flatten, views
from dlmath.sharpness import hessian_vector_product, sharpness
from scipy import integrate, optimize

torch.set_num_threads(1)


def with_parameters(network, parameters):
    """Give a copy of a network with these parameters for its own."""
    moved = network.copy()
    moved.parameters = parameters
    return moved


# The parts of an error.


@pytest.mark.verifies(
    "eq-what-training-finds-parts", routes=("means over all samples", "closed forms")
)
def test_three_parts_of_an_error(verify):
    """For a mean that is learned, the parts by enumeration of all samples are the closed forms."""
    mu, s, n, eta, k = 0.7, 1.3, 3, 0.1, 4
    signs = np.array(np.meshgrid(*[[-1.0, 1.0]] * n)).reshape(n, -1).T
    means = np.mean(mu + s * signs, axis=1)
    theta = np.zeros_like(means)
    for _ in range(k):
        theta = theta - 2 * eta * (theta - means)

    def excess(value):
        """Excess of the risk over the least, by the two values that y takes."""
        ys = np.array([mu - s, mu + s])
        return np.mean(np.mean((ys - np.reshape(value, (-1, 1))) ** 2, axis=1)) - s**2

    whole = excess(theta)
    q = (1 - 2 * eta) ** k
    estimation = s**2 / n
    optimisation = q**2 * (mu**2 + estimation) - 2 * q * estimation
    verify.agree(whole, 0 + estimation + optimisation, rtol=1e-13)
    verify.refutes(whole, estimation - optimisation, why="sign of the last part")
    verify.refutes(whole, estimation, why="optimisation left out")
    verify.refutes(whole, s**2 + optimisation, why="factor n")
    assert optimisation < 0


# Deep linear networks.


def regression(d=5):
    """Draw inputs with correlated features, and four targets."""
    rng = np.random.default_rng(0)
    X = rng.standard_normal((40, d)) @ rng.standard_normal((d, d))
    return X, X @ rng.standard_normal((d, 4)) + rng.standard_normal((40, 4))


@pytest.mark.verifies(
    "eq-what-training-finds-cost", routes=("the sum over the samples", "the moments")
)
def test_cost_by_two_matrices(verify):
    """The mean of the squared residuals is the formula with Sigma and M."""
    X, Y = regression()
    n = len(X)
    P = np.random.default_rng(1).standard_normal((5, 4))
    direct = np.mean([np.sum((y - P.T @ x) ** 2) for x, y in zip(X, Y, strict=True)])
    Sigma, M = X.T @ X / n, X.T @ Y / n

    def formula(cross=2, size=n):
        return np.trace(P.T @ Sigma @ P) - cross * np.trace(M.T @ P) + np.sum(Y**2) / size

    verify.agree(direct, formula(), rtol=1e-13)
    verify.refutes(direct, formula(cross=1), why="factor 2")
    verify.refutes(direct, formula(cross=-2), why="sign")
    verify.refutes(direct, formula(size=1), why="factor n")


@pytest.mark.verifies(
    "eq-what-training-finds-gradients",
    routes=("torch's automatic differentiation", "dlmath.linear_networks.factor_gradients"),
)
def test_gradients_of_factors(verify):
    """Derivatives by all factors of square shape agree with torch."""
    X, Y = regression(d=4)
    n = len(X)
    rng = np.random.default_rng(2)
    factors = [rng.standard_normal((4, 4)) for _ in range(4)]
    leaves = [torch.tensor(W, requires_grad=True) for W in factors]
    cost = ((torch.tensor(Y) - torch.tensor(X) @ torch.linalg.multi_dot(leaves)) ** 2).sum() / n
    cost.backward()
    automatic = flatten([leaf.grad.numpy() for leaf in leaves])
    D = 2 * (X.T @ X / n @ np.linalg.multi_dot(factors) - X.T @ Y / n)
    ours = factor_gradients(factors, D)
    verify.agree(automatic, flatten(ours), rtol=1e-11, atol=1e-10)
    verify.refutes(automatic, flatten(ours) / 2, why="factor 2")
    verify.refutes(automatic, flatten(ours) * n, why="factor n")
    verify.refutes(automatic, -flatten(ours), why="sign")
    verify.refutes(automatic, flatten([G.T for G in ours]), why="transpose")


def flow(slope, start, times, **tolerance):
    """Integrate a flow from a list of arrays; give their values, one row for each time."""
    settings = {"rtol": 1e-11, "atol": 1e-13, "method": "DOP853"} | tolerance
    solution = integrate.solve_ivp(
        lambda _, vector: flatten(slope(views(vector, start))),
        (0, times[-1]),
        flatten(start),
        t_eval=times,
        **settings,
    )
    return [views(vector, start) for vector in solution.y.T]


def fitting(depth):
    """Moments whose vectors fit, by construction, and an aligned start of so many layers."""
    rng = np.random.default_rng(3)
    u = np.linalg.qr(rng.standard_normal((5, 5)))[0]
    v = np.linalg.qr(rng.standard_normal((4, 4)))[0][:, :3]
    s, nu = np.array([1.1, 0.6, 0.3]), np.array([0.7, 1.4, 0.9, 0.5, 1.2])
    Sigma, M = (u * nu) @ u.T, (u[:, :3] * s) @ v.T
    a = np.array([0.3, 0.4, 0.5])
    bases = [
        u[:, :3],
        *(np.linalg.qr(rng.standard_normal((6, 6)))[0][:, :3] for _ in range(depth - 1)),
        v,
    ]
    factors = [(left * a) @ right.T for left, right in itertools.pairwise(bases)]
    return Sigma, M, s, nu[:3], a, bases, factors


def descend(Sigma, M):
    def slope(factors):
        P = np.linalg.multi_dot(factors) if len(factors) > 1 else factors[0]
        return [-G for G in factor_gradients(factors, 2 * (Sigma @ P - M))]

    return slope


@pytest.mark.verifies(
    "eq-what-training-finds-aligned",
    "eq-what-training-finds-mode",
    "eq-what-training-finds-layer",
    routes=("the flow of all matrices", "one equation for each mode"),
)
def test_modes_decouple(verify):
    """The flow of three coupled matrices stays aligned, and its modes obey their own equations."""
    Sigma, M, s, nu, a, bases, factors = fitting(depth=3)
    times = np.linspace(0, 4, 5)
    weights = flow(descend(Sigma, M), factors, times)
    middle = np.array([bases[1].T @ W[1] @ bases[2] for W in weights])
    strengths = np.array([np.diag(bases[0].T @ np.linalg.multi_dot(W) @ bases[3]) for W in weights])

    def one_layer(power=2, factor=2, curvature=nu):
        def slope(x):
            return [factor * x[0] ** power * (s - curvature * x[0] ** 3)]

        return np.array([x[0] for x in flow(slope, [a], times)])

    # Each layer is diagonal in its bases, with the roots of the strengths.
    expected = np.array([np.diag(row) for row in one_layer()])
    verify.agree(middle, expected, atol=1e-10)
    verify.refutes(middle, np.array([np.diag(r) for r in one_layer(factor=1)]), why="factor 2")
    verify.refutes(middle, np.array([np.diag(r) for r in one_layer(power=3)]), why="power N")
    verify.refutes(
        middle, np.array([np.diag(r) for r in one_layer(curvature=1.0)]), why="curvature left out"
    )

    def product(power=2 - 2 / 3, factor=6, sign=1):
        def slope(x):
            return [sign * factor * np.abs(x[0]) ** power * (s - nu * x[0])]

        return np.array([x[0] for x in flow(slope, [a**3], times)])

    verify.agree(strengths, product(), atol=1e-10)
    verify.refutes(strengths, product(factor=3), why="factor 2")
    verify.refutes(strengths, product(factor=2), why="factor N")
    verify.refutes(strengths, product(power=2 - 1 / 3), why="power 2 - 1/N")
    verify.refutes(strengths, product(sign=-0.1), why="sign")
    ours = [
        mode_strength(times, *one[:2], depth=3, curvature=one[2])
        for one in zip(s, a**3, nu, strict=True)
    ]
    verify.agree(np.transpose(ours), strengths, atol=1e-8)
    verify.refutes(np.transpose(ours), strengths**2, why="square of the strength")


@pytest.mark.verifies(
    "eq-what-training-finds-logistic",
    "eq-what-training-finds-switch",
    routes=("the flow of both matrices", "the logistic function"),
)
def test_two_layers_grow_logistically(verify):
    """Two coupled matrices follow the closed form, and cross the half when the formula says."""
    Sigma, M, s, nu, a, bases, factors = fitting(depth=2)
    times = np.linspace(0, 5, 6)
    weights = flow(descend(Sigma, M), factors, times)
    strengths = np.array([np.diag(bases[0].T @ W[0] @ W[1] @ bases[2]) for W in weights])

    def closed(rate=4.0, end=s / nu, minus=1.0):
        return end / (1 + (end / a**2 - minus) * np.exp(-rate * s * times[:, np.newaxis]))

    verify.agree(strengths, closed(), atol=1e-10)
    verify.refutes(strengths, closed(rate=2.0), why="factor 2")
    verify.refutes(strengths, closed(rate=-4.0), why="sign")
    verify.refutes(strengths, closed(end=s), why="curvature left out")
    verify.refutes(strengths, closed(minus=0.0), why="one left out")

    small = 1e-3
    half = [
        optimize.brentq(
            lambda t, j=j: mode_strength([t], s[j], small, curvature=nu[j])[0] - s[j] / nu[j] / 2,
            0.1,
            60,
            xtol=1e-13,
        )
        for j in range(3)
    ]
    # The library's time is an integral; the page's a logarithm.
    verify.agree(half, np.log(s / (nu * small) - 1) / (4 * s), rtol=1e-11)
    verify.refutes(half, np.log(s / (nu * small) - 1) / (2 * s), why="factor 2")
    verify.refutes(half, np.log(s / small - 1) / (4 * s), why="curvature left out")
    by_quadrature = [switch_time(sj, small, curvature=nj) for sj, nj in zip(s, nu, strict=True)]
    verify.agree(by_quadrature, half, rtol=1e-10)
    verify.refutes(-np.array(by_quadrature), half, why="sign")


@pytest.mark.verifies(
    "eq-what-training-finds-early",
    "eq-what-training-finds-effective",
    routes=("the flow of both matrices", "the closed form from the effective start"),
)
def test_small_random_weights_align(verify):
    """From tiny random weights the modes grow as if from the start that the page computes."""
    Sigma, M, s, _, _, bases, _ = fitting(depth=2)
    rng = np.random.default_rng(5)
    W1, W2 = 1e-12 * rng.standard_normal((5, 6)), 1e-12 * rng.standard_normal((6, 4))
    u, v = bases[0], bases[2]
    x, y = u.T @ W1, (W2 @ v).T
    # While the product is negligible, both rows turn into one another.
    slopes = descend(Sigma, M)([W1, W2])
    verify.agree(u.T @ slopes[0], 2 * s[:, np.newaxis] * y, atol=1e-22)
    verify.refutes(u.T @ slopes[0], s[:, np.newaxis] * y, why="factor 2")
    verify.refutes(u.T @ slopes[0], -2 * s[:, np.newaxis] * y, why="sign")
    verify.agree((slopes[1] @ v).T, 2 * s[:, np.newaxis] * x, atol=1e-22)
    verify.refutes((slopes[1] @ v).T, 2 * s[:, np.newaxis] * y, why="the other layer's row")

    # Late, but before anything saturates: the strengths over the exponentials.
    time = 8.0
    (late,) = flow(descend(Sigma, M), [W1, W2], [time], atol=1e-20)
    reached = np.diag(u.T @ late[0] @ late[1] @ v) * np.exp(-4 * s * time)

    def start(share=0.25, sign=1):
        return share * np.sum((x + sign * y) ** 2, axis=1)

    # The weakest mode has the least time to forget the difference of the rows: e^(-4 s tau).
    verify.agree(reached, start(), rtol=1e-3)
    verify.refutes(reached, start(share=0.5), why="factor 2")
    verify.refutes(reached, start(share=1.0), why="factor 4")
    verify.refutes(reached, start(sign=-1), why="sign")


@pytest.mark.verifies(
    "eq-what-training-finds-cut", routes=("ever smaller starts", "the step function")
)
def test_a_cut_in_the_spectrum(verify):
    """Along times proportional to log(1/p) the strengths go to all or nothing."""
    s, nu, c = np.array([1.0, 0.55, 0.45, 0.1]), np.array([2.0, 1.0, 0.5, 1.0]), 0.5
    reached = []
    for p in (1e-30, 1e-150):
        time = c * np.log(1 / p)
        reached.append(
            [mode_strength([time], sj, p, curvature=nj)[0] for sj, nj in zip(s, nu, strict=True)]
        )
    assert np.all(np.abs(np.diff(reached, axis=0)) < 2e-3)
    verify.agree(reached[1], np.where(4 * c * s > 1, s / nu, 0), atol=1e-12)
    verify.refutes(reached[1], np.where(2 * c * s > 1, s / nu, 0), why="factor 2")
    verify.refutes(reached[1], np.where(8 * c * s > 1, s / nu, 0), why="factor 1/2")
    verify.refutes(reached[1], np.where(4 * c * s > 1, s, 0), why="curvature left out")
    verify.refutes(reached[1], np.where(4 * c * s < 1, s / nu, 0), why="sign of the condition")


@pytest.mark.verifies(
    "eq-what-training-finds-deep", routes=("quadrature of the waiting time", "the power law")
)
def test_deep_networks_wait_a_power_of_the_start(verify):
    """For three, four and six layers the waiting time over the power law tends to one."""
    s, nu = 0.6, 1.7
    ratios, wrong = [], {"without the 2": [], "N for N - 2": [], "power N": []}
    for depth, a in ((3, 1e-7), (4, 1e-4), (6, 1e-2)):
        time = switch_time(s, a**depth, depth=depth, curvature=nu)
        ratios.append(time * 2 * (depth - 2) * s * a ** (depth - 2))
        wrong["without the 2"].append(time * (depth - 2) * s * a ** (depth - 2))
        wrong["N for N - 2"].append(time * 2 * depth * s * a ** (depth - 2))
        wrong["power N"].append(time * 2 * (depth - 2) * s * a**depth)
    verify.agree(ratios, np.ones(3), atol=1e-4)
    verify.refutes(wrong["without the 2"], np.ones(3), why="factor 2")
    verify.refutes(wrong["N for N - 2"], np.ones(3), why="N in the place of N - 2")
    verify.refutes(wrong["power N"], np.ones(3), why="power N of the start")
    # The integrated flow is at one half when the quadrature says.
    time = switch_time(s, 1e-3, depth=3, curvature=nu)
    verify.agree(mode_strength([time], s, 1e-3, depth=3, curvature=nu), [s / nu / 2], rtol=1e-7)
    verify.refutes(
        mode_strength([2 * time], s, 1e-3, depth=3, curvature=nu),
        [s / nu / 2],
        why="twice the time",
    )


# Conserved quantities.


def layered(activation, seed=0, sizes=(4, 5, 5, 3)):
    """Draw a network with biases, and data; the middle layer is square."""
    network = FeedForwardNetwork(sizes, activation, seed=seed)
    rng = np.random.default_rng(seed)
    for parameter in network.parameters:
        parameter += 0.3 * rng.standard_normal(parameter.shape)
    return network, rng.standard_normal((12, sizes[0])), rng.standard_normal((12, sizes[-1]))


@pytest.mark.verifies(
    "eq-what-training-finds-generator",
    routes=("torch's automatic differentiation", "the direction of the symmetry"),
)
def test_the_gradient_is_orthogonal_to_the_symmetry(verify):
    """Gradients by torch have no component along the rescaling of one rectifier, nor rotations."""
    network, X, Y = layered("relu")
    leaves = [torch.tensor(p, requires_grad=True) for p in network.parameters]
    A = torch.tensor(X)
    for W, b in zip(leaves[:-2:2], leaves[1:-2:2], strict=True):
        A = torch.relu(A @ W + b)
    ((A @ leaves[-2] + leaves[-1] - torch.tensor(Y)) ** 2).sum().div(len(X)).backward()
    g = [leaf.grad.numpy() for leaf in leaves]
    W1, b1, W2 = network.parameters[:3]
    inner = np.sum(g[0] * W1, axis=0) + g[1] * b1 - np.sum(g[2] * W2, axis=1)
    verify.agree(inner, np.zeros(5), atol=1e-13)
    plus = np.sum(g[0] * W1, axis=0) + g[1] * b1 + np.sum(g[2] * W2, axis=1)
    verify.refutes(plus, np.zeros(5), why="sign")
    verify.refutes(inner - g[1] * b1, np.zeros(5), why="biases left out")

    # Linear layers: every generator is a symmetry, rotation or stretching.
    network, X, Y = layered("identity")
    g = network.gradients(X, Y)
    W1, b1, W2 = network.parameters[:3]
    B = np.random.default_rng(1).standard_normal((5, 5))
    for generator in (B - B.T, B + B.T):
        along = np.sum(g[0] * (W1 @ generator)) + g[1] @ (b1 @ generator)
        along -= np.sum(g[2] * (generator @ W2))
        verify.agree(along, 0.0, atol=1e-12)
        verify.refutes(along + 2 * np.sum(g[2] * (generator @ W2)), 0.0, why="sign")


@pytest.mark.verifies(
    "eq-what-training-finds-conserved",
    "eq-what-training-finds-rectifier",
    "eq-what-training-finds-identity",
    routes=("the flow of the whole network", "its values at the start"),
)
def test_conserved_along_the_flow(verify):
    """A network's flow, integrated with all its layers, keeps Q, or its diagonal."""
    network, X, Y = layered("identity")

    def slope(parameters):
        return [-g for g in with_parameters(network, parameters).gradients(X, Y)]

    end = flow(slope, network.parameters, [0.5])[0]
    for layer in (1, 2):
        before, after = conserved(network.parameters, layer), conserved(end, layer)
        verify.agree(after, before, atol=1e-9)
        W, _, V = end[2 * layer - 2 : 2 * layer + 1]
        W0, _, V0 = network.parameters[2 * layer - 2 : 2 * layer + 1]
        verify.refutes(W.T @ W - V @ V.T, W0.T @ W0 - V0 @ V0.T, why="biases left out")
        verify.refutes(after + 2 * V @ V.T, before + 2 * V0 @ V0.T, why="sign")
        verify.refutes(after + V @ V.T / 2, before + V0 @ V0.T / 2, why="half of the next layer")
    W, b, V = end[2], end[3], end[4]
    W0, b0, V0 = network.parameters[2:5]
    verify.refutes(
        W @ W.T + np.outer(b, b) - V @ V.T,
        W0 @ W0.T + np.outer(b0, b0) - V0 @ V0.T,
        why="transpose",
    )
    # The identity behind it.
    g = network.gradients(X, Y)
    left = W0.T @ g[2] + np.outer(b0, g[3])
    verify.agree(left, g[4] @ V0.T, atol=1e-12)
    verify.refutes(left, V0 @ g[4].T, why="transpose")
    verify.refutes(left, -g[4] @ V0.T, why="sign")

    # Rectifiers: the flow has corners, so a simple method with small steps; only the diagonal.
    network, X, Y = layered("relu", seed=2)
    start = np.diag(conserved(network.parameters, 1)).copy()
    whole = conserved(network.parameters, 1)
    incoming = np.sum(network.parameters[0] ** 2, axis=0)
    outgoing = np.sum(network.parameters[2] ** 2, axis=1)
    for _ in range(4000):
        # The midpoint rule leaves an error of third order where no corner is crossed.
        half = network.copy()
        for p, g in zip(half.parameters, network.gradients(X, Y), strict=True):
            p -= 5e-5 * g
        for p, g in zip(network.parameters, half.gradients(X, Y), strict=True):
            p -= 1e-4 * g
    verify.agree(np.diag(conserved(network.parameters, 1)), start, atol=1e-5)
    verify.refutes(np.sum(network.parameters[0] ** 2, axis=0), incoming, why="one layer alone")
    W1, _, W2 = network.parameters[:3]
    verify.refutes(
        np.sum(W1**2, axis=0) - np.sum(W2**2, axis=1), incoming - outgoing, why="biases left out"
    )
    assert np.max(np.abs(conserved(network.parameters, 1) - whole)) > 1e-2


@pytest.mark.verifies(
    "eq-what-training-finds-drift",
    "eq-what-training-finds-total",
    routes=("steps of gradient descent", "the gradients alone"),
)
def test_drift_of_gradient_descent(verify):
    """A step changes Q by its second order exactly; the sum of the drifts obeys its bound."""
    network, X, Y = layered("identity", sizes=(4, 5, 3))
    eta = 0.05
    g = network.gradients(X, Y)
    before = conserved(network.parameters)
    for p, slope in zip(network.parameters, g, strict=True):
        p -= eta * slope
    change = conserved(network.parameters) - before
    second = g[0].T @ g[0] + np.outer(g[1], g[1]) - g[2] @ g[2].T
    verify.agree(change, eta**2 * second, atol=1e-13)
    verify.refutes(change, eta * second, why="first order")
    verify.refutes(change, -(eta**2) * second, why="sign")
    verify.refutes(change, 2 * eta**2 * second, why="factor 2")
    verify.refutes(change, eta**2 * (second - np.outer(g[1], g[1])), why="biases left out")

    drifts, bounds = [], []
    for eta in (2e-3, 1e-3):
        network, X, Y = layered("relu", seed=4)
        start, cost = np.diag(conserved(network.parameters)).copy(), network.cost_value(X, Y)
        for _ in range(round(1 / eta)):
            for p, slope in zip(network.parameters, network.gradients(X, Y), strict=True):
                p -= eta * slope
        drifts.append(np.sum(np.abs(np.diag(conserved(network.parameters)) - start)))
        bounds.append(2 * eta * (cost - network.cost_value(X, Y)))
    verify.at_most(drifts, bounds)
    verify.refutes(drifts, np.array(bounds) / 20, why="a twentieth of the bound")
    verify.refutes(drifts, -np.array(bounds), why="sign")
    assert abs(drifts[0] / drifts[1] - 2) < 0.1


@pytest.mark.verifies(
    "eq-what-training-finds-decay",
    routes=("the flow with a penalty", "an exponential"),
)
def test_weight_decay_forgets(verify):
    """With a penalty on all parameters Q decays exponentially along the flow."""
    network, X, Y = layered("identity", sizes=(4, 5, 3))
    lam, time = 0.3, 0.7

    def slope(parameters):
        gradients = with_parameters(network, parameters).gradients(X, Y)
        return [-g - 2 * lam * p for g, p in zip(gradients, parameters, strict=True)]

    end = flow(slope, network.parameters, [time])[0]
    start = conserved(network.parameters)
    verify.agree(conserved(end), np.exp(-4 * lam * time) * start, atol=1e-9)
    verify.refutes(conserved(end), np.exp(-2 * lam * time) * start, why="factor 2")
    verify.refutes(conserved(end), np.exp(4 * lam * time) * start, why="sign")
    verify.refutes(conserved(end), start, why="no decay")


# The diagonal network.


def underdetermined():
    """Draw six samples of fifteen features, of which two count."""
    X, theta = np.random.default_rng(0).standard_normal((6, 15)), np.zeros(15)
    theta[:2] = 1.0, -0.7
    return X, X @ theta


def mirror(X, y, sign=1, factor=2):
    n = len(y)

    def slope(parts):
        u, v = parts
        g = 2 / n * X.T @ (X @ (u * u - v * v) - y)
        return [-factor * u * g, sign * factor * v * g]

    return slope


@pytest.mark.verifies(
    "eq-what-training-finds-diagonal", routes=("torch's automatic differentiation", "the formula")
)
def test_flow_of_the_diagonal_network(verify):
    """The right-hand sides are minus torch's gradients by u and v."""
    X, y = underdetermined()
    rng = np.random.default_rng(1)
    u, v = rng.uniform(0.2, 1, 15), rng.uniform(0.2, 1, 15)
    leaves = [torch.tensor(part, requires_grad=True) for part in (u, v)]
    residual = torch.tensor(X) @ (leaves[0] ** 2 - leaves[1] ** 2) - torch.tensor(y)
    (residual**2).mean().backward()
    automatic = -flatten([leaf.grad.numpy() for leaf in leaves])
    verify.agree(automatic, flatten(mirror(X, y)([u, v])), rtol=1e-12, atol=1e-13)
    verify.refutes(automatic, flatten(mirror(X, y, factor=1)([u, v])), why="factor 2")
    verify.refutes(automatic, flatten(mirror(X, y, factor=12)([u, v])), why="factor n")
    verify.refutes(automatic, flatten(mirror(X, y, sign=-1)([u, v])), why="sign")
    # A step of dlmath is a step along it.
    theta = diagonal_descent(X, y, start=0.4, eta=0.01, steps=1)
    du, dv = mirror(X, y)([np.full(15, 0.4)] * 2)
    verify.agree(theta, (0.4 + 0.01 * du) ** 2 - (0.4 + 0.01 * dv) ** 2, atol=1e-15)
    verify.refutes(theta, (0.4 + 0.01 * dv) ** 2 - (0.4 + 0.01 * du) ** 2, why="sign")


@pytest.mark.verifies(
    "eq-what-training-finds-entropy",
    "eq-what-training-finds-mirror",
    routes=("the flow of u and v", "scipy's constrained minimisation", "Newton on the dual"),
)
def test_flow_ends_where_the_entropy_is_least(verify):
    """The end of the flow is the least of the potential on the solutions, found in two ways."""
    X, y = underdetermined()
    a, n = 0.3, len(y)
    (end,) = flow(mirror(X, y), [np.full(15, a)] * 2, [400.0], rtol=1e-10, atol=1e-12)
    found = end[0] ** 2 - end[1] ** 2
    named = least_hyperbolic_entropy(X, y, a)
    verify.agree(found, named, atol=1e-7)
    verify.refutes(found, least_hyperbolic_entropy(X, y, a * 2**0.5), why="factor 2 in the entropy")
    verify.refutes(found, np.linalg.pinv(X) @ y, why="least norm")

    def entropy(theta, floor=2 * a**2):
        return np.sum(theta * np.arcsinh(theta / floor) - np.sqrt(theta**2 + floor**2) + floor)

    by_scipy = optimize.minimize(
        entropy,
        np.linalg.pinv(X) @ y,
        jac=lambda theta: np.arcsinh(theta / (2 * a**2)),
        constraints={"type": "eq", "fun": lambda t: X @ t - y, "jac": lambda t: X},
        method="SLSQP",
        options={"ftol": 1e-14, "maxiter": 500},
    ).x
    verify.agree(by_scipy, named, atol=1e-6)
    verify.refutes(-by_scipy, named, why="sign")
    verify.agree(hyperbolic_entropy(named, a), entropy(named), rtol=1e-13)
    verify.refutes(hyperbolic_entropy(named, a), entropy(named, floor=a**2), why="factor 2")

    # The potential's slope moves along the gradient of the cost.
    times = [0.2 - 1e-5, 0.2, 0.2 + 1e-5]
    parts = flow(mirror(X, y), [np.full(15, a)] * 2, times)
    before, theta, after = (u**2 - v**2 for u, v in parts)
    pull = X.T @ (X @ theta - y)
    moved = (np.arcsinh(after / (2 * a**2)) - np.arcsinh(before / (2 * a**2))) / 2e-5
    verify.agree(moved, -8 / n * pull, atol=1e-6)
    verify.refutes(moved, -4 / n * pull, why="factor 2")
    verify.refutes(moved, 8 / n * pull, why="sign")
    verify.refutes(moved, -8 * pull, why="factor n")


@pytest.mark.verifies(
    "eq-what-training-finds-limits",
    "eq-what-training-finds-squeeze",
    routes=("sympy", "the entropy at extreme starts", "linear programming"),
)
def test_limits_of_the_start(verify):
    """Large starts give the squared norm, small ones the sum of the sizes; minimisers follow."""
    t, a = sympy.symbols("t a", positive=True)
    term = t * sympy.asinh(t / (2 * a**2)) - sympy.sqrt(t**2 + 4 * a**4) + 2 * a**2
    b = sympy.symbols("b", positive=True)  # 1 / a
    series = sympy.series((4 * a**2 * term).subs(a, 1 / b), b, 0, 4).removeO()
    verify.identical(series + t, t * (t + 1))
    verify.refutes(series + t, t * (t / 2 + 1), why="factor 2")
    theta = np.array([1.5, -0.3, 0.0, 2.0])
    tiny = 1e-140
    ratio = hyperbolic_entropy(theta, tiny) / np.log(1 / tiny**2)
    verify.agree(ratio, np.sum(np.abs(theta)), rtol=5e-3)
    verify.refutes(hyperbolic_entropy(theta, tiny) / np.log(1 / tiny), 3.8, why="factor 2")
    verify.refutes(ratio, np.sum(theta), why="sizes without their signs")

    X, y = underdetermined()
    p = X.shape[1]
    program = optimize.linprog(np.ones(2 * p), A_eq=np.hstack([X, -X]), b_eq=y)
    least, best = program.fun, program.x[:p] - program.x[p:]
    sizes, upper = [], []
    for start in (1e-2, 1e-4, 1e-6):
        found = least_hyperbolic_entropy(X, y, start, tol=1e-9)
        sizes.append(np.sum(np.abs(found)))
        upper.append((hyperbolic_entropy(best, start) + p) / np.log(1 / start**2))
    verify.at_most([[least] * 3, sizes], [sizes, upper], atol=1e-8)
    verify.refutes([[least] * 3, sizes], [sizes, np.array(upper) / 2], why="factor 2")
    verify.refutes([upper, sizes], [sizes, upper], why="the chain turned round")
    large = least_hyperbolic_entropy(X, y, 30.0)
    verify.agree(large, np.linalg.pinv(X) @ y, atol=1e-6)
    verify.refutes(least_hyperbolic_entropy(X, y, 0.5), np.linalg.pinv(X) @ y, why="a start of 1/2")


# The edge.


def small_problem():
    """Give a tanh network on a few data, its gradient as a function of a vector, and a point."""
    network, X, Y = layered("tanh", seed=6, sizes=(3, 4, 2))

    def gradient(x):
        return flatten(with_parameters(network, views(x, network.parameters)).gradients(X, Y))

    return gradient, flatten(network.parameters), (X, Y, network)


def torch_hessian(x, data):
    """Give the Hessian by automatic differentiation."""
    X, Y, network = data
    shapes = [p.shape for p in network.parameters]
    sizes = [p.size for p in network.parameters]
    X, Y = torch.tensor(X), torch.tensor(Y)

    def cost(vector):
        parts = [p.reshape(s) for p, s in zip(vector.split(sizes), shapes, strict=True)]
        W1, b1, W2, b2 = parts
        return ((torch.tanh(X @ W1 + b1) @ W2 + b2 - Y) ** 2).sum() / len(X)

    return torch.autograd.functional.hessian(cost, torch.tensor(x)).numpy()


@pytest.mark.verifies(
    "eq-what-training-finds-sharpness",
    "eq-what-training-finds-product",
    routes=("torch's Hessian", "dlmath.sharpness"),
)
def test_sharpness_without_the_hessian(verify):
    """Differences of gradients and Lanczos' method agree with the Hessian by torch."""
    gradient, x, data = small_problem()
    H = torch_hessian(x, data)
    v = np.random.default_rng(0).standard_normal(x.size)
    v /= np.linalg.norm(v)
    product = hessian_vector_product(gradient, x, v)
    verify.agree(product, H @ v, atol=1e-6)
    verify.refutes(2 * product, H @ v, why="factor 2")
    verify.refutes(-product, H @ v, why="sign")
    verify.refutes((gradient(x + 1e-4 * v) - gradient(x)) / 2e-4, H @ v, why="one-sided")
    # The error is of second order.
    errors = [
        np.linalg.norm(hessian_vector_product(gradient, x, v, step=h) - H @ v) for h in (0.02, 0.01)
    ]
    verify.agree(errors[0] / errors[1], 4.0, atol=0.01)
    verify.refutes(errors[0] / errors[1], 2.0, why="first order")

    value, _ = sharpness(gradient, x)
    eigenvalues = np.linalg.eigvalsh(H)
    verify.agree(value, eigenvalues[-1], atol=1e-7)
    verify.refutes(value, 2 * eigenvalues[-1], why="factor 2")
    verify.refutes(value, eigenvalues[-2], why="the second eigenvalue")
    verify.refutes(value, -eigenvalues[0], why="the least eigenvalue")
    directions = np.random.default_rng(1).standard_normal((2000, x.size))
    quotients = np.einsum("ki,ij,kj->k", directions, H, directions)
    quotients /= np.sum(directions**2, axis=1)
    verify.at_most(quotients, np.full(2000, value))
    verify.refutes(quotients, np.full(2000, value / 4), why="a quarter of it")


@pytest.mark.verifies(
    "eq-what-training-finds-stable",
    "eq-what-training-finds-flip",
    "eq-what-training-finds-cone",
    routes=("gradient descent on a curved cost", "the eigenvalues of its Hessian"),
)
def test_stability_of_a_minimiser(verify):
    """Below 2/S descent returns, above it leaves; the sharp component flips by 1 - eta S."""
    rng = np.random.default_rng(2)
    R = np.linalg.qr(rng.standard_normal((3, 3)))[0]
    H = (R * [4.0, 1.5, 0.5]) @ R.T

    def gradient(e):
        return H @ e + 0.6 * e**2 - 0.2 * e**3

    def last(eta, start, steps):
        e = np.array(start)
        for _ in range(steps):
            e = e - eta * gradient(e)
            if np.linalg.norm(e) > 0.5:
                return 0.5
        return np.linalg.norm(e)

    S, begin = 4.0, 1e-3 * np.ones(3)
    ends = [last(share * 2 / S, begin, 2000) for share in (0.5, 0.99, 1.02, 1.3)]
    inside = np.array([abs(1 - share * 2 / S * S) < 1 for share in (0.5, 0.99, 1.02, 1.3)])
    verify.agree(np.array(ends) < 1e-6, inside.astype(float), atol=0)
    verify.refutes(np.array(ends) < 1e-6, ~inside, why="sign of the condition")
    half = np.array([share < 0.5 for share in (0.5, 0.99, 1.02, 1.3)])
    verify.refutes(np.array(ends) < 1e-6, half, why="factor 2")

    eta, e = 0.6, 1e-7 * R[:, 0] + 1e-9
    x = [R[:, 0] @ e]
    for _ in range(5):
        e = e - eta * gradient(e)
        x.append(R[:, 0] @ e)
    x = np.array(x)
    verify.agree(x[1:] / x[:-1], np.full(5, 1 - eta * S), atol=1e-5)
    verify.refutes(x[1:] / x[:-1], np.full(5, 1 - eta * S / 2), why="factor 2")
    verify.refutes(x[1:] / x[:-1], np.full(5, eta * S - 1), why="sign")

    # The cone: one step with any remainder of length kappa |e|, at random.
    eta = 0.6
    rho = eta * 4.0 - 1
    kappa = (rho - 1) / 4
    high, low = [], []
    for _ in range(2000):
        e = R @ rng.standard_normal(3)
        if np.linalg.norm(R[:, 1:].T @ e) > abs(R[:, 0] @ e):
            continue
        remainder = rng.standard_normal(3)
        remainder *= kappa * np.linalg.norm(e) / np.linalg.norm(remainder)
        after = e - eta * H @ e + remainder
        high.append(abs(R[:, 0] @ after) / abs(R[:, 0] @ e))
        low.append(np.linalg.norm(R[:, 1:].T @ after) / abs(R[:, 0] @ e))
    bound = rho - np.sqrt(2) * kappa, 1 + np.sqrt(2) * kappa
    verify.at_most(np.full(len(high), bound[0]), high)
    verify.refutes(np.full(len(high), rho), high, why="remainder left out")
    verify.at_most(low, np.full(len(low), bound[1]))
    verify.refutes(low, np.full(len(low), 0.5), why="half of the bound")
    assert bound[1] < bound[0]


@pytest.mark.verifies(
    "eq-what-training-finds-scalar",
    "eq-what-training-finds-scalar-step",
    routes=("sympy", "the formulas"),
)
def test_two_weights(verify):
    """The Hessian on the hyperbola and the exact step, by computer algebra."""
    u, v, eta = sympy.symbols("u v eta", real=True)
    C = (u * v - 1) ** 2
    on_valley = sympy.hessian(C, (u, v)).subs(v, 1 / u)
    largest = sympy.simplify(on_valley.trace())
    assert sympy.simplify(on_valley.det()) == 0
    verify.identical(largest, 2 * (u**2 + 1 / u**2))
    verify.refutes(largest, u**2 + 1 / u**2, why="factor 2")
    verify.refutes(largest, 2 * (u**2 - 1 / u**2), why="sign")
    verify.identical(largest - 4, 2 * (u - 1 / u) ** 2)  # so at least 4
    verify.refutes(largest - 2, 2 * (u - 1 / u) ** 2, why="least value 2")

    after = [w - eta * sympy.diff(C, w) for w in (u, v)]
    e, T, Q = u * v - 1, u**2 + v**2, u**2 - v**2
    moved = sympy.expand(after[0] * after[1] - 1)
    verify.identical(moved, e * (1 - 2 * eta * T + 4 * eta**2 * e * (1 + e)))
    verify.refutes(moved, e * (1 - eta * T + 4 * eta**2 * e * (1 + e)), why="factor 2")
    verify.refutes(moved, e * (1 - 2 * eta * T - 4 * eta**2 * e * (1 + e)), why="sign")
    turned = sympy.expand(after[0] ** 2 - after[1] ** 2)
    verify.identical(turned, Q * (1 - 4 * eta**2 * e**2))
    verify.refutes(turned, Q * (1 + 4 * eta**2 * e**2), why="sign")
    verify.refutes(turned, Q * (1 - 2 * eta**2 * e**2), why="factor 2")


@pytest.mark.verifies(
    "eq-what-training-finds-average",
    routes=("gradients on both sides of a valley", "differences of the sharpness by torch"),
)
def test_an_oscillation_descends_on_the_sharpness(verify):
    """The mean of two gradients is that of the cost with a penalty on the largest eigenvalue."""
    gradient, x, data = small_problem()
    values, vectors = np.linalg.eigh(torch_hessian(x, data))
    v = vectors[:, -1]
    assert values[-1] > 1.2 * values[-2]
    h = 1e-4
    slope_of_sharpness = np.array(
        [
            (
                np.linalg.eigvalsh(torch_hessian(x + h * unit, data))[-1]
                - np.linalg.eigvalsh(torch_hessian(x - h * unit, data))[-1]
            )
            / (2 * h)
            for unit in np.eye(x.size)
        ]
    )

    def mean(size):
        return (gradient(x + size * v) + gradient(x - size * v)) / 2 - gradient(x)

    size = 0.01
    verify.agree(mean(size), size**2 / 2 * slope_of_sharpness, atol=1e-7)
    verify.refutes(mean(size), size**2 * slope_of_sharpness, why="factor 2")
    verify.refutes(mean(size), -(size**2) / 2 * slope_of_sharpness, why="sign")
    verify.refutes(mean(size), 0 * slope_of_sharpness, why="no penalty")
    # What is left is of fourth order.
    left = [np.linalg.norm(mean(s) - s**2 / 2 * slope_of_sharpness) for s in (0.2, 0.1)]
    verify.agree(left[0] / left[1], 16.0, rtol=0.1)
    verify.refutes(left[0] / left[1], 8.0, why="third order")
