"""What nobody else would end."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from avatarium.accounts import ledger
from avatarium.catalogue.shipped import shipped_avatars
from avatarium.clock import ManualClock
from avatarium.database import Database
from avatarium.errors import UnavailableError
from avatarium.platform import Platform
from avatarium.settings import Settings
from avatarium.streaming import repository
from avatarium.streaming.booking import BookRequest
from avatarium.streaming.guard import SLACK_S, STAGE_LOCKS, STALE_S, Guard
from avatarium.streaming.models import EndReason, Room, StageRecord
from avatarium.tasks.liveness import Locks, open_locks

JOIN_S, GRACE_S = 300, 20


class House:
    """An installation, its guard, and what a stage would hold."""

    def __init__(self, database: Database, home: Path, clock: ManualClock | None = None) -> None:
        self.clock = clock or ManualClock()
        self.platform = Platform(Settings(home=home, live_join_s=JOIN_S, live_grace_s=GRACE_S), database, self.clock)
        self.rooms = self.platform.rooms
        self.owner = self.platform.accounts.add_user("Ada", coins=1000).id
        self.guard_locks, self.stage_locks = self._locks(), self._locks()
        self.guard = Guard(database, self.rooms, self.guard_locks, self.clock, self.platform.settings)

    def stage(self, name: str = "s1") -> None:
        """A stage that lives."""
        self.stage_locks.take(name)
        self.stage_at(name, self.clock.now_ms())

    def stage_at(self, name: str, now_ms: int) -> None:
        """It writes, by a clock of its own."""
        self.rooms.register_stage(
            StageRecord(
                id=name,
                host="h",
                address="http://h:1",
                places=9.0,
                capacity={},
                rooms=0,
                load=0.0,
                late=0.0,
                draining=False,
                started_ms=now_ms,
                seen_ms=now_ms,
            )
        )

    def book(self, seconds: int = 60) -> Room:
        return self.rooms.book(self.owner, BookRequest(avatar_id=shipped_avatars()[0].id, expire_s=seconds)).room

    def ending(self, room: Room) -> tuple[str, int]:
        """Why a room has ended and what it cost."""
        now = self.rooms.get(room.id)
        assert now is not None
        return now.end_reason, now.charged

    def pass_by(self, seconds: float, room: Room) -> None:
        """Time in which the stage lives."""
        self.clock.advance(seconds)
        self.rooms.note_stage("s1", rooms=1, load=0.1, late=0.0)
        self.rooms.note_seen("s1", {room.id})

    def watch(self, seconds: float) -> int:
        """A guard that looks every second, and how many rooms it ended."""
        ended = self.guard.look()
        for _ in range(round(seconds)):
            self.clock.advance(1)
            ended += self.guard.look()
        return ended

    def close(self) -> None:
        self.guard_locks.close()
        self.stage_locks.close()

    def _locks(self) -> Locks:
        return open_locks(self.platform.database, self.platform.settings.home / STAGE_LOCKS)


@pytest.fixture
def house(database: Database, tmp_path: Path) -> Iterator[House]:
    made = House(database, tmp_path)
    made.stage()
    yield made
    made.close()


def test_rooms_of_a_stage_that_lives_are_left_alone(house: House) -> None:
    room = house.book()
    assert [house.guard.look() for _ in range(3)] == [0, 0, 0]
    assert house.ending(room) == ("", 0) and house.rooms.stages()


def test_rooms_of_a_dead_stage_cost_up_to_when_it_was_last_seen(house: House) -> None:
    seen, unseen = house.book(), house.book()
    house.rooms.note_joined(seen.id)
    house.pass_by(12, seen)
    house.stage_locks.give_back("s1")
    assert house.watch(2) == 0, "it wrote just now"
    assert house.watch(1) == 0, "a lock may be free for a moment: the database was away"
    assert house.guard.look() == 2
    assert house.ending(seen) == ("stage_lost", 3) and house.ending(unseen) == ("stage_lost", 0)
    assert not house.rooms.stages() and house.guard.look() == 0
    with house.platform.database.read() as c:
        assert ledger.balance(c, house.owner)[0] == 997


def test_a_lock_that_was_free_for_a_moment_does_no_harm(house: House) -> None:
    room = house.book()
    house.watch(2)
    house.clock.advance(1)
    house.stage_locks.give_back("s1")
    house.guard.look()
    house.stage_locks.take("s1")
    assert [house.guard.look(), house.guard.look()] == [0, 0] and house.ending(room)[0] == ""
    house.stage_locks.give_back("s1")
    assert house.guard.look() == 0, "once more from the beginning"


def test_a_stage_that_hangs_is_struck_off(house: House) -> None:
    room = house.book(600)
    house.rooms.note_joined(room.id)
    house.pass_by(3, room)
    assert house.watch(STALE_S) == 0
    house.clock.advance(1)
    assert house.guard.look() == 1
    assert house.ending(room) == ("stage_lost", 1)
    assert not house.rooms.note_stage("s1", rooms=1, load=0.1, late=0.0), "it will be told when it wakes up"
    assert house.rooms.note_seen("s1", {room.id}) == {room.id}


def test_rooms_of_a_stage_that_is_not_on_the_roll_are_ended(house: House) -> None:
    room = house.book()
    with house.platform.database.write() as c:
        repository.strike_stage(c, "s1")
    assert house.guard.look() == 1 and house.ending(room)[0] == "stage_lost"


def test_rooms_that_their_stage_forgot_are_ended_late_but_rightly(house: House) -> None:
    expired, joined = house.book(60), house.book(400)
    house.rooms.note_joined(expired.id)
    house.rooms.note_joined(joined.id)
    house.pass_by(60 + SLACK_S, expired)
    assert house.guard.look() == 0, "that is for the stage"
    house.pass_by(1, expired)
    assert house.guard.look() == 1 and house.ending(expired) == ("expired", 12)
    house.rooms.note_lost(joined.id)
    house.pass_by(GRACE_S + SLACK_S + 1, joined)
    assert house.guard.look() == 1
    assert house.ending(joined) == ("viewer_lost", 16), "76 seconds, of which none without a viewer"
    nobody = house.book(7000 // 8)
    house.pass_by(JOIN_S + SLACK_S, nobody)
    assert house.guard.look() == 0
    house.pass_by(1, nobody)
    assert house.guard.look() == 1 and house.ending(nobody) == ("never_joined", 0)


def test_a_room_that_a_stage_which_lives_says_nothing_of_costs_what_was_used(house: House) -> None:
    """It kept its place until it expired, and cost all that was booked."""
    forgotten, other = house.book(1000), house.book(1000)
    for room in (forgotten, other):
        house.rooms.note_joined(room.id)
        house.rooms.note_seen("s1", {room.id})
    house.guard.look()
    for _ in range(10):
        house.pass_by(1, forgotten)
    ended: list[int] = []
    for _ in range(STALE_S + 2):
        house.pass_by(1, other)
        ended.append(house.guard.look())
    assert sum(ended) == 1 and not any(ended[:STALE_S]), "the stage itself has time for it"
    assert house.ending(forgotten) == ("stage_lost", 2) and house.ending(other) == ("", 0)


def test_a_room_that_was_forgotten_before_it_expired_costs_what_was_used(house: House) -> None:
    room = house.book(60)
    house.rooms.note_joined(room.id)
    house.pass_by(10, room)
    house.clock.advance(50 + SLACK_S + 1)
    house.stage()
    assert house.guard.look() == 1 and house.ending(room) == ("expired", 2)


def test_a_database_that_was_away_gives_stages_time_to_write_who_joined(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    room = house.book(2000)
    house.pass_by(JOIN_S + SLACK_S, room)

    def away(*_given: object) -> list[Room]:
        raise UnavailableError("Away.", code="database_away")

    with monkeypatch.context() as patched, pytest.raises(UnavailableError):
        patched.setattr(repository, "open_rooms", away)
        house.guard.look()
    house.pass_by(1, room)
    assert house.guard.look() == 0
    house.rooms.note_joined(room.id)
    house.pass_by(SLACK_S, room)
    assert house.guard.look() == 0 and house.ending(room)[0] == ""
    nobody = house.book(600)
    house.pass_by(JOIN_S + SLACK_S + 1, nobody)
    assert house.guard.look() == 1 and house.ending(nobody)[0] == "never_joined"


def test_two_guards_end_a_room_once(house: House) -> None:
    room = house.book()
    other = Guard(house.platform.database, house.rooms, house.guard_locks, house.clock, house.platform.settings)
    house.guard.look(), other.look()
    house.clock.advance(3)
    house.stage_locks.give_back("s1")
    found = [house.guard.look(), other.look(), house.guard.look(), other.look()]
    assert sum(found) == 1 and house.ending(room) == (EndReason.STAGE_LOST.value, 0)


def test_a_stage_that_lives_and_is_struck_off_leaves_no_coins_behind(house: House) -> None:
    room, nobody = house.book(600), house.book(600)
    house.rooms.note_joined(room.id)
    house.pass_by(3, room)
    house.watch(STALE_S)
    house.clock.advance(1)
    struck = house.rooms.strike_stage

    def raced(stage_id: str) -> list[Room]:
        ended = struck(stage_id)
        house.stage(stage_id)  # its beat comes between: it registers anew, without its rooms
        assert house.rooms.note_seen(stage_id, {room.id, nobody.id}) == {room.id, nobody.id}
        return ended

    house.rooms.strike_stage = raced  # type: ignore[assignment,method-assign]
    assert house.guard.look() == 2
    assert house.ending(room) == ("stage_lost", 1) and house.ending(nobody) == ("stage_lost", 0)
    with house.platform.database.read() as c:
        assert ledger.balance(c, house.owner)[0] == 999


def test_a_beat_and_a_strike_at_once_leave_nothing_open(house: House) -> None:
    rooms = [house.book(600) for _ in range(6)]
    ids = {room.id for room in rooms}
    over: list[frozenset[str]] = []
    beats = threading.Thread(target=lambda: over.extend(house.rooms.note_seen("s1", ids) for _ in range(10)))
    beats.start()
    ended = house.rooms.strike_stage("s1")
    beats.join(timeout=60)
    assert {room.id for room in ended} == ids and house.rooms.note_seen("s1", ids) == ids
    assert len(over) == 10 and set(over) <= {frozenset(), frozenset(ids)}


class TwoClocks(ManualClock):
    """A wall clock that jumps beside a monotonic one that does not."""

    jumped_s = 0.0

    def monotonic_s(self) -> float:
        return super().monotonic_s() - self.jumped_s

    def jump(self, seconds: float) -> None:
        self.jumped_s += seconds
        self.advance(seconds)


def test_a_wall_clock_that_jumps_ends_no_room(database: Database, tmp_path: Path) -> None:
    clock = TwoClocks()
    house = House(database, tmp_path, clock)
    house.stage()
    room = house.book(600)
    house.rooms.note_joined(room.id)
    house.watch(2)
    clock.jump(STALE_S + 100)
    assert house.watch(1) == 0 and house.ending(room)[0] == ""
    house.close()


def test_a_stage_on_a_machine_whose_clock_is_behind_is_left_alone(house: House) -> None:
    room = house.book(600)
    for _ in range(STALE_S + 10):
        house.clock.advance(1)
        house.stage_at("s1", house.clock.now_ms() - 300_000)
        house.rooms.note_seen("s1", {room.id})
        assert house.guard.look() == 0
    assert house.ending(room)[0] == ""


def test_stages_are_given_their_time_again_after_the_database_was_away(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    room = house.book(600)
    house.watch(STALE_S - 2)
    real = house.rooms.stages

    def away() -> list[StageRecord]:
        raise UnavailableError("Away.", code="database_away")

    monkeypatch.setattr(house.rooms, "stages", away)
    for _ in range(4):
        house.clock.advance(1)
        with pytest.raises(UnavailableError):
            house.guard.look()
    monkeypatch.setattr(house.rooms, "stages", real)
    assert house.watch(STALE_S) == 0 and house.ending(room)[0] == ""
    assert house.watch(1) == 1, "it hangs, wherever the database was"


def test_a_machine_that_slept_strikes_nobody_off_when_it_wakes(house: House) -> None:
    room = house.book(600)
    house.watch(2)
    house.clock.advance(STALE_S + 1)
    assert house.guard.look() == 0 and house.ending(room)[0] == ""
