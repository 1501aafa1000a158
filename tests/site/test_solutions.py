"""Exercises in the built book: solutions stay folded, and the notebooks work as they are."""

import asyncio
import json
import re
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import nbformat
import pytest
from book_pages import chapters, places, soup, source_of
from bs4 import BeautifulSoup
from nbclient import NotebookClient
from sphinx.search.en import SearchEnglish

CODE = re.compile(r"### BEGIN SOLUTION\n(.*?)### END SOLUTION", re.DOTALL)
PAPER = re.compile(r"\{solution-start\}.*\n(?::.*\n)*(.*?)\{solution-end\}", re.DOTALL)
SENTENCE = re.compile(r"[A-Za-z][A-Za-z ,;:]{30,}[a-z]")
MARKERS = ("BEGIN SOLUTION", "END SOLUTION")


@dataclass(frozen=True)
class Chapter:
    """A chapter: its name, its source, its page and its notebook."""

    name: str
    text: str
    page: Path
    notebook: Path


@pytest.fixture(params=chapters())
def chapter(request, site):
    name = request.param
    page = site.html / f"{name}.html"
    return Chapter(name, source_of(name), page, page.with_suffix(".ipynb"))


def giveaways(text):
    """Return what must not be seen outside a fold: solved lines and sentences of solutions.

    A line that the chapter shows elsewhere too, of its own accord, gives nothing away.
    """
    lines = {line.strip() for code in CODE.findall(text) for line in code.splitlines()}
    sentences = {
        found.strip() for words in PAPER.findall(text) for found in SENTENCE.findall(words)
    }
    shown = squeezed(PAPER.sub("", CODE.sub("", text)))
    secrets = {line for line in lines if len(line) > 20} | sentences
    return {secret for secret in secrets if squeezed(secret) not in shown}


def page_in_two(path):
    """Return the text outside the folded solutions of a page, and that inside them."""
    soup = BeautifulSoup(path.read_text(encoding="utf-8"), "lxml")
    inside = [fold.extract() for fold in soup.select("details.bk-solution")]
    return squeezed(str(soup.text)), squeezed(" ".join(fold.text for fold in inside))


def written_out(path):
    """Return the text of a page without its solutions, and without what its cells print.

    A cell may print the source of a function in dlmath, in which a line of a solution stands too.
    """
    page = BeautifulSoup(path.read_text(encoding="utf-8"), "lxml")
    for part in page.select("details.bk-solution, .cell_output"):
        part.extract()
    return squeezed(page.text)


def squeezed(text):
    return " ".join(text.replace("’", "'").split())


def text_of(notebook):
    return "\n".join(cell.source for cell in nbformat.read(notebook, as_version=4).cells)


def words(text):
    english = SearchEnglish({})
    return {english.stem(word.lower()) for word in english.split(text)}


def test_solutions_stand_in_folds_and_nowhere_else(chapter):
    outside, inside = written_out(chapter.page), page_in_two(chapter.page)[1]
    download = squeezed(text_of(chapter.notebook))
    secrets = giveaways(chapter.text)
    assert len(secrets) > chapter.text.count("{exercise-start}")
    seen = [secret for secret in secrets if squeezed(secret) in inside]
    assert len(seen) > 0.9 * len(secrets)
    for secret in secrets:
        assert squeezed(secret) not in outside
        assert squeezed(secret) not in download


def test_no_marker_is_published(site):
    for path in site.html.rglob("*"):
        if path.suffix in {".html", ".js", ".json", ".ipynb", ".md", ".txt"}:
            content = path.read_text(encoding="utf-8")
            assert not any(marker in content for marker in MARKERS), path
    assert not (site.html / "_sources").exists()


def test_every_exercise_has_a_closed_fold_that_links_back(chapter):
    folds = soup(chapter.page).select("details.bk-solution")
    assert len(folds) == chapter.text.count("{exercise-start}") > 0
    for fold in folds:
        exercise = fold["id"].removesuffix("-solution")
        assert not fold.has_attr("open")
        assert fold.find("a", href=f"#{exercise}")
        assert exercise in places(chapter.page)


def indexed(html, name):
    """Return the words under which the search finds a page."""
    script = (html / "searchindex.js").read_text(encoding="utf-8")
    index = json.loads(script[script.index("{") : script.rindex("}") + 1])
    number = index["docnames"].index(name)
    return {
        term
        for term, pages in index["terms"].items()
        if number in (pages if isinstance(pages, list) else [pages])
    }


def test_the_search_finds_no_chapter_by_a_word_that_only_its_solutions_use(site, chapter):
    outside, inside = page_in_two(chapter.page)
    # The notebook, because formulas are indexed as LaTeX.
    only = words(inside) - words(outside) - words(text_of(chapter.notebook))
    assert len(only) > 20
    assert not only & indexed(site.html, chapter.name)


def test_every_notebook_is_valid_and_offered_by_its_page(site):
    notebooks = list(site.html.rglob("*.ipynb"))
    assert notebooks
    for path in notebooks:
        notebook = nbformat.read(path, as_version=4)
        nbformat.validate(notebook)
        assert not any(cell.get("outputs") for cell in notebook.cells)
        text = "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")
        assert not re.search(r"```\{|\{[a-z]+(:[a-z]+)?\}`|^:[a-z]+: ", text, re.MULTILINE), path
        assert soup(path.with_suffix(".html")).find("a", href=path.name), path


def execute(notebooks, folder):
    """Execute notebooks in place, two at a time, as the build does."""
    free = asyncio.Semaphore(2)

    async def one(notebook):
        async with free:
            resources = {"metadata": {"path": folder}}
            client = NotebookClient(notebook, timeout=300, resources=resources)
            await client.async_execute()

    async def every():
        await asyncio.gather(*map(one, notebooks))

    # In a thread of its own: the browser's driver runs an event loop in this one.
    with ThreadPoolExecutor(1) as pool:
        pool.submit(lambda: asyncio.run(every())).result()


def test_the_notebooks_run_from_top_to_bottom(site, tmp_path):
    """Nothing is edited: the stubs are told from wrong answers, and no cell raises."""
    notebooks = {
        path.relative_to(site.html).as_posix(): nbformat.read(path, as_version=4)
        for path in site.html.rglob("*.ipynb")
    }
    assert {f"{name}.ipynb" for name in chapters()} <= set(notebooks)
    execute(notebooks.values(), tmp_path)
    for name, notebook in notebooks.items():
        outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
        said = "".join(str(output.get("text", "")) for output in outputs)
        stubs = sum("raise NotImplementedError" in cell.source for cell in notebook.cells)
        assert said.count("not written yet") == stubs, name
        assert "✓" not in said, name


@pytest.mark.parametrize("size", [(1280, 900), (360, 740)])
def test_a_solution_opens_by_keyboard_without_javascript(site, visit, chapter, size):
    address = f"{site.address}/{chapter.name}.html"
    with visit(address, size=size, java_script_enabled=False) as heard:
        fold = heard.page.locator("details.bk-solution").first
        body = fold.locator("p").first
        assert not body.is_visible()
        fold.locator("summary").focus()
        heard.page.keyboard.press("Enter")
        assert body.is_visible()
