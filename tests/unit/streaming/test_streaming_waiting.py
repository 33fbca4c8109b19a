"""Placement, expected waits, and the words of reports."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from avatarium.streaming.models import EndReason, Room, RoomState, StageRecord
from avatarium.streaming.placement import choose, coded_size, places_for, places_of, size_of
from avatarium.streaming.reports import report_of
from avatarium.streaming.waiting import RoomsFull, expected_wait_s
from tests.support.live_rooms import spec_of

NOW_MS = 1_700_000_000_000


def stage(name: str, places: float, **more: Any) -> StageRecord:
    given = {"rooms": 0, "load": 0.0, "late": 0.0, "draining": False, "started_ms": NOW_MS, "seen_ms": NOW_MS}
    return StageRecord(id=name, host="h", address="http://h:1", places=places, capacity={}, **given | more)


def room(**more: Any) -> Room:
    given: dict[str, Any] = {
        **{"id": "a" * 24, "channel": "a1b2c", "owner": "o" * 24, "avatar_id": "v" * 24, "stage_id": "s1"},
        **{"state": RoomState.LIVE, "uid": 1, "places": 1.0, "spec": {}, "context": "", "unit_price": 1.0},
        **{"booked_s": 60, "extended_s": 0, "created_ms": NOW_MS, "expires_ms": NOW_MS + 60_000, "joined_ms": NOW_MS},
        **{"lost_ms": None, "away_ms": 0, "seen_ms": NOW_MS, "ended_ms": None, "end_reason": "", "used_ms": 0},
        **{"held": 12, "charged": 0, "recording_key": ""},
    }
    return Room(**given | more)


@given(
    capacities=st.lists(st.floats(0.1, 20), min_size=1, max_size=6),
    full=st.lists(st.floats(0, 20), min_size=6, max_size=6),
    places=st.floats(0.4, 5),
)
def test_no_stage_is_ever_overfilled(capacities: list[float], full: list[float], places: float) -> None:
    found = [stage(f"s{n}", capacity) for n, capacity in enumerate(capacities)]
    taken = {s.id: full[n] for n, s in enumerate(found)}
    choice = choose(found, taken, places=places, share=0.85)
    fitting = [s for s in found if taken[s.id] + places <= s.places]
    assert choice.alive == len(found)
    if choice.stage is not None:
        fits = taken[choice.stage.id] + places <= choice.stage.places + 1e-4
        assert fits or (not fitting and taken[choice.stage.id] < 1e-4), "an empty one takes any room, if none fits"
        assert all(taken[choice.stage.id] / choice.stage.places <= taken[s.id] / s.places for s in fitting)
    else:
        assert not fitting and all(taken[s.id] > 0 for s in found)


def test_who_comes_later_takes_what_the_first_in_line_cannot_use() -> None:
    found = [stage("s1", 4.0), stage("s2", 4.0)]
    wide = {"s1": 2.0, "s2": 3.0}
    assert choose(found, wide, places=1, share=0.85, before=[2.5]).stage is not None, "it fits nowhere"
    assert choose(found, wide, places=1, share=0.85, before=[2.0, 1.0]).stage is None, "these take the rest"
    kept = choose(found, wide, places=1, share=0.85, before=[1.0, 2.5, 1.0]).stage
    assert kept is not None


def test_a_room_larger_than_any_stage_goes_to_an_empty_one() -> None:
    found = [stage("s1", 1.2), stage("s2", 2.0)]
    large = choose(found, {}, places=2.6, share=0.85).stage
    assert large is not None and choose(found, {"s1": 1.0, "s2": 1.0}, places=2.6, share=0.85).stage is None
    fits = choose([*found, stage("s3", 8.0)], {"s3": 2.0}, places=2.6, share=0.85).stage
    assert fits is not None and fits.id == "s3", "where it fits it goes first"


def test_the_quieter_of_two_that_are_as_full() -> None:
    found = [stage("a", 4, load=0.4), stage("b", 4, load=0.2)]
    choice = choose(found, {}, places=1, share=0.85)
    assert choice.stage is not None and choice.stage.id == "b"


@pytest.mark.parametrize(
    ("resolution", "shape", "size"),
    [(512, "", (512, 512)), (512, "1:1", (512, 512)), (360, "16:9", (640, 360)), (720, "9:16", (720, 1280))],
)
def test_sizes_are_even(resolution: int, shape: str, size: tuple[int, int]) -> None:
    assert size_of(resolution, shape) == size
    assert all(side % 2 == 0 for odd in (241, 333, 719) for side in size_of(odd, "4:5"))


def test_a_room_of_the_usual_size_takes_one_place() -> None:
    photo, clear = places_for(spec_of(resolution=512)), places_for(spec_of(resolution=512, transparent=True))
    assert photo == 1.0 and coded_size(spec_of(resolution=512, transparent=True)) == (512, 1024)
    assert photo < clear < 2 < places_for(spec_of(resolution=512, package_key="twin"))
    assert places_of(512, 512) == 1.0 and places_of(256, 256) < 0.5 and places_of(1280, 720) > 2


def test_waits_grow_with_the_place_and_go_round() -> None:
    rooms = [room(expires_ms=NOW_MS + seconds * 1000, booked_s=seconds) for seconds in (30, 60, 90)]
    waits = [expected_wait_s(place, rooms, [], now_ms=NOW_MS) for place in range(1, 8)]
    assert waits[:3] == [30, 60, 90] and waits == sorted(waits) and waits[3] > 90


def test_rooms_that_usually_end_early_are_waited_for_less() -> None:
    open_rooms = [room()]
    ended = [room(state=RoomState.ENDED, ended_ms=NOW_MS + 15_000, end_reason="left")] * 3
    assert expected_wait_s(1, open_rooms, ended, now_ms=NOW_MS) == 15
    late = expected_wait_s(1, open_rooms, ended, now_ms=NOW_MS + 40_000)
    assert 1 <= late <= 20, "it has outlived the others, and ends in 20 seconds at the latest"
    assert expected_wait_s(1, [], [], now_ms=NOW_MS) > 0


@pytest.mark.parametrize(("place", "words"), [(1, "You are next"), (2, "One is before you"), (3, "2 are before you")])
def test_the_sentence_tells_place_and_wait(place: int, words: str) -> None:
    full = RoomsFull(place=place, expected_wait_s=200, ticket="t")
    assert words in full.message and "3 minutes" in full.message and (full.status, full.retry_after_s) == (503, 5)
    assert full.data == {"place": place, "expected_wait_s": 200, "ticket": "t"}


@pytest.mark.parametrize("reason", EndReason)
def test_every_end_is_told_in_words_and_numbers(reason: EndReason) -> None:
    ended = room(state=RoomState.ENDED, end_reason=reason.value, ended_ms=NOW_MS, used_ms=11_200, charged=3)
    report = report_of(ended, NOW_MS)
    assert (report.units, report.charged, report.refunded, report.reason) == (3, 3, 9, reason.value)
    assert report.why.endswith("9 coins of the 12 that were held were given back.")
    assert "11.2 seconds with a viewer make 3 begun units of 5 seconds at 1 each: 3 coins;" in report.why
    unused = replace(ended, used_ms=0, charged=0)
    assert report_of(unused, NOW_MS).why.endswith("No time counts, so all 12 coins were given back.")


def test_words_suit_one_coin() -> None:
    ended = room(state=RoomState.ENDED, end_reason="left", used_ms=1000, charged=1, held=2)
    assert "make 1 begun unit of" in report_of(ended, NOW_MS).why
    assert report_of(ended, NOW_MS).why.endswith("1 coin; 1 coin of the 2 that were held was given back.")


def test_an_open_room_tells_what_it_costs_so_far() -> None:
    report = report_of(room(), NOW_MS + 7000)
    assert (report.used_s, report.charged, report.refunded, report.reason) == (7.0, 2, 0, "")
    assert report.why == (
        "So far 7 seconds with a viewer make 2 begun units of 5 seconds at 1 each: 2 coins. "
        "12 coins held for 60 seconds."
    )
    booked = room(state=RoomState.BOOKED, joined_ms=None)
    assert "Nobody has joined yet" in report_of(booked, NOW_MS + 7000).why
