"""How each language reads numbers, money, dates, units and signs: ``locales.toml`` as records."""

from __future__ import annotations

import functools
import tomllib
from dataclasses import dataclass, field
from importlib import resources
from typing import Any

from avatarium.engine.speech.tongues import ROBOTIC, TONGUES, code_of
from avatarium.errors import OptionError


@dataclass(frozen=True, slots=True, kw_only=True)
class Locale:
    """What the readings of one language need; see ``locales.toml`` for the meaning of each table."""

    tag: str
    """BCP 47 tag as asked for, such as ``en-GB``."""
    months: list[str]
    date: str
    hour: str
    hour_minute: str
    decimal: str
    order: str
    """``mdy`` or ``dmy``: how a date of three numbers is written."""
    point: str
    """Said for the decimal sign; empty where fractions are left to what turns text into phonemes."""
    minus: str
    dot: str
    at: str
    slash: str
    dash: str
    underscore: str
    to: str
    symbols: dict[str, str]
    abbreviations: dict[str, str]
    titles: list[str]
    """Abbreviations, without their point, after which a sentence never ends."""
    before_number: list[str]
    """The same, where a number follows."""
    currencies: dict[str, list[str]]
    """One, many, one coin, many coins, and where a language tells: a few. Without coins, fractions are numbers."""
    units: dict[str, list[str]]
    """One, many, and where a language tells: a few."""
    money_and: str
    """Between the notes and the coins: five dollars *and* ten cents."""
    money_of: str
    """After a million: un millón *de* euros."""
    scales: list[str]
    """Words that multiply a sum of money."""
    number_language: str = ""
    """Language of num2words; empty where digits are left to what turns text into phonemes."""
    emoji: str = ""
    """Language of the names of emoji; empty where there are none."""
    first: str = ""
    """The first of a month, where it alone is an ordinal."""
    ordinal_marks: str = ""
    feminine_marks: list[str] = field(default_factory=list)

    @property
    def language(self) -> str:
        """The tag without its region."""
        return code_of(self.tag)


@functools.cache
def locale_of(tag: str) -> Locale:
    """The readings of a language such as ``en-US``, ``es`` or ``pt-BR``.

    Raises:
        OptionError: code ``no_voice_for_language``: no voice speaks it.
    """
    language = code_of(tag)
    table = _table(language)
    if table is None:
        raise OptionError(
            f"There is no voice for the language {tag!r}; choose one of {', '.join(TONGUES)}.",
            code="no_voice_for_language",
        )
    changes = {"order": "dmy", "date": "the {d} of {month} {y}"} if tag.lower() == "en-gb" else {}
    return Locale(tag=tag, **(table | changes))


def _table(language: str) -> dict[str, Any] | None:
    if language in ROBOTIC:
        from avatarium.engine.speech.text.cldr import table_of

        return table_of(language)
    return _tables().get(language)


@functools.cache
def _tables() -> dict[str, dict[str, Any]]:
    return tomllib.loads(resources.files(__package__).joinpath("locales.toml").read_text(encoding="utf-8"))
