"""The shingles of FineWeb, hash for hash (datatrove 0.10, ``utils/text.py`` and ``pipeline/dedup/minhash.py``).

Text is lower-cased; each number becomes ``0``, punctuation becomes a space, runs of white space become one space, and
accents are removed (NFD without category Mn). Shingles are 5-grams of spaCy's English words, joined by a space. The
hash is the first 8 bytes of SHA-1, little-endian (FineWeb), or xxHash64 (datatrove's later default). A text of fewer
than 5 words has no shingles.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from typing import Final, Literal

import numpy as np
import xxhash

from filters.hashing import Hashes
from filters.splitting.punctuation import MARKS
from filters.splitting.words import split_words

_NUMBER = re.compile(r"\d+([.,،٫⎖⎗⎘]\d+)?")
_SPACE = re.compile(r"\s+")
_BLANKED: Final = str.maketrans(dict.fromkeys(MARKS, " "))


def simplify(text: str) -> str:
    """Return the text as it is before it is cut into words.

    >>> simplify("Café  No. 1,024: “It’s”")
    'cafe no 0 it s'
    """
    text = _NUMBER.sub("0", text.lower()).translate(_BLANKED)
    text = unicodedata.normalize("NFD", _SPACE.sub(" ", text.strip()))
    return "".join(c for c in text if unicodedata.category(c) != "Mn").strip()


def datatrove_windows(text: str, width: int, hashing: Literal["sha1", "xxhash"]) -> Hashes:
    """Return the shingle at each place of a text, uint64."""
    words = split_words(simplify(text), "en")
    grams = [" ".join(words[i : i + width]).encode() for i in range(len(words) - width + 1)]
    if hashing == "xxhash":
        return np.fromiter(map(xxhash.xxh64_intdigest, grams), dtype=np.uint64, count=len(grams))
    digests = b"".join(hashlib.sha1(gram, usedforsecurity=False).digest()[:8] for gram in grams)
    return np.frombuffer(digests, dtype="<u8")
