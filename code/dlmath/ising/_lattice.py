"""Energy, magnetisation and correlations of configurations."""

from numbers import Real
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dlmath._checks import check_count

Spins = NDArray[np.int8]


def check_size(size: Any, largest: int | None = None) -> int:
    """Check the number of sites along an edge."""
    size = check_count("size", size, 2)
    if largest is not None and size > largest:
        raise ValueError(f"size must be at most {largest}, got {size!r}.")
    return size


def check_temperature(temperature: Any) -> float:
    """Check one temperature."""
    if not isinstance(temperature, Real) or isinstance(temperature, bool):
        raise ValueError(f"temperature must be a number, got {temperature!r}.")
    if not 0 < float(temperature) < np.inf:
        raise ValueError(f"temperature must be positive and finite, got {temperature!r}.")
    return float(temperature)


def check_temperatures(temperature: Any) -> NDArray[np.float64]:
    """Check an array of temperatures, of any shape."""
    try:
        values = np.asarray(temperature, dtype=float)
    except (TypeError, ValueError) as error:
        raise ValueError(f"temperature must hold numbers, got {temperature!r}.") from error
    if not (np.isfinite(values) & (values > 0)).all():
        raise ValueError(f"temperature must be positive and finite, got {temperature!r}.")
    return values


def check_spins(spins: Any) -> Spins:
    """Check configurations: +1 and -1 on square lattices along the last two axes."""
    array = np.asarray(spins)
    if array.ndim < 2 or array.shape[-1] != array.shape[-2] or array.shape[-1] < 2:
        raise ValueError(f"spins must have a shape (..., size, size), got {array.shape}.")
    if not np.isin(array, (-1, 1)).all():
        raise ValueError("spins must be +1 or -1.")
    return array.astype(np.int8, copy=False)


def neighbour_sum(spins: Spins) -> Spins:
    """Sum the four neighbours of each site of (..., size, size) spins, across the boundaries."""
    return (
        np.roll(spins, 1, axis=-1)
        + np.roll(spins, -1, axis=-1)
        + np.roll(spins, 1, axis=-2)
        + np.roll(spins, -1, axis=-2)
    )


def pair_products(spins: Any, distance: int = 1) -> NDArray[np.float64]:
    """Average the products of spins at a distance along the axes: the correlation of a sample.

    Parameters
    ----------
    spins : array-like of shape (..., size, size)
        Configurations of +1 and -1.
    distance : int, default=1
        Number of lattice spacings, from 1 to size - 1.

    Returns
    -------
    products : ndarray of shape (...)
        Means of s_i s_j over all sites i and the two j at the distance to the right and below.
        At distance 1 this is minus half the energy per spin.

    Raises
    ------
    ValueError
        If the spins are not +1 and -1 on square lattices, or the distance is out of range.
    """
    spins = check_spins(spins)
    if check_count("distance", distance, 1) >= spins.shape[-1]:
        raise ValueError(f"distance must be below the size {spins.shape[-1]}, got {distance!r}.")
    both = np.roll(spins, -distance, axis=-1) + np.roll(spins, -distance, axis=-2)
    return np.mean(spins * both, axis=(-2, -1)) / 2


def energy(spins: Any) -> NDArray[np.int64]:
    """Energy of configurations in units of J.

    Implements {eq}`eq-logistic-regression-ising-energy`: E = - sum of s_i s_j over the 2 size^2
    bonds, those of each site to its right and lower neighbours. On 2 x 2 sites the right and the
    left neighbour are the same site, and the two bonds to it are both counted.

    Parameters
    ----------
    spins : array-like of shape (..., size, size)
        Configurations of +1 and -1.

    Returns
    -------
    energy : ndarray of int64, shape (...)
        Between -2 size^2 and 2 size^2.

    Raises
    ------
    ValueError
        If the spins are not +1 and -1 on square lattices.

    Examples
    --------
    >>> import numpy as np
    >>> from dlmath.ising import energy
    >>> int(energy(np.ones((4, 4))))
    -32
    """
    spins = check_spins(spins)
    later = np.roll(spins, -1, axis=-1) + np.roll(spins, -1, axis=-2)
    return np.negative(np.sum(spins * later, axis=(-2, -1), dtype=np.int64))


def magnetisation(spins: Any) -> NDArray[np.float64]:
    """Magnetisation per spin, the mean of the spins of each configuration.

    Parameters
    ----------
    spins : array-like of shape (..., size, size)
        Configurations of +1 and -1.

    Returns
    -------
    m : ndarray of shape (...)
        Between -1 and 1.

    Raises
    ------
    ValueError
        If the spins are not +1 and -1 on square lattices.
    """
    return np.mean(check_spins(spins), axis=(-2, -1), dtype=float)
