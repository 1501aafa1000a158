"""Measure the site and its builds against their budgets: run ``make bench``.

Lighthouse looks at each page of the book, at a chapter of full length and, for comparison, at one
page as Jupyter Book makes it by default, all three times, as a telephone on a slow network that
it simulates. Times are noisy: they are printed here, and no test depends on them.
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
from bookkit import node  # noqa: E402
from built_site import build, copy_of_the_sources, serve  # noqa: E402

RUNS = 3
CHROME_FLAGS = "--headless=new --no-sandbox"
FULL_LENGTH_WORDS = 4_000
SENTENCE = "\n\nOne more sentence stands here.\n"

# Seconds for a build from nothing, with nothing changed, and with one sentence changed.
BUILD_BUDGETS = {"from nothing": 600, "nothing changed": 20, "one sentence changed": 15}

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
        )


def main() -> None:
    """Build, measure and print."""
    node.ensure(dev=True)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        book = linked_copy(folder / "book")
        times = build_times(book)
        long_book = folder / "long"
        full_length.write(long_book, ROOT / "_config.yml")
        plain = plain_book(folder / "plain")
        rows = [
            *measure("the book", book / "_build" / "html"),
            *measure("full length", build(long_book), ["full-length.html"]),
            *measure("plain Jupyter Book", plain, ["index.html"]),
        ]
    print_pages(rows)
    print_builds(times)


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


def build_times(book: Path) -> dict[str, float]:
    """Build the book three times; return the seconds that each build took."""
    chapter = max((book / "chapters").rglob("*.md"), key=lambda path: path.stat().st_size)

    def change_a_sentence() -> None:
        with chapter.open("a", encoding="utf-8") as file:
            file.write(SENTENCE)

    return {
        "from nothing": seconds(lambda: build(book)),
        "nothing changed": seconds(lambda: build(book)),
        "one sentence changed": seconds(lambda: (change_a_sentence(), build(book))),
    }


def seconds(action: Callable[[], object]) -> float:
    """Return how long an action takes."""
    start = time.perf_counter()
    action()
    return time.perf_counter() - start


def measure(
    site: str, html: Path, pages: list[str] | None = None
) -> list[tuple[str, str, bool, Figures]]:
    """Return for each page its site, its name, whether it is a short one, and its figures."""
    names = pages or sorted(page.relative_to(html).as_posix() for page in html.rglob("*.html"))
    rows = []
    with serve(html) as address:
        for name in names:
            reports = [lighthouse(f"{address}/{name}") for _ in range(RUNS)]
            rows.append((site, name, is_short(html / name), Figures.of(reports)))
            print(f"measured {site}: {name}", file=sys.stderr)
    return rows


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
    run = subprocess.run(
        command,
        env=os.environ | {"CHROME_PATH": chrome},
        capture_output=True,
        text=True,
        check=False,
    )
    if run.returncode:
        raise SystemExit(f"Lighthouse failed on {address}:\n{run.stderr}")
    return json.loads(run.stdout)


def is_short(page: Path) -> bool:
    """Whether a page is held against the budget of short pages."""
    return len(page.read_text(encoding="utf-8").split()) < FULL_LENGTH_WORDS


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


def print_pages(rows: list[tuple[str, str, bool, Figures]]) -> None:
    """Print what was measured of each page, beside the budget."""
    print(f"\n{'':50}" + "".join(f"{name:>9}" for name, _, _ in COLUMNS) + "  misses")
    print(f"{'':50}" + "".join(f"{unit:>9}" for _, unit, _ in COLUMNS))
    for site, name, short, figures in rows:
        cells = vars(figures).values()
        numbers = [f"{cell:9{form}}" for cell, (_, _, form) in zip(cells, COLUMNS, strict=True)]
        page = f"{site}: {Path(name).stem}"
        print(f"{page:50.50}{''.join(numbers)}  {', '.join(misses(figures, short))}")
    print(
        "budget: score >= 0.95 (short pages 0.97), a11y 1.00, LCP <= 2.5, text <= 200 (all but "
        "pictures), all <= 700, elements <= 15000\n"
        "machine: its speed as Lighthouse measures it; below 1000 it is too busy to judge scores"
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


def print_builds(times: dict[str, float]) -> None:
    """Print how long the builds took, beside the budget."""
    print(f"\n{'build of the book':30} {'s':>6} {'budget':>7}")
    for name, taken in times.items():
        print(f"{name:30} {taken:6.1f} {BUILD_BUDGETS[name]:7}")


if __name__ == "__main__":
    main()
