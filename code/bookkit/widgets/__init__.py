"""The host of the figures that move: anywidgets in a static page, without a kernel.

myst-nb embeds the state of every widget in a page and leaves the rest to scripts from a content
delivery network. Here each widget becomes a node of its own while the page is read: a still
picture with its alternative text, a reserved height and, on the page, the compact state from
which ``static/bookkit-widgets.js`` brings the figure to life when it scrolls into view.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.config import Config
from sphinx.environment import BuildEnvironment
from sphinx.util import logging

from bookkit.widgets.state import (
    PageWidgets,
    Part,
    WidgetStateError,
    page_script,
    read_page,
    view_model_id,
    weights_name,
    weights_script,
)

if TYPE_CHECKING:
    from dlmath.weights import PackedWeights

STATE_KEY = "ipywidgets_state"
STATIC = Path(__file__).parent / "static"
MINIMUM_ALT = 40

logger = logging.getLogger(__name__)


class widget(nodes.General, nodes.Element):
    """A figure to move; its child is the still picture."""


def setup(app: Sphinx) -> None:
    """Connect the host to the build."""
    app.add_node(
        widget,
        html=(_visit_html, _depart_html),
        latex=(_pass, _pass),
        text=(_pass, _pass),
    )
    app.connect("config-inited", _configure)
    app.connect("env-purge-doc", _forget)
    app.connect("env-merge-info", _merge)
    # Before the collectors (priority 500), which must find the still pictures.
    app.connect("doctree-read", _host_widgets, priority=400)
    app.connect("html-page-context", _add_to_page, priority=400)
    app.connect("build-finished", _write_modules)
    app.connect("build-finished", _write_weights)


def _configure(app: Sphinx, config: Config) -> None:
    """Keep myst-nb's remote scripts out and publish the host's own files."""
    config.nb_ipywidgets_js = {}
    config.html_static_path = [*config.html_static_path, str(STATIC)]


def _pages(env: BuildEnvironment) -> dict[str, PageWidgets]:
    if not hasattr(env, "bookkit_widgets"):
        env.bookkit_widgets = {}  # type: ignore[attr-defined]
    return env.bookkit_widgets  # type: ignore[attr-defined]


def _forget(app: Sphinx, env: BuildEnvironment, docname: str) -> None:
    _pages(env).pop(docname, None)


def _merge(
    app: Sphinx, env: BuildEnvironment, docnames: list[str], other: BuildEnvironment
) -> None:
    pages = _pages(other)
    _pages(env).update({name: pages[name] for name in docnames if name in pages})


def _host_widgets(app: Sphinx, doctree: nodes.document) -> None:
    """Replace the outputs that are widgets, and keep what their page needs."""
    env = app.env
    bundles = [
        (bundle, model_id)
        for bundle in doctree.findall(nodes.container)
        if bundle.get("nb_element") == "mime_bundle" and (model_id := view_model_id(bundle))
    ]
    scripts = getattr(env, "nb_metadata", {}).get(env.docname, {}).get("js_files", {})
    embedded = scripts.pop(STATE_KEY, None)
    if not bundles:
        return
    try:
        page = read_page(
            embedded[1]["body"] if embedded else "{}", [model_id for _, model_id in bundles]
        )
    except WidgetStateError as error:
        logger.warning("%s: %s", env.docname, error, location=env.docname, type="bookkit")
        return
    _pages(env)[env.docname] = page
    _check_weights(env, page)
    for bundle, model_id in bundles:
        bundle.replace_self(_figure(app, page, page.names[model_id], bundle))


def _packed(name: str) -> PackedWeights:
    # Only a book with such figures waits for this import.
    from dlmath.weights import pack_weights

    return pack_weights(name)


def _check_weights(env: BuildEnvironment, page: PageWidgets) -> None:
    """Warn of figures made with other weights than those that lie in the book's folder now."""
    for key, name in page.weights.items():
        try:
            same = _packed(name).key == key
        except ValueError as error:
            logger.warning("%s: %s", env.docname, error, location=env.docname, type="bookkit")
        else:
            if not same:
                message = "%s: a figure was made with other weights than %s has now"
                logger.warning(message, env.docname, name, location=env.docname, type="bookkit")


def _figure(app: Sphinx, page: PageWidgets, name: str, bundle: nodes.container) -> widget:
    """Make the node of one widget, with its still picture."""
    model = page.models[name]
    _check_alt(app.env, model.kind, model.alt, bundle)
    figure = widget(model=name, heights=model.heights, classes=["bk-widget"])
    figure.source, figure.line = bundle.source, bundle.line
    if not model.still:
        _warn(app.env, f"the widget {model.kind} has no still picture", bundle)
        return figure
    uri = _write_still(app, model.still_name, model.still)
    figure += nodes.image(uri=uri, alt=model.alt, classes=["bk-still-picture"])
    return figure


def _check_alt(env: BuildEnvironment, kind: str, alt: str, bundle: nodes.container) -> None:
    if len(alt) < MINIMUM_ALT:
        _warn(env, f"the widget {kind} needs an alt text of {MINIMUM_ALT} characters", bundle)
    captions = [n.astext().strip() for n in bundle.parent.findall(nodes.caption)]
    if alt.strip() in captions:
        _warn(env, f"the alt text of the widget {kind} repeats its caption", bundle)


def _warn(env: BuildEnvironment, message: str, node: nodes.Node) -> None:
    logger.warning("%s: %s", env.docname, message, location=node, type="bookkit")


def _write_still(app: Sphinx, name: str, svg: str) -> str:
    """Put a still picture where myst-nb keeps the pictures of cells; give its Sphinx path."""
    folder = Path(app.env.mystnb_config.output_folder)  # type: ignore[attr-defined]
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    path.write_text(svg, encoding="utf-8")
    return "/" + os.path.relpath(path.resolve(), app.srcdir).replace(os.sep, "/")


def _add_to_page(
    app: Sphinx, pagename: str, templatename: str, context: dict[str, Any], doctree: Any
) -> None:
    page = _pages(app.env).get(pagename)
    if page is None or "body" not in context:
        return
    app.add_css_file("bookkit-widgets.css")
    app.add_js_file("bookkit-widgets.js", loading_method="defer")
    context["body"] += page_script(page)


def _write_modules(app: Sphinx, exception: Exception | None) -> None:
    """Write each distinct part of a module once for the whole site; drop those out of use."""
    if exception is not None or app.builder.format != "html":
        return
    parts: dict[str, Part] = {}
    for page in _pages(app.env).values():
        parts.update({part.file_name: part for part in page.parts})
    folder = Path(app.outdir) / "_static"
    for stale in folder.glob("esm-*.js"):
        if stale.name not in parts:
            stale.unlink()
    for name, part in parts.items():
        folder.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(part.script(), encoding="utf-8")


def _write_weights(app: Sphinx, exception: Exception | None) -> None:
    """Write the weights that pages may ask for, each once; drop those out of use."""
    if exception is not None or app.builder.format != "html":
        return
    wanted = {key: name for page in _pages(app.env).values() for key, name in page.weights.items()}
    folder = Path(app.outdir) / "_static"
    names = {weights_name(key) for key in wanted}
    for stale in folder.glob("weights-*.js"):
        if stale.name not in names:
            stale.unlink()
    for key, name in wanted.items():
        path = folder / weights_name(key)
        if path.exists():
            continue
        packed = _packed(name)
        if packed.key == key:
            about = {**packed.header, "layout": packed.layout}
            path.write_text(weights_script(key, about, packed.values), encoding="utf-8")


def _visit_html(self: Any, node: widget) -> None:
    narrow, wide = node["heights"]
    self.body.append(
        f'<div class="bk-widget" data-model="{node["model"]}"'
        f' style="--bk-h-narrow:{narrow}px;--bk-h-wide:{wide}px"><div class="bk-still">'
    )


def _depart_html(self: Any, node: widget) -> None:
    self.body.append("</div></div>\n")


def _pass(self: Any, node: widget) -> None:
    """Show the still picture alone."""
