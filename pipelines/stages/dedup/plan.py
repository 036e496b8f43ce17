"""Plans a search for duplicates: who takes part, and how many pieces keep each of them small."""

from __future__ import annotations

from collections.abc import Sequence

from pipelines.recipe.recipe import Dedup
from pipelines.stages.dedup import decisions, lines, substrings
from pipelines.stages.dedup.against import OlderRun, search_units
from pipelines.stages.dedup.search import SIZES, Search, SearchUnit, Sizes, key_partitions, write_units
from pipelines.stages.dedup.signatures import Settings
from pipelines.store.manifest import UnitFile
from pipelines.store.storage import Storage
from pipelines.store.tables import text_bytes
from pipelines.work.stage import Run


def plan_search(
    run: Run,
    section: Dedup,
    parts: Sequence[UnitFile],
    older: Sequence[OlderRun],
    sizes: Sizes = SIZES,
) -> Search:
    """Plan a search and write its list of units.

    Args:
        run: the run.
        section: the recipe's section.
        parts: the parts of ``filtered/``, by unit.
        older: the older runs, oldest first.
        sizes: how much is held in memory at a time.
    """
    storage = run.storage
    more, indexes = search_units(older, len(parts), section)
    units = [*_own_units(storage, parts, section, len(older)), *more]
    documents = _documents(section, parts, older)
    edits = section.lines is not None or section.substrings is not None
    text = sum(text_bytes(storage.path(part.path)) for part in parts) if edits else 0
    return Search(
        root=str(storage.root),
        dedup=section,
        unit_list=write_units(storage, units),
        own_units=len(parts),
        age=len(older),
        by_file=run.is_local,
        indexes=tuple(indexes),
        partitions=key_partitions(section, documents, sizes),
        line_partitions=lines.partitions_for(text, section.lines, sizes) if section.lines else 1,
        passage_partitions=substrings.partitions_for(text, sizes),
        groups=decisions.groups_for(documents, sizes),
        sizes=sizes,
    )


def _own_units(storage: Storage, parts: Sequence[UnitFile], section: Dedup, age: int) -> list[SearchUnit]:
    signatures = Settings.of(section).folder
    return [
        SearchUnit(
            ordinal,
            part.unit,
            str(storage.path(part.path)),
            str(storage.path(signatures.part(part.unit))),
            age,
        )
        for ordinal, part in enumerate(parts)
    ]


def _documents(section: Dedup, parts: Sequence[UnitFile], older: Sequence[OlderRun]) -> int:
    """Return the number of documents to plan for.

    Of runs that are probed, only documents that share a key take part; they count as if there were as many as ours.
    """
    own = sum(part.rows or 0 for part in parts)
    is_probed = [one.is_probed(section) for one in older]
    whole = sum(one.documents for one, probed in zip(older, is_probed, strict=True) if not probed)
    return own * (1 + any(is_probed)) + whole
