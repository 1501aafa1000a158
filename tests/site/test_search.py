"""The search works in the page itself: no server, no request to anyone."""

import pytest
from book_pages import chapters, soup
from built_site import Site

WORD = "heteroscedasticity"


@pytest.fixture(params=["served", "from disk"])
def address(request, long_site: Site) -> str:
    return long_site.address if request.param == "served" else long_site.html.as_uri()


def results(page, query: str) -> list[str]:
    """Search through the form of the page, and return where the results lead."""
    page.fill("#bk-query, #bk-q", query)
    page.press("#bk-query, #bk-q", "Enter")
    page.wait_for_selector(".search-summary:not(:empty)")
    return page.eval_on_selector_all("ul.search a", "all => all.map((a) => a.href)")


def test_the_search_finds_a_word_from_any_page(address, visit):
    with visit(f"{address}/full-length.html") as heard:
        links = results(heard.page, WORD)
        found = {link.rsplit("/", 1)[1].split("#")[0] for link in links}
        assert found == {"other.html", "short.html"}
        heard.page.click("ul.search a >> nth=1")
        heard.page.wait_for_selector(f"main:has-text('{WORD}')")
        assert heard.failures == []
        assert heard.foreign_hosts() == set()


def test_the_search_says_when_nothing_is_found(address, visit):
    with visit(f"{address}/search.html") as heard:
        assert results(heard.page, "xylophone") == []
        assert "did not match" in heard.page.inner_text("#search-results")
        assert heard.failures == []


@pytest.mark.parametrize("chapter", chapters())
def test_the_search_of_the_book_finds_a_chapter_by_its_title(site: Site, visit, chapter):
    heading = soup(site.html / f"{chapter}.html").h1
    title = "".join(heading.find_all(string=True, recursive=False)).strip()
    assert title
    with visit(f"{site.address}/index.html") as heard:
        links = results(heard.page, title)
        assert any(link.split("?")[0] == f"{site.address}/{chapter}.html" for link in links), links
