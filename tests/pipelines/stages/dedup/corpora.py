"""Small corpora for the dedup stage, and the stage run on them."""

from __future__ import annotations

import dataclasses
import random
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pyarrow.parquet as pq

from filters.dedup.scheme import Scheme
from filters.document import document_id
from pipelines.publish.repo_tables import write_dropped
from pipelines.recipe.load import load
from pipelines.recipe.recipe import Dedup, Recipe
from pipelines.run import run_recipe
from pipelines.stages.dedup import stage as dedup
from pipelines.stages.dedup.plan import plan_search
from pipelines.stages.dedup.search import SIZES, Search, Sizes
from pipelines.store.manifest import Manifest, UnitResult, write_manifest
from pipelines.store.sealed import write_sealed
from pipelines.store.stage_key import stage_key
from pipelines.store.storage import Storage
from pipelines.store.tables import FILTERED, ledger_schema, to_table
from pipelines.views.report.funnel import by_layer
from pipelines.views.run_tables import RunTables
from pipelines.views.verify import verify
from pipelines.work.progress import Progress
from pipelines.work.stage import Run
from tests.conftest import ROOT
from tests.pipelines.stages.dedup.in_memory import without_beam

FILTER_KEY = stage_key("filter", {})
LEDGER = ledger_schema({"quality.score": float})
VOCABULARY = [f"{a}{b}{c}" for a in "bdfgkl" for b in "aeiou" for c in "mnprst"]
GROUP_ROWS = 3
SCHEME = Scheme()
Row = dict[str, Any]


def essay(seed: int, words: int = 120) -> list[str]:
    return random.Random(seed).choices(VOCABULARY, k=words)


def edited(words: list[str], changes: int, seed: int = 0) -> list[str]:
    """The same words with some replaced: each replacement changes up to five shingles."""
    chance, made = random.Random(seed), list(words)
    for place in chance.sample(range(len(words)), changes):
        made[place] = chance.choice(VOCABULARY) + "x"
    return made


def row(text: str | list[str], number: int, **fields: Any) -> Row:
    text = text if isinstance(text, str) else " ".join(text)
    where = {"source": "web", "file": "a.warc.gz", "offset": number, "length": 1, "index": 0, "bytes": 1}
    made = {**where, "text": text, "language": "en", "url": f"https://example.com/{number}", **fields}
    return {**made, "id": document_id(made["source"], made["file"], number, 0)}


def corpus(seed: int = 0, families: int = 30) -> list[Row]:
    """Families of an essay, copies, near copies and copies of near copies, of several lengths."""
    chance, texts = random.Random(seed), []
    for family in range(families):
        words = essay(1000 * seed + family, chance.randint(60, 200))
        texts.append(words)
        for child in range(chance.randint(0, 5)):
            words = edited(chance.choice([words, texts[-1]]), chance.randint(0, 8), child)
            texts.append(words[: len(words) - chance.randint(0, 3)])
    made = [row(text, number) for number, text in enumerate(texts)]
    chance.shuffle(made)
    return made


def prepare(
    folder: Path,
    units: Mapping[str, Sequence[Row]],
    section: Dedup,
    group_rows: int = GROUP_ROWS,
    **fields: Any,
) -> tuple[Run, Manifest]:
    """A run folder with these parts of ``filtered/``, of small row groups, and a ledger with their scores."""
    storage = Storage(folder)
    sidecars = []
    for unit, rows in units.items():
        with storage.table_writer(f"filtered/part-{unit}.parquet", FILTERED) as writer:
            writer.write(to_table(rows, FILTERED), row_group_size=group_rows)
        with storage.table_writer(f"ledger/part-{unit}.parquet", LEDGER) as ledger:
            dropped = {**row("", -1), "decision": "dropped", "quality.score": 9.0}
            judged = [{**one, "decision": "kept", "quality.score": one.get("score")} for one in rows]
            ledger.write(to_table([dropped, *judged], LEDGER))
        facts = [one.fact for one in (writer, ledger) if one.fact]
        sidecars.append(UnitResult(unit, {}, tuple(facts)))
    manifest = write_manifest(storage, "filtered", FILTER_KEY, (), sidecars)
    run = Run(Recipe(folder.name, (), dedup=section), storage, 1, (), Progress(storage, quiet=True))
    return dataclasses.replace(run, **fields), manifest


def dedupe(
    folder: Path,
    units: Mapping[str, Sequence[Row]],
    section: Dedup,
    sizes: Sizes = SIZES,
    on_beam: bool = False,
    **fields: Any,
) -> Manifest:
    """Run the stage and return its manifest; without Beam it takes a tenth of the time."""
    run, manifest = prepare(folder, units, section, **fields)
    write_sealed(run.storage, "work/name.json", {"name": run.recipe.name})
    with nullcontext() if on_beam else without_beam():
        return dedup.run_stage(run, manifest, dedup.key(run, FILTER_KEY), sizes)


@contextmanager
def inline() -> Iterator[None]:
    """Let records travel through the shuffle, as on a remote runner."""

    def plan(*arguments: Any) -> Search:
        return dataclasses.replace(plan_search(*arguments), by_file=False)

    with patch.object(dedup, "plan_search", plan):
        yield


def table(folder: Path, name: str) -> list[Row]:
    return [
        made for path in sorted((folder / name).glob("*.parquet")) for made in pq.read_table(path).to_pylist()
    ]


def outcome(folder: Path) -> dict[str, tuple[str, float, str | None, int]]:
    """Keeper, similarity, layer and size of each document in a cluster, by id."""
    rows = table(folder, "duplicates")
    return {r["id"]: (r["keeper"], r["similarity"], r["layer"], r["size"]) for r in rows}


def split(rows: Sequence[Row], parts: int) -> dict[str, list[Row]]:
    return {f"unit{part}": list(rows[part::parts]) for part in range(parts)}


def rerun_demo(demo: Path, out: Path, section: str, layer: str) -> set[str]:
    """Run the demo again up to dedup, with a section that takes the whole text of some documents by one layer.

    Verify, the balance, the report's funnel and publish agree on who they are; return their ids.
    """
    shutil.copytree(demo, out)
    recipe = load(ROOT / "configs" / "demo.yaml", [section])
    counted = run_recipe(recipe, str(out), workers=1, until="dedup", quiet=True).balance
    assert verify(Storage(out))[0] == []
    tables = RunTables(Storage(out))
    ids = {one["id"] for one in tables.query("SELECT id FROM emptied WHERE layer = ?", [layer])}
    assert ids
    assert not ids & {one["id"] for one in table(out, "documents")}
    edited = counted.removed_lines if layer == "lines" else counted.removed_substrings
    assert counted.dedup is not None
    assert edited is not None
    assert counted.dedup[f"removed {layer}"] == edited["documents_emptied"] == len(ids)
    (step,) = [reasons for name, reasons in by_layer(tables) if name == "remove duplicates"]
    assert [(reason.name, reason.documents) for reason in step] == [(layer, len(ids))]
    write_dropped(tables)
    files = (out / "work/publish").rglob("*.parquet")
    dropped = [one for path in files for one in pq.read_table(path).to_pylist()]
    assert {one["id"] for one in dropped if (one["step"], one["reason"]) == ("dedup", layer)} == ids
    return ids
