"""What a page's two tables of contents say: the book's parts and the page's own sections."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass

from docutils import nodes
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.builders.html import StandaloneHTMLBuilder
from sphinx.environment import BuildEnvironment


@dataclass
class Entry:
    """A page in the table of contents; ``title`` is HTML."""

    title: str
    href: str
    is_current: bool
    children: list[Entry]

    @property
    def holds_current(self) -> bool:
        """Whether the page is this one or below it."""
        return self.is_current or any(child.holds_current for child in self.children)


@dataclass
class Part:
    """A part of the book; ``caption`` is empty for pages that stand alone."""

    caption: str
    entries: list[Entry]

    @property
    def is_current(self) -> bool:
        """Whether the page belongs to this part."""
        return any(entry.holds_current for entry in self.entries)


@dataclass
class Heading:
    """A section of the page; ``title`` is HTML."""

    title: str
    anchor: str
    children: list[Heading]


def setup(app: Sphinx) -> None:
    """Have every page written again when the table of contents has changed."""
    # After Sphinx itself, which numbers the sections on this event.
    app.connect("env-get-updated", _pages_with_old_contents, priority=900)


def _pages_with_old_contents(app: Sphinx, env: BuildEnvironment) -> list[str]:
    """Return all pages when a title or the order of the pages is new, else none."""
    root = env.get_doctree(app.config.root_doc)
    order = [(t.get("caption"), t["entries"]) for t in root.findall(addnodes.toctree)]
    titles = {name: title.astext() for name, title in env.titles.items()}
    contents = (order, titles, env.toctree_includes, env.toc_secnumbers)
    old = getattr(env, "bookkit_contents", None)
    env.bookkit_contents = deepcopy(contents)  # type: ignore[attr-defined]
    return [] if old == contents else sorted(env.found_docs)


def parts(builder: StandaloneHTMLBuilder, pagename: str) -> list[Part]:
    """Return the parts of the book in their order."""
    return [
        Part(caption, _entries(builder, pagename, entries))
        for caption, entries in _toctrees(builder, builder.config.root_doc)
    ]


def page_contents(builder: StandaloneHTMLBuilder, pagename: str) -> list[Heading]:
    """Return the sections of a page, two levels deep, without its title."""
    if pagename not in builder.env.tocs:
        return []
    top = builder.env.tocs[pagename].deepcopy()
    sections = [child for item in top.children for child in item.children[1:]]
    return [heading for lst in sections for heading in _headings(builder, lst, depth=2)]


def _entries(
    builder: StandaloneHTMLBuilder, pagename: str, entries: list[tuple[str | None, str]]
) -> list[Entry]:
    found = []
    for title, docname in entries:
        if docname not in builder.env.titles:
            continue
        below = [
            entry
            for _, inner in _toctrees(builder, docname)
            for entry in _entries(builder, pagename, inner)
        ]
        href = "#" if docname == pagename else builder.get_relative_uri(pagename, docname)
        text = title or _title(builder, docname)
        found.append(Entry(text, href, docname == pagename, below))
    return found


def _toctrees(
    builder: StandaloneHTMLBuilder, docname: str
) -> list[tuple[str, list[tuple[str | None, str]]]]:
    """Return the caption and the entries of each table of contents in a page's source.

    Every page shows those of all pages: each is read once for a build.
    """
    if docname not in builder.env.toctree_includes:
        return []
    known = builder.__dict__.setdefault("bookkit_toctrees", {})
    if docname not in known:
        toctrees = builder.env.get_doctree(docname).findall(addnodes.toctree)
        known[docname] = [(t.get("caption") or "", t["entries"]) for t in toctrees]
    return known[docname]


def _title(builder: StandaloneHTMLBuilder, docname: str) -> str:
    """Return the title of a page as HTML, made once for a build."""
    known = builder.__dict__.setdefault("bookkit_titles", {})
    if docname not in known:
        known[docname] = builder.render_partial(builder.env.titles[docname])["title"]
    return known[docname]


def _headings(builder: StandaloneHTMLBuilder, items: nodes.Element, depth: int) -> list[Heading]:
    if depth == 0 or not isinstance(items, nodes.bullet_list):
        return []
    headings = []
    for item in items.findall(nodes.list_item):
        if item.parent is not items:
            continue
        reference = next(item.findall(nodes.reference))
        title = nodes.inline("", "", *(child.deepcopy() for child in reference.children))
        below = [h for child in item.children[1:] for h in _headings(builder, child, depth - 1)]
        headings.append(
            Heading(builder.render_partial(title)["fragment"], reference["anchorname"], below)
        )
    return headings
