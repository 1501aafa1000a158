"""The minimiser behind the lasso's estimators: exact solutions on active sets that change.

Where the active features and the signs of their coefficients are known, the minimum is the
solution of a small linear system. So :func:`_settle` guesses them and solves; features whose
coefficients come out with the wrong sign leave, those whose correlation with the residual exceeds
the penalty join, and when nothing of this kind is left, the solution is the minimum. That takes
few rounds, but nothing guarantees it. Where it fails, :func:`_descend` takes steps that each lower
the cost:

1. the active features, and of those outside whose correlation exceeds the penalty the largest
   few; who comes out with the wrong sign leaves, until all signs agree;
2. when that does not lower the cost, or the system is singular: one feature more, and from where
   the coefficients are towards the solution, no further than to the first one that vanishes. That
   lowers the cost always, and is slower. A step that ends at the solution of its system doubles
   the number of features that may join in the next.

No pair of active features and signs can return, so the number of steps is finite.
"""

from typing import NamedTuple

import numpy as np
from scipy.linalg import lapack

# How many features may join at first.
WIDTH = 10
# How many guesses are made before the way with a guarantee is taken.
ROUNDS = 20
# A pivot of Cholesky's decomposition is a rounding error below this share of its diagonal entry
# times the number of rows.
ROUNDING = 1e-14
# Relative differences below this one count as none: between a correlation and the penalty, and
# between the shares of a way at which two coefficients vanish.
EQUAL = 1e-9


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

    def change(self, theta, c, new, new_c, l1):
        """Return the cost at ``new`` less that at theta, given the correlations there.

        The quadratic part changes by its mean gradient times the step, which is exact, and loses
        no digits where the two costs are nearly equal.
        """
        penalty = l1 * (np.abs(new) - np.abs(theta)).sum()
        return penalty - (c + new_c) @ (new - theta) / 2

    def gap(self, theta, c, l1):
        """Return the duality gap at theta, given the correlations c there.

        As in :func:`~dlmath.linear.lasso_duality_gap`, of the lasso that has the rows of
        ``sqrt(n l2) I`` below those of A, and zeros below b.
        """
        a = l1 / max(l1, np.abs(c).max())
        squares = self.scale - theta @ (self.g + c / 2)
        slack = l1 * np.abs(theta).sum() - a * (c @ theta)
        return max(float((1 - a) ** 2 * squares + slack), 0.0)


class Point(NamedTuple):
    """Coefficients, and how they depend on the penalty while their signs are the same.

    Attributes
    ----------
    theta : ndarray of shape (n_features,)
    slope : ndarray of shape (n_features,)
        Minus the derivative of theta with respect to l1, if theta is exact.
    exact : bool
        Whether theta solves a regular system for its signs.
    """

    theta: np.ndarray
    slope: np.ndarray
    exact: bool

    def extrapolate(self, by):
        """Return the point that belongs to a penalty smaller by some amount.

        It is exact as long as no coefficient changes its sign; those that would are set to zero.
        """
        theta = self.theta + by * self.slope
        kept = theta * self.theta > 0
        theta = np.where(kept, theta, 0)
        return Point(theta, self.slope, self.exact and np.array_equal(kept, self.theta != 0))


class Minimum(NamedTuple):
    """Where the steps ended, with the correlations there, and the gap that is left."""

    point: Point
    c: np.ndarray
    gap: float
    steps: int


def zero(squares):
    """Return the point without active features."""
    nothing = np.zeros(len(squares.g))
    return Point(nothing, nothing, True)


def minimise(squares, l1, start, tol, max_iter):
    """Minimise the cost until the gap is small and no correlation exceeds the penalty.

    Parameters
    ----------
    squares : PenalisedSquares
    l1 : float
        Positive.
    start : Point
    tol : float
        How large the gap may be, relative to the cost of ``theta = 0``.
    max_iter : int

    Returns
    -------
    Minimum
    """
    c = squares.correlations(start.theta)
    found, steps = _settle(squares, l1, start, c, min(ROUNDS, max_iter))
    return found or _descend(squares, l1, start, c, steps, tol, max_iter)


def _settle(squares, l1, point, c, rounds):
    """Correct the guess of the active features and signs until nothing contradicts it.

    No minimum is found if a system is singular, or if the rounds do not suffice.

    Returns
    -------
    found : Minimum or None
    steps : int
    """
    signs, agree, width = np.sign(point.theta), point.exact, WIDTH
    for k in range(rounds + 1):
        joins = _outside(signs, c, (1 + EQUAL) * l1, width)
        if agree and not len(joins):
            return Minimum(point, c, squares.gap(point.theta, c, l1), k), k
        signs[joins] = np.sign(c[joins])
        solved = _solve(squares, l1, signs) if k < rounds else None
        if solved is None:
            break
        point, c = solved, squares.correlations(solved.theta)
        wrong = point.theta * signs < 0
        agree = not wrong.any()
        signs[wrong] = 0
        width *= 2
    return None, k


def _descend(squares, l1, point, c, steps, tol, max_iter):
    """Lower the cost step by step until the gap is small and nothing contradicts the signs."""
    width, seen = WIDTH, set()
    for k in range(steps, max_iter + 1):
        gap = squares.gap(point.theta, c, l1)
        over = np.abs(c).max() > (1 + EQUAL) * l1
        if k == max_iter or (gap <= tol * squares.scale and point.exact and not over):
            break
        signs = np.sign(point.theta)
        if point.exact or width > 1:
            joins = _outside(signs, c, l1, width)
            signs[joins] = np.sign(c[joins])
        if width > 1:
            new = _solve_in_agreement(squares, l1, signs) or point
        else:
            new = _move(squares, l1, point.theta, c, signs)
        new_c = squares.correlations(new.theta)
        if squares.change(point.theta, c, new.theta, new_c, l1) < 0:
            point, c = new, new_c
            if point.exact:
                width *= 2
                signs = np.sign(point.theta).tobytes()
                if signs in seen:
                    break  # The cost was not lower but for rounding errors.
                seen.add(signs)
        elif width > 1:
            width = 1
        else:
            break  # Only rounding errors are left.
    return Minimum(point, c, gap, k)


def _outside(signs, c, limit, width):
    """Return which inactive features have the largest correlations above a limit."""
    size = np.where(signs == 0, np.abs(c), 0)
    (found,) = np.nonzero(size > limit)
    if len(found) > width:
        found = found[np.argsort(size[found])[-width:]]
    return found


def _solve(squares, l1, signs):
    """Solve the system for the signs; None if it is singular."""
    (active,) = np.nonzero(signs)
    if not len(active):
        return zero(squares)
    factor, regular = _cholesky(squares.block(active))
    if not regular:
        return None
    right = np.array([squares.g[active], signs[active] / 2]).T
    constant, slope = lapack.dpotrs(factor, right)[0].T
    theta = _spread(signs, active, constant - l1 * slope)
    return Point(theta, _spread(signs, active, slope), True)


def _solve_in_agreement(squares, l1, signs):
    """Solve the system for the signs, without those that contradict the solution."""
    while True:
        point = _solve(squares, l1, signs)
        if point is None or not (wrong := point.theta * signs < 0).any():
            return point
        signs[wrong] = 0


def _move(squares, l1, theta, c, signs):
    """Go from theta towards the solution for the signs, until a coefficient vanishes.

    Where the system is singular, a slightly larger diagonal makes the solution so large that the
    way there is the direction in which the squares do not change.
    """
    active = np.flatnonzero(signs)
    factor, regular = _cholesky(squares.block(active))
    if not regular:
        H = squares.block(active)
        H.flat[:: len(H) + 1] *= 1 + 100 * len(H) * ROUNDING
        factor, _ = _cholesky(H)
    s, now = signs[active], theta[active]
    right = np.array([(c[active] - l1 * s) / 2, s / 2]).T
    way, slope = lapack.dpotrs(factor, right)[0].T
    vanishes = np.full(len(active), np.inf)
    np.divide(-now, way, out=vanishes, where=way * s < 0)
    share = min(1, np.min(vanishes))
    there = np.where(vanishes <= (1 + EQUAL) * share, 0, now + share * way)
    if not there.any():
        return zero(squares)
    exact = regular and share == 1
    return Point(_spread(signs, active, there), _spread(signs, active, exact * slope), exact)


def _spread(like, active, values):
    spread = np.zeros(len(like))
    spread[active] = values
    return spread


def _cholesky(H):
    """Return the upper factor of H, and whether H is regular but for rounding errors.

    The factor takes the place of H: as H is symmetric, its transpose is H in LAPACK's order.
    """
    rounding = len(H) * ROUNDING * H.diagonal()
    factor, failed = lapack.dpotrf(H.T, clean=0, overwrite_a=1)
    return factor, not failed and bool((factor.diagonal() ** 2 > rounding).all())
