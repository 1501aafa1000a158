"""Rebuild ``fashion_images.npz``: 4,800 of the 70,000 pictures of Fashion-MNIST in 32 grey levels.

Usage: ``python data/build_images.py [FOLDER]``. FOLDER holds the four files of the data set as its
authors publish them (github.com/zalandoresearch/fashion-mnist); without it, they are looked for
where Debian's package ``dataset-fashion-mnist`` puts them. The content of each is checked.

380 pictures of each class are drawn from the training set and 100 from the test set, with a fixed
seed. The rows go through the ten classes in turn, so that the first ten, hundred, ... are balanced.
"""

import gzip
import hashlib
import sys
from pathlib import Path
from typing import Any

import numpy as np
from sources import DATA

DEBIAN = Path("/usr/share/datasets/fashion-mnist")
# SHA-256 of the content of each file, after its compression is undone.
FILES = {
    "train-images-idx3-ubyte": "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
    "train-labels-idx1-ubyte": "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
    "t10k-images-idx3-ubyte": "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
    "t10k-labels-idx1-ubyte": "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
}
CLASSES, LEVELS = 10, 32
EACH = {"train": ("train", 380), "test": ("t10k", 100)}


def read_idx(content: bytes) -> np.ndarray:
    """Read an array of bytes: two zeros, the type, the number of axes, their lengths, the data."""
    if content[:3] != b"\0\0\x08":
        raise ValueError("the content is not an array of unsigned bytes in the IDX format")
    axes = content[3]
    shape = np.frombuffer(content, ">u4", axes, 4)
    return np.frombuffer(content, np.uint8, offset=4 + 4 * axes).reshape(shape)


def read_folder(folder: Path) -> dict[str, np.ndarray]:
    """Read and check the four files of a folder, compressed or not."""
    arrays = {}
    for name, expected in FILES.items():
        packed = folder / f"{name}.gz"
        content = (
            gzip.decompress(packed.read_bytes())
            if packed.is_file()
            else (folder / name).read_bytes()
        )
        found = hashlib.sha256(content).hexdigest()
        if found != expected:
            raise ValueError(f"{folder / name}: expected SHA-256 {expected}, found {found}")
        arrays[name] = read_idx(content)
    return arrays


def quantise(images: np.ndarray) -> np.ndarray:
    """Round 256 grey levels to 32, in rows."""
    grey = np.rint(images.reshape(len(images), -1) * ((LEVELS - 1) / 255.0))
    return grey.astype(np.uint8)


def choose(labels: np.ndarray, each: int, rng: np.random.Generator) -> np.ndarray:
    """Draw so many places of each class, and go through the classes in turn."""
    places = [rng.choice(np.flatnonzero(labels == k), each, False) for k in range(CLASSES)]
    return np.array(places).T.ravel()


def build(folder: Path, target: Path) -> None:
    """Write the subset and print the checksum that ``dlmath.datasets`` has to know."""
    arrays, rng = read_folder(folder), np.random.default_rng(0)
    kept: dict[str, Any] = {}
    for name, (stem, each) in EACH.items():
        images = arrays[f"{stem}-images-idx3-ubyte"]
        chosen = choose(arrays[f"{stem}-labels-idx1-ubyte"], each, rng)
        # Differences down the columns, modulo 256, compress better than the pixels themselves.
        rows = quantise(images[chosen]).reshape(-1, 28, 28)
        kept[name] = np.diff(rows, axis=1, prepend=np.uint8(0))
    path = target / "fashion_images.npz"
    np.savez_compressed(path, **kept)
    print(f"{path.name}: SHA-256 {hashlib.sha256(path.read_bytes()).hexdigest()}")


if __name__ == "__main__":
    build(Path(sys.argv[1]) if len(sys.argv) > 1 else DEBIAN, DATA)
