"""The kernel editor: nine numbers, an image, and whether the output moves with the input."""

from __future__ import annotations

from typing import Any

import numpy as np
import traitlets
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure

from dlmath.interactive._base import (
    Interactive,
    check_alt,
    check_height,
    check_vector,
    draw_still,
)
from dlmath.interactive._bundle import bundle

KERNELS: dict[str, list[float]] = {
    "identity": [0, 0, 0, 0, 1, 0, 0, 0, 0],
    "blur": [1 / 9] * 9,
    "edge, left to right": [-1, 0, 1, -2, 0, 2, -1, 0, 1],
    "Laplacian": [0, 1, 0, 1, -4, 1, 0, 1, 0],
    "sharpen": [0, -1, 0, -1, 5, -1, 0, -1, 0],
    "shift by one": [0, 0, 0, 1, 0, 0, 0, 0, 0],
}
PICTURES = ("input", "output", "difference")


class KernelEditor(Interactive):
    """A 3 by 3 kernel that the reader sets, an image that the reader shifts, and the result.

    The kernel is applied as in `dlmath.convolution.conv2d`, without turning it round. Beside the
    output stands its difference from the shifted output of the image before the shift: zero on a
    torus, and not zero where zeros have been put beyond the edge.

    Parameters
    ----------
    images : dict of str to array-like of shape (size, size)
        The images to choose from, all of one size; the first is shown first.
    kernel : str, default="edge, left to right"
        The kernel at the beginning, a key of `KERNELS`.
    shift : (int, int), default=(0, 0)
        Pixels down and to the right at the beginning, each from 0 to size - 1.
    circular : bool, default=True
        Whether the image is a torus at the beginning.
    alt : str
        What is seen, in at least 40 characters.
    height : (int, int)
        Height in pixels on narrow and on wide pages.

    Raises
    ------
    ValueError
        If an argument is not possible; it is named.
    """

    _esm = bundle("kerneleditor.js")
    data = traitlets.Dict().tag(sync=True)
    image = traitlets.Unicode().tag(sync=True)
    kernel = traitlets.List(traitlets.Float(), minlen=9, maxlen=9).tag(sync=True)
    shift = traitlets.List(traitlets.Int(), minlen=2, maxlen=2).tag(sync=True)
    circular = traitlets.Bool().tag(sync=True)

    def __init__(
        self,
        images: dict[str, Any],
        *,
        kernel: str = "edge, left to right",
        shift: tuple[int, int] = (0, 0),
        circular: bool = True,
        alt: str,
        height: tuple[int, int] = (700, 520),
    ) -> None:
        checked = _check_images(images)
        first = next(iter(checked))
        size = len(checked[first])
        if kernel not in KERNELS:
            raise ValueError(f"kernel must be one of {', '.join(KERNELS)}, got {kernel!r}")
        moves = check_vector("shift", shift, 2)
        if (moves != moves.round()).any() or (moves < 0).any() or (moves >= size).any():
            raise ValueError(f"shift must be two integers from 0 to {size - 1}, got {shift!r}")
        down, right = int(moves[0]), int(moves[1])
        weights = [float(value) for value in KERNELS[kernel]]
        pictures = _compute(np.array(checked[first]), weights, (down, right), bool(circular))
        super().__init__(
            data={"images": checked, "kernels": KERNELS},
            image=first,
            kernel=weights,
            shift=[down, right],
            circular=bool(circular),
            still=draw_still(lambda figure: _draw(figure, pictures), (7.2, 2.8)),
            alt=check_alt(alt),
            height=check_height(height),
        )


def _check_images(images: Any) -> dict[str, list]:
    """Check square images of one size and round them for the page."""
    if not isinstance(images, dict) or not images:
        raise ValueError("images must be a dict with at least one image")
    checked: dict[str, list] = {}
    for name, image in images.items():
        array = np.asarray(image, dtype=float)
        if array.ndim != 2 or array.shape[0] != array.shape[1] or not 3 <= len(array) <= 64:
            raise ValueError(f"images must be square, with 3 to 64 pixels an edge: {name!r} is not")
        if not np.isfinite(array).all():
            raise ValueError(f"images contain NaN or infinity: {name!r}")
        checked[str(name)] = array.round(4).tolist()
    if len({len(image) for image in checked.values()}) > 1:
        raise ValueError("images must all have one size")
    return checked


def _compute(
    image: np.ndarray, kernel: list[float], shift: tuple[int, int], circular: bool
) -> dict[str, np.ndarray]:
    """Apply the kernel by a sum over its nine shifts."""

    def apply(x: np.ndarray) -> np.ndarray:
        padded = np.pad(x, 1, mode="wrap" if circular else "constant")
        n = len(x)
        return sum(kernel[3 * u + v] * padded[u : u + n, v : v + n] for u, v in np.ndindex(3, 3))

    shifted = np.roll(image, shift, axis=(0, 1))
    output = apply(shifted)
    moved = np.roll(apply(image), shift, axis=(0, 1))
    return {"input": shifted, "output": output, "difference": output - moved}


def _draw(figure: Figure, pictures: dict[str, np.ndarray]) -> None:
    """Draw the first state: blue is positive, orange negative."""
    titles = ("input x, shifted", "output of the kernel", "output minus shifted output")
    scale = {"input": np.abs(pictures["input"]).max(), "output": np.abs(pictures["output"]).max()}
    scale["difference"] = scale["output"]
    for axes, name, title in zip(figure.subplots(1, 3), PICTURES, titles, strict=True):
        share = np.clip(np.abs(pictures[name]) / (scale[name] or 1), 0, 1)[..., np.newaxis]
        colour = np.where(pictures[name][..., np.newaxis] < 0, to_rgb("C1"), to_rgb("C0"))
        axes.imshow(1 - share * (1 - colour) - 0.06 * (1 - share), interpolation="nearest")
        axes.set_axis_off()
        axes.set_title(title, fontsize=9)
