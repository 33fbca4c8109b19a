"""Live sound encoded by Opus (RFC 6716, RFC 7587), 20 ms a packet, silence nearly for nothing."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import av
from av.audio.codeccontext import AudioCodecContext
from av.audio.frame import AudioFrame

from avatarium.engine.live.clock import PACKET_SAMPLES, RATE, Sound

BITRATE, LOSSY_BITRATE = 40_000, 48_000
"""What comes out is up to a third more than the first where much is said, a little less than the second."""
EXPECTED_LOSS = 5
"""Percent."""
SETTLED = 12
"""Silent packets after which encoder and decoder have forgotten what sounded: 0.24 s."""


class OpusEncoder:
    """Mono sound of one room at 48 kHz. For one thread at a time.

    The stream never pauses. After some silent packets the last one is repeated until something sounds; the encoder,
    which has heard nothing but silence, goes on from there.

    Args:
        lossy: see :attr:`lossy`.
    """

    def __init__(self, *, lossy: bool = False) -> None:
        self.lossy = lossy
        """Whether packets get lost, settable at any time: then each repeats the one before in small (in-band FEC),
        which only Opus's mode for speech can. That takes nearly twice the time and is further from what was said."""
        self._context, self._is_lossy = _opened(lossy), lossy
        self._pts = 0
        self._silent = 0
        self._repeated = b""
        self._last: Sound | None = None

    def encode(self, sound: Sound) -> bytes:
        """One packet.

        Args:
            sound: shape ``(960,)``, -1..1.
        """
        if sound.shape != (PACKET_SAMPLES,):
            raise ValueError(f"a packet takes {PACKET_SAMPLES} samples, not {sound.shape}")
        if self.lossy is not self._is_lossy:
            self._change()
        self._silent = 0 if sound.any() else self._silent + 1
        if self._silent > SETTLED:
            return self._repeated
        self._last = sound
        self._repeated = self._encoded(sound)
        return self._repeated

    def close(self) -> None:
        """Free the encoder."""
        del self._context

    def _change(self) -> None:
        """Another encoder; decoders fade from one mode into the other.

        One that has heard the last packet goes on without a dent; the mode for speech, which foretells loudness from
        what it heard, would then be too soft for a tenth of a second. Without, it dips for 7 ms.
        """
        self._context, self._is_lossy = _opened(self.lossy), self.lossy
        if self._last is not None and not self.lossy:
            self._encoded(self._last)
        self._silent = 0

    def _encoded(self, sound: Sound) -> bytes:
        frame: Any = AudioFrame(format="flt", layout="mono", samples=PACKET_SAMPLES)
        frame.planes[0].update(sound.tobytes())
        frame.sample_rate, frame.pts = RATE, self._pts
        self._pts += PACKET_SAMPLES
        return b"".join(bytes(packet) for packet in self._context.encode(frame))


def _opened(lossy: bool) -> AudioCodecContext:
    context = av.CodecContext.create("libopus", "w")
    context.sample_rate, context.layout = RATE, "mono"
    context.format = "flt"
    context.bit_rate = LOSSY_BITRATE if lossy else BITRATE
    context.time_base = Fraction(1, RATE)
    context.options = {
        "application": "voip" if lossy else "audio",
        "frame_duration": "20",
        # Sounds the same as 10, at a third of the cost.
        "compression_level": "1",
        "vbr": "on",
        "fec": "1" if lossy else "0",
        "packet_loss": str(EXPECTED_LOSS if lossy else 0),
    }
    context.open()
    return context
