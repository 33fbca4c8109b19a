"""How many rooms a stage can hold: measured when it starts, watched while it runs."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from statistics import fmean
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from avatarium.engine.live import Tick
    from avatarium.engine.production import Renderer

TICK_MS = 40.0
SPEAKING_SHARE = 0.4
"""Of the time of a room in which its avatar speaks; the rest it listens."""
UNMEASURED_MS = 1.5
"""A tick's share of what is not measured here: sending, events, synthesis."""
TICKS, PASSES = 12, 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Capacity:
    """What one tick of a room of 512 by 512 costs here."""

    speaking_ms: float
    """With drawing and encoding."""
    idle_ms: float
    """With a frame that is used again."""
    share: float
    """Of a core that rooms may take."""

    @property
    def room_ms(self) -> float:
        """A tick on average."""
        return SPEAKING_SHARE * self.speaking_ms + (1 - SPEAKING_SHARE) * self.idle_ms + UNMEASURED_MS

    @property
    def places(self) -> float:
        """Rooms that fit; one at least, as a machine that is too slow for one still shows it at a lower rate."""
        return max(1.0, round(self.share * TICK_MS / self.room_ms, 2))

    def as_json(self) -> dict[str, Any]:
        """For operators."""
        return {
            "speaking_ms": round(self.speaking_ms, 2),
            "idle_ms": round(self.idle_ms, 2),
            "share": self.share,
            "places": self.places,
            "speaking_at_once": round(self.share * TICK_MS / (self.speaking_ms + UNMEASURED_MS), 1),
        }


def guessed(share: float) -> Capacity:
    """Of a slow machine, until it is measured."""
    return Capacity(speaking_ms=14.0, idle_ms=6.0, share=share)


def measure(view: Renderer, share: float) -> Capacity:
    """Draw and encode a few frames of somebody who speaks, and of somebody who does not. About 0.5 s of CPU."""
    from avatarium.engine.face import Life
    from avatarium.engine.live import TICK_PTS, H264Encoder, IdleFrames, Painter, Performer
    from avatarium.engine.speech import synthesize

    painter, encoder = Painter(view, IdleFrames(8 << 20)), H264Encoder(view.size)
    performer = Performer(Life(seed=3))

    def made_ms(ticks: Iterable[Tick]) -> Iterator[float]:
        for tick in ticks:
            began = time.thread_time()
            encoder.encode(painter.paint(tick), tick.number * TICK_PTS)
            yield (time.thread_time() - began) * 1000

    def round_ms(known: bool) -> float:
        ticks = [performer.tick() for _ in range(TICKS)]
        if known:
            for tick in ticks:
                painter.paint(tick)
        # Of two frames of an idle loop one is that before again, so that a median would tell either.
        return fmean(made_ms(ticks))

    for _ in made_ms(performer.tick() for _ in range(4)):
        pass
    performer.say(synthesize("I am measuring how fast this machine is, which takes a moment.", "hibari-ava"), tag="m")
    performer.tick()
    # The least of several rounds: what disturbs can only add.
    speaking_ms = min(round_ms(known=False) for _ in range(PASSES))
    performer.cut()
    for _ in range(50):
        performer.tick()
    idle_ms = min(round_ms(known=True) for _ in range(PASSES))
    painter.close()
    encoder.close()
    return Capacity(speaking_ms=speaking_ms, idle_ms=idle_ms, share=share)
