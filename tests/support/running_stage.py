"""A whole stage in a thread of its own, on a real installation, reached as the API reaches it."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from avatarium.accounts import ledger
from avatarium.accounts.reconcile import open_holds, reconcile
from avatarium.catalogue.install import install
from avatarium.catalogue.shipped import shipped_avatars
from avatarium.errors import UnavailableError
from avatarium.ids import new_id
from avatarium.migrations import upgrade
from avatarium.platform import Platform
from avatarium.settings import load_settings
from avatarium.streaming.booking import BookRequest
from avatarium.streaming.control import StageClient, open_room
from avatarium.streaming.models import EndReason, Room, StageRecord
from avatarium.streaming.rooms import Booked as Paid
from avatarium.streaming.stage.process import StageProcess
from avatarium.streaming.waiting import RoomsFull

START_S = 240.0


class RunningStage:
    """One stage, its installation, and somebody with coins."""

    def __init__(self, home: Path, database_url: str = "", **settings: Any) -> None:
        given: dict[str, Any] = {
            "home": home,
            "database_url": database_url,
            "warm_up": False,
            "live_resolution": 240,
            **settings,
        }
        self.platform = Platform.open(load_settings(**given))
        upgrade(self.platform.database)
        install(self.platform.storage)
        self.owner = self.platform.accounts.add_user(f"somebody {new_id()}", coins=100_000).id
        self.process: StageProcess | None = None
        self.web = Path(), ""
        """A folder that a web server shows, and its address, where a test has one."""
        self._thread = threading.Thread(target=self._run, name="stage")
        self._ready = threading.Event()
        self.trouble: BaseException | None = None

    def start(self) -> None:
        self._thread.start()
        assert self._ready.wait(START_S), "the stage does not come up"
        if self.trouble is not None:
            raise self.trouble

    def stop(self) -> None:
        if self.process is not None:
            self.process.stop()
        self._thread.join(timeout=START_S)
        assert not self._thread.is_alive()
        self.platform.close()

    def _run(self) -> None:
        async def main() -> None:
            self.process = StageProcess(self.platform)
            running = asyncio.create_task(self.process.run())
            ready = asyncio.create_task(self.process.warm.wait())
            await asyncio.wait([running, ready], return_when=asyncio.FIRST_COMPLETED)
            self._ready.set()
            await running
            ready.cancel()
            await asyncio.gather(ready, return_exceptions=True)
            self.left = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]

        try:
            asyncio.run(main())
        except BaseException as trouble:
            self.trouble = trouble
            self._ready.set()

    left: list[asyncio.Task[Any]] = []
    """Tasks that nobody had ended when all was over."""

    @property
    def record(self) -> StageRecord:
        """Its row."""
        return self.platform.rooms.stages()[0]

    @property
    def coins(self) -> int:
        with self.platform.database.read() as c:
            return ledger.balance(c, self.owner)[0]

    def book(self, **wishes: Any) -> Room:
        """A room that is paid, and told to nobody yet."""
        return self.pay(**wishes).room

    def pay(self, **wishes: Any) -> Paid:
        """The same, with what its stage has to know; a machine that others keep busy is waited for."""
        given: dict[str, Any] = {"avatar_id": shipped_avatars()[0].id, "expire_s": 60} | wishes
        end_s = time.monotonic() + START_S
        while True:
            try:
                return self.platform.rooms.book(self.owner, BookRequest(**given))
            except RoomsFull:
                if time.monotonic() > end_s:
                    raise
                time.sleep(0.5)

    def check_books(self) -> None:
        """Every coin is accounted for."""
        with self.platform.database.read() as c:
            assert reconcile(c) == []
            assert open_holds(c) == []


@dataclass
class Booked:
    """A room on the stage, and the way to it."""

    stage: RunningStage
    client: StageClient
    room: Room
    record: StageRecord
    events: list[dict[str, Any]] = field(default_factory=list)

    async def tell(self, verb: str, message: Any = None) -> dict[str, Any]:
        return await self.client.command(self.record, self.room.id, verb, message)

    async def state(self) -> dict[str, Any]:
        return await self.client.state(self.record, self.room.id)

    async def end(self, reason: EndReason = EndReason.LEFT) -> None:
        await self.client.end(self.record, self.room.id, reason)

    def now(self) -> Room:
        found = self.stage.platform.rooms.get(self.room.id)
        assert found is not None
        return found

    def of(self, kind: str) -> list[dict[str, Any]]:
        return [event for event in self.events if event["type"] == kind]

    async def follow(self) -> None:
        async for event in self.client.events(self.record, self.room.id, after=0):
            if event["type"] != "keepalive":
                self.events.append(event)


@asynccontextmanager
async def booked(stage: RunningStage, **wishes: Any) -> AsyncIterator[Booked]:
    """A room that is open on the stage, its events followed; ended at the latest when the test is."""
    client = StageClient(stage.platform.secret)
    try:
        opened = await _open(stage, client, wishes)
        made = Booked(stage, client, opened.room, opened.stage)
        following = asyncio.create_task(made.follow())
        try:
            yield made
        finally:
            if made.now().is_open:
                await made.end()
            await asyncio.wait([following], timeout=5)
            following.cancel()
            await asyncio.gather(following, return_exceptions=True)
    finally:
        await client.close()


async def _open(stage: RunningStage, client: StageClient, wishes: Mapping[str, Any]) -> Paid:
    """Asks again while the stage is busy with others' work on the same machine, as a visitor is told to."""
    end_s = time.monotonic() + START_S
    while True:
        paid = await asyncio.to_thread(partial(stage.pay, **wishes))
        try:
            return await open_room(stage.platform.rooms, client, paid)
        except UnavailableError as refused:
            if refused.code != "stage_full" or time.monotonic() > end_s:
                raise
        await asyncio.sleep(0.5)


@contextmanager
def running_stage(home: Path, database_url: str = "", **settings: Any) -> Iterator[RunningStage]:
    """A stage that is ready, and gone afterwards."""
    stage = RunningStage(home, database_url, **settings)
    stage.start()
    try:
        yield stage
    finally:
        stage.stop()
    assert stage.trouble is None and not stage.left


def soon(condition: Any, what: str, within_s: float = 30.0) -> None:
    """Wait for something that other threads bring about."""
    end_s = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < end_s, f"in vain: {what}"
        time.sleep(0.02)
