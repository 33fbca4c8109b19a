"""What is to be dubbed: told at a glance, and refused where it cannot be."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
from av.audio.stream import AudioStream

from avatarium.engine.dubbing.document import LONGEST_S
from avatarium.engine.files import StrPath
from avatarium.engine.video.container import open_media, unreadable
from avatarium.engine.video.probe import made_rate, picture_stream
from avatarium.errors import InputError

SHORTEST_S = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class MediaFacts:
    """A file that can be dubbed."""

    duration_s: float
    has_picture: bool
    fps: Fraction
    """Of the picture; 0 without one."""
    width: int
    height: int


def check_media(media: StrPath, *, longest_s: float = LONGEST_S) -> MediaFacts:
    """Look at a video or sound file without decoding it.

    Args:
        media: the file.
        longest_s: two hours, or less where an installation takes less.

    Raises:
        InputError: ``media_missing``, ``media_unreadable``, ``media_silent`` (a video without a sound track),
            ``media_too_short`` or ``media_too_long``.
    """
    name = Path(media).name
    with open_media(media, error=InputError, noun="media") as container:
        sound = container.streams.best("audio")
        moving = [stream for stream in container.streams.video if not stream.disposition & _COVER]
        if not isinstance(sound, AudioStream) or sound.codec_context is None:
            if not moving:
                raise unreadable(media, error=InputError, noun="media")
            raise InputError(
                f"{name} has no sound track: there is nothing to dub. Give a video in which somebody speaks.",
                code="media_silent",
            )
        picture = picture_stream(container, media) if moving else None
        duration_s = _duration_s(container, sound)
        if duration_s < SHORTEST_S:
            raise InputError(f"{name} lasts only {duration_s:.1f} s. Give a longer one.", code="media_too_short")
        if duration_s > longest_s:
            raise InputError(
                f"{name} lasts {duration_s / 60:.0f} minutes; up to {longest_s / 60:g} are dubbed. Cut it into parts.",
                code="media_too_long",
            )
        return MediaFacts(
            duration_s=duration_s,
            has_picture=picture is not None,
            fps=made_rate(picture) if picture is not None else Fraction(0),
            width=picture.codec_context.width if picture is not None else 0,
            height=picture.codec_context.height if picture is not None else 0,
        )


_COVER = av.stream.Disposition.attached_pic


def _duration_s(container: av.container.InputContainer, sound: AudioStream) -> float:
    if container.duration:
        return float(container.duration / 1e6)
    if sound.duration and sound.time_base:
        return float(sound.duration * sound.time_base)
    # WebM that a browser recorded tells no length: the packets are counted.
    last_s = 0.0
    for packet in container.demux(sound):
        if packet.pts is not None and packet.time_base:
            last_s = max(last_s, float((packet.pts + (packet.duration or 0)) * packet.time_base))
    return last_s
