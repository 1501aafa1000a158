"""The figure to move of the chapter on universal approximation: bumps that sum to a function."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from dlmath.bumps import bump_network, bump_weights
from dlmath.interactive._base import draw_still
from dlmath.interactive._computed import ComputedPlot, _check_count, _select, _slider

WIDEST, STEEPEST = 128, 2000.0
WIDTHS = (1, 2, 3, 4, 6, 8, 11, 16, 23, 32, 45, 64, 91, 128)
CELLS, POINTS, MOST_BUMPS = 400, 240, 32
ERRORS = (1e-3, 5.0)
# By the words of the menu: the name in the page, the axis, where it jumps, and the function.
TARGETS: dict[str, tuple[str, list[float], float, Callable[[np.ndarray], np.ndarray]]] = {
    "a wave, sin 2πx": ("wave", [-1.25, 1.25], 0.0, lambda x: np.sin(2 * np.pi * x)),
    "a fast wave, sin 8πx": ("fast", [-1.25, 1.25], 0.0, lambda x: np.sin(8 * np.pi * x)),
    "a kink, |x − 0.4|": ("kink", [-0.05, 0.65], 0.0, lambda x: np.abs(x - 0.4)),
    "a root, √x": ("root", [-0.05, 1.1], 0.0, np.sqrt),
    "a jump at 0.45": ("saw", [-0.75, 0.65], 0.45, lambda x: x - (x >= 0.45)),
}


def bump_sum(
    *,
    target: str = "a wave, sin 2πx",
    m: int = 8,
    q: float = 40.0,
    alt: str,
    height: tuple[int, int] = (860, 500),
) -> ComputedPlot:
    """Draw a sum of bumps that follows a function, and its errors against the width.

    Parameters
    ----------
    target : str
        The function at the beginning, by the words of the menu.
    m : int
        The number of steps at the beginning, 1 to 128.
    q : float
        Their steepness at the beginning, 1 to 2000.
    alt : str
        What is seen, in at least 40 characters.
    height : (int, int)
        Height in pixels on narrow and on wide pages.
    """
    if target not in TARGETS:
        raise ValueError(f"target must be one of {'; '.join(TARGETS)}, got {target!r}")
    m = _check_count("m", m, 1, WIDEST)
    if not 1 <= q <= STEEPEST:
        raise ValueError(f"q must be a number from 1 to {STEEPEST:g}, got {q!r}")
    _, ylim, _, f = TARGETS[target]

    def draw(figure: Figure) -> None:
        """Draw the first state."""
        sums, errors = figure.subplots(1, 2)
        x = np.linspace(0, 1, POINTS + 1)
        values = f(np.arange(m + 1) / m)
        sums.plot(x, bump_weights(m, q, x) * values, color="C2", linewidth=1)
        sums.plot(x, f(x), "--", color="C5")
        sums.plot(x, bump_network(values, q, x), color="C0", linewidth=2)
        sums.set(xlabel="x", ylabel="value", xlim=(0, 1), ylim=ylim)
        at = np.append((np.arange(CELLS) + 0.5) / CELLS, [0.0, 1.0])
        miss = [bump_network(f(np.arange(w + 1) / w), q, at) - f(at) for w in WIDTHS]
        errors.loglog(WIDTHS, np.abs(miss).max(axis=1), color="C1")
        errors.loglog(WIDTHS, np.sqrt(np.mean(np.square(miss), axis=1)), color="C0")
        errors.set(xlabel="width m", ylabel="error", ylim=ERRORS)

    targets = {
        words: {"name": name, "ylim": limits, "jump": jump}
        for words, (name, limits, jump, _) in TARGETS.items()
    }
    data: dict[str, Any] = {
        "targets": targets,
        "widths": list(WIDTHS),
        "cells": CELLS,
        "points": POINTS,
        "bumps": MOST_BUMPS,
        "errors": list(ERRORS),
    }
    controls: list[dict[str, Any]] = [
        _select("target", "Function", TARGETS, target),
        _slider("m", "width m", 1, WIDEST, m, log=True, integer=True),
        _slider("q", "steepness q", 1, STEEPEST, float(q), log=True),
        {
            "type": "checkbox",
            "name": "grow",
            "label": "let q grow with m in the second panel",
            "value": False,
        },
    ]
    return ComputedPlot("bump-sum", data, controls, still=draw_still(draw), alt=alt, height=height)
