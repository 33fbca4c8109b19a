"""Real media files, made small and fast."""

from __future__ import annotations

import io
from pathlib import Path

import av
import numpy as np
from av.audio.stream import AudioStream
from av.video.stream import VideoStream
from PIL import Image

VIDEOS = {
    "mp4": "libx264",
    "mov": "libx264",
    "webm": "libvpx",
    "matroska": "libx264",
    "avi": "mpeg4",
    "mpegts": "mpeg2video",
    "mpeg": "mpeg2video",
    "flv": "flv",
    "3gp": "libx264",
}
SOUNDS = {
    "wav": "pcm_s16le",
    "mp3": "mp3",
    "flac": "flac",
    "ogg": "libopus",
    "ipod": "aac",
    "adts": "aac",
    "webm": "libopus",
    "aiff": "pcm_s16be",
}
"""FFmpeg's name of the container to that of the codec; ``ipod`` is M4A."""
RATE = 48000


def sound(container: str, seconds: float = 1.0) -> bytes:
    """A tone."""
    buffer = io.BytesIO()
    with av.open(buffer, "w", format=container) as output:
        stream = output.add_stream(SOUNDS[container], rate=RATE, layout="mono")
        assert isinstance(stream, AudioStream)
        samples = np.sin(np.arange(round(RATE * seconds)) / 20).astype(np.float32)[None] / 2
        frame = av.AudioFrame.from_ndarray(samples, format="fltp", layout="mono")
        frame.sample_rate = RATE
        for made in av.AudioResampler(stream.format, "mono", RATE, stream.frame_size or None).resample(frame):
            output.mux(stream.encode(made))
        output.mux(stream.encode(None))
    return buffer.getvalue()


def video(container: str, seconds: float = 1.0) -> bytes:
    """A grey picture that stands, without sound."""
    buffer = io.BytesIO()
    with av.open(buffer, "w", format=container) as output:
        stream = output.add_stream(VIDEOS[container], rate=25)
        assert isinstance(stream, VideoStream)
        stream.width, stream.height, stream.pix_fmt = 64, 64, "yuv420p"
        for _ in range(round(25 * seconds)):
            frame = av.VideoFrame.from_ndarray(np.full((64, 64, 3), 127, np.uint8), format="rgb24")
            output.mux(stream.encode(frame.reformat(format="yuv420p")))
        output.mux(stream.encode(None))
    return buffer.getvalue()


def picture(kind: str = "PNG", size: tuple[int, int] = (64, 48)) -> bytes:
    """A picture with something to see in it."""
    rows = np.arange(size[1] * size[0] * 3, dtype=np.uint32).reshape(size[1], size[0], 3) // 40
    buffer = io.BytesIO()
    Image.fromarray((rows % 256).astype(np.uint8)).save(buffer, kind)
    return buffer.getvalue()


def written(path: Path, data: bytes) -> Path:
    """The path, with the bytes in it."""
    path.write_bytes(data)
    return path
