"""Functions compiled by Numba, kept on disk for as long as the sources that they were compiled from do not change.

Numba keeps compiled code by the file that a function stands in. It does not notice that another file has changed
whose functions or constants went into that code, and then runs the old program. So the compiled functions of a
folder lie in a folder named after the sources of both that folder and this package.
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
    """Compile a function when it is first called, and keep the result on disk where that can be written."""
    return _compiled(function, "never")


def inlined(function: Function) -> Function:
    """Compile a function into its compiled callers: to hand on ten arrays takes longer than a short function."""
    return _compiled(function, "always")


def _compiled(function: Function, inline: str) -> Function:
    folder, default = Path(function.__code__.co_filename).parent, numba.config.CACHE_DIR
    try:
        numba.config.CACHE_DIR = str(HOME / sources_digest(folder))  # is looked at by the next line only
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
