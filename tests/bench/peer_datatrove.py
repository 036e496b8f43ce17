"""The FineWeb recipe of datatrove 0.10.1, MinHash included, on one WARC; run it with a Python that has datatrove.

Usage: PYTHON tests/bench/peer_datatrove.py WARC OUT LID_MODEL
Needs: datatrove[processing,io]==0.10.1 spacy aiohttp. Prints CPU seconds, children included, imports apart, and how
many records of the WARC are in a file of those kept or removed.

Departs from datatrove's own ``examples/fineweb.py``: one local task for Slurm; English only; lid.176.ftz for .bin, so
that nothing is downloaded; ten seconds for an extraction, as one second would drop pages on a busy machine.
"""

from __future__ import annotations

import gzip
import json
import resource
import shutil
import sys
from pathlib import Path
from typing import Any

from datatrove.executor import LocalPipelineExecutor
from datatrove.io import cached_assets_path
from datatrove.pipeline.dedup import (
    MinhashDedupBuckets,
    MinhashDedupCluster,
    MinhashDedupFilter,
    MinhashDedupSignature,
)
from datatrove.pipeline.dedup.minhash import MinhashConfig
from datatrove.pipeline.extractors import Trafilatura
from datatrove.pipeline.filters import (
    C4QualityFilter,
    FineWebQualityFilter,
    GopherQualityFilter,
    GopherRepetitionFilter,
    LanguageFilter,
    URLFilter,
)
from datatrove.pipeline.formatters import PIIFormatter
from datatrove.pipeline.readers import JsonlReader, WarcReader
from datatrove.pipeline.writers import JsonlWriter
from datatrove.utils.hashing import HashConfig

MODEL = "https:__dl.fbaipublicfiles.com_fasttext_supervised-models_lid.176.bin"


def cpu_s() -> float:
    """Return the CPU seconds of this process and its dead children."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


def place_model(model: str) -> None:
    """Put the model where datatrove would download it to."""
    folder = Path(cached_assets_path(library_name="datatrove", namespace="lid", subfolder="ft176"))
    target = folder / MODEL
    shutil.copy(model, target)
    target.with_name(target.name + ".completed").touch()


def lines(path: Path) -> int:
    """Return the number of lines of a compressed file."""
    with gzip.open(path) as file:
        return sum(1 for _ in file)


def phases(warc: Path, out: Path) -> dict[str, list[list[Any]]]:
    """Return the pipelines of each phase, with the number of tasks of each as its last entry."""

    def removed(name: str) -> JsonlWriter:
        return JsonlWriter(str(out / "removed" / name))

    text = [
        WarcReader(str(warc.parent), glob_pattern=warc.name),
        URLFilter(exclusion_writer=removed("url")),
        Trafilatura(favour_precision=True, timeout=10),
        LanguageFilter(languages=["en"], exclusion_writer=removed("language")),
        GopherRepetitionFilter(exclusion_writer=removed("gopher_repetition")),
        GopherQualityFilter(exclusion_writer=removed("gopher_quality")),
        C4QualityFilter(filter_no_terminal_punct=False, exclusion_writer=removed("c4")),
        FineWebQualityFilter(exclusion_writer=removed("fineweb_quality")),
        JsonlWriter(str(out / "filtered")),
        1,
    ]
    config = MinhashConfig(
        hash_config=HashConfig(hash_fc="sha1", precision=64), num_buckets=14, hashes_per_bucket=8
    )
    read = JsonlReader(str(out / "filtered"))
    dedup = [
        [read, MinhashDedupSignature(output_folder=str(out / "signatures"), config=config), 1],
        [
            MinhashDedupBuckets(
                input_folder=str(out / "signatures"), output_folder=str(out / "buckets"), config=config
            ),
            14,
        ],
        [
            MinhashDedupCluster(
                input_folder=str(out / "buckets"), output_folder=str(out / "remove"), config=config
            ),
            1,
        ],
        [
            JsonlReader(str(out / "filtered")),
            MinhashDedupFilter(input_folder=str(out / "remove")),
            PIIFormatter(),
            JsonlWriter(str(out / "documents")),
            1,
        ],
    ]
    return {"filter": [text], "dedup": dedup}


def main() -> None:
    """Run the phases and print what they took."""
    warc, out, model = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3]
    shutil.rmtree(out, ignore_errors=True)
    place_model(model)
    start_up = cpu_s()
    report = {"start_up": round(start_up, 1)}
    for name, pipelines in phases(warc, out).items():
        before = cpu_s()
        for number, (*steps, tasks) in enumerate(pipelines):
            logs = str(out / "logs" / f"{name}{number}")
            LocalPipelineExecutor(steps, tasks=tasks, workers=1, logging_dir=logs).run()
        report[name] = round(cpu_s() - before, 1)
    report["work"] = round(cpu_s() - start_up, 1)
    report["records"] = sum(map(lines, [*out.glob("filtered/*.gz"), *out.glob("removed/*/*.gz")]))
    print(json.dumps(report))


if __name__ == "__main__":
    main()
