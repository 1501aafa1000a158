"""The layers of `dlmath.convolution` against loops, SciPy and differences of the cost."""

import numpy as np
import pytest
from dlmath.convolution import (
    Activation,
    AveragePooling,
    Convolution,
    ConvolutionalNetwork,
    Dense,
    Flatten,
    GlobalAverage,
    Layer,
    MaxPooling,
    Skip,
    Upsampling,
    attention,
    conv2d,
    fold,
    group_average,
    pad,
    pad_backward,
    patches,
    permutation_equivariant,
    receptive_field,
    shifts,
    unet,
)
from dlmath.optimizers import Adam, GradientDescent
from numpy.testing import assert_allclose, assert_array_equal
from scipy import ndimage
from scipy.special import softmax

RNG = np.random.default_rng(0)


def images(n=2, rows=6, columns=4, channels=3):
    return RNG.normal(size=(n, rows, columns, channels))


@pytest.mark.parametrize("size", [(1, 1), (2, 3), (3, 3), (4, 1)])
@pytest.mark.parametrize("padding", ["circular", "zero"])
def test_a_convolution_is_scipys_correlation_summed_over_channels(size, padding):
    A, W, b = images(), RNG.normal(size=(*size, 3, 2)), RNG.normal(size=2)
    Z, _ = conv2d(A, W, b, padding=padding)
    mode = "wrap" if padding == "circular" else "constant"
    origin = [-((k + 1) % 2) for k in size]  # SciPy centres even kernels on the other side
    for s in range(2):
        for out in range(2):
            expected = b[out] + sum(
                ndimage.correlate(A[s, :, :, c], W[:, :, c, out], mode=mode, origin=origin)
                for c in range(3)
            )
            assert_allclose(Z[s, :, :, out], expected, atol=1e-13)


def test_stride_keeps_every_second_place():
    A, W, b = images(), RNG.normal(size=(3, 3, 3, 2)), RNG.normal(size=2)
    every, _ = conv2d(A, W, b)
    second, _ = conv2d(A, W, b, stride=2)
    assert_allclose(second, every[:, ::2, ::2])
    valid, _ = conv2d(A, W, b, padding="none")
    assert_allclose(valid, every[:, 1:-1, 1:-1])


@pytest.mark.parametrize("padding", ["circular", "zero", "none"])
@pytest.mark.parametrize("size", [(2, 3), (3, 3), (4, 4)])
def test_padding_and_patches_stand_beside_their_adjoints(padding, size):
    """<P x, y> = <x, P^T y> for random x and y."""
    A = images()
    padded = pad(A, size, padding)
    B = RNG.normal(size=padded.shape)
    assert_allclose(np.sum(padded * B), np.sum(A * pad_backward(B, size, padding)))
    for stride in (1, 2):
        P = patches(padded, size, stride)
        Q = RNG.normal(size=P.shape)
        assert_allclose(np.sum(P * Q), np.sum(padded * fold(Q, padded.shape, stride)))


def differences(function, x, h=1e-6):
    """Differentiate a number by every entry of an array, by central differences."""
    slope = np.zeros_like(x)
    for i in np.ndindex(x.shape):
        old = x[i]
        x[i] = old + h
        above = function()
        x[i] = old - h
        slope[i] = (above - function()) / (2 * h)
        x[i] = old
    return slope


LAYERS = {
    "circular": [Convolution(2, 3)],
    "zeros and two strides": [Convolution(2, 2, (3, 2), stride=2, padding="zero")],
    "no padding": [Convolution(2, 2, 2, padding="none"), Activation("tanh")],
    "averages": [Convolution(2, 2), Activation("softplus"), AveragePooling(2)],
    "largest": [Convolution(2, 2), MaxPooling(2), Activation("tanh")],
    "global": [Convolution(2, 2), Activation("tanh"), GlobalAverage(), Dense(2, 2)],
    "flat": [Flatten(), Dense(32, 3)],
    "upsampling": [AveragePooling(2), Upsampling(2), Convolution(2, 1)],
    "skip": [Skip([AveragePooling(2), Convolution(2, 3), Upsampling(2)]), Convolution(5, 1)],
    "unet": [*unet([2, 3, 2], 2, 1)],
}


@pytest.mark.parametrize("name", LAYERS)
@pytest.mark.parametrize("cost", ["mse", "cross_entropy"])
def test_gradients_are_the_limits_of_differences(name, cost):
    network = ConvolutionalNetwork(LAYERS[name], cost=cost, seed=3)
    for parameter in network.parameters:
        parameter += 0.1 * RNG.normal(size=parameter.shape)
    X = RNG.normal(size=(3, 4, 4, 2))
    F = network.forward(X)
    Y = RNG.normal(size=F.shape) if cost == "mse" else softmax(RNG.normal(size=F.shape), axis=-1)
    value, gradients = network.value_and_gradients(X, Y, lam=0.1)
    weights = [parameter for parameter in network.parameters if parameter.ndim > 1]
    penalty = 0.1 * sum(np.sum(W**2) for W in weights)
    assert_allclose(value, network.cost_value(X, Y) + penalty)
    for parameter, gradient in zip(network.parameters, gradients, strict=True):
        slope = differences(lambda: network.cost_value(X, Y), parameter)
        slope += 0.2 * parameter if parameter.ndim > 1 else 0
        assert_allclose(gradient, slope, atol=1e-7)
    G = RNG.normal(size=F.shape)
    if cost == "mse":
        slope = differences(lambda: np.sum(G * network.forward(X)), X)
        assert_allclose(network.input_gradient(X, G), slope, atol=1e-7)


def test_pooling_by_hand():
    A = np.arange(16.0).reshape(1, 4, 4, 1)
    assert_array_equal(AveragePooling(2)(A)[0][0, :, :, 0], [[2.5, 4.5], [10.5, 12.5]])
    value, back = MaxPooling(2)(A)
    assert_array_equal(value[0, :, :, 0], [[5, 7], [13, 15]])
    assert_array_equal(np.flatnonzero(back(np.ones((1, 2, 2, 1)))[0]), [5, 7, 13, 15])
    assert_array_equal(
        Upsampling(2)(value)[0][0, :, :, 0], value[0, :, :, 0].repeat(2, 0).repeat(2, 1)
    )


def test_a_unet_keeps_the_shape_and_has_the_parameters_that_are_counted():
    network = ConvolutionalNetwork(unet([4, 6]), seed=0)
    assert network.forward(images(channels=1)).shape == (2, 6, 4, 1)
    assert network.n_parameters == (9 * 4 + 4) + (9 * 4 * 6 + 6) + (9 * 10 * 4 + 4) + (4 + 1)


def test_training_learns_and_is_the_same_at_every_run():
    X = images(40, channels=1)
    Y = np.mean(np.abs(X + np.roll(X, 1, axis=2)), axis=(1, 2))
    layers = [Convolution(1, 4, (1, 2)), Activation("relu"), GlobalAverage(), Dense(4, 1)]
    costs = []
    for _ in range(2):
        network = ConvolutionalNetwork(layers, seed=1)
        costs.append(network.fit(X, Y, optimizer=Adam(0.03), epochs=100, batch_size=8, seed=2))
    assert costs[0] == costs[1]
    assert costs[0][-1] < 1e-3 * np.mean(Y**2)
    other = network.copy()
    other.fit(X, Y, optimizer=GradientDescent(0.1), epochs=1)
    assert not np.array_equal(other.parameters[0], network.parameters[0])


def test_single_precision_stays_single():
    network = ConvolutionalNetwork(unet([2, 3]), dtype=np.float32)
    X = images(channels=1)
    assert network.forward(X).dtype == np.float32
    assert {gradient.dtype for gradient in network.gradients(X, X)} == {np.dtype(np.float32)}


def test_receptive_fields():
    assert receptive_field([]) == 1
    assert receptive_field([5]) == 5
    assert receptive_field([3, 2, 3, 3], [1, 2, 1, 1]) == 1 + 2 + 1 + 4 + 4


def test_averages_over_shifts_and_attention():
    X = images()
    weights = RNG.normal(size=X.shape[1:])
    average = group_average(lambda A: np.sum(A * weights, axis=(1, 2, 3)), shifts(6, 4))
    assert len(shifts(6, 4)) == 24
    assert_allclose(average(X), average(np.roll(X, (2, 1), axis=(1, 2))))
    assert_allclose(average(X), X.mean(axis=(1, 2)) @ weights.sum(axis=(0, 1)))
    assert_allclose(permutation_equivariant(2, 3, 3), 2 * np.eye(3) + 1)
    Q, K, V = RNG.normal(size=(2, 5)), RNG.normal(size=(7, 5)), RNG.normal(size=(7, 3))
    by_loop = [
        sum(np.exp(q @ k / 5**0.5) * v for k, v in zip(K, V, strict=True))
        / sum(np.exp(q @ k / 5**0.5) for k in K)
        for q in Q
    ]
    assert_allclose(attention(Q, K, V), by_loop)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: Convolution(0, 1), "n_in must be an integer of at least 1"),
        (lambda: Convolution(1, 1.5), "n_out"),
        (lambda: Convolution(1, 1, 0), "size"),
        (lambda: Convolution(1, 1, (1, 2, 3)), "size must be an integer or two"),
        (lambda: Convolution(1, 1, stride=0), "stride"),
        (lambda: Convolution(1, 1, padding="same"), "padding must be one of"),
        (lambda: Dense(1, True), "n_out"),
        (lambda: Activation("step"), "name must be one of"),
        (lambda: AveragePooling(0), "size"),
        (lambda: ConvolutionalNetwork([]), "layers must be a non-empty list"),
        (lambda: ConvolutionalNetwork([np.sin]), "layers must be a non-empty list of layers"),
        (lambda: ConvolutionalNetwork([Flatten()], cost="hinge"), "cost must be one of"),
        (lambda: ConvolutionalNetwork([Flatten()], dtype=int), "dtype must be float64"),
        (lambda: unet([]), "channels must name"),
        (lambda: unet([2, 0]), "channels must be an integer"),
        (lambda: receptive_field([3], [1, 1]), "strides must have 1 entries"),
        (lambda: receptive_field([0]), "sizes"),
        (lambda: group_average(np.sum, []), "actions must hold"),
        (lambda: shifts(0, 2), "rows"),
        (lambda: permutation_equivariant(1, 1, 0), "n must be an integer"),
        (lambda: attention(np.eye(2), np.eye(3), np.eye(3)), "K must have 2 columns"),
        (lambda: attention(np.eye(2), np.eye(2), np.eye(3)), "V must have 2 rows"),
        (lambda: attention([1.0], np.eye(2), np.eye(2)), "Q must be a matrix"),
        (lambda: attention("Q", np.eye(2), np.eye(2)), "Q must hold numbers"),
    ],
)
def test_bad_settings_are_refused(make, words):
    with pytest.raises(ValueError, match=words):
        make()


@pytest.mark.parametrize(
    ("layers", "X", "words"),
    [
        ([Convolution(1, 1)], np.ones((2, 4, 4)), r"A must have the shape \(n, rows, columns, 1\)"),
        ([Convolution(2, 1)], np.ones((2, 4, 4, 1)), "columns, 2"),
        ([Convolution(1, 1, 10)], np.ones((2, 4, 4, 1)), "larger than the images"),
        ([Dense(3, 1)], np.ones((2, 4)), r"A must have the shape \(n, 3\)"),
        ([AveragePooling(3)], np.ones((2, 4, 4, 1)), "multiples of 3"),
        ([Skip([AveragePooling(2)])], np.ones((2, 4, 4, 1)), "not beside it"),
        ([Flatten()], np.full((2, 4), np.nan), "X contains NaN"),
        ([Flatten()], np.ones(3), "X must have samples"),
        ([Flatten()], "X", "X must hold real numbers"),
    ],
)
def test_bad_input_is_named(layers, X, words):
    network = ConvolutionalNetwork(layers)
    with pytest.raises(ValueError, match=words):
        network.forward(X)


def test_bad_targets_leave_the_network_as_it_is():
    network = ConvolutionalNetwork([Flatten(), Dense(4, 1)])
    before = [parameter.copy() for parameter in network.parameters]
    with pytest.raises(ValueError, match="Y must have the shape"):
        network.fit(np.ones((3, 4)), np.ones(3), optimizer=Adam(), epochs=1)
    with pytest.raises(ValueError, match="Y must have 3 samples"):
        network.fit(np.ones((3, 4)), np.ones((2, 1)), optimizer=Adam(), epochs=1)
    with pytest.raises(ValueError, match="epochs"):
        network.fit(np.ones((3, 4)), np.ones((3, 1)), optimizer=Adam(), epochs=0)
    assert_array_equal(
        np.hstack([p.ravel() for p in network.parameters]), np.hstack([p.ravel() for p in before])
    )
    with pytest.raises(NotImplementedError):
        Layer()(np.ones((1, 2)))
