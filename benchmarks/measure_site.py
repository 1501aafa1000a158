"""Measure the site and its builds against their budgets: run ``make bench``.

Lighthouse looks at one page as Jupyter Book makes it by default, for comparison, at each page of
the book and at a chapter of full length, all three times, as a telephone on a slow network that
it simulates. A line is printed as soon as its page is measured. Times are noisy: no test depends
on them.
"""

from __future__ import annotations

import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path += [str(ROOT / "tests"), str(ROOT / "tests" / "site")]

import full_length  # noqa: E402
from book_pages import soup  # noqa: E402
from bookkit import node  # noqa: E402
from built_site import build, copy_of_the_sources, serve  # noqa: E402

RUNS = 3
# Lighthouse loses its browser now and then on a busy machine.
ATTEMPTS = 3
CHROME_FLAGS = "--headless=new --no-sandbox"
FULL_LENGTH_WORDS = 4_000
SENTENCE = "\n\nOne more sentence stands here.\n"

# Seconds for a build from nothing, with nothing changed, and with one sentence changed.
BUILD_BUDGETS = {"from nothing": 600, "nothing changed": 20, "one sentence changed": 15}
# Seconds for the execution of one chapter.
CHAPTER_BUDGET = 60

PLAIN_CONFIG = "title: A plain book\nexecute:\n  execute_notebooks: force\n"
PLAIN_TOC = "format: jb-book\nroot: index\n"
PLAIN_PAGE = """---
kernelspec:
  name: python3
  display_name: Python 3
---

# A page with one widget

```{code-cell} ipython3
import numpy as np
from dlmath.interactive import DragFit

DragFit(np.arange(8.0), np.arange(8.0) + np.sin(np.arange(8.0)), np.full(8, 0.5),
        alt="Eight points with error bars near a rising straight line with a narrow band.")
```
"""


# The fields of Figures in their order: name, unit, format.
COLUMNS = (
    ("score", "", ".2f"),
    ("a11y", "", ".2f"),
    ("LCP", "s", ".1f"),
    ("blocked", "ms", ".0f"),
    ("text", "kB", ".0f"),
    ("all", "kB", ".0f"),
    ("elements", "", ".0f"),
    ("machine", "", ".0f"),
    ("load", "", ".1f"),
)


@dataclass(frozen=True)
class Figures:
    """What Lighthouse says of one page, in the median of its runs."""

    performance: float
    accessibility: float
    paint: float
    blocking: float
    text: float
    all: float
    elements: float
    machine: float
    load: float

    @classmethod
    def of(cls, reports: list[dict[str, Any]]) -> Figures:
        """Take the median of each figure."""
        return cls(
            performance=median(r["categories"]["performance"]["score"] for r in reports),
            accessibility=median(r["categories"]["accessibility"]["score"] for r in reports),
            paint=median(value(r, "largest-contentful-paint") / 1000 for r in reports),
            blocking=median(value(r, "total-blocking-time") for r in reports),
            text=median(transferred(r, pictures=False) / 1000 for r in reports),
            all=median(transferred(r, pictures=True) / 1000 for r in reports),
            elements=median(value(r, "dom-size") for r in reports),
            machine=median(r["environment"]["benchmarkIndex"] for r in reports),
            load=median(r["load"] for r in reports),
        )


def main() -> None:
    """Build, measure and print."""
    node.ensure(dev=True)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        book = linked_copy(folder / "book")
        print_builds(build_times(book))
        print_executions(book / "_build" / "reports" / "execution.json")
        long_book = folder / "long"
        full_length.write(long_book, ROOT / "_config.yml")
        print_head()
        measure("plain Jupyter Book", plain_book(folder / "plain"), ["index.html"])
        measure("the book", book / "_build" / "html")
        measure("full length", build(long_book), ["full-length.html"])
    print_budget()


def linked_copy(folder: Path) -> Path:
    """Copy the sources of the book; its node packages are those of this folder."""
    folder.mkdir()
    copy_of_the_sources(folder)
    (folder / "node_modules").symlink_to(node.MODULES, target_is_directory=True)
    return folder


def plain_book(folder: Path) -> Path:
    """Build a page as Jupyter Book makes it when nothing is configured."""
    folder.mkdir()
    (folder / "_config.yml").write_text(PLAIN_CONFIG, encoding="utf-8")
    (folder / "_toc.yml").write_text(PLAIN_TOC, encoding="utf-8")
    (folder / "index.md").write_text(PLAIN_PAGE, encoding="utf-8")
    command = [str(Path(sys.executable).with_name("jupyter-book")), "build", str(folder)]
    subprocess.run(command, check=True, capture_output=True)
    return folder / "_build" / "html"


def build_times(book: Path) -> dict[str, tuple[float, float]]:
    """Build the book three times; return the seconds that each build took, and the processors'."""
    chapter = max((book / "chapters").rglob("*.md"), key=lambda path: path.stat().st_size)

    def change_a_sentence() -> None:
        with chapter.open("a", encoding="utf-8") as file:
            file.write(SENTENCE)

    return {
        "from nothing": seconds(lambda: build(book)),
        "nothing changed": seconds(lambda: build(book)),
        "one sentence changed": seconds(lambda: (change_a_sentence(), build(book))),
    }


def seconds(action: Callable[[], object]) -> tuple[float, float]:
    """Return how long an action takes, and the processors' time of the programs that it runs."""
    start, before = time.perf_counter(), os.times()
    action()
    after = os.times()
    processors = sum(after[2:4]) - sum(before[2:4])
    return time.perf_counter() - start, processors


def measure(site: str, html: Path, pages: list[str] | None = None) -> None:
    """Measure the named pages of a site, or all of them, and print a line for each."""
    names = pages or sorted(page.relative_to(html).as_posix() for page in html.rglob("*.html"))
    with serve(html) as address:
        for name in names:
            figures = Figures.of([lighthouse(f"{address}/{name}") for _ in range(RUNS)])
            print_page(f"{site}: {Path(name).stem}", figures, is_short(html / name))


def lighthouse(address: str) -> dict[str, Any]:
    """Return Lighthouse's report on one load of a page."""
    chrome = os.environ.get("CHROME_PATH") or shutil.which("chromium") or shutil.which("chrome")
    if chrome is None:
        raise SystemExit("make bench needs Chromium: apt-get install chromium, or set CHROME_PATH")
    command = [
        *(node.node(), str(node.MODULES / "lighthouse" / "cli" / "index.js"), address),
        *("--output=json", "--quiet", "--only-categories=performance,accessibility"),
        f"--chrome-flags={CHROME_FLAGS}",
    ]
    for _ in range(ATTEMPTS):
        run = subprocess.run(
            command,
            env=os.environ | {"CHROME_PATH": chrome},
            capture_output=True,
            text=True,
            check=False,
        )
        if not run.returncode:
            return json.loads(run.stdout) | {"load": os.getloadavg()[0]}
    raise SystemExit(f"Lighthouse failed {ATTEMPTS} times on {address}:\n{run.stderr}")


def is_short(page: Path) -> bool:
    """Whether a page is held against the budget of short pages: it shows few words."""
    return len(soup(page).get_text(" ").split()) < FULL_LENGTH_WORDS


def median(values: Iterable[float]) -> float:
    """Return the median."""
    return statistics.median(values)


def value(report: dict[str, Any], audit: str) -> float:
    """Return the number that an audit found."""
    return report["audits"][audit]["numericValue"]


def transferred(report: dict[str, Any], pictures: bool) -> float:
    """Return the bytes that came over the network, with or without pictures."""
    requests = report["audits"]["network-requests"]["details"]["items"]
    return sum(
        request["transferSize"]
        for request in requests
        if pictures or request.get("resourceType") != "Image"
    )


def print_head() -> None:
    """Print the names and units of what is measured of each page."""
    print(f"\n{'':40}" + "".join(f"{name:>9}" for name, _, _ in COLUMNS) + "  misses")
    print(f"{'':40}" + "".join(f"{unit:>9}" for _, unit, _ in COLUMNS), flush=True)


def print_page(page: str, figures: Figures, short: bool) -> None:
    """Print what was measured of a page, and which of its budgets it misses."""
    cells = zip(vars(figures).values(), COLUMNS, strict=True)
    numbers = "".join(f"{cell:9{form}}" for cell, (_, _, form) in cells)
    kind = " (short)" if short else ""
    print(f"{page + kind:40.40}{numbers}  {', '.join(misses(figures, short))}", flush=True)


def print_budget() -> None:
    """Print the budget, and how to read the table."""
    print(
        "budget: score >= 0.95 (short pages 0.97), a11y 1.00, LCP <= 2.5, text <= 200 (all but "
        "pictures), all <= 700, elements <= 15000; each the median of three\n"
        "machine: its speed as Lighthouse measures it; load: how many processes wanted to run in\n"
        "the last minute. With a machine below 1000, or a load above the number of its processors "
        f"({os.cpu_count()}), scores are too low to judge"
    )


def misses(figures: Figures, short: bool) -> list[str]:
    """Return the names of the budget's lines that a page misses."""
    kept = {
        "score": figures.performance >= (0.97 if short else 0.95),
        "LCP": figures.paint <= 2.5,
        "text": figures.text <= 200,
        "all": figures.all <= 700,
        "elements": figures.elements <= 15_000,
        "a11y": figures.accessibility == 1,
    }
    return [line for line, met in kept.items() if not met]


def print_builds(times: dict[str, tuple[float, float]]) -> None:
    """Print how long the builds took, beside the budget."""
    print(f"\n{'build of the book':40} {'s':>6} {'budget':>7} {'processors, s':>14}")
    for name, (taken, processors) in times.items():
        budget = BUILD_BUDGETS[name]
        print(f"{name:40} {taken:6.1f} {budget:7} {processors:14.1f}", flush=True)


def print_executions(report: Path) -> None:
    """Print how long each page with code took to execute, beside the budget."""
    seconds_of = json.loads(report.read_text(encoding="utf-8"))["seconds"]
    print(f"\n{'execution, two pages at a time':40} {'s':>6} {'budget':>7}")
    for page, taken in sorted(seconds_of.items()):
        print(f"{Path(page).name:40} {taken:6.1f} {CHAPTER_BUDGET:7}", flush=True)


if __name__ == "__main__":
    main()
