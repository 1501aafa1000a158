"""Checkers for the exercises of the chapter on flow matching."""

import numpy as np
from scipy.optimize import linear_sum_assignment

from dlmath.exercises.framework import Arguments, exercise

Array = np.ndarray


# flow-matching-velocity


def _points(rng: np.random.Generator) -> Arguments:
    n, d = int(rng.integers(4, 9)), int(rng.integers(2, 4))
    return {
        "x": rng.normal(size=(n, d)),
        "t": float(rng.uniform(0.3, 0.45)),
        "points": rng.normal(size=(int(rng.integers(9, 14)), d)),
    }


def _denoised(x: Array, points: Array, gamma: float, sigma: float) -> Array:
    squares = np.sum((x[:, None] - gamma * points) ** 2, axis=2)
    shares = np.exp(-(squares - squares.min(axis=1, keepdims=True)) / (2 * sigma**2))
    return shares @ points / shares.sum(axis=1, keepdims=True)


@exercise("flow-matching-velocity", _points, returns="the velocity")
def velocity(x: Array, t: float, points: Array) -> Array:
    """Exact velocity for a finite set of data points."""
    return (_denoised(x, points, t, 1 - t) - x) / (1 - t)


@velocity.mistake(
    "This is the denoiser, the expected data point. The velocity is the way from x to it, divided "
    "by the time that is left."
)
def _denoiser_only(x: Array, t: float, points: Array) -> Array:
    return _denoised(x, points, t, 1 - t)


@velocity.mistake("The way to the expected data point must be divided by the time left, 1 - t.")
def _not_divided(x: Array, t: float, points: Array) -> Array:
    return _denoised(x, points, t, 1 - t) - x


@velocity.mistake(
    "This is the other clock: here t = 0 is noise, so that the points are multiplied by t and the "
    "noise by 1 - t."
)
def _other_clock(x: Array, t: float, points: Array) -> Array:
    return (_denoised(x, points, 1 - t, t) - x) / t


@velocity.mistake(
    "The exponent has the noise level where its square belongs: the variance is (1 - t)^2."
)
def _level_for_variance(x: Array, t: float, points: Array) -> Array:
    return (_denoised(x, points, t, np.sqrt(1 - t)) - x) / (1 - t)


@velocity.mistake("The factor 1/2 in the exponent of the Gaussian is missing.")
def _without_half(x: Array, t: float, points: Array) -> Array:
    return (_denoised(x, points, t, (1 - t) / np.sqrt(2)) - x) / (1 - t)


@velocity.mistake(
    "The points are not multiplied by t: given the data point b, the place has the mean t b."
)
def _points_not_scaled(x: Array, t: float, points: Array) -> Array:
    return (_denoised(x, points, 1.0, 1 - t) - x) / (1 - t)


# flow-matching-loss


def _lines(rng: np.random.Generator) -> Arguments:
    n, d = int(rng.integers(6, 15)), int(rng.integers(2, 5))
    return {
        "x0": rng.normal(size=(n, d)),
        "x1": rng.normal(size=(n, d)) + 1,
        "t": rng.uniform(size=n),
        "W": rng.normal(size=(d + 2, d)),
    }


def _left_over(x0: Array, x1: Array, t: Array, W: Array, place: Array | None = None) -> Array:
    along = (1 - t[:, None]) * x0 + t[:, None] * x1 if place is None else place
    return x1 - x0 - np.column_stack([along, t, np.ones(len(t))]) @ W


@exercise("flow-matching-loss", _lines, returns="the cost")
def loss(x0: Array, x1: Array, t: Array, W: Array) -> float:
    """Flow-matching cost of a linear model."""
    return np.mean(np.sum(_left_over(x0, x1, t, W) ** 2, axis=1))


@loss.mistake(
    "The squares are averaged over the columns too. The cost is a mean over rows of squared norms, "
    "a sum over columns."
)
def _mean_of_all(x0: Array, x1: Array, t: Array, W: Array) -> float:
    return np.mean(_left_over(x0, x1, t, W) ** 2)


@loss.mistake("The places are on the other clock: at t = 0 the line is at the noise x0.")
def _places_swapped(x0: Array, x1: Array, t: Array, W: Array) -> float:
    place = t[:, None] * x0 + (1 - t[:, None]) * x1
    return np.mean(np.sum(_left_over(x0, x1, t, W, place) ** 2, axis=1))


@loss.mistake(
    "The target has the wrong sign: walkers go from the noise x0 to the data x1, with the velocity "
    "x1 - x0."
)
def _target_swapped(x0: Array, x1: Array, t: Array, W: Array) -> float:
    wrong = _left_over(x0, x1, t, W) - 2 * (x1 - x0)
    return np.mean(np.sum(wrong**2, axis=1))


@loss.mistake("The target is the data point x1. It should be the velocity of the line, x1 - x0.")
def _target_is_data(x0: Array, x1: Array, t: Array, W: Array) -> float:
    return np.mean(np.sum((_left_over(x0, x1, t, W) + x0) ** 2, axis=1))


@loss.mistake("These are norms; the cost is the mean of their squares.")
def _norms(x0: Array, x1: Array, t: Array, W: Array) -> float:
    return np.mean(np.linalg.norm(_left_over(x0, x1, t, W), axis=1))


# flow-matching-euler


def _spread(rng: np.random.Generator) -> Arguments:
    return {"nu": float(rng.uniform(0.2, 3)), "n": int(rng.integers(3, 12))}


def _product(nu: float, n: int, times: Array, h: float) -> float:
    slopes = (times * nu - (1 - times)) / (times**2 * nu + (1 - times) ** 2)
    return np.prod(1 + h * slopes)


@exercise("flow-matching-euler", _spread, returns="the factor")
def euler(nu: float, n: int) -> float:
    """Factor of n Euler steps from N(0, 1) to N(0, nu)."""
    return _product(nu, n, np.arange(n) / n, 1 / n)


@euler.mistake("This is the limit of infinitely many steps; asked for is the factor of n steps.")
def _limit(nu: float, n: int) -> float:
    return np.sqrt(nu)


@euler.mistake(
    "The velocity is taken at the end of each step. Euler's method takes it at the beginning, "
    "where the walker is: times 0, 1/n, ..., 1 - 1/n."
)
def _ends(nu: float, n: int) -> float:
    return _product(nu, n, np.arange(1, n + 1) / n, 1 / n)


@euler.mistake("The steps have the length 1: each must be 1/n long, for n steps in all.")
def _unit_steps(nu: float, n: int) -> float:
    return _product(nu, n, np.arange(n) / n, 1.0)


@euler.mistake(
    "The times run over n values that include t = 1: the last step would begin where the way ends."
)
def _linspace(nu: float, n: int) -> float:
    return _product(nu, n, np.linspace(0, 1, n), 1 / n)


@euler.mistake(
    "The sign of the velocity is wrong: at t = 0 it is -x, towards the mean of the data."
)
def _backwards(nu: float, n: int) -> float:
    return _product(nu, n, np.arange(n) / n, -1 / n)


@euler.mistake("nu is the variance of the data, and here it is squared.")
def _squared(nu: float, n: int) -> float:
    return _product(nu**2, n, np.arange(n) / n, 1 / n)


# flow-matching-pairs


def _clouds(rng: np.random.Generator) -> Arguments:
    n = int(rng.integers(25, 40))
    return {"x0": rng.normal(size=(n, 2)), "x1": 2 * rng.normal(size=(n, 2)) + 0.5}


def _squares(x0: Array, x1: Array) -> Array:
    return np.sum((x0[:, None] - x1) ** 2, axis=2)


@exercise("flow-matching-pairs", _clouds, returns="the partners")
def pairs(x0: Array, x1: Array) -> Array:
    """Order the data so that the sum of squared distances is least."""
    return x1[linear_sum_assignment(_squares(x0, x1))[1]]


@pairs.mistake("The distances are not squared: their sum has another best assignment.")
def _distances(x0: Array, x1: Array) -> Array:
    return x1[linear_sum_assignment(np.sqrt(_squares(x0, x1)))[1]]


@pairs.mistake(
    "Each noise vector gets its nearest data point. Some points are then used many times and "
    "others never; a permutation of all n rows is wanted."
)
def _nearest(x0: Array, x1: Array) -> Array:
    return x1[_squares(x0, x1).argmin(axis=1)]


@pairs.mistake("This is the inverse permutation: row i of the answer must be the partner of x0[i].")
def _inverse(x0: Array, x1: Array) -> Array:
    return x1[linear_sum_assignment(_squares(x0, x1).T)[1]]


@pairs.mistake("These are the worst pairs: the sum is maximised. Look at the sign of the costs.")
def _worst(x0: Array, x1: Array) -> Array:
    return x1[linear_sum_assignment(-_squares(x0, x1))[1]]


@pairs.mistake("The rows are in the order in which they came: nothing was paired.")
def _unpaired(x0: Array, x1: Array) -> Array:
    return x1


@pairs.mistake("These are the rows of x0. The partners are rows of x1, in the order of x0.")
def _noise_ordered(x0: Array, x1: Array) -> Array:
    return x0[linear_sum_assignment(_squares(x0, x1).T)[1]]
