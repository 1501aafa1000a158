"""A fault in a source fails the build and names its place; a book without faults passes."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
FRONT = "---\nfile_format: mystnb\nkernelspec: {name: python3}\n---\n\n"
TOC = "{format: jb-book, root: index, chapters: [%s]}\n"
BIBLIOGRAPHY = """\
@article{gauss1809,
  author = {Gauss, Carl Friedrich}, title = {Theoria motus}, journal = {Perthes}, year = {1809}
}
"""

GOOD = (
    FRONT
    + """\
# A line

Words, a citation {cite}`gauss1809`, a formula {eq}`eq-good-line`, a figure {numref}`fig-good-line`.

$$
y = a x + b
$$ (eq-good-line)

```{code-cell} ipython3
:tags: [hide-input]
:mystnb:
:  image: {alt: "A straight line that rises from the lower left corner to the upper right one."}
:  figure: {caption: "A line rises.", name: fig-good-line}
%config InlineBackend.figure_formats = ["svg"]
import matplotlib.pyplot as plt

plt.style.use("dlmath.book")
fig, ax = plt.subplots()
ax.plot([0, 1], [0, 1], label="a line")
ax.legend()
plt.show()
```

```{code-cell} ipython3
:tags: [hide-input]
:mystnb:
:  figure: {caption: "Drag a point.", name: fig-good-drag}
from dlmath.interactive import DragFit

DragFit(
    [0.0, 1.0, 2.0, 3.0],
    [0.1, 0.9, 2.1, 2.9],
    [0.1, 0.1, 0.2, 0.1],
    alt="Four points with error bars and a straight line through them with its narrow band.",
)
```

```{bibliography}
```
"""
)

FAULTY = {
    "raises.md": FRONT + "# A cell that raises\n\n```{code-cell} ipython3\nx = 1\n```\n\n"
    "```{code-cell} ipython3\nx / 0\n```\n",
    "refers.md": """\
# Broken references

To {ref}`nowhere`.

To {eq}`eq-nowhere`.

To {numref}`fig-nowhere`.

To {cite}`nobody1900`.

To {doc}`no-such-page`.

To [a page](no-such-page.md).
""",
    "formulas.md": """\
# Wrong formulas

Inline, $\\frac{1$ does not end.

$$
\\nosuchcommand{x}
$$ (eq-formulas-wrong)
""",
    "pictures.md": FRONT
    + """\
# A figure without alternative text

```{code-cell} ipython3
%config InlineBackend.figure_formats = ["svg"]
import matplotlib.pyplot as plt

plt.plot([0, 1], [0, 1])
plt.show()
```
""",
    "drawings.md": """\
# Wrong diagrams

```{diagram} map.yaml
A map without an alternative text.
```

```{diagram} map.yaml
:alt: A box that leads to a page, and the page is not there.
```

```{diagram} map.yaml
:alt: A box that leads to a page, and the page is not there.

A map with a box that leads nowhere.
```

```{diagram} nowhere.yaml
:alt: A box that leads to a page, and the page is not there.

A map that is not there.
```
""",
    "map.yaml": "tree: {text: Nowhere, page: nowhere}\n",
}


def make_book(folder: Path, chapters: dict[str, str]) -> Path:
    """Write a book with the settings of the real one."""
    folder.mkdir(parents=True)
    shutil.copy(ROOT / "_config.yml", folder)
    names = ", ".join(f"{{file: {name[:-3]}}}" for name in chapters if name.endswith(".md"))
    texts = {
        **chapters,
        "_toc.yml": TOC % names,
        "index.md": "# The book\n\nWords.\n",
        "references.bib": BIBLIOGRAPHY,
    }
    for name, text in texts.items():
        (folder / name).write_text(text, encoding="utf8")
    return folder


def build(folder: Path) -> subprocess.CompletedProcess:
    program = Path(sys.executable).with_name("jupyter-book")
    command = [program, "build", "-W", "-n", "--keep-going", "."]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def complaints(tmp_path_factory):
    """Build the faulty book once, and return all that was said, without colours."""
    result = build(make_book(tmp_path_factory.mktemp("faulty") / "book", FAULTY))
    assert result.returncode != 0
    return re.sub(r"\x1b\[[0-9;]*m", "", result.stdout + result.stderr)


@pytest.mark.parametrize(
    "complaint",
    [
        r"raises\.md:12: WARNING: code cell 2 failed",
        r"ZeroDivisionError: division by zero",
        r"refers\.md:3: WARNING: undefined label: 'nowhere'",
        r"refers\.md:5: WARNING: equation not found: eq-nowhere",
        r"refers\.md:7: WARNING: undefined label: 'fig-nowhere'",
        r"refers\.md:9: WARNING: could not find bibtex key \"nobody1900\"",
        r"refers\.md:11: WARNING: unknown document: 'no-such-page'",
        r"refers\.md:13: WARNING: .*'no-such-page\.md'",
        r"formulas\.md:3: WARNING: formula .*frac\{1",
        r"formulas\.md:5: WARNING: formula .*nosuchcommand",
        r"pictures\.md:1\d: WARNING: the picture .* has no alternative text",
        r"drawings\.md:3: WARNING: the diagram needs an alt text of 40 characters",
        r"drawings\.md:7: WARNING: the diagram needs a caption",
        r"drawings\.md:11: WARNING: the diagram leads to nowhere, which is no page of the book",
        r"drawings\.md:17: WARNING: nowhere\.yaml: .*No such file",
    ],
)
def test_fault_is_named_with_its_place(complaints, complaint):
    assert re.search(complaint, complaints), complaints


def test_good_book_passes_and_two_builds_of_it_are_equal(tmp_path):
    sites = []
    for name in ("first", "second"):
        folder = make_book(tmp_path / name, {"good.md": GOOD})
        result = build(folder)
        assert result.returncode == 0, result.stdout + result.stderr
        html = folder / "_build" / "html"
        files = (path for path in html.rglob("*") if path.is_file())
        sites.append({path.relative_to(html).as_posix(): path.read_bytes() for path in files})
    first, second = sites
    assert first.keys() == second.keys()
    assert {"good.html", "index.html"} <= first.keys()
    assert any(name.endswith(".svg") for name in first)
    assert [name for name in first if first[name] != second[name]] == []
