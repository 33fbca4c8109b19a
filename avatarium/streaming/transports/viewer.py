"""What a room and its viewers know of each other."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Protocol

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

PICTURE_RATE = 90_000
"""Units a second of a picture's ``pts`` (RFC 6184, RFC 7741)."""
SOUND_RATE = 48_000
"""Units a second of a sound packet's ``pts`` (RFC 7587)."""
RECORDED: Final = "h264"
"""The codec of pictures that recordings keep."""
SOUND_PACKET_S = 0.02
"""Length of one Opus packet."""

Event = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class LivePacket:
    """A coded picture, or 20 ms of Opus.

    ``due_s`` minus ``pts`` in seconds is the same for pictures and sound of one tick: it is the moment, on the
    monotonic clock, at which the room's media time was 0. Viewers tell it to their browsers, which keep lips and
    sound together by it.
    """

    data: bytes
    """Annex B with SPS and PPS before each key frame (H.264), one frame (VP8), or one Opus packet."""
    pts: int
    """Media time of the room in units of ``PICTURE_RATE`` or ``SOUND_RATE``."""
    due_s: float
    """When it is to be sent, on the monotonic clock, which is also that of the event loop."""
    key: bool
    """Whether pictures can be decoded from here. True for all sound."""
    generation: int
    """Raised by an interrupt. Sound of an older one that waits in a viewer is not sent any more; pictures are, unless
    many wait and a key frame costs less."""


class Viewer(Protocol):
    """One who watches, as the room sees him. All methods belong to the thread of the event loop."""

    @property
    def id(self) -> str: ...

    @property
    def uid(self) -> int: ...

    @property
    def connected(self) -> bool: ...

    @property
    def codec(self) -> str:
        """What its pictures are to be coded in: ``h264`` or ``vp8``."""

    def send_picture(self, packet: LivePacket) -> None:
        """Never blocks. Drops where the connection is too slow, and asks the host for a key frame."""

    def send_sound(self, packet: LivePacket) -> None:
        """Never blocks."""

    def send_event(self, event: Event) -> None:
        """Never blocks; words and visemes are dropped first where the connection is too slow."""

    @property
    def estimated_bitrate(self) -> int | None:
        """Bits a second that the connection carries; None as long as nothing speaks against any."""

    def figures(self) -> dict[str, float | int | str | None]:
        """``rtt_ms``, ``loss`` (share of 1), ``bitrate`` sent, bytes and packets sent, dropped and sent again."""

    async def close(self) -> None:
        """Say goodbye and let go of everything. Can be called twice; the host is not told."""


class ViewerHost(Protocol):
    """The room, as a viewer sees it. Called in the thread of the event loop; must not block."""

    def want_key(self, codec: str) -> None:
        """A viewer can decode nothing until the next key frame."""

    def viewer_connected(self, viewer: Viewer) -> None:
        """Media flows from now on."""

    def viewer_lost(self, viewer: Viewer) -> None:
        """It went, with or without a word, or never came. Called once, never after ``close``; the host closes it."""

    def heard(self, viewer: Viewer, pcm: NDArray[np.float32], rate: int) -> None:
        """Sound of its microphone: mono, within -1 and 1, pieces of about 20 ms."""
