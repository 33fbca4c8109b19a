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
"""Pushed sound that may wait; who pushes more waits himself."""
PUSH_WAIT_S = 600.0

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


class PushedSource:
    """Samples as a client sends them. Used on the event loop."""

    def __init__(self, pools: Pools, listen: Listen, rate: int) -> None:
        self._pools = pools
        self._listen = listen
        self._rate = rate
        self._waiting: deque[Samples] = deque()
        self._changed = asyncio.Condition()
        self._ended = False
        self.over = asyncio.Event()
        """That of the utterance: it was said, cut or given up."""
        self.received_s = 0.0
        self.loudest = 0.0

    @property
    def waiting_s(self) -> float:
        """Sound that came and was not listened to yet."""
        return sum(len(part) for part in self._waiting) / self._rate

    async def push(self, samples: Samples) -> None:
        """Take what was sent; waits where :data:`AHEAD_S` wait already.

        Raises:
            UnavailableError: ``sound_not_wanted``: it was interrupted, or nothing was said for ten minutes.
        """
        import numpy as np

        async with self._changed:
            await self._has_room()
            self._waiting.append(samples)
            self.received_s += len(samples) / self._rate
            self.loudest = max(self.loudest, float(np.abs(samples).max(initial=0)))
            self._changed.notify_all()

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
            self._waiting.clear()

    async def _has_room(self) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(PUSH_WAIT_S):
                while not self.over.is_set() and self.waiting_s >= AHEAD_S:
                    await self._look_again()
        if self.over.is_set() or self.waiting_s >= AHEAD_S:
            raise UnavailableError("The sound was interrupted; the rest is not wanted.", code="sound_not_wanted")

    async def _look_again(self) -> None:
        """After a change, or a second later: who closes the iterator cannot tell."""
        with suppress(TimeoutError):
            async with asyncio.timeout(1.0):
                await self._changed.wait()

    async def _take(self) -> Samples | None:
        """All that waits, in one; None at the end."""
        import numpy as np

        async with self._changed:
            while not self._waiting and not self._ended:
                await self._changed.wait()
            if not self._waiting:
                return None
            taken = np.concatenate([self._waiting.popleft() for _ in range(len(self._waiting))])
            self._changed.notify_all()
            return taken


def _floats(sound: NDArray[np.int16]) -> Samples:
    import numpy as np

    return sound.astype(np.float32) / np.float32(32767)
