"""How texts are cut, hashed and permuted; two signatures can be compared only if all of it is the same."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Literal

from filters.dedup.datatrove_shingles import datatrove_windows
from filters.dedup.minhash import SEED, Signatures, signature
from filters.dedup.shingles import Shingling, as_set, windows
from filters.hashing import Hashes
from filters.step import FieldFault

SchemeName = Literal["affine32", "fineweb", "datatrove"]

Header = Mapping[str, str | int]
"""Everything that shapes a signature, by name."""


@dataclass(frozen=True, slots=True)
class Scheme:
    """From a text to its signature.

    Attributes:
        name: ``affine32`` = shingles of `filters.dedup.shingles`, permuted as in datasketch 2.0; ``fineweb`` = as
            FineWeb's signatures; ``datatrove`` = the same, with xxHash for SHA-1, datatrove's default.
        unit, width: see `Shingling`; the two published schemes use words.
        permutations: numbers per signature.
        seed: seed of the permutations.

    Raises:
        FieldFault: a published scheme with characters.
    """

    name: SchemeName = "affine32"
    unit: Literal["word", "character"] = "word"
    width: int = 5
    permutations: int = 112
    seed: int = SEED

    def __post_init__(self) -> None:
        if self.name != "affine32" and self.unit != "word":
            raise FieldFault(f"unit of scheme {self.name} must be word; found {self.unit}", "unit")

    @property
    def bits(self) -> int:
        """Bits of each number of a signature."""
        return 32 if self.name == "affine32" else 64

    def windows(self, text: str) -> Hashes:
        """Return the shingle at each place of a text, uint64."""
        if self.name == "affine32":
            return windows(text, Shingling(self.unit, self.width))
        return datatrove_windows(text, self.width, "sha1" if self.name == "fineweb" else "xxhash")

    def shingles(self, text: str) -> Hashes:
        """Return the shingles of a text: sorted, distinct, uint64."""
        return as_set(self.windows(text))

    def signature(self, shingles: Hashes) -> Signatures:
        """Return the signature of shingles, [permutations]."""
        family: Literal["affine32", "fineweb"] = "affine32" if self.name == "affine32" else "fineweb"
        return signature(shingles, self.permutations, family, self.seed)

    def header(self) -> Header:
        """Return everything that shapes a signature, as stored beside it."""
        return {**asdict(self), "unicode": unicodedata.unidata_version}


def differences(mine: Header, theirs: Header) -> list[str]:
    """Return how two headers differ: ``width 5, there 13``; empty if the signatures can be compared."""
    names = sorted({*mine, *theirs})
    return [
        f"{name} {mine.get(name)}, there {theirs.get(name)}"
        for name in names
        if mine.get(name) != theirs.get(name)
    ]
