"""Presigned addresses of S3 (AWS Signature Version 4, "Authenticating Requests: Using Query Parameters").

The client library signs the method and the path only; an upload must also be bound to its type and size, and an address
that comes back must be told from a forged one.
"""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from urllib.parse import SplitResult, parse_qsl, quote, urlencode, urlsplit

LONGEST_S = 7 * 24 * 3600
"""S3 refuses addresses that are valid for longer."""
_ALGORITHM = "AWS4-HMAC-SHA256"
_STAMP = "%Y%m%dT%H%M%SZ"


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """Who signs, and for where."""

    key_id: str
    secret: str
    region: str


def presign(
    who: Credentials, method: str, url: str, *, seconds: int, now_ms: int, headers: dict[str, str] | None = None
) -> str:
    """An address that lets whoever has it make one kind of request for a while.

    Args:
        who: the key that signs.
        method: ``GET`` or ``PUT``.
        url: the object, its path quoted already.
        seconds: how long; at most a week.
        now_ms: the instant from which they count.
        headers: lower-case names; the request must carry exactly these.
    """
    parts = urlsplit(url)
    bound = {"host": parts.netloc, **(headers or {})}
    stamp = datetime.fromtimestamp(now_ms / 1000, UTC).strftime(_STAMP)
    query = {
        "X-Amz-Algorithm": _ALGORITHM,
        "X-Amz-Credential": f"{who.key_id}/{_scope(stamp, who)}",
        "X-Amz-Date": stamp,
        "X-Amz-Expires": str(seconds),
        "X-Amz-SignedHeaders": ";".join(sorted(bound)),
    }
    signature = _signature(who, method, parts, query, bound)
    return f"{url}?{_canonical_query({**query, 'X-Amz-Signature': signature})}"


def opens(who: Credentials, url: str) -> bool:
    """Whether an address allows a GET by a signature of ours, expired or not."""
    parts = urlsplit(url)
    query = dict(parse_qsl(parts.query, keep_blank_values=True))
    given = query.pop("X-Amz-Signature", "")
    stamp = query.get("X-Amz-Date", "")
    ours = query.get("X-Amz-Credential") == f"{who.key_id}/{_scope(stamp, who)}"
    if not ours or query.get("X-Amz-SignedHeaders") != "host":
        return False
    wanted = _signature(who, "GET", parts, query, {"host": parts.netloc})
    return hmac.compare_digest(wanted.encode(), given.encode(errors="replace"))


def expired(url: str, now_ms: int) -> bool:
    """Whether the time of a presigned address is over, or not told."""
    query = dict(parse_qsl(urlsplit(url).query))
    try:
        start = datetime.strptime(query["X-Amz-Date"], _STAMP).replace(tzinfo=UTC)
        end = start + timedelta(seconds=int(query["X-Amz-Expires"]))
    except (KeyError, ValueError, OverflowError):
        return True
    return end.timestamp() * 1000 <= now_ms


def _signature(
    who: Credentials, method: str, parts: SplitResult, query: dict[str, str], headers: dict[str, str]
) -> str:
    stamp = query["X-Amz-Date"]
    names = sorted(headers)
    request = "\n".join(
        (
            method,
            parts.path,
            _canonical_query(query),
            *(f"{name}:{headers[name].strip()}" for name in names),
            "",
            ";".join(names),
            "UNSIGNED-PAYLOAD",
        )
    )
    digest = hashlib.sha256(request.encode()).hexdigest()
    text = "\n".join((_ALGORITHM, stamp, _scope(stamp, who), digest))
    return hmac.new(_signing_key(stamp, who), text.encode(), "sha256").hexdigest()


def _signing_key(stamp: str, who: Credentials) -> bytes:
    key = f"AWS4{who.secret}".encode()
    for word in (stamp[:8], who.region, "s3", "aws4_request"):
        key = hmac.digest(key, word.encode(), "sha256")
    return key


def _scope(stamp: str, who: Credentials) -> str:
    return f"{stamp[:8]}/{who.region}/s3/aws4_request"


def _canonical_query(query: dict[str, str]) -> str:
    return urlencode(sorted(query.items()), quote_via=quote, safe="~")
