"""Which stage a room goes to: the least loaded that has a place for it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from avatarium.streaming.models import StageRecord
from avatarium.streaming.wire import RoomSpec

STANDARD = 512 * 512
"""Pixels of the picture that takes one place."""
FIXED = 0.3
"""Share of a place that does not grow with the picture: sound, connections, the clock."""
FILMED, FILM = 1.0, 2.0
"""Places that a room with an avatar from a video takes besides, and those for each million pixels of its film: no frame
is used again while it listens, and the film is decoded whole, whatever is shown of it (``python -m bench.live_frames``
measures both)."""
USUAL_FILM = 1280 * 720
"""Pixels of a film where they are not known."""
SLOW = 2.5
"""Places that a room takes besides whose voice is not live: it speaks two fifths of the time, and a second of its
speech is a second of a core."""
LATE = 0.05
"""Share of late ticks at which a stage counts as full, whatever it was measured to hold."""
_SLACK = 1e-6


def places_of(width: int, height: int) -> float:
    """How many places a room with such a picture takes of a stage."""
    return round(FIXED + (1 - FIXED) * width * height / STANDARD, 3)


def size_of(resolution: int, shape: str) -> tuple[int, int]:
    """Width and height of a picture by its short side and its shape, which are even; an empty shape is square."""
    across, down = (int(part) for part in shape.split(":")) if shape else (1, 1)
    scale = resolution / min(across, down)
    return _even(across * scale), _even(down * scale)


def coded_size(spec: RoomSpec) -> tuple[int, int]:
    """Width and height of the pictures that viewers of a room get: of double height where the mask lies below."""
    width, height = size_of(spec.resolution, spec.shape)
    return width, 2 * height if spec.transparent else height


def places_for(spec: RoomSpec) -> float:
    """How many places a room takes of a stage."""
    slow = 0.0 if spec.voice.live else SLOW
    return round(places_of(*coded_size(spec)) + _filmed(spec) + slow, 3)


def _filmed(spec: RoomSpec) -> float:
    return FILMED + FILM * (spec.film_pixels or USUAL_FILM) / 1e6 if spec.package_key else 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """What a look at the stages has shown."""

    stage: StageRecord | None
    """The one to take; None where all are full."""
    alive: int
    """How many stages there are, full or not."""


def choose(
    living: Sequence[StageRecord],
    taken: Mapping[str, float],
    *,
    places: float,
    share: float,
    avoid: Collection[str] = (),
    before: Sequence[float] = (),
) -> Choice:
    """Look at the stages on the roll.

    Args:
        living: those that have written lately.
        taken: places that open rooms take, by stage.
        places: what the new room will take.
        share: of its core that a stage may be loaded with.
        avoid: stages that have just not answered.
        before: places that those want who come first. What one of them cannot use now is not kept for them: a large
            room waits until a stage has room for it, and nobody waits behind it in vain.
    """
    alive = [stage for stage in living if stage.id not in avoid]
    usable = [stage for stage in alive if not (stage.draining or stage.late > LATE or stage.load >= share)]
    promised = dict(taken)
    for wanted in before:
        if (theirs := _best(usable, promised, wanted)) is not None:
            promised[theirs.id] = promised.get(theirs.id, 0.0) + wanted
    return Choice(stage=_best(usable, promised, places), alive=len(alive))


def _best(usable: Sequence[StageRecord], taken: Mapping[str, float], places: float) -> StageRecord | None:
    """The emptiest that a room fits on. An empty one takes any: a room larger than all stages would wait for ever."""
    room = {stage.id: stage.places - taken.get(stage.id, 0.0) + _SLACK >= places for stage in usable}
    fitting = [stage for stage in usable if room[stage.id] or taken.get(stage.id, 0.0) <= _SLACK]

    def fullness(stage: StageRecord) -> tuple[bool, float, float, str]:
        return not room[stage.id], taken.get(stage.id, 0.0) / stage.places, stage.load, stage.id

    return min(fitting, key=fullness, default=None)


def _even(length: float) -> int:
    return 2 * round(length / 2)
