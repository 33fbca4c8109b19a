"""Advice on real clips: what is made worse on purpose is seen, named, and costs more the worse it is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from avatarium.engine.face.advice import Advice, advise, sample_numbers
from avatarium.engine.face.advice_sound import sound_facts
from avatarium.engine.face.video.measures import Measures, measure
from avatarium.engine.face.video.tracking import Track, track_face
from avatarium.engine.video import read_frames, read_sound
from avatarium.engine.video.intake import Clip
from avatarium.engine.video.sound_writer import SoundWriter

Image = NDArray[np.uint8]
Change = Callable[[Image, NDArray[np.float32], float], Image]
RATE = 48000


@dataclass(frozen=True, slots=True, kw_only=True)
class Filmed:
    frames: dict[int, Image]
    track: Track
    measures: Measures
    clip: Clip
    sound: Path

    def judged(self, change: Change | None = None, amount: float = 0.0, sound: Path | None = None) -> Advice:
        sample = self.frames
        if change is not None:
            sample = {n: change(frame, self.track.points[n], amount) for n, frame in sample.items()}
        return advise(sample, self.track, self.measures, sound or self.sound, self.clip)


@pytest.fixture(scope="module")
def filmed(media: Path, tmp_path_factory: pytest.TempPathFactory) -> Filmed:
    """Five seconds of a person who speaks, sharp and well lit; taken for twenty in the count of seconds."""
    path = media / "talking-videos" / "woman-flag-590.mp4"
    frames = list(read_frames(path, fps=25))
    track = track_face(frames)
    sound = tmp_path_factory.mktemp("advice") / "clip.wav"
    _save(sound, read_sound(path, RATE).samples)
    clip = Clip(path=path, sound=sound, width=590, height=590, frames=len(frames), duration_s=len(frames) / 25)
    chosen = {n: frames[n] for n in sample_numbers(len(track))}
    return Filmed(frames=chosen, track=track, measures=measure(track), clip=clip, sound=sound)


def _save(path: Path, samples: NDArray[np.float32]) -> Path:
    with SoundWriter(path, rate=RATE) as writer:
        writer.write(samples)
    return path


def darker(frame: Image, _: NDArray[np.float32], share: float) -> Image:
    return np.asarray(frame * (1 - share), np.uint8)


def blurred(frame: Image, _: NDArray[np.float32], sigma: float) -> Image:
    return np.asarray(cv2.GaussianBlur(frame, (0, 0), sigma), np.uint8)


def grainy(frame: Image, _: NDArray[np.float32], sigma: float) -> Image:
    noise = np.random.default_rng(int(frame[::7, ::7].sum()) % 2**32).normal(0, sigma, (*frame.shape[:2], 1))
    return np.asarray((frame + noise).clip(0, 255), np.uint8)


def lit_from_one_side(frame: Image, points: NDArray[np.float32], share: float) -> Image:
    middle = float(points[[33, 263], 0].mean())
    slope = np.clip((np.arange(frame.shape[1]) - middle) / 60, -1, 1) * 0.5 + 0.5
    return np.asarray(frame * (1 - share * slope[None, :, None]), np.uint8)


@pytest.fixture(scope="module")
def plain(filmed: Filmed) -> Advice:
    return filmed.judged()


FAULTS: list[tuple[Change, tuple[float, ...], str, str]] = [
    (darker, (0.7, 0.85), "light", "dark"),
    (blurred, (3.0, 6.0), "focus", "focus"),
    (grainy, (5.0, 10.0), "grain", "grainy"),
    (lit_from_one_side, (0.5, 0.85), "light_evenness", "one side"),
]


@pytest.mark.parametrize(("change", "amounts", "fact", "word"), FAULTS, ids=[fault[2] for fault in FAULTS])
def test_the_worse_the_picture_the_lower_the_score(
    filmed: Filmed, plain: Advice, change: Change, amounts: tuple[float, ...], fact: str, word: str
) -> None:
    worse = [filmed.judged(change, amount) for amount in amounts]
    scores = [plain.score, *(advice.score for advice in worse)]
    assert all(later < earlier for earlier, later in zip(scores, scores[1:], strict=False)), scores
    assert not any(word in sentence for sentence in plain.sentences)
    assert word in worse[-1].sentences[0], worse[-1].sentences
    assert worse[0].facts[fact] != plain.facts[fact]


def test_a_good_clip_scores_high_and_only_its_length_is_named(plain: Advice) -> None:
    assert plain.fit_to_train and plain.score >= 80
    assert len(plain.sentences) == 1 and "second" in plain.sentences[0]


def test_a_small_face_is_named(filmed: Filmed, plain: Advice) -> None:
    scores = [plain.score]
    for size in (55.0, 32.0):
        scale = size / filmed.measures.iod
        small = replace(
            filmed,
            frames={
                n: np.asarray(cv2.resize(frame, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA), np.uint8)
                for n, frame in filmed.frames.items()
            },
            track=replace(filmed.track, points=filmed.track.points * np.float32(scale)),
            measures=replace(filmed.measures, iod=size),
        )
        advice = small.judged()
        scores.append(advice.score)
    assert all(later < earlier for earlier, later in zip(scores, scores[1:], strict=False)), scores
    assert "small" in advice.sentences[0]


def _cover(frame: Image, points: NDArray[np.float32], colour: tuple[int, int, int], *, low: int, top: int) -> Image:
    out = frame.copy()
    unit = float(np.linalg.norm(points[263, :2] - points[33, :2]))
    left, right = points[172, 0], points[397, 0]
    y0, y1 = points[top, 1], points[low, 1] + 0.1 * unit
    out[int(y0) : int(y1), int(left) : int(right)] = colour
    return out


@pytest.mark.parametrize("share", [0.25, 0.4])
def test_something_before_the_mouth_is_counted(filmed: Filmed, plain: Advice, share: float) -> None:
    numbers = sorted(filmed.frames)
    hidden = set(numbers[: round(share * len(numbers))])
    frames = {
        n: _cover(frame, filmed.track.points[n], (52, 40, 36), low=17, top=2) if n in hidden else frame
        for n, frame in filmed.frames.items()
    }
    advice = replace(filmed, frames=frames).judged()
    assert advice.facts["covered_share"] == pytest.approx(share, abs=0.08)
    assert any("mouth" in sentence for sentence in advice.sentences)
    assert advice.score < plain.score - 10


def test_a_mask_is_seen(filmed: Filmed) -> None:
    frames = {
        n: _cover(frame, filmed.track.points[n], (150, 190, 225), low=152, top=5) for n, frame in filmed.frames.items()
    }
    advice = replace(filmed, frames=frames).judged()
    assert advice.facts["masked"] and not advice.fit_to_train
    assert "mask" in advice.sentences[0]


@pytest.mark.parametrize(
    "name", ["man-beard.jpg", "man-glasses.jpg", "older-woman-grey.jpg", "man-dark-smile-teeth.jpg", "woman-720p.jpg"]
)
def test_beards_and_dark_skin_are_no_masks(portraits: Path, name: str) -> None:
    from avatarium.engine.face.advice_picture import masked

    picture = np.asarray(cv2.imread(str(portraits / name))[:, :, ::-1], np.uint8)
    track = track_face([np.ascontiguousarray(picture)] * 4)
    assert not masked(dict.fromkeys(range(4), picture), track)


@pytest.fixture(scope="module")
def speech(recordings: Path) -> NDArray[np.float32]:
    return read_sound(recordings / "en-retalking-1.wav", RATE).samples


def test_noise_level_and_clipping_are_heard(speech: NDArray[np.float32], tmp_path: Path) -> None:
    rng = np.random.default_rng(2)
    clean = sound_facts(_save(tmp_path / "clean.wav", speech))
    ratios = [clean["snr_db"]]
    for number, level in enumerate((0.01, 0.03, 0.09)):
        noisy = (speech + rng.normal(0, level, len(speech))).astype(np.float32)
        ratios.append(sound_facts(_save(tmp_path / f"noisy{number}.wav", noisy))["snr_db"])
    assert all(later < earlier - 3 for earlier, later in zip(ratios, ratios[1:], strict=False)), ratios
    quiet = sound_facts(_save(tmp_path / "quiet.wav", speech * np.float32(0.01)))
    assert quiet["level_db"] == pytest.approx(clean["level_db"] - 40, abs=1.5)
    loud = sound_facts(_save(tmp_path / "loud.wav", np.clip(speech * 12, -1, 1)))
    assert clean["clipped"] < 0.0008 < 0.01 < loud["clipped"]


def test_speech_is_told_from_hum(speech: NDArray[np.float32], tmp_path: Path) -> None:
    assert sound_facts(_save(tmp_path / "speech.wav", speech))["speech_share"] > 0.4
    hum = (0.1 * np.sin(np.arange(5 * RATE) * 2 * np.pi * 120 / RATE)).astype(np.float32)
    assert sound_facts(_save(tmp_path / "hum.wav", hum))["speech_share"] < 0.05
    assert sound_facts(None) == {"sound": False}
