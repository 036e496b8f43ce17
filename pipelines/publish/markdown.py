"""Markdown in which nothing that comes from a run can act: every value of a template is escaped."""

from __future__ import annotations

import functools
import re
from collections.abc import Sequence

import jinja2

from pipelines.terminal import escape

_NAMED = {"&": "&amp;", "<": "&lt;", ">": "&gt;", "_": "\\_", "*": "\\*", "\\": "\\\\"}


class Markdown(str):
    """Text that is Markdown already; any other value of a template is escaped."""

    __slots__ = ()


def text(value: object) -> Markdown:
    r"""Return a value escaped for Markdown: nothing in it is a tag, a link, a table cell or a line of its own.

    >>> text("a|b <b> [x](y)\n---")
    'a&#124;b &lt;b&gt; &#91;x&#93;(y) ---'
    """
    plain = " ".join(escape(str(value)).split())
    return Markdown(re.sub(r"[&<>|\[\]`*_#\\]", lambda found: _entity(found[0]), plain))


def _entity(character: str) -> str:
    return _NAMED.get(character, f"&#{ord(character)};")


def table(head: Sequence[str], rows: Sequence[Sequence[object]]) -> Markdown:
    """Return a table; its first column is aligned left, the others right."""
    lines = [head, [":--", *["--:"] * (len(head) - 1)]]
    cells = [" | ".join(line) for line in lines]
    cells += [" | ".join(text(cell) for cell in row) for row in rows]
    return Markdown("\n".join(f"| {line} |" for line in cells))


def code_block(value: str) -> Markdown:
    """Return text as an indented code block, which only the end of the text ends."""
    return Markdown("\n".join(f"    {line}" for line in value.splitlines()))


def render(template: str, **values: object) -> str:
    """Return a template of ``templates/`` filled in; a value is escaped unless it is `Markdown`."""
    return _environment().get_template(template).render(**values)


@functools.cache
def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(  # noqa: S701 - `finalize` escapes, for Markdown instead of HTML
        loader=jinja2.PackageLoader("pipelines.publish"),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        keep_trailing_newline=True,
        finalize=lambda value: value if isinstance(value, Markdown) else text(value),
    )
    environment.filters["as_is"] = Markdown
    environment.filters["code_block"] = code_block
    environment.globals["table"] = table
    return environment
