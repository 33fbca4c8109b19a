"""What a brain says of its own: greetings, thanks, that it does not know. The words are in ``phrases.toml``."""

from __future__ import annotations

import functools
import re
import tomllib
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from importlib import resources
from typing import Any

DEFAULT = "en"
LONGEST_TALK = 80
"""Characters; a longer text is no mere greeting."""


class Talk(StrEnum):
    """Something said that is no question about anything."""

    GREETING = "greeting"
    THANKS = "thanks"
    GOODBYE = "goodbye"
    HOW_ARE_YOU = "how_are_you"
    WHO = "who"
    HUMAN = "human"
    HELP = "help"
    ASSENT = "assent"


@dataclass(frozen=True, slots=True, kw_only=True)
class Phrases:
    """One language."""

    unknown: str
    nothing: str
    """Where there is no context at all."""
    away: str
    """Where what should have answered cannot be reached."""
    related: str
    """Before a passage that may not be the answer."""
    repeat: str
    """To something that holds no words."""
    topics: str
    """With ``{topics}``."""
    replies: Mapping[Talk, str]


def phrases(language: str) -> Phrases:
    """Those of a BCP 47 tag; English where there are none."""
    return _language(_code(language) if _code(language) in _table() else DEFAULT)


def small_talk(text: str, language: str) -> tuple[Talk, str] | None:
    """What kind of small talk a text is, as a whole, and in which language; the room's own is tried first."""
    if len(text) > LONGEST_TALK:
        return None
    plain = _plain(text)
    for code in sorted(_table(), key=lambda code: code != _code(language)):
        for talk, pattern in _heard(code).items():
            if pattern.fullmatch(plain):
                return talk, code
    return None


@functools.cache
def _table() -> dict[str, dict[str, Any]]:
    return tomllib.loads(resources.files(__package__).joinpath("phrases.toml").read_text(encoding="utf-8"))


@functools.cache
def _language(code: str) -> Phrases:
    table = _table()[code]
    replies = {talk: table["replies"][talk] for talk in Talk}
    plain = {name: table[name] for name in ("unknown", "nothing", "away", "related", "repeat", "topics")}
    return Phrases(**plain, replies=replies)


@functools.cache
def _heard(code: str) -> dict[Talk, re.Pattern[str]]:
    return {talk: re.compile("|".join(_table()[code]["heard"][talk])) for talk in Talk}


def _code(language: str) -> str:
    return language.split("-")[0].lower()


def _plain(text: str) -> str:
    """Small letters, no punctuation but apostrophes and hyphens inside words, single blanks."""
    small = unicodedata.normalize("NFKC", text.replace("’", "'")).lower()
    return " ".join("".join(c if unicodedata.category(c)[0] in "LMN" or c in "'-" else " " for c in small).split())
