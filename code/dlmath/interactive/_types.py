"""Figures to move of the chapter on the types of learning: Lloyd's algorithm, and a bandit."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.figure import Figure

from dlmath.bandits import epsilon_greedy, pull_arms, regret, thompson, ucb1
from dlmath.clustering import assign, kmeans_cost, lloyd
from dlmath.interactive._base import check_vector, draw_still, padded
from dlmath.interactive._computed import ComputedPlot, _check_count, _select, _short, _slider

STARTS = 1000
RUNS = 40
BEGIN = 40
POLICIES = ["ε-greedy", "UCB1", "Thompson sampling"]


def _pairs(points: np.ndarray) -> list[list[float]]:
    return [[_short(value, 6) for value in point] for point in points]


def _ends(z: np.ndarray, clusters: int, seed: int) -> tuple[np.ndarray, list[np.ndarray]]:
    """Run Lloyd's algorithm from many random samples; give the costs and the starts."""
    rng = np.random.default_rng(seed)
    starts = [z[rng.choice(len(z), clusters, replace=False)] for _ in range(STARTS)]
    return np.array([lloyd(z, start).costs[-1] for start in starts]), starts


def _levels(costs: np.ndarray, width: float) -> list[list[float]]:
    """Gather costs that a picture cannot tell apart; give each with its share in per cent."""
    costs = np.sort(costs)
    groups = np.split(costs, np.flatnonzero(np.diff(costs) > width) + 1)
    return [[_short(group.mean(), 5), _short(100 * group.size / costs.size)] for group in groups]


def lloyd_explorer(
    x: Any,
    y: Any,
    *,
    clusters: int = 4,
    seed: int = 0,
    xlabel: str = "x",
    ylabel: str = "y",
    alt: str,
    height: tuple[int, int] = (1000, 560),
) -> ComputedPlot:
    """Lloyd's algorithm, a step at a time, with centres that can be dragged.

    Distances are measured after division by the standard deviations of ``x`` and ``y``. Beside
    the points stand the costs at which runs from random starts have ended.

    Parameters
    ----------
    x, y : array-like of shape (n_samples,)
        The points; neither coordinate may be constant.
    clusters : int, default=4
        The number of centres, 2 to 4.
    seed : int, default=0
        Seed of the random starts.
    xlabel, ylabel : str
        Names of the axes, with units.
    alt : str
        What is seen, in at least 40 characters.
    height : (int, int)
        Height in pixels on narrow and on wide pages.
    """
    x = check_vector("x", x)
    y = check_vector("y", y, x.size)
    clusters = _check_count("clusters", clusters, 2, 4)
    for name, values in (("x", x), ("y", y)):
        if np.ptp(values) == 0:
            raise ValueError(f"{name} must not be all equal")
    if x.size < clusters:
        raise ValueError(f"clusters must be at most the number of points, {x.size}")
    points = np.column_stack([x, y])
    sd = points.std(axis=0)
    costs, starts = _ends(points / sd, clusters, seed)
    good, bad = (starts[k] * sd for k in (costs.argmin(), costs.argmax()))
    z, begin = points / sd, bad / sd
    limits = padded(costs.min(), kmeans_cost(z, assign(z, begin), begin), 0.06)
    data: dict[str, Any] = {
        "points": _pairs(points),
        "sd": [_short(value, 10) for value in sd],
        "good": _pairs(good),
        "bad": _pairs(bad),
        "levels": _levels(costs, 0.004 * (limits[1] - limits[0])),
        "starts": STARTS,
        "costLimits": limits,
        "xlabel": xlabel,
        "ylabel": ylabel,
        "xlim": padded(x.min(), x.max(), 0.05),
        "ylim": padded(y.min(), y.max(), 0.05),
    }

    def draw(figure: Figure) -> None:
        cloud, bars = figure.subplots(1, 2, width_ratios=(3, 2))
        labels = assign(z, begin)
        for j in range(clusters):
            own = points[labels == j]
            cloud.plot(*own.T, "o", color=f"C{j}", markersize=2, rasterized=True)
            cloud.plot(*bad[j], "o", color=f"C{j}", markersize=8)
        cloud.set(xlabel=xlabel, ylabel=ylabel)
        levels = np.array(data["levels"])
        bars.vlines(levels[:, 0], 0, levels[:, 1], color="C5", linewidth=4)
        bars.set(xlabel="cost C", ylabel="ends of random starts, %", ylim=(0, 100))
        bars.set_xlim(*limits)

    low, high = ([data["xlim"][k], data["ylim"][k]] for k in (0, 1))
    controls: list[dict[str, Any]] = [
        {
            "type": "point",
            "name": f"c{j + 1}",
            "label": f"centre {j + 1}",
            "min": low,
            "max": high,
            "value": centre,
            "color": j + 1,
        }
        for j, centre in enumerate(data["bad"])
    ]
    buttons = {
        "step": "Move the centres to their means",
        "run": "Go on to the end",
        "good": "A good start",
        "bad": "A bad start",
    }
    controls += [{"type": "button", "name": name, "label": buttons[name]} for name in buttons]
    return ComputedPlot(
        "lloyd", data, controls, still=draw_still(draw, (7.2, 3.4)), alt=alt, height=height
    )


def bandit_player(
    means: Any,
    *,
    n: int = 1000,
    epsilon: float = 0.1,
    regret_limit: float = 100.0,
    alt: str,
    height: tuple[int, int] = (1120, 660),
) -> ComputedPlot:
    """Play a bandit in the page, pull by pull, by a policy that the reader chooses.

    Parameters
    ----------
    means : array-like of shape (n_arms,)
        The probabilities with which the arms pay 1, from two to nine arms.
    n : int, default=1000
        The number of pulls.
    epsilon : float, default=0.1
        The share of random pulls at the beginning, from 0 to 1.
    regret_limit : float, default=100
        Upper end of the axis of the regret.
    alt : str
        What is seen, in at least 40 characters.
    height : (int, int)
        Height in pixels on narrow and on wide pages.
    """
    means = check_vector("means", means)
    if not 2 <= means.size <= 9 or means.min() < 0 or means.max() > 1:
        raise ValueError("means must be from two to nine probabilities")
    n = _check_count("n", n, 100, 5000)
    if not 0 <= epsilon <= 1:
        raise ValueError(f"epsilon must lie between 0 and 1, got {epsilon!r}")
    if not 0 < regret_limit < np.inf:
        raise ValueError(f"regret_limit must be positive, got {regret_limit!r}")
    data: dict[str, Any] = {
        "means": means.tolist(),
        "n": n,
        "runs": RUNS,
        "regretLimit": float(regret_limit),
    }

    def draw(figure: Figure) -> None:
        arms, curve = figure.subplots(1, 2)
        where = np.arange(1, means.size + 1)
        arms.hlines(means, where - 0.3, where + 0.3, color="C2")
        arms.set(xlabel="arm", ylabel="probability that a pulse counts", ylim=(0, 1))
        arms.set_xticks(where)
        policies = (epsilon_greedy(float(epsilon)), ucb1, thompson)
        for name, policy in zip(POLICIES, policies, strict=True):
            played = pull_arms(policy, means, n, runs=RUNS)
            curve.plot(np.arange(1, n + 1)[::10], regret(played, means)[::10], label=name)
        curve.legend()
        curve.set(xlabel="pulls", ylabel="regret", xlim=(0, n), ylim=(0, regret_limit))

    controls: list[dict[str, Any]] = [
        _select("policy", "Policy", POLICIES, POLICIES[0]),
        _slider("epsilon", "ε, for ε-greedy", 0, 1, float(epsilon), step=0.05, digits=2),
        _slider("pulls", "pulls", 0, n, BEGIN, step=1, integer=True),
        {"type": "play", "name": "play", "label": "Play", "slider": "pulls", "seconds": n / 60},
        {"type": "button", "name": "one", "label": "One pull"},
        _slider("run", "run", 1, 50, 1, step=1, integer=True),
        {"type": "checkbox", "name": "truth", "label": "show the true means", "value": False},
    ]
    return ComputedPlot(
        "bandit", data, controls, still=draw_still(draw, (7.2, 3.2)), alt=alt, height=height
    )
