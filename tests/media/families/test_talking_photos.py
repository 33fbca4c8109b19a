"""Avatar videos and talking photos from the call to the file: what is seen, heard, charged, and survives."""

from __future__ import annotations

import io
import wave
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from avatarium.catalogue.shipped import shipped_avatars
from avatarium.engine import provenance
from avatarium.engine import speech as speaking
from avatarium.engine.speech.records import Samples
from avatarium.engine.video import probe, read_sound
from avatarium.tasks.models import Task
from tests.media.families.conftest import RATE, frames_of, likeness, openings
from tests.running import Running, running

FRAME_S = 1 / 25
ANCHOR = shipped_avatars()[0].id
GREEN = (0, 200, 0)
BODY = {
    "anchor_id": ANCHOR,
    "anchor_type": 0,
    "resolution": 480,
    "color": "rgb(0,200,0)",
    **{"web_bg_width": 1708, "web_bg_height": 960, "web_people_width": 768, "web_people_height": 960},
    **{"web_people_x": 900, "web_people_y": 0},
}


def wav(samples: Samples) -> bytes:
    out = io.BytesIO()
    with wave.open(out, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes((samples * 32767).astype("<i2").tobytes())
    return out.getvalue()


def made(it: Running, video: dict[str, Any]) -> dict[str, Any]:
    it.work()
    record: dict[str, Any] = it.post("video/awsResult", {"_id": video["_id"]})[0]
    return record


def photo_of(it: Running, **body: Any) -> dict[str, Any]:
    task = it.post("talkingPhoto/start", body)
    assert "_id" in task, task
    it.work()
    record: dict[str, Any] = it.get(f"talkingPhoto/{task['_id']}")
    return record


def never(*_args: object, **_named: object) -> object:
    raise AssertionError("what is known to be said is not listened to")


def test_an_avatar_says_our_speech_where_the_canvas_puts_it(
    it: Running, speech_url: str, sound: Samples, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(speaking, "phonemes_from_audio", never, raising=False)
    before = it.balance()[0]
    record = made(it, it.post("video/generate", BODY | {"audioSrc": speech_url, "title": "demo"}))
    assert (record["status"], record["process"], record["msg"]) == ("success", 100, "")
    path = it.save(record["result"], tmp_path / "video.mp4")
    facts = probe(path)
    assert (facts.width, facts.height, facts.title) == (854, 480, "demo")
    assert 0 <= facts.duration_s - len(sound) / RATE < FRAME_S + 0.001
    assert likeness(read_sound(path, RATE).samples, sound) > 0.95
    coins = int(np.ceil(round(len(sound) / RATE, 2)))
    assert record["coins"] == before - it.balance()[0] == coins
    frames = frames_of(path)
    left, corner = frames[10][:, :430], frames[10][:60, 840:]
    assert np.abs(left.astype(int) - GREEN).max() < 12 and np.abs(corner.astype(int) - GREEN).max() < 12
    person = np.abs(frames[10][:, 450:834].astype(int) - GREEN).sum(2) > 60
    assert 0.3 < person.mean() < 0.9 and person[-5:].mean() > 0.5
    lips = openings(path)
    assert np.isfinite(lips).mean() > 0.95 and np.nanmax(lips) - np.nanmin(lips) > 0.05
    assert len(it.worker.progress) >= len(frames) and max(it.worker.progress) > 0.9


def test_a_result_says_that_it_is_synthetic(it: Running, speech_url: str, tmp_path: Path) -> None:
    record = made(it, it.post("video/generate", BODY | {"audioSrc": speech_url}))
    found = provenance.read(it.save(record["result"], tmp_path / "video.mp4"))
    assert found is not None and "trainedAlgorithmicMedia" in str(found)
    cover = it.save(record["cover_url"], tmp_path / "cover.jpg")
    assert cover.read_bytes()[:3] == b"\xff\xd8\xff" and provenance.read(cover) is not None


def test_a_strangers_recording_is_measured_and_paid_exactly(it: Running, sound: Samples, tmp_path: Path) -> None:
    before = it.balance()[0]
    video = it.post("video/generate", BODY | {"audioSrc": it.upload(wav(sound), "own.wav")})
    assert video["coins"] == 10 and it.balance()[0] == before - 10
    record = made(it, video)
    assert record["status"] == "success", record["msg"]
    assert record["coins"] == before - it.balance()[0] == int(np.ceil(round(len(sound) / RATE, 2)))
    path = it.save(record["result"], tmp_path / "video.mp4")
    assert likeness(read_sound(path, RATE).samples, sound) > 0.95
    lips = openings(path)
    assert np.nanmax(lips) - np.nanmin(lips) > 0.05


def test_it_goes_on_where_the_files_of_earlier_steps_are_missing(it: Running, speech_url: str, tmp_path: Path) -> None:
    def elsewhere(task: Task, step: str) -> None:
        it.forget_scratch(task.id)

    it.worker.before_step = elsewhere
    record = made(it, it.post("video/generate", BODY | {"audioSrc": speech_url}))
    assert record["status"] == "success", record["msg"]
    assert probe(it.save(record["result"], tmp_path / "video.mp4")).height == 480


def test_a_recording_that_becomes_longer_after_it_was_measured_is_refused(it: Running, sound: Samples) -> None:
    before = it.balance()
    url = it.upload(wav(sound), "own.wav")
    key = it.platform.storage.key_of(url) or ""

    def swap(task: Task, step: str) -> None:
        if step == "render":
            it.forget_scratch(task.id)
            longer = wav(np.tile(sound, 3))
            it.platform.storage.put(key, longer, owner=it.user_id, media_type="audio/wav", expires_ms=None)

    it.worker.before_step = swap
    record = made(it, it.post("video/generate", BODY | {"audioSrc": url}))
    assert (record["status"], record["failed_code"]) == ("fail", "sound_changed")
    assert it.balance() == before


def test_a_video_that_is_cancelled_between_steps_costs_nothing(it: Running, speech_url: str) -> None:
    before = it.balance()

    def cancel(task: Task, step: str) -> None:
        if step == "publish":
            it.post(f"video/{task.id}/cancel")

    it.worker.before_step = cancel
    record = made(it, it.post("video/generate", BODY | {"audioSrc": speech_url}))
    assert (record["status"], record["failed_code"], record["result"]) == ("fail", "cancelled", "")
    assert it.balance() == before


@pytest.mark.parametrize(
    ("samples", "code"),
    [
        (np.zeros(RATE, np.float32), "silent_audio"),
        (0.3 * np.sin(np.arange(RATE) * 0.3).astype(np.float32), "no_speech"),
    ],
    ids=["silence", "a tone"],
)
def test_recordings_in_which_nobody_speaks_are_refused(it: Running, samples: Samples, code: str) -> None:
    before = it.balance()
    record = made(it, it.post("video/generate", BODY | {"audioSrc": it.upload(wav(samples), "own.wav")}))
    assert (record["status"], record["failed_code"]) == ("fail", code)
    assert it.balance() == before


def test_a_recording_that_is_too_long_is_refused(tmp_path: Path) -> None:
    with running(tmp_path, media_max_s=2) as it:
        long = it.upload(wav(0.2 * np.ones(4 * RATE, np.float32)), "long.wav")
        record = made(it, it.post("video/generate", BODY | {"audioSrc": long}))
        assert (record["status"], record["failed_code"]) == ("fail", "sound_too_long")
        assert it.balance() == (1000, 0)


def test_a_measured_price_above_the_balance_fails_the_task_and_gives_all_back(tmp_path: Path, sound: Samples) -> None:
    with running(tmp_path, prices={"video": 90}) as it:
        long = it.upload(wav(np.tile(sound, 8)), "long.wav")
        record = made(it, it.post("video/generate", BODY | {"audioSrc": long}))
        assert (record["status"], record["failed_code"]) == ("fail", "too_few_coins")
        assert it.balance() == (1000, 0)


def test_a_photo_says_the_beginning_and_fades(
    it: Running, photo_url: str, speech_url: str, sound: Samples, tmp_path: Path
) -> None:
    record = photo_of(it, name="demo", image_url=photo_url, audio_url=speech_url, duration=1)
    assert (record["current_status"], record["coins"], record["duration"]) == ("completed", 3, 1)
    path = it.save(record["result_url"], tmp_path / "photo.mp4")
    facts = probe(path)
    assert abs(facts.duration_s - 1) <= FRAME_S
    assert (facts.width, facts.height) == (720, 900)  # the shape of the photo
    heard = read_sound(path, RATE).samples
    assert likeness(heard[: RATE * 9 // 10], sound[: RATE * 9 // 10]) > 0.95
    assert np.abs(heard[-RATE // 100 :]).max() < 0.05 * np.abs(heard).max()
    lips = openings(path)
    assert np.nanmax(lips) - np.nanmin(lips) > 0.05


def test_a_photo_without_a_recording_only_lives(it: Running, photo_url: str, tmp_path: Path) -> None:
    record = photo_of(it, image_url=photo_url, duration=1)
    assert (record["current_status"], record["coins"], record["duration"]) == ("completed", 3, 1)
    path = it.save(record["result_url"], tmp_path / "photo.mp4")
    facts = probe(path)
    assert abs(facts.duration_s - 1) <= FRAME_S and facts.sound is not None
    lips = openings(path)
    assert np.nanmax(lips) - np.nanmin(lips) < 0.04
    frames = frames_of(path)
    assert np.abs(frames[24].astype(int) - frames[0]).max() > 20  # it breathes and blinks


def test_a_prompt_shows_in_the_face(it: Running, photo_url: str, tmp_path: Path) -> None:
    looks = {}
    for word in ("", "surprised"):
        record = photo_of(it, image_url=photo_url, duration=1, prompt=word)
        looks[word] = frames_of(it.save(record["result_url"], tmp_path / "photo.mp4"))[20].astype(int)
    assert np.abs(looks[""] - looks["surprised"]).mean() > 0.2


def test_a_picture_without_a_face_fails_with_advice_and_costs_nothing(it: Running, speech_url: str) -> None:
    from PIL import Image

    before = it.balance()
    out = io.BytesIO()
    Image.new("RGB", (400, 400), (90, 120, 160)).save(out, "PNG")
    record = photo_of(it, image_url=it.upload(out.getvalue(), "wall.png"), audio_url=speech_url)
    assert (record["current_status"], record["failed_code"]) == ("failed", "no_face")
    assert "face" in record["failed_message"] and it.balance() == before
