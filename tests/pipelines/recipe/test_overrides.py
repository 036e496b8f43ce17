"""`--set`: overrides change a recipe, and are named where they are wrong; sections that map names to numbers."""

# ruff: noqa: E501 - messages stand on one line, as they are printed

from __future__ import annotations

from pathlib import Path

import pytest

from filters.language import Language
from pipelines.errors import RecipeError
from pipelines.recipe.load import resolved
from pipelines.recipe.recipe import Dedup, Minhash, Pack, Tokenizer
from tests.pipelines.recipe.recipes import Pages, Rule, faults_below, recipe


def test_overrides_change_sections_steps_and_elements(home: Path) -> None:
    text = "steps:\n  - rules:Rule: {min_words: 1}\n  - rules:Rule: {as: second}\ndedup: none\n"
    overrides = [
        "name=y",
        "pack.seq_len=1024",
        "dedup.minhash.similarity=0.8",
        "rules:Rule.min_words=2",
        "second.words=[no, 1]",
        "inputs[0].limit=5",
        "inputs[0].statuses=[200, 404]",
        "pack.seq_len=512",
    ]
    loaded = recipe(home, text, *overrides)
    assert (loaded.name, loaded.pack, loaded.dedup) == (
        "y",
        Pack(seq_len=512),
        Dedup(minhash=Minhash(similarity=0.8)),
    )
    first, second = (item.step for item in loaded.steps)
    assert (first, second) == (Rule(min_words=2), Rule(words=("no", "1")))
    assert (loaded.inputs[0].limit, loaded.inputs[0].reader) == (5, Pages(statuses=(200, 404)))


def test_special_tokens_are_groups_or_symbols(home: Path) -> None:
    loaded = recipe(home, "tokenizer: {special_tokens: [chat, <|think|>], model_type: unigram}\n")
    assert loaded.tokenizer == Tokenizer(special_tokens=("chat", "<|think|>"), model_type="unigram")
    (fault,) = faults_below(home, "tokenizer: {special_tokens: [chat, chat]}\n")
    assert (
        "special token '<|im_start|>': expected one of chat, fim, or a new symbol such as <|think|>" in fault
    )


def test_a_step_for_some_languages(home: Path) -> None:
    """`only` is no field of the step; what it asks for needs a label, as `language` does."""
    loaded = recipe(home, "steps: [c4, pii: {only: [de, fr], as: some}, c4: {as: none_named, only: none}]\n")
    assert [(item.name, item.only) for item in loaded.steps] == [
        ("c4", None),
        ("label_language", None),
        ("some", ("de", "fr")),
        ("none_named", None),
    ]
    assert resolved(loaded)["steps"][2]["pii"]["only"] == ["de", "fr"]  # type: ignore[index]
    assert recipe(home, "steps: [c4]\n", "c4.only=[de]").steps[1].only == ("de",)
    scores = {"en": 0.65, "de": None, "default": 0.6}
    loaded = recipe(home, "steps: [language: {min_score: {en: 0.65, de: none, default: 0.6}}]\n")
    assert loaded.steps[1].step == Language(min_score=scores)
    assert recipe(home, "steps: [language]\n", "language.min_score.de=0.5").steps[1].step == Language(
        min_score={"de": 0.5}
    )


@pytest.mark.parametrize(
    ("steps", "message"),
    [
        ("[c4: {only: en}]", "c4.only: expected a list; found 'en': write [en]"),
        ("[c4: {only: []}]", "c4: only must name at least one language; write none for all"),
        ("[language: {min_score: {}}]", "language: min_score must name a language or default"),
        ("[language: {min_score: {en: 2}}]", "language: min_score must be from 0 to 1; found {'en': 2.0}"),
        ("[language: {min_score: {en: much}}]", "language.min_score.en: expected a number such as 0.5"),
        ("[language: {min_score: [0.5]}]", "language.min_score: expected a number such as 0.5"),
    ],
)
def test_wrong_languages_are_faults(home: Path, steps: str, message: str) -> None:
    with pytest.raises(RecipeError) as caught:
        recipe(home, f"steps: {steps}\n")
    assert message in str(caught.value)


def test_a_mix_maps_sources_to_numbers(home: Path) -> None:
    loaded = recipe(home, "pack: {mix: {web: 2.5}, row_len: L+1}\n", "pack.tokens=1_000_000")
    assert loaded.pack == Pack(mix={"web": 2.5}, row_len="L+1", tokens=1_000_000)
    assert resolved(loaded)["pack"]["mix"] == {"web": 2.5}  # type: ignore[index]
    assert recipe(home, "", "pack.mix.web=3").pack == Pack(mix={"web": 3.0})
    assert recipe(home, "pack: {mix: none}\n").pack == Pack()


@pytest.mark.parametrize(
    ("mix", "message"),
    [
        ("3", "pack.mix: expected a mapping of keys to values; found '3'"),
        ("{web: many}", "pack.mix.web: expected a number such as 0.5; found 'many'"),
        ("{web: 0}", "pack: mix must be numbers from 0 up, not all 0; found {'web': 0.0}"),
        ("{web: -1}", "pack: mix must be numbers from 0 up, not all 0; found {'web': -1.0}"),
        ("{wiki: 1}", "pack.mix may name the sources web; found ['wiki']"),
    ],
)
def test_a_wrong_mix_is_a_fault(home: Path, mix: str, message: str) -> None:
    found = faults_below(home, f"pack:\n  mix: {mix}\n")
    assert len(found) == 1
    assert found[0].endswith(message)


def test_repeats_are_a_name_or_sizes_with_numbers(home: Path) -> None:
    loaded = recipe(home, "pack: {repeat_by_cluster_size: {100: 1, 2: 2.5}}\n")
    assert loaded.pack is not None
    assert loaded.pack.weights_by_size() == ((2, 2.5), (100, 1.0))
    assert resolved(loaded)["pack"]["repeat_by_cluster_size"] == {"100": 1.0, "2": 2.5}  # type: ignore[index]
    named = recipe(home, "", "pack.repeat_by_cluster_size=fineweb2").pack
    assert named is not None
    assert dict(named.weights_by_size())[100] == 8
    assert recipe(home, "pack: {repeat_by_cluster_size: none}\n").pack == Pack()


@pytest.mark.parametrize(
    ("section", "message"),
    [
        ("fineweb", "expected one of: fineweb2, none; found 'fineweb'"),
        ("{0: 1}", "must be sizes from 1 up with numbers from 0 up; found {'0': 1.0}"),
        ("{many: 1}", "must be sizes from 1 up with numbers from 0 up; found {'many': 1.0}"),
        ("{2: -1}", "must be sizes from 1 up with numbers from 0 up; found {'2': -1.0}"),
        ("fineweb2\ndedup: none", "repeat_by_cluster_size needs clusters; there is `dedup: none`"),
    ],
)
def test_wrong_repeats_are_a_fault(home: Path, section: str, message: str) -> None:
    found = faults_below(home, f"pack:\n  repeat_by_cluster_size: {section}\n")
    assert len(found) == 1
    assert found[0].endswith(message)


def test_paths_in_an_override_refer_to_the_current_folder(home: Path) -> None:
    here = Path.cwd()
    for name in ("new.gz", "model.bin"):
        (here / name).write_bytes(b"x")
    overrides = [
        "inputs=[{reader: pages, paths: [new.gz]}]",
        "steps=[rules:Rule]",
        "rules:Rule.model=model.bin",
    ]
    loaded = recipe(home, "", *overrides)
    assert [file.path for file in loaded.inputs[0].files] == [Path("new.gz")]
    model = loaded.steps[0].step.model  # type: ignore[attr-defined]
    assert (loaded.folder / model).resolve() == (here / "model.bin").resolve()
    assert not Path(model).is_absolute()


def test_a_later_override_sees_the_steps_of_an_earlier_one(home: Path) -> None:
    loaded = recipe(home, "", "steps=[language]", "label_language.model=m.bin", "language.keep=[no, on]")
    assert [item.name for item in loaded.steps] == ["label_language", "language"]
    assert loaded.steps[1].step.keep == ("no", "on")  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("override", "line"),
    [
        ("pack.seq_len=2k", "--set pack.seq_len=2k: pack.seq_len: expected a whole number such as 1000; found '2k'"),
        ("pack.seq_len=999999999999999999", "--set pack.seq_len=999999999999999999: pack: seq_len must be from 2 to 16,777,216 tokens; found 999999999999999999"),
        ("pack.seq_len=0", "--set pack.seq_len=0: pack: seq_len must be from 2 to 16,777,216 tokens; found 0"),
        ("pack.seq_le=1", "--set pack.seq_le=1: pack: unknown key 'seq_le'; did you mean 'seq_len'?"),
        ("pack", "--set pack: expected key=value, such as pack.seq_len=1024"),
        ("=1", "--set =1: expected key=value, such as pack.seq_len=1024"),
        ("pak.seq_len=1", "--set pak.seq_len=1: there is no section or step 'pak' in this recipe; did you mean 'pack'?"),
        ("pii=1", "--set pii=1: pii is a step; set one of its fields, pii.FIELD=VALUE"),
        ("pii.email=[x]", "--set pii.email=[x]: pii.email: expected text, or none; found a list"),
        ("inputs[3].limit=1", "--set inputs[3].limit=1: there is no element [3]: the list in the recipe has 1, counted from 0"),
        ("pack..seq_len=1", "--set pack..seq_len=1: 'pack..seq_len' is not a key; write names and numbers such as inputs[0].limit"),
        ("pack.seed=[1", "--set pack.seed=[1: not valid YAML: expected ',' or ']', but got '<stream end>'"),
        ("pack.seed=&a 1", "--set pack.seed=&a 1: anchor &a is not allowed; write the value out where it is used"),
        ("pack.seed=", "--set pack.seed=: pack.seed: expected a whole number such as 1000; found nothing"),
        ("name=a\x1b[31mb", "--set name=a\\x1b[31mb: not valid YAML: unacceptable character #x001b: special characters are not allowed in \"<unicode string>\", position 1"),
        ("inputs=[{reader: pages, paths: [gone.gz]}]", "--set inputs=[{reader: pages, paths: [gone.gz]}]: inputs[0].paths[0]: no such file: 'gone.gz' (looked in the current directory)"),
    ],
)  # fmt: skip
def test_a_fault_in_an_override_names_the_override(home: Path, override: str, line: str) -> None:
    assert faults_below(home, "steps: [pii]", override) == [line]


def test_an_override_is_named_even_where_it_replaces_a_right_value(home: Path) -> None:
    assert faults_below(home, "pack: {seq_len: 4}", "pack.seq_len=0") == [
        "--set pack.seq_len=0: pack: seq_len must be from 2 to 16,777,216 tokens; found 0"
    ]
