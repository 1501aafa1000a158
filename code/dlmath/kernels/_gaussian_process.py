"""Gaussian process regression with hyperparameters by maximum likelihood."""

import warnings

import numpy as np
from scipy import linalg, optimize
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import check_random_state, check_X_y
from sklearn.utils.validation import check_is_fitted, validate_data

from dlmath.kernels._covariance import cholesky, inverse_from_factor
from dlmath.kernels._ridge import check_kernel
from dlmath.linear._validation import check_count, check_floats, check_penalty

MATRIX = "the covariance of y"


def _evidence(kernel, X, y, noise, gradient):
    """Log marginal likelihood, with its gradient, or else with L and K^-1 y."""
    # X has been checked: a search comes here often.
    K, pullback = kernel._pulled(X)
    # The kernel's own matrix, which a pullback may still need, is left as it is.
    covariance = K.copy()
    covariance[np.diag_indices_from(covariance)] += noise
    L = cholesky(covariance, MATRIX)
    alpha = linalg.cho_solve((L, True), y)
    value = -y @ alpha / 2 - np.sum(np.log(np.diag(L))) - len(y) / 2 * np.log(2 * np.pi)
    if not gradient:
        return value, L, alpha
    W = inverse_from_factor(L)
    np.subtract(np.outer(alpha, alpha), W, out=W)
    return value, pullback(W) / 2


class GaussianProcess(RegressorMixin, BaseEstimator):
    """Regression by a Gaussian process of mean zero.

    The data are y_i = f(x_i) + e_i with a random function f whose covariance is the kernel, and
    independent errors e_i of known variances. The free hyperparameters of the kernel maximise the
    marginal likelihood, by L-BFGS-B with the analytic gradient (equations
    ``eq-kernels-and-gaussian-processes-evidence`` and
    ``eq-kernels-and-gaussian-processes-evidence-gradient``).

    There is no intercept: subtract from y what you know of its mean, or add a `Constant` to the
    kernel. A variance of the scatter that you do not know is a `White` in the kernel.

    Parameters
    ----------
    kernel : Kernel, optional
        ``RBF()`` if not given.
    noise : float or array-like of shape (n_samples,), default=1e-10
        Known variances of the errors, one for all or one each; not negative.
    optimise : bool, default=True
        Whether to fit the hyperparameters that the kernel leaves free.
    n_restarts : int, default=0
        How many more searches start at random within the bounds, log-uniformly.
    random_state : int, RandomState instance or None, default=None
        For the restarts.

    Attributes
    ----------
    kernel_ : Kernel
        With the hyperparameters that were found.
    log_marginal_likelihood_ : float
    X_train_ : ndarray of shape (n_samples, n_features)
    y_train_ : ndarray of shape (n_samples,)
    noise_ : ndarray of shape (n_samples,)
    L_ : ndarray of shape (n_samples, n_samples)
        Lower Cholesky factor of the covariance of y, noise included.
    alpha_ : ndarray of shape (n_samples,)
        That covariance's inverse times y.
    n_features_in_ : int
    feature_names_in_ : ndarray of shape (n_features,)
        Only where ``X`` has column names that are strings.

    Examples
    --------
    >>> import numpy as np
    >>> from dlmath.kernels import RBF, GaussianProcess
    >>> X, y = np.array([[0.0], [1.0], [2.0]]), np.array([0.0, 1.0, 0.0])
    >>> model = GaussianProcess(RBF(1.0), noise=0.01, optimise=False).fit(X, y)
    >>> mean, std = model.predict([[1.0], [99.0]], return_std=True)
    >>> mean.round(3).tolist(), std.round(3).tolist()
    ([0.973, 0.0], [0.099, 1.0])
    """

    def __init__(self, kernel=None, *, noise=1e-10, optimise=True, n_restarts=0, random_state=None):
        self.kernel = kernel
        self.noise = noise
        self.optimise = optimise
        self.n_restarts = n_restarts
        self.random_state = random_state

    def fit(self, X, y):
        """Find the hyperparameters, and condition on the data.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
        y : array-like of shape (n_samples,)

        Returns
        -------
        GaussianProcess
            The fitted estimator itself.

        Raises
        ------
        ValueError
            On wrong shapes, values that are not finite, negative variances, a kernel that is none
            or does not suit X, and where the covariance at the start is not positive definite
            (then as ``numpy.linalg.LinAlgError``, which says how much more noise would do). An
            estimator that was fitted before keeps its fit.
        """
        kernel = check_kernel(self.kernel)
        restarts = check_count(self.n_restarts, "n_restarts")
        random = check_random_state(self.random_state)
        given_X = X
        X, y = check_X_y(X, y, dtype=float, y_numeric=True, estimator=self)
        y = y.astype(float)
        noise = _check_noise(self.noise, len(y))
        kernel._check_features(X)
        if self.optimise and len(kernel.theta):
            kernel = _maximise(kernel, X, y, noise, restarts, random)
        value, L, alpha = _evidence(kernel, X, y, noise, gradient=False)

        # From here on nothing can fail, so an estimator is never left half fitted.
        validate_data(self, given_X, skip_check_array=True)
        self.kernel_ = kernel
        self.X_train_, self.y_train_ = X.copy(), y
        self.noise_ = noise
        self.L_, self.alpha_ = L, alpha
        self.log_marginal_likelihood_ = float(value)
        return self

    def predict(self, X, *, return_std=False, return_cov=False):
        """Mean of f at X given the data, with its standard deviation or covariance on request.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
        return_std, return_cov : bool, default=False
            One of the two.

        Returns
        -------
        mean : ndarray of shape (n_samples,)
        std : ndarray of shape (n_samples,)
            With ``return_std``. Of f, with any `White` in the kernel and without errors of
            measurement.
        covariance : ndarray of shape (n_samples, n_samples)
            With ``return_cov``.
        """
        if return_std and return_cov:
            raise ValueError("return_std and return_cov must not both be set")
        check_is_fitted(self)
        X = validate_data(self, X, dtype=float, reset=False)
        cross = self.kernel_(X, self.X_train_)
        mean = cross @ self.alpha_
        if not (return_std or return_cov):
            return mean
        half = linalg.solve_triangular(self.L_, cross.T, lower=True, check_finite=False)
        if return_cov:
            return mean, self.kernel_(X) - half.T @ half
        variance = self.kernel_.diagonal(X) - np.einsum("ij,ij->j", half, half)
        return mean, np.sqrt(np.maximum(variance, 0))

    def log_marginal_likelihood(self, theta=None, *, return_gradient=False):
        """Logarithm of the density of the data, at other hyperparameters if given.

        Parameters
        ----------
        theta : array-like of shape (n_free,), optional
            Logarithms of the free hyperparameters; those found if left out.
        return_gradient : bool, default=False
            Whether to return the derivatives by theta too.

        Returns
        -------
        value : float
        gradient : ndarray of shape (n_free,)
            With ``return_gradient``.
        """
        check_is_fitted(self)
        kernel = self.kernel_ if theta is None else self.kernel_.with_theta(theta)
        value, *rest = _evidence(kernel, self.X_train_, self.y_train_, self.noise_, return_gradient)
        return (float(value), rest[0]) if return_gradient else float(value)

    def leave_one_out(self):
        """Predict each sample from all the others.

        Equation ``eq-kernels-and-gaussian-processes-loo``.

        Returns
        -------
        mean, std : ndarray of shape (n_samples,)
            Of y_i given the others, errors of measurement included.
        """
        check_is_fitted(self)
        diagonal = np.diag(inverse_from_factor(self.L_))
        return self.y_train_ - self.alpha_ / diagonal, 1 / np.sqrt(diagonal)

    def sample(self, X, n_samples=1, random_state=None):
        """Draw values of f at X: from the posterior, or before a fit from the prior.

        Parameters
        ----------
        X : array-like of shape (n_points, n_features)
        n_samples : int, default=1
        random_state : int, RandomState instance or None, default=None

        Returns
        -------
        ndarray of shape (n_samples, n_points)
        """
        n_samples = check_count(n_samples, "n_samples")
        random = check_random_state(random_state)
        if hasattr(self, "kernel_"):
            mean, covariance = self.predict(X, return_cov=True)
        else:
            covariance = check_kernel(self.kernel)(X)
            mean = np.zeros(len(covariance))
        # Posterior covariances are singular to rounding: eigenvalues serve, a Cholesky factor not.
        eigenvalues, vectors = linalg.eigh(covariance)
        root = vectors * np.sqrt(np.maximum(eigenvalues, 0))
        return mean + random.standard_normal((n_samples, len(mean))) @ root.T


def _maximise(kernel, X, y, noise, restarts, random):
    """Return the kernel with the hyperparameters of the largest marginal likelihood found."""
    bounds = kernel.bounds
    outside = (kernel.theta < bounds[:, 0] - 1e-9) | (kernel.theta > bounds[:, 1] + 1e-9)
    if np.any(outside):
        names = ", ".join(np.array(kernel.names)[outside])
        raise ValueError(f"the kernel must begin within its bounds; outside is {names}")

    def cost(theta):
        try:
            value, gradient = _evidence(kernel.with_theta(theta), X, y, noise, gradient=True)
        except np.linalg.LinAlgError:
            return 1e100, np.zeros_like(theta)
        return -value, -gradient

    # A start that is not possible is the caller's: the error says what is wrong with it.
    _evidence(kernel, X, y, noise, gradient=False)
    starts = [kernel.theta, *random.uniform(*bounds.T, (restarts, len(bounds)))]
    found = [
        optimize.minimize(cost, start, jac=True, method="L-BFGS-B", bounds=bounds)
        for start in starts
    ]
    best = min(found, key=lambda result: result.fun)
    if not best.success:
        warnings.warn(
            f"the search for the hyperparameters did not converge: {best.message}",
            ConvergenceWarning,
            stacklevel=3,
        )
    ends = np.isclose(best.x[:, np.newaxis], bounds, rtol=0, atol=1e-6).any(axis=1)
    if np.any(ends):
        names = ", ".join(np.array(kernel.names)[ends])
        warnings.warn(
            f"the likelihood pushes against the bounds of {names}: widen them, or do without",
            ConvergenceWarning,
            stacklevel=3,
        )
    return kernel.with_theta(np.clip(best.x, *bounds.T))


def _check_noise(noise, n):
    """Return the variance of each sample's error."""
    if np.ndim(noise) == 0:
        return np.full(n, check_penalty(noise, "noise"))
    variances = check_floats(noise, "noise")
    if variances.shape != (n,):
        raise ValueError(f"noise must be a number or have shape ({n},), got {variances.shape}")
    if np.any(variances < 0):
        raise ValueError("noise must not be negative")
    return variances
