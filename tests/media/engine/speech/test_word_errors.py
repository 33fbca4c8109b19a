from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from avatarium.engine.speech import find_voice, synthesize
from bench.speech import SENTENCES, heard, measure, word_errors
from bench.voices.errors import errors
from bench.voices.listener import understood
from bench.voices.texts import everyday

pytestmark = [pytest.mark.long, pytest.mark.usefixtures("whisper_base")]


@pytest.mark.parametrize("name", ["hibari-ava", "hibari-noah"])
def test_live_voices_are_understood(name: str) -> None:
    score = measure(find_voice(name))
    assert score.word_errors is not None and score.word_errors <= 0.03
    assert score.cpu_per_second < 0.1
    assert score.aligned_ms is not None and abs(score.aligned_ms) <= 30.0
    assert score.closures is not None and score.closures >= 0.7


@pytest.mark.usefixtures("kokoro")
def test_best_voice_is_understood() -> None:
    texts = SENTENCES["en"][::2]  # six sentences with 69 words
    said = [heard(synthesize(text, "kokoro-heart", threads=1), "en") for text in texts]
    assert word_errors(said, texts, "en") <= 0.03


@pytest.mark.usefixtures("kokoro", "espeak_ng")
@pytest.mark.parametrize(("language", "most"), [("es", 0.05), ("pt", 0.1), ("it", 0.1), ("fr", 0.15)])
def test_other_languages_are_understood(language: str, most: float) -> None:
    texts = SENTENCES[language]
    said = [heard(synthesize(text, find_voice(language), threads=1), language) for text in texts]
    assert word_errors(said, texts, language) <= most


def test_the_listener_notices_nonsense(whisper_base: Path) -> None:
    speech = synthesize("Wug blick dax fep tupa golin.", "hibari-ava")
    text = SENTENCES["en"][1]
    assert word_errors([heard(speech, "en")], [text], "en") > 0.5
    assert np.isclose(word_errors([text.upper()], [text], "en"), 0.0)


@pytest.mark.usefixtures("kokoro")
def test_xiaoni_has_the_tones_of_mandarin() -> None:
    """A listener understood 今天天气恨后,我们一气曲鞏园三步八 before she moved like Xiaoyi."""
    text = everyday()["zh"][0]
    said = synthesize(text, "kokoro-xiaoni-zh", threads=1)
    wrong = errors(understood([said], "zh"), [text], "zh")
    assert wrong is not None and wrong <= 0.15
