"""One hidden layer written down by hand: bumps, kinks and powers out of sums of activations.

The chapter *Universal approximation* shows these functions. None of them searches for weights: each
gives those that a proof names.
"""

from collections.abc import Callable
from math import comb
from numbers import Integral

import numpy as np
from numpy.typing import ArrayLike, NDArray

from dlmath._checks import check_above_zero
from dlmath.activations import sigmoid

__all__ = [
    "bump_network",
    "bump_weights",
    "modulus_of_continuity",
    "power_network",
    "relu_interpolant",
    "single_layer",
]

Array = NDArray[np.float64]
Activation = Callable[[Array], Array]


def _vector(name: str, values: ArrayLike, least: int = 1) -> Array:
    """Give ``values`` as a finite vector of at least so many entries."""
    array = np.asarray(values, dtype=float)
    if array.ndim != 1 or array.size < least:
        raise ValueError(f"{name} must be a vector of {least} or more, got shape {array.shape}.")
    if not np.isfinite(array).all():
        raise ValueError(f"{name} contains NaN or infinity.")
    return array


def single_layer(
    X: ArrayLike,
    W: ArrayLike,
    b: ArrayLike,
    c: ArrayLike,
    activation: Activation = sigmoid,
) -> Array:
    """Network with one hidden layer and one linear output (eq-universal-approximation-network).

    Parameters
    ----------
    X : array-like of shape (n_samples, d)
        Inputs.
    W : array-like of shape (d, m)
        Hidden weights: the column ``j`` belongs to the unit ``j``.
    b, c : array-like of shape (m,)
        Biases and output weights.
    activation : callable
        Maps an array to one of the same shape, entry by entry; the logistic function if not given.

    Returns
    -------
    ndarray of shape (n_samples,)
        The sum over ``j`` of ``c[j] * activation(X @ W[:, j] + b[j])``.

    Raises
    ------
    ValueError
        If the shapes do not belong together.
    """
    inputs, hidden = np.asarray(X, dtype=float), np.asarray(W, dtype=float)
    if inputs.ndim != 2 or hidden.ndim != 2 or inputs.shape[1] != hidden.shape[0]:
        raise ValueError(
            "X and W must be matrices of shapes (n_samples, d) and (d, m), "
            f"got {inputs.shape} and {hidden.shape}."
        )
    biases, outputs = _vector("b", b), _vector("c", c)
    for name, vector in (("b", biases), ("c", outputs)):
        if vector.size != hidden.shape[1]:
            raise ValueError(f"{name} must have {hidden.shape[1]} entries, got {vector.size}.")
    return activation(inputs @ hidden + biases) @ outputs


def bump_network(
    values: ArrayLike,
    q: float,
    x: ArrayLike,
    activation: Activation = sigmoid,
) -> Array:
    """Sum of m steps that follows a function on [0, 1] (eq-universal-approximation-steps).

    Parameters
    ----------
    values : array-like of shape (m + 1,)
        The function at 0, 1/m, 2/m, ..., 1.
    q : float
        Steepness of the steps, positive.
    x : array-like of shape (n_points,)
        Where to evaluate the network.
    activation : callable
        A sigmoidal function, from 0 to 1; the logistic function if not given.

    Returns
    -------
    ndarray of shape (n_points,)

    Raises
    ------
    ValueError
        If an argument has the wrong shape or a value that is not possible.
    """
    f, at, q = _vector("values", values, 2), _vector("x", x), check_above_zero("q", q)
    m = f.size - 1
    steps = (np.arange(1, m + 1) - 0.5) / m
    return f[0] + activation(q * (at[:, np.newaxis] - steps)) @ np.diff(f)


def bump_weights(m: int, q: float, x: ArrayLike, activation: Activation = sigmoid) -> Array:
    """Bumps that sum to one: differences of steps (eq-universal-approximation-bumps).

    Parameters
    ----------
    m : int
        Number of steps, 1 or more.
    q : float
        Their steepness, positive.
    x : array-like of shape (n_points,)
        Where to evaluate the bumps.
    activation : callable
        A sigmoidal function, from 0 to 1; the logistic function if not given.

    Returns
    -------
    ndarray of shape (n_points, m + 1)
        The bump ``j``, about the node ``j / m``, in the column ``j``.

    Raises
    ------
    ValueError
        If an argument has the wrong shape or a value that is not possible.
    """
    if not (isinstance(m, Integral) and m >= 1):
        raise ValueError(f"m must be a whole number of 1 or more, got {m!r}.")
    at, q = _vector("x", x), check_above_zero("q", q)
    steps = activation(q * (at[:, np.newaxis] - (np.arange(1, m + 1) - 0.5) / m))
    return -np.diff(steps, axis=1, prepend=1.0, append=0.0)


def modulus_of_continuity(
    f: Callable[[Array], ArrayLike],
    h: float,
    n_points: int = 2001,
) -> float:
    """Largest change of a function over distances up to h (eq-universal-approximation-modulus).

    Computed on a grid of [0, 1], so it comes from below: a finer grid can only make it larger.

    Parameters
    ----------
    f : callable
        Maps an array of points of [0, 1] to their values.
    h : float
        The distance, positive.
    n_points : int, default=2001
        Points of the grid, 2 or more.

    Returns
    -------
    float

    Raises
    ------
    ValueError
        If the distance or the number of points is not possible.
    """
    h = check_above_zero("h", h)
    if not (isinstance(n_points, Integral) and n_points >= 2):
        raise ValueError(f"n_points must be a whole number of 2 or more, got {n_points!r}.")
    values = np.asarray(f(np.linspace(0, 1, n_points)), dtype=float)
    reach = min(int(h * (n_points - 1) * (1 + 1e-12)), n_points - 1)
    if reach < 1:
        return 0.0
    windows = np.lib.stride_tricks.sliding_window_view(values, reach + 1)
    return float(np.max(windows.max(axis=1) - windows.min(axis=1)))


def relu_interpolant(x: ArrayLike, y: ArrayLike) -> tuple[float, Array, Array, Array]:
    """Weights of a ReLU network that is a polygon (eq-universal-approximation-polygon).

    Parameters
    ----------
    x : array-like of shape (m + 1,)
        Where the corners are, in increasing order, two or more.
    y : array-like of shape (m + 1,)
        The values there.

    Returns
    -------
    offset : float
        Bias of the output, ``y[0]``.
    w, b, c : ndarray of shape (m,)
        Hidden weights (all 1), biases ``-x[j]`` and output weights: the first slope, and then what
        the slope changes by at each inner corner. At ``z`` in ``[x[0], x[m]]`` the network
        ``offset + sum_j c[j] * relu(w[j] * z + b[j])`` is the polygon through the corners.

    Raises
    ------
    ValueError
        If the vectors are not finite or not of one length, or ``x`` does not increase.
    """
    corners = _vector("x", x, 2)
    heights = _vector("y", y, 2)
    if heights.size != corners.size:
        raise ValueError(f"y must have {corners.size} entries, got {heights.size}.")
    if not (np.diff(corners) > 0).all():
        raise ValueError("x must increase from entry to entry.")
    slopes = np.diff(heights) / np.diff(corners)
    return float(heights[0]), np.ones(slopes.size), -corners[:-1], np.diff(slopes, prepend=0.0)


def power_network(r: int, b: float, h: float, derivative: float) -> tuple[Array, Array, Array]:
    """Weights of r + 1 units that come near x**r (eq-universal-approximation-difference).

    Parameters
    ----------
    r : int
        The power, 0 or more.
    b : float
        Bias of all units.
    h : float
        Step of the difference quotient, positive.
    derivative : float
        The derivative of order ``r`` of the activation at ``b``, not zero.

    Returns
    -------
    w, b, c : ndarray of shape (r + 1,)
        Hidden weights, biases and output weights.

    Raises
    ------
    ValueError
        If an argument has a value that is not possible.
    """
    if not (isinstance(r, Integral) and r >= 0):
        raise ValueError(f"r must be a whole number of 0 or more, got {r!r}.")
    h = check_above_zero("h", h)
    if not np.isfinite(derivative) or derivative == 0:
        raise ValueError(f"derivative must be a number other than zero, got {derivative!r}.")
    i = np.arange(r + 1)
    binomials = np.array([comb(int(r), int(j)) for j in i], dtype=float)
    return h * i, np.full(r + 1, float(b)), (-1.0) ** (r - i) * binomials / (h**r * derivative)
