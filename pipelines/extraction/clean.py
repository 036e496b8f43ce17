r"""What text is allowed to hold when it leaves extraction, whatever the engine returned.

Windows and old Mac line ends, form feeds and vertical tabs become ``\n``; the other C0 and all C1 control
characters except the tab are removed (NUL and terminal escapes among them); lone surrogates, which no UTF-8
sink can write, become U+FFFD. Spaces and tabs at the end of a line and blank lines around the text are
stripped. Everything else stays as it is: bidirectional marks, zero-width characters, runs of spaces.
"""

from __future__ import annotations

import re

_LINE_END = re.compile("\r\n?|[\x0b\x0c]")
_FORBIDDEN = re.compile("[\x00-\x08\x0e-\x1f\x7f-\x9f]+")
_SURROGATE = re.compile("[\ud800-\udfff]")
_UNFIT = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")


def clean(text: str) -> str:
    r"""Return `text` fit for a UTF-8 sink; empty if there is nothing to read in it.

    >>> clean(" a \r\nb\x00\x1b[31m\udc80 \n\n")
    ' a\nb[31m\ufffd'
    """
    if _UNFIT.search(text):  # one pass shows that most texts need none of the three
        text = _LINE_END.sub("\n", text)
        text = _FORBIDDEN.sub("", text)
        text = _SURROGATE.sub("\ufffd", text)
    lines = [line.rstrip(" \t") for line in text.split("\n")]
    return "" if not any(map(str.strip, lines)) else "\n".join(lines).strip("\n")
