"""The samplers against those of diffusers: the same denoiser, chain, start and noise."""

import numpy as np
import pytest
import torch
from diffusers import DDIMScheduler, DDPMScheduler, DPMSolverMultistepScheduler
from dlmath.densities import eight_gaussians
from dlmath.diffusion import (
    DiscreteSchedule,
    LinearSchedule,
    NoisyMixture,
    ancestral,
    ddim,
    dpm_solver,
    target,
)
from numpy.testing import assert_allclose

STEPS = 20
SCHEDULE = LinearSchedule()
CHAIN = DiscreteSchedule.of(SCHEDULE, STEPS)
TIMES = np.arange(STEPS, -1, -1) / STEPS
DENOISE = NoisyMixture(eight_gaussians(), SCHEDULE)
START = np.random.default_rng(0).normal(size=(40, 2))
KINDS = {"x0": "sample", "epsilon": "epsilon", "v": "v_prediction"}


class Draws:
    """A generator of NumPy's manners with torch's numbers."""

    def __init__(self):
        self.generator = torch.Generator().manual_seed(1)

    def standard_normal(self, shape):
        return torch.randn(shape, generator=self.generator, dtype=torch.float64).numpy()


def walk(scheduler, kind="x0", **options):
    """Let a scheduler of diffusers sample; a network says what ``kind`` asks for."""
    scheduler.set_timesteps(STEPS)
    x = torch.as_tensor(START)
    for index in scheduler.timesteps:
        k = int(index) + 1
        estimate = DENOISE(x.numpy(), k / STEPS)
        noise = (x.numpy() - CHAIN.gamma[k] * estimate) / CHAIN.sigma[k]
        answer = target(kind, estimate, noise, CHAIN.gamma[k], CHAIN.sigma[k])
        x = scheduler.step(torch.as_tensor(answer), index, x, **options).prev_sample
    return x.numpy()


def make(scheduler, kind="x0", **options):
    return scheduler(
        num_train_timesteps=STEPS,
        trained_betas=CHAIN.beta[1:],
        prediction_type=KINDS[kind],
        **options,
    )


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("variance", ["posterior", "forward"])
def test_ancestral_is_the_sampler_of_ddpm(variance, kind):
    name = {"posterior": "fixed_small", "forward": "fixed_large"}
    peer = make(DDPMScheduler, kind, clip_sample=False, variance_type=name[variance])
    found = ancestral(DENOISE, START, SCHEDULE, TIMES, Draws(), variance=variance)
    assert_allclose(found, walk(peer, kind, generator=Draws().generator), atol=1e-5)
    other = {"posterior": "forward", "forward": "posterior"}[variance]
    wrong = ancestral(DENOISE, START, SCHEDULE, TIMES, Draws(), variance=other)
    assert abs(wrong - found).max() > 0.01


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("churn", [0.0, 0.4, 1.0])
def test_ddim_is_that_of_diffusers(churn, kind):
    peer = make(DDIMScheduler, kind, clip_sample=False)
    found = ddim(DENOISE, START, SCHEDULE, TIMES, churn=churn, rng=Draws())
    drawn = walk(peer, kind, eta=churn, generator=Draws().generator)
    assert_allclose(found, drawn, atol=1e-5)


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
@pytest.mark.parametrize("kind", KINDS)
def test_the_multistep_method_is_that_of_diffusers(kind):
    options = {"algorithm_type": "dpmsolver++", "timestep_spacing": "trailing"}
    peer = make(DPMSolverMultistepScheduler, kind, solver_order=2, **options)
    found = dpm_solver(DENOISE, START, SCHEDULE, TIMES)
    assert_allclose(found, walk(peer, kind), atol=1e-5)
    first = make(DPMSolverMultistepScheduler, kind, solver_order=1, **options)
    assert abs(found - walk(first, kind)).max() > 0.01
