"""Clips of every kind with a known truth in each frame: its number as bars of black and white, and a moving texture."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.audio.stream import AudioStream
from av.video.stream import VideoStream
from numpy.typing import NDArray

Picture = NDArray[np.uint8]

BITS = 12
RATE = 48000


def numbered(number: int, width: int = 320, height: int = 240) -> Picture:
    """A picture that tells its number in its upper quarter and moves in the rest, RGB."""
    across = np.sin((np.arange(width) + 3 * number) / 17).astype(np.float32)
    down = np.cos((np.arange(height) - number) / 13).astype(np.float32)
    wave = 110 + 60 * np.outer(down, across)
    picture = np.stack([(wave * tint).astype(np.uint8) for tint in (1.0, 0.85, 0.7)], axis=-1)
    bars = [(number >> bit) & 1 for bit in range(BITS)]
    picture[: height // 4] = 128
    for bit, on in enumerate(bars):
        left, right = (round(width * (edge + 0.15 * sign) / BITS) for edge, sign in ((bit, 1), (bit + 1, -1)))
        picture[: height // 4, left:right] = 235 if on else 16
    return picture


def number_in(picture: Picture) -> int:
    """The number that a picture of :func:`numbered` tells."""
    height, width = picture.shape[:2]
    row = picture[height // 16 : height // 6].mean(axis=(0, 2))
    return sum(int(row[round(width * (bit + 0.5) / BITS)] > 128) << bit for bit in range(BITS))


def encode(
    path: Path,
    pictures: Iterable[Picture | av.VideoFrame],
    *,
    times: Callable[[int], int] = lambda index: index,
    base: Fraction = Fraction(1, 25),
    rate: int | Fraction = 25,
    rotation: float = 0.0,
    shape: Fraction | None = None,
    codec: str = "libx264",
    pixels: str = "yuv420p",
    colour: tuple[int, int, int] = (1, 1, 1),
    choices: dict[str, str] | None = None,
    sound: NDArray[np.float32] | None = None,
    sound_at_s: float = 0.0,
    extra_streams: int = 0,
) -> Path:
    """Encode pictures (RGB, or frames as they are) and mono sound of 48 kHz.

    ``colour`` is primaries, transfer and matrix by their numbers; ``times`` gives the time of a frame in ``base``.
    """
    with av.open(str(path), "w") as container:
        options = {"crf": "6", "preset": "ultrafast"} if codec == "libx264" else {}
        stream = container.add_stream(codec, rate=rate, options=options | (choices or {}))
        assert isinstance(stream, VideoStream)
        context = stream.codec_context
        context.time_base, context.pix_fmt = base, pixels
        context.color_primaries, context.color_trc, context.colorspace = colour
        context.color_range = 1
        if rotation:
            stream.set_display_rotation(rotation)
        voices = [container.add_stream("aac", rate=RATE, layout="mono") for _ in range(1 if sound is not None else 0)]
        seconds = [container.add_stream("aac", rate=RATE, layout="mono") for _ in range(extra_streams)]
        for index, picture in enumerate(pictures):
            frame = picture if isinstance(picture, av.VideoFrame) else _frame(picture, pixels, colour[2])
            if index == 0:
                context.width, context.height = frame.width, frame.height
                if shape:
                    context.sample_aspect_ratio = shape
            frame.pts, frame.time_base = times(index), base
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
        for voice in voices:
            assert isinstance(voice, AudioStream) and sound is not None
            _mux_sound(container, voice, sound, sound_at_s)
        for voice in seconds:
            assert isinstance(voice, AudioStream)
            _mux_sound(container, voice, np.zeros(RATE, np.float32), 0.0)
    return path


def _frame(picture: Picture, pixels: str, matrix: int) -> av.VideoFrame:
    names = {1: "ITU709", 5: "ITU601", 6: "ITU601", 9: "BT2020", 2: "ITU709"}
    frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
    return frame.reformat(
        format=pixels, dst_colorspace=av.video.reformatter.Colorspace[names[matrix]], dst_color_range="MPEG"
    )


def _mux_sound(
    container: av.container.OutputContainer, voice: AudioStream, samples: NDArray[np.float32], at_s: float
) -> None:
    for at in range(0, len(samples), 1024):
        frame = av.AudioFrame.from_ndarray(samples[None, at : at + 1024], format="fltp", layout="mono")
        frame.sample_rate = RATE
        frame.pts, frame.time_base = at + round(at_s * RATE), Fraction(1, RATE)
        container.mux(voice.encode(frame))
    container.mux(voice.encode(None))


def voice(seconds: float, *, clicks_s: Sequence[float] = ()) -> NDArray[np.float32]:
    """A soft hum with clicks at given times."""
    time = np.arange(round(seconds * RATE)) / RATE
    samples = np.asarray(0.02 * np.sin(2 * np.pi * 140 * time), np.float32)
    for click in clicks_s:
        first = round(click * RATE)
        samples[first : first + 240] = 0.9
    return samples
