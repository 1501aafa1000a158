"""What makes a network train: the scale of its weights, dropout, normalisation, clipping, the step.

Rows are samples and columns are units. The functions take and return arrays; whatever has a
backward pass returns, with its result, what the backward pass needs.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from dlmath import activations

__all__ = [
    "Normalised",
    "RangeTest",
    "batch_norm",
    "batch_norm_backward",
    "clip_gradients",
    "dropout_mask",
    "fixed_point_variance",
    "gradient_factor",
    "layer_norm",
    "layer_norm_backward",
    "learning_rate_range",
    "variance_map",
    "variance_profile",
]

Array = NDArray[np.float64]

# Gauss and Legendre's rule on both sides of zero, where activations have their kinks; beyond 12
# standard deviations the normal density is below 1e-31.
REACH, NODES = 12.0, 200


def _normal_rule() -> tuple[Array, Array]:
    """Return nodes and weights that integrate against the standard normal density."""
    t, w = np.polynomial.legendre.leggauss(NODES)
    half = REACH * (t + 1) / 2
    nodes = np.concatenate([-half[::-1], half])
    weights = np.concatenate([w[::-1], w]) * REACH / 2
    return nodes, weights * np.exp(-(nodes**2) / 2) / np.sqrt(2 * np.pi)


_RULE = _normal_rule()


def _number(value: Any, name: str, *, low: float = 0.0, strict: bool = False) -> float:
    """Return a finite number that is at least, or above, a limit."""
    try:
        number = float(value)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{name} must be a number, got {value!r}") from error
    if not np.isfinite(number) or number < low or (strict and number == low):
        bound = "above" if strict else "at least"
        raise ValueError(f"{name} must be finite and {bound} {low:g}, got {number:g}")
    return number


def _matrix(values: ArrayLike, name: str, columns: int | None = None) -> Array:
    """Return a finite matrix of floats."""
    matrix = np.asarray(values, dtype=float)
    if matrix.ndim != 2 or matrix.size == 0:
        raise ValueError(f"{name} must be a matrix that is not empty, got shape {matrix.shape}")
    if columns is not None and matrix.shape[1] != columns:
        raise ValueError(f"{name} must have {columns} columns, got {matrix.shape[1]}")
    if not np.isfinite(matrix).all():
        raise ValueError(f"{name} contains NaN or infinity")
    return matrix


# The scale of the weights.


def variance_map(
    activation: str, q: ArrayLike, *, weights: float = 1.0, biases: float = 0.0
) -> Array:
    """Variance of the next pre-activation in a wide layer, ``weights E[sigma(sqrt(q) g)^2]``.

    Equation ``eq-training-in-practice-map``, with ``g`` standard normal.

    Parameters
    ----------
    activation : str
        A name that `dlmath.activations.get` knows.
    q : array-like
        Variances of pre-activations, not negative.
    weights : float, default=1.0
        The number of inputs of a unit times the variance of a weight.
    biases : float, default=0.0
        The variance of a bias.

    Returns
    -------
    ndarray of the shape of ``q``

    Raises
    ------
    ValueError
        If a variance is negative or not finite, or the activation is unknown.

    Examples
    --------
    >>> from dlmath.training import variance_map
    >>> float(variance_map("relu", 3.0, weights=2.0).round(12))
    3.0
    """
    return _mean_square(activations.get(activation), q, weights) + _number(biases, "biases")


def gradient_factor(activation: str, q: ArrayLike, *, weights: float = 1.0) -> Array:
    """Factor by which a wide layer multiplies the mean square of a gradient on its way back.

    Equation ``eq-training-in-practice-chi``: ``weights E[sigma'(sqrt(q) g)^2]``.

    Parameters
    ----------
    activation : str
    q : array-like
        Variances of the pre-activations at which the derivative is taken, not negative.
    weights : float, default=1.0
        The number of *outputs* of the layer times the variance of a weight.

    Returns
    -------
    ndarray of the shape of ``q``

    Raises
    ------
    ValueError
        As in `variance_map`.
    """
    return _mean_square(activations.get(activation).derivative, q, weights)


def _mean_square(function: Any, q: ArrayLike, weights: float) -> Array:
    """Return weights times the mean of function(sqrt(q) g)^2."""
    variances = np.asarray(q, dtype=float)
    if not np.isfinite(variances).all() or (variances < 0).any():
        raise ValueError(f"q must be finite and not negative, got {q!r}")
    nodes, rule = _RULE
    values = np.asarray(function(np.sqrt(variances)[..., np.newaxis] * nodes), dtype=float)
    return np.asarray(_number(weights, "weights") * (values**2 @ rule))


def variance_profile(
    activation: str, depth: int, q: float, *, weights: float = 1.0, biases: float = 0.0
) -> Array:
    """Variances of the pre-activations of ``depth`` wide layers, from that of the first.

    Parameters
    ----------
    activation : str
    depth : int
        Number of layers, at least 1.
    q : float
        Variance of the first pre-activations: ``weights`` times the mean square of the inputs.
    weights, biases : float
        As in `variance_map`.

    Returns
    -------
    ndarray of shape (depth,)

    Raises
    ------
    ValueError
        If an argument has a value that is not possible.
    """
    if not isinstance(depth, int | np.integer) or depth < 1:
        raise ValueError(f"depth must be an integer of at least 1, got {depth!r}")
    profile = [_number(q, "q")]
    for _ in range(depth - 1):
        profile.append(float(variance_map(activation, profile[-1], weights=weights, biases=biases)))
    return np.array(profile)


def fixed_point_variance(
    activation: str, *, weights: float, biases: float = 0.0, q: float = 1.0, steps: int = 100_000
) -> float:
    """Iterate `variance_map` until it stands still.

    Parameters
    ----------
    activation : str
    weights, biases : float
        As in `variance_map`.
    q : float, default=1.0
        Where to begin, above 0.
    steps : int, default=100_000
        Give up after so many.

    Returns
    -------
    float
        The variance that reproduces itself.

    Raises
    ------
    ValueError
        If an argument is not possible, or if the iteration has not settled: at a critical point
        it converges like the inverse of the depth, and where no fixed point exists it grows.
    """
    here = _number(q, "q", strict=True)
    for _ in range(steps):
        if here > 1e100:
            break
        there = float(variance_map(activation, here, weights=weights, biases=biases))
        if abs(there - here) <= 1e-13 * here:
            return there
        here = there
    raise ValueError(f"weights = {weights:g}: the variance has not settled, it is {here:.3g}")


# Dropout.


def dropout_mask(shape: int | tuple[int, ...], rate: float, rng: np.random.Generator) -> Array:
    """Draw the factors of inverted dropout: 0 with probability ``rate``, else ``1/(1 - rate)``.

    Equation ``eq-training-in-practice-mask``. Each factor has the mean 1.

    Parameters
    ----------
    shape : int or tuple of int
    rate : float
        From 0 to below 1.
    rng : numpy.random.Generator

    Returns
    -------
    ndarray of the given shape

    Raises
    ------
    ValueError
        If the rate is outside [0, 1).
    """
    rate = _number(rate, "rate")
    if rate >= 1:
        raise ValueError(f"rate must be below 1, got {rate:g}")
    return (rng.random(shape) >= rate) / (1 - rate)


# Normalisation.


class Normalised(NamedTuple):
    """What a normalisation computed, for its backward pass.

    Attributes
    ----------
    standard : ndarray of shape (n_samples, n_units)
        The normalised values, before gain and shift.
    gain : ndarray of shape (n_units,)
    spread : ndarray
        The root of variance plus epsilon, one for each column or one for each row.
    mean, variance : ndarray
        The statistics that were subtracted and divided by.
    """

    standard: Array
    gain: Array
    spread: Array
    mean: Array
    variance: Array


def _normalise(
    Z: ArrayLike, gain: ArrayLike, shift: ArrayLike, epsilon: float, axis: int
) -> tuple[Array, Normalised]:
    """Give each row or column mean zero and variance one, then gain and shift to each column."""
    Z = _matrix(Z, "Z")
    units = []
    for name, values in (("gain", gain), ("shift", shift)):
        vector = np.asarray(values, dtype=float)
        if vector.shape != (Z.shape[1],) or not np.isfinite(vector).all():
            raise ValueError(
                f"{name} must be a finite vector with {Z.shape[1]} entries, "
                f"got shape {vector.shape}"
            )
        units.append(vector)
    epsilon = _number(epsilon, "epsilon")
    mean = Z.mean(axis=axis, keepdims=True)
    variance = Z.var(axis=axis, keepdims=True)
    if epsilon == 0 and (variance == 0).any():
        raise ValueError("epsilon must be above 0 where all values of Z are equal")
    spread = np.sqrt(variance + epsilon)
    standard = (Z - mean) / spread
    return units[0] * standard + units[1], Normalised(standard, units[0], spread, mean, variance)


def _normalise_backward(D: ArrayLike, state: Normalised, axis: int) -> tuple[Array, Array, Array]:
    """Apply the transposed Jacobian matrix of the normalisation, which is symmetric."""
    D = _matrix(D, "D", state.standard.shape[1])
    if D.shape != state.standard.shape:
        raise ValueError(f"D must have shape {state.standard.shape}, got {D.shape}")
    G = D * state.gain
    along = np.mean(G * state.standard, axis=axis, keepdims=True)
    D_Z = (G - G.mean(axis=axis, keepdims=True) - state.standard * along) / state.spread
    return D_Z, np.sum(D * state.standard, axis=0), D.sum(axis=0)


def batch_norm(
    Z: ArrayLike, gain: ArrayLike, shift: ArrayLike, *, epsilon: float = 1e-5
) -> tuple[Array, Normalised]:
    """Normalise each unit over the batch; equation ``eq-training-in-practice-batch-norm``.

    Parameters
    ----------
    Z : array-like of shape (n_samples, n_units)
        Pre-activations.
    gain, shift : array-like of shape (n_units,)
        What each unit is multiplied by, and what is added, afterwards.
    epsilon : float, default=1e-5
        Added to the variance, which has the factor 1/n.

    Returns
    -------
    output : ndarray of shape (n_samples, n_units)
    state : Normalised
        For `batch_norm_backward`; it has the means and variances of the batch.

    Raises
    ------
    ValueError
        On wrong shapes, values that are not finite, or a variance of 0 without an epsilon.
    """
    return _normalise(Z, gain, shift, epsilon, axis=0)


def batch_norm_backward(D: ArrayLike, state: Normalised) -> tuple[Array, Array, Array]:
    """Gradients of a batch normalisation; equation ``eq-training-in-practice-norm-backward``.

    Parameters
    ----------
    D : array-like of shape (n_samples, n_units)
        Derivatives of the cost by the output.
    state : Normalised
        What `batch_norm` returned.

    Returns
    -------
    by_Z : ndarray of shape (n_samples, n_units)
    by_gain, by_shift : ndarray of shape (n_units,)

    Raises
    ------
    ValueError
        If the shape of D is not that of the output.
    """
    return _normalise_backward(D, state, axis=0)


def layer_norm(
    Z: ArrayLike, gain: ArrayLike, shift: ArrayLike, *, epsilon: float = 1e-5
) -> tuple[Array, Normalised]:
    """Normalise each sample over the units; equation ``eq-training-in-practice-layer-norm``.

    Parameters, results and errors are those of `batch_norm`.
    """
    return _normalise(Z, gain, shift, epsilon, axis=1)


def layer_norm_backward(D: ArrayLike, state: Normalised) -> tuple[Array, Array, Array]:
    """Gradients of a layer normalisation, as in `batch_norm_backward`."""
    return _normalise_backward(D, state, axis=1)


# The step.


def clip_gradients(gradients: Sequence[ArrayLike], largest: float) -> tuple[list[Array], float]:
    """Shorten gradients whose norm, over all arrays together, is above ``largest``.

    Equation ``eq-training-in-practice-clip``. The arrays that are given are not changed.

    Parameters
    ----------
    gradients : sequence of array-like
    largest : float
        Above 0.

    Returns
    -------
    clipped : list of ndarray
    norm : float
        The norm before.

    Raises
    ------
    ValueError
        If there are no gradients, or a norm that is not finite: it cannot be shortened.
    """
    largest = _number(largest, "largest", strict=True)
    arrays = [np.asarray(gradient, dtype=float) for gradient in gradients]
    if not arrays:
        raise ValueError("gradients must not be empty")
    norm = float(np.sqrt(sum(np.sum(array**2) for array in arrays)))
    if not np.isfinite(norm):
        raise ValueError(f"gradients must be finite, their norm is {norm:g}")
    factor = min(1.0, largest / norm) if norm > 0 else 1.0
    return [factor * array for array in arrays], norm


class RangeTest(NamedTuple):
    """The record of a learning-rate range test.

    Attributes
    ----------
    etas : ndarray of shape (n_steps,)
        The learning rates that were tried, one a step.
    costs : ndarray of shape (n_steps,)
        The cost of the batch before each step.
    """

    etas: Array
    costs: Array


def learning_rate_range(
    network: Any,
    X: ArrayLike,
    Y: ArrayLike,
    *,
    low: float = 1e-5,
    high: float = 10.0,
    steps: int = 100,
    batch_size: int = 32,
    seed: int = 0,
) -> RangeTest:
    """Raise the learning rate by a constant factor at each step, and record the cost.

    The steps are those of plain stochastic gradient descent on a copy: the network stays as it
    is. The test ends early when the cost is no longer finite or above four times its first value.

    Parameters
    ----------
    network : FeedForwardNetwork
        Anything with ``copy``, ``parameters`` and ``value_and_gradients(X, Y)``.
    X, Y : array-like
        Samples and targets, as the network takes them.
    low, high : float
        The first and the last learning rate.
    steps : int, default=100
    batch_size : int, default=32
    seed : int, default=0
        Of the order of the batches.

    Returns
    -------
    RangeTest

    Raises
    ------
    ValueError
        If an argument has a value that is not possible.
    """
    low, high = _number(low, "low", strict=True), _number(high, "high", strict=True)
    if not low < high:
        raise ValueError(f"low must be below high, got {low:g} and {high:g}")
    X, Y = np.asarray(X), np.asarray(Y)
    for name, value, least in (("steps", steps, 2), ("batch_size", batch_size, 1)):
        if not isinstance(value, int | np.integer) or value < least:
            raise ValueError(f"{name} must be an integer of at least {least}, got {value!r}")
    if len(X) != len(Y) or batch_size > len(X):
        raise ValueError(f"X and Y must have as many rows, at least {batch_size}")
    rng, trial = np.random.default_rng(seed), network.copy()
    etas, costs = np.geomspace(low, high, steps), []
    for eta in etas:
        batch = rng.choice(len(X), batch_size, replace=False)
        with np.errstate(all="ignore"):
            cost, gradients = trial.value_and_gradients(X[batch], Y[batch])
        costs.append(float(cost))
        if not cost <= 4 * costs[0]:
            break
        for parameter, gradient in zip(trial.parameters, gradients, strict=True):
            parameter -= eta * gradient
    return RangeTest(etas[: len(costs)], np.array(costs))
