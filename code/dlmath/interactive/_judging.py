"""A figure in which six measures judge a cloud of samples while the reader spoils it."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from matplotlib.figure import Figure

from dlmath.interactive._base import draw_still
from dlmath.interactive._computed import ComputedPlot, _slider
from dlmath.interactive._random import LEHMER_LEFT_OUT, lehmer_uniform
from dlmath.metrics import (
    frechet_distance,
    memorisation_share,
    mmd,
    precision_recall,
    two_sample_accuracy,
)

MODES, WIDTH, JITTER = np.array([[-2, -1], [2, -1], [0, 2.2]]), 0.55, 0.02
REPEATS, FARTHEST = 20, 10
NAMES = [
    "Fréchet distance",
    "kernel distance",
    "precision",
    "recall",
    "two-sample test",
    "memorisation",
]
START = {"shift": 0.0, "spread": 1.0, "hump": 1.0, "copies": 0.0, "n": 100}


def _cloud(
    seed: int, n: int, hump: float = 1.0, spread: float = 1.0, shift: float = 0.0
) -> np.ndarray:
    """Draw points from three humps, of which the third has the weight ``hump``."""
    uniform = lehmer_uniform(7919 * seed, LEHMER_LEFT_OUT + 3 * n)[LEHMER_LEFT_OUT:]
    which, first, second = uniform.reshape(n, 3).T
    centres = MODES[np.minimum(2, (which * (2 + hump)).astype(int))]
    radius, angle = spread * WIDTH * np.sqrt(-2 * np.log(first)), 2 * np.pi * second
    around = np.column_stack([radius * np.cos(angle), radius * np.sin(angle)])
    return centres + around + [shift, 0]


def _clouds(params: Mapping[str, float]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Give the training set, held-out data, and samples of which a share are copies."""
    n = int(params["n"])
    train, held_out = _cloud(1, n), _cloud(2, n)
    fake = _cloud(3, n, *(params[name] for name in ("hump", "spread", "shift")))
    copied = int(np.floor(params["copies"] * n + 0.5))
    moved = train + JITTER * np.sin(7 * _cloud(4, n, 0.0))
    fake[:copied] = moved[:copied]
    return train, held_out, fake


def _measures(train: np.ndarray, held_out: np.ndarray, fake: np.ndarray) -> list[float]:
    return [
        frechet_distance(fake, held_out),
        mmd(fake, held_out, "rbf", 1.0),
        *precision_recall(held_out, fake, k=3),
        two_sample_accuracy(fake, held_out),
        memorisation_share(fake, train, held_out),
    ]


def _band(n: int) -> tuple[np.ndarray, np.ndarray]:
    """Give mean and standard deviation of what real data get."""
    draws = []
    for i in range(REPEATS):
        fake, held_out, train = (_cloud(100 + 3 * i + part, n) for part in range(3))
        draws.append(_measures(train, held_out, fake))
    return np.mean(draws, axis=0), np.std(draws, axis=0, ddof=1)


def sample_judge(*, alt: str, height: tuple[int, int] = (1180, 640)) -> ComputedPlot:
    """Six measures judge a cloud of samples, each against its band for real data.

    The law is three humps in the plane. The reader moves and widens the samples, weakens a hump,
    replaces a share of the samples by copies of the training set, and changes the number of
    points. The page draws the points and computes all measures, and the band from twenty draws of
    three sets of real data of the same size.

    Parameters
    ----------
    alt : str
        What is seen, in at least 40 characters.
    height : (int, int)
        Height in pixels on narrow and on wide pages.
    """

    def draw(figure: Figure) -> None:
        """Draw the first state, with the measures of `dlmath.metrics`."""
        points, rows = figure.subplots(1, 2)
        train, held_out, fake = _clouds(START)
        points.plot(*train.T, "o", color="C5", ms=5, fillstyle="none", label="training")
        points.plot(*held_out.T, "o", color="C0", ms=3, label="held out")
        points.plot(*fake.T, "o", color="C1", ms=3, label="samples")
        points.legend(loc="lower center", bbox_to_anchor=(0.5, 1), ncols=3, frameon=False)
        points.set(xlabel="first feature", ylabel="second feature", aspect="equal")
        centre, sd = _band(int(START["n"]))
        scores = (np.array(_measures(train, held_out, fake)) - centre) / sd
        rows.axvspan(-2, 2, color="C2", alpha=0.18, linewidth=0)
        rows.plot(scores, NAMES, "o", color="C2")
        rows.invert_yaxis()
        rows.set(xlabel="sd from what real data get", xlim=(-FARTHEST - 1, FARTHEST + 1))

    controls = [
        _slider("shift", "shift of the samples", 0, 2, START["shift"], step=0.05),
        _slider("spread", "width of their humps", 0.2, 2, START["spread"], step=0.05),
        _slider("hump", "weight of the third hump", 0, 1, START["hump"], step=0.05),
        _slider("copies", "share of copies", 0, 1, START["copies"], step=0.05),
        _slider("n", "number of points n", 20, 200, START["n"], step=20, integer=True),
        *(
            {"type": "button", "name": name, "label": label}
            for name, label in (
                ("honest", "Honest"),
                ("timid", "Timid"),
                ("forgetful", "Forgetful"),
                ("copier", "Copier"),
            )
        ),
    ]
    return ComputedPlot(
        "sample-judge", {}, controls, still=draw_still(draw), alt=alt, height=height
    )
