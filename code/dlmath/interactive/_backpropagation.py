"""A network with one hidden layer, whose forward and backward values are stepped through."""

from __future__ import annotations

from typing import Any

import numpy as np
import traitlets
from matplotlib.figure import Figure

from dlmath.interactive._base import (
    Interactive,
    check_alt,
    check_height,
    check_vector,
    draw_still,
)
from dlmath.interactive._bundle import bundle
from dlmath.interactive._computed import _check_count

STEPS = 9
RANGE = 3.0
ACTIVATIONS = ("logistic", "tanh", "ReLU")


class BackpropagationSteps(Interactive):
    """Step through the values and the derivatives of a small network, for one sample.

    The network has one hidden layer and one output, the same activation in both, and the loss
    (a - y)^2. Steps 1 to 5 go forward, steps 6 to 9 backward; then one may move all parameters a
    step downhill. Every number can be changed.

    Parameters
    ----------
    x : array-like of shape (n_inputs,)
        The sample: one to three inputs.
    y : float
        Its target.
    W1 : array-like of shape (n_inputs, n_hidden)
        Weights into the hidden layer of one to three nodes; row i belongs to input i.
    b1 : array-like of shape (n_hidden,)
        Its biases.
    w2 : array-like of shape (n_hidden,)
        Weights into the output.
    b2 : float
        Its bias. All numbers lie between -3 and 3.
    activation : {"logistic", "tanh", "ReLU"}, default="logistic"
        The activation at the beginning.
    step : int, default=0
        The step at the beginning, 0 to 9.
    alt : str
        What is seen, in at least 40 characters.
    height : (int, int)
        Height in pixels on narrow and on wide pages.

    Raises
    ------
    ValueError
        If an argument has a value that is not possible; it is named.
    """

    _esm = bundle("backpropagation.js")
    data = traitlets.Dict().tag(sync=True)
    params = traitlets.Dict().tag(sync=True)

    def __init__(
        self,
        x: Any,
        y: float,
        W1: Any,
        b1: Any,
        w2: Any,
        b2: float,
        *,
        activation: str = "logistic",
        step: int = 0,
        alt: str,
        height: tuple[int, int] = (760, 560),
    ) -> None:
        x, b1 = check_vector("x", x), check_vector("b1", b1)
        inputs = _check_count("the length of x", x.size, 1, 3)
        hidden = _check_count("the length of b1", b1.size, 1, 3)
        if np.shape(W1) != (inputs, hidden):
            raise ValueError(f"W1 must have shape ({inputs}, {hidden}), got {np.shape(W1)}")
        parts = {"x": x, "y": [y], "W1": np.ravel(W1), "b1": b1, "w2": w2, "b2": [b2]}
        sizes = (inputs, 1, inputs * hidden, hidden, hidden, 1)
        checked = [
            check_vector(name, part, size)
            for (name, part), size in zip(parts.items(), sizes, strict=True)
        ]
        for name, part in zip(parts, checked, strict=True):
            if np.abs(part).max() > RANGE:
                raise ValueError(f"{name} must lie between -{RANGE:g} and {RANGE:g}")
        if activation not in ACTIVATIONS:
            raise ValueError(f"activation must be one of {ACTIVATIONS}, got {activation!r}")
        step = _check_count("step", step, 0, STEPS)
        start = np.concatenate(checked).tolist()
        first_weight = inputs + 1
        super().__init__(
            data={"inputs": inputs, "hidden": hidden, "start": start, "chosen": first_weight},
            params={"step": step, "activation": activation, "values": start},
            still=draw_still(lambda figure: _draw(figure, checked, inputs, hidden), (7.2, 3.2)),
            alt=check_alt(alt),
            height=check_height(height),
        )


def _heights(count: int) -> np.ndarray:
    return np.zeros(1) if count == 1 else np.linspace(1, -1, count)


def _draw(figure: Figure, parts: list[np.ndarray], inputs: int, hidden: int) -> None:
    """Draw the network with its inputs and parameters, before the first step."""
    x, y, W1, b1, w2, b2 = parts
    axes = figure.subplots()
    axes.set(xlim=(-0.3, 3.3), ylim=(-1.7, 1.6))
    axes.set_axis_off()
    layers = [_heights(inputs), _heights(hidden), np.zeros(1), np.zeros(1)]
    weights = [W1.reshape(inputs, hidden), w2.reshape(hidden, 1), np.array([[np.nan]])]
    for at, matrix in enumerate(weights):
        for (i, j), weight in np.ndenumerate(matrix):
            p, q = layers[at][i], layers[at + 1][j]
            ends = np.array([0.13, 0.87])
            line = ":" if at == 2 else "-"
            axes.plot(at + ends, p + ends * (q - p), line, color="C5", lw=1)
            t = 0.5 if p == q else 0.33
            if at < 2:
                axes.text(at + t, p + t * (q - p) + 0.1, f"{weight:.2f}", ha="center")
    empty = np.array([np.nan])
    labels = [x, np.full(hidden, np.nan), empty, empty]
    below = [np.full(inputs, np.nan), b1, b2, y]
    for at, name in enumerate(("x", "hidden", "output", "loss")):
        axes.text(at, 1.45, name, ha="center", color="C5")
        for k, high in enumerate(layers[at]):
            axes.plot(at, high, "o", ms=24, mfc="none", mec="C5")
            if np.isfinite(labels[at][k]):
                axes.text(at, high, f"{labels[at][k]:.2f}", ha="center", va="center")
            if np.isfinite(below[at][k]):
                letter = "y" if at == 3 else "b"
                axes.text(at, high - 0.4, f"{letter} {below[at][k]:.2f}", ha="center", va="top")
