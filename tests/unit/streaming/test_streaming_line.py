"""The line for a place when all are taken, on both databases."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from avatarium.database import Database
from avatarium.errors import BusyError, TooFewCoinsError
from avatarium.streaming.models import EndReason
from avatarium.streaming.waiting import RoomsFull
from tests.support.live_house import House, made_house


def test_who_came_first_goes_first(house: House) -> None:
    house.stage("s1", places=1.0)
    room = house.book()
    first, second = refusal(house, house.ada), refusal(house, house.ben)
    assert (first["place"], second["place"]) == (1, 2)
    house.rooms.end(room.id, EndReason.LEFT)
    assert refusal(house, house.ben, second["ticket"])["place"] == 2
    assert refusal(house, house.ben)["place"] == 3, "another of his, for another visitor"
    assert refusal(house, house.ben, first["ticket"])["place"] == 3, "the ticket of somebody else is none"
    house.book(ticket=first["ticket"])
    assert refusal(house, house.ben, second["ticket"])["place"] == 1


def test_two_who_came_in_one_instant_keep_their_order(house: House) -> None:
    house.stage("s1", places=1.0)
    house.book()
    standing = house.clock.now_ms()
    tickets = []
    for _ in range(8):
        tickets.append(refusal(house, house.ada)["ticket"])
        refusal(house, house.ada, tickets[-1])
        house.clock.ms = standing
    assert len(set(tickets)) == 8, "a ticket that was sent along is somebody's"
    places = [refusal(house, house.ada, ticket)["place"] for ticket in tickets]
    assert places == list(range(1, 9))


def test_a_client_that_knows_no_tickets_does_not_wait_behind_itself(house: House) -> None:
    house.stage("s1", places=1.0)
    room = house.book(1000)
    for _ in range(20):
        house.clock.advance(3)
        house.stage("s1", places=1.0)
        place = refusal(house, house.ada)["place"]
    assert place == 1
    house.rooms.end(room.id, EndReason.LEFT)
    assert house.book().is_open


def test_asking_without_a_ticket_makes_one_place_for_each_size(house: House) -> None:
    house.stage("s1", places=1.0)
    room = house.book(1000)
    asked = [refusal(house, house.ada, resolution=size) for size in (512, 512, 720, 512, 720)]
    assert [answer["place"] for answer in asked] == [1, 1, 2, 1, 2]
    assert len({answer["ticket"] for answer in asked}) == 2
    house.rooms.end(room.id, EndReason.LEFT)


def test_a_room_larger_than_any_stage_is_booked_and_locks_nobody_out(house: House) -> None:
    house.stage("s1", places=2.5)
    small = house.book(owner=house.ben)
    large = refusal(house, house.ada, resolution=720, shape="16:9")
    assert house.book(owner=house.ben).is_open, "who comes later takes what the first in line cannot use"
    for room in house.rooms.open_rooms():
        house.rooms.end(room.id, EndReason.LEFT)
    assert refusal(house, house.ben)["place"] == 2, "now it can"
    booked = house.book(resolution=720, shape="16:9", ticket=large["ticket"])
    assert booked.places > 2.5 and house.now(small).end_reason == "left"


def test_who_asks_no_more_loses_the_place(house: House) -> None:
    house.stage("s1", places=1.0)
    room = house.book(1000)
    gone = refusal(house, house.ada)
    stays = refusal(house, house.ben)
    for _ in range(4):
        house.clock.advance(9)
        house.stage("s1", places=1.0)
        stays = refusal(house, house.ben, stays["ticket"])
    assert stays["place"] == 1
    house.rooms.end(room.id, EndReason.LEFT)
    assert refusal(house, house.ada, gone["ticket"])["place"] == 2
    assert house.book(owner=house.ben, ticket=stays["ticket"]).owner == house.ben


def test_one_user_cannot_fill_the_line(database: Database, tmp_path: Path) -> None:
    house = made_house(database, tmp_path, live_user_rooms=2)
    house.stage("s1", places=1.0)
    house.book(owner=house.ben)
    for size in (240, 360):
        refusal(house, house.ada, resolution=size)
    places = [refusal(house, house.ada, resolution=size)["place"] for size in (400, 512, 720)]
    assert places == [1, 1, 1]
    house.rooms.end(house.rooms.open_rooms()[0].id, EndReason.LEFT)
    house.stage("s1", places=5.0)
    house.book(), house.book()
    with pytest.raises(BusyError, match="2 live rooms of yours"):
        house.book()


def test_nobody_waits_for_what_they_cannot_pay(house: House) -> None:
    house.stage("s1", places=1.0)
    house.book()
    with pytest.raises(TooFewCoinsError):
        house.book(7000)


def refusal(house: House, owner: str, ticket: str = "", **more: Any) -> dict[str, Any]:
    house.clock.advance(0.001)
    with pytest.raises(RoomsFull) as full:
        house.book(owner=owner, ticket=ticket, **more)
    assert full.value.data is not None
    return dict(full.value.data)
