"""The examples: the step, the reader and the training loop do what they say. Their commands are those of a page."""

from __future__ import annotations

import io
import subprocess
import sys
from pathlib import Path

import pytest

from examples.my_readers import Gutenberg
from examples.my_rules import Shouting
from filters.document import Document, Origin, Place
from filters.step import contract_fault, first_fault
from filters.text import TextView
from pipelines.readers.record import Record, Rejected, Span
from tests.pages import ROOT, blocks

BOOKS = ROOT / "examples" / "books"


def test_the_step_keeps_the_contract_and_judges() -> None:
    assert contract_fault(Shouting) is None
    document = Document("00", None, "ABcd efgh", None, "s", None, None, None, Origin("a", Place(0, 1, 0)))
    _, measured = Shouting().apply(TextView(document))
    assert measured == {"upper": 0.25}
    assert first_fault(Shouting(max_upper=0.2), measured) == "shouting"
    assert first_fault(Shouting(), measured) is None


def test_the_reader_accounts_for_every_byte() -> None:
    for path in sorted(BOOKS.iterdir()):
        data = path.read_bytes()
        events = list(Gutenberg().read(io.BytesIO(data), 0, len(data)))
        assert sum(event.length for event in events if isinstance(event, Span)) == len(data)
        found = [type(event) for event in events]
        assert found == [Rejected if path.stem == "notes" else Record, Span]


def test_the_reader_leaves_the_licence_out() -> None:
    record = next(Gutenberg().read(io.BytesIO((BOOKS / "gull-rock.txt").read_bytes()), 0, 0))
    assert isinstance(record, Record)
    assert record.payload.strip().startswith(b"The keeper of Gull Rock")
    assert b"***" not in record.payload
    assert b"licence" not in record.payload


def test_the_readme_shows_the_step_as_it_is() -> None:
    shown = [code for code in blocks(ROOT / "README.md", "python") if "class Shouting" in code]
    assert len(shown) == 1
    assert shown[0] in (ROOT / "examples" / "my_rules.py").read_text()


@pytest.mark.integration
def test_an_interrupted_training_goes_on_as_if_it_were_not(demo: Path, tmp_path: Path) -> None:
    losses = {
        name: train(demo, tmp_path / name, steps) for name, steps in (("whole", [4]), ("parts", [2, 2]))
    }
    assert losses["parts"] == losses["whole"]
    assert losses["whole"][-1] < losses["whole"][0]


def train(run: Path, checkpoint: Path, steps: list[int]) -> list[float]:
    """Losses of some calls of the loop, each in a process of its own."""
    code = (
        "import sys; from pathlib import Path; from examples.train import train\n"
        "print(*train(Path(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3])))"
    )
    found = []
    for count in steps:
        command = [sys.executable, "-c", code, str(run), str(count), str(checkpoint)]
        done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT)
        found += [float(loss) for loss in done.stdout.split()]
    return found
