"""The balance of a run: every byte, record, duplicate and token is accounted for, or a law is broken.

The counts are those of the stage manifests, which sum the sidecars written after the data; ``verify`` also
recounts them from the tables. Laws, per file and per stage where they apply::

    bytes    size of the file = sum over kinds of spans, damaged ones included
    records  seen = kept + dropped by reason + errors by reason
    stages   kept by one stage = seen by the next
    dups     kept + removed = seen
    tokens   document tokens + separators + padding = rows x row length
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from pipelines.store.manifest import Balance, Manifest

Manifests = Mapping[str, Manifest]
"""Stage manifests by the name of the stage; stages that were not run are absent."""


@dataclass
class FileCounts:
    """What became of an input file.

    Attributes:
        size: in bytes.
        bytes: by kind of span.
        records: by fate, and all that were ``seen``.
        damaged_spans: their number.
    """

    size: int = 0
    bytes: Counter[str] = field(default_factory=Counter)
    records: Counter[str] = field(default_factory=Counter)
    damaged_spans: int = 0


def balance(manifests: Manifests) -> Balance:
    """Return all counts of a run, summed over its units."""
    extract, dedup = manifests.get("extract"), manifests.get("dedup")
    totals = {
        stage: manifests[stage].total("records")
        for stage in ("extract", "filter", "dedup")
        if stage in manifests
    }
    return Balance(
        bytes=extract.total("bytes") if extract else None,
        spans=extract.total("spans") if extract else None,
        damaged_spans=extract.total().get("damaged_spans", 0) if extract else None,
        removed_lines=(dedup.total("removed_lines") or None) if dedup else None,
        removed_substrings=(dedup.total("removed_substrings") or None) if dedup else None,
        tokenizer=manifests["train-tokenizer"].total() if "train-tokenizer" in manifests else None,
        tokens=manifests["pack"].total("tokens") if "pack" in manifests else None,
        **totals,
    )


def broken_laws(manifests: Manifests) -> list[str]:
    """Return one line for every law of the balance that does not hold; empty when all do."""
    return [
        *_byte_faults(manifests),
        *_record_faults(manifests),
        *_stage_faults(manifests),
        *_token_faults(manifests),
    ]


def files_read(extract: Manifest) -> dict[tuple[str, str], FileCounts]:
    """Return what became of each input file, by (source, file)."""
    files: dict[tuple[str, str], FileCounts] = defaultdict(FileCounts)
    for unit in extract.units:
        entry = files[str(unit.counts["source"]), str(unit.counts["file"])]
        entry.size = unit.number("size")
        entry.bytes.update(unit.section("bytes"))
        entry.records.update(unit.section("records"))
        entry.damaged_spans += unit.number("damaged_spans")
    return dict(files)


def in_shards(tokens: Mapping[str, int]) -> dict[str, int]:
    """Return what of the packed tokens the shards hold: all but the rows over a token budget.

    Args:
        tokens: section ``tokens`` of `balance`.

    Returns:
        ``rows``, ``train_rows`` and ``validation_rows``; ``tokens`` in them, separators included; ``padding``;
        ``slots``, the sum of both.
    """
    beyond = tokens.get("rows_over_budget", 0)
    rows = tokens["rows"] - beyond
    slots = tokens["slots"] * rows // max(tokens["rows"], 1)  # all rows are equally long
    filled = tokens["document_tokens"] + tokens["separators"] - tokens.get("tokens_over_budget", 0)
    return {
        "rows": rows,
        "train_rows": tokens.get("train_rows", 0) - beyond,  # validation has no budget
        "validation_rows": tokens.get("validation_rows", 0),
        "tokens": filled,
        "padding": slots - filled,
        "slots": slots,
    }


def kept(records: Mapping[str, int]) -> int:
    """Return how many records of a stage went on."""
    return records.get("kept", 0)


def _byte_faults(manifests: Manifests) -> Iterator[str]:
    if "extract" not in manifests:
        return
    for (source, file), entry in files_read(manifests["extract"]).items():
        found = sum(entry.bytes.values())
        if found != entry.size:
            yield f"bytes: {source}:{file} has {entry.size} bytes, spans account for {found}"


def _record_faults(manifests: Manifests) -> Iterator[str]:
    for stage in ("extract", "filter", "dedup"):
        for unit in manifests[stage].units if stage in manifests else ():
            records = unit.section("records")
            rest = sum(n for name, n in records.items() if name != "seen")
            if records.get("seen", 0) != rest:
                yield f"records: {stage} unit {unit.unit} saw {records.get('seen', 0)}, accounts for {rest}"


def _stage_faults(manifests: Manifests) -> Iterator[str]:
    counted = balance(manifests)
    if counted.filter is not None:
        # The ledger has a row for every content record, so both stages see the same ones.
        seen, recorded = (counted.extract or {}).get("seen", 0), counted.filter.get("seen", 0)
        if seen != recorded:
            yield f"stages: extract saw {seen} records, the ledger has {recorded}"
    if counted.filter is not None and counted.dedup:
        passed, seen = kept(counted.filter), counted.dedup.get("seen", 0)
        if passed != seen:
            yield f"stages: filter kept {passed}, dedup saw {seen}"
    if counted.tokens is not None:
        passed, packed = kept(counted.dedup or counted.filter or {}), counted.tokens.get("documents", 0)
        if passed != packed:
            yield f"stages: {passed} documents were finished, {packed} were packed"


def _token_faults(manifests: Manifests) -> Iterator[str]:
    tokens = balance(manifests).tokens
    if tokens is None:
        return
    parts = tokens["document_tokens"] + tokens["separators"] + tokens["padding"]
    if parts != tokens["slots"]:
        yield f"tokens: documents + separators + padding = {parts}, rows hold {tokens['slots']}"
