"""Densities that are known in closed form: what a generative model is compared with.

A model learns from samples; how far it has come can be said exactly only where the law of the
samples is known. Mixtures of Gaussians are the richest family for which the density, its score
and its samples all cost one formula, and they stay mixtures when noise is added.
"""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.linalg import solve_triangular
from scipy.special import logsumexp, softmax
from sklearn.utils import check_array

from dlmath._checks import check_above_zero, check_count

__all__ = ["GaussianMixture", "eight_gaussians"]

Floats = NDArray[np.float64]


class GaussianMixture:
    """A mixture of Gaussians with given parameters.

    ``sklearn.mixture.GaussianMixture`` estimates such parameters; this one is the law itself.

    Parameters
    ----------
    weights : array-like of shape (n_components,)
        Probabilities of the components: positive, with the sum 1.
    means : array-like of shape (n_components, n_features)
        Their means.
    covariances : array-like
        Their covariances: of shape (n_components, n_features, n_features), or (n_components,) for
        multiples of the identity, or one number for all.

    Attributes
    ----------
    weights, means : ndarray
        As given.
    covariances : ndarray of shape (n_components, n_features, n_features)
        In full.
    mean : ndarray of shape (n_features,)
        Mean of the mixture.
    covariance : ndarray of shape (n_features, n_features)
        Covariance of the mixture: that within plus that between the components.

    Raises
    ------
    ValueError
        If shapes do not fit, weights are not probabilities or a covariance is not symmetric and
        positive definite.

    Examples
    --------
    >>> from dlmath.densities import GaussianMixture
    >>> humps = GaussianMixture([0.5, 0.5], [[-1.0], [1.0]], 0.04)
    >>> humps.covariance.round(2).tolist()
    [[1.04]]
    """

    def __init__(self, weights: ArrayLike, means: ArrayLike, covariances: ArrayLike) -> None:
        self.means: Floats = check_array(means, dtype=float, input_name="means")
        count, features = self.means.shape
        self.weights = _check_weights(weights, count)
        self.covariances = _check_covariances(covariances, count, features)
        self._factors = np.linalg.cholesky(self.covariances)
        self.mean = self.weights @ self.means
        off = self.means - self.mean
        between = (self.weights * off.T) @ off
        self.covariance = np.tensordot(self.weights, self.covariances, 1) + between

    def _check(self, X: ArrayLike) -> Floats:
        rows: Floats = check_array(X, dtype=float, input_name="X")
        if rows.shape[1] != self.means.shape[1]:
            raise ValueError(f"X must have {self.means.shape[1]} columns, got {rows.shape[1]}")
        return rows

    def _whitened(self, X: Floats) -> Floats:
        """Give ``L^{-1}(x - m)`` of each component, shape (n_components, n_features, n_samples)."""
        return np.array(
            [
                solve_triangular(factor, (X - mean).T, lower=True)
                for factor, mean in zip(self._factors, self.means, strict=True)
            ]
        )

    def log_prob_components(self, X: ArrayLike) -> Floats:
        """Return the log of weight times density of each component, (n_samples, n_components)."""
        X = self._check(X)
        diagonals = np.diagonal(self._factors, axis1=1, axis2=2)
        norm = np.log(self.weights) - np.log(diagonals).sum(axis=1)
        norm = norm - X.shape[1] * np.log(2 * np.pi) / 2
        return (norm[:, None] - np.square(self._whitened(X)).sum(axis=1) / 2).T

    def log_prob(self, X: ArrayLike) -> Floats:
        """Return the log-density of each row, in nats.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Points.

        Returns
        -------
        log_prob : ndarray of shape (n_samples,)
            Log-density.
        """
        return logsumexp(self.log_prob_components(X), axis=1)

    def score(self, X: ArrayLike) -> Floats:
        """Return the gradient of the log-density with respect to each row.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Points.

        Returns
        -------
        score : ndarray of shape (n_samples, n_features)
            The mean of the components' ``-S^{-1}(x - m)`` under their posterior probabilities.
        """
        X = self._check(X)
        shares = softmax(self.log_prob_components(X), axis=1)
        pulls = [
            -solve_triangular(factor, white, lower=True, trans="T").T
            for factor, white in zip(self._factors, self._whitened(X), strict=True)
        ]
        return np.einsum("nc,cnd->nd", shares, np.array(pulls))

    def sample(self, n: int, seed: Any = 0) -> Floats:
        """Draw samples.

        Parameters
        ----------
        n : int
            How many.
        seed : int or numpy.random.Generator, default=0
            Seed of `numpy.random.default_rng`.

        Returns
        -------
        X : ndarray of shape (n, n_features)
            The samples.
        """
        n, rng = check_count("n", n), np.random.default_rng(seed)
        component = rng.choice(self.weights.size, size=n, p=self.weights)
        noise = rng.standard_normal((n, self.means.shape[1]))
        return self.means[component] + np.einsum("nij,nj->ni", self._factors[component], noise)


def _check_weights(weights: ArrayLike, count: int) -> Floats:
    found = np.asarray(weights, dtype=float)
    if found.shape != (count,) or not (found > 0).all() or abs(found.sum() - 1) > 1e-9:
        raise ValueError(
            f"weights must be {count} positive numbers with the sum 1, got {weights!r}"
        )
    return found / found.sum()


def _check_covariances(covariances: ArrayLike, count: int, features: int) -> Floats:
    found = np.asarray(covariances, dtype=float)
    if found.ndim <= 1 and found.shape in ((), (1,), (count,)):
        found = np.broadcast_to(found, count)[:, None, None] * np.eye(features)
    shape = (count, features, features)
    if found.shape != shape:
        raise ValueError(f"covariances must have shape {shape} or ({count},), got {found.shape}")
    symmetric = np.allclose(found, found.swapaxes(1, 2), rtol=1e-10, atol=0)
    if not np.isfinite(found).all() or not symmetric or np.linalg.eigvalsh(found).min() <= 0:
        raise ValueError("covariances must be symmetric and positive definite")
    return found


def eight_gaussians(radius: float = 2.0, sd: float = 0.2) -> GaussianMixture:
    """Return eight equal Gaussians on a circle, a standard test of generative models.

    Parameters
    ----------
    radius : float, default=2
        Radius of the circle on which the means lie, the first at angle zero.
    sd : float, default=0.2
        Standard deviation of each, the same in both directions.

    Returns
    -------
    density : GaussianMixture
        In the plane.
    """
    radius, sd = check_above_zero("radius", radius), check_above_zero("sd", sd)
    angles = np.arange(8) * np.pi / 4
    means = radius * np.column_stack([np.cos(angles), np.sin(angles)])
    return GaussianMixture(np.full(8, 1 / 8), means, sd**2)
