"""Opus made into AAC, for players that have no Opus in MP4."""

from __future__ import annotations

from fractions import Fraction

import av
from av.audio.fifo import AudioFifo

from avatarium.streaming.transports.codecs import AAC_OPTIONS
from avatarium.streaming.transports.viewer import SOUND_RATE

FRAME = 1024
"""Samples of one AAC packet."""
BITRATE = 64_000
_BASE = Fraction(1, SOUND_RATE)


class OpusToAac:
    """One stream; about one percent of a core. A jump in time needs a new one."""

    def __init__(self) -> None:
        self._decoder = av.CodecContext.create("libopus", "r")
        self._decoder.sample_rate = SOUND_RATE
        self._decoder.layout = "mono"
        self._encoder = av.CodecContext.create("aac", "w")
        self._encoder.sample_rate = SOUND_RATE
        self._encoder.layout = "mono"
        self._encoder.format = "fltp"
        self._encoder.bit_rate = BITRATE
        self._encoder.time_base = _BASE
        self._encoder.options = AAC_OPTIONS
        self._encoder.open()
        self._resampler = av.AudioResampler(format="fltp", layout="mono", rate=SOUND_RATE)
        self._fifo = AudioFifo()
        self._next: int | None = None

    @property
    def config(self) -> bytes:
        """AudioSpecificConfig (ISO/IEC 14496-3)."""
        return bytes(self._encoder.extradata or b"")

    def convert(self, data: bytes, pts: int) -> list[tuple[bytes, int]]:
        """Packets that are ready, with their times in samples; the coder's own delay is taken off."""
        packet = av.Packet(data)
        packet.pts, packet.time_base = pts, _BASE
        if self._next is None:
            self._next = pts
        for decoded in self._decoder.decode(packet):
            for frame in self._resampler.resample(decoded):
                frame.pts = None
                self._fifo.write(frame)
        made = []
        while self._fifo.samples >= FRAME:
            piece = self._fifo.read(FRAME)
            assert piece is not None
            piece.pts, piece.time_base, piece.sample_rate = self._next, _BASE, SOUND_RATE
            self._next += FRAME
            made += [(bytes(coded), int(coded.pts or 0)) for coded in self._encoder.encode(piece)]
        return made
