"""The pages of the book: which there are, how they are written, and what was built of them."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from pathlib import Path

import yaml
from bs4 import BeautifulSoup, Tag
from built_site import ROOT


def contents() -> dict[str, list[str]]:
    """Return the pages of each part of the book, in the order of the table of contents."""
    toc = yaml.safe_load((ROOT / "_toc.yml").read_text(encoding="utf-8"))

    def files(entries: list[dict]) -> Iterator[str]:
        for entry in entries:
            yield entry["file"]
            yield from files(entry.get("sections", []))

    return {part["caption"]: list(files(part["chapters"])) for part in toc["parts"]}


def chapters() -> list[str]:
    """Return the chapters: the pages of all parts but the appendices."""
    return [page for part, pages in contents().items() if part != "Appendices" for page in pages]


def source_of(page: str) -> str:
    """Return the text from which a page is made."""
    return (ROOT / f"{page}.md").read_text(encoding="utf-8")


@cache
def soup(path: Path) -> BeautifulSoup:
    """Return a built page, read once for all tests: none of them may change it."""
    return BeautifulSoup(path.read_bytes(), "lxml")


@cache
def places(path: Path) -> dict[str, Tag]:
    """Return the elements of a built page that have an identifier."""
    return {element["id"]: element for element in soup(path).select("[id]")}
