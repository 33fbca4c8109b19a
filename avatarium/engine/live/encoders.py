"""Live pictures encoded: H.264 (RFC 6184) and VP8 (RFC 7741), each frame at once, at a rate that may change."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Protocol, cast

import av
from av.video.codeccontext import VideoCodecContext
from av.video.frame import PictureType, VideoFrame

from avatarium.engine.live.clock import FPS, TICK_PTS
from avatarium.engine.live.holding import Sequence
from avatarium.engine.live.painter import I420
from avatarium.engine.video.framing import Size

BITRATE = 1_000_000
LOWEST_BITRATE, HIGHEST_BITRATE = 50_000, 4_000_000
KEY_S = 0.45
"""A key frame may take so long a share of the connection: the size of the buffer that rate control fills."""
_TIME_BASE = Fraction(1, 90_000)
_BUFFER_OFF = 1.5
"""A buffer wrong by more than this factor is put right at the next key frame."""
_MOST_LEFT_OUT = 3
_STEP = 0.15
"""VP8: a change of the rate by less is not worth a key frame."""
_MACROBLOCK = 16
_LEVELS = ((1_620, 40_500, "3.0"), (3_600, 108_000, "3.1"), (8_192, 245_760, "4.0"), (22_080, 589_824, "5.0"))
"""Macroblocks in a frame and in a second that a level allows (H.264 table A-1)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Coded:
    """One encoded frame."""

    data: bytes
    """Annex B byte stream with parameter sets before each key frame, or one VP8 frame."""
    key: bool


class PictureEncoder(Protocol):
    """Encodes the frames of one room. For one thread at a time."""

    bitrate: int
    """Bits a second, settable at any time; held within the bounds of this module."""

    def encode(self, picture: I420, pts: int, *, key: bool = False) -> Coded:
        """One frame, at once.

        Args:
            picture: of the size that the encoder was made for; not written to, and not read after the call.
            pts: in 1/90,000 s, rising; gaps are frames left out.
            key: make it a key frame.
        """

    def close(self) -> None:
        """Free the encoder."""


class H264Encoder:
    """x264, constrained baseline, one thread. A new bit rate takes effect with the next frame, without a key frame.

    A frame that is the very object of the one before, and read-only, is not coded: a dozen bytes say that nothing has
    changed (:mod:`holding`).

    Args:
        size: of the frames, even sides.
        bitrate: bits a second to begin with.
        preset: of x264; ``ultrafast`` costs a third less and needs a quarter more bits.
    """

    def __init__(self, size: Size, bitrate: int = BITRATE, *, preset: str = "superfast") -> None:
        self._size, self._preset, self._bitrate = size, preset, _offered(bitrate)
        self._last_pts: int | None = None
        self._sequence: Sequence | None = None
        self._last: tuple[I420, bytes] | None = None
        self._context, self._buffer = self._open()

    @property
    def bitrate(self) -> int:
        """Bits a second."""
        return self._bitrate

    @bitrate.setter
    def bitrate(self, bits: int) -> None:
        self._bitrate = _offered(bits)

    def encode(self, picture: I420, pts: int, *, key: bool = False) -> Coded:
        """As :meth:`PictureEncoder.encode`."""
        repeated = None if key else self._repeated(picture)
        if repeated is not None:
            return repeated
        coded = self._coded(picture, pts, key)
        if coded.key:
            self._sequence = Sequence.read(coded.data)
        self._last = None if picture.flags.writeable or self._sequence is None else (picture, coded.data)
        return coded

    def _repeated(self, picture: I420) -> Coded | None:
        """The frame before once more, if it is that; but once, as two frames in a row that are no references are not
        allowed where their order is not told (8.2.1.3)."""
        if self._last is None or self._sequence is None or self._last[0] is not picture:
            return None
        data, self._last = self._sequence.repeated(self._last[1]), None
        return Coded(data=data, key=False) if data else None

    def _coded(self, picture: I420, pts: int, key: bool) -> Coded:
        if key and not 1 / _BUFFER_OFF < self._buffer / (self._bitrate * KEY_S) < _BUFFER_OFF:
            # libavcodec changes the rate of a running x264, but PyAV does not let the size of its buffer be set.
            self._context, self._buffer = self._open()
        # x264 counts frames, not time: one after others that were left out may be as large as they would have been.
        since = TICK_PTS if self._last_pts is None else pts - self._last_pts
        frames = min(max(round(since / TICK_PTS), 1), _MOST_LEFT_OUT)
        self._context.bit_rate = min(self._bitrate * frames, HIGHEST_BITRATE)
        self._last_pts = pts
        return _encoded(self._context, picture, pts, key)

    def close(self) -> None:
        """Free the encoder."""
        del self._context

    def _open(self) -> tuple[VideoCodecContext, int]:
        # Begun at a constant rate x264 stays so: the cap on each frame follows the rate, and what an idle face saves is
        # not spent on top of the rate by the speech after it (x264, init_reconfigurable).
        context = _context("libx264", self._size, HIGHEST_BITRATE)
        buffer = round(self._bitrate * KEY_S)
        context.options = {
            "preset": self._preset,
            "tune": "zerolatency",
            "profile": "baseline",
            "level": _level(self._size),
            "forced-idr": "1",
            "threads": "1",
            "maxrate": str(HIGHEST_BITRATE),
            "bufsize": str(buffer),
            "qmin": "18",
            # The matrix of OpenCV's conversion, told to the decoder.
            "x264-params": "repeat-headers=1:keyint=infinite:scenecut=0:fullrange=off"
            ":colorprim=smpte170m:transfer=smpte170m:colormatrix=smpte170m",
        }
        context.open()
        return context, buffer


class Vp8Encoder:
    """libvpx in its real-time mode, one thread. A bit rate that changes by more than a sixth costs a key frame."""

    def __init__(self, size: Size, bitrate: int = BITRATE) -> None:
        self._size, self._bitrate = size, _offered(bitrate)
        self._context, self._opened = self._open(), self._bitrate

    @property
    def bitrate(self) -> int:
        """Bits a second."""
        return self._bitrate

    @bitrate.setter
    def bitrate(self, bits: int) -> None:
        self._bitrate = _offered(bits)

    def encode(self, picture: I420, pts: int, *, key: bool = False) -> Coded:
        """As :meth:`PictureEncoder.encode`."""
        off = abs(self._bitrate / self._opened - 1)
        if off > _STEP or (key and off):
            self._context, self._opened = self._open(), self._bitrate
        return _encoded(self._context, picture, pts, key)

    def close(self) -> None:
        """Free the encoder."""
        del self._context

    def _open(self) -> VideoCodecContext:
        context = _context("libvpx", self._size, self._bitrate)
        context.gop_size = 1_000_000
        context.options = {
            "deadline": "realtime",
            "cpu-used": "-8",
            "noise-sensitivity": "0",
            "lag-in-frames": "0",
            "auto-alt-ref": "0",
            "static-thresh": "100",
            "max-intra-rate": str(round(KEY_S * FPS * 100)),
            "minrate": str(self._bitrate),
            "maxrate": str(self._bitrate),
            "bufsize": str(round(self._bitrate * KEY_S)),
            "qmin": "12",
            "qmax": "56",
            "threads": "1",
        }
        context.open()
        return context


def _context(codec: str, size: Size, bitrate: int) -> VideoCodecContext:
    context = cast(VideoCodecContext, av.CodecContext.create(codec, "w"))
    context.width, context.height = size.width, size.height
    context.pix_fmt = "yuv420p"
    context.time_base, context.framerate = _TIME_BASE, Fraction(FPS)
    context.bit_rate = bitrate
    return context


def _encoded(context: VideoCodecContext, picture: I420, pts: int, key: bool) -> Coded:
    frame: Any = VideoFrame.from_ndarray(picture, format="yuv420p")
    frame.pts, frame.time_base = pts, _TIME_BASE
    if key:
        frame.pict_type = PictureType.I
    packets = context.encode(frame)
    return Coded(data=b"".join(bytes(p) for p in packets), key=any(p.is_keyframe for p in packets))


def _offered(bitrate: int) -> int:
    return min(max(bitrate, LOWEST_BITRATE), HIGHEST_BITRATE)


def _level(size: Size) -> str:
    columns, rows = (-(-side // _MACROBLOCK) for side in (size.width, size.height))
    blocks = columns * rows
    fitting = (name for most, rate, name in _LEVELS if blocks <= most and blocks * FPS <= rate)
    return next(fitting, "5.1")
