"""A package's public names, each imported from its file when it is first used.

So ``from filters import Check`` needs neither spaCy nor Numba, and a trainer's loader needs no SentencePiece.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping


def lazy_names(package: str, homes: Mapping[str, str]) -> Callable[[str], object]:
    """Return the ``__getattr__`` of a package (PEP 562).

    Args:
        package: its name.
        homes: the module that each public name is defined in.
    """

    def get(name: str) -> object:
        if name not in homes:
            raise AttributeError(f"module {package!r} has no attribute {name!r}", name=name)
        return getattr(importlib.import_module(homes[name]), name)

    return get
