"""Sound against picture by click and flash, from our encoders and transport to the browser's speaker and screen."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import numpy as np
import uvicorn
from numpy.typing import NDArray
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from avatarium.engine.live import FPS, RATE, TICK_S, TICK_SAMPLES, H264Encoder, OpusEncoder
from avatarium.engine.video.framing import Size
from avatarium.streaming.transports.ice import IceSettings
from avatarium.streaming.transports.viewer import PICTURE_RATE, SOUND_PACKET_S, SOUND_RATE, LivePacket, Viewer
from avatarium.streaming.transports.whep import answer_offer
from bench.figures import Figure
from bench.live.browser import Meter

Note = Callable[[str], None]
SIDE, LOOPBACK = 512, "127.0.0.1"
EVERY = FPS
"""A click and a flash each second, the flash two frames long."""
WATCHED_S = 40.0
SETTLING_S = 6.0
AHEAD_BAR_MS, BEHIND_BAR_MS = 40.0, 60.0
BRIGHT, LOUD = 128.0, 0.05


@dataclass(slots=True)
class Card:
    """A host that shows a test card: it flashes and clicks."""

    viewers: list[Viewer] = field(default_factory=list)
    key: bool = True

    def want_key(self, codec: str) -> None:
        """The next picture is a key frame."""
        self.key = True

    def viewer_connected(self, viewer: Viewer) -> None:
        """Nothing to do: it is sent to from the start."""

    def viewer_lost(self, viewer: Viewer) -> None:
        """Send it nothing more."""
        self.viewers.remove(viewer)

    def heard(self, viewer: Viewer, pcm: NDArray[np.float32], rate: int) -> None:
        """Nobody listens."""

    async def play(self) -> None:
        """Tick by tick until cancelled."""
        pictures, sounds = H264Encoder(Size(SIDE, SIDE), 1_000_000), OpusEncoder()
        loop = asyncio.get_running_loop()
        start_s, tick = loop.time(), 0
        while True:
            due_s = start_s + tick * TICK_S
            await asyncio.sleep(max(0.0, due_s - TICK_S - loop.time()))
            key, self.key = self.key or tick == 0, False
            coded = pictures.encode(_picture(tick), round(tick * TICK_S * PICTURE_RATE), key=key)
            packets = [(sounds.encode(part), i) for i, part in enumerate(np.split(_sound(tick), 2))]
            for viewer in self.viewers:
                pts = round(tick * TICK_S * PICTURE_RATE)
                viewer.send_picture(LivePacket(data=coded.data, pts=pts, due_s=due_s, key=coded.key, generation=0))
                for data, i in packets:
                    at_s = tick * TICK_S + i * SOUND_PACKET_S
                    pts, when = round(at_s * SOUND_RATE), start_s + at_s
                    viewer.send_sound(LivePacket(data=data, pts=pts, due_s=when, key=True, generation=0))
            tick += 1


def _picture(tick: int) -> NDArray[np.uint8]:
    """I420: grey with some texture, white in the two frames of a flash."""
    picture = np.full((SIDE * 3 // 2, SIDE), 128, np.uint8)
    texture = (np.add.outer(np.arange(SIDE), np.arange(SIDE) + tick) % 64).astype(np.uint8)
    picture[:SIDE] = 235 if tick % EVERY in (0, 1) else 16 + texture
    return picture


def _sound(tick: int) -> NDArray[np.float32]:
    """A burst of 40 ms at 1 kHz with the first frame of each flash, else silence."""
    if tick % EVERY:
        return np.zeros(TICK_SAMPLES, np.float32)
    burst: NDArray[np.float32] = (0.5 * np.sin(2 * np.pi * 1000 * np.arange(TICK_SAMPLES) / RATE)).astype(np.float32)
    return burst


def flashes(meter: Meter, note: Note) -> list[Figure]:
    """By how much the click is heard before the flash is seen."""
    note(f"clicks and flashes for {WATCHED_S:g} s")
    with _serving() as address:
        meter.evaluate("([url]) => renew().join(url, 'none', {channels: false})", [f"{address}/whep"])
        meter.evaluate(f"meter.box = [0, 0, {SIDE}, {SIDE}]")
        meter.wait(WATCHED_S)
        pictures = np.array(meter.evaluate("meter.pictures"))
        sounds = np.array(meter.evaluate("meter.sounds"))
        meter.leave()
    ahead = _ahead(pictures, sounds)
    early, middle, late = np.percentile(ahead, [97.5, 50, 2.5])
    return [
        Figure(name="flashes that were seen and heard", value=len(ahead), unit=""),
        Figure(name="sound ahead of picture, median", value=float(middle), baseline=1000 * TICK_S),
        Figure(name="sound ahead of picture, 97.5th percentile", value=float(early), bar=AHEAD_BAR_MS),
        Figure(name="sound behind picture, 97.5th percentile", value=float(-late), bar=BEHIND_BAR_MS),
    ]


def _ahead(pictures: NDArray[np.float64], sounds: NDArray[np.float64]) -> NDArray[np.float64]:
    seen = _onsets(pictures[:, 0], pictures[:, 1] > BRIGHT)
    heard = _onsets(sounds[:, 0], sounds[:, 2] > LOUD)
    start = seen[0] + SETTLING_S * 1000
    pairs = [seen_at - heard[np.abs(heard - seen_at).argmin()] for seen_at in seen if seen_at > start]
    return np.array([pair for pair in pairs if abs(pair) < 450])


def _onsets(times: NDArray[np.float64], on: NDArray[np.bool_]) -> NDArray[np.float64]:
    """When something began that was off for 400 ms before."""
    found: list[float] = []
    last = -1e9
    for at in times[on]:
        if at - last > 400:
            found.append(float(at))
        last = float(at)
    return np.array(found)


@contextmanager
def _serving() -> Iterator[str]:
    """A server of its own for the card, in a thread with its own event loop."""
    card, playing = Card(), set[asyncio.Task[None]]()

    async def whep(request: Request) -> Response:
        if not playing:
            playing.add(asyncio.create_task(card.play()))
        offer = (await request.body()).decode()
        viewer, answer = await answer_offer(
            card, offer, uid=1, may_publish=False, ice=IceSettings(), size=(SIDE, SIDE), viewer_address=LOOPBACK
        )
        card.viewers.append(viewer)
        return Response(answer, 201, {"Location": "/whep"}, "application/sdp")

    async def goodbye(request: Request) -> Response:
        for viewer in list(card.viewers):
            await viewer.close()
        card.viewers.clear()
        for task in playing:
            task.cancel()
        return Response()

    cors = Middleware(CORSMiddleware, allow_origins=["*"], allow_methods=["*"], allow_headers=["*"])
    routes = [Route("/whep", whep, methods=["POST"]), Route("/whep", goodbye, methods=["DELETE"])]
    app = Starlette(routes=routes, middleware=[cors])
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="warning", lifespan="off"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        thread.join(0.02)
    try:
        port = server.servers[0].sockets[0].getsockname()[1]
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        thread.join(10)
