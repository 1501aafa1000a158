"""No fault of any impact found by axe, on every page, in both themes, at both widths.

Colours depend on the theme and the layout on the width, hardly anything on both. So every page is
looked at in the light on a desk and in the dark on a telephone, and one page of each site, with
all kinds of content or with the most, in all four ways. The pages that print tests are of one
kind: those are looked at in the dark on a telephone alone.
"""

import json
from contextlib import ExitStack
from itertools import product
from pathlib import Path

import pytest
from built_site import Site

SIZES = {"desktop": (1280, 900), "telephone": (360, 740)}
THEMES = ("light", "dark")
USUAL = [("desktop", "light"), ("telephone", "dark")]
OF_TESTS = "chapters/appendices/verified-"
IN_ALL_WAYS = {"chapters/linear-models/least-squares.html", "full-length.html"}
RUN = "axe.run({resultTypes: ['violations']}).then((report) => report.violations)"


@pytest.fixture(scope="session")
def axe(node_modules: Path) -> str:
    return (node_modules / "axe-core" / "axe.min.js").read_text(encoding="utf-8")


def start(page, axe: str) -> None:
    """Let axe begin, with no rule left out, and do not wait for it."""
    if not page.evaluate("'axe' in window"):
        page.evaluate(axe)
    page.evaluate(f"void (window.found = {RUN})")


def violations(page) -> list[str]:
    """Return what axe has found; one line a rule."""
    return [
        f"{rule['impact']} {rule['id']}: {json.dumps([n['target'] for n in rule['nodes'][:4]])}"
        f" {rule['nodes'][0]['failureSummary']}"
        for rule in page.evaluate("window.found")
    ]


def show(heard, size: tuple[int, int], theme: str) -> None:
    """Change the size of the window, and the theme as a reader does it."""
    heard.page.set_viewport_size(dict(zip(("width", "height"), size, strict=True)))
    if heard.page.evaluate("document.documentElement.dataset.theme") != theme:
        heard.page.click(".bk-theme")
    heard.settle()


def ways(name: str) -> list[tuple[str, str]]:
    """Return how a page is looked at: on what, and in which theme."""
    if name in IN_ALL_WAYS:
        return list(product(SIZES, THEMES))
    return USUAL[1:] if name.startswith(OF_TESTS) else USUAL


def test_axe_finds_nothing(any_site: Site, visit, axe):
    """Two pages at a time, for axe takes seconds and a machine has two cores."""
    names = [*any_site.pages(), "search.html?q=paragraph"]
    found = {}
    for k in range(0, len(names), 2):
        with ExitStack() as stack:
            visits = {
                name: stack.enter_context(visit(f"{any_site.address}/{name}"))
                for name in names[k : k + 2]
            }
            for heard in visits.values():
                heard.unfold()
            for kind, theme in product(SIZES, THEMES):
                looked_at = {
                    name: heard for name, heard in visits.items() if (kind, theme) in ways(name)
                }
                for heard in looked_at.values():
                    show(heard, SIZES[kind], theme)
                    start(heard.page, axe)
                for name, heard in looked_at.items():
                    found[name, kind, theme] = violations(heard.page)
    assert IN_ALL_WAYS & set(names)
    assert {place: faults for place, faults in found.items() if faults} == {}


def test_axe_would_find_a_fault(any_site: Site, visit, axe):
    with visit(f"{any_site.address}/index.html") as heard:
        heard.page.evaluate("document.querySelector('main').style.color = 'silver'")
        heard.page.evaluate("document.querySelector('.bk-theme').removeAttribute('aria-label')")
        start(heard.page, axe)
        found = violations(heard.page)
        assert any("color-contrast" in fault for fault in found)
        assert any("button-name" in fault for fault in found)


@pytest.mark.parametrize("theme", THEMES)
def test_the_open_drawer_is_accessible(any_site: Site, visit, axe, theme):
    with visit(f"{any_site.address}/index.html", size=SIZES["telephone"], theme=theme) as heard:
        heard.page.click(".bk-menu")
        heard.page.wait_for_timeout(300)
        start(heard.page, axe)
        assert violations(heard.page) == []
