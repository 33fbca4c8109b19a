"""Backgrounds that users bring: fetched, written anew and kept until they are deleted."""

from __future__ import annotations

from contextlib import ExitStack

from avatarium.catalogue.models import Background
from avatarium.catalogue.service import Catalogue
from avatarium.ids import new_id
from avatarium.settings import Settings
from avatarium.storage.child import reencode_apart
from avatarium.storage.fetch import Fetcher
from avatarium.storage.incoming import working_folder
from avatarium.storage.service import Storage
from avatarium.storage.sniff import Kind

PICTURE_MAX_BYTES = 50 * 2**20
TIME_LIMIT_S = 60.0
"""For fetching: somebody waits for the answer."""


def bring_background(
    owner: str,
    url: str,
    *,
    name: str,
    settings: Settings,
    fetcher: Fetcher,
    storage: Storage,
    catalogue: Catalogue,
) -> Background:
    """Copy the picture behind an address into the storage of a user and list it as a background.

    Raises:
        RequestError: it cannot be fetched, or is no picture that can be read.
        TooLargeError: ``url_too_large``, or ``quota``.
        ConflictError: ``too_many_backgrounds``.
        UnavailableError: ``storage_full``, ``storage_away``.
    """
    limit_s = min(TIME_LIMIT_S, settings.fetch_timeout_s, settings.request_timeout_s / 2)
    with working_folder(settings.home) as folder, ExitStack() as trouble:
        got, clean = folder / "got", folder / "clean"
        fetcher.fetch(url, got, kind=Kind.PICTURE, owner=owner, max_bytes=PICTURE_MAX_BYTES, timeout_s=limit_s)
        cleaned = reencode_apart(got, clean)
        key = f"catalogue/{owner}/backgrounds/{new_id()}{cleaned.suffix}"
        storage.put(key, clean, owner=owner, media_type=cleaned.media_type, expires_ms=None)
        trouble.callback(storage.delete, key)
        added = catalogue.add_background(owner, name=name, key=key)
        trouble.pop_all()
    return added
