"""Crawled text and figures as HTML: nothing in a text can act, and invisible characters become visible."""

from __future__ import annotations

import json
import re
import unicodedata

from markupsafe import Markup, escape

_HARMLESS = "\n\t\u200c\u200d"
"""The joiners shape Persian, Indic and emoji text and cannot reorder it; without them it would be unreadable."""
_BACKTICKS = re.compile("`([^`]+)`")
_HIDDEN = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}


def shown(text: str, characters: int | None = None) -> Markup:
    r"""Return text for HTML: escaped, control and direction marks written out, cut after some number of characters.

    >>> shown("<b>\u202eevil")
    Markup('&lt;b&gt;<i class="mark">\\u202e</i>evil')
    """
    cut = text if characters is None else text[:characters]
    parts: list[str] = []
    begin = 0
    for position, character in enumerate(cut):
        if unicodedata.category(character) in _HIDDEN and character not in _HARMLESS:
            code = json.dumps(character)[1:-1] if ord(character) != 127 else "\\x7f"
            parts += [escape(cut[begin:position]), f'<i class="mark">{code}</i>']
            begin = position + 1
    parts.append(escape(cut[begin:]))
    if len(cut) < len(text):
        parts.append(f'<i class="more"> … {number(len(text) - len(cut))} more characters</i>')
    return Markup("".join(parts))  # noqa: S704 - every part was escaped above


def breakable(name: Markup) -> Markup:
    """Return a name that `shown` has made safe, with line breaks allowed after its dots and underscores.

    >>> breakable(shown("help.example.org")), breakable(shown("too_short"))
    (Markup('help.<wbr>example.<wbr>org'), Markup('too_<wbr>short'))
    """
    for mark in "._":
        name = name.replace(mark, mark + Markup("<wbr>"))  # a plain string would be escaped
    return name


def with_code(text: Markup) -> Markup:
    """Return text that `shown` has made safe with what stands in backticks as code.

    >>> with_code(shown("fewer than `min_words`"))
    Markup('fewer than <code>min_words</code>')
    """
    return Markup(_BACKTICKS.sub(r"<code>\1</code>", str(text)))  # noqa: S704 - it is safe already


def number(value: float | None) -> str:
    """Return a count with thousands separators, or a figure with three significant digits; '–' for None."""
    if value is None:
        return "–"
    if isinstance(value, int) or (value.is_integer() and abs(value) < 1e15):
        return f"{int(value):,}"
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"


def decimals(value: float | None, digits: int) -> str:
    """Return a figure with a fixed number of decimals, for a column of them; '–' for None."""
    return "–" if value is None else f"{value:.{digits}f}"


def about(value: float) -> str:
    """Return an estimate with two digits: ``6.1 M``."""
    for unit, name in ((1e9, " G"), (1e6, " M"), (1e3, " k")):
        if value >= unit:
            return f"{float(f'{value:.2g}') / unit:g}{name}"
    return f"{float(f'{value:.2g}'):g}"


def share(part: float | None, whole: float | None = 1.0) -> str:
    """Return a share in per cent, with two decimals below 10 %; '–' if there is nothing to share."""
    if part is None or not whole:
        return "–"
    percent = 100 * part / whole
    return f"{percent:.0f} %" if percent in (0, 100) else f"{percent:.{1 if abs(percent) >= 10 else 2}f} %"


def size(count: float | None) -> str:
    """Return bytes with a decimal unit."""
    if count is None:
        return "–"
    for unit in ("B", "kB", "MB", "GB"):
        if abs(count) < 1000 or unit == "GB":
            return (
                f"{count:.0f} {unit}" if unit == "B" else f"{count:,.{1 if abs(count) < 100 else 0}f} {unit}"
            )
        count /= 1000
    raise AssertionError("unreachable")
