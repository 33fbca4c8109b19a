"""A person on a live picture, from the photo to what a viewer sees and hears."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import av
import numpy as np
import pytest

from avatarium.engine.avatars import read_avatar
from avatarium.engine.face import Life, Mouth
from avatarium.engine.live import TICK_PTS, H264Encoder, IdleFrames, Painter, Performer, live_view
from avatarium.engine.production import Renderer
from avatarium.engine.speech import stream
from avatarium.engine.video import Size
from avatarium.errors import FaceError, OptionError, PictureError


@pytest.fixture(scope="module")
def ava() -> Renderer:
    return live_view("ava", resolution=320, shape="1:1")


def test_sizes_are_even_and_have_the_shape_that_was_asked_for(portraits: Path) -> None:
    for resolution, shape, size in (
        (512, "1:1", Size(512, 512)),
        (512, "9:16", Size(512, 910)),
        (240, "16:9", Size(426, 240)),
        (300, None, Size(300, 376)),
    ):
        picture = read_avatar("ava") if shape else "ava"
        assert live_view(picture, resolution=resolution, shape=shape).size == size


def test_a_background_stands_in_place_of_the_pictures_own(ava: Renderer) -> None:
    who = Performer(Life(seed=1))
    green = live_view("ava", resolution=320, shape="1:1", background=(0, 200, 0)).render(who.tick().pose)
    assert np.abs(green[5, 5].astype(int) - (0, 200, 0)).max() < 4
    assert np.abs(ava.render(who.tick().pose)[5, 5].astype(int) - (0, 200, 0)).max() > 40


@pytest.mark.parametrize(("resolution", "shape"), [(100, None), (2000, None), (512, "7:0"), (512, "round")])
def test_sizes_that_are_not_offered_are_refused(resolution: int, shape: str | None) -> None:
    with pytest.raises(OptionError):
        live_view("ava", resolution=resolution, shape=shape)


def test_pictures_without_a_face_or_unknown_ones_are_refused(portraits: Path) -> None:
    with pytest.raises(FaceError):
        live_view(portraits / "dog.jpg")
    with pytest.raises(PictureError, match="built-in"):
        live_view("nobody")


def test_what_is_seen_moves_smoothly_from_silence_to_speech_to_a_cut_and_back(ava: Renderer) -> None:
    """Every frame decoded: none differs from the one before more than frames of speech do, lids excepted."""
    who, painter, encoder = Performer(Life(seed=4)), Painter(ava, IdleFrames(10**8), "ava"), H264Encoder(ava.size)
    reader = av.CodecContext.create("h264", "r")
    frames, ticks = [], []
    for number in range(150):
        if number == 30:
            for piece in stream("Many people bring big balloons and we play along.", "hibari-ava"):
                who.say(piece, tag="a")
        if number == 77:
            assert who.cut()[0].words
        ticks.append(who.tick())
        coded = encoder.encode(painter.paint(ticks[-1]), number * TICK_PTS)
        [frame] = reader.decode(av.Packet(coded.data))
        frames.append(frame.to_ndarray()[: ava.size.height].astype(np.int16))
    assert any(t.speaking for t in ticks) and not ticks[77].speaking
    change = np.array([np.abs(b - a).mean() for a, b in pairwise(frames)])
    blinking = np.array([t.pose.blink > 0 for t in ticks])
    open_eyed = ~(blinking[1:] | blinking[:-1])
    speech = np.array([t.speaking for t in ticks])[1:]
    assert change[open_eyed].max() <= change[speech & open_eyed].max() * 1.1
    assert all(not t.pose.mouth[Mouth.OPEN] > 0 for t in ticks[79:])


def test_teeth_and_dark_of_the_mouth_are_gone_two_ticks_after_a_cut(ava: Renderer) -> None:
    who, painter = Performer(Life(seed=2)), Painter(ava)
    resting = painter.paint(who.tick())
    for piece in stream("Father calls.", "hibari-ava"):
        who.say(piece, tag="a")
    while (tick := who.tick()).pose.mouth[Mouth.OPEN] < 0.12:
        pass
    opened = painter.paint(tick)
    who.cut()
    shut = [painter.paint(who.tick()) for _ in range(2)][-1]

    def darkness(frame: np.ndarray) -> float:  # type: ignore[type-arg]
        mouth = frame[round(0.5 * 320) : round(0.62 * 320), round(0.42 * 320) : round(0.58 * 320)]  # no hair, no neck
        return float((mouth < 60).mean())

    assert darkness(opened) > darkness(resting) + 0.03
    assert darkness(shut) < darkness(resting) + 0.25 * (darkness(opened) - darkness(resting))
