"""The thread that renders: gives every room of a stage its ticks in time.

Tick n of a room is due at ``base + n * 40 ms`` and is begun a little before, one tick at most, so that an interrupt
finds nothing that was made long ahead. Of several rooms the one that is due first comes first. Where there is not
enough time, pictures are left out and sound never is, until the room has caught up: media time neither stops nor jumps.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Protocol

import structlog

from avatarium.streaming.stage.show import TICK_S, Beat

LEAD_MIN_S, LEAD_MAX_S = 0.018, TICK_S
LEAD_SHARE = 1.6
"""Of the work of all rooms together that a tick is begun before it is due."""
LATE_S = TICK_S
"""What is ready by so much after it was due counts as late; less than that disappears in the buffers of players."""
BLIND_TICKS = 5
"""Pictures that are left out in a row at most: a picture now and then is better than none."""
GIVE_UP_S = 5.0
"""A process that was stopped for longer does not make up for it: its rooms go on where they were."""
WINDOW = 250
"""Ticks over which lateness is told: 10 s."""
SECOND = 25
"""Ticks: a room whose first one was late is no stage that is too slow."""
SMOOTH = 0.05
log = structlog.get_logger()


class Beats(Protocol):
    """What is paced: a :class:`~.show.Show`."""

    def make(self, due_s: float, *, late: bool) -> Beat: ...

    def close(self) -> None: ...


@dataclass(slots=True, eq=False)
class Pace:
    """One room's place in the pacemaker."""

    show: Beats
    deliver: Callable[[Beat], None]
    broke: Callable[[], None]
    base_s: float
    """When tick 0 was due, on the monotonic clock."""
    number: int = 0
    """Of the next tick."""
    cost_s: float = 0.005
    """What a tick takes with a picture, lately, by the wall clock."""
    blind: int = 0
    """Pictures left out in a row."""
    lateness: deque[float] = field(default_factory=lambda: deque(maxlen=WINDOW))
    """How long after its time each of the last ticks was ready, in seconds; below zero it was early."""
    closed: Future[None] = field(default_factory=Future)
    leaving: bool = False

    @property
    def due_s(self) -> float:
        """When the next tick is due."""
        return self.base_s + self.number * TICK_S

    @property
    def late_share(self) -> float:
        """Share of the last ticks that were late; of a room that has just begun, of a second's."""
        values = list(self.lateness)
        return sum(late > LATE_S for late in values) / max(len(values), SECOND)

    def lateness_ms(self, share: float) -> float:
        """The lateness that so large a share of the last ticks stayed below."""
        values = sorted(self.lateness)
        return round(values[min(len(values) - 1, int(share * len(values)))] * 1000, 1) if values else 0.0


class Pacemaker:
    """Runs the ticks of all rooms in one thread.

    Args:
        monotonic_s: the clock; its waiting is real.
    """

    def __init__(self, monotonic_s: Callable[[], float] = time.monotonic) -> None:
        self._now_s = monotonic_s
        self._paces: list[Pace] = []
        self._news = threading.Condition()
        self._stopping = False
        self._work, self._working = 0, False
        self._thread = threading.Thread(target=self._run, name="pacemaker", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """Close all rooms and end the thread."""
        with self._news:
            self._stopping = True
            self._news.notify()
        self._thread.join()

    def add(self, show: Beats, deliver: Callable[[Beat], None], broke: Callable[[], None] = lambda: None) -> Pace:
        """Pace a room from now on.

        Args:
            deliver: gets each tick, in the pacemaker's thread; must not block.
            broke: called there, once, where a tick could not be made or delivered; the room gets none any more.
        """
        pace = Pace(show=show, deliver=deliver, broke=broke, base_s=self._now_s() + LEAD_MAX_S)
        with self._news:
            self._paces.append(pace)
            self._news.notify()
        return pace

    def remove(self, pace: Pace) -> Future[None]:
        """Pace it no more; what is answered is done when its encoders are closed."""
        with self._news:
            pace.leaving = True
            if self._stopping and pace not in self._paces and not pace.closed.done():
                pace.closed.set_result(None)
            self._news.notify()
        return pace.closed

    @property
    def paces(self) -> list[Pace]:
        """Of all rooms."""
        with self._news:
            return list(self._paces)

    @property
    def alive(self) -> bool:
        """Whether its thread runs."""
        return self._thread.is_alive()

    @property
    def work(self) -> int | None:
        """A number for what it does just now, new for each tick; None while it waits."""
        return self._work if self._working else None

    def _run(self) -> None:
        try:
            self._keep_time()
        except Exception:
            log.exception("pacemaker_died")

    def _keep_time(self) -> None:
        while True:
            with self._news:
                leaving = [pace for pace in self._paces if pace.leaving or self._stopping]
                self._paces = [pace for pace in self._paces if pace not in leaving]
                if self._stopping and not leaving:
                    return
                pace = None if leaving else self._next()
            self._work, self._working = self._work + 1, True
            for gone in leaving:
                _close(gone)
            if pace is not None:
                self._beat_or_end(pace)
            self._working = False

    def _beat_or_end(self, pace: Pace) -> None:
        try:
            self.beat(pace)
        except Exception:
            # One room's trouble is not that of the others.
            log.exception("tick_bug")
            pace.leaving = True
            pace.broke()

    def _next(self) -> Pace | None:
        """The room whose turn it is; None where something has changed while it was waited for."""
        if not self._paces:
            self._news.wait()
            return None
        pace = min(self._paces, key=lambda one: one.due_s)
        wait_s = pace.due_s - self._lead_s(self._paces) - self._now_s()
        if wait_s > 0:
            self._news.wait(wait_s)
            return None
        return pace

    @staticmethod
    def _lead_s(paces: Iterable[Pace]) -> float:
        return min(max(LEAD_SHARE * sum(pace.cost_s for pace in paces), LEAD_MIN_S), LEAD_MAX_S)

    def beat(self, pace: Pace) -> None:
        """Make the next tick of a room and hand it on."""
        began_s = self._now_s()
        if began_s - pace.due_s > GIVE_UP_S:
            log.warning("stage_stood_still", seconds=round(began_s - pace.due_s, 1))
            pace.base_s += began_s - pace.due_s
        late = began_s + pace.cost_s > pace.due_s + TICK_S and pace.blind < BLIND_TICKS
        beat = pace.show.make(pace.due_s, late=late)
        done_s = self._now_s()
        pace.blind = pace.blind + 1 if late else 0
        if not late:
            pace.cost_s += SMOOTH * (min(done_s - began_s, TICK_S) - pace.cost_s)
        pace.lateness.append(done_s - pace.due_s)
        pace.number += 1
        pace.deliver(beat)


def _close(pace: Pace) -> None:
    try:
        pace.show.close()
    except Exception:
        log.exception("close_bug")
    finally:
        if not pace.closed.done():
            pace.closed.set_result(None)
