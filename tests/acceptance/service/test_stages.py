"""Stages as processes of the service: started, killed amid a sentence, replaced, stopped; every coin accounted for."""

from __future__ import annotations

import asyncio
import signal
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import psutil
import pytest

from avatarium.accounts.reconcile import open_holds, reconcile
from avatarium.platform import Platform
from avatarium.settings import load_settings
from avatarium.streaming.models import Room, StageRecord
from avatarium.streaming.reports import units_of
from tests.acceptance.service.conftest import Service, end, make_service
from tests.support.live_receiving import Receiver

pytestmark = pytest.mark.long
API = "/api/v1/streaming-avatar"
PATIENCE_S = 60.0


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    made = make_service(tmp_path_factory.mktemp("stages") / "home")
    made.environment |= {"AVATARIUM_STAGES": "2", "AVATARIUM_WARM_UP": "false", "AVATARIUM_LIVE_RESOLUTION": "240"}
    made.start().until_ready()
    yield made
    end(made)


@pytest.fixture(scope="module")
def platform(service: Service) -> Iterator[Platform]:
    opened = Platform.open(load_settings(home=service.home))
    yield opened
    opened.close()


async def until(condition: Callable[[], object], what: str) -> None:
    end_s = time.monotonic() + PATIENCE_S
    while not await asyncio.to_thread(condition):
        assert time.monotonic() < end_s, f"in vain: {what}"
        await asyncio.sleep(0.1)


def alive(platform: Platform) -> list[StageRecord]:
    now_ms = platform.clock.now_ms()
    return [stage for stage in platform.rooms.stages() if now_ms - stage.seen_ms < 5000]


@asynccontextmanager
async def joined(service: Service, platform: Platform) -> AsyncIterator[tuple[httpx.AsyncClient, Room, Receiver]]:
    """A room that speaks, by the calls that a web page and its server make."""
    await until(lambda: len(alive(platform)) == 2, "both stages are there")
    headers = {"Authorization": f"Bearer {service.key}"}
    receiver = Receiver()
    async with httpx.AsyncClient(base_url=service.address, headers=headers, timeout=30, trust_env=False) as client:
        avatars = (await client.get(f"{API}/all_avatars")).json()["data"]
        booking = {"avatar_id": avatars[0]["_id"], "expire_seconds": 60}
        data = (await client.post(f"{API}/agora-token", json=booking)).json()["data"]
        try:
            offer = await receiver.offer()
            bearer = {"Authorization": f"Bearer {data['token']}", "Content-Type": "application/sdp"}
            answer = await client.post(f"/whep/{data['channel']}", content=offer, headers=bearer)
            assert answer.status_code == 201, answer.text
            await receiver.accept(answer.text)
            await receiver.until_pictures(5, within_s=PATIENCE_S)
            text = "I am speaking and speaking, and speaking, and speaking, and speaking, until somebody stops me."
            spoken = await client.post(f"{API}/speak", json={"channel": data["channel"], "text": text})
            assert spoken.status_code == 200, spoken.text
            room = await asyncio.to_thread(platform.rooms.by_channel, data["channel"])
            assert room is not None
            yield client, room, receiver
        finally:
            await receiver.close()


def ended(platform: Platform, room: Room) -> Room | None:
    now = platform.rooms.get(room.id)
    return None if now is None or now.is_open else now


def check_books(platform: Platform) -> None:
    with platform.database.read() as c:
        assert reconcile(c) == [] and open_holds(c) == []


def process_of(service: Service, stage: StageRecord) -> psutil.Process:
    """The process that listens where a stage does."""
    port = int(stage.address.rsplit(":", 1)[1])
    for process in service.children()["stage"]:
        if any(found.laddr.port == port for found in process.net_connections("tcp")):
            return process
    raise AssertionError(f"nobody listens on {port}")


def test_a_stage_killed_while_speaking(service: Service, platform: Platform) -> None:
    async def run() -> None:
        async with joined(service, platform) as (client, room, _):
            stage = platform.rooms.stage(room.stage_id)
            assert stage is not None
            process_of(service, stage).kill()
            await until(lambda: ended(platform, room), "its room ends")
            over = ended(platform, room)
            assert over is not None and over.end_reason == "stage_lost"
            assert over.charged == units_of(over.used_ms / 1000) and over.held == 12
            session = (await client.get(f"{API}/session", params={"channel": room.channel})).json()["data"]
            assert session["state"] == "ended" and session["refunded"] == 12 - over.charged and session["why"]
            await until(
                lambda: len(alive(platform)) == 2 and stage.id not in {s.id for s in alive(platform)}, "another"
            )
        async with joined(service, platform) as (client, room, receiver):
            await receiver.until_pictures(receiver.pictures + 10)
            left = await client.post(f"{API}/leave", json={"channel": room.channel})
            report = left.json()["data"]
            assert report["charged"] == report["units"] >= 1 and report["charged"] + report["refunded"] == 12

    asyncio.run(run())
    check_books(platform)


def test_the_service_stopped_while_speaking(service: Service, platform: Platform) -> None:
    """The last of this module: it is stopped for good."""

    async def run() -> Room:
        async with joined(service, platform) as (_, room, _receiver):
            code = await asyncio.to_thread(service.stop, signal.SIGTERM)
            assert code == 0
            over = ended(platform, room)
            assert over is not None
            return over

    over = asyncio.run(run())
    assert over.end_reason == "stage_stopped" and over.charged == units_of(over.used_ms / 1000)
    assert platform.rooms.stages() == []
    check_books(platform)
    assert "process_killed" not in service.said


def test_a_stage_alone_says_what_is_wrong(tmp_path: Path) -> None:
    service = make_service(tmp_path / "home")
    migrated = service.command("migrate")
    assert migrated.returncode == 0, migrated.stderr
    wrong = service.command("stage", "--host", "no.such.host.invalid")
    assert wrong.returncode == 2 and "AVATARIUM_STAGE_HOST" in wrong.stderr and "Traceback" not in wrong.stderr
