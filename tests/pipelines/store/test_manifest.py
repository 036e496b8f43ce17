"""Sidecars and manifests: what makes a unit or a stage valid, and what makes it redone."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.errors import VerificationError
from pipelines.store.folders import Folder
from pipelines.store.manifest import (
    Sidecar,
    manifest_path,
    read_current,
    read_manifest,
    read_sidecar,
    valid_manifest,
    write_manifest,
    write_sidecar,
)
from pipelines.store.sealed import canonical_json, is_sealed, read_sealed, seal, write_sealed
from pipelines.store.stage_key import explain_change, stage_key
from pipelines.store.storage import Storage

json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**60), 2**60) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(st.text().filter(lambda name: name != "sha256"), json_values))
def test_a_sealed_object_is_valid_until_something_changes(value: dict[str, object]) -> None:
    sealed = seal(value)
    assert is_sealed(sealed)
    assert not is_sealed({**sealed, "another": 1})


def test_canonical_json_does_not_depend_on_key_order() -> None:
    assert (
        canonical_json({"b": 1, "a": "é"}) == b'{"a":"\\u00e9","b":1}' == canonical_json({"a": "é", "b": 1})
    )


@pytest.fixture
def written(tmp_path: Path) -> Storage:
    """A stage of one unit with one part."""
    storage = Storage(tmp_path)
    folder = Folder("folder", pa.schema([("n", pa.int64())]))
    with storage.table_writer(folder.part("u1"), folder.schema) as writer:
        writer.write(pa.table({"n": [1]}, schema=folder.schema))
    assert writer.fact is not None
    write_sidecar(storage, Sidecar("u1", {"rows": 1}, (writer.fact,), "stage", "key", "print"))
    return storage


def test_a_finished_unit_is_found_again(written: Storage) -> None:
    sidecar = read_sidecar(written, "stage", "u1", "key", "print")
    assert sidecar is not None
    assert sidecar.counts == {"rows": 1}


@pytest.mark.parametrize(("key", "print_"), [("other", "print"), ("key", "other")])
def test_another_key_or_input_redoes_a_unit(written: Storage, key: str, print_: str) -> None:
    assert read_sidecar(written, "stage", "u1", key, print_) is None


def test_a_missing_or_short_part_redoes_a_unit(written: Storage) -> None:
    part = written.path("folder/part-u1.parquet")
    part.write_bytes(part.read_bytes()[:-1])
    assert read_sidecar(written, "stage", "u1", "key", "print") is None
    part.unlink()
    assert read_sidecar(written, "stage", "u1", "key", "print") is None


def test_an_edited_sidecar_redoes_a_unit(written: Storage) -> None:
    path = written.path("work/stage/u1.json")
    path.write_text(path.read_text().replace('"rows": 1', '"rows": 2'))
    assert read_sidecar(written, "stage", "u1", "key", "print") is None


def test_a_stage_is_valid_under_its_key_and_inputs_only(written: Storage) -> None:
    key, other = stage_key("stage", {"a": 1}), stage_key("stage", {"a": 2})
    sidecar = read_sidecar(written, "stage", "u1", "key", "print")
    assert sidecar is not None
    before = write_manifest(written, "up", stage_key("up", {}), (), ())
    manifest = write_manifest(written, "folder", key, [before], [sidecar])
    assert manifest.folder("folder")[0].unit == "u1"
    assert valid_manifest(written, "folder", key, [before]) == manifest == read_manifest(written, "folder")
    assert valid_manifest(written, "folder", other, [before]) is None
    assert valid_manifest(written, "folder", key, [replace(before, sha256="y")]) is None


def test_a_changed_key_is_explained() -> None:
    old, new = stage_key("s", {"min_words": 50, "x": 1}), stage_key("s", {"min_words": 100, "x": 1})
    assert explain_change(old.parts, new.parts) == ["settings.min_words: 50 -> 100"]
    after = stage_key("t", {}, [old.sha256]), stage_key("t", {}, [new.sha256])
    assert explain_change(after[0].parts, after[1].parts) == ["an earlier stage changed"]


def test_a_change_in_a_list_of_steps_is_explained_by_step() -> None:
    old = {"steps": [{"name": "a", "fields": {"least": 1}}, {"name": "b", "fields": {}}]}
    new = {"steps": [{"name": "a", "fields": {"least": 2}}, {"name": "b", "fields": {}}]}
    assert explain_change(old, new) == ["steps.a.fields.least: 1 -> 2"]


@pytest.mark.parametrize(("old", "new"), [("-05", "-06"), ("1e", "1E"), ("u00e9", "u00E9"), ('": ', '":  ')])
def test_a_manifest_that_was_edited_is_named(tmp_path: Path, old: str, new: str) -> None:
    """Even where it still says the same."""
    storage = Storage(tmp_path)
    write_sealed(storage, "manifest.json", {"a": 1e-05, "b": "\u00e9"})
    path = storage.path("manifest.json")
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new, 1))
    with pytest.raises(VerificationError, match=r"manifest\.json: was changed"):
        read_sealed(storage, "manifest.json")


def test_a_manifest_of_another_schema_version_is_one_clear_line(tmp_path: Path) -> None:
    storage = Storage(tmp_path)
    write_sealed(storage, manifest_path("shards"), {"schema_version": 0})
    with pytest.raises(
        VerificationError, match=r"shards/manifest\.json: schema_version is 0, this version reads 1"
    ):
        read_current(storage, "shards")


@pytest.mark.parametrize(
    "value", [{"files": []}, {"files": 3, "units": []}, {"files": [{"path": "a"}], "units": []}]
)
def test_a_sealed_object_that_is_no_manifest_is_one_clear_line(
    tmp_path: Path, value: dict[str, object]
) -> None:
    storage = Storage(tmp_path)
    write_sealed(storage, manifest_path("shards"), value)  # type: ignore[arg-type]
    with pytest.raises(VerificationError, match=r"shards/manifest\.json: does not have the fields"):
        read_manifest(storage, "shards")


def test_what_has_lost_a_field_is_made_again_and_a_further_field_does_no_harm(written: Storage) -> None:
    """Another version may have written it."""
    key = stage_key("stage", {})
    sidecar = read_sidecar(written, "stage", "u1", "key", "print")
    assert sidecar is not None
    manifest = write_manifest(written, "folder", key, (), [sidecar])
    for path in (manifest_path("folder"), "work/stage/u1.json"):
        found = read_sealed(written, path)
        write_sealed(written, path, {**found, "later": 1})
        assert read_sidecar(written, "stage", "u1", "key", "print") == sidecar
        valid = valid_manifest(written, "folder", key, ())
        assert valid is not None
        assert valid.files == manifest.files
    for path in (manifest_path("folder"), "work/stage/u1.json"):
        found = read_sealed(written, path)
        write_sealed(written, path, {name: value for name, value in found.items() if name != "files"})
    assert valid_manifest(written, "folder", key, ()) is None
    assert read_sidecar(written, "stage", "u1", "key", "print") is None


def test_a_stage_made_before_an_earlier_one_was_redone_is_refused(tmp_path: Path) -> None:
    storage = Storage(tmp_path)
    first = write_manifest(storage, "extracted", stage_key("extract", {}), (), ())
    second = write_manifest(storage, "filtered", stage_key("filter", {}), [first], ())
    write_manifest(storage, "documents", stage_key("dedup", {}), [second], ())
    assert read_current(storage, "documents").home == "documents"
    write_manifest(storage, "extracted", stage_key("extract", {"changed": True}), (), ())
    with pytest.raises(VerificationError, match=r"filtered/manifest\.json: was made from another extracted/"):
        read_current(storage, "documents")
