"""The voices of one room: whichever it is booked with or a command names, made in the right place."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

from avatarium.errors import AvatariumError, BusyError, NotFoundError
from avatarium.storage.service import Storage
from avatarium.streaming.stage.manner import Manner
from avatarium.streaming.stage.pools import Pools, run_in
from avatarium.streaming.stage.slow import SlowSource, SlowSpeech
from avatarium.streaming.stage.slow_child import Order
from avatarium.streaming.stage.utterances import Source, TextSource
from avatarium.streaming.tongues import fitting
from avatarium.streaming.wire import RoomVoice

if TYPE_CHECKING:
    from avatarium.engine.speech import Speech

FILES_MAX = 8
"""Cloned voices that speak in one room."""
FILE_MAX_BYTES = 16 << 20
WARM = "1."
"""Every language reads it."""


class RoomVoices:
    """Makes speech for one room. Used on the event loop.

    Args:
        slow: makes the speech of voices that are not live, for all rooms.
        storage: where the files of cloned voices are.
        pools: the room's own way into them.
        folder: for those files, as long as the room lasts: nobody's voice stays longer.
    """

    def __init__(self, slow: SlowSpeech, storage: Storage, pools: Pools, folder: Path) -> None:
        self._slow = slow
        self._storage = storage
        self._pools = pools
        self._folder = folder
        self._files: dict[str, asyncio.Future[Path]] = {}

    async def source(self, text: str, manner: Manner) -> Source:
        """Judge a text and tell where its speech comes from; made when it is asked for.

        Raises:
            TextError, OptionError: it cannot be spoken so.
            AvatariumError: the voice cannot be had.
        """
        voice, script = await run_in(self._pools.first, partial(_judged, text, manner))
        if script is not None:
            return TextSource(pools=self._pools, script=script)
        return SlowSource(reading=await self._slow.open(await self._order(text, voice, manner.rate)))

    async def prepare(self, voice: RoomVoice) -> None:
        """Have a slow voice ready before it is wanted; what is wrong with it is told when it is."""
        if voice.live:
            return
        with contextlib.suppress(AvatariumError):
            reading = await self._slow.open(await self._order(WARM, voice, 1.0))
            try:
                await reading.next()
            finally:
                reading.drop()

    async def close(self) -> None:
        """Remove the files."""
        self._files.clear()
        await run_in(self._pools.storing, partial(shutil.rmtree, self._folder, ignore_errors=True))

    async def _order(self, text: str, voice: RoomVoice, rate: float) -> Order:
        path = str(await self._file(voice.key)) if voice.key else ""
        return Order(text=text, rate=rate, voice=voice.name, path=path, language=voice.language)

    async def _file(self, key: str) -> Path:
        found = self._files.get(key)
        if found is None or (found.done() and (found.cancelled() or found.exception() is not None)):
            if len(self._files) >= FILES_MAX:
                raise BusyError(
                    f"{FILES_MAX} cloned voices have spoken in this room, which is the limit. Take one of them.",
                    code="too_many_room_voices",
                    retry_after_s=60,
                )
            found = self._files[key] = asyncio.ensure_future(run_in(self._pools.loading, partial(self._fetch, key)))
            found.add_done_callback(lambda done: done.cancelled() or done.exception())
        return await asyncio.shield(found)

    def _fetch(self, key: str) -> Path:
        known = self._storage.info(key)
        if known is None or known.size_bytes > FILE_MAX_BYTES:
            raise NotFoundError("The voice was deleted. Choose another.", code="voice_not_found")
        self._folder.mkdir(parents=True, exist_ok=True)
        path = self._folder / f"{sha256(key.encode()).hexdigest()[:32]}.voice"
        part = path.with_suffix(".part")
        self._storage.copy_to(key, part)
        part.replace(path)
        return path


def _judged(text: str, manner: Manner) -> tuple[RoomVoice, Iterator[Speech] | None]:
    """Who reads a text, and its script where that is quick. Runs in a thread."""
    voice = manner.voice if manner.named else fitting(text, manner.voice)
    return voice, replace(manner, voice=voice).script(text) if voice.live else None
