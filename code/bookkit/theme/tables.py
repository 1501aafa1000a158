"""Tables in a box of their own, which scrolls sideways where the page is too narrow."""

from __future__ import annotations

from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.config import Config
from sphinx.writers.html5 import HTML5Translator


def setup(app: Sphinx) -> None:
    """Let tables be written our way."""
    app.connect("config-inited", _replace_table, priority=900)


def _replace_table(app: Sphinx, config: Config) -> None:
    app.add_node(nodes.table, override=True, html=(_visit, _depart))


def _visit(self: Any, node: nodes.table) -> None:
    self.body.append('<div class="table-wrapper">\n')
    HTML5Translator.visit_table(self, node)


def _depart(self: Any, node: nodes.table) -> None:
    HTML5Translator.depart_table(self, node)
    self.body.append("</div>\n")
