"""Floors of extraction quality on pages of our own sample, whose texts are known.

The sample is easier than the web and says little of how good an engine is (``tests/bench/extraction.py`` does); it
tells when one has become worse. Lower a floor only with a reason in the commit.
"""

from __future__ import annotations

import json
import re
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from warcio.archiveiterator import ArchiveIterator

from pipelines.extraction.charset import decode
from pipelines.extraction.engines import load_engine
from tests.bench.extraction_score import f1, precision_recall

ROOT = Path(__file__).resolve().parents[3]
SAMPLE = ROOT / "tests" / "sample"
EVERY = 2
WORD = re.compile(r"\w+")
FLOORS = {"resiliparse": (0.85, 0.91), "trafilatura": (0.945, 0.97), "blocks": (0.945, 0.96)}
"""Precision and recall; F1 is .888, .966 and .962 (36 pages)."""


@cache
def pages() -> list[tuple[str, str, str]]:
    """Layout, decoded page and known text of every other original page."""
    manifest = json.loads((SAMPLE / "manifest.json").read_text(encoding="utf-8"))["pages"]
    originals = {page["url"]: page for page in manifest if page["role"] == "original"}
    found = []
    with (SAMPLE / "web.warc.gz").open("rb") as stream:
        for record in ArchiveIterator(stream):
            page: dict[str, Any] | None = originals.get(record.rec_headers["WARC-Target-URI"])
            if record.rec_type == "response" and page is not None:
                html = decode(record.content_stream().read(), page["charset"])
                text = (SAMPLE / "texts" / f"{page['text']}.txt").read_text(encoding="utf-8")
                found.append((page["layout"], html, text))
    return found[::EVERY]


@pytest.mark.parametrize("engine", FLOORS)
def test_quality_on_the_sample(engine: str) -> None:
    extract = load_engine(engine)
    scores = [precision_recall(extract(html), text) for _, html, text in pages()]
    found, precision, recall = f1(scores)
    floor_precision, floor_recall = FLOORS[engine]
    assert precision >= floor_precision, f"{engine}: F1 {found:.4f}, P {precision:.4f}, R {recall:.4f}"
    assert recall >= floor_recall, f"{engine}: F1 {found:.4f}, P {precision:.4f}, R {recall:.4f}"
