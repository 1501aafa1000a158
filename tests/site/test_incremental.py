"""A build that repeats only what has changed gives the same site as a build from nothing."""

import shutil
from dataclasses import dataclass
from pathlib import Path

import full_length
import pytest
from built_site import ROOT, build

CHANGED = "A sentence that came later, with $e^{i\\pi} = -1$.\n"
NEW = "# A new page\n\nIts only sentence.\n"
IGNORED = shutil.ignore_patterns("_build")


@dataclass(frozen=True)
class Builds:
    """A book that was built again and its like built from nothing; what a last build wrote."""

    again: dict[str, bytes]
    fresh: dict[str, bytes]
    rewritten: list[str]


@pytest.fixture(scope="module")
def builds(tmp_path_factory, node_modules) -> Builds:
    """Build a book, change it and build again; build the changed book from nothing too.

    Then change one sentence of a numbered chapter in the latter, and build for the last time.
    """
    folder = tmp_path_factory.mktemp("incremental") / "book"
    full_length.write(folder, ROOT / "_config.yml", words=300)
    build(folder)
    short = folder / "short.md"
    short.write_text(short.read_text(encoding="utf-8") + "\n" + CHANGED, encoding="utf-8")
    (folder / "new.md").write_text(NEW, encoding="utf-8")
    toc = folder / "_toc.yml"
    toc.write_text(toc.read_text(encoding="utf-8") + "      - file: new\n", encoding="utf-8")
    again = files(build(folder))
    folder = shutil.copytree(folder, folder.parent / "fresh" / "book", ignore=IGNORED)
    html = build(folder)
    fresh, before = files(html), written(html)
    with (folder / "short.md").open("a", encoding="utf-8") as short:
        short.write("\n" + CHANGED)
    after = written(build(folder))
    return Builds(again, fresh, [name for name in after if after[name] != before[name]])


def files(html: Path) -> dict[str, bytes]:
    return {
        path.relative_to(html).as_posix(): path.read_bytes()
        for path in html.rglob("*")
        if path.is_file()
    }


def written(html: Path) -> dict[str, int]:
    """Return when each page was written."""
    return {
        path.relative_to(html).as_posix(): path.stat().st_mtime_ns for path in html.rglob("*.html")
    }


def test_an_incremental_build_equals_a_clean_one(builds):
    assert builds.again.keys() == builds.fresh.keys()
    assert [name for name, content in builds.again.items() if builds.fresh[name] != content] == []


def test_every_page_knows_the_new_one(builds):
    for site in (builds.again, builds.fresh):
        for name in ("index.html", "full-length.html", "short.html"):
            assert b"A new page" in site[name], name
        assert b"A sentence that came later" in site["short.html"]


def test_only_the_page_with_a_new_sentence_is_written_again(builds):
    # Sphinx itself writes the page that lists it in a toctree, and the search's at every end.
    assert sorted(builds.rewritten) == ["index.html", "search.html", "short.html"]
