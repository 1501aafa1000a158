"""Chapters are executed when what they depend on has changed, and never otherwise."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from bookkit.execution import _with_metadata
from bookkit.execution.dependencies import Dependencies

ROOT = Path(__file__).resolve().parents[2]

SOURCES = {
    "requirements.txt": "numpy==2.0.2\n",
    "data/first.csv": "1\n",
    "data/second.csv": "2\n",
    "data/models/flow.npz": "3\n",
    "data/models/flow.json": "{}\n",
    "code/dlmath/__init__.py": "__version__ = '1'\n",
    "code/dlmath/book.mplstyle": "lines.linewidth: 2\n",
    "code/dlmath/base.py": "VALUE = 3\n",
    "code/dlmath/linear.py": "from .base import VALUE\n",
    "code/dlmath/datasets.py": "FILE = 'first.csv'\n",
    "code/dlmath/interactive/__init__.py": (
        '"""Figures."""\nfrom dlmath.interactive.map import MAP\nfrom .plot import Plot\n'
        "__all__ = ['MAP', 'Plot']\n"
    ),
    "code/dlmath/interactive/plot.py": "class Plot:\n    source = 'plot.js'\n",
    "code/dlmath/interactive/map.py": "from .plot import Plot\nMAP = Plot('map')\n",
    "code/dlmath/interactive/js/plot.js": 'import { f } from "./lines.js";\nexport default f;\n',
    "code/dlmath/interactive/js/lines.js": "export const f = {};\n",
    "code/dlmath/interactive/js/models/map.js": "export default {};\n",
    "code/dlmath/exercises/__init__.py": (
        "from importlib import import_module\n\n\n"
        "def check(name):\n    import_module(f'dlmath.exercises.{name}')\n"
    ),
    "code/dlmath/exercises/one.py": "NAME = 'exercise-one'\n",
    "code/dlmath/exercises/two.py": "NAME = 'exercise-two'\n",
}


def write(folder: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf8")
    return folder


@pytest.fixture
def sources(tmp_path):
    return write(tmp_path, SOURCES)


LINEAR = {"dlmath/__init__.py", "dlmath/linear.py", "dlmath/base.py"}
PLOT = {
    "dlmath/__init__.py",
    "dlmath/interactive/plot.py",
    "dlmath/interactive/js/plot.js",
    "dlmath/interactive/js/lines.js",
}
MAP = {*PLOT, "dlmath/interactive/map.py", "dlmath/interactive/js/models/map.js"}
WIDGETS = {*MAP, "dlmath/interactive/__init__.py"}


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        ("import numpy as np\nnp.linalg", set()),
        ("from dlmath.linear import OLS", LINEAR),
        ("from dlmath import linear", LINEAR),
        ("import dlmath.linear", LINEAR),
        ("import dlmath\ndlmath.linear.OLS()", LINEAR),
        ("import dlmath as d\nd.linear.OLS()", LINEAR),
        ("def later():\n    from dlmath.linear import OLS", LINEAR),
        ("%matplotlib inline\nfrom dlmath.linear import OLS", LINEAR),
        ("%%time\nfrom dlmath.base import VALUE", {"dlmath/__init__.py", "dlmath/base.py"}),
        ("from dlmath.interactive import Plot", PLOT),
        ("from dlmath.interactive import MAP", MAP),
        ("import dlmath.interactive as i\ni.Plot()", WIDGETS),
        ("from dlmath.interactive import *", WIDGETS),
        ("from dlmath.interactive import other", WIDGETS),
        ("from dlmath.interactive.plot import Plot", PLOT),
        ("plt.style.use('dlmath.book')", {"dlmath/book.mplstyle"}),
        ("np.loadtxt('../../data/second.csv')", {"data/second.csv"}),
        ("load_trained('flow')", {"data/models/flow.npz", "data/models/flow.json"}),
        ("load_trained('flow.csv')", set()),
        (
            "from dlmath.datasets import FILE",
            {"dlmath/__init__.py", "dlmath/datasets.py", "data/first.csv"},
        ),
        (
            "from dlmath.exercises import check\ncheck('exercise-two')",
            {"dlmath/__init__.py", "dlmath/exercises/__init__.py", "dlmath/exercises/two.py"},
        ),
        (
            "from dlmath.exercises import check\ncheck(name)",
            {
                "dlmath/__init__.py",
                "dlmath/exercises/__init__.py",
                "dlmath/exercises/one.py",
                "dlmath/exercises/two.py",
            },
        ),
        (
            "from dlmath.exercises import check as c\nc(a='exercise-one')\nprint('exercise-two')",
            {"dlmath/__init__.py", "dlmath/exercises/__init__.py", "dlmath/exercises/one.py"},
        ),
        (
            "from dlmath.exercises import check\ncheck('exercise-one')\ncheck(other)",
            {
                "dlmath/__init__.py",
                "dlmath/exercises/__init__.py",
                "dlmath/exercises/one.py",
                "dlmath/exercises/two.py",
            },
        ),
        ("this is not Python", set()),
    ],
)
def test_files_that_a_cell_depends_on(sources, cell, expected):
    found = Dependencies(sources).files([cell])
    names = {path.relative_to(sources).as_posix().removeprefix("code/") for path in found}
    assert names == expected


def test_cells_add_up(sources):
    found = Dependencies(sources).files(["import dlmath.base", "open('data/first.csv')"])
    assert {path.name for path in found} == {"__init__.py", "base.py", "first.csv"}


def test_a_cell_uses_what_an_earlier_one_imports(sources):
    cells = ["from dlmath import exercises", "exercises.check('exercise-two')"]
    found = Dependencies(sources).files(cells)
    assert {path.name for path in found} == {"__init__.py", "two.py"}


@pytest.mark.parametrize(
    ("changed", "same"),
    [
        ("code/dlmath/linear.py", False),
        ("code/dlmath/base.py", False),
        ("requirements.txt", False),
        ("code/dlmath/datasets.py", True),
        ("data/first.csv", True),
        ("code/dlmath/interactive/js/plot.js", True),
    ],
)
def test_key_changes_with_its_files_only(sources, changed, same):
    cells = ["from dlmath.linear import VALUE"]
    before = Dependencies(sources).key(cells)
    with (sources / changed).open("a") as file:
        file.write("\n")
    assert (Dependencies(sources).key(cells) == before) is same


def test_key_is_the_same_for_two_copies(sources, tmp_path_factory):
    copy = write(tmp_path_factory.mktemp("copy"), SOURCES)
    cells = ["from dlmath.interactive import Plot"]
    assert Dependencies(sources).key(cells) == Dependencies(copy).key(cells)


def test_metadata_is_added_without_moving_a_line():
    text = "---\nfile_format: mystnb\nkernelspec:\n  name: other\n---\n\n# Title\n"
    stamped = _with_metadata(text, {"kernelspec": {"name": "python3", "key": "abc"}})
    assert stamped.splitlines()[4:] == text.splitlines()[4:]
    assert "{file_format: mystnb, kernelspec: {name: python3, key: abc}}" in stamped


CONFIG = """\
title: Fixture
author: Nobody
only_build_toc_files: true
execute: {execute_notebooks: cache, timeout: 60, stderr_output: error}
sphinx:
  extra_extensions: [bookkit.execution]
  config: {html_theme: basic, html_theme_options: {}, html_copy_source: false}
"""
TOC = "{format: jb-book, root: index, chapters: [{file: one}, {file: two}, {file: times}]}"
PAGE = """\
---
file_format: mystnb
kernelspec: {name: python3}
---

# Chapter %s

Some words.

"""
CELL = "```{code-cell} ipython3\n%s\n```\n\n"
FIGURE = """\
%config InlineBackend.figure_formats = ["svg"]
import matplotlib.pyplot as plt
plt.rcParams["svg.hashsalt"] = "fixed"
fig, ax = plt.subplots()
for name in {"red", "green", "blue"}:
    ax.plot([1, 2, 3], color=name)
plt.show()"""
THREADS = """\
import os
from dlmath.linear import VALUE
print("threads", os.environ["OMP_NUM_THREADS"], "value", VALUE)"""
WIDGET = """\
import anywidget, traitlets
class Marked(anywidget.AnyWidget):
    _esm = "export default {}"
    mark = traitlets.Unicode("survives the cache").tag(sync=True)
Marked()"""
BOOK = {
    "_config.yml": CONFIG,
    "_toc.yml": TOC,
    "index.md": "# Index\n\nWords.\n",
    "one.md": PAGE % "one" + CELL % THREADS + CELL % FIGURE,
    "two.md": PAGE % "two" + CELL % "print(open('data/second.csv').read())" + CELL % WIDGET,
    "times.md": "# Times\n\n```{execution-times}\n```\n",
}


@pytest.fixture(scope="module")
def book(tmp_path_factory):
    """Return a repository in miniature, with a copy of this package, built once."""
    folder = write(tmp_path_factory.mktemp("book"), SOURCES | BOOK)
    shutil.copytree(ROOT / "code" / "bookkit" / "execution", folder / "code/bookkit/execution")
    write(folder, {"code/bookkit/__init__.py": ""})
    assert build(folder) == ["one", "two"]
    return folder


def run(folder: Path) -> subprocess.CompletedProcess:
    """Build a book as a reader would, without `-W`; its own `code` comes first on the path."""
    command = [str(Path(sys.executable).with_name("jupyter-book")), "build", "."]
    environment = {**os.environ, "PYTHONPATH": str(folder / "code"), "OMP_NUM_THREADS": "2"}
    return subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False
    )


def build(folder: Path) -> list[str]:
    """Build a book that must succeed, and return the chapters that were executed."""
    result = run(folder)
    assert result.returncode == 0, result.stdout + result.stderr
    return json.loads((folder / "_build/reports/execution.json").read_text())["executed"]


def page(folder: Path, name: str) -> str:
    return (folder / "_build" / "html" / f"{name}.html").read_text(encoding="utf8")


def change(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf8")


def test_outputs_come_from_the_parallel_execution(book):
    assert "threads 1 value 3" in page(book, "one")


def test_widget_state_survives_the_cache(book):
    assert "survives the cache" in page(book, "two")


def test_times_page_lists_each_chapter_and_the_total(book):
    text = page(book, "times")
    report = json.loads((book / "_build/reports/execution.json").read_text())
    assert sorted(report["seconds"]) == ["one", "two"]
    for name, seconds in report["seconds"].items():
        assert f'href="{name}.html"' in text
        assert f"<p>{seconds:.1f}</p>" in text
    assert f"<p>{sum(report['seconds'].values()):.1f}</p>" in text


def test_only_what_changed_is_executed_again(book):
    assert build(book) == []

    change(book / "one.md", "Some words", "Other words")
    assert build(book) == []
    assert "Other words" in page(book, "one")
    assert "threads 1 value 3" in page(book, "one")

    change(book / "code/dlmath/base.py", "3", "4")
    assert build(book) == ["one"]
    assert "threads 1 value 4" in page(book, "one")

    change(book / "data/second.csv", "2", "5")
    assert build(book) == ["two"]
    assert "survives the cache" in page(book, "two")


def test_a_cell_whose_options_cannot_be_read_is_named(book, tmp_path):
    folder = tmp_path / "book"
    shutil.copytree(book, folder, ignore=shutil.ignore_patterns("_build"))
    change(folder / "one.md", "```{code-cell} ipython3\n", "```{code-cell} ipython3\n:a: b: c\n")
    result = run(folder)
    assert result.returncode != 0
    assert "one.md: Code cell 1 at line 10 could not be read" in result.stderr


FAULTS = {
    "raises.md": PAGE % "raises" + CELL % "x = 1" + CELL % "def f():\n    return x / 0\nf()",
    "warns.md": PAGE % "warns" + CELL % "import warnings\nwarnings.warn('look here')",
    "hangs.md": PAGE % "hangs" + CELL % "x = 1" + CELL % "while True: pass",
    "dies.md": PAGE % "dies" + CELL % "import os\nos._exit(3)",
}


def test_a_failing_cell_fails_the_build_each_time_and_is_named(book, tmp_path):
    folder = tmp_path / "book"
    shutil.copytree(book, folder, ignore=shutil.ignore_patterns("_build"))
    names = ", ".join(f"{{file: {Path(name).stem}}}" for name in FAULTS)
    toc = f"{{format: jb-book, root: index, chapters: [{names}]}}"
    write(folder, FAULTS | {"_toc.yml": toc})
    change(folder / "_config.yml", "timeout: 60", "timeout: 4")

    first = run(folder)
    assert first.returncode != 0
    said = first.stdout + first.stderr
    assert "raises.md:14: WARNING: code cell 2 failed" in said
    assert "ZeroDivisionError: division by zero" in said
    assert "warns.md:10: WARNING: code cell 1 failed" in said
    assert "look here" in said
    assert "hangs.md:14: WARNING: code cell 2 failed" in said
    assert "dies.md:10: WARNING: code cell 1 failed" in said
    assert said.count("raises.md:") == 1

    again = run(folder)
    assert again.returncode != 0
    assert "raises.md:14: WARNING: code cell 2 failed" in again.stdout + again.stderr

    change(folder / "_toc.yml", names, "{file: raises}")
    change(folder / "raises.md", "x / 0", "x / 1")
    assert build(folder) == ["raises"]


def test_two_builds_from_nothing_are_equal(book, tmp_path):
    pages = []
    for name in ("first", "second"):
        folder = tmp_path / name
        shutil.copytree(book, folder, ignore=shutil.ignore_patterns("_build"))
        change(folder / "_toc.yml", "{file: two}, {file: times}", "")
        assert build(folder) == ["one"]
        html = folder / "_build" / "html"
        files = [*html.rglob("*.html"), *html.rglob("*.svg")]
        pages.append({path.relative_to(html): path.read_bytes() for path in files})
    assert any(path.suffix == ".svg" for path in pages[0])
    assert pages[0] == pages[1]
