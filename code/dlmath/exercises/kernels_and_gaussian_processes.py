"""Checkers for the exercises of the chapter on kernels and Gaussian processes."""

import numpy as np

from dlmath.exercises.framework import Arguments, exercise

Array = np.ndarray


def _distances(x: Array, z: Array) -> Array:
    return x[:, np.newaxis] - z


def _rbf(x: Array, z: Array, length: float) -> Array:
    return np.exp(-(_distances(x, z) ** 2) / (2 * length**2))


def _log_evidence(K: Array, y: Array, fit: float = 0.5, volume: float = 0.5) -> float:
    """Compute the log evidence, with other factors before its first two terms on request."""
    constant = len(y) / 2 * np.log(2 * np.pi)
    return float(-fit * y @ np.linalg.solve(K, y) - volume * np.linalg.slogdet(K)[1] - constant)


# kernels-ridge


def _gram(rng: np.random.Generator) -> Arguments:
    n = int(rng.integers(8, 25))
    x = np.sort(rng.uniform(0, 6, n))
    y = np.sin(x) + 0.3 * rng.normal(size=n)
    return {"K": 1.5 * _rbf(x, x, 1.0), "y": y, "lam": rng.uniform(0.01, 0.1)}


def _coefficients(K: Array, y: Array, penalty: float) -> Array:
    return np.linalg.solve(K + penalty * np.eye(len(y)), y)


@exercise("kernels-ridge", _gram, returns="alpha")
def kernels_ridge(K: Array, y: Array, lam: float) -> Array:
    """Coefficients of the kernels at the samples."""
    return _coefficients(K, y, len(y) * lam)


@kernels_ridge.mistake(
    "The cost has a 1/n: n lambda is what stands beside K, and here it is lambda alone."
)
def _ridge_without_n(K: Array, y: Array, lam: float) -> Array:
    return _coefficients(K, y, lam)


@kernels_ridge.mistake("The sign before n lambda is wrong: the penalty is added to K.")
def _ridge_with_minus(K: Array, y: Array, lam: float) -> Array:
    return _coefficients(K, y, -len(y) * lam)


@kernels_ridge.mistake(
    "The squares have lost a factor 2 against the penalty: it is n lambda, and not 2 n lambda."
)
def _ridge_twice(K: Array, y: Array, lam: float) -> Array:
    return _coefficients(K, y, 2 * len(y) * lam)


@kernels_ridge.mistake("These are the fitted values K alpha. Return the coefficients alpha.")
def _ridge_fitted(K: Array, y: Array, lam: float) -> Array:
    return K @ kernels_ridge.reference(K, y, lam)


@kernels_ridge.mistake(
    "n lambda is added to every element of K. It belongs on the diagonal only: n lambda I."
)
def _ridge_everywhere(K: Array, y: Array, lam: float) -> Array:
    return np.linalg.solve(K + len(y) * lam, y)


@kernels_ridge.mistake(
    "The normal equations are those of least squares on the columns of K with a penalty on "
    "alpha^T alpha. The penalty here is alpha^T K alpha, and one K cancels."
)
def _ridge_on_columns(K: Array, y: Array, lam: float) -> Array:
    return np.linalg.solve(K.T @ K + len(y) * lam * np.eye(len(y)), K.T @ y)


# kernels-posterior


def _new_points(rng: np.random.Generator) -> Arguments:
    n, m = int(rng.integers(6, 15)), int(rng.integers(3, 6))
    x, new = np.sort(rng.uniform(0, 6, n)), rng.uniform(-1, 7, m)
    scale = rng.uniform(0.5, 2)
    return {
        "K": scale * _rbf(x, x, 1.0),
        "k_new": scale * _rbf(new, x, 1.0),
        "prior": np.full(m, scale),
        "y": np.sin(x) + 0.2 * rng.normal(size=n),
        "s": rng.uniform(0.15, 0.4),
    }


def _posterior(K_y: Array, k_new: Array, prior: Array, y: Array) -> tuple[Array, Array]:
    weights = np.linalg.solve(K_y, k_new.T)
    return weights.T @ y, prior - np.sum(k_new.T * weights, axis=0)


@exercise("kernels-posterior", _new_points, returns=("the mean", "the variance"))
def kernels_posterior(
    K: Array, k_new: Array, prior: Array, y: Array, s: float
) -> tuple[Array, Array]:
    """Mean and variance of the function at new points."""
    return _posterior(K + s**2 * np.eye(len(y)), k_new, prior, y)


@kernels_posterior.mistake(
    "The variance on the diagonal is s^2, and here it is s: s is a standard deviation."
)
def _posterior_not_squared(
    K: Array, k_new: Array, prior: Array, y: Array, s: float
) -> tuple[Array, Array]:
    return _posterior(K + s * np.eye(len(y)), k_new, prior, y)


@kernels_posterior.mistake(
    "There is a factor n too many beside s^2: n lambda is s^2/tau^2, so the n is in there already."
)
def _posterior_times_n(
    K: Array, k_new: Array, prior: Array, y: Array, s: float
) -> tuple[Array, Array]:
    return _posterior(K + len(y) * s**2 * np.eye(len(y)), k_new, prior, y)


@kernels_posterior.mistake(
    "The mean is right. The variance is that of a new measurement: it contains s^2, and the "
    "exercise asks for that of the function."
)
def _posterior_of_data(
    K: Array, k_new: Array, prior: Array, y: Array, s: float
) -> tuple[Array, Array]:
    mean, variance = kernels_posterior.reference(K, k_new, prior, y, s)
    return mean, variance + s**2


@kernels_posterior.mistake(
    "The mean is right. The sign in the variance is wrong: data reduce it, so the second term is "
    "subtracted."
)
def _posterior_with_plus(
    K: Array, k_new: Array, prior: Array, y: Array, s: float
) -> tuple[Array, Array]:
    mean, variance = kernels_posterior.reference(K, k_new, prior, y, s)
    return mean, 2 * prior - variance


@kernels_posterior.mistake("The mean is right. Return the variance and not its root.")
def _posterior_sd(K: Array, k_new: Array, prior: Array, y: Array, s: float) -> tuple[Array, Array]:
    mean, variance = kernels_posterior.reference(K, k_new, prior, y, s)
    return mean, np.sqrt(variance)


# kernels-evidence


def _large_gram(rng: np.random.Generator) -> Arguments:
    n = int(rng.integers(150, 200))
    x = np.sort(rng.uniform(0, 6, n))
    s = rng.uniform(0.005, 0.01)
    return {"K": _rbf(x, x, 1.0), "y": np.sin(x) + s * rng.normal(size=n), "s": s}


def _noisy(K: Array, s2: float) -> Array:
    return K + s2 * np.eye(len(K))


@exercise("kernels-evidence", _large_gram, returns="the log evidence")
def kernels_evidence(K: Array, y: Array, s: float) -> float:
    """Logarithm of the density of the data."""
    return _log_evidence(_noisy(K, s**2), y)


@kernels_evidence.mistake(
    "The factor 1/2 before log det K is missing. (With a Cholesky factor it goes: log det K is "
    "twice the sum of the logarithms of L's diagonal.)"
)
def _evidence_whole_volume(K: Array, y: Array, s: float) -> float:
    return _log_evidence(_noisy(K, s**2), y, volume=1.0)


@kernels_evidence.mistake(
    "Only half of the volume term is there: the sum of the logarithms of L's diagonal is 1/2 log "
    "det K already."
)
def _evidence_half_volume(K: Array, y: Array, s: float) -> float:
    return _log_evidence(_noisy(K, s**2), y, volume=0.25)


@kernels_evidence.mistake("The factor 1/2 before the fit term y^T K_y^-1 y is missing.")
def _evidence_whole_fit(K: Array, y: Array, s: float) -> float:
    return _log_evidence(_noisy(K, s**2), y, fit=1.0)


@kernels_evidence.mistake("The sign of the volume term is wrong: large volumes are punished.")
def _evidence_rewards_volume(K: Array, y: Array, s: float) -> float:
    return _log_evidence(_noisy(K, s**2), y, volume=-0.5)


@kernels_evidence.mistake(
    "The variance on the diagonal is s^2, and here it is s: s is a standard deviation."
)
def _evidence_not_squared(K: Array, y: Array, s: float) -> float:
    return _log_evidence(_noisy(K, s), y)


@kernels_evidence.mistake("The constant is missing: n/2 log(2 pi), with the factor n.")
def _evidence_without_constant(K: Array, y: Array, s: float) -> float:
    return kernels_evidence.reference(K, y, s) + len(y) / 2 * np.log(2 * np.pi)


@kernels_evidence.mistake(
    "This is the mean over the samples: there is a factor 1/n that the evidence does not have."
)
def _evidence_mean(K: Array, y: Array, s: float) -> float:
    return kernels_evidence.reference(K, y, s) / len(y)


# kernels-loo


def _covariance(rng: np.random.Generator) -> Arguments:
    n = int(rng.integers(8, 20))
    x = np.sort(rng.uniform(0, 6, n))
    y = np.sin(x) + 0.3 * rng.normal(size=n)
    return {"K_y": 1.3 * _rbf(x, x, 1.0) + np.diag(rng.uniform(0.05, 0.2, n)), "y": y}


@exercise("kernels-loo", _covariance, returns=("the mean", "the variance"))
def kernels_loo(K_y: Array, y: Array) -> tuple[Array, Array]:
    """Mean and variance of each entry given the others."""
    P = np.linalg.inv(K_y)
    return y - P @ y / np.diag(P), 1 / np.diag(P)


@kernels_loo.mistake(
    "The variances are right, and in the place of the means stand the residuals: "
    "the mean is y minus them."
)
def _loo_residuals(K_y: Array, y: Array) -> tuple[Array, Array]:
    mean, variance = kernels_loo.reference(K_y, y)
    return y - mean, variance


@kernels_loo.mistake("The sign in the mean is wrong: [K^-1 y]_i/[K^-1]_ii is subtracted from y_i.")
def _loo_with_plus(K_y: Array, y: Array) -> tuple[Array, Array]:
    mean, variance = kernels_loo.reference(K_y, y)
    return 2 * y - mean, variance


@kernels_loo.mistake(
    "These are the diagonal elements of K_y and not of its inverse. 1/[K^-1]_ii is less than K_ii, "
    "because the others say something about y_i."
)
def _loo_diagonal_of_K(K_y: Array, y: Array) -> tuple[Array, Array]:
    return y - np.linalg.solve(K_y, y) * np.diag(K_y), np.diag(K_y).copy()


@kernels_loo.mistake("The means are right. Of the inverse's diagonal the reciprocal is missing.")
def _loo_precision(K_y: Array, y: Array) -> tuple[Array, Array]:
    mean, variance = kernels_loo.reference(K_y, y)
    return mean, 1 / variance


@kernels_loo.mistake("The means are right. Return the variances and not their roots.")
def _loo_sd(K_y: Array, y: Array) -> tuple[Array, Array]:
    mean, variance = kernels_loo.reference(K_y, y)
    return mean, np.sqrt(variance)


# kernels-gradient


def _wave(rng: np.random.Generator) -> Arguments:
    n = int(rng.integers(8, 20))
    x = np.sort(rng.uniform(0, 6, n))
    return {
        "x": x,
        "y": np.sin(x) + 0.3 * rng.normal(size=n),
        "length": rng.uniform(0.6, 1.6),
        "s": rng.uniform(0.3, 0.5),
    }


def _contracted(W: Array, dK: Array) -> float:
    return float(np.sum(W * dK) / 2)


def _parts(x: Array, y: Array, length: float, s2: float) -> tuple[Array, Array, Array]:
    """Return alpha alpha^T, the inverse of K_y, and dK / d log length."""
    K = _rbf(x, x, length)
    P = np.linalg.inv(_noisy(K, s2))
    return np.outer(P @ y, P @ y), P, K * _distances(x, x) ** 2 / length**2


@exercise("kernels-gradient", _wave, returns="the derivative")
def kernels_gradient(x: Array, y: Array, length: float, s: float) -> float:
    """Slope of the log evidence by the logarithm of the length."""
    outer, P, dK = _parts(x, y, length, s**2)
    return _contracted(outer - P, dK)


@kernels_gradient.mistake(
    "This is the derivative by the length. That by its logarithm has one factor length more."
)
def _gradient_by_length(x: Array, y: Array, length: float, s: float) -> float:
    return kernels_gradient.reference(x, y, length, s) / length


@kernels_gradient.mistake("The sign before the inverse is wrong: alpha alpha^T minus K_y^-1.")
def _gradient_with_plus(x: Array, y: Array, length: float, s: float) -> float:
    outer, P, dK = _parts(x, y, length, s**2)
    return _contracted(outer + P, dK)


@kernels_gradient.mistake("The volume term is missing: this is the derivative of the fit alone.")
def _gradient_of_fit(x: Array, y: Array, length: float, s: float) -> float:
    outer, _, dK = _parts(x, y, length, s**2)
    return _contracted(outer, dK)


@kernels_gradient.mistake(
    "The variance on the diagonal is s^2, and here it is s: s is a standard deviation."
)
def _gradient_not_squared(x: Array, y: Array, length: float, s: float) -> float:
    outer, P, dK = _parts(x, y, length, s)
    return _contracted(outer - P, dK)


@kernels_gradient.mistake(
    "The trace is that of the product entry by entry, which sees only the diagonals. The trace of "
    "a matrix product is the sum over all entries of W * dK, and dK vanishes on the diagonal."
)
def _gradient_trace_of_entries(x: Array, y: Array, length: float, s: float) -> float:
    return 0.0


@kernels_gradient.mistake(
    "This is the derivative divided by n. The log evidence is a sum, and not a mean, over samples."
)
def _gradient_mean(x: Array, y: Array, length: float, s: float) -> float:
    return kernels_gradient.reference(x, y, length, s) / len(x)
