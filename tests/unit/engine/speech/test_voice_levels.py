"""Gains and the limiter behind them."""

from __future__ import annotations

import numpy as np
import pytest

from avatarium.engine.speech import Samples, voices
from avatarium.engine.speech.levels import PEAK_DB, gain_of, levelled

RATE = 24_000


def tone(level: float, seconds: float = 1.0) -> Samples:
    return np.asarray(level * np.sin(np.arange(round(seconds * RATE)) * 2 * np.pi * 220 / RATE), np.float32)


def test_every_voice_was_measured() -> None:
    assert [voice.name for voice in voices() if not voice.gain_db] == []
    assert all(abs(voice.gain_db) < 25 for voice in voices())


def test_an_unknown_voice_is_left_as_it_is() -> None:
    assert gain_of("nobody") == 0.0


def test_a_gain_is_a_gain() -> None:
    assert np.allclose(levelled(tone(0.1), 6.0), tone(0.1) * 10 ** (6 / 20), atol=1e-6)


@pytest.mark.parametrize("gain_db", [3.0, 12.0, 30.0])
def test_peaks_stay_below_the_ceiling(gain_db: float) -> None:
    bursts = np.concatenate([tone(0.05), tone(0.9, 0.003), tone(0.05), tone(0.9, 0.2), tone(0.01)])
    assert np.abs(levelled(bursts, gain_db)).max() <= 10 ** (PEAK_DB / 20) + 1e-6


def test_peaks_between_samples_stay_below_the_ceiling() -> None:
    """Voices that the limiter held at -1.5 dB came to 0 dB once they were sound again."""
    at = np.arange(RATE)
    # A quarter of the rate, met between its crests: samples at 0.707 of what the wave comes to.
    wave = np.asarray(np.sin(at * np.pi / 2 + np.pi / 4), np.float32) * np.hanning(RATE).astype(np.float32)
    bands = np.fft.rfft(np.random.default_rng(3).normal(0.0, 0.3, RATE))
    bands[len(bands) * 10 // 12 :] = 0.0  # up to 10 kHz
    noise = np.fft.irfft(bands).astype(np.float32)
    for sound in (wave, noise):
        assert true_peak_db(levelled(sound, 3.0)) <= PEAK_DB + 0.3


def true_peak_db(sound: Samples) -> float:
    """By exact interpolation, sixteen times as many samples."""
    spectrum = np.fft.rfft(np.pad(sound, 512))
    whole = np.fft.irfft(spectrum, 16 * (len(sound) + 1024)) * 16
    return float(20 * np.log10(np.abs(whole).max()))


def test_what_is_far_from_a_peak_is_not_touched() -> None:
    burst = np.concatenate([tone(0.1), tone(0.95, 0.01), tone(0.1)])
    made = levelled(burst, 6.0)
    assert np.allclose(made[: RATE - 300], burst[: RATE - 300] * 10 ** (6 / 20), atol=1e-6)
    assert np.allclose(made[-(RATE - 300) :], burst[-(RATE - 300) :] * 10 ** (6 / 20), atol=1e-6)


def test_silence_and_nothing_stay_so() -> None:
    assert not levelled(np.zeros(1000, np.float32), 20.0).any()
    assert len(levelled(np.zeros(0, np.float32), 20.0)) == 0
