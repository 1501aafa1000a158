"""Flow matching without a network: exact velocities, and two ways to follow a velocity."""

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike, NDArray

from dlmath._checks import check_count
from dlmath.diffusion._exact import NoisyEmpirical, NoisyMixture
from dlmath.diffusion._schedules import StraightSchedule

Floats = NDArray[np.float64]
Velocity = Callable[[Floats, float], Floats]
METHODS = ("euler", "midpoint")


def exact_velocity(law: NoisyMixture | NoisyEmpirical) -> Velocity:
    """Return the velocity of flow matching for a law that is known, in closed form.

    For x_t = (1 - t) x_0 + t x_1 with noise x_0 and data x_1 that are independent it is E[x_1 - x_0
    | x_t = x] = (E[x_1 | x_t = x] - x) / (1 - t), equation ``eq-flow-matching-denoiser``.

    Parameters
    ----------
    law : NoisyMixture or NoisyEmpirical
        The law of the data, with a `StraightSchedule`. Beware of the two times: the law counts from
        the data, the velocity from the noise.

    Returns
    -------
    velocity : callable
        ``velocity(x, t)`` of the shape of x, (n, n_features), for times t from 0 (noise) to below 1
        (data).

    Raises
    ------
    ValueError
        If the law has another schedule; from the velocity, if the time is not possible.
    """
    if not isinstance(law.schedule, StraightSchedule):
        raise ValueError(
            f"law must have a StraightSchedule, got a {type(law.schedule).__name__}: other paths "
            "have other velocities"
        )

    def velocity(x: Floats, t: float) -> Floats:
        if not 0 <= t < 1:
            raise ValueError(f"t must be from 0 to below 1, got {t!r}")
        x = np.asarray(x, dtype=float)
        return (law(x, 1 - t) - x) / (1 - t)

    return velocity


def follow(
    velocity: Velocity, x: ArrayLike, steps: int, *, method: str = "euler", path: bool = False
) -> Floats:
    """Carry points along a velocity from the time 0 to the time 1, with equal steps.

    Neither of the two methods asks for the velocity at the time 1. Equation
    ``eq-flow-matching-euler``.

    Parameters
    ----------
    velocity : callable
        ``velocity(x, t)``, of the shape of x.
    x : array-like of shape (n, n_features)
        Points at the time 0.
    steps : int
        Number of steps.
    method : {"euler", "midpoint"}, default="euler"
        The midpoint rule asks for the velocity twice in each step.
    path : bool, default=False
        Whether to return the points at all times.

    Returns
    -------
    x : ndarray of shape (n, n_features), or (steps + 1, n, n_features)

    Raises
    ------
    ValueError
        If an argument has a value that is not possible.
    FloatingPointError
        If a point is not finite after a step.
    """
    if method not in METHODS:
        raise ValueError(f"method must be one of {', '.join(METHODS)}, got {method!r}")
    x, steps = np.array(x, dtype=float), check_count("steps", steps)
    points = [x]
    for k in range(steps):
        t, h = k / steps, 1 / steps
        slope = velocity(x, t)
        if method == "midpoint":
            slope = velocity(x + h / 2 * slope, t + h / 2)
        x = x + h * slope
        if not np.isfinite(x).all():
            raise FloatingPointError(f"a point is not finite after step {k + 1} of {steps}")
        points.append(x)
    return np.array(points) if path else x
