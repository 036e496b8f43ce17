"""Docstrings as Markdown: examples become code, aligned tables become tables, names of our modules become links."""

from __future__ import annotations

import itertools
import re
from typing import Any

from griffe import Extension, Object

_EXAMPLE = re.compile(r"^( *)>>> .*(?:\n(?! *$).*)*", re.MULTILINE)
_TABLE = re.compile(r"^( *)(=+(?: +=+)+)\n([\s\S]*?)^\1\2$(?!\n\1 *\S)", re.MULTILINE)
_NAME = re.compile(r"(?<![`\w])`((?:filters|pipelines|tokenizer_training)(?:\.\w+)+)`(?!`)")


def markdown(text: str) -> str:
    """Return a docstring as Markdown."""
    text = _EXAMPLE.sub(lambda found: f"{found[1]}```pycon\n{found[0]}\n{found[1]}```", text)
    text = _TABLE.sub(lambda found: table(found[2], found[3]), text)
    return _NAME.sub(r"[`\1`][\1]", text)


def table(ruler: str, body: str) -> str:
    """Return an aligned table as one of Markdown.

    Args:
        ruler: the line of ``=`` over each column.
        body: the lines between the first and the last ruler; a line without a first cell goes on with the row above.
    """
    bounds = [*(found.start() for found in re.finditer("=+", ruler)), 1 << 16]
    rows: list[list[str]] = []
    for line in (line for line in body.split("\n") if line.strip() and not line.lstrip().startswith("===")):
        cells = [line[start:end].strip() for start, end in itertools.pairwise(bounds)]
        if cells[0] or not rows:
            rows.append(cells)
        else:
            rows[-1] = [f"{above} {cell}".strip() for above, cell in zip(rows[-1], cells, strict=True)]
    head = rows.pop(0) if ruler in body else [""] * (len(bounds) - 1)
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in line)} |" for line in lines)


class Docstrings(Extension):
    """Rewrites each docstring before it is parsed."""

    def on_object(self, *, obj: Object, **_: Any) -> None:
        """Rewrite the docstring of a module, class, function or attribute."""
        if obj.docstring is not None:
            obj.docstring.value = markdown(obj.docstring.value)
