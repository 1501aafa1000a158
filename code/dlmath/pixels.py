"""Laws of pixels with a few grey levels: mixtures of independent pixels, and dequantisation.

A pixel with ``levels`` grey levels is an integer from 0 to ``levels - 1``. A model of integers
gives a picture a probability; a model of real numbers gives it a density, which becomes a bound on
a probability when noise fills the gaps between the levels.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import logsumexp
from sklearn.cluster import KMeans
from sklearn.utils import check_array

from dlmath._checks import check_above_zero, check_count

__all__ = ["PixelMixture", "dequantise", "dequantised_bound", "fit_pixel_mixture"]

Floats = NDArray[np.float64]


def _check_levels(X: Any, levels: int) -> NDArray[np.int64]:
    """Return rows of integers from 0 to ``levels - 1``."""
    levels = check_count("levels", levels, 2)
    rows = check_array(X, dtype=float, input_name="X")
    if not np.isin(rows, np.arange(levels)).all():
        raise ValueError(f"X must hold integers from 0 to {levels - 1}")
    return rows.astype(np.int64)


def dequantise(X: Any, levels: int, seed: Any = 0) -> Floats:
    """Fill the gaps between grey levels with noise: ``(X + u) / levels``, u uniform on [0, 1).

    Parameters
    ----------
    X : array-like of shape (n_samples, n_features)
        Integers from 0 to ``levels - 1``.
    levels : int
    seed : int or numpy.random.Generator, default=0

    Returns
    -------
    ndarray of shape (n_samples, n_features)
        Between 0 and 1. ``floor(levels * y)`` gives the integers back.

    Raises
    ------
    ValueError
        If a value is no grey level.
    """
    rows = _check_levels(X, levels)
    return (rows + np.random.default_rng(seed).random(rows.shape)) / levels


def dequantised_bound(
    log_density: Callable[[Floats], Floats], X: Any, levels: int, draws: int = 10, seed: int = 0
) -> Floats:
    """Bound from below the log-probability of pictures under a density on real numbers.

    The mean of ``log_density`` over the noise, minus ``n_features log(levels)`` for the change of
    units: equation ``eq-judging-samples-dequantised``.

    Parameters
    ----------
    log_density : callable
        Gives the log-density of each row of an array of shape (n, n_features), in the units of
        `dequantise`.
    X : array-like of shape (n_samples, n_features)
        Integers from 0 to ``levels - 1``.
    levels : int
    draws : int, default=10
        Draws of the noise over which to average. Their number changes the error of the estimate
        and not its mean.
    seed : int, default=0

    Returns
    -------
    ndarray of shape (n_samples,)
        In nats.

    Raises
    ------
    ValueError
        If a value is no grey level.
    """
    rows, rng = _check_levels(X, levels), np.random.default_rng(seed)
    draws = check_count("draws", draws)
    total = sum(log_density(dequantise(rows, levels, rng)) for _ in range(draws))
    return np.asarray(total) / draws - rows.shape[1] * np.log(levels)


class PixelMixture:
    """A mixture whose components are laws of independent pixels.

    Parameters
    ----------
    weights : array-like of shape (n_components,)
        Probabilities of the components.
    probabilities : array-like of shape (n_components, n_features, levels)
        Probability of each grey level of each pixel.

    Raises
    ------
    ValueError
        If shapes do not fit or probabilities do not sum to one.
    """

    def __init__(self, weights: Any, probabilities: Any) -> None:
        self.weights = np.asarray(weights, dtype=float)
        self.probabilities = np.asarray(probabilities, dtype=float)
        if self.probabilities.ndim != 3 or self.weights.shape != self.probabilities.shape[:1]:
            raise ValueError(
                "probabilities must have shape (n_components, n_features, levels) and weights "
                f"one entry for each, got {self.probabilities.shape} and {self.weights.shape}"
            )
        for name in ("weights", "probabilities"):
            P = getattr(self, name)
            if not (P >= 0).all() or not np.allclose(P.sum(axis=-1), 1):
                raise ValueError(f"{name} must not be negative and sum to one")

    @property
    def levels(self) -> int:
        """The number of grey levels."""
        return self.probabilities.shape[2]

    def _joint(self, X: Any) -> Floats:
        """Return the log-probability of each row together with each component."""
        rows = _check_levels(X, self.levels)
        count, features, _ = self.probabilities.shape
        if rows.shape[1] != features:
            raise ValueError(f"X must have {features} columns, got {rows.shape[1]}")
        with np.errstate(divide="ignore"):
            logs, prior = np.log(self.probabilities), np.log(self.weights)
        pixels = np.arange(features)
        return prior + np.stack([logs[k, pixels, rows].sum(axis=1) for k in range(count)], axis=1)

    def log_prob(self, X: Any) -> Floats:
        """Return the log-probability of each row of integers, in nats, of shape (n_samples,)."""
        return logsumexp(self._joint(X), axis=1)

    def responsibilities(self, X: Any) -> Floats:
        """Return the probability of each component given each row: (n_samples, n_components)."""
        joint = self._joint(X)
        return np.exp(joint - logsumexp(joint, axis=1, keepdims=True))

    def sample(self, n: int, seed: Any = 0) -> NDArray[np.int64]:
        """Draw n rows of integers."""
        n, rng = check_count("n", n), np.random.default_rng(seed)
        which = rng.choice(len(self.weights), size=n, p=self.weights)
        above = self.probabilities.cumsum(axis=2)[:, :, :-1]
        uniform = rng.random((n, above.shape[1], 1))
        rows = [(u > above[k]).sum(axis=1) for k, u in zip(which, uniform, strict=True)]
        return np.array(rows, dtype=np.int64)


def _smoother(levels: int, width: float) -> Floats:
    """Return the matrix that spreads the levels above zero to their neighbours, and keeps zero.

    Paper that has no ink on it is not nearly grey: the lowest level is an atom.
    """
    if width == 0:
        return np.eye(levels)
    steps = np.subtract.outer(np.arange(levels), np.arange(levels))
    spread = np.exp(-0.5 * (steps / width) ** 2)
    spread[0, 1:] = spread[1:, 0] = 0
    return spread / spread.sum(axis=1, keepdims=True)


def fit_pixel_mixture(
    X: Any,
    levels: int,
    components: int = 1,
    *,
    width: float = 0.0,
    pseudo_count: float = 2.0,
    iterations: int = 40,
    seed: int = 0,
) -> PixelMixture:
    """Fit a mixture of independent pixels by expectation and maximisation.

    In each component the frequency of a grey level is drawn towards that of the same pixel in all
    pictures, as if ``pseudo_count`` more pictures had been seen; and levels above zero lend weight
    to their neighbours. Zero stands apart: each pixel has an atom at white paper.

    Parameters
    ----------
    X : array-like of shape (n_samples, n_features)
        Integers from 0 to ``levels - 1``.
    levels : int
    components : int, default=1
        One component: all pixels are independent.
    width : float, default=0.0
        How far levels above zero lend weight, as the standard deviation of a Gaussian in levels.
    pseudo_count : float, default=2.0
        Positive.
    iterations : int, default=40
    seed : int, default=0
        Of the clusters with which the iteration begins.

    Returns
    -------
    PixelMixture

    Raises
    ------
    ValueError
        If a value is no grey level, or an argument out of range.
    """
    rows = _check_levels(X, levels)
    components = check_count("components", components)
    if len(rows) < components:
        raise ValueError(f"X has {len(rows)} samples, but {components} components need as many")
    pseudo_count = check_above_zero("pseudo_count", pseudo_count)
    spread = _smoother(levels, 0.0 if width == 0 else check_above_zero("width", width))
    seen = (rows[:, :, np.newaxis] == np.arange(levels)) @ spread
    everywhere = (seen.sum(axis=0) + 1 / levels) / (len(rows) + 1)
    cluster = KMeans(components, n_init=1, random_state=seed).fit_predict(rows)
    share = np.eye(components)[cluster]
    for _ in range(check_count("iterations", iterations)):
        counts = np.tensordot(share, seen, axes=(0, 0))
        total = share.sum(axis=0)
        probabilities = (counts + pseudo_count * everywhere) / (
            total[:, np.newaxis, np.newaxis] + pseudo_count
        )
        mixture = PixelMixture((total + 1) / (len(rows) + components), probabilities)
        if components == 1:
            break
        share = mixture.responsibilities(rows)
    return mixture
