"""Input files as binary streams, local or remote: the current version of a file, and the open file."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, BinaryIO, Final

from pipelines.errors import InputError, mapped
from pipelines.inputs.address import Pin, is_remote, parse_address
from pipelines.inputs.allowed_hosts import AllowedHosts
from pipelines.inputs.file import InputFile

if TYPE_CHECKING:
    from pipelines.inputs.client import Client

_RESTORE: Final = "restore it or remove it from inputs"


def stamp_of(file: InputFile) -> tuple[int, str]:
    """Return the size of a file and its stamp, a text that starts with the size and changes when the file does.

    Raises:
        InputError: the file cannot be read, or it is remote and has no pin.
    """
    if isinstance(file.path, str):
        if file.pin is None:
            raise InputError(f"{file.path}: has not been listed; run the same command again")
        return file.pin.size, f"{file.pin.size}:{file.pin.version}"
    with mapped(OSError, where=file.path, advice=_RESTORE):
        stat = file.path.stat()
    return stat.st_size, f"{stat.st_size}:{stat.st_mtime_ns}"


def open_input(path: str, stamp: str, allowed: AllowedHosts, until: int | None = None) -> BinaryIO:
    """Open a file.

    Args:
        path: of the file, or its address.
        stamp: from `stamp_of`; another version of a remote file is not read.
        allowed: which hosts may be contacted.
        until: where reading will end, more or less; None = at the end of the file.

    Raises:
        InputError: the file cannot be opened.
    """
    if is_remote(path):
        from pipelines.inputs.ranged_file import open_ranged  # see `client_of`

        size, _, version = stamp.partition(":")
        return open_ranged(client_of(allowed), parse_address(path), Pin(int(size), version), until)
    with mapped(OSError, where=path, advice=_RESTORE):
        return open(path, "rb")  # noqa: PTH123 - a reader takes a plain binary stream


@functools.cache
def client_of(allowed: AllowedHosts) -> Client:
    """Return the client of a run, one per process."""
    from pipelines.inputs.client import Client  # httpx2 takes 0.07 s to import

    return Client(allowed)
