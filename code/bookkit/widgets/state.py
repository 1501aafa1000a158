"""From the widget state that a notebook embeds to the compact state of one page."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from dataclasses import dataclass, field
from typing import Any

from docutils import nodes

VIEW_MIMETYPE = "application/vnd.jupyter.widget-view+json"
DEFAULT_HEIGHTS = (480, 420)
PART_MARK = "//# part\n"
_SCRIPT = re.compile(r"<script[^>]*>(.*)</script>", re.DOTALL)
# Traits of every ipywidget that the host has no use for.
_PLUMBING = {"layout", "style", "tabbable", "tooltip"}
_TAKEN_OUT = {"still", "alt", "height"}


class WidgetStateError(Exception):
    """A page has a widget that a static page cannot show."""


@dataclass(frozen=True)
class Part:
    """Source text of an ES module, or of a part of one, with the style sheet that goes with it."""

    esm: str
    css: str

    @property
    def key(self) -> str:
        """The name of this text: the same text has the same name."""
        return hashlib.sha256(f"{self.esm}\0{self.css}".encode()).hexdigest()[:16]

    @property
    def file_name(self) -> str:
        """The name of the classic script under ``_static``."""
        return f"esm-{self.key}.js"

    def script(self) -> str:
        """Write a classic script that hands the text to the host."""
        text = json.dumps({"esm": self.esm, "css": self.css}, ensure_ascii=False)
        return f'(window.bookkitModules ??= {{}})["{self.key}"] = {text};\n'


def split_module(esm: str, css: str) -> tuple[Part, ...]:
    """Cut a module at its lines ``//# part``: what several modules share is then one file."""
    first, *others = esm.split(PART_MARK)
    return (Part(first, css), *(Part(text, "") for text in others))


@dataclass(frozen=True)
class Model:
    """One widget of a page."""

    kind: str
    parts: tuple[Part, ...]
    state: dict[str, Any]
    buffers: list[dict[str, Any]]
    still: str
    alt: str
    heights: tuple[int, int]

    @property
    def still_name(self) -> str:
        """The file name of the still picture, the same for the same picture."""
        return f"widget-{hashlib.sha256(self.still.encode()).hexdigest()[:16]}.svg"


@dataclass
class PageWidgets:
    """The widgets of one page under stable names (w1, w2, ... in order of appearance)."""

    names: dict[str, str] = field(default_factory=dict)
    models: dict[str, Model] = field(default_factory=dict)

    @property
    def parts(self) -> set[Part]:
        """The distinct parts of the modules of the page."""
        return {part for model in self.models.values() for part in model.parts}

    @property
    def weights(self) -> dict[str, str]:
        """The shipped weights that figures of the page may ask for: their names by their keys."""
        return {
            asset["key"]: name
            for model in self.models.values()
            for name, asset in model.state.get("assets", {}).items()
        }


def view_model_id(bundle: nodes.Element) -> str | None:
    """Give the id of the model that a cell's output shows, if the output is a widget."""
    for child in bundle.children:
        if isinstance(child, nodes.Element) and child.get("mime_type") == VIEW_MIMETYPE:
            match = _SCRIPT.fullmatch(child.astext().strip())
            return json.loads(match.group(1))["model_id"] if match else None
    return None


def read_page(embedded: str, shown: list[str]) -> PageWidgets:
    """Read the models that a page shows out of the state embedded by the notebook.

    Parameters
    ----------
    embedded : str
        JSON of ``application/vnd.jupyter.widget-state+json``.
    shown : list of str
        Identifiers of the models with a view, in order of appearance.

    Raises
    ------
    WidgetStateError
        If a shown model is missing from the state or is no anywidget.
    """
    state = json.loads(embedded.replace(r"<\/script>", "</script>")).get("state", {})
    page = PageWidgets()
    for model_id in shown:
        if model_id in page.names:
            continue
        if model_id not in state:
            raise WidgetStateError("a widget is shown whose state was not saved")
        name = f"w{len(page.names) + 1}"
        page.names[model_id] = name
        page.models[name] = _read_model(state[model_id])
    return page


def _read_model(entry: dict[str, Any]) -> Model:
    state = dict(entry["state"])
    if entry.get("model_module") != "anywidget" or not state.get("_esm"):
        raise WidgetStateError(
            f"the widget {entry.get('model_name')} of {entry.get('model_module')} is no anywidget:"
            " a static page cannot show it"
        )
    heights = tuple(state.get("height") or DEFAULT_HEIGHTS)
    return Model(
        kind=state.get("_anywidget_id", "anywidget").rsplit(".", 1)[-1],
        parts=split_module(state["_esm"], state.get("_css", "")),
        state={
            key: value
            for key, value in state.items()
            if not key.startswith("_") and key not in _PLUMBING | _TAKEN_OUT
        },
        buffers=entry.get("buffers", []),
        still=state.get("still", ""),
        alt=state.get("alt", ""),
        heights=(int(heights[0]), int(heights[1])),
    )


def weights_name(key: str) -> str:
    """Return the name of the file of some weights under ``_static``."""
    return f"weights-{key}.js"


def weights_script(key: str, about: dict[str, Any], values: bytes) -> str:
    """Write a classic script that hands weights to the host, also where a page lies on a disk."""
    text = json.dumps({**about, "data": base64.b64encode(values).decode()}, sort_keys=True)
    return f'(window.bookkitWeights ??= {{}})["{key}"] = {text};\n'


def page_script(page: PageWidgets) -> str:
    """Write the page's state as a data block, safe inside HTML."""
    models: dict[str, dict[str, Any]] = {}
    for name, model in page.models.items():
        models[name] = {"parts": [part.key for part in model.parts], "state": model.state}
        if model.buffers:
            models[name]["buffers"] = model.buffers
    text = json.dumps(models, ensure_ascii=False, separators=(",", ":"), sort_keys=True)
    text = text.replace("<", "\\u003c")
    return f'\n<script type="application/json" id="bookkit-widget-state">{text}</script>\n'
