"""The picture of a decoded frame as planes of luma and chroma that may be drawn into, upright and with square pixels.

Where size and coding allow it, the samples are those of the source, not converted by way of RGB and back.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import av
import numpy as np
from av.video.plane import VideoPlane
from av.video.reformatter import ColorRange, Colorspace, VideoReformatter
from av.video.stream import VideoStream
from numpy.typing import NDArray

from avatarium.engine.video.frames import QUALITY
from avatarium.engine.video.probe import shown_size

Plane = NDArray[np.uint8]

LONGEST = 4096
"""Longest side of what is written: H.264's level 5.2, which players know, ends near it."""
_HD_HEIGHT = 720
_BT709, _UNTOLD, _SMPTE170M, _RGB = 1, 2, 6, 0
_FULL, _LIMITED = 2, 1


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Planes:
    """One picture, 4:2:0: chroma has half the columns and rows, rounded up."""

    y: Plane
    u: Plane
    v: Plane
    alpha: Plane | None
    matrix: int
    """By ISO/IEC 23091-2, table 4: 1 is BT.709, 5 and 6 are BT.601, 9 is BT.2020."""
    full_range: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class PictureCoding:
    """How the pictures of the result are laid out and tagged."""

    width: int
    """As shown; the coded picture has a column more where this is odd and the coding wants even sides."""
    height: int
    even: bool
    alpha: bool
    matrix: int
    primaries: int
    transfer: int
    full_range: bool

    @property
    def coded_size(self) -> tuple[int, int]:
        """Width and height of the frames that are encoded."""
        if not self.even:
            return self.width, self.height
        return self.width + self.width % 2, self.height + self.height % 2

    @property
    def pixels(self) -> str:
        """FFmpeg's name of the layout."""
        return "yuva420p" if self.alpha else "yuv420p"


def coding_of(
    stream: VideoStream, first: av.VideoFrame, *, alpha: bool, even: bool, short_side: int | None
) -> PictureCoding:
    """What the result of a video will be like, told from its first frame."""
    width, height = _fitted(*shown_size(stream, round(first.rotation / 90) * 90), short_side)
    context = stream.codec_context
    rgb = first.format.is_rgb
    guess = _BT709 if first.height >= _HD_HEIGHT else _SMPTE170M
    return PictureCoding(
        width=width,
        height=height,
        even=even,
        alpha=alpha,
        matrix=_BT709 if rgb else int(first.colorspace) if first.colorspace not in (_UNTOLD, _RGB) else guess,
        primaries=int(context.color_primaries),
        transfer=int(context.color_trc),
        full_range=not rgb and (first.color_range == _FULL or first.format.name.startswith("yuvj")),
    )


def _fitted(width: int, height: int, short_side: int | None) -> tuple[int, int]:
    scale = min(1.0, LONGEST / max(width, height), (short_side or LONGEST) / min(width, height))
    if scale == 1.0:
        return width, height
    return max(2, round(width * scale / 2) * 2), max(2, round(height * scale / 2) * 2)


class PlaneMaker:
    """Turns decoded frames into frames that are drawn into and encoded. Not for two threads at once."""

    def __init__(self, coding: PictureCoding) -> None:
        self._coding = coding
        self._reformatter = VideoReformatter()

    def make(self, decoded: av.VideoFrame) -> tuple[av.VideoFrame, Planes]:
        """A new frame and its planes, of the shown size; they share their memory."""
        coding, turns = self._coding, round(decoded.rotation / 90) % 4
        source = self._converted(decoded, turned=bool(turns % 2))
        frame = av.VideoFrame(*coding.coded_size, coding.pixels)
        frame.colorspace, frame.color_range = coding.matrix, _FULL if coding.full_range else _LIMITED
        for number, (plane, held) in enumerate(zip(frame.planes, source.planes, strict=False)):
            _fill(_samples(plane), np.rot90(_samples(held), turns), chroma=number in (1, 2))
        if len(frame.planes) > len(source.planes):
            _samples(frame.planes[3])[...] = 255
        return frame, self._planes(frame)

    def _planes(self, frame: av.VideoFrame) -> Planes:
        arrays = [_samples(plane) for plane in frame.planes]
        return Planes(
            y=arrays[0],
            u=arrays[1],
            v=arrays[2],
            alpha=arrays[3] if len(arrays) == 4 else None,
            matrix=self._coding.matrix,
            full_range=self._coding.full_range,
        )

    def _converted(self, frame: av.VideoFrame, *, turned: bool) -> av.VideoFrame:
        coding = self._coding
        size = (coding.height, coding.width) if turned else (coding.width, coding.height)
        name = frame.format.name.replace("yuvj", "yuv")
        if (frame.width, frame.height) == size and name in ("yuv420p", coding.pixels):
            return frame
        choices: dict[str, Any] = {"interpolation": QUALITY, "threads": 1}
        if frame.format.is_rgb:
            choices |= {"dst_colorspace": Colorspace.ITU709, "dst_color_range": ColorRange.MPEG}
        elif coding.full_range:
            choices |= {"src_color_range": ColorRange.JPEG, "dst_color_range": ColorRange.JPEG}
        return self._reformatter.reformat(frame, width=size[0], height=size[1], format=coding.pixels, **choices)


def _samples(plane: VideoPlane) -> Plane:
    """The samples of a plane without the padding at its right."""
    return np.frombuffer(memoryview(plane), np.uint8).reshape(-1, plane.line_size)[: plane.height, : plane.width]


def _fill(target: Plane, source: Plane, *, chroma: bool) -> None:
    """Copy; a last row or column that the source lacks repeats the one before it."""
    rows, columns = min(target.shape[0], source.shape[0]), min(target.shape[1], source.shape[1])
    target[:rows, :columns] = source[:rows, :columns]
    target[:rows, columns:] = target[:rows, columns - 1 : columns]
    target[rows:] = target[rows - 1 : rows]
