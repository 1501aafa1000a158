"""Tables that a page shows as tables, with headers that a screen reader announces."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape

__all__ = ["Table"]


@dataclass(frozen=True)
class Table:
    """A table whose rows stand in groups; the last expression of a cell shows it.

    Attributes
    ----------
    head : sequence of str
        What the columns are.
    groups : mapping from str to sequence of rows
        For each heading its rows; a row is a sequence of cells, the first of which says what the
        row is. An empty heading is left out. Cells between backquotes are set as code.
    """

    head: Sequence[str]
    groups: Mapping[str, Sequence[Sequence[str]]]

    def __post_init__(self) -> None:
        for row in self.rows():
            if len(row) != len(self.head):
                raise ValueError(
                    f"each row must have {len(self.head)} cells as the head has, got {list(row)}"
                )

    def rows(self) -> list[Sequence[str]]:
        """Return the rows of all groups."""
        return [row for rows in self.groups.values() for row in rows]

    def _repr_html_(self) -> str:
        """Write the table for a page or a notebook."""
        head = "".join(f'<th scope="col">{_set(cell)}</th>' for cell in self.head)
        parts = [f"<thead><tr>{head}</tr></thead>"]
        for name, rows in self.groups.items():
            lines = []
            if name:
                span = f'<th colspan="{len(self.head)}" scope="rowgroup">{_set(name)}</th>'
                lines.append(f'<tr class="bk-group">{span}</tr>')
            for first, *cells in rows:
                data = "".join(f"<td>{_set(cell)}</td>" for cell in cells)
                lines.append(f'<tr><th scope="row">{_set(first)}</th>{data}</tr>')
            parts.append(f"<tbody>{''.join(lines)}</tbody>")
        return f'<div class="table-wrapper bk-figures"><table>{"".join(parts)}</table></div>'


def _set(cell: str) -> str:
    """Set a cell, as code if it stands between backquotes."""
    if len(cell) > 2 and cell[0] == cell[-1] == "`":
        return f"<code>{escape(cell[1:-1])}</code>"
    return escape(cell)
