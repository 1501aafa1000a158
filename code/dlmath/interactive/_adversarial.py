"""Figures to move of the chapter on adversarial networks."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from dlmath.adversarial import (
    dirac_path,
    dirac_step_matrix,
    discriminator_velocity,
    generator_velocity,
)
from dlmath.densities import eight_gaussians
from dlmath.interactive._base import check_vector, draw_still
from dlmath.interactive._computed import ComputedPlot, _check_count, _select, _short, _slider

FRAME_KEYS = ("steps", "samples", "odds", "limit", "odds_limit")
REACH = 2.5
ETAS = (0.01, 2.0)
GAMMAS = (0.0, 4.0)
MOST_STEPS = 600


def dirac_gan(
    *,
    start: tuple[float, float] = (1.0, 0.0),
    eta: float = 0.2,
    steps: int = 150,
    alt: str,
    height: tuple[int, int] = (1500, 980),
) -> ComputedPlot:
    """Show the Dirac-GAN: a phase portrait, the eigenvalues of a step and the distance.

    The figure begins with the saturating loss and no penalty
    (``eq-adversarial-networks-dirac-flow``), both players moving at once.

    Parameters
    ----------
    start : (float, float)
        ``theta`` and ``psi`` at the beginning, each from -2.5 to 2.5 and not both zero.
    eta : float, default=0.2
        Learning rate at the beginning, 0.01 to 2.
    steps : int, default=150
        Steps that are played, 1 to 600.
    alt : str
        What is seen, in at least 40 characters.
    height : (int, int)
        Height in pixels on narrow and on wide pages.
    """
    at = check_vector("start", start, 2)
    if np.abs(at).max() > REACH or not at.any():
        raise ValueError(f"start must lie within {REACH} and not be the origin, got {start!r}")
    (rate,) = check_vector("eta", [eta], 1)
    if not ETAS[0] <= rate <= ETAS[1]:
        raise ValueError(f"eta must be from {ETAS[0]:g} to {ETAS[1]:g}, got {eta!r}")
    steps = _check_count("steps", steps, 1, MOST_STEPS)

    def draw(figure: Figure) -> None:
        """Draw the first state."""
        axes = figure.subplot_mosaic([["phase", "plane"], ["distance", "distance"]])
        path = dirac_path(at, rate, steps)
        grid = REACH * (2 * np.arange(9) + 1 - 9) / 9
        theta, psi = np.meshgrid(grid, grid)
        u, v = generator_velocity(theta, psi), discriminator_velocity(theta, psi)
        length = np.maximum(np.hypot(u, v), 1e-9)
        axes["phase"].quiver(theta, psi, u / length, v / length, color="C5", pivot="mid", scale=14)
        axes["phase"].plot(*path.T, color="C0", lw=1.5)
        axes["phase"].plot(*path[-1], "o", color="C0")
        axes["phase"].plot(0, 0, "o", color="C5", fillstyle="none")
        axes["phase"].set(
            xlim=(-REACH, REACH),
            ylim=(-REACH, REACH),
            aspect="equal",
            xlabel="generator θ",
            ylabel="discriminator ψ",
        )
        angle = np.linspace(0, 2 * np.pi, 121)
        roots = np.linalg.eigvals(dirac_step_matrix(rate))
        axes["plane"].plot(np.cos(angle), np.sin(angle), color="C5", lw=1.2)
        axes["plane"].plot(roots.real, roots.imag, "o", color="C1")
        axes["plane"].set(
            xlim=(-1.6, 1.6), ylim=(-1.6, 1.6), aspect="equal", xlabel="real part of ν"
        )
        axes["plane"].set_ylabel("imaginary part of ν")
        distance = np.linalg.norm(path, axis=1)
        k = np.arange(steps + 1)
        axes["distance"].semilogy(k, distance, color="C0", label="played")
        axes["distance"].plot(
            k, distance[0] * np.abs(roots[0]) ** k, "--", color="C1", label="modulus of ν"
        )
        axes["distance"].set(xlabel="steps k", ylabel="distance", ylim=(0.1, 10))
        axes["distance"].legend()

    controls: list[dict[str, Any]] = [
        _select("loss", "Loss", ["saturating", "non-saturating", "Wasserstein"]),
        _select("penalty", "Penalty on the discriminator", ["none", "R1", "gradient to 1"]),
        _select("order", "Players move", ["at once", "in turn"]),
        _slider("eta", "learning rate η", *ETAS, rate, log=True),
        _slider("gamma", "strength γ of the penalty", *GAMMAS, 1.0, step=0.05),
        _slider("steps", "steps", 1, MOST_STEPS, steps, step=1, integer=True),
        {"type": "play", "name": "play", "label": "Play", "slider": "steps", "seconds": 12},
        {"type": "button", "name": "spiral", "label": "No penalty"},
        {"type": "button", "name": "damped", "label": "With R1"},
        {
            "type": "point",
            "name": "start",
            "label": "start",
            "min": [-REACH, -REACH],
            "max": [REACH, REACH],
            "value": at.tolist(),
            "color": 1,
            "hollow": True,
        },
    ]
    return ComputedPlot(
        "dirac-gan", {}, controls, still=draw_still(draw, (7.2, 5.6)), alt=alt, height=height
    )


def signed_bytes(values: Any, limit: float) -> str:
    """Give numbers in 255 steps from ``-limit`` to ``limit`` as text; what lies beyond is clipped.

    Parameters
    ----------
    values : array-like
        Finite numbers.
    limit : float
        What the largest byte means.
    """
    scaled = np.clip(np.round(127 * np.asarray(values, dtype=float) / limit), -127, 127)
    return base64.b64encode(scaled.astype(np.int8).tobytes()).decode()


def read_bytes(text: str, limit: float) -> np.ndarray:
    """Read what `signed_bytes` wrote, as a vector."""
    return np.frombuffer(base64.b64decode(text), dtype=np.int8) * (limit / 127)


def gan_frames(
    runs: Mapping[str, Mapping[str, Any]],
    *,
    frame: int = 1,
    alt: str,
    height: tuple[int, int] = (1080, 620),
) -> ComputedPlot:
    """Show recorded trainings on eight Gaussians: samples over the discriminator's opinion.

    The page decodes each frame, shades where the log odds exceed three levels, and counts the
    modes that have at least 2 per cent of the samples within three standard deviations.

    Parameters
    ----------
    runs : mapping of str to mapping
        By name, what a training recorded: ``steps`` (the moments, the same for all), ``samples``
        and ``odds`` (texts of `signed_bytes`: all samples of all moments, and the log odds on a
        square grid with rows of equal y), ``limit`` and ``odds_limit`` (their largest numbers).
    frame : int, default=1
        The moment at the beginning, from 1.
    alt : str
        What is seen, in at least 40 characters.
    height : (int, int)
        Height in pixels on narrow and on wide pages.
    """
    if not runs:
        raise ValueError("runs must hold at least one training")
    for name, run in runs.items():
        if missing := [key for key in FRAME_KEYS if key not in run]:
            raise ValueError(f"runs: {name} has no {', '.join(missing)}")
    first = next(iter(runs.values()))
    steps = [int(step) for step in first["steps"]]
    frame = _check_count("frame", frame, 1, len(steps))
    cloud = read_bytes(first["samples"], first["limit"]).reshape(len(steps), -1, 2)
    odds = read_bytes(first["odds"], first["odds_limit"]).reshape(len(steps), -1)
    cells = round(odds.shape[1] ** 0.5)
    law = eight_gaussians()
    sd = float(np.sqrt(law.covariances[0, 0, 0]))
    limit = float(first["limit"])
    data = {
        "runs": [{"name": n, "samples": r["samples"], "odds": r["odds"]} for n, r in runs.items()],
        "steps": steps,
        "count": cloud.shape[1],
        "cells": cells,
        "limit": limit,
        "oddsLimit": float(first["odds_limit"]),
        "modes": [[_short(value, 6) for value in mean] for mean in law.means],
        "sd": _short(sd, 6),
    }

    def draw(figure: Figure) -> None:
        """Draw the first state."""
        plane, history = figure.subplots(1, 2)
        at = np.linspace(-limit, limit, cells)
        plane.contourf(
            at, at, odds[frame - 1].reshape(cells, cells), [0, 1e3], colors=["C1"], alpha=0.2
        )
        angle = np.linspace(0, 2 * np.pi, 41)
        for u, v in law.means:
            plane.plot(u + 3 * sd * np.cos(angle), v + 3 * sd * np.sin(angle), color="C5", lw=1)
        plane.plot(*cloud[frame - 1].T, "o", color="C0", markersize=3)
        plane.set(xlim=(-limit, limit), ylim=(-limit, limit), aspect="equal")
        measured = np.array([count_modes(points) for points in cloud])
        history.plot(steps, measured[:, 0], color="C0", label="modes")
        history.plot(
            steps, 8 * measured[:, 1], "--", color="C1", label="share near a mode, times 8"
        )
        history.set(xlabel="training steps", ylabel="modes found, of 8", ylim=(0, 9))
        history.legend(loc="lower right")

    controls: list[dict[str, Any]] = [
        _select("run", "Training", list(runs)),
        _slider("frame", "moment", 1, len(steps), frame, step=1, integer=True),
        {"type": "play", "name": "play", "label": "Play", "slider": "frame", "seconds": 8},
    ]
    return ComputedPlot(
        "gan-frames", data, controls, still=draw_still(draw), alt=alt, height=height
    )


def count_modes(samples: Any) -> tuple[int, float]:
    """Count the modes of the eight Gaussians that are found, and the share of good samples.

    Parameters
    ----------
    samples : array-like of shape (n, 2)
        Points.

    Returns
    -------
    modes : int
        Modes with at least 2 per cent of the samples within three standard deviations.
    share : float
        Samples within three standard deviations of their nearest mode.
    """
    law = eight_gaussians()
    points = np.asarray(samples, dtype=float)
    distances = np.linalg.norm(points[:, np.newaxis] - law.means, axis=2)
    near = distances.min(axis=1) < 3 * np.sqrt(law.covariances[0, 0, 0])
    found = np.bincount(distances.argmin(axis=1)[near], minlength=len(law.means))
    return int(np.sum(found >= 0.02 * len(points))), float(near.mean())
