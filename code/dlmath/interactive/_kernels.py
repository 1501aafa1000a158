"""Figures to move of the chapter on kernels and Gaussian processes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from dlmath.interactive._base import check_limits, check_vector, draw_still, padded
from dlmath.interactive._computed import ComputedPlot, _check_count, _select, _short, _slider
from dlmath.interactive._random import lehmer_normals
from dlmath.kernels import (
    RBF,
    GaussianProcess,
    Kernel,
    Matern12,
    Matern32,
    Matern52,
    log_likelihood,
)

KERNELS: dict[str, Callable[[float], Kernel]] = {
    "RBF": RBF,
    "Matérn 5/2": Matern52,
    "Matérn 3/2": Matern32,
    "Matérn 1/2": Matern12,
}
QUANTILE = 1.959963984540054
PLACES, PATHS, DRAWS = 101, 4, 20
MOST_POINTS = 15


def _kernel_select(kernel: str) -> dict[str, Any]:
    if kernel not in KERNELS:
        raise ValueError(f"kernel must be one of {', '.join(KERNELS)}, got {kernel!r}")
    return _select("kernel", "Kernel", KERNELS, kernel)


def _log_range(name: str, limits: Any, value: float) -> list[float]:
    low, high = check_limits(name, limits)
    if not 0 < low <= value <= high:
        raise ValueError(f"{name} must be positive and contain {value:g}, got ({low}, {high})")
    return [low, high]


def gaussian_process_explorer(
    x: Any,
    y: Any,
    *,
    length: float,
    noise: float,
    amplitude: float,
    kernel: str = "RBF",
    lengths: Any,
    noises: Any,
    amplitudes: Any,
    xlim: Any = None,
    ylim: Any = None,
    xlabel: str = "x",
    ylabel: str = "y",
    alt: str,
    height: tuple[int, int] = (960, 560),
) -> ComputedPlot:
    """Gaussian process regression on points to drag, beside the surface of its likelihood.

    The process has mean zero and the covariance amplitude^2 k(|x - x'| / length), the errors the
    standard deviation ``noise``. Both bands are at 95%: of the function, and of a new point. The
    surface is the log marginal likelihood at the present amplitude, over length and noise.

    Parameters
    ----------
    x, y : array-like of shape (n_samples,)
        The points, at most 15.
    length, noise, amplitude : float
        The hyperparameters at the beginning; noise and amplitude are standard deviations.
    kernel : {"RBF", "Matérn 5/2", "Matérn 3/2", "Matérn 1/2"}, default="RBF"
        The kernel at the beginning.
    lengths, noises, amplitudes : (float, float)
        Between which the hyperparameters can be moved.
    xlim, ylim : (float, float), optional
        The axes' ends, within which the points can be moved.
    xlabel, ylabel : str
        Names of the axes, with units.
    alt : str
        What is seen, in at least 40 characters.
    height : (int, int)
        Height in pixels on narrow and on wide pages.
    """
    x = check_vector("x", x)
    y = check_vector("y", y, x.size)
    _check_count("the number of points", x.size, 2, MOST_POINTS)
    ranges = {
        "lengths": _log_range("lengths", lengths, length),
        "noises": _log_range("noises", noises, noise),
        "amplitudes": _log_range("amplitudes", amplitudes, amplitude),
    }
    xlim = padded(x.min(), x.max(), 0.25) if xlim is None else check_limits("xlim", xlim)
    ylim = padded(y.min(), y.max(), 0.4) if ylim is None else check_limits("ylim", ylim)
    data = {
        **ranges,
        "count": int(x.size),
        "xlim": xlim,
        "ylim": ylim,
        "xlabel": xlabel,
        "ylabel": ylabel,
    }
    select = _kernel_select(kernel)

    def draw(figure: Figure) -> None:
        """Draw the first state, with the estimator of the book."""
        process, surface = figure.subplots(1, 2, width_ratios=(3, 2))
        shape = KERNELS[kernel]
        model = GaussianProcess(
            amplitude**2 * shape(length),
            noise=noise**2,
            optimise=False,
        ).fit(x[:, np.newaxis], y)
        at = np.linspace(xlim[0], xlim[1], 141)
        mean, sd = model.predict(at[:, np.newaxis], return_std=True)
        for width, alpha in ((np.hypot(sd, noise), 0.12), (sd, 0.22)):
            low, high = mean - QUANTILE * width, mean + QUANTILE * width
            process.fill_between(at, low, high, color="C0", alpha=alpha, lw=0)
        process.plot(at, mean, color="C0")
        process.plot(x, y, "o", color="C1", ms=5)
        process.set(xlabel=xlabel, ylabel=ylabel, xlim=xlim, ylim=ylim)
        _draw_surface(surface, x, y, amplitude**2, shape, ranges)
        surface.plot(length, noise, "o", color="C0", ms=7)

    points = [
        {
            "type": "point",
            "name": f"p{i}",
            "label": f"Point {i + 1} of {x.size}",
            "value": [_short(x[i], 8), _short(y[i], 8)],
            "min": [xlim[0], ylim[0]],
            "max": [xlim[1], ylim[1]],
        }
        for i in range(x.size)
    ]
    controls = [
        select,
        _slider("length", "length", ranges["lengths"][0], ranges["lengths"][1], length, log=True),
        _slider("noise", "noise s", ranges["noises"][0], ranges["noises"][1], noise, log=True),
        _slider(
            "amplitude",
            "amplitude τ",
            ranges["amplitudes"][0],
            ranges["amplitudes"][1],
            amplitude,
            log=True,
        ),
        {"type": "button", "name": "climb", "label": "Climb to the top of this hill"},
        *points,
    ]
    return ComputedPlot(
        "gaussian-process",
        data,
        controls,
        still=draw_still(draw, (7.2, 3.8)),
        alt=alt,
        height=height,
    )


def _draw_surface(
    axes: Axes,
    x: np.ndarray,
    y: np.ndarray,
    variance: float,
    shape: Callable[[float], Kernel],
    ranges: dict[str, list[float]],
) -> None:
    lengths, noises = (
        np.geomspace(ranges[name][0], ranges[name][1], 37) for name in ("lengths", "noises")
    )
    shapes = [variance * shape(length)(x[:, np.newaxis]) for length in lengths]
    values = np.array(
        [[log_likelihood(K + s**2 * np.eye(x.size), y) for K in shapes] for s in noises]
    )
    drops = np.array([32, 16, 8, 4, 2, 1, 0.5])
    colours = ["C5"] * 4 + ["C2"] * 3
    axes.contour(
        lengths, noises, values, values.max() - drops, colors=colours, linewidths=1, linestyles="-"
    )
    axes.set(xscale="log", yscale="log", xlabel="length", ylabel="noise s")


def process_samples(
    x: Any,
    y: Any,
    *,
    length: float,
    lengths: Any,
    noise: float,
    kernel: str = "RBF",
    xlim: Any,
    ylim: Any = (-3.2, 3.2),
    xlabel: str = "x",
    ylabel: str = "f(x)",
    alt: str,
    height: tuple[int, int] = (640, 480),
) -> ComputedPlot:
    """Draw functions of variance 1 from the prior, and from the posterior as data come in.

    Parameters
    ----------
    x, y : array-like of shape (n_samples,)
        The data, in the order in which they come; at most 15.
    length : float
        At the beginning.
    lengths : (float, float)
        Between which the length can be moved.
    noise : float
        Standard deviation of the errors of ``y``, fixed.
    kernel : {"RBF", "Matérn 5/2", "Matérn 3/2", "Matérn 1/2"}, default="RBF"
        The kernel at the beginning.
    xlim, ylim : (float, float)
        The axes' ends.
    xlabel, ylabel : str
        Names of the axes, with units.
    alt : str
        What is seen, in at least 40 characters.
    height : (int, int)
        Height in pixels on narrow and on wide pages.
    """
    x = check_vector("x", x)
    y = check_vector("y", y, x.size)
    _check_count("the number of points", x.size, 1, MOST_POINTS)
    lengths = _log_range("lengths", lengths, length)
    _log_range("noise", (noise, 1e9), noise)
    xlim, ylim = check_limits("xlim", xlim), check_limits("ylim", ylim)
    data = {
        "x": [_short(value, 8) for value in x],
        "y": [_short(value, 8) for value in y],
        "noise": noise,
        "xlim": xlim,
        "ylim": ylim,
        "xlabel": xlabel,
        "ylabel": ylabel,
    }
    select = _kernel_select(kernel)

    def draw(figure: Figure) -> None:
        """Draw the first state: functions of the prior, from the numbers that the page draws."""
        axes = figure.subplots()
        at = np.linspace(xlim[0], xlim[1], PLACES)
        places = np.append(at, x)[:, np.newaxis]
        K = KERNELS[kernel](length)(places)
        L = np.linalg.cholesky(K + 1e-8 * np.eye(len(places)))
        normals = lehmer_normals(1000, PATHS * (PLACES + 2 * x.size)).reshape(PATHS, -1)
        axes.fill_between(at, -QUANTILE, QUANTILE, color="C5", alpha=0.18, lw=0)
        for i, path in enumerate(normals[:, : len(places)] @ L.T):
            axes.plot(at, path[:PLACES], color=f"C{i}", lw=1.5)
        axes.set(xlabel=xlabel, ylabel=ylabel, xlim=xlim, ylim=ylim)

    controls = [
        select,
        _slider("length", "length", lengths[0], lengths[1], length, log=True),
        _slider("used", "points used", 0, x.size, 0, step=1, integer=True),
        _slider("draw", "draw", 1, DRAWS, 1, step=1, integer=True),
    ]
    return ComputedPlot(
        "process-samples", data, controls, still=draw_still(draw), alt=alt, height=height
    )
