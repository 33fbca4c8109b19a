"""Read a video file as frames and sound on one time line."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import av
import numpy as np
from av.container import InputContainer
from numpy.typing import NDArray

from avatarium.engine.speech.records import Samples
from avatarium.errors import InputError

Picture = NDArray[np.uint8]
"""RGB, shape ``(height, width, 3)``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """One decoded picture."""

    time_s: float
    """When it is shown, zero at the first sample of the sound (at the first picture where there is no sound)."""
    picture: Picture


def read_frames(video: Path) -> Iterator[Frame]:
    """Decode the pictures of ``video`` one by one, at their own times; a variable frame rate is kept as it is.

    Raises:
        InputError: the file cannot be decoded or holds no picture.
    """
    origin_s = _sound_start(video)
    count = 0
    try:
        with _open(video) as container:
            for decoded in container.decode(_first_video(container, video)):
                time_s = decoded.time if decoded.time is not None else 0.0
                origin_s = time_s if origin_s is None else origin_s
                count += 1
                yield Frame(time_s=time_s - origin_s, picture=np.asarray(decoded.to_ndarray(format="rgb24"), np.uint8))
    except av.FFmpegError as error:
        raise InputError(f"{video} cannot be decoded as a video: {error}", code="video_unreadable") from error
    if not count:
        raise InputError(f"{video} holds no picture.", code="video_empty")


def read_sound(video: Path, rate: int) -> Samples:
    """Decode the first sound track as mono at ``rate`` samples a second; empty where there is none."""
    try:
        with _open(video) as container:
            if not container.streams.audio:
                return np.zeros(0, np.float32)
            resampler = av.AudioResampler(format="flt", layout="mono", rate=rate)
            blocks = [
                block.to_ndarray()[0]
                for decoded in (*container.decode(container.streams.audio[0]), None)
                for block in resampler.resample(decoded)
            ]
    except av.FFmpegError as error:
        raise InputError(f"The sound of {video} cannot be decoded: {error}", code="video_unreadable") from error
    return np.concatenate(blocks).astype(np.float32) if blocks else np.zeros(0, np.float32)


def _open(video: Path) -> InputContainer:
    if not video.is_file():
        raise InputError(f"There is no file {video}.", code="file_missing")
    return av.open(str(video))


def _first_video(container: InputContainer, video: Path) -> av.VideoStream:
    if not container.streams.video:
        raise InputError(f"{video} holds no picture.", code="video_empty")
    stream = container.streams.video[0]
    stream.thread_type = "NONE"
    return stream


def _sound_start(video: Path) -> float | None:
    """Time stamp of the first sample: what the times of phonemes count from."""
    try:
        with _open(video) as container:
            if not container.streams.audio:
                return None
            for decoded in container.decode(container.streams.audio[0]):
                return float(decoded.time or 0.0)
    except av.FFmpegError as error:
        raise InputError(f"{video} cannot be decoded as a video: {error}", code="video_unreadable") from error
    return None
