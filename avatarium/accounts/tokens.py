"""Short-lived tokens, signed and kept nowhere: log-ins (hours) and client tokens for browsers (minutes to a day).

``lt_`` or ``ct_``, then the claims as base64url of JSON, a dot, and HMAC-SHA256 of what comes before it.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
from dataclasses import dataclass
from typing import Any

from avatarium.accounts.models import Credential
from avatarium.clock import SECOND_MS
from avatarium.errors import AuthError

_PREFIXES = {Credential.LOGIN: "lt_", Credential.CLIENT: "ct_"}
_EARLY_MS = 300 * SECOND_MS
"""How far machines' clocks may differ. A token from further ahead was made by a clock that was set back since: it would
live for as long as the clock was wrong."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Claims:
    """What a token says."""

    kind: Credential
    user_id: str
    epoch: int
    """Of the user when it was made: a new password or a ban ends what was made before."""
    key_id: str
    """The key that it was made with and that it dies with; empty after a log-in."""
    scopes: tuple[str, ...] = ()
    origins: tuple[str, ...] = ()
    issued_ms: int
    expires_ms: int


def sign(claims: Claims, key: bytes) -> str:
    """The text of a token."""
    fields = [claims.user_id, claims.epoch, claims.key_id, claims.scopes, claims.origins]
    body = json.dumps([*fields, claims.issued_ms, claims.expires_ms], separators=(",", ":"))
    signed = _PREFIXES[claims.kind] + _encode(body.encode())
    return f"{signed}.{_mac(signed, key)}"


def is_signed(token: str) -> bool:
    """Whether a text has the form of such a token."""
    return token.startswith(tuple(_PREFIXES.values()))


def verify(token: str, key: bytes, *, now_ms: int) -> Claims:
    """What a token says.

    Raises:
        AuthError: it is not one of ours, or has run out.
    """
    signed, _, mac = token.rpartition(".")
    if not hmac.compare_digest(mac.encode("utf-8", "replace"), _mac(signed, key).encode()):
        raise AuthError("This token is not one of this service. Log in or make a new one.", code="bad_token")
    claims = _read(signed)
    if now_ms >= claims.expires_ms or now_ms < claims.issued_ms - _EARLY_MS:
        raise AuthError("This token has expired. Log in or make a new one.", code="token_expired")
    return claims


def _read(signed: str) -> Claims:
    kind = next(kind for kind, prefix in _PREFIXES.items() if signed.startswith(prefix))
    try:
        fields: list[Any] = json.loads(base64.urlsafe_b64decode(signed[3:] + "=" * (-len(signed[3:]) % 4)))
        user_id, epoch, key_id, scopes, origins, issued_ms, expires_ms = fields
    except (binascii.Error, ValueError) as problem:  # signed, but by another release
        raise AuthError("This token is damaged. Log in or make a new one.", code="bad_token") from problem
    return Claims(
        kind=kind,
        user_id=user_id,
        epoch=epoch,
        key_id=key_id,
        scopes=tuple(scopes),
        origins=tuple(origins),
        issued_ms=issued_ms,
        expires_ms=expires_ms,
    )


def _mac(signed: str, key: bytes) -> str:
    return _encode(hmac.digest(key, signed.encode("utf-8", "replace"), hashlib.sha256))


def _encode(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
