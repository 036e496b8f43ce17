"""Names of the features, in the order of the rows that hold them, and the tables and places that follow from it."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from filters.compiled import compiled
from pipelines.extraction.blocks.columns import Ints
from pipelines.extraction.blocks.vocabulary import GROUPS, NAMES, listed

Floats = NDArray[np.float32]

# Elements whose nearness counts, by tag; `list` is ul, ol and dl, `head` is h1 to h6.
NEAR: Final = listed(
    "article main nav aside footer header section form figure table list blockquote noscript address details head "
    "button"
)
_NEAR_OF: Final = {
    "ul": "list", "ol": "list", "dl": "list", "figcaption": "figure", "label": "button", "legend": "form",
    "summary": "details", "menu": "list", **{f"h{level}": "head" for level in range(1, 7)},
}  # fmt: skip
# Kinds of owners, ordered so that one threshold is useful: from usually prose to hardly ever.
_OWNERS: Final = listed(
    "p blockquote pre dd li dt td th h1 h2 h3 h4 h5 h6 div section article main body figcaption caption summary "
    "details header footer aside nav form"
)
LEVELS: Final = 4
OFFSETS: Final = (-3, -2, -1, 1, 2, 3)

OWN: Final = listed(
    "units words link_share links digit_share upper_share commas terminals last initial bold_share lines short_share "
    "mark_share wide_share word_length images controls modes copies_before copies title_overlap ends_sentence good "
    "code_share"
)
PLACE: Final = listed(
    "place units_before good_before since_good until_good since_h1 page_units page_good page_blocks page_link_share "
    "owner heading depth good_behind good_ahead"
)
BRANCH: Final = ["units", "link_share", "good_share", "blocks"]
TOPS: Final = listed(
    "top1_up top1_down top1_share top2_up top2_down top2_share top3_up top3_down top3_share run_before run_after "
    "run_share negative_share comment_share related_share body_share"
)
LIKE: Final = listed(
    "like like_units like_link_share like_good parents parents_units parents_link_share parents_good twins "
    "parent_twins grandparent_twins cards card_units card_link_share plain_good plain_good_share plain_before"
)
HEADINGS: Final = listed("h1_up h1_down h1_share h1_seen since_heading heading_units")
BESIDE: Final = listed("units link_share last owner same good")

FEATURES: Final = (
    *OWN,
    *(f"near_{name}" for name in NEAR),
    *(f"class_{name}" for name in GROUPS),
    *(f"own_{name}" for name in GROUPS),
    *PLACE,
    *(f"branch{level}_{name}" for level in range(LEVELS) for name in BRANCH),
    *TOPS,
    *LIKE,
    *HEADINGS,
    *(f"at{offset:+d}_{name}" for offset in OFFSETS for name in BESIDE),
)
AT_NEAR: Final = len(OWN)
AT_CLASS: Final = AT_NEAR + len(NEAR)
AT_OWN_CLASS: Final = AT_CLASS + len(GROUPS)
AT_PLACE: Final = AT_OWN_CLASS + len(GROUPS)
AT_BRANCH: Final = AT_PLACE + len(PLACE)
AT_TOPS: Final = AT_BRANCH + LEVELS * len(BRANCH)
AT_LIKE: Final = AT_TOPS + len(TOPS)
AT_HEADINGS: Final = AT_LIKE + len(LIKE)
AT_BESIDE: Final = AT_HEADINGS + len(HEADINGS)
N_GROUPS: Final = len(GROUPS)
N_NEAR: Final = len(NEAR)
OFFSET_ARRAY: Final = np.array(OFFSETS)


def _per_tag() -> Ints:
    """Return for each tag number: index in `NEAR` or -1, index in `_OWNERS`, heading level."""
    table = np.zeros((len(NAMES) + 1, 3), np.int64)
    table[:, 0], table[:, 1] = -1, len(_OWNERS)
    for number, name in enumerate(NAMES, 1):
        near = _NEAR_OF.get(name, name)
        table[number, 0] = NEAR.index(near) if near in NEAR else -1
        table[number, 1] = _OWNERS.index(name) if name in _OWNERS else len(_OWNERS)
        table[number, 2] = int(name[1]) if name in ("h1", "h2", "h3", "h4", "h5", "h6") else 0
    return table


PER_TAG: Final = _per_tag()
NEGATIVE_BITS: Final = sum(
    1 << bit for bit, name in enumerate(GROUPS)
    if name in listed("comment share related nav footer newsletter consent ads side tags")
)  # fmt: skip
COMMENT_BIT, RELATED_BIT, BODY_BIT = (
    1 << list(GROUPS).index(name) for name in ("comment", "related", "body")
)
TAG_P: Final = NAMES.index("p") + 1
TAG_H1: Final = NAMES.index("h1") + 1


@compiled
def ratio(part: int, whole: int) -> np.float32:
    """Return a share as float32; 0 if the whole is 0."""
    return np.float32(part) / np.float32(whole) if whole > 0 else np.float32(0)
