"""A resolved doctree as the Markdown that Jupyter shows.

Jupyter knows CommonMark, pipe tables and formulas between dollars, and nothing of MyST. What MyST
adds is written in words: theorems as quotations with a bold title, references as the text that the
page shows.
"""

import re
from urllib.parse import urljoin

from docutils import nodes
from sphinx.application import Sphinx
from sphinx_proof.nodes import proof_node

from bookkit.mathml import expand

_SPECIAL = re.compile(r"([\\`*_$<\[\]])")


class MarkdownWriter:
    """Writes the nodes of one page.

    Parameters
    ----------
    app : Sphinx
        The running application, whose environment knows the numbers.
    docname : str
        The page.
    url : str
        The page's public address, from which links to other pages are made; may be empty.
    """

    def __init__(self, app: Sphinx, docname: str, url: str):
        self.app, self.docname, self.url = app, docname, url

    def number(self, node: nodes.Element, kind: str) -> str:
        """Return the number that the page shows, or an empty string."""
        numbers = self.app.env.toc_fignumbers.get(self.docname, {}).get(kind, {})
        return ".".join(map(str, numbers.get(node["ids"][0], ()))) if node["ids"] else ""

    def numbered_title(self, node: nodes.Element, kind: str, word: str) -> str:
        """Return the title of a theorem, an exercise or the like, with its number."""
        titles = [self.inline(title).strip() for title in node if isinstance(title, nodes.title)]
        return " ".join(part for part in (word, self.number(node, kind), *titles) if part)

    def _numbered(self, kind: str, node: nodes.Element) -> str:
        return self.app.config.numfig_format[kind] % self.number(node, kind)

    # blocks

    def blocks(self, node: nodes.Node) -> list[str]:
        """Return the Markdown blocks of a node."""
        if isinstance(node, nodes.Text):
            return [self.inline(node)] if node.strip() else []
        if isinstance(node, nodes.Invisible | nodes.raw):
            return []
        method = getattr(self, f"block_{node.tagname}", None)
        if method is not None:
            return method(node)
        if isinstance(node, proof_node):
            return [_quoted(self._all(node.children[0]))]
        if "realtype" in node:
            return [self._theorem(node)]
        if isinstance(node, nodes.Admonition):
            return [self._admonition(node)]
        if isinstance(node, nodes.Inline | nodes.TextElement):
            return [self.inline(node)]
        return self._all(node)

    def _all(self, parent: nodes.Node) -> list[str]:
        return [block for child in parent.children for block in self.blocks(child)]

    def block_paragraph(self, node: nodes.Element) -> list[str]:
        """Write a paragraph; formulas displayed in it become blocks of their own."""
        blocks, line = [], ""
        for child in node.children:
            if isinstance(child, nodes.math_block):
                blocks += [line.strip(), *self.blocks(child)]
                line = ""
            else:
                line += self.inline(child)
        return [block for block in [*blocks, line.strip()] if block]

    def block_title(self, node: nodes.Element) -> list[str]:
        """Write a title that is not a section's in bold."""
        return [f"**{self.inline(node)}**"]

    block_rubric = block_title

    def block_math_block(self, node: nodes.Element) -> list[str]:
        """Write a displayed formula with the number that it has on the page."""
        number = self.number(node, "displaymath") if node.get("number") else ""
        tag = f"\n\\tag{{{number}}}" if number else ""
        return [f"$$\n{expand(node.astext()).strip()}{tag}\n$$"]

    def block_literal_block(self, node: nodes.Element) -> list[str]:
        """Write code in a fence."""
        code = node.astext().rstrip("\n")
        return [f"```{node.get('language', '')}\n{code}\n```"]

    def block_bullet_list(self, node: nodes.Element) -> list[str]:
        """Write a list."""
        return ["\n".join(_hanging("- ", self._all(item)) for item in node.children)]

    def block_enumerated_list(self, node: nodes.Element) -> list[str]:
        """Write a numbered list; Markdown knows no letters."""
        start = node.get("start", 1)
        items = enumerate(node.children, start)
        return ["\n".join(_hanging(f"{k}. ", self._all(item)) for k, item in items)]

    def block_definition_list_item(self, node: nodes.Element) -> list[str]:
        """Write a term in bold and its definition below it."""
        term = ", ".join(self.inline(part) for part in node.findall(nodes.term))
        return [f"**{term}**", *(b for d in node.findall(nodes.definition) for b in self._all(d))]

    def block_block_quote(self, node: nodes.Element) -> list[str]:
        """Write a quotation."""
        return [_quoted(self._all(node))]

    def block_topic(self, node: nodes.Element) -> list[str]:
        """Write a topic or sidebar as a quotation."""
        return [_quoted(self._all(node))]

    block_sidebar = block_topic

    def block_transition(self, node: nodes.Element) -> list[str]:
        """Write a horizontal line."""
        return ["---"]

    def block_image(self, node: nodes.Element) -> list[str]:
        """Write a picture that stands on the web."""
        return [self.inline_image(node)]

    def block_figure(self, node: nodes.Element) -> list[str]:
        """Write the pictures of the source and the caption; what a cell draws, the cell draws."""
        pictures = [
            self.inline_image(image) for image in node.findall(nodes.image) if "://" in image["uri"]
        ]
        captions = [
            f"**{self._numbered('figure', node)}.** {self.inline(caption)}"
            for caption in node.findall(nodes.caption)
        ]
        return pictures + captions

    def block_table(self, node: nodes.Element) -> list[str]:
        """Write a table with pipes."""
        rows = [
            [" ".join(self._all(entry)).replace("\n", " ") for entry in row.children]
            for row in node.findall(nodes.row)
        ]
        if not rows:
            return []
        lines = [f"| {' | '.join(row)} |" for row in rows]
        lines.insert(1, "|" + " --- |" * len(rows[0]))
        caption = [
            f"**{self._numbered('table', node)}.** {self.inline(title)}"
            for title in node
            if isinstance(title, nodes.title)
        ]
        return [*caption, "\n".join(lines)]

    def block_footnote(self, node: nodes.Element) -> list[str]:
        """Write a footnote where it stands, with its number."""
        label = next(iter(node.findall(nodes.label))).astext()
        body = [block for child in node.children[1:] for block in self.blocks(child)]
        return [f"\\[{label}\\] " + "\n\n".join(body)]

    block_citation = block_footnote

    def _theorem(self, node: nodes.Element) -> str:
        title = self.numbered_title(node, node["countertype"], node["realtype"].title())
        return _quoted([f"**{title}.**", *(b for c in node.children[1:] for b in self.blocks(c))])

    def _admonition(self, node: nodes.Element) -> str:
        body = self._all(node)
        if not isinstance(node.children[0], nodes.title):
            body.insert(0, f"**{node.tagname.title()}**")
        return _quoted(body)

    # running text

    def inline(self, node: nodes.Node) -> str:
        """Return the Markdown of a node in running text."""
        if isinstance(node, nodes.Text):
            return _SPECIAL.sub(r"\\\1", node.astext())
        if isinstance(node, nodes.Invisible | nodes.raw):
            return ""
        method = getattr(self, f"inline_{node.tagname}", None)
        if method is not None:
            return method(node)
        return "".join(self.inline(child) for child in node.children)

    def _marked(self, node: nodes.Element, mark: str) -> str:
        text = "".join(self.inline(child) for child in node.children)
        return f"{mark}{text}{mark}"

    def inline_emphasis(self, node: nodes.Element) -> str:
        """Write emphasis."""
        return self._marked(node, "*")

    def inline_strong(self, node: nodes.Element) -> str:
        """Write bold text."""
        return self._marked(node, "**")

    def inline_math(self, node: nodes.Element) -> str:
        """Write a formula; a bare bar would end the cell of a table."""
        latex = expand(node.astext()).replace("\\|", "\\Vert ").replace("|", "\\vert ")
        return f"${latex.strip()}$"

    def inline_literal(self, node: nodes.Element) -> str:
        """Write code; the text of a numbered reference is a literal too and is none."""
        if "xref" in node["classes"]:
            return "".join(self.inline(child) for child in node.children)
        fence = "``" if "`" in node.astext() else "`"
        return f"{fence}{node.astext()}{fence}"

    def inline_reference(self, node: nodes.Element) -> str:
        """Write a link; what lies on this page is in the notebook and needs none."""
        text = "".join(self.inline(child) for child in node.children)
        target = node.get("refuri", "")
        if node.get("internal"):
            here = not target or target.startswith("#")
            target = "" if here or not self.url else urljoin(self.url, target)
        return f"[{text}]({target})" if target else text

    def inline_footnote_reference(self, node: nodes.Element) -> str:
        """Write the number of a footnote."""
        return f"\\[{node.astext()}\\]"

    def inline_image(self, node: nodes.Element) -> str:
        """Write a picture by its address on the web."""
        source = node.get("candidates", {}).get("?", node["uri"])
        return f"![{node.get('alt', '')}]({source})" if "://" in source else ""


def _quoted(blocks: list[str]) -> str:
    lines = "\n\n".join(blocks).splitlines()
    return "\n".join(f"> {line}".rstrip() for line in lines)


def _hanging(mark: str, blocks: list[str]) -> str:
    lines = "\n\n".join(blocks).splitlines()
    return mark + "\n".join(
        [*lines[:1], *(f"{' ' * len(mark)}{line}".rstrip() for line in lines[1:])]
    )
