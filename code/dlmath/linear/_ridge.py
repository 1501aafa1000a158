"""Ridge regression: least squares with a penalty on the squared norm of the coefficients."""

import warnings

import numpy as np
from scipy import linalg, optimize
from sklearn.base import BaseEstimator, MultiOutputMixin, RegressorMixin
from sklearn.utils import check_X_y
from sklearn.utils.validation import check_is_fitted, validate_data

from dlmath.linear._ols import ols_cost, ols_gradient
from dlmath.linear._validation import (
    centre,
    check_penalties,
    check_penalty,
    check_positive,
    numerical_rank,
    scale_rows,
    truncated_svd,
)


def ridge_cost(X, y, theta, lam):
    """Mean squared error and penalty on the squared norm: equation ``eq-ridge-cost``.

    Parameters
    ----------
    X : ndarray of shape (n_samples, n_features)
    y : ndarray of shape (n_samples,)
    theta : ndarray of shape (n_features,)
    lam : float

    Returns
    -------
    float
        ``||y - X theta||^2 / n + lam ||theta||^2``.
    """
    return ols_cost(X, y, theta) + lam * theta @ theta


def ridge_gradient(X, y, theta, lam):
    """Gradient of :func:`ridge_cost` with respect to theta: equation ``eq-ridge-gradient``.

    Parameters
    ----------
    X : ndarray of shape (n_samples, n_features)
    y : ndarray of shape (n_samples,)
    theta : ndarray of shape (n_features,)
    lam : float

    Returns
    -------
    ndarray of shape (n_features,)
    """
    return ols_gradient(X, y, theta) + 2 * lam * theta


def solve_ridge(X, y, lam):
    """Minimiser of :func:`ridge_cost`, by a Cholesky factor: equation ``eq-ridge-solution``.

    Parameters
    ----------
    X : ndarray of shape (n_samples, n_features)
    y : ndarray of shape (n_samples,) or (n_samples, n_targets)
    lam : float
        Not negative; with 0 the columns of ``X`` must be independent.

    Returns
    -------
    ndarray of shape (n_features,) or (n_features, n_targets)

    Raises
    ------
    numpy.linalg.LinAlgError
        When X^T X + n lam I is not positive definite in floating point.
    """
    lam = check_penalty(lam)
    n, p = X.shape
    factor = linalg.cho_factor(X.T @ X + n * lam * np.eye(p))
    return linalg.cho_solve(factor, X.T @ y)


def ridge_filter(d, n, lam):
    """Share of each singular direction of least squares that ridge keeps.

    Equation ``eq-ridge-filter``.

    Parameters
    ----------
    d : array-like
        Singular values of the design matrix.
    n : float
        Number of samples, or the sum of their weights.
    lam : float or array-like

    Returns
    -------
    ndarray of the shape of ``d``, or of both where ``lam`` is an array
        ``d^2 / (d^2 + n lam)``: 1 for a direction that is kept, 0 for one that is given up, and
        0 where ``d`` vanishes.
    """
    d2 = np.square(d, dtype=float)
    total = d2 + n * np.asarray(lam)
    return np.divide(d2, total, out=np.zeros_like(total), where=total > 0)


def ridge_path(X, y, lams):
    """Minimisers of :func:`ridge_cost` for many penalties from one singular value decomposition.

    Equation ``eq-ridge-svd``. With ``lam = 0`` it is the least-squares solution of minimum norm;
    singular values that are rounding errors count as zero for every ``lam``.

    Parameters
    ----------
    X : ndarray of shape (n_samples, n_features)
    y : ndarray of shape (n_samples,)
    lams : array-like of shape (n_lams,)
        In any order, not negative.

    Returns
    -------
    ndarray of shape (n_lams, n_features)
    """
    lams = check_penalties(lams)
    U, d, Vt = truncated_svd(X)
    return ((U.T @ y) * inverse_filter(d, len(y), lams[:, np.newaxis])) @ Vt


def ridge_degrees_of_freedom(X, lam):
    """Effective number of parameters, the trace of the hat matrix: equation ``eq-ridge-dof``.

    Parameters
    ----------
    X : ndarray of shape (n_samples, n_features)
    lam : float

    Returns
    -------
    float
        Between 0 and the rank of ``X``, which it is for ``lam = 0``.
    """
    lam = check_penalty(lam)
    d = truncated_svd(X)[1]
    return float(np.sum(ridge_filter(d, len(X), lam)))


def ridge_penalty_for_norm(X, y, rho):
    """Penalty for which the minimiser of :func:`ridge_cost` has the norm ``rho``.

    The root of the secular equation ``eq-ridge-secular``, which makes the penalty the multiplier
    of the constraint ``||theta|| <= rho`` (theorem ``thm-ridge-constrained``).

    Parameters
    ----------
    X : ndarray of shape (n_samples, n_features)
    y : ndarray of shape (n_samples,)
    rho : float
        Positive.

    Returns
    -------
    float
        Zero where least squares of minimum norm satisfies the constraint already.
    """
    rho = check_positive(rho, "rho")
    n = len(y)
    U, d, _ = truncated_svd(X)
    projections = U.T @ y

    def excess(lam):
        # Of the reciprocal norms: nearly a straight line in lam.
        return 1 / rho - 1 / linalg.norm(projections * inverse_filter(d, n, lam))

    if linalg.norm(projections / d) <= rho:
        return 0.0
    # As d / (d^2 + n lam) < d / (n lam), the norm is below rho / 2 there.
    upper = 2 * linalg.norm(projections * d) / (n * rho)
    rtol = 4 * np.finfo(float).eps
    return optimize.brentq(excess, 0, upper, xtol=rtol * np.finfo(float).tiny, rtol=rtol)


class Ridge(MultiOutputMixin, RegressorMixin, BaseEstimator):
    """Ridge regression, by the singular value decomposition.

    Minimises ``||y - X theta||^2 / n + lam ||theta||^2`` (equation ``eq-ridge-cost``). The
    intercept is not penalised: ``X`` and ``y`` are centred first. With ``sample_weight`` the
    squares are weighted, and n is the sum of the weights. scikit-learn's ``Ridge`` has no 1/n:
    its ``alpha`` is ``n lam``.

    Parameters
    ----------
    lam : float, default=1.0
        Not negative. With 0, of several minimisers the one whose coefficients have the smallest
        norm, and a warning that there are several.
    fit_intercept : bool, default=True

    Attributes
    ----------
    coef_ : ndarray of shape (n_features,) or (n_targets, n_features)
    intercept_ : float or ndarray of shape (n_targets,)
    singular_values_ : ndarray of shape (min(n_samples, n_features),)
        Of the centred (with an intercept), weighted design matrix.
    dof_ : float
        Effective degrees of freedom (equation ``eq-ridge-dof``), one for the intercept included.
    n_features_in_ : int
    feature_names_in_ : ndarray of shape (n_features,)
        Only where ``X`` has column names that are strings.

    Examples
    --------
    >>> import numpy as np
    >>> from dlmath.linear import Ridge
    >>> model = Ridge(lam=2 / 3).fit(np.array([[0.0], [1.0], [2.0]]), np.array([1.0, 3.0, 5.0]))
    >>> round(model.intercept_, 6), model.coef_.round(6).tolist(), round(model.dof_, 6)
    (2.0, [1.0], 1.5)
    """

    def __init__(self, lam=1.0, *, fit_intercept=True):
        self.lam = lam
        self.fit_intercept = fit_intercept

    def fit(self, X, y, sample_weight=None):
        """Fit the model.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
        y : array-like of shape (n_samples,) or (n_samples, n_targets)
        sample_weight : array-like of shape (n_samples,), optional
            Non-negative, not all zero.

        Returns
        -------
        Ridge
            The fitted estimator itself.

        Raises
        ------
        ValueError
            On wrong shapes, values that are not finite, a negative penalty, or negative or
            vanishing weights. An estimator that was fitted before keeps its fit.
        """
        lam = check_penalty(self.lam)
        given_X = X
        X, y = check_X_y(X, y, dtype=float, multi_output=True, y_numeric=True, estimator=self)
        y = y.astype(float)
        A, b, mean_X, mean_y, n = centre(X, y, sample_weight, self.fit_intercept)
        U, d, Vt = linalg.svd(A, full_matrices=False)
        r = numerical_rank(d, A.shape)
        theta = Vt[:r].T @ scale_rows(inverse_filter(d[:r], n, lam), U[:, :r].T @ b)
        if lam == 0 and r < X.shape[1]:
            warnings.warn(
                f"the minimiser is not unique: lam is 0 and the {X.shape[1]} features have rank "
                f"{r}; of the minimisers, coef_ is the one of the smallest norm",
                stacklevel=2,
            )

        # From here on nothing can fail, so an estimator is never left half fitted.
        validate_data(self, given_X, skip_check_array=True)
        self.coef_ = theta.T
        self.intercept_ = mean_y - mean_X @ theta
        self.singular_values_ = d
        self.dof_ = float(np.sum(ridge_filter(d[:r], n, lam))) + bool(self.fit_intercept)
        return self

    def predict(self, X):
        """Predict the mean of y.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples,) or (n_samples, n_targets)
        """
        check_is_fitted(self)
        X = validate_data(self, X, dtype=float, reset=False)
        return X @ self.coef_.T + self.intercept_


def inverse_filter(d, n, lam):
    """Return ``ridge_filter(d, n, lam) / d``, also where the square of d underflows."""
    return 1 / (d + n * lam / d)
