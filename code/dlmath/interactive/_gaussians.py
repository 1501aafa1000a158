"""Figures to move of the chapter on discriminative and generative models."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from dlmath.gaussian_classifiers import gaussian_log_density
from dlmath.interactive._base import check_number, check_vector, draw_still
from dlmath.interactive._computed import ComputedPlot, _select, _slider

LIMIT = 4.5
REACH = 11.0
DRAWN = 160
CLASSIFIERS = (
    "LDA: one covariance",
    "QDA: a covariance for each class",
    "naive Bayes: no correlations",
)


def _point(name: str, label: str, value: np.ndarray) -> dict[str, Any]:
    reach = LIMIT - 0.5
    return {
        "type": "point",
        "name": name,
        "label": label,
        "value": value.tolist(),
        "min": [-reach, -reach],
        "max": [reach, reach],
    }


def _covariances(tilts: tuple[float, float], sd: float) -> list[np.ndarray]:
    return [
        scale**2 * np.array([[1, tilt], [tilt, 1]])
        for scale, tilt in zip((1.0, sd), tilts, strict=True)
    ]


def _fitted(truth: list[np.ndarray], prior: float, model: str) -> list[np.ndarray]:
    """Give the covariances to which the estimates tend with more and more samples."""
    if model.startswith("LDA"):
        return [(1 - prior) * truth[0] + prior * truth[1]] * 2
    if model.startswith("QDA"):
        return truth
    return [np.diag(np.diag(covariance)) for covariance in truth]


def two_gaussians(
    *,
    means: Any = ((-1.2, -0.3), (1.3, 0.4)),
    tilts: tuple[float, float] = (0.7, 0.7),
    sd: float = 1.0,
    prior: float = 0.5,
    model: str = CLASSIFIERS[0],
    samples: bool = False,
    alt: str,
    height: tuple[int, int] = (1240, 660),
) -> ComputedPlot:
    """Two Gaussian classes, three models of them, their boundaries, posteriors and samples.

    The models are shown as they are after infinitely many samples. The covariance of class 0 is
    ``[[1, tilt], [tilt, 1]]``, that of class 1 is ``sd**2`` times such a matrix.

    Parameters
    ----------
    means : ((float, float), (float, float))
        Means of class 0 and class 1 at the beginning, coordinates from -4 to 4.
    tilts : (float, float), default=(0.7, 0.7)
        Correlations in class 0 and class 1, from -0.9 to 0.9.
    sd : float, default=1.0
        Width of class 1, from 0.5 to 2.
    prior : float, default=0.5
        Share of class 1, from 0.05 to 0.95.
    model : str
        One of the three that can be chosen.
    samples : bool, default=False
        Whether samples drawn from the model are shown at the beginning.
    alt : str
        What is seen, in at least 40 characters.
    height : (int, int)
        Height in pixels on narrow and on wide pages.
    """
    centres = [check_vector(f"means[{k}]", mean, 2) for k, mean in enumerate(means)]
    if len(centres) != 2 or max(np.abs(mean).max() for mean in centres) > LIMIT - 0.5:
        raise ValueError(f"means must be two points with coordinates within {LIMIT - 0.5}")
    first, second = (check_number("tilts", tilt, -0.9, 0.9) for tilt in tilts)
    sd = check_number("sd", sd, 0.5, 2)
    prior = check_number("prior", prior, 0.05, 0.95)
    if model not in CLASSIFIERS:
        raise ValueError(f"model must be one of {'; '.join(CLASSIFIERS)}, got {model!r}")
    rng = np.random.default_rng(0)
    noise, uniform = rng.standard_normal((DRAWN, 2)).round(3), rng.uniform(size=DRAWN).round(3)
    truth = _covariances((first, second), sd)

    def draw(figure: Figure) -> None:
        plane, along = figure.subplots(1, 2)
        _draw_plane(plane, centres, truth, _fitted(truth, prior, model), prior)
        _draw_along(along, centres, truth, _fitted(truth, prior, model), prior)

    controls = [
        _select("model", "Model", CLASSIFIERS, model),
        _slider("tilt0", "correlation in class 0", -0.9, 0.9, first, step=0.1, digits=2),
        _slider("tilt1", "correlation in class 1", -0.9, 0.9, second, step=0.1, digits=2),
        _slider("sd", "width of class 1", 0.5, 2, sd, step=0.1, digits=2),
        _slider("prior", "share of class 1", 0.05, 0.95, prior, step=0.05, digits=2),
        {
            "type": "checkbox",
            "name": "samples",
            "label": "draw samples from the model",
            "value": bool(samples),
        },
        _point("mean0", "Mean of class 0", centres[0]),
        _point("mean1", "Mean of class 1", centres[1]),
    ]
    return ComputedPlot(
        "two-gaussians",
        {"limit": LIMIT, "reach": REACH, "noise": noise.tolist(), "uniform": uniform.tolist()},
        controls,
        still=draw_still(draw),
        alt=alt,
        height=height,
    )


def _log_odds(
    X: np.ndarray, means: list[np.ndarray], covariances: list[np.ndarray], prior: float
) -> np.ndarray:
    logs = [gaussian_log_density(X, *pair) for pair in zip(means, covariances, strict=True)]
    return np.log(prior / (1 - prior)) + logs[1] - logs[0]


def _draw_plane(
    axes: Axes,
    means: list[np.ndarray],
    truth: list[np.ndarray],
    fitted: list[np.ndarray],
    prior: float,
) -> None:
    angle = np.linspace(0, 2 * np.pi, 73)
    circle = np.array([np.cos(angle), np.sin(angle)])
    for k, mean in enumerate(means):
        for radius in (1, 2):
            for covariance, style in ((truth[k], "C5:"), (fitted[k], f"C{k}")):
                ring = mean[:, np.newaxis] + radius * np.linalg.cholesky(covariance) @ circle
                axes.plot(*ring, style, linewidth=1.2)
        axes.plot(*mean, "o", color=f"C{k}")
        axes.annotate(
            f"class {k}", (mean[0], mean[1]), (6, 6), textcoords="offset points", color=f"C{k}"
        )
    at = np.linspace(-LIMIT, LIMIT, 121)
    points = np.column_stack([grid.ravel() for grid in np.meshgrid(at, at)])
    for covariances, color, width in ((truth, "C5", 1.0), (fitted, "k", 2.0)):
        odds = _log_odds(points, means, covariances, prior).reshape(121, 121)
        axes.contour(at, at, odds, levels=[0], colors=color, linewidths=width)
    axes.set(xlabel="$x_1$", ylabel="$x_2$", aspect="equal")
    axes.set(xlim=(-LIMIT, LIMIT), ylim=(-LIMIT, LIMIT))


def _draw_along(
    axes: Axes,
    means: list[np.ndarray],
    truth: list[np.ndarray],
    fitted: list[np.ndarray],
    prior: float,
) -> None:
    length = max(float(np.linalg.norm(means[1] - means[0])), 1e-9)
    at = np.linspace(-LIMIT, LIMIT, 121)
    line = (means[0] + means[1]) / 2 + np.outer(at, (means[1] - means[0]) / length)
    for covariances, style in ((truth, "C5--"), (fitted, "k-")):
        axes.plot(at, 1 / (1 + np.exp(-_log_odds(line, means, covariances, prior))), style)
    for side, color in ((-1, "C0"), (1, "C1")):
        axes.axvline(side * length / 2, color=color, linewidth=1)
    axes.set(xlabel="along the line through both means", ylabel="probability of class 1")


def _two_humps(x: np.ndarray, distance: float, share: float) -> np.ndarray:
    weights = ((share, -distance / 2), (1 - share, distance / 2))
    parts = [w * np.exp(-((x - c) ** 2) / 2) / np.sqrt(2 * np.pi) for w, c in weights]
    return np.asarray(parts[0] + parts[1])


def forward_and_reverse_kl(
    *,
    distance: float = 5.0,
    share: float = 0.5,
    m: float = 1.0,
    s: float = 1.6,
    alt: str,
    height: tuple[int, int] = (1060, 640),
) -> ComputedPlot:
    """Fit a Gaussian to a mixture of two humps by one Kullback-Leibler divergence or the other.

    Parameters
    ----------
    distance : float, default=5.0
        Between the humps, each of standard deviation 1, from 0 to 7.
    share : float, default=0.5
        Weight of the left hump, from 0.05 to 0.95.
    m, s : float
        Mean and standard deviation of the Gaussian at the beginning, from -4.5 to 4.5 and from
        0.5 to 4.
    alt : str
        What is seen, in at least 40 characters.
    height : (int, int)
        Height in pixels on narrow and on wide pages.
    """
    distance = check_number("distance", distance, 0, 7)
    share = check_number("share", share, 0.05, 0.95)
    m, s = check_number("m", m, -4.5, 4.5), check_number("s", s, 0.5, 4)

    def draw(figure: Figure) -> None:
        densities, valleys = figure.subplots(1, 2)
        x = np.linspace(-14, 14, 2001)
        p = _two_humps(x, distance, share)

        def both(mean: float) -> tuple[float, float]:
            log_q = -(((x - mean) / s) ** 2) / 2 - np.log(s * np.sqrt(2 * np.pi))
            gap = np.log(p) - log_q
            return (
                float(np.trapezoid(p * gap, x)),
                float(-np.trapezoid(np.exp(log_q) * gap, x)),
            )

        seen = np.abs(x) <= 8
        densities.plot(x[seen], p[seen], color="C2")
        q = np.exp(-(((x - m) / s) ** 2) / 2) / (s * np.sqrt(2 * np.pi))
        densities.plot(x[seen], q[seen], color="C3")
        densities.set(xlabel="x", ylabel="density", ylim=(0, 0.62))
        at = np.linspace(-5, 5, 121)
        forward, reverse = np.transpose([both(mean) for mean in at])
        valleys.plot(at, forward, color="C0", label="KL(p‖q)")
        valleys.plot(at, reverse, "--", color="C1", label="KL(q‖p)")
        valleys.plot([m, m], both(m), "o", color="k", markersize=4)
        valleys.set(xlabel="mean m of the model", ylabel="divergence (nats)", ylim=(0, 4))
        valleys.legend()

    controls = [
        _slider("distance", "distance of the humps", 0, 7, distance, step=0.1, digits=2),
        _slider("share", "weight of the left hump", 0.05, 0.95, share, step=0.05, digits=2),
        _slider("m", "mean m of the model", -4.5, 4.5, m, step=0.1, digits=2),
        _slider("s", "width s of the model", 0.5, 4, s, step=0.05, digits=3),
        {"type": "button", "name": "forward", "label": "Smallest KL(p‖q)"},
        {"type": "button", "name": "reverse", "label": "Smallest KL(q‖p) nearby"},
    ]
    return ComputedPlot("kl-fit", {}, controls, still=draw_still(draw), alt=alt, height=height)
