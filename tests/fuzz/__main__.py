"""Coverage-guided fuzzing of the readers: ``python -m tests.fuzz READER [MINUTES]``; needs the extra ``fuzz``.

What breaks a reader is written to ``tests/fuzz/crashers/READER/`` and replayed by the tests from then on.
"""

from __future__ import annotations

import hashlib
import sys
import tempfile
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["pipelines.readers"]):
    from tests.fuzz.readers import SMALL_SEEDS, accounted, crashers, find_reader

    for name in SMALL_SEEDS:
        find_reader(name)  # a reader is imported when it is first looked for

from pipelines.errors import InputError

MAX_BYTES = 8_000


def main() -> None:
    """Fuzz one reader for some minutes, beginning with its seeds."""
    reader, minutes = sys.argv[1], float(sys.argv[2]) if len(sys.argv) > 2 else 1.0
    corpus = Path(tempfile.mkdtemp(prefix=f"fuzz-{reader}-"))
    for number, seed in enumerate(SMALL_SEEDS[reader]):
        (corpus / f"seed-{number}").write_bytes(seed)

    def test_one(data: bytes) -> None:
        try:
            accounted(reader, data)
        except InputError:
            return  # the file as a whole is refused, by name
        except BaseException:
            crashers(reader).mkdir(parents=True, exist_ok=True)
            (crashers(reader) / hashlib.sha256(data).hexdigest()[:16]).write_bytes(data)
            raise

    options = [
        f"-max_total_time={60 * minutes:.0f}",
        f"-max_len={MAX_BYTES}",
        "-rss_limit_mb=2048",
        str(corpus),
    ]
    atheris.Setup([sys.argv[0], *options], test_one)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
