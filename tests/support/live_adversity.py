"""What a viewer gets on a line that is made bad and good again.

``python -m tests.support.live_adversity 30`` prints its figures as JSON: 5 % loss, 200 ms
each way and 500 kbit/s for half a minute.
"""

from __future__ import annotations

import asyncio
import json
import sys
from typing import Any

from avatarium.streaming.transports.ice import IceSettings
from avatarium.streaming.transports.whep import WhepViewer, answer_offer
from tests.support.live_bad_line import BAD, GOOD, Condition, bad_line, without_candidates
from tests.support.live_broadcast import TICK_S, Broadcast, broadcasting
from tests.support.live_receiving import Receiver


async def _phase(host: Broadcast, viewer: WhepViewer, receiver: Receiver, seconds: float) -> dict[str, Any]:
    """What a viewer got in that time, of each second that was sent: a busy machine sends fewer."""
    loop = asyncio.get_running_loop()
    began, tick, pictures, samples = loop.time(), host.tick, receiver.pictures, receiver.samples
    sent, again = _sent(viewer), viewer.figures()["resent_packets"]
    flashes, beeps = len(receiver.flashes_s), len(receiver.beeps_s)
    estimates: list[int | None] = []
    while loop.time() - began < seconds:
        await asyncio.sleep(1)
        estimates.append(viewer.estimated_bitrate)
    passed_s = max(1, host.tick - tick) * TICK_S
    return {
        "fps": round((receiver.pictures - pictures) / passed_s, 1),
        "sound": round((receiver.samples - samples) / 48_000 / passed_s, 3),
        "sent_kbit_s": round((_sent(viewer) - sent) * 8 / 1000 / passed_s),
        "resent": int(viewer.figures()["resent_packets"] or 0) - int(again or 0),
        "estimates": estimates,
        "rtt_ms": viewer.figures()["rtt_ms"],
        "loss": viewer.figures()["loss"],
        "offsets_ms": _offsets(receiver.flashes_s[flashes:], receiver.beeps_s[beeps:]),
    }


def _sent(viewer: WhepViewer) -> int:
    return int(viewer.figures()["sent_bytes"] or 0)


def _offsets(flashes: list[float], beeps: list[float]) -> list[int]:
    """By how much each flash came after its beep."""
    if not beeps:
        return []
    pairs = ((flash, min(beeps, key=lambda beep: abs(beep - flash))) for flash in flashes)
    return [round((flash - beep) * 1000) for flash, beep in pairs if abs(flash - beep) < 0.5]


async def measure(bad_s: float, condition: Condition = BAD, good_s: float = 4.0) -> dict[str, Any]:
    """A good line, a bad one, and a good one again."""
    async with broadcasting(Broadcast(bitrate=1_000_000, adaptive=True)) as host:
        receiver = Receiver()
        offer = without_candidates(await receiver.offer())
        viewer, answer = await answer_offer(host, offer, uid=1, may_publish=False, ice=IceSettings(), size=host.size)
        host.admit(viewer)
        async with bad_line(answer) as (line, detour):
            await receiver.accept(detour)
            await receiver.until_pictures(5)
            figures = {"good": await _phase(host, viewer, receiver, good_s)}
            line.condition = condition
            figures["falling"] = await _phase(host, viewer, receiver, 5)
            figures["bad"] = await _phase(host, viewer, receiver, bad_s)
            line.condition = GOOD
            figures["rising"] = await _phase(host, viewer, receiver, 3)
            figures["again"] = await _phase(host, viewer, receiver, good_s)
            await receiver.close()
        return figures


if __name__ == "__main__":
    json.dump(asyncio.run(measure(float(sys.argv[1]))), sys.stdout)
