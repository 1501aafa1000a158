"""Figures to move of the chapter on model assessment: experiments that are repeated in the page."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from numpy.polynomial import legendre

from dlmath.assessment import bias_and_variance, minimum_norm_risk
from dlmath.interactive._base import check_between, check_limits, check_vector, draw_still
from dlmath.interactive._computed import ComputedPlot, _check_count, _select, _slider
from dlmath.interactive._random import lehmer_normals
from dlmath.interactive._ridge import _name_above, _numbers

GRID = 161
HIGHEST = 14
FITS, DRAWN = 200, 30
DRAWS = 20
RATIOS = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.87, 0.93, 1.0, 1.07, 1.13, 1.2, 1.3, 1.4]
RATIOS += [1.5, 1.65, 1.8, 2.0, 2.2, 2.4, 2.6, 2.8, 3.0]
REPEATS = 12
PENALTIES = ["none (minimum norm)", "the same for all p", "the best for each p"]
RISKS = (1e-2, 1e2)


def bias_variance_explorer(
    truth: Callable[[np.ndarray], Any],
    *,
    degree: int = 3,
    n: int = 30,
    s: float = 0.3,
    error_limits: tuple[float, float] = (1e-4, 3.0),
    xlabel: str = "x",
    ylabel: str = "y",
    alt: str,
    height: tuple[int, int] = (860, 500),
) -> ComputedPlot:
    """Polynomials fitted again and again to new noise: their mean, their scatter, and the error.

    The n points lie evenly inside [-1, 1] and stay; the noise is new for each of 200 fits. Squared
    bias and variance of the prediction, averaged over [-1, 1], are drawn for all degrees from
    their formulas, and measured from the fits for the degree chosen.

    Parameters
    ----------
    truth : callable
        The mean of y: maps an array of x in [-1, 1] to an array of y.
    degree : int, default=3
        Degree at the beginning, from 0 to 14; with few points it ends at n - 2.
    n : int, default=30
        Number of points at the beginning, from 10 to 60.
    s : float, default=0.3
        Standard deviation of the noise at the beginning, from 0.05 to 1.
    error_limits : (float, float)
        Ends of the logarithmic axis of the errors.
    xlabel, ylabel : str
        Names of the axes, with units.
    alt : str
        What is seen, in at least 40 characters.
    height : (int, int)
        Height in pixels on narrow and on wide pages.
    """
    grid = np.linspace(-1, 1, GRID)
    curve = check_vector("truth", truth(grid), GRID)
    degree = _check_count("degree", degree, 0, HIGHEST)
    n = _check_count("n", n, 10, 60)
    s = check_between("s", s, (0.05, 1.0))
    low, high = check_limits("error_limits", error_limits)
    if low <= 0:
        raise ValueError(f"error_limits must be positive, got ({low}, {high})")
    spread = np.ptp(curve) or 1.0
    data = {
        "grid": _numbers(grid),
        "truth": _numbers(curve),
        "highest": HIGHEST,
        "fits": FITS,
        "drawn": DRAWN,
        "xlabel": xlabel,
        "ylabel": ylabel,
        "ylim": [float(curve.min() - 0.5 * spread), float(curve.max() + 0.5 * spread)],
        "errorLimits": [low, high],
    }

    def draw(figure: Figure) -> None:
        """Draw the first state, by least squares in Legendre polynomials."""
        fits, errors = figure.subplots(1, 2)
        at = -1 + (2 * np.arange(n) + 1) / n
        f = np.interp(at, grid, curve)
        noise = s * lehmer_normals(7919, FITS * n).reshape(FITS, n)
        most = min(HIGHEST, n - 2)
        bias2, variance = np.empty((2, most + 1))
        for k in range(most + 1):
            maps = legendre.legvander(grid, k) @ np.linalg.pinv(legendre.legvander(at, k))
            bias2[k] = np.mean((maps @ f - curve) ** 2)
            variance[k] = s**2 * np.mean(np.sum(maps**2, axis=1))
            if k == min(degree, most):
                curves = (f + noise) @ maps.T
        fits.plot(grid, curves[:DRAWN].T, color="C5", linewidth=0.5, alpha=0.7)
        fits.plot(grid, curves.mean(axis=0), color="C0", label="mean")
        fits.plot(grid, curve, "--", color="C2", label="truth")
        fits.plot(at, f + noise[0], "o", color="C5", markersize=2.5)
        _name_above(fits)
        fits.set(xlabel=xlabel, ylabel=ylabel, ylim=data["ylim"])
        degrees = np.arange(most + 1)
        errors.semilogy(degrees, bias2, color="C1", label="bias²")
        errors.plot(degrees, variance, color="C0", label="variance")
        errors.plot(degrees, bias2 + variance + s**2, color="C5", label="sum")
        errors.axhline(s**2, color="C5", linestyle=":", linewidth=1.2)
        measured = [np.mean(part) for part in bias_and_variance(curves, curve)]
        here = min(degree, most)
        errors.plot(here, max(measured[0], low), "o", color="C1")
        errors.plot(here, measured[1], "o", color="C0")
        _name_above(errors)
        errors.set(xlabel="degree", ylabel="squared error", ylim=(low, high))

    controls = [
        _slider("degree", "degree", 0, HIGHEST, degree, step=1, integer=True),
        _slider("n", "points n", 10, 60, n, step=1, integer=True),
        _slider("s", "noise s", 0.05, 1.0, s, step=0.05, digits=2),
        _slider("draw", "draw of the noise", 1, DRAWS, 1, step=1, integer=True),
    ]
    return ComputedPlot(
        "bias-variance", data, controls, still=draw_still(draw), alt=alt, height=height
    )


def double_descent(
    *,
    n: int = 30,
    s: float = 0.5,
    r: float = 1.0,
    lam: float = 0.1,
    alt: str,
    height: tuple[int, int] = (780, 560),
) -> ComputedPlot:
    """Least squares of minimum norm as the number of features passes the number of samples.

    Twelve experiments with standard normal features are carried out in the page for 25 numbers
    of features up to 3n, and their excess risks drawn around the exact mean. With a penalty, the
    fits are ridge fits, beside the limit for many samples.

    Parameters
    ----------
    n : int, default=30
        Samples at the beginning, from 10 to 40.
    s : float, default=0.5
        Standard deviation of the noise at the beginning, from 0.05 to 2.
    r : float, default=1.0
        Norm of the true parameter at the beginning, from 0.2 to 3.
    lam : float, default=0.1
        Penalty at the beginning, from 1e-4 to 10; used once the reader chooses one for all p.
    alt : str
        What is seen, in at least 40 characters.
    height : (int, int)
        Height in pixels on narrow and on wide pages.
    """
    n = _check_count("n", n, 10, 40)
    s, r = check_between("s", s, (0.05, 2.0)), check_between("r", r, (0.2, 3.0))
    lam = check_between("lam", lam, (1e-4, 10.0))
    data = {"ratios": RATIOS, "repeats": REPEATS, "low": RISKS[0], "top": RISKS[1]}

    def draw(figure: Figure) -> None:
        """Draw the first state, by the pseudo-inverse."""
        axes = figure.subplots()
        ps = np.array([max(1, round(ratio * n)) for ratio in RATIOS])
        risks = np.empty((REPEATS, ps.size))
        for k in range(REPEATS):
            stream = lehmer_normals(104729 + 7919 * k + 1, n * (ps[-1] + 1))
            noise, columns = stream[:n], stream[n:].reshape(ps[-1], n).T
            for j, p in enumerate(ps):
                theta = np.full(p, r / np.sqrt(p))
                found = np.linalg.pinv(columns[:, :p]) @ (columns[:, :p] @ theta + s * noise)
                risks[k, j] = np.sum((found - theta) ** 2)
        every = np.arange(1, 3 * n + 1)
        axes.semilogy(ps / n, risks.T, ".", color="C5", markersize=2)
        axes.plot(every / n, minimum_norm_risk(n, every, s, r), color="C0", label="exact mean")
        axes.plot(ps / n, risks.mean(axis=0), "o", color="C1", fillstyle="none", label="fits")
        axes.axhline(r**2, color="C5", linestyle=":", linewidth=1.2)
        _name_above(axes)
        axes.set(xlabel="features per sample p/n", ylabel="excess risk", ylim=RISKS)

    controls = [
        _slider("n", "samples n", 10, 40, n, step=1, integer=True),
        _slider("s", "noise s", 0.05, 2.0, s, log=True, digits=2),
        _slider("r", "length r of the truth", 0.2, 3.0, r, log=True, digits=2),
        _select("penalty", "Penalty", PENALTIES, PENALTIES[0]),
        _slider("lambda", "penalty λ, if the same", 1e-4, 10.0, lam, log=True),
        _slider("draw", "draw of the data", 1, DRAWS, 1, step=1, integer=True),
    ]
    return ComputedPlot(
        "double-descent", data, controls, still=draw_still(draw), alt=alt, height=height
    )
