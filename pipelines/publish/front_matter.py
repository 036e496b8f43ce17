"""The YAML front matter of a dataset card: licence, languages, configurations and the figures of each split."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

import pyarrow.parquet as pq
import yaml

from pipelines.publish.files import RepoFile, configs
from pipelines.publish.repo_tables import OTHER_LANGUAGE
from pipelines.store.manifest import RunManifest
from pipelines.store.sealed import JsonObject

LICENCES: Final = {
    "warc": "odc-by",
    "wet": "odc-by",
    "wikipedia": "cc-by-sa-4.0",
    "wikimedia_enterprise": "cc-by-sa-4.0",
}
"""The licence of each reader's texts, by the Hub's identifiers; ``other`` for the rest."""

SIZES: Final = (
    (10**3, "n<1K"),
    (10**4, "1K<n<10K"),
    (10**5, "10K<n<100K"),
    (10**6, "100K<n<1M"),
    (10**7, "1M<n<10M"),
    (10**8, "10M<n<100M"),
    (10**9, "100M<n<1B"),
    (10**10, "1B<n<10B"),
)
"""The Hub's size categories, each with the number of documents that it ends before."""

Splits = Mapping[str, Sequence[RepoFile]]
"""The files of a configuration, by split."""


def dataset_front_matter(manifest: RunManifest, files: Sequence[RepoFile], license_id: str | None) -> str:
    """Return the front matter of a dataset card, with its fences.

    Args:
        manifest: of the run.
        files: of the repository.
        license_id: replaces the licence that follows from the readers.
    """
    by_config = configs(files)
    documents = sum(file.rows or 0 for file in files if file.path.startswith("data/"))
    languages = [
        name for name, splits in by_config.items() if _is_language(splits) and name != OTHER_LANGUAGE
    ]
    front: JsonObject = {
        "license": license_id or licence(manifest),
        "language": [name.partition("_")[0] for name in languages],
        "pretty_name": str(manifest.recipe["name"]),
        "size_categories": [next((name for most, name in SIZES if documents < most), "n>1T")],
        "task_categories": ["text-generation"],
        "tags": ["pretraining", "corpusmill"],
        "configs": list(_configs(by_config)),
        "dataset_info": [_info(name, splits) for name, splits in by_config.items()],
    }
    return _fenced(front)


def model_front_matter(manifest: RunManifest, dataset: str, license_id: str | None) -> str:
    """Return the front matter of a tokenizer's card, with its fences.

    Args:
        manifest: of the run.
        dataset: ``user/name`` of the dataset that it was trained on.
        license_id: replaces the licence that follows from the readers.
    """
    front: JsonObject = {
        "license": license_id or licence(manifest),
        "tags": ["tokenizer", "sentencepiece", "corpusmill"],
        "datasets": [dataset],
    }
    return _fenced(front)


def licences(manifest: RunManifest) -> set[str]:
    """Return the licences of the inputs."""
    return {LICENCES.get(entry["reader"], "other") for entry in manifest.recipe["inputs"]}


def licence(manifest: RunManifest) -> str:
    """Return the one licence of all inputs, or ``other`` if there are several or it is unknown."""
    found = licences(manifest)
    return found.pop() if len(found) == 1 else "other"


def rows(files: Sequence[RepoFile]) -> int:
    """Return the number of rows of files."""
    return sum(file.rows or 0 for file in files)


def _fenced(front: JsonObject) -> str:
    return f"---\n{yaml.safe_dump(front, sort_keys=False, allow_unicode=False, width=1000)}---\n\n"


def _configs(by_config: Mapping[str, Splits]) -> Iterator[JsonObject]:
    """Yield the configurations; the largest language is the default."""

    def weight(name: str) -> tuple[bool, int, str]:
        splits = by_config[name]
        return _is_language(splits), sum(map(rows, splits.values())), name

    largest = max(by_config, key=weight, default=None)
    for name, splits in by_config.items():
        files = [
            {"split": split, "path": f"{found[0].path.rpartition('/')[0]}/{split}-*.parquet"}
            for split, found in splits.items()
        ]
        yield {"config_name": name, **({"default": True} if name == largest else {}), "data_files": files}


def _is_language(splits: Splits) -> bool:
    """Return True if a configuration holds the finished documents of a language."""
    return any(file.path.startswith("data/") for files in splits.values() for file in files)


def _info(name: str, splits: Splits) -> JsonObject:
    """Return the columns, rows and bytes of each split, which `datasets` checks after loading."""
    from datasets import Features  # takes a second to import

    files = [file for found in splits.values() for file in found]
    content = files[0].content
    assert not isinstance(content, bytes)  # noqa: S101 - files of a configuration are tables on this disk
    return {
        "config_name": name,
        "features": Features.from_arrow_schema(pq.read_schema(content).remove_metadata())._to_yaml_list(),
        "splits": [
            {"name": split, "num_bytes": sum(file.memory for file in found), "num_examples": rows(found)}
            for split, found in splits.items()
        ],
        "download_size": sum(file.size for file in files),
        "dataset_size": sum(file.memory for file in files),
    }
