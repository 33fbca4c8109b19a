"""A clone from beginning to end, with the least effort: a file that speaks, several languages, told as it is."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from avatarium.engine.speech import synthesize
from avatarium.engine.speech.cloning import Cloned, Effort, clone_voice, open_voice
from avatarium.engine.speech.cloning.judging import judged
from avatarium.engine.speech.cloning.pitch import pitch_hz
from avatarium.engine.speech.speakers import Gender
from avatarium.engine.video.loudness import loudness_lufs
from avatarium.engine.video.sound import read_sound

pytestmark = [pytest.mark.usefixtures("kokoro", "silero", "whisper_base", "speakers_model"), pytest.mark.long]
RATE = 24_000


@pytest.fixture(scope="module")
def told() -> list[float]:
    return []


@pytest.fixture(scope="module")
def recording(recordings: Path) -> Path:
    return recordings / "en-latentsync-2.wav"


@pytest.fixture(scope="module")
def clone(recording: Path, told: list[float], tmp_path_factory: pytest.TempPathFactory) -> Cloned:
    folder = tmp_path_factory.mktemp("clone")
    return clone_voice(
        [recording],
        folder / "man.voice",
        gender=Gender.MALE,
        effort=Effort.QUICK,
        scratch=folder,
        progress=told.append,
    )


def test_a_clone_is_told_as_it_is(clone: Cloned, told: list[float]) -> None:
    assert clone.path.is_file()
    assert [path.name for path in clone.path.parent.iterdir()] == ["man.voice"]
    assert -0.2 < clone.nearest_stock_similarity < 0.5
    assert clone.nearest_stock[1] == "m"
    assert clone.similarity > -0.1
    assert clone.word_error is not None and clone.word_error <= 0.1
    assert 12 < clone.seconds_used < 20
    assert told == sorted(told) and len(told) >= 8 and told[0] >= 0.0 and told[-1] <= 1.0


def test_it_speaks_at_the_persons_pitch_and_at_the_loudness_of_all_voices(clone: Cloned, recording: Path) -> None:
    own = pitch_hz(read_sound(recording, RATE).samples, RATE)
    said = synthesize("The weather was perfect yesterday, so we went for a walk.", open_voice(clone.path)).audio
    found = pitch_hz(said, RATE)
    apart = 12 * np.log2(np.median(found[found > 0]) / np.median(own[own > 0]))
    assert abs(apart) < 2.0
    assert loudness_lufs(said, RATE) == pytest.approx(-16.0, abs=1.5)
    assert np.abs(said).max() < 1.0


def test_words_that_it_has_not_learnt_are_understood(clone: Cloned) -> None:
    text = "Please bring your passport and two photographs to the office on Monday."
    assert judged([synthesize(text, open_voice(clone.path)).audio], [text]) <= 0.1


def test_it_speaks_other_languages_too(clone: Cloned) -> None:
    speech = synthesize("Buenos días, me alegro mucho de verte.", open_voice(clone.path, language="es"))
    assert speech.language == "es"
    assert len(speech.words) == 7
    assert 1.5 < speech.duration_s < 5.0
