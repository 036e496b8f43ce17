"""Options of stage pack: what each changes, read back from the shards by the loader; `verify` and the laws hold."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest

from pipelines.store.balance import broken_laws
from pipelines.store.manifest import UnitCounts
from pipelines.views.verify_tables import token_faults
from pipelines.work.stage import Run
from tests.pipelines.conftest import MakeRun, pack_documents
from tokenizer_training.loader import ShardLoader
from tokenizer_training.model.split import is_validation
from tokenizer_training.model.tokenizer import Tokenizer
from tokenizer_training.shards.schema import NoRowsError

pytestmark = pytest.mark.integration

TEXTS = [" ".join(["river", "the stone", "über 2024"][n % 3] for _ in range(1 + n % 50)) for n in range(600)]


def do(made: tuple[Run, dict[str, Any], dict[str, Any]]) -> tuple[Run, dict[str, int]]:
    """Run the stage; check the laws in the counts and in the data; return the counts."""
    run, documents, tokenizer = made
    manifest = pack_documents(run, documents, tokenizer)
    assert list(token_faults(run.storage, documents, manifest)) == []
    tokens = manifest.total("tokens")
    assert tokens["document_tokens"] + tokens["separators"] + tokens["padding"] == tokens["slots"]
    shards = manifest.folder("shards")
    assert sum(file.rows for file in shards) == tokens["rows"] - tokens["rows_over_budget"]
    return run, tokens


def times_packed(run: Run, **options: Any) -> Counter[str]:
    """Return how often each document's end stands in the shards."""
    found: Counter[str] = Counter()
    for split in ("train", "validation"):
        for batch in ShardLoader(run.storage.path("shards"), split, **options):
            ends = batch["doc_ids"][batch["doc_flags"] & 2 == 0]
            found.update(row.tobytes().hex() for row in ends)
    return found


def origins(run: Run, column: str) -> dict[str, Any]:
    """Return a column of the documents by id."""
    tables = [pq.read_table(path) for path in sorted(run.storage.path("documents").glob("*.parquet"))]
    return {row["id"]: row[column] for table in tables for row in table.to_pylist()}


def test_a_mix_repeats_and_leaves_out(make_run: MakeRun) -> None:
    run, counts = do(make_run(TEXTS, mix={"wikipedia": 3.0, "web": 0.5}))
    packed, sources = times_packed(run), origins(run, "source")
    assert counts["documents"] == 600
    for name, source in sources.items():
        if source == "wikipedia":
            assert packed[name] == (1 if is_validation(name, 0.1) else 3)
        else:
            assert packed[name] in (0, 1)
    web = [packed[name] for name, source in sources.items() if source == "web"]
    assert 0.4 < np.mean(web) < 0.6
    assert counts["left_out"] == web.count(0)
    assert counts["repeats"] == 2 * sum(number == 3 for number in packed.values())


@pytest.mark.parametrize("table", ["fineweb2", {"2": 2.0, "3": 3.0, "5": 5.0, "100": 8.0, "1000": 1.0}])
def test_clusters_repeat_by_their_size(make_run: MakeRun, table: Any) -> None:
    """FineWeb-2's numbers; validation is never repeated; what is packed more often is counted."""
    run, counts = do(make_run(TEXTS, repeat_by_cluster_size=table))
    packed, sizes = times_packed(run), origins(run, "cluster_size")
    times = {1: 1, 2: 2, 4: 3, 7: 5, 150: 8, 2000: 1}
    assert set(sizes.values()) == set(times)
    expected = {name: 1 if is_validation(name, 0.1) else times[size] for name, size in sizes.items()}
    assert packed == expected
    assert counts["repeats"] == sum(expected.values()) - 600
    assert counts["left_out"] == 0


def test_clusters_and_sources_multiply(make_run: MakeRun) -> None:
    """1.5 of each: half of the documents twice, chosen by their ids; and sizes may be left out."""
    run, counts = do(
        make_run(TEXTS, mix={"web": 0.5, "wikipedia": 2.0}, repeat_by_cluster_size={"1": 0.0, "2": 3.0})
    )
    packed, sizes, sources = times_packed(run), origins(run, "cluster_size"), origins(run, "source")
    for name, size in sizes.items():
        most = 0 if size == 1 else 6 if sources[name] == "wikipedia" else 2
        assert packed[name] <= (min(most, 1) if is_validation(name, 0.1) else most)
        if not is_validation(name, 0.1):
            assert packed[name] >= (most if most != 2 else 1)
    web = [packed[name] for name, source in sources.items() if source == "web" and sizes[name] > 1]
    assert 0.35 < np.mean([number == 2 for number in web]) < 0.65
    assert counts["left_out"] == sum(size == 1 for size in sizes.values())


def test_a_token_budget_ends_the_training_split_at_that_row(make_run: MakeRun) -> None:
    """The rows that stay are those of a run without one; validation is not touched."""
    whole, counts = do(make_run(TEXTS, out="whole"))
    run, budgeted = do(make_run(TEXTS, out="budget", tokens=64 * 20 + 63))
    rows = [
        [row.tobytes() for batch in ShardLoader(r.storage.path("shards")) for row in batch["input_ids"]]
        for r in (whole, run)
    ]
    assert len(rows[1]) == 20
    assert rows[1] == rows[0][:20]
    assert budgeted["rows_over_budget"] == counts["train_rows"] - 20
    held = [ShardLoader(r.storage.path("shards"), "validation").shards.rows for r in (whole, run)]
    assert held[0] == held[1] == counts["validation_rows"]


def test_a_budget_larger_than_the_corpus_changes_nothing(make_run: MakeRun) -> None:
    run, counts = do(make_run(TEXTS[:50], tokens=10**9))
    assert counts["rows_over_budget"] == counts["tokens_over_budget"] == 0
    assert set(times_packed(run).values()) == {1}


def test_every_language_has_shards_of_its_own(make_run: MakeRun) -> None:
    run, _ = do(make_run(TEXTS, by_language=True))
    languages = origins(run, "language")
    for language in ("de", "en"):
        mine = {name for name, found in languages.items() if found == language}
        assert times_packed(run, language=language) == Counter(mine)
    assert times_packed(run) == Counter([*languages])
    files = {path.parent.name for path in run.storage.path("shards").glob("*/train-*.parquet")}
    assert files == {"de", "en"}
    with pytest.raises(NoRowsError, match="there are no train rows of language fr"):
        ShardLoader(run.storage.path("shards"), language="fr")


@pytest.mark.parametrize("strategy", ["best_fit", "concat", "one_document_per_row"])
def test_rows_of_one_more_token_give_inputs_and_targets_of_seq_len(make_run: MakeRun, strategy: str) -> None:
    run, counts = do(make_run(TEXTS, row_len="L+1", strategy=strategy))
    assert counts["slots"] == counts["rows"] * 65
    loader = ShardLoader(run.storage.path("shards"), shifted=True)
    assert (loader.shards.header.seq_len, loader.shards.header.packing) == (64, strategy)
    batch = next(iter(loader))
    assert batch["input_ids"].shape == batch["labels"].shape == (8, 64)
    targets = batch["labels"][:, :-1] != -100
    assert (batch["labels"][:, :-1] == batch["input_ids"][:, 1:])[targets].all()
    assert set(times_packed(run).values()) == {1}


def test_strategies_differ_in_padding_and_cuts(make_run: MakeRun) -> None:
    counts = {
        strategy: do(make_run(TEXTS, out=strategy, strategy=strategy))[1]
        for strategy in ("best_fit", "concat", "one_document_per_row")
    }
    assert counts["concat"]["rows"] <= counts["best_fit"]["rows"] < counts["one_document_per_row"]["rows"]
    assert len({found["document_tokens"] for found in counts.values()}) == 1


def test_copies_of_a_document_decode_to_its_text(make_run: MakeRun) -> None:
    run, _ = do(make_run(TEXTS[:200], mix={"wikipedia": 2.0}))
    tokenizer, texts = Tokenizer.load(run.storage.path("tokenizer")), origins(run, "text")
    for batch in ShardLoader(run.storage.path("shards")):
        sequences = np.split(batch["input_ids"].reshape(-1), batch["cu_seqlens"][1:-1])
        documents = [tokens for tokens in sequences if (tokens != 3).any()]
        for name, flags, tokens in zip(batch["doc_ids"], batch["doc_flags"], documents, strict=True):
            if flags == 0:
                assert tokenizer.decode(tokens[:-1]) == texts[name.tobytes().hex()]


def test_the_laws_are_those_of_the_whole_run(make_run: MakeRun) -> None:
    run, documents, tokenizer = make_run(TEXTS, mix={"web": 0.3}, tokens=1000)
    manifest = pack_documents(run, documents, tokenizer)
    records = UnitCounts("all", {"records": {"kept": 600, "seen": 600}})
    assert broken_laws({"pack": manifest, "dedup": replace(documents, units=(records,))}) == []
