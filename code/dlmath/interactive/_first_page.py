"""The figure of the first page: least squares and diffusion on the same points."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.figure import Figure
from scipy import stats

from dlmath.interactive._base import check_vector, draw_still
from dlmath.interactive._computed import ComputedPlot, _slider

LIMIT = 3.0
REACH = 2.4
WIDTHS = (0.05, 0.6)
DIGITS = 5


def fit_and_cloud(
    x: Any,
    y: Any,
    *,
    degree: int = 2,
    width: float = 0.2,
    alt: str,
    height: tuple[int, int] = (1020, 640),
) -> ComputedPlot:
    """Fit a curve to points, and turn noise into new points by the exact score.

    On the left a polynomial with its confidence band of 95 %, from the residuals. On the right
    320 grains follow the probability-flow equation of the Ornstein-Uhlenbeck process
    ``dx = -x dt + sqrt(2) dW`` from ``t = 3`` to 0, for the mixture that has a Gaussian blob of
    standard deviation ``width`` at each point. They start at the standard normal distribution.

    Parameters
    ----------
    x, y : array-like of shape (n_samples,)
        The points at the beginning, from -2.4 to 2.4, with different ``x``.
    degree : int, default=2
        Degree of the polynomial at the beginning, from 1 to ``n_samples - 2``.
    width : float, default=0.2
        Standard deviation of each blob at the beginning, from 0.05 to 0.6.
    alt : str
        What is seen, in at least 40 characters.
    height : (int, int)
        Height in pixels on narrow and on wide pages.
    """
    x = check_vector("x", x)
    y = check_vector("y", y, x.size)
    if np.abs([x, y]).max() > REACH:
        raise ValueError(f"x and y must lie between -{REACH} and {REACH}")
    if np.unique(x).size < x.size or x.size < 3:
        raise ValueError("x must have at least three entries, all different")
    if not isinstance(degree, int) or not 1 <= degree <= x.size - 2:
        raise ValueError(f"degree must be an integer from 1 to {x.size - 2}, got {degree!r}")
    if not WIDTHS[0] <= width <= WIDTHS[1]:
        raise ValueError(f"width must be a number from {WIDTHS[0]} to {WIDTHS[1]}, got {width!r}")
    quantiles = stats.t.ppf(0.975, np.arange(1, x.size))

    def draw(figure: Figure) -> None:
        """Draw the first state; the new points are drawn from the blobs themselves."""
        fit, cloud = figure.subplots(1, 2)
        grid = np.linspace(-LIMIT, LIMIT, 121)
        design, at = (np.vander(values, degree + 1) for values in (x, grid))
        inverse = np.linalg.pinv(design)
        s = np.sqrt(np.sum((y - design @ inverse @ y) ** 2) / (x.size - degree - 1))
        mean = at @ inverse @ y
        half = quantiles[x.size - degree - 2] * s * np.linalg.norm(at @ inverse, axis=1)
        fit.fill_between(grid, mean - half, mean + half, color="C0", alpha=0.2, linewidth=0)
        fit.plot(grid, mean, color="C0")
        rng = np.random.default_rng(0)
        chosen = rng.integers(x.size, size=200)
        noise = width * rng.normal(size=(2, 200))
        cloud.plot(x[chosen] + noise[0], y[chosen] + noise[1], ".", color="C0", rasterized=True)
        for axes in (fit, cloud):
            axes.plot(x, y, "o", color="C1")
            axes.set(xlim=(-LIMIT, LIMIT), ylim=(-LIMIT, LIMIT), xlabel="x", ylabel="y")

    names = [f"point{i + 1}" for i in range(x.size)]
    controls: list[dict[str, Any]] = [
        _slider("degree", "degree of the curve", 1, x.size - 2, degree, step=1, integer=True),
        _slider("width", "width of the blobs", *WIDTHS, width, step=0.01, digits=2),
        _slider("progress", "from noise to new points", 0, 100, 100, step=1, digits=2, unit=" %"),
        {
            "type": "play",
            "name": "play",
            "label": "Denoise",
            "slider": "progress",
            "seconds": 7,
        },
        *(
            {
                "type": "point",
                "name": name,
                "label": f"Point {i + 1} of {x.size}",
                "value": [round(float(x[i]), DIGITS), round(float(y[i]), DIGITS)],
                "min": [-REACH, -REACH],
                "max": [REACH, REACH],
                "panels": [0, 1],
            }
            for i, name in enumerate(names)
        ),
    ]
    data = {
        "names": names,
        "limit": LIMIT,
        "quantiles": [round(float(q), DIGITS) for q in quantiles],
    }
    return ComputedPlot(
        "fit-and-cloud", data, controls, still=draw_still(draw), alt=alt, height=height
    )
