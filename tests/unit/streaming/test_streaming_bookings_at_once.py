"""Bookings at the same moment, and keys that book once, on both databases."""

from __future__ import annotations

from dataclasses import replace

import pytest

from avatarium.errors import ConflictError
from avatarium.streaming.booking import BookRequest
from avatarium.streaming.models import EndReason
from avatarium.streaming.rooms import Booked
from avatarium.streaming.waiting import RoomsFull
from tests.support.live_house import AVATAR, House, at_once


def test_two_bookings_at_once_do_not_take_the_last_place(house: House) -> None:
    house.stage("s1", places=3.0)
    outcomes = at_once(12, lambda number: house.booked(5, house.ada if number % 2 else house.ben))
    assert sum(isinstance(found, Booked) for found in outcomes) == 3
    assert sum(isinstance(found, RoomsFull) for found in outcomes) == 9
    told = {str((found.data or {})["place"]) for found in outcomes if isinstance(found, RoomsFull)}
    assert told <= {"1", "2"}, "each of the two waits once"
    assert house.coins(house.ada) + house.coins(house.ben) == 2000 - 3


def test_whoever_ends_a_room_at_once_with_others_its_coins_move_once(house: House) -> None:
    room = house.book()
    house.rooms.note_joined(room.id)
    house.clock.advance(7)
    reports = at_once(8, lambda number: house.rooms.end(room.id, list(EndReason)[number % 7]))
    assert len({repr(report) for report in reports}) == 1
    assert house.coins() == 998


def test_extensions_at_once_add_up(house: House) -> None:
    room = house.book(5)
    at_once(8, lambda number: house.rooms.extend(house.ada, room.channel, 5))
    assert (house.now(room).booked_s, house.now(room).held, house.coins()) == (45, 9, 991)


def test_a_key_books_once_and_extends_once(house: House) -> None:
    request = BookRequest(avatar_id=AVATAR, expire_s=60)
    made = house.rooms.book(house.ada, request, key="k1")
    again = house.rooms.book(house.ada, replace(request, ticket="a" * 24), key=" k1 ")
    assert again.room == made.room == house.rooms.booked_before(house.ada, request, "k1")
    assert again.stage.id == made.stage.id and house.coins() == 988
    assert house.rooms.book(house.ben, request, key="k1").room.id != made.room.id, "keys are one's own"
    assert house.rooms.booked_before(house.ada, request, None) is None
    for refused in (house.rooms.book, house.rooms.booked_before):
        with pytest.raises(ConflictError) as reused:
            refused(house.ada, replace(request, expire_s=61), key="k1")
        assert reused.value.code == "idempotency_key_reused"
    channel = made.room.channel
    longer = [house.rooms.extend(house.ada, channel, 30, key=key) for key in ("e1", "e1", "e2", "e1")]
    assert [room.booked_s for room in longer] == [90, 90, 120, 120] and house.coins() == 976
    with pytest.raises(ConflictError, match="Use a new key"):
        house.rooms.extend(house.ada, channel, 31, key="e2")
    house.rooms.end(made.room.id, EndReason.LEFT)
    ended = house.rooms.booked_before(house.ada, request, "k1")
    assert ended is not None and ended.id == made.room.id and not ended.is_open


def test_one_key_at_once_is_one_room(house: House) -> None:
    request = BookRequest(avatar_id=AVATAR, expire_s=60)
    made = at_once(8, lambda _: house.rooms.book(house.ada, request, key="k"))
    assert len({booked.room.id for booked in made}) == 1 and house.coins() == 988
    at_once(8, lambda _: house.rooms.extend(house.ada, made[0].room.channel, 60, key="e"))
    assert house.now(made[0].room).booked_s == 120 and house.coins() == 976


def test_a_booking_that_no_stage_opened_leaves_its_key_free(house: House) -> None:
    request = BookRequest(avatar_id=AVATAR, expire_s=60)
    failed = house.rooms.book(house.ada, request, key="k").room
    house.rooms.end(failed.id, EndReason.STAGE_LOST)
    assert house.rooms.book(house.ada, request, key="k").room.id != failed.id and house.coins() == 988
