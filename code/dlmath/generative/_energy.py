"""Energies that are deep networks, trained with Langevin chains as their negative phase."""

from __future__ import annotations

import math
from copy import deepcopy
from itertools import pairwise
from typing import Any, Self

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from sklearn.utils import check_array
from sklearn.utils.validation import check_is_fitted
from torch import nn

from dlmath._checks import check_above_zero, check_count
from dlmath.generative._base import GenerativeModel

GRID_WIDTHS = 6.0
"""Half the side of the grid for log Z, in standard deviations of the base Gaussian."""

LARGEST_GRID = 2
"""Features, at most, in which log Z is summed over a grid."""


class EnergyNetwork(nn.Module):
    """A network f, the units of the data, and the chains of the training.

    The energy of a point u in standard units is ``gain * f(u) + |u|^2 / (2 base^2)``
    (``eq-energy-models-network``).

    Attributes
    ----------
    layers : torch.nn.Sequential
        Dense layers with SiLU between them.
    mean, scale : Tensor of shape (n_features,)
        Units: u = (x - mean) / scale.
    chains : Tensor of shape (n_chains, n_features)
        The buffer, in standard units; not saved.
    """

    def __init__(
        self,
        n_features: int,
        hidden: tuple[int, ...],
        gain: float,
        sharpness: float,
        base: float,
        n_chains: int,
    ) -> None:
        super().__init__()
        sizes, layers = (n_features, *hidden), []
        for inputs, outputs in pairwise(sizes):
            layers += [nn.Linear(inputs, outputs), nn.SiLU()]
        self.layers = nn.Sequential(*layers, nn.Linear(sizes[-1], 1))
        for parameter in self.layers[0].parameters():
            parameter.data.mul_(sharpness)
        self.gain, self.base = gain, base
        self.mean: torch.Tensor
        self.scale: torch.Tensor
        self.chains: torch.Tensor
        self.register_buffer("mean", torch.zeros(n_features))
        self.register_buffer("scale", torch.ones(n_features))
        start = base * torch.randn(n_chains, n_features)
        self.register_buffer("chains", start, persistent=False)

    def forward(self, u: torch.Tensor) -> torch.Tensor:
        """Return f(u), of shape (n,)."""
        return self.layers(u).squeeze(1)

    def energy(self, u: torch.Tensor) -> torch.Tensor:
        """Return the energy, of shape (n,)."""
        return self.gain * self(u) + u.square().sum(dim=1) / (2 * self.base**2)

    def force(self, u: torch.Tensor) -> torch.Tensor:
        """Return minus the gradient of the energy."""
        with torch.enable_grad():
            u = u.detach().requires_grad_()
            (gradient,) = torch.autograd.grad(self.energy(u).sum(), u)
        return -gradient


class EnergyModel(GenerativeModel):
    """A density p(x) = exp(-E(x)) / Z whose energy is a network.

    Training lowers the energy of the data and raises that of samples of the model
    (``eq-energy-models-gradient``). The samples come from Langevin chains with a finite step
    (``eq-energy-models-langevin``), which are kept in a buffer between the updates; a share of them
    begins anew at every update.

    Parameters
    ----------
    hidden : tuple of int, default=(64, 64)
        Widths of the hidden layers.
    langevin_steps : int, default=20
        Steps of the chains between two updates.
    step_size : float, default=0.01
        Step eps of the chains, in standard units squared: noise has the variance eps.
    noise : float, default=1.0
        Factor of the noise; only 1 is Langevin's equation, and 0 is gradient descent.
    clip : float, default=0.1
        Largest drift of one coordinate in one step, in standard units.
    n_chains : int, default=2000
        Size of the buffer.
    restart : float, default=0.05
        Share of the chains of a batch that begin anew, from the base Gaussian; 1 means that no
        buffer is used.
    gain : float, default=1.0
        Factor between network and energy.
    sharpness : float, default=1.0
        Factor of the first layer's initial weights: large for energies with many valleys.
    base : float, default=1.0
        Width of the base Gaussian in standard units.
    penalty : float, default=0.001
        Penalty on the squared outputs of the network, at data and at samples.
    levels : int or None, default=None
        Grey levels of pixels, which are spread by uniform noise of width one, or None for
        continuous data.
    eta : float, default=0.001
        Learning rate of Adam at the beginning; it falls linearly to zero.
    steps : int, default=2000
        Number of updates.
    batch_size : int, default=128
        Samples, and chains, in each update.
    seed : int, default=0
        Seed of torch's generator.
    device : str, default="cpu"
        Where to compute.

    Attributes
    ----------
    network_ : EnergyNetwork
        The network and the units of the data.
    losses_ : list of float
        Mean energy of the batch minus that of the chains, at every step.

    References
    ----------
    E. Nijkamp et al., AAAI (2020), arXiv:1903.12370; Y. Du and I. Mordatch, NeurIPS (2019),
    arXiv:1903.08689.

    Examples
    --------
    >>> import numpy as np
    >>> from dlmath.generative import EnergyModel
    >>> X = np.random.default_rng(0).normal(size=(200, 2))
    >>> model = EnergyModel(hidden=(8,), steps=3, n_chains=50, batch_size=20).fit(X)
    >>> model.score(X).shape
    (200, 2)
    """

    network_: EnergyNetwork

    def __init__(
        self,
        hidden: tuple[int, ...] = (64, 64),
        *,
        langevin_steps: int = 20,
        step_size: float = 0.01,
        noise: float = 1.0,
        clip: float = 0.1,
        n_chains: int = 2000,
        restart: float = 0.05,
        gain: float = 1.0,
        sharpness: float = 1.0,
        base: float = 1.0,
        penalty: float = 0.001,
        levels: int | None = None,
        eta: float = 1e-3,
        steps: int = 2000,
        batch_size: int = 128,
        seed: int = 0,
        device: str = "cpu",
    ) -> None:
        self.hidden = hidden
        self.langevin_steps = langevin_steps
        self.step_size = step_size
        self.noise = noise
        self.clip = clip
        self.n_chains = n_chains
        self.restart = restart
        self.gain = gain
        self.sharpness = sharpness
        self.base = base
        self.penalty = penalty
        self.levels = levels
        self.eta = eta
        self.steps = steps
        self.batch_size = batch_size
        self.seed = seed
        self.device = device

    def _check_parameters(self) -> None:
        super()._check_parameters()
        if not isinstance(self.hidden, tuple) or not self.hidden:
            raise ValueError(f"hidden must be a tuple of widths, got {self.hidden!r}")
        for width in self.hidden:
            check_count("hidden", width)
        check_count("langevin_steps", self.langevin_steps)
        for name in ("step_size", "clip", "gain", "sharpness", "base"):
            check_above_zero(name, getattr(self, name))
        for name in ("noise", "penalty"):
            if not 0 <= getattr(self, name) < np.inf:
                raise ValueError(f"{name} must not be negative, got {getattr(self, name)!r}")
        if not 0 <= self.restart <= 1:
            raise ValueError(f"restart must lie between 0 and 1, got {self.restart!r}")
        if check_count("n_chains", self.n_chains) < self.batch_size:
            raise ValueError(
                f"n_chains must be at least batch_size={self.batch_size}, got {self.n_chains}"
            )

    def _build(self, n_features: int) -> EnergyNetwork:
        return EnergyNetwork(
            n_features, self.hidden, self.gain, self.sharpness, self.base, self.n_chains
        )

    def fit(self, X: ArrayLike, *, progress: bool = False) -> Self:
        """Train the energy.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Samples.
        progress : bool, default=False
            Show a progress bar.

        Returns
        -------
        self : EnergyModel
            Fitted.

        Raises
        ------
        ValueError
            If X or a hyperparameter has a value that is not possible.
        FloatingPointError
            If the energies grow beyond all bounds.
        """
        rows = self._start(X)
        network = self.network_
        self._set_units(rows)
        optimiser = torch.optim.Adam(network.parameters(), self.eta, betas=(0.5, 0.999))

        def step(k: int) -> float:
            for group in optimiser.param_groups:
                group["lr"] = self.eta * (1 - k / self.steps)
            data = self._batch(rows)
            model = self._negative_phase()
            f_data, f_model = network(data), network(model)
            loss = self.gain * (f_data.mean() - f_model.mean())
            squares = f_data.square().mean() + f_model.square().mean()
            optimiser.zero_grad(set_to_none=True)
            (loss + self.penalty * squares).backward()
            optimiser.step()
            return (network.energy(data).mean() - network.energy(model).mean()).item()

        with self._seeded():
            network.chains.copy_(self._start_chains(self.n_chains))
            self._train(step, progress=progress)
        return self

    def _set_units(self, rows: torch.Tensor) -> None:
        """Standardise each feature; grey levels have the spread of their cells besides."""
        variance = rows.var(dim=0, correction=0) + (0 if self.levels is None else 1 / 12)
        scale = torch.where(variance > 0, variance.sqrt(), torch.ones_like(variance))
        self.network_.mean.copy_(rows.mean(dim=0))
        self.network_.scale.copy_(scale)

    def _standard(self, rows: torch.Tensor) -> torch.Tensor:
        return (rows - self.network_.mean) / self.network_.scale

    def _batch(self, rows: torch.Tensor) -> torch.Tensor:
        """Draw a batch of data in standard units; grey levels are spread over their cells."""
        batch = rows[torch.randint(len(rows), (self.batch_size,), device=rows.device)]
        if self.levels is not None:
            batch = batch + torch.rand_like(batch) - 0.5
        return self._standard(batch)

    def _start_chains(self, n: int) -> torch.Tensor:
        """Draw where chains begin: from the base Gaussian."""
        network = self.network_
        return self.base * torch.randn(n, len(network.mean), device=network.mean.device)

    @torch.no_grad()
    def _negative_phase(self) -> torch.Tensor:
        """Move a part of the buffer, some of it from a new start, and return it."""
        network = self.network_
        chosen = torch.randperm(self.n_chains, device=network.mean.device)[: self.batch_size]
        fresh = self._start_chains(self.batch_size)
        anew = torch.rand(self.batch_size, 1, device=fresh.device) < self.restart
        u = torch.where(anew, fresh, network.chains[chosen])
        for _ in range(self.langevin_steps):
            u = self._langevin(u)
        network.chains[chosen] = u
        return u

    def _langevin(self, u: torch.Tensor, beta: float = 1.0) -> torch.Tensor:
        """Make one step of the chains: drift, at most ``clip`` in each coordinate, and noise."""
        drift = (self.step_size / 2 * beta * self.network_.force(u)).clamp(-self.clip, self.clip)
        return u + drift + self.noise * math.sqrt(self.step_size) * torch.randn_like(u)

    def energy(self, X: ArrayLike) -> NDArray[np.float64]:
        """Return E(x) of each row, in nats; only differences of energies mean something."""
        return self._double().energy(self._rows(X)).numpy()

    def score(self, X: ArrayLike) -> NDArray[np.float64]:
        """Return the gradient of log p at each row, of shape (n_samples, n_features).

        It needs no log Z (``eq-energy-models-score``).
        """
        network = self._double()
        return (network.force(self._rows(X)) / network.scale).numpy()

    def _double(self) -> EnergyNetwork:
        """Return the network in double precision on the processor, for sums and logarithms."""
        check_is_fitted(self, "network_")
        return deepcopy(self.network_).cpu().double().requires_grad_(False)

    def _rows(self, X: ArrayLike) -> torch.Tensor:
        """Return rows in standard units, in double precision; pixels need not be integers."""
        check_is_fitted(self, "network_")
        rows = torch.as_tensor(self._check_data(X), dtype=torch.float64)
        mean, scale = (v.cpu().double() for v in (self.network_.mean, self.network_.scale))
        return (rows - mean) / scale

    def _check_data(self, X: ArrayLike) -> NDArray[np.float64]:
        """Check finite numbers: energies exist between the grey levels too."""
        rows: NDArray[np.float64] = check_array(X, dtype=float, input_name="X")
        if rows.shape[1] != self.n_features_in_:
            raise ValueError(f"X must have {self.n_features_in_} columns, got {rows.shape[1]}")
        return rows

    def as_arrays(self) -> dict[str, Any]:
        """Return the energy as numbers: ``layers`` (pairs of W and b), ``gain``, ``base``, units.

        The energy is ``gain * f(u) + |u|^2 / (2 base^2)`` with u = (x - ``mean``) / ``scale``; f
        are layers ``a W^T + b`` with SiLU between them.
        """
        network = self._double()
        dense = [layer for layer in network.layers if isinstance(layer, nn.Linear)]
        return {
            "layers": [(layer.weight.numpy(), layer.bias.numpy()) for layer in dense],
            "gain": self.gain,
            "base": self.base,
            "mean": network.mean.numpy(),
            "scale": network.scale.numpy(),
        }

    def log_partition(self, points: int = 400) -> float:
        """Return log Z by summing over a grid, for one or two features.

        Parameters
        ----------
        points : int, default=400
            Points of the grid in each direction. It reaches six widths of the base Gaussian to
            each side.

        Returns
        -------
        log_Z : float
            In nats, for densities in the units of the data.

        Raises
        ------
        ValueError
            If there are more than two features.
        """
        network, d = self._double(), self.n_features_in_
        if d > LARGEST_GRID:
            raise ValueError(f"log Z is summed in the plane at most, and there are {d} features")
        axis = torch.linspace(-1, 1, check_count("points", points, 2), dtype=torch.float64)
        axis = GRID_WIDTHS * self.base * axis
        grid = torch.cartesian_prod(*d * [axis]).reshape(-1, d)
        total = torch.cat([-network.energy(part) for part in grid.split(2**14)]).logsumexp(0)
        cell = d * torch.log(axis[1] - axis[0]) + network.scale.log().sum()
        return float(total + cell)

    def log_prob(self, X: ArrayLike, log_partition: float | None = None) -> NDArray[np.float64]:
        """Return the log-density of each row, in nats.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Points.
        log_partition : float, optional
            log Z; summed over a grid if not given, which takes at most two features.

        Returns
        -------
        log_prob : ndarray of shape (n_samples,)
        """
        energies = self.energy(X)
        return -energies - (self.log_partition() if log_partition is None else log_partition)

    def sample(self, n: int, seed: int = 0, *, langevin_steps: int | None = None) -> NDArray[Any]:
        """Draw samples by Langevin chains that begin at the base Gaussian.

        Parameters
        ----------
        n : int
            How many; each has a chain of its own.
        seed : int, default=0
            Seed.
        langevin_steps : int, optional
            Steps of each chain. If not given, the mean age of the chains in training: the steps
            between two updates over the share of restarts (500 if there are no restarts).

        Returns
        -------
        X : ndarray of shape (n, n_features)
            Samples, in grey levels if the model has them.
        """
        check_is_fitted(self, "network_")
        if langevin_steps is None:
            langevin_steps = round(self.langevin_steps / self.restart) if self.restart else 500
        with self._seeded(seed):
            u = self._start_chains(check_count("n", n))
        return self._walk(u, langevin_steps, seed + 1)

    def langevin(
        self, X: ArrayLike, langevin_steps: int, seed: int = 0, *, beta: float = 1.0
    ) -> NDArray[Any]:
        """Continue chains from given points, at the inverse temperature ``beta``.

        Parameters
        ----------
        X : array-like of shape (n_chains, n_features)
            Where the chains are.
        langevin_steps : int
            Steps of each.
        seed : int, default=0
            Seed.
        beta : float, default=1.0
            Factor of the energy, above zero.

        Returns
        -------
        X : ndarray of shape (n_chains, n_features)
        """
        u = self._rows(X).to(next(self.network_.parameters()))
        return self._walk(u, langevin_steps, seed, check_above_zero("beta", beta))

    @torch.no_grad()
    def _walk(self, u: torch.Tensor, steps: int, seed: int, beta: float = 1.0) -> NDArray[Any]:
        with self._seeded(seed):
            for _ in range(check_count("langevin_steps", steps, 0)):
                u = self._langevin(u, beta)
        rows = (u * self.network_.scale + self.network_.mean).cpu().double()
        if not torch.isfinite(rows).all():
            raise FloatingPointError("the chains ran away: take a smaller step_size")
        if self.levels is None:
            return rows.numpy()
        return rows.round().clamp(0, self.levels - 1).numpy().astype(np.int64)
