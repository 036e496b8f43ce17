"""Every reason of a built-in step has a meaning for people; an own step needs none."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from filters.reasons import EXCEPTION, Reason, reasons, reasons_of
from filters.step import Check, find_step, step_names


def test_every_check_of_every_built_in_step_says_what_it_means() -> None:
    silent = [
        (key, check.reason) for key in step_names() for check in find_step(key).CHECKS if not check.meaning
    ]
    assert silent == []


def test_a_reason_stands_once_in_its_step() -> None:
    names = [(reason.step, reason.name) for reason in reasons()]
    assert len(set(names)) == len(names)
    assert reasons()[-1] == EXCEPTION


def test_a_meaning_fits_on_a_line_and_names_the_limit_of_its_check() -> None:
    for reason in reasons():
        assert len(reason.meaning) <= 100, reason
        assert not reason.meaning.endswith("."), reason
    for key in step_names():
        for check in find_step(key).CHECKS:
            if check.op in ("<", ">", ">="):
                assert f"`{check.field}`" in check.meaning, check


def test_a_step_of_ones_own_may_leave_the_meaning_out() -> None:
    @dataclass(frozen=True)
    class Own:
        CHECKS: ClassVar[tuple[Check, ...]] = (Check("too_rude", "rude", ">", "limit"),)

    found = reasons_of("my_rules:Own", Own)  # type: ignore[type-abstract, arg-type]  # only its checks matter
    assert found == (Reason("my_rules:Own", "too_rude", "dropped", "too rude"),)
