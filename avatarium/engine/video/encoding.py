"""How files are encoded: the choices, their defaults with the reason beside each, and what is refused."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from avatarium.engine.files import StrPath
from avatarium.errors import OptionError

FRAME_RATES = (24, 25, 30, 50)
PRESETS = ("ultrafast", "superfast", "veryfast", "faster", "fast", "medium", "slow")
METADATA_KEYS = ("title", "artist", "comment", "copyright", "description", "date", "language")
_LARGEST_SIDE = 4096
_SMALLEST_SIDE = 16


class VideoKind(Enum):
    """A kind of file that is written; the value is FFmpeg's name of the container."""

    MP4 = "mp4"
    """H.264 and AAC: plays everywhere, has no alpha."""
    WEBM = "webm"
    """VP9 and Opus: plays in browsers, alpha where asked."""


AAC_OPTIONS = {"aac_coder": "fast"}
"""Of FFmpeg's encoder. Its usual search gets lost in single frames, which then come out up to 2 dB louder; this one is
3 to 10 dB nearer to speech, no worse for music, and takes half the time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EncoderOptions:
    """How pictures and sound are encoded."""

    preset: str = "veryfast"
    """x264's balance of speed and size; "superfast" and "ultrafast" cost less and give larger files."""
    crf: int = 18
    """Quality of H.264, 0 to 51, lower is better: at 18 no difference to the frames is seen."""
    vp9_crf: int = 24
    """Quality of VP9, 0 to 63: 24 is about H.264's 18."""
    vp9_speed: int = 7
    """libvpx's ``cpu-used``, 0 to 8: at 7 VP9 with alpha costs twice what H.264 veryfast does."""
    threads: int = 2
    """Of the encoder. Fixed, not the number of cores: x264's output depends on it, and the same input must give the
    same bytes on every machine."""
    keyframe_s: float = 2.0
    """Longest way between key frames: what a player needs to jump."""
    sound_rate: int = 48000
    """Samples a second in the file, whatever the rate of what is written: 48000 is what every platform takes."""
    sound_bitrate: int = 128_000

    def __post_init__(self) -> None:
        if self.preset not in PRESETS:
            raise OptionError(
                f"There is no preset {self.preset!r}. Choose one of {', '.join(PRESETS)}.", code="preset_unknown"
            )
        if not (0 <= self.crf <= 51 and 0 <= self.vp9_crf <= 63 and 0 <= self.vp9_speed <= 8):
            raise OptionError(
                "The quality must be 0 to 51 for H.264 and 0 to 63 for VP9, the VP9 speed 0 to 8.", code="quality_range"
            )


def kind_of(path: StrPath, *, alpha: bool) -> VideoKind:
    """The kind of file that the name's ending asks for.

    Raises:
        OptionError: ``output_format`` for another ending, ``output_alpha`` for alpha in a kind that has none.
    """
    ending = Path(path).suffix.lower()
    if ending not in (".mp4", ".webm"):
        shown = f"ends in {ending}" if ending else "has no ending"
        raise OptionError(
            f"{Path(path).name} {shown}. Name it .mp4, or .webm for VP9 or a clear background.", code="output_format"
        )
    if alpha and ending == ".mp4":
        raise OptionError("An MP4 file cannot hold a clear background. Name the file .webm.", code="output_alpha")
    return VideoKind.WEBM if ending == ".webm" else VideoKind.MP4


def check_picture(width: int, height: int, fps: int) -> None:
    """Refuse sizes and frame rates that cannot be encoded as 4:2:0 at a constant rate.

    Raises:
        OptionError: ``size_odd``, ``size_range`` or ``fps_unknown``.
    """
    if width % 2 or height % 2:
        even = f"{width + width % 2}x{height + height % 2}"
        raise OptionError(
            f"A video of {width}x{height} cannot be written: use even sides, such as {even}.", code="size_odd"
        )
    if not (min(width, height) >= _SMALLEST_SIDE and max(width, height) <= _LARGEST_SIDE):
        raise OptionError(
            f"A video of {width}x{height} cannot be written: use sides of {_SMALLEST_SIDE} to {_LARGEST_SIDE} pixels.",
            code="size_range",
        )
    if fps not in FRAME_RATES:
        rates = ", ".join(str(rate) for rate in FRAME_RATES)
        raise OptionError(f"{fps} frames a second is not offered. Choose one of {rates}.", code="fps_unknown")
