"""A voice cloned through the API from half a minute of a stranger, and what it says after."""

from __future__ import annotations

import difflib
import re
from pathlib import Path

import pytest

from avatarium.catalogue.voices import voice_id
from avatarium.engine.assets import default_store
from avatarium.engine.speech import find_voice
from avatarium.engine.speech.identity import embed, likeness
from avatarium.engine.speech.records import Samples
from avatarium.engine.speech.transcripts import transcribe
from avatarium.engine.video import read_sound
from avatarium.errors import AssetError
from avatarium.families import cloning
from tests.running import COINS, running

pytestmark = pytest.mark.long
TEXT = "The library opens at nine in the morning, and everybody is welcome to come in and read a book by the window."
NOAH = voice_id(find_voice("hibari-noah"))
MOST_WRONG = 0.1
"""One sentence of 21 words, and a recogniser of small size: two of them."""


@pytest.fixture
def _models() -> None:
    store = default_store()
    try:
        for name in ("kokoro", "kokoro-vocabulary", "kokoro-voices", "speakers"):
            store.path(name)
    except AssetError as problem:
        pytest.skip(problem.message)


def wrong(said: str, meant: str) -> float:
    """Share of the words that are not as they were meant."""
    heard, wanted = (re.findall(r"[a-z']+", text.lower()) for text in (said, meant))
    same = sum(block.size for block in difflib.SequenceMatcher(a=wanted, b=heard).get_matching_blocks())
    return 1 - same / len(wanted)


def sound(path: Path) -> Samples:
    return read_sound(path, 16_000).samples


@pytest.mark.usefixtures("_models")
def test_a_stranger_is_cloned_and_speaks_in_what_is_made_of_the_voice(
    tmp_path: Path, recordings: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cloning, "EFFORT", "quick")
    recording = recordings / "en-latentsync-2.wav"
    with running(tmp_path / "home") as it:
        url = it.upload(recording, "me.wav", duration_s=19.8)
        body = {"name": "Stranger", "voice_urls": [url], "gender": "male", "language": "en-US", "consent": True}
        with it.working():
            advice = it.post("userVoice/advice", {"voice_urls": [url], "language": "en-US"})
        assert advice["fit_to_train"] and 30 <= advice["score"] <= 100 and advice["seconds"] > 10
        voice = it.post("userVoice/training", body)
        it.work()
        done = it.get(f"userVoice/{voice['_id']}")
        assert done["current_status"] == "completed", done["failed_message"]
        assert it.balance() == (COINS - 100, 0) and len(it.worker.progress) > 3
        assert read_sound(it.save(done["sample_url"], tmp_path / "sample.mp3"), 24_000).duration_s > 1

        said: dict[str, Samples] = {}
        with it.working():
            for name, who in (("own", {"user_voice_id": voice["_id"]}), ("stock", {"tts_id": NOAH})):
                spoken = it.post("video/send_tts", {"msg": TEXT, "country": "en", "region": "US", **who})
                said[name] = sound(it.save(spoken, tmp_path / f"{name}.mp3"))
        assert wrong(" ".join(s.text for s in transcribe(said["own"], 16_000, speakers=1).segments), TEXT) <= MOST_WRONG
        person = embed(sound(recording), 16_000)
        like = {name: likeness(embed(samples, 16_000), person) for name, samples in said.items()}
        # A quick voice goes a part of the way: nearer than whoever would have spoken for this man without it.
        assert like["own"] > like["stock"] + 0.05, like
        assert -1 <= done["similarity"] <= 1 and done["nearest_stock"] and done["seconds_used"] > 10
        assert it.delete(f"userVoice/{voice['_id']}") == {"_id": voice["_id"]}
        assert it.post("video/send_tts", {"msg": TEXT, "user_voice_id": voice["_id"]})["reason"] == "voice_not_found"
