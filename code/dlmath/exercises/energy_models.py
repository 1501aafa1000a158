"""Checkers for the exercises of the chapter on energy models."""

import numpy as np

from dlmath.exercises.framework import Arguments, exercise

Array = np.ndarray


# energy-precision


def _steps(rng: np.random.Generator) -> Arguments:
    X = rng.normal(size=int(rng.integers(20, 40))) * rng.uniform(0.8, 1.6)
    return {"x": X, "eps": float(np.mean(X**2)) * rng.uniform(0.3, 0.9)}


@exercise("energy-precision", _steps, returns="a")
def precision(x: Array, eps: float) -> float:
    """Precision at which training with a finite step comes to rest."""
    return 2 / eps * (1 - np.sqrt(1 - eps / np.mean(x**2)))


@precision.mistake(
    "This is the precision of the data, what training would find with steps of length zero."
)
def _precision_exact(x: Array, eps: float) -> float:
    return 1 / np.mean(x**2)


@precision.mistake("This root is the unstable one: from there the energy grows or falls.")
def _precision_other(x: Array, eps: float) -> float:
    return 2 / eps * (1 + np.sqrt(1 - eps / np.mean(x**2)))


@precision.mistake("This is the temperature tau; the precision is tau / v.")
def _precision_temperature(x: Array, eps: float) -> float:
    return 2 / (1 + np.sqrt(1 - eps / np.mean(x**2)))


@precision.mistake("This is the variance of the learnt density, 1/a.")
def _precision_variance(x: Array, eps: float) -> float:
    v = np.mean(x**2)
    return v / 2 * (1 + np.sqrt(1 - eps / v))


@precision.mistake(
    "The variance is the mean of the squares: here it is their sum, n times as much."
)
def _precision_sum(x: Array, eps: float) -> float:
    return 2 / eps * (1 - np.sqrt(1 - eps / np.sum(x**2)))


# energy-ascent


def _phases(rng: np.random.Generator) -> Arguments:
    k = int(rng.integers(3, 6))
    return {
        "data": rng.normal(size=(int(rng.integers(5, 9)), k)),
        "chains": rng.normal(size=(int(rng.integers(10, 15)), k)),
        "theta": rng.normal(size=k),
        "lam": rng.uniform(0.2, 0.6),
    }


@exercise("energy-ascent", _phases, returns="the gradient")
def ascent(data: Array, chains: Array, theta: Array, lam: float) -> Array:
    """Gradient of the penalised log-likelihood of an energy that is linear in theta."""
    return chains.mean(axis=0) - data.mean(axis=0) - 2 * lam * theta


@ascent.mistake(
    "The phases are exchanged: E = theta.phi is lowered at the data, so their phi comes with a "
    "minus."
)
def _ascent_exchanged(data: Array, chains: Array, theta: Array, lam: float) -> Array:
    return data.mean(axis=0) - chains.mean(axis=0) - 2 * lam * theta


@ascent.mistake("The derivative of lam |theta|^2 is 2 lam theta: a factor 2 is missing.")
def _ascent_half_penalty(data: Array, chains: Array, theta: Array, lam: float) -> Array:
    return chains.mean(axis=0) - data.mean(axis=0) - lam * theta


@ascent.mistake("The penalty pushes the parameters away from zero: its sign is wrong.")
def _ascent_penalty_sign(data: Array, chains: Array, theta: Array, lam: float) -> Array:
    return chains.mean(axis=0) - data.mean(axis=0) + 2 * lam * theta


@ascent.mistake("Both phases are sums: each is a mean over its own number of rows.")
def _ascent_sums(data: Array, chains: Array, theta: Array, lam: float) -> Array:
    return chains.sum(axis=0) - data.sum(axis=0) - 2 * lam * theta


@ascent.mistake("The penalty is missing.")
def _ascent_free(data: Array, chains: Array, theta: Array, lam: float) -> Array:
    return chains.mean(axis=0) - data.mean(axis=0)


# energy-score-matching


def _cloud(rng: np.random.Generator) -> Arguments:
    n, d = int(rng.integers(6, 12)), int(rng.integers(2, 4))
    M = rng.normal(size=(d, d))
    return {"X": rng.normal(size=(n, d)), "A": M @ M.T + np.eye(d)}


@exercise("energy-score-matching", _cloud, returns="J")
def score_matching(X: Array, A: Array) -> float:
    """Score-matching cost of a Gaussian energy."""
    return 0.5 * np.mean(np.sum((X @ A) ** 2, axis=1)) - np.trace(A)


@score_matching.mistake(
    "The Laplacian has the wrong sign: the data should lie where the energy is curved upwards."
)
def _matching_sign(X: Array, A: Array) -> float:
    return 0.5 * np.mean(np.sum((X @ A) ** 2, axis=1)) + np.trace(A)


@score_matching.mistake("The square of the gradient comes with one half.")
def _matching_without_half(X: Array, A: Array) -> float:
    return np.mean(np.sum((X @ A) ** 2, axis=1)) - np.trace(A)


@score_matching.mistake("The squares are averaged over coordinates too: sum over those.")
def _matching_mean(X: Array, A: Array) -> float:
    return 0.5 * np.mean((X @ A) ** 2) - np.trace(A)


@score_matching.mistake("This is the mean energy x.A x / 2, not the square of its gradient A x.")
def _matching_energy(X: Array, A: Array) -> float:
    return 0.5 * np.mean(np.sum((X @ A) * X, axis=1)) - np.trace(A)


# energy-local


def _spins(rng: np.random.Generator) -> Arguments:
    n = int(rng.integers(5, 8))
    return {
        "S": rng.choice([-1.0, 1.0], (int(rng.integers(4, 8)), n)),
        "c": rng.uniform(0.1, 0.4),
        "h": rng.uniform(0.5, 1.5),
    }


def _ring(S: Array, c: float, h: float, factor: float = 2.0) -> Array:
    around = S * (np.roll(S, 1, axis=1) + np.roll(S, -1, axis=1))
    bonds = np.sum(S * np.roll(S, -1, axis=1), axis=1)
    return -bonds - h * np.exp(-factor * c * around).sum(axis=1)


@exercise("energy-local", _spins, returns="the local energies")
def local(S: Array, c: float, h: float) -> Array:
    """Local energies of the transverse-field chain for a classical Ising state."""
    return _ring(S, c, h)


@local.mistake("The ratio is that of psi^2: the local energy has psi itself.")
def _local_squared(S: Array, c: float, h: float) -> Array:
    return _ring(S, c, h, 4.0)


@local.mistake("Turning a spin changes s_i by -2 s_i: a factor 2 is missing in the exponent.")
def _local_half(S: Array, c: float, h: float) -> Array:
    return _ring(S, c, h, 1.0)


@local.mistake("The ratio is upside down: psi of the turned state stands in the numerator.")
def _local_inverse(S: Array, c: float, h: float) -> Array:
    return _ring(S, c, h, -2.0)


@local.mistake("The ring is not closed: the last spin is a neighbour of the first.")
def _local_open(S: Array, c: float, h: float) -> Array:
    padded = np.pad(S, ((0, 0), (1, 1)))
    around = S * (padded[:, :-2] + padded[:, 2:])
    bonds = np.sum(S[:, 1:] * S[:, :-1], axis=1)
    return -bonds - h * np.exp(-2 * c * around).sum(axis=1)


@local.mistake("The field's term has the wrong sign: H contains -h X.")
def _local_field_sign(S: Array, c: float, h: float) -> Array:
    return _ring(S, c, -h)


# energy-force


def _samples(rng: np.random.Generator) -> Arguments:
    n, k = int(rng.integers(8, 14)), int(rng.integers(2, 5))
    return {"energies": rng.normal(3.0, 1.0, n), "O": rng.normal(1.0, 1.0, (n, k))}


@exercise("energy-force", _samples, returns="the gradient")
def force(energies: Array, O: Array) -> Array:  # noqa: E741
    """Gradient of the variational energy from samples."""
    return 2 * (O - O.mean(axis=0)).T @ (energies - energies.mean()) / len(energies)


@force.mistake("The factor 2 is missing: the law is psi squared.")
def _force_half(energies: Array, O: Array) -> Array:  # noqa: E741
    return (O - O.mean(axis=0)).T @ (energies - energies.mean()) / len(energies)


@force.mistake("The means are not subtracted: it is a covariance, not a mean of products.")
def _force_raw(energies: Array, O: Array) -> Array:  # noqa: E741
    return 2 * O.T @ energies / len(energies)


@force.mistake("This is a sum over the samples, n times the mean.")
def _force_sum(energies: Array, O: Array) -> Array:  # noqa: E741
    return 2 * (O - O.mean(axis=0)).T @ (energies - energies.mean())


@force.mistake("This divides by n - 1; use 1/n.")
def _force_unbiased(energies: Array, O: Array) -> Array:  # noqa: E741
    return 2 * (O - O.mean(axis=0)).T @ (energies - energies.mean()) / (len(energies) - 1)
