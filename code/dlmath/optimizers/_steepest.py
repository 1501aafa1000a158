"""Gradient descent that finds its own rate: Armijo's backtracking, and exact line search."""

from numbers import Real

import numpy as np

from dlmath._checks import check_count
from dlmath.linear._validation import check_floats, check_positive
from dlmath.optimizers._line_search import check_start


def backtracking(cost, gradient, x0, steps, *, eta=1.0, slope=0.5, shrink=0.5):
    """Go downhill with rates that backtracking finds: ``eq-gradient-descent-armijo``.

    Each step tries the rate ``eta`` first, and multiplies it by ``shrink`` until the cost falls by
    at least ``slope`` times what the tangent promises. Where rounding hides every decrease the walk
    stays, with the rate zero.

    Parameters
    ----------
    cost, gradient : callable
        Of one vector.
    x0 : array-like of shape (p,)
        The start; it is copied.
    steps : int
        Not negative.
    eta : float, default=1.0
        The rate that is tried first, positive.
    slope, shrink : float, default=0.5
        Strictly between 0 and 1.

    Returns
    -------
    path : ndarray of shape (steps + 1, p)
    rates : ndarray of shape (steps,)
    trials : ndarray of int, of shape (steps,)
        How many rates were tried, that is, how often the cost was computed after a step.

    Raises
    ------
    ValueError
        If ``x0`` is not a finite vector, ``steps`` not an integer, a number out of its range, or
        the gradient not finite.
    """
    path = _start(x0, steps)
    eta = check_positive(eta, "eta")
    slope, shrink = _check_open(slope, "slope"), _check_open(shrink, "shrink")
    rates, trials = np.zeros(steps), np.zeros(steps, dtype=int)
    for k, x in enumerate(path[:-1]):
        g = _finite(gradient(x), x)
        rates[k], trials[k] = _armijo(cost, x, g, eta, slope, shrink)
        path[k + 1] = x - rates[k] * g
    return path, rates, trials


def _armijo(cost, x, g, eta, slope, shrink):
    here, promise, trials = cost(x), slope * (g @ g), 1
    # A trial that overflows is no reason to stop, but to shrink.
    while not cost(x - eta * g) <= here - eta * promise:
        eta, trials = eta * shrink, trials + 1
        if np.array_equal(x - eta * g, x):
            return 0.0, trials
    return eta, trials


def exact_line_search(H, x0, steps, *, share=1.0):
    """Go down the quadratic ``x^T H x / 2``, as far along each gradient as it falls.

    The rates are those of ``eq-gradient-descent-exact-step``, times ``share``.

    Parameters
    ----------
    H : array-like of shape (p, p)
        Symmetric and positive definite.
    x0 : array-like of shape (p,)
        The start; it is copied.
    steps : int
        Not negative.
    share : float, default=1.0
        Between 0 and 2; other shares than one break the zigzag.

    Returns
    -------
    path : ndarray of shape (steps + 1, p)
    rates : ndarray of shape (steps,)
        Zero where the gradient vanishes.

    Raises
    ------
    ValueError
        If H is not symmetric and positive definite or has another size than ``x0``, or a number is
        out of its range.
    """
    path = _start(x0, steps)
    H = _check_definite(H, path.shape[1])
    if not (isinstance(share, Real) and 0 < float(share) < 2):
        raise ValueError(f"share must lie between 0 and 2, got {share!r}")
    rates = np.zeros(steps)
    for k, x in enumerate(path[:-1]):
        g = H @ x
        if g @ g > 0:
            rates[k] = share * (g @ g) / (g @ H @ g)
        path[k + 1] = x - rates[k] * g
    return path, rates


def _start(x0, steps):
    x0 = check_start(x0)
    path = np.empty((check_count("steps", steps, least=0) + 1, x0.size))
    path[0] = x0
    return path


def _finite(g, x):
    g = np.asarray(g, dtype=float)
    if g.shape != x.shape or not np.isfinite(g).all():
        raise ValueError(f"gradient must return {x.size} finite numbers")
    return g


def _check_open(value, name):
    if not (isinstance(value, Real) and 0 < float(value) < 1):
        raise ValueError(f"{name} must lie strictly between 0 and 1, got {value!r}")
    return float(value)


def _check_definite(H, p):
    H = check_floats(H, "H")
    if H.shape != (p, p):
        raise ValueError(f"H must have shape ({p}, {p}), got {H.shape}")
    if not np.allclose(H, H.T) or np.linalg.eigvalsh(H)[0] <= 0:
        raise ValueError("H must be symmetric and positive definite")
    return H
