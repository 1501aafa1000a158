"""The directive ``diagram``: a figure whose picture is drawn from a description."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar

from docutils import nodes
from docutils.parsers.rst import directives
from sphinx.application import Sphinx
from sphinx.util import logging
from sphinx.util.docutils import SphinxDirective

from bookkit.diagrams.description import Diagram, DiagramError, read
from bookkit.diagrams.svg import draw

MINIMUM_ALT = 40

logger = logging.getLogger(__name__)


class diagram(nodes.General, nodes.Element):
    """A diagram; its child, the alternative text, is what stands where it cannot be drawn."""


class DiagramDirective(SphinxDirective):
    """Draw the diagram that a YAML file describes; the content is the caption."""

    required_arguments = 1
    has_content = True
    option_spec: ClassVar[dict[str, Any]] = {
        "name": directives.unchanged_required,
        "alt": directives.unchanged_required,
    }

    def run(self) -> list[nodes.Node]:
        """Make the figure, or say in a warning why there is none."""
        alt = " ".join(self.options.get("alt", "").split())
        if len(alt) < MINIMUM_ALT:
            return self._refuse(f"the diagram needs an alt text of {MINIMUM_ALT} characters")
        if not self.content:
            return self._refuse("the diagram needs a caption")
        relative, absolute = self.env.relfn2path(self.arguments[0])
        self.env.note_dependency(relative)
        try:
            described = read(Path(absolute))
        except (OSError, DiagramError) as error:
            return self._refuse(f"{relative}: {error}")
        picture = diagram("", nodes.Text(alt), described=described, alt=alt)
        figure = nodes.figure("", picture)
        self.set_source_info(figure)
        caption = nodes.caption()
        self.set_source_info(caption)
        parsed = nodes.Element()
        self.state.nested_parse(self.content, self.content_offset, parsed)
        for paragraph in parsed.findall(nodes.paragraph):
            caption += [child for child in paragraph.children]
        figure += caption
        self.add_name(figure)
        return [figure]

    def _refuse(self, message: str) -> list[nodes.Node]:
        logger.warning("%s", message, location=self.get_location(), type="bookkit")
        return []


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the directive and its node."""
    app.add_directive("diagram", DiagramDirective)
    app.add_node(diagram, html=(_visit_html, None), latex=(_pass, _pass), text=(_pass, _pass))
    app.connect("doctree-resolved", _check_pages)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def _check_pages(app: Sphinx, doctree: nodes.document, docname: str) -> None:
    """Warn of a box whose chapter stands, where the description does not expect it, or misses."""
    for node in doctree.findall(diagram):
        described: Diagram = node["described"]
        for box in described.boxes():
            if box.page and box.page not in app.env.found_docs and not box.planned:
                message = f"the diagram leads to {box.page}, which is no page of the book"
                logger.warning("%s", message, location=node.parent, type="bookkit")
            if box.page and box.page in app.env.found_docs and box.planned:
                message = f"the diagram calls {box.page} planned, and it stands"
                logger.warning("%s", message, location=node.parent, type="bookkit")


def _visit_html(self: Any, node: diagram) -> None:
    builder = self.builder

    def link(page: str) -> str | None:
        if page not in builder.env.found_docs:
            return None
        return builder.get_relative_uri(builder.current_docname, page)

    self.body.append(draw(node["described"], node["alt"], link))
    raise nodes.SkipNode


def _pass(self: Any, node: diagram) -> None:
    """Show the alternative text alone."""
