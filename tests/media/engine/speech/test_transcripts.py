"""Recordings as text: real people whose words are known, conversations whose turns are, and nothing out of nothing."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from jiwer import cer, wer

from avatarium.engine.speech import Samples, Speech, synthesize
from avatarium.engine.speech.transcripts import Task, Transcript, transcribe
from avatarium.engine.speech.turns import FRAME_S, Turns, find_turns
from avatarium.engine.video.sound import read_sound
from avatarium.engine.video.sound_tape import taped
from avatarium.errors import AudioError, OptionError
from bench.recognition.mixtures import CASES, RATE, STEP_S, Mixture, composed, diarisation_error
from bench.speech import SENTENCES

pytestmark = pytest.mark.usefixtures("whisper_base", "silero", "speakers_model")

JFK = "and so my fellow americans ask not what your country can do for you ask what you can do for your country"
TEXT = "The bakery on the corner opens early. Fresh bread and warm rolls wait behind the glass."


def plain(text: str) -> str:
    return "".join(c for c in text.lower() if c.isalnum() or c == " ")


@pytest.fixture(scope="module")
def read(recordings: Path) -> Callable[[str], Samples]:
    @cache
    def reading(name: str) -> Samples:
        return read_sound(recordings / name, RATE).samples

    return reading


@pytest.fixture(scope="module")
def jfk(recordings: Path) -> Transcript:
    return transcribe(recordings / "en-jfk.flac", speakers=1)


@pytest.fixture(scope="module")
def spoken() -> Speech:
    return synthesize(TEXT, "hibari-ava")


def test_a_speech_is_understood_word_for_word(jfk: Transcript) -> None:
    assert wer(JFK, plain(jfk.text)) <= 0.05
    assert (jfk.language, jfk.speakers) == ("en", 1)
    assert jfk.duration_s == pytest.approx(11.0, abs=0.01)
    assert all(0.5 < said.confidence <= 1.0 for said in jfk.segments)


def test_words_are_in_order_inside_their_sentences_and_make_up_the_text(jfk: Transcript) -> None:
    words = [word for said in jfk.segments for word in said.words]
    assert " ".join(word.text for word in words) == jfk.text
    assert all(a.end_s <= b.start_s + 1e-6 for a, b in zip(words, words[1:], strict=False))
    for said in jfk.segments:
        assert said.start_s == said.words[0].start_s and said.end_s >= said.words[-1].end_s


def test_words_begin_when_they_are_said(spoken: Speech) -> None:
    """Against the times that the synthesis knows."""
    found = transcribe(spoken.audio, spoken.rate, speakers=1)
    starts = [word.start_s for said in found.segments for word in said.words]
    assert len(starts) == len(spoken.words), found.text
    late = np.array(starts) - [word.start_s for word in spoken.words]
    assert abs(float(np.median(late))) < 0.045  # they were 0.07 s early
    assert float(np.quantile(np.abs(late), 0.9)) < 0.2


@pytest.mark.parametrize(
    ("name", "language", "start"),
    [("fr.wav", "fr", "En utilisant son navigateur"), ("de.wav", "de", "Über unsere Homepage steht Ihnen")],
)
def test_the_language_is_heard(recordings: Path, name: str, language: str, start: str) -> None:
    found = transcribe(recordings / name, speakers=1)
    assert found.language == language
    assert cer(start, found.text[: len(start)]) < 0.1


def test_a_translation_is_english(recordings: Path) -> None:
    found = transcribe(recordings / "fr.wav", speakers=1, task=Task.TRANSLATE)
    assert found.language == "fr" and found.written == "en"
    assert {"using", "information"} <= set(plain(found.text).split())


def test_nothing_is_made_up_where_nobody_speaks() -> None:
    time = np.arange(20 * RATE) / RATE
    rng = np.random.default_rng(3)
    music = sum(np.sin(2 * np.pi * f * time) * np.exp(-(time % 0.5) * 5) for f in (220, 277, 330, 440))
    for sound in (rng.normal(0, 0.05, len(time)), 0.1 * np.asarray(music), 0.1 * np.sin(2 * np.pi * 50 * time)):
        found = transcribe(sound.astype(np.float32), RATE)
        assert (found.segments, found.speakers, found.language) == ((), 0, "")


@pytest.mark.long
def test_recordings_longer_than_the_network_hears_lose_no_word() -> None:
    """A minute of sentences with pauses between: every word, in order, every sentence at its time."""
    texts = SENTENCES["en"]
    said = [synthesize(text, "hibari-ava") for text in texts]
    pause = np.zeros(round(1.5 * said[0].rate), np.float32)
    begun = np.cumsum([0.0, *(one.duration_s + 1.5 for one in said)])[:-1] + [one.words[0].start_s for one in said]
    long = np.concatenate([part for one in said for part in (one.audio, pause)])
    assert len(long) / said[0].rate > 45
    found = transcribe(long, said[0].rate, speakers=1)
    assert wer(plain(" ".join(texts)), plain(found.text)) <= 0.05
    assert len(found.segments) == len(texts)
    assert np.allclose([one.start_s for one in found.segments], begun, atol=0.25)


@pytest.fixture(scope="module")
def mixtures(read: Callable[[str], Samples]) -> dict[str, Mixture]:
    return {name: composed(CASES[name], read) for name in ("three people", "one person", "short turns")}


def turns_of(mixture: Mixture, people: int | None = None) -> Turns:
    with taped(mixture.sound, RATE, max_s=600) as tape:
        return find_turns(tape, people=people)


@pytest.mark.long
@pytest.mark.parametrize("name", ["three people", "one person", "short turns"])
def test_people_are_counted_and_told_apart(mixtures: dict[str, Mixture], name: str) -> None:
    mixture = mixtures[name]
    turns = turns_of(mixture)
    assert turns.people == mixture.people
    activity = turns.activity[(np.arange(len(mixture.truth)) * STEP_S / FRAME_S).astype(int)]
    told = np.where(activity.max(axis=1) >= 0.5, activity.argmax(axis=1), -1)
    assert diarisation_error(mixture.truth, told) < 0.12


def test_the_number_of_people_can_be_given(mixtures: dict[str, Mixture]) -> None:
    assert turns_of(mixtures["short turns"], 2).people == 2


def test_two_voices_without_a_pause_between_them_are_two(mixtures: dict[str, Mixture]) -> None:
    """The network took one for the other in the last window of this mixture."""
    turns, mixture = turns_of(mixtures["three people"]), mixtures["three people"]
    end_s = len(mixture.truth) * STEP_S
    assert turns.speaker(end_s - 3.5, end_s - 1.0) == 2


def test_sentences_carry_who_says_them(mixtures: dict[str, Mixture]) -> None:
    mixture = mixtures["short turns"]
    found = transcribe(mixture.sound, RATE)
    assert found.speakers == 2
    right = 0.0
    for said in found.segments:
        truth = mixture.truth[round(said.start_s / STEP_S) : round(said.end_s / STEP_S)]
        spoken_by = np.bincount(truth[truth >= 0], minlength=2)
        right += float(spoken_by[said.speaker] / max(spoken_by.sum(), 1)) * (said.end_s - said.start_s)
    assert right / sum(said.end_s - said.start_s for said in found.segments) > 0.85


@pytest.mark.parametrize(
    ("options", "code"), [({"language": "klingon"}, "unknown_language"), ({"speakers": 0}, "bad_speakers")]
)
def test_wrong_options_are_told(options: dict[str, object], code: str) -> None:
    with pytest.raises(OptionError) as refused:
        transcribe(np.ones(RATE, np.float32), RATE, **options)  # type: ignore[arg-type]
    assert refused.value.code == code


def test_silence_and_what_is_too_long_are_told() -> None:
    for sound, code in (
        (np.zeros(RATE, np.float32), "silent_audio"),
        (np.ones(3 * RATE, np.float32), "sound_too_long"),
    ):
        with pytest.raises(AudioError) as refused:
            transcribe(sound, RATE, max_s=2.0)
        assert refused.value.code == code
