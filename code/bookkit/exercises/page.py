"""Exercises in the page: stubs instead of solutions, and the solutions folded behind them.

The author writes an exercise once, solved. After sphinx-exercise has gathered what stands between
its gates, the solved cells are replaced by their stubs, and everything that the solution has
produced moves into a `folded_solution` that follows the exercise. Solutions of paper exercises
become the same node, so that both fold with `<details>`, without any JavaScript.
"""

from pathlib import Path

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.transforms import SphinxTransform
from sphinx.transforms.post_transforms import SphinxPostTransform
from sphinx.util import logging
from sphinx.util.nodes import make_refnode
from sphinx.writers.html5 import HTML5Translator
from sphinx_exercise.nodes import exercise_enumerable_node, is_exercise_node, solution_node

from bookkit import theme
from bookkit.exercises.markers import MarkerError, has_solution, solved, stub

logger = logging.getLogger(__name__)


class folded_solution(nodes.comment):
    """A solution that the reader unfolds.

    It counts as a comment because comments are what Sphinx leaves out of the search index: who
    searches for a word is not led to the answer of an exercise.
    """


def is_cell(node: nodes.Node, part: str = "cell_code") -> bool:
    """Say whether a node is a notebook cell, or a part of one, as myst-nb makes them."""
    return isinstance(node, nodes.container) and node.get("nb_element") == part


def cell_source(cell: nodes.Element) -> nodes.literal_block | None:
    """Return the block with the code of a cell, if the cell shows any."""
    for block in cell.findall(nodes.literal_block):
        if block.parent is not None and is_cell(block.parent, "cell_code_source"):
            return block
    return None


class FoldCodeSolutions(SphinxTransform):
    """Leave the stub in a code exercise and move its solution behind it."""

    default_priority = 15  # sphinx-exercise merges its gated directives at 10

    def apply(self) -> None:
        """Fold each exercise, then refuse markers that are left elsewhere."""
        papers = {paper["target_label"]: paper for paper in self.document.findall(solution_node)}
        for paper in papers.values():
            _unwrap(paper)
        for exercise in list(self.document.findall(is_exercise_node)):
            _unwrap(exercise)
            self._fold(exercise, papers.get(exercise["label"]))
        self._refuse_strays()

    def _fold(self, exercise: nodes.Element, paper: nodes.Element | None) -> None:
        """Move the solution behind the exercise, or to the front of one that is written out."""
        cells = list(exercise.findall(is_cell))
        first = next((k for k, cell in enumerate(cells) if _is_solved(cell)), None)
        if first is None:
            return
        try:
            solution = [part for cell in cells[first:] for part in self._split(cell)]
        except MarkerError as error:
            logger.warning("%s", error, location=exercise, type="bookkit", subtype="exercises")
            return
        if paper is not None:
            paper.insert(1, solution)
            return
        label = exercise["label"]
        folded = folded_solution(ids=[f"{label}-solution"], exercise=label)
        folded += solution
        exercise.parent.insert(exercise.parent.index(exercise) + 1, folded)

    def _split(self, cell: nodes.Element) -> list[nodes.Element]:
        """Take from a cell of an exercise what belongs to the solution."""
        moved = nodes.container("", **cell.attributes)
        block = cell_source(cell)
        if block is not None and has_solution(block.astext()):
            source = block.astext()
            copy = block.parent.deepcopy()
            _rewrite(copy.children[0], solved(source))
            _rewrite(block, stub(source))
            moved += copy
        for output in [child for child in cell.children if is_cell(child, "cell_code_output")]:
            cell.remove(output)
            moved += output
        return [moved] if moved.children else []

    def _refuse_strays(self) -> None:
        for cell in self.document.findall(is_cell):
            if _is_solved(cell):
                logger.warning(
                    "solution markers stand outside an exercise, or do not pair",
                    location=cell,
                    type="bookkit",
                    subtype="exercises",
                )


def _unwrap(node: nodes.Element) -> None:
    """Drop the section around the content, whose id is the same in every exercise."""
    for section in [child for child in node.children if isinstance(child, nodes.section)]:
        section["ids"] = []
        section.replace_self(section.children)


def _is_solved(cell: nodes.Element) -> bool:
    block = cell_source(cell)
    return block is not None and has_solution(block.astext())


def _rewrite(block: nodes.Element, source: str) -> None:
    block.children = []
    block += nodes.Text(source)
    block.rawsource = source  # type: ignore[attr-defined]


class FoldPaperSolutions(SphinxPostTransform):
    """Give every solution its summary, and make exercise and solution point to each other."""

    default_priority = 30  # after sphinx-exercise has resolved titles and references, at 20 to 22

    def run(self, **kwargs: object) -> None:
        """Replace the solutions of sphinx-exercise and finish those of code exercises."""
        for paper in list(self.document.findall(solution_node)):
            folded = folded_solution(ids=paper["ids"], exercise=paper["target_label"])
            folded += paper.children[1:]
            paper.parent[paper.parent.index(paper)] = folded
        for folded in self.document.findall(folded_solution):
            self._link(folded)

    def _link(self, folded: folded_solution) -> None:
        label = folded["exercise"]
        entry = self.env.sphinx_exercise_registry.get(label)  # type: ignore[attr-defined]
        if entry is None:  # sphinx-exercise has warned
            return
        name = self._name(label, entry)
        folded["summary"] = f"Solution to {name}"
        text = nodes.Text(f"Back to {name}")
        back = make_refnode(self.app.builder, self.env.docname, entry["docname"], label, text)
        folded += nodes.paragraph("", "", back, classes=["bk-solution-back"])
        for exercise in self.document.findall(is_exercise_node):
            if exercise["label"] == label and _next_sibling(exercise) is not folded:
                forth = nodes.reference(
                    "", folded["summary"], internal=True, refid=folded["ids"][0]
                )
                exercise += nodes.paragraph("", "", forth, classes=["bk-solution-forth"])

    def _name(self, label: str, entry: dict) -> str:
        if not isinstance(entry["node"], exercise_enumerable_node):
            return "the exercise"
        numbers = self.env.toc_fignumbers.get(entry["docname"], {}).get("exercise", {})
        return self.config.numfig_format["exercise"] % ".".join(map(str, numbers.get(label, ())))


def _next_sibling(node: nodes.Element) -> nodes.Node | None:
    siblings = node.parent.children
    k = siblings.index(node) + 1
    return siblings[k] if k < len(siblings) else None


def visit_folded_solution(translator: HTML5Translator, node: folded_solution) -> None:
    """Open the fold."""
    translator.body.append(translator.starttag(node, "details", CLASS="admonition bk-solution"))
    summary = translator.encode(node["summary"])
    translator.body.append(f'<summary class="admonition-title">{summary}</summary>\n')
    translator.body.append('<div class="bk-solution-body">\n')


def depart_folded_solution(translator: HTML5Translator, node: folded_solution) -> None:
    """Close the fold."""
    translator.body.append("</div></details>\n")


def setup(app: Sphinx) -> None:
    """Register node and transforms."""
    app.setup_extension("sphinx_exercise")
    theme.add_css(app, Path(__file__).with_name("exercises.css"))
    app.add_node(folded_solution, html=(visit_folded_solution, depart_folded_solution))
    app.add_transform(FoldCodeSolutions)
    app.add_post_transform(FoldPaperSolutions)
