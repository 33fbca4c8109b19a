"""What kind of thing a question asks for, and whether a text has such a thing in it.

A passage that is about the right matter but names no price does not answer what something costs. The patterns are in
``evidence.toml``, of the languages that rooms speak most; of others nothing is known, and nothing is then demanded.
"""

from __future__ import annotations

import functools
import re
import tomllib
from enum import StrEnum
from importlib import resources


class Wanted(StrEnum):
    """A kind of answer that can be told by its looks."""

    PRICE = "price"
    TIME = "time"
    COUNT = "count"
    PHONE = "phone"
    MAIL = "mail"
    WEB = "web"
    PERSON = "person"
    PLACE = "place"
    LIST = "list"
    """All there is of a kind; told by the layout and not by the words."""


STRICT = frozenset({Wanted.PHONE, Wanted.MAIL, Wanted.WEB})
"""Kinds that nothing else can stand for."""
_CASE_MATTERS = frozenset({Wanted.PERSON})
"""Names are told by their capitals."""


_ROLE = re.compile(
    r"\bwho(?:'s|’s| is| are| was) (?:the|your) (\w+)|what(?:'s|’s| is) the name of (?:the|your) (\w+)", re.IGNORECASE
)


def role_asked(question: str) -> str:
    """What the person is that a question asks for: ``chef`` in "Who is the chef?"; else empty."""
    match = _ROLE.search(question)
    return (match.group(1) or match.group(2)).lower() if match else ""


def wanted_by(question: str) -> frozenset[Wanted]:
    """What kinds of thing a question asks for; empty where it cannot be told."""
    return frozenset(wanted for wanted in Wanted if _pattern("asked", wanted).search(question))


def has(wanted: Wanted, text: str) -> bool:
    """Whether a text has a thing of that kind in it."""
    return _pattern("given", wanted).search(text) is not None


@functools.cache
def _pattern(side: str, wanted: Wanted) -> re.Pattern[str]:
    table = tomllib.loads(resources.files(__package__).joinpath("evidence.toml").read_text(encoding="utf-8"))
    exact = side == "given" and wanted in _CASE_MATTERS
    return re.compile("|".join(table[side][wanted]), 0 if exact else re.IGNORECASE)
