"""Time and memory of a blocklist of ten million domains, and of looking addresses up in it.

Usage: ``python tests/bench/url_lists.py [ENTRIES]``.
"""

from __future__ import annotations

import resource
import sys
import tempfile
import time
from pathlib import Path

from filters.document import Document, Origin, Place
from filters.text import TextView
from filters.url_blocklist import UrlBlocklist


def peak_mb() -> float:
    """Return the greatest resident size of this process so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def look_up(step: UrlBlocklist, url: str) -> object:
    """Return whether the step finds the domain of an address."""
    document = Document("", None, "", url, "web", None, None, None, Origin("", Place(0, 0, 0)))
    return step.apply(TextView(document))[1]["domain_listed"]


def main() -> None:
    """Print the table."""
    entries = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000_000
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "domains"
        with path.open("w") as file:
            file.writelines(
                f"site{number:x}.some-words.example{number % 97}.com\n" for number in range(entries)
            )
        step = UrlBlocklist(domains=str(path))
        before, began = peak_mb(), time.process_time()
        assert look_up(step, "http://site0.some-words.example0.com/")
        loaded = time.process_time() - began
        print(f"{entries:,} entries, {path.stat().st_size / 1e6:.0f} MB: {loaded:.1f} CPU s")
        more = (peak_mb() - before) * 2**20 / entries
        print(f"peak {peak_mb():.0f} MB, {before:.0f} MB before: {more:.0f} bytes an entry")
    began = time.process_time()
    hits = sum(
        bool(look_up(step, f"https://site{n:x}.some-words.example{n % 2 or n % 97}.com/{n}"))
        for n in range(20_000)
    )
    print(f"{20_000 / (time.process_time() - began):,.0f} addresses a CPU second, {hits} found")


if __name__ == "__main__":
    main()
