"""The restricted Boltzmann machine: energies of pairs, contrastive divergence, and log Z."""

from __future__ import annotations

import math
from collections.abc import Iterator
from copy import deepcopy
from itertools import pairwise
from typing import Any, Self

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from sklearn.utils import Bunch
from sklearn.utils.validation import check_is_fitted
from torch import nn
from torch.nn.functional import softplus

from dlmath._checks import check_count
from dlmath.generative._base import GenerativeModel, check_pixels

LARGEST_LAYER = 22
"""Units of the smaller layer, at most, over whose states log Z is summed."""

CHUNK = 2**14


class RBMNetwork(nn.Module):
    """Weights and biases of a restricted Boltzmann machine, and what Gibbs sampling starts from.

    Attributes
    ----------
    W : Parameter of shape (n_features, hidden)
        Couplings.
    b, c : Parameter of shapes (n_features,) and (hidden,)
        Biases of the visible and of the hidden units.
    base : Tensor of shape (n_features,)
        Biases of independent pixels with the means of the training data: where AIS begins.
    chains : Tensor of shape (n_chains, n_features)
        The visible units of the chains with which it was trained.
    """

    def __init__(self, n_features: int, hidden: int, n_chains: int) -> None:
        super().__init__()
        self.W = nn.Parameter(0.01 * torch.randn(n_features, hidden))
        self.b = nn.Parameter(torch.zeros(n_features))
        self.c = nn.Parameter(torch.zeros(hidden))
        self.base: torch.Tensor
        self.chains: torch.Tensor
        self.register_buffer("base", torch.zeros(n_features))
        self.register_buffer("chains", torch.bernoulli(torch.full((n_chains, n_features), 0.5)))

    def hidden_field(self, x: torch.Tensor) -> torch.Tensor:
        """Return what the visible units send to each hidden one, bias included."""
        return x @ self.W + self.c

    def visible_field(self, h: torch.Tensor) -> torch.Tensor:
        """Return what the hidden units send to each visible one, bias included."""
        return h @ self.W.T + self.b

    def sweep(self, x: torch.Tensor, beta: float = 1.0) -> torch.Tensor:
        """Draw all hidden units given the visible ones, and then all visible ones."""
        h = torch.bernoulli(torch.sigmoid(beta * self.hidden_field(x)))
        return torch.bernoulli(torch.sigmoid(beta * self.visible_field(h)))

    def annealed(self, x: torch.Tensor, beta: float) -> torch.Tensor:
        """Make one sweep at a stage beta between independent pixels (0) and the machine (1)."""
        h = torch.bernoulli(torch.sigmoid(beta * self.hidden_field(x)))
        field = (1 - beta) * self.base + beta * self.visible_field(h)
        return torch.bernoulli(torch.sigmoid(field))

    def free_energy(self, x: torch.Tensor) -> torch.Tensor:
        """Return F(x), with p(x) = exp(-F(x)) / Z."""
        return -(x @ self.b) - softplus(self.hidden_field(x)).sum(dim=1)

    def log_ratio(self, x: torch.Tensor, low: float, high: float) -> torch.Tensor:
        """Return log f_high(x) - log f_low(x), two stages of the way from base to machine."""
        field = self.hidden_field(x)
        hidden = softplus(high * field) - softplus(low * field)
        return (high - low) * (x @ (self.b - self.base)) + hidden.sum(dim=1)

    def base_log_partition(self) -> torch.Tensor:
        """Return log Z at stage 0: independent pixels, and hidden units that toss coins."""
        return softplus(self.base).sum() + len(self.c) * math.log(2)


class RBM(GenerativeModel):
    """A restricted Boltzmann machine with binary visible and hidden units.

    The energy of a pair is E(x, h) = -x.W h - b.x - c.h (``eq-boltzmann-machines-rbm``). Training
    climbs the penalised log-likelihood, (1/n) sum log p(x_i) - lam ||W||^2, along estimates of its
    gradient whose negative phase comes from Gibbs chains: persistent ones (PCD), or such as begin
    at the data in every step (CD).

    Parameters
    ----------
    hidden : int, default=64
        Number of hidden units.
    gibbs_steps : int, default=1
        Sweeps of the chains between two updates, the k of CD-k and PCD-k.
    persistent : bool, default=True
        Whether the chains go on from where they were (PCD) or begin at the data (CD).
    eta : float, default=0.2
        Learning rate at the beginning.
    decay : bool, default=True
        Whether the rate falls linearly to zero.
    momentum : float, default=0.0
        Momentum of the updates, from 0 to below 1.
    lam : float, default=0.0
        Penalty on the squared weights; biases are not penalised.
    steps : int, default=8000
        Number of updates.
    batch_size : int, default=100
        Samples in each update, and number of chains.
    seed : int, default=0
        Seed of torch's generator.
    device : str, default="cpu"
        Where to compute.

    Attributes
    ----------
    network_ : RBMNetwork
        ``W``, ``b``, ``c``, and the chains.
    losses_ : list of float
        Mean free energy of the batch minus that of the chains, at every step.

    References
    ----------
    P. Smolensky, in Parallel Distributed Processing 1 (1986); G. E. Hinton, Neural Computation 14
    (2002) 1771; T. Tieleman, ICML (2008) 1064.

    Examples
    --------
    >>> import numpy as np
    >>> from dlmath.generative import RBM
    >>> X = np.repeat([[0, 0, 1, 1], [1, 1, 0, 0]], 20, axis=0)
    >>> machine = RBM(hidden=2, steps=500, batch_size=20).fit(X)
    >>> bool(machine.log_prob(X).mean() > 4 * np.log(0.5))
    True
    """

    levels = 2
    network_: RBMNetwork

    def __init__(
        self,
        hidden: int = 64,
        *,
        gibbs_steps: int = 1,
        persistent: bool = True,
        eta: float = 0.2,
        decay: bool = True,
        momentum: float = 0.0,
        lam: float = 0.0,
        steps: int = 8000,
        batch_size: int = 100,
        seed: int = 0,
        device: str = "cpu",
    ) -> None:
        self.hidden = hidden
        self.gibbs_steps = gibbs_steps
        self.persistent = persistent
        self.eta = eta
        self.decay = decay
        self.momentum = momentum
        self.lam = lam
        self.steps = steps
        self.batch_size = batch_size
        self.seed = seed
        self.device = device

    @classmethod
    def from_parameters(cls, W: ArrayLike, b: ArrayLike, c: ArrayLike) -> Self:
        """Make a machine from given numbers, in double precision.

        Parameters
        ----------
        W : array-like of shape (n_features, hidden)
            Couplings.
        b, c : array-like of shapes (n_features,) and (hidden,)
            Biases of the visible and of the hidden units.

        Returns
        -------
        machine : RBM
            Ready to sample.

        Raises
        ------
        ValueError
            If shapes do not fit, or a number is not finite.
        """
        arrays = [np.asarray(values, dtype=float) for values in (W, b, c)]
        if arrays[0].ndim != 2 or [a.shape for a in arrays[1:]] != [(n,) for n in arrays[0].shape]:
            raise ValueError(
                "W, b and c must have shapes (n, m), (n,) and (m,), got "
                + ", ".join(str(a.shape) for a in arrays)
            )
        if not all(np.isfinite(a).all() for a in arrays):
            raise ValueError("W, b and c must be finite")
        machine = cls(hidden=arrays[0].shape[1])
        with machine._seeded(), torch.no_grad():
            network = machine._build(len(arrays[0])).double()
            for parameter, values in zip((network.W, network.b, network.c), arrays, strict=True):
                parameter.copy_(torch.as_tensor(values))
        machine.network_, machine.n_features_in_ = network.eval(), len(arrays[0])
        machine.losses_, machine.validation_ = [], []
        return machine

    def _check_parameters(self) -> None:
        super()._check_parameters()
        check_count("hidden", self.hidden)
        check_count("gibbs_steps", self.gibbs_steps)
        if not 0 <= self.momentum < 1:
            raise ValueError(f"momentum must be from 0 to below 1, got {self.momentum!r}")
        if not 0 <= self.lam < np.inf:
            raise ValueError(f"lam must be a number that is not negative, got {self.lam!r}")

    def _build(self, n_features: int) -> RBMNetwork:
        return RBMNetwork(n_features, self.hidden, self.batch_size)

    def fit(self, X: ArrayLike, *, progress: bool = False) -> Self:
        """Train the machine on binary samples.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Samples of 0 and 1.
        progress : bool, default=False
            Show a progress bar.

        Returns
        -------
        self : RBM
            Fitted.

        Raises
        ------
        ValueError
            If X or a hyperparameter has a value that is not possible.
        FloatingPointError
            If the free energies grow beyond all bounds.
        """
        rows = self._start(X)
        network = self.network_
        means = (rows.sum(dim=0) + 0.5) / (len(rows) + 1)
        network.base.copy_(torch.logit(means))
        network.b.data.copy_(network.base)
        parameters = (network.W, network.b, network.c)
        velocity = [torch.zeros_like(p) for p in parameters]

        @torch.no_grad()
        def step(k: int) -> float:
            drawn = torch.randint(len(rows), (self.batch_size,), device=rows.device)
            batch = rows[drawn]
            x = network.chains if self.persistent else batch
            for _ in range(self.gibbs_steps):
                x = network.sweep(x)
            network.chains.copy_(x)
            gap = network.free_energy(batch).mean() - network.free_energy(x).mean()
            ascent = self._ascent(batch, x)
            eta = self.eta * (1 - k / self.steps) if self.decay else self.eta
            for p, v, g in zip(parameters, velocity, ascent, strict=True):
                v.mul_(self.momentum).add_(g)
                p.add_(eta * v)
            return gap.item()

        with self._seeded():
            network.chains.copy_(rows[torch.randint(len(rows), (self.batch_size,))])
            self._train(step, progress=progress)
        return self

    def _ascent(self, data: torch.Tensor, model: torch.Tensor) -> list[torch.Tensor]:
        """Return positive minus negative phase for W, b and c, and the pull of the penalty."""
        network = self.network_
        h_data = torch.sigmoid(network.hidden_field(data))
        h_model = torch.sigmoid(network.hidden_field(model))
        W = data.T @ h_data / len(data) - model.T @ h_model / len(model)
        return [
            W - 2 * self.lam * network.W,
            data.mean(dim=0) - model.mean(dim=0),
            h_data.mean(dim=0) - h_model.mean(dim=0),
        ]

    def _double(self) -> RBMNetwork:
        """Return the network in double precision, for sums and logarithms."""
        check_is_fitted(self, "network_")
        return deepcopy(self.network_).double().requires_grad_(False)

    def _rows(self, X: ArrayLike) -> torch.Tensor:
        check_is_fitted(self, "network_")
        rows = torch.as_tensor(self._check_data(X), dtype=torch.float64)
        return rows.to(self.network_.W.device)

    def hidden_probabilities(self, X: ArrayLike) -> NDArray[np.float64]:
        """Return p(h_j = 1 | x) for each row, an array of shape (n_samples, hidden)."""
        rows = self._rows(X)
        return torch.sigmoid(self._double().hidden_field(rows)).cpu().numpy()

    def visible_probabilities(self, H: ArrayLike) -> NDArray[np.float64]:
        """Return p(x_i = 1 | h) for each row of hidden units, of shape (n_samples, n_features)."""
        network = self._double()
        rows = check_pixels(H, 2)
        if rows.shape[1] != len(network.c):
            raise ValueError(f"H must have {len(network.c)} columns, got {rows.shape[1]}")
        states = torch.as_tensor(rows, dtype=torch.float64, device=network.W.device)
        return torch.sigmoid(network.visible_field(states)).cpu().numpy()

    def free_energy(self, X: ArrayLike) -> NDArray[np.float64]:
        """Return F(x) = -b.x - sum_j log(1 + exp(c_j + (W^T x)_j)) of each row, in nats."""
        rows = self._rows(X)
        return self._double().free_energy(rows).cpu().numpy()

    def log_partition(self, method: str = "exact", **settings: Any) -> float:
        """Return log Z.

        Parameters
        ----------
        method : {"exact", "ais"}, default="exact"
            Sum over all states of the smaller layer, of at most 22 units; or estimate by annealed
            importance sampling (see `ais`, which also gives the error).
        **settings
            Passed to `ais`.

        Returns
        -------
        log_Z : float
            In nats.

        Raises
        ------
        ValueError
            If the method is not known, or both layers are too large to be summed over.
        """
        if method == "ais":
            return float(self.ais(**settings).log_partition)
        if method != "exact" or settings:
            raise ValueError(f"method must be 'exact' or 'ais', got {method!r} with {settings}")
        network = self._double()
        sums = [torch.logsumexp(logs, 0) for _, logs in _enumerate(network)]
        return float(torch.logsumexp(torch.stack(sums), 0))

    def log_prob(self, X: ArrayLike, log_partition: float | None = None) -> NDArray[np.float64]:
        """Return log p(x) of each row, in nats.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Samples of 0 and 1.
        log_partition : float, optional
            log Z, where you have it; otherwise it is summed, which takes a small layer.

        Returns
        -------
        log_p : ndarray of shape (n_samples,)
            Exact if log Z is.
        """
        energies = self.free_energy(X)
        return -energies - (self.log_partition() if log_partition is None else log_partition)

    def gibbs(
        self,
        X: ArrayLike,
        sweeps: int = 1,
        seed: int = 0,
        *,
        clamped: ArrayLike | None = None,
        beta: float = 1.0,
    ) -> NDArray[np.int64]:
        """Continue Gibbs chains from given visible units.

        Parameters
        ----------
        X : array-like of shape (n_chains, n_features)
            Where the chains are.
        sweeps : int, default=1
            Updates of the hidden and then the visible units.
        seed : int, default=0
            Seed.
        clamped : array-like of bool, shape (n_features,), optional
            Visible units that stay as they are: the chains then sample the others given these.
        beta : float, default=1.0
            Inverse temperature: the chains sample exp(-beta E(x, h)), whatever its sign.

        Returns
        -------
        X : ndarray of int64, shape (n_chains, n_features)
            Where the chains are then.
        """
        rows = self._rows(X).to(self.network_.W.dtype)
        keep = np.zeros(self.n_features_in_, bool) if clamped is None else np.asarray(clamped)
        if keep.shape != (self.n_features_in_,) or keep.dtype != bool:
            raise ValueError(f"clamped must be {self.n_features_in_} values of True or False")
        if not math.isfinite(beta):
            raise ValueError(f"beta must be a finite number, got {beta!r}")
        fixed, x = torch.as_tensor(keep, device=rows.device), rows
        with self._seeded(seed), torch.no_grad():
            for _ in range(check_count("sweeps", sweeps, 0)):
                x = torch.where(fixed, rows, self.network_.sweep(x, beta))
        return x.cpu().numpy().astype(np.int64)

    def sample(
        self, n: int, seed: int = 0, *, burn_in: int = 1000, method: str = "gibbs"
    ) -> NDArray[np.int64]:
        """Draw samples.

        Parameters
        ----------
        n : int
            Number of samples.
        seed : int, default=0
            Seed.
        burn_in : int, default=1000
            Sweeps of Gibbs sampling from the start, which is a state of one of the training's
            chains (after `from_parameters`, random bits). Each sample has a chain of its own.
        method : {"gibbs", "exact"}, default="gibbs"
            Chains, whose samples are as good as their burn-in; or draws from the table of all
            states of the smaller layer, of at most 22 units, which are independent and exact.

        Returns
        -------
        X : ndarray of int64, shape (n, n_features)
            Samples of 0 and 1.

        Raises
        ------
        ValueError
            If an argument is out of range.
        """
        check_is_fitted(self, "network_")
        n = check_count("n", n)
        if method == "exact":
            with self._seeded(seed):
                return _draw_exactly(self._double(), n).cpu().numpy().astype(np.int64)
        if method != "gibbs":
            raise ValueError(f"method must be 'gibbs' or 'exact', got {method!r}")
        check_count("burn_in", burn_in, 0)
        x = self.network_.chains
        with self._seeded(seed), torch.no_grad():
            x = x[torch.randint(len(x), (n,), device=x.device)]
            for _ in range(burn_in):
                x = self.network_.sweep(x)
        return x.cpu().numpy().astype(np.int64)

    def ais(self, chains: int = 500, temperatures: int = 5000, seed: int = 0) -> Bunch:
        """Estimate log Z by annealed importance sampling, from independent pixels to the machine.

        The estimate of Z is unbiased, that of log Z too low on average
        (``thm-boltzmann-machines-bracket``).

        Parameters
        ----------
        chains : int, default=500
            Independent runs, at least 2.
        temperatures : int, default=5000
            Stages, equally spaced.
        seed : int, default=0
            Seed.

        Returns
        -------
        result : sklearn.utils.Bunch
            ``log_partition``; ``error``, its standard error by linear propagation, fair as long as
            it is well below one; ``log_weights``, ndarray of shape (chains,): log Z_0 plus the
            logarithm of each run's weight.

        Raises
        ------
        ValueError
            If an argument is out of range.
        """
        network, stages = self._annealing(chains, temperatures)
        with self._seeded(seed), torch.no_grad():
            x = torch.bernoulli(torch.sigmoid(network.base).expand(chains, -1))
            logs = torch.zeros(chains, dtype=torch.float64, device=x.device)
            for low, high in pairwise(stages):
                logs += network.log_ratio(x, low, high)
                x = network.annealed(x, high)
        return _estimate(network.base_log_partition().item() + logs.cpu().numpy(), 1)

    def reverse_ais(self, samples: ArrayLike, *, temperatures: int = 5000, seed: int = 0) -> Bunch:
        """Estimate log Z by annealing from samples of the machine back to independent pixels.

        The estimate of 1/Z is unbiased, that of log Z too high on average, if the samples have the
        machine's law (``thm-boltzmann-machines-bracket``).

        Parameters
        ----------
        samples : array-like of shape (n_chains, n_features)
            Independent samples of the machine, at least 2.
        temperatures : int, default=5000
            Stages, equally spaced.
        seed : int, default=0
            Seed.

        Returns
        -------
        result : sklearn.utils.Bunch
            As of `ais`.

        Raises
        ------
        ValueError
            If an argument is out of range.
        """
        rows = self._rows(samples)
        network, stages = self._annealing(len(rows), temperatures)
        x = rows.to(network.W.dtype)
        with self._seeded(seed), torch.no_grad():
            logs = torch.zeros(len(x), dtype=torch.float64, device=x.device)
            for high, low in pairwise(stages[::-1]):
                x = network.annealed(x, high)
                logs += network.log_ratio(x, low, high)
        return _estimate(network.base_log_partition().item() + logs.cpu().numpy(), -1)

    def _annealing(self, chains: int, temperatures: int) -> tuple[RBMNetwork, list[float]]:
        check_is_fitted(self, "network_")
        check_count("chains", chains, 2)
        count = check_count("temperatures", temperatures)
        return self.network_, np.linspace(0, 1, count + 1).tolist()


def _estimate(log_weights: NDArray[np.float64], sign: int) -> Bunch:
    """Average weights (sign 1) or their inverses (sign -1), in logarithms, with an error."""
    scaled = sign * log_weights
    weights = np.exp(scaled - scaled.max())
    mean = weights.mean()
    error = weights.std(ddof=1) / (mean * math.sqrt(len(weights)))
    log_partition = sign * (scaled.max() + math.log(mean))
    return Bunch(log_partition=float(log_partition), error=float(error), log_weights=log_weights)


def _enumerate(network: RBMNetwork) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    """Give all states of the smaller layer, in chunks, with the logarithms of their weights.

    The weight of a state is the sum of exp(-E) over the states of the other layer.
    """
    W: torch.Tensor = network.W
    own: torch.Tensor = network.b
    other: torch.Tensor = network.c
    if W.shape[0] > W.shape[1]:
        W, own, other = W.T, network.c, network.b
    units = len(own)
    if units > LARGEST_LAYER:
        raise ValueError(
            f"the smaller layer has {units} units, and its 2^{units} states cannot be summed over "
            f"(at most {LARGEST_LAYER} units); use ais() and reverse_ais()"
        )
    digits = torch.arange(units, device=W.device)
    for first in range(0, 2**units, CHUNK):
        numbers = torch.arange(first, min(first + CHUNK, 2**units), device=W.device)
        states = ((numbers[:, None] >> digits) & 1).to(W.dtype)
        yield states, states @ own + softplus(states @ W + other).sum(dim=1)


def _draw_exactly(network: RBMNetwork, n: int) -> torch.Tensor:
    """Draw states of the smaller layer from their table, and the visible units given them."""
    parts = list(_enumerate(network))
    states = torch.cat([part[0] for part in parts])
    logs = torch.cat([part[1] for part in parts])
    total = torch.softmax(logs, 0).cumsum(0)
    u = torch.rand(n, dtype=total.dtype, device=total.device) * total[-1]
    drawn = states[torch.searchsorted(total, u).clamp(max=len(total) - 1)]
    if states.shape[1] == len(network.b) and len(network.b) <= len(network.c):
        return drawn
    return torch.bernoulli(torch.sigmoid(network.visible_field(drawn)))
