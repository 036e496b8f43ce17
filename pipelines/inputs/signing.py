"""Credentials from environment variables as request headers; without them, requests are anonymous.

=======  ====================================================================================================
scheme   variables
=======  ====================================================================================================
s3       ``AWS_ACCESS_KEY_ID`` and ``AWS_SECRET_ACCESS_KEY``, ``AWS_SESSION_TOKEN`` with temporary ones
gs       ``CLOUDSDK_AUTH_ACCESS_TOKEN`` (``gcloud auth print-access-token`` prints one)
hf       ``HF_TOKEN``
=======  ====================================================================================================

Nothing else is read yet: no profiles in ``~/.aws``, no SSO, no instance roles, no ``gcloud`` login, no ``hf`` login.
Credentials go to the address in the recipe, and never to the target of a redirect.
"""

from __future__ import annotations

import hashlib
import hmac
import os
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final
from urllib.parse import parse_qsl, quote, urlsplit

from pipelines.inputs.address import s3_region

_EMPTY: Final = hashlib.sha256(b"").hexdigest()
"""Hash of the body of a GET request."""


def credentials(
    scheme: str,
    url: str,
    headers: Mapping[str, str],
    environment: Mapping[str, str] = os.environ,
    now: datetime | None = None,
) -> dict[str, str]:
    """Return the headers that authorise a GET request.

    Args:
        scheme: ``s3``, ``gs``, ``hf``, or one that needs no credentials.
        url: of the request.
        headers: headers that a signature must cover.
        environment: the variables.
        now: time of the request; None = now.
    """
    if scheme == "gs" and (token := environment.get("CLOUDSDK_AUTH_ACCESS_TOKEN")):
        return {"Authorization": f"Bearer {token}"}
    if scheme == "hf" and (token := environment.get("HF_TOKEN")):
        return {"Authorization": f"Bearer {token}"}
    if scheme == "s3" and environment.get("AWS_ACCESS_KEY_ID") and environment.get("AWS_SECRET_ACCESS_KEY"):
        return _signature(url, headers, environment, now or datetime.now(UTC))
    return {}


def _signature(
    url: str, headers: Mapping[str, str], environment: Mapping[str, str], now: datetime
) -> dict[str, str]:
    """Sign a GET request (AWS Signature Version 4; the names below are those of its specification)."""
    parts, region = urlsplit(url), s3_region(environment)
    stamp = now.strftime("%Y%m%dT%H%M%SZ")
    added = {"x-amz-date": stamp, "x-amz-content-sha256": _EMPTY}
    if session := environment.get("AWS_SESSION_TOKEN"):
        added["x-amz-security-token"] = session
    signed = {"host": parts.netloc, **{name.lower(): value for name, value in headers.items()}, **added}
    names = ";".join(sorted(signed))
    query = "&".join(
        f"{quote(name, safe='')}={quote(value, safe='')}"
        for name, value in sorted(parse_qsl(parts.query, keep_blank_values=True))
    )
    lines = "".join(f"{name}:{signed[name].strip()}\n" for name in sorted(signed))
    request = "\n".join(("GET", parts.path or "/", query, lines, names, _EMPTY))
    scope = f"{stamp[:8]}/{region}/s3/aws4_request"
    digest = hashlib.sha256(request.encode()).hexdigest()
    key = f"AWS4{environment['AWS_SECRET_ACCESS_KEY']}".encode()
    for part in (*scope.split("/"), "\n".join(("AWS4-HMAC-SHA256", stamp, scope, digest))):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    owner = f"{environment['AWS_ACCESS_KEY_ID']}/{scope}"
    authorization = f"AWS4-HMAC-SHA256 Credential={owner},SignedHeaders={names},Signature={key.hex()}"
    return {**added, "Authorization": authorization}
