"""How something is to be said: the choices of a command over those of its room, checked before anything is queued."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, TypeVar

from avatarium.errors import OptionError, TextError, TooLargeError
from avatarium.streaming.wire import TEXT_MAX, RoomSpec, RoomVoice, SpeakCommand

if TYPE_CHECKING:
    from avatarium.engine.face import Emotion
    from avatarium.engine.live import Gesture
    from avatarium.engine.speech import Speech

Choice = TypeVar("Choice", bound=StrEnum)


@dataclass(frozen=True, slots=True, kw_only=True)
class Manner:
    """Checked choices."""

    voice: RoomVoice
    named: bool
    """Whether it was chosen for this very text, whatever that is written in."""
    rate: float
    emotion: Emotion | None
    strength: float
    gesture: Gesture | None

    def script(self, text: str) -> Iterator[Speech]:
        """Synthesis of a text by a live voice, judged at once and made when it is asked for. Runs in a thread.

        Raises:
            TextError, OptionError: see :func:`avatarium.engine.speech.stream`.
        """
        from avatarium.engine.speech import stream

        return stream(text, self.voice.name, self.rate)


def manner_of(spec: RoomSpec, command: SpeakCommand | None = None) -> Manner:
    """How a command is to be said in a room.

    Raises:
        OptionError: ``bad_emotion``, ``bad_gesture``, ``bad_strength``.
    """
    from avatarium.engine.face import Emotion
    from avatarium.engine.live import Gesture

    told = command or SpeakCommand(command_id="")
    if not 0 <= told.strength <= 1:
        raise OptionError(f"The strength {told.strength:g} is out of range; give one from 0 to 1.", code="bad_strength")
    return Manner(
        voice=told.voice or spec.voice,
        named=told.voice is not None,
        rate=spec.rate if told.rate is None else told.rate,
        emotion=chosen(Emotion, told.emotion, "emotion"),
        strength=told.strength,
        gesture=chosen(Gesture, told.gesture, "gesture"),
    )


def chosen(kind: type[Choice], name: str, what: str) -> Choice | None:
    """A choice by its name; None where none was made.

    Raises:
        OptionError: ``bad_emotion`` or ``bad_gesture``.
    """
    if not name:
        return None
    try:
        return kind(name.lower())
    except ValueError as problem:
        names = ", ".join(one.value for one in kind)
        raise OptionError(f'There is no {what} "{name}"; choose one of {names}.', code=f"bad_{what}") from problem


def check_text(text: str) -> None:
    """Refuse a text of a wrong length before anything reads it.

    Raises:
        TooLargeError: ``text_too_long``.
        TextError: ``empty_text``.
    """
    if len(text) > TEXT_MAX:
        raise TooLargeError(
            f"The text has {len(text):,} characters, more than the {TEXT_MAX:,} of one utterance. Send it in parts.",
            code="text_too_long",
        )
    if not text.strip():
        raise TextError("There is no text; give at least one word.", code="empty_text")
