"""Voices of eSpeak NG: every language speaks, what is said when is true, and speeds are exact."""

from __future__ import annotations

import numpy as np
import pytest

from avatarium.engine.face.visemes import visemes_of
from avatarium.engine.speech import Engine, Gender, find_voice, stream, synthesize, voices
from avatarium.engine.speech.timing import ENVELOPE_HOP, envelope_db
from avatarium.errors import TextError
from bench.voices.loudness import measured
from bench.voices.texts import introduction

pytestmark = pytest.mark.usefixtures("espeak_ng")
ROBOTS = [voice for voice in voices() if voice.engine is Engine.ESPEAK]
GERMAN = "Guten Morgen, das Wetter ist heute schön und morgen regnet es."


@pytest.mark.parametrize("name", [voice.name for voice in ROBOTS])
def test_every_robot_speaks_its_language(name: str) -> None:
    voice = find_voice(name)
    speech = synthesize(introduction(voice), voice)
    assert 2.0 < speech.duration_s < 9.0
    assert len(speech.phonemes) > 25 and len(speech.words) > 4
    assert [p.start_s for p in speech.phonemes] == sorted(p.start_s for p in speech.phonemes)
    assert speech.phonemes[-1].end_s <= speech.duration_s
    assert all(visemes_of(p.ipa) for p in speech.phonemes)
    assert -17.5 < measured(speech.audio, speech.rate).lufs < -14.5
    assert np.abs(speech.audio).max() < 10 ** (-1 / 20)


def test_stops_are_told_when_the_mouth_is_shut() -> None:
    """What eSpeak NG marks is the burst; the lips meet before it, and that is silent."""
    speech = synthesize("Er packte Pappe, Kappe, Mappe und Watte.", "espeak-man-de")
    level = envelope_db(speech.audio)
    hop_s = ENVELOPE_HOP / speech.rate
    stops = [p for p in speech.phonemes if p.ipa in "ptk"]
    silent = [level[round(p.start_s / hop_s) : round(p.end_s / hop_s)].min() < -50.0 for p in stops]
    assert len(stops) >= 7 and np.mean(silent) > 0.75


def test_words_are_told_as_written() -> None:
    speech = synthesize(GERMAN + " Das kostet 5,20 €.", "espeak-woman-de")
    assert [word.text for word in speech.words][:3] == ["Guten", "Morgen,", "das"]
    assert "".join(word.text for word in speech.words).replace(" ", "") == (GERMAN + "Das kostet 5,20 €.").replace(
        " ", ""
    )
    assert all(a.end_s <= b.start_s + 1e-6 for a, b in zip(speech.words, speech.words[1:], strict=False))


@pytest.mark.parametrize("rate", [0.5, 0.8, 1.25, 2.0])
def test_speeds_are_exact(rate: float) -> None:
    natural = synthesize(GERMAN, "espeak-woman-de")
    made = synthesize(GERMAN, "espeak-woman-de", rate)
    spans = [speech.phonemes[-1].end_s - speech.phonemes[0].start_s for speech in (natural, made)]
    assert spans[1] * rate / spans[0] == pytest.approx(1.0, abs=0.05)


def test_the_same_text_gives_the_same_samples() -> None:
    once, again = (synthesize(GERMAN, "espeak-man-de").audio for _ in range(2))
    assert np.array_equal(once, again)


def test_a_woman_is_higher_than_a_man() -> None:
    def pitch_hz(name: str) -> float:
        sound = synthesize("Aaa. Ooo.", name).audio[2400:14400]
        spectrum = np.correlate(sound, sound, "full")[len(sound) :]
        lags = np.arange(24_000 // 350, 24_000 // 60)
        return 24_000 / float(lags[np.argmax(spectrum[lags - 1])])

    assert pitch_hz("espeak-woman-de") > 1.2 * pitch_hz("espeak-man-de")
    assert find_voice("de", gender=Gender.MALE).name == "espeak-man-de"


def test_what_nobody_can_say_is_one_sentence() -> None:
    with pytest.raises(TextError):
        list(stream("...", "espeak-woman-de"))


def test_two_hundred_digits_come_in_breaths() -> None:
    """A live voice is never silent for minutes because somebody pasted a number."""
    chunks = list(stream("1234567890" * 20, "espeak-woman-pl"))
    assert len(chunks) > 1 and max(chunk.duration_s for chunk in chunks) < 45
