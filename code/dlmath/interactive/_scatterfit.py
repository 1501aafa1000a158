"""Real data in groups, a choice of the horizontal axis, and a straight line through them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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
    padded,
)
from dlmath.interactive._bundle import bundle

DIGITS = 7


class ScatterFit(Interactive):
    """A least-squares line through real data, by group and by choice of the horizontal axis.

    Parameters
    ----------
    groups : sequence of length n_samples
        Label of the group of each point (an isotopic chain, say), in the order of the points.
    x_options : mapping of str to array-like of shape (n_samples,)
        Candidates for the horizontal axis by the name on the axis, one at least.
    y : array-like of shape (n_samples,)
        The vertical axis.
    names : sequence of str of length n_samples
        Name of each point.
    ylabel : str
        Name of the vertical axis, with its unit.
    group_label : str, default="Group"
        What the groups are.
    x : str, optional
        Which of ``x_options`` is shown first; the first one if not given.
    alt : str
        What is seen, in at least 40 characters.
    height : (int, int)
        Height in pixels on narrow and on wide pages.

    Raises
    ------
    ValueError
        If an argument has the wrong shape or a value that is not possible; it is named.
    """

    _esm = bundle("scatterfit.js")

    groups: traitlets.List = traitlets.List().tag(sync=True)
    x_options = traitlets.Dict().tag(sync=True)
    y = traitlets.List(traitlets.Float()).tag(sync=True)
    names = traitlets.List(traitlets.Unicode()).tag(sync=True)
    ylabel = traitlets.Unicode().tag(sync=True)
    group_label = traitlets.Unicode().tag(sync=True)
    x = traitlets.Unicode().tag(sync=True)
    group = traitlets.Int(0, help="0 for all, else the number of the group").tag(sync=True)

    def __init__(
        self,
        groups: Sequence[Any],
        x_options: Mapping[str, Any],
        y: Any,
        *,
        names: Sequence[str],
        ylabel: str,
        group_label: str = "Group",
        x: str | None = None,
        alt: str,
        height: tuple[int, int] = (640, 560),
    ) -> None:
        y = check_vector("y", y)
        if y.size < 3:
            raise ValueError("y must have at least three entries")
        labels = _check_labels("groups", groups, y.size)
        if not isinstance(x_options, Mapping) or not x_options:
            raise ValueError("x_options must map the name of an axis to its values")
        options = {
            str(key): check_vector(f"x_options[{key!r}]", values, y.size)
            for key, values in x_options.items()
        }
        first = next(iter(options)) if x is None else x
        if first not in options:
            raise ValueError(f"x must be one of {', '.join(options)}, got {first!r}")
        super().__init__(
            groups=labels,
            x_options={key: _rounded(values) for key, values in options.items()},
            y=_rounded(y),
            names=[str(name) for name in _check_labels("names", names, y.size)],
            ylabel=ylabel,
            group_label=group_label,
            x=first,
            alt=check_alt(alt),
            height=check_height(height),
            still=draw_still(
                lambda figure: _draw(figure, labels, first, options[first], y, ylabel)
            ),
        )

    @traitlets.validate("x")
    def _valid_x(self, proposal: dict[str, Any]) -> str:
        if proposal["value"] not in self.x_options:
            raise ValueError(f"x must be one of {', '.join(self.x_options)}")
        return proposal["value"]


def _check_labels(name: str, labels: Sequence[Any], length: int) -> list[Any]:
    values = np.asarray(labels)
    if values.shape != (length,):
        raise ValueError(f"{name} must have {length} entries, got shape {values.shape}")
    return values.tolist()


def _rounded(values: np.ndarray) -> list[float]:
    """Keep seven digits: far more than is seen, a third of the page's bytes."""
    return [float(f"{value:.{DIGITS}g}") for value in values]


def _draw(
    figure: Figure, labels: list[Any], xlabel: str, x: np.ndarray, y: np.ndarray, ylabel: str
) -> None:
    axes = figure.subplots()
    groups = np.asarray(labels)
    for label in dict.fromkeys(labels):
        chain = np.flatnonzero(groups == label)
        chain = chain[np.argsort(x[chain], kind="stable")]
        axes.plot(x[chain], y[chain], "o-", color="C0", linewidth=0.6, markersize=3)
    ends = np.array(padded(x.min(), x.max(), 0.05))
    axes.plot(ends, np.polynomial.Polynomial.fit(x, y, 1)(ends), color="C1")
    axes.set(xlim=ends, ylim=padded(y.min(), y.max(), 0.05), xlabel=xlabel, ylabel=ylabel)
