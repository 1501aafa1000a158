"""Networks made of layers, with the interface of `dlmath.networks.FeedForwardNetwork`."""

from collections.abc import Sequence
from copy import deepcopy
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import log_softmax, softmax

from dlmath._checks import check_count
from dlmath.convolution._layers import (
    Activation,
    AveragePooling,
    Back,
    Convolution,
    Layer,
    Skip,
    Upsampling,
    chain,
)
from dlmath.convolution._maps import Array

COSTS = ("mse", "cross_entropy")


class ConvolutionalNetwork:
    """Layers in a row and a cost.

    Parameters
    ----------
    layers : sequence of Layer
        Applied one after another. Their weights are drawn anew, with He's variance.
    cost : {"mse", "cross_entropy"}, default="mse"
        Mean over the samples of the squared distance, summed over all outputs; or of the
        cross-entropy, where the outputs go through a softmax.
    seed : int, default=0
        Seed of the weights.
    dtype : {np.float64, np.float32}
        Type of the parameters and of all that is computed.

    Raises
    ------
    ValueError
        If an argument is not possible; it is named.

    Examples
    --------
    >>> import numpy as np
    >>> from dlmath.convolution import *
    >>> layers = [Convolution(1, 4), Activation("relu"), GlobalAverage(), Dense(4, 1)]
    >>> network = ConvolutionalNetwork(layers, seed=1)
    >>> image = np.random.default_rng(0).normal(size=(1, 6, 6, 1))
    >>> bool(np.allclose(network.forward(image), network.forward(np.roll(image, 2, axis=1))))
    True
    """

    def __init__(
        self,
        layers: Sequence[Layer],
        *,
        cost: str = "mse",
        seed: int = 0,
        dtype: Any = np.float64,
    ) -> None:
        layers = list(layers)
        if not layers or not all(isinstance(layer, Layer) for layer in layers):
            raise ValueError("layers must be a non-empty list of layers.")
        if cost not in COSTS:
            raise ValueError(f"cost must be one of {', '.join(COSTS)}, got {cost!r}.")
        if np.dtype(dtype) not in (np.float64, np.float32):
            raise ValueError(f"dtype must be float64 or float32, got {dtype!r}.")
        self.layers, self.cost, self.dtype = layers, cost, np.dtype(dtype)
        rng = np.random.default_rng(seed)
        for layer in layers:
            layer.initialise(rng, self.dtype)

    @property
    def parameters(self) -> list[Array]:
        """All kernels and biases, layer after layer."""
        return [parameter for layer in self.layers for parameter in layer.parameters]

    @property
    def n_parameters(self) -> int:
        """The number of all weights and biases."""
        return sum(parameter.size for parameter in self.parameters)

    def copy(self) -> "ConvolutionalNetwork":
        """Return a network with parameters of its own."""
        return deepcopy(self)

    def _raw(self, X: ArrayLike) -> tuple[Array, Back]:
        try:
            A = np.asarray(X, dtype=self.dtype)
        except (TypeError, ValueError) as error:
            raise ValueError("X must hold real numbers.") from error
        if A.ndim < 2 or len(A) == 0:
            raise ValueError(f"X must have samples along its first axis, got shape {A.shape}.")
        if not np.isfinite(A).all():
            raise ValueError("X contains NaN or infinity.")
        return chain(self.layers, A)

    def _targets(self, Y: ArrayLike, shape: tuple[int, ...]) -> Array:
        targets = np.asarray(Y, dtype=self.dtype)
        if targets.shape != shape:
            raise ValueError(f"Y must have the shape {shape} of the outputs, got {targets.shape}.")
        return targets

    def forward(self, X: ArrayLike) -> Array:
        """Return the outputs, for the cross-entropy as probabilities.

        Parameters
        ----------
        X : array-like of shape (n_samples, ...)
            What the first layer takes; images have the shape (n, rows, columns, channels).
        """
        F = self._raw(X)[0]
        return softmax(F, axis=-1) if self.cost == "cross_entropy" else F

    def cost_value(self, X: ArrayLike, Y: ArrayLike) -> float:
        """Return the cost; Y has the shape of the outputs."""
        F = self._raw(X)[0]
        return self._cost(F, self._targets(Y, F.shape))

    def _cost(self, F: Array, Y: Array) -> float:
        if self.cost == "mse":
            return float(np.sum((F - Y) ** 2) / len(F))
        return float(-np.sum(Y * log_softmax(F, axis=-1)) / len(F))

    def gradients(self, X: ArrayLike, Y: ArrayLike) -> list[Array]:
        """Return the derivatives of the cost, aligned with `parameters`."""
        return self.value_and_gradients(X, Y)[1]

    def value_and_gradients(
        self, X: ArrayLike, Y: ArrayLike, *, lam: float = 0.0
    ) -> tuple[float, list[Array]]:
        """Return the penalised cost and its derivatives.

        Parameters
        ----------
        X, Y : array-like
            Inputs, and targets of the shape of the outputs.
        lam : float, default=0.0
            The penalty: lam times the sum of the squares of all weights; biases are free.

        Returns
        -------
        value : float
            The cost with the penalty.
        gradients : list of ndarray
            Aligned with `parameters`.
        """
        F, back = self._raw(X)
        Y = self._targets(Y, F.shape)
        Delta = 2 * (F - Y) if self.cost == "mse" else softmax(F, axis=-1) - Y
        value, (_, gradients) = self._cost(F, Y), back(Delta / len(F))
        if lam:
            for parameter, gradient in zip(self.parameters, gradients, strict=True):
                if parameter.ndim > 1:
                    value += lam * float(np.sum(parameter**2))
                    gradient += 2 * lam * parameter
        return value, gradients

    def fit(
        self,
        X: ArrayLike,
        Y: ArrayLike,
        *,
        optimizer: Any,
        epochs: int,
        batch_size: int = 32,
        lam: float = 0.0,
        seed: int = 0,
    ) -> list[float]:
        """Descend on mini-batches; the parameters change in place.

        Parameters
        ----------
        X, Y : array-like
            Inputs, and targets of the shape of the outputs.
        optimizer : object
            One of `dlmath.optimizers`: its `step(parameters, gradients)` makes one step.
        epochs : int
            How often all samples are visited, each time in a new order.
        batch_size : int, default=32
            Samples in a batch.
        lam : float, default=0.0
            The penalty on the squared weights.
        seed : int, default=0
            Seed of the orders.

        Returns
        -------
        costs : list of float
            For each epoch the mean of its batches' costs.
        """
        X, Y = np.asarray(X, dtype=self.dtype), np.asarray(Y, dtype=self.dtype)
        if len(X) != len(Y):
            raise ValueError(f"Y must have {len(X)} samples, as X, got {len(Y)}.")
        batch_size = check_count("batch_size", batch_size)
        rng, costs = np.random.default_rng(seed), []
        for _ in range(check_count("epochs", epochs)):
            order, total = rng.permutation(len(X)), 0.0
            for start in range(0, len(X), batch_size):
                batch = order[start : start + batch_size]
                value, gradients = self.value_and_gradients(X[batch], Y[batch], lam=lam)
                optimizer.step(self.parameters, gradients)
                total += value * len(batch)
            costs.append(total / len(X))
        return costs

    def input_gradient(self, X: ArrayLike, Delta: ArrayLike) -> Array:
        """Return the derivative of sum(Delta * outputs before a softmax) by the input."""
        F, back = self._raw(X)
        return back(self._targets(Delta, F.shape))[0]


def unet(channels: Sequence[int], n_in: int = 1, n_out: int = 1) -> list[Layer]:
    """Build the layers of a U-Net.

    On each level there is a convolution on the way down and one on the way up; between the levels
    the images are halved by averages and doubled by repetition. What the way down found at a level
    is put beside what comes up from below.

    Parameters
    ----------
    channels : sequence of int
        Channels of each level, the finest first. Images need rows and columns that are multiples
        of 2 ** (levels - 1).
    n_in, n_out : int, default=1
        Channels of the input and of the output.

    Returns
    -------
    layers : list of Layer
        For `ConvolutionalNetwork`.
    """
    channels = [check_count("channels", count) for count in channels]
    if not channels:
        raise ValueError("channels must name at least one level.")
    inside = _level(check_count("n_in", n_in), channels)
    return [*inside, Convolution(channels[0], check_count("n_out", n_out), 1)]


def _level(n_in: int, channels: list[int]) -> list[Layer]:
    """Build one level of the U and, nested in a detour, those below it."""
    here, below = channels[0], channels[1:]
    layers: list[Layer] = [Convolution(n_in, here), Activation("relu")]
    if not below:
        return layers
    detour = Skip([AveragePooling(2), *_level(here, below), Upsampling(2)])
    return [*layers, detour, Convolution(here + below[0], here), Activation("relu")]
