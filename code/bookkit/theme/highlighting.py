"""The colours of code: few, readable on both grounds, and no markup where there is no colour.

Pygments wraps every name, bracket and operator in an element of its own, which makes up half of a
page's elements. Here a token has a class only if its role has a colour.
"""

from __future__ import annotations

from typing import Any

from pygments.formatters import HtmlFormatter
from pygments.token import Token
from sphinx.application import Sphinx
from sphinx.builders.html import StandaloneHTMLBuilder

# Roles: the class, the colour on a light and on a dark surface; the contrast is at least 4.5:1.
COLOURS = {
    "keyword": ("hk", "#8b2c7f", "#d9a0d2"),
    "function": ("hf", "#1a56b4", "#8ab9f9"),
    "string": ("hs", "#2b6a54", "#86d3b3"),
    "number": ("hn", "#9a4708", "#f0a968"),
    "comment": ("hc", "#5f656c", "#9ba3ab"),
    "error": ("he", "#b3261e", "#f0897f"),
}
ROLES = {
    Token.Keyword: "keyword",
    Token.Operator.Word: "keyword",
    Token.Name.Function: "function",
    Token.Name.Class: "function",
    Token.Name.Decorator: "function",
    Token.Name.Builtin: "function",
    Token.Name.Exception: "function",
    Token.Literal.String: "string",
    Token.Literal.Number: "number",
    Token.Keyword.Constant: "number",
    Token.Comment: "comment",
    Token.Generic.Prompt: "comment",
    Token.Generic.Error: "error",
    Token.Generic.Traceback: "error",
}


class LeanFormatter(HtmlFormatter):
    """Writes a class for each role and nothing around the rest."""

    def _get_css_class(self, ttype: Any) -> str:
        role = role_of(ttype)
        return COLOURS[role][0] if role else ""

    def _get_css_classes(self, ttype: Any) -> str:
        return self._get_css_class(ttype)


def setup(app: Sphinx) -> None:
    """Let the builder write code our way."""
    app.connect("builder-inited", _replace_formatter)


def role_of(token: Any) -> str | None:
    """Return the role of the token, or of the nearest kind that it belongs to."""
    while token is not Token:
        if token in ROLES:
            return ROLES[token]
        token = token.parent
    return None


def stylesheet() -> str:
    """Return the rules: a class and a custom property a role."""
    light = "".join(f"--bk-code-{role}:{light};" for role, (_, light, _) in COLOURS.items())
    dark = "".join(f"--bk-code-{role}:{dark};" for role, (_, _, dark) in COLOURS.items())
    rules = [
        f".highlight .{name}{{color:var(--bk-code-{role})}}"
        for role, (name, _, _) in COLOURS.items()
    ]
    return "\n".join(
        [
            f":root{{{light}}}",
            f"@media screen{{:root[data-theme=dark]{{{dark}}}}}",
            f"@media screen and (prefers-color-scheme:dark){{:root:not([data-theme]){{{dark}}}}}",
            *rules,
            ".highlight .hc{font-style:italic}",
        ]
    )


def _replace_formatter(app: Sphinx) -> None:
    if isinstance(app.builder, StandaloneHTMLBuilder) and app.config.html_theme == "bookkit":
        app.builder.highlighter.formatter = LeanFormatter
