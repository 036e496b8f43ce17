"""Language labels of models, with or without a script, and lists of languages in recipes.

lid.176 says ``de``, GlotLID and OpenLID ``deu_Latn``, a page's own metadata ``de-AT``. The language is the part before
the first ``_`` or ``-``: in a recipe ``deu`` means German in any script, and ``deu_Latn`` means that label alone. Codes
are compared as written; ``de`` is not ``deu``, so a recipe uses the codes of its model.
"""

from __future__ import annotations

import re
from collections.abc import Container
from typing import Final

UNDETERMINED: Final = "und"
"""ISO 639-2 code for a text without a label."""

BEFORE_SCRIPT: Final = "^[^-_]*"
"""Regular expression for the language in a label; Python and SQL read it alike."""

_LANGUAGE: Final = re.compile(BEFORE_SCRIPT)


def names_of(label: str | None) -> tuple[str, str]:
    """Return the two names that a label matches: itself, and its language alone.

    >>> names_of("srp_Cyrl"), names_of("sr"), names_of(None)
    (('srp_Cyrl', 'srp'), ('sr', 'sr'), ('und', 'und'))
    """
    label = UNDETERMINED if label is None else label
    found = _LANGUAGE.match(label)
    return label, found[0] if found else label


def is_in(label: str | None, languages: Container[str]) -> bool:
    """Return True if a list of languages has a label.

    >>> is_in("srp_Cyrl", ["srp"]), is_in("srp_Cyrl", ["srp_Latn"]), is_in(None, ["und"])
    (True, False, True)
    """
    return any(name in languages for name in names_of(label))
