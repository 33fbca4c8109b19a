"""Ticks in time, and what happens where there is not enough of it."""

from __future__ import annotations

import threading
import time

import numpy as np
import pytest

from avatarium.streaming.stage.pacemaker import BLIND_TICKS, GIVE_UP_S, WINDOW, Pacemaker
from avatarium.streaming.stage.show import TICK_S, Beat


class Drum:
    """A show that takes a given time for a picture, on a clock that is turned by it."""

    def __init__(self, clock: list[float] | None = None, picture_s: float = 0.008) -> None:
        self.clock = clock
        self.picture_s = picture_s
        self.made: list[tuple[float, bool]] = []
        self.closed = 0

    def make(self, due_s: float, *, late: bool) -> Beat:
        if self.clock is not None:
            self.clock[0] += 0.001 if late else self.picture_s
        self.made.append((due_s, late))
        return Beat(number=len(self.made) - 1, due_s=due_s, pcm=np.zeros(1920, np.float32), skipped=late)

    def close(self) -> None:
        self.closed += 1


def manual(picture_s: float) -> tuple[list[float], Pacemaker, Drum, list[Beat]]:
    clock = [100.0]
    maker = Pacemaker(lambda: clock[0])
    return clock, maker, Drum(clock, picture_s), []


def run_in_time(clock: list[float], maker: Pacemaker, drum: Drum, beats: list[Beat], ticks: int) -> None:
    pace = next((p for p in maker.paces if p.show is drum), None) or maker.add(drum, beats.append)
    for _ in range(ticks):
        clock[0] = max(clock[0], pace.due_s - 0.02)
        maker.beat(pace)


def test_in_time_every_tick_has_its_picture() -> None:
    clock, maker, drum, beats = manual(0.008)
    run_in_time(clock, maker, drum, beats, 100)
    assert not any(beat.skipped for beat in beats)
    due = [beat.due_s for beat in beats]
    assert np.allclose(np.diff(due), TICK_S)
    pace = maker.paces[0]
    assert pace.late_share == 0 and pace.lateness_ms(1.0) < 0


def test_a_hiccup_costs_pictures_and_no_sound_and_is_caught_up() -> None:
    clock, maker, drum, beats = manual(0.008)
    run_in_time(clock, maker, drum, beats, 50)
    clock[0] += 0.3
    run_in_time(clock, maker, drum, beats, 50)
    assert [beat.number for beat in beats] == list(range(100)), "no tick is missing"
    assert np.allclose(np.diff([beat.due_s for beat in beats]), TICK_S), "media time neither stops nor jumps"
    left_out = sum(beat.skipped for beat in beats)
    assert 3 <= left_out <= 10
    assert not any(beat.skipped for beat in beats[-30:])
    assert maker.paces[0].late_share > 0


def test_a_machine_that_is_too_slow_still_shows_a_picture_now_and_then() -> None:
    clock, maker, drum, beats = manual(0.060)
    run_in_time(clock, maker, drum, beats, 300)
    shown = [beat.number for beat in beats if not beat.skipped]
    assert shown and max(np.diff(shown)) <= BLIND_TICKS + 1
    assert clock[0] - beats[-1].due_s < 0.5, "sound keeps its time all the same"


def test_a_process_that_was_stopped_goes_on_where_it_was() -> None:
    clock, maker, drum, beats = manual(0.008)
    run_in_time(clock, maker, drum, beats, 10)
    clock[0] += GIVE_UP_S + 3
    run_in_time(clock, maker, drum, beats, 10)
    assert [beat.number for beat in beats] == list(range(20))
    assert beats[10].due_s - beats[9].due_s > GIVE_UP_S
    assert np.allclose(np.diff([beat.due_s for beat in beats[10:]]), TICK_S)


def test_lateness_is_told_of_the_last_ticks_only() -> None:
    clock, maker, drum, beats = manual(0.008)
    run_in_time(clock, maker, drum, beats, 5)
    clock[0] += 0.5
    run_in_time(clock, maker, drum, beats, WINDOW + 50)
    assert maker.paces[0].late_share == 0


@pytest.fixture
def running() -> Pacemaker:
    maker = Pacemaker()
    maker.start()
    return maker


def test_rooms_side_by_side_get_their_ticks_from_one_thread(running: Pacemaker) -> None:
    drums, threads = [Drum(), Drum()], set()
    beats: list[Beat] = []

    def deliver(beat: Beat) -> None:
        threads.add(threading.current_thread().name)
        beats.append(beat)

    paces = [running.add(drum, deliver) for drum in drums]
    until = time.monotonic() + 60
    while min(len(drum.made) for drum in drums) < 5 and time.monotonic() < until:
        time.sleep(0.01)
    running.remove(paces[0]).result(timeout=30)
    made = len(drums[0].made)
    after = len(drums[1].made)
    while len(drums[1].made) < after + 3 and time.monotonic() < until:
        time.sleep(0.01)
    assert drums[0].closed == 1 and len(drums[0].made) == made, "a room that was removed gets nothing more"
    running.stop()
    assert drums[1].closed == 1
    assert threads == {"pacemaker"}


def test_no_tick_is_made_long_before_its_time(running: Pacemaker) -> None:
    """An interrupt would find it made already."""
    early: list[float] = []
    running.add(Drum(), lambda beat: early.append(beat.due_s - time.monotonic()))
    until = time.monotonic() + 60
    while len(early) < 8 and time.monotonic() < until:
        time.sleep(0.01)
    running.stop()
    assert max(early) <= TICK_S


def test_removing_from_a_pacemaker_that_has_stopped(running: Pacemaker) -> None:
    pace = running.add(Drum(), lambda beat: None)
    running.stop()
    running.remove(pace).result(timeout=30)
    running.remove(pace).result(timeout=30)


def test_a_show_that_cannot_be_closed_does_not_stop_the_others(running: Pacemaker) -> None:
    class Stuck(Drum):
        def close(self) -> None:
            raise RuntimeError("stuck")

    good = Drum()
    running.remove(running.add(Stuck(), lambda beat: None)).result(timeout=30)
    running.add(good, lambda beat: None)
    until = time.monotonic() + 60
    while not good.made and time.monotonic() < until:
        time.sleep(0.01)
    running.stop()
    assert good.made


@pytest.mark.parametrize("at", ["make", "deliver"])
def test_a_tick_that_fails_ends_its_room_and_no_other(running: Pacemaker, at: str) -> None:
    """It ended the thread, and with it all rooms of the stage."""

    class Broken(Drum):
        def make(self, due_s: float, *, late: bool) -> Beat:
            if at == "make":
                raise RuntimeError("broken")
            return super().make(due_s, late=late)

    def deliver(beat: Beat) -> None:
        if at == "deliver":
            raise RuntimeError("broken")

    told: list[str] = []
    broken, good = Broken(), Drum()
    pace = running.add(broken, deliver, lambda: told.append("broke"))
    running.add(good, lambda beat: None)
    pace.closed.result(timeout=30)
    made = len(good.made)
    until = time.monotonic() + 60
    while len(good.made) < made + 3 and time.monotonic() < until:
        time.sleep(0.01)
    assert running.alive and len(good.made) >= made + 3
    running.remove(pace).result(timeout=30)
    running.stop()
    assert told == ["broke"] and broken.closed == 1
