"""Stage train-tokenizer: the same tokenizer whatever the workers, the parts and their order, or a given one."""

from __future__ import annotations

import io
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import sentencepiece

from pipelines.errors import CorpusmillError, InputError
from pipelines.recipe.recipe import Recipe
from pipelines.recipe.recipe import Tokenizer as Section
from pipelines.stages.tokenizer import stage as train_tokenizer
from pipelines.stages.tokenizer import word_counts
from pipelines.store.folders import Folder
from pipelines.store.manifest import UnitFile, UnitResult, valid_manifest, write_manifest
from pipelines.store.stage_key import stage_key
from pipelines.store.storage import Storage
from pipelines.store.tables import DOCUMENTS, to_table
from pipelines.work.progress import Progress
from pipelines.work.stage import Run
from pipelines.work.task import Part, Task
from tokenizer_training.model.tokenizer import Tokenizer
from tokenizer_training.model.train import train
from tokenizer_training.model.weights import language_shares
from tokenizer_training.model.words import WordCounter

UPSTREAM = stage_key("dedup", {})
SAMPLE = Path(__file__).resolve().parents[3] / "sample" / "texts"
TEXTS = [(path.parent.name, path.read_text(encoding="utf-8")) for path in sorted(SAMPLE.glob("*/*.txt"))]
FILES = {"tokenizer.model", "tokenizer.json", "tokenizer_config.json", "evaluation.json"}
Pairs = Sequence[tuple[str | None, str]]


def make_run(
    out: Path, workers: int = 1, flags: tuple[str, ...] = (), quiet: bool = True, **section: Any
) -> Run:
    storage = Storage(out)
    recipe = Recipe("toy", (), tokenizer=Section(**{"vocab_size": 2048, **section}))
    return Run(recipe, storage, workers, flags, Progress(storage, quiet))


def write_documents(storage: Storage, texts: Pairs, parts: int, home: str = "documents") -> dict[str, Any]:
    """Write a folder of documents in this many parts, the last one empty."""
    folder, sidecars = Folder(home, DOCUMENTS), []
    for part in range(parts):
        mine = texts[part :: parts - 1] if part < parts - 1 else []
        rows = [_row(f"{part}-{n}", language, text) for n, (language, text) in enumerate(mine)]
        with storage.table_writer(folder.part(f"{part:016x}"), DOCUMENTS) as writer:
            writer.write(to_table(rows, DOCUMENTS))
        assert writer.fact is not None
        sidecars.append(UnitResult(f"{part:016x}", {}, (writer.fact,)))
    return write_manifest(storage, "documents", UPSTREAM, (), sidecars)


def _row(name: str, language: str | None, text: str) -> dict[str, Any]:
    where = {"source": "toy", "file": "f", "offset": 0, "length": 1, "index": 0, "cluster_size": 1}
    return {"id": name, "text": text, "language": language, **where}


def do_stage(run: Run, documents: dict[str, Any]) -> dict[str, Any]:
    return stage_of(run).make([documents], stage_of(run).key([UPSTREAM]))


def stage_of(run: Run) -> train_tokenizer.TokenizerStage:
    assert run.recipe.tokenizer is not None
    return train_tokenizer.TokenizerStage(run, run.recipe.tokenizer)


def outputs(run: Run) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in run.storage.path("tokenizer").iterdir()}


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> tuple[Run, dict[str, Any], dict[str, Any]]:
    """A finished stage on the sample texts: the run, the manifest of its documents, its own manifest."""
    run = make_run(tmp_path_factory.mktemp("trained"))
    documents = write_documents(run.storage, TEXTS, parts=4)
    return run, documents, do_stage(run, documents)


@pytest.mark.integration
def test_the_tokenizer_is_the_one_of_the_counted_words(trained: tuple[Run, Any, Any]) -> None:
    counter = WordCounter()
    for language, text in TEXTS:
        counter.add(language, text)
    tokenizer = Tokenizer.load(trained[0].storage.path("tokenizer"))
    assert tokenizer.data == train(counter.take()[0], 2048, 0.5).model


@pytest.mark.integration
def test_the_manifest_names_what_is_there(trained: tuple[Run, Any, Any]) -> None:
    run, documents, manifest = trained
    assert {Path(file.path).name for file in manifest.files} == FILES
    assert {*outputs(run)} == {*FILES, "manifest.json"}
    assert valid_manifest(run.storage, "tokenizer", stage_of(run).key([UPSTREAM]), [documents]) == manifest
    assert run.storage.list_files("work/count-words") == []


@pytest.mark.integration
def test_counts_are_those_of_the_text(trained: tuple[Run, Any, Any]) -> None:
    (unit,) = trained[2].units
    counter = WordCounter()
    for language, text in TEXTS:
        counter.add(language, text)
    counts, cut = counter.take()
    assert unit.counts == {
        "documents": len(TEXTS),
        "words": sum(counts["count"].to_pylist()),
        "distinct_words": counts.num_rows,
        "cut_words": cut,
        "pruned_words": 0,
        "pruned_occurrences": 0,
        "vocab_size": 2048,
    }
    assert cut > 0, "the Japanese texts have long words"


@pytest.mark.integration
def test_the_evaluation_says_how_it_fits(trained: tuple[Run, Any, Any]) -> None:
    found = json.loads(outputs(trained[0])["evaluation.json"])
    assert {*found["words"]["languages"]} == {language for language, _ in TEXTS}
    assert found["documents"]["all"]["texts"] == len(TEXTS)
    assert found["documents"]["all"]["round_trip_failures"] == 0
    assert found["documents"]["all"]["characters"] == sum(len(text) for _, text in TEXTS)
    assert found["training"]["languages"]["ja"]["weight"] > found["training"]["languages"]["en"]["weight"]
    assert found["warnings"] == []


@pytest.mark.integration
@pytest.mark.parametrize(
    ("workers", "parts", "flags"),
    [(1, 2, ()), (1, 9, ("--direct_runner_bundle_repeat=2",)), (2, 5, ())],
    ids=["one part", "many parts, bundles repeated", "two workers"],
)
def test_workers_parts_and_order_change_nothing(
    trained: tuple[Run, Any, Any], tmp_path: Path, workers: int, parts: int, flags: tuple[str, ...]
) -> None:
    run = make_run(tmp_path, workers, flags)
    do_stage(run, write_documents(run.storage, TEXTS[::-1], parts))
    before, after = outputs(trained[0]), outputs(run)
    # The sample of documents is taken by part; everything else is the same byte for byte.
    evaluations = [json.loads(files.pop("evaluation.json")) for files in (before, after)]
    assert evaluations[0]["words"] == evaluations[1]["words"]
    assert evaluations[0]["training"] == evaluations[1]["training"]
    del before["manifest.json"], after["manifest.json"]
    assert before == after


@pytest.mark.integration
def test_words_are_sent_on_before_they_fill_the_memory(tmp_path: Path) -> None:
    run = make_run(tmp_path)
    tasks = [_task(run, file) for file in write_documents(run.storage, TEXTS, parts=3).files]
    whole, often = (
        train_tokenizer.count_words(
            run, word_counts.Counting(str(tmp_path), key, "fingerprint", 0.5, flush_words=words), tasks
        )
        for key, words in (("whole", word_counts.FLUSH_WORDS), ("often", 500))
    )
    assert often.table.equals(whole.table)
    assert often.totals == whole.totals


@pytest.mark.integration
def test_too_many_words_are_pruned_by_weight_and_reported(tmp_path: Path) -> None:
    counting = word_counts.Counting(str(tmp_path), "key", "fingerprint", 0.5, most=100)
    run = make_run(tmp_path)
    documents = write_documents(run.storage, TEXTS, parts=3)
    tasks = [_task(run, file) for file in documents.files]
    counted = train_tokenizer.count_words(run, counting, tasks)
    assert counted.table.num_rows == 1600
    assert counted.totals["pruned_words"] == counted.totals["distinct_words"] - 1600
    kept = sum(counted.table["count"].to_pylist())
    assert counted.totals["pruned_occurrences"] == counted.totals["words"] - kept
    shares = language_shares(counted.table, 0.5)
    assert {*shares} == {language for language, _ in TEXTS}, "no language is pruned away"


def _task(run: Run, file: UnitFile) -> Task[Part]:
    return Task(file.unit, file.sha256, file.bytes, Part(str(run.storage.path(file.path))))


def test_pruning_is_a_warning() -> None:
    totals = {"words": 1000, "pruned_words": 7, "pruned_occurrences": 20}
    counted = word_counts.Counted(word_counts.merge_tables([]), totals)
    assert train_tokenizer.pruning_warnings(counted) == [
        "7 of the rarest words (2.00% of all) were left out of the training"
    ]


@pytest.mark.integration
def test_finished_counts_are_not_counted_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """After a failure of the training, the next run continues from the counts."""
    run = make_run(tmp_path)
    documents = write_documents(run.storage, TEXTS, parts=3)

    def fail(*_: object) -> None:
        raise CorpusmillError("killed")

    with monkeypatch.context() as patch:
        patch.setattr(train_tokenizer, "train", fail)
        with pytest.raises(CorpusmillError, match="killed"):
            do_stage(run, documents)
    monkeypatch.setattr("pipelines.stages.tokenizer.graph.count_in_beam", fail)
    do_stage(run, documents)
    with pytest.raises(CorpusmillError, match="killed"):
        do_stage(run, write_documents(run.storage, TEXTS[1:], parts=3))


@pytest.mark.integration
def test_a_shrunk_vocabulary_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = make_run(tmp_path, quiet=False, vocab_size=32768)
    manifest = do_stage(run, write_documents(run.storage, [(None, "a few words, a few more words")], 2))
    assert "train-tokenizer: the text is too small for 32768 pieces" in capsys.readouterr().err
    assert manifest.units[0].number("vocab_size") == 384
    assert json.loads(outputs(run)["evaluation.json"])["words"]["languages"].keys() == {"und"}


@pytest.mark.integration
@pytest.mark.parametrize("texts", [[], [("en", "\n\n")]], ids=["no documents", "no words"])
def test_no_text_is_an_error_for_the_user(tmp_path: Path, texts: Pairs) -> None:
    run = make_run(tmp_path)
    with pytest.raises(InputError, match="there is no text to train a tokenizer on"):
        do_stage(run, write_documents(run.storage, texts, parts=2))


@pytest.mark.integration
def test_a_damaged_part_is_named(tmp_path: Path) -> None:
    run = make_run(tmp_path)
    documents = write_documents(run.storage, TEXTS, parts=3)
    path = run.storage.path(documents.files[1].path)
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(CorpusmillError, match=f"{path.name}: cannot be read"):
        do_stage(run, documents)


@pytest.mark.integration
def test_without_dedup_the_filtered_texts_are_counted(trained: tuple[Run, Any, Any], tmp_path: Path) -> None:
    run = make_run(tmp_path)
    do_stage(run, write_documents(run.storage, TEXTS, parts=3, home="filtered"))
    assert outputs(run)["tokenizer.model"] == outputs(trained[0])["tokenizer.model"]


@pytest.mark.integration
def test_a_given_tokenizer_is_taken_over(trained: tuple[Run, Any, Any], tmp_path: Path) -> None:
    for path in (trained[0].storage.path("tokenizer"), trained[0].storage.path("tokenizer/tokenizer.model")):
        run = make_run(tmp_path / path.name, path=path)
        do_stage(run, write_documents(run.storage, TEXTS[:5], parts=2))
        found, given = outputs(run), outputs(trained[0])
        assert {*found} == {*FILES, "manifest.json"}
        for name in ("tokenizer.model", "tokenizer.json", "tokenizer_config.json"):
            assert found[name] == given[name]
        evaluation = json.loads(found["evaluation.json"])
        assert evaluation["documents"]["all"]["texts"] == 5
        assert "training" not in evaluation


@pytest.mark.integration
def test_a_given_tokenizer_counts_by_content_not_by_place(
    trained: tuple[Run, Any, Any], tmp_path: Path
) -> None:
    original = trained[0].storage.path("tokenizer/tokenizer.model")
    moved = tmp_path / "elsewhere.model"
    moved.write_bytes(original.read_bytes())
    keys = {stage_of(make_run(tmp_path, path=path)).key([UPSTREAM]).sha256 for path in (original, moved)}
    assert len(keys) == 1
    assert stage_of(make_run(tmp_path)).key([UPSTREAM]).sha256 not in keys


@pytest.mark.integration
def test_a_given_unigram_model_goes_without_tokenizer_json(
    trained: tuple[Run, Any, Any], tmp_path: Path
) -> None:
    out = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(["the cat sat on the mat", "a dog and a mouse"] * 30),
        model_writer=out,
        vocab_size=40,
        hard_vocab_limit=False,
        minloglevel=2,
    )
    model = tmp_path / "unigram.model"
    model.write_bytes(out.getvalue())
    run = make_run(tmp_path / "run", path=model)
    run.storage.write_bytes("tokenizer/tokenizer.json", b"{}")
    do_stage(run, write_documents(run.storage, TEXTS[:3], parts=2))
    assert {*outputs(run)} == {"tokenizer.model", "evaluation.json", "manifest.json"}
    assert "only BPE is converted" in json.loads(outputs(run)["evaluation.json"])["warnings"][0]


def test_a_given_file_that_is_no_model_is_an_error_for_the_user(tmp_path: Path) -> None:
    path = tmp_path / "tokenizer.json"
    path.write_text("{}")
    with pytest.raises(InputError, match=r"tokenizer\.json: this is not a SentencePiece model"):
        stage_of(make_run(tmp_path, path=path)).key([UPSTREAM])


@pytest.mark.integration
def test_unigram_is_trained_on_a_sample_of_the_text(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same for any parts and order, balanced, and smaller than the text where there is much of it."""
    monkeypatch.setattr(train_tokenizer, "UNIGRAM_CHARS", 100_000)
    models, sizes = [], []
    for parts, texts in ((2, TEXTS), (5, TEXTS[::-1])):
        run = make_run(tmp_path / str(parts), vocab_size=1024, model_type="unigram", special_tokens=("fim",))
        documents = write_documents(run.storage, texts, parts)
        counter = WordCounter()
        for language, text in texts:
            counter.add(language, text)
        files = documents.documents()
        lines = train_tokenizer.sample_lines(run.storage, files, counter.take()[0], 0.5)
        sizes.append(sum(map(len, lines)))
        do_stage(run, documents)
        models.append(Tokenizer.load(run.storage.path("tokenizer")))
        assert {*outputs(run)} == {"tokenizer.model", "evaluation.json", "manifest.json"}
        evaluation = json.loads(outputs(run)["evaluation.json"])
        assert evaluation["training"]["model_type"] == "unigram"
        assert "only BPE is converted" in evaluation["warnings"][-1]
        assert evaluation["documents"]["all"]["round_trip_failures"] == 0
    assert {piece.text for piece in models[0].model.pieces} == {
        piece.text for piece in models[1].model.pieces
    }
    assert sizes[0] == sizes[1] < sum(len(text) for _, text in TEXTS)
    assert models[0].model.pieces[4].text == "<|fim_prefix|>"


@pytest.mark.integration
def test_the_command_works_alone_on_any_reader(tmp_path: Path) -> None:
    """A recipe of inputs and a tokenizer is all it needs; nothing is packed."""
    from pipelines.recipe.load import load
    from pipelines.run import run_recipe

    lines = [json.dumps({"text": text, "language": language}) for language, text in TEXTS]
    (tmp_path / "texts.jsonl").write_text("\n".join(lines))
    recipe = tmp_path / "r.yaml"
    recipe.write_text(
        "name: t\ninputs: [{reader: jsonl, paths: [texts.jsonl]}]\ndedup: none\ntokenizer: {vocab_size: 2048}\n"
    )
    run_recipe(load(recipe), str(tmp_path / "out"), 1, until="train-tokenizer", quiet=True)
    counter = WordCounter()
    for part in (tmp_path / "out" / "filtered").glob("*.parquet"):
        for language, text in word_counts.read_documents(str(part)):
            counter.add(language, text)
    assert counter.distinct > 3000
    assert Tokenizer.load(tmp_path / "out" / "tokenizer").data == train(counter.take()[0], 2048, 0.5).model
    assert not (tmp_path / "out" / "shards").exists()


def test_the_sample_is_of_the_large_parts_first(tmp_path: Path) -> None:
    """A corpus of one large and many small files is judged by the large one."""
    storage = Storage(tmp_path)
    many = write_documents(storage, [("en", f"number {n}") for n in range(2000)], 2).files
    few = [
        write_documents(Storage(tmp_path), [("la", "unus")], 2, home=f"small{n}").files[0] for n in range(40)
    ]
    (english,) = [
        texts for name, texts, _ in train_tokenizer.sample_documents(storage, [*few, *many]) if name == "en"
    ]
    assert len(english) > 900
    assert train_tokenizer.sample_documents(storage, few)[0][0] == "la"
    assert train_tokenizer.sample_documents(storage, []) == []
