"""Carrying the sound of one file over into another: as it is where the container takes it, else encoded anew."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import Any, Protocol

import av
import numpy as np
from av.audio.frame import AudioFrame
from av.audio.stream import AudioStream
from av.codec.context import Flags
from av.container import InputContainer, OutputContainer
from av.packet import Packet
from numpy.typing import NDArray

from avatarium.engine.video.encoding import AAC_OPTIONS, EncoderOptions, VideoKind

_COPIED = {VideoKind.MP4: ("aac",), VideoKind.WEBM: ("opus", "vorbis", "libopus", "libvorbis")}
_KEEPERS = ("mov", "matroska")
"""Containers whose packets and times can be taken over as they are."""
_ENCODERS = {VideoKind.MP4: ("aac", "fltp", 1024), VideoKind.WEBM: ("libopus", "flt", 960)}
_GAP_S = 0.1
"""A later start than this is a hole in the recording, a smaller one is rounding of time stamps."""
_START_GAP_S = 0.002


class SoundCarrier(Protocol):
    """Takes the packets of the source's sound and gives those of the result."""

    def take(self, packet: Packet[AudioStream]) -> Iterator[Packet[Any]]:
        """What can be written after this packet."""

    def finish(self) -> Iterator[Packet[Any]]:
        """What was held back."""


def carrier(
    source: InputContainer, target: OutputContainer, kind: VideoKind, options: EncoderOptions
) -> tuple[AudioStream, SoundCarrier] | None:
    """The sound track of a file and what carries it over; None where there is none that can be decoded."""
    stream = source.streams.best("audio")
    if not isinstance(stream, AudioStream) or stream.codec_context is None or not stream.codec_context.sample_rate:
        return None
    origin_s = Fraction(max(0, source.start_time or 0), 1_000_000)
    kept = source.format.name.split(",")[0] in _KEEPERS and stream.codec_context.name in _COPIED[kind]
    if kept:
        return stream, _Copy(target, stream, origin_s)
    return stream, _Anew(target, stream, kind, options, origin_s)


class _Copy:
    def __init__(self, target: OutputContainer, stream: AudioStream, origin_s: Fraction) -> None:
        self._stream = target.add_stream_from_template(stream)
        assert stream.time_base is not None
        self._origin = round(origin_s / stream.time_base)

    def take(self, packet: Packet[AudioStream]) -> Iterator[Packet[Any]]:
        if packet.dts is None or packet.pts is None:
            return
        packet.pts -= self._origin
        packet.dts -= self._origin
        packet.stream = self._stream
        yield packet

    def finish(self) -> Iterator[Packet[Any]]:
        yield from ()


class _Anew:
    """Mono or stereo; holes are filled with silence, so that what follows keeps its place beside the picture."""

    def __init__(
        self,
        target: OutputContainer,
        stream: AudioStream,
        kind: VideoKind,
        options: EncoderOptions,
        origin_s: Fraction,
    ) -> None:
        codec, self._format, self._frame = _ENCODERS[kind]
        self._channels = 1 if stream.codec_context.layout.nb_channels == 1 else 2
        self._layout = "mono" if self._channels == 1 else "stereo"
        self._rate = options.sound_rate
        self._at_s = self._origin_s = float(origin_s)
        self._coming: tuple[str, str, int] | None = None
        self._resampler: av.AudioResampler | None = None
        self._rest = np.empty((self._channels, 0), np.float32)
        self._pts = 0
        made = target.add_stream(codec, rate=self._rate, layout=self._layout)
        assert isinstance(made, AudioStream)
        made.codec_context.bit_rate = options.sound_bitrate * self._channels
        if codec == "aac":
            made.codec_context.options = AAC_OPTIONS
        made.codec_context.flags |= Flags.bitexact
        self._stream = made

    def take(self, packet: Packet[AudioStream]) -> Iterator[Packet[Any]]:
        try:
            frames = packet.decode()
        except av.InvalidDataError:
            return
        for frame in frames:
            yield from self._add(frame)

    def finish(self) -> Iterator[Packet[Any]]:
        yield from self._flush()
        if self._rest.shape[1]:
            yield from self._send(self._rest)
        yield from self._stream.encode(None)

    def _add(self, frame: AudioFrame) -> Iterator[Packet[Any]]:
        start_s = self._at_s if frame.time is None else frame.time
        gap_s, least_s = start_s - self._at_s, _GAP_S if self._resampler else _START_GAP_S
        coming = (frame.format.name, frame.layout.name, frame.sample_rate)
        if gap_s > least_s or coming != self._coming:
            yield from self._flush()
        if gap_s > least_s:
            yield from self._silence(gap_s)
            self._at_s = start_s
        if self._resampler is None:
            self._coming = coming
            self._resampler = av.AudioResampler(format="fltp", layout=self._layout, rate=self._rate)
        length_s = frame.samples / frame.sample_rate
        if start_s + length_s <= self._origin_s:  # before the picture begins
            return
        self._at_s += length_s
        frame.pts = None
        yield from self._resampled(self._resampler, frame)

    def _flush(self) -> Iterator[Packet[Any]]:
        resampler, self._resampler = self._resampler, None
        if resampler is not None:
            yield from self._resampled(resampler, None)

    def _resampled(self, resampler: av.AudioResampler, frame: AudioFrame | None) -> Iterator[Packet[Any]]:
        for made in resampler.resample(frame):
            yield from self._take(made.to_ndarray())

    def _silence(self, seconds: float) -> Iterator[Packet[Any]]:
        missing = round(seconds * self._rate)
        for at in range(0, missing, self._rate):
            yield from self._take(np.zeros((self._channels, min(self._rate, missing - at)), np.float32))

    def _take(self, samples: NDArray[Any]) -> Iterator[Packet[Any]]:
        waiting = np.concatenate((self._rest, np.clip(np.nan_to_num(samples), -1, 1)), axis=1)
        whole = waiting.shape[1] // self._frame * self._frame
        self._rest = waiting[:, whole:].copy()
        for at in range(0, whole, self._frame):
            yield from self._send(waiting[:, at : at + self._frame])

    def _send(self, samples: NDArray[np.float32]) -> list[Packet[AudioStream]]:
        laid_out = samples if self._format == "fltp" else samples.T.reshape(1, -1)
        frame = av.AudioFrame.from_ndarray(
            np.ascontiguousarray(laid_out, np.float32), format=self._format, layout=self._layout
        )
        frame.sample_rate = self._rate
        frame.pts, frame.time_base = self._pts, Fraction(1, self._rate)
        self._pts += samples.shape[1]
        return self._stream.encode(frame)
