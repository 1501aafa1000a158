"""The shipped denoiser of eight Gaussians, beside the exact one."""

import numpy as np
from dlmath.densities import GaussianMixture, eight_gaussians
from dlmath.diffusion import NoisyMixture
from dlmath.generative import load_trained, trained_record


def exact_of(model):
    scale, centre = float(model.network_.scale), model.network_.centre.numpy()
    law = eight_gaussians()
    scaled = GaussianMixture(law.weights, (law.means - centre) / scale, law.covariances / scale**2)
    return NoisyMixture(scaled, model.schedule_)


def test_its_record(torch):
    record = trained_record("ddpm-eight")
    assert record["script"] == "data/train_denoising.py"
    assert record["cpu_seconds"] < 120
    assert record["measures"]["excess loss"] < 0.1 * record["measures"]["least loss"]
    assert record["measures"]["within 3 sd"] > 0.8


def test_its_loss_is_close_to_the_smallest(torch):
    model = load_trained("ddpm-eight")
    exact, learned, rng = exact_of(model), model.denoiser(), np.random.default_rng(11)
    for t in (0.2, 0.5, 0.8):
        x0 = exact.mixture.sample(1000, rng)
        x, variance = exact.schedule.noise(x0, t, rng), exact.schedule.sigma(t) ** 2
        best = exact(x, t)
        excess = np.mean((learned(x, t) - best) ** 2) / variance
        plain = np.mean((x0 - learned(x, t)) ** 2) / variance
        least = np.mean((x0 - best) ** 2) / variance
        assert excess < 0.15 * least
        # The two differ by a cross term of mean zero: that is the projection lemma.
        assert abs(plain - least - excess) < 10 * np.sqrt(excess * least / 1000)
