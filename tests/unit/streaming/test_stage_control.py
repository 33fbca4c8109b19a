"""The control server of a stage, asked by many at once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
import pytest

from avatarium.errors import RequestError
from avatarium.streaming.models import EndReason
from avatarium.streaming.stage import server
from avatarium.streaming.stage.audience import VIEWERS_MAX
from avatarium.streaming.stage.room import StageRoom
from avatarium.streaming.transports.ice import IceSettings
from tests.support.live_rooms import KeepingViewer, a_kit, in_loop, make_show, spec_of


@asynccontextmanager
async def controlled(tmp_path: Path) -> AsyncIterator[tuple[StageRoom, httpx.AsyncClient]]:
    """A room, and who asks its stage."""
    async with a_kit(tmp_path) as kit:
        room = StageRoom(spec_of(), kit, make_show())
        room.open()
        stage: Any = SimpleNamespace(find=lambda _room_id: room)
        app = server.create_control(stage, key="k", ice=IceSettings())
        bearer = {"Authorization": "Bearer k"}
        async with httpx.AsyncClient(
            transport=httpx.ASGITransport(app), base_url="http://stage", headers=bearer
        ) as client:
            yield room, client
        await room.end(EndReason.LEFT)


@in_loop
async def test_a_hundred_offers_at_once_make_no_more_viewers_than_one_room_takes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each was let in before any was counted: a hundred viewers, three times the limit."""

    async def answered(*_given: Any, **_named: Any) -> tuple[KeepingViewer, str]:
        await asyncio.sleep(0.05)
        return KeepingViewer(), "v=0"

    monkeypatch.setattr(server, "answer_offer", answered)
    async with controlled(tmp_path) as (room, client):
        offers = [client.post("/rooms/a/viewers", content=b"v=0") for _ in range(100)]
        codes = [answer.status_code for answer in await asyncio.gather(*offers)]
        assert len(room.audience) == VIEWERS_MAX
        assert codes.count(201) == VIEWERS_MAX and codes.count(429) == 100 - VIEWERS_MAX


class Asked(KeepingViewer):
    """A viewer over WebRTC that keeps what it is told of its ICE."""

    def __init__(self) -> None:
        super().__init__()
        self.told: list[tuple[str, str]] = []

    async def patch(self, fragment: str, *, if_match: str = "") -> str | None:
        self.told.append((fragment, if_match))
        return None


@in_loop
async def test_a_viewer_is_told_for_which_ice_session_candidates_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "WhepViewer", Asked)
    async with controlled(tmp_path) as (room, client):
        viewer = Asked()
        room.add_viewer(viewer)
        path = f"/rooms/a/viewers/{viewer.id}"
        await client.patch(path, content=b"one", headers={"If-Match": '"abcd"'})
        await client.patch(path, content=b"two")
        assert viewer.told == [("one", '"abcd"'), ("two", "")]


@in_loop
async def test_offers_that_cannot_be_answered_keep_no_places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def refused(*_given: Any, **_named: Any) -> tuple[KeepingViewer, str]:
        await asyncio.sleep(0)
        raise RequestError("This is no offer.", code="bad_sdp")

    monkeypatch.setattr(server, "answer_offer", refused)
    async with controlled(tmp_path) as (room, client):
        for _ in range(2):
            offers = [client.post("/rooms/a/viewers", content=b"v=0") for _ in range(VIEWERS_MAX)]
            assert {answer.status_code for answer in await asyncio.gather(*offers)} == {400}
        assert not len(room.audience)
