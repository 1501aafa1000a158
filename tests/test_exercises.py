"""Every exercise of the book: its solution passes, its stub fails, wrong answers get their hints.

The exercises are found by reading the chapters. One that has no solution, no checker or no wrong
answers here fails the suite.
"""

import re
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pytest
from book_pages import chapters
from bookkit.exercises.markers import has_solution, solved, stub
from dlmath import exercises
from dlmath.exercises.framework import REGISTRY

ROOT = Path(__file__).parents[1]
FENCE = r"(?P<fence>`{3,}|:{3,})"
BLOCK = re.compile(
    rf"^{FENCE}\{{(?P<kind>exercise|solution)-start\}} *(?P<title>.*)\n(?P<options>(?::.*\n)*)"
    r".*\n(?P<body>(?:.*\n)*?)(?:`{3,}|:{3,})\{(?P=kind)-end\}",
    re.MULTILINE,
)
CELL = re.compile(r"^```\{code-cell\}.*\n(?::.*\n)*(?P<source>(?:.*\n)*?)```$", re.MULTILINE)
CHECKED = re.compile(r"^check\(\s*\"(?P<name>[^\"]+)\", (?P<answer>\w+)\)", re.MULTILINE)

MODULES = [import_module(f"wrong_answers.{chapter}") for chapter in exercises.CHAPTERS]
WRONG = {name: cases for module in MODULES for name, cases in module.WRONG.items()}


@dataclass
class Written:
    """An exercise as it is written in a chapter."""

    label: str
    cells: list[str]
    chapter: Path

    @property
    def is_code(self) -> bool:
        return any(has_solution(cell) for cell in self.cells)

    @property
    def check(self) -> re.Match:
        return next(found for cell in self.cells if (found := CHECKED.search(cell)))

    def answer(self, version):
        """Run the cells up to the check, solved or as stubs, and return what is checked."""
        names = {"np": np, "plt": plt}
        exec(IMPORTS[self.chapter], names)
        for cell in self.cells:
            if CHECKED.search(cell):
                return names[self.check["answer"]]
            exec(version(cell), names)
        raise AssertionError("no check in this exercise")


def blocks(text, kind):
    return [found for found in BLOCK.finditer(text) if found["kind"] == kind]


def imports(text):
    """Return the import statements of a chapter's cells."""
    sources = [cell["source"] for cell in CELL.finditer(text)]
    lines = "".join(sources).splitlines()
    return "\n".join(line for line in lines if re.match(r"(import|from) \w", line))


CHAPTERS = {path: path.read_text(encoding="utf-8") for path in ROOT.glob("chapters/**/*.md")}
IMPORTS = {path: imports(text) for path, text in CHAPTERS.items()}
EXERCISES = [
    Written(
        re.search(r":label: *(\S+)", block["options"])[1],
        [cell["source"] for cell in CELL.finditer(block["body"])],
        path,
    )
    for path, text in CHAPTERS.items()
    for block in blocks(text, "exercise")
]
CODE = [pytest.param(written, id=written.label) for written in EXERCISES if written.is_code]
CASES = [
    pytest.param(name, hint, answer, id=f"{name}: {hint}")
    for name, cases in WRONG.items()
    for hint, answer in cases
]


def test_all_exercises_are_found_by_reading():
    starts = sum(text.count("{exercise-start}") for text in CHAPTERS.values())
    assert len(EXERCISES) == starts > 0
    assert len({written.label for written in EXERCISES}) == starts


def test_every_exercise_has_a_solution():
    on_paper = {block["title"] for text in CHAPTERS.values() for block in blocks(text, "solution")}
    unsolved = {written.label for written in EXERCISES if not written.is_code} - on_paper
    assert not unsolved


@pytest.mark.parametrize("page", chapters())
def test_chapter_checkers_and_wrong_answers_name_the_same_exercises(page):
    written = [exercise for exercise in EXERCISES if exercise.chapter == ROOT / f"{page}.md"]
    in_chapter = [exercise.check["name"] for exercise in written if exercise.is_code]
    module = Path(page).name.replace("-", "_")
    assert sorted(in_chapter) == sorted(exercises.CHAPTERS[module]) != []
    assert set(in_chapter) == set(import_module(f"wrong_answers.{module}").WRONG)


def test_every_exercise_belongs_to_one_chapter():
    assert {page.rpartition("/")[2].replace("-", "_") for page in chapters()} == set(
        exercises.CHAPTERS
    )
    assert len(set(exercises.names())) == len(exercises.names())
    for name in exercises.names():
        exercises.find(name)
    assert set(REGISTRY) == set(WRONG) == set(exercises.names())


@pytest.mark.parametrize("written", CODE)
def test_the_solution_passes(written):
    assert written.check["name"] == written.label
    verdict = exercises.find(written.label).verdict(written.answer(solved))
    assert verdict.passed, verdict


@pytest.mark.parametrize("written", CODE)
def test_the_stub_is_told_from_a_wrong_answer(written):
    verdict = exercises.find(written.label).verdict(written.answer(stub))
    assert not verdict.passed
    assert "not written yet" in verdict.message


@pytest.mark.parametrize(("name", "hint", "answer"), CASES)
def test_a_wrong_answer_gets_the_hint_meant_for_it(name, hint, answer):
    verdict = exercises.find(name).verdict(answer)
    assert not verdict.passed
    assert hint in verdict.message


@pytest.mark.parametrize("name", exercises.names())
def test_wrong_answers_are_at_least_three_and_differ(name):
    given = [exercises.find(name).verdict(answer).message for _, answer in WRONG[name]]
    assert len(given) == len(set(given)) >= 3
    together = " ".join(given)
    for kind in ("shape", "sign", " n"):
        assert kind in together, f"no wrong answer about {kind!r}"


@pytest.mark.parametrize("name", exercises.names())
def test_every_hint_is_given_to_some_wrong_answer(name):
    exercise = exercises.find(name)
    given = {exercise.verdict(answer).message for _, answer in WRONG[name]}
    assert {hint for hint, _ in exercise.mistakes} <= given


@pytest.mark.parametrize("name", exercises.names())
def test_data_fit_the_reference_and_no_fixed_answer_passes(name):
    exercise = exercises.find(name)
    cases = exercise.cases()
    for case in cases:
        assert list(case) == exercise.parameters
    first = exercise.reference(*cases[0].values())
    assert not exercise.verdict(lambda *arguments: first).passed


def _raise(error):
    def answer(*arguments):
        raise error

    return answer


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (np.zeros(3), "Hand over the function itself"),
        ("theta", "it is a str"),
        (None, "it is a NoneType"),
        (lambda X: X, "too many positional arguments"),
        (lambda X, y, z: X, "missing a required argument: 'z'"),
        (lambda X, y: None, "Is a `return` missing?"),
        (lambda X, y: np.full(X.shape[1], np.nan), "contains NaN"),
        (lambda X, y: np.full(X.shape[1], np.inf), "infinite"),
        (lambda X, y: X.shape[1] * ["a"], "real numbers, and it is a list"),
        (lambda X, y: np.zeros(X.shape[1], dtype=complex), "dtype complex128"),
        (lambda X, y: [[1, 2], [3]], "cannot be read as an array"),
        (lambda X, y: lambda: 1, "real numbers"),
        (_raise(np.linalg.LinAlgError("Singular matrix")), "LinAlgError: Singular matrix"),
        (_raise(AssertionError()), "AssertionError"),
        (_raise(NotImplementedError()), "not written yet"),
        (lambda X, y: np.zeros(X.shape[1]), "has the right shape"),
        (lambda X, y: np.zeros(len(y) + 1), "should have shape"),
    ],
)
def test_whatever_the_answer_is_it_is_judged_in_words(answer, words):
    verdict = exercises.find("ols-normal-equations").verdict(answer)
    assert not verdict.passed
    assert words in verdict.message


def test_an_answer_that_changes_its_arguments_does_not_disturb_the_check():
    def answer(X, y):
        theta = np.linalg.lstsq(X, y, rcond=None)[0]
        X[:], y[:] = 0, 0
        return theta

    for _ in range(2):
        assert exercises.find("ols-normal-equations").verdict(answer).passed


def test_check_prints_and_returns_nothing(capsys):
    assert exercises.check("ols-normal-equations", lambda X, y: np.linalg.pinv(X) @ y) is None
    assert exercises.check("ols-normal-equations", lambda X, y: X.T @ y) is None
    out = capsys.readouterr().out.splitlines()
    assert out[0].startswith("✓ ols-normal-equations: correct")
    assert out[1] == "✗ ols-normal-equations: not yet."


def test_a_name_that_does_not_exist_is_an_error_with_the_nearest_names():
    with pytest.raises(ValueError, match=r"'ols-gradent'\. Did you mean 'ols-gradient'"):
        exercises.check("ols-gradent", None)
    with pytest.raises(ValueError, match=r"No exercise is called 'zzz'\. There are"):
        exercises.check("zzz", None)
