"""Checkers for the exercises of the chapter on automatic differentiation."""

import numpy as np

from dlmath.exercises.framework import Arguments, exercise

Array = np.ndarray


# autodiff-dual


def _duals(rng: np.random.Generator) -> Arguments:
    n = int(rng.integers(4, 9))
    a, b, d = rng.normal(size=(3, n))
    return {"a": a, "b": b, "c": rng.choice([-1, 1], n) * rng.uniform(0.5, 2, n), "d": d}


@exercise("autodiff-dual", _duals, returns=("the real part", "the dual part"))
def divide(a: Array, b: Array, c: Array, d: Array) -> tuple[Array, Array]:
    """Divide dual numbers, entry by entry."""
    return a / c, (b * c - a * d) / c**2


@divide.mistake(
    "The dual part has its terms in the wrong order: its sign is turned. The numerator's b comes "
    "with a plus."
)
def _turned(a: Array, b: Array, c: Array, d: Array) -> tuple[Array, Array]:
    return a / c, (a * d - b * c) / c**2


@divide.mistake("A quotient is not divided part by part: b / d is not even defined when d is zero.")
def _by_parts(a: Array, b: Array, c: Array, d: Array) -> tuple[Array, Array]:
    return a / c, b / d


@divide.mistake("The terms of the dual part are subtracted, and here they are added.")
def _added(a: Array, b: Array, c: Array, d: Array) -> tuple[Array, Array]:
    return a / c, (b * c + a * d) / c**2


@divide.mistake("The dual part is divided by c once, and its denominator is c squared.")
def _not_squared(a: Array, b: Array, c: Array, d: Array) -> tuple[Array, Array]:
    return a / c, (b * c - a * d) / c


@divide.mistake("That treats c + d epsilon as a constant: the denominator has a dual part, too.")
def _constant(a: Array, b: Array, c: Array, d: Array) -> tuple[Array, Array]:
    return a / c, b / c


# autodiff-layer


def _layer(rng: np.random.Generator) -> Arguments:
    n, p = int(rng.integers(6, 12)), int(rng.integers(3, 5))
    m = p  # square weights: a transpose that is missing has no other shape
    return {
        "X": rng.normal(size=(n, p)),
        "W": rng.normal(size=(p, m)),
        "b": rng.normal(size=m),
        "G": rng.normal(size=(n, m)),
    }


Three = tuple[Array, Array, Array]


@exercise("autodiff-layer", _layer, returns=("X_bar", "W_bar", "b_bar"))
def layer_vjp(X: Array, W: Array, b: Array, G: Array) -> Three:
    """Pull an adjoint back through a product and a broadcast sum."""
    return G @ W.T, X.T @ G, G.sum(axis=0)


@layer_vjp.mistake(
    "The adjoint of b is a sum over the n copies that broadcasting made; a mean is smaller by n."
)
def _mean(X: Array, W: Array, b: Array, G: Array) -> Three:
    return G @ W.T, X.T @ G, G.mean(axis=0)


@layer_vjp.mistake("W is not transposed: X_bar must undo the product from the right.")
def _not_transposed(X: Array, W: Array, b: Array, G: Array) -> Three:
    return G @ W, X.T @ G, G.sum(axis=0)


@layer_vjp.mistake("W_bar is divided by n: the 1/n of a mean is in G already.")
def _weights_by_n(X: Array, W: Array, b: Array, G: Array) -> Three:
    return G @ W.T, X.T @ G / len(X), G.sum(axis=0)


@layer_vjp.mistake("W_bar and b_bar are divided by n: the 1/n of a mean is in G already.")
def _both_by_n(X: Array, W: Array, b: Array, G: Array) -> Three:
    return G @ W.T, X.T @ G / len(X), G.mean(axis=0)


@layer_vjp.mistake("W_bar is transposed: it has inputs in its rows, like W.")
def _weights_transposed(X: Array, W: Array, b: Array, G: Array) -> Three:
    return G @ W.T, G.T @ X, G.sum(axis=0)


# autodiff-sweep


def _program(rng: np.random.Generator) -> Arguments:
    """Draw a program in which values are used again, also twice in one line."""
    n, N = int(rng.integers(3, 6)), int(rng.integers(7, 11))
    lines = np.empty((N, 3), dtype=int)
    for k in range(N):
        last = n + k - 1 if k else 0
        lines[k] = k % 2, last, rng.integers(0, n + k)
    lines[1, 1:] = n
    return {"inputs": rng.uniform(0.5, 1.5, n), "lines": lines}


def _values(inputs: Array, lines: Array) -> list[float]:
    values = list(inputs)
    for kind, i, j in lines:
        values.append(values[i] * values[j] if kind else values[i] + values[j])
    return values


def _swept(inputs: Array, lines: Array, *, overwrite: bool = False, other: bool = False) -> Array:
    values = _values(inputs, lines)
    bar = np.zeros(len(values))
    bar[-1] = 1
    for own in reversed(range(len(inputs), len(values))):
        kind, i, j = lines[own - len(inputs)]
        slopes = (values[j], values[i]) if kind else (1.0, 1.0)
        for k, slope in zip((i, j), slopes[::-1] if other else slopes, strict=True):
            bar[k] = bar[own] * slope if overwrite else bar[k] + bar[own] * slope
    return bar[: len(inputs)]


@exercise("autodiff-sweep", _program, returns="the gradient")
def sweep(inputs: Array, lines: Array) -> Array:
    """Reverse mode over a list of sums and products."""
    return _swept(inputs, lines)


@sweep.mistake(
    "The adjoint of a value that is used more than once is overwritten by its last use: add up all "
    "of them. A number that is used n times receives n contributions."
)
def _overwritten(inputs: Array, lines: Array) -> Array:
    return _swept(inputs, lines, overwrite=True)


@sweep.mistake(
    "In a product each factor must be sent the other factor: here it is sent itself. For shapes "
    "this makes no difference, so nothing complains."
)
def _own_factor(inputs: Array, lines: Array) -> Array:
    return _swept(inputs, lines, other=True)


@sweep.mistake(
    "The lines are gone through in the forward order: then adjoints are passed on before they are "
    "complete, and nearly all of them stay zero."
)
def _in_forward_order(inputs: Array, lines: Array) -> Array:
    values = _values(inputs, lines)
    bar = np.zeros(len(values))
    bar[-1] = 1
    for own, (kind, i, j) in enumerate(lines, len(inputs)):
        bar[i] += bar[own] * (values[j] if kind else 1)
        bar[j] += bar[own] * (values[i] if kind else 1)
    return bar[: len(inputs)]


# autodiff-standardise


def _column(rng: np.random.Generator) -> Arguments:
    n = int(rng.integers(6, 15))
    return {"x": rng.normal(2, 1.5, n), "g": rng.normal(size=n) + 0.5}


@exercise("autodiff-standardise", _column, returns="x_bar")
def standardise_vjp(x: Array, g: Array) -> Array:
    """Pull an adjoint back through the subtraction of the mean and the division by s."""
    z = (x - x.mean()) / x.std()
    return (g - g.mean() - z * np.mean(g * z)) / x.std()


@standardise_vjp.mistake(
    "That is the direct path only: each x_i also moves the mean, and the standard deviation."
)
def _direct(x: Array, g: Array) -> Array:
    return g / x.std()


@standardise_vjp.mistake("The path through the standard deviation is missing.")
def _without_s(x: Array, g: Array) -> Array:
    return (g - g.mean()) / x.std()


@standardise_vjp.mistake("The path through the mean is missing.")
def _without_m(x: Array, g: Array) -> Array:
    z = (x - x.mean()) / x.std()
    return (g - z * np.mean(g * z)) / x.std()


@standardise_vjp.mistake("Sums stand where means belong: both paths come out too large by n.")
def _sums(x: Array, g: Array) -> Array:
    z = (x - x.mean()) / x.std()
    return (g - g.sum() - z * np.sum(g * z)) / x.std()


@standardise_vjp.mistake("The path through the standard deviation has the wrong sign.")
def _plus(x: Array, g: Array) -> Array:
    z = (x - x.mean()) / x.std()
    return (g - g.mean() + z * np.mean(g * z)) / x.std()


@standardise_vjp.mistake("The s of this exercise has n in its denominator, and not n - 1.")
def _unbiased(x: Array, g: Array) -> Array:
    n, s = len(x), x.std(ddof=1)
    z = (x - x.mean()) / s
    return (g - g.mean() - z * np.sum(g * z) / (n - 1)) / s


# autodiff-hvp


def _logistic(rng: np.random.Generator) -> Arguments:
    n, p = int(rng.integers(10, 20)), int(rng.integers(3, 5))
    theta, v = rng.normal(size=(2, p))
    return {"X": rng.normal(size=(n, p)), "theta": theta, "v": v}


def _curved(X: Array, theta: Array, weight: Array, v: Array) -> Array:
    return X.T @ (weight * (X @ v)) / len(X)


def _predicted(X: Array, theta: Array) -> Array:
    return 1 / (1 + np.exp(-X @ theta))


@exercise("autodiff-hvp", _logistic, returns="H v")
def logistic_hvp(X: Array, theta: Array, v: Array) -> Array:
    """Multiply with the Hessian of the mean cross-entropy."""
    f = _predicted(X, theta)
    return _curved(X, theta, f * (1 - f), v)


@logistic_hvp.mistake("The cost is a mean: without its 1/n the result is too large by n.")
def _without_n(X: Array, theta: Array, v: Array) -> Array:
    return len(X) * logistic_hvp.reference(X, theta, v)


@logistic_hvp.mistake("The derivative of expit(z) is f (1 - f): here is only f.")
def _only_f(X: Array, theta: Array, v: Array) -> Array:
    return _curved(X, theta, _predicted(X, theta), v)


@logistic_hvp.mistake("The derivative of expit(z), which is f (1 - f), is missing altogether.")
def _no_slope(X: Array, theta: Array, v: Array) -> Array:
    return _curved(X, theta, np.ones(len(X)), v)


@logistic_hvp.mistake("The sigmoid is taken at z = X v: v is the direction, the place is theta.")
def _at_v(X: Array, theta: Array, v: Array) -> Array:
    f = _predicted(X, v)
    return _curved(X, theta, f * (1 - f), v)


# autodiff-solve


def _system(rng: np.random.Generator) -> Arguments:
    n = int(rng.integers(3, 6))
    b, g = rng.normal(size=(2, n))
    return {"A": rng.normal(size=(n, n)) + 3 * np.eye(n), "b": b, "g": g}


Two = tuple[Array, Array]


@exercise("autodiff-solve", _system, returns=("A_bar", "b_bar"))
def solve_vjp(A: Array, b: Array, g: Array) -> Two:
    """Pull an adjoint back through the solution of A x = b."""
    b_bar = np.linalg.solve(A.T, g)
    return -np.outer(b_bar, np.linalg.solve(A, b)), b_bar


@solve_vjp.mistake("The system of the reverse sweep has the transposed matrix: b_bar solves A^T.")
def _same_matrix(A: Array, b: Array, g: Array) -> Two:
    b_bar = np.linalg.solve(A, g)
    return -np.outer(b_bar, np.linalg.solve(A, b)), b_bar


@solve_vjp.mistake("A_bar has the wrong sign: where A grows, x shrinks.")
def _wrong_sign(A: Array, b: Array, g: Array) -> Two:
    b_bar = np.linalg.solve(A.T, g)
    return np.outer(b_bar, np.linalg.solve(A, b)), b_bar


@solve_vjp.mistake("A_bar is the outer product of b_bar and x, in this order: it is transposed.")
def _outer_turned(A: Array, b: Array, g: Array) -> Two:
    b_bar = np.linalg.solve(A.T, g)
    return -np.outer(np.linalg.solve(A, b), b_bar), b_bar


@solve_vjp.mistake("In A_bar the adjoint is multiplied with b, where the solution x belongs.")
def _with_b(A: Array, b: Array, g: Array) -> Two:
    b_bar = np.linalg.solve(A.T, g)
    return -np.outer(b_bar, b), b_bar


@solve_vjp.mistake("In A_bar stands g, where b_bar belongs: A acts through the same system as b.")
def _with_g(A: Array, b: Array, g: Array) -> Two:
    return -np.outer(g, np.linalg.solve(A, b)), np.linalg.solve(A.T, g)
