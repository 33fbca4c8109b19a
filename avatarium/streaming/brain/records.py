"""What a brain is to the room that asks it."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from typing import Protocol, TypeAlias

from avatarium.errors import AvatariumError
from avatarium.streaming.brain.memory import Memory

Report: TypeAlias = Callable[[AvatariumError], None]
"""Is told of what went wrong though an answer came all the same, for the room's ``problem`` event; must not raise."""


def unheard(problem: AvatariumError) -> None:
    """The report of somebody who does not listen."""


class Brain(Protocol):
    """Answers questions in one room."""

    async def prepare(self) -> None:
        """Read the context and load what is needed, so that the first question is answered quickly.

        May be left out: :meth:`answer` does it where it is still to be done.

        Raises:
            AvatariumError: the context cannot be prepared; :meth:`answer` answers all the same.
        """

    def answer(self, question: str, memory: Memory) -> AsyncGenerator[str, None]:
        """What to say, in whole sentences that are fit to be spoken (no markup, no addresses), as they are known.

        Yields at least one sentence or raises. Closing the iterator (``aclose``) or cancelling the task that reads it
        stops the work at once. The memory is read, not written: the room adds what the viewer really heard.

        Raises:
            AvatariumError: no answer can be given, and why; sentences that came before stay said.
        """
        ...


class BrainMaker(Protocol):
    """The brains of a process: models and connections are shared by its rooms."""

    def for_room(self, context: str, *, language: str = "en", report: Report = unheard) -> Brain:
        """A brain that knows ``context``; returns at once.

        Args:
            context: what it knows, in any layout, 5,000 characters at most.
            language: BCP 47 tag of the room, for what the brain says of its own, such as that it does not know.
            report: see :data:`Report`.
        """

    async def aclose(self) -> None:
        """Stop what is running and close connections."""
