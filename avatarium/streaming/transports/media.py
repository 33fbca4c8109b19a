"""Sound and pictures on their way to one viewer over SRTP: streams, pace, reports, what comes back (RFC 3550, 4585)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Protocol, cast

import pylibsrtp
import structlog
from aiortc.rtcdtlstransport import RTCDtlsTransport, RtpSender
from aiortc.rtcrtpparameters import RTCRtpHeaderExtensionParameters, RTCRtpSendParameters
from aiortc.rtp import (
    RTCP_PSFB_APP,
    RTCP_PSFB_FIR,
    RTCP_PSFB_PLI,
    RTCP_RTPFB_NACK,
    AnyRtcpPacket,
    HeaderExtensionsMap,
    RtcpPsfbPacket,
    RtcpRrPacket,
    RtcpRtpfbPacket,
    RtcpSrPacket,
    RtpPacket,
    unpack_remb_fci,
)

from avatarium.clock import Clock
from avatarium.streaming.transports.bandwidth import Bandwidth
from avatarium.streaming.transports.outbox import Outbox
from avatarium.streaming.transports.rtp import NtpClock, RtpStream, doubled, split_picture
from avatarium.streaming.transports.sdp import MID_URI, SEND_TIME_URI, Section
from avatarium.streaming.transports.viewer import PICTURE_RATE, SOUND_RATE, LivePacket

REPORT_S = 1.0
REPORTS_EARLY_S = (0.0, 0.1, 0.3)
"""The first ones come fast: a browser keeps lips and sound apart until it has one of each."""
KEY_GAP_S = 0.3
"""Requests for a key frame that come closer than this are one."""
LOST_GAP_S = 1.0
"""And so are those that we make ourselves, for what was lost for good."""
DOUBLE_LOSS = 0.01
"""Loss from which sound is sent twice (RED): a lost packet then costs nothing but a little rate."""
DOUBLE_TICKS = 1920
"""A packet that is further apart from the one before it is not sent with it: something lies between."""
SOUND_SHARE = 60_000
"""Bits a second that sound takes, with its headers."""
log = structlog.get_logger()


class Wire(Protocol):
    """What datagrams leave through."""

    def send_now(self, data: bytes) -> None: ...


class MediaSender:
    """Sends one viewer's sound and pictures.

    Args:
        want_key: called where the viewer cannot decode until the next key frame.
    """

    def __init__(
        self,
        dtls: RTCDtlsTransport,
        wire: Wire,
        *,
        picture: Section | None,
        sound: Section | None,
        name: str,
        clock: Clock,
        want_key: Callable[[], None],
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._dtls, self._wire, self._name, self._want_key = dtls, wire, name, want_key
        self._ntp = NtpClock.read(clock.now_ms(), self._loop.time())
        self.picture = _picture_stream(picture)
        self.sound = _sound_stream(sound)
        self._codec = picture.picture.name if picture and picture.picture else ""
        self._doubled_type = sound.sound.doubled.payloadType if sound and sound.sound and sound.sound.doubled else None
        self._outbox = Outbox(
            sound=self._send_sound, split=self._split, send=self._send_paced, overflown=self._need_key
        )
        self._bandwidth = Bandwidth()
        self._origin_s: float | None = None
        self._needs_key = True
        self._key_asked_s = 0.0
        self._picture_id = 0
        self._before: tuple[int, bytes] | None = None
        self._started = False
        self._report_timer: asyncio.Handle | None = None
        self._reports = 0
        self.jitter_s = 0.0

    def start(self) -> None:
        """The connection is up: media flows from now on."""
        # One and the same for both streams: a report that is on both of them is then heard once.
        routed = _Routed(self._heard_back)
        for stream in self._streams():
            self._dtls._rtp_router.register_sender(cast(RtpSender, routed), stream.ssrc)
        self._started = True
        self._need_key()

    def _streams(self) -> list[RtpStream]:
        return [stream for stream in (self.picture, self.sound) if stream is not None]

    def send_picture(self, packet: LivePacket) -> None:
        """See :class:`avatarium.streaming.transports.viewer.Viewer`."""
        if not self._started or self.picture is None:
            return
        if self._needs_key and not packet.key:
            self._need_key()
            return
        self._needs_key = False
        self._outbox.put(packet, is_sound=False)

    def send_sound(self, packet: LivePacket) -> None:
        """See :class:`avatarium.streaming.transports.viewer.Viewer`."""
        if self._started and self.sound is not None:
            self._outbox.put(packet, is_sound=True)

    def _need_key(self) -> None:
        self._needs_key = True
        self._ask_key(KEY_GAP_S)

    def _ask_key(self, gap_s: float) -> None:
        now = self._loop.time()
        if self._started and self.picture is not None and now - self._key_asked_s >= gap_s:
            self._key_asked_s = now
            self._want_key()

    def _split(self, packet: LivePacket) -> list[RtpPacket]:
        assert self.picture is not None
        self._follow(packet, PICTURE_RATE)
        self._picture_id = (self._picture_id + 1) & 0x7FFF
        return self.picture.packets(split_picture(packet.data, self._codec, self._picture_id), packet.pts)

    def _send_sound(self, packet: LivePacket) -> None:
        assert self.sound is not None
        self._follow(packet, SOUND_RATE)
        payload, kind = packet.data, None
        if self._doubled_type is not None and self._bandwidth.loss >= DOUBLE_LOSS:
            before_pts, before = self._before or (packet.pts, b"")
            ticks = packet.pts - before_pts
            kind = self._doubled_type
            payload = doubled(payload, before if 0 < ticks <= DOUBLE_TICKS else None, ticks, self.sound.payload_type)
        self._before = packet.pts, packet.data
        for made in self.sound.packets([payload], packet.pts, kind):
            self._send(self.sound, made)

    def _follow(self, packet: LivePacket, rate: int) -> None:
        """Know which instant media time belongs to; begin to report once something has been sent."""
        self._origin_s = packet.due_s - packet.pts / rate
        if self._report_timer is None:
            self._report_timer = self._loop.call_soon(self._report)

    def _send_paced(self, packet: RtpPacket) -> int:
        assert self.picture is not None
        if packet.ssrc == self.picture.ssrc:
            self.picture.remember(packet, self._loop.time())
        return self._send(self.picture, packet)

    def _send(self, stream: RtpStream, packet: RtpPacket) -> int:
        now = self._loop.time()
        size = self._protected(stream.write(packet, self._ntp.at(now)))
        self._bandwidth.sent(size, now)
        return size

    def _protected(self, data: bytes, *, control: bool = False) -> int:
        srtp = self._dtls._tx_srtp
        if srtp is None:
            return 0
        try:
            data = srtp.protect_rtcp(data) if control else srtp.protect(data)
            self._wire.send_now(data)
        except (ConnectionError, pylibsrtp.Error) as problem:
            log.debug("a packet could not be sent", problem=repr(problem))
        return len(data)

    def _report(self) -> None:
        """Sender reports of both streams for one and the same instant, by the room's own clock.

        The instant at which a packet happens to be sent would put the event loop's delays into the offset between
        lips and sound; media time and its instants of both are the room's, so the offset is nought by construction.
        """
        now = self._loop.time()
        if self._origin_s is not None:
            for stream in self._streams():
                media_s = now - self._origin_s
                self._protected(
                    stream.report(media_s=media_s, ntp=self._ntp.at(now), now_s=now, name=self._name), control=True
                )
        early = REPORTS_EARLY_S[self._reports + 1 : self._reports + 2]
        self._reports += 1
        self._report_timer = self._loop.call_later(early[0] if early else REPORT_S, self._report)

    def _heard_back(self, packet: AnyRtcpPacket) -> None:
        now = self._loop.time()
        if isinstance(packet, RtcpRrPacket | RtcpSrPacket):
            self._reported(packet, now)
        elif isinstance(packet, RtcpRtpfbPacket) and packet.fmt == RTCP_RTPFB_NACK:
            self._missed(packet, now)
        elif isinstance(packet, RtcpPsfbPacket) and packet.fmt in (RTCP_PSFB_PLI, RTCP_PSFB_FIR):
            self._ask_key(KEY_GAP_S)
        elif isinstance(packet, RtcpPsfbPacket) and packet.fmt == RTCP_PSFB_APP:
            self._estimated(packet, now)

    def _missed(self, packet: RtcpRtpfbPacket, now: float) -> None:
        if self.picture is None or packet.media_ssrc != self.picture.ssrc:
            return
        again, hopeless = self.picture.repeat(packet.lost, now, self._bandwidth.rtt_s or 0.0)
        self._outbox.again(again)
        if hopeless:
            # Players wait for seconds before they ask for one.
            self._ask_key(LOST_GAP_S)

    def _reported(self, packet: RtcpRrPacket | RtcpSrPacket, now: float) -> None:
        for report in packet.reports:
            stream = next((stream for stream in self._streams() if stream.ssrc == report.ssrc), None)
            if stream is None:
                continue
            reception = stream.reception(report, now)
            self.jitter_s = reception.jitter_s
            if reception.rtt_s is not None:
                self._bandwidth.round_trip(reception.rtt_s, now)
            self._bandwidth.lost(reception.lost, now)
        self._outbox.estimate(self._bandwidth.estimate(now))

    def _estimated(self, packet: RtcpPsfbPacket, now: float) -> None:
        try:
            bitrate, ssrcs = unpack_remb_fci(packet.fci)
        except ValueError:
            return
        if any(stream.ssrc in ssrcs for stream in self._streams()):
            self._bandwidth.remb(bitrate, now)
            self._outbox.estimate(self._bandwidth.estimate(now))

    @property
    def estimate(self) -> int | None:
        """Bits a second for pictures: what the connection carries, less the sound."""
        total = self._bandwidth.estimate(self._loop.time())
        return None if total is None else max(total - SOUND_SHARE, total // 2)

    def figures(self) -> dict[str, float | int | str | None]:
        """What the room shows of a viewer."""
        streams = self._streams()
        return {
            "rtt_ms": None if self._bandwidth.rtt_s is None else round(self._bandwidth.rtt_s * 1000, 1),
            "jitter_ms": round(self.jitter_s * 1000, 1),
            "loss": round(self._bandwidth.loss, 4),
            "bitrate": round(self._bandwidth.rate(self._loop.time())),
            "estimate": self.estimate,
            "sent_packets": sum(stream.counters.packets for stream in streams),
            "sent_bytes": sum(stream.counters.bytes for stream in streams),
            "resent_packets": sum(stream.counters.resent for stream in streams),
            "dropped": self._outbox.dropped,
        }

    def close(self) -> None:
        """Say goodbye to the streams and stop the timers."""
        if self._report_timer is not None:
            self._report_timer.cancel()
        self._outbox.close()
        if self._started:
            self._started = False
            for stream in self._streams():
                self._protected(stream.goodbye(), control=True)


class _Routed:
    """What aiortc's DTLS transport hands reports to."""

    def __init__(self, take: Callable[[AnyRtcpPacket], None]) -> None:
        self._take = take

    async def _handle_rtcp_packet(self, packet: AnyRtcpPacket) -> None:
        self._take(packet)


def _parameters(section: Section) -> RTCRtpSendParameters:
    numbers = [(section.extension(uri), uri) for uri in (MID_URI, SEND_TIME_URI)]
    return RTCRtpSendParameters(
        headerExtensions=[RTCRtpHeaderExtensionParameters(id=n, uri=uri) for n, uri in numbers if n is not None],
        muxId=section.mid,
    )


def _extensions(section: Section) -> HeaderExtensionsMap:
    extensions = HeaderExtensionsMap()
    extensions.configure(_parameters(section))
    return extensions


def _picture_stream(section: Section | None) -> RtpStream | None:
    if section is None or section.picture is None:
        return None
    codec = section.picture
    return RtpStream(
        rate=PICTURE_RATE,
        payload_type=cast(int, codec.codec.payloadType),
        resent_type=codec.resent.payloadType if codec.resent else None,
        extensions=_extensions(section),
        mid=section.mid,
    )


def _sound_stream(section: Section | None) -> RtpStream | None:
    if section is None or section.sound is None:
        return None
    return RtpStream(
        rate=SOUND_RATE,
        payload_type=cast(int, section.sound.codec.payloadType),
        extensions=_extensions(section),
        mid=section.mid,
    )
