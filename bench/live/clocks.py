"""Whether sound and picture part with time: by the clocks that the service itself tells, as any viewer gets them.

A browser's own estimate moves by the length of its two buffers, which follow the load of the machine; it is no clock.
What keeps lips and sound together for hours are the sender reports (RFC 3550, section 6.4.1): each tells at which
moment a time stamp of the picture, or of the sound, was due. Their difference may not change.
"""

from __future__ import annotations

import asyncio
import itertools
from collections import defaultdict
from collections.abc import Callable
from typing import Any

import numpy as np
from aiortc import RTCRtpReceiver
from aiortc.rtp import RtcpSrPacket

from avatarium.streaming.transports.viewer import PICTURE_RATE, SOUND_RATE
from bench.figures import Figure
from bench.installation import Client
from bench.live.receivers import Receiver, decode_nothing
from bench.live.rooms import Room, booked
from bench.live.talk import SENTENCES

Note = Callable[[str], None]
RATES = {"audio": SOUND_RATE, "video": PICTURE_RATE}
DRIFT_BAR_MS = 20.0
SPEAK_EVERY_S = 12.0
NTP_FRACTION = 2**32


def clocks(client: Client, seconds: float, note: Note) -> list[Figure]:
    """One viewer for a while, speech and silence in turn; a bar for what an hour would add."""
    note(f"clocks of one room for {seconds / 60:g} minutes")
    decode_nothing()
    with booked(client, round(seconds) + 120) as room:
        reports = asyncio.run(_reports(room, seconds))
    origins = {kind: _origins(reports[kind], RATES[kind]) for kind in RATES}
    times = origins["video"][:, 0]
    apart_ms = 1000 * (np.interp(times, *origins["audio"].T) - origins["video"][:, 1])
    hour_ms = float(np.polyfit(times, apart_ms, 1)[0]) * 3600
    return [
        Figure(name="sender reports of the picture", value=len(times), unit=""),
        Figure(name="picture's clock against the sound's: most change", value=float(np.ptp(apart_ms))),
        Figure(name="drift in an hour, from the slope of this run", value=abs(hour_ms), bar=DRIFT_BAR_MS),
    ]


async def _reports(room: Room, seconds: float) -> dict[str, list[tuple[float, int]]]:
    """Moment and time stamp of each sender report, by what it is about."""
    reports: dict[str, list[tuple[float, int]]] = defaultdict(list)
    viewer = await Receiver.join(room)
    for receiver in viewer.peer.getReceivers():
        _overhear(receiver, reports[receiver.track.kind])
    texts, loop = itertools.cycle(SENTENCES), asyncio.get_running_loop()
    end_s = loop.time() + seconds
    try:
        while loop.time() < end_s:
            await asyncio.to_thread(room.tell, "speak", text=next(texts))
            await asyncio.sleep(min(SPEAK_EVERY_S, max(0.0, end_s - loop.time())))
    finally:
        await viewer.drop()
    return reports


def _overhear(receiver: RTCRtpReceiver, kept: list[tuple[float, int]]) -> None:
    handle = receiver._handle_rtcp_packet

    async def noted(packet: Any) -> None:
        if isinstance(packet, RtcpSrPacket):
            told = packet.sender_info
            kept.append((told.ntp_timestamp / NTP_FRACTION, told.rtp_timestamp))
        await handle(packet)

    receiver._handle_rtcp_packet = noted  # type: ignore[method-assign]


def _origins(reports: list[tuple[float, int]], rate: int) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    """For each report its moment, and the moment at which media time was 0 by it, both in s from the first report's."""
    moments = np.array([moment for moment, _ in reports])
    stamps = np.unwrap([float(stamp) for _, stamp in reports], period=2.0**32)
    return np.column_stack([moments, moments - stamps / rate])
