"""Recipes: what is right becomes dataclasses with all defaults, what is wrong is listed all at once."""

# ruff: noqa: E501 - messages stand on one line, as they are printed

from __future__ import annotations

import json
import sys
import types
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Literal

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from filters.dedup.bands import Bands
from filters.language import Language
from filters.step import Check, Measured
from filters.text import TextView
from pipelines import input_entries
from pipelines.config import BandChoice, Dedup, InputFile, Minhash, Pack, Preference, Recipe, Tokenizer
from pipelines.config_load import load, resolved
from pipelines.errors import RecipeError
from pipelines.input_files import literal_prefix

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Pages:
    """A reader with an option of each kind."""

    statuses: tuple[int, ...] = (200,)
    mime: Literal["html", "any"] = "html"
    SOURCE: ClassVar[str] = "web"


@dataclass(frozen=True)
class Rule:
    """A step with a field of each kind."""

    words: tuple[str, ...] = ()
    min_words: int | None = 50
    max_words: int | None = 100
    max_ratio: float = 0.1
    strict: bool = False
    profile: Literal["datatrove", "dclm"] = "datatrove"
    model: str | None = None
    MEASURES: ClassVar[dict[str, type]] = {}
    CHECKS: ClassVar[tuple[Check, ...]] = ()
    FILES: ClassVar[tuple[str, ...]] = ("model",)

    def apply(self, view: TextView) -> tuple[TextView, Measured]:
        """Measure nothing."""
        return view, {}

    def __post_init__(self) -> None:
        for name in ("min_words", "max_words"):
            value = getattr(self, name)
            if value is not None and value < 0:
                raise ValueError(f"{name} must be 0 or more; found {value}")
        if self.min_words is not None and self.max_words is not None and self.min_words > self.max_words:
            raise ValueError(
                f"min_words must not be above max_words; found {self.min_words} and {self.max_words}"
            )


def _find_reader(name: str) -> type[Pages]:
    if name != "pages":
        raise LookupError(f"there is no reader {name!r}")
    return Pages


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a few inputs, a reader `pages` and a step `rules:Rule`, so that messages do not depend on others."""
    module = types.ModuleType("rules")
    module.Rule = Rule  # type: ignore[attr-defined]
    module.NotAStep = Pages  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "rules", module)
    monkeypatch.setattr(input_entries, "reader_names", lambda: ["pages"])
    monkeypatch.setattr(input_entries, "find_reader", _find_reader)
    for name in ("crawl/2024/b.gz", "crawl/2024/a.gz", "crawl/2025/a.gz", "dumps/w.bz2", "dumps/notes.txt"):
        path = tmp_path / "data" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")
    (tmp_path / "other").mkdir()
    monkeypatch.chdir(tmp_path / "other")
    return tmp_path / "data"


def write(home: Path, text: str) -> Path:
    path = home / "r.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def recipe(home: Path, text: str = "", *overrides: str) -> Recipe:
    return load(
        write(home, f"name: x\ninputs:\n  - {{reader: pages, paths: [dumps/w.bz2]}}\n{text}"), overrides
    )


def faults(home: Path, text: str, *overrides: str) -> list[str]:
    """The lines of the error, with the recipe's path cut to its name."""
    path = write(home, text)
    with pytest.raises(RecipeError) as caught:
        load(path, overrides)
    return str(caught.value).replace(str(home), ".").splitlines()


def faults_below(home: Path, text: str, *overrides: str) -> list[str]:
    """The faults of a recipe whose first two lines, name and inputs, are right."""
    return faults(home, f"name: x\ninputs: [{{reader: pages, paths: [dumps/w.bz2]}}]\n{text}", *overrides)


# What is right.


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


# Overrides.


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


# What is wrong, all at once.


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
        "./r.yaml:3: inputs[0].paths[0]: no file matches 'crawl/*.warc.gz' (looked in .)",
        "./r.yaml:3: inputs[0]: limit must be at least 1, not 0; leave it out to read everything",
        "./r.yaml:4: inputs[1]: unknown key 'limt'; did you mean 'limit'?",
        "./r.yaml:4: inputs[1].paths[0]: no such file: 'dumps/gone.bz2' (looked in .)",
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
        "./r.yaml:19: tokenizer: vocab_size belongs to a tokenizer that is trained; with path, nothing is",
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


# The resolved recipe and the recipes that come along.


def test_the_resolved_recipe_shows_every_default(home: Path) -> None:
    text = "steps:\n  - rules:Rule: {as: own, words: [no]}\nextract: {deadline_s: 7}\n"
    assert resolved(recipe(home, text)) == {
        "name": "x",
        "inputs": [
            {
                "reader": "pages",
                "paths": ["dumps/w.bz2"],
                "source": "web",
                "limit": None,
                "statuses": [200],
                "mime": "html",
                "files": [{"name": "w.bz2", "path": "dumps/w.bz2"}],
            }
        ],
        "extract": {"engine": "blocks", "deadline_s": 7.0, "memory_mb": 1024},
        "steps": [
            {
                "rules:Rule": {
                    "as": "own",
                    "words": ["no"],
                    "min_words": 50,
                    "max_words": 100,
                    "max_ratio": 0.1,
                    "strict": False,
                    "profile": "datatrove",
                    "model": None,
                }
            }
        ],
        "ledger": "until_drop",
        "dedup": {
            "exact": True,
            "url": False,
            "minhash": {
                "bands": "fineweb",
                "similarity": 0.7,
                "verify": "signature",
                "scheme": "affine32",
                "unit": None,
                "width": None,
            },
            "lines": None,
            "substrings": None,
            "keep": "longest",
            "scope": "global",
            "against": [],
        },
        "tokenizer": {
            "vocab_size": 32768,
            "alpha": 0.5,
            "model_type": "bpe",
            "special_tokens": ["chat", "fim"],
            "path": None,
        },
        "pack": {
            "seq_len": 2048,
            "strategy": "best_fit",
            "row_len": "L",
            "mix": None,
            "repeat_by_cluster_size": None,
            "tokens": None,
            "by_language": False,
            "validation": 0.001,
            "seed": 1,
            "shard_mb": 1024,
        },
        "unit_mb": 128,
        "max_error_share": None,
    }


def test_the_resolved_recipe_loads_to_itself(home: Path) -> None:
    """What `check` prints, without the list of files, is a recipe that means the same."""
    first = recipe(
        home, "steps: [language, {'rules:Rule': {as: own}}]\ndedup: {minhash: none}\npack: {seed: 3}\n"
    )
    shown = json.loads(json.dumps(resolved(first)))
    for entry in shown["inputs"]:
        del entry["files"]
    path = home / "again.yaml"
    path.write_text(yaml.safe_dump(shown, sort_keys=False), encoding="utf-8")
    assert load(path) == first


def test_a_word_or_a_mapping(home: Path) -> None:
    """Bands and the keep policy are a word or a mapping; both kinds of fault are named."""
    text = "dedup: {minhash: {bands: {auto: 0.8}}, keep: {source: [wiki, web]}}\n"
    loaded = recipe(home, text).dedup
    assert loaded == Dedup(
        minhash=Minhash(bands=BandChoice(auto=0.8)), keep=Preference(source=("wiki", "web"))
    )
    assert loaded.minhash.cut() == Bands(21, 9)
    assert faults_below(home, "dedup: {keep: {best: a, source: [b]}, minhash: {bands: {count: 5}}}\n") == [
        "./r.yaml:3: dedup.minhash.bands: auto alone, or count and rows together, choose the bands; "
        "found BandChoice(auto=None, count=5, rows=None)",
        "./r.yaml:3: dedup.keep: either best or source is needed; found Preference(best='a', source=('b',))",
    ]
    assert faults_below(home, "dedup: {keep: oldest, minhash: {scheme: fineweb, unit: character}}\n") == [
        "./r.yaml:3: dedup.minhash: unit of scheme fineweb must be word; found character",
        "./r.yaml:3: dedup.keep: expected one of: longest, newest; found 'oldest'",
    ]


RECIPES = sorted((ROOT / "configs").glob("*.yaml"))
SAMPLES = {"warc": "a.warc.gz", "wet": "a.warc.wet.gz", "wikipedia": "a.xml.bz2"}


def readers_of(path: Path) -> list[str]:
    return [entry["reader"] for entry in yaml.safe_load(path.read_text(encoding="utf-8"))["inputs"]]


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: path.name)
def test_each_recipe_of_the_repository_is_right(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With inputs of its own readers, named as the comment in its head says, a recipe has no fault."""
    monkeypatch.chdir(tmp_path)
    for name in SAMPLES.values():
        (tmp_path / name).write_bytes(b"x")
    inputs = ", ".join(f"{{reader: {name}, paths: [{SAMPLES[name]}]}}" for name in readers_of(path))
    loaded = load(path, [f"inputs=[{inputs}]"])
    assert loaded.folder == path.parent
    assert json.loads(json.dumps(resolved(loaded)))["name"] == loaded.name


@pytest.mark.parametrize(
    "path", [path for path in RECIPES if path.stem != "demo"], ids=lambda path: path.name
)
def test_a_recipe_without_its_files_names_the_pattern(path: Path) -> None:
    patterns = [pattern for entry in yaml.safe_load(path.read_text())["inputs"] for pattern in entry["paths"]]
    with pytest.raises(RecipeError) as caught:
        load(path)
    lines = str(caught.value).splitlines()
    assert [f"no file matches {pattern!r} (looked in {path.parent})" for pattern in patterns] == [
        line.split(": ", 2)[2] for line in lines
    ]


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: path.name)
def test_each_recipe_says_what_it_makes_and_how_to_run_it(path: Path) -> None:
    head = path.read_text(encoding="utf-8").split("\nname:")[0]
    for part in ("# Makes ", "# Time ", f"# Command   corpusmill run configs/{path.name} "):
        assert part in head


@pytest.mark.shared
def test_hostile_recipes_are_refused(shared: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing runs, nothing expands, and the line is named."""
    monkeypatch.chdir(tmp_path)
    for name, line in (
        ("evil.yaml", "evil.yaml:1: a: tag"),
        ("alias_bomb.yaml", "alias_bomb.yaml:2: a1[0]: alias *a0"),
    ):
        with pytest.raises(RecipeError) as caught:
            load(shared / "hostile" / "security" / name)
        assert line in str(caught.value)
    assert list(tmp_path.iterdir()) == []
