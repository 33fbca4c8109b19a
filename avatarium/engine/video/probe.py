"""What a video file is, told without decoding it."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
from av.audio.stream import AudioStream
from av.container import InputContainer
from av.video.stream import VideoStream

from avatarium.engine.files import StrPath
from avatarium.engine.video.container import open_media, unreadable
from avatarium.errors import InputError

MAX_PIXELS = 36_000_000
_FALLBACK_FPS = Fraction(25)
_SLOWEST, _FASTEST = 1, 240


@dataclass(frozen=True, slots=True, kw_only=True)
class ColourTags:
    """How the colours are coded, by the numbers of ISO/IEC 23091-2 (1 is BT.709, 2 is untold)."""

    primaries: int
    transfer: int
    matrix: int
    full_range: bool

    @property
    def bt709(self) -> bool:
        """Whether primaries, transfer and matrix are all tagged BT.709."""
        return self.primaries == self.transfer == self.matrix == 1


@dataclass(frozen=True, slots=True, kw_only=True)
class SoundFacts:
    """The sound track of a file."""

    codec: str
    rate: int
    channels: int
    duration_s: float | None
    """None where the container does not tell it for each track (WebM)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VideoFacts:
    """A video file."""

    container: str
    codec: str
    width: int
    """As it is shown: upright, with square pixels."""
    height: int
    rotation: int
    """Degrees anticlockwise by which the stored picture is turned to be shown: 0, 90, 180 or 270."""
    fps: Fraction
    """The rate at which the file was made; a file of variable rate has no other."""
    duration_s: float
    """Of the whole file, from the earliest start of a track to the latest end."""
    picture_s: float | None
    """Of the picture alone, None where the container does not tell."""
    frames: int | None
    """As counted in the header, None where it does not tell."""
    alpha: bool
    colour: ColourTags
    sound: SoundFacts | None
    title: str


def probe(path: StrPath) -> VideoFacts:
    """Tell what a video file is.

    Raises:
        InputError: ``video_missing``, ``video_unreadable`` (no video file, damaged), ``video_no_picture`` (only
            sound) or ``video_too_large`` (over 36 megapixels a frame).
    """
    with open_media(path, error=InputError, noun="video") as container:
        stream = picture_stream(container, path)
        return _facts(container, stream, path)


def picture_stream(container: InputContainer, path: StrPath) -> VideoStream:
    """The picture of a file that was opened; covers of albums do not count.

    Raises:
        InputError: ``video_no_picture``, ``video_too_large`` or ``video_unreadable``.
    """
    moving = [stream for stream in container.streams.video if not stream.disposition & _COVER]
    best = container.streams.best("video")
    stream = best if best in moving else next(iter(moving), None)
    if not isinstance(stream, VideoStream):
        raise InputError(f"There is no picture in {Path(path).name}. Give a video.", code="video_no_picture")
    if stream.codec_context is None:  # PyAV leaves it out where FFmpeg knows no decoder
        raise unreadable(path, error=InputError, noun="video")
    size = (stream.codec_context.width, stream.codec_context.height)
    if size[0] * size[1] > MAX_PIXELS:
        raise InputError(
            f"{Path(path).name} is {size[0]} x {size[1]} pixels; at most {MAX_PIXELS // 1_000_000} megapixels a "
            "frame are read. Make it smaller.",
            code="video_too_large",
        )
    return stream


_COVER = av.stream.Disposition.attached_pic


def shown_size(stream: VideoStream, rotation: int = 0) -> tuple[int, int]:
    """Width and height as shown: with square pixels, upright."""
    width, height = stream.codec_context.width, stream.codec_context.height
    shape = stream.sample_aspect_ratio or stream.codec_context.sample_aspect_ratio or Fraction(1)
    if Fraction(1, 4) <= shape <= 4 and shape != 1:
        width = max(2, round(width * shape / 2) * 2)
    return (height, width) if rotation % 180 else (width, height)


def made_rate(stream: VideoStream) -> Fraction:
    """Frames a second at which the file was made."""
    for rate in (stream.guessed_rate, stream.average_rate):
        if rate and _SLOWEST <= rate <= _FASTEST:
            return rate
    return _FALLBACK_FPS


def _facts(container: InputContainer, stream: VideoStream, path: StrPath) -> VideoFacts:
    context = stream.codec_context
    rotation = _rotation(container, stream, path)
    width, height = shown_size(stream, rotation)
    rate = made_rate(stream)
    picture_s = float(stream.duration * stream.time_base) if stream.duration and stream.time_base else None
    counted_s = stream.frames / float(rate) if stream.frames else 0.0
    return VideoFacts(
        container=container.format.name.split(",")[0],
        codec=context.name,
        width=width,
        height=height,
        rotation=rotation,
        fps=rate,
        duration_s=container.duration / 1e6 if container.duration else picture_s or counted_s,
        picture_s=picture_s,
        frames=stream.frames or None,
        alpha=_has_alpha(stream),
        colour=ColourTags(
            primaries=context.color_primaries,
            transfer=context.color_trc,
            matrix=context.colorspace,
            full_range=context.color_range == 2,
        ),
        sound=_sound_facts(container),
        title=container.metadata.get("title", ""),
    )


def _has_alpha(stream: VideoStream) -> bool:
    """VP9 keeps alpha beside the picture, which the decoder's pixel format does not show."""
    pixels = stream.codec_context.format
    inside = pixels is not None and any(component.is_alpha for component in pixels.components)
    return inside or stream.metadata.get("alpha_mode") == "1"


def _rotation(container: InputContainer, stream: VideoStream, path: StrPath) -> int:
    """The display matrix travels on decoded frames only, so the first frame is decoded."""
    try:
        for frame in container.decode(stream):
            return round(frame.rotation / 90) * 90 % 360
    except av.FFmpegError as problem:
        raise unreadable(path, error=InputError, noun="video") from problem
    raise unreadable(path, error=InputError, noun="video")


def _sound_facts(container: InputContainer) -> SoundFacts | None:
    stream = container.streams.best("audio")
    if not isinstance(stream, AudioStream) or stream.codec_context is None:
        return None
    context = stream.codec_context
    return SoundFacts(
        codec=context.name,
        rate=context.sample_rate,
        channels=context.layout.nb_channels,
        duration_s=float(stream.duration * stream.time_base) if stream.duration and stream.time_base else None,
    )
