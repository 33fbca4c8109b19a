"""Frames of a twin's loop, decoded as they are asked for; nothing but the current one is kept."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import av
import numpy as np
from av.video.frame import VideoFrame
from av.video.reformatter import ColorRange, Colorspace, Interpolation, VideoReformatter
from av.video.stream import VideoStream
from numpy.typing import NDArray

from avatarium.engine.face.video.tracking import TWIN_FPS
from avatarium.errors import InputError

Image = NDArray[np.uint8]

KEY_EVERY = 25
"""Frames between key frames: a jump of less is decoded through, a longer one is sought."""


class Player:
    """One film of a twin, its n-th frame at any moment; cheap when asked in order. For one thread.

    Args:
        path: an MP4 of 25 frames a second.
        frames: how many it has.
        grey: whether frames are single planes ``(height, width)``, as masks are.
        size: width and height of smaller frames to make; None leaves them as they are.
    """

    def __init__(self, path: Path, frames: int, *, grey: bool = False, size: tuple[int, int] | None = None) -> None:
        self._frames, self._grey, self._size = frames, grey, size
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
        width, height = self._size or (frame.width, frame.height)
        made = self._reformatter.reformat(
            frame,
            width=width,
            height=height,
            format="gray" if self._grey else "rgb24",
            src_colorspace=Colorspace.ITU709,
            src_color_range=frame.color_range if self._grey else ColorRange.MPEG,
            dst_color_range=ColorRange.JPEG,
            # Without a change of size this is the plain conversion, and with one the filter's reach grows along.
            interpolation=Interpolation.BILINEAR if self._size else Interpolation.FAST_BILINEAR,
            threads=1,
        )
        return np.asarray(made.to_ndarray(), np.uint8)


def _number(frame: VideoFrame, stream: VideoStream) -> int:
    assert frame.pts is not None and stream.time_base is not None
    return round(float((frame.pts - (stream.start_time or 0)) * stream.time_base) * TWIN_FPS)


def _damaged() -> InputError:
    return InputError("The avatar's film is damaged. Make the avatar from its video again.", code="twin_unreadable")
