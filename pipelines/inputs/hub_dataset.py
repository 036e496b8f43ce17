"""The files of a split of a dataset, on the Hub at one commit or in a local folder.

The library `datasets` resolves configurations, splits and patterns, so that they mean the same as there. It sees a
listing only; all requests go through `pipelines.inputs`. As in `datasets`, the files of the most frequent format are
the data.
"""

from __future__ import annotations

import itertools
import json
import os
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

import yaml

from pipelines.errors import InputError, mapped
from pipelines.inputs.address import hub_url, parse_address
from pipelines.inputs.file import InputFile, Listed, RecipeKeys
from pipelines.inputs.patterns import MAGIC

if TYPE_CHECKING:
    from datasets.utils.metadata import MetadataConfigs

    from pipelines.inputs.client import Client

FORMATS: Final = {
    ".parquet": "parquet",
    ".json": "json",
    ".jsonl": "json",
    ".ndjson": "json",
    ".csv": "csv",
    ".tsv": "csv",
    ".arrow": "arrow",
    ".txt": "text",
}
"""Module of `datasets` that reads a format, by the suffix of its files."""
_COMPRESSED: Final = (".gz", ".zst", ".bz2")
_NO_DATA: Final = ("state.json",)
"""Files that `Dataset.save_to_disk` writes beside the data."""

README: Final = "README.md"
ANSWER_BYTES: Final = 64 << 20
"""Most bytes of an answer or a README of the Hub."""
_NAME: Final = re.compile(r"[\w.-]+/[\w.-]+")
_COMMIT: Final = re.compile(r"[0-9a-f]{40}")
_listings = itertools.count()


@dataclass(frozen=True)
class HubDataset:
    """One split of a dataset on the Hub.

    Attributes:
        dataset: ``OWNER/NAME``.
        config: configuration; None = the default one.
        split: split.
        revision: branch, tag or commit; a run is pinned to the commit that it names at the time of listing.
    """

    dataset: str
    config: str | None
    split: str
    revision: str

    def hosts(self) -> tuple[str, ...]:
        """Return the hosts of the Hub and of its files."""
        return parse_address(f"hf://datasets/{self.dataset}@main/x").hosts()

    def keys(self) -> RecipeKeys:
        """Return an empty mapping: the keys belong to the reader."""
        return {}

    def expand(self, client: Client) -> Listed:
        """List the files of the split.

        Raises:
            InputError: there is no such dataset, configuration or split, or its format is not supported.
        """
        api = f"{hub_url()}/api/datasets/{self.dataset}"
        what = f"dataset {self.dataset} at {self.revision}"
        info = self._ask(client, what, f"{api}/revision/{quote(self.revision, safe='')}")[0]
        commit = _commit_of(what, info)
        paths = sorted(self._paths(client, what, f"{api}/tree/{commit}?recursive=true"))
        base = f"hf://datasets/{self.dataset}@{commit}/"
        readme = _fetch(client, f"{base}{README}") if README in paths else b""
        found = split_files(what, _as_listing(paths), readme, self.config, self.split)
        return Listed(tuple(InputFile(base + path, path) for path in found), {"commit": commit})

    def _paths(self, client: Client, what: str, url: str | None) -> Iterator[str]:
        """Yield all paths of a commit, page by page."""
        while url is not None:
            page, url = self._ask(client, what, url)
            yield from _files_of(what, page)

    def _ask(self, client: Client, what: str, url: str) -> tuple[object, str | None]:
        """Return the JSON value of an answer of the Hub, and the URL of the next page."""
        data, following = client.get(what, "hf", url, ANSWER_BYTES)
        with mapped(ValueError, where=f"{what}: the answer of the Hub is not JSON", advice="try again later"):
            return json.loads(data), following


def _commit_of(what: str, info: object) -> str:
    """Return the commit in the Hub's description of a revision."""
    commit = info.get("sha") if isinstance(info, dict) else None
    if not isinstance(commit, str) or not _COMMIT.fullmatch(commit):
        raise InputError(f"{what}: the answer of the Hub has no commit; check `dataset` and `revision`")
    return commit


def _files_of(what: str, page: object) -> Iterator[str]:
    """Yield the paths of the files in a page of the Hub's listing."""
    for entry in page if isinstance(page, list) else (None,):
        if not isinstance(entry, dict) or not isinstance(entry.get("path"), str):
            raise InputError(f"{what}: the answer of the Hub is not a listing; try again later")
        if entry.get("type") == "file":
            yield entry["path"]


def local_files(folder: Path, config: str | None, split: str) -> tuple[InputFile, ...]:
    """Return the files of a split of a dataset in a folder.

    Raises:
        InputError: there is no such configuration or split, or its format is not supported.
    """
    readme = folder / README
    text = readme.read_bytes() if readme.is_file() else b""
    found = split_files(str(folder), str(folder.absolute()), text, config, split)
    return tuple(InputFile(folder / path, path) for path in found)


def split_files(what: str, base: str, readme: bytes, config: str | None, split: str) -> list[str]:
    """Return the paths of the data files of a split, relative to `base`, sorted.

    Args:
        what: name of the dataset, for messages.
        base: folder, or address of a listing, in which `datasets` resolves patterns.
        readme: the dataset's README, whose front matter may name configurations.
        config: configuration; None = the default one.
        split: split.

    Raises:
        InputError: see `local_files`.
    """
    from datasets.data_files import get_data_patterns, sanitize_patterns

    try:
        configs = _configurations(readme)
        name = config or (configs.get_default_config_name() if configs else None)
        if (configs or config) and name not in configs:
            known = ", ".join(configs) or "it has none, remove `config`"
            raise InputError(f"{what}: `config` must be one of its configurations: {known}")
        entry = configs.get(name, {}) if name else {}
        root = "/".join(part for part in (base, entry.get("data_dir")) if part)
        stated = entry.get("data_files")
        patterns = sanitize_patterns(stated) if stated else get_data_patterns(root)
        if split not in patterns:
            raise InputError(
                f"{what}: there is no split {split!r}; its splits are: {', '.join(map(str, patterns))}"
            )
        matched = [path for pattern in patterns[split] for path in _matches(pattern, root)]
    except (FileNotFoundError, ValueError, TypeError, yaml.YAMLError) as error:
        raise InputError(f"{what}: cannot find the files of the dataset ({error}); use `paths`") from error
    return _data(
        what,
        [os.path.relpath(path.removeprefix("memory://"), base.removeprefix("memory://")) for path in matched],
    )


def _configurations(readme: bytes) -> MetadataConfigs:
    """Return the configurations that the front matter of a README names."""
    from datasets.utils.metadata import MetadataConfigs

    match = re.match(r"\s*---\s*?\n(.*?)\n---\s*?(\n|$)", readme.decode("utf-8", "replace"), re.DOTALL)
    head = yaml.safe_load(match[1]) if match else None
    return MetadataConfigs.from_dataset_card_data(head if isinstance(head, dict) else {})


def _fetch(client: Client, path: str) -> bytes:
    """Return a small file of the Hub."""
    address = parse_address(path)
    pin = client.pin(address)
    if pin.size > ANSWER_BYTES:
        raise InputError(f"{path}: has {pin.size} bytes, too many for a description; use `paths`")
    return client.read(address, pin, 0, pin.size)


def _matches(pattern: str, root: str) -> list[str]:
    """Return the files that a pattern matches, which may be none; a plain name must exist."""
    from datasets.data_files import resolve_pattern

    try:
        found: list[str] = resolve_pattern(pattern, root)
    except FileNotFoundError:
        if not MAGIC.search(pattern):
            raise
        return []
    return found


def format_of(path: str) -> str | None:
    """Return the format of a file by its name, a value of `FORMATS`; None if it is not supported.

    >>> format_of("data/a.jsonl.zst"), format_of("a.tsv"), format_of("README.md")
    ('json', 'csv', None)
    """
    name = PurePosixPath(path)
    suffix = PurePosixPath(name.stem).suffix if name.suffix in _COMPRESSED else name.suffix
    return FORMATS.get(suffix.lower())


def _data(what: str, paths: Sequence[str]) -> list[str]:
    """Return the paths of the most frequent format."""
    known = [path for path in dict.fromkeys(paths) if PurePosixPath(path).name not in _NO_DATA]
    formats = Counter(kind for path in known if (kind := format_of(path)))
    if not formats:
        seen = ", ".join(sorted({PurePosixPath(path).suffix or path for path in known}))
        raise InputError(
            f"{what}: its files ({seen[:200]}) are in no supported format; supported: {', '.join(FORMATS)}"
        )
    kind = min(formats, key=lambda one: (-formats[one], one))
    return sorted(path for path in known if format_of(path) == kind)


def _as_listing(paths: Sequence[str]) -> str:
    """Return the address of a folder in memory with empty files of these names."""
    from fsspec.implementations.memory import MemoryFileSystem

    base = f"/hub-listing-{next(_listings)}"
    memory = MemoryFileSystem()
    for path in paths:
        memory.pipe_file(f"{base}/{path}", b"")
    return f"memory://{base}"


def is_hub_name(dataset: str) -> bool:
    """Return True if a dataset has a name of the Hub.

    >>> is_hub_name("HuggingFaceFW/fineweb"), is_hub_name("./data"), is_hub_name("/data/set")
    (True, False, False)
    """
    return _NAME.fullmatch(dataset) is not None and not dataset.startswith(".")
