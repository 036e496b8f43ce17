"""Count the records of real archives by type, beside warcio's count, and what becomes of their content.

    python tests/bench/archives.py [FOLDER]

One line a file: records of each type, whether warcio counts the same, content records by fate, damage. warcio cannot
read Zstandard, lz4 and bzip2, and stops at damage; then its column says so. Without a folder: ``data/real_warc``.
"""

from __future__ import annotations

import logging
import sys
from collections import Counter
from pathlib import Path

from warcio.archiveiterator import ArchiveIterator

from pipelines.readers.archive.content import kind_of
from pipelines.readers.record import Damaged, Record, Rejected, Span
from pipelines.readers.warc import Warc

REAL = Path(__file__).resolve().parents[3] / "shared" / "data" / "real_warc"
NO_TYPES = {"gzip", "bzip2", "zstd", "padding", "dictionary"}


def ours(path: Path) -> tuple[Counter[str], Counter[str]]:
    """Return records by type, and content by fate."""
    types: Counter[str] = Counter()
    fates: Counter[str] = Counter()
    with path.open("rb") as stream:
        for event in Warc().read(stream, 0, path.stat().st_size):
            match event:
                case Span() if event.kind not in NO_TYPES:
                    types[event.kind] += 1
                case Damaged():
                    fates[f"DAMAGED {event.reason}"] += 1
                case Record():
                    fates[event.media] += 1
                case Rejected():
                    fates[f"{'ERROR' if event.error else 'dropped'} {event.reason}"] += 1
    return types, fates


def theirs(path: Path) -> Counter[str] | str:
    """Return warcio's count of records by type, or the error that it ends with."""
    types: Counter[str] = Counter()
    try:
        with path.open("rb") as stream:
            for record in ArchiveIterator(stream, arc2warc=True):
                headers = {name.lower(): value for name, value in record.rec_headers.headers}
                types[kind_of(headers)] += 1
    except Exception as error:  # whatever ends it is the finding
        return f"{type(error).__name__} after {types.total()}"
    return types


def main() -> None:
    """Print the table."""
    logging.disable(logging.CRITICAL)
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else REAL
    total: Counter[str] = Counter()
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        types, fates = ours(path)
        total += types
        found = theirs(path)
        verdict = (
            "warcio agrees"
            if found == types
            else f"warcio: {found if isinstance(found, str) else dict(found)}"
        )
        print(
            f"{path.relative_to(folder)}\t{dict(sorted(types.items()))}\t{verdict}\t{dict(sorted(fates.items()))}"
        )
    print(f"all\t{dict(sorted(total.items()))}")


if __name__ == "__main__":
    main()
