"""The page as a notebook to download: the same text and code, exercises unsolved, nothing run.

The text is written from the page's resolved doctree, so that every number and every reference reads
as it does on the page. The code comes from the source: cells that the page hides are needed too.
"""

import re
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Any

import nbformat
from docutils import nodes
from myst_nb.core.read import create_nb_reader
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx_exercise.nodes import is_exercise_node

from bookkit.exercises.markdown import MarkdownWriter
from bookkit.exercises.markers import MarkerError, has_solution, stub
from bookkit.exercises.page import folded_solution, is_cell

_SOLUTION_GATE = re.compile(r"^(?:`{3,}|:{3,})\{solution-(start|end)\}", re.MULTILINE)
KERNEL = {"name": "python3", "display_name": "Python 3", "language": "python"}


def is_notebook(env: BuildEnvironment, docname: str) -> bool:
    """Say whether a page has cells to run."""
    return "kernelspec" in env.metadata.get(docname, {})


def path_of(app: Sphinx, docname: str) -> Path:
    """Return where the notebook of a page stands: beside the page."""
    return Path(app.outdir, f"{docname}.ipynb")


def write_notebook(app: Sphinx, doctree: nodes.document, docname: str) -> None:
    """Write the notebook of a page as the page itself is written."""
    if app.builder.format != "html" or not is_notebook(app.env, docname):
        return
    try:
        notebook = Export(app, docname).notebook(doctree)
    except MarkerError:  # the page has warned, and a notebook would give the solution away
        return
    path = path_of(app, docname)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(nbformat.writes(notebook) + "\n", encoding="utf-8")


def find_missing(
    app: Sphinx, env: BuildEnvironment, added: set[str], changed: set[str], removed: set[str]
) -> list[str]:
    """Have pages written again whose notebook is gone, although they have not changed."""
    if app.builder.format != "html":
        return []
    return [
        docname
        for docname in env.found_docs - added - changed
        if is_notebook(env, docname) and not path_of(app, docname).exists()
    ]


def remove_notebook(app: Sphinx, env: BuildEnvironment, docname: str) -> None:
    """Remove the notebook of a page that is gone, or that is about to be read again."""
    if app.builder.format == "html":
        path_of(app, docname).unlink(missing_ok=True)


def offer_download(
    app: Sphinx, pagename: str, templatename: str, context: dict[str, Any], doctree: Any
) -> None:
    """Tell the theme the name of the notebook beside the page."""
    if is_notebook(app.env, pagename):
        context["notebook_download"] = f"{PurePosixPath(pagename).name}.ipynb"


class Export:
    """The notebook of one page."""

    def __init__(self, app: Sphinx, docname: str):
        self.app, self.docname = app, docname
        base = (app.config.html_baseurl or "").rstrip("/")
        self.url = f"{base}/{app.builder.get_target_uri(docname)}" if base else ""
        self.writer = MarkdownWriter(app, docname, self.url)
        self.cells: list[nbformat.NotebookNode] = []
        self.text: list[str] = []
        self.code = iter(list(self._code_cells()))

    def notebook(self, doctree: nodes.document) -> nbformat.NotebookNode:
        """Return the notebook, with cell ids that are the same at every build."""
        self._children(doctree, depth=0)
        self._code_before(None)
        self._flush()
        for k, cell in enumerate(self.cells):
            cell["id"] = f"cell-{k}"
        metadata = {"kernelspec": KERNEL, "language_info": {"name": "python"}}
        return nbformat.v4.new_notebook(cells=self.cells, metadata=metadata)

    def _children(self, parent: nodes.Element, depth: int) -> None:
        for child in parent.children:
            self._block(child, depth)

    def _block(self, node: nodes.Node, depth: int) -> None:
        if isinstance(node, nodes.section):
            self._children(node, depth + 1)
        elif isinstance(node, nodes.title):
            self._heading(self.writer.inline(node), depth)
        elif is_cell(node):
            self._cell(node)
        elif is_exercise_node(node):
            self._heading(self.writer.numbered_title(node, "exercise", "Exercise"), depth + 1)
            for child in node.children[1:]:
                self._block(child, depth + 1)
        elif isinstance(node, folded_solution):
            if self.url:
                self.text.append(f"[{node['summary']}]({self.url}#{node['ids'][0]})")
        elif isinstance(node, nodes.Element) and any(node.findall(is_cell)):
            self._children(node, depth)
        else:
            self.text += self.writer.blocks(node)

    def _heading(self, title: str, depth: int) -> None:
        self._flush()
        self.text.append(f"{'#' * max(depth, 1)} {title}")
        if not self.cells:
            self._introduce()

    def _introduce(self) -> None:
        """Say below the first heading where the notebook comes from and what it needs."""
        book = self.app.config.html_title
        if self.url:
            self.text.append(
                f"This notebook is a page of the book *{book}*. "
                f"With its figures and solutions it stands at <{self.url}>."
            )
            self._flush()
        repository = self.app.config.html_context.get("repository")
        if repository:
            self._offer_install(repository)

    def _offer_install(self, repository: str) -> None:
        self.text.append(
            "It needs the book's package `dlmath`. Where that is not installed yet, for example on "
            "Colab or Binder, remove the `#` in the next cell and run it once."
        )
        self._flush()
        requirement = f"dlmath[interactive] @ git+{repository}"
        self.cells.append(nbformat.v4.new_code_cell(f'# %pip install "{requirement}"'))

    def _cell(self, node: nodes.Element) -> None:
        self._code_before(node["cell_index"])
        self._flush()
        for figure in node.findall(nodes.figure):
            self.text += self.writer.blocks(figure)

    def _code_before(self, index: int | None) -> None:
        """Write the code up to the cell with this index, or to the end."""
        for k, cell in self.code:
            self._flush()
            self.cells.append(cell)
            if k == index:
                return

    def _flush(self) -> None:
        if self.text:
            self.cells.append(nbformat.v4.new_markdown_cell("\n\n".join(self.text)))
            self.text = []

    def _code_cells(self) -> Iterator[tuple[int, nbformat.NotebookNode]]:
        """Yield the code cells of the source with their indices, those of solutions left out."""
        env: Any = self.app.env  # myst-nb has added its settings
        path = env.doc2path(self.docname)
        source = Path(path).read_text(encoding="utf-8")
        reader = create_nb_reader(path, env.myst_config, env.mystnb_config, source)
        in_solution = False
        for k, cell in enumerate(reader.read(source).cells):
            if cell.cell_type == "markdown":
                for gate in _SOLUTION_GATE.findall(cell.source):
                    in_solution = gate == "start"
            elif cell.cell_type == "code" and not in_solution:
                yield k, _student_cell(cell)


def _student_cell(cell: nbformat.NotebookNode) -> nbformat.NotebookNode:
    """Return the cell unsolved and not run; what the page folds, JupyterLab folds too."""
    source = stub(cell.source) if has_solution(cell.source) else cell.source
    tags = list(cell.metadata.get("tags", []))
    metadata: dict[str, Any] = {"tags": tags} if tags else {}
    if {"hide-input", "hide-cell", "remove-input", "remove-cell"} & set(tags):
        metadata["jupyter"] = {"source_hidden": True}
    return nbformat.v4.new_code_cell(source, metadata=metadata)


def setup(app: Sphinx) -> None:
    """Write the notebooks with the pages; before other parts decorate the doctree for HTML."""
    app.connect("doctree-resolved", write_notebook, priority=100)
    app.connect("env-get-outdated", find_missing)
    app.connect("env-purge-doc", remove_notebook)
    app.connect("html-page-context", offer_download)
