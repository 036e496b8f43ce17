"""Checks of values that inputs state about their records: times, languages, text that UTF-8 can encode."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Final

_ISO_TIME: Final = re.compile(r"\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d.*)?")
_TAG: Final = re.compile(r"\s*([A-Za-z]{2,3})(?![A-Za-z])")

# ISO 639-2/3 code and ISO 639-1 code of every language that has both (table of the Library of Congress).
_CODES: Final = (
    "aar aa abk ab afr af aka ak amh am ara ar arg an asm as ava av ave ae aym ay aze az bak ba bam bm bel be "
    "ben bn bih bh bis bi bod bo tib bo bos bs bre br bul bg cat ca ces cs cze cs cha ch che ce chu cu chv cv "
    "cor kw cos co cre cr cym cy wel cy dan da deu de ger de div dv dzo dz ell el gre el eng en epo eo est et "
    "eus eu baq eu ewe ee fao fo fas fa per fa fij fj fin fi fra fr fre fr fry fy ful ff gla gd gle ga glg gl "
    "glv gv grn gn guj gu hat ht hau ha hbs sh heb he her hz hin hi hmo ho hrv hr hun hu hye hy arm hy ibo ig "
    "ido io iii ii iku iu ile ie ina ia ind id ipk ik isl is ice is ita it jav jv jpn ja kal kl kan kn kas ks "
    "kat ka geo ka kau kr kaz kk khm km kik ki kin rw kir ky kom kv kon kg kor ko kua kj kur ku lao lo lat la "
    "lav lv lim li lin ln lit lt ltz lb lub lu lug lg mah mh mal ml mar mr mkd mk mac mk mlg mg mlt mt mon mn "
    "mri mi mao mi msa ms may ms mya my bur my nau na nav nv nbl nr nde nd ndo ng nep ne nld nl dut nl nno nn "
    "nob nb nor no nya ny oci oc oji oj ori or orm om oss os pan pa pli pi pol pl por pt pus ps que qu roh rm "
    "ron ro rum ro run rn rus ru sag sg san sa sin si slk sk slo sk slv sl sme se smo sm sna sn snd sd som so "
    "sot st spa es sqi sq alb sq srd sc srp sr ssw ss sun su swa sw swe sv tah ty tam ta tat tt tel te tgk tg "
    "tgl tl tha th tir ti ton to tsn tn tso ts tuk tk tur tr twi tw uig ug ukr uk urd ur uzb uz ven ve vie vi "
    "vol vo wln wa wol wo xho xh yid yi yor yo zha za zho zh chi zh zul zu cmn zh arb ar pes fa ekk et lvs lv "
    "swh sw zsm ms uzn uz azj az khk mn ydd yi"
)
_TWO_LETTERS: Final[dict[str, str]] = dict(re.findall(r"([a-z]{3}) ([a-z]{2})\b", _CODES))


def iso_time(value: str | None) -> str | None:
    """Return a time or day, as it was written, if it is valid ISO 8601; otherwise None.

    >>> iso_time(" 2024-02-29T10:00:00Z"), iso_time("2008-10-294T05:21:46-0700")
    ('2024-02-29T10:00:00Z', None)
    """
    text = (value or "").strip()
    if not _ISO_TIME.fullmatch(text):
        return None
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return None
    return text


def language_code(value: str | None) -> str | None:
    """Return the first language of a tag or a list of codes: its two-letter code if it has one.

    >>> language_code("deu,eng"), language_code("pt-BR"), language_code("ltg"), language_code("unknown")
    ('de', 'pt', 'ltg', None)
    """
    match = _TAG.match(value or "")
    if not match:
        return None
    code = match[1].lower()
    return _TWO_LETTERS.get(code, code)


def sound_text(text: str) -> str:
    r"""Return the text with lone surrogates, which UTF-8 cannot encode, replaced by U+FFFD.

    >>> sound_text("a\ud800b") == "a\ufffdb"
    True
    """
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return text
