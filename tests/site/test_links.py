"""The pages as files: links and their targets, identifiers, formulas, letters of the fonts."""

import re
import unicodedata
from collections import Counter
from itertools import pairwise
from pathlib import Path
from urllib.parse import unquote, urlsplit

from book_pages import places, soup
from bookkit.theme.make_fonts import FONTS
from bs4 import BeautifulSoup, NavigableString
from built_site import Site
from fontTools.ttLib import TTFont

LINKS = {"a": "href", "link": "href", "img": "src", "script": "src", "source": "src"}
RED = ("katex-error", "#cc0000", "#b22222", "merror", "temml-error")
FONT_BYTES = 50_000
BOLD = "strong, b, th, dt, h1, h2, h3, h4"
ITALIC = "em, i, cite, .theorem section > p, .lemma section > p, .corollary section > p"
UI = "figcaption, caption, table, .admonition-title, summary, nav, footer, .bk-eyebrow, .label"
NOT_TEXT = "code, pre, math, script, style, svg, kbd, .eqno, .headerlink, .bk-widget"


def broken_links(html: Path, name: str) -> list[str]:
    """Return the links of a page that lead to no file, or to no place in it."""
    page = html / name
    broken = []
    for tag, attribute in LINKS.items():
        for element in soup(page).select(f"{tag}[{attribute}]"):
            address = element[attribute]
            parts = urlsplit(address)
            if parts.scheme or parts.netloc:
                continue
            target = (page.parent / unquote(parts.path)).resolve() if parts.path else page
            if not target.is_file() or not target.is_relative_to(html.resolve()):
                broken.append(address)
            elif parts.fragment and target.suffix == ".html":
                known = places(target)
                if unquote(parts.fragment) not in known:
                    broken.append(address)
    return broken


def test_no_link_is_broken(any_site: Site):
    faults = {name: broken_links(any_site.html.resolve(), name) for name in any_site.pages()}
    assert {name: links for name, links in faults.items() if links} == {}


def test_a_broken_link_is_found(tmp_path):
    (tmp_path / "page.html").write_text(
        '<p id="here"><a href="#here">1</a><a href="#there">2</a><a href="none.html">3</a>'
        '<img src="none.svg"><a href="page.html#there">4</a><a href="https://example.org/">5</a>'
    )
    broken = ["#there", "none.html", "page.html#there", "none.svg"]
    assert broken_links(tmp_path.resolve(), "page.html") == broken


def test_no_identifier_stands_twice(any_site: Site):
    for name in any_site.pages():
        counts = Counter(element["id"] for element in soup(any_site.html / name).select("[id]"))
        assert [identifier for identifier, count in counts.items() if count > 1] == [], name


def test_no_formula_is_red(any_site: Site):
    for name in any_site.pages():
        text = (any_site.html / name).read_text(encoding="utf-8").lower()
        assert [sign for sign in RED if sign in text] == [], name


def test_no_raw_formula_is_left_in_the_text(any_site: Site):
    for name in any_site.pages():
        page = BeautifulSoup((any_site.html / name).read_bytes(), "lxml")
        for element in page.select(NOT_TEXT):
            element.decompose()
        assert re.findall(r"\$\$|\\begin\{|\\frac|\\theta", page.main.get_text()) == [], name


def test_every_page_has_one_title_and_falls_through_its_headings_in_order(any_site: Site):
    for name in any_site.pages():
        page = soup(any_site.html / name)
        levels = [int(heading.name[1]) for heading in page.select("main :is(h1,h2,h3,h4,h5,h6)")]
        assert levels.count(1) == 1, name
        assert levels[0] == 1, name
        assert all(b - a <= 1 for a, b in pairwise(levels)), name
        assert page.title.get_text(strip=True), name


def is_text(character: str) -> bool:
    """Whether a character is a Latin letter, a number or punctuation."""
    kind = unicodedata.category(character)
    return kind[0] in "NP" or "LATIN" in unicodedata.name(character, "")


def test_the_text_faces_are_small():
    fonts = list(FONTS.glob("*.woff2"))
    assert len(fonts) == 4
    assert sum(font.stat().st_size for font in fonts) <= FONT_BYTES


def test_the_text_faces_have_every_letter_of_the_book(any_site: Site):
    """A letter that is missing would be drawn in another face, in the midst of a word.

    Greek letters and signs may come from the reader's own fonts.
    """
    faces = {
        name: set(TTFont(FONTS / f"{name}.woff2").getBestCmap())
        for name in ("serif", "serif-italic", "serif-bold", "sans")
    }
    missing = set()
    for name in any_site.pages():
        page = BeautifulSoup((any_site.html / name).read_bytes(), "lxml")
        for element in page.select(NOT_TEXT):
            element.decompose()
        selected = {
            "sans": {id(e) for e in page.select(UI)},
            "serif-bold": {id(e) for e in page.select(BOLD)},
            "serif-italic": {id(e) for e in page.select(ITALIC)},
        }
        for string in page.body.find_all(string=True):
            if type(string) is not NavigableString:
                continue
            ancestors = {id(parent) for parent in string.parents}
            face = next((f for f, elements in selected.items() if elements & ancestors), "serif")
            letters = {c for c in string if c > " " and is_text(c)}
            missing |= {(name, face, c) for c in letters if ord(c) not in faces[face]}
    assert missing == set()
