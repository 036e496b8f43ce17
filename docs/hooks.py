"""What MkDocs calls while it builds the site: adds the generated pages, and lists the links that lead outside."""

from __future__ import annotations

import logging
import re
from html import unescape
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page
from reference import ROOT, pages, rooms

TOP = {
    "ARCHITECTURE.md": "architecture.md",
    "CONTRIBUTING.md": "contributing.md",
    "SECURITY.md": "security.md",
}
"""Pages at the top of the checkout that are pages of the site too."""

_links: dict[str, set[str]] = {}
_log = logging.getLogger("mkdocs.hooks")


def on_config(config: MkDocsConfig) -> None:
    """Add the pages about the code to the menu."""
    config.nav = [*(config.nav or ()), {"Code": [{room: f"api/{room}.md"} for room in rooms()]}]


def on_files(files: Files, config: MkDocsConfig) -> None:
    """Add the pages that are not in this folder."""
    texts = pages() | {to: (ROOT / name).read_text() for name, to in TOP.items()}
    for path, text in texts.items():
        files.append(File.generated(config, path, content=text))


def on_page_content(html: str, page: Page, config: MkDocsConfig, files: Files) -> None:
    """Note the links of a page that lead outside."""
    for link in re.findall(r'href="(https?://[^"]+)"', html):
        _links.setdefault(unescape(link), set()).add(page.file.src_uri)


def on_post_build(config: MkDocsConfig) -> None:
    """Write the links that lead outside, one a line, with the pages that have them."""
    lines = [f"{link}\t{' '.join(sorted(found))}" for link, found in sorted(_links.items())]
    listed = Path(config.site_dir) / "external_links.tsv"
    listed.write_text("\n".join(lines) + "\n")
    _log.info(f"{len(lines)} links lead outside; they are listed in {listed}")
