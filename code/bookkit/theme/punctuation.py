"""Keeps a formula of the running text on one line with the punctuation that touches it.

Browsers allow a line to end on either side of a formula, even before a full stop.
"""

import re

from docutils import nodes
from sphinx.application import Sphinx

OPENING = re.compile(r"[(\[“‘]+$")
CLOSING = re.compile(r"^[.,;:!?)\]”’]+")


def setup(app: Sphinx) -> None:
    """Connect the pass over the finished text."""
    app.connect("doctree-resolved", _join, priority=900)


def _join(app: Sphinx, doctree: nodes.document, docname: str) -> None:
    for formula in list(doctree.findall(nodes.math)):
        parent = formula.parent
        position = parent.index(formula)
        before = _touching(parent, position - 1, OPENING)
        after = _touching(parent, position + 1, CLOSING)
        if not before and not after:
            continue
        if after:
            parent[position + 1] = nodes.Text(parent[position + 1][len(after) :])
        if before:
            parent[position - 1] = nodes.Text(parent[position - 1][: -len(before)])
        together = nodes.inline(classes=["bk-together"])
        parent[position] = together
        together += [nodes.Text(before), formula, nodes.Text(after)]


def _touching(parent: nodes.Element, position: int, pattern: re.Pattern[str]) -> str:
    if 0 <= position < len(parent) and isinstance(parent[position], nodes.Text):
        found = pattern.search(parent[position].astext())
        return found[0] if found else ""
    return ""
