"""Stochastic differential equations: paths, exact transitions, densities, and a dragged trap.

Times are process times; energies are in units of k_B T, so that the equation
dX = -E'(X)/2 dt + dB has the stationary density exp(-E)/Z. The chapter *Stochastic dynamics*
derives what is computed here.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.linalg import expm
from sklearn.utils import Bunch

from dlmath._checks import check_above_zero, check_count

__all__ = [
    "brownian_paths",
    "drag_trap",
    "euler_maruyama",
    "fokker_planck",
    "fokker_planck_generator",
    "ornstein_uhlenbeck",
    "ornstein_uhlenbeck_law",
    "work_of_dragging",
]

Floats = NDArray[np.float64]
Coefficient = Callable[[Floats, float], ArrayLike]


def _check_times(times: ArrayLike) -> Floats:
    values = np.asarray(times, dtype=float)
    if values.ndim != 1 or values.size < 1 or not np.isfinite(values).all():
        raise ValueError(f"times must be a vector of finite numbers, got shape {values.shape}")
    if values[0] < 0 or (np.diff(values) <= 0).any():
        raise ValueError("times must increase and not begin before 0")
    return values


def brownian_paths(times: ArrayLike, n_paths: int, rng: np.random.Generator) -> Floats:
    """Draw paths of Brownian motion at given times.

    Parameters
    ----------
    times : array-like of shape (n_times,)
        Increasing, from 0 on.
    n_paths : int
        Number of paths.
    rng : numpy.random.Generator
        Source of randomness.

    Returns
    -------
    paths : ndarray of shape (n_paths, n_times)
        Each is zero at the time 0.
    """
    times, n_paths = _check_times(times), check_count("n_paths", n_paths)
    gaps = np.diff(times, prepend=0.0)
    return np.cumsum(np.sqrt(gaps) * rng.standard_normal((n_paths, len(times))), axis=1)


def euler_maruyama(
    drift: Coefficient,
    diffusion: Coefficient,
    x0: ArrayLike,
    times: ArrayLike,
    rng: np.random.Generator,
    increments: ArrayLike | None = None,
) -> Floats:
    """Walk along dX = a(X, t) dt + b(X, t) dB with steps of finite length.

    Equation ``eq-stochastic-dynamics-euler``. The noise is diagonal: each entry of the state has a
    Brownian motion of its own.

    Parameters
    ----------
    drift, diffusion : callable
        a and b, functions of the state and the time; what they return is broadcast to the state.
    x0 : array-like
        Initial state of any shape: all its entries walk at once.
    times : array-like of shape (n_times,)
        Increasing; the walk is at ``x0`` at the first.
    rng : numpy.random.Generator
        Source of randomness.
    increments : array-like of shape (n_times - 1, *x0.shape), optional
        Increments of Brownian motion to use instead of drawing them, to compare step sizes on the
        same paths.

    Returns
    -------
    path : ndarray of shape (n_times, *x0.shape)

    Raises
    ------
    ValueError
        If an argument has a value that is not possible; it is named.
    FloatingPointError
        If the walk runs away: the time is named.
    """
    times, x = _check_times(times), np.array(x0, dtype=float)
    if not np.isfinite(x).all():
        raise ValueError("x0 must be finite")
    gaps, shape = np.diff(times), (len(times) - 1, *x.shape)
    if increments is None:
        steps = np.sqrt(gaps).reshape(-1, *[1] * x.ndim) * rng.standard_normal(shape)
    else:
        steps = np.asarray(increments, dtype=float)
        if steps.shape != shape:
            raise ValueError(f"increments must have the shape {shape}, got {steps.shape}")
    path = np.empty((len(times), *x.shape))
    path[0] = x
    with np.errstate(over="ignore", invalid="ignore"):
        for k, (t, gap) in enumerate(zip(times[:-1], gaps, strict=True)):
            x = x + np.asarray(drift(x, t)) * gap + np.asarray(diffusion(x, t)) * steps[k]
            if not np.isfinite(x).all():
                raise FloatingPointError(f"the walk ran away at time {times[k + 1]:g}")
            path[k + 1] = x
    return path


def ornstein_uhlenbeck_law(
    x0: ArrayLike, time: ArrayLike, rate: float, noise: float
) -> tuple[Floats, Floats]:
    """Mean and variance of dX = -rate X dt + noise dB a time after ``x0``.

    Equation ``eq-stochastic-dynamics-ou-law``.

    Parameters
    ----------
    x0 : array-like
        Initial state.
    time : array-like
        Time that has passed, not negative; it is broadcast with ``x0``.
    rate, noise : float
        Positive coefficients.

    Returns
    -------
    mean, variance : ndarray
    """
    rate, noise = check_above_zero("rate", rate), check_above_zero("noise", noise)
    passed = np.asarray(time, dtype=float)
    if not (passed >= 0).all():
        raise ValueError("time must not be negative")
    mean = np.asarray(x0, dtype=float) * np.exp(-rate * passed)
    return mean, -(noise**2) / (2 * rate) * np.expm1(-2 * rate * passed)


def ornstein_uhlenbeck(
    x0: ArrayLike, times: ArrayLike, rng: np.random.Generator, rate: float = 1.0, noise: float = 1.0
) -> Floats:
    """Draw paths of dX = -rate X dt + noise dB, exactly at the given times.

    Parameters
    ----------
    x0 : array-like
        Initial state of any shape.
    times : array-like of shape (n_times,)
        Increasing; the path is at ``x0`` at the first.
    rng : numpy.random.Generator
        Source of randomness.
    rate, noise : float, default=1.0
        Coefficients.

    Returns
    -------
    path : ndarray of shape (n_times, *x0.shape)
    """
    times, x = _check_times(times), np.array(x0, dtype=float)
    path = np.empty((len(times), *x.shape))
    path[0] = x
    for k, gap in enumerate(np.diff(times)):
        mean, variance = ornstein_uhlenbeck_law(path[k], gap, rate, noise)
        path[k + 1] = mean + np.sqrt(variance) * rng.standard_normal(x.shape)
    return path


def _bernoulli(u: Floats) -> Floats:
    """Give u / (e^u - 1), which is 1 at zero."""
    small = np.abs(u) < 1e-6
    safe = np.where(small, 1.0, u)
    with np.errstate(over="ignore"):
        return np.where(small, 1 - u / 2, safe / np.expm1(safe))


def _check_grid(energy: ArrayLike, x: ArrayLike) -> tuple[Floats, float]:
    heights, grid = np.asarray(energy, dtype=float), np.asarray(x, dtype=float)
    if grid.ndim != 1 or len(grid) < 3 or heights.shape != grid.shape:
        raise ValueError("energy and x must be vectors of one length, at least 3")
    gaps = np.diff(grid)
    if not np.isfinite(heights).all() or gaps[0] <= 0 or not np.allclose(gaps, gaps[0], rtol=1e-6):
        raise ValueError("energy must be finite, and x must increase in equal steps")
    return heights, float(gaps[0])


def fokker_planck_generator(energy: ArrayLike, x: ArrayLike) -> Floats:
    """Rates of change of the probabilities of cells, for dX = -E'(X)/2 dt + dB.

    Probability flows between neighbouring cells only (``eq-stochastic-dynamics-rates``): the
    columns have the sum zero, so that none is lost, and exp(-E) is stationary on every grid.

    Parameters
    ----------
    energy : array-like of shape (n_cells,)
        E at the centres of the cells, in units of k_B T.
    x : array-like of shape (n_cells,)
        The centres, in equal steps. The walls at both ends reflect.

    Returns
    -------
    generator : ndarray of shape (n_cells, n_cells)
        Entry (i, j) is the rate from j to i.
    """
    heights, width = _check_grid(energy, x)
    climb = np.diff(heights)
    up, down = _bernoulli(climb) / (2 * width**2), _bernoulli(-climb) / (2 * width**2)
    return np.diag(up, -1) + np.diag(down, 1) - np.diag(np.append(up, 0) + np.append(0, down))


def fokker_planck(energy: ArrayLike, x: ArrayLike, p0: ArrayLike, times: ArrayLike) -> Floats:
    """Density of dX = -E'(X)/2 dt + dB at given times, on a grid.

    Parameters
    ----------
    energy, x : array-like of shape (n_cells,)
        As in ``fokker_planck_generator``.
    p0 : array-like of shape (n_cells,)
        Density at the first time: not negative, with an integral above zero; it is normalised.
    times : array-like of shape (n_times,)
        Increasing.

    Returns
    -------
    density : ndarray of shape (n_times, n_cells)
        Each row sums to one over the step of the grid.

    Raises
    ------
    ValueError
        If an argument has a value that is not possible; it is named.
    """
    times, (_, width) = _check_times(times), _check_grid(energy, x)
    p = np.asarray(p0, dtype=float)
    if p.shape != np.shape(x) or not (p >= 0).all() or not 0 < p.sum() < np.inf:
        raise ValueError("p0 must be a density on the grid: finite, not negative, not zero")
    generator = fokker_planck_generator(energy, x)
    densities, known = [p / (p.sum() * width)], {}
    for gap in np.diff(times):
        key = float(f"{gap:.12g}")
        if key not in known:
            known[key] = expm(key * generator)
        densities.append(known[key] @ densities[-1])
    return np.array(densities)


def work_of_dragging(stiffness: float, speed: float, duration: ArrayLike) -> tuple[Floats, Floats]:
    """Mean and variance of the work on a bead in a harmonic trap that moves, from equilibrium.

    Equation ``eq-stochastic-dynamics-drag``; the work is Gaussian and the variance twice the mean.

    Parameters
    ----------
    stiffness : float
        h in E = h (x - v t)^2 / 2.
    speed : float
        v.
    duration : array-like
        Time of the pull, not negative.

    Returns
    -------
    mean, variance : ndarray
        In units of k_B T and of its square.
    """
    h, T = check_above_zero("stiffness", stiffness), np.asarray(duration, dtype=float)
    if not (T >= 0).all():
        raise ValueError("duration must not be negative")
    mean = 2 * speed**2 * (T + 2 / h * np.expm1(-h * T / 2))
    return mean, 2 * mean


def drag_trap(
    n_beads: int,
    stiffness: float,
    speed: float,
    duration: float,
    steps: int,
    rng: np.random.Generator,
) -> Bunch:
    """Drag beads in harmonic traps: the trap jumps a little, then the bead moves by its exact law.

    Parameters
    ----------
    n_beads : int
        Number of pulls, each from equilibrium.
    stiffness, speed, duration : float
        As in ``work_of_dragging``.
    steps : int
        Jumps of the trap.
    rng : numpy.random.Generator
        Source of randomness.

    Returns
    -------
    pulls : Bunch
        ``times`` of shape (steps + 1,), ``positions`` of shape (steps + 1, n_beads) in the
        laboratory, and ``work`` of the same shape, what has been done until then.
    """
    n_beads, steps = check_count("n_beads", n_beads), check_count("steps", steps)
    h, gap = (
        check_above_zero("stiffness", stiffness),
        check_above_zero("duration", duration) / steps,
    )
    positions, work = np.empty((steps + 1, n_beads)), np.zeros((steps + 1, n_beads))
    positions[0] = rng.standard_normal(n_beads) / np.sqrt(h)
    for k in range(steps):
        centre = speed * gap * np.array([k, k + 1])
        before, after = h / 2 * (positions[k] - centre[:, np.newaxis]) ** 2
        work[k + 1] = work[k] + after - before
        mean, variance = ornstein_uhlenbeck_law(positions[k] - centre[1], gap, h / 2, 1.0)
        positions[k + 1] = centre[1] + mean + np.sqrt(variance) * rng.standard_normal(n_beads)
    return Bunch(times=gap * np.arange(steps + 1), positions=positions, work=work)
