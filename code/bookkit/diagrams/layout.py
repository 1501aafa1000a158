"""Where the parts of a diagram go, on a page of a given width."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from fontTools.ttLib import TTFont

from bookkit.diagrams.description import Box, Diagram, Row

FONT = Path(__file__).parents[1] / "theme" / "static" / "bookkit" / "fonts" / "sans.woff2"
SIZE = 13.5
LINE = 16.5
PADDING = 9.0
GAP = 8.0
ROW_GAP = 22.0
MARK = 15.0
TITLE = 24.0
STEP = 26.0
# What of the width of a letter is added for the bolder face of a title.
BOLD = 1.06
WIDE, NARROW = 640.0, 320.0
SOFT_HYPHEN = "\N{SOFT HYPHEN}"


@dataclass(frozen=True)
class PlacedBox:
    """A box with its corner, its size and its lines."""

    box: Box
    x: float
    y: float
    width: float
    height: float
    lines: tuple[str, ...]
    colour: str = ""

    @property
    def middle(self) -> tuple[float, float]:
        """The point halfway."""
        return self.x + self.width / 2, self.y + self.height / 2


@dataclass(frozen=True)
class Label:
    """A text that is no box; ``anchor`` is SVG's."""

    text: str
    x: float
    y: float
    kind: str
    anchor: str = "start"


@dataclass(frozen=True)
class Line:
    """A line: the text of an SVG path, and its class."""

    path: str
    kind: str


@dataclass(frozen=True)
class Sign:
    """A mark in the legend."""

    mark: str
    x: float
    y: float


@dataclass
class Layout:
    """All parts in their places."""

    width: float
    height: float = 0.0
    boxes: list[PlacedBox] = field(default_factory=list)
    labels: list[Label] = field(default_factory=list)
    lines: list[Line] = field(default_factory=list)
    signs: list[Sign] = field(default_factory=list)


@cache
def _advances() -> tuple[dict[int, str], dict[str, tuple[int, int]], int]:
    font = TTFont(FONT)
    return font.getBestCmap(), dict(font["hmtx"].metrics), font["head"].unitsPerEm


def text_width(text: str) -> float:
    """Measure a line of text in the book's sans serif face, in pixels."""
    names, metrics, units = _advances()
    fallback = names[ord("n")]
    return SIZE / units * sum(metrics[names.get(ord(c), fallback)][0] for c in text)


def wrap(text: str, width: float) -> tuple[str, ...]:
    """Break a text into lines no wider than ``width``, if its words allow that.

    A soft hyphen in a word that is too wide becomes a hyphen at the end of a line.
    """
    lines: list[str] = []
    for word in _pieces(text, width):
        longer = f"{lines[-1]} {word}" if lines else word
        if lines and text_width(longer) <= width:
            lines[-1] = longer
        else:
            lines.append(word)
    return tuple(lines)


def _pieces(text: str, width: float) -> Iterator[str]:
    for word in text.split():
        *parts, last = word.split(SOFT_HYPHEN)
        if text_width("".join([*parts, last])) <= width:
            yield "".join([*parts, last])
        else:
            yield from (*(f"{part}-" for part in parts), last)


def place(diagram: Diagram, width: float) -> Layout:
    """Place the parts of a diagram on a page of that width."""
    layout = Layout(width)
    if diagram.tree is None:
        _place_rows(layout, diagram)
    elif width >= WIDE:
        _place_tree_down(layout, diagram)
    else:
        _place_tree_across(layout, diagram)
    _place_legend(layout, diagram)
    return layout


def _place_rows(layout: Layout, diagram: Diagram) -> None:
    """Put each row's title at its left, or above it where there is no room, and its boxes."""
    beside = layout.width >= WIDE
    left = 138.0 if beside else 14.0
    columns = 3 if beside else 2
    width = (layout.width - left - (columns - 1) * GAP) / columns
    for row in diagram.rows:
        top = layout.height
        lines = wrap(row.title, (left - 24) / BOLD) if beside else (row.title,)
        for i, line in enumerate(lines):
            layout.labels.append(Label(line, 14, top + (21 if beside else 14) + i * LINE, "title"))
        layout.height += 0 if beside else TITLE
        _place_boxes(layout, row, left, width, columns)
        layout.height = max(layout.height, top + len(lines) * LINE + 14)
        bar = Line(f"M3 {top:g}V{layout.height:g}", f"bar {row.colour}")
        layout.lines.append(bar)
        layout.height += ROW_GAP
    layout.height -= ROW_GAP


def _place_boxes(layout: Layout, row: Row, left: float, width: float, columns: int) -> None:
    for begin in range(0, len(row.boxes), columns):
        some = row.boxes[begin : begin + columns]
        texts = [wrap(box.text, width - 2 * PADDING - len(box.marks) * MARK) for box in some]
        height = max(map(len, texts)) * LINE + 2 * PADDING
        for i, (box, lines) in enumerate(zip(some, texts, strict=True)):
            x = left + i * (width + GAP)
            layout.boxes.append(PlacedBox(box, x, layout.height, width, height, lines, row.colour))
        layout.height += height + GAP
    layout.height -= GAP


def _place_tree_down(layout: Layout, diagram: Diagram) -> None:
    """Draw a tree from the root at the top to its leaves in one row."""
    assert diagram.tree is not None
    leaves = diagram.tree.leaves()
    width = (layout.width - (len(leaves) - 1) * GAP) / len(leaves)
    columns = {id(leaf): i for i, leaf in enumerate(leaves)}
    depths = dict(_depths(diagram.tree))
    levels = max(depths.values())
    heights = [0.0] * (levels + 1)
    texts: dict[int, tuple[str, ...]] = {}
    for box in diagram.tree.walk():
        level = levels if not box.children else depths[id(box)]
        texts[id(box)] = wrap(box.text, (width if not box.children else 190.0) - 2 * PADDING)
        heights[level] = max(heights[level], len(texts[id(box)]) * LINE + 2 * PADDING)
    tops = [sum(heights[:level]) + level * 30.0 for level in range(levels + 1)]
    placed: dict[int, PlacedBox] = {}
    for box in diagram.tree.walk():
        level = levels if not box.children else depths[id(box)]
        own = [columns[id(leaf)] for leaf in box.leaves()]
        middle = (min(own) + max(own)) / 2 * (width + GAP) + width / 2
        lines = texts[id(box)]
        wanted = max(map(text_width, lines)) * BOLD + 2 * PADDING + 4
        size = width if not box.children else wanted
        placed[id(box)] = PlacedBox(
            box, middle - size / 2, tops[level], size, heights[level], lines
        )
    for box in diagram.tree.walk():
        layout.boxes.append(placed[id(box)])
        for child in box.children:
            layout.lines.append(_elbow(placed[id(box)], placed[id(child)]))
    layout.height = tops[-1] + heights[-1]
    _tie_below(layout, diagram)


def _depths(box: Box, depth: int = 0) -> Iterator[tuple[int, int]]:
    yield id(box), depth
    for child in box.children:
        yield from _depths(child, depth + 1)


def _elbow(above: PlacedBox, below: PlacedBox) -> Line:
    x, y = above.middle[0], above.y + above.height
    end, bottom = below.middle[0], below.y
    return Line(f"M{x:.1f} {y:.1f}V{bottom - 15:.1f}H{end:.1f}V{bottom:.1f}", "branch")


def _named(layout: Layout) -> dict[str, PlacedBox]:
    return {placed.box.name: placed for placed in layout.boxes if placed.box.name}


def _tie_below(layout: Layout, diagram: Diagram) -> None:
    """Draw each tie as a bow under the leaves."""
    named = _named(layout)
    bottom = layout.height
    for i, tie in enumerate(diagram.ties):
        start, end = named[tie.start], named[tie.end]
        depth = bottom + 22 + 22 * i
        (x0, y0), (x1, y1) = (_end_below(placed, bottom) for placed in (start, end))
        layout.lines.append(Line(f"M{x0:.1f} {y0:.1f}V{depth:.1f}H{x1:.1f}V{y1:.1f}", "tie"))
        layout.labels.append(Label(tie.letter, (x0 + x1) / 2, depth + 4.5, "letter", "middle"))
        layout.height = depth + 12


def _end_below(placed: PlacedBox, bottom: float) -> tuple[float, float]:
    """Where a tie meets a leaf, or the branch of a box whose leaves leave a gap in the middle."""
    x = placed.middle[0]
    return (x, placed.y + placed.height + 15) if placed.box.children else (x, bottom)


def _place_tree_across(layout: Layout, diagram: Diagram) -> None:
    """Draw a tree as a list that is indented, its ties at the right."""
    assert diagram.tree is not None
    right = layout.width - 20.0 * len(diagram.ties) - 4
    depths = dict(_depths(diagram.tree))
    placed: dict[int, PlacedBox] = {}
    for box in diagram.tree.walk():
        x = depths[id(box)] * STEP
        lines = wrap(box.text, right - x - 2 * PADDING)
        height = len(lines) * LINE + 2 * PADDING - 4
        placed[id(box)] = PlacedBox(box, x, layout.height, right - x, height, lines)
        layout.boxes.append(placed[id(box)])
        layout.height += height + GAP
    layout.height -= GAP
    for box in diagram.tree.walk():
        above = placed[id(box)]
        for child in box.children:
            below = placed[id(child)]
            start = f"M{above.x + 12:.1f} {above.y + above.height:.1f}"
            layout.lines.append(Line(f"{start}V{below.middle[1]:.1f}H{below.x:.1f}", "branch"))
    named = _named(layout)
    for i, tie in enumerate(diagram.ties):
        y0, y1 = named[tie.start].middle[1] + 5 * i, named[tie.end].middle[1] + 5 * i
        x = right + 14 + 20 * i
        layout.lines.append(Line(f"M{right:.1f} {y0:.1f}H{x:.1f}V{y1:.1f}H{right + 2:.1f}", "tie"))
        layout.labels.append(Label(tie.letter, x, (y0 + y1) / 2 + 4.5, "letter", "middle"))


def _place_legend(layout: Layout, diagram: Diagram) -> None:
    """Explain the marks, and the dashed boxes if there are any."""
    entries = [(name, mark.label) for name, mark in diagram.marks.items()]
    if any(box.planned for box in diagram.boxes()):
        entries.append(("", "a chapter to be written"))
    x, y = 0.0, layout.height + 34
    for name, label in entries:
        width = 22 + text_width(label)
        if x and x + width > layout.width:
            x, y = 0.0, y + 22
        layout.signs.append(Sign(name, x + 8, y - 4.5))
        layout.labels.append(Label(label, x + 22, y, "legend"))
        x += width + 20
    if entries:
        layout.height = y + 8
