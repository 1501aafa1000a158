"""Diagrams: what a description may say, where its boxes go, and what the page makes of them."""

import itertools
import re

import pytest
from book_pages import chapters, soup
from bookkit.diagrams.description import DiagramError, read
from bookkit.diagrams.layout import (
    NARROW,
    PADDING,
    SOFT_HYPHEN,
    WIDE,
    place,
    text_width,
    wrap,
)
from bookkit.diagrams.svg import draw
from built_site import ROOT

DESCRIPTIONS = sorted((ROOT / "chapters" / "diagrams").glob("*.yaml"))
ALT = "Boxes in rows, each of them a chapter of the book."


@pytest.fixture(params=DESCRIPTIONS, ids=lambda path: path.stem)
def described(request):
    return read(request.param)


def test_there_are_diagrams():
    assert {"course-map", "methods-map", "taxonomy"} <= {path.stem for path in DESCRIPTIONS}


@pytest.mark.parametrize("width", [WIDE, NARROW])
def test_boxes_stay_on_the_page_and_apart(described, width):
    layout = place(described, width)
    assert len(layout.boxes) == len(list(described.boxes()))
    for box in layout.boxes:
        assert 0 <= box.x <= box.x + box.width <= width + 1e-9
        assert 0 <= box.y <= box.y + box.height <= layout.height
    for one, other in itertools.combinations(layout.boxes, 2):
        beside = one.x + one.width <= other.x + 1e-9 or other.x + other.width <= one.x + 1e-9
        below = one.y + one.height <= other.y + 1e-9 or other.y + other.height <= one.y + 1e-9
        assert beside or below, (one.box.text, other.box.text)


@pytest.mark.parametrize("width", [WIDE, NARROW])
def test_every_text_fits_into_its_box(described, width):
    for box in place(described, width).boxes:
        room = box.width - 2 * PADDING - 15 * len(box.box.marks)
        assert " ".join(box.lines).replace("- ", "") == box.box.text.replace(SOFT_HYPHEN, "")
        for line in box.lines:
            assert text_width(line) <= room + 1e-9, line


@pytest.mark.parametrize("width", [WIDE, NARROW])
def test_labels_stay_on_the_page(described, width):
    for label in place(described, width).labels:
        before = text_width(label.text) / 2 if label.anchor == "middle" else 0
        assert label.x - before >= 0
        assert label.x - before + text_width(label.text) <= width + 2


def test_a_long_word_is_broken_where_it_may_be():
    word = f"auto{SOFT_HYPHEN}encoders"
    assert wrap(f"variational {word}", 1000) == ("variational autoencoders",)
    assert wrap(word, text_width("autoencoders") - 1) == ("auto-", "encoders")
    assert wrap("two words", text_width("two")) == ("two", "words")


def test_a_box_is_a_link_only_where_there_is_a_page(tmp_path):
    path = tmp_path / "map.yaml"
    path.write_text(
        "rows: [{title: T, colour: c1, boxes: [{text: Here & now, page: here}, "
        "{text: There, page: there, planned: true}, {text: Nowhere}]}]"
    )
    html = draw(read(path), ALT, {"here": "here.html"}.get)
    assert html.count("<svg") == html.count(f'aria-label="{ALT}"') == 2
    assert re.findall(r'<a [^>]*href="([^"]*)"', html) == ["here.html"] * 2
    assert "Here &amp; now" in html
    assert html.count("bk-planned") == 4  # the box and the legend, on both pages
    assert html.count("a chapter to be written") == 2


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[", "no YAML"),
        ("- 1", "the diagram must be a mapping"),
        ("{}", "needs either rows or a tree"),
        ("{rows: [], tree: {text: T}}", "needs either rows or a tree"),
        ("{rows: [], colour: c1}", "the diagram does not know colour"),
        ("{rows: [{title: T, colour: c1}]}", "a row needs boxes"),
        ("{rows: [{title: T, colour: c9, boxes: [{text: B}]}]}", "the row T: colour must be"),
        ("{rows: [{title: T, colour: c1, boxes: []}]}", "the row T has no boxes"),
        ("{tree: {page: p}}", "a box needs text"),
        ("{tree: {text: T, marks: [m]}}", "the box T has the unknown mark m"),
        ("{tree: {text: T}, marks: {m: {label: l, shape: star, colour: c1}}}", "shape must be one"),
        ("{tree: {text: T}, ties: [{from: a, to: b, letter: x}]}", "a tie leads to a"),
    ],
)
def test_a_wrong_description_is_refused_by_name(tmp_path, text, message):
    path = tmp_path / "wrong.yaml"
    path.write_text(text)
    with pytest.raises(DiagramError, match=re.escape(message)):
        read(path)


def test_the_map_of_the_course_leads_to_every_chapter(site):
    links = soup(site.html / "index.html").select(".bk-diagram .bk-wide a")
    assert [link["href"] for link in links] == [f"{page}.html" for page in chapters()]


def test_no_page_of_a_diagram_is_missing(site):
    for path in DESCRIPTIONS:
        for box in read(path).boxes():
            if box.page:
                assert (site.html / f"{box.page}.html").is_file() != box.planned, box.text
