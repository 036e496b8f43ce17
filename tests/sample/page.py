"""What a sample page is made of: a text in blocks, and everything a site puts around it."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Literal

Kind = Literal["paragraph", "heading", "list", "code"]


def number(key: str, below: int) -> int:
    """A number in [0, below) that depends on `key` alone (blake2b), in place of any randomness."""
    return int.from_bytes(hashlib.blake2b(key.encode(), digest_size=8).digest(), "big") % below


@dataclass(frozen=True, slots=True)
class Block:
    """One block of a text; a list has one line per item, code keeps its lines, the others have one line."""

    kind: Kind
    lines: tuple[str, ...]

    @property
    def text(self) -> str:
        """The block as one string."""
        return "\n".join(self.lines)


@dataclass(frozen=True, slots=True)
class Site:
    """A made-up web site: where its pages stand and how it writes bytes.

    `declared` says where the charset is stated: `both` (HTTP header and meta), `http`, `meta`, `none`, `bom`,
    or `wrong` (the header says iso-8859-1, the bytes are something else).
    """

    lang: str
    layout: str
    host: str
    name: str
    section: str
    path: str
    charset: str
    declared: str


@dataclass(frozen=True, slots=True)
class Page:
    """Everything a layout needs: the text, its site, and the links and comments around it."""

    url: str
    slug: str
    id: int
    title: str
    blocks: tuple[Block, ...]
    site: Site
    author: str
    date: str
    words: dict[str, str]
    related: tuple[tuple[str, str], ...]
    comments: tuple[tuple[str, str], ...]


def parse_text(source: str) -> tuple[str, tuple[Block, ...]]:
    """Split a text file into its title and its blocks.

    The first line is the title; blank lines separate blocks. `## ` starts a heading, `- ` an item of a list,
    and a block whose lines all begin with four spaces is code.

    Raises:
        ValueError: there is no title line followed by a blank line and at least one block.
    """
    title, gap, rest = source.strip("\n").partition("\n\n")
    if not gap or "\n" in title:
        raise ValueError("a text needs one title line, a blank line and at least one paragraph")
    return title, tuple(_block(part) for part in rest.split("\n\n"))


def _block(part: str) -> Block:
    lines = part.split("\n")
    if all(line.startswith("    ") for line in lines):
        return Block("code", tuple(line[4:] for line in lines))
    if all(line.startswith("- ") for line in lines):
        return Block("list", tuple(line[2:] for line in lines))
    if part.startswith("## "):
        return Block("heading", (part[3:],))
    return Block("paragraph", (" ".join(lines),))
