"""A second source of the same bytes: any address that serves an asset's one file, as it is before conversion.

Off unless the owner names one. A template is an address with ``{asset}``, ``{file}`` and ``{sha256}`` in it, such as
``https://models.example.org/{sha256}/{file}``. What comes is checked by the same sha256 as a package's contents.
"""

from __future__ import annotations

import time
import urllib.error
import urllib.request
from collections.abc import Callable
from http import HTTPStatus
from pathlib import Path

from avatarium.engine.assets.programs import Patience, ProgramStalled
from avatarium.engine.assets.records import Asset
from avatarium.errors import AssetError

SOCKET_TIMEOUT_S = 30.0
BLOCK_BYTES = 1 << 18
_SCHEMES = ("https://", "http://", "file://")


def mirror_url(template: str, asset: Asset) -> str:
    """Fill in a template.

    Raises:
        AssetError: ``asset_mirror``, it is not an http, https or file address, or has an unknown field.
    """
    try:
        url = template.format(asset=asset.name, file=asset.contents.path, sha256=asset.contents.sha256)
    except (KeyError, IndexError, ValueError) as error:
        raise _senseless(template, f"has the unknown field {error}") from error
    if not url.startswith(_SCHEMES):
        raise _senseless(template, "is not an http, https or file address")
    return url


def _senseless(template: str, why: str) -> AssetError:
    return AssetError(f"The second source {template!r} {why}; correct or remove it.", code="asset_mirror")


def fetch_mirror(url: str, partial: Path, size: int, patience: Patience, on_bytes: Callable[[int], None]) -> bool:
    """Fetch ``url`` into ``partial``, going on where a broken-off fetch stopped; False where it cannot be had.

    At most ``size`` bytes are read. The caller checks what came.

    Raises:
        ProgramStalled: it took longer than ``patience``.
    """
    deadline = time.monotonic() + patience.limit_s
    try:
        _go_on(url, partial, size, deadline, on_bytes)
    except (urllib.error.URLError, TimeoutError, ConnectionError):
        return False
    return partial.stat().st_size == size


def _go_on(url: str, partial: Path, size: int, deadline: float, on_bytes: Callable[[int], None]) -> None:
    have = partial.stat().st_size if partial.exists() else 0
    if have >= size:
        return
    request = urllib.request.Request(url, headers={"Range": f"bytes={have}-"} if have else {})
    with urllib.request.urlopen(request, timeout=SOCKET_TIMEOUT_S) as answer:
        if have and answer.status != HTTPStatus.PARTIAL_CONTENT:
            have = 0
        with partial.open("ab" if have else "wb") as file:
            while have < size and (block := answer.read(min(BLOCK_BYTES, size - have))):
                file.write(block)
                have += len(block)
                on_bytes(have)
                if time.monotonic() > deadline:
                    raise ProgramStalled("the time that was allowed")
