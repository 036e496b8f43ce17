"""What corpusmill does with the files of ``tests.bench.anchors``, by its command line where it has one.

Usage: PYTHON with_corpusmill.py read WARC | extract PAGES TEXTS | dedup DOCUMENTS FOLDER
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import yaml

from pipelines.extraction.engines import CapError, load_engine
from pipelines.recipe.recipe import Extract
from pipelines.store.storage import Storage
from pipelines.views.run_tables import RunTables


def run(folder: str, until: str, recipe: dict[str, Any]) -> RunTables:
    """Run a recipe up to a stage; return its tables."""
    path = Path(folder) / "recipe.yaml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(yaml.safe_dump({"name": "anchor"} | recipe))
    command = [str(Path(sys.executable).with_name("corpusmill")), until, str(path), "--quiet"]
    subprocess.run([*command, "--out", str(Path(folder) / "run")], check=True, stdout=sys.stderr)
    return RunTables(Storage(str(Path(folder) / "run")))


def read(warc: str) -> None:
    """Print how many pages have a row, and the damage that was reported."""
    with tempfile.TemporaryDirectory() as folder:
        tables = run(folder, "extract", {"inputs": [{"reader": "warc", "paths": [warc]}]})
        pages = tables.query("SELECT count(*) AS pages FROM extracted")[0]["pages"]
        damage = tables.query('SELECT reason, "offset", length FROM errors WHERE id IS NULL')
        end = "; ".join(
            f"{span['reason']} at byte {span['offset']}, {span['length']} bytes" for span in damage
        )
        print(json.dumps({"pages": pages, "end": end}))


def extract(pages: str, texts: str) -> None:
    """Write the text of each page as a JSON line, by the engine that is its default."""
    engine = load_engine(Extract().engine)
    lines = []
    for line in Path(pages).read_text().splitlines():
        try:
            text = engine(json.loads(line)["html"])
        except CapError:
            text = ""
        lines.append(json.dumps(text))
    Path(texts).write_text("\n".join(lines))


def dedup(documents: str, folder: str) -> None:
    """Print the ids of the documents that dedup keeps."""
    inputs = [{"reader": "jsonl", "paths": [documents]}]
    tables = run(folder, "dedup", {"inputs": inputs, "steps": [], "dedup": {"minhash": {"similarity": 0.7}}})
    print(json.dumps({"kept": [row["record_id"] for row in tables.query("SELECT record_id FROM documents")]}))


if __name__ == "__main__":
    {"read": read, "extract": extract, "dedup": dedup}[sys.argv[1]](*sys.argv[2:])
