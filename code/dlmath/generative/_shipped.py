"""The trained models that come with the book: small files with their record beside them."""

from __future__ import annotations

import hashlib
import json
import platform
from typing import Any

import numpy as np
import torch

from dlmath.generative._base import TorchModel
from dlmath.trained import models_folder
from dlmath.weights import read_weights, shipped_weights


def load_trained(name: str, device: str = "cpu") -> Any:
    """Load a model that comes with the book, after comparing the checksum of its weights.

    Parameters
    ----------
    name : str
        Name of the model, such as ``"vae-digits"``.
    device : str, default="cpu"
        Where to put the network.

    Returns
    -------
    model : TorchModel
        Ready for use.

    Raises
    ------
    ValueError
        If no such model is shipped, or its file is not the one recorded.
    """
    path = shipped_weights(name)
    wanted = read_weights(path)[0]["model"]
    for model in _subclasses(TorchModel):
        if model.__name__ == wanted:
            return model.load(path, device)
    raise ValueError(f"{path} holds weights of {wanted}, which dlmath.generative does not have")


def _subclasses(model: Any) -> list[Any]:
    children: list[Any] = model.__subclasses__()
    return [found for child in children for found in (child, *_subclasses(child))]


def ship(
    model: TorchModel,
    name: str,
    *,
    script: str,
    cpu_seconds: float,
    measures: dict[str, Any] | None = None,
    dtype: str = "float16",
) -> TorchModel:
    """Write a trained model and its record to the book's folder, and read it back as shipped.

    Parameters
    ----------
    model : TorchModel
        After ``fit``.
    name : str
        Name of the files.
    script : str
        The script that trained it, such as ``"data/train_vae.py"``.
    cpu_seconds : float
        CPU seconds of the training.
    measures : dict, optional
        Figures that belong to the weights as shipped. They can be added by a second call.
    dtype : {"float16", "float32"}, default="float16"
        Precision of the weights.

    Returns
    -------
    model : TorchModel
        With the rounded weights; judge this one.
    """
    models_folder().mkdir(exist_ok=True)
    path = models_folder() / f"{name}.npz"
    model.save(path, dtype)
    record = {
        "model": type(model).__name__,
        "parameters": model.count_parameters(),
        "script": script,
        "seed": model.seed,
        "cpu_seconds": round(cpu_seconds, 1),
        "torch": torch.__version__.split("+")[0],
        "machine": platform.machine(),
        "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
        "measures": {k: _plain(v) for k, v in (measures or {}).items()},
    }
    text = json.dumps(record, indent=1, allow_nan=False)
    path.with_suffix(".json").write_text(text + "\n", encoding="utf-8")
    return type(model).load(path)


def _plain(value: Any) -> Any:
    """Round a number to six digits, for a record."""
    return float(f"{value:.6g}") if isinstance(value, float | np.floating) else value
