"""Checkers for the exercises of the chapter on training in practice."""

import numpy as np

from dlmath.exercises.framework import Arguments, exercise

Array = np.ndarray


def _relu(Z: Array) -> Array:
    return np.maximum(Z, 0)


# training-calibrate


def _two_layers(rng: np.random.Generator) -> Arguments:
    n, p, m, k = (int(rng.integers(*ends)) for ends in ((15, 30), (4, 7), (7, 10), (3, 6)))
    return {
        "X": rng.normal(size=(n, p)) * rng.uniform(0.5, 2, p),
        "W1": 0.3 * rng.normal(size=(p, m)),
        "W2": 1.7 * rng.normal(size=(m, k)),
    }


def _root(Z: Array) -> float:
    return float(np.sqrt(np.mean(Z**2)))


def _calibrated(X: Array, W1: Array, W2: Array) -> tuple[Array, Array]:
    first = W1 / _root(X @ W1)
    return first, W2 / _root(_relu(X @ first) @ W2)


@exercise("training-calibrate", _two_layers, returns=("W1", "W2"))
def training_calibrate(X: Array, W1: Array, W2: Array) -> tuple[Array, Array]:
    """Weights with which both pre-activations have the mean square one."""
    return _calibrated(X, W1, W2)


@training_calibrate.mistake(
    "Each matrix is divided by the mean square of Z. Z is proportional to W, so its mean square "
    "goes with the square of the factor: take the root."
)
def _calibrate_without_root(X: Array, W1: Array, W2: Array) -> tuple[Array, Array]:
    first = W1 / _root(X @ W1) ** 2
    return first, W2 / _root(_relu(X @ first) @ W2) ** 2


@training_calibrate.mistake(
    "W1 is right. For W2 the activations must be computed with the new W1, not with the old one."
)
def _calibrate_old_activations(X: Array, W1: Array, W2: Array) -> tuple[Array, Array]:
    return W1 / _root(X @ W1), W2 / _root(_relu(X @ W1) @ W2)


@training_calibrate.mistake(
    "The sum of the squares is one here. It is their mean that should be: a factor n times the "
    "number of units under the root."
)
def _calibrate_sum(X: Array, W1: Array, W2: Array) -> tuple[Array, Array]:
    first = W1 / np.linalg.norm(X @ W1)
    return first, W2 / np.linalg.norm(_relu(X @ first) @ W2)


@training_calibrate.mistake(
    "The sum over the units has the mean square one: the mean runs over the n samples and over "
    "the units."
)
def _calibrate_rows(X: Array, W1: Array, W2: Array) -> tuple[Array, Array]:
    first = W1 / np.sqrt(np.mean(np.sum((X @ W1) ** 2, axis=1)))
    Z = _relu(X @ first) @ W2
    return first, W2 / np.sqrt(np.mean(np.sum(Z**2, axis=1)))


@training_calibrate.mistake("W1 is right. Between the layers the rectifier is missing.")
def _calibrate_linear(X: Array, W1: Array, W2: Array) -> tuple[Array, Array]:
    first = W1 / _root(X @ W1)
    return first, W2 / _root(X @ first @ W2)


@training_calibrate.mistake(
    "This sets the mean square of the activations to one, after the rectifier. The exercise asks "
    "for that of the pre-activations Z."
)
def _calibrate_activations(X: Array, W1: Array, W2: Array) -> tuple[Array, Array]:
    first = W1 / _root(_relu(X @ W1))
    return first, W2 / _root(_relu(_relu(X @ first) @ W2))


@training_calibrate.mistake(
    "This divides by the standard deviation of Z, from which its mean has been subtracted. The "
    "exercise asks for the mean square."
)
def _calibrate_sd(X: Array, W1: Array, W2: Array) -> tuple[Array, Array]:
    first = W1 / np.std(X @ W1)
    return first, W2 / np.std(_relu(X @ first) @ W2)


# training-dropout


def _regression(rng: np.random.Generator) -> Arguments:
    n, p = int(rng.integers(15, 30)), int(rng.integers(3, 6))
    X = rng.normal(size=(n, p)) * rng.uniform(0.3, 3, p) + rng.uniform(0.3, 1, p)
    y = X @ rng.normal(size=p) + rng.normal(size=n)
    return {"X": X, "y": y, "r": rng.uniform(0.15, 0.42)}


def _penalised(X: Array, y: Array, penalty: Array) -> Array:
    return np.linalg.solve(X.T @ X + penalty, X.T @ y)


def _diagonal(X: Array) -> Array:
    return np.diag(np.sum(X**2, axis=0))


@exercise("training-dropout", _regression, returns="theta")
def training_dropout(X: Array, y: Array, r: float) -> Array:
    """Minimiser of the expected cost of dropout."""
    return _penalised(X, y, r / (1 - r) * _diagonal(X))


@training_dropout.mistake(
    "The penalty has the factor r here. The units that remain are divided by 1 - r, and the "
    "variance of the mask is r/(1 - r)."
)
def _dropout_r(X: Array, y: Array, r: float) -> Array:
    return _penalised(X, y, r * _diagonal(X))


@training_dropout.mistake(
    "The penalty has the factor (1 - r)/r: it should grow with the rate r at which units are left "
    "out."
)
def _dropout_inverse(X: Array, y: Array, r: float) -> Array:
    return _penalised(X, y, (1 - r) / r * _diagonal(X))


@training_dropout.mistake(
    "The penalty has the factor r (1 - r), the variance of a mask of zeros and ones. This mask "
    "has zeros and 1/(1 - r), and the variance r/(1 - r)."
)
def _dropout_plain(X: Array, y: Array, r: float) -> Array:
    return _penalised(X, y, r * (1 - r) * _diagonal(X))


@training_dropout.mistake(
    "There is one n too many: X^T X and its diagonal are both sums over the n samples, so the "
    "penalty needs no factor n."
)
def _dropout_with_n(X: Array, y: Array, r: float) -> Array:
    return _penalised(X, y, len(y) * r / (1 - r) * _diagonal(X))


@training_dropout.mistake(
    "A factor n is missing: X^T X is a sum over the n samples, and so is the diagonal of the "
    "penalty. Do not take its mean."
)
def _dropout_without_n(X: Array, y: Array, r: float) -> Array:
    return _penalised(X, y, r / (1 - r) * _diagonal(X) / len(y))


@training_dropout.mistake(
    "This is ridge regression with lambda = r/(1 - r). Here each coefficient has the mean square "
    "of its own column in its penalty, which is one only for standardised columns."
)
def _dropout_ridge(X: Array, y: Array, r: float) -> Array:
    return _penalised(X, y, len(y) * r / (1 - r) * np.eye(X.shape[1]))


@training_dropout.mistake(
    "The sign of the penalty is wrong: noise makes the cost larger, so the penalty is added."
)
def _dropout_minus(X: Array, y: Array, r: float) -> Array:
    return _penalised(X, y, -r / (1 - r) * _diagonal(X))


@training_dropout.mistake(
    "All of X^T X has been multiplied, and the penalty belongs on the diagonal only: what two "
    "features have in common is right on average."
)
def _dropout_all(X: Array, y: Array, r: float) -> Array:
    return _penalised(X, y, r / (1 - r) * X.T @ X)


@training_dropout.mistake("This is the least-squares solution: the rate has no effect on it.")
def _dropout_none(X: Array, y: Array, r: float) -> Array:
    return _penalised(X, y, 0 * _diagonal(X))


# training-batch-norm


def _batch(rng: np.random.Generator) -> Arguments:
    n, m = int(rng.integers(6, 12)), int(rng.integers(3, 5))
    Z = rng.normal(size=(n, m)) * rng.uniform(0.3, 3, m) + rng.uniform(-1, 1, m)
    return {"Z": Z, "G": rng.normal(size=(n, m)) + 0.4, "epsilon": rng.uniform(0.05, 0.3)}


def _through(
    Z: Array, G: Array, epsilon: float, *, mean: float = 1.0, along: float = 1.0, axis: int = 0
) -> Array:
    """Apply the backward pass, with weights on what is subtracted."""
    s = np.sqrt(Z.var(axis=axis, keepdims=True) + epsilon)
    H = (Z - Z.mean(axis=axis, keepdims=True)) / s
    share = np.mean(G * H, axis=axis, keepdims=True)
    return (G - mean * G.mean(axis=axis, keepdims=True) - along * H * share) / s


@exercise("training-batch-norm", _batch, returns="the gradient")
def training_batch_norm(Z: Array, G: Array, epsilon: float) -> Array:
    """Gradient by the pre-activations of a batch normalisation."""
    return _through(Z, G, epsilon)


@training_batch_norm.mistake(
    "The spread is treated as a constant: the root depends on all z too, and the component of G "
    "along z-hat has to be subtracted."
)
def _norm_constant_spread(Z: Array, G: Array, epsilon: float) -> Array:
    return _through(Z, G, epsilon, along=0.0)


@training_batch_norm.mistake(
    "The mean is treated as a constant: it depends on all z, and the mean of G has to be "
    "subtracted."
)
def _norm_constant_mean(Z: Array, G: Array, epsilon: float) -> Array:
    return _through(Z, G, epsilon, mean=0.0)


@training_batch_norm.mistake(
    "Mean and spread are treated as constants. Both depend on every z of the batch."
)
def _norm_constants(Z: Array, G: Array, epsilon: float) -> Array:
    return _through(Z, G, epsilon, mean=0.0, along=0.0)


@training_batch_norm.mistake(
    "The sums over the batch have to be divided by n: they come from two means."
)
def _norm_sums(Z: Array, G: Array, epsilon: float) -> Array:
    return _through(Z, G, epsilon, mean=float(len(Z)), along=float(len(Z)))


@training_batch_norm.mistake(
    "The sign before the term with z-hat is wrong: both terms are subtracted."
)
def _norm_plus(Z: Array, G: Array, epsilon: float) -> Array:
    return _through(Z, G, epsilon, along=-1.0)


@training_batch_norm.mistake("The division by the spread s is missing.")
def _norm_not_divided(Z: Array, G: Array, epsilon: float) -> Array:
    return _through(Z, G, epsilon) * np.sqrt(Z.var(axis=0) + epsilon)


@training_batch_norm.mistake("The epsilon under the root is missing.")
def _norm_no_epsilon(Z: Array, G: Array, epsilon: float) -> Array:
    return _through(Z, G, 0.0)


@training_batch_norm.mistake(
    "The statistics were taken over the units of a sample. That is layer normalisation: here they "
    "run over the samples, the first axis."
)
def _norm_layer(Z: Array, G: Array, epsilon: float) -> Array:
    return _through(Z, G, epsilon, axis=1)


# training-clip


def _gradients(rng: np.random.Generator) -> Arguments:
    g, h = (rng.normal(size=int(rng.integers(3, 7))) for _ in range(2))
    return {"g": 2 * g, "h": h, "rho": 0.4 * float(np.hypot(2 * np.linalg.norm(g), 0))}


def _together(g: Array, h: Array) -> float:
    return float(np.hypot(np.linalg.norm(g), np.linalg.norm(h)))


@exercise("training-clip", _gradients, returns=("g", "h"))
def training_clip(g: Array, h: Array, rho: float) -> tuple[Array, Array]:
    """Two gradients with a common norm of at most rho."""
    factor = min(1.0, rho / _together(g, h))
    return factor * g, factor * h


@training_clip.mistake(
    "Each array has a factor of its own. The norm is that of all entries together, and the factor "
    "is common, so that the direction stays."
)
def _clip_each(g: Array, h: Array, rho: float) -> tuple[Array, Array]:
    parts = [min(1.0, rho / float(np.linalg.norm(a))) * a for a in (g, h)]
    return parts[0], parts[1]


@training_clip.mistake(
    "Every entry is cut off at rho by itself. That turns the direction: multiply all by one factor."
)
def _clip_entries(g: Array, h: Array, rho: float) -> tuple[Array, Array]:
    return np.clip(g, -rho, rho), np.clip(h, -rho, rho)


@training_clip.mistake(
    "The factor is rho over the square of the norm: the root of the sum of squares is missing."
)
def _clip_squared(g: Array, h: Array, rho: float) -> tuple[Array, Array]:
    factor = min(1.0, rho / _together(g, h) ** 2)
    return factor * g, factor * h


@training_clip.mistake(
    "The norms of the two arrays are added. The common norm is the root of the sum of their "
    "squares."
)
def _clip_sum(g: Array, h: Array, rho: float) -> tuple[Array, Array]:
    factor = min(1.0, rho / float(np.linalg.norm(g) + np.linalg.norm(h)))
    return factor * g, factor * h


@training_clip.mistake(
    "The root of the mean square is limited to rho. The norm is that of the sum of squares: there "
    "is no division by the number n of entries."
)
def _clip_mean(g: Array, h: Array, rho: float) -> tuple[Array, Array]:
    factor = min(1.0, rho / (_together(g, h) / float(np.sqrt(g.size + h.size))))
    return factor * g, factor * h


@training_clip.mistake("The gradients are as they were: their norm is above rho, and they are.")
def _clip_nothing(g: Array, h: Array, rho: float) -> tuple[Array, Array]:
    return g, h


@training_clip.mistake("They have the norm one here: multiply by rho.")
def _clip_unit(g: Array, h: Array, rho: float) -> tuple[Array, Array]:
    norm = _together(g, h)
    return g / norm, h / norm


# training-paired


def _errors(rng: np.random.Generator) -> Arguments:
    m = int(rng.integers(5, 12))
    common = 0.1 + 0.02 * rng.normal(size=m)
    return {"a": common + 0.005 * rng.normal(size=m), "b": common + 0.01 * rng.normal(size=m) - 0.1}


@exercise("training-paired", _errors, returns=("the mean", "the standard error"))
def training_paired(a: Array, b: Array) -> tuple[float, float]:
    """Mean difference and its standard error, over pairs."""
    d = b - a
    return float(d.mean()), float(d.std(ddof=1) / np.sqrt(d.size))


@training_paired.mistake(
    "The mean is right. The error ignores the pairs: it adds the variances of a and b, and with "
    "that what both have in common."
)
def _paired_ignored(a: Array, b: Array) -> tuple[float, float]:
    error = np.sqrt((a.var(ddof=1) + b.var(ddof=1)) / a.size)
    return float((b - a).mean()), float(error)


@training_paired.mistake(
    "The mean is right. This is the spread of one difference: the error of the mean of n of them "
    "is smaller by the root of n."
)
def _paired_spread(a: Array, b: Array) -> tuple[float, float]:
    return float((b - a).mean()), float((b - a).std(ddof=1))


@training_paired.mistake("The mean is right. The variance has the factor 1/n for 1/(n - 1).")
def _paired_n(a: Array, b: Array) -> tuple[float, float]:
    return float((b - a).mean()), float((b - a).std() / np.sqrt(a.size))


@training_paired.mistake(
    "The mean is right. The spread has been divided by n, where the root of n belongs."
)
def _paired_by_n(a: Array, b: Array) -> tuple[float, float]:
    return float((b - a).mean()), float((b - a).std(ddof=1) / a.size)


@training_paired.mistake(
    "The sign of the difference is wrong: it is b - a, negative where b has the smaller error."
)
def _paired_sign(a: Array, b: Array) -> tuple[float, float]:
    mean, error = training_paired.reference(a, b)
    return -mean, error


@training_paired.mistake("The mean is right. This is the square of the standard error.")
def _paired_squared(a: Array, b: Array) -> tuple[float, float]:
    return float((b - a).mean()), float((b - a).var(ddof=1) / a.size)
