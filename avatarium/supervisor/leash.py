"""The child's end of the pipe that ties it to its supervisor.

The supervisor writes one byte when there is an installation to work with; until then the child loads its
libraries.
When the supervisor is gone, by whatever death, the pipe closes and the child ends at once: what it was working on is
taken up by the next worker, as after any crash.
"""

from __future__ import annotations

import os
import threading

GO = b"g"
ORPHANED = 75
"""What a child leaves with when its supervisor is gone."""


class Leash:
    """Made as the first thing in a child."""

    def __init__(self, descriptor: int = 0) -> None:
        self._go = threading.Event()
        self._descriptor = descriptor
        threading.Thread(target=self._watch, name="leash", daemon=True).start()

    def wait(self) -> None:
        """Return when there is an installation to work with."""
        self._go.wait()

    def _watch(self) -> None:
        while os.read(self._descriptor, 1):
            self._go.set()
        os._exit(ORPHANED)
