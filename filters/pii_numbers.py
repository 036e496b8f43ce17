"""Bank accounts, payment cards and telephone numbers in running text, found by their form and their check digits.

- An IBAN has the length of its country and a remainder of 1 (ISO 13616, ISO 7064 MOD 97-10). Of random strings of that
  form, one in 97 passes.
- A payment card has the prefix and length of an issuer, the usual groups or no groups, and passes Luhn's test (ISO/IEC
  7812). One random number in ten passes that test, so some plain numbers of 16 digits are replaced wrongly.
- A telephone number has ``+`` or ``00``, a country code of the ITU (E.164), and as many digits as that country's
  numbers have. National forms stay: without a country they are just numbers.

All three searches are linear: from each possible start, at most 80 characters are read.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from importlib.resources import files
from typing import Final

# Lengths of account numbers: SWIFT's IBAN registry, release 99. Issuers: ISO/IEC 7812 prefixes as they publish them.
# Country calling codes: ITU E.164.D; a code of two digits or one has its own range of digits in a whole number.
_TABLES: Final = json.loads(files("filters").joinpath("pii_tables.json").read_text("utf-8"))
_IBAN_LENGTHS: Final[dict[str, int]] = _TABLES["iban_lengths"]
_ISSUERS: Final = [(*entry["first_six"], entry["lengths"]) for entry in _TABLES["card_issuers"]]
_PHONE_LENGTHS: Final[dict[str, tuple[int, int]]] = _TABLES["phone_lengths"]
_PHONE_CODES_OF_THREE: Final = frozenset(_TABLES["phone_codes_of_three"])
_GENERAL_LENGTHS: Final = (9, 15)

_IBAN_START: Final = re.compile(r"[A-Z]{2}[0-9]{2}(?<![\w].{4})(?=[ -]?[A-Z0-9])")
_IBAN_LONGEST: Final = 33 + 9  # with a gap after every fourth character

_CARD: Final = re.compile(
    r"[2-6](?<![\w.,+/:#=_-].)(?:[0-9]{12,18}"
    r"|[0-9]{3}(?P<gap>[ -])[0-9]{4}(?P=gap)[0-9]{4}(?P=gap)[0-9]{4}(?:(?P=gap)[0-9]{1,3})?"
    r"|[0-9]{3}(?P<amex>[ -])[0-9]{6}(?P=amex)[0-9]{4,5})(?![\w]|[.,/:-]\w)"
)

_PHONE: Final = re.compile(
    r"(?:\+(?<![\w+*/=<>.-].)[ ]?|00(?<![\w+.,:/-]..)(?<![0-9] ..)(?=[1-9][0-9]{0,2}[ ()./-]))"
    r"[1-9](?:[ \u00a0().\u2010-\u2013/-]{0,3}[0-9]){6,18}+(?![\w]|[.,][0-9])"
)
_GROUP: Final = re.compile("[0-9]+")
_TRUNK_ZERO: Final = re.compile(r"\(0\)")

Replaced = tuple[str, int]


def replace_ibans(text: str, neutral: str) -> Replaced:
    """Return the text with its account numbers replaced, and their number.

    >>> replace_ibans("IBAN DE89 3704 0044 0532 0130 00, please", "XX00")
    ('IBAN XX00, please', 1)
    """
    return _replace(text, _ibans(text), neutral)


def _ibans(text: str) -> Iterator[tuple[int, int]]:
    for match in _IBAN_START.finditer(text):
        length = _IBAN_LENGTHS.get(match.group()[:2])
        if length is not None:
            end = _end_of(text, match.start(), length)
            if end and is_iban(text[match.start() : end]):
                yield match.start(), end


def _end_of(text: str, start: int, length: int) -> int:
    """Return where `length` characters of an account number end, or 0; single gaps do not count."""
    taken = 0
    for at in range(start, min(start + _IBAN_LONGEST, len(text))):
        if text[at].isascii() and (text[at].isdigit() or text[at].isupper()):
            taken += 1
        elif text[at] not in " -\u00a0" or not text[at - 1].isalnum():
            return 0
        if taken == length:
            return 0 if text[at + 1 : at + 2].isalnum() else at + 1
    return 0


def is_iban(text: str) -> bool:
    """Return True if the check digits are right; the length is not checked.

    >>> is_iban("GB82 WEST 1234 5698 7654 32"), is_iban("GB82 WEST 1234 5698 7654 33")
    (True, False)
    """
    plain = "".join(filter(str.isalnum, text))
    return int("".join(str(int(character, 36)) for character in plain[4:] + plain[:4])) % 97 == 1


def replace_cards(text: str, neutral: str) -> Replaced:
    """Return the text with its payment card numbers replaced, and their number.

    >>> replace_cards("Visa 4111 1111 1111 1111, not 4111 1111 1111 1112", "0000")
    ('Visa 0000, not 4111 1111 1111 1112', 1)
    """
    return _replace(text, (m.span() for m in _CARD.finditer(text) if is_card(m.group())), neutral)


def is_card(text: str) -> bool:
    """Return True if the digits are an issuer's card number with a valid check digit; gaps are ignored."""
    digits = "".join(filter(str.isdigit, text))
    first = int(digits[:6])
    if not any(low <= first <= high and len(digits) in lengths for low, high, lengths in _ISSUERS):
        return False
    doubled = (int(digit) * 2 for digit in digits[-2::-2])
    return (sum(map(int, digits[-1::-2])) + sum(twice - 9 * (twice > 9) for twice in doubled)) % 10 == 0


def replace_phones(text: str, neutral: str) -> Replaced:
    """Return the text with its telephone numbers replaced that have a country code, and their number.

    >>> replace_phones("call +49 (0)30 901820 or 030 901820", "+00")
    ('call +00 or 030 901820', 1)
    """
    spans = (span for match in _PHONE.finditer(text) if (span := _phone_span(match)))
    return _replace(text, spans, neutral)


def _phone_span(match: re.Match[str]) -> tuple[int, int] | None:
    """Return the longest run of whole groups of digits that is a telephone number, or None."""
    found = match.group()
    ends = [group.end() for group in _GROUP.finditer(found)]
    for end in reversed(ends):
        if is_phone(found[:end]):
            return match.start(), match.start() + end
    return None


def is_phone(text: str) -> bool:
    """Return True if ``+`` or ``00`` and digits are a telephone number of some country."""
    digits = "".join(filter(str.isdigit, _TRUNK_ZERO.sub("", text))).removeprefix("" if "+" in text else "00")
    if digits[:3] in _PHONE_CODES_OF_THREE:
        low, high = _GENERAL_LENGTHS
    else:
        known = _PHONE_LENGTHS.get(digits[:2]) or _PHONE_LENGTHS.get(digits[:1])
        if known is None:
            return False
        low, high = known
    if digits[0] == "1" and not (digits[1:2] > "1" and digits[4:5] > "1"):  # area code and exchange
        return False
    return low <= len(digits) <= high


def _replace(text: str, spans: Iterator[tuple[int, int]], neutral: str) -> Replaced:
    pieces: list[str] = []
    done = 0
    for start, end in spans:
        if start >= done:
            pieces += [text[done:start], neutral]
            done = end
    return ("".join([*pieces, text[done:]]), len(pieces) // 2) if pieces else (text, 0)


NUMBERS: Final[dict[str, tuple[str, Callable[[str, str], Replaced]]]] = {
    "iban": ("ibans", replace_ibans),
    "card": ("cards", replace_cards),
    "phone": ("phones", replace_phones),
}
"""By field of the step: the measure, and the function that replaces."""
