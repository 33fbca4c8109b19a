"""Offers read, answers written (RFC 8829, RFC 8866, RFC 9429; WHEP), and the fragments of trickle ICE (RFC 8840).

An answer is ours line by line: what a viewer asks for beyond one picture, one sound, one microphone and data
channels is refused section by section, as the standard has it, and the rest works.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import aioice
from aiortc.rtcdtlstransport import RTCDtlsFingerprint, RTCDtlsParameters
from aiortc.rtcrtpparameters import RTCRtpCodecParameters
from aiortc.sdp import MediaDescription, SessionDescription, candidate_from_sdp

from avatarium.errors import RequestError
from avatarium.streaming.transports.codecs import PictureCodec, SoundCodec, choose_picture, choose_sound
from avatarium.streaming.transports.link import IceIdentity

OFFER_MAX = 64_000
"""Characters. A browser's offer has 5,000 to 10,000."""
SECTIONS_MAX = 16
MID_URI = "urn:ietf:params:rtp-hdrext:sdes:mid"
SEND_TIME_URI = "http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time"
ALPHA = "a=x-alpha:below"
"""An attribute of ours: the lower half of the picture is the mask of the upper one. Others skip it, as they have to."""
MESSAGE_MAX = 65_536
SCTP_PORT = 5000
_TOKEN = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`{|}~-]{1,16}")
_ICE = re.compile(r"[A-Za-z0-9+/]{4,256}")
_ROLES = {"auto": "client", "client": "server", "server": "client"}
"""Ours in DTLS, by what the offer says it would be: where it leaves the choice we begin, which saves a round trip."""
# What aiortc's parser raises on text that is no SDP.
_GARBAGE = (ValueError, AssertionError, AttributeError, IndexError, KeyError, TypeError, StopIteration)


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """One media section of an offer, and what becomes of it."""

    media: MediaDescription
    mid: str
    picture: PictureCodec | None = None
    sound: SoundCodec | None = None
    microphone: bool = False
    channels: bool = False

    @property
    def accepted(self) -> bool:
        return bool(self.picture or self.sound or self.microphone or self.channels)

    @property
    def direction(self) -> str:
        """Ours."""
        sends = self.picture is not None or self.sound is not None
        return {(True, True): "sendrecv", (True, False): "sendonly", (False, True): "recvonly"}.get(
            (sends, self.microphone), "inactive"
        )

    def extension(self, uri: str) -> int | None:
        """Number of an RTP header extension, where it was offered and fits the short form (RFC 8285)."""
        ids = [ext.id for ext in self.media.rtp.headerExtensions if ext.uri == uri and 1 <= ext.id <= 14]
        return ids[0] if ids else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """What a viewer wants."""

    sections: tuple[Section, ...]
    remote: IceIdentity
    dtls: RTCDtlsParameters
    role: str
    """Ours in DTLS: ``client`` or ``server``."""
    candidates: tuple[aioice.Candidate, ...]

    def find(self, what: str) -> Section | None:
        """The section for ``picture``, ``sound``, ``microphone`` or ``channels``."""
        return next((section for section in self.sections if getattr(section, what)), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Fragment:
    """Candidates that came later, or another session's (RFC 8840)."""

    ufrag: str
    password: str
    candidates: tuple[aioice.Candidate, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sender:
    """What the answer says of a stream of ours."""

    ssrc: int
    resent_ssrc: int | None
    track: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What is filled into an answer."""

    offer: Offer
    local: IceIdentity
    candidates: Sequence[aioice.Candidate]
    fingerprints: Sequence[RTCDtlsFingerprint]
    senders: dict[str, Sender]
    """By mid."""
    stream: str
    """Name of the media stream; sound and picture of one stream are kept together by browsers."""
    session: int
    alpha: bool = False
    """Whether the lower half of the pictures is the mask of the upper one."""


def read_offer(text: str, *, may_publish: bool, size: tuple[int, int]) -> Offer:
    """Understand an offer and choose what to answer.

    Args:
        text: of the type application/sdp.
        may_publish: whether the viewer may send the sound of a microphone.
        size: width and height of the pictures; H.264 is passed over where it was offered for smaller ones.

    Raises:
        RequestError: ``bad_sdp`` where it is none or lacks what WebRTC demands, ``no_common_codec`` where nothing
            that we send can be played.
    """
    session = _parsed(text)
    live = [media for media in session.media if media.port or media.kind == "application"]
    if not live:
        raise _bad("it asks for no sound and no picture; offer to receive audio and video")
    bundled = {str(mid) for group in session.group if group.semantic == "BUNDLE" for mid in group.items}
    if len(live) > 1 and not all(media.rtp.muxId in bundled for media in live):
        raise _bad("its sections are not bundled; offer a=group:BUNDLE with all of them")
    sections = _chosen(session.media, may_publish=may_publish, size=size)
    first = next((section for section in sections if section.accepted), None)
    if not any(section.picture or section.sound for section in sections) or first is None:
        raise _bad("it asks for no sound and no picture; offer to receive audio and video")
    return _offer(sections, first.media)


def _parsed(text: str) -> SessionDescription:
    if len(text) > OFFER_MAX:
        raise _bad(f"it has more than {OFFER_MAX} characters")
    try:
        session = SessionDescription.parse(text)
    except _GARBAGE as problem:
        raise _bad("it cannot be read; send the browser's offer as it is, as application/sdp") from problem
    if not text.lstrip().startswith("v=0") or len(session.media) > SECTIONS_MAX:
        raise _bad("it cannot be read; send the browser's offer as it is, as application/sdp")
    mids = [media.rtp.muxId for media in session.media]
    if len(set(mids)) != len(mids) or not all(mid and _TOKEN.fullmatch(mid) for mid in mids):
        raise _bad("its sections need an a=mid each, all different")
    return session


def _chosen(offered: Sequence[MediaDescription], *, may_publish: bool, size: tuple[int, int]) -> tuple[Section, ...]:
    sections: list[Section] = []
    for media in offered:
        picture, sound, microphone = None, None, False
        receives = media.direction in ("recvonly", "sendrecv", None) and bool(media.port) and media.rtcp_mux
        sends = media.direction in ("sendonly", "sendrecv", None) and bool(media.port) and media.rtcp_mux
        if media.kind == "video" and receives and not any(section.picture for section in sections):
            picture = choose_picture(media.rtp.codecs, size)
        elif media.kind == "audio":
            if receives and not any(section.sound for section in sections):
                sound = choose_sound(media.rtp.codecs)
            free = may_publish and sends and not any(section.microphone for section in sections)
            microphone = free and (sound or choose_sound(media.rtp.codecs)) is not None
        channels = media.kind == "application" and "webrtc-datachannel" in map(str, media.fmt)
        sections.append(
            Section(
                media=media,
                mid=media.rtp.muxId,
                picture=picture,
                sound=sound,
                microphone=microphone,
                channels=channels and not any(section.channels for section in sections),
            )
        )
    return tuple(sections)


def _offer(sections: tuple[Section, ...], first: MediaDescription) -> Offer:
    ice, dtls = first.ice, first.dtls
    if not (ice and ice.usernameFragment and ice.password and _ICE.fullmatch(ice.usernameFragment)):
        raise _bad("it has no a=ice-ufrag and a=ice-pwd")
    if dtls is None or not any(print_.algorithm.lower() == "sha-256" for print_ in dtls.fingerprints):
        raise _bad("it has no a=fingerprint:sha-256 with a=setup")
    return Offer(
        sections=sections,
        remote=IceIdentity(ufrag=ice.usernameFragment, password=ice.password, lite=ice.iceLite),
        dtls=dtls,
        role=_ROLES[dtls.role],
        candidates=tuple(_aioice(found) for section in sections for found in section.media.ice_candidates),
    )


def _aioice(found: object) -> aioice.Candidate:
    from aiortc.rtcicetransport import RTCIceCandidate, candidate_to_aioice

    assert isinstance(found, RTCIceCandidate)
    candidate = candidate_to_aioice(found)
    candidate.component = 1
    return candidate


def _bad(why: str) -> RequestError:
    return RequestError(f"The offer cannot be used: {why}.", code="bad_sdp")


def read_fragment(text: str) -> Fragment:
    """Understand the body of a PATCH (application/trickle-ice-sdpfrag).

    Raises:
        RequestError: ``bad_sdp``.
    """
    ufrag = password = ""
    candidates: list[aioice.Candidate] = []
    try:
        for line in text[:OFFER_MAX].splitlines():
            name, _, value = line.strip().removeprefix("a=").partition(":")
            if name == "ice-ufrag" and not ufrag:
                ufrag = value
            elif name == "ice-pwd" and not password:
                password = value
            elif name == "candidate":
                candidates.append(_aioice(candidate_from_sdp(value)))
    except _GARBAGE as problem:
        raise RequestError("A candidate in the fragment cannot be read.", code="bad_sdp") from problem
    if not _ICE.fullmatch(ufrag) or not _ICE.fullmatch(password):
        raise RequestError(
            "The fragment needs a=ice-ufrag and a=ice-pwd of the session that its candidates belong to (RFC 8840).",
            code="bad_sdp",
        )
    return Fragment(ufrag=ufrag, password=password, candidates=tuple(candidates))


def write_fragment(local: IceIdentity, candidates: Sequence[aioice.Candidate], mid: str) -> str:
    """Our side of a restarted session."""
    return _lines(
        f"a=ice-ufrag:{local.ufrag}",
        f"a=ice-pwd:{local.password}",
        "a=ice-options:trickle ice2",
        "m=audio 9 UDP/TLS/RTP/SAVPF 0",
        f"a=mid:{mid}",
        *(f"a=candidate:{candidate.to_sdp()}" for candidate in candidates),
        "a=end-of-candidates",
    )


def write_answer(answer: Answer) -> str:
    """The text of an answer."""
    accepted = [section for section in answer.offer.sections if section.accepted]
    head = (
        "v=0",
        f"o=- {answer.session} 1 IN IP4 0.0.0.0",
        "s=-",
        "t=0 0",
        "a=group:BUNDLE " + " ".join(section.mid for section in accepted),
        "a=msid-semantic:WMS *",
    )
    bodies = (
        _section(answer, section, first=section is accepted[0]) if section.accepted else _refused(section)
        for section in answer.offer.sections
    )
    return _lines(*head) + "".join(bodies)


def _refused(section: Section) -> str:
    media = section.media
    return _lines(
        f"m={media.kind} 0 {media.profile} {' '.join(map(str, media.fmt))}",
        "c=IN IP4 0.0.0.0",
        "a=inactive",
        f"a=mid:{section.mid}",
    )


def _section(answer: Answer, section: Section, *, first: bool) -> str:
    body = _channels(section) if section.channels else _streams(answer, section)
    return _lines(*body, *_transport(answer, first=first))


def _channels(section: Section) -> list[str]:
    return [
        f"m=application 9 {section.media.profile} webrtc-datachannel",
        "c=IN IP4 0.0.0.0",
        f"a=mid:{section.mid}",
        f"a=sctp-port:{SCTP_PORT}",
        f"a=max-message-size:{MESSAGE_MAX}",
    ]


def _streams(answer: Answer, section: Section) -> list[str]:
    codecs = codecs_of(section)
    lines = [
        f"m={section.media.kind} 9 {section.media.profile} {' '.join(str(codec.payloadType) for codec in codecs)}",
        "c=IN IP4 0.0.0.0",
        "a=rtcp:9 IN IP4 0.0.0.0",
        f"a={section.direction}",
        f"a=mid:{section.mid}",
        "a=rtcp-mux",
        "a=rtcp-rsize",
    ]
    for uri in (MID_URI, SEND_TIME_URI):
        if (number := section.extension(uri)) is not None:
            lines.append(f"a=extmap:{number} {uri}")
    for codec in codecs:
        lines += _codec(codec)
    if section.picture is not None and answer.alpha:
        lines.append(ALPHA)
    if sender := answer.senders.get(section.mid):
        lines += _ssrcs(sender, answer.stream)
    return lines


def codecs_of(section: Section) -> list[RTCRtpCodecParameters]:
    """What is agreed on for a section, the first in use."""
    if section.picture is not None:
        return section.picture.agreed
    sound = section.sound or choose_sound(section.media.rtp.codecs)
    return sound.agreed if sound is not None else []


def _codec(codec: RTCRtpCodecParameters) -> list[str]:
    lines = [f"a=rtpmap:{codec.payloadType} {codec}"]
    lines += [
        f"a=rtcp-fb:{codec.payloadType} {' '.join(filter(None, (back.type, back.parameter)))}"
        for back in codec.rtcpFeedback
    ]
    if codec.parameters:
        written = ";".join(name if value is None else f"{name}={value}" for name, value in codec.parameters.items())
        lines.append(f"a=fmtp:{codec.payloadType} {written}")
    return lines


def _ssrcs(sender: Sender, stream: str) -> list[str]:
    ssrcs = [sender.ssrc] + ([sender.resent_ssrc] if sender.resent_ssrc is not None else [])
    group = [f"a=ssrc-group:FID {sender.ssrc} {sender.resent_ssrc}"] if len(ssrcs) == 2 else []
    return [f"a=msid:{stream} {sender.track}", *group, *(f"a=ssrc:{ssrc} cname:{stream}" for ssrc in ssrcs)]


def _transport(answer: Answer, *, first: bool) -> list[str]:
    setup = "active" if answer.offer.role == "client" else "passive"
    lines = [
        f"a=ice-ufrag:{answer.local.ufrag}",
        f"a=ice-pwd:{answer.local.password}",
        "a=ice-options:trickle ice2",
        *(f"a=fingerprint:{print_.algorithm} {print_.value}" for print_ in answer.fingerprints),
        f"a=setup:{setup}",
    ]
    if first:
        lines += [f"a=candidate:{candidate.to_sdp()}" for candidate in answer.candidates]
        lines.append("a=end-of-candidates")
    return lines


def _lines(*lines: str) -> str:
    return "".join(line + "\r\n" for line in lines)
