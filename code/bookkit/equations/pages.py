"""The Sphinx side: marks beside the equations, the pages of the appendix, the report."""

import hashlib
import json
import re
from collections import Counter
from collections.abc import Iterator
from functools import cached_property
from html import escape
from pathlib import Path
from typing import Any

from docutils import nodes
from docutils.nodes import make_id
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.domains import Domain
from sphinx.environment import BuildEnvironment
from sphinx.transforms.post_transforms import SphinxPostTransform
from sphinx.util import logging
from sphinx.util.docutils import SphinxDirective

from bookkit.equations.evidence import TESTS, EquationTest, Piece, listing, read_tests
from bookkit.equations.sources import chapter_of

logger = logging.getLogger(__name__)

# The boxes that state something: every displayed formula in them is numbered.
STATEMENTS = ("theorem", "lemma", "definition", "corollary", "proposition", "axiom")
SHARED = "shared-by-the-tests"
CHECK = '<svg viewBox="0 0 16 16" aria-hidden="true"><path d="M3 8.5l3.2 3.2L13 4.9"/></svg>'


class VerifiedEquations(nodes.General, nodes.Element):
    """Stands for a chapter's tests until every page has been read."""


class EquationsOverview(nodes.General, nodes.Element):
    """Stands for the table of counts until every page has been read."""


class EquationsDomain(Domain):
    """What the environment remembers: each page's displayed formulas, where tests are printed."""

    name = "bookkit-equations"
    label = "verified equations"
    initial_data = {  # noqa: RUF012
        "displayed": {},  # docname -> list of {label, latex, line, statement}
        "appendices": {},  # chapter -> docname
        "overviews": set(),  # docnames
        "verified": {},  # docname -> labels that had a test in the latest build
        "shown": None,  # what the appendix said in the latest build
        "tests": "",  # digest of the tests' sources in the latest build
    }

    @cached_property
    def tests(self) -> dict[str, list[EquationTest]]:
        """Map each label to the tests that verify it, as they are in this build."""
        by_label: dict[str, list[EquationTest]] = {}
        for test in read_tests(Path(self.env.srcdir)):
            for label in test.equations:
                by_label.setdefault(label, []).append(test)
        return by_label

    @property
    def displayed(self) -> dict[str, list[dict[str, Any]]]:
        """List the displayed formulas of each page, in order."""
        return self.data["displayed"]

    @property
    def appendices(self) -> dict[str, str]:
        """Map each chapter to the page that prints its tests."""
        return self.data["appendices"]

    def numbered(self, docname: str) -> list[dict[str, Any]]:
        """List the numbered formulas of a page, in order."""
        return [formula for formula in self.displayed.get(docname, []) if formula["label"]]

    def clear_doc(self, docname: str) -> None:
        """Forget a page that is read again or has left the book."""
        self.displayed.pop(docname, None)
        self.data["overviews"].discard(docname)
        for chapter in [name for name, page in self.appendices.items() if page == docname]:
            del self.appendices[chapter]

    def merge_domaindata(self, docnames: list[str], otherdata: dict[str, Any]) -> None:
        """Take over what another process has read."""
        for docname in docnames:
            if docname in otherdata["displayed"]:
                self.displayed[docname] = otherdata["displayed"][docname]
            if docname in otherdata["overviews"]:
                self.data["overviews"].add(docname)
        for chapter, docname in otherdata["appendices"].items():
            if docname in docnames:
                self.appendices[chapter] = docname

    def process_doc(self, env: BuildEnvironment, docname: str, document: nodes.document) -> None:
        """Note a page's displayed formulas; those that a cell printed are not the text's."""
        found = [
            {
                "label": math.get("label"),
                "latex": math.astext(),
                "line": math.line,
                "statement": _statement_around(math),
            }
            for math in document.findall(nodes.math_block)
            if not any("cell_output" in box.get("classes", ()) for box in _ancestors(math))
        ]
        if found:
            self.displayed[docname] = found


def _ancestors(node: nodes.Node) -> Iterator[nodes.Element]:
    while node.parent is not None:
        node = node.parent
        yield node


def _statement_around(math: nodes.math_block) -> str | None:
    """Name the kind of box in which a formula states something, if it does."""
    boxes = {type(box).__name__ for box in _ancestors(math)}
    return next((kind for kind in STATEMENTS if f"{kind}_node" in boxes), None)


def _domain(env: BuildEnvironment) -> EquationsDomain:
    domain = env.get_domain(EquationsDomain.name)
    assert isinstance(domain, EquationsDomain)
    return domain


def equation_number(env: BuildEnvironment, docname: str, label: str) -> str:
    """Give the number that the page shows beside an equation."""
    if env.config.math_numfig and env.config.numfig:
        numbers = env.toc_fignumbers.get(docname, {}).get("displaymath", {})
        parts = [str(part) for part in numbers.get(make_id(f"equation-{label}"), ())]
        separator = env.config.math_numsep
        return ".".join(parts[:-1]) + (separator if parts[:-1] else "") + "".join(parts[-1:])
    return str(env.get_domain("math").data["objects"][label][1])


class VerifiedEquationsDirective(SphinxDirective):
    """Print every numbered equation of a chapter with its tests."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        """Note where the chapter's tests are printed, and hold the place."""
        chapter = self.arguments[0]
        _domain(self.env).appendices[chapter] = self.env.docname
        node = VerifiedEquations(chapter=chapter)
        self.set_source_info(node)
        return [node]


class EquationsOverviewDirective(SphinxDirective):
    """Print how many formulas each chapter displays, numbers and verifies."""

    def run(self) -> list[nodes.Node]:
        """Hold the place."""
        _domain(self.env).data["overviews"].add(self.env.docname)
        return [EquationsOverview()]


class PrintTests(SphinxPostTransform):
    """Fill the appendix: before references are resolved, so that its own are."""

    default_priority = 5

    def run(self, **kwargs: Any) -> None:
        """Replace the placeholders."""
        for node in list(self.document.findall(VerifiedEquations)):
            node.replace_self(self._chapter(node))
        for overview in list(self.document.findall(EquationsOverview)):
            overview.replace_self(_overview(self.app))

    def _chapter(self, node: VerifiedEquations) -> list[nodes.Node]:
        domain = _domain(self.env)
        pages = [name for name in domain.displayed if chapter_of(name) == node["chapter"]]
        if not pages:
            logger.warning("no chapter %r has displayed formulas", node["chapter"], location=node)
        formulas = [(page, formula) for page in pages for formula in domain.numbered(page)]
        tests = {test for _, formula in formulas for test in domain.tests.get(formula["label"], [])}
        uses = Counter(helper for test in tests for helper in test.helpers)
        shared = {helper for helper, times in uses.items() if times > 1}
        printed: dict[EquationTest, nodes.reference] = {}
        sections = [self._equation(page, formula, shared, printed) for page, formula in formulas]
        return [*sections, _shared_helpers(shared)] if shared else sections

    def _equation(
        self,
        page: str,
        formula: dict[str, Any],
        shared: set[Piece],
        printed: dict[EquationTest, nodes.reference],
    ) -> nodes.section:
        """Print one equation with its tests; a test's source stands with its first equation."""
        label, latex = formula["label"], formula["latex"]
        section = nodes.section(ids=[f"verified-{label}"], classes=["bk-evidence"])
        section += nodes.title("", "Equation ", _reference_to(label, self.env.docname))
        section += nodes.math_block(latex, latex, nowrap=False, number=None, label=None)
        for test in _domain(self.env).tests.get(label, []):
            section += _account(test)
            if test in printed:
                section += nodes.paragraph(
                    "",
                    "Its source stands with equation ",
                    printed[test].deepcopy(),
                    nodes.Text("."),
                )
            else:
                section += _folded_source(test, shared)
                number = f"({equation_number(self.env, page, label)})"
                printed[test] = nodes.reference(
                    "", number, refid=f"verified-{label}", internal=True
                )
        return section


def _reference_to(label: str, docname: str) -> addnodes.pending_xref:
    return addnodes.pending_xref(
        "",
        nodes.inline(label, label),
        refdomain="math",
        reftype="eq",
        reftarget=label,
        refdoc=docname,
        refexplicit=False,
        refwarn=True,
    )


def _account(test: EquationTest) -> nodes.Node:
    """Say in words what a test does."""
    listing = nodes.definition_list(classes=["bk-account"])
    facts = [("Test", [nodes.literal(test.name, test.name), *_sentence(test.summary)])]
    routes: list[nodes.Node] = []
    for route in test.routes:
        routes += [nodes.Text(", "), nodes.literal(route, route)]
    facts.append(("Routes compared", routes[1:]))
    facts.append(("Wrong versions that fail it", [nodes.Text("; ".join(test.refuted))]))
    for term, content in facts:
        listing += nodes.definition_list_item(
            "", nodes.term(term, term), nodes.definition("", nodes.paragraph("", "", *content))
        )
    return listing


def _sentence(text: str) -> list[nodes.Node]:
    """Turn a docstring's first paragraph into text, its ``quoted code`` into literals."""
    parts: list[nodes.Node] = [nodes.Text(": ")] if text else []
    for position, part in enumerate(re.split(r"``?([^`]+)``?", text)):
        parts.append(nodes.literal(part, part) if position % 2 else nodes.Text(part))
    return parts


def _folded_source(test: EquationTest, shared: set[Piece]) -> nodes.Element:
    """Print a test with the helpers that it alone uses, and say where the others are."""
    source = listing([test.piece, *(helper for helper in test.helpers if helper not in shared)])
    folded = nodes.container(classes=["bk-test-source"])
    summary = f'<details class="bk-fold"><summary>Read <code>{escape(test.name)}</code></summary>'
    folded += nodes.raw("", summary, format="html")
    folded += nodes.literal_block(source, source, language="python")
    if names := sorted(helper.name for helper in test.helpers if helper in shared):
        link = nodes.reference("", "the end of the page", refid=SHARED, internal=True)
        helpers: list[nodes.Node] = []
        for name in names:
            helpers += [nodes.Text(", "), nodes.literal(name, name)]
        folded += nodes.paragraph(
            "",
            "Shared with other tests, at ",
            link,
            nodes.Text(": "),
            *helpers[1:],
            nodes.Text("."),
        )
    folded += nodes.raw("", "</details>", format="html")
    return folded


def _shared_helpers(shared: set[Piece]) -> nodes.section:
    section = nodes.section(ids=[SHARED])
    section += nodes.title("", "What the tests share")
    section += nodes.literal_block(listing(shared), listing(shared), language="python")
    return section


def _counts(app: Sphinx) -> list[dict[str, Any]]:
    """Count each chapter's displayed, numbered and verified formulas, in the book's order."""
    domain = _domain(app.env)
    order = {name: place for place, name in enumerate(_reading_order(app.env))}
    return [
        {
            "page": page,
            "displayed": len(domain.displayed[page]),
            "numbered": len(domain.numbered(page)),
            "verified": sum(formula["label"] in domain.tests for formula in domain.numbered(page)),
        }
        for page in sorted(domain.displayed, key=lambda page: order.get(page, len(order)))
    ]


def _reading_order(env: BuildEnvironment) -> list[str]:
    order, open_ = [], [env.config.root_doc]
    while open_:
        docname = open_.pop()
        order.append(docname)
        open_ += reversed([page for page in env.toctree_includes.get(docname, ())])
    return order


def _overview(app: Sphinx) -> nodes.table:
    domain = _domain(app.env)
    rows = [
        (
            _page_reference(row["page"], domain, app),
            row["displayed"],
            row["numbered"],
            row["verified"],
        )
        for row in _counts(app)
    ]
    total = [sum(row[column] for row in rows) for column in (1, 2, 3)]
    table = nodes.table(classes=["bk-equations-overview"])
    group = nodes.tgroup(cols=4)
    table += group
    for _ in range(4):
        group += nodes.colspec(colwidth=1)
    head, body = nodes.thead(), nodes.tbody()
    group += [head, body]
    titles = ("Chapter", "Displayed", "Numbered", "Verified")
    head += _row([nodes.Text(title) for title in titles])
    for name, *counts in rows:
        body += _row([name, *(nodes.Text(str(count)) for count in counts)])
    body += _row([nodes.strong("", "The whole book"), *(nodes.Text(str(n)) for n in total)])
    return table


def _page_reference(page: str, domain: EquationsDomain, app: Sphinx) -> nodes.Node:
    """Name a chapter, linked to the page that prints its tests."""
    title = app.env.titles[page].astext()
    target = domain.appendices.get(chapter_of(page))
    if target is None:
        return nodes.Text(title)
    return addnodes.pending_xref(
        "",
        nodes.inline(title, title),
        refdomain="std",
        reftype="doc",
        reftarget="/" + target,
        refdoc=app.env.docname,
        refexplicit=True,
        refwarn=True,
    )


def _row(cells: list[nodes.Node]) -> nodes.row:
    row = nodes.row()
    for cell in cells:
        row += nodes.entry("", nodes.paragraph("", "", cell))
    return row


def mark_equations(app: Sphinx, doctree: nodes.document, docname: str) -> None:
    """Put a check mark beside each equation that has a test."""
    domain = _domain(app.env)
    appendix = domain.appendices.get(chapter_of(docname))
    if app.builder.format != "html" or not domain.numbered(docname):
        return
    for math in list(doctree.findall(nodes.math_block)):
        label = math.get("label")
        if label not in domain.tests:
            continue
        if appendix is None:
            logger.warning(
                "%s has a test, but no page prints it: write one with the directive "
                "{verified-equations} %s",
                label,
                chapter_of(docname),
                location=math,
            )
            continue
        number = equation_number(app.env, docname, label)
        address = f"{app.builder.get_relative_uri(docname, appendix)}#verified-{label}"
        name = escape(f"Verified: read the test of equation {number}")
        mark = nodes.raw(
            "",
            f'<a class="bk-verified" href="{escape(address)}" title="{name}" '
            f'aria-label="{name}">{CHECK}</a>',
            format="html",
        )
        pair = nodes.container(classes=["bk-equation"])
        # Not replace_self: that would give the pair a copy of the formula's id.
        math.parent.replace(math, pair)
        pair += [math, mark]


def outdated_pages(
    app: Sphinx, env: BuildEnvironment, added: set[str], changed: set[str], removed: set[str]
) -> list[str]:
    """Have the appendix read again when a test has changed, been added or been removed.

    A page can depend on files that exist; this sees a test module that is new as well.
    """
    domain = _domain(env)
    digest = hashlib.sha256()
    for path in sorted((Path(app.srcdir) / TESTS).glob("test_*.py")):
        digest.update(path.name.encode() + path.read_bytes())
    if digest.hexdigest() == domain.data["tests"]:
        return []
    domain.data["tests"] = digest.hexdigest()
    return [page for page in _appendix_pages(domain) if page not in removed]


def pages_to_write(app: Sphinx, env: BuildEnvironment) -> list[str]:
    """Have the appendix written again when it would say something else, chapters for their marks.

    Equations are numbered when all pages have been read, so a page can be out of date although
    its own source is not.
    """
    domain = _domain(env)
    shown = {
        page: [
            (formula["label"], formula["latex"], equation_number(env, page, formula["label"]))
            for formula in domain.numbered(page)
        ]
        for page in domain.displayed
    }
    verified = {
        page: [label for label, _, _ in formulas if label in domain.tests]
        for page, formulas in shown.items()
    }
    marks_before, shown_before = domain.data["verified"], domain.data["shown"]
    domain.data["verified"], domain.data["shown"] = verified, (shown, _counts(app))
    pages = [page for page in verified if verified[page] != marks_before.get(page)]
    return pages if domain.data["shown"] == shown_before else [*pages, *_appendix_pages(domain)]


def _appendix_pages(domain: EquationsDomain) -> list[str]:
    return sorted({*domain.appendices.values(), *domain.data["overviews"]})


def write_report(app: Sphinx, exception: Exception | None) -> None:
    """Write what Sphinx knows of the equations, for the tests that compare it."""
    if exception is not None or app.builder.format != "html":
        return
    domain = _domain(app.env)
    labels = {
        label: page for label, (page, _) in app.env.get_domain("math").data["objects"].items()
    }
    report = {"labels": labels, "counts": _counts(app), "displayed": domain.displayed}
    path = Path(app.outdir).parent / "reports" / "equations.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(report, indent=1, sort_keys=True), encoding="utf-8")


def setup(app: Sphinx) -> dict[str, Any]:
    """Register everything with Sphinx."""
    app.add_domain(EquationsDomain)
    app.add_node(VerifiedEquations)
    app.add_node(EquationsOverview)
    app.add_directive("verified-equations", VerifiedEquationsDirective)
    app.add_directive("equations-overview", EquationsOverviewDirective)
    app.add_post_transform(PrintTests)
    app.connect("env-get-outdated", outdated_pages)
    # After Sphinx itself, which numbers the equations on this event.
    app.connect("env-get-updated", pages_to_write, priority=900)
    app.connect("doctree-resolved", mark_equations)
    app.connect("build-finished", write_report)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
