"""Flow matching in PyTorch: a velocity learned from straight lines between noise and data."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import linear_sum_assignment

from dlmath._checks import check_count
from dlmath.diffusion import Schedule, StraightSchedule, follow
from dlmath.generative._denoising import DenoisingModel

__all__ = ["FlowMatching"]

Floats = NDArray[np.float64]
COUPLINGS = ("independent", "optimal")
TIMES = ("uniform", "logit-normal")


class FlowMatching(DenoisingModel):
    """A velocity field that carries N(0, I) at the time 0 to the data at the time 1.

    The network is trained on x_t = (1 - t) x_0 + t x_1, with noise x_0 and data x_1, to say x_1 -
    x_0 in the mean square (``eq-flow-matching-conditional``). Beware of the two times: the samplers
    of `dlmath.diffusion` count from the data, as do `schedule_` and `denoiser`; `velocity` and this
    model's own samplers count from the noise.

    Parameters
    ----------
    coupling : {"independent", "optimal"}, default="independent"
        Whether noise and data of a batch are paired at random, or so that the sum of squared
        distances is least.
    training_times : {"uniform", "logit-normal"}, default="logit-normal"
        Times at which the network is trained: all alike, or more of those in the middle.
    network, width, layers, patch, frequencies, classes, label_dropout, dropout, average, levels
        As in `DDPM`.
    dequantise, steps, batch_size, eta, weight_decay, seed, device
        As in `DDPM`.

    Attributes
    ----------
    schedule_ : StraightSchedule
        From the data to the noise.
    network_, n_features_in_, losses_
        As in other models.
    """

    def __init__(
        self,
        coupling: str = "independent",
        training_times: str = "logit-normal",
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
        self.coupling = coupling
        self.training_times = training_times
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
        """The straight line, from the data to the noise."""
        return StraightSchedule()

    def _check_parameters(self) -> None:
        super()._check_parameters()
        if self.coupling not in COUPLINGS:
            raise ValueError(
                f"coupling must be one of {', '.join(COUPLINGS)}, got {self.coupling!r}"
            )
        if self.training_times not in TIMES:
            raise ValueError(
                f"training_times must be one of {', '.join(TIMES)}, got {self.training_times!r}"
            )

    def fit(
        self,
        X: ArrayLike,
        y: ArrayLike | None = None,
        *,
        noise: ArrayLike | None = None,
        progress: bool = False,
    ) -> Self:
        """Train the velocity on straight lines.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Samples: integers if the model has ``levels``.
        y : array-like of shape (n_samples,), optional
            Labels, if the model has ``classes``.
        noise : array-like of shape (n_samples, n_features), optional
            The start of each sample's line, instead of fresh noise: with a trained model's own
            starts and samples, this is the second round of a rectified flow. Train it at
            "uniform" times: one long step asks for the velocity at the time 0, and "logit-normal"
            times are hardly ever near it.
        progress : bool, default=False
            Show a bar.

        Raises
        ------
        ValueError
            If an argument has a value that is not possible.
        FloatingPointError
            If a loss is not finite.
        """
        if noise is None:
            return super().fit(X, y, progress=progress)
        starts = np.asarray(noise, dtype=float)
        if starts.shape != np.shape(X) or not np.isfinite(starts).all():
            raise ValueError(
                f"noise must hold finite numbers of the shape {np.shape(X)} of X, got the shape "
                f"{starts.shape}"
            )
        if y is not None or self.classes:
            raise ValueError("noise cannot be given together with labels")
        if self.dequantise:
            raise ValueError("noise cannot be given with dequantise=True, which shakes the pairs")
        if self.coupling != "independent":
            raise ValueError(f"coupling={self.coupling!r} would undo the pairs given by noise")
        rows = self._start(X)
        self._set_scale(rows)
        pairs = torch.cat(
            [(rows - self.network_.centre) / self.network_.scale, self._tensor(starts)], dim=1
        )
        half = rows.shape[1]
        with self._seeded():
            self._descend(lambda: self._paired_loss(self._batch(pairs, None)[0], half), progress)
        return self

    def _paired_loss(self, both: torch.Tensor, half: int) -> torch.Tensor:
        return self._match(both[:, :half], both[:, half:], None)

    def _loss(self, x0: torch.Tensor, labels: torch.Tensor | None) -> torch.Tensor:
        noise = torch.randn_like(x0)
        if self.coupling == "optimal":
            distances = torch.cdist(noise, x0).square().cpu().numpy()
            _, order = linear_sum_assignment(distances)
            order = torch.as_tensor(order, device=x0.device)
            x0, labels = x0[order], labels if labels is None else labels[order]
        return self._match(x0, noise, labels)

    def _match(
        self, data: torch.Tensor, noise: torch.Tensor, labels: torch.Tensor | None
    ) -> torch.Tensor:
        """Return the loss on the lines from ``noise`` to ``data``."""
        n = len(data)
        if self.training_times == "uniform":
            t = (torch.arange(n) + torch.rand(n)) / n
        else:
            t = torch.sigmoid(torch.randn(n))
        t = t.to(data)[:, None]
        answer = self._velocity((1 - t) * noise + t * data, t[:, 0], labels)
        return (answer - (data - noise)).square().mean()

    def _velocity(
        self, x: torch.Tensor, t: torch.Tensor, labels: torch.Tensor | None
    ) -> torch.Tensor:
        return self.network_(x, 4 * t - 2, labels)

    def _denoise(self, x: torch.Tensor, t: float, labels: torch.Tensor | None) -> torch.Tensor:
        # From here to the data the line has the length t, in the time that counts from the data.
        return x + t * self._velocity(x, torch.full_like(x[:, 0], 1 - t), labels)

    def velocity(
        self,
        x: ArrayLike,
        t: float,
        labels: ArrayLike | None = None,
        guidance: float = 1.0,
    ) -> Floats:
        """Return the velocity at states in the network's units.

        Parameters
        ----------
        x : array-like of shape (n_samples, n_features)
            States.
        t : float
            Time from 0 (noise) to below 1 (data).
        labels, guidance
            See `denoiser`.
        """
        if not 0 <= t < 1:
            raise ValueError(f"t must be from 0 to below 1, got {t!r}")
        x = np.asarray(x, dtype=float)
        return (self.denoiser(labels, guidance)(x, 1 - t) - x) / (1 - t)

    def sample(
        self,
        n: int,
        seed: int = 0,
        *,
        sampler: str = "midpoint",
        steps: int = 10,
        labels: ArrayLike | None = None,
        guidance: float = 1.0,
        decode: bool = True,
        **others: Any,
    ) -> Floats:
        """Draw samples.

        Parameters
        ----------
        n, seed, labels, guidance, decode
            As in `DDPM`.
        sampler : {"midpoint", "euler", ...}, default="midpoint"
            Euler's method or the midpoint rule with equal steps of the time, or one of the samplers
            of `DDPM`.
        steps : int, default=10
            Steps; the midpoint rule evaluates the network twice in each.
        **others
            Further arguments of the other samplers, see `DDPM`.

        Returns
        -------
        samples : ndarray of shape (n, n_features)
        """
        if sampler not in ("midpoint", "euler"):
            return super().sample(
                n,
                seed,
                sampler=sampler,
                steps=steps,
                labels=labels,
                guidance=guidance,
                decode=decode,
                **others,
            )
        if others:
            raise ValueError(f"{', '.join(others)} cannot be given with sampler={sampler!r}")
        n, rng = check_count("n", n), np.random.default_rng(check_count("seed", seed, 0))
        x = rng.standard_normal((n, self.n_features_in_))
        x = self.transport(x, steps, sampler=sampler, labels=labels, guidance=guidance)
        return self.decode(x) if decode else x

    def transport(
        self,
        x: ArrayLike,
        steps: int,
        *,
        sampler: str = "euler",
        labels: ArrayLike | None = None,
        guidance: float = 1.0,
        path: bool = False,
    ) -> Floats:
        """Carry given noise along the velocity, with equal steps.

        Parameters
        ----------
        x : array-like of shape (n, n_features)
            Starts.
        steps : int
            Number of steps.
        sampler : {"euler", "midpoint"}, default="euler"
        labels, guidance
            See `denoiser`.
        path : bool, default=False
            Whether to return the states at all times.

        Returns
        -------
        x : ndarray of shape (n, n_features), or (steps + 1, n, n_features)
            States in the network's units.
        """
        if sampler not in ("midpoint", "euler"):
            raise ValueError(f"sampler must be 'midpoint' or 'euler', got {sampler!r}")

        def velocity(x: Floats, t: float) -> Floats:
            return self.velocity(x, t, labels, guidance)

        return follow(velocity, x, steps, method=sampler, path=path)
