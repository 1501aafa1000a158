"""Figures to move of the chapter on energy models: a learnt landscape, and a chain of spins."""

from __future__ import annotations

from collections.abc import Mapping
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
    float16_text,
)
from dlmath.interactive._bundle import bundle
from dlmath.interactive._computed import ComputedPlot, _check_count, _slider
from dlmath.wavefunctions import free_fermion_energy, local_energies, spin_states

STEPS = (1e-3, 0.3)
MOST_WEIGHTS = 10_000
PARTICLES = 160
LIMIT = 3.2
FIELDS = (0.05, 2.5)
COEFFICIENTS = (-0.1, 0.7)


def _check_energy(model: Mapping[str, Any]) -> dict[str, Any]:
    """Check the arrays of an energy of the plane, and round its layers to half precision."""
    layers = [[np.asarray(part, dtype=float) for part in layer] for layer in model["layers"]]
    sizes = [2, *(len(b) for _, b in layers)]
    shapes = [W.shape for W, _ in layers]
    if shapes != list(zip(sizes[1:], sizes[:-1], strict=True)) or sizes[-1] != 1:
        raise ValueError(f"model must lead from 2 numbers to 1, got layers of shapes {shapes}")
    if sum(W.size + b.size for W, b in layers) > MOST_WEIGHTS:
        raise ValueError(f"model must have at most {MOST_WEIGHTS} weights")
    rounded = [[part.astype(np.float16).astype(float) for part in layer] for layer in layers]
    return {
        "layers": rounded,
        "gain": float(model["gain"]),
        "base": float(model["base"]),
        "mean": check_vector("mean", model["mean"], 2),
        "scale": check_vector("scale", model["scale"], 2),
    }


def _energies(model: Mapping[str, Any], X: np.ndarray) -> np.ndarray:
    """Evaluate the energy of each row."""
    u = (X - model["mean"]) / model["scale"]
    a = u
    for W, b in model["layers"][:-1]:
        z = a @ W.T + b
        a = z / (1 + np.exp(-z))
    W, b = model["layers"][-1]
    return model["gain"] * (a @ W[0] + b[0]) + np.sum(u**2, axis=1) / (2 * model["base"] ** 2)


class EnergyLangevin(Interactive):
    """Particles that follow Langevin's equation in a learnt landscape of energy.

    The page evaluates the network and its gradient from the weights in half precision, and makes
    the steps of ``eq-energy-models-langevin`` at a temperature. Nothing moves before the reader
    asks for it.

    Parameters
    ----------
    model : mapping
        ``EnergyModel.as_arrays()`` of a model of the plane.
    means : array-like of shape (n_valleys, 2)
        Where the valleys are.
    sd : float
        Their width.
    level : float
        Mean energy of the data.
    step : float, default=0.02
        Step at the beginning, 0.001 to 0.3, in units of the data squared.
    temperature : float, default=1.0
        Temperature at the beginning, 0 to 3.
    alt : str
        What is seen, in at least 40 characters.
    height : (int, int)
        Height in pixels on narrow and on wide pages.

    Raises
    ------
    ValueError
        If an argument has a value that is not possible; it is named.
    """

    _esm = bundle("langevinlive.js")
    data = traitlets.Dict().tag(sync=True)
    step = traitlets.Float().tag(sync=True)
    temperature = traitlets.Float().tag(sync=True)

    def __init__(
        self,
        model: Mapping[str, Any],
        *,
        means: Any,
        sd: float,
        level: float,
        step: float = 0.02,
        temperature: float = 1.0,
        alt: str,
        height: tuple[int, int] = (760, 760),
    ) -> None:
        energy = _check_energy(model)
        valleys = np.asarray(means, dtype=float)
        if valleys.ndim != 2 or valleys.shape[1] != 2 or not np.isfinite(valleys).all():
            raise ValueError(f"means must have 2 columns, got shape {valleys.shape}")
        if not STEPS[0] <= step <= STEPS[1]:
            raise ValueError(f"step must lie between {STEPS[0]} and {STEPS[1]}, got {step:g}")
        if not 0 <= temperature <= 3:
            raise ValueError(f"temperature must lie between 0 and 3, got {temperature:g}")
        axis = np.linspace(-LIMIT, LIMIT, 161)
        grid = np.stack(np.meshgrid(axis, axis), axis=-1).reshape(-1, 2)
        heights = _energies(energy, grid).reshape(161, 161)
        lowest = float(heights.min())

        def draw(figure: Figure) -> None:
            """Draw the level lines of the landscape."""
            axes = figure.subplots()
            levels = np.arange(0, 14)
            axes.contour(axis, axis, heights - lowest, levels, colors="C0", linewidths=0.9)
            axes.plot(*valleys.T, "o", color="C1", markersize=4)
            axes.set(aspect="equal", xlabel="first coordinate", ylabel="second coordinate")

        super().__init__(
            data={
                "model": {
                    "layers": [
                        {"W": float16_text(W), "b": float16_text(b)} for W, b in energy["layers"]
                    ],
                    "gain": energy["gain"],
                    "base": energy["base"],
                    "mean": energy["mean"].tolist(),
                    "scale": energy["scale"].tolist(),
                },
                "means": valleys.tolist(),
                "sd": float(check_vector("sd", [sd])[0]),
                "level": float(check_vector("level", [level])[0]),
                "lowest": lowest,
                "limit": LIMIT,
                "steps": list(STEPS),
                "particles": PARTICLES,
                "seed": 1,
            },
            step=float(step),
            temperature=float(temperature),
            still=draw_still(draw, (5.4, 5.2)),
            alt=check_alt(alt),
            height=check_height(height),
        )


def _jastrow(coefficients: Any) -> Any:
    """Return log psi of the Jastrow state as a function of spins."""

    def log_psi(S: np.ndarray) -> np.ndarray:
        pairs = [np.sum(S * np.roll(S, -r, axis=1), axis=1) for r in (1, 2)]
        return np.asarray(coefficients) @ np.array(pairs)

    return log_psi


def _jastrow_energy(coefficients: Any, n_spins: int, field: float) -> float:
    """Average the local energies of the Jastrow state over all states."""
    S, log_psi = spin_states(n_spins), _jastrow(coefficients)
    weights = np.exp(2 * (log_psi(S) - log_psi(S).max()))
    return float(weights @ local_energies(log_psi, S, field) / weights.sum())


def jastrow_chain(
    *,
    n_spins: int = 8,
    field: float = 1.0,
    coefficients: tuple[float, float] = (0.1, 0.0),
    alt: str,
    height: tuple[int, int] = (1020, 560),
) -> ComputedPlot:
    """Show the energy of a Jastrow state of the transverse-field Ising chain, and the exact one.

    The state is ``eq-energy-models-jastrow``; the page sums over all states of the ring. As a
    function of the field a state's energy is a straight line above the exact curve.

    Parameters
    ----------
    n_spins : int, default=8
        Spins of the ring, 5 to 10.
    field : float, default=1.0
        Transverse field at the beginning, 0.05 to 2.5.
    coefficients : (float, float), default=(0.1, 0.0)
        Those of neighbours and of next neighbours at the beginning, -0.1 to 0.7.
    alt : str
        What is seen, in at least 40 characters.
    height : (int, int)
        Height in pixels on narrow and on wide pages.
    """
    n = _check_count("n_spins", n_spins, 5, 10)
    start = check_vector("coefficients", coefficients, 2)
    if (start < COEFFICIENTS[0]).any() or (start > COEFFICIENTS[1]).any():
        raise ValueError("coefficients must lie between -0.1 and 0.7")
    if not FIELDS[0] <= field <= FIELDS[1]:
        raise ValueError(f"field must lie between {FIELDS[0]} and {FIELDS[1]}, got {field:g}")

    def draw(figure: Figure) -> None:
        """Draw the exact curve and the line of the first state."""
        left, right = figure.subplots(1, 2)
        at = np.linspace(*FIELDS, 61)
        left.plot(at, [free_fermion_energy(n, h) / n for h in at], color="C5", label="exact")
        line = [_jastrow_energy(start, n, h) / n for h in FIELDS]
        left.plot(FIELDS, line, color="C1", label="this state")
        energy, exact = _jastrow_energy(start, n, field), free_fermion_energy(n, field)
        left.plot(field, energy / n, "o", color="C1")
        left.set(xlabel="field h", ylabel="energy a spin")
        left.legend(loc="lower left")
        shown = np.linspace(*COEFFICIENTS, 41)
        scan = [(_jastrow_energy((c, start[1]), n, field) - exact) / n for c in shown]
        right.plot(shown, scan, color="C0")
        right.plot(start[0], (energy - exact) / n, "o", color="C1")
        right.set(xlabel="coefficient of neighbours", ylabel="energy above the exact one, a spin")

    controls = [
        _slider("h", "field h", *FIELDS, field),
        _slider("c1", "neighbours", *COEFFICIENTS, float(start[0])),
        _slider("c2", "next neighbours", *COEFFICIENTS, float(start[1])),
        {"type": "button", "name": "step", "label": "One natural step"},
        {"type": "button", "name": "minimum", "label": "To the minimum"},
    ]
    return ComputedPlot(
        "jastrow-chain",
        {"spins": n, "fields": list(FIELDS), "limits": list(COEFFICIENTS)},
        controls,
        still=draw_still(draw, (7.2, 3.4)),
        alt=alt,
        height=height,
    )
