"""Checkers for the exercises of the chapter on scores and stochastic differential equations."""

import numpy as np

from dlmath.exercises.framework import Arguments, exercise

Array = np.ndarray


def _shape(rng: np.random.Generator) -> tuple[int, int]:
    return int(rng.integers(6, 14)), int(rng.integers(2, 5))


# score-loss


def _noisy(rng: np.random.Generator) -> Arguments:
    n, d = _shape(rng)
    eps, sigma = rng.normal(size=(n, d)), rng.uniform(0.3, 1.5, size=n)
    return {"s": 0.4 - eps / 2 + rng.normal(size=(n, d)), "eps": eps, "sigma": sigma}


def _squares(s: Array, target: Array) -> Array:
    return np.sum((s - target) ** 2, axis=1)


@exercise("score-loss", _noisy, returns="the loss")
def score_loss(s: Array, eps: Array, sigma: Array) -> float:
    """Mean over samples of the squared distance to minus the noise over its level."""
    return float(np.mean(_squares(s, -eps / sigma[:, None])))


@score_loss.mistake(
    "The sign of the target is wrong: the score points back to the data, against the noise. It is "
    "-eps/sigma."
)
def _loss_sign(s: Array, eps: Array, sigma: Array) -> float:
    return float(np.mean(_squares(s, eps / sigma[:, None])))


@score_loss.mistake(
    "The mean is taken over the coordinates as well. The cost has 1/n and a sum over coordinates: "
    "this is smaller by the factor d."
)
def _loss_all(s: Array, eps: Array, sigma: Array) -> float:
    return float(np.mean((s + eps / sigma[:, None]) ** 2))


@score_loss.mistake("This is the sum over the samples: the factor 1/n is missing.")
def _loss_sum(s: Array, eps: Array, sigma: Array) -> float:
    return float(np.sum(_squares(s, -eps / sigma[:, None])))


@score_loss.mistake(
    "The noise is not divided by its level. Without it the target is sigma times the score."
)
def _loss_level(s: Array, eps: Array, sigma: Array) -> float:
    return float(np.mean(_squares(s, -eps)))


@score_loss.mistake(
    "The noise is divided by the square of sigma. That belongs to sigma eps = x - gamma x_0; eps "
    "itself is divided by sigma once."
)
def _loss_square(s: Array, eps: Array, sigma: Array) -> float:
    return float(np.mean(_squares(s, -eps / sigma[:, None] ** 2)))


@score_loss.mistake(
    "Each row is weighted with sigma^2. That is the simple loss of the noise; the exercise asks "
    "for the loss without a weight."
)
def _loss_weighted(s: Array, eps: Array, sigma: Array) -> float:
    return float(np.mean(sigma**2 * _squares(s, -eps / sigma[:, None])))


# score-step


def _walk(rng: np.random.Generator) -> Arguments:
    n, d = _shape(rng)
    x = rng.normal(size=(n, d))
    return {
        "x": x,
        "score": -1.3 * x + 0.3 * rng.normal(size=(n, d)),
        "f": -rng.uniform(0.3, 1),
        "g": rng.uniform(0.6, 1.6),
        "gap": rng.uniform(0.05, 0.2),
        "churn": rng.uniform(0.4, 0.8),
        "noise": rng.normal(size=(n, d)),
    }


def _back(x: Array, drift: Array, gap: float, width: float, noise: Array) -> Array:
    return x - gap * drift + width * noise


@exercise("score-step", _walk, returns="the step")
def score_step(
    x: Array, score: Array, f: float, g: float, gap: float, churn: float, noise: Array
) -> Array:
    """One step of Euler and Maruyama from t to t - gap."""
    c = churn * g
    return _back(x, f * x - (g**2 + c**2) / 2 * score, gap, c * np.sqrt(gap), noise)


@score_step.mistake(
    "The drift has been added. Time runs down: from t to t - gap the step is x minus gap times the "
    "drift."
)
def _step_forward(
    x: Array, score: Array, f: float, g: float, gap: float, churn: float, noise: Array
) -> Array:
    c = churn * g
    return _back(x, f * x - (g**2 + c**2) / 2 * score, -gap, c * np.sqrt(gap), noise)


@score_step.mistake(
    "The score has the factor g^2 of the film. For a general churn it is (g^2 + c^2)/2, which is "
    "g^2 only at churn one."
)
def _step_film(
    x: Array, score: Array, f: float, g: float, gap: float, churn: float, noise: Array
) -> Array:
    return _back(x, f * x - g**2 * score, gap, churn * g * np.sqrt(gap), noise)


@score_step.mistake(
    "The pull that belongs to the noise is missing: the score has g^2/2 only, that of the flow."
)
def _step_flow(
    x: Array, score: Array, f: float, g: float, gap: float, churn: float, noise: Array
) -> Array:
    return _back(x, f * x - g**2 / 2 * score, gap, churn * g * np.sqrt(gap), noise)


@score_step.mistake("The factor 1/2 before (g^2 + c^2) is missing: the pull is twice too strong.")
def _step_half(
    x: Array, score: Array, f: float, g: float, gap: float, churn: float, noise: Array
) -> Array:
    c = churn * g
    return _back(x, f * x - (g**2 + c**2) * score, gap, c * np.sqrt(gap), noise)


@score_step.mistake("The sign of the score is wrong: the drift is f x minus the score's term.")
def _step_sign(
    x: Array, score: Array, f: float, g: float, gap: float, churn: float, noise: Array
) -> Array:
    c = churn * g
    return _back(x, f * x + (g**2 + c**2) / 2 * score, gap, c * np.sqrt(gap), noise)


@score_step.mistake(
    "The noise is multiplied by gap. Its variance grows with the time, so its size is that of the "
    "root of gap."
)
def _step_root(
    x: Array, score: Array, f: float, g: float, gap: float, churn: float, noise: Array
) -> Array:
    c = churn * g
    return _back(x, f * x - (g**2 + c**2) / 2 * score, gap, c * gap, noise)


@score_step.mistake("The noise has the size g. With churn it is c = churn times g.")
def _step_whole(
    x: Array, score: Array, f: float, g: float, gap: float, churn: float, noise: Array
) -> Array:
    c = churn * g
    return _back(x, f * x - (g**2 + c**2) / 2 * score, gap, g * np.sqrt(gap), noise)


# score-memory


def _gaussian(rng: np.random.Generator) -> Arguments:
    return {
        "nu": rng.uniform(0.3, 3),
        "gamma": rng.uniform(0.2, 0.7),
        "sigma": rng.uniform(0.5, 1.2),
        "churn": rng.uniform(1.2, 1.8),
    }


def _film(nu: float, gamma: float, sigma: float) -> float:
    return float(gamma * np.sqrt(nu / (gamma**2 * nu + sigma**2)))


@exercise("score-memory", _gaussian, returns="the correlation")
def score_memory(nu: float, gamma: float, sigma: float, churn: float) -> float:
    """Correlation of both ends: that of the film to the power churn squared."""
    return float(_film(nu, gamma, sigma) ** (churn**2))


@score_memory.mistake("The exponent is the square of the churn, c^2/g^2.")
def _memory_power(nu: float, gamma: float, sigma: float, churn: float) -> float:
    return float(_film(nu, gamma, sigma) ** churn)


@score_memory.mistake(
    "This is the correlation of the film, for every churn. It is right at churn one only."
)
def _memory_film(nu: float, gamma: float, sigma: float, churn: float) -> float:
    return _film(nu, gamma, sigma)


@score_memory.mistake("Only the flow, at churn zero, remembers everything.")
def _memory_flow(nu: float, gamma: float, sigma: float, churn: float) -> float:
    return 1.0


@score_memory.mistake(
    "The square of the correlation stands in the place of the correlation: a root is missing, a "
    "factor 2 in the exponent."
)
def _memory_square(nu: float, gamma: float, sigma: float, churn: float) -> float:
    return float(_film(nu, gamma, sigma) ** (2 * churn**2))


@score_memory.mistake(
    "The variance of the data is taken for one. At T the variance is gamma^2 nu + sigma^2, and the "
    "covariance gamma nu."
)
def _memory_unit(nu: float, gamma: float, sigma: float, churn: float) -> float:
    return float(_film(1.0, gamma, sigma) ** (churn**2))


@score_memory.mistake(
    "This is the exponent (1 + churn^2)/2, what the mean of x_t x_T loses in all. To get a "
    "correlation, divide by the deviations at both ends."
)
def _memory_pull(nu: float, gamma: float, sigma: float, churn: float) -> float:
    return float(_film(nu, gamma, sigma) ** ((1 + churn**2) / 2))


# score-multistep


def _three_times(rng: np.random.Generator) -> Arguments:
    n, d = _shape(rng)
    angles = np.sort(rng.uniform(0.25, 1.35, size=3))[::-1] + np.array([0.1, 0.0, -0.1])
    D = rng.normal(size=(n, d))
    return {
        "x": rng.normal(size=(n, d)),
        "D": D,
        "D_before": D + 0.4 * rng.normal(size=(n, d)),
        "gammas": np.cos(angles),
        "sigmas": np.sin(angles),
    }


def _clock(gammas: Array, sigmas: Array) -> tuple[float, float]:
    h_before, h = np.diff(np.log(gammas / sigmas))
    return float(h_before), float(h)


def _stepped(x: Array, line: Array, h: float, gammas: Array, sigmas: Array) -> Array:
    return sigmas[2] / sigmas[1] * x - gammas[2] * np.expm1(-h) * line


@exercise("score-multistep", _three_times, returns="the step")
def score_multistep(x: Array, D: Array, D_before: Array, gammas: Array, sigmas: Array) -> Array:
    """One step with the denoiser extrapolated to the middle."""
    h_before, h = _clock(gammas, sigmas)
    return _stepped(x, D + h / (2 * h_before) * (D - D_before), h, gammas, sigmas)


@score_multistep.mistake("This is DDIM: the denoiser's last answer is used as it is.")
def _multistep_ddim(x: Array, D: Array, D_before: Array, gammas: Array, sigmas: Array) -> Array:
    return _stepped(x, D, _clock(gammas, sigmas)[1], gammas, sigmas)


@score_multistep.mistake(
    "The line is continued to the end of the step. It belongs to the middle: a factor 2 below h'."
)
def _multistep_end(x: Array, D: Array, D_before: Array, gammas: Array, sigmas: Array) -> Array:
    h_before, h = _clock(gammas, sigmas)
    return _stepped(x, D + h / h_before * (D - D_before), h, gammas, sigmas)


@score_multistep.mistake(
    "The sign of the difference is wrong: the line leads on, from before to now."
)
def _multistep_sign(x: Array, D: Array, D_before: Array, gammas: Array, sigmas: Array) -> Array:
    h_before, h = _clock(gammas, sigmas)
    return _stepped(x, D - h / (2 * h_before) * (D - D_before), h, gammas, sigmas)


@score_multistep.mistake("The ratio of the steps is upside down: it is the new step over the old.")
def _multistep_ratio(x: Array, D: Array, D_before: Array, gammas: Array, sigmas: Array) -> Array:
    h_before, h = _clock(gammas, sigmas)
    return _stepped(x, D + h_before / (2 * h) * (D - D_before), h, gammas, sigmas)


@score_multistep.mistake(
    "The clock is the logarithm of the signal-to-noise ratio, gamma^2/sigma^2. It should be half "
    "of that, log(gamma/sigma)."
)
def _multistep_clock(x: Array, D: Array, D_before: Array, gammas: Array, sigmas: Array) -> Array:
    h_before, h = _clock(gammas, sigmas)
    line = D + h / (2 * h_before) * (D - D_before)
    return _stepped(x, line, 2 * h, gammas, sigmas)


@score_multistep.mistake(
    "The ratio before x is upside down: the state keeps the share sigma_u/sigma_t, less than one."
)
def _multistep_share(x: Array, D: Array, D_before: Array, gammas: Array, sigmas: Array) -> Array:
    h_before, h = _clock(gammas, sigmas)
    line = D + h / (2 * h_before) * (D - D_before)
    return sigmas[1] / sigmas[2] * x - gammas[2] * np.expm1(-h) * line
