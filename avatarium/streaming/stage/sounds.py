"""Speech that comes as sound instead of text: a file behind an address, or samples pushed while they are made."""

from __future__ import annotations

import asyncio
import tempfile
from collections import deque
from collections.abc import AsyncGenerator, Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING
from weakref import WeakSet

from avatarium.errors import AudioError, UnavailableError
from avatarium.storage.fetch import Fetcher
from avatarium.storage.sniff import Kind
from avatarium.streaming.stage.pcm import QUIET
from avatarium.streaming.stage.pools import Pools, run_in

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from avatarium.engine.live import HeardSound
    from avatarium.engine.speech import Samples, Speech

RATE = 24_000
FILE_MAX_S = 300.0
FILE_MAX_BYTES = 50 << 20
FETCH_S = 12.0
"""For a stranger's server: somebody waits for the answer."""
CHUNK_S = 1.0
"""Of a file that is listened to at once: speech begins before all of it was heard."""
AHEAD_S = 30.0
"""Pushed sound that may always wait of an utterance."""
AHEAD_MAX_S = 300.0
"""What may wait of it where the room's shelf has space; who pushes more waits himself."""
SHELF_S = 600.0
"""Pushed sound that may wait in one room."""
PUSH_WAIT_S = 600.0
PART_S = 0.1

Listen = Callable[[], "HeardSound"]


@dataclass(frozen=True, slots=True, kw_only=True)
class FileSource:
    """Sound of a file, heard piece by piece."""

    pools: Pools
    listen: Listen
    sound: NDArray[np.int16]
    """At :data:`RATE`; kept small, as many may wait."""

    @property
    def duration_s(self) -> float:
        """Length in seconds."""
        return len(self.sound) / RATE

    async def pieces(self) -> AsyncGenerator[Speech, None]:
        heard = self.listen()
        step = round(CHUNK_S * RATE)
        for at in range(0, len(self.sound), step):
            chunk = self.sound[at : at + step]
            for piece in await run_in(self.pools.ahead, partial(heard.feed, _floats(chunk), RATE)):
                yield piece
        for piece in await run_in(self.pools.ahead, heard.finish):
            yield piece


def fetch_sound(fetcher: Fetcher, url: str, owner: str, scratch: Path) -> NDArray[np.int16]:
    """The sound behind an address at :data:`RATE`. Runs in a thread.

    Raises:
        ServiceError: it cannot be had, see :meth:`Fetcher.fetch`.
        AudioError: it cannot be read, is silent or longer than five minutes.
    """
    import numpy as np

    from avatarium.engine.video.sound import read_sound

    scratch.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=scratch) as folder:
        path = Path(folder) / "sound"
        fetcher.fetch(url, path, kind=Kind.SOUND, owner=owner, max_bytes=FILE_MAX_BYTES, timeout_s=FETCH_S)
        samples = read_sound(path, RATE, max_s=FILE_MAX_S).samples
    return np.asarray(np.clip(samples, -1, 1) * 32767, dtype=np.int16)


class Shelf:
    """The pushed sound of one room."""

    def __init__(self) -> None:
        self._sources: WeakSet[PushedSource] = WeakSet()

    def add(self, source: PushedSource) -> None:
        """One more whose sound counts as long as it is wanted."""
        self._sources.add(source)

    @property
    def waiting_s(self) -> float:
        """What waits in all."""
        return sum(source.waiting_s for source in self._sources if not source.over.is_set())


class PushedSource:
    """Samples as a client sends them. Used on the event loop.

    Args:
        pools: where they are listened to.
        listen: makes whoever listens.
        rate: of the samples.
        shelf: what else waits in the room.
    """

    def __init__(self, pools: Pools, listen: Listen, rate: int, shelf: Shelf | None = None) -> None:
        self._pools = pools
        self._listen = listen
        self._rate = rate
        self._shelf = shelf or Shelf()
        self._shelf.add(self)
        self._parts: deque[NDArray[np.int16]] = deque()
        """None shorter than a tenth of a second but the last: many tiny messages would cost more than what they hold.
        Kept small, as many may wait."""
        self._samples = 0
        self._changed = asyncio.Condition()
        self._ended = False
        self._given_up = False
        self.over = asyncio.Event()
        """That of the utterance: it was said, cut or given up."""
        self.received_s = 0.0
        self.loudest = 0.0

    @property
    def waiting_s(self) -> float:
        """Sound that came and was not listened to yet."""
        return self._samples / self._rate

    async def push(self, samples: Samples) -> None:
        """Take what was sent; waits where as much waits already as may. A message without samples is nothing.

        Raises:
            UnavailableError: ``sound_not_wanted``: it was interrupted, or nothing was said for ten minutes.
        """
        import numpy as np

        async with self._changed:
            await self._has_room()
            if not len(samples):
                return
            self._keep(np.asarray(np.clip(samples, -1, 1) * 32767, dtype=np.int16))
            self.received_s += len(samples) / self._rate
            self.loudest = max(self.loudest, float(np.abs(samples).max()))
            self._changed.notify_all()

    def _keep(self, part: NDArray[np.int16]) -> None:
        import numpy as np

        self._samples += len(part)
        if self._parts and len(self._parts[-1]) < self._rate * PART_S:
            part = np.concatenate([self._parts.pop(), part])
        self._parts.append(part)

    async def end(self) -> None:
        """No more comes.

        Raises:
            AudioError: ``silent_audio``: in all that came, nobody spoke.
        """
        async with self._changed:
            self._ended = True
            self._changed.notify_all()
        if self.loudest < QUIET:
            raise AudioError(
                "The sound was silent. Send samples in which somebody speaks; check format and volume.",
                code="silent_audio",
            )

    async def pieces(self) -> AsyncGenerator[Speech, None]:
        heard = self._listen()
        try:
            while (samples := await self._take()) is not None:
                for piece in await run_in(self._pools.ahead, partial(heard.feed, samples, self._rate)):
                    yield piece
            for piece in await run_in(self._pools.ahead, heard.finish):
                yield piece
        finally:
            self._given_up = True
            self._parts.clear()
            self._samples = 0

    async def _has_room(self) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(PUSH_WAIT_S):
                while self._is_wanted and self._is_full:
                    await self._look_again()
        if not self._is_wanted or self._is_full:
            raise UnavailableError("The sound was interrupted; the rest is not wanted.", code="sound_not_wanted")

    @property
    def _is_wanted(self) -> bool:
        return not (self._given_up or self.over.is_set())

    @property
    def _is_full(self) -> bool:
        return self.waiting_s >= (AHEAD_MAX_S if self._shelf.waiting_s < SHELF_S else AHEAD_S)

    async def _look_again(self) -> None:
        """After a change, or a second later: who closes the iterator cannot tell."""
        with suppress(TimeoutError):
            async with asyncio.timeout(1.0):
                await self._changed.wait()

    async def _take(self) -> Samples | None:
        """What waits, a second of it at most; None at the end."""
        async with self._changed:
            while not self._parts and not self._ended:
                await self._changed.wait()
            if not self._parts:
                return None
            taken = self._off_the_shelf(round(CHUNK_S * self._rate))
            self._changed.notify_all()
            return _floats(taken)

    def _off_the_shelf(self, most: int) -> NDArray[np.int16]:
        import numpy as np

        taken: list[NDArray[np.int16]] = []
        while self._parts and most > 0:
            part = self._parts.popleft()
            if len(part) > most:
                self._parts.appendleft(part[most:])
                part = part[:most]
            taken.append(part)
            most -= len(part)
        joined = np.concatenate(taken)
        self._samples -= len(joined)
        return joined


def _floats(sound: NDArray[np.int16]) -> Samples:
    import numpy as np

    return sound.astype(np.float32) / np.float32(32767)
