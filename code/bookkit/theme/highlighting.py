"""The colours of code, for both themes, from one small palette with readable contrast."""

from __future__ import annotations

from pygments.token import STANDARD_TYPES, Token

# Roles and their colours on a light and on a dark surface; the contrast is at least 4.5:1.
COLOURS = {
    "keyword": ("#8b2c7f", "#d9a0d2"),
    "function": ("#1a56b4", "#8ab9f9"),
    "string": ("#2b6a54", "#86d3b3"),
    "number": ("#9a4708", "#f0a968"),
    "comment": ("#5f656c", "#9ba3ab"),
    "operator": ("#4d555d", "#b9c0c7"),
    "error": ("#b3261e", "#f0897f"),
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
    Token.Operator: "operator",
    Token.Punctuation: "operator",
    Token.Generic.Error: "error",
    Token.Generic.Traceback: "error",
}
ITALIC = {"comment"}


def stylesheet() -> str:
    """Return the rules: a class a token, a custom property a role."""
    selectors: dict[str, list[str]] = {role: [] for role in COLOURS}
    for token, short in STANDARD_TYPES.items():
        role = _role(token)
        if role and short:
            selectors[role].append(f".highlight .{short}")
    rules = [
        f"{','.join(names)}{{color:var(--bk-code-{role})"
        + (";font-style:italic}" if role in ITALIC else "}")
        for role, names in selectors.items()
    ]
    light, dark = (
        "".join(f"--bk-code-{role}:{both[i]};" for role, both in COLOURS.items()) for i in (0, 1)
    )
    return "\n".join(
        [
            f":root{{{light}}}",
            f"@media screen{{:root[data-theme=dark]{{{dark}}}}}",
            f"@media screen and (prefers-color-scheme:dark){{:root:not([data-theme]){{{dark}}}}}",
            *rules,
        ]
    )


def _role(token: Token) -> str | None:
    """Return the role of the token, or of the nearest kind that it belongs to."""
    while token is not Token:
        if token in ROLES:
            return ROLES[token]
        token = token.parent
    return None
