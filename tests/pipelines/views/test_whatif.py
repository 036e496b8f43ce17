"""What other limits would have done: the same as doing it, where the ledger can tell; and told as unknown where not."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import duckdb
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from filters.judge import NamedStep, judge
from filters.language import Language
from filters.step import is_fault, limit_for
from pipelines.cli import main
from pipelines.errors import RecipeError
from pipelines.recipe.load import load
from pipelines.recipe.models import resolve
from pipelines.run import run_recipe
from pipelines.store.fate import Fate
from pipelines.store.manifest import read_manifest
from pipelines.store.storage import Storage
from pipelines.store.tables import row_document
from pipelines.views.whatif import whatif
from pipelines.views.whatif_sql import fault
from pipelines.views.whatif_steps import Change, ledger_steps, with_overrides, with_recipe

ROOT = Path(__file__).resolve().parents[3]
DEMO = ROOT / "configs" / "demo.yaml"
STEPS = "[language: {keep: [en, de]}, c4, gopher_repetition: {profile: dclm}, gopher_quality, madlad: {only: [en]}]"


@pytest.fixture(scope="module")
def full(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run up to the ledger in which every step measured every document."""
    out = tmp_path_factory.mktemp("full") / "run"
    run_recipe(load(DEMO, ["ledger=full", f"steps={STEPS}"]), str(out), 1, until="filter", quiet=True)
    return out


def steps_of(out: Path) -> list[Change]:
    return ledger_steps(read_manifest(Storage(out), "filtered"))


def rows(out: Path, folder: str) -> list[dict[str, Any]]:
    return [
        row
        for part in sorted((out / folder).glob("part-*.parquet"))
        for row in pq.read_table(part).to_pylist()
    ]


def decide_again(out: Path, changed: list[Change]) -> Counter[tuple[Fate, Fate]]:
    """Old and new fate of every record, the new one by running the steps on the texts."""
    with_model = {entry.name: resolve(entry, DEMO.parent) for entry in load(DEMO).steps}
    steps = [
        with_model["label_language"]
        if change.name == "label_language"
        else replace(change.old, step=change.new)
        for change in changed
        if change.new
    ]
    found: Counter[tuple[Fate, Fate]] = Counter()
    for before, row in zip(rows(out, "ledger"), rows(out, "extracted"), strict=True):
        after = old = Fate(before["decision"], before["step"], before["reason"])
        if row["text"] is not None:
            verdict = judge(row_document(row), steps)
            after = Fate("kept") if verdict.step is None else Fate("dropped", verdict.step, verdict.reason)
        found[old, after] += 1
    return found


LIMITS = {
    "c4.min_sentences": st.none() | st.integers(0, 40),
    "c4.curly_brackets": st.booleans(),
    "gopher_quality.min_words": st.none() | st.integers(0, 900),
    "gopher_quality.max_mean_word_length": st.none() | st.floats(3, 6),
    "gopher_quality.min_stop_words": st.none() | st.integers(0, 8),
    "gopher_repetition.max_top_2_gram": st.none() | st.floats(0, 0.1),
    "language.keep": st.none()
    | st.lists(st.sampled_from(["en", "de", "fr", "ja", "de_Latn"]), min_size=1, unique=True),
    "language.min_score": st.none()
    | st.floats(0, 1)
    | st.dictionaries(
        st.sampled_from(["en", "de", "fr", "und", "default"]), st.none() | st.floats(0, 1), min_size=1
    ),
    "madlad.max_questionable": st.none() | st.floats(0, 1),
}


@pytest.mark.integration
@given(st.dictionaries(st.sampled_from(sorted(LIMITS)), st.just(None), min_size=1, max_size=4).flatmap(
    lambda names: st.fixed_dictionaries({name: LIMITS[name] for name in names})
))  # fmt: skip
@settings(max_examples=25, deadline=None)
def test_it_decides_as_the_steps_themselves_do(full: Path, values: dict[str, object]) -> None:
    steps = with_overrides(steps_of(full), [f"{name}={yaml_of(value)}" for name, value in values.items()])
    answer = whatif(Storage(full), steps)
    assert Counter({(m.old, m.new): m.documents for m in answer.moves}) == decide_again(full, steps)


@pytest.mark.integration
def test_a_limit_that_a_measure_just_meets(full: Path) -> None:
    """Each limit set to a value that was measured: whether the limit itself is in or out must be the same."""
    overrides = []
    for name in ("c4.min_sentences", "gopher_quality.min_words", "gopher_repetition.max_top_2_gram",
                 "madlad.max_questionable", "language.min_score"):  # fmt: skip
        check = next(c for j in steps_of(full) for c in j.old.step.CHECKS if f"{j.name}.{c.field}" == name)
        column = f"{name.partition('.')[0]}.{check.measure}"
        measured = sorted(row[column] for row in rows(full, "ledger") if row[column])
        overrides.append(f"{name}={measured[len(measured) // 3]}")
    for override in overrides:
        steps = with_overrides(steps_of(full), [override])
        answer = whatif(Storage(full), steps)
        assert Counter({(m.old, m.new): m.documents for m in answer.moves}) == decide_again(full, steps), (
            override
        )


def yaml_of(value: object) -> str:
    return "none" if value is None else json.dumps(value)


@given(
    st.lists(st.sampled_from(["en", "eng", "eng_Latn", "zh", "zh-Hans", "und", "", None]), max_size=8),
    st.lists(st.sampled_from(["en", "eng", "eng_Latn", "zh", "und", "it's"]), min_size=1, unique=True),
    st.dictionaries(
        st.sampled_from(["en", "eng", "eng_Latn", "zh", "und", "default"]), st.none() | st.floats(0, 1)
    ),
)
@settings(max_examples=40, deadline=None)
def test_labels_with_scripts_are_judged_alike(
    labels: list[str | None], keep: list[str], scores: dict[str, float | None]
) -> None:
    """The SQL of the language checks, against the steps' own judging, on labels that no model in the tests gives."""
    step = Language(keep=tuple(keep), min_score={**scores, "de": 0.5})
    chosen = Change(NamedStep("language", "language", step), step)
    with duckdb.connect() as database:
        database.execute('CREATE TABLE ledger ("language.language" VARCHAR, "language.score" DOUBLE)')
        database.executemany("INSERT INTO ledger VALUES (?, ?)", [[label, 0.5] for label in [*labels, "en"]])
        for check in step.CHECKS:
            told = database.execute(f"SELECT coalesce({fault(chosen, check)}, false) FROM ledger").fetchall()
            for (found,), label in zip(told, [*labels, "en"], strict=True):
                measured: dict[str, Any] = {"language": label, "score": 0.5}
                limit = limit_for(check, getattr(step, check.field), measured)
                assert found == is_fault(check.op, measured[check.measure], limit), (label, check)


@pytest.mark.integration
def test_it_equals_running_the_filter_stage_again(full: Path, tmp_path: Path) -> None:
    """The whole way: another recipe, another run, the counts of its manifest."""
    changed = ["gopher_quality.min_words=200", "c4.min_sentences=none"]
    recipe = load(DEMO, ["ledger=full", f"steps={STEPS}", *changed])
    records = run_recipe(recipe, str(tmp_path / "again"), 1, until="filter", quiet=True).balance.filter or {}
    answer = whatif(Storage(full), with_overrides(steps_of(full), changed))
    assert answer.then == {Fate.parse(name): count for name, count in records.items() if name != "seen"}
    assert answer.gained()[0] or answer.lost()[0]


@pytest.mark.integration
def test_nothing_changed_changes_nothing(demo: Path) -> None:
    answer = whatif(Storage(demo), steps_of(demo))
    assert all(move.old == move.new for move in answer.moves)
    assert not answer.estimated
    assert 2 < answer.bytes_per_token < 8


@pytest.mark.integration
def test_what_was_not_measured_is_unknown(demo: Path) -> None:
    """The demo's ledger ends at the drop; a document that gets past it is kept only by steps that cannot drop."""
    steps = with_overrides(steps_of(demo), ["gopher_quality.min_words=none"])
    answer = whatif(Storage(demo), steps)
    moved = {(m.old, m.new): m.documents for m in answer.moves if m.old != m.new}
    assert moved
    assert all(new == Fate("unknown") or new.step == "gopher_quality" for _, new in moved)
    last = with_overrides(steps_of(demo), [f"fineweb_quality.{name}=none" for name in (
        "min_punctuated_lines", "max_short_lines", "max_duplicate_characters", "max_newlines_per_word"
    )])  # fmt: skip
    moved = {(m.old, m.new) for m in whatif(Storage(demo), last).moves if m.old != m.new}
    assert moved
    assert {new for _, new in moved} == {Fate("kept")}


@pytest.mark.integration
def test_a_limit_that_was_off_and_never_measured_is_unknown(tmp_path: Path) -> None:
    steps = "steps=[length: {min_characters: 1}]"
    run_recipe(load(DEMO, [steps]), str(tmp_path), 1, until="filter", quiet=True)
    answer = whatif(Storage(tmp_path), with_overrides(steps_of(tmp_path), ["length.min_words=5"]))
    assert set(answer.then) == {Fate("unknown")} | (set(answer.now) - {Fate("kept")})


@pytest.mark.integration
@pytest.mark.parametrize(
    ("override", "said"),
    [
        ("pii.email=none", "email shapes the text or what is measured"),
        ("fineweb_quality.short_line_characters=20", "short_line_characters shapes"),
        ("label_language.model=other.bin", "model shapes"),
        ("gopher_quality.min_word=3", "did you mean 'min_words'?"),
        ("gopher_qualty.min_words=3", "did you mean 'gopher_quality'?"),
        ("gopher_quality.min_words=many", "expected a whole number"),
        ("gopher_quality.min_words=200000", "min_words 200000 is above max_words"),
        ("min_words", "expected STEP.FIELD=VALUE"),
        ("dedup.similarity=0.8", "for the rest use `corpusmill run` with this --set"),
        ("gopher_quality.only=[en]", "only shapes the text or what is measured"),
    ],
)
def test_what_the_ledger_cannot_tell_is_refused_by_name(demo: Path, override: str, said: str) -> None:
    with pytest.raises(RecipeError, match=said.replace("?", r"\?")):
        with_overrides(steps_of(demo), [override])


@pytest.mark.integration
def test_another_recipe(full: Path, tmp_path: Path) -> None:
    def recipe(steps: str) -> Path:
        path = tmp_path / "other.yaml"
        path.write_text(f"name: other\ninputs: [{{reader: warc, paths: [none.warc.gz]}}]\nsteps: {steps}\n")
        return path

    looser = STEPS.replace(", gopher_quality, madlad: {only: [en]}", "").replace(
        "c4", "c4: {min_sentences: 1}"
    )
    answer = whatif(Storage(full), with_recipe(steps_of(full), recipe(looser)))
    assert answer.gained()[0] > 0
    assert answer.lost()[0] == 0
    for steps, said in (
        (STEPS.replace("c4, ", ""), "c4: is missing; it changes what later steps see"),
        (STEPS.replace("dclm", "dolma"), "profile: is 'dolma' there and 'dclm' in the ledger"),
        (STEPS.replace("madlad", "fineweb_quality"), "fineweb_quality: is not in this ledger"),
        (STEPS.replace("[en]}]", "[de]}]"), r"madlad.only: is \('de',\) there and \('en',\) in the ledger"),
        (
            "[language: {keep: [en]}, gopher_quality, c4, gopher_repetition: {profile: dclm}, madlad]",
            "another order",
        ),
    ):
        with pytest.raises(RecipeError, match=said):
            with_recipe(steps_of(full), recipe(steps))


@pytest.mark.integration
def test_the_command_prints_funnels_sides_and_documents(
    demo: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["whatif", str(demo), "--set", "gopher_quality.min_words=150", "--limit", "2"]
    for extra in ([], ["--json"]):
        with pytest.raises(SystemExit) as ended:
            main([*arguments, *extra])
        assert ended.value.code == 0
    said = capsys.readouterr().out
    assert "gopher_quality.min_words: 50 -> 150" in said
    assert "would be dropped:" in said
    assert "kept -> dropped gopher_quality.too_few_words" in said
    machine = json.loads(said.splitlines()[-1])
    assert machine["lost"]["documents"] > 0
    assert len(machine["documents"]) == 2


def test_a_step_that_raises_after_the_drop_leaves_the_decision_alone() -> None:
    class Raises:
        MEASURES: dict[str, type] = {}  # noqa: RUF012
        CHECKS = ()
        FILES = ()

        def apply(self, view: Any) -> Any:
            raise RuntimeError("broken")

    entry = next(item for item in load(DEMO).steps if item.name == "gopher_quality")
    raises = NamedStep("raises", "my_rules:Raises", Raises())  # type: ignore[arg-type]  # a short stand-in
    document = row_document(
        {**dict.fromkeys(("record_id", "url", "date", "language")), "id": "0" * 32, "text": "short", "source": "web",
         "file": "f", "offset": 0, "length": 1, "index": 0}
    )  # fmt: skip
    verdict = judge(document, [entry, raises], full=True)
    assert (verdict.step, verdict.reason, verdict.error, verdict.applied) == (
        "gopher_quality",
        "too_few_words",
        None,
        1,
    )
    assert judge(document, [raises], full=True).error == "RuntimeError"
