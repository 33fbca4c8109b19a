"""Visible marks: words or a logo over pictures and videos.

What draws is resolved on first use, so that whoever only checks a mark loads no libraries of pictures and video.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from avatarium.engine.watermark.marks import LogoMark, Mark, Position, TextMark

if TYPE_CHECKING:
    from avatarium.engine.watermark.picture import picture_ending, watermark_picture
    from avatarium.engine.watermark.video import video_ending, watermark_video

_HOMES = {
    **dict.fromkeys(("picture_ending", "watermark_picture"), "picture"),
    **dict.fromkeys(("video_ending", "watermark_video"), "video"),
}

__all__ = [
    "LogoMark",
    "Mark",
    "Position",
    "TextMark",
    "picture_ending",
    "video_ending",
    "watermark_picture",
    "watermark_video",
]


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{home}"), name)
