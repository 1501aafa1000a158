"""The pins in requirements.txt are complete, needed, installed, and allowed by pyproject.toml."""

import re
import tomllib
from importlib.metadata import distribution
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).resolve().parents[1]
# The tools that install the rest come with the virtual environment and are never pinned.
INSTALLERS = {"pip", "setuptools"}


def read_pins() -> dict[str, Version]:
    lines = (ROOT / "requirements.txt").read_text(encoding="utf8").splitlines()
    pins = {}
    for line in lines:
        if line.startswith("#") or line == "-e .":
            continue
        match = re.fullmatch(r"([a-z0-9-]+)==([\w.!+]+)", line)
        assert match, f"not an exact pin: {line!r}"
        pins[match[1]] = Version(match[2])
    return pins


def declared() -> list[Requirement]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf8"))["project"]
    extras = project["optional-dependencies"].values()
    return [Requirement(line) for group in (project["dependencies"], *extras) for line in group]


def needed_by(requirement: Requirement) -> list[Requirement]:
    """Return what the installed distribution requires here, with the extras asked for."""
    found = distribution(requirement.name).requires or []
    environments = [{"extra": extra} for extra in ("", *requirement.extras)]
    parsed = map(Requirement, found)
    return [
        needed
        for needed in parsed
        if needed.marker is None or any(map(needed.marker.evaluate, environments))
    ]


def closure() -> list[tuple[str, Requirement]]:
    """Return every requirement, with the name of what asks for it."""
    found = []
    pending = [("pyproject.toml", requirement) for requirement in declared()]
    seen = set()
    while pending:
        source, requirement = pending.pop()
        found.append((source, requirement))
        name = canonicalize_name(requirement.name)
        key = (name, frozenset(requirement.extras))
        if key not in seen and name not in INSTALLERS:
            seen.add(key)
            pending += [(name, needed) for needed in needed_by(requirement)]
    return found


PINS = read_pins()


def test_the_package_itself_is_installed_editable():
    assert "-e ." in (ROOT / "requirements.txt").read_text(encoding="utf8").splitlines()


def test_every_requirement_is_pinned_and_satisfied():
    wrong = []
    for source, requirement in closure():
        name = canonicalize_name(requirement.name)
        if name in INSTALLERS:
            continue
        if name not in PINS:
            wrong.append(f"{source} needs {requirement}, which is not pinned")
        elif not requirement.specifier.contains(PINS[name], prereleases=True):
            wrong.append(f"{source} needs {requirement}, pinned is {PINS[name]}")
    assert not wrong, "\n".join([*wrong, "run: make requirements"])


def test_every_pin_is_needed():
    names = {canonicalize_name(requirement.name) for _, requirement in closure()}
    assert PINS.keys() - names == set()


@pytest.mark.parametrize("name", PINS)
def test_the_pin_is_installed(name):
    installed = Version(distribution(name).version)
    # A build of torch for one kind of hardware carries a local version, such as 2.13.0+cpu.
    assert Version(installed.public) == PINS[name]


def test_torch_is_the_agreed_release():
    assert str(PINS["torch"]) == "2.13.0"
