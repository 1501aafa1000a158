"""What every test may use: the built site, and the choice to go without a browser."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from built_site import Site, build, copy_of_the_sources, serve

# A test that uses one of these fixtures drives a browser.
BROWSERS = {"chromium", "firefox"}
# A test that uses one of these looks at a site that is built once.
SITES = {"site", "any_site", "long_site"}


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out the tests that need a browser when the caller says that there is none.

    Where several processes share the work, one takes all tests of the built site, which it builds
    once, one all tests of the equations, which write one report, and the rest goes file by file.
    """
    if os.environ.get("BROWSER") == "0":
        driven = [item for item in items if BROWSERS & set(getattr(item, "fixturenames", ()))]
        config.hook.pytest_deselected(items=driven)
        items[:] = [item for item in items if item not in driven]
    if config.pluginmanager.hasplugin("xdist"):
        for item in items:
            item.add_marker(pytest.mark.xdist_group(_group(item)))


def _group(item: pytest.Item) -> str:
    if SITES & set(getattr(item, "fixturenames", ())):
        return "site"
    return "equations" if item.path.parent.name == "equations" else str(item.path)


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
