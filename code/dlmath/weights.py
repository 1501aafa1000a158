"""The files of trained weights, read without PyTorch, and packed for figures that compute.

Each file of ``data/models`` holds arrays and a header in JSON; its record is in `dlmath.trained`.
"""

from __future__ import annotations

import hashlib
import json
import math
import zipfile
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dlmath.trained import models_folder, trained_record

__all__ = [
    "FORMAT",
    "PackedWeights",
    "pack_weights",
    "read_weights",
    "shipped_weights",
]

FORMAT = 1


def shipped_weights(name: str) -> Path:
    """Return the file of a shipped model, after comparing its checksum with the record.

    Parameters
    ----------
    name : str
        Name of the model.

    Raises
    ------
    ValueError
        If no such model is shipped, or its file is not the one recorded.
    """
    record, path = trained_record(name), models_folder() / f"{name}.npz"
    found = hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else "no file"
    if found != record["sha256"]:
        raise ValueError(
            f"{path} is not the file expected: SHA-256 {record['sha256']}, found {found}. "
            f"'python {record['script']}' makes it anew."
        )
    return path


def read_weights(path: str | Path) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
    """Read the header and the arrays of a file of weights, with every check that needs no model.

    Parameters
    ----------
    path : str or pathlib.Path
        The file.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If it is damaged, or of another kind.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"There is no file of weights {path}")
    try:
        with path.open("rb") as raw, np.load(raw, allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
        header = json.loads(str(arrays.pop("header")))
        expected = {"format", "model", "parameters", "n_features"}
        if not isinstance(header, dict) or expected - header.keys() or header["format"] != FORMAT:
            raise ValueError("its header is not one of this package")
    except (OSError, EOFError, KeyError, TypeError, ValueError, zipfile.BadZipFile) as error:
        raise ValueError(f"{path} is damaged, or no file of weights: {error}") from error
    for name, array in arrays.items():
        if array.dtype.kind == "f" and not np.isfinite(array).all():
            raise ValueError(f"{path} is damaged: {name} is not finite")
    return header, arrays


@dataclass(frozen=True)
class PackedWeights:
    """All arrays of a file in half precision, one after the other.

    Attributes
    ----------
    header : dict
        ``model`` (class), ``parameters`` (those of its constructor), ``n_features``.
    layout : list of [str, list of int, int]
        Name, shape and place of the first number of each array, in numbers from the beginning.
    values : bytes
        Little-endian numbers of two bytes, each array in the order of its rows.
    """

    header: dict[str, Any]
    layout: list[list[Any]]
    values: bytes

    @cached_property
    def key(self) -> str:
        """A name for the content: the same content has the same name."""
        text = json.dumps([self.header, self.layout], sort_keys=True)
        return hashlib.sha256(text.encode() + b"\0" + self.values).hexdigest()[:16]

    def arrays(self) -> dict[str, NDArray[np.float64]]:
        """Return the arrays by their names, as the front end gets them."""
        flat = np.frombuffer(self.values, "<f2").astype(float)
        return {
            name: flat[place : place + math.prod(shape)].reshape(shape)
            for name, shape, place in self.layout
        }


def pack_weights(name: str) -> PackedWeights:
    """Pack the weights of a shipped model for a figure that computes with them.

    Parameters
    ----------
    name : str
        Name of the model, such as ``"vae-digits"``.

    Returns
    -------
    packed : PackedWeights

    Raises
    ------
    ValueError
        If no such model is shipped, its file is not the one recorded, or a number does not fit
        into half precision.
    """
    header, arrays = read_weights(shipped_weights(name))
    layout: list[list[Any]] = []
    parts: list[bytes] = []
    place = 0
    for key, array in arrays.items():
        with np.errstate(over="ignore"):
            rounded = array.astype("<f2")
        exact = array.dtype.kind == "f" or np.array_equal(rounded, array)
        if not exact or not np.isfinite(rounded).all():
            raise ValueError(f"{key} of {name} does not fit into half precision")
        layout.append([key, list(array.shape), place])
        parts.append(rounded.tobytes())
        place += array.size
    described = {part: header[part] for part in ("model", "parameters", "n_features")}
    return PackedWeights(described, layout, b"".join(parts))
