"""What all rooms of a stage share."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from avatarium.clock import Clock
from avatarium.settings import Settings
from avatarium.storage.fetch import Fetcher
from avatarium.storage.service import Storage
from avatarium.streaming.brain import BrainMaker
from avatarium.streaming.ears import EarKit
from avatarium.streaming.models import EndReason, Room
from avatarium.streaming.reports import Report
from avatarium.streaming.stage.pacemaker import Pacemaker
from avatarium.streaming.stage.pictures import Looks
from avatarium.streaming.stage.pools import Pools
from avatarium.streaming.stage.recorder import Archive
from avatarium.streaming.stage.show import EncoderMaker
from avatarium.streaming.stage.slow import SlowSpeech

if TYPE_CHECKING:
    from avatarium.engine.live import HeardSound


class Books(Protocol):
    """What a stage writes down of its rooms: :class:`avatarium.streaming.rooms.Rooms`. Synchronous; for threads."""

    def get(self, room_id: str) -> Room | None: ...

    def note_joined(self, room_id: str, *, at_ms: int | None = None) -> None: ...

    def note_lost(self, room_id: str, *, at_ms: int | None = None) -> None: ...

    def note_recording(self, room_id: str, key: str) -> None: ...

    def end(
        self, room_id: str, reason: EndReason, *, until_ms: int | None = None, stage_id: str | None = None
    ) -> Report: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Kit:
    """Made once for a stage."""

    stage_id: str
    settings: Settings
    clock: Clock
    books: Books
    pools: Pools
    pacemaker: Pacemaker
    looks: Looks
    slow: SlowSpeech
    storage: Storage
    brains: BrainMaker
    ears: EarKit
    fetcher: Fetcher
    archive: Archive
    encoders: EncoderMaker
    listen: Callable[[], HeardSound]
    """Makes who hears phonemes in sound that is pushed."""
    scratch: Path
    """The stage's folder for files in the making."""
    spawn: Callable[[Coroutine[Any, Any, Any]], asyncio.Task[Any]]
    """Starts what outlives a room; the stage waits for it when it ends."""
