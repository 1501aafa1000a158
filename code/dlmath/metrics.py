"""How near samples come to data: distances of two clouds, and tests that a single distance fails.

Samples are the rows of ``X``. Every function compares two sets of samples and knows nothing of
the model that made one of them. None of the numbers means anything alone: compare it with the
same number for two sets of real data of the same sizes.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.distance import cdist
from sklearn.utils.validation import check_array

from dlmath._checks import check_above_zero, check_count

__all__ = [
    "class_entropy",
    "frechet_distance",
    "memorisation_share",
    "mmd",
    "precision_recall",
    "sliced_wasserstein",
    "two_sample_accuracy",
    "wasserstein_1d",
]

Array = NDArray[np.float64]

# Rows of a kernel matrix or of a matrix of distances that are in memory at a time.
BLOCK = 512


def _samples(name: str, values: Any, least: int, why: str) -> Array:
    """Return finite samples as rows, of which there are enough."""
    X = check_array(values, dtype=float, input_name=name, ensure_min_samples=0)
    if len(X) < least:
        raise ValueError(f"{name} has {len(X)} samples, but {why} needs at least {least}")
    return X


def _pair(X: Any, Y: Any, least: int, why: str, names: tuple[str, str] = ("X", "Y")) -> list[Array]:
    """Return two sets of samples with the same features."""
    pair = [_samples(name, values, least, why) for name, values in zip(names, (X, Y), strict=True)]
    if pair[0].shape[1] != pair[1].shape[1]:
        raise ValueError(
            f"{names[0]} has {pair[0].shape[1]} features and {names[1]} {pair[1].shape[1]}: "
            "they must have the same"
        )
    return pair


def _check_equally_many(first: Array, second: Array, names: str, who: str) -> None:
    if len(first) != len(second):
        raise ValueError(
            f"{names} must have equally many samples, got {len(first)} and {len(second)}: with "
            f"unequal ones not even {who} gives one half"
        )


def _blocks(n: int) -> Iterator[slice]:
    return (slice(i, min(i + BLOCK, n)) for i in range(0, n, BLOCK))


def _frechet(difference: Array, A: Array, B: Array) -> float:
    """Frechet distance from roots of the covariances, S = A^T A and T = B^T B.

    The trace of (S^(1/2) T S^(1/2))^(1/2) is the sum of the singular values of A B^T: no root of
    a matrix that may be singular is needed. Rounding can push the sum below zero, where it is zero.
    """
    cross = np.linalg.svd(A @ B.T, compute_uv=False).sum()
    traces = np.sum(A**2) + np.sum(B**2)
    return max(float(difference @ difference + traces - 2 * cross), 0.0)


def frechet_distance(X: Any, Y: Any) -> float:
    """Frechet distance of two samples: the one of Gaussians with their means and covariances.

    Equation ``eq-judging-samples-frechet``, with covariances that are divided by the number of
    samples less one. It sees two moments and nothing else, and it is biased upwards by an amount
    that falls like one over the number of samples: ``thm-judging-samples-bias``. Compare only
    distances of the same numbers of samples. For given moments there is
    `dlmath.divergences.wasserstein_gaussians`.

    Parameters
    ----------
    X : array-like of shape (n_samples_x, n_features)
    Y : array-like of shape (n_samples_y, n_features)

    Returns
    -------
    float
        In the unit of the features squared.

    Raises
    ------
    ValueError
        On wrong shapes, values that are not finite, or fewer samples than a covariance of full
        rank needs: one more than there are features.
    """
    X, Y = _pair(X, Y, 2, "a covariance")
    p = X.shape[1]
    X, Y = _pair(X, Y, p + 1, f"a covariance of {p} features")
    A, B = (np.linalg.qr(Z - Z.mean(axis=0), mode="r") for Z in (X, Y))
    A, B = A / np.sqrt(len(X) - 1), B / np.sqrt(len(Y) - 1)
    return _frechet(X.mean(axis=0) - Y.mean(axis=0), A, B)


def _cubic(X: Array, Y: Array) -> Array:
    K = X @ Y.T / X.shape[1] + 1
    return K * K * K  # NumPy's power would take ten times as long


def mmd(X: Any, Y: Any, kernel: str = "cubic", length_scale: float | None = None) -> float:
    """Squared maximum mean discrepancy, without bias: ``eq-judging-samples-mmd-unbiased``.

    Its expectation is zero for two samples of one law, so that the estimate itself is often
    negative.

    Parameters
    ----------
    X : array-like of shape (n_samples_x, n_features)
    Y : array-like of shape (n_samples_y, n_features)
    kernel : {"cubic", "rbf"}, default="cubic"
        ``(x.y / n_features + 1)**3``, the kernel of the kernel inception distance, which sees the
        first three moments; or ``exp(-|x - y|^2 / (2 length_scale^2))``, which sees every
        difference of two laws.
    length_scale : float, optional
        Needed by, and only by, the kernel ``"rbf"``, in the unit of the features. Fix it before
        you look at ``X``, or on ``Y`` alone.

    Returns
    -------
    float

    Raises
    ------
    ValueError
        On wrong shapes, values that are not finite, fewer than two samples, or an unknown kernel.
    """
    X, Y = _pair(X, Y, 2, "the unbiased estimate")
    if kernel == "cubic":
        if length_scale is not None:
            raise ValueError("length_scale belongs to the kernel 'rbf'")
        k = _cubic
    elif kernel == "rbf":
        scale = check_above_zero("length_scale", length_scale)

        def k(X: Array, Y: Array) -> Array:
            return np.exp(-cdist(X, Y, "sqeuclidean") / (2 * scale**2))
    else:
        raise ValueError(f"kernel must be 'cubic' or 'rbf', got {kernel!r}")
    return float(_mean_off_diagonal(k, X) + _mean_off_diagonal(k, Y) - 2 * _mean(k, X, Y))


def _mean(k: Any, X: Array, Y: Array) -> float:
    """Return the mean of the kernel over all pairs."""
    return sum(k(X[rows], Y).sum() for rows in _blocks(len(X))) / (len(X) * len(Y))


def _mean_off_diagonal(k: Any, X: Array) -> float:
    """Return the mean of the kernel over all pairs of different samples."""
    n, total = len(X), 0.0
    for rows in _blocks(n):
        K = k(X[rows], X)
        total += K.sum() - np.trace(K, offset=rows.start)
    return total / (n * (n - 1))


def wasserstein_1d(x: Any, y: Any, order: float = 1) -> float:
    """Wasserstein distance of two samples of numbers: equation ``eq-judging-samples-quantiles``.

    Sort both and pair them in order; for unequal numbers, as if each were repeated until there are
    as many on both sides.

    Parameters
    ----------
    x : array-like of shape (n_x,)
    y : array-like of shape (n_y,)
    order : float, default=1
        The power p, at least one.

    Returns
    -------
    float
        In the unit of ``x``.

    Raises
    ------
    ValueError
        On wrong shapes, values that are not finite or an order below one.
    """
    if not check_above_zero("order", order) >= 1:
        raise ValueError(f"order must be at least 1, got {order!r}")
    x, y = (
        check_array(values, dtype=float, ensure_2d=False, input_name=name)
        for name, values in (("x", x), ("y", y))
    )
    if x.ndim != 1 or y.ndim != 1:
        raise ValueError(f"x and y must be vectors, got shapes {x.shape} and {y.shape}")
    return float(_quantile_distance(x[:, np.newaxis], y[:, np.newaxis], order)[0])


def _quantile_distance(x: Array, y: Array, order: float) -> Array:
    """Wasserstein distances column by column."""
    x, y, n, m = np.sort(x, axis=0), np.sort(y, axis=0), len(x), len(y)
    if n == m:
        widths, i, j = np.full(n, 1 / n), np.arange(n), np.arange(n)
    else:
        # Between two steps of either quantile function both are constant; in units of 1/(n m).
        steps = np.union1d(m * np.arange(n + 1), n * np.arange(m + 1))
        widths, i, j = np.diff(steps) / (n * m), steps[:-1] // m, steps[:-1] // n
    return (widths @ np.abs(x[i] - y[j]) ** order) ** (1 / order)


def sliced_wasserstein(
    X: Any, Y: Any, directions: int = 500, seed: int = 0, order: float = 1
) -> float:
    """Mean Wasserstein distance along random directions: equation ``eq-judging-samples-sliced``.

    Parameters
    ----------
    X : array-like of shape (n_samples_x, n_features)
    Y : array-like of shape (n_samples_y, n_features)
    directions : int, default=500
        Number of directions, uniform on the unit sphere.
    seed : int, default=0
    order : float, default=1
        The power p of the Wasserstein distance, at least one. The mean is that of the p-th
        powers, whose p-th root is returned.

    Returns
    -------
    float
        In the unit of the features.

    Raises
    ------
    ValueError
        On wrong shapes, values that are not finite, no direction or an order below one.
    """
    X, Y = _pair(X, Y, 1, "a distance")
    directions = check_count("directions", directions)
    if not check_above_zero("order", order) >= 1:
        raise ValueError(f"order must be at least 1, got {order!r}")
    towards = np.random.default_rng(seed).standard_normal((directions, X.shape[1]))
    towards /= np.linalg.norm(towards, axis=1, keepdims=True)
    blocks = (towards[rows].T for rows in _blocks(directions))
    distances = np.concatenate([_quantile_distance(X @ V, Y @ V, order) for V in blocks])
    return float(np.mean(distances**order) ** (1 / order))


def _kth_distance(X: Array, k: int) -> Array:
    """Distance of each sample to its k-th nearest other one."""
    blocks = (cdist(X[rows], X) for rows in _blocks(len(X)))
    # The nearest of all is the sample itself, at distance zero.
    return np.concatenate([np.partition(D, k, axis=1)[:, k] for D in blocks])


def _share_inside(X: Array, centres: Array, radii: Array) -> float:
    """Share of samples that lie in at least one of the balls."""
    blocks = _blocks(len(X))
    inside = [(cdist(X[i], centres) <= radii).any(axis=1) for i in blocks]
    return float(np.concatenate(inside).mean())


def precision_recall(real: Any, fake: Any, k: int = 3) -> tuple[float, float]:
    """Precision and recall of generated samples: equation ``eq-judging-samples-precision``.

    Around each sample of a set lies a ball that reaches to its k-th nearest neighbour in the set;
    the union of the balls stands for the support of the law. Precision is the share of generated
    samples in the support of the real ones, recall the share of real ones in the support of the
    generated ones.

    Parameters
    ----------
    real : array-like of shape (n_real, n_features)
    fake : array-like of shape (n_fake, n_features)
        As many as real ones, if the two shares are to be compared.
    k : int, default=3

    Returns
    -------
    precision, recall : float

    Raises
    ------
    ValueError
        On wrong shapes, values that are not finite, or not more than ``k`` samples.
    """
    k = check_count("k", k)
    why = f"a neighbour of order {k}"
    real, fake = _pair(real, fake, k + 1, why, ("real", "fake"))
    precision = _share_inside(fake, real, _kth_distance(real, k))
    return precision, _share_inside(real, fake, _kth_distance(fake, k))


def _nearest(X: Array, Y: Array, *, same: bool = False) -> Array:
    """Distance of each row of X to its nearest row of Y, itself left out if both are the same."""
    nearest = []
    for rows in _blocks(len(X)):
        D = cdist(X[rows], Y)
        if same:
            D[np.arange(len(D)), np.arange(rows.start, rows.stop)] = np.inf
        nearest.append(D.min(axis=1))
    return np.concatenate(nearest)


def _share_nearer(first: Array, second: Array) -> float:
    """Share of entries in which the first is smaller; equal ones count half."""
    return float(np.mean((first < second) + 0.5 * (first == second)))


def two_sample_accuracy(X: Any, Y: Any) -> float:
    """Share of samples whose nearest neighbour, of all others, is of their own set.

    The accuracy of a leave-one-out classifier by one nearest neighbour, whose task is to tell the
    sets apart: equation ``eq-judging-samples-two-sample``. For two samples of one law its mean is
    ``(n - 1)/(2n - 1)``, just below one half. Above, the sets differ; far below, each sample of
    one set has a twin in the other.

    Parameters
    ----------
    X, Y : array-like of shape (n_samples, n_features)
        As many samples in both.

    Returns
    -------
    float
        A neighbour in each set at the same distance counts half.

    Raises
    ------
    ValueError
        On wrong shapes, values that are not finite, fewer than two samples, or unequal numbers.
    """
    X, Y = _pair(X, Y, 2, "leaving one out")
    _check_equally_many(X, Y, "X and Y", "two samples of one law")
    own = np.append(_nearest(X, X, same=True), _nearest(Y, Y, same=True))
    return _share_nearer(own, np.append(_nearest(X, Y), _nearest(Y, X)))


def memorisation_share(samples: Any, train: Any, held_out: Any) -> float:
    """Share of samples that lie nearer to the training set than to as many held-out data.

    Equation ``eq-judging-samples-memorisation``. A model that has learned the law and not the
    sample gives one half in the mean, one that copies gives one.

    Parameters
    ----------
    samples : array-like of shape (n_samples, n_features)
    train, held_out : array-like of shape (n_data, n_features)
        As many of both.

    Returns
    -------
    float
        Nearest data of both sets at the same distance count half.

    Raises
    ------
    ValueError
        On wrong shapes, values that are not finite, or unequal numbers of data.
    """
    samples, train = _pair(samples, train, 1, "a share", ("samples", "train"))
    train, held_out = _pair(train, held_out, 1, "a share", ("train", "held_out"))
    _check_equally_many(train, held_out, "train and held_out", "an honest model")
    return _share_nearer(_nearest(samples, train), _nearest(samples, held_out))


def class_entropy(probabilities: Any) -> float:
    """Entropy of the mean of predicted class probabilities: ``eq-judging-samples-classes``.

    Its exponential is an effective number of classes: all of them if each comes up equally often,
    one if the model makes only one.

    Parameters
    ----------
    probabilities : array-like of shape (n_samples, n_classes)
        Not negative; each row sums to one.

    Returns
    -------
    float
        In nats.

    Raises
    ------
    ValueError
        On wrong shapes or rows that are no probabilities.
    """
    P = _samples("probabilities", probabilities, 1, "a mean")
    if np.any(P < 0) or not np.allclose(P.sum(axis=1), 1, rtol=0, atol=1e-4):
        raise ValueError("probabilities must not be negative, and each row must sum to one")
    mean = P.mean(axis=0)
    mean = mean[mean > 0] / mean.sum()
    return float(-np.sum(mean * np.log(mean)))
