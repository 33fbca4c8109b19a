"""Loudness and true peak against the values that the standards give for their test tones."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from avatarium.engine.video.loudness import loudness_lufs, normalise_loudness, true_peak_dbtp


def tone(hertz: float, dbfs: float, seconds: float, rate: int, phase: float = 0.0) -> NDArray[np.float32]:
    at = np.arange(round(seconds * rate)) / rate
    return np.asarray(10 ** (dbfs / 20) * np.sin(2 * np.pi * hertz * at + phase), np.float32)


@pytest.mark.parametrize("rate", [8000, 16000, 22050, 24000, 44100, 48000, 96000])
def test_the_reference_tone(rate: int) -> None:
    """BS.1770-4, annex 1: a 997 Hz sine at 0 dBFS in one channel is -3.01 LKFS."""
    assert loudness_lufs(tone(997, 0, 5, rate), rate) == pytest.approx(-3.01, abs=0.06)


def test_gates_of_ebu_tech_3341_case_3() -> None:
    """Quiet stretches around a tone do not count (there in stereo, hence 3 dB more)."""
    parts = [tone(1000, level, seconds, 48000) for level, seconds in ((-36, 10), (-23, 60), (-36, 10))]
    assert loudness_lufs(np.concatenate(parts), 48000) == pytest.approx(-26.0, abs=0.1)


def test_absolute_gate_of_case_4() -> None:
    levels = ((-72, 10), (-36, 10), (-23, 60), (-36, 10), (-72, 10))
    parts = [tone(1000, level, seconds, 48000) for level, seconds in levels]
    assert loudness_lufs(np.concatenate(parts), 48000) == pytest.approx(-26.0, abs=0.1)


def test_low_notes_count_less() -> None:
    assert loudness_lufs(tone(30, -20, 5, 48000), 48000) < loudness_lufs(tone(1000, -20, 5, 48000), 48000) - 8


@pytest.mark.parametrize("samples", [np.zeros(48000, np.float32), np.zeros(0, np.float32), np.ones(100, np.float32)])
def test_what_has_no_loudness_is_left_alone(samples: NDArray[np.float32]) -> None:
    assert loudness_lufs(samples, 48000) == float("-inf")
    assert np.array_equal(normalise_loudness(samples, 48000), samples)


def test_true_peak_sees_between_the_samples() -> None:
    """EBU Tech 3341, case 16: a quarter of the rate at 45 degrees has samples 3 dB below its peak."""
    sound = tone(12000, -6, 1, 48000, phase=np.pi / 4)
    assert 20 * np.log10(np.abs(sound).max()) == pytest.approx(-9.03, abs=0.05)
    assert true_peak_dbtp(sound[2000:-2000]) == pytest.approx(-6.0, abs=0.4)


def test_true_peak_is_the_same_across_the_borders_of_its_blocks() -> None:
    sound = np.zeros(2**19, np.float32)
    for at in (2**18 - 1, 2**18, 2**19 - 1, 0):
        sound[:] = 0
        sound[at] = 0.5
        assert true_peak_dbtp(sound) == pytest.approx(-6.02, abs=0.15)


def speech_like(seed: int, level: float, rate: int = 24000) -> NDArray[np.float32]:
    rng = np.random.default_rng(seed)
    envelope = np.repeat(rng.random(60) ** 2, rate // 10)
    return (rng.standard_normal(len(envelope)) * envelope * level).astype(np.float32).clip(-1, 1)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 999), st.floats(0.002, 1.0), st.sampled_from([8000, 24000, 48000]))
def test_normalising_never_passes_the_ceiling(seed: int, level: float, rate: int) -> None:
    made = normalise_loudness(speech_like(seed, level, rate), rate, target_lufs=-12, ceiling_dbtp=-1.5)
    assert made.dtype == np.float32
    assert true_peak_dbtp(made) <= -1.4
    assert np.abs(made).max() <= 10 ** (-1.5 / 20) + 1e-6


@pytest.mark.parametrize("level", [0.02, 0.1, 0.9])
def test_normalising_reaches_the_target(level: float) -> None:
    rate = 24000
    calm = (tone(300, 0, 6, rate) + tone(1800, -3, 6, rate)) * np.float32(level / 2)
    assert loudness_lufs(normalise_loudness(calm, rate), rate) == pytest.approx(-16, abs=0.1)


def test_the_gain_is_bounded() -> None:
    hiss = np.random.default_rng(0).standard_normal(48000).astype(np.float32) * 1e-3
    assert np.abs(normalise_loudness(hiss, 24000)).max() <= np.abs(hiss).max() * 10**1.5 * 1.001


def test_the_limiter_turns_down_and_does_not_cut() -> None:
    """One loud word in quiet speech: its shape stays, only its level falls."""
    rate = 24000
    sound = tone(220, -30, 6, rate)
    sound[3 * rate : 3 * rate + 1200] = tone(220, 0, 0.05, rate)
    made = normalise_loudness(sound, rate)
    loud = slice(3 * rate + 300, 3 * rate + 900)
    ratio = made[loud] / np.where(np.abs(sound[loud]) > 0.1, sound[loud], np.nan)
    assert np.nanmax(ratio) / np.nanmin(ratio) < 1.05
