"""Messages against a rate."""

from __future__ import annotations

from avatarium.clock import ManualClock
from avatarium.streaming.meter import Meter


def test_who_keeps_to_the_rate_is_never_early_and_who_does_not_is_told_by_how_much() -> None:
    clock = ManualClock()
    meter = Meter(clock, rate=10, burst=3)
    assert [meter.count() for _ in range(3)] == [0, 0, 0]
    assert [round(meter.count(), 3) for _ in range(2)] == [0.1, 0.2]
    clock.advance(0.2)
    assert round(meter.count(), 3) == 0.1
    for _ in range(50):
        clock.advance(0.2)
        assert meter.count() == 0


def test_a_long_pause_gives_no_more_than_the_reserve() -> None:
    clock = ManualClock()
    meter = Meter(clock, rate=10, burst=3)
    clock.advance(3600)
    assert [meter.count() > 0 for _ in range(4)] == [False, False, False, True]
