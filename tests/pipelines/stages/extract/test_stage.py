"""Stage extract: every byte and record of a unit is accounted for."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from pipelines.readers.jsonl import Jsonl
from pipelines.readers.record import Reader
from pipelines.readers.warc import Warc
from pipelines.recipe.recipe import Extract
from pipelines.stages.extract.stage import Settings, process_unit
from pipelines.stages.extract.units import Unit
from pipelines.work.task import Batch, Counts


def extract(reader: Reader, path: Path) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """Do a file as one unit; return the rows of all its tables, and its counts."""
    size = path.stat().st_size
    unit = Unit("0" * 16, 0, "web", path.name, str(path), 0, size, None, f"{size}:0")
    parts = list(process_unit(unit, Settings((reader,), Extract())))
    rows = [row for part in parts if isinstance(part, Batch) for row in part.table.to_pylist()]
    return rows, next(dict(part.counts) for part in parts if isinstance(part, Counts))


@pytest.mark.parametrize("reader", [Warc(), Jsonl()])
def test_an_empty_file_is_reported(reader: Reader, tmp_path: Path) -> None:
    """What a failed transfer leaves must not pass for an archive without records."""
    path = tmp_path / "a.gz"
    path.touch()
    errors, counts = extract(reader, path)
    assert [(row["reason"], row["offset"], row["length"]) for row in errors] == [("empty_file", 0, 0)]
    assert (counts["damaged_spans"], counts["size"], sum(counts["bytes"].values())) == (1, 0, 0)


def test_characters_for_undecodable_bytes_are_counted(tmp_path: Path) -> None:
    """One byte of the page is no UTF-8."""
    block = (
        b"HTTP/1.1 200 OK\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n"
        + "déjà vu ".encode() * 50
        + b"\xff end"
    )
    head = b"WARC/1.0\r\nWARC-Type: response\r\nContent-Length: %d\r\n\r\n" % len(block)
    path = tmp_path / "a.warc"
    path.write_bytes(head + block + b"\r\n\r\n")
    rows, counts = extract(Warc(), path)
    assert rows[0]["text"].endswith("vu \ufffd end")
    assert counts["replaced_characters"] == 1


def test_records_of_other_types_are_counted(tmp_path: Path) -> None:
    path = tmp_path / "a.warc"
    kinds = ("warcinfo", "request", "metadata", "request", "revisit")
    path.write_bytes(
        b"".join(
            b"WARC/1.0\r\nWARC-Type: %b\r\nContent-Length: 1\r\n\r\nx\r\n\r\n" % k.encode() for k in kinds
        )
    )
    rows, counts = extract(Warc(), path)
    assert rows == []
    assert counts["spans"] == {"warcinfo": 1, "request": 2, "metadata": 1, "revisit": 1}
