"""Figures to move for data, model and cost: one number, one slope, and many polynomials."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.figure import Figure
from numpy.polynomial import legendre

from dlmath.interactive._base import check_limits, check_vector, draw_still
from dlmath.interactive._computed import ComputedPlot, _check_count, _slider
from dlmath.interactive._random import lehmer_uniform

LEVELS = (0.05, 0.95)
HIGHEST, MOST, CELLS = 12, 200, 200
SIZES = (14, 17, 20, 25, 32, 40, 50, 65, 80, 100, 130, 160, 200)
NOISES = (0.05, 0.6)
DRAWS = 30
ERRORS = (1e-4, 10.0)
STILL_SIZE = (7.2, 4.8)
SHARES, STEPS = (0.02, 1.1), 60


def one_number(
    values: Any,
    last: float,
    *,
    limits: tuple[float, float],
    level: float = 0.5,
    xlabel: str = "c",
    alt: str,
    height: tuple[int, int] = (880, 500),
) -> ComputedPlot:
    """One number in place of many: what the squared, absolute and pinball costs choose.

    Parameters
    ----------
    values : array-like of shape (n_values,)
        The values that stay, within ``limits``.
    last : float
        One more value, which the reader moves.
    limits : (float, float)
        The range of the values and of the number that stands for them.
    level : float, default=0.5
        The level of the pinball cost at the beginning, 0.05 to 0.95.
    xlabel : str
        Name of the values, with their unit.
    alt : str
        What is seen, in at least 40 characters.
    height : (int, int)
        Height in pixels on narrow and on wide pages.
    """
    low, high = check_limits("limits", limits)
    values = check_vector("values", values)
    if values.min() < low or values.max() > high:
        raise ValueError("values must lie within limits")
    last = float(check_vector("last", [last])[0])
    if not low <= last <= high:
        raise ValueError(f"last must lie between {low:g} and {high:g}, got {last:g}")
    if not LEVELS[0] <= level <= LEVELS[1]:
        raise ValueError(f"level must lie between {LEVELS[0]} and {LEVELS[1]}, got {level!r}")
    data: dict[str, Any] = {
        "values": [float(f"{value:.4g}") for value in values],
        "limits": [low, high],
        "xlabel": xlabel,
    }

    def draw(figure: Figure) -> None:
        """Draw the first state from the definitions."""
        costs, shares = figure.subplots(1, 2)
        everything = np.sort(np.append(data["values"], last))
        at = np.linspace(low, high, 161)
        gap = everything - at[:, np.newaxis]
        squared, absolute = np.mean(gap**2, axis=1), np.mean(np.abs(gap), axis=1)
        pinball = np.mean(np.maximum(level * gap, (level - 1) * gap), axis=1)
        for number, cost in enumerate((squared, absolute, pinball)):
            costs.plot(at, cost, color=f"C{number}")
            costs.plot(at[cost.argmin()], cost.min(), "o", color=f"C{number}")
        costs.plot(everything, np.zeros(everything.size), "o", color="C5", ms=3)
        costs.set(xlabel=xlabel, ylabel="cost of the one number c", xlim=(low, high))
        costs.set_ylim(-0.05 * squared.min(), 1.15 * max(squared.min(), 1.9 * absolute.min()))
        steps = np.arange(1, everything.size + 1) / everything.size
        shares.step([low, *everything, high], [0, *steps, 1], where="post", color="C5")
        shares.axhline(0.5, color="C1", linestyle=":", linewidth=1.2)
        shares.axhline(level, color="C2", linestyle="--", linewidth=1.2)
        shares.set(xlabel=xlabel, ylabel="share of values ≤ c", xlim=(low, high))

    controls = [
        _slider("last", "last value", low, high, last, step=(high - low) / 100),
        _slider("level", "level τ of the pinball cost", *LEVELS, level, step=0.05, digits=2),
    ]
    return ComputedPlot(
        "one-number", data, controls, still=draw_still(draw), alt=alt, height=height
    )


def one_slope(
    x: Any,
    y: Any,
    start: float,
    *,
    share: float = 0.2,
    xlabel: str = "slope θ",
    alt: str,
    height: tuple[int, int] = (880, 520),
) -> ComputedPlot:
    """Gradient descent on one slope: a step that is too long, and batches that are too small.

    The model is ``theta * x`` and the cost the mean squared error, a parabola with the curvature
    ``2 h``, where ``h`` is the mean of ``x**2``.

    Parameters
    ----------
    x, y : array-like of shape (n_samples,)
        The data, 2 or more; ``x`` not all zero.
    start : float
        Where the walk begins, away from the minimum.
    share : float, default=0.2
        The learning rate at the beginning, in units of its limit ``1/h``, 0.02 to 1.1.
    xlabel : str
        Name of the slope, with its unit.
    alt : str
        What is seen, in at least 40 characters.
    height : (int, int)
        Height in pixels on narrow and on wide pages.
    """
    x = check_vector("x", x)
    y = check_vector("y", y, x.size)
    if x.size < 2 or not x.any():
        raise ValueError("x must have two entries or more that are not all zero")
    start = float(check_vector("start", [start])[0])
    if not SHARES[0] <= share <= SHARES[1]:
        raise ValueError(f"share must lie between {SHARES[0]} and {SHARES[1]}, got {share!r}")
    data: dict[str, Any] = {
        "x": [float(f"{value:.5g}") for value in x],
        "y": [float(f"{value:.5g}") for value in y],
        "start": start,
        "steps": STEPS,
        "xlabel": xlabel,
    }
    best = float(np.dot(data["x"], data["y"]) / np.dot(data["x"], data["x"]))
    if start == best:
        raise ValueError("start must differ from the minimum")

    def draw(figure: Figure) -> None:
        """Draw the first state, by running the iteration itself."""
        valley, distance = figure.subplots(1, 2)
        features, target = np.array(data["x"]), np.array(data["y"])
        eta, walk = share / np.mean(features**2), [start]
        for _ in range(STEPS):
            walk.append(walk[-1] - 2 * eta * np.mean(features * (walk[-1] * features - target)))
        thetas = np.array(walk)
        reach = 1.25 * abs(start - best)
        at = np.linspace(best - reach, best + reach, 121)

        def cost(theta: np.ndarray) -> np.ndarray:
            return np.mean((np.multiply.outer(theta, features) - target) ** 2, axis=-1)

        valley.plot(at, cost(at), color="C0")
        valley.plot(thetas, cost(thetas), "o-", color="C1", linewidth=1)
        valley.set(xlabel=xlabel, ylabel="cost C(θ)", xlim=(at[0], at[-1]))
        distance.semilogy(np.maximum(np.abs(thetas - best), 1e-9), color="C1")
        distance.set(xlabel="step k", ylabel="distance |θₖ − θ*|", ylim=(1e-8, 1e2))

    n = int(x.size)
    controls = [
        _slider("share", "learning rate η, in units of 1/h", *SHARES, share, step=0.02, digits=2),
        _slider("batch", "samples in a batch", 1, n, n, step=1, integer=True),
        _slider("draw", "draw of the batches", 1, DRAWS, 1, step=1, integer=True),
    ]
    return ComputedPlot("one-slope", data, controls, still=draw_still(draw), alt=alt, height=height)


def _truth(x: np.ndarray) -> np.ndarray:
    return np.exp(-0.5 * (x + 1)) * np.cos(5 * (x + 1))


def _points(draw: int, noise: float) -> tuple[np.ndarray, np.ndarray]:
    """Draw the points that the page draws: stretch ``draw`` of one stream of Lehmer's."""
    uniform = lehmer_uniform(1, 3 * MOST * (draw + 1))[-3 * MOST :]
    place, radius, angle = uniform.reshape(MOST, 3).T
    x = 2 * place - 1
    return x, _truth(x) + noise * np.sqrt(-2 * np.log(radius)) * np.cos(2 * np.pi * angle)


def degree_errors(
    *,
    degree: int = 3,
    n: int = 25,
    noise: float = 0.2,
    draw: int = 1,
    alt: str,
    height: tuple[int, int] = (1060, 740),
) -> ComputedPlot:
    """Training and test error of polynomials against degree and number of samples.

    The points are drawn in the page: x uniform on [-1, 1], y a damped oscillation with normal
    noise. The test error is the risk of the fitted polynomial, the variance of the noise and the
    mean over x of the squared distance to the oscillation.

    Parameters
    ----------
    degree : int, default=3
        The degree at the beginning, 0 to 12.
    n : int, default=25
        The number of samples at the beginning, 14 to 200.
    noise : float, default=0.2
        The standard deviation of the noise at the beginning, 0.05 to 0.6.
    draw : int, default=1
        Which of thirty draws of the points comes first.
    alt : str
        What is seen, in at least 40 characters.
    height : (int, int)
        Height in pixels on narrow and on wide pages.
    """
    degree = _check_count("degree", degree, 0, HIGHEST)
    n = _check_count("n", n, SIZES[0], MOST)
    draw = _check_count("draw", draw, 1, DRAWS)
    if not isinstance(noise, int | float | np.number) or not NOISES[0] <= noise <= NOISES[1]:
        raise ValueError(f"noise must lie between {NOISES[0]} and {NOISES[1]}, got {noise!r}")
    data: dict[str, Any] = {
        "highest": HIGHEST,
        "most": MOST,
        "cells": CELLS,
        "sizes": list(SIZES),
        "errors": list(ERRORS),
        "ylim": [-1.7, 1.9],
    }

    def draw_first(figure: Figure) -> None:
        """Draw the first state with NumPy's Legendre fits."""
        axes = figure.subplot_mosaic([["fit", "fit"], ["degree", "size"]])
        x, y = _points(draw, float(noise))
        grid = (np.arange(CELLS) + 0.5) * 2 / CELLS - 1

        def errors(size: int, order: int) -> tuple[float, float]:
            theta = legendre.legfit(x[:size], y[:size], order)
            miss = legendre.legval(grid, theta) - _truth(grid)
            training = np.mean((y[:size] - legendre.legval(x[:size], theta)) ** 2)
            return float(training), float(noise**2 + np.mean(miss**2))

        curve = legendre.legval(grid, legendre.legfit(x[:n], y[:n], degree))
        axes["fit"].plot(grid, _truth(grid), "--", color="C2", label="truth")
        axes["fit"].plot(grid, curve, color="C0", label=f"degree {degree}")
        axes["fit"].plot(x[:n], y[:n], "o", color="C5", ms=3)
        axes["fit"].set(xlabel="x", ylabel="y", ylim=data["ylim"])
        axes["fit"].legend(loc="upper right", ncols=2)
        panels = (
            ("degree", "degree", range(HIGHEST + 1), [errors(n, k) for k in range(HIGHEST + 1)]),
            ("size", "samples n", SIZES, [errors(size, degree) for size in SIZES]),
        )
        for name, label, where, found in panels:
            training, test = np.array(found).T
            axes[name].semilogy(where, training, "o-", color="C0", ms=3)
            axes[name].plot(where, test, "o-", color="C1", ms=3)
            axes[name].axhline(noise**2, color="C5", linestyle=":", linewidth=1.2)
            axes[name].set(xlabel=label, ylabel="mean squared error", ylim=ERRORS)
        axes["size"].set_xscale("log")

    controls = [
        _slider("degree", "degree", 0, HIGHEST, degree, step=1, integer=True),
        _slider("n", "samples n", SIZES[0], MOST, n, log=True, integer=True),
        _slider("noise", "noise s", *NOISES, noise, log=True, digits=2),
        _slider("draw", "draw of the points", 1, DRAWS, draw, step=1, integer=True),
    ]
    return ComputedPlot(
        "degree-errors",
        data,
        controls,
        still=draw_still(draw_first, STILL_SIZE),
        alt=alt,
        height=height,
    )
