"""Checkers for the exercises of the chapter on ridge regression."""

from collections.abc import Callable

import numpy as np

from dlmath.exercises.framework import Arguments, exercise

Array = np.ndarray


def _regression(rng: np.random.Generator) -> Arguments:
    """Draw a regression problem of random size, with columns off centre and of unequal scales."""
    n, p = int(rng.integers(12, 30)), int(rng.integers(3, 6))
    X = rng.normal(size=(n, p)) * rng.uniform(0.5, 3, size=p) + rng.uniform(0.3, 1, size=p)
    y = 2 + X @ rng.normal(size=p) + rng.normal(size=n)
    return {"X": X, "y": y}


def _penalised(rng: np.random.Generator) -> Arguments:
    return _regression(rng) | {"lam": rng.uniform(0.05, 0.6)}


def _solve(X: Array, y: Array, penalty: float) -> Array:
    """Solve the normal equations with a number added to the diagonal."""
    return np.linalg.solve(X.T @ X + penalty * np.eye(X.shape[1]), X.T @ y)


def _centred(X: Array) -> Array:
    return X - X.mean(axis=0)


def _root(rising: Callable[[float], float]) -> float:
    """Return the positive zero of a rising function by bisection of the exponent."""
    low, high = -40.0, 40.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (low, middle) if rising(float(np.exp(middle))) > 0 else (middle, high)
    return float(np.exp((low + high) / 2))


# ridge-solution


@exercise("ridge-solution", _penalised, returns="theta")
def ridge_solution(X: Array, y: Array, lam: float) -> Array:
    """Minimiser of the cost, without an intercept."""
    return _solve(X, y, len(y) * lam)


@ridge_solution.mistake(
    "The cost has a 1/n before the squares and none before the penalty: multiply by n, and "
    "n lambda is what stands beside X^T X, not lambda."
)
def _solution_without_n(X: Array, y: Array, lam: float) -> Array:
    return _solve(X, y, lam)


@ridge_solution.mistake(
    "X^T X has been divided by n and the penalty still has its n: one of the two is enough."
)
def _solution_with_n_twice(X: Array, y: Array, lam: float) -> Array:
    n = len(y)
    return np.linalg.solve(X.T @ X / n + n * lam * np.eye(X.shape[1]), X.T @ y / n)


@ridge_solution.mistake(
    "The penalty has a factor 2 that the squares have lost: differentiation gives a 2 to both, "
    "and it cancels."
)
def _solution_with_2(X: Array, y: Array, lam: float) -> Array:
    return _solve(X, y, 2 * len(y) * lam)


@ridge_solution.mistake(
    "The penalty has only half its weight: differentiation gives a 2 to both terms, and it cancels."
)
def _solution_with_half(X: Array, y: Array, lam: float) -> Array:
    return _solve(X, y, len(y) * lam / 2)


@ridge_solution.mistake(
    "The penalty has the wrong sign: n lambda is added to X^T X. Subtracted, it moves the "
    "eigenvalues towards zero and past it."
)
def _solution_with_minus(X: Array, y: Array, lam: float) -> Array:
    return _solve(X, y, -len(y) * lam)


@ridge_solution.mistake(
    "The penalty is multiplied by the number of features; the n of the cost counts the samples, "
    "the rows of X."
)
def _solution_with_p(X: Array, y: Array, lam: float) -> Array:
    return _solve(X, y, X.shape[1] * lam)


@ridge_solution.mistake("This is the least-squares solution: the penalty has no effect on it.")
def _solution_without_penalty(X: Array, y: Array, lam: float) -> Array:
    return _solve(X, y, 0.0)


@ridge_solution.mistake(
    "n lambda is added to every element of X^T X. It belongs on the diagonal: "
    "multiply it by the identity matrix."
)
def _solution_off_diagonal(X: Array, y: Array, lam: float) -> Array:
    return np.linalg.solve(X.T @ X + len(y) * lam, X.T @ y)


@ridge_solution.mistake(
    "This is the fit to centred data. The exercise asks for the coefficients of the columns of X "
    "as they are, with no intercept added."
)
def _solution_centred(X: Array, y: Array, lam: float) -> Array:
    return _solve(_centred(X), y - y.mean(), len(y) * lam)


# ridge-intercept


def _with_intercept(X: Array, y: Array, penalty: float) -> tuple[float, Array]:
    theta = _solve(_centred(X), y - y.mean(), penalty)
    return float(y.mean() - X.mean(axis=0) @ theta), theta


@exercise("ridge-intercept", _penalised, returns=("the intercept", "theta"))
def ridge_intercept(X: Array, y: Array, lam: float) -> tuple[float, Array]:
    """Intercept without a penalty, and the penalised coefficients."""
    return _with_intercept(X, y, len(y) * lam)


@ridge_intercept.mistake(
    "The intercept is penalised here, as if it were one more coefficient. Then the fit depends on "
    "the zero of y: centre first, and only the other coefficients feel the penalty."
)
def _intercept_penalised(X: Array, y: Array, lam: float) -> tuple[float, Array]:
    theta = _solve(np.column_stack([np.ones(len(y)), X]), y, len(y) * lam)
    return float(theta[0]), theta[1:]


@ridge_intercept.mistake(
    "theta is that of a fit without an intercept: subtract from each column of X its mean before "
    "you solve."
)
def _intercept_not_centred(X: Array, y: Array, lam: float) -> tuple[float, Array]:
    theta = _solve(X, y, len(y) * lam)
    return float(y.mean() - X.mean(axis=0) @ theta), theta


@ridge_intercept.mistake(
    "y is centred and X is not, so the fit is forced through the point (0, mean of y): "
    "centre the columns of X too."
)
def _intercept_half_centred(X: Array, y: Array, lam: float) -> tuple[float, Array]:
    theta = _solve(X, y - y.mean(), len(y) * lam)
    return float(y.mean() - X.mean(axis=0) @ theta), theta


@ridge_intercept.mistake(
    "theta is right. The mean of y is the intercept of the centred columns; for the columns as "
    "they were, subtract theta times their means."
)
def _intercept_of_centred(X: Array, y: Array, lam: float) -> tuple[float, Array]:
    return float(y.mean()), _with_intercept(X, y, len(y) * lam)[1]


@ridge_intercept.mistake(
    "theta is right. In the intercept the sign before the means of the columns is wrong: "
    "it is mean(y) - mean(X) theta."
)
def _intercept_with_plus(X: Array, y: Array, lam: float) -> tuple[float, Array]:
    theta = _with_intercept(X, y, len(y) * lam)[1]
    return float(y.mean() + X.mean(axis=0) @ theta), theta


@ridge_intercept.mistake(
    "The centring is right. The penalty beside X^T X should be n lambda, and here it is lambda: "
    "a factor n is missing."
)
def _intercept_without_n(X: Array, y: Array, lam: float) -> tuple[float, Array]:
    return _with_intercept(X, y, lam)


# ridge-filter


def _several_penalties(rng: np.random.Generator) -> Arguments:
    lams = np.sort(rng.uniform(0.01, 2, size=int(rng.integers(6, 10))))
    return _regression(rng) | {"lams": lams}


def _path(X: Array, y: Array, lams: Array, filtered: Callable[[Array, Array], Array]) -> Array:
    """Return theta for each penalty; `filtered` gives the factors of u^T y for d and n lam."""
    U, d, Vt = np.linalg.svd(X, full_matrices=False)
    return filtered(d, len(y) * lams[:, np.newaxis]) * (U.T @ y) @ Vt


@exercise("ridge-filter", _several_penalties, returns="the path")
def ridge_filter(X: Array, y: Array, lams: Array) -> Array:
    """Ridge solutions for several penalties, a row each, from one decomposition."""
    return _path(X, y, lams, lambda d, penalty: d / (d**2 + penalty))


@ridge_filter.mistake(
    "The filter is d^2/(d^2 + n lambda); here it has lambda alone, and a factor n is missing."
)
def _filter_without_n(X: Array, y: Array, lams: Array) -> Array:
    return _path(X, y, lams / len(y), lambda d, penalty: d / (d**2 + penalty))


@ridge_filter.mistake(
    "The filter factor multiplies the least-squares component u^T y / d. The division by d is "
    "missing, or one d of d^2/(d^2 + n lambda) has still to be cancelled."
)
def _filter_not_divided(X: Array, y: Array, lams: Array) -> Array:
    return _path(X, y, lams, lambda d, penalty: d**2 / (d**2 + penalty))


@ridge_filter.mistake("The filter has the squares of the singular values: d^2/(d^2 + n lambda).")
def _filter_not_squared(X: Array, y: Array, lams: Array) -> Array:
    return _path(X, y, lams, lambda d, penalty: 1 / (d + penalty))


@ridge_filter.mistake(
    "This is what the penalty takes away from the least-squares solution. What it leaves has the "
    "factor d^2/(d^2 + n lambda), and not n lambda/(d^2 + n lambda)."
)
def _filter_complement(X: Array, y: Array, lams: Array) -> Array:
    return _path(X, y, lams, lambda d, penalty: penalty / (d**2 + penalty) / d)


@ridge_filter.mistake(
    "The sign before the penalty is wrong: the filter is d^2/(d^2 + n lambda), between 0 and 1."
)
def _filter_with_minus(X: Array, y: Array, lams: Array) -> Array:
    return _path(X, y, lams, lambda d, penalty: d / (d**2 - penalty))


@ridge_filter.mistake(
    "All rows are the least-squares solution: the filter factors do not depend on lambda here."
)
def _filter_constant(X: Array, y: Array, lams: Array) -> Array:
    return _path(X, y, 0 * lams, lambda d, penalty: d / (d**2 + penalty))


@ridge_filter.mistake(
    "The rows are in the reverse order: the first row belongs to the first of the lams."
)
def _filter_reversed(X: Array, y: Array, lams: Array) -> Array:
    return _path(X, y, lams[::-1], lambda d, penalty: d / (d**2 + penalty))


# ridge-augmented


def _smooth(rng: np.random.Generator) -> Arguments:
    """Draw a regression whose coefficients are penalised through their second differences."""
    n, p = int(rng.integers(15, 30)), int(rng.integers(5, 8))
    X = rng.normal(size=(n, p))
    L = np.diff(np.eye(p), 2, axis=0) + 0.1 * rng.normal(size=(p - 2, p))
    y = X @ np.linspace(0, 1, p) ** 2 + rng.normal(size=n)
    return {"X": X, "y": y, "L": L, "lam": rng.uniform(0.05, 0.6)}


def _augmented(X: Array, y: Array, rows: Array) -> Array:
    """Fit X by least squares with rows appended for which y is zero."""
    both = np.vstack([X, rows])
    return np.linalg.lstsq(both, np.concatenate([y, np.zeros(len(rows))]), rcond=None)[0]


@exercise("ridge-augmented", _smooth, returns="theta")
def ridge_augmented(X: Array, y: Array, L: Array, lam: float) -> Array:
    """Minimiser with a penalty on L theta, by least squares on augmented data."""
    return _augmented(X, y, np.sqrt(len(y) * lam) * L)


@ridge_augmented.mistake(
    "The rows added to X need a factor n under the root: their squares are summed beside those of "
    "y - X theta, which the cost divides by n. They are sqrt(n lambda) L."
)
def _augmented_without_n(X: Array, y: Array, L: Array, lam: float) -> Array:
    return _augmented(X, y, np.sqrt(lam) * L)


@ridge_augmented.mistake(
    "The rows added to X are squared by least squares, so they are sqrt(n lambda) L: "
    "the root is missing."
)
def _augmented_without_root(X: Array, y: Array, L: Array, lam: float) -> Array:
    return _augmented(X, y, len(y) * lam * L)


@ridge_augmented.mistake("The rows added to X are sqrt(n lambda) L: the root of lambda is missing.")
def _augmented_lambda_without_root(X: Array, y: Array, L: Array, lam: float) -> Array:
    return _augmented(X, y, np.sqrt(len(y)) * lam * L)


@ridge_augmented.mistake(
    "The n under the root counts the rows of X. Here it counts those that were added too."
)
def _augmented_counted_anew(X: Array, y: Array, L: Array, lam: float) -> Array:
    return _augmented(X, y, np.sqrt((len(y) + len(L)) * lam) * L)


@ridge_augmented.mistake(
    "This is plain ridge regression: the penalty is on L theta and not on theta itself."
)
def _augmented_plain(X: Array, y: Array, L: Array, lam: float) -> Array:
    return _solve(X, y, len(y) * lam)


@ridge_augmented.mistake(
    "The sign of the penalty is wrong: n lambda L^T L is added to X^T X, not subtracted."
)
def _augmented_with_minus(X: Array, y: Array, L: Array, lam: float) -> Array:
    return np.linalg.solve(X.T @ X - len(y) * lam * L.T @ L, X.T @ y)


@ridge_augmented.mistake("This is the least-squares solution: the penalty has no effect on it.")
def _augmented_without_penalty(X: Array, y: Array, L: Array, lam: float) -> Array:
    return _solve(X, y, 0.0)


# ridge-dof


def _freedom(rng: np.random.Generator) -> Arguments:
    X = _regression(rng)["X"]
    return {"X": X, "dof": 1 + rng.uniform(0.2, 0.8) * (X.shape[1] - 1)}


def _penalty(n: int, d: Array, total: float, power: int = 2) -> float:
    """Return lambda at which the filter factors have this sum."""
    return _root(lambda lam: total - np.sum(d**power / (d**power + n * lam)))


def _singular_values(X: Array) -> Array:
    return np.linalg.svd(X, compute_uv=False)


@exercise("ridge-dof", _freedom, returns="lambda")
def ridge_dof(X: Array, dof: float) -> float:
    """Penalty at which the fit with an intercept has this many degrees of freedom."""
    return _penalty(len(X), _singular_values(_centred(X)), dof - 1)


@ridge_dof.mistake(
    "The intercept is not penalised and is a whole degree of freedom: "
    "the filter factors have to sum to dof - 1."
)
def _dof_without_intercept(X: Array, dof: float) -> float:
    return _penalty(len(X), _singular_values(_centred(X)), dof)


@ridge_dof.mistake(
    "These are the singular values of X as it is. With an unpenalised intercept they should be "
    "those of the centred columns."
)
def _dof_not_centred(X: Array, dof: float) -> float:
    return _penalty(len(X), _singular_values(X), dof - 1)


@ridge_dof.mistake(
    "Neither is X centred nor the intercept counted: this is the answer for a fit without one."
)
def _dof_no_intercept(X: Array, dof: float) -> float:
    return _penalty(len(X), _singular_values(X), dof)


@ridge_dof.mistake(
    "This is n lambda: the filter is d^2/(d^2 + n lambda), and the factor n has still "
    "to be divided out."
)
def _dof_times_n(X: Array, dof: float) -> float:
    return len(X) * ridge_dof.reference(X, dof)


@ridge_dof.mistake("The filter has the squares of the singular values: d^2/(d^2 + n lambda).")
def _dof_not_squared(X: Array, dof: float) -> float:
    return _penalty(len(X), _singular_values(_centred(X)), dof - 1, power=1)


@ridge_dof.mistake(
    "Here the factors n lambda/(d^2 + n lambda), what is taken away from each direction, sum to "
    "dof - 1. The degrees of freedom are what is left."
)
def _dof_complement(X: Array, dof: float) -> float:
    return _penalty(len(X), _singular_values(_centred(X)), X.shape[1] - (dof - 1))


# ridge-discrepancy


def _noise(rng: np.random.Generator) -> Arguments:
    """Draw data whose noise is small against the s that is claimed, so that mistakes have roots."""
    n, p = int(rng.integers(12, 30)), int(rng.integers(3, 6))
    X = rng.normal(size=(n, p)) * rng.uniform(0.5, 3, size=p)
    signal = X @ rng.uniform(0.5, 1.5, size=p)
    s = 0.3 * np.linalg.norm(signal) / np.sqrt(n)
    return {"X": X, "y": signal + 0.1 * s * rng.normal(size=n), "s": s}


def _residual(X: Array, y: Array, lam: float) -> Array:
    return y - X @ _solve(X, y, len(y) * lam)


def _discrepancy(X: Array, y: Array, squares: float) -> float:
    """Return lambda at which the residuals have this sum of squares."""
    return _root(lambda lam: np.sum(_residual(X, y, lam) ** 2) - squares)


@exercise("ridge-discrepancy", _noise, returns="lambda")
def ridge_discrepancy(X: Array, y: Array, s: float) -> float:
    """Penalty at which the mean squared residual is the variance of the noise."""
    return _discrepancy(X, y, len(y) * s**2)


@ridge_discrepancy.mistake(
    "Here the sum of the squared residuals is s^2. It is their mean that should be: a factor n."
)
def _discrepancy_without_n(X: Array, y: Array, s: float) -> float:
    return _discrepancy(X, y, s**2)


@ridge_discrepancy.mistake(
    "The target is not squared: ||y - X theta||^2 should be n s^2, and here it is n s."
)
def _discrepancy_not_squared(X: Array, y: Array, s: float) -> float:
    return _discrepancy(X, y, len(y) * s)


@ridge_discrepancy.mistake(
    "This is the penalty for (n - p) s^2, which is what least squares leaves on average. "
    "The principle as it is stated asks for n s^2."
)
def _discrepancy_degrees(X: Array, y: Array, s: float) -> float:
    n, p = X.shape
    return _discrepancy(X, y, (n - p) * s**2)


@ridge_discrepancy.mistake(
    "This is n lambda: the penalty beside X^T X is n lambda, and the factor n has still "
    "to be divided out."
)
def _discrepancy_times_n(X: Array, y: Array, s: float) -> float:
    return len(y) * ridge_discrepancy.reference(X, y, s)


@ridge_discrepancy.mistake(
    "The part of y outside the range of X is missing in the residual. No lambda changes it, but "
    "its square counts: add ||y||^2 - sum_j (u_j^T y)^2."
)
def _discrepancy_inside(X: Array, y: Array, s: float) -> float:
    outside = float(np.sum(_residual(X, y, 0.0) ** 2))
    return _discrepancy(X, y, len(y) * s**2 + outside)


@ridge_discrepancy.mistake(
    "Each component of the residual has the factor n lambda/(d^2 + n lambda), and the factor is "
    "squared with it: the square is missing."
)
def _discrepancy_linear(X: Array, y: Array, s: float) -> float:
    # Between the two factors lies y^T (y - X theta).
    return _root(lambda lam: float(y @ _residual(X, y, lam)) - len(y) * s**2)
