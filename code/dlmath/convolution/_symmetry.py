"""Averages over groups, layers on sets, and attention."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import softmax

from dlmath._checks import check_count

Array = NDArray[Any]
Action = Callable[[Array], Array]


def shifts(rows: int, columns: int) -> list[Action]:
    """List the translations of a torus, as maps of images of shape (n, rows, columns, ...)."""
    rows, columns = check_count("rows", rows), check_count("columns", columns)

    def shift(i: int, j: int) -> Action:
        return lambda X: np.roll(X, (i, j), axis=(1, 2))

    return [shift(i, j) for i in range(rows) for j in range(columns)]


def group_average(function: Callable[[Array], Array], actions: Sequence[Action]) -> Action:
    """Average a function over a finite group, Equation eq-convolution-and-symmetry-average.

    Parameters
    ----------
    function : callable
        Maps inputs, with samples along the first axis, to an array.
    actions : sequence of callable
        What each element of the group makes of inputs; all elements, the identity too.

    Returns
    -------
    average : callable
        The mean of function(g(X)) over the actions g: it has the group's symmetry exactly.
    """
    actions = list(actions)
    if not actions:
        raise ValueError("actions must hold at least the identity.")

    def average(X: Array) -> Array:
        return np.mean([function(action(X)) for action in actions], axis=0)

    return average


def permutation_equivariant(a: float, b: float, n: int) -> Array:
    """Return a I + (b/n) 1 1^T, the form of all matrices that commute with permutations."""
    n = check_count("n", n)
    return a * np.eye(n) + np.full((n, n), b / n)


def attention(Q: ArrayLike, K: ArrayLike, V: ArrayLike) -> Array:
    """Scaled dot-product attention, Equation eq-convolution-and-symmetry-attention.

    Parameters
    ----------
    Q : array-like of shape (m, d)
        Queries.
    K : array-like of shape (n, d)
        Keys.
    V : array-like of shape (n, d_v)
        Values.

    Returns
    -------
    output : ndarray of shape (m, d_v)
        For each query the mean of the values, weighted by the softmax of query times key over the
        root of d.
    """
    queries, keys, values = (
        _matrix(name, matrix) for name, matrix in (("Q", Q), ("K", K), ("V", V))
    )
    if keys.shape[1] != queries.shape[1]:
        raise ValueError(f"K must have {queries.shape[1]} columns, as Q, got {keys.shape[1]}.")
    if len(values) != len(keys):
        raise ValueError(f"V must have {len(keys)} rows, as K, got {len(values)}.")
    return softmax(queries @ keys.T / np.sqrt(queries.shape[1]), axis=1) @ values


def _matrix(name: str, values: ArrayLike) -> Array:
    """Check a matrix of finite numbers."""
    try:
        matrix = np.asarray(values, dtype=float)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{name} must hold numbers.") from error
    if matrix.ndim != 2 or matrix.size == 0 or not np.isfinite(matrix).all():
        raise ValueError(f"{name} must be a matrix of finite numbers, got shape {matrix.shape}.")
    return matrix
