"""An installation with a stage and two users, for tests of bookings."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from avatarium.accounts import ledger
from avatarium.accounts.reconcile import reconcile
from avatarium.catalogue.shipped import shipped_avatars
from avatarium.clock import ManualClock
from avatarium.database import Database
from avatarium.errors import AvatariumError
from avatarium.platform import Platform
from avatarium.settings import Settings
from avatarium.streaming.booking import BookRequest
from avatarium.streaming.models import Room, StageRecord
from avatarium.streaming.rooms import Booked, Rooms

AVATAR = shipped_avatars()[0].id


@dataclass
class House:
    """An installation with a stage and two users."""

    platform: Platform
    clock: ManualClock
    ada: str
    ben: str

    @property
    def rooms(self) -> Rooms:
        return self.platform.rooms

    def stage(self, name: str = "s1", places: float = 4.0, **more: Any) -> None:
        now_ms = self.clock.now_ms()
        given = {"rooms": 0, "load": 0.0, "late": 0.0, "draining": False, "started_ms": now_ms, "seen_ms": now_ms}
        self.rooms.register_stage(
            StageRecord(id=name, host="h", address="http://h:1", places=places, capacity={}, **given | more)
        )

    def book(self, seconds: int = 60, owner: str = "", **more: Any) -> Room:
        return self.booked(seconds, owner, **more).room

    def booked(self, seconds: int = 60, owner: str = "", **more: Any) -> Booked:
        return self.rooms.book(owner or self.ada, BookRequest(avatar_id=AVATAR, expire_s=seconds, **more))

    def now(self, room: Room) -> Room:
        found = self.rooms.get(room.id)
        assert found is not None
        return found

    def coins(self, owner: str = "") -> int:
        with self.platform.database.read() as c:
            assert not reconcile(c)
            return ledger.balance(c, owner or self.ada)[0]


def made_house(database: Database, home: Path, **more: Any) -> House:
    clock = ManualClock()
    platform = Platform(Settings(home=home, **more), database, clock)
    users = [platform.accounts.add_user(name, coins=1000).id for name in ("Ada", "Ben")]
    made = House(platform=platform, clock=clock, ada=users[0], ben=users[1])
    made.stage()
    return made


def at_once(number: int, work: Callable[[int], Any]) -> list[Any]:
    """What threads that begin together get, errors of ours among it."""
    outcomes: list[Any] = [None] * number
    start = threading.Barrier(number)

    def run(index: int) -> None:
        start.wait()
        try:
            outcomes[index] = work(index)
        except AvatariumError as problem:
            outcomes[index] = problem

    threads = [threading.Thread(target=run, args=(index,)) for index in range(number)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    return outcomes
