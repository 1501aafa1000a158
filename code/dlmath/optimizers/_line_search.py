"""A line search that ends where the strong Wolfe conditions hold, and what it shares."""

from typing import NamedTuple

import numpy as np

from dlmath._checks import check_above_zero, check_count
from dlmath.linear._validation import check_floats

EPS = np.finfo(float).eps


class Trial(NamedTuple):
    """A point on the line ``x + step * direction``, with the cost and its slope there."""

    step: float
    x: np.ndarray
    cost: float
    gradient: np.ndarray
    slope: float


class Objective:
    """A cost and its gradient, counted, with the arguments checked at the start."""

    def __init__(self, cost, gradient, x0):
        self._cost, self._gradient = cost, gradient
        self.nfev = self.njev = 0
        self.x0 = check_start(x0)
        self.cost0 = self.cost(self.x0)
        if not np.isfinite(self.cost0):
            raise ValueError(f"cost must be finite at x0, got {self.cost0}")
        self.gradient0 = self.gradient(self.x0)
        if not np.isfinite(self.gradient0).all():
            raise ValueError("gradient must be finite at x0, it has NaN or infinity")

    def cost(self, x):
        self.nfev += 1
        value = np.asarray(self._cost(x))
        if value.size != 1:
            raise ValueError(f"cost must return a number, got an array of shape {value.shape}")
        return float(value.reshape(()))

    def gradient(self, x):
        self.njev += 1
        return check_gradient(self._gradient(x), x)

    def along(self, x, direction):
        """Return the function of a step that evaluates the point there."""

        def trial(step):
            there = x + step * direction
            cost = self.cost(there)
            # Where the cost is not finite the gradient is not asked for.
            gradient = self.gradient(there) if np.isfinite(cost) else np.full_like(x, np.nan)
            return Trial(step, there, cost, gradient, float(gradient @ direction))

        return trial


def check_start(x0):
    """Return the point to start from as a vector of finite floats, a copy."""
    x0 = np.array(check_floats(x0, "x0"))
    if x0.ndim != 1 or x0.size == 0:
        raise ValueError(f"x0 must be a vector, got shape {x0.shape}")
    return x0


def check_gradient(gradient, x):
    """Return a copy of what the reader's gradient gave, which must have the shape of x."""
    gradient = np.array(gradient, dtype=float)
    if gradient.shape != x.shape:
        raise ValueError(f"gradient must return shape {x.shape}, got {gradient.shape}")
    return gradient


def wolfe_line_search(cost, gradient, x, direction, *, first=1.0, c1=1e-4, c2=0.9, most=30):
    """Find a step that satisfies the strong Wolfe conditions.

    Equations ``eq-newton-and-quasi-newton-armijo`` and ``eq-newton-and-quasi-newton-wolfe``: with
    ``phi(a) = cost(x + a * direction)`` the step has ``phi(a) <= phi(0) + c1 a phi'(0)`` and
    ``|phi'(a)| <= c2 |phi'(0)|``.

    Parameters
    ----------
    cost : callable
        Maps a vector to a number.
    gradient : callable
        Maps a vector to the vector of derivatives of ``cost``.
    x, direction : ndarray of shape (n,)
        The cost must fall along ``direction``.
    first : float, default=1.0
        The step that is tried first.
    c1, c2 : float, default=1e-4 and 0.9
        With ``0 < c1 < c2 < 1``.
    most : int, default=30
        Number of points that may be tried.

    Returns
    -------
    Trial
        ``(step, x, cost, gradient, slope)`` at the end of the step, or None if none was found.

    Raises
    ------
    ValueError
        On arguments of wrong shapes or ranges, a cost or gradient that is not finite at ``x``, and
        a direction along which the cost does not fall.
    """
    objective = Objective(cost, gradient, x)
    direction = check_floats(direction, "direction")
    if direction.shape != objective.x0.shape:
        raise ValueError(
            f"direction must have the shape {objective.x0.shape} of x, got {direction.shape}"
        )
    slope = float(objective.gradient0 @ direction)
    if not slope < 0:
        raise ValueError(f"direction must lead downhill, but the slope along it is {slope:g}")
    if not 0 < c1 < c2 < 1:
        raise ValueError(f"c1 and c2 must satisfy 0 < c1 < c2 < 1, got {c1} and {c2}")
    first, most = check_above_zero("first", first), check_count("most", most)
    start = Trial(0.0, objective.x0, objective.cost0, objective.gradient0, slope)
    end, found = search(objective.along(objective.x0, direction), start, first, c1, c2, most)
    return end if found else None


def search(along, start, first, c1=1e-4, c2=0.9, most=30):
    """Search a line from a start with negative slope.

    Until a minimum is bracketed the step grows; then the bracket shrinks. Its end ``low`` is the
    best point so far that satisfies the first condition, and the slope there leads towards the
    other end, ``high``.

    Returns
    -------
    Trial, bool
        The last ``low``, and whether it satisfies both conditions.
    """
    # Two costs closer than this cannot be told apart; the slopes can.
    rounding = 8 * EPS * abs(start.cost)
    low, high, step = start, None, first
    for _ in range(most):
        new = along(step)
        limit = min(start.cost + c1 * step * start.slope, low.cost) + rounding
        if not (new.cost <= limit and np.isfinite(new.slope)):
            high = new
        elif abs(new.slope) <= -c2 * start.slope:
            return new, True
        elif high is None and new.slope < 0:
            far = _minimum(low, new, rounding)
            step = new.step + np.clip(far - new.step, *(new.step - low.step) * np.array([1, 4.0]))
            step = step if np.isfinite(far) else 2 * new.step
            low = new
            continue
        else:
            if high is None or new.slope * (high.step - low.step) >= 0:
                high = low
            low = new
        width = high.step - low.step
        near = _minimum(low, high, rounding)
        share = np.clip((near - low.step) / width, 0.1, 0.9) if np.isfinite(near) else 0.5
        step = low.step + share * width
        if step in (low.step, high.step):
            break
    return (low if low.cost < start.cost else start), False


def _minimum(a, b, rounding):
    """Return the step of the minimum of the cubic with the costs and slopes of two trials.

    NaN if there is none. Costs that cannot be told apart are left out: the slopes make a line.
    """
    width = b.step - a.step
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        if abs(b.cost - a.cost) <= rounding:
            return a.step - width * np.divide(a.slope, b.slope - a.slope)
        mean = a.slope + b.slope - 3 * np.divide(b.cost - a.cost, width)
        root = np.sign(width) * np.sqrt(mean**2 - a.slope * b.slope)
        return b.step - width * (b.slope + root - mean) / (b.slope - a.slope + 2 * root)


def explain(objective, start, direction):
    """Say what is likely wrong when a line search has failed, after a look at the cost nearby."""
    step = 1e-6 * (1.0 + float(np.linalg.norm(start.x))) / float(np.linalg.norm(direction))
    ends = [objective.cost(start.x + sign * step * direction) for sign in (1, -1)]
    measured = (ends[0] - ends[1]) / (2 * step)
    said = (
        "no step satisfies the Wolfe conditions: the gradient promises the slope "
        f"{start.slope:.3g} along the line, and the cost has {measured:.3g}; "
    )
    if step * abs(start.slope) < 1e3 * EPS * abs(start.cost):
        return said + "the cost is at its limit of rounding, or tol is too small"
    if not abs(measured - start.slope) <= 0.1 * abs(start.slope):
        return said + "the gradient is likely not that of the cost, or either is noisy"
    return said + "they agree, so the cost is likely unbounded below, or has a kink"
