"""Change ``dlmath`` in one place at a time, and list the changes that no test notices.

``python -m bookkit.mutate dlmath.linear`` works through one module or the modules of one package,
without a name through all of them.
The changes are those that go wrong in mathematics: a sign, a factor 2, an ``n - 1`` for an ``n``,
a lost transpose, a sum for a mean. (General tools such as mutmut know neither the transpose nor
the n, and start an interpreter that imports SciPy afresh for every change.) A survivor is a gap
in the tests, or a change that makes no difference; only a reader can tell which.

Nothing is written: each change is compiled in memory, and a forked process runs the module's
own tests and the equations' tests that name it, with the changed module in its place.
"""

import argparse
import ast
import copy
import difflib
import importlib.util
import os
import pkgutil
import signal
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.abc import Loader, MetaPathFinder
from pathlib import Path
from types import CodeType
from typing import Any

WORKERS = min(2, os.cpu_count() or 1)
# Imported once, before the processes fork: they are most of the time of a short test run.
HEAVY = (
    "numpy",
    "scipy.linalg",
    "scipy.stats",
    "sklearn.utils.estimator_checks",
    "sympy",
    "torch",
    "pytest",
)

OPERATORS: dict[type, type] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Div,
    ast.Div: ast.Mult,
    ast.Pow: ast.Mult,
    ast.FloorDiv: ast.Mult,
}
COMPARISONS: dict[type, tuple[type, ...]] = {
    ast.Lt: (ast.LtE, ast.GtE),
    ast.LtE: (ast.Lt, ast.Gt),
    ast.Gt: (ast.GtE, ast.LtE),
    ast.GtE: (ast.Gt, ast.Lt),
    ast.Eq: (ast.NotEq,),
    ast.NotEq: (ast.Eq,),
    ast.Is: (ast.IsNot,),
    ast.IsNot: (ast.Is,),
    ast.In: (ast.NotIn,),
    ast.NotIn: (ast.In,),
}
REDUCTIONS = {"sum": "mean", "mean": "sum", "min": "max", "max": "min"}
COUNTS = {"n", "n_samples"}


@dataclass(frozen=True)
class Mutant:
    """One change to a module: where, what it looks like, and the module compiled with it."""

    place: str
    diff: str
    code: CodeType


def alternatives(node: ast.AST) -> Iterator[ast.AST]:
    """Yield what might stand by mistake in the place of an expression."""
    match node:
        case ast.BinOp() | ast.AugAssign() if type(node.op) in OPERATORS:
            yield _with(node, op=OPERATORS[type(node.op)]())
        case ast.BoolOp():
            yield _with(node, op=ast.Or() if isinstance(node.op, ast.And) else ast.And())
        case ast.UnaryOp(op=ast.USub() | ast.Not()):
            yield node.operand
        case ast.Compare(ops=[operator]):
            for other in COMPARISONS[type(operator)]:
                yield _with(node, ops=[other()])
        case ast.Constant(value=bool() | str() | bytes() | None):
            pass
        case ast.Constant(value=int() as value):
            yield ast.Constant({1: 2, 2: 1}.get(value, value + 1))
        case ast.Constant(value=float() as value):
            yield ast.Constant(2 * value if value else 1.0)
        case ast.Attribute(attr="T"):
            yield node.value
        case ast.Attribute() if node.attr in REDUCTIONS:
            yield _with(node, attr=REDUCTIONS[node.attr])
    if _is_count(node):
        yield ast.BinOp(copy.deepcopy(node), ast.Sub(), ast.Constant(1))  # type: ignore[arg-type]


def _with(node: ast.AST, **changes: Any) -> ast.AST:
    changed = copy.copy(node)
    for name, value in changes.items():
        setattr(changed, name, value)
    return changed


def _is_count(node: ast.AST) -> bool:
    """Tell whether an expression is the number of samples: ``n``, ``len(y)``, ``X.shape[0]``."""
    match node:
        case ast.Name(ctx=ast.Load()):
            return node.id in COUNTS
        case ast.Call(func=ast.Name(id="len")):
            return True
        case ast.Subscript(value=ast.Attribute(attr="shape"), slice=ast.Constant(value=0)):
            return True
    return False


def mutants(source: str, path: Path) -> list[Mutant]:
    """Make every changed version of a module's source.

    Annotations, and what only words an error, are left alone.
    """
    tree = ast.parse(source)
    found = []
    for statement, parent, name, position, node in _expressions(tree):
        for other in alternatives(node):
            before = ast.unparse(statement).splitlines()
            _put(parent, name, position, ast.copy_location(other, node))
            after = ast.unparse(other if node is statement else statement).splitlines()
            code = compile(ast.fix_missing_locations(tree), str(path), "exec")
            _put(parent, name, position, node)
            lines = list(difflib.unified_diff(before, after, n=0, lineterm=""))[2:]
            diff = "\n".join(f"    {line}" for line in lines if not line.startswith("@@"))
            found.append(Mutant(f"{path}:{node.lineno}", diff, code))  # type: ignore[attr-defined]
    return found


def _expressions(
    tree: ast.Module,
) -> Iterator[tuple[ast.stmt, ast.AST, str, int | None, ast.AST]]:
    """Walk the expressions, each with its statement and its place in its parent."""
    open_: list[tuple[ast.stmt | None, ast.AST]] = [(None, tree)]
    while open_:
        statement, parent = open_.pop()
        for name, value in ast.iter_fields(parent):
            if name in ("annotation", "returns", "decorator_list"):
                continue
            places = list(enumerate(value)) if isinstance(value, list) else [(None, value)]
            for position, node in places:
                if not isinstance(node, ast.AST) or isinstance(node, ast.Raise):
                    continue
                inside = node if isinstance(node, ast.stmt) else statement
                if inside is not None and hasattr(node, "lineno"):
                    yield inside, parent, name, position, node
                open_.append((inside, node))


def _put(parent: ast.AST, name: str, position: int | None, node: ast.AST) -> None:
    if position is None:
        setattr(parent, name, node)
    else:
        getattr(parent, name)[position] = node


class _Changed(MetaPathFinder, Loader):
    """Give the changed code when the module is imported."""

    def __init__(self, module: str, code: CodeType) -> None:
        self.module = module
        self.code = code

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> Any:
        if name != self.module:
            return None
        return importlib.util.spec_from_loader(name, self, origin=self.code.co_filename)

    def exec_module(self, module: Any) -> None:
        module.__file__ = self.code.co_filename
        exec(self.code, module.__dict__)


def relevant_tests(module: str, root: Path) -> list[Path]:
    """List a module's own tests, and after them the equations' tests that name it.

    A private module, as ``dlmath.linear._ridge``, is named through its package: its own tests are
    ``test_linear_ridge.py``, and after them those of the package and of its other modules.
    """
    package, _, name = module.rpartition(".")
    own = sorted(root.glob(f"tests/dlmath/**/test_{name}.py"))
    if name.startswith("_"):
        module = package
        package, _, parent = module.rpartition(".")
        related = [
            *root.glob(f"tests/dlmath/**/test_{parent}.py"),
            *root.glob(f"tests/dlmath/**/test_{parent}_*.py"),
        ]
        own = sorted(related, key=lambda path: (path.stem != f"test_{parent}{name}", path))
        name = parent
    ways = (module, f"from {package} import {name}")
    return [
        *own,
        *(
            path
            for path in sorted(root.glob("tests/equations/test_*.py"))
            if any(way in path.read_text(encoding="utf-8") for way in ways)
        ),
    ]


def run_tests(module: str, code: CodeType, tests: list[Path], root: Path, limit: int) -> int:
    """Start the tests against a changed module in a process of their own; give its id."""
    child = os.fork()
    if child:
        return child
    signal.alarm(limit)  # A change may make a loop endless.
    silence = os.open(os.devnull, os.O_WRONLY)
    os.dup2(silence, 1)
    os.dup2(silence, 2)
    sys.dont_write_bytecode = True
    # To find a module in a package is to import the package, and with it the module unchanged.
    for name in [name for name in sys.modules if name.partition(".")[0] == "dlmath"]:
        del sys.modules[name]
    sys.meta_path.insert(0, _Changed(module, code))
    with tempfile.TemporaryDirectory() as scratch:
        os.chdir(scratch)
        import pytest

        plugins = ["-p", "no:cacheprovider", "-p", "no:terminal"]
        options = ["-x", "-o", "addopts=", *plugins, f"--rootdir={scratch}"]
        options += ["-c", str(root / "pyproject.toml")]
        # One by one: most mutants die before the equations' tests are even collected.
        killed = any(pytest.main([*options, str(path)]) for path in tests)
    os._exit(1 if killed else 0)


def survivors(
    module: str, changed: list[Mutant], tests: list[Path], root: Path, limit: int
) -> list[Mutant]:
    """Run the tests against each mutant; print and give those against which they all pass."""
    running: dict[int, Mutant] = {}
    waiting = list(reversed(changed))
    alive = []
    while waiting or running:
        while waiting and len(running) < WORKERS:
            mutant = waiting.pop()
            running[run_tests(module, mutant.code, tests, root, limit)] = mutant
        child, status = os.wait()
        mutant = running.pop(child)
        if status == 0:
            alive.append(mutant)
            print(f"{mutant.place} survives\n{mutant.diff}")
    return alive


def modules(name: str) -> list[str]:
    """List one module, or the modules of a package."""
    spec = importlib.util.find_spec(name)
    if spec is None:
        raise SystemExit(f"there is no module {name}")
    if spec.submodule_search_locations is None:
        return [name]
    found = pkgutil.walk_packages(spec.submodule_search_locations, f"{name}.")
    return sorted(info.name for info in found if not info.ispkg)


def examine(module: str, root: Path) -> None:
    """Print the mutants of one module that no test kills."""
    spec = importlib.util.find_spec(module)
    assert spec is not None
    assert spec.origin is not None
    path = Path(spec.origin)
    source = path.read_text(encoding="utf-8")
    tests = relevant_tests(module, root)
    changed = mutants(source, path.relative_to(root))
    if not tests or not changed:
        print(f"{module}: {len(changed)} mutants, {len(tests)} test modules")
        return
    began = time.monotonic()
    unchanged = compile(source, str(path), "exec")
    _, status = os.waitpid(run_tests(module, unchanged, tests, root, 600), 0)
    if status:
        raise SystemExit(f"{module}: its tests fail without any change; run them first")
    seconds = time.monotonic() - began
    print(f"{module}: {len(changed)} mutants, {len(tests)} test modules, {seconds:.0f} s a run")
    alive = survivors(module, changed, tests, root, limit=30 + round(5 * seconds))
    minutes = (time.monotonic() - began) / 60
    print(f"{module}: {len(alive)} of {len(changed)} mutants survive ({minutes:.1f} min)")


def main(arguments: list[str]) -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(prog="python -m bookkit.mutate", description=__doc__)
    parser.add_argument("modules", nargs="*", metavar="dlmath.name")
    chosen = parser.parse_args(arguments).modules
    root = Path.cwd()
    os.environ["OPENBLAS_NUM_THREADS"] = "1"  # A fork must not inherit a pool of threads.
    for name in HEAVY:
        importlib.import_module(name)
    for module in [module for name in chosen or ["dlmath"] for module in modules(name)]:
        examine(module, root)


if __name__ == "__main__":
    sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]
    main(sys.argv[1:])
