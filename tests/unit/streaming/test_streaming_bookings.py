"""Booking, extending and ending rooms: places and coins, on both databases."""

from __future__ import annotations

import itertools
from types import SimpleNamespace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from avatarium.accounts import ledger
from avatarium.clock import SECOND_MS
from avatarium.errors import AvatariumError, ConflictError, NotFoundError, RequestError, TooFewCoinsError
from avatarium.platform import Platform
from avatarium.settings import Settings
from avatarium.streaming import repository
from avatarium.streaming.booking import BookRequest
from avatarium.streaming.models import EndReason, Room, RoomState
from avatarium.streaming.rooms import Rooms
from avatarium.streaming.waiting import RoomsFull
from tests.support.live_house import AVATAR, House


def test_a_booking_holds_its_price_and_takes_a_place(house: House) -> None:
    room = house.book(61)
    assert (room.state, room.held, room.booked_s, room.stage_id) == (RoomState.BOOKED, 13, 61, "s1")
    assert room.expires_ms == house.clock.now_ms() + 61_000
    assert house.coins() == 987
    assert house.rooms.find(house.ada, room.channel) == room
    with pytest.raises(NotFoundError):
        house.rooms.find(house.ben, room.channel)


def test_time_counts_from_the_first_viewer_to_the_end(house: House) -> None:
    room = house.book()
    house.clock.advance(20)
    house.rooms.note_joined(room.id)
    house.clock.advance(10.001)
    report = house.rooms.end(room.id, EndReason.LEFT)
    assert (report.used_s, report.units, report.charged, report.refunded) == (10.001, 3, 3, 9)
    assert house.coins() == 997 and house.now(room).state is RoomState.ENDED


def test_time_without_a_viewer_does_not_count(house: House) -> None:
    room = house.book()
    house.rooms.note_joined(room.id)
    house.clock.advance(5)
    house.rooms.note_lost(room.id)
    house.clock.advance(15)
    house.rooms.note_joined(room.id)
    house.clock.advance(4)
    house.rooms.note_lost(room.id)
    house.rooms.note_lost(room.id)
    house.clock.advance(20)
    report = house.rooms.end(room.id, EndReason.VIEWER_LOST)
    assert (report.used_s, report.charged) == (9.0, 2)
    assert "viewer went" in report.why and "2 begun units" in report.why


def test_no_more_is_charged_than_was_booked(house: House) -> None:
    room = house.book(7)
    house.rooms.note_joined(room.id)
    house.clock.advance(3600)
    report = house.rooms.end(room.id, EndReason.EXPIRED)
    assert (report.used_s, report.held, report.charged, report.refunded) == (7.0, 2, 2, 0)


def test_ending_twice_is_ending_once(house: House) -> None:
    room = house.book()
    house.rooms.note_joined(room.id)
    house.clock.advance(12)
    first = house.rooms.end(room.id, EndReason.LEFT)
    house.clock.advance(12)
    assert house.rooms.end(room.id, EndReason.STAGE_LOST) == first
    house.rooms.note_joined(room.id)
    house.rooms.note_lost(room.id)
    assert house.rooms.report(house.now(room)) == first and house.coins() == 997
    with pytest.raises(NotFoundError):
        house.rooms.end("0" * 24, EndReason.LEFT)


def test_the_instant_up_to_which_time_counts_can_be_given(house: House) -> None:
    room = house.book()
    house.rooms.note_joined(room.id)
    seen_ms = house.clock.now_ms() + 6_000
    house.clock.advance(30)
    assert house.rooms.end(room.id, EndReason.STAGE_LOST, until_ms=seen_ms).charged == 2
    house.stage()
    other = house.book()
    house.rooms.note_joined(other.id)
    later_ms = house.clock.now_ms() + 10**6
    assert house.rooms.end(other.id, EndReason.STAGE_LOST, until_ms=later_ms).charged == 0, "the future does not count"


def test_extending_holds_the_difference(house: House) -> None:
    room = house.book(3)
    assert house.coins() == 999
    longer = house.rooms.extend(house.ada, room.channel, 2)
    assert (longer.held, house.coins()) == (1, 999), "both fit into one begun unit"
    longer = house.rooms.extend(house.ada, room.channel, 6)
    assert (longer.held, longer.booked_s, house.coins()) == (3, 11, 997)
    assert house.now(room) == longer and longer.expires_ms == room.expires_ms + 8_000
    assert longer.spec["expires_ms"] == longer.expires_ms
    house.rooms.note_joined(room.id)
    house.clock.advance(10.5)
    assert house.rooms.end(room.id, EndReason.EXPIRED).charged == 3


def test_what_cannot_be_extended_changes_nothing(house: House) -> None:
    room = house.book(100)
    for seconds in (0, -1, 7101, 10**12):
        with pytest.raises(RequestError):
            house.rooms.extend(house.ada, room.channel, seconds)
    with pytest.raises(TooFewCoinsError):
        house.rooms.extend(house.ada, room.channel, 7000)
    with pytest.raises(NotFoundError):
        house.rooms.extend(house.ben, room.channel, 5)
    assert house.now(room) == room and house.coins() == 980
    house.clock.advance(100)
    with pytest.raises(ConflictError):
        house.rooms.extend(house.ada, room.channel, 5)
    house.rooms.end(room.id, EndReason.EXPIRED)
    with pytest.raises(ConflictError):
        house.rooms.extend(house.ada, room.channel, 5)
    with pytest.raises(ConflictError):
        house.rooms.set_context(house.ada, room.channel, "a")


def test_a_price_that_changes_does_not_change_what_was_booked(house: House) -> None:
    room = house.book(10)
    dearer = make_rooms(house, {"live": 3})
    dearer.extend(house.ada, room.channel, 5)
    assert house.coins() == 997
    dearer.note_joined(room.id)
    house.clock.advance(15)
    assert dearer.end(room.id, EndReason.EXPIRED).charged == 3


def test_fractions_of_a_coin_are_rounded_up_once(house: House) -> None:
    cheap = make_rooms(house, {"live": 0.3})
    room = cheap.book(house.ada, BookRequest(avatar_id=AVATAR, expire_s=50)).room
    assert room.held == 3
    cheap.note_joined(room.id)
    house.clock.advance(11)
    report = cheap.end(room.id, EndReason.LEFT)
    assert (report.units, report.charged) == (3, 1) and house.coins() == 999
    house.stage()
    free = make_rooms(house, {"live": 0}).book(house.ada, BookRequest(avatar_id=AVATAR, expire_s=50)).room
    house.rooms.note_joined(free.id)
    house.clock.advance(11)
    assert house.rooms.end(free.id, EndReason.LEFT).charged == 0 and house.coins() == 999


def make_rooms(house: House, prices: dict[str, float]) -> Rooms:
    """The same rooms after the operator has changed prices."""
    changed = Settings(home=house.platform.settings.home, prices=prices)
    return Platform(changed, house.platform.database, house.clock).rooms


def test_a_refused_booking_leaves_everything_as_it_was(house: House) -> None:
    for wrong in (0, -1, 7201):
        with pytest.raises(RequestError):
            house.book(wrong)
    with pytest.raises(TooFewCoinsError, match=r"1200 coins .* has 1000"):
        house.book(6000)
    with pytest.raises(NotFoundError):
        house.rooms.book(house.ada, BookRequest(avatar_id="f" * 24, expire_s=5))
    assert house.coins() == 1000 and not house.rooms.open_rooms()


def test_an_avatar_of_somebody_else_is_as_if_it_were_not_there(house: House) -> None:
    from avatarium.catalogue.models import Avatar

    theirs = Avatar(id="a" * 24, owner=house.ben, name="x", gender="male", picture_key="uploads/x", created_ms=1)
    with house.platform.database.write() as c:
        house.platform.catalogue.add_avatar(c, theirs)
    request = BookRequest(avatar_id=theirs.id, expire_s=5)
    with pytest.raises(NotFoundError):
        house.rooms.book(house.ada, request)
    spec = house.rooms.book(house.ben, request).spec
    assert (spec.source, spec.picture_key, spec.gender) == ("", "uploads/x", "male")
    assert spec.voice != house.booked().spec.voice, "the voice fits whom it speaks for"


def test_larger_pictures_take_more_places(house: House) -> None:
    small, large = house.book(resolution=256), house.book(resolution=720, shape="16:9")
    assert small.places < 1 < large.places < 4
    house.book(resolution=256)
    with pytest.raises(RoomsFull):
        house.book(resolution=240)


def test_the_least_loaded_stage_is_taken(house: House) -> None:
    house.stage("s2", places=8.0)
    taken = [house.book().stage_id for _ in range(6)]
    assert taken.count("s2") == 4 and taken.count("s1") == 2
    house.stage("s3", load=0.9)
    house.stage("s4", late=0.2)
    house.stage("s5", draining=True)
    house.stage("s6", seen_ms=house.clock.now_ms() - 11_000)
    assert {house.book().stage_id for _ in range(6)} == {"s1", "s2"}
    with pytest.raises(RoomsFull):
        house.book()


def test_a_room_moves_once_to_a_stage_that_answers(house: House) -> None:
    house.stage("s2")
    room = house.book()
    moved = house.rooms.move(room.id, avoid={room.stage_id})
    assert moved is not None and moved.room.stage_id != room.stage_id and moved.spec.channel == room.channel
    assert house.now(room) == moved.room and house.coins() == 988
    assert house.rooms.note_seen(room.stage_id, {room.id}) == {room.id}
    assert house.rooms.note_seen(moved.stage.id, {room.id}) == frozenset()
    assert house.rooms.end(room.id, EndReason.STAGE_STOPPED, stage_id=room.stage_id).state == "booked"
    assert house.rooms.move(room.id, avoid={"s1", "s2"}) is None
    house.rooms.note_joined(room.id)
    assert house.rooms.move(room.id, avoid=()) is None, "somebody looks at it"


def test_stages_that_were_struck_off_are_told(house: House) -> None:
    assert house.rooms.note_stage("s1", rooms=2, load=0.5, late=0.01, places=3.5, capacity={"idle_ms": 2})
    (stage,) = house.rooms.stages()
    assert (stage.rooms, stage.load, stage.late, stage.places) == (2, 0.5, 0.01, 3.5)
    house.rooms.strike_stage("s1")
    assert not house.rooms.note_stage("s1", rooms=2, load=0.5, late=0.01)
    with pytest.raises(AvatariumError) as refused:
        house.book()
    assert refused.value.code == "no_stage"


def test_setting_a_context_keeps_what_an_extension_wrote_meanwhile(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    room, found = house.book(60), house.rooms.find

    def slow(owner: str, channel: str) -> Room:
        read = found(owner, channel)
        monkeypatch.setattr(house.rooms, "find", found)
        house.rooms.extend(owner, channel, 60)
        return read

    monkeypatch.setattr(house.rooms, "find", slow)
    told = house.rooms.set_context(house.ada, room.channel, "Open from nine.")
    assert told == house.now(room) and told.context == told.spec["context"] == "Open from nine."
    assert told.spec["expires_ms"] == told.expires_ms == room.expires_ms + 60_000


def test_clocks_that_differ_take_no_stage_out_of_service(house: House) -> None:
    behind_ms = house.clock.now_ms() - 100_000
    house.stage("s1", seen_ms=behind_ms)
    assert house.rooms.standing()[0] == 0, "one that is met is believed, until it is seen to write"
    house.stage("s1", seen_ms=behind_ms + 2000)
    assert house.rooms.standing()[0] == 1 and house.book().stage_id == "s1"
    house.clock.advance(11)
    with pytest.raises(AvatariumError) as refused:
        house.book()
    assert refused.value.code == "no_stage"


def test_the_rooms_of_a_page_are_ones_own_newest_first(house: House) -> None:
    made = []
    for _ in range(3):
        made.append(house.book().id)
        house.clock.advance(1)
    house.book(owner=house.ben)
    found, total = house.rooms.page(house.ada, offset=1, limit=2)
    assert ([room.id for room in found], total) == ([made[1], made[0]], 3)


def test_names_are_free_again_and_never_twice(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    names = itertools.chain(["aaaaaaaaaaaaaaaa"] * 4, ["bbbbbbbbbbbbbbbb"] * 9)
    chance = SimpleNamespace(token_hex=lambda size: next(names), randbelow=lambda most: 5)
    monkeypatch.setattr("avatarium.streaming.rooms.secrets", chance)
    assert [house.book().channel for _ in range(2)] == ["aaaaa", "bbbbb"]


def test_reports_are_forgotten_after_a_month(house: House) -> None:
    room, still = house.book(), house.book()
    house.rooms.end(room.id, EndReason.LEFT)
    house.clock.advance(31 * 86400)
    house.rooms.forget_old()
    assert house.rooms.get(room.id) is None and house.rooms.get(still.id) is not None


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("wait"), st.floats(0, 40)),
        st.tuples(st.sampled_from(["join", "lose", "end"]), st.just(0.0)),
        st.tuples(st.just("extend"), st.floats(1, 50)),
    ),
    max_size=12,
)


@settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))
@given(seconds=st.integers(1, 300), steps=STEPS)
def test_whatever_happens_every_coin_is_accounted_for(
    house: House, seconds: int, steps: list[tuple[str, float]]
) -> None:
    before = house.coins()
    house.stage()
    room = house.book(seconds)
    for step, amount in steps:
        if step == "wait":
            house.clock.advance(amount)
        elif step == "join":
            house.rooms.note_joined(room.id)
        elif step == "lose":
            house.rooms.note_lost(room.id)
        elif step == "extend" and house.now(room).is_open and house.now(room).expires_ms > house.clock.now_ms():
            house.rooms.extend(house.ada, room.channel, round(amount))
        elif step == "end":
            house.rooms.end(room.id, EndReason.LEFT)
    report = house.rooms.end(room.id, EndReason.LEFT)
    assert house.coins() == before - report.charged
    assert 0 <= report.charged <= report.held and report.charged + report.refunded == report.held
    assert report.used_s <= report.booked_s and report.charged == report.units
    with house.platform.database.write() as c:
        ledger.grant(c, house.ada, report.charged, key=room.id, now_ms=house.clock.now_ms())


def test_places_of_ended_rooms_are_free(house: House) -> None:
    room = house.book()
    with house.platform.database.read() as c:
        assert repository.places_taken(c) == {"s1": 1.0} and repository.count_by_state(c) == {"booked": 1, "live": 0}
    house.rooms.end(room.id, EndReason.LEFT)
    with house.platform.database.read() as c:
        assert repository.places_taken(c) == {} and repository.count_by_state(c) == {"booked": 0, "live": 0}
    assert room.created_ms + 60 * SECOND_MS == room.expires_ms
