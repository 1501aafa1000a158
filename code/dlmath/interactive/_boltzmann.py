"""Figure to move of the chapter on Boltzmann machines: a Gibbs chain that dreams in the page."""

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
    float16_text,
)
from dlmath.interactive._bundle import bundle

PIXELS = 64
MOST_UNITS = 128
TEMPERATURES = (0.3, 3.0)
FIRST = 3


class GibbsLive(Interactive):
    """Block Gibbs sampling of a restricted Boltzmann machine on pictures of 8 by 8 pixels.

    The page draws all hidden units given the picture and all pixels given the hidden units
    (``eq-boltzmann-machines-conditionals``) from the weights in half precision. The reader can
    hold pixels as ink or paper with the pointer, or the upper half of a digit by a button, and
    change the temperature. Nothing moves before the reader asks for it.

    Parameters
    ----------
    W : array-like of shape (64, hidden)
        Couplings, of at most 128 hidden units.
    b, c : array-like of shapes (64,) and (hidden,)
        Biases of the pixels and of the hidden units.
    examples : array-like of shape (n_examples, 64)
        Pictures of 0 and 1, at least four, named by their row.
    level : float
        A level of the free energy to compare with, such as the mean of unseen pictures.
    temperature : float, default=1.0
        Temperature at the beginning, 0.3 to 3.
    alt : str
        What is seen, in at least 40 characters.
    height : (int, int)
        Height in pixels on narrow and on wide pages.

    Raises
    ------
    ValueError
        If an argument has a value that is not possible; it is named.
    """

    _esm = bundle("gibbslive.js")
    data = traitlets.Dict().tag(sync=True)
    temperature = traitlets.Float().tag(sync=True)

    def __init__(
        self,
        W: Any,
        b: Any,
        c: Any,
        *,
        examples: Any,
        level: float,
        temperature: float = 1.0,
        alt: str,
        height: tuple[int, int] = (1180, 660),
    ) -> None:
        weights = np.asarray(W, dtype=float)
        if weights.ndim != 2 or weights.shape[0] != PIXELS or weights.shape[1] > MOST_UNITS:
            raise ValueError(
                f"W must have shape ({PIXELS}, hidden) with at most {MOST_UNITS} hidden units, "
                f"got {weights.shape}"
            )
        pixels, units = check_vector("b", b, PIXELS), check_vector("c", c, weights.shape[1])
        pictures = np.asarray(examples)
        if pictures.ndim != 2 or pictures.shape[1] != PIXELS or len(pictures) <= FIRST:
            raise ValueError(f"examples must have at least {FIRST + 1} rows of {PIXELS} pixels")
        if not np.isin(pictures, (0, 1)).all():
            raise ValueError("examples must hold 0 and 1")
        start = float(check_vector("temperature", [temperature])[0])
        if not TEMPERATURES[0] <= start <= TEMPERATURES[1]:
            raise ValueError(f"temperature must lie between 0.3 and 3, got {start:g}")
        reference = float(check_vector("level", [level])[0])
        scale = float(np.quantile(np.abs(weights), 0.98))

        def draw(figure: Figure) -> None:
            """Draw the first picture, the weights and the level."""
            axes = figure.subplot_mosaic([["x", "W"], ["F", "F"]], height_ratios=[3, 2])
            axes["x"].imshow(pictures[FIRST].reshape(8, 8), cmap="Greys", vmin=0, vmax=1.1)
            tiles = np.full((10 * -(-units.size // 8), 80), np.nan)
            for j in range(units.size):
                top, left = 10 * (j // 8) + 1, 10 * (j % 8) + 1
                tiles[top : top + 8, left : left + 8] = weights[:, j].reshape(8, 8)
            axes["W"].imshow(tiles, cmap="PuOr_r", vmin=-scale, vmax=scale)
            axes["F"].axhline(reference, color="C5", linestyle="--")
            axes["F"].set(xlim=(0, 300), ylim=(reference - 10, reference + 30))
            axes["F"].set(xlabel="sweeps", ylabel="free energy F")
            for name in "xW":
                axes[name].set_axis_off()

        super().__init__(
            data={
                "W": float16_text(weights),
                "b": float16_text(pixels),
                "c": float16_text(units),
                "units": int(units.size),
                "examples": pictures.astype(int).tolist(),
                "level": reference,
                "scale": scale,
                "seed": 1,
            },
            temperature=start,
            still=draw_still(draw, (7.2, 5.2)),
            alt=check_alt(alt),
            height=check_height(height),
        )
