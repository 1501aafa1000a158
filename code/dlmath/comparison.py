"""All models of the digits in one table, from their records, and what a table can be asked.

Nothing is trained or judged here, and PyTorch is not needed. Models whose records come later take
their places by themselves.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from dlmath.aims import FAMILIES, measured
from dlmath.datasets import load_digit_baselines
from dlmath.metrics import _frechet
from dlmath.trained import trained_names, trained_record

__all__ = [
    "MEASURES",
    "Judged",
    "Measure",
    "floor_of",
    "herd_moments",
    "judged_digits",
    "not_dominated",
    "rank_correlation",
    "table_rows",
    "weighted_frechet",
]

WITHOUT = "Without networks"
#: How often a network is evaluated for one sample, if the record does not say.
EVALUATIONS = {
    "energy-digits": 200,
    "vae-digits": 1,
    "made-digits": 64,
    "realnvp-digits": 1,
    "spline-digits": 1,
    "gan-digits": 1,
    "gan-digits-no-r1": 1,
    "wgan-digits": 1,
}
#: Models of integers; the likelihood of the others is a bound, by dequantisation or by weights.
EXACT = ("made-digits", "independent pixels", "pixel mixture, 80", "uniform noise")
JUDGE = "digits-features"


@dataclass(frozen=True)
class Measure:
    """One column of the table.

    Attributes
    ----------
    key, label, head : str
        Name in `Judged.values`, words for an axis, and a short head for a column.
    best : float
        Where the best value lies: minus infinity, infinity or a number.
    form : str
        How a value is written.
    log : bool, default=False
        Whether an axis should be logarithmic.
    """

    key: str
    label: str
    head: str
    best: float
    form: str
    log: bool = False

    def cost(self, value: float) -> float:
        """Return a number that is smaller for better values."""
        if np.isinf(self.best):
            return value if self.best < 0 else -value
        return abs(value - self.best)


MEASURES = (
    Measure("fd", "Fréchet distance", "FD", -np.inf, ".1f", log=True),
    Measure("precision", "precision", "prec.", np.inf, ".2f"),
    Measure("recall", "recall", "recall", np.inf, ".2f"),
    Measure("two_sample", "two-sample test", "test", 0.5, ".2f"),
    Measure("memorisation", "memorisation", "copied", 0.5, ".2f"),
    Measure("nats", "held-out nats a picture", "nats", -np.inf, ".1f", log=True),
    Measure("parameters", "parameters", "size", -np.inf, ",.0f", log=True),
    Measure("seconds", "seconds of training", "sec.", -np.inf, ".0f", log=True),
    Measure("evaluations", "evaluations a sample", "passes", -np.inf, ".0f", log=True),
)


@dataclass(frozen=True)
class Judged:
    """A model of the digits, sampled in one way, and what the judge said.

    Attributes
    ----------
    name, family : str
        Name of the model and of its family.
    values : mapping from str to float
        For the keys of `MEASURES`; what is not known is left out.
    exact : bool
        Whether ``nats``, if there, is exact and not an upper bound.
    sampler : str
        How it was sampled, if there is a choice; otherwise empty.
    """

    name: str
    family: str
    values: Mapping[str, float] = field(default_factory=dict)
    exact: bool = False
    sampler: str = ""


def _chosen(found: Mapping[str, float]) -> dict[str, float]:
    return {m.key: float(found[m.key]) for m in MEASURES if m.key in found}


def _of_record(name: str, family: str) -> list[Judged]:
    """Give a row for each way of sampling that the record knows; none if it is not judged."""
    record, found = trained_record(name), measured(name)
    if "fd" not in found:
        return []
    measures: Mapping[str, Any] = record["measures"]
    shared = {"parameters": record["parameters"], "seconds": record["cpu_seconds"]}
    shared |= {"nats": found["nats"]} if "nats" in found else {}
    # The other measures of this record are those of the decoder's means, which are no samples.
    own = {"fd": found["fd"]} if "fd_means" in found else found
    evaluations = measures.get("evaluations", EVALUATIONS.get(name))
    ways = [{**own, "sampler": measures.get("sampler", ""), "evaluations": evaluations}]
    ways += measures.get("others", [])
    return [
        Judged(name, family, _chosen({**way, **shared}), name in EXACT, way["sampler"])
        for way in ways
    ]


def judged_digits(*, without: bool = True, every: bool = False) -> list[Judged]:
    """List all shipped models of grey digits that have been judged.

    Parameters
    ----------
    without : bool, default=True
        Whether to list models without networks too.
    every : bool, default=False
        Whether a model has a row for every way of sampling on record; otherwise for the first.

    Returns
    -------
    rows : list of Judged
        Family by family.
    """
    rows = []
    if without:
        for name, found in load_digit_baselines().table.items():
            rows.append(Judged(name, WITHOUT, _chosen(found), name in EXACT))
    present = trained_names()
    for family, names in FAMILIES.items():
        for name in names:
            if name in present and name != JUDGE:
                rows.extend(_of_record(name, family)[: None if every else 1])
    return rows


def floor_of(key: str) -> tuple[float, float] | None:
    """Return what real digits get, as a mean and a standard deviation, or None if they get none."""
    floor = trained_record(JUDGE)["measures"]["floor"]
    return (floor["mean"][key], floor["sd"][key]) if key in floor["mean"] else None


def table_rows(rows: Sequence[Judged], keys: Sequence[str]) -> dict[str, list[list[str]]]:
    """Write rows for `dlmath.tables.Table`, in groups by family, the best Frechet distance first.

    Parameters
    ----------
    rows : sequence of Judged
    keys : sequence of str
        Columns after the name.

    Returns
    -------
    groups : dict from str to list of rows
        A likelihood that is a bound has ``≤`` before it; what is not known is a dash. Parameters
        are counted in thousands.
    """
    chosen = {measure.key: measure for measure in MEASURES}
    groups: dict[str, list[list[str]]] = {}
    for row in sorted(rows, key=lambda row: row.values.get("fd", np.inf)):
        cells = []
        for key in keys:
            if key not in row.values:
                cells.append("–")
                continue
            sign = "≤" if key == "nats" and not row.exact else ""
            value, unit = row.values[key], ""
            if key == "parameters":
                value, unit = value / 1000, "k"
            cells.append(sign + format(value, chosen[key].form) + unit)
        name = row.name if row.family == WITHOUT else f"`{row.name}`"
        groups.setdefault(row.family, []).append([name, *cells])
    return groups


def _shared(rows: Sequence[Judged], keys: Sequence[str]) -> list[Judged]:
    return [row for row in rows if all(key in row.values for key in keys)]


def rank_correlation(rows: Sequence[Judged], first: str, second: str) -> float:
    """Say how far two measures agree about which models are better.

    Spearman's coefficient of the costs: 1 if both put the models into the same order, -1 if into
    opposite ones.

    Parameters
    ----------
    rows : sequence of Judged
        Those that lack one of the measures are left out.
    first, second : str
        Keys of `MEASURES`.

    Raises
    ------
    ValueError
        If fewer than three models have both.
    """
    measures = {measure.key: measure for measure in MEASURES}
    both = _shared(rows, (first, second))
    if len(both) < 3:
        raise ValueError(f"only {len(both)} models have both {first} and {second}")
    costs = [[measures[key].cost(row.values[key]) for row in both] for key in (first, second)]
    return float(stats.spearmanr(*costs).statistic)


def not_dominated(rows: Sequence[Judged], first: str, second: str) -> list[Judged]:
    """Keep the models that no other beats in one measure without losing in the other.

    Parameters
    ----------
    rows : sequence of Judged
        Those that lack one of the measures are left out.
    first, second : str
        Keys of `MEASURES`.

    Returns
    -------
    front : list of Judged
        From the best in the first measure to the best in the second.
    """
    measures = {measure.key: measure for measure in MEASURES}
    both = _shared(rows, (first, second))
    costs = np.array([[measures[k].cost(row.values[k]) for k in (first, second)] for row in both])
    front = [
        i
        for i, own in enumerate(costs)
        if not np.any((costs <= own).all(axis=1) & (costs < own).any(axis=1))
    ]
    return [both[i] for i in sorted(front, key=lambda i: tuple(costs[i]))]


def herd_moments(features: ArrayLike, wanted: ArrayLike, count: int) -> NDArray[np.int64]:
    """Choose pictures, with repetition, whose features have nearly the moments of others.

    Herding: each step takes the picture that goes farthest in the direction in which the sums of
    first and second moments still lack something. Coordinates are first rotated and scaled so that
    the wanted features have mean 0 and covariance I.

    Parameters
    ----------
    features : array-like of shape (n_candidates, p)
        Features of the pictures to choose from.
    wanted : array-like of shape (n_samples, p)
        Features whose mean and covariance are to be met.
    count : int
        How many to choose.

    Returns
    -------
    chosen : ndarray of shape (count,)
        Indices of candidates.
    """
    features, wanted = np.asarray(features, dtype=float), np.asarray(wanted, dtype=float)
    mean, covariance = wanted.mean(axis=0), np.cov(wanted.T)
    nu, axes = np.linalg.eigh(covariance)
    white = (features - mean) @ axes / np.sqrt(nu)
    weights = nu / nu.max()
    first, second = np.triu_indices(features.shape[1])
    scale = np.where(first == second, 1, np.sqrt(2)) * np.sqrt(weights[first] * weights[second])
    products = scale * (white[:, first] * white[:, second])
    table = np.hstack([np.sqrt(weights) * white, products])
    target = np.concatenate([np.zeros(white.shape[1]), scale * (first == second)])
    missing, chosen = target.copy(), []
    for _ in range(count):
        best = int(np.argmax(table @ missing - np.sum(table**2, axis=1) / 2))
        chosen.append(best)
        missing += target - table[best]
    return np.array(chosen)


def weighted_frechet(points: ArrayLike, real: ArrayLike, weights: ArrayLike | None = None) -> float:
    """Frechet distance of a law on a few points from a sample.

    Parameters
    ----------
    points : array-like of shape (n_points, p)
        Where the law has its atoms.
    real : array-like of shape (n_samples, p)
        The sample, whose covariance has the divisor n - 1.
    weights : array-like of shape (n_points,), optional
        Probabilities of the atoms; all alike if not given.
    """
    points, real = np.asarray(points, dtype=float), np.asarray(real, dtype=float)
    p = np.full(len(points), 1 / len(points)) if weights is None else np.asarray(weights)
    mean = p @ points
    A = np.sqrt(p)[:, np.newaxis] * (points - mean)
    B = (real - real.mean(axis=0)) / np.sqrt(len(real) - 1)
    return _frechet(mean - real.mean(axis=0), A, B)
