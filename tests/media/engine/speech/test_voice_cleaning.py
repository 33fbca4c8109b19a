"""A recording made into a voice: what must go is gone, what is said is all there."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from avatarium.engine.speech.cleaning import LEAST_S, PAUSE_S, clean_voice
from avatarium.engine.speech.records import Samples
from avatarium.engine.video import read_sound
from avatarium.engine.video.loudness import TARGET_LUFS, loudness_lufs, true_peak_dbtp
from avatarium.errors import AudioError

RATE = 48_000


@pytest.fixture(scope="module")
def spoken(media: Path) -> Samples:
    """Eleven seconds of a speech, quietly."""
    return read_sound(media / "speech" / "en-jfk.flac", RATE).samples * np.float32(0.1)


def power_db(samples: Samples, low_hz: float, high_hz: float) -> float:
    """Of a band, in dB."""
    spectrum = np.abs(np.fft.rfft(samples)) ** 2 / len(samples)
    frequencies = np.fft.rfftfreq(len(samples), 1 / RATE)
    return float(10 * np.log10(spectrum[(frequencies >= low_hz) & (frequencies < high_hz)].sum() + 1e-12))


def test_silence_round_speech_goes_and_speech_stays(spoken: Samples) -> None:
    silence = np.zeros(4 * RATE, np.float32)
    padded = np.concatenate((silence, spoken, silence, spoken, silence))
    cleaned = clean_voice(padded, RATE)
    once = clean_voice(spoken, RATE)
    assert 0.8 * len(spoken) < len(once) <= len(spoken)
    assert abs(len(cleaned) - 2 * len(once)) < 4 * PAUSE_S * RATE


def test_rumble_goes_and_the_voice_stays(spoken: Samples) -> None:
    times = np.arange(len(spoken)) / RATE
    rumble = (0.05 * np.sin(2 * np.pi * 30 * times) + 0.05).astype(np.float32)
    cleaned, clean = clean_voice(spoken + rumble, RATE), clean_voice(spoken, RATE)
    assert power_db(spoken + rumble, 20, 40) - power_db(spoken + rumble, 200, 3000) > -5
    assert power_db(cleaned, 20, 40) - power_db(cleaned, 200, 3000) < -20
    assert abs(float(cleaned.mean())) < 1e-3
    assert abs(power_db(cleaned, 200, 3000) - power_db(clean, 200, 3000)) < 2


def test_it_is_as_loud_as_speech_should_be(spoken: Samples) -> None:
    cleaned = clean_voice(spoken, RATE)
    assert loudness_lufs(spoken, RATE) < -30
    assert abs(loudness_lufs(cleaned, RATE) - TARGET_LUFS) < 1.5
    assert true_peak_dbtp(cleaned) < -1


def test_joints_do_not_click(spoken: Samples) -> None:
    silence = np.zeros(2 * RATE, np.float32)
    cleaned = clean_voice(np.concatenate((spoken, silence, spoken)), RATE)
    alone = clean_voice(spoken, RATE)
    assert np.abs(np.diff(cleaned)).max() < 1.2 * np.abs(np.diff(alone)).max()


@pytest.mark.parametrize("kind", ["noise", "tone", "a word"])
def test_what_holds_no_voice_is_refused(spoken: Samples, kind: str) -> None:
    times = np.arange(10 * RATE) / RATE
    sounds = {
        "noise": np.random.default_rng(0).normal(0, 0.05, len(times)),
        "tone": 0.2 * np.sin(2 * np.pi * 440 * times),
        "a word": np.concatenate((spoken[: round(0.5 * LEAST_S * RATE)], np.zeros(len(times)))),
    }
    with pytest.raises(AudioError) as caught:
        clean_voice(sounds[kind].astype(np.float32), RATE)
    assert caught.value.code == "no_speech"
