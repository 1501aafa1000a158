"""How well networks approximate: sampled steps, greedy choice, composed tents, counted pieces.

Rows of X are points. The parameters of a network are listed as in `dlmath.networks`: W1, b1, ...,
WL, bL, each W of shape (inputs, outputs).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from scipy.special import dawsn, gammaln

from dlmath._checks import check_above_zero, check_count

Array = np.ndarray


def _array(name: str, values: Any, ndim: int) -> Array:
    try:
        array = np.asarray(values, dtype=float)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{name} must hold numbers") from error
    if array.ndim != ndim or array.size == 0:
        raise ValueError(f"{name} must have {ndim} axes and entries, got shape {array.shape}")
    if not np.isfinite(array).all():
        raise ValueError(f"{name} contains NaN or infinity")
    return array


# Barron's constant, and the energy that serves as an example.


def gaussian_constant(d: int, width: float = 1.0) -> float:
    """Give Barron's constant of ``exp(-||x||^2 / (2 width^2))``: eq-approximation-rates-gaussian.

    Parameters
    ----------
    d : int
        The dimension.
    width : float, default=1.0
        Standard deviation of the Gaussian, in the unit of x.
    """
    d = check_count("d", d)
    ratio = np.exp(gammaln((d + 1) / 2) - gammaln(d / 2))
    return float(np.sqrt(2) * ratio / check_above_zero("width", width))


def pair_energy(X: Any) -> Array:
    """Give the mean Gaussian energy of the pairs: eq-approximation-rates-energy.

    Parameters
    ----------
    X : array-like of shape (n_points, d)
        Places of d >= 2 particles on a line, in units of the range of their repulsion.

    Returns
    -------
    ndarray of shape (n_points,)
        Between 0 and 1, in units of the energy of two particles at one place.
    """
    X = _array("X", X, 2)
    first, second = _pairs(X.shape[1])
    return np.exp(-((X[:, first] - X[:, second]) ** 2) / 2).mean(axis=1)


def _pairs(d: int) -> tuple[Array, Array]:
    if d < 2:
        raise ValueError(f"X must have at least 2 columns, one for each particle, got {d}")
    return np.triu_indices(d, 1)


def pair_frequencies(m: int, d: int, rng: np.random.Generator) -> Array:
    """Draw frequencies of the pair energy, each with a weight in proportion to its length.

    The spectrum of one pair is a normal distribution along ``e_i - e_j``; with the length as a
    weight it becomes Rayleigh's.

    Parameters
    ----------
    m, d : int
        Number of draws; number of particles, at least 2.
    rng : numpy.random.Generator

    Returns
    -------
    ndarray of shape (m, d)
    """
    m, d = check_count("m", m), check_count("d", d, 2)
    omega = np.zeros((m, d))
    first, second = _pairs(d)
    pair = rng.integers(len(first), size=m)
    size = rng.rayleigh(size=m)
    omega[np.arange(m), first[pair]] = size
    omega[np.arange(m), second[pair]] = -size
    return omega


def pair_second_moment(X: Any, r: float) -> float:
    """Give the mean square of one sampled step for the pair energy: eq-approximation-rates-moment.

    Parameters
    ----------
    X : array-like of shape (n_points, d)
        The points over which the square is averaged, all in the ball of radius r.
    r : float
        Radius of the ball.
    """
    X, r = _array("X", X, 2), check_above_zero("r", r)
    first, second = _pairs(X.shape[1])
    z = np.abs(X[:, first] - X[:, second]) / np.sqrt(2)
    if z.max() > r:
        raise ValueError(f"r must be at least {z.max():.3g}, the points reach so far, got {r:.3g}")
    return float(8 * r / np.pi * np.mean(z / 2 - dawsn(2 * z) / 4))


def points_on_sphere(n: int, d: int, r: float, rng: np.random.Generator) -> Array:
    """Draw n points, uniformly on the sphere of radius r in d dimensions: shape (n, d)."""
    X = rng.standard_normal((check_count("n", n), check_count("d", d)))
    return check_above_zero("r", r) * X / np.linalg.norm(X, axis=1, keepdims=True)


# Sampling.


class Steps(NamedTuple):
    """A network of steps, ``bias + sum_j c_j H(a_j^T x - t_j)`` with H(s) = 1 for s > 0.

    Attributes
    ----------
    bias : float
    c : ndarray of shape (m,)
        Output weights.
    a : ndarray of shape (m, d)
        Unit vectors.
    t : ndarray of shape (m,)
        Thresholds.
    """

    bias: float
    c: Array
    a: Array
    t: Array

    def terms(self, X: Any) -> Array:
        """Give the contributions of the steps, of shape (n_points, m)."""
        return self.c * (_array("X", X, 2) @ self.a.T > self.t)

    def __call__(self, X: Any) -> Array:
        """Evaluate the network, with a result of shape (n_points,)."""
        return self.bias + self.terms(X).sum(axis=1)


def sample_steps(
    omega: Any,
    theta: Any,
    r: float,
    constant: float,
    bias: float,
    rng: np.random.Generator,
) -> Steps:
    """Draw Barron's network: one step for each frequency, by eq-approximation-rates-steps.

    Parameters
    ----------
    omega : array-like of shape (m, d)
        Frequencies, drawn with a weight in proportion to amplitude and length; none is zero.
    theta : array-like of shape (m,)
        The phases that belong to them.
    r : float
        Radius of the ball on which the network approximates.
    constant : float
        Barron's constant of the function.
    bias : float
        The value of the function at the origin.
    rng : numpy.random.Generator
        Draws a sign and a threshold for each frequency.

    Returns
    -------
    Steps
        Each output weight is at most ``2 r constant / m`` in size.
    """
    omega, theta = _check_frequencies(omega, theta)
    r, constant = check_above_zero("r", r), check_above_zero("constant", constant)
    m = len(omega)
    length = np.linalg.norm(omega, axis=1)
    sign = rng.choice([-1.0, 1.0], size=m)
    t = rng.uniform(0, r, size=m)
    height = -2 * r * constant * sign * np.sin(sign * length * t + theta)
    a = sign[:, np.newaxis] * omega / length[:, np.newaxis]
    return Steps(float(bias), height / m, a, t)


def _check_frequencies(omega: Any, theta: Any) -> tuple[Array, Array]:
    omega, theta = _array("omega", omega, 2), _array("theta", theta, 1)
    m = len(omega)
    if len(theta) != m:
        raise ValueError(f"theta must have {m} entries, one for each frequency, got {len(theta)}")
    if not omega.any(axis=1).all():
        raise ValueError("omega must not contain the frequency zero: it has no direction")
    return omega, theta


def greedy(dictionary: Any, target: Any, m: int) -> tuple[Array, Array]:
    """Choose m elements, each the best for the mean of all so far: eq-approximation-rates-greedy.

    Parameters
    ----------
    dictionary : array-like of shape (n_points, n_elements)
        The values of each element at the points.
    target : array-like of shape (n_points,)
        The values to be approximated.
    m : int
        Number of choices; an element may be chosen again.

    Returns
    -------
    chosen : ndarray of int, of shape (m,)
    errors : ndarray of shape (m,)
        Mean squared errors of the means of the first 1, ..., m chosen elements.
    """
    G, h = _array("dictionary", dictionary, 2), _array("target", target, 1)
    if len(G) != len(h):
        raise ValueError(f"target must have {len(G)} entries, a row each, got {len(h)}")
    m = check_count("m", m)
    squares = np.mean(G**2, axis=0)
    chosen, errors = np.empty(m, dtype=int), np.empty(m)
    total = np.zeros(len(h))
    for k in range(1, m + 1):
        # || h - (total + g)/k ||^2, without what does not depend on g, times k^2
        chosen[k - 1] = np.argmin(squares - 2 * (k * h - total) @ G / len(h))
        total += G[:, chosen[k - 1]]
        errors[k - 1] = np.mean((h - total / k) ** 2)
    return chosen, errors


# Depth.


def tent(x: Any) -> Array:
    """Give the tent on [0, 1], ``2 relu(x) - 4 relu(x - 1/2)``: eq-approximation-rates-tent."""
    x = np.asarray(x, dtype=float)
    return 2 * np.maximum(x, 0) - 4 * np.maximum(x - 0.5, 0)


def sawtooth(x: Any, k: int) -> Array:
    """Compose k tents: 2^(k-1) teeth on [0, 1], eq-approximation-rates-teeth."""
    x = np.asarray(x, dtype=float)
    for _ in range(check_count("k", k)):
        x = tent(x)
    return x


def sawtooth_network(k: int) -> list[Array]:
    """Give the parameters of a ReLU network, k layers of two units, that is the sawtooth."""
    k = check_count("k", k)
    units = np.array([0.0, -0.5])
    slopes = np.array([[2.0], [-4.0]])
    parameters: list[Array] = [np.ones((1, 2)), units]
    for _ in range(k - 1):
        parameters += [np.tile(slopes, 2), units.copy()]
    return [*parameters, slopes.copy(), np.zeros(1)]


def square(x: Any, k: int) -> Array:
    """Approximate x^2 on [0, 1] by k composed tents: eq-approximation-rates-square."""
    x = np.asarray(x, dtype=float)
    value, tooth = x.copy(), x
    for j in range(1, check_count("k", k) + 1):
        tooth = tent(tooth)
        value = value - tooth / 4**j
    return value


def product(x: Any, y: Any, k: int) -> Array:
    """Approximate x y on the unit square by three squares: eq-approximation-rates-product."""
    x, y = np.asarray(x, dtype=float), np.asarray(y, dtype=float)
    return 2 * square((x + y) / 2, k) - square(x, k) / 2 - square(y, k) / 2


def kinks(parameters: Sequence[Any], low: float, high: float) -> tuple[Array, Array]:
    """Find where a ReLU network of one input bends: exactly, by following it layer by layer.

    Parameters
    ----------
    parameters : sequence of arrays
        W1, b1, ..., WL, bL of a network with one input and one output.
    low, high : float
        Ends of the interval.

    Returns
    -------
    places : ndarray
        The kinks inside the interval, increasing.
    slopes : ndarray
        The slopes of the pieces between them: one more than there are kinks.
    """
    layers = [np.asarray(part, dtype=float) for part in parameters]
    if len(layers) < 2 or len(layers) % 2 or layers[0].shape[:1] != (1,):
        raise ValueError("parameters must be W1, b1, ..., WL, bL of a network with one input")
    if layers[-1].shape != (1,):
        raise ValueError("parameters must belong to a network with one output")
    if not low < high:
        raise ValueError(f"low must be below high, got {low!r} and {high!r}")
    x = np.array([low, high], dtype=float)
    A = x[:, np.newaxis]
    for W, b in zip(layers[:-2:2], layers[1:-2:2], strict=True):
        x, Z = _with_zeros(x, A @ W + b)
        A = np.maximum(Z, 0)
    y = (A @ layers[-2] + layers[-1])[:, 0]
    slopes = np.diff(y) / np.diff(x)
    bends = np.abs(np.diff(slopes)) > 1e-9 * max(1e-300, np.abs(slopes).max())
    return x[1:-1][bends], slopes[np.concatenate([[True], bends])]


def _with_zeros(x: Array, Z: Array) -> tuple[Array, Array]:
    """Add the places where a column of Z, linear between the x, changes its sign."""
    left, right = Z[:-1], Z[1:]
    piece, unit = np.nonzero(left * right < 0)
    share = left[piece, unit] / (left[piece, unit] - right[piece, unit])
    new = x[piece] + share * np.diff(x)[piece]
    nodes = np.unique(np.concatenate([x, new]))
    columns = [np.interp(nodes, x, column) for column in Z.T]
    return nodes, np.transpose(columns)


def most_pieces(widths: Sequence[int]) -> int:
    """Bound the pieces of a ReLU network of one input: eq-approximation-rates-pieces."""
    return int(np.prod([check_count("widths", width) + 1 for width in widths], dtype=object))


def least_error(k: int, pieces: int) -> tuple[float, float, float]:
    """Bound what ``pieces`` linear pieces miss of k composed tents: eq-approximation-rates-depth.

    Returns
    -------
    (float, float, float)
        Lower bounds of the mean absolute error, of the mean squared error, and of the largest
        error on [0, 1].
    """
    free = max(0.0, 1 - (check_count("pieces", pieces) - 1) / 2 ** (check_count("k", k) - 1))
    return free / 4, free / 12, 0.5 if free > 0 else 0.0


def best_pieces(y: Any, most: int) -> Array:
    """Give the least mean squared errors of 1, ..., most straight pieces, which need not join.

    Parameters
    ----------
    y : array-like of shape (n_samples,)
        Values at equal distances.
    most : int
        The largest number of pieces, at most n_samples.

    Returns
    -------
    ndarray of shape (most,)
    """
    y = _array("y", y, 1)
    n = len(y)
    most = check_count("most", most)
    if most > n:
        raise ValueError(f"most must be at most {n}, the number of samples, got {most}")
    cost = _straight_costs(y)
    best = cost[0]
    errors = [best[-1]]
    for _ in range(most - 1):
        best = np.min(best[:-1, np.newaxis] + cost[1:], axis=0, initial=np.inf)
        errors.append(best[-1])
        best = np.maximum(best, 0)
    return np.maximum(errors, 0) / n


def _straight_costs(y: Array) -> Array:
    """Squares that a straight line leaves of y[i], ..., y[j]: entry (i, j), infinite below."""
    n = len(y)
    x = np.arange(n) - (n - 1) / 2
    sums = [np.concatenate([[0.0], np.cumsum(v)]) for v in (x, y, x * x, x * y, y * y)]
    size = np.arange(n) - np.arange(n)[:, np.newaxis] + 1.0
    valid = size > 0
    size[~valid] = 1
    sx, sy, sxx, sxy, syy = (s[1:] - s[:-1, np.newaxis] for s in sums)
    spread = np.where(size > 1, sxx - sx**2 / size, 1)
    left = syy - sy**2 / size - (sxy - sx * sy / size) ** 2 / np.where(valid, spread, 1)
    return np.where(valid, np.maximum(left, 0), np.inf)
