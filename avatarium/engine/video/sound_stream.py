"""Sound as bytes while it is made: every piece can be sent on at once, in any of the formats that players stream."""

from __future__ import annotations

import io
from enum import StrEnum
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import av
import numpy as np
from av.audio.stream import AudioStream
from numpy.typing import NDArray

from avatarium.engine.video.encoding import AAC_OPTIONS

if TYPE_CHECKING:  # the package of speech brings its models along when it is imported
    from avatarium.engine.speech.records import Samples


class StreamKind(StrEnum):
    """A format that is written forward only."""

    MP3 = "mp3"
    OPUS = "opus"
    AAC = "aac"
    FLAC = "flac"
    WAV = "wav"
    PCM = "pcm"
    """Sixteen-bit samples, little end first, and nothing else."""


MEDIA_TYPES = {
    StreamKind.MP3: "audio/mpeg",
    StreamKind.OPUS: "audio/ogg",
    StreamKind.AAC: "audio/aac",
    StreamKind.FLAC: "audio/flac",
    StreamKind.WAV: "audio/wav",
    StreamKind.PCM: "audio/pcm",
}
_CODECS = {
    StreamKind.MP3: ("mp3", "libmp3lame", "fltp", {"write_xing": "0", "id3v2_version": "0"}),
    StreamKind.OPUS: ("ogg", "libopus", "flt", {"page_duration": "200000"}),
    StreamKind.AAC: ("adts", "aac", "fltp", {}),
    StreamKind.FLAC: ("flac", "flac", "s16", {}),
    StreamKind.WAV: ("wav", "pcm_s16le", "s16", {}),
}
_BIT_RATES = {StreamKind.MP3: 96_000, StreamKind.OPUS: 48_000, StreamKind.AAC: 96_000}
_PCM_FRAME = 4096
_LAME_SCALE = 0.95
"""LAME turns everything down by so much before it encodes; undone, so that the level stays what it was."""


class _Pipe(io.RawIOBase):
    """Where the container writes: forward only, taken out piece by piece."""

    def __init__(self) -> None:
        self._held = bytearray()

    def writable(self) -> bool:
        return True

    def write(self, data: bytes) -> int:  # type: ignore[override]
        self._held += data
        return len(data)

    def take(self) -> bytes:
        """What has come since."""
        taken = bytes(self._held)
        self._held.clear()
        return taken


class SoundStream:
    """Encodes mono sound as it comes. Not for several threads at once.

    Args:
        kind: the format.
        rate: samples a second; 24,000 suits every one of them.
    """

    def __init__(self, kind: StreamKind, *, rate: int) -> None:
        self._kind = kind
        self._rate = rate
        self._rest = np.empty(0, np.float32)
        self._sent = 0
        self._pipe = _Pipe()
        if kind is StreamKind.PCM:
            return
        container, codec, self._format, options = _CODECS[kind]
        self._container = av.open(
            self._pipe, "w", format=container, options={"fflags": "+bitexact", "flush_packets": "1", **options}
        )
        stream = self._container.add_stream(codec, rate=rate, layout="mono")
        assert isinstance(stream, AudioStream)
        stream.codec_context.format = self._format
        if kind in _BIT_RATES:
            stream.codec_context.bit_rate = _BIT_RATES[kind]
        if kind is StreamKind.AAC:
            stream.codec_context.options = AAC_OPTIONS
        self._stream = stream

    def write(self, samples: Samples) -> bytes:
        """The bytes that can be sent after these ``float32`` samples; none where a frame is not full yet."""
        if self._kind is StreamKind.PCM:
            return _sixteen(samples).tobytes()
        waiting = np.concatenate((self._rest, samples))
        self._stream.codec_context.open(strict=False)
        frame = self._stream.codec_context.frame_size or _PCM_FRAME
        whole = len(waiting) // frame * frame
        self._rest = waiting[whole:].copy()
        for at in range(0, whole, frame):
            self._send(waiting[at : at + frame])
        return self._pipe.take()

    def close(self) -> bytes:
        """The rest, and what the format puts at its end."""
        if self._kind is StreamKind.PCM:
            return b""
        if len(self._rest):
            self._send(self._rest)
        self._container.mux(self._stream.encode(None))
        self._container.close()
        return self._pipe.take()

    def _send(self, samples: Samples) -> None:
        frame = av.AudioFrame.from_ndarray(self._packed(samples)[None], format=self._format, layout="mono")
        frame.sample_rate = self._rate
        frame.pts, frame.time_base = self._sent, Fraction(1, self._rate)
        self._sent += len(samples)
        self._container.mux(self._stream.encode(frame))

    def _packed(self, samples: Samples) -> NDArray[Any]:
        if self._format == "s16":
            return _sixteen(samples)
        scale = _LAME_SCALE if self._kind is StreamKind.MP3 else 1.0
        return np.clip(samples, -1.0, 1.0) / np.float32(scale)


def _sixteen(samples: Samples) -> NDArray[np.int16]:
    rounded: NDArray[np.int16] = np.rint(np.clip(samples, -1.0, 1.0) * 32_767).astype("<i2")
    return rounded
