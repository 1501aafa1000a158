"""Train the variational autoencoders that the chapter loads, and measure them.

Half A of the digits trains, B judges. Dropout and numbers of steps were chosen on a tenth of A:
``python data/train_vae.py --choose`` trains on the rest and prints the held-out loss. The number of
Gaussians in the priors was fixed beforehand. Without the option it trains on all of A and writes
``data/models/vae-*.npz`` with their records, in about three CPU minutes. Every random choice has a
seed.
"""

import argparse
import sys
import time

import numpy as np
import torch
from dlmath.datasets import load_digits
from dlmath.generative import VAE, judge_digits, judge_floor, ship

SCRIPT = "data/train_vae.py"
MODELS = {
    "vae-digits": VAE(10, (192, 192), 17, components=20, steps=4000, validation=0),
    "vae-binary": VAE(8, (192, 192), 2, components=10, steps=3000, validation=0),
    "vae-plane": VAE(2, (48, 48), 17, dropout=0, steps=3000, eta=2e-3, validation=0),
    "vae-unregularised": VAE(
        20, (256, 256), 17, dropout=0, weight_decay=0, steps=6000, eta=2e-3, validation=0
    ),
}


def pixels(model: VAE) -> tuple[np.ndarray, np.ndarray]:
    """Give both halves of the digits with the model's number of levels."""
    digits = load_digits()
    if model.levels == 2:
        return (digits.train >= 8).astype(int), (digits.test >= 8).astype(int)
    return digits.train, digits.test


def measure(model: VAE, A: np.ndarray, B: np.ndarray) -> dict:
    """Measure the bounds on both halves and, with a fitted prior, what it is worth."""
    draws = 1000 if model.levels == 2 else 500
    found = {
        "elbo_train": model.elbo(A, 8).mean(),
        "elbo": model.elbo(B, 16).mean(),
        "draws": draws,
        "importance_bound": model.log_prob_bound(B, draws).mean(),
    }
    if model.components > 1:
        found |= {f"{k}_normal": v for k, v in measure(_standard(model), A, B).items()}
    return found


def _standard(model: VAE) -> VAE:
    """Give the same networks with the standard normal prior."""
    plain = VAE(**{**model.get_params(), "components": 1})
    plain.n_features_in_, plain.network_ = model.n_features_in_, plain._build(64).eval()
    for part in ("encoder", "decoder", "units"):
        plain.network_[part] = model.network_[part]
    return plain


def judge(model: VAE) -> dict:
    """Judge means and draws of a model of grey digits."""
    n = 4495
    means = judge_digits(model.sample(n, 1, means=True))
    return {
        "fd_floor": judge_floor().mean["fd"],
        "fd_means": means.fd,
        "precision": means.precision,
        "recall": means.recall,
        "two_sample": means.two_sample,
        "classes": means.classes,
        "memorisation": means.memorisation,
        "fd_samples": judge_digits(model.sample(n, 1)).fd,
        "fd_means_normal": judge_digits(_standard(model).sample(n, 1, means=True)).fd,
    }


def main() -> None:
    """Train all models, or those named."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", help="all, if none is given")
    parser.add_argument("--choose", action="store_true", help="hold out a tenth of half A")
    arguments = parser.parse_args()
    if unknown := set(arguments.names) - set(MODELS):
        parser.error(f"there is no model {', '.join(sorted(unknown))}")
    torch.set_num_threads(1)
    for name in arguments.names or MODELS:
        model = MODELS[name]
        A, B = pixels(model)
        if arguments.choose:
            model.set_params(validation=0.1).fit(A, progress=sys.stderr.isatty())
            print(name, *(f"{loss:.2f}" for loss in model.validation_[::3]))
            continue
        start = time.process_time()
        model.fit(A, progress=sys.stderr.isatty())
        seconds = time.process_time() - start
        shipped = ship(model, name, script=SCRIPT, cpu_seconds=seconds)
        measures = measure(shipped, A, B)
        if name == "vae-digits":
            measures |= judge(shipped)
        ship(model, name, script=SCRIPT, cpu_seconds=seconds, measures=measures)
        print(name, f"{seconds:.0f} s", {k: round(float(v), 2) for k, v in measures.items()})


if __name__ == "__main__":
    main()
