"""How curved a cost is where training has come to: the Hessian's products and largest eigenvalue.

Everything is computed from gradients alone; the Hessian is never formed.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.sparse.linalg import LinearOperator, eigsh

from dlmath._checks import check_above_zero

__all__ = ["hessian_vector_product", "sharpness"]

Array = NDArray[np.float64]
Gradient = Callable[[Array], Array]


def _vector(values: ArrayLike, name: str, size: int | None = None) -> Array:
    vector = np.asarray(values, dtype=float)
    if vector.ndim != 1 or vector.size == 0 or (size is not None and vector.size != size):
        wanted = "a vector" if size is None else f"a vector of {size} numbers"
        raise ValueError(f"{name} must be {wanted}, got shape {vector.shape}")
    if not np.isfinite(vector).all():
        raise ValueError(f"{name} contains NaN or infinity")
    return vector


def hessian_vector_product(
    gradient: Gradient, x: ArrayLike, v: ArrayLike, *, step: float = 1e-4
) -> Array:
    """Product of the Hessian with a vector, by a central difference of the gradient.

    ``(g(x + h u) - g(x - h u)) ||v|| / 2h`` with ``u = v / ||v||``, which misses ``H v`` by a term
    of order h^2: equation ``eq-what-training-finds-product``.

    Parameters
    ----------
    gradient : callable
        Of one vector.
    x, v : array-like of shape (d,)
    step : float, default=1e-4
        h, positive.

    Returns
    -------
    ndarray of shape (d,)
    """
    x = _vector(x, "x")
    v, h = _vector(v, "v", x.size), check_above_zero("step", step)
    size = np.linalg.norm(v)
    if size == 0:
        return np.zeros_like(x)
    ahead, behind = (np.asarray(gradient(x + sign * h * v / size)) for sign in (1, -1))
    return (ahead - behind) * (size / (2 * h))


def sharpness(
    gradient: Gradient,
    x: ArrayLike,
    *,
    start: ArrayLike | None = None,
    tol: float = 1e-6,
    memory: int = 20,
    step: float = 1e-4,
) -> tuple[float, Array]:
    """Largest eigenvalue of the Hessian, and its eigenvector: ``eq-what-training-finds-sharpness``.

    Lanczos' method (ARPACK) on products of :func:`hessian_vector_product`.

    Parameters
    ----------
    gradient : callable
        Of one vector.
    x : array-like of shape (d,)
        d is at least 2.
    start : array-like of shape (d,), optional
        Where the iteration begins: along a path, the last eigenvector. If not given, a vector of
        random numbers with a fixed seed.
    tol : float, default=1e-6
        Relative accuracy of the eigenvalue.
    memory : int, default=20
        Vectors that are kept; fewer are quicker when the start is good.
    step : float, default=1e-4
        Of the differences.

    Returns
    -------
    value : float
    vector : ndarray of shape (d,)
        Of length one.
    """
    x = _vector(x, "x")
    if x.size < 2:
        raise ValueError("x must have at least two entries")
    first = (
        np.random.default_rng(0).standard_normal(x.size)
        if start is None
        else _vector(start, "start", x.size)
    )
    hessian = LinearOperator(
        (x.size, x.size),
        matvec=lambda v: hessian_vector_product(gradient, x, np.ravel(v), step=step),
        dtype=float,
    )
    values, vectors = eigsh(hessian, 1, which="LA", v0=first, ncv=min(memory, x.size), tol=tol)
    return float(values[0]), vectors[:, 0]
