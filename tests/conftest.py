"""What every test may use: the built site, and the choice to go without a browser."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from built_site import Site, build, copy_of_the_sources, serve

# A test that uses one of these fixtures drives a browser.
BROWSERS = {"chromium", "firefox"}


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
