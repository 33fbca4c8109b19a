"""The files of the pages, each with its type and a validator."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from avatarium.streaming.browser.bundle import Form, script

PAGES = Path(__file__).parent / "pages"
HTML, CSS, JAVASCRIPT = "text/html", "text/css", "text/javascript"
_TYPES = {".html": HTML, ".css": CSS, ".js": JAVASCRIPT}


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """One file as browsers get it."""

    body: bytes
    media_type: str
    etag: str
    """Of its bytes, in quotes."""


@cache
def page_names() -> frozenset[str]:
    """The files of the pages."""
    return frozenset(path.name for path in PAGES.iterdir() if path.suffix in _TYPES)


@cache
def page_file(name: str) -> Served:
    """One of :func:`page_names`."""
    return _served((PAGES / name).read_bytes(), _TYPES[Path(name).suffix])


@cache
def module(form: Form) -> Served:
    """The viewer's module."""
    return _served(script(form), JAVASCRIPT)


def _served(body: bytes, media_type: str) -> Served:
    return Served(body=body, media_type=media_type, etag=f'"{hashlib.sha256(body).hexdigest()[:32]}"')
