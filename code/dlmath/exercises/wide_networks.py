"""Checkers for the exercises of the chapter on wide networks and generalisation."""

import numpy as np

from dlmath.exercises.framework import Arguments, exercise

Array = np.ndarray


# wide-arc-cosine


def _points(rng: np.random.Generator) -> Arguments:
    n, k, d = int(rng.integers(3, 7)), int(rng.integers(3, 7)), int(rng.integers(2, 5))
    return {"X": rng.normal(size=(n, d)), "Z": 2 * rng.normal(size=(k, d))}


def _angles(X: Array, Z: Array) -> tuple[Array, Array]:
    """Return the products of the lengths, and the angles."""
    lengths = np.outer(np.linalg.norm(X, axis=1), np.linalg.norm(Z, axis=1))
    return lengths, np.arccos(np.clip(X @ Z.T / lengths, -1, 1))


@exercise("wide-arc-cosine", _points, returns="the covariance")
def wide_arc_cosine(X: Array, Z: Array) -> Array:
    """Covariance of rectifiers of the same random weights."""
    lengths, phi = _angles(X, Z)
    return lengths * (np.sin(phi) + (np.pi - phi) * np.cos(phi)) / (2 * np.pi)


@wide_arc_cosine.mistake(
    "The lengths of the vectors are missing: a rectifier of 2x is twice that of x, so the "
    "covariance is not a function of the angle alone."
)
def _arc_without_lengths(X: Array, Z: Array) -> Array:
    return wide_arc_cosine.reference(X, Z) / _angles(X, Z)[0]


@wide_arc_cosine.mistake(
    "Both units fire on an arc of length pi - phi, not phi: for two equal vectors, phi = 0, they "
    "always fire together."
)
def _arc_complement(X: Array, Z: Array) -> Array:
    lengths, phi = _angles(X, Z)
    return lengths * (np.sin(phi) + phi * np.cos(phi)) / (2 * np.pi)


@wide_arc_cosine.mistake(
    "The sign between the two terms is wrong: sin phi + (pi - phi) cos phi has a plus."
)
def _arc_minus(X: Array, Z: Array) -> Array:
    lengths, phi = _angles(X, Z)
    return lengths * (np.sin(phi) - (np.pi - phi) * np.cos(phi)) / (2 * np.pi)


@wide_arc_cosine.mistake(
    "The sine is missing: this is x^T z times the probability that both units fire."
)
def _arc_without_sine(X: Array, Z: Array) -> Array:
    lengths, phi = _angles(X, Z)
    return lengths * (np.pi - phi) * np.cos(phi) / (2 * np.pi)


@wide_arc_cosine.mistake(
    "This is the tangent kernel: it has (pi - phi) cos phi twice, and the covariance once."
)
def _arc_tangent(X: Array, Z: Array) -> Array:
    lengths, phi = _angles(X, Z)
    return lengths * (np.sin(phi) + 2 * (np.pi - phi) * np.cos(phi)) / (2 * np.pi)


@wide_arc_cosine.mistake(
    "This is the probability that both units fire, the kernel of the steps. Rectifiers have "
    "values there."
)
def _arc_steps(X: Array, Z: Array) -> Array:
    return (np.pi - _angles(X, Z)[1]) / (2 * np.pi)


# wide-tangent


def _network(rng: np.random.Generator) -> Arguments:
    n, d, m = int(rng.integers(3, 7)), int(rng.integers(2, 4)), int(rng.integers(8, 15))
    return {
        "X": rng.normal(size=(n, d)),
        "W": rng.normal(size=(m, d)),
        "a": rng.uniform(0.5, 2, size=m) * rng.choice([-1, 1], size=m),
    }


def _parts(X: Array, W: Array, a: Array, power: int = 2) -> tuple[Array, Array]:
    """Return the kernels of the output weights and of the hidden weights."""
    A = np.tanh(X @ W.T)
    D = 1 - A**2
    return A @ A.T / len(a), (X @ X.T) * ((D * a**power) @ D.T) / len(a)


@exercise("wide-tangent", _network, returns="the kernel")
def wide_tangent(X: Array, W: Array, a: Array) -> Array:
    """Tangent kernel of a tanh network with one hidden layer."""
    return np.add(*_parts(X, W, a))


@wide_tangent.mistake("Only the output weights are trained here: the part of the w_j is missing.")
def _tangent_outputs(X: Array, W: Array, a: Array) -> Array:
    return _parts(X, W, a)[0]


@wide_tangent.mistake("Only the hidden weights are trained here: the part of the a_j is missing.")
def _tangent_hidden(X: Array, W: Array, a: Array) -> Array:
    return _parts(X, W, a)[1]


@wide_tangent.mistake(
    "a_j stands in the derivative by w_j, and the kernel has two derivatives: a_j^2."
)
def _tangent_linear(X: Array, W: Array, a: Array) -> Array:
    return np.add(*_parts(X, W, a, power=1))


@wide_tangent.mistake("The a_j are missing in the derivative by w_j; not all of them are signs.")
def _tangent_without_a(X: Array, W: Array, a: Array) -> Array:
    return np.add(*_parts(X, W, a, power=0))


@wide_tangent.mistake(
    "The sum over the units is not divided by m: the factor 1/sqrt(m) of each derivative is "
    "missing."
)
def _tangent_summed(X: Array, W: Array, a: Array) -> Array:
    return len(a) * wide_tangent.reference(X, W, a)


@wide_tangent.mistake(
    "The sum is divided by sqrt(m). The kernel has a product of two derivatives, so 1/m."
)
def _tangent_root(X: Array, W: Array, a: Array) -> Array:
    return np.sqrt(len(a)) * wide_tangent.reference(X, W, a)


@wide_tangent.mistake(
    "x^T x' is missing in the part of the hidden weights: the derivative by w_j is a vector "
    "along x."
)
def _tangent_without_inner(X: Array, W: Array, a: Array) -> Array:
    outputs, hidden = _parts(X, W, a)
    return outputs + hidden / (X @ X.T)


@wide_tangent.mistake(
    "The sign between the parts is wrong: a kernel is a sum of squares of derivatives."
)
def _tangent_minus(X: Array, W: Array, a: Array) -> Array:
    return np.subtract(*_parts(X, W, a))


# wide-flow


def _kernel(rng: np.random.Generator) -> Arguments:
    n, k = int(rng.integers(4, 8)), int(rng.integers(2, 4))
    J = rng.normal(size=(n + k, 2 * n + 5))
    kernel = J @ J.T / n
    return {
        "Theta": kernel[:n, :n],
        "cross": kernel[n:, :n],
        "y": rng.normal(size=n) + 1,
        "tau": rng.uniform(0.3, 0.8),
    }


def _flow(Theta: Array, cross: Array, y: Array, rate: float) -> Array:
    nu, V = np.linalg.eigh(Theta)
    return cross @ V @ (-np.expm1(-rate * nu) / nu * (V.T @ y))


@exercise("wide-flow", _kernel, returns="the predictions")
def wide_flow(Theta: Array, cross: Array, y: Array, tau: float) -> Array:
    """Predictions of the linearised network after gradient flow."""
    return _flow(Theta, cross, y, 2 * tau / len(y))


@wide_flow.mistake("The exponent has no 1/n here: the cost is a mean over the n samples.")
def _flow_without_n(Theta: Array, cross: Array, y: Array, tau: float) -> Array:
    return _flow(Theta, cross, y, 2 * tau)


@wide_flow.mistake("The factor 2 in the exponent is missing: it comes from the square in the cost.")
def _flow_without_2(Theta: Array, cross: Array, y: Array, tau: float) -> Array:
    return _flow(Theta, cross, y, tau / len(y))


@wide_flow.mistake("Neither the 2 nor the 1/n of the cost is in the exponent.")
def _flow_bare(Theta: Array, cross: Array, y: Array, tau: float) -> Array:
    return _flow(Theta, cross, y, tau)


@wide_flow.mistake("This is the limit of long training; the time tau has no effect on it.")
def _flow_limit(Theta: Array, cross: Array, y: Array, tau: float) -> Array:
    return cross @ np.linalg.solve(Theta, y)


@wide_flow.mistake(
    "This is what is not learned yet. The prediction has 1 minus the exponential, not the "
    "exponential."
)
def _flow_rest(Theta: Array, cross: Array, y: Array, tau: float) -> Array:
    return _flow_limit(Theta, cross, y, tau) - wide_flow.reference(Theta, cross, y, tau)


@wide_flow.mistake(
    "The sign in the exponent is wrong: residuals decay, and this grows without limit."
)
def _flow_growing(Theta: Array, cross: Array, y: Array, tau: float) -> Array:
    return _flow(Theta, cross, y, -2 * tau / len(y))


@wide_flow.mistake(
    "The inverse of Theta is missing between cross and the part of y that is learned."
)
def _flow_without_inverse(Theta: Array, cross: Array, y: Array, tau: float) -> Array:
    nu, V = np.linalg.eigh(Theta)
    return cross @ V @ (-np.expm1(-2 * tau / len(y) * nu) * (V.T @ y))


@wide_flow.mistake(
    "The exponential is taken of each entry of the matrix (np.exp). It should be that of the "
    "matrix: of its eigenvalues."
)
def _flow_entries(Theta: Array, cross: Array, y: Array, tau: float) -> Array:
    n = len(y)
    return cross @ np.linalg.solve(Theta, (np.eye(n) - np.exp(-2 * tau / n * Theta)) @ y)


# wide-bound


def _classifier(rng: np.random.Generator) -> Arguments:
    n, d, m = int(rng.integers(20, 40)), int(rng.integers(2, 4)), int(rng.integers(6, 12))
    X = rng.normal(size=(n, d))
    return {
        "X": X,
        "y": np.where(X[:, 0] + 0.3 * rng.normal(size=n) > 0, 1.0, -1.0),
        "W": rng.normal(size=(m, d)) + 1,
        "a": rng.uniform(0.5, 2, size=m) * rng.choice([-1, 1], size=m),
        "gamma": rng.uniform(0.5, 0.8),
        "delta": rng.uniform(0.02, 0.2),
    }


def _terms(
    X: Array, y: Array, W: Array, a: Array, gamma: float, delta: float
) -> tuple[float, float, float]:
    n, m = len(y), len(a)
    f = np.maximum(X @ W.T, 0) @ a / np.sqrt(m)
    ramp = np.clip(1 - y * f / gamma, 0, 1).mean()
    B = np.abs(a) @ np.linalg.norm(W, axis=1) / np.sqrt(m)
    complexity = 4 * B * np.sqrt(np.sum(X**2)) / (n * gamma)
    return ramp, complexity, 3 * np.sqrt(np.log(2 / delta) / (2 * n))


@exercise("wide-bound", _classifier, returns="the bound")
def wide_bound(X: Array, y: Array, W: Array, a: Array, gamma: float, delta: float) -> float:
    """Bound on the error of a rectifier network by its path norm."""
    return sum(_terms(X, y, W, a, gamma, delta))


@wide_bound.mistake(
    "The complexity counts half: it is 2B sqrt(sum ||x||^2)/n for a network, and it enters twice."
)
def _bound_half(X: Array, y: Array, W: Array, a: Array, gamma: float, delta: float) -> float:
    ramp, complexity, tail = _terms(X, y, W, a, gamma, delta)
    return ramp + complexity / 2 + tail


@wide_bound.mistake("The complexity is not divided by the margin gamma.")
def _bound_margin(X: Array, y: Array, W: Array, a: Array, gamma: float, delta: float) -> float:
    ramp, complexity, tail = _terms(X, y, W, a, gamma, delta)
    return ramp + complexity * gamma + tail


@wide_bound.mistake(
    "The factor 1/sqrt(m) of the network is missing in the path norm: the output weights are "
    "a_j/sqrt(m)."
)
def _bound_width(X: Array, y: Array, W: Array, a: Array, gamma: float, delta: float) -> float:
    ramp, complexity, tail = _terms(X, y, W, a, gamma, delta)
    return ramp + complexity * np.sqrt(len(a)) + tail


@wide_bound.mistake(
    "The complexity has the mean of the ||x||^2 under the root and 1/n before it: one factor "
    "1/sqrt(n) too many."
)
def _bound_mean(X: Array, y: Array, W: Array, a: Array, gamma: float, delta: float) -> float:
    ramp, complexity, tail = _terms(X, y, W, a, gamma, delta)
    return ramp + complexity / np.sqrt(len(y)) + tail


@wide_bound.mistake("The last term counts three times, and here once.")
def _bound_tail(X: Array, y: Array, W: Array, a: Array, gamma: float, delta: float) -> float:
    ramp, complexity, tail = _terms(X, y, W, a, gamma, delta)
    return ramp + complexity + tail / 3


@wide_bound.mistake(
    "The ramp is taken of -y f: the sign is wrong. A large y f is right, and costs nothing."
)
def _bound_sign(X: Array, y: Array, W: Array, a: Array, gamma: float, delta: float) -> float:
    return wide_bound.reference(X, -y, W, a, gamma, delta)
