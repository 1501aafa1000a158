"""Judge models of digits without networks, and real digits: ``digit_baselines.json``.

Usage: ``python data/train_digits_baselines.py``, or ``make train``. Takes about a minute of one
core. Every random choice has a seed.

Every model is fitted to the training half. Regularisations and widths are round numbers. For the
mixture of twenty Gaussians a larger one, 1e-3, was looked at too: distance 12.7, 147 nats. Those of
the pixel mixture were chosen on a fifth of the training half, with 92.8 nats there. Nothing else
was chosen on the other half, with which everything is compared.
"""

import math
import platform
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import sklearn
import torch
from dlmath.datasets import load_digits
from dlmath.generative import judge_digits
from dlmath.pixels import dequantise, dequantised_bound, fit_pixel_mixture
from sklearn.decomposition import PCA
from sklearn.mixture import GaussianMixture
from sklearn.neighbors import KernelDensity
from sources import DATA, write_json

SAMPLES, LEVELS, SHOWN = 4495, 17, 10
WIDTHS = (0.02, 0.05, 0.1, 0.15, 0.25, 0.4, 0.6)
Array = np.ndarray
Model = tuple[Array, Array, Array]

DIGITS = load_digits()
FILLED = dequantise(DIGITS.train, LEVELS, 0)


def levels(y: Array) -> Array:
    """Give numbers between 0 and 1 as grey levels."""
    return np.floor(LEVELS * y).clip(0, LEVELS - 1).astype(int)


def of_density(log_density: Callable[[Array], Array], samples: Array) -> Model:
    """Give samples as levels, and the bounds of the negative log-probabilities of both halves."""
    test, train = (
        -dequantised_bound(log_density, X, LEVELS, draws=5) for X in (DIGITS.test, DIGITS.train)
    )
    return levels(samples), test, train


def mixture(components: int, kind: str, floor: float) -> Model:
    """Fit a mixture of Gaussians; samples come shuffled, as scikit-learn sorts them."""
    model = GaussianMixture(components, covariance_type=kind, reg_covar=floor, random_state=0)
    samples = model.fit(FILLED).sample(SAMPLES)[0]
    return of_density(model.score_samples, np.random.default_rng(0).permutation(samples))


def components(q: int) -> Model:
    """Fit probabilistic principal components."""
    model = PCA(q, svd_solver="full").fit(FILLED)
    rng = np.random.default_rng(0)
    samples = rng.multivariate_normal(model.mean_, model.get_covariance(), SAMPLES)
    return of_density(model.score_samples, samples)


def kernel(width: float) -> Model:
    """Put a Gaussian on every digit; the width is in units of which white to black are two."""
    model = KernelDensity(bandwidth=width / 2).fit(FILLED)
    return of_density(model.score_samples, model.sample(SAMPLES, random_state=0))


def pixels(count: int, width: float) -> Model:
    """Fit a mixture of independent pixels."""
    model = fit_pixel_mixture(DIGITS.train, LEVELS, count, width=width)
    return model.sample(SAMPLES), -model.log_prob(DIGITS.test), -model.log_prob(DIGITS.train)


def noise() -> Model:
    """Draw all levels of all pixels alike."""
    samples = np.random.default_rng(0).integers(0, LEVELS, (SAMPLES, 64))
    nats = np.full(899, 64 * math.log(LEVELS))
    return samples, nats, nats[:-1]


MODELS: dict[str, Callable[[], Model]] = {
    "uniform noise": noise,
    "independent pixels": lambda: pixels(1, 0.0),
    "Gaussian": lambda: mixture(1, "full", 1e-4),
    "principal components, 20": lambda: components(20),
    "Gaussian mixture, 10 full": lambda: mixture(10, "full", 1e-3),
    "Gaussian mixture, 20 full": lambda: mixture(20, "full", 1e-4),
    "Gaussian mixture, 40 diagonal": lambda: mixture(40, "diag", 1e-4),
    "copies, noise 0.15": lambda: kernel(0.15),
    "pixel mixture, 80": lambda: pixels(80, 1.7),
}


def short(value: Any) -> float:
    """Round to four digits."""
    return float(f"{value:.4g}")


def row(made: Model) -> dict[str, float]:
    """Judge a model."""
    samples, test, train = made
    measures = {name: short(value) for name, value in judge_digits(samples).items()}
    return measures | {"nats": short(test.mean()), "nats_train": short(train.mean())}


def main() -> None:
    """Judge everything and write the file."""
    torch.set_num_threads(1)
    begin = time.process_time()
    table, shown = {}, {}
    for name, fit in MODELS.items():
        made = fit()
        table[name], shown[name] = row(made), made[0][:SHOWN].tolist()
        print(name, table[name], flush=True)
    widths = {str(width): row(kernel(width)) for width in WIDTHS}
    copies = np.random.default_rng(0).integers(898, size=SAMPLES)
    exact = {k: short(v) for k, v in judge_digits(DIGITS.train[copies]).items()}
    made_by = {
        "seconds": round(time.process_time() - begin),
        "python": platform.python_version(),
        "scikit-learn": sklearn.__version__,
    }
    write_json(
        DATA / "digit_baselines.json",
        {"made": made_by, "table": table, "widths": widths, "copies": exact, "samples": shown},
    )


if __name__ == "__main__":
    main()
