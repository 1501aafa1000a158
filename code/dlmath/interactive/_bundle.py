"""One ES module for each widget, joined from the small files under ``js/``."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache
from pathlib import Path

JS = Path(__file__).parent / "js"
# What most widgets share is the first part of each module: a site loads it once.
SHARED = ("plot.js", "linalg.js", "controls.js", "computed.js")
# What figures that load networks have in common besides is a part of its own.
NETWORKS = ("weights.js", "models/denoisers.js")
PART_MARK = "//# part\n"
_IMPORT = re.compile(r'^import \{[^}]*\} from "(?P<path>[^"]+)";\n', re.MULTILINE)
_COMMENT = re.compile(r"^\s*//.*\n", re.MULTILINE)
_INDENT = re.compile(r"^\s+", re.MULTILINE)


def _in_order(path: Path, seen: list[Path]) -> list[Path]:
    """List the files that a file needs, each once and after what it needs itself."""
    if path in seen:
        return seen
    for match in _IMPORT.finditer(path.read_text(encoding="utf-8")):
        _in_order((path.parent / match["path"]).resolve(), seen)
    seen.append(path)
    return seen


@cache
def bundle(entry: str) -> str:
    """Join a source file and all that it imports into the text of one ES module.

    The files share one scope, so their top-level names are distinct; comments that fill a line
    and indentation are left out. A line ``//# part`` ends what all widgets have in common, and
    another what all those have in common that compute with a loaded network.

    Parameters
    ----------
    entry : str
        Path of the file under ``js/``.
    """
    shared = _needed(SHARED)
    own = _needed((entry,))
    groups = [shared]
    if all((JS / name).resolve() in own for name in NETWORKS):
        groups.append([path for path in _needed(NETWORKS) if path not in shared])
    common = [path for group in groups for path in group]
    groups.append([path for path in own if path not in common])
    return PART_MARK.join(map(_joined, groups))


def _needed(names: Iterable[str]) -> list[Path]:
    """List some files under ``js/`` and all that they need, in an order that works."""
    seen: list[Path] = []
    for name in names:
        _in_order((JS / name).resolve(), seen)
    return seen


def _joined(paths: list[Path]) -> str:
    text = "".join(_IMPORT.sub("", path.read_text(encoding="utf-8")) for path in paths)
    return _INDENT.sub("", _COMMENT.sub("", text))


@cache
def style() -> str:
    """Give the style sheet that all widgets share."""
    return _INDENT.sub("", (JS / "style.css").read_text(encoding="utf-8"))
