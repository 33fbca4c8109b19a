"""Which brain an installation has."""

from __future__ import annotations

from avatarium.settings import Settings
from avatarium.streaming.brain.embedded import EmbeddedBrain, Library
from avatarium.streaming.brain.records import Brain, Report, unheard


class EmbeddedMaker:
    """Answers from the context alone."""

    def __init__(self) -> None:
        self._library = Library()

    def for_room(self, context: str, *, language: str = "en", report: Report = unheard) -> Brain:
        """See :meth:`records.BrainMaker.for_room`."""
        return EmbeddedBrain(self._library, context, language=language, report=report)

    async def aclose(self) -> None:
        """See :meth:`records.BrainMaker.aclose`."""
        await self._library.aclose()


def make(settings: Settings) -> EmbeddedMaker:
    """See :func:`open_brain`."""
    return EmbeddedMaker()
