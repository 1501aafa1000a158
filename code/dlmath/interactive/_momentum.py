"""Figures to move of the chapter on momentum and stochastic gradients."""

from __future__ import annotations

from typing import Any

import numpy as np
import traitlets
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Ellipse

from dlmath.interactive._base import (
    Interactive,
    check_alt,
    check_between,
    check_height,
    check_vector,
    draw_still,
)
from dlmath.interactive._bundle import bundle
from dlmath.interactive._computed import ComputedPlot, _check_count, _select, _short, _slider
from dlmath.interactive._random import lehmer_uniform
from dlmath.iterations import heavy_ball_parameters, iteration_matrix, least_squares_cloud

KAPPAS = (1.5, 2000.0)
SHARES = (0.05, 4.0)
BETAS = (0.0, 0.995)
METHODS = ("heavy ball", "Nesterov")
CURVATURES = 25
ETAS = (1e-3, 0.3)
BATCHES = (1, 64)
WALKERS = 300
AHEAD = 150
SEED = 1


def momentum_eigenvalues(
    kappa: float = 100.0,
    *,
    alt: str,
    height: tuple[int, int] = (1010, 620),
) -> ComputedPlot:
    """Eigenvalues of one step with momentum in the complex plane, beside the walk that they make.

    Between the soft direction (curvature 1) and the stiff one (curvature ``kappa``) there are
    others, with logarithmic spacing. The figure begins with the best parameters of the heavy ball
    (``eq-momentum-and-stochastic-optimal``); the walk begins at rest, at the distance 1 in each
    direction.

    Parameters
    ----------
    kappa : float, default=100
        Condition number at the beginning, 1.5 to 2000.
    alt : str
        What is seen, in at least 40 characters.
    height : (int, int)
        Height in pixels on narrow and on wide pages.
    """
    kappa = check_between("kappa", kappa, KAPPAS)
    eta, beta = heavy_ball_parameters(1.0, kappa)

    def draw(figure: Figure) -> None:
        """Draw the first state, with eigenvalues and powers of the matrices themselves."""
        plane, distance = figure.subplots(1, 2)
        angle = np.linspace(0, 2 * np.pi, 121)
        for radius, style in ((1.0, "-"), (np.sqrt(beta), "--")):
            plane.plot(radius * np.cos(angle), radius * np.sin(angle), style, color="C5", lw=1)
        for i, h in enumerate(np.geomspace(1, kappa, CURVATURES)):
            r = np.linalg.eigvals(iteration_matrix(h, eta, beta))
            colour, size = {0: ("C0", 6), CURVATURES - 1: ("C1", 6)}.get(i, ("C5", 2.5))
            plane.plot(r.real, r.imag, "o", color=colour, markersize=size)
        plane.set(xlabel="real part of r", ylabel="imaginary part of r", aspect="equal")
        rho = np.sqrt(beta)
        steps = int(np.ceil(20 / (1 - rho)))
        for h, colour, name in ((1.0, "C0", "soft"), (kappa, "C1", "stiff")):
            state, walk = np.ones(2), [1.0]
            for _ in range(steps):
                state = iteration_matrix(h, eta, beta) @ state
                walk.append(abs(state[0]))
            distance.semilogy(walk, color=colour, label=name)
        distance.semilogy(rho ** np.arange(steps + 1), "--", color="C5", label="ρᵏ")
        distance.set(xlabel="steps k", ylabel="distance from the minimum", ylim=(1e-8, 1e3))
        distance.legend()

    controls = [
        _select("method", "Method", METHODS, METHODS[0]),
        _slider("kappa", "condition number κ", *KAPPAS, kappa, log=True),
        _slider("share", "learning rate η, in units of 1/L", *SHARES, eta * kappa, step=0.01),
        _slider("beta", "momentum β", *BETAS, beta, step=0.005),
        {"type": "button", "name": "ball", "label": "Best heavy ball"},
        {"type": "button", "name": "nesterov", "label": "Nesterov's choice"},
        {"type": "button", "name": "plain", "label": "Best without momentum"},
    ]
    return ComputedPlot(
        "momentum-eigenvalues",
        {},
        controls,
        still=draw_still(draw),
        alt=alt,
        height=height,
    )


def first_swarm(
    X: np.ndarray, e: np.ndarray, start: np.ndarray, eta: float, batch: int
) -> np.ndarray:
    """Walk the swarm as far as the page shows it at first."""
    drawn = (lehmer_uniform(SEED, AHEAD * WALKERS * batch) * len(X)).astype(int)
    walkers = np.tile(start, (WALKERS, 1))
    for rows in drawn.reshape(AHEAD, WALKERS, batch):
        miss = np.einsum("wbp,wp->wb", X[rows], walkers) - e[rows]
        walkers -= 2 * eta / batch * np.einsum("wbp,wb->wp", X[rows], miss)
    return walkers


class SgdCloud(Interactive):
    """A swarm of walkers, each with mini-batches of its own, on a least-squares cost.

    The page shows two parameters relative to the minimum, the ellipse of two standard deviations
    of the posterior under a flat prior (``eq-momentum-and-stochastic-posterior``), and the one that
    is predicted for the swarm (``eq-momentum-and-stochastic-multiplicative``, with batches drawn
    with replacement). Nothing moves before the reader asks for it.

    Parameters
    ----------
    X : array-like of shape (n_samples, 2)
        Features.
    y : array-like of shape (n_samples,)
        Target, with a mean of zero if there is to be an intercept.
    eta : float, default=0.02
        Learning rate at the beginning, 0.001 to 0.3.
    batch : int, default=2
        Batch size at the beginning, 1 to 64.
    alt : str
        What is seen, in at least 40 characters.
    height : (int, int)
        Height in pixels on narrow and on wide pages.

    Raises
    ------
    ValueError
        If an argument has a value that is not possible; it is named.
    """

    _esm = bundle("sgdcloud.js")
    data = traitlets.Dict().tag(sync=True)
    eta = traitlets.Float().tag(sync=True)
    batch = traitlets.Int().tag(sync=True)
    langevin = traitlets.Bool().tag(sync=True)

    def __init__(
        self,
        X: Any,
        y: Any,
        *,
        eta: float = 0.02,
        batch: int = 2,
        alt: str,
        height: tuple[int, int] = (1010, 580),
    ) -> None:
        X, y = _check_fit(X, y)
        eta = check_between("eta", eta, ETAS)
        batch = _check_count("batch", batch, *BATCHES)
        n = len(X)
        e = y - X @ np.linalg.lstsq(X, y, rcond=None)[0]
        # What the page computes with, to the digits that it is sent.
        X, e = (np.vectorize(lambda v: _short(v, 6))(array) for array in (X, e))
        s2 = float(e @ e / (n - 2))
        posterior = s2 * np.linalg.inv(X.T @ X)
        widths, axes = np.linalg.eigh(posterior)
        limit = 5 * float(np.sqrt(widths[-1]))
        # Off the long axis of the posterior.
        start = 0.8 * limit * np.array([-1.0, np.sign(axes[0, -1] * axes[1, -1]) or 1.0])
        data = {
            "X": X.tolist(),
            "e": e.tolist(),
            "s2": s2,
            "temperature": 2 * s2 / n,
            "posterior": [posterior[0, 0], posterior[0, 1], posterior[1, 1]],
            "limit": limit,
            "start": start.tolist(),
            "walkers": WALKERS,
            "ahead": AHEAD,
            "seed": SEED,
            "etas": list(ETAS),
        }
        swarm = first_swarm(X, e, start, eta, batch)
        cloud = least_squares_cloud(X, e, eta, batch, replace=True)

        def draw(figure: Figure) -> None:
            plane, across = figure.subplots(1, 2, width_ratios=[1, 1])
            plane.plot(*swarm.T, "o", color="C0", markersize=2.5)
            _ellipse(plane, posterior, "C1", "-")
            _ellipse(plane, cloud, "C5", "--")
            plane.set(
                xlim=(-limit, limit),
                ylim=(-limit, limit),
                aspect="equal",
                xlabel="first parameter",
                ylabel="second parameter",
            )
            for matrix, style, name in (
                (posterior, "C1-", "posterior"),
                (cloud, "C5--", "predicted"),
                (swarm.T @ swarm / WALKERS, "C0o", "swarm"),
            ):
                spread = np.sqrt(np.diag(axes.T @ matrix @ axes))[::-1]
                across.plot([0, 1], spread, style, label=name)
            across.set(xticks=[0, 1], xticklabels=["long axis", "short axis"], ylim=0)
            across.set(ylabel="standard deviation", xlim=(-0.3, 1.3))
            across.legend()

        super().__init__(
            data=data,
            eta=eta,
            batch=batch,
            langevin=False,
            still=draw_still(draw, (7.2, 3.6)),
            alt=check_alt(alt),
            height=check_height(height),
        )


def _check_fit(X: Any, y: Any) -> tuple[np.ndarray, np.ndarray]:
    X = np.asarray(X, dtype=float)
    if X.ndim != 2 or X.shape[1] != 2 or len(X) < 3:
        raise ValueError(f"X must have 2 columns and at least 3 rows, got shape {X.shape}")
    if not np.isfinite(X).all() or np.linalg.matrix_rank(X) < 2:
        raise ValueError("X must be finite, with columns that are independent")
    return X, check_vector("y", y, len(X))


def _ellipse(axes: Axes, covariance: np.ndarray, colour: str, style: str) -> None:
    """Draw the ellipse of two standard deviations."""
    values, vectors = np.linalg.eigh(covariance)
    angle = np.degrees(np.arctan2(vectors[1, 1], vectors[0, 1]))
    size = 4 * np.sqrt(values[::-1])
    axes.add_patch(Ellipse((0, 0), *size, angle=angle, fill=False, ec=colour, ls=style, lw=2))
