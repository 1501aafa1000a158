"""Checkers for the exercises of the chapter on what training finds."""

import numpy as np

from dlmath.exercises.framework import Arguments, exercise

Array = np.ndarray


# findings-mode


def _whitened(rng: np.random.Generator) -> Arguments:
    """Draw whitened inputs and as many targets, so that the product is square."""
    n, p = int(rng.integers(20, 40)), int(rng.integers(3, 6))
    left, _, _ = np.linalg.svd(rng.normal(size=(n, p)), full_matrices=False)
    X = np.sqrt(n) * left
    Y = X @ rng.normal(size=(p, p)) + rng.normal(size=(n, p))
    return {"X": X, "Y": Y, "start": rng.uniform(0.001, 0.02), "tau": rng.uniform(0.3, 0.8)}


def _logistic(s: Array, start: float, tau: float, rate: float = 4.0) -> Array:
    return s / (1 + (s / start - 1) * np.exp(-rate * s * tau))


def _correlation(X: Array, Y: Array) -> Array:
    return np.linalg.svd(X.T @ Y / len(X), compute_uv=False)


@exercise("findings-mode", _whitened, returns="the vector of strengths")
def findings_mode(X: Array, Y: Array, start: float, tau: float) -> Array:
    """Strengths of the modes of a two-layer linear network under gradient flow."""
    return _logistic(_correlation(X, Y), start, tau)


@findings_mode.mistake(
    "The correlation of inputs and targets has the 1/n of the cost: here its factor n is missing, "
    "and everything goes n times too fast."
)
def _mode_without_n(X: Array, Y: Array, start: float, tau: float) -> Array:
    return _logistic(len(X) * _correlation(X, Y), start, tau)


@findings_mode.mistake(
    "The rate is 2s here. The square in the cost gives a 2, and so do the two layers: 4s."
)
def _mode_with_2(X: Array, Y: Array, start: float, tau: float) -> Array:
    return _logistic(_correlation(X, Y), start, tau, rate=2)


@findings_mode.mistake("The sign in the exponent is wrong: these modes fade, and they should grow.")
def _mode_with_plus(X: Array, Y: Array, start: float, tau: float) -> Array:
    return _logistic(_correlation(X, Y), start, tau, rate=-4)


@findings_mode.mistake(
    "The start is the strength of the product of both layers. Here it is taken for that of one "
    "layer and squared."
)
def _mode_start_squared(X: Array, Y: Array, start: float, tau: float) -> Array:
    return _logistic(_correlation(X, Y), start**2, tau)


@findings_mode.mistake(
    "This is a network of one layer: every mode starts at once, and none has to wait."
)
def _mode_one_layer(X: Array, Y: Array, start: float, tau: float) -> Array:
    s = _correlation(X, Y)
    return s + (start - s) * np.exp(-2 * tau)


@findings_mode.mistake("The order is reversed: the strongest mode comes first.")
def _mode_reversed(X: Array, Y: Array, start: float, tau: float) -> Array:
    return _logistic(_correlation(X, Y), start, tau)[::-1]


# findings-conserved


def _layers(rng: np.random.Generator) -> Arguments:
    """Draw two layers; the first maps between spaces of one dimension, so that W1 is square."""
    m = int(rng.integers(3, 6))
    return {
        "W1": rng.normal(size=(m, m)),
        "b1": rng.normal(size=m),
        "W2": rng.normal(size=(m, m)),
    }


@exercise("findings-conserved", _layers, returns="the matrix Q")
def findings_conserved(W1: Array, b1: Array, W2: Array) -> Array:
    """Quantity that gradient flow conserves between two linear layers."""
    return W1.T @ W1 + np.outer(b1, b1) - W2 @ W2.T


@findings_conserved.mistake(
    "The biases are missing: the symmetry rescales them with the incoming weights."
)
def _conserved_without_bias(W1: Array, b1: Array, W2: Array) -> Array:
    return W1.T @ W1 - W2 @ W2.T


@findings_conserved.mistake(
    "The sign before the second layer is wrong: what the first layer gains the second gains too, "
    "and it is the difference that stays."
)
def _conserved_with_plus(W1: Array, b1: Array, W2: Array) -> Array:
    return W1.T @ W1 + np.outer(b1, b1) + W2 @ W2.T


@findings_conserved.mistake(
    "W1 is transposed in the wrong place: W1 W1^T is indexed by the inputs, and Q belongs to the "
    "hidden units."
)
def _conserved_first_transposed(W1: Array, b1: Array, W2: Array) -> Array:
    return W1 @ W1.T + np.outer(b1, b1) - W2 @ W2.T


@findings_conserved.mistake(
    "W2 is transposed in the wrong place: W2^T W2 is indexed by the outputs, and Q belongs to the "
    "hidden units."
)
def _conserved_second_transposed(W1: Array, b1: Array, W2: Array) -> Array:
    return W1.T @ W1 + np.outer(b1, b1) - W2.T @ W2


@findings_conserved.mistake(
    "b1 @ b1 is a number, and it has been added to all elements. Q needs the matrix with the "
    "elements b_i b_j, np.outer."
)
def _conserved_number(W1: Array, b1: Array, W2: Array) -> Array:
    return W1.T @ W1 + b1 @ b1 - W2 @ W2.T


@findings_conserved.mistake(
    "The biases stand on the diagonal alone. For rectifiers nothing else is conserved; here the "
    "whole matrix is, with b_i b_j beside the diagonal."
)
def _conserved_diagonal_bias(W1: Array, b1: Array, W2: Array) -> Array:
    return W1.T @ W1 + np.diag(b1**2) - W2 @ W2.T


# findings-diagonal


def _sparse(rng: np.random.Generator) -> Arguments:
    n, p = int(rng.integers(6, 12)), int(rng.integers(4, 9))
    return {
        "X": rng.normal(size=(n, p)),
        "y": rng.normal(size=n),
        "u": rng.uniform(0.2, 1, size=p),
        "v": rng.uniform(0.2, 1, size=p),
        "eta": rng.uniform(0.02, 0.1),
    }


def _slope(X: Array, y: Array, theta: Array) -> Array:
    return 2 / len(y) * X.T @ (X @ theta - y)


@exercise("findings-diagonal", _sparse, returns=("the new u", "the new v"))
def findings_diagonal(X: Array, y: Array, u: Array, v: Array, eta: float) -> tuple[Array, Array]:
    """One step of gradient descent of the network u o u - v o v."""
    g = _slope(X, y, u * u - v * v)
    return u - 2 * eta * u * g, v + 2 * eta * v * g


@findings_diagonal.mistake(
    "The cost has a 1/n, and so has its gradient: the steps are n times too long."
)
def _diagonal_without_n(X: Array, y: Array, u: Array, v: Array, eta: float) -> tuple[Array, Array]:
    g = len(y) * _slope(X, y, u * u - v * v)
    return u - 2 * eta * u * g, v + 2 * eta * v * g


@findings_diagonal.mistake(
    "A factor 2 is missing: one comes from the square in the cost, another from the square of the "
    "weights."
)
def _diagonal_with_2(X: Array, y: Array, u: Array, v: Array, eta: float) -> tuple[Array, Array]:
    g = _slope(X, y, u * u - v * v)
    return u - eta * u * g, v + eta * v * g


@findings_diagonal.mistake(
    "The sign of the step of v is wrong: theta falls when v grows, so v moves along the gradient "
    "by theta."
)
def _diagonal_sign_of_v(X: Array, y: Array, u: Array, v: Array, eta: float) -> tuple[Array, Array]:
    g = _slope(X, y, u * u - v * v)
    return u - 2 * eta * u * g, v - 2 * eta * v * g


@findings_diagonal.mistake("Both signs are wrong: this step leads uphill.")
def _diagonal_uphill(X: Array, y: Array, u: Array, v: Array, eta: float) -> tuple[Array, Array]:
    g = _slope(X, y, u * u - v * v)
    return u + 2 * eta * u * g, v - 2 * eta * v * g


@findings_diagonal.mistake(
    "The new u has been used in the gradient for v. Both derivatives are taken before either moves."
)
def _diagonal_in_turn(X: Array, y: Array, u: Array, v: Array, eta: float) -> tuple[Array, Array]:
    u = u - 2 * eta * u * _slope(X, y, u * u - v * v)
    return u, v + 2 * eta * v * _slope(X, y, u * u - v * v)


@findings_diagonal.mistake(
    "The chain rule is missing: the gradient by theta has still to be multiplied by 2u, and by -2v."
)
def _diagonal_no_chain(X: Array, y: Array, u: Array, v: Array, eta: float) -> tuple[Array, Array]:
    g = _slope(X, y, u * u - v * v)
    return u - eta * g, v + eta * g


# findings-sharpness


def _two_weights(rng: np.random.Generator) -> Arguments:
    n = int(rng.integers(6, 20))
    x = rng.normal(size=n)
    return {
        "x": x,
        "y": rng.uniform(0.5, 2) * x + 0.1 * rng.normal(size=n),
        "u": rng.uniform(1, 2),
        "v": rng.uniform(0.1, 0.8),
    }


def _end(x: Array, y: Array, u: float, v: float) -> tuple[float, float]:
    """Give the conserved quantity and u^2 + v^2 at the minimiser."""
    Q = u**2 - v**2
    return Q, float(np.sqrt(Q**2 + 4 * (np.sum(x * y) / np.sum(x**2)) ** 2))


@exercise("findings-sharpness", _two_weights, returns="the sharpness")
def findings_sharpness(x: Array, y: Array, u: float, v: float) -> float:
    """Sharpness of the minimiser to which gradient flow leads two weights."""
    return float(2 * np.mean(x**2) * _end(x, y, u, v)[1])


@findings_sharpness.mistake(
    "The cost has a 1/n: it is the mean of the x^2 that counts, and their sum is n times too large."
)
def _sharpness_sum(x: Array, y: Array, u: float, v: float) -> float:
    return float(2 * np.sum(x**2) * _end(x, y, u, v)[1])


@findings_sharpness.mistake("A factor 2 is missing: the cost is a square without a half before it.")
def _sharpness_half(x: Array, y: Array, u: float, v: float) -> float:
    return float(np.mean(x**2) * _end(x, y, u, v)[1])


@findings_sharpness.mistake(
    "This is 2 x^2 (u^2 + v^2) at the start. The weights move, and only u^2 - v^2 stays."
)
def _sharpness_at_start(x: Array, y: Array, u: float, v: float) -> float:
    return float(2 * np.mean(x**2) * (u**2 + v**2))


@findings_sharpness.mistake(
    "This is the flattest of all minimisers, the balanced one. The flow reaches it only from "
    "u^2 = v^2."
)
def _sharpness_balanced(x: Array, y: Array, u: float, v: float) -> float:
    return float(4 * np.mean(x**2) * abs(np.sum(x * y) / np.sum(x**2)))


@findings_sharpness.mistake(
    "The sign is wrong: conserved is u^2 - v^2, and here it is the sum of the squares."
)
def _sharpness_sum_conserved(x: Array, y: Array, u: float, v: float) -> float:
    total, slope = u**2 + v**2, np.sum(x * y) / np.sum(x**2)
    return float(2 * np.mean(x**2) * np.sqrt(total**2 + 4 * slope**2))


@findings_sharpness.mistake(
    "The slope of least squares is taken to be one; it is sum(x y)/sum(x^2)."
)
def _sharpness_slope_one(x: Array, y: Array, u: float, v: float) -> float:
    return float(2 * np.mean(x**2) * np.sqrt((u**2 - v**2) ** 2 + 4))
