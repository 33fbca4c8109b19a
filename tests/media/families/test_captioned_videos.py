"""Captions from the call to the file: seen with the words, and kept as subtitles."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from avatarium.catalogue.shipped import shipped_avatars
from avatarium.engine.subtitles import from_srt
from tests.media.families.conftest import WORDS, frames_of
from tests.running import Running

pytestmark = pytest.mark.long

FPS = 25
BODY = {"anchor_id": shipped_avatars()[0].id, "anchor_type": 0, "resolution": 480}
LOOK = {"PrimaryColour": "rgb(0,255,0)", "BackColour": "rgb(255,0,255)", "Fontsize": 60, "subtitle_position": 0.9}


def generated(it: Running, **body: Any) -> dict[str, Any]:
    video = it.post("video/generate", BODY | body)
    assert "_id" in video, video
    it.work()
    record: dict[str, Any] = it.post("video/awsResult", {"_id": video["_id"]})[0]
    assert record["status"] == "success", record["msg"]
    return record


def plain(text: str) -> list[str]:
    return re.findall(r"\w+", text.lower())


def test_what_was_synthesised_is_written_as_it_was_sent(it: Running, speech_url: str, tmp_path: Path) -> None:
    record = generated(it, audioSrc=speech_url, isCaptionEnabled=True, captionAlign=LOOK)
    (cue,) = from_srt(it.download(record["captions_url"]).decode())
    assert " ".join(cue.lines) == WORDS
    assert it.download(record["captions_vtt_url"]).startswith(b"WEBVTT\n")
    frames = np.stack(frames_of(it.save(record["result"], tmp_path / "video.mp4"))).astype(int)
    pink = (frames[..., 0] > 180) & (frames[..., 1] < 90) & (frames[..., 2] > 180)
    shown = np.flatnonzero(pink.mean(axis=(1, 2)) > 0.005)
    assert abs(shown[0] / FPS - cue.start_s) <= 1 / FPS
    assert abs((shown[-1] + 1) / FPS - min(cue.end_s, len(frames) / FPS)) <= 1 / FPS
    rows = np.flatnonzero(pink[shown[0]].any(axis=1)) / frames.shape[1]
    assert rows[0] > 0.7 and rows[-1] < 0.96


def test_without_captions_the_words_of_our_speech_are_kept_all_the_same(it: Running, speech_url: str) -> None:
    record = generated(it, audioSrc=speech_url)
    assert " ".join(from_srt(it.download(record["captions_url"]).decode())[0].lines) == WORDS


def test_a_strangers_recording_is_written_down_only_where_captions_are_asked_for(
    it: Running, speech: Path, whisper_base: Path
) -> None:
    url = it.upload(speech, "own.mp3")
    record = generated(it, audioSrc=url, isCaptionEnabled=True, captionAlign={"language": "en-US"})
    cues = from_srt(it.download(record["captions_url"]).decode())
    heard = plain(" ".join(line for cue in cues for line in cue.lines))
    assert len(set(heard) & set(plain(WORDS))) >= 4
    assert generated(it, audioSrc=url)["captions_url"] == ""


def test_a_talking_photo_takes_captions_too(it: Running, photo_url: str, speech_url: str) -> None:
    look = {"isCaptionEnabled": True, "captionAlign": {"karaoke": True}}
    task = it.post("talkingPhoto/start", {"image_url": photo_url, "audio_url": speech_url, **look})
    it.work()
    record = it.get(f"talkingPhoto/{task['_id']}")
    assert record["current_status"] == "completed", record["failed_message"]
    assert " ".join(from_srt(it.download(record["captions_url"]).decode())[0].lines) == WORDS


def test_letters_that_cannot_be_set_here_are_refused_before_anything_is_drawn_and_free(
    it: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without FriBiDi this was found out in the step that draws."""
    with it.working():
        url = it.post("video/send_tts", {"msg": "مرحبا بالعالم", "country": "ar"})
    before = it.get("user/remainingCoins")
    monkeypatch.setattr("PIL.features.check", lambda name: False)
    video = it.post("video/generate", BODY | {"audioSrc": url, "isCaptionEnabled": True})
    steps: list[str] = []
    monkeypatch.setattr(it.worker, "before_step", lambda task, step: steps.append(step))
    it.work()
    record = it.post("video/awsResult", {"_id": video["_id"]})[0]
    assert (record["status"], "libfribidi0" in record["msg"]) == ("fail", True)
    assert steps[-1] == "listen"
    assert it.get("user/remainingCoins") == before


def test_files_break_their_lines_as_the_picture_does(it: Running, tmp_path: Path) -> None:
    """They were cut for 42 letters whatever stood in the picture."""
    with it.working():
        url = it.post("video/send_tts", {"msg": "The bakery on the corner opens early every morning."})
    look = {"isCaptionEnabled": True, "captionAlign": {"Fontsize": 120}}
    files = [
        from_srt(it.download(generated(it, audioSrc=url, **asked)["captions_url"]).decode()) for asked in ({}, look)
    ]
    longest = [max(len(line) for cue in cues for line in cue.lines) for cues in files]
    assert longest[1] <= 24 < longest[0]
    assert len({" ".join(line for cue in cues for line in cue.lines) for cues in files}) == 1
