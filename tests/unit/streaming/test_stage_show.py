"""Ticks painted and coded once for all who watch."""

from __future__ import annotations

import av
import numpy as np
import pytest
from numpy.typing import NDArray

from avatarium.engine.live import Painter
from avatarium.streaming.stage.show import KEY_GAP_TICKS, TICK_S, Beat, Show
from avatarium.streaming.transports.viewer import PICTURE_RATE, SOUND_RATE
from tests.support.live_rooms import FlatFace, make_show, speech

BASE_S = 500.0


class Room:
    """A show whose ticks are made by hand."""

    def __init__(self, *codecs: str, face: FlatFace | None = None) -> None:
        self.show: Show = make_show()
        self.face = face or FlatFace()
        self.show.set_painter(Painter(self.face))
        self.number = 0
        if codecs:
            self.show.watch(frozenset(codecs), anybody=True)

    def ticks(self, count: int, *, late: bool = False) -> list[Beat]:
        made = []
        for _ in range(count):
            made.append(self.show.make(BASE_S + self.number * TICK_S, late=late))
            self.number += 1
        return made


def decoded(codec: str, beats: list[Beat]) -> list[NDArray[np.uint8]]:
    """The pictures, as a viewer sees them."""
    decoder = av.CodecContext.create("h264" if codec == "h264" else "vp8", "r")
    frames = [
        frame
        for beat in beats
        if codec in beat.pictures
        for frame in decoder.decode(av.Packet(beat.pictures[codec].data))
    ]
    return [np.asarray(frame.to_ndarray(format="gray"), np.uint8) for frame in (*frames, *decoder.decode(None))]


def test_nobody_watches_and_time_goes_on_for_nothing() -> None:
    room = Room()
    beats = room.ticks(5)
    assert [beat.number for beat in beats] == [0, 1, 2, 3, 4]
    assert not any(beat.pictures or beat.sounds for beat in beats)
    assert room.face.drawn == 0 and room.show.encoders == []


def test_pictures_and_sound_of_a_tick_are_due_by_one_clock() -> None:
    room = Room("h264")
    for beat in room.ticks(10):
        picture, (first, second) = beat.pictures["h264"], beat.sounds
        bases = [
            p.due_s - p.pts / rate for p, rate in ((picture, PICTURE_RATE), (first, SOUND_RATE), (second, SOUND_RATE))
        ]
        assert bases == pytest.approx([BASE_S] * 3, abs=1e-6)
        assert second.pts - first.pts == 960 and first.pts == beat.number * 1920


@pytest.mark.parametrize("codec", ["h264", "vp8"])
def test_what_is_sent_can_be_decoded_and_shows_the_mouth_move(codec: str) -> None:
    from avatarium.engine.speech import synthesize

    room = Room(codec)
    silent = decoded(codec, room.ticks(3))
    room = Room(codec)
    room.show.performer.say(synthesize("Mama, papa, mama.", "hibari-ava"), tag="u1")
    spoken = decoded(codec, room.ticks(30))
    assert len(silent) == 3 and len(spoken) == 30
    assert np.ptp([frame.mean() for frame in silent]) < 3 < np.ptp([frame.mean() for frame in spoken])


def test_one_encoder_for_each_codec_that_is_watched_and_none_for_others() -> None:
    room = Room("h264")
    room.ticks(1)
    assert room.show.encoders == ["h264"]
    room.show.watch(frozenset({"h264", "vp8"}), anybody=True)
    beats = room.ticks(2)
    assert room.show.encoders == ["h264", "vp8"]
    assert set(beats[0].pictures) == {"h264", "vp8"}
    assert room.face.drawn == 3, "drawn once for both"
    room.show.watch(frozenset({"vp8"}), anybody=True)
    room.ticks(1)
    assert room.show.encoders == ["vp8"]
    room.show.watch(frozenset(), anybody=False)
    room.ticks(1)
    assert room.show.encoders == []


def test_a_viewer_without_a_picture_hears_and_nothing_is_drawn() -> None:
    room = Room()
    room.show.watch(frozenset(), anybody=True)
    beat = room.ticks(1)[0]
    assert len(beat.sounds) == 2 and not beat.pictures and room.face.drawn == 0


def test_many_wishes_for_a_key_frame_are_one() -> None:
    room = Room("h264")
    assert room.ticks(1)[0].pictures["h264"].key
    room.ticks(KEY_GAP_TICKS)
    for _ in range(20):
        room.show.want_key("h264")
    assert [beat.pictures["h264"].key for beat in room.ticks(4)] == [True, False, False, False]


def test_key_frames_keep_apart() -> None:
    """Each lost one asks for another, which a connection that loses can carry even less."""
    room = Room("h264")
    keys = []
    for beat in range(4 * KEY_GAP_TICKS):
        room.show.want_key("h264")
        keys += [beat for made in room.ticks(1) if made.pictures["h264"].key]
    assert keys == [0, KEY_GAP_TICKS, 2 * KEY_GAP_TICKS, 3 * KEY_GAP_TICKS]


def test_too_late_for_a_picture_but_not_for_sound() -> None:
    room = Room("h264")
    room.ticks(1)
    beats = room.ticks(3, late=True)
    assert all(beat.skipped and not beat.pictures and len(beat.sounds) == 2 for beat in beats)
    assert room.show.skipped == 3 and room.face.drawn == 1
    assert not room.ticks(1)[0].skipped


def test_on_a_bad_connection_every_second_picture_is_left_out() -> None:
    room = Room("h264")
    room.show.thin = True
    beats = room.ticks(10)
    assert [bool(beat.pictures) for beat in beats] == [True, False] * 5
    assert not any(beat.skipped for beat in beats), "meant, not missed"


def test_the_bit_rate_changes_while_it_runs() -> None:
    room = Room("h264", face=NoisyFace())
    room.show.bitrate = 2_000_000
    rich = sum(len(beat.pictures["h264"].data) for beat in room.ticks(50)[25:])
    room.show.bitrate = 100_000
    poor = sum(len(beat.pictures["h264"].data) for beat in room.ticks(75)[50:])
    assert poor < rich / 4


def test_a_picture_that_cannot_be_drawn_costs_no_sound() -> None:
    room = Room("h264", face=BrokenFace())
    beats = room.ticks(3)
    assert all(not beat.pictures and len(beat.sounds) == 2 for beat in beats)


def test_closing_gives_all_back() -> None:
    room = Room("h264", "vp8")
    room.ticks(1)
    room.show.close()
    assert room.show.encoders == []


def test_what_it_costs_is_counted() -> None:
    room = Room("h264")
    room.ticks(5)
    assert 0 < room.show.cpu_s < 5


def test_packets_carry_the_generation() -> None:
    room = Room("h264")
    room.show.performer.say(speech(), tag="u1")
    room.show.generation = 3
    beat = room.ticks(1)[0]
    assert {packet.generation for packet in (*beat.sounds, *beat.pictures.values())} == {3}


class NoisyFace(FlatFace):
    def render(self, pose: object) -> NDArray[np.uint8]:
        random = np.random.default_rng(self.drawn)
        self.drawn += 1
        return random.integers(0, 255, (self.size.height, self.size.width, 3)).astype(np.uint8)


class BrokenFace(FlatFace):
    def render(self, pose: object) -> NDArray[np.uint8]:
        raise RuntimeError("the mesh is torn")
