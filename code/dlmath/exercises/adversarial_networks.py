"""Checkers for the exercises of the chapter on adversarial networks."""

import numpy as np
from scipy.special import expit

from dlmath.exercises.framework import Arguments, exercise

Array = np.ndarray

# adversarial-networks-js


def _probabilities(rng: np.random.Generator) -> Arguments:
    n = int(rng.integers(20, 40))
    return {"D_real": rng.uniform(0.3, 0.95, n), "D_fake": rng.uniform(0.05, 0.5, n)}


def _value(D_real: Array, D_fake: Array) -> float:
    return float(np.mean(np.log(D_real)) + np.mean(np.log(1 - D_fake)))


@exercise("adversarial-networks-js", _probabilities, returns="JS")
def js_estimate(D_real: Array, D_fake: Array) -> float:
    """Half the value of the game, plus log 2."""
    return _value(D_real, D_fake) / 2 + np.log(2)


@js_estimate.mistake(
    "The value is 2 JS - 2 log 2: after log 4 has been added there is still a factor 2 to "
    "divide by."
)
def _js_without_half(D_real: Array, D_fake: Array) -> float:
    return _value(D_real, D_fake) + 2 * np.log(2)


@js_estimate.mistake("Half of the value is JS - log 2: the log 2 is missing.")
def _js_without_log(D_real: Array, D_fake: Array) -> float:
    return _value(D_real, D_fake) / 2


@js_estimate.mistake(
    "The value is divided by 2 and its log 4 is not: solve V = 2 JS - 2 log 2 for JS."
)
def _js_with_log_four(D_real: Array, D_fake: Array) -> float:
    return _value(D_real, D_fake) / 2 + 2 * np.log(2)


@js_estimate.mistake(
    "Expectations are means over the samples; here they are sums, a factor n too large."
)
def _js_with_sums(D_real: Array, D_fake: Array) -> float:
    return len(D_real) * _value(D_real, D_fake) / 2 + np.log(2)


@js_estimate.mistake(
    "For samples of the generator the logarithm is that of 1 - D, the probability that they are "
    "not real."
)
def _js_without_one(D_real: Array, D_fake: Array) -> float:
    return float(np.mean(np.log(D_real)) + np.mean(np.log(D_fake))) / 2 + np.log(2)


@js_estimate.mistake(
    "Real and generated samples are exchanged: log D belongs to the data, log(1 - D) to the "
    "samples."
)
def _js_exchanged(D_real: Array, D_fake: Array) -> float:
    return _value(D_fake, D_real) / 2 + np.log(2)


@js_estimate.mistake("The value of the game has its sign changed: this is the cross-entropy.")
def _js_with_minus(D_real: Array, D_fake: Array) -> float:
    return -_value(D_real, D_fake) / 2 + np.log(2)


# adversarial-networks-shares


def _shares(rng: np.random.Generator) -> Arguments:
    return {"D": rng.uniform(0.1, 0.9, 6), "share": float(rng.uniform(0.1, 0.4))}


@exercise("adversarial-networks-shares", _shares, returns="p/q")
def density_ratio(D: Array, share: float) -> Array:
    """Odds of the discriminator, divided by the odds of the shares."""
    return D / (1 - D) * (1 - share) / share


@density_ratio.mistake("These are the odds of D. They contain the shares: divide by pi/(1 - pi).")
def _ratio_of_odds(D: Array, share: float) -> Array:
    return D / (1 - D)


@density_ratio.mistake(
    "The odds of the shares are multiplied where they should be divided out: real images are rare, "
    "so an even D means that p is larger than q."
)
def _ratio_multiplied(D: Array, share: float) -> Array:
    return D / (1 - D) * share / (1 - share)


@density_ratio.mistake("This is q/p: turn the ratio over.")
def _ratio_inverted(D: Array, share: float) -> Array:
    return (1 - D) / D * share / (1 - share)


@density_ratio.mistake("This is the logarithm of the ratio: take its exponential.")
def _ratio_logarithm(D: Array, share: float) -> Array:
    return np.log(density_ratio.reference(D, share))


@density_ratio.mistake(
    "The share of generated images, 1 - pi, is left out here: it does not cancel."
)
def _ratio_without_rest(D: Array, share: float) -> Array:
    return D / (1 - D) / share


# adversarial-networks-gaussians


def _gaussians(rng: np.random.Generator) -> Arguments:
    d = 3
    A = rng.normal(size=(d, d))
    m1, m2 = rng.normal(size=d) + 0.5, rng.normal(size=d) - 0.5
    return {"m1": m1, "m2": m2, "S": A @ A.T + 0.5 * np.eye(d)}


@exercise("adversarial-networks-gaussians", _gaussians, returns=("w", "b"))
def best_discriminator(m1: Array, m2: Array, S: Array) -> tuple[Array, float]:
    """Slope and intercept of the log odds."""
    w = np.linalg.solve(S, m1 - m2)
    return w, float(-w @ (m1 + m2) / 2)


@best_discriminator.mistake(
    "The factor 1/2 of the intercept is missing; it comes from the exponents of the Gaussians."
)
def _gaussians_without_half(m1: Array, m2: Array, S: Array) -> tuple[Array, float]:
    w, b = best_discriminator.reference(m1, m2, S)
    return w, 2 * b


@best_discriminator.mistake("The sign of b is wrong: the log odds vanish midway between the means.")
def _gaussians_plus(m1: Array, m2: Array, S: Array) -> tuple[Array, float]:
    w, b = best_discriminator.reference(m1, m2, S)
    return w, -b


@best_discriminator.mistake(
    "Both signs are wrong: the log odds should be positive where the data are, at m1."
)
def _gaussians_exchanged(m1: Array, m2: Array, S: Array) -> tuple[Array, float]:
    return best_discriminator.reference(m2, m1, S)


@best_discriminator.mistake(
    "The covariance multiplies the difference of the means; its inverse should."
)
def _gaussians_not_inverted(m1: Array, m2: Array, S: Array) -> tuple[Array, float]:
    return best_discriminator.reference(m1, m2, np.linalg.inv(S))


@best_discriminator.mistake("The covariance is missing: w is S^-1 (m1 - m2).")
def _gaussians_identity(m1: Array, m2: Array, S: Array) -> tuple[Array, float]:
    return best_discriminator.reference(m1, m2, np.eye(len(S)))


@best_discriminator.mistake("The intercept is missing: the log odds are not zero at the origin.")
def _gaussians_no_intercept(m1: Array, m2: Array, S: Array) -> tuple[Array, float]:
    return best_discriminator.reference(m1, m2, S)[0], 0.0


# adversarial-networks-transport


def _two_samples(rng: np.random.Generator) -> Arguments:
    n = int(rng.integers(12, 20))
    return {"x": rng.normal(size=n), "y": rng.normal(0.6, 1.8, size=n)}


@exercise("adversarial-networks-transport", _two_samples, returns="W_1")
def wasserstein(x: Array, y: Array) -> float:
    """Mean distance of the sorted samples."""
    return float(np.mean(np.abs(np.sort(x) - np.sort(y))))


@wasserstein.mistake("The samples are compared in the order in which they came: sort both first.")
def _not_sorted(x: Array, y: Array) -> float:
    return float(np.mean(np.abs(x - y)))


@wasserstein.mistake(
    "This is the sum over the pairs: each carries the mass 1/n, so a factor n is too much."
)
def _sum_of_distances(x: Array, y: Array) -> float:
    return len(x) * wasserstein.reference(x, y)


@wasserstein.mistake(
    "This is the distance of the means. Mass is carried back and forth inside the distributions "
    "too: take the modulus of each difference."
)
def _of_means(x: Array, y: Array) -> float:
    return float(abs(np.mean(x) - np.mean(y)))


@wasserstein.mistake("These are squared distances; W_1 has their first power.")
def _squared(x: Array, y: Array) -> float:
    return float(np.mean((np.sort(x) - np.sort(y)) ** 2))


@wasserstein.mistake("This is W_2, the root of the mean squared distance; W_1 is the mean.")
def _second(x: Array, y: Array) -> float:
    return float(np.sqrt(_squared(x, y)))


@wasserstein.mistake("One of the samples is sorted the other way round.")
def _reversed(x: Array, y: Array) -> float:
    return float(np.mean(np.abs(np.sort(x) - np.sort(y)[::-1])))


# adversarial-networks-step


def _place(rng: np.random.Generator) -> Arguments:
    return {
        "theta": float(rng.uniform(0.5, 1.5)),
        "psi": float(rng.uniform(-1.5, -0.5)),
        "eta": float(rng.uniform(0.1, 0.4)),
        "gamma": float(rng.uniform(0.3, 1.2)),
    }


def _step(
    theta: float, psi: float, eta: float, gamma: float, *, turn: bool = False, sign: float = -1.0
) -> tuple[float, float]:
    h = float(expit(psi * theta))
    moved = theta + eta * psi * h
    seen = moved if turn else theta
    pull = sign * seen * float(expit(psi * seen))
    return moved, psi + eta * (pull - gamma * psi)


@exercise("adversarial-networks-step", _place, returns=("theta", "psi"))
def dirac_step(theta: float, psi: float, eta: float, gamma: float) -> tuple[float, float]:
    """One simultaneous step with R1."""
    return _step(theta, psi, eta, gamma)


@dirac_step.mistake(
    "Here the discriminator sees the generator's new place: that is the game in turn. At once "
    "means that both use the old numbers."
)
def _step_in_turn(theta: float, psi: float, eta: float, gamma: float) -> tuple[float, float]:
    return _step(theta, psi, eta, gamma, turn=True)


@dirac_step.mistake("The slope of gamma psi^2 / 2 is gamma psi: here it has a factor 2 too much.")
def _step_double(theta: float, psi: float, eta: float, gamma: float) -> tuple[float, float]:
    return _step(theta, psi, eta, 2 * gamma)


@dirac_step.mistake("The slope of gamma psi^2 / 2 is gamma psi: the penalty has half its strength.")
def _step_half(theta: float, psi: float, eta: float, gamma: float) -> tuple[float, float]:
    return _step(theta, psi, eta, gamma / 2)


@dirac_step.mistake("The penalty has no effect here.")
def _step_free(theta: float, psi: float, eta: float, gamma: float) -> tuple[float, float]:
    return _step(theta, psi, eta, 0.0)


@dirac_step.mistake(
    "The penalty has the wrong sign: it is subtracted from what the discriminator maximises, and "
    "pulls psi towards zero."
)
def _step_driven(theta: float, psi: float, eta: float, gamma: float) -> tuple[float, float]:
    return _step(theta, psi, eta, -gamma)


@dirac_step.mistake(
    "The discriminator is moved to where theta looks real: it wants psi theta to be small, so its "
    "velocity is minus theta h."
)
def _step_friendly(theta: float, psi: float, eta: float, gamma: float) -> tuple[float, float]:
    return _step(theta, psi, eta, gamma, sign=1.0)


@dirac_step.mistake(
    "This is the Wasserstein game: for the saturating loss both velocities have the factor "
    "expit(psi theta)."
)
def _step_wasserstein(theta: float, psi: float, eta: float, gamma: float) -> tuple[float, float]:
    return theta + eta * psi, psi + eta * (-theta - gamma * psi)


@dirac_step.mistake(
    "The generator follows the non-saturating cost, with expit(-psi theta); the saturating one has "
    "expit(psi theta)."
)
def _step_other_loss(theta: float, psi: float, eta: float, gamma: float) -> tuple[float, float]:
    return theta + eta * psi * float(expit(-psi * theta)), _step(theta, psi, eta, gamma)[1]


@dirac_step.mistake("The step has the length 1: multiply the velocities by eta.")
def _step_of_one(theta: float, psi: float, eta: float, gamma: float) -> tuple[float, float]:
    return _step(theta, psi, 1.0, gamma)
