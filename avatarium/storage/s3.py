"""Objects in a bucket of S3, or of a service that speaks its protocol."""

from __future__ import annotations

import math
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO
from urllib.parse import unquote, urlsplit

import obstore
from obstore.exceptions import BaseError
from obstore.store import S3Store

from avatarium.clock import Clock
from avatarium.errors import NotFoundError, OptionError, UnavailableError
from avatarium.settings import Settings
from avatarium.storage import sigv4
from avatarium.storage.blobs import DirectUrl, Stat, full_disk_is_unavailable
from avatarium.storage.keys import is_key

if TYPE_CHECKING:
    from obstore.store import S3Config

CONNECT_TIMEOUT_S, BLOCK_TIMEOUT_S, RETRY_S = 5, 60, 20
RANGE_BYTES = 8 << 20
"""Read by one request, and held in memory by each reader."""


class S3Blobs:
    """Objects of one bucket below one prefix."""

    def __init__(self, store: S3Store, root_url: str, credentials: sigv4.Credentials | None, clock: Clock) -> None:
        self._store = store
        self._root_url = root_url
        self._credentials = credentials
        self._clock = clock

    @classmethod
    def open(cls, settings: Settings, clock: Clock) -> S3Blobs:
        """The bucket of ``settings.storage_url``. Nothing is asked of the service yet.

        Raises:
            OptionError: ``bad_setting``.
        """
        bucket, prefix = _bucket_of(settings.storage_url)
        endpoint = (settings.s3_endpoint or f"https://s3.{settings.s3_region}.amazonaws.com").rstrip("/")
        secret = settings.s3_secret_access_key.get_secret_value()
        who = sigv4.Credentials(key_id=settings.s3_access_key_id, secret=secret, region=settings.s3_region)
        known = bool(who.key_id and who.secret)
        config: S3Config = {"endpoint": endpoint, "region": settings.s3_region, "virtual_hosted_style_request": False}
        if known:
            config.update({"access_key_id": who.key_id, "secret_access_key": who.secret})
        store = S3Store(
            bucket,
            prefix=prefix or None,
            config=config,
            client_options={
                "allow_http": endpoint.startswith("http://"),
                "connect_timeout": timedelta(seconds=CONNECT_TIMEOUT_S),
                "timeout": timedelta(seconds=BLOCK_TIMEOUT_S),
            },
            retry_config={"max_retries": 3, "retry_timeout": timedelta(seconds=RETRY_S)},
        )
        root = "/".join(part for part in (endpoint, bucket, prefix) if part)
        return cls(store, root, who if known else None, clock)

    @contextmanager
    def stage(self, key: str, source: Path | Iterable[bytes]) -> Iterator[_Spooled]:
        """See :class:`~avatarium.storage.blobs.Blobs`. What flows in waits in a temporary file of this machine."""
        if isinstance(source, Path):
            with source.open("rb") as file:
                yield _Spooled(self._store, key, file)
            return
        with tempfile.TemporaryFile(prefix="avatarium-") as spool:
            with full_disk_is_unavailable():
                for block in source:
                    spool.write(block)
                spool.flush()
            yield _Spooled(self._store, key, spool)

    def stat(self, key: str) -> Stat | None:
        """See :class:`~avatarium.storage.blobs.Blobs`."""
        try:
            with _away_is_unavailable():
                meta = obstore.head(self._store, key)
        except FileNotFoundError:
            return None
        return Stat(
            size_bytes=meta["size"],
            modified_ms=round(meta["last_modified"].timestamp() * 1000),
            etag=(meta["e_tag"] or "").strip('"'),
        )

    def read(self, key: str, start: int, end: int) -> Iterator[bytes]:
        """See :class:`~avatarium.storage.blobs.Blobs`."""
        for at in range(start, end, RANGE_BYTES):
            try:
                with _away_is_unavailable():
                    block = obstore.get_range(self._store, key, start=at, end=min(at + RANGE_BYTES, end))
            except FileNotFoundError as problem:
                raise NotFoundError("This file is not here any more.", code="file_gone") from problem
            yield bytes(block)

    def local_path(self, key: str) -> Path | None:
        """See :class:`~avatarium.storage.blobs.Blobs`."""
        return None

    def delete(self, key: str) -> None:
        """See :class:`~avatarium.storage.blobs.Blobs`."""
        with suppress(FileNotFoundError), _away_is_unavailable():
            obstore.delete(self._store, key)

    def delete_prefix(self, prefix: str) -> None:
        """See :class:`~avatarium.storage.blobs.Blobs`."""
        with _away_is_unavailable():
            for batch in obstore.list(self._store, prefix.rstrip("/"), chunk_size=500):
                obstore.delete(self._store, [meta["path"] for meta in batch])

    def tidy(self, now_ms: int) -> None:
        """Temporary files have no names, and go with the process."""

    def download_url(self, key: str, seconds: float) -> str | None:
        """See :class:`~avatarium.storage.blobs.Blobs`; S3 signs for a week at most."""
        if self._credentials is None or seconds > sigv4.LONGEST_S:
            return None
        return sigv4.presign(
            self._credentials, "GET", self._url(key), seconds=math.ceil(seconds), now_ms=self._clock.now_ms()
        )

    def upload_url(self, key: str, media_type: str | None, size_bytes: int | None, seconds: float) -> str | None:
        """See :class:`~avatarium.storage.blobs.Blobs`; what is not bound to a type and size, nobody would check."""
        if self._credentials is None or seconds > sigv4.LONGEST_S or media_type is None or size_bytes is None:
            return None
        return sigv4.presign(
            self._credentials,
            "PUT",
            self._url(key),
            seconds=math.ceil(seconds),
            now_ms=self._clock.now_ms(),
            headers={"content-type": media_type, "content-length": str(size_bytes)},
        )

    def parse_url(self, url: str) -> DirectUrl | None:
        """See :class:`~avatarium.storage.blobs.Blobs`."""
        if not url.startswith(self._root_url + "/"):
            return None
        root, parts = urlsplit(self._root_url), urlsplit(url)
        key = unquote(parts.path[len(root.path) + 1 :])
        if not is_key(key):
            return None
        signed = self._credentials is not None and sigv4.opens(self._credentials, url)
        return DirectUrl(key=key, signed=signed, expired=sigv4.expired(url, self._clock.now_ms()))

    def _url(self, key: str) -> str:
        return f"{self._root_url}/{key}"


class _Spooled:
    """Bytes on this machine, on their way to the bucket."""

    def __init__(self, store: S3Store, key: str, file: BinaryIO) -> None:
        self._store = store
        self._key = key
        self._file = file

    @property
    def size_bytes(self) -> int:
        return self._file.seek(0, 2)

    def publish(self, media_type: str) -> None:
        self._file.seek(0)
        with _away_is_unavailable():
            obstore.put(self._store, self._key, self._file, attributes={"Content-Type": media_type})


def _bucket_of(url: str) -> tuple[str, str]:
    parts = urlsplit(url)
    prefix = parts.path.strip("/")
    if parts.scheme != "s3" or not parts.netloc or (prefix and not is_key(prefix)):
        raise OptionError(
            f"The setting AVATARIUM_STORAGE_URL cannot be used: {url!r} is not of the form s3://bucket/prefix.",
            code="bad_setting",
        )
    return parts.netloc, prefix


@contextmanager
def _away_is_unavailable() -> Iterator[None]:
    try:
        yield
    except FileNotFoundError:
        raise
    except BaseError as problem:
        raise UnavailableError(
            "The storage of the service does not answer as it should. Try again in a few seconds.",
            code="storage_away",
            retry_after_s=5,
        ) from problem
