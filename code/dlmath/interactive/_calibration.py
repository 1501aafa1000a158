"""Which intervals hold: coverage of the mass models' error bars, computed in the page."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from scipy.stats import norm

from dlmath.calibration import conformal_quantile, coverage
from dlmath.interactive._base import check_between, draw_still
from dlmath.interactive._computed import ComputedPlot, _select, _slider
from dlmath.interactive._nuclear import _check_choice
from dlmath.interactive._ridge import _name_above

METHODS = ("own error bars", "conformal, at random", "conformal, at the edges")
KINDS = ("calibration", "edges", "test", "proper")


def coverage_explorer(
    results: Mapping[str, Any],
    *,
    model: str = "Duflo-Zuker + process",
    test: str = "since 2003",
    method: str = "own error bars",
    level: float = 0.9,
    alt: str,
    height: tuple[int, int] = (900, 520),
) -> ComputedPlot:
    """How many of the nuclides held out lie within their error bars, at every level.

    Parameters
    ----------
    results : mapping
        From :func:`dlmath.datasets.load_mass_results`.
    model, test, method : str
        What is shown first: a model, a split, and one of ``METHODS``.
    level : float, default=0.9
        At the beginning, 0.5 to 0.99.
    alt : str
        What is seen, in at least 40 characters.
    height : (int, int)
        Height in pixels on narrow and on wide pages.
    """
    models = {name: _one_model(name, splits) for name, splits in results["calibration"].items()}
    level = check_between("level", level, (0.5, 0.99))
    tests = list(next(iter(models.values()))["splits"])
    choices = {
        "model": (model, list(models)),
        "test": (test, tests),
        "method": (method, list(METHODS)),
    }
    controls: list[dict[str, Any]] = [
        _select(name, label, options, _check_choice(name, value, options))
        for label, (name, (value, options)) in zip(
            ("Model", "Test", "Intervals"), choices.items(), strict=True
        )
    ]
    controls.append(_slider("level", "level", 0.5, 0.99, level, step=0.01, digits=2))
    part = models[model]["splits"][test]
    still = draw_still(lambda figure: _draw(figure, part, method, level, models[model]["unit"]))
    return ComputedPlot(
        "coverage", {"models": models}, controls, still=still, alt=alt, height=height
    )


def _one_model(name: str, splits: Mapping[str, Any]) -> dict[str, Any]:
    kept = {
        split: {
            "scores": {kind: found["scores"][kind] for kind in KINDS},
            "bars": found["bars"],
            "rawRatio": found["raw_ratio"],
        }
        for split, found in splits.items()
        if "scores" in found
    }
    return {"unit": "MeV" if "boosting" in name else "bars", "splits": kept}


def _threshold(part: Mapping[str, Any], method: str, level: float) -> float:
    if method == METHODS[0]:
        return part["rawRatio"] * norm.ppf((1 + level) / 2)
    kind = "calibration" if method == METHODS[1] else "edges"
    return conformal_quantile(part["scores"][kind], level)


def _test_scores(part: Mapping[str, Any], method: str) -> Any:
    return part["scores"]["proper" if method == METHODS[1] else "test"]


def _draw(figure: Figure, part: Mapping[str, Any], method: str, level: float, unit: str) -> None:
    """Draw the first state by dlmath.calibration."""
    left, right = figure.subplots(1, 2)
    levels = np.linspace(0.02, 0.98, 49)
    left.plot([0, 1], [0, 1], ":", color="C5", linewidth=1.2)
    for k, name in enumerate(METHODS):
        test = _test_scores(part, name)
        shares = [coverage(test, _threshold(part, name, at)) for at in levels]
        label = ("own", "random", "edges")[k]
        left.plot(levels, shares, color=f"C{k}", lw=2.5 if name == method else 1.2, label=label)
    threshold, test = _threshold(part, method, level), np.sort(_test_scores(part, method))
    color = f"C{METHODS.index(method)}"
    left.plot(level, coverage(test, threshold), "o", color=color)
    left.set(xlim=(0, 1), ylim=(0, 1.02), xlabel="level of the intervals")
    left.set_ylabel("share that hold the truth")
    _name_above(left)
    limits = (0.005, 10) if unit == "MeV" else (0.02, 50)
    if method == METHODS[0]:
        z = np.geomspace(*limits, 81)
        right.semilogx(z, 2 * norm.cdf(z / part["rawRatio"]) - 1, color=color, label="as believed")
    else:
        kind = "calibration" if method == METHODS[1] else "edges"
        scores = np.sort(part["scores"][kind])
        below = np.arange(1, len(scores) + 1) / len(scores)
        right.semilogx(scores, below, color=color, label="calibration")
    right.plot(test, np.arange(1, len(test) + 1) / len(test), color="C5", label="test")
    right.axvline(threshold, color="C5", lw=0.9, ls="--")
    right.set(xlim=limits, ylim=(0, 1.02), ylabel="share below")
    right.set_xlabel("error (MeV)" if unit == "MeV" else "error in units of the bar")
    _name_above(right)
