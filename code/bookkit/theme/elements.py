"""Elements that are written otherwise than Sphinx does: tables in boxes, references as a list."""

from __future__ import annotations

from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.config import Config
from sphinx.writers.html5 import HTML5Translator


def setup(app: Sphinx) -> None:
    """Replace the writers once every extension has registered its own."""
    app.connect("config-inited", _replace, priority=900)


def _replace(app: Sphinx, config: Config) -> None:
    app.add_node(nodes.table, override=True, html=(_visit_table, _depart_table))
    app.add_node(nodes.citation, override=True, html=(_visit_citation, _depart_citation))


def _visit_table(self: Any, node: nodes.table) -> None:
    """Open a box that scrolls sideways where the page is too narrow."""
    self.body.append('<div class="table-wrapper">\n')
    HTML5Translator.visit_table(self, node)


def _depart_table(self: Any, node: nodes.table) -> None:
    HTML5Translator.depart_table(self, node)
    self.body.append("</div>\n")


def _visit_citation(self: Any, node: nodes.citation) -> None:
    """Make the entry an item of its list: docutils gives it a role that is deprecated."""
    start = len(self.body)
    HTML5Translator.visit_citation(self, node)
    self.body[start:] = [
        part.replace('role="doc-biblioentry"', 'role="listitem"') for part in self.body[start:]
    ]


def _depart_citation(self: Any, node: nodes.citation) -> None:
    HTML5Translator.depart_citation(self, node)
