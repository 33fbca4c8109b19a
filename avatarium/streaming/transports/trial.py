"""Connections that carry nothing but a test of a visitor's network: a viewer's whole way, without a room behind it."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import TYPE_CHECKING

from avatarium.clock import Clock
from avatarium.errors import BusyError
from avatarium.streaming.transports.addresses import visitor_of
from avatarium.streaming.transports.ice import IceSettings
from avatarium.streaming.transports.viewer import Viewer

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

LASTS_S = 15.0
MOST = 8
"""At once, of all visitors: they have no key."""
MOST_OF_ONE = 2
"""At once, of one address, or of one IPv6 /64."""
SIZE = (240, 240)


class Trials:
    """The test connections of one stage. Used on the event loop only."""

    def __init__(self, ice: IceSettings, *, clock: Clock | None = None, lasts_s: float = LASTS_S) -> None:
        self._ice = ice
        self._clock = clock or Clock()
        self._lasts_s = lasts_s
        self._coming: Counter[str] = Counter()
        self._running: dict[asyncio.Task[None], str] = {}

    async def answer(self, offer: str, *, address: str) -> str:
        """The answer to an offer as a room would give it; the event ``ready`` comes when the connection is up.

        Raises:
            BusyError: ``too_many_trials``.
            RequestError: ``bad_sdp``, ``no_common_codec``.
            UnavailableError: ``no_media_port``.
        """
        visitor = visitor_of(address)
        if self._is_full(visitor):
            raise BusyError(
                "Others test their network right now. Try again in a few seconds.",
                code="too_many_trials",
                retry_after_s=self._lasts_s,
            )
        # Imported late, as WebRTC's libraries take a while to load.
        from avatarium.streaming.transports.whep import answer_offer

        guest = _Guest()
        self._coming[visitor] += 1
        try:
            viewer, answer = await answer_offer(
                guest,
                offer,
                uid=0,
                may_publish=False,
                ice=self._ice,
                size=SIZE,
                viewer_address=address,
                clock=self._clock,
            )
        finally:
            self._coming -= Counter([visitor])
        task = asyncio.create_task(self._end_in_time(viewer, guest))
        self._running[task] = visitor
        task.add_done_callback(self._running.pop)
        return answer

    def _is_full(self, visitor: str) -> bool:
        now = self._coming + Counter(self._running.values())
        return now.total() >= MOST or now[visitor] >= MOST_OF_ONE

    async def close(self) -> None:
        """End those that run."""
        for task in self._running:
            task.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)

    async def _end_in_time(self, viewer: Viewer, guest: _Guest) -> None:
        try:
            async with asyncio.timeout(self._lasts_s):
                await guest.gone.wait()
        except TimeoutError:
            pass  # long enough
        finally:
            await viewer.close()


class _Guest:
    """A host that has nothing to show."""

    def __init__(self) -> None:
        self.gone = asyncio.Event()

    def want_key(self, codec: str) -> None:
        pass

    def viewer_connected(self, viewer: Viewer) -> None:
        viewer.send_event({"type": "ready"})

    def viewer_lost(self, viewer: Viewer) -> None:
        self.gone.set()

    def heard(self, viewer: Viewer, pcm: NDArray[np.float32], rate: int) -> None:
        pass
