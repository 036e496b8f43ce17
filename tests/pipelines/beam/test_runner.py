"""What Beam reports of an error becomes one line that says what to do."""

from __future__ import annotations

import pytest

from pipelines.beam.runner import last_line

AGAIN = "fix the cause and rerun the same command; finished work is kept"


@pytest.mark.parametrize(
    ("report", "line"),
    [
        (
            "Traceback\n  somewhere\npipelines.errors.InputError: a.warc: gone [while running 'Do']",
            "a.warc: gone",
        ),
        (
            "OSError: [Errno 28] No space left on device: '/out/work/a.tmp' [while running 'Do']",
            f"/out/work/a.tmp: No space left on device; {AGAIN}",
        ),
        ("RuntimeError: OSError: [Errno 5] Input/output error", f"Input/output error; {AGAIN}"),
        ("", "the pipeline failed without a message; run again with --debug"),
    ],
)
def test_thelast_line_of_a_report_is_for_people(report: str, line: str) -> None:
    assert last_line(report) == line
