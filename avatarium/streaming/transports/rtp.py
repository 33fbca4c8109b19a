"""One RTP stream to one viewer: packets, repeats, sender reports (RFC 3550, 4585, 4588, 6184, 7741)."""

from __future__ import annotations

import random
from collections import OrderedDict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from struct import pack

from aiortc.codecs.h264 import H264Encoder
from aiortc.codecs.vpx import Vp8Encoder
from aiortc.rtp import (
    HeaderExtensionsMap,
    RtcpByePacket,
    RtcpReceiverInfo,
    RtcpSdesPacket,
    RtcpSenderInfo,
    RtcpSourceInfo,
    RtcpSrPacket,
    RtpPacket,
    wrap_rtx,
)

from avatarium.streaming.transports.codecs import H264

HISTORY_MAX = 1024
"""Packets that can be sent again; aiortc keeps 128, less than two large pictures."""
HISTORY_S, REPEATS_MAX = 5.0, 10
"""What is older, or was repeated so often, is not sent again."""
LATE_S, REPEATS_MANY = 1.5, 3
"""And from here a key frame helps better. Players that wait for a packet whatever comes still get it."""
RESEND_GAP_S = 0.02
"""And a packet asked for twice within a round trip is sent once."""
REPORTS_MAX = 8
NTP_UNIX_S = 2_208_988_800
"""From 1900, where NTP begins, to 1970."""
_MASK = 0xFFFFFFFF


def split_picture(data: bytes, codec: str, picture_id: int) -> list[bytes]:
    """Payloads of one coded picture."""
    if codec == H264:
        return H264Encoder._packetize(H264Encoder._split_bitstream(data))
    return Vp8Encoder._packetize(data, picture_id)


@dataclass(slots=True)
class Sent:
    """A packet in the history."""

    packet: RtpPacket
    first_s: float
    last_s: float
    repeats: int = 0


@dataclass(slots=True)
class Counters:
    """What went over one stream."""

    packets: int = 0
    bytes: int = 0
    resent: int = 0
    asked_again: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Reception:
    """What a viewer reported of a stream (RFC 3550 section 6.4.1)."""

    lost: float
    """Share of the packets since the report before."""
    jitter_s: float
    rtt_s: float | None


@dataclass(slots=True, kw_only=True)
class RtpStream:
    """Numbers, remembers and repeats the packets of one sound or picture."""

    rate: int
    payload_type: int
    extensions: HeaderExtensionsMap
    mid: str | None
    resent_type: int | None = None
    ssrc: int = field(default_factory=lambda: random.getrandbits(32))
    resent_ssrc: int = field(default_factory=lambda: random.getrandbits(32))
    counters: Counters = field(default_factory=Counters)
    # In the lower half, so that the first minutes have no wrap-around, which some SRTP receivers get wrong.
    _sequence: int = field(default_factory=lambda: random.randrange(1 << 15))
    _resent_sequence: int = field(default_factory=lambda: random.randrange(1 << 15))
    _origin: int = field(default_factory=lambda: random.getrandbits(32))
    _history: OrderedDict[int, Sent] = field(default_factory=OrderedDict)
    _reports: OrderedDict[int, float] = field(default_factory=OrderedDict)

    def packets(self, payloads: Sequence[bytes], pts: int, payload_type: int | None = None) -> list[RtpPacket]:
        """Number the payloads of one picture or sound packet; the last is marked."""
        made = []
        for index, payload in enumerate(payloads):
            packet = RtpPacket(
                payload_type=self.payload_type if payload_type is None else payload_type,
                sequence_number=self._sequence,
                timestamp=(self._origin + pts) & _MASK,
                marker=int(index == len(payloads) - 1),
                ssrc=self.ssrc,
            )
            packet.payload = payload
            packet.extensions.mid = self.mid
            self._sequence = (self._sequence + 1) & 0xFFFF
            made.append(packet)
        return made

    def write(self, packet: RtpPacket, ntp: int) -> bytes:
        """The bytes of a packet that is sent now."""
        packet.extensions.abs_send_time = (ntp >> 14) & 0x00FFFFFF
        if packet.ssrc == self.ssrc:
            self.counters.packets += 1
            self.counters.bytes += len(packet.payload)
        return packet.serialize(self.extensions)

    def remember(self, packet: RtpPacket, now_s: float) -> None:
        """Keep a packet that was sent, for those who missed it."""
        self._history[packet.sequence_number] = Sent(packet, now_s, now_s)
        while len(self._history) > HISTORY_MAX:
            self._history.popitem(last=False)

    def repeat(self, missed: Iterable[int], now_s: float, gap_s: float) -> tuple[list[RtpPacket], bool]:
        """What to send again for a NACK, and whether a key frame would help better.

        ``gap_s`` is a round trip: who asks twice within it has not seen the first repeat yet.
        """
        again, hopeless = [], False
        for number in missed:
            self.counters.asked_again += 1
            sent = self._history.get(number)
            age_s = HISTORY_S if sent is None else now_s - sent.first_s
            hopeless |= sent is None or age_s > LATE_S or sent.repeats >= REPEATS_MANY
            if sent is None or age_s >= HISTORY_S or sent.repeats >= REPEATS_MAX:
                continue
            if now_s - sent.last_s >= max(gap_s, RESEND_GAP_S):
                sent.last_s = now_s
                sent.repeats += 1
                self.counters.resent += 1
                again.append(self._wrapped(sent.packet))
        return again, hopeless

    def _wrapped(self, packet: RtpPacket) -> RtpPacket:
        if self.resent_type is None:
            return packet
        wrapped = wrap_rtx(
            packet, payload_type=self.resent_type, sequence_number=self._resent_sequence, ssrc=self.resent_ssrc
        )
        self._resent_sequence = (self._resent_sequence + 1) & 0xFFFF
        return wrapped

    def report(self, *, media_s: float, ntp: int, now_s: float, name: str) -> bytes:
        """A sender report: the media time ``media_s`` belongs to the instant ``ntp``."""
        self._reports[(ntp >> 16) & _MASK] = now_s
        while len(self._reports) > REPORTS_MAX:
            self._reports.popitem(last=False)
        info = RtcpSenderInfo(
            ntp_timestamp=ntp,
            rtp_timestamp=(self._origin + round(media_s * self.rate)) & _MASK,
            packet_count=self.counters.packets & _MASK,
            octet_count=self.counters.bytes & _MASK,
        )
        who = RtcpSdesPacket(chunks=[RtcpSourceInfo(ssrc=self.ssrc, items=[(1, name.encode())])])
        return bytes(RtcpSrPacket(ssrc=self.ssrc, sender_info=info)) + bytes(who)

    def reception(self, report: RtcpReceiverInfo, now_s: float) -> Reception:
        """Understand a receiver's report on this stream."""
        sent_s = self._reports.get(report.lsr)
        rtt_s = None if sent_s is None else max(now_s - sent_s - report.dlsr / 65536, 0.0)
        return Reception(lost=report.fraction_lost / 256, jitter_s=report.jitter / self.rate, rtt_s=rtt_s)

    def goodbye(self) -> bytes:
        """The stream ends (RFC 3550 section 6.6)."""
        return bytes(RtcpByePacket(sources=[self.ssrc]))


def doubled(payload: bytes, before: bytes | None, ticks: int, payload_type: int) -> bytes:
    """A payload that carries the one before it too, ``ticks`` of the clock earlier (RED, RFC 2198)."""
    if not before or len(before) >= 1 << 10 or ticks >= 1 << 14:
        return bytes([payload_type]) + payload
    header = pack("!BHB", 0x80 | payload_type, (ticks << 2) | (len(before) >> 8), len(before) & 0xFF)
    return header + bytes([payload_type]) + before + payload


@dataclass(frozen=True, slots=True)
class NtpClock:
    """Wall time as NTP has it, read once and carried on by the monotonic clock: it never jumps."""

    at_zero_s: float
    """Seconds since 1900 when the monotonic clock was 0."""

    @classmethod
    def read(cls, wall_ms: int, now_s: float) -> NtpClock:
        return cls(wall_ms / 1000 + NTP_UNIX_S - now_s)

    def at(self, now_s: float) -> int:
        """64 bits: seconds and fractions (RFC 5905)."""
        seconds = self.at_zero_s + now_s
        whole = int(seconds)
        return (whole << 32) | int((seconds - whole) * (1 << 32))
