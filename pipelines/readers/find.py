"""Readers by name: a recipe's ``reader:`` key is a file of this folder, or ``module:Class`` of another package."""

from __future__ import annotations

import importlib
import pkgutil
from dataclasses import is_dataclass
from typing import cast

from filters.step import class_in
from pipelines.readers.record import Reader


def reader_names() -> list[str]:
    """Return the names of all readers: the files of this package that define one."""
    import pipelines.readers as package

    names = [info.name for info in pkgutil.iter_modules(package.__path__)]
    return sorted(name for name in names if hasattr(_class_of(name), "SOURCE"))


def find_reader(name: str) -> type[Reader]:
    """Return the reader class behind a recipe's ``reader:`` key: ``warc`` -> ``warc.Warc``.

    ``my_package.readers:MyReader`` is a class of another package.

    Raises:
        LookupError: there is no such reader; the message names the class and the module.
    """
    module, colon, cls = name.partition(":")
    if colon:
        found = class_in(module, cls)
        if not hasattr(found, "SOURCE"):
            raise LookupError(f"there is no reader {name!r} (looked for class {cls} with SOURCE in {module})")
        return cast("type[Reader]", found)
    if name not in reader_names():
        raise LookupError(f"there is no reader {name!r}")
    return cast("type[Reader]", _class_of(name))


def contract_fault(cls: type) -> str | None:
    """Return why a class is not a reader, or None if it is; see `Reader`."""
    if not is_dataclass(cls):
        return "is not a dataclass; a reader is a frozen dataclass of its fields"
    missing = [name for name in ("splits", "read") if not hasattr(cls, name)]
    return f"has no {' and no '.join(missing)}; every reader has SOURCE, splits and read" if missing else None


def _class_of(name: str) -> object | None:
    module = importlib.import_module(f"pipelines.readers.{name}")
    return getattr(module, "".join(part.capitalize() for part in name.split("_")), None)
