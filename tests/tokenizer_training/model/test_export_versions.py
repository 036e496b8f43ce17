"""Identical ids at scale: SentencePiece against the exported folder in transformers 5, and 4.57 where there is one.

transformers 4.57 needs another huggingface_hub, so it runs in an environment of its own, whose interpreter the
variable ``TRANSFORMERS_4`` names; ``make test-transformers-4`` makes one and runs this file.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

from tokenizer_training.model.export import export
from tokenizer_training.model.sentencepiece_model import Kind
from tokenizer_training.model.tokenizer import Tokenizer
from tokenizer_training.model.train import train
from tokenizer_training.model.words import WordCounter

pytestmark = pytest.mark.integration

LINES, CODE_LINES = 10_000, 4_000
ENCODE = """
import json, sys
from transformers import AutoTokenizer, __version__
folder, texts = sys.argv[1:]
auto = AutoTokenizer.from_pretrained(folder)
ids = [auto.encode(text, split_special_tokens=True) for text in json.load(open(texts, encoding="utf-8"))]
back = [auto.decode(line, clean_up_tokenization_spaces=False) for line in ids]
json.dump({"version": __version__, "ids": ids, "back": back}, sys.stdout)
"""
AWKWARD = [
    *("", " ", "  two  spaces  ", "\n", "\n" * 7, "a\n \n\tb\t\t c", "\r\n\x0b\x0c", "\0", "\u2585"),
    *("naïve café — “quotes” … ½", "e\u0301 vs é", "ﬁ ﬀ Ａ １ ２", "吾輩は猫である。", "한국어 조선말"),
    *("ไม่มีช่องว่าง", "\u0915\u094d\u200d\u0937", "السلام عليكم \u202eabc\u202c", "👩‍👩‍👧‍👦 🤷🏽‍♀️ 🇩🇪", "𝔘𝔫𝔦"),
    *(
        "\ufeff\u200b\u200c\u200d\xad\xa0\u3000\u2028\u2029\x85",
        "\ufffd\ufffe\uffff\U0010ffff",
        "3.14159 1,000,000",
    ),
    *("=" * 200, "ab" * 150, "a" * 333, "-=" * 77 + "-", "https://example.org/a/b?c=d&e=%20#f"),
    *(
        "</s>",
        "<s>",
        "<unk>",
        "<pad>",
        "a</s>b",
        " </s>",
        "<0x41>",
        "<0xFF>",
        "<|endoftext|>",
        "<|im_start|>user",
    ),
    *("".join(map(chr, range(256))), "".join(map(chr, range(0x370, 0x600)))),
]


@pytest.fixture(scope="module")
def multilingual(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Tokenizer, Path, Path]:
    """A tokenizer of 75 languages, its folder, and a file of texts that it was not trained on."""
    rows = (shared / "data" / "lid_dev.tsv").read_text(encoding="utf-8").splitlines()
    pairs = [(language, text) for language, _, text in (row.partition("\t") for row in rows)]
    counter = WordCounter()
    for language, text in pairs[LINES:]:
        counter.add(language, text)
    tokenizer = Tokenizer(train(counter.take()[0], 8192).model)
    home = tmp_path_factory.mktemp("multilingual")
    folder = home / "tokenizer"
    folder.mkdir()
    for name, content in export(tokenizer).items():
        (folder / name).write_bytes(content)
    texts = [*(text for _, text in pairs[:LINES]), *code_lines(), *AWKWARD]
    (home / "texts.json").write_text(json.dumps(texts))
    return tokenizer, folder, home / "texts.json"


def code_lines() -> list[str]:
    """Return lines of Python's own library, indented and not empty."""
    lines: list[str] = []
    for path in sorted(Path(sysconfig.get_path("stdlib")).glob("*.py")):
        found = path.read_text(encoding="utf-8").split("\n")[40:140]
        lines += [line for line in found if line.strip() and "\u2581" not in line]
    return lines[:CODE_LINES]


@pytest.mark.integration
@pytest.mark.shared
@pytest.mark.parametrize("major", ["5", "4"])
def test_ids_and_texts_are_those_of_sentencepiece(
    multilingual: tuple[Tokenizer, Path, Path], major: str
) -> None:
    interpreter = sys.executable if major == "5" else os.environ.get("TRANSFORMERS_4")
    if interpreter is None:
        pytest.skip("TRANSFORMERS_4 names no interpreter with transformers 4.57")
    tokenizer, folder, file = multilingual
    texts = json.loads(file.read_text())
    assert len(texts) == LINES + CODE_LINES + len(AWKWARD)
    command = [interpreter, "-c", ENCODE, str(folder), str(file)]
    clean = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(
        command, capture_output=True, text=True, check=True, env=clean | {"HF_HUB_OFFLINE": "1"}
    )
    found = json.loads(done.stdout)
    assert found["version"].startswith(f"{major}.")
    expected = [ids.tolist() for ids in tokenizer.encode_all(texts)]
    assert [text for text, a, b in zip(texts, found["ids"], expected, strict=True) if a != b] == []
    assert [text for text, back in zip(texts, found["back"], strict=True) if text != back] == []


@pytest.mark.shared
def test_every_line_comes_back_and_none_becomes_a_control_symbol(
    multilingual: tuple[Tokenizer, Path, Path],
) -> None:
    tokenizer, _, file = multilingual
    texts = json.loads(file.read_text())
    encoded = tokenizer.encode_all(texts)
    assert [text for text, ids in zip(texts, encoded, strict=True) if tokenizer.decode(ids) != text] == []
    kinds = {Kind(kind) for ids in encoded for kind in tokenizer.kinds[ids]}
    assert kinds == {Kind.NORMAL, Kind.BYTE, Kind.USER_DEFINED}
