"""Figures that put models side by side: their records, and configurations of spins."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from dlmath.comparison import (
    MEASURES,
    WITHOUT,
    Judged,
    floor_of,
    judged_digits,
    not_dominated,
)
from dlmath.datasets import simulate_ising
from dlmath.interactive._base import draw_still
from dlmath.interactive._computed import ComputedPlot, _select, _short, _slider
from dlmath.ising import (
    CRITICAL_TEMPERATURE,
    exact_torus,
    independent_spins,
    magnetisation_law,
    observables,
    pack_spins,
    unpack_spins,
)

COLOURS = 6
SHOWN, KEPT = 12, 48


def _goal(best: float) -> str | float:
    return {-np.inf: "low", np.inf: "high"}.get(best, best)


def _way(row: Judged) -> str:
    """Say how a model was sampled, that can be sampled in several ways."""
    return ", ".join(filter(None, (row.sampler, f"{row.values['evaluations']:.0f}")))


def _scatter_data(rows: Sequence[Judged]) -> dict[str, Any]:
    """Give rows and measures as the page wants them; families keep their colours."""
    families = list(dict.fromkeys(row.family for row in rows if row.family != WITHOUT))
    often = {row.name for row in rows if sum(other.name == row.name for other in rows) > 1}
    measures = []
    for measure in MEASURES:
        floor = floor_of(measure.key)
        one = {"key": measure.key, "label": measure.label, "log": measure.log}
        one |= {"best": _goal(measure.best)} | ({"floor": list(floor)} if floor else {})
        measures.append(one)
    return {
        "measures": measures,
        "rows": [
            {
                "name": row.name,
                "without": row.family == WITHOUT,
                "color": "muted"
                if row.family == WITHOUT
                else 1 + families.index(row.family) % COLOURS,
                "values": {key: _short(value) for key, value in row.values.items()},
            }
            | ({"budget": _way(row)} if row.name in often else {})
            for row in rows
        ],
    }


def model_scatter(
    rows: Sequence[Judged] | None = None,
    *,
    x: str = "nats",
    y: str = "fd",
    alt: str,
    height: tuple[int, int] = (760, 560),
) -> ComputedPlot:
    """All models of the digits in the plane of two measures that the reader chooses.

    The page draws what real digits get as a band of two standard deviations, joins the models that
    no other beats in both measures, and computes the rank correlation of the two.

    Parameters
    ----------
    rows : sequence of Judged, optional
        Those of `judged_digits` if not given.
    x, y : str
        Keys of `MEASURES` at the beginning.
    alt : str
        What is seen, in at least 40 characters.
    height : (int, int)
        Height in pixels on narrow and on wide pages.

    Raises
    ------
    ValueError
        If there is no such measure.
    """
    rows = judged_digits() if rows is None else list(rows)
    measures = {measure.key: measure for measure in MEASURES}
    for name, key in (("x", x), ("y", y)):
        if key not in measures:
            raise ValueError(f"{name} must be one of {', '.join(measures)}, got {key!r}")
    data = _scatter_data(rows)
    names = [
        f"{row['name']} ({row['budget']})" if "budget" in row else row["name"]
        for row in data["rows"]
    ]

    def draw(figure: Figure) -> None:
        """Draw the first state."""
        axes = figure.subplots()
        for at, key in ((axes.axvspan, x), (axes.axhspan, y)):
            if floor := floor_of(key):
                at(floor[0] - 2 * floor[1], floor[0] + 2 * floor[1], color="C2", alpha=0.18, lw=0)
        both = [row for row in rows if x in row.values and y in row.values]
        for row in both:
            hollow = row.family == WITHOUT
            axes.plot(row.values[x], row.values[y], "o", color="C5" if hollow else "C0", ms=5,
                      fillstyle="none" if hollow else "full")  # fmt: skip
        front = not_dominated(both, x, y)
        axes.plot([row.values[x] for row in front], [row.values[y] for row in front], "--",
                  color="C5", lw=1)  # fmt: skip
        axes.set(xlabel=measures[x].label, ylabel=measures[y].label)
        axes.set_xscale("log" if measures[x].log else "linear")
        axes.set_yscale("log" if measures[y].log else "linear")

    labels = [measure.label for measure in MEASURES]
    controls: list[dict[str, Any]] = [
        _select("x", "Across", labels, measures[x].label),
        _select("y", "Up", labels, measures[y].label),
        _select("model", "Show a model", ["none", *names], "none"),
        {"type": "checkbox", "name": "without", "label": "with models without networks",
         "value": True},
    ]  # fmt: skip
    return ComputedPlot(
        "model-scatter", data, controls, still=draw_still(draw), alt=alt, height=height
    )


def _exact(size: int, temperature: float) -> dict[str, Any]:
    exact = exact_torus(size, temperature)
    m = np.abs(np.linspace(-1, 1, size**2 + 1))
    return {
        "energy": _short(exact.energy, 6),
        "abs": _short(float(magnetisation_law(size, temperature) @ m), 6),
        "chi": _short(exact.susceptibility, 6),
        "K": _short(1 / temperature, 6),
        "correlation": [_short(value, 6) for value in exact.correlation],
    }


def ising_compared(
    temperatures: Sequence[float],
    configurations: Sequence[str],
    size: int,
    *,
    start: int = 4,
    alt: str,
    height: tuple[int, int] = (1240, 560),
) -> ComputedPlot:
    """Put configurations of a model beside Wolff's and exact values, temperature by temperature.

    The page draws twelve of each, and computes from 48 the energy, the modulus of the
    magnetisation, the susceptibility, the correlation function and the temperature that the
    configurations say they have, with errors. The second source can be changed to independent
    spins, which have the right magnetisation and nothing else.

    Parameters
    ----------
    temperatures : sequence of float
        k_B T / J, in rising order.
    configurations : sequence of str
        For each temperature at least 48 configurations of the model, packed by `pack_spins`.
    size : int
        Sites along an edge: 4, 6 or 8.
    start : int, default=4
        Number of the temperature at the beginning, from 1.
    alt : str
        What is seen, in at least 40 characters.
    height : (int, int)
        Height in pixels on narrow and on wide pages.

    Raises
    ------
    ValueError
        If the numbers do not fit together.
    """
    taus = [float(tau) for tau in temperatures]
    if len(taus) < 2 or len(taus) != len(configurations) or sorted(set(taus)) != taus:
        raise ValueError("temperatures must rise, with one text of configurations for each")
    model = [unpack_spins(text, size) for text in configurations]
    if min(map(len, model)) < KEPT:
        raise ValueError(f"configurations must hold at least {KEPT} lattices at each temperature")
    if not 1 <= start <= len(taus):
        raise ValueError(f"start must be from 1 to {len(taus)}, got {start!r}")
    wolff = [simulate_ising(KEPT, size, tau, seed=k) for k, tau in enumerate(taus)]
    independent = [
        independent_spins(KEPT, size, exact_torus(size, tau).squared_magnetisation, seed=k)
        for k, tau in enumerate(taus)
    ]
    data: dict[str, Any] = {
        "size": size,
        "critical": float(CRITICAL_TEMPERATURE),
        "temperatures": taus,
        "flow": [pack_spins(spins[:KEPT]) for spins in model],
        "wolff": [pack_spins(spins) for spins in wolff],
        "independent": [pack_spins(spins) for spins in independent],
        "exact": [_exact(size, tau) for tau in taus],
    }

    def draw(figure: Figure) -> None:
        """Draw the first state."""
        above, first, second = figure.subplot_mosaic("AA;BC").values()
        at = start - 1
        for axes, spins, colour in ((first, wolff[at], "C2"), (second, model[at], "C0")):
            tiles = np.zeros((3, size + 2, 4, size + 2))
            tiles[:, :size, :, :size] = (
                spins[:SHOWN].reshape(3, 4, size, size).transpose(0, 2, 1, 3)
            )
            up = np.argwhere(tiles.reshape(3 * (size + 2), -1) > 0)
            axes.plot(up[:, 1], -up[:, 0], "s", color=colour, ms=1.6, mew=0, rasterized=True)
            axes.set_axis_off()
            axes.set_aspect("equal")
        r = np.arange(size // 2 + 1)
        above.plot(r, data["exact"][at]["correlation"], color="C2")
        above.plot(r, observables(model[at][:KEPT], taus[at]).correlation, "o", color="C0")
        above.set(xlabel="distance", ylabel="correlation of two spins", ylim=(-0.15, 1.05))

    controls = [
        _slider("k", f"temperature, 1 cold to {len(taus)} hot", 1, len(taus), start, step=1,
                integer=True),
        _slider("page", "twelve of forty-eight", 1, KEPT // SHOWN, 1, step=1, integer=True),
        _select("source", "Compare with", ["the flow", "independent spins"], "the flow"),
    ]  # fmt: skip
    return ComputedPlot(
        "ising-compared", data, controls, still=draw_still(draw, (7.2, 4.6)), alt=alt, height=height
    )
