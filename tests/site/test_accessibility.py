"""No fault of any impact found by axe, on every page, in both themes, at both widths."""

import json
from pathlib import Path

import pytest
from built_site import Site

SIZES = {"desktop": (1280, 900), "telephone": (360, 740)}


@pytest.fixture(scope="session")
def axe(node_modules: Path) -> str:
    return (node_modules / "axe-core" / "axe.min.js").read_text(encoding="utf-8")


def violations(page, axe: str) -> list[str]:
    """Return what axe finds, with no rule left out; one line a rule."""
    page.evaluate(axe)
    found = page.evaluate("axe.run({resultTypes: ['violations']}).then((r) => r.violations)")
    return [
        f"{rule['impact']} {rule['id']}: {json.dumps([n['target'] for n in rule['nodes'][:4]])}"
        f" {rule['nodes'][0]['failureSummary']}"
        for rule in found
    ]


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("size", SIZES.values(), ids=SIZES.keys())
def test_axe_finds_nothing(any_site: Site, visit, axe, size, theme):
    found = {}
    for name in [*any_site.pages(), "search.html?q=paragraph"]:
        with visit(f"{any_site.address}/{name}", size=size, theme=theme) as heard:
            heard.unfold()
            found[name] = violations(heard.page, axe)
    assert {name: faults for name, faults in found.items() if faults} == {}


def test_axe_would_find_a_fault(any_site: Site, visit, axe):
    with visit(f"{any_site.address}/index.html") as heard:
        heard.page.evaluate("document.querySelector('main').style.color = 'silver'")
        heard.page.evaluate("document.querySelector('.bk-theme').removeAttribute('aria-label')")
        found = violations(heard.page, axe)
        assert any("color-contrast" in fault for fault in found)
        assert any("button-name" in fault for fault in found)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_open_drawer_is_accessible(any_site: Site, visit, axe, theme):
    with visit(f"{any_site.address}/index.html", size=SIZES["telephone"], theme=theme) as heard:
        heard.page.click(".bk-menu")
        heard.page.wait_for_timeout(300)
        assert violations(heard.page, axe) == []
