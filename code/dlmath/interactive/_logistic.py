"""Figures to move of the chapter on logistic regression, computed in the page."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.figure import Figure
from scipy import optimize
from scipy.special import xlogy

from dlmath.interactive._base import check_vector, draw_still
from dlmath.interactive._computed import ComputedPlot, _check_count, _short, _slider

LIMIT = 3.0
LAMBDAS = (1e-6, 10.0)
NORMS = (1e-2, 3e2)
MOST_POINTS = 20
LEAST_EVENTS = 20
LEAST_SHARE = 1e-3


def _check_points(X: Any, y: Any) -> tuple[np.ndarray, np.ndarray]:
    try:
        X = np.asarray(X, dtype=float)
    except (TypeError, ValueError) as error:
        raise ValueError("X must hold numbers") from error
    if X.ndim != 2 or X.shape[1] != 2 or not 2 <= len(X) <= MOST_POINTS:
        raise ValueError(f"X must have 2 to {MOST_POINTS} rows of 2 numbers, got {X.shape}")
    if not (np.abs(X) <= LIMIT).all():
        raise ValueError(f"X must have entries from {-LIMIT:g} to {LIMIT:g}")
    y = check_vector("y", y, len(X))
    if set(y.tolist()) != {0.0, 1.0}:
        raise ValueError("y must hold zeros and ones, at least one of each")
    return X, y.astype(int)


def _check_penalty(lam: Any) -> float:
    lam = float(check_vector("lam", [lam])[0])
    if not LAMBDAS[0] <= lam <= LAMBDAS[1]:
        raise ValueError(f"lam must lie between {LAMBDAS[0]:g} and {LAMBDAS[1]:g}, got {lam:g}")
    return lam


def logistic_drag(
    X: Any,
    y: Any,
    *,
    lam: float = 1e-2,
    alt: str,
    height: tuple[int, int] = (980, 560),
) -> ComputedPlot:
    """Points of two classes to drag, and the logistic fit with its length against the penalty.

    The mean cross-entropy plus ``lam`` times the squared norm of the two coefficients, the
    intercept free, is minimised by Newton's method at every move. Whether the classes are
    linearly separable is decided from the lines through pairs of points.

    Parameters
    ----------
    X : array-like of shape (n_samples, 2)
        The points, from -3 to 3, at most 20.
    y : array-like of shape (n_samples,)
        Their classes, 0 or 1.
    lam : float, default=0.01
        The penalty at the beginning, from 1e-6 to 10.
    alt : str
        What is seen, in at least 40 characters.
    height : (int, int)
        Height in pixels on narrow and on wide pages.
    """
    X, y = _check_points(X, y)
    lam = _check_penalty(lam)
    data = {
        "labels": y.tolist(),
        "limit": LIMIT,
        "lambdas": list(LAMBDAS),
        "normLimits": list(NORMS),
    }

    def fit(penalty: float, start: np.ndarray) -> np.ndarray:
        signs = np.where(y == 1, -1.0, 1.0)

        def cost(theta: np.ndarray) -> float:
            scores = theta[0] + X @ theta[1:]
            return np.mean(np.logaddexp(0, signs * scores)) + penalty * theta[1:] @ theta[1:]

        return optimize.minimize(cost, start, tol=1e-10).x

    def draw(figure: Figure) -> None:
        """Draw the first state, by a quasi-Newton method."""
        plane, path = figure.subplots(1, 2)
        theta, x1 = fit(lam, np.zeros(3)), np.array([-LIMIT, LIMIT])
        for score, style in ((-np.log(9), ":"), (0.0, "-"), (np.log(9), ":")):
            plane.plot(x1, (score - theta[0] - theta[1] * x1) / theta[2], style, color="C5")
        plane.plot(*X[y == 1].T, "o", color="C0")
        plane.plot(*X[y == 0].T, "o", color="C1", fillstyle="none", markeredgewidth=2)
        plane.set(xlim=(-LIMIT, LIMIT), ylim=(-LIMIT, LIMIT), xlabel="$x_1$", ylabel="$x_2$")
        lams, norms, at = np.geomspace(LAMBDAS[1], LAMBDAS[0], 43), [], np.zeros(3)
        for penalty in lams:
            at = fit(penalty, at)
            norms.append(np.linalg.norm(at[1:]))
        path.loglog(lams, norms, color="C0")
        path.plot(lam, np.linalg.norm(theta[1:]), "o", color="C0")
        path.set(xlabel="penalty λ", ylabel="length ‖θ‖", ylim=NORMS)

    controls = [
        _slider("lambda", "penalty λ", *LAMBDAS, lam, log=True),
        *(
            {
                "type": "point",
                "name": f"p{i}",
                "label": f"Point {i + 1} of {len(X)}, class {label}",
                "value": point.tolist(),
                "min": [-LIMIT, -LIMIT],
                "max": [LIMIT, LIMIT],
                "color": 1 if label else 2,
                "hollow": not label,
            }
            for i, (point, label) in enumerate(zip(X, y, strict=True))
        ),
    ]
    return ComputedPlot(
        "logistic-drag", data, controls, still=draw_still(draw), alt=alt, height=height
    )


def bump_cut(
    signal_scores: Any,
    background_scores: Any,
    *,
    signal: float,
    background: float,
    cut: float = 0.0,
    bins: int = 60,
    alt: str,
    height: tuple[int, int] = (1180, 760),
) -> ComputedPlot:
    """Cut on a score: what is kept of signal and background, and what significance is expected.

    The scores are those of simulated events; the sliders set how many events of each kind the
    experiment expects. The histogram begins where a thousandth of the signal lies below, and ends
    where 20 simulated background events are left; its end bins hold what lies beyond.

    Parameters
    ----------
    signal_scores, background_scores : array-like of shape (n_events,)
        Scores of simulated events of each kind, the larger the more like signal.
    signal, background : float
        Numbers of events expected before the cut, positive.
    cut : float, default=0
        The cut at the beginning, within the range of the scores.
    bins : int, default=60
        Number of bins, from 10 to 200.
    alt : str
        What is seen, in at least 40 characters.
    height : (int, int)
        Height in pixels on narrow and on wide pages.
    """
    scores = [
        check_vector("signal_scores", signal_scores),
        check_vector("background_scores", background_scores),
    ]
    if len(scores[1]) <= 2 * LEAST_EVENTS:
        raise ValueError(f"background_scores must have more than {2 * LEAST_EVENTS} entries")
    bins = _check_count("bins", bins, 10, 200)
    low = float(np.quantile(scores[0], LEAST_SHARE))
    high = float(np.sort(scores[1])[-LEAST_EVENTS])
    if not low < cut < high:
        raise ValueError(f"cut must lie between {low:.3g} and {high:.3g}, got {cut:.3g}")
    for name, number in (("signal", signal), ("background", background)):
        if check_vector(name, [number])[0] <= 0:
            raise ValueError(f"{name} must be positive, got {number:g}")
    width = (high - low) / (bins - 1)
    edges = np.append(np.linspace(low, high, bins), high + width)
    shares = [np.histogram(np.clip(s, low, high), edges)[0] / len(s) for s in scores]
    data = {
        "edges": [_short(edge, 8) for edge in edges],
        "signal": [_short(share, 8) for share in shares[0]],
        "background": [_short(share, 8) for share in shares[1]],
    }

    def draw(figure: Figure) -> None:
        """Draw the first state, by counting the events above each cut."""
        axes = figure.subplot_mosaic([["scores", "scores"], ["roc", "z"]])
        for s, number, colour in zip(scores, (signal, background), ("C0", "C1"), strict=True):
            weight = np.full(len(s), number / len(s))
            axes["scores"].hist(
                np.clip(s, low, high),
                edges.tolist(),
                weights=weight,
                histtype="step",
                color=colour,
                lw=1.8,
            )
        axes["scores"].axvline(cut, color="C2")
        axes["scores"].set(yscale="log", xlabel="score", ylabel="events per bin", ylim=1e-2)
        kept = [np.array([np.mean(s >= edge) for edge in edges[:-1]]) for s in scores]
        axes["roc"].plot(kept[1], kept[0], color="C0")
        axes["roc"].plot(np.mean(scores[1] >= cut), np.mean(scores[0] >= cut), "o", color="C2")
        axes["roc"].set(xlabel="background kept", ylabel="signal kept")
        s, b = signal * kept[0], background * kept[1]
        axes["z"].plot(edges[:-1], np.sqrt(2 * (xlogy(s + b, 1 + s / b) - s)), color="C3")
        axes["z"].plot(edges[:-1], s / np.sqrt(b), "--", color="C4")
        axes["z"].axvline(cut, color="C2")
        axes["z"].set(xlabel="cut", ylabel="significance", ylim=0)

    controls = [
        _slider("cut", "cut on the score", edges[0], edges[-2], float(cut), step=width / 4),
        _slider("signal", "signal events", signal / 10, signal * 10, float(signal), log=True),
        _slider(
            "background",
            "background events",
            background / 10,
            background * 10,
            float(background),
            log=True,
        ),
        {"type": "button", "name": "best", "label": "Best cut"},
    ]
    return ComputedPlot(
        "bump-cut",
        data,
        controls,
        still=draw_still(draw, (7.2, 5.0)),
        alt=alt,
        height=height,
    )
