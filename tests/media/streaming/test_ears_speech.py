"""Microphones with people, voices and noises in them."""

from __future__ import annotations

import asyncio
from pathlib import Path

import numpy as np
import pytest
import soxr
from jiwer import wer

from avatarium.engine.speech import Samples, synthesize
from avatarium.engine.speech.transcription import transcriber
from avatarium.engine.video.sound import read_sound
from avatarium.streaming.ears import EarEvent, EarKind, EarKit
from avatarium.streaming.ears.ears import Ears, Heard
from avatarium.streaming.ears.turns import Turn
from bench.speech import SENTENCES
from tests.support.live_rooms import until

pytestmark = pytest.mark.usefixtures("ear_models")
RATE = 16_000
CHUNK_S = 0.02
JFK = "and so my fellow americans ask not what your country can do for you ask what you can do for your country"


def recording(path: Path, rate: int = RATE) -> Samples:
    return read_sound(path, rate).samples


def voice(text: str, name: str, rate: int = RATE) -> Samples:
    speech = synthesize(text, name)
    sound: Samples = soxr.resample(speech.audio, speech.rate, rate).astype(np.float32)
    return sound


def quiet(seconds: float, rate: int = RATE) -> Samples:
    noise: Samples = np.random.default_rng(0).normal(0, 0.001, round(seconds * rate)).astype(np.float32)
    return noise


def listen(sound: Samples, rate: int = RATE, *, played: Samples | None = None) -> list[Heard]:
    """What happens while a microphone sends this; ``played``: what the avatar says meanwhile, at 48 kHz."""
    ears, found = Ears(), []
    for number in range(round(len(sound) / rate / CHUNK_S)):
        if played is not None:
            ears.played(played[round(number * CHUNK_S * 48_000) : round((number + 1) * CHUNK_S * 48_000)])
        found += ears.feed(sound[round(number * CHUNK_S * rate) : round((number + 1) * CHUNK_S * rate)], rate)
    return found


def starts(found: list[Heard]) -> list[float]:
    return [heard.at_s for heard in found if heard.turn is Turn.STARTED]


@pytest.mark.parametrize("rate", [8_000, 16_000, 44_100, 48_000])
def test_an_utterance_is_cut_out_at_any_rate(rate: int) -> None:
    said = voice("What does a double room cost?", "hibari-ava", rate)
    found = listen(np.concatenate([quiet(1, rate), said, quiet(1.5, rate)]), rate)
    assert [heard.turn for heard in found] == [Turn.STARTED, Turn.ENDED]
    length_s = len(said) / rate
    assert 1.1 < found[0].at_s < 1.7
    assert found[1].at_s == pytest.approx(1 + length_s + 0.4, abs=0.6)
    assert found[1].sound is not None and len(found[1].sound) / RATE == pytest.approx(length_s + 0.3, abs=0.5)


def test_noises_are_no_speech() -> None:
    random = np.random.default_rng(3)
    time_s = np.arange(4 * RATE) / RATE
    knocks = (time_s % 0.7 < 0.05) * random.normal(0, 0.4, len(time_s))
    hum = 0.2 * np.sin(2 * np.pi * 120 * time_s)
    hiss = random.normal(0, 0.1, len(time_s))
    for sound in (knocks, hum, hiss, np.zeros(len(time_s))):
        assert listen(sound.astype(np.float32)) == []


def test_what_is_no_number_is_silence() -> None:
    assert listen(np.full(RATE, np.nan, np.float32)) == []


@pytest.mark.parametrize(("delay_s", "gain"), [(0.08, 0.3), (0.25, 1.0), (0.6, 0.1)])
def test_the_avatars_own_echo_does_not_interrupt_it(delay_s: float, gain: float) -> None:
    said = np.concatenate([voice(text, "hibari-ava", 48_000) for text in SENTENCES["en"][:3]])
    random = np.random.default_rng(1)
    room = np.exp(-np.arange(4000) / 600) * random.normal(0, 1, 4000) * np.r_[1, np.full(3999, 0.15)]
    echo = np.convolve(soxr.resample(said, 48_000, RATE), room)
    echo = echo / np.abs(echo).max() * np.abs(said).max() * gain
    heard = np.concatenate([np.zeros(round(delay_s * RATE)), echo]).astype(np.float32)
    assert starts(listen(heard + quiet(len(heard) / RATE)[: len(heard)], played=said)) == []
    # The same sound of somebody whose words the avatar does not say is speech.
    assert starts(listen(heard))


@pytest.mark.parametrize("residual", [0.0, 0.1])
def test_somebody_who_speaks_while_the_avatar_does_interrupts_it(residual: float) -> None:
    said = np.concatenate([voice(text, "hibari-ava", 48_000) for text in SENTENCES["en"][:4]])
    other = voice("Wait a moment, please, I have another question.", "hibari-noah")
    echo = soxr.resample(said, 48_000, RATE) * residual
    sound = quiet(len(echo) / RATE + 1)[: len(echo)]
    sound[3200:] += echo[:-3200]
    at = 3 * RATE
    sound[at : at + len(other)] += other
    found = starts(listen(sound, played=said))
    assert found and 3.1 < found[0] < (4.0 if not residual else 5.0)


def test_whispers_words_are_right_and_cheap_enough(recordings: Path) -> None:
    heard = transcriber().transcribe(recording(recordings / "en-jfk.flac"), "en-US")
    assert heard is not None
    words = "".join(c for c in heard.text.lower() if c.isalpha() or c == " ")
    assert wer(JFK, words) < 0.06
    assert heard.confidence > 0.6


@pytest.mark.parametrize(("name", "language", "word"), [("de.wav", "de", "Homepage"), ("fr.wav", "fr", "navigateur")])
def test_another_language_than_the_rooms_is_told(recordings: Path, name: str, language: str, word: str) -> None:
    heard = transcriber().transcribe(recording(recordings / name), "en")
    assert heard is not None
    assert heard.language == language and word in heard.text


def test_nothing_is_made_up_where_nobody_speaks() -> None:
    random = np.random.default_rng(5)
    for sound in (quiet(2), random.normal(0, 0.05, 2 * RATE), np.zeros(3 * RATE), np.zeros(10)):
        assert transcriber().transcribe(sound.astype(np.float32), "en") is None


def written(events: list[EarEvent]) -> int:
    return sum(event.kind in (EarKind.TRANSCRIPT, EarKind.NOISE) for event in events)


@pytest.mark.long
def test_a_synthetic_visitor_is_understood_through_the_whole_path() -> None:
    texts = SENTENCES["en"][:6]
    events: list[EarEvent] = []

    async def work() -> None:
        kit = EarKit()
        await kit.prepare()
        ears = kit.listener(events.append, language="en-US")
        for number, text in enumerate(texts, 1):
            sound = np.concatenate([voice(text, "hibari-noah", 48_000), quiet(1.2, 48_000)])
            for start in range(0, len(sound), 1920):
                ears.hear(sound[start : start + 1920], 48_000)
                # Faster than life, but no faster than it is listened to.
                await until(lambda: ears._waiting_s < 1, "it is listened to")
            await until(lambda: written(events) >= number, "it is written down")  # noqa: B023
        await kit.aclose()

    asyncio.run(work())
    heard = " ".join(event.text for event in events if event.kind is EarKind.TRANSCRIPT)

    def plain(text: str) -> str:
        return "".join(c for c in text.lower() if c.isalpha() or c == " ")

    assert not [event for event in events if event.kind in (EarKind.DROPPED, EarKind.PROBLEM)]
    assert wer(plain(" ".join(texts)), plain(heard)) < 0.08
