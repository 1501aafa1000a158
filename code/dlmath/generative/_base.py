"""What all generative models share: one protocol, checks at the door, files without code."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, Self

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator
from sklearn.utils import check_array
from sklearn.utils.validation import check_is_fitted
from torch import nn

from dlmath._checks import check_above_zero, check_count
from dlmath.generative._training import seeded, train
from dlmath.weights import FORMAT, read_weights


def check_pixels(X: ArrayLike, levels: int | None) -> NDArray[Any]:
    """Check samples: integers from 0 to ``levels - 1``, or any finite numbers if it is None.

    Parameters
    ----------
    X : array-like of shape (n_samples, n_features)
        Samples.
    levels : int or None
        Number of grey levels, or None for continuous data.

    Returns
    -------
    X : ndarray of shape (n_samples, n_features)
        Of int64 or float64.

    Raises
    ------
    ValueError
        If a value is out of range; the first is named with its place.
    """
    rows: NDArray[Any] = check_array(X, dtype=float, input_name="X")
    if levels is None:
        return rows
    wrong = ~np.isin(rows, np.arange(levels))
    if wrong.any():
        row, column = np.argwhere(wrong)[0]
        raise ValueError(
            f"X must hold integers from 0 to {levels - 1} (levels={levels}), got "
            f"{rows[row, column]:g} in row {row}, column {column}"
        )
    return rows.astype(np.int64)


def check_device(device: Any) -> torch.device:
    """Check that torch knows a device and that it is there."""
    try:
        found = torch.device(device)
        torch.empty(0, device=found)
    except (RuntimeError, AssertionError, TypeError) as error:
        raise ValueError(f"device must be one that torch finds here, got {device!r}") from error
    return found


class TorchModel(BaseEstimator, ABC):
    """An estimator whose parameters are those of one torch network: training, and files.

    The constructor stores hyperparameters, among them ``seed`` and ``device``, and checks nothing.
    A subclass builds its untrained network in ``_build(n_features)`` and trains it in ``fit``.

    Attributes
    ----------
    network_ : torch.nn.Module
        All parameters, after ``fit`` or ``load``.
    n_features_in_ : int
        Number of columns of the samples.
    losses_ : list of float
        Loss of every training step; empty after ``load``.
    validation_ : list of float
        Held-out losses, if there were any.
    """

    seed: int
    device: str

    @abstractmethod
    def _build(self, n_features: int) -> nn.Module:
        """Make the untrained network from the hyperparameters."""

    def _check_data(self, X: ArrayLike) -> NDArray[Any]:
        """Check samples: pixels if the model has ``levels``, else finite numbers."""
        rows = check_pixels(X, getattr(self, "levels", None))
        expected = getattr(self, "n_features_in_", rows.shape[1])
        if rows.shape[1] != expected:
            raise ValueError(f"X must have {expected} columns, as in fit, got {rows.shape[1]}")
        return rows

    def _check_parameters(self) -> None:
        """Check the hyperparameters that most models have."""
        for name in ("steps", "batch_size"):
            if hasattr(self, name):
                check_count(name, getattr(self, name))
        if hasattr(self, "eta"):
            check_above_zero("eta", self.eta)
        if getattr(self, "levels", None) is not None:
            check_count("levels", self.levels, 2)
        check_count("seed", self.seed, 0)

    def _start(self, X: ArrayLike) -> torch.Tensor:
        """Check everything, make a fresh network, and return the samples as a tensor.

        Nothing of an earlier fit is changed if a check fails.
        """
        self._check_parameters()
        device = check_device(self.device)
        rows = check_pixels(X, getattr(self, "levels", None))
        with seeded(self.seed, device):
            network = self._build(rows.shape[1]).to(device)
        self.n_features_in_ = rows.shape[1]
        self.network_ = network
        self.losses_: list[float] = []
        self.validation_: list[float] = []
        return self._tensor(rows)

    def _tensor(self, rows: NDArray[Any]) -> torch.Tensor:
        """Move rows to the model's device, in the precision of its network."""
        weights = next(self.network_.parameters())
        return torch.as_tensor(rows, dtype=weights.dtype, device=weights.device)

    def _seeded(self, seed: int | None = None) -> AbstractContextManager[None]:
        """Seed torch inside the block, with the model's own seed if none is given."""
        seed = self.seed if seed is None else check_count("seed", seed, 0)
        return seeded(seed, torch.device(self.device))

    def _train(
        self,
        step: Callable[[int], float],
        *,
        progress: bool = False,
        validate: Callable[[], float] | None = None,
        every: int = 100,
    ) -> None:
        """Make ``self.steps`` steps in training mode, and end in evaluation mode."""
        self.network_.train()
        try:
            self.losses_, self.validation_ = train(
                self.network_,
                step,
                self.steps,  # type: ignore[attr-defined]
                name=type(self).__name__,
                progress=progress,
                validate=validate,
                every=every,
            )
        finally:
            self.network_.eval()

    def count_parameters(self) -> int:
        """Return the number of trained numbers."""
        check_is_fitted(self, "network_")
        return sum(p.numel() for p in self.network_.parameters() if p.requires_grad)

    def save(self, path: str | Path, dtype: str = "float32") -> None:
        """Write the model to an ``.npz`` file, which holds arrays and a header in JSON only.

        Parameters
        ----------
        path : str or pathlib.Path
            File to write.
        dtype : {"float16", "float32", "float64"}, default="float32"
            Precision in which floating-point arrays are stored.

        Raises
        ------
        ValueError
            If ``dtype`` is another one, or a number is too large for it.
        """
        check_is_fitted(self, "network_")
        if dtype not in ("float16", "float32", "float64"):
            raise ValueError(f"dtype must be 'float16', 'float32' or 'float64', got {dtype!r}")
        arrays = {}
        for name, tensor in self.network_.state_dict().items():
            array = tensor.detach().cpu().numpy()
            if array.dtype.kind == "f":
                with np.errstate(over="ignore"):
                    rounded = array.astype(dtype)
                if not np.array_equal(np.isfinite(rounded), np.isfinite(array)):
                    raise ValueError(f"dtype: {name} holds a number that is too large for {dtype}")
                array = rounded
            arrays[name] = array
        header = {
            "format": FORMAT,
            "model": type(self).__name__,
            "parameters": self.get_params(deep=False),
            "n_features": self.n_features_in_,
        }
        with Path(path).open("wb") as file:
            np.savez_compressed(file, header=np.array(json.dumps(header)), **arrays)

    @classmethod
    def load(cls, path: str | Path, device: str = "cpu") -> Self:
        """Read a model that `save` wrote.

        Parameters
        ----------
        path : str or pathlib.Path
            The file.
        device : str, default="cpu"
            Where to put the network.

        Returns
        -------
        model : TorchModel
            Ready for use.

        Raises
        ------
        FileNotFoundError
            If there is no such file.
        ValueError
            If it is damaged, or holds another model.
        """
        header, arrays = read_weights(path)
        if header["model"] != cls.__name__:
            raise ValueError(f"{path} holds weights of {header['model']}, not of {cls.__name__}")
        check_device(device)
        try:
            given = {
                k: tuple(v) if isinstance(v, list) else v for k, v in header["parameters"].items()
            }
            model = cls(**{**given, "device": device})
            with seeded(0, torch.device(device)):
                network = model._build(int(header["n_features"])).to(device)
            state = {
                name: torch.as_tensor(array).to(network.state_dict()[name].dtype)
                for name, array in arrays.items()
            }
            network.load_state_dict(state)
        except (KeyError, TypeError, RuntimeError) as error:
            raise ValueError(f"{path} does not fit a {cls.__name__}: {error}") from error
        model.network_, model.n_features_in_ = network.eval(), int(header["n_features"])
        model.losses_, model.validation_ = [], []
        return model


class GenerativeModel(TorchModel):
    """A model that learns a law from samples and draws new ones.

    The constructor stores hyperparameters, among them ``seed`` and ``device``, and checks nothing.
    ``fit(X)`` trains and returns the model; ``sample(n, seed)`` draws samples in the units of the
    data. Where they exist, ``log_prob(X)`` is the exact log-probability of each row in nats,
    ``elbo(X)`` a lower bound of it, and ``score(X)`` its gradient.
    """

    @abstractmethod
    def fit(self, X: ArrayLike, *, progress: bool = False) -> Self:
        """Train the model on samples."""

    @abstractmethod
    def sample(self, n: int, seed: int = 0) -> NDArray[Any]:
        """Draw samples in the units of the data."""
