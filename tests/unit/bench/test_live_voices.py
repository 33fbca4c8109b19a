"""What the bench of slow voices hears in packets."""

from __future__ import annotations

import numpy as np
import pytest

from avatarium.engine.live import PACKET_SAMPLES, OpusEncoder
from bench.live.voices import LIMIT_S, heard

PACKET_S = 0.02


def packets(*stretches: tuple[float, bool], begun_s: float = 10.0) -> list[tuple[float, int, bytes]]:
    """As they come: stretches of so many seconds, loud or silent."""
    tone = (0.3 * np.sin(np.arange(PACKET_SAMPLES) * 0.05)).astype(np.float32)
    loud = [is_loud for seconds, is_loud in stretches for _ in range(round(seconds / PACKET_S))]
    encoder = OpusEncoder()
    coded = [encoder.encode(tone * is_loud) for is_loud in loud]
    return [(begun_s + at * PACKET_S, at * PACKET_SAMPLES, data) for at, data in enumerate(coded)]


def test_the_first_sound_counts_from_the_call() -> None:
    told = heard(packets((0.8, False), (1.0, True)), asked_s=9.9)
    assert told.first_ms == pytest.approx(900, abs=60)
    assert told.holes_s == ()


def test_a_pause_is_no_hole_and_a_hole_is_one() -> None:
    told = heard(packets((0.5, True), (0.5, False), (0.5, True), (1.5, False), (0.5, True)), asked_s=10.0)
    assert told.holes_s == pytest.approx((1.5,), abs=0.1)


def test_what_came_late_is_heard_in_its_place() -> None:
    mixed = packets((0.5, True), (0.4, False), (0.5, True))
    mixed[3], mixed[4] = mixed[4], mixed[3]
    assert heard(mixed, asked_s=10.0).holes_s == ()


def test_silence_is_told_as_such() -> None:
    assert heard(packets((0.4, False)), asked_s=10.0).first_ms == LIMIT_S * 1000
