"""Recordings that make no voice are told apart, each by its reason; good ones are let through."""

from __future__ import annotations

import wave
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from avatarium.engine.speech.cloning import advise_voice, clone_voice
from avatarium.engine.speech.records import Samples
from avatarium.engine.speech.speakers import Gender
from avatarium.engine.video.sound import read_sound
from avatarium.errors import AudioError, InputError

pytestmark = pytest.mark.usefixtures("silero", "whisper_base", "speakers_model")
RATE = 24_000

Make = Callable[[str, Samples], Path]


@pytest.fixture
def make(tmp_path: Path) -> Make:
    def made(name: str, samples: Samples) -> Path:
        path = tmp_path / f"{name}.wav"
        with wave.open(str(path), "wb") as file:
            file.setnchannels(1)
            file.setsampwidth(2)
            file.setframerate(RATE)
            file.writeframes((np.clip(samples, -1, 1) * 32767).astype("<i2").tobytes())
        return path

    return made


@pytest.fixture(scope="module")
def man(recordings: Path) -> Samples:
    return read_sound(recordings / "en-latentsync-2.wav", RATE).samples[: 14 * RATE]


@pytest.fixture(scope="module")
def woman(media: Path) -> Samples:
    return read_sound(media / "talking-videos" / "woman-blue-700.mp4", RATE).samples


def _noise(count: int) -> Samples:
    return np.random.default_rng(3).standard_normal(count).astype(np.float32)


def test_a_clear_voice_is_fit_and_told_how_to_become_better(make: Make, man: Samples) -> None:
    advice = advise_voice([make("man", man)], language="en-US")
    assert advice.fit and not advice.reason
    assert 40 <= advice.score <= 95
    assert 11 < advice.seconds <= 14
    assert any("30 s" in sentence for sentence in advice.sentences)
    assert advice.facts["speakers"] == 1


def test_recordings_are_counted_together(make: Make, man: Samples) -> None:
    halves = np.array_split(man, 2)
    assert advise_voice([make("a", halves[0])]).reason == "voice_too_short"
    assert advise_voice([make("a", halves[0]), make("b", halves[1])]).fit


@pytest.mark.parametrize("name", ["en-song-imagine.wav", "ja-song.wav"])
def test_songs_are_no_speech(recordings: Path, name: str) -> None:
    advice = advise_voice([recordings / name])
    assert not advice.fit
    assert advice.score == 0
    assert advice.reason in ("music_only", "voice_too_short")


def test_music_without_a_voice(make: Make) -> None:
    time = np.arange(12 * RATE) / RATE
    tones = 220.0 * 2 ** (np.array([0, 4, 7, 12, 7, 4])[(time * 2).astype(int) % 6] / 12)
    wave_ = sum(np.sin(2 * np.pi * np.cumsum(tones * k) / RATE) / k for k in (1, 2, 3))
    assert advise_voice([make("music", 0.2 * np.asarray(wave_, np.float32))]).reason == "music_only"


def test_a_quiet_room_is_no_speech(make: Make) -> None:
    assert advise_voice([make("room", 0.002 * _noise(12 * RATE))]).reason == "no_speech"


def test_two_people_are_told(make: Make, man: Samples, woman: Samples) -> None:
    advice = advise_voice([make("both", np.concatenate([man[: 8 * RATE], woman]))])
    assert advice.reason == "two_speakers"
    assert "2 people" in advice.sentences[0]


def test_an_overdriven_recording_is_told(make: Make, man: Samples) -> None:
    assert advise_voice([make("loud", np.clip(man * 25, -0.9, 0.9))]).reason == "voice_clipped"


def test_noise_over_the_voice_is_told(make: Make, man: Samples) -> None:
    loud = float(np.sqrt(np.square(man).mean()))
    advice = advise_voice([make("noise", 0.5 * (man + 0.8 * loud * _noise(len(man))))])
    assert not advice.fit
    assert advice.reason == "voice_noisy"


def test_another_language_than_told(recordings: Path) -> None:
    advice = advise_voice([recordings / "fr.wav"], language="en-US")
    assert any("French here, not English" in sentence for sentence in advice.sentences)
    assert not advice.fit


def test_a_language_that_clones_do_not_speak_is_told_and_no_obstacle(recordings: Path) -> None:
    german = recordings / "de.wav"
    advice = advise_voice([german, german], language="de-DE")
    assert advice.fit
    assert any("do not speak German" in sentence for sentence in advice.sentences)


def test_a_file_that_is_no_sound_is_told_and_not_raised(tmp_path: Path) -> None:
    path = tmp_path / "notes.wav"
    path.write_bytes(b"not a sound" * 100)
    advice = advise_voice([path])
    assert (advice.fit, advice.reason) == (False, "sound_unreadable")
    assert advice.sentences


def test_no_recordings_are_told() -> None:
    assert advise_voice([]).reason == "no_recordings"


def test_a_clone_of_too_little_is_refused_and_leaves_nothing(tmp_path: Path, make: Make, man: Samples) -> None:
    out = tmp_path / "me.voice"
    with pytest.raises(AudioError) as caught:
        clone_voice([make("short", man[: 3 * RATE])], out, gender=Gender.MALE, scratch=tmp_path)
    assert caught.value.code == "voice_too_short"
    assert not out.exists()


def test_an_unknown_cloner_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError) as caught:
        clone_voice([tmp_path / "a.wav"], tmp_path / "b", gender=Gender.MALE, scratch=tmp_path, cloner="none")
    assert caught.value.code == "unknown_cloner"
