"""The instrument on real people, and on two shams that a person would not believe."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import pytest

from avatarium.engine.speech.records import Phoneme, Samples
from bench.likeness import Likeness, measure, natural, series, sync
from bench.likeness.align import RATE
from bench.likeness.clip import Picture, read_frames, read_sound
from bench.likeness.landmarks import find_face
from bench.likeness.shams import flapping, still, write_clip
from bench.likeness.watch import find_face_track

MEDIA = natural.media_folder()
CLIPS = MEDIA / "talking-videos"
PORTRAIT = MEDIA / "portraits" / "synthetic-woman-0163.jpg"
FPS = 25

pytestmark = pytest.mark.skipif(not CLIPS.is_dir(), reason="the test media are not here; set AVATARIUM_TEST_MEDIA")


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """Speech for the shams: sentences of three real speakers in a row."""

    sound: Samples
    phonemes: tuple[Phoneme, ...]


def _moved(phonemes: Iterable[Phoneme], by_s: float) -> list[Phoneme]:
    return [Phoneme(ipa=p.ipa, start_s=p.start_s + by_s, end_s=p.end_s + by_s) for p in phonemes]


@pytest.fixture(scope="module")
def said() -> Said:
    sounds: list[Samples] = []
    phonemes: list[Phoneme] = []
    for clip in natural.GRID[:3]:
        before_s = sum(map(len, sounds)) / RATE
        sounds.append(read_sound(CLIPS / clip.file, RATE))
        phonemes += _moved(natural.phonemes_of(CLIPS / clip.file, clip.words), before_s)
    return Said(sound=np.concatenate(sounds), phonemes=tuple(phonemes))


@pytest.fixture(scope="module")
def photo() -> Picture:
    small = cv2.resize(cv2.imread(str(PORTRAIT)), (320, 320), interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.cvtColor(small, cv2.COLOR_BGR2RGB), np.uint8)


def _sham(path: Path, said: Said, frames: Callable[[int], Iterable[Picture]]) -> Likeness:
    write_clip(path, frames(round(len(said.sound) / RATE * FPS)), FPS, said.sound, RATE)
    return measure(path, said.phonemes, source=PORTRAIT, blinks=[1.0, 4.0])


def test_a_still_picture_with_speech_fails(tmp_path: Path, said: Said, photo: Picture) -> None:
    likeness = _sham(tmp_path / "still.mp4", said, lambda count: still(photo, count))
    assert likeness.face_share == 1
    assert {
        "offset_frames",
        "correlation",
        "closure_rate",
        "rounding",
        "opening_p95",
        "mouth_motion_ratio",
        "blinks_found",
        "yaw_sd",
        "nose_speed",
    } <= set(likeness.failures)
    assert likeness.correlation < 0.2


def test_a_photo_with_a_flapping_mouth_fails(tmp_path: Path, said: Said, photo: Picture) -> None:
    likeness = _sham(tmp_path / "flap.mp4", said, lambda count: flapping(photo, count, FPS))
    assert likeness.opening_p95 is not None
    assert likeness.opening_p95 > 0.1, "the sham must open its mouth, or it proves nothing"
    assert {"correlation", "closure_rate", "rounding", "mouth_motion_ratio"} <= set(likeness.failures)
    assert likeness.correlation < 0.3


@pytest.mark.long
def test_real_speakers_are_in_time_and_shut_their_lips() -> None:
    measured = [natural.measure_clip(MEDIA, clip) for clip in natural.GRID]
    pooled = natural.pooled_peak(measured)
    assert pooled.offset_frames == pytest.approx(0, abs=0.5)
    assert pooled.correlation > 0.5
    for one in measured:
        assert one.likeness.face_share == 1
        assert one.likeness.offset_frames == pytest.approx(0, abs=1)
        assert not {"closure_rate", "opening_p95", "mouth_motion_ratio"} & set(one.likeness.failures), one.clip.file
    shut = sum(one.likeness.closures_shut for one in measured)
    assert shut == sum(one.likeness.closures_total for one in measured) >= 8


def _offset(video: Path, phonemes: Iterable[Phoneme]) -> float:
    face = find_face_track(video)
    offset = sync.peak(sync.lag_curve(face.times_s, series.opening(face.track), tuple(phonemes))).offset_frames
    assert offset is not None
    return offset


def test_sound_delayed_by_five_frames_is_reported_as_a_picture_five_frames_early(tmp_path: Path) -> None:
    clip = natural.GRID[4]
    sound = read_sound(CLIPS / clip.file, RATE)
    late = np.concatenate([np.zeros(RATE * 5 // FPS, np.float32), sound])
    frames = (frame.picture for frame in read_frames(CLIPS / clip.file))
    write_clip(tmp_path / "late.mp4", frames, FPS, late, RATE)
    here = _offset(CLIPS / clip.file, natural.phonemes_of(CLIPS / clip.file, clip.words))
    there = _offset(tmp_path / "late.mp4", natural.phonemes_of(tmp_path / "late.mp4", clip.words))
    assert there - here == pytest.approx(-5, abs=0.5)


def test_a_clip_known_to_lead_its_sound_by_three_frames_is_found_out() -> None:
    video = CLIPS / "woman-flag-512.mp4"
    assert _offset(video, natural.phonemes_of(video, "")) == pytest.approx(-3, abs=0.5)


def test_another_face_fails_the_identity_of_a_photo() -> None:
    clip = natural.GRID[0]
    video = CLIPS / clip.file
    likeness = measure(video, natural.phonemes_of(video, clip.words), source=PORTRAIT)
    assert {"identity_mean", "identity_max"} <= set(likeness.failures)
    assert likeness.identity_mean is not None
    assert likeness.identity_mean > 0.6


@pytest.mark.parametrize("name", ["dog.jpg", "../products/coffee.jpg"])
def test_what_is_no_human_face_is_not_found(name: str) -> None:
    picture = cv2.cvtColor(cv2.imread(str(MEDIA / "portraits" / name)), cv2.COLOR_BGR2RGB)
    assert find_face(np.asarray(picture, np.uint8)) is None


def test_a_face_is_found_small_and_large() -> None:
    photo = cv2.cvtColor(cv2.imread(str(PORTRAIT)), cv2.COLOR_BGR2RGB)
    sizes = []
    for side in (160, 512, 1800):
        box = find_face(np.asarray(cv2.resize(photo, (side, side), interpolation=cv2.INTER_AREA), np.uint8))
        assert box is not None, side
        sizes.append(box.size / side)
    assert max(sizes) / min(sizes) < 1.35
