"""Classifiers that model each class by a Gaussian, and can therefore also draw new samples.

The three classical ones differ in what they assume of the covariances: linear discriminant
analysis (one for all classes), quadratic discriminant analysis (one for each class) and Gaussian
naive Bayes (diagonal ones).
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import integrate, linalg
from scipy.special import logsumexp
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, validate_data

__all__ = [
    "COVARIANCES",
    "GaussianClassifier",
    "efron_efficiency",
    "gaussian_estimates",
    "gaussian_log_density",
    "linear_logit",
]

Floats = NDArray[np.float64]

COVARIANCES = ("shared", "separate", "shared diagonal", "diagonal")


def gaussian_log_density(X: ArrayLike, mean: ArrayLike, covariance: ArrayLike) -> Floats:
    """Evaluate the logarithm of a Gaussian density.

    Parameters
    ----------
    X : array-like of shape (n_samples, n_features)
    mean : array-like of shape (n_features,)
    covariance : array-like of shape (n_features, n_features)
        Positive definite.

    Returns
    -------
    ndarray of shape (n_samples,)

    Raises
    ------
    ValueError
        If the shapes do not fit or the covariance is not positive definite.

    Examples
    --------
    >>> from dlmath.gaussian_classifiers import gaussian_log_density
    >>> gaussian_log_density([[0.0], [2.0]], [0.0], [[1.0]]).round(4).tolist()
    [-0.9189, -2.9189]
    """
    X, mean, covariance = (np.asarray(a, dtype=float) for a in (X, mean, covariance))
    p = mean.size
    if X.ndim != 2 or X.shape[1] != p or covariance.shape != (p, p):
        raise ValueError(
            f"X, mean and covariance must have the shapes (n, p), (p,) and (p, p), got "
            f"{X.shape}, {mean.shape} and {covariance.shape}"
        )
    L = _cholesky(covariance)
    z = linalg.solve_triangular(L, (X - mean).T, lower=True)
    log_det = 2 * np.sum(np.log(np.diag(L)))
    result: Floats = -0.5 * (np.sum(z**2, axis=0) + log_det + p * np.log(2 * np.pi))
    return result


def _cholesky(covariance: Floats) -> Floats:
    try:
        L: Floats = linalg.cholesky(covariance, lower=True)
    except linalg.LinAlgError:
        raise ValueError("covariance must be positive definite") from None
    return L


def _check_covariance(covariance: str) -> None:
    if covariance not in COVARIANCES:
        names = ", ".join(COVARIANCES)
        raise ValueError(f"covariance must be one of {names}, got {covariance!r}")


def gaussian_estimates(
    X: ArrayLike, y: ArrayLike, covariance: str = "shared"
) -> tuple[Floats, Floats, Floats]:
    """Estimate shares, means and covariances of Gaussian classes by maximum likelihood.

    Parameters
    ----------
    X : array-like of shape (n_samples, n_features)
    y : array-like of shape (n_samples,)
        Integers from 0 to K - 1, each of which occurs.
    covariance : {"shared", "separate", "shared diagonal", "diagonal"}, default="shared"

    Returns
    -------
    priors : ndarray of shape (K,)
    means : ndarray of shape (K, n_features)
    covariances : ndarray of shape (K, n_features, n_features)
        Equation ``eq-discriminative-and-generative-mle``; all the same if they are shared.

    Raises
    ------
    ValueError
        If the shapes do not fit, a class has no samples, or ``covariance`` is unknown.

    Examples
    --------
    >>> from dlmath.gaussian_classifiers import gaussian_estimates
    >>> priors, means, covariances = gaussian_estimates([[0.0], [2.0], [5.0]], [0, 0, 1])
    >>> means.tolist(), covariances.round(3).tolist()
    ([[1.0], [5.0]], [[[0.667]], [[0.667]]])
    """
    _check_covariance(covariance)
    X, y = np.asarray(X, dtype=float), np.asarray(y, dtype=int)
    if X.ndim != 2 or y.shape != X.shape[:1]:
        raise ValueError(f"X and y must be (n, p) and (n,), got {X.shape} and {y.shape}")
    if y.size == 0 or y.min() < 0 or not np.bincount(y).all():
        raise ValueError("y must hold the integers from 0 to K - 1, each at least once")
    counts = np.bincount(y)
    groups = [X[y == k] for k in range(len(counts))]
    means = np.array([group.mean(axis=0) for group in groups])
    spreads = [group - mean for group, mean in zip(groups, means, strict=True)]
    scatter = np.array([spread.T @ spread for spread in spreads])
    if covariance.startswith("shared"):
        covariances = np.broadcast_to(scatter.sum(axis=0) / len(X), scatter.shape)
    else:
        covariances = scatter / counts[:, np.newaxis, np.newaxis]
    if covariance.endswith("diagonal"):
        covariances = covariances * np.eye(X.shape[1])
    return counts / len(X), means, covariances


def linear_logit(
    priors: ArrayLike, means: ArrayLike, covariance: ArrayLike
) -> tuple[float, Floats]:
    """Give intercept and coefficients of the log-odds of two Gaussians with one covariance.

    Parameters
    ----------
    priors : array-like of shape (2,)
        Positive probabilities of class 0 and class 1.
    means : array-like of shape (2, n_features)
    covariance : array-like of shape (n_features, n_features)
        Positive definite.

    Returns
    -------
    b : float
    w : ndarray of shape (n_features,)
        ``log p(1|x)/p(0|x) = b + w @ x`` (equation ``eq-discriminative-and-generative-logit``).

    Raises
    ------
    ValueError
        If there are not two classes, or the covariance is not positive definite.

    Examples
    --------
    >>> from dlmath.gaussian_classifiers import linear_logit
    >>> b, w = linear_logit([0.5, 0.5], [[0.0, 0.0], [2.0, 0.0]], [[1.0, 0.0], [0.0, 1.0]])
    >>> b, w.tolist()
    (-2.0, [2.0, 0.0])
    """
    priors, means = np.asarray(priors, dtype=float), np.asarray(means, dtype=float)
    if priors.shape != (2,) or len(means) != 2 or (priors <= 0).any():
        raise ValueError("priors and means must belong to two classes, the priors positive")
    L = _cholesky(np.asarray(covariance, dtype=float))
    w: Floats = linalg.cho_solve((L, True), means[1] - means[0])
    b = np.log(priors[1] / priors[0]) - w @ (means[0] + means[1]) / 2
    return float(b), w


def efron_efficiency(distance: float) -> float:
    """Asymptotic efficiency of logistic regression relative to linear discriminant analysis.

    It holds for two equally frequent Gaussian classes with one covariance, in any dimension
    (equation ``eq-discriminative-and-generative-efron``).

    Parameters
    ----------
    distance : float
        Mahalanobis distance of the two means, not negative.

    Returns
    -------
    float
        Ratio of the numbers of samples with which the two reach the same excess error.

    Raises
    ------
    ValueError
        If the distance is negative or not finite.

    Examples
    --------
    >>> from dlmath.gaussian_classifiers import efron_efficiency
    >>> [round(efron_efficiency(distance), 3) for distance in (0, 1, 2, 3, 4)]
    [1.0, 0.995, 0.899, 0.641, 0.343]
    """
    D = float(distance)
    if not (np.isfinite(D) and D >= 0):
        raise ValueError(f"distance must be finite and not negative, got {distance!r}")

    def integrand(x: float) -> float:
        u = D * x / 2
        return 2 * float(np.exp(-(x**2) / 2 - np.logaddexp(u, -u)))

    integral, _ = integrate.quad(integrand, 0, 40, epsabs=1e-13)
    return float((1 + D**2 / 4) * np.exp(-(D**2) / 8) * 2 * integral / np.sqrt(2 * np.pi))


class GaussianClassifier(ClassifierMixin, BaseEstimator):
    """Classes with Gaussian densities, fitted by maximum likelihood.

    The estimates are those of ``eq-discriminative-and-generative-mle``: shares, means, and
    covariances with the divisor n.

    Parameters
    ----------
    covariance : {"shared", "separate", "shared diagonal", "diagonal"}, default="shared"
        Linear discriminant analysis, quadratic discriminant analysis, and naive Bayes with the
        same or with different variances in the classes.
    jitter : float, default=1e-9
        Not negative. This share of the largest variance of a feature is added to the diagonals,
        so that they can be inverted.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
    priors_ : ndarray of shape (n_classes,)
    means_ : ndarray of shape (n_classes, n_features)
    covariances_ : ndarray of shape (n_classes, n_features, n_features)
        All the same if they are shared.
    n_features_in_ : int
    feature_names_in_ : ndarray of shape (n_features,)
        Only where ``X`` has column names that are strings.

    Examples
    --------
    >>> import numpy as np
    >>> from dlmath.gaussian_classifiers import GaussianClassifier
    >>> X = np.array([[0.0], [1.0], [2.0], [4.0], [5.0], [6.0]])
    >>> model = GaussianClassifier().fit(X, [0, 0, 0, 1, 1, 1])
    >>> model.predict([[2.9], [3.1]]).tolist(), model.sample(500, seed=0)[0].shape
    ([0, 1], (500, 1))
    """

    def __init__(self, covariance="shared", *, jitter=1e-9):
        self.covariance = covariance
        self.jitter = jitter

    def fit(self, X, y):
        """Estimate shares, means and covariances.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
        y : array-like of shape (n_samples,)

        Returns
        -------
        GaussianClassifier
            The fitted estimator itself.

        Raises
        ------
        ValueError
            On wrong shapes, values that are not finite, features that do not vary, or parameters
            that are not possible.
        """
        _check_covariance(self.covariance)
        if not (np.isfinite(self.jitter) and self.jitter >= 0):
            raise ValueError(f"jitter must be finite and not negative, got {self.jitter!r}")
        X, y = validate_data(self, X, y, dtype=float)
        check_classification_targets(y)
        if not np.ptp(X, axis=0).any():
            raise ValueError(f"X has no variance: n_samples = {len(X)}, and no feature varies")
        self.classes_, index = np.unique(y, return_inverse=True)
        estimates = gaussian_estimates(X, index, self.covariance)
        self.priors_, self.means_, covariances = estimates
        added = self.jitter * X.var(axis=0).max()
        self.covariances_ = covariances + added * np.eye(X.shape[1])
        return self

    def _log_joint(self, X):
        """Evaluate log p(x, y) for each class."""
        check_is_fitted(self)
        X = validate_data(self, X, dtype=float, reset=False)
        parts = zip(self.means_, self.covariances_, strict=True)
        densities = [gaussian_log_density(X, *part) for part in parts]
        return np.log(self.priors_) + np.transpose(densities)

    def log_prob(self, X):
        """Evaluate log p(x), the density of the features whatever the class.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples,)
        """
        return logsumexp(self._log_joint(X), axis=1)

    def predict_log_proba(self, X):
        """Evaluate log p(y|x) by Bayes' rule.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples, n_classes)
        """
        joint = self._log_joint(X)
        return joint - logsumexp(joint, axis=1, keepdims=True)

    def predict_proba(self, X):
        """Evaluate p(y|x) by Bayes' rule.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples, n_classes)
        """
        return np.exp(self.predict_log_proba(X))

    def predict(self, X):
        """Give the most probable class.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples,)
        """
        index = np.argmax(self._log_joint(X), axis=1)
        return self.classes_[index]

    def sample(self, n, seed):
        """Draw labels from the shares, and then features from the Gaussians of their classes.

        Parameters
        ----------
        n : int
            Number of samples, at least 1.
        seed : int or numpy.random.Generator

        Returns
        -------
        X : ndarray of shape (n, n_features)
        y : ndarray of shape (n,)

        Raises
        ------
        ValueError
            If n is not a positive integer.
        """
        check_is_fitted(self)
        if not isinstance(n, int | np.integer) or n < 1:
            raise ValueError(f"n must be a positive integer, got {n!r}")
        rng = np.random.default_rng(seed)
        index = rng.choice(len(self.classes_), size=n, p=self.priors_)
        noise = rng.standard_normal((n, self.n_features_in_))
        factors = np.array([_cholesky(S) for S in self.covariances_])
        X = self.means_[index] + np.einsum("nij,nj->ni", factors[index], noise)
        return X, self.classes_[index]
