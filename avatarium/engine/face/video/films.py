"""The films inside a twin: written in any order of a clip's frames, without turning their colours into RGB and back."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Self

import av
import numpy as np
from av.container import InputContainer
from av.video.frame import PictureType, VideoFrame
from av.video.reformatter import ColorRange, Colorspace, Interpolation, VideoReformatter
from av.video.stream import VideoStream
from numpy.typing import NDArray

from avatarium.engine.face.video.passage import Passage, between, glance, movement
from avatarium.engine.face.video.tracking import TWIN_FPS
from avatarium.engine.video.container import open_media, unreadable
from avatarium.engine.video.encoding import VideoKind
from avatarium.engine.video.frames import QUALITY
from avatarium.engine.video.part import PartFile
from avatarium.engine.video.probe import picture_stream
from avatarium.engine.video.writer import create_container
from avatarium.engine.video.yuv import YuvConverter
from avatarium.errors import InputError, OutputError

Image = NDArray[np.uint8]

KEY_EVERY = 25
CRF, PRESET = 14, "veryfast"
"""No difference to the clip is seen, nor measured by landmarks: 55 dB."""
_EVEN = {"mbtree": "0", "rc-lookahead": "0", "i_qfactor": "0.5"}
"""Looking ahead saves a quarter of the bytes, takes half as long again, and is paid for by frames that move. Key frames
are coded finer than usual, or a calm picture is seen to change where the loop begins again; 4 % of the bytes."""
SCRATCH_CRF, SCRATCH_PRESET = 8, "ultrafast"
"""Of films that are read once and thrown away."""
_KEPT_GROUPS = 2
_BT709, _LIMITED, _FULL = 1, 1, 2


class FilmWriter:
    """Writes a silent H.264 film, 25 frames a second, a key frame at every 25th. Use it as a context manager: an
    exception inside leaves nothing.

    Args:
        path: ends in .mp4.
        width, height: even.
        plane: the film carries one plane, 0..255, as brightness, such as a mask.
        scratch: for speed, not size.

    Raises:
        OutputError: as of ``VideoWriter``.
    """

    def __init__(self, path: Path, width: int, height: int, *, plane: bool = False, scratch: bool = False) -> None:
        self.frames = 0
        self._part = PartFile(path)
        self._size = width, height
        self._converter = YuvConverter(width, height)
        self._range = _FULL if plane else _LIMITED
        crf, preset = (SCRATCH_CRF, SCRATCH_PRESET) if scratch else (CRF, PRESET)
        with self._part.writing():
            self._container = create_container(self._part.part, VideoKind.MP4, {})
            choices = {"preset": preset, "crf": str(crf), "threads": "2", "sc_threshold": "0"} | _EVEN
            stream = self._container.add_stream("libx264", rate=TWIN_FPS, options=choices)
        assert isinstance(stream, VideoStream)
        self._stream = stream
        context = stream.codec_context
        context.width, context.height, context.pix_fmt = width, height, "yuv420p"
        context.time_base, context.gop_size = Fraction(1, TWIN_FPS), KEY_EVERY
        context.color_primaries = context.color_trc = context.colorspace = _BT709
        context.color_range = self._range

    def add(self, frame: VideoFrame) -> None:
        """Add a decoded frame, 4:2:0, as it is."""
        frame.pts, frame.time_base, frame.pict_type = self.frames, Fraction(1, TWIN_FPS), PictureType.NONE
        self.frames += 1
        with self._part.writing():
            self._container.mux(self._stream.encode(frame))

    def add_picture(self, rgb: Image) -> None:
        """Add an RGB frame."""
        frame, planes = self._blank()
        self._converter.convert(rgb, *planes)
        self.add(frame)

    def add_plane(self, plane: Image) -> None:
        """Add a plane, ``(height, width)``."""
        frame, planes = self._blank()
        planes[0][:, : self._size[0]] = plane
        for colour in planes[1:]:
            colour[:] = 128
        self.add(frame)

    def _blank(self) -> tuple[VideoFrame, list[Image]]:
        frame = VideoFrame(*self._size, "yuv420p")
        frame.color_range, frame.colorspace = self._range, _BT709
        return frame, [np.frombuffer(memoryview(p), np.uint8).reshape(-1, p.line_size) for p in frame.planes]

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            with self._part.writing():
                if error is None:
                    self._container.mux(self._stream.encode(None))
                self._container.close()
                if error is None:
                    self._part.land()
        except OutputError:
            if error is None:
                raise
        finally:
            self._part.discard()


def to_rgb(frame: VideoFrame, reformatter: VideoReformatter | None = None, *, fast: bool = False) -> Image:
    """A decoded frame of a clip or twin as RGB ``(height, width, 3)``.

    ``fast`` takes the nearest sample of chroma, a twentieth of the time: what players of twins do.
    """
    rgb = (reformatter or VideoReformatter()).reformat(
        frame,
        format="rgb24",
        src_colorspace=Colorspace.ITU709,
        src_color_range=ColorRange.MPEG,
        dst_color_range=ColorRange.JPEG,
        interpolation=Interpolation.FAST_BILINEAR if fast else QUALITY,
        threads=1,
    )
    return np.asarray(rgb.to_ndarray(), np.uint8)


def plain_frames(path: Path, first: int = 0, end: int | None = None) -> Iterator[Image]:
    """The frames of a clip as the intake makes it, or of a twin's film, from one on to before another; RGB.

    Raises:
        InputError: ``video_unreadable``.
    """
    with open_media(path, error=InputError, noun="video") as container:
        stream = picture_stream(container, path)
        stream.thread_type = "AUTO"
        reformatter = VideoReformatter()
        try:
            if first:
                assert stream.time_base is not None
                container.seek(round(first / TWIN_FPS / stream.time_base) + _start(stream), stream=stream)
            for frame in container.decode(stream):
                number = _number(frame.pts, stream)
                if end is not None and number >= end:
                    return
                if number >= first:
                    yield to_rgb(frame, reformatter, fast=True)
        except av.FFmpegError as problem:
            raise unreadable(path, error=InputError, noun="video") from problem


def frames_in_order(path: Path, order: NDArray[np.int32]) -> Iterator[VideoFrame]:
    """Decoded frames of a 25 fps film in any order, forwards and backwards at the price of one decoding.

    The groups between key frames are kept as they were decoded, two at a time: 160 MB at 1080p and a key frame a
    second. The frames are not to be written to.

    Raises:
        InputError: ``video_unreadable``.
    """
    with open_media(path, error=InputError, noun="video") as container:
        stream = picture_stream(container, path)
        stream.thread_type = "AUTO"
        groups = _Groups(container, stream, path)
        for number in order:
            yield groups.frame(int(number))


class _Groups:
    def __init__(self, container: InputContainer, stream: VideoStream, path: Path) -> None:
        self._container, self._stream, self._path = container, stream, path
        self._starts = _key_frames(container, stream)
        self._kept: OrderedDict[int, dict[int, VideoFrame]] = OrderedDict()

    def frame(self, number: int) -> VideoFrame:
        start = max((s for s in self._starts if s <= number), default=0)
        if start not in self._kept:
            end = min((s for s in self._starts if s > start), default=None)
            self._kept[start] = self._decode(start, end)
            while len(self._kept) > _KEPT_GROUPS:
                self._kept.popitem(last=False)
        self._kept.move_to_end(start)
        group = self._kept[start]
        if number not in group:
            raise unreadable(self._path, error=InputError, noun="video")
        return group[number]

    def _decode(self, start: int, end: int | None) -> dict[int, VideoFrame]:
        base = self._stream.time_base
        assert base is not None
        found: dict[int, VideoFrame] = {}
        try:
            self._container.seek(round(start / TWIN_FPS / base) + _start(self._stream), stream=self._stream)
            for frame in self._container.decode(self._stream):
                number = _number(frame.pts, self._stream)
                if end is not None and number >= end:
                    break
                if number >= start:
                    found[number] = frame
        except av.FFmpegError as problem:
            raise unreadable(self._path, error=InputError, noun="video") from problem
        return found


def _key_frames(container: InputContainer, stream: VideoStream) -> list[int]:
    return [_number(p.pts, stream) for p in container.demux(stream) if p.is_keyframe and p.pts is not None]


def _start(stream: VideoStream) -> int:
    return stream.start_time or 0


def _number(pts: int | None, stream: VideoStream) -> int:
    assert pts is not None and stream.time_base is not None
    return round(float((pts - _start(stream)) * stream.time_base) * TWIN_FPS)


def reorder(source: Path, order: NDArray[np.int32], out: FilmWriter, passage: Passage | None = None) -> None:
    """Write the frames of a film in another order; with a ``passage``, its last are drawn towards its first."""
    if passage is None or not passage.frames:
        for frame in frames_in_order(source, order):
            out.add(frame)
        return
    before = np.arange(passage.needs, passage.first, dtype=np.int32)
    numbers = np.concatenate([before, order]).tolist()
    kept: dict[int, Image] = {}
    for number, frame in zip(numbers, frames_in_order(source, np.array(numbers, np.int32)), strict=True):
        partner = passage.partner(number)
        if number < passage.first:
            kept[number] = to_rgb(frame)
        elif partner is None:
            out.add(frame)
        else:
            picture, other = to_rgb(frame), kept.pop(partner)
            flow = movement(glance(picture), glance(other))
            out.add_picture(between(picture, other, flow, passage.share(number)))
