"""The check marks in the built book: beside each equation, and leading to its test."""

import json
import re
from urllib.parse import urldefrag, urljoin

import pytest
from book_pages import chapters, places, soup
from bookkit.equations.sources import chapter_of

SIZES = {"desktop": (1280, 900), "telephone": (360, 740)}


@pytest.fixture(scope="module")
def equations(site):
    """Give the page of each numbered equation, in the order of each page."""
    path = site.html.parent / "reports" / "equations.json"
    displayed = json.loads(path.read_text(encoding="utf-8"))["displayed"]
    found = {
        formula["label"]: f"{page}.html"
        for page, formulas in displayed.items()
        for formula in formulas
        if formula["label"]
    }
    assert found
    return found


def test_each_numbered_equation_has_its_mark_and_the_mark_its_test(site, equations):
    for label, page in equations.items():
        formula = places(site.html / page)[f"equation-{label}"]
        number = re.search(r"\d[\d.]*", formula.select_one(".eqno").get_text())[0]
        mark = formula.find_next_sibling("a", class_="bk-verified")
        assert mark is not None, f"{page}: {label} has no mark"
        assert mark["aria-label"] == f"Verified: read the test of equation {number}"
        address, anchor = urldefrag(urljoin(page, mark["href"]))
        section = places(site.html / address).get(anchor)
        assert section is not None, f"{page}: the mark of {label} leads nowhere"
        back = section.select_one("h2 a.reference")
        assert back.get_text() == f"({number})"
        assert urldefrag(urljoin(address, back["href"])) == (page, f"equation-{label}")
        assert section.select_one(".math math"), f"{address}: {label} is not printed"
        assert section.select_one("details pre, p a.reference"), f"{address}: {label} has no test"


def test_the_overview_counts_the_book(site, equations):
    overview = site.html / "chapters" / "appendices" / "verified-equations.html"
    rows = soup(overview).select("tbody tr")
    *counts, total = ([int(cell.get_text()) for cell in row.select("td")[1:]] for row in rows)
    assert len(counts) == len({chapter_of(page) for page in equations.values()})
    assert total == [sum(column) for column in zip(*counts, strict=True)]
    displayed, numbered, verified = total
    assert displayed >= numbered == verified == len(equations)


@pytest.fixture(params=chapters())
def first(request, equations):
    """Give the first equation of a chapter, where its test is printed too, and the page."""
    page = f"{request.param}.html"
    return next(label for label, where in equations.items() if where == page), page


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("size", SIZES.values(), ids=SIZES.keys())
def test_the_mark_stands_beside_the_number(site, visit, first, size, theme):
    label, page = first
    with visit(f"{site.address}/{page}#equation-{label}", size=size, theme=theme) as heard:
        # Both at one moment: a page that still loads may move between two measurements.
        mark, number = heard.page.evaluate(
            """(id) => [".bk-verified", ".eqno"].map((part) => document.getElementById(id)
                .closest(".bk-equation").querySelector(part).getBoundingClientRect().toJSON())""",
            f"equation-{label}",
        )
        assert number["x"] + number["width"] <= mark["x"] <= number["x"] + number["width"] + 12
        assert number["y"] < mark["y"] + mark["height"] / 2 < number["y"] + number["height"]
        assert mark["x"] + mark["width"] <= size[0]
        assert min(mark["width"], mark["height"]) >= 24


def test_the_mark_leads_a_reader_to_the_test_and_back(site, visit, first):
    label, page = first
    with visit(f"{site.address}/{page}") as heard:
        name = re.compile("Verified: read the test of equation")
        pair = heard.page.locator(".bk-equation", has=heard.page.locator(f"#equation-{label}"))
        pair.get_by_role("link", name=name).press("Enter")
        heard.page.wait_for_url(f"**#verified-{label}")
        section = heard.page.locator(f"#verified-{label}")
        assert -1 <= section.bounding_box()["y"] <= 450
        source = section.locator("pre").first
        assert not source.is_visible()
        section.locator("summary").first.press("Enter")
        assert source.is_visible()
        assert label in source.inner_text()
        section.locator("h2 a.reference").click()
        heard.page.wait_for_url(f"**/{page}#equation-{label}")
        assert heard.failures == []
