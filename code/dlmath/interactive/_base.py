"""What all widgets share: checked input, the still picture, the reserved height."""

from __future__ import annotations

import base64
import io
from collections.abc import Callable, Collection
from typing import Any

import anywidget
import matplotlib as mpl
import matplotlib.style
import numpy as np
import traitlets
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure

from dlmath.interactive._bundle import style

MINIMUM_ALT = 40


class Interactive(anywidget.AnyWidget):
    """A figure to move, with the picture and the words that stand for it where it cannot."""

    _css = style()

    still = traitlets.Unicode(help="SVG picture of the first state").tag(sync=True)
    alt = traitlets.Unicode(help="what is seen, in words").tag(sync=True)
    height = traitlets.List(
        traitlets.Int(), minlen=2, maxlen=2, help="pixels on narrow and on wide pages"
    ).tag(sync=True)


def check_alt(alt: Any) -> str:
    """Check that a text says what is seen at some length."""
    if not isinstance(alt, str) or len(alt.strip()) < MINIMUM_ALT:
        raise ValueError(f"alt must say what is seen in at least {MINIMUM_ALT} characters")
    return alt


def check_vector(name: str, values: Any, length: int | None = None) -> np.ndarray:
    """Give ``values`` as a finite float vector, of the given length if there is one."""
    try:
        array = np.asarray(values, dtype=float)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{name} must hold numbers") from error
    if array.ndim != 1 or array.size == 0:
        raise ValueError(f"{name} must be a non-empty vector, got shape {array.shape}")
    if not np.isfinite(array).all():
        raise ValueError(f"{name} contains NaN or infinity")
    if length is not None and array.size != length:
        raise ValueError(f"{name} must have {length} entries, got {array.size}")
    return array


def check_height(height: Any) -> list[int]:
    """Check a pair of heights in pixels."""
    values = check_vector("height", height, 2)
    if (values < 200).any():
        raise ValueError("height must be two numbers of pixels, at least 200 each")
    return [int(value) for value in values]


def check_limits(name: str, limits: Any) -> list[float]:
    """Check an increasing pair."""
    low, high = check_vector(name, limits, 2)
    if not low < high:
        raise ValueError(f"{name} must increase, got ({low}, {high})")
    return [float(low), float(high)]


def check_between(name: str, value: Any, limits: tuple[float, float]) -> float:
    """Check that a number lies between two limits, or is one of them."""
    number = float(check_vector(name, [value])[0])
    if not limits[0] <= number <= limits[1]:
        raise ValueError(f"{name} must lie between {limits[0]:g} and {limits[1]:g}, got {number:g}")
    return number


def check_number(name: str, value: Any, low: float, high: float) -> float:
    """Check that a value is a number between two limits, or one of them."""
    if not isinstance(value, int | float | np.number) or not low <= value <= high:
        raise ValueError(f"{name} must be a number from {low} to {high}, got {value!r}")
    return float(value)


def check_choice(name: str, value: Any, options: Collection[str]) -> str:
    """Check that a value is one of some words."""
    if value not in options:
        raise ValueError(f"{name} must be one of {', '.join(options)}, got {value!r}")
    return str(value)


def padded(low: float, high: float, share: float = 0.08) -> list[float]:
    """Widen an interval by a share of its length at each end."""
    margin = share * (high - low) or 1.0
    return [float(low - margin), float(high + margin)]


def draw_still(draw: Callable[[Figure], None], size: tuple[float, float] = (7.2, 3.6)) -> str:
    """Draw a picture in the book's style and give it as SVG text, the same at every run."""
    with mpl.style.context("dlmath.book"), mpl.rc_context({"svg.hashsalt": "dlmath"}):
        figure = Figure(figsize=size, layout="constrained")
        FigureCanvasSVG(figure)
        draw(figure)
        text = io.StringIO()
        figure.savefig(text, format="svg", transparent=True, metadata={"Date": None})
    return text.getvalue()


def float16_text(values: Any) -> str:
    """Give numbers in half precision as text, for ``decodeFloat16`` of ``js/float16.js``.

    Parameters
    ----------
    values : array-like
        Finite numbers below 65504 in size, such as the weights of a network.

    Returns
    -------
    text : str
        Base64 of the little-endian numbers, in the order of their rows.
    """
    array = np.asarray(values, dtype=float)
    with np.errstate(over="ignore"):
        rounded = array.astype("<f2")
    if not np.isfinite(rounded).all():
        raise ValueError("values must be finite and fit into half precision")
    return base64.b64encode(rounded.tobytes()).decode()
