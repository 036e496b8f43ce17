"""Dataset and model cards: YAML front matter that the Hub reads, and a page that says what was done.

Everything that comes from a run (languages, sources, reasons, file names) is escaped: a name cannot end the front
matter, open a tag or make a link.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit, urlunsplit

import pyarrow.parquet as pq
import yaml

from pipelines.publish.files import RepoFile, configs
from pipelines.publish.stage import OTHER_LANGUAGE
from pipelines.store.manifest import RunManifest
from pipelines.terminal import escape
from pipelines.views.report.funnel import Level, funnel
from pipelines.views.report.shown import number, share, size
from pipelines.views.run_tables import RunTables

LICENCES: Final = {
    "warc": "odc-by",
    "wet": "odc-by",
    "wikipedia": "cc-by-sa-4.0",
    "wikimedia_enterprise": "cc-by-sa-4.0",
}
SIZES: Final = ((10**3, "n<1K"), (10**4, "1K<n<10K"), (10**5, "10K<n<100K"), (10**6, "100K<n<1M"))
MORE_SIZES: Final = ((10**7, "1M<n<10M"), (10**8, "10M<n<100M"), (10**9, "100M<n<1B"), (10**10, "1B<n<10B"))

_ABOUT: Final = {
    "sample": "training documents drawn by a hash of their ids, to look at",
    "dropped": "documents that the steps dropped or that were duplicates, with their step and reason",
    "ledger": "the decision for every record and every measure behind it, without text",
    "shards": "packed rows of token ids for training",
}
_NOTES: Final = {
    "odc-by": (
        "Pages come from a web crawl. Where that is Common Crawl, its data is under the "
        "Open Data Commons Attribution License (ODC-By 1.0) and its terms of use; the pages themselves "
        "stay their publishers' own."
    ),
    "cc-by-sa-4.0": (
        "Wikipedia's text is under CC BY-SA 4.0: name the articles (`url`) and share under the same licence."
    ),
    "other": "Some inputs are neither a crawl nor Wikipedia; their own licences apply.",
}


@dataclass(frozen=True)
class CardFacts:
    """What a card is about.

    Attributes:
        repo: ``user/name`` of the repository.
        tokenizer_repo: where the tokenizer is published; None = it is not.
        license: identifier that replaces the one derived from the readers.
    """

    repo: str
    tokenizer_repo: str | None
    license: str | None


def dataset_card(
    tables: RunTables, manifest: RunManifest, files: Sequence[RepoFile], facts: CardFacts
) -> str:
    """Return README.md of a dataset repository."""
    front = _front_matter(manifest, files, facts)
    parts = [
        *_opening(manifest, files, facts),
        *_funnel(funnel(tables)),
        *_provenance(tables, manifest, facts),
    ]
    return _page(front, parts)


def model_card(
    tables: RunTables, manifest: RunManifest, evaluation: Mapping[str, Any], facts: CardFacts
) -> str:
    """Return README.md of a tokenizer's repository."""
    name, repo = str(manifest.recipe["name"]), facts.tokenizer_repo or facts.repo
    front = {
        "license": facts.license or _licence(manifest),
        "tags": ["tokenizer", "sentencepiece", "corpusmill"],
        "datasets": [facts.repo],
    }
    measured = evaluation.get("documents") or evaluation["words"]
    rows = [("all", measured["all"]), *sorted(measured["languages"].items())]
    parts = [
        f"# Tokenizer of {text(name)}",
        f"SentencePiece {text(evaluation['model_type'])}, {number(evaluation['vocab_size'])} pieces, trained on "
        f"[{text(facts.repo)}](https://huggingface.co/datasets/{facts.repo}).",
        "```python\nfrom transformers import AutoTokenizer\n\n"
        f'tokenizer = AutoTokenizer.from_pretrained("{repo}")\n```',
        "`tokenizer.model` gives the same ids in SentencePiece. Measured on a sample of the finished documents:",
        table(
            ("language", "documents", "bytes per token", "tokens per word", "byte pieces"),
            [
                (language, number(row["texts"]), number(row["bytes_per_token"]), number(row["tokens_per_word"]),
                 share(row["byte_fallback_rate"]))
                for language, row in rows
            ],
        ),
        *_versions(tables),
    ]  # fmt: skip
    return _page(front, parts)


def public_recipe(recipe: Mapping[str, Any]) -> dict[str, Any]:
    """Return a recipe as others may see it: no folders of this machine, no keys that an address may carry.

    Files chosen from a crawl are left out: the list's sha256 and the seed say which they are.
    """
    inputs = [_public_input(entry) for entry in recipe["inputs"]]
    return {name: _public(value) for name, value in {**recipe, "inputs": inputs}.items()}


def _public_input(entry: Mapping[str, Any]) -> dict[str, Any]:
    shown = {key: value for key, value in entry.items() if key != "found"}
    if isinstance(entry.get("files"), list):
        shown["files"] = [file["name"] for file in entry["files"]]
    return shown


def _public(value: Any) -> Any:
    """Return a value of a recipe with paths from the root or home cut to their last part, and plain addresses."""
    if isinstance(value, Mapping):
        return {name: _public(item) for name, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_public(item) for item in value]
    if not isinstance(value, str):
        return value
    if "://" in value:
        split = urlsplit(value)
        return urlunsplit((split.scheme, split.netloc.rpartition("@")[2], split.path, "", ""))
    return value.rpartition("/")[2] if value.startswith(("/", "~", "..")) else value


def _page(front: Mapping[str, Any], parts: Sequence[str]) -> str:
    head = yaml.safe_dump(dict(front), sort_keys=False, allow_unicode=False, width=1000)
    return f"---\n{head}---\n\n" + "\n\n".join(parts) + "\n"


def text(value: object) -> str:
    r"""Return text for Markdown: nothing in it is a tag, a link, a table cell or a line of its own.

    >>> text("a|b <b> [x](y)\n---")
    'a&#124;b &lt;b&gt; &#91;x&#93;(y) ---'
    """
    plain = " ".join(escape(str(value)).split())
    return re.sub(r"[&<>|\[\]`*_#\\]", _entity, plain)


def _entity(found: re.Match[str]) -> str:
    named = {"&": "&amp;", "<": "&lt;", ">": "&gt;", "_": "\\_", "*": "\\*", "\\": "\\\\"}
    return named.get(found[0], f"&#{ord(found[0])};")


def table(head: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """Return a Markdown table; the first column is to the left, the others to the right."""
    lines = [head, [":--", *["--:"] * (len(head) - 1)]]
    cells = [" | ".join(line) for line in lines]
    cells += [" | ".join(text(cell) for cell in row) for row in rows]
    return "\n".join(f"| {line} |" for line in cells)


def _front_matter(manifest: RunManifest, files: Sequence[RepoFile], facts: CardFacts) -> dict[str, Any]:
    by_config = configs(files)
    documents = sum(file.rows or 0 for file in files if file.path.startswith("data/"))
    languages = [
        name for name, splits in by_config.items() if _is_language(splits) and name != OTHER_LANGUAGE
    ]
    return {
        "license": facts.license or _licence(manifest),
        "language": [name.partition("_")[0] for name in languages],
        "pretty_name": str(manifest.recipe["name"]),
        "size_categories": [next((name for most, name in (*SIZES, *MORE_SIZES) if documents < most), "n>1T")],
        "task_categories": ["text-generation"],
        "tags": ["pretraining", "corpusmill"],
        "configs": list(_configs(by_config)),
        "dataset_info": [_info(name, splits) for name, splits in by_config.items()],
    }


def _configs(by_config: Mapping[str, Mapping[str, Sequence[RepoFile]]]) -> Iterator[dict[str, Any]]:
    """Yield the configurations; the largest language is what one gets who names none."""
    largest = max(
        by_config,
        key=lambda name: (_is_language(by_config[name]), _rows(by_config[name]), name),
        default=None,
    )
    for name, splits in by_config.items():
        files = [
            {"split": split, "path": f"{found[0].path.rpartition('/')[0]}/{split}-*.parquet"}
            for split, found in splits.items()
        ]
        yield {"config_name": name, **({"default": True} if name == largest else {}), "data_files": files}


def _is_language(splits: Mapping[str, Sequence[RepoFile]]) -> bool:
    """Say whether a configuration is the finished documents of a language."""
    return any(file.path.startswith("data/") for files in splits.values() for file in files)


def _rows(splits: Mapping[str, Sequence[RepoFile]]) -> int:
    return sum(file.rows or 0 for files in splits.values() for file in files)


def _info(name: str, splits: Mapping[str, Sequence[RepoFile]]) -> dict[str, Any]:
    """Return what `datasets` checks what it loaded against: columns, rows and bytes of each split."""
    from datasets import Features  # takes a second to import

    files = [file for found in splits.values() for file in found]
    content = files[0].content
    assert not isinstance(content, bytes)  # noqa: S101 - files of a configuration are tables on this disk
    return {
        "config_name": name,
        "features": Features.from_arrow_schema(pq.read_schema(content).remove_metadata())._to_yaml_list(),
        "splits": [
            {
                "name": split,
                "num_bytes": sum(f.memory for f in found),
                "num_examples": sum(f.rows or 0 for f in found),
            }
            for split, found in splits.items()
        ],
        "download_size": sum(file.size for file in files),
        "dataset_size": sum(file.memory for file in files),
    }


def _licence(manifest: RunManifest) -> str:
    """Return the one licence of all inputs, or ``other`` where there are several or it is not known."""
    found = {LICENCES.get(entry["reader"], "other") for entry in manifest.recipe["inputs"]}
    return found.pop() if len(found) == 1 else "other"


def _opening(manifest: RunManifest, files: Sequence[RepoFile], facts: CardFacts) -> Iterator[str]:
    by_config = configs(files)
    yield f"# {text(manifest.recipe['name'])}"
    rows = [
        (name, split, number(_rows({split: found})), size(sum(file.size for file in found)),
         _ABOUT.get(name.partition("_")[0], "finished documents"))
        for name, splits in by_config.items() for split, found in splits.items()
    ]  # fmt: skip
    yield table(("configuration", "split", "rows", "size", "what"), rows)
    first = next(iter(by_config), "sample")
    yield (
        "```python\nfrom datasets import load_dataset\n\n"
        f'documents = load_dataset("{facts.repo}", "{first}", split="train", streaming=True)\n```'
    )
    if facts.tokenizer_repo is not None:
        yield f"The tokenizer is [{text(facts.tokenizer_repo)}](https://huggingface.co/{facts.tokenizer_repo})."
    if any(file.path.startswith("shards/") for file in files):
        yield (
            "In `shards`, `doc_lens` divides a row of `input_ids` into documents; padding fills the end. "
            "Position ids restart and labels are -100 at the first token of each document."
        )


def _funnel(levels: Sequence[Level]) -> Iterator[str]:
    yield "## What was read and what is left"
    whole = levels[0].documents
    yield table(
        ("after", "documents", "share", "text", "taken"),
        [(level.name, number(level.documents), share(level.documents, whole), size(level.bytes), number(level.lost))
         for level in levels],
    )  # fmt: skip
    reasons = [
        (f"{level.name}: {reason.name}", number(reason.documents), share(reason.documents, whole))
        for level in levels
        for reason in level.taken
    ]
    if reasons:
        yield "The same by reason:"
        yield table(("step and reason", "documents", "share"), reasons)


def _provenance(tables: RunTables, manifest: RunManifest, facts: CardFacts) -> Iterator[str]:
    yield "## Licence"
    kinds = {LICENCES.get(entry["reader"], "other") for entry in manifest.recipe["inputs"]}
    notes = [note for kind, note in _NOTES.items() if kind in kinds]
    yield "\n".join(f"- {note}" for note in notes)
    yield (
        "Texts were filtered by rules and still contain errors, bias and, whatever was masked, personal data. "
        "Whoever asks for a page to be removed can name its `url`."
    )
    yield "## How it was made"
    yield "By corpusmill, from this recipe, with every default filled in:"
    recipe = yaml.safe_dump(public_recipe(manifest.recipe), sort_keys=False, allow_unicode=False, width=1000)
    yield "\n".join(f"    {line}" for line in recipe.splitlines())
    yield from _versions(tables)
    yield f"Manifest of the run: `{manifest.sha256}`."


def _versions(tables: RunTables) -> Iterator[str]:
    found: dict[str, str] = {}
    for stage in tables.manifests.values():
        found.update(stage.key_parts["libraries"])
    yield (
        "Versions: "
        + ", ".join(f"{text(name)} {text(version)}" for name, version in sorted(found.items()))
        + "."
    )
