"""Quasi-Newton methods: curvature learned from the gradients of the steps that are made anyway."""

from collections import deque

import numpy as np
from scipy.optimize import OptimizeResult

from dlmath._checks import check_above_zero, check_count
from dlmath.optimizers._line_search import EPS, Objective, Trial, explain, search


def bfgs(cost, gradient, x0, *, tol=1e-6, max_iter=1000):
    """Minimise by the method of Broyden, Fletcher, Goldfarb and Shanno.

    The direction is ``-H g``, with a matrix H that is updated after each step by
    ``eq-newton-and-quasi-newton-inverse``; the step satisfies the strong Wolfe conditions, so that
    H stays positive definite.

    Parameters
    ----------
    cost : callable
        Maps a vector to a number.
    gradient : callable
        Maps a vector to the vector of derivatives of ``cost``.
    x0 : array-like of shape (n,)
        Where to start.
    tol : float, default=1e-6
        Stop when no entry of the gradient is larger in magnitude.
    max_iter : int, default=1000
        Largest number of steps.

    Returns
    -------
    scipy.optimize.OptimizeResult
        ``x``, ``fun``, ``jac`` (the gradient there), ``hess_inv`` (the last H), ``nit``, ``nfev``,
        ``njev``, ``success``, ``message``, and ``trajectory``, an array of shape (nit + 1, n). If
        the method fails, ``success`` is False and ``x`` the best point that it has met.

    Raises
    ------
    ValueError
        On a start that is not a vector of finite numbers, a cost or gradient that is not finite
        there or has a wrong shape, and a ``tol`` or ``max_iter`` that is not positive.
    """
    return descend(cost, gradient, x0, Dense(), tol, max_iter)


def lbfgs(cost, gradient, x0, *, memory=10, tol=1e-6, max_iter=1000):
    """Minimise by BFGS with limited memory: the matrix of :func:`bfgs` is never formed.

    The product ``H g`` comes from the last ``memory`` pairs of steps and differences of gradients,
    by the two loops of ``eq-newton-and-quasi-newton-two-loops``, in ``4 memory n``
    multiplications.

    Parameters
    ----------
    cost, gradient, x0, tol, max_iter
        As in :func:`bfgs`.
    memory : int, default=10
        Number of pairs that are kept, at least 1.

    Returns
    -------
    scipy.optimize.OptimizeResult
        As that of :func:`bfgs`, without ``hess_inv``.

    Raises
    ------
    ValueError
        As :func:`bfgs`, and on a ``memory`` below 1.
    """
    return descend(cost, gradient, x0, Limited(check_count("memory", memory)), tol, max_iter)


class InverseHessian:
    """What knows the product of an inverse Hessian with a gradient, and so a direction."""

    def direction(self, at):
        """Return ``-H g``."""
        return -self.product(at.gradient)

    def product(self, g):
        raise NotImplementedError


class Dense(InverseHessian):
    """The inverse Hessian as BFGS believes it to be, as a matrix."""

    def __init__(self):
        self.H = None

    def product(self, g):
        """Return ``H g``."""
        return g.copy() if self.H is None else self.H @ g

    def first(self, decrease, slope):
        """Return the step to try first: the one that would lower the cost as the last step did."""
        return min(1.0, 2.02 * decrease / -slope) if decrease > 0 else 1.0

    def update(self, s, y):
        """Make H map y to s, and change it no more than that takes."""
        rho = 1 / (s @ y)
        if self.H is None:
            self.H = np.eye(len(s))
        Hy = self.H @ y
        self.H += (rho + rho**2 * (y @ Hy)) * np.outer(s, s)
        self.H -= rho * (np.outer(s, Hy) + np.outer(Hy, s))

    def report(self):
        return {} if self.H is None else {"hess_inv": self.H}


class Limited(InverseHessian):
    """The same as a list of the last pairs of steps s and differences of gradients y."""

    def __init__(self, memory):
        self.pairs: deque[tuple[np.ndarray, np.ndarray, float]] = deque(maxlen=memory)

    def product(self, g):
        """Return ``H g`` by two loops over the pairs."""
        q, shares = g.copy(), []
        for s, y, rho in reversed(self.pairs):
            shares.append(rho * (s @ q))
            q -= shares[-1] * y
        if self.pairs:
            _, y, rho = self.pairs[-1]
            q /= rho * (y @ y)
        for s, y, rho in self.pairs:
            q += (shares.pop() - rho * (y @ q)) * s
        return q

    def first(self, decrease, slope):
        """Return the step to try first: 1, once the length of H is known."""
        return 1.0 if self.pairs else 2 * decrease / -slope

    def update(self, s, y):
        """Remember a pair, and forget the oldest if there are too many."""
        self.pairs.append((s, y, 1 / (s @ y)))

    def report(self):
        return {}


def descend(cost, gradient, x0, curvature, tol, max_iter):
    """Walk down along the directions that a method gives: what the three of them share."""
    tol, max_iter = check_above_zero("tol", tol), check_count("max_iter", max_iter)
    objective = Objective(cost, gradient, x0)
    at = Trial(0.0, objective.x0, objective.cost0, objective.gradient0, 0.0)
    # The first step knows no curvature. It is made as long as the gradient, but not longer than 1.
    decrease = 0.5 * min(np.linalg.norm(at.gradient), at.gradient @ at.gradient)
    trajectory, failure = [at.x], None
    while np.max(np.abs(at.gradient)) > tol and failure is None:
        if len(trajectory) > max_iter:
            failure = f"the gradient is still above tol after max_iter = {max_iter} steps"
            break
        direction = curvature.direction(at)
        start = at._replace(step=0.0, slope=float(at.gradient @ direction))
        first = curvature.first(decrease, start.slope)
        along = objective.along(at.x, direction)
        end, found = search(along, start, first)
        if not found:
            failure = explain(objective, start, direction)
        if end.step > 0:
            s, y = end.x - at.x, end.gradient - at.gradient
            if s @ y > EPS * np.linalg.norm(s) * np.linalg.norm(y):
                curvature.update(s, y)
            decrease, at = at.cost - end.cost, end
            trajectory.append(at.x)
    return OptimizeResult(
        x=at.x,
        fun=at.cost,
        jac=at.gradient,
        nit=len(trajectory) - 1,
        nfev=objective.nfev,
        njev=objective.njev,
        success=failure is None,
        message=failure or f"no entry of the gradient is above tol = {tol:g}",
        trajectory=np.array(trajectory),
        **curvature.report(),
    )
