"""What `show` finds: filters by fate, language, host and measure; paging; text that cannot act on a terminal."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
import unicodedata
from pathlib import Path
from typing import Any

import pytest

from pipelines.errors import InputError, RecipeError, VerificationError
from pipelines.recipe.load import load
from pipelines.run import run_recipe
from pipelines.store.storage import Storage
from pipelines.views import show as showing
from pipelines.views.found import DamagedSpan, Found
from pipelines.views.query import Between, Query
from pipelines.views.show import records, show

ROOT = Path(__file__).resolve().parents[3]


def found(run: Path, **asked: Any) -> list[Found]:
    return list(records(Storage(run), Query(**{"limit": None, **asked})))


@pytest.mark.integration
def test_filters_narrow_what_is_kept(demo: Path) -> None:
    kept = found(demo)
    german = found(demo, language="de")
    assert german
    assert german == [row for row in kept if row.language == "de"]
    long = found(
        demo, between=(Between("gopher_quality.words", 200, None), Between("language_score", None, 0.98))
    )
    assert long == [
        row
        for row in kept
        if int(row.measures["gopher_quality.words"] or 0) >= 200 and (row.language_score or 0) <= 0.98
    ]
    assert 0 < len(long) < len(kept)


@pytest.mark.integration
def test_a_language_that_is_not_there_is_told_those_that_are(demo: Path) -> None:
    with pytest.raises(InputError, match="the languages of the run, most frequent first, are en, de, "):
        found(demo, language="english")


@pytest.mark.integration
def test_a_domain_is_a_host_and_those_below_it(demo: Path) -> None:
    rows = found(demo, domain="Sample.example")
    assert rows
    assert all((row.url or "").startswith("https://wiki.sample.example/") for row in rows)
    with pytest.raises(InputError, match="no record matches"):
        found(demo, domain="ample.example")


@pytest.mark.integration
def test_pages_join_to_the_whole(demo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = found(demo)
    monkeypatch.setattr(showing, "PAGE_ROWS", 7)
    assert found(demo) == whole
    assert found(demo, skip=10, limit=9) == whole[10:19]


@pytest.mark.integration
def test_an_unknown_measure_names_those_there_are(demo: Path) -> None:
    with pytest.raises(RecipeError, match=r"no measure 'words'; it has .*gopher_quality\.words"):
        found(demo, between=(Between("words", 1, None),))


@pytest.mark.integration
def test_a_step_that_dropped_nothing_is_told_from_those_that_did(demo: Path) -> None:
    with pytest.raises(InputError, match=r"the steps that dropped something are .*gopher_quality"):
        found(demo, dropped="gopher_qualty")


@pytest.mark.parametrize("text", ["words", "words=3", "=1:2", "words=a:b"])
def test_bounds_that_are_none_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        Between.parse(text)


@pytest.mark.integration
def test_a_run_that_stopped_after_a_stage_is_shown(tmp_path: Path) -> None:
    inputs = f"inputs=[{{reader: warc, paths: [{ROOT}/tests/sample/web.warc.gz], limit: 12}}]"
    run_recipe(load(ROOT / "configs" / "demo.yaml", [inputs]), str(tmp_path), 1, until="extract", quiet=True)
    rows = found(tmp_path)
    assert rows
    assert all(row.bytes == len((row.text or "").encode()) for row in rows)
    with pytest.raises(VerificationError, match="there is no run here"):
        found(tmp_path / "elsewhere")


@pytest.mark.integration
def test_errors_are_what_they_said_after_the_damaged_spans(tmp_path: Path) -> None:
    whole = (ROOT / "tests" / "sample" / "web.warc.gz").read_bytes()
    (tmp_path / "a.warc.gz").write_bytes(whole[:5000])
    (tmp_path / "b.jsonl").write_text('{"text": "hello"}\nnot json\n')
    inputs = f"inputs=[{{reader: warc, paths: [{tmp_path}/*.warc.gz]}}, {{reader: jsonl, paths: [{tmp_path}/b.jsonl]}}]"
    recipe = load(ROOT / "configs" / "demo.yaml", [inputs, "steps=[]"])
    run_recipe(recipe, str(tmp_path / "run"), 1, until="filter", quiet=True)
    damaged, wrong = show(Storage(tmp_path / "run"), Query(errors=True))
    assert isinstance(damaged, DamagedSpan)
    assert damaged.as_text().splitlines()[1] == "the file ends inside a gzip member; fetch the file again"
    assert damaged.offset + damaged.length == 5000
    assert isinstance(wrong, Found)
    assert wrong.message
    assert wrong.message in wrong.as_text()
    assert wrong.why == "the line is not a JSON object"


@pytest.mark.integration
def test_what_a_removed_copy_is_a_copy_of_is_said(demo: Path) -> None:
    row = next(row for row in found(demo) if row.kept_copy is False)
    assert f"kept by the steps, removed as {row.layer} duplicate of {row.keeper}" in row.as_text()


@pytest.mark.integration
def test_nothing_hostile_reaches_the_terminal(hostile: Path) -> None:
    rows = [*found(hostile, where="true")]
    assert len(rows) > 20
    for row in rows:
        said = row.as_text(whole=True)
        assert not [
            c for c in said if c != "\n" and unicodedata.category(c) in {"Cc", "Cf", "Co", "Cs", "Zl", "Zp"}
        ]


@pytest.mark.integration
def test_a_dropped_document_says_which_measure_decided(demo: Path) -> None:
    row = found(demo, dropped="gopher_quality.too_few_words")[0]
    assert row.why == f"words {row.measures['gopher_quality.words']}, min_words 50"
    assert f"too_few_words ({row.why})" in row.as_text()


@pytest.mark.integration
def test_on_a_terminal_a_pager_shows_all_and_may_be_closed_early(demo: Path) -> None:
    """`head` stands for a reader who leaves after three lines."""
    primary, secondary = pty.openpty()
    command = [sys.executable, "-m", "pipelines.cli", "show", str(demo)]
    environment = os.environ | {"PAGER": "head -n 3", "PYTHONPATH": str(ROOT), "TERM": "dumb"}
    process = subprocess.Popen(
        command, stdin=secondary, stdout=secondary, stderr=subprocess.PIPE, env=environment
    )
    os.close(secondary)
    stderr = process.communicate()[1]
    said = os.read(primary, 100_000)
    os.close(primary)
    assert (process.returncode, stderr) == (0, b"")
    assert len(said.splitlines()) == 3
