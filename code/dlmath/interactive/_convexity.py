"""The figure to move of the appendix on convexity: a chord and a tangent, computed in the page."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from dlmath.interactive._base import draw_still
from dlmath.interactive._computed import ComputedPlot, _select

LIMIT = 2.0
# By the words of the menu: the name in the page, the axis, what the function is, and the function.
SHAPES: dict[str, tuple[str, list[float], str, Callable[[np.ndarray], np.ndarray]]] = {
    "a parabola, x²": ("square", [-2.0, 4.5], "strongly convex", np.square),
    "a flat bowl, x⁴/2": ("fourth", [-2.0, 8.5], "strictly convex", lambda x: x**4 / 2),
    "a kink, |x|": ("modulus", [-1.0, 2.2], "convex, not strictly", np.abs),
    "logistic, log(1 + e⁻²ˣ)": (
        "logistic",
        [-1.0, 4.5],
        "strictly convex",
        lambda x: np.log1p(np.exp(-2 * x)),
    ),
    "a double well, (x² − 1)²": ("well", [-3.0, 9.5], "not convex", lambda x: (x**2 - 1) ** 2),
    "a bumpy bowl": ("wave", [-1.0, 2.6], "not convex", lambda x: x**2 / 2 + 0.4 * np.cos(4 * x)),
}


def chord_and_tangent(
    *,
    shape: str = "a parabola, x²",
    left: float = -1.0,
    right: float = 1.6,
    touch: float = 0.5,
    alt: str,
    height: tuple[int, int] = (820, 640),
) -> ComputedPlot:
    """Draw a chord and a tangent of a function, and its slope below.

    Parameters
    ----------
    shape : str
        The function at the beginning, by the words of the menu.
    left, right : float
        Where the ends of the chord are at the beginning, from -2 to 2.
    touch : float
        Where the tangent touches at the beginning, from -2 to 2.
    alt : str
        What is seen, in at least 40 characters.
    height : (int, int)
        Height in pixels on narrow and on wide pages.
    """
    if shape not in SHAPES:
        raise ValueError(f"shape must be one of {'; '.join(SHAPES)}, got {shape!r}")
    places = {"left": left, "right": right, "touch": touch}
    for name, value in places.items():
        if not -LIMIT <= value <= LIMIT:
            raise ValueError(f"{name} must be a number from -2 to 2, got {value!r}")
    _, ylim, _, f = SHAPES[shape]

    def draw(figure: Figure) -> None:
        """Draw the first state; the slopes by finite differences."""
        above, below = figure.subplots(2, 1, sharex=True)
        x = np.linspace(-LIMIT, LIMIT, 241)
        slopes = np.gradient(f(x), x)
        tangent = f(np.array(touch)) + np.interp(touch, x, slopes) * (x - touch)
        ends = np.array([left, right])
        above.plot(x, f(x), color="C0")
        above.plot(x, tangent, color="C2")
        above.plot(ends, f(ends), "o-", color="C3")
        above.plot(touch, f(np.array(touch)), "o", color="C2")
        above.set(ylabel="$f(x)$", ylim=ylim)
        below.plot(x, slopes, color="C0")
        below.set(xlabel="$x$", ylabel="slope")

    heights = [limits for _, limits, _, _ in SHAPES.values()]
    low, high = min(v[0] for v in heights), max(v[1] for v in heights)
    names = {
        "left": "One end of the chord",
        "right": "Other end of the chord",
        "touch": "Point of the tangent",
    }
    controls: list[dict[str, Any]] = [
        _select("shape", "Function", SHAPES, shape),
        *(
            {
                "type": "point",
                "name": name,
                "label": label,
                "min": [-LIMIT, low],
                "max": [LIMIT, high],
                "value": [places[name], float(f(np.array(places[name])))],
            }
            for name, label in names.items()
        ),
    ]
    shapes = {
        words: {"name": name, "ylim": limits, "kind": kind}
        for words, (name, limits, kind, _) in SHAPES.items()
    }
    return ComputedPlot(
        "convexity",
        {"shapes": shapes, "limit": LIMIT},
        controls,
        still=draw_still(draw, (7.2, 5.0)),
        alt=alt,
        height=height,
    )
