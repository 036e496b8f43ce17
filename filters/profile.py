"""Limits that come with a profile: what nobody set takes the value that the profile publishes.

A step with profiles gives such fields a `published` default. A value from a recipe is a plain number and stays; a
published one is replaced by the chosen profile's when the step is built.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from _typeshed import DataclassInstance


class _PublishedInt(int):
    """A whole number that nobody set."""


class _PublishedFloat(float):
    """A number that nobody set."""


def published(value: float) -> Any:
    """Return a default that gives way to the chosen profile's value.

    Args:
        value: what holds for every profile that has no value of its own.
    """
    return _PublishedInt(value) if isinstance(value, int) else _PublishedFloat(value)


def settle(step: DataclassInstance, own: Mapping[str, float | None]) -> None:
    """Replace the defaults of a frozen step by plain values; call it in ``__post_init__``.

    Args:
        step: the step; its recipe's values stay as they are.
        own: the chosen profile's values by field, None = off; other fields keep their default.
    """
    for field in fields(step):
        value = getattr(step, field.name)
        if isinstance(value, _PublishedInt | _PublishedFloat):
            plain = int(value) if isinstance(value, int) else float(value)
            object.__setattr__(step, field.name, own.get(field.name, plain))
