"""A real dubbing through the API: heard, corrected, rendered anew."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from avatarium.engine.speech.transcripts import transcribe
from avatarium.engine.subtitles import from_srt
from avatarium.engine.video import probe, read_sound
from tests.media.families.conftest import openings
from tests.running import Running

pytestmark = pytest.mark.long

CLIP = "woman-flag-512.mp4"


@pytest.fixture(scope="module")
def clip(media: Path) -> Path:
    return media / "talking-videos" / CLIP


@pytest.fixture(scope="module")
def dubbed(installation: Running, clip: Path) -> Iterator[dict[str, Any]]:
    """The clip in Spanish."""
    source = installation.upload(clip, "speech.mp4", duration_s=round(probe(clip).duration_s, 2))
    body = {"name": "speech", "source_url": source, "source_lang": "en", "target_lang": "es", "num_speakers": 1}
    task = installation.post("userDubbing/startDubbing", body)
    assert task["coins"] == 30, task
    installation.work()
    record = installation.get(f"userDubbing/{task['_id']}")
    assert record["current_status"] == "completed", record["failed_message"]
    yield record
    installation.delete(f"userDubbing/{task['_id']}")


def heard_in(path: Path, language: str) -> str:
    return transcribe(path, language=language, speakers=1).text


def test_a_clip_speaks_spanish_with_its_picture(
    it: Running, dubbed: dict[str, Any], clip: Path, tmp_path: Path
) -> None:
    out = it.save(dubbed["result_url"], tmp_path / "dubbed.mp4")
    was, made = probe(clip), probe(out)
    assert (made.width, made.height) == (was.width, was.height)
    assert abs(made.duration_s - was.duration_s) < 0.15 and made.sound is not None
    assert transcribe(out).language.startswith("es"), "a recogniser that was told nothing hears Spanish"
    found = it.get(f"userDubbing/{dubbed['_id']}/transcript")["document"]
    wanted = {word.strip(".,¿?¡!").lower() for s in found["segments"] for word in s["translation"].split()}
    said = {word.strip(".,¿?¡!").lower() for word in heard_in(out, "es").split()}
    assert len(wanted & said) > 0.6 * len(wanted)
    samples = read_sound(out, 48000).samples
    assert 0.05 < np.abs(samples).max() <= 1.0
    assert dubbed["lips"] is True
    assert np.isfinite(openings(out)).mean() > 0.8


def test_subtitles_in_both_languages_fit_the_times(it: Running, dubbed: dict[str, Any]) -> None:
    document = it.get(f"userDubbing/{dubbed['_id']}/transcript")["document"]
    first = document["segments"][0]["start_s"]
    for name in ("srt_source_url", "srt_target_url"):
        cues = from_srt(it.download(dubbed[name]).decode())
        assert cues and abs(cues[0].start_s - first) < 0.35
        assert cues[-1].end_s <= document["duration_s"] + 0.5


def test_a_corrected_word_is_spoken_and_nothing_else_anew(it: Running, dubbed: dict[str, Any], tmp_path: Path) -> None:
    task = dubbed["_id"]
    found = it.get(f"userDubbing/{task}/transcript")
    document = found["document"]
    document["segments"][0]["translation"] = "Hoy hablamos de elefantes."
    sent = it.call("PUT", f"userDubbing/{task}/transcript", {"version": found["version"], "document": document})
    assert sent["changed"] == 1
    again = it.post(f"userDubbing/{task}/render", {"lips": False})
    assert again["coins"] == 10
    it.work()
    record = it.get(f"userDubbing/{again['_id']}")
    assert record["current_status"] == "completed", record["failed_message"]
    assert 1 <= record["pieces_spoken"] <= 2, "at its own pace, and at that of its slot"
    assert record["lips"] is False
    assert "elefantes" in heard_in(it.save(record["result_url"], tmp_path / "again.mp4"), "es").lower()
    it.delete(f"userDubbing/{again['_id']}")


def test_a_video_without_sound_costs_nothing(it: Running, media: Path, tmp_path: Path) -> None:
    from avatarium.engine.video import VideoWriter

    with VideoWriter(tmp_path / "mute.mp4", width=160, height=120, rate=None) as writer:
        for level in range(40):
            writer.write(np.full((120, 160, 3), 5 * level, np.uint8))
    before = it.balance()
    source = it.upload(tmp_path / "mute.mp4", "mute.mp4")
    task = it.post("userDubbing/startDubbing", {"source_url": source, "target_lang": "es"})
    it.work()
    record = it.get(f"userDubbing/{task['_id']}")
    assert (record["failed_code"], record["coins"]) == ("media_silent", 0)
    assert record["failed_message"].startswith("Your file has no sound") and it.balance() == before
