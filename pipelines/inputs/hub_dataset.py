"""Which files a split of a dataset is made of, on the Hub at one commit or in a local folder.

Configurations, splits and patterns mean what they mean to the library `datasets`, whose own code resolves them; but
it sees a listing only: whatever is fetched goes through `pipelines.inputs`. The files of the most frequent format are
the data, as in `datasets`.
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
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import yaml

from pipelines.errors import InputError
from pipelines.inputs.address import hub_url, parse_address
from pipelines.inputs.file import InputFile, Listed
from pipelines.inputs.patterns import MAGIC

if TYPE_CHECKING:
    from pipelines.inputs.client import Client

FORMATS = {
    ".parquet": "parquet",
    ".json": "json",
    ".jsonl": "json",
    ".ndjson": "json",
    ".csv": "csv",
    ".tsv": "csv",
    ".arrow": "arrow",
    ".txt": "text",
}
_PACKED = (".gz", ".zst", ".bz2")
# What `Dataset.save_to_disk` writes beside the data.
_NO_DATA = ("state.json",)

README = "README.md"
ANSWER_BYTES = 64 << 20
_NAME = re.compile(r"[\w.-]+/[\w.-]+")
_COMMIT = re.compile(r"[0-9a-f]{40}")
_listings = itertools.count()


@dataclass(frozen=True)
class HubDataset:
    """One split of a dataset on the Hub.

    Attributes:
        dataset: ``OWNER/NAME``.
        config: configuration; None = the default one.
        split: split.
        revision: branch, tag or commit; a run is pinned to the commit that it names when it is listed.
    """

    dataset: str
    config: str | None
    split: str
    revision: str

    def hosts(self) -> tuple[str, ...]:
        """Return the Hub and where it keeps files."""
        return parse_address(f"hf://datasets/{self.dataset}@main/x").hosts()

    def keys(self) -> dict[str, object]:
        """Return nothing: the keys are the reader's."""
        return {}

    def expand(self, client: Client) -> Listed:
        """List the files of the split.

        Raises:
            InputError: there is no such dataset, configuration or split, or its files are of no format that is read.
        """
        api = f"{hub_url()}/api/datasets/{self.dataset}"
        what = f"dataset {self.dataset} at {self.revision}"
        info = self._ask(client, what, f"{api}/revision/{quote(self.revision, safe='')}")[0]
        commit = str(info.get("sha", "")) if isinstance(info, dict) else ""
        if not _COMMIT.fullmatch(commit):
            raise InputError(f"{what}: the Hub names no commit; check `dataset` and `revision`")
        paths = sorted(self._paths(client, what, f"{api}/tree/{commit}?recursive=true"))
        base = f"hf://datasets/{self.dataset}@{commit}/"
        readme = _fetch(client, f"{base}{README}") if README in paths else b""
        found = split_files(what, _as_listing(paths), readme, self.config, self.split)
        return Listed(tuple(InputFile(base + path, path) for path in found), {"commit": commit})

    def _paths(self, client: Client, what: str, url: str | None) -> Iterator[str]:
        """Yield all paths of a commit, page by page."""
        while url is not None:
            page, url = self._ask(client, what, url)
            for entry in page if isinstance(page, list) else ():
                if entry.get("type") == "file":
                    yield str(entry["path"])

    def _ask(self, client: Client, what: str, url: str) -> tuple[Any, str | None]:
        data, following = client.get(what, "hf", url, ANSWER_BYTES)
        try:
            return json.loads(data), following
        except ValueError as error:
            raise InputError(f"{what}: the Hub answers no JSON ({error}); try again later") from error


def local_files(folder: Path, config: str | None, split: str) -> tuple[InputFile, ...]:
    """Return the files of a split of a dataset in a folder.

    Raises:
        InputError: there is no such configuration or split, or its files are of no format that is read.
    """
    readme = folder / README
    text = readme.read_bytes() if readme.is_file() else b""
    found = split_files(str(folder), str(folder.absolute()), text, config, split)
    return tuple(InputFile(folder / path, path) for path in found)


def split_files(what: str, base: str, readme: bytes, config: str | None, split: str) -> list[str]:
    """Return the paths of the data files of a split, relative to `base`, sorted.

    Args:
        what: name of the dataset, for messages.
        base: folder, or address of a listing, that `datasets` can resolve patterns in.
        readme: the dataset's README, whose YAML head may name configurations.
        config: configuration; None = the default one.
        split: split.
    """
    from datasets.data_files import get_data_patterns, sanitize_patterns
    from datasets.utils.metadata import MetadataConfigs

    try:
        configs = MetadataConfigs.from_dataset_card_data(_head(readme))
        name = config or (configs.get_default_config_name() if configs else None)
        if (configs or config) and name not in configs:
            known = ", ".join(configs) or "it has none: leave `config` out"
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
        raise InputError(f"{what}: the files of the dataset cannot be told ({error}); use `paths`") from error
    return _data(
        what,
        [os.path.relpath(path.removeprefix("memory://"), base.removeprefix("memory://")) for path in matched],
    )


def _head(readme: bytes) -> dict[str, Any]:
    """Return the YAML head of a README; empty where it has none."""
    match = re.match(r"\s*---\s*?\n(.*?)\n---\s*?(\n|$)", readme.decode("utf-8", "replace"), re.DOTALL)
    head = yaml.safe_load(match[1]) if match else None
    return head if isinstance(head, dict) else {}


def _fetch(client: Client, path: str) -> bytes:
    """Return a small file of the Hub."""
    address = parse_address(path)
    pin = client.pin(address)
    if pin.size > ANSWER_BYTES:
        raise InputError(f"{path}: has {pin.size} bytes, more than a description needs; use `paths`")
    return client.read(address, pin, 0, pin.size)


def _matches(pattern: str, root: str) -> list[str]:
    """Return the files that a pattern matches; one of several patterns may match nothing, a plain name may not."""
    from datasets.data_files import resolve_pattern

    try:
        found: list[str] = resolve_pattern(pattern, root)
    except FileNotFoundError:
        if not MAGIC.search(pattern):
            raise
        return []
    return found


def format_of(path: str) -> str | None:
    """Return the format of a file by its name: a module of `datasets`; None where it is none that is read.

    >>> format_of("data/a.jsonl.zst"), format_of("a.tsv"), format_of("README.md")
    ('json', 'csv', None)
    """
    name = PurePosixPath(path)
    suffix = PurePosixPath(name.stem).suffix if name.suffix in _PACKED else name.suffix
    return FORMATS.get(suffix.lower())


def _data(what: str, paths: Sequence[str]) -> list[str]:
    """Return the paths of the most frequent format."""
    known = [path for path in dict.fromkeys(paths) if PurePosixPath(path).name not in _NO_DATA]
    formats = Counter(kind for path in known if (kind := format_of(path)))
    if not formats:
        seen = ", ".join(sorted({PurePosixPath(path).suffix or path for path in known}))
        raise InputError(
            f"{what}: its files ({seen[:200]}) are of no format that is read: {', '.join(FORMATS)}"
        )
    kind = min(formats, key=lambda one: (-formats[one], one))
    return sorted(path for path in known if format_of(path) == kind)


def _as_listing(paths: Sequence[str]) -> str:
    """Return the address of a folder in memory with files of these names."""
    from fsspec.implementations.memory import MemoryFileSystem

    base = f"/hub-listing-{next(_listings)}"
    memory = MemoryFileSystem()
    for path in paths:
        memory.pipe_file(f"{base}/{path}", b"")
    return f"memory://{base}"


def is_hub_name(dataset: str) -> bool:
    """Say whether a dataset is named as on the Hub.

    >>> is_hub_name("HuggingFaceFW/fineweb"), is_hub_name("./data"), is_hub_name("/data/set")
    (True, False, False)
    """
    return _NAME.fullmatch(dataset) is not None and not dataset.startswith(".")
