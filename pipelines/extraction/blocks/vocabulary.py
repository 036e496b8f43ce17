"""Look-up tables of the scanner: element names by kind, words in class names by meaning, characters by class.

Names and words are found by their 64-bit FNV-1a hash in open-addressing tables, which compiled code can read.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

Hashes = NDArray[np.uint64]
Values = NDArray[np.int64]


def listed(names: str) -> tuple[str, ...]:
    """Return the words of a list that is written as one string."""
    return tuple(names.split())


# Kinds of elements; a name that is in no list is inline.
INLINE, BLOCK, VOID, BREAK, SKIPPED, RAW, TITLE = range(7)

# Every name that matters for a feature has a number of its own, in this order from 1; 0 = any other name.
NAMES: Final = listed(
    "html body div p li td th tr table ul ol dl dt dd h1 h2 h3 h4 h5 h6 pre blockquote figure figcaption caption "
    "article main nav aside footer header section form address details summary fieldset legend center hgroup "
    "thead tbody tfoot hr menu dialog noscript label button search video audio optgroup "
    "a b strong i em span font small big u s code tt kbd samp sub sup mark abbr cite q time del ins var dfn bdi bdo "
    "br wbr img input picture iframe object "
    "area base basefont bgsound col colgroup embed frame keygen link meta param source track "
    "script style template svg math select textarea head datalist canvas title xmp noembed noframes plaintext "
    "rp rt applet map frameset marquee"
)

_BLOCK: Final = listed(
    "html body div p li td th tr table ul ol dl dt dd h1 h2 h3 h4 h5 h6 pre blockquote figure figcaption caption "
    "article main nav aside footer header section form address details summary fieldset legend center hgroup "
    "thead tbody tfoot menu dialog noscript search video audio optgroup frameset marquee colgroup"
)
_VOID: Final = listed(
    "area base basefont bgsound col embed frame img input keygen link meta param source track wbr hr"
)
# Their content is not text of the page.
_SKIPPED: Final = listed("template svg select textarea head datalist canvas rp object applet map")
# Their content is not escaped when serialised: only the end tag ends it.
_RAW: Final = listed("script style xmp iframe noembed noframes plaintext")

# Words of class, id, role, itemprop and data attributes by meaning, one bit a group.
GROUPS: Final = {
    "body": "articlebody articletext bodytext storybody storytext postbody postcontent posttext entrycontent "
    "articlecontent maincontent blogpost hentry entry post story article richtext wysiwyg prose editorial "
    "paragraph texto artikel artigo articulo contenido inhalt",
    "main": "main content primary page body text container center single detail details copy",
    "comment": "comment comments commentlist disqus reply replies respond discussion reaction reactions feedback "
    "kommentar kommentare comentario comentarios livefyre review reviews",
    "share": "share sharing sharer social facebook twitter whatsapp pinterest linkedin addthis addtoany follow "
    "print email like likes sharedaddy tweet reddit telegram",
    "related": "related relatedposts recommend recommended recommendation recommendations more moreon readmore "
    "similar also popular trending latest recent mostread teaser teasers outbrain taboola promo promoted carousel "
    "slider suggestions upnext seealso highlights recirc onward headlines feed river card cards tile tiles grid",
    "nav": "nav navigation navbar menu menus submenu breadcrumb breadcrumbs pagination pager paging crumbs toc "
    "topbar toolbar tabs tab skip sitemap subnav prev next previous dropdown links masthead banner logo",
    "footer": "footer foot bottom copyright colophon legal disclaimer imprint subfooter",
    "header": "header head top topper hero intro lead lede standfirst subtitle deck dek summary excerpt kicker "
    "abstract teasertext description sommaire chapo",
    "byline": "byline author authors date time timestamp published dateline meta postmeta info infos credits posted "
    "autor auteur datum updated datetime vcard entrymeta",
    "caption": "caption captions credit photo image img picture gallery figure media video player thumbnail thumb "
    "slideshow lightbox legend bildunterschrift attachment",
    "newsletter": "newsletter subscribe subscription signup signin login register paywall premium regwall mailing "
    "donate donation membership account user profile offer cta",
    "consent": "cookie cookies consent gdpr modal popup overlay privacy notice notification alert toast tooltip",
    "ads": "ad ads advert advertisement advertising adsense sponsor sponsored sponsors banner commercial "
    "dfp doubleclick adslot adunit anzeige werbung publicidad pub shopping affiliate",
    "side": "sidebar side aside widget widgets rail right left secondary module panel infobox box complementary "
    "extra tertiary column factbox pullquote inset",
    "tags": "tag tags tagged category categories keyword keywords topics topic label labels cat taxonomy "
    "tagcloud metadata filed schlagwort",
    "title": "title headline heading heads entrytitle posttitle pagetitle titre titulo ueberschrift",
    "hidden": "hidden hide invisible collapsed screenreader offscreen noprint sr visuallyhidden none hideme",
    "code": "code highlight codehilite sourcecode listing prettyprint console terminal example wikitable",
    "reference": "reference references footnote footnotes reflist citation citations bibliography notes sources "
    "editsection mwheadline headerlink anchor permalink",
    "search": "search searchform query filter sort select options option form input button btn buttons",
    "unseen": "",  # no words: the attribute `hidden` or a style with `display: none` sets it
}
UNSEEN_BIT: Final = list(GROUPS).index("unseen")

# Classes of characters; WIDE ones write a syllable or a word, CLOSING ones may follow the end of a sentence.
SPACE, DIGIT, UPPER, LOWER, TERMINAL, COMMA, MARK, WIDE, CLOSING = range(9)


class Tables(NamedTuple):
    """All tables that compiled code looks up.

    Attributes:
        name_hashes, name_values: element names: hash -> number x 8 + kind.
        word_hashes, word_values: class words: hash -> bits of their groups.
        characters: class of each ASCII character.
    """

    name_hashes: Hashes
    name_values: Values
    word_hashes: Hashes
    word_values: Values
    characters: NDArray[np.uint8]


def fnv(name: bytes) -> int:
    """Return the 64-bit FNV-1a hash.

    >>> hex(fnv(b"a"))
    '0xaf63dc4c8601ec8c'
    """
    value = 0xCBF29CE484222325
    for byte in name:
        value = ((value ^ byte) * 0x100000001B3) & 0xFFFFFFFFFFFFFFFF
    return value


def number(name: str) -> int:
    """Return the number of an element name that is in `NAMES`."""
    return NAMES.index(name) + 1


def kind(name: str) -> int:
    """Return the kind of an element name."""
    if name in ("br", "title"):
        return BREAK if name == "br" else TITLE
    for value, names in ((BLOCK, _BLOCK), (VOID, _VOID), (SKIPPED, _SKIPPED), (RAW, _RAW)):
        if name in names:
            return value
    return INLINE


def tables() -> Tables:
    """Return the tables; the same on every machine."""
    names = {name: number(name) * 8 + kind(name) for name in NAMES}
    words: dict[str, int] = {}
    for bit, members in enumerate(GROUPS.values()):
        for word in members.split():
            words[word] = words.get(word, 0) | 1 << bit
    return Tables(*_hash_table(names, 512), *_hash_table(words, 2048), _characters())


def _hash_table(entries: dict[str, int], slots: int) -> tuple[Hashes, Values]:
    """Return keys and values by slot: linear probing from the hash's low bits, key 0 = empty."""
    keys, values = np.zeros(slots, np.uint64), np.zeros(slots, np.int64)
    for name, value in entries.items():
        hashed = fnv(name.encode())
        at = hashed % slots
        while keys[at]:
            at = (at + 1) % slots
        keys[at], values[at] = hashed, value
    return keys, values


def _characters() -> NDArray[np.uint8]:
    classes = np.full(128, MARK, np.uint8)
    for byte in range(128):
        letter = chr(byte)
        if letter in " \t\n\r\f":
            classes[byte] = SPACE
        elif letter.isdigit():
            classes[byte] = DIGIT
        elif letter.isupper():
            classes[byte] = UPPER
        elif letter.islower():
            classes[byte] = LOWER
        elif letter in ".!?":
            classes[byte] = TERMINAL
        elif letter in ",;":
            classes[byte] = COMMA
        elif letter in "\"')]":
            classes[byte] = CLOSING
    return classes
