"""The tables and records of avatars, voices and backgrounds.

What ships has no rows: see :mod:`avatarium.catalogue.shipped`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa

from avatarium.database import Json, metadata
from avatarium.ids import LENGTH
from avatarium.storage.models import KEY_MAX

Id = sa.String(LENGTH)
NAME_MAX = 256
LANGUAGE_MAX = 16

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
    sa.Column("package_key", sa.String(KEY_MAX), nullable=False, default=""),
    sa.Column("track_key", sa.String(KEY_MAX), nullable=False, default=""),
    sa.Column("sound_key", sa.String(KEY_MAX), nullable=False, default=""),
    sa.Column("background_key", sa.String(KEY_MAX), nullable=False, default=""),
    sa.Column("background_color", sa.String(64), nullable=False, default=""),
    sa.Column("consent", Json, nullable=False),
    sa.Column("created_ms", sa.BigInteger, nullable=False),
    sa.Index(None, "owner", "created_ms"),
)

lip_models = sa.Table(
    "lip_models",
    metadata,
    sa.Column("id", Id, primary_key=True),
    sa.Column("owner", Id, sa.ForeignKey("users.id"), nullable=False),
    sa.Column("avatar_id", Id, nullable=False),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("key", sa.String(KEY_MAX), nullable=False),
    sa.Column("preview_key", sa.String(KEY_MAX), nullable=False),
    sa.Column("general_error", sa.Float, nullable=False),
    sa.Column("personal_error", sa.Float, nullable=False),
    sa.Column("seconds_used", sa.Float, nullable=False),
    sa.Column("created_ms", sa.BigInteger, nullable=False),
    sa.UniqueConstraint("avatar_id", "version"),
    sa.Index(None, "owner", "created_ms"),
)

user_voices = sa.Table(
    "user_voices",
    metadata,
    sa.Column("id", Id, primary_key=True),
    sa.Column("owner", Id, sa.ForeignKey("users.id"), nullable=False),
    sa.Column("name", sa.String(NAME_MAX), nullable=False),
    sa.Column("gender", sa.String(16), nullable=False),
    sa.Column("language", sa.String(LANGUAGE_MAX), nullable=False),
    sa.Column("key", sa.String(KEY_MAX), nullable=False),
    sa.Column("sample_key", sa.String(KEY_MAX), nullable=False),
    sa.Column("avatar_id", Id, nullable=False, default=""),
    sa.Column("consent", Json, nullable=False),
    sa.Column("created_ms", sa.BigInteger, nullable=False),
    sa.Index(None, "owner", "created_ms"),
    sa.Index(None, "avatar_id"),
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
PHOTO, VIDEO = "photo", "video"
"""What an avatar was made from."""


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
    """:data:`PHOTO` or :data:`VIDEO`."""
    source: str = ""
    """The engine's name of a built-in portrait; empty for the avatars of users."""
    picture_key: str
    """The picture that is animated; of an avatar from a video its best moment."""
    cover_key: str = ""
    """A small picture for lists."""
    preview_key: str = ""
    """A video that shows it; empty where there is none."""
    twin_id: str = ""
    """The training that made it; empty for those that ship."""
    package_key: str = ""
    """What an avatar from a video is made of: its life, its mouths, the person cut out."""
    track_key: str = ""
    """Where the face was in every moment of the video, for personal models."""
    sound_key: str = ""
    """What was said in the video; empty where it had no sound."""
    background_key: str = ""
    """The picture of the video's own ground, where it was given."""
    background_color: str = ""
    """The colour of it, in place of one."""
    consent: dict[str, Any] = field(default_factory=dict)
    """What was said of the consent of whoever is shown: ``text``, its ``sha256``, ``name``, ``account``, ``at_ms``;
    empty where nothing was."""
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


@dataclass(frozen=True, slots=True, kw_only=True)
class LipModel:
    """How one person speaks, learnt from the video of an avatar. The newest of an avatar is used."""

    id: str
    """Of the task that made it."""
    owner: str
    avatar_id: str
    version: int
    """1, 2, ... of one avatar."""
    key: str
    """The model in storage."""
    preview_key: str
    general_error: float
    """How far lips are from the real ones in seconds that nothing was learnt from, by the general model; in distances
    of the outer corners of the eyes."""
    personal_error: float
    """The same, by this one: smaller, or it would not be here."""
    seconds_used: float
    """Of speech that it was learnt from."""
    created_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class UserVoice:
    """A voice of somebody's own, cloned from recordings. Nobody but its owner can speak with it."""

    id: str
    """Of the task that made it; the ``user_voice_id`` of requests."""
    owner: str
    name: str
    gender: str
    """``female`` or ``male``."""
    language: str
    """That of its recordings, in which it speaks unless another is asked for: ``en-US``."""
    key: str
    """The voice's file in storage."""
    sample_key: str
    """A sentence that it speaks."""
    avatar_id: str = ""
    """The avatar whose own voice it is; empty of one that was cloned from recordings."""
    consent: dict[str, Any] = field(default_factory=dict)
    """As of avatars: what was said of the consent of whoever is heard."""
    created_ms: int


def user_voice_of(row: sa.Row[Any]) -> UserVoice:
    """A row of ``user_voices`` as a record."""
    return UserVoice(**row._mapping)


def lip_model_of(row: sa.Row[Any]) -> LipModel:
    """A row of ``lip_models`` as a record."""
    return LipModel(**row._mapping)


def avatar_of(row: sa.Row[Any]) -> Avatar:
    """A row of ``avatars`` as a record."""
    return Avatar(**row._mapping)


def background_of(row: sa.Row[Any]) -> Background:
    """A row of ``backgrounds`` as a record."""
    return Background(**row._mapping)
