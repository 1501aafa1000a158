"""Training: mini-batches, early stopping, and what happens when it goes wrong."""

import math
from dataclasses import dataclass, field
from numbers import Integral

import numpy as np

from dlmath.networks._network import check_regularisation
from dlmath.optimizers import Optimizer


@dataclass
class History:
    """What a training run reports.

    Attributes
    ----------
    cost : list of float
        After each epoch, the mean of its mini-batches' costs, the penalty included.
    validation_cost : list of float
        After each epoch, the cost on the validation data, without penalty; empty without them.
    best_epoch : int or None
        Where ``validation_cost`` is least, counted from 0.
    steps : int
        Steps of the optimizer.
    """

    cost: list = field(default_factory=list)
    validation_cost: list = field(default_factory=list)
    best_epoch: int | None = None
    steps: int = 0


def train(
    network,
    X,
    Y,
    *,
    optimizer,
    epochs,
    batch_size=32,
    lam=0.0,
    dropout=0.0,
    validation=None,
    patience=None,
    seed=0,
    progress=False,
    callback=None,
):
    """Train a network on mini-batches: equation ``eq-data-model-cost-batch-step``.

    The network's parameters are replaced at once when training ends. After an error they are what
    they were before; after an interruption from the keyboard, which is passed on, what they were
    at the end of the last whole epoch.

    Parameters
    ----------
    network : FeedForwardNetwork
    X : array-like of shape (n_samples, n_inputs)
    Y : array-like of shape (n_samples, n_outputs)
    optimizer : dlmath.optimizers.Optimizer
        Goes on from where it is; ``reset()`` makes it forget.
    epochs : int
        How often all samples are visited, each time in a new order.
    batch_size : int or None, default=32
        None for all samples at once.
    lam : float, default=0.0
        Weight decay: ``lam`` times the sum of all squared weights is added to the cost.
    dropout : float, default=0.0
        Probability with which a hidden node is left out.
    validation : tuple (X, Y), optional
        Further data; the network of the epoch with the least cost on them is kept.
    patience : int, optional
        Stop after so many epochs without a better validation cost.
    seed : int or numpy.random.Generator, default=0
        Of the order of the samples, and of dropout.
    progress : bool, default=False
        Show a bar, with the cost.
    callback : callable, optional
        Called after each epoch with its number, the network as it is, and the history; training
        stops where it returns True.

    Returns
    -------
    History

    Raises
    ------
    ValueError
        On wrong shapes or settings.
    FloatingPointError
        When the cost, that on the validation data or a parameter is no longer finite; says at
        which step, and what to try.
    """
    X, Y = network._check_data(X, Y)
    lam, dropout = check_regularisation(lam, dropout)
    if not isinstance(optimizer, Optimizer):
        raise ValueError(f"optimizer must be one of dlmath.optimizers, got {optimizer!r}")
    epochs = _check_count(epochs, "epochs")
    batch = len(X) if batch_size is None else _check_count(batch_size, "batch_size")
    if patience is not None:
        patience = _check_count(patience, "patience")
        if validation is None:
            raise ValueError("patience needs validation data")
    if validation is not None:
        validation = network._check_data(*validation)
    rng = np.random.default_rng(seed)

    run = _Run(network, optimizer, lam, dropout, rng)
    history, best = History(), None
    kept = None
    try:
        for epoch in _counted(epochs, progress, history):
            with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
                cost = run.epoch(X, Y, batch, history)
                value = None if validation is None else run.validate(validation, history)
            history.cost.append(cost)
            if value is None:
                kept = run.parameters()
            else:
                history.validation_cost.append(value)
                if best is None or value < best:
                    best, history.best_epoch, kept = value, epoch, run.parameters()
            if callback is not None and callback(epoch, run.network, history):
                break
            if patience is not None and epoch - history.best_epoch >= patience:
                break
    except KeyboardInterrupt:
        if kept is not None:
            network.parameters = kept
        raise
    network.parameters = kept
    return history


class _Run:
    """A working copy of a network whose parameters, and gradients, lie in one array each."""

    def __init__(self, network, optimizer, lam, dropout, rng):
        self.network = network.copy()
        self.optimizer, self.lam, self.dropout, self.rng = optimizer, lam, dropout, rng
        self.flat = flatten(network.parameters)
        self.slope = np.empty_like(self.flat)
        self.network.parameters = views(self.flat, network.parameters)
        self.gradients = views(self.slope, network.parameters)

    def parameters(self):
        """Return copies of the parameters."""
        return [parameter.copy() for parameter in self.network.parameters]

    def epoch(self, X, Y, batch, history):
        """Visit all samples once; return the mean cost."""
        order = self.rng.permutation(len(X)) if batch < len(X) else slice(None)
        X, Y, total = X[order], Y[order], 0.0
        for first in range(0, len(X), batch):
            rows = slice(first, first + batch)
            value = self.network._differentiate(
                X[rows], Y[rows], self.gradients, self.lam, self.dropout, self.rng
            )
            if not (math.isfinite(value) and np.isfinite(self.slope).all()):
                raise _diverged("cost or its gradient", history)
            self.optimizer._advance([self.flat], [self.slope])
            history.steps += 1
            total += value * len(X[rows])
        if not np.isfinite(self.flat).all():
            raise _diverged("parameters", history)
        return total / len(X)

    def validate(self, data, history):
        """Return the cost on the validation data."""
        value = self.network.cost_value(*data)
        if not math.isfinite(value):
            raise _diverged("validation cost", history)
        return value


def _diverged(what, history):
    return FloatingPointError(
        f"NaN or infinity in the {what} at step {history.steps + 1}, in epoch "
        f"{len(history.cost) + 1}; try a smaller eta, standardised inputs and targets, or other "
        "initial weights"
    )


def flatten(arrays):
    """Return the entries of several arrays as one."""
    return np.concatenate([np.ravel(array) for array in arrays])


def views(flat, parameters):
    """Cut one array into pieces of the shapes of the parameters."""
    ends = np.cumsum([parameter.size for parameter in parameters])
    pieces = np.split(flat, ends[:-1])
    return [piece.reshape(p.shape) for piece, p in zip(pieces, parameters, strict=True)]


def _counted(epochs, progress, history):
    """Yield the numbers of the epochs, with a bar that shows the cost if asked."""
    if not progress:
        yield from range(epochs)
        return
    from tqdm.auto import tqdm

    with tqdm(range(epochs), unit="epoch") as bar:
        for epoch in bar:
            yield epoch
            bar.set_postfix(cost=f"{history.cost[-1]:.4g}")


def _check_count(value, name):
    if isinstance(value, bool) or not isinstance(value, Integral) or value < 1:
        raise ValueError(f"{name} must be a positive integer, got {value!r}")
    return int(value)
