"""What AllenAI's dolma 1.2.1 does with the files of ``tests.bench.anchors``; run it with a Python that has it.

Usage: PYTHON with_dolma.py read WARC | extract PAGES TEXTS
Needs: dolma[warc]==1.2.1. It removes exact copies of documents and paragraphs; the near-duplicate tools of
Dolma 3 are Rust programs outside the package index.
"""

from __future__ import annotations

import gzip
import json
import subprocess
import sys
import tempfile
from pathlib import Path

from dolma.warc.linearizers import LinearizerRegistry


def read(warc: str) -> None:
    """Print how many documents its command writes, and how it ended."""
    command = [
        str(Path(sys.executable).with_name("dolma")),
        "warc",
        "--source_name",
        "web",
        "--processes",
        "1",
    ]
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run(
            [*command, "--documents", warc, "--destination", folder], capture_output=True, text=True
        )
        pages = 0
        for path in Path(folder).rglob("*.gz"):
            try:
                with gzip.open(path) as lines:
                    pages += sum(1 for _ in lines)
            except EOFError:
                pass  # its writer died; what could be read is counted
    end = done.stderr.strip().splitlines()[-1] if done.returncode else ""
    print(json.dumps({"pages": pages, "end": end}))


def extract(pages: str, texts: str) -> None:
    """Write the text of each page as a JSON line, by the linearizer that is its default."""
    linearizer = LinearizerRegistry.get("resiliparse")()
    html = (json.loads(line)["html"] for line in Path(pages).read_text().splitlines())
    Path(texts).write_text("\n".join(json.dumps(linearizer.linearize(page)) for page in html))


if __name__ == "__main__":
    {"read": read, "extract": extract}[sys.argv[1]](*sys.argv[2:])
