"""When a room ends by itself."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from avatarium.streaming.models import EndReason
from avatarium.streaming.stage.lifetime import WARN_AT_S, Lifetime

OPENED_MS = 1_000_000


def lifetime(booked_s: float = 120, *, join_s: float = 60.0, grace_s: float = 20.0) -> Lifetime:
    expires_ms = OPENED_MS + round(booked_s * 1000)
    return Lifetime(opened_ms=OPENED_MS, expires_ms=expires_ms, join_s=join_s, grace_s=grace_s)


def at(seconds: float) -> int:
    return OPENED_MS + round(seconds * 1000)


def test_nobody_comes() -> None:
    room = lifetime()
    assert room.over(at(59.9)) is None
    assert room.over(at(60)) is EndReason.NEVER_JOINED


def test_a_short_room_that_nobody_joins_is_not_said_to_have_expired() -> None:
    assert lifetime(booked_s=5).over(at(5)) is EndReason.NEVER_JOINED


def test_the_time_is_over() -> None:
    room = lifetime()
    room.joined(at(1))
    assert room.over(at(119.9)) is None
    assert room.over(at(120)) is EndReason.EXPIRED


def test_the_last_viewer_is_lost_and_does_not_come_back() -> None:
    room = lifetime()
    room.joined(at(1))
    room.lost(at(30))
    room.lost(at(40))  # told twice
    assert room.over(at(49.9)) is None
    assert room.over(at(50)) is EndReason.VIEWER_LOST


def test_a_viewer_who_comes_back_in_time_is_not_lost() -> None:
    room = lifetime()
    room.joined(at(1))
    room.lost(at(30))
    room.joined(at(49))
    assert room.over(at(100)) is None


def test_a_room_that_nobody_joined_loses_nobody() -> None:
    room = lifetime()
    room.lost(at(1))
    assert room.lost_ms is None


def test_warnings_come_once_each() -> None:
    room = lifetime()
    told = [(second, warned) for second in range(0, 121) if (warned := room.warning(at(second))) is not None]
    assert told == [(60, 60), (90, 30), (110, 10)]


def test_a_short_room_warns_of_what_is_to_come_only() -> None:
    room = lifetime(booked_s=20)
    assert [warned for s in range(21) if (warned := room.warning(at(s)))] == [10]


def test_an_extended_room_lasts_longer_and_warns_anew() -> None:
    room = lifetime(booked_s=70)
    room.joined(at(0))
    assert room.warning(at(15)) == 60
    room.extend(at(200), at(20))
    assert room.over(at(70)) is None
    assert [(s, w) for s in range(20, 200) if (w := room.warning(at(s)))] == [(140, 60), (170, 30), (190, 10)]
    assert room.over(at(200)) is EndReason.EXPIRED


@given(booked_s=st.integers(1, 300), step_s=st.integers(1, 45))
def test_however_seldom_somebody_looks_no_warning_is_told_twice_or_too_early(booked_s: int, step_s: int) -> None:
    room = lifetime(booked_s=booked_s, join_s=1e6)
    seen = []
    for second in range(0, booked_s + 1, step_s):
        warned = room.warning(at(second))
        if warned is not None:
            assert booked_s - second <= warned
            seen.append(warned)
    assert seen == sorted(set(seen), reverse=True) and set(seen) <= set(WARN_AT_S)
