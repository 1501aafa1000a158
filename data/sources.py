"""What the scripts that rebuild the data share: fetch an archive, check a file, write a table."""

import csv
import hashlib
import json
import subprocess
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

DATA = Path(__file__).resolve().parent


def download(requirement: str, directory: Path, *options: str) -> Path:
    """Fetch one distribution from the package index, without its dependencies.

    Parameters
    ----------
    requirement : str
        Pinned requirement, such as ``"particle==1.1.0"``.
    directory : pathlib.Path
        Empty directory for the archive.
    *options : str
        Further options of ``pip download``.

    Returns
    -------
    pathlib.Path
        The archive.
    """
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest"]
    subprocess.run([*command, str(directory), *options, requirement], check=True)
    (archive,) = directory.iterdir()
    return archive


def read_checked(path: Path, md5: str) -> str:
    """Return the text of a file after comparing its MD5 with the expected one.

    Parameters
    ----------
    path : pathlib.Path
        File to read, in UTF-8.
    md5 : str
        Expected MD5 in hexadecimal digits.

    Returns
    -------
    str
        The text.

    Raises
    ------
    ValueError
        If the file is not the one expected.
    """
    content = path.read_bytes()
    found = hashlib.md5(content, usedforsecurity=False).hexdigest()
    if found != md5:
        raise ValueError(f"{path}: expected MD5 {md5}, found {found}")
    return content.decode()


def write_table(path: Path, header: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Write a table as CSV and print the checksum that ``dlmath.datasets`` has to know.

    Parameters
    ----------
    path : pathlib.Path
        File to write.
    header : sequence of str
        Names of the columns.
    rows : iterable of sequences
        The rows.
    """
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(rows)
    print(f"{path.name}: SHA-256 {hashlib.sha256(path.read_bytes()).hexdigest()}")


def write_json(path: Path, content: Any) -> None:
    """Write results as JSON and print the checksum that ``dlmath.datasets`` has to know.

    Parameters
    ----------
    path : pathlib.Path
        File to write.
    content : mapping
        Of numbers, strings, lists and mappings.
    """
    text = json.dumps(content, allow_nan=False, separators=(",", ":"))
    path.write_text(text.replace('},"', '},\n"') + "\n", encoding="utf-8")
    print(f"{path.name}: SHA-256 {hashlib.sha256(path.read_bytes()).hexdigest()}")
