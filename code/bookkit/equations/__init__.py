"""Verified equations: a mark beside each numbered equation, an appendix with its test.

`sources` reads the labels in the chapters' text, `evidence` the tests, `completeness` compares
the lists, `review` keeps the hashes of the formulas that were compared with their tests, `pages`
is the Sphinx side.
"""

from pathlib import Path
from typing import Any

from sphinx.application import Sphinx

from bookkit import theme
from bookkit.equations import pages


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the pages' part, and its looks with the book's theme."""
    theme.add_css(app, Path(__file__).with_name("equations.css"))
    return pages.setup(app)
