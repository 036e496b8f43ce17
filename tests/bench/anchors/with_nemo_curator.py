"""What NeMo Curator 1.4.0 does with the files of ``tests.bench.anchors``; run it with a Python that has it.

Usage: PYTHON with_nemo_curator.py read WARC | extract PAGES TEXTS
Needs: nemo-curator[text_cpu]==1.4.0. Its fuzzy dedup needs a GPU and is not called.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from nemo_curator.stages.text.download.common_crawl.extract import CommonCrawlHTMLExtractor
from nemo_curator.stages.text.download.common_crawl.warc_iterator import CommonCrawlWarcIterator


def read(warc: str) -> None:
    """Print how many pages come from a WARC, and what ended the reading."""
    pages, end = 0, ""
    try:
        for _ in CommonCrawlWarcIterator().iterate(warc):
            pages += 1
    except Exception as error:  # whatever ends the reader is the finding
        end = f"{type(error).__name__}: {error}"
    print(json.dumps({"pages": pages, "end": end}))


def extract(pages: str, texts: str) -> None:
    """Write the text of each page as a JSON line, by the extractor that is its default."""
    extractor = CommonCrawlHTMLExtractor()
    lines = []
    for line in Path(pages).read_text().splitlines():
        content = json.loads(line)["html"].encode()
        found = extractor.extract({"content": content, "url": "", "warc_id": "", "source_id": ""})
        lines.append(json.dumps(found["text"] if found else ""))
    Path(texts).write_text("\n".join(lines))


if __name__ == "__main__":
    {"read": read, "extract": extract}[sys.argv[1]](*sys.argv[2:])
