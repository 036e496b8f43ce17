"""Training from counts: the vocabulary of the text itself, the same bytes every time, and sizes that fit."""

from __future__ import annotations

import io
import random
from pathlib import Path

import pyarrow as pa
import pytest
import sentencepiece

from tokenizer_training.model.sentencepiece_model import Kind, TokenizerError, canonical_sha256, read_model
from tokenizer_training.model.tokenizer import Tokenizer
from tokenizer_training.model.train import (
    CONTROLS,
    GROUPS,
    SPECIAL,
    SYMBOLS,
    control_symbols,
    train,
    training_options,
)
from tokenizer_training.model.weights import choose_alphabet, language_shares
from tokenizer_training.model.words import MAX_CHARS, WordCounter, split_words, word_table

SIZE = 2048
AWKWARD = ["\r", "\0", "\u2028", "\x85", "\ufffe", "\ufeff", "\u200d", '"', ",", "\\", "</s>", "<0x41>", "\t"]


def counts_of(*texts: str, language: str = "en") -> pa.Table:
    counter = WordCounter()
    for text in texts:
        counter.add(language, text)
    return counter.take()[0]


def train_on_text(lines: list[str], path: Path, size: int, characters: str) -> bytes:
    """Let SentencePiece read the lines themselves, with the options of `train`."""
    path.write_text("\n".join(lines) + "\n", encoding="utf-8", newline="\n")
    out = io.BytesIO()
    options = training_options(size, characters, control_symbols(SPECIAL))
    sentencepiece.SentencePieceTrainer.train(input=str(path), model_writer=out, **options)
    return out.getvalue()


def plain_lines(texts: list[tuple[str, str]]) -> list[str]:
    """Lines whose words are short enough not to be cut, with characters that break careless formats."""
    lines = [line for _, text in texts for line in text.split("\n")]
    lines = [line for line in lines if all(len(word) <= MAX_CHARS for word in split_words(line))]
    chance = random.Random(7)
    awkward = [f"{chance.choice(AWKWARD)}{n % 5} a{chance.choice(AWKWARD)}b  c " for n in range(500)]
    return [line for line in [*lines, *awkward] if line]


@pytest.mark.integration
def test_counted_words_text_and_shuffled_text_give_the_same_tokenizer(
    texts: list[tuple[str, str]], tmp_path: Path
) -> None:
    lines = plain_lines(texts)
    counts = counts_of(*lines)
    trained = train(counts, SIZE)
    most = (SIZE - 281) // 2
    characters = choose_alphabet(counts, language_shares(counts, 1), most).characters
    shuffled = lines.copy()
    random.Random(1).shuffle(shuffled)
    hashes = {
        "words": canonical_sha256(trained.model),
        "shuffled words": canonical_sha256(train(counts_of(*shuffled), SIZE).model),
        "text": canonical_sha256(train_on_text(lines, tmp_path / "a.txt", SIZE, characters)),
        "shuffled text": canonical_sha256(train_on_text(shuffled, tmp_path / "b.txt", SIZE, characters)),
    }
    assert len(set(hashes.values())) == 1, hashes
    assert trained.vocab_size == SIZE


def test_what_the_trainer_reads_lies_in_the_folder_given_and_goes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[str] = []

    def fail(*_: object) -> bytes:
        seen.extend(path.name for path in tmp_path.rglob("*.tsv"))
        raise TokenizerError("as asked")

    monkeypatch.setattr("tokenizer_training.model.train._run_trainer", fail)
    with pytest.raises(TokenizerError, match="as asked"):
        train(counts_of("some words"), 512, scratch=tmp_path)
    assert seen == ["words.tsv"]
    assert list(tmp_path.iterdir()) == []


@pytest.mark.integration
def test_a_language_alone_does_not_feel_the_temperature(texts: list[tuple[str, str]]) -> None:
    counts = counts_of(*(text for language, text in texts if language == "de"))
    assert train(counts, 1024, alpha=0.3).model == train(counts, 1024, alpha=1).model


@pytest.mark.integration
def test_the_temperature_gives_small_languages_more_pieces(texts: list[tuple[str, str]]) -> None:
    """Fewer tokens for a language with two texts among many, when alpha falls."""
    counter = WordCounter()
    for language, text in texts:
        counter.add(language, text)
    counts = counter.take()[0]
    arabic = "".join(text for language, text in texts if language == "ar")
    tokens = [len(Tokenizer(train(counts, 4096, alpha).model).encode(arabic)) for alpha in (1, 0.3, 0)]
    assert tokens[0] > tokens[1] > tokens[2]


def test_the_fixed_pieces_come_first(tokenizer: Tokenizer) -> None:
    pieces = tokenizer.model.pieces
    assert [piece.text for piece in pieces[:4]] == ["<unk>", "<s>", "</s>", "<pad>"]
    controls = [piece.text for piece in pieces[4 : 4 + CONTROLS]]
    meant = [symbol for group in GROUPS.values() for symbol in group]
    assert controls == [*meant, *(f"<|reserved_{n}|>" for n in range(CONTROLS - len(meant)))]
    assert tuple(p.text for p in pieces if p.kind == Kind.USER_DEFINED) == SYMBOLS
    assert [p.text for p in pieces if p.kind == Kind.BYTE] == [f"<0x{n:02X}>" for n in range(256)]


@pytest.mark.integration
@pytest.mark.parametrize(
    "text", ["a", "a b c\n" * 9, "the cat sat on the mat", "吾輩は猫である。" * 3, "\r\0"]
)
def test_a_small_text_gets_the_largest_multiple_of_128_it_allows(text: str) -> None:
    trained = train(counts_of(text), SIZE)
    assert trained.vocab_size == 384
    assert "too small for 2048 pieces; the vocabulary has 384" in trained.warnings[0]
    assert Tokenizer(trained.model).decode(Tokenizer(trained.model).encode(text)) == text


@pytest.mark.integration
def test_a_shrunk_vocabulary_is_that_of_its_size(texts: list[tuple[str, str]]) -> None:
    counts = counts_of(texts[0][1])
    shrunk = train(counts, 32768)
    assert shrunk.vocab_size % 128 == 0
    assert len(shrunk.warnings) == 1
    again = train(counts, shrunk.vocab_size)
    assert (again.model, again.warnings) == (shrunk.model, ())


@pytest.mark.integration
def test_characters_without_room_become_bytes_and_are_reported() -> None:
    counts = counts_of("".join(map(chr, range(0x4E00, 0x5200))), "abc " * 2000)
    trained = train(counts, 512)
    assert trained.characters == (512 - 281) // 2
    assert "909 characters have no room in" in "; ".join(trained.warnings)


def test_there_must_be_text() -> None:
    with pytest.raises(TokenizerError, match="there is no text"):
        train(counts_of("\n\n\t"), SIZE)


@pytest.mark.parametrize("size", [0, 256, 1000, -128])
def test_the_size_must_be_possible(size: int) -> None:
    with pytest.raises(TokenizerError, match="not a multiple of 128 from 384 up"):
        train(counts_of("a"), size)


@pytest.mark.integration
def test_a_failure_of_sentencepiece_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """It may end its process; ours goes on with its last line."""
    monkeypatch.setattr("tokenizer_training.model.train._PRESET", {"model_type": "no such type"})
    with pytest.raises(TokenizerError, match="could not train"):
        train(word_table({"en": {"a": 1}}), SIZE)


@pytest.mark.integration
def test_nothing_is_printed(capfd: pytest.CaptureFixture[str]) -> None:
    read_model(train(counts_of("some words " * 50), SIZE).model)
    assert capfd.readouterr() == ("", "")


@pytest.mark.integration
def test_special_tokens_on_request(texts: list[tuple[str, str]]) -> None:
    """They take the places of reserved symbols: the learned pieces stay the same."""
    counts = counts_of(texts[0][1], texts[1][1])
    asked = read_model(train(counts, 1024, special=["<|think|>", "fim"]).model).pieces
    plain = read_model(train(counts, 1024, special=[]).model).pieces
    assert [piece.text for piece in asked[4:9]] == ["<|think|>", *GROUPS["fim"], "<|reserved_0|>"]
    assert plain[4].text == "<|reserved_0|>"
    assert asked[20:] == plain[20:]
    assert {piece.kind for piece in asked[4:20]} == {Kind.CONTROL}
    many = [f"<|{n}|>" for n in range(30)]
    assert [piece.text for piece in read_model(train(counts, 1024, special=many).model).pieces[4:34]] == many


@pytest.mark.parametrize("symbol", ["</s>", "<0x41>", "think", "<a b>", "", "<|im_start|>"])
def test_a_special_token_must_be_new_and_look_like_one(symbol: str) -> None:
    with pytest.raises(TokenizerError, match="expected one of chat, fim, or a new symbol"):
        train(counts_of("a b c"), SIZE, special=["chat", symbol])


@pytest.mark.integration
def test_unigram_from_lines_loses_nothing_either(texts: list[tuple[str, str]]) -> None:
    bodies = [text for language, text in texts if language in ("en", "ja")]
    lines = [line for text in bodies for line in text.split("\n")]
    trained = train(counts_of(*bodies), 1024, lines=[*lines, "x" * 50_000])
    tokenizer = Tokenizer(trained.model)
    assert (tokenizer.model.model_type, tokenizer.vocab_size) == ("unigram", 1024)
    assert [
        text for text in [*bodies, "</s> 𝔘\n\t\n", "  x"] if tokenizer.decode(tokenizer.encode(text)) != text
    ] == []
    assert tokenizer.eos_id not in tokenizer.encode("</s>")
    assert train(counts_of(*bodies), 1024, lines=[*lines, "x" * 50_000]).model == trained.model
