"""Names of objects: ``results/<user>/<task>/clip.mp4``. Plain ASCII, so that every disk and S3 service takes them."""

from __future__ import annotations

import re
import unicodedata

from avatarium.errors import RequestError
from avatarium.storage.models import KEY_MAX

_SEGMENT = r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,199}"
_KEY = re.compile(rf"{_SEGMENT}(/{_SEGMENT}){{0,15}}")
_PREFIX = re.compile(rf"({_SEGMENT}/){{1,15}}")
_STRANGE = re.compile(r"[^A-Za-z0-9._-]+")
_NAME_MAX = 120
_DEPTH_MAX = 8


def is_key(text: str) -> bool:
    """Whether a text is a key: segments of letters, digits, ``.``, ``_`` and ``-``, none starting with a dot."""
    return len(text) <= KEY_MAX and _KEY.fullmatch(text) is not None


def checked_key(key: str) -> str:
    """The key itself.

    Raises:
        RequestError: ``bad_key``.
    """
    if not is_key(key):
        raise RequestError("This is not the name of a file here. Use the address as it was given.", code="bad_key")
    return key


def checked_prefix(prefix: str) -> str:
    """The prefix itself, which ends with a slash: ``results/<user>/<task>/``.

    Raises:
        RequestError: ``bad_key``.
    """
    if len(prefix) > KEY_MAX or not _PREFIX.fullmatch(prefix):
        raise RequestError("This is not the name of a folder of files here.", code="bad_key")
    return prefix


def clean_name(name: str, *, default: str = "file") -> str:
    """A name that a client wished for as the end of a key: folders kept, everything unusual replaced."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().replace("\\", "/")
    parts = [_clean_segment(part) for part in plain.split("/")]
    return "/".join([part for part in parts if part][-_DEPTH_MAX:]) or default


def _clean_segment(part: str) -> str:
    words = _STRANGE.sub("-", part).lstrip(".")
    stem, dot, suffix = words.rpartition(".")
    if dot and len(suffix) <= 10:
        return f"{stem[: _NAME_MAX - len(suffix) - 1]}.{suffix}".lstrip(".")
    return words[:_NAME_MAX]
