"""Addresses are matched by registered domain, host and address, without a network."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from filters.document import Document, Origin, Place
from filters.lists.url_lists import read_set
from filters.step import first_fault
from filters.text import TextView
from filters.url_blocklist import UrlBlocklist, registered_domain, split_url
from pipelines.recipe.models import find

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
CASES = json.loads((HERE / "cases" / "url_blocklist.json").read_text(encoding="utf-8"))


def view_of(url: str | None) -> TextView:
    return TextView(Document("0" * 32, None, "x", url, "web", None, None, None, Origin("a", Place(0, 1, 0))))


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["label"])
def test_each_case_is_decided_as_written(case: dict[str, object]) -> None:
    fields = {
        name: str(ROOT / value)
        if isinstance(value, str)
        else tuple(value)
        if isinstance(value, list)
        else value
        for name, value in dict(case.get("fields", {})).items()
    }
    step = UrlBlocklist(**fields)
    _, measured = step.apply(view_of(case.get("url")))
    assert first_fault(step, measured) == case["reason"]
    assert set(measured) == set(UrlBlocklist.MEASURES)


def test_a_document_without_an_address_is_not_measured() -> None:
    """A null in the ledger means that there was nothing to look up, not that it was looked up."""
    step = UrlBlocklist(domains=str(HERE / "lists" / "domains.txt"))
    nothing = dict.fromkeys(UrlBlocklist.MEASURES)
    assert step.apply(view_of(None))[1] == nothing
    assert step.apply(view_of("http://good.org/"))[1] == {**nothing, "domain_listed": False}


@pytest.mark.integration
def test_no_network_and_no_cache_folder(tmp_path: Path) -> None:
    """In a process of its own, with an empty cache: the public suffix list is the snapshot inside tldextract."""
    code = """
import socket
def refuse(*_, **__): raise AssertionError("a connection was opened")
socket.socket.connect = socket.getaddrinfo = refuse
from filters.lists.url_lists import read_set
from filters.url_blocklist import registered_domain
print([registered_domain(host) for host in ("a.b.example.co.uk", "co.uk", "192.0.2.1")])
"""
    environment = {**os.environ, "TLDEXTRACT_CACHE": str(tmp_path), "HOME": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT, env=environment
    )
    assert (done.stdout.strip(), done.stderr) == ("['example.co.uk', '', '']", "")
    assert list(tmp_path.iterdir()) == []


def test_a_list_is_read_once(tmp_path: Path) -> None:
    """A worker judges millions of addresses; it reads the file at the first."""
    path = tmp_path / "domains.txt"
    path.write_text("bad.example\n")
    step = UrlBlocklist(domains=str(path))
    assert step.apply(view_of("http://bad.example/"))[1]["domain_listed"] is True
    path.unlink()
    assert step.apply(view_of("http://bad.example/"))[1]["domain_listed"] is True


def test_bytes_that_are_not_utf8_match_nothing(tmp_path: Path) -> None:
    path = tmp_path / "domains.txt"
    path.write_bytes(b"caf\xe9.example\nbad.example\n")
    step = UrlBlocklist(domains=str(path))
    assert step.apply(view_of("http://bad.example/"))[1]["domain_listed"] is True
    assert step.apply(view_of("http://caf\xe9.example/"))[1]["domain_listed"] is False


@given(st.text() | st.from_regex(r"(https?:)?//[a-z.\[\]@:0-9%é]{0,20}(/.{0,5})?", fullmatch=True))
def test_no_address_raises_and_the_form_is_stable(url: str) -> None:
    """Any text is an address or none; the compared form of an address is its own compared form."""
    parts = split_url(url)
    if parts is not None:
        host, address = parts
        assert address.startswith(host)
        registered_domain(host)


NAMES = st.text("abcé.-/A", min_size=1, max_size=4)


@given(st.lists(NAMES, max_size=30), NAMES)
def test_a_hashed_set_holds_what_was_read_and_nothing_else(entries: list[str], other: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "list"
        path.write_text("\n".join(["# a remark", "", *entries]), encoding="utf-8-sig")
        found = read_set([path], lambda entry: entry)
    assert len(found) == len(set(entries))
    assert all(entry in found for entry in entries)
    assert (other in found) == (other in entries)


def test_a_topic_that_is_not_there_is_named() -> None:
    step = UrlBlocklist(ut1=str(HERE / "lists" / "ut1"), ut1_topics=("adult",))
    with pytest.raises(ValueError, match="no folder 'adult'; it has games, shops"):
        step.apply(view_of("http://a.example/"))
    with pytest.raises(ValueError, match="no folder 'adult'"):
        step.load()


def test_a_list_that_has_changed_is_read_anew_for_the_next_run(tmp_path: Path) -> None:
    path = tmp_path / "domains.txt"
    step = UrlBlocklist(domains=str(path))
    for name in ("bad", "worse"):
        path.write_text(f"{name}.example\n")
        step.load()
        assert step.apply(view_of(f"http://{name}.example/"))[1]["domain_listed"] is True


def test_a_folder_counts_by_the_content_of_its_files(tmp_path: Path) -> None:
    shutil.copytree(HERE / "lists" / "ut1", tmp_path / "ut1")
    before = find("ut1", tmp_path)
    (tmp_path / "ut1" / "games" / "domains").write_text("other.example\n")
    assert find("ut1", tmp_path)[0] == before[0]
    assert find("ut1", tmp_path)[1] != before[1]
