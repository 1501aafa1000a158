"""Figures to move of the chapter on denoising diffusion: a magnet cools, and paths copy."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from scipy.optimize import brentq

from dlmath.diffusion import (
    CosineSchedule,
    LinearSchedule,
    NoisyEmpirical,
    Schedule,
    StraightSchedule,
    ddim,
)
from dlmath.interactive._base import check_between, draw_still
from dlmath.interactive._computed import ComputedPlot, _check_count, _select, _short, _slider
from dlmath.interactive._random import lehmer_uniform, normals_from

LOGS = (-6.0, 5.0)
SHARES = (0.5, 0.95)
BEADS = 40
STEPS = 110
PATHS = 60
SEED = 7
REACH = 2.2
MOST_POINTS = 8
MOST_STEPS = 100
WIDEST = 0.6
SCHEDULES: dict[str, Schedule] = {
    "cosine": CosineSchedule(),
    "linear β": LinearSchedule(),
    "straight line": StraightSchedule(),
}
# Where points are that the reader adds.
SPARE = [(-1.5, -0.2), (0.9, 0.2), (-0.2, 1.5), (0.3, -1.6), (1.7, -0.3), (-1.6, 1.6), (0, 0.6)]


def page_normals(count: int) -> np.ndarray:
    """Draw the normal numbers of the page's stream, one from each pair of uniform ones."""
    uniform = lehmer_uniform(SEED, 2 * count)
    return normals_from(uniform[::2], uniform[1::2])


def amplitudes(log: Any) -> tuple[np.ndarray, np.ndarray]:
    """Return gamma and sigma, with squares that add up to one, at a log SNR."""
    log = np.asarray(log, dtype=float)
    return np.sqrt(1 / (1 + np.exp(-log))), np.sqrt(1 / (1 + np.exp(log)))


def magnetisations(u: float, field: float) -> list[float]:
    """Return all solutions of m = tanh(u m + h), equation ``eq-denoising-diffusion-magnet``."""

    def difference(m: float) -> float:
        return float(np.tanh(u * m + field) - m)

    inner = []
    if u > 1:
        turn = np.arccosh(np.sqrt(u))
        inner = [m for m in ((-turn - field) / u, (turn - field) / u) if abs(m) < 1]
    ends = [-1.01, *inner, 1.01]
    return [
        brentq(difference, a, b, xtol=1e-14)
        for a, b in pairwise(ends)
        if (difference(a) > 0) != (difference(b) > 0)
    ]


def backward_beads(field: float = 0.0) -> np.ndarray:
    """Walk backwards as the page does: rows are moments, columns beads."""
    logs = np.linspace(*LOGS, STEPS + 1)
    noise = page_normals((STEPS + 1) * BEADS).reshape(STEPS + 1, BEADS)
    gamma, sigma = amplitudes(logs)
    x = np.empty((STEPS + 1, BEADS))
    x[0] = noise[0]
    for k in range(1, STEPS + 1):
        a = gamma[k - 1] / gamma[k]
        added = sigma[k - 1] ** 2 - (a * sigma[k]) ** 2
        guess = np.tanh(gamma[k - 1] * x[k - 1] / sigma[k - 1] ** 2 + field)
        mean = (a * sigma[k] ** 2 * x[k - 1] + gamma[k] * added * guess) / sigma[k - 1] ** 2
        x[k] = mean + np.sqrt(added) * sigma[k] / sigma[k - 1] * noise[k]
    return x


def _draw_fork(axes: Axes) -> None:
    """Draw the humps of the density against the log SNR, for equal weights."""
    logs = np.linspace(0, LOGS[1], 80)
    gamma, _ = amplitudes(logs)
    largest = [max(magnetisations(float(np.exp(log)), 0.0)) for log in logs]
    for sign in (1, -1):
        axes.plot(logs, sign * gamma * largest, color="C1", lw=2.2)
    axes.plot([LOGS[0], 0], [0, 0], color="C1", lw=2.2)
    axes.plot([0, LOGS[1]], [0, 0], "--", color="C1", lw=1.5)


def moment_of_decision(
    *,
    log: float = 0.5,
    share: float = 0.5,
    alt: str,
    height: tuple[int, int] = (1420, 900),
) -> ComputedPlot:
    """Two places, and beads that run backwards to them, beside the mean-field magnet.

    The page walks with the exact guess of x_0 (``eq-denoising-diffusion-tanh``) in equal steps of
    the logarithm of the signal-to-noise ratio, and solves ``eq-denoising-diffusion-magnet``.

    Parameters
    ----------
    log : float, default=0.5
        Logarithm of the signal-to-noise ratio at the beginning, -6 to 5.
    share : float, default=0.5
        Probability of the place +1 at the beginning, 0.5 to 0.95.
    alt : str
        What is seen, in at least 40 characters.
    height : (int, int)
        Height in pixels on narrow and on wide pages.
    """
    log = check_between("log", log, LOGS)
    share = check_between("share", share, SHARES)
    data = {
        "logs": [_short(value, 12) for value in np.linspace(*LOGS, STEPS + 1)],
        "limits": list(LOGS),
        "beads": BEADS,
        "seed": SEED,
    }

    def draw(figure: Figure) -> None:
        """Draw the first state."""
        axes = figure.subplot_mosaic([["paths", "paths"], ["density", "magnet"]])
        field = float(np.arctanh(2 * share - 1))
        logs, beads = np.linspace(*LOGS, STEPS + 1), backward_beads(field)
        shown = int(np.searchsorted(logs, log + 1e-9))
        axes["paths"].plot(logs[:shown], beads[:shown], color="C0", lw=0.6)
        if share == SHARES[0]:
            _draw_fork(axes["paths"])
        axes["paths"].axvline(log, color="C5", ls=":")
        axes["paths"].set(xlabel="log SNR, from noise to data", ylabel="bead x", xlim=LOGS)
        gamma, sigma = amplitudes(log)
        x = np.linspace(-3.2, 3.2, 241)
        places = ((share, gamma), (1 - share, -gamma))
        density = sum(p * np.exp(-((x - at) ** 2) / (2 * sigma**2)) for p, at in places)
        axes["density"].plot(x, density / (sigma * np.sqrt(2 * np.pi)), color="C1")
        axes["density"].set(xlabel="bead x", ylabel="density", ylim=0)
        m, u = np.linspace(-1.5, 1.5, 161), float(np.exp(log))
        axes["magnet"].plot(m, m, color="C5", lw=1)
        axes["magnet"].plot(m, np.tanh(u * m + field), color="C0")
        found = magnetisations(u, field)
        axes["magnet"].plot(found, found, "o", color="C1")
        axes["magnet"].set(xlabel="m = x / γ", ylabel="guess", ylim=(-1.2, 1.2))

    controls = [
        _slider("log", "log SNR", *LOGS, log, step=0.1),
        {"type": "play", "name": "play", "label": "Run backwards", "slider": "log", "seconds": 9},
        _slider("share", "weight of the place +1", *SHARES, share, step=0.01),
        {"type": "button", "name": "critical", "label": "To SNR 1"},
        {"type": "button", "name": "fair", "label": "Equal weights"},
    ]
    return ComputedPlot(
        "decision", data, controls, still=draw_still(draw, (7.2, 5.6)), alt=alt, height=height
    )


def _check_points(points: Any) -> np.ndarray:
    try:
        array = np.asarray(points, dtype=float)
    except (TypeError, ValueError) as error:
        raise ValueError("points must hold numbers") from error
    if array.ndim != 2 or array.shape[1] != 2 or not 1 <= len(array) <= MOST_POINTS:
        raise ValueError(
            f"points must have shape (n, 2) with 1 to {MOST_POINTS} rows, got {array.shape}"
        )
    if not (np.abs(array) <= REACH).all():
        raise ValueError(f"points must lie within {REACH} of the axes")
    return array


def empirical_paths(
    points: Any,
    *,
    steps: int = 40,
    alt: str,
    height: tuple[int, int] = (1180, 640),
) -> ComputedPlot:
    """Paths from noise with the exact minimiser on a few points, which the reader sets.

    The page computes ``eq-denoising-diffusion-empirical`` for at most eight points, of which each
    may be given a width, and follows it by deterministic or ancestral steps in three schedules.

    Parameters
    ----------
    points : array-like of shape (n, 2)
        The data at the beginning, 1 to 8, within 2.2 of the axes.
    steps : int, default=40
        Steps from noise to data, 1 to 100.
    alt : str
        What is seen, in at least 40 characters.
    height : (int, int)
        Height in pixels on narrow and on wide pages.
    """
    places = _check_points(points)
    steps = _check_count("steps", steps, 1, MOST_STEPS)
    spread = [*places.tolist(), *(list(spare) for spare in SPARE)][:MOST_POINTS]

    def draw(figure: Figure) -> None:
        """Draw the first state."""
        plane, numbers = figure.subplots(1, 2)
        schedule = SCHEDULES["cosine"]
        law, times = NoisyEmpirical(places, schedule), schedule.times(steps)
        start = schedule.sigma(schedule.end) * page_normals(2 * PATHS).reshape(PATHS, 2)
        states = ddim(law, start, schedule, times, path=True)
        for j in range(PATHS):
            plane.plot(*states[:, j].T, color="C0", lw=0.6)
        plane.plot(*places.T, "o", color="C1")
        plane.set(xlim=(-2.4, 2.4), ylim=(-2.4, 2.4), aspect="equal", xlabel="x₁", ylabel="x₂")
        found = [
            effective_number(law.shares(x, t)) for x, t in zip(states, times[:-1], strict=False)
        ]
        numbers.plot(schedule.log_snr(times[:-1]).clip(-9, 9), found, "o-", color="C0", ms=3)
        numbers.set(xlabel="log SNR, from noise to data", ylabel="data still possible")

    controls: list[dict[str, Any]] = [
        _slider("count", "number of data", 1, MOST_POINTS, len(places), step=1, integer=True),
        _slider("steps", "steps", 1, MOST_STEPS, steps, log=True, integer=True),
        _slider("width", "width of each datum", 0, WIDEST, 0.0, step=0.01),
        _select("schedule", "Schedule", SCHEDULES, "cosine"),
        {"type": "checkbox", "name": "fresh", "label": "fresh noise at each step", "value": False},
        _slider("progress", "shown, from noise to data", 0, 1, 1.0, step=0.01),
        {"type": "play", "name": "play", "label": "Play", "slider": "progress", "seconds": 6},
        {"type": "button", "name": "copies", "label": "Copies"},
        {"type": "button", "name": "smooth", "label": "Give the data a width"},
    ]
    controls += [
        {
            "type": "point",
            "name": f"p{i + 1}",
            "label": f"datum {i + 1}",
            "min": [-REACH, -REACH],
            "max": [REACH, REACH],
            "value": [_short(value, 6) for value in at],
            "color": 2,
        }
        for i, at in enumerate(spread)
    ]
    return ComputedPlot(
        "empirical-paths",
        {"paths": PATHS, "seed": SEED},
        controls,
        still=draw_still(draw),
        alt=alt,
        height=height,
    )


def effective_number(shares: np.ndarray) -> float:
    """Return the mean over rows of the exponential of the entropy of shares."""
    logs = np.log(np.where(shares > 0, shares, 1.0))
    return float(np.exp(-(shares * logs).sum(axis=1)).mean())
