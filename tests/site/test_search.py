"""The search works in the page itself: no server, no request to anyone."""

import json

import pytest
from book_pages import chapters, soup
from built_site import Site

WORD = "heteroscedasticity"
# One word and several, parts of words, titles, names in code, a decade, and what is nowhere.
QUESTIONS = (
    "backpropagation",
    "Lagrange",
    "Adam bias correction",
    "Gauss and Markov",
    "what goes wrong",
    "backprop",
    "ball_param",
    "oftmax omentum",
    "xylophone",
    "cross_entropy",
    "learning_rate 1990s",
    "R2",
    "the",
)
# What Sphinx's own search answers with its whole index, as places in the order of the page.
IN_THE_WHOLE = """
([index, question]) => {
  Search._index = index;
  const found = Search._performSearch(...Search._parseQuery(question));
  return found.reverse().map(([page, , anchor]) => `${page}.html${anchor}`);
}
"""


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


def whole_index(html) -> dict:
    script = (html / "searchindex.js").read_text(encoding="utf-8")
    return json.loads(script.removeprefix("Search.setIndex(").removesuffix(")"))


@pytest.mark.parametrize("question", QUESTIONS)
def test_the_pieces_answer_as_the_whole_index_does(site: Site, visit, question):
    with visit(f"{site.address}/search.html") as heard:
        links = results(heard.page, question)
        expected = heard.page.evaluate(IN_THE_WHOLE, [whole_index(site.html), question])
        assert [link.removeprefix(f"{site.address}/") for link in links] == expected
        assert heard.failures == []
        assert not any("/searchindex.js" in request.url for request in heard.requests)


def test_a_word_whose_stem_is_a_stop_word_is_found(site: Site, visit):
    with visit(f"{site.address}/search.html") as heard:
        assert any("/lasso.html" in link for link in results(heard.page, "Ising"))


@pytest.mark.parametrize(("question", "found"), [("Equation (4.1)", 1), ("equation", 0)])
def test_the_numbers_of_equations_are_found_by_their_digits_only(
    site: Site, visit, question, found
):
    with visit(f"{site.address}/search.html") as heard:
        links = results(heard.page, question)
        assert len([link for link in links if "#verified-eq-" in link]) == found


def test_the_search_says_when_a_piece_of_the_index_does_not_come(long_site: Site, visit):
    """Then it must not say that there is nothing to find."""
    with visit(f"{long_site.address}/search.html") as heard:
        heard.page.route(
            "**/_static/search/*",
            lambda route: route.continue_() if "index.js" in route.request.url else route.abort(),
        )
        assert results(heard.page, WORD) == []
        assert "could not be loaded" in heard.page.inner_text("#search-results")
        assert not any(failure.startswith("error:") for failure in heard.failures)
