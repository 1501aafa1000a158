"""Compare what the text numbers, what Sphinx numbers and what the tests verify."""

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from bookkit.equations.evidence import EquationTest
from bookkit.equations.sources import Formula, chapter_of

LABEL = re.compile(r"eq-[a-z0-9]+(?:-[a-z0-9]+)+")


def missing_and_unknown(
    source: Iterable[Formula], in_sphinx: Mapping[str, str], tests: Iterable[EquationTest]
) -> list[str]:
    """Say how three lists of labels differ, each difference with its file and line.

    Parameters
    ----------
    source : iterable of Formula
        The formulas in the source text.
    in_sphinx : mapping
        Page by label, from Sphinx's math domain.
    tests : iterable of EquationTest
        The marked tests.
    """
    faults = []
    places: dict[str, str] = {}
    for formula in source:
        if formula.label is None:
            continue
        if formula.label in places:
            faults.append(
                f"{formula.place}: {formula.label} is also the label at {places[formula.label]}"
            )
        places[formula.label] = formula.place
    verified = {label: test for test in tests for label in test.equations}
    for label, place in places.items():
        if label not in in_sphinx:
            faults.append(f"{place}: {label} stands in the source but Sphinx numbers no such label")
        if label not in verified:
            faults.append(f"{place}: {label} has no test")
    for label, page in in_sphinx.items():
        if label not in places:
            faults.append(f"{page}.md: Sphinx numbers {label}, which the source text does not show")
    for label, test in verified.items():
        if label not in places:
            faults.append(f"{test.place}: {test.name} verifies {label}, which no page has")
    return faults


def wrong_names(source: Iterable[Formula]) -> list[str]:
    """Name the labels that do not follow ``eq-<chapter>-<what>``."""
    return [
        f"{formula.place}: {formula.label} should be eq-{chapter_of(formula.path)}-<what>"
        for formula in source
        if formula.label is not None
        and not (
            LABEL.fullmatch(formula.label)
            and formula.label.startswith(f"eq-{chapter_of(formula.path)}-")
        )
    ]


def changed_since_review(
    source: Iterable[Formula], reviewed: Mapping[str, str], register: Path
) -> list[str]:
    """Name the equations that are not the ones last compared with their tests."""
    numbered = {formula.label: formula for formula in source if formula.label is not None}
    faults = []
    for label, formula in numbered.items():
        command = f"compare it with its test, then: python -m bookkit.equations review {label}"
        if label not in reviewed:
            faults.append(f"{formula.place}: {label} has never been reviewed; {command}")
        elif reviewed[label] != formula.fingerprint:
            faults.append(f"{formula.place}: {label} has changed since its review; {command}")
    for label in reviewed:
        if label not in numbered:
            faults.append(
                f"{register}: {label} was reviewed and is on no page now; "
                f"python -m bookkit.equations forget {label}"
            )
    return faults


def unnumbered_statements(displayed: Mapping[str, list[dict[str, Any]]]) -> list[str]:
    """Name the displayed formulas in theorems, lemmas and definitions that have no number."""
    return [
        f"{page}.md:{formula['line']}: a formula in a {formula['statement']} has no label"
        for page, formulas in displayed.items()
        for formula in formulas
        if formula["statement"] and not formula["label"]
    ]


def too_few_numbered(displayed: Mapping[str, list[dict[str, Any]]]) -> list[str]:
    """Name the pages on which less than two thirds of the displayed formulas are numbered."""
    faults = []
    for page, formulas in displayed.items():
        numbered = sum(bool(formula["label"]) for formula in formulas)
        if 3 * numbered < 2 * len(formulas):
            faults.append(f"{page}.md: {numbered} of {len(formulas)} formulas are numbered")
    return faults
