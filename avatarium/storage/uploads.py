"""What users bring: files that they upload by a signed address, and files of others that are copied for them."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

from avatarium.clock import DAY_MS, SECOND_MS
from avatarium.errors import RequestError
from avatarium.settings import Settings
from avatarium.storage.child import duration_apart, reencode_apart
from avatarium.storage.fetch import Fetched, Fetcher
from avatarium.storage.incoming import working_folder
from avatarium.storage.keys import clean_name
from avatarium.storage.models import StoredObject
from avatarium.storage.receiving import UPLOADS
from avatarium.storage.service import Storage
from avatarium.storage.sniff import HEAD_BYTES, Kind, advice, described, sniff

SHORTEST_S, DEFAULT_S, LONGEST_S = 60, 900, 24 * 3600
"""How long an address for an upload is valid."""
TRANSFER_SHARE = 0.5
"""Of the time that a request has; the rest is for waiting for a free slot, and for writing the picture anew."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UploadTicket:
    """Where to put a file, and where it is then."""

    key: str
    upload_url: str
    """For one PUT, with the same Content-Type and no key."""
    public_url: str
    """Opens the file until it expires."""
    expires_in_s: int
    """Of ``upload_url``."""


class Uploads:
    """Files that users bring. Threads may share it."""

    def __init__(self, settings: Settings, storage: Storage, fetcher: Fetcher) -> None:
        self._settings = settings
        self._storage = storage
        self._fetcher = fetcher

    def ticket(
        self,
        owner: str,
        name: str,
        *,
        media_type: str | None = None,
        size_bytes: int | None = None,
        seconds: float | None = None,
        base_url: str = "",
    ) -> UploadTicket:
        """Addresses for one upload.

        Args:
            owner: whose it is.
            name: what the user calls the file; our own prefix comes before it.
            media_type: the Content-Type that the PUT must have; None binds none.
            size_bytes: the Content-Length that it must have; None binds none.
            seconds: how long the address takes a PUT; brought within 60 seconds and a day.
            base_url: where the caller reaches the service.

        Raises:
            RequestError: ``upload_type``, ``empty_upload``.
            TooLargeError: ``too_large``, ``quota``.
        """
        valid_s = round(min(max(seconds or DEFAULT_S, SHORTEST_S), LONGEST_S))
        key = _fresh_key(owner, clean_name(name))
        kept_s = self._settings.upload_days * DAY_MS / SECOND_MS + valid_s
        return UploadTicket(
            key=key,
            upload_url=self._storage.upload_url(
                key, owner=owner, media_type=media_type, size_bytes=size_bytes, seconds=valid_s, base_url=base_url
            ),
            public_url=self._storage.url(key, seconds=kept_s, base_url=base_url),
            expires_in_s=valid_s,
        )

    def transfer(self, owner: str, url: str) -> StoredObject:
        """Copy the file behind an address into the uploads of a user.

        Sound and video keep their bytes, pictures are written anew. The length of sound and video is measured.

        Raises:
            RequestError: as :meth:`Fetcher.fetch`, and where the file cannot be read.
            TooLargeError: ``url_too_large``, ``quota``.
            UnavailableError: ``storage_full``, ``storage_away``.
        """
        limit_s = min(self._settings.fetch_timeout_s, self._settings.request_timeout_s * TRANSFER_SHARE)
        with working_folder(self._settings.home) as folder:
            got = self._fetcher.fetch(url, folder / "got", kind=Kind.ANY, owner=owner, timeout_s=limit_s)
            return self._store_picture(owner, url, got) if got.kind is Kind.PICTURE else self._store(owner, url, got)

    def take(self, owner: str, name: str, path: Path, *, duration_s: float) -> StoredObject:
        """Keep a file that came with a request, as :meth:`transfer` keeps one from elsewhere.

        Args:
            duration_s: how long it plays.

        Raises:
            RequestError: ``upload_type``: it is neither sound nor video.
            TooLargeError: ``quota``.
            UnavailableError: ``storage_full``, ``storage_away``.
        """
        with path.open("rb") as file:
            head = file.read(HEAD_BYTES)
        found = sniff(head)
        if found is None or not Kind.SOUND.takes(found.kind):
            raise RequestError(f"The file is {described(head)}. {advice(Kind.SOUND)}", code="upload_type")
        named = clean_name(Path(name or "recording").stem + found.suffix)
        return self._put(owner, named, path, found.media_type, duration_s=duration_s)

    def duration_s(self, key: str) -> float | None:
        """How long a stored sound or video is, measured and kept when it is asked for first; None of a picture.

        Raises:
            NotFoundError: ``file_gone``.
            RequestError: it cannot be read.
        """
        known = self._storage.info(key)
        if known is None or known.duration_s is not None or not known.media_type.startswith(("audio/", "video/")):
            return known.duration_s if known else None
        with working_folder(self._settings.home) as folder:
            path = self._storage.local_path(key)
            if path is None:
                path = folder / "media"
                self._storage.copy_to(key, path)
            measured_s = duration_apart(path)
        self._storage.set_duration(key, measured_s)
        return measured_s

    def _store_picture(self, owner: str, url: str, got: Fetched) -> StoredObject:
        target = got.path.with_name("cleaned")
        cleaned = reencode_apart(got.path, target)
        return self._put(owner, _name_of(url, cleaned.suffix), target, cleaned.media_type)

    def _store(self, owner: str, url: str, got: Fetched) -> StoredObject:
        length_s = duration_apart(got.path)
        return self._put(owner, _name_of(url, got.suffix), got.path, got.media_type, duration_s=length_s)

    def _put(
        self, owner: str, name: str, path: Path, media_type: str, *, duration_s: float | None = None
    ) -> StoredObject:
        return self._storage.put(
            _fresh_key(owner, name),
            path,
            owner=owner,
            media_type=media_type,
            expires_ms=self._storage.upload_expiry_ms(),
            duration_s=duration_s,
        )


def _fresh_key(owner: str, name: str) -> str:
    return f"{UPLOADS}/{owner}/{secrets.token_hex(12)}/{name}"


def _name_of(url: str, suffix: str) -> str:
    """The last word of an address with the suffix that the bytes call for."""
    try:
        last = unquote(urlsplit(url).path).rsplit("/", 1)[-1]
    except ValueError:
        last = ""
    return clean_name(Path(last or "file").stem + suffix)
