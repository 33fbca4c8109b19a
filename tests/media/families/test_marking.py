"""Watermarks from the call to the file."""

from __future__ import annotations

import io
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image

from avatarium.clock import Clock
from avatarium.engine.video import probe
from tests.media.families.conftest import frames_of
from tests.running import Running, running

DOCUMENTED = (
    *("_id", "request_id", "media_url", "watermark_type", "text", "fontsize", "fontcolor", "position", "scale_ratio"),
    *("to_720p", "result_url", "current_status", "coins", "failed_message", "failed_code", "createdAt"),
)


class Leaping(Clock):
    """Minutes pass whenever somebody looks at it."""

    seconds = 0.0

    def monotonic_s(self) -> float:
        self.seconds += 200
        return self.seconds


def png(colour: tuple[int, ...], size: tuple[int, int] = (640, 360)) -> bytes:
    out = io.BytesIO()
    Image.new("RGBA" if len(colour) == 4 else "RGB", size, colour).save(out, "PNG")
    return out.getvalue()


def test_a_picture_is_marked_while_the_caller_waits(it: Running) -> None:
    before = it.balance()[0]
    source = it.upload(png((40, 60, 80)), "a.png")
    with it.working():
        record = it.post("watermark/start", {"media_url": source, "watermark_type": "text", "text": "Made with AI"})
    assert set(DOCUMENTED) <= set(record)
    assert (record["current_status"], record["coins"]) == ("completed", 1) and it.balance()[0] == before - 1
    made = np.array(Image.open(io.BytesIO(it.download(record["result_url"]))).convert("RGB"))
    assert made.shape == (360, 640, 3)
    assert np.abs(made[250:, 320:].astype(int) - (40, 60, 80)).max() > 100
    assert np.abs(made[:200].astype(int) - (40, 60, 80)).max() <= 1
    assert it.get(f"watermark/{record['_id']}")["result_url"]
    assert it.get("watermark/allRecords")["rows"][0]["_id"] == record["_id"]
    assert it.get(f"watermark/{record['_id']}", **it.other)["status"] == 404
    assert it.delete(f"watermark/{record['_id']}") == {"_id": record["_id"]}


def test_a_logo_goes_where_it_is_told(it: Running) -> None:
    body = {
        "media_url": it.upload(png((0, 0, 0)), "a.png"),
        "watermark_image_url": it.upload(png((255, 0, 0, 255), (60, 60)), "logo.png"),
        "position": "top_left",
    }
    with it.working():
        record = it.post("watermark/start", body)
    assert (record["watermark_type"], record["current_status"]) == ("image", "completed")
    made = np.array(Image.open(io.BytesIO(it.download(record["result_url"]))).convert("RGB"))
    assert (made[:120, :120, 0] > 200).sum() > 1000 and made[180:].max() == 0


def test_a_video_keeps_its_sound_and_length(it: Running, photo_url: str, speech_url: str, tmp_path: Path) -> None:
    body = {"image_url": photo_url, "audio_url": speech_url, "duration": 1}
    task = it.post("talkingPhoto/start", body)
    it.work()
    source = it.get(f"talkingPhoto/{task['_id']}")["result_url"]
    with it.working():
        record = it.post("watermark/start", {"media_url": source, "text": "Made with AI", "fontcolor": [255, 0, 0]})
    assert record["current_status"] == "completed" and record["fontcolor"] == [255, 0, 0, 255]
    clean, marked = it.save(source, tmp_path / "clean.mp4"), it.save(record["result_url"], tmp_path / "marked.mp4")
    one, other = probe(clean), probe(marked)
    assert (one.width, one.height, one.frames) == (other.width, other.height, other.frames)
    assert other.sound is not None and abs(one.duration_s - other.duration_s) < 0.05
    before, after = frames_of(clean)[12].astype(int), frames_of(marked)[12].astype(int)
    assert np.abs(after - before)[-120:, 360:].max() > 120
    assert np.abs(after - before)[:600].mean() < 3


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        ({"media_url": None}, "invalid_request"),
        ({"media_url": "nowhere"}, "bad_url"),
        ({"text": ""}, "no_text"),
        ({"watermark_type": "image"}, "no_logo"),
        ({"watermark_type": "sound"}, "invalid_request"),
        ({"fontsize": 1}, "invalid_request"),
        ({"fontcolor": [255, 255]}, "invalid_request"),
        ({"fontcolor": [256, 0, 0, 255]}, "invalid_request"),
        ({"fontcolor": "white"}, "invalid_request"),
        ({"scale_ratio": 0}, "invalid_request"),
        ({"to_720p": "perhaps"}, "invalid_request"),
        ({"text": "x" * 501}, "invalid_request"),
        ({"position": "nowhere"}, "position_unknown"),
        ({"text": "\u200b"}, "text_empty"),
        ({"media_url": "http://127.0.0.1:1/a.mp4"}, "url_private"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_bad_requests_get_a_sentence_and_cost_nothing(it: Running, wrong: dict[str, object], reason: str) -> None:
    before = it.balance()
    body = {"media_url": it.upload(png((1, 2, 3)), "a.png"), "text": "x", **wrong}
    with it.working():
        answer = it.post("watermark/start", body)
    assert (answer["status"], answer["reason"]) == (400, reason)
    assert answer["message"] and it.balance() == before


@pytest.mark.parametrize(
    "content", [b"<html></html>", b"", b"ffconcat version 1.0\nfile a\n", b"RIFF\x24\0\0\0WAVEfmt "]
)
def test_what_is_neither_picture_nor_video_is_refused(it: Running, content: bytes) -> None:
    before = it.balance()
    with it.working():
        answer = it.post("watermark/start", {"media_url": it.upload(content, "a.mp4"), "text": "x"})
    assert answer["status"] == 400 and answer["reason"] in ("wrong_kind", "url_empty")
    assert it.balance() == before


def still_video(seconds: int) -> bytes:
    out = io.BytesIO()
    with av.open(out, "w", format="mp4") as file:
        stream = file.add_stream("libx264", rate=1)
        stream.width = stream.height = 64
        for _ in range(seconds):
            file.mux(stream.encode(av.VideoFrame.from_ndarray(np.zeros((64, 64, 3), np.uint8))))
        file.mux(stream.encode())
    return out.getvalue()


@pytest.mark.parametrize(("seconds", "reason"), [(3, ""), (40, "named_as_picture")])
def test_a_long_video_under_the_name_of_a_picture_held_up_speech(it: Running, seconds: int, reason: str) -> None:
    """Where nothing but the name is known before the work begins."""
    key = f"uploads/{it.user_id}/disguised-{seconds}.png"
    it.platform.storage.put(key, still_video(seconds), owner=it.user_id, media_type="image/png", expires_ms=None)
    with it.working():
        answer = it.post("watermark/start", {"media_url": it.platform.storage.url(key, seconds=60), "text": "x"})
    assert answer.get("reason", "") == reason
    assert answer["status"] == 400 if reason else answer["current_status"] == "completed"


def test_who_waits_too_long_gets_the_record_and_asks_later(tmp_path: Path) -> None:
    with running(tmp_path, clock=Leaping()) as it:
        body = {"media_url": it.upload(png((1, 2, 3)), "a.png"), "text": "x"}
        record = it.post("watermark/start", body, Idempotency_Key="k")
        assert record["current_status"] == "initialized" and record["result_url"] == ""
        it.work()
        assert it.get(f"watermark/{record['_id']}")["current_status"] == "completed"
        assert it.post("watermark/start", body, Idempotency_Key="k")["_id"] == record["_id"]
        assert it.balance() == (999, 0)
