"""Viewers on bad lines: what is lost is sent again, and the rate follows what the line carries.

aiortc's receiver waits for each lost packet, key frame or not, so after a jam it stands for longer than a browser does.
"""

from __future__ import annotations

import asyncio

import pytest

from tests.support.live_adversity import measure
from tests.support.live_bad_line import Condition

LOSSY = Condition(delay_s=0.03, loss=0.03)
NARROW = Condition(delay_s=0.1, loss=0.02, rate=250_000)


@pytest.mark.long
def test_what_a_line_loses_is_sent_again_and_the_picture_goes_on() -> None:
    figures = asyncio.run(measure(4, LOSSY, good_s=1))
    falling, bad = figures["falling"], figures["bad"]
    assert falling["resent"] + bad["resent"] > 0
    assert falling["fps"] + bad["fps"] > 4 and bad["sound"] > 0.7
    assert all(estimate is None for estimate in figures["good"]["estimates"])


@pytest.mark.long
def test_the_rate_follows_a_narrow_line_and_sound_goes_on() -> None:
    figures = asyncio.run(measure(5, NARROW, good_s=2))
    good, bad = figures["good"], figures["bad"]
    known = [estimate for estimate in bad["estimates"] if estimate is not None]
    assert known and max(known) < 300_000
    assert bad["sent_kbit_s"] < 0.75 * good["sent_kbit_s"]
    assert bad["sound"] > 0.5
    assert figures["rising"]["sound"] > 0.7
