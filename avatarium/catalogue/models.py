"""The tables and records of avatars and backgrounds. What ships has no rows: see :mod:`avatarium.catalogue.shipped`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from avatarium.database import metadata
from avatarium.ids import LENGTH
from avatarium.storage.models import KEY_MAX

Id = sa.String(LENGTH)
NAME_MAX = 256

avatars = sa.Table(
    "avatars",
    metadata,
    sa.Column("id", Id, primary_key=True),
    sa.Column("owner", Id, sa.ForeignKey("users.id"), nullable=False),
    sa.Column("name", sa.String(NAME_MAX), nullable=False),
    sa.Column("gender", sa.String(16), nullable=False),
    sa.Column("kind", sa.String(16), nullable=False),
    sa.Column("picture_key", sa.String(KEY_MAX), nullable=False),
    sa.Column("cover_key", sa.String(KEY_MAX), nullable=False, default=""),
    sa.Column("preview_key", sa.String(KEY_MAX), nullable=False, default=""),
    sa.Column("twin_id", Id, nullable=False, default=""),
    sa.Column("created_ms", sa.BigInteger, nullable=False),
    sa.Index(None, "owner", "created_ms"),
)

backgrounds = sa.Table(
    "backgrounds",
    metadata,
    sa.Column("id", Id, primary_key=True),
    sa.Column("owner", Id, sa.ForeignKey("users.id"), nullable=False),
    sa.Column("name", sa.String(NAME_MAX), nullable=False),
    sa.Column("key", sa.String(KEY_MAX), nullable=False),
    sa.Column("created_ms", sa.BigInteger, nullable=False),
    sa.Index(None, "owner", "created_ms"),
)

DEFAULT, CUSTOM = "default", "custom"
"""What ships and what is somebody's own, in the words of the API."""
PHOTO = "photo"


@dataclass(frozen=True, slots=True, kw_only=True)
class Avatar:
    """Somebody who can be made to speak in a video."""

    id: str
    owner: str | None
    """None: it ships with Avatarium and is everybody's."""
    name: str
    gender: str
    """``female`` or ``male``: of the voice that speaks for it unless another is chosen."""
    kind: str = PHOTO
    source: str = ""
    """The engine's name of a built-in portrait; empty for the avatars of users."""
    picture_key: str
    """The picture that is animated."""
    cover_key: str = ""
    """A small picture for lists."""
    preview_key: str = ""
    """A video that shows it; empty where there is none."""
    twin_id: str = ""
    """The training that made it; empty for those that ship."""
    created_ms: int

    @property
    def type(self) -> str:
        """``default`` or ``custom``."""
        return DEFAULT if self.owner is None else CUSTOM


@dataclass(frozen=True, slots=True, kw_only=True)
class Background:
    """A picture to put behind an avatar."""

    id: str
    owner: str | None
    """None: it ships with Avatarium and is everybody's."""
    name: str
    key: str
    created_ms: int

    @property
    def type(self) -> str:
        """``default`` or ``custom``."""
        return DEFAULT if self.owner is None else CUSTOM


def avatar_of(row: sa.Row[Any]) -> Avatar:
    """A row of ``avatars`` as a record."""
    return Avatar(**row._mapping)


def background_of(row: sa.Row[Any]) -> Background:
    """A row of ``backgrounds`` as a record."""
    return Background(**row._mapping)
