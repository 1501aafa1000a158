"""The tests that verify the equations, as their source says: nothing is imported or run."""

import ast
import copy
import inspect
import textwrap
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

TESTS = Path("tests/equations")


@dataclass(frozen=True)
class Piece:
    """A definition in a test module, with the imports that it needs, each with its line."""

    name: str
    line: int
    source: str
    imports: tuple[tuple[int, str], ...]


@dataclass(frozen=True)
class EquationTest:
    """One test: what it verifies, by which routes, what it shows to be wrong, and its source."""

    path: Path
    line: int
    name: str
    equations: tuple[str, ...]
    routes: tuple[str, ...]
    summary: str
    refuted: tuple[str, ...]
    piece: Piece
    helpers: tuple[Piece, ...]

    @property
    def place(self) -> str:
        """File and line, as an editor takes them."""
        return f"{self.path}:{self.line}"


def read_tests(root: Path) -> list[EquationTest]:
    """Read every test of the book's equations."""
    return [
        test
        for path in sorted((root / TESTS).glob("test_*.py"))
        for test in read_module(path, path.relative_to(root))
    ]


def read_module(path: Path, shown_as: Path) -> list[EquationTest]:
    """Read the marked tests of one module.

    Raises
    ------
    ValueError
        If a marker cannot be read without running the module.
    """
    text = path.read_text(encoding="utf-8")
    lines, module = text.splitlines(), ast.parse(text)
    imports = _imports(module)
    tests = []
    for function in _functions(module.body):
        for decorator in function.decorator_list:
            if isinstance(decorator, ast.Call) and ast.unparse(decorator.func).endswith(
                "mark.verifies"
            ):
                equations, routes = _mark(decorator, f"{shown_as}:{function.lineno}")
                docstring = inspect.cleandoc(ast.get_docstring(function) or "")
                tests.append(
                    EquationTest(
                        path=shown_as,
                        line=function.lineno,
                        name=function.name,
                        equations=equations,
                        routes=routes,
                        summary=" ".join(docstring.partition("\n\n")[0].split()),
                        refuted=_refuted(function),
                        piece=_piece(function, imports, lines),
                        helpers=tuple(
                            _piece(node, imports, lines) for node in _needed(function, module)
                        ),
                    )
                )
    return tests


def _functions(body: Iterable[ast.stmt]) -> Iterable[ast.FunctionDef]:
    for statement in body:
        if isinstance(statement, ast.FunctionDef):
            yield statement
        elif isinstance(statement, ast.ClassDef):
            yield from _functions(statement.body)


def _mark(decorator: ast.Call, place: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    try:
        equations = tuple(ast.literal_eval(argument) for argument in decorator.args)
        keywords = {word.arg: ast.literal_eval(word.value) for word in decorator.keywords}
    except ValueError:
        raise ValueError(
            f"{place}: write the labels and routes of `verifies` out as strings: the book reads "
            "them without running the test"
        ) from None
    return equations, tuple(keywords.get("routes", ()))


def _refuted(function: ast.FunctionDef) -> tuple[str, ...]:
    """List the names of the wrong versions, each once, in the order of the source."""
    names: dict[str, None] = {}
    for node in ast.walk(function):
        if isinstance(node, ast.Call) and ast.unparse(node.func).endswith(".refutes"):
            for word in node.keywords:
                if word.arg == "why" and isinstance(word.value, ast.Constant):
                    names[str(word.value.value)] = None
    return tuple(names)


def listing(pieces: Iterable[Piece]) -> str:
    """Join definitions to a text that could stand in a module: imports first, in their order."""
    ordered = sorted(set(pieces), key=lambda piece: piece.line)
    imports = sorted({line for piece in ordered for line in piece.imports})
    blocks = [piece.source for piece in ordered]
    if imports:
        blocks.insert(0, "\n".join(text for _, text in imports))
    return "\n\n".join(blocks) + "\n"


def _imports(module: ast.Module) -> dict[str, tuple[int, str]]:
    """Give for each imported name its line and the statement that imports it alone."""
    found = {}
    for node in module.body:
        if isinstance(node, ast.Import | ast.ImportFrom):
            for alias in node.names:
                alone = copy.copy(node)
                alone.names = [alias]
                name = (alias.asname or alias.name).partition(".")[0]
                found[name] = (node.lineno, ast.unparse(alone))
    return found


def _needed(function: ast.FunctionDef, module: ast.Module) -> list[ast.stmt]:
    """List the module's helpers, fixtures and constants that a test names, directly or not."""
    defined = {name: node for node in module.body for name in _defines(node)}
    needed: list[ast.stmt] = []
    open_: list[ast.stmt] = [function]
    while open_:
        for name in sorted(_names(open_.pop())):
            node = defined.get(name)
            if node is not None and node not in needed and node is not function:
                needed.append(node)
                open_.append(node)
    return needed


def _defines(node: ast.stmt) -> list[str]:
    if isinstance(node, ast.FunctionDef | ast.ClassDef):
        return [node.name]
    if isinstance(node, ast.Assign | ast.AnnAssign):
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        return [
            name.id for target in targets for name in ast.walk(target) if isinstance(name, ast.Name)
        ]
    return []


def _piece(node: ast.stmt, imports: Mapping[str, tuple[int, str]], lines: list[str]) -> Piece:
    """Cut a definition out of its module, with its decorators."""
    decorators = getattr(node, "decorator_list", [])
    first = min([node.lineno, *(decorator.lineno for decorator in decorators)])
    return Piece(
        name=_defines(node)[0],
        line=node.lineno,
        source=textwrap.dedent("\n".join(lines[first - 1 : node.end_lineno])),
        imports=tuple(sorted(imports[name] for name in _names(node) if name in imports)),
    )


def _names(node: ast.AST) -> set[str]:
    """Collect every name used, a test's arguments included: they name fixtures."""
    used = set()
    for inner in ast.walk(node):
        if isinstance(inner, ast.Name):
            used.add(inner.id)
        elif isinstance(inner, ast.arg):
            used.add(inner.arg)
    return used
