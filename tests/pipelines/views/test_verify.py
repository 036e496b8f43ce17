"""What `verify` says besides faults; that it finds each fault is shown in the tests of the run and of each stage."""

from __future__ import annotations

from pipelines.store.balance import Manifests
from pipelines.store.manifest import Manifest, UnitCounts
from pipelines.views.verify import remarks


def manifests(**records: dict[str, int]) -> Manifests:
    """Manifests of stages whose one unit has these counts."""
    return {
        stage: Manifest(stage, stage, "", {}, {}, (), (UnitCounts("u", {"records": counts}),), "")
        for stage, counts in records.items()
    }


def test_records_that_depend_on_the_machine_are_counted_once() -> None:
    """The ledger repeats the errors of the extract stage."""
    extracted = {"seen": 5, "kept": 2, "error extract.timeout": 1, "error extract.crash": 2}
    filtered = {"seen": 5, "kept": 1, "error filter.crash": 1, **extracted, "dropped c4.lorem_ipsum": 1}
    timeouts = "1 document ended by timeout: on another machine the result may differ"
    assert list(remarks(manifests(extract=extracted, filter=filtered))) == [
        timeouts,
        "3 documents ended by crash: on another machine the result may differ",
    ]
    assert next(remarks(manifests(extract=extracted))) == timeouts
    assert list(remarks(manifests(extract={"seen": 1, "kept": 1}))) == []
