"""Every numbered equation has a test, every test an equation, and both were compared."""

import json
from pathlib import Path

import pytest
import yaml
from bookkit.equations import completeness, review
from bookkit.equations.evidence import read_tests
from bookkit.equations.sources import bare_environments, book_sources, formulas

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def source():
    """Read the displayed formulas in the text of the whole book."""
    return [formula for path in book_sources(ROOT) for formula in formulas(path)]


@pytest.fixture(scope="module")
def built(site):
    """Read what Sphinx knows of the equations."""
    path = site.html.parent / "reports" / "equations.json"
    return json.loads(path.read_text(encoding="utf-8"))


def report(faults):
    return "\n".join(["", *faults])


def test_text_sphinx_and_tests_have_the_same_equations(source, built):
    faults = completeness.missing_and_unknown(source, built["labels"], read_tests(ROOT))
    assert not faults, report(faults)


def test_the_text_is_read_as_sphinx_reads_it(source, built):
    """The same number of formulas on each page, numbered or not."""
    counts = {}
    for formula in source:
        page = formula.path.relative_to(ROOT).with_suffix("").as_posix()
        counts[page] = counts.get(page, 0) + 1
    assert counts == {page: len(found) for page, found in built["displayed"].items()}


def test_every_equation_is_as_it_was_reviewed(source):
    faults = completeness.changed_since_review(source, review.read_register(ROOT), review.REGISTER)
    assert not faults, report(faults)


def test_labels_name_their_chapter(source):
    faults = completeness.wrong_names(source)
    assert not faults, report(faults)


def test_every_test_names_its_wrong_versions():
    """The appendix lists them from the source: the names must stand there as strings."""
    faults = [f"{test.place}: {test.name}" for test in read_tests(ROOT) if not test.refuted]
    assert not faults, report(faults)


def test_no_environment_numbers_itself():
    faults = [place for path in book_sources(ROOT) for place in bare_environments(path)]
    assert not faults, report(faults)


def test_amsmath_is_off():
    config = yaml.safe_load((ROOT / "_config.yml").read_text(encoding="utf-8"))
    assert "amsmath" not in config["parse"]["myst_enable_extensions"]


def test_what_is_stated_is_numbered(built):
    faults = completeness.unnumbered_statements(built["displayed"])
    assert not faults, report(faults)


def test_two_thirds_of_each_page_are_numbered(built):
    faults = completeness.too_few_numbered(built["displayed"])
    assert not faults, report(faults)
