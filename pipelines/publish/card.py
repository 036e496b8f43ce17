"""Dataset and model cards: front matter that the Hub reads, and a page from ``templates/`` about the run.

Everything that comes from a run (languages, sources, reasons, file names) is escaped: a name cannot end the front
matter, open a tag or make a link.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, NotRequired, TypedDict

import yaml

from pipelines.publish.files import RepoFile, configs
from pipelines.publish.front_matter import dataset_front_matter, licences, model_front_matter, rows
from pipelines.publish.markdown import render
from pipelines.publish.public_recipe import public_recipe
from pipelines.store.manifest import RunManifest
from pipelines.views.report.funnel import Level, levels
from pipelines.views.report.shown import number, share, size
from pipelines.views.run_tables import RunTables

_CONTENTS: Final = {
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
    """The repositories and the licence of a card.

    Attributes:
        repo: ``user/name`` of the dataset repository.
        tokenizer_repo: ``user/name`` of the tokenizer's; None = it is not published.
        license: identifier that replaces the licence that follows from the readers.
    """

    repo: str
    tokenizer_repo: str | None
    license: str | None


class Measured(TypedDict):
    """How well a tokenizer encodes texts: their number, and the rates that `tokenizer_training` defines."""

    texts: int
    bytes_per_token: float
    tokens_per_word: float
    byte_fallback_rate: float


class Measurement(TypedDict):
    """Figures of all texts, and by language."""

    all: Measured
    languages: dict[str, Measured]


class TokenizerEvaluation(TypedDict):
    """The part of ``tokenizer/evaluation.json`` that a card shows; older runs have no ``documents``."""

    model_type: str
    vocab_size: int
    words: Measurement
    documents: NotRequired[Measurement]


def dataset_card(
    tables: RunTables, manifest: RunManifest, files: Sequence[RepoFile], facts: CardFacts
) -> str:
    """Return README.md of a dataset repository."""
    by_config = configs(files)
    found = levels(tables)
    recipe = public_recipe(manifest.recipe)
    page = render(
        "dataset.md",
        name=manifest.recipe["name"],
        repo=facts.repo,
        tokenizer_repo=facts.tokenizer_repo,
        first=next(iter(by_config), "sample"),
        files=[
            (name, split, number(rows(found)), size(sum(file.size for file in found)), _content(name))
            for name, splits in by_config.items()
            for split, found in splits.items()
        ],
        has_shards=any(file.path.startswith("shards/") for file in files),
        levels=_level_rows(found),
        reasons=_reason_rows(found),
        licence_notes=[note for kind, note in _NOTES.items() if kind in licences(manifest)],
        recipe=yaml.safe_dump(recipe, sort_keys=False, allow_unicode=False, width=1000),
        versions=_versions(tables),
        manifest_sha256=manifest.sha256,
    )
    return dataset_front_matter(manifest, files, facts.license) + page


def model_card(
    tables: RunTables, manifest: RunManifest, evaluation: TokenizerEvaluation, facts: CardFacts
) -> str:
    """Return README.md of a tokenizer's repository."""
    measured = evaluation.get("documents") or evaluation["words"]
    by_language = [("all", measured["all"]), *sorted(measured["languages"].items())]
    page = render(
        "model.md",
        name=manifest.recipe["name"],
        repo=facts.repo,
        tokenizer_repo=facts.tokenizer_repo or facts.repo,
        model_type=evaluation["model_type"],
        vocab_size=number(evaluation["vocab_size"]),
        languages=[(language, *_figures(row)) for language, row in by_language],
        versions=_versions(tables),
    )
    return model_front_matter(manifest, facts.repo, facts.license) + page


def _content(config: str) -> str:
    """Return what a configuration holds; all but the named ones are languages."""
    return _CONTENTS.get(config.partition("_")[0], "finished documents")


def _level_rows(levels: Sequence[Level]) -> list[tuple[str, ...]]:
    whole = levels[0].documents
    return [
        (
            level.name,
            number(level.documents),
            share(level.documents, whole),
            size(level.bytes),
            number(level.lost),
        )
        for level in levels
    ]


def _reason_rows(levels: Sequence[Level]) -> list[tuple[str, ...]]:
    whole = levels[0].documents
    return [
        (f"{level.name}: {reason.name}", number(reason.documents), share(reason.documents, whole))
        for level in levels
        for reason in level.taken
    ]


def _figures(measured: Measured) -> tuple[str, ...]:
    return (
        number(measured["texts"]),
        number(measured["bytes_per_token"]),
        number(measured["tokens_per_word"]),
        share(measured["byte_fallback_rate"]),
    )


def _versions(tables: RunTables) -> list[str]:
    """Return ``name version`` of each library that shaped the data, by name."""
    found: dict[str, str] = {}
    for stage in tables.manifests.values():
        found.update(stage.key_parts["libraries"])
    return [f"{name} {version}" for name, version in sorted(found.items())]
