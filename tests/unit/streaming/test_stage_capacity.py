"""How many rooms a stage can hold."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from avatarium.streaming.stage.capacity import Capacity, guessed, measure

COSTS = st.floats(0.1, 200)


@given(speaking=COSTS, idle=COSTS, share=st.floats(0.1, 1))
def test_there_is_one_place_at_least_and_never_more_than_the_share_pays_for(
    speaking: float, idle: float, share: float
) -> None:
    capacity = Capacity(speaking_ms=speaking, idle_ms=idle, share=share)
    assert capacity.places >= 1
    assert capacity.places == 1 or capacity.places * capacity.room_ms <= share * 40 * 1.01


def test_what_is_told_of_it() -> None:
    told = Capacity(speaking_ms=5.5, idle_ms=3.0, share=0.85).as_json()
    assert told == {"speaking_ms": 5.5, "idle_ms": 3.0, "share": 0.85, "places": 6.18, "speaking_at_once": 4.9}


def test_a_machine_is_measured() -> None:
    from avatarium.engine.live import live_view

    view = live_view("ava", resolution=240, shape="1:1")
    found = measure(view, 0.85)
    assert 0.1 < found.idle_ms < found.speaking_ms < 100
    assert found.places > guessed(0.85).places or found.speaking_ms > 8


@pytest.mark.parametrize("share", [0.2, 0.85])
def test_a_guess_is_careful(share: float) -> None:
    assert 1 <= guessed(share).places < 4
