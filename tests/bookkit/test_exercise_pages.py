"""Exercises in the page, in its search index and in its notebook, on a small book of their own."""

import json
import re
import shutil
import subprocess
import sys
from collections import Counter

import nbformat
import pytest
from bookkit.exercises.markers import MarkerError, has_solution, solved, stub
from bookkit.mathml import expand
from bs4 import BeautifulSoup
from nbclient import NotebookClient

CONF = """
html_title = "A book"
extensions = ["myst_nb", "sphinx_proof", "sphinx_exercise", "sphinxcontrib.bibtex",
              "bookkit.theme", "bookkit.exercises"]
myst_enable_extensions = ["colon_fence", "deflist", "dollarmath"]
bibtex_bibfiles = ["references.bib"]
bibtex_reference_style = "author_year"
html_theme = "bookkit"
html_theme_options = {"repository_url": "https://small.example/repository"}
html_baseurl = "https://small.example/pages"
html_copy_source = False
nb_execution_mode = "cache"
nb_execution_timeout = 120
exclude_patterns = ["_build"]

"""
REFERENCES = """
@book{Gauss1809, author = {Gauss, Carl Friedrich}, title = {Theoria motus}, year = {1809},
  publisher = {Perthes}}
"""
INDEX = """
# Book

```{toctree}
first
part/chapter
```
"""
FIRST = """
# First

See {ref}`ex-code`, {numref}`ex-paper` and {eq}`eq-in-solution`.

(a-section)=
## A section

```{exercise} Nothing to it
:label: ex-first
Say why.
```

```{bibliography}
```
"""
HEAD = """---
jupytext:
  text_representation:
    extension: .md
    format_name: myst
kernelspec:
  display_name: Python 3
  language: python
  name: python3
---
"""
CHAPTER = (
    HEAD
    + r"""
# Chapter *one*

Words with $y = X^\T \norm{x}$ {cite}`Gauss1809`, {eq}`eq-a`, {ref}`a-section`, {prf:ref}`thm-a`,
{numref}`fig-up`; a * star, snake_case, 5 < 6 and `code_here`. See {ref}`ex-code` and
{ref}`ex-paper-solution`.

$$
a = \norm{b}
$$ (eq-a)

```{code-cell} ipython3
:tags: [remove-cell]
height = 3
```

```{code-cell} ipython3
:tags: [hide-input]
:mystnb:
:  image: {alt: "A line that goes up"}
:  figure: {caption: "It rises with $x$.", name: fig-up}
import matplotlib.pyplot as plt
import numpy as np
from dlmath.exercises import check

plt.plot([1, 2, height]);
```

```{prf:theorem} Pythagoras
:label: thm-a
Words and

$$ b = c $$ (eq-b)

more.
```

```{prf:proof}
Begin with words.
```

```{note}
A *note*.
```

| a | b |
|---|---|
| $\lvert x \rvert$ | 2 |

- item

  more
- other

Term
: Definition.

```python
plain = "code"
```

## Exercises

```{exercise-start} The normal equations
:label: ex-code
```
Write `normal_equations(X, y)`.

```{code-cell} ipython3
given = 2
print("before", given)
```
```{code-cell} ipython3
def normal_equations(X, y):
    ### BEGIN SOLUTION
    codesecret = X.T @ y
    return np.linalg.solve(X.T @ X, codesecret)
    ### END SOLUTION
```
```{code-cell} ipython3
check("ols-normal-equations", normal_equations)
```
```{exercise-end}
```

```{exercise-start} On paper $x^2$
:label: ex-paper
```
Prove the visibleword {eq}`eq-a`.
```{exercise-end}
```

Something between.

```{solution-start} ex-paper
:label: ex-paper-solution
:class: dropdown
```
Papersecret with

$$ d = e $$ (eq-in-solution)

and code:

```{code-cell} ipython3
cellsecret = 1
print("outputsecret")
```
```{solution-end}
```

```{exercise-start} Both ways
:label: ex-both
```
```{code-cell} ipython3
def gradient(X, y, theta):
    ### BEGIN SOLUTION
    return 2 / len(y) * X.T @ (X @ theta - y)
    ### END SOLUTION
```
```{code-cell} ipython3
check("ols-gradient", gradient)
```
```{exercise-end}
```

```{solution-start} ex-both
:label: ex-both-solution
```
Bothsecret.
```{solution-end}
```

After, {eq}`eq-in-solution`.
"""
)
SECRETS = ["codesecret", "papersecret", "cellsecret", "outputsecret", "bothsecret"]
NOTHING_BUT_KERNEL = re.compile(r"^(?!.*IPKernelApp).+$", re.MULTILINE)


MACHINERY = {
    "conf.py": CONF,
    "references.bib": REFERENCES,
}
BOOK = MACHINERY | {"index.md": INDEX, "first.md": FIRST, "part/chapter.md": CHAPTER}


def write(folder, sources):
    """Write files, those that have not changed excepted."""
    for name, text in sources.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.exists() or path.read_text() != text:
            path.write_text(text)
    return folder


def build(folder):
    """Build the book and return the words of the build, without the kernels'."""
    command = [sys.executable, "-m", "sphinx", "-q", "-n", "-b", "html", "-d", "_build/.doctrees"]
    command += [".", "_build/html"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return "\n".join(NOTHING_BUT_KERNEL.findall(done.stderr))


@pytest.fixture(scope="module")
def book(tmp_path_factory):
    folder = write(tmp_path_factory.mktemp("book"), BOOK)
    assert build(folder) == ""
    return folder / "_build" / "html"


@pytest.fixture(scope="module")
def page(book):
    return BeautifulSoup((book / "part/chapter.html").read_text(encoding="utf-8"), "lxml")


@pytest.fixture(scope="module")
def notebook(book):
    return read(book)


@pytest.fixture
def living(book, tmp_path):
    """Give the folder of the built book to be changed, and put it back as it was."""
    folder = book.parents[1]
    shutil.copytree(folder, tmp_path / "before")
    yield folder
    shutil.rmtree(folder)
    shutil.copytree(tmp_path / "before", folder)


def read(book):
    """Return the notebook of the chapter."""
    return nbformat.read(book / "part/chapter.ipynb", as_version=4)


def text_of(notebook):
    return "\n".join(cell.source for cell in notebook.cells)


# markers


def test_stub_and_solution_keep_the_indentation():
    source = (
        "def f():\n    ### BEGIN SOLUTION\n    x = 1\n\n    return x\n    ### END SOLUTION\ny = 2"
    )
    assert stub(source) == ("def f():\n    # YOUR CODE HERE\n    raise NotImplementedError\ny = 2")
    assert solved(source) == "def f():\n    x = 1\n\n    return x\ny = 2"
    assert has_solution(source)
    assert not has_solution(solved(source))


def test_a_cell_may_hold_several_solutions():
    source = "### BEGIN SOLUTION\na\n### END SOLUTION\nb\n### BEGIN SOLUTION\nc\n### END SOLUTION"
    assert solved(source) == "a\nb\nc"
    assert stub(source).count("NotImplementedError") == 2


@pytest.mark.parametrize(
    "source",
    [
        "### BEGIN SOLUTION\na",
        "a\n### END SOLUTION",
        "### BEGIN SOLUTION\na\n### BEGIN SOLUTION\nb\n### END SOLUTION",
        "### END SOLUTION\na\n### BEGIN SOLUTION",
        "x = 1  ### BEGIN SOLUTION\na\n### END SOLUTION",
    ],
)
def test_markers_that_do_not_pair_are_refused(source):
    for version in (stub, solved):
        with pytest.raises(MarkerError, match="in pairs"):
            version(source)


# the page


def test_a_code_exercise_shows_the_stub_and_folds_the_solution_behind_it(page):
    exercise = page.find(id="ex-code")
    assert "# YOUR CODE HERE" in exercise.text
    assert 'check("ols-normal-equations", normal_equations)' in exercise.text
    assert "before 2" in exercise.text
    assert "correct" not in exercise.text
    solution = exercise.find_next_sibling()
    assert solution.name == "details"
    assert not solution.has_attr("open")
    assert solution.summary.text == "Solution to Exercise 2"
    assert "codesecret = X.T @ y" in solution.text
    assert "✓ ols-normal-equations: correct" in solution.text
    assert "NotImplementedError" not in solution.text


def test_a_paper_solution_folds_the_same_way_and_keeps_its_equation(page):
    solution = page.find(id="ex-paper-solution")
    assert solution.name == "details"
    assert solution["class"] == page.find(id="ex-code-solution")["class"]
    assert solution.summary.text == "Solution to Exercise 3"
    assert "outputsecret" in solution.text
    assert solution.find(id="equation-eq-in-solution")
    assert page.find("a", href="#equation-eq-in-solution", string="(3)")


def test_a_code_exercise_with_a_written_solution_has_one_fold(page):
    solution = page.find(id="ex-both").find_next_sibling()
    assert solution["id"] == "ex-both-solution"
    assert [page.find(id="ex-both-solution")] == page.find_all(id="ex-both-solution")
    code, words = solution.text.index("return 2 / len(y)"), solution.text.index("Bothsecret")
    assert code < solution.text.index("✓ ols-gradient") < words


def test_exercise_and_solution_link_to_each_other(page):
    for name in ("ex-code", "ex-paper", "ex-both"):
        assert page.find(id=f"{name}-solution").find("a", href=f"#{name}")
        adjacent = page.find(id=name).find_next_sibling().get("id") == f"{name}-solution"
        assert adjacent or page.find(id=name).find("a", href=f"#{name}-solution")


def test_exercises_are_numbered_and_referred_to_across_pages(book, page):
    first = BeautifulSoup((book / "first.html").read_text(encoding="utf-8"), "lxml")
    assert first.find("a", href="part/chapter.html#ex-code").text == "Exercise 2"
    assert first.find("a", href="part/chapter.html#ex-paper").text == "Exercise 3"
    assert page.find(id="ex-code").p.text.startswith("Exercise 2  (The normal equations)")
    assert page.find("a", href="#ex-paper-solution").text.startswith("Solution to Exercise 3")


def test_no_identifier_stands_twice(page):
    counts = Counter(tag["id"] for tag in page.find_all(id=True))
    ours = {name for name in counts if not name.startswith(("proof", "searchlabel"))}
    assert all(counts[name] == 1 for name in ours), counts


def test_no_secret_stands_outside_a_fold(book, page):
    outside = BeautifulSoup(str(page), "lxml")
    for fold in outside.select("details.bk-solution"):
        fold.decompose()
    for secret in [*SECRETS, "BEGIN SOLUTION", "END SOLUTION"]:
        assert secret not in str(outside).lower()
        assert (secret in page.text.lower()) == (secret in SECRETS)
    for path in book.rglob("*"):
        if path.is_file() and path.suffix != ".html":
            content = path.read_bytes().lower()
            assert not any(secret.encode() in content for secret in SECRETS), path


def test_the_search_index_knows_exercises_and_no_solutions(book):
    index = (book / "searchindex.js").read_text(encoding="utf-8")
    terms = json.loads(index.removeprefix("Search.setIndex(").removesuffix(")"))["terms"]
    assert "visibleword" in terms
    assert not set(SECRETS) & set(terms)


@pytest.mark.parametrize(
    ("cell", "words"),
    [
        ("### BEGIN SOLUTION\nx = 1\n### END SOLUTION", "outside an exercise"),
        ("### BEGIN SOLUTION\nx = 1", "outside an exercise, or do not pair"),
    ],
)
def test_markers_outside_an_exercise_are_a_warning_with_the_place(tmp_path, cell, words):
    text = f"{HEAD}\n# Page\n\n```{{code-cell}} ipython3\n{cell}\n```\n"
    index = "# Book\n\n```{toctree}\nstray\n```\n"
    conf = CONF.replace('"cache"', '"off"')
    pages = {"conf.py": conf, "index.md": index, "stray.md": text}
    said = build(write(tmp_path, MACHINERY | pages))
    assert re.search(rf"stray\.md:1\d: WARNING: .*{words}", said)


# the notebook


def test_the_notebook_is_valid_unrun_and_for_any_python(notebook):
    nbformat.validate(notebook)
    assert notebook.metadata.kernelspec.name == "python3"
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert not any(cell.outputs or cell.execution_count for cell in code)


def test_the_notebook_begins_with_title_address_and_installation(notebook):
    title, install = notebook.cells[0].source, notebook.cells[2].source
    assert title.startswith("# Chapter *one*\n")
    assert "<https://small.example/pages/part/chapter.html>" in title
    assert "*A book*" in title
    assert install == (
        '# %pip install "dlmath[interactive] @ git+https://small.example/repository"'
    )


def test_the_notebook_has_stubs_and_no_solution(notebook):
    text = text_of(notebook)
    assert not any(secret in text.lower() for secret in SECRETS)
    assert "SOLUTION" not in text
    assert "return 2 / len(y)" not in text
    assert text.count("    # YOUR CODE HERE\n    raise NotImplementedError") == 2
    assert (
        "[Solution to Exercise 3](https://small.example/pages/part/chapter.html#ex-paper-so" in text
    )


@pytest.mark.parametrize(
    "piece",
    [
        r"Words with $y = X^{\mathsf{T}} \lVert x \rVert$",
        "[Gauss, 1809](https://small.example/pages/first.html#",
        "(1), [A section](https://small.example/pages/first.html#a-section), Theorem 1,",
        r"a \* star, snake\_case, 5 \< 6 and `code_here`. See Exercise 2 and",
        "$$\na = \\lVert b \\rVert\n\\tag{1}\n$$",
        "**Fig. 1.** It rises with $x$.",
        "> **Theorem 1 (Pythagoras).**\n>\n> Words and\n>\n> $$\n> b = c\n> \\tag{2}\n> $$",
        "> Proof. Begin with words.",
        "> **Note**\n>\n> A *note*.",
        "| a | b |\n| --- | --- |\n| $\\lvert x \\rvert$ | 2 |",
        "- item\n\n  more\n- other",
        "**Term**\n\nDefinition.",
        '```python\nplain = "code"\n```',
        "### Exercise 2 (The normal equations)\n\nWrite `normal_equations(X, y)`.",
        "### Exercise 3 (On paper $x^2$)\n\nProve the visibleword (1).",
        "After, (3).",
    ],
)
def test_the_text_reads_like_the_page(notebook, piece):
    assert piece in text_of(notebook)


def test_no_myst_is_left_in_the_notebook(notebook):
    text = "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")
    assert not re.search(r"\{[a-z:-]+\}`|```\{|:label:|\\norm\{", text)


def test_hidden_cells_are_folded_and_removed_ones_are_there(notebook):
    folded = [cell.source for cell in notebook.cells if cell.metadata.get("jupyter")]
    assert folded[0] == "height = 3"
    assert folded[1].startswith("import matplotlib")


def test_the_notebook_runs_from_top_to_bottom(notebook, tmp_path):
    resources = {"metadata": {"path": tmp_path}}
    run = NotebookClient(nbformat.from_dict(notebook), timeout=120, resources=resources).execute()
    said = ["".join(out.get("text", "") for out in c.get("outputs", [])) for c in run.cells]
    assert sum("not written yet" in text for text in said) == 2
    assert not any("secret" in text for text in said)


def test_the_page_offers_the_download(book, page):
    assert page.find("a", href="chapter.ipynb")
    assert ".ipynb" not in (book / "first.html").read_text(encoding="utf-8")
    assert not (book / "first.ipynb").exists()


# building again


def test_a_build_without_changes_leaves_the_notebook_alone(book, living):
    path = book / "part/chapter.ipynb"
    before = path.stat().st_mtime_ns
    assert build(living) == ""
    assert path.stat().st_mtime_ns == before


def test_a_lost_notebook_comes_back(book, living):
    path = book / "part/chapter.ipynb"
    before = path.read_bytes()
    path.unlink()
    assert build(living) == ""
    assert path.read_bytes() == before


def test_the_notebook_follows_its_page(book, living):
    write(living, {"part/chapter.md": CHAPTER.replace("visibleword", "otherword")})
    assert build(living) == ""
    assert "otherword" in text_of(read(book))
    assert "visibleword" not in text_of(read(book))


def test_numbers_follow_a_change_on_an_earlier_page(book, living):
    more = FIRST.replace("```{bibliography}", "```{exercise} New\nText.\n```\n\n```{bibliography}")
    write(living, {"first.md": more})
    assert build(living) == ""
    assert "### Exercise 3 (The normal equations)" in text_of(read(book))
    assert ">Solution to Exercise 3<" in (book / "part/chapter.html").read_text()


def test_the_notebook_of_a_removed_page_goes(book, living):
    (living / "part/chapter.md").unlink()
    first = "# First\n\n```{bibliography}\n```\n"
    write(living, {"index.md": INDEX.replace("part/chapter\n", ""), "first.md": first})
    build(living)
    assert not (book / "part/chapter.ipynb").exists()


# macros


@pytest.mark.parametrize(
    ("latex", "expanded"),
    [
        (r"X^\T X", r"X^{\mathsf{T}} X"),
        (r"\norm{y - \norm{z}}^2", r"\lVert y - \lVert z \rVert \rVert^2"),
        (r"\norm x", r"\lVert x \rVert"),
        (r"\theta \in \R^p", r"\theta \in \mathbb{R}^p"),
        (r"\d\alpha \Tr", r"\mathrm{d}\alpha \Tr"),
        (r"\abs{\{a\}}", r"\lvert \{a\} \rvert"),
        (r"\inner{x}{y}", r"\langle x, y \rangle"),
    ],
)
def test_macros_are_written_out(latex, expanded):
    assert expand(latex) == expanded
