"""Exercises in the built book: solutions stay folded, and the notebooks work as they are."""

import json
import re

import nbformat
import pytest
from bs4 import BeautifulSoup
from nbclient import NotebookClient
from sphinx.search.en import SearchEnglish

CODE = re.compile(r"### BEGIN SOLUTION\n(.*?)### END SOLUTION", re.DOTALL)
PAPER = re.compile(r"\{solution-start\}.*\n(?::.*\n)*(.*?)\{solution-end\}", re.DOTALL)
SENTENCE = re.compile(r"[A-Za-z][A-Za-z ,;:]{30,}[a-z]")
MARKERS = ("BEGIN SOLUTION", "END SOLUTION")


def chapters_with_exercises(site):
    for source in site.source.glob("chapters/**/*.md"):
        text = source.read_text(encoding="utf-8")
        if "{exercise-start}" in text:
            name = source.relative_to(site.source).with_suffix("")
            yield text, site.html / f"{name}.html", site.html / f"{name}.ipynb"


def giveaways(text):
    """Return what must not be seen outside a fold: solved lines and sentences of solutions."""
    lines = {line.strip() for code in CODE.findall(text) for line in code.splitlines()}
    sentences = {
        found.strip() for words in PAPER.findall(text) for found in SENTENCE.findall(words)
    }
    return {line for line in lines if len(line) > 20} | sentences


def page_in_two(path):
    """Return the text outside the folded solutions of a page, and that inside them."""
    soup = BeautifulSoup(path.read_text(encoding="utf-8"), "lxml")
    inside = [fold.extract() for fold in soup.select("details.bk-solution")]
    return squeezed(str(soup.text)), squeezed(" ".join(fold.text for fold in inside))


def squeezed(text):
    return " ".join(text.replace("’", "'").split())


def text_of(notebook):
    return "\n".join(cell.source for cell in nbformat.read(notebook, as_version=4).cells)


def words(text):
    english = SearchEnglish({})
    return {english.stem(word.lower()) for word in english.split(text)}


def test_solutions_stand_in_folds_and_nowhere_else(site):
    for text, page, notebook in chapters_with_exercises(site):
        outside, inside = page_in_two(page)
        download = squeezed(text_of(notebook))
        secrets = giveaways(text)
        assert len(secrets) > 20
        seen = [secret for secret in secrets if squeezed(secret) in inside]
        assert len(seen) > 0.9 * len(secrets)
        for secret in secrets:
            assert squeezed(secret) not in outside, page
            assert squeezed(secret) not in download, notebook


def test_no_marker_is_published(site):
    for path in site.html.rglob("*"):
        if path.suffix in {".html", ".js", ".json", ".ipynb", ".md", ".txt"}:
            content = path.read_text(encoding="utf-8")
            assert not any(marker in content for marker in MARKERS), path
    assert not (site.html / "_sources").exists()


def test_every_exercise_has_a_closed_fold_that_links_back(site):
    for text, path, _ in chapters_with_exercises(site):
        page = BeautifulSoup(path.read_text(encoding="utf-8"), "lxml")
        folds = page.select("details.bk-solution")
        assert len(folds) == text.count("{exercise-start}")
        for fold in folds:
            exercise = fold["id"].removesuffix("-solution")
            assert not fold.has_attr("open")
            assert fold.find("a", href=f"#{exercise}")
            assert page.find(id=exercise)


def test_the_search_index_has_no_word_that_only_solutions_use(site):
    index = (site.html / "searchindex.js").read_text(encoding="utf-8")
    terms = set(json.loads(index[index.index("{") : index.rindex("}") + 1])["terms"])
    folded, elsewhere = set(), set()
    for path in site.html.rglob("*.html"):
        outside, inside = page_in_two(path)
        elsewhere |= words(outside)
        folded |= words(inside)
    for path in site.html.rglob("*.ipynb"):  # formulas are indexed as LaTeX
        elsewhere |= words(text_of(path))
    only = folded - elsewhere
    assert len(only) > 20
    assert not only & terms


def test_every_notebook_is_valid_and_offered_by_its_page(site):
    notebooks = list(site.html.rglob("*.ipynb"))
    assert notebooks
    for path in notebooks:
        notebook = nbformat.read(path, as_version=4)
        nbformat.validate(notebook)
        assert not any(cell.get("outputs") for cell in notebook.cells)
        text = "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")
        assert not re.search(r"```\{|\{[a-z]+(:[a-z]+)?\}`|^:[a-z]+: ", text, re.MULTILINE), path
        page = path.with_suffix(".html").read_text(encoding="utf-8")
        assert BeautifulSoup(page, "lxml").find("a", href=path.name), path


def test_the_notebooks_run_from_top_to_bottom(site, tmp_path):
    """Nothing is edited: the stubs are told from wrong answers, and no cell raises."""
    for path in site.html.rglob("*.ipynb"):
        notebook = nbformat.read(path, as_version=4)
        resources = {"metadata": {"path": tmp_path}}
        NotebookClient(notebook, timeout=300, kernel_name="python3", resources=resources).execute()
        outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
        said = "".join(str(output.get("text", "")) for output in outputs)
        stubs = sum("raise NotImplementedError" in cell.source for cell in notebook.cells)
        assert said.count("not written yet") == stubs
        assert "✓" not in said


@pytest.mark.parametrize("size", [(1280, 900), (360, 740)])
def test_a_solution_opens_by_keyboard_without_javascript(site, visit, size):
    for _, path, _ in chapters_with_exercises(site):
        address = f"{site.address}/{path.relative_to(site.html).as_posix()}"
        with visit(address, size=size, java_script_enabled=False) as heard:
            fold = heard.page.locator("details.bk-solution").first
            body = fold.locator("p").first
            assert not body.is_visible()
            fold.locator("summary").focus()
            heard.page.keyboard.press("Enter")
            assert body.is_visible()
