"""``python -m bench.live_frames``: CPU time of a live room's tick, part by part, beside named baselines.

The baselines, in the same run on the same ticks: every idle frame rendered anew; and the colour conversion and encoder
settings that aiortc takes by itself (swscale, x264 medium).
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Annotated, Any, cast

import av
import numpy as np
import typer
from av.video.frame import VideoFrame
from rich.console import Console
from rich.table import Table

from avatarium.engine.face import Life
from avatarium.engine.live import (
    FPS,
    PACKET_SAMPLES,
    TICK_PTS,
    H264Encoder,
    IdleFrames,
    OpusEncoder,
    Painter,
    Performer,
    PictureEncoder,
    Tick,
    Vp8Encoder,
    live_view,
)
from avatarium.engine.production import Renderer
from avatarium.engine.speech import stream
from avatarium.engine.video import Size
from avatarium.errors import AvatariumError
from bench.speed.machine import this_machine

CONSOLE = Console(width=None if sys.stdout.isatty() else 120)
TEXT = "Good morning, and welcome. Really important people always bring bright balloons, and we let them in."
PARTS = ("tick", "picture", "video", "sound")
LOOP_S = 12
"""A little more than the idle loop: after it every frame has been seen once."""
MEMORY_BYTES = 2**30


@dataclass(slots=True)
class Cost:
    """CPU milliseconds of the calling thread, tick by tick."""

    name: str
    rows: list[list[float]] = field(default_factory=list)
    bits: int = 0
    _now: list[float] = field(default_factory=list)

    @contextmanager
    def part(self) -> Iterator[None]:
        """Time the next part of a tick."""
        start = time.thread_time()
        yield
        self._now.append((time.thread_time() - start) * 1000)
        if len(self._now) == len(PARTS):
            self.rows.append(self._now)
            self._now = []

    def cells(self) -> list[str]:
        """A row of the report."""
        parts = np.array(self.rows)
        whole = parts.sum(1)
        rate = self.bits * FPS / len(parts) / 1000
        figures = [*parts.mean(0), whole.mean(), np.percentile(whole, 95)]
        return [self.name, *(f"{ms:.2f}" for ms in figures), f"{rate:.0f}", str(len(parts))]


class AiortcDefault:
    """The picture path of a library that knows nothing of the frames: swscale and x264's preset ``medium``."""

    def __init__(self, size: Size) -> None:
        self.bitrate = 1_000_000
        self._context = av.CodecContext.create("libx264", "w")
        self._context.width, self._context.height, self._context.pix_fmt = size.width, size.height, "yuv420p"
        self._context.time_base, self._context.framerate = Fraction(1, 90_000), Fraction(FPS)
        self._context.bit_rate = self.bitrate
        self._context.options = {"level": "31", "tune": "zerolatency", "profile": "baseline", "threads": "1"}
        self._context.open()

    def encode_rgb(self, picture: Any, pts: int) -> int:
        """Bytes of one frame given as RGB."""
        frame = VideoFrame.from_ndarray(picture, format="rgb24").reformat(format="yuv420p")
        frame.pts, frame.time_base = pts, Fraction(1, 90_000)
        return sum(packet.size for packet in self._context.encode(frame))


@dataclass(slots=True)
class Room:
    """One room without a network."""

    view: Renderer
    seed: int = 1
    transparent: bool = False
    performer: Performer = field(init=False)
    painter: Painter = field(init=False)
    opus: OpusEncoder = field(init=False)

    def __post_init__(self) -> None:
        self.performer = Performer(Life(seed=self.seed))
        self.painter = Painter(self.view, IdleFrames(MEMORY_BYTES), packed=self.transparent)
        self.opus = OpusEncoder()

    def run(self, name: str, ticks: int, picture: Callable[[Tick], Any], video: Callable[[Any, int], int]) -> Cost:
        """Time some ticks."""
        cost = Cost(name)
        for _ in range(ticks):
            with cost.part():
                tick = self.performer.tick()
            with cost.part():
                frame = picture(tick)
            with cost.part():
                size = video(frame, tick.number * TICK_PTS)
            with cost.part():
                for at in (0, PACKET_SAMPLES):
                    size += len(self.opus.encode(tick.sound[at : at + PACKET_SAMPLES]))
            cost.bits += size * 8
        return cost

    def speak(self) -> int:
        """Ticks of speech that wait now."""
        tag = f"at {self.performer.tick().number}"
        for piece in stream(TEXT, "hibari-ava"):
            self.performer.say(piece, tag=tag)
        self.performer.finish(tag)
        return round(self.performer.buffered_s * FPS)


def coding(encoder: PictureEncoder) -> Callable[[Any, int], int]:
    """How many bytes each frame makes."""
    return lambda frame, pts: len(encoder.encode(frame, pts).data)


def measure(view: Renderer, seconds: int, *, transparent: bool = False) -> list[Cost]:
    """Our costs, then the baselines', which know no transparency."""
    costs = []
    for name, make in (("H.264", H264Encoder), ("VP8", Vp8Encoder)):
        room = Room(view, transparent=transparent)
        encode = coding(cast(PictureEncoder, make(room.painter.size)))
        room.run("warm", 25, room.painter.paint, encode)
        costs.append(room.run(f"{name}: idle, first round", LOOP_S * FPS, room.painter.paint, encode))
        costs.append(room.run(f"{name}: idle, later", seconds * FPS, room.painter.paint, encode))
        costs.append(room.run(f"{name}: speaking", room.speak(), room.painter.paint, encode))
    if transparent:
        return costs
    room, encode, anew = Room(view), coding(H264Encoder(view.size)), Painter(view)
    costs.append(room.run("baseline: idle, every frame anew", seconds * FPS, anew.paint, encode))
    room, plain = Room(view), AiortcDefault(view.size)
    costs.append(
        room.run(
            "baseline: speaking, swscale and x264 medium", room.speak(), lambda t: view.render(t.pose), plain.encode_rgb
        )
    )
    return costs


def main(
    avatar: Annotated[str, typer.Argument(help="A built-in avatar, or the path of a picture or a twin.")] = "ava",
    resolution: Annotated[int, typer.Option(help="Pixels of the shorter side.")] = 512,
    shape: Annotated[str, typer.Option(help="Shape of the picture.")] = "1:1",
    seconds: Annotated[int, typer.Option(min=4, help="Of idle life to time.")] = 20,
    transparent: Annotated[bool, typer.Option(help="The person alone, with the mask below.")] = False,
) -> None:
    """Time a live room's tick on one thread."""
    CONSOLE.print(this_machine().text)
    view = live_view(avatar, resolution=resolution, shape=shape, cutout=transparent)
    grid = Table(title=f"{avatar}, {view.size}: CPU ms a tick of 40 ms, mean", title_justify="left")
    for heading in ("", *PARTS, "in all", "p95", "kbit/s", "ticks"):
        grid.add_column(heading, justify="right" if heading else "left")
    for cost in measure(view, seconds, transparent=transparent):
        grid.add_row(*cost.cells())
    CONSOLE.print(grid)


if __name__ == "__main__":
    try:
        typer.run(main)
    except AvatariumError as error:
        print(error, file=sys.stderr)
        sys.exit(error.exit_code)
