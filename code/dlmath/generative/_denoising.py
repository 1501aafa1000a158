"""What models of diffusion and of flow matching share: scale, network, training, samplers."""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Callable
from typing import Any, Self

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from sklearn.utils.validation import check_is_fitted
from torch import nn
from torch.optim.swa_utils import AveragedModel

from dlmath._checks import check_count
from dlmath.diffusion import (
    Schedule,
    ancestral,
    ddim,
    dpm_solver,
    euler_maruyama,
    heun,
    probability_flow,
    score_of,
)
from dlmath.generative._base import GenerativeModel
from dlmath.generative._networks import Dense, Residual, UNet
from dlmath.generative._optimise import check_dropout, optimiser

Floats = NDArray[np.float64]
NETWORKS = ("unet", "residual", "dense")
ROWS = 1000
LARGEST_GRADIENT = 1.0


class _Scaled(nn.Module):
    """A network with the scale of its data: a state is (data - centre) / scale."""

    centre: torch.Tensor
    scale: torch.Tensor
    sd: torch.Tensor

    def __init__(self, inner: nn.Module, n_features: int) -> None:
        super().__init__()
        self.inner = inner
        self.register_buffer("centre", torch.zeros(n_features))
        self.register_buffer("scale", torch.ones(()))
        self.register_buffer("sd", torch.ones(()))

    def forward(self, x: torch.Tensor, noise: torch.Tensor, labels: Any = None) -> torch.Tensor:
        return self.inner(x, noise, labels)


class Denoiser:
    """A trained model as a function of NumPy arrays: what all samplers of `dlmath.diffusion` take.

    States are in the units in which the network works.
    """

    def __init__(self, model: DenoisingModel, labels: ArrayLike | None, guidance: float) -> None:
        check_is_fitted(model, "network_")
        self.model = model
        self.guidance = _check_guidance(guidance)
        self.labels = model._check_labels(labels)
        if self.guidance != 1 and self.labels is None:
            raise ValueError(
                f"guidance={guidance:g} compares the model with labels and without; "
                + (
                    "labels must be given"
                    if model.classes
                    else "this model was trained without labels (classes=0)"
                )
            )

    def _labels(self, n: int) -> torch.Tensor | None:
        if self.labels is not None and len(self.labels) not in (1, n):
            raise ValueError(f"labels must hold one label or {n}, got {len(self.labels)}")
        return self.model._label_tensor(self.labels, n)

    @torch.no_grad()
    def __call__(self, x: ArrayLike, t: float) -> Floats:
        """Return the estimate of x_0, guided if it is to be."""
        rows = self.model._tensor(np.asarray(x))
        labels = self._labels(len(rows))
        parts = []
        for k in range(0, len(rows), ROWS):
            part, of_part = rows[k : k + ROWS], labels if labels is None else labels[k : k + ROWS]
            estimate = self.model._denoise(part, t, of_part)
            if self.guidance != 1:
                free = self.model._denoise(part, t, self.model._label_tensor(None, len(part)))
                estimate = free + self.guidance * (estimate - free)
            parts.append(estimate)
        return torch.cat(parts).double().cpu().numpy()

    def divergence(self, x: ArrayLike, t: float) -> Floats:
        """Return the trace of the Jacobian at each row, exactly: one backward pass a feature."""
        rows = self.model._tensor(np.asarray(x))
        labels = self._labels(len(rows))
        if self.guidance != 1:
            raise ValueError("guidance must be 1: the guided field is not the score of a density")
        traces = []
        for k in range(0, len(rows), ROWS):
            part = rows[k : k + ROWS].requires_grad_()
            out = self.model._denoise(part, t, None if labels is None else labels[k : k + ROWS])
            trace = torch.zeros(len(part), dtype=torch.float64)
            for j in range(part.shape[1]):
                (row,) = torch.autograd.grad(out[:, j].sum(), part, retain_graph=True)
                trace += row[:, j].double().cpu()
            traces.append(trace)
        return torch.cat(traces).numpy()


class DenoisingModel(GenerativeModel):
    """A model whose network is asked what a noisy state was before the noise.

    Subclasses say what the network is asked for, and with which schedule.
    """

    network: str
    width: int
    layers: int
    patch: int
    frequencies: int
    classes: int
    label_dropout: float
    dropout: float
    average: float
    levels: int | None
    dequantise: bool
    steps: int
    batch_size: int
    eta: float
    weight_decay: float
    network_: _Scaled

    @property
    @abstractmethod
    def schedule_(self) -> Schedule:
        """The schedule in continuous time, of states in the network's units."""

    @abstractmethod
    def _loss(self, x0: torch.Tensor, labels: torch.Tensor | None) -> torch.Tensor:
        """Return the loss of a batch in the network's units."""

    @abstractmethod
    def _denoise(self, x: torch.Tensor, t: float, labels: torch.Tensor | None) -> torch.Tensor:
        """Return the estimate of x_0 at one time."""

    def _check_parameters(self) -> None:
        super()._check_parameters()
        if self.network not in NETWORKS:
            raise ValueError(f"network must be one of {', '.join(NETWORKS)}, got {self.network!r}")
        for name, least in (("width", 1), ("layers", 1), ("patch", 1), ("frequencies", 0)):
            check_count(name, getattr(self, name), least)
        check_count("classes", self.classes, 0)
        check_dropout(self.dropout)
        if not 0 <= self.label_dropout < 1:
            raise ValueError(f"label_dropout must be from 0 to below 1, got {self.label_dropout!r}")
        if not 0 <= self.average < 1:
            raise ValueError(f"average must be from 0 to below 1, got {self.average!r}")
        if self.dequantise and self.levels is None:
            raise ValueError("dequantise=True needs grey levels, but levels is None")

    def _build(self, n_features: int) -> _Scaled:
        inner: nn.Module
        if self.network == "unet":
            side = math.isqrt(n_features)
            if side**2 != n_features:
                raise ValueError(f"network='unet' needs square images, got {n_features} columns")
            inner = UNet(side, self.width, self.patch, self.classes, self.dropout)
        elif self.network == "residual":
            inner = Residual(n_features, self.width, self.layers, self.classes, self.dropout)
        else:
            inner = Dense(n_features, self.width, self.layers, self.classes, self.frequencies)
        return _Scaled(inner, n_features)

    @torch.no_grad()
    def _set_scale(self, rows: torch.Tensor) -> None:
        """Scale pixels to -1 to 1, other data to mean 0 and overall variance 1."""
        scaled = self.network_
        if self.levels is not None:
            scaled.centre.fill_((self.levels - 1) / 2)
            scaled.scale.fill_((self.levels - 1) / 2)
        else:
            scaled.centre.copy_(rows.mean(dim=0))
            spread = float((rows - scaled.centre).square().mean().sqrt())
            scaled.scale.fill_(spread if spread > 0 else 1.0)
        size = float(((rows - scaled.centre) / scaled.scale).square().mean().sqrt())
        scaled.sd.fill_(size if size > 0 else 1.0)

    def encode(self, X: ArrayLike) -> Floats:
        """Return data in the network's units.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Samples in the units of the training data.
        """
        check_is_fitted(self, "network_")
        rows = self._tensor(self._check_data(X))
        return ((rows - self.network_.centre) / self.network_.scale).double().cpu().numpy()

    def decode(self, x: ArrayLike) -> Floats:
        """Return states in the units of the data; grey levels are rounded and clipped."""
        check_is_fitted(self, "network_")
        centre, scale = self.network_.centre.cpu().numpy(), float(self.network_.scale)
        rows = np.asarray(x, dtype=float) * scale + centre
        return rows if self.levels is None else np.clip(np.rint(rows), 0, self.levels - 1)

    def _check_labels(self, labels: ArrayLike | None) -> NDArray[np.int64] | None:
        if labels is None:
            return None
        if not self.classes:
            raise ValueError("labels were given, but the model has none (classes=0)")
        values = np.atleast_1d(np.asarray(labels))
        if values.ndim != 1 or not np.isin(values, np.arange(self.classes)).all():
            raise ValueError(f"labels must be integers from 0 to {self.classes - 1}, got {values}")
        return values.astype(np.int64)

    def _label_tensor(self, labels: NDArray[np.int64] | None, n: int) -> torch.Tensor | None:
        """Return one label a row; the number of classes stands for none."""
        if not self.classes:
            return None
        device = self.network_.centre.device
        if labels is None:
            return torch.full((n,), self.classes, device=device)
        return torch.as_tensor(np.broadcast_to(labels, n).copy(), device=device)

    def fit(self, X: ArrayLike, y: ArrayLike | None = None, *, progress: bool = False) -> Self:
        """Train the network on samples with noise of all levels.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Samples: integers if the model has ``levels``.
        y : array-like of shape (n_samples,), optional
            Labels from 0 to ``classes - 1``, if the model has ``classes``.
        progress : bool, default=False
            Show a bar.

        Raises
        ------
        ValueError
            If labels are missing, too many or out of range, or another argument is not possible.
        FloatingPointError
            If a loss is not finite.
        """
        self._check_parameters()
        labels = self._check_labels(y)
        if (labels is None) != (self.classes == 0):
            raise ValueError(f"y must hold the labels of {self.classes} classes")
        if labels is not None and len(labels) != len(np.asarray(X)):
            raise ValueError(f"y must hold {len(np.asarray(X))} labels, got {len(labels)}")
        rows = self._start(X)
        self._set_scale(rows)
        states = (rows - self.network_.centre) / self.network_.scale
        tensor = None if labels is None else torch.as_tensor(labels, device=rows.device)
        with self._seeded():
            self._descend(lambda: self._loss(*self._batch(states, tensor)), progress)
        return self

    def _batch(
        self, states: torch.Tensor, labels: torch.Tensor | None
    ) -> tuple[torch.Tensor, torch.Tensor | None]:
        """Draw rows with replacement, and forget some of their labels."""
        chosen = torch.randint(len(states), (self.batch_size,), device=states.device)
        x0 = states[chosen]
        if self.dequantise:
            x0 = x0 + (torch.rand_like(x0) - 0.5) / self.network_.scale
        if labels is None:
            return x0, None
        forgotten = torch.rand(self.batch_size, device=states.device) < self.label_dropout
        return x0, torch.where(forgotten, self.classes, labels[chosen])

    def _descend(self, cost: Callable[[], torch.Tensor], progress: bool) -> None:
        """Make the steps of AdamW with a moving average, which is kept at the end."""
        fused = self.network_.centre.device.type in ("cpu", "cuda")
        adam, decay = optimiser(self, fused=fused or None)
        parameters = list(self.network_.parameters())
        mean = AveragedModel(self.network_, multi_avg_fn=self._move_average)

        def step(k: int) -> float:
            loss = cost()
            adam.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(parameters, LARGEST_GRADIENT)
            adam.step()
            decay.step()
            mean.update_parameters(self.network_)
            return float(loss.detach())

        self._train(step, progress=progress)
        self.network_.load_state_dict(mean.module.state_dict())

    @torch.no_grad()
    def _move_average(self, averages: Any, parameters: Any, count: Any) -> None:
        """Move the averages a little; at first by more, so that the start is soon forgotten."""
        decay = min(self.average, (1 + int(count)) / (10 + int(count)))
        torch._foreach_lerp_(averages, parameters, 1 - decay)

    def denoiser(self, labels: ArrayLike | None = None, guidance: float = 1.0) -> Denoiser:
        """Return the trained model as a denoiser for the samplers of `dlmath.diffusion`.

        Parameters
        ----------
        labels : array-like of shape (n,) or int, optional
            Labels of the states, or one for all.
        guidance : float, default=1
            Weight w of ``w D(x, c) + (1 - w) D(x)``; 1 is unguided, 0 ignores the labels. Equation
            ``eq-guidance-and-latent-diffusion-free``.

        Raises
        ------
        ValueError
            If the model has no labels but is to be guided, or a label is out of range.
        """
        return Denoiser(self, labels, guidance)

    def sample(
        self,
        n: int,
        seed: int = 0,
        *,
        sampler: str = "heun",
        steps: int = 10,
        spacing: str = "power",
        labels: ArrayLike | None = None,
        guidance: float = 1.0,
        churn: float = 1.0,
        decode: bool = True,
    ) -> Floats:
        """Draw samples.

        Parameters
        ----------
        n : int
            How many.
        seed : int, default=0
            Of the noise. The same noise gives the same start to every sampler and model.
        sampler : {"heun", "dpm", "ddim", "ancestral", "stochastic", "flow"}, default="heun"
            One of `dlmath.diffusion`: `heun`, `dpm_solver`, `ddim`, `ancestral`, `euler_maruyama`,
            `probability_flow`.
        steps : int, default=10
            Steps along the grid, the last of them to the time 0. `heun` evaluates the network twice
            in each but the last.
        spacing : {"power", "log-snr", "uniform"}, default="power"
            Of the grid, see `Schedule.times`.
        labels : array-like of shape (n,) or int, optional
            What to draw.
        guidance : float, default=1
            See `denoiser`.
        churn : float, default=1
            Share of fresh noise of "stochastic".
        decode : bool, default=True
            Whether to return samples in the units of the data, or states of the network.

        Returns
        -------
        samples : ndarray of shape (n, n_features)

        Raises
        ------
        ValueError
            If an argument has a value that is not possible.
        FloatingPointError
            If a state is not finite.
        """
        n, rng = check_count("n", n), np.random.default_rng(check_count("seed", seed, 0))
        denoise, schedule = self.denoiser(labels, guidance), self.schedule_
        x = schedule.prior(n, self.n_features_in_, rng)
        ending = sampler in ("stochastic", "flow")
        times = schedule.times(steps, spacing, to_zero=not ending)
        match sampler:
            case "heun":
                x = heun(denoise, x, schedule, times)
            case "dpm":
                x = dpm_solver(denoise, x, schedule, times)
            case "ddim":
                x = ddim(denoise, x, schedule, times)
            case "ancestral":
                x = ancestral(denoise, x, schedule, times, rng)
            case "stochastic":
                x = euler_maruyama(denoise, x, schedule, times, rng, noise=churn)
            case "flow":
                x = probability_flow(denoise, x, schedule, times)
            case _:
                raise ValueError(
                    "sampler must be one of heun, dpm, ddim, ancestral, stochastic, flow, got "
                    f"{sampler!r}"
                )
        if ending:
            x = denoise(x, float(times[-1]))
        return self.decode(x) if decode else x

    def score(self, X: ArrayLike, t: float, labels: ArrayLike | None = None) -> Floats:
        """Return the model's gradient of log p_t at states.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            States, in the network's units.
        t : float
            Time of the schedule, above 0.
        labels : array-like, optional
            See `denoiser`.
        """
        schedule = self.schedule_
        if not 0 < t <= schedule.end:
            raise ValueError(f"t must be above 0 and at most {schedule.end:g}, got {t!r}")
        return score_of(self.denoiser(labels), schedule)(np.asarray(X, dtype=float), t)

    def log_prob(self, X: ArrayLike, steps: int = 30, spacing: str = "log-snr") -> Floats:
        """Log-density of continuous samples, along the probability flow.

        Equation ``eq-score-and-stochastic-differential-equations-likelihood``. It is the density of
        the flow from N(0, I) up to the error of the steps; the trace is exact.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Samples.
        steps : int, default=30
            Steps of the Runge-Kutta method, with four evaluations each.
        spacing : {"log-snr", "uniform", "power"}, default="log-snr"
            Of the grid of times.

        Returns
        -------
        log_prob : ndarray of shape (n_samples,)
            Nats per sample.

        Raises
        ------
        ValueError
            If the model has grey levels, which have no density: `elbo` bounds theirs.
        """
        if self.levels is not None:
            raise ValueError(f"levels={self.levels}: a flow knows densities; use elbo(X)")
        scale = float(self.network_.scale)
        rows = self.encode(X)
        return self._log_density(rows, steps, spacing) - rows.shape[1] * math.log(scale)

    def _log_density(self, x: Floats, steps: int, spacing: str) -> Floats:
        """Return the log-density of states at the schedule's first time."""
        schedule, denoise = self.schedule_, self.denoiser()
        times = schedule.times(steps, spacing, to_zero=False)[::-1]
        end, change = probability_flow(denoise, x, schedule, times, divergence=denoise.divergence)
        sd = float(schedule.sigma(schedule.end))
        norm = x.shape[1] * math.log(2 * math.pi * sd**2)
        return -(np.square(end / sd).sum(axis=1) + norm) / 2 - change

    def elbo(
        self, X: ArrayLike, steps: int = 30, spacing: str = "log-snr", seed: int = 0
    ) -> Floats:
        """Lower bound of the log-probability of grey levels: the flow's density, dequantised.

        Each grey level k becomes k + u with one uniform u between -1/2 and 1/2 for each pixel.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Integers from 0 to ``levels - 1``.
        steps, spacing
            See `log_prob`.
        seed : int, default=0
            Of u.

        Returns
        -------
        bound : ndarray of shape (n_samples,)
            Nats per sample, in expectation over u. For continuous data it is `log_prob`.
        """
        if self.levels is None:
            return self.log_prob(X, steps, spacing)
        rng = np.random.default_rng(check_count("seed", seed, 0))
        scale = float(self.network_.scale)
        x = self.encode(X)
        x = x + rng.uniform(-0.5, 0.5, x.shape) / scale
        return self._log_density(x, steps, spacing) - x.shape[1] * math.log(scale)


def _check_guidance(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise ValueError(f"guidance must be a finite number, got {value!r}")
    return float(value)
