"""A hundred rooms opened and dropped, half of them without a goodbye: what stays behind, and where the coins are."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any

import psutil

from avatarium.errors import UnavailableError
from bench.figures import Figure
from bench.installation import Client, Service
from bench.live.receivers import Receiver, decode_nothing
from bench.live.rooms import PREFIX, Room, book

Note = Callable[[str], None]
WARM, AT_ONCE = 12, 4
IDLE_LOOP_S = 15.0
QUIET_S = 90.0
MEMORY_BAR_MB = 20.0


def churn(service: Service, rooms: int, note: Note) -> list[Figure]:
    """Open and drop rooms in fours, wait until all have ended, and look."""
    decode_nothing()
    client = service.client()
    before_coins, before_charged = _coins(client), _charged(client)
    asyncio.run(_drop(client, WARM))
    asyncio.run(_look_on(client))
    _wait_for_quiet(client)
    before = _holdings(service)
    note(f"{rooms} rooms opened and dropped")
    asyncio.run(_drop(client, rooms))
    _wait_for_quiet(client)
    after = _holdings(service)
    charged = _charged(client) - before_charged
    missing = before_coins - _coins(client) - charged
    return [
        Figure(name="open files more than before", value=after[0] - before[0], unit="files", bar=2),
        Figure(name="threads more than before", value=after[1] - before[1], unit="threads", bar=2),
        Figure(name="memory of a stage more than before", value=after[2] - before[2], unit="MB", bar=MEMORY_BAR_MB),
        Figure(name="coins charged in all", value=charged, unit="coins"),
        Figure(name="coins not accounted for", value=abs(missing), unit="coins", bar=0),
    ]


async def _drop(client: Client, rooms: int) -> None:
    for first in range(0, rooms, AT_ONCE):
        opened = [await asyncio.to_thread(_booked, client) for _ in range(AT_ONCE)]
        viewers = await asyncio.gather(*(Receiver.join(room) for room in opened))
        await asyncio.to_thread(opened[0].tell, "speak", text="Good morning. I am going to be dropped.")
        await asyncio.sleep(0.5)
        for number, viewer in enumerate(viewers):
            await viewer.drop()
            if (first + number) % 2:
                await asyncio.to_thread(viewer.room.tell, "leave")


async def _look_on(client: Client) -> None:
    """Watch some rooms until the pictures of somebody who only listens are all kept: from then on they are shared."""
    viewers = [await Receiver.join(await asyncio.to_thread(_booked, client)) for _ in range(AT_ONCE)]
    await asyncio.sleep(IDLE_LOOP_S)
    for viewer in viewers:
        await viewer.drop()
        await asyncio.to_thread(viewer.room.tell, "leave")


def _booked(client: Client) -> Room:
    """A room; where all are taken, as rooms of lost viewers are for a while, it is asked for again."""
    until = time.monotonic() + QUIET_S
    while True:
        try:
            return book(client, 60)
        except UnavailableError:
            if time.monotonic() > until:
                raise
            time.sleep(1.0)


def _wait_for_quiet(client: Client) -> None:
    until = time.monotonic() + QUIET_S
    while time.monotonic() < until and any(report["state"] != "ended" for report in _reports(client)):
        time.sleep(0.5)


def _reports(client: Client) -> list[dict[str, Any]]:
    """Every room of the user."""
    rows: list[dict[str, Any]] = []
    page = 1
    while True:
        data = client.ask("GET", f"{PREFIX}/sessions?pageNum={page}&pageSize=100").data
        rows += data["rows"]
        if len(rows) >= data["count"] or not data["rows"]:
            return rows
        page += 1


def _charged(client: Client) -> int:
    """By all rooms together."""
    return sum(int(report["charged"]) for report in _reports(client))


def _coins(client: Client) -> int:
    return int(client.ask("GET", "/api/v1/user/remainingCoins").data["coins"])


def _holdings(service: Service) -> tuple[int, int, float]:
    """Files and threads of all stages, and MB of memory of one."""
    stages: list[psutil.Process] = service.processes()["stage"]
    memory = sum(stage.memory_full_info().uss for stage in stages) / 1e6 / len(stages)
    return sum(stage.num_fds() for stage in stages), sum(stage.num_threads() for stage in stages), memory
