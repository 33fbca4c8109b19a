"""Frames of idle life are painted once and shared, within a limit of memory."""

from __future__ import annotations

import gc
from typing import cast

import numpy as np
import pytest
from numpy.typing import NDArray

from avatarium.engine.face.life import Life
from avatarium.engine.face.pose import Emotion, Pose
from avatarium.engine.live import IdleFrames, Painter, Performer, Tick
from avatarium.engine.production import Renderer
from avatarium.engine.video import Size
from tests.support.live_speech import said

SIDE = 64
FRAME_BYTES = SIDE * SIDE * 3 // 2


class Lamp:
    """A face that is a lamp: the turn of the head is its brightness."""

    in_order = False

    def __init__(self, side: int = SIDE) -> None:
        self.size = Size(side, side)
        self.rendered = 0

    def render(self, pose: Pose) -> NDArray[np.uint8]:
        self.rendered += 1
        level = np.clip(128 + float(pose.head[0]) * 1500, 0, 255)
        return np.full((self.size.height, self.size.width, 3), level, np.uint8)


def painter(lamp: Lamp, idle: IdleFrames | None, key: str | None = "ava") -> Painter:
    return Painter(cast(Renderer, lamp), idle, key)


def silent(count: int, seed: int = 1) -> list[Tick]:
    who = Performer(Life(seed=seed))
    return [who.tick() for _ in range(count)]


def test_a_frame_is_i420_and_shows_the_pose() -> None:
    tick = silent(1)[0]
    frame = painter(Lamp(), None).paint(tick)
    assert frame.shape == (SIDE * 3 // 2, SIDE) and frame.dtype == np.uint8 and frame.flags.c_contiguous
    grey = int(np.clip(128 + float(tick.pose.head[0]) * 1500, 0, 255))
    assert abs(int(frame[0, 0]) - (16 + grey * 219 / 255)) <= 1
    assert abs(int(frame[SIDE, 0]) - 128) <= 1


def test_odd_sides_are_refused() -> None:
    with pytest.raises(ValueError, match="odd"):
        painter(Lamp(63), None)


def test_idle_frames_are_painted_once_for_all_rooms_that_show_the_same() -> None:
    idle = IdleFrames(10**9)
    first, second = Lamp(), Lamp()
    one, other = painter(first, idle), painter(second, idle)
    for tick in silent(600, seed=1):
        one.paint(tick)
    for tick in silent(600, seed=2):
        other.paint(tick)
    assert first.rendered < 220
    assert second.rendered < 90
    assert idle.used_bytes <= 125 * FRAME_BYTES


def test_a_frame_is_the_very_object_where_nothing_has_moved() -> None:
    who = painter(Lamp(), IdleFrames(10**9))
    shown = silent(300)
    frames = [who.paint(tick) for tick in shown]
    for (a, b), (s, t) in zip(zip(frames, frames[1:], strict=False), zip(shown, shown[1:], strict=False), strict=True):
        if s.idle_frame is not None:
            assert (a is b) == (s.idle_frame == t.idle_frame)


def test_frames_kept_are_those_that_would_be_painted_anew() -> None:
    kept, anew = painter(Lamp(), IdleFrames(10**9)), painter(Lamp(), None)
    for tick in silent(520):
        np.testing.assert_array_equal(kept.paint(tick), anew.paint(tick))


def test_speech_is_never_shown_by_frames_used_before() -> None:
    lamp, who = Lamp(), Performer(Life(seed=1))
    shown_by = painter(lamp, IdleFrames(10**9))
    who.say(said("balu", "mipo"), tag="a")
    for number in range(1, 16):
        shown_by.paint(who.tick())
        assert lamp.rendered == number


def test_looks_and_pictures_do_not_share_frames() -> None:
    idle, lamps = IdleFrames(10**9), [Lamp() for _ in range(3)]
    happy = Performer(Life(seed=1, emotion=Emotion.HAPPY))
    painters = [painter(lamps[0], idle), painter(lamps[1], idle), painter(lamps[2], idle, "noah")]
    for who, ticks in zip(painters, ([silent(1)[0]], [happy.tick()], [silent(1)[0]]), strict=True):
        who.paint(ticks[0])
    assert [lamp.rendered for lamp in lamps] == [1, 1, 1]
    assert idle.used_bytes == 3 * FRAME_BYTES


def test_memory_stays_within_its_limit_and_frames_in_use_are_kept() -> None:
    idle, lamp = IdleFrames(50 * FRAME_BYTES), Lamp()
    who = painter(lamp, idle)
    for tick in silent(250):
        who.paint(tick)
    assert idle.used_bytes == 50 * FRAME_BYTES
    once = lamp.rendered
    for tick in silent(250):
        who.paint(tick)
    assert once - (lamp.rendered - once) == pytest.approx(50, abs=2)
    other = painter(Lamp(), idle, "noah")
    for tick in silent(250):
        other.paint(tick)
    assert idle.used_bytes == 50 * FRAME_BYTES


def test_frames_that_nobody_shows_go_when_room_is_needed_the_oldest_first() -> None:
    idle, ticks = IdleFrames(300 * FRAME_BYTES), silent(252)
    for name in ("a", "b"):
        who = painter(Lamp(), idle, name)
        for tick in ticks:
            who.paint(tick)
        who.close()
    kept = idle.used_bytes
    assert kept > 200 * FRAME_BYTES
    third = painter(Lamp(), idle, "c")
    for tick in ticks:
        third.paint(tick)
    assert idle.used_bytes <= 300 * FRAME_BYTES
    again = {}
    for name in ("b", "a"):
        lamp = Lamp()
        who = painter(lamp, idle, name)
        for tick in ticks:
            who.paint(tick)
        again[name] = lamp.rendered
    assert again["b"] < 50 < again["a"]


def test_a_painter_that_is_forgotten_gives_its_frames_back() -> None:
    idle = IdleFrames(FRAME_BYTES)
    lost = painter(Lamp(), idle, "a")
    lost.paint(silent(1)[0])
    del lost
    gc.collect()
    lamp = Lamp()
    who = painter(lamp, idle, "b")
    who.paint(silent(1)[0])
    who.paint(silent(1)[0])
    assert lamp.rendered == 1


def test_closing_twice_gives_back_once() -> None:
    idle = IdleFrames(FRAME_BYTES)
    one, other = painter(Lamp(), idle), painter(Lamp(), idle)
    one.paint(silent(1)[0])
    one.close()
    one.close()
    third = painter(Lamp(), idle, "noah")
    third.paint(silent(1)[0])
    lamp_frames = idle.used_bytes
    assert lamp_frames == FRAME_BYTES
    assert other.paint(silent(1)[0]) is other.paint(silent(1)[0])
