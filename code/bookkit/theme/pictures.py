"""Pictures for both themes: each SVG gets a dark twin, each picture its size and its loading."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.builders.html import StandaloneHTMLBuilder
from sphinx.util import logging
from sphinx.util.images import get_image_size

DARK = "-dark.svg"
PIXELS = {"pt": 4 / 3, "px": 1.0, "": 1.0, "in": 96.0, "mm": 96 / 25.4, "cm": 96 / 2.54}
LENGTH = re.compile(r"^\s*([0-9.]+)\s*([a-z]*)\s*$")
ROOT_TAG = re.compile(r"<svg\b[^>]*>")
COLOUR = re.compile(r"#[0-9a-fA-F]{6}\b")

logger = logging.getLogger(__name__)


def setup(app: Sphinx) -> None:
    """Write pictures our way, and make the twins when everything is in place."""
    app.connect("config-inited", _replace_image, priority=900)
    app.connect("build-finished", _write_twins)


def darken(svg: str) -> str:
    """Return the picture for a dark page: the palette's colours exchanged, black ink made light."""
    from bookkit.theme import palette

    colours = palette()
    pairs = {both["light"]: both["dark"] for both in colours.values()}
    ink = colours["ink"]["dark"]
    pairs |= {"#000000": ink, "#ffffff": colours["background"]["dark"]}
    svg = COLOUR.sub(lambda match: pairs.get(match[0].lower(), match[0]), svg)
    # What names no colour is black.
    return ROOT_TAG.sub(lambda match: f'{match[0][:-1]} fill="{ink}">', svg, count=1)


def svg_size(svg: str) -> tuple[int, int] | None:
    """Return the width and the height in CSS pixels, or None when the picture does not say."""
    root = ROOT_TAG.search(svg)
    if root is None:
        return None
    lengths = [re.search(rf'\b{side}="([^"]*)"', root[0]) for side in ("width", "height")]
    matches = [LENGTH.match(length[1]) for length in lengths if length]
    sizes = [float(m[1]) * PIXELS[m[2]] for m in matches if m and m[2] in PIXELS]
    return (round(sizes[0]), round(sizes[1])) if len(sizes) == 2 else None


def _replace_image(app: Sphinx, config: Any) -> None:
    app.add_node(nodes.image, override=True, html=(_visit_image, _depart_image))


def _visit_image(self: Any, node: nodes.image) -> None:
    builder = self.builder
    source = node["uri"]
    if not node.get("alt", "").strip():
        # A cell's picture has no line of its own, the cell has.
        place = node
        while not place.line and place.parent is not None:
            place = place.parent
        logger.warning(
            "the picture %s has no alternative text", source, location=place, type="bookkit"
        )
    if source in builder.images:
        node["uri"] = f"{builder.imgpath}/{builder.images[source]}"
    attributes = {"alt": node.get("alt", ""), **_size(builder, node, source)}
    first = next(self.document.findall(nodes.image), None) is node
    lazy = {} if first else {"loading": "lazy"}
    if not node["uri"].endswith(".svg") or "://" in node["uri"]:
        self.body.append(self.emptytag(node, "img", "", src=node["uri"], **attributes, **lazy))
        return
    dark = node["uri"].removesuffix(".svg") + DARK
    light_tag = nodes.image("", classes=node["classes"], ids=node["ids"])
    dark_tag = nodes.image("", classes=node["classes"])
    for tag, theme, uri, loading in (
        (light_tag, "light", node["uri"], lazy),
        (dark_tag, "dark", dark, {"loading": "lazy"}),
    ):
        classes = f"only-{theme}"
        self.body.append(
            self.emptytag(tag, "img", "", CLASS=classes, src=uri, **attributes, **loading)
        )


def _depart_image(self: Any, node: nodes.image) -> None:
    """Everything was written on the way in."""


def _size(builder: StandaloneHTMLBuilder, node: nodes.image, source: str) -> dict[str, str]:
    """Return width and height: without them the text jumps when the picture arrives."""
    path = Path(builder.srcdir) / source
    if not path.is_file():
        return {}
    if path.suffix == ".svg":
        size = svg_size(path.read_text(encoding="utf-8"))
    else:
        size = get_image_size(str(path))
    if size is None:
        return {}
    width, height = size
    wanted = LENGTH.match(str(node.get("width", "")))
    if wanted and wanted[2] in PIXELS:
        scale = float(wanted[1]) * PIXELS[wanted[2]] / width
        width, height = round(width * scale), round(height * scale)
    return {"width": str(width), "height": str(height)}


def _write_twins(app: Sphinx, exception: Exception | None) -> None:
    if exception is not None or not isinstance(app.builder, StandaloneHTMLBuilder):
        return
    for path in sorted((Path(app.outdir) / app.builder.imagedir).glob("*.svg")):
        if not path.name.endswith(DARK):
            twin = path.with_name(path.stem + DARK)
            twin.write_text(darken(path.read_text(encoding="utf-8")), encoding="utf-8")
