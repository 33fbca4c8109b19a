"""Media over one WebSocket: what is in the messages, and what a slow or wrong player gets."""

from __future__ import annotations

import asyncio
import io
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from struct import unpack
from typing import Any

import av
import numpy as np
import pytest

from avatarium.streaming.transports import socket as socket_module
from avatarium.streaming.transports.socket import PICTURE, SOUND, Flag, SocketViewer
from avatarium.streaming.transports.viewer import LivePacket
from tests.support.live_broadcast import Broadcast, broadcasting
from tests.support.live_receiving import until

START = json.dumps({"type": "start", "audio": ["opus", "aac"]})


@dataclass
class FakeSocket:
    """Both ends of a WebSocket; acknowledges as a player does, unless told not to."""

    acknowledges: bool = True
    texts: list[dict[str, Any]] = field(default_factory=list)
    segments: dict[int, list[bytes]] = field(default_factory=lambda: {PICTURE: [], SOUND: []})
    flags: dict[int, list[Flag]] = field(default_factory=lambda: {PICTURE: [], SOUND: []})
    starts_ms: dict[int, list[int]] = field(default_factory=lambda: {PICTURE: [], SOUND: []})
    code: int | None = None
    count: int = 0
    _said: asyncio.Queue[str | bytes | None] = field(default_factory=asyncio.Queue)

    async def send_text(self, text: str) -> None:
        self.texts.append(json.loads(text))

    async def send_bytes(self, data: bytes) -> None:
        track, flags, _, start_ms = unpack(">BBHI", data[:8])
        self.segments[track].append(data[8:])
        self.flags[track].append(Flag(flags))
        self.starts_ms[track].append(start_ms)
        self.count += 1
        if self.acknowledges:
            self.say(json.dumps({"type": "got", "n": self.count}))

    async def receive(self) -> str | bytes:
        said = await self._said.get()
        if said is None:
            raise ConnectionError("closed")
        return said

    async def close(self, code: int) -> None:
        self.code = code

    def say(self, message: str | bytes | None) -> None:
        self._said.put_nowait(message)

    def decoded(self, track: int) -> list[Any]:
        """Frames of all segments, as a player would have them."""
        with av.open(io.BytesIO(b"".join(self.segments[track])), "r") as file:
            return list(file.decode(file.streams[0]))


@asynccontextmanager
async def _watching(
    first: str | bytes = START, *, may_publish: bool = False
) -> AsyncIterator[tuple[Broadcast, SocketViewer, FakeSocket]]:
    async with broadcasting(Broadcast()) as host:
        socket = FakeSocket()
        viewer = SocketViewer(host, socket, uid=7, may_publish=may_publish, size=host.size)
        host.admit(viewer)
        socket.say(first)
        run = asyncio.create_task(viewer.run())
        try:
            yield host, viewer, socket
        finally:
            await viewer.close()
            await run


@pytest.mark.parametrize("sound", ["opus", "aac"])
def test_a_player_gets_pictures_and_sound_of_one_time(sound: str) -> None:
    """The flash and the beep of each full second stand at the same time in their tracks."""

    async def run() -> FakeSocket:
        first = json.dumps({"type": "start", "audio": [sound]})
        async with _watching(first) as (_, _, socket):
            await until(lambda: len(socket.segments[PICTURE]) > 60 and len(socket.segments[SOUND]) > 60)
            return socket

    socket = asyncio.run(run())
    (streams,) = [text for text in socket.texts if text["type"] == "streams"]
    assert streams["video"]["mime"].startswith('video/mp4; codecs="avc1.42')
    assert (
        streams["audio"]["mime"] == {"opus": 'audio/mp4; codecs="opus"', "aac": 'audio/mp4; codecs="mp4a.40.2"'}[sound]
    )
    assert Flag.INIT in socket.flags[PICTURE][0] and Flag.KEY in socket.flags[PICTURE][1]
    pictures = socket.decoded(PICTURE)
    bright = [frame.time for frame in pictures if frame.to_ndarray(format="gray").mean() > 180]
    flashes = [round(time) for time in bright if abs(time - round(time)) < 0.001]
    assert flashes
    sounds = [(frame.time, frame.to_ndarray()[0]) for frame in socket.decoded(SOUND)]
    start = sounds[0][0]
    samples = np.abs(np.concatenate([piece for _, piece in sounds]))
    for second in flashes:
        at = round((second - start) * 48_000)
        if 4_800 < at < len(samples) - 4_800:
            onset = at - 4_800 + int(np.argmax(samples[at - 4_800 : at + 4_800] > 0.1))
            assert abs(onset - at) / 48_000 < 0.015


def test_time_of_pictures_has_no_gaps_though_some_are_left_out() -> None:
    """A player stops at a gap; each picture reaches to where the next begins."""

    async def run() -> FakeSocket:
        async with _watching() as (host, viewer, socket):
            await until(lambda: len(socket.segments[PICTURE]) > 10)
            host.viewers.clear()
            await asyncio.sleep(0.2)
            host.admit(viewer)
            host.want_key("h264")
            had = len(socket.segments[PICTURE])
            await until(lambda: len(socket.segments[PICTURE]) > had + 10)
            return socket

    socket = asyncio.run(run())
    with av.open(io.BytesIO(b"".join(socket.segments[PICTURE])), "r") as file:
        packets = [packet for packet in file.demux(file.streams[0]) if packet.pts is not None]
    ends = [(packet.pts or 0) + (packet.duration or 0) for packet in packets]
    assert [packet.pts for packet in packets[1:]] == ends[:-1]
    assert any(Flag.JUMP in flags for flags in socket.flags[SOUND])


def test_a_slow_player_loses_pictures_up_to_a_key_frame_and_no_sound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket_module, "BEHIND_S", 0.3)
    monkeypatch.setattr(socket_module, "CAUGHT_UP_S", 0.1)

    async def run() -> None:
        async with _watching() as (host, viewer, socket):
            await until(lambda: len(socket.segments[PICTURE]) > 10)
            socket.acknowledges = False
            await until(lambda: int(viewer.figures()["dropped"] or 0) > 5)
            pictures, sounds = len(socket.segments[PICTURE]), len(socket.segments[SOUND])
            await until(lambda: len(socket.segments[SOUND]) > sounds + 8)
            assert len(socket.segments[PICTURE]) == pictures
            asked = len(host.keys)
            socket.acknowledges = True
            socket.say(json.dumps({"type": "got", "n": socket.count}))
            await until(lambda: len(socket.segments[PICTURE]) > pictures + 3)
            assert len(host.keys) > asked
            assert Flag.KEY in socket.flags[PICTURE][pictures]
            assert not any(Flag.JUMP in flags for flags in socket.flags[SOUND])

    asyncio.run(run())


def test_a_player_that_falls_silent_is_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket_module, "SILENT_S", 0.3)

    async def run() -> None:
        async with _watching() as (host, viewer, socket):
            socket.acknowledges = False
            async with asyncio.timeout(30):
                assert await host.lost.get() is viewer
            assert not viewer.connected

    asyncio.run(run())


def test_a_closed_socket_is_told_once_and_a_closed_viewer_never() -> None:
    async def run() -> None:
        async with _watching() as (host, viewer, socket):
            await until(lambda: viewer.connected)
            socket.say(None)
            async with asyncio.timeout(30):
                assert await host.lost.get() is viewer
            await viewer.close()
            assert host.lost.empty()
        async with _watching() as (host, viewer, socket):
            await until(lambda: viewer.connected)
            await viewer.close()
            assert host.lost.empty() and socket.code == 1000

    asyncio.run(run())


@pytest.mark.parametrize("first", [
    "hello", "[]", "{}", b"\0\0", json.dumps({"type": "start"}), json.dumps({"type": "start", "audio": ["mp3"]}),
    json.dumps({"type": "start", "audio": "opus"}),
])  # fmt: skip
def test_a_wrong_start_is_refused_with_a_sentence(first: str | bytes) -> None:
    async def run() -> None:
        async with _watching(first) as (host, _, socket):
            async with asyncio.timeout(30):
                await host.lost.get()
            await until(lambda: socket.code is not None)
            assert socket.code == 4400
            assert socket.texts[-1]["type"] == "error" and socket.texts[-1]["code"] == "bad_message"

    asyncio.run(run())


@pytest.mark.parametrize("may_publish", [True, False])
def test_a_microphone_comes_as_pcm_from_those_who_may(may_publish: bool) -> None:
    async def run() -> None:
        first = json.dumps({"type": "start", "audio": ["opus"], "microphone": 16_000})
        async with _watching(first, may_publish=may_publish) as (host, viewer, socket):
            await until(lambda: viewer.connected)
            socket.say(np.array([0, 16384, -32768], "<i2").tobytes())
            socket.say(json.dumps({"type": "got", "n": 10**9}))
            viewer.send_event({"type": "listening_started"})
            await until(lambda: any(text["type"] == "listening_started" for text in socket.texts))
            if may_publish:
                assert [round(float(sample), 3) for sample in host.heard_pcm[0]] == [0.0, 0.5, -1.0]
                assert host.rates == [16_000]
            else:
                assert not host.heard_pcm

    asyncio.run(run())


def test_a_flood_of_messages_ends_the_connection_and_lets_others_have_their_turn() -> None:
    async def run() -> None:
        async with _watching() as (_, viewer, socket):
            await until(lambda: viewer.connected)
            for _ in range(socket_module.MESSAGES_AT_ONCE * 2):
                socket.say("{}")
            turns = 0
            while socket.code is None:
                turns += 1
                await asyncio.sleep(0)
            assert socket.code == 4400 and socket.texts[-1]["code"] == "too_many_messages"
            assert turns > socket_module.MESSAGES_AT_ONCE / 2

    asyncio.run(run())


@dataclass
class StuckSocket(FakeSocket):
    """Takes nothing until its gate opens."""

    gate: asyncio.Event = field(default_factory=asyncio.Event)

    async def send_text(self, text: str) -> None:
        await self.gate.wait()
        await super().send_text(text)

    async def send_bytes(self, data: bytes) -> None:
        await self.gate.wait()
        await super().send_bytes(data)


def test_speech_of_before_an_interrupt_that_waits_is_not_sent_after_it() -> None:
    """Half a second waits; then the event is first, no old sound comes, and the picture goes on at a key frame."""

    async def run() -> None:
        host, socket = Broadcast(), StuckSocket()
        viewer = SocketViewer(host, socket, uid=7, may_publish=False, size=host.size)
        socket.say(START)
        run = asyncio.create_task(viewer.run())
        await until(lambda: viewer.connected)
        async with broadcasting(host):
            host.admit(viewer)
            await until(lambda: sum(one.track == SOUND for one in viewer._queue) > 12)
            host.viewers.clear()
        viewer.send_event({"type": "interrupted"})
        old = max(one.start for one in viewer._queue if one.track == SOUND)
        asked = len(host.keys)
        due_s = asyncio.get_running_loop().time()
        for pts in (old + 1920, old + 2880):
            packet = LivePacket(data=b"\xfc\xff\xfe", pts=pts, due_s=due_s, key=True, generation=1)
            viewer.send_sound(packet)
        assert len(host.keys) > asked
        socket.gate.set()
        await until(lambda: any(Flag.JUMP in flags for flags in socket.flags[SOUND]))
        assert [text["type"] for text in socket.texts] == ["streams", "interrupted"]
        # What was in flight when all stood still, the head of the track, and the new.
        assert len(socket.flags[SOUND]) <= 3 and Flag.INIT in socket.flags[SOUND][0]
        assert len(socket.flags[PICTURE]) <= 2
        await viewer.close()
        await run

    asyncio.run(run())
