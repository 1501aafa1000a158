"""The register of equations that a person has compared with their tests."""

import argparse
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path

from bookkit.equations.evidence import TESTS, EquationTest, read_tests
from bookkit.equations.sources import Formula, book_sources, formulas

REGISTER = TESTS / "reviewed.toml"
HEADER = """\
# Each equation's hash of its LaTeX when it was last compared with its test.
# Written by `python -m bookkit.equations review <label> ...`, never by hand.
"""


class ReviewError(Exception):
    """An equation that cannot be reviewed, and why."""


def read_register(root: Path) -> dict[str, str]:
    """Read the hash of each reviewed equation."""
    path = root / REGISTER
    return tomllib.loads(path.read_text(encoding="utf-8")) if path.exists() else {}


def write_register(root: Path, reviewed: Mapping[str, str]) -> None:
    """Write the register, sorted by label."""
    lines = [f'{label} = "{reviewed[label]}"\n' for label in sorted(reviewed)]
    (root / REGISTER).write_text(HEADER + "".join(lines), encoding="utf-8")


def describe(formula: Formula, tests: Iterable[EquationTest]) -> str:
    """Print an equation beside what its tests compare, for the reader who reviews it."""
    parts = [f"{formula.label}  {formula.place}", "", formula.latex, ""]
    for test in tests:
        parts += [
            f"  {test.place}  {test.name}",
            f"    {test.summary}",
            f"    routes:  {', '.join(test.routes)}",
            f"    refuted: {', '.join(test.refuted)}",
        ]
    return "\n".join(parts) + "\n"


def review(root: Path, labels: Iterable[str]) -> None:
    """Show the named equations with their tests and enter their hashes in the register."""
    numbered = {formula.label: formula for path in book_sources(root) for formula in formulas(path)}
    tests = read_tests(root)
    reviewed = read_register(root)
    for label in labels:
        verifying = [test for test in tests if label in test.equations]
        if label not in numbered:
            raise ReviewError(f"no page has the equation {label}")
        if not verifying:
            raise ReviewError(f"{numbered[label].place}: {label} has no test to compare it with")
        print(describe(numbered[label], verifying))
        reviewed[label] = numbered[label].fingerprint
    write_register(root, reviewed)


def forget(root: Path, labels: Iterable[str]) -> None:
    """Take equations that left the book out of the register."""
    reviewed = read_register(root)
    for label in labels:
        if label not in reviewed:
            raise ReviewError(f"{REGISTER} has no entry {label}")
        del reviewed[label]
    write_register(root, reviewed)


def main(arguments: list[str]) -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(prog="python -m bookkit.equations", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    for command in (review, forget):
        added = commands.add_parser(command.__name__, help=command.__doc__)
        added.add_argument("labels", nargs="+", metavar="eq-...")
        added.set_defaults(run=command)
    chosen = parser.parse_args(arguments)
    try:
        chosen.run(Path(), chosen.labels)
    except ReviewError as error:
        parser.error(str(error))
