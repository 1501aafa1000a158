"""Files of weights, read without torch and packed into one buffer."""

import hashlib
import json
import subprocess
import sys

import numpy as np
import pytest
from dlmath.trained import models_folder, trained_record
from dlmath.weights import pack_weights, read_weights
from numpy.testing import assert_array_equal

ARRAYS = {
    "inner.weight": np.array([[1, -2.5, 1 / 3], [0, 65504, 6e-8]]),
    "inner.bias": np.array([0.1, -0.1], dtype=np.float16),
    "scale": np.float32(2.5),
    "masks": np.array([0, 1, 7]),
}


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("DLMATH_DATA", str(tmp_path))
    (tmp_path / "models").mkdir()
    return tmp_path / "models"


@pytest.fixture
def shipped(folder):
    return lambda **arrays: write(folder, "small", arrays or ARRAYS)


def write(folder, name, arrays):
    header = {"format": 1, "model": "Small", "parameters": {"width": 3}, "n_features": 2}
    path = folder / f"{name}.npz"
    np.savez_compressed(path, header=np.array(json.dumps(header)), **arrays)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    path.with_suffix(".json").write_text(json.dumps({"sha256": digest, "script": "train.py"}))
    return path


def halves(array):
    return np.asarray(array).astype(np.float16).astype(float)


def test_all_arrays_lie_in_one_buffer(shipped):
    shipped()
    packed = pack_weights("small")
    assert packed.header == {"model": "Small", "parameters": {"width": 3}, "n_features": 2}
    assert packed.layout == [
        ["inner.weight", [2, 3], 0],
        ["inner.bias", [2], 6],
        ["scale", [], 8],
        ["masks", [3], 9],
    ]
    values = np.frombuffer(packed.values, "<f2").astype(float)
    assert_array_equal(values, np.concatenate([halves(a).ravel() for a in ARRAYS.values()]))
    for name, found in packed.arrays().items():
        assert_array_equal(found, halves(ARRAYS[name]))
    assert list(packed.arrays()) == list(ARRAYS)


def test_every_shipped_file_is_packed():
    for path in models_folder().glob("*.npz"):
        packed, (header, arrays) = pack_weights(path.stem), read_weights(path)
        assert len(packed.values) == 2 * sum(array.size for array in arrays.values())
        assert packed.header["model"] == header["model"]


def test_the_key_is_that_of_the_content(folder):
    keys = []
    for arrays in (
        ARRAYS,
        dict(ARRAYS),
        {**ARRAYS, "scale": np.float32(2.25)},
        {**ARRAYS, "masks": np.array([[0, 1, 7]])},
    ):
        write(folder, "small", arrays)
        keys.append(pack_weights("small").key)
    assert keys[0] == keys[1]
    assert len(set(keys)) == 3
    assert len(keys[0]) == 16


def test_refuses_what_is_not_as_recorded(shipped):
    with pytest.raises(ValueError, match="name must be one of , got 'small'"):
        pack_weights("small")
    path = shipped()
    with pytest.raises(ValueError, match=r"must be one of small, got '\.\./models/small'"):
        trained_record("../models/small")
    path.write_bytes(path.read_bytes()[:-9])
    with pytest.raises(ValueError, match=r"is not the file expected.*train\.py"):
        pack_weights("small")
    path.unlink()
    with pytest.raises(ValueError, match="found no file"):
        pack_weights("small")


@pytest.mark.parametrize("wrong", [np.array([7e4]), np.array([2049])])
def test_refuses_what_half_precision_cannot_hold(shipped, wrong):
    shipped(a=np.ones(2), b=wrong)
    with pytest.raises(ValueError, match="b of small does not fit into half precision"):
        pack_weights("small")


def test_reads_without_torch():
    program = (
        "import sys; from dlmath.weights import pack_weights; pack_weights('vae-plane');"
        "assert not {'torch', 'anywidget'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", program], check=True)
