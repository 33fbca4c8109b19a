"""Voices that users cloned: each seen and spoken with by its owner alone."""

from __future__ import annotations

import functools
from dataclasses import asdict

import sqlalchemy as sa
from sqlalchemy import Connection

from avatarium.catalogue.models import NAME_MAX, UserVoice, user_voice_of, user_voices
from avatarium.catalogue.voices import LANGUAGES, Locale, wanted_locale
from avatarium.database import Database, changed
from avatarium.errors import NotFoundError, RequestError

SURE = 0.9
"""Confidence at which the letters of a text decide in which language a clone reads it."""


class UserVoices:
    """The cloned voices of users, as one user may see them. Threads may share it."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def all(self, owner: str) -> list[UserVoice]:
        """The caller's, newest first."""
        query = sa.select(user_voices).where(user_voices.c.owner == owner).order_by(*_NEWEST_FIRST)
        with self._database.read() as c:
            return [user_voice_of(row) for row in c.execute(query)]

    def voice(self, owner: str, voice_id: str) -> UserVoice:
        """One of the caller's.

        Raises:
            NotFoundError: ``voice_not_found``: there is none, or it is somebody else's.
        """
        query = sa.select(user_voices).where(user_voices.c.id == voice_id.strip(), user_voices.c.owner == owner)
        with self._database.read() as c:
            row = c.execute(query).one_or_none()
        if row is None:
            raise NotFoundError(
                "There is no voice of yours with this user_voice_id. Take an _id from userVoice/completedRecord, or a "
                "tts_id from anchor/voice_list.",
                code="voice_not_found",
            )
        return user_voice_of(row)

    def of_avatars(self, owner: str) -> dict[str, UserVoice]:
        """The own voices of the caller's avatars, by avatar: the newest of each."""
        return {voice.avatar_id: voice for voice in reversed(self.all(owner)) if voice.avatar_id}

    def of_avatar(self, owner: str, avatar_id: str) -> UserVoice | None:
        """An avatar's own voice."""
        mine = (user_voices.c.owner == owner, user_voices.c.avatar_id == avatar_id)
        query = sa.select(user_voices).where(*mine).order_by(*_NEWEST_FIRST).limit(1)
        with self._database.read() as c:
            row = c.execute(query).one_or_none() if avatar_id else None
        return None if row is None else user_voice_of(row)

    def add(self, c: Connection, voice: UserVoice) -> None:
        """Write a voice, in the transaction that looks whether it is still wanted; the same task writes only once."""
        if c.execute(sa.select(user_voices.c.id).where(user_voices.c.id == voice.id)).first() is None:
            c.execute(sa.insert(user_voices).values(asdict(voice) | {"name": voice.name[:NAME_MAX]}))

    def rename(self, c: Connection, owner: str, voice_id: str, name: str) -> None:
        """Call it otherwise, if it is there already."""
        mine = (user_voices.c.id == voice_id, user_voices.c.owner == owner)
        c.execute(sa.update(user_voices).where(*mine).values(name=name[:NAME_MAX]))

    def remove(self, c: Connection, owner: str, *, voice_id: str = "", avatar_id: str = "") -> list[UserVoice]:
        """Take one voice of the caller, or all of an avatar, away and tell which they were; their files are left to the
        caller."""
        named = user_voices.c.id == voice_id if voice_id else user_voices.c.avatar_id == avatar_id
        mine = sa.and_(user_voices.c.owner == owner, named)
        gone = [user_voice_of(row) for row in c.execute(sa.select(user_voices).where(mine))]
        changed(c, sa.delete(user_voices).where(mine))
        return gone


def count_voices(c: Connection, owner: str) -> int:
    """How many voices somebody has."""
    query = sa.select(sa.func.count()).select_from(user_voices).where(user_voices.c.owner == owner)
    return int(c.execute(query).scalar_one())


@functools.cache
def clone_tags() -> tuple[str, ...]:
    """What a cloned voice can speak, as BCP 47 tags: that which the best voices that ship are read in."""
    from avatarium.engine.speech.speakers import Engine, voices

    return tuple(dict.fromkeys(voice.language for voice in voices() if voice.engine is Engine.KOKORO))


def clone_tag(locale: Locale) -> str:
    """How a cloned voice speaks a locale: in its region if it can, else as the language is spoken elsewhere.

    Raises:
        RequestError: ``no_voice_for_language``.
    """
    spoken = [tag for tag in clone_tags() if tag.partition("-")[0] == locale.language]
    if not spoken:
        names = dict.fromkeys(LANGUAGES.get(tag.partition("-")[0], tag) for tag in clone_tags())
        raise RequestError(
            f'Cloned voices do not speak the language "{locale}". They speak {", ".join(names)}.',
            code="no_voice_for_language",
        )
    return next((tag for tag in spoken if tag.partition("-")[2] == locale.region), spoken[0])


def spoken_tag(voice: UserVoice, country: str = "", region: str = "", *, text: str = "") -> str:
    """In which language a cloned voice speaks.

    Args:
        country: the language that is asked for; without one that of the text decides, where its letters leave no doubt,
            and else the voice's own.
        region: as of :func:`wanted_locale`.
        text: what it is to say.

    Raises:
        RequestError: ``bad_locale``, ``no_voice_for_language``.
    """
    if country.strip():
        return clone_tag(wanted_locale(country, region))
    own = Locale.parse(voice.language) or Locale(language="en", region="US")
    told = _told(text) if text else ""
    return clone_tag(Locale(language=told) if told and told != own.language else own)


def _told(text: str) -> str:
    """The language that a text shows it is in, if a clone speaks it; else nothing."""
    from avatarium.engine.speech.language import guess_language

    guess = guess_language(text)
    spoken = {tag.partition("-")[0] for tag in clone_tags()}
    return guess.code if guess.confidence >= SURE and guess.code in spoken else ""


_NEWEST_FIRST = (user_voices.c.created_ms.desc(), user_voices.c.id.desc())
