"""Live sound encoded by Opus (RFC 6716, RFC 7587), 20 ms a packet, silence nearly for nothing."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import av
from av.audio.frame import AudioFrame

from avatarium.engine.live.clock import PACKET_SAMPLES, RATE, Sound

BITRATE = 48_000
SETTLED = 12
"""Silent packets after which encoder and decoder have forgotten what sounded: 0.24 s."""


class OpusEncoder:
    """Mono sound of one room at 48 kHz. For one thread at a time.

    The stream never pauses. After some silent packets the last one is repeated until something sounds; the encoder,
    which has heard nothing but silence, goes on from there.

    Args:
        bitrate: bits a second.
        loss: expected share of lost packets; above 0 each packet repeats the one before in small (in-band FEC).
    """

    def __init__(self, bitrate: int = BITRATE, *, loss: float = 0.05) -> None:
        self._context = av.CodecContext.create("libopus", "w")
        self._context.sample_rate, self._context.layout = RATE, "mono"
        self._context.format = "flt"
        self._context.bit_rate = bitrate
        self._context.time_base = Fraction(1, RATE)
        self._context.options = {
            "application": "voip",
            "frame_duration": "20",
            # Sounds the same as 10, at a third of the cost.
            "compression_level": "1",
            "vbr": "on",
            "fec": "1" if loss > 0 else "0",
            "packet_loss": str(round(loss * 100)),
        }
        self._context.open()
        self._pts = 0
        self._silent = 0
        self._repeated = b""

    def encode(self, sound: Sound) -> bytes:
        """One packet.

        Args:
            sound: shape ``(960,)``, -1..1.
        """
        if sound.shape != (PACKET_SAMPLES,):
            raise ValueError(f"a packet takes {PACKET_SAMPLES} samples, not {sound.shape}")
        self._silent = 0 if sound.any() else self._silent + 1
        if self._silent > SETTLED:
            return self._repeated
        self._repeated = self._encoded(sound)
        return self._repeated

    def close(self) -> None:
        """Free the encoder."""
        del self._context

    def _encoded(self, sound: Sound) -> bytes:
        frame: Any = AudioFrame(format="flt", layout="mono", samples=PACKET_SAMPLES)
        frame.planes[0].update(sound.tobytes())
        frame.sample_rate, frame.pts = RATE, self._pts
        self._pts += PACKET_SAMPLES
        return b"".join(bytes(packet) for packet in self._context.encode(frame))
