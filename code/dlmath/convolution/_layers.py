"""Layers: each gives its value, and the function that sends a derivative back through it."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from dlmath import activations
from dlmath._checks import check_count
from dlmath.convolution._maps import (
    Array,
    check_padding,
    conv2d,
    conv2d_backward,
    fold,
    patches,
)

Gradients = list[Array]
Back = Callable[[Array], tuple[Array, Gradients]]


class Layer:
    """A map of arrays with parameters of its own, or none.

    A layer is called with its input A and returns its value and a function `back`. For a cost C,
    `back(dC/dZ)` returns dC/dA and the list of the derivatives by the parameters, in their order.

    Attributes
    ----------
    parameters : list of ndarray
        Kernels and biases; an optimiser changes them in place.
    """

    parameters: list[Array]

    def __init__(self) -> None:
        self.parameters = []

    def initialise(self, rng: np.random.Generator, dtype: Any) -> None:
        """Draw the parameters; a layer without any has nothing to do."""

    def __call__(self, A: Array) -> tuple[Array, Back]:
        """Return the value at A and the function that sends derivatives back."""
        raise NotImplementedError


class _Weighted(Layer):
    """A layer with weights W, of which the last axis counts outputs, and biases b."""

    def __init__(self, shape: tuple[int, ...]) -> None:
        self.parameters = [np.zeros(shape), np.zeros(shape[-1])]

    def initialise(self, rng: np.random.Generator, dtype: Any) -> None:
        """Draw weights of variance 2 / (number of inputs of a unit), He's; biases are zero."""
        shape = self.parameters[0].shape
        scale = np.sqrt(2 / np.prod(shape[:-1]))
        self.parameters = [
            (scale * rng.standard_normal(shape)).astype(dtype),
            np.zeros(shape[-1], dtype),
        ]


class Convolution(_Weighted):
    """Convolution of images with `n_out` kernels, Equation eq-convolution-and-symmetry-layer.

    Parameters
    ----------
    n_in, n_out : int
        Numbers of channels.
    size : int or (int, int), default=3
        Height and width of the kernels.
    stride : int, default=1
        Distance between the places at which the result is computed.
    padding : {"circular", "zero", "none"}, default="circular"
        What stands beyond the boundaries.

    Raises
    ------
    ValueError
        If an argument is out of range; it is named.
    """

    def __init__(
        self,
        n_in: int,
        n_out: int,
        size: int | tuple[int, int] = 3,
        *,
        stride: int = 1,
        padding: str = "circular",
    ) -> None:
        sizes = size if isinstance(size, tuple) else (size, size)
        if len(sizes) != 2:
            raise ValueError(f"size must be an integer or two, got {size!r}.")
        shape = (
            check_count("size", sizes[0]),
            check_count("size", sizes[1]),
            check_count("n_in", n_in),
            check_count("n_out", n_out),
        )
        self.stride = check_count("stride", stride)
        self.padding = check_padding(padding)
        super().__init__(shape)

    def __call__(self, A: Array) -> tuple[Array, Back]:
        """Correlate each image with the kernels."""
        W, b = self.parameters
        if A.ndim != 4 or A.shape[3] != W.shape[2]:
            raise ValueError(
                f"A must have the shape (n, rows, columns, {W.shape[2]}), got {A.shape}."
            )
        share = {"zero": 0.0, "circular": 0.5, "none": 1.0}[self.padding]
        if any(int(share * k) > m for k, m in zip(W.shape[:2], A.shape[1:3], strict=True)):
            raise ValueError(f"size {W.shape[:2]} is larger than the images, {A.shape[1:3]}.")
        Z, P = conv2d(A, W, b, stride=self.stride, padding=self.padding)

        def back(Delta: Array) -> tuple[Array, Gradients]:
            dA, dW, db = conv2d_backward(
                Delta, P, W, A.shape, stride=self.stride, padding=self.padding
            )
            return dA, [dW, db]

        return Z, back


class Dense(_Weighted):
    """The layer Z = A W + 1 b^T of Equation eq-feed-forward-layer, without an activation.

    Parameters
    ----------
    n_in, n_out : int
        Numbers of inputs and outputs.
    """

    def __init__(self, n_in: int, n_out: int) -> None:
        super().__init__((check_count("n_in", n_in), check_count("n_out", n_out)))

    def __call__(self, A: Array) -> tuple[Array, Back]:
        """Multiply each row by W and add b."""
        W, b = self.parameters
        if A.ndim != 2 or A.shape[1] != W.shape[0]:
            raise ValueError(f"A must have the shape (n, {W.shape[0]}), got {A.shape}.")
        return A @ W + b, lambda Delta: (Delta @ W.T, [A.T @ Delta, Delta.sum(axis=0)])


class Activation(Layer):
    """An activation function, applied to every number.

    Parameters
    ----------
    name : str
        A name that `dlmath.activations.get` knows.
    """

    def __init__(self, name: str = "relu") -> None:
        super().__init__()
        self.function = activations.get(name, "name")

    def __call__(self, A: Array) -> tuple[Array, Back]:
        """Apply the function."""
        return self.function(A), lambda Delta: (Delta * self.function.derivative(A), [])


class AveragePooling(Layer):
    """The mean of each square of `size` by `size` pixels, without overlap."""

    def __init__(self, size: int = 2) -> None:
        super().__init__()
        self.size = check_count("size", size)

    def __call__(self, A: Array) -> tuple[Array, Back]:
        """Average each square."""
        P = _squares(A, self.size)

        def back(Delta: Array) -> tuple[Array, Gradients]:
            spread = np.broadcast_to(Delta[:, :, :, None, None] / self.size**2, P.shape)
            return fold(spread, A.shape, self.size), []

        return P.mean(axis=(3, 4)), back


class MaxPooling(Layer):
    """The largest value in each square of `size` by `size` pixels, without overlap.

    The derivative goes to the first of the largest values.
    """

    def __init__(self, size: int = 2) -> None:
        super().__init__()
        self.size = check_count("size", size)

    def __call__(self, A: Array) -> tuple[Array, Back]:
        """Take the largest value of each square."""
        P = _squares(A, self.size)
        rows = P.reshape(*P.shape[:3], -1, P.shape[-1])
        winner = np.argmax(rows, axis=3)[:, :, :, None]

        def back(Delta: Array) -> tuple[Array, Gradients]:
            spread = np.zeros_like(rows)
            np.put_along_axis(spread, winner, Delta[:, :, :, None], axis=3)
            return fold(spread.reshape(P.shape), A.shape, self.size), []

        return np.take_along_axis(rows, winner, axis=3)[:, :, :, 0], back


def _squares(A: Array, size: int) -> Array:
    """Cut images into squares that do not overlap."""
    if A.ndim != 4 or A.shape[1] % size or A.shape[2] % size:
        raise ValueError(
            f"A must have rows and columns that are multiples of {size}, got shape {A.shape}."
        )
    return patches(A, (size, size), size)


class GlobalAverage(Layer):
    """The mean of each channel over all pixels: what is left does not know where anything was."""

    def __call__(self, A: Array) -> tuple[Array, Back]:
        """Average over rows and columns."""
        sites = A.shape[1] * A.shape[2]

        def back(Delta: Array) -> tuple[Array, Gradients]:
            return np.broadcast_to(Delta[:, None, None] / sites, A.shape).copy(), []

        return A.mean(axis=(1, 2)), back


class Flatten(Layer):
    """All numbers of an image in one row."""

    def __call__(self, A: Array) -> tuple[Array, Back]:
        """Write each image as a row."""
        return A.reshape(len(A), -1), lambda Delta: (Delta.reshape(A.shape), [])


class Upsampling(Layer):
    """Each pixel repeated `size` by `size` times."""

    def __init__(self, size: int = 2) -> None:
        super().__init__()
        self.size = check_count("size", size)

    def __call__(self, A: Array) -> tuple[Array, Back]:
        """Repeat each pixel; the adjoint adds up what came from it."""
        larger = A.repeat(self.size, axis=1).repeat(self.size, axis=2)

        def back(Delta: Array) -> tuple[Array, Gradients]:
            return patches(Delta, (self.size, self.size), self.size).sum(axis=(3, 4)), []

        return larger, back


class Skip(Layer):
    """The input beside what some layers make of it, as further channels.

    Parameters
    ----------
    layers : sequence of Layer
        The detour; its result has as many rows and columns as its input.
    """

    def __init__(self, layers: Sequence[Layer]) -> None:
        self.layers = list(layers)

    @property
    def parameters(self) -> list[Array]:  # type: ignore[override]
        """The parameters of the layers, in order."""
        return [parameter for layer in self.layers for parameter in layer.parameters]

    def initialise(self, rng: np.random.Generator, dtype: Any) -> None:
        """Draw the parameters of the layers, in order."""
        for layer in self.layers:
            layer.initialise(rng, dtype)

    def __call__(self, A: Array) -> tuple[Array, Back]:
        """Put the input and the result of the detour side by side."""
        B, through = chain(self.layers, A)
        if B.shape[:3] != A.shape[:3]:
            raise ValueError(f"the layers turn the shape {A.shape} into {B.shape}: not beside it.")

        def back(Delta: Array) -> tuple[Array, Gradients]:
            channels = A.shape[3]
            detour, gradients = through(Delta[..., channels:])
            return Delta[..., :channels] + detour, gradients

        return np.concatenate([A, B], axis=3), back


def chain(layers: Sequence[Layer], A: Array) -> tuple[Array, Back]:
    """Apply layers one after another; the derivative goes through them in reverse."""
    backs = []
    for layer in layers:
        A, back = layer(A)
        backs.append(back)

    def through(Delta: Array) -> tuple[Array, Gradients]:
        gradients: Gradients = []
        for back in reversed(backs):
            Delta, own = back(Delta)
            gradients = own + gradients
        return Delta, gradients

    return A, through
