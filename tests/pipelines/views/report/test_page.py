"""The report as a person opens it: complete, the same each time, quiet in a browser, whatever was crawled."""

from __future__ import annotations

import itertools
import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from pipelines.recipe.load import load
from pipelines.run import run_recipe
from pipelines.store.balance import kept
from pipelines.store.fate import Fate, fates
from pipelines.store.storage import Storage
from pipelines.views.report.breakdowns import token_lengths
from pipelines.views.report.ends import packing
from pipelines.views.report.funnel import levels as levels_of
from pipelines.views.report.page import SECTIONS, Report, is_whole, write_report
from pipelines.views.report.samples import samples
from pipelines.views.run_tables import RunTables

pytestmark = pytest.mark.integration

ROOT = Path(__file__).resolve().parents[4]
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


def browse(page: Path, where: Path) -> tuple[str, list[str], list[str]]:
    """Open a page in headless Chromium; return its document, what was said on the console, and requests it made."""
    if CHROMIUM is None:
        pytest.skip("no Chromium on this machine (Debian: apt-get install chromium)")
    log = where / "net.json"
    command = [
        CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", "--dump-dom", "--enable-logging=stderr",
        "--disable-background-networking", "--disable-component-update", "--no-first-run",
        f"--user-data-dir={where / 'profile'}", f"--log-net-log={log}", page.as_uri(),
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    said = [line for line in done.stderr.splitlines() if "CONSOLE" in line]
    # The browser also asks on its own behalf; what a page asks for has an origin, "null" for a page on disk.
    events = [event.get("params", {}) for event in json.loads(log.read_text())["events"]]
    asked = {event["url"] for event in events if event.get("initiator", "not an origin") != "not an origin"}
    return done.stdout, said, sorted(asked - {page.as_uri()})


@pytest.fixture(scope="module")
def page(demo: Path) -> str:
    return Report(str(demo)).page()


@pytest.mark.integration
def test_a_run_ends_with_its_report(demo: Path, page: str) -> None:
    written = (demo / "report.html").read_bytes()
    assert is_whole(written)
    assert written.startswith(page.encode())
    assert not is_whole(written.replace(b"Funnel", b"funnel", 1))
    assert not is_whole(page.encode())
    assert len(page) < 5_000_000


@pytest.mark.integration
def test_every_section_is_there(page: str) -> None:
    for name, title in SECTIONS.items():
        assert (f'<section id="{name}">' in page) == (name != "comparison")
        assert (f'<a href="#{name}">{title}</a>' in page) == (name != "comparison")


def test_no_markup_is_shown_as_text(page: str) -> None:
    """No text of the demo has a tag in it, so whatever looks like one was made markup, and escaped, by mistake."""
    assert re.findall(r"&lt;/?[a-z]+&gt;", page) == []
    assert "wiki.<wbr>sample.<wbr>example" in page
    assert "too_<wbr>few_<wbr>words" in page


@pytest.mark.integration
def test_it_refers_to_nothing_outside(page: str) -> None:
    """URLs of documents are text; no attribute or style names one."""
    assert "<script" not in page
    assert "default-src 'none'" in page
    for attribute in re.findall(r'<[^>]*\b(?:src|href|action|data|xlink:href)="([^"]*)"', page):
        assert attribute.startswith(("#", "data:,"))
    assert not re.search(r"url\(|@import", page)


@pytest.mark.integration
def test_the_funnel_is_the_balance(demo: Path) -> None:
    tables = RunTables(Storage(demo))
    counted = json.loads((demo / "manifest.json").read_text())["balance"]
    levels = levels_of(tables)
    assert levels[0].documents == counted["filter"]["seen"]
    assert levels[-1].documents == levels[-2].documents == kept(counted["dedup"])
    assert levels[-1].tokens == counted["tokens"]["document_tokens"]
    taken = {f"{level.name}.{reason.name}": reason.documents for level in levels for reason in level.taken}
    for fate, number in fates(counted["filter"], "dropped").items():
        assert taken[fate.name.replace("extract.", "extract text.")] == number
    for before, after in itertools.pairwise(levels):
        assert before.documents - after.lost == after.documents


@pytest.mark.integration
def test_samples_are_of_their_fate_and_say_what_decided(demo: Path) -> None:
    groups = samples(RunTables(Storage(demo)))
    assert groups[0].fate == Fate("kept")
    for group in groups:
        assert 1 <= len(group.samples) <= 12
        assert all(Fate(s.row.decision, s.row.step, s.row.reason) == group.fate for s in group.samples)
        assert bool(group.meaning) == (group.fate.decision != "kept")
    (words,) = (group for group in groups if group.fate.reason == "too_few_words")
    assert re.fullmatch(r"words \d+, min_words 50", words.samples[0].why)


@pytest.mark.integration
def test_a_run_that_stopped_early_has_a_shorter_report(tmp_path: Path) -> None:
    inputs = f"inputs=[{{reader: warc, paths: [{ROOT}/tests/sample/web.warc.gz], limit: 30}}]"
    recipe = load(ROOT / "configs" / "demo.yaml", [inputs])
    for until in ("extract", "filter"):
        run_recipe(recipe, str(tmp_path), workers=1, until=until, quiet=True)
        text = (tmp_path / "report.html").read_text()
        assert '<section id="funnel">' in text
        assert '<section id="packing">' not in text


@pytest.mark.integration
def test_a_second_run_is_compared(demo: Path, tmp_path: Path) -> None:
    shutil.copytree(demo, tmp_path / "run")
    recipe = load(ROOT / "configs" / "demo.yaml", ["gopher_quality.min_words=150"])
    run_recipe(recipe, str(tmp_path / "run"), workers=1, until="dedup", quiet=True)
    write_report(Storage(tmp_path / "run"), Storage(demo))
    text = (tmp_path / "run" / "report.html").read_text()
    assert '<section id="comparison">' in text
    assert "steps: " in text
    assert "dropped by gopher_quality.too_few_words in this run" in text
    assert "dropped by gopher_quality.too_few_words in the other run" not in text
    assert 'class="other"' in text


@pytest.mark.integration
def test_packing_is_what_the_shards_hold(demo: Path, tmp_path: Path) -> None:
    """A mix that repeats and a budget that leaves out; every figure is counted again from the rows."""
    shutil.copytree(demo, tmp_path / "run")
    recipe = load(
        ROOT / "configs" / "demo.yaml", ["pack.mix={web: 2}", "pack.tokens=25000", "pack.seq_len=128"]
    )
    run_recipe(recipe, str(tmp_path / "run"), workers=1, quiet=True)
    rows = [
        row
        for path in sorted((tmp_path / "run" / "shards").glob("*.parquet"))
        for row in pq.read_table(path).to_pylist()
    ]
    packed = packing(RunTables(Storage(tmp_path / "run")))
    assert packed is not None
    assert packed.counts["tokens_over_budget"] > 0
    assert (
        packed.counts["rows"] == packed.counts["train_rows"] + packed.counts["validation_rows"] == len(rows)
    )
    assert packed.counts["train_rows"] == 25000 // 128
    assert packed.counts["tokens"] == sum(sum(row["doc_lens"]) for row in rows)
    assert packed.counts["padding"] == sum(row["n_pad"] for row in rows)
    flags = [flag for row in rows for flag in row["doc_flags"]]
    assert packed.documents == sum(flag in (0, 2) for flag in flags)
    assert packed.cut == flags.count(2) > 0
    summary: Any = Report(str(tmp_path / "run")).section("summary")
    tokens = levels_of(RunTables(Storage(demo)))[-1].tokens
    assert f"<b>{tokens:,}</b><span>tokens</span>" in summary._repr_html_()


@pytest.mark.integration
def test_a_document_is_longer_than_a_row_with_its_separator(demo: Path, tmp_path: Path) -> None:
    """A row as long as a document without its separator: that one is cut, and the report counts it."""
    counts = RunTables(Storage(demo)).query("SELECT max(token_count) AS longest FROM token_counts")
    shutil.copytree(demo, tmp_path / "run")
    recipe = load(ROOT / "configs" / "demo.yaml", [f"pack.seq_len={counts[0]['longest']}"])
    run_recipe(recipe, str(tmp_path / "run"), workers=1, quiet=True)
    tables = RunTables(Storage(tmp_path / "run"))
    packed, lengths = packing(tables), token_lengths(tables)
    assert packed is not None
    assert lengths is not None
    assert sum(lengths.failed) == packed.cut == 1


@pytest.mark.integration
def test_a_browser_opens_it_quietly(demo: Path, tmp_path: Path) -> None:
    document, said, requests = browse(demo / "report.html", tmp_path)
    assert "finished documents" in document
    assert (said, requests) == ([], [])


@pytest.mark.integration
def test_hostile_documents_are_text(hostile: Path, tmp_path: Path) -> None:
    document, said, requests = browse(hostile / "report.html", tmp_path)
    assert (said, requests) == ([], [])
    assert "<title>hostile – corpusmill</title>" in document
    body = document[document.index("<body") :]
    for tag in ("<script", "<img", "<h1>escaped", "<svg onload", "onerror="):
        assert tag not in re.sub(r"&lt;.*?&gt;", "", body)
    assert "&lt;script&gt;document.title='ran'&lt;/script&gt;" in body
    assert '<i class="mark">\\u202e</i>gnp.exe' in body
    assert body.count("</main>") == 1


@pytest.mark.integration
def test_the_browser_test_can_fail(tmp_path: Path) -> None:
    """A page with a script, a broken one and an image is not quiet: the three things the test looks for."""
    loud = tmp_path / "loud.html"
    loud.write_text(
        "<title>t</title><script>document.title='ran'; undefined_name()</script><img src='http://127.0.0.1:9/x.png'>"
    )
    document, said, requests = browse(loud, tmp_path)
    assert "<title>ran</title>" in document
    assert any("undefined_name" in line for line in said)
    assert requests == ["http://127.0.0.1:9/x.png"]


@pytest.mark.integration
def test_notebooks_show_the_same_sections(demo: Path) -> None:
    section: Any = Report(str(demo)).section("funnel")
    assert 'class="corpusmill part"' in section._repr_html_()
