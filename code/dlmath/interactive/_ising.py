"""The Ising model, simulated in the page, with a classifier of its phases."""

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
from dlmath.interactive._computed import _check_count
from dlmath.interactive._random import small_fast_uniform
from dlmath.ising import finite_lattice, spontaneous_magnetisation

ALGORITHMS = ("metropolis", "wolff")
TEMPERATURES = (1.0, 4.0)
STEP = 0.05
SEED = 1


class IsingLive(Interactive):
    """Spins on a square lattice under Metropolis' or Wolff's algorithm, beside exact values.

    The page draws the lattice, the energy and the modulus of the magnetisation m against their
    exact values (Kaufman's for this size, Yang's for the infinite lattice), and what a logistic
    regression on abs(m) says of the present state. Nothing moves before the reader asks for it.

    Parameters
    ----------
    intercept, slope : float
        The classifier's: it says "ordered" with the probability expit(intercept + slope abs(m)).
    size : int, default=32
        Sites along an edge, 8 to 128.
    temperature : float, default=2.3
        k_B T / J at the beginning, 1 to 4; rounded to a multiple of 0.05.
    algorithm : {"metropolis", "wolff"}, default="metropolis"
        The algorithm at the beginning.
    alt : str
        What is seen, in at least 40 characters.
    height : (int, int)
        Height in pixels on narrow and on wide pages.

    Raises
    ------
    ValueError
        If an argument has a value that is not possible; it is named.
    """

    _esm = bundle("isinglive.js")
    data = traitlets.Dict().tag(sync=True)
    temperature = traitlets.Float().tag(sync=True)
    algorithm = traitlets.Unicode().tag(sync=True)

    def __init__(
        self,
        intercept: float,
        slope: float,
        *,
        size: int = 32,
        temperature: float = 2.3,
        algorithm: str = "metropolis",
        alt: str,
        height: tuple[int, int] = (1000, 500),
    ) -> None:
        weights = check_vector("intercept and slope", [intercept, slope], 2)
        if weights[1] <= 0:
            raise ValueError(f"slope must be positive, got {slope!r}")
        size = _check_count("size", size, 8, 128)
        low, high = TEMPERATURES
        (start,) = check_vector("temperature", [temperature], 1)
        if not low <= start <= high:
            raise ValueError(f"temperature must be from {low:g} to {high:g}, got {temperature!r}")
        if algorithm not in ALGORITHMS:
            raise ValueError(f"algorithm must be one of {ALGORITHMS}, got {algorithm!r}")
        grid = np.round(np.arange(low, high + STEP / 2, STEP), 2)
        start = float(grid[np.argmin(np.abs(grid - start))])
        energies = np.array([finite_lattice(size, at).energy for at in grid.tolist()])
        data = {
            "size": size,
            "seed": SEED,
            "step": STEP,
            "weights": weights.tolist(),
            "temperatures": grid.tolist(),
            "energies": energies.round(5).tolist(),
            "magnetisations": spontaneous_magnetisation(grid).round(5).tolist(),
        }
        still = draw_still(lambda figure: _draw(figure, data, start), (7.2, 3.9))
        super().__init__(
            data=data,
            temperature=start,
            algorithm=algorithm,
            still=still,
            alt=check_alt(alt),
            height=check_height(height),
        )


def _draw(figure: Figure, data: dict[str, Any], temperature: float) -> None:
    """Draw the first state: random spins, and where the exact values are."""
    size = data["size"]
    spins = np.where(small_fast_uniform(data["seed"], size**2) < 0.5, -1, 1).reshape(size, size)
    axes = figure.subplot_mosaic([["spins", "energy"], ["spins", "m"]], width_ratios=[5, 6])
    up = np.array(to_rgb("C0"))
    tones = np.where(spins[..., np.newaxis] == 1, up, 1 - 0.15 * (1 - up))
    axes["spins"].imshow(tones, interpolation="nearest")
    axes["spins"].set_axis_off()
    i = data["temperatures"].index(temperature)
    threshold = -data["weights"][0] / data["weights"][1]
    for name, exact, label, limits in (
        ("energy", data["energies"][i], "E/N", (-2.1, 0.1)),
        ("m", data["magnetisations"][i], "|m|", (-0.05, 1.05)),
    ):
        axes[name].axhline(exact, color="C5", linestyle="--")
        axes[name].set(xlim=(0, 300), ylim=limits, xlabel="sweeps", ylabel=label)
    axes["m"].axhline(threshold, color="C3", linestyle=":")
    axes["m"].annotate("threshold", (210, threshold + 0.04), color="C3")
    axes["energy"].annotate("exact", (210, data["energies"][i] + 0.08), color="C5")
