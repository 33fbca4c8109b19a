"""The two tracks of a file that is being written: pictures and sound go in, packets come out."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

import av
import numpy as np
import soxr
from av.audio.stream import AudioStream
from av.codec.context import Flags
from av.container import OutputContainer
from av.packet import Packet
from av.video.plane import VideoPlane
from av.video.stream import VideoStream
from numpy.typing import NDArray

from avatarium.engine.video.encoding import AAC_OPTIONS, EncoderOptions, VideoKind
from avatarium.engine.video.yuv import YuvConverter

_BT709 = 1
"""Primaries, transfer and matrix alike (ISO/IEC 23091-2, tables 2 to 4)."""
_LIMITED = 1
_AAC_FRAME = 1024
_OPUS_FRAME = 960
"""20 ms at 48 kHz."""

_PIECE = 1 << 17


class PictureTrack:
    """Encodes frames at a constant rate: the n-th frame is shown at exactly n / fps."""

    def __init__(
        self,
        container: OutputContainer,
        kind: VideoKind,
        *,
        width: int,
        height: int,
        fps: int,
        alpha: bool,
        options: EncoderOptions,
    ) -> None:
        self.frames = 0
        self._size = (width, height)
        self._pixels = "yuva420p" if alpha else "yuv420p"
        self._time_base = Fraction(1, fps)
        self._converter = YuvConverter(width, height)
        self._last: av.VideoFrame | None = None
        codec = "libvpx-vp9" if kind is VideoKind.WEBM else "libx264"
        choices = vp9_choices(options) if kind is VideoKind.WEBM else h264_choices(options)
        stream = container.add_stream(codec, rate=fps, options=choices)
        assert isinstance(stream, VideoStream)
        self._stream = stream
        self._describe(max(1, round(options.keyframe_s * fps)))

    def _describe(self, keyframe_distance: int) -> None:
        context = self._stream.codec_context
        context.width, context.height = self._size
        context.pix_fmt = self._pixels
        context.time_base = self._time_base
        context.gop_size = keyframe_distance
        context.color_primaries = context.color_trc = context.colorspace = _BT709
        context.color_range = _LIMITED
        context.flags |= Flags.bitexact

    def encode(self, rgb: NDArray[np.uint8]) -> list[Packet[VideoStream]]:
        """Encode one frame, ``(height, width, 3)``, or 4 channels where the track has alpha."""
        width, height = self._size
        frame = av.VideoFrame(width, height, self._pixels)
        planes = [_writable(plane) for plane in frame.planes]
        self._converter.convert(rgb, planes[0], planes[1], planes[2])
        if len(planes) == 4:
            planes[3][:height, :width] = rgb[..., 3] if rgb.shape[2] == 4 else 255
        frame.color_range, frame.colorspace = _LIMITED, _BT709
        return self._send(frame)

    def repeat(self) -> list[Packet[VideoStream]]:
        """Show the last frame once more."""
        assert self._last is not None
        return self._send(self._last)

    def _send(self, frame: av.VideoFrame) -> list[Packet[VideoStream]]:
        frame.pts, frame.time_base = self.frames, self._time_base
        self.frames += 1
        self._last = frame
        return self._stream.encode(frame)

    def finish(self) -> list[Packet[VideoStream]]:
        """What the encoder still holds."""
        return self._stream.encode(None)


class SoundTrack:
    """Encodes mono sound that comes in pieces of any length, resampled to the rate of the file."""

    def __init__(self, container: OutputContainer, kind: VideoKind, *, rate: int, options: EncoderOptions) -> None:
        self.samples = 0
        """How many were encoded or wait to be, at ``rate``."""
        self.rate = options.sound_rate
        self._resampler = soxr.ResampleStream(rate, self.rate, 1) if rate != self.rate else None
        self._rest = np.empty(0, np.float32)
        self._pts = 0
        self._frame = _OPUS_FRAME if kind is VideoKind.WEBM else _AAC_FRAME
        self._format = "flt" if kind is VideoKind.WEBM else "fltp"
        codec = "libopus" if kind is VideoKind.WEBM else "aac"
        stream = container.add_stream(codec, rate=self.rate, layout="mono")
        assert isinstance(stream, AudioStream)
        stream.codec_context.bit_rate = options.sound_bitrate
        if codec == "aac":
            stream.codec_context.options = AAC_OPTIONS
        stream.codec_context.flags |= Flags.bitexact
        self._stream = stream

    def encode(self, samples: NDArray[np.float32]) -> Iterator[Packet[AudioStream]]:
        """Encode ``float32`` mono samples at the rate that they come in; an hour at once costs no more memory."""
        for at in range(0, len(samples), _PIECE):
            piece = samples[at : at + _PIECE]
            yield from self._take(piece if self._resampler is None else self._resampler.resample_chunk(piece))

    def drain(self) -> Iterator[Packet[AudioStream]]:
        """Encode what the resampler still holds; nothing but ``pad`` and ``finish`` may follow."""
        if self._resampler is not None:
            yield from self._take(self._resampler.resample_chunk(np.empty(0, np.float32), last=True))

    def pad(self, samples: int) -> Iterator[Packet[AudioStream]]:
        """Add silence until ``samples`` are there."""
        missing = samples - self.samples
        for at in range(0, missing, self.rate):
            yield from self._take(np.zeros(min(self.rate, missing - at), np.float32))

    def finish(self) -> Iterator[Packet[AudioStream]]:
        """The last, shorter frame and what the encoder still holds."""
        if len(self._rest):
            yield from self._send(self._rest)
        yield from self._stream.encode(None)

    def _take(self, samples: NDArray[np.float32]) -> Iterator[Packet[AudioStream]]:
        self.samples += len(samples)
        waiting = np.concatenate((self._rest, np.clip(samples, -1, 1)))
        whole = len(waiting) // self._frame * self._frame
        self._rest = waiting[whole:].copy()
        for at in range(0, whole, self._frame):
            yield from self._send(waiting[at : at + self._frame])

    def _send(self, samples: NDArray[np.float32]) -> list[Packet[AudioStream]]:
        frame = av.AudioFrame.from_ndarray(samples[None], format=self._format, layout="mono")
        frame.sample_rate = self.rate
        frame.pts, frame.time_base = self._pts, Fraction(1, self.rate)
        self._pts += len(samples)
        return self._stream.encode(frame)


def _writable(plane: VideoPlane) -> NDArray[np.uint8]:
    """The memory of a plane, its padding at the right included."""
    return np.frombuffer(memoryview(plane), np.uint8).reshape(-1, plane.line_size)


def h264_choices(options: EncoderOptions) -> dict[str, str]:
    """What libx264 is told."""
    return {"preset": options.preset, "crf": str(options.crf), "threads": str(options.threads)}


def vp9_choices(options: EncoderOptions) -> dict[str, str]:
    """What libvpx is told."""
    return {
        "crf": str(options.vp9_crf),
        "b": "0",  # constant quality
        "deadline": "realtime" if options.vp9_speed > 5 else "good",
        "cpu-used": str(options.vp9_speed),
        "threads": str(options.threads),
        "row-mt": "1",
        "auto-alt-ref": "0",  # alternative reference frames and alpha exclude each other in libvpx
        "lag-in-frames": "0",
    }
