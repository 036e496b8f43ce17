"""The recipes that come with the program: ``corpusmill run demo`` in any folder.

They are those of ``configs/``, which a wheel carries as ``pipelines/configs/`` together with the demo's sample.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from pipelines.errors import nearest

FOLDER: Final = Path(__file__).parents[1] / "configs"


def bundled_names() -> list[str]:
    """Return the names of the recipes that come with the program."""
    return sorted(path.stem for path in FOLDER.glob("*.yaml"))


def find_recipe(text: str) -> Path:
    """Return the path of a recipe: a file of the user's, else the one of this name that comes with the program.

    Raises:
        ValueError: it is a bare name, and neither a file nor one of ours; the message names the nearest.
    """
    path = Path(text)
    if path.is_file() or path.name != text or path.suffix:
        return path
    names = bundled_names()
    if text not in names:
        raise ValueError(
            f"there is no file {text!r}, and no recipe of that name comes with the program; "
            + nearest(text, names, "recipes")
        )
    return FOLDER / f"{text}.yaml"
