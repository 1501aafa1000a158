"""Native folding: hidden cells, solutions and admonitions in ``<details>``; proofs get a head."""

from __future__ import annotations

from typing import Any

from docutils import nodes
from myst_nb.sphinx_ import HideCodeCellNode
from sphinx.application import Sphinx
from sphinx.config import Config


class fold(nodes.General, nodes.Element):
    """A box that the reader opens; its first child is the :class:`fold_title`."""


class fold_title(nodes.General, nodes.TextElement):
    """What stands on a closed box."""


def setup(app: Sphinx) -> None:
    """Register the nodes and the passes that make them."""
    app.add_node(fold, html=(_visit_fold, _depart_fold))
    app.add_node(fold_title, html=(_visit_title, _depart_title))
    app.connect("config-inited", _replace_hidden_cells, priority=900)
    app.connect("doctree-resolved", _fold_dropdowns)
    app.connect("doctree-resolved", _head_proofs)


def _replace_hidden_cells(app: Sphinx, config: Config) -> None:
    app.add_node(HideCodeCellNode, override=True, html=(_visit_cell, _depart_fold))


def _fold_dropdowns(app: Sphinx, doctree: nodes.document, docname: str) -> None:
    """Turn each admonition with the class ``dropdown`` into a folded box."""
    for box in list(doctree.findall(nodes.Admonition)):
        if "dropdown" not in box["classes"]:
            continue
        title = box.next_node(nodes.title)
        head = fold_title("", *_without_links(title) if title else nodes.Text("More"))
        body = [child for child in box.children if child is not title]
        classes = ["admonition", *(name for name in box["classes"] if name != "dropdown")]
        folded = fold("", head, *body, ids=box["ids"], classes=classes)
        box.replace_self(folded)


def _without_links(title: nodes.Element) -> list[nodes.Node]:
    """Return a title's contents with each link replaced by its text: a summary is a control."""
    copy = title.deepcopy()
    for link in list(copy.findall(nodes.reference)):
        link.replace_self(nodes.inline("", "", *link.children))
    return copy.children


def _head_proofs(app: Sphinx, doctree: nodes.document, docname: str) -> None:
    """Set the word Proof apart, and drop the identifiers that sphinx-proof gives to every box."""
    for box in doctree.findall(nodes.Element):
        if "proof-content" in box["ids"]:
            box["ids"].remove("proof-content")
        if not (isinstance(box, nodes.admonition) and "proof" in box["classes"]):
            continue
        box["ids"] = [name for name in box["ids"] if name != "proof"]
        box["classes"].append("bk-proof")
        first = box.next_node(nodes.Text)
        if first is not None and first.startswith("Proof. "):
            head = nodes.emphasis("", "Proof.", classes=["proof-head"])
            rest = nodes.Text(first.removeprefix("Proof."))
            first.parent.replace(first, [head, rest])


def _visit_fold(self: Any, node: nodes.Element) -> None:
    self.body.append(self.starttag(node, "details"))


def _depart_fold(self: Any, node: nodes.Element) -> None:
    self.body.append("</details>\n")


def _visit_title(self: Any, node: fold_title) -> None:
    self.body.append('<summary class="admonition-title">')


def _depart_title(self: Any, node: fold_title) -> None:
    self.body.append("</summary>\n")


def _visit_cell(self: Any, node: HideCodeCellNode) -> None:
    classes = node["classes"]
    text = "Output" if "below-input" in classes or "above-output" in classes else "Code"
    names = " ".join(["bk-fold", *classes])
    self.body.append(f'<details class="{names}">\n<summary>{text}</summary>\n')
