"""Voices of an outside vendor: a real server on this machine that speaks with our own voice stands in for it."""

from __future__ import annotations

import http.server
import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from avatarium.engine.speech import synthesize
from avatarium.engine.video.sound_stream import SoundStream, StreamKind
from avatarium.errors import OptionError
from tests.running import COINS, Running, running

pytestmark = pytest.mark.usefixtures("models")
KEY = "sk-vendor-secret"


@dataclass
class Endpoint:
    """What came, and what is answered."""

    url: str = ""
    asked: list[dict[str, Any]] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)
    status: int = 200
    sound: bytes = b""
    hangs: threading.Event = field(default_factory=threading.Event)
    """Set lets it answer."""


@pytest.fixture(scope="module")
def spoken() -> bytes:
    stream = SoundStream(StreamKind.WAV, rate=24_000)
    return stream.write(synthesize("Peter bought some more maps.", "hibari-ava").audio) + stream.close()


@pytest.fixture
def vendor(spoken: bytes) -> Iterator[Endpoint]:
    held = Endpoint(sound=spoken)
    held.hangs.set()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            held.keys.append(self.headers.get("Authorization", ""))
            held.asked.append({"path": self.path} | json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            held.hangs.wait(60)
            self.send_response(held.status)
            self.end_headers()
            self.wfile.write(held.sound)

        def log_message(self, format: str, *args: Any) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    held.url = f"http://127.0.0.1:{server.server_port}/v1"
    yield held
    held.hangs.set()
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def models() -> None:
    from avatarium.engine.assets import default_store
    from avatarium.errors import AssetError

    try:
        default_store().path("silero-vad")
    except AssetError as error:
        pytest.skip(f"the model files cannot be had here: {error}")


@pytest.fixture
def house(tmp_path: Path, vendor: Endpoint) -> Iterator[Running]:
    with running(
        tmp_path / "home", speech_url=vendor.url, speech_key=KEY, speech_model="vendor-1", speech_timeout_s=2,
        speech_voices=["Vera:female:en-US,de"],
    ) as made, made.working():  # fmt: skip
        yield made


def listed(house: Running, country: str = "en") -> dict[str, str]:
    groups = house.get(f"anchor/voice_list?country={country}")
    children = [child for group in groups for child in group["children"]]
    return {child["label"]: child["value"] for child in children if child["engine"] == "external"}


def test_they_are_listed_in_their_languages_and_spoken_sentence_by_sentence(house: Running, vendor: Endpoint) -> None:
    english, german = listed(house), listed(house, "de")
    assert set(english) == {"Vera"} and set(german) == {"Vera"} and english["Vera"] != german["Vera"]
    assert listed(house, "fr") == {}
    long = "Peter bought some more maps of the town. " * 9
    assert "speech.mp3" in house.post("video/send_tts", {"msg": long, "tts_id": english["Vera"], "speechRate": 1.2})
    assert len(vendor.asked) == 2, "sentences go together, up to what a request takes"
    assert vendor.asked[0] | {"input": ""} == {
        "path": "/v1/audio/speech", "model": "vendor-1", "voice": "Vera", "response_format": "wav",
        "speed": 1.2, "input": "",
    }  # fmt: skip
    assert vendor.keys == [f"Bearer {KEY}"] * 2
    (record,) = house.get("tts/preview/list")["data"]
    assert record["engine"] == "external"
    marks = json.loads(house.download(record["marks_url"]))
    said = [ipa for ipa, *_ in marks["phonemes"]]
    assert {"p", "b", "m"} <= set(said), "the lips close where they are heard to"
    assert marks["phonemes"][-1][2] <= marks["samples"] / marks["rate"]
    assert house.balance()[0] == COINS - 2


@pytest.mark.parametrize(
    ("status", "sound", "reason"),
    [
        (401, b"", "voice_refused"),
        (500, b"", "voice_away"),
        (429, b"", "voice_away"),
        (200, b"no sound", "voice_refused"),
    ],
)
def test_a_service_that_fails_is_told_and_costs_nothing(
    house: Running, vendor: Endpoint, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str],
    status: int, sound: bytes, reason: str,
) -> None:  # fmt: skip
    voice = listed(house)["Vera"]
    vendor.status, vendor.sound = status, sound
    answer = house.post("video/send_tts", {"msg": "Hello.", "tts_id": voice})
    assert (answer["status"], answer["reason"]) == (503, reason)
    assert house.balance()[0] == COINS
    assert KEY not in json.dumps(answer) + caplog.text + capsys.readouterr().out


def test_a_service_that_does_not_answer_is_given_up(house: Running, vendor: Endpoint) -> None:
    vendor.hangs.clear()
    answer = house.post("video/send_tts", {"msg": "Hello.", "tts_id": listed(house)["Vera"]})
    assert (answer["status"], answer["reason"]) == (503, "voice_away")
    assert "in time" in answer["message"]
    assert house.balance()[0] == COINS


def test_what_is_not_named_is_never_sent_outside(house: Running, vendor: Endpoint) -> None:
    house.post("video/send_tts", {"msg": "Hello."})
    assert vendor.asked == []


@pytest.mark.parametrize("entry", ["Vera", "Vera:robot:en", "Vera:female:xx", "../v:female:en", ":female:en"])
def test_voices_that_cannot_be_offered_are_told_when_the_service_starts(tmp_path: Path, entry: str) -> None:
    from avatarium.platform import Platform
    from avatarium.settings import Settings

    with pytest.raises(OptionError) as refused:
        Platform.open(Settings(home=tmp_path, speech_url="http://127.0.0.1:9/v1", speech_voices=[entry]))
    assert refused.value.code == "bad_setting"
