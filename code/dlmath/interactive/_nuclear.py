"""The chart of nuclides, with mass models fitted in the page, and polynomials along its edges."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import traitlets
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import PathPatch
from matplotlib.path import Path as Outline
from sklearn.utils import Bunch

from dlmath.interactive._base import (
    Interactive,
    check_alt,
    check_height,
    check_vector,
    draw_still,
    padded,
)
from dlmath.interactive._bundle import bundle
from dlmath.interactive._computed import ComputedPlot, _select, _slider
from dlmath.nuclear import (
    MAGIC_NUMBERS,
    DufloZuker,
    LiquidDrop,
    PolynomialMass,
    Split,
    edge_split,
    is_deformed,
    liquid_drop_terms,
)

ALL = "all nuclides"
MODELS: dict[str, Callable[[], Any]] = {
    "liquid drop, 5 terms": LiquidDrop,
    "liquid drop, 12 terms": partial(LiquidDrop, extended=True),
    "Duflo-Zuker, 10 terms": DufloZuker,
    "polynomial, degree 8": partial(PolynomialMass, degree=8),
}
COLOURS = ("residual", "sets")
SECTIONS = ("isotopes", "isotones")
SPAN = (0.3, 30.0)
LIGHTEST = 8
MAXIMUM_DEGREE = 10
PENALTIES = (1e-12, 1.0)
# The scale of colours, as in js/nuclearchart.js: grey at zero, full hue at a share of the span,
# towards the ink at its end.
NEUTRAL, FULL, DEEP, CLASSES = 0.11, 0.62, 0.62, 8
INK = "#1d2125"


@dataclass(frozen=True)
class _Nuclides:
    """Measured nuclides in the order of Z and N; energies in keV."""

    Z: np.ndarray
    N: np.ndarray
    symbols: list[str]
    energy: np.ndarray
    error: np.ndarray
    stable: np.ndarray

    @property
    def X(self) -> np.ndarray:
        return np.column_stack([self.Z, self.N])

    @property
    def table(self) -> Bunch:
        """The masses as the page knows them, to the keV."""
        return Bunch(
            Z=self.Z,
            N=self.N,
            binding_energy=self.energy / 1000,
            binding_energy_uncertainty=self.error / 1000,
        )


def _check_masses(masses: Any) -> _Nuclides:
    """Take what the figures need out of a table of masses, sorted."""
    names = ("Z", "N", "element", "half_life_flag", "binding_energy", "binding_energy_uncertainty")
    missing = [name for name in names if not hasattr(masses, name)]
    if missing:
        raise ValueError(f"masses must have the fields {', '.join(names)}")
    Z, N = np.asarray(masses.Z), np.asarray(masses.N)
    if Z.size == 0 or min(Z.min(), N.min()) < LIGHTEST:
        raise ValueError(f"masses must have Z and N of {LIGHTEST} or more: use from_oxygen")
    order = np.lexsort((N, Z))
    Z, N = Z[order], N[order]
    if len(np.unique(np.column_stack([Z, N]), axis=0)) < Z.size:
        raise ValueError("masses must not have a nuclide twice")
    energy, error = (
        np.rint(1000 * check_vector(f"masses.{name}", getattr(masses, name), Z.size)[order])
        for name in names[4:]
    )
    _, first = np.unique(Z, return_index=True)
    symbols = np.asarray(masses.element)[order][first].tolist()
    stable = np.asarray(masses.half_life_flag)[order] == "stable"
    return _Nuclides(Z, N, symbols, energy.astype(int), error.astype(int), stable)


def _pack(nuclides: _Nuclides) -> dict[str, Any]:
    """Write nuclides in few bytes: runs of neighbours, and what S_n(N) - S_n(N-2) adds in keV."""
    Z, N, B = nuclides.Z, nuclides.N, nuclides.energy
    begin = np.flatnonzero(np.r_[True, (np.diff(Z) != 0) | (np.diff(N) != 1)])
    lengths = np.diff(np.r_[begin, Z.size])
    steps = B.copy()
    steps[3:] = B[3:] - B[2:-1] - B[1:-2] + B[:-3]
    return {
        "runs": np.column_stack([Z[begin], N[begin], lengths]).ravel().tolist(),
        "steps": steps.tolist(),
        "symbols": " ".join(nuclides.symbols),
    }


def _pack_bits(flags: np.ndarray) -> str:
    return base64.b64encode(np.packbits(flags).tobytes()).decode()


def _everything(nuclides: _Nuclides) -> Split:
    X, table = nuclides.X, nuclides.table
    energy, error = table.binding_energy, table.binding_energy_uncertainty
    return Split(ALL, X, energy, error, X[:0], energy[:0], error[:0])


def _check_split(label: str, split: Any, nuclides: _Nuclides) -> np.ndarray:
    """Find which nuclides a split trains on; the others must be those that it tests on."""
    name = f"splits[{label!r}]"
    if not isinstance(split, Split):
        raise ValueError(f"{name} must be a Split of dlmath.nuclear, got {type(split).__name__}")
    train = {tuple(row) for row in split.X_train.tolist()}
    trained = np.array([tuple(row) in train for row in nuclides.X.tolist()])
    held = {tuple(row) for row in nuclides.X[~trained].tolist()}
    if held != {tuple(row) for row in split.X_test.tolist()}:
        raise ValueError(f"{name} must test on the nuclides of masses on which it does not train")
    return trained


def _pack_split(label: str, split: Split, trained: np.ndarray, nuclides: _Nuclides) -> dict:
    """Write a split: who is held out, and where the training set differs from ``masses``."""
    then = {
        tuple(row): round(1000 * energy)
        for row, energy in zip(split.X_train.tolist(), split.y_train.tolist(), strict=True)
    }
    known = [tuple(row) for row in nuclides.X[trained].tolist()]
    shifts = [
        then.pop(row) - now
        for row, now in zip(known, nuclides.energy[trained].tolist(), strict=True)
    ]
    extra = np.array(list(then), dtype=int).reshape(-1, 2)
    deformed = is_deformed(*extra.T).astype(int)
    return {
        "label": label,
        "held": _pack_bits(~trained),
        "shifts": shifts if any(shifts) else None,
        "extra": np.column_stack([extra, list(then.values()), deformed]).tolist(),
    }


class NuclearChart(Interactive):
    """The chart of nuclides with what a mass model misses, fitted anew in the page.

    Parameters
    ----------
    masses : sklearn.utils.Bunch
        Measured masses from :func:`dlmath.datasets.load_nuclear_masses`, by way of
        :func:`dlmath.nuclear.from_oxygen`.
    splits : mapping of str to dlmath.nuclear.Split
        Training sets by the name that readers see, besides all nuclides.
    model : str, default="liquid drop, 5 terms"
        A key of ``MODELS``: the model that is shown first.
    training : str, default="all nuclides"
        The training set that is used first: that, or a key of ``splits``.
    colour : {"residual", "sets"}, default="residual"
        What the colours tell: experiment minus model, or training set and held-out nuclides.
    span : float, default=5.0
        End of the scale of colours, 0.3 to 30 MeV.
    section : {"isotopes", "isotones"}, default="isotopes"
        The chain that is drawn below the chart.
    nuclide : (int, int), default=(50, 82)
        Z and N of the nuclide that is chosen first.
    alt : str
        What is seen, in at least 40 characters.
    height : (int, int)
        Height in pixels on narrow and on wide pages.

    Raises
    ------
    ValueError
        If an argument has a value that is not possible; it is named.
    """

    _esm = bundle("nuclearchart.js")

    data = traitlets.Dict().tag(sync=True)
    model = traitlets.Unicode().tag(sync=True)
    training = traitlets.Unicode().tag(sync=True)
    colour = traitlets.Unicode().tag(sync=True)
    span = traitlets.Float().tag(sync=True)
    section = traitlets.Unicode().tag(sync=True)
    nuclide = traitlets.List(traitlets.Int()).tag(sync=True)

    def __init__(
        self,
        masses: Any,
        splits: Mapping[str, Split],
        *,
        model: str = "liquid drop, 5 terms",
        training: str = ALL,
        colour: str = "residual",
        span: float = 5.0,
        section: str = "isotopes",
        nuclide: tuple[int, int] = (50, 82),
        alt: str,
        height: tuple[int, int] = (1060, 930),
    ) -> None:
        nuclides = _check_masses(masses)
        if not isinstance(splits, Mapping) or ALL in splits:
            raise ValueError(f"splits must map names, but not {ALL!r}, to splits")
        trained = {label: _check_split(label, split, nuclides) for label, split in splits.items()}
        everything = _everything(nuclides)
        every = np.ones(nuclides.Z.size, dtype=bool)
        state = {
            "model": _check_choice("model", model, MODELS),
            "training": _check_choice("training", training, [ALL, *splits]),
            "colour": _check_choice("colour", colour, COLOURS),
            "span": _check_span(span),
            "section": _check_choice("section", section, SECTIONS),
            "nuclide": _check_nuclide(nuclide, nuclides),
        }
        polynomial = PolynomialMass()
        super().__init__(
            data={
                **_pack(nuclides),
                "errors": nuclides.error.tolist(),
                "stable": _pack_bits(nuclides.stable),
                "deformed": _pack_bits(is_deformed(nuclides.Z, nuclides.N)),
                "polynomial": {"degree": polynomial.degree, "lam": polynomial.lam},
                "splits": [
                    _pack_split(ALL, everything, every, nuclides),
                    *[_pack_split(k, splits[k], trained[k], nuclides) for k in splits],
                ],
            },
            **state,
            alt=check_alt(alt),
            height=check_height(height),
            still=_chart_still(nuclides, {ALL: everything, **splits}[training], state),
        )

    @traitlets.validate("model", "training", "colour", "section")
    def _valid_choice(self, proposal: dict[str, Any]) -> str:
        name = proposal["trait"].name
        options = {
            "model": list(MODELS),
            "training": [split["label"] for split in self.data["splits"]],
            "colour": COLOURS,
            "section": SECTIONS,
        }
        return _check_choice(name, proposal["value"], options[name])

    @traitlets.validate("span")
    def _valid_span(self, proposal: dict[str, Any]) -> float:
        return _check_span(proposal["value"])


def _check_choice(name: str, value: Any, options: Any) -> str:
    if value not in options:
        raise ValueError(f"{name} must be one of {'; '.join(options)}, got {value!r}")
    return value


def _check_span(span: Any) -> float:
    if not isinstance(span, int | float | np.number) or not SPAN[0] <= span <= SPAN[1]:
        raise ValueError(f"span must be a number of MeV from {SPAN[0]} to {SPAN[1]}, got {span!r}")
    return float(span)


def _check_nuclide(nuclide: Any, nuclides: _Nuclides) -> list[int]:
    wanted = check_vector("nuclide", nuclide, 2).tolist()
    if wanted not in nuclides.X.tolist():
        raise ValueError(f"nuclide must be the Z and N of one of the masses, got {nuclide!r}")
    return [int(number) for number in wanted]


def _chart_still(nuclides: _Nuclides, split: Split, state: dict[str, Any]) -> str:
    """Draw the chart alone, by the models of dlmath.nuclear."""
    fitted = MODELS[state["model"]]().fit(split.X_train, split.y_train)
    residual = nuclides.table.binding_energy - fitted.predict(nuclides.X)
    text = draw_still(
        lambda figure: _draw_chart(figure, nuclides, residual, state["span"]), (7.2, 5)
    )
    return _shortened(text)


def _shortened(svg: str) -> str:
    """Round the coordinates of outlines to hundredths of a point; write level lines briefly."""
    number = re.compile(r"\d+\.\d{3,}")
    level = re.compile(r"M (\S+) (\S+) \nL (\S+) \2 \n")

    def shorten(outline: re.Match[str]) -> str:
        rounded = number.sub(lambda n: f"{float(n[0]):.2f}", outline[0])
        return level.sub(r"M\1 \2H\3", rounded)

    return re.sub(r' d="[^"]*"', shorten, svg)


def _draw_chart(figure: Figure, nuclides: _Nuclides, residual: np.ndarray, span: float) -> None:
    axes = figure.subplots()
    figure.set_layout_engine("none")
    axes.set_position((0.01, 0.01, 0.98, 0.98))
    axes.set_axis_off()
    width, height = 72 * 0.98 * figure.get_size_inches()
    left, bottom = nuclides.N.min() - 5, nuclides.Z.min() - 7
    unit = width / (nuclides.N.max() + 2 - left)
    axes.set(xlim=(left, left + width / unit), ylim=(bottom, bottom + height / unit))
    shares = np.clip(np.rint(CLASSES * residual / span), -CLASSES, CLASSES) / CLASSES
    _draw_cells(axes, nuclides, shares, unit)
    _draw_magic(axes, nuclides)
    _draw_scale(axes, span, unit)


def _inks(share: float) -> list[tuple[str, float]]:
    """Give what lies above the grey of a class of colour: its hue, and ink at the far end."""
    hue = ("C0" if share < 0 else "C1", min(1.0, abs(share) / FULL))
    deep = (INK, DEEP * (abs(share) - FULL) / (1 - FULL))
    return [(color, opacity) for color, opacity in (hue, deep) if opacity > 0]


def _strokes(x: np.ndarray, y: np.ndarray, **style: Any) -> PathPatch:
    """Make one path of horizontal strokes from the left to the right end in each row of x."""
    vertices = np.column_stack([x.ravel(), np.repeat(y, 2)])
    codes = np.tile([Outline.MOVETO, Outline.LINETO], len(y))
    return PathPatch(Outline(vertices, codes), fill=False, **style)


def _add_cells(axes: Axes, x: np.ndarray, y: np.ndarray, **style: Any) -> None:
    """Add cells as strokes; the name of their group tells them from lines, which must stand out."""
    axes.add_patch(_strokes(x, y, gid=f"cells_{len(axes.patches)}", **style))


def _draw_cells(axes: Axes, nuclides: _Nuclides, shares: np.ndarray, unit: float) -> None:
    """Draw each class of colour as one path, neighbours joined, over the grey of all."""
    Z, N = nuclides.Z, nuclides.N
    style = {"linewidth": unit, "capstyle": "butt"}

    def runs(broken: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        begin = np.flatnonzero(np.r_[True, broken])
        return begin, np.r_[begin[1:], Z.size] - 1

    gaps = (np.diff(Z) != 0) | (np.diff(N) != 1)
    begin, end = runs(gaps)
    x = np.column_stack([N[begin] - 0.5, N[end] + 0.5])
    _add_cells(axes, x, Z[begin], edgecolor=INK, alpha=NEUTRAL, **style)
    begin, end = runs(gaps | (np.diff(shares) != 0))
    x = np.column_stack([N[begin] - 0.5, N[end] + 0.5])
    for share in np.unique(shares):
        here = shares[begin] == share
        for color, opacity in _inks(share):
            _add_cells(axes, x[here], Z[begin[here]], edgecolor=color, alpha=opacity, **style)


def _draw_magic(axes: Axes, nuclides: _Nuclides) -> None:
    """Draw two hairlines along each closed shell, and its number at their ends."""
    style: dict[str, Any] = {"color": "#5b626a", "linewidth": 0.6}
    words: dict[str, Any] = {"color": "#5b626a", "fontsize": 9}
    for magic in MAGIC_NUMBERS:
        isotopes, isotones = (number == magic for number in (nuclides.Z, nuclides.N))
        n, z = nuclides.N[isotopes], nuclides.Z[isotones]
        edges = (magic - 0.5, magic + 0.5) if magic > LIGHTEST else ()
        if n.size:
            start = n.min() - (3 if edges else 0)
            for edge in edges:
                axes.plot([start, n.max() + 3], [edge, edge], **style)
            name = f"Z = {magic}" if magic > 28 else str(magic)
            axes.text(start - 1, magic, name, ha="right", va="center", **words)
        if z.size:
            low = max(z.min() - 3, LIGHTEST - 1.5)
            for edge in edges:
                axes.plot([edge, edge], [low, z.max() + 3], **style)
            name = f"N = {magic}" if magic > 28 else str(magic)
            axes.text(magic, low - 1, name, ha="center", va="top", **words)
    axes.text(LIGHTEST + 28, LIGHTEST - 2.5, "neutrons N →", va="top", **words)
    axes.text(LIGHTEST - 2, LIGHTEST + 32, "protons Z →", rotation=90, ha="right", **words)


def _draw_scale(axes: Axes, span: float, unit: float) -> None:
    right = axes.get_xlim()[1] - 2
    left, middle = right - 50, right - 25
    ends = np.linspace(left, right, 2 * CLASSES + 2)
    bars = np.column_stack([ends[:-1], ends[1:]])
    for k, x in zip(range(-CLASSES, CLASSES + 1), bars, strict=True):
        for color, opacity in [(INK, NEUTRAL), *_inks(k / CLASSES)]:
            style = {"edgecolor": color, "alpha": opacity, "linewidth": 3 * unit}
            _add_cells(axes, x, np.array([14]), **style)
    for x, name, side in (
        (left, f"−{span:g}", "left"),
        (middle, "0", "center"),
        (right, f"+{span:g}", "right"),
    ):
        axes.text(x, 11.5, name, ha=side, va="top", fontsize=9)
    axes.text(right, 17, "experiment − model (MeV)", ha="right", va="bottom", fontsize=9)


def polynomial_edge(
    masses: Any,
    *,
    degree: int = 8,
    lam: float = 1e-10,
    element: str = "Sn",
    alt: str,
    height: tuple[int, int] = (780, 500),
) -> ComputedPlot:
    """Polynomials in Z and N, fitted without the edges of the chart, and how they leave them.

    The two lightest and the two heaviest isotopes of each element are held out, as by
    :func:`dlmath.nuclear.edge_split`. Ridge regression on the others is done in the page.

    Parameters
    ----------
    masses : sklearn.utils.Bunch
        Measured masses from :func:`dlmath.datasets.load_nuclear_masses`, by way of
        :func:`dlmath.nuclear.from_oxygen`.
    degree : int, default=8
        Degree that is shown first, 1 to 10.
    lam : float, default=1e-10
        Penalty that is used first, 1e-12 to 1.
    element : str, default="Sn"
        Symbol of the element that is shown first.
    alt : str
        What is seen, in at least 40 characters.
    height : (int, int)
        Height in pixels on narrow and on wide pages.
    """
    nuclides = _check_masses(masses)
    split = edge_split(nuclides.table)
    trained = _check_split("edges", split, nuclides)
    if not isinstance(degree, int | np.integer) or not 1 <= degree <= MAXIMUM_DEGREE:
        raise ValueError(f"degree must be an integer from 1 to {MAXIMUM_DEGREE}, got {degree!r}")
    low, high = PENALTIES
    if not isinstance(lam, int | float | np.number) or not low <= lam <= high:
        raise ValueError(f"lam must be a number from {low:g} to {high:g}, got {lam!r}")
    controls = [
        _slider("degree", "degree", 1, MAXIMUM_DEGREE, int(degree), step=1, integer=True),
        _slider("lam", "penalty λ", low, high, float(lam), log=True, digits=2),
        _select(
            "element",
            "Element",
            nuclides.symbols,
            _check_choice("element", element, nuclides.symbols),
        ),
    ]
    data = {**_pack(nuclides), "held": _pack_bits(~trained), "maxDegree": MAXIMUM_DEGREE}
    still = _shortened(
        draw_still(lambda figure: _draw_edge(figure, nuclides, split, degree, lam, element))
    )
    return ComputedPlot("polynomial-edge", data, controls, still=still, alt=alt, height=height)


def _draw_edge(
    figure: Figure, nuclides: _Nuclides, split: Split, degree: int, lam: float, element: str
) -> None:
    """Draw both panels by the models of dlmath.nuclear."""
    left, right = figure.subplots(1, 2)
    polynomial = PolynomialMass(degree=degree, lam=lam).fit(split.X_train, split.y_train)
    drop = LiquidDrop().fit(split.X_train, split.y_train)
    Z = np.unique(nuclides.Z)[nuclides.symbols.index(element)]
    numbers = nuclides.N[nuclides.Z == Z]
    N = np.arange(numbers.min() - 3, numbers.max() + 4)
    X = np.column_stack([np.full_like(N, Z), N])
    curve = polynomial.predict(X) - _smooth_drop(drop, X)
    left.plot(N, curve, color="C0")
    values = [0.0, *curve[3:-3]]
    for X, y, style in (
        (split.X_train, split.y_train, {"color": "C5", "markersize": 3}),
        (split.X_test, split.y_test, {"color": "C1", "markersize": 4}),
    ):
        chain = X[:, 0] == Z
        values += list(y[chain] - _smooth_drop(drop, X[chain]))
        left.plot(X[chain, 1], values[-chain.sum() :], "o", **style)
        dots = X[:, :1] + np.array([-0.05, 0.05])
        missed = y - polynomial.predict(X)
        color = style["color"]
        right.add_patch(_strokes(dots, missed, edgecolor=color, linewidth=2, capstyle="round"))
    right.autoscale_view()
    for row, (name, color) in enumerate((("held out", "C1"), ("used", "C5"))):
        right.text(0.05, 0.05 + 0.09 * row, name, color=color, transform=right.transAxes)
    left.set(xlim=(N[0], N[-1]), ylim=padded(min(values), max(values), 0.2))
    left.set(xlabel=f"neutrons N in {element}", ylabel="energy − smooth drop (MeV)")
    right.set(xlabel="protons Z", ylabel="energy − polynomial (MeV)")


def _smooth_drop(drop: LiquidDrop, X: np.ndarray) -> np.ndarray:
    """Evaluate the terms of the drop besides pairing."""
    return liquid_drop_terms(*X.T)[:, :4] @ drop.coef_[:4]
