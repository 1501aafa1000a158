"""Wide networks: kernels, the two-layer network, its linearisation, and bounds on the error."""

import numpy as np
import pytest
from dlmath import generalisation
from dlmath.networks import FeedForwardNetwork
from dlmath.tangent_kernel import (
    TwoLayerNetwork,
    alignment,
    deep_relu_kernels,
    lazy_bounds,
    linearised_flow,
    network_jacobian,
    relu_covariance,
    relu_tangent_kernel,
)
from numpy.testing import assert_allclose

X = np.random.default_rng(0).normal(size=(5, 3))
Z = np.random.default_rng(1).normal(size=(4, 3))


def test_kernels_are_symmetric_positive_and_homogeneous():
    for kernel in (relu_covariance, relu_tangent_kernel):
        K = kernel(X)
        assert_allclose(K, K.T)
        assert np.linalg.eigvalsh(K).min() > 0
        assert_allclose(kernel(2 * X, 3 * Z), 6 * kernel(X, Z))
        assert_allclose(kernel(Z, X), kernel(X, Z).T)
    assert_allclose(np.diag(relu_covariance(X)), np.sum(X**2, axis=1) / 2, rtol=1e-7)
    assert_allclose(np.diag(relu_tangent_kernel(X)), np.sum(X**2, axis=1), rtol=1e-7)


def test_opposite_and_zero_points():
    both = np.array([[1.0, 2.0, 0.5], [-1.0, -2.0, -0.5], [0.0, 0.0, 0.0]])
    assert_allclose(relu_covariance(both)[0, 1], 0, atol=1e-12)
    assert_allclose(relu_covariance(both)[2], 0, atol=1e-15)
    assert_allclose(relu_tangent_kernel(both)[2], 0, atol=1e-15)


def test_one_deep_layer_is_twice_the_shallow_network():
    covariance, tangent = deep_relu_kernels(X, Z)
    assert_allclose(covariance, 2 * relu_covariance(X, Z))
    assert_allclose(tangent, 2 * relu_tangent_kernel(X, Z))
    deep = deep_relu_kernels(X, layers=4)
    assert_allclose(np.diag(deep[0]), np.sum(X**2, axis=1), rtol=1e-6)
    assert_allclose(np.diag(deep[1]), 5 * np.sum(X**2, axis=1), rtol=1e-6)


@pytest.mark.parametrize("activation", ["relu", "tanh", "softplus"])
@pytest.mark.parametrize("paired", [True, False])
def test_network_against_torch(torch, torch_activation, activation, paired):
    network = TwoLayerNetwork(3, 8, activation, paired=paired, scale=1.7, seed=2)
    y = np.arange(5.0) - 2
    W = torch.tensor(network.W, requires_grad=True)
    a = torch.tensor(network.a, requires_grad=True)
    sigma = torch_activation(activation)

    def outputs():
        return 1.7 / np.sqrt(8) * sigma(torch.tensor(X) @ W.T) @ a

    assert_allclose(network.forward(X), outputs().detach().numpy(), atol=1e-14)
    if paired:
        assert_allclose(network.forward(X), 0, atol=1e-15)
    for row, found in enumerate(network.jacobian(X)):
        by_W, by_a = torch.autograd.grad(outputs()[row], (W, a))
        assert_allclose(found, np.append(by_W.ravel(), by_a), atol=1e-14)
    J, JZ = network.jacobian(X), network.jacobian(Z)
    assert_allclose(network.tangent_kernel(X, Z), J @ JZ.T, atol=1e-13)
    optimiser = torch.optim.SGD((W, a), lr=0.1 / 1.7**2)
    for _ in range(7):
        optimiser.zero_grad()
        torch.mean((outputs() - torch.tensor(y)) ** 2).backward()
        optimiser.step()
    network.descend(X, y, 0.1, 7)
    assert_allclose(network.W, W.detach(), rtol=1e-12)
    assert_allclose(network.a, a.detach(), rtol=1e-12)


def test_jacobian_of_a_deep_network_by_differences():
    network = FeedForwardNetwork([3, 4, 2, 1], "tanh", seed=1)
    J = network_jacobian(network, X)
    assert J.shape == (5, network.n_parameters)
    column, h = 0, 1e-6
    for parameter in network.parameters:
        flat = parameter.reshape(-1)
        for k in range(flat.size):
            flat[k] += h
            above = network.forward(X)
            flat[k] -= 2 * h
            below = network.forward(X)
            flat[k] += h
            assert_allclose(J[:, column], ((above - below) / (2 * h))[:, 0], atol=1e-8)
            column += 1


def test_divergence_leaves_the_network_as_it_was():
    network = TwoLayerNetwork(3, 8, seed=2)
    W, a = network.W.copy(), network.a.copy()
    with np.errstate(all="ignore"), pytest.raises(FloatingPointError, match="diverges at eta"):
        network.descend(X, np.ones(5), 1e3, 2000)
    assert_allclose(network.W, W)
    assert_allclose(network.a, a)


def test_linearised_flow_at_its_ends():
    K, y = relu_tangent_kernel(X), np.arange(5.0)
    cross = relu_tangent_kernel(Z, X)
    assert_allclose(linearised_flow(K, y, [0.0, np.inf])[0], 0)
    assert_allclose(linearised_flow(K, y, [np.inf])[0], y, rtol=1e-9, atol=1e-9)
    limit = linearised_flow(K, y, [np.inf], cross=cross, start=1.0, start_new=2.0)[0]
    assert_allclose(limit, 2 + cross @ np.linalg.solve(K, y - 1), rtol=1e-8)


def test_wide_networks_follow_their_linearisation():
    y = np.array([1.0, -1.0, 0.5, 0.0, -0.5])
    gaps = []
    for m in (64, 1024):
        network = TwoLayerNetwork(3, m, "tanh", seed=3)
        K = network.tangent_kernel(X)
        network.descend(X, y, 0.01, 500)
        linear = linearised_flow(K, y, [5.0])[0]
        gaps.append(np.abs(network.forward(X) - linear).max())
    assert gaps[1] < gaps[0] / 4


def test_alignment_and_bounds_are_in_range():
    y = np.array([1.0, -1.0, 1.0, 1.0, -1.0])
    assert 0 < alignment(relu_tangent_kernel(X), y) < 1
    few, many = (lazy_bounds(m, 1.0, 1.0, 1.0) for m in (10_000, 1_000_000))
    ratios = np.array(few) / np.array(many)
    assert np.all((ratios > 10 * (1 - 1e-12)) & (ratios < 10.5))
    big = np.tile(X, (4000, 1))
    labels = np.where(big[:, 0] > 0, 1.0, -1.0)
    bound = generalisation.error_bound(
        generalisation.margin_error(10 * big[:, 0], labels, 0.1),
        generalisation.linear_complexity(big, 10.0),
        len(big),
        gamma=5.0,
    )
    assert 0 < bound < 0.3


def test_sampled_complexity_lies_below_its_bound():
    drawn = generalisation.sampled_linear_complexity(X, 2.0, 4000, np.random.default_rng(2))
    assert drawn.shape == (4000,)
    mean, error = drawn.mean(), drawn.std() / np.sqrt(4000)
    assert mean - 4 * error < generalisation.linear_complexity(X, 2.0) < 1.3 * mean


def flow(**change):
    given = {"kernel": np.eye(3), "y": np.ones(3), "times": [1.0]}
    return linearised_flow(**{**given, **change})


def network(**change):
    return TwoLayerNetwork(**{"d": 2, "m": 4, **change})


@pytest.mark.parametrize(
    ("make", "change", "message"),
    [
        (relu_covariance, {"X": [1.0]}, "X must be a matrix"),
        (relu_covariance, {"X": X, "Z": np.ones((2, 2))}, "Z must be a matrix with 3 columns"),
        (relu_tangent_kernel, {"X": [[np.nan]]}, "X contains NaN"),
        (relu_tangent_kernel, {"X": [["a"]]}, "X must hold numbers"),
        (deep_relu_kernels, {"X": X, "layers": 0}, "layers must be an integer of at least 1"),
        (network, {"m": 5}, "m must be even"),
        (network, {"d": 0}, "d must be an integer"),
        (network, {"activation": "cubic"}, "activation must be one of"),
        (network, {"scale": 0}, "scale must be a positive number"),
        (network().forward, {"X": X}, "X must be a matrix with 2 columns"),
        (network().jacobian, {"X": X}, "X must be a matrix with 2 columns"),
        (network().tangent_kernel, {"X": X}, "X must be a matrix with 2 columns"),
        (
            network().descend,
            {"X": X[:, :2], "y": [1.0], "eta": 0.1, "steps": 1},
            r"y must have shape \(5,\)",
        ),
        (
            network().descend,
            {"X": X[:, :2], "y": np.ones(5), "eta": -1, "steps": 1},
            "eta must be a positive number",
        ),
        (
            network_jacobian,
            {"network": FeedForwardNetwork([3, 2, 2]), "X": X},
            "network must have one output",
        ),
        (flow, {"kernel": np.ones((2, 3))}, "kernel must be a matrix with 2 columns"),
        (flow, {"y": [1.0]}, r"y must have shape \(3,\)"),
        (flow, {"cross": np.ones((2, 2))}, "cross must be a matrix with 3 columns"),
        (alignment, {"kernel": np.eye(2), "y": np.ones(3)}, r"y must have shape \(2,\)"),
        (
            lazy_bounds,
            {"m": 0, "tau": 1, "residual": 1, "radius": 1},
            "m must be an integer of at least 1",
        ),
        (
            lazy_bounds,
            {"m": 4, "tau": 1, "residual": 1, "radius": -1},
            "radius must be a positive number",
        ),
        (generalisation.path_norm, {"a": [1.0], "W": X}, r"a must have shape \(5,\)"),
        (generalisation.linear_complexity, {"X": [1.0]}, "X must be a matrix"),
        (generalisation.kernel_complexity, {"K": np.eye(2), "B": 0}, "B must be a positive"),
        (
            generalisation.margin_error,
            {"f": [1.0], "y": [0.0], "gamma": 1},
            r"y must hold labels \+1 and -1",
        ),
        (
            generalisation.margin_error,
            {"f": [1.0], "y": [1.0, 1.0], "gamma": 1},
            "f and y must be vectors of one length",
        ),
        (
            generalisation.error_bound,
            {"error": 0, "complexity": 1, "n": 5, "delta": 2},
            "delta must lie between 0 and 1",
        ),
    ],
)
def test_bad_input_is_named(make, change, message):
    with pytest.raises(ValueError, match=message):
        make(**change)
