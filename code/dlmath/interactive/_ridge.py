"""Figures to move of the chapter on ridge regression: each computes from one SVD in the page."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullFormatter

from dlmath.interactive._base import check_between, check_limits, check_vector, draw_still, padded
from dlmath.interactive._computed import (
    GRID,
    ComputedPlot,
    _check_basis,
    _check_count,
    _short,
    _slider,
    _unit_interval,
)
from dlmath.interactive._random import lehmer_uniform, normals_from

PATHS = 101
DRAWS = 20
NOISES = (1e-8, 1e-2)
UNIT = 1e-5
MOST_STEPS = 100_000
STILL_SIZE = (7.2, 5.0)


def _numbers(values: np.ndarray, digits: int = 10) -> list:
    """Give an array as nested lists of rounded numbers."""
    if values.ndim > 1:
        return [_numbers(row, digits) for row in values]
    return [_short(value, digits) for value in values]


def _rotated(design: np.ndarray, y: np.ndarray, centre: np.ndarray, mean: float) -> dict[str, Any]:
    """Describe a linear model in the basis of the singular vectors of its centred design."""
    left, d, right = np.linalg.svd(design - centre, full_matrices=False)
    kept = d > 1e-13 * d[0]
    return {
        "d": _numbers(d[kept]),
        "uy": _numbers(left.T[kept] @ (y - mean)),
        "V": _numbers(right[kept].T),
        "centre": _numbers(centre),
        "mean": _short(mean, 10),
    }


def _filtered(factors: np.ndarray, model: dict[str, Any]) -> np.ndarray:
    """Multiply the components of the least-squares solution by filter factors."""
    return np.array(model["V"]) @ (factors * np.array(model["uy"]) / np.array(model["d"]))


def _ridge(lam: float, n: int, model: dict[str, Any]) -> np.ndarray:
    d = np.array(model["d"])
    return _filtered(d**2 / (d**2 + n * lam), model)


def _penalties(name: str, limits: Any, d: list[float], n: int) -> tuple[float, float]:
    """Choose a range of lambda, in whole powers of ten, in which all filters open and close."""
    if limits is None:
        low, high = np.log10(np.array([d[-1] ** 2 / 30, d[0] ** 2 * 30]) / n)
        return float(10 ** np.floor(low)), float(10 ** np.ceil(high))
    low, high = check_limits(name, limits)
    if low <= 0:
        raise ValueError(f"{name} must be positive, got ({low}, {high})")
    return low, high


def _name_above(axes: Axes) -> None:
    """Name the curves in one line above a panel."""
    axes.legend(loc="lower right", bbox_to_anchor=(1, 1), ncols=5, columnspacing=1)


def _plain_ticks(axis: Any) -> None:
    """Write 0.5, 1, 2 along a logarithmic axis that shows few powers of ten."""
    axis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axis.set_major_formatter("{x:g}")
    axis.set_minor_formatter(NullFormatter())


class _Polynomials:
    """Points and the polynomials that are fitted to them, for the page and for the still."""

    def __init__(self, x: Any, y: Any, degree: Any, basis: str, xlabel: str, ylabel: str) -> None:
        self.x = check_vector("x", x)
        self.y = check_vector("y", y, self.x.size)
        self.degree = _check_count("degree", degree, 1, np.unique(self.x).size - 1)
        self.vander = _check_basis(basis)
        design = self.design(self.x)
        self.free = _rotated(design, self.y, design.mean(axis=0), self.y.mean())
        self.data: dict[str, Any] = {
            "n": int(self.x.size),
            "x": _numbers(self.x),
            "y": _numbers(self.y),
            "basis": basis,
            "interval": [float(self.x.min()), float(self.x.max())],
            "points": GRID,
            "xlabel": xlabel,
            "ylabel": ylabel,
            "free": self.free,
        }

    def design(self, at: np.ndarray) -> np.ndarray:
        """Evaluate the polynomials, of degree 0 too, with x mapped to [-1, 1]."""
        return self.vander(_unit_interval(at, self.x.min(), self.x.max()), self.degree)

    def curve(self, theta: np.ndarray, at: np.ndarray) -> np.ndarray:
        """Evaluate the fit of a model with a free intercept."""
        return self.free["mean"] + (self.design(at) - np.array(self.free["centre"])) @ theta


def _check_new(x_new: Any, y_new: Any) -> tuple[np.ndarray, np.ndarray]:
    if x_new is None and y_new is None:
        return np.empty(0), np.empty(0)
    if x_new is None or y_new is None:
        raise ValueError("x_new and y_new must be given together")
    x_new = check_vector("x_new", x_new)
    return x_new, check_vector("y_new", y_new, x_new.size)


def ridge_explorer(
    x: Any,
    y: Any,
    *,
    degree: int,
    basis: str = "chebyshev",
    x_new: Any = None,
    y_new: Any = None,
    truth: Callable[[np.ndarray], Any] | None = None,
    lam: float | None = None,
    limits: tuple[float, float] | None = None,
    xlabel: str = "x",
    ylabel: str = "y",
    alt: str,
    height: tuple[int, int] = (1040, 720),
) -> ComputedPlot:
    """Ridge regression on polynomials: the fit, the coefficients and the filter as lambda moves.

    The cost is the mean squared residual plus ``lambda`` times the squared norm of the
    coefficients. The features are the polynomials of degree 1 to ``degree`` in ``x`` mapped to
    [-1, 1]; features and ``y`` are centred, so that the intercept is free. A box that the reader
    may tick penalises the intercept too, which draws the curve towards zero: the mistake is seen
    best where the mean of ``y`` is far from zero.

    Parameters
    ----------
    x, y : array-like of shape (n_samples,)
        The data.
    degree : int
        The highest degree, below the number of distinct ``x``.
    basis : {"chebyshev", "monomial"}, default="chebyshev"
        The polynomials.
    x_new, y_new : array-like of shape (n_new,), optional
        Points that are not fitted, on which the error is measured.
    truth : callable, optional
        The curve without noise: maps an array of ``x`` to an array of ``y``.
    lam : float, optional
        The penalty at the beginning; the middle of the slider if not given.
    limits : (float, float), optional
        The range of the penalty; if not given, one in which all filters open and close.
    xlabel, ylabel : str
        Names of the axes, with units.
    alt : str
        What is seen, in at least 40 characters.
    height : (int, int)
        Height in pixels on narrow and on wide pages.
    """
    fit = _Polynomials(x, y, degree, basis, xlabel, ylabel)
    x_new, y_new = _check_new(x_new, y_new)
    d, n = fit.free["d"], fit.x.size
    lambdas = _penalties("limits", limits, d, n)
    middle = float(np.sqrt(lambdas[0] * lambdas[1]))
    lam = middle if lam is None else check_between("lam", lam, lambdas)
    design = fit.design(fit.x)
    penalised = _rotated(design, fit.y, np.zeros(degree + 1), 0.0)
    everywhere, everything = np.append(fit.x, x_new), np.append(fit.y, y_new)
    grid = np.linspace(everywhere.min(), everywhere.max(), GRID)
    curve = None if truth is None else check_vector("truth", truth(grid), GRID)
    steps = np.geomspace(*lambdas, PATHS)
    paths = np.array(
        [_ridge(value, n, model)[1:] for model in (fit.free, penalised) for value in steps]
    )
    data = {
        **fit.data,
        "penalised": penalised,
        "xNew": _numbers(x_new),
        "yNew": _numbers(y_new),
        "truth": None if curve is None else _numbers(curve, 6),
        "ends": [float(grid[0]), float(grid[-1])],
        "range": padded(grid[0], grid[-1], 0.015),
        "ylim": padded(everything.min(), everything.max(), 0.12),
        "scale": float(np.abs(fit.y).max()),
        "lambdas": list(lambdas),
        "coefficientLimits": padded(min(paths.min(), 0), max(paths.max(), 0)),
        "singularLimits": [d[-1] / 2, penalised["d"][0] * 1.6],
    }

    def draw(figure: Figure) -> None:
        """Draw the first state, by solving the normal equations."""
        axes = figure.subplot_mosaic([["fit", "fit"], ["paths", "filters"]])
        centred = design[:, 1:] - design[:, 1:].mean(axis=0)
        gram, right = centred.T @ centred, centred.T @ (fit.y - fit.y.mean())
        penalties = np.append(steps, lam)
        thetas = [np.linalg.solve(gram + n * p * np.eye(degree), right) for p in penalties]
        at_grid = fit.design(grid)[:, 1:] - design[:, 1:].mean(axis=0)
        best = np.linalg.lstsq(centred, fit.y - fit.y.mean(), rcond=None)[0]
        best = fit.y.mean() + at_grid @ best
        axes["fit"].plot(grid, best, ":", color="C5", linewidth=1.2, label="least squares")
        if curve is not None:
            axes["fit"].plot(grid, curve, "--", color="C2", label="truth")
        axes["fit"].plot(grid, fit.y.mean() + at_grid @ thetas[-1], color="C0", label="ridge")
        if x_new.size:
            axes["fit"].plot(x_new, y_new, "o", color="C1", ms=4, fillstyle="none", label="new")
        axes["fit"].plot(fit.x, fit.y, "o", color="C5", markersize=3)
        axes["fit"].set(xlabel=xlabel, ylabel=ylabel, ylim=data["ylim"])
        _name_above(axes["fit"])
        axes["paths"].semilogx(penalties[:PATHS], thetas[:PATHS], linewidth=1.2)
        axes["paths"].axvline(lam, color="C5", linewidth=0.8, linestyle="--")
        axes["paths"].set(xlabel="penalty λ", ylabel="coefficients θⱼ")
        singular, axis = np.array(d), np.geomspace(*data["singularLimits"])
        axes["filters"].semilogx(axis, axis**2 / (axis**2 + n * lam), color="C0", linewidth=1.2)
        axes["filters"].plot(singular, singular**2 / (singular**2 + n * lam), "o", color="C0")
        axes["filters"].axvline(np.sqrt(n * lam), color="C5", linewidth=0.8, linestyle="--")
        if axis[-1] < 1e3 * axis[0]:
            _plain_ticks(axes["filters"].xaxis)
        axes["filters"].set(xlabel="singular value d", ylabel="filter factor", ylim=(-0.1, 1.1))

    controls = [
        _slider("lambda", "penalty λ", *lambdas, lam, log=True),
        {
            "type": "checkbox",
            "name": "intercept",
            "label": "penalise the intercept too (wrong)",
            "value": False,
        },
    ]
    return ComputedPlot(
        "ridge-explorer",
        data,
        controls,
        still=draw_still(draw, STILL_SIZE),
        alt=alt,
        height=height,
    )


def early_stopping_and_ridge(
    x: Any,
    y: Any,
    *,
    degree: int,
    basis: str = "monomial",
    steps: int = 100,
    lam: float | None = None,
    xlabel: str = "x",
    ylabel: str = "y",
    alt: str,
    height: tuple[int, int] = (1020, 700),
) -> ComputedPlot:
    """Gradient descent that is stopped after k steps beside ridge with the penalty lambda.

    The step of the descent is ``1/L``, where ``L = 2 d_1**2 / n`` is the largest eigenvalue of
    the Hessian; it starts at zero. A button sets the penalty to ``1/(2 eta k)``; then the ratio of
    the two filters lies between 1 and 1.2985 in every direction, in the limit of many small
    steps. Features and ``y`` are centred, so that the intercept is not filtered.

    Parameters
    ----------
    x, y : array-like of shape (n_samples,)
        The data.
    degree : int
        The highest degree, below the number of distinct ``x``.
    basis : {"monomial", "chebyshev"}, default="monomial"
        The polynomials, of ``x`` mapped to [-1, 1].
    steps : int, default=100
        The number of steps at the beginning, from 1 to 100,000.
    lam : float, optional
        The penalty at the beginning; three times the one that matches if not given.
    xlabel, ylabel : str
        Names of the axes, with units.
    alt : str
        What is seen, in at least 40 characters.
    height : (int, int)
        Height in pixels on narrow and on wide pages.
    """
    fit = _Polynomials(x, y, degree, basis, xlabel, ylabel)
    d, n = np.array(fit.free["d"]), fit.x.size
    if np.ptp(fit.y) == 0:
        raise ValueError("y must not be all equal")
    steps = _check_count("steps", steps, 1, MOST_STEPS)
    matched = d[0] ** 2 / n
    lambdas = (float(matched / MOST_STEPS), float(10 * matched))
    lam = check_between("lam", 3 * matched / steps if lam is None else lam, lambdas)
    data = {
        **fit.data,
        "range": padded(fit.x.min(), fit.x.max(), 0.015),
        "ylim": padded(fit.y.min(), fit.y.max(), 0.2),
        "singularLimits": [float(d[-1] / 2), float(d[0] * 1.6)],
    }

    def draw(figure: Figure) -> None:
        """Draw the first state, by running the iteration itself."""
        axes = figure.subplot_mosaic([["fit", "fit"], ["filters", "ratio"]])
        design, centred = fit.design(fit.x) - np.array(fit.free["centre"]), fit.y - fit.y.mean()
        theta = np.zeros(degree + 1)
        for _ in range(steps):
            theta -= design.T @ (design @ theta - centred) / d[0] ** 2
        grid = np.linspace(fit.x.min(), fit.x.max(), GRID)
        ridge = _ridge(lam, n, fit.free)
        axes["fit"].plot(grid, fit.curve(theta, grid), color="C0", label="descent")
        axes["fit"].plot(grid, fit.curve(ridge, grid), "--", color="C1", label="ridge")
        best = fit.curve(_ridge(0.0, n, fit.free), grid)
        axes["fit"].plot(grid, best, ":", color="C5", linewidth=1.2, label="least squares")
        axes["fit"].plot(fit.x, fit.y, "o", color="C5", markersize=3)
        axes["fit"].set(xlabel=xlabel, ylabel=ylabel, ylim=data["ylim"])
        descent = np.array(fit.free["V"]).T @ theta * d / np.array(fit.free["uy"])
        factors = d**2 / (d**2 + n * lam)
        _name_above(axes["fit"])
        axes["filters"].semilogx(d, descent, "o-", color="C0")
        axes["filters"].plot(d, factors, "o--", color="C1", fillstyle="none")
        axes["filters"].set(xlabel="singular value d", ylabel="filter factor", ylim=(-0.05, 1.12))
        axes["ratio"].loglog(d, descent / factors, "o-", color="C5")
        axes["ratio"].axhspan(1, 1.2985, color="C2", alpha=0.18, linewidth=0)
        axes["ratio"].set(xlabel="singular value d", ylabel="descent / ridge", ylim=(0.25, 4))
        _plain_ticks(axes["ratio"].yaxis)

    controls = [
        _slider("k", "steps k, with η = 1/L", 1, MOST_STEPS, steps, log=True, integer=True),
        _slider("lambda", "penalty λ", *lambdas, lam, log=True),
        {"type": "button", "name": "match", "label": "Match λ to k"},
    ]
    return ComputedPlot(
        "early-stopping",
        data,
        controls,
        still=draw_still(draw, STILL_SIZE),
        alt=alt,
        height=height,
    )


def _normals(draw: int, count: int) -> np.ndarray:
    """Draw the noise that the page draws: stretch ``draw`` of one stream of Lehmer's."""
    uniform = lehmer_uniform(1, 2 * count * (draw + 1))[-2 * count :]
    return normals_from(uniform[::2], uniform[1::2])


def _check_matrix(name: str, values: Any, columns: int) -> np.ndarray:
    try:
        array = np.asarray(values, dtype=float)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{name} must hold numbers") from error
    if array.ndim != 2 or array.shape[1] != columns or len(array) < 2:
        raise ValueError(f"{name} must be a matrix with {columns} columns, got {array.shape}")
    if not np.isfinite(array).all() or not array.any():
        raise ValueError(f"{name} must be finite and not all zero")
    return array


def analytic_continuation(
    kernel: Any,
    omega: Any,
    spectrum: Any,
    *,
    noise: float = 1e-3,
    lam: float | None = None,
    xlabel: str = "energy ω",
    ylabel: str = "spectrum A(ω)",
    alt: str,
    height: tuple[int, int] = (900, 500),
) -> ComputedPlot:
    """Recover a spectrum from data in imaginary time, G = kernel @ spectrum + noise, by ridge.

    Nothing is centred and there is no intercept. The page gets the singular vectors of the kernel
    and the components of the exact data along them, as far as singular values exceed 1e-9 of the
    largest. White noise is white in this rotated basis too: the page draws it there, the same
    normal numbers for each strength of the noise.

    Parameters
    ----------
    kernel : array-like of shape (n_samples, n_energies)
        The matrix that maps a spectrum on the grid to data, the width of the grid included.
    omega : array-like of shape (n_energies,)
        The grid, increasing.
    spectrum : array-like of shape (n_energies,)
        The true spectrum, nowhere negative.
    noise : float, default=1e-3
        The standard deviation of the noise at the beginning, from 1e-8 to 1e-2.
    lam : float, optional
        The penalty at the beginning; the square of the noise if not given.
    xlabel, ylabel : str
        Names of the axes, with units.
    alt : str
        What is seen, in at least 40 characters.
    height : (int, int)
        Height in pixels on narrow and on wide pages.
    """
    omega = check_vector("omega", omega)
    if omega.size < 2 or (np.diff(omega) <= 0).any():
        raise ValueError("omega must increase")
    spectrum = check_vector("spectrum", spectrum, omega.size)
    if (spectrum < 0).any() or not spectrum.any():
        raise ValueError("spectrum must be nowhere negative, and not zero")
    kernel = _check_matrix("kernel", kernel, omega.size)
    noise = check_between("noise", noise, NOISES)
    n = len(kernel)
    left, d, right = np.linalg.svd(kernel, full_matrices=False)
    kept = d > 1e-9 * d[0]
    d, signal = d[kept], left.T[kept] @ (kernel @ spectrum)
    low, high = np.floor(np.log10(np.array([1e-15, 100]) * d[0] ** 2 / n))
    lambdas = (float(10**low), float(10**high))
    lam = check_between("lam", np.clip(noise**2, *lambdas) if lam is None else lam, lambdas)
    top = spectrum.max()
    data = {
        "n": n,
        "d": _numbers(d),
        "signal": _numbers(signal),
        "V": np.rint(right[kept].T / UNIT).astype(int).tolist(),
        "unit": UNIT,
        "omega": _numbers(omega, 6),
        "truth": _numbers(spectrum, 5),
        "lambdas": list(lambdas),
        "sizes": [float(10 ** np.floor(np.log10(d[-1]))), float(10 ** np.ceil(np.log10(d[0])))],
        "xlabel": xlabel,
        "ylabel": ylabel,
        "ylim": [-0.6 * top, 1.7 * top],
    }

    def draw(figure: Figure) -> None:
        """Draw the first state, with the noise of the page."""
        found, picard = figure.subplots(1, 2)
        components = signal + noise * _normals(1, n)[: d.size]
        factors = d**2 / (d**2 + n * lam)
        found.plot(omega, spectrum, "--", color="C2", label="truth")
        found.plot(omega, right[kept].T @ (factors * components / d), color="C0", label="ridge")
        _name_above(found)
        found.set(xlabel=xlabel, ylabel=ylabel, ylim=data["ylim"])
        order = np.arange(1, d.size + 1)
        shares = np.abs(factors * components)
        picard.semilogy(order, d, color="C5", linewidth=1.2, label="dⱼ")
        picard.plot(order, np.abs(components), "o", color="C1", fillstyle="none", label="|uⱼᵀG|")
        picard.plot(order, shares, "o-", color="C0", ms=3, linewidth=1.2, label="filtered")
        picard.axhline(noise, color="C5", linestyle=":", linewidth=1.2)
        picard.annotate("noise s", (1, noise / 4), color="C5")
        _name_above(picard)
        picard.set(xlabel="index j", ylabel="size", ylim=data["sizes"])

    controls = [
        _slider("lambda", "penalty λ", *lambdas, lam, log=True),
        _slider("noise", "noise s", *NOISES, noise, log=True, digits=2),
        _slider("draw", "draw of the noise", 1, DRAWS, 1, step=1, integer=True),
        {"type": "button", "name": "discrepancy", "label": "Choose λ: χ² = n"},
    ]
    return ComputedPlot(
        "continuation", data, controls, still=draw_still(draw), alt=alt, height=height
    )
