"""User-defined steps and readers, ``my_rules:MyRule`` in a recipe: looking them up and hashing their source.

The file that holds the class counts as part of the recipe: if it changes, the stages that use the class are redone.
The files that it imports do not count.
"""

from __future__ import annotations

import functools
import hashlib
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from pipelines.errors import nearest
from pipelines.recipe.tree import Faults, Place

PROJECT_PACKAGES: Final = ("filters", "pipelines", "tokenizer_training")
"""Packages whose classes are not the user's."""


def find_class(
    kind: str,
    key: str,
    find: Callable[[str], type],
    known: Sequence[str],
    place: tuple[Place, str],
    faults: Faults,
) -> type | None:
    """Return the class behind a key, or None after reporting why there is none.

    Args:
        kind: ``step`` or ``reader``, for messages.
        key: name of a built-in class, or ``module:Class``.
        find: returns the class, or raises a LookupError; importing the user's module can raise anything.
        known: names of the built-in classes.
        place: where the key is written, and its key path.
        faults: receives the fault.
    """
    at, path = place
    try:
        return find(key)
    except LookupError as error:
        hint = "" if ":" in key else f"; {nearest(key, known, f'known {kind}s')}"
        faults.add(at, path, f"{error.args[0]}{hint}")
    except (Exception, SystemExit) as error:  # a user's module can fail in any way when it is imported
        faults.add(at, path, f"importing {key!r} fails: {type(error).__name__}: {error}")
    return None


def code_of(cls: type) -> str | None:
    """Return the sha256 of the source file of a user-defined class; None for a class of this project."""
    if cls.__module__.partition(".")[0] in PROJECT_PACKAGES:
        return None
    file = getattr(sys.modules.get(cls.__module__), "__file__", None)
    return _digest(file) if file else None


@functools.cache
def _digest(file: str) -> str:
    return hashlib.sha256(Path(file).read_bytes()).hexdigest()
