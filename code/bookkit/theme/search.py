"""The index of the search in pieces, of which a reader loads those that the question needs.

Sphinx writes one script with every word of the book, ``searchindex.js``, and reads it at the next
build. It grows with the book, so no page loads it. The search's page loads the titles and, when
there is a question, the pieces in which its words stand; ``static/bookkit/search.js`` asks for
them. The results are those of Sphinx's own search in the whole index, but for two things:

- The numbers of equations are looked through only when the question has a digit, for else the word
  "equation" would find them all.
- A word whose stem is a stop word, as "is" is that of "Ising", is found.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any

from sphinx.application import Sphinx
from sphinx.builders.html import StandaloneHTMLBuilder
from sphinx.search import js_index
from sphinx.search.en import SearchEnglish

FOLDER = "_static/search"
FIRST = "index.js"
CHARACTERS = 10_000
ENGLISH = SearchEnglish({})
EQUATION = re.compile(r"Equation \([\d.]+\)")


def setup(app: Sphinx) -> None:
    """Write the pieces when Sphinx has written the whole."""
    app.connect("build-finished", _write)


def in_pieces(index: Mapping[str, Any]) -> dict[str, str]:
    """Cut an index into scripts.

    Parameters
    ----------
    index : mapping
        What Sphinx's search works with.

    Returns
    -------
    dict of str to str
        Scripts by their names. The first sets the index without its words and says where they
        are; each of the others adds something to it. Their names depend on what they hold, so
        that a browser never joins pieces of two editions.
    """
    scripts = {}

    def add(code: str) -> str:
        name = f"{sha256(code.encode()).hexdigest()[:12]}.js"
        scripts[name] = code
        return name

    def extend(part: str, entries: Mapping[str, Any]) -> str:
        return add(f"Object.assign(Search._index.{part},{_dump(entries)})")

    terms, titles = _as_asked(index["terms"]), index["alltitles"]
    numbers = {title: places for title, places in titles.items() if EQUATION.fullmatch(title)}
    first = {
        **index,
        "terms": {},
        "titleterms": _as_asked(index["titleterms"]),
        "alltitles": {title: titles[title] for title in titles.keys() - numbers.keys()},
        "pieces": [[next(iter(piece)), extend("terms", piece)] for piece in _cut(terms)],
        "words": add(f"Search._index.words={_dump(sorted(terms))}"),
        "equations": extend("alltitles", numbers),
    }
    return scripts | {FIRST: f"Search.setIndex({_dump(first)})"}


def _as_asked(terms: Mapping[str, int | list[int]]) -> dict[str, int | list[int]]:
    """File each word where the reader's script looks for it, and leave out what it never asks for.

    Sphinx keeps stop words out of the index by their spelling, so that "The" is there, and a word
    whose stem is a stop word as it is written. The script asks for stems in small letters. A word
    that has left the book stays in the index, with no page, until a build from nothing.
    """
    filed: dict[str, set[int]] = {}
    for term, pages in terms.items():
        word = term.lower()
        if word not in ENGLISH.stopwords and pages != []:
            stem = ENGLISH.stem(word)
            key = stem if stem in ENGLISH.stopwords else term
            filed.setdefault(key, set()).update([pages] if isinstance(pages, int) else pages)
    return {key: sorted(pages) if len(pages) > 1 else min(pages) for key, pages in filed.items()}


def _cut(terms: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Give the words in their order, as many at a time as fit into a piece."""
    piece: dict[str, Any] = {}
    length = 0
    for term in sorted(terms, key=_order):
        more = len(_dump({term: terms[term]}))
        if piece and length + more > CHARACTERS:
            yield piece
            piece, length = {}, 0
        piece[term] = terms[term]
        length += more
    if piece:
        yield piece


def _order(term: str) -> bytes:
    """Order words as JavaScript does, by units of UTF-16."""
    return term.encode("utf-16-be")


def _dump(thing: Any) -> str:
    return json.dumps(thing, ensure_ascii=False, separators=(",", ":"), sort_keys=True)


def _write(app: Sphinx, exception: Exception | None) -> None:
    if exception is not None or app.config.html_theme != "bookkit":
        return
    if not isinstance(app.builder, StandaloneHTMLBuilder):
        return
    whole = Path(app.outdir) / app.builder.searchindex_filename
    scripts = in_pieces(js_index.loads(whole.read_text(encoding="utf-8")))
    folder = Path(app.outdir) / FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    for stale in {path.name for path in folder.iterdir()} - scripts.keys():
        (folder / stale).unlink()
    for name, code in scripts.items():
        (folder / name).write_text(code, encoding="utf-8")
