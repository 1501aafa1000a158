"""The machinery of the verified equations: what it accepts, and above all what it refuses."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy  # noqa: F401  (pytester forgets modules that it sees loaded; NumPy loads once)
import pytest
import sympy  # noqa: F401
from bookkit.equations import completeness, review
from bookkit.equations.evidence import listing, read_module, read_tests
from bookkit.equations.sources import bare_environments, book_sources, formulas
from bs4 import BeautifulSoup

pytest_plugins = "pytester"

CONFTEST = Path(__file__).parents[1] / "equations" / "conftest.py"

# --- The marker and the fixture -------------------------------------------------------------

GOOD = """
    import numpy as np
    import pytest
    import sympy

    @pytest.mark.verifies("eq-lines-sum", routes=("sympy", "numpy"))
    def test_sum(verify):
        {body}
"""
# Hypothesis' plugin would be imported anew in every run.
PLAIN = ("--strict-markers", "-p", "no:cacheprovider", "-p", "no:hypothesispytest")
AGREE = "verify.agree([1.0, 2.0], [1.0, 2.0 + 1e-13], rtol=1e-12)"
REFUTE = 'verify.refutes([2.0, 4.0], [1.0, 2.0], why="factor 2")'


@pytest.fixture
def run(pytester):
    """Run the test of an equation with a given body, under the book's own conftest."""
    pytester.makeconftest(CONFTEST.read_text(encoding="utf-8"))

    def run_body(*statements, options=()):
        pytester.makepyfile(test_lines=GOOD.format(body="\n        ".join(statements)))
        return pytester.runpytest_inprocess(*PLAIN, *options)

    return run_body


def test_a_test_that_agrees_and_refutes_passes(run, pytester):
    run(AGREE, REFUTE).assert_outcomes(passed=1)
    (record,) = json.loads((pytester.path / "_build/reports/residuals.json").read_text())
    assert record["equations"] == ["eq-lines-sum"]
    (comparison,) = record["comparisons"]
    assert comparison["residual"] == pytest.approx(1e-13, rel=0.01)
    assert comparison["tolerance"] == pytest.approx(2e-12, rel=0.01)
    assert comparison["refuted"]["factor 2"]["residual"] == 1.0


def test_the_residuals_are_listed_on_demand(run):
    result = run(AGREE, REFUTE, options=["--residuals"])
    result.stdout.fnmatch_lines(["*1.0e-13*2.0e-12*factor 2 1.0e+00*test_sum"])


def test_symbols_and_inequalities_can_be_compared(run):
    run(
        'a = sympy.symbols("a")',
        "verify.identical((a + 1) ** 2, a**2 + 2 * a + 1)",
        'verify.refutes((a - 1) ** 2, a**2 + 2 * a + 1, why="sign")',
        "verify.identical(sympy.Matrix([[a, 1]]).T, sympy.Matrix([a, 1]))",
        'verify.refutes(sympy.Matrix([a, 2]), sympy.Matrix([a, 1]), why="factor 2")',
        "verify.at_most([1.0, 2.0], [1.0, 3.0])",
        'verify.refutes([1.0, 3.5], [1.0, 3.0], why="bound")',
    ).assert_outcomes(passed=1)


@pytest.mark.parametrize(
    ("statements", "message"),
    [
        (["pass"], "verifies eq-lines-sum but compares nothing"),
        ([AGREE], "has no negative control"),
        ([AGREE, AGREE.replace("agree", "at_most").replace("rtol", "atol")], "no negative"),
        ([REFUTE], "make one before it"),
        (["verify.agree([1.0], [1.1], rtol=1e-3)"], "disagree: residual 0.1"),
        ([AGREE, 'verify.refutes([1.0, 2.0], [1.0, 2.0], why="x")'], "version 'x' passes"),
        ([AGREE, 'verify.refutes([2.0, 4.0], [1.0, 2.0], why=" ")'], "has no name"),
        ([AGREE, REFUTE, REFUTE], "two wrong versions have the name 'factor 2'"),
        (["x = np.ones(2)", "verify.agree(x, x)"], "the same object"),
        (["verify.agree([1.0, 1.0], 1.0)"], r"the shapes \(2,\) and \(\)"),
        ([AGREE, 'verify.refutes([9.0], [1.0, 2.0], why="x")'], r"the shapes \(1,\) and \(2,\)"),
        (["verify.agree([], [])"], "nothing is compared"),
        (["verify.agree([np.nan], [np.nan])"], "first side has entries that are not finite"),
        (["verify.agree([1.0], [np.inf])"], "second side has entries that are not finite"),
        ([AGREE, 'verify.refutes([np.nan, 1], [1.0, 2.0], why="x")'], "not finite"),
        (["verify.at_most([1.0, 3.0], [1.0, 2.0], atol=0.5)"], "residual 1, tolerance 0.5"),
        (["verify.identical(sympy.pi, sympy.E)"], "disagree"),
    ],
)
def test_a_test_that_shows_nothing_fails(run, statements, message):
    result = run(*statements)
    result.assert_outcomes(failed=1)
    assert re.search(message, result.stdout.str())


@pytest.mark.parametrize(
    ("marker", "message"),
    [
        ('verifies(routes=("a", "b"))', "names no equation"),
        ('verifies("sum", routes=("a", "b"))', "labels that begin with 'eq-'"),
        ('verifies("eq-x-y")', "at least two routes, has 0"),
        ('verifies("eq-x-y", routes=("a",))', "at least two routes, has 1"),
        ('verifies("eq-x-y", routes="ab")', "a tuple of names as routes"),
        ('verifies("eq-x-y", routes=("a", " "))', "a tuple of names as routes"),
        ('verifies("eq-x-y", routes=("NumPy", "numpy"))', "the route 'numpy' twice"),
        ('verifies("eq-x-y", "eq-x-y", routes=("a", "b"))', "the equation 'eq-x-y' twice"),
        ('verifies("eq-x-y", routes=("a", "b"), atol=1)', "keyword atol"),
    ],
)
def test_a_wrong_marker_is_a_collection_error(pytester, marker, message):
    pytester.makeconftest(CONFTEST.read_text(encoding="utf-8"))
    pytester.makepyfile(
        test_x=f"import pytest\n\n@pytest.mark.{marker}\ndef test_wrong(verify):\n    pass\n"
    )
    result = pytester.runpytest_inprocess(*PLAIN)
    result.assert_outcomes(errors=1)
    assert "test_x.py::test_wrong: the marker `verifies` " in result.stdout.str()
    assert message in result.stdout.str()


def test_a_marker_on_the_module_is_a_collection_error(pytester):
    pytester.makeconftest(CONFTEST.read_text(encoding="utf-8"))
    pytester.makepyfile(
        'import pytest\npytestmark = pytest.mark.verifies("eq-x-y", routes=("a", "b"))\n'
        "def test_x(verify): pass\n"
    )
    result = pytester.runpytest_inprocess(*PLAIN)
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*belongs on the test itself*"])


def test_the_fixture_belongs_to_a_marked_test(pytester):
    pytester.makeconftest(CONFTEST.read_text(encoding="utf-8"))
    pytester.makepyfile("def test_x(verify): pass\n")
    result = pytester.runpytest_inprocess(*PLAIN)
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*test_x uses `verify` without*"])


# --- A small book -----------------------------------------------------------------------------

PAGE = r"""# Lines

$$
y = a x + b
$$ (eq-lines-text)

Then {eq}`eq-lines-directive`.

```{math}
:label: eq-lines-directive
a = b
```

$$ c = d $$

````{prf:theorem} Squares
:label: thm-lines
Words.

$$
x^2 \ge 0
$$ (eq-lines-theorem)
````

````{prf:proof}
Words first.

$$ x x \ge 0 $$ (eq-lines-proof)
````

````{exercise}
:label: ex-lines
Do it.
````

````{solution} ex-lines
:label: ex-lines-solution
Words.

$$
z = 1
$$ (eq-lines-solution)
````

```python
text = "$$ not a formula $$ (eq-lines-code)"
```
"""
TEST = '''"""Tests."""

import os

import numpy as np
import pytest

SLOPE = 2.0
UNUSED = 3.0


def line(x):
    return SLOPE * np.asarray(x)


@pytest.fixture
def sample():
    return line([1.0, 2.0])


@pytest.mark.verifies("eq-lines-text", "eq-lines-directive", routes=("sympy", "numpy.polyfit"))
def test_slope(verify, sample):
    """The slope by ``polyfit`` against the slope by hand."""
    verify.agree(sample, [2.0, 4.0])
    verify.refutes(-sample, [2.0, 4.0], why="sign")
    verify.refutes(2 * sample, [2.0, 4.0], why="factor 2")


@pytest.mark.verifies(
    "eq-lines-theorem", "eq-lines-proof", "eq-lines-solution", routes=("sympy", "sampling")
)
def test_squares(verify):
    """Squares are not negative."""
    verify.at_most(0.0, 1.0)
    verify.refutes(2.0, 1.0, why="order")
'''
LABELS = [f"eq-lines-{what}" for what in ("text", "directive", "theorem", "proof", "solution")]


def write_book(root):
    """Write a book with numbered equations wherever one may stand."""
    files = {
        "conf.py": (
            'extensions = ["myst_parser", "sphinx_proof", "sphinx_exercise", '
            '"bookkit.equations.pages"]\n'
            'myst_enable_extensions = ["dollarmath", "colon_fence"]\n'
            'html_theme = "basic"\nexclude_patterns = ["_build"]\nnumfig = True\n'
        ),
        "index.md": (
            "# Book\n\n```{toctree}\nchapters/lines\nchapters/tests\nchapters/overview\n```\n"
        ),
        "chapters/lines.md": PAGE,
        "chapters/tests.md": "# Tests\n\n```{verified-equations} lines\n```\n",
        "chapters/overview.md": "# Overview\n\n```{equations-overview}\n```\n",
        "tests/equations/test_lines.py": TEST,
    }
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def build(root):
    """Build a book as the project does, warnings being errors; give what it said."""
    command = [sys.executable, "-m", "sphinx", "-q", "-W", "-n", "--keep-going"]
    return subprocess.run(
        [*command, str(root), str(root / "_build/html")], capture_output=True, text=True
    )


def page(root, name):
    text = (root / "_build/html/chapters" / f"{name}.html").read_text(encoding="utf-8")
    return BeautifulSoup(text, "lxml")


def edit(path, old, new):
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")


def known_to_sphinx(root):
    return json.loads((root / "_build/reports/equations.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """Build the small book once; tests only read it."""
    root = tmp_path_factory.mktemp("book")
    write_book(root)
    result = build(root)
    assert result.returncode == 0, result.stderr
    return root


@pytest.fixture
def sources(tmp_path):
    """Write the small book without building it."""
    write_book(tmp_path)
    return tmp_path


@pytest.fixture
def book(sources):
    """Build the small book, for a test to change and to build again."""
    assert build(sources).returncode == 0
    return sources


def all_formulas(root):
    return [formula for path in book_sources(root) for formula in formulas(path)]


def all_faults(root, labels):
    return completeness.missing_and_unknown(all_formulas(root), labels, read_tests(root))


# --- Source text and tests as they are read ----------------------------------------------------


def test_every_form_of_a_displayed_formula_is_read(sources):
    found = all_formulas(sources)
    assert [formula.label for formula in found] == [
        "eq-lines-text", "eq-lines-directive", None, "eq-lines-theorem", "eq-lines-proof",
        "eq-lines-solution",
    ]  # fmt: skip
    assert [formula.latex for formula in found][:3] == ["y = a x + b", "a = b", "c = d"]
    lines = PAGE.splitlines()
    for formula in found:
        assert "$$" in lines[formula.line - 1] or "{math}" in lines[formula.line - 1]


def test_a_fingerprint_sees_the_formula_and_not_its_white_space(sources):
    path = sources / "chapters/lines.md"
    before = formulas(path)[0].fingerprint
    edit(path, "y = a x + b", "  y  =\n a x + b")
    assert formulas(path)[0].fingerprint == before
    edit(path, "a x + b", "a x - b")
    assert formulas(path)[0].fingerprint != before


def test_a_formula_without_end_is_named(tmp_path):
    path = tmp_path / "open.md"
    path.write_text("# Open\n\n$$\nx = 1\n", encoding="utf-8")
    with pytest.raises(ValueError, match=r"open\.md:3: the formula that begins here"):
        formulas(path)


def test_environments_that_number_themselves_are_found(tmp_path):
    path = tmp_path / "bare.md"
    path.write_text(
        "# Bare\n\n\\begin{align}\na &= b\n\\end{align}\n\n```latex\n\\begin{equation}\n```\n\n"
        "$$\n\\begin{aligned} a &= b \\end{aligned}\n$$\n",
        encoding="utf-8",
    )
    assert bare_environments(path) == [f"{path}:3: \\begin{{align}}"]


def test_a_test_is_read_with_all_it_needs_and_no_more(sources):
    slope, squares = read_tests(sources)
    assert slope.equations == ("eq-lines-text", "eq-lines-directive")
    assert slope.routes == ("sympy", "numpy.polyfit")
    assert slope.summary == "The slope by ``polyfit`` against the slope by hand."
    assert slope.refuted == ("sign", "factor 2")
    source = listing([slope.piece, *slope.helpers])
    for needed in ("import numpy", "import pytest", "SLOPE = 2.0", "def line", "def sample"):
        assert needed in source
    for foreign in ("UNUSED", "import os", "test_squares"):
        assert foreign not in source
    assert squares.helpers == ()
    compile(source, "slope", "exec")


def test_of_an_import_only_the_names_in_use_are_shown(tmp_path):
    path = tmp_path / "test_x.py"
    path.write_text(
        "import pytest\nfrom math import (\n    cos,\n    pi,\n    sin as sine,\n)\n\n"
        "@pytest.mark.verifies('eq-x-y', routes=('a', 'b'))\n"
        "def test_x(verify):\n    verify.agree(sine(pi), 0)\n",
        encoding="utf-8",
    )
    (test,) = read_module(path, Path("test_x.py"))
    assert listing([test.piece]).splitlines()[:3] == [
        "import pytest", "from math import pi", "from math import sin as sine"
    ]  # fmt: skip


def test_a_marker_that_has_to_be_run_is_refused(tmp_path):
    path = tmp_path / "test_x.py"
    path.write_text(
        "import pytest\nLABEL = 'eq-x-y'\n\n"
        "@pytest.mark.verifies(LABEL, routes=('a', 'b'))\ndef test_x(verify): pass\n",
        encoding="utf-8",
    )
    with pytest.raises(ValueError, match=r"test_x\.py:5: write the labels"):
        read_module(path, Path("test_x.py"))


# --- The three lists ------------------------------------------------------------------------


def test_a_complete_book_has_no_faults(built):
    assert all_faults(built, known_to_sphinx(built)["labels"]) == []
    assert completeness.wrong_names(all_formulas(built)) == []


def test_an_equation_without_a_test_is_named(sources):
    edit(sources / "tests/equations/test_lines.py", '"eq-lines-proof", ', "")
    (fault,) = all_faults(sources, dict.fromkeys(LABELS, "chapters/lines"))
    assert re.search(r"chapters/lines\.md:28: eq-lines-proof has no test", fault)


def test_a_label_that_no_page_has_is_named(sources):
    edit(sources / "tests/equations/test_lines.py", "eq-lines-proof", "eq-lines-prof")
    faults = all_faults(sources, dict.fromkeys(LABELS, "chapters/lines"))
    assert len(faults) == 2
    assert re.search(
        r"test_lines\.py:32: test_squares verifies eq-lines-prof, which no page has", faults[1]
    )


def test_a_label_that_sphinx_lost_or_invented_is_named(sources):
    labels = dict.fromkeys([*LABELS[1:], "eq-lines-ghost"], "chapters/lines")
    faults = all_faults(sources, labels)
    assert len(faults) == 2
    assert re.search(r"lines\.md:3: eq-lines-text stands in the source but Sphinx", faults[0])
    assert "chapters/lines.md: Sphinx numbers eq-lines-ghost" in faults[1]


def test_a_label_that_stands_twice_is_named(sources):
    edit(sources / "chapters/lines.md", "(eq-lines-proof)", "(eq-lines-text)")
    faults = all_faults(sources, dict.fromkeys(LABELS, "chapters/lines"))
    assert re.search(r"lines\.md:28: eq-lines-text is also the label at .*lines\.md:3", faults[0])


@pytest.mark.parametrize("label", ["eq-text", "eq-curves-text", "eq-lines-Text", "eq-lines-"])
def test_a_label_that_does_not_name_its_chapter_is_named(sources, label):
    edit(sources / "chapters/lines.md", "(eq-lines-text)", f"({label})")
    (fault,) = completeness.wrong_names(all_formulas(sources))
    assert re.search(rf"lines\.md:3: {label} should be eq-lines-<what>", fault)


def test_an_unnumbered_formula_in_a_statement_is_named(built):
    displayed = known_to_sphinx(built)["displayed"]
    assert completeness.unnumbered_statements(displayed) == []
    displayed["chapters/lines"][3]["label"] = None
    assert completeness.unnumbered_statements(displayed) == [
        "chapters/lines.md:20: a formula in a theorem has no label"
    ]


def test_a_page_with_few_numbers_is_named(built):
    displayed = known_to_sphinx(built)["displayed"]
    assert completeness.too_few_numbered(displayed) == []
    displayed["chapters/lines"][0]["label"] = None
    assert completeness.too_few_numbered(displayed) == []  # 4 of 6: just two thirds
    displayed["chapters/lines"][1]["label"] = None
    assert completeness.too_few_numbered(displayed) == [
        "chapters/lines.md: 3 of 6 formulas are numbered"
    ]


# --- The review ---------------------------------------------------------------------------------


def test_a_review_shows_formula_and_tests_and_is_remembered(sources, monkeypatch, capsys):
    monkeypatch.chdir(sources)
    review.main(["review", *LABELS])
    shown = capsys.readouterr().out
    for part in ("y = a x + b", "test_slope", "routes:  sympy, numpy.polyfit", "sign, factor 2"):
        assert part in shown
    register = review.read_register(sources)
    assert completeness.changed_since_review(all_formulas(sources), register, review.REGISTER) == []


def test_a_changed_a_new_and_a_removed_formula_are_named(sources, monkeypatch):
    monkeypatch.chdir(sources)
    review.main(["review", *LABELS[:4]])
    chapter = sources / "chapters/lines.md"
    edit(chapter, "x^2 \\ge 0", "x^2 > 0")
    edit(chapter, " (eq-lines-text)", "")
    register = review.read_register(sources)
    faults = completeness.changed_since_review(all_formulas(sources), register, review.REGISTER)
    assert len(faults) == 3
    assert re.search(r"lines\.md:20: eq-lines-theorem has changed since its review", faults[0])
    assert re.search(r"lines\.md:40: eq-lines-solution has never been reviewed", faults[1])
    assert re.search(r"reviewed\.toml: eq-lines-text was reviewed and is on no page", faults[2])
    review.main(["forget", "eq-lines-text"])
    assert "eq-lines-text" not in review.read_register(sources)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["review"], "required: eq-..."),
        (["review", "eq-lines-ghost"], "no page has the equation eq-lines-ghost"),
        (["review", "eq-lines-proof"], "eq-lines-proof has no test to compare it with"),
        (["forget", "eq-lines-ghost"], "has no entry eq-lines-ghost"),
    ],
)
def test_a_review_of_nothing_is_refused(sources, monkeypatch, capsys, arguments, message):
    edit(sources / "tests/equations/test_lines.py", '"eq-lines-proof", ', "")
    monkeypatch.chdir(sources)
    with pytest.raises(SystemExit):
        review.main(arguments)
    assert message in capsys.readouterr().err
    assert not (sources / review.REGISTER).exists()


# --- The pages ----------------------------------------------------------------------------------


def test_each_verified_equation_has_its_mark_beside_it(built):
    soup = page(built, "lines")
    pairs = soup.select(".bk-equation")
    assert [pair.select_one("div.math")["id"] for pair in pairs] == [
        f"equation-{label}" for label in LABELS
    ]
    for number, (pair, label) in enumerate(zip(pairs, LABELS, strict=True), start=1):
        mark = pair.select_one("a.bk-verified")
        assert mark["href"] == f"tests.html#verified-{label}"
        assert mark["aria-label"] == f"Verified: read the test of equation {number}"
        assert pair.select_one(".eqno").get_text().startswith(f"({number})")
    boxes = [".theorem", ".proof:not(.theorem)", ".solution"]
    assert all(soup.select_one(f"{box} a.bk-verified") for box in boxes)
    ids = [tag["id"] for tag in soup.select("[id]") if tag["id"].startswith("equation-")]
    assert len(ids) == len(set(ids)) == len(LABELS)


def test_the_appendix_prints_equation_and_test(built):
    soup = page(built, "tests")
    sections = soup.select("section.bk-evidence")
    assert [section["id"] for section in sections] == [f"verified-{label}" for label in LABELS]
    for number, (section, label) in enumerate(zip(sections, LABELS, strict=True), start=1):
        back = section.select_one("h2 a.reference")
        assert back["href"] == f"lines.html#equation-{label}"
        assert back.get_text() == f"({number})"
        assert section.select_one("div.math")
    text = sections[0].get_text()
    for part in ("a x + b", "test_slope", "numpy.polyfit", "sign; factor 2", "def line(x)"):
        assert part in text
    assert sections[0].select_one("details > summary")
    assert sections[0].select_one("details .highlight pre")
    assert sections[1].select_one("details") is None
    assert sections[1].select_one('a[href="#verified-eq-lines-text"]').get_text() == "(1)"
    assert not soup.select("[id^=equation-]")


def test_what_several_tests_use_is_printed_once(book):
    edit(
        book / "tests/equations/test_lines.py",
        "verify.at_most(0.0, 1.0)",
        "verify.at_most(0.0, line(1.0))",
    )
    assert build(book).returncode == 0
    soup = page(book, "tests")
    assert soup.get_text().count("def line(x)") == 1
    shared = soup.select_one("section#shared-by-the-tests")
    assert "def line(x)" in shared.get_text()
    assert "def sample()" not in shared.get_text()  # one test alone uses it
    for label in ("text", "theorem"):
        section = soup.select_one(f"#verified-eq-lines-{label}")
        assert "line" in section.select_one("details p").get_text()
        assert section.select_one('details p a[href="#shared-by-the-tests"]')


def test_the_overview_counts(built):
    rows = page(built, "overview").select("tbody tr")
    cells = [[cell.get_text(strip=True) for cell in row.select("th, td")] for row in rows]
    assert cells == [["Lines", "6", "5", "5"], ["The whole book", "6", "5", "5"]]
    assert rows[0].select_one("a")["href"] == "tests.html"


def test_an_equation_without_a_test_gets_no_mark(book):
    edit(book / "tests/equations/test_lines.py", '"eq-lines-proof", ', "")
    assert build(book).returncode == 0
    marked = [mark["href"] for mark in page(book, "lines").select("a.bk-verified")]
    assert marked == [
        f"tests.html#verified-{label}" for label in LABELS if label != "eq-lines-proof"
    ]
    assert page(book, "overview").select("tbody td")[3].get_text(strip=True) == "4"


def test_a_test_that_changes_is_printed_anew(book):
    edit(book / "tests/equations/test_lines.py", "by hand.", "by foot.")
    assert build(book).returncode == 0
    assert "by foot." in page(book, "tests").get_text()


def test_a_number_that_changes_is_printed_anew(book, tmp_path_factory):
    """An incremental build gives the same pages as a clean one."""
    edit(
        book / "chapters/lines.md",
        "# Lines\n",
        "# Lines\n\n$$\nw = 0\n$$ (eq-lines-new)\n",
    )
    (book / "tests/equations/test_new.py").write_text(
        "import pytest\n\n"
        '@pytest.mark.verifies("eq-lines-new", routes=("a", "b"))\ndef test_new(verify): pass\n',
        encoding="utf-8",
    )
    assert build(book).returncode == 0
    clean = tmp_path_factory.mktemp("clean") / "book"
    shutil.copytree(book, clean, ignore=shutil.ignore_patterns("_build"))
    assert build(clean).returncode == 0
    for name in ("lines", "tests", "overview"):
        assert str(page(book, name).select_one(".body")) == str(
            page(clean, name).select_one(".body")
        )
    assert page(book, "tests").select("h2 a.reference")[1].get_text() == "(2)"
    assert known_to_sphinx(book) == known_to_sphinx(clean)


def test_a_build_without_changes_writes_nothing(book):
    before = {path: path.stat().st_mtime_ns for path in (book / "_build/html/chapters").glob("*")}
    assert build(book).returncode == 0
    assert before == {path: path.stat().st_mtime_ns for path in before}
    assert set(known_to_sphinx(book)["labels"]) == set(LABELS)


def test_marks_that_lead_nowhere_fail_the_build(sources):
    edit(sources / "chapters/tests.md", "```{verified-equations} lines\n```\n", "None.\n")
    result = build(sources)
    assert result.returncode != 0
    assert re.search(r"lines\.md:3: WARNING: eq-lines-text has a test, but no page", result.stderr)


def test_an_appendix_of_no_chapter_fails_the_build(sources):
    edit(sources / "chapters/tests.md", "} lines", "} curves")
    result = build(sources)
    assert result.returncode != 0
    assert re.search(r"tests\.md:3: WARNING: no chapter 'curves'", result.stderr)
