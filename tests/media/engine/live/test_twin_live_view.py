"""A real twin in a live room: its film goes on, its lips say what is said, shut after a cut, before any ground."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from avatarium.engine.face.life import Life
from avatarium.engine.face.pose import Mouth
from avatarium.engine.face.video.actor import VideoActor
from avatarium.engine.face.video.playing import Player
from avatarium.engine.live import IdleFrames, Painter, Performer, Tick, live_view
from avatarium.engine.speech import stream
from tests.support.small_twin import SIDE, lip_gap, small_twin

__all__ = ["small_twin"]
pytestmark = pytest.mark.long

Image = NDArray[np.uint8]
WORDS = "Papa bought a bamboo boat, and Mama opened all the windows."


@pytest.fixture(scope="module")
def twin(small_twin: Path) -> Path:
    return small_twin


@pytest.fixture
def actor(twin: Path) -> Iterator[VideoActor]:
    opened = VideoActor.open(twin)
    yield opened
    opened.close()


@pytest.fixture
def film(actor: VideoActor) -> list[Image]:
    """The frames of its life."""
    player = Player(actor.films.base, actor.frames)
    frames = [player.frame(number).copy() for number in range(actor.frames)]
    player.close()
    return frames


def seen(painter: Painter, ticks: list[Tick]) -> list[Image]:
    """As RGB."""
    return [np.asarray(cv2.cvtColor(painter.paint(t), cv2.COLOR_YUV2RGB_I420), np.uint8) for t in ticks]


def said(who: Performer, text: str = WORDS) -> None:
    for piece in stream(text, "hibari-ava"):
        who.say(piece, tag=text)
    who.finish(text)


def test_its_film_goes_on_whatever_it_says(actor: VideoActor, film: list[Image]) -> None:
    who = Performer(Life(seed=1))
    painter = Painter(live_view(actor, resolution=SIDE, shape="1:1"), IdleFrames(10**8), "twin")
    ticks = [who.tick() for _ in range(30)]
    said(who)
    ticks += [who.tick() for _ in range(len(film) + 30)]
    assert any(tick.speaking for tick in ticks)
    for tick in ticks:
        shown = painter.paint(tick)[: SIDE // 4]
        wanted = cv2.cvtColor(film[tick.number % len(film)], cv2.COLOR_RGB2YUV_I420)[: SIDE // 4]
        assert np.array_equal(shown, wanted), "brows and hair are the film's own"
    painter.close()


def test_lips_follow_what_is_said_without_delay(actor: VideoActor) -> None:
    who = Performer(Life(seed=1))
    painter = Painter(live_view(actor, resolution=SIDE, shape="1:1"))
    said(who)
    ticks = [tick for tick in (who.tick() for _ in range(110)) if tick.speaking][:90]
    gaps = np.array([lip_gap(frame) for frame in seen(painter, ticks)])
    wanted = np.array([tick.pose.mouth[Mouth.OPEN] for tick in ticks])
    fits = {lag: np.corrcoef(gaps[4 + lag : 86 + lag], wanted[4:86])[0, 1] for lag in range(-3, 4)}
    assert max(fits, key=lambda lag: fits[lag]) in (-1, 0, 1) and max(fits.values()) > 0.65, fits
    painter.close()


def test_the_mouth_is_shut_two_ticks_after_a_cut(actor: VideoActor) -> None:
    who = Performer(Life(seed=1))
    painter = Painter(live_view(actor, resolution=SIDE, shape="1:1"))
    silent = np.median([lip_gap(frame) for frame in seen(painter, [who.tick() for _ in range(12)])])
    said(who, "Father calls far.")
    ticks = [who.tick()]
    while ticks[-1].pose.mouth[Mouth.OPEN] < 0.1:
        ticks.append(who.tick())
    opened = lip_gap(seen(painter, ticks)[-1])
    who.cut()
    gaps = [lip_gap(frame) for frame in seen(painter, [who.tick() for _ in range(5)])]
    assert opened > silent + 0.04
    assert max(gaps[2:]) < silent + 0.4 * (opened - silent), (silent, opened, gaps)
    painter.close()


def test_it_stands_before_any_ground_and_before_none(actor: VideoActor) -> None:
    blue = Painter(live_view(actor, resolution=SIDE, shape="1:1", background=(20, 60, 220)))
    clear = Painter(live_view(actor, resolution=SIDE, shape="1:1", cutout=True), packed=True)
    ticks = [Performer(Life(seed=1)).tick()]
    (before_blue,), (packed,) = seen(blue, ticks), seen(clear, ticks)
    mask = packed[SIDE:, :, 0]
    assert np.abs(before_blue[4, 4].astype(int) - (20, 60, 220)).max() < 12
    assert (mask[:10, :10] < 12).all() and mask[SIDE // 2, SIDE // 2] > 243
    solid, free = mask > 250, mask < 3
    assert np.abs(packed[:SIDE][solid].astype(int) - before_blue[solid]).mean() < 3, "the same person"
    assert np.abs(before_blue[free].astype(int) - (20, 60, 220)).mean() < 4
    assert 0.1 < free.mean() < 0.8
    blue.close()
    clear.close()


def test_a_jump_of_media_time_is_no_trouble(actor: VideoActor, film: list[Image]) -> None:
    who = Performer(Life(seed=1))
    painter = Painter(live_view(actor, resolution=SIDE, shape="1:1"))
    ticks = [who.tick() for _ in range(400)]
    for at in (0, 1, 2, 57, 58, 390, 391, 399):
        shown = painter.paint(ticks[at])[: SIDE // 4]
        wanted = cv2.cvtColor(film[at % len(film)], cv2.COLOR_RGB2YUV_I420)[: SIDE // 4]
        assert np.array_equal(shown, wanted)
    painter.close()


def test_its_file_can_be_shown_by_path(twin: Path) -> None:
    view = live_view(twin, resolution=240, shape="9:16")
    assert (view.size.width, view.size.height, view.in_order) == (240, 426, True)
    Painter(view).close()
