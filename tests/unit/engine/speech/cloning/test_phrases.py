"""Sounds are moved to where the recording has them, and the ear hears what the speaker net is used to."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from soxr import resample

from avatarium.engine.speech.cloning.ear import bands, without_mean
from avatarium.engine.speech.cloning.network import FRAME, RATE, frames_heard
from avatarium.engine.speech.cloning.phrases import free_phrase, loudness, phrase
from avatarium.engine.speech.cloning.speaking import Plan
from avatarium.engine.speech.identity import features

Samples = NDArray[np.float32]
NOTES_HZ = (220.0, 700.0, 330.0, 1500.0, 450.0, 2600.0)


def _notes(lengths: tuple[int, ...], tilt: float = 1.0) -> Samples:
    """One note after the other, each so many frames long; ``tilt`` is the colour of another voice."""
    parts = []
    for hertz, frames in zip(NOTES_HZ, lengths, strict=True):
        time = np.arange(frames * FRAME) / RATE
        parts.append(sum(np.sin(2 * np.pi * hertz * k * time) / k**tilt for k in (1, 2, 3)))
    noise = np.random.default_rng(0).standard_normal(sum(lengths) * FRAME) * 1e-3
    return np.asarray(0.1 * np.concatenate(parts) + noise, np.float32)


def _plan(lengths: tuple[int, ...]) -> Plan:
    text = np.repeat(np.arange(len(lengths), dtype=np.float32), lengths)[None, None].repeat(512, axis=1)
    frames = sum(lengths)
    return Plan(
        text=text,
        pitch=np.full((1, 1, 2 * frames), 150.0, np.float32),
        loudness=np.ones((1, 1, 2 * frames), np.float32),
        durations=np.array(lengths, np.float32),
    )


def test_sounds_go_to_where_the_recording_has_them() -> None:
    planned, spoken = (8, 8, 8, 8, 8, 8), (4, 12, 6, 16, 5, 9)
    made = phrase(_notes(spoken, tilt=1.7), _plan(planned), _notes(planned))
    found = made.text[0, 0]
    wanted = np.repeat(np.arange(6), spoken)
    assert len(found) == len(wanted)
    assert np.all(np.diff(found) >= 0)
    assert np.mean(found != wanted) < 0.15


def test_a_phrase_has_as_much_of_everything() -> None:
    made = phrase(_notes((5, 5, 5, 5, 5, 5))[:-37], _plan((4, 4, 4, 4, 4, 4)), _notes((4, 4, 4, 4, 4, 4)))
    assert made.frames == 29
    assert made.pitch.shape == made.loudness.shape == (1, 1, 58)
    assert made.bands.shape == (1, frames_heard(29), 80)
    assert made.trust.shape == (1, frames_heard(29), 1)


def test_a_planned_sentence_loses_its_silent_ends() -> None:
    made = free_phrase(_plan((12, 8, 8, 8, 8, 14)))
    assert made.frames == 12 + 8 * 4 + 14 - 10 - 12
    assert made.trust.sum() == 0


def test_the_ear_hears_what_the_speaker_net_is_used_to() -> None:
    rng = np.random.default_rng(4)
    sound = np.asarray(0.05 * rng.standard_normal(3 * RATE) * (1 + np.sin(np.arange(3 * RATE) / 3000)), np.float32)
    own = without_mean(bands(sound))
    theirs = features(np.asarray(resample(sound, RATE, 16_000), np.float32))
    count = min(len(own), len(theirs))
    apart = np.abs(own[:count, 3:77] - theirs[:count, 3:77])
    assert apart.mean() < 0.15
    assert np.corrcoef(own[:count, 10:70].ravel(), theirs[:count, 10:70].ravel())[0, 1] > 0.98


def test_loudness_follows_the_sound_by_its_logarithm() -> None:
    sound = _notes((10, 10, 10, 10, 10, 10))
    louder = loudness(10 * sound) - loudness(sound)
    assert np.abs(np.median(louder) - 2 * np.log(10)) < 0.05
    assert len(loudness(sound)) == 120
