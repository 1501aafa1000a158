"""A flow that learns a lattice field theory from its action, without any samples."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from sklearn.utils.validation import check_is_fitted
from torch import nn

from dlmath._checks import check_above_zero, check_count
from dlmath.generative._flows import ROWS, RealNVP
from dlmath.generative._transforms import Flow, Pair, conditioner, log_gaussian


class SharedConditioner(nn.Module):
    """One network for all sites: it sees the kept sites as they lie around the one to be moved.

    So the flow commutes with translations that map the chess board to itself, as the action does.

    Parameters
    ----------
    kept : tensor of bool, shape (size ** 2,)
        One colour of the chess board.
    size : int
        Even side of the lattice.
    width, count : int
        Width of the two hidden layers, and numbers wanted for each site.
    """

    around: torch.Tensor

    def __init__(self, kept: torch.Tensor, size: int, width: int, count: int) -> None:
        super().__init__()
        board = kept.view(size, size)
        steps = [(a, b) for a in range(size) for b in range(size) if (a + b) % 2]
        place = kept.cumsum(0).view(size, size) - 1
        around = [
            [int(place[(i + a) % size, (j + b) % size]) for a, b in steps]
            for i, j in (~board).nonzero().tolist()
        ]
        self.register_buffer("around", torch.tensor(around), persistent=False)
        self.network = conditioner(len(steps), width, count)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map kept sites (n, m) to parameters (n, m, count)."""
        return self.network(x[:, self.around])


class FreeField(nn.Module):
    """Give each Fourier mode a scale of its own: from a standard Gaussian to a free field.

    Modes of one lattice momentum share a scale, which is trained and begins as that of a free
    field of mass one. So is the mean of the field, which begins near zero.
    """

    modes: torch.Tensor
    shell: torch.Tensor

    def __init__(self, size: int) -> None:
        super().__init__()
        place = np.indices((size, size)).reshape(2, -1)
        angles = 2 * np.pi / size * place.T @ place
        # Real, symmetric and orthogonal: Hartley's transform.
        self.register_buffer(
            "modes",
            torch.tensor((np.cos(angles) + np.sin(angles)) / size, dtype=torch.float32),
            persistent=False,
        )
        momentum = (4 * np.sin(np.pi * place / size) ** 2).sum(0).round(9)
        values, shell = np.unique(momentum, return_inverse=True)
        self.register_buffer("shell", torch.tensor(shell), persistent=False)
        start = torch.tensor(-0.5 * np.log(values + 1), dtype=torch.float32)
        self.log_scale = nn.Parameter(start)
        self.mean = nn.Parameter(torch.tensor(0.1))

    def _scaled(self, x: torch.Tensor, sign: float) -> Pair:
        log_scale = sign * self.log_scale[self.shell]
        modes = self.modes.to(x.dtype)
        return (x @ modes * log_scale.exp()) @ modes, log_scale.sum().expand(len(x))

    def forward(self, x: torch.Tensor) -> Pair:
        """From the field to independent numbers."""
        return self._scaled(x - self.mean, -1.0)

    def inverse(self, z: torch.Tensor) -> Pair:
        """From independent numbers to the field."""
        x, log_det = self._scaled(z, 1.0)
        return x + self.mean, log_det


class LatticeFlow(RealNVP):
    """RealNVP whose law approaches exp(-action)/Z of a phi^4 field, by the reverse divergence.

    ``fit`` needs no data: it draws fields from the flow itself and lowers the mean of
    ``log q + action``, which is KL(q, p) - log Z.

    Parameters
    ----------
    size : int, default=6
        Even side of the lattice.
    mass_squared, coupling : float
        m^2 and g of `dlmath.lattice.action`.
    symmetric : bool, default=True
        Whether each field is multiplied by a random sign: the law becomes the average of the
        flow's law and its mirror image, and both phases are found.
    layers, width, steps, batch_size, eta, weight_decay, seed, device
        As for `RealNVP`.
    """

    def __init__(
        self,
        size: int = 6,
        mass_squared: float = -4.0,
        coupling: float = 3.5,
        symmetric: bool = True,
        layers: int = 6,
        width: int = 24,
        weight_decay: float = 0.0,
        steps: int = 1500,
        batch_size: int = 128,
        eta: float = 2e-3,
        seed: int = 0,
        device: str = "cpu",
    ) -> None:
        super().__init__(
            layers=layers,
            width=width,
            masks="checkerboard",
            weight_decay=weight_decay,
            steps=steps,
            batch_size=batch_size,
            eta=eta,
            seed=seed,
            device=device,
        )
        self.size = size
        self.mass_squared = mass_squared
        self.coupling = coupling
        self.symmetric = symmetric

    def _check_parameters(self) -> None:
        super()._check_parameters()
        check_above_zero("coupling", self.coupling)
        if check_count("size", self.size, 2) % 2:
            raise ValueError(f"size must be even, got {self.size}")

    def _conditioner(self, kept: torch.Tensor, count: int) -> nn.Module:
        return SharedConditioner(kept, self.size, self.width, count)

    def _build(self, n_features: int) -> Flow:
        couplings = super()._build(n_features).transforms[1:]
        return Flow(*couplings, FreeField(self.size))

    def _action(self, x: torch.Tensor) -> torch.Tensor:
        phi = x.view(-1, self.size, self.size)
        gradients = sum((phi.roll(-1, axis) - phi) ** 2 for axis in (1, 2))
        density = gradients / 2 + self.mass_squared / 2 * phi**2 + self.coupling / 4 * phi**4
        return density.sum((1, 2))

    def _propose(self, n: int) -> tuple[torch.Tensor, torch.Tensor]:
        """Draw fields as rows, with the log of the density with which they are drawn."""
        weights = next(self.network_.parameters())
        z = torch.randn(n, self.size**2, dtype=weights.dtype, device=weights.device)
        x, log_det = self.network_.inverse(z)
        log_q = log_gaussian(z) - log_det
        if not self.symmetric:
            return x, log_q
        sign = torch.randint(2, (n, 1), device=x.device) * 2 - 1
        mirrored = self.network_.log_prob(-x)
        return sign * x, torch.logaddexp(log_q, mirrored) - np.log(2)

    def fit(self, X: ArrayLike | None = None, *, progress: bool = False) -> Self:
        """Lower the reverse divergence from the flow to exp(-action)/Z.

        Parameters
        ----------
        X : None
            Not used: the action is all that is learnt from.
        progress : bool, default=False
            Show a bar.
        """
        self._start(np.zeros((1, check_count("size", self.size, 2) ** 2)))
        with self._seeded():

            def cost() -> torch.Tensor:
                x, log_q = self._propose(self.batch_size)
                return (log_q + self._action(x)).mean()

            self._descend(cost, progress)
        return self

    @torch.no_grad()
    def propose(self, n: int, seed: int = 0) -> tuple[NDArray[Any], NDArray[np.float64]]:
        """Draw fields with their log-density under the flow.

        Parameters
        ----------
        n : int
            Number of fields.
        seed : int, default=0
            Of the draws.

        Returns
        -------
        fields : ndarray of shape (n, size, size)
        log_q : ndarray of shape (n,)
            Nats.
        """
        check_is_fitted(self, "network_")
        check_count("n", n)
        with self._seeded(seed):
            parts = [self._propose(min(ROWS, n - start)) for start in range(0, n, ROWS)]
        fields, log_q = (
            torch.cat(part).double().cpu().numpy() for part in zip(*parts, strict=True)
        )
        return fields.reshape(n, self.size, self.size), log_q

    @torch.no_grad()
    def log_prob(self, X: ArrayLike) -> NDArray[np.float64]:
        """Exact log-density of fields, given as rows of shape (n_samples, size ** 2)."""
        found = super().log_prob(X)
        if not self.symmetric:
            return found
        return np.logaddexp(found, super().log_prob(-np.asarray(X, dtype=float))) - np.log(2)

    def sample(self, n: int, seed: int = 0) -> NDArray[Any]:
        """Draw fields as rows of shape (n, size ** 2)."""
        return self.propose(n, seed)[0].reshape(n, -1)
