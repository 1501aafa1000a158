"""FeedForwardNetwork: against torch, finite differences and itself, and bad input."""

import copy
import itertools
import pickle

import numpy as np
import pytest
from dlmath.activations import ACTIVATIONS
from dlmath.networks import FeedForwardNetwork
from scipy.special import expit

NAN = np.nan
HEADS = [(output, "mse") for output in ACTIVATIONS] + [
    ("softmax", "cross_entropy"),
    ("sigmoid", "cross_entropy"),
]


@pytest.fixture
def rng():
    return np.random.default_rng(11)


def data(rng, cost, n=9, inputs=3, outputs=4):
    """Draw inputs, and targets that fit the cost."""
    X = rng.standard_normal((n, inputs))
    if cost == "mse":
        return X, rng.standard_normal((n, outputs))
    return X, np.eye(outputs)[rng.integers(0, outputs, n)]


def perturbed(network, rng):
    """Give the biases values too."""
    for parameter in network.parameters:
        parameter += 0.3 * rng.standard_normal(parameter.shape)
    return network


@pytest.fixture
def torch_cost(torch, torch_activation):
    """Return a function that computes the cost in torch, from the same parameters."""

    def compute(tensors, X, Y, activation, output, cost):
        A = torch.tensor(X)
        for W, b in zip(tensors[:-2:2], tensors[1:-2:2], strict=True):
            A = torch_activation(activation)(A @ W + b)
        Z, Y = A @ tensors[-2] + tensors[-1], torch.tensor(Y)
        if cost == "mse":
            return ((torch_activation(output)(Z) - Y) ** 2).sum(dim=1).mean()
        if output == "softmax":
            return torch.nn.functional.cross_entropy(Z, Y)
        entropy = torch.nn.functional.binary_cross_entropy_with_logits
        return entropy(Z, Y, reduction="none").sum(dim=1).mean()

    return compute


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize(("output", "cost"), HEADS)
@pytest.mark.parametrize("hidden", [(), (5,), (4, 6, 3)])
def test_cost_and_gradients_are_torchs(activation, output, cost, hidden, rng, torch, torch_cost):
    network = FeedForwardNetwork([3, *hidden, 4], activation, output, cost, seed=2)
    X, Y = data(rng, cost)
    perturbed(network, rng)
    tensors = [torch.tensor(p, requires_grad=True) for p in network.parameters]
    exact = torch_cost(tensors, X, Y, activation, output, cost)
    exact.backward()
    value, gradients = network.value_and_gradients(X, Y)
    # From z = 20 on torch's softplus is linear; no input here is that large.
    assert abs(value - exact.item()) < 1e-12 * max(1, value)
    largest = max(1.0, *(tensor.grad.abs().max().item() for tensor in tensors))
    for gradient, tensor in zip(gradients, tensors, strict=True):
        assert gradient.shape == tuple(tensor.shape)
        assert np.abs(gradient - tensor.grad.numpy()).max() < 1e-12 * largest
        # Were the n or the 2 missing, or the sign wrong, this would not hold.
        assert np.abs(gradient).max() > 1e-6 * largest


def test_deltas_are_derivatives_by_the_inputs_of_the_layers(rng):
    network = perturbed(FeedForwardNetwork([3, 5, 2], "tanh"), rng)
    X, Y = data(rng, "mse", outputs=2)
    Zs, As = network.propagate(X)
    deltas = network.deltas(X, Y)
    assert [delta.shape for delta in deltas] == [Z.shape for Z in Zs]
    W, b = network.parameters[2:]
    step, sample, node = 1e-6, 4, 2
    moved = []
    for sign in (1, -1):
        Z = Zs[0].copy()
        Z[sample, node] += sign * step
        moved.append(np.sum((np.tanh(Z) @ W + b - Y) ** 2) / len(X))
    numeric = (moved[0] - moved[1]) / (2 * step)
    assert np.isclose(deltas[0][sample, node], numeric, rtol=1e-6)
    assert np.allclose(deltas[1], 2 * (As[2] - Y) / 9, rtol=1e-14)


@pytest.mark.parametrize(("output", "cost"), HEADS)
def test_weight_decay_and_dropout_enter_the_gradients(output, cost, rng):
    network = perturbed(FeedForwardNetwork([3, 6, 5, 4], "silu", output, cost), rng)
    X, Y = data(rng, cost)
    settings = {"lam": 0.2, "dropout": 0.4}

    def value():
        # The same nodes are left out each time.
        return network.value_and_gradients(X, Y, rng=np.random.default_rng(1), **settings)

    gradients, step = value()[1], 1e-6
    for parameter, gradient in zip(network.parameters, gradients, strict=True):
        for index in itertools.islice(np.ndindex(parameter.shape), 0, None, 3):
            old = parameter[index]
            ends = []
            for sign in (1, -1):
                parameter[index] = old + sign * step
                ends.append(value()[0])
            parameter[index] = old
            assert np.isclose(
                (ends[0] - ends[1]) / (2 * step), gradient[index], rtol=2e-5, atol=2e-7
            )


def test_the_penalty_is_on_weights_only_and_has_no_half(rng):
    network = perturbed(FeedForwardNetwork([3, 5, 4]), rng)
    X, Y = data(rng, "mse")
    plain, gradients = network.value_and_gradients(X, Y)
    value, penalised = network.value_and_gradients(X, Y, lam=0.1)
    W1, _, W2, _ = network.parameters
    assert np.isclose(value - plain, 0.1 * (np.sum(W1**2) + np.sum(W2**2)), rtol=1e-12)
    for old, new, change in zip(gradients, penalised, (0.2 * W1, 0, 0.2 * W2, 0), strict=True):
        assert np.allclose(new - old, change, rtol=1e-12, atol=1e-15)


def test_dropout_keeps_the_mean_and_leaves_out_the_share(rng):
    network = perturbed(FeedForwardNetwork([3, 40, 1], "identity"), rng)
    X = np.repeat(rng.standard_normal((1, 3)), 20_000, axis=0)
    As = network._propagate(X, 0.25, np.random.default_rng(0))[1]
    missing = np.mean(As[1] == 0)
    assert abs(missing - 0.25) < 4 * np.sqrt(0.25 * 0.75 / As[1].size)
    spread = As[2].std() / np.sqrt(len(X))
    assert abs(As[2].mean() - network.forward(X[:1])[0, 0]) < 4 * spread


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_type_is_kept_all_through(dtype, rng):
    for activation, (output, cost) in itertools.product(ACTIVATIONS, HEADS):
        network = FeedForwardNetwork([3, 5, 4], activation, output, cost, dtype=dtype)
        X, Y = data(rng, cost)
        Zs, As = network.propagate(X)
        value, gradients = network.value_and_gradients(
            X, Y, lam=0.1, dropout=0.2, rng=np.random.default_rng(0)
        )
        found = {array.dtype for array in (*Zs, *As, *gradients, *network.deltas(X, Y))}
        assert found == {np.dtype(dtype)}
        assert isinstance(value, float)
        assert network.forward(X).dtype == dtype


def test_float32_is_float64_to_its_precision(rng):
    X, Y = data(rng, "mse")
    networks = [FeedForwardNetwork([3, 20, 4], seed=1, dtype=t) for t in (np.float64, np.float32)]
    for fine, coarse in zip(*(network.gradients(X, Y) for network in networks), strict=True):
        assert np.allclose(fine, coarse, rtol=1e-4, atol=1e-5)


def test_forward_is_the_last_of_propagate_and_nothing_changes(rng):
    network = FeedForwardNetwork([3, 5, 4], "relu", "sigmoid", "cross_entropy")
    X, Y = data(rng, "cross_entropy")
    before, given = network.copy(), (X.copy(), Y.copy())
    assert (network.propagate(X)[1][-1] == network.forward(X)).all()
    assert network.propagate(X)[1][0] is X
    network.gradients(X, Y)
    network.value_and_gradients(X, Y, lam=1.0)
    assert all((p == q).all() for p, q in zip(network.parameters, before.parameters, strict=True))
    assert (given[0] == X).all()
    assert (given[1] == Y).all()


def test_a_network_without_hidden_layers_is_logistic_regression(rng):
    network = FeedForwardNetwork([3, 1], output="sigmoid", cost="cross_entropy", seed=4)
    X = rng.standard_normal((6, 3))
    theta = network.parameters[0][:, 0]
    assert np.allclose(network.forward(X)[:, 0], expit(X @ theta), rtol=1e-14)


def test_copies_and_pickles_are_equal_and_apart(rng):
    network = FeedForwardNetwork([3, 5, 4], "gelu", "softmax", "cross_entropy")
    X, Y = data(rng, "cross_entropy")
    for other in (network.copy(), copy.deepcopy(network), pickle.loads(pickle.dumps(network))):
        assert (other.forward(X) == network.forward(X)).all()
        assert other.cost_value(X, Y) == network.cost_value(X, Y)
        other.parameters[0][...] = 0
    assert np.all(network.parameters[0] != 0)


@pytest.mark.parametrize(
    ("name", "variance"),
    [("glorot", 2 / (400 + 300)), ("he", 2 / 400), ("lecun", 1 / 400)],
)
def test_initial_weights_have_the_variance_of_their_name(name, variance):
    W, b = FeedForwardNetwork([400, 300], seed=6, initialisation=name).parameters
    # The variance of a sample variance of normal numbers is 2 / N of its square.
    assert abs(W.var() / variance - 1) < 4 * np.sqrt(2 / W.size)
    assert abs(W.mean()) < 4 * np.sqrt(variance / W.size)
    assert (b == 0).all()


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_auto_is_he_for_rectifiers_and_glorot_else(activation):
    rectifier = activation in ("relu", "leaky_relu", "elu", "softplus", "silu", "gelu")
    name = "he" if rectifier else "glorot"
    ours = FeedForwardNetwork([4, 7, 2], activation).parameters[0]
    same = FeedForwardNetwork([4, 7, 2], activation, initialisation=name).parameters[0]
    assert (ours == same).all()


def test_the_seed_decides():
    first, same, other = (FeedForwardNetwork([4, 3], seed=seed).parameters[0] for seed in (1, 1, 2))
    assert (first == same).all()
    assert (first != other).all()


@pytest.mark.parametrize(
    ("sizes", "message"),
    [
        ([3], "at least the inputs and the outputs"),
        ([], "at least the inputs and the outputs"),
        (3, "sizes must be a sequence of integers, got 3"),
        ([3, 0, 1], "sizes must be positive integers, got 0"),
        ([3, -2, 1], "sizes must be positive integers, got -2"),
        ([3, 2.0, 1], "sizes must be positive integers, got 2.0"),
        ([3, True, 1], "sizes must be positive integers, got True"),
    ],
)
def test_bad_sizes_are_refused(sizes, message):
    with pytest.raises(ValueError, match=message):
        FeedForwardNetwork(sizes)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"activation": "Tanh"}, "activation must be one of"),
        ({"cost": "mae"}, "cost must be one of"),
        ({"output": "softmax"}, "belongs to cost 'cross_entropy'"),
        ({"cost": "cross_entropy"}, "needs probabilities"),
        ({"dtype": np.float16}, "dtype must be float64 or float32"),
        ({"dtype": None}, "dtype must be float64 or float32, got None"),
        ({"dtype": int}, "dtype must be float64 or float32"),
        ({"dtype": "nonsense"}, "dtype must be float64 or float32, got 'nonsense'"),
        ({"initialisation": "xavier"}, "initialisation must be one of auto, glorot"),
    ],
)
def test_bad_settings_are_refused(settings, message):
    with pytest.raises(ValueError, match=message):
        FeedForwardNetwork([2, 3, 1], **settings)


X, Y = np.ones((4, 2)), np.ones((4, 1))


@pytest.mark.parametrize(
    ("X", "Y", "message"),
    [
        (X[:, :1], Y, r"X must have shape \(n_samples, 2\) with at least one sample; got \(4, 1\)"),
        (X[0], Y, "for one column give X"),
        (X[:0], Y[:0], "X must have shape"),
        (X, Y[:, 0], r"Y must have shape \(n_samples, 1\).*give Y\[:, np.newaxis\]; got \(4,\)"),
        (X, np.ones((4, 2)), r"Y must have shape \(n_samples, 1\)"),
        (X, Y[:3], "X and Y must have as many rows, got 4 and 3"),
        (np.where(X, NAN, 0), Y, "X contains NaN or infinity"),
        (X, Y * np.inf, "Y contains NaN or infinity"),
        (X.astype(np.float16), Y, "X is float16"),
        (X, Y.astype(np.float16), "Y is float16"),
        (X.astype(str), Y, "X must hold real numbers"),
        (X + 1j, Y, "X must hold real numbers"),
    ],
)
def test_bad_data_are_refused(X, Y, message):
    network = FeedForwardNetwork([2, 3, 1])
    for method in (network.cost_value, network.gradients, network.deltas):
        with pytest.raises(ValueError, match=message):
            method(X, Y)


@pytest.mark.parametrize(
    ("output", "Y", "message"),
    [
        ("softmax", [[0.5, 0.6]] * 4, "each row of Y must sum to 1.*np.eye"),
        ("softmax", [[2.0, -1.0]] * 4, "Y must hold probabilities"),
        ("sigmoid", [[2.0, 0.0]] * 4, "Y must hold probabilities"),
        ("sigmoid", [[0.0, -1.0]] * 4, "Y must hold probabilities"),
    ],
)
def test_targets_that_are_no_probabilities_are_refused(output, Y, message):
    network = FeedForwardNetwork([2, 2], output=output, cost="cross_entropy")
    with pytest.raises(ValueError, match=message):
        network.cost_value(X, Y)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"lam": -1}, "lam must be a finite number and not negative"),
        ({"lam": NAN}, "lam must be"),
        ({"dropout": 1.0}, "dropout must be a probability below 1"),
        ({"dropout": -0.1}, "dropout must be"),
        ({"dropout": 0.5}, "dropout needs an rng"),
    ],
)
def test_bad_regularisation_is_refused(settings, message):
    with pytest.raises(ValueError, match=message):
        FeedForwardNetwork([2, 3, 1]).value_and_gradients(X, Y, **settings)
