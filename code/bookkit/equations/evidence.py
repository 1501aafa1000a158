"""The tests that verify the equations, as their source says: nothing is imported or run."""

import ast
import inspect
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

TESTS = Path("tests/equations")


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
    source: str

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
    module = ast.parse(text)
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
                        source=_with_helpers(function, module, text),
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


def _with_helpers(function: ast.FunctionDef, module: ast.Module, text: str) -> str:
    """Give the source of a test with the imports, helpers and fixtures that it names."""
    lines = text.splitlines()
    defined = {name: node for node in module.body for name in _defines(node)}
    needed: set[ast.stmt] = set()
    open_ = [function]
    while open_:
        for name in _names(open_.pop()):
            node = defined.get(name)
            if node is not None and node not in needed and node is not function:
                needed.add(node)
                open_.append(node)  # type: ignore[arg-type]
    blocks = []
    imports = []
    for node in module.body:
        if node in needed and isinstance(node, ast.Import | ast.ImportFrom):
            imports.append(_segment(node, lines))
        elif node in needed:
            blocks.append(_segment(node, lines))
    blocks.append(inspect.cleandoc(_segment(function, lines)))
    return "\n\n".join(["\n".join(imports), *blocks]).strip() + "\n"


def _defines(node: ast.stmt) -> list[str]:
    if isinstance(node, ast.Import | ast.ImportFrom):
        return [(alias.asname or alias.name).partition(".")[0] for alias in node.names]
    if isinstance(node, ast.FunctionDef | ast.ClassDef):
        return [node.name]
    if isinstance(node, ast.Assign | ast.AnnAssign):
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        return [
            name.id for target in targets for name in ast.walk(target) if isinstance(name, ast.Name)
        ]
    return []


def _names(node: ast.AST) -> set[str]:
    """Collect every name used, a test's arguments included: they name fixtures."""
    used = set()
    for inner in ast.walk(node):
        if isinstance(inner, ast.Name):
            used.add(inner.id)
        elif isinstance(inner, ast.arg):
            used.add(inner.arg)
    return used


def _segment(node: ast.stmt, lines: list[str]) -> str:
    decorators = getattr(node, "decorator_list", [])
    first = min([node.lineno, *(decorator.lineno for decorator in decorators)])
    return "\n".join(lines[first - 1 : node.end_lineno])
