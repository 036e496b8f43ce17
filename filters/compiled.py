"""Functions compiled by Numba, cached on disk until the sources that they were compiled from change.

Numba's own cache looks only at the file that a function is in. It does not notice when a constant or function from
another file changes, and then runs old code. So compiled functions are cached in a folder named after the hash of all
sources in their own folder and in this package.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, Final, TypeVar

import numba

Function = TypeVar("Function", bound=Callable[..., Any])

PACKAGE: Final = Path(__file__).parent
HOME: Final = PACKAGE / "__pycache__" / "compiled"


def compiled(function: Function) -> Function:
    """Compile a function when it is first called, and cache the result on disk if the disk can be written."""
    return _compiled(function, "never")


def inlined(function: Function) -> Function:
    """Compile a function into its compiled callers: passing ten arrays takes longer than a short function."""
    return _compiled(function, "always")


def _compiled(function: Function, inline: str) -> Function:
    folder, default = Path(function.__code__.co_filename).parent, numba.config.CACHE_DIR
    try:
        numba.config.CACHE_DIR = str(HOME / sources_digest(folder))  # only the next line reads it
        result: Function = numba.njit(cache=True, inline=inline)(function)
    finally:
        numba.config.CACHE_DIR = default
    return result


@cache
def sources_digest(folder: Path) -> str:
    """Return 16 hex characters of the sha256 of the Python files in a folder, and of those of this package."""
    digest = hashlib.sha256()
    for path in sorted({*folder.glob("*.py"), *PACKAGE.rglob("*.py")}):
        digest.update(f"{path.name} {path.stat().st_size}\n".encode() + path.read_bytes())
    return digest.hexdigest()[:16]
