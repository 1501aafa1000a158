"""The figure to move of the chapter on guidance: what a weight promises, and what it does."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.figure import Figure
from scipy import stats

from dlmath._checks import check_above_zero
from dlmath.diffusion import GaussianPair
from dlmath.interactive._base import check_between, draw_still
from dlmath.interactive._computed import ComputedPlot, _slider

STARTS = 400
RANGE, BINS = (-1.6, 4.4), 48
WEIGHTS = (1.0, 8.0)
NOISES = (0.01, 20.0)


def guided_pair(
    *,
    mean: float = 1.0,
    sd: float = 0.5,
    weight: float = 3.0,
    alt: str,
    height: tuple[int, int] = (980, 560),
) -> ComputedPlot:
    """Guided flow towards one of two Gaussians, beside the tilted density it is said to sample.

    Parameters
    ----------
    mean, sd : float, default=1 and 0.5
        The classes are N(mean, sd^2) and N(-mean, sd^2).
    weight : float, default=3
        The weight at the beginning, from 1 to 8.
    alt : str
        What is seen, in at least 40 characters.
    height : (int, int)
        Height in pixels on narrow and on wide pages.
    """
    pair = GaussianPair(check_above_zero("mean", mean), check_above_zero("sd", sd))
    weight = check_between("weight", weight, WEIGHTS)

    def draw(figure: Figure) -> None:
        densities, means = figure.subplots(1, 2)
        starts = stats.norm.ppf((np.arange(STARTS) + 0.5) / STARTS)
        ends, _ = pair.transport(starts, weight)
        grid = np.linspace(*RANGE, 241)
        for centre in (-pair.mean, pair.mean):
            densities.plot(grid, stats.norm.pdf(grid, centre, pair.sd), ":", color="C5")
        densities.hist(ends, BINS, range=RANGE, density=True, color="C1", label="guided flow")
        densities.plot(grid, pair.tilted(grid, weight), color="C0", label="tilted density")
        densities.set(xlabel="x", ylabel="density")
        densities.legend()
        weights, x = np.linspace(*WEIGHTS, 29), np.linspace(-8, 8, 1201) * pair.sd + pair.mean
        laws = [pair.tilted(x, w) for w in weights]
        means.plot(weights, [pair.moments(w)[0] for w in weights], color="C1")
        means.plot(weights, [law @ x / law.sum() for law in laws], color="C0")
        means.axvline(weight, color="C5", linestyle="--", linewidth=1)
        means.set(xlabel="weight w", ylabel="mean")

    controls: list[dict[str, Any]] = [
        _slider("w", "weight w", *WEIGHTS, weight, step=0.1, digits=2),
        {
            "type": "checkbox",
            "name": "between",
            "label": "guide only between two noise levels",
            "value": False,
        },
        _slider("from", "lower noise level", *NOISES, 0.3, log=True),
        _slider("to", "upper noise level", *NOISES, 2.0, log=True),
    ]
    return ComputedPlot(
        "guided-pair",
        {"mean": pair.mean, "sd": pair.sd},
        controls,
        still=draw_still(draw),
        alt=alt,
        height=height,
    )
