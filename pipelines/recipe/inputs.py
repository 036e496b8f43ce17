"""The ``inputs`` section of a recipe: what to read with which reader, and how a resolved recipe shows it.

An input names its files in one of three ways: by ``paths``; by ``crawl``, a release of Common Crawl, for readers that
know its lists; or by keys of a reader that finds its files itself (``dataset`` of ``huggingface``).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from filters.step import FieldFault
from pipelines.errors import CorpusmillError
from pipelines.inputs.address import parse_address
from pipelines.inputs.crawl_list import COMMON_CRAWL, CrawlFiles
from pipelines.inputs.file import InputFile, Listing
from pipelines.readers.find import contract_fault, find_reader, reader_names
from pipelines.readers.record import Reader
from pipelines.recipe.paths import Paths, check_unique, read_paths
from pipelines.recipe.recipe import Input
from pipelines.recipe.tree import Broken, Faults, Items, Node, Scalar, Table
from pipelines.recipe.typed import INVALID, Json, build, describe, keys_of, plain
from pipelines.recipe.user_code import find_class

_CRAWL: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*(/[A-Za-z0-9_-]+)*")
_HOST: Final = re.compile(r"(\*\.)?[A-Za-z0-9._-]+(:[0-9]{1,5})?")
_EXAMPLE: Final = "{reader: warc, paths: [a.warc.gz]}"
_LOCATIONS: Final[tuple[str, ...]] = ("paths", "crawl")
_CRAWL_KEYS: Final[tuple[str, ...]] = ("files", "seed", "mirror")


@dataclass(frozen=True)
class InputKeys:
    """The keys of every input, whatever its reader.

    Attributes:
        reader: name of the reader; its own keys are written beside these: ``corpusmill keys warc``.
        paths: files, patterns such as ``crawl/*.warc.gz``, or URLs; relative to the recipe's folder.
        crawl: a release of Common Crawl instead of paths: ``CC-MAIN-2025-08``.
        files: number of files of the crawl to read; none = all.
        seed: seed of the choice of these files.
        mirror: where the crawl is fetched from: a folder of a web server or a bucket.
        hosts: further hosts that files may be redirected to.
        source: name of the source in every output; none = the reader's: ``web``, ``wikipedia``.
        limit: maximum number of records to read from this input; none = all.
    """

    reader: str
    paths: Paths = field(default_factory=Paths)
    crawl: str | None = None
    files: int | None = None
    seed: int = 1
    mirror: str = COMMON_CRAWL
    hosts: tuple[str, ...] = ()
    source: str | None = None
    limit: int | None = None

    def __post_init__(self) -> None:
        if self.limit is not None and self.limit < 1:
            what = f"limit must be at least 1, not {self.limit}; leave it out to read everything"
            raise FieldFault(what, "limit")
        if self.files is not None and self.files < 1:
            what = f"files must be at least 1, not {self.files}; leave it out to read all of the crawl"
            raise FieldFault(what, "files")
        if self.crawl is not None:
            self._check_crawl(self.crawl)
        if not self.mirror.endswith("/"):
            raise FieldFault("mirror must end with a slash", "mirror")
        try:
            parse_address(f"{self.mirror}x")
        except ValueError as error:
            raise FieldFault(f"mirror cannot be used: {error}", "mirror") from error
        for host in self.hosts:
            if not _HOST.fullmatch(host):
                what = f"hosts must be names such as cdn.example.org or *.example.org, not {host[:60]!r}"
                raise FieldFault(what, "hosts")

    def _check_crawl(self, crawl: str) -> None:
        if not _CRAWL.fullmatch(crawl):
            what = f"crawl must be a release such as CC-MAIN-2025-08, not {crawl[:60]!r}"
            raise FieldFault(what, "crawl")
        if self.limit is not None and self.files is None:
            what = "files must say how many files the limit is taken from; one of them has 30,000 pages"
            raise FieldFault(what, "files", "limit")


def read_inputs(node: Node, path: str, faults: Faults) -> object:
    """Read ``inputs``: a list of mappings whose other keys are fields of the reader they name."""
    if not isinstance(node, Items) or not node.nodes:
        if not isinstance(node, Broken):
            what = "an empty list" if isinstance(node, Items) else describe(node)
            faults.add(node.at, path, f"expected a list such as [{_EXAMPLE}]; found {what}")
        return INVALID
    read = [_input(item, f"{path}[{n}]", faults) for n, item in enumerate(node.nodes)]
    good = [
        (entry, item.at) for entry, item in zip(read, node.nodes, strict=True) if isinstance(entry, Input)
    ]
    check_unique(good, faults)
    return tuple(entry for entry, _ in good) if len(good) == len(read) else INVALID


def _input(node: Node, path: str, faults: Faults) -> object:
    """Read one input."""
    if not isinstance(node, Table):
        if not isinstance(node, Broken):
            faults.add(node.at, path, f"expected a mapping such as {_EXAMPLE}; found {describe(node)}")
        return INVALID
    cls = _reader_class(node, path, faults)
    options = keys_of(cls) if cls is not None else []
    common = node.without(options) if cls is not None else node.only(keys_of(InputKeys))
    keys = build(InputKeys, common, path, faults, {"paths": read_paths}, other_keys=options)
    located = _check_location(node, cls, path, faults)
    if cls is None:  # its other keys cannot be judged without their reader
        return INVALID
    reader = build(cls, node.only(options), path, faults)
    if not isinstance(keys, InputKeys) or reader is INVALID or not located:
        return INVALID
    try:
        located_at = _locate(keys, reader, node.at.base)
    except CorpusmillError as error:
        faults.add(node.at, path, str(error))
        return INVALID
    files = tuple(entry for entry in located_at if isinstance(entry, InputFile))
    listings = tuple(entry for entry in located_at if not isinstance(entry, InputFile))
    source = keys.source or cls.SOURCE
    return Input(keys.reader, reader, keys.paths.patterns, source, keys.limit, files, listings, keys.hosts)


def _check_location(node: Table, cls: type[Reader] | None, path: str, faults: Faults) -> bool:
    """Report an input that does not say where its files are, or says it twice; return True if it is right."""
    before = len(faults.found)
    given = [key for key in _LOCATIONS if key in node.entries]
    finds_itself = hasattr(cls, "locate")
    if finds_itself:
        for key in given:
            faults.add(node.entries[key][0], path, f"this reader finds its files itself; remove {key}")
    elif not given:
        faults.add(node.at, path, "missing key 'paths'")
    elif len(given) == 2:
        faults.add(
            node.entries["crawl"][0], path, "crawl and paths both say what to read; remove one of them"
        )
    elif given == ["crawl"] and cls is not None and not hasattr(cls, "CRAWL_LIST"):
        faults.add(
            node.entries["crawl"][0], path, "Common Crawl lists no files for this reader; use warc or wet"
        )
    for key in _CRAWL_KEYS:
        if key in node.entries and "crawl" not in node.entries:
            faults.add(node.entries[key][0], path, f"{key} belongs to a crawl; add `crawl` or remove it")
    return len(faults.found) == before


def _locate(keys: InputKeys, reader: Any, base: Path) -> Sequence[InputFile | Listing]:
    """Return the files of an input as far as they are known, and the listings that will name the others."""
    if keys.crawl is not None:
        return [CrawlFiles(keys.crawl, keys.files, keys.seed, keys.mirror, reader.CRAWL_LIST)]
    if hasattr(reader, "locate"):
        found: Sequence[InputFile | Listing] = reader.locate(base)
        return found
    return [*keys.paths.files, *keys.paths.listings]


def _reader_class(node: Table, path: str, faults: Faults) -> type[Reader] | None:
    """Return the reader class that an input names, or None after reporting that it does not exist."""
    if "reader" not in node.entries:
        return None
    name = node.entries["reader"][1]
    if not isinstance(name, Scalar) or not name.text:
        return None
    place = (name.at, f"{path}.reader")
    cls = find_class("reader", name.text, find_reader, reader_names(), place, faults)
    fault = contract_fault(cls) if cls is not None and ":" in name.text else None
    if fault is not None:
        faults.add(*place, f"{name.text!r} {fault}")
        return None
    return cls


def plain_fields(value: object) -> dict[str, Json]:
    """Return the fields of a step or reader."""
    return {name: plain(getattr(value, name)) for name in keys_of(type(value))}


def plain_input(entry: Input, folder: Path) -> dict[str, Json]:
    """Return an input as a mapping: its keys, and the files as far as they are known."""
    keys = {key: plain(value) for listing in entry.listings for key, value in listing.keys().items()}
    shown: dict[str, Json] = {"reader": entry.reader_name}
    shown |= {"paths": plain(entry.paths)} if entry.paths else keys
    if entry.hosts:
        shown["hosts"] = plain(entry.hosts)
    shown |= {"source": entry.source, "limit": entry.limit, **plain_fields(entry.reader)}
    if any(entry.listed):
        shown["listed"] = plain(entry.listed)
    if entry.files or not keys:
        files: Json = [_plain_file(file, folder) for file in entry.files]
        shown["found" if "files" in shown else "files"] = files
    return shown


def _plain_file(file: InputFile, folder: Path) -> dict[str, Json]:
    path = as_written(file.path, folder) if isinstance(file.path, Path) else file.path
    shown: dict[str, Json] = {"name": file.name, "path": path}
    return shown | {"bytes": file.pin.size, "version": file.pin.version} if file.pin else shown


def as_written(path: Path, folder: Path) -> str:
    """Return a path as the recipe has it: relative to the recipe's folder if it lies there."""
    return (path.relative_to(folder) if path.is_relative_to(folder) else path).as_posix()
