"""How soon: offer to first picture, ``speak`` to first sound and to the frame that goes with it, ``interrupt`` to
silence."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from bench.figures import Figure, Spread
from bench.installation import Client
from bench.likeness.landmarks import find_face, fit_points
from bench.live.browser import Meter
from bench.live.rooms import PREFIX, Room, booked

Note = Callable[[str], None]
SENTENCES = (
    "Hello, how are you today?",
    "Of course, I can help you with that.",
    "My name is Ava.",
    "Please tell me a little more.",
    "Open the door, please.",
)
LONG = "This is a rather long story about a small village by the sea, and nobody knows how it will end. " * 4
PICTURE_BAR_MS, SOUND_P50_MS, SOUND_P95_MS, FRAME_BAR_MS, SILENCE_BAR_MS = 700.0, 300.0, 600.0, 150.0, 250.0
MOVED = 0.25
"""Of the span of the mouth's brightness while speaking, which counts as the lips having moved."""


@dataclass(slots=True)
class Times:
    """Milliseconds of each trial."""

    sound: list[float] = field(default_factory=list)
    frame: list[float] = field(default_factory=list)
    silence: list[float] = field(default_factory=list)
    answer: list[float] = field(default_factory=list)


def starts(client: Client, meter: Meter, trials: int, note: Note) -> list[Figure]:
    """Offer to answer, and to the first picture, of rooms whose avatar was shown before."""
    note(f"{trials} rooms joined")
    times = []
    for _ in range(trials + 1):
        with booked(client, 60) as room:
            times.append(meter.join(room))
            meter.leave()
    warm = times[1:]
    answers, pictures = (Spread.of([t[name] for t in warm]) for name in ("answer_ms", "picture_ms"))
    return [
        Figure(name="offer to answer, p50", value=answers.p50),
        Figure(name="offer to first picture, p50", value=pictures.p50, baseline=answers.p50),
        Figure(name="offer to first picture, p95", value=pictures.p95, baseline=answers.p95, bar=PICTURE_BAR_MS),
        Figure(name="the very first room", value=times[0]["picture_ms"], baseline=pictures.p50),
    ]


def talk(client: Client, meter: Meter, trials: int, note: Note) -> list[Figure]:
    """Latencies of speaking and of being interrupted, as the browser hears and sees them."""
    note(f"{trials} sentences and {trials} interrupts")
    times = Times()
    with booked(client, 1200) as room:
        meter.join(room)
        meter.wait(1.0)
        meter.watch_box(mouth_box(meter.picture()))
        for number in range(trials):
            _sentence(client, meter, room, SENTENCES[number % len(SENTENCES)], times)
        for _ in range(trials):
            _interrupt(client, meter, room, times)
        meter.leave()
    sound, frame, silence = Spread.of(times.sound), Spread.of(times.frame), Spread.of(times.silence)
    answer = Spread.of(times.answer)
    return [
        Figure(name="speak to first sound, p50", value=sound.p50, baseline=answer.p50, bar=SOUND_P50_MS),
        Figure(name="speak to first sound, p95", value=sound.p95, baseline=answer.p95, bar=SOUND_P95_MS),
        Figure(name="first sound to moving lips, p95", value=frame.p95, bar=FRAME_BAR_MS),
        Figure(name="interrupt to silence in the browser, p50", value=silence.p50, baseline=answer.p50),
        Figure(name="interrupt to silence in the browser, p95", value=silence.p95, bar=SILENCE_BAR_MS),
    ]


def mouth_box(png: bytes) -> tuple[int, int, int, int]:
    """Where the inner mouth is, by dlib's landmarks.

    Raises:
        ValueError: dlib sees no face.
    """
    picture = np.asarray(Image.open(io.BytesIO(png)).convert("RGB"))
    face = find_face(picture)
    if face is None:
        raise ValueError("no face is seen in the room's picture")
    lips = fit_points(picture, face)[60:68]
    (left, top), (right, bottom) = lips.min(0), lips.max(0)
    height = (right - left) * 0.45
    middle = (top + bottom) / 2
    return round(left), round(middle - 0.2 * height), round(right - left), round(height)


def _call(client: Client, meter: Meter, room: Room, name: str, times: Times, **what: object) -> float:
    """When the call was sent."""
    path = f"{client.address}{PREFIX}/{name}"
    called = meter.call(path, client.key, {"channel": room.channel, **what})
    if called["data"]["code"] != 0:
        raise ValueError(f"{name} was refused: {called['data']}")
    times.answer.append(called["answered"] - called["sent"])
    return float(called["sent"])


def _sentence(client: Client, meter: Meter, room: Room, text: str, times: Times) -> None:
    meter.evaluate("meter.forget()")
    meter.wait(0.6)
    sent = _call(client, meter, room, "speak", times, text=text)
    heard = meter.heard_after(sent)
    if heard is None:
        raise ValueError("nothing was heard")
    times.sound.append(heard - sent)
    meter.wait(3.0)
    moved = _moved(np.array(meter.evaluate("meter.pictures")), heard)
    times.frame.append(moved - heard)


def _moved(pictures: NDArray[np.float64], heard: float) -> float:
    """When the mouth's brightness first left what it was before the sound."""
    before = pictures[(pictures[:, 0] < heard - 250)][:, 1]
    rest, span = float(np.median(before)), float(np.ptp(pictures[:, 1]))
    moved = pictures[(np.abs(pictures[:, 1] - rest) > MOVED * span) & (pictures[:, 0] > heard - 250)]
    return float(moved[0, 0]) if len(moved) else heard + 1000


def _interrupt(client: Client, meter: Meter, room: Room, times: Times) -> None:
    meter.evaluate("meter.forget()")
    sent = _call(client, meter, room, "speak", times, text=LONG)
    meter.heard_after(sent)
    meter.wait(1.5)
    sent = _call(client, meter, room, "interrupt", times)
    meter.wait(1.2)
    last = meter.evaluate("meter.lastHeard()")
    times.silence.append(max(0.0, last - sent))
