"""Those who watch a room: who is connected, what they can take, and what is sent to them."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import structlog

from avatarium.errors import BusyError, NotFoundError
from avatarium.settings import Settings
from avatarium.streaming.stage.events import LAST, Event
from avatarium.streaming.stage.show import Beat, Show
from avatarium.streaming.transports.viewer import RECORDED, Viewer

VIEWERS_MAX = 32
"""Of one room, those included whose connection is not made yet."""
START_BITRATE = 1_000_000
"""Until a viewer says more or less."""
SOUND_BITRATE = 64_000
"""Of what reaches a viewer, for sound and packet heads."""
RISE = 1.15
"""At most in a second; down it goes at once."""
THIN_BITRATE, THIN_LOSS = 250_000, 0.12
"""Where less reaches a viewer, or more is lost, every second picture is left out before anything else."""
LOSSY, LOSSY_S = 0.01, 30
"""From so much loss on sound is coded so that it can bear some, and for so long after the last of it."""
CLOSE_S = 3.0
VIEWERS_TOO = frozenset({"number", "event_id", "type", "channel", "time", "media_ms", "command_id", "reason", "used_s"})
"""What viewers are told of the end; what it cost is the owner's."""
log = structlog.get_logger()


class Audience:
    """The viewers of one room. Used on the event loop."""

    def __init__(self, show: Show, settings: Settings, *, recording: bool) -> None:
        self._show = show
        self._lowest, self._highest = settings.live_bitrate_min, settings.live_bitrate_max
        self._recording = recording
        self._viewers: dict[str, Viewer] = {}
        self._expected = 0
        self._lossy_s = 0
        self._joined: set[str] = set()
        self._closing: set[asyncio.Task[None]] = set()
        self.ever = False
        """Whether anybody has ever asked for the picture."""
        self.most = 0
        """Who were connected at once."""

    def __len__(self) -> int:
        return len(self._viewers)

    @property
    def connected(self) -> list[Viewer]:
        """Those whom media reaches."""
        return [viewer for viewer in self._viewers.values() if viewer.connected]

    @contextmanager
    def expect(self) -> Iterator[None]:
        """Keep a place for somebody until the answer to the offer is made.

        Raises:
            BusyError: ``too_many_viewers``.
        """
        self.check_room()
        self._expected += 1
        try:
            yield
        finally:
            self._expected -= 1

    def check_room(self) -> None:
        """Refuse where there are too many.

        Raises:
            BusyError: ``too_many_viewers``.
        """
        if len(self._viewers) + self._expected >= VIEWERS_MAX:
            raise BusyError(
                f"{VIEWERS_MAX} viewers watch this room, which is the limit. Wait until one has left.",
                code="too_many_viewers",
                retry_after_s=5,
            )

    def find(self, viewer_id: str) -> Viewer:
        """A viewer.

        Raises:
            NotFoundError: ``viewer_not_found``.
        """
        viewer = self._viewers.get(viewer_id)
        if viewer is None:
            raise NotFoundError("There is no such viewer in this room. Join again.", code="viewer_not_found")
        return viewer

    def has(self, viewer: Viewer) -> bool:
        """Whether it belongs to the room still."""
        return self._viewers.get(viewer.id) is viewer

    def add(self, viewer: Viewer) -> None:
        """Somebody who is about to be connected."""
        self.ever = True
        self._viewers[viewer.id] = viewer

    def note_joined(self, viewer: Viewer) -> bool:
        """It is connected; True the first time."""
        if viewer.id in self._joined:
            return False
        self._joined.add(viewer.id)
        return True

    def remove(self, viewer: Viewer) -> bool:
        """Hang up, in the background; tells whether it was ever connected."""
        self._viewers.pop(viewer.id, None)
        joined = viewer.id in self._joined
        self._joined.discard(viewer.id)
        self.look()
        task = asyncio.create_task(_close(viewer), name=f"close {viewer.id}")
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)
        return joined

    async def close(self) -> None:
        """Hang up on all."""
        for viewer in list(self._viewers.values()):
            self.remove(viewer)
        await asyncio.gather(*self._closing)

    def look(self) -> None:
        """Keep the encoders running that are watched, and no others."""
        connected = self.connected
        self.most = max(self.most, len(connected))
        codecs = {viewer.codec for viewer in connected if viewer.codec}
        recording = self._recording and self.most > 0
        if recording:
            codecs.add(RECORDED)
        self._show.watch(frozenset(codecs), anybody=bool(connected) or recording)

    def send(self, beat: Beat) -> list[Viewer]:
        """One tick to all; answers those who broke on it."""
        return [viewer for viewer in self.connected if not _sent(viewer, beat)]

    def tell(self, event: Event) -> None:
        """An event to all; of the last one what concerns them."""
        if event["type"] == LAST:
            event = _without_costs(event)
        for viewer in self.connected:
            try:
                viewer.send_event(event)
            except Exception:  # one viewer is not the room
                log.exception("viewer_bug", viewer=viewer.id)

    def adapt(self) -> None:
        """Once a second: the bit rate of the weakest."""
        connected = self.connected
        told = [found for viewer in connected if (found := viewer.estimated_bitrate) is not None]
        reached = min(told, default=START_BITRATE + SOUND_BITRATE)
        lost = max((_loss(viewer) for viewer in connected), default=0.0)
        wanted = min(max(reached - SOUND_BITRATE, self._lowest), self._highest)
        self._show.bitrate = round(min(wanted, self._show.bitrate * RISE))
        self._show.thin = reached < THIN_BITRATE or lost > THIN_LOSS
        self._lossy_s = LOSSY_S if lost >= LOSSY else max(self._lossy_s - 1, 0)
        self._show.lossy = self._lossy_s > 0

    def described(self) -> list[dict[str, Any]]:
        """All viewers in plain values."""
        return [
            {
                "id": name_of(viewer),
                "uid": viewer.uid,
                "codec": viewer.codec,
                "connected": viewer.connected,
                "estimated_bitrate": viewer.estimated_bitrate,
                **viewer.figures(),
            }
            for viewer in self._viewers.values()
        ]


def name_of(viewer: Viewer) -> str:
    """What others call a viewer: his id ends his connection, so that nobody else may know it."""
    return hashlib.sha256(viewer.id.encode()).hexdigest()[:16]


def _without_costs(ended: Event) -> Event:
    told = {key: value for key, value in ended.items() if key in VIEWERS_TOO}
    # The first sentence says how it ended, the others count coins.
    how = str(ended.get("why", "")).partition(". ")[0].rstrip(".")
    return told | {"why": f"{how}." if how else ""}


def _sent(viewer: Viewer, beat: Beat) -> bool:
    try:
        for sound in beat.sounds:
            viewer.send_sound(sound)
        picture = beat.pictures.get(viewer.codec)
        if picture is not None:
            viewer.send_picture(picture)
        return True
    except Exception:  # one viewer is not the room
        log.exception("viewer_bug", viewer=viewer.id)
        return False


async def _close(viewer: Viewer) -> None:
    try:
        async with asyncio.timeout(CLOSE_S):
            await viewer.close()
    except TimeoutError:
        log.warning("viewer_not_closed", viewer=viewer.id)
    except Exception:  # one viewer is not the room
        log.exception("viewer_bug", viewer=viewer.id)


def _loss(viewer: Viewer) -> float:
    value = viewer.figures().get("loss")
    return float(value) if isinstance(value, int | float) else 0.0
