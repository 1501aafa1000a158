"""Diffusion models trained in PyTorch: `DDPM`, with every name of `dlmath.diffusion` beside it."""

from __future__ import annotations

import math
from typing import Any

import torch

from dlmath._checks import check_above_zero
from dlmath.diffusion import (
    PARAMETRISATIONS,
    CosineSchedule,
    DiscreteSchedule,
    ExplodingSchedule,
    LinearSchedule,
    NoisyEmpirical,
    NoisyMixture,
    Schedule,
    StraightSchedule,
    ancestral,
    ddim,
    denoised,
    dpm_solver,
    edm_scaling,
    euler_maruyama,
    heun,
    probability_flow,
    score_of,
    target,
)
from dlmath.generative._denoising import Denoiser, DenoisingModel

__all__ = [
    "DDPM",
    "PARAMETRISATIONS",
    "CosineSchedule",
    "Denoiser",
    "DenoisingModel",
    "DiscreteSchedule",
    "ExplodingSchedule",
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
    "heun",
    "probability_flow",
    "score_of",
    "target",
]

SCHEDULES = {"cosine": CosineSchedule, "linear": LinearSchedule, "exploding": ExplodingSchedule}
LEVELS = ("uniform", "log-normal")
# Noise levels beyond these look to the network like these.
SMALLEST_RATIO, LARGEST_RATIO = 3e-4, 3e3


class DDPM(DenoisingModel):
    """A denoising diffusion model, with the noise level in continuous time.

    The network is trained on x_t = gamma_t x_0 + sigma_t eps to say x_0, eps, v, or what the
    scaling of Karras et al. asks for, in the mean square (``eq-denoising-diffusion-simple``).

    Parameters
    ----------
    schedule : {"cosine", "linear", "exploding"}, default="cosine"
        `CosineSchedule`, `LinearSchedule` or `ExplodingSchedule`, with their defaults.
    parametrisation : {"v", "epsilon", "x0", "edm"}, default="v"
        What the network is asked for.
    training_levels : {"uniform", "log-normal"}, default="uniform"
        Which noise levels are trained on: equally many at all times, or those whose ratio to the
        data's standard deviation has a logarithm from N(level_mean, level_sd^2).
    level_mean, level_sd : float, default=-0.5 and 1.2
        Of the second kind.
    network : {"unet", "residual", "dense"}, default="unet"
        A small U-Net for square images, a dense network with residual layers, or a plain one with
        sines and cosines of its inputs for a few dimensions.
    width : int, default=24
        Channels of the U-Net's finer scale, a multiple of 8; or units of a dense layer.
    layers : int, default=3
        Of a dense network.
    patch : int, default=1
        Of the U-Net: squares of so many pixels are one place.
    frequencies : int, default=3
        Octaves of the sines and cosines of "dense".
    classes : int, default=0
        Number of labels; 0 for a model without.
    label_dropout : float, default=0.1
        Share of labels that are left out in training, for guidance.
    dropout : float, default=0
    average : float, default=0.999
        Decay of the moving average of the parameters that is kept.
    levels : int or None, default=None
        Grey levels, or None for continuous data.
    dequantise : bool, default=False
        Whether uniform noise fills the grey levels in training, as the likelihood needs.
    steps : int, default=3000
    batch_size : int, default=64
    eta : float, default=1e-3
        Learning rate, which falls to 0 along a cosine.
    weight_decay : float, default=0
    seed : int, default=0
    device : str, default="cpu"

    Attributes
    ----------
    schedule_ : Schedule
    network_, n_features_in_, losses_
        As in other models.
    """

    def __init__(
        self,
        schedule: str = "cosine",
        parametrisation: str = "v",
        training_levels: str = "uniform",
        level_mean: float = -0.5,
        level_sd: float = 1.2,
        network: str = "unet",
        width: int = 24,
        layers: int = 3,
        patch: int = 1,
        frequencies: int = 3,
        classes: int = 0,
        label_dropout: float = 0.1,
        dropout: float = 0.0,
        average: float = 0.999,
        levels: int | None = None,
        dequantise: bool = False,
        steps: int = 3000,
        batch_size: int = 64,
        eta: float = 1e-3,
        weight_decay: float = 0.0,
        seed: int = 0,
        device: str = "cpu",
    ) -> None:
        self.schedule = schedule
        self.parametrisation = parametrisation
        self.training_levels = training_levels
        self.level_mean = level_mean
        self.level_sd = level_sd
        self.network = network
        self.width = width
        self.layers = layers
        self.patch = patch
        self.frequencies = frequencies
        self.classes = classes
        self.label_dropout = label_dropout
        self.dropout = dropout
        self.average = average
        self.levels = levels
        self.dequantise = dequantise
        self.steps = steps
        self.batch_size = batch_size
        self.eta = eta
        self.weight_decay = weight_decay
        self.seed = seed
        self.device = device

    @property
    def schedule_(self) -> Schedule:
        """The schedule in continuous time."""
        return SCHEDULES[self.schedule]()

    def _check_parameters(self) -> None:
        super()._check_parameters()
        if self.schedule not in SCHEDULES:
            raise ValueError(
                f"schedule must be one of {', '.join(SCHEDULES)}, got {self.schedule!r}"
            )
        if self.parametrisation not in (*PARAMETRISATIONS, "edm"):
            raise ValueError(
                f"parametrisation must be one of {', '.join(PARAMETRISATIONS)}, edm, got "
                f"{self.parametrisation!r}"
            )
        if self.training_levels not in LEVELS:
            raise ValueError(
                f"training_levels must be one of {', '.join(LEVELS)}, got {self.training_levels!r}"
            )
        check_above_zero("level_sd", self.level_sd)
        if isinstance(self.level_mean, bool) or not math.isfinite(self.level_mean):
            raise ValueError(f"level_mean must be a finite number, got {self.level_mean!r}")

    def _draw_levels(self, n: int, like: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Draw amplitudes gamma and sigma for a batch, as columns."""
        schedule = self.schedule_
        if self.training_levels == "uniform":
            # One time in each of n equal pieces: less noise in the loss than n independent ones.
            shares = (torch.arange(n) + torch.rand(n)) / n
            times = schedule.begin + (schedule.end - schedule.begin) * shares.double().numpy()
        else:
            logs = self.level_mean + self.level_sd * torch.randn(n).double()
            ratios = (logs.exp() * float(self.network_.sd)).numpy()
            times = schedule.time_of_ratio(ratios).clip(schedule.begin, schedule.end)
        gamma, sigma = schedule.gamma(times), schedule.sigma(times)
        return (
            torch.as_tensor(gamma, dtype=like.dtype, device=like.device)[:, None],
            torch.as_tensor(sigma, dtype=like.dtype, device=like.device)[:, None],
        )

    def _answer(
        self, x: torch.Tensor, gamma: Any, sigma: Any, labels: torch.Tensor | None
    ) -> torch.Tensor:
        """Ask the network about states, with inputs of variance one and a bounded noise level."""
        ratio = sigma / gamma
        _, _, c_in = edm_scaling(ratio, float(self.network_.sd))
        noise = torch.log(ratio.clamp(SMALLEST_RATIO, LARGEST_RATIO)) / 4
        return self.network_(c_in * x / gamma, noise[:, 0], labels)

    def _loss(self, x0: torch.Tensor, labels: torch.Tensor | None) -> torch.Tensor:
        gamma, sigma = self._draw_levels(len(x0), x0)
        noise = torch.randn_like(x0)
        x = gamma * x0 + sigma * noise
        answer = self._answer(x, gamma, sigma, labels)
        if self.parametrisation == "edm":
            ratio = sigma / gamma
            c_skip, c_out, _ = edm_scaling(ratio, float(self.network_.sd))
            wanted = (x0 - c_skip * x / gamma) / c_out
        else:
            wanted = target(self.parametrisation, x0, noise, gamma, sigma)
        return (answer - wanted).square().mean()

    def _denoise(self, x: torch.Tensor, t: float, labels: torch.Tensor | None) -> torch.Tensor:
        schedule = self.schedule_
        gamma = torch.full_like(x[:, :1], float(schedule.gamma(t)))
        sigma = torch.full_like(x[:, :1], float(schedule.sigma(t)))
        answer = self._answer(x, gamma, sigma, labels)
        if self.parametrisation == "edm":
            c_skip, c_out, _ = edm_scaling(sigma / gamma, float(self.network_.sd))
            return c_skip * x / gamma + c_out * answer
        return denoised(self.parametrisation, answer, x, gamma, sigma)
