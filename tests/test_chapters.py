"""What every chapter has: tests of its equations, the page that prints them, a figure to move."""

import json
import re
from pathlib import Path

import dlmath.interactive
import pytest
from book_pages import chapters, contents, soup, source_of
from bookkit.equations.evidence import read_module
from bookkit.equations.sources import chapter_of
from bookkit.execution import _code_cells
from bookkit.execution.dependencies import Dependencies
from bookkit.widgets.state import split_module
from built_site import ROOT
from dlmath.interactive._bundle import JS, _in_order, bundle, style

EXERCISES = ROOT / "code" / "dlmath" / "exercises"


def module_of(page: str) -> str:
    """Return the name that a chapter has in Python."""
    return chapter_of(page).replace("-", "_")


def test_there_are_chapters_and_each_has_a_name_of_its_own():
    names = [chapter_of(page) for page in chapters()]
    assert names
    assert len(names) == len(set(names))


@pytest.mark.parametrize("page", chapters())
def test_its_equations_have_tests_and_a_page_that_prints_them(page):
    name = chapter_of(page)
    path = Path(f"tests/equations/test_{module_of(page)}.py")
    labels = {label for test in read_module(ROOT / path, path) for label in test.equations}
    assert labels
    assert [label for label in labels if not label.startswith(f"eq-{name}-")] == []
    appendix = f"chapters/appendices/verified-{name}"
    assert appendix in contents()["Appendices"]
    assert f"```{{verified-equations}} {name}\n" in source_of(appendix)
    assert f"{{doc}}`/{page}`" in source_of(appendix)


@pytest.mark.parametrize("page", chapters())
def test_it_has_a_figure_to_move(page):
    code = "\n".join(_code_cells(source_of(page)))
    assert [name for name in dlmath.interactive.__all__ if re.search(rf"\b{name}\(", code)]


@pytest.mark.parametrize("page", chapters())
def test_it_is_executed_again_for_its_own_exercises_only(page):
    files = Dependencies(ROOT).files(_code_cells(source_of(page)))
    found = {path.stem for path in files if path.parent == EXERCISES}
    assert found == {"__init__", "framework", module_of(page)}


@pytest.mark.parametrize("page", chapters())
def test_it_is_executed_again_when_the_source_of_one_of_its_figures_changes(site, page):
    state = soup(site.html / f"{page}.html").select_one("#bookkit-widget-state").string
    keys = {part for figure in json.loads(state).values() for part in figure["parts"]}
    entries = [path for path in JS.rglob("*.js") if "export default" in path.read_text("utf-8")]
    sources: set[Path] = set()
    for path in entries:
        parts = split_module(bundle(path.relative_to(JS).as_posix()), style())
        if {part.key for part in parts} <= keys:
            sources |= set(_in_order(path, []))
    assert len(sources) > 1
    assert sources <= Dependencies(ROOT).files(_code_cells(source_of(page)))
