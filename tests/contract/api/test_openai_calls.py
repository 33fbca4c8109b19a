"""The calls of OpenAI's API, made by OpenAI's own client: the address and the key are all that changes."""

from __future__ import annotations

import io
import json
import threading
import time
import wave
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import openai
import pytest

from avatarium.errors import AudioError
from avatarium.families.audio_speech import FAMILY as SPEECH
from avatarium.families.transcription import FAMILY as TRANSCRIPTION
from avatarium.tasks.family import Step
from avatarium.tasks.job import Job
from tests.support.openai_server import Served, served

WORDS = [["And", 0.3, 0.5], ["so,", 0.5, 0.9], ["my", 1.0, 1.2], ["fellow", 1.2, 1.5], ["Americans.", 1.5, 2.1]]
RECORD = {
    "language": "en",
    "duration_s": 61.0,
    "speakers": 2,
    "text": "And so, my fellow Americans. Ask not.",
    "segments": [
        {"text": "And so, my fellow Americans.", "start_s": 0.3, "end_s": 2.1, "speaker": 0, "confidence": 0.9}
        | {"words": WORDS},
        {"text": "Ask not.", "start_s": 3.0, "end_s": 3.9, "speaker": 1, "confidence": 0.8}
        | {"words": [["Ask", 3.0, 3.3], ["not.", 3.3, 3.9]]},
    ],
}


def recording(seconds: float = 61.0) -> bytes:
    """A WAV of a quiet tone."""
    made = io.BytesIO()
    with wave.open(made, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(8000)
        tone = 8000 * np.sin(np.arange(round(8000 * seconds)) / 9)
        file.writeframes(tone.astype("<i2").tobytes())
    return made.getvalue()


@pytest.fixture
def it(tmp_path: Path, database_url: str) -> Iterator[Served]:
    with served(tmp_path / "home", database_url) as made:
        yield made


@pytest.fixture
def heard(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """Let recordings be "transcribed" at once; what the steps were told."""
    told: list[dict[str, Any]] = []

    def step(job: Job[Any]) -> dict[str, Any]:
        told.append(job.task.request | {"bytes": len(job.stored(job.start.key, "given").read_bytes())})
        path = job.scratch / "transcript.json"
        path.write_text(json.dumps(RECORD))
        return {"key": job.publish(path, "transcript.json", "application/json"), "speakers": 2}

    monkeypatch.setattr(TRANSCRIPTION, "steps", (Step("transcribe", step),))
    return told


def uploads(it: Served) -> list[Path]:
    return [path for path in (it.house.platform.settings.home / "objects").rglob("uploads/**/*") if path.is_file()]


def test_a_recording_becomes_text_and_costs_its_minutes(it: Served, heard: list[dict[str, Any]]) -> None:
    sent = recording()
    answer = it.client.audio.transcriptions.create(
        model="whisper-1", file=("talk.wav", sent), language="en", prompt="JFK"
    )
    assert answer.text == RECORD["text"]
    assert it.house.coins == 98
    (told,) = heard
    assert (told["bytes"], told["language"], told["prompt"], told["task"], told["speakers"]) == (
        len(sent), "en", "JFK", "transcribe", 1,
    )  # fmt: skip
    assert uploads(it) == [], "the recording is kept no longer than it is needed"


def test_every_format(it: Served, heard: list[dict[str, Any]]) -> None:
    create = it.client.audio.transcriptions.create
    sent = ("talk.wav", recording(2))
    assert create(model="whisper-1", file=sent, response_format="text").strip() == RECORD["text"]
    srt = create(model="whisper-1", file=sent, response_format="srt")
    assert srt.startswith("1\n00:00:00,300 --> ") and "fellow Americans." in srt
    vtt = create(model="whisper-1", file=sent, response_format="vtt")
    assert vtt.startswith("WEBVTT\n") and "00:00.300 -->" in vtt
    verbose = create(
        model="whisper-1", file=sent, response_format="verbose_json", timestamp_granularities=["word", "segment"]
    )
    assert (verbose.language, verbose.duration) == ("english", 61.0)
    assert verbose.words is not None and [(w.word, w.start, w.end) for w in verbose.words[:2]] == [
        ("And", 0.3, 0.5), ("so,", 0.5, 0.9),
    ]  # fmt: skip
    assert verbose.segments is not None and [s.text for s in verbose.segments] == [
        "And so, my fellow Americans.", "Ask not.",
    ]  # fmt: skip
    only_words = create(model="whisper-1", file=sent, response_format="verbose_json", timestamp_granularities=["word"])
    assert only_words.segments is None
    told_apart = create(model="gpt-4o-transcribe-diarize", file=sent, response_format="diarized_json")
    assert [segment.speaker for segment in told_apart.segments] == ["A", "B"]
    assert [told["speakers"] for told in heard] == [1, 1, 1, 1, 1, 0]


@pytest.mark.filterwarnings("ignore:deprecated")  # OpenAI's client says so of its whole call
def test_a_translation_is_asked_for(it: Served, heard: list[dict[str, Any]]) -> None:
    answer = it.client.audio.translations.create(model="whisper-1", file=("talk.wav", recording(2)))
    assert answer.text == RECORD["text"]
    assert heard[0]["task"] == "translate"


def test_errors_have_the_shape_that_the_client_reads(it: Served, heard: list[dict[str, Any]]) -> None:
    create = it.client.audio.transcriptions.create
    with it.client_of("sk_none") as stranger, pytest.raises(openai.AuthenticationError) as wrong_key:
        stranger.models.list()
    assert (wrong_key.value.type, wrong_key.value.code) == ("authentication_error", "bad_token")
    with pytest.raises(openai.NotFoundError) as no_model:
        create(model="dall-e-3", file=("talk.wav", recording(1)))
    assert no_model.value.code == "model_not_found" and "whisper-1" in no_model.value.message
    with pytest.raises(openai.BadRequestError) as no_sound:
        create(model="whisper-1", file=("talk.txt", b"These are words already."))
    assert no_sound.value.code in ("upload_type", "media_unreadable")
    with pytest.raises(openai.BadRequestError) as no_language:
        create(model="whisper-1", file=("talk.wav", recording(1)), language="klingon")
    assert no_language.value.code == "unknown_language"
    with pytest.raises(openai.BadRequestError) as no_text:
        it.client.audio.speech.create(model="tts-1", voice="alloy", input="")
    assert no_text.value.param == "input"
    with pytest.raises(openai.NotFoundError) as no_voice:
        it.client.audio.speech.create(model="tts-1", voice="nobody", input="Hello.")
    assert no_voice.value.code == "voice_not_found"
    with pytest.raises(openai.BadRequestError) as no_script:
        it.client.audio.speech.create(model="tts-1", voice="kokoro-heart", input="Привет, как дела?")
    assert (no_script.value.code, no_script.value.type) == ("wrong_script", "invalid_request_error")
    assert (it.house.coins, heard, uploads(it)) == (100, [], [])


def test_what_is_not_paid_is_not_begun(tmp_path: Path, database_url: str, heard: list[dict[str, Any]]) -> None:
    with served(tmp_path / "home", database_url, prices={"transcription": 40}) as it:
        with pytest.raises(openai.APIStatusError) as poor:
            it.client.audio.transcriptions.create(model="whisper-1", file=("talk.wav", recording(121)))
        assert (poor.value.status_code, poor.value.type) == (402, "insufficient_quota")
        assert (it.house.coins, heard, uploads(it)) == (100, [], [])


def test_what_fails_costs_nothing(it: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(job: Job[Any]) -> dict[str, Any]:
        raise AudioError("The recording is silent. Use one in which somebody speaks.", code="silent_audio")

    monkeypatch.setattr(TRANSCRIPTION, "steps", (Step("transcribe", broken),))
    with pytest.raises(openai.BadRequestError) as silent:
        it.client.audio.transcriptions.create(model="whisper-1", file=("talk.wav", recording(2)))
    assert silent.value.code == "silent_audio"
    assert (it.house.coins, uploads(it)) == (100, [])


def test_recordings_and_forms_are_bounded(tmp_path: Path, database_url: str, heard: list[dict[str, Any]]) -> None:
    with served(tmp_path / "home", database_url, recording_max_bytes=50_000, media_max_s=3) as it:
        url, key = f"{it.address}/v1/audio/transcriptions", it.house.client.headers["Authorization"]
        with httpx.Client(headers={"Authorization": key}) as client:
            large = client.post(url, files={"file": ("a.wav", recording(10))}, data={"model": "whisper-1"})
            long = client.post(url, files={"file": ("a.wav", recording(3.1))}, data={"model": "whisper-1"})
            fat = client.post(url, files={"file": ("a.wav", recording(1))}, data={"prompt": "x" * 70_000})
            plain = client.post(url, json={"file": "talk.wav"})
            none = client.post(url, files={"other": ("a.wav", b"abc")}, data={"model": "whisper-1"})
            two = client.post(url, files=[("file", ("a.wav", recording(1))), ("file", ("b.wav", recording(1)))])
            cut = client.post(
                url, content=b"--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a\"\r\n\r\nabc",
                headers={"Content-Type": "multipart/form-data; boundary=b"},
            )  # fmt: skip
        told = [
            (answer.status_code, answer.json()["error"]["code"]) for answer in (large, long, fat, plain, none, two, cut)
        ]
        assert told == [
            (413, "too_large"), (413, "sound_too_long"), (413, "too_large"),
            (400, "not_a_form"), (400, "no_file"), (400, "bad_form"), (400, "bad_form"),
        ]  # fmt: skip
        assert (it.house.coins, heard, uploads(it)) == (100, [], [])


@pytest.mark.parametrize("form", ["mp3", "opus", "aac", "flac", "wav", "pcm"])
def test_a_text_becomes_speech_in_every_format(it: Served, form: Any) -> None:
    answer = it.client.audio.speech.create(
        model="tts-1", voice="hibari-ava", input="Hello there. How are you?", response_format=form, speed=1.1
    )
    sound = answer.read()
    assert 8_000 < len(sound) < 200_000
    if form == "pcm":
        samples = np.frombuffer(sound, "<i2").astype(np.float32) / 32768
        assert 1.0 < len(samples) / 24_000 < 3.5
    else:
        from avatarium.engine.video.sound import read_sound

        path = it.house.platform.settings.home / f"heard.{form}"
        path.write_bytes(sound)
        samples = read_sound(path, 24_000).samples
    assert 0.01 < float(np.sqrt(np.mean(np.square(samples)))) < 0.3
    assert it.house.coins == 99


def test_speech_is_sent_while_it_is_made(it: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first piece arrives although the last is not made before it was read."""
    go_on = threading.Event()

    def step(job: Job[Any]) -> dict[str, Any]:
        from avatarium.families.audio_speech import _put

        _put(job, 0, b"first " * 200, "audio/mpeg")
        assert go_on.wait(60), "nobody read the first piece"
        _put(job, 1, b"second", "audio/mpeg")
        return {"parts": 2, "duration_s": 1.0, "characters": 5}

    monkeypatch.setattr(SPEECH, "steps", (Step("speak", step),))
    with it.client.audio.speech.with_streaming_response.create(model="tts-1", voice="onyx", input="Hello") as answer:
        pieces = answer.iter_bytes()
        first = next(pieces)
        go_on.set()
        rest = b"".join(pieces)
    assert first + rest == b"first " * 200 + b"second"
    until_s = time.monotonic() + 60
    while (left := list((it.house.platform.settings.home / "objects").rglob("part-*"))) and time.monotonic() < until_s:
        time.sleep(0.05)
    assert left == []


def test_speech_that_fails_before_its_first_piece_is_an_error_and_free(
    it: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    def step(job: Job[Any]) -> dict[str, Any]:
        raise AudioError("It cannot be spoken.", code="unspeakable")

    monkeypatch.setattr(SPEECH, "steps", (Step("speak", step),))
    with pytest.raises(openai.BadRequestError) as refused:
        it.client.audio.speech.create(model="tts-1", voice="alloy", input="Hello")
    assert refused.value.code == "unspeakable"
    assert it.house.coins == 100


def test_work_for_which_nobody_waits_any_more_is_cancelled_and_free(tmp_path: Path, database_url: str) -> None:
    with served(tmp_path / "home", database_url, speech_wait_s=0.5) as it:
        it.house.worker.hold.clear()
        with pytest.raises(openai.APIStatusError) as late:
            it.client.audio.transcriptions.create(model="whisper-1", file=("talk.wav", recording(2)))
        assert (late.value.status_code, late.value.code) == (413, "takes_too_long")
        with pytest.raises(openai.APIStatusError) as later:
            it.client.audio.speech.create(model="tts-1", voice="alloy", input="Hello")
        assert later.value.code == "takes_too_long"
        it.house.worker.hold.set()
        assert (it.house.coins, uploads(it)) == (100, [])


def test_models_and_voices_are_listed(it: Served) -> None:
    names = [model.id for model in it.client.models.list()]
    assert {"whisper-1", "tts-1", "kokoro", "hibari"} <= set(names)
    assert it.client.models.retrieve("tts-1").id == "tts-1"
    with pytest.raises(openai.NotFoundError):
        it.client.models.retrieve("gpt-5")
    key = it.house.client.headers["Authorization"]
    found = httpx.get(f"{it.address}/v1/audio/voices", headers={"Authorization": key}).json()
    ids = {voice["name"]: voice["id"] for voice in found["voices"]}
    assert "Ava" in ids and set(found["aliases"]) >= {"alloy", "echo", "fable", "onyx", "nova", "shimmer"}
    speech = it.client.audio.speech.create(model="tts-1", voice=ids["Ava"], input="Hi.", response_format="pcm")
    assert len(speech.read()) > 10_000


def test_names_of_openai_speak_the_language_of_the_text(it: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    """They were refused what is in another script, as if they could only speak English."""
    from avatarium.families.audio_speech import _put
    from avatarium.families.tts import speaker_of

    chosen: list[str] = []

    def step(job: Job[Any]) -> dict[str, Any]:
        chosen.append(str(speaker_of(job)))
        _put(job, 0, b"sound", "audio/mpeg")
        return {"parts": 1, "duration_s": 1.0, "characters": 5}

    monkeypatch.setattr(SPEECH, "steps", (Step("speak", step),))
    texts = ("Hello there.", "Привет, как дела?", "La réunion a été déplacée à jeudi.", "今天天气很好。")
    for text in texts:
        it.client.audio.speech.create(model="tts-1", voice="onyx", input=text)
    assert chosen == ["kokoro-onyx", "espeak-man-ru", "kokoro-siwis-fr", "kokoro-yunxi-zh"]
    with pytest.raises(openai.BadRequestError) as unread:
        it.client.audio.speech.create(model="tts-1", voice="onyx", input="សួស្តីពិភពលោក")
    assert unread.value.code == "wrong_script"
    assert it.house.coins == 100 - len(texts)


def test_names_of_openais_voices_are_voices_here() -> None:
    from avatarium.engine.speech.speakers import find_voice
    from avatarium.families.audio_speech import OPENAI_VOICES

    assert all(find_voice(name).name == name for name in OPENAI_VOICES.values())
