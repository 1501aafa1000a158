"""Latent variables where everything can be computed: mixtures and linear-Gaussian models.

Both are what a variational autoencoder becomes when the posterior is known: expectation
maximisation for a mixture of Gaussians, and probabilistic principal components. Rows of X are
samples, logarithms are natural, and costs are means over samples.
"""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import logsumexp, softmax, xlogy
from sklearn.utils import check_array

from dlmath._checks import check_above_zero, check_count
from dlmath.densities import GaussianMixture

__all__ = [
    "LinearGaussian",
    "expectation_maximisation",
    "fit_ppca",
    "free_energy_bound",
    "importance_bound",
    "maximise",
    "responsibilities",
]

Floats = NDArray[np.float64]


def _rows(name: str, X: ArrayLike, least: int = 1) -> Floats:
    """Check a matrix of finite numbers."""
    rows: Floats = check_array(X, dtype=float, input_name=name, ensure_min_samples=least)
    return rows


def responsibilities(X: ArrayLike, mixture: GaussianMixture) -> Floats:
    r"""Return the posterior probability of each component: the E step.

    It computes :math:`r_{ij} = w_j N(x_i; \mu_j, \Sigma_j) / p(x_i)`, the equation
    ``eq-variational-autoencoders-responsibilities``.

    Parameters
    ----------
    X : array-like of shape (n_samples, n_features)
        Samples.
    mixture : GaussianMixture
        The present law.

    Returns
    -------
    R : ndarray of shape (n_samples, n_components)
        Rows sum to one.
    """
    R: Floats = softmax(mixture.log_prob_components(X), axis=1)
    return R


def maximise(X: ArrayLike, R: ArrayLike) -> GaussianMixture:
    """Return the mixture of greatest expected log-likelihood: the M step.

    Weights, means and covariances are those of ``eq-variational-autoencoders-m-step``.

    Parameters
    ----------
    X : array-like of shape (n_samples, n_features)
        Samples.
    R : array-like of shape (n_samples, n_components)
        Responsibilities.

    Returns
    -------
    mixture : GaussianMixture

    Raises
    ------
    ValueError
        If a component has no mass, or has shrunk to a point or a plane, so that its covariance is
        singular.
    """
    rows, shares = _rows("X", X), _rows("R", R)
    mass = shares.sum(axis=0)
    if len(shares) != len(rows) or not (mass > 0).all():
        raise ValueError(f"R must have {len(rows)} rows, and some mass in every column")
    means = shares.T @ rows / mass[:, None]
    covariances = [
        (r[:, None] * (rows - mean)).T @ (rows - mean) / r.sum()
        for r, mean in zip(shares.T, means, strict=True)
    ]
    try:
        return GaussianMixture(mass / len(rows), means, np.array(covariances))
    except ValueError as error:
        raise ValueError("a component has shrunk: its covariance is singular") from error


def free_energy_bound(X: ArrayLike, R: ArrayLike, mixture: GaussianMixture) -> float:
    r"""Return the mean evidence lower bound of a mixture for any responsibilities.

    It is :math:`\frac1n \sum_{ij} r_{ij} [\log w_j N(x_i; \mu_j, \Sigma_j) - \log r_{ij}]`, the
    equation ``eq-variational-autoencoders-em-bound``.

    Parameters
    ----------
    X : array-like of shape (n_samples, n_features)
        Samples.
    R : array-like of shape (n_samples, n_components)
        Rows are probabilities.
    mixture : GaussianMixture
        The law.

    Returns
    -------
    bound : float
        In nats per sample.
    """
    shares = _rows("R", R)
    terms = shares * mixture.log_prob_components(X) - xlogy(shares, shares)
    return float(np.sum(terms) / len(shares))


def expectation_maximisation(
    X: ArrayLike, mixture: GaussianMixture, steps: int
) -> tuple[GaussianMixture, list[float]]:
    """Fit a mixture of Gaussians by alternating the two steps.

    Parameters
    ----------
    X : array-like of shape (n_samples, n_features)
        Samples.
    mixture : GaussianMixture
        Where to begin.
    steps : int
        Number of pairs of steps.

    Returns
    -------
    mixture : GaussianMixture
        After the last M step.
    history : list of float
        Mean log-likelihood before each pair of steps and at the end, in nats per sample.
    """
    history = [float(np.mean(mixture.log_prob(X)))]
    for _ in range(check_count("steps", steps)):
        mixture = maximise(X, responsibilities(X, mixture))
        history.append(float(np.mean(mixture.log_prob(X))))
    return mixture, history


class LinearGaussian(NamedTuple):
    r"""The model :math:`x = W^T z + \mu + s\,\varepsilon` with standard normal z and noise.

    Attributes
    ----------
    W : ndarray of shape (n_latents, n_features)
        Loadings; each row belongs to a latent.
    mean : ndarray of shape (n_features,)
        Mean of x.
    variance : float
        Variance s^2 of the noise.
    """

    W: Floats
    mean: Floats
    variance: float

    @property
    def covariance(self) -> Floats:
        """Covariance of x, ``eq-variational-autoencoders-ppca-marginal``."""
        return self.W.T @ self.W + self.variance * np.eye(self.W.shape[1])

    def log_prob(self, X: ArrayLike) -> Floats:
        """Return the log-density of each row, in nats."""
        return GaussianMixture([1.0], self.mean[None], self.covariance[None]).log_prob(X)

    def posterior(self, X: ArrayLike) -> tuple[Floats, Floats]:
        """Return mean and covariance of p(z|x), ``eq-variational-autoencoders-ppca-posterior``.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Samples.

        Returns
        -------
        means : ndarray of shape (n_samples, n_latents)
        covariance : ndarray of shape (n_latents, n_latents)
            The same for all samples.
        """
        rows = _rows("X", X)
        M = self.W @ self.W.T + self.variance * np.eye(len(self.W))
        inverse: NDArray[Any] = np.linalg.inv(M)
        return (rows - self.mean) @ self.W.T @ inverse, self.variance * inverse

    def elbo(self, X: ArrayLike, means: ArrayLike, covariance: ArrayLike) -> Floats:
        """Return the evidence lower bound of each row for Gaussian q(z|x), in closed form.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Samples.
        means : array-like of shape (n_samples, n_latents)
            Mean of q for each row.
        covariance : array-like of shape (n_latents, n_latents)
            Covariance of q.

        Returns
        -------
        elbo : ndarray of shape (n_samples,)
        """
        codes, V = _rows("means", means), _rows("covariance", covariance)
        s2, (m, d) = self.variance, self.W.shape
        errors = np.square(_rows("X", X) - self.mean - codes @ self.W).sum(axis=1)
        spread = np.trace(self.W.T @ V @ self.W)
        log_likelihood = -(d * np.log(2 * np.pi * s2) + (errors + spread) / s2) / 2
        log_det = np.linalg.slogdet(V)[1]
        kl = (np.square(codes).sum(axis=1) + np.trace(V) - m - log_det) / 2
        bound: Floats = log_likelihood - kl
        return bound


def fit_ppca(X: ArrayLike, latents: int, variance: float | None = None) -> LinearGaussian:
    r"""Return the linear-Gaussian model of greatest likelihood: probabilistic PCA.

    The rows of W are :math:`\sqrt{\nu_j - s^2}\, u_j` for the largest eigenvalues of the
    covariance, zero where :math:`\nu_j \le s^2`, and :math:`s^2` is the mean of the others if it
    is not given (``eq-variational-autoencoders-ppca``, ``eq-variational-autoencoders-collapse``).

    Parameters
    ----------
    X : array-like of shape (n_samples, n_features)
        Samples.
    latents : int
        Number of latents, below ``n_features``.
    variance : float, optional
        Variance of the noise, if it is fixed.

    Returns
    -------
    model : LinearGaussian
    """
    rows = _rows("X", X, least=2)
    n, d = rows.shape
    if check_count("latents", latents) >= d:
        raise ValueError(f"latents must be below the number of columns, {d}, got {latents}")
    mean = rows.mean(axis=0)
    eigenvalues, vectors = np.linalg.eigh((rows - mean).T @ (rows - mean) / n)
    nu, U = eigenvalues[::-1], vectors[:, ::-1]
    s2 = nu[latents:].mean() if variance is None else check_above_zero("variance", variance)
    if not s2 > 0:
        raise ValueError("X has no variance outside of so many directions: take fewer latents")
    sizes = np.sqrt(np.maximum(nu[:latents] - s2, 0))
    return LinearGaussian(sizes[:, None] * U[:, :latents].T, mean, float(s2))


def importance_bound(log_weights: ArrayLike) -> Floats:
    r"""Return :math:`\log \frac1k \sum_i w_i` of each column, without overflow.

    Parameters
    ----------
    log_weights : array-like of shape (k, n_samples)
        Log-weights log p(x, z) - log q(z|x) of k draws (``eq-variational-autoencoders-iwae``).

    Returns
    -------
    bound : ndarray of shape (n_samples,)
    """
    logs = _rows("log_weights", log_weights)
    bound: Floats = logsumexp(logs, axis=0) - np.log(len(logs))
    return bound
