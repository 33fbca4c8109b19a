"""The pipeline keeps sound and picture together, in order, bounded, and leaves nothing behind when it fails."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
from numpy.typing import NDArray

from avatarium.engine.face.actor import View
from avatarium.engine.face.life import Life
from avatarium.engine.face.pose import Mouth, Pose
from avatarium.engine.production import LEAD_S, SPEECH_AHEAD, TAIL_S, make_video
from avatarium.engine.speech.records import Phoneme, Speech, Word
from avatarium.engine.video import Size, VideoWriter, probe, read_frames, read_sound
from avatarium.errors import StalledError, TextError

RATE = 24000


class Lamp:
    """A face that is a lamp: the wider the mouth, the brighter."""

    size = Size(480, 480)

    def __init__(self) -> None:
        self.rendered = 0

    def render(self, pose: Pose) -> NDArray[np.uint8]:
        self.rendered += 1
        level = int(np.clip(pose.mouth[Mouth.OPEN] / 0.15, 0, 1) * 220)
        return np.full((480, 480, 3), level, np.uint8)


def lamp() -> View:
    return cast(View, Lamp())


def vowel(word: str, before_s: float = 0.4, after_s: float = 0.3) -> Speech:
    """Silence, a loud open vowel of 0.4 s, silence."""
    tone = 0.5 * np.sin(2 * np.pi * 200 * np.arange(int(0.4 * RATE)) / RATE)
    audio = np.concatenate([np.zeros(int(before_s * RATE)), tone, np.zeros(int(after_s * RATE))]).astype(np.float32)
    span: dict[str, Any] = {"start_s": before_s, "end_s": before_s + 0.4}
    return Speech(
        audio=audio, rate=RATE, phonemes=(Phoneme(ipa="a", stress=1, **span),), words=(Word(text=word, **span),)
    )


@pytest.mark.parametrize("fps", [24, 25, 30, 50])
def test_light_and_sound_rise_together_in_every_piece(fps: int, tmp_path: Path) -> None:
    pieces = [vowel("one", 0.413), vowel("two", 0.257, 0.111), vowel("three", 0.3)]
    take = make_video(lamp(), pieces, tmp_path / "a.mp4", life=Life(fps=fps))
    light = np.array([frame.mean() for frame in read_frames(take.path)])
    sound = np.abs(read_sound(take.path, RATE).samples)
    assert len(light) == take.frames
    for word in take.words:
        on = int(word.start_s * RATE)
        assert sound[on + 200 : on + 3000].max() > 0.3 > sound[on - 1500 : on - 300].max()
        middle = (word.start_s + word.end_s) / 2
        assert light[round(middle * fps)] > 60 > light[round((word.start_s - 0.25) * fps)]


def test_a_video_is_as_long_as_its_pieces_filled_to_whole_frames_plus_stillness(tmp_path: Path) -> None:
    pieces = [vowel("one", 0.4137), vowel("two", 0.2571)]
    take = make_video(lamp(), pieces, tmp_path / "a.mp4")
    spoken = sum(-(-len(p.audio) * 25 // RATE) for p in pieces)
    assert 0 <= take.frames - spoken - round((LEAD_S + TAIL_S) * 25) <= 1
    assert probe(take.path).duration_s == pytest.approx(take.duration_s, abs=0.04)


def test_marks_of_later_pieces_stand_at_their_time_in_the_video(tmp_path: Path) -> None:
    take = make_video(lamp(), [vowel("one"), vowel("two")], tmp_path / "a.mp4")
    assert [w.text for w in take.words] == ["one", "two"]
    assert take.words[0].start_s == pytest.approx(LEAD_S + 0.4)
    assert take.words[1].start_s > take.words[0].end_s + 0.5
    assert take.phonemes[1].start_s == take.words[1].start_s


def test_when_speech_fails_midway_its_error_is_raised_and_no_file_is_left(tmp_path: Path) -> None:
    def speech() -> Iterator[Speech]:
        yield vowel("one")
        yield vowel("two")
        raise TextError("The third sentence cannot be spoken.", code="nothing_to_say")

    with pytest.raises(TextError, match="third"):
        make_video(lamp(), speech(), tmp_path / "a.mp4")
    assert list(tmp_path.iterdir()) == []


def test_when_rendering_fails_its_error_is_raised_and_no_file_is_left(tmp_path: Path) -> None:
    class Broken(Lamp):
        def render(self, pose: Pose) -> NDArray[np.uint8]:
            if self.rendered > 20:
                raise ZeroDivisionError("broken on purpose")
            return super().render(pose)

    with pytest.raises(ZeroDivisionError):
        make_video(cast(View, Broken()), [vowel("one")] * 3, tmp_path / "a.mp4")
    assert list(tmp_path.iterdir()) == []


def test_speech_is_made_only_a_little_ahead_however_long_the_script(tmp_path: Path) -> None:
    made = 0
    face = Lamp()

    def script() -> Iterator[Speech]:
        nonlocal made
        for i in range(30):
            made += 1
            # One piece is 27 frames: what has been asked for may not run away from what has been shown.
            assert made <= face.rendered // 27 + SPEECH_AHEAD + 3
            yield vowel(str(i))

    take = make_video(cast(View, face), script(), tmp_path / "a.mp4")
    assert made == 30 == len(take.words)


def test_progress_never_goes_back_and_ends_at_the_end(tmp_path: Path) -> None:
    told: list[float] = []
    take = make_video(lamp(), [vowel("one"), vowel("two")], tmp_path / "a.mp4", progress=told.append)
    assert told == sorted(told)
    assert told[-1] == pytest.approx(take.duration_s, abs=0.05)


def test_the_same_input_gives_the_same_bytes(tmp_path: Path) -> None:
    for name in ("a.mp4", "b.mp4"):
        make_video(lamp(), [vowel("one"), vowel("two")], tmp_path / name)
    assert (tmp_path / "a.mp4").read_bytes() == (tmp_path / "b.mp4").read_bytes()


def test_empty_speech_is_said_to_be_empty(tmp_path: Path) -> None:
    with pytest.raises(TextError, match="nothing to say"):
        make_video(lamp(), [], tmp_path / "a.mp4")
    assert list(tmp_path.iterdir()) == []


def test_pieces_of_two_rates_and_broken_frame_rates_are_refused(tmp_path: Path) -> None:
    other = replace(vowel("two"), rate=48000)
    with pytest.raises(ValueError, match="one rate"):
        make_video(lamp(), [vowel("one"), other], tmp_path / "a.mp4")
    with pytest.raises(ValueError, match="whole number of frames"):
        make_video(lamp(), [vowel("one")], tmp_path / "a.mp4", life=Life(fps=29.97))
    assert list(tmp_path.iterdir()) == []


def test_the_file_is_given_up_only_when_the_encoder_has_stopped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The writer was closed while the encoder's thread was still writing into it."""
    inside = threading.Event()
    met: list[bool] = []
    write, abort = VideoWriter.write, VideoWriter.abort

    def slow(self: VideoWriter, rgb: NDArray[np.uint8]) -> None:
        inside.set()
        time.sleep(0.02)
        write(self, rgb)
        inside.clear()

    def checked(self: VideoWriter) -> None:
        met.append(inside.is_set())
        abort(self)

    class Broken(Lamp):
        def render(self, pose: Pose) -> NDArray[np.uint8]:
            if self.rendered > 5:
                raise ZeroDivisionError("broken on purpose")
            return super().render(pose)

    monkeypatch.setattr(VideoWriter, "write", slow)
    monkeypatch.setattr(VideoWriter, "abort", checked)
    with pytest.raises(ZeroDivisionError):
        make_video(cast(View, Broken()), [vowel("one")], tmp_path / "a.mp4")
    assert met == [False]


def test_a_step_that_hangs_is_given_up_with_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    released = threading.Event()

    def hanging() -> Iterator[Speech]:
        released.wait(30)
        yield vowel("late")

    monkeypatch.setattr("avatarium.engine.production.SPEECH_STALLED_S", 0.2)
    try:
        with pytest.raises(StalledError, match="given up"):
            make_video(lamp(), hanging(), tmp_path / "a.mp4")
        assert not released.is_set()
    finally:
        released.set()
