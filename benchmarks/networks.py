"""Measure a training step against scikit-learn's and torch's: run ``make bench``.

One step is one mini-batch: forward, backward, and Adam; squared error, tanh unless said. All three
have the same data, sizes and batch, and one thread; scikit-learn, which has no step of its own to
call, runs epochs of many batches, and so do the others, so that its work between the epochs hardly
counts. A time is the median of the processor's seconds over alternating runs; only the ratios mean
much. Before that, the three are compared on what they compute: after the same steps from the same
weights the costs agree.
"""

from __future__ import annotations

import statistics
import time
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from dlmath.networks import FeedForwardNetwork, train
from dlmath.optimizers import Adam
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPRegressor
from threadpoolctl import threadpool_limits

RUNS = 9
# Sizes, samples of a batch, batches of an epoch, and the largest ratios aimed at.
SIZES = (
    ((1, 50, 50, 1), 64, 40, 0.5),
    ((2, 100, 100, 1), 128, 20, 0.6),
    ((64, 128, 128, 64), 128, 10, 0.8),
    ((784, 256, 256, 10), 128, 5, 1.0),
)
TORCH = {"tanh": torch.nn.Tanh, "relu": torch.nn.ReLU}


def draw(sizes: tuple[int, ...], n: int, dtype: type) -> tuple[np.ndarray, np.ndarray]:
    """Draw inputs and targets."""
    rng = np.random.default_rng(n)
    X, Y = rng.standard_normal((n, sizes[0])), rng.standard_normal((n, sizes[-1]))
    return X.astype(dtype), Y.astype(dtype)


def ours(
    network: FeedForwardNetwork, X: np.ndarray, Y: np.ndarray, batch: int
) -> Callable[[], Any]:
    """Return a function that trains for one epoch."""
    optimizer = Adam(1e-3)
    return lambda: train(network, X, Y, optimizer=optimizer, epochs=1, batch_size=batch)


def theirs(
    network: FeedForwardNetwork, X: np.ndarray, Y: np.ndarray, batch: int
) -> Callable[[], Any]:
    """Return a function that trains scikit-learn's network for one epoch."""
    model = MLPRegressor(
        hidden_layer_sizes=network.sizes[1:-1],
        activation=network.activation,
        alpha=0,
        batch_size=batch,
        max_iter=1,
    )
    target = Y[:, 0] if Y.shape[1] == 1 else Y
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        model.fit(X, target)
    return lambda: model.partial_fit(X, target)


def torchs(
    network: FeedForwardNetwork, X: np.ndarray, Y: np.ndarray, batch: int
) -> Callable[[], Any]:
    """Return a function that trains torch's network for one epoch, eagerly."""
    layers: list[torch.nn.Module] = []
    for W, b in zip(network.parameters[::2], network.parameters[1::2], strict=True):
        linear = torch.nn.Linear(*W.shape, dtype=torch.tensor(W).dtype)
        with torch.no_grad():
            linear.weight.copy_(torch.tensor(W.T))
            linear.bias.copy_(torch.tensor(b))
        layers += [linear, TORCH[network.activation]()]
    model = torch.nn.Sequential(*layers[:-1])
    # Its gradients are ours over the number of outputs; with this epsilon its steps are ours.
    optimizer = torch.optim.Adam(model.parameters(), 1e-3, eps=1e-8 / Y.shape[1])
    cost = torch.nn.MSELoss()
    inputs, targets = torch.tensor(X), torch.tensor(Y)

    def epoch() -> float:
        order = torch.randperm(len(inputs))
        shuffled, wanted = inputs[order], targets[order]
        for first in range(0, len(inputs), batch):
            optimizer.zero_grad()
            value = cost(model(shuffled[first : first + batch]), wanted[first : first + batch])
            value.backward()
            optimizer.step()
        return value.item() * Y.shape[1]

    return epoch


def agree(sizes: tuple[int, ...], batch: int) -> float:
    """Return by how much the costs of ours and torch's differ after 50 steps, in shares."""
    X, Y = draw(sizes, batch, np.float64)
    network = FeedForwardNetwork(sizes)
    other = torchs(network, X, Y, batch)
    history = train(network, X, Y, optimizer=Adam(1e-3), epochs=50, batch_size=None)
    cost = [other() for _ in range(50)][-1]
    return abs(cost / history.cost[-1] - 1)


def medians(functions: list[Callable[[], Any]]) -> list[float]:
    """Return the median seconds of each of several functions, run in turn."""
    seconds: list[list[float]] = [[] for _ in functions]
    for _ in range(RUNS):
        for function, own in zip(functions, seconds, strict=True):
            began = time.process_time()
            function()
            own.append(time.process_time() - began)
    return [statistics.median(own) for own in seconds]


def compare(
    sizes: tuple[int, ...], batch: int, batches: int, aim: float, dtype: type, activation: str
) -> None:
    """Print one line of the table."""
    X, Y = draw(sizes, batch * batches, dtype)
    make = [ours, theirs, torchs]
    network = FeedForwardNetwork(sizes, activation, dtype=dtype)
    epochs = [each(network.copy(), X, Y, batch) for each in make]
    step, sklearns, torch_step = (1e6 * t / batches for t in medians(epochs))
    what = f"{'-'.join(map(str, sizes))}, {batch}, {np.dtype(dtype).name}, {activation}"
    print(
        f"{what:42}{step:8.0f}{sklearns:10.0f}{torch_step:8.0f}"
        f"{step / sklearns:12.2f}{step / torch_step:8.2f}{aim:7.1f}"
    )


def main() -> None:
    """Print the table."""
    torch.set_num_threads(1)
    heads = f"{'ours':>8}{'sklearn':>10}{'torch':>8}{'/ sklearn':>12}{'/ torch':>8}{'aim':>7}"
    with threadpool_limits(1):
        apart = max(agree(sizes, batch) for sizes, batch, *_ in SIZES)
        print(f"After 50 steps the costs of ours and of torch's differ by {apart:.0e} of them.\n")
        print(f"{'one training step, microseconds':42}{heads}")
        for sizes, batch, batches, aim in SIZES:
            for dtype in (np.float64, np.float32):
                for activation in TORCH:
                    compare(sizes, batch, batches, aim, dtype, activation)


if __name__ == "__main__":
    main()
