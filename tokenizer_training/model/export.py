"""A SentencePiece model as a Hugging Face folder: the files that ``AutoTokenizer.from_pretrained`` reads.

``tokenizer.json`` is written here and not by transformers, whose converters each ignore some setting of the model (of
10,000 lines, 0 to 10,000 get other ids, depending on class and version). The class name is ``PreTrainedTokenizerFast``
because transformers 4.57 refuses the name that version 5 writes. Texts get no begin symbol.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from tokenizer_training.model.sentencepiece_model import Kind, Model, TokenizerError
from tokenizer_training.model.tokenizer import MODEL_FILE, Tokenizer

_SPACE = "\u2581"
JsonObject = dict[str, Any]
"""Part of a JSON file in another program's format."""


def export(tokenizer: Tokenizer) -> dict[str, bytes]:
    """Return the files of the folder: name -> content.

    ``tokenizer.model`` is always there; the other two only if `obstacle` finds no obstacle.
    """
    files = {MODEL_FILE: tokenizer.data}
    if obstacle(tokenizer.model) is None:
        files["tokenizer.json"] = _json(tokenizer_json(tokenizer))
        files["tokenizer_config.json"] = _json(_config(tokenizer))
    return files


def obstacle(model: Model) -> str | None:
    """Return why a model has no exact equivalent in ``tokenizer.json``, or None if it has one."""
    if model.model_type != "bpe":
        return f"it is a {model.model_type} model; only BPE is converted"
    if model.normalizes:
        return "it changes characters before it encodes them (NFKC or another map)"
    if model.remove_extra_whitespaces:
        return "it removes doubled spaces"
    if model.suffix_whitespace or not model.escape_whitespaces:
        return "it does not write spaces as U+2581 before words"
    return None


def tokenizer_json(tokenizer: Tokenizer) -> JsonObject:
    """Return the content of ``tokenizer.json``.

    Raises:
        TokenizerError: the model has no exact equivalent, see `obstacle`.
    """
    model = tokenizer.model
    reason = obstacle(model)
    if reason is not None:
        raise TokenizerError(f"the model has no exact tokenizer.json: {reason}")
    normalizers: list[JsonObject] = [{"type": "Replace", "pattern": {"String": " "}, "content": _SPACE}]
    decoders: list[JsonObject] = [
        {"type": "Replace", "pattern": {"String": _SPACE}, "content": " "},
        {"type": "ByteFallback"},
        {"type": "Fuse"},
    ]
    if model.add_dummy_prefix:
        normalizers.insert(0, {"type": "Prepend", "prepend": _SPACE})
        decoders.append({"type": "Strip", "content": " ", "start": 1, "stop": 0})
    return {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": list(_added_tokens(model)),
        "normalizer": {"type": "Sequence", "normalizers": normalizers},
        "pre_tokenizer": None,
        "post_processor": None,
        "decoder": {"type": "Sequence", "decoders": decoders},
        "model": {
            "type": "BPE",
            "dropout": None,
            "unk_token": None if tokenizer.unk_id is None else model.pieces[tokenizer.unk_id].text,
            "continuing_subword_prefix": None,
            "end_of_word_suffix": None,
            "fuse_unk": True,
            "byte_fallback": model.byte_fallback,
            "ignore_merges": False,
            "vocab": {piece.text: number for number, piece in enumerate(model.pieces)},
            "merges": list(_merges(model)),
        },
    }


def _merges(model: Model) -> Iterator[list[str]]:
    """Yield the merges in order of priority: for each piece, every pair of pieces that it consists of.

    SentencePiece merges any two neighbours whose union is a piece, the best score first. A list of all such pairs,
    ranked by the score of the union, does the same. The order of the pairs of one piece does not matter: 72,000
    periodic strings show no difference.
    """
    ids = {piece.text: number for number, piece in enumerate(model.pieces) if piece.kind == Kind.NORMAL}
    for text in sorted(ids, key=lambda text: (-model.pieces[ids[text]].score, ids[text])):
        pairs = [(text[:cut], text[cut:]) for cut in range(1, len(text))]
        yield from ([left, right] for left, right in pairs if left in ids and right in ids)


def _added_tokens(model: Model) -> Iterator[JsonObject]:
    """Yield the symbols that are matched as a whole: control symbols (special) and user-defined symbols."""
    for number, piece in enumerate(model.pieces):
        if piece.kind in (Kind.UNKNOWN, Kind.CONTROL, Kind.USER_DEFINED):
            yield {
                "id": number,
                "content": piece.text,
                "single_word": False,
                "lstrip": False,
                "rstrip": False,
                "normalized": False,
                "special": piece.kind != Kind.USER_DEFINED,
            }


def _config(tokenizer: Tokenizer) -> JsonObject:
    """Return the content of ``tokenizer_config.json``."""
    roles = {
        "unk_token": tokenizer.unk_id,
        "bos_token": tokenizer.bos_id,
        "eos_token": tokenizer.eos_id,
        "pad_token": tokenizer.pad_id,
    }
    names = {role: tokenizer.model.pieces[i].text for role, i in roles.items() if i is not None}
    return {"tokenizer_class": "PreTrainedTokenizerFast", "clean_up_tokenization_spaces": False, **names}


def _json(value: JsonObject) -> bytes:
    """Return JSON for a file: keys in their order, indented, UTF-8."""
    return json.dumps(value, ensure_ascii=False, indent=1).encode() + b"\n"
