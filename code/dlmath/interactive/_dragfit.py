"""Points and error bars to drag, and the polynomial that least squares draws through them."""

from __future__ import annotations

from typing import Any

import numpy as np
import traitlets
from matplotlib.figure import Figure

from dlmath.interactive._base import (
    Interactive,
    check_alt,
    check_height,
    check_limits,
    check_vector,
    draw_still,
    padded,
)
from dlmath.interactive._bundle import bundle

BANDS = ("none", "confidence", "prediction")
MAXIMUM_DEGREE = 5
QUANTILE = 1.959963984540054


class DragFit(Interactive):
    """Weighted least squares to take in the hand.

    Points and the ends of their error bars can be dragged, or moved with the keyboard; the fit,
    its band, chi squared and the parameters with their standard errors answer at once. Without
    the weights the line changes, and the errors shown are those that the unweighted estimate has
    under the given error bars.

    Parameters
    ----------
    x, y : array-like of shape (n_samples,)
        The points.
    sigma : array-like of shape (n_samples,) or float
        Standard deviations of ``y``, positive.
    degree : int, default=1
        Degree of the polynomial, 0 to 5 and below ``n_samples``.
    band : {"none", "confidence", "prediction"}, default="confidence"
        The 95% band: of the mean, or of a new point whose error is the median of ``sigma``.
    weighted : bool, default=True
        Whether points count by 1/sigma^2.
    xlabel, ylabel : str
        Names of the axes, with units.
    xlim, ylim : (float, float), optional
        The axes' ends, within which the points can be moved.
    alt : str
        What is seen, in at least 40 characters.
    height : (int, int)
        Height in pixels on narrow and on wide pages.

    Raises
    ------
    ValueError
        If an argument has the wrong shape or a value that is not possible; it is named.
    """

    _esm = bundle("dragfit.js")

    x = traitlets.List(traitlets.Float()).tag(sync=True)
    y = traitlets.List(traitlets.Float()).tag(sync=True)
    sigma = traitlets.List(traitlets.Float()).tag(sync=True)
    degree = traitlets.Int().tag(sync=True)
    band = traitlets.Unicode().tag(sync=True)
    weighted = traitlets.Bool().tag(sync=True)
    xlim = traitlets.List(traitlets.Float()).tag(sync=True)
    ylim = traitlets.List(traitlets.Float()).tag(sync=True)
    xlabel = traitlets.Unicode().tag(sync=True)
    ylabel = traitlets.Unicode().tag(sync=True)

    def __init__(
        self,
        x: Any,
        y: Any,
        sigma: Any,
        degree: int = 1,
        *,
        band: str = "confidence",
        weighted: bool = True,
        xlabel: str = "x",
        ylabel: str = "y",
        xlim: Any = None,
        ylim: Any = None,
        alt: str,
        height: tuple[int, int] = (680, 560),
    ) -> None:
        x = check_vector("x", x)
        y = check_vector("y", y, x.size)
        sigma = _check_sigma(sigma, x.size)
        degree = _check_degree(degree, x)
        _check_band(band)
        state = {
            "x": x.tolist(),
            "y": y.tolist(),
            "sigma": sigma.tolist(),
            "degree": degree,
            "band": band,
            "weighted": bool(weighted),
            "xlim": padded(x.min(), x.max()) if xlim is None else check_limits("xlim", xlim),
            "ylim": padded((y - sigma).min(), (y + sigma).max(), 0.2)
            if ylim is None
            else check_limits("ylim", ylim),
            "xlabel": xlabel,
            "ylabel": ylabel,
        }
        super().__init__(
            **state,
            alt=check_alt(alt),
            height=check_height(height),
            still=draw_still(lambda figure: _draw(figure, state)),
        )

    @traitlets.validate("x", "y", "sigma")
    def _valid_vector(self, proposal: dict[str, Any]) -> list[float]:
        name = proposal["trait"].name
        current = getattr(self, name)
        values = check_vector(name, proposal["value"], len(current) or None)
        if name == "sigma":
            values = _check_sigma(values, values.size)
        return values.tolist()

    @traitlets.validate("degree")
    def _valid_degree(self, proposal: dict[str, Any]) -> int:
        return _check_degree(proposal["value"], np.asarray(self.x))

    @traitlets.validate("band")
    def _valid_band(self, proposal: dict[str, Any]) -> str:
        return _check_band(proposal["value"])


def _check_sigma(sigma: Any, length: int) -> np.ndarray:
    values = check_vector("sigma", np.full(length, sigma) if np.isscalar(sigma) else sigma, length)
    if (values <= 0).any():
        raise ValueError("sigma must be positive")
    return values


def _check_degree(degree: Any, x: np.ndarray) -> int:
    if not isinstance(degree, int | np.integer) or not 0 <= degree <= MAXIMUM_DEGREE:
        raise ValueError(f"degree must be an integer from 0 to {MAXIMUM_DEGREE}, got {degree!r}")
    if x.size and degree >= np.unique(x).size:
        raise ValueError(f"degree must be below the number of distinct x, {np.unique(x).size}")
    return int(degree)


def _check_band(band: Any) -> str:
    if band not in BANDS:
        raise ValueError(f"band must be one of {', '.join(BANDS)}, got {band!r}")
    return band


def _draw(figure: Figure, state: dict[str, Any]) -> None:
    """Draw the first state, by NumPy's own polynomial fit."""
    x, y, sigma = (np.asarray(state[name]) for name in ("x", "y", "sigma"))
    grid = np.linspace(state["xlim"][0], state["xlim"][1], 121)
    weights = 1 / sigma if state["weighted"] else np.ones_like(sigma)
    design = np.vander(x, state["degree"] + 1) * weights[:, None]
    inverse = np.linalg.pinv(design)
    coefficients = inverse @ (weights * y)
    spread = np.vander(grid, state["degree"] + 1) @ (inverse * (weights * sigma))
    extra = np.median(sigma) if state["band"] == "prediction" else 0.0
    half = QUANTILE * np.hypot(np.linalg.norm(spread, axis=1), extra)
    mean = np.polyval(coefficients, grid)
    axes = figure.subplots()
    if state["band"] != "none":
        axes.fill_between(grid, mean - half, mean + half, color="C0", alpha=0.2, linewidth=0)
    axes.plot(grid, mean, color="C0")
    axes.errorbar(x, y, sigma, fmt="o", color="C1", capsize=3)
    axes.set(xlim=state["xlim"], ylim=state["ylim"], xlabel=state["xlabel"], ylabel=state["ylabel"])
