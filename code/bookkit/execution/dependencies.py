"""What the outputs of a chapter depend on, found by reading code, and reduced to one hash.

Nothing is imported or run. The rules err on the side of executing again:

* the modules of `dlmath` that the cells use, and those that these use in turn; a module that
  imports others by name (`importlib.import_module`) brings its whole package;
* the files that are not Python in the folders of these modules (the JavaScript of a widget), and
  those beside `dlmath` itself that the code names (the style of the figures);
* the data files that the code names, where of `dlmath.datasets` only the loaders in use count;
* the pins, and the version of Python.
"""

import ast
import hashlib
import platform
from collections.abc import Iterable, Iterator
from functools import cached_property
from pathlib import Path

from IPython.core.inputtransformer2 import TransformerManager

PACKAGE = "dlmath"
LOADERS = "dlmath.datasets"
IMPORTERS = {"import_module", "__import__", "iter_modules", "walk_packages"}


class Dependencies:
    """The modules, data files and pins below the root of the book's repository."""

    def __init__(self, root: Path) -> None:
        self.code = root / "code"
        self.data = root / "data"
        self.pins = root / "requirements.txt"
        self._trees: dict[Path, ast.Module] = {}
        self._hashes: dict[Path, bytes] = {}

    def key(self, cells: Iterable[str]) -> str:
        """Return a hash of everything besides the cells that their outputs depend on."""
        digest = hashlib.sha256(".".join(platform.python_version_tuple()[:2]).encode())
        for path in sorted({self.pins, *self.files(cells)}):
            digest.update(path.name.encode() + self._hash(path))
        return digest.hexdigest()[:32]

    def files(self, cells: Iterable[str]) -> set[Path]:
        """Return the files of `dlmath` and the data files that the cells depend on."""
        modules: set[Path] = set()
        strings: set[str] = set()
        loaders: set[str] = set()
        pending = [(_parse_cell(cell), "") for cell in cells]
        while pending:
            tree, package = pending.pop()
            names = _dotted_names(tree, package)
            if package != LOADERS:
                strings |= _strings(tree)
                loaders |= {name.split(".")[2] for name in names if name.startswith(LOADERS + ".")}
            found = self._modules(names)
            if _imports_by_name(tree):
                found |= set(self._folder(package or PACKAGE).rglob("*.py"))
            for path in found - modules:
                modules.add(path)
                pending.append((self._tree(path), self._package(path)))
        strings |= self._strings_of_loaders(modules, loaders)
        return modules | self._files_beside(modules) | self._files_named(strings)

    def _modules(self, names: Iterable[str]) -> set[Path]:
        """Return the modules that are some part of the dotted names, packages included."""
        found = set()
        for name in names:
            parts = name.split(".")
            for end in range(1, len(parts) + 1):
                path = self.code.joinpath(*parts[:end])
                found |= {path.with_suffix(".py"), path / "__init__.py"}
        return {path for path in found if path.is_file()}

    def _package(self, module: Path) -> str:
        """Return the package of a module; `dlmath.datasets`, even as one file, is its own."""
        name = module.with_suffix("").relative_to(self.code).parts
        dotted = ".".join(name)
        return dotted if dotted == LOADERS else ".".join(name[:-1])

    def _folder(self, package: str) -> Path:
        return self.code.joinpath(*package.split("."))

    def _files_beside(self, modules: Iterable[Path]) -> set[Path]:
        folders = {path.parent for path in modules} - {self.code / PACKAGE}
        return {path for folder in folders for path in _other_files(folder)}

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
            found.setdefault(path.name, set()).add(path)
        return found

    def _strings_of_loaders(self, modules: Iterable[Path], names: set[str]) -> set[str]:
        """Return the strings in the definitions of `dlmath.datasets` that the names reach.

        All its strings count when a name is not found among them, or none is known.
        """
        trees = [self._tree(path) for path in modules if self._package(path) == LOADERS]
        definitions: dict[str, list[ast.stmt]] = {}
        for tree in trees:
            for statement in tree.body:
                for name in _defined_names(statement):
                    definitions.setdefault(name, []).append(statement)
        if not names or not names <= definitions.keys():
            return {string for tree in trees for string in _strings(tree)}
        strings: set[str] = set()
        pending, seen = set(names), set(names)
        while pending:
            for statement in definitions[pending.pop()]:
                strings |= _strings(statement)
                used = {node.id for node in ast.walk(statement) if isinstance(node, ast.Name)}
                pending |= (used & definitions.keys()) - seen
                seen |= used
        return strings

    def _tree(self, path: Path) -> ast.Module:
        if path not in self._trees:
            self._trees[path] = ast.parse(path.read_bytes(), filename=str(path))
        return self._trees[path]

    def _hash(self, path: Path) -> bytes:
        if path not in self._hashes:
            self._hashes[path] = hashlib.sha256(path.read_bytes()).digest()
        return self._hashes[path]


def _parse_cell(source: str) -> ast.Module:
    """Parse a cell with its magics; one that is not Python depends on nothing, and will fail."""
    try:
        return ast.parse(TransformerManager().transform_cell(source))
    except SyntaxError:
        return ast.Module(body=[], type_ignores=[])


def _dotted_names(tree: ast.AST, package: str) -> set[str]:
    """Return the full dotted names that the code imports, or reaches through an import."""
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
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute):
            names.add(_resolve(node, aliases))
    return {name for name in names if name.split(".")[0] == PACKAGE}


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


def _imports_by_name(tree: ast.AST) -> bool:
    return any(
        (isinstance(node, ast.Name) and node.id in IMPORTERS)
        or (isinstance(node, ast.Attribute) and node.attr in IMPORTERS)
        for node in ast.walk(tree)
    )


def _defined_names(statement: ast.stmt) -> Iterator[str]:
    if isinstance(statement, ast.FunctionDef | ast.ClassDef):
        yield statement.name
    elif isinstance(statement, ast.Assign | ast.AnnAssign):
        targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
        for target in targets:
            yield from (node.id for node in ast.walk(target) if isinstance(node, ast.Name))


def _strings(tree: ast.AST) -> set[str]:
    return {
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }


def _other_files(folder: Path) -> Iterator[Path]:
    """Yield the files below a folder that are not Python."""
    for path in folder.rglob("*"):
        if path.is_file() and path.suffix != ".py" and "__pycache__" not in path.parts:
            yield path
