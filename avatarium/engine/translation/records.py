"""What a translator is, and what a pair of languages that it knows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol


class Quality(StrEnum):
    """What a reader may expect."""

    GOOD = "good"
    """Reads as if written; slips are rare."""
    USABLE = "usable"
    """The sense is right, a phrase here and there is clumsy."""
    DRAFT = "draft"
    """The gist, with gaps: to be corrected before it is spoken."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """One language into another."""

    source: str
    """ISO 639-1, such as ``en``; ``auto`` where any language is heard."""
    target: str
    engine: str
    """By what means; the links of a chain with a ``+`` between them."""
    quality: Quality
    installed: bool
    """Whether this machine can do it now."""
    missing: tuple[str, ...] = ()
    """Debian packages that would make it so."""


class Translator(Protocol):
    """Whatever turns sentences of one language into sentences of another."""

    @property
    def name(self) -> str:
        """What it is called in records and messages."""

    def translate(self, texts: Sequence[str], source: str, target: str) -> list[str]:
        """As many texts as were given, in their order.

        Args:
            texts: sentences or segments; an empty one stays empty.
            source, target: BCP 47 tags; only the language counts.

        Raises:
            OptionError: ``no_translation``.
            TextError: ``translation_failed``.
        """
