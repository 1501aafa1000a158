"""A build that repeats only what has changed gives the same site as a build from nothing."""

import shutil
from pathlib import Path

import full_length
import pytest
from built_site import ROOT, build

CHANGED = "A sentence that came later, with $e^{i\\pi} = -1$.\n"
NEW = "# A new page\n\nIts only sentence.\n"


@pytest.fixture(scope="module")
def sites(tmp_path_factory, node_modules) -> tuple[Path, Path]:
    """Build a book, change it and build again; build the changed book from nothing too."""
    folder = tmp_path_factory.mktemp("incremental") / "book"
    full_length.write(folder, ROOT / "_config.yml", words=300)
    build(folder)
    short = folder / "short.md"
    short.write_text(short.read_text(encoding="utf-8") + "\n" + CHANGED, encoding="utf-8")
    (folder / "new.md").write_text(NEW, encoding="utf-8")
    toc = folder / "_toc.yml"
    toc.write_text(toc.read_text(encoding="utf-8") + "      - file: new\n", encoding="utf-8")
    again = build(folder)
    fresh = folder.parent / "fresh" / "book"
    shutil.copytree(folder, fresh, ignore=shutil.ignore_patterns("_build"))
    return again, build(fresh)


def files(html: Path) -> dict[str, bytes]:
    return {
        path.relative_to(html).as_posix(): path.read_bytes()
        for path in html.rglob("*")
        if path.is_file()
    }


def test_an_incremental_build_equals_a_clean_one(sites):
    again, fresh = map(files, sites)
    assert again.keys() == fresh.keys()
    assert [name for name in again if again[name] != fresh[name]] == []


def test_every_page_knows_the_new_one(sites):
    for html in sites:
        for name in ("index.html", "full-length.html", "short.html"):
            assert "A new page" in (html / name).read_text(encoding="utf-8"), name
        assert "A sentence that came later" in (html / "short.html").read_text(encoding="utf-8")
