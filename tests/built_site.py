"""A built site: how tests build it from nothing, and serve it as a reader gets it."""

from __future__ import annotations

import gzip
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

ROOT = Path(__file__).resolve().parents[1]


@dataclass(frozen=True)
class Site:
    """A built site: where its sources, its files and its server are."""

    source: Path
    html: Path
    address: str

    def pages(self) -> list[str]:
        """Return the addresses of its pages below the root."""
        return sorted(path.relative_to(self.html).as_posix() for path in self.html.rglob("*.html"))


class GzipHandler(SimpleHTTPRequestHandler):
    """Serves files as GitHub Pages does: text is compressed."""

    protocol_version = "HTTP/1.1"
    COMPRESSED = (".html", ".css", ".js", ".svg", ".json", ".ipynb", ".txt", ".inv")

    def do_GET(self) -> None:
        path = Path(self.translate_path(self.path))
        if path.is_dir():
            path /= "index.html"
        if not path.is_file():
            self.send_error(404)
            return
        body = path.read_bytes()
        self.send_response(200)
        if path.suffix in self.COMPRESSED:
            body = gzip.compress(body, mtime=0)
            self.send_header("Content-Encoding", "gzip")
        self.send_header("Content-Type", self.guess_type(str(path)))
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        # A browser may leave before it has everything.
        with suppress(BrokenPipeError, ConnectionResetError):
            self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Keep quiet."""


@contextmanager
def serve(folder: Path) -> Iterator[str]:
    """Serve a folder on the loopback address; give the address."""

    def handler(*arguments: object) -> GzipHandler:
        return GzipHandler(*arguments, directory=str(folder))  # type: ignore[arg-type]

    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)  # type: ignore[arg-type]
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def copy_of_the_sources(folder: Path) -> Path:
    """Copy what a fresh clone would have, and what is new in the work tree."""
    listing = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    for name in filter(None, listing.split("\0")):
        source = ROOT / name
        if source.exists():
            target = folder / name
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, target, follow_symlinks=False)
    return folder


def build(source: Path) -> Path:
    """Build the book in a folder as `make book` does, strictly; return the folder of its pages."""
    command = [
        *(str(Path(sys.executable).with_name("jupyter-book")), "build"),
        *("-W", "-n", "--keep-going", str(source)),
    ]
    # The packages of the copy come before those that are installed.
    packages = [str(folder / "code") for folder in (source, ROOT)]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(packages)}
    run = subprocess.run(
        command, cwd=source, env=environment, capture_output=True, text=True, check=False
    )
    if run.returncode:
        pytest.fail(f"{' '.join(command)}:\n{run.stdout[-3000:]}\n{run.stderr[-6000:]}")
    return source / "_build" / "html"
