"""The personal lip model as a record: where this person's mouth goes for each viseme, and how it gets there."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Self

from avatarium.engine.face.visemes import TARGETS, Target, Viseme
from avatarium.errors import InputError

VERSION = 1
"""Of the record that :meth:`SpeakingStyle.to_json` writes."""
LONGEST_JSON = 40_000
"""Characters; a record takes about 3,000."""
LOUD_SHARE = 0.30
"""How much of the opening follows the loudness of most people's voices."""
REACHES = (0.5, 2.0)
LOUD_SHARES = (0.0, 1.2)

BOUNDS: Mapping[str, tuple[float, float]] = {
    "open": (-0.012, 0.32),
    "width": (-0.20, 0.20),
    "chin": (-0.05, 0.24),
    "up": (-0.12, 0.06),
    "tuck": (0.0, 0.03),
    "tongue": (0.0, 1.0),
    "dominance": (0.05, 6.0),
    "width_dominance": (0.05, 6.0),
}
"""What a mouth can do (IOD). Lips never pass each other: the opening ends at those of a pressed p."""

_ORDER = tuple(Viseme)
_PLACES = {viseme: place for place, viseme in enumerate(_ORDER)}
_FIELDS = tuple(field.name for field in fields(Target))
_DIGITS = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class SpeakingStyle:
    """How one person's mouth forms sounds. Threads may share it; it may be a key."""

    targets: tuple[Target, ...] = tuple(TARGETS[viseme] for viseme in _ORDER)
    """By viseme, in the order of :class:`Viseme`."""
    reach: float = 1.0
    """Factor on how early a sound's pull begins and how late it ends: below 1 the mouth is quick, above it is lazy."""
    loud_share: float = LOUD_SHARE
    """How much of the opening follows the loudness of the voice."""

    def target(self, viseme: Viseme) -> Target:
        """Where the mouth goes for a viseme."""
        return self.targets[_PLACES[viseme]]

    def to_json(self) -> str:
        """The record, to 0.0001 IOD; :meth:`from_json` of it is the same style from then on."""
        record = {
            "version": VERSION,
            "reach": round(self.reach, _DIGITS),
            "loud_share": round(self.loud_share, _DIGITS),
            "targets": {
                viseme.value: [round(getattr(target, name), _DIGITS) for name in _FIELDS]
                for viseme, target in zip(_ORDER, self.targets, strict=True)
            },
        }
        return json.dumps(record, separators=(",", ":"))

    @classmethod
    def from_json(cls, text: str | bytes) -> Self:
        """Read a record, whoever wrote it: every number must be one that a mouth can follow.

        Raises:
            InputError: ``lip_model_unreadable``: it is no such record.
        """
        try:
            if len(text) > LONGEST_JSON:
                raise ValueError("too long")
            return cls._of(json.loads(text))
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as problem:
            raise InputError(
                "The lip model is damaged or of another version. Train it again, or use the twin without it.",
                code="lip_model_unreadable",
            ) from problem

    @classmethod
    def _of(cls, record: dict[str, Any]) -> Self:
        if record["version"] != VERSION:
            raise ValueError("another version")
        found = record["targets"]
        if set(found) != {viseme.value for viseme in _ORDER}:
            raise ValueError("other visemes")
        return cls(
            targets=tuple(_target(found[viseme.value]) for viseme in _ORDER),
            reach=_bounded(record["reach"], REACHES),
            loud_share=_bounded(record["loud_share"], LOUD_SHARES),
        )


def _target(numbers: Any) -> Target:
    if not isinstance(numbers, list) or len(numbers) != len(_FIELDS):
        raise ValueError("no target")
    return Target(*(_bounded(number, BOUNDS[name]) for number, name in zip(numbers, _FIELDS, strict=True)))


def _bounded(number: Any, bounds: tuple[float, float]) -> float:
    if isinstance(number, bool) or not isinstance(number, int | float) or not math.isfinite(number):
        raise ValueError("no number")
    if not bounds[0] <= number <= bounds[1]:
        raise ValueError("out of bounds")
    return float(number)


GENERAL = SpeakingStyle()
"""How most people speak."""
