"""Learning from data in its simplest form: costs, one step downhill, and what a test can promise.

The chapter *Data, model, cost* shows these functions. Optimisers with a memory, and costs for
networks, have modules of their own.
"""

from collections.abc import Callable
from numbers import Integral, Real

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.utils import check_array

__all__ = ["descend", "minibatch", "minibatch_covariance", "pinball_cost", "uniform_bound"]

Gradient = Callable[..., NDArray[np.float64]]


def pinball_cost(y: ArrayLike, prediction: ArrayLike, level: float = 0.5) -> float:
    """Mean pinball cost, which a quantile minimises (eq-data-model-cost-pinball).

    Parameters
    ----------
    y : array-like of shape (n_samples,)
        Observed values.
    prediction : array-like of shape (n_samples,) or float
        What is predicted for them.
    level : float, default=0.5
        Level of the quantile, between 0 and 1; 0.5 gives half the mean absolute error.

    Returns
    -------
    float
        The mean of ``level * u`` where ``u = y - prediction`` is positive and of
        ``(level - 1) * u`` where it is not, in the unit of ``y``.

    Raises
    ------
    ValueError
        If a value is not finite, the shapes differ or the level is not between 0 and 1.
    """
    observed = check_array(y, ensure_2d=False, dtype=float, input_name="y")
    predicted = np.asarray(prediction, dtype=float)
    if predicted.shape not in ((), observed.shape):
        raise ValueError(f"prediction must have shape {observed.shape}, got {predicted.shape}.")
    if not 0 < level < 1:
        raise ValueError(f"level must lie between 0 and 1, got {level!r}.")
    u = observed - predicted
    return float(np.mean(np.maximum(level * u, (level - 1) * u)))


def _check_walk(theta: ArrayLike, eta: float, steps: int) -> NDArray[np.float64]:
    """Check where a walk begins, the length of its steps and their number."""
    start = check_array(theta, ensure_2d=False, dtype=float, input_name="theta")
    if start.ndim != 1:
        raise ValueError(f"theta must be a vector, got shape {start.shape}.")
    if not (isinstance(eta, Real) and 0 < eta < np.inf):
        raise ValueError(f"eta must be a positive number, got {eta!r}.")
    if not (isinstance(steps, Integral) and steps >= 0):
        raise ValueError(f"steps must be a whole number of 0 or more, got {steps!r}.")
    return start


def _check_size(size: int, n: int) -> None:
    if not (isinstance(size, Integral) and 1 <= size <= n):
        raise ValueError(f"size must be a whole number from 1 to {n}, got {size!r}.")


def descend(
    gradient: Gradient,
    theta: ArrayLike,
    eta: float,
    steps: int,
) -> NDArray[np.float64]:
    """Take steps downhill (eq-data-model-cost-step).

    Parameters
    ----------
    gradient : callable
        Maps parameters of shape (n_parameters,) to the gradient of the cost, or to an estimate of
        it, of the same shape.
    theta : array-like of shape (n_parameters,)
        Where to begin.
    eta : float
        The learning rate, positive.
    steps : int
        How many steps, 0 or more.

    Returns
    -------
    ndarray of shape (steps + 1, n_parameters)
        All points of the walk, the first one included.

    Raises
    ------
    ValueError
        If ``theta`` is not a finite vector, ``eta`` not positive or ``steps`` negative.
    """
    walk = [_check_walk(theta, eta, steps)]
    for _ in range(steps):
        walk.append(walk[-1] - eta * gradient(walk[-1]))
    return np.array(walk)


def minibatch(
    gradient: Gradient,
    n: int,
    size: int,
    rng: np.random.Generator,
) -> Gradient:
    """Estimate a gradient from a few rows, drawn anew at each call without replacement.

    Parameters
    ----------
    gradient : callable
        ``gradient(theta, rows)`` is the gradient of the mean cost of the samples in ``rows``.
    n : int
        Number of samples.
    size : int
        Number B of rows in a batch, 1 to n.
    rng : numpy.random.Generator

    Returns
    -------
    callable
        Maps ``theta`` to the gradient on a fresh batch (eq-data-model-cost-minibatch).

    Raises
    ------
    ValueError
        If ``size`` is not a whole number from 1 to ``n``.
    """
    _check_size(size, n)

    def estimate(theta: NDArray[np.float64]) -> NDArray[np.float64]:
        return gradient(theta, rng.choice(n, size, replace=False))

    return estimate


def minibatch_covariance(gradients: ArrayLike, size: int) -> NDArray[np.float64]:
    """Covariance of the mean of a mini-batch (eq-data-model-cost-minibatch-covariance).

    Parameters
    ----------
    gradients : array-like of shape (n_samples, n_parameters)
        The gradient of each sample's cost, n of 2 or more.
    size : int
        Number B of samples in a batch, drawn without replacement, 1 to n.

    Returns
    -------
    ndarray of shape (n_parameters, n_parameters)

    Raises
    ------
    ValueError
        If ``gradients`` is not a finite matrix, or ``size`` not a whole number from 1 to n.
    """
    g = check_array(gradients, ensure_min_samples=2, dtype=float, input_name="gradients")
    n = len(g)
    _check_size(size, n)
    deviations = g - g.mean(axis=0)
    return deviations.T @ deviations / n / size * (n - size) / (n - 1)


def uniform_bound(n: int, models: int, delta: float) -> float:
    """How far risk and empirical risk of many models may be apart (eq-data-model-cost-bound).

    Parameters
    ----------
    n : int
        Number of samples that are independent of the models, 1 or more.
    models : int
        Number of models, fixed before these samples were seen, 1 or more.
    delta : float
        Probability with which the bound may fail, between 0 and 1.

    Returns
    -------
    float
        For a cost between 0 and 1: with probability 1 - delta no model's empirical risk is
        farther from its risk.

    Raises
    ------
    ValueError
        If an argument lies outside its range.
    """
    for name, count in (("n", n), ("models", models)):
        if not (isinstance(count, Integral) and count >= 1):
            raise ValueError(f"{name} must be a whole number of 1 or more, got {count!r}.")
    if not 0 < delta < 1:
        raise ValueError(f"delta must lie between 0 and 1, got {delta!r}.")
    return float(np.sqrt(np.log(2 * models / delta) / (2 * n)))
