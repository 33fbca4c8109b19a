from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from avatarium.engine.speech.cloning.pitch import STEP_S, pitch_hz

RATE = 24_000


def _voice(course_hz: NDArray[np.float64]) -> NDArray[np.float32]:
    """Harmonics that fall off as those of a voice do, of a pitch given for every sample."""
    phase = 2 * np.pi * np.cumsum(course_hz) / RATE
    tones = [np.where(k * course_hz < 5000, np.sin(k * phase) / k, 0.0) for k in range(1, 30)]
    return np.asarray(0.2 * np.sum(tones, axis=0), np.float32)


@pytest.mark.parametrize("hertz", [75.0, 110.0, 180.0, 260.0, 420.0])
def test_a_steady_tone_is_found_within_a_percent(hertz: float) -> None:
    found = pitch_hz(_voice(np.full(RATE, hertz)), RATE)[4:-4]
    assert np.all(np.abs(found / hertz - 1) < 0.01)


def test_a_glide_is_followed() -> None:
    course = np.linspace(100.0, 200.0, 2 * RATE)
    found = pitch_hz(_voice(course), RATE)
    wanted = course[np.minimum(((np.arange(len(found)) + 0.5) * STEP_S * RATE).astype(int), len(course) - 1)]
    assert np.median(np.abs(found / wanted - 1)) < 0.01
    assert np.mean(np.abs(found / wanted - 1) > 0.05) < 0.05


def test_noise_and_silence_have_no_pitch() -> None:
    noise = np.random.default_rng(0).standard_normal(RATE).astype(np.float32) * 0.1
    assert np.mean(pitch_hz(noise, RATE) > 0) < 0.15
    assert not pitch_hz(np.zeros(RATE, np.float32), RATE).any()


def test_a_low_voice_is_not_taken_an_octave_up() -> None:
    course = np.full(RATE, 90.0, np.float64)
    voice = _voice(course) + 0.5 * _voice(2.0 * course)
    assert np.median(pitch_hz(voice, RATE)) == pytest.approx(90.0, rel=0.02)


@pytest.mark.parametrize("count", [10, 600, 24_001])
def test_there_is_a_value_for_every_step(count: int) -> None:
    found = pitch_hz(np.zeros(count, np.float32), RATE)
    assert len(found) == max(1, round(count / (STEP_S * RATE)))
