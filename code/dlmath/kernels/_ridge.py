"""Kernel ridge regression: ridge regression in the space of functions that a kernel spans."""

import numpy as np
from scipy import linalg
from sklearn.base import BaseEstimator, MultiOutputMixin, RegressorMixin
from sklearn.utils import check_X_y
from sklearn.utils.validation import check_is_fitted, validate_data

from dlmath.kernels._covariance import cholesky
from dlmath.kernels._kernels import RBF, Kernel
from dlmath.linear._validation import check_penalty


def solve_kernel_ridge(K, y, lam):
    """Coefficients of the kernels at the samples.

    Equation ``eq-kernels-and-gaussian-processes-ridge-solution``.

    Parameters
    ----------
    K : ndarray of shape (n, n)
    y : ndarray of shape (n,) or (n, n_targets)
    lam : float
        Not negative; with 0 the matrix must be invertible.

    Returns
    -------
    ndarray of the shape of ``y``
        ``alpha``, with which K alpha are the fitted values.

    Raises
    ------
    numpy.linalg.LinAlgError
        When K + n lam I is not positive definite in floating point.
    """
    n = len(K)
    lam = check_penalty(lam)
    L = cholesky(K + n * lam * np.eye(n), "K + n lam I")
    return linalg.cho_solve((L, True), y)


class KernelRidge(MultiOutputMixin, RegressorMixin, BaseEstimator):
    """Kernel ridge regression.

    Minimises ``sum_i (y_i - b - f(x_i))^2 / n + lam ||f||^2`` over the functions f of the kernel's
    reproducing space (equation ``eq-kernels-and-gaussian-processes-ridge-cost``). As everywhere in
    the book the intercept b is not penalised, so that with a linear kernel this is
    `dlmath.linear.Ridge`. scikit-learn's ``KernelRidge`` has neither the 1/n, its ``alpha`` is
    ``n lam``, nor an intercept.

    Parameters
    ----------
    kernel : Kernel, optional
        ``RBF()`` if not given. Its hyperparameters are used as they are.
    lam : float, default=1e-3
        Not negative. In the units of the kernel, whose values are at most 1 for many.
    fit_intercept : bool, default=True

    Attributes
    ----------
    dual_coef_ : ndarray of shape (n_samples,) or (n_samples, n_targets)
        ``alpha``: the fit is ``b + sum_i alpha_i k(x_i, x)``.
    intercept_ : float or ndarray of shape (n_targets,)
    X_train_ : ndarray of shape (n_samples, n_features)
    kernel_ : Kernel
    n_features_in_ : int
    feature_names_in_ : ndarray of shape (n_features,)
        Only where ``X`` has column names that are strings.

    Examples
    --------
    >>> import numpy as np
    >>> from dlmath.kernels import RBF, KernelRidge
    >>> model = KernelRidge(RBF(1.0), lam=1e-6).fit(np.array([[0.0], [1.0]]), np.array([1.0, 3.0]))
    >>> model.predict([[0.0], [0.5], [99.0]]).round(3).tolist()
    [1.0, 2.0, 2.0]
    """

    def __init__(self, kernel=None, lam=1e-3, *, fit_intercept=True):
        self.kernel = kernel
        self.lam = lam
        self.fit_intercept = fit_intercept

    def fit(self, X, y):
        """Fit the model.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
        y : array-like of shape (n_samples,) or (n_samples, n_targets)

        Returns
        -------
        KernelRidge
            The fitted estimator itself.

        Raises
        ------
        ValueError
            On wrong shapes, values that are not finite, a negative penalty, a kernel that is none
            or does not suit X, and where K + n lam I is not positive definite (then as
            ``numpy.linalg.LinAlgError``). An estimator that was fitted before keeps its fit.
        """
        lam, kernel = check_penalty(self.lam), check_kernel(self.kernel)
        given_X = X
        X, y = check_X_y(X, y, dtype=float, multi_output=True, y_numeric=True, estimator=self)
        y = y.astype(float)
        intercept = np.zeros(y.shape[1:])[()]
        K = kernel(X)
        if self.fit_intercept:
            # The b for which the residuals n lam alpha sum to zero.
            ones = np.ones(len(y))
            weight = solve_kernel_ridge(K, ones, lam)
            intercept = weight @ y / np.sum(weight)
        alpha = solve_kernel_ridge(K, y - intercept, lam)

        # From here on nothing can fail, so an estimator is never left half fitted.
        validate_data(self, given_X, skip_check_array=True)
        self.kernel_ = kernel
        self.X_train_ = X.copy()
        self.dual_coef_ = alpha
        self.intercept_ = intercept
        return self

    def predict(self, X):
        """Predict y.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples,) or (n_samples, n_targets)
        """
        check_is_fitted(self)
        X = validate_data(self, X, dtype=float, reset=False)
        return self.kernel_(X, self.X_train_) @ self.dual_coef_ + self.intercept_


def check_kernel(kernel):
    """Return the kernel, or RBF() for None."""
    if kernel is None:
        return RBF()
    if not isinstance(kernel, Kernel):
        raise ValueError(f"kernel must be a kernel of dlmath.kernels, got {kernel!r}")
    return kernel
