"""The lasso and the elastic net behind scikit-learn's interface."""

import warnings
from typing import NamedTuple

import numpy as np
from scipy import linalg, optimize
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import check_X_y
from sklearn.utils.validation import check_is_fitted, validate_data

from dlmath.linear._active_set import EQUAL, Minimum, PenalisedSquares, Point, minimise, zero
from dlmath.linear._ridge import inverse_filter
from dlmath.linear._validation import (
    centre,
    check_count,
    check_penalties,
    check_penalty,
    check_positive,
    truncated_svd,
)

MAX_ITER = 10_000


class _L1Regressor(RegressorMixin, BaseEstimator):
    """What :class:`Lasso` and :class:`ElasticNet` share: all but the names of the penalties."""

    def _fit(self, X, y, sample_weight, l1, l2):
        tol, max_iter = _check_stop(self.tol, self.max_iter)
        given_X = X
        X, y = check_X_y(X, y, dtype=float, y_numeric=True, estimator=self)
        y = y.astype(float)
        A, b, mean_X, mean_y, n = centre(X, y, sample_weight, self.fit_intercept)
        squares = PenalisedSquares(A, b, n, l2)
        found = _minimise(squares, l1, zero(squares), tol, max_iter)
        _warn_if_not_converged([found], [l1], tol * squares.scale, stacklevel=4)
        _warn_if_not_unique(squares, [found], [l1], stacklevel=4)

        # From here on nothing can fail, so an estimator is never left half fitted.
        validate_data(self, given_X, skip_check_array=True)
        self.coef_ = found.point.theta
        self.intercept_ = float(mean_y - mean_X @ found.point.theta)
        self.n_iter_ = max(found.steps, 1)
        self.dual_gap_ = found.gap
        return self

    def predict(self, X):
        """Predict the mean of y.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples,)
        """
        check_is_fitted(self)
        X = validate_data(self, X, dtype=float, reset=False)
        return X @ self.coef_ + self.intercept_


class Lasso(_L1Regressor):
    """The lasso, by exact solutions on active sets.

    Minimises ``||y - X theta||^2 / n + lam ||theta||_1`` (equation ``eq-lasso-cost``). The
    intercept is not penalised: ``X`` and ``y`` are centred first. With ``sample_weight`` the
    squares are weighted, and n is the sum of the weights. scikit-learn's ``Lasso`` has 1/(2n):
    its ``alpha`` is ``lam / 2``.

    Parameters
    ----------
    lam : float, default=1.0
        Not negative. With 0 it is least squares of minimum norm.
    fit_intercept : bool, default=True
    tol : float, default=1e-8
        How large the duality gap (:func:`lasso_duality_gap`) may be where the steps end, in units
        of the cost without features, which is the variance of ``y`` about its mean.
    max_iter : int, default=10000
        Largest number of steps.

    Attributes
    ----------
    coef_ : ndarray of shape (n_features,)
    intercept_ : float
    n_iter_ : int
        Number of steps taken, at least 1.
    dual_gap_ : float
        Bound on how far the cost lies above its minimum.
    n_features_in_ : int
    feature_names_in_ : ndarray of shape (n_features,)
        Only where ``X`` has column names that are strings.

    Warns
    -----
    ConvergenceWarning
        When ``max_iter`` steps, or the precision of the numbers, do not suffice.
    UserWarning
        When the minimiser is not unique, as can happen with more features than samples and with
        features that depend on each other. The fitted values are unique all the same.

    Notes
    -----
    Coordinate descent (:func:`coordinate_descent`) finds soon which coefficients vanish, and then
    needs many sweeps for the others, although with given signs they solve a linear system. Here
    each step guesses the active features and their signs and solves that system: features with
    the wrong sign leave, those whose correlation with the residual exceeds ``lam`` join. If that
    does not settle, steps follow that each lower the cost, down to one feature at a time. The
    steps end when nothing contradicts the signs; so the coefficients are exact, but for rounding
    errors.

    The coefficient of a feature that does not vary is zero.

    Examples
    --------
    >>> import numpy as np
    >>> from dlmath.linear import Lasso
    >>> X = np.array([[0.0, 1.0], [1.0, -1.0], [2.0, -1.0], [3.0, 1.0]])
    >>> model = Lasso(lam=0.5).fit(X, np.array([1.0, 3.1, 4.9, 7.0]))
    >>> model.coef_.round(6).tolist(), round(model.intercept_, 6)
    ([1.78, 0.0], 1.33)
    """

    def __init__(self, lam=1.0, *, fit_intercept=True, tol=1e-8, max_iter=MAX_ITER):
        self.lam = lam
        self.fit_intercept = fit_intercept
        self.tol = tol
        self.max_iter = max_iter

    def fit(self, X, y, sample_weight=None):
        """Fit the model.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
        y : array-like of shape (n_samples,)
        sample_weight : array-like of shape (n_samples,), optional
            Non-negative, not all zero.

        Returns
        -------
        Lasso
            The fitted estimator itself.

        Raises
        ------
        ValueError
            On wrong shapes, values that are not finite, a negative penalty, or negative or
            vanishing weights. An estimator that was fitted before keeps its fit.
        """
        return self._fit(X, y, sample_weight, check_penalty(self.lam), 0.0)


class ElasticNet(_L1Regressor):
    """The elastic net, by exact solutions on active sets, as in :class:`Lasso`.

    Minimises ``||y - X theta||^2 / n + l1 ||theta||_1 + l2 ||theta||^2`` (equation
    ``eq-lasso-elastic-net``), which is the lasso with rows ``sqrt(n l2) I`` added to ``X`` and
    zeros to ``y``. The intercept is not penalised: ``X`` and ``y`` are centred first. With
    ``sample_weight`` the squares are weighted, and n is the sum of the weights. scikit-learn's
    ``ElasticNet`` has ``alpha = l1 / 2 + l2`` and ``l1_ratio = (l1 / 2) / alpha``.

    Parameters
    ----------
    l1 : float, default=0.5
        Not negative. With 0 it is ridge regression.
    l2 : float, default=0.5
        Not negative. With 0 it is the lasso.
    fit_intercept : bool, default=True
    tol : float, default=1e-8
        How large the duality gap may be where the steps end, in units of the cost without
        features, which is the variance of ``y`` about its mean.
    max_iter : int, default=10000
        Largest number of steps.

    Attributes
    ----------
    coef_ : ndarray of shape (n_features,)
    intercept_ : float
    n_iter_ : int
        Number of steps taken, at least 1.
    dual_gap_ : float
        Bound on how far the cost lies above its minimum.
    n_features_in_ : int
    feature_names_in_ : ndarray of shape (n_features,)
        Only where ``X`` has column names that are strings.

    Warns
    -----
    ConvergenceWarning
        When ``max_iter`` steps, or the precision of the numbers, do not suffice.
    UserWarning
        When the minimiser is not unique, which ``l2 = 0`` allows.

    Examples
    --------
    >>> import numpy as np
    >>> from dlmath.linear import ElasticNet
    >>> X = np.array([[0.0, 1.0], [1.0, -1.0], [2.0, -1.0], [3.0, 1.0]])
    >>> model = ElasticNet(l1=0.5, l2=0.25).fit(X, np.array([1.0, 3.1, 4.9, 7.0]))
    >>> model.coef_.round(6).tolist(), round(model.intercept_, 6)
    ([1.483333, 0.0], 1.775)
    """

    def __init__(self, l1=0.5, l2=0.5, *, fit_intercept=True, tol=1e-8, max_iter=MAX_ITER):
        self.l1 = l1
        self.l2 = l2
        self.fit_intercept = fit_intercept
        self.tol = tol
        self.max_iter = max_iter

    def fit(self, X, y, sample_weight=None):
        """Fit the model.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
        y : array-like of shape (n_samples,)
        sample_weight : array-like of shape (n_samples,), optional
            Non-negative, not all zero.

        Returns
        -------
        ElasticNet
            The fitted estimator itself.

        Raises
        ------
        ValueError
            On wrong shapes, values that are not finite, a negative penalty, or negative or
            vanishing weights. An estimator that was fitted before keeps its fit.
        """
        l1, l2 = check_penalty(self.l1, "l1"), check_penalty(self.l2, "l2")
        return self._fit(X, y, sample_weight, l1, l2)


class LassoPath(NamedTuple):
    """The lasso for a list of penalties.

    Attributes
    ----------
    lams : ndarray of shape (n_lams,)
    coefs : ndarray of shape (n_lams, n_features)
    intercepts : ndarray of shape (n_lams,)
    gaps : ndarray of shape (n_lams,)
        Bounds on how far the costs lie above their minima.
    """

    lams: np.ndarray
    coefs: np.ndarray
    intercepts: np.ndarray
    gaps: np.ndarray


def lasso_path(X, y, lams, *, fit_intercept=True, tol=1e-8, max_iter=MAX_ITER):
    """Fit the lasso for many penalties, each from the solution of the one before.

    Points on the path of equation ``eq-lasso-path``; :func:`lasso_knots` gives it whole.

    Parameters
    ----------
    X : array-like of shape (n_samples, n_features)
    y : array-like of shape (n_samples,)
    lams : array-like of shape (n_lams,)
        Strictly decreasing, not negative.
    fit_intercept : bool, default=True
    tol : float, default=1e-8
        As for :class:`Lasso`.
    max_iter : int, default=10000
        Largest number of steps for each penalty.

    Returns
    -------
    LassoPath
        With the attributes ``lams``, ``coefs``, ``intercepts`` and ``gaps``.

    Warns
    -----
    ConvergenceWarning
        When ``max_iter`` steps, or the precision of the numbers, do not suffice.
    UserWarning
        When a minimiser is not unique.
    """
    lams = check_penalties(lams)
    if np.any(np.diff(lams) >= 0):
        raise ValueError("lams must be strictly decreasing")
    tol, max_iter = _check_stop(tol, max_iter)
    X, y = check_X_y(X, y, dtype=float, y_numeric=True)
    y = y.astype(float)
    A, b, mean_X, mean_y, n = centre(X, y, None, fit_intercept)
    squares = PenalisedSquares(A, b, n, 0.0)
    found: list[Minimum] = []
    start, last = zero(squares), lams[0]
    for lam in lams:
        found.append(_minimise(squares, lam, start.extrapolate(last - lam), tol, max_iter))
        start, last = found[-1].point, lam
    _warn_if_not_converged(found, lams, tol * squares.scale, stacklevel=3)
    _warn_if_not_unique(squares, found, lams, stacklevel=3)
    coefs = np.array([minimum.point.theta for minimum in found])
    gaps = np.array([minimum.gap for minimum in found])
    return LassoPath(lams, coefs, mean_y - coefs @ mean_X, gaps)


def _check_stop(tol, max_iter):
    if check_count(max_iter, "max_iter") == 0:
        raise ValueError("max_iter must be at least 1, got 0")
    return check_positive(tol, "tol"), int(max_iter)


def _minimise(squares, l1, start, tol, max_iter):
    """Minimise the cost from a start, or at once where it has no absolute values."""
    if l1 > 0:
        return minimise(squares, l1, start, tol, max_iter)
    # Ridge regression, and for l2 = 0 least squares of minimum norm.
    n, l2 = squares.n, squares.l2
    U, d, Vt = truncated_svd(squares.A)
    theta = Vt.T @ (U.T @ squares.b * inverse_filter(d, n, l2))
    c = squares.correlations(theta)
    # The distance to the minimum, from the gradient that rounding errors have left.
    gap = float(np.sum((Vt @ c) ** 2 / (d**2 / n + l2)) / 4)
    regular = l2 > 0 or len(d) == len(theta)
    return Minimum(Point(theta, np.zeros_like(theta), regular), c, gap, 1)


def _warn_if_not_converged(found, l1s, allowed, stacklevel):
    gaps = np.array([minimum.gap for minimum in found])
    missed = gaps > allowed
    if np.any(missed):
        worst = np.argmax(np.where(missed, gaps, 0))
        warnings.warn(
            f"not converged for {np.count_nonzero(missed)} of {len(found)} penalties: after "
            f"{found[worst].steps} steps for {l1s[worst]:.6g} the duality gap is "
            f"{gaps[worst]:.3g}, above tol times the cost without features, {allowed:.3g}; "
            "increase max_iter or tol",
            ConvergenceWarning,
            stacklevel=stacklevel,
        )


def _warn_if_not_unique(squares, found, l1s, stacklevel):
    for minimum, l1 in zip(found, l1s, strict=True):
        if not _is_unique(squares, minimum, l1):
            warnings.warn(
                f"the minimiser for the penalty {l1:.6g} is not unique: the features depend on "
                "each other; the fitted values are the same for all minimisers, coef_ is one",
                stacklevel=stacklevel,
            )
            return


def _is_unique(squares, minimum, l1):
    """Tell whether no other coefficients give the same cost.

    Other minimisers have the same fitted values, and coefficients of the same signs that vanish
    where the correlation is below the penalty. So there is one if a combination of the columns
    whose correlation equals the penalty, times its sign, vanishes, in which those that are not
    active do not have negative coefficients.
    """
    (theta, _, exact), c = minimum.point, minimum.c
    equal = np.abs(c) >= (1 - 100 * EQUAL) * l1
    if squares.l2 > 0 or (exact and np.array_equal(equal, theta != 0)):
        return True
    if l1 == 0:
        return exact
    columns = squares.A * np.sign(c) / np.maximum(linalg.norm(squares.A, axis=0), 1e-300)
    active, passive = columns[:, theta != 0], columns[:, equal & (theta == 0)]
    U = truncated_svd(active)[0] if active.size else active
    if U.shape[1] < active.shape[1]:
        return False
    outside = passive - U @ (U.T @ passive)
    if not outside.size:
        return True
    distance = optimize.nnls(
        np.vstack([outside, np.ones(outside.shape[1])]), np.r_[np.zeros(len(outside)), 1.0]
    )[1]
    return distance > 1e-4
