"""Wikitext tables as lines of text: a row is a line, its cells are separated by bars."""

from __future__ import annotations

import re
from typing import Final

_CELLS: Final = re.compile(r"\|\||!!")
# Attributes before the text of a cell, then one bar.
_ATTRIBUTES: Final = re.compile(r"[^|\[\]]{0,300}=[^|\[\]]{0,300}\|(?!\|)")


def table_text(inner: str) -> str:
    r"""Return a table as lines, given its markup between ``{|`` and ``|}``; empty cells and rows are left out.

    >>> table_text(" class=wikitable\n! Name !! Area\n|-\n| Berlin || style=x | 891\n|-\n| Bonn\n| 141")
    'Name | Area\nBerlin | 891\nBonn | 141'
    """
    rows = (" | ".join(filter(None, map(str.strip, cells))) for cells in _rows(inner.split("\n")[1:]))
    return "\n".join(filter(None, rows))


def _rows(lines: list[str]) -> list[list[str]]:
    rows: list[list[str]] = [[]]
    for raw in lines:
        line = raw.strip()
        if line.startswith("|-"):
            rows.append([])
        elif line.startswith("|+"):
            rows += [[_text(line[2:])], []]
        elif line.startswith(("|", "!")):
            rows[-1] += [_text(cell) for cell in _CELLS.split(line[1:])]
        elif rows[-1]:
            rows[-1][-1] += f" {line}"
    return rows


def _text(cell: str) -> str:
    found = _ATTRIBUTES.match(cell)
    return cell[found.end() :].strip() if found else cell.strip()
