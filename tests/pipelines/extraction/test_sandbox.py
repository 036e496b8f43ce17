"""Whatever a page does to its parser costs that page and no other."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from filters.document import Place
from pipelines.extraction.extractor import Extracted, Extractor
from pipelines.readers.record import Record, Wiki
from pipelines.recipe.recipe import Extract

pytestmark = pytest.mark.integration

HERE = Path(__file__).parent
PAGE = "<html><body><main><p>{}</p></main></body></html>"


def page(number: int) -> bytes:
    return PAGE.format(f"This is page number {number} of the test, and it has a sentence to read.").encode()


def run(extractor: Extractor, payloads: list[bytes]) -> list[Extracted]:
    return list(
        extractor.extract(Record(Place(n, 1, 0), payload, "html") for n, payload in enumerate(payloads))
    )


@pytest.fixture
def fragile(monkeypatch: pytest.MonkeyPatch) -> Iterator[Extractor]:
    monkeypatch.syspath_prepend(str(HERE))
    with Extractor(Extract(deadline_s=0.5, memory_mb=512), child_module="dying_child") as extractor:
        yield extractor


@pytest.mark.parametrize(
    ("deadly", "reason"),
    [
        (b"segfault", "crash"),
        (b"leave", "crash"),
        (b"burn", "timeout"),
        (b"eat", "out_of_memory"),
        pytest.param(b"sleep", "timeout", marks=pytest.mark.slow),
    ],
)
def test_one_deadly_page_in_a_hundred_costs_one(fragile: Extractor, deadly: bytes, reason: str) -> None:
    payloads = [page(number) for number in range(100)]
    payloads[37] = deadly
    found = run(fragile, payloads)
    assert [outcome.record.place.offset for outcome in found] == list(range(100))
    assert (found[37].text, found[37].reason) == (None, reason)
    assert found[37].error
    for number, outcome in enumerate(found):
        if number != 37:
            assert outcome.text is not None
            assert f"page number {number} " in outcome.text


def test_several_deadly_pages_in_one_batch_cost_only_themselves(fragile: Extractor) -> None:
    found = run(fragile, [page(0), b"segfault", b"burn", page(3), b"leave", page(5)])
    assert [outcome.reason for outcome in found] == [None, "crash", "timeout", None, "crash", None]


def test_plain_text_needs_no_child_and_keeps_its_place() -> None:
    records = [
        Record(Place(0, 1, 0), b"plain\x00 text\r\nwith a control", "text"),
        Record(Place(1, 1, 0), page(1), "html"),
        Record(Place(2, 1, 0), b"'''Bold''' [[link|label]]", "wikitext"),
        Record(Place(3, 1, 0), b"<html></html>", "html"),
    ]
    with Extractor(Extract()) as extractor:
        found = list(extractor.extract(iter(records)))
    assert found[0].text == "plain text\nwith a control"
    assert found[1].text == "This is page number 1 of the test, and it has a sentence to read."
    assert found[2].text == "Bold label"
    assert (found[3].text, found[3].reason, found[3].error) == (None, "no_text", None)


def test_what_the_wiki_says_reaches_the_child() -> None:
    source = "text [[Kōnae:Y|file]]\n{|\n| cell || cell\n|}".encode()
    records = [
        Record(Place(0, 1, 0), source, "wikitext"),
        Record(Place(1, 1, 0), source, "wikitext", wiki=Wiki(hidden=("kōnae",), tables=True)),
    ]
    with Extractor(Extract()) as extractor:
        assert [found.text for found in extractor.extract(records)] == ["text file", "text\n\ncell | cell"]


def test_deep_and_huge_pages_are_dropped_by_a_cap_before_they_are_parsed() -> None:
    began = time.process_time()
    deep = b"<div>" * 100_000 + b"text"
    attributes = b"<p " + b" ".join(b"a%d=1" % n for n in range(60_000)) + b">text</p>"
    with Extractor(Extract()) as extractor:
        found = run(extractor, [deep, attributes, page(2)])
    assert [outcome.reason for outcome in found] == ["html_too_deep", "too_many_attributes", None]
    assert time.process_time() - began < 5


def test_the_child_ends_with_a_parent_that_was_killed() -> None:
    code = (
        "import sys, time\n"
        "from pipelines.recipe.recipe import Extract\n"
        "from pipelines.extraction.extractor import Extractor\n"
        "from pipelines.readers.record import Record\n"
        "from filters.document import Place\n"
        "e = Extractor(Extract())\n"
        "list(e.extract([Record(Place(0, 1, 0), b'<p>x</p>', 'html')]))\n"
        "print(e._sandbox._child._process.pid, flush=True)\n"
        "time.sleep(60)\n"
    )
    parent = subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, cwd=HERE.parents[2]
    )
    assert parent.stdout is not None
    child = int(parent.stdout.readline())
    os.kill(parent.pid, signal.SIGKILL)
    parent.wait()
    for _ in range(100):
        status = Path(f"/proc/{child}/stat")
        if not status.exists() or status.read_text().rpartition(")")[2].split()[0] == "Z":
            return
        time.sleep(0.1)
    pytest.fail("the child outlived its parent")
