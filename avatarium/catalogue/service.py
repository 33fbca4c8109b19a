"""What users choose from. Their own come from the database, what ships comes from the package."""

from __future__ import annotations

import functools
from typing import Any, Literal

import sqlalchemy as sa
from sqlalchemy import Connection

from avatarium.catalogue.lip_models import LipModels
from avatarium.catalogue.models import (
    NAME_MAX,
    Avatar,
    Background,
    avatar_of,
    avatars,
    background_of,
    backgrounds,
)
from avatarium.catalogue.shipped import shipped_avatars, shipped_backgrounds
from avatarium.catalogue.user_voices import UserVoices
from avatarium.clock import Clock
from avatarium.database import Database
from avatarium.errors import ConflictError, ForbiddenError, NotFoundError
from avatarium.ids import new_id
from avatarium.storage.service import Storage

Which = Literal["default", "custom"]
BACKGROUNDS_MAX = 1000
"""Of one user: every list of them is whole."""


class Catalogue:
    """Avatars and backgrounds, as one user may see them. Threads may share it."""

    def __init__(self, *, database: Database, storage: Storage, clock: Clock) -> None:
        self._database = database
        self._storage = storage
        self._clock = clock
        self.lip_models = LipModels(database)
        self.voices = UserVoices(database)

    # Avatars

    def avatars(self, owner: str, *, kind: Which | None = None, twin_id: str | None = None) -> list[Avatar]:
        """The caller's own, newest first, then those that ship.

        Args:
            owner: the caller.
            kind: only those that ship (``default``) or only the caller's own (``custom``).
            twin_id: only what this training made.
        """
        own = [] if kind == "default" else self._own_avatars(owner, twin_id)
        ours = [] if kind == "custom" or twin_id is not None else shipped_avatars()
        return [*own, *ours]

    def avatar(self, owner: str, avatar_id: str) -> Avatar:
        """One avatar.

        Raises:
            NotFoundError: ``avatar_not_found``: there is none, or it is somebody else's.
        """
        shipped = next((avatar for avatar in shipped_avatars() if avatar.id == avatar_id), None)
        if shipped is not None:
            return shipped
        with self._database.read() as c:
            row = c.execute(_of(avatars, owner, avatar_id)).one_or_none()
        if row is None:
            raise _no_avatar()
        return avatar_of(row)

    def add_avatar(self, c: Connection, avatar: Avatar) -> None:
        """Write an avatar of a user, in the transaction that completes what made it."""
        assert avatar.owner is not None
        c.execute(
            sa.insert(avatars).values(
                id=avatar.id,
                owner=avatar.owner,
                name=avatar.name[:NAME_MAX],
                gender=avatar.gender,
                kind=avatar.kind,
                picture_key=avatar.picture_key,
                cover_key=avatar.cover_key,
                preview_key=avatar.preview_key,
                twin_id=avatar.twin_id,
                package_key=avatar.package_key,
                track_key=avatar.track_key,
                sound_key=avatar.sound_key,
                background_key=avatar.background_key,
                background_color=avatar.background_color,
                consent=avatar.consent,
                created_ms=avatar.created_ms,
            )
        )

    def remove_avatar(self, c: Connection, owner: str, avatar_id: str) -> Avatar:
        """Take an avatar of the caller out of the catalogue and tell what it was; its files are left to the caller.

        Raises:
            NotFoundError: ``avatar_not_found``.
            ForbiddenError: ``avatar_ships``: it is not the caller's to remove.
        """
        if any(avatar.id == avatar_id for avatar in shipped_avatars()):
            raise ForbiddenError(
                "This avatar ships with the service and stays. Only your own can be removed.", code="avatar_ships"
            )
        row = c.execute(_of(avatars, owner, avatar_id)).one_or_none()
        if row is None:
            raise _no_avatar()
        c.execute(sa.delete(avatars).where(avatars.c.id == avatar_id, avatars.c.owner == owner))
        return avatar_of(row)

    # Backgrounds

    def backgrounds(self, owner: str, *, own_only: bool = False) -> list[Background]:
        """The caller's own, newest first, then those that ship."""
        query = sa.select(backgrounds).where(backgrounds.c.owner == owner)
        with self._database.read() as c:
            rows = c.execute(query.order_by(*_newest_first(backgrounds))).all()
        return [*map(background_of, rows), *(() if own_only else shipped_backgrounds())]

    def background(self, owner: str, background_id: str) -> Background:
        """One background.

        Raises:
            NotFoundError: ``background_not_found``: there is none, or it is somebody else's.
        """
        shipped = next((ours for ours in shipped_backgrounds() if ours.id == background_id), None)
        if shipped is not None:
            return shipped
        with self._database.read() as c:
            row = c.execute(_of(backgrounds, owner, background_id)).one_or_none()
        if row is None:
            raise _no_background()
        return background_of(row)

    def add_background(self, owner: str, *, name: str, key: str) -> Background:
        """Write a background of a user whose picture is stored already.

        Raises:
            ConflictError: ``too_many_backgrounds``.
        """
        added = Background(id=new_id(), owner=owner, name=name[:NAME_MAX], key=key, created_ms=self._clock.now_ms())
        count = sa.select(sa.func.count()).select_from(backgrounds).where(backgrounds.c.owner == owner)
        with self._database.write() as c:
            if c.execute(count).scalar_one() >= BACKGROUNDS_MAX:
                raise ConflictError(
                    f"You have {BACKGROUNDS_MAX} backgrounds, which is the limit. Delete some first.",
                    code="too_many_backgrounds",
                )
            c.execute(
                sa.insert(backgrounds).values(
                    id=added.id, owner=owner, name=added.name, key=key, created_ms=added.created_ms
                )
            )
        return added

    def remove_background(self, owner: str, background_id: str) -> Background:
        """Remove a background of the caller and its file; tell what it was.

        Raises:
            NotFoundError: ``background_not_found``.
            ForbiddenError: ``background_ships``: it is not the caller's to remove.
        """
        if any(ours.id == background_id for ours in shipped_backgrounds()):
            raise ForbiddenError(
                "This background ships with the service and stays. Only your own can be deleted.",
                code="background_ships",
            )
        with self._database.write() as c:
            row = c.execute(_of(backgrounds, owner, background_id)).one_or_none()
            if row is None:
                raise _no_background()
            c.execute(sa.delete(backgrounds).where(backgrounds.c.id == background_id, backgrounds.c.owner == owner))
        removed = background_of(row)
        self._storage.delete(removed.key)
        return removed

    def _own_avatars(self, owner: str, twin_id: str | None) -> list[Avatar]:
        query = _owned(by_twin=twin_id is not None)
        with self._database.read() as c:
            return [avatar_of(row) for row in c.execute(query, {"owner": owner, "twin_id": twin_id})]


@functools.cache
def _owned(*, by_twin: bool) -> sa.Select[Any]:
    """Made once: making a statement costs more than running it."""
    query = sa.select(avatars).where(avatars.c.owner == sa.bindparam("owner"))
    if by_twin:
        query = query.where(avatars.c.twin_id == sa.bindparam("twin_id"))
    return query.order_by(*_newest_first(avatars))


def _of(table: sa.Table, owner: str, row_id: str) -> sa.Select[tuple[object, ...]]:
    return sa.select(table).where(table.c.id == row_id, table.c.owner == owner)


def _newest_first(table: sa.Table) -> tuple[sa.UnaryExpression[int], sa.UnaryExpression[str]]:
    return table.c.created_ms.desc(), table.c.id.desc()


def _no_avatar() -> NotFoundError:
    return NotFoundError("There is no such avatar. Take an _id from anchor/character_list.", code="avatar_not_found")


def _no_background() -> NotFoundError:
    return NotFoundError(
        "There is no such background. Take an _id from custom_back/allBackground.", code="background_not_found"
    )
