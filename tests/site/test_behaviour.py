"""What the page does: themes, drawer, folded boxes, scroll boxes, paper, no script, from disk."""

import pytest
from built_site import Site

TELEPHONE = (360, 740)
CHAPTER = "full-length.html"


@pytest.fixture
def chapter(long_site: Site) -> str:
    return f"{long_site.address}/{CHAPTER}"


def theme(page) -> str:
    return page.evaluate("document.documentElement.dataset.theme")


def shown(page) -> set[str]:
    """Return which of the two versions of the first drawing is to be seen."""
    script = "(e) => getComputedStyle(e).display !== 'none'"
    return {
        kind
        for kind in ("only-light", "only-dark")
        if page.eval_on_selector(f"figure img.{kind}", script)
    }


@pytest.mark.parametrize(("system", "other"), [("light", "dark"), ("dark", "light")])
def test_the_theme_follows_the_system_then_the_reader(chapter, visit, system, other):
    with visit(chapter, theme=system) as heard:
        page = heard.page
        assert theme(page) == system
        assert shown(page) == {f"only-{system}"}
        before = page.evaluate("getComputedStyle(document.documentElement).backgroundColor")
        page.click(".bk-theme")
        assert theme(page) == other
        assert shown(page) == {f"only-{other}"}
        assert page.get_attribute(".bk-theme", "aria-pressed") == str(other == "dark").lower()
        after = page.evaluate("getComputedStyle(document.documentElement).backgroundColor")
        assert after != before
        page.reload()
        assert theme(page) == other


def test_the_drawer_opens_and_closes_from_the_keyboard(chapter, visit):
    with visit(chapter, size=TELEPHONE) as heard:
        page = heard.page
        assert not page.is_visible("#contents")
        page.focus(".bk-menu")
        page.keyboard.press("Enter")
        assert page.get_attribute(".bk-menu", "aria-expanded") == "true"
        assert page.is_visible("#contents")
        assert page.evaluate("document.activeElement.closest('#contents') !== null")
        page.keyboard.press("Escape")
        assert page.get_attribute(".bk-menu", "aria-expanded") == "false"
        assert page.evaluate("document.activeElement.matches('.bk-menu')")
        page.wait_for_selector("#contents", state="hidden")


def test_the_contents_show_where_the_reader_is(chapter, visit):
    with visit(chapter) as heard:
        page = heard.page
        assert page.inner_text("#contents [aria-current=page]") == "1. A chapter of full length"
        page.click(".bk-aside >> text=Tables, notes and long lines")
        page.wait_for_selector(".bk-aside [aria-current=location] >> text=Tables")
        assert page.locator(".bk-aside [aria-current]").count() == 1


def test_the_first_key_skips_to_the_text(chapter, visit):
    with visit(chapter) as heard:
        heard.page.keyboard.press("Tab")
        assert heard.page.evaluate("document.activeElement.className") == "bk-skip"
        heard.page.keyboard.press("Enter")
        assert heard.page.evaluate("document.activeElement.id") == "main"


def test_boxes_that_scroll_can_be_reached_and_others_cannot(chapter, visit):
    boxes = """[...document.querySelectorAll(".math-scroll, .bk-text pre, .table-wrapper")]
      .filter((box) => box.offsetParent !== null)
      .map((box) => [box.scrollWidth > box.clientWidth + 1, box.tabIndex === 0])"""
    for size in ((1280, 900), TELEPHONE):
        with visit(chapter, size=size) as heard:
            heard.unfold()
            heard.page.wait_for_function(
                "() => document.querySelector('.math-scroll[tabindex=\"0\"]') !== null"
            )
            heard.page.wait_for_timeout(200)
            found = heard.page.evaluate(boxes)
            assert [True, True] in found
            assert [False, False] in found
            assert [True, False] not in found
            assert [False, True] not in found


def test_a_link_into_a_folded_box_opens_it(chapter, visit):
    place = "exercise-full-length-1-solution"
    with visit(f"{chapter}#{place}") as heard:
        assert heard.page.evaluate(f"document.getElementById('{place}').closest('details').open")


def test_code_can_be_copied(long_site: Site, visit):
    with visit(f"{long_site.address}/{CHAPTER}", permissions=["clipboard-read"]) as heard:
        page = heard.page
        button = page.locator(".bk-copy").first
        button.focus()
        page.keyboard.press("Enter")
        page.wait_for_selector(".bk-copy:has-text('Copied')")
        copied = page.evaluate("navigator.clipboard.readText()")
        assert copied.startswith("import matplotlib.pyplot as plt\nimport numpy as np\n")
        assert "Copy" not in copied


def test_paper_shows_the_text_alone_and_in_ink(chapter, visit):
    with visit(chapter, theme="dark") as heard:
        page = heard.page
        page.emulate_media(media="print", color_scheme="dark")
        for selector in (".bk-header", ".bk-contents", ".bk-aside", ".bk-neighbours"):
            assert not page.is_visible(selector), selector
        assert shown(page) == {"only-light"}
        ink = page.evaluate("getComputedStyle(document.body).color")
        assert ink == "rgb(29, 33, 37)"


def test_no_script_is_needed_to_read(chapter, visit, chromium, long_site: Site):
    context = chromium.new_context(
        java_script_enabled=False, viewport={"width": 360, "height": 740}, color_scheme="dark"
    )
    page = context.new_page()
    page.goto(chapter)
    assert page.is_visible("main h1")
    assert page.is_visible("#contents a >> nth=0")
    assert not page.is_visible(".bk-menu")
    assert page.is_visible("figure img.only-dark >> nth=0")
    assert not page.is_visible("figure img.only-light >> nth=0")
    context.close()


def test_motion_is_left_out_when_it_is_not_wanted(chapter, visit):
    behaviour = "getComputedStyle(document.documentElement).scrollBehavior"
    with visit(chapter, reduced_motion="reduce") as heard:
        assert heard.page.evaluate(behaviour) == "auto"
    with visit(chapter, reduced_motion="no-preference") as heard:
        assert heard.page.evaluate(behaviour) == "smooth"


def test_the_text_keeps_its_place_when_the_fonts_arrive(chapter, visit):
    """With the fallback fonts alone the text is as high as with the book's own, to 3 %."""
    height = "document.querySelector('article').getBoundingClientRect().height"
    with visit(chapter) as heard:
        with_fonts = heard.page.evaluate(height)
        families = "[...document.fonts].filter((f) => f.status === 'loaded').map((f) => f.family)"
        assert "Bookkit Serif" in "".join(heard.page.evaluate(families))
        heard.page.add_style_tag(
            content=":root { --bk-font-text: 'Bookkit Serif Fallback' !important;"
            " --bk-font-ui: 'Bookkit Sans Fallback' !important; }"
        )
        assert heard.page.evaluate(height) == pytest.approx(with_fonts, rel=0.03)


def test_every_page_works_from_disk(any_site: Site, visit):
    for name in any_site.pages():
        with visit((any_site.html / name).as_uri()) as heard:
            heard.unfold()
            heard.page.click(".bk-theme")
            assert theme(heard.page) == "dark", name
            families = "() => [...document.fonts].some((f) => f.status === 'loaded')"
            heard.page.wait_for_function(families)
            begun = "document.querySelectorAll('.bk-live').length"
            alive = "document.querySelectorAll('.bk-widget.bk-on').length"
            heard.page.wait_for_function(f"() => {begun} === {alive}")
            assert heard.failures == [], name
            assert heard.foreign_hosts() == set(), name
