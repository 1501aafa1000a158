"""What a page costs its reader: bytes, elements, and requests to other hosts."""

import gzip
import json
from functools import partial

import pytest
from book_pages import chapters, soup
from built_site import Site

POLICY = "default-src 'self' data: blob: 'unsafe-inline'"
BYTES_WITHOUT_PICTURES = 200_000
BYTES_WITH_PICTURES = 700_000
BYTES_OF_MODULES = 25_000
BYTES_OF_WEIGHTS = 1_500_000
BYTES_OF_TITLES = 1_100
BYTES_OF_PIECE = 5_000
ELEMENTS = 15_000
WIDTHS = (360, 320, 1000)


def test_the_chapter_of_full_length_has_full_length(long_site: Site):
    """Budgets that hold for a short page say nothing."""
    page = soup(long_site.html / "full-length.html")
    displayed = page.select("math[display=block]")
    prose = [p.get_text() for p in page.select(".bk-text p")]
    assert len(displayed) >= 40
    assert len(page.select("math")) - len(displayed) >= 400
    assert sum(len(text.split()) for text in prose) >= 5_000
    assert len(page.select(".cell_input")) >= 15
    assert len(page.select("figure img.only-light")) >= 6
    assert len(page.select(".bk-widget")) == 1


def test_the_search_grows_much_more_slowly_than_the_book(site: Site):
    """What its page loads at first is titles, not words; what a word asks for has a fixed size."""
    folder = site.html / "_static" / "search"
    sizes = {path.name: len(gzip.compress(path.read_bytes())) for path in folder.iterdir()}
    assert sizes["index.js"] <= BYTES_OF_TITLES * len(chapters())
    script = (folder / "index.js").read_text(encoding="utf-8")
    pieces = json.loads(script[script.index("{") : script.rindex("}") + 1])["pieces"]
    assert len(pieces) > 10
    assert max(sizes[name] for _, name in pieces) <= BYTES_OF_PIECE
    whole = (site.html / "searchindex.js").read_bytes()
    assert 3 * sizes["index.js"] < len(gzip.compress(whole))


@pytest.mark.parametrize(
    ("question", "more"),
    [
        ("softmax", BYTES_OF_PIECE),
        ("Adam bias correction", 3 * BYTES_OF_PIECE),
        # No word of the book: the list of all words.
        ("xylophone", 50_000),
    ],
)
def test_a_question_costs_a_piece_for_each_word(site: Site, visit, question, more):
    with visit(f"{site.address}/search.html") as heard:
        first = heard.transferred()
    with visit(f"{site.address}/search.html?q={question}") as heard:
        heard.page.wait_for_selector(".search-summary:not(:empty)")
        everything = heard.transferred()
        assert heard.failures == []
    assert first < everything <= first + more
    assert everything <= BYTES_WITHOUT_PICTURES


def test_every_page_loads_cleanly_within_the_budget(any_site: Site, visit):
    """On a desk in the light; what it costs in the dark is asserted with what it does there."""
    for name in any_site.pages():
        with visit(f"{any_site.address}/{name}") as heard:
            _scroll_through(heard.page)
            check_costs(heard, name)


def check_costs(heard, name: str) -> None:
    """Compare what a page has cost so far with its budget."""
    text = heard.transferred({"document", "stylesheet", "script", "font", "fetch", "xhr"})
    elements = heard.page.evaluate("document.getElementsByTagName('*').length")
    assert heard.failures == [], name
    assert heard.foreign_hosts() == set(), name
    assert text <= BYTES_WITHOUT_PICTURES, name
    assert heard.transferred() <= BYTES_WITH_PICTURES, name
    assert elements <= ELEMENTS, name
    assert strange_files(heard, name) == [], name


def strange_files(heard, name: str) -> list[str]:
    """Return what was asked for and is not ours; only the search's page has a search's scripts."""
    if name == "search.html":
        return []
    files = [request.url.rsplit("/_static/", 1) for request in heard.requests]
    static = [parts[1] for parts in files if len(parts) == 2]
    assert static, name
    index = [request.url for request in heard.requests if "searchindex" in request.url]
    return index + [path for path in static if not path.startswith(("bookkit", "esm-"))]


def test_the_modules_of_each_page_are_light(any_site: Site):
    """What the figures to move of one page load, parts that they share counted once."""
    seen = 0
    for name in any_site.pages():
        states = soup(any_site.html / name).select('script[type="application/json"]')
        figures = [figure for state in states for figure in json.loads(state.string).values()]
        parts = {part for figure in figures for part in figure["parts"]}
        files = [any_site.html / "_static" / f"esm-{part}.js" for part in parts]
        sizes = {file.name: len(gzip.compress(file.read_bytes())) for file in files}
        assert sum(sizes.values()) <= BYTES_OF_MODULES, f"{name}: {sizes}"
        seen += len(sizes)
    assert seen > 0


def test_weights_come_when_a_reader_asks_and_stay_within_the_budget(any_site: Site, visit):
    """That nothing is asked for before is seen in all pages above, as no file of theirs is."""
    for name in any_site.pages():
        states = soup(any_site.html / name).select('script[type="application/json"]')
        figures = [
            figure["state"] for state in states for figure in json.loads(state.string).values()
        ]
        asking = [figure["assets"] for figure in figures if "assets" in figure]
        for assets in asking:
            files = [f"weights-{asset['key']}.js" for asset in assets.values()]
            assert sum(map(partial(_weight, any_site), files)) <= BYTES_OF_WEIGHTS, name
        for place in (any_site.address, any_site.html.as_uri()) if asking else ():
            _press_all(visit, f"{place}/{name}", asking)


def _weight(site: Site, file: str) -> int:
    return len(gzip.compress((site.html / "_static" / file).read_bytes()))


def _press_all(visit, address: str, asking: list[dict]) -> None:
    """Press the buttons of a page that load something: it comes, and only then."""
    wanted = {f"weights-{asset['key']}.js" for assets in asking for asset in assets.values()}
    with visit(address) as heard:
        for figure in heard.page.locator(".bk-widget").all():
            figure.scroll_into_view_if_needed()
        heard.page.wait_for_function("() => !document.querySelector('.bk-widget:not(.bk-on)')")
        buttons = heard.page.locator(".dlm-load button").all()
        assert len(buttons) == len(asking), address
        assert not any("weights-" in request.url for request in heard.requests), address
        for button in buttons:
            button.click()
        status = "document.querySelectorAll('.dlm-load .dlm-status')"
        heard.page.wait_for_function(
            f"() => [...{status}].every((e) => e.textContent.startsWith('Loaded: '))"
        )
        came = {request.url.rsplit("/", 1)[1] for request in heard.requests}
        assert wanted <= came, address
        assert heard.failures == [], address


def _scroll_through(page) -> None:
    """Bring every picture into view, so that the lazy ones are loaded and counted."""
    page.evaluate(
        """async () => {
          document.documentElement.style.scrollBehavior = "auto";
          for (const img of document.images) {
            if (getComputedStyle(img).display === "none") continue;
            img.scrollIntoView();
            await img.decode();
          }
        }"""
    )
    page.wait_for_load_state("networkidle")


def test_every_page_has_the_policy(any_site: Site):
    for name in any_site.pages():
        metas = soup(any_site.html / name).select('meta[http-equiv="Content-Security-Policy"]')
        assert [meta["content"] for meta in metas] == [POLICY], name


def test_the_policy_stops_what_goes_elsewhere(any_site: Site, visit):
    """The listeners hear a page that breaks the rule, and the policy keeps it from leaving."""
    with visit(f"{any_site.address}/index.html") as heard:
        heard.page.evaluate(
            """new Promise((done) => {
              const img = new Image();
              img.onerror = done;
              img.src = "https://example.org/picture.png";
            })"""
        )
        assert any("Content Security Policy" in failure for failure in heard.failures)


def test_no_page_scrolls_sideways(any_site: Site, visit):
    """On a telephone in the dark, where pages keep the budget too; then with all folds open."""
    for name in any_site.pages():
        with visit(f"{any_site.address}/{name}", size=(WIDTHS[0], 740), theme="dark") as heard:
            _scroll_through(heard.page)
            check_costs(heard, name)
            heard.unfold()
            heard.settle()
            for width in WIDTHS:
                heard.page.set_viewport_size({"width": width, "height": 740})
                heard.settle()
                found = heard.page.evaluate("document.documentElement.scrollWidth")
                assert found <= width, f"{name}, {width} pixels wide: {_widest(heard.page)}"


def _widest(page) -> list[str]:
    """Name the elements that stand out of the page at its right edge."""
    return page.evaluate(
        """[...document.querySelectorAll("body *")]
             .filter((e) => e.getBoundingClientRect().right > innerWidth + 1)
             .filter((e) => {
               for (let a = e.parentElement; a; a = a.parentElement)
                 if (getComputedStyle(a).overflowX !== "visible") return false;
               return true;
             })
             .slice(0, 5).map((e) => e.outerHTML.slice(0, 120))"""
    )
