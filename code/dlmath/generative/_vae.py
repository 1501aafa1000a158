"""Variational autoencoders: a decoder from few latents to data, and an encoder to train it."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, Self

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from sklearn.mixture import GaussianMixture
from sklearn.utils import check_array
from sklearn.utils.validation import check_is_fitted
from torch import nn
from torch.nn import functional

from dlmath._checks import check_above_zero, check_count
from dlmath.generative._base import GenerativeModel

Floats = NDArray[np.float64]
LOG_2PI = math.log(2 * math.pi)
EVERY = 100  # steps between two looks at the held-out samples
ROWS = 20_000  # decoded at once


class VAE(GenerativeModel):
    r"""A latent-variable model :math:`p(x) = \int p(x|z)\,p(z)\,dz`, trained by its ELBO.

    The encoder gives mean and standard deviations of :math:`q(z|x)`, the decoder the parameters
    of :math:`p(x|z)`: a Bernoulli variable for each pixel if ``levels`` is 2, a discretised
    logistic one if it is larger, a Gaussian of one learned variance :math:`s^2` for continuous
    data. Probabilities are in nats per sample, summed over all features.

    Parameters
    ----------
    latents : int, default=10
        Number of latent variables.
    hidden : tuple of int, default=(192, 192)
        Widths of the hidden layers of the encoder; the decoder has them in reverse. With ``()``
        both maps are linear.
    levels : int or None, default=None
        Number of grey levels of the data, or None for continuous data.
    beta : float, default=1.0
        Weight of the Kullback-Leibler term; anything but 1 is not the ELBO.
    warmup : int, default=500
        Steps during which the weight rises linearly from zero to ``beta``.
    dropout : float, default=0.2
        Share of the hidden units that are set to zero in each step of the training.
    weight_decay : float, default=0.05
        AdamW's.
    noise : float or None, default=None
        Standard deviation of a Gaussian decoder in the units of the data; learned if None.
    components : int, default=1
        Gaussians in the prior: 1 is the standard normal, more are fitted to the codes of the
        training samples when the networks are trained.
    validation : float, default=0.1
        Share of the training samples that is held out to choose the step at which the training
        ends; 0 trains on all of them for all steps.
    steps : int, default=4000
        Number of optimiser steps.
    batch_size : int, default=100
        Samples in a step.
    eta : float, default=1e-3
        Learning rate at the start; it falls to zero as a cosine.
    seed : int, default=0
        Of everything that is random in the training.
    device : str, default="cpu"
        Where the network lives.

    Attributes
    ----------
    network_ : torch.nn.ModuleDict
        ``encoder``, ``decoder``, ``prior``.
    losses_, validation_ : lists of float
        The negative ELBO (with ``beta``) of each step; the negative ELBO of the held-out samples.
    best_step_ : int
        Number of steps after which the parameters were kept.
    """

    network_: Any  # torch's containers return Module or Tensor: mypy cannot know which

    def __init__(
        self,
        latents: int = 10,
        hidden: tuple[int, ...] = (192, 192),
        levels: int | None = None,
        *,
        beta: float = 1.0,
        warmup: int = 500,
        dropout: float = 0.2,
        weight_decay: float = 0.05,
        noise: float | None = None,
        components: int = 1,
        validation: float = 0.1,
        steps: int = 4000,
        batch_size: int = 100,
        eta: float = 1e-3,
        seed: int = 0,
        device: str = "cpu",
    ) -> None:
        self.latents = latents
        self.hidden = hidden
        self.levels = levels
        self.beta = beta
        self.warmup = warmup
        self.dropout = dropout
        self.weight_decay = weight_decay
        self.noise = noise
        self.components = components
        self.validation = validation
        self.steps = steps
        self.batch_size = batch_size
        self.eta = eta
        self.seed = seed
        self.device = device

    def _check_parameters(self) -> None:
        super()._check_parameters()
        check_count("latents", self.latents)
        check_count("components", self.components)
        check_count("warmup", self.warmup, 0)
        for width in self.hidden:
            check_count("hidden", width)
        if self.noise is not None:
            check_above_zero("noise", self.noise)
        for name in ("dropout", "validation"):
            if not 0 <= getattr(self, name) < 1:
                raise ValueError(f"{name} must be from 0 to below 1, got {getattr(self, name)!r}")
        for name in ("beta", "weight_decay"):
            if not 0 <= getattr(self, name) < np.inf:
                raise ValueError(f"{name} must not be negative, got {getattr(self, name)!r}")

    def _build(self, n_features: int) -> nn.Module:
        outputs = n_features if self.levels is None or self.levels == 2 else 2 * n_features
        return nn.ModuleDict(
            {
                "encoder": _layers(n_features, self.hidden, 2 * self.latents, self.dropout),
                "decoder": _layers(self.latents, self.hidden[::-1], outputs, self.dropout),
                "prior": _Prior(self.components, self.latents),
                "units": _Units(n_features, self.levels, self.noise),
            }
        )

    def fit(self, X: ArrayLike, *, progress: bool = False) -> Self:
        """Train both networks on samples, then fit the prior if it has components.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Samples; integers from 0 to ``levels - 1`` for pixels.
        progress : bool, default=False
            Show a progress bar.

        Returns
        -------
        self : VAE
            The trained model.
        """
        rows = self._start(X)
        with self._seeded():
            held = round(self.validation * len(rows))
            rows = rows[torch.randperm(len(rows))]
            held_out, rows = rows[:held], rows[held:]
            self.network_["units"].measure(rows)
            weights = [p for p in self.network_.parameters() if p.requires_grad]
            optimizer = torch.optim.AdamW(weights, lr=self.eta, weight_decay=self.weight_decay)

            def step(k: int) -> float:
                optimizer.param_groups[0]["lr"] = (
                    self.eta * (1 + math.cos(math.pi * k / self.steps)) / 2
                )
                batch = rows[torch.randint(0, len(rows), (self.batch_size,))]
                loss = -self._bound(batch, self.beta * min(1.0, (k + 1) / max(self.warmup, 1)))
                optimizer.zero_grad()
                loss.mean().backward()
                optimizer.step()
                return loss.mean().item()

            self._train(
                step,
                progress=progress,
                validate=(lambda: self._held_out_loss(held_out)) if held else None,
                every=EVERY,
            )
            best = int(np.argmin(self.validation_)) + 1 if self.validation_ else None
            self.best_step_ = best * EVERY if best else self.steps
        return self if self.components == 1 else self.fit_prior(X, self.components)

    def _held_out_loss(self, rows: torch.Tensor) -> float:
        """Give the mean negative ELBO of rows, with eight draws of the latents each."""
        self.network_.eval()
        with torch.no_grad():
            loss = -self._bound(rows.repeat(8, 1), self.beta).mean().item()
        self.network_.train()
        return loss

    def fit_prior(self, X: ArrayLike, components: int) -> Self:
        """Exchange the prior for a mixture fitted to the aggregate posterior of samples.

        Sixteen codes are drawn from q(z|x) of each row. With one component the prior is the
        standard normal again.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Samples, those of the training.
        components : int
            Number of Gaussians.

        Returns
        -------
        self : VAE
            With another prior; both networks stay.
        """
        check_is_fitted(self, "network_")
        check_count("components", components)
        rows = self._tensor(self._check_data(X))
        prior = _Prior(components, self.latents).to(rows.device)
        if components > 1:
            with self._seeded(), torch.no_grad():
                mean, sd = self._posterior(rows.repeat(16, 1))
                codes = (mean + sd * torch.randn_like(sd)).cpu().numpy()
            mixture = GaussianMixture(
                components, reg_covar=1e-3, random_state=self.seed, max_iter=200, tol=1e-4
            )
            prior.take(mixture.fit(codes))
        self.network_["prior"], self.components = prior, components
        return self

    def _posterior(self, rows: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Give mean and standard deviations of q(z|x), each of shape (n, latents)."""
        outputs = self.network_["encoder"](self.network_["units"].scaled(rows))
        mean, log_variance = outputs.chunk(2, dim=1)
        return mean, torch.exp(log_variance.clamp(-20, 20) / 2)

    def _log_likelihood(self, rows: torch.Tensor, codes: torch.Tensor) -> torch.Tensor:
        """Give log p(x|z) of each pair of rows, shape (n,)."""
        units = self.network_["units"]
        outputs = self.network_["decoder"](codes)
        if self.levels is None:
            return log_gaussian(units.mean(outputs), units.log_noise, rows)
        if self.levels == 2:
            return log_bernoulli(outputs, rows)
        return log_discretised_logistic(outputs, rows, self.levels)

    def _bound(self, rows: torch.Tensor, beta: float = 1.0) -> torch.Tensor:
        """Give log p(x|z) at one draw of z, minus beta times the closed KL to the unit Gaussian.

        It is the training's loss (negative), whatever the prior that is fitted afterwards.
        """
        mean, sd = self._posterior(rows)
        codes = mean + sd * torch.randn_like(sd)
        return self._log_likelihood(rows, codes) - beta * gaussian_kl(mean, sd)

    def encode(self, X: ArrayLike) -> tuple[Floats, Floats]:
        """Return mean and standard deviations of q(z|x) of each row.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Samples.

        Returns
        -------
        mean, sd : ndarrays of shape (n_samples, latents)
        """
        check_is_fitted(self, "network_")
        rows = self._tensor(self._check_data(X))
        with torch.no_grad():
            mean, sd = self._posterior(rows)
        return _array(mean), _array(sd)

    def decode(self, Z: ArrayLike) -> Floats:
        """Return the mean of p(x|z) in the units of the data.

        Parameters
        ----------
        Z : array-like of shape (n, latents)
            Codes.

        Returns
        -------
        means : ndarray of shape (n, n_features)
            Probabilities of a one for two levels, mean levels for more.
        """
        check_is_fitted(self, "network_")
        codes = check_array(Z, dtype=float, input_name="Z")
        if codes.shape[1] != self.latents:
            raise ValueError(f"Z must have {self.latents} columns, got {codes.shape[1]}")
        with torch.no_grad():
            return _array(self._mean(self.network_["decoder"](self._tensor(codes))))

    def _mean(self, outputs: torch.Tensor) -> torch.Tensor:
        if self.levels is None:
            return self.network_["units"].mean(outputs)
        if self.levels == 2:
            return torch.sigmoid(outputs)
        return logistic_tails(outputs, self.levels).sum(dim=2)

    def sample(self, n: int, seed: int = 0, *, means: bool = False) -> NDArray[Any]:
        """Draw latents from the prior and decode them.

        Parameters
        ----------
        n : int
            Number of samples.
        seed : int, default=0
            Of the draws.
        means : bool, default=False
            Return the means of p(x|z), as `decode` does, instead of draws from it.

        Returns
        -------
        samples : ndarray of shape (n, n_features)
            Of int64 for pixels, unless they are means.
        """
        check_is_fitted(self, "network_")
        with self._seeded(seed), torch.no_grad():
            codes = self.network_["prior"].sample(check_count("n", n))
            outputs = self.network_["decoder"](codes)
            mean = self._mean(outputs)
            if means:
                return _array(mean)
            if self.levels is None:
                noise = self.network_["units"].log_noise.exp()
                return _array(mean + noise * torch.randn_like(mean))
            if self.levels == 2:
                return _array(torch.bernoulli(mean)).astype(np.int64)
            # The level is the number of thresholds that one uniform number lies below.
            tails = logistic_tails(outputs, self.levels)
            return _array((torch.rand_like(mean)[..., None] < tails).sum(dim=2)).astype(np.int64)

    def elbo(self, X: ArrayLike, k: int = 16, seed: int = 0) -> Floats:
        """Return an unbiased estimate of the evidence lower bound of each row, in nats.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Samples.
        k : int, default=16
            Draws of the latents over which it is averaged.
        seed : int, default=0
            Of the draws.

        Returns
        -------
        elbo : ndarray of shape (n_samples,)
        """
        return self._log_weights(X, k, seed, lambda w: w.mean(dim=0))

    def log_prob_bound(self, X: ArrayLike, k: int = 100, seed: int = 0) -> Floats:
        """Return the importance-weighted bound of the log-probability of each row, in nats.

        Its expectation rises with ``k`` from the ELBO to log p(x).

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Samples.
        k : int, default=100
            Draws of the latents whose weights are averaged.
        seed : int, default=0
            Of the draws.

        Returns
        -------
        log_prob_bound : ndarray of shape (n_samples,)
        """
        return self._log_weights(X, k, seed, lambda w: torch.logsumexp(w, dim=0) - math.log(k))

    def _log_weights(
        self, X: ArrayLike, k: int, seed: int, reduce: Callable[[torch.Tensor], torch.Tensor]
    ) -> Floats:
        """Reduce the log-weights log p(x|z) + log p(z) - log q(z|x), of shape (k, rows)."""
        check_is_fitted(self, "network_")
        check_count("k", k)
        rows = self._tensor(self._check_data(X))
        results = []
        with self._seeded(seed), torch.no_grad():
            for part in rows.split(max(1, ROWS // k)):
                mean, sd = (v.expand(k, *v.shape) for v in self._posterior(part))
                noise = torch.randn_like(mean)
                codes = (mean + sd * noise).flatten(0, 1)
                many = part.expand(k, *part.shape).flatten(0, 1)
                log_q = -(noise.square() / 2 + sd.log() + LOG_2PI / 2).sum(dim=2)
                log_joint = self._log_likelihood(many, codes) + self.network_["prior"](codes)
                results.append(reduce(log_joint.view(k, -1) - log_q))
        return _array(torch.cat(results))


def gaussian_kl(mean: torch.Tensor, sd: torch.Tensor) -> torch.Tensor:
    """Give KL(N(mean, sd^2) || N(0, I)) of each row (eq-variational-autoencoders-closed-kl)."""
    return (mean.square() + sd.square() - 1 - 2 * sd.log()).sum(dim=1) / 2


def log_bernoulli(logits: torch.Tensor, rows: torch.Tensor) -> torch.Tensor:
    """Give the log-probability of zeros and ones, summed over pixels."""
    return -functional.binary_cross_entropy_with_logits(logits, rows, reduction="none").sum(dim=1)


def log_gaussian(mean: torch.Tensor, log_noise: torch.Tensor, rows: torch.Tensor) -> torch.Tensor:
    """Give the log-density of independent Gaussians of one standard deviation."""
    z = (rows - mean) * torch.exp(-log_noise)
    return -(z.square() / 2 + log_noise + LOG_2PI / 2).sum(dim=1)


def log_discretised_logistic(
    outputs: torch.Tensor, rows: torch.Tensor, levels: int
) -> torch.Tensor:
    """Give the log-probability that a logistic variable rounds to each level, summed over pixels.

    The lowest and the highest level have everything beyond them
    (eq-variational-autoencoders-logistic).
    """
    centre, scale = _centre_and_scale(outputs, levels)
    above = (rows + 0.5 - centre) / scale
    below = above - 1 / scale
    inside = torch.log(-torch.expm1(-1 / scale))
    left = torch.where(rows > 0, functional.logsigmoid(-below) + inside, 0.0)
    right = functional.logsigmoid(above)
    last = rows == levels - 1
    both = torch.where(last, functional.logsigmoid(-below), left + right)
    return both.sum(dim=1)


def logistic_tails(outputs: torch.Tensor, levels: int) -> torch.Tensor:
    """Give P(x >= j) for j = 1 to ``levels - 1``, on a last axis."""
    centre, scale = _centre_and_scale(outputs, levels)
    thresholds = torch.arange(1, levels, dtype=outputs.dtype, device=outputs.device) - 0.5
    return torch.sigmoid((centre[..., None] - thresholds) / scale[..., None])


def _centre_and_scale(outputs: torch.Tensor, levels: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Turn outputs into the logistic's centre and scale, in levels."""
    centre, log_scale = outputs.chunk(2, dim=-1)
    half = (levels - 1) / 2
    return half + half * centre, half * torch.exp(log_scale.clamp(-7, 3) - 2)


def _array(tensor: torch.Tensor) -> Floats:
    return tensor.cpu().numpy().astype(float)


def _layers(inputs: int, hidden: tuple[int, ...], outputs: int, dropout: float) -> nn.Sequential:
    """Stack linear layers with SiLU between them."""
    layers: list[nn.Module] = []
    for width in hidden:
        layers += [nn.Linear(inputs, width), nn.SiLU(), nn.Dropout(dropout)]
        inputs = width
    return nn.Sequential(*layers, nn.Linear(inputs, outputs))


class _Units(nn.Module):
    """What data look like to the encoder, and the decoder's Gaussian in the units of the data."""

    shift: torch.Tensor
    scale: torch.Tensor

    def __init__(self, n_features: int, levels: int | None, noise: float | None) -> None:
        super().__init__()
        self.levels, self.fixed = levels, noise is not None
        self.register_buffer("shift", torch.zeros(n_features))
        self.register_buffer("scale", torch.ones(()))
        self.log_noise = nn.Parameter(
            torch.tensor(math.log(noise or 1.0)), requires_grad=levels is None and noise is None
        )

    @torch.no_grad()
    def measure(self, rows: torch.Tensor) -> None:
        """Take the mean of the samples, and their standard deviation over all features."""
        if self.levels is not None:
            self.shift.fill_((self.levels - 1) / 2)
            self.scale.fill_((self.levels - 1) / 2)
            return
        self.shift.copy_(rows.mean(dim=0))
        self.scale.copy_((rows - self.shift).square().mean().sqrt().clamp_min(1e-12))
        if not self.fixed:
            self.log_noise.copy_(self.scale.log())

    def scaled(self, rows: torch.Tensor) -> torch.Tensor:
        return (rows - self.shift) / self.scale

    def mean(self, outputs: torch.Tensor) -> torch.Tensor:
        return self.shift + self.scale * outputs


class _Prior(nn.Module):
    """The standard normal, or a mixture of Gaussians with given precision factors."""

    log_weights: torch.Tensor
    means: torch.Tensor
    factors: torch.Tensor

    def __init__(self, components: int, latents: int) -> None:
        super().__init__()
        self.latents = latents
        self.register_buffer("log_weights", torch.full((components,), -math.log(components)))
        self.register_buffer("means", torch.zeros(components, latents))
        # P = U U^T with U upper triangular, as in scikit-learn's precisions_cholesky_.
        self.register_buffer("factors", torch.eye(latents).repeat(components, 1, 1))

    @torch.no_grad()
    def take(self, mixture: GaussianMixture) -> None:
        self.log_weights.copy_(torch.as_tensor(np.log(mixture.weights_)))
        self.means.copy_(torch.as_tensor(mixture.means_))
        self.factors.copy_(torch.as_tensor(mixture.precisions_cholesky_))

    def forward(self, codes: torch.Tensor) -> torch.Tensor:
        """Give log p(z) of each row."""
        z = torch.einsum("nkd,kde->nke", codes[:, None] - self.means, self.factors)
        log_det = self.factors.diagonal(dim1=1, dim2=2).log().sum(dim=1)
        logs = self.log_weights.log_softmax(0) + log_det - z.square().sum(dim=2) / 2
        return torch.logsumexp(logs, dim=1) - self.latents * LOG_2PI / 2

    def sample(self, n: int) -> torch.Tensor:
        which = torch.multinomial(self.log_weights.softmax(0), n, replacement=True)
        noise = torch.randn(n, self.latents, dtype=self.means.dtype, device=self.means.device)
        upper = self.factors.transpose(1, 2)[which]
        # x = m + U^-T e has the covariance (U U^T)^-1.
        step = torch.linalg.solve_triangular(upper, noise[..., None], upper=False)
        return self.means[which] + step[..., 0]
