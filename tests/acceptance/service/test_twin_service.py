"""A clip is uploaded, becomes an avatar, speaks before another ground and stands in a live room: real processes."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest

from avatarium.engine.video import probe, read_frames, read_sound
from tests.acceptance.service.conftest import Service, end, make_service
from tests.support.clip_making import encode
from tests.support.live_receiving import Receiver

pytestmark = pytest.mark.long
CLIP, CLIP_FRAMES = "woman-expressive-512.mp4", 255
COLOR, GROUND = "rgb(10,120,200)", (10, 120, 200)
PATIENCE_S = 900.0
"""For all of it; two minutes on two cores that have nothing else to do."""


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    made = make_service(tmp_path_factory.mktemp("twins") / "home")
    slots = {"MEDIA_SLOTS": "1", "QUICK_SLOTS": "1", "STAGES": "1", "WARM_UP": "false", "LIVE_RESOLUTION": "240"}
    made.environment |= {f"AVATARIUM_{name}": value for name, value in slots.items()}
    made.start().until_ready()
    yield made
    end(made)


class Client:
    """The calls of somebody's server."""

    def __init__(self, service: Service) -> None:
        headers = {"Authorization": f"Bearer {service.key}"}
        self.http = httpx.Client(base_url=service.address, headers=headers, timeout=180, trust_env=False)

    def call(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        answer = self.http.request(method, f"/api/v1/{path}", json=body)
        assert answer.status_code == 200, answer.text
        return answer.json()["data"]

    def upload(self, path: Path) -> str:
        ticket = self.call("POST", "r2/upload-presigned-url", {"key": path.name, "contentType": "video/mp4"})
        put = httpx.put(
            ticket["uploadUrl"], content=path.read_bytes(), headers={"Content-Type": "video/mp4"}, timeout=60
        )
        assert put.status_code == 200, put.text
        return str(ticket["cdnUrl"])

    def until(self, path: str, final: tuple[str, ...], field: str) -> dict[str, Any]:
        """A record at its end; its progress never falls."""
        until_s, progress = time.monotonic() + PATIENCE_S, 0
        while True:
            record: dict[str, Any] = self.call("GET", path)
            assert record["progress"] >= progress
            progress = record["progress"]
            if record[field] in final:
                return record
            assert time.monotonic() < until_s, record
            time.sleep(1)


@pytest.fixture
def client(service: Service) -> Iterator[Client]:
    made = Client(service)
    yield made
    made.http.close()


@pytest.fixture
def clip(media: Path, tmp_path: Path) -> Path:
    """Ten seconds of somebody who speaks, and a little: as much as an avatar needs."""
    source = media / "talking-videos" / CLIP
    frames, sound = islice(read_frames(source, fps=25), CLIP_FRAMES), read_sound(source, 48000).samples
    return encode(tmp_path / "me.mp4", frames, sound=sound[: CLIP_FRAMES * 1920])


def test_from_a_clip_to_a_live_room(client: Client, clip: Path, tmp_path: Path) -> None:
    url = client.upload(clip)
    body = {"name": "me", "gender": "female", "video_url": url, "consent": True}
    training = client.call("POST", "userVideoTwin/startTraining", body)
    twin = client.until(f"userVideoTwin/{training['_id']}", ("completed", "failed"), "current_status")
    assert twin["current_status"] == "completed", twin["failed_message"]
    (avatar,) = client.call("GET", f"anchor/character_list?type=custom&user_video_twin_id={training['_id']}")
    assert avatar["_id"] == twin["anchor_id"]

    speech = client.call("POST", "video/send_tts", {"msg": "Good morning. This is my new avatar."})
    video = client.call(
        "POST",
        "video/generate",
        {
            "anchor_id": avatar["_id"],
            "anchor_type": 1,
            "audioSrc": speech,
            "resolution": 480,
            "color": "rgb(10,120,200)",
        },
    )
    made = client.until(f"video/detail?video_id={video['_id']}", ("success", "fail"), "status")
    assert made["status"] == "success", made["msg"]
    path = tmp_path / "video.mp4"
    path.write_bytes(client.http.get(made["result"]).content)
    facts, frame = probe(path), next(read_frames(path)).astype(int)
    assert facts.sound is not None and facts.height == 480 and facts.duration_s > 1.5
    blue = np.abs(frame - GROUND).max(axis=2) < 24
    assert 0.1 < blue.mean() < 0.8, "part of the picture is the new ground, and part is not"
    asyncio.run(watched(client, avatar["_id"]))
    assert client.call("POST", "userVideoTwin/remove", {"_id": training["_id"]}) == {"_id": training["_id"]}


async def watched(client: Client, avatar_id: str) -> None:
    """A viewer joins a room with the avatar and sees it move."""
    booked = client.call("POST", "streaming-avatar/agora-token", {"avatar_id": avatar_id, "expire_seconds": 300})
    receiver = Receiver()
    try:
        offer = await receiver.offer()
        headers = {"Authorization": f"Bearer {booked['token']}", "Content-Type": "application/sdp"}
        answer = client.http.post(f"/whep/{booked['channel']}", content=offer, headers=headers)
        assert answer.status_code == 201, answer.text
        await receiver.accept(answer.text)
        await receiver.until_pictures(5, within_s=120)
        said = {"channel": booked["channel"], "text": "I am live."}
        client.call("POST", "streaming-avatar/speak", said)
        await receiver.until_pictures(receiver.pictures + 50, within_s=60)
        left = client.call("POST", "streaming-avatar/leave", {"channel": booked["channel"]})
        assert left is not None
    finally:
        await receiver.close()
