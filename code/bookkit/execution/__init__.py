"""Execution of the chapters: only what is out of date, two at a time, before Sphinx reads them.

jupyter-cache recognises a notebook by its cells and its kernelspec alone. Here the kernelspec
also carries a hash of everything else the outputs depend on (`bookkit.execution.dependencies`),
so a chapter is executed again when a module or a data file that it uses changes, and only then.
"""

import json
from pathlib import Path

import yaml
from jupyter_cache import get_cache
from jupyter_cache.base import JupyterCacheAbstract
from myst_nb.core.read import (
    MystMetadataParsingError,
    create_nb_reader,
    is_myst_markdown_notebook,
    read_myst_markdown_notebook,
)
from myst_nb.sphinx_ import SphinxEnvType
from nbformat import NotebookNode
from sphinx.application import Sphinx
from sphinx.errors import ExtensionError
from sphinx.util import logging

from bookkit.execution import times
from bookkit.execution.dependencies import Dependencies
from bookkit.execution.kernels import Failure, describe, execute_all

ROOT = Path(__file__).resolve().parents[3]
KEY = "dependencies"

logger = logging.getLogger(__name__)


class Executor:
    """The hooks of one build: stamp each chapter with its key, execute those out of date."""

    def __init__(self) -> None:
        self.dependencies = Dependencies(ROOT)
        self.executed: list[str] = []
        self.failed: set[str] = set()

    def outdated(
        self, app: Sphinx, env: SphinxEnvType, added: set, changed: set, removed: set
    ) -> list[str]:
        """Report the chapters whose dependencies changed, and those that failed last time."""
        seen = env.__dict__.setdefault("bookkit_keys", {})
        return [
            docname
            for docname in env.found_docs - added - changed
            if docname in seen and seen[docname] != self._key(app, docname)
        ]

    def execute(self, app: Sphinx, env: SphinxEnvType, docnames: list[str]) -> None:
        """Execute the chapters about to be read that jupyter-cache does not know."""
        cache = get_cache(env.mystnb_config.execution_cache_path)
        notebooks = {}
        for docname in docnames:
            notebook = _read_notebook(app, env, docname)
            if notebook is not None and not _is_cached(cache, notebook):
                notebooks[docname] = notebook
        if not notebooks:
            return
        logger.info("executing %d chapter(s)", len(notebooks))
        timeout = env.mystnb_config.execution_timeout
        jobs = {name: (Path(env.doc2path(name)), nb) for name, nb in notebooks.items()}
        for docname, execution in execute_all(jobs, timeout):
            self.executed.append(docname)
            logger.info("executed %s in %.1f s", docname, execution.seconds)
            if execution.failure:
                self._report(docname, execution.failure, execution.notebook)
            else:
                cache.cache_notebook_bundle(
                    execution.bundle(), check_validity=False, overwrite=True
                )

    def stamp(self, app: Sphinx, docname: str, source: list[str]) -> None:
        """Put the chapter's key into the kernelspec that jupyter-cache hashes.

        A chapter that failed is read without outputs: one message says why, and Sphinx goes on
        to find the other faults of the book.
        """
        if not is_myst_markdown_notebook(source[0]):
            return
        key = self._key(app, docname)
        settings = {"kernelspec": {"name": "python3", KEY: key}}
        if docname in self.failed:
            settings["mystnb"] = {"execution_mode": "off"}
            settings["language_info"] = {"name": "python", "pygments_lexer": "ipython3"}
            key = "failed"
        app.env.__dict__.setdefault("bookkit_keys", {})[docname] = key
        source[0] = _with_metadata(source[0], settings)

    def finish(self, app: Sphinx, exception: Exception | None) -> None:
        """Write what was executed, and make the build fail if a chapter did, with `-W` or not."""
        if self.failed:
            app.statuscode = 1
        if exception is None and app.env is not None:
            report = {"executed": sorted(self.executed), "seconds": times.seconds(app.env)}
            path = Path(app.outdir).parent / "reports" / "execution.json"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(json.dumps(report, indent=1, sort_keys=True), encoding="utf8")

    def _key(self, app: Sphinx, docname: str) -> str:
        path = Path(app.env.doc2path(docname))
        try:
            return self.dependencies.key(_code_cells(path.read_text(encoding="utf8")))
        except MystMetadataParsingError as error:
            raise ExtensionError(f"{path.relative_to(app.srcdir)}: {error}") from error

    def _report(self, docname: str, failure: Failure, notebook: NotebookNode) -> None:
        self.failed.add(docname)
        logger.warning(
            "%s",
            describe(failure, notebook),
            location=(docname, notebook.metadata.source_map[failure.cell]),
            type="bookkit",
            subtype="execution",
        )


def _read_notebook(app: Sphinx, env: SphinxEnvType, docname: str) -> NotebookNode | None:
    """Return the notebook exactly as myst-nb will read it, or None for a page without code."""
    path = env.doc2path(docname)
    source = [Path(path).read_text(encoding="utf8")]
    app.emit("source-read", docname, source)
    config = env.mystnb_config
    reader = create_nb_reader(path, env.myst_config, config, source[0])
    if reader is None or config.execution_mode != "cache":
        return None
    notebook = reader.read(source[0])
    return notebook if any(cell.cell_type == "code" for cell in notebook.cells) else None


def _is_cached(cache: JupyterCacheAbstract, notebook: NotebookNode) -> bool:
    try:
        cache.match_cache_notebook(notebook)
    except KeyError:
        return False
    return True


def _code_cells(text: str) -> list[str]:
    """Return the code of a page; a page without a notebook's front matter has none."""
    if not is_myst_markdown_notebook(text):
        return []
    cells = read_myst_markdown_notebook(text).cells
    return [cell.source for cell in cells if cell.cell_type == "code"]


def _with_metadata(text: str, settings: dict[str, dict[str, str]]) -> str:
    """Merge settings into the front matter, keeping its number of lines.

    Warnings name lines, so nothing below the front matter may move: the metadata becomes one
    line of YAML in flow style, padded with empty lines.
    """
    lines = text.splitlines(keepends=True)
    end = next(i for i, line in enumerate(lines[1:], 1) if line.startswith(("---", "...")))
    metadata = yaml.safe_load("".join(lines[1:end]))
    for name, values in settings.items():
        metadata[name] = {**metadata.get(name, {}), **values}
    flow = yaml.safe_dump(metadata, default_flow_style=True, width=float("inf"), sort_keys=False)
    return "".join([lines[0], flow.strip(), "\n" * (end - 1), *lines[end:]])


def setup(app: Sphinx) -> None:
    """Connect the hooks."""
    executor = Executor()
    app.connect("env-get-outdated", executor.outdated)
    app.connect("env-before-read-docs", executor.execute)
    app.connect("source-read", executor.stamp)
    app.connect("build-finished", executor.finish)
    times.setup(app)
