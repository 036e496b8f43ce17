"""The model card of a quality classifier, from the template ``templates/card.md``."""

from __future__ import annotations

import functools
from typing import TypedDict

import jinja2

from pipelines.quality.metrics import Metrics


class ModelFile(TypedDict):
    """The model: its size in bytes and its sha256, 64 hex characters."""

    bytes: int
    sha256: str


class Inputs(TypedDict):
    """The inputs of each class, as on the command line."""

    positive: list[str]
    negative: list[str]


class Evaluation(Metrics):
    """The content of ``evaluation.json``: how the model was trained, and its figures on the test part."""

    model: ModelFile
    settings: dict[str, float | None]
    training_examples: int
    inputs: Inputs
    language: str | None


def card(evaluation: Evaluation) -> str:
    """Return the card as Markdown."""
    return _environment().get_template("card.md").render(evaluation=evaluation)


@functools.cache
def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(  # noqa: S701 - Markdown; the only free text in it is code without bars
        loader=jinja2.PackageLoader("pipelines.quality"),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["list"] = _list
    return environment


def _list(inputs: list[str]) -> str:
    """Return the cell of a table that lists inputs."""
    return ", ".join(f"`{entry}`" for entry in inputs).replace("|", "\\|")
