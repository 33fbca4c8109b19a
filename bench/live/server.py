"""``interrupt`` to silence and to a closed mouth, at the server's door: by the packets as they arrive, before any
browser has buffered them."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import av
import numpy as np
from aiortc import RTCRtpReceiver
from aiortc.codecs.h264 import h264_depayload
from numpy.typing import NDArray

from bench.figures import Figure, Spread
from bench.installation import Client
from bench.likeness.landmarks import Tracker
from bench.live.receivers import Receiver, decode_nothing
from bench.live.rooms import Room, booked
from bench.live.talk import LONG

Note = Callable[[str], None]
Floats = NDArray[np.float64]
SILENCE_BAR_MS = 120.0
QUIET = 0.003
"""Root mean square that nobody hears."""
CLOSED = 0.025
"""Distances of the eyes by which the lips may be further apart than at rest and count as closed: half a pixel."""
AFTER_S = 1.2


@dataclass(slots=True)
class Tap:
    """RTP as it comes: arrival in seconds of the monotonic clock, RTP time, payload."""

    sound: list[tuple[float, int, bytes]] = field(default_factory=list)
    pictures: list[tuple[float, int, bytes]] = field(default_factory=list)

    def forget(self) -> None:
        """Begin anew with the sound; pictures are needed from the first on."""
        self.sound.clear()


@contextmanager
def tapped() -> Iterator[Tap]:
    """Note every media packet that any receiver of this process gets."""
    tap, usual = Tap(), RTCRtpReceiver._handle_rtp_packet

    async def handle(self: RTCRtpReceiver, packet: Any, arrival_time_ms: int) -> None:
        into = tap.sound if self.track.kind == "audio" else tap.pictures
        into.append((time.monotonic(), packet.timestamp, packet.payload))
        await usual(self, packet, arrival_time_ms)

    RTCRtpReceiver._handle_rtp_packet = handle  # type: ignore[method-assign]
    try:
        yield tap
    finally:
        RTCRtpReceiver._handle_rtp_packet = usual  # type: ignore[method-assign]


def interrupts(client: Client, trials: int, note: Note) -> list[Figure]:
    """Interrupt a long speech again and again."""
    note(f"{trials} interrupts at the server's door")
    decode_nothing()
    with booked(client, 600) as room, tapped() as tap:
        answers, moments, sounds = asyncio.run(_watch(room, tap, trials))
    silences = [_silent_after(moment, packets) for moment, packets in zip(moments, sounds, strict=True)]
    times, gaps = mouth_of(tap.pictures, moments)
    closes = [_closed_after(moment, times, gaps) for moment in moments]
    answer, silence, closed = Spread.of(answers), Spread.of(silences), Spread.of(closes)
    return [
        Figure(name="interrupt to silence, p50", value=silence.p50, baseline=answer.p50),
        Figure(name="interrupt to silence, p95", value=silence.p95, baseline=answer.p95, bar=SILENCE_BAR_MS),
        Figure(name="interrupt to closed mouth, p50", value=closed.p50, baseline=answer.p50),
        Figure(name="interrupt to closed mouth, p95", value=closed.p95, baseline=answer.p95, bar=SILENCE_BAR_MS),
    ]


async def _watch(
    room: Room, tap: Tap, trials: int
) -> tuple[list[float], list[float], list[list[tuple[float, int, bytes]]]]:
    """How long each call took in ms, when it was sent, and the sound around it."""
    viewer = await Receiver.join(room)
    chance = random.Random(1)
    answers, moments, sounds = [], [], []
    for _ in range(trials):
        tap.forget()
        await asyncio.to_thread(room.tell, "speak", text=LONG)
        await asyncio.sleep(1.5 + chance.random())
        moments.append(time.monotonic())
        answers.append((await asyncio.to_thread(room.tell, "interrupt")).took_ms)
        await asyncio.sleep(AFTER_S)
        sounds.append(list(tap.sound))
    await viewer.drop()
    return answers, moments, sounds


def _silent_after(moment: float, packets: list[tuple[float, int, bytes]]) -> float:
    """Ms from a moment until the last packet with sound in it had come."""
    decoder = av.CodecContext.create("opus", "r")
    last = moment
    for at, _, payload in sorted(packets, key=lambda packet: packet[1]):
        for frame in decoder.decode(av.Packet(payload)):
            level = float(np.sqrt(np.mean(np.square(frame.to_ndarray()))))
            if level > QUIET and at > last:
                last = at
    return (last - moment) * 1000


def mouth_of(packets: list[tuple[float, int, bytes]], moments: list[float]) -> tuple[Floats, Floats]:
    """When each picture around the moments had come, and how far apart dlib sees the lips, in distances of the eyes."""
    decoder, tracker = av.CodecContext.create("h264", "r"), Tracker()
    times, gaps = [], []
    for at, data in _frames(packets):
        for frame in decoder.decode(av.Packet(data)):
            if any(0 < at - moment < AFTER_S for moment in moments):
                points = tracker.locate(np.asarray(frame.to_ndarray(format="rgb24"), np.uint8))
                if points is not None:
                    times.append(at)
                    gaps.append(_gap(points))
    return np.array(times), np.array(gaps)


def _gap(points: Floats) -> float:
    """Between the inner lips, by the 68 points of iBUG."""
    eyes = np.linalg.norm(points[36:42].mean(0) - points[42:48].mean(0))
    return float(np.linalg.norm(points[61:64] - points[[67, 66, 65]], axis=1).mean() / eyes)


def _frames(packets: list[tuple[float, int, bytes]]) -> Iterator[tuple[float, bytes]]:
    """Whole pictures: when the last of their packets came, and what they hold."""
    stamp, at, data = None, 0.0, b""
    for arrival, time_stamp, payload in packets:
        if stamp is not None and time_stamp != stamp:
            yield at, data
            data = b""
        stamp, at = time_stamp, arrival
        data += h264_depayload(payload)


def _closed_after(moment: float, times: Floats, gaps: Floats) -> float:
    """Ms from a moment until the picture from which on the lips are as close as they rest."""
    resting = gaps[(times > moment + 0.7) & (times < moment + AFTER_S)]
    window = (times > moment) & (times < moment + 0.7)
    opened = times[window][gaps[window] > np.median(resting) + CLOSED]
    following = times[times > (opened[-1] if len(opened) else moment)]
    return float(following[0] - moment) * 1000
