"""Templates that carry prose: a rule per name renders each. All others are dropped.

Wikis define tens of thousands of templates, and their text is not in the page. A few dozen of them appear inside
sentences; these are rendered as on the wiki, or nearly so: units and numbers, quotes, foreign words (without the name
of the language), signs, centuries and dates, names of ships. The names were counted over the dumps of 70 languages.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Final, NamedTuple


class Arguments(NamedTuple):
    """The arguments of one template.

    Attributes:
        values: arguments without a name, in order.
        named: arguments by name, in lower case.
    """

    values: list[str]
    named: Mapping[str, str]

    def get(self, position: int) -> str:
        """Return the value at a position, from 1; empty if the template has fewer."""
        stated = self.named.get(str(position), "")
        return stated or (self.values[position - 1] if len(self.values) >= position else "")


Rule = Callable[[Arguments], str]


def show(inner: str) -> str | None:
    """Return the text that a template shows, given the markup between its braces; None = it is dropped.

    >>> show("convert|5|km|mi|abbr=on"), show("lang-de|Berlin"), show("cite book|title=x")
    ('5 km', 'Berlin', None)
    """
    name, *pieces = inner.split("|")
    name = _SPACES.sub(" ", name.replace("_", " ")).strip().lower()
    rule = RULES.get(name)
    if rule is None and ":" in name:
        function, _, argument = name.partition(":")
        if function in _FUNCTIONS:
            return argument.strip()
    if rule is None and (match := _IN_LANGUAGE.fullmatch(name)) and match[1] not in _NOT_WORDS:
        rule = _first
    if rule is None:
        return None
    return rule(_arguments(pieces)) or None


def _arguments(pieces: list[str]) -> Arguments:
    values: list[str] = []
    named: dict[str, str] = {}
    for piece in pieces:
        key, equals, value = piece.partition("=")
        if equals and "\n" not in key.strip() and len(key) <= _NAME_CHARACTERS:
            named[key.strip().lower()] = value.strip()
        else:
            values.append(piece.strip())
    return Arguments(values, named)


_NAME_CHARACTERS: Final = 40
_SPACES: Final = re.compile(r"\s+")

# {{formatnum:1000}}: parser functions that only change the form of their argument.
_FUNCTIONS: Final = frozenset({"formatnum", "lc", "uc", "lcfirst", "ucfirst"})

# {{lang-de|Wort}}, {{k-de|Wort}}, {{јез-нем|Wort}}: a word, then the code of a language.
_IN_LANGUAGE: Final = re.compile(r"([^\W\d_]+)-([a-z]{2,3}(?:-[a-z]+)?|[а-яјљњћџ]{3})")
_NOT_WORDS: Final = frozenset(
    (
        "ipa",
        "ipac",
        "ref",
        "lfe",
        "api",
        "afi",
        "мфа",
        "audio",
        "icon",
        "ikona",
        "flag",
        "cite",
        "user",
        "book",
    )
)


def _first(arguments: Arguments) -> str:
    value = arguments.get(1)
    return "" if value.startswith("/") else value  # a pronunciation


def _second(arguments: Arguments) -> str:
    return arguments.get(2) or arguments.get(1)


def _last(arguments: Arguments) -> str:
    return arguments.values[-1] if arguments.values else ""


def _lines(arguments: Arguments) -> str:
    """Return the last value on lines of its own: columns of list items."""
    return f"\n{_last(arguments)}\n" if arguments.values else ""


def _items(arguments: Arguments) -> str:
    """Return each value as a list item."""
    return "".join(f"\n* {value}" for value in arguments.values if value) + "\n"


def _label(arguments: Arguments) -> str:
    return arguments.named.get("lt") or arguments.get(1)


def _joined(separator: str) -> Rule:
    return lambda arguments: separator.join(filter(None, arguments.values))


def _literal(text: str) -> Rule:
    return lambda arguments: text


def _pattern(before: str, after: str = "") -> Rule:
    return lambda arguments: f"{before}{value}{after}" if (value := arguments.get(1)) else ""


def _quote(arguments: Arguments) -> str:
    """Return the quoted text as a paragraph of its own, without its author."""
    named = (arguments.named.get(name) for name in ("text", "quote", "texte", "texto", "zitat", "citat"))
    text = next(filter(None, named), "") or arguments.get(1)
    return f"\n\n{text}\n\n" if text else ""


def _japanese(arguments: Arguments) -> str:
    name, written = arguments.get(1), arguments.get(2)
    return f"{name} ({written})" if name and written else name or written


def _as_of(arguments: Arguments) -> str:
    before = "as of" if arguments.named.get("lc") else "As of"
    return f"{before} {arguments.get(1)}" if arguments.get(1) else ""


def _old_style(arguments: Arguments) -> str:
    return ", ".join(filter(None, (arguments.get(1), arguments.get(2))))


def _ship(kind: str) -> Rule:
    return lambda arguments: f"{kind} {arguments.get(1)}".strip()


def _value(arguments: Arguments) -> str:
    """Render ``val``: a number with a unit; on the Latvian wiki, a word in a language."""
    if re.fullmatch("[a-z]{2,3}", arguments.get(1)):
        return arguments.get(2)
    unit = arguments.named.get("u") or arguments.named.get("ul") or ""
    return f"{arguments.get(1)} {unit}".strip()


def _music(arguments: Arguments) -> str:
    return {"flat": "♭", "b": "♭", "sharp": "♯", "#": "♯", "natural": "♮"}.get(arguments.get(1), "")


_RANGES: Final = {
    "-": "–",
    "–": "–",
    "to(-)": "–",
    "x": " × ",
    "by": " by ",
    "to": " to ",
    "and": " and ",
    "or": " or ",
}
_UNITS: Final = {
    "km2": "km²",
    "m2": "m²",
    "cm2": "cm²",
    "km3": "km³",
    "m3": "m³",
    "c": "°C",
    "f": "°F",
    "sqmi": "sq mi",
    "sqft": "sq ft",
    "cuft": "cu ft",
    "kph": "km/h",
}
_NUMBER: Final = re.compile(r"[\d.,/+−-]+")
_PARTS: Final = frozenset({"ft", "lb", "st", "yd", "mi", "h", "min"})


def _convert(arguments: Arguments) -> str:
    """Render a measure as it was entered: ``5 km``, ``5–10 km``, ``5 ft 10 in``."""
    values = [*arguments.values, "", "", ""]
    shown, at = values[0], 1
    while values[at].lower() in _RANGES and values[at + 1]:
        shown += _RANGES[values[at].lower()] + values[at + 1]
        at += 2
    unit = values[at]
    shown = f"{shown} {_UNITS.get(unit.lower(), unit)}".strip()
    if unit in _PARTS and _NUMBER.fullmatch(values[at + 1]) and values[at + 2].isalpha():
        shown += f" {values[at + 1]} {values[at + 2]}"
    return shown


def _rules() -> dict[str, Rule]:
    """Return the rule of each name."""
    rules: dict[str, Rule] = {}
    for names, rule in (
        # Text with a look, abbreviations, anchors, numbers; foreign words on the Arabic and Persian wikis.
        (
            "nowrap|nobr|small|smaller|big|bigger|larger|nobold|nobreak|unicode|script|smallcaps|sc|sc1|asc|versaleta|"
            "noitalic|underline|overline|center|midsize|block indent|term|defn|ruby|"
            "em|strong|tq|var|mvar|math|sub|sup|subst|kbd|keypress|key press|abbr|abbrev|tooltip|visible anchor|"
            "vanchor|anchored|zh-tr|flag|flagu|flagcountry|esd|avoid wrap|nowiki|spell|respelling|"
            "fmtn|fmtnum|num|nombre|nts|ntsh|szám|liczba|число|numero|número|nowrap begin|transl-lang|"
            "ألمانية|إنجليزية|فرنسية|إيطالية|إسبانية|روسية|لاتينية|يونانية|تركية|فارسية|هولندية|آلمانی|انگلیسی|فرانسوی|عربی|vok|"
            "bi|li|lx|formatnum",
            _first,
        ),
        (
            "numblk|native name|lang|transl|transliteration|translit|rtl-lang|langue|audio|color|colour|lang-xx|нп",
            _second,
        ),
        ("columns-list|columns list|column list|collapsible list|resize|div col", _lines),
        ("ordered list|bulleted list|bullet list|unordered list|numbered list|ubl|unbulleted list", _items),
        ("font color|fontcolor|colored text|coloured text", _last),
        ("ill|interlanguage link|link-interwiki|illm|liên kết|нп5|нп3|не переведено", _label),
        (
            "quote|blockquote|cquote|quotation|bquote|cita|citação|citat|zitat|citation bloc|citation|citaat|cytat|"
            "цитата|citacija|idézet|citaço|poem quote|verse quote|rquote|quote box|pull quote|longquote",
            _quote,
        ),
        ("convert|cvt|convertir|conversion|unité|unidade|unidad|unitat", _convert),
        ("val", _value),
        ("nihongo|nihongo2|nihongo3|nihongo foot", _japanese),
        ("as of|asof", _as_of),
        ("oldstyledate|osd", _old_style),
        ("music", _music),
        ("chem|chem2|linktext|ce", _joined("")),
        ("frac|sfrac|fraction", _joined("/")),
        ("hlist|cslist", _joined(", ")),
        ("plainlist|flatlist", _lines),
        ("gaps", _joined("")),
        ("daton|dato", _joined(" ")),
        ("dash year", _joined("–")),
        ("ship", _joined(" ")),
    ):
        rules |= dict.fromkeys(names.split("|"), rule)
    rules |= {name: _literal(text) for name, text in _SIGNS.items()}
    rules |= {name: _pattern(*around) for name, around in _AROUND.items()}
    rules |= {
        kind.lower(): _ship(kind)
        for kind in ("HMS", "USS", "HMAS", "HMCS", "RMS", "SS", "MV", "SMS", "USCGC")
    }
    return rules


_SIGNS: Final = {
    **dict.fromkeys(("mdash", "em dash", "emdash", "mdashb"), "—"),
    **dict.fromkeys(("ndash", "en dash", "endash", "–"), "–"),
    **dict.fromkeys(("snd", "spnd", "spaced ndash", "spaced en dash"), " – "),
    **dict.fromkeys(("nbsp", "sp", "space", "thinsp", "hair space"), " "),
    "!": "|",
    "=": "=",
    "'": "'",
    "sic": "[sic]",
    "pi": "π",
    "euro": "€",
    "·": " · ",
    "•": " • ",
    "dot": " · ",
    "bull": " • ",
    "pound sign": "#",
}
_AROUND: Final[dict[str, tuple[str, ...]]] = {
    "séc": ("século ",),
    "séculos": ("séculos ",),
    "siglo": ("siglo ",),
    "segle": ("segle ",),
    "circa": ("c. ",),
    "c.": ("c. ",),
    "ca": ("c. ",),
    "us$": ("US$",),
    "usd": ("US$",),
    "a$": ("A$",),
    "inr": ("₹",),
    "radic": ("√",),
    "sqrt": ("√",),
    "gbp": ("£",),
    "eur": ("€",),
    "angbr": ("⟨", "⟩"),
    "e": ("×10^",),
    "vol.": ("vol. ",),
}

RULES: Final = _rules()
"""The rule of each template that is rendered, by its name in lower case."""
