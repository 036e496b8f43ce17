"""Recipes: what is right becomes dataclasses with all defaults."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.inputs.file import InputFile
from pipelines.recipe.load import load, resolved
from pipelines.recipe.paths import literal_prefix
from pipelines.recipe.recipe import Dedup, Minhash, Pack
from tests.pipelines.recipe.recipes import Pages, Rule, recipe, write


def test_only_name_and_inputs_are_needed(home: Path) -> None:
    loaded = recipe(home)
    assert (loaded.dedup, loaded.pack, loaded.steps) == (Dedup(), Pack(), ())
    (entry,) = loaded.inputs
    assert (entry.reader_name, entry.reader, entry.source, entry.limit) == ("pages", Pages(), "web", None)
    assert entry.files == (InputFile(home / "dumps" / "w.bz2", "w.bz2"),)
    assert loaded.folder == home


def test_the_field_decides_what_a_scalar_is(home: Path) -> None:
    """`no` is Norwegian where text is wanted; 1 is a ratio where a number is wanted; 1e-3 is one too."""
    text = """steps:
  - rules:Rule: {words: [no, on, 1e3, 010, null, ~, 'x'], max_ratio: 1, strict: true, min_words: 1_0, profile: "dclm"}
  - rules:Rule: {as: b, max_ratio: 1e-3, min_words: none, max_words: ~}
"""
    first, second = (item.step for item in recipe(home, text).steps)
    assert isinstance(first, Rule)
    assert isinstance(second, Rule)
    assert first.words == ("no", "on", "1e3", "010", "null", "~", "x")
    assert (first.max_ratio, type(first.max_ratio), first.strict) == (1.0, float, True)
    assert (first.min_words, first.profile) == (10, "dclm")
    assert (second.max_ratio, second.min_words, second.max_words) == (0.001, None, None)


def test_none_switches_stages_off(home: Path) -> None:
    loaded = recipe(home, "dedup: none\ntokenizer: null\npack: ~\n")
    assert (loaded.dedup, loaded.tokenizer, loaded.pack) == (None, None, None)
    assert recipe(home, "dedup: {minhash: none}\n").dedup == Dedup(minhash=None)


def test_an_empty_mapping_means_defaults(home: Path) -> None:
    assert recipe(home, "dedup: {minhash: {}}\npack: {}\n").dedup == Dedup(minhash=Minhash())


def test_a_tokenizer_may_be_given_by_path(home: Path) -> None:
    loaded = recipe(home, "tokenizer: {path: dumps}\n")
    assert loaded.tokenizer is not None
    assert loaded.tokenizer.path == home / "dumps"
    assert resolved(loaded)["tokenizer"] == {"path": "dumps"}


@pytest.mark.parametrize(
    ("paths", "names"),
    [
        ("[crawl/*/*.gz]", ["2024/a.gz", "2024/b.gz", "2025/a.gz"]),
        ("[crawl/2024/*.gz]", ["a.gz", "b.gz"]),
        ("[crawl/2024/b.gz, crawl/2024/a.gz]", ["a.gz", "b.gz"]),
        ("['**/*.gz']", ["crawl/2024/a.gz", "crawl/2024/b.gz", "crawl/2025/a.gz"]),
        ("['crawl/202?/b.gz']", ["2024/b.gz"]),
        ("['crawl/202[5-9]/a.gz']", ["2025/a.gz"]),
        ("[./dumps/w.bz2]", ["w.bz2"]),
        ("[dumps/../dumps/*.bz2]", ["w.bz2"]),
    ],
)
def test_files_are_named_below_the_literal_prefix_and_sorted(
    home: Path, paths: str, names: list[str]
) -> None:
    loaded = load(write(home, f"name: x\ninputs: [{{reader: pages, paths: {paths}}}]"))
    assert [file.name for file in loaded.inputs[0].files] == names
    assert all(file.path.is_file() for file in loaded.inputs[0].files)


def test_a_file_whose_name_looks_like_a_pattern_is_literal(home: Path) -> None:
    (home / "dumps" / "a[1].gz").write_bytes(b"x")
    (home / "dumps" / "a1.gz").write_bytes(b"x")
    loaded = load(write(home, "name: x\ninputs: [{reader: pages, paths: ['dumps/a[1].gz']}]"))
    assert [file.name for file in loaded.inputs[0].files] == ["a[1].gz"]


@given(st.lists(st.from_regex(r"[a-z0-9.]{1,4}", fullmatch=True), min_size=1, max_size=4), st.integers(0, 3))
def test_the_literal_prefix_holds_no_pattern_and_begins_the_path(parts: list[str], at: int) -> None:
    parts[at % len(parts)] += "*"
    prefix = literal_prefix("/".join(parts))
    assert prefix.as_posix() == ("/".join(parts[: at % len(parts)]) or ".") or "." in parts


def test_files_are_the_same_from_every_working_folder(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Paths refer to the recipe's folder, and the resolved recipe does not tell where that is."""
    text = "name: x\ninputs: [{reader: pages, paths: [crawl/*/*.gz, '" + str(home) + "/dumps/w.bz2']}]"
    absolute = load(write(home, text))
    monkeypatch.chdir(home)
    relative = load(Path("r.yaml"))
    assert [file.name for file in absolute.inputs[0].files] == [
        file.name for file in relative.inputs[0].files
    ]
    first = json.dumps(resolved(absolute)["inputs"][0]["files"][:3])  # type: ignore[index]
    assert first == json.dumps(resolved(relative)["inputs"][0]["files"][:3])  # type: ignore[index]
    assert str(home) not in first


def test_a_language_step_brings_its_label(home: Path) -> None:
    names = [item.name for item in recipe(home, "steps: [pii, {language: {keep: [no]}}]\n").steps]
    assert names == ["pii", "label_language", "language"]
    own = recipe(home, "steps: [label_language, language]\n", "label_language.model=other.bin").steps
    assert [item.name for item in own] == ["label_language", "language"]
    assert own[0].step.model == "other.bin"  # type: ignore[attr-defined]


def test_a_step_stands_alone_or_with_fields(home: Path) -> None:
    for form in ("- pii", "- pii:", "- pii: {}", "- pii: {ipv4: 192.0.2.1}"):
        assert [item.key for item in recipe(home, f"steps:\n  {form}\n").steps] == ["pii"]
