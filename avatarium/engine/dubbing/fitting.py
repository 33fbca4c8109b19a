"""Each segment into its slot: by the speed of the voice, then by the pause behind it, then by fewer words."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from avatarium.engine.dubbing.document import DubDocument, Segment
from avatarium.engine.dubbing.records import Fitted
from avatarium.engine.dubbing.shortening import shorter
from avatarium.engine.dubbing.speaking import FASTEST, SLOWEST, Mouthpiece, Spoken
from avatarium.engine.speech.speakers import Voice

GAP_S = 0.08
"""Silence that is left before the next segment."""
EARLY_S = 0.15
"""How much sooner than the original a segment may begin where there is room and it does not fit otherwise."""
EASY = (0.92, 1.12)
"""Speeds that nobody notices: they are taken before a pause is used up."""
_SLACK_S = 0.03
_WIDE_S, _LETTER_S = 0.19, 0.066
"""What a sign of Chinese or Japanese, and a letter of others, takes at normal speed: a first guess."""
_LEARNT = 0.4
_WORTH = 0.1
"""Difference of speeds for which a text that fits is spoken again."""

Progress = Callable[[float], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Placed:
    """A spoken segment at its place."""

    segment: Segment
    spoken: Spoken
    fitted: Fitted
    text: str

    @property
    def at_s(self) -> float:
        """Where its first sample lies."""
        return self.fitted.start_s - self.spoken.lead_s


@dataclass(frozen=True, slots=True, kw_only=True)
class Slot:
    """The time that a segment has."""

    start_s: float
    own_s: float
    """As long as the original."""
    room_s: float
    """Until somebody speaks again."""
    before_s: float
    """Free before it."""


def fit(
    document: DubDocument, voices: Mapping[str, Voice], mouthpiece: Mouthpiece, progress: Progress | None = None
) -> tuple[Placed, ...]:
    """Speak all segments of a document, each at its place.

    Args:
        document: what is said and when.
        voices: by the ids of the speakers.
        mouthpiece: speaks.
        progress: told the share done.
    """
    guess = _Guess()
    placed: list[Placed] = []
    ended_s = 0.0
    for number, segment in enumerate(document.segments):
        if any(c.isalnum() for c in segment.translation):
            slot = _slot(document, number, ended_s)
            one = _fitted(segment, slot, voices[segment.speaker], mouthpiece, guess, document.target_language)
            if one is not None:
                placed.append(one)
                ended_s = max(ended_s, one.fitted.end_s)
        if progress:
            progress((number + 1) / len(document.segments))
    return tuple(placed)


def _slot(document: DubDocument, number: int, ended_s: float) -> Slot:
    segment = document.segments[number]
    after = [s.start_s for s in document.segments[number + 1 :] if s.start_s >= segment.end_s - GAP_S]
    talking = [s.end_s for s in document.segments[:number]]
    until_s = min(after, default=document.duration_s)
    own_s = segment.end_s - segment.start_s
    return Slot(
        start_s=segment.start_s,
        own_s=own_s,
        room_s=max(until_s - GAP_S - segment.start_s, own_s - GAP_S),
        before_s=max(0.0, segment.start_s - GAP_S - max(ended_s, *talking, 0.0) if talking else segment.start_s),
    )


class _Guess:
    """How long texts will take, learnt from those that were spoken."""

    def __init__(self) -> None:
        self._factors: dict[str, float] = {}

    def seconds(self, text: str, voice: Voice) -> float:
        return _length_s(text) * self._factors.get(voice.name, 1.0)

    def learn(self, text: str, voice: Voice, seconds: float) -> None:
        factor = seconds / max(_length_s(text), 1e-3)
        before = self._factors.get(voice.name)
        self._factors[voice.name] = factor if before is None else before + _LEARNT * (factor - before)


def _length_s(text: str) -> float:
    wide = sum("\u3040" <= c <= "\u9fff" or "\uac00" <= c <= "\ud7a3" for c in text)
    digits = sum(c.isdigit() for c in text)
    return 0.15 + _WIDE_S * wide + _LETTER_S * (len(text) - wide + 3 * digits)


def _fitted(
    segment: Segment, slot: Slot, voice: Voice, mouthpiece: Mouthpiece, guess: _Guess, language: str
) -> Placed | None:
    best: Placed | None = None
    for number, text in enumerate((segment.translation, *shorter(segment.translation, language))):
        said = _at_best_speed(text, slot, voice, mouthpiece, guess)
        if said is None:
            return best
        best = _placed(segment, slot, text, *said, shortened=number > 0)
        if best.fitted.late_s <= _SLACK_S:
            break
    return best


def _at_best_speed(
    text: str, slot: Slot, voice: Voice, mouthpiece: Mouthpiece, guess: _Guess
) -> tuple[Spoken, float] | None:
    """Spoken once or twice: at the speed that should fit, and again where it does not."""
    rate = _speed(guess.seconds(text, voice), slot)
    spoken = mouthpiece.say(text, voice, rate)
    if spoken is None:
        return None
    natural_s = spoken.spoken_s * rate
    guess.learn(text, voice, natural_s)
    better = _speed(natural_s, slot)
    misfit = spoken.spoken_s > slot.room_s + _SLACK_S or spoken.spoken_s < 0.8 * slot.own_s
    if abs(better - rate) > (0.03 if misfit else _WORTH):
        again = mouthpiece.say(text, voice, better)
        if again is not None:
            return again, better
    return spoken, rate


def _speed(natural_s: float, slot: Slot) -> float:
    wanted = natural_s / max(slot.own_s, 0.1)
    easy = min(max(wanted, EASY[0]), EASY[1])
    if natural_s / easy <= slot.room_s:
        return round(easy, 2) if wanted > EASY[0] else round(max(SLOWEST, wanted), 2)
    return round(min(FASTEST, max(easy, natural_s / max(slot.room_s, 0.1))), 2)


def _placed(segment: Segment, slot: Slot, text: str, spoken: Spoken, rate: float, *, shortened: bool) -> Placed:
    over_s = spoken.spoken_s - slot.room_s
    early_s = min(max(over_s, 0.0), EARLY_S, slot.before_s)
    start_s = slot.start_s - early_s
    fitted = Fitted(
        id=segment.id,
        start_s=round(start_s, 3),
        end_s=round(start_s + spoken.spoken_s, 3),
        rate=rate,
        shortened=shortened,
        late_s=round(max(0.0, over_s - early_s), 3),
    )
    return Placed(segment=segment, spoken=spoken, fitted=fitted, text=text)
