"""The objects of users: bytes in one place, facts in the database, addresses that open them for a while."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import parse_qsl, unquote, urlsplit

from sqlalchemy import Connection

from avatarium.clock import DAY_MS, SECOND_MS, Clock
from avatarium.database import Database
from avatarium.errors import ForbiddenError, NotFoundError
from avatarium.secret import load_secret
from avatarium.settings import Settings
from avatarium.storage import incoming, records
from avatarium.storage.blobs import BLOCK_BYTES, Blobs, Stat, full_disk_is_unavailable
from avatarium.storage.keys import checked_key, checked_prefix, is_key
from avatarium.storage.local import LocalBlobs
from avatarium.storage.models import SYSTEM_OWNER, StoredObject
from avatarium.storage.receiving import bounded, check_received, check_repeat, check_wish, owner_of_upload
from avatarium.storage.signing import PATH, Claims, Signer

EXPIRE_BATCH, EXPIRE_BATCHES = 200, 50
AWAIT_GRACE_MS = 3600 * SECOND_MS
"""A PUT straight to S3 may begin in the last second of its address and take this long."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """An address of ours."""

    key: str
    signed: bool
    """Whether its signature is good, expired or not."""
    expired: bool


class Storage:
    """Objects under keys. Threads may share it."""

    def __init__(self, settings: Settings, database: Database, clock: Clock, blobs: Blobs, signer: Signer) -> None:
        self._settings = settings
        self._database = database
        self._clock = clock
        self._blobs = blobs
        self._signer = signer

    @classmethod
    def open(cls, settings: Settings, database: Database, clock: Clock) -> Storage:
        """Objects where ``settings.storage_url`` says.

        Raises:
            OptionError: ``bad_setting``, ``bad_secret``.
            OutputError: ``secret_not_kept``.
        """
        signer = Signer(load_secret(settings), clock)
        return cls(settings, database, clock, _place(settings, clock), signer)

    def put(
        self,
        key: str,
        source: Path | bytes,
        *,
        owner: str,
        media_type: str,
        expires_ms: int | None,
        duration_s: float | None = None,
        task_id: str | None = None,
        once: bool = False,
    ) -> StoredObject:
        """Store a file or bytes under a key, in one step and in place of what was there; with ``once`` only if nothing
        was, so that of two at the same time one is refused.

        Raises:
            TooLargeError: ``quota``.
            UnavailableError: ``storage_full``, ``storage_away``.
            ConflictError: ``key_taken``: the key is somebody else's; ``already_uploaded`` of one that is written once.
        """
        wanted = StoredObject(
            key=checked_key(key),
            owner=owner,
            size_bytes=source.stat().st_size if isinstance(source, Path) else len(source),
            media_type=media_type,
            duration_s=duration_s,
            task_id=task_id,
            created_ms=self._clock.now_ms(),
            expires_ms=expires_ms,
        )
        with self._blobs.stage(key, source if isinstance(source, Path) else [source]) as staged:
            self._keep(wanted, staged.publish, once=once)
        return wanted

    def receive(self, key: str, chunks: Iterable[bytes], claims: Claims) -> StoredObject:
        """Store an upload as it comes in; nothing is kept of one that is not what was announced.

        A key takes one file. The same file may come again; nothing is stored then.

        Args:
            key: where to.
            chunks: the body, in pieces.
            claims: from :meth:`check_upload`.

        Raises:
            RequestError: ``empty_upload``, ``wrong_size``, ``upload_type``.
            TooLargeError: ``too_large``, ``quota``.
            ConflictError: ``already_uploaded``.
            UnavailableError: ``storage_full``, ``storage_away``.
        """
        owner = owner_of_upload(checked_key(key))
        known = self.info(key)
        if known is not None:
            check_repeat(chunks, self.read(key), known.size_bytes)
            return known
        with self._database.read() as connection:
            room = records.room_bytes(connection, key, owner, self._settings.quota_bytes)
        head = bytearray()
        body = bounded(chunks, claims, self._settings, room_bytes=room, head=head)
        with self._blobs.stage(key, body) as staged:
            wanted = StoredObject(
                key=key,
                owner=owner,
                size_bytes=staged.size_bytes,
                media_type=check_received(bytes(head), staged.size_bytes, claims),
                duration_s=None,
                task_id=None,
                created_ms=self._clock.now_ms(),
                expires_ms=self.upload_expiry_ms(),
            )
            self._keep(wanted, staged.publish, once=True)
        return wanted

    def upload_expiry_ms(self) -> int:
        """When an upload of now is removed."""
        return self._clock.now_ms() + round(self._settings.upload_days * DAY_MS)

    def _keep(self, wanted: StoredObject, publish: Callable[[str], None], *, once: bool = False) -> None:
        """Reserve, publish, confirm: whatever dies in between leaves a record, by which the sweep finds the bytes."""
        soon = replace(wanted, expires_ms=self._clock.now_ms() + AWAIT_GRACE_MS)
        with self._database.write() as connection:
            made = records.reserve(connection, soon, self._settings.quota_bytes, once=once)
        with ExitStack() as trouble:
            trouble.callback(self._undo, made)
            publish(wanted.media_type)
            trouble.pop_all()
        with self._database.write() as connection:
            kept = records.confirm(connection, made, size_bytes=wanted.size_bytes, expires_ms=wanted.expires_ms)
        if not kept:
            self._reconcile(wanted.key)

    def _undo(self, made: records.Reservation) -> None:
        with self._database.write() as connection:
            records.undo(connection, made)

    def _reconcile(self, key: str) -> None:
        """Somebody else stored under this key, or removed it, meanwhile: let what is recorded be what lies there."""
        stat = self._blobs.stat(key)
        with self._database.write() as connection:
            known = stat is not None and records.measure(connection, key, stat.size_bytes)
        if not known:
            self._blobs.delete(key)

    def check_room(self, owner: str, size_bytes: int) -> None:
        """See early that an owner has room for so many bytes more; storing them looks again.

        Raises:
            TooLargeError: ``quota``.
        """
        quota = self._settings.quota_bytes
        if owner != SYSTEM_OWNER and self.used_bytes(owner) + size_bytes > quota:
            raise records.no_room(quota)

    # Bytes out

    def info(self, key: str) -> StoredObject | None:
        """What is known of an object, None where there is none."""
        if not is_key(key):
            return None
        with self._database.read() as connection:
            found = records.find(connection, key)
        if found is None:
            return None
        return self._arrived(found[0]) if found[1] else found[0]

    def stat(self, key: str) -> Stat | None:
        """Size, age and version of the bytes."""
        return self._blobs.stat(checked_key(key))

    def read(self, key: str) -> Iterator[bytes]:
        """All bytes of an object.

        Raises:
            NotFoundError: ``file_gone``.
            UnavailableError: ``storage_away``.
        """
        stat = self._blobs.stat(checked_key(key))
        if stat is None:
            raise NotFoundError("This file is not here any more. Make or upload it again.", code="file_gone")
        return self._blobs.read(key, 0, stat.size_bytes)

    def read_range(self, key: str, start: int, end: int) -> Iterator[bytes]:
        """The bytes from ``start`` up to but without ``end``; raises as :meth:`read`."""
        return self._blobs.read(checked_key(key), start, end)

    def copy_to(self, key: str, path: Path) -> None:
        """Write an object to a file; raises as :meth:`read`, and ``storage_full``."""
        with full_disk_is_unavailable(), path.open("wb", buffering=BLOCK_BYTES) as file:
            for block in self.read(key):
                file.write(block)

    def local_path(self, key: str) -> Path | None:
        """The file itself, where objects are files of this machine. Only for reading."""
        return self._blobs.local_path(checked_key(key))

    # Addresses

    def url(self, key: str, *, base_url: str = "", seconds: float) -> str:
        """An address that opens an object for a while, without a key.

        Args:
            key: which object.
            base_url: where the caller reaches the service; empty takes that of the settings.
            seconds: how long.
        """
        direct = self._blobs.download_url(checked_key(key), seconds)
        if direct is not None:
            return direct
        return f"{base_url or self._settings.base_url}{PATH}{key}?{self._signer.download_query(key, seconds)}"

    def upload_url(
        self,
        key: str,
        *,
        owner: str,
        media_type: str | None,
        size_bytes: int | None,
        seconds: float,
        base_url: str = "",
    ) -> str:
        """An address that takes one file of this type and size by PUT. ``key`` is ``uploads/<owner>/...``.

        Raises:
            RequestError: ``empty_upload``, ``upload_type``.
            TooLargeError: ``too_large``, ``quota``.
        """
        check_wish(media_type, size_bytes, self._settings.upload_max_bytes)
        self.check_room(owner, size_bytes or 1)
        if owner_of_upload(checked_key(key)) != owner:
            raise ValueError(f"{key} is not below the uploads of {owner}")
        direct = self._blobs.upload_url(key, media_type, size_bytes, seconds)
        if direct is not None and media_type is not None and size_bytes is not None:  # bound to both, or not direct
            self._await(key, owner, media_type, size_bytes, seconds)
            return direct
        claims = Claims(key=key, media_type=media_type, size_bytes=size_bytes)
        return f"{base_url or self._settings.base_url}{PATH}{key}?{self._signer.upload_query(claims, seconds)}"

    def check_download(self, key: str, query: Mapping[str, str]) -> StoredObject:
        """Let a GET of ``/files/<key>`` pass.

        Raises:
            ForbiddenError: ``bad_signature``, ``url_expired``.
            NotFoundError: ``file_gone``.
        """
        self._signer.check_download(key, query)
        found = self.info(key)
        if found is None:
            raise NotFoundError("This file is not here any more. Make or upload it again.", code="file_gone")
        return found

    def check_upload(
        self, key: str, query: Mapping[str, str], *, media_type: str | None, size_bytes: int | None
    ) -> Claims:
        """Let a PUT of ``/files/<key>`` pass: see :meth:`Signer.check_upload`."""
        return self._signer.check_upload(checked_key(key), query, media_type=media_type, size_bytes=size_bytes)

    def key_of(self, url: str) -> str | None:
        """The key of an address that was signed here, whatever host stands in it, expired or not; else None."""
        found = self.parse(url)
        return found.key if found and found.signed else None

    def parse(self, url: str) -> Found | None:
        """What an address of ours says; None where it has another form."""
        direct = self._blobs.parse_url(url)
        if direct is not None:
            return Found(key=direct.key, signed=direct.signed, expired=direct.expired)
        try:
            parts = urlsplit(url)
        except ValueError:
            return None
        _, mark, rest = parts.path.partition(PATH)
        key = unquote(rest)
        if not mark or not is_key(key):
            return None
        query = dict(parse_qsl(parts.query))
        return Found(key=key, signed=self._signer.opens(key, query), expired=self._signer.expired(query))

    def readable(self, url: str, owner: str) -> StoredObject | None:
        """The object behind an address, if its signature or its owner lets the caller read it; None: not one of ours.

        Raises:
            ForbiddenError: ``url_expired``.
            NotFoundError: ``file_gone``.
        """
        found = self.parse(url)
        if found is None:
            return None
        known = self.info(found.key)
        if known is not None and known.owner in (owner, SYSTEM_OWNER):
            return known
        if not found.signed:
            return None
        if found.expired:
            raise ForbiddenError("The time of this address is over. Ask for a new one.", code="url_expired")
        if known is None:
            raise NotFoundError("This file is not here any more. Make or upload it again.", code="file_gone")
        return known

    # Keeping house

    def set_duration(self, key: str, duration_s: float) -> None:
        """Keep the length of a sound or video that was measured."""
        with self._database.write() as connection:
            records.set_duration(connection, key, duration_s)

    def used_bytes(self, owner: str) -> int:
        """Bytes that the objects of an owner take."""
        with self._database.read() as connection:
            return records.used_bytes(connection, owner)

    def delete(self, key: str) -> None:
        """Remove an object, if it is there."""
        self._blobs.delete(checked_key(key))
        with self._database.write() as connection:
            records.remove(connection, [key])

    def delete_prefix(self, prefix: str) -> None:
        """Remove everything below a prefix that ends with a slash, such as ``results/<user>/<task>/``."""
        self._blobs.delete_prefix(checked_prefix(prefix))
        with self._database.write() as connection:
            records.remove_prefix(connection, prefix)

    def keep_until(self, connection: Connection, prefix: str, expires_ms: int | None) -> None:
        """Change when everything below a prefix expires, in a transaction of the caller's; None keeps it for good."""
        records.keep_until(connection, checked_prefix(prefix), expires_ms)

    def expire(self, now_ms: int) -> int:
        """Remove what is expired, in small batches and at most 10 000 objects a call; tell how many.

        What processes that died left half-done goes, too.
        """
        self._blobs.tidy(now_ms)
        incoming.tidy(self._settings.home, now_ms)
        removed = 0
        for _ in range(EXPIRE_BATCHES):
            with self._database.read() as connection:
                batch = records.expired(connection, now_ms, EXPIRE_BATCH)
            if not batch:
                break
            removed += self._expire(batch, now_ms)
        return removed

    def _expire(self, batch: list[tuple[StoredObject, bool]], now_ms: int) -> int:
        gone: list[str] = []
        for known, awaited in batch:
            if awaited and self._arrived(known) is not None:
                continue
            self._blobs.delete(known.key)
            gone.append(known.key)
        with self._database.write() as connection:
            return records.remove(connection, gone)

    def _await(self, key: str, owner: str, media_type: str, size_bytes: int, seconds: float) -> None:
        now_ms = self._clock.now_ms()
        promised = StoredObject(
            key=key,
            owner=owner,
            size_bytes=size_bytes,
            media_type=media_type,
            duration_s=None,
            task_id=None,
            created_ms=now_ms,
            expires_ms=now_ms + round(seconds * SECOND_MS) + AWAIT_GRACE_MS,
        )
        with self._database.write() as connection:
            records.reserve(connection, promised, self._settings.quota_bytes)

    def _arrived(self, promised: StoredObject) -> StoredObject | None:
        """An awaited object, if its bytes are there by now."""
        stat = self._blobs.stat(promised.key)
        if stat is None:
            return None
        known = replace(promised, size_bytes=stat.size_bytes, expires_ms=self.upload_expiry_ms())
        with self._database.write() as connection:
            records.arrive(connection, known.key, size_bytes=known.size_bytes, expires_ms=known.expires_ms)
        return known


def _place(settings: Settings, clock: Clock) -> Blobs:
    if not settings.storage_url:
        return LocalBlobs(settings.home / "objects")
    from avatarium.storage.s3 import S3Blobs

    return S3Blobs.open(settings, clock)
