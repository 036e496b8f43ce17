r"""Removes the marks of references and of editing that encyclopedias and papers leave in their text.

C4 (Raffel et al. 2020) removes ``[1]``, ``[edit]`` and ``[citation needed]``. This step also removes lists and ranges
of numbers, notes, and the words that Wikipedias in other languages use, each with a space before it.

Wrongly removed: indices in code (``list[0]``) and empty brackets. Cost: 300 million characters per CPU second.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Final

from filters.step import Check, Measured
from filters.text import TextView

_WORDS: Final = (
    "edit", "edit source", "citation needed", "clarification needed", "who?", "when?", "which?", "according to whom?",
    "better source needed", "dead link", "update", "verification needed", "failed verification", "page needed",
    "Bearbeiten", "Quelltext bearbeiten", "Bearbeiten | Quelltext bearbeiten", "modifier", "modifier le code",
    "modifier | modifier le code", "réf. nécessaire", "réf. souhaitée", "editar", "editar datos en Wikidata",
    "cita requerida", "carece de fontes", "modifica", "modifica wikitesto", "senza fonte", "bewerken",
    "brontekst bewerken",
    "править", "править код", "источник не указан", "edytuj", "edytuj kod", "redigera", "редагувати", "編集", "要出典",
    "编辑", "編輯", "来源请求",
)  # fmt: skip
_NUMBERS: Final = r"[0-9]{0,4}(?:(?:, ?|[-–])[0-9]{1,4}){0,9}"
_NOTES: Final = r"(?:note|nb|n|lower-alpha|Anm\.|Nota|注|註) ?[0-9]{1,3}"
_MARK: Final = re.compile(rf" ?\[(?:{_NUMBERS}|{_NOTES}|{'|'.join(map(re.escape, _WORDS))})\]", re.IGNORECASE)


@dataclass(frozen=True)
class Citations:
    """Removes reference and edit marks; it has no keys."""

    FILES: ClassVar[tuple[str, ...]] = ()
    MEASURES: ClassVar[Mapping[str, type]] = {"citations": int}
    CHECKS: ClassVar[tuple[Check, ...]] = ()

    def apply(self, view: TextView) -> tuple[TextView, Measured]:
        """Remove the marks and count them."""
        text, count = _MARK.subn("", view.text) if "[" in view.text else (view.text, 0)
        return (view.with_text(text) if count else view), {"citations": count}
