"""Checkers for the exercises of the chapter on Boltzmann machines."""

import numpy as np
from scipy.special import expit, logsumexp

from dlmath.exercises.framework import Arguments, exercise

Array = np.ndarray


def _bits(rng: np.random.Generator, n: int, units: int) -> Array:
    return rng.integers(0, 2, (n, units)).astype(float)


def _machine(rng: np.random.Generator) -> Arguments:
    n, d, m = int(rng.integers(5, 12)), int(rng.integers(3, 6)), int(rng.integers(6, 9))
    return {
        "X": _bits(rng, n, d),
        "W": rng.normal(size=(d, m)),
        "b": rng.normal(size=d),
        "c": rng.normal(size=m),
    }


# boltzmann-free-energy


@exercise("boltzmann-free-energy", _machine, returns="F")
def free_energy(X: Array, W: Array, b: Array, c: Array) -> Array:
    """Free energy of each row."""
    return -X @ b - np.logaddexp(0, X @ W + c).sum(axis=1)


@free_energy.mistake(
    "The term of the visible biases has the wrong sign: ink where b is large lowers the energy."
)
def _energy_bias_sign(X: Array, W: Array, b: Array, c: Array) -> Array:
    return X @ b - np.logaddexp(0, X @ W + c).sum(axis=1)


@free_energy.mistake(
    "The visible biases are missing: -b.x stands before the sum over hidden units."
)
def _energy_without_b(X: Array, W: Array, b: Array, c: Array) -> Array:
    return -np.logaddexp(0, X @ W + c).sum(axis=1)


@free_energy.mistake(
    "This is the mean energy, with each hidden unit at its probability. The free energy also has "
    "the entropy of the hidden units: sum e^(-E) over them, and take minus the logarithm."
)
def _energy_mean(X: Array, W: Array, b: Array, c: Array) -> Array:
    field = X @ W + c
    return -X @ b - np.sum(field * expit(field), axis=1)


@free_energy.mistake("The biases c of the hidden units are missing inside the softplus.")
def _energy_without_c(X: Array, W: Array, b: Array, c: Array) -> Array:
    return -X @ b - np.logaddexp(0, X @ W).sum(axis=1)


@free_energy.mistake(
    "This is the energy of the best hidden state, the maximum of 0 and the field. The sum over "
    "both states of a unit makes it a softplus."
)
def _energy_of_best(X: Array, W: Array, b: Array, c: Array) -> Array:
    return -X @ b - np.maximum(0, X @ W + c).sum(axis=1)


# boltzmann-gradient


def _phases(rng: np.random.Generator) -> Arguments:
    given = _machine(rng)
    V = _bits(rng, int(rng.integers(13, 20)), given["X"].shape[1])
    return {"X": given["X"], "V": V, "W": given["W"], "c": given["c"]}


def _moment(X: Array, W: Array, c: Array) -> Array:
    return X.T @ expit(X @ W + c)


@exercise("boltzmann-gradient", _phases, returns="the gradient")
def gradient(X: Array, V: Array, W: Array, c: Array) -> Array:
    """Positive minus negative phase for W."""
    return _moment(X, W, c) / len(X) - _moment(V, W, c) / len(V)


@gradient.mistake(
    "Only the positive phase is here. Without the negative one the weights grow for ever."
)
def _no_negative(X: Array, V: Array, W: Array, c: Array) -> Array:
    return _moment(X, W, c) / len(X)


@gradient.mistake(
    "Both phases are sums: each must be a mean over its own rows, divided by n for the data and "
    "by the number of chains."
)
def _phases_are_sums(X: Array, V: Array, W: Array, c: Array) -> Array:
    return _moment(X, W, c) - _moment(V, W, c)


@gradient.mistake(
    "Both phases are divided by the same number. The chains are another number of rows than the "
    "n samples: each mean has its own."
)
def _one_number(X: Array, V: Array, W: Array, c: Array) -> Array:
    return (_moment(X, W, c) - _moment(V, W, c)) / len(X)


@gradient.mistake(
    "The hidden units of the chains are computed from the data: each phase has hidden units of "
    "its own visible ones. Here both phases are also the same."
)
def _zero(X: Array, V: Array, W: Array, c: Array) -> Array:
    return np.zeros_like(W)


@gradient.mistake("The biases c of the hidden units are missing in their probabilities.")
def _without_c(X: Array, V: Array, W: Array, c: Array) -> Array:
    return _moment(X, W, 0 * c) / len(X) - _moment(V, W, 0 * c) / len(V)


# boltzmann-mean-field


def _spins(rng: np.random.Generator) -> Arguments:
    n, d = int(rng.integers(60, 120)), int(rng.integers(3, 6))
    common = rng.normal(size=(n, 1))
    S = np.where(rng.normal(size=(n, d)) + 0.7 * common + 0.4 > 0, 1.0, -1.0)
    return {"S": S}


def _inverse(S: Array) -> Array:
    return np.linalg.inv(np.cov(S.T, bias=True))


def _off_diagonal(A: Array) -> Array:
    return A - np.diag(np.diag(A))


@exercise("boltzmann-mean-field", _spins, returns="J")
def mean_field(S: Array) -> Array:
    """Minus the inverse covariance, off the diagonal."""
    return -_off_diagonal(_inverse(S))


@mean_field.mistake("The means are not subtracted: C is the covariance, not the mean product.")
def _not_centred(S: Array) -> Array:
    return -_off_diagonal(np.linalg.inv(S.T @ S / len(S)))


@mean_field.mistake(
    "The covariance divides by n - 1 here; the exercise asks for 1/n, the covariance of the data."
)
def _unbiased(S: Array) -> Array:
    return -_off_diagonal(np.linalg.inv(np.cov(S.T)))


@mean_field.mistake(
    "The diagonal of the inverse is still there. A spin has no coupling to itself: set it to zero."
)
def _with_diagonal(S: Array) -> Array:
    return -_inverse(S)


@mean_field.mistake(
    "These are the correlations, not the couplings. Spins are correlated through others as well; "
    "the inverse of the covariance takes that out."
)
def _correlations(S: Array) -> Array:
    return _off_diagonal(np.cov(S.T, bias=True))


@mean_field.mistake(
    "The covariance is not divided by n, so its inverse is too small by that factor."
)
def _covariance_sum(S: Array) -> Array:
    return -_off_diagonal(_inverse(S)) / len(S)


# boltzmann-ais


def _weights(rng: np.random.Generator) -> Arguments:
    M = int(rng.integers(20, 60))
    return {"log_w": 900 + 1.5 * rng.normal(size=M), "log_Z0": float(rng.uniform(20, 40))}


def _averaged(log_w: Array, log_Z0: float, ddof: int = 1) -> tuple[float, float]:
    w = np.exp(log_w - log_w.max())
    error = w.std(ddof=ddof) / w.mean() / np.sqrt(len(w))
    return float(log_Z0 + log_w.max() + np.log(w.mean())), float(error)


@exercise("boltzmann-ais", _weights, returns=("log Z", "the standard error"))
def ais(log_w: Array, log_Z0: float) -> tuple[float, float]:
    """Logarithm of the averaged weight, and its standard error."""
    return _averaged(log_w, log_Z0)


@ais.mistake(
    "The logarithms are averaged. Average the weights: the mean logarithm is too small by a "
    "divergence, however many runs there are."
)
def _mean_of_logs(log_w: Array, log_Z0: float) -> tuple[float, float]:
    return float(log_Z0 + log_w.mean()), float(log_w.std(ddof=1) / np.sqrt(len(log_w)))


@ais.mistake(
    "The weights are added and not averaged: log n is too much, with n the number of runs."
)
def _sum_of_weights(log_w: Array, log_Z0: float) -> tuple[float, float]:
    return float(log_Z0 + logsumexp(log_w)), _averaged(log_w, log_Z0)[1]


@ais.mistake("log Z_0 has the wrong sign: the mean weight estimates Z / Z_0, so log Z_0 is added.")
def _minus_start(log_w: Array, log_Z0: float) -> tuple[float, float]:
    log_Z, error = _averaged(log_w, log_Z0)
    return log_Z - 2 * log_Z0, error


@ais.mistake("The estimate is that of Z / Z_0: add log Z_0.")
def _without_start(log_w: Array, log_Z0: float) -> tuple[float, float]:
    return _averaged(log_w, 0.0)


@ais.mistake(
    "The error is the spread of a single run. That of the mean of n runs is smaller by the root "
    "of n."
)
def _spread(log_w: Array, log_Z0: float) -> tuple[float, float]:
    log_Z, error = _averaged(log_w, log_Z0)
    return log_Z, float(error * np.sqrt(len(log_w)))


@ais.mistake("The standard deviation should divide by M - 1, not by M: use ddof=1.")
def _ddof(log_w: Array, log_Z0: float) -> tuple[float, float]:
    return _averaged(log_w, log_Z0, 0)
