"""Exercises: the stub and the folded solution in the page, and the page's notebook to download."""

from sphinx.application import Sphinx

from bookkit.exercises import notebook, page


def setup(app: Sphinx) -> None:
    """Connect the transforms of the page and the writer of the notebooks."""
    page.setup(app)
    notebook.setup(app)
