"""A viewer made of aiortc, for tests: joins a room, counts what it decodes, notes when it flashes and beeps."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import numpy as np
from aiortc import RTCConfiguration, RTCDataChannel, RTCPeerConnection, RTCRtpReceiver, RTCSessionDescription
from aiortc.mediastreams import MediaStreamError, MediaStreamTrack
from av import AudioFrame, VideoFrame

from avatarium.streaming.transports.ice import IceSettings
from avatarium.streaming.transports.whep import WhepViewer, answer_offer
from tests.support.live_broadcast import Broadcast


@dataclass
class Receiver:
    """One peer."""

    codec: str = "H264"
    pc: RTCPeerConnection = field(default_factory=lambda: RTCPeerConnection(RTCConfiguration(iceServers=[])))
    pictures: int = 0
    samples: int = 0
    flashes_s: list[float] = field(default_factory=list)
    """Instants, on the loop's clock, at which a flash was decoded."""
    beeps_s: list[float] = field(default_factory=list)
    messages: list[str] = field(default_factory=list)
    channel: RTCDataChannel | None = None
    _tasks: list[asyncio.Task[None]] = field(default_factory=list)
    _more: asyncio.Event = field(default_factory=asyncio.Event)

    async def offer(self, *, channels: bool = True, microphone: MediaStreamTrack | None = None) -> str:
        """An offer to receive, and to send a microphone where one is given."""
        video = self.pc.addTransceiver("video", direction="recvonly")
        names = {f"video/{self.codec}".lower(), "video/rtx"}
        found = RTCRtpReceiver.getCapabilities("video")
        assert found is not None
        video.setCodecPreferences([codec for codec in found.codecs if codec.mimeType.lower() in names])
        if microphone is None:
            self.pc.addTransceiver("audio", direction="recvonly")
        else:
            self.pc.addTransceiver(microphone, direction="sendrecv")
        if channels:
            self.channel = self.pc.createDataChannel("events")
            self.channel.on("message", self.messages.append)
        self.pc.on("track", self._take)
        await self.pc.setLocalDescription(await self.pc.createOffer())
        return self.pc.localDescription.sdp

    async def accept(self, answer: str) -> None:
        await self.pc.setRemoteDescription(RTCSessionDescription(answer, "answer"))

    def _take(self, track: MediaStreamTrack) -> None:
        self._tasks.append(asyncio.create_task(self._read(track)))

    async def _read(self, track: MediaStreamTrack) -> None:
        loop = asyncio.get_running_loop()
        while True:
            try:
                frame = await track.recv()
            except MediaStreamError:
                return
            if isinstance(frame, VideoFrame):
                self.pictures += 1
                luma = frame.to_ndarray(format="gray")
                _rising(self.flashes_s, bool(luma.mean() > 180), loop.time())
            elif isinstance(frame, AudioFrame):
                self.samples += frame.samples
                _rising(self.beeps_s, bool(np.abs(frame.to_ndarray().astype(np.float32)).max() > 4000), loop.time())
            self._more.set()

    async def until_pictures(self, count: int, within_s: float = 60.0) -> None:
        """Wait until that many pictures have been decoded."""
        async with asyncio.timeout(within_s):
            while self.pictures < count:
                self._more.clear()
                await self._more.wait()

    async def close(self) -> None:
        await self.pc.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


async def until(met: Callable[[], bool], within_s: float = 60.0) -> None:
    """Wait until something is so."""
    async with asyncio.timeout(within_s):
        while True:
            if met():
                return
            await asyncio.sleep(0.01)


def _rising(edges: list[float], on: bool, now_s: float) -> None:
    """Note the beginning of a flash or beep; they are a second apart."""
    if on and (not edges or now_s - edges[-1] > 0.5):
        edges.append(now_s)


@asynccontextmanager
async def watching(
    host: Broadcast, *, codec: str = "H264", ice: IceSettings | None = None, microphone: MediaStreamTrack | None = None
) -> AsyncIterator[tuple[WhepViewer, Receiver]]:
    """Join a room and wait until media flows."""
    receiver = Receiver(codec=codec)
    try:
        offer = await receiver.offer(microphone=microphone)
        viewer, answer = await answer_offer(
            host, offer, uid=7, may_publish=microphone is not None, ice=ice or IceSettings(), size=host.size
        )
        host.admit(viewer)
        await receiver.accept(answer)
        async with asyncio.timeout(60):
            await host.connected.get()
        yield viewer, receiver
    finally:
        await receiver.close()
