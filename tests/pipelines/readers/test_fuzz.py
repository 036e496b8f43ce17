"""A reader accounts for every byte of whatever comes in; recipes and manifests fail by their own errors only."""

from __future__ import annotations

import contextlib
import io
import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipelines.errors import CorpusmillError, InputError, RecipeError, VerificationError
from pipelines.readers.find import find_reader
from pipelines.readers.record import Record
from pipelines.recipe.load import load
from pipelines.store.sealed import read_sealed, write_sealed
from pipelines.store.storage import Storage
from pipelines.views.verify import verify
from tests.fuzz.readers import SEEDS, SMALL_SEEDS, accounted, crashers

ROOT = Path(__file__).resolve().parents[3]
EXAMPLES = int(os.environ.get("CORPUSMILL_FUZZ_EXAMPLES", "60"))
"""Per test; a night's run sets more."""

fuzzed = settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))


edits = st.lists(
    st.tuples(
        st.sampled_from(["flip", "cut", "drop", "repeat", "insert"]),
        st.floats(0, 1),
        st.integers(1, 3000),
        st.binary(max_size=40),
    ),
    max_size=4,
)


def edited(data: bytes, steps: list[tuple[str, float, int, bytes]]) -> bytes:
    """Return the data after some damage."""
    for kind, share, length, new in steps:
        at = int(share * len(data))
        if kind == "flip" and at < len(data):
            data = data[:at] + bytes([data[at] ^ (1 << length % 8)]) + data[at + 1 :]
        elif kind == "cut":
            data = data[:at]
        elif kind == "drop":
            data = data[:at] + data[at + length :]
        elif kind == "repeat":
            data = data[: at + length] + data[at:]
        elif kind == "insert":
            data = data[:at] + new + data[at:]
    return data


@pytest.mark.parametrize("reader", sorted(SEEDS))
def test_the_seeds_themselves_are_read(reader: str) -> None:
    for data in (SEEDS[reader], *SMALL_SEEDS[reader]):
        events = list(find_reader(reader)().read(io.BytesIO(data), 0, len(data)))
        assert any(isinstance(event, Record) for event in events)


@pytest.mark.slow
@pytest.mark.parametrize("reader", sorted(SEEDS))
@fuzzed
@given(steps=edits)
def test_a_reader_accounts_for_every_byte_of_a_damaged_file(
    reader: str, steps: list[tuple[str, float, int, bytes]]
) -> None:
    with contextlib.suppress(InputError):  # the file as a whole is refused, by name
        accounted(reader, edited(SEEDS[reader], steps))


@pytest.mark.parametrize("reader", sorted(SEEDS))
@fuzzed
@given(data=st.binary(max_size=300))
def test_a_reader_accounts_for_every_byte_of_any_file(reader: str, data: bytes) -> None:
    with contextlib.suppress(InputError):
        accounted(reader, data)


@fuzzed
@given(steps=edits)
def test_a_damaged_recipe_loads_or_is_a_recipe_error(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[str, float, int, bytes]]
) -> None:
    path = tmp_path_factory.mktemp("recipe") / "recipe.yaml"
    path.write_bytes(edited((ROOT / "configs" / "fineweb.yaml").read_bytes(), steps))
    with contextlib.suppress(RecipeError):
        load(path, [])


@fuzzed
@given(steps=edits)
def test_a_damaged_manifest_is_a_verification_error(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[str, float, int, bytes]]
) -> None:
    storage = Storage(tmp_path_factory.mktemp("run"))
    sealed = write_sealed(storage, "manifest.json", {"stages": {}, "balance": {}})
    path = storage.path("manifest.json")
    before = path.read_bytes()
    path.write_bytes(edited(before, steps))
    try:
        assert read_sealed(storage, "manifest.json") == sealed
    except VerificationError:
        assert path.read_bytes() != before
    with contextlib.suppress(CorpusmillError):
        verify(storage)


@pytest.mark.parametrize("reader", sorted(SEEDS))
def test_what_once_broke_a_reader_does_no_more(reader: str) -> None:
    for path in sorted(crashers(reader).glob("*")):
        with contextlib.suppress(InputError):
            accounted(reader, path.read_bytes())
