"""What the autoregressive models and the flows share in training."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from torch.optim.lr_scheduler import CosineAnnealingLR


def check_dropout(value: Any) -> float:
    """Check a share of units that may be left out."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 1:
        raise ValueError(f"dropout must be a number from 0 to below 1, got {value!r}")
    return float(value)


def randomly(rows: torch.Tensor, size: int) -> Iterator[torch.Tensor]:
    """Yield batches of rows for ever: each epoch in a new order, a short rest left out."""
    size = min(size, len(rows))
    while True:
        order = torch.randperm(len(rows), device=rows.device)
        for start in range(0, len(rows) - size + 1, size):
            yield rows[order[start : start + size]]


def optimiser(
    model: Any, *, fused: bool | None = None
) -> tuple[torch.optim.AdamW, CosineAnnealingLR]:
    """Make AdamW for a model's network, with a rate that falls to zero along a cosine."""
    adam = torch.optim.AdamW(
        model.network_.parameters(), lr=model.eta, weight_decay=model.weight_decay, fused=fused
    )
    return adam, CosineAnnealingLR(adam, model.steps)
