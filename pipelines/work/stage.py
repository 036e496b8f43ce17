"""A run, and the face that each of its stages shows to it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Protocol

from pipelines.beam.flags import is_local
from pipelines.recipe.recipe import Recipe
from pipelines.store.manifest import Manifest
from pipelines.store.stage_key import StageKey
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


class Stage(Protocol):
    """One stage of one run. `pipelines.run.stages_of` lists them.

    Attributes:
        run: the run.
        name: as the command line and messages call it.
        home: folder that holds its manifest.
        reads: names of the stages whose manifests it reads, in the order of `key` and `make`.
        scratch: folders of what it needs no longer once its manifest is written.
    """

    run: Run
    name: ClassVar[str]
    home: ClassVar[str]
    reads: ClassVar[tuple[str, ...]]
    scratch: ClassVar[tuple[str, ...]] = ()

    def key(self, upstream: Sequence[StageKey]) -> StageKey:
        """Return what the output depends on besides input data.

        Args:
            upstream: keys of the stages that it reads.
        """
        ...

    def is_current(self, known: Manifest | None, key: StageKey) -> bool:
        """Return True if the output needs no work. It is called before any earlier output becomes stale.

        Args:
            known: manifest of this stage, valid for `key` and for the manifests that it reads; None = there is none.
            key: key of this stage.
        """
        return known is not None

    def make(self, upstream: Sequence[Manifest], key: StageKey) -> Manifest:
        """Do the work and write the manifest; return it.

        Args:
            upstream: manifests of the stages that it reads.
            key: key of this stage.

        Raises:
            CorpusmillError: it failed; finished work is kept.
        """
        ...
