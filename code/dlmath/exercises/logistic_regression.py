"""Checkers for the exercises of the chapter on logistic regression."""

import numpy as np
from scipy import optimize
from scipy.special import expit, logsumexp

from dlmath.exercises.framework import Arguments, exercise

Array = np.ndarray


def _expit(z: Array) -> Array:
    return 1 / (1 + np.exp(-z))


def _classification(rng: np.random.Generator) -> Arguments:
    """Draw columns of unequal scales, labels that overlap, parameters and a penalty."""
    n, p = int(rng.integers(12, 30)), int(rng.integers(3, 6))
    X = rng.normal(size=(n, p)) * rng.uniform(0.5, 2, size=p) + rng.uniform(0.2, 0.6, size=p)
    y = (rng.random(n) < _expit(X @ rng.normal(size=p))).astype(float)
    y[:2] = 0, 1
    return {"X": X, "y": y, "theta": 0.5 * rng.normal(size=p), "lam": rng.uniform(0.05, 0.5)}


def _error(X: Array, y: Array, theta: Array) -> Array:
    return _expit(X @ theta) - y


# logistic-gradient


@exercise("logistic-gradient", _classification, returns="the gradient")
def logistic_gradient(X: Array, y: Array, theta: Array, lam: float) -> Array:
    """Gradient of the mean cross-entropy and the penalty."""
    return X.T @ _error(X, y, theta) / len(y) + 2 * lam * theta


@logistic_gradient.mistake(
    "The cross-entropies are summed and not averaged: the cost has a 1/n, so divide the first "
    "term by n."
)
def _gradient_of_sum(X: Array, y: Array, theta: Array, lam: float) -> Array:
    return X.T @ _error(X, y, theta) + 2 * lam * theta


@logistic_gradient.mistake(
    "The first term has the wrong sign: the error is prediction minus label, or the descent "
    "climbs away from the labels."
)
def _gradient_of_minus(X: Array, y: Array, theta: Array, lam: float) -> Array:
    return -X.T @ _error(X, y, theta) / len(y) + 2 * lam * theta


@logistic_gradient.mistake("The derivative of lam ||theta||^2 has a factor 2.")
def _gradient_without_2(X: Array, y: Array, theta: Array, lam: float) -> Array:
    return X.T @ _error(X, y, theta) / len(y) + lam * theta


@logistic_gradient.mistake(
    "The first term has a factor 2, as the squares of least squares give one. The derivative of "
    "the cross-entropy by the score is the error itself."
)
def _gradient_of_squares(X: Array, y: Array, theta: Array, lam: float) -> Array:
    return 2 * X.T @ _error(X, y, theta) / len(y) + 2 * lam * theta


@logistic_gradient.mistake(
    "The errors are multiplied by the slope of the logistic function: that is the gradient of the "
    "squared error of the probabilities. In the cross-entropy the slope cancels."
)
def _gradient_of_brier(X: Array, y: Array, theta: Array, lam: float) -> Array:
    p = _expit(X @ theta)
    return X.T @ ((p - y) * p * (1 - p)) / len(y) + 2 * lam * theta


@logistic_gradient.mistake(
    "The score X theta stands in the place of the probability: send it through the logistic "
    "function first."
)
def _gradient_of_scores(X: Array, y: Array, theta: Array, lam: float) -> Array:
    return X.T @ (X @ theta - y) / len(y) + 2 * lam * theta


# logistic-irls


def _step(X: Array, y: Array, theta: Array, penalty: float, sign: float = 1.0) -> Array:
    """Take a step to the minimum of a parabola whose Hessian has n times this penalty, halved."""
    z = X @ theta
    p = _expit(z)
    s = p * (1 - p)
    right = X.T @ (s * z + sign * (y - p))
    return np.linalg.solve(X.T @ (s[:, np.newaxis] * X) + penalty * np.eye(X.shape[1]), right)


@exercise("logistic-irls", _classification, returns="theta")
def logistic_irls(X: Array, y: Array, theta: Array, lam: float) -> Array:
    """One step of Newton's method."""
    return _step(X, y, theta, 2 * len(y) * lam)


@logistic_irls.mistake(
    "The penalty is too weak by a factor n: beside the sum X^T S X stands 2 n lam, so the "
    "appended rows are sqrt(2 n lam) I."
)
def _step_without_n(X: Array, y: Array, theta: Array, lam: float) -> Array:
    return _step(X, y, theta, 2 * lam)


@logistic_irls.mistake(
    "The penalty lacks its factor 2. In ridge regression both terms have it and it cancels; the "
    "Hessian of the cross-entropy is X^T S X / n without a 2."
)
def _step_without_2(X: Array, y: Array, theta: Array, lam: float) -> Array:
    return _step(X, y, theta, len(y) * lam)


@logistic_irls.mistake(
    "The sign of the error in the working response is wrong: it is y minus the prediction."
)
def _step_backwards(X: Array, y: Array, theta: Array, lam: float) -> Array:
    return _step(X, y, theta, 2 * len(y) * lam, -1.0)


@logistic_irls.mistake("This is Newton's step without the penalty.")
def _step_unpenalised(X: Array, y: Array, theta: Array, lam: float) -> Array:
    return _step(X, y, theta, 0.0)


@logistic_irls.mistake(
    "The rows are multiplied by the weights s and not by their roots: least squares squares them "
    "once more."
)
def _step_with_squared_weights(X: Array, y: Array, theta: Array, lam: float) -> Array:
    z = X @ theta
    p = _expit(z)
    s = p * (1 - p)
    left = X.T @ (s[:, np.newaxis] ** 2 * X) + 2 * len(y) * lam * np.eye(X.shape[1])
    return np.linalg.solve(left, X.T @ (s**2 * (z + (y - p) / s)))


@logistic_irls.mistake(
    "The working response is the error over s alone. The present scores X theta belong to it, "
    "unless you add theta at the end and leave the penalty's part of the gradient in."
)
def _step_from_zero(X: Array, y: Array, theta: Array, lam: float) -> Array:
    p = _expit(X @ theta)
    s = p * (1 - p)
    left = X.T @ (s[:, np.newaxis] * X) + 2 * len(y) * lam * np.eye(X.shape[1])
    return np.linalg.solve(left, X.T @ (y - p))


# logistic-auc


def _scores(rng: np.random.Generator) -> Arguments:
    """Draw scores in a few steps, so that there are ties, of two classes of unequal size."""
    n = int(rng.integers(20, 40))
    y = (rng.random(n) < 0.35).astype(int)
    y[:3] = 0, 1, 1
    return {"score": np.round(2 * (rng.normal(size=n) + y)) / 2, "y": y}


def _pairs(score: Array, y: Array) -> Array:
    return score[y == 1][:, np.newaxis] - score[y == 0]


@exercise("logistic-auc", _scores, returns="the area")
def logistic_auc(score: Array, y: Array) -> float:
    """Share of the pairs in the right order."""
    difference = _pairs(score, y)
    return float(np.mean((difference > 0) + 0.5 * (difference == 0)))


@logistic_auc.mistake("Ties do not count at all here: each is worth one half.")
def _auc_without_ties(score: Array, y: Array) -> float:
    return float(np.mean(_pairs(score, y) > 0))


@logistic_auc.mistake("Ties count as won: each is worth one half.")
def _auc_with_whole_ties(score: Array, y: Array) -> float:
    return float(np.mean(_pairs(score, y) >= 0))


@logistic_auc.mistake(
    "The sign of the comparison is wrong: this is the share of the pairs in which the sample with "
    "y = 0 has the larger score."
)
def _auc_reversed(score: Array, y: Array) -> float:
    return 1 - float(logistic_auc.reference(score, y))


@logistic_auc.mistake(
    "The number of pairs won is divided by n^2. There are n1 n0 pairs of a sample with y = 1 and "
    "one with y = 0."
)
def _auc_of_all_pairs(score: Array, y: Array) -> float:
    difference = _pairs(score, y)
    return float(np.sum((difference > 0) + 0.5 * (difference == 0)) / len(y) ** 2)


@logistic_auc.mistake(
    "This is the number of pairs won, Mann and Whitney's U: divide it by the number of pairs, "
    "n1 n0."
)
def _auc_as_count(score: Array, y: Array) -> float:
    difference = _pairs(score, y)
    return float(np.sum((difference > 0) + 0.5 * (difference == 0)))


# logistic-prior


def _probabilities(rng: np.random.Generator) -> Arguments:
    n = int(rng.integers(6, 12))
    return {
        "p": rng.uniform(0.05, 0.95, size=n),
        "trained": float(rng.uniform(0.4, 0.6)),
        "nature": float(rng.uniform(0.05, 0.2)),
    }


def _shifted(p: Array, factor: float) -> Array:
    odds = p / (1 - p) * factor
    return odds / (1 + odds)


def _odds(share: float) -> float:
    return share / (1 - share)


@exercise("logistic-prior", _probabilities, returns="the probabilities")
def logistic_prior(p: Array, trained: float, nature: float) -> Array:
    """Probabilities for another share of signal."""
    return _shifted(p, _odds(nature) / _odds(trained))


@logistic_prior.mistake(
    "The shift has the wrong sign: where signal is rarer than in the training, all probabilities "
    "fall. New prior odds over old ones."
)
def _prior_backwards(p: Array, trained: float, nature: float) -> Array:
    return _shifted(p, _odds(trained) / _odds(nature))


@logistic_prior.mistake(
    "The probabilities are multiplied by the ratio of the shares. It is the odds that are "
    "multiplied, by the ratio of the prior odds; a product of probabilities may exceed 1."
)
def _prior_of_probabilities(p: Array, trained: float, nature: float) -> Array:
    return p * nature / trained


@logistic_prior.mistake(
    "The odds are multiplied by the new prior odds; divide by those of the training, which are in "
    "them already."
)
def _prior_not_divided(p: Array, trained: float, nature: float) -> Array:
    return _shifted(p, _odds(nature))


@logistic_prior.mistake(
    "The odds are multiplied by the ratio of the shares. The shares of the background have "
    "changed as well: take the ratio of the prior odds."
)
def _prior_of_shares(p: Array, trained: float, nature: float) -> Array:
    return _shifted(p, nature / trained)


@logistic_prior.mistake("These are the right odds. The probability is odds / (1 + odds).")
def _prior_as_odds(p: Array, trained: float, nature: float) -> Array:
    return p / (1 - p) * _odds(nature) / _odds(trained)


# ising-acceptance


def _lattice(rng: np.random.Generator) -> Arguments:
    """Draw a configuration with an odd and an even size, some of them mostly up."""
    size = int(rng.integers(4, 8))
    spins = np.where(rng.random((size, size)) < rng.uniform(0.5, 0.8), 1, -1)
    return {"spins": spins, "temperature": rng.uniform(1.5, 3.5)}


def _cost(spins: Array) -> Array:
    """Give the cost of each flip."""
    return 2 * spins * sum(np.roll(spins, step, axis) for axis in (0, 1) for step in (1, -1))


@exercise("ising-acceptance", _lattice, returns="the array of probabilities")
def ising_acceptance(spins: Array, temperature: float) -> Array:
    """Metropolis' probability for the flip of each spin."""
    return np.minimum(1, np.exp(-_cost(spins) / temperature))


@ising_acceptance.mistake(
    "The cost of a flip lacks its factor 2: a bond of energy -1 becomes one of +1."
)
def _acceptance_without_2(spins: Array, temperature: float) -> Array:
    return np.minimum(1, np.exp(-_cost(spins) / 2 / temperature))


@ising_acceptance.mistake(
    "The sign of the cost is wrong: a flip against aligned neighbours costs energy, and is "
    "accepted less often."
)
def _acceptance_with_other_sign(spins: Array, temperature: float) -> Array:
    return np.minimum(1, np.exp(_cost(spins) / temperature))


@ising_acceptance.mistake(
    "Some of the probabilities exceed 1: a flip that gains energy is accepted always, min(1, ...)."
)
def _acceptance_above_1(spins: Array, temperature: float) -> Array:
    return np.exp(-_cost(spins) / temperature)


@ising_acceptance.mistake(
    "At the edges neighbours are missing: the boundaries are periodic, and each site has four."
)
def _acceptance_with_edges(spins: Array, temperature: float) -> Array:
    padded = np.pad(spins, 1)
    near = padded[:-2, 1:-1] + padded[2:, 1:-1] + padded[1:-1, :-2] + padded[1:-1, 2:]
    return np.minimum(1, np.exp(-2 * spins * near / temperature))


@ising_acceptance.mistake(
    "Only the neighbours to the right and below are counted. They are enough for the energy of the "
    "lattice; a flip changes all four bonds of its site."
)
def _acceptance_with_two(spins: Array, temperature: float) -> Array:
    near = np.roll(spins, -1, 0) + np.roll(spins, -1, 1)
    return np.minimum(1, np.exp(-2 * spins * near / temperature))


@ising_acceptance.mistake(
    "These are the probabilities 1/(1 + exp(cost/temperature)) of the heat bath, which are in "
    "detailed balance too but are not Metropolis'."
)
def _acceptance_of_heat_bath(spins: Array, temperature: float) -> Array:
    return expit(-_cost(spins) / temperature)


# ising-free-energy


def _two_samples(rng: np.random.Generator) -> Arguments:
    """Draw energies at two temperatures for a Gaussian density of states, of unequal numbers."""
    tau1 = rng.uniform(1.8, 2.2)
    tau2 = tau1 + rng.uniform(0.2, 0.4)
    spread = rng.uniform(15, 25)
    n1, n2 = int(rng.integers(30, 60)), int(rng.integers(80, 120))
    E1, E2 = (rng.normal(-(spread**2) / tau, spread, n) for n, tau in ((n1, tau1), (n2, tau2)))
    return {"E1": E1, "E2": E2, "tau1": tau1, "tau2": tau2}


def _balance(E1: Array, E2: Array, slope: float, offset: float, total: float) -> float:
    """Find F such that the probabilities expit(slope E + offset - F) sum to the total."""
    z = slope * np.concatenate([E1, E2]) + offset
    return float(
        optimize.brentq(
            lambda F: expit(z - F).sum() - total, z.min() - 50, z.max() + 50, xtol=1e-12
        )
    )


@exercise("ising-free-energy", _two_samples, returns="F")
def ising_free_energy(E1: Array, E2: Array, tau1: float, tau2: float) -> float:
    """Difference of the logarithms of two partition functions, by maximum likelihood."""
    n1, n2 = len(E1), len(E2)
    return _balance(E1, E2, 1 / tau2 - 1 / tau1, np.log(n1 / n2), n1)


@ising_free_energy.mistake(
    "The numbers of samples differ, n_1 and n_2, and this belongs into the odds: the intercept of "
    "the fit is log(n_1/n_2) - F."
)
def _without_odds(E1: Array, E2: Array, tau1: float, tau2: float) -> float:
    return _balance(E1, E2, 1 / tau2 - 1 / tau1, 0.0, len(E1))


@ising_free_energy.mistake(
    "The ratio of the numbers of samples is upside down: label 1 belongs to tau_1, and its odds "
    "grow with n_1/n_2."
)
def _with_inverse_odds(E1: Array, E2: Array, tau1: float, tau2: float) -> float:
    return _balance(E1, E2, 1 / tau2 - 1 / tau1, np.log(len(E2) / len(E1)), len(E1))


@ising_free_energy.mistake(
    "The slope has the wrong sign: low energies speak for the lower temperature, so it is "
    "1/tau_2 - 1/tau_1."
)
def _with_other_slope(E1: Array, E2: Array, tau1: float, tau2: float) -> float:
    return _balance(E1, E2, 1 / tau1 - 1 / tau2, np.log(len(E1) / len(E2)), len(E1))


@ising_free_energy.mistake(
    "The energies are multiplied by the difference of the temperatures; in the exponent they are "
    "divided by the temperature, so that the slope is 1/tau_2 - 1/tau_1."
)
def _with_temperatures(E1: Array, E2: Array, tau1: float, tau2: float) -> float:
    return _balance(E1, E2, tau1 - tau2, np.log(len(E1) / len(E2)), len(E1))


@ising_free_energy.mistake(
    "This uses the samples of one temperature only: the mean of exp((1/tau_2 - 1/tau_1) E) under "
    "tau_2 is Z_1/Z_2 too, but rare energies rule it. Let both samples speak."
)
def _from_one_side(E1: Array, E2: Array, tau1: float, tau2: float) -> float:
    return float(logsumexp((1 / tau2 - 1 / tau1) * E2) - np.log(len(E2)))
