"""Packets, repeats, reports, pace, estimates."""

from __future__ import annotations

import asyncio
import json
import random
import statistics
from collections.abc import Callable
from dataclasses import replace
from struct import unpack

import pytest
import uvloop
from aiortc.codecs import depayload
from aiortc.rtcrtpparameters import RTCRtpCodecParameters
from aiortc.rtp import HeaderExtensionsMap, RtcpPacket, RtcpReceiverInfo, RtcpSrPacket, RtpPacket, unwrap_rtx
from hypothesis import given
from hypothesis import strategies as st

from avatarium.streaming.transports import outbox as outbox_module
from avatarium.streaming.transports.bandwidth import FLOOR, Bandwidth
from avatarium.streaming.transports.channels import WAITING_MAX, EventQueue, a2e_message
from avatarium.streaming.transports.outbox import Outbox
from avatarium.streaming.transports.rtp import (
    HISTORY_S,
    LATE_S,
    NTP_UNIX_S,
    REPEATS_MANY,
    REPEATS_MAX,
    NtpClock,
    RtpStream,
    doubled,
    split_picture,
)
from avatarium.streaming.transports.viewer import LivePacket
from tests.support.live_broadcast import PictureSource
from tests.support.live_rooms import until
from tests.support.still_time import run_still

LoopFactory = Callable[[], asyncio.AbstractEventLoop]


def _stream(rate: int = 90_000, resent: int | None = 97) -> RtpStream:
    return RtpStream(rate=rate, payload_type=96, resent_type=resent, extensions=HeaderExtensionsMap(), mid="0")


@pytest.mark.parametrize("codec", ["h264", "vp8"])
def test_a_picture_comes_out_of_its_packets_as_it_went_in(codec: str) -> None:
    data, _ = PictureSource(codec, (320, 240)).code(10, key=True)
    payloads = split_picture(data, codec, 5)
    assert max(map(len, payloads)) <= 1300 and len(payloads) > 3
    parameters = RTCRtpCodecParameters(mimeType=f"video/{codec.upper()}", clockRate=90_000)
    joined = b"".join(depayload(parameters, payload) for payload in payloads)
    assert joined.replace(b"\0\0\0\1", b"\0\0\1") == data.replace(b"\0\0\0\1", b"\0\0\1")


def test_packets_of_a_picture_share_a_time_and_the_last_is_marked() -> None:
    stream = _stream()
    first, second = stream.packets([b"a", b"b"], 0), stream.packets([b"c"], 3600)
    assert [packet.marker for packet in first] == [0, 1]
    assert first[0].timestamp == first[1].timestamp
    assert (second[0].timestamp - first[0].timestamp) & 0xFFFFFFFF == 3600
    numbers = [packet.sequence_number for packet in (*first, *second)]
    assert [(number - numbers[0]) & 0xFFFF for number in numbers] == [0, 1, 2]


def test_sender_reports_of_one_instant_map_both_clocks_to_one_media_time() -> None:
    """Lips and sound are kept together by nothing else: the offset must be nought, not small on average."""
    picture, sound = _stream(), _stream(rate=48_000)
    ntp = NtpClock.read(1_700_000_000_000, 5_000.0)
    at: dict[int, list[float]] = {}
    for stream in (picture, sound):
        (start,) = stream.packets([b"x"], 0)
        for now in (5_003.217, 5_009.9999):
            report = RtcpPacket.parse(stream.report(media_s=now - 5_001.0, ntp=ntp.at(now), now_s=now, name="viewer"))[
                0
            ]
            assert isinstance(report, RtcpSrPacket)
            media_s = ((report.sender_info.rtp_timestamp - start.timestamp) & 0xFFFFFFFF) / stream.rate
            at.setdefault(report.sender_info.ntp_timestamp, []).append(media_s)
    assert len(at) == 2
    for one, other in at.values():
        assert abs(one - other) < 1 / 48_000


def test_the_ntp_clock_does_not_follow_jumps_of_the_wall_clock() -> None:
    ntp = NtpClock.read(1_000, 50.0)
    assert ntp.at(50.0) >> 32 == NTP_UNIX_S + 1
    assert (ntp.at(53.5) - ntp.at(50.0)) / 2**32 == pytest.approx(3.5, abs=1e-5)


def test_what_was_missed_is_wrapped_and_sent_once_a_round_trip() -> None:
    stream = _stream()
    (packet,) = stream.packets([b"payload"], 0)
    stream.remember(packet, 10.0)
    again, hopeless = stream.repeat([packet.sequence_number], 10.3, 0.2)
    assert not hopeless and again[0].ssrc == stream.resent_ssrc and again[0].payload_type == 97
    unwrapped = unwrap_rtx(again[0], payload_type=96, ssrc=stream.ssrc)
    assert (unwrapped.sequence_number, unwrapped.payload) == (packet.sequence_number, b"payload")
    assert stream.repeat([packet.sequence_number], 10.4, 0.2) == ([], False)
    assert stream.counters.resent == 1


def test_what_is_old_or_lost_again_and_again_is_repeated_but_a_key_frame_would_help_better() -> None:
    """aiortc waits for a packet whatever comes: without repeats its picture stood for half a minute."""
    stream = _stream()
    (packet,) = stream.packets([b"payload"], 0)
    assert stream.repeat([packet.sequence_number], 0.0, 0.0) == ([], True)
    stream.remember(packet, 10.0)
    hopeless = [stream.repeat([packet.sequence_number], 10.1 + number * 0.1, 0.0) for number in range(REPEATS_MAX)]
    assert all(again for again, _ in hopeless)
    assert [key for _, key in hopeless] == [number >= REPEATS_MANY for number in range(REPEATS_MAX)]
    assert stream.repeat([packet.sequence_number], 11.4, 0.0) == ([], True)
    (late,) = stream.packets([b"payload"], 0)
    stream.remember(late, 10.0)
    again, key = stream.repeat([late.sequence_number], 10.1 + LATE_S, 0.0)
    assert again and key
    assert stream.repeat([late.sequence_number], 10.1 + HISTORY_S, 0.0) == ([], True)


def test_round_trips_are_told_from_reports() -> None:
    stream = _stream()
    ntp = NtpClock.read(0, 0.0).at(100.0)
    stream.report(media_s=0.0, ntp=ntp, now_s=100.0, name="viewer")
    report = RtcpReceiverInfo(
        ssrc=stream.ssrc, fraction_lost=64, packets_lost=1, highest_sequence=1, jitter=900,
        lsr=(ntp >> 16) & 0xFFFFFFFF, dlsr=round(0.5 * 65536),
    )  # fmt: skip
    reception = stream.reception(report, 100.58)
    assert reception.rtt_s == pytest.approx(0.08)
    assert (reception.lost, reception.jitter_s) == (0.25, 0.01)


def test_red_carries_the_packet_before() -> None:
    """RFC 2198: one block header of four bytes, one of one byte."""
    data = doubled(b"now", b"before", 960, 111)
    (head,) = unpack(">I", data[:4])
    assert (head >> 31, head >> 24 & 127, head >> 10 & 0x3FFF, head & 0x3FF) == (1, 111, 960, 6)
    assert data[4] == 111 and data[5:] == b"beforenow"
    assert doubled(b"now", None, 0, 111) == b"\x6fnow"


def _busy(bandwidth: Bandwidth, rate: int, until_s: float) -> None:
    for step in range(50):
        bandwidth.sent(rate // 8 // 50, until_s - 1 + step / 50)


def test_a_browser_that_has_seen_little_does_not_narrow_a_good_line() -> None:
    """REMB is one and a half of what came in: of an avatar that only listens, next to nothing."""
    bandwidth = Bandwidth()
    _busy(bandwidth, 80_000, 10.0)
    bandwidth.round_trip(0.03, 10.0)
    bandwidth.remb(130_000, 10.0)
    assert bandwidth.estimate(10.0) is None


def test_a_busy_browser_s_estimate_does_not_count_while_round_trips_are_short() -> None:
    """Chromium on a loaded machine said 68 kbit/s on loopback."""
    bandwidth = Bandwidth()
    _busy(bandwidth, 1_000_000, 10.0)
    bandwidth.round_trip(0.003, 9.0)
    bandwidth.round_trip(0.005, 10.0)
    bandwidth.remb(68_000, 10.0)
    assert bandwidth.estimate(10.0) is None


def _simulated(
    link: float, seconds: int, *, base_s: float = 0.05, noise_s: float = 0.0, remb_noise: float = 0.0
) -> list[float]:
    """What is sent each second over a line with a buffer, of a room that would send 1.2 Mbit/s."""
    chance, bandwidth, queue_bits = random.Random(3), Bandwidth(), 0.0
    sent: list[float] = []
    for step in range(seconds * 20):
        now = 100 + step / 20
        rate = min(1_200_000, bandwidth.estimate(now) or 1_200_000)
        bandwidth.sent(round(rate / 20 / 8), now)
        queue_bits = min(max(queue_bits + (rate - link) / 20, 0.0), link)
        queue_s = queue_bits / link
        if step % 10 == 0:
            bandwidth.round_trip(base_s + queue_s + chance.choice([0.0, 0.0, chance.random() * noise_s]), now)
            bandwidth.lost(0.05 * chance.random() + (0.2 if queue_s > 0.95 else 0.0), now)
        if step % 10 == 5:
            received = min(rate, link)
            bandwidth.remb(int(received * (0.85 if queue_s > 0.05 else 1.5) * (1 - remb_noise * chance.random())), now)
        if step % 20 == 19:
            sent.append(rate)
    return sent


@pytest.mark.parametrize("base_s", [0.02, 0.4])
def test_a_narrow_line_is_followed_and_used(base_s: float) -> None:
    sent = _simulated(500_000, 60, base_s=base_s)
    assert max(sent[4:]) < 800_000
    assert 300_000 < statistics.mean(sent[20:]) < 560_000


def test_a_wide_line_of_a_busy_machine_is_not_narrowed() -> None:
    """Reports read late and REMB a tenth of the truth, with nothing wrong on the way."""
    sent = _simulated(20_000_000, 60, noise_s=0.3, remb_noise=0.9)
    assert min(sent) >= 600_000 and statistics.mean(sent) > 1_000_000


def test_a_longer_way_is_not_a_queue_for_ever() -> None:
    bandwidth = Bandwidth()
    bandwidth.round_trip(0.005, 0.0)
    for second in range(1, 15):
        bandwidth.round_trip(0.4, float(second))
    assert not bandwidth.strained


def test_heavy_loss_and_full_buffers_lower_the_rate_without_any_remb() -> None:
    lossy, slow = Bandwidth(), Bandwidth()
    for bandwidth in (lossy, slow):
        _busy(bandwidth, 1_000_000, 10.0)
    for second in range(10, 16):
        lossy.lost(0.3, float(second))
    slow.round_trip(0.05, 9.0)
    for second in range(10, 14):
        slow.round_trip(0.9, float(second))
    for bandwidth in (lossy, slow):
        estimate = bandwidth.estimate(15.0)
        assert estimate is not None and estimate < 900_000


@given(st.lists(st.tuples(st.sampled_from(["remb", "rtt", "loss", "sent"]), st.floats(0, 1)), max_size=60))
def test_no_reports_push_an_estimate_under_the_floor(reports: list[tuple[str, float]]) -> None:
    bandwidth = Bandwidth()
    for second, (kind, value) in enumerate(reports):
        now = float(second)
        if kind == "remb":
            bandwidth.remb(int(value * 1e6), now)
        elif kind == "rtt":
            bandwidth.round_trip(value, now)
        elif kind == "loss":
            bandwidth.lost(value, now)
        else:
            bandwidth.sent(int(value * 100_000), now)
        estimate = bandwidth.estimate(now)
        assert estimate is None or estimate >= FLOOR


def _packet(due_s: float, data: bytes = b"x") -> LivePacket:
    return LivePacket(data=data, pts=0, due_s=due_s, key=True, generation=0)


def _datagram(packet: LivePacket) -> RtpPacket:
    return RtpPacket(payload=packet.data)


class _Line:
    """What leaves an outbox, with when."""

    def __init__(self, datagrams: int = 1) -> None:
        self.left: list[tuple[str, float]] = []
        self.overflown = 0
        self._loop = asyncio.get_running_loop()
        self.box = Outbox(
            sound=lambda packet: self.left.append(("sound", self._loop.time() - packet.due_s)),
            split=lambda packet: [_datagram(packet)] * datagrams,
            send=self._send,
            overflown=self._overflow,
        )

    def _send(self, packet: RtpPacket) -> int:
        self.left.append(("picture", self._loop.time()))
        return 1200

    def _overflow(self) -> None:
        self.overflown += 1


@pytest.mark.parametrize("loop", [asyncio.new_event_loop, uvloop.new_event_loop])
def test_nothing_leaves_before_it_is_due_and_order_is_that_of_time(loop: LoopFactory) -> None:
    """On uvloop too, whose handles do not tell their time."""

    async def run() -> None:
        line, now = _Line(), asyncio.get_running_loop().time()
        line.box.put(_packet(now + 0.06), is_sound=True)
        line.box.put(_packet(now + 0.02), is_sound=False)
        line.box.put(_packet(now - 1.0), is_sound=True)
        await until(lambda: len(line.left) == 3, "all have left")
        assert [kind for kind, _ in line.left] == ["sound", "picture", "sound"]
        assert line.left[2][1] > -0.002
        line.box.close()

    with asyncio.Runner(loop_factory=loop) as runner:
        runner.run(run())


def test_sound_overtakes_a_key_frame_on_a_slow_line() -> None:
    async def run() -> None:
        line, now = _Line(datagrams=60), asyncio.get_running_loop().time()
        line.box.estimate(300_000)
        line.box.put(_packet(now), is_sound=False)
        line.box.put(_packet(now + 0.03), is_sound=True)
        await asyncio.sleep(0.08)
        kinds = [kind for kind, _ in line.left]
        assert kinds.count("sound") == 1 and 0 < kinds.index("sound") < len(kinds) - 1
        assert line.box.paced > 0
        line.box.close()

    run_still(run())


def test_pictures_that_wait_too_long_are_given_up_and_a_key_frame_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outbox_module, "PACED_MAX_S", 0.05)

    async def run() -> None:
        line = _Line(datagrams=200)
        line.box.estimate(100_000)
        line.box.put(_packet(asyncio.get_running_loop().time()), is_sound=False)
        await asyncio.sleep(0.2)
        assert line.overflown == 1 and line.box.paced == 0 and line.box.dropped > 50
        line.box.close()

    run_still(run())


def test_sound_of_before_an_interrupt_that_waits_does_not_leave() -> None:
    async def run() -> None:
        line, now = _Line(), asyncio.get_running_loop().time()
        line.box.put(_packet(now + 0.02), is_sound=True)
        line.box.put(_packet(now + 0.02), is_sound=False)
        line.box.put(replace(_packet(now + 0.04), generation=1), is_sound=True)
        await asyncio.sleep(0.1)
        assert [kind for kind, _ in line.left] == ["picture", "sound"] and line.box.dropped == 1
        line.box.close()

    run_still(run())


def test_too_many_packets_ahead_are_dropped() -> None:
    async def run() -> None:
        line, now = _Line(), asyncio.get_running_loop().time()
        for _ in range(outbox_module.WAITING_MAX + 3):
            line.box.put(_packet(now + 60), is_sound=False)
        assert line.box.dropped == 3 and line.overflown == 3
        line.box.close()

    asyncio.run(run())


def test_words_are_given_up_before_what_matters() -> None:
    sent: list[str] = []
    closed = True

    def send(text: str) -> bool:
        if not closed:
            sent.append(text)
        return not closed

    queue = EventQueue(send)
    queue.put({"type": "ready"})
    for number in range(WAITING_MAX + 50):
        queue.put({"type": "word", "number": number})
    queue.put({"type": "ended"})
    closed = False
    queue.flush()
    kinds = [json.loads(text)["type"] for text in sent]
    assert len(kinds) == WAITING_MAX and kinds[0] == "ready" and kinds[-1] == "ended"
    assert queue.dropped == 52
    assert json.loads(sent[1])["number"] == 52 - 0


def test_answers_are_told_as_a2e_tells_them() -> None:
    assert a2e_message({"type": "answer", "text": "Hello.", "pos": "start"}) == {
        "type": "QA", "message": "Hello.", "pos": "start",
    }  # fmt: skip
    assert a2e_message({"type": "word", "text": "Hello"}) is None
