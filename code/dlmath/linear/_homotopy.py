"""The exact path of the lasso, from one change of the active set to the next."""

import numpy as np

from dlmath.linear._lasso import lambda_max
from dlmath.linear._validation import truncated_svd

# Events closer than this share of the path's first penalty count as one, and those as close to
# zero as its end.
TIE = 1e-10

# The kinds of events: a correlation outside reaches lam, or -lam; a coefficient reaches zero.
RISES, FALLS, VANISHES = range(3)


def lasso_knots(X, y):
    """Breakpoints of the lasso's path, which is linear between them: equation ``eq-lasso-path``.

    Between two knots the active columns and the signs of their coefficients are fixed, and both
    the coefficients and the correlations ``2/n X^T (y - X theta)`` are linear in the penalty. The
    next knot is the largest smaller penalty at which a correlation outside reaches ``+-lam``, and
    its column joins, or at which a coefficient reaches zero, and its column leaves.

    Parameters
    ----------
    X : ndarray of shape (n_samples, n_features)
    y : ndarray of shape (n_samples,)

    Returns
    -------
    lams : ndarray of shape (n_knots,)
        Strictly decreasing, from :func:`lambda_max` to 0.
    coefs : ndarray of shape (n_knots, n_features)
        The minimisers of :func:`lasso_cost` for these penalties.

    Raises
    ------
    ValueError
        When two columns join or leave at one penalty, as equal columns do: the rule above does
        not say with which active columns the path goes on.
    """
    rank, tie = truncated_svd(X)[0].shape[1], TIE * lambda_max(X, y)
    signs = np.zeros(X.shape[1])  # Of the active coefficients.
    lams, coefs, lam, last = [], [], np.inf, None
    while True:
        constant, slope, events = _segment(X, y, signs)
        if np.count_nonzero(signs) == rank:
            events[[RISES, FALLS]] = 0  # No correlation is left but rounding.
        if last is not None:
            events[last] = 0  # There this segment began.
        events[~(events < lam + tie)] = 0
        lam, kind, j = _next_event(events, tie)
        lams.append(lam)
        coefs.append(constant - lam * slope)
        if lam == 0:
            return np.array(lams), np.array(coefs)
        if kind == VANISHES:
            coefs[-1][j] = 0
            last = (RISES if signs[j] > 0 else FALLS), j
            signs[j] = 0
        else:
            signs[j] = 1 if kind == RISES else -1
            last = VANISHES, j


def _next_event(events, tie):
    """Return the largest penalty of an event, or zero, and where it stands in ``events``."""
    order = np.argsort(events, axis=None)
    (kind, other_kind), (j, other) = np.unravel_index(order[[-1, -2]], events.shape)
    lam = events[kind, j]
    if lam <= tie:
        return 0.0, kind, j
    if lam - events[other_kind, other] <= tie:
        raise ValueError(
            f"columns {min(j, other)} and {max(j, other)} of X join or leave the active set at "
            f"one penalty, {lam:.6g}: X is not in general position, and the path not determined"
        )
    return lam, kind, j


def _segment(X, y, signs):
    """Follow the path with fixed active columns and signs.

    Returns
    -------
    constant, slope : ndarray of shape (n_features,)
        The coefficients are ``constant - lam slope``.
    events : ndarray of shape (3, n_features)
        Penalties at which a correlation is ``lam``, or ``-lam``, and a coefficient is 0.
    """
    n, active = len(y), signs != 0
    inverse = np.linalg.pinv(X[:, active])
    constant, slope = np.zeros(len(signs)), np.zeros(len(signs))
    constant[active] = inverse @ y
    slope[active] = n / 2 * inverse @ inverse.T @ signs[active]
    c0, c1 = 2 / n * X.T @ (y - X @ constant), 2 / n * X.T @ (X @ slope)
    with np.errstate(divide="ignore", invalid="ignore"):
        events = np.array([c0 / (1 - c1), c0 / (-1 - c1), constant / slope])
    events[[[RISES], [FALLS]], active] = 0
    events[VANISHES, ~active] = 0
    return constant, slope, events
