"""Two videos that must fail the instrument: a still photo, and a photo whose mouth flaps whatever is said."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np

from avatarium.engine.speech.records import Samples
from avatarium.errors import FaceError
from bench.likeness.clip import Picture
from bench.likeness.landmarks import find_face, fit_points

CAVITY_RGB = (40, 16, 18)


def still(photo: Picture, count: int) -> Iterator[Picture]:
    """The same picture ``count`` times."""
    for _ in range(count):
        yield photo


def flapping(photo: Picture, count: int, fps: float, rate_hz: float = 2.7, widest: float = 0.16) -> Iterator[Picture]:
    """The jaw of a photo falls and rises as a sine of ``rate_hz``, to a gap of ``widest`` outer-eye distances.

    Raises:
        FaceError: no face is seen in the photo.
    """
    box = find_face(photo)
    if box is None:
        raise FaceError("No face is seen in the photo, so its mouth cannot be moved.", code="face_not_found")
    points = fit_points(photo, box)
    iod = float(np.linalg.norm(points[36] - points[45]))
    left, right, line = points[48, 0], points[54, 0], points[60:68, 1].mean()
    y, x = np.mgrid[0 : photo.shape[0], 0 : photo.shape[1]].astype(np.float32)
    across = np.clip(1 - ((x - (left + right) / 2) / (0.5 * (right - left))) ** 2, 0, 1)
    wide = np.exp(-(((x - (left + right) / 2) / (0.6 * iod)) ** 4))
    below = np.clip((line + 1.1 * iod - y) / (0.5 * iod), 0, 1) * (y >= line)
    for index in range(count):
        gap = widest * iod * (0.5 - 0.5 * np.cos(2 * np.pi * rate_hz * index / fps))
        moved = cv2.remap(photo, x, (y - gap * wide * below).astype(np.float32), cv2.INTER_LINEAR)
        moved[(y >= line) & (y < line + gap * across)] = CAVITY_RGB
        yield np.asarray(moved, np.uint8)


def write_clip(path: Path, frames: Iterable[Picture], fps: int, sound: Samples, rate: int) -> None:
    """Write pictures and mono sound, both from time zero, as H.264 and AAC in MP4."""
    with av.open(str(path), "w") as container:
        video: av.VideoStream | None = None
        audio = container.add_stream("aac", rate=rate, layout="mono")
        for index, picture in enumerate(frames):
            if video is None:
                video = container.add_stream("libx264", rate=fps, options={"crf": "16", "preset": "veryfast"})
                video.height, video.width = picture.shape[0] // 2 * 2, picture.shape[1] // 2 * 2
                video.pix_fmt = "yuv420p"
                video.codec_context.thread_count = 1
            even = np.ascontiguousarray(picture[: video.height, : video.width])
            frame = av.VideoFrame.from_ndarray(even, format="rgb24")
            frame.pts, frame.time_base = index, Fraction(1, fps)
            container.mux(video.encode(frame))
        if video is not None:
            container.mux(video.encode())
        block = av.AudioFrame.from_ndarray(np.ascontiguousarray(sound[None]), format="fltp", layout="mono")
        block.rate, block.pts, block.time_base = rate, 0, Fraction(1, rate)
        container.mux(audio.encode(block))
        container.mux(audio.encode())
