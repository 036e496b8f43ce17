"""Histograms: every value is counted once, limits are edges, and what counts as beyond is what the step drops."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from filters.step import Check, is_fault
from pipelines.views.report.charts import histogram_chart
from pipelines.views.report.histograms import Limit, choose_axis, histogram
from pipelines.views.report.steps import RunStep

FLOATS = st.floats(-1e6, 1e6, allow_nan=False).map(lambda value: round(value, 4))


class Values:
    """A table `t` with a column `v`, in place of a run."""

    def __init__(self, values: list[Any], kind: pa.DataType) -> None:
        import duckdb

        self.database = duckdb.connect()
        self.table = pa.table({"v": pa.array(values, kind)})
        self.database.register("t", self.table)

    def query(self, sql: str, values: Any = ()) -> list[dict[str, Any]]:
        found = self.database.execute(sql)
        names = [column[0] for column in found.description]
        return [dict(zip(names, row, strict=True)) for row in found.fetchall()]


@pytest.mark.slow
@settings(max_examples=60, deadline=None)
@given(
    st.one_of(
        st.tuples(st.just(pa.float64()), st.lists(FLOATS, min_size=1, max_size=60), FLOATS),
        st.tuples(
            st.just(pa.int64()),
            st.lists(st.integers(-50, 10**7), min_size=1, max_size=60),
            st.integers(0, 10**6),
        ),
    ),
    st.sampled_from("<>"),
)
def test_every_value_is_counted_once_and_faults_are_those_of_the_check(case: Any, op: str) -> None:
    kind, values, limit = case
    counted = histogram(Values(values, kind), "v", "t", [Limit("bound", op, limit, "fault")])  # type: ignore[arg-type]
    assert counted is not None
    assert counted.measured == len(values)
    assert sum(counted.failed) == sum(is_fault(op, value, limit) for value in values)
    edge = counted.axis.place(limit)
    assert edge == pytest.approx(round(edge), abs=1e-6)
    for n in range(counted.axis.bins):
        if op == "<" and n + 1e-6 < edge - 1:
            assert counted.passed[n] == 0
        if n > edge + 1e-6:
            assert (counted.failed if op == "<" else counted.passed)[n] == 0
    assert len(histogram_chart(counted).bars) >= 1


def test_few_whole_numbers_get_a_bin_each() -> None:
    axis = choose_axis(1, 8, True, [2])
    assert [axis.place(n) for n in (1, 2, 8)] == [0, 1, 7]
    assert axis.bins == 8


def test_places_and_edges_are_inverse() -> None:
    for axis in (choose_axis(0, 1, False, [0.3]), choose_axis(3, 10**6, True, [50, 10**5])):
        for n in range(axis.bins + 1):
            assert axis.place(axis.edge(n)) == pytest.approx(n)


def test_nothing_measured_is_no_histogram() -> None:
    assert histogram(Values([None], pa.float64()), "v", "t") is None  # type: ignore[arg-type]


def test_checks_that_are_off_or_not_numeric_have_no_limit() -> None:
    checks = [Check("a", "m", "<", "low"), Check("b", "m", ">", "high"), Check("c", "m", "not in", "words")]
    fields = {"low": 1, "high": None, "words": ["x"]}
    step = RunStep({"name": "mine", "key": "mine", "only": None, "fields": fields}, tuple(checks))
    assert [limit.field for limit in step.limits("m")] == ["low"]
