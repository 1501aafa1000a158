"""The solution between its markers, and the stub that stands in its place."""

import re

BEGIN, END = "### BEGIN SOLUTION", "### END SOLUTION"
_REGION = re.compile(
    rf"^(?P<indent>[ \t]*){BEGIN}[ \t]*\n(?P<solution>.*?)^[ \t]*{END}[ \t]*$",
    re.MULTILINE | re.DOTALL,
)
_STUB = "{indent}# YOUR CODE HERE\n{indent}raise NotImplementedError"


class MarkerError(ValueError):
    """Markers that do not pair."""


def has_solution(source: str) -> bool:
    """Say whether a cell contains a marker."""
    return BEGIN in source or END in source


def stub(source: str) -> str:
    """Return the cell as the student gets it."""
    _require_pairs(source)
    return _REGION.sub(lambda region: _STUB.format(indent=region["indent"]), source)


def solved(source: str) -> str:
    """Return the cell with its solution and without the markers."""
    _require_pairs(source)
    return _REGION.sub(lambda region: region["solution"].rstrip("\n"), source)


def _require_pairs(source: str) -> None:
    rest = _REGION.sub("", source)
    if has_solution(rest) or any(BEGIN in part["solution"] for part in _REGION.finditer(source)):
        raise MarkerError(f"'{BEGIN}' and '{END}' should stand in pairs, each on a line of its own")
