"""The figure to move of the chapter on automatic differentiation: a program, step by step."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.figure import Figure

from dlmath.autodiff import Variable, backward
from dlmath.interactive._base import draw_still
from dlmath.interactive._computed import ComputedPlot, _select, _slider

MODES = ("reverse", "forward along x", "forward along y")

# By the words of the menu: lines as operation, arguments and text, and where each node is drawn.
# The values are numbered from the inputs on, which are 0 and 1.
Line = tuple[str, tuple[int, ...], str]
PROGRAMS: dict[str, tuple[tuple[Line, ...], tuple[tuple[float, float], ...]]] = {
    "x y + sin x": (
        (("multiply", (0, 1), "x · y"), ("sin", (0,), "sin x"), ("add", (2, 3), "v₂ + v₃")),
        ((0, 0), (2, 0), (1.6, 1.9), (0.3, 1.9), (1, 3.8)),
    ),
    "exp(x) (exp(x) + y)": (
        (("exp", (0,), "exp x"), ("add", (2, 1), "v₂ + y"), ("multiply", (2, 3), "v₂ · v₃")),
        ((0, 0), (2, 0), (0.2, 1.6), (1.7, 2.4), (0.8, 3.8)),
    ),
    "(x − y) / (x + y)": (
        (("subtract", (0, 1), "x − y"), ("add", (0, 1), "x + y"), ("divide", (2, 3), "v₂ / v₃")),
        ((0, 0), (2, 0), (0, 2), (2, 2), (1, 3.8)),
    ),
    "(tanh(x y) − 1)²": (
        (
            ("multiply", (0, 1), "x · y"),
            ("tanh", (2,), "tanh v₂"),
            ("minus one", (3,), "v₃ − 1"),
            ("square", (4,), "v₄ · v₄"),
        ),
        ((0, 0), (2, 0), (1, 1), (1, 2), (1, 3), (1, 4)),
    ),
    "log(exp(x) + exp(y))": (
        (
            ("exp", (0,), "exp x"),
            ("exp", (1,), "exp y"),
            ("add", (2, 3), "v₂ + v₃"),
            ("log", (4,), "log v₄"),
        ),
        ((0, 0), (2, 0), (0.2, 1.4), (1.8, 1.4), (1, 2.7), (1, 4)),
    ),
}


def tape_stepper(
    *,
    program: str = "x y + sin x",
    mode: str = "reverse",
    step: int = 5,
    x: float = 2.0,
    y: float = 1.5,
    alt: str,
    height: tuple[int, int] = (980, 560),
) -> ComputedPlot:
    """Follow forward or reverse mode through a small program of two inputs, line by line.

    Parameters
    ----------
    program : str
        The program at the beginning, by the words of the menu.
    mode : {"reverse", "forward along x", "forward along y"}, default="reverse"
        What is carried through it.
    step : int, default=5
        How many steps have been made at the beginning, from 0 to 9.
    x, y : float
        The inputs at the beginning, from 0.1 to 3.
    alt : str
        What is seen, in at least 40 characters.
    height : (int, int)
        Height in pixels on narrow and on wide pages.

    Raises
    ------
    ValueError
        If an argument has a value that is not possible; it is named.
    """
    for name, given, options in (("program", program, tuple(PROGRAMS)), ("mode", mode, MODES)):
        if given not in options:
            raise ValueError(f"{name} must be one of {'; '.join(options)}, got {given!r}")
    most = 2 * max(len(lines) for lines, _ in PROGRAMS.values()) + 1
    if not isinstance(step, int) or not 0 <= step <= most:
        raise ValueError(f"step must be an integer from 0 to {most}, got {step!r}")
    for name, value in (("x", x), ("y", y)):
        if not 0.1 <= value <= 3:
            raise ValueError(f"{name} must be a number from 0.1 to 3, got {value!r}")

    def draw(figure: Figure) -> None:
        """Draw the graph of the first program with its values and adjoints, by the engine."""
        first, second = Variable(x), Variable(y)
        product, sine = first * second, np.sin(first)
        total = product + sine
        nodes = [first, second, product, sine, total]
        _, places = PROGRAMS["x y + sin x"]
        axes = figure.subplots()
        for own, arguments in ((2, (0, 1)), (3, (0,)), (4, (2, 3))):
            for k in arguments:
                axes.annotate("", places[own], places[k], arrowprops={"arrowstyle": "->"})
        adjoints = backward(total, nodes)
        for k, (node, adjoint) in enumerate(zip(nodes, adjoints, strict=True)):
            text = f"$v_{k}$ = {float(node.value):.3f}, adjoint {float(adjoint):.3f}"
            box = {"facecolor": "white", "edgecolor": "none"}
            axes.text(*places[k], text, ha="center", va="center", bbox=box)
        axes.set(xlim=(-0.8, 2.8), ylim=(-0.6, 4.4))
        axes.set_axis_off()

    controls: list[dict[str, Any]] = [
        _select("program", "program", list(PROGRAMS), program),
        _select("mode", "mode", list(MODES), mode),
        _slider("step", "step", 0, most, step, step=1, integer=True),
        {"type": "play", "name": "play", "label": "Play", "slider": "step", "seconds": 9},
        _slider("x", "input x", 0.1, 3, x, step=0.1),
        _slider("y", "input y", 0.1, 3, y, step=0.1),
    ]
    data = {
        "programs": {
            words: {
                "lines": [{"op": op, "args": list(args)} for op, args, _ in lines],
                "names": ["x", "y", *(text for *_, text in lines)],
                "places": [list(place) for place in places],
            }
            for words, (lines, places) in PROGRAMS.items()
        }
    }
    return ComputedPlot(
        "tape", data, controls, still=draw_still(draw, (7.2, 4.0)), alt=alt, height=height
    )
