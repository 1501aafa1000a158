"""Figures to move of the chapter on scores: beads that go back to data, and orders of samplers."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import traitlets
from matplotlib.figure import Figure

from dlmath.densities import GaussianMixture
from dlmath.diffusion import (
    CosineSchedule,
    ExplodingSchedule,
    LinearSchedule,
    NoisyMixture,
    Schedule,
    ancestral,
    ddim,
    dpm_solver,
    euler_maruyama,
    heun,
)
from dlmath.diffusion._samplers import _between
from dlmath.interactive._base import (
    Interactive,
    check_alt,
    check_between,
    check_choice,
    check_height,
    draw_still,
)
from dlmath.interactive._bundle import bundle
from dlmath.interactive._computed import ComputedPlot, _check_count, _select, _slider
from dlmath.interactive._random import MODULUS, lehmer_uniform, normals_from

SCHEDULES: dict[str, Schedule] = {
    "linear rate": LinearSchedule(),
    "cosine": CosineSchedule(),
    "growing noise": ExplodingSchedule(),
}
SPACINGS = {"equal time": "uniform", "equal log-SNR": "log-snr", "seventh root": "power"}
SPACING = "equal log-SNR"
SAMPLERS = ("reverse equation", "DDIM", "Heun", "multistep")
FILM = "film, forward"
LAWS: dict[str, dict[str, list[float]]] = {
    "two humps": {"weights": [0.4, 0.6], "means": [-1.2, 0.9], "variances": [0.09, 0.04]},
    "three humps": {
        "weights": [0.25, 0.5, 0.25],
        "means": [-1.3, 0.0, 1.3],
        "variances": [0.02, 0.02, 0.02],
    },
    "one Gaussian": {"weights": [1.0], "means": [0.0], "variances": [0.5]},
}
BEADS = 400
COUNTS = (4, 200)
CHURNS = (0.0, 2.0)
VIEW = (-3.0, 3.0)
SHOWN = 24
SDS = (0.05, 5.0)
EVALUATIONS = {"Heun": 2}


class _Draws:
    """The page's random numbers (Lehmer's), as a generator that samplers take."""

    def __init__(self) -> None:
        self.state = 1

    def uniform(self, count: int) -> np.ndarray:
        values = lehmer_uniform(self.state, count)
        self.state = round(values[-1] * MODULUS)
        return values

    def standard_normal(self, shape: Any) -> np.ndarray:
        values = self.uniform(2 * int(np.prod(shape)))
        return normals_from(values[::2], values[1::2]).reshape(shape)


def mixture_of(law: str) -> GaussianMixture:
    """Return one of the laws of the figure."""
    parts = LAWS[law]
    means = np.array(parts["means"])[:, None]
    return GaussianMixture(parts["weights"], means, parts["variances"])


def walk_of_beads(law: str, schedule: str, sampler: str, steps: int, churn: float) -> np.ndarray:
    """Walk as the page does, with the samplers of `dlmath`; places at all steps, (steps + 1, n)."""
    draws: Any = _Draws()
    rates = SCHEDULES[schedule]
    times = rates.times(steps, SPACINGS[SPACING], to_zero=False)
    times = times[::-1] if sampler == FILM else times
    exact = NoisyMixture(mixture_of(law), rates)
    first = exact.density(times[0])
    bounds, start = np.cumsum(first.weights), np.empty((BEADS, 1))
    for bead in range(BEADS):
        i = int(np.searchsorted(bounds[:-1], draws.uniform(1)[0]))
        width = np.sqrt(first.covariances[i, 0, 0])
        start[bead] = first.means[i] + width * draws.standard_normal(1)
    given: tuple[Any, ...] = (exact, start, rates, times)
    if sampler == FILM:
        path = [start]
        for u, t in pairwise(times):
            a, variance = _between(rates, t, u)
            path.append(a * path[-1] + np.sqrt(variance) * draws.standard_normal(start.shape))
        return np.array(path)[:, :, 0]
    if sampler == "reverse equation":
        walked = euler_maruyama(exact, start, rates, times, draws, noise=churn, path=True)
    elif sampler == "DDIM":
        share = min(churn, 1.0)
        walked = ddim(*given, churn=share, rng=draws, path=True)
    else:
        walked = {"Heun": heun, "multistep": dpm_solver}[sampler](*given, path=True)
    return walked[:, :, 0]


class ReverseDiffusion(Interactive):
    """Beads that go from noise to data with the exact score of a mixture, and what they remember.

    The members of the family ``eq-score-and-stochastic-differential-equations-family``, three
    samplers of the flow, and the forward film itself; beside the histogram stands the exact
    density, and a scatter shows each bead's place at the first step and now.

    Parameters
    ----------
    law : {"two humps", "three humps", "one Gaussian"}, default="two humps"
        Law of the data.
    schedule : {"linear rate", "cosine", "growing noise"}, default="linear rate"
        How noise is added.
    sampler : str, default="reverse equation"
        Also "DDIM", "Heun", "multistep" or "film, forward".
    steps : int, default=40
        Number of steps, 4 to 200.
    churn : float, default=1.0
        Noise c over g, 0 to 2.
    alt : str
        What is seen, in at least 40 characters.
    height : (int, int)
        Height in pixels on narrow and on wide pages.

    Raises
    ------
    ValueError
        If an argument has a value that is not possible; it is named.
    """

    _esm = bundle("reversediffusion.js")
    data = traitlets.Dict().tag(sync=True)
    law = traitlets.Unicode().tag(sync=True)
    schedule = traitlets.Unicode().tag(sync=True)
    sampler = traitlets.Unicode().tag(sync=True)
    steps = traitlets.Int().tag(sync=True)
    churn = traitlets.Float().tag(sync=True)

    def __init__(
        self,
        *,
        law: str = "two humps",
        schedule: str = "linear rate",
        sampler: str = "reverse equation",
        steps: int = 40,
        churn: float = 1.0,
        alt: str,
        height: tuple[int, int] = (1240, 780),
    ) -> None:
        law = check_choice("law", law, LAWS)
        schedule = check_choice("schedule", schedule, SCHEDULES)
        sampler = check_choice("sampler", sampler, (*SAMPLERS, FILM))
        steps = _check_count("steps", steps, *COUNTS)
        churn = check_between("churn", churn, CHURNS)
        walk = walk_of_beads(law, schedule, sampler, steps, churn)

        def draw(figure: Figure) -> None:
            paths, bars, scatter = figure.subplots(1, 3)
            rates = SCHEDULES[schedule]
            times = rates.times(steps, SPACINGS[SPACING], to_zero=False)
            times = times[::-1] if sampler == FILM else times
            units = np.hypot(rates.gamma(times), rates.sigma(times))
            seen = walk / units[:, None]
            paths.plot(seen[:, :SHOWN], color="C0", lw=0.7)
            paths.set(xlabel="step", ylabel="place", ylim=VIEW)
            bins, share = np.linspace(*VIEW, 61), np.full(BEADS, 10 / BEADS)
            bars.hist(seen[-1], bins, weights=share, color="C0", alpha=0.3)
            grid = np.linspace(*VIEW, 241)
            density = NoisyMixture(mixture_of(law), rates).density(times[-1])
            at = np.exp(density.log_prob(units[-1] * grid[:, None]))
            bars.plot(grid, units[-1] * at, color="C1")
            bars.set(xlabel="place", ylabel="density")
            scatter.plot(seen[0], seen[-1], "o", color="C0", markersize=1.5)
            scatter.set(xlabel="place at the first step", ylabel="place now", xlim=VIEW, ylim=VIEW)

        super().__init__(
            data={
                "laws": LAWS,
                "beads": BEADS,
                "counts": list(COUNTS),
                "most": CHURNS[1],
                "seed": 1,
                "spacing": SPACING,
            },
            law=law,
            schedule=schedule,
            sampler=sampler,
            steps=steps,
            churn=churn,
            still=draw_still(draw),
            alt=check_alt(alt),
            height=check_height(height),
        )


class _Impulses:
    """Kicks bead k by one in step k: the sum of squares at the end is the variance."""

    def __init__(self) -> None:
        self.step = 0

    def standard_normal(self, shape: tuple[int, int]) -> np.ndarray:
        self.step += 1
        return np.eye(*shape, -self.step)


def end_spread(sampler: str, schedule: Schedule, nu: float, times: np.ndarray) -> float:
    """Return the standard deviation in which a sampler ends on Gaussian data of variance nu."""

    def spread(t: float) -> float:
        return float(np.sqrt(schedule.gamma(t) ** 2 * nu + schedule.sigma(t) ** 2))

    def best(x: np.ndarray, t: float) -> np.ndarray:
        return schedule.gamma(t) * nu / spread(t) ** 2 * x

    x = np.zeros((len(times), 1))
    x[0] = spread(times[0])
    given: tuple[Any, ...] = (best, x, schedule, times)
    chosen = {"DDIM": ddim, "Heun": heun, "multistep": dpm_solver}
    if sampler in chosen:
        return float(abs(chosen[sampler](*given)[0, 0]))
    noisy = {"ancestral": ancestral, "reverse equation": euler_maruyama}[sampler]
    return float(np.linalg.norm(noisy(*given, _Impulses())))  # type: ignore[operator]


def sampler_orders(
    *,
    sd: float = 0.5,
    schedule: str = "cosine",
    spacing: str = "equal log-SNR",
    alt: str,
    height: tuple[int, int] = (760, 560),
) -> ComputedPlot:
    """Errors of five samplers on Gaussian data against the evaluations that they take.

    There is no sampling error: each sampler is a linear map of its noise
    (``eq-score-and-stochastic-differential-equations-angles`` for DDIM). A dashed line shows DDIM
    on the grid of equal angles, its best one.

    Parameters
    ----------
    sd : float, default=0.5
        Standard deviation of the data, 0.05 to 5.
    schedule : {"linear rate", "cosine", "growing noise"}, default="cosine"
        How noise is added.
    spacing : {"equal time", "equal log-SNR", "seventh root"}, default="equal log-SNR"
        Where the steps are.
    alt : str
        What is seen, in at least 40 characters.
    height : (int, int)
        Height in pixels on narrow and on wide pages.
    """
    sd = check_between("sd", sd, SDS)
    schedule = check_choice("schedule", schedule, SCHEDULES)
    spacing = check_choice("spacing", spacing, SPACINGS)

    def draw(figure: Figure) -> None:
        axes, rates = figure.subplots(), SCHEDULES[schedule]
        counts, begin = np.array([2, 4, 8, 16, 32, 64, 128, 256]), rates.begin
        target = np.sqrt(rates.gamma(begin) ** 2 * sd**2 + rates.sigma(begin) ** 2)
        for name in ("DDIM", "Heun", "multistep", "ancestral", "reverse equation"):
            grids = [rates.times(int(n), SPACINGS[spacing], to_zero=False) for n in counts]
            errors = [abs(end_spread(name, rates, sd**2, grid) - target) for grid in grids]
            axes.loglog(counts * EVALUATIONS.get(name, 1), errors, label=name)
        axes.set(xlabel="evaluations of the denoiser", ylabel="error")
        axes.set(xlim=(2, 512), ylim=(1e-7, 10))
        axes.legend()

    controls = [
        _slider("sd", "standard deviation of the data", *SDS, sd, log=True, digits=2),
        _select("schedule", "schedule", SCHEDULES, schedule),
        _select("spacing", "grid", SPACINGS, spacing),
    ]
    return ComputedPlot(
        "sampler-orders", {}, controls, still=draw_still(draw), alt=alt, height=height
    )
