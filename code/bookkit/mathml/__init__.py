"""Formulas as MathML, rendered when the book is built.

Every formula is one ``<math>`` element, made by Temml; the reader's browser lays it out with the
mathematical font that :mod:`bookkit.mathml.font` cuts to what the book uses.
"""

from __future__ import annotations

import html
import json
import re
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util import logging
from sphinx.util.math import get_node_equation_number
from sphinx.writers.html5 import HTML5Translator

from bookkit import node, theme
from bookkit.mathml import font
from bookkit.mathml.renderer import FormulaError, Renderer

HERE = Path(__file__).parent
MACROS: dict[str, str] = json.loads((HERE / "macros.json").read_text(encoding="utf-8"))
# What a reader of Markdown may take for a formula, and what stays plain text on the page.
BARE_ENVIRONMENT = re.compile(r"\\begin\{[a-zA-Z]+\*?\}")

logger = logging.getLogger(__name__)


def setup(app: Sphinx) -> None:
    """Register the renderer ``mathml``."""
    node.setup(app)
    theme.add_css(app, HERE / "math.css")
    theme.add_preload(app, font.ADDRESS)
    app.connect("builder-inited", _open_renderer)
    app.connect("build-finished", _close_renderer)
    app.connect("build-finished", font.write)
    app.connect("doctree-read", _refuse_bare_environments)
    app.add_html_math_renderer("mathml", (visit_math, None), (visit_math_block, None))


def expand(latex: str) -> str:
    r"""Return a formula with the book's macros written out, for readers that do not know them."""
    for _ in range(len(latex) + len(MACROS)):
        call = re.search(rf"({'|'.join(map(re.escape, MACROS))})(?![a-zA-Z])", latex)
        if call is None:
            return latex
        body, rest = MACROS[call[1]], latex[call.end() :]
        for k in range(1, 10):
            if f"#{k}" not in body:
                break
            argument, rest = _argument(rest)
            body = body.replace(f"#{k}", argument)
        # A letter that follows must not become part of the last command's name.
        gap = " " if re.search(r"\\[a-zA-Z]+$", body) and re.match("[a-zA-Z]", rest) else ""
        latex = latex[: call.start()] + body + gap + rest
    raise ValueError(f"the macros in {latex!r} never end")


def _argument(latex: str) -> tuple[str, str]:
    """Split off the first argument: a group in braces, a command, or one character."""
    latex = latex.lstrip()
    if not latex.startswith("{"):
        token = re.match(r"\\[a-zA-Z]+|\\.|.", latex, re.DOTALL)
        return (token[0], latex[token.end() :]) if token else ("", "")
    depth = 0
    for found in re.finditer(r"\\.|[{}]", latex, re.DOTALL):
        depth += {"{": 1, "}": -1}.get(found[0], 0)
        if depth == 0:
            return latex[1 : found.start()], latex[found.end() :]
    return latex[1:], ""


def visit_math(translator: HTML5Translator, element: nodes.math) -> None:
    """Write a formula of the running text."""
    translator.body.append(_mathml(translator, element, display=False))
    raise nodes.SkipNode


def visit_math_block(translator: HTML5Translator, element: nodes.math_block) -> None:
    """Write a displayed formula, and its number as a link to itself."""
    translator.body.append(translator.starttag(element, "div", CLASS="math"))
    mathml = _mathml(translator, element, display=True)
    translator.body.append(f'<div class="math-scroll">{mathml}</div>')
    if element["number"]:
        number = get_node_equation_number(translator, element)
        translator.body.append(
            f'<a class="eqno" href="#{element["ids"][0]}" title="Link to this equation">'
            f"({number})</a>"
        )
    translator.body.append("</div>\n")
    raise nodes.SkipNode


def _mathml(translator: HTML5Translator, element: nodes.Element, display: bool) -> str:
    """Return the MathML, or the LaTeX as code with a warning that names the place."""
    latex = element.astext()
    renderer: Renderer = translator.builder.app.bookkit_renderer  # type: ignore[attr-defined]
    try:
        return renderer.render(latex, display)
    except FormulaError as error:
        logger.warning(
            "formula %r: %s", latex, error, location=element, type="bookkit", subtype="formula"
        )
        return f"<code>{html.escape(latex)}</code>"


def _open_renderer(app: Sphinx) -> None:
    app.bookkit_renderer = Renderer(MACROS)  # type: ignore[attr-defined]


def _close_renderer(app: Sphinx, exception: Exception | None) -> None:
    app.bookkit_renderer.close()  # type: ignore[attr-defined]


def _refuse_bare_environments(app: Sphinx, doctree: nodes.document) -> None:
    for text in doctree.findall(nodes.Text):
        parent: Any = text.parent
        if isinstance(parent, nodes.literal | nodes.FixedTextElement | nodes.math | nodes.raw):
            continue
        for environment in BARE_ENVIRONMENT.findall(text.astext()):
            logger.warning(
                "%s outside a formula: write $$ ... $$ (eq-name) around aligned, gathered or split",
                environment,
                location=parent,
                type="bookkit",
                subtype="formula",
            )
