"""A clip's frames at 25 a second, written as they come; where a file is damaged, a new piece is begun."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.codec.context import Flags
from av.container import OutputContainer
from av.video.stream import VideoStream
from numpy.typing import NDArray

from avatarium.engine.video.encoding import EncoderOptions, VideoKind
from avatarium.engine.video.intake import CLIP_FPS
from avatarium.engine.video.intake_motion import MotionWatch
from avatarium.engine.video.intake_shape import Shaper
from avatarium.engine.video.part import PartFile
from avatarium.engine.video.tracks import h264_choices
from avatarium.engine.video.writer import create_container

NEAR_LOSSLESS = EncoderOptions(preset="veryfast", crf=12)
"""At this quality "fast" costs twice the time and keeps no more."""
_BT709, _LIMITED = 1, 1


class Run:
    """One piece without a gap: frames come with the time from which they are shown, and leave at 25 a second."""

    def __init__(self, path: Path, start_s: float, shaper: Shaper, limit: int) -> None:
        self.start_s = start_s
        self.frames = 0
        self.pictures = 0
        """How many frames of the source it holds."""
        self.motion = MotionWatch()
        self._limit = limit
        self._shaper = shaper
        self._waiting: av.VideoFrame | None = None
        self._shaped: av.VideoFrame | None = None
        self._file = ClipFile(path, shaper.shape.width, shaper.shape.height)

    @property
    def full(self) -> bool:
        """Whether it has all the frames that are wanted."""
        return self.frames >= self._limit

    def add(self, frame: av.VideoFrame, at_s: float) -> None:
        """Take the frame that is shown from ``at_s`` on: the one before is shown until then."""
        self._show_until(at_s)
        self._waiting, self._shaped = frame, None
        self.pictures += 1

    def close(self, end_s: float) -> None:
        """End with the last frame shown until ``end_s``."""
        self._show_until(end_s)
        self._waiting = self._shaped = None
        if self.frames:
            self._file.close()
        else:
            self._file.discard()

    def discard(self) -> None:
        """Remove what was written."""
        self._file.discard()

    def _show_until(self, end_s: float) -> None:
        # The middle of a frame decides: time stamps are rounded, middles are safe.
        while self._waiting is not None and not self.full and (self.frames + 0.5) / CLIP_FPS < end_s - self.start_s:
            if self._shaped is None:
                self._shaped = self._shaper.shaped(self._waiting)
            self.motion.look_at(luma(self._shaped))
            self._file.write(self._shaped)
            self.frames += 1


def luma(frame: av.VideoFrame) -> NDArray[np.uint8]:
    """The brightness of a yuv420p frame, ``uint8 (height, width)``; a view of its memory."""
    plane = frame.planes[0]
    return np.frombuffer(memoryview(plane), np.uint8).reshape(-1, plane.line_size)[: frame.height, : frame.width]


class Runs:
    """The pieces of a file, of which the longest is kept."""

    def __init__(self, folder: Path, shaper: Callable[[], Shaper], limit: int) -> None:
        self._folder = folder
        self._shaper = shaper
        self._limit = limit
        self._count = 0
        self.current: Run | None = None
        self.best: Run | None = None
        self._best_path: Path | None = None
        self._path = folder

    @property
    def full(self) -> bool:
        """Whether the current piece has all the frames that are wanted."""
        return self.current is not None and self.current.full

    def add(self, frame: av.VideoFrame, at_s: float) -> None:
        """Take a frame into the current piece, or begin one with it."""
        if self.current is None:
            self._count += 1
            self._path = self._folder / f"piece-{self._count}.mp4"
            self.current = Run(self._path, at_s, self._shaper(), self._limit)
        self.current.add(frame, at_s)

    def end(self, at_s: float) -> None:
        """End the current piece; of two pieces the longer stays."""
        run, self.current = self.current, None
        if run is None:
            return
        run.close(at_s)
        if not run.frames:
            return
        if self.best is None or run.frames > self.best.frames:
            if self._best_path is not None:
                self._best_path.unlink(missing_ok=True)
            self.best, self._best_path = run, self._path
        else:
            self._path.unlink(missing_ok=True)

    def keep(self, path: Path) -> None:
        """Give the longest piece its name."""
        assert self._best_path is not None
        self._best_path.replace(path)

    def discard(self) -> None:
        """Remove every piece that was not kept."""
        if self.current is not None:
            self.current.discard()
        if self._best_path is not None:
            self._best_path.unlink(missing_ok=True)


class ClipFile:
    """Encodes yuv420p frames near-lossless at 25 a second."""

    def __init__(self, path: Path, width: int, height: int) -> None:
        self._count = 0
        self._part = PartFile(path)
        with self._part.writing():
            self._container: OutputContainer = create_container(self._part.part, VideoKind.MP4, {})
            stream = self._container.add_stream("libx264", rate=CLIP_FPS, options=h264_choices(NEAR_LOSSLESS))
            assert isinstance(stream, VideoStream)
            context = stream.codec_context
            context.width, context.height, context.pix_fmt = width, height, "yuv420p"
            context.time_base = Fraction(1, CLIP_FPS)
            context.gop_size = CLIP_FPS
            context.color_primaries = context.color_trc = context.colorspace = _BT709
            context.color_range = _LIMITED
            context.flags |= Flags.bitexact
            self._stream = stream

    def write(self, frame: av.VideoFrame) -> None:
        """Add a frame; the same one may come again."""
        frame.pts, frame.time_base = self._count, Fraction(1, CLIP_FPS)
        self._count += 1
        with self._part.writing():
            self._container.mux(self._stream.encode(frame))

    def close(self) -> None:
        """Finish the file and give it its name."""
        with self._part.writing():
            self._container.mux(self._stream.encode(None))
            self._container.close()
            self._part.land()

    def discard(self) -> None:
        """Remove what was written."""
        self._part.discard()
