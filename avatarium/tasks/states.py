"""The states of a task, and the words that A2E's families have for them."""

from __future__ import annotations

from enum import StrEnum


class State(StrEnum):
    """Where a task is. Only the last three are final."""

    INITIALIZED = "initialized"
    """Written and paid, waiting for a worker."""
    PROCESSING = "processing"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def is_final(self) -> bool:
        """Whether nothing will happen any more."""
        return self in FINAL


FINAL = (State.COMPLETED, State.FAILED, State.CANCELLED)
OPEN = (State.INITIALIZED, State.PROCESSING)

Vocabulary = dict[State, str]
TASK_WORDS: Vocabulary = {state: state.value for state in State} | {State.CANCELLED: State.FAILED.value}
"""``current_status`` of most families; a cancelled task is one that failed, since no client knows a third end."""
VIDEO_WORDS: Vocabulary = {
    State.INITIALIZED: "init",
    State.PROCESSING: "process",
    State.COMPLETED: "success",
    State.FAILED: "fail",
    State.CANCELLED: "fail",
}
"""``status`` of ``video/generate``."""
