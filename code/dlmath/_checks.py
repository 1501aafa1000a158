"""Checks of numbers and matrices that several modules share."""

from numbers import Integral, Real
from typing import Any

import numpy as np


def check_count(name: str, value: Any, least: int = 1) -> int:
    """Return an integer that is at least so large."""
    if isinstance(value, bool) or not isinstance(value, Integral) or int(value) < least:
        raise ValueError(f"{name} must be an integer of at least {least}, got {value!r}")
    return int(value)


def check_above_zero(name: str, value: Any) -> float:
    """Return a positive and finite number."""
    if not (isinstance(value, Real) and 0 < float(value) < np.inf):
        raise ValueError(f"{name} must be a positive number, got {value!r}")
    return float(value)


def check_matrix(name: str, values: Any, columns: int | None = None) -> np.ndarray:
    """Return a matrix of finite numbers that is not empty."""
    try:
        array = np.asarray(values, dtype=float)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{name} must hold numbers") from error
    if array.ndim != 2 or array.size == 0 or (columns and array.shape[1] != columns):
        wanted = "a matrix" if columns is None else f"a matrix with {columns} columns"
        raise ValueError(f"{name} must be {wanted}, got shape {array.shape}")
    if not np.isfinite(array).all():
        raise ValueError(f"{name} contains NaN or infinity")
    return array
