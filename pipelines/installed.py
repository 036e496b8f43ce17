"""What is installed: whether the three packages are this program's own, and which extra holds a missing library.

Others on PyPI install packages of the same names: `filters` and `phx-filters` a package ``filters``, `pipelines` a
package ``pipelines``. pip writes their files over ours, or Python finds theirs first, and neither says so.
"""

from __future__ import annotations

import base64
import hashlib
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path
from typing import Final

DISTRIBUTION: Final = "corpusmill"
PACKAGES: Final = ("filters", "pipelines", "tokenizer_training")
EXTRAS: Final = {
    "datasets": "hub",
    "gguf": "gguf",
    "huggingface_hub": "hub",
    "icu4py": "segmenters",
    "kenlm": "kenlm",
    "tokenizers": "hub",
    "torch": "torch",
}
"""The extra that installs a library, by its module; all other libraries belong to the extra ``pipeline``."""


def foreign_package() -> str | None:
    """Return a message about the first of the three packages that is not this program's; None if all are.

    Ours lie in one folder, and their ``__init__.py`` are as pip installed them. None of them is imported.
    """
    home = Path(__file__).resolve().parents[1]
    hashes = _recorded_hashes()
    for name in PACKAGES:
        spec = find_spec(name)
        found = Path(spec.origin).resolve() if spec is not None and spec.origin else None
        own = home / name / "__init__.py"
        if found != own or hashes.get(f"{name}/__init__.py", _hash(own)) != _hash(own):
            return _message(name, found)
    return None


def missing_library(error: ModuleNotFoundError) -> str | None:
    """Return a message that says how to install what could not be imported; None if it is one of our own modules."""
    module = (error.name or "").partition(".")[0]
    if module in PACKAGES:
        return None
    extra = EXTRAS.get(module, "pipeline")
    return f"the library {module!r} is not installed; run: pip install '{DISTRIBUTION}[{extra}]'"


def _message(name: str, found: Path | None) -> str:
    owners = sorted({*metadata.packages_distributions().get(name, ())} - {DISTRIBUTION})
    of = f" of {' and '.join(owners)}" if owners else ""
    where = f"{found}{of}" if found else f"missing, or a folder without __init__.py{of}"
    return (
        f"the package {name!r} of this program is shadowed by another: {where}; move that away, or install "
        f"{DISTRIBUTION} in an environment of its own: python3 -m venv .venv && "
        f".venv/bin/pip install '{DISTRIBUTION}[pipeline]'"
    )


def _recorded_hashes() -> dict[str, str]:
    """Return what pip noted of the files that it installed, by path; nothing where it only noted the checkout."""
    try:
        files = metadata.files(DISTRIBUTION) or ()
    except metadata.PackageNotFoundError:  # a checkout that is not installed at all
        return {}
    return {file.as_posix(): file.hash.value for file in files if file.hash is not None}


def _hash(path: Path) -> str:
    """Return the sha256 of a file as pip notes it: URL-safe base64 without padding."""
    return base64.urlsafe_b64encode(hashlib.sha256(path.read_bytes()).digest()).rstrip(b"=").decode()
