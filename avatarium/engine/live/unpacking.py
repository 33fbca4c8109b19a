"""A recording of packed alpha made into a WebM with a clear ground, in a process that yields to all others."""

from __future__ import annotations

import os
import subprocess
import sys
from itertools import chain
from pathlib import Path

import cv2
import numpy as np
from av.audio.frame import AudioFrame
from av.video.frame import VideoFrame
from numpy.typing import NDArray

from avatarium.engine import apart
from avatarium.engine.production import SYNTHETIC
from avatarium.engine.video.container import open_media
from avatarium.engine.video.writer import VideoWriter
from avatarium.errors import AvatariumError, InputError, OutputError

Image = NDArray[np.uint8]

LEAST_S, SHARE = 60.0, 4.0
"""How long it may take: so many seconds, and so many for each of the recording."""
NICENESS = 15
_ALPHA = np.clip((np.arange(256) - 16) * 255 / 219, 0, 255).round().astype(np.uint8)
"""Luma of limited range as alpha; what ``packing`` does, undone."""


def unpacked(recording: Path, out: Path, *, duration_s: float) -> None:
    """Make a film of double height (see ``packing``), H.264 and AAC, into VP9 with alpha and Opus.

    Takes about half the recording's length of one core at 512 pixels. Blocks.

    Args:
        recording: as a room's recorder wrote it.
        out: ends in .webm; complete, or not there.
        duration_s: of the recording.

    Raises:
        OutputError: ``not_unpacked``: it failed, or took too long.
    """
    limit_s = LEAST_S + SHARE * duration_s
    command = apart.command(__name__, os.fspath(recording), os.fspath(out))
    try:
        done = subprocess.run(command, env=apart.environment(), capture_output=True, timeout=limit_s, check=False)
    except subprocess.TimeoutExpired as problem:
        raise _failed(f"it took more than {limit_s:.0f} seconds") from problem
    if done.returncode or not out.exists():
        raise _failed(done.stderr.decode(errors="replace").strip().rpartition("\n")[2] or f"code {done.returncode}")


def unpack(recording: Path, out: Path) -> None:
    """The work itself, in this process; memory does not grow with the recording.

    Raises:
        InputError, OutputError: the recording cannot be read, or the film not be written.
    """
    with open_media(recording, error=InputError, noun="video") as container:
        picture, sound = container.streams.video[0], container.streams.audio[0]
        size = picture.codec_context.width, picture.codec_context.height // 2
        rate = sound.codec_context.sample_rate
        with VideoWriter(out, width=size[0], height=size[1], rate=rate, alpha=True, metadata=SYNTHETIC) as writer:
            shown = _Shown(writer)
            for frame in chain.from_iterable(packet.decode() for packet in container.demux(picture, sound)):
                if isinstance(frame, VideoFrame):
                    shown.add(frame)
                elif isinstance(frame, AudioFrame):
                    writer.write_sound(np.ascontiguousarray(frame.to_ndarray().reshape(-1), np.float32))


class _Shown:
    """Frames at a constant rate: what a room left out is bridged by the picture before."""

    def __init__(self, writer: VideoWriter) -> None:
        self._writer = writer
        self._last: Image | None = None

    def add(self, frame: VideoFrame) -> None:
        picture = cutout_of(frame)
        assert frame.time is not None
        for _ in range(self._writer.frames, round(frame.time * self._writer.fps)):
            self._writer.write_alpha(picture if self._last is None else self._last)
        self._writer.write_alpha(picture)
        self._last = picture


def cutout_of(frame: VideoFrame) -> Image:
    """A decoded frame of double height, 4:2:0, as RGBA with straight alpha."""
    planes = frame.to_ndarray(format="yuv420p")
    height, width = frame.height // 2, frame.width
    alpha = cv2.LUT(planes[height : 2 * height], _ALPHA)
    top = frame.to_ndarray(format="rgb24")[:height]
    return np.asarray(np.dstack([top, alpha[:, :width]]), np.uint8)


def _failed(reason: str) -> OutputError:
    return OutputError(f"The recording could not be made transparent ({reason}).", code="not_unpacked")


def main() -> int:
    """In the child: two paths."""
    os.nice(NICENESS)
    try:
        unpack(Path(sys.argv[1]), Path(sys.argv[2]))
    except AvatariumError as problem:
        print(problem.message, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
