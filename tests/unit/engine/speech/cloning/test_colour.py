from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.signal import lfilter

from avatarium.engine.speech.cloning.colour import MOST_DB, equaliser, lowest_hz
from avatarium.engine.speech.cloning.package import EQUALISER_BANDS
from avatarium.engine.speech.models.cloned import coloured
from avatarium.engine.video.loudness import loudness_lufs

RATE = 24_000
Samples = NDArray[np.float32]


def _speechlike(seed: int, *, dark: float = 0.0) -> Samples:
    noise = np.random.default_rng(seed).standard_normal(6 * RATE)
    swell = 0.05 * (1.2 + np.sin(2 * np.pi * 3 * np.arange(len(noise)) / RATE))
    return np.asarray(lfilter([1.0], [1.0, -dark], noise) * swell * (1.0 - dark), np.float32)


def _level_db(samples: Samples, low_hz: float, high_hz: float) -> float:
    power = np.abs(np.fft.rfft(samples)) ** 2
    at_hz = np.fft.rfftfreq(len(samples), 1 / RATE)
    return float(10 * np.log10(power[(at_hz >= low_hz) & (at_hz < high_hz)].mean()))


def test_no_equaliser_changes_nothing() -> None:
    sound = _speechlike(0)
    assert coloured(sound, np.zeros(EQUALISER_BANDS, np.float32), lowest_hz=0.0) is sound


def test_a_gain_is_a_gain_and_nothing_moves_in_time() -> None:
    sound = 0.2 * _speechlike(0)
    raised = coloured(sound, np.full(EQUALISER_BANDS, 6.0, np.float32), lowest_hz=0.0)
    assert np.abs(raised[600:-600] - sound[600:-600] * 10 ** (6 / 20)).max() < 0.01 * np.abs(raised).max()


def test_a_dull_voice_is_brought_towards_a_bright_one_at_the_loudness_of_all() -> None:
    bright, dull = _speechlike(1), _speechlike(2, dark=0.6)
    gains = equaliser(bright, dull, bandwidth_hz=12_000, lowest_hz=60.0)
    said = coloured(dull, gains, lowest_hz=60.0)
    tilts = [_level_db(sound, 4_000, 7_000) - _level_db(sound, 300, 1_500) for sound in (bright, dull, said)]
    assert abs(tilts[2] - tilts[0]) < 0.5 * abs(tilts[1] - tilts[0])
    assert loudness_lufs(said, RATE) == pytest.approx(-16.0, abs=0.5)


def test_nothing_is_made_up_above_what_the_recording_carries() -> None:
    muffled, said = _speechlike(3, dark=0.9), _speechlike(4)
    gains = equaliser(muffled, said, bandwidth_hz=4_000, lowest_hz=60.0)
    flat = gains[EQUALISER_BANDS // 2 :]
    assert np.ptp(flat) < 1e-3
    assert np.ptp(gains) <= 2 * MOST_DB + 1e-3


def test_peaks_are_held_below_full_scale() -> None:
    sound = _speechlike(5)
    assert np.abs(coloured(sound, np.full(EQUALISER_BANDS, 30.0, np.float32), lowest_hz=60.0)).max() < 0.95


def test_what_rumbles_below_the_voice_is_taken_out_and_the_voice_is_not() -> None:
    """Offsets that were learnt left 10 to 15 dB more below the pitch than there is in the recording."""
    sound = 0.3 * _speechlike(6)
    voiced = coloured(sound, np.zeros(EQUALISER_BANDS, np.float32), lowest_hz=100.0)
    lost = [
        _level_db(sound, low, high) - _level_db(voiced, low, high) for low, high in ((20, 50), (140, 160), (200, 400))
    ]
    assert lost[0] > 20 and lost[1] < 1.0 and abs(lost[2]) < 0.3


def test_a_voice_begins_half_an_octave_below_its_lowest_tones() -> None:
    assert lowest_hz(np.full(100, 120.0, np.float32)) == pytest.approx(84.9)
    assert lowest_hz(np.full(100, 60.0, np.float32)) == 50.0
    assert lowest_hz(np.full(100, 300.0, np.float32)) == 110.0
    assert lowest_hz(np.zeros(0, np.float32)) == 50.0
