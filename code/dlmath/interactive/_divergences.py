"""Figures to move of the chapter on distances between laws."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from scipy import stats

from dlmath.divergences import optimal_map_gaussians
from dlmath.interactive._base import check_number, check_vector, draw_still
from dlmath.interactive._computed import ComputedPlot, _select, _slider

DISTANCES = ("forward KL", "reverse KL", "Jensen-Shannon", "Fisher", "Wasserstein")
MODEL_MIN, MODEL_MAX = (-4.5, 0.4), (4.5, 3.5)
MEANS, WIDTHS = zip(MODEL_MIN, MODEL_MAX, strict=True)
LIMIT = 5.0


def _check_point(name: str, value: Any, low: Any, high: Any) -> list[float]:
    point = check_vector(name, value, 2)
    if (point < low).any() or (point > high).any():
        raise ValueError(f"{name} must lie between {low} and {high}, got {point.tolist()}")
    return [float(v) for v in point]


def five_distances(
    *,
    distance: float = 5.0,
    share: float = 0.35,
    model: Any = (2.0, 1.6),
    which: str = DISTANCES[0],
    alt: str,
    height: tuple[int, int] = (1120, 680),
) -> ComputedPlot:
    """One Gaussian against two humps: five distances, and where each of them is smallest.

    Parameters
    ----------
    distance : float, default=5.0
        Between the humps, each of standard deviation 1, from 0 to 7.
    share : float, default=0.35
        Weight of the left hump, from 0.05 to 0.95.
    model : (float, float), default=(2.0, 1.6)
        Mean and standard deviation of the Gaussian at the beginning, from (-4.5, 0.4) to
        (4.5, 3.5).
    which : str
        The distance whose level lines are drawn at the beginning: one of ``forward KL``,
        ``reverse KL``, ``Jensen-Shannon``, ``Fisher``, ``Wasserstein``.
    alt : str
        What is seen, in at least 40 characters.
    height : (int, int)
        Height in pixels on narrow and on wide pages.
    """
    distance = check_number("distance", distance, 0, 7)
    share = check_number("share", share, 0.05, 0.95)
    m, s = _check_point("model", model, MODEL_MIN, MODEL_MAX)
    if which not in DISTANCES:
        raise ValueError(f"which must be one of {', '.join(DISTANCES)}, got {which!r}")
    centres, weights = np.array([-distance, distance]) / 2, np.array([share, 1 - share])
    mean = weights @ centres
    sd = np.sqrt(1 + weights @ (centres - mean) ** 2)

    def draw(figure: Figure) -> None:
        densities, plane = figure.subplots(1, 2)
        x = np.linspace(-7, 7, 281)
        p = stats.norm.pdf(x[:, np.newaxis], centres, 1) @ weights
        densities.fill_between(x, p, color="C5", alpha=0.2, lw=0)
        densities.plot(x, p, color="C5", label="p, the data")
        densities.plot(x, stats.norm.pdf(x, m, s), color="k", label="q, the model")
        densities.set(xlabel="x", ylabel="density", ylim=(0, 0.62))
        densities.legend()
        means, widths = np.linspace(*MEANS, 91), np.linspace(*WIDTHS, 91)
        M, S = np.meshgrid(means, widths)
        cost = np.log(S) + (sd**2 + (M - mean) ** 2) / (2 * S**2)
        excess = cost - np.log(sd) - 0.5
        plane.contour(M, S, excess, [0.03, 0.1, 0.25, 0.5, 1, 2, 4, 8], colors="C0", linewidths=1)
        plane.plot(mean, sd, "o", color="C0", label="smallest forward KL")
        plane.plot(m, s, "o", color="k", label="the model")
        plane.set(xlabel="mean m of the model", ylabel="width s of the model")
        plane.legend()

    controls: list[dict[str, Any]] = [
        _slider("distance", "distance of the humps", 0, 7, distance, step=0.25, digits=3),
        _slider("share", "weight of the left hump", 0.05, 0.95, share, step=0.05, digits=2),
        _select("which", "Level lines of", DISTANCES, which),
        {"type": "button", "name": "minimum", "label": "Go to its minimum"},
        {
            "type": "point",
            "name": "model",
            "label": "Mean and width of the model",
            "value": [m, s],
            "min": list(MODEL_MIN),
            "max": list(MODEL_MAX),
            "panel": 1,
            "color": "ink",
        },
    ]
    return ComputedPlot(
        "distance-fit", {}, controls, still=draw_still(draw), alt=alt, height=height
    )


def _covariance(elongation: float, degrees: float) -> np.ndarray:
    angle = np.deg2rad(degrees)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    return turn @ np.diag([elongation**2, elongation**-2]) @ turn.T


def _ring(mean: np.ndarray, covariance: np.ndarray) -> np.ndarray:
    angle = np.linspace(0, 2 * np.pi, 73)
    circle = np.array([np.cos(angle), np.sin(angle)])
    return mean[:, np.newaxis] + np.linalg.cholesky(covariance) @ circle


def gaussian_transport(
    *,
    means: Any = ((-2.4, -1.2), (2.2, 1.4)),
    elongations: tuple[float, float] = (1.6, 1.6),
    turns: tuple[float, float] = (20.0, 110.0),
    s: float = 0.5,
    alt: str,
    height: tuple[int, int] = (1120, 620),
) -> ComputedPlot:
    """Between two Gaussians in the plane: mass that is moved, beside densities that are averaged.

    The standard deviations of each along its axes are its elongation and the inverse of it.

    Parameters
    ----------
    means : ((float, float), (float, float))
        Means at the beginning, coordinates from -4 to 4.
    elongations : (float, float)
        From 1 to 2.5.
    turns : (float, float)
        Angles of the long axes in degrees, from 0 to 180.
    s : float, default=0.5
        Share of the way at the beginning.
    alt : str
        What is seen, in at least 40 characters.
    height : (int, int)
        Height in pixels on narrow and on wide pages.
    """
    reach = LIMIT - 1
    if len(means) != 2:
        raise ValueError(f"means must be two points, got {len(means)}")
    centres = [
        _check_point(f"means[{k}]", mean, (-reach, -reach), (reach, reach))
        for k, mean in enumerate(means)
    ]
    longs = [check_number("elongations", value, 1, 2.5) for value in elongations]
    angles = [check_number("turns", value, 0, 180) for value in turns]
    s = check_number("s", s, 0, 1)
    first, second = (_covariance(*pair) for pair in zip(longs, angles, strict=True))
    starts = np.array(centres)

    def draw(figure: Figure) -> None:
        moved, mixed = figure.subplots(1, 2)
        A = optimal_map_gaussians(first, second)
        for share in (0.0, 0.25, 0.5, 0.75, 1.0, s):
            B = (1 - share) * np.eye(2) + share * A
            centre = (1 - share) * starts[0] + share * starts[1]
            colour = "k" if share == s else {0.0: "C0", 1.0: "C1"}.get(float(share), "C5")
            moved.plot(*_ring(centre, B @ first @ B), color=colour)
        moved.set(xlabel="$x_1$, mass moved along straight lines")
        at = np.linspace(-LIMIT, LIMIT, 101)
        points = np.dstack(np.meshgrid(at, at))
        density = (1 - s) * stats.multivariate_normal(starts[0], first).pdf(points)
        density += s * stats.multivariate_normal(starts[1], second).pdf(points)
        levels = np.array([0.15, 0.35, 0.55, 0.75, 0.92]) * density.max()
        mixed.contour(at, at, density, levels, colors="k", linewidths=1)
        mixed.set(xlabel="$x_1$, densities averaged")
        for axes in (moved, mixed):
            _frame(axes)

    controls: list[dict[str, Any]] = [
        _slider("s", "share s of the way", 0, 1, s, step=0.01, digits=2),
        {"type": "play", "name": "go", "label": "Play", "slider": "s", "seconds": 4},
    ]
    for k, name in enumerate("pq"):
        controls += [
            _slider(f"turn{k}", f"turn {name}", 0, 180, angles[k], step=5, integer=True, unit="°"),
            _slider(f"long{k}", f"elongation of {name}", 1, 2.5, longs[k], step=0.1, digits=2),
        ]
    controls += [
        {
            "type": "point",
            "name": f"mean{k}",
            "label": f"Mean of {name}",
            "value": centres[k],
            "min": [-reach, -reach],
            "max": [reach, reach],
            "color": k + 1,
        }
        for k, name in enumerate("pq")
    ]
    return ComputedPlot(
        "gaussian-transport",
        {"limit": LIMIT},
        controls,
        still=draw_still(draw),
        alt=alt,
        height=height,
    )


def _frame(axes: Axes) -> None:
    axes.set(ylabel="$x_2$", aspect="equal", xlim=(-LIMIT, LIMIT), ylim=(-LIMIT, LIMIT))
