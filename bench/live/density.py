"""How many rooms fit: some speak, some listen, all at full frame rate; and where it ends."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass

from avatarium.errors import UnavailableError
from bench.figures import Figure
from bench.installation import Service
from bench.live.receivers import Receiver, decode_nothing
from bench.live.rooms import Room, book
from bench.live.talk import LONG

Note = Callable[[str], None]
FPS_BAR = 24.5
SETTLE_S, MEASURE_S = 4.0, 12.0
MOST = 40


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """What some rooms cost and how they fared."""

    speaking: int
    idle: int
    fps_least: float
    stage_cpu: float
    """Cores that all stages used."""

    @property
    def rooms(self) -> int:
        """How many there were."""
        return self.speaking + self.idle


def density(service: Service, note: Note) -> list[Figure]:
    """The mixes that the service promises, and the number of speaking rooms from which on frames are late."""
    decode_nothing()
    wanted = [(1, 0), (4, 0), (0, 8), (4, 8)]
    loads = [_tried(service, speaking, idle, note) for speaking, idle in wanted]
    figures = [figure for load in loads if load for figure in _figures(load, loads[0])]
    refused = sum(load is None for load in loads)
    figures.append(Figure(name="mixes that were not let in", value=refused, unit="", bar=0))
    return [*figures, Figure(name="speaking rooms until frames are late", value=_knee(service, note), unit="rooms")]


def _tried(service: Service, speaking: int, idle: int, note: Note) -> Load | None:
    """None where the stages measured, when they started, that they cannot hold so many."""
    try:
        return asyncio.run(_load(service, speaking, idle, note))
    except UnavailableError as refused:
        note(f"refused: {refused.message}")
        return None


def _knee(service: Service, note: Note) -> int:
    """The most rooms that can speak at once at the full frame rate."""
    held = 4
    for speaking in range(5, MOST):
        try:
            load = asyncio.run(_load(service, speaking, 0, note))
        except UnavailableError:
            note("no more are let in")
            return held
        if load.fps_least < FPS_BAR:
            return held
        held = speaking
    return held


def _figures(load: Load, one: Load | None) -> list[Figure]:
    name = f"{load.speaking} speaking, {load.idle} listening"
    each = 100 * load.stage_cpu / load.rooms
    return [
        Figure(
            name=f"{name}: CPU a room", value=each, unit="% of a core", baseline=100 * one.stage_cpu if one else None
        ),
        Figure(
            name=f"{name}: missing to 25 fps in the worst room",
            value=max(0.0, 25 - load.fps_least),
            unit="fps",
            bar=25 - FPS_BAR,
        ),
    ]


async def _load(service: Service, speaking: int, idle: int, note: Note) -> Load:
    note(f"{speaking} rooms speak, {idle} listen")
    client = service.client()
    rooms: list[Room] = []
    receivers: list[Receiver] = []
    try:
        for _ in range(speaking + idle):
            rooms.append(await asyncio.to_thread(book, client, 120, resolution=512))
        for room in rooms:
            receivers.append(await Receiver.join(room))
        await asyncio.to_thread(_speak, rooms[:speaking])
        await asyncio.sleep(SETTLE_S)
        cpu_s, start = service.cpu_s("stage"), time.monotonic()
        await asyncio.sleep(MEASURE_S)
        end = time.monotonic()
        used = (service.cpu_s("stage") - cpu_s) / (end - start)
        rates = [sum(start <= at < end for at in receiver.arrivals()) / (end - start) for receiver in receivers]
        return Load(speaking=speaking, idle=idle, fps_least=min(rates), stage_cpu=used)
    finally:
        for receiver in receivers:
            await receiver.drop()
        await asyncio.to_thread(_leave, rooms)
        client.close()


def _speak(rooms: list[Room]) -> None:
    for room in rooms:
        room.tell("speak", text=LONG)


def _leave(rooms: list[Room]) -> None:
    for room in rooms:
        room.tell("leave")
