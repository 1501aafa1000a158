"""Figure to move of the chapter on adaptive methods: the running means of Adam, and its step."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure

from dlmath.interactive._base import check_between, draw_still
from dlmath.interactive._computed import ComputedPlot, _check_count, _select, _slider
from dlmath.interactive._random import lehmer_normals

STEPS = (20, 400)
MEMORIES = (1.0, 100.0), (1.0, 1000.0)
NOISES, DRAWS = (0.0, 3.0), (1, 20)
SIGNALS = (
    "constant",
    "drifting through zero",
    "silence, then one gradient",
    "growing, the worst case",
)


def adam_running_means(
    *,
    noise: float = 0.5,
    memory1: float = 10.0,
    memory2: float = 1000.0,
    steps: int = 150,
    alt: str,
    height: tuple[int, int] = (1240, 620),
) -> ComputedPlot:
    """Show Adam's two running means of a sequence of gradients, and the step that they make.

    Each with and without the correction for the start at zero. The gradients are one of four
    sequences, with normal noise added: constant, drifting through zero, one gradient after
    silence, or growing by the factor ``beta2 / beta1`` at each step, which makes the longest step
    that is possible (equation ``eq-adaptive-methods-largest``).

    Parameters
    ----------
    noise : float, default=0.5
        Standard deviation of the noise at the beginning, from 0 to 3.
    memory1, memory2 : float, default=10 and 1000
        The memories ``1 / (1 - beta)`` of the two means at the beginning, in steps, from 1 to 100
        and from 1 to 1000.
    steps : int, default=150
        Number of gradients, even, from 20 to 400.
    alt : str
        What is seen, in at least 40 characters.
    height : (int, int)
        Height in pixels on narrow and on wide pages.
    """
    noise = check_between("noise", noise, NOISES)
    memory1 = check_between("memory1", memory1, MEMORIES[0])
    memory2 = check_between("memory2", memory2, MEMORIES[1])
    steps = _check_count("steps", steps, *STEPS)
    if steps % 2:
        raise ValueError(f"steps must be even, got {steps}")

    def draw(figure: Figure) -> None:
        """Draw the first state, from the weights of each gradient in the two means."""
        beta1, beta2 = 1 - 1 / memory1, 1 - 1 / memory2
        k = np.arange(1, steps + 1)
        g = 1 + noise * lehmer_normals(7919, steps)
        age = np.maximum(k[:, np.newaxis] - k, 0)
        earlier = k <= k[:, np.newaxis]
        m = (1 - beta1) * np.where(earlier, beta1**age, 0) @ g
        root = np.sqrt((1 - beta2) * np.where(earlier, beta2**age, 0) @ g**2)
        share1, share2 = 1 - beta1**k, np.sqrt(1 - beta2**k)
        axes = figure.subplots(1, 3)
        axes[0].plot(k, g, ".", color="C5", markersize=3)
        for panel, plain, share, name in zip(
            axes,
            (m, root, m / root),
            (share1, share2, share1 / share2),
            ("mean m", "root of v", "step / η"),
            strict=True,
        ):
            panel.plot(k, plain, "--", color="C1", label="not corrected")
            panel.plot(k, plain / share, color="C0", label="corrected")
            panel.set(xlabel="step k", ylabel=name)
        axes[2].legend()

    controls = [
        _select("signal", "gradients", SIGNALS, SIGNALS[0]),
        _slider("noise", "noise of the gradients", *NOISES, noise, step=0.1),
        _slider("memory1", "memory of the mean, 1/(1 − β₁)", *MEMORIES[0], memory1, log=True),
        _slider("memory2", "memory of the square, 1/(1 − β₂)", *MEMORIES[1], memory2, log=True),
        _slider("draw", "draw", *DRAWS, 1, step=1, integer=True),
    ]
    return ComputedPlot(
        "running-means",
        {"steps": steps},
        controls,
        still=draw_still(draw, (7.2, 2.8)),
        alt=alt,
        height=height,
    )
