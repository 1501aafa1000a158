"""The directive ``{execution-times}``: a table of the chapters with the time each one takes."""

from collections.abc import Iterable

from docutils import nodes
from myst_nb.sphinx_ import NbMetadataCollector
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.util.docutils import SphinxDirective

PAGES = "bookkit_times_pages"


class execution_times(nodes.General, nodes.Element):
    """The place of the table, until every chapter has been read."""


class ExecutionTimes(SphinxDirective):
    """Leave a mark where the table goes, and remember the page."""

    def run(self) -> list[nodes.Node]:
        """Return the mark."""
        self.env.__dict__.setdefault(PAGES, set()).add(self.env.docname)
        return [execution_times()]


def seconds(env: BuildEnvironment) -> dict[str, float]:
    """Return the measured seconds of every chapter, also of those taken from the cache."""
    data = NbMetadataCollector.get_doc_data(env)  # type: ignore[arg-type]
    return {
        docname: data[docname]["exec_data"]["runtime"]
        for docname in sorted(data)
        if data[docname].get("exec_data", {}).get("runtime") is not None
    }


def refresh(app: Sphinx, env: BuildEnvironment) -> Iterable[str]:
    """Have the pages with the table written again when a chapter was executed."""
    fresh = NbMetadataCollector.new_exec_data(env)  # type: ignore[arg-type]
    return env.__dict__.get(PAGES, set()) & env.found_docs if fresh else ()


def fill(app: Sphinx, doctree: nodes.document, docname: str) -> None:
    """Put the table where the mark is."""
    for mark in list(doctree.findall(execution_times)):
        mark.replace_self(_table(app, docname, seconds(app.env)))


def _table(app: Sphinx, docname: str, times: dict[str, float]) -> nodes.table:
    in_order = [name for name in app.env.collect_relations() if name in times]
    rows = [
        [_link(app, docname, name), nodes.paragraph(text=f"{times[name]:.1f}")] for name in in_order
    ]
    total = nodes.paragraph(text=f"{sum(times.values()):.1f}")
    rows.append([nodes.paragraph("", "", nodes.strong(text="All pages")), total])
    header = [nodes.paragraph(text="Page"), nodes.paragraph(text="Time in seconds")]
    body = nodes.tbody("", *map(_row, rows))
    group = nodes.tgroup("", cols=2)
    group += [nodes.colspec(colwidth=70), nodes.colspec(colwidth=30)]
    group += [nodes.thead("", _row(header)), body]
    return nodes.table("", group)


def _row(cells: list[nodes.paragraph]) -> nodes.row:
    return nodes.row("", *(nodes.entry("", cell) for cell in cells))


def _link(app: Sphinx, docname: str, target: str) -> nodes.paragraph:
    title = app.env.titles[target].deepcopy()
    link = nodes.reference("", "", *title.children, internal=True)
    link["refuri"] = app.builder.get_relative_uri(docname, target)
    return nodes.paragraph("", "", link)


def setup(app: Sphinx) -> None:
    """Register the directive and its hooks."""
    app.add_node(execution_times)
    app.add_directive("execution-times", ExecutionTimes)
    app.connect("env-updated", refresh)
    app.connect("doctree-resolved", fill)
