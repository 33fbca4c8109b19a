"""Voices of users' own in A2E's shapes: what is taken, refused, shown, charged and removed.

Nothing is cloned: the engine is a double that writes a few bytes.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from avatarium.catalogue.user_voices import spoken_tag
from avatarium.clock import HOUR_MS
from avatarium.errors import AudioError, RequestError
from avatarium.families import cloning, voice_clone
from avatarium.families.consent import STANDARD
from avatarium.storage.sniff import sniff
from tests.running import COINS, Running, running
from tests.support.twins import made_twin, principal
from tests.support.voices import RECORDING, made_voice, training

PRICE = 100
DOCUMENTED = (
    *("_id", "name", "voice_urls", "current_status", "train_mode", "speaker_id", "model", "createdAt"),
    *("failed_message", "failed_code"),
)
BODY: dict[str, Any] = {"name": "My voice", "voice_urls": [RECORDING]}


class Effort(StrEnum):
    QUICK = "quick"
    BEST = "best"


@dataclass
class Engine:
    """What stands in for the cloning, and what it was asked for."""

    asked: list[dict[str, Any]]
    advice: SimpleNamespace
    trouble: Exception | None = None

    def clone(self, recordings: Any, out: Path, **given: Any) -> SimpleNamespace:
        self.asked.append({"recordings": list(recordings), **given})
        if self.trouble is not None:
            raise self.trouble
        out.write_bytes(b"a voice")
        given["progress"](0.5)
        found = {"similarity": 0.4712, "nearest_stock": "af_heart", "nearest_stock_similarity": 0.2}
        more = {"word_error": None, "seconds_used": 31.25, "method": "toy"}
        return SimpleNamespace(path=out, sample=np.zeros(24_000, np.float32), **found, **more)


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> Engine:
    advice = SimpleNamespace(score=81, fit=True, reason="", sentences=("Speak louder.",), seconds=31.2, facts={"x": 1})
    made = Engine(asked=[], advice=advice)
    double = SimpleNamespace(
        Effort=Effort, advise_voice=lambda recordings, language="": made.advice, clone_voice=made.clone
    )
    monkeypatch.setitem(sys.modules, "avatarium.engine.speech.cloning", double)
    return made


@pytest.fixture
def it(tmp_path: Path) -> Iterator[Running]:
    with running(tmp_path, user_voices_max=3) as made:
        yield made


def speech(it: Running, seconds: float = 30.0, *, known: bool = True) -> str:
    """The address of a recording of so many seconds, of silence."""
    rate = 8000
    size = round(seconds * rate)
    head = b"RIFF" + (36 + size).to_bytes(4, "little") + b"WAVEfmt " + (16).to_bytes(4, "little")
    head += (1).to_bytes(2, "little") * 2 + rate.to_bytes(4, "little") * 2
    head += (1).to_bytes(2, "little") + (8).to_bytes(2, "little") + b"data" + size.to_bytes(4, "little")
    return it.upload(head + b"\x80" * size, "me.wav", duration_s=seconds if known else None)


# Training


def test_a_voice_is_made_of_recordings_for_a_diamond_and_shown_as_documented(it: Running, engine: Engine) -> None:
    urls = [speech(it), speech(it)]
    voice = it.post("userVoice/training", BODY | {"voice_urls": urls, "gender": "male", "denoise": True})
    assert set(DOCUMENTED) <= set(voice)
    assert (voice["current_status"], voice["speaker_id"], voice["model"]) == ("sent", voice["_id"], "a2e")
    assert (voice["voice_urls"], voice["train_mode"], voice["similarity"]) == (urls, "best", None)
    assert voice["eta_s"] > 60 and it.balance() == (COINS - PRICE, 0)
    assert [row["_id"] for row in it.get("userVoice/trainingRecord")] == [voice["_id"]]
    assert it.get("userVoice/completedRecord") == []
    it.work()
    done = it.get(f"userVoice/{voice['_id']}")
    assert (done["current_status"], done["progress"], done["coins"]) == ("completed", 100, PRICE)
    assert (done["similarity"], done["nearest_stock"], done["method"]) == (0.471, "kokoro-heart", "toy")
    assert (done["score"], done["advice"], done["word_error"]) == (81, ["Speak louder."], None)
    sample = sniff(it.download(done["sample_url"]))
    assert sample is not None and sample.media_type == "audio/mpeg" and done["result_url"]
    assert it.get("userVoice/completedRecord") == it.get("userVoice/trainingRecord")
    (asked,) = engine.asked
    assert (len(asked["recordings"]), asked["gender"], asked["denoise"]) == (2, "male", True)
    assert (asked["effort"], asked["cloner"], asked["language"]) == (Effort.BEST, "kokoro-table", "")
    assert it.balance() == (COINS - PRICE, 0)


BAD: list[tuple[dict[str, Any], int, str]] = [
    ({"name": ""}, 400, "invalid_request"),
    ({"name": "   "}, 400, "no_name"),
    ({"voice_urls": []}, 400, "no_recording"),
    ({"voice_urls": None}, 400, "invalid_request"),
    ({"voice_urls": ["me.wav"]}, 400, "bad_url"),
    ({"voice_urls": [RECORDING] * 11}, 400, "invalid_request"),
    ({"gender": "robot"}, 400, "invalid_request"),
    ({"language": "!!"}, 400, "bad_locale"),
    ({"consent": "No, I do not agree."}, 400, "consent_unclear"),
]


@pytest.mark.parametrize(("wrong", "status", "reason"), BAD, ids=[str(wrong)[:50] for wrong, _, _ in BAD])
def test_bad_requests_get_a_sentence(it: Running, wrong: dict[str, Any], status: int, reason: str) -> None:
    answer = it.post("userVoice/training", BODY | wrong)
    assert (answer["status"], answer["reason"]) == (status, reason)
    assert answer["message"].endswith(".") and it.balance() == (COINS, 0) and not it.worker.waiting


@pytest.mark.parametrize("seconds", [[3.0], [4.0, 5.0], [500.0, 101.0]])
@pytest.mark.parametrize("path", ["training", "advice"])
def test_what_is_known_of_uploads_is_told_at_once(it: Running, path: str, seconds: list[float]) -> None:
    urls = [it.upload(b"ID3\x04" + bytes(100), "me.mp3", duration_s=one) for one in seconds]
    answer = it.post(f"userVoice/{path}", {"name": "me", "voice_urls": urls})
    wanted = "voice_too_short" if sum(seconds) < 10 else "voice_too_long"
    assert (answer["status"], answer["reason"]) == (400, wanted) and not it.worker.waiting


@pytest.mark.parametrize(
    ("given", "lang", "spoken", "speaks"),
    [
        ("", "", "", "en-US"),
        ("", "ja-JP", "", "ja"),
        ("en-GB", "ja", "en-GB", "en-GB"),
        ("de-DE", "", "de-DE", "en-US"),
    ],
)
def test_what_is_spoken_in_recordings_and_by_their_voice(
    it: Running, engine: Engine, given: str, lang: str, spoken: str, speaks: str
) -> None:
    """A language that no clone speaks is no reason to refuse somebody who speaks it."""
    body = BODY | {"voice_urls": [speech(it)], "language": given}
    voice = it.post("userVoice/training", body, x_lang=lang)
    it.work()
    assert engine.asked[0]["language"] == spoken
    assert it.get(f"userVoice/{voice['_id']}")["language"] == speaks
    assert it.platform.catalogue.voices.voice(it.user_id, voice["_id"]).language == speaks


def test_a_picture_is_no_recording(it: Running) -> None:
    url = it.upload(b"\xff\xd8\xff\xe0" + bytes(100), "me.jpg")
    assert it.post("userVoice/training", BODY | {"voice_urls": url})["reason"] == "wrong_kind"


def test_lengths_that_were_not_known_are_measured_before_anything_is_made(it: Running, engine: Engine) -> None:
    voice = it.post("userVoice/training", BODY | {"voice_urls": [speech(it, 3.0, known=False)]})
    it.work()
    failed = it.get(f"userVoice/{voice['_id']}")
    assert (failed["current_status"], failed["failed_code"]) == ("failed", "voice_too_short")
    assert engine.asked == [] and it.balance() == (COINS, 0)


def test_recordings_of_which_no_voice_can_be_made_cost_nothing(it: Running, engine: Engine) -> None:
    engine.advice.fit, engine.advice.reason, engine.advice.sentences = False, "music_only", ("There is only music.",)
    voice = it.post("userVoice/training", BODY | {"voice_urls": [speech(it)]})
    it.work()
    failed = it.get(f"userVoice/{voice['_id']}")
    assert (failed["failed_code"], failed["failed_message"]) == ("music_only", "There is only music.")
    assert engine.asked == [] and it.balance() == (COINS, 0)


def test_what_goes_wrong_in_the_engine_gives_the_coins_back_and_can_be_tried_again(it: Running, engine: Engine) -> None:
    engine.trouble = AudioError("Two people speak.", code="two_speakers")
    voice = it.post("userVoice/training", BODY | {"voice_urls": [speech(it)]})
    it.work()
    assert it.get(f"userVoice/{voice['_id']}")["failed_code"] == "two_speakers" and it.balance() == (COINS, 0)
    engine.trouble = None
    assert it.post("userVoice/retry", {"_id": voice["_id"]})["current_status"] == "sent"
    it.work()
    assert it.get(f"userVoice/{voice['_id']}")["current_status"] == "completed"
    assert it.balance() == (COINS - PRICE, 0)


def test_one_voice_at_a_time(it: Running) -> None:
    first = it.post("userVoice/training", BODY)
    twin = made_twin(it)
    for path, body in (("userVoice/training", BODY), ("userVideoTwin/addVoiceClone", {"_id": twin.training_id})):
        answer = it.post(path, body)
        assert (answer["status"], answer["reason"]) == (409, "voice_training_running")
    assert it.balance() == (COINS - PRICE, 0)
    it.post("userVoice/training", BODY, **it.other)
    assert it.post(f"userVoice/{first['_id']}/cancel")["current_status"] == "failed"
    assert it.balance() == (COINS, 0)
    assert it.post("userVoice/training", BODY)["current_status"] == "sent"


def test_no_more_voices_than_the_setting_says(it: Running) -> None:
    made = [made_voice(it), made_voice(it), made_voice(it, of=made_twin(it))]
    answer = it.post("userVoice/training", BODY)
    assert (answer["status"], answer["reason"]) == (403, "too_many_voices") and "3" in answer["message"]
    it.delete(f"userVoice/{made[0].id}")
    assert it.post("userVoice/training", BODY)["current_status"] == "sent"


def test_the_same_key_trains_one_voice(it: Running) -> None:
    ids = {it.post("userVoice/training", BODY, Idempotency_Key="once")["_id"] for _ in range(2)}
    assert len(ids) == 1 and it.balance() == (COINS - PRICE, 0)


# Consent


def test_consent_is_kept_with_the_voice(it: Running, engine: Engine) -> None:
    body = BODY | {"voice_urls": [speech(it)], "consent": True, "consent_name": "Ada"}
    voice = it.post("userVoice/training", body)
    assert (voice["consent"]["text"], voice["consent"]["name"]) == (cloning.CONSENT, "Ada")
    assert cloning.CONSENT != STANDARD
    it.work()
    assert it.platform.catalogue.voices.voice(it.user_id, voice["_id"]).consent["text"] == cloning.CONSENT


def test_without_consent_nothing_is_cloned_where_it_is_required(tmp_path: Path) -> None:
    with running(tmp_path, twin_consent_required=True) as it:
        answer = it.post("userVoice/training", BODY)
        assert (answer["status"], answer["reason"]) == (400, "consent_required") and "voices" in answer["message"]
        assert it.post("userVoice/training", BODY | {"consent": True})["consent"]
        assert it.post("userVoice/training", BODY | {"consent": True})["reason"] == "voice_training_running"
        silent = made_twin(it, consent=True)
        it.post(f"userVoice/{it.get('userVoice/trainingRecord')[0]['_id']}/cancel")
        refused = it.post("userVideoTwin/addVoiceClone", {"_id": silent.training_id})
        assert refused["reason"] == "consent_required", "nothing is on record of this avatar"
        assert it.post("userVideoTwin/addVoiceClone", {"_id": silent.training_id, "consent": True})["consent"]


# Afterwards


def test_a_voice_is_renamed_where_it_is_listed(it: Running) -> None:
    voice = made_voice(it)
    assert it.call("PUT", f"userVoice/{voice.id}", {"name": " Outdoors "})["name"] == "Outdoors"
    assert it.get("userVoice/completedRecord")[0]["name"] == "Outdoors"
    assert it.platform.catalogue.voices.voice(it.user_id, voice.id).name == "Outdoors"
    for body, reason in (({"name": " "}, "no_name"), ({}, "invalid_request"), ({"name": "x" * 300}, "invalid_request")):
        assert it.call("PUT", f"userVoice/{voice.id}", body)["reason"] == reason


def test_all_that_was_made_goes_with_a_voice(it: Running) -> None:
    voice, kept = made_voice(it), made_voice(it)
    url = it.get(f"userVoice/{voice.id}")["sample_url"]
    assert it.download(url) and it.delete(f"userVoice/{voice.id}") == {"_id": voice.id}
    it.platform.storage.expire(it.platform.clock.now_ms() + 1)
    assert [it.platform.storage.info(key) for key in (voice.key, voice.sample_key)] == [None, None]
    assert it.client.get(url.removeprefix("http://testserver")).status_code in (404, 410)
    assert it.platform.storage.info(kept.key) is not None
    assert [row["_id"] for row in it.get("userVoice/trainingRecord")] == [kept.id]
    assert it.get(f"userVoice/{voice.id}")["status"] == it.delete(f"userVoice/{voice.id}")["status"] == 404
    assert it.post("video/send_tts", {"msg": "Hi.", "user_voice_id": voice.id})["reason"] == "voice_not_found"


def test_a_voice_that_was_cancelled_while_it_was_made_is_not_kept(it: Running, engine: Engine) -> None:
    voice = it.post("userVoice/training", BODY | {"voice_urls": [speech(it)]})

    def cancel(task: Any, step: str) -> None:
        if step == "keep":
            it.post(f"userVoice/{voice['_id']}/cancel")

    it.worker.before_step = cancel
    it.work()
    assert it.get("userVoice/completedRecord") == [] and it.platform.catalogue.voices.all(it.user_id) == []
    it.platform.storage.expire(it.platform.clock.now_ms() + 2 * HOUR_MS)
    assert it.platform.storage.info(f"results/{it.user_id}/{voice['_id']}/{cloning.VOICE}") is None
    assert it.balance() == (COINS, 0)


def test_voices_are_listed_newest_first_and_by_id(it: Running) -> None:
    made = [made_voice(it), made_voice(it, of=made_twin(it))]
    open_one = training(it)
    every = [row["_id"] for row in it.get("userVoice/trainingRecord")]
    assert set(every) == {open_one.id, *(voice.id for voice in made)}
    ids = [voice.id for voice in made]
    assert {row["_id"] for row in it.post("userVoice/batchDetail", {"ids": [*ids, "f" * 24]})} == set(ids)


# Of an avatar


def test_an_avatar_gets_a_voice_of_its_own_and_takes_it_along(it: Running) -> None:
    twin = made_twin(it)
    voice = made_voice(it, of=twin)
    (avatar,) = it.get("anchor/character_list?type=custom")
    assert avatar["user_voice_id"] == voice.id
    shown = {row["_id"]: row["user_voice_id"] for row in it.get("streaming-avatar/all_avatars")}
    assert shown[twin.avatar.id] == voice.id and set(shown.values()) == {voice.id, ""}
    newest = max(made_voice(it, of=twin), voice, key=lambda one: (one.created_ms, one.id))
    assert it.get("anchor/character_list?type=custom")[0]["user_voice_id"] == newest.id
    stays = made_voice(it)
    it.post("userVideoTwin/remove", {"_id": twin.training_id})
    assert [row["_id"] for row in it.get("userVoice/trainingRecord")] == [stays.id]
    assert [kept.id for kept in it.platform.catalogue.voices.all(it.user_id)] == [stays.id]
    it.platform.storage.expire(it.platform.clock.now_ms() + 1)
    assert it.platform.storage.info(voice.key) is None and it.platform.storage.info(stays.key) is not None


def test_the_answer_tells_the_voice_at_once(it: Running) -> None:
    twin = made_twin(it)
    voice = it.post("userVideoTwin/addVoiceClone", {"_id": twin.training_id})
    assert voice["user_voice_id"] == voice["_id"] and voice["anchor_id"] == twin.avatar.id
    assert (voice["current_status"], voice["name"], voice["coins"]) == ("sent", "me", PRICE)
    assert it.get(f"userVoice/{voice['_id']}")["user_video_twin_id"] == twin.training_id
    it.post("userVideoTwin/remove", {"_id": twin.training_id})
    it.worker.waiting.clear()
    assert it.platform.catalogue.voices.all(it.user_id) == []


def test_a_voice_of_an_avatar_that_was_removed_meanwhile_says_so_and_costs_nothing(it: Running) -> None:
    """It said that a file was gone, which nobody had uploaded."""
    twin = made_twin(it)
    voice = it.post("userVideoTwin/addVoiceClone", {"_id": twin.training_id})
    it.post("userVideoTwin/remove", {"_id": twin.training_id})
    it.platform.storage.expire(it.platform.clock.now_ms() + 1)
    it.work()
    record = it.get(f"userVoice/{voice['_id']}")
    assert (record["current_status"], record["failed_code"], it.balance()) == ("failed", "twin_gone", (COINS, 0))


# Advice


def test_advice_costs_nothing_and_makes_nothing(it: Running, engine: Engine) -> None:
    with it.working():
        found = it.post("userVoice/advice", {"voice_urls": [speech(it)]})
        engine.advice.fit, engine.advice.reason, engine.advice.score = False, "two_speakers", 0
        unfit = it.post("userVoice/advice", {"voice_urls": [speech(it)]})
        short = it.post("userVoice/advice", {"voice_urls": [speech(it, 3.0, known=False)]})
    assert (found["score"], found["fit_to_train"], found["advice"]) == (81, True, ["Speak louder."])
    assert (unfit["fit_to_train"], unfit["reason"]) == (False, "two_speakers")
    assert (short["fit_to_train"], short["reason"], short["score"]) == (False, "voice_too_short", 0)
    assert it.balance() == (COINS, 0) and it.get("userVoice/trainingRecord") == [] and engine.asked == []


# Speaking


@pytest.mark.parametrize(
    ("asked", "text", "tag"),
    [
        (("", ""), "Hello there, how are you today?", "en-US"),
        (("en", "GB"), "Hello.", "en-GB"),
        (("pt-BR", ""), "Olá.", "pt-BR"),
        (("", ""), "これは日本語の文章です。", "ja"),
        (("ja", "JP"), "Hello.", "ja"),
    ],
)
def test_in_which_language_a_voice_speaks(it: Running, asked: tuple[str, str], text: str, tag: str) -> None:
    voice = made_voice(it)
    assert spoken_tag(voice, *asked, text=text) == tag
    with pytest.raises(RequestError) as refused:
        spoken_tag(voice, "de")
    assert refused.value.code == "no_voice_for_language" and "English" in refused.value.message


def test_speech_is_asked_for_with_ones_own_voice_alone(it: Running) -> None:
    voice, theirs = made_voice(it), made_voice(it, it.other_id)
    start = it.platform.families["tts"].start
    task = it.platform.tasks.submit(
        principal(it.user_id),
        it.platform.families["tts"],
        start.model_validate({"msg": "Hello.", "user_voice_id": voice.id}),
    )
    assert (task.facts["voice_key"], task.facts["tag"], task.facts["country"]) == (voice.key, "en-US", "en")
    for given, reason in (
        ({"user_voice_id": theirs.id}, "voice_not_found"),
        ({"user_voice_id": voice.id, "tts_id": voice.id}, "two_voices"),
        ({"user_voice_id": voice.id, "country": "de"}, "no_voice_for_language"),
    ):
        assert it.post("video/send_tts", {"msg": "Hello.", **given})["reason"] == reason


def test_names_of_families_stand_in_one_place() -> None:
    assert voice_clone.FAMILY.name == cloning.OF_RECORDINGS and set(cloning.FAMILIES) == {"userVoice", "twinSound"}
