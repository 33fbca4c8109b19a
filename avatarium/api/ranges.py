"""Parts of files by HTTP (RFC 9110, 13 and 14): validators and one range of bytes."""

from __future__ import annotations

import re
from dataclasses import dataclass
from email.utils import formatdate, parsedate_to_datetime

from starlette.datastructures import Headers

_RANGE = re.compile(r"bytes=\s*(\d*)\s*-\s*(\d*)\s*", re.ASCII)
MAX_DIGITS = 18


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """Bytes from ``start`` up to but without ``end``."""

    start: int
    end: int

    @property
    def size_bytes(self) -> int:
        return self.end - self.start


class UnsatisfiableError(Exception):
    """The range begins behind the end of the file."""


def part_wanted(headers: Headers, *, size_bytes: int, etag: str, modified_ms: int) -> Part | None:
    """The range that a GET asks for; None is the whole file.

    Several ranges, other units and what cannot be read are ignored, as RFC 9110 14.2 allows.

    Raises:
        UnsatisfiableError: answer 416.
    """
    asked = _RANGE.fullmatch(headers.get("range", ""))
    if asked is None or not _still_the_same(headers.get("if-range"), etag, modified_ms):
        return None
    first, last = asked.groups()
    if max(len(first), len(last)) > MAX_DIGITS or not (first or last):
        return None
    return _part(first, last, size_bytes)


def not_modified(headers: Headers, *, etag: str, modified_ms: int) -> bool:
    """Whether the client has these bytes already: answer 304."""
    tags = headers.get("if-none-match")
    if tags is not None:
        return any(tag.strip().removeprefix("W/") in ("*", f'"{etag}"') for tag in tags.split(","))
    since = _seconds(headers.get("if-modified-since", ""))
    return since is not None and modified_ms // 1000 <= since


def http_date(ms: int) -> str:
    """An instant as HTTP writes it."""
    return formatdate(ms // 1000, usegmt=True)


def _part(first: str, last: str, size_bytes: int) -> Part | None:
    if not first:
        start, end = max(0, size_bytes - int(last)), size_bytes
        if not int(last):
            raise UnsatisfiableError
    else:
        start, end = int(first), min(int(last) + 1, size_bytes) if last else size_bytes
        if last and int(last) < start:
            return None
    if start >= size_bytes:
        raise UnsatisfiableError
    return Part(start=start, end=end)


def _still_the_same(condition: str | None, etag: str, modified_ms: int) -> bool:
    if condition is None:
        return True
    if '"' in condition:
        return condition.strip() == f'"{etag}"'
    return _seconds(condition) == modified_ms // 1000


def _seconds(date: str) -> int | None:
    try:
        return int(parsedate_to_datetime(date).timestamp())
    except (ValueError, OverflowError):
        return None
