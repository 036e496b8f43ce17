"""The Hugging Face folder: the same ids as SentencePiece, loaded the way people load it."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import sentencepiece
import tokenizers
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tokenizer_training.model.export import export, obstacle, tokenizer_json
from tokenizer_training.model.sentencepiece_model import TokenizerError
from tokenizer_training.model.tokenizer import Tokenizer

AWKWARD = [
    "",
    " ",
    "  two  spaces  ",
    "\n",
    "\n\n\n\n\n\n\n",
    "a\n \n\tb\t\t c",
    "\r\n\x0b\x0c",
    "\0",
    "\u2581",
    "\u2581\u2581a\u2581b",
    "\u2585",
    "naïve café — “quotes” … ½",
    "e\u0301 vs é",
    "ﬁ ﬀ Ａ １ ２",
    "吾輩は猫である。名前はまだ無い。",
    "한국어 조선말",
    "ไม่มีช่องว่าง",
    "\u0915\u094d\u200d\u0937 \u0915\u094d\u0937",
    "السلام عليكم \u202eabc\u202c",
    "👩‍👩‍👧‍👦 🤷🏽‍♀️ 🇩🇪",
    "𝔘𝔫𝔦𝔠𝔬𝔡𝔢",
    "\ufeff\u200b\u200c\u200d\xad\xa0\u3000\u2028\u2029\x85",
    "\ufffd\ufffe\uffff\U0010ffff",
    "1234567890 3.14159 1,000,000",
    "def f(x):\n    return {'a': [1, 2], \"b\": x**2}\n",
    "=" * 200,
    "ab" * 150,
    "a" * 333,
    "-=" * 77 + "-",
    "<0x41> <0xFF>",
    "https://example.org/a/b?c=d&e=%20#f",
]
CONTROLS = [
    "</s>",
    "<s>",
    "<|endoftext|>",
    "a</s>b",
    "<unk>",
    "<pad>",
    "<|im_start|>user",
    "<|reserved_0|>",
    " </s>",
]
PERIODIC = st.lists(
    st.tuples(st.text("aeinst =\n", min_size=1, max_size=4), st.integers(1, 12)), max_size=8
).map(lambda runs: "".join(unit * times for unit, times in runs))


@pytest.fixture(scope="module")
def folder(tokenizer: Tokenizer, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("export")
    for name, content in export(tokenizer).items():
        (path / name).write_bytes(content)
    return path


@pytest.fixture(scope="module")
def encode(folder: Path) -> Callable[[str], list[int]]:
    """Encode with transformers' AutoTokenizer, control symbols in text read as text."""
    transformers = pytest.importorskip("transformers")
    auto = transformers.AutoTokenizer.from_pretrained(folder)
    return lambda text: list(auto.encode(text, split_special_tokens=True))


def llama_2_like() -> Tokenizer:
    """A BPE model with a dummy prefix, as Llama 2 has it."""
    out = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(["the cat sat on the mat", "a dog and a mouse"] * 30),
        model_writer=out,
        vocab_size=340,
        model_type="bpe",
        byte_fallback=True,
        character_coverage=0.9995,
        normalization_rule_name="identity",
        remove_extra_whitespaces=False,
        allow_whitespace_only_pieces=True,
        hard_vocab_limit=False,
        minloglevel=2,
    )
    return Tokenizer(out.getvalue())


@pytest.mark.parametrize("text", [*AWKWARD, *CONTROLS])
def test_auto_tokenizer_gives_the_ids_of_sentencepiece(
    tokenizer: Tokenizer, encode: Callable[[str], list[int]], text: str
) -> None:
    assert encode(text) == tokenizer.encode(text).tolist()


def test_the_sample_texts_get_the_same_ids(
    tokenizer: Tokenizer, encode: Callable[[str], list[int]], texts: list[tuple[str, str]]
) -> None:
    assert [text[:40] for _, text in texts if encode(text) != tokenizer.encode(text).tolist()] == []


@given(PERIODIC)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_repetitions_get_the_same_ids(
    tokenizer: Tokenizer, encode: Callable[[str], list[int]], text: str
) -> None:
    """Where a piece can be made of several pairs, both sides must choose the same one."""
    assert encode(text) == tokenizer.encode(text).tolist()


def test_auto_tokenizer_knows_the_symbols_and_adds_none(folder: Path, tokenizer: Tokenizer) -> None:
    transformers = pytest.importorskip("transformers")
    auto = transformers.AutoTokenizer.from_pretrained(folder)
    assert (auto.unk_token_id, auto.bos_token_id, auto.eos_token_id, auto.pad_token_id) == (0, 1, 2, 3)
    assert len(auto) == tokenizer.vocab_size
    assert auto("one two")["input_ids"] == tokenizer.encode("one two").tolist()
    assert not {"\n", "\t"} & set(auto.all_special_tokens)
    text = "  a\n\n\tb 語 🦉"
    assert auto.decode(auto.encode(text)) == text
    assert auto.decode([2, *auto.encode("x")], skip_special_tokens=True) == "x"


def test_a_dummy_prefix_is_exported() -> None:
    """The Llama 2 way: a space before every text, taken off again when decoding."""
    tokenizer = llama_2_like()
    theirs = tokenizers.Tokenizer.from_str(json.dumps(tokenizer_json(tokenizer)))
    theirs.encode_special_tokens = True
    for text in ["the cat", " the  cat\n", "dogs 語"]:
        ids = theirs.encode(text, add_special_tokens=False).ids
        assert ids == tokenizer.encode(text).tolist()
        assert theirs.decode(ids) == text


def test_a_model_without_padding_names_none() -> None:
    config = json.loads(export(llama_2_like())["tokenizer_config.json"])
    assert config["eos_token"] == "</s>"
    assert "pad_token" not in config


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"model_type": "unigram", "vocab_size": 40}, "unigram"),
        ({}, "changes characters"),
        ({"normalization_rule_name": "identity"}, "removes doubled spaces"),
        (
            {
                "normalization_rule_name": "identity",
                "remove_extra_whitespaces": False,
                "treat_whitespace_as_suffix": True,
            },
            "before words",
        ),
    ],
)
def test_what_has_no_exact_equivalent_is_not_exported(options: dict[str, Any], reason: str) -> None:
    out = io.BytesIO()
    options = {"model_type": "bpe", "vocab_size": 60, **options}
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(["the cat sat on the mat", "a dog and a mouse"] * 30),
        model_writer=out,
        hard_vocab_limit=False,
        minloglevel=2,
        **options,
    )
    tokenizer = Tokenizer(out.getvalue())
    assert reason in (obstacle(tokenizer.model) or "")
    assert export(tokenizer) == {"tokenizer.model": tokenizer.data}
    with pytest.raises(TokenizerError, match=reason):
        tokenizer_json(tokenizer)
