"""Figures to move of the chapter on stochastic dynamics: a double well and a dragged trap."""

from __future__ import annotations

from typing import Any

import numpy as np
import traitlets
from matplotlib.figure import Figure
from scipy.stats import norm

from dlmath.interactive._base import Interactive, check_alt, check_height, check_vector, draw_still
from dlmath.interactive._bundle import bundle
from dlmath.interactive._random import MODULUS, lehmer_uniform, normals_from
from dlmath.stochastic import fokker_planck

BARRIERS = (0.5, 6.0)
ETAS = (0.005, 0.3)
SPEEDS = (0.1, 10.0)
STIFFNESS = 4.0
DISTANCE = 2.0
BEADS = 48
LONGEST = 0.05
WALKERS = 400
CELLS = 121
LIMITS = (-2.4, 2.4)
START = -1.0
SPREAD = 0.1
ROUNDS = 4
AHEAD = 0.5
SEED = 1


def _within(name: str, value: Any, limits: tuple[float, float]) -> float:
    number = float(check_vector(name, [value], 1)[0])
    if not limits[0] <= number <= limits[1]:
        raise ValueError(f"{name} must lie between {limits[0]:g} and {limits[1]:g}, got {value!r}")
    return number


class _Stream:
    """The normal numbers of the page's generator (Lehmer's)."""

    def __init__(self) -> None:
        self.state = SEED

    def normal(self, count: int) -> np.ndarray:
        uniform = lehmer_uniform(self.state, 2 * count)
        self.state = round(uniform[-1] * MODULUS)
        return normals_from(uniform[::2], uniform[1::2])


def first_walkers(barrier: float, eta: float) -> np.ndarray:
    """Walk as far as the page shows it at first."""
    stream = _Stream()
    x = START + SPREAD * stream.normal(WALKERS)
    for _ in range(int(np.ceil(AHEAD / eta - 1e-9))):
        slope = 4 * barrier * x * (x**2 - 1)
        x = x - eta / 2 * slope + np.sqrt(eta) * stream.normal(WALKERS)
    return x


def first_pulls(speed: float) -> tuple[np.ndarray, np.ndarray, float]:
    """Work of the pulls that the page shows at first, the last places, and the mean work."""
    stream, h = _Stream(), STIFFNESS
    jumps = int(np.ceil(DISTANCE / speed / LONGEST - 1e-9))
    jump, gap = DISTANCE / jumps, DISTANCE / speed / jumps
    keep = np.exp(-h * gap / 2)
    y, works = stream.normal(BEADS) / np.sqrt(h), []
    for number in range(ROUNDS):
        if number > 0:
            y = stream.normal(BEADS) / np.sqrt(h)
        work = np.zeros(BEADS)
        for _ in range(jumps):
            work += h / 2 * jump**2 - h * jump * y
            y = keep * (y - jump) + np.sqrt((1 - keep**2) / h) * stream.normal(BEADS)
        works.append(work)
    lags = -jump * np.cumsum(keep ** np.arange(jumps)) * keep
    mean = jumps * h / 2 * jump**2 - h * jump * lags[:-1].sum()
    return np.concatenate(works), y, float(mean)


class WellsLive(Interactive):
    """Walkers of Langevin's equation in a double well, beside the density of the equation.

    The energy is barrier (x^2 - 1)^2 in units of k_B T. The walkers take finite steps
    (``eq-stochastic-dynamics-ula``), accepted or not (``eq-stochastic-dynamics-mala``); the density
    is that of the equation itself (``eq-stochastic-dynamics-rates``).

    Parameters
    ----------
    barrier : float, default=2.0
        At the beginning, 0.5 to 6.
    eta : float, default=0.02
        Step at the beginning, 0.005 to 0.3.
    alt : str
        What is seen, in at least 40 characters.
    height : (int, int)
        Height in pixels on narrow and on wide pages.

    Raises
    ------
    ValueError
        If an argument has a value that is not possible; it is named.
    """

    _esm = bundle("wellslive.js")
    data = traitlets.Dict().tag(sync=True)
    barrier = traitlets.Float().tag(sync=True)
    eta = traitlets.Float().tag(sync=True)
    adjust = traitlets.Bool().tag(sync=True)

    def __init__(
        self,
        *,
        barrier: float = 2.0,
        eta: float = 0.02,
        alt: str,
        height: tuple[int, int] = (1130, 720),
    ) -> None:
        barrier, eta = _within("barrier", barrier, BARRIERS), _within("eta", eta, ETAS)
        walkers = first_walkers(barrier, eta)

        def draw(figure: Figure) -> None:
            wells, densities = figure.subplots(1, 2)
            x = np.linspace(*LIMITS, CELLS)
            energy = barrier * (x**2 - 1) ** 2
            wells.plot(x, energy, color="C1")
            some = walkers[np.isfinite(walkers)][:70]
            wells.plot(some, barrier * (some**2 - 1) ** 2, "o", color="C0", markersize=3)
            wells.set(xlabel="place x", ylabel="energy", ylim=(-0.4, max(4, 1.6 * barrier)))
            p = fokker_planck(energy, x, norm.pdf(x, START, SPREAD), [0, AHEAD])[-1]
            boltzmann = np.exp(-energy) / np.exp(-energy).sum() / (x[1] - x[0])
            bins = np.linspace(*LIMITS, 45)
            densities.hist(walkers, bins, density=True, color="C0", alpha=0.3)
            densities.plot(x, p, color="C1", label="density")
            densities.plot(x, boltzmann, "--", color="C5", label="Boltzmann")
            densities.set(xlabel="place x", ylabel="density")
            densities.legend()

        super().__init__(
            data={
                "limits": list(LIMITS),
                "cells": CELLS,
                "walkers": WALKERS,
                "start": START,
                "spread": SPREAD,
                "longest": 0.005,
                "seed": SEED,
                "ahead": AHEAD,
                "barriers": list(BARRIERS),
                "etas": list(ETAS),
            },
            barrier=barrier,
            eta=eta,
            adjust=False,
            still=draw_still(draw),
            alt=check_alt(alt),
            height=check_height(height),
        )


class DraggedTrap(Interactive):
    """Beads in a harmonic trap that is dragged, and what the work says of the free energy.

    The trap jumps a little and the beads move by their exact law, so that Jarzynski's equality
    (``eq-stochastic-dynamics-jarzynski``) holds without an error; the drawn density of the work is
    the exact Gaussian of the jumps.

    Parameters
    ----------
    speed : float, default=1.0
        Speed at the beginning, 0.1 to 10.
    alt : str
        What is seen, in at least 40 characters.
    height : (int, int)
        Height in pixels on narrow and on wide pages.

    Raises
    ------
    ValueError
        If an argument has a value that is not possible; it is named.
    """

    _esm = bundle("draggedtrap.js")
    data = traitlets.Dict().tag(sync=True)
    speed = traitlets.Float().tag(sync=True)

    def __init__(
        self, *, speed: float = 1.0, alt: str, height: tuple[int, int] = (1130, 720)
    ) -> None:
        speed = _within("speed", speed, SPEEDS)
        works, places, mean = first_pulls(speed)

        def draw(figure: Figure) -> None:
            trap, work = figure.subplots(1, 2)
            reach = np.sqrt(2 * 4 / STIFFNESS)
            x = np.linspace(-reach, reach, 61)
            trap.plot(DISTANCE + x, STIFFNESS / 2 * x**2, color="C1")
            trap.plot(DISTANCE + places, STIFFNESS / 2 * places**2, "o", color="C0", markersize=3)
            trap.plot([0, DISTANCE], [-0.1, -0.1], color="C5", lw=3)
            trap.set(xlabel="place", ylabel="energy", xlim=(-1.2, DISTANCE + 1.2), ylim=(-0.2, 4))
            sd = np.sqrt(2 * mean)
            w = np.linspace(-mean - 3.5 * sd, mean + 3.5 * sd, 161)
            work.hist(works, np.linspace(w[0], w[-1], 49), density=True, color="C0", alpha=0.3)
            work.plot(w, norm.pdf(w, mean, sd), color="C0", label="work")
            work.plot(w, norm.pdf(w, -mean, sd), "--", color="C1", label="weighted by exp(−W)")
            work.set(xlabel="work / thermal energy", ylabel="density")
            work.legend()

        super().__init__(
            data={
                "stiffness": STIFFNESS,
                "distance": DISTANCE,
                "longest": LONGEST,
                "beads": BEADS,
                "seed": SEED,
                "ahead": ROUNDS,
                "speeds": list(SPEEDS),
            },
            speed=speed,
            still=draw_still(draw),
            alt=check_alt(alt),
            height=check_height(height),
        )
