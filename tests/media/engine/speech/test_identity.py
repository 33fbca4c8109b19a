"""One person's voice is like itself and unlike everybody else's: on real recordings whose speakers are known."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import pytest

from avatarium.engine.speech.identity import DIMENSIONS, embed, features, likeness
from avatarium.engine.speech.records import Samples
from avatarium.engine.video.sound import read_sound
from avatarium.errors import AudioError

pytestmark = pytest.mark.usefixtures("speakers_model")
RATE = 16_000


@pytest.fixture(scope="module")
def people(recordings: Path) -> dict[str, Samples]:
    names = ("en-jfk.flac", "en-latentsync-1.wav", "en-latentsync-2.wav", "zh-news.wav", "fr.wav")
    return {name: read_sound(recordings / name, RATE).samples for name in names}


def test_halves_of_a_recording_are_one_voice_and_people_are_not(people: dict[str, Samples]) -> None:
    halves = {name: [embed(half, RATE) for half in np.array_split(sound, 2)] for name, sound in people.items()}
    own = [likeness(a, b) for a, b in halves.values()]
    others = [likeness(a[0], b[1]) for a, b in itertools.permutations(halves.values(), 2)]
    assert min(own) > 0.7
    assert max(others) < 0.35
    assert abs(float(np.mean(others))) < 0.15


def test_a_person_in_two_clips_is_one_voice(media: Path) -> None:
    clips = ("woman-flag-512.mp4", "woman-flag-590.mp4")
    first, second = (embed(read_sound(media / "talking-videos" / name, RATE).samples, RATE) for name in clips)
    assert likeness(first, second) > 0.7


def test_the_vector_is_of_one_length_and_knows_no_level_and_no_rate(people: dict[str, Samples]) -> None:
    sound = people["en-jfk.flac"]
    vector = embed(sound, RATE)
    assert vector.shape == (DIMENSIONS,) and vector.dtype == np.float32
    assert float(np.linalg.norm(vector)) == pytest.approx(1.0, abs=1e-5)
    assert likeness(vector, embed(sound * np.float32(0.2), RATE)) > 0.99
    assert likeness(vector, embed(np.stack([sound, sound], axis=1), RATE)) > 0.999
    doubled = np.repeat(sound, 3)
    assert likeness(vector, embed(doubled, 3 * RATE)) > 0.9


def test_long_recordings_are_heard_in_windows(people: dict[str, Samples]) -> None:
    sound = people["en-latentsync-2.wav"]
    assert likeness(embed(np.tile(sound, 3), RATE), embed(sound, RATE)) > 0.95


def test_features_have_one_row_each_hundredth_and_no_mean(people: dict[str, Samples]) -> None:
    rows = features(people["fr.wav"][: 2 * RATE])
    assert rows.shape == (198, 80)
    assert np.abs(rows.mean(axis=0)).max() < 1e-4


@pytest.mark.parametrize(
    ("sound", "code"),
    [(np.ones(1_000, np.float32), "voice_too_short"), (np.zeros(RATE, np.float32), "empty_audio")],
)
def test_what_has_no_voice_is_refused(sound: Samples, code: str) -> None:
    with pytest.raises(AudioError) as refused:
        embed(sound, RATE)
    assert refused.value.code == code
