"""Fixtures of the tests that look at the built pages: browsers, and a chapter of full length."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import full_length
import pytest
from built_site import ROOT, Site, build, serve
from playwright.sync_api import Browser, Page, Request, sync_playwright

THEMES = ("light", "dark")
DESKTOP = (1280, 900)
TELEPHONE = (360, 740)
ADVICE = "is missing: apt-get install {package}, or leave the browser tests out with BROWSER=0"


@dataclass
class Visit:
    """A page in the browser, and what was heard while it was there."""

    page: Page
    requests: list[Request] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)

    def foreign_hosts(self) -> set[str]:
        """Return the hosts, besides the suite's own, to which anything was asked."""
        hosts = {urlsplit(request.url).hostname for request in self.requests}
        return {host for host in hosts if host is not None} - {"127.0.0.1"}

    def transferred(self, kinds: set[str] | None = None) -> int:
        """Return the bytes received for requests of these kinds, or for all, headers included."""
        total = 0
        for request in self.requests:
            if request.url.startswith("http") and (kinds is None or request.resource_type in kinds):
                sizes = request.sizes()
                total += sizes["responseBodySize"] + sizes["responseHeadersSize"]
        return total

    def settle(self) -> None:
        """Wait until the page is laid out and drawn anew."""
        self.page.evaluate(
            "new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))"
        )

    def unfold(self) -> None:
        """Open everything that is folded."""
        self.page.evaluate("document.querySelectorAll('details').forEach(d => (d.open = true))")


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    path = shutil.which("chromium") or shutil.which("google-chrome")
    if path is None:
        pytest.fail("Chromium " + ADVICE.format(package="chromium"))
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def firefox() -> str:
    path = shutil.which("firefox-esr") or shutil.which("firefox")
    if path is None:
        pytest.fail("Firefox " + ADVICE.format(package="firefox-esr"))
    return path


@pytest.fixture
def visit(chromium):
    """Give a function that opens an address and listens to all that happens there."""

    @contextmanager
    def open_page(
        address: str, size: tuple[int, int] = DESKTOP, theme: str = "light", **options: object
    ) -> Iterator[Visit]:
        width, height = size
        context = chromium.new_context(
            viewport={"width": width, "height": height}, color_scheme=theme, **options
        )
        heard = Visit(context.new_page())
        heard.page.on("request", lambda request: heard.requests.append(request))
        heard.page.on("requestfailed", lambda r: heard.failures.append(f"failed: {r.url}"))
        heard.page.on("pageerror", lambda error: heard.failures.append(f"error: {error}"))
        heard.page.on("console", lambda message: _note(heard, message))
        heard.page.on("response", lambda response: _check(heard, response))
        heard.page.goto(address, wait_until="load")
        heard.page.evaluate("document.fonts.ready.then(() => true)")
        yield heard
        context.close()

    return open_page


def _note(heard: Visit, message) -> None:
    if message.type in {"error", "warning"}:
        heard.failures.append(f"console {message.type}: {message.text}")


def _check(heard: Visit, response) -> None:
    if response.status >= 400:
        heard.failures.append(f"{response.status}: {response.url}")


@pytest.fixture(scope="session")
def long_site(tmp_path_factory: pytest.TempPathFactory, node_modules: Path) -> Iterator[Site]:
    """Build the book whose one chapter has the full length, and serve it."""
    source = tmp_path_factory.mktemp("full-length")
    full_length.write(source, ROOT / "_config.yml")
    html = build(source)
    with serve(html) as address:
        yield Site(source, html, address)


@pytest.fixture(params=["book", "full length"])
def any_site(request: pytest.FixtureRequest) -> Site:
    """Give the book and then the chapter of full length."""
    return request.getfixturevalue("site" if request.param == "book" else "long_site")
