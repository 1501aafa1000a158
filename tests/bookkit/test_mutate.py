"""The mutations: what is changed, what is left alone, and that a gap in the tests is named."""

import subprocess
import sys
from pathlib import Path

import pytest
from bookkit.mutate import mutants, relevant_tests

PATH = Path("code/dlmath/sample.py")


def changes(source):
    """Give the changed lines of each mutant."""
    return [
        line.strip().removeprefix("+").strip()
        for mutant in mutants(source, PATH)
        for line in mutant.diff.splitlines()
        if line.strip().startswith("+")
    ]


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("a + b", {"a - b"}),
        ("a * b", {"a / b"}),
        ("a / b", {"a * b"}),
        ("c / x**3", {"c * x ** 3", "c / (x * 3)", "c / x ** 4"}),
        ("X.T @ X", {"X @ X"}),
        ("-x", {"x"}),
        ("2 * x", {"2 / x", "1 * x"}),
        ("y - 1.5", {"y + 1.5", "y - 3.0"}),
        ("s / n", {"s * n", "s / (n - 1)"}),
        ("s / len(y)", {"s * len(y)", "s / (len(y) - 1)"}),
        ("X.shape[0]", {"X.shape[0] - 1", "X.shape[1]"}),
        ("a < b", {"a <= b", "a >= b"}),
        ("r.sum()", {"r.mean()"}),
        ("a and b", {"a or b"}),
        ("x += y", {"x -= y"}),
    ],
)
def test_what_goes_wrong_in_mathematics_is_tried(source, expected):
    found = changes(source)
    assert set(found) == expected
    assert len(found) == len(expected)


@pytest.mark.parametrize(
    "source",
    [
        '"""Words 1 + 1."""',
        "x: Array[2] = y",
        'raise ValueError(f"{n - 1} are too few")',
        "flag = True",
        "n = m",
    ],
)
def test_what_is_no_mathematics_is_left_alone(source):
    assert changes(source) == []


def test_a_mutant_knows_its_place_and_is_the_changed_module():
    source = "def area(r):\n    return 3 * r\n"
    product, constant = mutants(source, PATH)
    assert product.place == constant.place == "code/dlmath/sample.py:2"
    assert product.diff == "    -return 3 * r\n    +return 3 / r"
    values = []
    for mutant in (product, constant):
        space = {}
        exec(mutant.code, space)
        values.append(space["area"](6.0))
    assert values == [0.5, 24.0]


SAMPLE = "def mean(x, n):\n    total = sum(x)\n    return total / n\n"
WEAK = "from dlmath.sample import mean\n\ndef test_mean():\n    assert mean([4.0], 1) == 4.0\n"
STRONG = WEAK + "    assert mean([4.0, 2.0], 2) == 3.0\n"


@pytest.fixture
def project(tmp_path):
    """Write a package with one function and a project around it."""
    files = {
        "pyproject.toml": "[tool.pytest.ini_options]\n",
        "code/dlmath/__init__.py": "",
        "code/dlmath/sample.py": SAMPLE,
        "tests/equations/test_other.py": "def test_other(): pass\n",
    }
    for name, text in files.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    (tmp_path / "tests/dlmath").mkdir()
    return tmp_path


def mutate(project, tests, module="dlmath.sample"):
    (project / "tests/dlmath/test_sample.py").write_text(tests, encoding="utf-8")
    before = {path: path.read_bytes() for path in project.rglob("*.*") if path.is_file()}
    code = f"import sys; sys.path.insert(0, {str(project / 'code')!r})\n" + (
        f"from bookkit import mutate; mutate.HEAVY = (); mutate.main(['{module}'])"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], cwd=project, capture_output=True, text=True
    )
    after = {path: path.read_bytes() for path in project.rglob("*.*") if path.is_file()}
    assert {path for path in after if "__pycache__" not in path.parts} == {
        path for path in before if "__pycache__" not in path.parts
    }
    assert all(after[path] == before[path] for path in before)
    return result


def test_a_gap_in_the_tests_is_named(project):
    result = mutate(project, WEAK)
    assert result.returncode == 0, result.stderr
    assert "code/dlmath/sample.py:3 survives" in result.stdout
    assert "+return total * n" in result.stdout
    assert "1 of 2 mutants survive" in result.stdout


def test_tests_that_see_everything_leave_no_survivor(project):
    result = mutate(project, STRONG)
    assert "survives" not in result.stdout
    assert "0 of 2 mutants survive" in result.stdout


@pytest.fixture
def package(project):
    """Write a package whose own module imports another one, in which the function is."""
    for name, text in {
        "code/dlmath/shape/__init__.py": "from dlmath.shape._body import mean\n",
        "code/dlmath/shape/_body.py": SAMPLE,
    }.items():
        path = project / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return project


@pytest.mark.parametrize(("tests", "alive"), [(WEAK, 1), (STRONG, 0)])
def test_a_module_that_its_package_has_imported_is_changed_too(package, tests, alive):
    path = package / "tests/dlmath/test_shape.py"
    path.write_text(tests.replace("dlmath.sample", "dlmath.shape"), encoding="utf-8")
    result = mutate(package, WEAK, "dlmath.shape")
    assert f"dlmath.shape._body: {alive} of 2 mutants survive" in result.stdout


def test_tests_that_fail_anyway_show_nothing(project):
    result = mutate(project, WEAK.replace("== 4.0", "== 5.0"))
    assert result.returncode != 0
    assert "its tests fail without any change" in result.stderr


@pytest.mark.parametrize("name", ["dlmath.parts", "dlmath"])
def test_a_package_is_worked_through_module_by_module(project, name):
    package = project / "code/dlmath/parts"
    package.mkdir()
    for module in ("__init__", "_one", "_two"):
        (package / f"{module}.py").write_text("SIZE = 2\n", encoding="utf-8")
    result = mutate(project, STRONG, name)
    lines = [line for line in result.stdout.splitlines() if line.endswith("test modules")]
    assert lines == [f"dlmath.parts.{part}: 1 mutants, 0 test modules" for part in ("_one", "_two")]


def test_a_module_without_tests_is_named(project):
    (project / "code/dlmath/bare.py").write_text("SIZE = 2\n", encoding="utf-8")
    result = mutate(project, WEAK, "dlmath.bare")
    assert "dlmath.bare: 1 mutants, 0 test modules" in result.stdout


def test_a_module_that_does_not_exist_is_named(project):
    result = subprocess.run(
        [sys.executable, "-m", "bookkit.mutate", "dlmath.ghost"],
        cwd=project,
        capture_output=True,
        text=True,
    )
    assert result.returncode != 0
    assert "there is no module dlmath.ghost" in result.stderr


def test_a_module_s_own_tests_come_before_those_of_the_equations(project):
    for name in ("dlmath/test_sample.py", "dlmath/test_another.py", "equations/test_means.py"):
        (project / "tests" / name).write_text(WEAK, encoding="utf-8")
    found = relevant_tests("dlmath.sample", project)
    assert [path.name for path in found] == ["test_sample.py", "test_means.py"]


def test_a_private_module_has_the_tests_of_its_package(project):
    for name in ("test_sample_body.py", "test_sample_arms.py", "test_samples.py"):
        (project / "tests/dlmath" / name).write_text(WEAK, encoding="utf-8")
    (project / "tests/equations/test_means.py").write_text(WEAK, encoding="utf-8")
    found = relevant_tests("dlmath.sample._body", project)
    names = ["test_sample_body.py", "test_sample_arms.py", "test_means.py"]
    assert [path.name for path in found] == names
