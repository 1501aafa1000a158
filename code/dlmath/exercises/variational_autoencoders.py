"""Checkers for the exercises of the chapter on variational autoencoders."""

import numpy as np

from dlmath.exercises.framework import Arguments, exercise

Array = np.ndarray


def _log_sum(logs: Array, axis: int) -> Array:
    top = logs.max(axis=axis, keepdims=True)
    return np.squeeze(top, axis) + np.log(np.sum(np.exp(logs - top), axis=axis))


# variational-em


def _line(rng: np.random.Generator) -> Arguments:
    """Draw samples of three overlapping humps and a start that is not the truth."""
    K = 3
    x = rng.normal(rng.choice([-2.0, 0.5, 3.0], int(rng.integers(18, 40))), 0.9)
    weights = rng.dirichlet(np.full(K, 4.0))
    return {
        "x": x,
        "weights": weights,
        "means": np.sort(rng.normal(0.5, 2, K)),
        "variances": rng.uniform(0.5, 2.5, K),
    }


def _responsible(x: Array, weights: Array, means: Array, variances: Array) -> Array:
    z2 = (x[:, None] - means) ** 2 / variances
    logs = np.log(weights) - z2 / 2 - np.log(variances) / 2
    return np.exp(logs - _log_sum(logs, 1)[:, None])


def _maximised(x: Array, r: Array) -> tuple[Array, Array, Array]:
    mass = r.sum(axis=0)
    means = x @ r / mass
    return mass / len(x), means, np.sum(r * (x[:, None] - means) ** 2, axis=0) / mass


@exercise("variational-em", _line, returns=("weights", "means", "variances"))
def em_step(x: Array, weights: Array, means: Array, variances: Array) -> tuple[Array, Array, Array]:
    """One E step and one M step."""
    return _maximised(x, _responsible(x, weights, means, variances))


@em_step.mistake("The weights are the masses: they sum to n. Divide by n, and they sum to one.")
def _masses(x: Array, weights: Array, means: Array, variances: Array) -> tuple:
    w, m, v = _maximised(x, _responsible(x, weights, means, variances))
    return w * len(x), m, v


@em_step.mistake("The variances are taken about the old means: the new ones belong there.")
def _about_old(x: Array, weights: Array, means: Array, variances: Array) -> tuple:
    r = _responsible(x, weights, means, variances)
    w, m, _ = _maximised(x, r)
    return w, m, np.sum(r * (x[:, None] - means) ** 2, axis=0) / r.sum(axis=0)


@em_step.mistake(
    "The responsibilities know nothing of the weights: w_j stands before each density."
)
def _without_weights(x: Array, weights: Array, means: Array, variances: Array) -> tuple:
    return _maximised(x, _responsible(x, np.full_like(weights, 1 / 3), means, variances))


@em_step.mistake(
    "A factor of the density is missing: 1/sqrt(variance) differs between the components."
)
def _without_norm(x: Array, weights: Array, means: Array, variances: Array) -> tuple:
    return _maximised(x, _responsible(x, weights * np.sqrt(variances), means, variances))


@em_step.mistake("The variances divide by n. Each component has its own number of samples, n_j.")
def _variance_by_n(x: Array, weights: Array, means: Array, variances: Array) -> tuple:
    w, m, v = _maximised(x, _responsible(x, weights, means, variances))
    return w, m, v * w


@em_step.mistake("The last result holds standard deviations; the variances are asked for.")
def _deviations(x: Array, weights: Array, means: Array, variances: Array) -> tuple:
    w, m, v = _maximised(x, _responsible(x, weights, means, variances))
    return w, m, np.sqrt(v)


# variational-kl


def _encoded(rng: np.random.Generator) -> Arguments:
    shape = int(rng.integers(4, 9)), int(rng.integers(2, 4))
    return {"mean": rng.normal(size=shape), "log_variance": rng.normal(-1, 1, size=shape)}


def _kl(mean: Array, log_variance: Array) -> Array:
    return np.sum(mean**2 + np.exp(log_variance) - 1 - log_variance, axis=1) / 2


@exercise("variational-kl", _encoded, returns="kl")
def kl_to_prior(mean: Array, log_variance: Array) -> Array:
    """Divergence to the standard normal, for each row."""
    return _kl(mean, log_variance)


@kl_to_prior.mistake("This is the mean over the latents. Independent latents: their nats add up.")
def _mean_over_latents(mean: Array, log_variance: Array) -> Array:
    return _kl(mean, log_variance) / mean.shape[1]


@kl_to_prior.mistake(
    "The second input is taken for the logarithm of the standard deviation; it is that of the "
    "variance, so exp(log_variance) is v already."
)
def _of_deviation(mean: Array, log_variance: Array) -> Array:
    return _kl(mean, 2 * log_variance)


@kl_to_prior.mistake("The sign before log v is wrong: a narrow q is expensive, not cheap.")
def _log_sign(mean: Array, log_variance: Array) -> Array:
    return np.sum(mean**2 + np.exp(log_variance) - 1 + log_variance, axis=1) / 2


@kl_to_prior.mistake("The 1 is missing: for q = N(0, 1) the divergence must be zero.")
def _without_one(mean: Array, log_variance: Array) -> Array:
    return _kl(mean, log_variance) + mean.shape[1] / 2


@kl_to_prior.mistake("This is the mean over the n samples too; each sample has its own divergence.")
def _mean_over_samples(mean: Array, log_variance: Array) -> Array:
    return np.full(len(mean), _kl(mean, log_variance).mean())


# variational-bound


def _weights(rng: np.random.Generator) -> Arguments:
    k, n = int(rng.integers(5, 9)), int(rng.integers(3, 5))
    return {"log_w": rng.normal(-980, 3, size=(k, n)) - 40 * np.arange(n)}


@exercise("variational-bound", _weights, returns="bound")
def importance_bound(log_w: Array) -> Array:
    """Logarithm of the mean weight of each sample."""
    return _log_sum(log_w, 0) - np.log(len(log_w))


@importance_bound.mistake(
    "This is the mean of the logarithms: the ELBO again. Average the weights."
)
def _elbo(log_w: Array) -> Array:
    return np.mean(log_w, axis=0)


@importance_bound.mistake(
    "The 1/k is missing: without it the 'bound' grows with log k beyond log p(x)."
)
def _without_k(log_w: Array) -> Array:
    return _log_sum(log_w, 0)


@importance_bound.mistake(
    "log k has the wrong sign: a mean is a sum divided by k, so log k is subtracted."
)
def _plus_log_k(log_w: Array) -> Array:
    return _log_sum(log_w, 0) + np.log(len(log_w))


@importance_bound.mistake(
    "This divides by n, the number of samples. The mean is one over the k draws, the rows."
)
def _over_n(log_w: Array) -> Array:
    return _log_sum(log_w, 0) - np.log(log_w.shape[1])


@importance_bound.mistake("This is only the largest weight of each sample, not their mean.")
def _largest(log_w: Array) -> Array:
    return log_w.max(axis=0)


# variational-ppca


def _cloud(rng: np.random.Generator) -> Arguments:
    n, d = int(rng.integers(15, 30)), int(rng.integers(4, 6))
    X = rng.normal(size=(n, d)) @ rng.normal(size=(d, d)) + rng.normal(2, 1, d)
    return {"X": X, "m": 2}


def _ppca(S: Array, m: int) -> tuple[Array, float]:
    nu, U = np.linalg.eigh(S)
    s2 = nu[:-m].mean()
    return (U * np.append(np.full(len(nu) - m, s2), nu[-m:])) @ U.T, s2


def _covariance(X: Array) -> Array:
    return np.cov(X.T, bias=True)


@exercise("variational-ppca", _cloud, returns=("covariance", "s2"))
def ppca(X: Array, m: int) -> tuple[Array, float]:
    """Covariance and noise variance of greatest likelihood."""
    return _ppca(_covariance(X), m)


@ppca.mistake("The covariance of the data has n - 1; the likelihood asks for n.")
def _unbiased(X: Array, m: int) -> tuple[Array, float]:
    return _ppca(np.cov(X.T), m)


@ppca.mistake("The covariance of the data is not divided by n.")
def _scatter(X: Array, m: int) -> tuple[Array, float]:
    return _ppca(_covariance(X) * len(X), m)


@ppca.mistake("The data are not centred: from each column subtract its mean.")
def _not_centred(X: Array, m: int) -> tuple[Array, float]:
    return _ppca(X.T @ X / len(X), m)


@ppca.mistake(
    "The noise is counted twice in the m directions: W^T W has nu_j - s^2 there, so that the sum "
    "is nu_j."
)
def _noise_twice(X: Array, m: int) -> tuple[Array, float]:
    nu, U = np.linalg.eigh(_covariance(X))
    s2 = nu[:-m].mean()
    return (U * np.append(np.full(len(nu) - m, s2), nu[-m:] + s2)) @ U.T, s2


@ppca.mistake(
    "s^2 has the wrong sign: the noise is added to W^T W, and W^T W is S minus s^2 in m directions."
)
def _subtracted(X: Array, m: int) -> tuple[Array, float]:
    nu, U = np.linalg.eigh(_covariance(X))
    s2 = nu[:-m].mean()
    return (U * np.append(np.full(len(nu) - m, -s2), nu[-m:] - 2 * s2)) @ U.T, s2


@ppca.mistake("s^2 is the sum of the discarded eigenvalues divided by d; there are d - m of them.")
def _over_d(X: Array, m: int) -> tuple[Array, float]:
    nu, U = np.linalg.eigh(_covariance(X))
    s2 = nu[:-m].sum() / len(nu)
    return (U * np.append(np.full(len(nu) - m, s2), nu[-m:])) @ U.T, s2


@ppca.mistake("The smallest eigenvalues are kept and the largest averaged: eigh sorts upwards.")
def _upside_down(X: Array, m: int) -> tuple[Array, float]:
    nu, U = np.linalg.eigh(_covariance(X))
    s2 = nu[m:].mean()
    return (U * np.append(nu[:m], np.full(len(nu) - m, s2))) @ U.T, s2


# variational-levels


def _pixels(rng: np.random.Generator) -> Arguments:
    levels, n = int(rng.integers(4, 7)), int(rng.integers(9, 15))
    k = np.append([0, levels - 1], rng.integers(0, levels, n - 2))
    return {
        "k": k,
        "centre": np.clip(k + rng.normal(0, 0.8, n), -0.5, levels),
        "width": rng.uniform(0.3, 1.2, n),
        "levels": levels,
    }


def _expit(u: Array) -> Array:
    return 1 / (1 + np.exp(-u))


def _level(k: Array, centre: Array, width: Array, levels: int, half: float = 0.5) -> Array:
    upper = np.where(k == levels - 1, 1.0, _expit((k + half - centre) / width))
    return upper - np.where(k == 0, 0.0, _expit((k - half - centre) / width))


@exercise("variational-levels", _pixels, returns="log_probability")
def log_level(k: Array, centre: Array, width: Array, levels: int) -> Array:
    """Log-probability of each level."""
    return np.log(_level(k, centre, width, levels))


@log_level.mistake("The end levels lack what lies beyond them: the levels do not sum to one.")
def _without_ends(k: Array, centre: Array, width: Array, levels: int) -> Array:
    return np.log(_expit((k + 0.5 - centre) / width) - _expit((k - 0.5 - centre) / width))


@log_level.mistake("These are probabilities; their logarithms are asked for.")
def _no_log(k: Array, centre: Array, width: Array, levels: int) -> Array:
    return _level(k, centre, width, levels)


@log_level.mistake(
    "The highest level is levels - 1, since the levels begin at 0: n levels end at n - 1."
)
def _off_by_one(k: Array, centre: Array, width: Array, levels: int) -> Array:
    return np.log(_level(k, centre, width, levels + 1))


@log_level.mistake(
    "This is the logistic density at the level. A level has the mass of an interval."
)
def _density(k: Array, centre: Array, width: Array, levels: int) -> Array:
    s = _expit((k - centre) / width)
    return np.log(s * (1 - s) / width)
