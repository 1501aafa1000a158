"""The judge of generated pictures of clothes: a classifier that lends its features and its eye."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from sklearn.utils import Bunch
from torch import nn

from dlmath.datasets import load_images
from dlmath.generative._digits import CLASSES, DigitClassifier, check_pictures, convolution
from dlmath.generative._shipped import load_trained
from dlmath.metrics import _nearest, _share_nearer, frechet_distance, mmd, precision_recall

SIDE, LEVELS = 28, 32


class ImageClassifier(DigitClassifier):
    """A small convolutional network that names the garment in a picture of 28 by 28 pixels.

    Four layers of feature maps, the finest at full resolution, and a layer of 32 numbers, the
    *features*, from which the last layer finds the class. Pixels go from 0 to 31.

    Parameters
    ----------
    dropout, weight_decay, eta, steps, batch_size, seed, device
        As in `DigitClassifier`.

    Attributes
    ----------
    network_, n_features_in_, losses_
        As in other models.
    """

    side = SIDE
    greys = LEVELS

    def __init__(
        self,
        dropout: float = 0.3,
        weight_decay: float = 0.01,
        eta: float = 0.003,
        steps: int = 720,
        batch_size: int = 64,
        seed: int = 0,
        device: str = "cpu",
    ) -> None:
        super().__init__(dropout, weight_decay, eta, steps, batch_size, seed, device)

    def _build(self, n_features: int) -> nn.Module:
        return nn.Sequential(
            nn.Unflatten(1, (1, SIDE, SIDE)),
            *convolution(1, 16),
            nn.MaxPool2d(2),
            *convolution(16, 32),
            *convolution(32, 48),
            nn.MaxPool2d(2),
            *convolution(48, 48),
            nn.Flatten(),
            nn.Dropout(self.dropout),
            nn.Linear(48 * (SIDE // 4) ** 2, 32),
            nn.ReLU(),
            nn.Linear(32, CLASSES),
        )


@lru_cache(maxsize=1)
def _judge() -> Bunch:
    """Load what every set of samples is compared with, once."""
    images, classifier = load_images(), load_trained("images-features")
    features = classifier.features(images.test)
    return Bunch(classifier=classifier, images=images, features=features)


def judge_images(samples: ArrayLike, labels: ArrayLike) -> Bunch:
    """Judge generated pictures of clothes against the 1,000 real ones that no model may see.

    Pixels are rounded to the 32 grey levels. Features are those of the classifier
    ``"images-features"``, which was trained on the training pictures.

    Parameters
    ----------
    samples : array-like of shape (n_samples, 784)
        At least 1,000, in grey levels from 0 to 31; the classes in turn, as in the data.
    labels : array-like of shape (n_samples,)
        What each was meant to be.

    Returns
    -------
    measures : Bunch of floats
        fd, kd
            Frechet and kernel distance of the features, as in `judge_digits`. Comparable only
            between equal numbers of samples.
        precision, recall
            Of the first 1,000 samples, with three neighbours, in the features.
        accuracy
            Share of the samples in which the classifier finds the intended class.
        spread
            Mean variance of the features within a class, relative to that of the real pictures.
        memorisation
            Share of the samples that are nearer, in pixels, to one of the 3,800 training pictures
            than to all of the 1,000 others, where each that is nearer to the others counts 3.8
            times: one half without copying, one if all are copies.

    Raises
    ------
    ValueError
        On wrong shapes, values that are not finite, or fewer than 1,000 samples.
    """
    rows, intended, real = check_pictures("samples", samples, SIDE), np.asarray(labels), _judge()
    n = len(real.images.test)
    if len(rows) < n:
        raise ValueError(f"samples must have at least {n} rows, got {len(rows)}")
    if intended.shape != (len(rows),):
        raise ValueError(f"labels must hold {len(rows)} labels, got the shape {intended.shape}")
    rows = np.rint(rows).clip(0, LEVELS - 1)
    features = real.classifier.features(rows)
    precision, recall = precision_recall(real.features, features[:n], k=3)
    return Bunch(
        fd=frechet_distance(features, real.features),
        kd=mmd(features, real.features),
        precision=precision,
        recall=recall,
        accuracy=float((real.classifier.predict(rows) == intended).mean()),
        spread=_spread(features, intended) / _spread(real.features, real.images.test_labels),
        memorisation=_memorisation(rows, real.images.train, real.images.test),
    )


def _memorisation(rows: Any, train: Any, held_out: Any) -> float:
    """Return `memorisation_share` for more training pictures than others, with weights for that."""
    nearer = _share_nearer(_nearest(rows, train), _nearest(rows, held_out))
    return nearer / (nearer + (1 - nearer) * len(train) / len(held_out))


def _spread(features: Any, labels: Any) -> float:
    """Return the variance of the features around the mean of their class, in total."""
    within = [features[labels == k].var(axis=0, ddof=1).sum() for k in np.unique(labels)]
    return float(np.mean(within))
