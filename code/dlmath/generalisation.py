"""Bounds on the error of a classifier by Rademacher complexity: what a class can fit of noise.

Labels are +1 and -1; samples are the rows of X.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from dlmath._checks import check_above_zero, check_count, check_matrix

Array = np.ndarray


def linear_complexity(X: Any, B: float = 1.0) -> float:
    """Bound the Rademacher complexity of ``theta^T x`` with ``||theta|| <= B``.

    Equation ``eq-wide-networks-linear-complexity``.

    Parameters
    ----------
    X : array-like of shape (n, d)
    B : float, default=1.0
    """
    X = check_matrix("X", X)
    return check_above_zero("B", B) * float(np.sqrt(np.sum(X**2))) / len(X)


def network_complexity(X: Any, B: float) -> float:
    """Bound that of two-layer ReLU networks with path norm at most B.

    Equation ``eq-wide-networks-network-complexity``.

    Parameters
    ----------
    X : array-like of shape (n, d)
    B : float
    """
    return 2 * linear_complexity(X, B)


def kernel_complexity(K: Any, B: float) -> float:
    """Bound that of functions of norm at most B in a kernel's space.

    Equation ``eq-wide-networks-kernel-complexity``.

    Parameters
    ----------
    K : array-like of shape (n, n)
        The kernel of the samples.
    B : float
    """
    K = check_matrix("K", K)
    return check_above_zero("B", B) * float(np.sqrt(np.trace(K))) / len(K)


def sampled_linear_complexity(X: Any, B: float, draws: int, rng: np.random.Generator) -> Array:
    """Draw ``B ||sum_i eps_i x_i|| / n``, whose mean is the complexity of the linear class.

    Parameters
    ----------
    X : array-like of shape (n, d)
    B : float
    draws : int
    rng : numpy.random.Generator

    Returns
    -------
    ndarray of shape (draws,)
    """
    X = check_matrix("X", X)
    signs = rng.choice([-1.0, 1.0], size=(check_count("draws", draws), len(X)))
    return check_above_zero("B", B) * np.linalg.norm(signs @ X, axis=1) / len(X)


def path_norm(a: Any, W: Any) -> float:
    """Give ``sum_j |a_j| ||w_j||`` of a two-layer network: eq-wide-networks-path-norm.

    Parameters
    ----------
    a : array-like of shape (m,)
        Output weights, all factors included.
    W : array-like of shape (m, d)
        The weights of unit j in row j, its bias included.
    """
    W, a = check_matrix("W", W), np.asarray(a, dtype=float)
    if a.shape != (len(W),):
        raise ValueError(f"a must have shape ({len(W)},), got {a.shape}")
    return float(np.abs(a) @ np.linalg.norm(W, axis=1))


def margin_error(f: Any, y: Any, gamma: float) -> float:
    """Give the mean ramp loss, which lies above the share of wrong signs: eq-wide-networks-ramp.

    Parameters
    ----------
    f : array-like of shape (n,)
        Outputs.
    y : array-like of shape (n,)
        Labels, +1 or -1.
    gamma : float
        The margin that is asked for.
    """
    f, y = np.asarray(f, dtype=float), np.asarray(y, dtype=float)
    if f.ndim != 1 or f.shape != y.shape:
        raise ValueError(f"f and y must be vectors of one length, got {f.shape} and {y.shape}")
    if not np.isin(y, (-1, 1)).all():
        raise ValueError("y must hold labels +1 and -1")
    return float(np.mean(np.clip(1 - y * f / check_above_zero("gamma", gamma), 0, 1)))


def error_bound(
    error: float, complexity: float, n: int, *, gamma: float = 1.0, delta: float = 0.05
) -> float:
    """Bound the probability of a wrong sign: equation ``eq-wide-networks-bound``.

    Parameters
    ----------
    error : float
        Mean ramp loss on the samples.
    complexity : float
        Empirical Rademacher complexity of the class, or a bound on it.
    n : int
        Number of samples.
    gamma : float, default=1.0
        Margin, fixed before the samples are seen.
    delta : float, default=0.05
        Probability with which the bound may fail.
    """
    if not 0 < delta < 1:
        raise ValueError(f"delta must lie between 0 and 1, got {delta!r}")
    n, gamma = check_count("n", n), check_above_zero("gamma", gamma)
    return float(error + 2 * complexity / gamma + 3 * np.sqrt(np.log(2 / delta) / (2 * n)))
