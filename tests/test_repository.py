"""Rules that hold for the repository as a whole."""

import ast
import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[1]
CODE = ROOT / "code"
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))


def tracked_files() -> list[Path]:
    listing = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    paths = (ROOT / name for name in listing.split("\0") if name)
    return [path for path in paths if path.is_file() and not path.is_symlink()]


def tracked_texts() -> dict[str, str]:
    texts = {}
    for path in tracked_files():
        try:
            texts[path.relative_to(ROOT).as_posix()] = path.read_text(encoding="utf8")
        except UnicodeDecodeError:
            continue
    return texts


TEXTS = tracked_texts()


def test_code_is_a_source_root_and_not_a_package():
    """A package named `code` would hide the standard library's module from every kernel."""
    assert not (CODE / "__init__.py").exists()


# What the chapters that run in a browser must be able to import without.
HEAVY = {"torch", "anywidget", "ipywidgets", "IPython", "sphinx", "bookkit"}
HEAVY_PACKAGES = {"generative", "interactive"}


def modules_in(folder: Path) -> list[str]:
    """Return the names of the modules and packages that lie in a package's folder."""
    names = {path.stem for path in folder.glob("*.py")} - {"__init__"}
    names |= {path.parent.name for path in folder.glob("*/__init__.py")}
    return sorted(names)


LIGHT_MODULES = [
    "dlmath",
    *(f"dlmath.{name}" for name in modules_in(CODE / "dlmath") if name not in HEAVY_PACKAGES),
    *(f"dlmath.exercises.{name}" for name in modules_in(CODE / "dlmath" / "exercises")),
]


@pytest.mark.parametrize("module", LIGHT_MODULES)
def test_core_imports_nothing_heavy(module):
    program = f"import sys, {module}; print(*(name.split('.')[0] for name in sys.modules))"
    result = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert HEAVY & set(result.stdout.split()) == set()


def imported_packages(path: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(path.read_bytes())):
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            found.add(node.module.split(".")[0])
    return found


@pytest.mark.parametrize(
    "path",
    sorted((CODE / "dlmath").rglob("*.py")),
    ids=lambda path: path.relative_to(CODE).as_posix(),
)
def test_dlmath_knows_nothing_of_the_site(path):
    packages = imported_packages(path)
    assert packages & {"bookkit", "sphinx", "docutils"} == set()
    if (CODE / "dlmath" / "generative") not in path.parents:
        assert "torch" not in packages


def test_nothing_names_a_path_of_one_machine():
    # Written in pieces, or this file would name them.
    folders = ["root", "work", "farm", "home/[a-z]", "Users/[A-Za-z]", "opt/pypi", "opt/wheels"]
    path = re.compile(rf"(?<![\w.}}])/(?:{'|'.join(folders)})\b")
    found = [
        f"{name}:{number}: {line.strip()[:80]}"
        for name, text in TEXTS.items()
        for number, line in enumerate(text.splitlines(), 1)
        if path.search(line)
    ]
    assert not found, "\n".join(found)


def test_node_packages_come_from_the_public_registry():
    packages = json.loads(TEXTS["package-lock.json"])["packages"]
    addresses = [package["resolved"] for package in packages.values() if "resolved" in package]
    elsewhere = [url for url in addresses if not url.startswith("https://registry.npmjs.org/")]
    assert len(packages) > 1
    assert not elsewhere


def test_nothing_is_left_unfinished():
    marks = "|".join(["TO" + "DO", "FIX" + "ME", "X" * 3, "lorem " + "ipsum", "coming " + "soon"])
    pattern = re.compile(rf"\b(?:{marks})\b")
    found = [
        f"{name}:{number}"
        for name, text in TEXTS.items()
        if name != "package-lock.json"
        for number, line in enumerate(text.splitlines(), 1)
        if pattern.search(line)
    ]
    assert not found


def test_the_public_address_is_written_once():
    config = yaml.safe_load(TEXTS["_config.yml"])
    for address in (config["repository"]["url"], config["html"]["baseurl"]):
        holders = [name for name, text in TEXTS.items() if address in text]
        assert holders == ["_config.yml"]
        assert TEXTS["_config.yml"].count(address) == 1


def steps(workflow: dict) -> list[dict]:
    return [step for job in workflow["jobs"].values() for step in job["steps"]]


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_workflows_pin_actions_and_ask_for_no_rights(path):
    workflow = yaml.safe_load(path.read_text(encoding="utf8"))
    for step in steps(workflow):
        if "uses" in step:
            assert re.fullmatch(r"[\w-]+/[\w/-]+@[0-9a-f]{40}", step["uses"])
    assert workflow["permissions"] == {"contents": "read"}
    assert workflow["env"]["PIP_EXTRA_INDEX_URL"] == "https://download.pytorch.org/whl/cpu"
    assert "secrets." not in path.read_text(encoding="utf8")
    for job in workflow["jobs"].values():
        if "permissions" in job:
            assert job["permissions"] == {"contents": "read", "pages": "write", "id-token": "write"}
            assert "github.ref == 'refs/heads/main'" in job["if"]


def test_one_workflow_tests_and_deploys():
    workflow = yaml.safe_load(TEXTS[".github/workflows/book.yml"])
    assert workflow["jobs"]["deploy"]["needs"] == ["test", "lower-bounds"]
    commands = [step.get("run") for step in workflow["jobs"]["test"]["steps"]]
    assert ".ci/run" in commands
    assert TEXTS[".ci/run"].rstrip().endswith("\nexec make test")


def test_the_job_at_the_lower_bounds_uses_those_of_the_package():
    workflow = TEXTS[".github/workflows/book.yml"]
    requirements = tomllib.loads(TEXTS["pyproject.toml"])["project"]["dependencies"]
    assert len(requirements) == 5
    for requirement in requirements:
        assert requirement.replace(">=", "==") in workflow


COMMAND = re.compile(r"(?:^|`|: )make ([a-z]+)\b", re.MULTILINE)


@pytest.mark.parametrize(
    "name", ["README.md", "CONTRIBUTING.md", "chapters/appendices/running-and-teaching.md"]
)
def test_commands_in_the_documents_exist(name):
    targets = re.findall(r"^([a-z]+):", TEXTS["Makefile"], re.MULTILINE)
    assert targets
    named = COMMAND.findall(TEXTS[name])
    assert named
    assert set(named) <= set(targets)
