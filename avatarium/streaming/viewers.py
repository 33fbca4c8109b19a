"""What a room and the connection of one of its viewers are to each other. Loads no media library."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from avatarium.engine.speech.records import Samples


@dataclass(frozen=True, slots=True, kw_only=True)
class LivePacket:
    """A coded picture, or 20 ms of coded sound."""

    data: bytes
    """H.264 in Annex B, one VP8 frame, or one Opus packet."""
    pts: int
    """In the room's media time: of pictures in 1/90,000 s, of sound in 1/48,000 s."""
    due_s: float
    """When it is sent, on the monotonic clock."""
    key: bool = False
    """Whether a decoder can begin with it."""
    generation: int = 0
    """How often the room had been interrupted when it was made."""


class Viewer(Protocol):
    """One connection, as its room sees it. Everything is called on the event loop, and nothing blocks."""

    id: str
    uid: int
    codec: str
    """Of its pictures: ``h264`` or ``vp8``."""
    connected: bool
    """Whether media reaches it."""

    def send_picture(self, packet: LivePacket) -> None:
        """Bounded: where too many wait, they are dropped, and a key frame is asked for."""

    def send_sound(self, packet: LivePacket) -> None: ...

    def send_event(self, event: dict[str, Any]) -> None:
        """An event of the room, for the data channels ``events`` and ``stream-message``."""

    @property
    def estimated_bitrate(self) -> int | None:
        """Bits a second that reach it, as it says; None while it has not."""

    def figures(self) -> dict[str, Any]:
        """Round trip, loss, bytes sent."""

    async def close(self) -> None:
        """Hang up. May be called twice."""


class ViewerHost(Protocol):
    """A room, as the connections of its viewers see it. Everything is called on the event loop, and nothing blocks."""

    def want_key(self, codec: str) -> None:
        """A viewer of this codec cannot go on without a key frame."""

    def viewer_connected(self, viewer: Viewer) -> None:
        """Media reaches the viewer: for the first time, or again."""

    def viewer_lost(self, viewer: Viewer) -> None:
        """It does not any more. It may come back."""

    def heard(self, viewer: Viewer, pcm: Samples, rate: int) -> None:
        """Sound of a viewer's microphone, mono."""
