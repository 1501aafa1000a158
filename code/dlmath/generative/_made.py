"""MADE: one network whose masks make each output blind to its own pixel and to all later ones."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Any, Self

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from sklearn.utils.validation import check_is_fitted
from torch import nn
from torch.nn import functional as F

from dlmath._checks import check_count
from dlmath.generative._base import GenerativeModel
from dlmath.generative._optimise import check_dropout, optimiser, randomly

ROWS = 1000
Masks = list[torch.Tensor]


def made_masks(ranks: torch.Tensor, hidden: tuple[int, ...]) -> Masks:
    """Return the masks of the layers: (to, from) of zeros and ones.

    Hidden unit j of each layer has a degree from 1 to D - 1 and may see the inputs whose rank is
    not larger; output i sees the units whose degree is *smaller* than its rank. (Equation
    eq-autoregressive-models-and-flows-masks.)

    Parameters
    ----------
    ranks : tensor of shape (n_features,)
        The place of each variable in the ordering, from 1 to n_features.
    hidden : tuple of int
        Widths of the hidden layers.

    Returns
    -------
    masks : list of tensors
        One for each layer, and last the one that leads from the inputs straight to the outputs.
    """
    most = max(len(ranks) - 1, 1)
    degrees = [ranks] + [1 + torch.arange(width) % most for width in hidden]
    masks = [to[:, None] >= before for before, to in pairwise(degrees)]
    masks.append(ranks[:, None] > degrees[-1])
    masks.append(ranks[:, None] > ranks)
    return [mask.float() for mask in masks]


def orderings(n_features: int, count: int) -> torch.Tensor:
    """Return the ranks of the pixels in several orderings, of shape (count, n_features).

    Square images are read like a page, from each of the four corners and in both directions,
    which makes eight; what is not square, or more than eight, is drawn at random from a fixed seed.
    """
    side = math.isqrt(n_features)
    found = []
    if side**2 == n_features:
        row, column = torch.arange(n_features) // side, torch.arange(n_features) % side
        for slow, fast in ((row, column), (column, row)):
            for down, right in ((1, 1), (-1, -1), (1, -1), (-1, 1)):
                key = down * slow * side + right * fast
                found.append(1 + key.argsort().argsort())
    generator = torch.Generator().manual_seed(0)
    while len(found) < count:
        found.append(1 + torch.randperm(n_features, generator=generator))
    return torch.stack(found[:count])


def level_features(levels: int, degree: int) -> torch.Tensor:
    """Return what a logit may depend on: polynomials of the level, and whether it is an extreme.

    Shape (degree + 2, levels); if that is no fewer than `levels` there is one feature a level.
    """
    if degree + 2 >= levels:
        return torch.eye(levels)
    smooth = np.polynomial.legendre.legvander(np.linspace(-1, 1, levels), degree)[:, 1:].T
    ends = torch.eye(levels)[[0, -1]]
    return torch.cat([torch.as_tensor(smooth, dtype=torch.float32), ends])


class MaskedNetwork(nn.Module):
    """The log-probabilities of all levels of all pixels, each given the pixels before it."""

    orders: torch.Tensor
    features: torch.Tensor

    def __init__(
        self,
        n_features: int,
        levels: int,
        hidden: tuple[int, ...],
        count: int,
        degree: int,
        dropout: float,
    ) -> None:
        super().__init__()
        self.levels, self.dropout = levels, dropout
        self.register_buffer("orders", orderings(n_features, count), persistent=False)
        self.register_buffer("features", level_features(levels, degree), persistent=False)
        per_pixel = len(self.features)
        sizes = [2 * n_features, *hidden, per_pixel * n_features]
        self.layers = nn.ModuleList([nn.Linear(*pair) for pair in pairwise(sizes)])
        self.direct = nn.Linear(sizes[0], sizes[-1], bias=False)
        # Each ordering shifts the hidden units in its own way; all share the weights.
        self.shifts = nn.ParameterList([nn.Parameter(torch.zeros(count, m)) for m in hidden])
        for layer in (self.layers[-1], self.direct):
            nn.init.normal_(layer.weight, std=0.1 / math.sqrt(layer.in_features))  # type: ignore
        for k, ranks in enumerate(self.orders):
            masks = made_masks(ranks, hidden)
            masks[0] = masks[0].repeat_interleave(2, dim=1)
            masks[-1] = masks[-1].repeat_interleave(2, dim=1)
            for at in (-2, -1):
                masks[at] = masks[at].repeat_interleave(per_pixel, dim=0)
            for at, mask in enumerate(masks):
                self.register_buffer(f"mask{k}_{at}", mask.bool(), persistent=False)

    def masks(self, order: int) -> Masks:
        """Return the masks of one ordering."""
        return [getattr(self, f"mask{order}_{k}") for k in range(len(self.layers) + 1)]

    def forward(self, x: torch.Tensor, order: int = 0) -> torch.Tensor:
        """Map levels of shape (n, D) to log-probabilities of shape (n, D, levels)."""
        masks = self.masks(order)
        seen = torch.stack([2 * x / (self.levels - 1) - 1, (x == 0).to(x.dtype)], -1).flatten(1)
        a = seen
        for layer, shift, mask in zip(self.layers, self.shifts, masks, strict=False):
            z = F.linear(a, layer.weight * mask, layer.bias + shift[order])  # type: ignore
            a = F.dropout(F.relu(z), self.dropout, self.training)
        last = self.layers[-1]
        out = F.linear(a, last.weight * masks[-2], last.bias)  # type: ignore
        out = out + F.linear(seen, self.direct.weight * masks[-1])
        return F.log_softmax(out.view(*x.shape, -1) @ self.features.to(out.dtype), -1)

    def log_prob(self, x: torch.Tensor, order: int = 0) -> torch.Tensor:
        """Sum the logarithms of the conditional probabilities: the chain rule."""
        found = self(x, order).gather(2, x.long()[..., None])
        return found.squeeze(-1).sum(1)


class MADE(GenerativeModel):
    """Masked autoencoder for distribution estimation: an exact likelihood by the chain rule.

    One network gives the conditional law of every pixel given those before it, for several
    orderings of the pixels; the model is the *average of the probabilities* over the orderings.

    Parameters
    ----------
    levels : int, default=17
        Number of grey levels: data are integers from 0 to ``levels - 1``.
    hidden : tuple of int, default=(224, 224)
        Widths of the hidden layers.
    orders : int, default=8
        Number of orderings, among which the weights are shared.
    degree : int, default=6
        The logits of a pixel are polynomials of this degree in its level, with the two extreme
        levels free. From ``levels - 2`` on, every level is free.
    dropout : float, default=0.3
        Share of the hidden units left out in training.
    weight_decay : float, default=1e-4
        Of AdamW.
    steps, batch_size, eta : int, int, float
        Steps of AdamW, whose learning rate falls from ``eta`` to zero along a cosine. Each
        takes one ordering at random.
    seed : int, default=0
        Of the initial weights, the batches and dropout.
    device : str, default="cpu"
        Where torch computes.

    Examples
    --------
    >>> import numpy as np
    >>> from dlmath.generative import MADE
    >>> X = np.tile([[0, 0, 1], [1, 1, 0]], (20, 1))
    >>> model = MADE(levels=2, hidden=(16,), orders=2, steps=200, dropout=0.0).fit(X)
    >>> bool(np.exp(model.log_prob([[0, 0, 1]])[0]) > 0.4)
    True
    """

    network_: MaskedNetwork

    def __init__(
        self,
        levels: int = 17,
        hidden: tuple[int, ...] = (224, 224),
        orders: int = 8,
        degree: int = 6,
        dropout: float = 0.3,
        weight_decay: float = 1e-4,
        steps: int = 2000,
        batch_size: int = 100,
        eta: float = 2e-3,
        seed: int = 0,
        device: str = "cpu",
    ) -> None:
        self.levels = levels
        self.hidden = hidden
        self.orders = orders
        self.degree = degree
        self.dropout = dropout
        self.weight_decay = weight_decay
        self.steps = steps
        self.batch_size = batch_size
        self.eta = eta
        self.seed = seed
        self.device = device

    def _check_parameters(self) -> None:
        super()._check_parameters()
        check_count("levels", self.levels, 2)
        check_count("orders", self.orders)
        check_count("degree", self.degree)
        check_dropout(self.dropout)
        for width in self.hidden:
            check_count("hidden", width)

    def _build(self, n_features: int) -> MaskedNetwork:
        return MaskedNetwork(
            n_features, self.levels, self.hidden, self.orders, self.degree, self.dropout
        )

    def fit(self, X: ArrayLike, *, progress: bool = False) -> Self:
        """Maximise the mean log-probability of the samples.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Integers from 0 to ``levels - 1``.
        progress : bool, default=False
            Show a bar.
        """
        rows = self._start(X)
        with self._seeded():
            adam, schedule = optimiser(self)
            batches = randomly(rows, self.batch_size)

            def step(k: int) -> float:
                order = int(torch.randint(self.orders, ()))
                loss = -self.network_.log_prob(next(batches), order).mean()
                adam.zero_grad()
                loss.backward()
                adam.step()
                schedule.step()
                return float(loss.detach())

            self._train(step, progress=progress)
        return self

    @torch.no_grad()
    def log_prob_by_order(self, X: ArrayLike) -> NDArray[np.float64]:
        """Log-probability of each sample under each of the orderings alone.

        Returns
        -------
        log_prob : ndarray of shape (orders, n_samples)
            Nats.
        """
        check_is_fitted(self, "network_")
        rows = self._tensor(self._check_data(X))
        found = [
            torch.cat([self.network_.log_prob(part, order) for part in rows.split(ROWS)])
            for order in range(self.orders)
        ]
        return torch.stack(found).double().cpu().numpy()

    def log_prob(self, X: ArrayLike) -> NDArray[np.float64]:
        """Exact log-probability: of the average over orderings of the probability.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Integers from 0 to ``levels - 1``.

        Returns
        -------
        log_prob : ndarray of shape (n_samples,)
            Nats per sample.
        """
        return np.logaddexp.reduce(self.log_prob_by_order(X)) - math.log(self.orders)

    @torch.no_grad()
    def sample(self, n: int, seed: int = 0) -> NDArray[np.int64]:
        """Draw samples pixel by pixel, each with an ordering drawn at random.

        As many passes through the network as there are pixels are needed.

        Parameters
        ----------
        n : int
            Number of samples.
        seed : int, default=0
            Of the draws.

        Returns
        -------
        X : ndarray of shape (n, n_features)
            Integers.
        """
        check_is_fitted(self, "network_")
        check_count("n", n)
        rows = self._tensor(np.zeros((n, self.n_features_in_)))
        with self._seeded(seed):
            which = torch.randint(self.orders, (n,), device=rows.device)
            for order in range(self.orders):
                mine = rows[which == order]
                if len(mine):
                    rows[which == order] = self._draw(mine, order)
        return rows.long().cpu().numpy()

    def _draw(self, rows: torch.Tensor, order: int) -> torch.Tensor:
        for pixel in self.network_.orders[order].argsort().tolist():
            p = self.network_(rows, order)[:, pixel].exp()
            rows[:, pixel] = torch.multinomial(p, 1)[:, 0].to(rows.dtype)
        return rows


def conditionals(model: MADE, x: ArrayLike, order: int = 0) -> NDArray[Any]:
    """Probabilities of all levels of each pixel of one image, given the pixels before it.

    Parameters
    ----------
    model : MADE
        After ``fit``.
    x : array-like of shape (n_features,)
        One image.
    order : int, default=0
        Which ordering.

    Returns
    -------
    probabilities : ndarray of shape (n_features, levels)
    """
    check_is_fitted(model, "network_")
    row = model._tensor(model._check_data(np.reshape(x, (1, -1))))
    with torch.no_grad():
        return model.network_(row, order)[0].exp().double().cpu().numpy()
