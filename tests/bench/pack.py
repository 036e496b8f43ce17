"""Measure stage pack on a finished run: CPU seconds in SentencePiece and in all the rest, with and without word cache.

    python tests/bench/pack.py OUT [--times 1]

Works in this process, on the documents and the tokenizer of the run; nothing of the run is changed. ``--times``
repeats the documents, as a larger corpus repeats its words.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pipelines.recipe.recipe import Pack
from pipelines.stages.pack import rows as pack_rows
from pipelines.stages.pack import shards as pack_shards
from pipelines.stages.pack import stage as pack
from pipelines.stages.pack.tokens import Choice
from pipelines.store.manifest import read_manifest
from pipelines.store.stage_key import stage_key
from pipelines.store.storage import Storage
from pipelines.store.tables import text_bytes
from pipelines.work.task import Batch
from tokenizer_training.model.tokenizer import Tokenizer


class Watch:
    """CPU seconds inside some calls."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def around(self, call: Callable[..., Any]) -> Callable[..., Any]:
        """Return the call, watched."""

        def watched(*arguments: Any, **options: Any) -> Any:
            begin = time.process_time()
            try:
                return call(*arguments, **options)
            finally:
                self.seconds += time.process_time() - begin

        return watched


def pack_once(storage: Storage, times: int, cached: bool) -> None:
    """Pack the documents of a run into a temporary folder and print where the time went."""
    header = pack.make_header(Pack(), storage.path("tokenizer"), stage_key("bench", {}))
    settings = pack_rows.Settings(header, Choice(0.001, {}, False), str(storage.path("tokenizer")))
    tokenizer = pack_rows.load_tokenizer(settings.tokenizer, header.tokenizer_sha256)
    watch, processor = Watch(), tokenizer._processor
    tokenizer._processor = type("Watched", (), {"encode": staticmethod(watch.around(processor.encode))})()
    words = tokenizer._words
    tokenizer._words = words if cached else None
    files = read_manifest(storage, "documents").documents()
    parts = [[f"{n}", str(storage.path(file.path))] for file in files for n in range(times)]
    size = sum(text_bytes(Path(path)) for _, path in parts)
    with tempfile.TemporaryDirectory() as folder:
        begin = time.process_time()
        rows = _rows(Storage(folder), parts, settings)
        list(pack_shards.process_shard(rows, header))
        total = time.process_time() - begin
    tokenizer._processor, tokenizer._words = processor, words
    name, rest = "with" if cached else "without", total - watch.seconds
    print(
        f"{name} word cache: {total:.1f} CPU s, {size / total / 1e6:.1f} MB/s, "
        f"{watch.seconds / total:.0%} in SentencePiece ({watch.seconds:.1f} s; the rest {rest:.1f} s)"
    )


def _rows(storage: Storage, parts: list[list[str]], settings: pack_rows.Settings) -> pack_shards.Shard:
    """Write the rows of one bucket; return the task of the one shard made of them."""
    writers: dict[str, Any] = {}
    folder = pack_rows.folders(settings.header.row_len)[1]
    for output in pack_rows.process_bucket(pack_rows.Bucket("0", parts), settings):
        if isinstance(output, Batch) and output.folder == folder.name:
            name = folder.part(str(output.part))
            if name not in writers:
                writers[name] = storage.table_writer(name, folder.schema, folder.options).__enter__()
            writers[name].write(output.table)
    for writer in writers.values():
        writer.__exit__(None, None, None)
    paths = [str(storage.path(name)) for name in writers if "/train/" in name]
    listing = storage.path("listing.json")
    listing.write_text(json.dumps({"train": paths}))
    return pack_shards.Shard(str(listing), "train", 0, pack_shards.KEYS)


def main(arguments: list[str]) -> None:
    """Run both measurements."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path)
    parser.add_argument("--times", type=int, default=1)
    options = parser.parse_args(arguments)
    storage = Storage(options.out)
    print(f"vocabulary of {Tokenizer.load(storage.path('tokenizer')).vocab_size:,}")
    for cached in (True, False):
        pack_once(storage, options.times, cached)


if __name__ == "__main__":
    main(sys.argv[1:])
