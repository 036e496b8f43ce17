"""Builds the sample: `python tests/sample/build.py [FOLDER]` writes web.warc.gz, wiki.xml.bz2 and manifest.json.

Everything comes from the files in this folder and from hashes of their names; two builds are the same bytes.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from archive import write_archive
from dump import wiki_pages, write_dump
from responses import Response, all_responses


def manifest(responses: list[Response]) -> str:
    """What stands where, as JSON with one page a line, in the order of the files.

    Raises:
        ValueError: two responses have the same URL.
    """
    pages = [_entry(response) for response in responses]
    if len({page["url"] for page in pages}) < len(pages):
        raise ValueError("two responses have the same URL")
    wiki = [
        {"title": page.title, "namespace": page.namespace, "id": page.id, "kind": page.kind}
        for page in wiki_pages()
    ]
    return f'{{"pages": [\n{_lines(pages)}\n],\n"wiki": [\n{_lines(wiki)}\n]}}\n'


def _entry(response: Response) -> dict[str, Any]:
    media = dict(response.headers)["Content-Type"].split(";")[0]
    keys = ("role", "layout", "text", "language")
    first = {"url": response.url, "status": int(response.status[:3]), "media": media}
    return first | {key: response.facts[key] for key in keys} | response.facts


def _lines(rows: list[dict[str, Any]]) -> str:
    return ",\n".join(json.dumps(row, ensure_ascii=False) for row in rows)


def build(folder: Path) -> None:
    """Write the three files into a folder that exists."""
    responses = all_responses()
    (folder / "web.warc.gz").write_bytes(write_archive(responses))
    (folder / "wiki.xml.bz2").write_bytes(write_dump(wiki_pages()))
    (folder / "manifest.json").write_text(manifest(responses), encoding="utf-8")


if __name__ == "__main__":
    build(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent)
