"""Least squares in its ordinary, weighted and generalised forms."""

from functools import partial
from numbers import Real

import numpy as np
from scipy import linalg, stats
from sklearn.base import BaseEstimator, MultiOutputMixin, RegressorMixin
from sklearn.utils import check_X_y
from sklearn.utils.validation import check_is_fitted, validate_data

from dlmath.linear._validation import (
    check_floats,
    check_weights,
    divide_rows,
    numerical_rank,
    replace_constant,
    scale_rows,
    truncated_svd,
)


def ols_cost(X, y, theta):
    """Mean squared error of a linear model: equation ``eq-least-squares-cost``.

    Parameters
    ----------
    X : ndarray of shape (n_samples, n_features)
    y : ndarray of shape (n_samples,)
    theta : ndarray of shape (n_features,)

    Returns
    -------
    float
        ``||y - X theta||^2 / n``.
    """
    residual = y - X @ theta
    return residual @ residual / len(y)


def ols_gradient(X, y, theta):
    """Gradient of :func:`ols_cost` with respect to theta: equation ``eq-least-squares-gradient``.

    Parameters
    ----------
    X : ndarray of shape (n_samples, n_features)
    y : ndarray of shape (n_samples,)
    theta : ndarray of shape (n_features,)

    Returns
    -------
    ndarray of shape (n_features,)
    """
    return 2 / len(y) * X.T @ (X @ theta - y)


def ols_hessian(X):
    """Second derivatives of :func:`ols_cost`, the same for every theta.

    Equation ``eq-least-squares-hessian``.

    Parameters
    ----------
    X : ndarray of shape (n_samples, n_features)

    Returns
    -------
    ndarray of shape (n_features, n_features)
    """
    return 2 / len(X) * X.T @ X


def solve_normal_equations(X, y):
    """Least squares by a Cholesky factor of X^T X: equation ``eq-least-squares-normal``.

    The cheapest of the three solvers, and the least accurate: it works with the square of the
    condition number of ``X``.

    Parameters
    ----------
    X : ndarray of shape (n_samples, n_features), of full column rank
    y : ndarray of shape (n_samples,)

    Returns
    -------
    ndarray of shape (n_features,)

    Raises
    ------
    numpy.linalg.LinAlgError
        When X^T X is not positive definite in floating point.
    """
    return linalg.cho_solve(linalg.cho_factor(X.T @ X), X.T @ y)


def solve_qr(X, y):
    """Least squares by X = QR: equation ``eq-least-squares-qr``.

    Parameters
    ----------
    X : ndarray of shape (n_samples, n_features), of full column rank
    y : ndarray of shape (n_samples,)

    Returns
    -------
    ndarray of shape (n_features,)
    """
    Q, R = linalg.qr(X, mode="economic")
    return linalg.solve_triangular(R, Q.T @ y)


def solve_svd(X, y, tol=None):
    """Least-squares solution of minimum norm, by the singular value decomposition.

    Equation ``eq-least-squares-minimum-norm``. It exists for every ``X``, of whatever rank.

    Parameters
    ----------
    X : ndarray of shape (n_samples, n_features)
    y : ndarray of shape (n_samples,) or (n_samples, n_targets)
    tol : float, optional
        Singular values up to ``tol`` times the largest count as zero. By default the rounding
        error of the decomposition, ``max(X.shape)`` times the machine epsilon.

    Returns
    -------
    ndarray of shape (n_features,) or (n_features, n_targets)
    """
    U, d, Vt = truncated_svd(X, tol)
    return Vt.T @ divide_rows(U.T @ y, d)


def hat_matrix(X):
    """Orthogonal projection onto the column space of ``X``: equation ``eq-least-squares-hat``.

    Parameters
    ----------
    X : ndarray of shape (n_samples, n_features), of any rank

    Returns
    -------
    ndarray of shape (n_samples, n_samples)
    """
    U = truncated_svd(X)[0]
    return U @ U.T


def gradient_descent(X, y, eta, steps, theta=None):
    """Gradient descent on :func:`ols_cost`: equation ``eq-least-squares-descent``.

    Parameters
    ----------
    X : ndarray of shape (n_samples, n_features)
    y : ndarray of shape (n_samples,)
    eta : float
        Learning rate. The iteration converges for ``0 < eta < n / d_1**2``, where ``d_1`` is the
        largest singular value of ``X``.
    steps : int
    theta : ndarray of shape (n_features,), optional
        Where to start; zero by default.

    Returns
    -------
    ndarray of shape (steps + 1, n_features)
        The trajectory, its start included.
    """
    trajectory = np.zeros((steps + 1, X.shape[1]))
    if theta is not None:
        trajectory[0] = theta
    for k in range(steps):
        trajectory[k + 1] = trajectory[k] - eta * ols_gradient(X, y, trajectory[k])
    return trajectory


def gradient_descent_filter(d, n, eta, k):
    """Share of each singular direction that k steps from zero have found.

    Equation ``eq-least-squares-filter``.

    Parameters
    ----------
    d : array-like
        Singular values of the design matrix.
    n : int
        Number of samples.
    eta : float
        Learning rate.
    k : int
        Number of steps.

    Returns
    -------
    ndarray of the shape of ``d``
        ``1 - (1 - 2 eta d^2 / n)^k``: 0 for a direction not begun, 1 for one fitted.
    """
    return 1 - (1 - 2 * eta * np.square(d) / n) ** k


class OLS(MultiOutputMixin, RegressorMixin, BaseEstimator):
    """Ordinary, weighted and generalised least squares.

    Minimises ``||y - X theta||^2 / n``, or, where the errors of the data are known, chi^2
    (equations ``eq-least-squares-cost``, ``eq-least-squares-chi2`` and
    ``eq-least-squares-gls-cost``). Of several minimisers it takes the one whose coefficients
    have the smallest norm; the intercept is left out of that norm.

    Parameters
    ----------
    fit_intercept : bool, default=True
        Whether to add a column of ones to the design matrix.
    tol : float, optional
        Singular values of the centred, whitened design matrix up to ``tol`` times the largest
        count as zero. By default ``max(n_samples, n_features)`` times the machine epsilon.

    Attributes
    ----------
    coef_ : ndarray of shape (n_features,) or (n_targets, n_features)
    intercept_ : float or ndarray of shape (n_targets,)
    rank_ : int
        Number of parameters that the data determine, the intercept included.
    singular_values_ : ndarray of shape (min(n_samples, n_features),)
        Of the centred (with an intercept), whitened design matrix.
    chi2_ : float or ndarray of shape (n_targets,)
        Sum of squares of the whitened residuals, in units of the noise where it is known.
    dof_ : int
        Degrees of freedom: samples of positive weight, less ``rank_``.
    n_features_in_ : int
    feature_names_in_ : ndarray of shape (n_features,)
        Only where ``X`` has column names that are strings.

    Notes
    -----
    Three ways to say how much each observation is worth:

    * nothing: all errors have one unknown variance, estimated as ``chi2_ / dof_``;
    * ``sample_weight``: the variances are inversely proportional to the weights, with an unknown
      factor, estimated in the same way;
    * ``noise``: standard errors, or a covariance matrix, that are known in the units of ``y`` and
      taken at their word.

    Examples
    --------
    >>> import numpy as np
    >>> from dlmath.linear import OLS
    >>> model = OLS().fit(np.array([[0.0], [1.0], [2.0]]), np.array([1.0, 3.0, 5.0]))
    >>> round(model.intercept_, 6), model.coef_.round(6).tolist()
    (1.0, [2.0])
    """

    def __init__(self, *, fit_intercept=True, tol=None):
        self.fit_intercept = fit_intercept
        self.tol = tol

    def fit(self, X, y, sample_weight=None, noise=None):
        """Fit the model.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
        y : array-like of shape (n_samples,) or (n_samples, n_targets)
        sample_weight : array-like of shape (n_samples,), optional
            Non-negative, not all zero.
        noise : array-like of shape (n_samples,) or (n_samples, n_samples), optional
            Standard errors of ``y`` (positive), or their covariance matrix (symmetric, positive
            definite), in the units of ``y`` and ``y`` squared.

        Returns
        -------
        OLS
            The fitted estimator itself.

        Raises
        ------
        ValueError
            On wrong shapes, values that are not finite, negative or vanishing weights, errors
            that are not positive, or both ``sample_weight`` and ``noise``. An estimator that was
            fitted before keeps its fit.
        """
        if self.tol is not None and not (isinstance(self.tol, Real) and 0 <= float(self.tol) < 1):
            raise ValueError(f"tol must be None or a number in [0, 1), got {self.tol!r}")
        given_X = X
        X, y = check_X_y(X, y, dtype=float, multi_output=True, y_numeric=True, estimator=self)
        y = y.astype(float)
        whiten, n_effective = _whitening(len(y), sample_weight, noise)

        mean_X, mean_y = np.zeros(X.shape[1]), np.zeros(y.shape[1:])
        precision_of_mean = np.inf
        if self.fit_intercept:
            ones = whiten(np.ones(len(y)))
            precision_of_mean = ones @ ones
            mean_X = ones @ whiten(X) / precision_of_mean
            mean_y = ones @ whiten(y) / precision_of_mean
            counted = slice(None) if sample_weight is None else np.asarray(sample_weight) > 0
            replace_constant(mean_X, X[counted])
        A, b = whiten(X - mean_X), whiten(y - mean_y)

        U, d, Vt = linalg.svd(A, full_matrices=False)
        r = numerical_rank(d, A.shape, self.tol)
        theta = Vt[:r].T @ divide_rows(U[:, :r].T @ b, d[:r])

        # From here on nothing can fail, so an estimator is never left half fitted.
        validate_data(self, given_X, skip_check_array=True)
        self.coef_ = theta.T
        self.intercept_ = mean_y - mean_X @ theta
        self.rank_ = r + bool(self.fit_intercept)
        self.singular_values_ = d
        self.chi2_ = np.sum((b - A @ theta) ** 2, axis=0)
        self.dof_ = n_effective - self.rank_
        self._mean_X = mean_X
        self._precision_of_mean = precision_of_mean
        self._coef_root = Vt[:r] / d[:r, np.newaxis]
        self._noise_is_known = noise is not None
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

    @property
    def noise_variance_(self):
        """Variance of an observation of unit weight: equation ``eq-least-squares-s2``.

        ``chi2_ / dof_`` where it is estimated, and 1 where ``noise`` was given.
        """
        check_is_fitted(self)
        if self._noise_is_known:
            return np.ones_like(self.chi2_)[()]
        if self.dof_ <= 0:
            raise ValueError(
                f"the variance of the noise cannot be estimated: the fit has {self.rank_} "
                f"parameters and leaves {self.dof_} degrees of freedom; give noise to fit()"
            )
        return self.chi2_ / self.dof_

    @property
    def covariance_(self):
        """Covariance matrix of the parameters: equation ``eq-least-squares-covariance``.

        Of shape (q, q), or (n_targets, q, q) for several targets, with q parameters: the
        intercept first, if there is one, then the coefficients.
        """
        scale = np.asarray(self.noise_variance_)
        self._check_determined()
        covariance = self._coef_root.T @ self._coef_root
        if self.fit_intercept:
            # The mean of y is uncorrelated with the coefficients of centred features.
            shift = np.vstack([-self._mean_X, np.eye(self.n_features_in_)])
            covariance = shift @ covariance @ shift.T
            covariance[0, 0] += 1 / self._precision_of_mean
        return scale[..., np.newaxis, np.newaxis] * covariance

    def band(self, X, kind="confidence", level=0.95, noise=None):
        """Half-width of the pointwise band around the prediction.

        Equations ``eq-least-squares-confidence`` and ``eq-least-squares-prediction``. The quantile
        is Student's where the noise was estimated and the normal one where it was given.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
        kind : {"confidence", "prediction"}, default="confidence"
            Around the mean of y, or around a new observation.
        level : float, default=0.95
            Probability of covering, in (0, 1).
        noise : float or array-like of shape (n_samples,), optional
            Standard error of the new observations; needed for ``kind="prediction"`` after a fit
            with ``noise``. By default, after a fit without it, the estimated error of an
            observation of unit weight; with another value Student's quantile is approximate.

        Returns
        -------
        ndarray of shape (n_samples,) or (n_samples, n_targets)
        """
        if kind not in ("confidence", "prediction"):
            raise ValueError(f'kind must be "confidence" or "prediction", got {kind!r}')
        if not (isinstance(level, Real) and 0 < float(level) < 1):
            raise ValueError(f"level must lie strictly between 0 and 1, got {level!r}")
        if kind == "confidence" and noise is not None:
            raise ValueError('noise is of use with kind="prediction" only')
        scale = self.noise_variance_
        self._check_determined()
        X = validate_data(self, X, dtype=float, reset=False)
        variance = np.sum(((X - self._mean_X) @ self._coef_root.T) ** 2, axis=1)
        if self.fit_intercept:
            variance = variance + 1 / self._precision_of_mean
        variance = np.multiply.outer(variance, scale)
        if kind == "prediction":
            variance = variance + self._new_noise_variance(noise, variance)
        upper = (1 + float(level)) / 2
        quantile = stats.norm.ppf(upper) if self._noise_is_known else stats.t.ppf(upper, self.dof_)
        return quantile * np.sqrt(variance)

    def _new_noise_variance(self, noise, like):
        if noise is None:
            if self._noise_is_known:
                raise ValueError(
                    "a prediction band after a fit with noise needs the noise of the new "
                    "observations: band(X, kind='prediction', noise=...)"
                )
            return self.noise_variance_
        noise = check_floats(noise, "noise")
        if noise.shape not in ((), (len(like),)):
            raise ValueError(
                f"noise must be a number or have shape ({len(like)},), got {noise.shape}"
            )
        if np.any(noise < 0):
            raise ValueError("noise must not be negative")
        return (noise**2).reshape((-1,) + (1,) * (like.ndim - 1))

    def _check_determined(self):
        n_parameters = self.n_features_in_ + bool(self.fit_intercept)
        if self.rank_ < n_parameters:
            raise ValueError(
                f"the data determine only {self.rank_} combinations of the {n_parameters} "
                "parameters, so these have no covariance; remove columns or penalise"
            )


def _whitening(n, sample_weight, noise):
    """Return the map that gives all samples unit noise, and the number of samples that count."""
    if sample_weight is not None and noise is not None:
        raise ValueError("give sample_weight or noise, not both")
    if sample_weight is not None:
        weight = check_weights(sample_weight, n)
        return partial(scale_rows, np.sqrt(weight)), np.count_nonzero(weight)
    if noise is None:
        return (lambda rows: rows), n
    noise = check_floats(noise, "noise")
    if noise.shape not in ((n,), (n, n)):
        raise ValueError(f"noise must have shape ({n},) or ({n}, {n}), got {noise.shape}")
    if noise.ndim == 1:
        if np.any(noise <= 0):
            raise ValueError("noise must hold positive standard errors")
        return partial(scale_rows, 1 / noise), n
    # Against the largest entry: what should vanish may be rounding, and that is not symmetric.
    if np.max(np.abs(noise - noise.T)) > 1e-10 * np.max(np.abs(noise)):
        raise ValueError("noise is not symmetric, so it is no covariance matrix")
    try:
        factor = linalg.cholesky(noise, lower=True)
    except linalg.LinAlgError as error:
        raise ValueError("noise is not positive definite, so it is no covariance matrix") from error
    return (lambda rows: linalg.solve_triangular(factor, rows, lower=True)), n
