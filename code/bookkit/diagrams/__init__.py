"""Diagrams drawn from a description: maps whose boxes are links to the pages of the book.

A description is a YAML file beside the chapters. ``layout`` places its boxes for a wide and for a
narrow page, ``svg`` writes both as SVG in the page itself, so that their colours follow the theme
and their links are those of the book; ``directive`` is the Sphinx side.
"""

from pathlib import Path
from typing import Any

from sphinx.application import Sphinx

from bookkit import theme
from bookkit.diagrams import directive


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the directive, and its looks with the book's theme."""
    theme.add_css(app, Path(__file__).with_name("diagrams.css"))
    return directive.setup(app)
