"""Steps and readers in files of the user's own: ``my_rules:MyRule`` in a recipe, and what their code is.

The file that a class is in counts as part of the recipe: where it changes, what it made is made anew. What it imports
does not count.
"""

from __future__ import annotations

import functools
import hashlib
import sys
from collections.abc import Callable
from pathlib import Path

from pipelines.errors import nearest
from pipelines.recipe.tree import Faults, Place

OURS = ("filters", "pipelines", "tokenizer_training")


def find_class(
    kind: str,
    key: str,
    find: Callable[[str], type],
    known: list[str],
    place: tuple[Place, str],
    faults: Faults,
) -> type | None:
    """Return the class behind a key, or None after reporting why there is none.

    Args:
        kind: ``step`` or ``reader``, for messages.
        key: name of a built-in class, or ``module:Class``.
        find: returns the class, or raises a LookupError; an import of the user's can raise anything.
        known: names of the built-in classes.
        place: where the key stands, and its key path.
        faults: receives the fault.
    """
    at, path = place
    try:
        return find(key)
    except LookupError as error:
        hint = "" if ":" in key else f"; {nearest(key, known, f'known {kind}s')}"
        faults.add(at, path, f"{error.args[0]}{hint}")
    except (Exception, SystemExit) as error:  # the import of a user's module can fail in any way
        faults.add(at, path, f"importing {key!r} fails: {type(error).__name__}: {error}")
    return None


def code_of(cls: type) -> str | None:
    """Return the sha256 of the file that a class of the user's own is in; None for classes of this project."""
    if cls.__module__.partition(".")[0] in OURS:
        return None
    file = getattr(sys.modules.get(cls.__module__), "__file__", None)
    return _digest(file) if file else None


@functools.cache
def _digest(file: str) -> str:
    return hashlib.sha256(Path(file).read_bytes()).hexdigest()
