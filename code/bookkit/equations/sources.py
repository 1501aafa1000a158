"""The displayed formulas of the book as they stand in its source text."""

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

FENCE = re.compile(r"^\s*(?:[-*>]\s+)?(?P<marks>`{3,}|:{3,}|~{3,})\s*(?P<info>[^`]*)$")
DIRECTIVE = re.compile(r"^\{(?P<name>[^}]+)\}")
OPTION = re.compile(r"^\s*:(?P<name>label|name):\s*(?P<label>\S+)\s*$")
DOLLARS = re.compile(r"^\s*(?:[-*>]\s+)*\$\$(?P<rest>.*)$")
CLOSING = re.compile(r"^(?P<tex>.*?)\$\$\s*(?:\((?P<label>[^)]*)\))?\s*$")
BARE_ENVIRONMENT = re.compile(
    r"\\begin\{(align|alignat|eqnarray|equation|flalign|gather|multline)\*?\}"
)
# Directives whose content is not text: nothing in them is a formula of the page.
LITERAL = frozenset(
    {"code", "code-block", "code-cell", "literalinclude", "raw", "sourcecode", "mermaid"}
)


@dataclass(frozen=True)
class Formula:
    """A displayed formula: where it stands, its label when it is numbered, its LaTeX."""

    path: Path
    line: int
    label: str | None
    latex: str

    @property
    def place(self) -> str:
        """File and line, as an editor takes them."""
        return f"{self.path}:{self.line}"

    @property
    def fingerprint(self) -> str:
        """A hash of the LaTeX that does not depend on white space."""
        normalised = " ".join(self.latex.split())
        return hashlib.sha256(normalised.encode()).hexdigest()[:16]


def chapter_of(path: Path | str) -> str:
    """Give the name by which labels and tests call a page: its file name without ending."""
    return Path(path).name.removesuffix(".md")


def book_sources(root: Path) -> list[Path]:
    """List the book's source pages."""
    return [root / "index.md", *sorted((root / "chapters").rglob("*.md"))]


def text_lines(text: str) -> Iterator[tuple[int, str]]:
    """Yield the numbered lines that are text, leaving out code, literal blocks and front matter."""
    lines = text.splitlines()
    start = lines.index("---", 1) + 1 if lines[:1] == ["---"] and "---" in lines[1:] else 0
    literal = ""
    for number, line in enumerate(lines[start:], start=start + 1):
        fence = FENCE.match(line)
        if literal:
            closes = fence and not fence["info"].strip() and fence["marks"].startswith(literal)
            literal = "" if closes else literal
            continue
        if fence and fence["info"].strip():
            directive = DIRECTIVE.match(fence["info"])
            if directive is None or directive["name"] in LITERAL:
                literal = fence["marks"]
                continue
        yield number, line


def formulas(path: Path) -> list[Formula]:
    """Read the displayed formulas of one page, in both forms in which they may be written."""
    lines = iter(list(text_lines(path.read_text(encoding="utf-8"))))
    found = []
    for number, line in lines:
        fence = FENCE.match(line)
        if fence and fence["info"].strip().startswith("{math}"):
            found.append(_math_directive(path, number, fence, lines))
        elif dollars := DOLLARS.match(line):
            found.append(_dollar_formula(path, number, dollars["rest"], lines))
    return found


def _math_directive(
    path: Path, number: int, fence: re.Match[str], lines: Iterator[tuple[int, str]]
) -> Formula:
    label, body = None, [fence["info"].strip().removeprefix("{math}")]
    for _, line in lines:
        if line.strip().startswith(fence["marks"]):
            break
        if option := OPTION.match(line):
            label = option["label"]
        else:
            body.append(line)
    return Formula(path, number, label, "\n".join(body).strip())


def _dollar_formula(
    path: Path, number: int, rest: str, lines: Iterator[tuple[int, str]]
) -> Formula:
    body, line = [], rest
    while (closing := CLOSING.match(line)) is None:
        body.append(line)
        following = next(lines, None)
        if following is None:
            raise ValueError(f"{path}:{number}: the formula that begins here with $$ has no end")
        line = following[1]
    body.append(closing["tex"])
    return Formula(path, number, closing["label"], "\n".join(body).strip())


def bare_environments(path: Path) -> list[str]:
    """Name the places where an environment that numbers itself begins."""
    return [
        f"{path}:{number}: {match[0]}"
        for number, line in text_lines(path.read_text(encoding="utf-8"))
        if (match := BARE_ENVIRONMENT.search(line))
    ]
