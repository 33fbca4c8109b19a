"""Addresses of files that open without a key: an HMAC-SHA256 says what they allow and until when."""

from __future__ import annotations

import hmac
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlencode

from avatarium.clock import SECOND_MS, Clock
from avatarium.errors import ForbiddenError, RequestError
from avatarium.secret import derive

PATH = "/files/"
"""Where the API serves objects."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Claims:
    """What a signed address of an upload allows."""

    key: str
    media_type: str | None
    """None is any."""
    size_bytes: int | None
    """None is any up to the limit of the service."""


class Signer:
    """Makes and checks signed addresses of our own."""

    def __init__(self, secret: bytes, clock: Clock) -> None:
        self._key = derive(secret, "files")
        self._clock = clock

    def download_query(self, key: str, seconds: float) -> str:
        """The query that lets whoever has it read an object."""
        expiry = self._expiry(seconds)
        return urlencode({"exp": expiry, "sig": self._sign("GET", key, expiry)})

    def upload_query(self, claims: Claims, seconds: float) -> str:
        """The query that lets whoever has it write an object of exactly this type and size."""
        fields = {"exp": self._expiry(seconds), **_bound(claims.media_type, claims.size_bytes)}
        signature = self._sign("PUT", claims.key, *_words(fields))
        return urlencode({**fields, "sig": signature})

    def opens(self, key: str, query: Mapping[str, str]) -> bool:
        """Whether a download was signed here, expired or not."""
        return self._matches(query, "GET", key, query.get("exp", ""))

    def expired(self, query: Mapping[str, str]) -> bool:
        """Whether the time of a signed address is over."""
        text = query.get("exp", "")
        return (
            not (text.isascii() and text.isdigit() and len(text) <= 12) or int(text) * SECOND_MS <= self._clock.now_ms()
        )

    def check_download(self, key: str, query: Mapping[str, str]) -> None:
        """Let a GET pass.

        Raises:
            ForbiddenError: ``bad_signature``, ``url_expired``.
        """
        self._check(self.opens(key, query), query)

    def check_upload(
        self, key: str, query: Mapping[str, str], *, media_type: str | None, size_bytes: int | None
    ) -> Claims:
        """Let a PUT pass and tell what it may bring.

        Args:
            media_type: the Content-Type that was sent.
            size_bytes: the Content-Length that was sent; None where it was not, and the bytes are to be counted.

        Raises:
            ForbiddenError: ``bad_signature``, ``url_expired``.
            RequestError: ``wrong_type``, ``wrong_size``.
        """
        self._check(self._matches(query, "PUT", key, *_words(query)), query)
        claims = Claims(key=key, media_type=query.get("type"), size_bytes=_number(query.get("size")))
        if claims.media_type is not None and plain_type(media_type) != plain_type(claims.media_type):
            raise RequestError(
                f"This address takes {claims.media_type}; send it with that Content-Type.", code="wrong_type"
            )
        if claims.size_bytes is not None and size_bytes not in (None, claims.size_bytes):
            raise wrong_size(claims.size_bytes)
        return claims

    def _expiry(self, seconds: float) -> int:
        return math.ceil(self._clock.now_ms() / SECOND_MS + seconds)

    def _sign(self, *words: object) -> str:
        return hmac.new(self._key, json.dumps([str(word) for word in words]).encode(), "sha256").hexdigest()

    def _matches(self, query: Mapping[str, str], *words: object) -> bool:
        return hmac.compare_digest(self._sign(*words).encode(), query.get("sig", "").encode(errors="replace"))

    def _check(self, signed: bool, query: Mapping[str, str]) -> None:
        if not signed:
            raise ForbiddenError(
                "The signature of this address is not ours. Use the address exactly as it was given.",
                code="bad_signature",
            )
        if self.expired(query):
            raise ForbiddenError("The time of this address is over. Ask for a new one.", code="url_expired")


def plain_type(media_type: str | None) -> str:
    """A Content-Type without its parameters: ``video/webm`` of ``Video/WebM; codecs=vp9``."""
    return (media_type or "").split(";", 1)[0].strip().lower()


def wrong_size(size_bytes: int) -> RequestError:
    """The error for an upload that is shorter or longer than was announced."""
    return RequestError(
        f"This address takes a file of exactly {size_bytes} bytes. Ask for another with the right size.",
        code="wrong_size",
    )


def _bound(media_type: str | None, size_bytes: int | None) -> dict[str, object]:
    fields = {"type": media_type, "size": size_bytes}
    return {name: value for name, value in fields.items() if value is not None}


def _words(query: Mapping[str, object]) -> tuple[str, ...]:
    """What is signed of an upload; a field that is missing is told apart from an empty one."""
    return tuple(f"{name}={query[name]}" if name in query else name for name in ("exp", "type", "size"))


def _number(text: str | None) -> int | None:
    return None if text is None else int(text)
