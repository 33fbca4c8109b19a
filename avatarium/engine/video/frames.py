"""Reading the pictures of a video at a constant rate: upright, in RGB, one for every instant of the time line."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.container import InputContainer
from av.video.reformatter import ColorRange, Colorspace, Interpolation, VideoReformatter
from av.video.stream import VideoStream
from numpy.typing import NDArray

from avatarium.engine.files import StrPath
from avatarium.engine.video.container import open_media, unreadable
from avatarium.engine.video.probe import MAX_PIXELS, made_rate, picture_stream, shown_size
from avatarium.errors import InputError

MAX_S = 3600.0
_HD_HEIGHT = 720
_BT709, _BT470BG, _SMPTE170M, _BT2020 = 1, 5, 6, 9
_MATRICES = {
    _BT709: Colorspace.ITU709,
    _BT470BG: Colorspace.ITU601,
    _SMPTE170M: Colorspace.ITU601,
    _BT2020: Colorspace.BT2020,
}
QUALITY = Interpolation.BICUBIC | Interpolation.ACCURATE_RND | Interpolation.FULL_CHR_H_INT


def read_frames(
    path: StrPath, *, fps: int | Fraction | None = None, max_s: float = MAX_S
) -> Iterator[NDArray[np.uint8]]:
    """Yield the frames of a video, ``uint8`` RGB ``(height, width, 3)``, the n-th as it is seen at n / fps.

    Files of variable rate come out constant, frames repeated or left out; rotation and oblong pixels are applied; time
    begins where the file begins, so that the sound of ``read_sound`` fits. Colours are converted by the matrix the
    file is tagged with, else by BT.709 from 720 lines on and BT.601 below; high dynamic range is not tone-mapped,
    interlaced pictures are not split. Damaged frames are left out.

    Args:
        path: the video.
        fps: frames a second to yield; the file's own rate unless told.
        max_s: how much is read; what is longer raises.

    Raises:
        InputError: as ``probe``, at the first frame; later ``video_too_long``.
    """
    with open_media(path, error=InputError, noun="video") as container:
        stream = picture_stream(container, path)
        stream.thread_type = "AUTO"
        rate = Fraction(fps) if fps else made_rate(stream)
        empty = True
        for frame in _at_constant_rate(_shown(container, stream, path), rate, path, max_s):
            empty = False
            yield frame
        if empty:
            raise unreadable(path, error=InputError, noun="video")


class _Shown:
    """A decoded frame that becomes RGB when it is first asked for: at a lower rate many never are."""

    def __init__(
        self, frame: av.VideoFrame, start_s: float, reformatter: VideoReformatter, size: tuple[int, int]
    ) -> None:
        self.start_s = start_s
        self._frame = frame
        self._converted = False
        self._reformatter = reformatter
        self._size = size

    def rgb(self) -> NDArray[np.uint8]:
        """A new array each time: callers draw into what they get."""
        if not self._converted:
            self._frame, self._converted = _to_rgb(self._frame, self._reformatter, self._size), True
        rgb = np.array(self._frame.to_ndarray(), np.uint8)
        turns = round(self._frame.rotation / 90) % 4
        return np.ascontiguousarray(np.rot90(rgb, turns)) if turns else rgb


def _to_rgb(frame: av.VideoFrame, reformatter: VideoReformatter, size: tuple[int, int]) -> av.VideoFrame:
    guess = Colorspace.ITU709 if frame.height >= _HD_HEIGHT else Colorspace.ITU601
    return reformatter.reformat(
        frame,
        width=size[0],
        height=size[1],
        format="rgb24",
        src_colorspace=_MATRICES.get(frame.colorspace, guess),
        src_color_range=frame.color_range or ColorRange.UNSPECIFIED,
        dst_color_range=ColorRange.JPEG,
        interpolation=QUALITY,
        threads=1,
    )


def _shown(container: InputContainer, stream: VideoStream, path: StrPath) -> Iterator[_Shown]:
    """Decoded frames with the time from which each is shown; the last one comes twice, at its end as well."""
    origin_s = max(0.0, (container.start_time or 0) / 1e6)
    step_s = float(1 / made_rate(stream))
    reformatter, size = VideoReformatter(), shown_size(stream)
    next_s, last = 0.0, None
    for frame in _decoded(container, stream, path):
        if frame.width * frame.height > MAX_PIXELS:
            continue
        start_s = next_s if frame.time is None else max(0.0, frame.time - origin_s)
        length_s = float(frame.duration * frame.time_base) if frame.duration and frame.time_base else step_s
        next_s = start_s + length_s
        last = _Shown(frame, start_s, reformatter, size)
        yield last
    if last is not None:
        last.start_s = next_s
        yield last


def _decoded(container: InputContainer, stream: VideoStream, path: StrPath) -> Iterator[av.VideoFrame]:
    try:
        for packet in container.demux(stream):
            try:
                yield from packet.decode()
            except av.InvalidDataError:
                continue
    except av.FFmpegError as problem:
        raise unreadable(path, error=InputError, noun="video") from problem


def _at_constant_rate(
    shown: Iterable[_Shown], rate: Fraction, path: StrPath, max_s: float
) -> Iterator[NDArray[np.uint8]]:
    """For every instant the frame that is seen in the middle of it: time stamps are rounded, their middles are safe."""
    before: _Shown | None = None
    count = 0
    for frame in shown:
        current = before or frame
        while (count + 0.5) / rate < frame.start_s:
            if count >= max_s * rate:
                raise InputError(
                    f"{Path(path).name} is longer than {max_s / 60:g} minutes. Cut it.", code="video_too_long"
                )
            yield current.rgb()
            count += 1
        before = frame
