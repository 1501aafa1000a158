"""Noise added and taken away: schedules, exact scores, and every sampler, in NumPy alone.

A *schedule* says how much of the data and how much noise there is at each time: x_t = gamma_t x_0 +
sigma_t eps, with eps from N(0, I). A *denoiser* is any function ``denoise(x, t)`` that returns its
estimate of x_0, of the shape of x: a trained network, or the exact conditional mean where the law
of the data is known. All samplers take either. Time 0 is data, the schedule's ``end`` is noise.
"""

from dlmath.diffusion._discrete import DiscreteSchedule
from dlmath.diffusion._exact import NoisyEmpirical, NoisyMixture
from dlmath.diffusion._guidance import GaussianPair, guided
from dlmath.diffusion._parametrisations import PARAMETRISATIONS, denoised, edm_scaling, target
from dlmath.diffusion._samplers import (
    ancestral,
    ddim,
    dpm_solver,
    euler_maruyama,
    heun,
    probability_flow,
    score_of,
)
from dlmath.diffusion._schedules import (
    CosineSchedule,
    ExplodingSchedule,
    LinearSchedule,
    Schedule,
    StraightSchedule,
)
from dlmath.diffusion._straight import exact_velocity, follow

__all__ = [
    "PARAMETRISATIONS",
    "CosineSchedule",
    "DiscreteSchedule",
    "ExplodingSchedule",
    "GaussianPair",
    "LinearSchedule",
    "NoisyEmpirical",
    "NoisyMixture",
    "Schedule",
    "StraightSchedule",
    "ancestral",
    "ddim",
    "denoised",
    "dpm_solver",
    "edm_scaling",
    "euler_maruyama",
    "exact_velocity",
    "follow",
    "guided",
    "heun",
    "probability_flow",
    "score_of",
    "target",
]
