"""A viewer behind a firewall that lets only TCP or TLS through: media and events over one WebSocket.

The browser plays fragmented MP4 by Media Source Extensions. What the messages are is told in ``docs/streaming.md``.
TCP never drops, it delays; so the player says how much it has, and where it falls behind pictures are left out up
to the next key frame while sound goes on. Buffers of proxies and kernels on the way do not count, only what the
player has.
"""

from __future__ import annotations

import asyncio
import json
import secrets
from collections import deque
from dataclasses import dataclass
from enum import IntFlag
from struct import pack
from typing import Any, Protocol

import numpy as np
import structlog

from avatarium.clock import Clock
from avatarium.errors import RequestError
from avatarium.streaming.meter import Meter
from avatarium.streaming.transports.aac import FRAME, OpusToAac
from avatarium.streaming.transports.channels import EventQueue
from avatarium.streaming.transports.codecs import H264
from avatarium.streaming.transports.fmp4 import (
    Track,
    aac_track,
    opus_track,
    parameter_sets,
    picture_sample,
    picture_track,
)
from avatarium.streaming.transports.player import BEHIND_S, CAUGHT_UP_S, Player
from avatarium.streaming.transports.viewer import PICTURE_RATE, SOUND_RATE, Event, LivePacket, ViewerHost

START_S = 5.0
SILENT_S = 10.0
"""A player that has acknowledged nothing for so long is gone."""
SOUND_BEHIND_S = 4.0
"""And from here sound is left out too, rather than be late for ever."""
TEXTS_MAX = 20
RATES = range(8_000, 48_001)
MICROPHONE_MAX_BYTES = 16_384
PICTURE_S = 1 / 25
MESSAGES_A_SECOND, MESSAGES_AT_ONCE = 300, 1000
"""Several times what a player and a microphone send, and what gathers while a line stands still."""
KEY_EVERY_S = 8.0
"""A player lets go of what was seen only from a key frame back."""
PICTURES_KEPT = 5
"""Pictures of before an interrupt that may still be sent after it."""
OPUS_SAMPLES = 960
OPUS_TOGETHER = 2
"""Opus packets of one fragment: one tick."""
REJECTED, GOING = 4400, 1000
log = structlog.get_logger()


class Socket(Protocol):
    """A WebSocket that is open."""

    async def send_text(self, text: str) -> None: ...

    async def send_bytes(self, data: bytes) -> None: ...

    async def receive(self) -> str | bytes:
        """The next message; raises ConnectionError when there will be none."""

    async def close(self, code: int) -> None: ...


class Flag(IntFlag):
    """What a binary message holds."""

    INIT = 1
    KEY = 2
    JUMP = 4


PICTURE, SOUND = 0, 1


@dataclass(frozen=True, slots=True, kw_only=True)
class _Message:
    data: bytes | str
    track: int | None = None
    due_s: float = 0.0
    flags: Flag = Flag(0)
    start: int = 0
    """In units of the track."""


def message(track: int, flags: Flag, media_s: float, segment: bytes) -> bytes:
    """A binary message: track, flags, two bytes of nothing, start in milliseconds, segment."""
    return pack(">BBHI", track, flags, 0, round(media_s * 1000) & 0xFFFFFFFF) + segment


class SocketViewer:
    """One who watches over a WebSocket; see :class:`avatarium.streaming.transports.viewer.Viewer`.

    The room takes it in and then :meth:`run` is awaited by whoever holds the socket.
    """

    codec = H264

    def __init__(
        self,
        host: ViewerHost,
        socket: Socket,
        *,
        uid: int,
        may_publish: bool,
        size: tuple[int, int],
        alpha: bool = False,
    ) -> None:
        self.id = secrets.token_urlsafe(12)
        self.uid = uid
        self.connected = False
        self._host, self._socket, self._may_publish, self._size = host, socket, may_publish, size
        self._alpha = alpha
        self._loop = asyncio.get_running_loop()
        self._queue: deque[_Message] = deque()
        self._more = asyncio.Event()
        self._texts = 0
        self._events = EventQueue(self._offer_text)
        self._player = Player(self._loop.time())
        self._picture: Track | None = None
        self._sets: tuple[bytes, bytes] | None = None
        self._picture_end: int | None = None
        self._key_pts = 0
        self._sound: Track | None = None
        self._aac: OpusToAac | None = None
        self._opus: list[LivePacket] = []
        self._sound_end: int | None = None
        self._sequence = 0
        self._needs_key = True
        self._generation = 0
        self._skipping = False
        self._dropped = 0
        self._microphone_rate = 0
        self._leave = asyncio.Event()
        self._ended = asyncio.Event()
        self._running = False
        self._told = False

    async def run(self) -> None:
        """Serve until the viewer goes or is closed. Errors of the connection end it; nothing is raised."""
        self._running = True
        code = GOING
        try:
            async with asyncio.timeout(START_S):
                first = await self._socket.receive()
            await self._begin(first)
            await self._serve()
        except (ConnectionError, TimeoutError) as problem:
            log.info("a viewer's socket ended", viewer=self.id, problem=repr(problem))
        except RequestError as problem:
            code = REJECTED
            await self._refuse(problem)
        finally:
            self._lose()
            await self._hang_up(code)
            self._ended.set()

    async def _begin(self, first: str | bytes) -> None:
        start = _json(first)
        wanted = start.get("audio")
        known = [name for name in wanted if name in ("opus", "aac")] if isinstance(wanted, list) else []
        if start.get("type") != "start" or not known:
            raise RequestError(
                'The first message must be {"type": "start", "audio": ["opus", "aac"]} with what the player plays.',
                code="bad_message",
            )
        if known[0] == "aac":
            self._aac = OpusToAac()
            self._sound = aac_track(self._aac.config)
        else:
            self._sound = opus_track()
        rate = start.get("microphone", 0)
        if self._may_publish and isinstance(rate, int) and rate in RATES:
            self._microphone_rate = rate
        if not self._leave.is_set():
            self.connected = True
            self._host.viewer_connected(self)
            self._host.want_key(self.codec)

    async def _serve(self) -> None:
        jobs = [asyncio.create_task(job) for job in (self._read(), self._write(), self._guard(), self._leave.wait())]
        try:
            done, _ = await asyncio.wait(jobs, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for job in jobs:
                job.cancel()
            await asyncio.gather(*jobs, return_exceptions=True)
        for job in done:
            job.result()

    async def _read(self) -> None:
        meter = Meter(Clock(), rate=MESSAGES_A_SECOND, burst=MESSAGES_AT_ONCE)
        while True:
            received = await self._socket.receive()
            if meter.count():
                raise RequestError("Too many messages came. Send fewer and larger ones.", code="too_many_messages")
            # What is queued comes without a pause, in which others would have their turn.
            await asyncio.sleep(0)
            if isinstance(received, bytes):
                self._listen(received)
                continue
            said = _json(received)
            if said.get("type") == "got" and isinstance(said.get("n"), int):
                self._player.got(said["n"], self._loop.time())
                self._recover()

    def _listen(self, data: bytes) -> None:
        if not self._microphone_rate:
            return
        if len(data) > MICROPHONE_MAX_BYTES or len(data) % 2:
            raise RequestError(
                f"Sound of the microphone comes as 16-bit PCM, {MICROPHONE_MAX_BYTES} bytes a message at most.",
                code="bad_message",
            )
        pcm = np.frombuffer(data, dtype="<i2").astype(np.float32) / np.float32(32768)
        self._host.heard(self, pcm, self._microphone_rate)

    async def _write(self) -> None:
        while True:
            await self._more.wait()
            self._more.clear()
            while self._queue:
                waiting = self._queue.popleft()
                if isinstance(waiting.data, str):
                    self._texts -= 1
                    await self._socket.send_text(waiting.data)
                    self._events.flush()
                else:
                    self._player.sent(len(waiting.data), waiting.due_s)
                    await self._socket.send_bytes(waiting.data)

    async def _guard(self) -> None:
        while True:
            await asyncio.sleep(1.0)
            if self._player.owes and self._loop.time() - self._player.heard_s > SILENT_S:
                raise TimeoutError("the player acknowledges nothing")

    async def _refuse(self, problem: RequestError) -> None:
        text = json.dumps({"type": "error", "code": problem.code, "message": problem.message})
        try:
            async with asyncio.timeout(1.0):
                await self._socket.send_text(text)
        except (ConnectionError, TimeoutError):
            return

    async def _hang_up(self, code: int) -> None:
        try:
            async with asyncio.timeout(1.0):
                await self._socket.close(code)
        except (ConnectionError, TimeoutError):
            return

    def _lose(self) -> None:
        self.connected = False
        self._queue.clear()
        if not self._told and not self._leave.is_set():
            self._told = True
            self._host.viewer_lost(self)

    def send_picture(self, packet: LivePacket) -> None:
        """See :class:`.viewer.Viewer`."""
        if not self.connected:
            return
        self._follow(packet.generation)
        self._keep_up()
        if self._skipping or (self._needs_key and not packet.key):
            self._dropped += 1
            self._needs_key = True
            return
        if packet.key:
            self._introduce(packet)
            self._key_pts = packet.pts
        elif packet.pts - self._key_pts > KEY_EVERY_S * PICTURE_RATE:
            self._key_pts = packet.pts
            self._host.want_key(self.codec)
        if self._picture is None:
            return
        self._needs_key = False
        # Where pictures were left out the next one begins early: a player stops at a gap.
        start = packet.pts if self._picture_end is None else min(self._picture_end, packet.pts)
        end = packet.pts + round(PICTURE_RATE * PICTURE_S)
        self._picture_end = end
        fragment = self._picture.fragment(
            self._next(), [picture_sample(packet.data)], start=start, duration=end - start, key=packet.key
        )
        self._put(PICTURE, Flag.KEY if packet.key else Flag(0), start, fragment, packet.due_s)

    def _follow(self, generation: int) -> None:
        """After an interrupt: what waits of before it is not sent any more, and what is told goes first."""
        if generation <= self._generation:
            return
        self._generation = generation
        media = [one for one in self._queue if one.track is not None]
        gone = [one for one in media if one.track == SOUND and Flag.INIT not in one.flags]
        if gone:
            self._sound_end = gone[0].start
        pictures = [one for one in media if one.track == PICTURE and Flag.INIT not in one.flags]
        if len(pictures) > PICTURES_KEPT:  # a few cost less than the key frame that takes their place
            gone += pictures
            self._picture_end, self._needs_key = pictures[0].start, True
            self._host.want_key(self.codec)
        self._dropped += len(gone)
        left_out = {id(one) for one in gone}
        texts = [one for one in self._queue if one.track is None]
        self._queue = deque([*texts, *(one for one in media if id(one) not in left_out)])

    def _introduce(self, packet: LivePacket) -> None:
        sets = parameter_sets(packet.data)
        if sets is None or sets == self._sets:
            return
        first, self._sets = self._sets is None, sets
        self._picture = picture_track(*sets, self._size)
        assert self._sound is not None
        if first:
            video = {"mime": self._picture.mime, "width": self._size[0], "height": self._size[1]}
            video |= {"alpha": "below"} if self._alpha else {}
            self._put_text(json.dumps({"type": "streams", "video": video, "audio": {"mime": self._sound.mime}}))
            self._put(SOUND, Flag.INIT, 0, self._sound.init, packet.due_s)
        self._put(PICTURE, Flag.INIT, 0, self._picture.init, packet.due_s)

    def send_sound(self, packet: LivePacket) -> None:
        """See :class:`.viewer.Viewer`."""
        if not self.connected or self._picture is None or self._sound is None:
            return
        self._follow(packet.generation)
        if self._behind() > SOUND_BEHIND_S:
            self._dropped += 1
            self._opus.clear()
            return
        if self._aac is not None:
            if self._sound_end is not None and packet.pts - self._sound_end > 4 * FRAME:
                self._aac = OpusToAac()
            for data, pts in self._aac.convert(packet.data, packet.pts):
                if pts >= 0:
                    self._put_sound([data], pts, FRAME, packet.due_s)
            return
        self._opus.append(packet)
        if len(self._opus) == OPUS_TOGETHER or self._opus[0].pts + OPUS_SAMPLES < packet.pts:
            together, self._opus = self._opus, []
            self._put_sound([one.data for one in together], together[0].pts, OPUS_SAMPLES, packet.due_s)

    def _put_sound(self, samples: list[bytes], pts: int, duration: int, due_s: float) -> None:
        assert self._sound is not None
        jumps = self._sound_end is not None and pts != self._sound_end
        self._sound_end = pts + duration * len(samples)
        fragment = self._sound.fragment(self._next(), samples, start=pts, duration=duration, key=True)
        self._put(SOUND, Flag.KEY | (Flag.JUMP if jumps else Flag(0)), pts, fragment, due_s)

    def _next(self) -> int:
        self._sequence += 1
        return self._sequence

    def _put(self, track: int, flags: Flag, start: int, segment: bytes, due_s: float) -> None:
        media_s = start / (PICTURE_RATE if track == PICTURE else SOUND_RATE)
        data = message(track, flags, media_s, segment)
        self._queue.append(_Message(data=data, track=track, due_s=due_s, flags=flags, start=start))
        self._more.set()

    def _put_text(self, text: str) -> None:
        self._texts += 1
        self._queue.append(_Message(data=text))
        self._more.set()

    def _offer_text(self, text: str) -> bool:
        if not self.connected or self._texts >= TEXTS_MAX:
            return False
        self._put_text(text)
        return True

    def send_event(self, event: Event) -> None:
        """See :class:`.viewer.Viewer`."""
        if not self._leave.is_set():
            self._events.put(event)

    def _behind(self) -> float:
        """Seconds of media that the player has not got yet."""
        waiting = next((one.due_s for one in self._queue if one.track is not None), None)
        oldest = self._player.oldest_s if self._player.oldest_s is not None else waiting
        return 0.0 if oldest is None else self._loop.time() - oldest

    def _keep_up(self) -> None:
        """Leave pictures out where the player falls behind, those that wait first."""
        if self._skipping or self._behind() < BEHIND_S:
            return
        self._skipping = True
        kept = deque(one for one in self._queue if one.track != PICTURE or Flag.INIT in one.flags)
        gone = [one for one in self._queue if one.track == PICTURE and Flag.INIT not in one.flags]
        if gone:
            self._dropped += len(gone)
            self._queue = kept
            self._picture_end = gone[0].start

    def _recover(self) -> None:
        if self._skipping and self._behind() < CAUGHT_UP_S:
            self._skipping, self._needs_key = False, True
            self._host.want_key(self.codec)

    @property
    def estimated_bitrate(self) -> int | None:
        """See :class:`.viewer.Viewer`."""
        return self._player.estimate(self._behind(), self._loop.time())

    def figures(self) -> dict[str, float | int | str | None]:
        """See :class:`.viewer.Viewer`."""
        return {
            "rtt_ms": None,
            "loss": 0.0,
            "behind_ms": round(max(self._behind(), 0.0) * 1000),
            "estimate": self.estimated_bitrate,
            "sent_packets": self._player.count,
            "sent_bytes": self._player.bytes,
            "dropped": self._dropped,
            "transport": "socket",
            "codec": self.codec,
            "dropped_events": self._events.dropped,
        }

    async def close(self) -> None:
        """See :class:`.viewer.Viewer`."""
        self._leave.set()
        self.connected = False
        if self._running:
            await self._ended.wait()


def _json(text: str | bytes) -> dict[str, Any]:
    try:
        said = json.loads(text) if isinstance(text, str) and len(text) < 65_536 else None
    except ValueError:
        said = None
    if not isinstance(said, dict):
        raise RequestError("Messages are JSON objects in text.", code="bad_message")
    return said
