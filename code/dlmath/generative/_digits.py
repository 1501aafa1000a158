"""The judge of generated digits: a classifier that lends its features, and what real digits get."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, Self

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.utils import Bunch, check_array
from sklearn.utils.validation import check_is_fitted
from torch import nn

from dlmath._checks import check_above_zero, check_count
from dlmath.datasets import load_digits
from dlmath.generative._base import TorchModel
from dlmath.generative._shipped import load_trained
from dlmath.metrics import (
    class_entropy,
    frechet_distance,
    memorisation_share,
    mmd,
    precision_recall,
    two_sample_accuracy,
)
from dlmath.trained import trained_record

Array = NDArray[np.float64]

SAMPLES = 4495
CLASSES = 10
LEVELS = 17


class DigitClassifier(TorchModel):
    """A small convolutional network that reads digits of 8 by 8 pixels.

    Four layers of feature maps and a layer of 32 numbers, the *features*, from which the last
    layer finds the digit. Distances between samples are measured in these features.

    Parameters
    ----------
    dropout : float, default=0.3
        Share of the inputs of the layer of features that is dropped in training, from 0 to 1.
    weight_decay : float, default=0.01
        That of AdamW.
    eta : float, default=0.003
        The largest learning rate; it rises in the first third of the training and then falls.
    steps : int, default=840
    batch_size : int, default=32
    seed : int, default=0
    device : str, default="cpu"

    Attributes
    ----------
    network_, n_features_in_, losses_
        As in other models.
    """

    side = 8
    greys = LEVELS

    def __init__(
        self,
        dropout: float = 0.3,
        weight_decay: float = 0.01,
        eta: float = 0.003,
        steps: int = 840,
        batch_size: int = 32,
        seed: int = 0,
        device: str = "cpu",
    ) -> None:
        self.dropout = dropout
        self.weight_decay = weight_decay
        self.eta = eta
        self.steps = steps
        self.batch_size = batch_size
        self.seed = seed
        self.device = device

    def _build(self, n_features: int) -> nn.Module:
        side = round(n_features**0.5)
        return nn.Sequential(
            nn.Unflatten(1, (1, side, side)),
            *convolution(1, 24),
            *convolution(24, 48),
            nn.MaxPool2d(2),
            *convolution(48, 64),
            nn.MaxPool2d(2),
            nn.Flatten(),
            nn.Dropout(self.dropout),
            nn.Linear(64 * (side // 4) ** 2, 32),
            nn.ReLU(),
            nn.Linear(32, CLASSES),
        )

    def fit(self, X: Any, y: Any, *, progress: bool = False) -> Self:
        """Learn from pictures and their digits.

        Parameters
        ----------
        X : array-like of shape (n_samples, 64)
            Pixels from 0 to 16.
        y : array-like of shape (n_samples,)
            Digits.
        progress : bool, default=False

        Returns
        -------
        self : DigitClassifier

        Raises
        ------
        ValueError
            If a picture is not one of 8 by 8 pixels, or a label not a digit.
        """
        X, y = check_pictures("X", X, self.side), np.asarray(y)
        if y.shape != (len(X),) or not np.isin(y, np.arange(CLASSES)).all():
            raise ValueError(f"y must hold {len(X)} digits from 0 to 9")
        if not 0 <= self.dropout < 1:
            raise ValueError(f"dropout must lie between 0 and 1, got {self.dropout!r}")
        check_above_zero("weight_decay", self.weight_decay)
        rows, labels = self._scaled(self._start(X)), torch.as_tensor(y.astype(np.int64))
        optimiser = torch.optim.AdamW(
            self.network_.parameters(), self.eta, weight_decay=self.weight_decay
        )
        schedule = torch.optim.lr_scheduler.OneCycleLR(
            optimiser, self.eta, total_steps=self.steps + 1
        )
        order: list[torch.Tensor] = []

        def step(k: int) -> float:
            if not order:
                order.extend(torch.randperm(len(rows)).split(self.batch_size))
            batch = order.pop()
            loss = nn.functional.cross_entropy(self.network_(rows[batch]), labels[batch])
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            schedule.step()
            return loss.item()

        with self._seeded():
            self._train(step, progress=progress)
        return self

    def _scaled(self, rows: torch.Tensor) -> torch.Tensor:
        """Map grey levels to the interval from -1 to 1."""
        return rows / ((self.greys - 1) / 2) - 1

    @torch.no_grad()
    def _outputs(self, X: Any, network: nn.Module) -> torch.Tensor:
        rows = self._scaled(self._tensor(check_pictures("X", X, self.side)))
        return torch.cat([network(batch) for batch in rows.split(1024)])

    def features(self, X: Any) -> Array:
        """Return the 32 features of each picture.

        Parameters
        ----------
        X : array-like of shape (n_samples, 64)
            Pixels from 0 to 16.

        Returns
        -------
        ndarray of shape (n_samples, 32)
            Not negative.
        """
        check_is_fitted(self, "network_")
        network: Any = self.network_
        return self._outputs(X, network[:-1]).double().numpy()

    def predict_proba(self, X: Any) -> Array:
        """Return the probabilities of the ten digits, of shape (n_samples, 10)."""
        check_is_fitted(self, "network_")
        return self._outputs(X, self.network_).double().softmax(dim=1).numpy()

    def predict(self, X: Any) -> NDArray[np.int64]:
        """Return the most probable digit of each picture."""
        return self.predict_proba(X).argmax(axis=1)


def convolution(inputs: int, outputs: int) -> list[nn.Module]:
    """Return layers that keep the size of a picture."""
    return [nn.Conv2d(inputs, outputs, 3, padding=1), nn.ReLU()]


def check_pictures(name: str, X: Any, side: int = 8) -> Array:
    """Return rows of finite pixels of square pictures."""
    rows: Array = check_array(X, dtype=float, input_name=name)
    if rows.shape[1] != side**2:
        raise ValueError(f"{name} must have {side**2} columns, one a pixel, got {rows.shape[1]}")
    return rows


@lru_cache(maxsize=1)
def _judge() -> Bunch:
    """Load what every set of samples is compared with, once."""
    digits, classifier = load_digits(), load_trained("digits-features")
    return Bunch(
        classifier=classifier,
        train=digits.train.astype(float),
        test=digits.test.astype(float),
        features=classifier.features(digits.test),
    )


def judge_digits(samples: Any, seed: int = 0) -> Bunch:
    """Judge generated digits against the half of the real ones that no model may see.

    Pixels are rounded to the 17 grey levels, and the first 4,495 samples are used, five times as
    many as there are real ones. Features are those of the classifier ``"digits-features"``, which
    was trained on the first half. Shares that need as many samples on both sides take a random
    899 of the 4,495.

    Parameters
    ----------
    samples : array-like of shape (n_samples, 64)
        At least 4,495, in grey levels from 0 to 16.
    seed : int, default=0
        Of the choice of the 899.

    Returns
    -------
    measures : Bunch of floats
        fd
            Frechet distance of the features. Biased: compare it with `judge_floor` only.
        kd
            Kernel distance: squared maximum mean discrepancy of the features, cubic kernel,
            without bias.
        precision, recall
            With three neighbours, in the features.
        two_sample, two_sample_pixels
            Accuracy of one nearest neighbour that tells samples from real digits, in the features
            and in the pixels: one half is best.
        confidence
            Mean of the classifier's largest probability.
        classes
            Effective number of digits, at most 10.
        memorisation
            Share of the samples that are nearer, in pixels, to the training half than to the
            other one: one half is best, one is copying.

    Raises
    ------
    ValueError
        On wrong shapes, values that are not finite, or fewer than 4,495 samples.
    """
    rows = check_pictures("samples", samples)
    check_count("seed", seed, 0)
    if len(rows) < SAMPLES:
        raise ValueError(
            f"samples has {len(rows)} rows; the Frechet distance is only comparable with "
            f"others from at least {SAMPLES}"
        )
    rows, real = np.rint(rows[:SAMPLES]).clip(0, LEVELS - 1), _judge()
    features, probabilities = real.classifier.features(rows), real.classifier.predict_proba(rows)
    some = np.random.default_rng(seed).choice(SAMPLES, len(real.test), replace=False)
    precision, recall = precision_recall(real.features, features[some], k=3)
    return Bunch(
        fd=frechet_distance(features, real.features),
        kd=mmd(features, real.features),
        precision=precision,
        recall=recall,
        two_sample=two_sample_accuracy(features[some], real.features),
        two_sample_pixels=two_sample_accuracy(rows[some], real.test),
        confidence=float(probabilities.max(axis=1).mean()),
        classes=float(np.exp(class_entropy(probabilities))),
        memorisation=memorisation_share(rows, real.train, real.test[: len(real.train)]),
    )


def judge_floor() -> Bunch:
    """Return what real digits get from the same judge: a mean and a standard deviation for each.

    For ``fd``, ``kd`` and ``classes`` the samples were 4,495 draws with replacement from the
    training half, twenty times; for ``confidence``, as many from the other half, since the
    classifier knows the training half by heart. Such draws repeat digits, which would spoil the
    measures that look at neighbours: these come from twenty random splits of all 1,797 digits,
    into halves for ``precision``, ``recall`` and the two-sample tests, and into thirds (samples,
    training set, held-out set) for ``memorisation``.

    The mean of ``kd`` is negative because the halves are not independent: they hold each digit
    equally often, and are more alike than two samples of one law.

    Returns
    -------
    floor : Bunch
        ``mean`` and ``sd``, each a Bunch with the names of `judge_digits`; and ``halves``, the
        distances ``fd`` and ``kd`` of the training half itself, 898 digits, from the other.
    """
    floor = trained_record("digits-features")["measures"]["floor"]
    return Bunch(**{name: Bunch(**values) for name, values in floor.items()})


def measure_floor(repeats: int = 20) -> dict[str, dict[str, float]]:
    """Measure what `judge_floor` returns, for the record of the classifier."""
    real, rng, own = _judge(), np.random.default_rng(0), np.random.default_rng(1)
    everything = np.vstack([real.train, real.test])
    features, found = real.classifier.features(everything), []
    confidence = real.classifier.predict_proba(real.test).max(axis=1)
    for repeat in range(repeats):
        draws = judge_digits(real.train[rng.integers(len(real.train), size=SAMPLES)], repeat)
        first, second, *_ = np.split(rng.permutation(len(everything)), [898, 1796])
        thirds = np.split(everything[rng.permutation(len(everything))], 3)
        precision, recall = precision_recall(features[second], features[first])
        draws.update(
            precision=precision,
            recall=recall,
            two_sample=two_sample_accuracy(features[first], features[second]),
            two_sample_pixels=two_sample_accuracy(everything[first], everything[second]),
            memorisation=memorisation_share(*thirds),
            confidence=confidence[own.integers(len(confidence), size=SAMPLES)].mean(),
        )
        found.append(draws)
    table = {name: [draws[name] for draws in found] for name in found[0]}
    trained = features[: len(real.train)]
    return {
        "mean": {name: _short(np.mean(values)) for name, values in table.items()},
        "sd": {name: _short(np.std(values, ddof=1)) for name, values in table.items()},
        "halves": {
            "fd": _short(frechet_distance(trained, real.features)),
            "kd": _short(mmd(trained, real.features)),
        },
    }


def _short(value: Any) -> float:
    return float(f"{value:.4g}")
