"""A run, and the face that each of its stages shows to it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from pipelines.beam.flags import is_local
from pipelines.recipe.recipe import Recipe
from pipelines.store.storage import Storage
from pipelines.work.progress import Progress


@dataclass(frozen=True)
class Run:
    """One call of the command line: the recipe, where it writes, and with how many workers.

    Attributes:
        recipe: files of its steps resolved to absolute paths.
        storage: the output folder.
        workers: number of worker processes on this machine.
        beam_flags: flags for the Beam runner, as given after ``--``.
        progress: where to report what is going on.
    """

    recipe: Recipe
    storage: Storage
    workers: int
    beam_flags: tuple[str, ...]
    progress: Progress

    @property
    def is_local(self) -> bool:
        """True if the work stays on this machine."""
        return is_local(self.beam_flags)

    def lanes(self, tasks: int) -> int:
        """Return how many lanes so many tasks are dealt to: one per worker here, one per task elsewhere."""
        return self.workers if self.is_local else tasks
