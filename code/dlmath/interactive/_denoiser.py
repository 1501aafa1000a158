"""Figure to move of the chapters on diffusion: a network that draws, one step at a time."""

from __future__ import annotations

import base64
import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import traitlets
from matplotlib.figure import Figure
from numpy.typing import NDArray

from dlmath.interactive._base import (
    check_alt,
    check_between,
    check_choice,
    check_height,
    check_limits,
    draw_still,
    float16_text,
)
from dlmath.interactive._bundle import bundle
from dlmath.interactive._weights import LoadsWeights
from dlmath.weights import PackedWeights, pack_weights

COLUMNS = 9
MOST_STEPS = 40
SAMPLERS = ("euler", "midpoint")
DIGITS = tuple("0123456789")


class DenoiserLive(LoadsWeights):
    """Pictures drawn step by step by a shipped network of flow matching that knows labels.

    The network is loaded when the reader asks. Until then the figure shows what the page drew with
    it; afterwards it begins with the page's noise, and the reader chooses the label, the guidance
    (``eq-guidance-and-latent-diffusion-free``), the number of steps, the method and the noise.

    Parameters
    ----------
    name : str
        Shipped model, a `FlowMatching` with ``classes``, of square pictures.
    states : array-like of shape (steps + 1, pixels)
        The page's states on the way from noise to picture, in the network's units, such as
        ``model.transport(noise, steps, path=True, ...)[:, 0]``.
    estimates : array-like of shape (steps, pixels)
        What the network expected the picture to become at each state but the last.
    label : int
        With which the page drew.
    guidance : float, default=1.0
        With which the page drew, from 0 to 6.
    sampler : {"euler", "midpoint"}, default="euler"
        With which the page drew.
    names : sequence of str, default="0" to "9"
        Of the labels.
    what : str, default="Digit"
        What a label is.
    limits : (float, float), optional
        Values of paper and of ink in the units of the data; 0 and the highest level for a model
        with ``levels``.
    alt : str
        What is seen, in at least 40 characters.
    height : (int, int)
        Height in pixels on narrow and on wide pages.

    Raises
    ------
    ValueError
        If an argument has a value that is not possible; it is named.
    """

    _esm = bundle("denoiserlive.js")
    data = traitlets.Dict().tag(sync=True)

    def __init__(
        self,
        name: str,
        states: Any,
        estimates: Any,
        *,
        label: int,
        guidance: float = 1.0,
        sampler: str = "euler",
        names: Sequence[str] = DIGITS,
        what: str = "Digit",
        limits: tuple[float, float] | None = None,
        alt: str,
        height: tuple[int, int] = (800, 650),
    ) -> None:
        packed = pack_weights(name)
        pixels = _check_model(name, packed, names)
        path, expected = _check_path(states, estimates, pixels)
        if isinstance(label, bool) or label not in range(len(names)):
            raise ValueError(f"label must be from 0 to {len(names) - 1}, got {label!r}")
        ends = _limits(name, packed, limits)
        steps = len(expected)
        chosen = _columns(steps)
        # At its end the way has arrived: what is expected there is the picture itself.
        complete = np.vstack([expected, path[-1:]])
        rows = [_shades(packed, pictures[chosen], ends) for pictures in (path, complete)]

        def draw(figure: Figure) -> None:
            """Draw the states in the upper row and the estimates in the lower."""
            axes = figure.subplots(2, len(chosen), squeeze=False)
            side = math.isqrt(pixels)
            for line, pictures in zip(axes, rows, strict=True):
                for panel, picture in zip(line, pictures, strict=True):
                    panel.imshow(picture.reshape(side, side), cmap="Greys", vmin=0, vmax=1.06)
                    panel.set_axis_off()
            for panel, k in zip(axes[0], chosen, strict=True):
                panel.set_title(f"{k / steps:.2g}")

        super().__init__(
            weights=[name],
            data={
                "name": name,
                "noise": float16_text(path[0]),
                "states": _bytes_text(rows[0]),
                "estimates": _bytes_text(rows[1]),
                "columns": COLUMNS,
                "steps": steps,
                "label": int(label),
                "guidance": check_between("guidance", guidance, (0, 6)),
                "sampler": check_choice("sampler", sampler, SAMPLERS),
                "names": [str(text) for text in names],
                "what": what,
                "limits": ends,
            },
            still=draw_still(draw, (7.2, 2.1)),
            alt=check_alt(alt),
            height=check_height(height),
        )


def _check_model(name: str, packed: PackedWeights, names: Sequence[str]) -> int:
    header = packed.header
    classes = header["parameters"].get("classes", 0)
    if header["model"] != "FlowMatching" or not classes:
        raise ValueError(f"name must be that of a FlowMatching with classes, {name!r} is not one")
    if len(names) != classes:
        raise ValueError(f"names must hold those of {classes} classes, got {len(names)}")
    pixels = int(header["n_features"])
    if math.isqrt(pixels) ** 2 != pixels:
        raise ValueError(f"name must be that of a model of square pictures, got {pixels} features")
    return pixels


def _check_path(states: Any, estimates: Any, pixels: int) -> tuple[NDArray[Any], NDArray[Any]]:
    path, expected = np.asarray(states, dtype=float), np.asarray(estimates, dtype=float)
    steps = len(expected)
    if not 1 <= steps <= MOST_STEPS:
        raise ValueError(f"estimates must hold 1 to {MOST_STEPS} pictures, got {steps}")
    for name, array, count in (("states", path, steps + 1), ("estimates", expected, steps)):
        if array.shape != (count, pixels):
            raise ValueError(f"{name} must have the shape ({count}, {pixels}), got {array.shape}")
        if not np.isfinite(array).all():
            raise ValueError(f"{name} contains NaN or infinity")
    return path, expected


def _limits(name: str, packed: PackedWeights, limits: tuple[float, float] | None) -> list[float]:
    levels = packed.header["parameters"].get("levels")
    if limits is None and levels is None:
        raise ValueError(f"limits must be given, for {name} has no levels")
    return check_limits("limits", (0, levels - 1) if limits is None else limits)


def _columns(steps: int) -> list[int]:
    """Choose the states that the strip shows, as ``stripColumns`` of ``js/models/drawing.js``."""
    count = min(steps + 1, COLUMNS)
    return [math.floor(i * steps / (count - 1) + 0.5) for i in range(count)]


def _shades(packed: PackedWeights, x: Any, limits: list[float]) -> NDArray[Any]:
    """Turn states in the network's units into shades from 0 (paper) to 1 (ink)."""
    arrays = packed.arrays()
    values = np.asarray(x) * arrays["scale"] + arrays["centre"]
    return np.clip((values - limits[0]) / (limits[1] - limits[0]), 0, 1)


def _bytes_text(shades: NDArray[Any]) -> str:
    return base64.b64encode(np.rint(255 * shades).astype(np.uint8).tobytes()).decode()
