"""What a diagram's YAML file may say, read and checked."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

SHAPES = ("circle", "square", "diamond", "triangle")
COLOURS = ("c1", "c2", "c3", "c4", "c5", "c6")


class DiagramError(ValueError):
    """A description that cannot be drawn; the message names the entry."""


@dataclass(frozen=True)
class Mark:
    """A small sign in a box, explained in the legend."""

    label: str
    shape: str
    colour: str


@dataclass(frozen=True)
class Box:
    """A box: its text, the page to which it leads, its signs, and in a tree what hangs below."""

    text: str
    page: str = ""
    planned: bool = False
    marks: tuple[str, ...] = ()
    name: str = ""
    children: tuple[Box, ...] = ()

    def walk(self) -> Iterator[Box]:
        """Yield the box and all below it."""
        yield self
        for child in self.children:
            yield from child.walk()

    def leaves(self) -> list[Box]:
        """Return the boxes at the ends of the branches."""
        return [box for box in self.walk() if not box.children]


@dataclass(frozen=True)
class Row:
    """A group of boxes under a title, in a colour of its own."""

    title: str
    colour: str
    boxes: tuple[Box, ...]


@dataclass(frozen=True)
class Tie:
    """A dashed line between two boxes of a tree, with a letter that the text explains."""

    start: str
    end: str
    letter: str


@dataclass(frozen=True)
class Diagram:
    """Rows of boxes, or a tree with ties."""

    marks: dict[str, Mark] = field(default_factory=dict)
    rows: tuple[Row, ...] = ()
    tree: Box | None = None
    ties: tuple[Tie, ...] = ()

    def boxes(self) -> Iterator[Box]:
        """Yield every box."""
        for row in self.rows:
            yield from row.boxes
        if self.tree:
            yield from self.tree.walk()


def read(path: Path) -> Diagram:
    """Read a description.

    Parameters
    ----------
    path : Path
        YAML with ``rows`` (each with ``title``, ``colour``, ``boxes``) or ``tree`` (a box with
        ``children``) and ``ties``; a box has ``text`` and may have ``page``, ``planned``,
        ``marks`` and ``name``; ``marks`` explains the signs.

    Raises
    ------
    DiagramError
        If an entry is missing, unknown or of the wrong kind.
    """
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except yaml.YAMLError as error:
        raise DiagramError(f"no YAML: {error}") from None
    _expect(content, "the diagram", {"marks", "rows", "tree", "ties"}, set())
    if ("rows" in content) == ("tree" in content):
        raise DiagramError("the diagram needs either rows or a tree")
    marks = {name: _mark(name, entry) for name, entry in content.get("marks", {}).items()}
    diagram = Diagram(
        marks,
        tuple(_row(entry) for entry in content.get("rows", [])),
        _box(content["tree"]) if "tree" in content else None,
        tuple(_tie(entry) for entry in content.get("ties", [])),
    )
    _check_names(diagram)
    return diagram


def _expect(entry: Any, what: str, allowed: set[str], needed: set[str]) -> None:
    if not isinstance(entry, dict):
        raise DiagramError(f"{what} must be a mapping, got {entry!r}")
    if unknown := set(entry) - allowed:
        raise DiagramError(f"{what} does not know {', '.join(sorted(unknown))}")
    if missing := needed - set(entry):
        raise DiagramError(f"{what} needs {', '.join(sorted(missing))}")


def _mark(name: str, entry: Any) -> Mark:
    keys = {"label", "shape", "colour"}
    _expect(entry, f"the mark {name}", keys, keys)
    for key, values in (("shape", SHAPES), ("colour", COLOURS)):
        if entry[key] not in values:
            raise DiagramError(f"the mark {name}: {key} must be one of {', '.join(values)}")
    return Mark(**entry)


def _row(entry: Any) -> Row:
    keys = {"title", "colour", "boxes"}
    _expect(entry, "a row", keys, keys)
    if entry["colour"] not in COLOURS:
        raise DiagramError(f"the row {entry['title']}: colour must be one of {', '.join(COLOURS)}")
    if not entry["boxes"]:
        raise DiagramError(f"the row {entry['title']} has no boxes")
    return Row(entry["title"], entry["colour"], tuple(_box(box) for box in entry["boxes"]))


def _box(entry: Any) -> Box:
    keys = {"text", "page", "planned", "marks", "name", "children"}
    _expect(entry, "a box", keys, {"text"})
    children = tuple(_box(child) for child in entry.get("children", []))
    return Box(**{**entry, "marks": tuple(entry.get("marks", [])), "children": children})


def _tie(entry: Any) -> Tie:
    _expect(entry, "a tie", {"from", "to", "letter"}, {"from", "to", "letter"})
    return Tie(entry["from"], entry["to"], str(entry["letter"]))


def _check_names(diagram: Diagram) -> None:
    names = {box.name for box in diagram.boxes() if box.name}
    for box in diagram.boxes():
        if unknown := set(box.marks) - set(diagram.marks):
            raise DiagramError(f"the box {box.text} has the unknown mark {sorted(unknown)[0]}")
    for tie in diagram.ties:
        for end in (tie.start, tie.end):
            if end not in names:
                raise DiagramError(f"a tie leads to {end}, and no box has that name")
