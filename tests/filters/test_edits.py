"""The small edits: each changes what it names, counts it, and leaves the rest alone."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from filters.boilerplate_lines import BoilerplateLines
from filters.citations import Citations
from filters.document import Document, Origin, Place
from filters.step import Step
from filters.text import TextView
from filters.unicode import Unicode


def edit(step: Step, text: str) -> tuple[str, dict[str, object]]:
    document = Document("0" * 32, None, text, None, "web", None, None, None, Origin("a", Place(0, 1, 0)))
    view, measured = step.apply(TextView(document))
    return view.text, dict(measured)


@pytest.mark.parametrize(
    ("before", "after", "lines", "controls", "composed"),
    [
        ("donâ€™t panic", "don’t panic", 1, 0, False),
        ("schÃ¶ne GrÃ¼ÃŸe\ngrün", "schöne Grüße\ngrün", 1, 0, False),
        ("ÐŸÑ€Ð¸Ð²ÐµÑ‚, Ð¼Ð¸Ñ€", "Привет, мир", 1, 0, False),
        ("a\x00b\x1b[31mc\x7fd\ufeff", "ab[31mcd", 0, 4, False),
        ("one\r\ntwo\rthree\tfour", "one\ntwo\nthree\tfour", 0, 0, False),
        ("cafe\u0301", "caf\u00e9", 0, 0, True),
        ("half \ud83d pair", "half  pair", 0, 1, False),
        ("\u202egnp.exe\u202c", "gnp.exe", 0, 2, False),
        ("می\u200cخواهم 👩\u200d🔬", "می\u200cخواهم 👩\u200d🔬", 0, 0, False),
        ("naïve façade, 東京, Grüße", "naïve façade, 東京, Grüße", 0, 0, False),
    ],
)
def test_characters_are_repaired(before: str, after: str, lines: int, controls: int, composed: bool) -> None:
    counted = {"mojibake_lines": lines, "control_characters": controls, "composed": composed}
    assert edit(Unicode(), before) == (after, counted)


@given(st.text())
def test_repaired_characters_need_no_other_repair(text: str) -> None:
    once, _ = edit(Unicode(mojibake=False), text)
    assert edit(Unicode(mojibake=False), once)[0] == once
    once.encode("utf-8")  # no half of a pair is left


@pytest.mark.parametrize(
    ("before", "after", "count"),
    [
        ("Soap is old.[1][23]", "Soap is old.", 2),
        ("Soap[1, 2] is[3–5] old [citation needed].", "Soap is old.", 3),
        ("History[edit]\nGeschichte [Bearbeiten | Quelltext bearbeiten]", "History\nGeschichte", 2),
        ("as noted[note 4] and 要出典[要出典]", "as noted and 要出典", 2),
        ("[a] [see below] [12345] [x1] (1)", "[a] [see below] [12345] [x1] (1)", 0),
    ],
)
def test_citations_go(before: str, after: str, count: int) -> None:
    assert edit(Citations(), before) == (after, {"citations": count})


def test_boilerplate_lines_go_and_long_ones_stay() -> None:
    long = "The court ruled that the privacy policy of the company did not tell its customers what was done with data."
    text = (
        f"We use cookies.\n\nSoap is old.\n| | |\n{long}\nRead more\nbread moreover\n© All Rights Reserved."
    )
    after = f"\nSoap is old.\n{long}\nbread moreover"
    assert edit(BoilerplateLines(), text) == (after, {"lines_removed": 4})
    assert edit(BoilerplateLines(symbol_lines=False), "| | |\nSoap") == ("| | |\nSoap", {"lines_removed": 0})


def test_boilerplate_phrases_of_ones_own(tmp_path: Path) -> None:
    (tmp_path / "phrases.txt").write_text("# mine\nOrder now\n")
    step = BoilerplateLines(phrases=str(tmp_path / "phrases.txt"))
    assert edit(step, "ORDER NOW!\nSoap\nreorder nowhere")[0] == "Soap\nreorder nowhere"


def test_a_text_with_nothing_to_edit_keeps_its_splits() -> None:
    document = Document(
        "0" * 32, None, "Soap is old.", None, "web", None, None, None, Origin("a", Place(0, 1, 0))
    )
    view = TextView(document)
    assert all(step.apply(view)[0] is view for step in (Unicode(), Citations(), BoilerplateLines()))
