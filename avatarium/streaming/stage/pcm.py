"""Bare samples as clients push them, into floats; what is no such thing is told apart."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from avatarium.errors import RequestError, TooLargeError

if TYPE_CHECKING:
    from avatarium.engine.speech import Samples

RATE_MIN, RATE_MAX = 8000, 48_000
FORMATS = {"s16le": 2, "f32le": 4}
"""Bytes of a sample."""
MESSAGE_MAX_BYTES = 1 << 20
LOUDEST = 4.0
"""Floats beyond are no sound between -1 and 1, a little overdriven, but something else read as floats."""
QUIET = 0.001
"""-60 dBFS: below it nobody speaks."""
_FILES = {b"RIFF": "WAV", b"OggS": "Ogg", b"fLaC": "FLAC", b"ID3": "MP3", b"\x1aE\xdf\xa3": "WebM"}


@dataclass(frozen=True, slots=True, kw_only=True)
class PcmFormat:
    """How samples are written."""

    rate: int
    format: str = "s16le"
    channels: int = 1

    @classmethod
    def of(cls, message: dict[str, Any]) -> PcmFormat:
        """As the first message of a connection tells it.

        Raises:
            RequestError: ``bad_sound_format``.
        """
        rate, kind, channels = message.get("sample_rate"), message.get("format", "s16le"), message.get("channels", 1)
        if not isinstance(rate, int) or isinstance(rate, bool) or not RATE_MIN <= rate <= RATE_MAX:
            raise _bad_format(f"sample_rate must be a whole number from {RATE_MIN} to {RATE_MAX}")
        if not isinstance(kind, str) or kind not in FORMATS:
            raise _bad_format(f"format must be one of {', '.join(FORMATS)}")
        if not isinstance(channels, int) or isinstance(channels, bool) or channels not in (1, 2):
            raise _bad_format("channels must be 1 or 2")
        return cls(rate=rate, format=kind, channels=channels)

    def decode(self, data: bytes, *, first: bool = False) -> Samples:
        """Samples as mono floats.

        Args:
            data: one message.
            first: whether it is the first, in which the head of a file would stand.

        Raises:
            RequestError: ``bad_sound``: it is not what was announced.
            TooLargeError: ``sound_message_too_large``.
        """
        import numpy as np

        self._check(data, first)
        if self.format == "s16le":
            samples = np.frombuffer(data, "<i2").astype(np.float32) / 32768
        else:
            samples = np.frombuffer(data, "<f4").astype(np.float32)
            if not np.isfinite(samples).all() or np.abs(samples).max(initial=0) > LOUDEST:
                raise RequestError(
                    "Samples of f32le lie between -1 and 1, and these do not. Is it s16le?", code="bad_sound"
                )
        mono = samples.reshape(-1, self.channels).mean(axis=1) if self.channels > 1 else samples
        return np.asarray(np.clip(mono, -1, 1), dtype=np.float32)

    def _check(self, data: bytes, first: bool) -> None:
        if len(data) > MESSAGE_MAX_BYTES:
            raise TooLargeError(
                "A message of sound takes 1 MB at most. Send smaller ones.", code="sound_message_too_large"
            )
        frame = FORMATS[self.format] * self.channels
        if len(data) % frame:
            raise RequestError(
                f"A message of {len(data)} bytes does not hold whole samples: {self.format} with {self.channels} "
                f"channel{'s' * (self.channels > 1)} has {frame} bytes each. Cut messages between samples.",
                code="bad_sound",
            )
        kind = next((name for head, name in _FILES.items() if data.startswith(head)), "") if first else ""
        if kind:
            raise RequestError(
                f"This is a {kind} file, not bare samples. Decode it first, or give its address as audio_url.",
                code="bad_sound",
            )


def _bad_format(what: str) -> RequestError:
    return RequestError(
        f'The first message tells how the sound is written, and {what}. Send {{"sample_rate": 16000, "format": '
        '"s16le", "channels": 1}.',
        code="bad_sound_format",
    )
