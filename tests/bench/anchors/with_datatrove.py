"""What datatrove 0.10.1 does with the files of ``tests.bench.anchors``; run it with a Python that has it.

Usage: PYTHON with_datatrove.py read WARC | extract PAGES TEXTS | dedup DOCUMENTS FOLDER
Needs: datatrove[processing,io]==0.10.1 spacy. The settings are those of its ``examples/fineweb.py``.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from datatrove.data import Document
from datatrove.executor import LocalPipelineExecutor
from datatrove.pipeline.dedup import (
    MinhashDedupBuckets,
    MinhashDedupCluster,
    MinhashDedupFilter,
    MinhashDedupSignature,
)
from datatrove.pipeline.dedup.minhash import MinhashConfig
from datatrove.pipeline.extractors import Trafilatura
from datatrove.pipeline.readers import JsonlReader, WarcReader
from datatrove.pipeline.writers import JsonlWriter
from datatrove.utils.hashing import HashConfig


def read(warc: str) -> None:
    """Print how many pages come from a WARC, and what ended the reading."""
    pages, end = 0, ""
    try:
        for _ in WarcReader(str(Path(warc).parent), glob_pattern=Path(warc).name).run():
            pages += 1
    except Exception as error:  # whatever ends the reader is the finding
        end = f"{type(error).__name__}: {error}"
    print(json.dumps({"pages": pages, "end": end}))


def extract(pages: str, texts: str) -> None:
    """Write the text of each page as a JSON line."""
    extractor = Trafilatura(favour_precision=True, timeout=10)
    documents = [
        Document(text=json.loads(line)["html"], id=str(number))
        for number, line in enumerate(Path(pages).read_text().splitlines())
    ]
    found = {document.id: document.text for document in extractor.run(iter(documents))}
    lines = [json.dumps(found.get(str(number), "")) for number in range(len(documents))]
    Path(texts).write_text("\n".join(lines))


def dedup(documents: str, folder: str) -> None:
    """Print the ids of the documents that MinHash dedup keeps."""
    out, source = Path(folder), Path(documents)
    config = MinhashConfig(
        hash_config=HashConfig(hash_fc="sha1", precision=64), num_buckets=14, hashes_per_bucket=8
    )
    reader = JsonlReader(str(source.parent), glob_pattern=source.name)
    signatures, buckets, remove = (str(out / name) for name in ("signatures", "buckets", "remove"))
    for number, (tasks, *steps) in enumerate(
        (
            (1, reader, MinhashDedupSignature(output_folder=signatures, config=config)),
            (14, MinhashDedupBuckets(input_folder=signatures, output_folder=buckets, config=config)),
            (1, MinhashDedupCluster(input_folder=buckets, output_folder=remove, config=config)),
            (1, reader, MinhashDedupFilter(input_folder=remove), JsonlWriter(str(out), "kept.jsonl", None)),
        )
    ):
        logs = str(out / "logs" / str(number))
        LocalPipelineExecutor(steps, tasks=tasks, workers=1, logging_dir=logs).run()
    kept = [json.loads(line)["id"] for line in (out / "kept.jsonl").read_text().splitlines()]
    print(json.dumps({"kept": kept}))


if __name__ == "__main__":
    {"read": read, "extract": extract, "dedup": dedup}[sys.argv[1]](*sys.argv[2:])
