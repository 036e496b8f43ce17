r"""Remove characters that no text may have when it leaves extraction, whatever the engine returned.

Windows and old Mac line ends, form feeds and vertical tabs become ``\n``; the other C0 and all C1 control characters
except the tab are removed, NUL and terminal escapes included; lone surrogates, which UTF-8 cannot encode, become
U+FFFD. Spaces and tabs at the end of a line and blank lines around the text are stripped. Everything else stays as it
is: bidirectional marks, zero-width characters, runs of spaces.
"""

from __future__ import annotations

import re
from typing import Final

_LINE_END: Final = re.compile("\r\n?|[\x0b\x0c]")
_FORBIDDEN: Final = re.compile("[\x00-\x08\x0e-\x1f\x7f-\x9f]+")
_SURROGATE: Final = re.compile("[\ud800-\udfff]")
_UNFIT: Final = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")


def clean(text: str) -> str:
    r"""Return `text` as UTF-8 can encode it and people can read it; empty if it has nothing but white space.

    >>> clean(" a \r\nb\x00\x1b[31m\udc80 \n\n")
    ' a\nb[31m\ufffd'
    """
    if _UNFIT.search(text):  # most texts need no change, and one search shows it
        text = _LINE_END.sub("\n", text)
        text = _FORBIDDEN.sub("", text)
        text = _SURROGATE.sub("\ufffd", text)
    lines = [line.rstrip(" \t") for line in text.split("\n")]
    return "" if not any(map(str.strip, lines)) else "\n".join(lines).strip("\n")
