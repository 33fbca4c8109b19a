"""Rooms to measure, booked and driven as a client does it."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from avatarium.errors import UnavailableError
from bench.installation import Client, Reply, Service

PREFIX = "/api/v1/streaming-avatar"
AVATAR = "Ava"
READY_S, LOOK_S, QUIET = 180.0, 2.0, 0.15


def wait_for_stages(service: Service) -> None:
    """Until every stage takes rooms and has done with warming up, which is when they rest.

    Raises:
        UnavailableError: they did not in time.
    """
    client, until = service.client(), time.monotonic() + READY_S
    before = 1e9
    while time.monotonic() < until:
        time.sleep(LOOK_S)
        used = service.cpu_s("stage")
        stages = client.ask("GET", "/readyz").data["stages"]
        if stages >= (os.cpu_count() or 1) and used - before < QUIET * LOOK_S:
            return
        before = used
    raise UnavailableError("The stages did not become ready.", code="bench_not_ready")


@dataclass(frozen=True, slots=True, kw_only=True)
class Room:
    """One booked room."""

    client: Client
    channel: str
    token: str

    @property
    def whep(self) -> str:
        """Where viewers post their offers."""
        return f"{self.client.address}/whep/{self.channel}"

    def tell(self, call: str, **what: Any) -> Reply:
        """POST one of the calls for this room."""
        return self.client.ask("POST", f"{PREFIX}/{call}", {"channel": self.channel, **what})

    def state(self) -> dict[str, Any]:
        """What the service knows of it."""
        state: dict[str, Any] = self.client.ask("GET", f"{PREFIX}/session?channel={self.channel}").data
        return state


def book(client: Client, seconds: int = 600, **options: Any) -> Room:
    """Book a room with the first avatar that ships.

    Raises:
        UnavailableError: it was refused.
    """
    avatars = client.ask("GET", f"{PREFIX}/all_avatars").data
    avatar = next(avatar["_id"] for avatar in avatars if avatar["name"] == AVATAR)
    body = {"avatar_id": avatar, "expire_seconds": seconds, **options}
    booked = client.ask("POST", f"{PREFIX}/agora-token", body).data
    return Room(client=client, channel=booked["channel"], token=booked["token"])


@contextmanager
def booked(client: Client, seconds: int = 600, **options: Any) -> Iterator[Room]:
    """A room that is left at the end."""
    room = book(client, seconds, **options)
    try:
        yield room
    finally:
        room.tell("leave")
