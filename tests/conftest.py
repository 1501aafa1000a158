"""What every test may use: the built site, and the choice to go without a browser."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from built_site import Site, build, copy_of_the_sources, serve
from filelock import FileLock

# A test that uses one of these fixtures drives a browser.
BROWSERS = {"chromium", "firefox"}
# These visit every page of the built site, or the chapter of full length, in a browser.
OF_THE_PAGES = {
    f"tests/site/test_{name}.py"
    for name in ("accessibility", "behaviour", "budget", "firefox", "links", "pictures", "search")
}
# Besides those in tests/site, these look at the built site.
OF_THE_SITE = {
    "tests/bookkit/test_diagrams.py",
    "tests/equations/test_completeness.py",
    "tests/test_chapters.py",
}


def pytest_configure(config: pytest.Config) -> None:
    """Fetch the packages of node before several processes need them at once."""
    if getattr(config.option, "numprocesses", None) and not hasattr(config, "workerinput"):
        from bookkit import node

        node.ensure(dev=True)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Say which tests one process has to take, where several share the work.

    One takes the tests of the built site, which it builds. One takes all tests of the equations,
    which write one report. The rest goes file by file, those with the most tests first; so the
    visits to all pages, which are few and long, come last, when the site is there for whoever is
    free.
    """
    from xdist.scheduler import LoadScopeScheduling

    class Groups(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            path = nodeid.partition("::")[0]
            if path in OF_THE_SITE or (path.startswith("tests/site/") and path not in OF_THE_PAGES):
                return "site"
            return "equations" if path.startswith("tests/equations/") else path

    return Groups(config, log)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out the tests that need a browser when the caller says that there is none."""
    if os.environ.get("BROWSER") != "0":
        return
    driven = [item for item in items if BROWSERS & set(getattr(item, "fixturenames", ()))]
    config.hook.pytest_deselected(items=driven)
    items[:] = [item for item in items if item not in driven]


@pytest.fixture(scope="session")
def node_modules() -> Path:
    """Return the folder with the packages of package.json, those for tests included."""
    from bookkit import node

    node.ensure(dev=True)
    return node.MODULES


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory, node_modules: Path) -> Iterator[Site]:
    """Build the book from nothing, once for all tests in all processes, and serve it."""
    folder = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        folder = folder.parent
    source, built = folder / "book", folder / "book.built"
    with FileLock(folder / "book.lock"):
        if not source.exists():
            source.mkdir()
            copy_of_the_sources(source)
            (source / "node_modules").symlink_to(node_modules, target_is_directory=True)
            build(source)
            built.touch()
    if not built.exists():
        pytest.fail("The book could not be built; the test that tried it first says why.")
    html = source / "_build" / "html"
    with serve(html) as address:
        yield Site(source, html, address)
