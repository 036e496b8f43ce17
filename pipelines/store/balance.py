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
from typing import Any

Manifest = Mapping[str, Any]
Manifests = Mapping[str, Manifest]
"""Stage manifests by the name of the stage; stages that were not run are absent."""


def balance(manifests: Manifests) -> dict[str, Any]:
    """Return all counts of a run, summed over its units."""
    result: dict[str, Any] = {}
    if "extract" in manifests:
        result["bytes"] = _sum(manifests["extract"], "bytes")
        result["spans"] = _sum(manifests["extract"], "spans")
        result["damaged_spans"] = sum(u["counts"]["damaged_spans"] for u in manifests["extract"]["units"])
    for stage in ("extract", "filter", "dedup"):
        if stage in manifests:
            result[stage] = _sum(manifests[stage], "records")
    for edit in ("removed_lines", "removed_substrings"):
        lost = _sum(manifests.get("dedup", {"units": ()}), edit)
        if lost:
            result[edit] = lost
    if "train-tokenizer" in manifests:
        result["tokenizer"] = _sum(manifests["train-tokenizer"], None)
    if "pack" in manifests:
        result["tokens"] = _sum(manifests["pack"], "tokens")
    return result


def broken_laws(manifests: Manifests) -> list[str]:
    """Return one line for every law of the balance that does not hold; empty when all do."""
    return [
        *_byte_faults(manifests),
        *_record_faults(manifests),
        *_stage_faults(manifests),
        *_token_faults(manifests),
    ]


def files_read(extract: Manifest) -> dict[tuple[str, str], dict[str, Any]]:
    """Return bytes by kind, records by fate and size of each input file, by (source, file)."""
    files: dict[tuple[str, str], dict[str, Any]] = defaultdict(
        lambda: {"bytes": Counter(), "records": Counter(), "size": 0, "damaged_spans": 0}
    )
    for unit in extract["units"]:
        counts = unit["counts"]
        entry = files[counts["source"], counts["file"]]
        entry["size"] = counts["size"]
        entry["bytes"].update(counts["bytes"])
        entry["records"].update(counts["records"])
        entry["damaged_spans"] += counts["damaged_spans"]
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


def by_fate(records: Mapping[str, int], fate: str) -> dict[str, int]:
    """Return counts by reason of one fate (``dropped``, ``error``, ``removed``), largest first."""
    found = {name.partition(" ")[2]: n for name, n in records.items() if name.startswith(f"{fate} ")}
    return dict(sorted(found.items(), key=lambda item: (-item[1], item[0])))


def _sum(manifest: Manifest, section: str | None) -> dict[str, int]:
    total: Counter[str] = Counter()
    for unit in manifest["units"]:
        counts = unit["counts"] if section is None else unit["counts"].get(section, {})
        total.update({name: value for name, value in counts.items() if isinstance(value, int)})
    return dict(sorted(total.items()))


def _byte_faults(manifests: Manifests) -> Iterator[str]:
    if "extract" not in manifests:
        return
    for (source, file), entry in files_read(manifests["extract"]).items():
        found = sum(entry["bytes"].values())
        if found != entry["size"]:
            yield f"bytes: {source}:{file} has {entry['size']} bytes, spans account for {found}"


def _record_faults(manifests: Manifests) -> Iterator[str]:
    for stage in ("extract", "filter", "dedup"):
        for unit in manifests.get(stage, {}).get("units", ()):
            records = unit["counts"].get("records", {})
            rest = sum(n for name, n in records.items() if name != "seen")
            if records.get("seen", 0) != rest:
                yield f"records: {stage} unit {unit['unit']} saw {records.get('seen', 0)}, accounts for {rest}"


def _stage_faults(manifests: Manifests) -> Iterator[str]:
    counted = balance(manifests)
    if "filter" in counted:
        # The ledger has a row for every content record, so both stages see the same ones.
        seen, recorded = counted["extract"].get("seen", 0), counted["filter"].get("seen", 0)
        if seen != recorded:
            yield f"stages: extract saw {seen} records, the ledger has {recorded}"
    if "filter" in counted and counted.get("dedup"):
        passed, seen = kept(counted["filter"]), counted["dedup"].get("seen", 0)
        if passed != seen:
            yield f"stages: filter kept {passed}, dedup saw {seen}"
    if "tokens" in counted:
        passed = kept(counted["dedup"]) if counted.get("dedup") else kept(counted["filter"])
        packed = counted["tokens"].get("documents", 0)
        if passed != packed:
            yield f"stages: {passed} documents were finished, {packed} were packed"


def _token_faults(manifests: Manifests) -> Iterator[str]:
    tokens = balance(manifests).get("tokens")
    if tokens is None:
        return
    parts = tokens["document_tokens"] + tokens["separators"] + tokens["padding"]
    if parts != tokens["slots"]:
        yield f"tokens: documents + separators + padding = {parts}, rows hold {tokens['slots']}"
