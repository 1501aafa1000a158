"""The lasso: least squares with a penalty on the absolute values of the coefficients."""

import numpy as np
from scipy import linalg

from dlmath.linear._ols import ols_cost, ols_gradient
from dlmath.linear._validation import check_count, check_penalty, check_positive, truncated_svd


def lasso_cost(X, y, theta, lam):
    """Mean squared error and penalty on the absolute values: equation ``eq-lasso-cost``.

    Parameters
    ----------
    X : ndarray of shape (n_samples, n_features)
    y : ndarray of shape (n_samples,)
    theta : ndarray of shape (n_features,)
    lam : float

    Returns
    -------
    float
        ``||y - X theta||^2 / n + lam ||theta||_1``.
    """
    return ols_cost(X, y, theta) + lam * np.sum(np.abs(theta))


def soft_threshold(x, threshold):
    """Move numbers towards zero, and no further: equation ``eq-lasso-soft-threshold``.

    Parameters
    ----------
    x : float or ndarray
    threshold : float or ndarray
        Not negative.

    Returns
    -------
    float or ndarray
        ``sign(x) max(|x| - threshold, 0)``.
    """
    return np.sign(x) * np.maximum(np.abs(x) - threshold, 0)


def lambda_max(X, y):
    """Smallest penalty for which every coefficient is zero: equation ``eq-lasso-lambda-max``.

    Parameters
    ----------
    X : ndarray of shape (n_samples, n_features)
    y : ndarray of shape (n_samples,)

    Returns
    -------
    float
        ``2/n max_j |X_j^T y|``.
    """
    return float(2 / len(y) * np.max(np.abs(X.T @ y)))


def lasso_duality_gap(X, y, theta, lam):
    """Bound on how far :func:`lasso_cost` lies above its minimum: equation ``eq-lasso-gap``.

    The dual problem is to maximise ``D(q) = (||y||^2 - ||y - q||^2) / n`` over all ``q`` with
    ``|2/n X_j^T q| <= lam`` for each j: introduce ``z = X theta`` as a variable with the
    multiplier ``2 q / n``, and minimise the Lagrangian
    ``||y - z||^2 / n + lam ||theta||_1 + 2/n q^T (z - X theta)`` over ``z``, which gives
    ``z = y - q``, and over ``theta``, which has a minimum (0) only under that condition. No
    ``D(q)`` exceeds any cost. The residual ``r = y - X theta`` becomes such a point when it is
    shrunk: ``q = a r``, with ``a = min(1, lam / max_j |f_j|)`` and the forces ``f = 2/n X^T r``.
    Then

        ``C(theta) - D(q) = (1 - a)^2 ||r||^2 / n + sum_j (lam |theta_j| - a f_j theta_j)``

    where no term is negative, and where all vanish at the minimum. For ``lam = 0`` the residual
    less its projection on the columns of ``X`` takes the place of ``q``; then the gap is exactly
    the distance to the minimum.

    Parameters
    ----------
    X : ndarray of shape (n_samples, n_features)
    y : ndarray of shape (n_samples,)
    theta : ndarray of shape (n_features,)
    lam : float

    Returns
    -------
    float
        Not negative.
    """
    lam, n = check_penalty(lam), len(y)
    residual = y - X @ theta
    if lam == 0:
        projections = truncated_svd(X)[0].T @ residual
        return float(projections @ projections / n)
    force = 2 / n * X.T @ residual
    a = lam / max(lam, np.max(np.abs(force)))
    slack = np.maximum(lam * np.abs(theta) - a * force * theta, 0)
    return float((1 - a) ** 2 * (residual @ residual) / n + np.sum(slack))


def ista(X, y, lam, steps, theta=None, eta=None):
    """Proximal gradient descent on :func:`lasso_cost`: equation ``eq-lasso-ista``.

    A step of gradient descent on the squares, then a soft threshold.

    Parameters
    ----------
    X : ndarray of shape (n_samples, n_features)
    y : ndarray of shape (n_samples,)
    lam : float
    steps : int
    theta : ndarray of shape (n_features,), optional
        Where to start; zero by default.
    eta : float, optional
        Step. By default 1/L, with ``L = 2 d_1**2 / n`` and the largest singular value ``d_1``.

    Returns
    -------
    ndarray of shape (steps + 1, n_features)
        The trajectory, its start included.
    """
    lam, eta = check_penalty(lam), _step(X, eta)
    trajectory = _start(X, steps, "steps", theta)
    for k in range(steps):
        descended = trajectory[k] - eta * ols_gradient(X, y, trajectory[k])
        trajectory[k + 1] = soft_threshold(descended, eta * lam)
    return trajectory


def fista(X, y, lam, steps, theta=None, eta=None):
    """Accelerated proximal gradient descent on :func:`lasso_cost`: equation ``eq-lasso-fista``.

    Each step of :func:`ista` is taken from a point beyond the last one, in the direction of the
    last move.

    Parameters
    ----------
    X : ndarray of shape (n_samples, n_features)
    y : ndarray of shape (n_samples,)
    lam : float
    steps : int
    theta : ndarray of shape (n_features,), optional
        Where to start; zero by default.
    eta : float, optional
        Step. By default 1/L, with ``L = 2 d_1**2 / n`` and the largest singular value ``d_1``.

    Returns
    -------
    ndarray of shape (steps + 1, n_features)
        The trajectory, its start included.
    """
    lam, eta = check_penalty(lam), _step(X, eta)
    trajectory = _start(X, steps, "steps", theta)
    beyond, a = trajectory[0], 1.0
    for k in range(steps):
        descended = beyond - eta * ols_gradient(X, y, beyond)
        trajectory[k + 1] = soft_threshold(descended, eta * lam)
        a, last_a = (1 + np.sqrt(1 + 4 * a**2)) / 2, a
        beyond = trajectory[k + 1] + (last_a - 1) / a * (trajectory[k + 1] - trajectory[k])
    return trajectory


def coordinate_descent(X, y, lam, sweeps, theta=None):
    """Minimise :func:`lasso_cost` over one coefficient after the other.

    Equation ``eq-lasso-coordinate``. The coefficient of a column of zeros becomes zero.

    Parameters
    ----------
    X : ndarray of shape (n_samples, n_features)
    y : ndarray of shape (n_samples,)
    lam : float
    sweeps : int
        How often to go through all coefficients.
    theta : ndarray of shape (n_features,), optional
        Where to start; zero by default.

    Returns
    -------
    ndarray of shape (sweeps + 1, n_features)
        The trajectory, its start included, with one point after each sweep.
    """
    lam, (n, p) = check_penalty(lam), X.shape
    trajectory = _start(X, sweeps, "sweeps", theta)
    c = np.sum(X**2, axis=0) / n
    for k in range(sweeps):
        theta = trajectory[k].copy()
        residual = y - X @ theta
        for j in range(p):
            residual = residual + X[:, j] * theta[j]
            pull = soft_threshold(X[:, j] @ residual / n, lam / 2)
            theta[j] = pull / c[j] if c[j] > 0 else 0.0
            residual = residual - X[:, j] * theta[j]
        trajectory[k + 1] = theta
    return trajectory


def _start(X, steps, name, theta):
    """Return a trajectory that is zero except where it starts."""
    trajectory = np.zeros((check_count(steps, name) + 1, X.shape[1]))
    if theta is not None:
        trajectory[0] = theta
    return trajectory


def _step(X, eta):
    """Return the step, by default the reciprocal of the largest curvature."""
    if eta is not None:
        return check_positive(eta, "eta")
    d1 = linalg.norm(X, 2)
    return len(X) / (2 * d1**2) if d1 > 0 else 1.0
