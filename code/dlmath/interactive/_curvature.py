"""The figure to move of the chapter on Newton's method: three methods from a start to drag."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.figure import Figure
from scipy.optimize import rosen, rosen_der, rosen_hess

from dlmath.interactive._base import check_vector, draw_still
from dlmath.interactive._computed import ComputedPlot, _select
from dlmath.optimizers import bfgs, damped_newton, newton


class _Surface:
    """A cost of two variables with its derivatives, and the part of the plane that is shown."""

    def __init__(self, name: str, functions: tuple, xlim: list, ylim: list, levels: list) -> None:
        self.cost, self.gradient, self.hessian = functions
        self.view: dict[str, Any] = {
            "name": name,
            "xlim": xlim,
            "ylim": ylim,
            "levels": levels,
        }


def himmelblau() -> tuple:
    """Return Himmelblau's function, its gradient and its Hessian."""

    def cost(v: np.ndarray) -> Any:
        x, y = v
        return (x**2 + y - 11) ** 2 + (x + y**2 - 7) ** 2

    def gradient(v: np.ndarray) -> np.ndarray:
        x, y = v
        p, q = x**2 + y - 11, x + y**2 - 7
        return np.array([4 * x * p + 2 * q, 2 * p + 4 * y * q])

    def hessian(v: np.ndarray) -> np.ndarray:
        x, y = v
        mixed = 4 * (x + y)
        return np.array([[12 * x**2 + 4 * y - 42, mixed], [mixed, 12 * y**2 + 4 * x - 26]])

    return cost, gradient, hessian


def _well() -> tuple:
    weights = np.array([1.0, 2.0])

    def cost(v: np.ndarray) -> Any:
        return np.sqrt(1 + v[0] ** 2) + 2 * np.sqrt(1 + v[1] ** 2) - 3

    def gradient(v: np.ndarray) -> np.ndarray:
        return weights * v / np.sqrt(1 + v**2)

    def hessian(v: np.ndarray) -> np.ndarray:
        return np.diag(weights * (1 + v**2) ** -1.5)

    return cost, gradient, hessian


SURFACES = {
    "Rosenbrock's valley": _Surface(
        "rosenbrock",
        (rosen, rosen_der, rosen_hess),
        [-2.0, 2.0],
        [-1.0, 3.0],
        [12.0, 40.0, 100.0, 250.0, 500.0, 1000.0],
    ),
    "Himmelblau's four minima": _Surface(
        "himmelblau",
        himmelblau(),
        [-5.0, 5.0],
        [-5.0, 5.0],
        [5.0, 20.0, 50.0, 100.0, 150.0, 180.0, 250.0, 400.0],
    ),
    "a well with flat sides": _Surface(
        "well", _well(), [-4.0, 4.0], [-4.0, 4.0], [0.1, 0.5, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0]
    ),
}


def curvature_explorer(
    *,
    surface: str = "Rosenbrock's valley",
    start: tuple[float, float] = (-1.2, 1.0),
    safe: bool = True,
    alt: str,
    height: tuple[int, int] = (900, 640),
) -> ComputedPlot:
    """Run gradient descent, BFGS and Newton's method from a start that the reader drags.

    The first two use the line search of :func:`dlmath.optimizers.bfgs`; Newton's method is that of
    :func:`dlmath.optimizers.damped_newton`, or, with the box unticked, the plain one.

    Parameters
    ----------
    surface : str
        The cost at the beginning, by the words of the menu.
    start : (float, float)
        The start at the beginning, in the part of the plane that is shown.
    safe : bool, default=True
        Whether Newton's method goes downhill at the beginning.
    alt : str
        What is seen, in at least 40 characters.
    height : (int, int)
        Height in pixels on narrow and on wide pages.
    """
    if surface not in SURFACES:
        raise ValueError(f"surface must be one of {'; '.join(SURFACES)}, got {surface!r}")
    shape = SURFACES[surface]
    view = shape.view
    at = check_vector("start", start, 2)
    low, high = (np.array([view["xlim"][i], view["ylim"][i]]) for i in (0, 1))
    if not ((low <= at) & (at <= high)).all():
        raise ValueError(f"start must lie in the plane that is shown, got {start}")

    def draw(figure: Figure) -> None:
        """Draw the first state, without gradient descent, by the library's methods."""
        above, below = figure.subplots(2, 1, height_ratios=[3, 2])
        x, y = (np.linspace(ends[0], ends[1], 161) for ends in (view["xlim"], view["ylim"]))
        above.contour(x, y, shape.cost(np.array(np.meshgrid(x, y))), view["levels"], colors="C5")
        runs = {
            "C1": bfgs(shape.cost, shape.gradient, at),
            "C2": damped_newton(shape.cost, shape.gradient, shape.hessian, at)
            if safe
            else newton(shape.gradient, shape.hessian, at, tol=1e-6),
        }
        for (colour, run), name in zip(runs.items(), ("BFGS", "Newton"), strict=True):
            above.plot(*run.trajectory.T, "o-", color=colour, ms=3)
            costs = [shape.cost(v) for v in run.trajectory]
            below.semilogy(np.linspace(1, run.njev, len(costs)), costs, color=colour, label=name)
        above.set(xlabel="$x$", ylabel="$y$", xlim=view["xlim"], ylim=view["ylim"])
        below.set(xlabel="gradients", ylabel="cost", ylim=(1e-12, None))
        below.legend()

    limits = [view["xlim"] + view["ylim"] for view in (s.view for s in SURFACES.values())]
    widest = np.array(limits)
    controls: list[dict[str, Any]] = [
        _select("surface", "Cost", SURFACES, surface),
        {
            "type": "checkbox",
            "name": "safe",
            "label": "Newton's method must go downhill",
            "value": safe,
        },
        {
            "type": "point",
            "name": "start",
            "label": "Start",
            "min": [float(widest[:, 0].min()), float(widest[:, 2].min())],
            "max": [float(widest[:, 1].max()), float(widest[:, 3].max())],
            "value": [float(value) for value in at],
        },
    ]
    return ComputedPlot(
        "curvature-explorer",
        {"surfaces": {words: s.view for words, s in SURFACES.items()}},
        controls,
        still=draw_still(draw, (7.2, 6.0)),
        alt=alt,
        height=height,
    )
