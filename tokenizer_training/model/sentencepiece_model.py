"""The SentencePiece model file: its pieces and settings, and the canonical form that is hashed.

A model is a protobuf message; ``sentencepiece_model.proto`` of google/sentencepiece names the fields. It is read here
from its bytes, because the protobuf module in the sentencepiece wheel refuses every protobuf runtime that is older than
its compiler (https://protobuf.dev/support/cross-version-runtime-guarantee): sentencepiece 0.2.3 needs protobuf 7.36,
Beam 2.77 needs protobuf 6. A test fails as soon as the two fit together. Dropping three fields takes no more than one
walk through the message.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum

_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5

# Field numbers of the messages ModelProto, SentencePiece, TrainerSpec and NormalizerSpec.
_PIECES, _TRAINER_SPEC, _NORMALIZER_SPEC = 1, 2, 3
_PIECE_TEXT, _PIECE_SCORE, _PIECE_KIND = 1, 2, 3
_TRAINER_INPUT, _TRAINER_MODEL_PREFIX, _TRAINER_MODEL_TYPE, _TRAINER_INPUT_FORMAT = 1, 2, 3, 7
_TRAINER_SUFFIX_WHITESPACE, _TRAINER_BYTE_FALLBACK = 24, 35
_CHARSMAP, _DUMMY_PREFIX, _REMOVE_EXTRA_WHITESPACES, _ESCAPE_WHITESPACES = 2, 3, 4, 5

_WHERE_TRAINED = frozenset((_TRAINER_INPUT, _TRAINER_MODEL_PREFIX, _TRAINER_INPUT_FORMAT))
_MODEL_TYPES = {1: "unigram", 2: "bpe", 3: "word", 4: "char"}


class TokenizerError(ValueError):
    """A tokenizer cannot be trained, read or exported; the message says why and what to do."""


class Kind(IntEnum):
    """What a piece is, as the model file numbers it."""

    NORMAL = 1
    UNKNOWN = 2
    CONTROL = 3
    USER_DEFINED = 4
    UNUSED = 5
    BYTE = 6


@dataclass(frozen=True, slots=True)
class Piece:
    """One entry of the vocabulary; its id is its place in `Model.pieces`.

    Attributes:
        text: the piece, with spaces written as U+2581.
        score: merge priority (BPE: 0, -1, -2, ... in the order learned) or log probability (unigram).
        kind: normal text, control symbol, byte, ...
    """

    text: str
    score: float
    kind: Kind


@dataclass(frozen=True, slots=True)
class Model:
    """The content of a model file.

    Attributes:
        pieces: the vocabulary in id order.
        model_type: ``bpe``, ``unigram``, ``word`` or ``char``.
        byte_fallback: unknown characters become byte pieces.
        add_dummy_prefix: every text gets a space before it.
        remove_extra_whitespaces: leading, trailing and doubled spaces are removed.
        escape_whitespaces: spaces are U+2581 inside the model.
        suffix_whitespace: the space belongs to the word before it.
        normalizes: a character map (NFKC and the like) is applied to the text first.
    """

    pieces: tuple[Piece, ...]
    model_type: str
    byte_fallback: bool
    add_dummy_prefix: bool
    remove_extra_whitespaces: bool
    escape_whitespaces: bool
    suffix_whitespace: bool
    normalizes: bool


def read_model(data: bytes) -> Model:
    """Read a SentencePiece model from its bytes.

    Raises:
        TokenizerError: the bytes are not a SentencePiece model, or are truncated.
    """
    pieces: list[Piece] = []
    trainer: dict[int, int | bytes] = {}
    normalizer: dict[int, int | bytes] = {}
    for number, value, _, _ in _fields(data):
        if number == _PIECES:
            pieces.append(_piece(_message(value)))
        elif number == _TRAINER_SPEC:
            trainer = {key: item for key, item, _, _ in _fields(_message(value))}
        elif number == _NORMALIZER_SPEC:
            normalizer = {key: item for key, item, _, _ in _fields(_message(value))}
    if not pieces or not trainer:
        raise TokenizerError("this is not a SentencePiece model: it holds no pieces or no training settings")
    return Model(
        pieces=tuple(pieces),
        model_type=_MODEL_TYPES.get(_number(trainer.get(_TRAINER_MODEL_TYPE, 1)), "unknown"),
        byte_fallback=bool(trainer.get(_TRAINER_BYTE_FALLBACK, 0)),
        add_dummy_prefix=bool(normalizer.get(_DUMMY_PREFIX, 1)),
        remove_extra_whitespaces=bool(normalizer.get(_REMOVE_EXTRA_WHITESPACES, 1)),
        escape_whitespaces=bool(normalizer.get(_ESCAPE_WHITESPACES, 1)),
        suffix_whitespace=bool(trainer.get(_TRAINER_SUFFIX_WHITESPACE, 0)),
        normalizes=bool(normalizer.get(_CHARSMAP, b"")),
    )


def canonical(data: bytes) -> bytes:
    """Return the model without the fields that say where its training text was.

    ``trainer_spec.input``, ``model_prefix`` and ``input_format`` are dropped; all other bytes stay. So the same counts
    give the same bytes from any folder, and from text as well as from counted words.

    Raises:
        TokenizerError: the bytes are not a SentencePiece model, or are truncated.
    """
    kept: list[bytes] = []
    for number, value, start, end in _fields(data):
        if number == _TRAINER_SPEC:
            spec = _message(value)
            inner = b"".join(spec[a:b] for key, _, a, b in _fields(spec) if key not in _WHERE_TRAINED)
            kept.append(_varint(number << 3 | _BYTES) + _varint(len(inner)) + inner)
        else:
            kept.append(data[start:end])
    return b"".join(kept)


def canonical_sha256(data: bytes) -> str:
    """Return the identity of a tokenizer: the hex sha256 of its `canonical` bytes."""
    return hashlib.sha256(canonical(data)).hexdigest()


def _piece(data: bytes) -> Piece:
    """Read one entry of the vocabulary."""
    text, score, kind = b"", 0.0, Kind.NORMAL
    for number, value, _, end in _fields(data):
        if number == _PIECE_TEXT:
            text = _message(value)
        elif number == _PIECE_SCORE:
            (score,) = struct.unpack("<f", data[end - 4 : end])
        elif number == _PIECE_KIND:
            try:
                kind = Kind(_number(value))
            except ValueError as error:
                raise TokenizerError(f"this is not a SentencePiece model: piece kind {value!r}") from error
    try:
        return Piece(text.decode("utf-8"), score, kind)
    except UnicodeDecodeError as error:
        raise TokenizerError(
            f"this is not a SentencePiece model: piece {text[:40]!r} is not UTF-8"
        ) from error


def _fields(data: bytes) -> Iterator[tuple[int, int | bytes, int, int]]:
    """Yield (field number, value, start, end) of every field of a protobuf message, in file order."""
    at = 0
    while at < len(data):
        start = at
        tag, at = _read_varint(data, at)
        wire = tag & 7
        value: int | bytes
        if wire == _VARINT:
            value, at = _read_varint(data, at)
        elif wire in (_FIXED64, _FIXED32, _BYTES):
            size, at = _read_varint(data, at) if wire == _BYTES else (8 if wire == _FIXED64 else 4, at)
            value, at = data[at : at + size], at + size
        else:
            raise TokenizerError(f"this is not a SentencePiece model: wire type {wire} at byte {start}")
        if at > len(data) or tag < 1 << 3:
            raise TokenizerError(f"this is not a SentencePiece model, or it is cut short: byte {start}")
        yield tag >> 3, value, start, at


def _read_varint(data: bytes, at: int) -> tuple[int, int]:
    """Return the base-128 number at a place, and the place after it; the low bits come first."""
    value = 0
    for shift in range(0, 70, 7):
        if at >= len(data):
            break
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
    raise TokenizerError(f"this is not a SentencePiece model, or it is cut short: number at byte {at}")


def _varint(value: int) -> bytes:
    """Return a number in base 128."""
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def _message(value: int | bytes) -> bytes:
    """Return a field that must be a string or a message."""
    if not isinstance(value, bytes):
        raise TokenizerError("this is not a SentencePiece model: a number where text should be")
    return value


def _number(value: int | bytes) -> int:
    """Return a field that must be a number."""
    if not isinstance(value, int):
        raise TokenizerError("this is not a SentencePiece model: text where a number should be")
    return value
