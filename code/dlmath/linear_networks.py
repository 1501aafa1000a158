"""What gradient descent finds in networks that are linear in their inputs.

A product of matrices, a vector of differences of squares: the functions are linear, the paths of
their weights are not, and both can be solved. Rows of ``X`` are samples, ``tau`` is the time of
gradient flow, ``eta k`` for gradient descent with small steps, and costs carry their 1/n.
"""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.integrate import quad, solve_ivp

from dlmath._checks import check_above_zero, check_count

__all__ = [
    "conserved",
    "diagonal_descent",
    "factor_gradients",
    "hyperbolic_entropy",
    "least_hyperbolic_entropy",
    "mode_strength",
    "switch_time",
]

Array = NDArray[np.float64]


def _array(values: ArrayLike, name: str, ndim: int) -> Array:
    array = np.asarray(values, dtype=float)
    if array.ndim != ndim or array.size == 0:
        raise ValueError(f"{name} must have {ndim} dimensions and entries, got {array.shape}")
    if not np.isfinite(array).all():
        raise ValueError(f"{name} contains NaN or infinity")
    return array


def _regression(X: ArrayLike, y: ArrayLike) -> tuple[Array, Array]:
    X, y = _array(X, "X", 2), _array(y, "y", 1)
    if len(X) != len(y):
        raise ValueError(f"X has {len(X)} rows, but y has {len(y)} entries")
    return X, y


# Deep linear networks.


def mode_strength(
    tau: ArrayLike, s: float, start: float, *, depth: int = 2, curvature: float = 1.0
) -> Array:
    """Strength of one mode of a deep linear network under gradient flow.

    Solves ``dp/dtau = 2 N p^(2 - 2/N) (s - curvature p)`` from ``p(0) = start``: equation
    ``eq-what-training-finds-mode``. With two layers the solution is the logistic function
    ``eq-what-training-finds-logistic``, with one an exponential.

    Parameters
    ----------
    tau : array-like of shape (n_times,)
        Times, not negative and not falling.
    s : float
        Strength of the mode in the correlation of inputs and targets, positive.
    start : float
        The product of the layers' strengths at time zero, positive.
    depth : int, default=2
        Number of layers N.
    curvature : float, default=1.0
        Second moment of the inputs in the direction of the mode, positive.

    Returns
    -------
    ndarray of shape (n_times,)
    """
    tau = _array(tau, "tau", 1)
    if tau[0] < 0 or np.any(np.diff(tau) < 0):
        raise ValueError("tau must be times from zero on, in rising order")
    s, start = check_above_zero("s", s), check_above_zero("start", start)
    nu, depth = check_above_zero("curvature", curvature), check_count("depth", depth)
    end = s / nu
    if depth == 1:
        return end + (start - end) * np.exp(-2 * nu * tau)
    if depth == 2:
        return end / (1 + (end / start - 1) * np.exp(-4 * s * tau))
    if tau[-1] == 0:
        return np.full(tau.shape, start)
    # In the logarithm of one layer's strength the equation is smooth at all sizes.
    solution = solve_ivp(
        lambda _, log: 2 * np.exp((depth - 2) * log) * (s - nu * np.exp(depth * log)),
        (0.0, tau[-1]),
        [np.log(start) / depth],
        method="LSODA",
        t_eval=tau,
        rtol=1e-10,
        atol=1e-12,
    )
    return np.exp(depth * solution.y[0])


def switch_time(
    s: float, start: float, *, depth: int = 2, curvature: float = 1.0, share: float = 0.5
) -> float:
    """Time at which a mode has reached a share of its final strength.

    The integral of ``dp / (2 N p^(2 - 2/N) (s - curvature p))`` from ``start`` to
    ``share s / curvature``, equation ``eq-what-training-finds-switch`` for two layers.

    Parameters
    ----------
    s, start, depth, curvature
        As in :func:`mode_strength`.
    share : float, default=0.5
        Between ``start curvature / s`` and 1.

    Returns
    -------
    float
    """
    s, start = check_above_zero("s", s), check_above_zero("start", start)
    nu, depth = check_above_zero("curvature", curvature), check_count("depth", depth)
    if not start * nu / s < share < 1:
        raise ValueError(f"share must lie between {start * nu / s:g} and 1, got {share!r}")
    # Of the logarithm of p, in which a start however small is not far away.
    low, high = np.log(start), np.log(share * s / nu)
    power = 1 - 2 / depth
    value, _ = quad(
        lambda log: np.exp(-power * (log - low)) / (s - nu * np.exp(log)),
        low,
        high,
        limit=200,
        epsabs=0,
        epsrel=1e-12,
    )
    return float(value * np.exp(-power * low) / (2 * depth))


def _check_factors(factors: Sequence[ArrayLike], name: str = "factors") -> list[Array]:
    arrays = [_array(factor, f"{name}[{i}]", 2) for i, factor in enumerate(factors)]
    if not arrays:
        raise ValueError(f"{name} must hold at least one matrix")
    for i, (left, right) in enumerate(pairwise(arrays)):
        if left.shape[1] != right.shape[0]:
            raise ValueError(
                f"{name}[{i}] has {left.shape[1]} columns, but {name}[{i + 1}] has "
                f"{right.shape[0]} rows"
            )
    return arrays


def factor_gradients(factors: Sequence[ArrayLike], slope: ArrayLike) -> list[Array]:
    """Differentiate a cost by the factors of a product of matrices.

    ``(W^1 ... W^{l-1})^T D (W^{l+1} ... W^N)^T``, equation ``eq-what-training-finds-gradients``.

    Parameters
    ----------
    factors : sequence of array-like
        W^1, ..., W^N, whose product exists.
    slope : array-like
        D, the derivative of the cost by the product, of the product's shape.

    Returns
    -------
    list of ndarray
        One for each factor, of its shape.
    """
    arrays = _check_factors(factors)
    D = _array(slope, "slope", 2)
    if D.shape != (arrays[0].shape[0], arrays[-1].shape[1]):
        raise ValueError(
            f"slope has shape {D.shape}, but the product of the factors has "
            f"{(arrays[0].shape[0], arrays[-1].shape[1])}"
        )
    # From the right, D (W^{l+1} ... W^N)^T; from the left, the product of what stands before.
    backward = [D]
    for factor in arrays[:0:-1]:
        backward.append(backward[-1] @ factor.T)
    gradients, before = [], None
    for factor, behind in zip(arrays, reversed(backward), strict=True):
        gradients.append(behind.copy() if before is None else before.T @ behind)
        before = factor if before is None else before @ factor
    return gradients


def conserved(parameters: Sequence[ArrayLike], layer: int = 1) -> Array:
    """Compute what gradient flow conserves between two layers.

    ``W^{l T} W^l + b^{l T} b^l - W^{l+1} W^{l+1 T}``, equation
    ``eq-what-training-finds-conserved``. All of it is conserved if layer l has no activation; if
    it has a rectifier, its diagonal is.

    Parameters
    ----------
    parameters : sequence of array-like
        W^1, b^1, ..., W^L, b^L, as in :class:`dlmath.networks.FeedForwardNetwork`.
    layer : int, default=1
        l, from 1 to L - 1.

    Returns
    -------
    ndarray of shape (m_l, m_l)
    """
    layer = check_count("layer", layer)
    if len(parameters) % 2 or layer >= len(parameters) // 2:
        raise ValueError(
            f"layer must have a layer behind it among the {len(parameters) // 2}, got {layer}"
        )
    W, after = _check_factors([parameters[2 * layer - 2], parameters[2 * layer]], "the weights")
    b = _array(parameters[2 * layer - 1], f"parameters[{2 * layer - 1}]", 1)
    if b.size != W.shape[1]:
        raise ValueError(f"the biases of layer {layer} must have {W.shape[1]} entries")
    return W.T @ W + np.outer(b, b) - after @ after.T


# Differences of squares.


def diagonal_descent(X: ArrayLike, y: ArrayLike, *, start: float, eta: float, steps: int) -> Array:
    """Gradient descent on ``(1/n) ||X (u o u - v o v) - y||^2`` from ``u = v = start``.

    Parameters
    ----------
    X : array-like of shape (n_samples, n_features)
    y : array-like of shape (n_samples,)
    start : float
        Size of all weights at the beginning, positive.
    eta : float
        Learning rate, positive.
    steps : int

    Returns
    -------
    ndarray of shape (n_features,)
        ``theta = u o u - v o v`` after the last step.

    Raises
    ------
    FloatingPointError
        When the steps are too large and the weights grow beyond all bounds.
    """
    X, y = _regression(X, y)
    n, p = X.shape
    u = np.full(p, check_above_zero("start", start))
    v, eta = u.copy(), check_above_zero("eta", eta)
    with np.errstate(over="ignore", invalid="ignore"):
        for k in range(check_count("steps", steps)):
            slope = 4 * eta / n * ((X @ (u * u - v * v) - y) @ X)
            u, v = u - slope * u, v + slope * v
            if k % 100 == 0 and not np.isfinite(u).all():
                raise FloatingPointError(f"the weights are not finite after {k} steps")
    theta = u * u - v * v
    if not np.isfinite(theta).all():
        raise FloatingPointError(f"the weights are not finite after {steps} steps")
    return theta


def hyperbolic_entropy(theta: ArrayLike, start: float) -> float:
    """Potential that the diagonal network minimises, ``eq-what-training-finds-entropy``.

    The sum of ``t arcsinh(t / 2a^2) - sqrt(t^2 + 4a^4) + 2a^2`` over the entries t of ``theta``,
    with a the ``start``.
    """
    theta, floor = _array(theta, "theta", 1), 2 * check_above_zero("start", start) ** 2
    return float(np.sum(theta * np.arcsinh(theta / floor) - np.hypot(theta, floor) + floor))


def least_hyperbolic_entropy(
    X: ArrayLike, y: ArrayLike, start: float, *, tol: float = 1e-10, max_iter: int = 200
) -> Array:
    """Solution of ``X theta = y`` of least hyperbolic entropy, by Newton's method on the dual.

    Parameters
    ----------
    X : array-like of shape (n_samples, n_features)
        Of full row rank.
    y : array-like of shape (n_samples,)
    start : float
        a, positive.
    tol : float, default=1e-10
        On the residual, relative to ``y``.
    max_iter : int, default=200

    Returns
    -------
    ndarray of shape (n_features,)

    Raises
    ------
    RuntimeError
        When Newton's method does not come to an end.
    """
    X, y = _regression(X, y)
    floor = 2 * check_above_zero("start", start) ** 2
    # From floors that are large against the solution, where Newton's method needs no care, down.
    scale = max(floor, 2 * float(np.linalg.norm(np.linalg.pinv(X) @ y)))
    count = 2 + int(np.log(scale / floor))
    floors = [floor] if scale == floor else np.geomspace(scale, floor, count)
    dual, size = np.zeros(len(y)), scale
    for now in floors:
        # A slope is about log(2 |theta| / floor).
        dual = dual * (np.arcsinh(scale / now) / np.arcsinh(scale / size))
        dual, size = _newton_on_dual(X, y, now, dual, tol, check_count("max_iter", max_iter)), now
    return floor * np.sinh(X.T @ dual)


def _newton_on_dual(
    X: Array, y: Array, floor: float, dual: Array, tol: float, max_iter: int
) -> Array:
    """Minimise ``floor sum(cosh(X^T dual) - 1) - y^T dual`` by damped steps."""

    def value(dual: Array) -> float:
        with np.errstate(over="ignore"):
            return float(2 * floor * np.sum(np.sinh(X.T @ dual / 2) ** 2) - y @ dual)

    for _ in range(max_iter):
        slopes = X.T @ dual
        residual = X @ (floor * np.sinh(slopes)) - y
        if np.linalg.norm(residual) <= tol * np.linalg.norm(y):
            return dual
        step = np.linalg.solve((X * (floor * np.cosh(slopes))) @ X.T, residual)
        length, now, fall = 1.0, value(dual), residual @ step
        slack = 1e-13 * abs(now)  # what rounding leaves of the comparison
        while length > 1e-12 and not (
            value(dual - length * step) <= now - 0.25 * length * fall + slack
        ):
            length /= 2
        dual = dual - length * step
    raise RuntimeError(f"no solution to {tol:g} within {max_iter} steps")
