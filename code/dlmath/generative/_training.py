"""The loop that trains every model, and what it does when a loss is not a number."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch
from torch import nn
from tqdm.auto import tqdm


@contextmanager
def seeded(seed: int, device: torch.device) -> Iterator[None]:
    """Seed torch's generators inside the block, and leave them outside as they were."""
    devices = [device] if device.type == "cuda" else []
    with torch.random.fork_rng(devices=devices):
        torch.manual_seed(seed)
        yield


def _tensors(module: nn.Module) -> list[torch.Tensor]:
    return [*module.parameters(), *module.buffers()]


class Snapshot:
    """A copy of a module's parameters and buffers that can be put back."""

    def __init__(self, module: nn.Module) -> None:
        self._copies = [tensor.detach().clone() for tensor in _tensors(module)]

    @torch.no_grad()
    def take(self, module: nn.Module) -> None:
        """Copy the module's present state."""
        torch._foreach_copy_(self._copies, [tensor.detach() for tensor in _tensors(module)])

    @torch.no_grad()
    def restore(self, module: nn.Module) -> None:
        """Put the copied state back into the module."""
        torch._foreach_copy_([tensor.detach() for tensor in _tensors(module)], self._copies)


def train(
    network: nn.Module,
    step: Callable[[int], float],
    steps: int,
    *,
    name: str,
    progress: bool = False,
    validate: Callable[[], float] | None = None,
    every: int = 100,
) -> tuple[list[float], list[float]]:
    """Make optimiser steps, and never lose good parameters.

    Parameters
    ----------
    network : torch.nn.Module
        All parameters that the steps change.
    step : callable
        ``step(k)`` makes step number k (0, 1, ...) and returns the loss *before* it.
    steps : int
        Number of steps.
    name : str
        What the bar and errors call the model.
    progress : bool, default=False
        Show a progress bar.
    validate : callable, optional
        Returns a loss on data that the steps do not use; the parameters at its smallest value are
        those kept at the end.
    every : int, default=100
        Steps between two validations.

    Returns
    -------
    losses, validation : lists of float
        The loss of each step, and of each validation.

    Raises
    ------
    FloatingPointError
        If a loss is not finite. It names the step; the network has the last parameters whose loss
        was finite.
    """
    before, good, best = Snapshot(network), Snapshot(network), Snapshot(network)
    losses: list[float] = []
    validation: list[float] = []

    def stop(what: str, k: int) -> None:
        good.restore(network)
        raise FloatingPointError(
            f"{name}: the {what} is not finite in step {k} of {steps}. The model has the last "
            "parameters with a finite loss; a smaller eta may help."
        )

    with tqdm(total=steps, desc=name, disable=not progress, leave=False) as bar:
        for k in range(steps):
            before.take(network)
            losses.append(float(step(k)))
            if not math.isfinite(losses[-1]):
                losses.pop()
                stop("loss", k)
            before, good = good, before
            bar.update()
            if validate is not None and (k + 1) % every == 0:
                validation.append(float(validate()))
                if not math.isfinite(validation[-1]):
                    stop("validation loss", k)
                if validation[-1] == min(validation):
                    best.take(network)
                bar.set_postfix(loss=f"{losses[-1]:.3f}", held_out=f"{validation[-1]:.3f}")
    if not all(torch.isfinite(tensor).all() for tensor in _tensors(network)):
        stop("last update", steps - 1)
    if validation:
        best.restore(network)
    return losses, validation
