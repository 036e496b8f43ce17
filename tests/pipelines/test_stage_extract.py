"""Stage extract: every byte and record of a unit is accounted for."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import pytest

from pipelines.config import Extract
from pipelines.readers.jsonl import Jsonl
from pipelines.readers.record import Reader
from pipelines.readers.warc import Warc
from pipelines.stages.extract import Settings, process_unit
from pipelines.stages.run import Batch, Counts
from pipelines.units import Unit


@pytest.mark.parametrize("reader", [Warc(), Jsonl()])
def test_an_empty_file_is_reported(reader: Reader, tmp_path: Path) -> None:
    """What a failed transfer leaves must not pass for an archive without records."""
    path = tmp_path / "a.gz"
    path.touch()
    unit = Unit("0" * 16, 0, "web", "a.gz", str(path), 0, 0, None, "0:0")
    parts = list(process_unit(asdict(unit), Settings((reader,), Extract())))
    errors = [row for part in parts if isinstance(part, Batch) for row in part.table.to_pylist()]
    counts = next(part.counts for part in parts if isinstance(part, Counts))
    assert [(row["reason"], row["offset"], row["length"]) for row in errors] == [("empty_file", 0, 0)]
    assert (counts["damaged_spans"], counts["size"], sum(counts["bytes"].values())) == (1, 0, 0)
