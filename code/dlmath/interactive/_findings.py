"""Figures to move of the chapter on what training finds: modes that switch on, and the edge."""

from __future__ import annotations

from typing import Any

import numpy as np
import traitlets
from matplotlib.figure import Figure

from dlmath.interactive._base import (
    Interactive,
    check_alt,
    check_between,
    check_height,
    check_vector,
    draw_still,
)
from dlmath.interactive._bundle import bundle
from dlmath.interactive._computed import ComputedPlot, _check_count, _short, _slider
from dlmath.linear_networks import mode_strength, switch_time
from dlmath.networks import FeedForwardNetwork
from dlmath.networks._training import flatten

MODES = 4
DEPTHS = (1, 5)
STARTS = (1e-4, 0.1)
RATIOS = (0.4, 0.9)
LONGEST = 400.0
ETAS = (0.02, 0.5)
BEGINNINGS = 6


def linear_modes(
    *,
    depth: int = 2,
    start: float = 1e-3,
    ratio: float = 0.6,
    alt: str,
    height: tuple[int, int] = (900, 520),
) -> ComputedPlot:
    """Four modes of a deep linear network that switch on one after the other.

    The page solves ``eq-what-training-finds-mode`` for the exact curves, and lets matrices
    descend on the same cost, whose modes are drawn as points: from multiples of the identity or,
    where a box is ticked, from random matrices of the same size, to which the theorem does not
    apply.

    Parameters
    ----------
    depth : int, default=2
        Layers, 1 to 5.
    start : float, default=1e-3
        Strength of the product of the layers at the beginning, 1e-4 to 0.1.
    ratio : float, default=0.6
        The strengths of the modes in the data are 1, ratio, ratio^2 and ratio^3; 0.4 to 0.9.
    alt : str
        What is seen, in at least 40 characters.
    height : (int, int)
        Height in pixels on narrow and on wide pages.
    """
    depth = _check_count("depth", depth, *DEPTHS)
    start, ratio = check_between("start", start, STARTS), check_between("ratio", ratio, RATIOS)
    rng = np.random.default_rng(0)
    draws = rng.standard_normal((DEPTHS[1], MODES * MODES)) / np.sqrt(MODES)
    s = ratio ** np.arange(MODES)

    def draw(figure: Figure) -> None:
        """Draw the first state from the library's closed form."""
        strengths, cost = figure.subplots(1, 2)
        last = switch_time(s[-1], start, depth=depth, share=0.97)
        tau = np.linspace(0, min(LONGEST, 1.15 * last), 241)
        modes = np.array([mode_strength(tau, sj, start, depth=depth) for sj in s])
        for j, mode in enumerate(modes):
            strengths.plot(tau, mode, color=f"C{j}")
            cost.axvline(switch_time(s[j], start, depth=depth), color=f"C{j}", ls=":")
        cost.plot(tau, np.sum((s[:, np.newaxis] - modes) ** 2, axis=0) / np.sum(s**2), color="C5")
        strengths.set(xlabel="time", ylabel="strength of the modes", ylim=(-0.03, 1.08))
        cost.set(xlabel="time", ylabel="cost", ylim=(0, 1.08))

    controls = [
        _slider("depth", "layers N", *DEPTHS, depth, step=1, integer=True),
        _slider("start", "strength at the start", *STARTS, start, log=True),
        _slider("ratio", "strength of each mode over the one before", *RATIOS, ratio, step=0.01),
        {"type": "checkbox", "name": "random", "label": "random start", "value": False},
    ]
    return ComputedPlot(
        "linear-modes",
        {"draws": [[_short(value, 6) for value in row] for row in draws]},
        controls,
        still=draw_still(draw),
        alt=alt,
        height=height,
    )


class SharpnessLive(Interactive):
    """A small network that descends in the page, and the sharpness of its cost against 2/eta.

    One hidden layer of tanh units, one input, one output, all samples at every step. The page
    computes the gradient by backpropagation and the largest eigenvalue of the Hessian by power
    iteration on differences of gradients (``eq-what-training-finds-product``). The learning rate
    can be changed while it runs. Nothing moves before the reader asks for it.

    Parameters
    ----------
    x, y : array-like of shape (n_samples,)
        At most 60 points; the network sees both standardised.
    hidden : int, default=20
        Hidden units, 2 to 40.
    eta : float, default=0.1
        Learning rate at the beginning, 0.02 to 0.5.
    xlabel, ylabel : str
        Names of the axes, with units.
    alt : str
        What is seen, in at least 40 characters.
    height : (int, int)
        Height in pixels on narrow and on wide pages.

    Raises
    ------
    ValueError
        If an argument has a value that is not possible; it is named.
    """

    _esm = bundle("sharpnesslive.js")
    data = traitlets.Dict().tag(sync=True)
    eta = traitlets.Float().tag(sync=True)

    def __init__(
        self,
        x: Any,
        y: Any,
        *,
        hidden: int = 20,
        eta: float = 0.1,
        xlabel: str = "x",
        ylabel: str = "y",
        alt: str,
        height: tuple[int, int] = (1080, 640),
    ) -> None:
        x = check_vector("x", x)
        y = check_vector("y", y, x.size)
        if x.size > 60:
            raise ValueError(f"x must have at most 60 entries, got {x.size}")
        for name, values in (("x", x), ("y", y)):
            if np.ptp(values) == 0:
                raise ValueError(f"{name} must not be all equal")
        hidden, eta = _check_count("hidden", hidden, 2, 40), check_between("eta", eta, ETAS)
        scale = {name: [float(v.mean()), float(v.std())] for name, v in (("x", x), ("y", y))}
        given = {name: (v - v.mean()) / v.std() for name, v in (("x", x), ("y", y))}
        starts = [tiny_network(hidden, seed) for seed in range(BEGINNINGS)]

        def draw(figure: Figure) -> None:
            """Draw the data and the network before the first step."""
            axes = figure.subplots()
            at = np.linspace(given["x"].min(), given["x"].max(), 121)
            f = tiny_forward(starts[0], at)
            axes.plot(scale["x"][0] + scale["x"][1] * at, scale["y"][0] + scale["y"][1] * f)
            axes.plot(x, y, "o", color="C5", markersize=4)
            axes.set(xlabel=xlabel, ylabel=ylabel)

        super().__init__(
            data={
                **{name: [_short(value, 8) for value in values] for name, values in given.items()},
                "hidden": hidden,
                "starts": [[_short(value, 6) for value in start] for start in starts],
                "scale": scale,
                "xlabel": xlabel,
                "ylabel": ylabel,
            },
            eta=eta,
            still=draw_still(draw),
            alt=check_alt(alt),
            height=check_height(height),
        )


def tiny_network(hidden: int, seed: int) -> np.ndarray:
    """Draw the weights with which the page begins: Glorot's, the inner ones twice as large."""
    network = FeedForwardNetwork([1, hidden, 1], "tanh", seed=seed)
    network.parameters[0][...] *= 2
    return flatten(network.parameters)


def tiny_forward(theta: np.ndarray, x: np.ndarray) -> np.ndarray:
    """Evaluate the network of a vector of parameters."""
    hidden = theta.size // 3
    w, b, outer = (theta[i * hidden : (i + 1) * hidden] for i in range(3))
    return np.tanh(np.outer(x, w) + b) @ outer + theta[-1]
