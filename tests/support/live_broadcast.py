"""A room that shows a flash and sounds a beep every second at one and the same instant, for tests of transports."""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

import av
import numpy as np
from numpy.typing import NDArray

from avatarium.engine.live.encoders import H264Encoder, Vp8Encoder
from avatarium.engine.video.framing import Size
from avatarium.streaming.transports.viewer import PICTURE_RATE, SOUND_RATE, LivePacket, Viewer

FPS = 25
TICK_S = 1 / FPS
LEAD_S = 0.06
"""How long before it is due a tick is handed over."""


class PictureSource:
    """Codes noise that drifts, with a white flash each full second."""

    def __init__(self, codec: str, size: tuple[int, int], bitrate: int = 600_000) -> None:
        self.size = size
        whole = Size(*size)
        self._coder = H264Encoder(whole, bitrate) if codec == "h264" else Vp8Encoder(whole, bitrate)
        self._noise = np.random.default_rng(1).integers(90, 130, (size[1] * 3 // 2, size[0])).astype(np.uint8)
        self._noise[size[1] :] = 128

    def set_bitrate(self, bitrate: int) -> None:
        """Takes effect on the next picture."""
        self._coder.bitrate = bitrate

    def code(self, tick: int, *, key: bool) -> tuple[bytes, bool]:
        """The picture of a tick, and whether it is a key frame."""
        height = self.size[1]
        image = self._noise.copy()
        image[:height] = 235 if tick % FPS < 2 else np.roll(self._noise[:height], tick * 2, axis=1)
        coded = self._coder.encode(image, tick * PICTURE_RATE // FPS, key=key)
        return coded.data, coded.key


class SoundSource:
    """Codes a beep of 80 ms each full second, at the instant of the flash."""

    def __init__(self) -> None:
        self._coder: Any = av.CodecContext.create("libopus", "w")
        self._coder.sample_rate = SOUND_RATE
        self._coder.layout = "mono"
        self._coder.format = "flt"
        self._coder.options = {"frame_duration": "20", "application": "lowdelay"}
        self._coder.bit_rate = 32_000
        self._tone = 0.5 * np.sin(2 * math.pi * 1000 * np.arange(960) / SOUND_RATE).astype(np.float32)

    def code(self, packet: int) -> bytes:
        """The twenty milliseconds of a packet number."""
        samples = self._tone if packet % 50 < 4 else np.zeros(960, np.float32)
        frame = av.AudioFrame.from_ndarray(samples.reshape(1, -1), format="flt", layout="mono")
        frame.sample_rate, frame.pts, frame.time_base = SOUND_RATE, packet * 960, Fraction(1, SOUND_RATE)
        return b"".join(bytes(found) for found in self._coder.encode(frame))


@dataclass
class Broadcast:
    """The host of viewers; sends while :func:`broadcasting`."""

    size: tuple[int, int] = (320, 240)
    bitrate: int = 600_000
    adaptive: bool = False
    """Whether the bit rate follows what the viewers' connections carry."""
    viewers: dict[str, Viewer] = field(default_factory=dict)
    connected: asyncio.Queue[Viewer] = field(default_factory=asyncio.Queue)
    lost: asyncio.Queue[Viewer] = field(default_factory=asyncio.Queue)
    keys: list[str] = field(default_factory=list)
    heard_pcm: list[NDArray[np.float32]] = field(default_factory=list)
    rates: list[int] = field(default_factory=list)
    farewells: list[asyncio.Task[None]] = field(default_factory=list)
    tick: int = 0
    _wanted: set[str] = field(default_factory=set)
    _sources: dict[str, PictureSource] = field(default_factory=dict)

    def want_key(self, codec: str) -> None:
        self.keys.append(codec)
        self._wanted.add(codec)

    def viewer_connected(self, viewer: Viewer) -> None:
        self.connected.put_nowait(viewer)

    def viewer_lost(self, viewer: Viewer) -> None:
        self.viewers.pop(viewer.id, None)
        self.farewells.append(asyncio.create_task(viewer.close()))
        self.lost.put_nowait(viewer)

    def heard(self, viewer: Viewer, pcm: NDArray[np.float32], rate: int) -> None:
        self.heard_pcm.append(pcm)
        self.rates.append(rate)

    def admit(self, viewer: Viewer) -> None:
        """From now on it is sent what there is."""
        self.viewers[viewer.id] = viewer

    async def run(self) -> None:
        """Send until cancelled."""
        loop = asyncio.get_running_loop()
        zero_s, sound = loop.time() + LEAD_S, SoundSource()
        while True:
            due_s = zero_s + self.tick * TICK_S
            await asyncio.sleep(max(due_s - LEAD_S - loop.time(), 0))
            await self._send_pictures(due_s)
            for half in (0, 1):
                number = self.tick * 2 + half
                data = sound.code(number)
                packet = LivePacket(data=data, pts=number * 960, due_s=due_s + half * 0.02, key=True, generation=0)
                self._send_sound(packet)
            self.tick += 1

    def _send_sound(self, packet: LivePacket) -> None:
        for viewer in list(self.viewers.values()):
            viewer.send_sound(packet)

    async def _send_pictures(self, due_s: float) -> None:
        for codec in {viewer.codec for viewer in self.viewers.values() if viewer.connected}:
            source = self._sources.setdefault(codec, PictureSource(codec, self.size, self.bitrate))
            watching = [viewer for viewer in self.viewers.values() if viewer.codec == codec]
            if self.adaptive:
                known = [viewer.estimated_bitrate for viewer in watching]
                source.set_bitrate(min([self.bitrate, *(max(rate, 80_000) for rate in known if rate is not None)]))
            wanted = codec in self._wanted
            self._wanted.discard(codec)
            data, key = await asyncio.to_thread(source.code, self.tick, key=wanted)
            packet = LivePacket(data=data, pts=self.tick * 3600, due_s=due_s, key=key, generation=0)
            for viewer in watching:
                viewer.send_picture(packet)


@asynccontextmanager
async def broadcasting(host: Broadcast) -> AsyncIterator[Broadcast]:
    """Run a room, and close the viewers that are left at the end."""
    task = asyncio.create_task(host.run())
    try:
        yield host
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await asyncio.gather(*(viewer.close() for viewer in list(host.viewers.values())), *host.farewells)
