"""Transcripts of dubbings: each correction is a file of its own, with a number that goes up.

Whoever corrects says which version he has read; of two who correct the same one, the second is told.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

import sqlalchemy as sa

from avatarium.database import Database
from avatarium.engine.dubbing.document import DubDocument
from avatarium.errors import ConflictError, NotFoundError, OutdatedError
from avatarium.storage.models import objects
from avatarium.storage.service import Storage

MEDIA_TYPE = "application/json"
FOLDER = "transcripts/"
FIRST = f"{FOLDER}{1:06d}.json"
KEPT = 30
"""Versions of one transcript; the oldest go."""
_LAST = "\x7f"


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """One version of a transcript."""

    number: int
    """1 is what was heard."""
    key: str
    expires_ms: int | None


class Transcripts:
    """Those of one user's dubbings. Threads may share it."""

    def __init__(self, storage: Storage, database: Database, owner: str) -> None:
        self._storage, self._database, self._owner = storage, database, owner

    def latest(self, dubbing_id: str) -> Version:
        """The newest version.

        Raises:
            NotFoundError: ``no_transcript``: nothing was heard yet, or it has expired.
        """
        found = self._versions(dubbing_id)
        if not found:
            raise NotFoundError(
                "There is no transcript of this dubbing: nothing was heard yet, or it has expired. Wait until "
                "`transcript_version` in its record is above 0, or dub the video again.",
                code="no_transcript",
            )
        return found[0]

    def first(self, dubbing_id: str) -> Version | None:
        """What the dubbing was rendered from; None where it is gone."""
        found = self._versions(dubbing_id)
        return found[-1] if found and found[-1].number == 1 else None

    def newest(self, dubbing_ids: Sequence[str]) -> dict[str, int]:
        """The numbers of the newest versions, by the ids of the dubbings that have one."""
        written = objects.c.key.like(f"%/{FOLDER}%") & objects.c.task_id.in_(dubbing_ids)
        query = sa.select(objects.c.task_id, sa.func.max(objects.c.key)).where(
            objects.c.owner == self._owner, objects.c.awaited.is_(False), written
        )
        with self._database.read() as c:
            found = c.execute(query.group_by(objects.c.task_id)).all()
        return {dubbing_id: int(PurePosixPath(key).stem) for dubbing_id, key in found}

    def read(self, version: Version) -> DubDocument:
        """The document of a version.

        Raises:
            NotFoundError: it has expired.
            TextError: it cannot be read.
        """
        return DubDocument.from_json(b"".join(self._storage.read(version.key)))

    def add(self, dubbing_id: str, document: DubDocument, *, read: int) -> Version:
        """Write the version after the one that was read.

        Raises:
            OutdatedError: ``transcript_outdated``: there is a newer one already.
            NotFoundError, TooLargeError: as :meth:`latest`; ``quota``.
        """
        latest = self.latest(dubbing_id)
        if latest.number != read:
            raise _outdated(latest.number)
        number = latest.number + 1
        key = key_of(self._owner, dubbing_id, number)
        try:
            self._storage.put(
                key,
                document.to_json().encode(),
                owner=self._owner,
                media_type=MEDIA_TYPE,
                expires_ms=latest.expires_ms,
                duration_s=document.duration_s,
                task_id=dubbing_id,
                once=True,
            )
        except ConflictError as problem:
            raise _outdated(number) from problem
        for old in self._versions(dubbing_id)[KEPT:-1]:  # the first tells what is changed
            self._storage.delete(old.key)
        return Version(number=number, key=key, expires_ms=latest.expires_ms)

    def _versions(self, dubbing_id: str) -> list[Version]:
        """Newest first."""
        folder = f"results/{self._owner}/{dubbing_id}/{FOLDER}"
        below = (objects.c.key >= folder, objects.c.key < folder + _LAST, objects.c.awaited.is_(False))
        query = sa.select(objects.c.key, objects.c.expires_ms).where(*below).order_by(objects.c.key.desc())
        with self._database.read() as c:
            return [
                Version(number=int(PurePosixPath(row.key).stem), key=row.key, expires_ms=row.expires_ms)
                for row in c.execute(query)
            ]


def key_of(owner: str, dubbing_id: str, number: int) -> str:
    """Where a version lies."""
    return f"results/{owner}/{dubbing_id}/{FOLDER}{number:06d}.json"


def _outdated(number: int) -> OutdatedError:
    return OutdatedError(
        f"The transcript has been corrected meanwhile; it is at version {number} now. Fetch it, make your changes in "
        "it, and send it again.",
        code="transcript_outdated",
    )
