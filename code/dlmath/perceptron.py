"""The perceptron: one unit with a threshold, and the rule by which it learns from its mistakes."""

from numbers import Integral
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["Perceptron", "perceptron"]


class Perceptron(NamedTuple):
    """Where the perceptron has stopped.

    Attributes
    ----------
    theta : ndarray of shape (n_features,)
        The parameters.
    mistakes : int
        How often they were changed.
    separated : bool
        Whether the last pass was without a mistake.
    """

    theta: NDArray[np.float64]
    mistakes: int
    separated: bool


def perceptron(X: ArrayLike, y: ArrayLike, *, passes: int = 1000) -> Perceptron:
    """Visit the samples in order and add each that is on the wrong side, until none is.

    This is eq-feed-forward-perceptron-step, from theta = 0. There is no intercept: give ``X`` a
    column of ones.

    Parameters
    ----------
    X : array-like of shape (n_samples, n_features)
        The samples.
    y : array-like of shape (n_samples,)
        Their classes, -1 or 1.
    passes : int, default=1000
        At most so many passes over the samples; classes that no hyperplane separates are never
        without a mistake.

    Returns
    -------
    result : Perceptron
        Parameters, number of mistakes, and whether the classes are separated.

    Raises
    ------
    ValueError
        If the arrays do not fit together, hold numbers that are not finite, or a class is neither
        -1 nor 1.

    Examples
    --------
    >>> from dlmath.perceptron import perceptron
    >>> perceptron([[1.0, 0.0], [0.0, 1.0]], [1, -1])
    Perceptron(theta=array([ 1., -1.]), mistakes=2, separated=True)
    """
    X, y = _checked(X, y)
    if isinstance(passes, bool) or not isinstance(passes, Integral) or passes < 1:
        raise ValueError(f"passes must be a positive integer, got {passes!r}")
    theta, mistakes = np.zeros(X.shape[1]), 0
    for _ in range(passes):
        before = mistakes
        for x_i, y_i in zip(X, y, strict=True):
            if y_i * (x_i @ theta) <= 0:
                theta += y_i * x_i
                mistakes += 1
        if mistakes == before:
            return Perceptron(theta, mistakes, True)
    return Perceptron(theta, mistakes, False)


def _checked(X: ArrayLike, y: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    X, y = np.asarray(X, dtype=float), np.asarray(y, dtype=float)
    if X.ndim != 2 or X.size == 0:
        raise ValueError(f"X must have shape (n_samples, n_features), got {X.shape}")
    if y.shape != (len(X),):
        raise ValueError(f"y must have shape ({len(X)},), got {y.shape}")
    if not np.isfinite(X).all():
        raise ValueError("X contains NaN or infinity")
    if not np.isin(y, (-1, 1)).all():
        raise ValueError("y must hold -1 and 1")
    return X, y
