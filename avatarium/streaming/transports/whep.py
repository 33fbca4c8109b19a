"""A viewer in a browser, by WHEP (draft-ietf-wish-whep): offer in, answer out, then WebRTC.

aiortc gives DTLS, SRTP, SCTP and decoding. Media is sent by :mod:`.media`: what a room coded once goes to every
viewer, no encoder stands behind a viewer.
"""

from __future__ import annotations

import asyncio
import secrets
from typing import TYPE_CHECKING, cast

import structlog
from aiortc import RTCCertificate, RTCDataChannel, RTCSctpTransport
from aiortc.rtcdtlstransport import RTCDtlsTransport
from aiortc.rtcicetransport import RTCIceTransport

from avatarium.clock import Clock
from avatarium.errors import AvatariumError, ConflictError, OutdatedError
from avatarium.streaming.transports.channels import Channels
from avatarium.streaming.transports.ice import IceSettings
from avatarium.streaming.transports.link import IceIdentity, IceLink
from avatarium.streaming.transports.media import MediaSender
from avatarium.streaming.transports.microphone import Microphone
from avatarium.streaming.transports.rtp import RtpStream
from avatarium.streaming.transports.sdp import (
    Answer,
    Offer,
    Sender,
    read_fragment,
    read_offer,
    write_answer,
    write_fragment,
)
from avatarium.streaming.transports.viewer import Event, LivePacket, ViewerHost

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

HANDSHAKE_S = 15.0
"""From the answer to media; who is not there by then is lost."""
GOODBYE_S = 3.0
"""For which closing waits for a relay that does not answer."""
log = structlog.get_logger()


async def answer_offer(
    host: ViewerHost,
    offer_sdp: str,
    *,
    uid: int,
    may_publish: bool,
    ice: IceSettings,
    size: tuple[int, int],
    alpha: bool = False,
    viewer_address: str = "",
    clock: Clock | None = None,
) -> tuple[WhepViewer, str]:
    """Take a viewer in; the connection is made behind the answer, and the host is told when it is up or lost.

    Args:
        offer_sdp: the body of the POST.
        may_publish: whether sound of a microphone is received.
        size: width and height of the room's pictures.
        alpha: whether their lower half is the mask of the upper one, which the answer tells.
        viewer_address: where the POST came from; a viewer on this machine is offered loopback.

    Raises:
        RequestError: ``bad_sdp`` or ``no_common_codec``.
        UnavailableError: ``no_media_port``.
    """
    offer = read_offer(offer_sdp, may_publish=may_publish, size=size)
    viewer = WhepViewer(host, offer, uid=uid, ice=ice, address=viewer_address, clock=clock or Clock(), alpha=alpha)
    try:
        answer = await viewer.answer()
    except BaseException:
        await viewer.close()
        raise
    return viewer, answer


class WhepViewer:
    """One peer connection; see :class:`avatarium.streaming.transports.viewer.Viewer`."""

    def __init__(
        self,
        host: ViewerHost,
        offer: Offer,
        *,
        uid: int,
        ice: IceSettings,
        address: str,
        clock: Clock,
        alpha: bool = False,
    ) -> None:
        self.id = secrets.token_urlsafe(12)
        self.uid = uid
        self.connected = False
        self._host, self._offer, self._alpha = host, offer, alpha
        self._link = IceLink(ice, offer.remote, viewer=address, name=str(uid), clock=clock, failed=self._lose)
        self._certificate = RTCCertificate.generateCertificate()
        self._dtls = RTCDtlsTransport(cast(RTCIceTransport, self._link), [self._certificate])
        self._dtls._set_role(offer.role)
        self._dtls.on("statechange", self._dtls_changed)
        picture, sound = offer.find("picture"), offer.find("sound")
        self.codec = picture.picture.name if picture and picture.picture else ""
        self._media = MediaSender(
            self._dtls,
            self._link,
            picture=picture,
            sound=sound,
            name=self.id,
            clock=clock,
            want_key=self._want_key,
        )
        self._microphone = self._take_microphone(offer)
        self._channels = Channels(self._channel_closed)
        self._sctp = RTCSctpTransport(self._dtls) if offer.find("channels") else None
        if self._sctp is not None:
            self._sctp.on("datachannel", self._take_channel)
        self._task: asyncio.Task[None] | None = None
        self._closing: asyncio.Task[None] | None = None
        self._over = False

    async def answer(self) -> str:
        """The answer; begins to connect."""
        await self._link.gather()
        self._task = asyncio.create_task(self._connect())
        return write_answer(
            Answer(
                offer=self._offer,
                local=self._link.local,
                candidates=self._link.candidates,
                fingerprints=self._certificate.getFingerprints()[:1],
                senders=self._senders(),
                stream=self.id,
                alpha=self._alpha,
                session=secrets.randbits(62),
            )
        )

    def _senders(self) -> dict[str, Sender]:
        found: dict[str, Sender] = {}
        for what, stream in (("picture", self._media.picture), ("sound", self._media.sound)):
            section = self._offer.find(what)
            if section is not None and stream is not None:
                found[section.mid] = _sender(stream, what)
        return found

    async def _connect(self) -> None:
        try:
            async with asyncio.timeout(HANDSHAKE_S):
                await self._link.add_candidates(self._offer.candidates)
                await self._link.connect()
                await self._dtls.start(self._offer.dtls)
        except (ConnectionError, TimeoutError) as problem:
            log.info("a viewer did not connect", viewer=self.id, problem=repr(problem))
            self._lose()
            return
        if self._dtls.state != "connected":
            self._lose()
            return
        await self._flow()

    async def _flow(self) -> None:
        self._media.start()
        if self._microphone is not None:
            stream = self._media.sound or self._media.picture
            await self._microphone.start(stream.ssrc if stream else 0)
        channels = self._offer.find("channels")
        if self._sctp is not None and channels is not None:
            await self._sctp.start(channels.media.sctpCapabilities, channels.media.sctp_port or 5000)
        self.connected = True
        self._host.viewer_connected(self)

    def _dtls_changed(self) -> None:
        # The peer said goodbye: a browser does when its page goes.
        if self._dtls.state in ("closed", "failed"):
            self._lose()

    def _take_channel(self, channel: RTCDataChannel) -> None:
        self._channels.take(channel)

    def _channel_closed(self) -> None:
        if self._sctp is not None and self._sctp.state == "closed":
            self._lose()

    def _lose(self) -> None:
        if self._over:
            return
        self._over = True
        self.connected = False
        self._host.viewer_lost(self)

    def _want_key(self) -> None:
        if not self._over:
            self._host.want_key(self.codec)

    def _take_microphone(self, offer: Offer) -> Microphone | None:
        section = offer.find("microphone")
        return Microphone(section, self._dtls, self._heard) if section else None

    def _heard(self, pcm: NDArray[np.float32], rate: int) -> None:
        if self.connected:
            self._host.heard(self, pcm, rate)

    async def patch(self, fragment: str, *, if_match: str = "") -> str | None:
        """Further candidates (nothing to answer), or a restart of ICE (answered with a fragment of ours), RFC 8840.

        Args:
            if_match: the header: names of the ICE sessions it is meant for, ``*`` or empty for any. Candidates of a
                session that a restart has ended would else be taken for another restart (RFC 9725, section 4.3).

        Raises:
            OutdatedError: ``ice_session_over``: it is meant for an earlier session.
            RequestError: ``bad_sdp``.
            ConflictError: ``ice_restart_refused``: the viewer is not connected; it has to POST a new offer.
        """
        found = read_fragment(fragment)
        self._check_session(if_match)
        if found.ufrag == self._link.remote.ufrag:
            await self._link.add_candidates(found.candidates)
            return None
        if not self.connected:
            raise ConflictError(
                "This connection cannot be restarted because it is not up; POST a new offer instead.",
                code="ice_restart_refused",
            )
        remote = IceIdentity(ufrag=found.ufrag, password=found.password, lite=self._link.remote.lite)
        try:
            await self._link.restart(remote, found.candidates, within_s=HANDSHAKE_S)
        except AvatariumError as problem:
            raise ConflictError(
                f"This connection cannot be restarted: {problem.message} POST a new offer instead.",
                code="ice_restart_refused",
            ) from problem
        first = next(section for section in self._offer.sections if section.accepted)
        return write_fragment(self._link.local, self._link.candidates, first.mid)

    def _check_session(self, if_match: str) -> None:
        tags = {tag.strip().strip('"') for tag in if_match.split(",")} - {""}
        if tags and not tags & {"*", self._link.local.ufrag}:
            raise OutdatedError(
                "This belongs to an ICE session that a restart has ended; send what belongs to the present one.",
                code="ice_session_over",
            )

    def send_picture(self, packet: LivePacket) -> None:
        """See :class:`.viewer.Viewer`."""
        self._media.send_picture(packet)

    def send_sound(self, packet: LivePacket) -> None:
        """See :class:`.viewer.Viewer`."""
        self._media.send_sound(packet)

    def send_event(self, event: Event) -> None:
        """See :class:`.viewer.Viewer`."""
        if not self._over:
            self._channels.send(event)

    @property
    def estimated_bitrate(self) -> int | None:
        """See :class:`.viewer.Viewer`."""
        return self._media.estimate

    def figures(self) -> dict[str, float | int | str | None]:
        """See :class:`.viewer.Viewer`."""
        return {
            **self._media.figures(),
            "transport": "webrtc",
            "codec": self.codec,
            "path": self._link.path,
            "dropped_events": self._channels.dropped,
        }

    async def close(self) -> None:
        """Say goodbye and let go of everything; who calls it twice waits for the first."""
        self._over = True
        self.connected = False
        if self._closing is None:
            self._closing = asyncio.create_task(self._close())
        await asyncio.shield(self._closing)

    async def _close(self) -> None:
        if self._task is not None and self._task is not asyncio.current_task():
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        self._media.close()
        if self._microphone is not None:
            await self._microphone.close()
        if self._sctp is not None:
            await self._sctp.stop()
        pump = self._dtls._task
        await self._dtls.stop()
        if pump is not None:
            await asyncio.gather(pump, return_exceptions=True)
        self._dtls.remove_all_listeners()
        try:
            async with asyncio.timeout(GOODBYE_S):
                await self._link.close()
        except TimeoutError:
            log.warning("a relay does not answer a goodbye", viewer=self.id)


def _sender(stream: RtpStream, what: str) -> Sender:
    return Sender(ssrc=stream.ssrc, resent_ssrc=stream.resent_ssrc if stream.resent_type else None, track=what)
