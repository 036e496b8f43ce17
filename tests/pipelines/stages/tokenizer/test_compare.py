"""Several tokenizers on the same texts: ours, another library's, side by side."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import pytest
import tokenizers
from rich.console import Console

from pipelines.cli import main
from pipelines.errors import InputError
from pipelines.stages.tokenizer.compare import compare, comparison_table, legend, texts_of_file, texts_of_run
from pipelines.store.storage import Storage
from tokenizer_training.model.foreign import HubTokenizer, load_any
from tokenizer_training.model.sentencepiece_model import Kind
from tokenizer_training.model.tokenizer import Tokenizer

PARALLEL = [
    ("de", ["Guten Morgen", "</s> und Ende"], [1, 1]),
    ("en", ["good morning", "</s> and end"], [1, 1]),
]


@pytest.fixture
def byte_level(tmp_path: Path) -> Path:
    """A GPT-2-like tokenizer.json with an end-of-text token."""
    made = tokenizers.Tokenizer(tokenizers.models.BPE())
    made.pre_tokenizer = tokenizers.pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.decoder = tokenizers.decoders.ByteLevel()
    trainer = tokenizers.trainers.BpeTrainer(
        vocab_size=300,
        special_tokens=["<|endoftext|>"],
        initial_alphabet=tokenizers.pre_tokenizers.ByteLevel.alphabet(),
    )
    made.train_from_iterator(["good morning and end"] * 9, trainer)
    made.save(str(tmp_path / "tokenizer.json"))
    return tmp_path


@pytest.mark.integration
def test_another_tokenizer_is_measured_beside_ours(demo: Path, byte_level: Path) -> None:
    found = compare([demo, byte_level], PARALLEL, parallel=True)
    ours, theirs = found[str(demo)], found[str(byte_level)]
    assert theirs["all"]["round_trip_failures"] == ours["all"]["round_trip_failures"] == 0
    assert theirs["languages"]["de"]["parity"] > theirs["languages"]["en"]["parity"] == 1.0
    assert theirs["vocabulary"]["size"] == 272
    tokenizer = Tokenizer.load(demo / "tokenizer")
    tokens = {name: sum(len(tokenizer.encode(text)) for text in texts) for name, texts, _ in PARALLEL}
    assert ours["languages"]["de"]["parity"] == round(tokens["de"] / tokens["en"], 4)
    assert compare([demo], PARALLEL, parallel=False)[str(demo)]["languages"]["de"]["parity"] is None


def test_text_never_becomes_a_special_token_of_another_tokenizer(byte_level: Path) -> None:
    hub = load_any(byte_level)
    assert isinstance(hub, HubTokenizer)
    (ids,) = hub.encode_all(["a<|endoftext|>b"])
    assert hub.decode_all([ids]) == ["a<|endoftext|>b"]
    assert Kind.CONTROL not in hub.kinds[ids]
    assert hub.kinds[0] == Kind.CONTROL


@pytest.mark.integration
def test_the_exported_folder_and_its_model_give_the_same_figures(demo: Path) -> None:
    """By tokenizer.json and by SentencePiece."""
    texts = texts_of_run(Storage(demo))
    found = compare(
        [demo / "tokenizer" / name for name in ("tokenizer.json", "tokenizer.model")], texts, False
    )
    one, other = found.values()
    assert one["languages"] == other["languages"]
    assert one["vocabulary"]["renyi_efficiency"] == other["vocabulary"]["renyi_efficiency"]


def test_a_file_of_texts_is_lines_of_language_and_text(tmp_path: Path) -> None:
    path = tmp_path / "texts.tsv"
    path.write_text("en\tgood morning\nde\tguten\tMorgen\nen\tend\n")
    expected = [("de", ["guten\tMorgen"], [1]), ("en", ["good morning", "end"], [1, 1])]
    assert texts_of_file(path) == expected
    path.write_text("en\tgood\nno tab\n")
    with pytest.raises(InputError, match=r"texts\.tsv:2: expected a language, a tab and a text"):
        texts_of_file(path)


@pytest.mark.integration
def test_the_table_has_a_line_for_every_language_and_tokenizer(demo: Path, byte_level: Path) -> None:
    found = compare([demo, byte_level], PARALLEL, parallel=True)
    console = Console(width=100, record=True, file=open("/dev/null", "w"))  # noqa: PTH123, SIM115
    console.print(comparison_table(found))
    lines = console.export_text().splitlines()
    assert len(lines) == 1 + 3 * 2
    assert [line.split()[0] for line in lines[1::2]] == ["all", "de", "en"]
    assert [line.partition(" ")[0] for line in legend(found)] == ["1", "2"]


@pytest.mark.integration
def test_the_command_prints_json(demo: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["evaluate-tokenizer", str(demo), "--json"])
    assert ended.value.code == 0
    evaluation = json.loads((demo / "tokenizer" / "evaluation.json").read_text())
    assert json.loads(capsys.readouterr().out)[str(demo)] == evaluation["documents"]


def test_what_is_no_tokenizer_is_an_error_for_the_user(tmp_path: Path) -> None:
    (tmp_path / "tokenizer.json").write_text("{}")
    with pytest.raises(InputError, match=r"tokenizer\.json: the tokenizers library cannot read this file"):
        compare([tmp_path], PARALLEL, False)


@pytest.mark.integration
@pytest.mark.shared
def test_parity_on_the_declaration_of_human_rights(demo: Path, shared: Path) -> None:
    """Parallel texts: a language that the demo hardly saw takes more tokens than English for the same articles."""
    with zipfile.ZipFile(shared / "data" / "text_dev" / "nltk_udhr2.zip") as archive:
        texts = [
            (name, [archive.read(f"udhr2/{file}.txt").decode()], [1])
            for name, file in (("en", "eng"), ("fi", "fin"), ("de", "deu"))
        ]
    parity = {k: v["parity"] for k, v in compare([demo], texts, True)[str(demo)]["languages"].items()}
    assert parity["en"] == 1.0 < parity["de"] < parity["fi"]
