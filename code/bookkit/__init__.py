"""What the site is built with: one Sphinx extension, made of one module for each concern."""

from importlib import import_module
from typing import Any

from sphinx.application import Sphinx

PARTS = ("theme", "mathml", "widgets", "exercises", "equations", "diagrams", "execution")


def setup(app: Sphinx) -> dict[str, Any]:
    """Set up every part of the site's machinery."""
    for part in PARTS:
        import_module(f"bookkit.{part}").setup(app)
    return {"version": "0.1.0", "parallel_read_safe": True, "parallel_write_safe": True}
