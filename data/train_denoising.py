"""Train the denoiser of eight Gaussians for the chapter on denoising diffusion, in ``models``.

Usage: ``python data/train_denoising.py [judge]``, or ``make train``. Takes half a minute of one
core. With ``judge``, nothing is trained, and the shipped model is measured again.
The law of the data is known, and with it the smallest possible loss: what is measured is the loss
that the network has on top of it, and how many of its samples lie near a mode.
"""

import sys
import time

import numpy as np
from dlmath.datasets import make_eight_gaussians
from dlmath.densities import GaussianMixture, eight_gaussians
from dlmath.diffusion import NoisyMixture
from dlmath.generative import DDPM, load_trained, ship, trained_record
from dlmath.metrics import sliced_wasserstein

SCRIPT = "data/train_denoising.py"
MODEL = DDPM(
    parametrisation="v",
    network="dense",
    width=96,
    layers=3,
    steps=2500,
    batch_size=192,
    eta=4e-3,
    average=0.995,
)


def in_units_of(model: DDPM) -> NoisyMixture:
    """Return the law of the data, and its exact denoiser, in the units of the network."""
    scale, centre = float(model.network_.scale), model.network_.centre.numpy()
    law = eight_gaussians()
    scaled = GaussianMixture(law.weights, (law.means - centre) / scale, law.covariances / scale**2)
    return NoisyMixture(scaled, model.schedule_)


def losses(model: DDPM, times: int = 100, draws: int = 2000) -> tuple[float, float]:
    """Return the smallest possible loss in v and what the network has on top of it."""
    exact, learned, schedule = in_units_of(model), model.denoiser(), model.schedule_
    rng, least, excess = np.random.default_rng(3), [], []
    for t in np.linspace(schedule.begin, schedule.end, times):
        x0 = exact.mixture.sample(draws, rng)
        x, variance = schedule.noise(x0, t, rng), schedule.sigma(t) ** 2
        best = exact(x, t)
        least.append(np.mean((x0 - best) ** 2) / variance)
        excess.append(np.mean((learned(x, t) - best) ** 2) / variance)
    return float(np.mean(least)), float(np.mean(excess))


def measure(model: DDPM) -> dict[str, float]:
    """Measure losses and samples."""
    law = eight_gaussians()
    samples = model.sample(3000, sampler="ancestral", steps=100, spacing="uniform")
    sd = float(np.sqrt(law.covariances[0, 0, 0]))
    gaps = np.linalg.norm(samples[:, np.newaxis] - law.means, axis=2).min(axis=1)
    least, excess = losses(model)
    return {
        "least loss": least,
        "excess loss": excess,
        "within 3 sd": float(np.mean(gaps <= 3 * sd)),
        "sliced distance": sliced_wasserstein(samples, law.sample(3000, seed=4)),
    }


def main() -> None:
    """Train, ship and measure."""
    if "judge" in sys.argv[1:]:
        shipped, seconds = load_trained("ddpm-eight"), trained_record("ddpm-eight")["cpu_seconds"]
    else:
        begin = time.process_time()
        MODEL.fit(make_eight_gaussians(20_000, seed=1), progress=sys.stderr.isatty())
        seconds = time.process_time() - begin
        shipped = ship(MODEL, "ddpm-eight", script=SCRIPT, cpu_seconds=seconds)
    found = measure(shipped)
    ship(shipped, "ddpm-eight", script=SCRIPT, cpu_seconds=seconds, measures=found)
    print(f"ddpm-eight: {seconds:.0f} s, {found}")


if __name__ == "__main__":
    main()
