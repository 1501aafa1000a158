"""Write a placed diagram as SVG, for a page that may be wide or narrow."""

from __future__ import annotations

from collections.abc import Callable
from html import escape

from bookkit.diagrams.description import Diagram, Mark
from bookkit.diagrams.layout import (
    LINE,
    NARROW,
    PADDING,
    SIZE,
    SOFT_HYPHEN,
    WIDE,
    Label,
    Layout,
    Line,
    PlacedBox,
    Sign,
    place,
)

SHAPES = {
    "circle": "M-4.5 0a4.5 4.5 0 1 0 9 0a4.5 4.5 0 1 0 -9 0z",
    "square": "M-4 -4h8v8h-8z",
    "diamond": "M0 -5.5l5.5 5.5l-5.5 5.5l-5.5 -5.5z",
    "triangle": "M0 -5l5.2 9h-10.4z",
}

Link = Callable[[str], str | None]


def draw(diagram: Diagram, alt: str, link: Link) -> str:
    """Return the HTML of a diagram.

    Parameters
    ----------
    diagram : Diagram
    alt : str
        What is seen, for readers who do not see it.
    link : callable
        Gives the address of a page, or None when there is no such page yet.

    Returns
    -------
    str
        Two drawings, of which the stylesheet shows the one for which there is room.
    """
    drawings = "".join(
        _picture(place(diagram, width), diagram, alt, link, name)
        for width, name in ((WIDE, "wide"), (NARROW, "narrow"))
    )
    return f'<div class="bk-diagram">{drawings}</div>'


def _picture(layout: Layout, diagram: Diagram, alt: str, link: Link, name: str) -> str:
    margin = 2
    box = f"{-margin} {-margin} {layout.width + 2 * margin:g} {layout.height + 2 * margin:g}"
    parts = [
        *(_line(line) for line in layout.lines),
        *(_box(placed, diagram, link) for placed in layout.boxes),
        *(_label(label) for label in layout.labels),
        *(_sign(sign, diagram) for sign in layout.signs),
    ]
    size = f'width="{layout.width:g}" height="{layout.height:g}" font-size="{SIZE}"'
    return (
        f'<svg class="bk-{name}" viewBox="{box}" {size} role="group" '
        f'aria-label="{escape(alt)}">{"".join(parts)}</svg>'
    )


def _line(line: Line) -> str:
    return f'<path class="bk-{line.kind.replace(" ", " bk-")}" d="{line.path}"/>'


def _box(placed: PlacedBox, diagram: Diagram, link: Link) -> str:
    box = placed.box
    address = link(box.page) if box.page else None
    kinds = [
        "bk-box",
        *(["bk-planned"] if box.planned else []),
        *(["bk-group"] * bool(box.children)),
    ]
    if placed.colour:
        kinds.append(f"bk-{placed.colour}")
    sides = f'width="{placed.width:.1f}" height="{placed.height:.1f}"'
    frame = f'<rect x="{placed.x:.1f}" y="{placed.y:.1f}" {sides} rx="5"/>'
    text = _lines(placed, centred=bool(diagram.tree))
    marks = "".join(
        _mark(diagram.marks[name], placed.x + placed.width - 12 - 15 * i, placed.y + 13)
        for i, name in enumerate(reversed(box.marks))
    )
    # Said aloud after the name of the chapter.
    spoken = ", ".join(diagram.marks[name].label for name in box.marks)
    name = box.text.replace(SOFT_HYPHEN, "")
    title = f"<title>{escape(f'{name}: {spoken}')}</title>" if spoken else ""
    inside = f"{title}{frame}{text}{marks}"
    if address is None:
        return f'<g class="{" ".join(kinds)}">{inside}</g>'
    return f'<a class="{" ".join(kinds)}" href="{escape(address)}">{inside}</a>'


def _lines(placed: PlacedBox, centred: bool) -> str:
    x = placed.middle[0] if centred else placed.x + PADDING
    top = placed.y + (placed.height - len(placed.lines) * LINE) / 2 + 12.5
    anchor = ' text-anchor="middle"' if centred else ""
    spans = "".join(
        f'<tspan x="{x:.1f}" y="{top + i * LINE:.1f}">{escape(line)} </tspan>'
        for i, line in enumerate(placed.lines)
    )
    return f"<text{anchor}>{spans}</text>"


def _mark(mark: Mark, x: float, y: float) -> str:
    place = f'transform="translate({x:.1f} {y:.1f})"'
    return f'<path class="bk-mark bk-{mark.colour}" {place} d="{SHAPES[mark.shape]}"/>'


def _sign(sign: Sign, diagram: Diagram) -> str:
    if sign.mark:
        return _mark(diagram.marks[sign.mark], sign.x, sign.y)
    return (
        f'<g class="bk-box bk-planned"><rect x="{sign.x - 8:.1f}" y="{sign.y - 6:.1f}" '
        'width="16" height="12" rx="3"/></g>'
    )


def _label(label: Label) -> str:
    anchor = "" if label.anchor == "start" else f' text-anchor="{label.anchor}"'
    place = f'x="{label.x:.1f}" y="{label.y:.1f}"'
    return f'<text class="bk-{label.kind}" {place}{anchor}>{escape(label.text)}</text>'
