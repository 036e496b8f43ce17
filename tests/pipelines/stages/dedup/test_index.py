"""Looking up in the index of an older run what a new one shares with it: the same as reading the older run whole."""

from __future__ import annotations

import shutil
from collections import defaultdict
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.recipe.recipe import BandChoice, Dedup, Minhash
from pipelines.stages.dedup import index
from pipelines.stages.dedup.against import OlderRun, read_older
from pipelines.stages.dedup.index import gather_keys, look_up, write_keys
from pipelines.stages.dedup.search import Search, Sizes
from tests.pipelines.stages.dedup.corpora import corpus, dedupe, edited, essay, outcome, row, split, table

KEYS = st.integers(0, 40).map(lambda number: number * 0x0600000000000007)


@settings(deadline=None)  # it writes files
@given(st.lists(st.tuples(KEYS, st.integers(0, 9))), st.lists(KEYS), st.integers(1, 5))
def test_looking_up_is_the_definition(
    tmp_path_factory: pytest.TempPathFactory, pairs: list[tuple[int, int]], asked: list[int], partitions: int
) -> None:
    """Keys written by partition, documents of other runs among them, and put together."""
    root = str(tmp_path_factory.mktemp("index"))
    search = Search(root, Dedup(), "", own_units=7, partitions=partitions)
    parts = defaultdict[int, list[tuple[int, int]]](list)
    for key, unit in pairs:
        parts[(key >> 32) * partitions >> 32].append((key, unit << 32 | 5))
    for number, part in parts.items():
        keys, docs = np.array(part, dtype=np.uint64).T
        write_keys("bands", number, keys, docs, search)
    facts = gather_keys(search).files
    assert len(facts) == bool(pairs)
    found = look_up(Path(search.root) / "index/bands.keys", np.array(asked, dtype=np.uint64))
    assert found.tolist() == sorted({unit << 32 | 5 for key, unit in pairs if key in asked and unit < 7})


@pytest.mark.integration
@pytest.mark.parametrize(
    "section",
    [
        Dedup(),
        Dedup(url=True, minhash=None),
        Dedup(exact=False, url=True),
        Dedup(minhash=Minhash(bands=BandChoice(count=28, rows=4))),
    ],
    ids=["default", "url", "inexact", "other bands"],
)
def test_looking_up_and_reading_whole_are_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, section: Dedup
) -> None:
    """Two older runs of which the second has other bands or no URLs, and so is read whole."""
    rows = corpus(11, 40)
    rows += [row(one["text"], 5000 + n) for n, one in enumerate(rows[:20])]
    rows += [row(essay(9000 + n, 80), 6000 + n, url=rows[n]["url"]) for n in range(30)]
    third = len(rows) // 3
    first, second, new = rows[:third], rows[third : 2 * third], rows[2 * third :]
    dedupe(tmp_path / "a", split(first, 3), section)
    dedupe(tmp_path / "b", split(second, 2), Dedup(minhash=Minhash() if section.minhash else None))
    dedupe(tmp_path / "c", split(new[:5], 1), section)
    older = tuple(tmp_path / name for name in "abc")
    probed = [one.is_probed(section) for one in read_older(older, "new")]
    assert probed == [True, section == Dedup(), True]
    last = Dedup(**{**vars(section), "against": older})
    on_beam, flags = section == Dedup(), ("--direct_runner_bundle_repeat=2",)
    dedupe(tmp_path / "new", split(new, 2), last, on_beam=on_beam, beam_flags=flags)
    shutil.copytree(tmp_path / "new" / "documents", tmp_path / "kept")
    found = outcome(tmp_path / "new")
    monkeypatch.setattr(OlderRun, "is_probed", lambda *_: False)
    dedupe(tmp_path / "new", split(new, 2), last)
    assert outcome(tmp_path / "new") == found
    assert table(tmp_path, "kept") == table(tmp_path / "new", "documents")
    against = {one["against"] for one in table(tmp_path / "new", "duplicates")}
    assert {"a", "b"} <= against


@pytest.mark.integration
def test_only_what_shares_a_key_takes_part(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of an older run of three units one has a near-duplicate and one an exact copy; no more than these are read."""
    words = essay(7777, 150)
    units = {
        f"u{unit}": [row(essay(100 * unit + n, 150), 100 * unit + n) for n in range(30)] for unit in range(3)
    }
    units["u0"][7] = row(words, 7)
    dedupe(tmp_path / "old", units, Dedup())
    noted: dict[int, list[int]] = {}
    write = index.write_records

    def note(storage, table, owner, records) -> None:  # type: ignore[no-untyped-def]
        if table == index.ROWS:
            noted[owner] = records.tolist()
        write(storage, table, owner, records)

    monkeypatch.setattr(index, "write_records", note)
    new = [row(edited(words, 2), 1000), row(units["u2"][4]["text"], 1001), row(essay(8888, 150), 1002)]
    dedupe(tmp_path / "new", {"u": new}, Dedup(against=(tmp_path / "old",)))
    assert noted == {1: [7], 3: [4]}
    assert [one["id"] for one in table(tmp_path / "new", "documents")] == [new[2]["id"]]


@pytest.mark.integration
def test_the_index_depends_on_nothing_but_the_documents(tmp_path: Path) -> None:
    """Not on partitions; an older run's documents are not in it; and a run without bands has none of theirs."""
    rows = corpus(12)
    files = dedupe(tmp_path / "a", split(rows, 3), Dedup()).folder("index")
    assert [file.path for file in files] == ["index/bands.keys", "index/contents.keys"]
    assert files[0].bytes == 14 * files[1].bytes == 14 * 16 * len(rows)
    small = Sizes(partition_bytes=4000)
    dedupe(tmp_path / "old", split(corpus(13), 2), Dedup(), small)
    section = Dedup(against=(tmp_path / "old",))
    assert files == dedupe(tmp_path / "b", split(rows, 3), section, small).folder("index")
    manifest = dedupe(tmp_path / "b", split(rows, 3), Dedup(minhash=None), small)
    assert [file.path for file in manifest.folder("index")] == ["index/contents.keys"]
    assert not (tmp_path / "b" / "index" / "bands.keys").exists()
