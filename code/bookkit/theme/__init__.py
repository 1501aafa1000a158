"""Stub."""

from pathlib import Path


def setup(app):
    """Register the theme."""
    app.add_html_theme("bookkit", str(Path(__file__).parent))
