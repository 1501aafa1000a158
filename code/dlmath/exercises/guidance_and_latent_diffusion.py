"""Checkers for the exercises of the chapter on guidance and latent diffusion."""

import numpy as np

from dlmath.exercises.framework import Arguments, exercise

Array = np.ndarray


def _predictions(rng: np.random.Generator) -> Arguments:
    shape = int(rng.integers(4, 9)), int(rng.integers(2, 4))
    return {
        "eps_label": rng.normal(size=shape),
        "eps_free": rng.normal(size=shape),
        "w": float(rng.uniform(1.6, 4.5)),
    }


# guidance-noise


@exercise("guidance-noise", _predictions, returns="the guided noise")
def noise(eps_label: Array, eps_free: Array, w: float) -> Array:
    """Guided prediction; one is unguided."""
    return w * eps_label + (1 - w) * eps_free


@noise.mistake(
    "This is the convention in which zero is unguided. Here one is: the weights are w and 1 - w."
)
def _noise_of_the_paper(eps_label: Array, eps_free: Array, w: float) -> Array:
    return (1 + w) * eps_label - w * eps_free


@noise.mistake(
    "The two predictions have changed places: this walks away from the label. The one that knows "
    "the label has the weight w."
)
def _noise_exchanged(eps_label: Array, eps_free: Array, w: float) -> Array:
    return w * eps_free + (1 - w) * eps_label


@noise.mistake(
    "The weights add up to 1 + w, and should add up to one: with equal predictions nothing may "
    "change."
)
def _noise_added(eps_label: Array, eps_free: Array, w: float) -> Array:
    return eps_free + w * eps_label


# guidance-step


def _states(rng: np.random.Generator) -> Arguments:
    shape = int(rng.integers(4, 9)), int(rng.integers(2, 4))
    rho = float(rng.uniform(1.5, 4))
    return {
        "z": rho * rng.normal(size=shape),
        "rho": rho,
        "lower": float(rng.uniform(0.3, 0.8)) * rho,
        "D_label": rng.normal(size=shape),
        "D_free": rng.normal(size=shape),
        "w": float(rng.uniform(1.6, 4.5)),
    }


def _line(z: Array, rho: float, lower: float, D: Array) -> Array:
    return z + (lower - rho) / rho * (z - D)


@exercise("guidance-step", _states, returns="the new state")
def step(z: Array, rho: float, lower: float, D_label: Array, D_free: Array, w: float) -> Array:
    """Euler's step of the guided flow."""
    return _line(z, rho, lower, w * D_label + (1 - w) * D_free)


@step.mistake("The guidance is missing: this is the step with the label's estimate alone.")
def _step_unguided(
    z: Array, rho: float, lower: float, D_label: Array, D_free: Array, w: float
) -> Array:
    return _line(z, rho, lower, D_label)


@step.mistake(
    "The step goes away from the estimate: `lower - rho` is negative, and the slope of z in rho is "
    "(z - D) / rho."
)
def _step_away(
    z: Array, rho: float, lower: float, D_label: Array, D_free: Array, w: float
) -> Array:
    return 2 * z - _line(z, rho, lower, w * D_label + (1 - w) * D_free)


@step.mistake("One is unguided here: the estimates have the weights w and 1 - w, not 1 + w and -w.")
def _step_of_the_paper(
    z: Array, rho: float, lower: float, D_label: Array, D_free: Array, w: float
) -> Array:
    return _line(z, rho, lower, (1 + w) * D_label - w * D_free)


@step.mistake(
    "A factor rho is missing: the score is (D - z) / rho^2, and the flow multiplies it by -rho, "
    "so that (z - D) / rho is left."
)
def _step_with_score(
    z: Array, rho: float, lower: float, D_label: Array, D_free: Array, w: float
) -> Array:
    D = w * D_label + (1 - w) * D_free
    return z + (lower - rho) * (z - D) / rho**2


@step.mistake(
    "The flow has half of this slope's counterpart in time: in the noise level rho the factor is "
    "rho, since half the derivative of rho^2 is rho. There is no further 1/2."
)
def _step_with_half(
    z: Array, rho: float, lower: float, D_label: Array, D_free: Array, w: float
) -> Array:
    D = w * D_label + (1 - w) * D_free
    return z + (lower - rho) * (z - D) / rho / 2


# guidance-tilted


def _logarithms(rng: np.random.Generator) -> Arguments:
    x = np.linspace(-25, 25, int(rng.integers(150, 260)))
    m, s, other = rng.uniform(0.5, 1.5), rng.uniform(0.5, 0.8), rng.uniform(-1.5, -0.5)
    norm = np.log(s * np.sqrt(2 * np.pi))
    label = -(((x - m) / s) ** 2) / 2 - norm
    rest = -(((x - other) / s) ** 2) / 2 - norm
    return {
        "log_p_label": label,
        "log_p": np.logaddexp(label, rest) - np.log(2),
        "w": float(rng.uniform(1.6, 4.5)),
        "x": x,
    }


def _density(logs: Array, x: Array) -> Array:
    values = np.exp(logs - logs.max())
    return values / (values.sum() * (x[1] - x[0]))


@exercise("guidance-tilted", _logarithms, returns="the density")
def tilted(log_p_label: Array, log_p: Array, w: float, x: Array) -> Array:
    """Tilted density on a grid."""
    return _density(w * log_p_label + (1 - w) * log_p, x)


@tilted.mistake("The values add up to one; a density must do so after multiplication by the step.")
def _tilted_sum(log_p_label: Array, log_p: Array, w: float, x: Array) -> Array:
    logs = w * log_p_label + (1 - w) * log_p
    return np.exp(logs - logs.max()) / np.exp(logs - logs.max()).sum()


@tilted.mistake(
    "This is p(x | c) to the power w alone. The unconditional density belongs to it, with the "
    "power 1 - w."
)
def _tilted_power(log_p_label: Array, log_p: Array, w: float, x: Array) -> Array:
    return _density(w * log_p_label, x)


@tilted.mistake("The powers are w and 1 - w: with 1 + w and -w, zero would be unguided.")
def _tilted_of_the_paper(log_p_label: Array, log_p: Array, w: float, x: Array) -> Array:
    return _density((1 + w) * log_p_label - w * log_p, x)


@tilted.mistake("The two densities have changed places: p(x | c) has the power w.")
def _tilted_exchanged(log_p_label: Array, log_p: Array, w: float, x: Array) -> Array:
    return _density(w * log_p + (1 - w) * log_p_label, x)


@tilted.mistake("The density is not normalised: only its largest value was made one.")
def _tilted_unnormalised(log_p_label: Array, log_p: Array, w: float, x: Array) -> Array:
    logs = w * log_p_label + (1 - w) * log_p
    return np.exp(logs - logs.max())


# guidance-variances


def _pairs(rng: np.random.Generator) -> Arguments:
    a = rng.uniform(0.2, 0.8, int(rng.integers(4, 9)))
    return {"a": a, "b": a + rng.uniform(0.2, 1, a.size), "w": float(rng.uniform(1.6, 3.5))}


def _harmonic(a: Array, b: Array, w: float) -> Array:
    return 1 / (w / a + (1 - w) / b)


@exercise("guidance-variances", _pairs, returns=("the flow's variance", "the tilted variance"))
def variances(a: Array, b: Array, w: float) -> tuple[Array, Array]:
    """Geometric and harmonic."""
    return np.exp(w * np.log(a) + (1 - w) * np.log(b)), _harmonic(a, b, w)


@variances.mistake("The two variances are right, and in the wrong order: the flow's comes first.")
def _variances_exchanged(a: Array, b: Array, w: float) -> tuple[Array, Array]:
    return _harmonic(a, b, w), a**w * b ** (1 - w)


@variances.mistake(
    "These are standard deviations of the flow: the exponents w/2 and (1 - w)/2 belong to paths, "
    "and variances have their squares."
)
def _variances_root(a: Array, b: Array, w: float) -> tuple[Array, Array]:
    return a ** (w / 2) * b ** ((1 - w) / 2), _harmonic(a, b, w)


@variances.mistake(
    "For the tilted density, the inverse variances are combined; this combines the variances."
)
def _variances_arithmetic(a: Array, b: Array, w: float) -> tuple[Array, Array]:
    return a**w * b ** (1 - w), w * a + (1 - w) * b


@variances.mistake(
    "This is the inverse of the tilted variance: the precisions add up, and their sum is inverted "
    "at the end."
)
def _variances_precision(a: Array, b: Array, w: float) -> tuple[Array, Array]:
    return a**w * b ** (1 - w), w / a + (1 - w) / b


@variances.mistake("a and b have changed places: the variance given the label has the weight w.")
def _variances_swapped(a: Array, b: Array, w: float) -> tuple[Array, Array]:
    return b**w * a ** (1 - w), _harmonic(b, a, w)


# guidance-ceiling


def _cloud(rng: np.random.Generator) -> Arguments:
    n, d = int(rng.integers(12, 30)), int(rng.integers(5, 8))
    X = rng.normal(size=(n, d)) * rng.uniform(0.5, 3, d) + rng.uniform(0.5, 2, d)
    return {"X": X, "q": int(rng.integers(2, 4))}


def _eigenvalues(X: Array) -> Array:
    return np.linalg.svd(X - X.mean(axis=0), compute_uv=False) ** 2 / len(X)


@exercise("guidance-ceiling", _cloud, returns="the mean squared error")
def ceiling(X: Array, q: int) -> Array:
    """Sum of the discarded eigenvalues."""
    return _eigenvalues(X)[q:].sum()


@ceiling.mistake("This is the variance that is kept. The reconstruction loses the rest.")
def _ceiling_kept(X: Array, q: int) -> Array:
    return _eigenvalues(X)[:q].sum()


@ceiling.mistake("Subtract the mean first: principal components are those of centred data.")
def _ceiling_uncentred(X: Array, q: int) -> Array:
    return (np.linalg.svd(X, compute_uv=False) ** 2 / len(X))[q:].sum()


@ceiling.mistake("The singular values are not squared: eigenvalues of the covariance are d^2/n.")
def _ceiling_not_squared(X: Array, q: int) -> Array:
    return np.linalg.svd(X - X.mean(axis=0), compute_uv=False)[q:].sum() / len(X)


@ceiling.mistake("The covariance is taken with 1/(n - 1); the exercise asks for 1/n.")
def _ceiling_unbiased(X: Array, q: int) -> Array:
    return _eigenvalues(X)[q:].sum() * len(X) / (len(X) - 1)


@ceiling.mistake(
    "This is the mean over the pixels too. The squared norm is a sum over the columns."
)
def _ceiling_mean(X: Array, q: int) -> Array:
    return _eigenvalues(X)[q:].sum() / X.shape[1]


@ceiling.mistake("One component too many is discarded, or too few: q are kept, from the largest.")
def _ceiling_off_by_one(X: Array, q: int) -> Array:
    return _eigenvalues(X)[q + 1 :].sum()
