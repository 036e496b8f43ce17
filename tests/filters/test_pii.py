"""Addresses of people and machines are replaced; what only looks like one stays."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from filters.document import Document, Origin, Place
from filters.pii import Pii
from filters.text import TextView

NEUTRAL = "email@example.com"
NOTHING = dict.fromkeys(("emails", "ips", "ibans", "cards", "phones"), 0)


def edit(text: str, step: Pii | None = None) -> tuple[str, dict[str, object]]:
    document = Document("0" * 32, None, text, None, "web", None, None, None, Origin("a", Place(0, 1, 0)))
    view, measured = (step or Pii()).apply(TextView(document))
    return view.text, dict(measured)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("mail a.b+c@ex-ample.co.uk now", f"mail {NEUTRAL} now"),
        ("naïve@exämple.de", NEUTRAL),
        ("(john@corp.com), <o'brien@x.ie>.", f"({NEUTRAL}), <{NEUTRAL}>."),
        ("one@a.com,two@b.org;three@c.net", f"{NEUTRAL},{NEUTRAL};{NEUTRAL}"),
        ("Contact.....john.smith@corp.com.", f"Contact.....{NEUTRAL}."),
        ("联系邮箱john@corp.cn谢谢", f"联系邮箱{NEUTRAL}谢谢"),
        ("email=john@corp.com", f"email={NEUTRAL}"),
        ("john\uff20corp.com", NEUTRAL),
        ("x@xn--bcher-kva.xn--p1ai", NEUTRAL),
    ],
)
def test_an_email_address_is_replaced_and_its_surroundings_stay(before: str, after: str) -> None:
    assert edit(before)[0] == after


@pytest.mark.parametrize(
    "text",
    [
        "see https://medium.com/@some.one/post",
        "photo@2x.png",
        "@decorator.method",
        "a@b.c, a@b, a@b.co1, x@-b.com",
        "lodash@4.17.21",
        "someone@example.org and JOHN@EXAMPLE.COM and a@sub.test",
        "price @ 5.00",
    ],
)
def test_what_only_looks_like_an_email_address_stays(text: str) -> None:
    assert edit(text) == (text, NOTHING)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("from 8.8.8.8 today", "from 192.0.2.1 today"),
        ("8.8.8.8:53, 9.9.9.9/24 and 1.1.1.1.", "192.0.2.1:53, 192.0.2.1/24 and 192.0.2.1."),
        ("213.244.11.1-213.244.11.9", "192.0.2.1-192.0.2.1"),
        ("2a00:1450:4009:80b::200e.", "2001:db8::1."),
        ("[2a00:1450::1]:443 or 2A00:1450::2:", "[2001:db8::1]:443 or 2001:db8::1:"),
    ],
)
def test_a_public_ip_address_is_replaced(before: str, after: str) -> None:
    assert edit(before)[0] == after


@pytest.mark.parametrize(
    "text",
    [
        "10.0.0.1 172.16.3.4 192.168.1.1 127.0.0.1 169.254.1.1 100.64.0.1 224.0.0.1 0.0.0.0",
        "192.0.2.7 198.51.100.7 203.0.113.7",
        "::1 fe80::1 fd00::1 2001:0db8::1 ff02::1",
        "256.1.1.1 1.2.3.400 01.02.03.04 1.2.3.4.5 1.2.3",
        "v1.2.3.4 release, version 12.4.1.1, release: 4.19.0.2",
        "foo-1.2.3.4 and 1.2.3.4-rc1 and openssl-1.0.2.4.tar",
        "Section 6.2.4.3 says\n4.8.3.2. Positional arguments\n- 12.1.1.1 RAID",
        "12:30:45 and 2001:12:30 and std::vector and a2001:db9::1",
    ],
)
def test_private_reserved_and_version_numbers_stay(text: str) -> None:
    assert edit(text) == (text, NOTHING)


def test_replacements_are_counted() -> None:
    text = "a@corp.com b@corp.com 8.8.8.8 2a00:1450::1 c@corp.com"
    assert edit(text)[1] == {**NOTHING, "emails": 3, "ips": 2}


def test_none_leaves_a_kind_alone() -> None:
    text = "a@corp.com 8.8.8.8 2a00:1450::1"
    assert edit(text, Pii(email=None, ipv4=None, ipv6=None))[0] == text
    assert edit(text, Pii(email=None, ipv6=None))[0] == "a@corp.com 192.0.2.1 2a00:1450::1"


def test_an_unchanged_text_keeps_its_splits() -> None:
    """A view without a replacement is the same view, so that words are not split again."""
    document = Document(
        "0" * 32, None, "nothing here", None, "web", None, None, None, Origin("a", Place(0, 1, 0))
    )
    view = TextView(document)
    assert Pii().apply(view)[0] is view


GLUE = ["a", "a.", "@", "@b.co", "8.8.8.8", ".", "-", "1", "é", "中", "'", "_", "+", "example.com"]
WORDS = st.lists(st.sampled_from(GLUE), max_size=8).map("".join) | st.sampled_from(
    ["2a00::8.8.8.8", "[2a00::1]:80"]
)


@given(st.lists(WORDS, max_size=4).map(" ".join) | st.text())
def test_the_edit_done_twice_changes_nothing_more(text: str) -> None:
    once, _ = edit(text)
    assert edit(once) == (once, NOTHING)


@pytest.mark.slow
@pytest.mark.parametrize(
    "unit",
    [
        "a.",
        "a@",
        "@",
        "a@a.",
        "a",
        "-",
        "1.",
        "8.8.8.8-1 ",
        "2a00:",
        "2a00::1x ",
        "x@" + "a" * 62 + ".",
        "a'",
        "a" * 63 + "@",
        "version ",
    ],
)
def test_the_time_is_linear_on_lines_made_to_be_slow(unit: str) -> None:
    """Four times the text takes about four times as long; a backtracking search would take sixteen."""

    def seconds(size: int) -> float:
        text = unit * (size // len(unit)) + "@"
        best = 60.0
        for _ in range(3):
            began = time.process_time()
            edit(text)
            best = min(best, time.process_time() - began)
        return best

    assert seconds(200_000) < 8 * seconds(50_000) + 0.05


@pytest.mark.shared
def test_the_hostile_cases(shared: Path) -> None:
    lines = (shared / "hostile" / "security" / "pii.jsonl").read_text(encoding="utf-8").splitlines()
    results = {case["expect"]: edit(case["text"]) for case in map(json.loads, lines)}
    assert results["mail <EMAIL> now"][0] == f"mail {NEUTRAL} now"
    assert results["version is NOT an IP"][1] == NOTHING
    assert results["IDN mail"][0] == NEUTRAL
    assert results["full-width @"][1]["emails"] == 0  # example.com: nobody's
    assert results["IPv6"][1]["ips"] == 0  # 2001:db8::/32 is documentation
    assert results["no regex blow-up (<0.1 s)"][1]["emails"] == 0
