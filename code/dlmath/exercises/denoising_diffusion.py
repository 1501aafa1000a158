"""Checkers for the exercises of the chapter on denoising diffusion."""

import numpy as np

from dlmath.exercises.framework import Arguments, exercise

Array = np.ndarray


def _products(beta: Array, t: int) -> tuple[float, float, float]:
    """Return alpha-bar before and after step t, and beta of that step."""
    before = float(np.prod(1 - beta[: t - 1]))
    return before, before * float(1 - beta[t - 1]), float(beta[t - 1])


# diffusion-posterior


def _step(rng: np.random.Generator) -> Arguments:
    T = int(rng.integers(6, 12))
    x0, xt = rng.normal(size=(2, 3))
    return {"x0": x0, "xt": xt, "beta": rng.uniform(0.05, 0.4, T), "t": int(rng.integers(3, T))}


def _step_back(x0: Array, xt: Array, before: float, after: float, b: float) -> tuple[Array, float]:
    mean = np.sqrt(before) * b * x0 + np.sqrt(1 - b) * (1 - before) * xt
    return mean / (1 - after), b * (1 - before) / (1 - after)


@exercise("diffusion-posterior", _step, returns=("the mean", "the variance"))
def diffusion_posterior(x0: Array, xt: Array, beta: Array, t: int) -> tuple[Array, float]:
    """Mean and variance of x_{t-1} given x_t and x_0."""
    return _step_back(x0, xt, *_products(beta, t))


@diffusion_posterior.mistake(
    "The variance is beta_t, that of the forward step. With x_0 known there is less freedom: "
    "beta-tilde is smaller, by the ratio of the two noise variances."
)
def _posterior_forward(x0: Array, xt: Array, beta: Array, t: int) -> tuple[Array, float]:
    return diffusion_posterior.reference(x0, xt, beta, t)[0], float(beta[t - 1])


@diffusion_posterior.mistake(
    "This is the answer for the next step: beta[0] is beta_1, so that beta_t is beta[t - 1]."
)
def _posterior_late(x0: Array, xt: Array, beta: Array, t: int) -> tuple[Array, float]:
    return _step_back(x0, xt, *_products(beta, t + 1))


@diffusion_posterior.mistake(
    "The factor of x_0 has alpha-bar where its square root, the amplitude gamma_{t-1}, belongs."
)
def _posterior_without_root(x0: Array, xt: Array, beta: Array, t: int) -> tuple[Array, float]:
    before, after, b = _products(beta, t)
    mean, variance = _step_back(x0, xt, before, after, b)
    return mean + (before - np.sqrt(before)) * b * x0 / (1 - after), variance


@diffusion_posterior.mistake(
    "x_0 has the amplitude of x_t, gamma_t. The datum is seen through x_{t-1}: gamma_{t-1}."
)
def _posterior_wrong_gamma(x0: Array, xt: Array, beta: Array, t: int) -> tuple[Array, float]:
    before, after, b = _products(beta, t)
    mean, variance = _step_back(x0, xt, before, after, b)
    return mean + (np.sqrt(after) - np.sqrt(before)) * b * x0 / (1 - after), variance


@diffusion_posterior.mistake("The mean is right; return the variance, not its root.")
def _posterior_spread(x0: Array, xt: Array, beta: Array, t: int) -> tuple[Array, float]:
    mean, variance = diffusion_posterior.reference(x0, xt, beta, t)
    return mean, float(np.sqrt(variance))


@diffusion_posterior.mistake(
    "The two ends have changed places: x_0 is multiplied by what belongs to x_t."
)
def _posterior_exchanged(x0: Array, xt: Array, beta: Array, t: int) -> tuple[Array, float]:
    return diffusion_posterior.reference(xt, x0, beta, t)


# diffusion-terminal


def _short_chain(rng: np.random.Generator) -> Arguments:
    root = rng.normal(size=(3, 3))
    T = int(rng.integers(100, 250))
    return {"m": rng.normal(size=3), "S": root @ root.T, "beta": np.linspace(1e-4, 0.02, T)}


def _price(m: Array, S: Array, ab: float, mean: float = 1.0, log: float = 1.0) -> float:
    grow = ab * (np.linalg.eigvalsh(S) - 1)
    return float(mean * ab * (m @ m) + np.sum(grow - log * np.log1p(grow))) / 2


@exercise("diffusion-terminal", _short_chain, returns="the divergence")
def diffusion_terminal(m: Array, S: Array, beta: Array) -> float:
    """Divergence of the law of x_T from standard noise."""
    return _price(m, S, float(np.prod(1 - beta)))


@diffusion_terminal.mistake(
    "There is no factor 1/2: a Gaussian's log-density has one before its square and its logarithm."
)
def _terminal_double(m: Array, S: Array, beta: Array) -> float:
    return 2 * _price(m, S, float(np.prod(1 - beta)))


@diffusion_terminal.mistake(
    "The amplitude gamma_T stands where its square, alpha-bar, belongs: variances are multiplied "
    "by squares."
)
def _terminal_amplitude(m: Array, S: Array, beta: Array) -> float:
    return _price(m, S, float(np.sqrt(np.prod(1 - beta))))


@diffusion_terminal.mistake(
    "The mean of the data is missing. What is left of it at the end, gamma_T m, costs the most."
)
def _terminal_without_mean(m: Array, S: Array, beta: Array) -> float:
    return _price(m, S, float(np.prod(1 - beta)), mean=0.0)


@diffusion_terminal.mistake(
    "The mean has not shrunk: x_T has the mean gamma_T m, and its square has a factor alpha-bar."
)
def _terminal_whole_mean(m: Array, S: Array, beta: Array) -> float:
    ab = float(np.prod(1 - beta))
    return _price(m, S, ab, mean=1 / ab)


@diffusion_terminal.mistake(
    "The noise that has been added is missing in the covariance: it is alpha-bar S plus "
    "(1 - alpha-bar) I."
)
def _terminal_without_noise(m: Array, S: Array, beta: Array) -> float:
    ab = float(np.prod(1 - beta))
    grow = ab * np.linalg.eigvalsh(S) - 1
    return float(ab * (m @ m) + np.sum(grow - np.log1p(grow))) / 2


@diffusion_terminal.mistake(
    "This is the divergence of noise from x_T. The law whose samples are averaged comes first."
)
def _terminal_reversed(m: Array, S: Array, beta: Array) -> float:
    ab = float(np.prod(1 - beta))
    values, vectors = np.linalg.eigh(S)
    v = 1 + ab * (values - 1)
    return float(np.sum(1 / v - 1 + np.log(v) + ab * (vectors.T @ m) ** 2 / v)) / 2


# diffusion-bound


def _errors(rng: np.random.Generator) -> Arguments:
    T = int(rng.integers(6, 12))
    return {
        "alpha_bar": np.cumprod(1 - rng.uniform(0.05, 0.5, T)),
        "e": np.sort(rng.uniform(0.05, 1.0, T)),
    }


def _snr(alpha_bar: Array) -> Array:
    return alpha_bar / (1 - alpha_bar)


@exercise("diffusion-bound", _errors, returns="the sum of divergences")
def diffusion_bound(alpha_bar: Array, e: Array) -> float:
    """Sum of the divergences of all steps but the last."""
    snr = _snr(alpha_bar)
    return float(np.sum((snr[:-1] - snr[1:]) * e[1:])) / 2


@diffusion_bound.mistake("The factor 1/2 is missing; it comes from the exponent of the Gaussians.")
def _bound_double(alpha_bar: Array, e: Array) -> float:
    return 2 * diffusion_bound.reference(alpha_bar, e)


@diffusion_bound.mistake(
    "The errors are those of the less noisy end. A step back from t uses the guess made at t."
)
def _bound_shifted(alpha_bar: Array, e: Array) -> float:
    snr = _snr(alpha_bar)
    return float(np.sum((snr[:-1] - snr[1:]) * e[:-1])) / 2


@diffusion_bound.mistake(
    "The differences are of alpha-bar. The weight is a difference of signal-to-noise ratios, "
    "alpha-bar / (1 - alpha-bar)."
)
def _bound_products(alpha_bar: Array, e: Array) -> float:
    return float(np.sum((alpha_bar[:-1] - alpha_bar[1:]) * e[1:])) / 2


@diffusion_bound.mistake(
    "The weights are the ratios themselves, as in L_simple. The bound has their differences."
)
def _bound_simple(alpha_bar: Array, e: Array) -> float:
    return float(np.sum(_snr(alpha_bar)[1:] * e[1:])) / 2


@diffusion_bound.mistake("This is the mean over the steps; the bound is their sum.")
def _bound_mean(alpha_bar: Array, e: Array) -> float:
    return diffusion_bound.reference(alpha_bar, e) / (len(e) - 1)


# diffusion-velocity


def _velocity(rng: np.random.Generator) -> Arguments:
    v, x = rng.normal(size=(2, 4))
    return {"v": v, "x": x, "alpha_bar": float(rng.choice([0.0, rng.uniform(0.1, 0.9)]))}


@exercise("diffusion-velocity", _velocity, returns=("x_0", "the noise"))
def diffusion_velocity(v: Array, x: Array, alpha_bar: float) -> tuple[Array, Array]:
    """Turn back to data and noise."""
    gamma, sigma = np.sqrt(alpha_bar), np.sqrt(1 - alpha_bar)
    return gamma * x - sigma * v, sigma * x + gamma * v


@diffusion_velocity.mistake(
    "The signs are those of the rotation forwards: turn back, x_0 = gamma x - sigma v and "
    "eps = sigma x + gamma v."
)
def _velocity_forward(v: Array, x: Array, alpha_bar: float) -> tuple[Array, Array]:
    gamma, sigma = np.sqrt(alpha_bar), np.sqrt(1 - alpha_bar)
    return gamma * x + sigma * v, sigma * x - gamma * v


@diffusion_velocity.mistake(
    "alpha-bar and 1 - alpha-bar are the squares of the amplitudes: take their roots."
)
def _velocity_squares(v: Array, x: Array, alpha_bar: float) -> tuple[Array, Array]:
    gamma, sigma = alpha_bar, 1 - alpha_bar
    return gamma * x - sigma * v, sigma * x + gamma * v


@diffusion_velocity.mistake(
    "The amplitudes have changed places: gamma, the root of alpha-bar, belongs to the data."
)
def _velocity_exchanged(v: Array, x: Array, alpha_bar: float) -> tuple[Array, Array]:
    return diffusion_velocity.reference(v, x, 1 - alpha_bar)


@diffusion_velocity.mistake("Both are right, in the other order: first x_0, then the noise.")
def _velocity_order(v: Array, x: Array, alpha_bar: float) -> tuple[Array, Array]:
    data, noise = diffusion_velocity.reference(v, x, alpha_bar)
    return noise, data


# diffusion-empirical


def _training_set(rng: np.random.Generator) -> Arguments:
    points = rng.normal(size=(7, 2))
    gamma = float(rng.uniform(0.5, 0.9))
    sigma = float(rng.choice([1e-3, 0.4, 0.6]))
    x = gamma * points[0] + 0.3 * rng.normal(size=2)
    return {"x": x, "points": points, "gamma": gamma, "sigma": sigma}


def _weighted(exponents: Array, points: Array) -> Array:
    w = np.exp(exponents - exponents.max())
    return w @ points / w.sum()


def _squares(x: Array, points: Array, gamma: float) -> Array:
    return np.asarray(np.square(x - gamma * points).sum(axis=1))


@exercise("diffusion-empirical", _training_set, returns="the guess of x_0")
def diffusion_empirical(x: Array, points: Array, gamma: float, sigma: float) -> Array:
    """Mean of the points with the weights of Bayes' rule."""
    return _weighted(-_squares(x, points, gamma) / (2 * sigma**2), points)


@diffusion_empirical.mistake(
    "The exponent lacks its factor 1/2: it is the squared distance over 2 sigma^2."
)
def _empirical_sharp(x: Array, points: Array, gamma: float, sigma: float) -> Array:
    return _weighted(-_squares(x, points, gamma) / sigma**2, points)


@diffusion_empirical.mistake(
    "The distances are to the points themselves. x was made from gamma times a point."
)
def _empirical_without_gamma(x: Array, points: Array, gamma: float, sigma: float) -> Array:
    return _weighted(-_squares(x, points, 1.0) / (2 * sigma**2), points)


@diffusion_empirical.mistake("The exponent has sigma where sigma squared, the variance, belongs.")
def _empirical_sigma(x: Array, points: Array, gamma: float, sigma: float) -> Array:
    return _weighted(-_squares(x, points, gamma) / (2 * sigma), points)


@diffusion_empirical.mistake(
    "This is the nearest training point, not a mean: while sigma is large, others have weights too."
)
def _empirical_nearest(x: Array, points: Array, gamma: float, sigma: float) -> Array:
    return np.asarray(points[np.argmin(_squares(x, points, gamma))])


@diffusion_empirical.mistake(
    "The mean is that of the shrunken points, gamma times too small: the guess is of x_0."
)
def _empirical_shrunk(x: Array, points: Array, gamma: float, sigma: float) -> Array:
    return gamma * diffusion_empirical.reference(x, points, gamma, sigma)


@diffusion_empirical.mistake("The weights are not used: this is the plain mean of the points.")
def _empirical_mean(x: Array, points: Array, gamma: float, sigma: float) -> Array:
    return np.asarray(points.mean(axis=0))
