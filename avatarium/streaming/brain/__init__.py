"""What answers the questions that viewers ask in a room.

    maker = open_brain(settings)                      # one for a stage
    brain = maker.for_room(context, language="en-US", report=room.problem)
    memory = Memory()                                 # one for a room
    async for sentence in brain.answer("What does it cost?", memory):
        ...
    memory.add("What does it cost?", what_the_viewer_heard)

Without a setting, answers are quoted from the room's own context (:mod:`retrieval`): no network, no language model,
nothing invented. Where ``chat_url`` is set, the model there answers (:mod:`chat`), and the context is the fallback.
Used from one event loop; what computes does so in a thread.
"""

from __future__ import annotations

from avatarium.settings import Settings
from avatarium.streaming.brain.memory import Exchange, Memory
from avatarium.streaming.brain.records import Brain, BrainMaker, Report, unheard

__all__ = ["Brain", "BrainMaker", "Exchange", "Memory", "Report", "open_brain", "unheard"]


def open_brain(settings: Settings) -> BrainMaker:
    """The brains that the settings ask for. Nothing is loaded or connected before the first room."""
    from avatarium.streaming.brain.making import make

    return make(settings)
