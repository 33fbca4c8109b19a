"""Recordings that cannot be made, and do not keep anybody waiting for it."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from avatarium.streaming.stage import recorder as module
from avatarium.streaming.stage.recorder import WAITING_MAX, Recorder
from avatarium.streaming.stage.show import TICK_S, Beat
from avatarium.streaming.transports.viewer import RECORDED, LivePacket


def beat(number: int) -> Beat:
    return Beat(number=number, due_s=0.0, pcm=np.zeros(1920, np.float32))


def test_a_recorder_that_cannot_make_its_folder_holds_nobody(tmp_path: Path) -> None:
    """Its thread had died, and the end of the room waited for a place in its full queue for ever."""
    (tmp_path / "file").write_text("no folder")
    recorder = Recorder(tmp_path / "file" / "room" / "recording.mp4", (64, 64))
    for number in range(WAITING_MAX + 5):
        recorder.write(beat(number))
    recorder.start()
    finished: list[bool] = []
    ends = threading.Thread(target=lambda: finished.append(recorder.finish()), daemon=True)
    ends.start()
    ends.join(20)
    assert finished == [False] and recorder.problem
    assert recorder.lost == 5


def test_a_disk_that_does_not_answer_is_waited_for_a_while_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "STOP_S", 0.01)
    recorder = Recorder(tmp_path / "recording.mp4", (64, 64))
    for number in range(WAITING_MAX):
        recorder.write(beat(number))
    assert not recorder.finish(), "its thread takes nothing"
    assert recorder.problem == "the disk does not answer"


SIDE, LEVEL = 64, 0.25


def coded() -> Iterator[LivePacket]:
    """Pictures, coded as a room's are, one after the other."""
    encoder = av.CodecContext.create("libx264", "w")
    assert isinstance(encoder, av.VideoCodecContext)
    encoder.width = encoder.height = SIDE
    encoder.pix_fmt, encoder.framerate = "yuv420p", Fraction(25)
    encoder.options = {"tune": "zerolatency", "preset": "ultrafast"}
    number = 0
    while True:
        picture = av.VideoFrame.from_ndarray(np.full((SIDE, SIDE, 3), 8 * (number % 25), np.uint8))
        picture.pts = number
        for packet in encoder.encode(picture):
            yield LivePacket(data=bytes(packet), pts=0, due_s=0, key=bool(packet.is_keyframe), generation=0)
        number += 1


def recorded(path: Path, ticks: Iterable[tuple[int, float]]) -> Recorder:
    """The recording of ticks by their numbers and the times at which they were due."""
    recorder, pictures = Recorder(path, (SIDE, SIDE)), coded()
    tone = (LEVEL * np.sin(2 * np.pi * 440 * np.arange(1920) / 48000)).astype(np.float32)
    recorder.start()
    for number, due_s in ticks:
        recorder.write(Beat(number=number, due_s=due_s, pictures={RECORDED: next(pictures)}, pcm=tone))
    assert recorder.finish(), recorder.problem
    return recorder


def heard(path: Path) -> list[bool]:
    """Whether there is sound in each tick, by the order of the samples alone, as players that know no gaps have it."""
    with av.open(str(path)) as container:
        sound = np.concatenate([frame.to_ndarray()[0] for frame in container.decode(audio=0)])
    ticks = sound[: len(sound) // 1920 * 1920].reshape(-1, 1920)
    return [bool(tick.std() > LEVEL / 4) for tick in ticks]


def shown_at(path: Path) -> list[int]:
    """The ticks at which pictures are shown."""
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        assert stream.time_base is not None
        times = [packet.pts * stream.time_base for packet in container.demux(stream) if packet.pts is not None]
    return [round(float(at) / TICK_S) for at in times]


def test_a_room_that_stood_still_does_so_in_its_recording(tmp_path: Path) -> None:
    """Of a room of 58 seconds on a starved machine 16 were left: what the pacemaker had given up was cut out."""
    path, still_s = tmp_path / "recording.mp4", 6.013
    ticks = [(n, n * TICK_S + still_s * (n >= 20)) for n in range(40)]
    recorder = recorded(path, ticks)
    assert recorder.duration_s == pytest.approx(40 * TICK_S + still_s, abs=TICK_S)
    assert shown_at(path) == [*range(20), *range(170, 190)], "the picture before it stays"
    sounds = heard(path)
    assert not any(sounds[22:168]) and all(sounds[2:19]) and all(sounds[172:188])


def test_ticks_that_a_slow_disk_lost_are_silent_and_those_behind_them_in_time(tmp_path: Path) -> None:
    path = tmp_path / "recording.mp4"
    recorder = recorded(path, ((n, n * TICK_S) for n in range(60) if not 20 <= n < 35))
    assert recorder.duration_s == pytest.approx(60 * TICK_S)
    assert shown_at(path) == [*range(20), *range(35, 60)]
    sounds = heard(path)
    assert not any(sounds[22:33]) and all(sounds[2:19]) and all(sounds[37:58])
