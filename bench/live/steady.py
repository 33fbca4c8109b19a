"""A long while in one room: frames, freezes, sound against picture. Whether they part with time, ``clocks`` tells."""

from __future__ import annotations

import io
import itertools
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from bench.figures import Figure
from bench.installation import Client
from bench.live.browser import Meter
from bench.live.rooms import booked
from bench.live.talk import LONG, SENTENCES, mouth_box

Note = Callable[[str], None]
Floats = NDArray[np.float64]
FREEZE_MS = 190.0
"""Of W3C's webrtc-stats at 25 frames a second: three times the usual gap, or the usual gap and 150 ms."""
FPS_BAR, AHEAD_BAR_MS, BEHIND_BAR_MS = 24.5, 40.0, 60.0
STEP_MS = 5.0
SETTLING_S = 10.0
"""After the start, in which the browser makes its buffers as long as they need to be."""


@dataclass(slots=True)
class Log:
    """What the browser told, second by second."""

    stats: list[dict[str, Any]] = field(default_factory=list)
    offsets: list[tuple[float, float]] = field(default_factory=list)
    """Seconds since the start, and by how much the sound is ahead of the picture in ms, by the browser's own
    estimate of what it plays out."""


def steady(client: Client, meter: Meter, seconds: float, note: Note) -> list[Figure]:
    """One viewer for a while, speech and silence in turn."""
    note(f"one room for {seconds / 60:g} minutes")
    with booked(client, round(seconds) + 120) as room:
        meter.join(room)
        meter.wait(1.0)
        meter.watch_box(mouth_box(meter.picture()))
        meter.evaluate("meter.forget()")
        log, start = Log(), time.monotonic()
        texts = itertools.cycle([*SENTENCES, LONG])
        while (passed := time.monotonic() - start) < seconds:
            if round(passed) % 12 == 0:
                room.tell("speak", text=next(texts))
            _look(meter, log, passed)
            meter.wait(1.0)
        pictures = np.array(meter.evaluate("meter.pictures"))
        sounds = np.array(meter.evaluate("meter.sounds"))
        state = room.state()
        meter.leave()
    return [*_flow(log, pictures), *_sync(log, pictures, sounds), *_server(state)]


def _look(meter: Meter, log: Log, passed_s: float) -> None:
    stats = meter.evaluate("meter.stats()")
    log.stats.append(stats)
    shown, heard = (stats.get(kind, {}).get("estimatedPlayoutTimestamp") for kind in ("video", "audio"))
    if shown and heard:
        log.offsets.append((passed_s, heard - shown))


def _flow(log: Log, pictures: Floats) -> list[Figure]:
    gaps = np.diff(pictures[:, 0])
    first, last = log.stats[0]["video"], log.stats[-1]["video"]
    frames = last["framesDecoded"] - first["framesDecoded"]
    seconds = (last["timestamp"] - first["timestamp"]) / 1000
    return [
        Figure(name="frames a second", value=frames / seconds, unit="", baseline=25.0),
        Figure(name="missing to 25 frames a second", value=max(0.0, 25 - frames / seconds), unit="", bar=25 - FPS_BAR),
        Figure(name="freezes the browser counted", value=last["freezeCount"] - first["freezeCount"], unit="", bar=0),
        Figure(name="longest gap between pictures", value=float(gaps.max()), baseline=40.0, bar=FREEZE_MS),
        Figure(name="frames dropped", value=last.get("framesDropped", 0), unit="", baseline=frames),
        Figure(name="sound that was made up", value=_concealed(log), unit="%"),
    ]


def _concealed(log: Log) -> float:
    audio = log.stats[-1]["audio"]
    silent = audio.get("silentConcealedSamples", 0)
    made_up = float(audio.get("concealedSamples", 0) - silent)
    return 100.0 * made_up / max(1.0, float(audio.get("totalSamplesReceived", 1)))


def _sync(log: Log, pictures: Floats, sounds: Floats) -> list[Figure]:
    settled = np.array([offset for at, offset in log.offsets if at > SETTLING_S])
    early, late = np.percentile(settled, [97.5, 2.5])
    lags, untouched = mouth_lags(pictures, sounds), float(np.median(mouth_lags(*unsent())))
    lag = float(np.median(lags)) if lags else float("nan")
    bar = BEHIND_BAR_MS if lag < untouched else AHEAD_BAR_MS
    return [
        Figure(name="sound ahead of picture, 97.5th percentile", value=float(early), bar=AHEAD_BAR_MS),
        Figure(name="sound behind picture, 97.5th percentile", value=float(-late), bar=BEHIND_BAR_MS),
        Figure(name="lips behind the sound, median", value=lag, baseline=untouched),
        Figure(name="lips: what the way to the browser adds", value=abs(lag - untouched), bar=bar),
        Figure(name="lips behind the sound, spread (half of p5 to p95)", value=_spread(lags)),
    ]


def _spread(lags: Sequence[float]) -> float:
    if not len(lags):
        return float("nan")
    low, high = np.percentile(lags, [5, 95])
    return float(high - low) / 2


def mouth_lags(pictures: Floats, sounds: Floats, window_s: float = 8.0, most_ms: float = 300.0) -> list[float]:
    """By how many ms the lips follow the loudness, window by window of speech, where the two agree well.

    Lips open before a vowel sounds and close after it, so that the median of natural speech is not zero either; what
    the transport adds is its change against the same speech in a file.
    """
    start, end = max(pictures[0, 0], sounds[0, 0]), min(pictures[-1, 0], sounds[-1, 0])
    grid = np.arange(start, end, STEP_MS)
    mouth = np.interp(grid, pictures[:, 0], pictures[:, 1])
    level = np.interp(grid, sounds[:, 0], sounds[:, 1])
    level = np.convolve(level, np.hanning(25) / np.hanning(25).sum(), "same")
    size, reach = round(window_s * 1000 / STEP_MS), round(most_ms / STEP_MS)
    found = (
        _lag(mouth[at : at + size], level[at : at + size], reach)
        for at in range(0, len(grid) - size, size)
        if np.mean(level[at : at + size] > 0.01) > 0.5
    )
    return [lag for lag in found if lag is not None]


def unsent() -> tuple[Floats, Floats]:
    """The same speech as it is drawn, before it is coded and sent: brightness of the mouth, and levels, with times."""
    from avatarium.engine.face import Life
    from avatarium.engine.live import FPS, RATE, TICK_S, Painter, Performer, live_view
    from avatarium.engine.speech import stream

    performer, view = Performer(Life(seed=1)), live_view("ava")
    painter = Painter(view)
    for piece in stream(LONG, "hibari-ava"):
        performer.say(piece, tag="long")
    performer.finish("long")
    pictures: list[tuple[float, float]] = []
    sounds: list[tuple[float, float]] = []
    box = None
    while performer.speaking or not pictures:
        tick = performer.tick()
        luma = painter.paint(tick)[: view.size.height]
        box = box or mouth_box(_png(luma))
        left, top, width, height = box
        pictures.append((tick.number * TICK_S * 1000, float(luma[top : top + height, left : left + width].mean())))
        blocks = tick.sound.reshape(-1, 128)
        starts = tick.number * 1000 / FPS + np.arange(len(blocks)) * 128 * 1000 / RATE
        sounds += zip(starts, np.sqrt((blocks**2).mean(1)), strict=True)
    return np.array(pictures), np.array(sounds)


def _png(luma: NDArray[np.uint8]) -> bytes:
    file = io.BytesIO()
    Image.fromarray(luma).save(file, "PNG")
    return file.getvalue()


def _lag(mouth: Floats, level: Floats, reach: int) -> float | None:
    """The shift at which a darker mouth goes best with a louder voice; None where nothing goes."""
    dark = -(mouth - mouth.mean()) / (mouth.std() + 1e-9)
    loud = (level - level.mean()) / (level.std() + 1e-9)
    inner = slice(reach, -reach)
    scores = [float(np.mean(np.roll(dark, -shift)[inner] * loud[inner])) for shift in range(-reach, reach + 1)]
    best = int(np.argmax(scores))
    return None if scores[best] < 0.3 else (best - reach) * STEP_MS


def _server(state: dict[str, Any]) -> list[Figure]:
    """What the room says of itself, where it says it in numbers."""
    figures = state.get("figures") or {}
    return [
        Figure(name=f"the room's own: {name}", value=float(value), unit="")
        for name, value in figures.items()
        if isinstance(value, int | float)
    ]
