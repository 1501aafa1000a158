"""The book's own lean Sphinx theme: our page, one stylesheet, one script, nothing from elsewhere.

Jupyter Book 1 always loads a theme's worth of extensions made for another theme. Their listeners
are disconnected here, and every page loads nothing but what is on an allow-list.
"""

from __future__ import annotations

import tomllib
from importlib import resources
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.builders.html import StandaloneHTMLBuilder
from sphinx.config import Config

from bookkit.theme import (
    contents,
    elements,
    folding,
    highlighting,
    pictures,
    punctuation,
    search,
)

HERE = Path(__file__).parent
STYLESHEET = "_static/bookkit/book.css"
PREFIX = "bookkit"
# Extensions that Jupyter Book loads and that this theme makes needless.
UNUSED = (
    "sphinx_book_theme",
    "pydata_sphinx_theme",
    "sphinx_copybutton",
    "sphinx_togglebutton",
    "sphinx_thebe",
    "sphinx_comments",
)
DESCRIPTION_LENGTH = 155


def setup(app: Sphinx) -> None:
    """Register the theme and connect its hooks."""
    app.add_html_theme("bookkit", str(HERE))
    app.bookkit_css = sorted((HERE / "css").glob("*.css"))  # type: ignore[attr-defined]
    app.bookkit_preload = [  # type: ignore[attr-defined]
        f"_static/bookkit/fonts/{name}.woff2" for name in ("serif", "serif-italic", "sans")
    ]
    # Late: every other extension has registered its hooks and its nodes by then.
    app.connect("config-inited", _configure, priority=900)
    app.connect("html-page-context", _fill_page, priority=900)
    app.connect("build-finished", _write_stylesheet)
    contents.setup(app)
    folding.setup(app)
    highlighting.setup(app)
    pictures.setup(app)
    elements.setup(app)
    punctuation.setup(app)
    search.setup(app)


def add_css(app: Sphinx, path: Path) -> None:
    """Join a file to the one stylesheet, after the theme's own rules."""
    app.bookkit_css.append(path)  # type: ignore[attr-defined]


def add_preload(app: Sphinx, path: str) -> None:
    """Preload a font on every page; ``path`` starts at the root of the site."""
    app.bookkit_preload.append(path)  # type: ignore[attr-defined]


def palette() -> dict[str, dict[str, str]]:
    """Return each role's colour on a light and on a dark page."""
    text = resources.files("dlmath").joinpath("palette.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)


def _configure(app: Sphinx, config: Config) -> None:
    if config.html_theme != "bookkit":
        return
    for name, listeners in app.events.listeners.items():
        app.events.listeners[name] = [
            listener
            for listener in listeners
            if listener.handler.__module__.split(".")[0] not in UNUSED
        ]
    # Jupyter Book translates its settings into options of sphinx-book-theme.
    options = config.html_theme_options
    config.html_context = {
        **config.html_context,
        "repository": options.get("repository_url", "").rstrip("/"),
        "branch": options.get("repository_branch", "main"),
    }
    config.html_theme_options = {}
    config.html_use_index = False
    config.html_domain_indices = False
    config.html_show_sourcelink = False
    config.html_copy_source = False
    config.html_permalinks_icon = "#"
    config.html_codeblock_linenos_style = "inline"
    config.pygments_style = "none"


def _fill_page(
    app: Sphinx,
    pagename: str,
    templatename: str,
    context: dict[str, Any],
    doctree: nodes.document | None,
) -> None:
    """Give the template what it prints, and leave out every script that is not the book's."""
    builder = app.builder
    if app.config.html_theme != "bookkit" or not isinstance(builder, StandaloneHTMLBuilder):
        return
    for kind in ("css_files", "script_files"):
        context[kind] = [file for file in context[kind] if _is_ours(file)]
    context["preload"] = app.bookkit_preload  # type: ignore[attr-defined]
    context["parts"] = contents.parts(builder, pagename)
    context["part"] = next((part for part in context["parts"] if part.is_current), None)
    context["page_contents"] = contents.page_contents(builder, pagename)
    context["colours"] = {role: colour for role, colour in palette().items()}
    if doctree is not None:
        context["description"] = _description(doctree)


def _is_ours(file: Any) -> bool:
    name = str(getattr(file, "filename", file)).removeprefix("_static/")
    return name.startswith(PREFIX)


def _description(doctree: nodes.document) -> str:
    """Return the page's first sentences, cut at a word."""
    for paragraph in doctree.findall(nodes.paragraph):
        if isinstance(paragraph.parent, nodes.section) and not any(paragraph.findall(nodes.math)):
            text = " ".join(paragraph.astext().split())
            if len(text) <= DESCRIPTION_LENGTH:
                return text
            return text[:DESCRIPTION_LENGTH].rsplit(" ", 1)[0] + " …"
    return ""


def _write_stylesheet(app: Sphinx, exception: Exception | None) -> None:
    if exception is not None or app.config.html_theme != "bookkit":
        return
    files: list[Path] = app.bookkit_css  # type: ignore[attr-defined]
    css = [
        _custom_properties(),
        highlighting.stylesheet(),
        *(file.read_text(encoding="utf-8") for file in files),
    ]
    target = Path(app.outdir) / STYLESHEET
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text("\n".join(css), encoding="utf-8")


def _custom_properties() -> str:
    """Return the palette as custom properties, for both themes and for paper."""
    colours = palette()
    names = {"background": "bg"}

    def declarations(theme: str) -> str:
        return "".join(
            f"--bk-{names.get(role, role)}:{both[theme]};" for role, both in colours.items()
        )

    light, dark = declarations("light"), declarations("dark")
    return (
        f":root{{{light}}}\n"
        f"@media screen{{:root[data-theme=dark]{{{dark}}}}}\n"
        "@media screen and (prefers-color-scheme:dark)"
        f"{{:root:not([data-theme]){{{dark}}}}}"
    )
