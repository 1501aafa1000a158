"""Figures to move of the chapter on the lasso: sparse solutions, computed in the page."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from sklearn.linear_model import lasso_path

from dlmath.interactive._base import check_number, check_vector, draw_still
from dlmath.interactive._computed import ComputedPlot, _select, _short, _slider

# How each ball is bounded: the weights of |theta|_1 and |theta|^2.
BALLS = {"L1 (lasso)": (1, 0), "L2 (ridge)": (0, 1), "elastic net": (1, 1)}
PLANE = 2.0
LARGEST_RADIUS = 3.6
MAXIMUM_FEATURES = 15
SMALLEST_FRACTION = 1e-3
LARGEST_Z = 3.0
LARGEST_PENALTY = 6.0


def penalty_balls(
    *,
    minimum: Any = (1.4, 0.6),
    correlation: float = 0.5,
    rho: float = 0.7,
    ball: str = "L1 (lasso)",
    alt: str,
    height: tuple[int, int] = (1080, 580),
) -> ComputedPlot:
    """Least squares within a ball: where an ellipse of the cost touches it, and at which penalty.

    Two features have mean zero, variance one and the given correlation. The ball of the elastic
    net is where ``|theta|_1 + |theta|^2 <= rho + rho^2``, so that each ball meets the axes at
    ``rho``.

    Parameters
    ----------
    minimum : (float, float), default=(1.4, 0.6)
        The least-squares solution at the beginning, each coefficient from -1.9 to 1.9.
    correlation : float, default=0.5
        Correlation of the two features, from -0.95 to 0.95.
    rho : float, default=0.7
        Radius of the ball, from 0.1 to 3.6.
    ball : {"L1 (lasso)", "L2 (ridge)", "elastic net"}
        The ball at the beginning.
    alt : str
        What is seen, in at least 40 characters.
    height : (int, int)
        Height in pixels on narrow and on wide pages.
    """
    best = check_vector("minimum", minimum, 2)
    reach = PLANE - 0.1
    if (np.abs(best) > reach).any():
        raise ValueError(f"minimum must have coefficients from {-reach} to {reach}")
    correlation = check_number("correlation", correlation, -0.95, 0.95)
    rho = check_number("rho", rho, 0.1, LARGEST_RADIUS)
    if ball not in BALLS:
        raise ValueError(f"ball must be one of {', '.join(BALLS)}, got {ball!r}")

    def draw(figure: Figure) -> None:
        _draw_balls(figure, best, correlation, rho, BALLS[ball])

    controls = [
        _select("ball", "Ball", BALLS, ball),
        _slider("rho", "radius ρ of the ball", 0.1, LARGEST_RADIUS, rho, step=0.1, digits=2),
        _slider(
            "correlation",
            "correlation of the features",
            -0.95,
            0.95,
            correlation,
            step=0.05,
            digits=2,
        ),
        {
            "type": "point",
            "name": "minimum",
            "label": "Least-squares solution",
            "value": best.tolist(),
            "min": [-reach, -reach],
            "max": [reach, reach],
        },
    ]
    return ComputedPlot(
        "penalty-balls",
        {"limit": PLANE, "rhoMax": LARGEST_RADIUS},
        controls,
        still=draw_still(draw),
        alt=alt,
        height=height,
    )


def _boundary(weights: tuple[int, int], rho: float, angles: np.ndarray) -> np.ndarray:
    """Give the points of a ball's boundary in some directions."""
    w1, w2 = weights
    direction = np.array([np.cos(angles), np.sin(angles)])
    linear = w1 * np.abs(direction).sum(axis=0)
    size = w1 * rho + w2 * rho**2
    r = size / linear if w2 == 0 else (np.sqrt(linear**2 + 4 * w2 * size) - linear) / (2 * w2)
    return r * direction


def _excess(points: np.ndarray, best: np.ndarray, correlation: float) -> np.ndarray:
    """Give the cost above its minimum."""
    u, v = points[0] - best[0], points[1] - best[1]
    return u**2 + 2 * correlation * u * v + v**2


def _touching(
    best: np.ndarray, correlation: float, weights: tuple[int, int], rho: float
) -> np.ndarray:
    """Find the minimiser in a ball among 4,000 points of its boundary, or inside."""
    w1, w2 = weights
    if w1 * np.abs(best).sum() + w2 * best @ best <= w1 * rho + w2 * rho**2:
        return best
    points = _boundary(weights, rho, np.linspace(0, 2 * np.pi, 4001))
    return points[:, np.argmin(_excess(points, best, correlation))]


def _draw_balls(
    figure: Figure, best: np.ndarray, correlation: float, rho: float, weights: tuple[int, int]
) -> None:
    """Draw the first state: the plane of the coefficients, and each against the radius."""
    radii = np.linspace(0, LARGEST_RADIUS, 145)
    path = np.array([_touching(best, correlation, weights, radius) for radius in radii]).T
    theta = _touching(best, correlation, weights, rho)
    plane, along = figure.subplots(1, 2)
    _draw_plane(plane, best, correlation, theta)
    plane.fill(
        *_boundary(weights, rho, np.linspace(0, 2 * np.pi, 401)), color="C2", alpha=0.25, lw=0
    )
    plane.plot(*path, color="C3")
    plane.plot(*best, "o", color="C1")
    plane.plot(*theta, "o", color="C0")
    along.axhline(0, color="0.5", linewidth=0.8)
    along.axvline(rho, color="C2")
    for j, style in enumerate(("-", "--")):
        along.plot(radii, path[j], style, color="C3")
        along.plot(rho, theta[j], "o", color="C0")
        end = (LARGEST_RADIUS, best[j])
        along.annotate(
            f"θ{'₁₂'[j]}", end, (0, 5), textcoords="offset points", ha="right", color="C3"
        )
    along.set(xlabel="radius ρ of the ball", ylabel="coefficients", ylim=(-PLANE, PLANE))


def _draw_plane(plane: Axes, best: np.ndarray, correlation: float, theta: np.ndarray) -> None:
    """Draw the contours of the cost, that through theta in bold."""
    ticks = np.linspace(-PLANE, PLANE, 201)
    levels = _excess(np.array(np.meshgrid(ticks, ticks)), best, correlation)
    plane.contour(ticks, ticks, levels, (0.4 * np.arange(1, 10)) ** 2, colors="0.5", linewidths=0.6)
    level = _excess(theta, best, correlation)
    if level > 0:
        plane.contour(ticks, ticks, levels, [level], colors="C0", linewidths=1.8)
    plane.axhline(0, color="0.5", linewidth=0.8)
    plane.axvline(0, color="0.5", linewidth=0.8)
    name, at = "least squares", (best[0], best[1])
    plane.annotate(name, at, (0, 9), textcoords="offset points", ha="center", color="C1")
    plane.set(xlabel="θ₁", ylabel="θ₂", aspect="equal", xlim=(-PLANE, PLANE), ylim=(-PLANE, PLANE))


def lasso_path_explorer(
    X: Any,
    y: Any,
    names: Sequence[str],
    *,
    ylabel: str = "coefficient θⱼ",
    alt: str,
    height: tuple[int, int] = (1120, 600),
) -> ComputedPlot:
    """Follow the coefficients of the lasso, or of an elastic net, as the penalty changes.

    The cost is ``|y - X theta|^2 / n + (1 - a) lambda |theta|_1 + a lambda |theta|^2`` with the
    share ``a`` of the L2 penalty. Columns and ``y`` are centred first, so that the intercept is
    not penalised; columns are not scaled.

    Parameters
    ----------
    X : array-like of shape (n_samples, n_features)
        The features, 2 to 15 columns, none of them constant.
    y : array-like of shape (n_samples,)
        The targets.
    names : sequence of str
        Names of the features, short.
    ylabel : str
        Name of the coefficients' axis, with units.
    alt : str
        What is seen, in at least 40 characters.
    height : (int, int)
        Height in pixels on narrow and on wide pages.
    """
    y = check_vector("y", y)
    X = _check_features(X, y.size)
    names = [str(name) for name in names]
    if len(names) != X.shape[1] or len(set(names)) < len(names):
        raise ValueError(f"names must be {X.shape[1]} different names, got {len(names)}")
    X, y, n = X - X.mean(axis=0), y - y.mean(), y.size
    b = X.T @ y / n
    if np.abs(b).max() <= 1e-12 * np.sqrt(np.abs(X.T @ X).max() / n * (y @ y) / n):
        raise ValueError("y must be correlated with a column of X")
    data = {
        "G": [[_short(value, 12) for value in row] for row in X.T @ X / n],
        "b": [_short(value, 12) for value in b],
        "yy": _short(y @ y / n, 12),
        "names": names,
        "ylabel": ylabel,
    }
    fraction = 0.1

    def draw(figure: Figure) -> None:
        _draw_path(figure, X, y, names, fraction, ylabel)

    controls = [
        _slider(
            "fraction", "penalty λ, in units of λₘₐₓ", SMALLEST_FRACTION, 1, fraction, log=True
        ),
        _slider("share", "share of the L2 penalty (0: lasso)", 0, 0.95, 0, step=0.05, digits=2),
    ]
    return ComputedPlot(
        "lasso-path", data, controls, still=draw_still(draw), alt=alt, height=height
    )


def _check_features(X: Any, n_samples: int) -> np.ndarray:
    try:
        matrix = np.asarray(X, dtype=float)
    except (TypeError, ValueError) as error:
        raise ValueError("X must hold numbers") from error
    if matrix.ndim != 2 or not 2 <= matrix.shape[1] <= MAXIMUM_FEATURES:
        raise ValueError(
            f"X must be a table of 2 to {MAXIMUM_FEATURES} columns, got shape {matrix.shape}"
        )
    if len(matrix) != n_samples:
        raise ValueError(f"X must have {n_samples} rows, as y has entries, got {len(matrix)}")
    if not np.isfinite(matrix).all():
        raise ValueError("X contains NaN or infinity")
    if (np.ptp(matrix, axis=0) == 0).any():
        raise ValueError("X must have no constant column")
    return matrix


def _spread(heights: np.ndarray, distance: float) -> np.ndarray:
    """Move heights apart to keep a distance: the mean of pushing all up and all down."""
    order = np.argsort(heights)
    steps = distance * np.arange(heights.size)
    up = np.maximum.accumulate(heights[order] - steps) + steps
    down = np.minimum.accumulate((heights[order] - steps)[::-1])[::-1] + steps
    placed = np.empty_like(heights)
    placed[order] = (up + down) / 2
    return placed


def _draw_path(
    figure: Figure, X: np.ndarray, y: np.ndarray, names: list[str], fraction: float, ylabel: str
) -> None:
    """Draw the first state from scikit-learn's path; its penalty is half of ours."""
    largest = 2 * np.abs(X.T @ y).max() / y.size
    fractions = np.append(np.geomspace(1, SMALLEST_FRACTION, 91), fraction)
    order = np.argsort(-fractions, kind="stable")
    alphas, coefs, _ = lasso_path(
        X, y, alphas=fractions[order] * largest / 2, tol=1e-8, max_iter=1_000_000
    )
    here = np.argmin(np.abs(alphas - fraction * largest / 2))
    paths, bars = figure.subplots(1, 2, width_ratios=(3, 2))
    colours = [f"C{j % 6}" for j in range(len(names))]
    heights = _spread(coefs[:, -1], 0.06 * np.ptp(coefs))
    for j, (name, colour) in enumerate(zip(names, colours, strict=True)):
        paths.plot(fractions[order], coefs[j], "-" if j < 6 else "--", color=colour)
        ends = np.array([1, 0.8]) * SMALLEST_FRACTION
        paths.plot(ends, [coefs[j, -1], heights[j]], color=colour, linewidth=0.7)
        at = (0.75 * SMALLEST_FRACTION, heights[j])
        paths.annotate(name, at, ha="right", va="center", fontsize="small", color=colour)
    paths.axvline(fraction, color="k", linewidth=0.9)
    room = 10 ** (0.15 + 0.1 * max(map(len, names)))
    limits = (SMALLEST_FRACTION / room, 1.05)
    paths.set(xscale="log", xlabel="λ / λₘₐₓ", ylabel=ylabel, xlim=limits)
    paths.set_xticks([0.001, 0.01, 0.1, 1])
    paths.minorticks_off()
    slopes = 2 * X.T @ (y - X @ coefs[:, here]) / y.size / (fraction * largest)
    active = coefs[:, here] != 0
    bars.barh(names, slopes, color=np.where(active, colours, "0.75"), height=0.64, linewidth=0)
    for wall in (-1, 1):
        bars.axvline(wall, color="k", linewidth=1.2)
    bars.axvline(0, color="0.5", linewidth=0.8)
    bars.invert_yaxis()
    bars.set(xlabel="force / λ, 2Xⱼᵀr/(nλ)", xlim=(-1.1, 1.1))


def soft_threshold_explorer(
    *,
    z: float = 1.2,
    lam: float = 1.6,
    alt: str,
    height: tuple[int, int] = (980, 520),
) -> ComputedPlot:
    """Show one coefficient: the cost of lasso and ridge, and where lasso, ridge and selection end.

    With uncorrelated columns, ``X^T X = n I``, each coefficient has its own cost
    ``(theta - z)^2 + lambda |theta|`` with ``z = X_j^T y / n``.

    Parameters
    ----------
    z : float, default=1.2
        The least-squares coefficient at the beginning, from -3 to 3.
    lam : float, default=1.6
        The penalty at the beginning, from 0 to 6.
    alt : str
        What is seen, in at least 40 characters.
    height : (int, int)
        Height in pixels on narrow and on wide pages.
    """
    z = check_number("z", z, -LARGEST_Z, LARGEST_Z)
    lam = check_number("lam", lam, 0, LARGEST_PENALTY)

    def draw(figure: Figure) -> None:
        _draw_threshold(figure, z, lam)

    controls = [
        _slider("z", "least-squares coefficient z", -LARGEST_Z, LARGEST_Z, z, step=0.05),
        _slider("lambda", "penalty λ", 0, LARGEST_PENALTY, lam, step=0.05),
    ]
    return ComputedPlot(
        "soft-threshold",
        {"limit": LARGEST_Z},
        controls,
        still=draw_still(draw),
        alt=alt,
        height=height,
    )


def _draw_threshold(figure: Figure, z: float, lam: float) -> None:
    """Draw the first state; every minimiser is read off a fine grid of the cost."""
    theta = np.linspace(-LARGEST_Z, LARGEST_Z, 601)
    penalties = {
        "best subset (hard)": (np.abs(theta) > 1e-9, "C1-"),
        "ridge (shrink)": (theta**2, "C2--"),
        "lasso (soft)": (np.abs(theta), "C0-"),
    }
    cost, maps = figure.subplots(1, 2)
    cost.axvline(0, color="0.5", linewidth=0.8)
    cost.plot(theta, (theta - z) ** 2, ":", color="0.5", linewidth=1.2)
    maps.axvline(z, color="0.5", linewidth=0.9)
    for name, (penalty, style) in penalties.items():
        if name != "best subset (hard)":
            values = (theta - z) ** 2 + lam * penalty
            cost.plot(theta, values, style)
            cost.plot(theta[values.argmin()], values.min(), "o", color=style[:2])
        minimisers = theta[np.argmin((theta - theta[:, None]) ** 2 + lam * penalty, axis=1)]
        maps.plot(theta, minimisers, style, label=name)
        maps.plot(z, np.interp(z, theta, minimisers), "o", color=style[:2])
    maps.legend(loc="upper left")
    cost.set(xlabel="θ", ylabel="cost", ylim=(0, 10))
    maps.set(xlabel="z = Xⱼᵀy / n", ylabel="minimiser θ")
