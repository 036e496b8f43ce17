r"""Repairs characters: text decoded with the wrong encoding, control characters, letters composed in two ways.

First, ftfy (Speer 2019, ``fix_encoding``) finds and undoes mojibake line by line, as FineWeb-2 does for every language:
``donâ€™t`` becomes ``don’t``. Second, control characters except tab and line feed are removed (carriage returns become
line feeds), and so are halves of surrogate pairs, byte order marks, and marks that only set the direction of text.
Joiners stay: Persian, Indic scripts and emoji need them. Third, the text is converted to normal form C (UAX 15), so
that words that look the same are the same.

Known mistakes: a single letter of mojibake in an otherwise plain line stays if ftfy is unsure; a lesson about mojibake
loses its examples. Cost: 20 million characters per CPU second, and 1 ms for each line that looks broken.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Final

from ftfy import fix_encoding
from ftfy.badness import is_bad

from filters.step import Check, Measured
from filters.text import TextView

_LINE_ENDS: Final = re.compile("\r\n?")
_CONTROLS: Final = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\ufeff\ufffe\uffff\u202a-\u202e\u2066-\u2069\ud800-\udfff]"
)


@dataclass(frozen=True)
class Unicode:
    """Which repairs are made.

    Attributes:
        mojibake: undo decoding with a wrong encoding.
        controls: remove control characters.
        nfc: convert the text to normal form C.
    """

    mojibake: bool = True
    controls: bool = True
    nfc: bool = True

    FILES: ClassVar[tuple[str, ...]] = ()
    MEASURES: ClassVar[Mapping[str, type]] = {
        "mojibake_lines": int,
        "control_characters": int,
        "composed": bool,
    }
    CHECKS: ClassVar[tuple[Check, ...]] = ()

    def apply(self, view: TextView) -> tuple[TextView, Measured]:
        """Repair and count; `composed` is True if the text was not in normal form C."""
        text = view.text
        found: Measured = {"mojibake_lines": 0, "control_characters": 0, "composed": False}
        if self.mojibake and not text.isascii():
            text, found["mojibake_lines"] = _repair(text)
        if self.controls:
            text, found["control_characters"] = _CONTROLS.subn("", _LINE_ENDS.sub("\n", text))
        if self.nfc and not unicodedata.is_normalized("NFC", text):
            text, found["composed"] = unicodedata.normalize("NFC", text), True
        return (view if text == view.text else view.with_text(text)), found


def _repair(text: str) -> tuple[str, int]:
    r"""Return the text with mojibake undone, and the number of lines that had any.

    >>> _repair("donâ€™t\nnaïve")
    ('don’t\nnaïve', 1)
    """
    lines = text.split("\n")
    repaired = [fix_encoding(line) if not line.isascii() and is_bad(line) else line for line in lines]
    return "\n".join(repaired), sum(before != after for before, after in zip(lines, repaired, strict=True))
