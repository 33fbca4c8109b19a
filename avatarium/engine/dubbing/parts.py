"""A video in stretches, and who speaks in each: what is looked at, and painted, at a time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from avatarium.engine.dubbing.document import Segment
from avatarium.engine.speech.activity import Stretch

WINDOW_S = 60.0
_AROUND_S = 0.35
"""Film before and after what is said that is looked at too."""
_LONGER_S = 0.8
"""How much longer than the original the new words may take and still be seen to be spoken."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """What one speaker says in a stretch of the video: the mouths of it are made together."""

    start_s: float
    end_s: float
    segments: tuple[Segment, ...]

    @property
    def name(self) -> tuple[float, str]:
        """What no other part is called."""
        return self.start_s, self.segments[0].speaker

    @property
    def said(self) -> tuple[Stretch, ...]:
        """When its speaker speaks in the original."""
        return tuple(Stretch(start_s=s.start_s, end_s=s.end_s) for s in self.segments)

    @property
    def spans(self) -> tuple[Stretch, ...]:
        """Where it is spoken, before or after the dubbing; joined, rising."""
        own = [Stretch(start_s=s.start_s, end_s=s.end_s + _LONGER_S) for s in self.segments]
        return joined(own, _AROUND_S, self.start_s, self.end_s)


def windows_of(segments: Sequence[Segment], duration_s: float) -> tuple[tuple[Part, ...], ...]:
    """The stretches of a video, cut where nobody speaks, each of about a minute or as much as is spoken at a stretch;
    of each a part for everybody who speaks in it."""
    found: list[tuple[Part, ...]] = []
    held: list[Segment] = []
    begun_s = 0.0
    for segment in sorted(segments, key=lambda s: s.start_s):
        ended_s = max((s.end_s for s in held), default=0.0)
        if held and segment.end_s - begun_s > WINDOW_S and segment.start_s > ended_s:
            cut_s = (segment.start_s + ended_s) / 2
            found.append(_parts(begun_s, cut_s, held))
            held, begun_s = [], cut_s
        held.append(segment)
    found.append(_parts(begun_s, duration_s + 1, held))
    return tuple(window for window in found if window)


def _parts(start_s: float, end_s: float, segments: Sequence[Segment]) -> tuple[Part, ...]:
    speakers = dict.fromkeys(segment.speaker for segment in segments)
    return tuple(
        Part(start_s=start_s, end_s=end_s, segments=tuple(s for s in segments if s.speaker == speaker))
        for speaker in speakers
    )


def joined(spans: Sequence[Stretch], around_s: float, low_s: float, high_s: float) -> tuple[Stretch, ...]:
    """Stretches made longer on both sides, those that then meet taken together, within bounds."""
    found: list[Stretch] = []
    for span in sorted(spans, key=lambda s: s.start_s):
        start_s, end_s = max(low_s, span.start_s - around_s), min(high_s, span.end_s + around_s)
        if found and start_s <= found[-1].end_s:
            found[-1] = Stretch(start_s=found[-1].start_s, end_s=max(end_s, found[-1].end_s))
        elif end_s > start_s:
            found.append(Stretch(start_s=start_s, end_s=end_s))
    return tuple(found)
