"""Logistic regression: probabilities of classes, from a linear model and the cross-entropy."""

import warnings

import numpy as np
from scipy import linalg, optimize
from scipy.special import expit, log_expit, log_softmax, logsumexp, softmax
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import check_X_y
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, validate_data

from dlmath.linear._likelihood import Softmax, TwoClasses, descend, newton, separate
from dlmath.linear._validation import (
    check_count,
    check_penalty,
    check_positive,
    check_weights,
    replace_constant,
    truncated_svd,
)

SOLVERS = {"newton": newton, "gradient-descent": descend}


def logistic_cost(X, y, theta, lam):
    """Mean cross-entropy and penalty on the squared norm: equation ``eq-logistic-regression-cost``.

    Parameters
    ----------
    X : ndarray of shape (n_samples, n_features)
    y : ndarray of shape (n_samples,)
        The classes, 0 or 1.
    theta : ndarray of shape (n_features,)
    lam : float

    Returns
    -------
    float
        ``mean(log(1 + exp(z)) - y z) + lam ||theta||^2`` with ``z = X theta``.
    """
    z = X @ theta
    return np.mean(np.logaddexp(0, z) - y * z) + lam * theta @ theta


def logistic_gradient(X, y, theta, lam):
    """Gradient of :func:`logistic_cost`: equation ``eq-logistic-regression-gradient``.

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
    return X.T @ (expit(X @ theta) - y) / len(y) + 2 * lam * theta


def logistic_hessian(X, theta, lam):
    """Hessian of :func:`logistic_cost`: equation ``eq-logistic-regression-hessian``.

    Parameters
    ----------
    X : ndarray of shape (n_samples, n_features)
    theta : ndarray of shape (n_features,)
    lam : float

    Returns
    -------
    ndarray of shape (n_features, n_features)
    """
    n, p = X.shape
    s = expit(X @ theta) * expit(-X @ theta)
    return X.T @ (s[:, np.newaxis] * X) / n + 2 * lam * np.eye(p)


def logistic_newton(X, y, lam, steps, theta=None):
    """Newton's method on :func:`logistic_cost`: equation ``eq-logistic-regression-newton``.

    The bare iteration, without a line search: far from the minimum it may run away.

    Parameters
    ----------
    X : ndarray of shape (n_samples, n_features)
    y : ndarray of shape (n_samples,)
    lam : float
    steps : int
    theta : ndarray of shape (n_features,), optional
        Where to start; zero by default.

    Returns
    -------
    ndarray of shape (steps + 1, n_features)
        The trajectory, its start included.

    Raises
    ------
    numpy.linalg.LinAlgError
        Where the Hessian is singular.
    """
    lam, trajectory = check_penalty(lam), _start(X, steps, theta)
    for k in range(steps):
        gradient = logistic_gradient(X, y, trajectory[k], lam)
        hessian = logistic_hessian(X, trajectory[k], lam)
        trajectory[k + 1] = trajectory[k] - np.linalg.solve(hessian, gradient)
    return trajectory


def logistic_descent(X, y, lam, steps, theta=None, eta=None):
    """Gradient descent on :func:`logistic_cost`: equation ``eq-logistic-regression-descent``.

    Parameters
    ----------
    X : ndarray of shape (n_samples, n_features)
    y : ndarray of shape (n_samples,)
    lam : float
    steps : int
    theta : ndarray of shape (n_features,), optional
        Where to start; zero by default.
    eta : float, optional
        Step. By default 1/L, with ``L = d_1**2 / (4 n) + 2 lam`` and the largest singular value
        ``d_1``.

    Returns
    -------
    ndarray of shape (steps + 1, n_features)
        The trajectory, its start included.
    """
    lam, trajectory = check_penalty(lam), _start(X, steps, theta)
    smoothness = linalg.norm(X, 2) ** 2 / (4 * len(X)) + 2 * lam
    eta = 1 / smoothness if eta is None else check_positive(eta, "eta")
    for k in range(steps):
        gradient = logistic_gradient(X, y, trajectory[k], lam)
        trajectory[k + 1] = trajectory[k] - eta * gradient
    return trajectory


def separating_direction(X, y):
    """Find a direction along which the cross-entropy never rises, by linear programming.

    That is a ``theta`` with ``x_i^T theta >= 0`` for every sample of class 1 and ``<= 0`` for
    every one of class 0, not all zero; the cross-entropy has a minimum exactly when there is none
    (theorem ``thm-logistic-regression-existence``). Up to the tolerance of the programme, 1e-9 of
    the largest ``|x_i^T theta|``.

    Parameters
    ----------
    X : ndarray of shape (n_samples, n_features)
        With a column of ones, if the model has an intercept.
    y : ndarray of shape (n_samples,)
        The classes, 0 or 1.

    Returns
    -------
    ndarray of shape (n_features,) or None
        None where the classes overlap.
    """
    direction = separate(X, np.asarray(y, dtype=int), 2)
    return None if direction is None else direction[:, 1] - direction[:, 0]


def maximum_margin(X, y):
    """Shortest theta for which ``(2 y_i - 1) x_i^T theta >= 1`` for all samples.

    Its direction is the one of the largest margin, equation ``eq-logistic-regression-margin``.
    By non-negative least squares (Lawson and Hanson's least distance programming).

    Parameters
    ----------
    X : ndarray of shape (n_samples, n_features)
    y : ndarray of shape (n_samples,)
        The classes, 0 or 1.

    Returns
    -------
    ndarray of shape (n_features,)

    Raises
    ------
    ValueError
        When no hyperplane through the origin has each class on a side of its own.
    """
    rows = np.where(np.asarray(y) == 1, 1.0, -1.0)[:, np.newaxis] * X
    largest = np.max(linalg.norm(rows, axis=1))
    E = np.vstack([rows.T / largest, np.ones(len(rows))])
    target = np.append(np.zeros(X.shape[1]), 1.0)
    residual = target - E @ optimize.nnls(E, target)[0]
    if residual[-1] < 1e-12:
        raise ValueError("X and y must be linearly separable through the origin")
    return -residual[:-1] / (residual[-1] * largest)


def softmax_cost(X, Y, Theta, lam):
    """Mean cross-entropy of several classes, and penalty: ``eq-logistic-regression-softmax-cost``.

    Parameters
    ----------
    X : ndarray of shape (n_samples, n_features)
    Y : ndarray of shape (n_samples, n_classes)
        One 1 in each row, at the class of the sample, and zeros.
    Theta : ndarray of shape (n_features, n_classes)
    lam : float

    Returns
    -------
    float
    """
    Z = X @ Theta
    return np.mean(logsumexp(Z, axis=1) - np.sum(Y * Z, axis=1)) + lam * np.sum(Theta**2)


def softmax_gradient(X, Y, Theta, lam):
    """Gradient of :func:`softmax_cost`: equation ``eq-logistic-regression-softmax-gradient``.

    Parameters
    ----------
    X : ndarray of shape (n_samples, n_features)
    Y : ndarray of shape (n_samples, n_classes)
    Theta : ndarray of shape (n_features, n_classes)
    lam : float

    Returns
    -------
    ndarray of shape (n_features, n_classes)
    """
    return X.T @ (softmax(X @ Theta, axis=1) - Y) / len(Y) + 2 * lam * Theta


def softmax_hessian(X, Theta, lam):
    """Hessian of :func:`softmax_cost`: equation ``eq-logistic-regression-softmax-hessian``.

    Parameters
    ----------
    X : ndarray of shape (n_samples, n_features)
    Theta : ndarray of shape (n_features, n_classes)
    lam : float

    Returns
    -------
    ndarray of shape (n_features, n_classes, n_features, n_classes)
        Second derivatives by ``Theta[j, k]`` and ``Theta[l, m]``.
    """
    (n, p), K = X.shape, Theta.shape[1]
    P = softmax(X @ Theta, axis=1)
    S = P[:, :, np.newaxis] * (np.eye(K) - P[:, np.newaxis, :])
    penalty = 2 * lam * np.eye(p * K).reshape(p, K, p, K)
    return np.einsum("ij,ikm,il->jklm", X, S, X, optimize=True) / n + penalty


class LogisticRegression(ClassifierMixin, BaseEstimator):
    """Logistic regression, by Newton's method with a line search, or by gradient descent.

    Minimises the mean cross-entropy plus ``lam`` times the squared norm of the coefficients
    (equations ``eq-logistic-regression-cost`` for two classes, which have one vector of
    coefficients, and ``eq-logistic-regression-softmax-cost`` for more, which have one each). The
    intercept is not penalised. With ``sample_weight`` the mean is weighted, and n is the sum of
    the weights. scikit-learn's ``LogisticRegression`` has ``C = 1 / (2 n lam)``.

    For more than two classes the coefficients of all classes sum to zero, and so do their
    intercepts: adding one vector to the coefficients of every class changes no probability.

    Parameters
    ----------
    lam : float, default=1.0
        Not negative. With 0 the classes must overlap; where several minimisers exist, coef_ is
        the one of the smallest norm, with a warning that there are several.
    fit_intercept : bool, default=True
    solver : {"newton", "gradient-descent"}, default="newton"
        Gradient descent takes steps of 1/L with the largest curvature L of the cost.
    tol : float, default=1e-8
        Stop where no entry of the gradient is larger, in units of the root mean square of its
        (with an intercept, centred) feature.
    max_iter : int, default=10000
        Largest number of steps.

    Attributes
    ----------
    coef_ : ndarray of shape (1, n_features) or (n_classes, n_features)
    intercept_ : ndarray of shape (1,) or (n_classes,)
    classes_ : ndarray of shape (n_classes,)
        Sorted; of two, the second is the positive one. Classes without weight do not count.
    n_iter_ : int
        Number of steps taken, at least 1.
    n_features_in_ : int
    feature_names_in_ : ndarray of shape (n_features,)
        Only where ``X`` has column names that are strings.

    Warns
    -----
    ConvergenceWarning
        When ``lam`` is 0 and the classes are linearly separable, so that there is no minimum;
        coef_ is then where the iteration ended. When ``max_iter`` steps do not suffice.
    UserWarning
        When ``lam`` is 0 and the minimiser is not unique.

    Examples
    --------
    >>> import numpy as np
    >>> from dlmath.linear import LogisticRegression
    >>> X = np.array([[0.0], [1.0], [2.0], [3.0]])
    >>> model = LogisticRegression(lam=0.1).fit(X, np.array(["no", "yes", "no", "yes"]))
    >>> model.coef_.round(4).tolist(), model.predict([[2.5]]).tolist()
    ([[0.5106]], ['yes'])
    """

    def __init__(self, lam=1.0, *, fit_intercept=True, solver="newton", tol=1e-8, max_iter=10_000):
        self.lam = lam
        self.fit_intercept = fit_intercept
        self.solver = solver
        self.tol = tol
        self.max_iter = max_iter

    def fit(self, X, y, sample_weight=None):
        """Fit the model.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
        y : array-like of shape (n_samples,)
            The classes: at least two different labels.
        sample_weight : array-like of shape (n_samples,), optional
            Non-negative, not all zero.

        Returns
        -------
        LogisticRegression
            The fitted estimator itself.

        Raises
        ------
        ValueError
            On wrong shapes, values that are not finite, labels of one class only, a negative
            penalty, or negative or vanishing weights. An estimator that was fitted before keeps
            its fit.
        """
        lam, solve, tol, max_iter = self._check_settings()
        given_X = X
        X, y = check_X_y(X, y, dtype=float, estimator=self)
        weight = np.ones(len(y)) if sample_weight is None else check_weights(sample_weight, len(y))
        X, y, weight = X[weight > 0], y[weight > 0], weight[weight > 0]
        classes, labels = _encode(y)
        A, mean_X, basis = self._design(X, weight, lam)
        problem_of = TwoClasses if len(classes) == 2 else Softmax
        problem = problem_of(A, labels, weight, lam, bool(self.fit_intercept))
        fit = solve(problem, tol, max_iter)
        _warn(fit, problem, tol, max_iter, X.shape[1], len(classes))
        theta = fit.coefficients
        intercept = theta[0] if self.fit_intercept else np.zeros(theta.shape[1])
        theta = theta[1:] if self.fit_intercept else theta
        theta = theta if basis is None else basis @ theta

        # From here on nothing can fail, so an estimator is never left half fitted.
        validate_data(self, given_X, skip_check_array=True)
        self.classes_ = classes
        self.coef_ = np.ascontiguousarray(theta.T)
        self.intercept_ = intercept - mean_X @ theta
        self.n_iter_ = max(fit.steps, 1)
        return self

    def _check_settings(self):
        lam, tol = check_penalty(self.lam), check_positive(self.tol, "tol")
        if check_count(self.max_iter, "max_iter") == 0:
            raise ValueError("max_iter must be at least 1, got 0")
        if not (isinstance(self.solver, str) and self.solver in SOLVERS):
            raise ValueError(f"solver must be one of {', '.join(SOLVERS)}, got {self.solver!r}")
        return lam, SOLVERS[self.solver], tol, int(self.max_iter)

    def _design(self, X, weight, lam):
        """Centre; where the features depend on each other, go over to a basis of their rows."""
        mean_X = np.zeros(X.shape[1])
        if self.fit_intercept:
            mean_X = weight @ X / np.sum(weight)
            replace_constant(mean_X, X)
            X = X - mean_X
        basis = None
        if lam == 0 or X.shape[1] > len(X):
            basis = _row_space(X)
            X = X if basis is None else X @ basis
        if self.fit_intercept:
            X = np.column_stack([np.ones(len(X)), X])
        return np.ascontiguousarray(X), mean_X, basis

    def decision_function(self, X):
        """Compute the scores: log odds for two classes, log probabilities up to a constant else.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples,) or (n_samples, n_classes)
        """
        check_is_fitted(self)
        X = validate_data(self, X, dtype=float, reset=False)
        scores = X @ self.coef_.T + self.intercept_
        return scores[:, 0] if len(self.classes_) == 2 else scores

    def predict_proba(self, X):
        """Predict the probabilities of the classes.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples, n_classes)
        """
        scores = self.decision_function(X)
        if scores.ndim == 2:
            return softmax(scores, axis=1)
        return np.column_stack([expit(-scores), expit(scores)])

    def predict_log_proba(self, X):
        """Predict the logarithms of the probabilities, also of those that underflow.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples, n_classes)
        """
        scores = self.decision_function(X)
        if scores.ndim == 2:
            return log_softmax(scores, axis=1)
        return np.column_stack([log_expit(-scores), log_expit(scores)])

    def predict(self, X):
        """Predict the most probable class.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples,)
        """
        scores = self.decision_function(X)
        best = np.argmax(scores, axis=1) if scores.ndim == 2 else (scores > 0).astype(int)
        return self.classes_[best]


def _start(X, steps, theta):
    """Return a trajectory that is zero except where it starts."""
    trajectory = np.zeros((check_count(steps, "steps") + 1, X.shape[1]))
    if theta is not None:
        trajectory[0] = theta
    return trajectory


def _encode(y):
    """Return the sorted classes and the number of each sample's class."""
    try:
        check_classification_targets(y)
        classes, labels = np.unique(y, return_inverse=True)
    except (TypeError, ValueError) as error:
        raise ValueError(f"y must hold labels of classes. {error}") from error
    if len(classes) < 2:
        raise ValueError(
            f"y must have at least two classes among the samples with weight, got one class, "
            f"{classes[0]!r}"
        )
    return classes, labels


def _row_space(X):
    """Return an orthonormal basis of the rows of X, or None if they span all directions."""
    rows = truncated_svd(X)[2]
    return None if len(rows) == X.shape[1] else rows.T


def _warn(fit, problem, tol, max_iter, p, n_classes):
    """Say why there is no minimum, why it was not reached, or that there are several."""
    if fit.separable:
        warnings.warn(
            f"the {n_classes} classes are linearly separable and lam is 0: the cost has no "
            "minimum, the coefficients grow without bound; coef_ is where the iteration was "
            "stopped. Use lam > 0",
            ConvergenceWarning,
            stacklevel=3,
        )
    elif not fit.converged:
        warnings.warn(
            f"not converged: after {fit.steps} steps (max_iter = {max_iter}) the largest entry of "
            f"the scaled gradient is {fit.largest:.3g}, above tol = {tol:.3g}; increase max_iter "
            "or tol, or scale the features",
            ConvergenceWarning,
            stacklevel=3,
        )
    elif problem.lam == 0 and problem.rank < p:
        warnings.warn(
            f"the minimiser is not unique: lam is 0 and the {p} features have rank "
            f"{problem.rank}; of the minimisers, coef_ is the one of the smallest norm",
            stacklevel=3,
        )
