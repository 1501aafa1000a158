"""Figures to move of the chapter on approximation rates: sampled networks, and composed tents."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.figure import Figure

from dlmath.approximation import Steps, most_pieces, pair_energy, pair_second_moment, sawtooth
from dlmath.interactive._base import draw_still
from dlmath.interactive._computed import ComputedPlot, _check_count, _slider
from dlmath.interactive._random import lehmer_normals, lehmer_uniform

POINTS, CLOUDS, MOST_STEPS, DRAWS = 96, 12, 4096, 20
DIMENSIONS = (2, 50)
CONSTANT = 2 / np.sqrt(np.pi)
DEEPEST, MOST_UNITS = 9, 600
STILL_SIZE = (7.2, 3.6)


def _points(d: int) -> np.ndarray:
    """Give the points of the page, on the sphere of radius sqrt(d)."""
    normal = lehmer_normals(7919 * d + 1, POINTS * d).reshape(POINTS, d)
    return np.sqrt(d) * normal / np.linalg.norm(normal, axis=1, keepdims=True)


def _network(d: int, draw: int, m: int) -> Steps:
    """Give the first m steps of a draw of the page."""
    pair, length, side, share = lehmer_uniform(104729 * draw + 1, 10 + 4 * m)[10:].reshape(m, 4).T
    first, second = np.triu_indices(d, 1)
    chosen = np.floor(pair * len(first)).astype(int)
    a = np.zeros((m, d))
    sign = np.where(side < 0.5, 1.0, -1.0) / np.sqrt(2)
    a[np.arange(m), first[chosen]] = sign
    a[np.arange(m), second[chosen]] = -sign
    t = np.sqrt(d) * share
    height = -2 * np.sqrt(d) * CONSTANT * np.sin(2 * np.sqrt(-np.log(length)) * t)
    return Steps(1.0, height / m, a, t)


def _sizes() -> list[int]:
    return sorted({round(2 ** (j / 2)) for j in range(2 * 12 + 1)})


def sampled_networks(
    *,
    d: int = 10,
    m: int = 64,
    draw: int = 1,
    alt: str,
    height: tuple[int, int] = (920, 560),
) -> ComputedPlot:
    """Barron's sampled networks for the mean pair energy: error against width, and a cut.

    The error is the mean over points on the sphere of radius ``sqrt(d)``. The networks are drawn
    in the page; the line is the mean over all draws, by a closed form.

    Parameters
    ----------
    d : int, default=10
        Number of particles at the beginning, 2 to 50.
    m : int, default=64
        Number of steps at the beginning, 1 to 4096.
    draw : int, default=1
        Which draw is shown at the beginning, 1 to 20.
    alt : str
        What is seen, in at least 40 characters.
    height : (int, int)
        Height in pixels on narrow and on wide pages.
    """
    d = _check_count("d", d, *DIMENSIONS)
    m = _check_count("m", m, 1, MOST_STEPS)
    draw = _check_count("draw", draw, 1, DRAWS)
    sizes = _sizes()
    data: dict[str, Any] = {"count": POINTS, "sizes": sizes, "clouds": CLOUDS, "most": DRAWS}

    def draw_first(figure: Figure) -> None:
        """Draw the first state with the functions of the chapter."""
        errors, path = figure.subplots(1, 2)
        X = _points(d)
        target = pair_energy(X)
        for k in reversed(range(CLOUDS)):
            steps = _network(d, CLOUDS * (draw - 1) + k + 1, MOST_STEPS)
            sums = np.cumsum(MOST_STEPS * steps.terms(X), axis=1)
            gaps = [np.mean((target - 1 - sums[:, size - 1] / size) ** 2) for size in sizes]
            errors.loglog(sizes, gaps, color="C5" if k else "C0", linewidth=0.6 if k else 2)
        ends = np.array([1.0, MOST_STEPS])
        promised = pair_second_moment(X, np.sqrt(d)) - np.mean((target - 1) ** 2)
        errors.plot(ends, promised / ends, color="C2")
        errors.plot(ends, (2 * CONSTANT) ** 2 * d / ends, "--", color="C1")
        errors.axhline(target.var(), color="C5", linestyle=":")
        errors.set(xlabel="number of steps m", ylabel="squared error", ylim=(1e-5, 1e3))
        rest = X[0, 1:] * np.sqrt(0.5 * (d - 1) / np.sum(X[0, 1:] ** 2))
        reach = min(3.0, np.sqrt(d - 0.5 * (d - 1)))
        at = np.linspace(-reach, reach, 241)
        moved = np.column_stack([at, np.tile(rest, (241, 1))])
        path.plot(at, _network(d, CLOUDS * (draw - 1) + 1, m)(moved), color="C0")
        path.plot(at, pair_energy(moved), "--", color="C5")
        path.set(xlabel="place of one particle", ylabel="mean energy of a pair", ylim=(-0.25, 1.25))

    controls = [
        _slider("d", "particles d", *DIMENSIONS, d, step=1, integer=True),
        _slider("m", "steps m", 1, MOST_STEPS, m, log=True, integer=True),
        _slider("draw", "draw", 1, DRAWS, draw, step=1, integer=True),
        {"type": "button", "name": "another", "label": "Draw again"},
    ]
    return ComputedPlot(
        "barron-sampling",
        data,
        controls,
        still=draw_still(draw_first, STILL_SIZE),
        alt=alt,
        height=height,
    )


def composed_tents(
    *,
    k: int = 5,
    m: int = 10,
    peak: float = 1.0,
    alt: str,
    height: tuple[int, int] = (900, 540),
) -> ComputedPlot:
    """Tents composed k times, beside what one hidden layer of m units can do.

    Parameters
    ----------
    k : int, default=5
        Depth at the beginning, 1 to 9.
    m : int, default=10
        Units of the single hidden layer at the beginning, 1 to 600.
    peak : float, default=1.0
        Height of the tent at the beginning, 0.8 to 1.
    alt : str
        What is seen, in at least 40 characters.
    height : (int, int)
        Height in pixels on narrow and on wide pages.
    """
    k = _check_count("k", k, 1, DEEPEST)
    m = _check_count("m", m, 1, MOST_UNITS)
    if not 0.8 <= peak <= 1:
        raise ValueError(f"peak must lie between 0.8 and 1, got {peak!r}")

    def draw_first(figure: Figure) -> None:
        """Draw the first state: teeth, and the region that the theorem forbids."""
        teeth, errors = figure.subplots(1, 2)
        x = np.linspace(0, 1, 2**k * 16 + 1)
        y = x
        for _ in range(k):
            y = peak * sawtooth(y, 1)
        followed = min(m // 2, 2 ** (k - 1))
        width = 2.0 ** (1 - k)
        wide = np.where(x < (followed - 0.25) * width, sawtooth(x, k), 0.5)
        teeth.plot(x, sawtooth(x, k) if most_pieces([m]) >= 2**k else wide, color="C1", lw=4)
        teeth.plot(x, y, color="C0", linewidth=1.2)
        teeth.set(xlabel="x", ylabel="output", ylim=(-0.05, 1.12))
        sizes = np.arange(1, MOST_UNITS + 1)
        least = np.maximum(0, 1 - sizes * width) / 4
        errors.fill_between(sizes, 0, least, color="C3", alpha=0.25, linewidth=0)
        errors.axhline(0.25, color="C5", linestyle=":")
        errors.plot(m, np.mean(np.abs(wide - sawtooth(x, k))), "o", color="C1")
        errors.plot(2 * k, np.mean(np.abs(y - sawtooth(x, k))), "o", color="C0")
        errors.set(xscale="log", xlabel="units", ylabel="distance", ylim=(0, 0.5))

    controls = [
        _slider("k", "depth k", 1, DEEPEST, k, step=1, integer=True),
        _slider("m", "units of one layer m", 1, MOST_UNITS, m, log=True, integer=True),
        _slider("height", "height of the tent", 0.8, 1, float(peak), step=0.005, digits=3),
        {"type": "button", "name": "same", "label": "As many units as the deep one"},
    ]
    return ComputedPlot(
        "composed-tents",
        {"most": MOST_UNITS},
        controls,
        still=draw_still(draw_first, STILL_SIZE),
        alt=alt,
        height=height,
    )
