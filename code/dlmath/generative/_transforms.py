"""Invertible maps whose log-determinants are cheap: what flows are built from.

Every transform maps ``x`` of shape (n, D) to ``(z, log_det)``, the log of the absolute determinant
of the Jacobian in each row, and its ``inverse`` does the same backwards.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import nn
from torch.nn import functional as F

Pair = tuple[torch.Tensor, torch.Tensor]
Elementwise = Callable[[torch.Tensor, torch.Tensor, bool], Pair]

LARGEST_LOG_SCALE = 3.0
LEAST_BIN = 1e-3
LEAST_SLOPE = 1e-3


def affine(u: torch.Tensor, parameters: torch.Tensor, inverse: bool) -> Pair:
    """Scale and shift: u -> u exp(s) + t, with |s| held below a bound by a tanh.

    Parameters
    ----------
    u : tensor of shape (n, m)
        Values.
    parameters : tensor of shape (n, m, 2)
        The unbounded s, and t.
    inverse : bool
        Whether to go backwards.

    Returns
    -------
    v, log_slope : tensors of shape (n, m)
        The values, and the log of the derivative of each.
    """
    s = LARGEST_LOG_SCALE * torch.tanh(parameters[..., 0] / LARGEST_LOG_SCALE)
    t = parameters[..., 1]
    if inverse:
        return (u - t) * torch.exp(-s), -s
    return u * torch.exp(s) + t, s


def knots(parameters: torch.Tensor, reach: float) -> tuple[torch.Tensor, ...]:
    """Turn free parameters (..., 3K - 1) into the knots of a monotone spline on [-reach, reach].

    Returns
    -------
    x, y, slope : tensors of shape (..., K + 1)
        Increasing abscissas and ordinates, and positive derivatives, which are 1 at both ends.
    """
    bins = (parameters.shape[-1] + 1) // 3
    widths, heights, slopes = parameters.split([bins, bins, bins - 1], -1)
    places = []
    for free in (widths, heights):
        share = LEAST_BIN + (1 - bins * LEAST_BIN) * F.softmax(free, -1)
        inner = torch.cumsum(share, -1)[..., :-1]
        ends = torch.ones_like(share[..., :1])
        places.append(reach * torch.cat([-ends, 2 * inner - 1, ends], -1))
    # A free parameter of zero gives the derivative 1: zeros give the identity.
    offset = math.log(math.expm1(1 - LEAST_SLOPE))
    inner = LEAST_SLOPE + F.softplus(slopes + offset)
    ones = torch.ones_like(inner[..., :1])
    return places[0], places[1], torch.cat([ones, inner, ones], -1)


def spline(u: torch.Tensor, parameters: torch.Tensor, inverse: bool, reach: float) -> Pair:
    """Monotone rational-quadratic spline through knots; the identity outside of [-reach, reach].

    Equations eq-autoregressive-models-and-flows-spline, -spline-slope and -spline-inverse.
    """
    x, y, slope = knots(parameters, reach)
    inside = (u > -reach) & (u < reach)
    v = torch.where(inside, u, torch.zeros_like(u))
    edges = y if inverse else x
    bin = (torch.searchsorted(edges.contiguous(), v[..., None], right=True) - 1).clamp(
        0, x.shape[-1] - 2
    )

    def at(table: torch.Tensor, shift: int = 0) -> torch.Tensor:
        return table.gather(-1, bin + shift).squeeze(-1)

    x0, y0 = at(x), at(y)
    width, height = at(x, 1) - x0, at(y, 1) - y0
    left, right, s = at(slope), at(slope, 1), height / width
    xi = _root(v - y0, height, left, right, s) if inverse else (v - x0) / width
    rest = xi * (1 - xi)
    below = s + (left + right - 2 * s) * rest
    derivative = s**2 * (right * xi**2 + 2 * s * rest + left * (1 - xi) ** 2) / below**2
    out = x0 + xi * width if inverse else y0 + height * (s * xi**2 + left * rest) / below
    log_slope = -torch.log(derivative) if inverse else torch.log(derivative)
    return torch.where(inside, out, u), torch.where(inside, log_slope, torch.zeros_like(u))


def _root(
    rise: torch.Tensor,
    height: torch.Tensor,
    left: torch.Tensor,
    right: torch.Tensor,
    s: torch.Tensor,
) -> torch.Tensor:
    """Solve a xi^2 + b xi + c = 0 for the root in [0, 1], in the form that never cancels."""
    bend = rise * (left + right - 2 * s)
    a = height * (s - left) + bend
    b = height * left - bend
    c = -s * rise
    return 2 * c / (-b - torch.sqrt((b**2 - 4 * a * c).clamp_min(0)))


def conditioner(inputs: int, width: int, outputs: int, dropout: float = 0.0) -> nn.Sequential:
    """Make a network with two hidden layers that begins by answering zero: an identity map."""
    last = nn.Linear(width, outputs)
    nn.init.zeros_(last.weight)
    nn.init.zeros_(last.bias)
    return nn.Sequential(
        nn.Linear(inputs, width),
        nn.SiLU(),
        nn.Dropout(dropout),
        nn.Linear(width, width),
        nn.SiLU(),
        nn.Dropout(dropout),
        last,
    )


class Coupling(nn.Module):
    """Keep some variables; move the others by an elementwise map that the kept ones choose.

    Parameters
    ----------
    kept : tensor of bool, shape (D,)
        Which variables stay.
    network : torch.nn.Module
        Maps the kept variables, (n, D - m), to the parameters of the elementwise map for the m
        others: (n, m, count), or the same in one row.
    move : callable
        ``move(u, parameters, inverse)`` returns the moved values and their log-slopes.
    """

    kept: torch.Tensor
    moved: torch.Tensor

    def __init__(self, kept: torch.Tensor, network: nn.Module, move: Elementwise) -> None:
        super().__init__()
        self.register_buffer("kept", kept.nonzero()[:, 0], persistent=False)
        self.register_buffer("moved", (~kept).nonzero()[:, 0], persistent=False)
        self.network = network
        self.move = move

    def _both(self, x: torch.Tensor, inverse: bool) -> Pair:
        u, h = x[:, self.moved], self.network(x[:, self.kept])
        values, log_slopes = self.move(u, h.view(*u.shape, -1), inverse)
        return x.index_copy(1, self.moved, values), log_slopes.sum(1)

    def forward(self, x: torch.Tensor) -> Pair:
        """Map towards the base, with the log-determinant."""
        return self._both(x, False)

    def inverse(self, z: torch.Tensor) -> Pair:
        """Map back, with the log-determinant of the inverse."""
        return self._both(z, True)


class Standardise(nn.Module):
    """Subtract a mean and divide by a scale, variable by variable; set from data."""

    mean: torch.Tensor
    scale: torch.Tensor

    def __init__(self, n_features: int) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(n_features))
        self.register_buffer("scale", torch.ones(n_features))

    @torch.no_grad()
    def set(self, x: torch.Tensor) -> None:
        """Take mean and standard deviation from rows; what never varies keeps the scale 1."""
        self.mean.copy_(x.mean(0))
        sd = x.std(0, correction=0)
        self.scale.copy_(torch.where(sd > 0, sd, torch.ones_like(sd)))

    def forward(self, x: torch.Tensor) -> Pair:
        """Standardise."""
        return (x - self.mean) / self.scale, -self.scale.log().sum().expand(len(x))

    def inverse(self, z: torch.Tensor) -> Pair:
        """Undo it."""
        return z * self.scale + self.mean, self.scale.log().sum().expand(len(z))


class Logit(nn.Module):
    """Map [0, 1] to a bounded part of the line: logit of a + (1 - 2 a) y with a small a."""

    def __init__(self, margin: float = 0.02) -> None:
        super().__init__()
        self.margin = margin

    def _log_slope(self, u: torch.Tensor) -> torch.Tensor:
        return (math.log(1 - 2 * self.margin) - torch.log(u) - torch.log1p(-u)).sum(1)

    def forward(self, x: torch.Tensor) -> Pair:
        """From the unit interval."""
        u = self.margin + (1 - 2 * self.margin) * x
        return torch.log(u) - torch.log1p(-u), self._log_slope(u)

    def inverse(self, z: torch.Tensor) -> Pair:
        """To the unit interval, or a little beyond its ends."""
        u = torch.sigmoid(z)
        return (u - self.margin) / (1 - 2 * self.margin), -self._log_slope(u)


class Flow(nn.Module):
    """Transforms one after the other, from the data x to the base z, a standard Gaussian."""

    def __init__(self, *transforms: nn.Module) -> None:
        super().__init__()
        self.transforms = nn.ModuleList(transforms)

    def forward(self, x: torch.Tensor) -> Pair:
        """Map x to z; log-determinants add."""
        total = x.new_zeros(len(x))
        for transform in self.transforms:
            x, log_det = transform(x)
            total = total + log_det
        return x, total

    def inverse(self, z: torch.Tensor) -> Pair:
        """Map z to x, in the opposite order."""
        total = z.new_zeros(len(z))
        for transform in reversed(self.transforms):
            z, log_det = transform.inverse(z)  # type: ignore[operator]
            total = total + log_det
        return z, total

    def log_prob(self, x: torch.Tensor) -> torch.Tensor:
        """Exact log-density, by the change of variables."""
        z, log_det = self(x)
        return log_gaussian(z) + log_det


def log_gaussian(z: torch.Tensor) -> torch.Tensor:
    """Log-density of independent standard Gaussians."""
    return -0.5 * (z**2).sum(1) - 0.5 * z.shape[1] * math.log(2 * math.pi)
