"""Records of the trained models that come with the book, read without PyTorch.

The weights are loaded by `dlmath.generative.load_trained`.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from dlmath.datasets import _data_folder

__all__ = ["models_folder", "trained_names", "trained_record", "trained_size"]


def models_folder() -> Path:
    """Return the folder of the trained models."""
    return _data_folder() / "models"


def trained_names() -> list[str]:
    """Return the names of the trained models that come with the book, sorted."""
    return sorted(found.stem for found in models_folder().glob("*.json"))


def trained_record(name: str) -> dict[str, Any]:
    """Return what is recorded of a shipped model.

    Parameters
    ----------
    name : str
        Name of the model, such as ``"vae-digits"``.

    Returns
    -------
    record : dict
        ``model`` (class), ``parameters`` (number of trained numbers), ``script``, ``seed``,
        ``cpu_seconds``, ``torch`` (version), ``sha256`` of the weights, ``measures`` (figures of
        the weights as shipped).

    Raises
    ------
    ValueError
        If no such model is shipped; those that are, are listed.
    """
    if name not in trained_names():
        raise ValueError(f"name must be one of {', '.join(trained_names())}, got {name!r}")
    return json.loads((models_folder() / f"{name}.json").read_text(encoding="utf-8"))


def trained_size(name: str) -> int:
    """Return the size of the weights of a shipped model, in bytes of its file.

    Parameters
    ----------
    name : str
        Name of the model.

    Returns
    -------
    size : int
        Bytes of the compressed file, most of whose numbers have 16 bits.

    Raises
    ------
    ValueError
        If no such model is shipped, or its file is missing.
    """
    script = trained_record(name)["script"]
    path = models_folder() / f"{name}.npz"
    if not path.is_file():
        raise ValueError(f"{path} is missing; 'python {script}' makes it")
    return path.stat().st_size
