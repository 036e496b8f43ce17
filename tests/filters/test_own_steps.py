"""Steps of one's own that break the contract: the recipe is refused, or the document is an error of that step."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

import pytest

from filters.document import Document, Origin, Place
from filters.judge import NamedStep, judge
from filters.step import Check, Measured, contract_fault, find_step, step_names
from filters.text import TextView

DOCUMENT = Document("00", None, "some text", None, "s", None, None, None, Origin("a", Place(0, 1, 0)))


@dataclass(frozen=True)
class Own:
    """A right step whose result the tests choose."""

    limit: float | None = None
    returns: Callable[[TextView], Any] = lambda view: (view, {})
    MEASURES: ClassVar[dict[str, type]] = {"share": float, "words": int, "plain": bool}
    CHECKS: ClassVar[tuple[Check, ...]] = (Check("too_large", "share", ">", "limit"),)
    FILES: ClassVar[tuple[str, ...]] = ()

    def apply(self, view: TextView) -> tuple[TextView, Measured]:
        """Return what the test says."""
        found: tuple[TextView, Measured] = self.returns(view)
        return found


@pytest.mark.parametrize("name", step_names())
def test_every_built_in_step_keeps_the_contract(name: str) -> None:
    assert contract_fault(find_step(name)) is None


@pytest.mark.parametrize(
    ("changed", "fault"),
    [
        ({"MEASURES": {"share": list}}, "declares the measure 'share' as"),
        ({"MEASURES": {}}, "checks the measure 'share', which its MEASURES do not name"),
        ({"CHECKS": (Check("bad", "share", ">", "limti"),)}, "against 'limti', which is none of its fields"),
        ({"CHECKS": (Check("bad", "share", "~", "limit"),)}, "checks 'share' with '~'; use one of: <"),
    ],
)
def test_a_class_that_breaks_the_contract_is_told_how(changed: dict[str, Any], fault: str) -> None:
    assert fault in str(contract_fault(type("Broken", (Own,), changed)))


def test_a_class_that_lacks_parts_is_told_which() -> None:
    @dataclass(frozen=True)
    class Bare:
        CHECKS: ClassVar[tuple[Check, ...]] = ()

    assert "has no MEASURES and no FILES and no apply" in str(contract_fault(Bare))
    assert "is not a dataclass" in str(contract_fault(int))


@pytest.mark.parametrize(
    ("returns", "message"),
    [
        (lambda view: ("text", {}), "apply returned a str for the TextView"),
        (lambda view: (view, {"shares": 1.0}), "'shares', which MEASURES does not name"),
        (lambda view: (view, {"share": float("nan")}), "share as nan, which is no finite float"),
        (lambda view: (view, {"share": float("inf")}), "share as inf, which is no finite float"),
        (lambda view: (view, {"words": 2**63}), "words as 9223372036854775808, which is no finite int"),
        (lambda view: (view, {"plain": "yes"}), "plain as 'yes', which is no finite bool"),
        (lambda view: None, "cannot unpack"),
    ],
)
def test_a_result_that_no_ledger_holds_is_an_error_of_the_step(
    returns: Callable[[TextView], Any], message: str
) -> None:
    verdict = judge(DOCUMENT, [NamedStep("own", "my_rules:Own", Own(returns=returns))])
    assert (verdict.step, verdict.reason) == ("own", "exception")
    assert message in verdict.message
    assert verdict.document is DOCUMENT


def test_what_a_ledger_holds_is_kept() -> None:
    measured: Measured = {"share": 1, "words": None, "plain": True}
    own = NamedStep("own", "my_rules:Own", Own(returns=lambda view: (view, measured)))
    assert judge(DOCUMENT, [own]).step is None
