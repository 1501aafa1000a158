"""Clustering: Lloyd's algorithm for k-means, one half-step a function.

The cost is the mean squared distance of the samples from the centre of their cluster, with the
book's 1/n; scikit-learn's ``inertia_`` is n times as large.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["Clustering", "assign", "kmeans_cost", "lloyd", "move_centres"]

Array = NDArray[np.float64]
Labels = NDArray[np.intp]


class Clustering(NamedTuple):
    """Where Lloyd's algorithm has ended.

    Attributes
    ----------
    labels : ndarray of shape (n_samples,)
        The cluster of each sample.
    centres : ndarray of shape (n_clusters, n_features)
        The centres of the clusters.
    costs : ndarray of shape (n_half_steps,)
        The cost after each half-step, assignments and moves in turn.
    """

    labels: Labels
    centres: Array
    costs: Array


def assign(X: ArrayLike, centres: ArrayLike) -> Labels:
    """Give each sample the number of its nearest centre, of several the lowest.

    This is eq-types-of-learning-assign, the first half-step of Lloyd's algorithm.

    Parameters
    ----------
    X : array-like of shape (n_samples, n_features)
        The samples.
    centres : array-like of shape (n_clusters, n_features)
        The centres.

    Returns
    -------
    labels : ndarray of shape (n_samples,)
        Numbers from 0 to ``n_clusters - 1``.
    """
    X, centres = _checked(X, centres)
    differences = X[:, np.newaxis, :] - centres
    return np.argmin(np.sum(differences**2, axis=2), axis=1)


def move_centres(X: ArrayLike, labels: ArrayLike, centres: ArrayLike) -> Array:
    """Move each centre to the mean of its samples; one without samples stays.

    This is eq-types-of-learning-move, the second half-step of Lloyd's algorithm.

    Parameters
    ----------
    X : array-like of shape (n_samples, n_features)
        The samples.
    labels : array-like of shape (n_samples,)
        The cluster of each sample, from 0 to ``n_clusters - 1``.
    centres : array-like of shape (n_clusters, n_features)
        The centres before the step.

    Returns
    -------
    centres : ndarray of shape (n_clusters, n_features)
        The centres after the step, a new array.
    """
    X, centres = _checked(X, centres)
    labels = _checked_labels(labels, len(X), len(centres))
    moved = centres.copy()
    for j in np.unique(labels):
        moved[j] = X[labels == j].mean(axis=0)
    return moved


def kmeans_cost(X: ArrayLike, labels: ArrayLike, centres: ArrayLike) -> float:
    """Mean squared distance of the samples from the centres of their clusters.

    This is eq-types-of-learning-kmeans.

    Parameters
    ----------
    X : array-like of shape (n_samples, n_features)
        The samples.
    labels : array-like of shape (n_samples,)
        The cluster of each sample, from 0 to ``n_clusters - 1``.
    centres : array-like of shape (n_clusters, n_features)
        The centres.
    """
    X, centres = _checked(X, centres)
    labels = _checked_labels(labels, len(X), len(centres))
    return float(np.sum((X - centres[labels]) ** 2) / len(X))


def lloyd(X: ArrayLike, centres: ArrayLike) -> Clustering:
    """Alternate the two half-steps until no sample changes its cluster.

    Parameters
    ----------
    X : array-like of shape (n_samples, n_features)
        The samples.
    centres : array-like of shape (n_clusters, n_features)
        The centres to begin with.

    Returns
    -------
    found : Clustering
        Labels, centres and the cost after each half-step.

    Notes
    -----
    In exact arithmetic thm-types-of-learning-lloyd says that this ends. Rounding could make two
    assignments of equal cost follow one another for ever; an assignment that lowers the cost by
    no more than rounding does therefore ends it too.
    """
    labels, costs = assign(X, centres), []
    while True:
        costs.append(kmeans_cost(X, labels, centres))
        centres = move_centres(X, labels, centres)
        costs.append(kmeans_cost(X, labels, centres))
        new = assign(X, centres)
        settled = kmeans_cost(X, new, centres) >= costs[-1] * (1 - 1e-14)
        if np.array_equal(new, labels) or (settled and new.sum() >= labels.sum()):
            return Clustering(labels, centres, np.array(costs))
        labels = new


def _checked(X: ArrayLike, centres: ArrayLike) -> tuple[Array, Array]:
    """Check that samples and centres are finite and have the same number of features."""
    X, centres = _matrix("X", X), _matrix("centres", centres)
    if X.shape[1] != centres.shape[1]:
        raise ValueError(f"centres must have {X.shape[1]} columns like X, got {centres.shape[1]}")
    return X, centres


def _matrix(name: str, values: ArrayLike) -> Array:
    array = np.asarray(values, dtype=float)
    if array.ndim != 2 or array.size == 0:
        raise ValueError(f"{name} must be a matrix that is not empty, got shape {array.shape}")
    if not np.isfinite(array).all():
        raise ValueError(f"{name} contains NaN or infinity")
    return array


def _checked_labels(labels: ArrayLike, n: int, clusters: int) -> Labels:
    array = np.asarray(labels)
    if array.shape != (n,) or array.dtype.kind not in "iu":
        raise ValueError(f"labels must be {n} integers, got {array.dtype} of shape {array.shape}")
    if array.min() < 0 or array.max() >= clusters:
        raise ValueError(f"labels must lie between 0 and {clusters - 1}")
    return array.astype(np.intp)
