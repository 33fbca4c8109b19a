"""What users get wrong, and what strangers' servers do, over HTTP against the whole service: right status, a sentence,
no coin lost, nothing left behind."""

from __future__ import annotations

import io
import json
import os
import socket
import struct
import subprocess
import time
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from PIL import Image

from avatarium.clock import ManualClock
from avatarium.tasks.states import State
from tests.acceptance.service.conftest import Service, make_service, wait_until
from tests.running import running as installation
from tests.unit.storage.webserver import Stranger, reply
from tests.unit.storage.webserver import running as stranger_running

pytestmark = pytest.mark.long
FETCH_S = 3


def picture() -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (640, 480), (200, 180, 160)).save(buffer, "PNG")
    return buffer.getvalue()


def picture_bomb() -> bytes:
    """A small file that unpacks to 2.5 gigapixels."""
    head = struct.pack(">IIBBBBB", 50_000, 50_000, 8, 2, 0, 0, 0)
    data = zlib.compress(b"\0" * 1_000_000, 9)
    chunks = [(b"IHDR", head), (b"IDAT", data), (b"IEND", b"")]
    framed = (
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body)) for kind, body in chunks
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(framed)


def three_hours() -> bytes:
    """Silence, one byte a sample and eight samples a second."""
    sound = b"\x80" * (8 * 3 * 3600)
    form = struct.pack("<HHIIHH", 1, 1, 8, 8, 1, 8)
    body = b"WAVEfmt " + struct.pack("<I", len(form)) + form + b"data" + struct.pack("<I", len(sound)) + sound
    return b"RIFF" + struct.pack("<I", len(body)) + body


FILES = {
    "/face.png": picture(),
    "/page.mp4": b"<!doctype html><html><body>Please log in</body></html>",
    "/empty.mp4": b"",
    "/concat.mp4": b"ffconcat version 1.0\nfile '/etc/passwd'\n",
    "/list.mp4": b"#EXTM3U\n#EXTINF:10,\nfile:///etc/passwd\n",
    "/bomb.png": picture_bomb(),
    "/zip.mp4": b"PK\x03\x04" + b"\0" * 100,
    "/hours.wav": three_hours(),
}


def answers(connection: socket.socket, head: str) -> None:
    """A stranger's server, kind to some paths."""
    path = head.split()[1]
    if path == "/redirect.mp4":
        connection.sendall(b"HTTP/1.1 302 Found\r\nLocation: http://169.254.169.254/\r\nContent-Length: 0\r\n\r\n")
    elif path == "/slow.mp4":
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
        for _ in range(40):
            connection.sendall(b"\0")
            time.sleep(0.2)
    elif path == "/huge.mp4":
        reply(b"\0" * 1000, length=5 * 2**30)(connection, head)
    elif path == "/gzip.png":
        reply(b"\x1f\x8b", headers="Content-Encoding: gzip\r\n")(connection, head)
    elif path in FILES:
        reply(FILES[path])(connection, head)
    else:
        reply(b"", status="404 Not Found")(connection, head)


@dataclass
class Town:
    """The service, a stranger's server, and two users."""

    service: Service
    stranger: Stranger
    client: httpx.Client
    other: dict[str, str]

    def at(self, path: str) -> str:
        return f"http://{self.stranger.allowed}{path}"

    def post(self, path: str, body: Any, **headers: str) -> Any:
        answer = self.client.post(f"/api/v1/{path}", json=body, headers=headers)
        return answer.json() | {"status": answer.status_code}

    def coins(self) -> int:
        return int(self.client.get("/api/v1/user/remainingCoins").json()["data"]["coins"])

    def scratch(self) -> list[Path]:
        folders = [self.service.home / name for name in ("scratch", "incoming", "objects/.incoming")]
        return [path for folder in folders if folder.is_dir() for path in folder.rglob("*") if path.is_file()]

    def ended(self, task_id: str) -> Any:
        found: list[Any] = []

        def is_final() -> bool:
            record = self.client.get(f"/api/v1/talkingPhoto/{task_id}").json()["data"]
            found[:] = [record]
            return record["current_status"] in ("failed", "completed")

        wait_until(is_final, "the task ends")
        return found[0]


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    with stranger_running(answers) as stranger:
        service = make_service(tmp_path_factory.mktemp("service"))
        changed = {
            **{"AVATARIUM_FETCH_ALLOW": json.dumps([stranger.allowed]), "AVATARIUM_FETCH_TIMEOUT_S": str(FETCH_S)},
            **{"AVATARIUM_MEDIA_SLOTS": "1", "AVATARIUM_QUICK_SLOTS": "0"},
        }
        service.start(**changed).until_ready()
        try:
            with httpx.Client(
                base_url=service.address, headers={"Authorization": f"Bearer {service.key}"}, timeout=90
            ) as client:
                made = client.post("/api/v1/user/add", json={"username": "Ben", "coins": 100}).json()["data"]
                yield Town(service, stranger, client, {"Authorization": f"Bearer {made['token']}"})
        finally:
            service.stop()


def refused(answer: Any, status: int, reason: str) -> None:
    assert (answer["status"], answer["reason"]) == (status, reason), answer
    assert answer["message"] == answer["msg"] and answer["msg"].endswith((".", "。"))


@pytest.mark.parametrize(
    ("path", "body", "field"),
    [
        ("talkingPhoto/start", {}, "image_url"),
        ("talkingPhoto/start", {"image_url": 5, "duration": []}, "duration"),
        ("video/generate", {"audioSrc": "https://files.example/a.mp3"}, "anchor_id"),
        ("video/send_tts", {"msg": ["a"]}, "msg"),
        ("watermark/start", {"media_url": {}}, "media_url"),
        ("talkingPhoto/batchDetail", {"ids": "x"}, "ids"),
    ],
)
def test_missing_and_wrong_fields_are_named(town: Town, path: str, body: dict[str, Any], field: str) -> None:
    before = town.coins()
    answer = town.post(path, body)
    refused(answer, 400, "invalid_request")
    assert field in [entry["field"] for entry in answer["detail"]]
    assert town.coins() == before


def test_two_backgrounds_have_their_own_number(town: Town) -> None:
    avatar = town.client.get("/api/v1/anchor/character_list").json()["data"][0]["_id"]
    body = {"anchor_id": avatar, "audioSrc": "https://files.example/a.mp3", "back_id": "a", "custom_back_id": "b"}
    answer = town.post("video/generate", body)
    refused(answer, 400, "two_backgrounds")
    assert answer["code"] == 30005


def test_ids_of_nobody_and_of_others_are_not_found(town: Town) -> None:
    task = town.post("talkingPhoto/start", {"image_url": town.at("/missing.png")})["data"]["_id"]
    for task_id in ("64f0c0ffee0000000000a001", "x", task):
        answer = town.client.get(f"/api/v1/talkingPhoto/{task_id}", headers=town.other)
        refused(answer.json() | {"status": answer.status_code}, 404, "task_not_found")
    town.ended(task)


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("http://10.0.0.1/a.mp4", "url_private"),
        ("http://169.254.169.254/latest/meta-data", "url_private"),
        ("http://[::ffff:127.0.0.1]/a.mp4", "url_private"),
        ("/redirect.mp4", "url_redirect"),
        ("/page.mp4", "wrong_kind"),
        ("/empty.mp4", "url_empty"),
        ("/huge.mp4", "url_too_large"),
        ("/slow.mp4", "url_timeout"),
        ("/concat.mp4", "wrong_kind"),
        ("/list.mp4", "wrong_kind"),
        ("/zip.mp4", "wrong_kind"),
        ("/gzip.png", "url_encoding"),
        ("/bomb.png", "picture_too_large"),
        ("/nowhere.mp4", "url_status"),
    ],
)
def test_what_strangers_servers_do_costs_nothing(town: Town, path: str, reason: str) -> None:
    before = town.coins()
    url = path if path.startswith("http") else town.at(path)
    task = town.post("talkingPhoto/start", {"image_url": url})
    if task["status"] == 200:
        record = town.ended(task["data"]["_id"])
        assert (record["current_status"], record["coins"]) == ("failed", 0), record
        found = record["failed_code"]
        assert record["failed_message"].endswith(".")
    else:
        found = task["reason"]
    expected = {"wrong_kind", "url_empty"} if reason in ("wrong_kind", "url_empty") else {reason}
    assert found in expected, (path, found)
    assert town.coins() == before
    transfer = town.post("tos/transferToStorage", {"url": url})
    assert transfer["status"] in (400, 413) and transfer["msg"].endswith(".")
    assert town.coins() == before


def test_a_recording_of_three_hours_costs_nothing(town: Town) -> None:
    before = town.coins()
    task = town.post("talkingPhoto/start", {"image_url": town.at("/face.png"), "audio_url": town.at("/hours.wav")})
    record = town.ended(task["data"]["_id"])
    assert record["current_status"] == "failed" and record["failed_message"].endswith("."), record
    assert record["failed_code"] not in ("engine_bug", "engine_crashed")
    assert town.coins() == before


def test_keys_that_are_over_open_nothing(town: Town) -> None:
    made = town.post("token/generate", {"alias": "short", "expires_in": 1})["data"]
    gone = town.post("token/generate", {"alias": "gone"})["data"]
    town.post("token/delete", {"_id": gone["_id"]})
    answer = town.post("talkingPhoto/start", {}, Authorization=f"Bearer {gone['token']}")
    refused(answer, 401, "token_revoked")

    def is_over() -> bool:
        return bool(town.post("token/list", {}, Authorization=f"Bearer {made['token']}")["status"] == 401)

    wait_until(is_over, "the key expires")
    refused(town.post("token/list", {}, Authorization=f"Bearer {made['token']}"), 401, "token_expired")


def test_nothing_is_left_behind(town: Town) -> None:
    wait_until(lambda: not town.scratch(), f"scratch is empty: {town.scratch()}")
    assert town.service.command("reconcile").returncode == 0
    assert "Traceback" not in town.service.said


def test_a_clock_that_jumps_loses_nothing(tmp_path: Path) -> None:
    """Back by a day, then on by a year, while a task runs."""
    clock = ManualClock()
    with installation(tmp_path, clock=clock) as it:
        task = it.post("talkingPhoto/start", {"image_url": "https://files.example/face.jpg"})
        found, family = it.platform.tasks.find(it.user_id, task["_id"])
        clock.advance(-86400)
        assert it.get(f"talkingPhoto/{task['_id']}")["current_status"] == "initialized"
        begun = it.platform.tasks.begin(found.id, found.attempt)
        assert begun is not None
        clock.advance(365 * 86400)
        assert it.platform.tasks.finish(begun, State.FAILED, failed_code="nobody", failed_message="Nobody.")
        assert it.balance() == (1000, 0)
        assert it.get("transactionRecord/creditsHistory")["count"] == 3
        assert it.post("talkingPhoto/retry", {"_id": task["_id"]})["current_status"] == "initialized"


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A data folder whose objects lie on a disk of one megabyte."""
    objects = tmp_path / "objects"
    objects.mkdir()
    if os.geteuid() != 0:
        pytest.skip("only root can mount a small disk")
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", objects], capture_output=True).returncode:
        pytest.skip("no disk can be mounted here")
    try:
        yield tmp_path
    finally:
        subprocess.run(["umount", "-l", objects], check=True)


def test_a_full_disk_is_said_and_costs_nothing(small_disk: Path) -> None:
    with installation(small_disk) as it:
        ticket = it.post("r2/upload-presigned-url", {"key": "a.mp4"})
        put = it.client.put(ticket["uploadUrl"], content=b"\0" * 3_000_000)
        assert (put.status_code, put.json()["reason"]) == (503, "storage_full")
        assert it.platform.storage.used_bytes(it.user_id) == 0
        assert not [path for path in (small_disk / "objects").rglob("*") if path.is_file()]
        assert it.balance() == (1000, 0)
