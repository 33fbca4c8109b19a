"""The line for a room when all stages are full: who came first goes first, as long as they keep asking."""

from __future__ import annotations

from collections.abc import Sequence

from avatarium.clock import SECOND_MS
from avatarium.errors import UnavailableError
from avatarium.streaming.models import Room, Ticket

FRESH_S = 30
"""Who has not asked for this long has left the line."""
ASK_AGAIN_S = 5.0
"""What clients are told to wait before they ask again."""
LEAST_S = 1.0


class RoomsFull(UnavailableError):
    """Every stage is full. ``data`` tells the place in line, the expected wait and the ticket that keeps the place."""

    def __init__(self, *, place: int, expected_wait_s: float, ticket: str) -> None:
        who = {1: "You are next", 2: "One is before you"}.get(place, f"{place - 1} are before you")
        super().__init__(
            f"All live rooms are taken. {who}; the wait is about {_duration(expected_wait_s)}. Ask again every few "
            "seconds and send the `ticket` of this answer along: it keeps your place.",
            code="rooms_full",
            retry_after_s=min(ASK_AGAIN_S, max(LEAST_S, expected_wait_s)),
        )
        self.data = {"place": place, "expected_wait_s": round(expected_wait_s, 1), "ticket": ticket}


def ticket_of(owner: str, sent: str, places: float, line: Sequence[Ticket], *, most: int) -> Ticket | None:
    """The ticket that a request stands on; None where it is new to the line.

    Who sends none has one for each size of room, until it is sent along: it then belongs to whoever sends it. Who only
    tries again and again does not wait behind himself, and does not fill the line.

    Args:
        owner: whose request it is.
        sent: the ticket that came along; empty where none did.
        places: what the room would take.
        line: all who wait.
        most: tickets that one user may have.
    """
    own = [known for known in line if known.owner == owner]
    if (found := next((known for known in own if known.ticket == sent), None)) is not None:
        return found
    unsent = [known for known in own if not known.kept and known.places == places]
    return next(iter(unsent or (own if len(own) >= most else [])), None)


def place_of(ticket: Ticket | None, line: Sequence[Ticket]) -> int:
    """The place in a line, from 1 on; who has no ticket comes last."""
    return len(line) + 1 if ticket is None else line.index(ticket) + 1


def expected_wait_s(place: int, open_rooms: Sequence[Room], ended: Sequence[Room], *, now_ms: int) -> float:
    """How long until so many rooms will have ended.

    Rooms rarely last as long as they were booked for, so the share that the last ones used stands for those that run.
    """
    share = _share_used(ended)
    lefts = sorted(_left_s(room, share, now_ms) for room in open_rooms)
    if not lefts:
        return ASK_AGAIN_S
    # More people than rooms: each room goes round several times.
    rounds, index = divmod(place - 1, len(lefts))
    return lefts[index] + rounds * (sum(lefts) / len(lefts) + lefts[-1]) / 2


def _share_used(ended: Sequence[Room]) -> float:
    shares = [
        min(1.0, (room.ended_ms - room.created_ms) / (room.booked_s * SECOND_MS))
        for room in ended
        if room.ended_ms is not None
    ]
    return sum(shares) / len(shares) if shares else 1.0


def _left_s(room: Room, share: float, now_ms: int) -> float:
    left_s = max(0.0, (room.expires_ms - now_ms) / SECOND_MS)
    usual_s = (room.created_ms - now_ms) / SECOND_MS + share * room.booked_s
    # One that has outlived the others may end at any moment, at the latest when it expires.
    return max(LEAST_S, usual_s if usual_s > 0 else left_s / 2)


def _duration(seconds: float) -> str:
    if seconds < 90:
        return f"{max(1, round(seconds))} seconds"
    return f"{round(seconds / 60)} minutes"
