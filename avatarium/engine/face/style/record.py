"""The personal lip model as a record: where this person's mouth goes for each viseme, and how their skin follows."""

from __future__ import annotations

import base64
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Self

import numpy as np

from avatarium.engine.face import topology as mesh
from avatarium.engine.face.frame import Points
from avatarium.engine.face.visemes import TARGETS, Target, Viseme
from avatarium.errors import InputError

VERSION = 1
"""Of the record that :meth:`SpeakingStyle.to_json` writes."""
LONGEST_JSON = 40_000
"""Characters; a record takes 2,000, and 5,000 more with a face's own movement."""
LOUD_SHARE = 0.30
"""How much of the opening follows the loudness of most people's voices."""
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

OWN_STEP = 0.004
"""IOD for an IOD of a control: what one unit of :attr:`SpeakingStyle.own` is worth. A byte holds half an IOD."""
OWN_SHAPE = (4, mesh.VERTICES, 2)

_ORDER = tuple(Viseme)
_PLACES = {viseme: place for place, viseme in enumerate(_ORDER)}
_FIELDS = tuple(field.name for field in fields(Target))
_DIGITS = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class SpeakingStyle:
    """How one person's mouth forms sounds. Threads may share it; it may be a key."""

    targets: tuple[Target, ...] = tuple(TARGETS[viseme] for viseme in _ORDER)
    """By viseme, in the order of :class:`Viseme`."""
    loud_share: float = LOUD_SHARE
    """How much of the opening follows the loudness of the voice."""
    own: bytes | None = None
    """How this face moves otherwise than most, right and down, for each mouth control and vertex: signed bytes of
    :data:`OWN_STEP`, in the order of :data:`OWN_SHAPE`. None moves it as most faces."""

    @property
    def basis(self) -> Points | None:
        """This person's fields of movement for open, width, chin and up, shape ``(4, 468, 3)``; None for the usual."""
        if self.own is None:
            return None
        from avatarium.engine.face.expression import fields as usual

        basis = usual().mouth.copy()
        basis[..., :2] += np.frombuffer(self.own, np.int8).reshape(OWN_SHAPE) * OWN_STEP
        return basis

    def target(self, viseme: Viseme) -> Target:
        """Where the mouth goes for a viseme."""
        return self.targets[_PLACES[viseme]]

    def to_json(self) -> str:
        """The record, to 0.0001 IOD; :meth:`from_json` of it is the same style from then on."""
        record = {
            "version": VERSION,
            "loud_share": round(self.loud_share, _DIGITS),
            "targets": {
                viseme.value: [round(getattr(target, name), _DIGITS) for name in _FIELDS]
                for viseme, target in zip(_ORDER, self.targets, strict=True)
            },
            "own": None if self.own is None else base64.b64encode(self.own).decode(),
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
            loud_share=_bounded(record["loud_share"], LOUD_SHARES),
            own=_own(record["own"]),
        )


def _target(numbers: Any) -> Target:
    if not isinstance(numbers, list) or len(numbers) != len(_FIELDS):
        raise ValueError("no target")
    return Target(*(_bounded(number, BOUNDS[name]) for number, name in zip(numbers, _FIELDS, strict=True)))


def _own(text: Any) -> bytes | None:
    if text is None:
        return None
    own = base64.b64decode(text, validate=True)
    if len(own) != math.prod(OWN_SHAPE):
        raise ValueError("not one number for each vertex")
    return own


def _bounded(number: Any, bounds: tuple[float, float]) -> float:
    if isinstance(number, bool) or not isinstance(number, int | float) or not math.isfinite(number):
        raise ValueError("no number")
    if not bounds[0] <= number <= bounds[1]:
        raise ValueError("out of bounds")
    return float(number)


GENERAL = SpeakingStyle()
"""How most people speak."""
