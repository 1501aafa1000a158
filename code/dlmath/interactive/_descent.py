"""The figure to move of the chapter on gradient descent: a quadratic, computed in the page."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from dlmath.interactive._base import check_between, check_vector, draw_still
from dlmath.interactive._computed import ComputedPlot, _check_count, _select, _slider

RULES = ("constant rate", "exact line search")
KAPPAS = (1.0, 100.0)
SHARES = (0.05, 2.2)
STEPS = 100
XLIM, YLIM = (-1.3, 1.3), (-1.0, 1.0)


def quadratic_descent(
    *,
    kappa: float = 10.0,
    share: float = 1.0,
    k: int = 12,
    start: Sequence[float] = (-1.1, 0.7),
    rule: str = "constant rate",
    alt: str,
    height: tuple[int, int] = (1280, 820),
) -> ComputedPlot:
    """Draw gradient descent on the quadratic of condition number kappa in two dimensions.

    The path on the contours, the factor by which a step multiplies each direction, and the cost
    beside its bound (``eq-gradient-descent-contraction``, ``eq-gradient-descent-exact-rate``).

    Parameters
    ----------
    kappa : float, default=10.0
        Condition number at the beginning, from 1 to 100; the curvatures are 1 and kappa.
    share : float, default=1.0
        The learning rate times the larger curvature, from 0.05 to 2.2.
    k : int, default=12
        Steps that are drawn, from 0 to 100.
    start : (float, float), default=(-1.1, 0.7)
        Along the flat and along the steep direction, within 1.3 and 1.
    rule : {"constant rate", "exact line search"}
        How the rate is chosen.
    alt : str
        What is seen, in at least 40 characters.
    height : (int, int)
        Height in pixels on narrow and on wide pages.
    """
    kappa, share = (
        check_between(name, value, limits)
        for name, value, limits in (("kappa", kappa, KAPPAS), ("share", share, SHARES))
    )
    k = _check_count("k", k, 0, STEPS)
    begin = check_vector("start", start, 2)
    if rule not in RULES:
        raise ValueError(f"rule must be one of {', '.join(RULES)}, got {rule!r}")

    def draw(figure: Figure) -> None:
        """Draw the first state, by the iteration itself."""
        H = np.diag([1.0, kappa])
        path = [begin]
        for _ in range(STEPS):
            g = H @ path[-1]
            exact = g @ g / max(g @ H @ g, 1e-300)
            path.append(path[-1] - (share / kappa if rule == RULES[0] else exact) * g)
        walked = np.array(path)
        plane, cost = figure.subplots(1, 2)
        x, y = np.meshgrid(np.linspace(*XLIM, 80), np.linspace(*YLIM, 80))
        plane.contour(x, y, (x**2 + kappa * y**2) / 2, levels=9, colors="C5", linewidths=0.7)
        plane.plot(*walked[: k + 1].T, "o-", color="C0", markersize=3)
        plane.set(xlabel="along the flat direction", ylabel="along the steep direction")
        plane.set(xlim=XLIM, ylim=YLIM)
        values = np.sum(walked**2 * [1.0, kappa], axis=1)
        cost.semilogy(values / values[0], color="C0")
        cost.set(xlabel="step k", ylabel="cost, start = 1", ylim=(1e-12, 1e3))

    controls: list[dict[str, Any]] = [
        _slider("kappa", "condition number κ", *KAPPAS, kappa, log=True),
        _slider("share", "learning rate, in units of 1/L", *SHARES, share, step=0.01),
        _slider("k", "steps k", 0, STEPS, k, step=1, integer=True),
        _select("rule", "Rate", RULES, rule),
        {"type": "play", "name": "walk", "label": "Walk", "slider": "k", "seconds": 12},
        {"type": "button", "name": "safe", "label": "η = 1/L"},
        {"type": "button", "name": "best", "label": "η = 2/(μ + L)"},
        {"type": "button", "name": "worst", "label": "Worst start for the line search"},
        {
            "type": "point",
            "name": "start",
            "label": "Start",
            "min": [XLIM[0], YLIM[0]],
            "max": [XLIM[1], YLIM[1]],
            "value": begin.tolist(),
        },
    ]
    return ComputedPlot(
        "quadratic-descent",
        {"steps": STEPS, "xlim": list(XLIM), "ylim": list(YLIM)},
        controls,
        still=draw_still(draw),
        alt=alt,
        height=height,
    )
