"""Newton's method, plain and made to go downhill, and Gauss-Newton's for sums of squares."""

import numpy as np
from scipy.linalg import eigh, lstsq
from scipy.optimize import OptimizeResult

from dlmath._checks import check_above_zero, check_count
from dlmath.optimizers._line_search import (
    EPS,
    check_gradient,
    check_start,
)
from dlmath.optimizers._quasi_newton import descend


def newton(gradient, hessian, x0, *, tol=1e-10, max_iter=50):
    """Look for a zero of the gradient by Newton's method: ``eq-newton-and-quasi-newton-step``.

    No cost is asked for, and none is lowered: the method goes to saddles and maxima as willingly
    as to minima.

    Parameters
    ----------
    gradient : callable
        Maps a vector of n entries to one.
    hessian : callable
        Maps a vector to the matrix of derivatives of ``gradient``, of shape (n, n).
    x0 : array-like of shape (n,)
        Where to start.
    tol : float, default=1e-10
        Stop when no entry of the gradient is larger in magnitude.
    max_iter : int, default=50
        Largest number of steps.

    Returns
    -------
    scipy.optimize.OptimizeResult
        ``x``, ``jac`` (the gradient there), ``nit``, ``njev``, ``nhev``, ``success``, ``message``
        and ``trajectory``, an array of shape (nit + 1, n). If the method fails, ``success`` is
        False and ``x`` the last point at which the gradient is finite.

    Raises
    ------
    ValueError
        On a start that is not a vector of finite numbers, a gradient or Hessian that is not finite
        there or has a wrong shape, and a ``tol`` or ``max_iter`` that is not positive.
    """
    tol, max_iter = check_above_zero("tol", tol), check_count("max_iter", max_iter)
    x = check_start(x0)
    g = check_gradient(gradient(x), x)
    if not np.isfinite(g).all():
        raise ValueError("gradient must be finite at x0, it has NaN or infinity")
    trajectory, failure, njev, nhev = [x], None, 1, 0
    while np.max(np.abs(g)) > tol and failure is None:
        if len(trajectory) > max_iter:
            failure = f"the gradient is still above tol after max_iter = {max_iter} steps"
            break
        H, nhev = _check_hessian(hessian(x), x), nhev + 1
        try:
            new = x - np.linalg.solve(H, g)
        except np.linalg.LinAlgError:
            failure = "the Hessian is singular there"
            break
        g_new, njev = check_gradient(gradient(new), x), njev + 1
        if not np.isfinite(g_new).all():
            failure = "the last step led to where the gradient is not finite, and is taken back"
            break
        x, g = new, g_new
        trajectory.append(x)
    return OptimizeResult(
        x=x,
        jac=g,
        nit=len(trajectory) - 1,
        njev=njev,
        nhev=nhev,
        success=failure is None,
        message=failure or f"no entry of the gradient is above tol = {tol:g}",
        trajectory=np.array(trajectory),
    )


def damped_newton(cost, gradient, hessian, x0, *, tol=1e-6, max_iter=1000):
    """Minimise by Newton's method with absolute curvatures and a line search.

    The eigenvalues of the Hessian are replaced by their absolute values, so that the direction
    leads downhill: ``eq-newton-and-quasi-newton-absolute``. The step satisfies the strong Wolfe
    conditions, and 1 is tried first.

    Parameters
    ----------
    cost, gradient, x0, tol, max_iter
        As in :func:`dlmath.optimizers.bfgs`.
    hessian : callable
        Maps a vector to the symmetric matrix of second derivatives of ``cost``.

    Returns
    -------
    scipy.optimize.OptimizeResult
        As that of :func:`dlmath.optimizers.bfgs`, with ``nhev`` instead of ``hess_inv``.

    Raises
    ------
    ValueError
        As :func:`dlmath.optimizers.bfgs`, and on a Hessian of a wrong shape or not finite.
    """
    return descend(cost, gradient, x0, _Absolute(hessian), tol, max_iter)


class _Absolute:
    """Newton's direction with the absolute values of the curvatures, from the Hessian itself."""

    def __init__(self, hessian):
        self.hessian, self.nhev = hessian, 0

    def direction(self, at):
        """Return the direction from a point."""
        H = _check_hessian(self.hessian(at.x), at.x)
        self.nhev += 1
        return downhill(H, at.gradient)

    def first(self, decrease, slope):
        """Return the step to try first: Newton's own."""
        return 1.0

    def update(self, s, y):
        """Learn nothing from the step: the next Hessian is computed anew."""

    def report(self):
        return {"nhev": self.nhev}


def downhill(hessian, gradient):
    """Return Newton's direction with the absolute values of the curvatures.

    Parameters
    ----------
    hessian : ndarray of shape (n, n)
        Symmetric.
    gradient : ndarray of shape (n,)

    Returns
    -------
    ndarray of shape (n,)
        ``-V |N|^-1 V^T g`` for the Hessian ``V N V^T``; eigenvalues below 1e-8 of the largest are
        raised to it.
    """
    nu, V = eigh(hessian)
    size = np.abs(nu)
    largest = size.max() or 1.0
    return -V @ ((V.T @ gradient) / np.maximum(size, 1e-8 * largest))


def gauss_newton(residuals, jacobian, x0, *, damping=1e-3, tol=1e-8, max_iter=200):
    """Minimise a mean of squares by the method of Gauss and Newton, damped as by Marquardt.

    The step solves ``(J^T J + lam D) delta = -J^T r`` with D the diagonal of ``J^T J``:
    ``eq-newton-and-quasi-newton-marquardt``. A step that does not lower the cost is not made, and
    ``lam`` becomes ten times larger; after each one that does, ten times smaller.

    Parameters
    ----------
    residuals : callable
        Maps a vector of p parameters to a vector of n residuals, n >= p.
    jacobian : callable
        Maps the parameters to the matrix of derivatives of the residuals, of shape (n, p).
    x0 : array-like of shape (p,)
        Where to start.
    damping : float, default=1e-3
        The first ``lam``. With 0 it stays 0 and every step is made: Gauss-Newton's method.
    tol : float, default=1e-8
        Stop when the residuals are orthogonal to the columns of J: when no cosine of an angle
        between them is larger.
    max_iter : int, default=200
        Largest number of steps, those that were refused included.

    Returns
    -------
    scipy.optimize.OptimizeResult
        ``x``, ``fun`` (the mean of the squared residuals), ``jac`` (its gradient), ``residuals``,
        ``jacobian``, ``nit``, ``nfev``, ``njev``, ``success``, ``message``, and ``trajectory``, an
        array of shape (nit + 1, p) of the steps that were made.

    Raises
    ------
    ValueError
        On a start that is not a vector of finite numbers, residuals or a Jacobian that are not
        finite there or have wrong shapes, fewer residuals than parameters, a negative ``damping``,
        and a ``tol`` or ``max_iter`` that is not positive.
    """
    tol, max_iter = check_above_zero("tol", tol), check_count("max_iter", max_iter)
    lam = damping if damping == 0 else check_above_zero("damping", damping)
    x = check_start(x0)
    r = _check_residuals(residuals(x), x)
    J = _check_jacobian(jacobian(x), r, x)
    trajectory, tried = [x], 0
    message = f"the gradient is still above tol after max_iter = {max_iter} steps"
    success = False
    while tried < max_iter:
        if largest_cosine(J, r) <= tol:
            success, message = True, f"no cosine of residuals and columns is above tol = {tol:g}"
            break
        delta = marquardt_step(J, r, lam)
        if np.all(np.abs(delta) <= 2 * EPS * np.abs(x)):
            success, message = True, "the step has become as small as rounding"
            break
        r_new = np.asarray(residuals(x + delta), dtype=float)
        tried += 1
        if damping and not r_new @ r_new < r @ r:
            lam = 10 * lam
            continue
        if not np.isfinite(r_new).all():
            message = "the last step led to residuals that are not finite: use damping"
            break
        x, r, lam = x + delta, r_new, lam / 10
        J = _check_jacobian(jacobian(x), r, x)
        trajectory.append(x)
    return OptimizeResult(
        x=x,
        fun=r @ r / len(r),
        jac=2 / len(r) * J.T @ r,
        residuals=r,
        jacobian=J,
        nit=len(trajectory) - 1,
        nfev=tried + 1,
        njev=len(trajectory),
        success=success,
        message=message,
        trajectory=np.array(trajectory),
    )


def marquardt_step(J, r, lam):
    """Return the damped step of Gauss and Newton, as a least-squares problem with more rows.

    Parameters
    ----------
    J : ndarray of shape (n, p)
    r : ndarray of shape (n,)
    lam : float
        Not negative.

    Returns
    -------
    ndarray of shape (p,)
        The minimiser of ``||r + J delta||^2 + lam ||D^(1/2) delta||^2``.
    """
    scale = np.linalg.norm(J, axis=0)
    scale[scale == 0] = 1.0
    # In units of the columns' lengths the damping is that of ridge regression.
    rows = np.vstack([J / scale, np.sqrt(lam) * np.eye(J.shape[1])])
    return -lstsq(rows, np.append(r, np.zeros(J.shape[1])), lapack_driver="gelsy")[0] / scale


def largest_cosine(J, r):
    """Return the largest cosine of an angle between the residuals and a column of J."""
    lengths = np.linalg.norm(J, axis=0) * np.linalg.norm(r)
    return np.max(np.abs(J.T @ r) / np.where(lengths > 0, lengths, 1.0))


def _check_hessian(H, x):
    H = np.asarray(H, dtype=float)
    if H.shape != (x.size, x.size):
        raise ValueError(f"hessian must return shape {(x.size, x.size)}, got {H.shape}")
    if not np.isfinite(H).all():
        raise ValueError("hessian must be finite, it has NaN or infinity")
    return H


def _check_residuals(r, x):
    r = np.array(r, dtype=float)
    if r.ndim != 1 or r.size < x.size:
        raise ValueError(
            f"residuals must return a vector of at least {x.size} entries, got shape {r.shape}"
        )
    if not np.isfinite(r).all():
        raise ValueError("residuals must be finite at x0, there is NaN or infinity")
    return r


def _check_jacobian(J, r, x):
    J = np.array(J, dtype=float)
    if J.shape != (r.size, x.size):
        raise ValueError(f"jacobian must return shape {(r.size, x.size)}, got {J.shape}")
    if not np.isfinite(J).all():
        raise ValueError("jacobian must be finite, it has NaN or infinity")
    return J
