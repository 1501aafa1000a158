"""The minimiser behind the lasso's estimators: exact solutions on active sets that change.

Where the active features and the signs of their coefficients are known, the minimum is the
solution of a small linear system. So each step guesses them, solves, and keeps the solution only
if the cost has become lower:

1. the guess: the features that are active, and of those outside whose correlation with the
   residual exceeds the penalty the largest few; those whose coefficients come out with the wrong
   sign are left out again, until all signs agree;
2. when that does not lower the cost, or the system is singular: one feature more, and from where
   the coefficients are towards the solution, no further than to the first one that vanishes. This
   lowers the cost always, and is slower. A step that succeeds doubles the number of features that
   may be added in the next.

No pair of active features and signs can return, so that the number of steps is finite. They end
when the duality gap is small.
"""

from typing import NamedTuple

import numpy as np
from scipy.linalg import lapack

# How many features the first step may add.
WIDTH = 10
# A pivot of Cholesky's decomposition is a rounding error below this share of its diagonal entry
# times the number of rows.
ROUNDING = 1e-14


class PenalisedSquares:
    """The cost ``||b - A theta||^2 / n + l1 ||theta||_1 + l2 ||theta||^2`` for one l2 and any l1.

    Its quadratic part is ``theta^T H theta - 2 g^T theta + scale``. H is formed once if there are
    no more features than samples; otherwise only the parts that are asked for.
    """

    def __init__(self, A, b, n, l2):
        self.A, self.b, self.n, self.l2 = A, b, n, l2
        self.g = A.T @ b / n
        self.scale = b @ b / n
        self.H = self._product(A) if A.shape[1] <= A.shape[0] else None

    def _product(self, A):
        H = A.T @ A / self.n
        H.flat[:: len(H) + 1] += self.l2
        return H

    def block(self, features):
        """Return the rows and columns of H that belong to some features."""
        if self.H is None:
            return self._product(self.A[:, features])
        return self.H[features[:, np.newaxis], features]

    def correlations(self, theta):
        """Return minus the gradient of the quadratic part, ``2 (g - H theta)``."""
        if self.H is not None:
            return 2 * (self.g - self.H @ theta)
        active = np.flatnonzero(theta)
        fitted = self.A[:, active] @ theta[active]
        return 2 * (self.g - self.A.T @ fitted / self.n - self.l2 * theta)

    def cost(self, theta, c, l1):
        """Return the cost at theta, given the correlations c there, less a constant."""
        return l1 * np.sum(np.abs(theta)) - theta @ (self.g + c / 2)

    def gap(self, theta, c, l1):
        """Return the duality gap at theta, given the correlations c there.

        As in :func:`~dlmath.linear.lasso_duality_gap`, of the lasso that has the rows of
        ``sqrt(n l2) I`` below those of A, and zeros below b.
        """
        s = l1 / max(l1, np.max(np.abs(c)))
        squares = max(self.scale - theta @ (self.g + c / 2), 0)
        slack = np.maximum(l1 * np.abs(theta) - s * c * theta, 0)
        return (1 - s) ** 2 * squares + np.sum(slack)


class Minimum(NamedTuple):
    """Where the steps ended; ``exact`` if the signs agree with a system that is regular."""

    theta: np.ndarray
    c: np.ndarray
    gap: float
    steps: int
    exact: bool


def minimise(squares, l1, theta, tol, max_iter):
    """Minimise the cost, from theta, until the gap is ``tol`` times that of no model at all.

    Parameters
    ----------
    squares : PenalisedSquares
    l1 : float
        Positive.
    theta : ndarray of shape (n_features,)
    tol : float
        Relative to ``||b||^2 / n``.
    max_iter : int

    Returns
    -------
    Minimum
    """
    c = squares.correlations(theta)
    cost, width, exact = squares.cost(theta, c, l1), WIDTH, not theta.any()
    for k in range(max_iter + 1):
        gap = squares.gap(theta, c, l1)
        if gap <= tol * squares.scale or k == max_iter:
            break
        if width > 1:
            signs = _with_largest_outside(np.sign(theta), c, l1, width)
            new, new_exact = _solve(squares, l1, theta, signs)
        else:
            signs = _with_largest_outside(np.sign(theta), c, l1, width if exact else 0)
            new, new_exact = _move(squares, l1, theta, c, signs)
        new_c = squares.correlations(new)
        new_cost = squares.cost(new, new_c, l1)
        if new_cost < cost:
            theta, c, cost, exact = new, new_c, new_cost, new_exact
            width = 2 * width if exact else width
        elif width > 1:
            width = 1
        else:
            break  # What is left to gain is less than a rounding error of the cost.
    return Minimum(theta, c, gap, k, exact)


def _with_largest_outside(signs, c, l1, width):
    """Add to the signs those of the largest correlations above the penalty, at most ``width``."""
    outside = np.where(signs == 0, np.abs(c), 0)
    found = np.flatnonzero(outside > l1)
    if len(found) > width:
        found = found[np.argsort(outside[found])[len(found) - width :]]
    signs[found] = np.sign(c[found])
    return signs


def _solve(squares, l1, theta, signs):
    """Solve for the signs, leaving out what contradicts them; theta if the system is singular."""
    while np.any(signs):
        active = np.flatnonzero(signs)
        factor, regular = _cholesky(squares.block(active))
        if not regular:
            return theta, False
        solution = lapack.dpotrs(factor, squares.g[active] - l1 / 2 * signs[active])[0]
        agree = solution * signs[active] > 0
        if np.all(agree):
            theta = np.zeros(len(signs))
            theta[active] = solution
            return theta, True
        signs[active[~agree]] = 0
    return np.zeros(len(signs)), True


def _move(squares, l1, theta, c, signs):
    """Go from theta towards the solution for the signs, until a coefficient vanishes.

    Where the system is singular, a slightly larger diagonal makes the solution so large that the
    way there is the direction in which the squares do not change.
    """
    active = np.flatnonzero(signs)
    H = squares.block(active)
    factor, regular = _cholesky(H)
    if not regular:
        H.flat[:: len(H) + 1] *= 1 + 100 * len(H) * ROUNDING
        factor, _ = _cholesky(H)
    now = theta[active]
    way = lapack.dpotrs(factor, (c[active] - l1 * signs[active]) / 2)[0]
    vanishes = np.full(len(active), np.inf)
    np.divide(-now, way, out=vanishes, where=way * signs[active] < 0)
    share = min(1, np.min(vanishes))
    theta = np.zeros(len(signs))
    theta[active] = np.where(vanishes <= share, 0, now + share * way)
    return theta, (regular and share == 1) or not np.any(theta)


def _cholesky(H):
    """Return the upper factor of H, and whether H is regular but for rounding errors."""
    factor, failed = lapack.dpotrf(H, clean=0)
    rounding = len(H) * ROUNDING * H.diagonal()
    return factor, not failed and bool(np.all(factor.diagonal() ** 2 > rounding))
