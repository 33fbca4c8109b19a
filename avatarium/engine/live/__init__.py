"""Live rooms, the media of them: what a face does tick by tick, frames, encoders, and speech that is pushed in.

    view = live_view("ava")
    performer, painter, encoder = Performer(Life(seed=1)), Painter(view), H264Encoder(view.size)
    for piece in stream("Hello there.", "hibari-ava"):
        performer.say(piece, tag="hello")
    performer.finish("hello")
    tick = performer.tick()
    packet = encoder.encode(painter.paint(tick), tick.number * TICK_PTS)

Names are resolved on first use, so that importing this package costs nothing.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from avatarium.engine.live.clock import FPS, PACKET_SAMPLES, RATE, SILENCE, TICK_PTS, TICK_S, TICK_SAMPLES
    from avatarium.engine.live.encoders import Coded, H264Encoder, PictureEncoder, Vp8Encoder
    from avatarium.engine.live.gestures import Gesture
    from avatarium.engine.live.heard import HeardSound
    from avatarium.engine.live.idle import Look
    from avatarium.engine.live.marks import Cut, Mark, MarkKind
    from avatarium.engine.live.opus import OpusEncoder
    from avatarium.engine.live.painter import I420, IdleFrames, Painter
    from avatarium.engine.live.performer import Performer, Tick
    from avatarium.engine.live.view import live_view

_HOMES = {
    **dict.fromkeys(("FPS", "PACKET_SAMPLES", "RATE", "SILENCE", "TICK_PTS", "TICK_S", "TICK_SAMPLES"), "clock"),
    **dict.fromkeys(("Coded", "H264Encoder", "PictureEncoder", "Vp8Encoder"), "encoders"),
    "Gesture": "gestures",
    "HeardSound": "heard",
    "Look": "idle",
    **dict.fromkeys(("Cut", "Mark", "MarkKind"), "marks"),
    "OpusEncoder": "opus",
    **dict.fromkeys(("I420", "IdleFrames", "Painter"), "painter"),
    **dict.fromkeys(("Performer", "Tick"), "performer"),
    "live_view": "view",
}

__all__ = [
    "FPS",
    "I420",
    "PACKET_SAMPLES",
    "RATE",
    "SILENCE",
    "TICK_PTS",
    "TICK_S",
    "TICK_SAMPLES",
    "Coded",
    "Cut",
    "Gesture",
    "H264Encoder",
    "HeardSound",
    "IdleFrames",
    "Look",
    "Mark",
    "MarkKind",
    "OpusEncoder",
    "Painter",
    "Performer",
    "PictureEncoder",
    "Tick",
    "Vp8Encoder",
    "live_view",
]


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{home}"), name)
