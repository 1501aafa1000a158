"""The chapters in Firefox: nothing fails, fonts, formulas and figures to move are there."""

import json
import subprocess
from pathlib import Path

from book_pages import soup
from bookkit import node
from built_site import Site

SCRIPT = Path(__file__).with_name("firefox.mjs")


def test_firefox_shows_the_chapters(any_site: Site, firefox: str, node_modules: Path):
    pages = [name for name in any_site.pages() if name.startswith(("chapters/", "full"))]
    assert pages
    addresses = [f"{any_site.address}/{name}" for name in pages]
    run = subprocess.run(
        [node.node(), str(SCRIPT), firefox, str(node_modules), *addresses],
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    report = json.loads(run.stdout)
    assert list(report) == addresses
    for name, found in zip(pages, report.values(), strict=True):
        assert found["failures"] == [], name
        assert found["hosts"] == ["127.0.0.1"], name
        assert any("Bookkit Serif" in family for family in found["fonts"]), name
        assert found["width"] <= 1000, name
        page = soup(any_site.html / name)
        if page.select("math[display=block]"):
            assert found["formula"] > 0, name
        if page.select(".bk-widget"):
            assert found["controls"] > 0, name
