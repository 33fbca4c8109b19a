"""Connections of those who only test their network."""

from __future__ import annotations

from typing import Any

import pytest

from avatarium.errors import BusyError
from avatarium.streaming.transports import whep
from avatarium.streaming.transports.ice import IceSettings
from avatarium.streaming.transports.trial import MOST, MOST_OF_ONE, Trials
from tests.support.live_rooms import KeepingViewer, in_loop


@pytest.fixture
def trials(monkeypatch: pytest.MonkeyPatch) -> Trials:
    async def answered(*_given: Any, **_named: Any) -> tuple[KeepingViewer, str]:
        return KeepingViewer(), "v=0"

    monkeypatch.setattr(whep, "answer_offer", answered)
    return Trials(IceSettings())


@in_loop
async def test_one_address_does_not_hold_the_places_of_all(trials: Trials) -> None:
    for _ in range(MOST_OF_ONE):
        assert await trials.answer("offer", address="192.0.2.1") == "v=0"
    with pytest.raises(BusyError):
        await trials.answer("offer", address="192.0.2.1")
    for number in range(MOST - MOST_OF_ONE):
        assert await trials.answer("offer", address=f"192.0.2.{2 + number}") == "v=0"
    with pytest.raises(BusyError):
        await trials.answer("offer", address="192.0.2.99")
    await trials.close()
    assert await trials.answer("offer", address="192.0.2.1") == "v=0", "those that ended count no more"
    await trials.close()


@in_loop
async def test_one_visitor_with_a_network_of_addresses_does_not_hold_the_places_of_all(trials: Trials) -> None:
    """Every host of IPv6 has a /64 of its own: one held all eight places."""
    for number in range(MOST_OF_ONE):
        await trials.answer("offer", address=f"2001:db8:0:1::{number + 1}")
    with pytest.raises(BusyError):
        await trials.answer("offer", address="2001:db8:0:1:2:3:4:5")
    assert await trials.answer("offer", address="2001:db8:0:2::1") == "v=0", "somebody else"
    await trials.close()
