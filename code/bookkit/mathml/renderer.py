"""LaTeX to MathML through one node process that lives as long as the build."""

from __future__ import annotations

import json
import subprocess
from contextlib import suppress
from pathlib import Path

from sphinx.errors import ExtensionError

from bookkit import node

SCRIPT = Path(__file__).with_name("temml.mjs")


class FormulaError(ValueError):
    """A formula that does not parse; the message says why and where in the formula."""


class Renderer:
    """Render formulas, each distinct one once.

    Parameters
    ----------
    macros : dict of str to str
        The LaTeX that each macro stands for.
    """

    def __init__(self, macros: dict[str, str]) -> None:
        self.macros = macros
        self._process: subprocess.Popen[str] | None = None
        self._answers: dict[tuple[str, bool], dict[str, str]] = {}

    def render(self, latex: str, display: bool) -> str:
        """Return the MathML of one formula.

        Raises
        ------
        FormulaError
            When the formula does not parse.
        """
        key = (latex, display)
        if key not in self._answers:
            self._answers[key] = self._ask(latex, display)
        answer = self._answers[key]
        if "error" in answer:
            raise FormulaError(answer["error"])
        return answer["mathml"]

    def close(self) -> None:
        """End the process; the next formula starts a new one."""
        if self._process is not None:
            self._process.communicate()
            self._process = None

    def _ask(self, latex: str, display: bool) -> dict[str, str]:
        self._send({"latex": latex, "display": display})
        assert self._process is not None
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            _, reason = self._process.communicate()
            self._process = None
            raise ExtensionError(f"The process that renders the formulas died:\n{reason}")
        return json.loads(line)

    def _send(self, request: dict[str, object]) -> None:
        if self._process is None:
            self._process = self._start()
        assert self._process.stdin is not None
        # Why a process has died is read where its answer is missed.
        with suppress(BrokenPipeError):
            self._process.stdin.write(json.dumps(request) + "\n")
            self._process.stdin.flush()

    def _start(self) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [node.node(), str(SCRIPT)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            encoding="utf-8",
        )
        assert process.stdin is not None
        process.stdin.write(json.dumps(self.macros) + "\n")
        return process
