"""Noise goes, the voice stays, and nothing moves in time."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy.signal import lfilter

from avatarium.engine.speech.cloning.noise import denoised
from avatarium.engine.speech.identity import embed, likeness
from avatarium.engine.speech.records import Samples
from avatarium.engine.video.sound import read_sound

pytestmark = pytest.mark.usefixtures("speakers_model")
RATE = 24_000


@pytest.fixture(scope="module")
def voice(recordings: Path) -> Samples:
    return read_sound(recordings / "en-latentsync-2.wav", RATE).samples[: 8 * RATE + 123]


def _si_sdr_db(found: Samples, clean: Samples) -> float:
    part = float(found @ clean) / float(clean @ clean) * clean
    return float(10 * np.log10(np.square(part).sum() / np.square(found - part).sum()))


def test_noise_goes_and_the_voice_stays(voice: Samples) -> None:
    rumble = lfilter([1.0], [1.0, -0.95], np.random.default_rng(1).standard_normal(len(voice)))
    noisy = np.asarray(voice + rumble * np.sqrt(np.square(voice).mean() / np.square(rumble).mean() / 3), np.float32)
    cleaned = denoised(noisy)
    assert len(cleaned) == len(noisy)
    assert _si_sdr_db(cleaned, voice) > _si_sdr_db(noisy, voice) + 4
    assert likeness(embed(cleaned, RATE), embed(voice, RATE)) > 0.7


def test_a_clean_voice_is_left_where_it_is(voice: Samples) -> None:
    cleaned = denoised(voice)
    length = 1 << 18
    course = np.fft.irfft(np.fft.rfft(cleaned, length) * np.conj(np.fft.rfft(voice, length)))
    assert abs((int(course.argmax()) + length // 2) % length - length // 2) <= 12
    assert likeness(embed(cleaned, RATE), embed(voice, RATE)) > 0.85
