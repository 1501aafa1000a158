"""Networks that look at noisy data, at the level of the noise, and perhaps at a label."""

from __future__ import annotations

import math
from itertools import pairwise

import torch
from torch import nn

GROUPS = 8
# Frequencies of the embedding of a noise level, in cycles per unit.
FREQUENCIES = 16
EMBEDDING = 64


class Embedding(nn.Module):
    """A vector for the noise level and the label: sines and cosines, and two layers.

    Labels are 0 to ``classes - 1``; ``classes`` itself stands for no label.
    """

    frequencies: torch.Tensor

    def __init__(self, classes: int, width: int = EMBEDDING) -> None:
        super().__init__()
        octaves = torch.linspace(-2, 2, FREQUENCIES)
        self.register_buffer("frequencies", 2 * math.pi * 2**octaves)
        self.first = nn.Linear(2 * FREQUENCIES, width)
        self.second = nn.Linear(width, width)
        self.labels = nn.Embedding(classes + 1, width) if classes else None

    def forward(self, noise: torch.Tensor, labels: torch.Tensor | None) -> torch.Tensor:
        """Embed noise levels (n,) and labels (n,) as (n, width)."""
        angles = noise[:, None] * self.frequencies
        features = torch.cat([angles.sin(), angles.cos()], dim=1)
        vector = self.second(nn.functional.silu(self.first(features)))
        if self.labels is not None:
            vector = vector + self.labels(labels)
        return nn.functional.silu(vector)


class Block(nn.Module):
    """Two convolutions of 3 by 3 around which the image also passes unchanged.

    Between them every channel is scaled and shifted as the embedding says.
    """

    def __init__(self, inputs: int, outputs: int, dropout: float = 0.0) -> None:
        super().__init__()
        self.norm1 = nn.GroupNorm(GROUPS, inputs)
        self.conv1 = nn.Conv2d(inputs, outputs, 3, padding=1)
        self.modulate = nn.Linear(EMBEDDING, 2 * outputs)
        self.norm2 = nn.GroupNorm(GROUPS, outputs)
        self.dropout = nn.Dropout(dropout)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, padding=1)
        self.skip = nn.Conv2d(inputs, outputs, 1) if inputs != outputs else None
        nn.init.zeros_(self.conv2.weight)
        nn.init.zeros_(self.conv2.bias)  # type: ignore[arg-type]

    def forward(self, x: torch.Tensor, embedding: torch.Tensor) -> torch.Tensor:
        """Map (n, inputs, side, side) to (n, outputs, side, side)."""
        scale, shift = self.modulate(embedding)[:, :, None, None].chunk(2, dim=1)
        h = self.conv1(nn.functional.silu(self.norm1(x)))
        h = self.norm2(h) * (1 + scale) + shift
        h = self.conv2(self.dropout(nn.functional.silu(h)))
        return h + (x if self.skip is None else self.skip(x))


class UNet(nn.Module):
    """A U-Net of two scales for square images of one channel.

    Parameters
    ----------
    side : int
        Pixels of a side.
    width : int
        Channels of the finer scale; the coarser has twice as many.
    patch : int, default=1
        Squares of so many pixels become channels before the first convolution.
    classes : int, default=0
        Number of labels.
    dropout : float, default=0
    """

    def __init__(
        self, side: int, width: int, patch: int = 1, classes: int = 0, dropout: float = 0.0
    ) -> None:
        super().__init__()
        if width % GROUPS:
            raise ValueError(f"width must be a multiple of {GROUPS} for a U-Net, got {width}")
        if side % (2 * patch):
            raise ValueError(f"images of side {side} cannot be halved after patches of {patch}")
        self.side, self.patch = side, patch
        self.embedding = Embedding(classes)
        self.enter = nn.Conv2d(patch**2, width, 3, padding=1)
        self.fine = Block(width, width, dropout)
        self.down = nn.Conv2d(width, 2 * width, 3, stride=2, padding=1)
        self.coarse1 = Block(2 * width, 2 * width, dropout)
        self.coarse2 = Block(2 * width, 2 * width, dropout)
        self.up = nn.Conv2d(2 * width, width, 3, padding=1)
        self.merge = Block(2 * width, width, dropout)
        self.norm = nn.GroupNorm(GROUPS, width)
        self.leave = nn.Conv2d(width, patch**2, 3, padding=1)
        nn.init.zeros_(self.leave.weight)
        nn.init.zeros_(self.leave.bias)  # type: ignore[arg-type]

    def forward(
        self, x: torch.Tensor, noise: torch.Tensor, labels: torch.Tensor | None = None
    ) -> torch.Tensor:
        """Map rows (n, side^2) at noise levels (n,) to rows."""
        embedding = self.embedding(noise, labels)
        image = x.unflatten(1, (1, self.side, self.side))
        h = self.enter(nn.functional.pixel_unshuffle(image, self.patch))
        fine = self.fine(h, embedding)
        h = self.coarse1(self.down(fine), embedding)
        h = self.coarse2(h, embedding)
        h = self.up(nn.functional.interpolate(h, scale_factor=2, mode="nearest"))
        h = self.merge(torch.cat([h, fine], dim=1), embedding)
        h = self.leave(nn.functional.silu(self.norm(h)))
        return nn.functional.pixel_shuffle(h, self.patch).flatten(1)


class Residual(nn.Module):
    """A dense network with residual layers, for vectors.

    Each layer normalises its input, lets the embedding scale and shift it, and adds two dense maps
    with a nonlinearity between them.
    """

    def __init__(
        self, n_features: int, width: int, layers: int, classes: int = 0, dropout: float = 0.0
    ) -> None:
        super().__init__()
        self.embedding = Embedding(classes)
        self.enter = nn.Linear(n_features, width)
        self.norms = nn.ModuleList(nn.LayerNorm(width) for _ in range(layers))
        self.modulate = nn.ModuleList(nn.Linear(EMBEDDING, 2 * width) for _ in range(layers))
        self.first = nn.ModuleList(nn.Linear(width, width) for _ in range(layers))
        self.second = nn.ModuleList(nn.Linear(width, width) for _ in range(layers))
        self.dropout = nn.Dropout(dropout)
        self.norm = nn.LayerNorm(width)
        self.leave = nn.Linear(width, n_features)
        nn.init.zeros_(self.leave.weight)
        nn.init.zeros_(self.leave.bias)

    def forward(
        self, x: torch.Tensor, noise: torch.Tensor, labels: torch.Tensor | None = None
    ) -> torch.Tensor:
        """Map rows (n, n_features) at noise levels (n,) to rows."""
        embedding = self.embedding(noise, labels)
        h = self.enter(x)
        for norm, modulate, first, second in zip(
            self.norms, self.modulate, self.first, self.second, strict=True
        ):
            scale, shift = modulate(embedding).chunk(2, dim=1)
            inner = nn.functional.silu(first(norm(h) * (1 + scale) + shift))
            h = h + second(self.dropout(inner))
        return self.leave(nn.functional.silu(self.norm(h)))


class Dense(nn.Module):
    """Plain dense layers for a few dimensions, with sines and cosines of the input beside it.

    Without these features a network with preconditioning learns nothing of an isotropic law for
    thousands of steps: the linear part is taken out, and the gradient of the rest is zero at first.
    """

    directions: torch.Tensor

    def __init__(
        self, n_features: int, width: int, layers: int, classes: int = 0, frequencies: int = 3
    ) -> None:
        super().__init__()
        # Two directions per octave for each coordinate would not see diagonals; these do.
        count = frequencies * 2 * n_features
        octaves = 2.0 ** torch.arange(frequencies).repeat_interleave(2 * n_features)
        random = torch.randn(count, n_features)
        units = nn.functional.normalize(random, dim=1) if count else random
        self.register_buffer("directions", units * octaves[:, None])
        self.embedding = Embedding(classes)
        sizes = [n_features + 2 * count + EMBEDDING, *[width] * layers]
        hidden: list[nn.Module] = []
        for inputs, outputs in pairwise(sizes):
            hidden += [nn.Linear(inputs, outputs), nn.SiLU()]
        self.hidden = nn.Sequential(*hidden)
        self.leave = nn.Linear(sizes[-1], n_features)

    def forward(
        self, x: torch.Tensor, noise: torch.Tensor, labels: torch.Tensor | None = None
    ) -> torch.Tensor:
        """Map rows (n, n_features) at noise levels (n,) to rows."""
        angles = x @ self.directions.T
        features = [x, angles.sin(), angles.cos(), self.embedding(noise, labels)]
        return self.leave(self.hidden(torch.cat(features, dim=1)))
