"""Frames of a twin's loop, decoded as they are asked for; nothing but the current one is kept."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import av
import numpy as np
from av.video.frame import VideoFrame
from av.video.plane import VideoPlane
from av.video.reformatter import ColorRange, Colorspace, Interpolation, VideoReformatter
from av.video.stream import VideoStream
from numpy.typing import NDArray

from avatarium.engine.face.video.tracking import TWIN_FPS
from avatarium.errors import InputError

Image = NDArray[np.uint8]

KEY_EVERY = 25
"""Frames between key frames: a jump of less is decoded through, a longer one is sought."""
_FOUR_TWO_ZERO = ("yuv420p", "yuvj420p")


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A rectangle of a film in pixels; all four are even."""

    left: int
    top: int
    width: int
    height: int


class Player:
    """One film of a twin, its n-th frame at any moment; cheap when asked in order. For one thread.

    Args:
        path: an MP4 of 25 frames a second.
        frames: how many it has.
        grey: whether frames are single planes ``(height, width)``, as masks are.
        size: width and height of smaller frames to make; None leaves them as they are.
        part: of the film that is given; None gives all of it.
    """

    def __init__(
        self,
        path: Path,
        frames: int,
        *,
        grey: bool = False,
        size: tuple[int, int] | None = None,
        part: Part | None = None,
    ) -> None:
        self._frames, self._grey, self._size = frames, grey, size
        self._part = part
        self._cut: VideoFrame | None = None
        self._at = -1
        self._shown: Image | None = None
        self._reformatter = VideoReformatter()
        try:
            self._container = av.open(str(path), options={"protocol_whitelist": "file"}, format="mp4")
            self._stream = self._container.streams.video[0]
        except (av.FFmpegError, IndexError) as problem:
            raise _damaged() from problem
        self._stream.codec_context.thread_count = 1
        self._decoded = self._read()

    def frame(self, number: int) -> Image:
        """RGB ``(height, width, 3)``, or a plane; the same array as before where the number is. Not to be written to.

        Raises:
            InputError: ``twin_unreadable``: the film is damaged.
        """
        number %= self._frames
        if number == self._at and self._shown is not None:
            return self._shown
        try:
            frame = self._reach(number)
        except av.FFmpegError as problem:
            raise _damaged() from problem
        self._shown = self._pixels(frame)
        return self._shown

    def close(self) -> None:
        """Let go of the file."""
        self._decoded = iter(())  # the generator holds this and the container in a ring
        self._container.close()

    def _reach(self, number: int) -> VideoFrame:
        if not 0 <= number - self._at - 1 <= KEY_EVERY:
            self._seek(number)
        for frame in self._decoded:
            self._at = _number(frame, self._stream)
            if self._at >= number:
                self._at = number
                return frame
        raise _damaged()

    def _seek(self, number: int) -> None:
        base = self._stream.time_base
        assert base is not None
        self._container.seek(round(number / TWIN_FPS / base), stream=self._stream, backward=True)
        self._decoded = self._read()

    def _read(self) -> Iterator[VideoFrame]:
        yield from self._container.decode(self._stream)

    def _pixels(self, frame: VideoFrame) -> Image:
        colours = frame.color_range if self._grey else ColorRange.MPEG
        if self._part is not None:
            # Made out of a frame it keeps where that has its colours: none can be told to a frame made anew.
            self._cut = self._cut or frame.reformat(width=self._part.width, height=self._part.height)
            frame = _cut_out(frame, self._part, self._cut)
        width, height = self._size or (frame.width, frame.height)
        made = self._reformatter.reformat(
            frame,
            width=width,
            height=height,
            format="gray" if self._grey else "rgb24",
            src_colorspace=Colorspace.ITU709,
            src_color_range=colours,
            dst_color_range=ColorRange.JPEG,
            # Without a change of size the fast one is the plain conversion of colours, but off at sharp edges of masks;
            # with one the filter's reach grows along.
            interpolation=Interpolation.BILINEAR if self._size or self._grey else Interpolation.FAST_BILINEAR,
            threads=1,
        )
        return np.asarray(made.to_ndarray(), np.uint8)


def _cut_out(frame: VideoFrame, part: Part, out: VideoFrame) -> VideoFrame:
    """Copy a part of a 4:2:0 frame."""
    fits = part.left + part.width <= frame.width and part.top + part.height <= frame.height
    if not fits or frame.format.name not in _FOUR_TWO_ZERO:
        raise _damaged()
    for finer, source, target in zip((1, 2, 2), frame.planes, out.planes, strict=True):
        top, left, height, width = (n // finer for n in (part.top, part.left, part.height, part.width))
        _rows(target)[:height, :width] = _rows(source)[top : top + height, left : left + width]
    return out


def _rows(plane: VideoPlane) -> Image:
    return np.frombuffer(memoryview(plane), np.uint8).reshape(-1, plane.line_size)


def _number(frame: VideoFrame, stream: VideoStream) -> int:
    assert frame.pts is not None and stream.time_base is not None
    return round(float((frame.pts - (stream.start_time or 0)) * stream.time_base) * TWIN_FPS)


def _damaged() -> InputError:
    return InputError("The avatar's film is damaged. Make the avatar from its video again.", code="twin_unreadable")
