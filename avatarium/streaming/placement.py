"""Which stage a room goes to: the least loaded that has a place for it."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from avatarium.clock import SECOND_MS
from avatarium.streaming.models import StageRecord

STANDARD = 512 * 512
"""Pixels of the picture that takes one place."""
FIXED = 0.3
"""Share of a place that does not grow with the picture: sound, connections, the clock."""
GONE_S = 10
"""A stage that was not seen for this long gets no new rooms."""
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """What a look at the stages has shown."""

    stage: StageRecord | None
    """The one to take; None where all are full."""
    free: int
    """How many rooms of this size they could take in all."""
    alive: int
    """How many stages there are, full or not."""


def choose(
    found: Sequence[StageRecord],
    taken: Mapping[str, float],
    *,
    places: float,
    share: float,
    now_ms: int,
    avoid: Collection[str] = (),
) -> Choice:
    """Look at the stages on the roll.

    Args:
        found: all of them.
        taken: places that open rooms take, by stage.
        places: what the new room will take.
        share: of its core that a stage may be loaded with.
        now_ms: the present.
        avoid: stages that have just not answered.
    """
    alive = [stage for stage in found if now_ms - stage.seen_ms < GONE_S * SECOND_MS and stage.id not in avoid]
    free = {stage.id: _free(stage, taken.get(stage.id, 0.0), places, share) for stage in alive}
    fitting = [stage for stage in alive if free[stage.id] > 0]

    def fullness(stage: StageRecord) -> tuple[float, float, str]:
        return taken.get(stage.id, 0.0) / stage.places, stage.load, stage.id

    return Choice(stage=min(fitting, key=fullness, default=None), free=sum(free.values()), alive=len(alive))


def _free(stage: StageRecord, taken: float, places: float, share: float) -> int:
    if stage.draining or stage.late > LATE or stage.load >= share:
        return 0
    return max(0, math.floor((stage.places - taken) / places + _SLACK))


def _even(length: float) -> int:
    return 2 * round(length / 2)
