"""Which of the offered codecs we send: H.264 where it is there, else VP8; Opus."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil

from aiortc.rtcrtpparameters import ParametersDict, RTCRtcpFeedback, RTCRtpCodecParameters

from avatarium.errors import RequestError

H264, VP8 = "h264", "vp8"
AAC_OPTIONS = {"aac_coder": "fast"}
"""Of FFmpeg's encoder, for recordings and for players without Opus: its usual search costs twice as much and comes out
too loud in single frames."""
_FEEDBACK = (("nack", None), ("nack", "pli"), ("ccm", "fir"), ("goog-remb", None))
_PROFILES = ("42e0", "42c0", "4200", "4d00", "640c", "6400")
"""profile_idc and constraints, best first. What we send is constrained baseline, which all of them can decode."""
_LEVEL_SIZES = {10: 99, 11: 396, 12: 396, 13: 396, 20: 396, 21: 792, 22: 1620, 30: 1620, 31: 3600, 32: 5120}
"""Macroblocks of a picture at most, by level (H.264, table A-1); higher levels hold whatever we make."""
_WANTED_LEVEL = "1f"


@dataclass(frozen=True, slots=True, kw_only=True)
class PictureCodec:
    """How pictures are sent to one viewer."""

    name: str
    """``h264`` or ``vp8``."""
    codec: RTCRtpCodecParameters
    resent: RTCRtpCodecParameters | None
    """For packets that are sent again (RFC 4588)."""

    @property
    def agreed(self) -> list[RTCRtpCodecParameters]:
        return [self.codec] + ([self.resent] if self.resent else [])


@dataclass(frozen=True, slots=True, kw_only=True)
class SoundCodec:
    """How sound is sent to one viewer."""

    codec: RTCRtpCodecParameters
    doubled: RTCRtpCodecParameters | None
    """For packets that carry the one before them too (RFC 2198)."""

    @property
    def agreed(self) -> list[RTCRtpCodecParameters]:
        return [self.codec] + ([self.doubled] if self.doubled else [])


def choose_picture(offered: Sequence[RTCRtpCodecParameters], size: tuple[int, int]) -> PictureCodec:
    """What to send pictures in.

    Raises:
        RequestError: ``no_common_codec``.
    """
    fitting = [codec for codec in offered if _is_h264(codec, size)]
    chosen = min(fitting, key=_profile_rank, default=None)
    name, parameters = H264, _h264_parameters(chosen) if chosen else {}
    if chosen is None:
        chosen = next((codec for codec in offered if codec.mimeType.lower() == "video/vp8"), None)
        name = VP8
    if chosen is None:
        raise RequestError(
            "The offer has neither H.264 (packetization-mode 1) nor VP8; one of them must be offered for video.",
            code="no_common_codec",
        )
    return PictureCodec(
        name=name, codec=_agreed(chosen, parameters), resent=_companion(offered, "video/rtx", chosen, 90_000)
    )


def choose_sound(offered: Sequence[RTCRtpCodecParameters]) -> SoundCodec:
    """What to send sound in.

    Raises:
        RequestError: ``no_common_codec``.
    """
    chosen = next((c for c in offered if c.mimeType.lower() == "audio/opus" and c.clockRate == 48_000), None)
    if chosen is None:
        raise RequestError("The offer has no Opus; it must be offered for audio.", code="no_common_codec")
    doubled = next((c for c in offered if c.mimeType.lower() == "audio/red" and c.clockRate == 48_000), None)
    if doubled is not None and not _carries(doubled, chosen):
        doubled = None
    return SoundCodec(
        codec=_agreed(chosen, {"minptime": 10, "useinbandfec": 1}),
        doubled=_agreed(doubled, dict(doubled.parameters)) if doubled else None,
    )


def _is_h264(codec: RTCRtpCodecParameters, size: tuple[int, int]) -> bool:
    if codec.mimeType.lower() != "video/h264" or str(codec.parameters.get("packetization-mode", "0")) != "1":
        return False
    try:
        level = int(_profile(codec)[4:], 16)
    except ValueError:
        return False
    free = str(codec.parameters.get("level-asymmetry-allowed", "0")) == "1"
    blocks = ceil(size[0] / 16) * ceil(size[1] / 16)
    return _profile_rank(codec) < len(_PROFILES) and (free or _LEVEL_SIZES.get(level, blocks) >= blocks)


def _profile(codec: RTCRtpCodecParameters) -> str:
    return str(codec.parameters.get("profile-level-id") or "42e01f").lower()


def _profile_rank(codec: RTCRtpCodecParameters) -> int:
    profile = _profile(codec)[:4]
    return _PROFILES.index(profile) if profile in _PROFILES else len(_PROFILES)


def _h264_parameters(codec: RTCRtpCodecParameters) -> ParametersDict:
    free = str(codec.parameters.get("level-asymmetry-allowed", "0")) == "1"
    profile = _profile(codec)
    return {
        "level-asymmetry-allowed": "1" if free else "0",
        "packetization-mode": "1",
        "profile-level-id": profile[:4] + _WANTED_LEVEL if free else profile,
    }


def _companion(
    offered: Sequence[RTCRtpCodecParameters], kind: str, base: RTCRtpCodecParameters, rate: int
) -> RTCRtpCodecParameters | None:
    for codec in offered:
        fits = codec.mimeType.lower() == kind and codec.clockRate == rate
        if fits and codec.parameters.get("apt") == base.payloadType:
            return _agreed(codec, {"apt": base.payloadType})
    return None


def _carries(doubled: RTCRtpCodecParameters, base: RTCRtpCodecParameters) -> bool:
    """``a=fmtp:63 111/111``: the payload types that RED may hold."""
    held = "".join(f"{name}" for name in doubled.parameters)
    return held.split("/") == [str(base.payloadType)] * len(held.split("/"))


def _agreed(codec: RTCRtpCodecParameters, parameters: ParametersDict) -> RTCRtpCodecParameters:
    offered = {(back.type, back.parameter) for back in codec.rtcpFeedback}
    return RTCRtpCodecParameters(
        mimeType=codec.mimeType,
        clockRate=codec.clockRate,
        channels=codec.channels,
        payloadType=codec.payloadType,
        rtcpFeedback=[RTCRtcpFeedback(type=t, parameter=p) for t, p in _FEEDBACK if (t, p) in offered],
        parameters=parameters,
    )
