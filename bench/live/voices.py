"""How soon voices that are not live are heard in a room, and whether they falter: by the packets at the server's door.

A clone is made by the network of the natural voices, so that its figures are theirs.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import av
import numpy as np

from bench.figures import Figure, Spread
from bench.installation import Client
from bench.live.receivers import Receiver, decode_nothing
from bench.live.rooms import Room, booked
from bench.live.server import QUIET, Tap, tapped

Note = Callable[[str], None]
TEXT = (
    "Good morning, and welcome to our little museum by the river. It opens at ten every day, and on Sundays we show "
    "the old printing press, which still works after two hundred years. Ask me whatever you like about it."
)
PAUSE_S = 0.9
"""A voice rests between sentences for half a second or so; what is longer is a hole."""
LIMIT_S, LOOK_S = 60.0, 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """One text, as it was heard."""

    first_ms: float
    """From the call to the first sound; where nothing was heard as long as was listened."""
    holes_s: tuple[float, ...]
    """Silences amid it that are longer than a pause."""


def voices(client: Client, trials: int, note: Note) -> list[Figure]:
    """The same text by a fast voice, by natural ones and by a robot, in a room where nobody else speaks."""
    decode_nothing()
    known = client.ask("POST", "/api/v1/anchor/tts_list").data
    figures: list[Figure] = []
    for voice in _chosen(known):
        note(f"{trials} texts by {voice['label']}")
        with booked(client, 600) as room, tapped() as tap:
            told = asyncio.run(_tell(room, tap, voice["value"], trials))
        figures += _figures(voice, told)
    return figures


def _chosen(known: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    english = [voice for voice in known if voice["country"] == "en"]
    fast, natural, robots = (
        [voice for voice in english if voice["live"]],
        [voice for voice in english if not voice["live"] and voice["engine"] != "espeak"],
        [voice for voice in known if voice["engine"] == "espeak"],
    )
    return [*fast[:1], *natural[:2], *robots[:1]]


def _figures(voice: dict[str, Any], told: Sequence[Told]) -> list[Figure]:
    first = Spread.of([one.first_ms for one in told])
    holes = [hole for one in told for hole in one.holes_s]
    name = f"{voice['label']} ({voice['engine']})"
    return [
        Figure(name=f"{name}: speak to first sound, p50", value=first.p50),
        Figure(name=f"{name}: the same, p95", value=first.p95, baseline=first.p50),
        Figure(name=f"{name}: holes a text", value=len(holes) / len(told), unit=""),
        Figure(name=f"{name}: the longest", value=max(holes, default=0.0), unit="s"),
    ]


async def _tell(room: Room, tap: Tap, voice: str, trials: int) -> list[Told]:
    viewer = await Receiver.join(room)
    told = []
    # The first is to load the voice, and does not count.
    for _ in range(trials + 1):
        tap.forget()
        asked_s = time.monotonic()
        called = await asyncio.to_thread(room.tell, "speak", text=TEXT, voice_id=voice)
        assert called.data, "a call that was refused must not count as silence"
        await _until_over(room, asked_s)
        told.append(heard(tap.sound, asked_s))
    await viewer.drop()
    return told[1:]


async def _until_over(room: Room, asked_s: float) -> None:
    while time.monotonic() < asked_s + LIMIT_S:
        await asyncio.sleep(LOOK_S)
        state = (await asyncio.to_thread(room.state))["live"]
        if state and not state["queue"] and not state["speaking"]:
            return


def heard(packets: Sequence[tuple[float, int, bytes]], asked_s: float) -> Told:
    """What came: arrival in seconds, RTP time, payload."""
    decoder = av.CodecContext.create("opus", "r")
    loud = []
    for at, _, payload in sorted(packets, key=lambda packet: packet[1]):
        for frame in decoder.decode(av.Packet(payload)):
            if float(np.sqrt(np.mean(np.square(frame.to_ndarray())))) > QUIET:
                loud.append(at)
    gaps = [after - before for before, after in pairwise(loud)]
    first_ms = (loud[0] - asked_s if loud else LIMIT_S) * 1000
    return Told(first_ms=first_ms, holes_s=tuple(gap for gap in gaps if gap > PAUSE_S))
