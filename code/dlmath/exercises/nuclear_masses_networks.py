"""Checkers for the exercises of the chapter on nuclear masses by networks."""

from collections.abc import Callable
from functools import partial

import numpy as np
from scipy import stats

from dlmath.exercises.framework import Arguments, exercise

Array = np.ndarray


# massnet-conformal


def _calibration(rng: np.random.Generator) -> Arguments:
    # Large enough for a threshold, and so that neighbouring ranks differ.
    n, alpha = int(rng.integers(25, 60)), float(rng.choice([0.05, 0.1, 0.32]))
    std = rng.uniform(0.1, 0.6, n)
    scores = np.sort(np.abs(rng.standard_t(3, n)))
    # The larger half is negative: who forgets the modulus gets another threshold.
    scores[n // 2 :] *= -1
    return {
        "error": std * rng.permutation(scores),
        "std": std,
        "std_new": rng.uniform(0.1, 0.9, 5),
        "alpha": alpha,
    }


def _threshold(scores: Array, alpha: float, more: int = 1) -> float:
    k = int(np.ceil(round((len(scores) + more) * (1 - alpha), 9)))
    return float(np.sort(scores)[k - 1])


@exercise("massnet-conformal", _calibration, returns="the half-widths")
def massnet_conformal(error: Array, std: Array, std_new: Array, alpha: float) -> Array:
    """Multiply the new bars with the conformal quantile of the scores."""
    return _threshold(np.abs(error) / std, alpha) * std_new


@massnet_conformal.mistake(
    "This is the quantile of n scores. The new score is one more: the rank is (n + 1)(1 - alpha), "
    "rounded upwards."
)
def _conformal_of_n(error: Array, std: Array, std_new: Array, alpha: float) -> Array:
    return _threshold(np.abs(error) / std, alpha, more=0) * std_new


@massnet_conformal.mistake(
    "This is numpy's quantile, which interpolates among n scores. Take the score of rank "
    "(n + 1)(1 - alpha), rounded upwards."
)
def _conformal_interpolated(error: Array, std: Array, std_new: Array, alpha: float) -> Array:
    return np.quantile(np.abs(error) / std, 1 - alpha) * std_new


@massnet_conformal.mistake(
    "The scores are signed, so that half of the errors never count. Take their modulus."
)
def _conformal_signed(error: Array, std: Array, std_new: Array, alpha: float) -> Array:
    return _threshold(error / std, alpha) * std_new


@massnet_conformal.mistake(
    "The rank is (n + 1) alpha: that is the threshold for a coverage of alpha and not of 1 - alpha."
)
def _conformal_of_alpha(error: Array, std: Array, std_new: Array, alpha: float) -> Array:
    return _threshold(np.abs(error) / std, 1 - alpha) * std_new


@massnet_conformal.mistake(
    "The errors of the calibration set are not divided by their bars, and yet the threshold is "
    "multiplied with the new ones. Scores are in units of the bars."
)
def _conformal_undivided(error: Array, std: Array, std_new: Array, alpha: float) -> Array:
    return _threshold(np.abs(error), alpha) * std_new


@massnet_conformal.mistake(
    "Each interval has the same width: this is the threshold in units of the bars. Multiply it "
    "with the bar of each new nuclide."
)
def _conformal_constant(error: Array, std: Array, std_new: Array, alpha: float) -> Array:
    return np.full(len(std_new), _threshold(np.abs(error) / std, alpha))


@massnet_conformal.mistake("These are the widths of the intervals. Return half of them.")
def _conformal_whole(error: Array, std: Array, std_new: Array, alpha: float) -> Array:
    return 2 * massnet_conformal.reference(error, std, std_new, alpha)


# massnet-ambiguity


def _members(rng: np.random.Generator) -> Arguments:
    M, n = int(rng.integers(3, 8)), int(rng.integers(9, 20))
    y = rng.normal(size=n)
    return {"predictions": y + rng.normal(0.4, 1, (M, n)), "y": y}


def _three(predictions: Array, y: Array) -> tuple[float, float, float]:
    mean = predictions.mean(axis=0)
    return (
        float(np.mean((predictions - y) ** 2)),
        float(np.mean((predictions - mean) ** 2)),
        float(np.mean((mean - y) ** 2)),
    )


@exercise(
    "massnet-ambiguity",
    _members,
    returns=("the error of the members", "the ambiguity", "the error of the ensemble"),
)
def massnet_ambiguity(predictions: Array, y: Array) -> tuple[float, float, float]:
    """Three means of squares, of which the third is the first minus the second."""
    return _three(predictions, y)


@massnet_ambiguity.mistake(
    "The ambiguity has M - 1 in the denominator. That is the unbiased estimate of a variance; the "
    "identity has M, and with M - 1 it fails."
)
def _ambiguity_unbiased(predictions: Array, y: Array) -> tuple[float, float, float]:
    single, ambiguity, together = _three(predictions, y)
    M = len(predictions)
    return single, ambiguity * M / (M - 1), together


@massnet_ambiguity.mistake(
    "The ambiguity is taken about the mean over nuclides, not about the mean over members: "
    "the axis is wrong."
)
def _ambiguity_axis(predictions: Array, y: Array) -> tuple[float, float, float]:
    single, _, together = _three(predictions, y)
    return single, float(np.mean(predictions.var(axis=1))), together


@massnet_ambiguity.mistake(
    "The sign of the ambiguity is wrong in the last error: disagreement makes the ensemble better."
)
def _ambiguity_sign(predictions: Array, y: Array) -> tuple[float, float, float]:
    single, ambiguity, _ = _three(predictions, y)
    return single, ambiguity, single + ambiguity


@massnet_ambiguity.mistake("These are root mean squares. Return the mean squares.")
def _ambiguity_roots(predictions: Array, y: Array) -> tuple[float, ...]:
    return tuple(float(np.sqrt(value)) for value in _three(predictions, y))


@massnet_ambiguity.mistake(
    "These are sums over the nuclides. Each of the three is a mean over them."
)
def _ambiguity_sums(predictions: Array, y: Array) -> tuple[float, ...]:
    return tuple(len(y) * value for value in _three(predictions, y))


# massnet-bound


def _chains(rng: np.random.Generator) -> Arguments:
    n = int(rng.integers(4, 9))
    mean = 400 + rng.normal(size=(n, 2))
    mean[:, 0] = mean[:, 1] + rng.normal(0, 0.5, n)
    roots = rng.normal(size=(n, 2, 2)) + np.array([[1.0, 0.2], [0.9, 0.4]])
    return {"mean": mean, "covariance": roots @ np.swapaxes(roots, 1, 2)}


def _probability(mean: Array, covariance: Array, cross: float = -2.0, sign: int = 1) -> Array:
    variance = covariance[:, 0, 0] + covariance[:, 1, 1] + cross * covariance[:, 0, 1]
    return stats.norm.cdf(sign * (mean[:, 0] - mean[:, 1]) / np.sqrt(np.abs(variance)))


@exercise("massnet-bound", _chains, returns="the probability")
def massnet_bound(mean: Array, covariance: Array) -> Array:
    """Probability that a Gaussian difference is positive."""
    return _probability(mean, covariance)


@massnet_bound.mistake(
    "The covariance of the two energies is left out. They are neighbours, whose errors go "
    "together, and the difference is known better than either."
)
def _bound_uncorrelated(mean: Array, covariance: Array) -> Array:
    return _probability(mean, covariance, cross=0.0)


@massnet_bound.mistake(
    "The sign of the covariance is wrong: this is the variance of the sum, and you want that of "
    "the difference."
)
def _bound_of_sum(mean: Array, covariance: Array) -> Array:
    return _probability(mean, covariance, cross=2.0)


@massnet_bound.mistake("A factor 2 is missing: the covariance enters the variance twice.")
def _bound_once(mean: Array, covariance: Array) -> Array:
    return _probability(mean, covariance, cross=-1.0)


@massnet_bound.mistake(
    "These are the probabilities that the neutrons are not bound: look at the sign of the "
    "separation energy."
)
def _bound_unbound(mean: Array, covariance: Array) -> Array:
    return _probability(mean, covariance, sign=-1)


@massnet_bound.mistake(
    "The energy is divided by its variance. The argument of Phi is an energy over a standard "
    "deviation, a number without a unit."
)
def _bound_variance(mean: Array, covariance: Array) -> Array:
    c = np.array([1.0, -1.0])
    return stats.norm.cdf((mean @ c) / (c @ covariance @ c))


@massnet_bound.mistake(
    "This is the density of the normal distribution. The probability is its integral, the "
    "distribution function."
)
def _bound_density(mean: Array, covariance: Array) -> Array:
    c = np.array([1.0, -1.0])
    return stats.norm.pdf((mean @ c) / np.sqrt(c @ covariance @ c))


# massnet-importance


def _smooth(X: Array, weights: Array) -> Array:
    return np.tanh(X @ weights) + 0.2 * X[:, 0] * X[:, -1]


def _table(rng: np.random.Generator) -> Arguments:
    n, p = int(rng.integers(20, 40)), int(rng.integers(3, 5))
    X, weights = rng.normal(size=(n, p)), rng.normal(size=p)
    return {
        "predict": partial(_smooth, weights=weights),
        "X": X,
        "y": _smooth(X, weights) + 0.3 * rng.normal(size=n),
        "order": rng.permutation(n),
    }


def _growth(
    predict: Callable[[Array], Array],
    X: Array,
    y: Array,
    order: Array,
    before: bool = True,
    keep: bool = False,
    rows: bool = False,
    loss: Callable[[Array], Array] = np.square,
    total: Callable[[Array], float] = np.mean,
) -> Array:
    """Return the growth of the error, as asked for or in a mistaken form."""
    start = total(loss(y - predict(X))) if before else 0.0
    found, mixed = [], X.copy()
    for j in range(X.shape[1]):
        if not keep:
            mixed = X.copy()
        if rows:
            mixed = X[order]
        mixed[:, j] = X[order, j]
        found.append(total(loss(y - predict(mixed))) - start)
    return np.array(found)


@exercise("massnet-importance", _table, returns="the importance")
def massnet_importance(
    predict: Callable[[Array], Array], X: Array, y: Array, order: Array
) -> Array:
    """Growth of the mean squared error when one column is shuffled."""
    return _growth(predict, X, y, order)


@massnet_importance.mistake(
    "These are the errors after shuffling. Subtract the error before: a feature that is not used "
    "should have the importance zero."
)
def _importance_without_before(
    predict: Callable[[Array], Array], X: Array, y: Array, order: Array
) -> Array:
    return _growth(predict, X, y, order, before=False)


@massnet_importance.mistake(
    "Columns remain shuffled when the next one is. Begin with a fresh copy of X for each column."
)
def _importance_kept(predict: Callable[[Array], Array], X: Array, y: Array, order: Array) -> Array:
    return _growth(predict, X, y, order, keep=True)


@massnet_importance.mistake(
    "All columns are shuffled together, so that each number is the same. Only the column j is "
    "put into the new order."
)
def _importance_rows(predict: Callable[[Array], Array], X: Array, y: Array, order: Array) -> Array:
    return _growth(predict, X, y, order, rows=True)


@massnet_importance.mistake(
    "These are differences of the root mean square errors. Take those of the mean squares."
)
def _importance_roots(predict: Callable[[Array], Array], X: Array, y: Array, order: Array) -> Array:
    return _growth(predict, X, y, order, total=lambda values: float(np.sqrt(np.mean(values))))


@massnet_importance.mistake(
    "These are sums over the samples. The importance is a difference of means."
)
def _importance_sums(predict: Callable[[Array], Array], X: Array, y: Array, order: Array) -> Array:
    return _growth(predict, X, y, order, total=np.sum)


@massnet_importance.mistake(
    "The sign is turned round: an important feature makes the error grow, and its importance is "
    "positive."
)
def _importance_sign(predict: Callable[[Array], Array], X: Array, y: Array, order: Array) -> Array:
    return -_growth(predict, X, y, order)
