"""Personal lip-sync models: versions of them for each avatar, of which the newest is used."""

from __future__ import annotations

from dataclasses import asdict

import sqlalchemy as sa
from sqlalchemy import Connection

from avatarium.catalogue.models import LipModel, avatars, lip_model_of, lip_models
from avatarium.database import Database, changed


class LipModels:
    """The models of users, as one user may see them. Threads may share it."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def all(self, owner: str, *, avatar_id: str | None = None) -> list[LipModel]:
        """The caller's, newest first; of one avatar where it is named."""
        query = sa.select(lip_models).where(lip_models.c.owner == owner)
        if avatar_id is not None:
            query = query.where(lip_models.c.avatar_id == avatar_id)
        query = query.order_by(lip_models.c.created_ms.desc(), lip_models.c.version.desc())
        with self._database.read() as c:
            return [lip_model_of(row) for row in c.execute(query)]

    def key_for(self, owner: str, avatar_id: str) -> str:
        """Where the model lies that an avatar speaks by: the newest; empty where it has none."""
        mine = (lip_models.c.owner == owner, lip_models.c.avatar_id == avatar_id)
        query = sa.select(lip_models.c.key).where(*mine).order_by(lip_models.c.version.desc()).limit(1)
        with self._database.read() as c:
            return c.execute(query).scalar_one_or_none() or ""

    def add(self, c: Connection, model: LipModel) -> LipModel:
        """Write a model as the next version of its avatar, whatever its own says; the same task writes only once."""
        lock_avatar(c, model.avatar_id)
        row = c.execute(sa.select(lip_models).where(lip_models.c.id == model.id)).one_or_none()
        if row is not None:
            return lip_model_of(row)
        last = sa.select(sa.func.max(lip_models.c.version)).where(lip_models.c.avatar_id == model.avatar_id)
        values = asdict(model) | {"version": (c.execute(last).scalar_one_or_none() or 0) + 1}
        c.execute(sa.insert(lip_models).values(values))
        return LipModel(**values)

    def remove(self, c: Connection, owner: str, *, model_id: str = "", avatar_id: str = "") -> list[LipModel]:
        """Take one model of the caller, or all of an avatar, away and tell which they were; their files are left to the
        caller."""
        named = lip_models.c.id == model_id if model_id else lip_models.c.avatar_id == avatar_id
        mine = sa.and_(lip_models.c.owner == owner, named)
        gone = [lip_model_of(row) for row in c.execute(sa.select(lip_models).where(mine))]
        changed(c, sa.delete(lip_models).where(mine))
        return gone


def lock_avatar(c: Connection, avatar_id: str) -> bool:
    """Hold an avatar's row until the transaction ends; False where there is none."""
    return c.execute(sa.select(avatars.c.id).where(avatars.c.id == avatar_id).with_for_update()).first() is not None
