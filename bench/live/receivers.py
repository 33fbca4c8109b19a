"""Viewers that take in a stream and decode nothing, so that many of them fit beside what is measured."""

from __future__ import annotations

import asyncio
import queue
import threading
import time
from collections import defaultdict
from dataclasses import dataclass
from typing import Any

import httpx
from aiortc import RTCPeerConnection, RTCSessionDescription, rtcrtpreceiver

from bench.live.rooms import Room

JOIN_S = 20.0
_arrivals: dict[int, list[float]] = defaultdict(list)


def _count(
    loop: asyncio.AbstractEventLoop,
    input_q: queue.Queue[Any],
    output_q: asyncio.Queue[Any],
    decode_error: threading.Event,
) -> None:
    """In place of the thread that decodes: notes when each frame was whole."""
    while input_q.get() is not None:
        _arrivals[id(output_q)].append(time.monotonic())


def decode_nothing() -> None:
    """For the whole process."""
    rtcrtpreceiver.decoder_worker = _count


@dataclass(slots=True)
class Receiver:
    """One viewer."""

    room: Room
    peer: RTCPeerConnection
    place: str = ""

    @classmethod
    async def join(cls, room: Room) -> Receiver:
        """Watch a room; returns when the connection stands.

        Raises:
            UnavailableError: it was refused, or did not come about in time.
        """
        peer = RTCPeerConnection()
        receiver = cls(room, peer)
        connected = asyncio.Event()

        @peer.on("connectionstatechange")
        def changed() -> None:
            if peer.connectionState == "connected":
                connected.set()

        for kind in ("audio", "video"):
            peer.addTransceiver(kind, direction="recvonly")
        peer.createDataChannel("events")
        await peer.setLocalDescription(await peer.createOffer())
        headers = {"Authorization": f"Bearer {room.token}", "Content-Type": "application/sdp"}
        async with httpx.AsyncClient(timeout=JOIN_S) as http:
            answer = await http.post(room.whep, content=peer.localDescription.sdp, headers=headers)
        answer.raise_for_status()
        receiver.place = answer.headers["location"]
        await peer.setRemoteDescription(RTCSessionDescription(sdp=answer.text, type="answer"))
        await asyncio.wait_for(connected.wait(), JOIN_S)
        return receiver

    def arrivals(self, kind: str = "video") -> list[float]:
        """When each frame so far came, in seconds of the monotonic clock."""
        tracks: list[Any] = [receiver.track for receiver in self.peer.getReceivers() if receiver.track.kind == kind]
        return _arrivals[id(tracks[0]._queue)]

    async def drop(self) -> None:
        """Go without a word to the service."""
        await self.peer.close()
