"""Viewers of a whole stage, who note what they see and hear, and a web server for what it fetches."""

from __future__ import annotations

import asyncio
import http.server
import math
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from aiortc.mediastreams import MediaStreamError, MediaStreamTrack
from av import AudioFrame, VideoFrame

from avatarium.streaming.wire import SpeakCommand
from tests.support.live_receiving import Receiver
from tests.support.running_stage import Booked, RunningStage, running_stage

AUDIBLE = 0.02


def price_of(seconds: float) -> int:
    """The most that a room costs in which a viewer was for so long: a coin for each five seconds that begin."""
    return math.ceil(seconds / 5)


@contextmanager
def shown(folder: Path) -> Iterator[str]:
    """A web server that shows a folder; its ``host:port``."""
    folder.mkdir()

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, format: str, *args: Any) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder)))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class Witness(Receiver):
    """A viewer who notes how loud it is, and how bright the picture."""

    def __init__(self, codec: str = "H264") -> None:
        super().__init__(codec=codec)
        self.loud: list[tuple[float, float]] = []
        self.mouths: list[np.ndarray[Any, Any]] = []

    async def _read(self, track: MediaStreamTrack) -> None:
        loop = asyncio.get_running_loop()
        while True:
            try:
                frame = await track.recv()
            except MediaStreamError:
                return
            if isinstance(frame, VideoFrame):
                self.pictures += 1
                self.mouths.append(frame.to_ndarray(format="gray"))
            elif isinstance(frame, AudioFrame):
                self.samples += frame.samples
                level = float(np.abs(frame.to_ndarray().astype(np.float32)).max() / 32768)
                self.loud.append((loop.time(), level))
            self._more.set()

    @property
    def hears(self) -> bool:
        """Whether something sounds just now."""
        return any(level > AUDIBLE for _, level in self.loud[-3:])


@asynccontextmanager
async def watched(room: Booked, codec: str = "H264") -> AsyncIterator[Witness]:
    witness = Witness(codec)
    try:
        offer = await witness.offer()
        answer = await room.client.offer(
            room.record, room.room.id, offer.encode(), uid=room.room.uid, may_publish=False, address="127.0.0.1"
        )
        await witness.accept(answer.sdp)
        await witness.until_pictures(3)
        yield witness
    finally:
        await witness.close()


def said(command_id: str, text: str = "Hello there.", **more: Any) -> SpeakCommand:
    return SpeakCommand(command_id=command_id, text=text, **more)


@contextmanager
def shown_stage(folder: Path) -> Iterator[RunningStage]:
    """A running stage, and a web server that it may fetch from."""
    with (
        shown(folder / "web") as host,
        running_stage(folder / "home", live_grace_s=0.8, fetch_allow=[host]) as made,
    ):
        made.web = folder / "web", host
        yield made
