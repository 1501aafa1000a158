"""Figures to move of the chapter on flow matching: lines that cross, and flows made straight."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Circle
from scipy.optimize import brentq
from scipy.stats import norm

from dlmath.densities import GaussianMixture
from dlmath.diffusion import NoisyMixture, StraightSchedule, exact_velocity, follow
from dlmath.interactive._base import (
    check_choice,
    check_number,
    check_vector,
    draw_still,
    float16_text,
)
from dlmath.interactive._computed import ComputedPlot, _check_count, _select, _slider

MOST_STEPS = 20
PAIRS = ("independent", "after reflow")
LIMIT = 3.0
VIEW = 2.4
# Two humps on the line.
MEANS = (-1.3, 1.0)
SD = 0.3


def _steps(value: int) -> dict[str, Any]:
    return _slider("steps", "Euler steps", 1, MOST_STEPS, value, step=1, integer=True)


def _choice(value: str) -> dict[str, Any]:
    return _select("pairs", "Pairs of noise and data", PAIRS, value)


def correlated_lines(
    *, rho: float = -1.0, steps: int = 10, alt: str, height: tuple[int, int] = (1120, 640)
) -> ComputedPlot:
    """Gaussian noise coupled to Gaussian data on the line: pairs, the flow, and Euler's method.

    Parameters
    ----------
    rho : float, default=-1
        Correlation of noise and data at the beginning, from -1 to 1.
    steps : int, default=10
        Euler steps at the beginning, from 1 to 20.
    alt : str
        What is seen, in at least 40 characters.
    height : (int, int)
        Height in pixels on narrow and on wide pages.

    Raises
    ------
    ValueError
        If an argument has a value that is not possible; it is named.
    """
    rho, steps = check_number("rho", rho, -1, 1), _check_count("steps", steps, 1, MOST_STEPS)

    def velocity(x: np.ndarray, t: float) -> np.ndarray:
        q = 1 - 2 * t * (1 - t) * (1 - rho)
        return 0 * x if q < 1e-12 else -(1 - 2 * t) * (1 - rho) / q * x

    def draw(figure: Figure) -> None:
        way, factors = figure.subplots(1, 2)
        x, noise = np.random.default_rng(0).standard_normal((2, 30))
        way.plot([0, 1], [x, rho * x + np.sqrt(1 - rho**2) * noise], color="C5", lw=0.7)
        starts = np.array([-2.2, -1.4, -0.7, 0.7, 1.4, 2.2])[:, None]
        path = follow(velocity, starts, steps, path=True)[:, :, 0]
        way.plot(np.linspace(0, 1, steps + 1), path, "--", color="C1")
        way.set(xlabel="time $t$", ylabel="place", xlim=(0, 1), ylim=(-LIMIT, LIMIT))
        numbers = np.arange(1, MOST_STEPS + 1)
        ends = [follow(velocity, [[1.0]], int(n))[0, 0] for n in numbers]
        factors.plot(numbers, ends, "o", color="C1")
        factors.set(xlabel="number of Euler steps", ylabel="end / start", ylim=(-1.3, 1.3))

    controls = [
        _slider("rho", "correlation ρ of noise and data", -1, 1, rho, step=0.01, digits=3),
        _steps(steps),
    ]
    return ComputedPlot(
        "correlated-lines", {}, controls, still=draw_still(draw), alt=alt, height=height
    )


def straightened_flow(
    *,
    pairs: str = PAIRS[0],
    steps: int = 4,
    left: float = 0.4,
    alt: str,
    height: tuple[int, int] = (1120, 640),
) -> ComputedPlot:
    """From noise to two humps on the line, with random pairs or with those that the flow makes.

    Parameters
    ----------
    pairs : {"independent", "after reflow"}
        The coupling at the beginning.
    steps : int, default=4
        Euler steps at the beginning, from 1 to 20.
    left : float, default=0.4
        Weight of the left hump at the beginning, from 0.1 to 0.9.
    alt : str
        What is seen, in at least 40 characters.
    height : (int, int)
        Height in pixels on narrow and on wide pages.

    Raises
    ------
    ValueError
        If an argument has a value that is not possible; it is named.
    """
    pairs, steps = check_choice("pairs", pairs, PAIRS), _check_count("steps", steps, 1, MOST_STEPS)
    left = check_number("left", left, 0.1, 0.9)
    law = GaussianMixture([left, 1 - left], [[m] for m in MEANS], SD**2)

    def quantile(share: float) -> float:
        return brentq(
            lambda x: (
                left * norm.cdf(x, MEANS[0], SD) + (1 - left) * norm.cdf(x, MEANS[1], SD) - share
            ),
            -12,
            12,
        )

    def draw(figure: Figure) -> None:
        way, ends = figure.subplots(1, 2)
        shares = (np.arange(240) + 0.5) / 240
        starts, targets = norm.ppf(shares), np.array([quantile(share) for share in shares])
        lines = np.array([starts, targets])
        shown = slice(10, None, 20)
        if pairs == PAIRS[0]:
            velocity = exact_velocity(NoisyMixture(law, StraightSchedule()))
            lines = follow(velocity, starts[:, None], steps, path=True)[:, :, 0]
            curve = follow(velocity, starts[shown, None], 100, method="midpoint", path=True)
            way.plot(np.linspace(0, 1, 101), curve[:, :, 0], color="C0")
        way.plot(np.linspace(0, 1, len(lines)), lines[:, shown], "--", color="C1")
        way.set(xlabel="time $t$", ylabel="place", xlim=(0, 1), ylim=(-LIMIT, LIMIT))
        at = np.linspace(-LIMIT, LIMIT, 201)
        bins = np.linspace(-LIMIT, LIMIT, 49)
        ends.hist(lines[-1], bins, density=True, color="C1", alpha=0.35)
        ends.plot(at, np.exp(law.log_prob(at[:, None])), color="k")
        ends.set(xlabel="place at $t = 1$", ylabel="density", ylim=(0, 1.5))

    controls = [
        _choice(pairs),
        _steps(steps),
        _slider("left", "weight of the left hump", 0.1, 0.9, left, step=0.05, digits=2),
    ]
    return ComputedPlot(
        "straightened-flow",
        {"means": list(MEANS), "sd": SD},
        controls,
        still=draw_still(draw),
        alt=alt,
        height=height,
    )


def _layers(modules: list[Any], last: str) -> list[dict[str, str]]:
    """Take weights and biases of linear layers, with SiLU between them."""
    return [
        {
            "W": float16_text(module.weight.detach().numpy()),
            "b": float16_text(module.bias.detach().numpy()),
            "activation": last if module is modules[-1] else "silu",
        }
        for module in modules
    ]


def euler_in_the_plane(
    model: Any,
    law: GaussianMixture,
    *,
    pairs: str = PAIRS[0],
    steps: int = 3,
    start: Any = (0.6, 0.3),
    alt: str,
    height: tuple[int, int] = (1030, 540),
) -> ComputedPlot:
    """Euler's method in the plane: the exact velocity of random pairs, a network after reflow.

    Parameters
    ----------
    model : FlowMatching
        Trained on the pairs of another flow, with a dense network in two dimensions; its weights
        are rounded to half precision, as they are in the shipped file.
    law : GaussianMixture
        Law of the data in the units of the network: round Gaussians with equal weights.
    pairs : {"independent", "after reflow"}
        The coupling at the beginning.
    steps : int, default=3
        Euler steps at the beginning, from 1 to 20.
    start : (float, float)
        Start of the reader's own walker.
    alt : str
        What is seen, in at least 40 characters.
    height : (int, int)
        Height in pixels on narrow and on wide pages.

    Raises
    ------
    ValueError
        If an argument has a value that is not possible; it is named.
    """
    pairs, steps = check_choice("pairs", pairs, PAIRS), _check_count("steps", steps, 1, MOST_STEPS)
    begin = check_vector("start", start, 2)
    if np.abs(begin).max() > VIEW:
        raise ValueError(f"start must lie within {VIEW} of the origin, got {begin.tolist()}")
    sd = float(np.sqrt(law.covariances[0, 0, 0]))
    if law.means.shape[1] != 2 or not np.allclose(law.covariances, sd**2 * np.eye(2)):
        raise ValueError("law must have two features and equal round covariances")
    if not np.allclose(law.weights, law.weights[0]):
        raise ValueError(f"law must have equal weights, got {law.weights}")
    network = model.network_.inner
    if not hasattr(network, "directions") or model.n_features_in_ != 2:
        raise ValueError("model must have a dense network in two dimensions")
    hidden = [layer for layer in network.hidden if hasattr(layer, "weight")]
    embedding = network.embedding
    data = {
        "network": {
            "directions": float16_text(network.directions.numpy()),
            "embedding": _layers([embedding.first, embedding.second], "silu"),
            "hidden": _layers([*hidden, network.leave], "identity"),
        },
        "means": law.means.round(6).tolist(),
        "sd": round(sd, 6),
    }
    noise = np.vstack([begin, np.random.default_rng(0).standard_normal((400, 2))])
    velocity = (
        exact_velocity(NoisyMixture(law, StraightSchedule()))
        if pairs == PAIRS[0]
        else model.velocity
    )
    path = follow(velocity, noise, steps, path=True)
    flow = follow(velocity, noise[:1], 60, method="midpoint", path=True)

    def draw(figure: Figure) -> None:
        way, ends = figure.subplots(1, 2)
        way.plot(path[:, 1:41, 0], path[:, 1:41, 1], color="C0", lw=0.8)
        way.plot(*flow[:, 0].T, color="C2")
        way.plot(*path[:, 0].T, "--o", color="C1", markersize=3)
        ends.plot(*path[-1, 1:].T, "o", color="C0", markersize=2)
        ends.plot(*path[-1, 0], "o", color="C1", markersize=5)
        for axes in (way, ends):
            for mean in law.means:
                axes.add_patch(Circle(mean, 3 * sd, fill=False, color="C5"))
            axes.set(xlim=(-VIEW, VIEW), ylim=(-VIEW, VIEW), aspect="equal", xlabel="$x_1$")
        way.set(ylabel="$x_2$")

    controls = [
        _choice(pairs),
        _steps(steps),
        {
            "type": "point",
            "name": "start",
            "label": "Start of your walker",
            "min": [-VIEW, -VIEW],
            "max": [VIEW, VIEW],
            "value": begin.tolist(),
            "color": 2,
            "hollow": True,
        },
    ]
    return ComputedPlot(
        "euler-plane", data, controls, still=draw_still(draw), alt=alt, height=height
    )
