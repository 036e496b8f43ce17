"""Which documents are for validation: decided by the document's id alone.

The answer depends on neither the run, the seed nor the other documents, so the packed shards and the published
documents of any run agree on it, and a larger share contains every document of a smaller one.
"""

from __future__ import annotations

import hashlib

_PERSON = b"validation"


def is_validation(doc_id: bytes | str, share: float) -> bool:
    """Say whether a document belongs to the validation split.

    Args:
        doc_id: the document's 16 bytes, or their 32 hex characters.
        share: share of the documents that is for validation, 0 to 1.

    Raises:
        ValueError: `doc_id` is not 16 bytes or 32 hex characters.

    >>> is_validation(bytes(16), 0.0), is_validation("00" * 16, 1.0)
    (False, True)
    """
    identity = bytes.fromhex(doc_id) if isinstance(doc_id, str) else doc_id
    if len(identity) != 16:
        raise ValueError(f"a document id has 16 bytes, not {len(identity)}: {doc_id!r}")
    # Not the id's own leading bits: a sample taken by id prefix must not be all training or all validation.
    digest = hashlib.blake2b(identity, digest_size=8, person=_PERSON).digest()
    return int.from_bytes(digest, "big") < share * 2**64
