"""The race of the optimisers: all methods from one start on one surface, computed in the page."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import cache, partial
from typing import Any, NamedTuple

import numpy as np
import traitlets
from matplotlib.figure import Figure
from scipy.optimize import minimize as scipy_minimize
from scipy.optimize import rosen, rosen_der, rosen_hess
from scipy.special import expit

from dlmath import optimizers
from dlmath.datasets import load_nuclear_masses
from dlmath.interactive._base import Interactive, check_alt, check_height, check_vector, draw_still
from dlmath.interactive._bundle import bundle
from dlmath.interactive._computed import _check_count
from dlmath.interactive._curvature import himmelblau
from dlmath.interactive._random import small_fast_normals
from dlmath.interactive._train_live import _check_choice
from dlmath.nuclear._nuclides import index_of_nuclides

RATES = 10.0 ** (np.arange(26) / 5 - 4)
LIMITS = {"eta": (1e-4, 10.0), "momentum": (0.0, 0.99), "noise": (0.0, 1.0)}
LIMITS |= {"kappa": (1.0, 1000.0), "angle": (0.0, 90.0)}
SEED = 1
TOO_HIGH, SMALL = 1e6, 1e-14
# Colour, line style and the name at the head of the curve.
LOOKS = {
    "gradient-descent": ("C5", "-", "GD"),
    "momentum": ("C0", "-", "momentum"),
    "nesterov": ("C0", "--", "Nesterov"),
    "adagrad": ("C2", "-", "AdaGrad"),
    "rmsprop": ("C2", "--", "RMSprop"),
    "adam": ("C1", "-", "Adam"),
    "adam-uncorrected": ("C1", "--", "Adam n. c."),
    "newton": ("C3", "-", "Newton"),
}
_OPTIMIZERS: dict[str, Callable[[Any, float], optimizers.Optimizer]] = {
    "gradient-descent": lambda eta, beta: optimizers.GradientDescent(eta),
    "momentum": optimizers.Momentum,
    "nesterov": optimizers.Nesterov,
    "adagrad": lambda eta, beta: optimizers.AdaGrad(eta),
    "rmsprop": lambda eta, beta: optimizers.RMSprop(eta),
    "adam": optimizers.Adam,
    "adam-uncorrected": partial(optimizers.Adam, bias_correction=False),
}
SCHEDULES: dict[str, Callable[[float, int], Any]] = {
    "constant": lambda eta, steps: eta,
    "inverse": lambda eta, steps: optimizers.inverse_decay(eta, 10 / steps),
    "cosine": optimizers.cosine,
    "warm-up": lambda eta, steps: optimizers.warm_up(
        optimizers.cosine(eta, steps), math.ceil(steps / 10)
    ),
}


class _Surface(NamedTuple):
    """A cost of two parameters, the first axis of x; what the page knows of it in surfaces.js."""

    cost: Callable[[np.ndarray], Any]
    gradient: Callable[[np.ndarray], np.ndarray]
    hessian: Callable[[np.ndarray], np.ndarray]
    least: float
    minima: list[list[float]]
    start: tuple[float, float]
    eta: float
    noise: float
    soft: float
    limits: tuple[float, float, float, float]


def _quadratic(kappa: float, angle: float) -> _Surface:
    c, s = np.cos(np.radians(angle)), np.sin(np.radians(angle))
    axes = np.array([[c, -s], [s, c]])
    H = axes @ np.diag([1.0, kappa]) @ axes.T
    first, second = axes @ [2.0, 2.0]
    return _Surface(
        lambda x: np.einsum("i...,ij,j...->...", x, H, x) / 2,
        lambda x: H @ x,
        lambda x: H,
        *(0.0, [[0.0, 0.0]], (first, second), 1 / kappa, 1.0, 0.02, (-3, 3, -3, 3)),
    )


def _himmelblau() -> _Surface:
    cost, gradient, hessian = himmelblau()
    places = [[3.0, 2.0], [-2.805118, 3.131313], [-3.77931, -3.283186], [3.584428, -1.848127]]
    return _Surface(
        cost,
        gradient,
        hessian,
        *(0.0, places, (-0.5, -1.5), 1e-2, 10.0, 3.0, (-5.5, 5.5, -5.5, 5.5)),
    )


@cache
def _alpha_shares() -> tuple[tuple[float, ...], tuple[float, ...], tuple[float, float]]:
    """Of all nuclides of similar mass number A, the share with energy to emit an alpha particle.

    Returns A / 100 in the middle of each ten mass numbers, the shares, and the weight and bias of
    the neuron that fits them best.
    """
    masses = load_nuclear_masses()
    index = index_of_nuclides(masses.Z, masses.N)
    energy, A = masses.binding_energy, masses.A
    alpha = energy[index[2, 2]]
    daughters = [index.get((Z - 2, N - 2)) for Z, N in zip(masses.Z, masses.N, strict=True)]
    known = np.array([daughter is not None for daughter in daughters]) & (A >= 10)
    gain = energy[[d for d, here in zip(daughters, known, strict=True) if here]] + alpha
    emits, tens = gain > energy[known], A[known] // 10
    shares = [float(np.round(emits[tens == ten].mean(), 4)) for ten in np.unique(tens)]
    at = [float(ten) / 10 + 0.045 for ten in np.unique(tens)]
    surface = _neuron_on(np.array(at), np.array(shares), (0.0, 0.0))
    best = np.array([5.6, -7.8])
    best = scipy_minimize(surface.cost, best, jac=surface.gradient, tol=1e-12).x
    for _ in range(3):
        best = best - np.linalg.solve(surface.hessian(best), surface.gradient(best))
    return tuple(at), tuple(shares), (float(best[0]), float(best[1]))


def _neuron_on(at: np.ndarray, y: np.ndarray, minimum: tuple[float, float]) -> _Surface:
    X = np.column_stack([at, np.ones_like(at)])

    def predict(x: np.ndarray) -> np.ndarray:
        return expit(np.tensordot(X, x, 1))

    def cost(x: np.ndarray) -> Any:
        return np.mean((predict(x) - y.reshape(-1, *[1] * (np.ndim(x) - 1))) ** 2, axis=0)

    def gradient(x: np.ndarray) -> np.ndarray:
        p = predict(x)
        return 2 / y.size * X.T @ ((p - y) * p * (1 - p))

    def hessian(x: np.ndarray) -> np.ndarray:
        p = predict(x)
        q = p * (1 - p)
        return 2 / y.size * (X.T * (q * (q + (p - y) * (1 - 2 * p)))) @ X

    where = [[float(v) for v in minimum]]
    view = (-6, 14, -16, 6)
    least = float(cost(np.array(minimum)))
    return _Surface(cost, gradient, hessian, least, where, (-3, 3), 1.0, 0.02, 0.003, view)


def _neuron() -> _Surface:
    at, shares, minimum = _alpha_shares()
    return _neuron_on(np.array(at), np.array(shares), minimum)


def _rosenbrock() -> _Surface:
    more = (0.0, [[1.0, 1.0]], (-1.2, 1.0), 1e-3, 10.0, 0.05, (-2, 2, -1, 3))
    return _Surface(rosen, rosen_der, rosen_hess, *more)


def _saddle() -> _Surface:
    return _Surface(
        lambda x: x[0] ** 2 / 2 - x[1] ** 2 / 2 + x[1] ** 4 / 4,
        lambda x: np.array([x[0], x[1] ** 3 - x[1]]),
        lambda x: np.diag([1.0, 3 * x[1] ** 2 - 1]),
        *(-0.25, [[0.0, 1.0], [0.0, -1.0]], (1.5, 0.001), 0.1, 0.1, 0.05, (-2, 2, -1.8, 1.8)),
    )


SURFACES: dict[str, Callable[..., _Surface]] = {
    "quadratic": _quadratic,
    "rosenbrock": _rosenbrock,
    "himmelblau": _himmelblau,
    "saddle": _saddle,
    "neuron": _neuron,
}


def surface_of(params: dict[str, Any]) -> _Surface:
    """Make the surface that a race is run on."""
    make = SURFACES[params["surface"]]
    return make(params["kappa"], params["angle"]) if make is _quadratic else make()


class Run(NamedTuple):
    """Places, excesses of the cost over the least, the rate, and the step of divergence if any."""

    path: np.ndarray
    costs: np.ndarray
    eta: float
    diverged: int | None


@np.errstate(all="ignore")
def run_one(method: str, surface: _Surface, params: dict[str, Any], eta: float) -> Run:
    """Run one method with the optimisers of the library."""
    steps, x = params["steps"], np.array(params["start"], dtype=float)
    optimizer = None
    if method != "newton":
        rate = SCHEDULES[params["schedule"]](eta, steps)
        optimizer = _OPTIMIZERS[method](rate, params["momentum"])
    noise = params["noise"] * surface.noise * _normals(steps)
    path, costs = [x.copy()], [max(0.0, surface.cost(x) - surface.least)]
    for k in range(steps):
        gradient = surface.gradient(x) + noise[k]
        if optimizer is not None:
            optimizer.step([x], [gradient])
        else:
            x = x - _newton_direction(surface.hessian(x), gradient)
        excess = np.maximum(0.0, surface.cost(x) - surface.least)
        if not excess < TOO_HIGH * (1 + costs[0]):
            return Run(np.array(path), np.array(costs), eta, k + 1)
        path.append(x.copy())
        costs.append(excess)
    return Run(np.array(path), np.array(costs), eta, None)


def _newton_direction(H: np.ndarray, gradient: np.ndarray) -> np.ndarray:
    """Solve by Cramer's rule; not finite where H is singular."""
    adjugate = np.array([[H[1, 1], -H[0, 1]], [-H[1, 0], H[0, 0]]])
    return adjugate @ gradient / (H[0, 0] * H[1, 1] - H[0, 1] * H[1, 0])


def run_race(params: dict[str, Any]) -> dict[str, Run]:
    """Run all methods, each with the common rate or with its best from ``RATES``."""
    surface, runs = surface_of(params), {}
    for method in params["methods"]:
        one = partial(run_one, method, surface, params)
        if method == "newton":
            runs[method] = one(1.0)
        elif params["rates"] == "common":
            runs[method] = one(params["eta"])
        else:
            runs[method] = min((one(eta) for eta in RATES), key=score)
    return runs


def score(run: Run) -> float:
    """Mean excess in the last tenth of a race; where it is nothing, what was fast is better.

    Infinite where the cost has been a hundred times as high as at the start.
    """
    if run.diverged or run.costs.max() > 100 * run.costs[0]:
        return math.inf
    mean = float(run.costs[-max(1, len(run.costs) // 10) :].mean())
    return mean if mean > SMALL else SMALL * int(np.argmax(run.costs <= SMALL)) / len(run.costs)


@cache
def _normals(steps: int) -> np.ndarray:
    """Draw the page's normal numbers, two for each step."""
    return small_fast_normals(SEED, 2 * steps).reshape(steps, 2)


class _Race(Interactive):
    data = traitlets.Dict().tag(sync=True)
    params = traitlets.Dict().tag(sync=True)


def optimizer_race(
    surface: str = "rosenbrock",
    *,
    methods: Sequence[str] = ("gradient-descent", "momentum", "adagrad", "rmsprop", "adam"),
    start: Sequence[float] | None = None,
    rates: str = "best",
    eta: float | None = None,
    schedule: str = "constant",
    momentum: float = 0.9,
    noise: float = 0.0,
    steps: int = 200,
    kappa: float = 100.0,
    angle: float = 30.0,
    alt: str,
    height: tuple[int, int] = (1640, 900),
) -> Interactive:
    """Race optimisers over contours, at the reader's command.

    The page runs every chosen method from the same start and draws the trajectories, and the
    excess of each cost over the least one against the steps. The methods are those of
    :mod:`dlmath.optimizers` with their default settings; beside them stands Newton's method,
    whose steps have no rate. All can be changed in the page.

    Parameters
    ----------
    surface : {"quadratic", "rosenbrock", "himmelblau", "saddle", "neuron"}, default="rosenbrock"
        The cost at the beginning. ``neuron`` is the mean squared error of one logistic neuron
        that learns, from real masses, which share of the nuclides of a mass number has energy to
        emit an alpha particle.
    methods : sequence of str
        Those that run at the beginning, of "gradient-descent", "momentum", "nesterov", "adagrad",
        "rmsprop", "adam", "adam-uncorrected" (without the correction of its bias) and "newton".
    start : (float, float), optional
        Inside the picture; each surface has its own if it is not given.
    rates : {"best", "common"}, default="best"
        Whether each method has its best constant of the learning rate, of 26 from 1e-4 to 10, or
        all have ``eta``. The best is that of the least mean cost in the last tenth of the race,
        among those at which the cost never exceeds a hundred times the first.
    eta : float, optional
        Common learning rate, 1e-4 to 10; each surface has its own if it is not given.
    schedule : {"constant", "inverse", "cosine", "warm-up"}, default="constant"
        How the rates fall in the course of the race.
    momentum : float, default=0.9
        Of momentum and of Nesterov's method, and Adam's beta1; 0 to 0.99.
    noise : float, default=0
        Standard deviation of the noise that is added to each component of the gradient, the same
        for all methods: 0 to 1, in units of 1 (quadratic), 10 (rosenbrock, himmelblau), 0.1
        (saddle) or 0.02 (neuron).
    steps : int, default=200
        Length of the race, 10 to 1000.
    kappa : float, default=100
        Condition number of the quadratic, 1 to 1000.
    angle : float, default=30
        By which its flat axis is turned from the first coordinate axis, 0 to 90 degrees.
    alt : str
        What is seen, in at least 40 characters.
    height : (int, int)
        Height in pixels on narrow and on wide pages.

    Returns
    -------
    Interactive
        The figure.

    Raises
    ------
    ValueError
        If an argument has a value that is not possible; it is named.
    """
    for name, value, choices in (
        ("surface", surface, tuple(SURFACES)),
        ("rates", rates, ("best", "common")),
        ("schedule", schedule, tuple(SCHEDULES)),
    ):
        _check_choice(name, value, choices)
    params: dict[str, Any] = {"surface": surface, "rates": rates, "schedule": schedule}
    params["methods"] = _check_methods(methods)
    params["steps"] = _check_count("steps", steps, 10, 1000)
    for key, number in (
        ("momentum", momentum),
        ("noise", noise),
        ("kappa", kappa),
        ("angle", angle),
    ):
        params[key] = _check_within(key, number)
    chosen = surface_of(params)
    params["eta"] = _check_within("eta", chosen.eta if eta is None else eta)
    params["start"] = _check_start(chosen.start if start is None else start, chosen.limits)
    at, shares, minimum = _alpha_shares()
    neuron = {"x": list(at), "y": list(shares), "minimum": list(minimum)}
    return _Race(
        _esm=bundle("optimizerrace.js"),
        data={"neuron": neuron, "seed": SEED},
        params=params,
        still=draw_still(partial(_draw, params=params), (7.2, 3.7)),
        alt=check_alt(alt),
        height=check_height(height),
    )


def _check_methods(methods: Sequence[str]) -> list[str]:
    if isinstance(methods, str) or not len(methods):
        raise ValueError(f"methods must be a list of names, got {methods!r}")
    for method in methods:
        _check_choice("methods", method, tuple(LOOKS))
    return [method for method in LOOKS if method in methods]


def _check_within(name: str, value: Any) -> float:
    (number,) = check_vector(name, [value], 1)
    low, high = LIMITS[name]
    if not low <= number <= high:
        raise ValueError(f"{name} must be from {low:g} to {high:g}, got {value!r}")
    return float(number)


def _check_start(start: Any, limits: tuple[float, float, float, float]) -> list[float]:
    x, y = check_vector("start", start, 2)
    if not (limits[0] <= x <= limits[1] and limits[2] <= y <= limits[3]):
        raise ValueError(f"start must lie in the picture, {limits}, got ({x:g}, {y:g})")
    return [float(x), float(y)]


def _draw(figure: Figure, params: dict[str, Any]) -> None:
    """Draw the race at its end, as the page begins with it."""
    surface, runs = surface_of(params), run_race(params)
    left, right = figure.subplots(1, 2)
    x0, x1, y0, y1 = surface.limits
    grid = np.array(np.meshgrid(np.linspace(x0, x1, 121), np.linspace(y0, y1, 121)))
    excess = np.maximum(0, surface.cost(grid) - surface.least)
    height = 5 * np.log10(1 + excess / surface.soft)
    levels = np.arange(1, height.max(), max(1, round(height.max() / 12)))
    left.contour(*grid, height, levels, colors="C5", linewidths=0.5)
    for method, run in runs.items():
        color, style, name = LOOKS[method]
        left.plot(*run.path.T, style, color=color, linewidth=1.5)
        left.plot(*run.path[-1], "o", color=color, markersize=5)
        costs = np.where(run.costs > 1e-16, run.costs, np.nan)
        right.semilogy(costs, style, color=color, label=name, linewidth=1.5)
    left.plot(*params["start"], "o", color="C5", fillstyle="none", markersize=8)
    left.plot(*np.transpose(surface.minima), "x", color="C5", markersize=7)
    names = ("weight w", "bias b") if params["surface"] == "neuron" else ("x₁", "x₂")
    left.set(xlim=(x0, x1), ylim=(y0, y1), aspect="equal", xlabel=names[0], ylabel=names[1])
    right.set(xlabel="steps", ylabel="cost − least cost", xlim=(0, params["steps"]))
    right.legend(fontsize=8)
