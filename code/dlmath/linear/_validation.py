"""What the linear models share: checks of their arguments, and decompositions of their matrices."""

from numbers import Integral, Real

import numpy as np
from scipy import linalg
from sklearn.utils import check_array


def check_floats(values, name):
    """Return an array of finite floats of any shape."""
    return check_array(
        values,
        ensure_2d=False,
        allow_nd=True,
        ensure_min_samples=0,
        dtype=float,
        input_name=name,
    )


def check_weights(sample_weight, n):
    """Return the weights of n samples: finite, not negative, not all zero."""
    weight = check_floats(sample_weight, "sample_weight")
    if weight.shape != (n,):
        raise ValueError(f"sample_weight must have shape ({n},), got {weight.shape}")
    if np.any(weight < 0):
        raise ValueError("sample_weight must not be negative")
    if not np.any(weight):
        raise ValueError("sample_weight must not sum to zero")
    return weight


def check_penalty(value, name="lam"):
    """Return a penalty as a float: finite and not negative."""
    if not (isinstance(value, Real) and 0 <= float(value) < np.inf):
        raise ValueError(f"{name} must be a finite number and not negative, got {value!r}")
    return float(value)


def check_positive(value, name):
    """Return a positive finite number as a float."""
    if not (isinstance(value, Real) and 0 < float(value) < np.inf):
        raise ValueError(f"{name} must be a finite number above zero, got {value!r}")
    return float(value)


def check_count(value, name):
    """Return a number of steps: an integer, not negative."""
    if not (isinstance(value, Integral) and int(value) >= 0):
        raise ValueError(f"{name} must be an integer and not negative, got {value!r}")
    return int(value)


def check_penalties(lams):
    """Return several penalties as an array: finite and not negative, at least one."""
    lams = check_floats(lams, "lams")
    if lams.ndim != 1 or not len(lams):
        raise ValueError(f"lams must be a list of at least one number, got shape {lams.shape}")
    if np.any(lams < 0):
        raise ValueError("lams must not be negative")
    return lams


def centre(X, y, sample_weight, fit_intercept):
    """Centre at the means if there is an intercept, and multiply by the roots of the weights.

    Returns
    -------
    A, b : ndarray
        ``root (X - mean_X)`` and ``root (y - mean_y)``. Features that do not vary become columns
        of zeros, without the rounding errors of their means.
    mean_X, mean_y : ndarray
        Zero without an intercept.
    n : float
        The number of samples, or the sum of their weights.
    """
    if sample_weight is None:
        weight, n, counted = np.ones(len(y)), len(y), slice(None)
    else:
        weight = check_weights(sample_weight, len(y))
        n, counted = np.sum(weight), weight > 0
    mean_X, mean_y = np.zeros(X.shape[1]), np.zeros(y.shape[1:])
    if fit_intercept:
        mean_X, mean_y = weight @ X / n, weight @ y / n
        replace_constant(mean_X, X[counted])
    A, b = X - mean_X, y - mean_y
    if sample_weight is None:
        return A, b, mean_X, mean_y, n
    root = np.sqrt(weight)
    return scale_rows(root, A), scale_rows(root, b), mean_X, mean_y, n


def replace_constant(mean, X):
    """Put the values of the features that do not vary in the place of their computed means."""
    # Few features begin and end with the same value, so that few are looked at as a whole.
    (maybe,) = np.nonzero(X[0] == X[-1])
    constant = maybe[np.all(X[:, maybe] == X[0, maybe], axis=0)]
    mean[constant] = X[0, constant]


def scale_rows(factors, rows):
    """Multiply each row by its factor, in an array of one or two dimensions."""
    return rows * factors.reshape((-1,) + (1,) * (rows.ndim - 1))


def divide_rows(rows, d):
    """Divide each row by its number, in an array of one or two dimensions."""
    return rows / d.reshape((-1,) + (1,) * (rows.ndim - 1))


def numerical_rank(d, shape, tol=None):
    """Count the singular values above ``tol`` times the largest, by default above rounding."""
    if tol is None:
        tol = max(shape) * np.finfo(float).eps
    return int(np.sum(d > tol * d[0]))


def truncated_svd(X, tol=None):
    """Return the singular value decomposition without the directions of rank zero."""
    U, d, Vt = linalg.svd(X, full_matrices=False)
    r = numerical_rank(d, X.shape, tol)
    return U[:, :r], d[:r], Vt[:r]
