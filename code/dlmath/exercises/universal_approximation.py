"""Checkers for the exercises of the chapter on universal approximation."""

from collections.abc import Callable
from math import comb

import numpy as np
from scipy.special import expit

from dlmath.exercises.framework import Arguments, exercise

Array = np.ndarray


# universal-steps


def _nodes(rng: np.random.Generator) -> Arguments:
    """Draw values at the nodes, a steepness and points of the interval."""
    m = int(rng.integers(3, 9))
    x = np.sort(rng.uniform(size=int(rng.integers(10, 20))))
    return {"values": rng.normal(size=m + 1), "q": rng.uniform(2, 8) * m, "x": x}


def _steps(values: Array, q: float, x: Array, shift: float = 0.5) -> Array:
    m = len(values) - 1
    places = (np.arange(m) + shift) / m
    return expit(q * (x[:, np.newaxis] - places)) @ np.diff(values)


@exercise("universal-steps", _nodes, returns="the network's values")
def universal_steps(values: Array, q: float, x: Array) -> Array:
    """Sum of steps half-way between the nodes."""
    return values[0] + _steps(values, q, x)


@universal_steps.mistake(
    "The first term is missing: to the left of all steps the network is not 0 but f(0)."
)
def _steps_without_offset(values: Array, q: float, x: Array) -> Array:
    return _steps(values, q, x)


@universal_steps.mistake(
    "The steps stand at the nodes j/m on the right of each cell; half-way between two nodes is "
    "(j - 1/2)/m."
)
def _steps_at_right_nodes(values: Array, q: float, x: Array) -> Array:
    return values[0] + _steps(values, q, x, 1.0)


@universal_steps.mistake(
    "The steps stand at the nodes (j - 1)/m on the left of each cell; half-way between two nodes "
    "is (j - 1/2)/m."
)
def _steps_at_left_nodes(values: Array, q: float, x: Array) -> Array:
    return values[0] + _steps(values, q, x, 0.0)


@universal_steps.mistake(
    "The places of the steps are divided by m + 1, the number of nodes. There are m cells, of "
    "width 1/m."
)
def _steps_by_nodes(values: Array, q: float, x: Array) -> Array:
    n = len(values)
    places = (np.arange(n - 1) + 0.5) / n
    return values[0] + expit(q * (x[:, np.newaxis] - places)) @ np.diff(values)


@universal_steps.mistake(
    "A sign: the steps go down where they should go up. The output weights are the value to "
    "come minus the value before, and the steps rise with x."
)
def _steps_down(values: Array, q: float, x: Array) -> Array:
    return values[0] - _steps(values, q, x)


@universal_steps.mistake(
    "The steepness multiplies x only: it belongs to the whole bracket, or all steps move to zero."
)
def _steps_loose_bracket(values: Array, q: float, x: Array) -> Array:
    m = len(values) - 1
    return values[0] + expit(q * x[:, np.newaxis] - (np.arange(m) + 0.5) / m) @ np.diff(values)


# universal-odd


def _symmetric(rng: np.random.Generator) -> Arguments:
    n = int(rng.integers(7, 16))
    return {"y": rng.normal(size=n) + rng.choice([-1, 1]) * rng.uniform(1, 2)}


@exercise("universal-odd", _symmetric, returns=("the odd values", "the error"))
def universal_odd(y: Array) -> tuple[Array, float]:
    """Odd part, and the largest value of the even part."""
    return (y - y[::-1]) / 2, float(np.max(np.abs(y + y[::-1])) / 2)


@universal_odd.mistake(
    "These are the even part and the largest value of the odd part: the sign between f(x) and "
    "f(-x) is the other way round. An odd function satisfies g(-x) = -g(x)."
)
def _even_for_odd(y: Array) -> tuple[Array, float]:
    return (y + y[::-1]) / 2, float(np.max(np.abs(y - y[::-1])) / 2)


@universal_odd.mistake(
    "Both are too large by a factor 2: the odd part is half of the difference f(x) - f(-x)."
)
def _odd_without_half(y: Array) -> tuple[Array, float]:
    return y - y[::-1], float(np.max(np.abs(y + y[::-1])))


@universal_odd.mistake(
    "The odd part is right, but the error is a root mean square over the n points; the largest "
    "error is asked for."
)
def _odd_rms(y: Array) -> tuple[Array, float]:
    return (y - y[::-1]) / 2, float(np.sqrt(np.mean((y + y[::-1]) ** 2)) / 2)


@universal_odd.mistake(
    "The values are those of y less their mean. That takes away a constant, not the whole even "
    "part: reflect the points, y[::-1]."
)
def _centred_for_odd(y: Array) -> tuple[Array, float]:
    return y - y.mean(), float(np.abs(y.mean()))


# universal-certificate


def _points(rng: np.random.Generator) -> Arguments:
    n = int(rng.integers(4, 8))
    return {"x": np.sort(rng.uniform(-1, 1, n) + 0.9 * np.arange(n))}


def _inverse_gaps(x: Array) -> Array:
    return 1 / np.prod(np.subtract.outer(x, x) + np.eye(len(x)), axis=1)


@exercise("universal-certificate", _points, returns="v")
def universal_certificate(x: Array) -> Array:
    """Weights of the divided difference, with absolute values that sum to 1."""
    v = _inverse_gaps(x)
    return v / np.sum(np.abs(v))


@universal_certificate.mistake(
    "v annihilates the polynomials, but its absolute values do not sum to 1: these are the weights "
    "of the divided difference as they are."
)
def _certificate_unscaled(x: Array) -> Array:
    return _inverse_gaps(x)


@universal_certificate.mistake(
    "v has the length 1 as a vector: the sum of its squares is 1. The bound needs the sum of the "
    "absolute values."
)
def _certificate_euclidean(x: Array) -> Array:
    v = _inverse_gaps(x)
    return v / np.linalg.norm(v)


@universal_certificate.mistake(
    "All the absolute values are right and no sign changes from point to point: without the signs "
    "not even constants are annihilated."
)
def _certificate_positive(x: Array) -> Array:
    return np.abs(universal_certificate.reference(x))


@universal_certificate.mistake(
    "These are the binomial coefficients of n equally spaced points, scaled. These points are not "
    "equally spaced."
)
def _certificate_binomial(x: Array) -> Array:
    n = len(x)
    v = np.array([(-1.0) ** (n - 1 - i) * comb(n - 1, i) for i in range(n)])
    return v / np.sum(np.abs(v))


# universal-polygon


def _corners(rng: np.random.Generator) -> Arguments:
    n = int(rng.integers(5, 12))
    x = np.cumsum(rng.uniform(0.3, 2, n)) + rng.uniform(1, 2)
    return {"x": x, "y": rng.normal(size=n) + 3}


def _inclines(x: Array, y: Array) -> Array:
    return np.diff(y) / np.diff(x)


@exercise("universal-polygon", _corners, returns=("the output bias", "b", "c"))
def universal_polygon(x: Array, y: Array) -> tuple[float, Array, Array]:
    """Value at the left end, minus the corners, and the changes of slope."""
    return float(y[0]), -x[:-1], np.diff(_inclines(x, y), prepend=0.0)


@universal_polygon.mistake(
    "The output weights are the slopes themselves. The units that are switched on add up: each "
    "new one must only bring the change of slope."
)
def _polygon_slopes(x: Array, y: Array) -> tuple[float, Array, Array]:
    return float(y[0]), -x[:-1], _inclines(x, y)


@universal_polygon.mistake("The sign of the biases: the unit max(z + b, 0) has its corner at -b.")
def _polygon_biases(x: Array, y: Array) -> tuple[float, Array, Array]:
    return float(y[0]), x[:-1], np.diff(_inclines(x, y), prepend=0.0)


@universal_polygon.mistake(
    "The output weights are differences of the values: divide by the distance of the n points to "
    "have slopes before you take their changes."
)
def _polygon_rises(x: Array, y: Array) -> tuple[float, Array, Array]:
    return float(y[0]), -x[:-1], np.diff(np.diff(y), prepend=0.0)


@universal_polygon.mistake(
    "The units stand at the right end of their pieces. A piece begins where its unit is switched "
    "on, at the left end."
)
def _polygon_right(x: Array, y: Array) -> tuple[float, Array, Array]:
    return float(y[0]), -x[1:], np.diff(_inclines(x, y), prepend=0.0)


# universal-power


def _smooth(rng: np.random.Generator) -> Arguments:
    """Draw the exponential of a random multiple, whose derivatives are known."""
    r, b, rate = int(rng.integers(2, 5)), rng.uniform(0.2, 0.6), rng.uniform(0.6, 1.2)
    return {
        "sigma": _Exponential(rate),
        "derivative": rate**r * np.exp(rate * b),
        "r": r,
        "b": b,
        "h": rng.uniform(0.2, 0.4),
        "x": rng.uniform(-1, 1, int(rng.integers(6, 12))),
    }


class _Exponential:
    """exp(rate z), an object that can be copied."""

    def __init__(self, rate: float) -> None:
        self.rate = rate

    def __repr__(self) -> str:
        return "a smooth activation"

    def __call__(self, z: Array) -> Array:
        return np.exp(self.rate * np.asarray(z, dtype=float))


def _difference(
    sigma: Callable[[Array], Array],
    r: int,
    b: float,
    h: float,
    x: Array,
    weight: Callable[[int], float],
) -> Array:
    return np.sum([weight(i) * sigma(i * h * x + b) for i in range(r + 1)], axis=0)


Sigma = Callable[[Array], Array]


@exercise("universal-power", _smooth, returns="the network's values")
def universal_power(sigma: Sigma, derivative: float, r: int, b: float, h: float, x: Array) -> Array:
    """Difference quotient of order r, divided by the derivative."""
    found = _difference(sigma, r, b, h, x, lambda i: (-1) ** (r - i) * comb(r, i))
    return found / (h**r * derivative)


@universal_power.mistake(
    "The signs begin at the wrong end: the unit with i = r has a plus, the others alternate from "
    "there. Here they alternate from a plus at i = 0, which is the same for even r only."
)
def _power_signs(sigma: Sigma, derivative: float, r: int, b: float, h: float, x: Array) -> Array:
    found = _difference(sigma, r, b, h, x, lambda i: (-1) ** i * comb(r, i))
    return found / (h**r * derivative)


@universal_power.mistake("The division by the derivative of the activation at b is missing.")
def _power_derivative(
    sigma: Sigma, derivative: float, r: int, b: float, h: float, x: Array
) -> Array:
    return universal_power.reference(sigma, 1.0, r, b, h, x)


@universal_power.mistake(
    "The difference is divided by h. A difference of order r is divided by h to the power r."
)
def _power_h(sigma: Sigma, derivative: float, r: int, b: float, h: float, x: Array) -> Array:
    return universal_power.reference(sigma, derivative, r, b, h, x) * h ** (r - 1)


@universal_power.mistake(
    "The binomial coefficients are missing, so that the terms of low order do not cancel."
)
def _power_binomials(
    sigma: Sigma, derivative: float, r: int, b: float, h: float, x: Array
) -> Array:
    found = _difference(sigma, r, b, h, x, lambda i: (-1) ** (r - i))
    return found / (h**r * derivative)


@universal_power.mistake(
    "The bias is missing: the difference is taken about zero, and the derivative about b."
)
def _power_bias(sigma: Sigma, derivative: float, r: int, b: float, h: float, x: Array) -> Array:
    return universal_power.reference(sigma, derivative, r, 0.0, h, x)
