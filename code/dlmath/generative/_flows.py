"""Normalising flows from coupling layers: RealNVP and neural spline flows."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import Any, Self

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from sklearn.utils.validation import check_is_fitted
from torch import nn

from dlmath._checks import check_above_zero, check_count
from dlmath.generative._base import GenerativeModel
from dlmath.generative._optimise import check_dropout, optimiser, randomly
from dlmath.generative._transforms import (
    Coupling,
    Elementwise,
    Flow,
    Logit,
    Standardise,
    affine,
    conditioner,
    spline,
)

ROWS = 2000
MASKS = ("alternate", "checkerboard")
LARGEST_GRADIENT = 5.0


def coupling_masks(n_features: int, kind: str, layers: int) -> list[torch.Tensor]:
    """Return which variables each layer keeps: a pattern and its complement in turns."""
    index = torch.arange(n_features)
    if kind == "checkerboard":
        side = math.isqrt(n_features)
        if side**2 != n_features:
            raise ValueError(f"masks='checkerboard' needs square images, got {n_features} columns")
        index = index // side + index % side
    return [(index + k) % 2 == 0 for k in range(layers)]


class _CouplingFlow(GenerativeModel):
    """What both flows share: everything but the elementwise map."""

    network_: Flow

    layers: int
    width: int
    masks: str
    levels: int | None
    dropout: float
    weight_decay: float
    steps: int
    batch_size: int
    eta: float

    def _elementwise(self) -> tuple[int, Elementwise]:
        """Return the elementwise map and how many numbers it needs for each variable."""
        raise NotImplementedError

    def _check_parameters(self) -> None:
        super()._check_parameters()
        check_count("layers", self.layers)
        check_count("width", self.width)
        check_dropout(self.dropout)
        if self.masks not in MASKS:
            raise ValueError(f"masks must be one of {', '.join(MASKS)}, got {self.masks!r}")

    def _build(self, n_features: int) -> Flow:
        if n_features < 2:
            raise ValueError("X must have at least 2 columns: a coupling keeps one, moves another")
        count, move = self._elementwise()
        kept = coupling_masks(n_features, self.masks, self.layers)
        before = [] if self.levels is None else [Logit()]
        couplings = [Coupling(k, self._conditioner(k, count), move) for k in kept]
        return Flow(*before, Standardise(n_features), *couplings)

    def _conditioner(self, kept: torch.Tensor, count: int) -> nn.Module:
        inputs = int(kept.sum())
        return conditioner(inputs, self.width, count * (len(kept) - inputs), self.dropout)

    def _spread(self, rows: torch.Tensor) -> torch.Tensor:
        """Dequantise grey levels: k becomes a uniform number between k/levels and (k+1)/levels."""
        if self.levels is None:
            return rows
        return (rows + torch.rand_like(rows)) / self.levels

    @torch.no_grad()
    def _set_scale(self, rows: torch.Tensor) -> None:
        transforms = self.network_.transforms
        at = next(k for k, part in enumerate(transforms) if isinstance(part, Standardise))
        for _ in range(at):
            rows, _ = transforms[0](self._spread(rows))
        transforms[at].set(rows)  # type: ignore[operator]

    def fit(self, X: ArrayLike, *, progress: bool = False) -> Self:
        """Maximise the mean log-density of the samples.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Samples: integers if the model has ``levels``.
        progress : bool, default=False
            Show a bar.
        """
        rows = self._start(X)
        with self._seeded():
            self._set_scale(rows)
            batches = randomly(rows, self.batch_size)
            self._descend(
                lambda: -self.network_.log_prob(self._spread(next(batches))).mean(), progress
            )
        return self

    def _descend(self, cost: Callable[[], torch.Tensor], progress: bool) -> None:
        """Make the steps of AdamW, with gradients whose norm is clipped."""
        adam, schedule = optimiser(self)
        parameters = list(self.network_.parameters())

        def step(k: int) -> float:
            loss = cost()
            adam.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(parameters, LARGEST_GRADIENT)
            adam.step()
            schedule.step()
            return float(loss.detach())

        self._train(step, progress=progress)

    def _rows(self, X: ArrayLike) -> torch.Tensor:
        check_is_fitted(self, "network_")
        return self._tensor(self._check_data(X))

    @torch.no_grad()
    def log_prob(self, X: ArrayLike) -> NDArray[np.float64]:
        """Exact log-density of continuous samples.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Samples.

        Returns
        -------
        log_prob : ndarray of shape (n_samples,)
            Nats per sample.

        Raises
        ------
        ValueError
            If the model has grey levels, whose probability is an integral over a cell: `elbo`
            bounds it.
        """
        if self.levels is not None:
            raise ValueError(f"levels={self.levels}: a flow knows densities; use elbo(X)")
        parts = [self.network_.log_prob(part) for part in self._rows(X).split(ROWS)]
        return torch.cat(parts).double().cpu().numpy()

    @torch.no_grad()
    def elbo(self, X: ArrayLike, samples: int = 10, seed: int = 0) -> NDArray[np.float64]:
        """Lower bound of the log-probability of grey levels, by dequantisation.

        The mean over uniform u of ``log p((x + u)/levels)``, minus ``n_features log(levels)``.
        (Equation eq-autoregressive-models-and-flows-dequantisation.)

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Integers from 0 to ``levels - 1``.
        samples : int, default=10
            Number of draws of u.
        seed : int, default=0
            Of the draws.

        Returns
        -------
        bound : ndarray of shape (n_samples,)
            Nats per sample. For continuous data it is `log_prob` itself.
        """
        if self.levels is None:
            return self.log_prob(X)
        rows = self._rows(X)
        check_count("samples", samples)
        total = torch.zeros(len(rows), dtype=torch.float64, device=rows.device)
        with self._seeded(seed):
            for _ in range(samples):
                parts = [self.network_.log_prob(self._spread(part)) for part in rows.split(ROWS)]
                total += torch.cat(parts).double()
        return (total / samples).cpu().numpy() - rows.shape[1] * math.log(self.levels)

    @torch.no_grad()
    def transform(self, X: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Map continuous samples to the base.

        Returns
        -------
        Z : ndarray of shape (n_samples, n_features)
            Standard Gaussian, if the model is right.
        log_det : ndarray of shape (n_samples,)
            Log of the absolute determinant of the Jacobian of Z by X.
        """
        found = self.network_(self._rows(X))
        return found[0].double().cpu().numpy(), found[1].double().cpu().numpy()

    @torch.no_grad()
    def inverse_transform(self, Z: ArrayLike) -> NDArray[np.float64]:
        """Map points of the base to the space of the data."""
        check_is_fitted(self, "network_")
        rows = self._tensor(np.asarray(Z, dtype=float))
        return self.network_.inverse(rows)[0].double().cpu().numpy()

    @torch.no_grad()
    def sample(self, n: int, seed: int = 0) -> NDArray[Any]:
        """Draw samples: Gaussian numbers, mapped once.

        Parameters
        ----------
        n : int
            Number of samples.
        seed : int, default=0
            Of the draws.

        Returns
        -------
        X : ndarray of shape (n, n_features)
            Floats, or integers if the model has ``levels``.
        """
        check_is_fitted(self, "network_")
        check_count("n", n)
        with self._seeded(seed):
            z = torch.randn_like(self._tensor(np.zeros((n, self.n_features_in_))))
        x = torch.cat([self.network_.inverse(part)[0] for part in z.split(ROWS)])
        if self.levels is None:
            return x.double().cpu().numpy()
        return (x * self.levels).floor().clamp(0, self.levels - 1).long().cpu().numpy()


class RealNVP(_CouplingFlow):
    """Flow of affine coupling layers: an exact density and samples in one pass each.

    Parameters
    ----------
    layers : int, default=8
        Number of coupling layers.
    width : int, default=64
        Width of the two hidden layers in each.
    masks : {"alternate", "checkerboard"}, default="alternate"
        Which variables stay: every second one, or the white fields of square images; then the
        others.
    levels : int or None, default=None
        Number of grey levels, or None for continuous data.
    dropout, weight_decay : float
        In the networks; of AdamW.
    steps, batch_size, eta : int, int, float
        Steps of AdamW, whose learning rate falls from ``eta`` to zero along a cosine.
    seed : int, default=0
        Of the initial weights, the batches, dropout and the dequantisation.
    device : str, default="cpu"
        Where torch computes.

    Examples
    --------
    >>> import numpy as np
    >>> from dlmath.generative import RealNVP
    >>> X = np.random.default_rng(0).normal([3, -1], [1, 0.1], (500, 2))
    >>> flow = RealNVP(layers=2, width=8, steps=20).fit(X)
    >>> flow.sample(3).shape
    (3, 2)
    """

    def __init__(
        self,
        layers: int = 8,
        width: int = 64,
        masks: str = "alternate",
        levels: int | None = None,
        dropout: float = 0.0,
        weight_decay: float = 1e-5,
        steps: int = 2000,
        batch_size: int = 256,
        eta: float = 2e-3,
        seed: int = 0,
        device: str = "cpu",
    ) -> None:
        self.layers = layers
        self.width = width
        self.masks = masks
        self.levels = levels
        self.dropout = dropout
        self.weight_decay = weight_decay
        self.steps = steps
        self.batch_size = batch_size
        self.eta = eta
        self.seed = seed
        self.device = device

    def _elementwise(self) -> tuple[int, Elementwise]:
        return 2, affine

    def export(self) -> tuple[list[tuple[int, list[tuple[Any, Any]]]], Any, Any]:
        """Return the weights of a flow of two variables as arrays, for the figure of the book.

        Returns
        -------
        layers : list of (kept, network)
            Which variable each layer keeps, and the pairs of weights (outputs, inputs) and biases.
        mean, scale : ndarray of shape (2,)
            Units of the data.
        """
        check_is_fitted(self, "network_")
        units, *couplings = self.network_.transforms
        if self.n_features_in_ != 2 or self.levels is not None:
            raise ValueError("export is for flows of two continuous variables")

        def arrays(module: Any, *names: str) -> tuple[NDArray[Any], ...]:
            return tuple(getattr(module, n).detach().double().cpu().numpy() for n in names)

        layers = [
            (
                int(coupling.kept[0]),  # type: ignore[index]
                [
                    arrays(part, "weight", "bias")
                    for part in coupling.network  # type: ignore[union-attr]
                    if isinstance(part, nn.Linear)
                ],
            )
            for coupling in couplings
        ]
        return layers, *arrays(units, "mean", "scale")  # type: ignore[return-value]


class NeuralSplineFlow(_CouplingFlow):
    """Flow of coupling layers with monotone rational-quadratic splines.

    Parameters
    ----------
    layers : int, default=4
        Number of coupling layers.
    width : int, default=64
        Width of the two hidden layers in each.
    bins : int, default=8
        Pieces of each spline.
    reach : float, default=4.0
        The splines act between ``-reach`` and ``reach``, in standard deviations of the data.
    masks, levels, dropout, weight_decay, steps, batch_size, eta, seed, device
        As for `RealNVP`.

    Examples
    --------
    >>> import numpy as np
    >>> from dlmath.generative import NeuralSplineFlow
    >>> X = np.random.default_rng(0).uniform(-1, 1, (500, 2))
    >>> flow = NeuralSplineFlow(layers=2, width=8, steps=20).fit(X)
    >>> flow.log_prob(X).shape
    (500,)
    """

    def __init__(
        self,
        layers: int = 4,
        width: int = 64,
        bins: int = 8,
        reach: float = 4.0,
        masks: str = "alternate",
        levels: int | None = None,
        dropout: float = 0.0,
        weight_decay: float = 1e-5,
        steps: int = 2000,
        batch_size: int = 256,
        eta: float = 2e-3,
        seed: int = 0,
        device: str = "cpu",
    ) -> None:
        self.layers = layers
        self.width = width
        self.bins = bins
        self.reach = reach
        self.masks = masks
        self.levels = levels
        self.dropout = dropout
        self.weight_decay = weight_decay
        self.steps = steps
        self.batch_size = batch_size
        self.eta = eta
        self.seed = seed
        self.device = device

    def _check_parameters(self) -> None:
        super()._check_parameters()
        check_count("bins", self.bins, 2)
        check_above_zero("reach", self.reach)

    def _elementwise(self) -> tuple[int, Elementwise]:
        return 3 * self.bins - 1, partial(spline, reach=self.reach)
