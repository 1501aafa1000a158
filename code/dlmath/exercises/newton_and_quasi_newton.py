"""Checkers for the exercises of the chapter on Newton's method and its relatives."""

import numpy as np

from dlmath.exercises.framework import Arguments, exercise

Array = np.ndarray


def _turned(rng: np.random.Generator, n: int, curvatures: Array) -> Array:
    """Draw a symmetric matrix with these eigenvalues."""
    Q = np.linalg.qr(rng.normal(size=(n, n)))[0]
    H = (Q * curvatures) @ Q.T
    return (H + H.T) / 2


# newton-direction


def _indefinite(rng: np.random.Generator) -> Arguments:
    n = int(rng.integers(4, 7))
    curvatures = rng.uniform(0.4, 3, n)
    curvatures[:2] *= -1
    return {"H": _turned(rng, n, curvatures), "g": rng.normal(size=n)}


@exercise("newton-direction", _indefinite, returns="the direction")
def newton_direction(H: Array, g: Array) -> Array:
    """Newton's direction with the absolute values of the curvatures."""
    nu, V = np.linalg.eigh(H)
    return -V @ ((V.T @ g) / np.abs(nu))


@newton_direction.mistake(
    "This is Newton's direction as it is. Where a curvature is negative it leads uphill: divide "
    "by the absolute values."
)
def _plain(H: Array, g: Array) -> Array:
    return -np.linalg.solve(H, g)


@newton_direction.mistake(
    "The sign is that of an ascent: the direction leads against the gradient."
)
def _uphill(H: Array, g: Array) -> Array:
    return -newton_direction.reference(H, g)


@newton_direction.mistake(
    "The components are multiplied by the curvatures. A strong curvature asks for a short step: "
    "divide."
)
def _multiplied(H: Array, g: Array) -> Array:
    nu, V = np.linalg.eigh(H)
    return -V @ ((V.T @ g) * np.abs(nu))


@newton_direction.mistake(
    "The eigenvectors are the columns of V: the components of g are V.T @ g, and V @ puts them "
    "together. Here the transpose stands in the other place."
)
def _transposed(H: Array, g: Array) -> Array:
    nu, V = np.linalg.eigh(H)
    return -V.T @ ((V @ g) / np.abs(nu))


@newton_direction.mistake(
    "The absolute values are taken of the entries of H. It is the eigenvalues that need them."
)
def _entries(H: Array, g: Array) -> Array:
    return -np.linalg.solve(np.abs(H), g)


@newton_direction.mistake("This is minus the gradient: the curvatures do not enter.")
def _gradient_only(H: Array, g: Array) -> Array:
    return -g


# newton-bfgs


def _pair(rng: np.random.Generator) -> Arguments:
    n = int(rng.integers(4, 7))
    H = _turned(rng, n, rng.uniform(0.3, 2, n))
    s = rng.normal(size=n)
    return {"H": H, "s": s, "y": _turned(rng, n, rng.uniform(0.5, 3, n)) @ s}


def _update(H: Array, s: Array, y: Array, rho: float, last: float) -> Array:
    V = np.eye(len(s)) - rho * np.outer(y, s)
    return V.T @ H @ V + last * np.outer(s, s)


@exercise("newton-bfgs", _pair, returns="the new H")
def newton_bfgs(H: Array, s: Array, y: Array) -> Array:
    """BFGS update of the inverse Hessian."""
    rho = 1 / (y @ s)
    return _update(H, s, y, rho, rho)


@newton_bfgs.mistake(
    "s and y are exchanged: this is the update of the Hessian's dual. H is the *inverse* of the "
    "Hessian, and has to map y to s."
)
def _exchanged(H: Array, s: Array, y: Array) -> Array:
    return newton_bfgs.reference(H, y, s)


@newton_bfgs.mistake("The last term, rho s s^T, is missing: H y is then zero instead of s.")
def _without_last(H: Array, s: Array, y: Array) -> Array:
    return _update(H, s, y, 1 / (y @ s), 0.0)


@newton_bfgs.mistake("The last term has the wrong sign: H would map y to -s.")
def _minus_last(H: Array, s: Array, y: Array) -> Array:
    return _update(H, s, y, 1 / (y @ s), -1 / (y @ s))


@newton_bfgs.mistake("rho is one over y^T s, and here it is y^T s itself.")
def _rho_upside_down(H: Array, s: Array, y: Array) -> Array:
    return _update(H, s, y, y @ s, y @ s)


@newton_bfgs.mistake("The last term has a factor rho: s s^T divided by y^T s.")
def _last_without_rho(H: Array, s: Array, y: Array) -> Array:
    return _update(H, s, y, 1 / (y @ s), 1.0)


@newton_bfgs.mistake(
    "The factors around H are exchanged: I - rho s y^T stands on the left, its transpose on the "
    "right."
)
def _factors_exchanged(H: Array, s: Array, y: Array) -> Array:
    rho = 1 / (y @ s)
    V = np.eye(len(s)) - rho * np.outer(y, s)
    return V @ H @ V.T + rho * np.outer(s, s)


@newton_bfgs.mistake(
    "This is the update of the Hessian, B. It is asked for that of its inverse, with H y = s."
)
def _direct(H: Array, s: Array, y: Array) -> Array:
    Hs = H @ s
    return H - np.outer(Hs, Hs) / (s @ Hs) + np.outer(y, y) / (y @ s)


# newton-two-loops


def _memory(rng: np.random.Generator) -> Arguments:
    n, m = int(rng.integers(5, 8)), int(rng.integers(3, 5))
    A = _turned(rng, n, rng.uniform(0.5, 4, n))
    steps = rng.normal(size=(m, n))
    return {"g": rng.normal(size=n), "steps": steps, "differences": steps @ A}


def _loops(g: Array, pairs: list, gamma: float, sign: float = 1.0) -> Array:
    """Multiply by the matrix that the pairs, the oldest first, make of gamma times the identity."""
    H = gamma * np.eye(len(g))
    for s, y in pairs:
        V = np.eye(len(s)) - np.outer(y, s) / (y @ s)
        H = V.T @ H @ V + sign * np.outer(s, s) / (y @ s)
    return H @ g


def _pairs(steps: Array, differences: Array) -> list:
    return list(zip(steps, differences, strict=True))


def _gamma(steps: Array, differences: Array, which: int = -1) -> float:
    s, y = steps[which], differences[which]
    return float(s @ y / (y @ y))


@exercise("newton-two-loops", _memory, returns="H g")
def newton_two_loops(g: Array, steps: Array, differences: Array) -> Array:
    """Product with the matrix of L-BFGS."""
    return _loops(g, _pairs(steps, differences), _gamma(steps, differences))


@newton_two_loops.mistake(
    "The pairs are taken in the wrong order: the first loop goes from the newest to the oldest, "
    "the second back."
)
def _reversed(g: Array, steps: Array, differences: Array) -> Array:
    return _loops(g, _pairs(steps, differences)[::-1], _gamma(steps, differences))


@newton_two_loops.mistake(
    "The order of the pairs is reversed, and gamma is taken from the oldest: the rows begin with "
    "the oldest pair."
)
def _all_reversed(g: Array, steps: Array, differences: Array) -> Array:
    return newton_two_loops.reference(g, steps[::-1], differences[::-1])


@newton_two_loops.mistake(
    "Between the loops q has to be multiplied by gamma; here the start is the identity."
)
def _without_gamma(g: Array, steps: Array, differences: Array) -> Array:
    return _loops(g, _pairs(steps, differences), 1.0)


@newton_two_loops.mistake(
    "gamma is s^T y / y^T y, an inverse curvature; here it is divided by instead of multiplied."
)
def _gamma_upside_down(g: Array, steps: Array, differences: Array) -> Array:
    return _loops(g, _pairs(steps, differences), 1 / _gamma(steps, differences))


@newton_two_loops.mistake(
    "gamma comes from the newest pair, the last row, and not from the oldest."
)
def _oldest_gamma(g: Array, steps: Array, differences: Array) -> Array:
    return _loops(g, _pairs(steps, differences), _gamma(steps, differences, 0))


@newton_two_loops.mistake(
    "This is -H g, the direction. The sign is wrong: it is asked for the product H g."
)
def _negative(g: Array, steps: Array, differences: Array) -> Array:
    return -newton_two_loops.reference(g, steps, differences)


@newton_two_loops.mistake(
    "The shares alpha of the first loop are not put back: the second loop adds "
    "(alpha - rho y^T r) s."
)
def _not_put_back(g: Array, steps: Array, differences: Array) -> Array:
    return _loops(g, _pairs(steps, differences), _gamma(steps, differences), 0.0)


@newton_two_loops.mistake("Only the newest pair is used.")
def _newest_only(g: Array, steps: Array, differences: Array) -> Array:
    return newton_two_loops.reference(g, steps[-1:], differences[-1:])


# newton-errors


def _fit(rng: np.random.Generator) -> Arguments:
    n, p = int(rng.integers(12, 30)), int(rng.integers(3, 6))
    J = rng.normal(size=(n, p)) * rng.uniform(0.5, 2, p) + 0.3
    y = rng.normal(size=n)
    return {"J": J, "r": y - J @ np.linalg.lstsq(J, y, rcond=None)[0]}


def _variances(J: Array, r: Array, freedom: int) -> Array:
    return r @ r / freedom * np.diag(np.linalg.inv(J.T @ J))


@exercise("newton-errors", _fit, returns="the errors")
def newton_errors(J: Array, r: Array) -> Array:
    """Return the standard errors of the parameters of a least-squares fit."""
    n, p = J.shape
    return np.sqrt(_variances(J, r, n - p))


@newton_errors.mistake("These are the variances: the errors are their roots.")
def _squares(J: Array, r: Array) -> Array:
    n, p = J.shape
    return _variances(J, r, n - p)


@newton_errors.mistake(
    "The sum of the squared residuals is divided by n. The fit has used up p of them: divide by "
    "n - p."
)
def _divided_by_n(J: Array, r: Array) -> Array:
    return np.sqrt(_variances(J, r, len(J)))


@newton_errors.mistake(
    "The variance of the data does not enter: multiply the inverse of J^T J by ||r||^2/(n - p)."
)
def _without_variance(J: Array, r: Array) -> Array:
    return np.sqrt(np.diag(np.linalg.inv(J.T @ J)))


@newton_errors.mistake(
    "This is the root of s^2 over the diagonal of J^T J. Invert the matrix first, and then take "
    "the diagonal: otherwise the correlations of the parameters are left out."
)
def _diagonal_first(J: Array, r: Array) -> Array:
    n, p = J.shape
    return np.sqrt(r @ r / (n - p) / np.diag(J.T @ J))


@newton_errors.mistake(
    "This is the inverse of the Hessian of the cost without the factor 2/n that belongs to it: "
    "the errors are too large by the root of n/2."
)
def _hessian_inverse(J: Array, r: Array) -> Array:
    n, p = J.shape
    return np.sqrt(n / 2 * _variances(J, r, n - p))


@newton_errors.mistake("A factor n is too much under the root: J^T J is not divided by n.")
def _times_n(J: Array, r: Array) -> Array:
    n, p = J.shape
    return np.sqrt(n * _variances(J, r, n - p))


@newton_errors.mistake("The sum of the squared residuals has to be divided by n - p.")
def _not_divided(J: Array, r: Array) -> Array:
    return np.sqrt(_variances(J, r, 1))
