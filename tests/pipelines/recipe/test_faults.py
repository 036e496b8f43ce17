"""Recipes: what is wrong is listed all at once, each with its place."""

# ruff: noqa: E501 - messages stand on one line, as they are printed

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.errors import RecipeError
from pipelines.recipe.load import load
from tests.pipelines.recipe.recipes import faults, faults_below, write


def test_many_faults_of_many_kinds_come_in_one_message(home: Path) -> None:
    text = """name: my run
inputs:
  - {reader: page, paths: ["crawl/*.warc.gz"], limit: 0}
  - {reader: pages, paths: [dumps/gone.bz2, dumps/], statuses: [200, 30x], limt: 3}
  - {paths: dumps/w.bz2}
extract: none
steps:
  - rules:Rule: {word: [no], min_words: -1, max_words: -2, strict: yes}
  - rules:Rule: {as: se cond, max_ratio: .nan}
  - rules:Rule
  - langauge: {keep: [en]}
  - {}
  - rules:Nope
  - rules:NotAStep
  - a b
ledger: ful
dedup: {exact: on, minhash: {similarity: 1.5, bands: wide}}
dedop: none
tokenizer: {vocab_size: 1000, path: gone}
pack:
  seq_len: "2048"
  validation: 1
  seq_len: 7
unit_mb:
max_error_share: 2
"""
    assert faults(home, text, "pack.seed=-1", "secnd.min_words=1") == [
        "./r.yaml:1: name must be 1 to 100 letters, digits, '.', '_' or '-'; found 'my run'",
        "./r.yaml:3: inputs[0].reader: there is no reader 'page'; did you mean 'pages'?",
        "./r.yaml:3: inputs[0].paths[0]: no file matches 'crawl/*.warc.gz' (looked in .); "
        "correct the path, or name other files with --set 'inputs=[...]'",
        "./r.yaml:3: inputs[0]: limit must be at least 1, not 0; leave it out to read everything",
        "./r.yaml:4: inputs[1]: unknown key 'limt'; did you mean 'limit'?",
        "./r.yaml:4: inputs[1].paths[0]: no such file: 'dumps/gone.bz2' (looked in .); "
        "correct the path, or name other files with --set 'inputs=[...]'",
        "./r.yaml:4: inputs[1].paths[1]: 'dumps/' is a folder; name its files with a pattern such as 'dumps/*'",
        "./r.yaml:4: inputs[1].statuses[1]: expected a whole number such as 1000; found '30x'",
        "./r.yaml:5: inputs[2].paths: expected a list; found 'dumps/w.bz2': write [dumps/w.bz2]",
        "./r.yaml:5: inputs[2]: missing key 'reader'",
        "./r.yaml:6: extract: expected a mapping of keys to values; found 'none'",
        "./r.yaml:8: rules:Rule: unknown key 'word'; did you mean 'words'?",
        "./r.yaml:8: rules:Rule.strict: expected true or false; found 'yes'",
        "./r.yaml:8: rules:Rule: min_words must be 0 or more; found -1",
        "./r.yaml:8: rules:Rule: max_words must be 0 or more; found -2",
        "./r.yaml:9: steps[1]: `as` must be a name of a-z, 0-9 and _ that starts with a letter; found 'se cond'",
        "./r.yaml:9: se cond.max_ratio: expected a number such as 0.5; found '.nan'",
        "./r.yaml:10: steps[2]: a second step named 'rules:Rule' (the first is steps[0] at ./r.yaml:8); "
        "give one of them a name: `as: other_name`",
        "./r.yaml:11: steps[3]: there is no step 'langauge' (looked for class Langauge in filters.langauge); "
        "did you mean 'language'?",
        "./r.yaml:12: steps[4]: expected one step name, alone or with its fields; found a mapping of 0 keys",
        "./r.yaml:13: steps[5]: there is no step 'rules:Nope' (looked for class Nope in rules)",
        "./r.yaml:14: steps[6]: there is no step 'rules:NotAStep' (looked for class NotAStep in rules)",
        "./r.yaml:15: steps[7]: 'a b' is neither a step name nor `module:Class`; " + known_steps(),
        "./r.yaml:16: ledger: expected one of: until_drop, full; found 'ful'",
        "./r.yaml:17: dedup.exact: expected true or false; found 'on'",
        "./r.yaml:17: dedup.minhash.bands: expected one of: fineweb, dolma3, nemo; found 'wide'",
        "./r.yaml:17: dedup.minhash: similarity must be above 0 and at most 1; found 1.5",
        "./r.yaml:18: unknown key 'dedop'; did you mean 'dedup'?",
        "./r.yaml:19: tokenizer: vocab_size is for a tokenizer to train; with path, none is trained",
        "./r.yaml:19: tokenizer.path: expected an existing file or folder, or none; found 'gone'",
        "./r.yaml:19: tokenizer: vocab_size must be a multiple of 128 and at least 384 (256 are bytes), "
        "such as 896 or 1024; found 1000",
        "./r.yaml:21: pack.seq_len: expected a whole number such as 1000; found the quoted text '2048'",
        "./r.yaml:22: pack: validation must be a share from 0 to below 1; found 1.0",
        "./r.yaml:23: pack.seq_len: key stands twice; first at ./r.yaml:21",
        "./r.yaml:24: unit_mb: expected a whole number such as 1000; found nothing",
        "./r.yaml:25: max_error_share must be from 0 to 1, or none; found 2.0",
        "--set pack.seed=-1: pack: seed must be 0 or more; found -1",
        "--set secnd.min_words=1: there is no section or step 'secnd' in this recipe; did you mean 'se cond'?",
    ]


def known_steps() -> str:
    from filters.step import step_names

    return f"known steps: {', '.join(step_names())}"


def test_files_with_the_same_name_and_source_are_a_fault(home: Path) -> None:
    """Their documents would share ids; another source tells them apart."""
    text = "name: x\ninputs:\n  - {reader: pages, paths: [crawl/2024/*.gz]}\n  - {reader: pages, paths: [crawl/2025/*.gz]}\n"
    assert faults(home, text) == [
        "./r.yaml:4: inputs[1]: ./crawl/2024/a.gz and ./crawl/2025/a.gz have the same source 'web' and name 'a.gz', "
        "so their documents would share ids; give one input another `source`, or shorten the part of the pattern "
        "before its first `*`"
    ]
    told_apart = load(write(home, text.replace("2025/*.gz]", "2025/*.gz], source: new")))
    assert [entry.source for entry in told_apart.inputs] == ["web", "new"]


def test_a_file_named_by_two_patterns_is_a_fault(home: Path) -> None:
    lines = faults(home, "name: x\ninputs: [{reader: pages, paths: [dumps/*, dumps/w.bz2]}]")
    assert len(lines) == 1
    assert "have the same source 'web' and name 'w.bz2'" in lines[0]


@pytest.mark.parametrize("name", ["a\x1b.gz", "b\udcff.gz"])
def test_a_file_name_that_no_output_could_hold_is_a_fault(home: Path, name: str) -> None:
    (home / "dumps" / name).write_bytes(b"x")
    lines = faults(home, "name: x\ninputs: [{reader: pages, paths: [dumps/*.gz]}]")
    assert len(lines) == 1
    assert "is not UTF-8 or holds control characters; rename it" in lines[0]


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("steps: [{pii: {}, language: {}}]", "./r.yaml:3: steps[0]: expected one step name, alone or with its fields; found a mapping of 2 keys"),
        ("steps: pii", "./r.yaml:3: steps: expected a list of steps; found 'pii'"),
        ("steps: [[pii]]", "./r.yaml:3: steps[0]: expected one step name, alone or with its fields; found a list"),
        ("steps: [pii, pii]", "./r.yaml:3: steps[1]: a second step named 'pii' (the first is steps[0] at ./r.yaml:3); give one of them a name: `as: other_name`"),
        ("steps: [{pii: {as: pack}}]", "./r.yaml:3: steps[0]: a step cannot be named 'pack', that is a section of the recipe"),
        ("steps: [{pii: 3}]", "./r.yaml:3: pii: expected a mapping of keys to values; found '3'"),
        ("steps: [':X']", "./r.yaml:3: steps[0]: ':X' is neither a step name nor `module:Class`; "),
        ("steps: ['no_such_module:X']", "./r.yaml:3: steps[0]: there is no step 'no_such_module:X' (looked for class X in no_such_module)"),
        ("steps: [{'rules:Rule': {min_words: 010}}]", "./r.yaml:3: rules:Rule.min_words: expected a whole number such as 1000, or none; found '010'"),
        ("steps: [{'rules:Rule': {min_words: true}}]", "./r.yaml:3: rules:Rule.min_words: expected a whole number such as 1000, or none; found 'true'"),
        ("steps: [{'rules:Rule': {min_words: 1e3}}]", "./r.yaml:3: rules:Rule.min_words: expected a whole number such as 1000, or none; found '1e3'"),
        ("steps: [{'rules:Rule': {min_words: 5.0}}]", "./r.yaml:3: rules:Rule.min_words: expected a whole number such as 1000, or none; found '5.0'"),
        ("steps: [{'rules:Rule': {min_words: 99999999999999999999}}]", "./r.yaml:3: rules:Rule.min_words: expected a whole number such as 1000, or none; found '99999999999999999999'"),
        ("steps: [{'rules:Rule': {max_ratio: 1e999}}]", "./r.yaml:3: rules:Rule.max_ratio: expected a number such as 0.5; found '1e999'"),
        ("steps: [{'rules:Rule': {max_ratio: none}}]", "./r.yaml:3: rules:Rule.max_ratio: expected a number such as 0.5; found 'none'"),
        ("steps: [{'rules:Rule': {strict: 1}}]", "./r.yaml:3: rules:Rule.strict: expected true or false; found '1'"),
        ("steps: [{'rules:Rule': {words: no}}]", "./r.yaml:3: rules:Rule.words: expected a list; found 'no': write [no]"),
        ("steps: [{'rules:Rule': {words: [[x]]}}]", "./r.yaml:3: rules:Rule.words[0]: expected text; found a list"),
        ("steps: [{'rules:Rule': {words: ['']}}]", "./r.yaml:3: rules:Rule.words[0]: expected text; found an empty text"),
        ("steps: [{'rules:Rule': {min_words: 9, max_words: 3}}]", "./r.yaml:3: rules:Rule: min_words must not be above max_words; found 9 and 3"),
        ("steps: [{'rules:Rule': {min_words: 200, max_words: x}}]", "./r.yaml:3: rules:Rule.max_words: expected a whole number such as 1000, or none; found 'x'"),
        ("steps: [{'rules:Rule': {profile: datatrov}}]", "./r.yaml:3: rules:Rule.profile: expected one of: datatrove, dclm; found 'datatrov'"),
        ("dedup:", "./r.yaml:3: dedup: expected a mapping of keys to values; found nothing"),
        ("tokenizer: none", "./r.yaml:3: pack needs a tokenizer; write `pack: none` where there is `tokenizer: none`"),
        ("inputs: []", "./r.yaml:3: inputs: key stands twice; first at ./r.yaml:2"),
        ("pack: {seq_len: \"\\e[31m2\"}", "./r.yaml:3: pack.seq_len: expected a whole number such as 1000; found the quoted text '\\x1b[31m2'"),
    ],
)  # fmt: skip
def test_each_single_fault(home: Path, text: str, line: str) -> None:
    (found,) = faults_below(home, text)
    assert found.startswith(line)


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("", "./r.yaml: a recipe is a mapping with at least `name` and `inputs`; found nothing"),
        ("- a", "./r.yaml:1: a recipe is a mapping with at least `name` and `inputs`; found a list"),
        ("name: x", "./r.yaml:1: missing key 'inputs'"),
        ("inputs: [{reader: pages, paths: [dumps/w.bz2]}]", "./r.yaml:1: missing key 'name'"),
        ("name: x\ninputs: []", "./r.yaml:2: inputs: expected a list such as [{reader: warc, paths: [a.warc.gz]}]; found an empty list"),
        ("name: x\ninputs: [pages]", "./r.yaml:2: inputs[0]: expected a mapping such as {reader: warc, paths: [a.warc.gz]}; found 'pages'"),
        ("name: x\ninputs: [{reader: pages, paths: []}]", "./r.yaml:2: inputs[0].paths: the list is empty; name at least one file or pattern"),
        ("name: no\ninputs: [{reader: [pages], paths: [dumps/w.bz2]}]", "./r.yaml:2: inputs[0].reader: expected text; found a list"),
    ],
)  # fmt: skip
def test_each_fault_of_the_whole_recipe(home: Path, text: str, line: str) -> None:
    assert faults(home, text) == [line]


def test_a_fault_stands_where_its_field_is_written(home: Path) -> None:
    """Not where a word of its message is: the message of `Pack` about `tokens` also says `row`, `none` and `more`."""
    text = "pack:\n  seed: 7\n  tokens: 5\n  seq_len: 16\nsteps:\n  - rules:Rule:\n      strict: true\n      max_words: 9\n      min_words: 10\n"
    assert faults_below(home, text) == [
        "./r.yaml:5: pack: tokens must be more than one row, or none; found 5",
        "./r.yaml:11: rules:Rule: min_words must not be above max_words; found 10 and 9",
    ]


def test_a_plain_value_error_stands_at_its_step(home: Path) -> None:
    """It does not say which field is at fault, whatever words it holds; with a broken field it is not judged."""
    text = "steps:\n  - rules:Simple:\n      other: {}\n      limit: {}\n"
    message = "limit is 1; it must be at least 1, like other"
    assert faults_below(home, text.format(0, 1)) == [f"./r.yaml:5: rules:Simple: {message}"]
    (broken,) = faults_below(home, text.format(0, "x"))
    assert broken.startswith("./r.yaml:6: rules:Simple.limit: expected a whole number")


def test_a_broken_section_hides_no_other(home: Path) -> None:
    """A syntax trap in one place and a wrong value in another are told together."""
    lines = faults_below(home, "dedup: &d {exact: true}\npack: {seq_len: x}\nextract: *d\n")
    assert [line.split(":")[1] for line in lines] == ["3", "4", "5"]


def test_files_that_cannot_be_read_are_said(home: Path) -> None:
    with pytest.raises(RecipeError, match=r"gone\.yaml: cannot read the recipe: No such file or directory"):
        load(home / "gone.yaml")
    with pytest.raises(RecipeError, match="cannot read the recipe: Is a directory"):
        load(home)
    (home / "latin.yaml").write_bytes(b"name: caf\xe9")
    with pytest.raises(RecipeError, match=r"latin\.yaml: byte 9 is not UTF-8; save the recipe as UTF-8"):
        load(home / "latin.yaml")


def test_a_module_that_fails_to_import_is_a_fault(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (home / "broken_rules.py").write_text("1/0")
    monkeypatch.syspath_prepend(home)
    (line,) = faults_below(home, "steps: ['broken_rules:X']")
    assert (
        line == "./r.yaml:3: steps[0]: importing 'broken_rules:X' fails: ZeroDivisionError: division by zero"
    )


@given(st.text(alphabet="ab:[]{}-,.'\"&*!#~01 \n", max_size=60))
def test_no_recipe_raises_anything_else(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    path = tmp_path_factory.getbasetemp() / "any.yaml"
    path.write_text(f"name: x\npack: {text}\nsteps: {text}\ninputs: {text}", encoding="utf-8")
    with pytest.raises(RecipeError):
        load(path, [text])
