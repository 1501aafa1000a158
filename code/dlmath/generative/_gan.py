"""Generative adversarial networks."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import pairwise
from typing import Any, Self

import torch
from numpy.typing import ArrayLike, NDArray
from sklearn.utils import check_array
from torch import nn
from torch.nn.functional import softplus
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from dlmath._checks import check_count
from dlmath.generative._base import GenerativeModel

LOSSES = ("non-saturating", "saturating", "wasserstein")
PENALTIES = ("r1", "gradient", None)


def _dense(widths: list[int]) -> nn.Sequential:
    """Make dense layers with leaky rectifiers between them."""
    layers: list[nn.Module] = []
    for inputs, outputs in pairwise(widths):
        layers += [nn.Linear(inputs, outputs), nn.LeakyReLU(0.2)]
    return nn.Sequential(*layers[:-1])


class _Game(nn.Module):
    """Both players, and the scale of the data."""

    def __init__(self, latent: int, widths: tuple[int, ...], n_features: int, bounded: bool):
        super().__init__()
        self.bounded = bounded
        self.generator = _dense([latent, *widths, n_features])
        self.discriminator = _dense([n_features, *widths, 1])
        self.register_buffer("centre", torch.zeros(n_features))
        self.register_buffer("scale", torch.ones(()))

    def generate(self, z: torch.Tensor) -> torch.Tensor:
        """Turn latent numbers into samples, in the scaled units of the networks."""
        return squash(self.generator(z), self.bounded)


def squash(x: torch.Tensor, bounded: bool) -> torch.Tensor:
    """Hold pixels to the range of the data."""
    return torch.tanh(x) if bounded else x


def discriminator_cost(real: torch.Tensor, fake: torch.Tensor, loss: str) -> torch.Tensor:
    """Minus the value of the game, from the log odds (``eq-adversarial-networks-game``).

    Parameters
    ----------
    real, fake : torch.Tensor of shape (batch_size,)
        Log odds, or a critic's values, of data and of samples.
    loss : str
        "wasserstein", or one of the other two, which have the same discriminator.
    """
    if loss == "wasserstein":
        return fake.mean() - real.mean()
    return softplus(-real).mean() + softplus(fake).mean()


def generator_cost(fake: torch.Tensor, loss: str) -> torch.Tensor:
    """Cost of the generator, from the log odds of samples (``eq-adversarial-networks-weights``).

    Parameters
    ----------
    fake : torch.Tensor of shape (batch_size,)
        Log odds, or a critic's values.
    loss : {"non-saturating", "saturating", "wasserstein"}
        The mean of -log D, of log(1 - D), or of minus the critic's value.
    """
    if loss == "wasserstein":
        return -fake.mean()
    return -softplus(fake).mean() if loss == "saturating" else softplus(-fake).mean()


def squared_slopes(odds: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
    """Squared norm of the gradient of the log odds at each row of ``x``, to be differentiated."""
    (slope,) = torch.autograd.grad(odds.sum(), x, create_graph=True)
    return slope.square().sum(dim=1)


def r1_penalty(odds: torch.Tensor, real: torch.Tensor, gamma: float) -> torch.Tensor:
    """Half of gamma times the mean squared slope at the data (``eq-adversarial-networks-r1``)."""
    return gamma / 2 * squared_slopes(odds, real).mean()


def gradient_penalty(
    critic: Callable[[torch.Tensor], torch.Tensor],
    real: torch.Tensor,
    fake: torch.Tensor,
    gamma: float,
) -> torch.Tensor:
    """Punish slopes that are not 1 (``eq-adversarial-networks-gradient-penalty``)."""
    u = torch.rand(len(real), 1, dtype=real.dtype, device=real.device)
    between = (u * real + (1 - u) * fake).detach().requires_grad_()
    slope = torch.sqrt(squared_slopes(critic(between), between) + 1e-12)
    return gamma / 2 * (slope - 1).square().mean()


class GAN(GenerativeModel):
    """A generator and a discriminator of dense layers that play against each other.

    In each step the discriminator makes ``critic_steps`` steps of Adam up the value of the game
    (``eq-adversarial-networks-game``) less its penalty, then the generator
    ``generator_steps`` down its own cost.
    Samples come from a moving average of the generator's parameters.

    Parameters
    ----------
    latent : int, default=32
        Number of normal numbers that the generator turns into a sample.
    widths : tuple of int, default=(256, 256)
        Hidden layers of both networks.
    loss : {"non-saturating", "saturating", "wasserstein"}, default="non-saturating"
        The generator's cost; with the last, the discriminator becomes a critic.
    penalty : {"r1", "gradient", None}, default="r1"
        Slopes held near 0 at the data, or near 1 between data and samples, or no penalty.
    gamma : float, default=1.0
        Strength of the penalty. (The 10 of the paper on the gradient penalty is 20 here.)
    every : int, default=4
        The R1 penalty is added in every so manieth step, so many times as strong.
    critic_steps : int, default=1
        Steps of the discriminator for one of the generator.
    generator_steps : int, default=1
        Steps of the generator for one of the discriminator. More than one invite it to crowd where
        the discriminator's log odds are largest.
    average : float, default=0.999
        Decay of the moving average; 0 for the generator as it is.
    decay : bool, default=False
        Whether the learning rate falls linearly to zero over the second half of the steps.
    levels : int or None, default=None
        Grey levels of pixels, which are dequantised and rounded back; None for continuous data.
    eta : float, default=2e-4
        Learning rate of Adam, whose beta1 is 0.5 and beta2 0.99.
    steps : int, default=8000
        Rounds of the game.
    batch_size : int, default=64
        Samples of either kind in a step.
    seed : int, default=0
        Seed of the networks and of all noise.
    device : str, default="cpu"
        Where torch computes.

    Attributes
    ----------
    network_ : torch.nn.Module
        ``generator`` (averaged) and ``discriminator``, and the scale of the data.
    losses_ : list of float
        Minus the value of the game, without penalty, in each step. For the Wasserstein loss its
        negative is the critic's estimate of the distance, up to the critic's slope.

    Examples
    --------
    >>> from dlmath.datasets import make_eight_gaussians
    >>> from dlmath.generative import GAN
    >>> model = GAN(latent=2, widths=(32,), steps=50).fit(make_eight_gaussians(500))
    >>> model.sample(3).shape
    (3, 2)
    """

    network_: Any  # a _Game

    def __init__(
        self,
        latent: int = 32,
        widths: tuple[int, ...] = (256, 256),
        loss: str = "non-saturating",
        penalty: str | None = "r1",
        gamma: float = 1.0,
        every: int = 4,
        critic_steps: int = 1,
        generator_steps: int = 1,
        average: float = 0.999,
        decay: bool = False,
        levels: int | None = None,
        eta: float = 2e-4,
        steps: int = 8000,
        batch_size: int = 64,
        seed: int = 0,
        device: str = "cpu",
    ) -> None:
        self.latent = latent
        self.widths = widths
        self.loss = loss
        self.penalty = penalty
        self.gamma = gamma
        self.every = every
        self.critic_steps = critic_steps
        self.generator_steps = generator_steps
        self.average = average
        self.decay = decay
        self.levels = levels
        self.eta = eta
        self.steps = steps
        self.batch_size = batch_size
        self.seed = seed
        self.device = device

    def _check_parameters(self) -> None:
        super()._check_parameters()
        for name in ("latent", "every", "critic_steps", "generator_steps"):
            check_count(name, getattr(self, name))
        for width in self.widths:
            check_count("widths", width)
        for name, choices in (("loss", LOSSES), ("penalty", PENALTIES)):
            if getattr(self, name) not in choices:
                raise ValueError(f"{name} must be one of {choices}, got {getattr(self, name)!r}")
        if not self.gamma >= 0:
            raise ValueError(f"gamma must not be negative, got {self.gamma!r}")
        if not 0 <= self.average < 1:
            raise ValueError(f"average must be from 0 to below 1, got {self.average!r}")

    def _build(self, n_features: int) -> nn.Module:
        return _Game(self.latent, tuple(self.widths), n_features, self.levels is not None)

    def _set_scale(self, rows: torch.Tensor) -> None:
        """Map pixels to (-1, 1), other data to zero mean and unit variance."""
        game = self.network_
        if self.levels is None:
            game.centre.copy_(rows.mean(dim=0))
            game.scale.copy_((rows - rows.mean(dim=0)).square().mean().sqrt().clamp(min=1e-12))
        else:
            game.centre.fill_((self.levels - 1) / 2)
            game.scale.fill_(self.levels / 2)

    def fit(
        self,
        X: ArrayLike,
        *,
        progress: bool = False,
        watch: Callable[[int, Self], None] | None = None,
    ) -> Self:
        """Play the game.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Samples.
        progress : bool, default=False
            Show a progress bar.
        watch : callable, optional
            Called as ``watch(k, model)`` after each step, when the model samples from the averaged
            generator of that moment.

        Returns
        -------
        self : GAN
        """
        rows = self._start(X)
        self._set_scale(rows)
        with self._seeded():
            play = _Play(self, rows)

            def step(k: int) -> float:
                loss = play.step(k)
                if watch is not None:
                    with play.averaged(), torch.random.fork_rng(devices=[]):
                        watch(k, self)
                return loss

            self._train(step, progress=progress)
            play.finish()
        return self

    def _noise(self, n: int) -> torch.Tensor:
        weights = next(self.network_.parameters())
        return torch.randn(n, self.latent, dtype=weights.dtype, device=weights.device)

    @torch.no_grad()
    def sample(self, n: int, seed: int = 0) -> NDArray[Any]:
        """Draw samples from the averaged generator.

        Parameters
        ----------
        n : int
            How many.
        seed : int, default=0
            Seed of the latent numbers.

        Returns
        -------
        X : ndarray of shape (n, n_features)
            In the units of the data: int64 from 0 to ``levels - 1``, or float64.
        """
        game = self.network_
        with self._seeded(seed):
            x = game.centre + game.scale * game.generate(self._noise(check_count("n", n)))
        if self.levels is None:
            return x.double().cpu().numpy()
        return x.round().clamp(0, self.levels - 1).long().cpu().numpy()

    @torch.no_grad()
    def log_odds(self, X: ArrayLike) -> NDArray[Any]:
        """Give the discriminator's log odds that each row is real, or the critic's value.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Points in the units of the data; pixels need not be whole numbers here.

        Returns
        -------
        odds : ndarray of shape (n_samples,)
            Positive where the discriminator takes the row for data.
        """
        game = self.network_
        rows = (self._tensor(_rows(X, self.n_features_in_)) - game.centre) / game.scale
        return game.discriminator(rows)[:, 0].double().cpu().numpy()


def _rows(X: ArrayLike, columns: int) -> NDArray[Any]:
    rows: NDArray[Any] = check_array(X, dtype=float, input_name="X")
    if rows.shape[1] != columns:
        raise ValueError(f"X must have {columns} columns, as in fit, got {rows.shape[1]}")
    return rows


class _Play:
    """The steps of the game, with the optimisers and the average of the generator."""

    def __init__(self, model: GAN, rows: torch.Tensor) -> None:
        self.model, self.rows, self.game = model, rows, model.network_
        self.mean = AveragedModel(
            self.game.generator, multi_avg_fn=get_ema_multi_avg_fn(model.average)
        )
        self.optimisers = [
            torch.optim.Adam(player.parameters(), model.eta, betas=(0.5, 0.99), fused=True)
            for player in (self.game.discriminator, self.game.generator)
        ]

    def real(self) -> torch.Tensor:
        """Draw a batch of data; pixels get uniform noise of the width of a level."""
        batch = self.rows[torch.randint(len(self.rows), (self.model.batch_size,))]
        if self.model.levels is not None:
            batch = batch + torch.rand_like(batch) - 0.5
        return (batch - self.game.centre) / self.game.scale

    def step(self, k: int) -> float:
        """Let the discriminator move, then the generator."""
        if self.model.decay:
            for optimiser in self.optimisers:
                left = min(1.0, 2 * (1 - k / self.model.steps))
                optimiser.param_groups[0]["lr"] = self.model.eta * left
        for _ in range(self.model.critic_steps):
            loss = self._move_discriminator(k)
        for _ in range(self.model.generator_steps):
            self._move_generator()
        self.mean.update_parameters(self.game.generator)
        return loss

    def _move_discriminator(self, k: int) -> float:
        model, critic = self.model, self.game.discriminator
        real = self.real()
        with torch.no_grad():
            fake = self.game.generate(model._noise(model.batch_size))
        due = model.penalty == "r1" and k % model.every == 0
        real.requires_grad_(due)
        odds = critic(real)
        cost = discriminator_cost(odds, critic(fake), model.loss)
        total = cost
        if due:
            total = cost + r1_penalty(odds, real, model.every * model.gamma)
        elif model.penalty == "gradient":
            total = cost + gradient_penalty(critic, real, fake, model.gamma)
        self._descend(0, total)
        return cost.item()

    def _move_generator(self) -> None:
        fake = self.game.generate(self.model._noise(self.model.batch_size))
        # Adam leaves the discriminator alone: its slopes are not computed.
        self.game.discriminator.requires_grad_(False)
        self._descend(1, generator_cost(self.game.discriminator(fake), self.model.loss))
        self.game.discriminator.requires_grad_(True)

    def _descend(self, player: int, cost: torch.Tensor) -> None:
        self.optimisers[player].zero_grad()
        cost.backward()
        self.optimisers[player].step()

    @contextmanager
    def averaged(self) -> Iterator[None]:
        """Put the averaged generator into the game inside the block."""
        own, self.game.generator = self.game.generator, self.mean.module
        try:
            yield
        finally:
            self.game.generator = own

    def finish(self) -> None:
        """Put the average in the generator's place."""
        self.game.generator.load_state_dict(self.mean.module.state_dict())
