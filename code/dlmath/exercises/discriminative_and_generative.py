"""Checkers for the exercises of the chapter on discriminative and generative models."""

import numpy as np

from dlmath.exercises.framework import Arguments, exercise

Array = np.ndarray


def _labels(rng: np.random.Generator, n: int) -> Array:
    """Draw labels of unequal shares, with some of each class."""
    y = (rng.uniform(size=n) < rng.uniform(0.25, 0.4)).astype(int)
    y[:4] = [0, 1, 0, 1]
    return y


def _two_classes(rng: np.random.Generator) -> Arguments:
    n, p = int(rng.integers(30, 60)), int(rng.integers(2, 5))
    y = _labels(rng, n)
    mix = rng.normal(size=(p, p)) + 2 * np.eye(p)
    X = rng.normal(size=(n, p)) @ mix + np.outer(y, rng.uniform(1, 2, p)) + rng.uniform(1, 2, p)
    return {"X": X, "y": y}


def _logit(X: Array, y: Array, covariance: Array) -> tuple[float, Array]:
    m0, m1 = X[y == 0].mean(axis=0), X[y == 1].mean(axis=0)
    w = np.linalg.solve(covariance, m1 - m0)
    return float(np.log(np.sum(y == 1) / np.sum(y == 0)) - (m0 + m1) @ w / 2), w


def _within(X: Array, y: Array) -> Array:
    """Sum the products of deviations from the means of the classes."""
    spread = X.astype(float)
    for k in (0, 1):
        spread[y == k] -= X[y == k].mean(axis=0)
    return spread.T @ spread


# generative-logit


@exercise("generative-logit", _two_classes, returns=("b", "w"))
def generative_logit(X: Array, y: Array) -> tuple[float, Array]:
    """Intercept and coefficients of linear discriminant analysis."""
    return _logit(X, y, _within(X, y) / len(y))


@generative_logit.mistake(
    "The covariance is divided by n - 2. That is the unbiased estimate; the likelihood is largest "
    "with n."
)
def _logit_unbiased(X: Array, y: Array) -> tuple[float, Array]:
    return _logit(X, y, _within(X, y) / (len(y) - 2))


@generative_logit.mistake(
    "The covariance is taken about the mean of all samples. Take it about the mean of each class: "
    "the distance of the classes does not belong to their width."
)
def _logit_total(X: Array, y: Array) -> tuple[float, Array]:
    return _logit(X, y, np.cov(X.T, bias=True))


@generative_logit.mistake(
    "The covariance is the plain mean of those of the classes. The classes do not have equally "
    "many samples: weight each by its share."
)
def _logit_plain_mean(X: Array, y: Array) -> tuple[float, Array]:
    first, second = (np.cov(X[y == k].T, bias=True) for k in (0, 1))
    return _logit(X, y, (first + second) / 2)


@generative_logit.mistake(
    "w is right, and b lacks the logarithm of the ratio of the shares: the classes are not equally "
    "frequent."
)
def _logit_without_shares(X: Array, y: Array) -> tuple[float, Array]:
    b, w = generative_logit.reference(X, y)
    return b - np.log(np.sum(y == 1) / np.sum(y == 0)), w


@generative_logit.mistake("w is right; the factor 1/2 before the sum of the means is missing in b.")
def _logit_without_half(X: Array, y: Array) -> tuple[float, Array]:
    b, w = generative_logit.reference(X, y)
    odds = np.log(np.sum(y == 1) / np.sum(y == 0))
    return 2 * b - odds, w


@generative_logit.mistake(
    "These are the log-odds of class 0 against class 1: both signs are turned round."
)
def _logit_turned(X: Array, y: Array) -> tuple[float, Array]:
    b, w = generative_logit.reference(X, y)
    return -b, -w


@generative_logit.mistake(
    "w is the difference of the means itself: multiply it by the inverse of the covariance."
)
def _logit_without_covariance(X: Array, y: Array) -> tuple[float, Array]:
    return _logit(X, y, np.eye(X.shape[1]))


# generative-shift


def _shift(rng: np.random.Generator) -> Arguments:
    return {
        "probability": rng.uniform(0.02, 0.98, size=int(rng.integers(6, 12))),
        "old": rng.uniform(0.35, 0.65),
        "new": rng.uniform(0.02, 0.2),
    }


def _reweighed(probability: Array, one: float, zero: float) -> Array:
    return probability * one / (probability * one + (1 - probability) * zero)


@exercise("generative-shift", _shift, returns="the probability")
def generative_shift(probability: Array, old: float, new: float) -> Array:
    """Posterior after a change of the shares."""
    return _reweighed(probability, new / old, (1 - new) / (1 - old))


@generative_shift.mistake(
    "The result is not normalised: weight the probability of class 0 in the same way, and divide "
    "by the sum."
)
def _shift_not_normalised(probability: Array, old: float, new: float) -> Array:
    return probability * new / old


@generative_shift.mistake(
    "The log-odds have moved with the wrong sign, from the new share to the old one."
)
def _shift_backwards(probability: Array, old: float, new: float) -> Array:
    return _reweighed(probability, old / new, (1 - old) / (1 - new))


@generative_shift.mistake(
    "The new shares have come in and the old ones are still there: the given probability contains "
    "them, divide by them."
)
def _shift_without_old(probability: Array, old: float, new: float) -> Array:
    return _reweighed(probability, new, 1 - new)


@generative_shift.mistake(
    "Only class 1 has been weighted; the share of class 0 has changed as well, from 1 - old to "
    "1 - new."
)
def _shift_one_class(probability: Array, old: float, new: float) -> Array:
    return _reweighed(probability, new / old, 1)


# generative-missing


def _with_gaps(rng: np.random.Generator) -> Arguments:
    p = int(rng.integers(4, 7))
    mix = rng.normal(size=(p, p)) + np.eye(p)
    means = rng.normal(size=(2, p))
    x = rng.normal(size=p) + means.mean(axis=0)
    x[rng.choice(p, 2, replace=False)] = np.nan
    share = rng.uniform(0.3, 0.45)
    priors = np.array([1 - share, share])
    return {"x": x, "priors": priors, "means": means, "Sigma": mix @ mix.T / p + 0.5 * np.eye(p)}


def _posterior(x: Array, priors: Array, means: Array, inverse: Array) -> float:
    """Evaluate the probability of class 1 with a given inverse covariance."""
    w = inverse @ (means[1] - means[0])
    logit = np.log(priors[1] / priors[0]) + w @ (x - means.mean(axis=0))
    return float(1 / (1 + np.exp(-logit)))


@exercise("generative-missing", _with_gaps, returns="the probability")
def generative_missing(x: Array, priors: Array, means: Array, Sigma: Array) -> float:
    """Posterior from the features that are there."""
    seen = ~np.isnan(x)
    inverse = np.linalg.inv(Sigma[np.ix_(seen, seen)])
    return _posterior(x[seen], priors, means[:, seen], inverse)


@generative_missing.mistake(
    "The block was taken out of the inverse of Sigma. Take the block of Sigma first, and invert it "
    "then: the block of the inverse is not the inverse of the block."
)
def _missing_block_of_inverse(x: Array, priors: Array, means: Array, Sigma: Array) -> float:
    seen = ~np.isnan(x)
    return _posterior(x[seen], priors, means[:, seen], np.linalg.inv(Sigma)[np.ix_(seen, seen)])


@generative_missing.mistake(
    "The gaps have been filled with zeros. A zero is a measurement, and not the absence of one."
)
def _missing_zeros(x: Array, priors: Array, means: Array, Sigma: Array) -> float:
    return _posterior(np.nan_to_num(x), priors, means, np.linalg.inv(Sigma))


@generative_missing.mistake(
    "The gaps have been filled with a mean. A value that was not measured must not count as one: "
    "integrate over it."
)
def _missing_means(x: Array, priors: Array, means: Array, Sigma: Array) -> float:
    filled = np.where(np.isnan(x), priors @ means, x)
    return _posterior(filled, priors, means, np.linalg.inv(Sigma))


@generative_missing.mistake("This is the probability of class 0: look at the sign of the log-odds.")
def _missing_other_class(x: Array, priors: Array, means: Array, Sigma: Array) -> float:
    return 1 - generative_missing.reference(x, priors, means, Sigma)


@generative_missing.mistake(
    "The shares of the classes are missing: they are not equal, and log(priors[1]/priors[0]) "
    "belongs to the log-odds."
)
def _missing_shares(x: Array, priors: Array, means: Array, Sigma: Array) -> float:
    return generative_missing.reference(x, np.ones(2), means, Sigma)


# generative-poisson


def _counts(rng: np.random.Generator) -> Arguments:
    n, p = int(rng.integers(40, 70)), int(rng.integers(3, 6))
    y = _labels(rng, n)
    rates = rng.uniform(3, 12, size=(2, p))
    return {"X": rng.poisson(rates[y]), "y": y}


def _rates(X: Array, y: Array) -> tuple[Array, Array, float]:
    share = y.mean()
    return X[y == 0].mean(axis=0), X[y == 1].mean(axis=0), float(np.log(share / (1 - share)))


@exercise("generative-poisson", _counts, returns=("b", "w"))
def generative_poisson(X: Array, y: Array) -> tuple[float, Array]:
    """Log-odds of two classes of independent Poisson counts."""
    r0, r1, odds = _rates(X, y)
    return odds - float(np.sum(r1 - r0)), np.log(r1 / r0)


@generative_poisson.mistake(
    "w is right, and b lacks the rates: the factors exp(-r) of the Poisson distribution do not "
    "cancel."
)
def _poisson_without_rates(X: Array, y: Array) -> tuple[float, Array]:
    r0, r1, odds = _rates(X, y)
    return odds, np.log(r1 / r0)


@generative_poisson.mistake("w is right; the rates stand in b with the wrong sign.")
def _poisson_sign(X: Array, y: Array) -> tuple[float, Array]:
    r0, r1, odds = _rates(X, y)
    return odds + float(np.sum(r1 - r0)), np.log(r1 / r0)


@generative_poisson.mistake("w is right; the logarithm of the ratio of the shares is not in b.")
def _poisson_without_shares(X: Array, y: Array) -> tuple[float, Array]:
    r0, r1, _ = _rates(X, y)
    return -float(np.sum(r1 - r0)), np.log(r1 / r0)


@generative_poisson.mistake(
    "w is the difference of the rates. The counts stand in the exponent of the rates, so the "
    "log-odds contain log(r1/r0)."
)
def _poisson_difference(X: Array, y: Array) -> tuple[float, Array]:
    r0, r1, odds = _rates(X, y)
    return odds - float(np.sum(r1 - r0)), r1 - r0


@generative_poisson.mistake(
    "These are the log-odds of class 0 against class 1: both signs are turned round."
)
def _poisson_turned(X: Array, y: Array) -> tuple[float, Array]:
    b, w = generative_poisson.reference(X, y)
    return -b, -w
