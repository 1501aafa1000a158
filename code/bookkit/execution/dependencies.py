"""What the outputs of a chapter depend on, found by reading code, and reduced to one hash.

Nothing is imported or run. The rules err on the side of executing again:

* the modules of `dlmath` that the cells use, and those that these use in turn; a package that does
  nothing but hand on what its modules define stands for the modules of the names that are used, or
  for all of them if it is used as a whole;
* where one of these imports others by name (`importlib.import_module`), the modules of its package
  that hold a string which the cells hand to the package (the name of an exercise), or all of them
  if that cannot be told;
* the files that are not Python in the folders of these modules (the JavaScript of a widget), if the
  code or another of these files names them, with their ending or without;
* the files beside `dlmath` itself that the code names (the style of the figures);
* the data files that the cells or the modules name: a name is a whole string, never put together;
  those in the folder ``models`` (trained weights and their record) are named without an ending;
* the pins, and the version of Python.
"""

import ast
import hashlib
import platform
import re
from collections.abc import Iterable, Iterator
from functools import cached_property
from pathlib import Path

from IPython.core.inputtransformer2 import TransformerManager

PACKAGE = "dlmath"
IMPORTERS = {"import_module", "__import__", "iter_modules", "walk_packages"}
QUOTED = re.compile(r"""["']([^"'\n]+)["']""")


class Dependencies:
    """The modules, data files and pins below the root of the book's repository."""

    def __init__(self, root: Path) -> None:
        self.code = root / "code"
        self.data = root / "data"
        self.pins = root / "requirements.txt"
        self._trees: dict[Path, ast.Module] = {}
        self._keys: dict[tuple[str, ...], str] = {}
        self._hashes: dict[Path, bytes] = {}

    def key(self, cells: Iterable[str]) -> str:
        """Return a hash of everything besides the cells that their outputs depend on."""
        sources = tuple(cells)
        if sources not in self._keys:
            digest = hashlib.sha256(".".join(platform.python_version_tuple()[:2]).encode())
            for path in sorted({self.pins, *self.files(sources)}):
                digest.update(path.name.encode() + self._hash(path))
            self._keys[sources] = digest.hexdigest()[:32]
        return self._keys[sources]

    def files(self, cells: Iterable[str]) -> set[Path]:
        """Return the files of `dlmath` and the data files that the cells depend on."""
        program = _program(cells)
        strings = _strings(program)
        modules: set[Path] = set()
        pending = [(program, PACKAGE)]
        while pending:
            tree, package = pending.pop()
            found = {path for name in _dotted_names(tree, package) for path in self._modules(name)}
            if _imports_by_name(tree):
                found |= self._selected(package, _handed_over(program, package), besides=modules)
            for path in found - modules:
                modules.add(path)
                strings |= _strings(self._tree(path))
                pending.append((self._tree(path), self._package(path)))
        return modules | self._files_beside(modules, strings) | self._files_named(strings)

    def _modules(self, name: str) -> set[Path]:
        """Return the modules that are some part of a dotted name, packages included.

        Of a package that only hands names on, the module from which it has this one.
        """
        parts = name.split(".")
        found = set()
        for end in range(1, len(parts) + 1):
            path = self.code.joinpath(*parts[:end])
            if path.with_suffix(".py").is_file():
                found.add(path.with_suffix(".py"))
            elif (path / "__init__.py").is_file():
                source = self._source_of(path / "__init__.py", parts[end:])
                found |= {path / "__init__.py"} if source is None else self._modules(source)
        return found

    def _source_of(self, package: Path, rest: list[str]) -> str | None:
        """Return the full name of what a package hands on, empty if it is a module inside.

        The answer is None where the package has to be read as a whole.
        """
        tree = self._tree(package)
        if not rest or not _only_hands_on(tree):
            return None
        inside = package.parent / rest[0]
        if inside.is_dir() or inside.with_suffix(".py").is_file():
            return ""
        return _imports(tree, self._package(package))[1].get(rest[0])

    def _selected(self, package: str, named: set[str], besides: set[Path]) -> set[Path]:
        """Return the modules of a package that hold one of the strings, or all if none does."""
        folder = self.code.joinpath(*package.split("."))
        modules = set(folder.rglob("*.py")) - besides
        return {path for path in modules if _strings(self._tree(path)) & named} or modules

    def _package(self, module: Path) -> str:
        return ".".join(module.relative_to(self.code).parts[:-1])

    def _files_beside(self, modules: Iterable[Path], strings: set[str]) -> set[Path]:
        """Return the files in the folders of modules that a string names, or one that is named."""
        folders = {path.parent for path in modules} - {self.code / PACKAGE}
        beside = {path for folder in folders for path in _other_files(folder)}
        found: set[Path] = set()
        pending = strings
        while pending:
            names = {string.rpartition("/")[2] for string in pending}
            new = {path for path in beside - found if {path.name, path.stem} & names}
            pending = {text for path in new for text in QUOTED.findall(_text(path))}
            found |= new
        return found

    def _files_named(self, strings: Iterable[str]) -> set[Path]:
        found: set[Path] = set()
        for string in strings:
            style = string.rpartition(".")[2] + ".mplstyle"
            for name in (string.rpartition("/")[2], style):
                found |= self._files_by_name.get(name, set())
        return found

    @cached_property
    def _files_by_name(self) -> dict[str, set[Path]]:
        found: dict[str, set[Path]] = {}
        for path in (*_other_files(self.data), *_other_files(self.code / PACKAGE)):
            name = path.stem if path.parent == self.data / "models" else path.name
            found.setdefault(name, set()).add(path)
        return found

    def _tree(self, path: Path) -> ast.Module:
        if path not in self._trees:
            self._trees[path] = ast.parse(path.read_bytes(), filename=str(path))
        return self._trees[path]

    def _hash(self, path: Path) -> bytes:
        if path not in self._hashes:
            self._hashes[path] = hashlib.sha256(path.read_bytes()).digest()
        return self._hashes[path]


def _program(cells: Iterable[str]) -> ast.Module:
    """Join the cells: what one imports, the next ones use."""
    body = [statement for cell in cells for statement in _parse_cell(cell).body]
    return ast.Module(body=body, type_ignores=[])


def _parse_cell(source: str) -> ast.Module:
    """Parse a cell with its magics; one that is not Python depends on nothing, and will fail."""
    first, _, rest = source.lstrip().partition("\n")
    body = rest if first.startswith("%%") else source
    try:
        return ast.parse(TransformerManager().transform_cell(body))
    except SyntaxError:
        return ast.Module(body=[], type_ignores=[])


def _dotted_names(tree: ast.AST, package: str) -> set[str]:
    """Return the full dotted names that the code imports, or reaches through an import."""
    names, aliases = _imports(tree, package)
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute):
            names.add(_resolve(node, aliases))
    return {name for name in names if name.split(".")[0] == PACKAGE}


def _imports(tree: ast.AST, package: str) -> tuple[set[str], dict[str, str]]:
    """Return the full names of what is imported, and these by the names used in the code."""
    names: set[str] = set()
    aliases: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                names.add(alias.name)
                aliases[alias.asname or alias.name.split(".")[0]] = (
                    alias.name if alias.asname else alias.name.split(".")[0]
                )
        elif isinstance(node, ast.ImportFrom):
            base = _absolute(node, package)
            for alias in node.names:
                names.add(f"{base}.{alias.name}")
                aliases[alias.asname or alias.name] = f"{base}.{alias.name}"
    return names, aliases


def _handed_over(program: ast.Module, package: str) -> set[str]:
    """Return the strings with which the program calls what it has from a package.

    A call without one says nothing about the others: then there is no answer, and the set is empty.
    """
    aliases = _imports(program, PACKAGE)[1]
    found: set[str] = set()
    for node in ast.walk(program):
        if isinstance(node, ast.Call) and _resolve(node.func, aliases).startswith(package + "."):
            arguments = [*node.args, *node.keywords]
            strings = {text for argument in arguments for text in _strings(argument)}
            if not strings:
                return set()
            found |= strings
    return found


def _absolute(node: ast.ImportFrom, package: str) -> str:
    if node.level == 0:
        return node.module or ""
    parts = package.split(".")
    return ".".join(
        [*parts[: len(parts) - node.level + 1], *([node.module] if node.module else [])]
    )


def _resolve(node: ast.expr, aliases: dict[str, str]) -> str:
    """Return the dotted name of an attribute, or the empty string if it is not one."""
    if isinstance(node, ast.Name):
        return aliases.get(node.id, "")
    if isinstance(node, ast.Attribute):
        owner = _resolve(node.value, aliases)
        return f"{owner}.{node.attr}" if owner else ""
    return ""


def _only_hands_on(tree: ast.Module) -> bool:
    """Tell whether a module has nothing but a docstring, imports by name, and ``__all__``."""
    return all(
        (isinstance(node, ast.ImportFrom) and all(alias.name != "*" for alias in node.names))
        or (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant))
        or (isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__")
        for node in tree.body
    )


def _imports_by_name(tree: ast.AST) -> bool:
    return any(
        (isinstance(node, ast.Name) and node.id in IMPORTERS)
        or (isinstance(node, ast.Attribute) and node.attr in IMPORTERS)
        for node in ast.walk(tree)
    )


def _strings(tree: ast.AST) -> set[str]:
    return {
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }


def _text(path: Path) -> str:
    return path.read_text(encoding="utf8", errors="ignore")


def _other_files(folder: Path) -> Iterator[Path]:
    """Yield the files below a folder that are not Python."""
    for path in folder.rglob("*"):
        if path.is_file() and path.suffix != ".py" and "__pycache__" not in path.parts:
            yield path
