"""What hostile users try on live rooms, on both databases."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from avatarium.accounts.reconcile import reconcile
from avatarium.api import live
from avatarium.catalogue.shipped import shipped_avatars
from avatarium.streaming.control import StageClient
from tests.running import COINS, Running, running
from tests.support.stage import StageDouble, stages

ROOT = Path(__file__).parents[3]
AVATAR = shipped_avatars()[0].id
ODD_TEXTS = [
    "a\0b",
    "\ud800",
    "\U0010ffff",
    "\ufffe\uffff",
    "\u202e",
    "\x1b[31m",
    "a\r\nb: c",
    "😀" * 500,
    "'; drop table",
]
CHOICES = ("avatar_id", "voice_id", "background_id", "background_color", "shape", "emotion", "language", "ticket")
HEAVY = {"numpy", "scipy", "av", "aiortc", "cv2", "mediapipe", "numba", "onnxruntime", "PIL", "aioice"}


@pytest.fixture
def it(tmp_path: Path, database_url: str) -> Iterator[Running]:
    with running(tmp_path, database_url, rate_limit="100000/second", rate_limit_anonymous="100000/second") as made:
        yield made


@pytest.fixture
def stage(it: Running) -> Iterator[StageDouble]:
    with stages(it.platform, places=3.0) as made:
        made[0].register(lasts_s=3600)
        yield made[0]


def book(it: Running, **more: Any) -> Any:
    return it.post("streaming-avatar/agora-token", {"avatar_id": AVATAR, "expire_seconds": 60, **more})


def sent(it: Running, call: str, body: dict[str, Any]) -> tuple[int, Any]:
    """A call with whatever JSON can write."""
    answer = it.client.post(f"/api/v1/streaming-avatar/{call}", content=json.dumps(body).encode())
    return answer.status_code, answer.json()


def at_once(number: int, call: Callable[[int], Any]) -> list[Any]:
    answers: list[Any] = [None] * number
    barrier = threading.Barrier(number)

    def run(index: int) -> None:
        barrier.wait(30)
        answers[index] = call(index)

    threads = [threading.Thread(target=run, args=(index,)) for index in range(number)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    return answers


def books_are_right(it: Running) -> None:
    with it.platform.database.read() as c:
        assert reconcile(c) == []


def test_no_character_is_a_bug(it: Running, stage: StageDouble) -> None:
    channel = book(it)["channel"]
    for text in ODD_TEXTS:
        for call in ("speak", "ask", "set-qa-context", "leave", "extend"):
            for given in ({"channel": channel, "text": text}, {"channel": text, "text": "a", "seconds": 5}):
                if call != "leave" or given["channel"] != channel:
                    status, answer = sent(it, call, given)
                    assert status in (200, 400, 404), (call, given, answer)
        for name in (
            "avatar_id",
            "voice_id",
            "background_id",
            "background_color",
            "shape",
            "emotion",
            "language",
            "ticket",
        ):
            status, answer = sent(it, "agora-token", {"avatar_id": AVATAR, "expire_seconds": 1, name: text})
            assert status in (200, 400, 404, 503), (name, answer)
            if status == 200:
                it.post("streaming-avatar/leave", {"channel": answer["data"]["channel"]})
    for query in ("channel=%00", "channel=%ED%A0%80", "channel=%FF", "channel=" + "a" * 9000):
        for call in ("session", "get-qa-context", "ice-servers", "events"):
            assert it.client.get(f"/api/v1/streaming-avatar/{call}?{query}").status_code in (400, 404)
    books_are_right(it)


def test_what_was_said_is_kept_as_it_was(it: Running, stage: StageDouble) -> None:
    channel = book(it)["channel"]
    for text in ("你好，世界", "مرحبا", "😀👩‍👩‍👧", "a\u0301", "line\nline\ttab"):
        assert sent(it, "speak", {"channel": channel, "text": text})[0] == 200
        assert next(iter(stage.rooms.values())).told[-1][1]["text"] == text


def test_fifty_calls_at_once(it: Running, stage: StageDouble) -> None:
    channel = book(it)["channel"]
    answers = at_once(50, lambda n: it.post("streaming-avatar/speak", {"channel": channel, "text": f"Number {n}."}))
    assert len({answer["command_id"] for answer in answers}) == 50
    assert len(next(iter(stage.rooms.values())).told) == 50


def test_bookings_at_once_take_no_place_twice(it: Running, stage: StageDouble) -> None:
    answers = at_once(10, lambda n: book(it))
    assert Counter(answer.get("reason", "booked") for answer in answers) == {"booked": 3, "rooms_full": 7}
    assert len({answer["channel"] for answer in answers if "channel" in answer}) == 3 == len(stage.rooms)
    assert it.balance()[0] == COINS - 36
    books_are_right(it)


def test_calls_that_come_first_at_once_share_one_way_to_the_stages(
    it: Running, stage: StageDouble, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[StageClient] = []

    def make(secret: bytes) -> StageClient:
        time.sleep(0.05)
        made.append(StageClient(secret))
        return made[-1]

    monkeypatch.setattr(live, "StageClient", make)
    at_once(3, lambda n: book(it))
    assert len(made) == 1, "the others would never be closed"


def test_leaving_extending_and_ending_at_once(it: Running, stage: StageDouble) -> None:
    for _ in range(3):
        channel = book(it)["channel"]
        it.platform.rooms.note_joined(it.platform.rooms.find(it.user_id, channel).id)

        def call(number: int, channel: str = channel) -> Any:
            name, more = [("leave", {}), ("extend", {"seconds": 5}), ("leave", {})][number % 3]
            return it.post(f"streaming-avatar/{name}", {"channel": channel, **more})

        answers = at_once(9, call)
        assert {answer.get("reason") for answer in answers} <= {"left", "room_ended", "room_not_found", None}
        reports = [answer for answer in answers if answer.get("reason") == "left" and "why" in answer]
        assert len({answer["charged"] for answer in reports}) == 1 and len(reports) == 6
    assert it.balance()[0] == COINS - 3 * reports[0]["charged"]
    books_are_right(it)


def test_rooms_that_nobody_left_are_all_counted_and_closed(it: Running) -> None:
    with stages(it.platform, places=100.0) as (stage,):
        made = [book(it)["channel"] for _ in range(20)]
        assert it.balance()[0] == COINS - 240
        for channel in made[::2]:
            it.post("streaming-avatar/leave", {"channel": channel})
        page = it.client.get("/metrics", headers=_admin(it)).text
        assert 'avatarium_rooms{state="booked"} 10.0' in page and 'avatarium_rooms{state="live"} 0.0' in page
        assert 'avatarium_stage_places{stage="stage-1"} 100.0' in page
        assert 'avatarium_stage_places_taken{stage="stage-1"} 10.0' in page
        for room in it.platform.rooms.open_rooms():
            it.post("streaming-avatar/leave", {"channel": room.channel})
        assert it.balance()[0] == COINS and not it.platform.rooms.open_rooms()
        state = it.client.app.state  # type: ignore[attr-defined]
        assert not state.streams and not state.sockets
        assert len(stage.rooms) == 20


def _admin(it: Running) -> dict[str, str]:
    admin, _ = it.platform.accounts.ensure_admin()
    return {"Authorization": f"Bearer {it.platform.accounts.create_key(admin.id)[1]}"}


def test_the_process_of_the_api_loads_no_media_library(tmp_path: Path) -> None:
    """It books a room, too."""
    code = f"""
import sys
from pathlib import Path
sys.path.insert(0, {str(ROOT)!r})
from tests.running import running
from tests.support.stage import stages
with running(Path({str(tmp_path)!r})) as it, stages(it.platform):
    room = it.post("streaming-avatar/agora-token", {{"avatar_id": {AVATAR!r}, "expire_seconds": 5}})
    bearer = {{"Authorization": "Bearer " + room["token"], "Content-Type": "application/sdp"}}
    assert it.client.post("/whep/" + room["channel"], content="v=0", headers=bearer).status_code == 201
    assert it.client.get("/live").status_code == 200 and it.client.get("/agora-rtc.js").status_code == 200
    it.post("streaming-avatar/leave", {{"channel": room["channel"]}})
print(" ".join(sorted({{name.split(".")[0] for name in sys.modules}})), file=sys.stderr)
"""
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)
    assert found.returncode == 0, found.stderr
    assert not HEAVY & set(found.stderr.splitlines()[-1].split())
