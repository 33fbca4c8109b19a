"""How long a sound or video is. Only for processes that may load the media libraries: see :mod:`.child`."""

from __future__ import annotations

from pathlib import Path

from avatarium.errors import InputError


def duration_s(path: Path) -> float:
    """Length of a sound or video file in seconds, from its head, or from its packets where the head does not tell.

    Recordings of browsers (WebM) do not tell. Nothing is decoded.

    Raises:
        InputError: ``video_unreadable``: it cannot be read, or holds neither sound nor pictures that move.
    """
    import av

    from avatarium.engine.video.container import open_media, unreadable

    with open_media(path, error=InputError, noun="video") as container:
        if not container.streams.video and not container.streams.audio:
            raise unreadable(path, error=InputError, noun="video")
        if container.duration:
            return container.duration / 1e6
        end_s = 0.0
        try:
            for packet in container.demux(*container.streams.video, *container.streams.audio):
                if packet.pts is not None and packet.time_base:
                    end_s = max(end_s, float((packet.pts + (packet.duration or 0)) * packet.time_base))
        except av.FFmpegError as problem:
            raise unreadable(path, error=InputError, noun="video") from problem
    if end_s <= 0:
        raise unreadable(path, error=InputError, noun="video")
    return end_s
