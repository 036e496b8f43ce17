"""HTML to text: the engines, and the caps that keep the cost of a page below about a second.

resiliparse and trafilatura are called with the settings that did best on article-extraction-benchmark (4-gram F1,
181 pages): resiliparse main content without alternative texts, comments, post metadata and bullets .934 at about
600 pages a second; trafilatura fast, without comments and tables .959 at 50. ``blocks`` is our own
(`pipelines.extraction.blocks`). ``union`` takes the text of ``blocks``, or that of trafilatura if ``blocks`` expects a
low F1 of its own. ``tests/bench/extraction.py`` measures them all.

The caps are counts, so a page has the same outcome on every machine. CPU seconds below are of one core. The largest
numbers in 4,394 real pages are 17,099 tags, depth 443, depth x tags 0.9 million, formatting x tags 0.5 million,
1.0 MB.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Final

from pipelines.extraction.parsoid import is_parsoid, without_furniture
from pipelines.extraction.shape import Shape, find_brackets, measure, most_attributes
from pipelines.readers.reasons import ExtractReason

Engine = Callable[[str], str]


@dataclass(frozen=True, slots=True)
class Caps:
    """The largest page that an engine is given.

    Attributes:
        bytes: bytes of the payload.
        tags: start tags.
        depth: elements open at once.
        depth_tags: `depth` x `tags`, the work of an engine that looks at ancestors.
        formatting_tags: open formatting elements x `tags`: a parser opens the former again in each block.
        attributes: attributes of one tag; parsers compare each with all before it.
        harmless: number of ``<`` up to which tags, depth and formatting are not measured.
    """

    bytes: int
    tags: int
    depth: int
    depth_tags: int
    formatting_tags: int
    attributes: int
    harmless: int


_NO_CAP: Final = 1 << 62

CAPS: Final = {
    # 150,000 <br> take 0.35 s, 2,000 nested <div> 0.2 s (quadratic: 4,000 take 0.4 to 0.8 s), 100,000 <div> in
    # stacks of 500 0.55 s, 300 open <font> before 1,000 <p> 0.8 s, 1,000 attributes on each of 400 tags 0.9 s.
    "resiliparse": Caps(8 << 20, 150_000, 2_000, 40_000_000, 300_000, 1_000, harmless=1_000),
    # 15,000 <p> take 1.2 s, linear. Depth is left to libxml2, whose own limit is reported below; it does not
    # reopen formatting elements.
    "trafilatura": Caps(4 << 20, 12_000, _NO_CAP, _NO_CAP, _NO_CAP, 1_000, harmless=12_000),
    # 150,000 <p> take 0.6 s, 2,000 nested <div> 0.004 s, 1,000 attributes on each of 400 tags 0.5 s.
    "blocks": Caps(8 << 20, 300_000, 2_000, 40_000_000, 300_000, 1_000, harmless=1_000),
}
CAPS["union"] = CAPS["blocks"]

UNION_CONFIDENCE: Final = 0.9
"""Pages for which `blocks` expects an F1 below this go to trafilatura: about a fifth of real pages."""


class CapError(Exception):
    """The page is beyond a cap of the engine.

    Attributes:
        reason: ``html_too_deep``, ``too_many_tags`` or ``too_many_attributes``.
    """

    def __init__(self, reason: ExtractReason, message: str) -> None:
        super().__init__(message)
        self.reason = reason


def load_engine(name: str) -> Engine:
    """Import an engine; return a function from a decoded page to its main text, which may be empty.

    The function raises `CapError`, and any exception of the library.
    """
    loaders = {"resiliparse": _resiliparse, "trafilatura": _trafilatura, "blocks": _blocks, "union": _union}
    return partial(_extract_capped, loaders[name](), CAPS[name])


def _extract_capped(extract: Engine, caps: Caps, page: str) -> str:
    check_caps(page, caps)
    return extract(without_furniture(page) if is_parsoid(page) else page)


def check_caps(page: str, caps: Caps) -> None:
    """Raise `CapError` if the page is beyond `caps`; the caller checks `Caps.bytes`."""
    data = page.encode("utf-8", "replace")
    brackets = find_brackets(data)
    if len(brackets) > caps.harmless:
        _check_shape(measure(data, brackets), caps)
    if most_attributes(data, brackets, caps.attributes) > caps.attributes:
        raise CapError("too_many_attributes", f"a tag has more than {caps.attributes:,} attributes")


def _check_shape(shape: Shape, caps: Caps) -> None:
    if shape.tags > caps.tags:
        raise CapError("too_many_tags", f"{shape.tags:,} tags; the engine is given at most {caps.tags:,}")
    if shape.depth > caps.depth or shape.depth * shape.tags > caps.depth_tags:
        raise CapError("html_too_deep", f"{shape.depth:,} elements open at once in {shape.tags:,} tags")
    if shape.formatting * shape.tags > caps.formatting_tags:
        message = f"{shape.formatting:,} formatting elements open at once in {shape.tags:,} tags"
        raise CapError("html_too_deep", message)


def _resiliparse() -> Engine:
    from resiliparse.extract.html2text import extract_plain_text

    return partial(
        extract_plain_text,
        main_content=True,
        alt_texts=False,
        comments=False,
        post_meta=False,
        list_bullets=False,
    )


def _trafilatura() -> Engine:
    import trafilatura
    from trafilatura.utils import HTML_PARSER

    def extract(page: str) -> str:
        tree = trafilatura.load_html(page)
        # libxml2 drops everything after the 256th open element, and only its log says so.
        if any(entry.type_name == "ERR_RESOURCE_LIMIT" for entry in HTML_PARSER.error_log):
            raise CapError("html_too_deep", "more than 256 elements open at once; libxml2 drops the rest")
        if tree is None:
            return ""
        # No `deduplicate`: its cache lives across documents, so that text would depend on their order.
        return trafilatura.extract(tree, fast=True, include_comments=False, include_tables=False) or ""

    return extract


def _blocks() -> Engine:
    from pipelines.extraction.blocks.engine import Blocks

    return Blocks().extract


def _union() -> Engine:
    from pipelines.extraction.blocks.engine import Blocks

    blocks, trafilatura = Blocks(), load_engine("trafilatura")

    def extract(page: str) -> str:
        text, confidence = blocks.judge(page)
        if confidence >= UNION_CONFIDENCE:
            return text
        try:
            return trafilatura(page) or text
        except CapError:  # trafilatura is given less than blocks
            return text

    return extract
