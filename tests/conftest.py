"""What every test may use: the built site, and the choice to go without a browser."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from built_site import Site, build, copy_of_the_sources, serve

# A test that uses one of these fixtures drives a browser.
BROWSERS = {"chromium", "firefox"}
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

    One takes all tests of the built site, which it builds once, one all tests of the equations,
    which write one report, and the rest goes file by file.
    """
    from xdist.scheduler import LoadScopeScheduling

    class Groups(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            path = nodeid.partition("::")[0]
            if path in OF_THE_SITE or path.startswith("tests/site/"):
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
    """Build the book from nothing, once for all tests, and serve it."""
    source = copy_of_the_sources(tmp_path_factory.mktemp("book"))
    (source / "node_modules").symlink_to(node_modules, target_is_directory=True)
    html = build(source)
    with serve(html) as address:
        yield Site(source, html, address)
