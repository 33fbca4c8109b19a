"""How long a sound or video is. Only for processes that may load the media libraries: see :mod:`.child`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from avatarium.errors import InputError
from avatarium.storage.sniff import HEAD_BYTES, Kind, sniff

if TYPE_CHECKING:
    from av.packet import Packet

STALL_S = 30.0


def duration_s(path: Path) -> float:
    """Length of a sound or video file in seconds, from its head, or from its packets where the head does not tell.

    Recordings of browsers (WebM) do not tell. Nothing is decoded.

    Raises:
        InputError: ``media_unreadable``: it cannot be read, or holds neither sound nor pictures that move.
    """
    import av

    try:
        with path.open("rb") as file:
            found = sniff(file.read(HEAD_BYTES))
        if found is None or found.kind is Kind.PICTURE:
            raise _unreadable()
        # Told its kind and kept to the disk, FFmpeg opens no playlist and no address that the file may name.
        with av.open(
            str(path.absolute()),
            "r",
            format=found.format,
            options={"protocol_whitelist": "file"},
            metadata_errors="replace",
            timeout=(STALL_S, STALL_S),
        ) as container:
            tracks = [*container.streams.video, *container.streams.audio]
            known_s = (container.duration or 0) / 1e6
            length_s = known_s if known_s > 0 or not tracks else _last_end_s(container.demux(*tracks))
    except (av.FFmpegError, OSError) as problem:
        raise _unreadable() from problem
    if not tracks or length_s <= 0:
        raise _unreadable()
    return length_s


def _last_end_s(packets: Iterator[Packet[Any]]) -> float:
    ends = (
        float((packet.pts + (packet.duration or 0)) * packet.time_base)
        for packet in packets
        if packet.pts is not None and packet.time_base
    )
    return max(ends, default=0.0)


def _unreadable() -> InputError:
    return InputError(
        "The file is damaged or incomplete, or holds neither sound nor video. Save or download it again.",
        code="media_unreadable",
    )
