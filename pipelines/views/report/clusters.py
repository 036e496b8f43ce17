"""Duplicates: sizes of clusters, the largest ones with the differences of their copies, and frequent lines removed."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from markupsafe import Markup

from pipelines.views.cluster import Member, members
from pipelines.views.report.histograms import Histogram, Limit, histogram
from pipelines.views.report.shown import shown
from pipelines.views.run_tables import RunTables

LARGEST: Final = 10
MEMBERS: Final = 12
LINES: Final = 30
DIFF_CHARACTERS: Final = 2500
"""The part of two texts that is compared; the time of a diff grows with its square."""

_WORDS: Final = re.compile(r"[\u0e00-\u0e7f\u3040-\u30ff\u3400-\u9fff]|\w+|\s+|.")


@dataclass(frozen=True)
class Cluster:
    """A cluster and how its most different copy differs from what was kept.

    Attributes:
        size: documents in it.
        members: the first of them; keepers first, then by similarity.
        diff: the copy compared with its keeper; empty where no text differs.
    """

    size: int
    members: Sequence[Member]
    diff: Markup


@dataclass(frozen=True)
class Size:
    """The clusters of one size, and how many documents were removed from them."""

    size: int
    clusters: int
    removed: int


@dataclass(frozen=True)
class RemovedLine:
    """A line that was removed, how many documents had it, and how often it was removed."""

    text: str
    documents: int
    removed: int


@dataclass(frozen=True)
class Duplicates:
    """The whole section.

    Attributes:
        sizes: of the clusters, smallest first.
        similarity: of near duplicates to their keepers, with the limit of the recipe.
        largest: the largest clusters.
        lines: the most frequent of the removed lines.
    """

    sizes: Sequence[Size]
    similarity: Histogram | None
    largest: Sequence[Cluster]
    lines: Sequence[RemovedLine]


def duplicates(tables: RunTables) -> Duplicates | None:
    """Return the section; None where dedup is switched off or not done yet."""
    if not tables.files("dedup", "duplicates"):
        return None
    sizes = tables.rows(
        Size,
        "SELECT size, count(DISTINCT cluster) AS clusters, count(*) FILTER (NOT kept) AS removed "
        "FROM duplicates GROUP BY size ORDER BY size",
    )
    settings = tables.manifests["dedup"].settings
    minhash = settings.get("minhash")
    limits = [Limit("similarity", "<", minhash["similarity"], "")] if minhash else []
    near = histogram(tables, "similarity", "duplicates WHERE layer = 'minhash'", limits)
    lines = tables.rows(
        RemovedLine,
        f"SELECT trim(text) AS text, max(documents) AS documents, count(*) AS removed "  # noqa: S608 - a number of ours
        f"FROM removed_lines GROUP BY ALL ORDER BY documents DESC, text LIMIT {LINES}",
    )
    return Duplicates(sizes, near, _largest(tables), lines)


def _largest(tables: RunTables) -> list[Cluster]:
    ids = [
        row["cluster"]
        for row in tables.query(
            f"SELECT cluster, max(size) AS size FROM duplicates GROUP BY cluster "  # noqa: S608 - a number of ours
            f"ORDER BY size DESC, cluster LIMIT {LARGEST}"
        )
    ]
    found: dict[str, list[Member]] = {identity: [] for identity in ids}
    for member in members(tables, "d.cluster IN (SELECT unnest(?))", [ids]):
        found[member.cluster].append(member)
    return [_cluster(cluster) for cluster in found.values()]


def _cluster(found: Sequence[Member]) -> Cluster:
    texts = {member.id: member.text for member in found}
    # The keeper of a copy may be a document of an older run, whose text is not here.
    pairs = [(texts[one.keeper], one.text) for one in found if one.keeper in texts and not one.kept]
    different = [pair for pair in pairs if pair[0] != pair[1]]
    return Cluster(found[0].size, found[:MEMBERS], diff(*different[-1]) if different else Markup())


def diff(before: str, after: str) -> Markup:
    """Return two texts as one, words that only one of them has marked with ``del`` and ``ins``.

    >>> diff("the red cat", "the black cat")
    Markup('the <del>red</del><ins>black</ins> cat')
    """
    return Markup().join(_marked(before[:DIFF_CHARACTERS], after[:DIFF_CHARACTERS]))


def _marked(before: str, after: str) -> Iterator[Markup]:
    old, new = _WORDS.findall(before), _WORDS.findall(after)
    for kind, a, b, c, d in difflib.SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if kind == "equal":
            yield shown("".join(old[a:b]))
            continue
        if a < b:
            yield Markup("<del>{}</del>").format(shown("".join(old[a:b])))
        if c < d:
            yield Markup("<ins>{}</ins>").format(shown("".join(new[c:d])))
