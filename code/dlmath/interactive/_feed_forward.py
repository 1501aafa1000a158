"""Figures to move of the chapter on feed-forward networks, computed in the page."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from scipy.special import expit

from dlmath.interactive._base import check_vector, draw_still
from dlmath.interactive._computed import ComputedPlot, _select, _slider

NAMES = ("w11", "w21", "b1", "w12", "w22", "b2", "v1", "v2", "c")
LABELS = ("w₁₁", "w₂₁", "b₁", "w₁₂", "w₂₂", "b₂", "v₁", "v₂", "c")
# Of two sliders in a row, each belongs to one hidden unit.
IN_PAIRS = ("w11", "w12", "w21", "w22", "b1", "b2", "v1", "v2", "c")
REACH = (12.0, 12.0, 18.0, 12.0, 12.0, 18.0, 3.0, 3.0, 3.0)
XOR = (10.0, 10.0, -5.0, 10.0, 10.0, -15.0, 1.0, -1.0, 0.0)
PLANE = (-0.5, 1.5)
NODES = {"x1": (0.5, 3.0), "x2": (0.5, 1.0), "a1": (2.0, 3.0), "a2": (2.0, 1.0), "f": (3.5, 2.0)}
EDGES = {
    "w11": ("x1", "a1"),
    "w21": ("x2", "a1"),
    "w12": ("x1", "a2"),
    "w22": ("x2", "a2"),
    "v1": ("a1", "f"),
    "v2": ("a2", "f"),
}


def _draw_network(axes: Axes, weights: dict[str, float]) -> None:
    """Draw nodes, and lines that are as wide as the weights are large."""
    for name, ends in EDGES.items():
        (x0, y0), (x1, y1) = (NODES[end] for end in ends)
        weight, reach = weights[name], dict(zip(NAMES, REACH, strict=True))[name]
        colour = "C0" if weight > 0 else "C1" if weight < 0 else "C5"
        axes.plot([x0, x1], [y0, y1], color=colour, linewidth=1 + 5 * abs(weight) / reach)
        at = 0.33 if name in ("w21", "w12") else 0.5
        axes.annotate(
            f"{weight:g}",
            (x0 + at * (x1 - x0), y0 + at * (y1 - y0)),
            xytext=(0, 6),
            textcoords="offset points",
            ha="center",
            color=colour,
        )
    for name, (x, y) in NODES.items():
        axes.plot(x, y, "o", ms=24, color="C5", fillstyle="none")
        axes.annotate(name, (x, y), ha="center", va="center")
    axes.set(xlim=(0, 4), ylim=(0.4, 3.6))
    axes.axis("off")


def two_two_one(
    weights: Any = XOR,
    *,
    probe: Any = (0.75, 0.25),
    alt: str,
    height: tuple[int, int] = (1400, 800),
) -> ComputedPlot:
    """Set the nine weights of a network of two inputs, two hidden units and one output.

    The output is ``f(x) = v1 s(w11 x1 + w21 x2 + b1) + v2 s(w12 x1 + w22 x2 + b2) + c`` with
    the logistic function, the hyperbolic tangent, ReLU or a step in the place of ``s``. The page
    draws the network with the values at a point that is dragged, and the plane with the line
    f = 0.5; buttons set the weights to XOR, AND, a ridge and a corner.

    Parameters
    ----------
    weights : array-like of shape (9,)
        w11, w21, b1, w12, w22, b2, v1, v2, c at the beginning, with the logistic function; XOR if
        not given. At most 12 for the weights of the hidden units, 18 for their biases and 3 for
        the output, in size.
    probe : array-like of shape (2,), default=(0.75, 0.25)
        The point at the beginning, from -0.5 to 1.5.
    alt : str
        What is seen, in at least 40 characters.
    height : (int, int)
        Height in pixels on narrow and on wide pages.
    """
    values = check_vector("weights", weights, 9)
    if (np.abs(values) > REACH).any():
        raise ValueError(f"weights must be at most {REACH} in size, got {values.tolist()}")
    probe = check_vector("probe", probe, 2)
    if (probe < PLANE[0]).any() or (probe > PLANE[1]).any():
        raise ValueError(f"probe must lie between {PLANE[0]} and {PLANE[1]}, got {probe.tolist()}")
    given = dict(zip(NAMES, values.tolist(), strict=True))

    def draw(figure: Figure) -> None:
        """Draw the first state with NumPy on a grid of samples in rows."""
        network, plane = figure.subplots(1, 2)
        _draw_network(network, given)
        at = np.linspace(*PLANE, 81)
        X = np.stack(np.meshgrid(at, at), axis=-1)
        Z = X @ values[[0, 1, 3, 4]].reshape(2, 2).T + values[[2, 5]]
        f = expit(Z) @ values[[6, 7]] + values[8]
        plane.contourf(at, at, f, [-9, 0, 0.5], colors=["C1", "C1"], alpha=0.3)
        plane.contourf(at, at, f, [0.5, 1, 9], colors=["C0", "C0"], alpha=0.3)
        plane.contour(at, at, f, [0.5], colors="C5", linewidths=1.8)
        for j, (colour, style) in enumerate((("C2", "--"), ("C3", ":"))):
            plane.contour(at, at, Z[..., j], [0], colors=colour, linestyles=style)
        corners = np.array([[0, 0], [1, 0], [0, 1], [1, 1]])
        high = f[20::40, 20::40].T.ravel()[[0, 2, 1, 3]] > 0.5
        plane.plot(*corners[high].T, "o", color="C0", ms=9)
        plane.plot(*corners[~high].T, "o", color="C1", ms=9, fillstyle="none", mew=2)
        plane.set(xlabel="$x_1$", ylabel="$x_2$", aspect="equal", xticks=[0, 1], yticks=[0, 1])

    sliders = {
        name: _slider(name, label, -reach, reach, value, step=reach / 120)
        for name, label, reach, value in zip(NAMES, LABELS, REACH, given.values(), strict=True)
    }
    controls: list[dict[str, Any]] = [
        *({"type": "button", "name": key, "label": text} for key, text in _PRESETS.items()),
        _select("activation", "Activation", ["logistic", "tanh", "ReLU", "step"], "logistic"),
        *(sliders[name] for name in IN_PAIRS),
        {
            "type": "point",
            "name": "probe",
            "label": "The point whose values the network shows",
            "panel": 1,
            "color": 6,
            "value": probe.tolist(),
            "min": [PLANE[0], PLANE[0]],
            "max": [PLANE[1], PLANE[1]],
        },
    ]
    data = {"hidden": REACH[0], "output": REACH[6]}
    return ComputedPlot(
        "two-two-one", data, controls, still=draw_still(draw), alt=alt, height=height
    )


_PRESETS = {"xor": "XOR", "and": "AND", "ridge": "A ridge", "corner": "A corner"}
