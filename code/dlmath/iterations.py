"""Linear iterations of optimisers: how fast they contract, and where noise holds them.

On a quadratic cost each direction of curvature h is an iteration of its own. The chapter *Momentum
and stochastic gradients* derives what is computed here.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.utils import check_array

from dlmath._checks import check_count
from dlmath.linear._validation import check_positive

__all__ = [
    "heavy_ball_parameters",
    "iteration_matrix",
    "least_squares_cloud",
    "nesterov_parameters",
    "stationary_covariance",
]

Array = NDArray[np.float64]


def _check_curvatures(mu: float, L: float) -> tuple[float, float]:
    mu, L = check_positive(mu, "mu"), check_positive(L, "L")
    if mu > L:
        raise ValueError(f"mu must not be larger than L, got {mu:g} and {L:g}")
    return mu, L


def heavy_ball_parameters(mu: float, L: float) -> tuple[float, float]:
    """Best learning rate and momentum of the heavy ball on quadratics.

    Equation ``eq-momentum-and-stochastic-optimal``.

    Parameters
    ----------
    mu, L : float
        Smallest and largest curvature, ``0 < mu <= L``.

    Returns
    -------
    eta, beta : float
    """
    mu, L = _check_curvatures(mu, L)
    soft, stiff = np.sqrt(mu), np.sqrt(L)
    return float(4 / (stiff + soft) ** 2), float(((stiff - soft) / (stiff + soft)) ** 2)


def nesterov_parameters(mu: float, L: float) -> tuple[float, float]:
    """Learning rate and momentum of Nesterov's method for strongly convex costs.

    Equation ``eq-momentum-and-stochastic-nesterov-parameters``.

    Parameters
    ----------
    mu, L : float
        Constants of strong convexity and of smoothness, ``0 < mu <= L``.

    Returns
    -------
    eta, beta : float
    """
    mu, L = _check_curvatures(mu, L)
    root = np.sqrt(L / mu)
    return 1 / L, float((root - 1) / (root + 1))


def iteration_matrix(h: float, eta: float, beta: float, *, nesterov: bool = False) -> Array:
    """Matrix that maps ``(x_k, x_{k-1})`` to ``(x_{k+1}, x_k)`` on the parabola ``h x^2 / 2``.

    Equation ``eq-momentum-and-stochastic-block``; with ``nesterov`` the gradient is taken at the
    extrapolated point.

    Parameters
    ----------
    h : float
        Curvature.
    eta : float
        Learning rate, positive.
    beta : float
        Momentum.
    nesterov : bool, default=False

    Returns
    -------
    ndarray of shape (2, 2)
    """
    eta = check_positive(eta, "eta")
    factor = 1 - eta * h
    if nesterov:
        return np.array([[(1 + beta) * factor, -beta * factor], [1.0, 0.0]])
    return np.array([[beta + factor, -beta], [1.0, 0.0]])


def _check_symmetric(matrix: ArrayLike, name: str, p: int | None = None) -> Array:
    array = check_array(matrix, dtype=float, input_name=name)
    if array.shape[0] != array.shape[1] or (p is not None and len(array) != p):
        wanted = "square" if p is None else f"of shape ({p}, {p})"
        raise ValueError(f"{name} must be {wanted}, got shape {array.shape}")
    if not np.allclose(array, array.T, atol=1e-10 * np.abs(array).max()):
        raise ValueError(f"{name} must be symmetric")
    return array


def stationary_covariance(hessian: ArrayLike, noise: ArrayLike, eta: float) -> Array:
    """Covariance at which the noise of the gradients balances the descent.

    Solves ``S = (I - eta H) S (I - eta H) + eta^2 N``
    (``eq-momentum-and-stochastic-balance``) in the basis of the eigenvectors of H.

    Parameters
    ----------
    hessian : array-like of shape (p, p)
        H, symmetric and positive definite.
    noise : array-like of shape (p, p)
        N, covariance of the gradient that is used in a step.
    eta : float
        Learning rate, below ``2 / L`` with L the largest eigenvalue of H.

    Returns
    -------
    ndarray of shape (p, p)

    Raises
    ------
    ValueError
        If H is not positive definite, or ``eta`` so large that the walk runs away.
    """
    H = _check_symmetric(hessian, "hessian")
    N = _check_symmetric(noise, "noise", len(H))
    eta = check_positive(eta, "eta")
    h, V = np.linalg.eigh(H)
    if h[0] <= 0:
        raise ValueError(f"hessian must be positive definite, its least eigenvalue is {h[0]:.3g}")
    if eta * h[-1] >= 2:
        raise ValueError(f"eta must be below 2 / L = {2 / h[-1]:.3g}, got {eta:g}")
    sums = h[:, np.newaxis] + h - eta * np.outer(h, h)
    return V @ (eta * (V.T @ N @ V) / sums) @ V.T


def least_squares_cloud(
    X: ArrayLike, y: ArrayLike, eta: float, size: int, *, replace: bool = False
) -> Array:
    """Exact stationary covariance of SGD on a least-squares cost (mean of the squared residuals).

    Solves ``eq-momentum-and-stochastic-multiplicative``, in which the curvature of a batch
    fluctuates as well as its gradient at the minimum.

    Parameters
    ----------
    X : array-like of shape (n_samples, p)
        Design matrix of full column rank; the equations have p^2 unknowns.
    y : array-like of shape (n_samples,)
    eta : float
        Learning rate, positive.
    size : int
        Batch size B, at least 1; at most n if no sample is drawn twice.
    replace : bool, default=False
        Whether the samples of a batch are drawn with replacement.

    Returns
    -------
    ndarray of shape (p, p)

    Raises
    ------
    ValueError
        If an argument is out of range, or there is no stationary distribution of finite
        covariance at this learning rate.
    """
    design, target = _check_samples(X, y)
    n, p = design.shape
    if check_count("size", size) > n and not replace:
        raise ValueError(f"size must be at most {n} without replacement, got {size}")
    eta = check_positive(eta, "eta")
    H = 2 * design.T @ design / n
    residual = target - design @ np.linalg.lstsq(design, target, rcond=None)[0]
    noise = 4 * (design * residual[:, np.newaxis] ** 2).T @ design / n
    share = (1.0 if replace else (n - size) / (n - 1)) / size
    # vec(A S A^T) = (A x A) vec(S): a linear map of all entries of S.
    step = np.eye(p) - eta * H
    pairs = (design[:, :, np.newaxis] * design[:, np.newaxis, :]).reshape(n, p * p)
    growth = np.kron(step, step) + eta**2 * share * (4 * pairs.T @ pairs / n - np.kron(H, H))
    if np.abs(np.linalg.eigvals(growth)).max() >= 1:
        raise ValueError(f"eta = {eta:g} is so large that the variance grows without limit")
    S: Array = np.linalg.solve(np.eye(p * p) - growth, eta**2 * share * noise.ravel())
    return S.reshape(p, p)


def _check_samples(X: ArrayLike, y: ArrayLike) -> tuple[Array, Array]:
    design: Array = check_array(X, dtype=float, ensure_min_samples=2, input_name="X")
    target: Array = check_array(y, ensure_2d=False, dtype=float, input_name="y")
    if target.shape != (len(design),):
        raise ValueError(f"y must have shape ({len(design)},), got {target.shape}")
    return design, target
