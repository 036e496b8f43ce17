"""Parts of the notebooks that the report does not have: documents that match a query, two texts compared, pieces."""

from __future__ import annotations

from typing import Any

from pipelines.store.fate import KEPT
from pipelines.store.manifest import read_manifest
from pipelines.store.storage import Storage
from pipelines.views.query import Query
from pipelines.views.report.clusters import diff
from pipelines.views.report.ends import piece_texts
from pipelines.views.report.page import Section, render
from pipelines.views.report.samples import Sample, with_reason
from pipelines.views.report.steps import run_steps
from pipelines.views.run_tables import RunTables
from pipelines.views.show import records
from pipelines.views.whatif import whatif
from pipelines.views.whatif_steps import ledger_steps, with_overrides
from tokenizer_training.model.tokenizer import Tokenizer


def documents(out: str, **asked: Any) -> Section:
    """Return documents as the report shows them.

    Args:
        out: folder of a run.
        asked: attributes of `pipelines.views.query.Query`: ``dropped="gopher_quality", language="de", limit=3``.

    Raises:
        InputError: no document matches.
    """
    storage = Storage(out)
    steps = {step.name: step for step in run_steps(RunTables(storage))}
    found = records(storage, Query(**asked))
    samples = [with_reason(row, row.text, steps.get(row.step or "")) for row in found]
    return Section(render("samples.html", samples=samples))


def compare(out: str, first: str, second: str) -> Section:
    """Return the texts of two documents as one, with what only one of them has marked."""
    one, other = (_document(out, identity) for identity in (first, second))
    return Section(render("pair.html", samples=[one, other], diff=diff(one.text or "", other.text or "")))


def _document(out: str, identity: str) -> Sample:
    row = next(records(Storage(out), Query(doc=identity)))
    return Sample(row, "", row.text)


def other_limits(out: str, *changes: str) -> Section:
    """Return the funnel of a run as it would be under other limits, and documents that would come or go.

    Args:
        out: folder of a run.
        changes: such as ``"gopher_quality.min_words=100"``.
    """
    storage = Storage(out)
    steps = with_overrides(ledger_steps(read_manifest(storage, "filtered")), changes)
    answer = whatif(storage, steps)
    rows = [(str(fate), answer.now[fate], answer.then[fate]) for fate in answer.now | answer.then]
    rows.sort(key=lambda row: (row[0] != KEPT, -max(row[1:]), row[0]))
    return Section(render("whatif.html", rows=rows, answer=answer))


def pieces(out: str, text: str) -> Section:
    """Return text as the pieces that the tokenizer of a run divides it into, and how many there are."""
    tokenizer = Tokenizer.load(Storage(out).path("tokenizer"))
    return Section(render("pieces.html", pieces=piece_texts(tokenizer, text)))
